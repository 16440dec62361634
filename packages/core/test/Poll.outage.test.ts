import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import type { Observation } from "effect-poll/Observation"
import type * as Poll from "effect-poll/Poll"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, done, pending, renderJob, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every10s, hour } from "./support/options.ts"
import { ending, errorOf, failureOf, runFor } from "./support/runs.ts"
import { storedToken } from "./support/tokens.ts"

const reset = Effect.fail("reset")
const many = (count: number) => Array.from({ length: count }, () => reset)
const every1s = Strategy.spaced("1 second")

/** An outage, and when it ends the wait as `CheckErrorsExhausted`; undefined if it is tolerated. */
interface Case {
  readonly name: string
  readonly options: Partial<Poll.Options<string>>
  readonly endsAt: number | undefined
}

const cases: ReadonlyArray<Case> = [
  // A tenth of the time to the deadline, at least 30 seconds and at most 10 minutes.
  { name: "defaults and a deadline of 1 minute", options: { deadline: "1 minute" }, endsAt: 31 },
  { name: "defaults and a deadline of 10 minutes", options: { deadline: "10 minutes" }, endsAt: 61 },
  { name: "defaults and a deadline of 50 minutes", options: { deadline: "50 minutes" }, endsAt: 301 },
  { name: "defaults and a deadline of 2 days", options: { deadline: "2 days" }, endsAt: 601 },
  { name: "defaults without a deadline", options: { deadline: "unbounded" }, endsAt: 601 },
  {
    name: "defaults and a strategy that ends after 10 minutes",
    options: { deadline: "2 days", strategy: Strategy.maxDuration(every10s, "10 minutes") },
    endsAt: 61
  },
  { name: "maxConsecutive alone", options: { checkErrors: { maxConsecutive: 2 } }, endsAt: 3 },
  { name: "maxConsecutive 5 alone, as by default", options: { checkErrors: { maxConsecutive: 5 } }, endsAt: 31 },
  { name: "maxOutage alone", options: { checkErrors: { maxOutage: "2 minutes" } }, endsAt: 121 },
  { name: "maxOutage of 0", options: { checkErrors: { maxOutage: 0 } }, endsAt: 31 },
  {
    name: "maxConsecutive and a later maxOutage",
    options: { checkErrors: { maxConsecutive: 1, maxOutage: "10 seconds" } },
    endsAt: 15
  },
  {
    name: "maxOutage and a later maxConsecutive",
    options: { checkErrors: { maxConsecutive: 6, maxOutage: "1 second" } },
    endsAt: 61
  },
  { name: "maxConsecutive unbounded", options: { checkErrors: { maxConsecutive: "unbounded" } }, endsAt: undefined },
  { name: "maxOutage unbounded", options: { checkErrors: { maxOutage: "unbounded" } }, endsAt: undefined },
  { name: "checkErrors unbounded", options: { checkErrors: "unbounded" }, endsAt: undefined },
  {
    name: "schedule that ends, before maxOutage",
    options: { checkErrors: { schedule: Strategy.maxRecurrences(every1s, 3), maxOutage: "1 hour" } },
    endsAt: 3
  }
]

