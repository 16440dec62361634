import type * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Gate from "../../Gate.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import type { ActionHandlers } from "../actionHandlers.ts"
import * as event from "../machine/event.ts"
import * as machine from "../machine/machine.ts"
import { earlyBy } from "../machine/pacing.ts"
import { alarmAt, make as makeWait, type Timeline, type Wait } from "../machine/wait.ts"
import type { How } from "../single/host.ts"
import * as userCalls from "../single/userCalls.ts"
import { Calls } from "./calls.ts"
import { type Dispatcher, type Limits, type Turned, turnSize } from "./dispatcher.ts"
import { Endings } from "./closing/endings.ts"
import { closedGate } from "./queue/gates.ts"
import { InFlight, isLimited, isQueued, type Limited } from "./inFlight.ts"
import type { Interrupted } from "./closing/interrupt.ts"
import { type Group, type Shared, type Sink } from "./registry.ts"
import { knownEnd, startOf } from "./knowledge.ts"
import { type Budget, forEach, sliceSize } from "./turn/slices.ts"
import { type Call, targetOf } from "./target.ts"
import { Sleepers } from "./turn/sleepers.ts"
import { Turns } from "./turn/turns.ts"

/**
 * The host of many waits: it drives them with one timer, and has a fiber only for what is in flight. It alone steps the
 * machine, carries out its commands and forks; the dispatcher decides which checks begin.
 *
 * Whatever happens is part of one of its `turns`. The README of this folder has the life of a key and the rules of
 * re-entrancy.
 */
export class Engine {
  readonly endings: Endings
  private readonly time: Timeline
  private readonly random: () => number
  private readonly dispatcher: Dispatcher
  private readonly actions: ActionHandlers
  private readonly limits: Limits
  private readonly turns: Turns
  private readonly jobOver: (wait: Wait) => void
  private readonly sleepers: Sleepers
  private readonly calls: Calls

  constructor(
    { actions, afterTurn, dispatcher, random, time }: Shared,
    clock: Clock.Clock,
    limits: Limits,
    fork: <A>(effect: Effect.Effect<A>) => Fiber.Fiber<A>,
    ended: (group: Group) => void,
    /** Called with a wait whose job has ended, or is canceled. */
    jobOver: (wait: Wait) => void
  ) {
    this.time = time
    this.random = random
    this.dispatcher = dispatcher
    this.actions = actions
    this.limits = limits
    this.sleepers = new Sleepers(limits.coalesce)
    this.jobOver = jobOver
    this.turns = new Turns({ afterTurn, time }, clock, fork, {
      wake: () => this.wake(),
      serve: () => this.serve(),
      nextAt: (now) => Math.min(this.sleepers.next(), this.calls.timeLimits.next(now), this.dispatcher.nextAt())
    })
    this.calls = new Calls({
      time,
      turns: this.turns,
      dispatcher,
      step: (wait, happened) => this.step(wait, happened),
      answered: (call, exit) => this.answered(call, exit)
    })
    this.endings = new Endings({
      afterTurn,
      concurrency: limits.concurrency,
      fork,
      step: (wait, happened) => this.step(wait, happened),
      together: (act) => this.together(act),
      ended,
      jobOver
    })
  }

  // -- waits that come and go --

