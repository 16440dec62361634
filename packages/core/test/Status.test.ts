import { assert, describe, it } from "@effect/vitest"
import * as Status from "effect-poll/Status"

describe("Status", () => {
  it("pending - clamps progress to 0..1 and drops NaN", () => {
    const progress = (value: number) => Status.pending({ progress: value }).progress
    assert.deepStrictEqual([-1, 0.5, 1.2, Number.NaN].map(progress), [0, 0.5, 1, undefined])
  })

  it("pending - takes what callers without types read from a payload", () => {
    const given: ReadonlyArray<readonly [object, number | undefined]> = [
      [{ percent: null }, undefined],
      [{ progress: null, percent: 40 }, 0.4],
      [{ percent: "40" }, 0.4],
      [{ percent: "40%" }, undefined],
      [{ progress: "0.5" }, 0.5],
      [{ progress: "half" }, undefined],
      [{ progress: {} }, undefined],
      [{ progress: "2" }, 1]
    ]
    assert.deepStrictEqual(
      given.map(([options]) => Status.pending(options).progress),
      given.map(([, progress]) => progress)
    )
  })

  it("pending - takes percent, unless progress is given", () => {
    const percent = (value: number) => Status.pending({ percent: value }).progress
    assert.deepStrictEqual([0, 40, 100, 101, -1, Number.NaN].map(percent), [0, 0.4, 1, 1, 0, undefined])
    assert.strictEqual(Status.pending({ progress: 0.2, percent: 40 }).progress, 0.2)
    assert.strictEqual(Status.pending({ progress: undefined, percent: 40 }).progress, 0.4)
    assert.deepStrictEqual(Status.pending({ percent: 40 }), Status.pending({ progress: 0.4 }))
  })

  it("pending - takes an action as a server may send it: an id that is a number, none, no action", () => {
    const idOf = (action: unknown) => Status.pending({ action: action as Status.Action }).action?.id
    assert.deepStrictEqual(
      ["a", 7, 7n].map((id) => idOf({ id })),
      ["a", "7", "7"]
    )
    const none = [undefined, null, "pay", 7, [], {}, { id: null }, { id: {} }]
    assert.deepStrictEqual(
      none.map(idOf),
      Array.from(none, () => undefined)
    )
    const action = { id: "a", kind: "pay" }
    assert.strictEqual(Status.pending({ action }).action, action)
  })

  it("isTerminal - is true for every status but Pending", () => {
    const ends = [Status.succeeded(1), Status.failed("f"), Status.canceled(), Status.expired()]
    assert.deepStrictEqual([...ends, Status.pending()].map(Status.isTerminal), [true, true, true, true, false])
  })

  it("withState - keeps a state that is set", () => {
    assert.strictEqual(Status.withState(Status.pending({ state: "A" }), "B").state, "A")
    assert.strictEqual(Status.withState(Status.canceled(), "B").state, "B")
  })

  it("describe - prints tag, state and progress, never the result", () => {
    assert.strictEqual(Status.describe(Status.pending({ state: "RUN", progress: 0.456 })), "Pending RUN 46%")
    assert.strictEqual(Status.describe(Status.succeeded({ secret: 1 })), "Succeeded")
  })

  it("isStatus - is true for a Status only", () => {
    assert.deepStrictEqual([Status.pending(), { _tag: "Pending" }, null].map(Status.isStatus), [true, false, false])
  })
})
