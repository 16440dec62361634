import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import type * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
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
const running = Status.pending({ state: "RUNNING", progress: 0.5, detail: { frames: 1 } })
const queued = Status.pending({ state: "QUEUED" })
const done = Status.succeeded("done")
const { missing } = CheckResult
const paused = CheckResult.unknownState("PAUSED")
const lacking = CheckResult.resultMissing("DONE", "no outputs")
const reset = fails("reset")

const options: Options = {
  strategy,
  checkErrors: { kindOf: () => CheckError.transient(), schedule, maxConsecutive: 9 }
}

/** The times of the checks in seconds, and how the wait ended. */
const outcome = (some: Options, answers: ReadonlyArray<Found>) => {
  const { checks, ending } = play(drive({ ...options, ...some }), answers)
  return [checks.map((at) => at / 1000), ending]
}

/** A wait whose checks have found these, each when it was due. */
const after = (some: Options, ...found: ReadonlyArray<Found>): Driven => {
  const driven = drive({ ...options, ...some })
  driven.start()
  for (const [at, answer] of found.entries()) {
    if (at > 0) driven.step(driven.wait.nextAt, event.due)
    driven.answer(driven.now(), answer)
  }
  return driven
}

const errorOf = (command: Command): Record<string, unknown> => {
  assert(typeof command === "object" && command.exit._tag === "Failure")
  const [reason] = command.exit.cause.reasons
  assert(reason?._tag === "Fail")
  return reason.error as Record<string, unknown>
}

const failure = (some: Options, ...answers: ReadonlyArray<Found>) =>
  errorOf({ exit: play(drive({ ...options, ...some }), answers).exit! })

const changes = ({ tags }: Driven) => tags().filter((tag) => tag === "Changed" || tag === "Unchanged")

const history = ({ wait }: Driven) => waits.seen(wait).history.map(({ result }) => result)

