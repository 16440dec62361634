import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"

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
const summary = "(3 checks in 2s, last status Pending BUSY 50%)"

describe("PollError", () => {
  describe("message", () => {
    const cases: ReadonlyArray<readonly [error: Error, message: string]> = [
      [new PollError.JobFailed({ ...details, failure: "no disk" }), `render "a" failed: no disk ${summary}`],
      [new PollError.JobFailed({ ...details, failure: { code: 17 } }), `render "a" failed: {"code":17} ${summary}`],
      [new PollError.JobCanceled(details), `render "a" was canceled on the server ${summary}`],
      [new PollError.JobExpired(details), `render "a" expired on the server ${summary}`],
      [new PollError.JobNotFound(details), `render "a" was not found ${summary}`],
      [
        new PollError.JobStalled({ ...details, unchangedFor: Duration.minutes(1) }),
        `render "a" has not changed for 1m ${summary}`
      ],
      [
        new PollError.PollTimeout({ ...details, reason: "deadline", floorAt: 60_000 }),
        `render "a" did not end before the deadline; the server allowed no check before 1970-01-01T00:01:00.000Z ${summary}`
      ],
      [
        new PollError.PollTimeout({ ...details, reason: "strategy", floorAt: undefined }),
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
        new PollError.CheckErrorsExhausted({ ...details, error: "reset", budget: "maxConsecutive", errorCount: 2 }),
        `2 consecutive failed checks of render "a", the last with reset ${summary}`
      ],
      [
        new PollError.CheckErrorsExhausted({ ...details, error: "reset", budget: "maxTotal", errorCount: 1 }),
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
        new PollError.JobCanceled({ ...details, job: "check", key: "check" }),
        `the job was canceled on the server ${summary}`
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
    assert.isTrue(PollError.isJobOutcome(new PollError.JobCanceled(details)))
    assert.isFalse(PollError.isJobOutcome(new PollError.UnknownState({ ...details, state: "PAUSED" })))
  })
})
