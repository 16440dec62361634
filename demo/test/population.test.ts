import { assert, describe, it } from "@effect/vitest"
import * as Population from "../population.ts"

describe("population", () => {
  it("make - is deterministic, and includes all providers even for a few jobs", () => {
    assert.deepStrictEqual(Population.make(120), Population.make(120))
    assert.strictEqual(new Set(Population.make(5).map(({ provider }) => provider)).size, 5)
  })

  it("make - gives every plan a unique name", () => {
    const plans = Population.make(1000)
    assert.strictEqual(new Set(plans.map(({ name }) => name)).size, 1000)
  })
})
