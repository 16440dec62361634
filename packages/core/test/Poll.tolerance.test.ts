import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, done, pending, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { delaysOf, recordEvents } from "./support/recorders.ts"
import { ending, errorOf, runFor } from "./support/runs.ts"

const kindOf = (error: string): CheckError.Kind =>
  error === "no" ? CheckError.permanent() : error === "slow down" ? CheckError.throttled() : CheckError.transient()

const no = Effect.fail("no")
const slowDown = Effect.fail("slow down")
const reset = Effect.fail("reset")
const { missing } = CheckResult
const unknown = CheckResult.unknownState("PAUSED")
const lacking = CheckResult.resultMissing("DONE", "no outputs")

const schedule = Strategy.spaced("1 second")
const options = { strategy: every2s, deadline: "10 minutes", unknownState: "continue" } as const

/** A job with these policies and a scripted check. */
const jobOf = (
  policies: Pick<Job.Options<string, string, never, string, never>, "missing"> & {
    readonly checkErrors?: Job.CheckErrorPolicy<string>
  },
  ...answers: ReadonlyArray<Answer<string, never, string>>
) => {
  const { check, checks } = scripted(...answers)
  return {
    job: Job.make<string, never, string>("render", {
      check: () => check,
      missing: policies.missing,
      checkErrors: { kindOf, schedule, ...policies.checkErrors }
    }),
    checks
  }
}

