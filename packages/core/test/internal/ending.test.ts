import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as CheckResult from "effect-poll/CheckResult"
import type * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type * as theEnding from "../../src/internal/machine/ending.ts"
import { type Command, drive, type Driven, event, fails, type Options, play, waits } from "../support/machine.ts"
import { storedToken } from "../support/tokens.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/machine/ending.ts"
const { cancelsBy } = (await import(path)) as typeof theEnding

const strategy = Strategy.spaced("10 seconds")
const running = Status.pending({ state: "RUNNING" })
const lacking = CheckResult.resultMissing("DONE", "no outputs")
const cancel = () => Effect.void
const canceling: Options = { strategy, deadline: "15 seconds", onTimeout: "cancelRemote", cancel }

const errorOf = (command: Command): PollError.PollTimeout => {
  assert(typeof command === "object" && command.exit._tag === "Failure")
  const [reason] = command.exit.cause.reasons
  assert(reason?._tag === "Fail")
  return reason.error as PollError.PollTimeout
}

/** A wait whose deadline has passed at 15 seconds: its job is being canceled. */
const timedOut = (options: Options = {}): Driven => {
  const driven = drive({ ...canceling, ...options })
  driven.start()
  driven.answer(0, running)
  driven.step(10_000, event.due)
  driven.answer(10_000, running)
  driven.step(15_000, event.due)
  assert.strictEqual(driven.answer(15_000, running), "cancel")
  return driven
}

