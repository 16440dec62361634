// Strategies that are tuned in hindsight: the best setting is chosen for each cell, with its model known.
import * as Lab from "@effect-poll/lab/Lab"
import type { Rated } from "./grid.ts"

/** The cost of the best setting in a cell. */
type Tuned = (cell: Rated) => number

/** A fixed interval; the first check comes after one. */
export const fixed: Tuned = (cell) => tuneInterval(cell, (interval) => costOf(cell, evenly(cell, interval, interval)))

/** An exponential backoff without a cap: the initial delay and the factor; the first check comes after `initial`. */
export const exponential: Tuned = (cell) =>
  Math.min(
    ...[1.05, 1.1, 1.2, 1.3, 1.5, 2, 3].map((factor) =>
      tuneInterval(cell, (initial) => costOf(cell, growing(cell, initial, factor)))
    )
  )

/** A first wait and then a fixed interval. */
export const firstWait: Tuned = (cell) => {
  const { model } = cell
  // A first wait that is too long costs lag; beyond the third quartile it is never the best.
  const shares = [0, 0.001, 0.003, 0.01, 0.02, 0.04, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.6, 0.75]
  return Math.min(
    ...shares.map((share) => {
      const first = model.quantile(share)
      return tuneInterval(cell, (interval) => costOf(cell, evenly(cell, first, interval)))
    })
  )
}

// ---- internal ----

const costOf = ({ model, w }: Rated, times: ReadonlyArray<number>): number => Lab.costOf(model, times, w).cost

const evenly = ({ model }: Rated, first: number, interval: number): ReadonlyArray<number> => {
  const last = model.quantile(1)
  const times = [first]
  for (let at = first; at < last;) times.push((at += interval))
  return times
}

const growing = ({ model }: Rated, initial: number, factor: number): ReadonlyArray<number> => {
  const last = model.quantile(1)
  const times: Array<number> = []
  for (let at = 0, delay = initial; at < last; delay *= factor) times.push((at += delay))
  return times
}

/** The least cost over intervals: a coarse search, then a finer one around the best. */
const tuneInterval = ({ model, w }: Rated, cost: (interval: number) => number): number => {
  const usual = Math.sqrt(2 * w * model.mean)
  let best = Number.POSITIVE_INFINITY
  let chosen = usual
  const search = (from: number, step: number, count: number) => {
    for (let i = 0; i < count; i++) {
      const interval = from * step ** i
      const found = cost(interval)
      if (found < best) [best, chosen] = [found, interval]
    }
  }
  search(usual / 20, 1.5, 16)
  search(chosen / 1.4, 1.07, 11)
  return best
}
