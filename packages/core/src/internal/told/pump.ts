import * as Cause from "effect/Cause"
import { toPullScoped } from "effect/Channel"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { toChannel } from "effect/Stream"
import { Memory } from "./memory.ts"
import * as event from "../machine/event.ts"
import type { Source } from "./loaded.ts"
import { broke, isTold, strange } from "./make.ts"

/**
 * Passes on what a stream tells, for as long as it is run: a stream that fails, dies or ends is subscribed again after a
 * delay, and a check is requested then. The check comes after the subscription, so that nothing falls between the two. One
 * that had been open for a while has also told the wait by its end: then a check is requested at once, too.
 *
 * The stream has been pulled for the first time when the fork of this returns, since a fork runs until it has to wait.
 */
export const pump = (
  { by, stream }: Source,
  key: unknown,
  hear: (event: event.Event) => void,
  fork: (effect: Effect.Effect<void>) => unknown
): Effect.Effect<never, never, unknown> => {
  let pulls = 0
  const hearAll = (all: ReadonlyArray<unknown>): void => {
    let isWoken = false
    for (const told of all) {
      const isWake = isTold(told) && told._tag === "Wake"
      // Several reasons to check are one.
      if (!isWake || !isWoken) hear({ _tag: "Told", told: isTold(told) ? told : strange(told), by })
      isWoken ||= isWake
    }
  }
  // Written out, since what effect has for it would be most of this in a bundle.
  const subscription = Effect.acquireUseRelease(
    Effect.sync(Scope.makeUnsafe),
    (scope): Effect.Effect<never, unknown, unknown> =>
      Effect.flatMap(toPullScoped(toChannel(typeof stream === "function" ? stream(key) : stream), scope), (pull) => {
        const next: Effect.Effect<never, unknown, unknown> = Effect.flatMap(pull, (all) => {
          hearAll(all)
          return ++pulls % mostPulls === 0 ? Effect.andThen(breathe, next) : next
        })
        return next
      }),
    Scope.close
  )
  const subscribed = Effect.provideService(subscription, Memory, new Map())
  const run = (delay: number): Effect.Effect<never, never, unknown> =>
    Effect.flatMap(Clock.currentTimeMillis, (since) =>
      Effect.flatMap(Effect.exit(subscribed), (exit) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          const millis = now - since >= longestDelay ? firstDelay : delay
          const retryIn = Duration.millis(millis)
          const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
          hear({ _tag: "Told", told: broke(Cause.isDone(error) ? undefined : error, retryIn), by })
          if (now - since >= firstDelay) hear(event.woken)
          return Effect.flatMap(Effect.sleep(retryIn), () => {
            // It comes once this fiber, which subscribes now, has to wait.
            fork(
              Effect.andThen(
                Effect.yieldNow,
                Effect.sync(() => hear(event.woken))
              )
            )
            return run(Math.min(longestDelay, 2 * millis))
          })
        })
      )
    )
  return run(firstDelay)
}

// ---- internal ----

/** The delays before a stream is subscribed again, in milliseconds: 1 second, doubled up to 1 minute. */
const firstDelay = 1_000
const longestDelay = 60_000

/** A stream that is pulled this often without having to wait is pulled again after 10 milliseconds. */
const mostPulls = 256

const breathe = /*#__PURE__*/ Effect.sleep(10)
