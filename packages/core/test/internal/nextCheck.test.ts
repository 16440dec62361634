import { assert, describe, it } from "@effect/vitest"
import type * as theNextCheck from "../../src/internal/nextCheck.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/nextCheck.ts"
const { placeNextCheck } = (await import(path)) as typeof theNextCheck

const bounds = {
  now: 1_000,
  at: 2_000,
  floorAt: 0,
  gatedUntil: 0,
  spacedUntil: 0,
  deadlineAt: Number.POSITIVE_INFINITY,
  estimate: 0
}

const place = (changes: Partial<typeof bounds>) => placeNextCheck({ ...bounds, ...changes }, "strategy")

describe("placeNextCheck", () => {
  it("time - is that of the schedule, in whole milliseconds", () => {
    assert.deepStrictEqual(place({}), { dueAt: 2_000, reason: "strategy", last: false })
    assert.deepStrictEqual(place({ at: 2_000.2 }), { dueAt: 2_001, reason: "strategy", last: false })
  })

  it("last check - is placed so that it fits before the deadline", () => {
    assert.deepStrictEqual(place({ deadlineAt: 2_100, estimate: 99 }), {
      dueAt: 2_000,
      reason: "strategy",
      last: false
    })
    assert.deepStrictEqual(place({ deadlineAt: 2_100, estimate: 100 }), {
      dueAt: 2_000,
      reason: "strategy",
      last: true
    })
    assert.deepStrictEqual(place({ deadlineAt: 2_100, estimate: 101 }), {
      dueAt: 1_999,
      reason: "lastCheck",
      last: true
    })
  })

  it("last check - is not placed in the past", () => {
    assert.deepStrictEqual(place({ at: 500, deadlineAt: 1_200, estimate: 700 }), {
      dueAt: 1_000,
      reason: "strategy",
      last: true
    })
    assert.deepStrictEqual(place({ deadlineAt: 1_200, estimate: 700 }), {
      dueAt: 1_000,
      reason: "lastCheck",
      last: true
    })
  })

  it("server and gate - delay the check, and the later one is the reason", () => {
    assert.deepStrictEqual(place({ floorAt: 2_000, gatedUntil: 2_000 }).reason, "strategy")
    assert.deepStrictEqual(place({ floorAt: 2_002, gatedUntil: 2_001 }), {
      dueAt: 2_002,
      reason: "serverHint",
      last: false
    })
    assert.deepStrictEqual(place({ floorAt: 2_001, gatedUntil: 2_002 }), { dueAt: 2_002, reason: "gate", last: false })
  })

  it("server and gate - are equal: the server is the reason", () => {
    assert.strictEqual(place({ floorAt: 2_001, gatedUntil: 2_001 }).reason, "serverHint")
  })

  it("minInterval - delays the check, and is the reason if nothing else delays it as long", () => {
    assert.deepStrictEqual(place({ spacedUntil: 2_001 }), { dueAt: 2_001, reason: "minInterval", last: false })
    assert.strictEqual(place({ spacedUntil: 2_000 }).reason, "strategy")
    assert.strictEqual(place({ spacedUntil: 2_002, floorAt: 2_001 }).reason, "minInterval")
    assert.strictEqual(place({ spacedUntil: 2_001, floorAt: 2_001 }).reason, "serverHint")
    assert.strictEqual(place({ spacedUntil: 2_001, gatedUntil: 2_001 }).reason, "gate")
    assert.strictEqual(place({ spacedUntil: 2_001, deadlineAt: 2_000 }).reason, "deadline")
  })

  it("deadline - comes before a check that the server delays past it", () => {
    assert.deepStrictEqual(place({ floorAt: 5_000, deadlineAt: 4_999 }), {
      dueAt: 4_999,
      reason: "deadline",
      last: true
    })
    assert.deepStrictEqual(place({ floorAt: 5_000, deadlineAt: 5_000 }), {
      dueAt: 5_000,
      reason: "serverHint",
      last: true
    })
  })
})
