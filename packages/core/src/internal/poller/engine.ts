import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Gate from "../../Gate.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import type * as Strategy from "../../Strategy.ts"
import { bounded } from "../bounded.ts"
import { asksOnInterrupt } from "../ending.ts"
import * as event from "../event.ts"
import { stepForeign } from "../foreign.ts"
import * as machine from "../machine.ts"
import { endingOf } from "../telemetry.ts"
import { receipt } from "../token.ts"
import { advance, alarmAt, make as makeWait, type Timeline, timeline, type Wait } from "../wait.ts"
import { DueHeap } from "./dueHeap.ts"
import { Errand, errandOf, holderOf, Seat } from "./errand.ts"
import { type Group, groupOf, type Office } from "./group.ts"
import type { Holder } from "./holder.ts"
import * as looks from "./looks.ts"
import type { Site } from "./site.ts"

/** The figures of an engine, checked and in milliseconds. */
export interface Limits {
  readonly concurrency: number
  readonly concurrencyPerJob: number
  /** The shortest time between two wake-ups. */
  readonly coalesce: number
  /** How long the end of a key is kept for who asks again. */
  readonly linger: number
}

/**
 * The second host of the machine: it drives many waits with one timer, and has a fiber only for what is under way.
 *
 * `sleepers` holds the waits that sleep, `alarms` those for which something is under way that has to be given up at some
 * time. A wait that may look, but for which there is no room, stands in the line of its site; sites are served in turn.
 *
 * Whatever happens comes in through `enter` and goes out through `exit`, where lines are served and the timer is set: what
 * happens meanwhile, a look that ends at once for one, is part of it, so that no stack grows.
 */
export class Engine implements Office {
  readonly time: Timeline
  readonly random: () => number
  /** How many looks, with the questions to their gates, are under way. */
  underWay = 0
  /** How many waits ended, by how. */
  readonly endings: Record<string, number> = {}
  private readonly limits: Limits
  private readonly clock: Clock.Clock
  private readonly fork: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>
  private readonly sleepers = new DueHeap<Wait>((wait, due) => wait.phase === "waiting" && wakeAt(wait) === due)
  private readonly alarms = new DueHeap<Wait>((wait, due) => isBusy(wait) && wait.nextAt === due)
  private readonly turns: Array<Site> = []
  private boarding: Errand | undefined
  private timer: Fiber.Fiber<void> | undefined
  private wakesAt = Number.POSITIVE_INFINITY
  private lastTick = Number.NEGATIVE_INFINITY
  private moreToServe = false
  private busy = false
  private closed = false

  constructor(
    clock: Clock.Clock,
    random: () => number,
    limits: Limits,
    fork: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>
  ) {
    this.clock = clock
    this.random = random
    this.limits = limits
    this.fork = fork
    this.time = timeline(clock.currentTimeMillisUnsafe())
  }

