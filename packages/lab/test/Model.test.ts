import * as Grid from "@effect-poll/lab/Grid"
import * as Model from "@effect-poll/lab/Model"
import { assert, describe, it, vi } from "@effect/vitest"

// Computing takes a while where other tests run beside.
vi.setConfig({ testTimeout: 60_000 })

const near = (actual: number, expected: number, tolerance: number, what = "") =>
  assert.isTrue(Math.abs(actual - expected) <= tolerance, `${what}: ${actual} is not ${expected} +- ${tolerance}`)

/** The integral of t dF(t) up to `to`, by the middle of cells of equal shares. */
const integral = (model: Model.Model, to: number): number => {
  const n = 5_000
  const share = model.cdf(to)
  let sum = 0
  for (let i = 0; i < n; i++) sum += (model.quantile((share * (i + 0.5)) / n) * share) / n
  return sum
}

describe("Model", () => {
  for (const { median, model } of Grid.cells({ medians: [45], weights: [2] })) {
    it(`${model.name} - cdf, survival, quantile, mean and partial mean agree`, () => {
      const raw = Grid.models[model.name]!(median)
      near(raw.cdf(median), 0.5, model.name === "bimodal" ? 0.11 : 1e-12, "median")
      for (const p of [0.001, 0.1, 0.37, 0.59, 0.9, 0.999]) {
        const t = model.quantile(p)
        near(model.cdf(t), p, 1e-9, `cdf of the quantile ${p}`)
        near(model.survival(t), 1 - p, 1e-9, `survival of the quantile ${p}`)
        near(model.partialMean(t), integral(model, t), 1e-3 * model.mean, `partial mean to ${p}`)
      }
      assert.strictEqual(model.cdf(0), 0)
      assert.strictEqual(model.survival(0), 1)
      assert.strictEqual(model.cdf(model.quantile(1)), 1)
      assert.strictEqual(model.survival(model.quantile(1)), 0)
      near(model.quantile(1), raw.quantile(0.9995), 1e-9 * model.quantile(1), "longest")
      near(model.partialMean(model.quantile(1)), model.mean, 1e-12 * model.mean, "mean")
      near(model.mean, integral(model, model.quantile(1)), 5e-3 * model.mean, "mean by integration")
    })
  }

  it("empirical - counts a duration at its value", () => {
    const model = Model.empirical([4, 1, 2, 2])
    assert.deepStrictEqual([0.9, 1, 2, 3, 4].map(model.cdf), [0, 0.25, 0.75, 0.75, 1])
    assert.deepStrictEqual([0, 0.25, 0.26, 0.75, 1].map(model.quantile), [1, 1, 2, 2, 4])
    assert.deepStrictEqual([1, 2, 4].map(model.partialMean), [0.25, 1.25, 2.25])
    assert.deepStrictEqual(model.atoms, [1, 2, 4])
    assert.strictEqual(model.mean, 2.25)
  })

  it("deterministic - has one duration", () => {
    const model = Model.deterministic(45)
    assert.deepStrictEqual([44.9, 45].map(model.cdf), [0, 1])
    assert.strictEqual(model.quantile(0.3), 45)
    assert.strictEqual(Model.truncated(model).quantile(1), 45)
  })

  it("fromCsv - reads a column by its header, and the first with numbers without one", () => {
    const text = 'name,"run, seconds"\n"a ""b""",12\nc,18\nd,\n'
    assert.strictEqual(Model.fromCsv(text, { column: "run, seconds" }).mean, 15)
    assert.strictEqual(Model.fromCsv(text).mean, 15)
    assert.strictEqual(Model.fromCsv("12\n18\n").mean, 15)
    assert.throws(() => Model.fromCsv(text, { column: "x" }), /there is no column "x"/)
    assert.throws(() => Model.fromCsv("s\n1\nx"), /cells must be numbers, got "x"/)
  })

  it("combinators - shift, scale and mix", () => {
    const base = Model.empirical([1, 3])
    assert.deepStrictEqual(Model.shifted(base, 2).atoms, [3, 5])
    assert.strictEqual(Model.shifted(base, 2).partialMean(3), 1.5)
    assert.strictEqual(base.pipe(Model.scaled(3)).quantile(1), 9)
    const mixed = Model.mixture("both", [
      [1, base],
      [3, Model.deterministic(2)]
    ])
    assert.deepStrictEqual([mixed.mean, mixed.cdf(1), mixed.cdf(2), mixed.quantile(0.5)], [2, 0.125, 0.875, 2])
    assert.deepStrictEqual(mixed.atoms, [1, 2, 3])
  })

  it("invalid options - throw a RangeError that names them", () => {
    assert.throws(() => Model.exponential({ median: 0 }), RangeError, "Model.exponential: median must be")
    assert.throws(() => Model.lognormal({ median: 1, sigma: Number.NaN }), RangeError, "sigma")
    assert.throws(() => Model.empirical([]), RangeError, "at least one value")
    assert.throws(() => Model.empirical([-1]), RangeError, "non-negative")
    assert.throws(() => Model.truncated(Model.deterministic(1), 0), RangeError, "p must be > 0")
    assert.throws(() => Model.mixture("none", []), RangeError, "at least one part")
    assert.throws(
      () => Model.bimodal({ fast: Model.deterministic(1), slow: Model.deterministic(2), share: 1 }),
      RangeError
    )
  })
})
