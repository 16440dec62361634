import { assert, describe, it } from "@effect/vitest"
import { fromBody } from "@effect-poll/http/LongRunningFailure"

describe("LongRunningFailure", () => {
  it("fromBody - reads what there is, and leaves out the rest", () => {
    const cases: ReadonlyArray<readonly [unknown, object, string]> = [
      [{ error: { code: "C", message: "m" } }, { code: "C", message: "m" }, "[C] m"],
      [{ error: { code: 500, message: "m" } }, { code: 500, message: "m" }, "[500] m"],
      [{ error: { message: "m", target: "t", details: [1] } }, { message: "m", target: "t", details: [1] }, "m"],
      [
        { error: { code: "C", innererror: { code: "D" } } },
        { code: "C", innererror: { code: "D" } },
        "[C] no reason given"
      ],
      [{ properties: { error: { code: "C" } } }, { code: "C" }, "[C] no reason given"],
      [{ code: "C", message: "m", status: "Failed" }, { code: "C", message: "m" }, "[C] m"],
      [{ error: "broken", message: "m" }, { message: "m" }, "m"],
      [{ error: { code: true, message: 1, target: null, details: {}, innererror: null } }, {}, "no reason given"],
      [{ error: { code: Number.NaN } }, {}, "no reason given"],
      [undefined, {}, "no reason given"],
      [null, {}, "no reason given"],
      ["text", {}, "no reason given"]
    ]
    for (const [body, fields, said] of cases) {
      assert.deepStrictEqual({ ...fromBody(body) }, fields)
      assert.strictEqual(String(fromBody(body)), said)
    }
  })
})
