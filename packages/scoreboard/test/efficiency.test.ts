import * as Grid from "@effect-poll/lab/Grid"
import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Strategy from "effect-poll/Strategy"
import * as board from "../efficiency/board.ts"
import { ci, parse, read } from "../efficiency/ci.ts"
import { aims } from "../efficiency/figures.ts"
import { mostInASecond, play } from "../efficiency/fleet.ts"
import { rateEach, rateOne, withOptimum } from "../efficiency/grid.ts"
import { learning, shift } from "../efficiency/learning.ts"
import { micros } from "../efficiency/micros.ts"
import { progress } from "../efficiency/progress.ts"
import { type Subject, unlearned } from "../efficiency/subject.ts"
import * as tuned from "../efficiency/tuned.ts"

const near = (actual: number, expected: number, tolerance: number, what: string) =>
  assert.isTrue(Math.abs(actual / expected - 1) <= tolerance, `${what}: ${actual} is not ${expected} +- ${tolerance}`)

const few = withOptimum(Grid.cells({ medians: [45], weights: [2] }))

const cold = unlearned(board.coldLinear)

/** The best schedule for the durations that were seen: after many jobs as good as any. */
const seenDurations: Subject = {
  make: (w) =>
    Effect.sync(() => {
      const seen: Array<number> = []
      return {
        observe: ({ after, until }) => Effect.sync(() => void seen.push((after + until) / 2)),
        strategy: Effect.sync(() => {
          if (seen.length < 3) return board.coldLinear(w)
          const model = Model.empirical(seen)
          const mean = Math.max(1, model.mean - model.quantile(0))
          return Strategy.spaced(1_000 * Math.sqrt(2 * w * mean)).pipe(
            Strategy.withFirstWait(1_000 * model.quantile(0.1))
          )
        })
      }
    })
}

// Computing takes a while where other tests run beside.
vi.setConfig({ testTimeout: 60_000 })

