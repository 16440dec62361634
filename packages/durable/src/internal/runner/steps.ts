import * as Effect from "effect/Effect"
import type * as Latch from "effect/Latch"

/** A task that a runner repeats. */
export interface Step {
  /** When the task has something to do next, by the monotonic clock; `Infinity` if it has nothing to do. */
  readonly readyAt: () => number
  readonly run: Effect.Effect<void>
}

/**
 * Runs steps one at a time: always the first in the list that is ready. `woken` is opened whenever one may have become ready.
 * Never ends, and never dies.
 */
export const loop = (steps: ReadonlyArray<Step>, woken: Latch.Latch, now: () => number): Effect.Effect<never> => {
  const once = Effect.suspend((): Effect.Effect<void> => {
    woken.closeUnsafe()
    const at = now()
    let next = Number.POSITIVE_INFINITY
    for (const step of steps) {
      const ready = step.readyAt()
      if (ready <= at) return step.run
      next = Math.min(next, ready)
    }
    if (next === Number.POSITIVE_INFINITY) return woken.await
    return Effect.timeoutOrElse(woken.await, { duration: Math.max(1, next - at), orElse: () => Effect.void })
  })
  return Effect.forever(
    Effect.catchCause(once, (cause) =>
      Effect.andThen(Effect.logError("A runner of durable waits has a defect", cause), Effect.sleep(1_000))
    )
  )
}
