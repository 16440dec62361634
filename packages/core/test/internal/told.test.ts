import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import {
  type Command,
  drive,
  type Driven,
  endingOf,
  type Event,
  event,
  fails,
  type Options
} from "../support/machine.ts"

const running = Status.pending({ state: "RUNNING" })
const queued = Status.pending({ state: "QUEUED" })
const done = Status.succeeded("done")
const gate = Gate.make(() => Effect.succeed(Gate.open))
const base: Options = {
  strategy: Strategy.spaced("10 seconds"),
  deadline: "1 minute",
  checkErrors: { kindOf: () => CheckError.transient(), schedule: Strategy.spaced("3 seconds"), maxConsecutive: 9 }
}

const told = (what: unknown, by: "signal" | "push" = "push"): Event => ({ _tag: "Told", told: what as never, by })
const ended = told(Told.ended(done), "signal")
const wake = told(Told.wake)
const report = (result: CheckResult.CheckResult<unknown, unknown>): Event => told(Told.report(result))
const opened: Event = { _tag: "GateAnswered", exit: Exit.succeed(Gate.open) }

const checking = (some: Options = {}): Driven => {
  const driven = drive({ ...base, ...some })
  assert.strictEqual(driven.start(), "check")
  return driven
}

/** A wait that sleeps until 10 seconds. */
const sleeping = (some: Options = {}): Driven => {
  const driven = checking(some)
  assert.strictEqual(driven.answer(0, running), "sleep")
  return driven
}

const gating = (): Driven => {
  const driven = drive({ ...base, gate })
  assert.strictEqual(driven.start(), "gate")
  return driven
}

const stepping = (some: Options = {}): Driven => {
  const driven = checking({
    strategy: Schedule.addDelay(Schedule.forever, () => Effect.succeed("10 seconds")),
    ...some
  })
  assert.strictEqual(driven.answer(0, running), "step")
  return driven
}

const paused = (): Driven => {
  const driven = sleeping()
  assert.strictEqual(driven.step(1_000, event.paused), "sleep")
  return driven
}

const canceling = (some: Options = {}): Driven => {
  const driven = sleeping({ onTimeout: "cancelRemote", cancel: () => Effect.void, deadline: "5 seconds", ...some })
  assert.strictEqual(driven.step(5_000, event.due), "check")
  driven.answer(5_000, running)
  return driven
}

/** A wait whose job is being canceled since its deadline. */
const inCancel = (): Driven => {
  const driven = canceling()
  assert.strictEqual(phase(driven), "canceling")
  return driven
}

/** A wait that watches its canceled job. */
const inGrace = (): Driven => {
  const driven = inCancel()
  driven.step(5_000, event.cancelAsked("timeout"))
  assert.strictEqual(driven.step(5_000, event.cancelDone("timeout", Exit.void)), "sleep")
  return driven
}

const phase = ({ wait }: Driven) => wait.stage.phase
const next = ({ wait }: Driven) => [wait.stage.reason, wait.nextAt]
const ending = (command: Command) => (typeof command === "string" ? command : endingOf(command.exit))
const early = (driven: Driven, ...events: ReadonlyArray<Event>): Command =>
  driven.step(0, event.started(undefined, 0, undefined, undefined, events as never))

const phases: ReadonlyArray<readonly [name: string, make: () => Driven]> = [
  ["waiting", sleeping],
  ["paused", paused],
  ["gating", gating],
  ["checking", checking],
  ["stepping", stepping],
  ["canceling", inCancel],
  ["the cancel grace", inGrace],
  [
    "a retry",
    () => checking({ checkErrors: { retry: Schedule.spaced("1 second"), kindOf: () => CheckError.transient() } })
  ],
  ["a hold", () => sleeping({ confirm: { success: { times: 3 }, failure: { times: 3 } } })]
]

