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
  it("report - is once per id", () => {
    const driven = after({}, asks("pay"), asks("pay"), asks("approve"), quiet, asks("pay"))
    assert.deepStrictEqual(reported(driven), [
      ["pay", 1],
      ["approve", 3]
    ])
    assert.deepStrictEqual(driven.wait.cold.actions, ["pay", "approve"])
    assert.deepStrictEqual([driven.wait.cold.handling, driven.wait.cold.handlingFrom], [undefined, 0])
  })

  it("status without an action - leaves no trace", () => {
    const driven = after({}, quiet)
    assert.deepStrictEqual([reported(driven), driven.token().actions], [[], undefined])
    assert.strictEqual(driven.wait.cold, drive().wait.cold)
  })

  it("ids - are the newest 16", () => {
    const ids = Array.from({ length: 18 }, (_, at) => `a${at}`)
    assert.deepStrictEqual(after({}, ...ids.map(asks)).wait.cold.actions, ids.slice(2))
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
    const handling = (...found: ReadonlyArray<Status.Status<unknown, unknown>>) =>
      after({ onAction: handler }, ...found).wait.cold.handling
    assert.strictEqual(handling(asks("pay")), "pay")
    assert.strictEqual(handling(asks("pay"), asks("pay")), "pay")
    assert.strictEqual(handling(asks("pay"), asks("approve")), "approve")
    assert.strictEqual(handling(asks("pay"), quiet), undefined)
    // The handler of an action that comes back does not run again.
    assert.strictEqual(handling(asks("pay"), quiet, asks("pay")), undefined)
    const driven = after({ onAction: handler }, asks("pay"))
    handled(driven, "approve")
    assert.strictEqual(driven.wait.cold.handling, "pay")
    handled(driven, "pay")
    assert.strictEqual(driven.wait.cold.handling, undefined)
  })

  it("handler that runs - is left out of the token, so that it runs again", () => {
    assert.deepStrictEqual(after({ onAction: handler }, asks("pay"), asks("approve")).token().actions, ["pay"])
    assert.deepStrictEqual(after({ onAction: "report" }, asks("pay"), asks("approve")).token().actions, [
      "pay",
      "approve"
    ])
  })

  it("handler that has ended - requests a check", () => {
    const driven = after({ onAction: handler }, asks("pay"))
    assert.strictEqual(handled(driven, "pay"), "check")
  })

  it("handler that has ended - lifts no floor", () => {
    const driven = drive({ strategy, onAction: handler })
    driven.start()
    driven.answer(0, CheckResult.withHint(asks("pay"), "20 seconds"))
    assert.deepStrictEqual([handled(driven, "pay"), driven.wait.nextAt], ["continue", 20_000])
  })

  it("second action found by the newest check - is followed by a check after zeroDelay at the earliest", () => {
    const driven = after({ onAction: handler }, asks("pay"), asks("approve"))
    assert.strictEqual(handled(driven, "approve"), "sleep")
    assert.strictEqual(driven.wait.nextAt, 10_010)
    const later = after({ onAction: handler }, asks("pay"), asks("approve"), asks("approve"))
    assert.strictEqual(handled(later, "approve"), "check")
    const unknown = after({ onAction: handler }, asks("pay"), asks("approve"))
    assert.strictEqual(handled(unknown, "pay"), "check")
  })

  it("zeroDelay - counts from the check, in whole milliseconds", () => {
    const driven = drive({ strategy, onAction: handler })
    driven.start()
    driven.answer(0, asks("pay"))
    driven.step(0.5, { _tag: "Handled", id: "pay" })
    driven.answer(0.5, asks("approve"))
    driven.step(3, { _tag: "Handled", id: "approve" })
    assert.deepStrictEqual([driven.wait.checkStarted, driven.wait.nextAt], [0.5, 11])
  })

  it("resumed wait - reports no action of its token again", () => {
    const driven = drive({ strategy, onAction: handler })
    driven.start(storedToken({ actions: ["pay"] }))
    driven.answer(0, asks("pay"))
    assert.deepStrictEqual([reported(driven), driven.wait.cold.handling], [[], undefined])
    driven.step(10_000, event.due)
    driven.answer(10_000, asks("approve"))
    assert.deepStrictEqual(reported(driven), [["approve", 3]])
    assert.strictEqual(waits.hasTimedOut(driven.wait), false)
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
