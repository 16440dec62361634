import { assert, describe, it } from "@effect/vitest"
import type { Observation } from "effect-poll/Observation"
import type * as theStrategyPlan from "../../src/internal/strategyPlan.ts"

// No package exports it, and the compiler does not follow a path that it cannot read.
const path: string = "../../src/internal/strategyPlan.ts"
const plans = (await import(path)) as typeof theStrategyPlan
type Plan = Parameters<typeof plans.next>[0]

const seen = { attempt: 1, elapsedMillis: 1_000, remainingMillis: 60_000, key: "job-1" } as Observation

const plan = (changes: Partial<Plan>): Plan => ({
  firstWait: 0,
  maxAttempts: Number.POSITIVE_INFINITY,
  maxDuration: Number.POSITIVE_INFINITY,
  decide: () => 10_000,
  ...changes
})

const next = (changes: Partial<Plan>, observation: Partial<Observation> = {}, random = 0) =>
  plans.next(plan(changes), 1, 0, { ...seen, ...observation }, () => random)

describe("strategyPlan", () => {
  it("next - ends at the bounds of attempts and time", () => {
    assert.strictEqual(next({ maxAttempts: 2 }), 10_000)
    assert.strictEqual(next({ maxAttempts: 1 }), "end")
    assert.strictEqual(next({ maxDuration: 1_001 }), 1)
    assert.strictEqual(next({ maxDuration: 1_000 }), "end")
    assert.strictEqual(next({ decide: () => "end" }), "end")
  })

  it("nextInRow - counts its bounds from the first check of the row", () => {
    const inRow = (changes: Partial<Plan>) =>
      plans.nextInRow(plan(changes), 2, 500, { ...seen, attempt: 40, elapsedMillis: 900_000 }, () => 0)
    assert.strictEqual(inRow({ maxAttempts: 3, maxDuration: 501 }), 1)
    assert.strictEqual(inRow({ maxAttempts: 2 }), "end")
    assert.strictEqual(inRow({ maxDuration: 500 }), "end")
  })

  it("next - yields no negative delay and no NaN", () => {
    assert.strictEqual(next({ decide: () => -1 }), 0)
    assert.strictEqual(next({ decide: () => Number.NaN }), 0)
  })

  it("next - waits for the deadline where the check would come too close to it", () => {
    assert.strictEqual(next({ clearance: 5_000 }, { remainingMillis: 15_001 }), 10_000)
    assert.strictEqual(next({ clearance: 5_000 }, { remainingMillis: 15_000 }), 15_000)
    assert.strictEqual(next({ clearance: 5_000 }, { remainingMillis: -1 }), 0)
  })

  it("next - draws between the least delay and the planned one", () => {
    const jitter = { share: 0.5, atLeast: 0, seed: undefined }
    assert.strictEqual(next({ jitter }, {}, 0), 5_000)
    assert.strictEqual(next({ jitter }, {}, 0.5), 7_500)
    assert.strictEqual(next({ jitter: { ...jitter, atLeast: 8_000 } }, {}, 0), 8_000)
    assert.strictEqual(next({ jitter: { ...jitter, atLeast: 20_000 } }, {}, 0), 10_000)
  })

  it("next - draws the same with the same seed, key and step, in every release", () => {
    const jitter = { share: 0, atLeast: 0, seed: "fleet" }
    const draw = (key: string, step: number) =>
      plans.next(plan({ jitter, decide: () => 1 }), step, 0, { ...seen, key }, () => 0)
    assert.deepStrictEqual(
      [draw("job-1", 1), draw("job-1", 2), draw("job-2", 1)],
      [0.9996352256275713, 0.545266027096659, 0.11839651060290635]
    )
  })
})
