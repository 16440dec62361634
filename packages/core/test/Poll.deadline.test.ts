import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Strategy from "effect-poll/Strategy"
import { done, pending, scripted, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s, every10s } from "./support/options.ts"
import { ending, runFor } from "./support/runs.ts"

describe.each(hosts)("$name", (host) => {
  describe("last check", () => {
    it.effect("last check - is placed by the longest of the last three checks, not by the newest [R5]", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(slow("3 seconds", pending), pending, pending, pending)
        yield* runFor(host.until(check, { strategy: Strategy.spaced("1 second"), deadline: "8500 millis" }), "1 hour")
        assert.deepStrictEqual(checks, [0, 4000, 5000, 5375])
      })
    )

    it.effect("check that was woken early - does not count as the last one [R5]", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const handle = yield* host.start(check, { strategy: every10s, deadline: "5 seconds" })
        yield* TestClock.adjust("1 second")
        yield* handle.checkNow()
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(checks, [0, 1000, 5000])
      })
    )

    it.effect("last check that hangs - ends at the deadline [R4]", () =>
      Effect.gen(function* () {
        const { check } = scripted(pending, Effect.never)
        const { at, exit } = yield* runFor(host.until(check, { strategy: every10s, deadline: "5 seconds" }), "1 hour")
        assert.deepStrictEqual([ending(exit), at], ["PollTimeout deadline", 5000])
      })
    )

    it.effect("last check - is not retried", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(pending, Effect.fail("reset"), done)
        const options = { strategy: every10s, deadline: "5 seconds", checkErrors: { retry: every2s } } as const
        const { exit } = yield* runFor(host.until(check, options), "1 hour")
        assert.deepStrictEqual([ending(exit), checks], ["PollTimeout deadline", [0, 5000]])
      })
    )

    it.effect("wake during the last check - makes another one follow", () =>
      Effect.gen(function* () {
        const slowly = slow("1 second", pending)
        const { check, checks } = scripted<string>(slowly, slowly, slowly, done)
        const handle = yield* host.start(check, { strategy: Strategy.spaced("3 seconds"), deadline: "7 seconds" })
        yield* TestClock.adjust("6500 millis")
        yield* handle.checkNow()
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(checks, [0, 4000, 5750, 6750])
        assert.strictEqual(yield* handle.await, "done")
      })
    )

    it.effect("hint that ends at the deadline - leaves room for one check there", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(CheckResult.withHint(pending, "10 seconds"), pending)
        yield* runFor(host.until(check, { strategy: every2s, deadline: "10 seconds" }), "1 minute")
        assert.deepStrictEqual(checks, [0, 10_000])
      })
    )

    it.effect("gate that opens at the deadline - leaves room for one check there", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        let asked = 0
        const gate = Gate.make(() => Effect.sync(() => (asked++ === 0 ? Gate.postponed("10 seconds", "x") : Gate.open)))
        yield* runFor(host.until(check, { strategy: every2s, deadline: "10 seconds", gate }), "1 minute")
        assert.deepStrictEqual(checks, [10_000])
      })
    )

    it.effect("failed checks - count in the estimate of how long a check takes", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(
          slow("3 seconds", Effect.fail("x")),
          slow("3 seconds", done)
        )
        const { exit } = yield* runFor(
          host.until(check, { deadline: "10 seconds", checkErrors: { schedule: Strategy.spaced("1 minute") } }),
          "1 minute"
        )
        assert.deepStrictEqual([ending(exit), checks], ["done", [0, 6000]])
      })
    )
  })

  describe("bounds", () => {
    it.effect("deadline - ends a step of a foreign schedule that hangs", () =>
      Effect.gen(function* () {
        const strategy = Schedule.addDelay(Schedule.forever, () => Effect.never)
        const { exit } = yield* runFor(
          host.until(Effect.succeed(pending), { strategy, deadline: "10 seconds" }),
          "1 hour"
        )
        assert.strictEqual(ending(exit), "PollTimeout deadline")
      })
    )

    it.effect("PollTimeout - has the reason deadline when maxDuration ends at the same time", () =>
      Effect.gen(function* () {
        const strategy = Strategy.maxDuration(every2s, "5 seconds")
        const { exit } = yield* runFor(
          host.until(Effect.succeed(pending), { strategy, deadline: "5 seconds" }),
          "1 hour"
        )
        assert.strictEqual(ending(exit), "PollTimeout deadline")
      })
    )
  })
})