describe.each(hosts)("$name", (host) => {
  /** How a wait ends, when, and when it checked. */
  const outcome = (
    policies: Parameters<typeof jobOf>[0],
    answers: ReadonlyArray<Answer<string, never, string>>,
    wait: Partial<Poll.Options<string>> = {}
  ) =>
    Effect.gen(function* () {
      const { checks, job } = jobOf(policies, ...answers)
      const start = yield* Clock.currentTimeMillis
      const { at, exit } = yield* runFor(host.until(job, "a", { ...options, ...wait }), "1 hour")
      return [ending(exit), at - start, checks.length]
    })

  describe("grace", () => {
    const grace = { missing: { grace: "5 seconds" } } as const

    it.effect("permanent error - is tolerated within the grace, and ends the wait after it", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* outcome(grace, [no, missing, no, done]), ["done", 6000, 4])
        assert.deepStrictEqual(yield* outcome(grace, [no]), ["CheckRejected", 6000, 4])
        assert.deepStrictEqual(yield* outcome({}, [no, done]), ["CheckRejected", 0, 1])
      })
    )

    it.effect("permanent error - is not tolerated once a status was found", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* outcome(grace, [pending, no, done]), ["CheckRejected", 2000, 2])
      })
    )

    it.effect("permanent error within the grace - counts against no budget, and is reported", () =>
      Effect.gen(function* () {
        const { job } = jobOf({ ...grace, checkErrors: { maxConsecutive: 0, maxTotal: 0 } }, no, no, done)
        const recorded = recordEvents()
        const { exit } = yield* runFor(host.until(job, "a", { ...options, observers: [recorded.observer] }), "1 hour")
        assert.strictEqual(ending(exit), "done")
        assert.deepStrictEqual(
          recorded.events().flatMap((event) => (event._tag === "CheckFailed" ? [[event.kind, event.consecutive]] : [])),
          [
            ["Permanent", 1],
            ["Permanent", 2]
          ]
        )
        assert.deepStrictEqual(delaysOf(recorded.events()), ["missing 2000", "missing 2000"])
      })
    )
  })

  describe("rejectAfter", () => {
    it.effect("times - the n-th permanent error in a row ends the wait, paced by the error schedule", () =>
      Effect.gen(function* () {
        const three = { checkErrors: { rejectAfter: { times: 3 } } }
        assert.deepStrictEqual(yield* outcome(three, [pending, no, no, done]), ["done", 4000, 4])
        assert.deepStrictEqual(yield* outcome(three, [pending, no, no, no, done]), ["CheckRejected", 4000, 4])
        assert.deepStrictEqual(yield* outcome({ checkErrors: { rejectAfter: { times: 1 } } }, [no]), [
          "CheckRejected",
          0,
          1
        ])
      })
    )

    it.effect("for - permanent errors end the wait once they have lasted that long", () =>
      Effect.gen(function* () {
        const some = { checkErrors: { rejectAfter: { for: "3 seconds" } } } as const
        assert.deepStrictEqual(yield* outcome(some, [pending, no, no, no, done]), ["done", 5000, 5])
        assert.deepStrictEqual(yield* outcome(some, [pending, no]), ["CheckRejected", 5000, 5])
      })
    )

    it.effect("row - is ended by any answer, but not by a transient error or a throttled check", () =>
      Effect.gen(function* () {
        const two = { checkErrors: { rejectAfter: { times: 2 } }, missing: { times: 9 } }
        for (const answer of [pending, missing, unknown, lacking]) {
          assert.strictEqual((yield* outcome(two, [no, answer, no, answer, no, done]))[0], "done")
        }
        for (const error of [reset, slowDown]) {
          const [end, , checks] = yield* outcome(two, [no, error, no, done])
          assert.deepStrictEqual([end, checks], ["CheckRejected", 3])
        }
      })
    )

    it.effect("tolerated errors - do not end a row of transient errors, nor count in it", () =>
      Effect.gen(function* () {
        const both = { checkErrors: { rejectAfter: { times: 9 }, maxConsecutive: 1 } }
        assert.deepStrictEqual((yield* outcome(both, [reset, no, no, done]))[0], "done")
        const [end, , checks] = yield* outcome(both, [reset, no, reset, done])
        assert.deepStrictEqual([end, checks], ["CheckErrorsExhausted", 3])
      })
    )

    it.effect("error schedule that ends - ends the tolerance too", () =>
      Effect.gen(function* () {
        const checkErrors = { rejectAfter: { times: 9 }, schedule: Strategy.maxRecurrences(schedule, 1) }
        assert.deepStrictEqual(yield* outcome({ checkErrors }, [no]), ["CheckRejected", 1000, 2])
      })
    )

    it.effect("deadline - ends the wait as PollTimeout, with the error as its last", () =>
      Effect.gen(function* () {
        const { job } = jobOf({ checkErrors: { rejectAfter: { for: "1 hour" } } }, no)
        const { at, exit } = yield* runFor(host.until(job, "a", { ...options, deadline: "3500 millis" }), "1 hour")
        const error = errorOf(exit)
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual([error.lastCheckError, at], ["no", 3500])
      })
    )
  })

  describe("missing times", () => {
    it.effect("times - the n-th missing check in a row decides, paced by the strategy", () =>
      Effect.gen(function* () {
        const three = { missing: { times: 3 } }
        assert.deepStrictEqual(yield* outcome(three, [pending, missing, missing, pending, missing, missing, done]), [
          "done",
          12_000,
          7
        ])
        assert.deepStrictEqual(yield* outcome(three, [pending, missing, missing, missing]), ["JobNotFound", 6000, 4])
      })
    )

    it.effect("missingAfter - asks for more than the policy, and the larger number counts", () =>
      Effect.gen(function* () {
        const after = (times: number) => CheckResult.missingAfter(times)
        assert.deepStrictEqual((yield* outcome({}, [after(3)])).slice(1), [4000, 3])
        assert.deepStrictEqual((yield* outcome({ missing: { times: 2 } }, [after(3)])).slice(1), [4000, 3])
        assert.deepStrictEqual((yield* outcome({ missing: { times: 4 } }, [after(3)])).slice(1), [6000, 4])
        // A clear answer after two doubtful ones decides.
        assert.deepStrictEqual((yield* outcome({}, [after(3), after(3), missing])).slice(1), [4000, 3])
        assert.deepStrictEqual((yield* outcome({}, [after(3), missing])).slice(1), [2000, 2])
      })
    )

    it.effect("row - is ended by any other answer, but not by a failed check", () =>
      Effect.gen(function* () {
        const two = { missing: { times: 2 }, checkErrors: { rejectAfter: { times: 9 } } }
        for (const answer of [pending, unknown, lacking]) {
          assert.strictEqual((yield* outcome(two, [missing, answer, missing, answer, missing, done]))[0], "done")
        }
        for (const error of [reset, slowDown, no]) {
          const [end, , checks] = yield* outcome(two, [missing, error, missing, done])
          assert.deepStrictEqual([end, checks], ["JobNotFound", 3])
        }
      })
    )

    it.effect("missing job - does not end a row of unknown states", () =>
      Effect.gen(function* () {
        const policies = { missing: { times: 9 } }
        const wait = { unknownState: { times: 1 } } as const
        assert.strictEqual((yield* outcome(policies, [unknown, missing, unknown, done], wait))[0], "UnknownState")
        assert.strictEqual((yield* outcome(policies, [unknown, pending, unknown, done], wait))[0], "done")
      })
    )

    it.effect("grace and times - both have to pass", () =>
      Effect.gen(function* () {
        const both = (times: number) => ({ missing: { grace: "5 seconds", times } }) as const
        assert.deepStrictEqual(yield* outcome(both(2), [missing]), ["JobNotFound", 6000, 4])
        assert.deepStrictEqual(yield* outcome(both(6), [missing]), ["JobNotFound", 10_000, 6])
      })
    )

    it.effect("fallback - is asked once the row is complete, and has a row of its own", () =>
      Effect.gen(function* () {
        const fallback = scripted<string>(missing, pending, missing, missing)
        const { at, exit } = yield* runFor(
          host.until(
            jobOf({ missing: { times: 2, fallback: { locate: (key) => key, check: () => fallback.check } } }, missing)
              .job,
            "a",
            options
          ),
          "1 hour"
        )
        assert.deepStrictEqual([ending(exit), at, fallback.checks], ["JobNotFound", 8000, [2000, 4000, 6000, 8000]])
      })
    )

    it.effect("gone - decides once the row is complete", () =>
      Effect.gen(function* () {
        const policies = { missing: { times: 3, gone: () => Status.succeeded("removed") } }
        assert.deepStrictEqual(yield* outcome(policies, [pending, missing]), ["removed", 6000, 4])
      })
    )
  })

  describe("end without its result", () => {
    it.effect("result that comes later - is the result", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* outcome({}, [pending, lacking, lacking, lacking, done]), ["done", 5000, 5])
      })
    )

    it.effect("four times in a row - fails with ResultMissing, which says what is missing", () =>
      Effect.gen(function* () {
        const { checks, job } = jobOf({}, pending, lacking, lacking, lacking, lacking, done)
        const recorded = recordEvents()
        const { at, exit } = yield* runFor(
          host.until(job, "a", { ...options, observers: [recorded.observer] }),
          "1 hour"
        )
        const error = errorOf(exit)
        assert(error._tag === "ResultMissing")
        assert.deepStrictEqual([error.state, error.issue, at, checks.length], ["DONE", "no outputs", 5000, 5])
        assert.include(
          error.message,
          `the server reported the end "DONE" of render "a", but not its result: no outputs (5 checks`
        )
        assert.deepStrictEqual(
          error.history.map(({ result }) => result),
          ["Pending", "ResultMissing DONE"]
        )
        assert.deepStrictEqual(delaysOf(recorded.events()).slice(1), [
          "resultMissing 1000",
          "resultMissing 1000",
          "resultMissing 1000"
        ])
      })
    )

    it.effect("row - is ended by any other answer, but not by a failed check", () =>
      Effect.gen(function* () {
        const policies = { missing: { times: 9 }, checkErrors: { rejectAfter: { times: 9 } } }
        const twice = [lacking, lacking]
        for (const answer of [pending, unknown, missing]) {
          assert.strictEqual(
            (yield* outcome(policies, [...twice, answer, ...twice, answer, ...twice, done]))[0],
            "done"
          )
        }
        for (const error of [reset, slowDown, no]) {
          const [end, , checks] = yield* outcome(policies, [...twice, error, ...twice, done])
          assert.deepStrictEqual([end, checks], ["ResultMissing", 5])
        }
      })
    )

    it.effect("deadline or strategy that ends meanwhile - fails with ResultMissing, since the job has ended", () =>
      Effect.gen(function* () {
        const deadline = { deadline: "2500 millis" } as const
        assert.deepStrictEqual(yield* outcome({}, [pending, lacking], deadline), ["ResultMissing", 2500, 3])
        assert.deepStrictEqual(yield* outcome({}, [pending, lacking, reset], deadline), ["ResultMissing", 2500, 3])
        // A pending job after all: the end was none.
        assert.deepStrictEqual(yield* outcome({}, [lacking, pending], { deadline: "1500 millis" }), [
          "PollTimeout deadline",
          1500,
          3
        ])
        const strategy = Strategy.maxAttempts(every2s, 2)
        assert.deepStrictEqual(yield* outcome({}, [pending, lacking], { strategy }), ["ResultMissing", 2000, 2])
      })
    )

    it.effect("error schedule that ends - ends the checks for the result", () =>
      Effect.gen(function* () {
        const checkErrors = { schedule: Strategy.maxRecurrences(schedule, 1) }
        assert.deepStrictEqual(yield* outcome({ checkErrors }, [pending, lacking]), ["ResultMissing", 3000, 3])
      })
    )

    it.effect("onTimeout cancelRemote - does not cancel a job that has ended", () =>
      Effect.gen(function* () {
        let canceled = 0
        const { check } = scripted<string>(pending, lacking)
        const job = Job.make<string>("render", {
          check: () => check,
          checkErrors: { schedule },
          cancel: () => Effect.sync(() => void canceled++)
        })
        const wait = host.until(job, "a", { ...options, deadline: "2500 millis", onTimeout: "cancelRemote" })
        assert.strictEqual(ending((yield* runFor(wait, "1 hour")).exit), "ResultMissing")
        assert.strictEqual(canceled, 0)
      })
    )

    it.effect("end of an earlier run without its result - counts as pending", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string>(
          CheckResult.withRun(lacking, { generation: 1 }),
          CheckResult.withRun(done, { generation: 2 })
        )
        const { exit } = yield* runFor(host.until(check, { ...options, since: { generation: 2 } }), "1 hour")
        assert.deepStrictEqual([ending(exit), checks], ["done", [0, 2000]])
      })
    )
  })

  describe("reason and partial", () => {
    it.effect("ends - pass on why, and what there is of a result", () =>
      Effect.gen(function* () {
        const said = { state: "STOPPED", reason: "out of\ncredits", partial: { pages: 3 } }
        for (const [status, tag] of [
          [Status.canceled(said), "JobCanceled"],
          [Status.expired(said), "JobExpired"]
        ] as const) {
          const { exit } = yield* runFor(host.until(scripted<string>(status).check, options), "1 hour")
          const error = errorOf(exit)
          assert(error._tag === tag && (error._tag === "JobCanceled" || error._tag === "JobExpired"))
          assert.deepStrictEqual([error.reason, error.partial], ["out of\ncredits", { pages: 3 }])
          assert.include(error.message, "on the server: out of\\u000acredits (1 check")
          assert.notInclude(error.message, "pages")
        }
      })
    )
  })
})

describe("Poll", () => {
  it("rejectAfter and missing.times out of range - throw a RangeError", () => {
    const until = (policies: Parameters<typeof jobOf>[0]) => () => Poll.until(jobOf(policies, done).job, "a", options)
    assert.throws(until({ checkErrors: { rejectAfter: { times: 0 } } }), RangeError, /checkErrors\.rejectAfter\.times/)
    assert.throws(until({ checkErrors: { rejectAfter: { for: 0 } } }), RangeError, /checkErrors\.rejectAfter\.for/)
    assert.throws(until({ missing: { times: 0.5 } }), RangeError, /missing\.times/)
    assert.throws(() => CheckResult.missingAfter(0), RangeError, /missingAfter: times must be an integer >= 1, got 0/)
  })
})