describe("checkOutcome", () => {
  describe("ends", () => {
    it("end the wait with what they carry", () => {
      assert.deepStrictEqual(outcome({}, [running, done]), [[0, 10], "done"])
      const jobFailed = failure({}, Status.failed("out of memory"))
      assert.deepStrictEqual([jobFailed["_tag"], jobFailed["failure"]], ["JobFailed", "out of memory"])
      const canceled = failure({}, Status.canceled({ reason: "stopped", partial: 1 }))
      assert.deepStrictEqual([canceled["_tag"], canceled["reason"], canceled["partial"]], ["JobCanceled", "stopped", 1])
      const expired = failure({}, Status.expired({ reason: "old", partial: 2 }))
      assert.deepStrictEqual([expired["_tag"], expired["reason"], expired["partial"]], ["JobExpired", "old", 2])
      for (const error of [jobFailed, canceled, expired]) {
        assert.deepStrictEqual([error["job"], error["key"], error["attempts"]], ["render", "a", 1])
      }
    })

    it("of a receipt - end the wait before its first check", () => {
      const driven = drive(options)
      const command = driven.step(0, event.started(undefined, 0, undefined, done))
      assert.deepStrictEqual(command, { exit: Exit.succeed("done") })
      assert.deepStrictEqual(driven.tags(), ["Started", "Changed", "Ended"])
    })
  })

  it("pending status and end that counts - leave no end to confirm", () => {
    const confirm = { success: { times: 2 } }
    const reverted = after({ confirm }, done, running)
    assert.deepStrictEqual([reverted.wait.cold.hold, reverted.wait.cold.unconfirmed], [undefined, undefined])
    const ended = after({ confirm }, done, done)
    assert.deepStrictEqual([ended.wait.cold.hold, waits.hasEnd(ended.wait)], [undefined, true])
  })

  describe("changes", () => {
    it("are reported once, and what is the same is reported as unchanged", () => {
      const same = Status.pending({ state: "RUNNING", progress: 0.5, detail: { frames: 1 } })
      const driven = after({}, running, same, queued)
      assert.deepStrictEqual(changes(driven), ["Changed", "Unchanged", "Changed"])
      assert.deepStrictEqual([driven.wait.changedAt, driven.wait.status], [20_000, queued])
      assert.strictEqual(after({}, running, same).wait.status, running)
      const event = driven.events.find(({ _tag }) => _tag === "Changed")
      assert.deepStrictEqual(event, { _tag: "Changed", attempt: 1, status: running })
    })

    it("unchanged statuses - are reported only to those that receive every check", () => {
      const driven = drive(options, { isObserved: () => false })
      play(driven, [running, running, done])
      assert.deepStrictEqual(driven.tags(), ["Started", "Changed", "Changed", "Ended"])
    })

    it("wait without a history - has none", () => {
      assert.deepStrictEqual(outcome({ history: false }, [running, reset, done])[1], "done")
    })

    it("history - has every status, with the time since the start", () => {
      const driven = drive(options, { origin: 1_000 })
      play(driven, [running, running, done])
      assert.deepStrictEqual(waits.seen(driven.wait).history, [
        { result: "Pending RUNNING 50%", checks: 2, firstMillis: 0, lastMillis: 10_000 },
        { result: "Succeeded", checks: 1, firstMillis: 20_000, lastMillis: 20_000 }
      ])
    })

    it("the same end again - is no change, but the newest one is kept", () => {
      const confirm = { success: { times: 3 } }
      const newest = Status.succeeded("newest")
      const driven = after({ confirm }, done, newest)
      assert.deepStrictEqual(
        [changes(driven), driven.wait.status, driven.wait.changedAt],
        [["Changed", "Unchanged"], newest, 0]
      )
    })

    it("detail that is known as a hash - is known again after a status", () => {
      const start = (found: Status.Pending) => {
        const driven = drive(options)
        driven.start(
          storedToken({
            deadlineAt: 600_000,
            status: {
              state: "RUNNING",
              progress: 0.5,
              stateAt: 0,
              changedAt: 0,
              detailHash: after({}, running).token().status!.detailHash
            },
            located: "archive"
          })
        )
        driven.answer(0, found)
        return [changes(driven), driven.wait.status, driven.wait.cold.detailHash, driven.wait.cold.located]
      }
      assert.deepStrictEqual(start(running), [["Unchanged"], running, undefined, undefined])
      const other = Status.pending({ state: "RUNNING", progress: 0.5, detail: { frames: 2 } })
      assert.deepStrictEqual(start(other), [["Changed"], other, undefined, undefined])
    })

    it("action of the same id - is the newest one", () => {
      const asks = (kind: string) => Status.pending({ state: "WAITING", action: { id: "pay", kind } })
      const driven = after({}, asks("a"), asks("b"))
      assert.deepStrictEqual([changes(driven), driven.wait.status], [["Changed", "Unchanged"], asks("b")])
    })
  })

  describe("stalls (R26)", () => {
    const stall = (onStall: "fail" | "report", ...answers: ReadonlyArray<Found>) => {
      const driven = drive({ ...options, stall: { after: "20 seconds", onStall }, missing: { times: 99 } })
      const { checks, ending } = play(driven, answers)
      const stalls = driven.events.flatMap((emitted) =>
        emitted._tag === "Stalled" ? [[emitted.attempt, String(emitted.unchangedFor)]] : []
      )
      return [checks.at(-1), ending, stalls]
    }

    it("fail - ends the wait once nothing has changed for so long", () => {
      assert.deepStrictEqual(stall("fail", running, running, done), [20_000, "done", []])
      assert.deepStrictEqual(stall("fail", running), [20_000, "JobStalled", []])
      assert.deepStrictEqual(stall("fail", running, queued), [30_000, "JobStalled", []])
      const error = failure({ stall: { after: "20 seconds" } }, running)
      assert.deepStrictEqual([String(error["unchangedFor"]), error["attempts"]], ["20000 millis", 3])
    })

    it("report - is once for each status that stalls", () => {
      assert.deepStrictEqual(stall("report", running, running, running, running, queued, queued, queued, done), [
        70_000,
        "done",
        [
          [3, "20000 millis"],
          [7, "20000 millis"]
        ]
      ])
    })

    it("canceled job - does not stall", () => {
      const canceling: Options = {
        stall: { after: "20 seconds" },
        deadline: "15 seconds",
        onTimeout: "cancelRemote",
        cancel: () => Effect.void,
        cancelTimeout: "20 seconds"
      }
      assert.strictEqual(outcome(canceling, [running])[1], "PollTimeout deadline")
    })
  })

  describe("missing jobs (R16)", () => {
    it("end the wait after `times` checks in a row without the job", () => {
      assert.deepStrictEqual(outcome({}, [missing]), [[0], "JobNotFound"])
      assert.deepStrictEqual(outcome({ missing: { times: 3 } }, [missing]), [[0, 10, 20], "JobNotFound"])
      assert.deepStrictEqual(outcome({}, [CheckResult.missingAfter(2)]), [[0, 10], "JobNotFound"])
      assert.deepStrictEqual(outcome({ missing: { times: 2 } }, [missing, running, missing, done]), [
        [0, 10, 20, 30],
        "done"
      ])
      // A failed check says nothing about the job, and an unknown state is an answer.
      assert.deepStrictEqual(outcome({ missing: { times: 2 } }, [missing, reset, missing]), [
        [0, 10, 13],
        "JobNotFound"
      ])
      assert.deepStrictEqual(
        outcome({ missing: { times: 2 }, unknownState: "continue" }, [missing, paused, missing, done]),
        [[0, 10, 20, 30], "done"]
      )
      assert.deepStrictEqual(history(after({ missing: { times: 9 } }, missing, running)), [
        "Missing",
        "Pending RUNNING 50%"
      ])
    })

    it("grace - is before the first status only", () => {
      const grace = { missing: { grace: "15 seconds" } } as const
      assert.deepStrictEqual(outcome(grace, [missing]), [[0, 10, 20], "JobNotFound"])
      assert.deepStrictEqual(outcome(grace, [running, missing]), [[0, 10], "JobNotFound"])
    })

    it("gone - stands for a missing job, and may have to hold", () => {
      const gone: Options = { missing: { gone: () => done } }
      assert.deepStrictEqual(outcome(gone, [missing]), [[0], "done"])
      assert.deepStrictEqual(outcome({ ...gone, confirm: { success: { times: 2 } } }, [missing]), [[0, 10], "done"])
    })

    const fallback = (locate: (last: Status.Status<unknown, unknown> | undefined) => string | undefined): Options => ({
      missing: { times: 2, fallback: { locate: (_, last) => locate(last), check: () => Effect.never } }
    })

    it("fallback - is asked at once, and has a row of its own", () => {
      const driven = after(
        fallback(() => "archive"),
        CheckResult.withCursor(running, "page-2"),
        missing,
        missing
      )
      assert.deepStrictEqual(
        [waits.homeOf(driven.wait), waits.cursorOf(driven.wait), driven.wait.nextAt, driven.wait.stage.reason],
        ["archive", undefined, 20_000, "missing"]
      )
      driven.step(20_000, event.due)
      assert.strictEqual(driven.answer(20_000, missing), "sleep")
      driven.step(30_000, event.due)
      assert.strictEqual(errorOf(driven.answer(30_000, missing))["_tag"], "JobNotFound")
    })

    it("wait for a missing job - says so", () => {
      assert.deepStrictEqual(after({ missing: { times: 9 } }, missing).wait.stage.reason, "missing")
      assert.deepStrictEqual(after({}, lacking).wait.stage.reason, "resultMissing")
    })

    it("fallback at the deadline - is asked then", () => {
      const driven = drive({ ...options, ...fallback(() => "archive") }, { origin: 10_000 })
      driven.start(storedToken({ rows: { missing: { count: 1, at: 0 } } }))
      assert.strictEqual(driven.answer(10_000, missing), "sleep")
    })

    it("fallback - is known by the last status, if locate finds it", () => {
      const seen: Array<unknown> = []
      const found = after(
        fallback((last) => (seen.push(last), undefined)),
        running,
        missing
      )
      found.step(20_000, event.due)
      assert.strictEqual(errorOf(found.answer(20_000, missing))["_tag"], "JobNotFound")
      assert.deepStrictEqual(seen, [running])
    })

    it("fallback of a resumed wait - is what locate returned while the detail was known", () => {
      const home = (some: object) => {
        const driven = drive({ ...options, ...fallback(() => "computed") })
        driven.start(storedToken({ ...some, deadlineAt: 600_000, rows: { missing: { count: 1, at: 0 } } }))
        const command = driven.answer(0, missing)
        return [waits.homeOf(driven.wait), command === "sleep"]
      }
      const status = { stateAt: 0, changedAt: 0 }
      assert.deepStrictEqual(home({ status, located: "stored" }), ["stored", true])
      assert.deepStrictEqual(home({ status: { ...status, detailHash: "0" } }), [undefined, false])
      assert.deepStrictEqual(home({ status }), ["computed", true])
    })

    it("fallback after the deadline - is asked at once", () => {
      const driven = drive({ ...options, ...fallback(() => "archive") }, { origin: 20_000 })
      driven.start(storedToken({ rows: { missing: { count: 1, at: 0 } } }))
      assert.strictEqual(driven.answer(20_000, missing), "check")
    })

    it("missing job - resets the hold of an end", () => {
      const confirm = { success: { times: 2 } }
      assert.deepStrictEqual(outcome({ confirm, missing: { times: 9 } }, [done, missing, done, done]), [
        [0, 10, 20, 30],
        "done"
      ])
      const first = { missing: { ...fallback(() => "archive").missing!, times: 1 } }
      const driven = after({ confirm, ...first }, done, missing)
      assert.deepStrictEqual([waits.homeOf(driven.wait), driven.wait.cold.hold], ["archive", undefined])
    })
  })

  describe("ends without their result", () => {
    it("are checked three times more, with the delays of errors", () => {
      assert.deepStrictEqual(outcome({}, [lacking]), [[0, 3, 6, 9], "ResultMissing"])
      assert.deepStrictEqual(outcome({}, [lacking, lacking, lacking, done]), [[0, 3, 6, 9], "done"])
      assert.deepStrictEqual(outcome({}, [lacking, running, lacking, lacking, lacking, done]), [
        [0, 3, 13, 16, 19, 22],
        "done"
      ])
      const error = failure({}, lacking)
      assert.deepStrictEqual([error["state"], error["issue"], error["attempts"]], ["DONE", "no outputs", 4])
      assert.deepStrictEqual(history(after({}, lacking, CheckResult.resultMissing())), [
        "ResultMissing DONE",
        "ResultMissing"
      ])
    })

    it("schedule that ends - ends the tolerance, and a missing job the row", () => {
      const two: Options = {
        checkErrors: { ...(options.checkErrors as object), schedule: Strategy.maxAttempts(schedule, 2) }
      }
      assert.deepStrictEqual(outcome(two, [lacking]), [[0, 3], "ResultMissing"])
      const several: Options = { missing: { times: 9 } }
      assert.deepStrictEqual(outcome(several, [lacking, lacking, missing, lacking, lacking, done])[1], "done")
    })

    it("reset the hold of an end", () => {
      const confirm = { success: { times: 2 } }
      assert.deepStrictEqual(outcome({ confirm }, [done, lacking, done, done]), [[0, 10, 13, 23], "done"])
    })
  })

  describe("unknown states (R2)", () => {
    it("fail, continue, or are tolerated for some checks or some time", () => {
      assert.deepStrictEqual(outcome({}, [paused]), [[0], "UnknownState"])
      assert.deepStrictEqual(outcome({ unknownState: "continue" }, [paused, paused, done]), [[0, 10, 20], "done"])
      assert.deepStrictEqual(outcome({ unknownState: { times: 2 } }, [paused]), [[0, 10, 20], "UnknownState"])
      assert.deepStrictEqual(outcome({ unknownState: { times: 1 } }, [paused, running, paused, done]), [
        [0, 10, 20, 30],
        "done"
      ])
      assert.deepStrictEqual(
        outcome({ unknownState: { times: 1 }, missing: { times: 9 } }, [paused, missing, paused]),
        [[0, 10, 20], "UnknownState"]
      )
      assert.deepStrictEqual(outcome({ unknownState: { for: "20 seconds" } }, [running, paused]), [
        [0, 10, 20, 30, 40],
        "UnknownState"
      ])
      assert.deepStrictEqual(outcome({ unknownState: { for: "20 seconds" } }, [paused]), [
        [0, 10, 20, 30],
        "UnknownState"
      ])
    })

    it("end without a result - ends their row", () => {
      assert.deepStrictEqual(outcome({ unknownState: { times: 1 } }, [paused, lacking, paused, done]), [
        [0, 10, 13, 23],
        "done"
      ])
    })

    it("are statuses with their word and the last detail", () => {
      const driven = after({ unknownState: "continue" }, running, paused, CheckResult.unknownState("OTHER"))
      assert.deepStrictEqual(driven.wait.status, Status.pending({ state: "OTHER", detail: { frames: 1 } }))
      assert.deepStrictEqual(waits.seen(driven.wait).unknownStates, { PAUSED: 1, OTHER: 1 })
      const first = after({ unknownState: "continue" }, paused)
      assert.deepStrictEqual(first.wait.status, Status.pending({ state: "PAUSED" }))
      const held = after({ unknownState: "continue", confirm: { success: { times: 9 } } }, done, paused)
      assert.deepStrictEqual(held.wait.status, Status.pending({ state: "PAUSED" }))
    })

    it("error - has the word, and the history too", () => {
      const driven = drive({ ...options, unknownState: "fail" })
      const error = errorOf({ exit: play(driven, [running, paused]).exit! })
      assert.deepStrictEqual([error["state"], error["attempts"], error["unknownStates"]], ["PAUSED", 2, { PAUSED: 1 }])
      assert.deepStrictEqual(history(driven), ["Pending RUNNING 50%", "UnknownState PAUSED"])
    })

    it("treatAs - says which status they stand for", () => {
      const treated = (answer: Status.Status<unknown, unknown>) => ({ unknownState: { treatAs: () => answer } })
      assert.deepStrictEqual(outcome(treated(done), [paused]), [[0], "done"])
      const driven = after(treated(Status.pending()), paused, paused)
      assert.deepStrictEqual(
        [driven.wait.status?.state, waits.seen(driven.wait).unknownStates],
        ["PAUSED", { PAUSED: 2 }]
      )
    })

    it("words - are counted for at most 32 different ones", () => {
      const words = Array.from({ length: 40 }, (_, at) => CheckResult.unknownState(`S${at}`))
      const driven = after({ unknownState: "continue", strategy: Strategy.spaced("1 second") }, ...words, words[0]!)
      const counted = waits.seen(driven.wait).unknownStates
      assert.deepStrictEqual([Object.keys(counted).length, counted["S0"], counted["S31"]], [32, 2, 1])
    })

    it("long words - are cut", () => {
      const long = "x".repeat(300)
      const driven = after({ unknownState: "continue" }, CheckResult.unknownState(long))
      assert.strictEqual(driven.wait.status?.state?.length, 200)
      assert.strictEqual((failure({}, CheckResult.resultMissing(long))["state"] as string).length, 200)
    })

    it("resumed wait - asks locate again for the state that it knows", () => {
      const located = (locate: (last: Status.Status<unknown, unknown> | undefined) => string | undefined) => {
        const fallback = {
          locate: (_: unknown, last: Status.Status<unknown, unknown> | undefined) => locate(last),
          check: () => Effect.never
        }
        const driven = drive({ ...options, unknownState: "continue", missing: { fallback } })
        const status = { stateAt: 0, changedAt: 0, detailHash: "0" }
        driven.start(storedToken({ status, located: "stored", deadlineAt: 600_000 }))
        driven.answer(0, paused)
        return [driven.wait.cold.located, driven.wait.cold.detailHash]
      }
      assert.deepStrictEqual(
        located((last) => last?.state),
        ["PAUSED", "0"]
      )
      const unknown = after(
        { unknownState: "continue", missing: { fallback: { locate: () => "archive", check: () => Effect.never } } },
        paused
      )
      assert.strictEqual(unknown.wait.cold.located, undefined)
      assert.deepStrictEqual(
        located(() => undefined),
        ["stored", "0"]
      )
      assert.deepStrictEqual(
        located(() => {
          throw new Error("no detail")
        }),
        ["stored", "0"]
      )
    })
  })

  describe("runs (R28)", () => {
    const since = (
      asked: CheckResult.Run,
      run: CheckResult.Run | undefined,
      found: CheckResult.Unannotated<unknown, unknown> = done
    ) => {
      const driven = drive({ ...options, since: asked })
      driven.start()
      const command = driven.answer(
        0,
        run === undefined ? found : CheckResult.withRun(found as Status.Status<unknown, unknown>, run)
      )
      return typeof command === "object" ? "ended" : driven.wait.status
    }
    const earlier = Status.pending({ state: "EARLIER RUN" })

    it("end of another run - is pending", () => {
      assert.deepStrictEqual(since({ run: "2" }, { run: "2" }), "ended")
      assert.deepStrictEqual(since({ run: "2" }, { run: "1" }), earlier)
      assert.deepStrictEqual(since({ generation: 2 }, { generation: 1 }), earlier)
      assert.deepStrictEqual(since({ generation: 2 }, { generation: 2 }), "ended")
      assert.deepStrictEqual(since({ generation: 2 }, { generation: 3 }), "ended")
      assert.deepStrictEqual(since({ generation: 2 }, { run: "2" }), earlier)
      assert.deepStrictEqual(since({ run: "2" }, { generation: 2 }), earlier)
      assert.deepStrictEqual(since({ run: "2" }, undefined), "ended")
    })

    it("status of another run - stays what it is, and an end has its word as the detail", () => {
      assert.deepStrictEqual(since({ run: "2" }, { run: "1" }, running), running)
      const worded = Status.withState(done, "COMPLETED")
      assert.deepStrictEqual(
        since({ run: "2" }, { run: "1" }, worded),
        Status.pending({ state: "EARLIER RUN", detail: "COMPLETED" })
      )
    })

    it("wait for any run - takes every end", () => {
      assert.deepStrictEqual(outcome({}, [CheckResult.withRun(done, { run: "1" })]), [[0], "done"])
    })
  })

  describe("the other source of confirm (R29)", () => {
    const confirm: Options["confirm"] = { success: { times: 2 }, check: () => Effect.never }
    const other = Status.succeeded("elsewhere")

    it("is asked at once, and its end is the result", () => {
      assert.deepStrictEqual(outcome({ confirm }, [done, done, other]), [[0, 10, 10], "elsewhere"])
      const driven = after({ confirm }, done, done)
      assert.deepStrictEqual([waits.sourceOf(driven.wait), driven.wait.stage.reason], [waits.otherSource, "strategy"])
    })

    it("any other answer - resets the hold", () => {
      for (const [answer, name] of [
        [running, "Pending RUNNING"],
        [Status.failed("no"), "Failed"],
        [missing, "Missing"],
        [paused, "UnknownState PAUSED"],
        [lacking, "ResultMissing DONE"]
      ] as ReadonlyArray<readonly [Found, string]>) {
        assert.deepStrictEqual(outcome({ confirm }, [done, done, answer, done, done, other]), [
          [0, 10, 10, 20, 30, 30],
          "elsewhere"
        ])
        const driven = after({ confirm }, done, done, answer)
        assert.deepStrictEqual(
          [waits.sourceOf(driven.wait), history(driven).at(-1)],
          [undefined, `not confirmed: ${name}`]
        )
      }
    })

    it("end of another run - does not confirm", () => {
      const driven = after({ confirm, since: { run: "2" } }, done, done, CheckResult.withRun(other, { run: "1" }))
      assert.strictEqual(driven.wait.stage.phase, "waiting")
    })

    it("failed check - is repeated, and what it answers ends its row", () => {
      const driven = after({ confirm }, done, done, reset)
      assert.deepStrictEqual([waits.sourceOf(driven.wait), driven.wait.nextAt], [waits.otherSource, 13_000])
      driven.step(13_000, event.due)
      driven.answer(13_000, running)
      assert.strictEqual(driven.wait.cold.rows, undefined)
    })

    it("long words - are cut", () => {
      const driven = after({ confirm }, done, done)
      driven.step(10_000, event.due)
      driven.answer(10_000, Status.withState(other, "x".repeat(300)))
      assert.strictEqual(driven.wait.status?.state?.length, 200)
      const not = after({ confirm }, done, done, CheckResult.unknownState("x".repeat(300)))
      assert.isBelow(history(not).at(-1)?.length ?? 0, 300)
    })

    it("forced check - lifts the floor for the other source too", () => {
      const asked = (force: boolean) => {
        const driven = drive({ ...options, confirm: { ...confirm, success: { times: 1 } } })
        driven.start()
        driven.step(0, { _tag: "Woken", force })
        driven.answer(0, CheckResult.withHint(done, "5 seconds"))
        return driven.wait.nextAt
      }
      assert.deepStrictEqual([asked(false), asked(true)], [5_000, 0])
    })

    it("at the deadline - the other source is asked then", () => {
      const driven = drive({ ...options, confirm: { ...confirm, success: { times: 1 } } }, { origin: 10_000 })
      driven.start(storedToken())
      assert.strictEqual(driven.answer(10_000, done), "sleep")
    })

    it("after the deadline - the other source is asked at once", () => {
      const driven = drive({ ...options, confirm: { ...confirm, success: { times: 1 } } }, { origin: 20_000 })
      driven.start(storedToken())
      assert.strictEqual(driven.answer(20_000, done), "check")
    })
  })

  it("answer - ends the retries and the error of the check before", () => {
    const retry: Options = {
      checkErrors: { ...(options.checkErrors as object), retry: Strategy.spaced("1 second") }
    }
    const driven = after(retry, reset)
    assert.deepStrictEqual([driven.wait.cold.retries, driven.wait.cold.checkError], [1, "reset"])
    driven.step(1_000, event.due)
    driven.answer(1_000, running)
    assert.deepStrictEqual([driven.wait.cold.retries, waits.seen(driven.wait).lastCheckError], [0, undefined])
  })

  it("answer - ends the rows of errors", () => {
    for (const answer of [running, missing, paused, lacking]) {
      const driven = after({ missing: { times: 9 }, unknownState: "continue" }, reset, answer)
      assert.strictEqual(driven.wait.cold.rows?.errors.count ?? 0, 0)
    }
  })

  it("end that is held - asks for no action", () => {
    const asks = Status.pending({ action: { id: "pay" } })
    const driven = after({ onAction: () => Effect.never, confirm: { success: { times: 9 } } }, asks, done)
    assert.deepStrictEqual([driven.wait.cold.action, driven.wait.cold.isHandling], [undefined, false])
  })

  it("Confirming - reports each sighting that is not yet enough", () => {
    const driven = after({ confirm: { success: { times: 3 } } }, running, done, done)
    const sightings = driven.events.flatMap((emitted) =>
      emitted._tag === "Confirming"
        ? [[emitted.attempt, emitted.sightings, String(emitted.heldFor), emitted.status]]
        : []
    )
    assert.deepStrictEqual(sightings, [
      [2, 1, "0 millis", done],
      [3, 2, "10000 millis", done]
    ])
  })

  it("timeout of a held end - says what was needed", () => {
    const confirmation = (some: Options["confirm"], answer: Found) =>
      failure({ confirm: some, deadline: "15 seconds" }, answer)["confirmation"] as PollError.Confirmation
    const success = { success: { for: "14 seconds" }, failure: { times: 5 } } as const
    assert.strictEqual(confirmation(success, Status.failed("no")).times, 5)
    const long = failure({ confirm: { success: { times: 9 } }, deadline: "15 seconds" }, queued)
    assert.strictEqual(long["confirmation"], undefined)
  })
})
