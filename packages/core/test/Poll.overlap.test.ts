import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"
import { done, pending } from "./support/checks.ts"
import { every2s } from "./support/options.ts"
import { ending, runFor } from "./support/runs.ts"

/** A check that cannot be interrupted and takes so long each time; `starts` are its times, `most` how many ran at a time. */
const stubborn = (...takes: ReadonlyArray<number>) => {
  const starts: Array<number> = []
  let running = 0
  const seen = { most: 0 }
  const check = Effect.uninterruptible(
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const millis = takes[Math.min(starts.length, takes.length - 1)]!
      starts.push(now)
      seen.most = Math.max(seen.most, ++running)
      return Effect.as(
        Effect.ensuring(
          Effect.sleep(millis),
          Effect.sync(() => running--)
        ),
        pending
      )
    })
  )
  return { check, starts, seen }
}

const options = {
  strategy: every2s,
  deadline: "1 minute",
  checkTimeout: "1 second",
  checkErrors: { schedule: every2s, maxConsecutive: "unbounded" }
} as const

describe("Poll", () => {
  describe("checks that cannot be interrupted [R43]", () => {
    it.effect("next check - begins when the one before has ended", () =>
      Effect.gen(function* () {
        const { check, seen, starts } = stubborn(5_000, 0)
        yield* runFor(Poll.until(check, options), "9 seconds")
        assert.deepStrictEqual([starts, seen.most], [[0, 5_000, 7_000, 9_000], 1])
      })
    )

    it.effect("next check - begins once the grace is over, if the one before has not ended", () =>
      Effect.gen(function* () {
        const { check, seen, starts } = stubborn(1e9, 0)
        yield* runFor(Poll.until(check, { ...options, cancelTimeout: "7 seconds" }), "10 seconds")
        assert.deepStrictEqual([starts, seen.most], [[0, 8_000, 10_000], 2])
      })
    )

    it.effect("retry and forced check - wait for it as well", () =>
      Effect.gen(function* () {
        const retried = stubborn(5_000, 0)
        yield* runFor(
          Poll.until(retried.check, { ...options, checkErrors: { retry: Strategy.spaced("10 millis") } }),
          "6 seconds"
        )
        assert.deepStrictEqual([retried.starts, retried.seen.most], [[0, 5_000], 1])
        const forced = stubborn(5_000, 0)
        const handle = yield* Poll.start(forced.check, options)
        const from = yield* Clock.currentTimeMillis
        yield* TestClock.adjust("2 seconds")
        yield* handle.checkNow({ force: true })
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual([forced.starts.map((at) => at - from), forced.seen.most], [[0, 5_000], 1])
      })
    )

    it.effect("gate - is asked when the check before has ended", () =>
      Effect.gen(function* () {
        const { check } = stubborn(5_000, 0)
        const asked: Array<number> = []
        const gate = Gate.make(() =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            asked.push(now)
            return Gate.open
          })
        )
        yield* runFor(Poll.until(check, { ...options, gate }), "6 seconds")
        assert.deepStrictEqual(asked, [0, 5_000])
      })
    )

    it.effect("deadline - ends the wait while it waits for the check before", () =>
      Effect.gen(function* () {
        const { check, starts } = stubborn(1e9)
        const { at, exit } = yield* runFor(Poll.until(check, { ...options, deadline: "6 seconds" }), "1 minute")
        assert.deepStrictEqual([ending(exit), at, starts], ["PollTimeout deadline", 6_000, [0]])
      })
    )

    it.effect("check that can be interrupted - does not hold up the next one", () =>
      Effect.gen(function* () {
        const starts: Array<number> = []
        const check = Effect.flatMap(Clock.currentTimeMillis, (now) => {
          starts.push(now)
          return starts.length === 1 ? Effect.never : Effect.succeed(done)
        })
        yield* runFor(Poll.until(check, options), "1 minute")
        assert.deepStrictEqual(starts, [0, 3_000])
      })
    )
  })
})
