import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { done, scripted, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s, every10s } from "./support/options.ts"
import { ending, failureOf, runFor } from "./support/runs.ts"

describe.each(hosts)("$name", (host) => {
  describe("kinds", () => {
    it.effect("checkTimeout - is a transient error, whatever kindOf says [R7]", () =>
      Effect.gen(function* () {
        const { check } = scripted<string, never, string>(Effect.never, done)
        const options = {
          deadline: "1 minute",
          checkTimeout: "3 seconds",
          checkErrors: { kindOf: () => CheckError.permanent() }
        } as const
        assert.strictEqual(ending((yield* runFor(host.until(check, options), "1 hour")).exit), "done")
      })
    )
  })

  describe("budgets", () => {
    it.effect("onExhausted skip - restarts the count of consecutive errors [R3]", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<never, never, string>(Effect.fail("x"))
        const checkErrors = { maxConsecutive: 1, schedule: Strategy.spaced("1 second"), onExhausted: "skip" } as const
        yield* runFor(host.until(check, { strategy: every10s, deadline: "30 seconds", checkErrors }), "1 hour")
        assert.deepStrictEqual(checks, [0, 1000, 11_000, 12_000, 22_000, 23_000, 30_000])
      })
    )

    it.effect("error schedule that ends - exhausts the budget [R3]", () =>
      Effect.gen(function* () {
        const checkErrors = {
          maxConsecutive: "unbounded",
          schedule: Strategy.maxRecurrences(Strategy.spaced("1 second"), 2)
        } as const
        const error = yield* failureOf(host.until(Effect.fail("x"), { deadline: "1 minute", checkErrors }))
        assert(error._tag === "CheckErrorsExhausted")
        assert.deepStrictEqual([error.budget, error.errorCount, error.attempts], ["maxConsecutive", 3, 3])
      })
    )

    it.effect("missing check - breaks a row of consecutive errors", () =>
      Effect.gen(function* () {
        const { check } = scripted<string, never, string>(Effect.fail("x"), CheckResult.missing, Effect.fail("x"), done)
        const job = Job.make("render", { check: () => check, missing: { grace: "1 minute" } })
        const { exit } = yield* runFor(
          host.until(job, "a", { strategy: every2s, deadline: "1 minute", checkErrors: { maxConsecutive: 1 } }),
          "1 minute"
        )
        assert.strictEqual(ending(exit), "done")
      })
    )
  })

  describe("delays", () => {
    it.effect("failed check - is never followed by the next one without a delay [R2]", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<never, never, string>(Effect.fail("x"))
        yield* runFor(
          host
            .until(check, { deadline: "1 minute", checkErrors: { maxConsecutive: 2, schedule: Schedule.forever } })
            .pipe(Effect.provide(PollDefaults.layer({ zeroDelay: 0 }))),
          10
        )
        assert.deepStrictEqual(checks, [0, 1, 2])
      })
    )

    it.effect.each([
      ["schedule", 3, [0, 1000, 2000]],
      ["retry", 0, [0, 1000, 2000, 3000]]
    ] as const)("%s - sees the time since its first step as elapsed", ([option, maxConsecutive, expected]) =>
      Effect.gen(function* () {
        const seen: Array<number> = []
        const schedule = Strategy.make({ decide: (step, elapsed) => (seen.push(elapsed), step > 3 ? "end" : 1000) })
        const { check } = scripted<never, never, string>(Effect.fail("x"))
        const checkErrors = { maxConsecutive, [option]: schedule }
        yield* runFor(host.until(check, { deadline: "1 minute", checkErrors }), "1 minute")
        assert.deepStrictEqual(seen, [...expected])
      })
    )
  })

  describe("late answers", () => {
    it.effect("uninterruptible check that timed out - cannot change the wait with its late answer [R21]", () =>
      Effect.gen(function* () {
        const stale = Effect.uninterruptible(slow<string>("5 seconds", Status.succeeded("stale")))
        const { check } = scripted<string>(stale, slow("3 seconds", done))
        const options = { strategy: every2s, deadline: "1 minute", checkTimeout: "3500 millis" } as const
        const { at, exit } = yield* runFor(host.until(check, options), "1 hour")
        assert.deepStrictEqual([ending(exit), at], ["done", host.name === "Poll" ? 8000 : 7500])
      })
    )
  })
})
