import { assert, describe, it } from "@effect/vitest"
import * as Headers from "effect/http/Headers"
import * as Status from "effect-poll/Status"
import * as Classification from "@effect-poll/http/Classification"

const answer = (status: number, text = "") => {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    body = undefined
  }
  return { status, headers: Headers.empty, text, body }
}

describe("Classification", () => {
  it("when - all that the pattern says has to fit", () => {
    const classify = Classification.when({ status: [400, 500], body: { error: { code: 7 } }, text: "gone" }, "missing")
    assert.strictEqual(classify(answer(500, '{"error":{"code":7,"message":"gone"}}')), "missing")
    assert.isUndefined(classify(answer(501, '{"error":{"code":7,"message":"gone"}}')))
    assert.isUndefined(classify(answer(500, '{"error":{"code":8,"message":"gone"}}')))
    assert.isUndefined(classify(answer(500, '{"error":{"code":7}}')))
    assert.isUndefined(classify(answer(500, "gone")))
  })

  it("when - parts of a body", () => {
    const fits = (body: unknown, text: string) =>
      Classification.when({ body }, "pending")(answer(200, text)) === "pending"
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
    const classify = Classification.firstOf<string>(
      Classification.when({ status: 410 }, Status.succeeded("gone")),
      Classification.when({ status: [409, 410] }, "transient")
    )
    assert.deepStrictEqual(classify(answer(410)), Status.succeeded("gone"))
    assert.strictEqual(classify(answer(409)), "transient")
    assert.isUndefined(classify(answer(411)))
  })

  it("when - a pattern that fits everything or nothing is a RangeError", () => {
    assert.throws(() => Classification.when({}, "pending"), RangeError, "Classification.when: pattern")
    assert.throws(() => Classification.when({ status: [] }, "pending"), RangeError, 'got {"status":[]}')
    assert.throws(() => Classification.when({ text: "" }, "pending"), RangeError, "got {")
  })
})
