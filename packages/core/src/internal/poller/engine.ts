import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Gate from "../../Gate.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import { asksOnInterrupt } from "../machine/ending.ts"
import * as event from "../machine/event.ts"
import { stepForeign } from "../single/foreign.ts"
import * as machine from "../machine/machine.ts"
import { endingOf } from "../telemetry.ts"
import { receipt, withFloor } from "../machine/token.ts"
import {
  advance,
  alarmAt,
  longestCheck,
  make as makeWait,
  type Timeline,
  timeline,
  type Wait
} from "../machine/wait.ts"
import { Agenda } from "./agenda.ts"
import { Alarms, type Guarded, isGuarded } from "./alarms.ts"
import { Bounds, type Limits } from "./bounds.ts"
import { type Crew, Departures, gateOpened } from "./dispatcher.ts"
import { DueHeap } from "./timerQueue.ts"
import { Errand, errandOf, standsInLine } from "./inFlight.ts"
import { type Group, groupOf, type Office } from "./group.ts"
import type { Holder } from "./holder.ts"
import * as checks from "./batchCheck.ts"
import { endOf, floorOf } from "./target.ts"
import { most, Slice } from "./slice.ts"
import { Timer } from "./timer.ts"
import { type Stopped, windUp } from "./interrupt.ts"

/**
 * The second host of the machine: it drives many waits with one timer, and has a fiber only for what is under way.
 *
 * `sleepers` holds the waits that sleep, `alarms` what has to be given up at some time: what is under way, and the wait that
 * stands in line for a check. Which checks begin, and when, is the business of `departures`.
 *
 * Whatever happens comes in through `enter` and goes out through `exit`, where lines are served and the timer is set: what
 * happens meanwhile, a check that ends at once for one, is part of it, so that no stack grows.
 */
export class Engine implements Office, Crew {
  readonly time: Timeline
  readonly random: () => number
  readonly bounds: Bounds
  /** How many waits ended, by how. */
  readonly endings: Record<string, number> = {}
  lastExit: Exit.Exit<unknown, unknown> | undefined
  private readonly limits: Limits
  private readonly clock: Clock.Clock
  private readonly fork: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>
  private readonly ended: (group: Group) => void
  private readonly sleepers = new DueHeap<Wait>(
    (wait, due) => wait.stage.phase === "waiting" && this.wakeAt(wait) === due
  )
  private readonly alarms = new Alarms()
  private readonly slice = new Slice()
  private readonly departures: Departures
  /** What runs code of users, and has to wait until nothing is half done, since that may come back here. */
  private readonly postponed = new Agenda()
  /** What is done at the end, when whatever happened is over. */
  private readonly actions = new Agenda()
  private isActing = false
  private readonly timer: Timer
  /** Whether the timer may have to be set anew. */
  private unsettled = true
  /** Whether it stopped in the middle of what is due, for others to have a turn. */
  private isUnfinished = false
  private busy = false
  closed = false

  constructor(
    clock: Clock.Clock,
    random: () => number,
    limits: Limits,
    fork: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>,
    ended: (group: Group) => void
  ) {
    this.fork = fork
    this.ended = ended
    this.clock = clock
    this.random = random
    this.limits = limits
    this.bounds = new Bounds(limits)
    this.departures = new Departures(this, this.bounds, this.slice)
    this.timer = new Timer(clock, fork, () => this.tick())
    this.time = timeline(clock.currentTimeMillisUnsafe())
  }

  /** Begins a wait, anew or from a token; a first check may be put off by at most `stagger` milliseconds. */
  add(
    group: Group,
    key: string,
    rawKey: unknown,
    holder: Holder,
    options: { readonly token: ResumeToken | undefined; readonly stagger: number }
  ): Wait {
    const { policy, site } = group
    const wait = makeWait(group, key, rawKey, holder)
    const outer = this.enter()
    try {
      const { base, now } = this.time
      const former = site.find(key)
      // What the server asked of the others, it asks of this one too.
      const floor = floorOf(former)
      const token = withFloor(options.token, floor > now ? base + floor : undefined, () =>
        receipt(policy, key, base + now)
      )
      const known = policy.since === undefined ? endOf(former, now, this.limits.linger) : undefined
      const stagger = options.stagger > 0 ? site.stagger(now, options.stagger, this.random) : 0
      site.add(wait, former)
      const command = machine.step(wait, event.started(token, stagger, this.putOff(wait)))
      if (known !== undefined && this.mayCheck(wait, command)) this.advise(wait, event.checked(known))
      else this.obey(wait, command)
      if (site.isNews(wait)) this.tellFloor(wait)
    } finally {
      this.exit(outer)
    }
    return wait
  }

