import { assert, describe, it } from "@effect/vitest"
import { measure } from "../http/measure.ts"

describe("http", () => {
  it("measures each loop with each body, over connections that are used again", { timeout: 60_000 }, async () => {
    const rows = await measure({ rounds: 1, checks: 16, lanes: 2 })
    assert.strictEqual(Object.keys(rows).length, 27)
    for (const [name, row] of Object.entries(rows)) {
      assert.isAbove(row.cpuMicrosPerCheck, 0, name)
      assert.isAbove(row.requestsPerSecond, 0, name)
      assert.isAtMost(row.connections, 6, name)
    }
    assert.property(rows, "HttpCheck over node:http, 100KB")
  })
})
