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

  it("withCursor - replaces a cursor, and is kept by withHint and withRun", () => {
    const result = Status.pending()
    const moved = CheckResult.withCursor(CheckResult.withCursor(result, "one"), "two")
    const annotated = CheckResult.withRun(CheckResult.withHint(moved, "1 second"), { run: "r" })
    assert(annotated._tag === "Annotated")
    assert.deepStrictEqual(
      [annotated.result, annotated.cursor, annotated.hint, annotated.run],
      [result, "two", Duration.seconds(1), { run: "r" }]
    )
    assert.deepStrictEqual(CheckResult.withCursor("two")(result), CheckResult.withCursor(result, "two"))
    assert.isTrue(CheckResult.isCheckResult(annotated))
  })

  it("withCursor - takes at most 8 KiB as JSON in UTF-8, and does not show what is longer", () => {
    const sizes: ReadonlyArray<readonly [text: string, fits: boolean]> = [
      ["", true],
      ["x".repeat(8192), true],
      ["x".repeat(8193), false],
      ["é".repeat(4096), true],
      ["é".repeat(4097), false],
      ["€".repeat(2730), true],
      ["€".repeat(2731), false],
      ["😀".repeat(2048), true],
      ["😀".repeat(2049), false],
      ["\u0007".repeat(1365), true],
      ["\u0007".repeat(1366), false],
      ['"'.repeat(4096), true],
      ['"'.repeat(4097), false],
      ["\ud800".repeat(1365), true],
      ["\ud800".repeat(1366), false]
    ]
    for (const [text, fits] of sizes) {
      assert.strictEqual(CheckResult.isCursor(text), fits, `${text.slice(0, 2)} ${text.length}`)
      if (fits) CheckResult.withCursor(Status.pending(), text)
      else {
        assert.throws(
          () => CheckResult.withCursor(Status.pending(), text),
          RangeError,
          /^CheckResult\.withCursor: cursor must be a string of at most 8192 bytes as JSON in UTF-8$/
        )
      }
    }
    assert.isFalse(CheckResult.isCursor(undefined))
    assert.throws(() => CheckResult.withCursor(Status.pending(), 7 as never), RangeError)
  })

  it("unannotated - removes hint and run", () => {
    assert.strictEqual(
      CheckResult.unannotated(CheckResult.withHint(CheckResult.missing, "unreadable")),
      CheckResult.missing
    )
    assert.deepStrictEqual(CheckResult.unannotated(Status.canceled()), Status.canceled())
  })
})