describe("told", () => {
  describe("an end (R63)", () => {
    for (const [name, make] of phases) {
      it(`in ${name} - ends the wait at once, and only once [R63]`, () => {
        const driven = make()
        const at = driven.now() + 1
        assert.strictEqual(ending(driven.step(at, ended)), "done")
        assert.deepStrictEqual([phase(driven), driven.wait.nextAt], ["ended", at])
        assert.strictEqual(driven.step(at, told(Told.ended(Status.failed("no")), "signal")), "continue")
        assert.strictEqual(driven.step(at, report(Status.failed("no"))), "continue")
        assert.strictEqual(driven.step(at, wake), "continue")
        assert.strictEqual(driven.answer(at, Status.failed("no")), "continue")
        assert.strictEqual(driven.tags().filter((tag) => tag === "Ended").length, 1)
      })
    }

    it("confirm and since - do not apply, even while the other source is being asked [R63]", () => {
      const confirm = { success: { times: 5 }, check: () => Effect.never }
      assert.strictEqual(ending(sleeping({ confirm, since: { run: "b" } }).step(1_000, ended)), "done")
      const driven = checking({ confirm: { check: () => Effect.never } })
      assert.strictEqual(driven.answer(0, done), "sleep")
      assert.strictEqual(driven.step(0, event.due), "check")
      assert.strictEqual(ending(driven.step(1_000, told(Told.ended(Status.failed("no"))))), "JobFailed")
    })

    it("each kind - ends the wait as a check would, with the attempts made so far [R63]", () => {
      const ends = [Status.failed("no"), Status.canceled({ reason: "by hand" }), Status.expired({ reason: "too old" })]
      const tags = ends.map((end) => {
        const command = sleeping().step(1_000, told(Told.ended(end), "signal"))
        return ending(command)
      })
      assert.deepStrictEqual(tags, ["JobFailed", "JobCanceled by hand", "JobExpired too old"])
    })

    it("after a failed check - has no check error, as after an answer [R63]", () => {
      const driven = checking()
      driven.answer(0, fails("reset"))
      const command = driven.step(1_000, told(Told.ended(Status.failed("no")), "signal"))
      assert(typeof command === "object" && Exit.isFailure(command.exit))
      assert.isUndefined(driven.wait.cold.checkError)
    })

    it("events - say what told it, and that no check missed it [R63]", () => {
      const missed: Array<unknown> = []
      const driven = sleeping({ expects: (wait) => missed.push(wait) })
      driven.step(1_000, ended)
      assert.deepStrictEqual(driven.events.slice(-3, -1), [
        { _tag: "Told", attempt: 1, by: "signal", kind: "Ended", counts: true },
        { _tag: "Changed", attempt: 1, status: done, by: "signal" }
      ])
      assert.deepStrictEqual([driven.tags().at(-1), missed], ["Ended", []])
    })

    it("found by a check first - is reported as missed, if a stream could have told it [R63]", () => {
      const missed: Array<unknown> = []
      const driven = checking({ expects: (wait) => missed.push(wait) })
      driven.answer(0, done)
      assert.deepStrictEqual(missed, [driven.wait])
    })

    it("of a receipt - is not missed [R63]", () => {
      const missed: Array<unknown> = []
      const driven = drive({ ...base, expects: (wait) => missed.push(wait) })
      driven.step(0, event.started(undefined, 0, undefined, done))
      assert.deepStrictEqual(missed, [])
    })
  })

  describe("a report (R64)", () => {
    it("of a pending job - becomes the status, and does not move the next check [R64]", () => {
      const driven = sleeping()
      const before = [driven.wait.attempts, driven.wait.strategySteps, ...next(driven)]
      assert.strictEqual(driven.step(3_000, report(queued)), "continue")
      assert.deepStrictEqual([driven.wait.attempts, driven.wait.strategySteps, ...next(driven)], before)
      assert.strictEqual(driven.wait.status, queued)
      assert.deepStrictEqual(driven.tags().slice(-2), ["Told", "Changed"])
    })

    it("during a check - counts at once, and does not interrupt the check [R64]", () => {
      const driven = checking()
      assert.strictEqual(driven.step(1_000, report(queued)), "continue")
      assert.strictEqual(driven.wait.status, queued)
      assert.strictEqual(phase(driven), "checking")
      assert.strictEqual(driven.answer(2_000, running), "sleep")
      assert.strictEqual(driven.wait.attempts, 1)
    })

    it("of an end - ends the wait, also during a check [R64]", () => {
      assert.strictEqual(ending(sleeping().step(1_000, report(done))), "done")
      assert.strictEqual(ending(checking().step(1_000, report(Status.failed("no")))), "JobFailed")
    })

    it("of an end that must be confirmed - counts as a sighting, like those of checks [R64]", () => {
      const driven = sleeping({ confirm: { success: { times: 2 } } })
      assert.strictEqual(driven.step(1_000, report(done)), "continue")
      assert.deepStrictEqual(next(driven), ["strategy", 10_000])
      assert.strictEqual(driven.step(10_000, event.due), "check")
      assert.strictEqual(ending(driven.answer(10_000, done)), "done")
    })

    it("of a pending job - restarts the confirmation [R64]", () => {
      const driven = checking({ confirm: { success: { times: 2 } } })
      driven.answer(0, done)
      driven.step(1_000, report(running))
      driven.step(10_000, event.due)
      assert.strictEqual(driven.answer(10_000, done), "sleep")
    })

    it("of an end that must hold for a time - places the next check at the end of that time [R64]", () => {
      const driven = sleeping({ confirm: { success: { for: "4 seconds" } } })
      assert.strictEqual(driven.step(1_000, report(done)), "sleep")
      assert.strictEqual(driven.wait.nextAt, 5_000)
    })

    it("of an end that another source confirms - is followed by that check at once, but not during a check [R64]", () => {
      const confirm = { check: () => Effect.never }
      const waiting = sleeping({ confirm })
      assert.strictEqual(waiting.step(1_000, report(done)), "sleep")
      assert.deepStrictEqual([waiting.wait.nextAt, waiting.wait.cold.hold?.elsewhere], [1_000, true])
      const busy = checking({ confirm })
      assert.strictEqual(busy.step(1_000, report(done)), "continue")
      assert.isFalse(busy.wait.cold.hold?.elsewhere)
      assert.strictEqual(busy.answer(2_000, done), "sleep")
      assert.deepStrictEqual([busy.wait.nextAt, busy.wait.cold.hold?.elsewhere], [2_000, true])
    })

    it("while the other source is being asked - does not count [R64]", () => {
      const driven = checking({ confirm: { check: () => Effect.never } })
      driven.answer(0, done)
      driven.step(0, event.due)
      assert.strictEqual(driven.step(1_000, report(running)), "continue")
      assert.strictEqual(driven.step(1_000, report(Status.failed("no"))), "continue")
      assert.deepStrictEqual(driven.events.at(-1), {
        _tag: "Told",
        attempt: 2,
        by: "push",
        kind: "Report",
        counts: false
      })
      assert.strictEqual(ending(driven.answer(2_000, done)), "done")
    })

    it("of an earlier run - has no effect, whether it is an end or a status [R64]", () => {
      const since: Options = { since: { generation: 3 } }
      const old = (result: Status.Status<unknown, unknown>) => report(CheckResult.withRun(result, { generation: 2 }))
      for (const driven of [sleeping(since), checking(since)]) {
        const { status } = driven.wait
        assert.strictEqual(driven.step(1_000, old(done)), "continue")
        assert.strictEqual(driven.step(1_000, old(queued)), "continue")
        assert.strictEqual(driven.wait.status, status)
      }
      const driven = sleeping(since)
      assert.strictEqual(ending(driven.step(1_000, report(CheckResult.withRun(done, { generation: 3 })))), "done")
    })

    it("of an unknown state - follows the policy [R64]", () => {
      const unknown = report(CheckResult.unknownState("NAPPING"))
      assert.strictEqual(ending(sleeping().step(1_000, unknown)), "UnknownState")
      const driven = sleeping({ unknownState: { times: 1 } })
      assert.strictEqual(driven.step(1_000, unknown), "continue")
      assert.strictEqual(driven.wait.status?.state, "NAPPING")
      assert.strictEqual(ending(driven.step(2_000, unknown)), "UnknownState")
      const treated = sleeping({ unknownState: { treatAs: () => done } })
      assert.strictEqual(ending(treated.step(1_000, unknown)), "done")
    })

    it("of a missing job or of an end without its result - is only a reason to check [R64]", () => {
      for (const result of [CheckResult.missing, CheckResult.resultMissing("DONE")]) {
        const driven = sleeping()
        assert.strictEqual(driven.step(1_000, report(result)), "check")
        assert.strictEqual(driven.answer(1_000, running), "sleep")
        assert.strictEqual(driven.events.filter(({ _tag }) => _tag === "WokenInVain").length, 1)
      }
    })

    it("of an action, a stall or a state - follows their options [R64]", () => {
      const action = Status.pending({ action: { id: "1" } })
      assert.strictEqual(ending(sleeping({ onAction: "fail" }).step(1_000, report(action))), "ActionRequired")
      const stalled = sleeping({ stall: { after: "2 seconds" } })
      assert.strictEqual(ending(stalled.step(3_000, report(running))), "JobStalled")
      const limited = sleeping({ stateLimits: { QUEUED: "4 seconds" } })
      assert.strictEqual(limited.step(1_000, report(queued)), "sleep")
      assert.strictEqual(limited.wait.nextAt, 5_000)
    })

    it("that leaves a state near its limit - lifts the limit in each phase [R64]", () => {
      const some: Options = { stateLimits: { RUNNING: "12 seconds" }, deadline: "1 minute" }
      const asleep = sleeping(some)
      asleep.step(10_000, event.due)
      asleep.answer(11_000, running)
      assert.strictEqual(asleep.step(11_500, report(queued)), "sleep")
      assert.strictEqual(asleep.wait.stage.reason, "strategy")
      assert.strictEqual(asleep.step(asleep.wait.nextAt, event.due), "check")
      const busy = sleeping(some)
      busy.step(10_000, event.due)
      busy.step(11_000, report(queued))
      assert.strictEqual(busy.step(12_000, event.overdue), "continue")
      assert.strictEqual(busy.answer(13_000, queued), "sleep")
      const gated = sleeping({ ...some, gate: undefined })
      assert.strictEqual(gated.step(11_000, report(queued)), "sleep")
      const step = stepping({ stateLimits: { RUNNING: "12 seconds" } })
      step.step(11_000, report(queued))
      assert.strictEqual(step.step(12_000, event.overdue), "continue")
    })

    it("hint - is a floor for the next check [R64]", () => {
      const driven = sleeping()
      const hinted = CheckResult.withHint(running, Duration.seconds(20))
      assert.strictEqual(driven.step(1_000, report(hinted)), "sleep")
      assert.strictEqual(driven.wait.nextAt, 21_000)
    })

    it("during a step of the schedule of errors - leaves the strategy to decide, if that schedule ends [R64]", () => {
      const checkErrors = {
        kindOf: () => CheckError.transient(),
        schedule: Schedule.addDelay(Schedule.recurs(1), () => Effect.succeed("1 second")) as never,
        maxConsecutive: 9
      }
      const driven = checking({ checkErrors })
      assert.strictEqual(driven.answer(0, fails("reset")), "step")
      driven.step(0, report(running))
      assert.strictEqual(driven.step(0, { _tag: "Decided", exit: Exit.succeed("end") }), "sleep")
      assert.deepStrictEqual(next(driven), ["strategy", 10_000])
    })

    it("is not counted as a check that found no change [R64]", () => {
      const driven = sleeping()
      driven.step(1_000, report(running))
      assert.deepStrictEqual(driven.tags().slice(-1), ["Told"])
    })
  })

  describe("a wake (R24)", () => {
    it("while waiting - checks at once; during a check another one follows [R24]", () => {
      assert.strictEqual(sleeping().step(1_000, wake), "check")
      const driven = checking()
      assert.strictEqual(driven.step(0, wake), "continue")
      assert.strictEqual(driven.answer(1_000, running), "sleep")
      assert.deepStrictEqual(next(driven), ["requested", 1_000])
    })

    it("many in a row - cause one check and one event [R24]", () => {
      const driven = checking()
      for (let at = 0; at < 100; at++) driven.step(at, wake)
      assert.strictEqual(driven.tags().filter((tag) => tag === "Told").length, 1)
      driven.answer(100, running)
      assert.strictEqual(driven.step(100, event.due), "check")
      assert.strictEqual(driven.answer(100, running), "sleep")
      assert.deepStrictEqual(next(driven), ["strategy", 10_100])
      assert.strictEqual(driven.tags().filter((tag) => tag === "WokenInVain").length, 1)
    })

    it("that finds a change - is not reported as in vain [R24]", () => {
      const driven = sleeping()
      driven.step(1_000, wake)
      driven.answer(1_000, queued)
      assert.notInclude(driven.tags(), "WokenInVain")
    })

    it("minInterval and the floor of the server - apply [R35]", () => {
      const driven = sleeping({ minInterval: "4 seconds" })
      assert.strictEqual(driven.step(1_000, wake), "sleep")
      assert.strictEqual(driven.wait.nextAt, 4_000)
    })
  })

  describe("before the start (R65)", () => {
    it("an end - ends the wait without a check [R65]", () => {
      const driven = drive(base)
      assert.strictEqual(ending(early(driven, wake, ended)), "done")
      assert.strictEqual(driven.wait.attempts, 0)
      assert.deepStrictEqual(driven.tags(), ["Started", "Told", "Told", "Changed", "Ended"])
    })

    it("a report - is the status of the first check's context; a wake makes that check due [R65]", () => {
      const first = Strategy.withFirstWait(Strategy.spaced("10 seconds"), "8 seconds")
      const reported = drive({ ...base, strategy: first })
      assert.strictEqual(early(reported, report(queued)), "sleep")
      assert.deepStrictEqual([reported.wait.nextAt, reported.wait.status], [8_000, queued])
      const woken = drive({ ...base, strategy: first })
      assert.strictEqual(early(woken, wake), "check")
    })

    it("reports of an end that must be confirmed - count [R65]", () => {
      const driven = drive({ ...base, confirm: { success: { times: 3 } } })
      assert.strictEqual(early(driven, report(done), report(done)), "check")
      assert.strictEqual(ending(driven.answer(0, done)), "done")
    })

    it("a token that was deciding - is checked at once if it is woken [R65]", () => {
      const token = stepping().token()
      const strategy = Schedule.addDelay(Schedule.forever, () => Effect.succeed("10 seconds"))
      assert.strictEqual(drive({ ...base, strategy }).step(0, event.started(token)), "step")
      const driven = drive({ ...base, strategy })
      assert.strictEqual(driven.step(0, event.started(token, 0, undefined, undefined, [wake] as never)), "check")
    })
  })

  it("a gate that is asked - is asked again under a limit that moved [R64]", () => {
    const driven = drive({ ...base, gate, stateLimits: { QUEUED: "4 seconds" } })
    driven.start()
    assert.strictEqual(driven.step(1_000, report(queued)), "sleep")
    assert.strictEqual(driven.step(1_000, event.due), "gate")
    assert.strictEqual(driven.wait.nextAt, 5_000)
    assert.strictEqual(driven.step(1_000, opened), "check")
  })
})
