import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Strategy from "effect-poll/Strategy"
import { done, pending, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { runFor } from "./support/runs.ts"

describe.each(hosts)("$name", (host) => {
  describe("foreign schedules", () => {
    it.effect("foreign schedule - is stepped with the wall-clock time", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        const nows: Array<number> = []
        const schedule = Schedule.fromStep(
          Effect.succeed((now: number, _input: unknown) => {
            nows.push(now)
            return Effect.succeed<[number, Duration.Duration]>([0, Duration.seconds(2)])
          })
        )
        const { check } = scripted(pending, pending, done)
        yield* runFor(host.until(check, { strategy: schedule, deadline: "1 minute" }), "1 minute")
        assert.deepStrictEqual(nows, [3_600_000, 3_602_000])
      })
    )

    it.effect("foreign schedule with metadata - sees the wall-clock time", () =>
      Effect.gen(function* () {
        const aligned = Schedule.fromStepWithMetadata(
          Effect.succeed(({ now }: Schedule.InputMetadata<unknown>) =>
            Effect.succeed<[number, Duration.Duration]>([now, Duration.millis(60_000 - (now % 60_000))])
          )
        )
        yield* TestClock.adjust("30 seconds")
        const { check, checks } = scripted(pending)
        yield* runFor(host.until(check, { strategy: aligned, deadline: "80 seconds" }), "70 seconds")
        assert.deepStrictEqual(checks, [30_000, 60_000])
      })
    )

    it.effect("infinite delay of a foreign schedule - is clamped to a day", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        yield* runFor(
          host.until(check, { strategy: Schedule.spaced(Duration.infinity), deadline: "unbounded" }),
          "2 days"
        )
        assert.deepStrictEqual(checks, [0, 86_400_000, 2 * 86_400_000])
      })
    )

    it.effect("defect of a foreign schedule - ends the wait", () =>
      Effect.gen(function* () {
        const strategy = Schedule.addDelay(Schedule.forever, () => Effect.die("bug"))
        const { exit } = yield* runFor(
          host.until(Effect.succeed(pending), { strategy, deadline: "unbounded" }),
          "1 hour"
        )
        assert.deepStrictEqual(exit, Exit.die("bug"))
      })
    )
  })

  describe("decisions", () => {
    it.effect("infinite delay of a strategy - still checks again in an unbounded wait", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        yield* runFor(
          host.until(check, { strategy: Strategy.make({ decide: () => Infinity }), deadline: "unbounded" }),
          "2 days"
        )
        assert.isAbove(checks.length, 1)
      })
    )

    it.effect("decide - sees the time since its first call as elapsed", () =>
      Effect.gen(function* () {
        const seen: Array<readonly [number, number]> = []
        const strategy = Strategy.make({
          firstWait: "5 seconds",
          maxAttempts: 4,
          decide: (step, elapsed) => (seen.push([step, elapsed]), 2000)
        })
        yield* runFor(host.until(Effect.succeed(pending), { strategy, deadline: "1 minute" }), "1 hour")
        assert.deepStrictEqual(seen, [
          [1, 0],
          [2, 2000],
          [3, 4000]
        ])
      })
    )
  })
})