  /** By how many milliseconds a first check is put off that is due at once, if it is. */
  private putOff(wait: Wait): number | undefined {
    const later = this.limits.coalesce > 0 ? undefined : this.departures.putOff(wait)
    // In the next turn.
    if (later === 0) this.isUnfinished = this.unsettled = true
    return later
  }

  /** Whether a wait that has just begun checks once, so that it can be told what others saw. */
  private mayCheck(wait: Wait, command: event.Command): boolean {
    if (command === "gate") return machine.step(wait, gateOpened) === "check"
    return command === "check" || machine.step(wait, event.joined) === "check"
  }

  /** Does several things at one time. */
  together(act: () => void): void {
    const outer = this.enter()
    try {
      act()
    } finally {
      this.exit(outer)
    }
  }

  /** Tells the machine what happened to a wait, and does what it says. */
  tell(wait: Wait, happened: event.Event): void {
    this.together(() => this.step(wait, happened))
  }

  /** Ends waits as interrupted that have not ended, all at once; the effect does what is left to do, and waits for it. */
  stop(waits: Iterable<Wait>): Effect.Effect<void> {
    const stopped: Array<Stopped> = []
    this.together(() => {
      for (const wait of waits) {
        if (wait.stage.phase === "ended") continue
        stopped.push({ wait, errand: errandOf(wait), asks: asksOnInterrupt(wait) })
        this.step(wait, event.stopped)
      }
    })
    return windUp(stopped, this.fork)
  }

  /** Wakes up no more; all waits have been stopped. */
  close(): void {
    this.closed = true
    this.timer.clear()
    this.departures.endTick(Number.POSITIVE_INFINITY)
  }

  later(action: () => void): void {
    this.actions.push(action)
  }

  hasRoom(wait: Wait): boolean {
    return this.departures.hasRoom(wait)
  }

  // -- time --

  private enter(): boolean {
    if (this.busy) return false
    this.busy = true
    advance(this.time, this.clock.currentTimeMillisUnsafe())
    return true
  }

  private exit(outer: boolean): void {
    if (!outer) return
    try {
      this.runPostponed()
      this.serve()
    } finally {
      this.busy = false
      if (this.unsettled && !this.closed) {
        this.unsettled = false
        this.timer.set(this.nextAt(this.time.now), this.time.now, this.isUnfinished)
      }
    }
    if (!this.actions.isEmpty && !this.isActing) this.act()
  }

  /** One after the other, those included that come meanwhile: who is told of a wait is told in order. */
  private act(): void {
    this.isActing = true
    try {
      this.actions.run()
    } finally {
      this.isActing = false
    }
  }

  /** Lets checks begin for those who stand in line, as far as there is room. */
  private serve(): void {
    while (this.departures.hasLines) {
      if (this.departures.serve(this.restAt)) this.isUnfinished = this.unsettled = true
      // What is over by that leaves room to the others.
      if (!this.runPostponed()) return
    }
  }

  /** Tells whether there was any. */
  private runPostponed(): boolean {
    if (this.postponed.isEmpty) return false
    this.postponed.run()
    return true
  }

  /** When the first is due of those that a turn has not come to. */
  private get restAt(): number {
    return this.isUnfinished ? this.sleepers.next() : Number.POSITIVE_INFINITY
  }

  private nextAt(now: number): number {
    if (this.isUnfinished) return now
    return Math.min(this.sleepers.next(), this.alarms.next(now), this.departures.gatheredAt(now))
  }

  private tick(): void {
    this.unsettled = true
    const outer = this.enter()
    try {
      const { now } = this.time
      // An alarm that is set from here on, for now, is for the next tick: what it guards has its chance first.
      const overdue = this.alarms.take(now)
      this.departures.startTick(now)
      this.isUnfinished = this.wakeAll(now)
      this.departures.endTick(this.restAt)
      this.serve()
      for (const item of overdue) if (isGuarded(item)) this.giveUp(item, now)
    } finally {
      this.exit(outer)
    }
  }

