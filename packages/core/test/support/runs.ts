import { assert } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type { Handle } from "effect-poll/Handle"
import type * as Poller from "effect-poll/Poller"

/** The exit of an effect, or that it has not ended. */
export type Ran<A, E> = Exit.Exit<A, E> | "running"

/** Runs an effect while the test clock moves by `within`; yields its exit and when it ended. */
export const runFor = <A, E, R>(effect: Effect.Effect<A, E, R>, within: Parameters<typeof TestClock.adjust>[0]) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.flatMap(Effect.exit(effect), (exit) => Effect.map(Clock.currentTimeMillis, (at) => ({ exit, at })))
    )
    yield* TestClock.adjust(within)
    const ended = fiber.pollUnsafe()
    if (ended === undefined) {
      yield* Fiber.interrupt(fiber)
      return { exit: "running" as const, at: Number.NaN }
    }
    return Exit.isSuccess(ended) ? ended.value : yield* Effect.die(ended.cause)
  })

/** How a wait ended, in one word: the value, or the tag and the reason of the error, or "defect". */
export const ending = (exit: Ran<unknown, unknown>): unknown => {
  if (exit === "running") return exit
  if (Exit.isSuccess(exit)) return exit.value
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") return "defect"
  const failure = error.value as { readonly _tag: string; readonly reason?: string }
  return failure.reason === undefined ? failure._tag : `${failure._tag} ${failure.reason}`
}

/** The value of an exit, which must be a success. */
export const valueOf = <A, E>(exit: Ran<A, E>): A => {
  assert(exit !== "running" && Exit.isSuccess(exit), `ended as ${String(ending(exit))}`)
  return exit.value
}

/** The error of an exit, which must be a typed failure. */
export const errorOf = <A, E>(exit: Ran<A, E>): E => {
  assert(exit !== "running")
  const error = Exit.findErrorOption(exit)
  assert(error._tag === "Some", `ended as ${String(ending(exit))}`)
  return error.value
}

/** Runs an effect for at most an hour and yields its error. */
export const failureOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(runFor(effect, "1 hour"), ({ exit }) => errorOf(exit))

/** Runs an effect for ten minutes: how it ended and when, and how many waits the Poller had then. */
export const outcomeIn = <A, E>(poller: Poller.Service, effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.flatMap(Effect.exit(effect), (exit) =>
        Effect.zip(Effect.zip(Effect.succeed(exit), Clock.currentTimeMillis), poller.stats)
      )
    )
    yield* TestClock.adjust("10 minutes")
    const [[exit, at], { watched }] = yield* Fiber.join(fiber)
    return { exit, at, watched }
  })

/** Follows a wait in the background: yields how it ended and when, at any time later. */
export const follow = <A, F, E>(handle: Handle<A, F, E>) =>
  Effect.gen(function* () {
    let ended: readonly [unknown, number] = ["running", Number.NaN]
    yield* Effect.forkScoped(
      Effect.flatMap(Effect.exit(handle.await), (exit) =>
        Effect.map(Clock.currentTimeMillis, (at) => void (ended = [ending(exit), at]))
      ),
      { startImmediately: true }
    )
    return () => ended
  })
