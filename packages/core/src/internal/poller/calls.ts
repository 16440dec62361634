import type * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Gate from "../../Gate.ts"
import * as event from "../machine/event.ts"
import { sourceOf, type Timeline, type Wait } from "../machine/wait.ts"
import * as userCalls from "../single/userCalls.ts"
import * as batchCheck from "./batch/batchCheck.ts"
import type { Dispatcher } from "./dispatcher.ts"
import { eventOfCheck, eventOfTask } from "./exits.ts"
import { InFlight, inFlightOf, type Limited, TimeLimits } from "./inFlight.ts"
import { lessonsOf } from "./knowledge.ts"
import { groupOf } from "./registry.ts"
import { Requests } from "./batch/requests.ts"
import { type Call, targetOf } from "./target.ts"
import type { Turns } from "./turn/turns.ts"

/** What calls need from the engine. */
export interface CallHost {
  readonly time: Timeline
  readonly turns: Turns
  readonly dispatcher: Dispatcher
  /** Tells the machine what happened to a wait, and carries out its command. */
  readonly step: (wait: Wait, happened: event.Event) => void
  /** A gate has answered the waits of a call. */
  readonly answered: (call: Call, exit: Exit.Exit<Gate.Answer>) => void
}

/** The calls in flight: which waits are in them, when they begin, what their results are to each wait. */
export class Calls {
  readonly timeLimits = new TimeLimits()
  readonly requests: Requests
  private readonly time: Timeline
  private readonly turns: Turns
  private readonly dispatcher: Dispatcher
  private readonly step: CallHost["step"]
  private readonly answered: CallHost["answered"]

  constructor({ answered, dispatcher, step, time, turns }: CallHost) {
    this.time = time
    this.turns = turns
    this.dispatcher = dispatcher
    this.step = step
    this.answered = answered
    this.requests = new Requests({
      now: () => time.now,
      conclude: (call, eventOf) => this.conclude(call, eventOf)
    })
  }

  /** Begins a check for the waits that have joined it, and for all other waits for the same keys. */
  begin(call: Call): void {
    const { dispatcher, step, turns } = this
    if (call.isEmpty || turns.isStopped) return
    if (!call.target.isShared) return this.startCheck(call)
    call.state = "gathering"
    const siblings = call.onePerKey.flatMap((wait) => call.target.siblings(wait))
    // It counts while they join.
    dispatcher.count(call, 1)
    turns.slices.each(
      siblings,
      // A sibling that is queued or asks its gate need not: the check begins without it.
      (sibling) => dispatcher.gathering(call, () => step(sibling, event.joined)),
      () => {
        dispatcher.count(call, -1)
        if (!call.isEmpty && !turns.isStopped) this.startCheck(call)
      }
    )
  }

  private startCheck(call: Call): void {
    this.start(call, call.kind === "check" ? userCalls.check(call.anyone) : batchCheck.run(call))
  }

  join(wait: Wait, call: Call): void {
    const limitBefore = call.nextAt
    call.add(wait)
    if (wait.stage.phase === "checking") {
      call.target.waitersOf(wait)?.noteCheck(wait)
      if (!call.target.apart.isEmpty) this.requests.joined(wait, call)
    }
    // The limit of a call that has not begun is set when it does.
    if (call.state !== "begun" || call.nextAt === limitBefore) return
    this.timeLimits.drop(limitBefore)
    this.setLimit(call)
  }

  leave(wait: Wait): void {
    const call = inFlightOf(wait) as Call | undefined
    if (call === undefined) return
    wait.inFlight = undefined
    if (call.isOver) return
    call.remove(wait)
    if (staysJoinable(wait, call)) call.target.abandon(wait.key, call)
    if (!call.isEmpty) return
    if (call.state === "begun") this.timeLimits.drop(call.nextAt)
    call.nextAt = Number.POSITIVE_INFINITY
    this.giveUp(call)
  }

  /** Interrupts a call that all waits have left, if it is in flight. It is not awaited. */
  private giveUp(call: Call): void {
    const { running } = call
    if (running === undefined) return
    this.dispatcher.giveUp(call)
    this.turns.postponed.add(() => running.interruptUnsafe())
  }

