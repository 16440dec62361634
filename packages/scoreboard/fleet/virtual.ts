// Runs a row under effect's TestClock: hours pass in seconds, and a run is the same each time.
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as References from "effect/References"
import type { Scope } from "effect/Scope"
import { TestClock } from "effect/testing"

/**
 * Runs an effect, moving the clock by `stepMillis` at a time until it is over and its scope closed. Dies if that takes more
 * than `atMostMillis`.
 */
export const virtually = <A, E>(
  effect: Effect.Effect<A, E, Scope>,
  options: { readonly atMostMillis: number; readonly stepMillis?: number; readonly seed?: string }
): Promise<A> => {
  const { atMostMillis, seed = "fleet", stepMillis = 1_000 } = options
  const run = Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.scoped(effect), { startImmediately: true })
    let passed = 0
    while (fiber.pollUnsafe() === undefined && passed < atMostMillis) {
      yield* TestClock.adjust(stepMillis)
      passed += stepMillis
    }
    const exit = fiber.pollUnsafe()
    return yield* exit ?? Effect.die(new Error(`not over after ${atMostMillis} ms of virtual time`))
  })
  return Effect.runPromise(
    run.pipe(
      Random.withSeed(seed),
      Effect.provide(TestClock.layer()),
      Effect.provideService(References.MinimumLogLevel, "None")
    )
  )
}

/** Looks every virtual minute, until there is a value. */
export const waitFor = <A>(find: () => A | undefined): Effect.Effect<A> =>
  Effect.suspend(() => {
    const found = find()
    return found === undefined ? Effect.andThen(Effect.sleep("1 minute"), waitFor(find)) : Effect.succeed(found)
  })

/** Random numbers in [0, 1) that are the same in each run. */
export const randomOf = (seed: number): (() => number) => {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