  /** Begins a wait, anew or from a token; its first check may be postponed by at most `stagger` milliseconds. */
  add(
    group: Group,
    key: string,
    rawKey: unknown,
    sink: Sink,
    options: {
      readonly token: ResumeToken | undefined
      readonly stagger: number
      /** What the wait was told before. */
      readonly early?: ReadonlyArray<event.Heard> | undefined
    }
  ): Wait {
    const { policy, target } = group
    const wait = makeWait(group, key, rawKey, sink)
    const isOuter = this.turns.enter()
    try {
      const { now } = this.time
      const former = target.find(key)
      const token = startOf(wait, former, options.token, this.limits.linger)
      const end = policy.since === undefined ? knownEnd(former, now, this.limits.linger) : undefined
      const stagger = options.stagger > 0 ? target.stagger(now, options.stagger, this.random) : 0
      target.add(wait, former)
      this.dispatcher.countWait(target, 1)
      const command = machine.step(wait, event.started(token, stagger, this.deferral(wait), undefined, options.early))
      if (options.token?.checkedAt !== undefined) target.noteStart(key, wait.checkStarted)
      const { floorAt } = wait
      if (end !== undefined && mayCheck(wait, command)) {
        this.advise(wait, event.checked(end))
        if (wait.stage.phase !== "ended" && floorAt > now) this.step(wait, { _tag: "Floored", floorAt })
      } else this.apply(wait, command)
      if (target.bringsFloor(wait)) this.calls.shareFloor(wait)
      if (target.bringsCursor(wait)) this.calls.teach(wait)
    } finally {
      this.turns.exit(isOuter)
    }
    return wait
  }

  private deferral(wait: Wait): number | undefined {
    const millis = this.limits.coalesce > 0 ? undefined : this.dispatcher.deferral(wait)
    // It comes in the next turn.
    if (millis === 0) this.turns.continueLater()
    return millis
  }

  /** Tells the machine what happened to a wait, and carries out its command. */
  tell(wait: Wait, happened: event.Event): void {
    this.together(() => this.step(wait, happened))
  }

  /** Does several things in one turn. */
  together(act: () => void): void {
    this.turns.together(act)
  }

  /** Ends waits as interrupted, all at once. The effect waits for what is in flight for them, and cancels their jobs. */
  interrupt(waits: ReadonlyArray<Wait>, how: How): Effect.Effect<void> {
    let interrupted: ReadonlyArray<Interrupted> = []
    const handled = this.actions.settled(waits)
    this.together(() => (interrupted = this.endings.interruptAll(waits, how)))
    const stopped = this.endings.carryOut(interrupted, "interrupt")
    return handled === undefined ? stopped : Effect.andThen(stopped, handled)
  }

  /**
   * Ends waits as interrupted, in slices, after `before` was called with each. Yields what waits for what is in flight for
   * them, and cancels their jobs.
   */
  interruptSliced(
    waits: Iterable<Wait>,
    how: How,
    budget: Budget,
    before?: (wait: Wait) => void
  ): Effect.Effect<Effect.Effect<void>> {
    const interrupted: Array<Interrupted> = []
    const end = (wait: Wait): void => {
      before?.(wait)
      this.endings.interrupt(wait, how, interrupted)
    }
    return Effect.map(
      forEach(waits, budget, end, (slice) => this.together(slice)),
      () => {
        const handled = this.actions.settled(interrupted.map(({ wait }) => wait)) ?? Effect.void
        this.together(() => this.endings.decide(interrupted))
        return Effect.andThen(this.endings.carryOut(interrupted, how === "close" ? "close" : "interrupt"), handled)
      }
    )
  }

  /** Begins no check any more. What is in flight goes on until the waits end, but changes nothing. */
  freeze(): void {
    this.turns.stop()
  }

  /** Ends all waits after `freeze`, in slices, as `interruptSliced` does. */
  closeAll(waits: Iterable<Wait>, budget: Budget): Effect.Effect<Effect.Effect<void>> {
    return Effect.tap(this.interruptSliced(waits, "close", budget), () =>
      Effect.sync(() => void this.dispatcher.endTurn(Number.POSITIVE_INFINITY))
    )
  }

  // -- turns --

  private wake(): void {
    const { now } = this.time
    // A time limit that is set from here on, for now, is for the next tick: an answer may still come in this one.
    const { overdue, slices } = this.turns
    const limited = overdue.isEmpty ? this.calls.timeLimits.take(now, sliceSize) : []
    slices.run()
    this.dispatcher.startTurn(now)
    this.turns.isUnfinished = this.wakeAll(now) || !slices.isEmpty || !overdue.isEmpty
    const restAt = this.turns.isStopped ? Number.POSITIVE_INFINITY : this.restAt
    for (const call of this.dispatcher.endTurn(restAt)) this.calls.begin(call)
    this.serve()
    if (overdue.isEmpty) overdue.queue(limited, (item) => isLimited(item) && this.timeOut(item, now))
    else overdue.run()
    if (limited.length === sliceSize) this.turns.continueLater()
  }

