import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import type { Observation } from "effect-poll/Observation"
import type * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { ResumeToken } from "effect-poll/ResumeToken"
import {
  type Command,
  drive,
  type Driven,
  event,
  fails,
  type Found,
  type Options,
  play,
  waits
} from "../support/machine.ts"
import { storedToken } from "../support/tokens.ts"

const strategy = Strategy.spaced("10 seconds")
const schedule = Strategy.spaced("3 seconds")
const running = Status.pending({ state: "RUNNING" })
const done = Status.succeeded("done")
const { missing } = CheckResult
const lacking = CheckResult.resultMissing("DONE")
const reset = fails("reset")
const no = fails("no")
const slowDown = fails("slow down")
const slowFor5s = fails("slow down 5")
const slowForNever = fails("slow down ?")

const kindOf = (error: unknown): CheckError.Kind => {
  switch (error) {
    case "no":
      return CheckError.permanent()
    case "slow down":
      return CheckError.throttled()
    case "slow down 5":
      return CheckError.throttled({ retryAfter: Duration.seconds(5) })
    case "slow down ?":
      return CheckError.throttled({ retryAfter: "unreadable" })
    case "reset 5":
      return CheckError.transient({ retryAfter: Duration.seconds(5) })
    default:
      return CheckError.transient()
  }
}

type Errors = Exclude<Options["checkErrors"], "unbounded" | undefined>

const driven = (errors: Errors, options: Options = {}) =>
  drive({ strategy, checkErrors: { kindOf, schedule, ...errors }, ...options })

/** The times of the checks in seconds, and how the wait ended. */
const outcome = (errors: Errors, answers: ReadonlyArray<Found>, options: Options = {}, token?: ResumeToken) => {
  const { checks, ending } = play(driven(errors, options), answers, token)
  return [checks.map((at) => at / 1000), ending]
}

const errorOf = (command: Command): PollError.CheckErrorsExhausted<unknown> => {
  assert(typeof command === "object" && command.exit._tag === "Failure")
  const [reason] = command.exit.cause.reasons
  assert(reason?._tag === "Fail")
  return reason.error as PollError.CheckErrorsExhausted<unknown>
}

const failed = ({ events }: Driven) =>
  events.flatMap((emitted) =>
    emitted._tag === "CheckFailed" ? [[emitted.kind, emitted.consecutive, emitted.error]] : []
  )

const waiting = ({ events }: Driven) =>
  events.flatMap((emitted) =>
    emitted._tag === "Waiting" ? [`${emitted.reason} ${Duration.toMillis(emitted.delay)}`] : []
  )