describe("ending", () => {
  it("timeout - says which bound it was", () => {
    const ending = (options: Options) => play(drive({ strategy, ...options }), [running]).ending
    assert.strictEqual(ending({ deadline: "15 seconds" }), "PollTimeout deadline")
    assert.strictEqual(ending({ strategy: Strategy.maxAttempts(strategy, 2) }), "PollTimeout strategy")
    assert.strictEqual(ending({ strategy: Strategy.maxDuration(strategy, "15 seconds") }), "PollTimeout strategy")
    assert.strictEqual(ending({ stateLimits: { RUNNING: "15 seconds" } }), "PollTimeout state")
  })

  it("timeout - has what was seen, but no state, limit, cancel or floor where there is none", () => {
    const { exit } = play(drive({ strategy, deadline: "15 seconds" }), [running])
    const { cancel: canceled, confirmation, floorAt, limit, state, unconfirmed } = errorOf({ exit: exit! })
    assert.deepStrictEqual(
      [canceled, confirmation, floorAt, limit, state, unconfirmed],
      [undefined, undefined, undefined, undefined, undefined, undefined]
    )
  })

  it("timeout - has the unconfirmed end, but only while it is held", () => {
    const confirm = { success: { times: 9 } }
    const unconfirmed = (...answers: ReadonlyArray<Status.Status<unknown, unknown> | CheckResult.Missing>) => {
      const options = { strategy, confirm, deadline: "15 seconds", missing: { times: 9 } } as const
      return errorOf({ exit: play(drive(options), answers).exit! }).unconfirmed
    }
    const done = Status.succeeded("done")
    assert.deepStrictEqual(unconfirmed(done), done)
    assert.strictEqual(unconfirmed(done, CheckResult.missing), undefined)
    assert.strictEqual(unconfirmed(done, running), undefined)
  })

  it("timeout - says until when the server did not allow a check, if that is later", () => {
    const floorAt = (hint: Duration.Input) => {
      const driven = drive({ strategy, deadline: "15 seconds" }, { origin: 1_000 })
      return errorOf({ exit: play(driven, [CheckResult.withHint(running, hint), running]).exit! }).floorAt
    }
    assert.strictEqual(floorAt("20 seconds"), 21_000)
    assert.strictEqual(floorAt("15 seconds"), undefined)
    assert.strictEqual(floorAt("5 seconds"), undefined)
    const over = drive({ strategy: Strategy.maxAttempts(strategy, 1) })
    const { exit } = play(over, [CheckResult.withHint(running, "5 seconds")])
    assert.strictEqual(errorOf({ exit: exit! }).floorAt, undefined)
    const paused = drive({ strategy, deadline: "15 seconds" })
    paused.start()
    paused.answer(0, CheckResult.withHint(running, "15 seconds"))
    paused.step(1_000, event.paused)
    assert.strictEqual(errorOf(paused.step(15_000, event.due)).floorAt, undefined)
  })

  it("timeout of a resumed wait - has no unconfirmed end, since its result is not in the token", () => {
    const unconfirmed = (some: Parameters<typeof storedToken>[0]) => {
      const driven = drive({ strategy, confirm: { success: { times: 9 } } })
      const hold = { end: "Succeeded", sightings: 1, at: 0 } as const
      driven.start(storedToken({ hold, floorAt: 20_000, ...some }))
      const error = errorOf(driven.step(10_000, event.due))
      return [error._tag, error.unconfirmed, error.confirmation?.sightings]
    }
    assert.deepStrictEqual(unconfirmed({}), ["PollTimeout", undefined, 1])
    assert.deepStrictEqual(unconfirmed({ status: { stateAt: 0, changedAt: 0 } }), ["PollTimeout", undefined, 1])
  })

  it("end without its result - takes precedence over the timeout", () => {
    const { ending } = play(drive({ strategy, deadline: "1 second" }), [lacking])
    assert.strictEqual(ending, "ResultMissing")
    assert.strictEqual(
      play(drive({ strategy, deadline: "11 seconds" }), [lacking, running]).ending,
      "PollTimeout deadline"
    )
  })

  it("timeout - leaves the job alone unless it is to be canceled", () => {
    const command = (options: Options) => {
      const driven = drive({ strategy, deadline: "1 second", ...options })
      driven.start()
      driven.answer(0, running)
      driven.step(1_000, event.due)
      return driven.answer(1_000, running)
    }
    assert.isObject(command({}))
    assert.isObject(command({ cancel }))
    assert.isObject(command({ cancel, onTimeout: "leave" }))
    assert.strictEqual(command({ cancel, onTimeout: "cancelRemote" }), "cancel")
  })

  it("canceled job - is watched for cancelTimeout, then the wait ends with its timeout", () => {
    const driven = timedOut({ cancelTimeout: "3 seconds" })
    assert.deepStrictEqual([driven.wait.stage.phase, driven.wait.nextAt], ["canceling", 18_000])
    const command = driven.step(16_000, event.cancelDone("timeout", Exit.void))
    assert.strictEqual(command, "sleep")
    assert.deepStrictEqual([driven.wait.nextAt, driven.wait.deadlineAt], [16_000, 19_000])
    assert.notInclude(driven.tags(), "Ended")
    driven.step(16_000, event.due)
    driven.answer(16_000, running)
    driven.step(19_000, event.due)
    const error = errorOf(driven.answer(19_000, running))
    assert.deepStrictEqual([error.reason, error.cancel], ["deadline", { outcome: "accepted", error: undefined }])
  })

  it("canceled job that ends - ends the wait with its own end", () => {
    const driven = timedOut()
    driven.step(16_000, event.cancelDone("timeout", Exit.void))
    driven.step(16_000, event.due)
    assert.strictEqual(errorOf(driven.answer(16_000, Status.canceled()))._tag, "JobCanceled")
  })

  it("error without news of a canceled job - gives way to the timeout", () => {
    const driven = timedOut({ unknownState: "fail" })
    driven.step(16_000, event.cancelDone("timeout", Exit.void))
    driven.step(16_000, event.due)
    assert.strictEqual(errorOf(driven.answer(16_000, CheckResult.unknownState("PAUSED")))._tag, "PollTimeout")
    const { ending } = play(drive({ strategy, unknownState: "fail" }), [CheckResult.unknownState("PAUSED")])
    assert.strictEqual(ending, "UnknownState")
  })

  it("outcome of a cancel - is in the timeout and in an event", () => {
    const outcome = (exit: Parameters<typeof event.cancelDone>[1]) => {
      const driven = timedOut()
      driven.step(15_000, event.cancelAsked("timeout"))
      driven.step(16_000, event.cancelDone("timeout", exit))
      driven.step(16_000, event.due)
      driven.answer(16_000, running)
      driven.step(26_000, event.due)
      const answered = driven.events.filter(({ _tag }) => _tag === "CancelRequested" || _tag === "CancelAnswered")
      return [errorOf(driven.answer(26_000, running)).cancel, answered]
    }
    const asked = { _tag: "CancelRequested", by: "timeout" } as const
    const answered = { _tag: "CancelAnswered", by: "timeout", error: undefined } as const
    assert.deepStrictEqual(outcome(Exit.void), [
      { outcome: "accepted", error: undefined },
      [asked, { ...answered, outcome: "accepted" }]
    ])
    assert.deepStrictEqual(outcome("timedOut"), [
      { outcome: "timedOut", error: undefined },
      [asked, { ...answered, outcome: "timedOut" }]
    ])
    assert.deepStrictEqual(outcome(Exit.fail("busy")), [
      { outcome: "refused", error: "busy" },
      [asked, { ...answered, outcome: "refused", error: "busy" }]
    ])
    assert.deepStrictEqual(outcome("wanted"), [undefined, [asked]])
  })

  it("cancel of a timeout that is answered late - changes nothing", () => {
    const driven = timedOut({ cancelTimeout: "3 seconds" })
    driven.step(18_000, event.overdue)
    const before = driven.tags().length
    assert.strictEqual(driven.step(19_000, event.cancelDone("timeout", Exit.void)), "continue")
    assert.strictEqual(driven.tags().length, before)
  })

  it("interruption - ends the wait at once, and is reported once the job was canceled", () => {
    const left = (by: "interrupt" | "close" | undefined) => {
      const driven = drive({ strategy, cancel })
      driven.start()
      driven.answer(0, running)
      const command = driven.step(500, event.interrupted(by))
      assert(typeof command === "object" && command.exit._tag === "Failure")
      assert.isTrue(Cause.hasInterruptsOnly(command.exit.cause))
      assert.deepStrictEqual([driven.wait.stage.phase, driven.wait.nextAt], ["ended", 500])
      return driven
    }
    const plain = left(undefined)
    assert.strictEqual(plain.tags().at(-1), "Ended")
    plain.step(600, event.cancelAsked("interrupt"))
    plain.step(600, event.cancelDone("interrupt", Exit.void))
    assert.strictEqual(plain.tags().at(-1), "Ended")
    for (const by of ["interrupt", "close"] as const) {
      const canceled = left(by)
      assert.notInclude(canceled.tags(), "Ended")
      assert.strictEqual(canceled.step(600, event.cancelAsked(by)), "continue")
      assert.strictEqual(canceled.step(700, event.cancelDone("timeout", Exit.void)), "continue")
      assert.strictEqual(canceled.step(700, event.cancelDone(by, Exit.void)), "continue")
      assert.deepStrictEqual(canceled.tags().slice(-3), ["CancelRequested", "CancelAnswered", "Ended"])
      const ended = canceled.events.at(-1)
      assert(ended?._tag === "Ended" && ended.exit._tag === "Failure")
      assert.isTrue(Cause.hasInterruptsOnly(ended.exit.cause))
      assert.isFalse(waits.isLeaving(canceled.wait))
      canceled.step(800, event.cancelDone(by, Exit.void))
      assert.strictEqual(canceled.tags().filter((tag) => tag === "Ended").length, 1)
    }
  })

  it("end - is reported with the number of checks", () => {
    const driven = drive({ strategy })
    play(driven, [running, Status.succeeded("done")])
    assert.deepStrictEqual(driven.events.at(-1), { _tag: "Ended", attempts: 2, exit: Exit.succeed("done") })
    assert.strictEqual(driven.wait.nextAt, 10_000)
  })

  it("leaving - cancels the job if the policy says so, and no timeout has asked for that", () => {
    const by = (options: Options, how: "interrupt" | "close", driven = drive({ strategy, ...options })) =>
      cancelsBy(driven.wait, how)
    const both = { cancel, onInterrupt: "cancelRemote", onClose: "cancelRemote" } as const
    assert.deepStrictEqual([by(both, "interrupt"), by(both, "close")], ["interrupt", "close"])
    assert.deepStrictEqual([by({ cancel }, "interrupt"), by({ cancel }, "close")], [undefined, undefined])
    const onlyClose = { cancel, onClose: "cancelRemote" } as const
    assert.deepStrictEqual([by(onlyClose, "interrupt"), by(onlyClose, "close")], [undefined, "close"])
    const canceled = timedOut(both)
    assert.strictEqual(cancelsBy(canceled.wait, "close"), "close")
    canceled.step(16_000, event.cancelDone("timeout", Exit.void))
    assert.strictEqual(cancelsBy(canceled.wait, "close"), undefined)
  })

  it("resumed wait whose cancel was not answered - asks again", () => {
    const held = (cancel?: "accepted") => {
      const driven = drive(canceling, { origin: 16_000 })
      return driven.start(storedToken({ deadlineAt: 26_000, timeout: { reason: "deadline", cancel } }))
    }
    assert.strictEqual(held(), "cancel")
    assert.strictEqual(held("accepted"), "check")
    const gone = drive({ strategy }, { origin: 16_000 })
    const error = errorOf(gone.start(storedToken({ timeout: { reason: "state", state: "QUEUED", limitMillis: 5 } })))
    assert.deepStrictEqual([error.reason, error.state, String(error.limit)], ["state", "QUEUED", "5 millis"])
  })

  it("failed check of a canceled job - does not end the wait before its timeout", () => {
    const driven = timedOut()
    driven.step(16_000, event.cancelDone("timeout", Exit.void))
    driven.step(16_000, event.due)
    assert.strictEqual(driven.answer(16_000, fails("reset")), "sleep")
  })
})
