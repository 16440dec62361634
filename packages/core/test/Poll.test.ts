import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, ending, pending, runFor, scripted } from "./scripted.ts"

const seconds = (...at: ReadonlyArray<number>) => at.map((second) => second * 1000)
const done = Status.succeeded("done")
const slow = <A, E>(duration: Duration.Input, answer: Answer<A, never, E>) =>
  Effect.delay(Effect.isEffect(answer) ? answer : Effect.succeed(answer), duration)

class Forbidden {
  readonly _tag = "Forbidden"
  readonly [CheckError.kind] = CheckError.permanent()
}
class TooMany {
  readonly _tag = "TooMany"
  readonly [CheckError.kind]: CheckError.Kind
  constructor(retryAfter: Duration.Input | "unreadable") {
    this[CheckError.kind] = CheckError.transient({
      retryAfter: retryAfter === "unreadable" ? retryAfter : Duration.fromInputUnsafe(retryAfter)
    })
  }
}

interface Row {
  readonly name: string
  readonly answers: ReadonlyArray<Answer<string, string, unknown>>
  readonly options: Poll.Options<unknown>
  /** The value, or the tag (and reason) of the error. */
  readonly ends: unknown
  /** When it ends, in seconds. */
  readonly at: number
  /** When it checks, in seconds. */
  readonly checks: ReadonlyArray<number>
}

const every2s = Strategy.spaced("2 seconds")