describe("checkError", () => {
  describe("transient errors (R31)", () => {
    it("end the wait when there are too many of them for too long", () => {
      const two = { maxConsecutive: 2 }
      assert.deepStrictEqual(outcome(two, [reset, reset, done]), [[0, 3, 6], "done"])
      assert.deepStrictEqual(outcome(two, [reset]), [[0, 3, 6], "CheckErrorsExhausted"])
      const long = { ...two, maxOutage: "9 seconds" } as const
      assert.deepStrictEqual(outcome(long, [reset]), [[0, 3, 6, 9], "CheckErrorsExhausted"])
    })

    it("are tolerated for a tenth of the wait by default, but at least 30 seconds and at most 10 minutes", () => {
      const outage = (deadline: NonNullable<Options["deadline"]>, options: Options = {}) => {
        const { checks } = play(
          drive({ strategy, checkErrors: { kindOf, schedule: Strategy.spaced("1 second") }, deadline, ...options }),
          [reset],
          undefined,
          1_000
        )
        return checks.at(-1)
      }
      assert.deepStrictEqual(
        [outage("2 minutes"), outage("400 seconds"), outage("3 hours"), outage("unbounded")],
        [30_000, 40_000, 600_000, 600_000]
      )
      // The limit of a state does not shorten it.
      const limited = drive({
        strategy,
        checkErrors: { kindOf, schedule: Strategy.spaced("1 second") },
        deadline: "1000 seconds",
        stateLimits: { RUNNING: "900 seconds" }
      })
      assert.strictEqual(play(limited, [running, reset], undefined, 1_000).checks.at(-1), 110_000)
      // It counts from the start of the wait, not from that of its host.
      const late = drive({
        strategy,
        checkErrors: { kindOf, schedule: Strategy.spaced("1 second") },
        deadline: "400 seconds"
      })
      late.step(100_000, { _tag: "Unpaused" })
      assert.strictEqual(play(late, [reset], undefined, 1_000).checks.at(-1), 140_000)
    })

    it("error - has the budget, the count and the length of the row", () => {
      const one = driven({ maxConsecutive: 1 })
      const error = errorOf({ exit: play(one, [running, reset]).exit! })
      assert.deepStrictEqual(
        [error.budget, error.errorCount, String(error.outage), error.error, error.lastCheckError],
        ["maxConsecutive", 2, "3000 millis", "reset", "reset"]
      )
      const total = errorOf({
        exit: play(driven({ maxTotal: 2, maxConsecutive: 9 }), [reset, running, reset, reset]).exit!
      })
      assert.deepStrictEqual([total.budget, total.errorCount, String(total.outage)], ["maxTotal", 3, "3000 millis"])
    })

    it("row - is ended by an answer", () => {
      const two = { maxConsecutive: 1 }
      assert.deepStrictEqual(outcome(two, [reset, running, reset, done]), [[0, 3, 13, 16], "done"])
    })

    it("skip - continues with the strategy, and counts anew", () => {
      const skip = { maxConsecutive: 1, onExhausted: "skip" } as const
      assert.deepStrictEqual(outcome(skip, [reset, reset, reset, reset, done]), [[0, 3, 13, 16, 26], "done"])
      assert.deepStrictEqual(outcome({ ...skip, maxTotal: 2 }, [reset]), [[0, 3, 13], "CheckErrorsExhausted"])
    })

    it("schedule that ends - ends the tolerance", () => {
      const two = { schedule: Strategy.maxAttempts(schedule, 2), maxConsecutive: "unbounded" } as const
      assert.deepStrictEqual(outcome(two, [reset]), [[0, 3], "CheckErrorsExhausted"])
      const { budget, errorCount } = errorOf({ exit: play(driven(two), [reset]).exit! })
      assert.deepStrictEqual([budget, errorCount], ["maxConsecutive", 2])
      assert.deepStrictEqual(outcome(two, [reset, running, reset, done]), [[0, 3, 13, 16], "done"])
    })

    it("delay of 0 - is at least a millisecond", () => {
      const now = { schedule: Strategy.make({ decide: () => 0 }), maxConsecutive: 9 }
      const none = drive({ strategy, checkErrors: { kindOf, ...now } })
      assert.deepStrictEqual(play(none, [reset, done]).checks, [0, 10])
    })

    it("retries - are within the attempt, and not counted", () => {
      const retry = { retry: Strategy.maxAttempts(Strategy.spaced("1 second"), 3), maxConsecutive: 1 }
      const self = driven(retry)
      assert.deepStrictEqual(play(self, [reset]).checks, [0, 1_000, 2_000, 5_000, 6_000, 7_000])
      assert.deepStrictEqual(failed(self), [
        ["Transient", 0, "reset"],
        ["Transient", 0, "reset"],
        ["Transient", 1, "reset"],
        ["Transient", 0, "reset"],
        ["Transient", 0, "reset"],
        ["Transient", 2, "reset"]
      ])
      assert.deepStrictEqual([self.wait.attempts, self.wait.cold.totalErrors], [2, 2])
      assert.deepStrictEqual(waiting(self).slice(0, 3), ["retry 1000", "retry 1000", "checkError 3000"])
    })

    it("retries - are limited in time from the first of them", () => {
      const retry = { retry: Strategy.maxDuration(Strategy.spaced("1 second"), "1500 millis"), maxConsecutive: 0 }
      assert.deepStrictEqual(outcome(retry, [reset]), [[0, 1, 1.5], "CheckErrorsExhausted"])
      assert.deepStrictEqual(outcome(retry, [running, reset]), [[0, 10, 11, 11.5], "CheckErrorsExhausted"])
    })

    it("last check - is not retried", () => {
      const retry = { retry: Strategy.spaced("1 second") }
      assert.deepStrictEqual(outcome(retry, [reset], { deadline: "2500 millis" }), [
        [0, 1, 2, 2.5],
        "PollTimeout deadline"
      ])
    })
  })

  describe("throttled checks", () => {
    it("are repeated without a limit of their own before the deadline", () => {
      assert.deepStrictEqual(outcome({}, [slowDown, slowDown, done]), [[0, 3, 6], "done"])
      assert.deepStrictEqual(outcome({}, [slowDown], { deadline: "8 seconds" }), [[0, 3, 6, 8], "PollTimeout deadline"])
    })

    it("end the wait after maxThrottled, or a day without a deadline", () => {
      const error = errorOf({ exit: play(driven({ maxThrottled: "6 seconds" }), [running, slowDown]).exit! })
      assert.deepStrictEqual([error.budget, error.errorCount, String(error.outage)], ["maxThrottled", 3, "6000 millis"])
      const hourly = { schedule: Strategy.spaced("1 hour") }
      const [checks, ending] = outcome(hourly, [slowDown], { deadline: "unbounded" })
      assert.deepStrictEqual([(checks as ReadonlyArray<number>).at(-1), ending], [86_400, "CheckErrorsExhausted"])
      const never = outcome({ ...hourly, maxThrottled: "unbounded" }, [slowDown], { deadline: "unbounded" })
      assert.strictEqual(never[1], "running")
      assert.strictEqual(outcome(hourly, [slowDown], { deadline: "2 days" })[1], "PollTimeout deadline")
    })

    it("delays - grow without a hint, and with one the first is the least", () => {
      const growing = { schedule: Strategy.linear({ initial: "1 second", increment: "9 seconds" }) }
      assert.deepStrictEqual(outcome(growing, [slowDown, slowDown, slowDown, done]), [[0, 1, 11, 30], "done"])
      assert.deepStrictEqual(outcome(growing, [slowFor5s, slowFor5s, slowFor5s, done]), [[0, 5, 10, 15], "done"])
      assert.deepStrictEqual(outcome(growing, [slowForNever, slowForNever, done]), [[0, 1, 11], "done"])
    })

    it("hint of the request as a whole - counts like one of the check", () => {
      const growing = driven({ schedule: Strategy.linear({ initial: "1 second", increment: "9 seconds" }) })
      growing.start()
      const throttle = (at: number, hint: CheckResult.Hint) =>
        growing.step(at, { _tag: "CheckErrored", cause: Cause.fail("slow down"), hint })
      throttle(0, Duration.seconds(5))
      assert.strictEqual(growing.wait.nextAt, 5_000)
      growing.step(5_000, event.due)
      throttle(5_000, Duration.seconds(5))
      assert.strictEqual(growing.wait.nextAt, 10_000)
      growing.step(10_000, event.due)
      throttle(10_000, "unreadable")
      assert.strictEqual(growing.wait.nextAt, 29_000)
    })

    it("schedule that ends - repeats its longest delay, at least a second", () => {
      const two = (first: Duration.Input) => ({ schedule: Strategy.maxAttempts(Strategy.spaced(first), 3) })
      assert.deepStrictEqual(outcome(two("4 seconds"), [slowDown, slowDown, slowDown, slowDown, done]), [
        [0, 4, 8, 12, 16],
        "done"
      ])
      assert.deepStrictEqual(outcome(two("200 millis"), [slowDown, slowDown, slowDown, slowDown, done]), [
        [0, 0.2, 0.4, 1.4, 2.4],
        "done"
      ])
      const falling = {
        schedule: Strategy.maxAttempts(Strategy.make({ decide: (step) => (step === 1 ? 5_000 : 2_000) }), 3)
      }
      assert.deepStrictEqual(outcome(falling, [slowDown, slowDown, slowDown, done]), [[0, 5, 7, 12], "done"])
    })

    it("are reported with the count of the errors before", () => {
      const self = driven({ maxConsecutive: 9 })
      play(self, [reset, slowDown, slowDown, done])
      assert.deepStrictEqual(failed(self), [
        ["Transient", 1, "reset"],
        ["Throttled", 1, "slow down"],
        ["Throttled", 1, "slow down"]
      ])
      assert.deepStrictEqual(waiting(self), ["checkError 3000", "throttled 3000", "throttled 3000"])
    })
  })

  describe("permanent errors (R7)", () => {
    it("end the wait at once, unless some are tolerated", () => {
      assert.deepStrictEqual(outcome({}, [no]), [[0], "CheckRejected"])
      assert.deepStrictEqual(outcome({ rejectAfter: { times: 2 } }, [no, done]), [[0, 3], "done"])
      assert.deepStrictEqual(outcome({ rejectAfter: { times: 2 } }, [no]), [[0, 3], "CheckRejected"])
      assert.deepStrictEqual(outcome({ rejectAfter: { for: "6 seconds" } }, [running, no]), [
        [0, 10, 13, 16],
        "CheckRejected"
      ])
    })

    it("within the grace - count as a job that is new", () => {
      const grace = { missing: { grace: "15 seconds" } } as const
      assert.deepStrictEqual(outcome({}, [no], grace), [[0, 10, 20], "CheckRejected"])
      assert.deepStrictEqual(outcome({}, [running, no], grace), [[0, 10], "CheckRejected"])
      const confirm = { success: { times: 2 } }
      assert.deepStrictEqual(outcome({}, [done, no], { ...grace, confirm }), [[0, 10], "CheckRejected"])
      const resumed = drive({ strategy, confirm, ...grace, checkErrors: { kindOf } })
      resumed.start(storedToken({ unconfirmed: { end: "Succeeded", changedAt: 0 } }))
      assert.strictEqual(errorOf(resumed.answer(0, no))._tag, "CheckRejected")
      const self = driven({}, grace)
      play(self, [no, done])
      assert.deepStrictEqual(waiting(self), ["missing 10000"])
      const atEnd = { missing: { grace: "10 seconds" } } as const
      assert.deepStrictEqual(outcome({}, [no], atEnd), [[0, 10], "CheckRejected"])
    })

    it("error - has what the check failed with", () => {
      const error = errorOf({ exit: play(driven({}), [running, no]).exit! })
      assert.deepStrictEqual([error.error, error.attempts, error.job], ["no", 2, "render"])
    })

    it("schedule that ends - ends the tolerance", () => {
      const two = { schedule: Strategy.maxAttempts(schedule, 2), rejectAfter: { times: 9 } }
      assert.deepStrictEqual(outcome(two, [no]), [[0, 3], "CheckRejected"])
    })

    it("are reported with the errors before", () => {
      const self = driven({ maxConsecutive: 9, rejectAfter: { times: 9 } })
      play(self, [reset, no, no, done])
      assert.deepStrictEqual(failed(self), [
        ["Transient", 1, "reset"],
        ["Permanent", 2, "no"],
        ["Permanent", 3, "no"]
      ])
      assert.deepStrictEqual(waiting(self), ["checkError 3000", "rejected 3000", "rejected 3000"])
      assert.deepStrictEqual(
        waits.seen(self.wait).history.map(({ result }) => result),
        ["check error: reset", "check error: no", "Succeeded"]
      )
    })
  })

  it("history - names errors by their kind, and throttled checks", () => {
    const self = driven({ maxConsecutive: 9 })
    play(self, [fails(new TypeError("secret")), slowDown, done])
    assert.deepStrictEqual(
      waits.seen(self.wait).history.map(({ result }) => result),
      ["check error: TypeError", "throttled: slow down", "Succeeded"]
    )
  })

  it("check that takes too long - is a transient error, whatever kindOf says", () => {
    const self = driven({ kindOf: () => CheckError.permanent() }, { checkTimeout: "2 seconds" })
    self.start()
    self.step(2_000, event.overdue)
    assert.deepStrictEqual(
      failed(self).map(([kind]) => kind),
      ["Transient"]
    )
  })

  it("hint of a transient error - delays the next check; one of a permanent error does not", () => {
    assert.deepStrictEqual(outcome({}, [fails("reset 5"), done]), [[0, 5], "done"])
  })

  describe("hints (R12)", () => {
    const hinted = (hint: CheckResult.Hint, options: Options = {}) => {
      const self = driven({}, { maxHint: "20 seconds", ...options })
      self.start()
      self.answer(0.5, CheckResult.withHint(running, hint))
      return [self.wait.floorAt, self.wait.nextAt, waits.seen(self.wait).hints]
    }
    const none = { clamped: 0, unreadable: 0 }

    it("are a floor, clamped to maxHint, in whole milliseconds", () => {
      assert.deepStrictEqual(hinted(Duration.seconds(15)), [15_001, 15_001, none])
      assert.deepStrictEqual(hinted(Duration.seconds(5)), [5_001, 10_001, none])
      assert.deepStrictEqual(hinted(Duration.seconds(20)), [20_001, 20_001, none])
      assert.deepStrictEqual(hinted(Duration.seconds(21)), [20_001, 20_001, { clamped: 1, unreadable: 0 }])
      assert.deepStrictEqual(hinted(Duration.zero), [0, 10_001, none])
      assert.deepStrictEqual(hinted(Duration.millis(-5)), [0, 10_001, none])
      assert.deepStrictEqual(hinted("unreadable"), [0, 10_001, { clamped: 0, unreadable: 1 }])
    })
  })

  describe("strategy", () => {
    it("observation - is what was found until now", () => {
      const seen: Array<Observation> = []
      const observing = Strategy.make({
        decide: (step, elapsed, observation) => {
          seen.push({ ...observation, key: `${observation.key} ${step} ${elapsed}` })
          return 10_000
        }
      })
      const answers = [missing, running, running, Status.succeeded(1)]
      play(
        drive({ strategy: observing, missing: { times: 9 }, confirm: { success: { times: 9 } }, deadline: "1 minute" }),
        answers,
        undefined,
        4
      )
      const pending = Status.pending()
      const common = {
        attempt: 1,
        elapsedMillis: 0,
        ageMillis: 0,
        remainingMillis: 60_000,
        sinceChangeMillis: 0,
        inStateMillis: 0
      }
      assert.deepStrictEqual(seen, [
        { ...common, key: "a 1 0", status: pending },
        {
          ...common,
          key: "a 2 10000",
          attempt: 2,
          elapsedMillis: 10_000,
          ageMillis: 10_000,
          remainingMillis: 50_000,
          status: running
        },
        {
          key: "a 3 20000",
          attempt: 3,
          elapsedMillis: 20_000,
          ageMillis: 20_000,
          remainingMillis: 40_000,
          sinceChangeMillis: 10_000,
          inStateMillis: 10_000,
          status: running
        },
        {
          ...common,
          key: "a 4 30000",
          attempt: 4,
          elapsedMillis: 30_000,
          ageMillis: 30_000,
          remainingMillis: 30_000,
          status: pending
        }
      ])
    })

    it("time of the wait - counts from its start, not from that of its host", () => {
      const elapsed: Array<number> = []
      const observing = Strategy.make({
        decide: (_step, _elapsed, { elapsedMillis }) => {
          elapsed.push(elapsedMillis)
          return 10_000
        }
      })
      const self = drive({ strategy: observing })
      self.step(7, { _tag: "Unpaused" })
      play(self, [running, running, done])
      assert.deepStrictEqual(elapsed, [0, 10_000])
    })

    it("time of the strategy - counts from its first decision", () => {
      const elapsed: Array<number> = []
      const observing = Strategy.make({
        decide: (_, since) => {
          elapsed.push(since)
          return 10_000
        }
      })
      play(drive({ strategy: observing, checkErrors: { kindOf, schedule } }), [reset, running, running, done])
      assert.deepStrictEqual(elapsed, [0, 10_000])
    })

    it("delay of 0 - is zeroDelay, and an endless one a day (R36)", () => {
      const delays = (decided: number) => {
        const self = drive({ strategy: Strategy.make({ decide: () => decided }), deadline: "unbounded" })
        self.start()
        self.answer(0, running)
        return self.wait.nextAt
      }
      assert.deepStrictEqual(
        [delays(0), delays(0.1), delays(3.2), delays(Number.POSITIVE_INFINITY)],
        [10, 1, 4, 86_400_000]
      )
    })

    it("last attempt - is the last, however it ends", () => {
      const two: Options = { strategy: Strategy.maxAttempts(strategy, 2) }
      assert.deepStrictEqual(outcome({}, [running], two), [[0, 10], "PollTimeout strategy"])
      assert.deepStrictEqual(outcome({}, [reset], two), [[0, 3], "PollTimeout strategy"])
      assert.deepStrictEqual(outcome({ rejectAfter: { times: 9 } }, [no], two), [[0, 3], "PollTimeout strategy"])
      assert.deepStrictEqual(outcome({}, [slowDown], two), [[0, 3], "PollTimeout strategy"])
      assert.deepStrictEqual(outcome({}, [lacking], two), [[0, 3], "ResultMissing"])
    })

    it("canceled job - is watched when the strategy is over, once a second", () => {
      const self = drive({
        strategy: Strategy.maxAttempts(strategy, 1),
        onTimeout: "cancelRemote",
        cancel: () => Effect.void,
        cancelTimeout: "2500 millis",
        checkErrors: { kindOf, schedule: Strategy.spaced("700 millis") }
      })
      assert.deepStrictEqual(play(self, [running]).checks, [0, 0, 1_000, 2_000, 2_500])
      const failing = drive({
        strategy: Strategy.maxAttempts(strategy, 1),
        onTimeout: "cancelRemote",
        cancel: () => Effect.void,
        cancelTimeout: "2 seconds",
        checkErrors: { kindOf, schedule: Strategy.spaced("700 millis"), maxConsecutive: 9 }
      })
      assert.deepStrictEqual(play(failing, [running, reset]).checks, [0, 0, 700, 1_400, 2_000])
    })

    it("requested check - follows at once, and lifts floor and gate if it is forced", () => {
      const requested = (force: boolean) => {
        const self = driven({})
        self.start()
        self.step(0, { _tag: "Woken", force })
        self.answer(100, CheckResult.withHint(running, "5 seconds"))
        return [self.wait.nextAt, self.wait.stage.reason]
      }
      assert.deepStrictEqual(
        [requested(false), requested(true)],
        [
          [5_100, "serverHint"],
          [100, "requested"]
        ]
      )
    })

    it("requested check - does not exceed the attempts of the strategy", () => {
      const self = drive({ strategy: Strategy.maxAttempts(strategy, 1) })
      self.start()
      self.step(0, { _tag: "Woken", force: true })
      assert.isObject(self.answer(100, running))
    })

    it("requested check after a failed one - follows without a delay", () => {
      const requested = (force: boolean) => {
        const self = driven({})
        self.start()
        self.step(0, { _tag: "Woken", force })
        self.answer(100, fails("reset 5"))
        return self.wait.nextAt
      }
      assert.deepStrictEqual([requested(false), requested(true)], [5_100, 101])
      const lacksResult = driven({})
      lacksResult.start()
      lacksResult.step(0, { _tag: "Woken", force: false })
      lacksResult.answer(100, lacking)
      assert.strictEqual(lacksResult.wait.nextAt, 101)
    })
  })

  describe("foreign schedules", () => {
    const foreign = Schedule.spaced("7 seconds")
    const decide = (self: Driven, at: number, decided: Strategy.Decision) =>
      self.step(at, { _tag: "Decided", exit: Exit.succeed(decided) })

    it("are stepped by the host, with the deadline as their limit", () => {
      const self = drive({ strategy: foreign })
      self.start()
      assert.strictEqual(self.answer(0, running), "step")
      const { cold, nextAt, stage } = self.wait
      assert.deepStrictEqual(
        [cold.stepping?.count, cold.stepping?.reason, nextAt, stage.phase],
        [1, "strategy", 600_000, "stepping"]
      )
      assert.strictEqual(cold.stepping?.stepper.schedule, foreign)
      assert.strictEqual(decide(self, 1_000, 5_000), "sleep")
      assert.strictEqual(self.wait.nextAt, 6_000)
      self.step(6_000, event.due)
      self.answer(6_000, running)
      assert.strictEqual(self.wait.cold.stepping?.count, 2)
      const command = decide(self, 6_000, "end")
      assert.strictEqual(errorOf(command)._tag, "PollTimeout")
    })

    it("strategy - has no number of attempts that would end the wait after an error", () => {
      const self = driven({}, { strategy: foreign })
      self.start()
      assert.strictEqual(self.answer(0, reset), "sleep")
    })

    it("failure of a schedule - ends the wait", () => {
      const self = drive({ strategy: foreign })
      self.start()
      self.answer(0, running)
      assert.isObject(self.step(0, { _tag: "Decided", exit: Exit.die("no") }))
    })

    it("count by their own rows", () => {
      const self = drive({
        strategy,
        checkErrors: { kindOf, schedule: foreign, retry: foreign, rejectAfter: { times: 9 } }
      })
      self.start()
      const next = (at: number, found: Found) => {
        assert.strictEqual(self.answer(at, found), "step")
        const { stepping } = self.wait.cold
        decide(self, at, 1_000)
        self.step(at + 1_000, event.due)
        return [stepping?.reason, stepping?.count]
      }
      assert.deepStrictEqual(next(0, reset), ["retry", 1])
      assert.deepStrictEqual(next(1_000, reset), ["retry", 2])
      assert.deepStrictEqual(next(2_000, slowDown), ["throttled", 1])
      assert.deepStrictEqual(next(3_000, slowDown), ["throttled", 2])
      assert.deepStrictEqual(next(4_000, slowFor5s), ["throttled", 1])
    })

    it("schedules of a resumed wait - are asked again for the delay that they had not decided", () => {
      const rows = {
        errors: { count: 2, at: 1 },
        throttled: { count: 3, at: 2 },
        rejected: { count: 4, at: 3 },
        resultMissing: { count: 5, at: 4, state: "DONE" }
      }
      const deciding = (reason: NonNullable<ResumeToken["deciding"]>, errors: Errors = {}) => {
        const self = drive(
          { strategy: foreign, checkErrors: { kindOf, schedule: foreign, retry: schedule, ...errors } },
          { origin: 100 }
        )
        const command = self.start(
          storedToken({ rows, retries: { count: 6, at: 5 }, strategySteps: 7, deciding: reason })
        )
        const { stepping } = self.wait.cold
        return [command, stepping?.reason, stepping?.count, self.wait.nextAt]
      }
      assert.deepStrictEqual(deciding("checkError"), ["step", "checkError", 2, 9_900])
      assert.deepStrictEqual(deciding("throttled"), ["step", "throttled", 3, 9_900])
      assert.deepStrictEqual(deciding("rejected"), ["step", "rejected", 4, 9_900])
      assert.deepStrictEqual(deciding("resultMissing"), ["step", "resultMissing", 5, 9_900])
      assert.deepStrictEqual(deciding("strategy"), ["step", "strategy", 1, 9_900])
      assert.deepStrictEqual(deciding("missing"), ["step", "missing", 1, 9_900])
      assert.deepStrictEqual(deciding("retry"), ["sleep", undefined, undefined, 3_000])
      assert.deepStrictEqual(deciding("retry", { retry: foreign }), ["step", "retry", 6, 9_900])
      assert.deepStrictEqual(deciding("retry", { retry: undefined }), ["step", "retry", 6, 9_900])
    })

    it("strategy of a resumed wait - decides its newest step once more", () => {
      const steps: Array<number> = []
      const observing = Strategy.make({
        decide: (step) => {
          steps.push(step)
          return 10_000
        }
      })
      for (const strategySteps of [3, 0]) {
        const self = drive({ strategy: observing }, { origin: 100 })
        self.start(storedToken({ strategySteps, deciding: "strategy", deadlineAt: 600_000 }))
      }
      assert.deepStrictEqual(steps, [3, 1])
    })
  })
})