  /** Wakes the waits that are due by `now`. Returns whether some of them have to wait for the next turn. */
  private wakeAll(now: number): boolean {
    for (;;) {
      // Several at once, before any of them checks: the queue is read faster than between checks.
      const due = this.sleepers.takeAll(now, turnSize)
      if (due.length === 0 || this.turns.isStopped) return false
      for (const wait of due) this.wakeOne(wait, now)
      this.turns.runPostponed()
      this.turns.readClock()
      if (this.dispatcher.woke(due.length)) return true
    }
  }

  private wakeOne(wait: Wait, now: number): void {
    if (wait.stage.phase !== "waiting") return
    const alarm = alarmAt(wait)
    if (alarm <= now) this.advise(wait, event.due)
    // Otherwise it was woken twice.
    else if (alarm - earlyBy(wait) <= now) this.advise(wait, event.nearlyDue)
  }

  /** Ends what has reached its time limit: the waits leave it, and learn that they are overdue. */
  private timeOut(item: Limited, now: number): void {
    if (!(item instanceof InFlight)) return void this.advise(item, event.overdue)
    const overdue = item.waits.filter(({ nextAt }) => nextAt <= now)
    // All leave before the first continues: otherwise it would find the others checking, and join them again.
    const eventOf = item.kind === "batch" ? this.calls.requests.overdue(item as Call, overdue) : () => event.overdue
    for (const wait of overdue) this.calls.leave(wait)
    this.turns.runPostponed()
    this.turns.overdue.each(overdue, (wait) => this.advise(wait, eventOf(wait)))
    item.nextAt = Number.POSITIVE_INFINITY
    for (const wait of item.waits) item.limit(wait)
    this.calls.setLimit(item)
  }

  /** When the first wait is due that the turn did not reach. */
  private get restAt(): number {
    return this.turns.isUnfinished ? this.sleepers.next() : Number.POSITIVE_INFINITY
  }

  // -- the machine and its commands --

  /** Steps a wait that may be in one of the queues. */
  private step(wait: Wait, happened: event.Event): void {
    const { nextAt, stage } = wait
    const wasQueued = isQueued(wait)
    if (nextAt <= this.turns.timerAt + 1 || this.dispatcher.hasQueued) this.turns.isTimerStale = true
    if (this.advise(wait, happened) === "continue") {
      // A forced check does not wait for the answers of its gate.
      if (wasQueued && happened._tag === "Woken" && happened.force) this.dispatcher.enqueue(wait)
      return
    }
    if (this.turns.isStopped) return
    if (stage.phase === "waiting") this.sleepers.drop()
    else if (wasQueued) this.calls.timeLimits.drop(nextAt)
  }

  private advise(wait: Wait, happened: event.Event): event.Command {
    const command = machine.step(wait, happened)
    this.apply(wait, command)
    return command
  }

  private apply(wait: Wait, command: event.Command): void {
    if (command === "continue") return
    this.calls.leave(wait)
    switch (command) {
      case "sleep":
        return this.sleep(wait)
      case "check":
        return this.check(wait)
      case "gate":
        return this.queue(wait)
      case "step":
        return this.calls.runTask(wait, userCalls.stepForeign(wait))
      case "cancel":
        return this.cancel(wait)
      default:
        if (typeof command !== "object") return void this.advise(wait, event.unknownCommand(command))
        return this.finish(wait, command.exit)
    }
  }

  private sleep(wait: Wait): void {
    if (this.sleepers.add(wait) < this.turns.timerAt) this.turns.isTimerStale = true
  }