  start(call: Call, effect: Effect.Effect<unknown, unknown, unknown>): void {
    if (this.dispatcher.began()) this.turns.readClock()
    this.dispatcher.count(call, 1)
    if (this.turns.isStopped) return this.dispatcher.count(call, -1)
    // An abandoned check of the same key ends before this one begins, which may leave this one empty.
    if (call.kind !== "task" && this.turns.runPostponed() && call.isEmpty) return this.dispatcher.count(call, -1)
    call.state = "begun"
    if (call.target.isSpaced && (call.kind === "check" || call.kind === "batch")) {
      call.target.noteStarts(call.waits, this.time.now)
    }
    if (Exit.isExit(effect)) {
      // It is done already, and needs neither a fiber nor a time limit.
      call.nextAt = Number.POSITIVE_INFINITY
      return this.settle(call, effect)
    }
    this.setLimit(call)
    const running = groupOf(call.anyone).run(effect)
    call.running = running
    // It may have interrupted its own wait.
    if (call.isEmpty) this.giveUp(call)
    running.addObserver((exit) => this.settle(call, exit))
  }

  /** A call is over: hands its result to the waits that are still in it. */
  private settle(call: Call, exit: Exit.Exit<unknown, unknown>): void {
    this.dispatcher.ended()
    this.dispatcher.over(call)
    if (this.turns.isStopped) {
      call.state = "over"
      return call.target.forgetAll(call)
    }
    const isOuter = this.turns.enter()
    try {
      if (call.kind === "gate") return this.settleGate(call, exit as Exit.Exit<Gate.Answer>)
      if (call.kind === "batch") return this.requests.settle(call, exit as Exit.Exit<batchCheck.Answer, unknown>)
      if (call.kind === "check") {
        if (!call.target.apart.isEmpty) this.requests.settledAlone(call, exit)
        // What it means is the same to all of them.
        const happened = eventOfCheck(exit)
        return this.conclude(call, () => happened)
      }
      this.conclude(call, (wait) => eventOfTask(wait, exit))
    } finally {
      this.turns.exit(isOuter)
    }
  }

  private settleGate(call: Call, exit: Exit.Exit<Gate.Answer>): void {
    call.state = "over"
    if (!call.isEmpty) {
      this.dropLimit(call)
      this.answered(call, exit)
    }
    call.close()
  }

  /** Ends a call, and tells each wait that is still in it what happened. */
  private conclude(call: Call, eventOf: (wait: Wait) => event.Event): void {
    call.state = "over"
    call.target.forgetAll(call)
    if (call.isEmpty) return call.close()
    this.dropLimit(call)
    const { only } = call
    if (only !== undefined && !call.target.isShared) {
      this.step(only, eventOf(only))
      return call.close()
    }
    const onePerKey = call.target.isShared ? call.onePerKey : undefined
    const sharesFloor = onePerKey !== undefined && sourceOf(call.anyone) === undefined
    const over = (): void => {
      if (sharesFloor) for (const wait of call.latestFloors) this.shareFloor(wait)
      onePerKey?.forEach((wait) => this.teach(wait))
      call.close()
    }
    // One may have left since.
    const deliver = (wait: Wait) => inFlightOf(wait) === call && this.step(wait, eventOf(wait))
    this.turns.slices.each(call.waits, deliver, over)
  }

  /** The time limit of a call does not hold any more. */
  private dropLimit({ nextAt }: Call): void {
    this.timeLimits.drop(nextAt)
    if (nextAt <= this.turns.timerAt + 1) this.turns.isTimerStale = true
  }

  /** The server's floor for one wait holds for the other waits for its key too. */
  shareFloor(wait: Wait): void {
    const { floorAt } = wait
    this.turns.slices.each(targetOf(wait).noteFloor(wait), (other) => this.step(other, { _tag: "Floored", floorAt }))
  }

  /** Tells the other waits for the key of this one what it has learned. */
  teach(wait: Wait): void {
    this.turns.slices.each(lessonsOf(wait), ([other, lesson]) => this.step(other, lesson))
  }

  /** Runs work for one wait that is no check. */
  runTask(wait: Wait, effect: Effect.Effect<unknown, unknown, unknown>): void {
    const call: Call = new InFlight("task", targetOf(wait), "ready")
    this.join(wait, call)
    this.turns.postponed.add(() => {
      if (!call.isEmpty) this.start(call, effect)
    })
  }

  setLimit(item: Limited): void {
    if (item.nextAt <= this.turns.timerAt) this.turns.isTimerStale = true
    this.timeLimits.set(item)
  }
}

// ---- internal ----

/**
 * Whether other waits may join a check that this wait has left, even if it is empty: a batch asks for its key all the
 * same, and a check that removes its own wait in its synchronous part cannot be interrupted before that is over.
 */
const staysJoinable = (wait: Wait, { kind, running, state }: Call): boolean =>
  state === "begun" && (kind === "batch" || (kind === "check" && running === undefined && sourceOf(wait) === undefined))
