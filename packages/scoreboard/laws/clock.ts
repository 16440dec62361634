// A virtual clock with a scheduler of its own: everything that can run now is run, in order and without leaving the
// stack, then time moves to the next sleep. A world takes no real time, and the same world always runs the same way.
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Scheduler from "effect/Scheduler"

interface Sleeper {
  readonly at: number
  resume: (() => void) | undefined
}

export class VirtualTime {
  #now = 0
  #sleepers: Array<Sleeper> = []
  #tasks: Array<() => void> = []
  #head = 0

  /** The milliseconds since the clock was made. */
  get now(): number {
    return this.#now
  }

  /** The clock, its scheduler and no logs, for `Effect.runForkWith`. */
  readonly context: Context.Context<never>

  constructor() {
    const millis = Effect.sync(() => this.#now)
    const nanos = Effect.sync(() => this.#nanos())
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: () => this.#now,
      currentTimeMillis: millis,
      currentTimeNanosUnsafe: () => this.#nanos(),
      currentTimeNanos: nanos,
      monotonicTimeNanosUnsafe: () => this.#nanos(),
      monotonicTimeNanos: nanos,
      sleep: (duration) => this.#sleep(Duration.toMillis(duration))
    }
    const scheduler: Scheduler.Scheduler = {
      executionMode: "async",
      shouldYield: () => false,
      makeDispatcher: () => ({
        scheduleTask: (task) => void this.#tasks.push(task),
        flush: () => this.settle()
      })
    }
    this.context = Context.make(Clock.Clock, clock).pipe(
      Context.add(Scheduler.Scheduler, scheduler),
      Context.add(References.MinimumLogLevel, "None")
    )
  }

  /** Runs an effect from now on. */
  fork<A, E>(effect: Effect.Effect<A, E>): void {
    Effect.runForkWith(this.context)(effect)
  }

  /** Runs everything that can run now. */
  settle(): void {
    while (this.#head < this.#tasks.length) this.#tasks[this.#head++]!()
    this.#tasks = []
    this.#head = 0
  }

  /** Advances to a time, inclusive, and runs everything that falls due. */
  runUntil(at: number): void {
    this.settle()
    for (let next = this.#sleepers[0]; next !== undefined && next.at <= at; next = this.#sleepers[0]) {
      this.#sleepers.shift()
      this.#now = next.at
      next.resume?.()
      this.settle()
    }
    this.#now = Math.max(this.#now, at)
  }

  #nanos(): bigint {
    return BigInt(Math.floor(this.#now * 1_000_000))
  }

  #sleep(millis: number): Effect.Effect<void> {
    if (!(millis > 0)) return Effect.void
    return Effect.callback<void>((resume) => {
      const sleeper: Sleeper = { at: this.#now + millis, resume: () => resume(Effect.void) }
      this.#insert(sleeper)
      return Effect.sync(() => {
        sleeper.resume = undefined
        const index = this.#sleepers.indexOf(sleeper)
        if (index >= 0) this.#sleepers.splice(index, 1)
      })
    })
  }

  /** There are few sleepers at a time: a sorted list is enough. */
  #insert(sleeper: Sleeper): void {
    let index = this.#sleepers.length
    while (index > 0 && this.#sleepers[index - 1]!.at > sleeper.at) index--
    this.#sleepers.splice(index, 0, sleeper)
  }
}
