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
        "[C] no reason given ([D])"
      ],
      [
        {
          error: {
            code: "C",
            message: "m",
            details: [
              { code: "A", message: "a" },
              { message: "b", details: [{ code: 3 }] }
            ]
          }
        },
        {
          code: "C",
          message: "m",
          details: [
            { code: "A", message: "a" },
            { message: "b", details: [{ code: 3 }] }
          ]
        },
        "[C] m ([A] a; b; [3])"
      ],
      [
        { error: { errors: [{ code: "QUOTA", message: "no quota" }, { reason: "late" }] }, httpErrorStatusCode: 403 },
        { code: "QUOTA", message: "no quota", details: [{ code: "QUOTA", message: "no quota" }, { reason: "late" }] },
        "[QUOTA] no quota ([late])"
      ],
      [
        { httpErrorStatusCode: 403, httpErrorMessage: "FORBIDDEN" },
        { code: 403, message: "FORBIDDEN" },
        "[403] FORBIDDEN"
      ],
      [{ title: "Gone wrong", detail: "at 7" }, { message: "at 7" }, "at 7"],
      [{ error: "only a text" }, { message: "only a text" }, "only a text"],
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

  it("toString - is at most 1,000 characters, however much the server says", () => {
    const deep = (depth: number): object => (depth === 0 ? {} : { code: `c${depth}`, innererror: deep(depth - 1) })
    const bodies = [
      { error: { code: "C", message: "m".repeat(5_000_000) } },
      { error: { code: "C".repeat(100_000), message: "m" } },
      { error: { code: "C", details: Array.from({ length: 100_000 }, (_, i) => ({ code: `c${i}`, message: "m" })) } },
      { error: deep(500) }
    ]
    for (const body of bodies) assert.isAtMost(String(fromBody(body)).length, 1000)
    assert.match(String(fromBody(bodies[2])), /^\[C\] no reason given \(\[c0\] m; /)
  })
})