const table: ReadonlyArray<Row> = [
  // -- the first check --
  {
    name: "checks once",
    answers: [done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 0,
    checks: [0]
  },
  {
    name: "waits the first wait",
    answers: [done],
    options: { strategy: Strategy.withFirstWait(every2s, "5 seconds"), deadline: "1 minute" },
    ends: "done",
    at: 5,
    checks: [5]
  },
  {
    name: "takes any schedule as a strategy",
    answers: [pending, pending, done],
    options: { strategy: Schedule.spaced("3 seconds"), deadline: "1 minute" },
    ends: "done",
    at: 6,
    checks: [0, 3, 6]
  },
  {
    name: "keeps the meaning of recurs: four checks",
    answers: [pending],
    options: { strategy: Schedule.recurs(3), deadline: "1 minute" },
    ends: "PollTimeout strategy",
    at: 0,
    checks: [0, 0, 0, 0]
  },
  {
    name: "goes on where a concatenated schedule goes on",
    answers: [pending, pending, pending, pending, done],
    options: {
      strategy: Schedule.concat(Schedule.upTo(Schedule.spaced("1 second"), { times: 2 }), Strategy.spaced("5 seconds")),
      deadline: "1 minute"
    },
    ends: "done",
    at: 12,
    checks: [0, 1, 2, 7, 12]
  },
  {
    name: "has a strategy when none is given: linear from 1 s by 2 s",
    answers: [pending, pending, pending, done],
    options: { deadline: "1 minute" },
    ends: "done",
    at: 9,
    checks: [0, 1, 4, 9]
  },
  // -- ends --
  {
    name: "ends as JobFailed",
    answers: [pending, Status.failed("bad")],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "JobFailed",
    at: 2,
    checks: [0, 2]
  },
  {
    name: "ends as JobCanceled",
    answers: [Status.canceled()],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "JobCanceled",
    at: 0,
    checks: [0]
  },
  {
    name: "ends as JobExpired",
    answers: [Status.expired()],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "JobExpired",
    at: 0,
    checks: [0]
  },
  {
    name: "ends as JobNotFound",
    answers: [CheckResult.missing],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "JobNotFound",
    at: 0,
    checks: [0]
  },
  // -- strategy and deadline --
  {
    name: "ends with its strategy, never with a pending value",
    answers: [pending],
    options: { strategy: Strategy.maxAttempts(every2s, 3), deadline: "1 minute" },
    ends: "PollTimeout strategy",
    at: 4,
    checks: [0, 2, 4]
  },
  {
    name: "R5 takes the last chance before the deadline",
    answers: [pending],
    options: { strategy: every2s, deadline: "5 seconds" },
    ends: "PollTimeout deadline",
    at: 5,
    checks: [0, 2, 4, 5]
  },
  {
    name: "R5 a check that is due at the deadline itself goes first",
    answers: [pending, pending, done],
    options: { strategy: every2s, deadline: "4 seconds" },
    ends: "done",
    at: 4,
    checks: [0, 2, 4]
  },
  {
    name: "R5 places the last check so that its answer fits",
    answers: [slow("1 second", pending), slow("1 second", pending), slow("1 second", done)],
    options: { strategy: Strategy.spaced("3 seconds"), deadline: "7 seconds" },
    ends: "done",
    at: 7,
    checks: [0, 4, 6]
  },
  {
    name: "R4 the deadline bounds a check in flight",
    answers: [pending, Effect.never],
    options: { strategy: every2s, deadline: "5 seconds" },
    ends: "PollTimeout deadline",
    at: 5,
    checks: [0, 2]
  },
  {
    name: "R4 the deadline does not wait for an uninterruptible check",
    answers: [Effect.uninterruptible(Effect.delay(Effect.succeed(done), "1 hour"))],
    options: { deadline: "5 seconds" },
    ends: "PollTimeout deadline",
    at: 5,
    checks: [0]
  },
  {
    name: "R4 an answer that arrives at the deadline counts",
    answers: [slow("5 seconds", done)],
    options: { deadline: "5 seconds" },
    ends: "done",
    at: 5,
    checks: [0]
  },
  {
    name: "R4 a hung check is given up after its timeout, and checked again",
    answers: [Effect.never, done],
    options: { strategy: every2s, deadline: "1 minute", checkTimeout: "3 seconds" },
    ends: "done",
    at: 4,
    checks: [0, 4]
  },
  {
    name: "R14 a delay beyond 2^31 ms does not fire at once",
    answers: [pending],
    options: { strategy: Strategy.spaced("30 days"), deadline: "unbounded" },
    ends: "running",
    at: Number.NaN,
    checks: [0]
  },
  // -- what the server wishes --
  {
    name: "R12 a hint is a floor for this wait and no other",
    answers: [CheckResult.withHint(pending, "7 seconds"), pending, done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 9,
    checks: [0, 7, 9]
  },
  {
    name: "R12 a hint below the strategy's delay changes nothing",
    answers: [CheckResult.withHint(pending, "1 second"), done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 2,
    checks: [0, 2]
  },
  {
    name: "R12 a huge hint is drawn to maxHint, not a hot loop",
    answers: [CheckResult.withHint(pending, "30 days"), done],
    options: { strategy: every2s, deadline: "unbounded", maxHint: "20 seconds" },
    ends: "done",
    at: 20,
    checks: [0, 20]
  },
  {
    name: "R12 a hint holds against the last check",
    answers: [pending, CheckResult.withHint(pending, "10 seconds")],
    options: { strategy: every2s, deadline: "5 seconds" },
    ends: "PollTimeout deadline",
    at: 5,
    checks: [0, 2]
  },
  {
    name: "R12 an unreadable hint is ignored",
    answers: [CheckResult.withHint(pending, "unreadable"), done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 2,
    checks: [0, 2]
  },
  // -- checks that fail --
  {
    name: "R3 a failed check is not the end of the job, and does not step the strategy",
    answers: [pending, Effect.fail("reset"), Effect.fail("reset"), pending, done],
    options: { strategy: Strategy.linear({ increment: "10 seconds" }), deadline: "10 minutes" },
    ends: "done",
    at: 10 + 1 + 2 + 20,
    checks: [0, 10, 11, 13, 33]
  },
  {
    name: "R3 the budget in a row is used up",
    answers: [Effect.fail("reset")],
    options: { strategy: every2s, deadline: "10 minutes", checkErrors: { maxConsecutive: 2 } },
    ends: "CheckErrorsExhausted",
    at: 3,
    checks: [0, 1, 3]
  },
  {
    name: "R3 the budget in a row starts anew after a good check",
    answers: [Effect.fail("a"), pending, Effect.fail("b"), pending, Effect.fail("c"), done],
    options: { strategy: every2s, deadline: "10 minutes", checkErrors: { maxConsecutive: 1 } },
    ends: "done",
    at: 7,
    checks: [0, 1, 3, 4, 6, 7]
  },
  {
    name: "R3 the budget in all does not",
    answers: [Effect.fail("a"), pending, Effect.fail("b"), pending, Effect.fail("c"), done],
    options: { strategy: every2s, deadline: "10 minutes", checkErrors: { maxConsecutive: 1, maxTotal: 2 } },
    ends: "CheckErrorsExhausted",
    at: 6,
    checks: [0, 1, 3, 4, 6]
  },
  {
    name: "R7 a permanent error ends the wait at once",
    answers: [pending, Effect.fail(new Forbidden())],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "CheckRejected",
    at: 2,
    checks: [0, 2]
  },
  {
    name: "R7 the classifier can be replaced",
    answers: [Effect.fail(new Forbidden()), done],
    options: {
      strategy: every2s,
      deadline: "1 minute",
      checkErrors: { kindOf: () => CheckError.transient(), schedule: Strategy.spaced("4 seconds") }
    },
    ends: "done",
    at: 4,
    checks: [0, 4]
  },
  {
    name: "R12 an error's Retry-After is a floor too",
    answers: [Effect.fail(new TooMany("8 seconds")), done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 8,
    checks: [0, 8]
  },
  {
    name: "an error's unreadable Retry-After is ignored",
    answers: [Effect.fail(new TooMany("unreadable")), done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 1,
    checks: [0, 1]
  },
  {
    name: "retries within a check count as one attempt",
    answers: [Effect.fail("a"), Effect.fail("b"), pending, Effect.fail("c"), pending],
    options: {
      strategy: Strategy.maxAttempts(Strategy.spaced("10 seconds"), 2),
      deadline: "1 minute",
      checkErrors: { retry: Strategy.maxRecurrences(Strategy.linear({ increment: "1 second" }), 2) }
    },
    ends: "PollTimeout strategy",
    at: 14,
    checks: [0, 1, 3, 13, 14]
  },
  {
    name: "skipCheck gives the look up and goes on when the strategy says",
    answers: [Effect.fail("a"), Effect.fail("b"), Effect.fail("c"), done],
    options: {
      strategy: Strategy.spaced("10 seconds"),
      deadline: "1 minute",
      checkErrors: {
        retry: Strategy.maxRecurrences(Strategy.spaced("1 second"), 2),
        maxConsecutive: 0,
        onExhausted: "skip"
      }
    },
    ends: "done",
    at: 12,
    checks: [0, 1, 2, 12]
  },
  {
    name: "failed checks count as attempts of the strategy",
    answers: [Effect.fail("down")],
    options: {
      strategy: Strategy.maxAttempts(every2s, 3),
      deadline: "1 minute",
      checkErrors: { maxConsecutive: "unbounded", schedule: Schedule.spaced("3 seconds") }
    },
    ends: "PollTimeout strategy",
    at: 6,
    checks: [0, 3, 6]
  },
  {
    name: "a foreign check-error schedule starts anew with each row of errors",
    answers: [Effect.fail("a"), Effect.fail("b"), pending, Effect.fail("c"), done],
    options: {
      strategy: Strategy.spaced("10 seconds"),
      deadline: "10 minutes",
      checkErrors: { schedule: Schedule.exponential("1 second") }
    },
    ends: "done",
    at: 14,
    checks: [0, 1, 3, 13, 14]
  },
  {
    name: "a last check that fails is the end",
    answers: [pending, Effect.fail("a")],
    options: { strategy: Strategy.spaced("10 seconds"), deadline: "5 seconds" },
    ends: "PollTimeout deadline",
    at: 5,
    checks: [0, 5]
  },
  // -- words nobody listed --
  {
    name: "R2 an unknown state fails",
    answers: [pending, CheckResult.unknownState("PAUSED")],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "UnknownState",
    at: 2,
    checks: [0, 2]
  },
  {
    name: "R2 an unknown state may be pending",
    answers: [CheckResult.unknownState("PAUSED"), CheckResult.unknownState("PAUSED"), done],
    options: { strategy: every2s, deadline: "1 minute", unknownState: "continue" },
    ends: "done",
    at: 4,
    checks: [0, 2, 4]
  },
  {
    name: "R2 an unknown state may be pending for so many checks in a row",
    answers: [CheckResult.unknownState("A"), pending, CheckResult.unknownState("A"), CheckResult.unknownState("A")],
    options: { strategy: every2s, deadline: "1 minute", unknownState: { times: 1 } },
    ends: "UnknownState",
    at: 6,
    checks: [0, 2, 4, 6]
  },
  {
    name: "R2 an unknown state may be pending for so long",
    answers: [CheckResult.unknownState("A")],
    options: { strategy: every2s, deadline: "1 minute", unknownState: { for: "5 seconds" } },
    ends: "UnknownState",
    at: 6,
    checks: [0, 2, 4, 6]
  },
  {
    name: "R2 an unknown state may stand for a status",
    answers: [CheckResult.unknownState("STOPPED")],
    options: { strategy: every2s, deadline: "1 minute", unknownState: { treatAs: () => Status.canceled() } },
    ends: "JobCanceled",
    at: 0,
    checks: [0]
  },
  // -- stall --
  {
    name: "R26 fails when nothing has changed for too long",
    answers: [
      Status.pending({ progress: 0.1 }),
      Status.pending({ progress: 0.2 }),
      Status.pending({ progress: 0.2 }),
      Status.pending({ progress: 0.2 })
    ],
    options: { strategy: every2s, deadline: "1 minute", stall: { after: "4 seconds" } },
    ends: "JobStalled",
    at: 6,
    checks: [0, 2, 4, 6]
  },
  // -- earlier runs --
  {
    name: "R28 the end of another run is pending",
    answers: [
      CheckResult.withRun(Status.succeeded("old"), { run: "run 1" }),
      CheckResult.withRun(done, { run: "run 2" })
    ],
    options: { strategy: every2s, deadline: "1 minute", since: { run: "run 2" } },
    ends: "done",
    at: 2,
    checks: [0, 2]
  },
  {
    name: "R28 the end of an older version is pending, of a newer one not",
    answers: [
      CheckResult.withRun(Status.failed("old"), { generation: 6 }),
      CheckResult.withRun(done, { generation: 8 })
    ],
    options: { strategy: every2s, deadline: "1 minute", since: { generation: 7 } },
    ends: "done",
    at: 2,
    checks: [0, 2]
  }
]

describe("Poll", () => {
  describe("until", () => {
    for (const row of table) {
      it.effect(row.name, () =>
        Effect.gen(function* () {
          const { check, checks } = scripted(...row.answers)
          const { at, exit } = yield* runFor(Poll.until(check, row.options), "20 minutes")
          assert.deepStrictEqual(
            { ends: ending(exit), at: at / 1000, checks },
            { ends: row.ends, at: row.at, checks: seconds(...row.checks) }
          )
        })
      )
    }

    it.effect("R6 an error says all that was seen", () =>
      Effect.gen(function* () {
        const working = Status.pending({ state: "WORKING", progress: 0.4 })
        const { check } = scripted<never, never, string>(pending, working, working, Effect.fail("reset"), working)
        const job = Job.make("render", { check: () => check })
        const { exit } = yield* runFor(
          Poll.until(job, "tsk_1", { strategy: every2s, deadline: "5 seconds" }),
          "1 minute"
        )
        const error = exit === "running" ? undefined : Exit.findErrorOption(exit)
        assert(error?._tag === "Some" && error.value._tag === "PollTimeout")
        const { attempts, elapsed, history, job: name, key, lastCheckError, lastStatus, message } = error.value
        assert.deepStrictEqual([name, key, attempts, Duration.toMillis(elapsed)], ["render", "tsk_1", 4, 5000])
        assert.deepStrictEqual([lastStatus, lastCheckError], [working, "reset"])
        assert.deepStrictEqual(history, [
          { result: "Pending", checks: 1, firstMillis: 0, lastMillis: 0 },
          { result: "Pending WORKING 40%", checks: 2, firstMillis: 2000, lastMillis: 4000 },
          { result: "check error: reset", checks: 1, firstMillis: 5000, lastMillis: 5000 }
        ])
        assert.strictEqual(
          message,
          `render "tsk_1" did not end before the deadline (4 checks in 5s, last status Pending WORKING 40%, last check error reset)`
        )
      })
    )

    it.effect("R2 R12 an error counts unknown states and hints that were not followed", () =>
      Effect.gen(function* () {
        const { check } = scripted(
          CheckResult.unknownState("PAUSED"),
          CheckResult.unknownState("toString"),
          CheckResult.withHint(CheckResult.unknownState("PAUSED"), "unreadable"),
          CheckResult.withHint(pending, "2 hours")
        )
        const { exit } = yield* runFor(
          Poll.until(check, { strategy: every2s, deadline: "10 seconds", unknownState: "continue" }),
          "1 minute"
        )
        const error = exit === "running" ? undefined : Exit.findErrorOption(exit)
        assert(error?._tag === "Some" && error.value._tag === "PollTimeout")
        assert.deepStrictEqual(error.value.unknownStates, { PAUSED: 2, toString: 1 })
        assert.deepStrictEqual(error.value.hints, { clamped: 1, unreadable: 1 })
      })
    )

    it.effect("R12 a timeout says until when the server asked to wait", () =>
      Effect.gen(function* () {
        const { check } = scripted(CheckResult.withHint(pending, "1 minute"))
        const { exit } = yield* runFor(Poll.until(check, { deadline: "5 seconds" }), "1 hour")
        const error = exit === "running" ? undefined : Exit.findErrorOption(exit)
        assert(error?._tag === "Some" && error.value._tag === "PollTimeout")
        assert.strictEqual(error.value.floorAt, 60_000)
        assert.include(error.value.message, "the server allowed no check before 1970-01-01T00:01:00.000Z")
      })
    )

    it.effect("R8 interruption ends the sleep, and no check follows", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const fiber = yield* Effect.forkChild(Poll.until(check, { strategy: every2s, deadline: "unbounded" }))
        yield* TestClock.adjust("3 seconds")
        yield* Fiber.interrupt(fiber)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(checks, seconds(0, 2))
      })
    )

    it.effect("R8 interruption ends a check in flight and waits for its finalizer", () =>
      Effect.gen(function* () {
        let finalized = 0
        const hung = Effect.onInterrupt(Effect.never, () =>
          Effect.delay(
            Effect.sync(() => finalized++),
            "1 second"
          )
        )
        const fiber = yield* Effect.forkChild(Poll.until(hung, { deadline: "unbounded" }))
        yield* TestClock.adjust("3 seconds")
        const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
        yield* TestClock.adjust("500 millis")
        assert.deepStrictEqual([finalized, interrupting.pollUnsafe()], [0, undefined])
        yield* TestClock.adjust("500 millis")
        assert.deepStrictEqual([finalized, interrupting.pollUnsafe() !== undefined], [1, true])
      })
    )

    it.effect("a defect in a check ends the wait with its own cause", () =>
      Effect.gen(function* () {
        const { exit } = yield* runFor(Poll.until(Effect.die("bug"), { deadline: "1 minute" }), "1 minute")
        assert.deepStrictEqual(exit, Exit.die("bug"))
      })
    )

    it.effect("an interruption inside a check ends the wait as interrupted", () =>
      Effect.gen(function* () {
        const { exit } = yield* runFor(Poll.until(Effect.interrupt, { deadline: "1 minute" }), "1 minute")
        assert(exit !== "running" && Exit.hasInterrupts(exit))
      })
    )

    it.effect("a check that interrupts the fiber it runs in ends the wait, instead of hanging", () =>
      Effect.gen(function* () {
        const check = Effect.withFiber((fiber) => {
          fiber.interruptUnsafe()
          return Effect.as(Effect.yieldNow, pending)
        })
        const { at, exit } = yield* runFor(Poll.until(check, { deadline: "1 minute" }), "1 hour")
        assert(exit !== "running" && Exit.hasInterrupts(exit))
        assert.strictEqual(at, 0)
      })
    )

    it.effect("a foreign schedule is given the time of the wall clock", () =>
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
        yield* runFor(Poll.until(check, { strategy: schedule, deadline: "1 minute" }), "1 minute")
        assert.deepStrictEqual(nows, [3_600_000, 3_602_000])
      })
    )

    it.effect("a check that throws while it is made is a defect", () =>
      Effect.gen(function* () {
        const job = Job.make("thrower", {
          check: (): Effect.Effect<Status.Pending> => {
            throw new Error("no effect")
          }
        })
        const { exit } = yield* runFor(Poll.until(job, "a", { deadline: "1 minute" }), "1 minute")
        assert.deepStrictEqual(exit, Exit.die(new Error("no effect")))
      })
    )

    it.effect("R21 never overlaps two checks", () =>
      Effect.gen(function* () {
        let running = 0
        let most = 0
        const check = Effect.acquireUseRelease(
          Effect.sync(() => (most = Math.max(most, ++running))),
          () => Effect.delay(Effect.succeed(pending), "3 seconds"),
          () => Effect.sync(() => running--)
        )
        yield* runFor(Poll.until(check, { strategy: Strategy.spaced("1 millis"), deadline: "1 minute" }), "1 minute")
        assert.deepStrictEqual([most, running], [1, 0])
      })
    )

    it.effect("the three ways to call it are one", () =>
      Effect.gen(function* () {
        const job = Job.make("named", { check: (id: string) => Effect.succeed(Status.succeeded(id)) })
        const check = Effect.succeed(Status.succeeded("a"))
        const options = { deadline: "1 minute" } as const
        const results = yield* Effect.all([
          check.pipe(Poll.until(options)),
          Poll.until(check, options),
          Poll.until(job, "a", options)
        ])
        assert.deepStrictEqual(results, ["a", "a", "a"])
      })
    )

    it.effect("100,000 checks that answer at once leave the stack alone", () =>
      Effect.gen(function* () {
        let n = 0
        const check = Effect.sync(() => (++n < 100_000 ? pending : done))
        const result = yield* Poll.until(check, { strategy: Schedule.forever, deadline: "1 minute" })
        assert.deepStrictEqual([result, n], ["done", 100_000])
      })
    )
  })

  describe("missing", () => {
    const missingJob = (
      missing: Job.MissingPolicy<string, string, never, never, never>,
      ...answers: ReadonlyArray<Answer<string, never, never>>
    ) => {
      const { check, checks } = scripted(...answers)
      return { job: Job.make("late", { check: () => check, missing }), checks }
    }

    it.effect("R16 is pending within the grace, and not found after it", () =>
      Effect.gen(function* () {
        const { job, checks } = missingJob({ grace: "5 seconds" }, CheckResult.missing)
        const { at, exit } = yield* runFor(Poll.until(job, "a", { strategy: every2s, deadline: "1 minute" }), "1 hour")
        assert.deepStrictEqual([ending(exit), at, checks], ["JobNotFound", 6000, seconds(0, 2, 4, 6)])
      })
    )

    it.effect("R16 has no grace once the job was seen", () =>
      Effect.gen(function* () {
        const { job } = missingJob({ grace: "5 seconds" }, pending, CheckResult.missing)
        const { at, exit } = yield* runFor(Poll.until(job, "a", { strategy: every2s, deadline: "1 minute" }), "1 hour")
        assert.deepStrictEqual([ending(exit), at], ["JobNotFound", 2000])
      })
    )

    it.effect("R16 turns to the fallback at once, and stays there", () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const { job, checks } = missingJob(
          {
            fallback: {
              locate: (key, last) => `${key}/${last?.state}`,
              check: (key) =>
                Effect.sync(() => (asked.push(key) < 3 ? Status.pending({ state: "B" }) : Status.succeeded("kept")))
            }
          },
          Status.pending({ state: "A" }),
          CheckResult.missing
        )
        const { at, exit } = yield* runFor(Poll.until(job, "k", { strategy: every2s, deadline: "1 minute" }), "1 hour")
        assert.deepStrictEqual([ending(exit), at, checks], ["kept", 6000, seconds(0, 2)])
        assert.deepStrictEqual(asked, ["k/A", "k/A", "k/A"])
      })
    )

    it.effect("R16 is not found where the fallback knows nothing either", () =>
      Effect.gen(function* () {
        const lost = missingJob(
          { fallback: { locate: (key) => key, check: () => Effect.succeed(CheckResult.missing) } },
          CheckResult.missing
        )
        const none = missingJob(
          { fallback: { locate: () => undefined, check: () => Effect.die("asked") } },
          CheckResult.missing
        )
        const options = { strategy: every2s, deadline: "1 minute" } as const
        assert.strictEqual(ending((yield* runFor(Poll.until(lost.job, "k", options), "1 minute")).exit), "JobNotFound")
        assert.strictEqual(ending((yield* runFor(Poll.until(none.job, "k", options), "1 minute")).exit), "JobNotFound")
      })
    )

    it.effect("is the end of work whose aim is to be gone", () =>
      Effect.gen(function* () {
        const { job } = missingJob({ gone: () => Status.succeeded("deleted") }, pending, CheckResult.missing)
        const { exit } = yield* runFor(Poll.until(job, "a", { strategy: every2s, deadline: "1 minute" }), "1 minute")
        assert.strictEqual(ending(exit), "deleted")
      })
    )
  })

  describe("construction", () => {
    const check = Effect.succeed(pending)
    const job = Job.make("j", { check: () => check })
    const bad: ReadonlyArray<readonly [string, () => unknown, RegExp]> = [
      ["deadline 0", () => Poll.until(check, { deadline: 0 }), /Poll\.until: deadline must be .*"unbounded", got 0/],
      ["deadline -1", () => Poll.until(check, { deadline: -1 }), /Poll\.until: deadline .*got -1/],
      ["deadline NaN", () => Poll.until(check, { deadline: Number.NaN }), /Poll\.until: deadline .*"unbounded"/],
      ["deadline Infinity", () => Poll.until(check, { deadline: "Infinity" }), /Poll\.until: deadline .*"unbounded"/],
      ["deadline nonsense", () => Poll.until(check, { deadline: "soon" as never }), /deadline .*got "soon"/],
      ["checkTimeout", () => Poll.until(check, { deadline: 1, checkTimeout: 0 }), /Poll\.until: checkTimeout/],
      ["maxHint", () => Poll.until(check, { deadline: 1, maxHint: -1 }), /Poll\.until: maxHint/],
      ["stall", () => Poll.until(check, { deadline: 1, stall: { after: 0 } }), /Poll\.until: stall\.after/],
      [
        "maxConsecutive",
        () => Poll.until(check, { deadline: 1, checkErrors: { maxConsecutive: -1 } }),
        /checkErrors\.maxConsecutive .*>= 0, got -1/
      ],
      ["maxTotal", () => Poll.until(check, { deadline: 1, checkErrors: { maxTotal: 0.5 } }), /checkErrors\.maxTotal/],
      ["unknown", () => Poll.until(check, { deadline: 1, unknownState: { times: 0 } }), /unknownState\.times/],
      ["empty key", () => Poll.until(job, "", { deadline: 1 }), /Poll\.until: key must be a non-empty string, got ""/],
      ["events too", () => Poll.events(job, "", { deadline: 1 }), /Poll\.events: key must be a non-empty string/],
      ["empty name", () => Job.make("", { check: () => check }), /Job\.make: name must be a non-empty string/]
    ]
    for (const [name, make, message] of bad) {
      it(`throws a RangeError that names the option - ${name}`, () => {
        assert.throws(make, RangeError, message)
      })
    }
  })
})
