import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

type Fork = (effect: Effect.Effect<unknown, unknown, unknown>) => Fiber.Fiber<unknown, unknown>

/** Runs an effect in a fiber of its own, and waits for it for so long at most. */
export const bounded = (
  fork: Fork,
  effect: Effect.Effect<unknown, unknown, unknown>,
  atMost: Duration.Input
): Effect.Effect<void> =>
  Effect.flatMap(
    Effect.sync(() => fork(effect)),
    (fiber) =>
      Effect.timeoutOption(Fiber.await(fiber), atMost).pipe(
        Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe())),
        Effect.asVoid
      )
  )
