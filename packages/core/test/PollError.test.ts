import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { cancelableJob, pending, renderJob, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { errorOf, failureOf, runFor } from "./support/runs.ts"

const details: PollError.Details = {
  job: "render",
  key: "a",
  attempts: 3,
  elapsed: Duration.seconds(2),
  lastStatus: Status.pending({ state: "BUSY", progress: 0.5 }),
  lastCheckError: undefined,
  unknownStates: {},
  hints: { clamped: 0, unreadable: 0 },
  history: []
}
const noReason = { reason: undefined, partial: undefined }
const summary = "(3 checks in 2s, last status Pending BUSY 50%)"

const plainTimeout = { state: undefined, limit: undefined, unconfirmed: undefined, cancel: undefined }

describe("PollError", () => {
  describe("message", () => {
    const cases: ReadonlyArray<readonly [error: Error, message: string]> = [
      [new PollError.JobFailed({ ...details, failure: "no disk" }), `render "a" failed: no disk ${summary}`],
      [new PollError.JobFailed({ ...details, failure: { code: 17 } }), `render "a" failed: {"code":17} ${summary}`],
      [new PollError.JobCanceled({ ...details, ...noReason }), `render "a" was canceled on the server ${summary}`],
      [new PollError.JobExpired({ ...details, ...noReason }), `render "a" expired on the server ${summary}`],
      [
        new PollError.JobCanceled({ ...details, reason: "no credits", partial: { secret: 1 } }),
        `render "a" was canceled on the server: no credits ${summary}`
      ],
      [
        new PollError.JobExpired({ ...details, reason: "a\r\n\u001b[31m\u2028\u202eb", partial: undefined }),
        `render "a" expired on the server: a\\u000d\\u000a\\u001b[31m\\u2028\\u202eb ${summary}`
      ],
      [
        new PollError.JobExpired({ ...details, reason: "x".repeat(201), partial: undefined }),
        `render "a" expired on the server: ${"x".repeat(199)}… ${summary}`
      ],
      [
        new PollError.JobExpired({ ...details, reason: `${"x".repeat(198)}😀y`, partial: undefined }),
        `render "a" expired on the server: ${"x".repeat(198)}… ${summary}`
      ],
      [
        new PollError.JobCanceled({ ...details, reason: "", partial: undefined }),
        `render "a" was canceled on the server ${summary}`
      ],
      [
        new PollError.ResultMissing({ ...details, state: "completed", issue: "no outputs" }),
        `the server reported the end "completed" of render "a", but not its result: no outputs ${summary}`
      ],
      [
        new PollError.ResultMissing({ ...details, state: undefined, issue: undefined }),
        `the server reported the end of render "a", but not its result ${summary}`
      ],
      [new PollError.JobNotFound(details), `render "a" was not found ${summary}`],
      [
        new PollError.JobStalled({ ...details, unchangedFor: Duration.minutes(1) }),
        `render "a" has not changed for 1m ${summary}`
      ],
      [
        new PollError.PollTimeout({ ...details, ...plainTimeout, reason: "deadline", floorAt: 60_000 }),
        `render "a" did not end before the deadline; the server allowed no check before 1970-01-01T00:01:00.000Z ${summary}`
      ],
      [
        new PollError.PollTimeout({ ...details, ...plainTimeout, reason: "strategy", floorAt: undefined }),
        `render "a" did not end before the strategy ended ${summary}`
      ],
      [
        new PollError.UnknownState({ ...details, state: "PAUSED" }),
        `render "a" is in the unknown state "PAUSED" ${summary}`
      ],
      [
        new PollError.CheckRejected({ ...details, error: "401", lastCheckError: "401" }),
        `a check of render "a" was rejected: 401 ${summary}`
      ],
      [
        new PollError.CheckErrorsExhausted({
          ...details,
          error: "reset",
          budget: "maxConsecutive",
          errorCount: 2,
          outage: Duration.zero
        }),
        `2 consecutive failed checks of render "a", the last with reset ${summary}`
      ],
      [
        new PollError.CheckErrorsExhausted({
          ...details,
          error: "reset",
          budget: "maxTotal",
          errorCount: 1,
          outage: Duration.zero
        }),
        `1 failed check of render "a", the last with reset ${summary}`
      ],
      [
        new PollError.JobNotFound({
          ...details,
          attempts: 1,
          elapsed: Duration.zero,
          lastStatus: undefined,
          lastCheckError: "reset"
        }),
        `render "a" was not found (1 check in 0ms, no status found, last check error reset)`
      ],
      [
        new PollError.JobCanceled({ ...details, ...noReason, job: "check", key: "check" }),
        `the job was canceled on the server ${summary}`
      ],
      [
        new PollError.JobFailed({ ...details, failure: "a\nb\u202e" }),
        `render "a" failed: a\\u000ab\\u202e ${summary}`
      ],
      [
        new PollError.JobFailed({
          ...details,
          failure: {
            get reason() {
              throw new Error("no")
            }
          }
        }),
        `render "a" failed: [object Object] ${summary}`
      ],
      [
        new PollError.JobFailed({ ...details, failure: "x".repeat(10_000) }),
        `render "a" failed: ${"x".repeat(1999)}… ${summary}`
      ],
      [
        new PollError.UnknownState({ ...details, state: `\u009b\u200f${"x".repeat(300)}` }),
        `render "a" is in the unknown state "\\u009b\\u200f${"x".repeat(197)}…" ${summary}`
      ],
      [
        new PollError.JobNotFound({ ...details, key: "a\u2066", lastStatus: Status.expired({ state: "\u001b[2J" }) }),
        `render "a\\u2066" was not found (3 checks in 2s, last status Expired \\u001b[2J)`
      ],
      [
        new PollError.CheckRejected({ ...details, error: new Error("a\r\nb"), lastCheckError: "x\u2028" }),
        `a check of render "a" was rejected: a\\u000d\\u000ab (3 checks in 2s, last status Pending BUSY 50%, last check error x\\u2028)`
      ],
      [new PollError.CheckTimeout({ checkTimeout: Duration.minutes(1) }), "the check took longer than 1m"],
      [
        new PollError.CancelFailed({ job: "render", key: "a", reason: "failed", error: "no" }),
        `render "a" could not be canceled: no`
      ]
    ]
    for (const [error, message] of cases) {
      it(`${error.name} - reads ${message}`, () => assert.strictEqual(error.message, message))
    }
  })

  it("isJobOutcome - is true for the outcomes of the job only", () => {
    assert.isTrue(PollError.isJobOutcome(new PollError.JobCanceled({ ...details, ...noReason })))
    assert.isFalse(PollError.isJobOutcome(new PollError.ResultMissing({ ...details, state: "DONE", issue: undefined })))
    assert.isFalse(PollError.isJobOutcome(new PollError.UnknownState({ ...details, state: "PAUSED" })))
  })
})

describe.each(hosts)("$name", (host) => {
  describe("fields", () => {
    it.effect("PollTimeout - carries job, key, attempts, last status, last error and history [R6]", () =>
      Effect.gen(function* () {
        const working = Status.pending({ state: "WORKING", progress: 0.4 })
        const { job } = renderJob(pending, working, working, Effect.fail("reset"), working)
        const { exit } = yield* runFor(
          host.until(job, "tsk_1", { strategy: every2s, deadline: "5 seconds" }),
          "1 minute"
        )
        const error = errorOf(exit)
        assert(error._tag === "PollTimeout")
        const { attempts, elapsed, history, job: name, key, lastCheckError, lastStatus, message } = error
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

    it.effect("PollTimeout - counts unknown states and hints that were not obeyed [R2 R12]", () =>
      Effect.gen(function* () {
        const { check } = scripted(
          CheckResult.unknownState("PAUSED"),
          CheckResult.unknownState("toString"),
          CheckResult.withHint(CheckResult.unknownState("PAUSED"), "unreadable"),
          CheckResult.withHint(pending, "2 hours")
        )
        const { exit } = yield* runFor(
          host.until(check, { strategy: every2s, deadline: "10 seconds", unknownState: "continue" }),
          "1 minute"
        )
        const error = errorOf(exit)
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual(error.unknownStates, { PAUSED: 2, toString: 1 })
        assert.deepStrictEqual(error.hints, { clamped: 1, unreadable: 1 })
      })
    )

    it.effect("PollTimeout - says until when the server asked to wait [R12]", () =>
      Effect.gen(function* () {
        const { check } = scripted(CheckResult.withHint(pending, "1 minute"))
        const { exit } = yield* runFor(host.until(check, { deadline: "5 seconds" }), "1 hour")
        const error = errorOf(exit)
        assert(error._tag === "PollTimeout")
        assert.strictEqual(error.floorAt, 60_000)
        assert.include(error.message, "the server allowed no check before 1970-01-01T00:01:00.000Z")
      })
    )

    it.effect("floorAt - is a wall-clock time [R12]", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        const wait = host.until(Effect.succeed(CheckResult.withHint(pending, "1 minute")), { deadline: "5 seconds" })
        const error = yield* failureOf(wait)
        assert(error._tag === "PollTimeout")
        assert.strictEqual(error.floorAt, 3_660_000)
      })
    )
  })

  describe("history", () => {
    it.effect("history - keeps the newest 32 entries", () =>
      Effect.gen(function* () {
        let checks = 0
        const check = Effect.sync(() => Status.pending({ state: `S${++checks}` }))
        const error = yield* failureOf(
          host.until(check, { strategy: Strategy.maxAttempts(every2s, 100), deadline: "1 hour" })
        )
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual([error.history.length, error.history.at(-1)!.result], [32, "Pending S100"])
      })
    )

    it.effect("JobNotFound - has the missing check in its history [R16]", () =>
      Effect.gen(function* () {
        const error = yield* failureOf(host.until(Effect.succeed(CheckResult.missing), { deadline: "1 minute" }))
        assert(error._tag === "JobNotFound")
        assert.deepStrictEqual(error.history, [{ result: "Missing", checks: 1, firstMillis: 0, lastMillis: 0 }])
      })
    )

    it.effect("UnknownState - has the unknown state in its history [R2]", () =>
      Effect.gen(function* () {
        const error = yield* failureOf(
          host.until(Effect.succeed(CheckResult.unknownState("PAUSED")), { deadline: "1 minute" })
        )
        assert(error._tag === "UnknownState")
        assert.deepStrictEqual(error.history, [
          { result: "UnknownState PAUSED", checks: 1, firstMillis: 0, lastMillis: 0 }
        ])
      })
    )

    it.effect("history - names a tagged error that is no Error by its tag", () =>
      Effect.gen(function* () {
        const { exit } = yield* runFor(
          host.until(Effect.fail({ _tag: "HttpCheckError" }), {
            deadline: "1 minute",
            checkErrors: { maxConsecutive: 0 }
          }),
          "1 minute"
        )
        assert.strictEqual(errorOf(exit).history[0]!.result, "check error: HttpCheckError")
      })
    )

    it.effect("PollTimeout after a remote cancel - has the history of the whole wait [R6]", () =>
      Effect.gen(function* () {
        const { job } = cancelableJob(() => Effect.succeed(pending))
        const options = { strategy: every2s, deadline: "10 seconds", onTimeout: "cancelRemote" } as const
        const error = yield* failureOf(host.until(job, "a", options))
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual(error.history, [{ result: "Pending", checks: 12, firstMillis: 0, lastMillis: 20_000 }])
      })
    )
  })
})
