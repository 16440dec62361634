import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import type * as theValidate from "../../src/internal/validate.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/validate.ts"
const validate = (await import(path)) as typeof theValidate

/** The message of the RangeError that an invalid option causes. */
const messageOf = (check: () => unknown): string => {
  try {
    check()
  } catch (error) {
    assert.instanceOf(error, RangeError)
    return error.message
  }
  return assert.fail("no error")
}

const unreadable = "soon" as unknown as Duration.Input

describe("validate", () => {
  it("millis - takes a finite duration within its bounds", () => {
    assert.strictEqual(validate.millis("wait", "2 seconds", "positive"), 2_000)
    assert.strictEqual(validate.millis("wait", 0.5, "positive"), 0.5)
    assert.strictEqual(validate.millis("wait", 0, "nonNegative"), 0)
  })

  it("millis - names the option, what it must be, and the value", () => {
    const must = "wait must be a positive finite duration"
    assert.strictEqual(
      messageOf(() => validate.millis("wait", 0, "positive")),
      `${must}, got 0`
    )
    assert.strictEqual(
      messageOf(() => validate.millis("wait", -1, "positive")),
      `${must}, got -1`
    )
    assert.strictEqual(
      messageOf(() => validate.millis("wait", Number.NaN, "positive")),
      `${must}, got NaN`
    )
    assert.strictEqual(
      messageOf(() => validate.millis("wait", unreadable, "positive")),
      `${must}, got "soon"`
    )
    assert.strictEqual(
      messageOf(() => validate.millis("wait", Duration.infinity, "positive")),
      `${must}, got Infinity`
    )
    assert.strictEqual(
      messageOf(() => validate.millis("wait", Duration.seconds(-2), "nonNegative")),
      "wait must be a non-negative finite duration, got -2s"
    )
  })

  it("millisOrUnbounded - takes a positive finite duration, or unbounded", () => {
    assert.strictEqual(validate.millisOrUnbounded("deadline", "1 minute"), 60_000)
    assert.strictEqual(validate.millisOrUnbounded("deadline", "unbounded"), Number.POSITIVE_INFINITY)
    for (const [input, shown] of [
      [0, "0"],
      [-1, "-1"],
      [Number.POSITIVE_INFINITY, "Infinity"],
      [unreadable, `"soon"`]
    ] as const) {
      assert.strictEqual(
        messageOf(() => validate.millisOrUnbounded("deadline", input)),
        `deadline must be a positive finite duration or "unbounded", got ${shown}`
      )
    }
  })

  it("count - takes an integer of at least the minimum", () => {
    assert.strictEqual(validate.count("times", 1, 1), 1)
    for (const value of [0, 1.5, Number.NaN])
      assert.strictEqual(
        messageOf(() => validate.count("times", value, 1)),
        `times must be an integer >= 1, got ${value}`
      )
  })

  it("atLeast - takes a finite number of at least the minimum", () => {
    assert.strictEqual(validate.atLeast("factor", 1, 1), 1)
    for (const value of [0.5, Number.POSITIVE_INFINITY, Number.NaN])
      assert.strictEqual(
        messageOf(() => validate.atLeast("factor", value, 1)),
        `factor must be a finite number >= 1, got ${value}`
      )
  })

  it("nonEmpty - takes a non-empty string", () => {
    assert.strictEqual(validate.nonEmpty("name", "a"), "a")
    assert.strictEqual(
      messageOf(() => validate.nonEmpty("name", "")),
      `name must be a non-empty string, got ""`
    )
    assert.strictEqual(
      messageOf(() => validate.nonEmpty("name", 7 as unknown as string)),
      "name must be a non-empty string, got 7"
    )
  })
})
