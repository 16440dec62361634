import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, cancelableJob, scripted, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every10s, every1s, hour } from "./support/options.ts"
import { delaysOf, recordEvents } from "./support/recorders.ts"
import { ending, errorOf, runFor } from "./support/runs.ts"

type AnyAnswer = Answer<string, string, string>

const queued = Status.pending({ state: "QUEUED" })
const running = Status.pending({ state: "RUNNING" })
const paused = Status.pending({ state: "PAUSED" })
const ready = Status.succeeded("ready")
const { missing } = CheckResult
const lacking = CheckResult.resultMissing("DONE", "no outputs")
const reset = Effect.fail("reset")

const options = { strategy: every1s, deadline: "10 minutes", unknownState: "continue" } as const

/** The same answer that many times. */
const times = (count: number, answer: AnyAnswer): ReadonlyArray<AnyAnswer> =>
  Array.from({ length: count }, () => answer)

describe.each(hosts)("$name", (host) => {
  /** How a wait ends and when, and when each of its checks was made, in seconds. */
  const outcome = (
    stateLimits: Job.StateLimits,
    answers: ReadonlyArray<AnyAnswer>,
    wait: Partial<Poll.Options<string>> = {}
  ) =>
    Effect.gen(function* () {
      const { check, checks } = scripted(...answers)
      const job = Job.make<string, string, string>("render", {
        check: () => check,
        checkErrors: { schedule: every1s, maxConsecutive: "unbounded" },
        missing: { times: 99 }
      })
      const start = yield* Clock.currentTimeMillis
      const { at, exit } = yield* runFor(host.until(job, "a", { ...options, ...wait, stateLimits }), "1 hour")
      return {
        ending: ending(exit),
        at: (at - start) / 1000,
        checks: checks.map((each) => (each - start) / 1000),
        exit
      }
    })

  describe("limits per state (R30)", () => {
    it.effect("limit - ends the wait like a deadline, after a last check, and names the state", () =>
      Effect.gen(function* () {
        const { events, observer } = recordEvents()
        const wait = { strategy: every10s, observers: [observer] } as const
        const found = yield* outcome({ RUNNING: "25 seconds" }, [queued, queued, running], wait)
        const error = errorOf(found.exit)
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual([error.reason, error.state, error.limit], ["state", "RUNNING", Duration.seconds(25)])
        assert.deepStrictEqual([found.at, found.checks], [45, [0, 10, 20, 30, 40, 45]])
        assert.include(error.message, "was in the state RUNNING for longer than 25s")
        assert.deepStrictEqual(delaysOf(events()).at(-1), "lastCheck 5000")
      })
    )

    it.effect("last check - counts if it finds the end, or another state", () =>
      Effect.gen(function* () {
        const ended = yield* outcome({ QUEUED: "5 seconds" }, [queued, ready], { strategy: every10s })
        assert.deepStrictEqual([ended.ending, ended.checks], ["ready", [0, 5]])
        const moved = yield* outcome({ QUEUED: "5 seconds" }, [queued, running, ready], { strategy: every10s })
        assert.deepStrictEqual([moved.ending, moved.checks], ["ready", [0, 5, 15]])
        const limits = { QUEUED: "5 seconds", RUNNING: "3 seconds" } as const
        const limited = yield* outcome(limits, [queued, running], { strategy: every10s })
        assert.deepStrictEqual([limited.ending, limited.checks], ["PollTimeout state", [0, 5, 8]])
      })
    )

    it.effect("check in flight - is bounded by the limit", () =>
      Effect.gen(function* () {
        const hung = yield* outcome({ QUEUED: "5 seconds" }, [queued, slow("1 hour", ready)])
        assert.deepStrictEqual([hung.ending, hung.at], ["PollTimeout state", 5])
        const inTime = yield* outcome({ QUEUED: "5 seconds" }, [queued, slow("4 seconds", ready)])
        assert.deepStrictEqual([inTime.ending, inTime.at], ["ready", 5])
      })
    )

    it.effect.each([
      ["missing job", missing],
      ["failed check", reset],
      ["same state with other progress", Status.pending({ state: "QUEUED", progress: 0.5 })]
    ] as const)("%s - does not interrupt the time in a state", ([, between]) =>
      Effect.gen(function* () {
        const found = yield* outcome({ QUEUED: "4500 millis" }, [queued, between, between, queued])
        assert.deepStrictEqual([found.ending, found.at], ["PollTimeout state", 4.5])
      })
    )

    it.effect.each([
      ["another state", running],
      ["pending without a state", Status.pending()],
      ["unknown state", CheckResult.unknownState("PAUSED")],
      ["end without its result", lacking],
      ["end of an earlier run", CheckResult.withRun(ready, { generation: 1 })],
      ["end that is not confirmed", ready]
    ] as const)("%s - ends the state, whose time starts anew when it comes again", ([, between]) =>
      Effect.gen(function* () {
        const wait = { since: { generation: 2 }, confirm: { success: { times: 2 } } } as const
        const found = yield* outcome({ QUEUED: "4500 millis" }, [...times(3, queued), between, queued], wait)
        assert.deepStrictEqual([found.ending, found.at], ["PollTimeout state", 8.5])
        const never = yield* outcome(
          { QUEUED: "4500 millis" },
          [queued, between, missing, missing, missing, missing, queued, ready, ready],
          wait
        )
        assert.deepStrictEqual([never.ending, never.at], ["ready", 8])
      })
    )

    it.effect("states that alternate - never reach a limit", () =>
      Effect.gen(function* () {
        const alternating = Array.from({ length: 20 }, (_, at) => (at % 2 === 0 ? queued : running))
        const limits = { QUEUED: "1500 millis", RUNNING: "1500 millis" } as const
        const found = yield* outcome(limits, [...alternating, ready])
        assert.deepStrictEqual([found.ending, found.at], ["ready", 20])
      })
    )

    it.effect("unknown state and end of an earlier run - have limits by their words", () =>
      Effect.gen(function* () {
        const unknown = yield* outcome({ PAUSED: "3 seconds" }, [queued, CheckResult.unknownState("PAUSED")])
        assert.deepStrictEqual([unknown.ending, unknown.at], ["PollTimeout state", 4])
        const earlier = CheckResult.withRun(ready, { generation: 1 })
        const wait = { since: { generation: 2 } } as const
        const former = yield* outcome({ "EARLIER RUN": "3 seconds" }, [queued, earlier], wait)
        assert.deepStrictEqual([former.ending, former.at], ["PollTimeout state", 4])
      })
    )

    it.effect("state with a long word - has its limit", () =>
      Effect.gen(function* () {
        const state = "x".repeat(1000)
        const found = yield* outcome({ [state]: 3000 }, [Status.pending({ state })])
        assert.deepStrictEqual([found.ending, found.at], ["PollTimeout state", 3])
      })
    )

    it.effect.each(["constructor", "__proto__", "toString"])("state %s without a limit - has none", (state) =>
      Effect.gen(function* () {
        const found = yield* outcome({ QUEUED: "3 seconds" }, [...times(9, Status.pending({ state })), ready])
        assert.deepStrictEqual([found.ending, found.at], ["ready", 9])
      })
    )

    it.effect("deadline - counts if it is sooner, or equal", () =>
      Effect.gen(function* () {
        const limits = { QUEUED: "4 seconds" } as const
        const sooner = yield* outcome(limits, [queued], { deadline: "3 seconds" })
        assert.deepStrictEqual([sooner.ending, sooner.at], ["PollTimeout deadline", 3])
        const equal = yield* outcome(limits, [queued], { deadline: "4 seconds" })
        assert.deepStrictEqual([equal.ending, equal.at], ["PollTimeout deadline", 4])
        const later = yield* outcome(limits, [queued], { deadline: 4001 })
        assert.deepStrictEqual([later.ending, later.at], ["PollTimeout state", 4])
        const unbounded = yield* outcome(limits, [queued], { deadline: "unbounded" })
        assert.deepStrictEqual([unbounded.ending, unbounded.at], ["PollTimeout state", 4])
        const wait = { deadline: "8 seconds", strategy: every10s } as const
        const moved = yield* outcome({ QUEUED: "2 seconds", RUNNING: "6 seconds" }, [queued, running], wait)
        assert.deepStrictEqual([moved.ending, moved.at], ["PollTimeout deadline", 8])
        const strategy = every1s.pipe(Strategy.maxDuration("3 seconds"))
        const ended = yield* outcome(limits, [queued], { strategy })
        assert.deepStrictEqual([ended.ending, ended.at], ["PollTimeout strategy", 3])
      })
    )

    it.effect("deadline after a state with a limit - is that of the whole wait", () =>
      Effect.gen(function* () {
        const wait = { deadline: "8 seconds", strategy: Strategy.spaced("3 seconds") } as const
        const found = yield* outcome({ QUEUED: "2 seconds" }, [queued, running], wait)
        assert.deepStrictEqual([found.ending, found.checks], ["PollTimeout deadline", [0, 2, 5, 8]])
      })
    )

    it.effect("floor of the server after the limit - makes no check, and is in the timeout", () =>
      Effect.gen(function* () {
        const hinted = CheckResult.withHint(queued, "8 seconds")
        const found = yield* outcome({ QUEUED: "5 seconds" }, [hinted, ready])
        const error = errorOf(found.exit)
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual([found.ending, found.checks, error.floorAt], ["PollTimeout state", [0], 8000])
      })
    )

    it.effect("paused wait - ends at the limit", () =>
      Effect.gen(function* () {
        const { check } = scripted(queued)
        const handle = yield* host.start(check, { ...hour, strategy: every1s, stateLimits: { QUEUED: "5 seconds" } })
        yield* TestClock.adjust("1 second")
        yield* handle.pause
        yield* TestClock.adjust("5 seconds")
        const error = errorOf(yield* Effect.exit(handle.await))
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual([error.reason, error.elapsed], ["state", Duration.seconds(5)])
      })
    )

    it.effect("onTimeout - cancels the job, which has no limits any more", () =>
      Effect.gen(function* () {
        let checks = 0
        const { canceledAt, job } = cancelableJob<string, string, string>(() =>
          Effect.sync(() => (++checks < 20 ? queued : Status.canceled()))
        )
        const wait = {
          ...options,
          stateLimits: { QUEUED: "3 seconds" },
          onTimeout: "cancelRemote",
          cancelTimeout: "1 minute"
        } as const
        const { at, exit } = yield* runFor(host.until(job, "a", wait), "1 hour")
        assert.deepStrictEqual([ending(exit), canceledAt, at], ["JobCanceled", [3000], 18_000])
        checks = -1_000
        const start = yield* Clock.currentTimeMillis
        const open = yield* runFor(host.until(job, "a", { ...wait, cancelTimeout: "5 seconds" }), "1 hour")
        const error = errorOf(open.exit)
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual(
          [error.reason, error.state, error.limit, open.at - start],
          ["state", "QUEUED", Duration.seconds(3), 8000]
        )
      })
    )

    it.effect("token of a canceled job - has the end of its grace", () =>
      Effect.gen(function* () {
        const { job } = cancelableJob<string, string, string>(() => Effect.succeed(queued))
        const handle = yield* host.start(job, "a", {
          ...options,
          stateLimits: { QUEUED: "3 seconds" },
          onTimeout: "cancelRemote",
          cancelTimeout: "1 minute"
        })
        yield* TestClock.adjust("5 seconds")
        const token = yield* handle.token
        assert.strictEqual(token.deadlineAt, 63_000)
      })
    )

    it.effect("strategy - is given the time in the state, and the time to the sooner bound", () =>
      Effect.gen(function* () {
        const seen: Array<readonly [string | undefined, number, number]> = []
        const strategy = Strategy.make({
          decide: (_step, _elapsed, { inStateMillis, remainingMillis, status }) => {
            seen.push([status.state, inStateMillis, remainingMillis])
            return 1000
          }
        })
        const answers = [missing, queued, reset, queued, running, running, lacking, missing, running, ready]
        yield* outcome({ RUNNING: "20 seconds" }, answers, { strategy, deadline: "1 minute" })
        assert.deepStrictEqual(seen, [
          [undefined, 0, 60_000],
          ["QUEUED", 0, 59_000],
          ["QUEUED", 2000, 57_000],
          ["RUNNING", 0, 20_000],
          ["RUNNING", 1000, 19_000],
          ["RUNNING", 0, 53_000],
          ["RUNNING", 0, 20_000]
        ])
      })
    )

    it.effect("deadline in the token and in Started - is that of the whole wait", () =>
      Effect.gen(function* () {
        const { notifications, observer } = recordEvents()
        const { check } = scripted(queued)
        const wait = {
          ...options,
          deadline: "1 minute",
          stateLimits: { QUEUED: "5 seconds" },
          observers: [observer]
        } as const
        const handle = yield* host.start(check, wait)
        yield* TestClock.adjust("2 seconds")
        const token = yield* handle.token
        assert.strictEqual(token.deadlineAt, 60_000)
        const started = notifications[0]!.event
        assert(started._tag === "Started")
        assert.strictEqual(started.deadlineAt, 60_000)
      })
    )

    it.effect("limits of a wait - take the place of those of the Job", () =>
      Effect.gen(function* () {
        const job = Job.make<string, string>("render", {
          check: () => Effect.succeed(paused),
          strategy: every1s,
          stateLimits: { PAUSED: "3 seconds" }
        })
        const ofJob = yield* runFor(host.until(job, "a", { deadline: "1 minute" }), "1 hour")
        assert.deepStrictEqual([ending(ofJob.exit), ofJob.at], ["PollTimeout state", 3000])
        const start = yield* Clock.currentTimeMillis
        const own = yield* runFor(host.until(job, "a", { deadline: "1 minute", stateLimits: {} }), "1 hour")
        assert.deepStrictEqual([ending(own.exit), own.at - start], ["PollTimeout deadline", 60_000])
      })
    )
  })
})

describe("options", () => {
  const { check } = scripted<string, string>(queued)

  it.each([
    [{ stateLimits: { QUEUED: 0 } }, "stateLimits.QUEUED"],
    [{ stateLimits: { QUEUED: Number.POSITIVE_INFINITY } }, "stateLimits.QUEUED"],
    [{ confirm: { success: { times: 0 } } }, "confirm.success.times"],
    [{ confirm: { failure: { times: 1.5 } } }, "confirm.failure.times"],
    [{ confirm: { failure: { for: -1 } } }, "confirm.failure.for"],
    [{ confirm: { success: { for: "1 minute" } } }, "confirm.success.for"]
  ] as const)("%j - is a RangeError that names the option (R29, R30)", (bad, option) => {
    assert.throws(() => Poll.until(check, { deadline: "1 minute", ...bad }), RangeError, option)
  })
})
