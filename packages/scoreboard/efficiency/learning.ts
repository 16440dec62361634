// How fast a strategy learns: its cost divided by that of the best schedule, after so many jobs.
import * as Grid from "@effect-poll/lab/Grid"
import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import type { Figures } from "./figures.ts"
import { geometricMean, type Rated, withOptimum } from "./grid.ts"
import type { Learner, Subject } from "./subject.ts"

/** After how many jobs the cost is judged. */
const checkpoints = { n5: 5, n20: 20, n100: 100 } as const

type Checkpoint = keyof typeof checkpoints

/** `gmean`, `worst` and `censored100` over the cells; each is repeated with other jobs. */
export const learning = (
  subject: Subject,
  cells: ReadonlyArray<Rated>,
  repeats: number
): Effect.Effect<Pick<Figures, "censored100" | "gmean" | "worst">> =>
  Effect.gen(function* () {
    const ratios: Record<"cold" | "interval" | Checkpoint, Array<number>> = {
      cold: [],
      n5: [],
      n20: [],
      n100: [],
      interval: []
    }
    for (const cell of cells) {
      ratios.cold.push(yield* ratioOf(yield* subject.make(cell.w), cell))
      const sums = { n5: 0, n20: 0, n100: 0, interval: 0 }
      for (let repeat = 0; repeat < repeats; repeat++) {
        const exact = yield* subject.make(cell.w)
        const between = yield* subject.make(cell.w)
        for (let job = 1; job <= checkpoints.n100; job++) {
          const seconds = cell.model.quantile(yield* Random.next)
          yield* exact.observe({ after: seconds, until: seconds, progress: [] })
          yield* live(between, seconds, cell.w)
          for (const [name, count] of Object.entries(checkpoints)) {
            // The keys of a constant.
            if (job === count) sums[name as Checkpoint] += yield* ratioOf(exact, cell)
          }
        }
        sums.interval += yield* ratioOf(between, cell)
      }
      for (const name of ["n5", "n20", "n100", "interval"] as const) ratios[name].push(sums[name] / repeats)
    }
    const gmean = {
      cold: geometricMean(ratios.cold),
      n5: geometricMean(ratios.n5),
      n20: geometricMean(ratios.n20),
      n100: geometricMean(ratios.n100)
    }
    return {
      gmean,
      worst: { cold: Math.max(...ratios.cold) },
      censored100: geometricMean(ratios.interval) / gmean.n100
    }
  }).pipe(Random.withSeed("learning"))

/** `shift50`: 100 jobs, then 50 that are three times slower or faster, of which the last ten are judged. */
export const shift = (subject: Subject, repeats: number): Effect.Effect<Pick<Figures, "shift50">> =>
  Effect.gen(function* () {
    const cells = Grid.cells({ medians: [45, 300], weights: [2] })
    const means: Array<number> = []
    for (const factor of [3, 1 / 3]) {
      const ratios: Array<number> = []
      const shifted = withOptimum(
        cells.map(({ median, model, w }) => ({ median, model: Model.scaled(model, factor), w }))
      )
      for (const [index, cell] of cells.entries()) {
        let sum = 0
        for (let repeat = 0; repeat < repeats; repeat++) {
          const learner = yield* subject.make(cell.w)
          for (let job = 1; job <= 150; job++) {
            const { model } = job <= 100 ? cell : shifted[index]!
            if (job > 140) sum += yield* ratioOf(learner, shifted[index]!)
            const seconds = model.quantile(yield* Random.next)
            yield* learner.observe({ after: seconds, until: seconds, progress: [] })
          }
        }
        ratios.push(sum / (10 * repeats))
      }
      means.push(geometricMean(ratios))
    }
    return { shift50: Math.max(...means) }
  }).pipe(Random.withSeed("shift"))

/** The expected cost of the next job, divided by that of the best schedule. */
export const ratioOf = (learner: Learner, { best, model, w }: Rated): Effect.Effect<number> =>
  Effect.gen(function* () {
    const { cost } = yield* Lab.simulate(yield* learner.strategy, model, { w, jobs: 20 })
    return cost / best
  })

/** Waits for a job with the strategy itself, and learns only what its checks have seen. */
export const live = (learner: Learner, seconds: number, w: number): Effect.Effect<{ requests: number; lag: number }> =>
  Effect.gen(function* () {
    const { lag, requests } = yield* Lab.simulate(yield* learner.strategy, () => Model.deterministic(seconds), {
      w,
      jobs: 1,
      onEnd: ({ after, foundAt }) => learner.observe({ after, until: foundAt ?? seconds, progress: [] })
    })
    return { requests, lag }
  })
