import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/** Waits for a fiber, for at most `atMost`; then it is interrupted. */
export const awaitAtMost = (fiber: Fiber.Fiber<unknown, unknown>, atMost: Duration.Input): Effect.Effect<void> =>
  Effect.timeoutOption(Fiber.await(fiber), atMost).pipe(
    Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe())),
    Effect.asVoid
  )

/** Runs an effect in a fiber of its own and waits for it, for at most `atMost`; then it is interrupted. */
export const bounded = (
  fork: (effect: Effect.Effect<unknown, unknown, unknown>) => Fiber.Fiber<unknown, unknown>,
  effect: Effect.Effect<unknown, unknown, unknown>,
  atMost: Duration.Input
): Effect.Effect<void> => Effect.suspend(() => awaitAtMost(fork(effect), atMost))
