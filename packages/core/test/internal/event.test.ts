import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import { drive, endingOf, type Event, event } from "../support/machine.ts"

const unheard = { _tag: "Unheard" } as never as Event

describe("event", () => {
  it("what does not exist - is named by its kind, never by what it says", () => {
    const message = (...args: Parameters<typeof event.unknown>) => event.unknown(...args).message
    assert.deepStrictEqual(
      [message("event", unheard), message("event", undefined), message("command", "wait"), message("command", 7)],
      ["unknown event: Unheard", "unknown event: undefined", "unknown command: wait", "unknown command: number"]
    )
    assert.strictEqual(message("command", ""), "unknown command: ")
    assert.isBelow(message("command", "x".repeat(100_000)).length, 1_000)
  })

  it("event that does not exist - ends the wait as a defect", () => {
    const command = drive().step(0, unheard)
    assert(typeof command !== "string")
    assert.strictEqual(String(endingOf(command.exit)), "Error: unknown event: Unheard")
  })

  it("command that does not exist - ends the wait as a defect", () => {
    const died = event.unknownCommand("dance")
    assert(died._tag === "Died")
    const driven = drive()
    driven.start()
    const command = driven.step(0, died)
    assert(typeof command !== "string")
    assert.strictEqual(String(endingOf(command.exit)), "Error: unknown command: dance")
  })

  it("failed check - has a hint only if the server gave one", () => {
    const cause = Cause.fail("reset")
    const hint = Duration.seconds(5)
    assert.deepStrictEqual(event.checkErrored(cause), { _tag: "CheckErrored", cause })
    assert.deepStrictEqual(event.checkErrored(cause, hint), { _tag: "CheckErrored", cause, hint })
    assert.deepStrictEqual(event.checkErrored(cause, "unreadable"), { _tag: "CheckErrored", cause, hint: "unreadable" })
  })
})
