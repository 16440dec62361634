import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"

/** At most one timer at a time, by the clock of the fibers that `fork` makes. */
export class Timer {
  private fiber: Fiber.Fiber<void> | undefined
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>

  constructor(fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>) {
    this.fork = fork
  }

  isRunning(): boolean {
    return this.fiber !== undefined
  }

  /** Calls a function later, in place of the one that was planned. */
  start(millis: number, then: () => void): void {
    this.stop()
    const fiber = this.fork(Effect.sleep(millis))
    this.fiber = fiber
    fiber.addObserver(() => {
      if (this.fiber !== fiber) return
      this.fiber = undefined
      then()
    })
  }

  stop(): void {
    const { fiber } = this
    this.fiber = undefined
    fiber?.interruptUnsafe()
  }
}
