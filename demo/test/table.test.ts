import { stripVTControlCharacters } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import * as Table from "../table.ts"
import * as Tally from "../tally.ts"

const tally = () => {
  const tally = Tally.make()
  Object.assign(tally.EventPlatform, { jobs: 1000 })
  Object.assign(tally.EventPlatform.requests, { sent: 123_456, open: 3 })
  Object.assign(tally.EventPlatform.ended, { succeeded: 400, failed: 50, notFound: 50 })
  return tally
}

const time = { speed: 30, seconds: 12.34 }

describe("table", () => {
  for (const columns of [20, 40, 72, 80, 100, 200]) {
    it(`render - fits ${columns} columns`, () => {
      for (const colors of [true, false]) {
        for (const line of Table.render(tally(), time, { columns, colors })) {
          assert.isAtMost(stripVTControlCharacters(line).length, columns)
        }
      }
    })
  }

  it("render - has a row per provider and one for all", () => {
    const lines = Table.render(tally(), time, { columns: 80, colors: false })
    assert.strictEqual(lines.length, 8)
    assert.strictEqual(lines[0], "effect-poll, 12.3 s at speed 30")
    assert.strictEqual(lines[3], "EventPlatform   497    3  500  400   50    0    0   50   123456  ███████░░░░░░░░")
    assert.match(lines[7]!, /^all +497 +3 +500/)
  })

  it("render - uses colors only when enabled", () => {
    const painted = (colors: boolean) => Table.render(tally(), time, { columns: 80, colors }).join("")
    assert.include(painted(true), "\u001b[")
    assert.notInclude(painted(false), "\u001b[")
  })

  it("summary - is one line", () => {
    assert.strictEqual(Table.summary(tally(), 12.34), "12 s: 500 of 1000 jobs have ended, 123456 requests sent")
  })
})
