import { assert, describe, it } from "@effect/vitest"
import type * as theNextCheck from "../../src/internal/nextCheck.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/nextCheck.ts"
const { leadOf, placeNextCheck } = (await import(path)) as typeof theNextCheck

const bounds = {
  now: 1_000,
  at: 2_000,
  floorAt: 0,
  gatedUntil: 0,
  spacedUntil: 0,
  deadlineAt: Number.POSITIVE_INFINITY,
  lead: 0
}

const place = (changes: Partial<typeof bounds & { readonly lastAt: number }>) => {
  const all = { ...bounds, ...changes }
  return placeNextCheck({ lastAt: all.deadlineAt - all.lead, ...all }, "strategy")
}

describe("placeNextCheck", () => {
  it("time - is that of the schedule, in whole milliseconds", () => {
    assert.deepStrictEqual(place({}), { dueAt: 2_000, reason: "strategy", last: false })
    assert.deepStrictEqual(place({ at: 2_000.2 }), { dueAt: 2_001, reason: "strategy", last: false })
  })

  it("last check - is placed so that it fits before the deadline", () => {
    assert.deepStrictEqual(place({ deadlineAt: 2_100, lead: 99 }), {
      dueAt: 2_000,
      reason: "strategy",
      last: false
    })
    assert.deepStrictEqual(place({ deadlineAt: 2_100, lead: 100 }), {
      dueAt: 2_000,
      reason: "strategy",
      last: true
    })
    assert.deepStrictEqual(place({ deadlineAt: 2_100, lead: 101 }), {
      dueAt: 1_999,
      reason: "lastCheck",
      last: true
    })
  })

  it("last check - is not placed in the past", () => {
    assert.deepStrictEqual(place({ at: 500, deadlineAt: 1_200, lead: 700 }), {
      dueAt: 1_000,
      reason: "strategy",
      last: true
    })
    assert.deepStrictEqual(place({ deadlineAt: 1_200, lead: 700 }), {
      dueAt: 1_000,
      reason: "lastCheck",
      last: true
    })
  })

  it("check that the server delays - is the last one if no other fits after it", () => {
    const floored = (lead: number) => place({ floorAt: 2_050, deadlineAt: 2_150, lead })
    assert.deepStrictEqual(floored(100), { dueAt: 2_050, reason: "serverHint", last: true })
    assert.deepStrictEqual(floored(99), { dueAt: 2_050, reason: "serverHint", last: false })
  })

  it("last check - begins sooner if the host says so, but not in the past", () => {
    const at = (lastAt: number) => place({ deadlineAt: 2_100, lead: 100, lastAt })
    assert.deepStrictEqual(at(1_500), { dueAt: 1_500, reason: "lastCheck", last: true })
    assert.deepStrictEqual(at(900), { dueAt: 1_000, reason: "lastCheck", last: true })
  })

  it("lead - is the length of a check and a margin, of twice the length or 50 ms [R40]", () => {
    assert.deepStrictEqual(
      [0, 1, 20, 25, 26, 1_000].map((estimate) => leadOf(estimate, Number.POSITIVE_INFINITY)),
      [0, 51, 70, 75, 78, 3_000]
    )
  })

  it("lead - has a margin of at most a quarter of the time that the check leaves [R40]", () => {
    assert.deepStrictEqual(
      [80, 220, 219, 20, 10, -5].map((left) => leadOf(20, left)),
      [35, 70, 69, 20, 20, 20]
    )
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