  /** Begins a wait, anew or from a token; a first look may be put off by at most `stagger` milliseconds. */
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
      const others = site.of(key)
      // What the server asked of the others, it asks of this one too.
      const floor = others.reduce((floor, { floorAt }) => Math.max(floor, floorAt), now)
      const token =
        options.token ?? (floor > now ? receipt(policy, key, base + now, Duration.millis(floor - now)) : undefined)
      const stagger = options.stagger > 0 ? site.stagger(now, options.stagger, this.random) : 0
      const known = policy.since === undefined ? site.endOf(key, now) : undefined
      site.add(wait)
      const command = machine.step(wait, event.started(token, stagger), base + now)
      if (known !== undefined && machine.step(wait, event.joined, base + now) === "look") {
        this.advise(wait, event.looked(known))
      } else this.obey(wait, command)
    } finally {
      this.exit(outer)
    }
    return wait
  }

  /** Tells the machine what happened to a wait, and does what it says. */
  tell(wait: Wait, happened: event.Event): void {
    const outer = this.enter()
    try {
      this.step(wait, happened)
    } finally {
      this.exit(outer)
    }
  }

  /** Ends a wait as interrupted, if it has not ended, and waits for what is under way for it alone. */
  remove(wait: Wait): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (wait.phase === "ended") return Effect.void
      const { policy, site } = groupOf(wait)
      const errand = errandOf(wait)
      const fiber = errand?.waits.length === 1 ? errand.fiber : undefined
      const asks = asksOnInterrupt(wait) && site.of(wait.key).length === 1
      this.tell(wait, event.stopped)
      const stopped = fiber === undefined ? Effect.void : Fiber.interrupt(fiber)
      if (!asks) return Effect.asVoid(stopped)
      const ask = Effect.suspend(() => policy.cancel!(wait.rawKey))
      const fork = (effect: typeof ask) => groupOf(wait).fork(effect)
      return Effect.andThen(stopped, bounded(fork, ask, policy.cancelGrace))
    })
  }

  /** Wakes up no more. */
  close(): void {
    this.closed = true
    this.timer?.interruptUnsafe()
    this.timer = undefined
  }

  hasRoom(wait: Wait): boolean {
    const { site } = groupOf(wait)
    if (site.lookFor(wait) !== undefined) return true
    return site.batch === undefined && this.turns.length === 0 && this.hasRoomFor(site)
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
      this.serve()
    } finally {
      this.busy = false
      this.setTimer()
    }
  }

  private setTimer(): void {
    if (this.closed) return
    const { now } = this.time
    const wakesAt = Math.max(this.nextAt(now), this.lastTick + this.limits.coalesce)
    if (wakesAt === this.wakesAt && this.timer !== undefined) return
    this.timer?.interruptUnsafe()
    this.timer = undefined
    this.wakesAt = wakesAt
    if (wakesAt === Number.POSITIVE_INFINITY) return
    const millis = wakesAt - now
    const timer = this.fork(millis > 0 ? this.clock.sleep(Duration.millis(millis)) : Effect.yieldNow)
    this.timer = timer
    timer.addObserver((exit) => {
      if (this.timer !== timer) return
      this.timer = undefined
      if (Exit.isSuccess(exit)) this.tick()
    })
  }

  private nextAt(now: number): number {
    if (this.moreToServe) return now
    const alarm = this.alarms.next()
    // An alarm comes in two legs, the last a millisecond long: an answer that arrives at the same time is heard first.
    return Math.min(this.sleepers.next(), alarm > now + 1 ? alarm - 1 : alarm)
  }

  private tick(): void {
    const outer = this.enter()
    try {
      const { now } = this.time
      this.lastTick = now
      // An alarm that is set from here on, for now, is for the next tick: what it guards has its chance first.
      const overdue = this.alarms.takeAll(now)
      for (let taken = 0; taken < slice; taken++) {
        const wait = this.sleepers.take(now)
        if (wait === undefined) break
        this.advise(wait, event.due)
      }
      for (const wait of overdue) if (isBusy(wait) && wait.nextAt <= now) this.advise(wait, event.overdue)
    } finally {
      this.exit(outer)
    }
  }

  // -- the machine --

  /** A step of a wait that stands in one of the heaps. */
  private step(wait: Wait, happened: event.Event): void {
    const heap = wait.phase === "waiting" ? this.sleepers : this.alarms
    if (this.advise(wait, happened) !== "continue") heap.drop()
  }

  private advise(wait: Wait, happened: event.Event): event.Command {
    const command = machine.step(wait, happened, this.time.base + this.time.now)
    this.obey(wait, command)
    return command
  }

  private obey(wait: Wait, command: event.Command): void {
    if (command === "continue") return
    this.leave(wait)
    switch (command) {
      case "sleep":
        this.sleep(wait)
        break
      case "look":
        this.board(wait)
        break
      case "gate":
        this.stand(wait)
        break
      case "step":
        this.send(wait, stepForeign(wait))
        break
      case "cancel":
        this.cancel(wait)
        break
      case "end":
        this.finish(wait)
        break
    }
  }

  private sleep(wait: Wait): void {
    const at = wakeAt(wait)
    if (at < Number.POSITIVE_INFINITY) this.sleepers.push(wait, at)
  }

  private finish(wait: Wait): void {
    const { site } = groupOf(wait)
    site.remove(wait)
    const { status } = wait
    if (status !== undefined && status._tag !== "Pending") {
      site.keep(wait.key, status, this.time.now, this.limits.linger)
    }
    const exit = wait.rare.exit!
    const ending = endingOf(exit as Parameters<typeof endingOf>[0])
    this.endings[ending] = (this.endings[ending] ?? 0) + 1
    holderOf(wait).ended(wait, exit)
  }

  // -- what is under way --

  private join(wait: Wait, errand: Errand): void {
    errand.add(wait)
    this.setAlarm(wait)
  }

  private setAlarm(wait: Wait): void {
    if (wait.nextAt < Number.POSITIVE_INFINITY) this.alarms.push(wait, wait.nextAt)
  }

  private leave(wait: Wait): void {
    const { hold } = wait
    if (!(hold instanceof Errand || hold instanceof Seat)) return
    const errand = errandOf(wait)
    wait.hold = holderOf(wait)
    if (errand === undefined || errand.over) return
    errand.remove(wait)
    // Not waited for; but it counts until it is over.
    if (errand.isEmpty) errand.fiber?.interruptUnsafe()
  }

  /** Runs what some waits have joined. */
  private start(errand: Errand, effect: Effect.Effect<unknown, unknown, unknown>): void {
    this.count(errand, 1)
    const fiber = groupOf(errand.first!).fork(effect)
    errand.fiber = fiber
    fiber.addObserver((exit) => this.land(errand, exit))
  }

  private count({ kind, site }: Errand, by: 1 | -1): void {
    if (kind === "task") return
    this.underWay += by
    site.traffic.underWay += by
  }

  /** Tells those who are still there of what came of it. */
  private land(errand: Errand, exit: Exit.Exit<unknown, unknown>): void {
    errand.over = true
    this.count(errand, -1)
    if (this.closed || errand.isEmpty) return
    const outer = this.enter()
    try {
      if (errand.kind === "gate") return this.admitted(errand.waits, exit as Exit.Exit<Gate.Answer>)
      const { first, more } = errand
      if (first !== undefined) this.step(first, happened(errand, first, exit))
      if (more !== undefined) for (const wait of more) this.step(wait, happened(errand, wait, exit))
    } finally {
      this.exit(outer)
    }
  }

  /** Does something for one wait that is no look. */
  private send(wait: Wait, effect: Effect.Effect<unknown, unknown, unknown>): void {
    const errand = new Errand("task", groupOf(wait).site)
    this.join(wait, errand)
    this.start(errand, effect)
  }

  private cancel(wait: Wait): void {
    const { policy, site } = groupOf(wait)
    // While others wait for this job, it is theirs too.
    this.send(wait, site.of(wait.key).length > 1 ? Effect.void : Effect.suspend(() => policy.cancel!(wait.rawKey)))
  }

  // -- looks --

  /** A wait joins the look for its key that is under way or about to start; otherwise it has one of its own. */
  private board(wait: Wait): void {
    const { site } = groupOf(wait)
    const { boarding } = this
    const look = site.lookFor(wait) ?? (boarding?.admits(wait) === true ? boarding : undefined)
    if (look !== undefined) return this.join(wait, look)
    const errand = this.lookAt(wait)
    this.join(wait, errand)
    this.depart(errand)
  }

  /** A look that others may board as well. */
  private lookAt({ rare, setting }: Wait): Errand {
    const { site } = setting as Group
    return new Errand(site.batch === undefined || rare.fallbackKey !== undefined ? "look" : "many", site)
  }

  /** Starts a look for those who have boarded it, and for all who wait for the same keys. */
  private depart(errand: Errand): void {
    const { kind, site } = errand
    if (site.isShared) this.callSiblings(errand)
    if (errand.isEmpty) return
    this.start(errand, kind === "look" ? looks.one(errand.first!) : looks.many(errand.waits))
  }

  private callSiblings(errand: Errand): void {
    const former = this.boarding
    this.boarding = errand
    for (const wait of errand.waits) {
      for (const sibling of errand.site.siblings(wait)) this.step(sibling, event.joined)
    }
    this.boarding = former
  }

  // -- lines --

  private hasRoomFor(site: Site): boolean {
    const { concurrency, concurrencyPerJob } = this.limits
    return this.underWay < concurrency && site.traffic.underWay < concurrencyPerJob
  }

  private stand(wait: Wait): void {
    const { site } = groupOf(wait)
    wait.hold = new Seat(holderOf(wait), undefined)
    this.setAlarm(wait)
    site.enqueue(wait)
    if (!site.inTurn) this.turns.push(site)
    site.inTurn = true
  }

  /** Lets looks begin as long as there is room, one site after the other. */
  private serve(): void {
    this.moreToServe = false
    let served = 0
    let blocked = 0
    while (blocked < this.turns.length && this.underWay < this.limits.concurrency && !this.closed) {
      if (served === slice) {
        this.moreToServe = true
        return
      }
      const site = this.turns.shift()!
      site.inTurn = !site.isIdle
      if (!site.inTurn) continue
      this.turns.push(site)
      if (this.hasRoomFor(site)) {
        served++
        blocked = 0
        this.admit(site, site.dequeue())
      } else blocked++
    }
  }

  private admit(site: Site, waits: ReadonlyArray<Wait>): void {
    const first = waits[0]!
    const { gate, job } = first.setting.policy
    if (gate === undefined) return this.admitted(waits, open)
    const errand = new Errand("gate", site)
    // The alarm that was set for the line holds for the gate.
    for (const wait of waits) errand.add(wait)
    this.start(
      errand,
      Effect.suspend(() => gate.ask({ job, key: first.key }))
    )
  }

  private admitted(waits: ReadonlyArray<Wait>, exit: Exit.Exit<Gate.Answer>): void {
    const former = this.boarding
    const errand = this.lookAt(waits[0]!)
    this.boarding = errand
    for (const wait of waits) this.step(wait, { _tag: "Gated", exit })
    this.boarding = former
    this.depart(errand)
  }
}

// ---- internal ----

/** How many waits are woken, or let through, before others get a turn. */
const slice = 64

const open = Exit.succeed(Gate.open)

/** What came of an errand, for one of its waits. */
const happened = (errand: Errand, wait: Wait, exit: Exit.Exit<unknown, unknown>): event.Event => {
  switch (errand.kind) {
    case "look":
      return looks.eventOf(exit as looks.LookExit)
    case "many":
      return looks.eventFor(exit as looks.ManyExit, wait)
    default:
      return wait.phase === "stepping"
        ? { _tag: "Stepped", exit: exit as Exit.Exit<Strategy.Decision> }
        : event.cancelAsked
  }
}

const isBusy = ({ phase }: Wait): boolean => phase !== "waiting" && phase !== "ended"

/** When a sleeping wait is to be woken: where looks are gathered, at the end of the time within which they are. */
const wakeAt = (wait: Wait): number => {
  const alarm = alarmAt(wait)
  const slack = groupOf(wait).site.batch?.slack ?? 0
  if (slack === 0) return alarm
  const gathered = Math.ceil(alarm / slack) * slack
  return gathered <= wait.deadlineAt ? gathered : alarm
}
