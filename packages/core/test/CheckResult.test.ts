import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"

describe("CheckResult", () => {
  it("withHint - replaces a hint, and withRun keeps it", () => {
    const result = CheckResult.withRun(
      CheckResult.withHint(CheckResult.withHint(Status.pending(), "1 second"), "2 seconds"),
      { generation: 7 }
    )
    assert(result._tag === "Annotated")
    assert.deepStrictEqual(
      [result.result, result.hint, result.run],
      [Status.pending(), Duration.seconds(2), { generation: 7 }]
    )
  })

  it("unannotated - removes hint and run", () => {
    assert.strictEqual(
      CheckResult.unannotated(CheckResult.withHint(CheckResult.missing, "unreadable")),
      CheckResult.missing
    )
    assert.deepStrictEqual(CheckResult.unannotated(Status.canceled()), Status.canceled())
  })
})
