import { assert, describe, it } from "@effect/vitest"
import * as Population from "../population.ts"

describe("population", () => {
  it("is the same in every run, and of all providers from a few jobs on", () => {
    assert.deepStrictEqual(Population.make(120), Population.make(120))
    assert.strictEqual(new Set(Population.make(5).map(({ provider }) => provider)).size, 5)
  })

  it("names each plan once", () => {
    const plans = Population.make(1000)
    assert.strictEqual(new Set(plans.map(({ name }) => name)).size, 1000)
  })
})