describe("efficiency", () => {
  describe("grid", () => {
    it.effect("rates as was found with another program", () =>
      Effect.gen(function* () {
        const cells = withOptimum(Grid.cells())
        const backoff = Strategy.exponential({ initial: "2 seconds", factor: 1.5, cap: "30 seconds" })
        const rated = yield* rateOne(backoff, cells)
        near(rated.gmean, 2.11, 0.01, "exponential")
        near(rated.worst, 7.6, 0.03, "exponential at worst")
        const linear = yield* rateEach(({ w }) => board.coldLinear(w), cells)
        near(linear.gmean, 1.54, 0.01, "cold linear")
        near(linear.worst, 2.3, 0.02, "cold linear at worst")
      })
    )

    it.effect("the best schedule itself is rated 1", () =>
      Effect.gen(function* () {
        const rated = yield* rateEach(({ model, w }) => {
          const { checks } = Lab.optimum(model, w)
          return Strategy.make({
            firstWait: 1_000 * checks[0]!,
            decide: (step) => (step < checks.length ? 1_000 * (checks[step]! - checks[step - 1]!) : "end")
          })
        }, few)
        near(rated.worst, 1, 1e-3, "worst")
      })
    )

    it("a tuned strategy is better than all that it was chosen from", () => {
      for (const cell of few) {
        const best = tuned.firstWait(cell)
        for (const interval of [5, 8, 13, 21, 34]) {
          const times = Array.from({ length: 20_000 }, (_, i) => (i + 1) * interval)
          const { cost } = Lab.costOf(cell.model, times, cell.w)
          assert.isTrue(best <= cost * 1.001 && tuned.fixed(cell) <= cost * 1.001, `${cell.model.name} ${interval}`)
        }
        assert.isTrue(best >= cell.best * 0.999)
      }
    })
  })

  describe("learning", () => {
    it.effect("a strategy that does not learn stays as it is", () =>
      Effect.gen(function* () {
        const { censored100, gmean, worst } = yield* learning(cold, few, 1)
        const { gmean: expected, worst: expectedWorst } = yield* rateEach(({ w }) => board.coldLinear(w), few)
        for (const value of Object.values(gmean!)) near(value, expected, 1e-9, "mean")
        near(worst!.cold, expectedWorst, 1e-9, "worst")
        near(censored100!, 1, 1e-9, "censored")
      })
    )

    it.effect("a strategy that learns gets better", () =>
      Effect.gen(function* () {
        const { censored100, gmean } = yield* learning(seenDurations, few, 2)
        assert.isTrue(gmean!.n100 < gmean!.n5 && gmean!.n5 < gmean!.cold, JSON.stringify(gmean))
        assert.isTrue(censored100! < 1.2, String(censored100))
      })
    )

    it.effect("shift - what was learned before it costs", () =>
      Effect.gen(function* () {
        const { shift50 } = yield* shift(seenDurations, 1)
        assert.isTrue(shift50! > 1.1 && shift50! < 3, String(shift50))
      })
    )
  })

  describe("progress", () => {
    it.effect("a strategy that trusts progress is punished for noise", () =>
      Effect.gen(function* () {
        const trusting = unlearned((w) =>
          Strategy.byProgress({ min: "100 millis", max: "1 hour", orElse: board.coldLinear(w), share: 1 })
        )
        const jobs = { learned: 0, judged: 20 }
        const blind = yield* progress(cold, jobs, [45])
        const { byProgress, progressWorst } = yield* progress(trusting, jobs, [45])
        assert.isTrue(byProgress!["even"]! < blind.byProgress!["even"]!, "even")
        assert.isTrue(byProgress!["noise"]! > 1.5 * blind.byProgress!["noise"]!, "noise")
        assert.strictEqual(progressWorst, Math.max(...Object.values(byProgress!)))
      })
    )
  })

  describe("ci", () => {
    const durations = {
      a: Array.from({ length: 200 }, (_, i) => 30 + ((i * 37) % 23)),
      b: Array.from({ length: 100 }, (_, i) => 80 + ((i * 17) % 41))
    }

    it.effect("compares requests at the same lag, from cold", () =>
      Effect.gen(function* () {
        const interval = yield* ci(
          unlearned((w) => Strategy.spaced(20_000 * w)),
          durations,
          1
        )
        // A fixed interval needs as many requests as a fixed interval.
        for (const [name, ratio] of Object.entries(interval.ci!.vsFixed)) near(ratio, 1, 0.1, name)
        const better = yield* ci(seenDurations, durations, 1)
        for (const [name, ratio] of Object.entries(better.ci!.vsFixed)) assert.isTrue(ratio < 0.9, `${name} ${ratio}`)
        assert.isTrue(better.ci!.vsExponential < 0.6)
      })
    )

    it("skips loudly without the data, and refuses other shapes", () => {
      const said: Array<unknown> = []
      const { error } = console
      console.error = (text: unknown) => said.push(text)
      try {
        assert.strictEqual(read("/no/such/file.json"), undefined)
      } finally {
        console.error = error
      }
      assert.match(String(said[0]), /ci is SKIPPED, because \/no\/such\/file.json is not there/)
      assert.deepStrictEqual(parse({ a: [1, 2.5] }, "x"), { a: [1, 2.5] })
      for (const wrong of [[], null, {}, { a: [] }, { a: ["1"] }, { a: [-1] }, { a: 1 }]) {
        assert.throws(() => parse(wrong, "x"), TypeError)
      }
    })
  })

  describe("fleet", () => {
    it("plays a fleet in virtual time, and keeps to its budget", async () => {
      const outcome = await play({ active: 30, batch: 1, checksPerJob: 6, window: [200, 300] })
      assert.strictEqual(outcome.overBudget, 0)
      assert.isTrue(outcome.lag > 0.8 * outcome.bound && outcome.lag < 2 * outcome.bound, JSON.stringify(outcome))
      assert.isTrue(outcome.bestFixed > outcome.bound)
    })

    it("counts the most requests within any second", () => {
      assert.strictEqual(mostInASecond([]), 0)
      assert.strictEqual(mostInASecond([0, 600, 900, 1_500, 1_599, 1_600]), 4)
      assert.strictEqual(mostInASecond([0, 1_000, 2_000]), 1)
    })
  })

  describe("board", () => {
    it("judges figures by their aims", () => {
      const lines = board.linesOf({
        gmean: { cold: 1.6, n5: 1.2, n20: 1, n100: 1 },
        ci: { vsFixed: { "1": 0.5 }, vsExponential: 1 }
      })
      const verdicts = Object.fromEntries(lines.map(({ figure, verdict }) => [figure, verdict]))
      assert.deepStrictEqual(Object.keys(verdicts), Object.keys(aims))
      assert.deepStrictEqual(
        ["gmean.cold", "gmean.n5", "ci.vsFixed.1", "ci.vsFixed.2", "ci.vsExponential", "fleet.vsBound"].map(
          (name) => verdicts[name]
        ),
        ["pass", "miss", "pass", "none", "miss", "none"]
      )
    })

    it("runs the parts that are wanted, and leaves out ci without its data", async () => {
      const said: Array<string> = []
      const options = { ci: "/no/such/file.json", tell: (what: string) => said.push(what) }
      assert.deepStrictEqual(await board.run(["ci"], options, cold), {})
      assert.strictEqual(said.length, 1)
      assert.match(said[0]!, /^ci: /)
    })

    it("measures the cost of decisions", () => {
      const { plannerMicros, progressStepMicros, stepMicros } = micros(3)
      for (const value of [plannerMicros, progressStepMicros, stepMicros]) assert.isTrue(value! > 0 && value! < 1e6)
    })
  })
})
