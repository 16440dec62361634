import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** Wakes an engine up at one time, the next. */
export class Timer {
  /** When it goes off; `Infinity` if it is not set. */
  at = Number.POSITIVE_INFINITY
  private readonly clock: Clock.Clock
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  private readonly wake: () => void
  private sleeping: Fiber.Fiber<void> | undefined

  constructor(clock: Clock.Clock, fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>, wake: () => void) {
    this.clock = clock
    this.fork = fork
    this.wake = wake
  }

  /** Sets it anew; with `inTurn`, for a time that has come, it goes off as soon as others have had their turn. */
  set(at: number, now: number, inTurn: boolean): void {
    if (at === this.at && this.sleeping !== undefined) return
    this.clear()
    this.at = at
    if (at === Number.POSITIVE_INFINITY) return
    const fiber = this.fork(this.sleep(Math.max(0, at - now), inTurn))
    this.sleeping = fiber
    fiber.addObserver((exit) => {
      if (this.sleeping !== fiber) return
      this.sleeping = undefined
      if (exit._tag === "Success") this.wake()
    })
  }

  clear(): void {
    this.sleeping?.interruptUnsafe()
    this.sleeping = undefined
    this.at = Number.POSITIVE_INFINITY
  }

  // ---- internal ----

  private sleep(millis: number, inTurn: boolean): Effect.Effect<void> {
    if (millis === 0 && inTurn) return Effect.yieldNow
    const sleep = this.clock.sleep(Duration.millis(millis))
    return millis === 0 ? Effect.andThen(Effect.yieldNow, sleep) : sleep
  }
}
