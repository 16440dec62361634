import * as Grid from "@effect-poll/lab/Grid"
import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import { assert, describe, it, vi } from "@effect/vitest"

// Computing takes a while where other tests run beside.
vi.setConfig({ testTimeout: 60_000 })

const near = (actual: number, expected: number, tolerance: number, what: string) =>
  assert.isTrue(
    Math.abs(actual - expected) <= tolerance * Math.abs(expected),
    `${what}: ${actual} is not ${expected} within ${tolerance}`
  )

/** What checks at these times cost, from the definition. */
const costOf = (model: Model.Model, w: number, checks: ReadonlyArray<number>): number => {
  let cost = -model.mean / w
  let before = 0
  let pending = 1
  for (const check of checks) {
    cost += pending + (check * (model.cdf(check) - before)) / w
    before = model.cdf(check)
    pending = model.survival(check)
  }
  return cost
}

describe("Lab", () => {
  describe("optimum", () => {
    it("deterministic - checks once, when the jobs end", () => {
      assert.deepStrictEqual(Lab.optimum(Model.deterministic(45), 2), { cost: 1, requests: 1, lag: 0, checks: [45] })
    })

    it("exponential - checks at even intervals", () => {
      const w = 2
      const model = Model.truncated(Model.exponential({ median: 45 }), 1 - 1e-9)
      const rate = Math.LN2 / 45
      let best = Number.POSITIVE_INFINITY
      let spacing = 0
      for (let d = 5; d < 40; d += 0.01) {
        const cost = (1 + d / w) / -Math.expm1(-rate * d) - 1 / (rate * w)
        if (cost < best) [best, spacing] = [cost, d]
      }
      const optimum = Lab.optimum(model, w)
      near(optimum.cost, best, 1e-3, "cost")
      // Until few jobs are left.
      for (let k = 1; k <= 15; k++) {
        near(optimum.checks[k]! - optimum.checks[k - 1]!, spacing, 0.05, `spacing ${k}`)
      }
    })

    it("uniform - checks as the closed form says", () => {
      // The delays shrink by w each time.
      const b = 100
      const uniform = Model.make("uniform", {
        mean: b / 2,
        cdf: (t) => Math.min(1, Math.max(0, t / b)),
        quantile: (p) => p * b,
        partialMean: (t) => Math.min(b, Math.max(0, t)) ** 2 / (2 * b)
      })
      const w = 2
      // The largest n for which n (n - 1) w / 2 < b
      const n = Math.floor((1 + Math.sqrt(1 + (8 * b) / w)) / 2)
      const checks = Array.from({ length: n }, (_, index) => {
        const i = index + 1
        return (i * b) / n + (i * (n - i) * w) / 2
      })
      near(Lab.optimum(uniform, w).cost, costOf(uniform, w, checks), 1e-3, "cost")
    })

    it("grid - agrees with a search that moves each check", () => {
      for (const { model, w } of Grid.cells({ medians: [45], weights: [2] })) {
        const optimum = Lab.optimum(model, w)
        near(costOf(model, w, optimum.checks), optimum.cost, 1e-9, `${model.name}: cost of its checks`)
        near(optimum.requests + optimum.lag / w, optimum.cost, 1e-12, `${model.name}: sum`)
        const checks = [...optimum.checks]
        for (let round = 0; round < 3; round++) {
          for (let i = 0; i < checks.length - 1; i++) {
            const low = checks[i - 1] ?? 0
            for (let step = 1; step < 16; step++) {
              const moved = checks.with(i, low + ((checks[i + 1]! - low) * step) / 16)
              if (costOf(model, w, moved) < costOf(model, w, checks)) checks[i] = moved[i]!
            }
          }
        }
        near(costOf(model, w, checks), optimum.cost, 1e-3, `${model.name}: cost after the search`)
      }
    })

    it("empirical - checks only at durations that occur", () => {
      const { checks, cost } = Lab.optimum(Model.empirical([10, 10, 10, 30]), 5)
      assert.deepStrictEqual(checks, [10, 30])
      assert.strictEqual(cost, 1.25)
    })

    it("invalid options - throw a RangeError that names them", () => {
      assert.throws(() => Lab.optimum(Model.deterministic(1), 0), RangeError, "Lab.optimum: w must be")
      assert.throws(() => Lab.optimum(Model.exponential({ median: 1 }), 1), RangeError, "longest duration")
    })
  })
})