  private check(wait: Wait): void {
    const call = this.dispatcher.place(wait)
    this.calls.join(wait, call)
    if (call.state === "ready") this.calls.begin(call)
  }

  private cancel(wait: Wait): void {
    const target = targetOf(wait)
    target.waitersOf(wait)?.noteTimeout()
    // The job is not canceled while other waits want it.
    if (target.isWanted(wait.key)) return void this.advise(wait, event.cancelDone("timeout", "wanted"))
    this.jobOver(wait)
    machine.step(wait, event.cancelAsked("timeout"))
    this.calls.runTask(wait, userCalls.cancelRemote(wait))
  }

  private finish(wait: Wait, exit: Exit.Exit<unknown, unknown>): void {
    this.calls.requests.ended(wait)
    targetOf(wait).remove(wait, this.limits.linger)
    this.dispatcher.countWait(targetOf(wait), -1)
    this.endings.report(wait, exit)
  }

  // -- queued waits --

  private queue(wait: Wait): void {
    const closed = closedGate(wait, this.random)
    if (closed !== undefined) return void this.advise(wait, closed)
    this.turns.isTimerStale = true
    this.calls.setLimit(wait)
    this.dispatcher.enqueue(wait)
  }

  /** Begins the checks of queued waits, as far as there is room. */
  private serve(): void {
    while (this.dispatcher.hasQueued) {
      while (!this.turns.isStopped) {
        const turned = this.dispatcher.next(this.restAt)
        if (turned === undefined) break
        if (turned !== "yield") this.admit(turned)
        if (turned === "yield" || this.turns.serving.spend()) {
          this.turns.continueLater()
          break
        }
      }
      // What is over by now leaves room to others.
      if (!this.turns.runPostponed()) return
    }
  }

  private admit({ permit, waits }: Turned): void {
    const first = waits[0]!
    if (permit === undefined) {
      return targetOf(first).batch === undefined ? this.step(first, gateOpen) : this.answer(waits, gateOpen)
    }
    const closed = closedGate(first, this.random)
    if (closed !== undefined) {
      this.dispatcher.endPermit(permit)
      // It is part of the turn, as a question would be.
      if (this.dispatcher.began()) this.turns.readClock()
      this.dispatcher.ended()
      return this.answer(waits, closed)
    }
    const call: Call = new InFlight("gate", targetOf(first), "ready")
    call.permit = permit
    for (const wait of waits) {
      this.calls.timeLimits.drop(wait.nextAt)
      this.calls.join(wait, call)
    }
    this.calls.start(call, userCalls.askGate(first))
  }

  /** Tells waits what their gate answered; those that it let through check at once, or before others. */
  private answered({ permit, waits }: Call, exit: Exit.Exit<Gate.Answer>): void {
    const isOpen = Exit.isSuccess(exit) && exit.value._tag === "Open"
    if (!isOpen || !waits.some((wait) => this.dispatcher.isHeldBack(wait))) {
      return this.answer(waits, { _tag: "GateAnswered", exit })
    }
    for (const wait of waits) {
      wait.inFlight = undefined
      this.calls.setLimit(wait)
    }
    this.dispatcher.hold(waits, permit!)
  }

  /** Tells waits what their gate answered, and begins the check that they join then. */
  private answer(waits: ReadonlyArray<Wait>, answered: event.Event): void {
    const call = this.dispatcher.gatherFor(waits[0]!)
    this.dispatcher.gathering(call, () => {
      for (const wait of waits) this.step(wait, answered)
    })
    this.calls.begin(call)
  }
}

// ---- internal ----

/** For a wait that may check without asking a gate. */
const gateOpen: event.Event = { _tag: "GateAnswered", exit: /*#__PURE__*/ Exit.succeed(Gate.open) }

/** Whether a wait that has just begun checks at once, so that it can be given what others saw. */
const mayCheck = (wait: Wait, command: event.Command): boolean =>
  command === "check" || machine.step(wait, event.joined) === "check"
