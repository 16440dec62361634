import { assert, describe, it } from "@effect/vitest"
import * as Headers from "effect/http/Headers"
import * as Status from "effect-poll/Status"
import * as Interpretation from "@effect-poll/http/Interpretation"

const answer = (status: number, text = "") => {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    body = undefined
  }
  return { status, headers: Headers.empty, text, body }
}

describe("Interpretation", () => {
  it("when - all that the pattern says has to fit", () => {
    const interpret = Interpretation.when({ status: [400, 500], body: { error: { code: 7 } }, text: "gone" }, "missing")
    assert.strictEqual(interpret(answer(500, '{"error":{"code":7,"message":"gone"}}')), "missing")
    assert.isUndefined(interpret(answer(501, '{"error":{"code":7,"message":"gone"}}')))
    assert.isUndefined(interpret(answer(500, '{"error":{"code":8,"message":"gone"}}')))
    assert.isUndefined(interpret(answer(500, '{"error":{"code":7}}')))
    assert.isUndefined(interpret(answer(500, "gone")))
  })

  it("when - parts of a body", () => {
    const fits = (body: unknown, text: string) =>
      Interpretation.when({ body }, "pending")(answer(200, text)) === "pending"
    assert.isTrue(fits({}, '{"a":1}'))
    assert.isFalse(fits({}, "1"))
    assert.isTrue(fits(null, "null"))
    assert.isFalse(fits(null, "{}"))
    assert.isTrue(fits({ a: [1, { b: 2 }] }, '{"a":[1,{"b":2,"c":3}]}'))
    assert.isFalse(fits({ a: [1] }, '{"a":[1,2]}'))
    assert.isFalse(fits({ a: undefined }, "{}"))
    assert.isTrue(fits("busy", '"busy"'))
  })

  it("firstOf - the first that says something decides", () => {
    const interpret = Interpretation.firstOf<string>(
      Interpretation.when({ status: 410 }, Status.succeeded("gone")),
      Interpretation.when({ status: [409, 410] }, "transient")
    )
    assert.deepStrictEqual(interpret(answer(410)), Status.succeeded("gone"))
    assert.strictEqual(interpret(answer(409)), "transient")
    assert.isUndefined(interpret(answer(411)))
  })

  it("when - a pattern that fits everything or nothing is a RangeError", () => {
    assert.throws(() => Interpretation.when({}, "pending"), RangeError, "Interpretation.when: pattern")
    assert.throws(() => Interpretation.when({ status: [] }, "pending"), RangeError, 'got {"status":[]}')
    assert.throws(() => Interpretation.when({ text: "" }, "pending"), RangeError, "got {")
  })
})
