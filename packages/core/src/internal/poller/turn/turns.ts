import type * as Clock from "effect/Clock"
import type * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { advance, never, type Timeline } from "../../machine/wait.ts"
import { leastGap } from "../../machine/pacing.ts"
import { AfterTurn } from "./afterTurn.ts"
import { Budget, Slices } from "./slices.ts"
import { Timer } from "./timerQueue.ts"

/** What an engine does in its turns. */
export interface Turning {
  /** Wakes what is due, at the time for which the timer was set. */
  readonly wake: () => void
  /** Begins the checks of queued waits, as far as there is room. */
  readonly serve: () => void
  /** When there is something to do next, from `now` on. */
  readonly nextAt: (now: number) => number
}

/**
 * The turns of an engine. Whatever happens comes in through `enter` and leaves through `exit`, where queued waits are
 * served and the timer is set. What happens in between, such as a check that ends at once, belongs to the same turn, so
 * that no stack grows.
 */
export class Turns {
  /** Whether it is closed: nothing begins any more. */
  isStopped = false
  /** Whether the turn ended before everything that is due was done. */
  isUnfinished = false
  /** Whether the timer may have to be set anew. */
  isTimerStale = true
  /** Calls that may run user code, and so wait until no step is half done. */
  readonly postponed = new AfterTurn()
  /** What has reached its time limit, and other work on many waits: neither holds up the other. */
  readonly overdue: Slices
  readonly slices: Slices
  /** How many queued waits are served. */
  readonly serving: Budget
  private readonly time: Timeline
  private readonly clock: Clock.Clock
  /** Calls of user code that wait until the turn is over. */
  private readonly afterTurn: AfterTurn
  private readonly turning: Turning
  private readonly timer: Timer
  private isBusy = false
  private isRunningAfterTurn = false

  constructor(
    { afterTurn, time }: { readonly afterTurn: AfterTurn; readonly time: Timeline },
    clock: Clock.Clock,
    fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>,
    turning: Turning
  ) {
    this.time = time
    this.clock = clock
    this.afterTurn = afterTurn
    this.turning = turning
    this.timer = new Timer(clock, time, fork, () => this.tick())
    const budget = () => new Budget(() => clock.currentTimeMillisUnsafe())
    this.overdue = new Slices(budget(), () => this.continueLater())
    this.slices = new Slices(budget(), () => this.continueLater())
    this.serving = budget()
    time.lateAt = never
  }

  /** When the timer fires; `Infinity` if it is not set. */
  get timerAt(): number {
    return this.timer.at
  }

  /** Does several things in one turn. */
  together(act: () => void): void {
    const isOuter = this.enter()
    try {
      act()
    } finally {
      this.exit(isOuter)
    }
  }

  /** Returns whether this begins a turn, which `exit` then ends. */
  enter(): boolean {
    if (this.isBusy) return false
    this.isBusy = true
    this.readClock()
    const { base, now } = this.time
    if (now - this.timer.at > leastGap) this.time.lateAt = now
    this.overdue.budget.start(base + now)
    this.slices.budget.start(base + now)
    this.serving.start(base + now)
    return true
  }

  exit(isOuter: boolean): void {
    if (!isOuter) return
    try {
      this.runPostponed()
      this.turning.serve()
    } finally {
      this.isBusy = false
      if (this.isTimerStale && !this.isStopped) {
        const { now } = this.time
        this.isTimerStale = false
        this.timer.set(this.isUnfinished ? now : this.turning.nextAt(now), now, this.isUnfinished)
      }
    }
    if (!this.afterTurn.isEmpty && !this.isRunningAfterTurn) this.runAfterTurn()
  }

  /** Runs what was postponed. Returns whether there was any. */
  runPostponed(): boolean {
    if (this.postponed.isEmpty) return false
    this.postponed.run()
    return true
  }

  readClock(): void {
    advance(this.time, this.clock.currentTimeMillisUnsafe())
  }

  /** Lets the next turn begin as soon as the event loop has had its turn. */
  continueLater(): void {
    this.isUnfinished = this.isTimerStale = true
  }

  /** Sets no timer any more. */
  stop(): void {
    this.isStopped = true
    this.timer.clear()
  }

  private tick(): void {
    this.isTimerStale = true
    this.isUnfinished = false
    this.together(this.turning.wake)
  }

  /** Runs user code in the order of the events; calls that are added meanwhile come last. */
  private runAfterTurn(): void {
    this.isRunningAfterTurn = true
    try {
      this.afterTurn.run()
    } finally {
      this.isRunningAfterTurn = false
    }
  }
}
