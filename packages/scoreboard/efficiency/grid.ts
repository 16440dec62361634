// Rates strategies over a grid of models, medians and weights: their cost divided by that of the best schedule.
import type * as Grid from "@effect-poll/lab/Grid"
import * as Lab from "@effect-poll/lab/Lab"
import * as Effect from "effect/Effect"
import type { Strategy } from "effect-poll/Strategy"

/** The geometric mean of the ratios to the optimum, and the worst of them. */
export interface Rating {
  readonly gmean: number
  readonly worst: number
}

/** A cell with its optimum. */
export interface Rated extends Grid.Cell {
  readonly best: number
}

/** The cells with their optimum. */
export const withOptimum = (cells: ReadonlyArray<Grid.Cell>): ReadonlyArray<Rated> => {
  const out: Array<Rated> = []
  for (const cell of cells) out.push({ ...cell, best: Lab.optimum(cell.model, cell.w).cost })
  return out
}

export const rate = (ratios: ReadonlyArray<number>): Rating => ({
  gmean: geometricMean(ratios),
  worst: Math.max(...ratios)
})

export const geometricMean = (values: ReadonlyArray<number>): number => {
  let sum = 0
  for (const value of values) sum += Math.log(value)
  return Math.exp(sum / values.length)
}

/** How many paths of a strategy with jitter are walked in each cell. */
const paths = 40

/** Rates a strategy that is the same in all cells. It is walked once for each model. */
export const rateOne = (strategy: Strategy, cells: ReadonlyArray<Rated>): Effect.Effect<Rating> =>
  Effect.gen(function* () {
    const costs = new Map<Grid.Cell["model"], { readonly requests: number; readonly lag: number }>()
    const ratios: Array<number> = []
    for (const { best, model, w } of cells) {
      let known = costs.get(model)
      if (known === undefined) {
        known = yield* Lab.simulate(strategy, model, { w, jobs: paths, seed: "efficiency" })
        costs.set(model, known)
      }
      ratios.push((known.requests + known.lag / w) / best)
    }
    return rate(ratios)
  })

/** Rates a strategy that depends on the cell. */
export const rateEach = (strategy: (cell: Rated) => Strategy, cells: ReadonlyArray<Rated>): Effect.Effect<Rating> =>
  Effect.map(
    Effect.forEach(cells, (cell) =>
      Effect.map(
        Lab.simulate(strategy(cell), cell.model, { w: cell.w, jobs: paths, seed: "efficiency" }),
        ({ cost }) => cost / cell.best
      )
    ),
    rate
  )
