import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CheckResult from "effect-poll/CheckResult"
import * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { drive, type Driven, endingOf, event, type Options, waits } from "../support/machine.ts"
import { storedToken } from "../support/tokens.ts"

const strategy = Strategy.spaced("10 seconds")
const asks = (id: string) => Status.pending({ state: "WAITING", action: { id } })
const quiet = Status.pending({ state: "RUNNING" })
const handler = () => Effect.never

/** A wait whose checks, ten seconds apart, have found these. */
const after = (options: Options, ...found: ReadonlyArray<Status.Status<unknown, unknown>>): Driven => {
  const driven = drive({ strategy, ...options })
  driven.start()
  for (const [at, status] of found.entries()) {
    if (at > 0) driven.step(at * 10_000, event.due)
    driven.answer(at * 10_000, status)
  }
  return driven
}

const reported = ({ events }: Driven) =>
  events.flatMap((emitted) => (emitted._tag === "ActionRequired" ? [[emitted.action.id, emitted.attempt]] : []))

const handled = (driven: Driven, id: string) => driven.step(driven.now(), { _tag: "Handled", id })

describe("action (R38)", () => {
  it("report - is once per request: consecutive statuses with the same id", () => {
    const driven = after({}, asks("pay"), asks("pay"), asks("approve"), quiet, asks("approve"), asks("pay"))
    assert.deepStrictEqual(reported(driven), [
      ["pay", 1],
      ["approve", 3],
      ["approve", 5],
      ["pay", 6]
    ])
    assert.strictEqual(driven.wait.cold.action, "pay")
    assert.isFalse(driven.wait.cold.isHandling)
  })

  it("status without an action - leaves no trace", () => {
    const driven = after({}, quiet)
    assert.deepStrictEqual([reported(driven), driven.token().actions], [[], undefined])
    assert.strictEqual(driven.wait.cold, drive().wait.cold)
    assert.strictEqual(after({}, asks("pay"), quiet).wait.cold.action, undefined)
  })

  it("long id - is one action, each time it is found", () => {
    const id = "x".repeat(500)
    assert.deepStrictEqual(reported(after({}, asks(id), asks(id), asks(`${id}y`))), [
      [id, 1],
      [`${id}y`, 3]
    ])
  })

  it("fail - ends the wait with the action", () => {
    const driven = after({ onAction: "fail" })
    const command = driven.answer(0, asks("pay"))
    assert(typeof command === "object")
    assert.strictEqual(endingOf(command.exit), "ActionRequired")
    assert.deepStrictEqual(reported(driven), [["pay", 1]])
    const quietly = after({ onAction: "fail" }, quiet)
    assert.strictEqual(quietly.wait.stage.phase, "waiting")
  })

  it("fail - does not end a wait that watches a canceled job", () => {
    const driven = drive({
      strategy,
      deadline: "5 seconds",
      onAction: "fail",
      onTimeout: "cancelRemote",
      cancel: () => Effect.void
    })
    driven.start()
    driven.answer(0, quiet)
    driven.step(5_000, event.due)
    driven.answer(5_000, quiet)
    driven.step(5_000, event.cancelDone("timeout", "timedOut"))
    driven.step(5_000, event.due)
    assert.strictEqual(driven.answer(5_000, asks("pay")), "sleep")
  })

  it("handler - is known until it has ended, or the job asks for something else", () => {
    const handling = (...found: ReadonlyArray<Status.Status<unknown, unknown>>) => {
      const { action, isHandling } = after({ onAction: handler }, ...found).wait.cold
      return isHandling ? action : undefined
    }
    assert.strictEqual(handling(asks("pay")), "pay")
    assert.strictEqual(handling(asks("pay"), asks("pay")), "pay")
    assert.strictEqual(handling(asks("pay"), asks("approve")), "approve")
    assert.strictEqual(handling(asks("pay"), quiet), undefined)
    // An action that comes back is handled again.
    assert.strictEqual(handling(asks("pay"), quiet, asks("pay")), "pay")
    const driven = after({ onAction: handler }, asks("pay"))
    handled(driven, "approve")
    assert.isTrue(driven.wait.cold.isHandling)
    handled(driven, "pay")
    assert.isFalse(driven.wait.cold.isHandling)
  })

  it("handler that runs - is left out of the token, so that it runs again", () => {
    const driven = after({ onAction: handler }, asks("pay"), asks("approve"))
    assert.strictEqual(driven.token().actions, undefined)
    handled(driven, "approve")
    assert.deepStrictEqual(driven.token().actions, ["approve"])
    assert.deepStrictEqual(after({ onAction: "report" }, asks("pay"), asks("approve")).token().actions, ["approve"])
    assert.strictEqual(after({ onAction: "report" }, asks("pay"), quiet).token().actions, undefined)
  })

  it("handler that has ended - requests a check at once, without the gap of other requests", () => {
    assert.strictEqual(handled(after({ onAction: handler }, asks("pay")), "pay"), "check")
    assert.strictEqual(after({ onAction: handler }, asks("pay")).step(1, { _tag: "Handled", id: "pay" }), "check")
    assert.strictEqual(after({}, asks("pay")).step(1, { _tag: "Woken", force: false }), "sleep")
  })

  it("handler that has ended - requests nothing twice, and nothing for an action of before", () => {
    const twice = after({ onAction: handler }, asks("pay"))
    twice.step(10, { _tag: "Handled", id: "pay" })
    assert.strictEqual(twice.step(11, { _tag: "Handled", id: "pay" }), "continue")
    assert.isUndefined(twice.wait.cold.wakeRequest)
    const other = after({ onAction: handler }, asks("pay"), asks("approve"))
    assert.strictEqual(other.step(10_100, { _tag: "Handled", id: "pay" }), "continue")
    const gone = after({ onAction: handler }, asks("pay"), quiet)
    assert.strictEqual(gone.step(10_100, { _tag: "Handled", id: "pay" }), "continue")
  })

  it("handler that has ended - lifts no floor", () => {
    const driven = drive({ strategy, onAction: handler })
    driven.start()
    driven.answer(0, CheckResult.withHint(asks("pay"), "20 seconds"))
    assert.deepStrictEqual([handled(driven, "pay"), driven.wait.nextAt], ["continue", 20_000])
  })

  it("handlers that end in a row - request one check, until one was made in its own time or found no action", () => {
    const next = (found: Status.Status<unknown, unknown>) => {
      const driven = after({ onAction: handler }, asks("pay"))
      driven.step(100, { _tag: "Handled", id: "pay" })
      driven.answer(100, found)
      return driven
    }
    const row = next(asks("approve"))
    assert.deepStrictEqual([row.step(200, { _tag: "Handled", id: "approve" }), row.wait.nextAt], ["continue", 10_100])
    // The check in its own time ends the row.
    assert.strictEqual(row.step(10_100, event.due), "check")
    row.answer(10_100, asks("sign"))
    assert.strictEqual(row.step(10_200, { _tag: "Handled", id: "sign" }), "check")
    const quietly = next(quiet)
    quietly.step(10_100, event.due)
    quietly.answer(10_100, asks("approve"))
    assert.strictEqual(quietly.step(10_200, { _tag: "Handled", id: "approve" }), "check")
    // A requested check that had to wait for zeroDelay is no check in its own time.
    const soon = after({ onAction: handler }, asks("pay"))
    soon.step(5, { _tag: "Woken", force: false })
    handled(soon, "pay")
    soon.answer(soon.now(), asks("pay"))
    soon.step(9, { _tag: "Woken", force: false })
    assert.strictEqual(soon.step(soon.wait.nextAt, event.due), "check")
    soon.answer(soon.now(), asks("approve"))
    assert.strictEqual(soon.step(100, { _tag: "Handled", id: "approve" }), "continue")
  })

  it("resumed wait - does not report the action of its status again if that is in its token", () => {
    const resumed = (actions: ReadonlyArray<string> | undefined) => {
      const driven = drive({ strategy, onAction: handler })
      driven.start(storedToken({ actions, status: { stateAt: 0, changedAt: 0, action: "pay" } }))
      driven.answer(0, asks("pay"))
      return driven
    }
    const settled = resumed(["pay"])
    assert.deepStrictEqual([reported(settled), settled.wait.cold.isHandling], [[], false])
    settled.step(10_000, event.due)
    settled.answer(10_000, asks("approve"))
    assert.deepStrictEqual(reported(settled), [["approve", 3]])
    assert.strictEqual(waits.hasTimedOut(settled.wait), false)
    const cut = resumed(undefined)
    assert.deepStrictEqual([reported(cut), cut.wait.cold.isHandling], [[["pay", 2]], true])
  })

  it("error - has the action", () => {
    const driven = after({ onAction: "fail" })
    const command = driven.answer(0, asks("pay"))
    const error =
      typeof command === "object" && command.exit._tag === "Failure" ? command.exit.cause.reasons[0] : undefined
    assert(error?._tag === "Fail" && error.error instanceof PollError.ActionRequired)
    assert.deepStrictEqual([error.error.action.id, error.error.attempts], ["pay", 1])
  })
})
