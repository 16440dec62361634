import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import type * as Simulation from "@effect-poll/lab/Simulation"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Strategy from "effect-poll/Strategy"

// Computing takes a while where other tests run beside.
vi.setConfig({ testTimeout: 60_000 })

const near = (actual: number, expected: number, tolerance: number, what: string) =>
  assert.isTrue(
    Math.abs(actual - expected) <= tolerance * Math.abs(expected),
    `${what}: ${actual} is not ${expected} within ${tolerance}`
  )

const exponential = Model.truncated(Model.exponential({ median: 45 }))

/** Plays jobs one by one, with a loop of its own. */
const played = (times: ReadonlyArray<number>, model: Model.Model, draws: ReadonlyArray<number>) => {
  let requests = 0
  let lag = 0
  for (const p of draws) {
    const seconds = model.quantile(p)
    const found = times.findIndex((t) => t >= seconds)
    requests += found + 1
    lag += times[found]! - seconds
  }
  return { requests: requests / draws.length, lag: lag / draws.length }
}

describe("Lab", () => {
  describe("simulate", () => {
    it.effect("agrees with jobs that are played one by one", () =>
      Effect.gen(function* () {
        const strategy = Strategy.withFirstWait(Strategy.spaced("7 seconds"), "10 seconds")
        const simulation = yield* Lab.simulate(strategy, exponential, { w: 2 })
        const times = Array.from({ length: 100 }, (_, i) => 10 + 7 * i)
        const draws = Array.from({ length: 50_000 }, (_, i) => (i + 0.5) / 50_000)
        const { lag, requests } = played(times, exponential, draws)
        near(simulation.requests, requests, 1e-3, "requests")
        near(simulation.lag, lag, 1e-3, "lag")
        near(simulation.cost, requests + lag / 2, 1e-3, "cost")
        assert.strictEqual(simulation.missed, 0)
        assert.strictEqual(simulation.standardError, 0)
        assert.strictEqual(simulation.jobs.length, 1)
      })
    )

    it.effect("checks at once unless there is a first wait", () =>
      Effect.gen(function* () {
        const model = Model.deterministic(10)
        const atOnce = yield* Lab.simulate(Strategy.spaced("4 seconds"), model, { w: 1 })
        assert.deepStrictEqual([atOnce.requests, atOnce.lag], [4, 2])
        const later = yield* Lab.simulate(Strategy.withFirstWait(Strategy.spaced("4 seconds"), "9 seconds"), model, {
          w: 1
        })
        assert.deepStrictEqual([later.requests, later.lag], [2, 3])
      })
    )

    it.effect("a plain Schedule costs what the strategy with the same delays costs", () =>
      Effect.gen(function* () {
        const plain = yield* Lab.simulate(Schedule.spaced("7 seconds"), exponential, { w: 2 })
        const strategy = yield* Lab.simulate(Strategy.spaced("7 seconds"), exponential, { w: 2 })
        assert.deepStrictEqual(plain, strategy)
        const backoff = yield* Lab.simulate(Schedule.exponential("2 seconds", 1.5), exponential, { w: 2 })
        const same = Strategy.exponential({ initial: "2 seconds", factor: 1.5, cap: "1 hour" })
        assert.deepStrictEqual(backoff, yield* Lab.simulate(same, exponential, { w: 2 }))
      })
    )

    it.effect("counts jobs that a strategy misses because it ends", () =>
      Effect.gen(function* () {
        const model = Model.empirical([1, 3, 100])
        const strategy = Strategy.maxAttempts(Strategy.spaced("2 seconds"), 3)
        const { lag, missed, requests } = yield* Lab.simulate(strategy, model, { w: 1 })
        near(missed, 1 / 3, 1e-12, "missed")
        near(requests, (2 + 3 + 3) / 3, 1e-12, "requests")
        near(lag, 2 / 3, 1e-12, "lag")
        const plain = yield* Lab.simulate(Schedule.upTo(Schedule.spaced("2 seconds"), { times: 2 }), model, { w: 1 })
        assert.deepStrictEqual([plain.missed, plain.requests, plain.lag], [missed, requests, lag])
      })
    )

    it.effect("replaces a delay of 0, as a wait does", () =>
      Effect.gen(function* () {
        const { requests } = yield* Lab.simulate(Strategy.make({ decide: () => 0 }), Model.deterministic(1), { w: 1 })
        assert.strictEqual(requests, 101)
      })
    )

    it.effect("walks a strategy with jitter many times, with draws of its own", () =>
      Effect.gen(function* () {
        const strategy = Strategy.jittered(Strategy.spaced("7 seconds"), "equal")
        const first = yield* Lab.simulate(strategy, exponential, { w: 2, jobs: 400, seed: "a" })
        assert.strictEqual(first.jobs.length, 400)
        assert.isTrue(first.standardError > 0 && first.standardError < 0.02 * first.cost)
        assert.deepStrictEqual(yield* Lab.simulate(strategy, exponential, { w: 2, jobs: 400, seed: "a" }), first)
        // Delays of 3.5 to 7 seconds: a job that ends at random meets long delays more often.
        near(first.lag, (7 ** 3 - 3.5 ** 3) / 3 / (2 * ((7 ** 2 - 3.5 ** 2) / 2)), 0.02, "lag")
        const plain = yield* Lab.simulate(Schedule.jittered(Schedule.spaced("7 seconds")), exponential, {
          w: 2,
          jobs: 50,
          seed: 1
        })
        assert.isTrue(plain.standardError > 0 && plain.jobs.length === 50)
      })
    )

    it.effect("tells a learning strategy of each job, in order", () =>
      Effect.gen(function* () {
        let first = 0
        const learning = Strategy.make({ decide: (step) => (step === 1 ? first : 1_000) })
        const ended: Array<Simulation.Ended> = []
        const simulation = yield* Lab.simulate(learning, Model.deterministic(9.5), {
          w: 1,
          jobs: 3,
          onEnd: (job) =>
            Effect.sync(() => {
              ended.push(job)
              first = job.seconds * 1_000
            })
        })
        assert.deepStrictEqual(
          simulation.jobs.map((job) => job.requests),
          [12, 2, 2]
        )
        assert.deepStrictEqual(ended, [
          { index: 0, key: "job-1", seconds: 9.5, checks: 12, after: 9.01, foundAt: 10.01 },
          { index: 1, key: "job-2", seconds: 9.5, checks: 2, after: 0, foundAt: 9.5 },
          { index: 2, key: "job-3", seconds: 9.5, checks: 2, after: 0, foundAt: 9.5 }
        ])
      })
    )

    it.effect("shows progress to the strategy, and follows a model that changes", () =>
      Effect.gen(function* () {
        const strategy = Strategy.make({
          decide: (_, __, { status }) => ((status.progress ?? 0) >= 0.5 ? 1_000 : 5_000)
        })
        const simulation = yield* Lab.simulate(strategy, (index) => Model.deterministic(index === 0 ? 10 : 30), {
          w: 1,
          jobs: 2,
          progress: (elapsed, seconds) => elapsed / seconds
        })
        // 0, 5, 6, 7, 8, 9, 10 and 0, 5, 10, 15, 16, .. 30
        assert.deepStrictEqual(
          simulation.jobs.map((job) => job.requests),
          [7, 19]
        )
      })
    )

    it.effect("uses the Random of the context", () =>
      Effect.gen(function* () {
        const strategy = Strategy.jittered(Strategy.spaced("7 seconds"), "full")
        const run = Lab.simulate(strategy, exponential, { w: 2, jobs: 3 })
        assert.deepStrictEqual(yield* Random.withSeed(run, "x"), yield* Random.withSeed(run, "x"))
        assert.notDeepEqual(yield* Random.withSeed(run, "x"), yield* Random.withSeed(run, "y"))
      })
    )

    it("invalid options - throw a RangeError that names them", () => {
      const strategy = Strategy.spaced("1 second")
      assert.throws(() => Lab.simulate(strategy, exponential, { w: -1 }), RangeError, "Lab.simulate: w must be")
      assert.throws(() => Lab.simulate(strategy, exponential, { w: 1, jobs: 0 }), RangeError, "jobs must be")
      assert.throws(() => Lab.simulate(strategy, Model.pareto({ median: 1, alpha: 2 }), { w: 1 }), RangeError)
      assert.throws(() => Lab.costOf(exponential, [1], 0), RangeError, "Lab.costOf: w must be")
    })
  })

  describe("bound", () => {
    const kinds: ReadonlyArray<Lab.Kind> = [
      { rate: 1, model: exponential },
      { rate: 0.2, model: Model.truncated(Model.lognormal({ median: 300, sigma: 0.5 })) }
    ]

    it("one kind - is the lag of the optimum that takes as many requests", () => {
      const model = Model.truncated(Model.lognormal({ median: 45, sigma: 1 }))
      for (const w of [0.5, 2, 10]) {
        const { lag, requests } = Lab.optimum(model, w)
        const bound = Lab.bound([{ rate: 3, model }], 3 * requests)
        near(bound.lag, lag, 5e-3, `lag at ${w}`)
        near(bound.w, w, 0.15, `price at ${w}`)
      }
    })

    it("two kinds - no mix of schedules is below it", () => {
      const optima = (kind: Lab.Kind) => [0.5, 2, 8, 32].map((w) => Lab.optimum(kind.model, w))
      const first = optima(kinds[0]!)
      const second = optima(kinds[1]!)
      for (const budget of [4, 10, 30]) {
        const { lag } = Lab.bound(kinds, budget)
        for (const a of first) {
          for (const b of second) {
            if (a.requests + 0.2 * b.requests <= budget) {
              assert.isTrue(lag <= ((a.lag + 0.2 * b.lag) / 1.2) * 1.001, `${lag} at ${budget}, ${a.cost}, ${b.cost}`)
            }
          }
        }
      }
    })

    it("has the fluid formula as its limit", () => {
      const ratios = [5, 20, 80].map((budget) => Lab.bound(kinds, budget).lag / Lab.fluidBound(kinds, budget).lag)
      assert.isTrue(
        ratios.every((ratio, i) => i === 0 || Math.abs(ratio - 1) < Math.abs(ratios[i - 1]! - 1)),
        String(ratios)
      )
      near(ratios.at(-1)!, 1, 0.03, "ratio")
      // For the exponential, the integral is the root of the mean.
      const long = Model.truncated(Model.exponential({ median: 45 }), 1 - 1e-9)
      near(Lab.fluidBound([{ rate: 1, model: long }], 10).lag, 45 / Math.LN2 / 20, 2e-3, "closed form")
    })

    it("less than a request for each job - no lag is short enough", () => {
      assert.strictEqual(Lab.bound(kinds, 1).lag, Number.POSITIVE_INFINITY)
    })

    it("invalid options - throw a RangeError that names them", () => {
      assert.throws(() => Lab.bound([], 1), RangeError, "Lab.bound: kinds")
      assert.throws(() => Lab.bound(kinds, 0), RangeError, "requestsPerSecond")
      assert.throws(() => Lab.fluidBound([{ rate: 0, model: exponential }], 1), RangeError, "rate")
    })
  })
})
