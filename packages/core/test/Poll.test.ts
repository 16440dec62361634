import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, done, pending, scripted, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { ending, runFor } from "./support/runs.ts"

const inMillis = (...at: ReadonlyArray<number>) => at.map((second) => second * 1000)

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
  /** The value, or the tag and the reason of the error. */
  readonly ends: unknown
  /** When it ends, in seconds. */
  readonly at: number
  /** When it checks, in seconds. */
  readonly checks: ReadonlyArray<number>
}

const table: ReadonlyArray<Row> = [
  // -- first check --
  {
    name: "terminal status in the first check - ends the wait at once",
    answers: [done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 0,
    checks: [0]
  },
  {
    name: "first wait - delays the first check",
    answers: [done],
    options: { strategy: Strategy.withFirstWait(every2s, "5 seconds"), deadline: "1 minute" },
    ends: "done",
    at: 5,
    checks: [5]
  },
  {
    name: "foreign schedule - is a strategy",
    answers: [pending, pending, done],
    options: { strategy: Schedule.spaced("3 seconds"), deadline: "1 minute" },
    ends: "done",
    at: 6,
    checks: [0, 3, 6]
  },
  {
    name: "recurs(3) - makes four checks, as in Effect.repeat",
    answers: [pending],
    options: { strategy: Schedule.recurs(3), deadline: "1 minute" },
    ends: "PollTimeout strategy",
    at: 0.03,
    checks: [0, 0.01, 0.02, 0.03]
  },
  {
    name: "concatenated schedule - continues with its second part",
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
    name: "default strategy - is linear from 1 s by 2 s",
    answers: [pending, pending, pending, done],
    options: { deadline: "1 minute" },
    ends: "done",
    at: 9,
    checks: [0, 1, 4, 9]
  },
  // -- endings --
  {
    name: "failed job - ends as JobFailed [R15]",
    answers: [pending, Status.failed("bad")],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "JobFailed",
    at: 2,
    checks: [0, 2]
  },
  {
    name: "canceled job - ends as JobCanceled [R15]",
    answers: [Status.canceled()],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "JobCanceled",
    at: 0,
    checks: [0]
  },
  {
    name: "expired job - ends as JobExpired [R15]",
    answers: [Status.expired()],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "JobExpired",
    at: 0,
    checks: [0]
  },
  {
    name: "missing job - ends as JobNotFound",
    answers: [CheckResult.missing],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "JobNotFound",
    at: 0,
    checks: [0]
  },
  // -- strategy and deadline --
  {
    name: "strategy that ends - ends the wait as PollTimeout, never with a pending value [R27]",
    answers: [pending],
    options: { strategy: Strategy.maxAttempts(every2s, 3), deadline: "1 minute" },
    ends: "PollTimeout strategy",
    at: 4,
    checks: [0, 2, 4]
  },
  {
    name: "deadline - has one last check at its time [R5]",
    answers: [pending],
    options: { strategy: every2s, deadline: "5 seconds" },
    ends: "PollTimeout deadline",
    at: 5,
    checks: [0, 2, 4, 5]
  },
  {
    name: "check due at the deadline - is made before the wait ends [R5]",
    answers: [pending, pending, done],
    options: { strategy: every2s, deadline: "4 seconds" },
    ends: "done",
    at: 4,
    checks: [0, 2, 4]
  },
  {
    name: "last check - is placed so that its answer fits [R5]",
    answers: [slow("1 second", pending), slow("1 second", pending), slow("1 second", done)],
    options: { strategy: Strategy.spaced("3 seconds"), deadline: "7 seconds" },
    ends: "done",
    at: 6.75,
    checks: [0, 4, 5.75]
  },
  {
    name: "deadline - ends a check in flight [R4]",
    answers: [pending, Effect.never],
    options: { strategy: every2s, deadline: "5 seconds" },
    ends: "PollTimeout deadline",
    at: 5,
    checks: [0, 2]
  },
  {
    name: "deadline - does not wait for an uninterruptible check [R4]",
    answers: [Effect.uninterruptible(slow("1 hour", done))],
    options: { deadline: "5 seconds" },
    ends: "PollTimeout deadline",
    at: 5,
    checks: [0]
  },
  {
    name: "answer at the deadline - counts [R4]",
    answers: [slow("5 seconds", done)],
    options: { deadline: "5 seconds" },
    ends: "done",
    at: 5,
    checks: [0]
  },
  {
    name: "check that hangs - times out and is made again [R4]",
    answers: [Effect.never, done],
    options: { strategy: every2s, deadline: "1 minute", checkTimeout: "3 seconds" },
    ends: "done",
    at: 4,
    checks: [0, 4]
  },
  {
    name: "delay beyond 2^31 ms - does not fire at once [R14]",
    answers: [pending],
    options: { strategy: Strategy.spaced("30 days"), deadline: "unbounded" },
    ends: "running",
    at: Number.NaN,
    checks: [0]
  },
  // -- hints --
  {
    name: "hint - is the floor of the next check only [R12]",
    answers: [CheckResult.withHint(pending, "7 seconds"), pending, done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 9,
    checks: [0, 7, 9]
  },
  {
    name: "hint below the delay of the strategy - changes nothing [R12]",
    answers: [CheckResult.withHint(pending, "1 second"), done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 2,
    checks: [0, 2]
  },
  {
    name: "huge hint - is clamped to maxHint and does not start a hot loop [R12]",
    answers: [CheckResult.withHint(pending, "30 days"), done],
    options: { strategy: every2s, deadline: "unbounded", maxHint: "20 seconds" },
    ends: "done",
    at: 20,
    checks: [0, 20]
  },
  {
    name: "hint beyond the deadline - allows no last check [R12]",
    answers: [pending, CheckResult.withHint(pending, "10 seconds")],
    options: { strategy: every2s, deadline: "5 seconds" },
    ends: "PollTimeout deadline",
    at: 5,
    checks: [0, 2]
  },
  {
    name: "unreadable hint - is ignored [R12]",
    answers: [CheckResult.withHint(pending, "unreadable"), done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 2,
    checks: [0, 2]
  },
  // -- check errors --
  {
    name: "failed check - neither ends the wait nor steps the strategy [R3]",
    answers: [pending, Effect.fail("reset"), Effect.fail("reset"), pending, done],
    options: { strategy: Strategy.linear({ increment: "10 seconds" }), deadline: "10 minutes" },
    ends: "done",
    at: 10 + 1 + 2 + 20,
    checks: [0, 10, 11, 13, 33]
  },
  {
    name: "maxConsecutive - ends as CheckErrorsExhausted when it is exceeded [R3]",
    answers: [Effect.fail("reset")],
    options: { strategy: every2s, deadline: "10 minutes", checkErrors: { maxConsecutive: 2 } },
    ends: "CheckErrorsExhausted",
    at: 3,
    checks: [0, 1, 3]
  },
  {
    name: "maxConsecutive - restarts after a good check [R3]",
    answers: [Effect.fail("a"), pending, Effect.fail("b"), pending, Effect.fail("c"), done],
    options: { strategy: every2s, deadline: "10 minutes", checkErrors: { maxConsecutive: 1 } },
    ends: "done",
    at: 7,
    checks: [0, 1, 3, 4, 6, 7]
  },
  {
    name: "maxTotal - does not restart after a good check [R3]",
    answers: [Effect.fail("a"), pending, Effect.fail("b"), pending, Effect.fail("c"), done],
    options: { strategy: every2s, deadline: "10 minutes", checkErrors: { maxConsecutive: 1, maxTotal: 2 } },
    ends: "CheckErrorsExhausted",
    at: 6,
    checks: [0, 1, 3, 4, 6]
  },
  {
    name: "permanent error - ends the wait at once as CheckRejected [R7]",
    answers: [pending, Effect.fail(new Forbidden())],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "CheckRejected",
    at: 2,
    checks: [0, 2]
  },
  {
    name: "kindOf - replaces the kind of an error [R7]",
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
    name: "Retry-After of an error - is a floor too [R12]",
    answers: [Effect.fail(new TooMany("8 seconds")), done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 8,
    checks: [0, 8]
  },
  {
    name: "unreadable Retry-After of an error - is ignored",
    answers: [Effect.fail(new TooMany("unreadable")), done],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "done",
    at: 1,
    checks: [0, 1]
  },
  {
    name: "retries within a check - count as one attempt",
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
    name: "onExhausted skip - drops the check and continues when the strategy says",
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
    name: "failed checks - count towards maxAttempts",
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
    name: "foreign error schedule - starts anew with each row of errors",
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
    name: "last check that fails - leaves the timeout as the ending",
    answers: [pending, Effect.fail("a")],
    options: { strategy: Strategy.spaced("10 seconds"), deadline: "5 seconds" },
    ends: "PollTimeout deadline",
    at: 5,
    checks: [0, 5]
  },
  // -- unknown states --
  {
    name: "unknown state - ends as UnknownState [R2]",
    answers: [pending, CheckResult.unknownState("PAUSED")],
    options: { strategy: every2s, deadline: "1 minute" },
    ends: "UnknownState",
    at: 2,
    checks: [0, 2]
  },
  {
    name: "unknownState continue - counts as pending [R2]",
    answers: [CheckResult.unknownState("PAUSED"), CheckResult.unknownState("PAUSED"), done],
    options: { strategy: every2s, deadline: "1 minute", unknownState: "continue" },
    ends: "done",
    at: 4,
    checks: [0, 2, 4]
  },
  {
    name: "unknownState.times - tolerates that many in a row [R2]",
    answers: [CheckResult.unknownState("A"), pending, CheckResult.unknownState("A"), CheckResult.unknownState("A")],
    options: { strategy: every2s, deadline: "1 minute", unknownState: { times: 1 } },
    ends: "UnknownState",
    at: 6,
    checks: [0, 2, 4, 6]
  },
  {
    name: "unknownState.for - tolerates an unknown state for that long [R2]",
    answers: [CheckResult.unknownState("A")],
    options: { strategy: every2s, deadline: "1 minute", unknownState: { for: "5 seconds" } },
    ends: "UnknownState",
    at: 6,
    checks: [0, 2, 4, 6]
  },
  {
    name: "unknownState.treatAs - replaces the unknown state by a status [R2]",
    answers: [CheckResult.unknownState("STOPPED")],
    options: { strategy: every2s, deadline: "1 minute", unknownState: { treatAs: () => Status.canceled() } },
    ends: "JobCanceled",
    at: 0,
    checks: [0]
  },
  // -- stall --
  {
    name: "stall - ends as JobStalled when nothing has changed for too long [R26]",
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
    name: "end of another run - counts as pending [R28]",
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
    name: "end of an older generation - counts as pending, of a newer one as the end [R28]",
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

describe.each(hosts)("$name", (host) => {
  describe("until", () => {
    for (const row of table) {
      it.effect(row.name, () =>
        Effect.gen(function* () {
          const { check, checks } = scripted(...row.answers)
          const { at, exit } = yield* runFor(host.until(check, row.options), "20 minutes")
          assert.deepStrictEqual(
            { ends: ending(exit), at: at / 1000, checks },
            { ends: row.ends, at: row.at, checks: inMillis(...row.checks) }
          )
        })
      )
    }

    it.effect("checks - never overlap, however short the interval [R21]", () =>
      Effect.gen(function* () {
        let running = 0
        let most = 0
        const check = Effect.acquireUseRelease(
          Effect.sync(() => (most = Math.max(most, ++running))),
          () => slow("3 seconds", pending),
          () => Effect.sync(() => running--)
        )
        yield* runFor(host.until(check, { strategy: Strategy.spaced("1 millis"), deadline: "1 minute" }), "1 minute")
        assert.deepStrictEqual([most, running], [1, 0])
      })
    )

    it.effect("until - takes a check or a job, data-first or data-last", () =>
      Effect.gen(function* () {
        const job = Job.make("named", { check: (id: string) => Effect.succeed(Status.succeeded(id)) })
        const check = Effect.succeed(Status.succeeded("a"))
        const options = { deadline: "1 minute" } as const
        const results = yield* Effect.all([
          check.pipe(host.until(options)),
          host.until(check, options),
          host.until(job, "a", options)
        ])
        assert.deepStrictEqual(results, ["a", "a", "a"])
      })
    )

    it.effect("100,000 checks that answer at once - do not grow the stack", () =>
      Effect.gen(function* () {
        let checks = 0
        const check = Effect.sync(() => (++checks < 100_000 ? pending : done))
        const wait = host.until(check, { strategy: Schedule.forever, deadline: "1 minute" })
        const result = yield* Effect.provide(wait, PollDefaults.layer({ zeroDelay: 0 }))
        assert.deepStrictEqual([result, checks], ["done", 100_000])
      })
    )
  })
})

describe("Poll", () => {
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
      ["stall.after", () => Poll.until(check, { deadline: 1, stall: { after: 0 } }), /Poll\.until: stall\.after/],
      [
        "maxConsecutive",
        () => Poll.until(check, { deadline: 1, checkErrors: { maxConsecutive: -1 } }),
        /checkErrors\.maxConsecutive .*>= 0 .*got -1/
      ],
      ["maxTotal", () => Poll.until(check, { deadline: 1, checkErrors: { maxTotal: 0.5 } }), /checkErrors\.maxTotal/],
      ["unknownState", () => Poll.until(check, { deadline: 1, unknownState: { times: 0 } }), /unknownState\.times/],
      ["empty key", () => Poll.until(job, "", { deadline: 1 }), /Poll\.until: key must be a non-empty string, got ""/],
      [
        "empty key of events",
        () => Poll.events(job, "", { deadline: 1 }),
        /Poll\.events: key must be a non-empty string/
      ],
      ["empty name", () => Job.make("", { check: () => check }), /Job\.make: name must be a non-empty string/]
    ]
    for (const [name, make, message] of bad) {
      it(`${name} - throws a RangeError that names the option`, () => {
        assert.throws(make, RangeError, message)
      })
    }
  })
})
