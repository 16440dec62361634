import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"

/** Waits for a fiber, for at most `atMost`; then it is interrupted. Yields its exit if it ended in time. */
export const awaitAtMost = <A, E>(
  fiber: Fiber.Fiber<A, E>,
  atMost: Duration.Input
): Effect.Effect<Exit.Exit<A, E> | undefined> =>
  Effect.suspend(() => {
    const exit = fiber.pollUnsafe()
    if (exit !== undefined) return Effect.succeed(exit)
    // Also where nothing else can be interrupted, such as in a finalizer.
    return Effect.timeoutOption(Effect.interruptible(Fiber.await(fiber)), atMost).pipe(
      Effect.ensuring(Effect.sync(() => fiber.interruptUnsafe())),
      Effect.map(Option.getOrUndefined)
    )
  })

/** Runs an effect in a fiber of its own and waits for it, for at most `atMost`; then it is interrupted. */
export const bounded = (
  fork: (effect: Effect.Effect<unknown, unknown, unknown>) => Fiber.Fiber<unknown, unknown>,
  effect: Effect.Effect<unknown, unknown, unknown>,
  atMost: Duration.Input
): Effect.Effect<Exit.Exit<unknown, unknown> | undefined> => Effect.suspend(() => awaitAtMost(fork(effect), atMost))
