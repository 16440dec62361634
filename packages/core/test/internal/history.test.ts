import { assert, describe, it } from "@effect/vitest"
import * as Status from "effect-poll/Status"
import type * as theHistory from "../../src/internal/machine/history.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/machine/history.ts"
const history = (await import(path)) as typeof theHistory

describe("history", () => {
  it("entries - are none before the first check", () => {
    assert.deepStrictEqual(history.entries(history.make()), [])
  })

  it("add - counts up the newest entry, and begins another for another result", () => {
    const self = history.make()
    history.add(self, "a", 10)
    history.add(self, "a", 20)
    history.add(self, "b", 30)
    history.add(self, "a", 40)
    assert.deepStrictEqual(history.entries(self), [
      { result: "a", checks: 2, firstMillis: 10, lastMillis: 20 },
      { result: "b", checks: 1, firstMillis: 30, lastMillis: 30 },
      { result: "a", checks: 1, firstMillis: 40, lastMillis: 40 }
    ])
  })

  it("add - drops the oldest entries beyond 32", () => {
    const self = history.make()
    for (let n = 0; n < 40; n++) history.add(self, `result ${n}`, n)
    const entries = history.entries(self)
    assert.strictEqual(entries.length, 32)
    assert.deepStrictEqual(entries[0], { result: "result 8", checks: 1, firstMillis: 8, lastMillis: 8 })
    assert.strictEqual(entries.at(-1)?.result, "result 39")
  })

  it("entries - are a copy that later checks do not change", () => {
    const self = history.make()
    history.add(self, "a", 10)
    history.add(self, "b", 20)
    const before = history.entries(self)
    history.add(self, "c", 30)
    assert.deepStrictEqual(
      before.map(({ result }) => result),
      ["a", "b"]
    )
  })

  it("addStatus - describes a status once for all checks that find it", () => {
    const self = history.make()
    let read = 0
    const counted = Object.defineProperty({ ...Status.pending() }, "state", {
      get: () => {
        read++
        return "RENDERING"
      }
    })
    history.addStatus(self, counted, 10)
    const once = read
    history.addStatus(self, counted, 20)
    assert.isAbove(once, 0)
    assert.strictEqual(read, once)
    history.addStatus(self, Status.pending({ state: "DONE SOON" }), 30)
    assert.deepStrictEqual(
      history.entries(self).map(({ checks }) => checks),
      [2, 1]
    )
  })
})