  /** Wakes those who sleep until now; tells whether it stopped for others to have a turn. */
  private wakeAll(now: number): boolean {
    for (;;) {
      // Many at once, before any of them checks: a heap is read faster then than between checks.
      const due = this.sleepers.takeAll(now, most)
      if (due.length === 0) return false
      for (const wait of due) if (wait.stage.phase === "waiting" && alarmAt(wait) <= now) this.advise(wait, event.due)
      this.runPostponed()
      advance(this.time, this.clock.currentTimeMillisUnsafe())
      if (this.slice.woke(due.length, this.time.now)) return true
    }
  }

  /** Tells those who give up by now what they wait for; they leave it. */
  private giveUp(item: Guarded, now: number): void {
    if (!(item instanceof Errand)) return void this.advise(item, event.overdue)
    const overdue = item.waits.filter(({ nextAt }) => nextAt <= now)
    // All of them have left before one goes on: otherwise it would find the others there, and join them.
    for (const wait of overdue) this.leave(wait)
    this.runPostponed()
    for (const wait of overdue) this.advise(wait, event.overdue)
    item.nextAt = Number.POSITIVE_INFINITY
    for (const wait of item.waits) item.guard(wait)
    this.guard(item)
  }

  // -- the machine --

  /** A step of a wait that may stand in one of the heaps. */
  step(wait: Wait, happened: event.Event): void {
    const { nextAt, stage } = wait
    const isInLine = standsInLine(wait)
    if (nextAt <= this.timer.at + 1 || this.departures.hasLines) this.unsettled = true
    if (this.advise(wait, happened) === "continue") return
    if (stage.phase === "waiting") this.sleepers.drop()
    else if (isInLine) this.alarms.drop(nextAt)
  }

  private advise(wait: Wait, happened: event.Event): event.Command {
    const command = machine.step(wait, happened)
    this.obey(wait, command)
    return command
  }

  private obey(wait: Wait, command: event.Command): void {
    if (command === "continue") return
    this.leave(wait)
    switch (command) {
      case "sleep":
        return this.sleep(wait)
      case "check":
        return this.departures.board(wait)
      case "gate":
        this.unsettled = true
        return this.departures.stand(wait)
      case "step":
        return this.send(wait, stepForeign(wait))
      case "cancel":
        return this.cancel(wait)
      case "end":
        return this.finish(wait)
    }
  }

  private sleep(wait: Wait): void {
    const at = this.wakeAt(wait)
    if (at === Number.POSITIVE_INFINITY) return
    if (at < this.timer.at) this.unsettled = true
    this.sleepers.push(wait, at)
  }

  /** When a sleeping wait is to be woken: where checks are gathered, at the end of the time within which they are. */
  private wakeAt(wait: Wait): number {
    const alarm = alarmAt(wait)
    const slack = groupOf(wait).site.batch?.slack ?? this.limits.coalesce
    if (slack === 0) return alarm
    const gathered = Math.ceil(alarm / slack) * slack
    // The answer of a last check would come too late.
    return gathered + longestCheck(wait) <= wait.deadlineAt ? gathered : alarm
  }

  private finish(wait: Wait): void {
    const group = groupOf(wait)
    group.site.retire(wait, this.limits.linger)
    const exit = this.lastExit!
    const ending = endingOf(exit as Parameters<typeof endingOf>[0])
    this.endings[ending] = (this.endings[ending] ?? 0) + 1
    this.later(() => {
      ;(wait.holder as Holder).ended(wait, exit)
      this.ended(group)
    })
  }

  // -- what is under way --

  join(wait: Wait, errand: Errand): void {
    const guardedBefore = errand.nextAt
    errand.add(wait)
    if (wait.stage.phase === "checking") errand.site.crowdOf(wait)?.checks(wait)
    // What has not begun is guarded when it does.
    if (!errand.begun || errand.nextAt === guardedBefore) return
    this.alarms.drop(guardedBefore)
    this.guard(errand)
  }

  guard(item: Guarded): void {
    if (item.nextAt <= this.timer.at) this.unsettled = true
    this.alarms.set(item)
  }

  unguard({ nextAt }: Guarded): void {
    this.alarms.drop(nextAt)
  }

