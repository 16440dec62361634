import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as CheckError from "effect-poll/CheckError"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"
import { done, pending, renderJob, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every10s } from "./support/options.ts"
import { delaysOf, recordEvents } from "./support/recorders.ts"
import { ending, errorOf, failureOf, runFor } from "./support/runs.ts"

/** "slow down", with the requested delay in seconds behind it, if any; all other errors are transient or, as "no", permanent. */
const kindOf = (error: string): CheckError.Kind => {
  const [word, seconds] = error.split(" in ")
  if (word === "no") return CheckError.permanent()
  if (word !== "slow down") return CheckError.transient()
  return CheckError.throttled({
    retryAfter: seconds === undefined ? undefined : seconds === "?" ? "unreadable" : Duration.seconds(Number(seconds))
  })
}

const throttled = Effect.fail("slow down")
const throttledFor = (seconds: number | "?") => Effect.fail(`slow down in ${seconds}`)
const reset = Effect.fail("reset")

const schedule = Strategy.exponential({ initial: "1 second", factor: 2, cap: "30 seconds" })
const options = { strategy: every10s, deadline: "1 hour", checkErrors: { kindOf, schedule } } as const

describe.each(hosts)("$name", (host) => {
  describe("throttled check", () => {
    it.effect("without a hint - is paced by the error schedule, by the number in a row", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(
          throttled,
          throttled,
          throttled,
          pending,
          throttled,
          done
        )
        assert.strictEqual(ending((yield* runFor(host.until(check, options), "1 hour")).exit), "done")
        assert.deepStrictEqual(checks, [0, 1000, 3000, 7000, 17_000, 18_000])
      })
    )

    it.effect("with a hint - comes when the server allows it, but no earlier than the first delay", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(
          throttledFor(5),
          throttledFor(7),
          throttledFor(0),
          throttledFor("?"),
          done
        )
        yield* runFor(host.until(check, options), "1 hour")
        // An unreadable hint is none, so the fourth in a row waits for 8 seconds.
        assert.deepStrictEqual(checks, [0, 5000, 12_000, 13_000, 21_000])
      })
    )

    it.effect("throttled check - is an attempt, and counts against no error budget", () =>
      Effect.gen(function* () {
        const { check } = scripted<string, never, string>(...Array.from({ length: 20 }, () => throttledFor(1)), done)
        const checkErrors = { kindOf, schedule, maxConsecutive: 0, maxTotal: 0 }
        const recorded = recordEvents()
        const { exit } = yield* runFor(
          host.until(check, { ...options, checkErrors, observers: [recorded.observer] }),
          "1 hour"
        )
        assert.strictEqual(ending(exit), "done")
        assert.strictEqual(recorded.notifications.at(-1)!.attempts, 21)
      })
    )

    it.effect("throttled check - neither ends nor extends a row of errors", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(reset, throttledFor(1), reset, throttledFor(1), reset)
        const recorded = recordEvents()
        const checkErrors = { kindOf, schedule: Strategy.spaced("1 second"), maxConsecutive: 2 }
        const error = yield* failureOf(host.until(check, { ...options, checkErrors, observers: [recorded.observer] }))
        assert(error._tag === "CheckErrorsExhausted")
        assert.deepStrictEqual([error.budget, error.errorCount, checks.length], ["maxConsecutive", 3, 5])
        assert.deepStrictEqual(
          recorded.events().flatMap((event) => (event._tag === "CheckFailed" ? [[event.kind, event.consecutive]] : [])),
          [
            ["Transient", 1],
            ["Throttled", 1],
            ["Transient", 2],
            ["Throttled", 2],
            ["Transient", 3]
          ]
        )
        assert.deepStrictEqual(error.history.map(({ result }) => result).slice(0, 2), [
          "check error: reset",
          "throttled: slow down in 1"
        ])
      })
    )

    it.effect("retry schedule - does not retry it within the attempt", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(reset, throttled, done)
        const checkErrors = { kindOf, schedule, retry: Strategy.spaced("100 millis") }
        const recorded = recordEvents()
        yield* runFor(host.until(check, { ...options, checkErrors, observers: [recorded.observer] }), "1 hour")
        assert.deepStrictEqual(checks, [0, 100, 1100])
        assert.strictEqual(recorded.notifications.at(-1)!.attempts, 2)
      })
    )

    it.effect("error schedule that ends - does not end the wait: its longest delay is repeated", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(throttled, throttled, throttled, throttled, done)
        const checkErrors = { kindOf, schedule: Strategy.maxRecurrences(Strategy.spaced("4 seconds"), 2) }
        assert.strictEqual(
          ending((yield* runFor(host.until(check, { ...options, checkErrors }), "1 hour")).exit),
          "done"
        )
        assert.deepStrictEqual(checks, [0, 4000, 8000, 12_000, 16_000])
      })
    )

    it.effect("error schedule that is a plain Schedule - steps apart from errors", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(throttled, reset, throttled, reset, pending, done)
        const checkErrors = { kindOf, schedule: Schedule.exponential("1 second") }
        assert.strictEqual(
          ending((yield* runFor(host.until(check, { ...options, checkErrors }), "1 hour")).exit),
          "done"
        )
        // 1 s for the first of each kind, 2 s for the second, then the strategy.
        assert.deepStrictEqual(checks, [0, 1000, 2000, 4000, 6000, 16_000])
      })
    )

    it.effect("Waiting - gives its reason", () =>
      Effect.gen(function* () {
        const { check } = scripted<string, never, string>(throttled, throttledFor(5), done)
        const recorded = recordEvents()
        yield* runFor(host.until(check, { ...options, observers: [recorded.observer] }), "1 hour")
        assert.deepStrictEqual(delaysOf(recorded.events()), ["throttled 1000", "serverHint 5000"])
      })
    )

    it.effect("last check or last attempt that is throttled - times out", () =>
      Effect.gen(function* () {
        const { check } = scripted<string, never, string>(throttled)
        const last = yield* runFor(host.until(check, { ...options, deadline: "10 seconds" }), "1 hour")
        assert.deepStrictEqual([ending(last.exit), last.at], ["PollTimeout deadline", 10_000])
        const strategy = Strategy.maxAttempts(every10s, 2)
        const attempts = yield* runFor(host.until(check, { ...options, strategy }), "1 hour")
        assert.deepStrictEqual([ending(attempts.exit), attempts.at], ["PollTimeout strategy", 3_600_000 + 1000])
      })
    )
  })

  describe("maxThrottled", () => {
    const everyHour = { kindOf, schedule: Strategy.spaced("1 hour") }

    it.effect("wait without a deadline - ends after a day of nothing but throttled checks", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(pending, throttled)
        const wait = host.until(check, { ...options, deadline: "unbounded", checkErrors: everyHour })
        const { at, exit } = yield* runFor(wait, "10 days")
        const error = errorOf(exit)
        assert(error._tag === "CheckErrorsExhausted")
        assert.deepStrictEqual([error.budget, error.errorCount, at], ["maxThrottled", 25, 86_410_000])
        assert.include(error.message, `25 throttled checks of`)
        assert.strictEqual(checks.length, 26)
      })
    )

    it.effect("wait with a deadline - has no other limit", () =>
      Effect.gen(function* () {
        const { check } = scripted<string, never, string>(throttled)
        const wait = host.until(check, { ...options, deadline: "3 days", checkErrors: everyHour })
        const { at, exit } = yield* runFor(wait, "10 days")
        assert.deepStrictEqual([ending(exit), at], ["PollTimeout deadline", 3 * 86_400_000])
      })
    )

    it.effect("maxThrottled - holds for every wait, and unbounded lifts the limit", () =>
      Effect.gen(function* () {
        const { check } = scripted<string, never, string>(throttledFor(3600))
        const run = (maxThrottled: Duration.Input | "unbounded", deadline: "1 day" | "unbounded") =>
          runFor(
            host.until(check, { ...options, deadline, checkErrors: { ...everyHour, schedule, maxThrottled } }),
            "3 days"
          )
        const short = yield* run("2 hours", "1 day")
        assert.deepStrictEqual([ending(short.exit), short.at], ["CheckErrorsExhausted", 7_200_000])
        assert.strictEqual((yield* run("unbounded", "unbounded")).exit, "running")
      })
    )

    it.effect("answer - starts a new row, an error does not", () =>
      Effect.gen(function* () {
        const limit = { ...options, checkErrors: { ...everyHour, schedule, maxThrottled: "15 seconds" } } as const
        const answered = scripted<string, never, string>(throttledFor(10), pending, throttledFor(10), pending, done)
        assert.strictEqual(ending((yield* runFor(host.until(answered.check, limit), "1 hour")).exit), "done")
        const failed = scripted<string, never, string>(throttledFor(10), reset, throttledFor(10), reset, done)
        const error = yield* failureOf(
          host.until(failed.check, { ...limit, checkErrors: { ...limit.checkErrors, maxThrottled: "11 seconds" } })
        )
        assert.strictEqual(error._tag, "CheckErrorsExhausted")
      })
    )
  })
})

describe("Poll", () => {
  it("maxThrottled out of range - throws a RangeError", () => {
    const until = (maxThrottled: Duration.Input) => () =>
      Poll.until(renderJob<string>(done).job, "a", { ...options, checkErrors: { maxThrottled } })
    assert.throws(until(0), RangeError, /checkErrors\.maxThrottled/)
    assert.throws(until(Number.NaN), RangeError, /checkErrors\.maxThrottled/)
  })
})
