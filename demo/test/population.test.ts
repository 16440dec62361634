import { assert, describe, it } from "@effect/vitest"
import { laneOf, lanes } from "../plan.ts"
import * as Population from "../population.ts"

describe("population", () => {
  it("make - is deterministic, and includes all providers even for a few jobs", () => {
    assert.deepStrictEqual(Population.make(120), Population.make(120))
    assert.strictEqual(new Set(Population.make(5).map(({ provider }) => provider)).size, 5)
  })

  it("make - has reviews in every lane, and loses messages only in the lane with checks behind", () => {
    const reviews = Population.make(120).flatMap((plan) => (plan.work.type === "signal" ? [plan] : []))
    assert.includeMembers(reviews.map(laneOf), [...lanes])
    const lost = reviews.filter(({ work }) => work.type === "signal" && work.signal?.lost === true)
    assert.isNotEmpty(lost)
    assert.isTrue(lost.every((plan) => laneOf(plan) === "both"))
  })

  it("make - has the same kinds of jobs in another batch, with other names", () => {
    const [first, second] = [Population.make(70), Population.make(70, 1)]
    const kinds = (plans: typeof first) => plans.map(({ provider, work }) => [provider, work.type])
    assert.deepStrictEqual(kinds(second), kinds(first))
    const names = new Set(first.map(({ name }) => name))
    assert.isFalse(second.some(({ name }) => names.has(name)))
  })

  it("make - gives every plan a unique name", () => {
    const plans = Population.make(1000)
    assert.strictEqual(new Set(plans.map(({ name }) => name)).size, 1000)
  })
})