describe.each(hosts)("$name", (host) => {
  describe("maxOutage [R31]", () => {
    for (const { endsAt, name, options } of cases) {
      const end = endsAt === undefined ? "tolerates an outage until the deadline" : `ends after ${endsAt} seconds`
      it.effect(`${name} - ${end}`, () =>
        Effect.gen(function* () {
          const { check } = scripted<string, never, string>(pending, reset)
          // The outage begins after 10 seconds.
          const strategy = every10s
          const wait = host.until(check, { strategy, deadline: "1 hour", ...options })
          const { at, exit } = yield* runFor(wait, "3 days")
          if (endsAt === undefined) return assert.strictEqual(ending(exit), "PollTimeout deadline")
          const error = errorOf(exit)
          assert(error._tag === "CheckErrorsExhausted")
          assert.deepStrictEqual([error.budget, at], ["maxConsecutive", 10_000 + endsAt * 1000])
          assert.strictEqual(Duration.toMillis(error.outage), endsAt * 1000)
        })
      )
    }

    it.effect("outage of 5 minutes in a wait of 2 hours - is tolerated, and so is a second one", () =>
      Effect.gen(function* () {
        const outage = many(14)
        const { check } = scripted<string, never, string>(pending, ...outage, pending, ...outage, pending, done)
        const { exit } = yield* runFor(host.until(check, { strategy: every10s, deadline: "2 hours" }), "3 hours")
        assert.strictEqual(ending(exit), "done")
      })
    )

    it.effect("answer of any kind - ends the row and its time", () =>
      Effect.gen(function* () {
        for (const answer of [pending, CheckResult.missing, CheckResult.resultMissing()]) {
          const { check } = scripted<string, never, string>(...many(3), answer, ...many(3), done)
          const job = Job.make<string, never, string>("render", { check: () => check, missing: { times: 2 } })
          const checkErrors = {
            schedule: Strategy.spaced("10 seconds"),
            maxConsecutive: 1,
            maxOutage: "25 seconds"
          } as const
          const { exit } = yield* runFor(host.until(job, "a", { strategy: every1s, ...hour, checkErrors }), "1 hour")
          assert.strictEqual(ending(exit), "done")
        }
      })
    )

    it.effect("throttled check - neither ends nor extends the row", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(reset, Effect.fail("slow down"), reset)
        const error = yield* failureOf(
          host.until(check, {
            ...hour,
            checkErrors: {
              maxConsecutive: 1,
              maxOutage: "2 seconds",
              schedule: every1s,
              kindOf: (error) => (error === "reset" ? { _tag: "Transient" } : { _tag: "Throttled" }) as never
            }
          })
        )
        assert(error._tag === "CheckErrorsExhausted")
        assert.deepStrictEqual([error.errorCount, checks], [2, [0, 1000, 2000]])
      })
    )

    it.effect("onExhausted skip - resets the row and its time", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(reset)
        const checkErrors = {
          maxConsecutive: 1,
          maxOutage: "3 seconds",
          schedule: every1s,
          onExhausted: "skip"
        } as const
        yield* runFor(host.until(check, { strategy: every10s, deadline: "20 seconds", checkErrors }), "1 hour")
        assert.deepStrictEqual(checks, [0, 1000, 2000, 3000, 13_000, 14_000, 15_000, 16_000, 20_000])
      })
    )

    it.effect("maxTotal - applies too, and maxConsecutive is named if both are exceeded", () =>
      Effect.gen(function* () {
        const budgetOf = (checkErrors: Job.CheckErrorPolicy<string>) =>
          Effect.map(failureOf(host.until(renderJob(reset).job, "a", { ...hour, checkErrors })), (error) => {
            assert(error._tag === "CheckErrorsExhausted")
            return error.budget
          })
        assert.deepStrictEqual(
          yield* Effect.all([budgetOf({ maxTotal: 2 }), budgetOf({ maxTotal: 2, maxConsecutive: 2 })]),
          ["maxTotal", "maxConsecutive"]
        )
      })
    )

    it.effect("checkErrors unbounded - still ends the wait at a permanent error, also when set in the job", () =>
      Effect.gen(function* () {
        const { check } = scripted<string, never, unknown>(reset)
        const job = Job.make<string, never, unknown>("render", { check: () => check, checkErrors: "unbounded" })
        const { exit } = yield* runFor(host.until(job, "a", hour), "2 hours")
        assert.strictEqual(ending(exit), "PollTimeout deadline")
        const denied = host.until(Effect.fail({ status: 401 }), {
          ...hour,
          checkErrors: { ...Job.checkErrorPolicy("unbounded"), kindOf: () => ({ _tag: "Permanent" }) as never }
        })
        assert.strictEqual(ending((yield* runFor(denied, "2 hours")).exit), "CheckRejected")
      })
    )

    it.effect("wait resumed in an outage - has the remaining time", () =>
      Effect.gen(function* () {
        yield* Effect.sleep("0 millis")
        const { job, checks } = renderJob(reset)
        const token = storedToken({
          rows: { errors: { count: 3, at: 0 } },
          deadlineAt: 3_600_000,
          dueAt: 50_000
        })
        const checkErrors = { maxConsecutive: 1, maxOutage: "1 minute", schedule: every10s } as const
        const error = yield* failureOf(host.resume(job, token, { checkErrors }))
        assert(error._tag === "CheckErrorsExhausted")
        assert.deepStrictEqual([checks, error.errorCount], [[50_000, 60_000], 5])
      })
    )

    it.effect("option out of range - throws a RangeError that names it", () =>
      Effect.gen(function* () {
        for (const maxOutage of [-1, Number.NaN, Number.POSITIVE_INFINITY, "forever"]) {
          const checkErrors = { maxOutage: maxOutage as never }
          const exit = yield* Effect.exit(
            Effect.suspend(() => host.until(renderJob(done).job, "a", { ...hour, checkErrors }))
          )
          assert(Exit.isFailure(exit))
          const defect = Cause.squash(exit.cause)
          assert.instanceOf(defect, RangeError)
          assert.match(defect.message, /checkErrors.maxOutage must be a non-negative finite duration/)
        }
      })
    )
  })

  describe("schedules of checkErrors [R31]", () => {
    const limited = (limit: (strategy: Strategy.Strategy) => Strategy.Strategy) => ({
      schedule: limit(every1s),
      maxConsecutive: "unbounded" as const
    })

    it.effect("limits - count from the first error of a row, not from the start of the wait", () =>
      Effect.gen(function* () {
        const schedules = [
          limited(Strategy.maxDuration("3 seconds")),
          limited(Strategy.maxAttempts(4)),
          limited(Strategy.maxRecurrences(3))
        ]
        for (const checkErrors of schedules) {
          const start = (yield* runFor(Effect.void, 0)).at
          const { check, checks } = scripted<string, never, string>(pending, ...many(2), pending, ...many(9))
          const { exit } = yield* runFor(host.until(check, { strategy: every10s, ...hour, checkErrors }), "1 hour")
          assert.strictEqual(ending(exit), "CheckErrorsExhausted")
          assert.deepStrictEqual(
            checks.map((at) => (at - start) / 1000),
            [0, 10, 11, 12, 22, 23, 24, 25]
          )
        }
      })
    )

    it.effect("foreign schedule - starts anew with each row", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(pending, ...many(3), pending, ...many(3), done)
        const checkErrors = { schedule: Schedule.exponential("1 second"), maxConsecutive: "unbounded" } as const
        yield* runFor(host.until(check, { strategy: every10s, ...hour, checkErrors }), "1 hour")
        assert.deepStrictEqual(checks, [0, 10_000, 11_000, 13_000, 17_000, 27_000, 28_000, 30_000, 34_000])
      })
    )

    it.effect("retry - counts its limits from the first retry of its check", () =>
      Effect.gen(function* () {
        const retries = [
          Strategy.maxDuration(every1s, "2 seconds"),
          Strategy.maxAttempts(every1s, 3),
          Schedule.upTo(Schedule.spaced("1 second"), { times: 2 })
        ]
        for (const retry of retries) {
          const start = (yield* runFor(Effect.void, 0)).at
          const { check, checks } = scripted<string, never, string>(pending, ...many(3), pending, ...many(3))
          const error = yield* failureOf(
            host.until(check, {
              strategy: every10s,
              ...hour,
              checkErrors: { retry, maxConsecutive: 0 }
            })
          )
          assert.strictEqual(error._tag, "CheckErrorsExhausted")
          assert.deepStrictEqual(
            checks.map((at) => (at - start) / 1000),
            [0, 10, 11, 12]
          )
        }
      })
    )

    it.effect("observation - is that of the wait", () =>
      Effect.gen(function* () {
        const seen: Array<readonly [number, number]> = []
        const schedule = Strategy.make({
          decide: (_step, _elapsed, { attempt, elapsedMillis }: Observation) => (
            seen.push([attempt, elapsedMillis]),
            1000
          ),
          maxAttempts: 2
        })
        const { check } = scripted<string, never, string>(pending, reset)
        yield* runFor(host.until(check, { strategy: every10s, ...hour, checkErrors: { schedule } }), "1 hour")
        assert.deepStrictEqual(seen, [[2, 10_000]])
      })
    )
  })

  describe("lastCheckError [R31]", () => {
    const endings: ReadonlyArray<
      readonly [name: string, answers: ReadonlyArray<Answer<string, string, string>>, expected: unknown]
    > = [
      ["error, an answer, then the deadline", [reset, pending], undefined],
      ["failed last check", [pending, reset], "reset"],
      ["error, an answer, then a failed job", [reset, Status.failed("bad")], undefined],
      ["error, an answer, then a missing job", [reset, CheckResult.missing], undefined],
      ["error, an answer, then an unknown state", [reset, CheckResult.unknownState("PAUSED")], undefined],
      ["error, an answer, then ends without their result", [reset, CheckResult.resultMissing()], undefined]
    ]
    for (const [name, answers, expected] of endings) {
      it.effect(`${name} - is ${String(expected)}`, () =>
        Effect.gen(function* () {
          const { job } = renderJob<string, string>(...answers)
          const error = yield* failureOf(
            host.until(job, "a", { strategy: every1s, deadline: "20 seconds", checkErrors: "unbounded" })
          )
          assert("lastCheckError" in error)
          assert.strictEqual(error.lastCheckError, expected)
        })
      )
    }

    it.effect("retry that succeeds - leaves none", () =>
      Effect.gen(function* () {
        const { check } = scripted<string, never, string>(reset, pending)
        const error = yield* failureOf(
          host.until(check, { strategy: every10s, deadline: "5 seconds", checkErrors: { retry: every1s } })
        )
        assert(error._tag === "PollTimeout")
        assert.strictEqual(error.lastCheckError, undefined)
      })
    )
  })

  describe("zeroDelay [R36]", () => {
    const counted = (checks: ReadonlyArray<number>, gap: number) =>
      checks.slice(1).every((at, i) => at === gap + checks[i]!)

    const schedules: ReadonlyArray<readonly [string, Schedule.Schedule<unknown, Observation>]> = [
      ["Schedule.forever", Schedule.forever],
      ["Schedule.recurs(1000)", Schedule.recurs(1000)],
      ["a decision of 0", Strategy.make({ decide: () => 0 })],
      ["a negative decision", Strategy.make({ decide: () => -5 })],
      ["a decision of NaN", Strategy.make({ decide: () => Number.NaN })]
    ]
    for (const [name, strategy] of schedules) {
      it.effect(`${name} - checks every 10 milliseconds`, () =>
        Effect.gen(function* () {
          const { check, checks } = scripted<string>(pending)
          yield* runFor(host.until(check, { strategy, deadline: "1 minute" }), "1 second")
          assert.strictEqual(checks.length, 101)
          assert.isTrue(counted(checks, 10))
        })
      )

      it.effect(`${name} in checkErrors - checks every 10 milliseconds`, () =>
        Effect.gen(function* () {
          const { check, checks } = scripted<string, never, string>(reset)
          const checkErrors = { schedule: strategy, maxConsecutive: "unbounded" } as const
          yield* runFor(host.until(check, { deadline: "1 minute", checkErrors }), "1 second")
          assert.strictEqual(checks.length, 101)
          assert.isTrue(counted(checks, 10))
        })
      )
    }

    it.effect("retry of 0 - waits for zeroDelay", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(reset, reset, done)
        const checkErrors = { retry: Schedule.recurs(5) } as const
        yield* runFor(host.until(check, { deadline: "1 minute", checkErrors }), "1 second")
        assert.deepStrictEqual(checks, [0, 10, 20])
      })
    )

    it.effect("Schedule.recurs(10) - makes 11 checks", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string>(pending)
        const { at, exit } = yield* runFor(host.until(check, { strategy: Schedule.recurs(10), ...hour }), "1 hour")
        assert.deepStrictEqual([ending(exit), at, checks.length], ["PollTimeout strategy", 100, 11])
      })
    )

    it.effect("short delay - stays, with at least 1 millisecond", () =>
      Effect.gen(function* () {
        for (const [delay, gap] of [
          [0.2, 1],
          [1, 1],
          [3, 3],
          [9.5, 10]
        ] as const) {
          const { check, checks } = scripted<string>(pending)
          const strategy = Strategy.make({ decide: () => delay })
          yield* runFor(host.until(check, { strategy, deadline: "1 minute" }), 100)
          assert.isTrue(counted(checks, gap), `${delay}: ${checks.join(" ")}`)
        }
      })
    )

    it.effect("PollDefaults - sets it", () =>
      Effect.gen(function* () {
        const run = (layer: typeof PollDefaults.layerConfig) =>
          Effect.gen(function* () {
            const { check, checks } = scripted<string>(pending)
            const wait = host.until(check, { strategy: Schedule.forever, deadline: "1 minute" })
            yield* runFor(Effect.provide(wait, layer), "10 seconds")
            return checks.length
          })
        assert.strictEqual(yield* run(PollDefaults.layer({ zeroDelay: "2 seconds" })), 6)
        const provider = ConfigProvider.fromUnknown({ EFFECT_POLL_ZERO_DELAY: "5 seconds" })
        assert.strictEqual(
          yield* Effect.provideService(run(PollDefaults.layerConfig), ConfigProvider.ConfigProvider, provider),
          3
        )
      })
    )

    it.effect("zeroDelay out of range - is a RangeError as a defect", () =>
      Effect.gen(function* () {
        const wait = host.until(Effect.succeed(pending), { deadline: "1 minute" })
        const exit = yield* Effect.exit(Effect.provide(wait, PollDefaults.layer({ zeroDelay: -1 })))
        assert(Exit.isFailure(exit))
        assert.instanceOf(Cause.squash(exit.cause), RangeError)
      })
    )
  })
})

describe("PollDefaults", () => {
  it.effect("layerConfig - reads maxOutage", () =>
    Effect.gen(function* () {
      const provider = ConfigProvider.fromUnknown({ EFFECT_POLL_CHECK_ERRORS_MAX_OUTAGE: "2 minutes" })
      const read = Effect.map(PollDefaults.PollDefaults, ({ checkErrors }) => checkErrors)
      const { maxConsecutive, maxOutage } = yield* Effect.provide(read, PollDefaults.layerConfig).pipe(
        Effect.provideService(ConfigProvider.ConfigProvider, provider)
      )
      assert(typeof maxOutage === "object" && maxOutage !== null)
      assert.deepStrictEqual([Duration.toMillis(maxOutage as Duration.Duration), maxConsecutive], [120_000, 5])
    })
  )
})
