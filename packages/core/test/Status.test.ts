import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"

describe("Status", () => {
  it("pending - draws a progress to 0..1 and forgets one that is none", () => {
    const progress = (value: number) => Status.pending({ progress: value }).progress
    assert.deepStrictEqual([-1, 0.5, 1.2, Number.NaN].map(progress), [0, 0.5, 1, undefined])
  })

  it("isTerminal - is true of every end", () => {
    const ends = [Status.succeeded(1), Status.failed("f"), Status.canceled(), Status.expired()]
    assert.deepStrictEqual([...ends, Status.pending()].map(Status.isTerminal), [true, true, true, true, false])
  })

  it("withState - keeps a word that is there", () => {
    assert.strictEqual(Status.withState(Status.pending({ state: "A" }), "B").state, "A")
    assert.strictEqual(Status.withState(Status.canceled(), "B").state, "B")
  })

  it("describe - says tag, word and progress, and never the result", () => {
    assert.strictEqual(Status.describe(Status.pending({ state: "RUN", progress: 0.456 })), "Pending RUN 46%")
    assert.strictEqual(Status.describe(Status.succeeded({ secret: 1 })), "Succeeded")
  })

  it("isStatus - knows its own", () => {
    assert.deepStrictEqual([Status.pending(), { _tag: "Pending" }, null].map(Status.isStatus), [true, false, false])
  })
})

describe("Check", () => {
  it("make - adds hint and run, and keeps what is there", () => {
    const check = CheckResult.withRun(
      CheckResult.withHint(CheckResult.withHint(Status.pending(), "1 second"), "2 seconds"),
      { generation: 7 }
    )
    assert(check._tag === "Annotated")
    assert.deepStrictEqual(
      [check.result, check.hint, check.run],
      [Status.pending(), Duration.seconds(2), { generation: 7 }]
    )
  })

  it("finding - takes the status out", () => {
    assert.strictEqual(
      CheckResult.unannotated(CheckResult.withHint(CheckResult.missing, "unreadable")),
      CheckResult.missing
    )
    assert.deepStrictEqual(CheckResult.unannotated(Status.canceled()), Status.canceled())
  })
})