  private leave(wait: Wait): void {
    const errand = errandOf(wait)
    if (errand === undefined) return
    wait.errand = undefined
    if (errand.over) return
    errand.remove(wait)
    if (mayBeJoinedWithout(wait, errand)) errand.site.keepKey(wait.key, errand)
    if (!errand.isEmpty) return
    if (errand.begun) this.alarms.drop(errand.nextAt)
    errand.nextAt = Number.POSITIVE_INFINITY
    // Not waited for; but it counts until it is over.
    const { fiber } = errand
    if (fiber !== undefined) this.postponed.push(() => fiber.interruptUnsafe())
  }

  /** Runs what some waits have joined. */
  start(errand: Errand, effect: Effect.Effect<unknown, unknown, unknown>): void {
    if (this.slice.began()) advance(this.time, this.clock.currentTimeMillisUnsafe())
    this.bounds.count(errand, 1)
    // A check that nobody waits for any more is over before another one at its key begins; by that, this one may be empty.
    if (errand.kind !== "task" && this.runPostponed() && errand.isEmpty) return this.bounds.count(errand, -1)
    errand.begun = true
    this.guard(errand)
    const fiber = groupOf(errand.anyone).fork(effect)
    errand.fiber = fiber
    // It may have removed its own wait.
    if (errand.isEmpty) this.postponed.push(() => fiber.interruptUnsafe())
    fiber.addObserver((exit) => this.land(errand, exit))
  }

  /** Tells those who are still there of what came of it. */
  private land(errand: Errand, exit: Exit.Exit<unknown, unknown>): void {
    errand.over = true
    this.slice.landed()
    errand.site.forgetKeys(errand)
    this.bounds.count(errand, -1)
    if (this.closed) return
    const outer = this.enter()
    try {
      if (errand.isEmpty) return
      this.alarms.drop(errand.nextAt)
      if (errand.nextAt <= this.timer.at + 1) this.unsettled = true
      if (errand.kind === "gate") return this.departures.admitted(errand.waits, exit as Exit.Exit<Gate.Answer>)
      const { only, site } = errand
      const tells = site.isShared && errand.anyone.rare.fallbackKey === undefined
      if (only !== undefined) this.step(only, checks.happened(errand, only, exit))
      else for (const wait of errand.waits) this.step(wait, checks.happened(errand, wait, exit))
      if (tells) this.tellFloors(errand)
    } finally {
      errand.close()
      this.exit(outer)
    }
  }

  /** What the server asked of those who checked, it asks of the others for the same keys as well. */
  private tellFloors({ waits }: Errand): void {
    const slowest = new Map<string, Wait>()
    for (const wait of waits) {
      const { key } = wait
      if (wait.floorAt >= (slowest.get(key)?.floorAt ?? 0)) slowest.set(key, wait)
    }
    // Who checks elsewhere from now on was told that the job is gone.
    for (const wait of slowest.values()) if (wait.rare.fallbackKey === undefined) this.tellFloor(wait)
  }

  private tellFloor(wait: Wait): void {
    const { floorAt } = wait
    const { site } = groupOf(wait)
    site.crowdOf(wait)?.told(floorAt)
    if (floorAt <= this.time.now) return
    for (const sibling of site.siblings(wait)) {
      if (sibling.floorAt < floorAt) this.step(sibling, { _tag: "Floored", floorAt })
    }
  }

  /** Does something for one wait that is no check. */
  private send(wait: Wait, effect: Effect.Effect<unknown, unknown, unknown>): void {
    const errand = new Errand("task", groupOf(wait).site)
    this.join(wait, errand)
    this.postponed.push(() => {
      if (!errand.isEmpty) this.start(errand, effect)
    })
  }

  private cancel(wait: Wait): void {
    const { policy, site } = groupOf(wait)
    site.crowdOf(wait)?.givesUp()
    // While others want this job, it is theirs too.
    this.send(wait, site.isWanted(wait.key) ? Effect.void : Effect.suspend(() => policy.cancel!(wait.rawKey)))
  }
}

// ---- internal ----

/**
 * Whether others may join a check that this wait has left, though nobody else may be aboard: one for many asks for its key
 * all the same, and a check that leaves its own wait in its first part is not interrupted before that is over.
 */
const mayBeJoinedWithout = ({ rare }: Wait, { begun, fiber, kind }: Errand): boolean =>
  begun && (kind === "many" || (kind === "check" && fiber === undefined && rare.fallbackKey === undefined))
