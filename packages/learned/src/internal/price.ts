import { bins, clampedPlace, secondsAt, type Row } from "./grid.ts"
import { nextCheck, type Plan, planFor } from "./plan.ts"

// What one check is worth: given as it is, or found so that a target is met. Times are seconds.

/** What a strategy is to reach; public as `Learned.Price`, which documents it. */
export type Price =
  | { readonly _tag: "LagWorth"; readonly w: number }
  | { readonly _tag: "Checks"; readonly most: number }
  | { readonly _tag: "Lag"; readonly most: number; readonly share: number | "mean" }
  /** A price that others set, and may change at any time. */
  | { readonly _tag: "Given"; readonly current: () => number }

/** What a plan is expected to cost. */
export interface Expected {
  /** The mean number of checks of a job. */
  readonly checks: number
  /** The mean lag of a job, in seconds. */
  readonly lag: number
  /** The share of jobs whose lag is at most the limit that was asked for. */
  readonly within: number
}

/** The price while nothing is known of the durations. */
export const coldPrice = (price: Price): number => {
  switch (price._tag) {
    case "LagWorth":
      return price.w
    case "Given":
      return price.current()
    case "Lag":
      return price.most
    case "Checks":
      // Checks at w k^2 / 2, of which so many fit into a minute.
      return 120 / price.most ** 2
  }
}

/**
 * The plan for a price. A target is met by the least or the greatest price that does, for durations as they are likely.
 */
export const planAt = (price: Price, row: Row, likely: () => Row): Plan => {
  if (price._tag === "LagWorth" || price._tag === "Given") return planFor(row, coldPrice(price))
  const chances = cumulative(likely())
  const fits = (plan: Plan): boolean => {
    const { checks, lag, within } = expectedOf(plan, chances, price._tag === "Lag" ? price.most : 0)
    // More checks for a greater price are not possible, nor is more lag for a smaller one.
    if (price._tag === "Checks") return checks > price.most
    return price.share === "mean" ? lag <= price.most : within >= price.share
  }
  // The greatest price for which `fits` holds, which is the answer for a lag; for checks it is the next greater one.
  let low = Math.log(leastPrice)
  let high = Math.log(greatestPrice)
  for (let round = 0; round < 12; round++) {
    const middle = (low + high) / 2
    if (fits(planFor(row, Math.exp(middle)))) low = middle
    else high = middle
  }
  return planFor(row, Math.exp(price._tag === "Checks" ? high : low))
}

/** The chances of a row that a job has ended by each edge of the bins. */
export const cumulative = (row: Row): Float64Array => {
  const chances = new Float64Array(bins + 1)
  let sum = 0
  for (let bin = 0; bin < bins; bin++) {
    sum += row[bin]!
    chances[bin + 1] = sum
  }
  for (let bin = 1; bin <= bins; bin++) chances[bin]! /= sum
  return chances
}

/** The chance that a job has ended at an age. */
export const chanceBy = (chances: Float64Array, age: number): number => {
  if (age <= 0) return 0
  const place = clampedPlace(age)
  const bin = Math.min(bins - 1, Math.floor(place))
  return chances[bin]! + (place - bin) * (chances[bin + 1]! - chances[bin]!)
}

/** The age by which a share of the jobs has ended. */
export const quantile = (chances: Float64Array, share: number): number => {
  let low = 0
  let high = bins
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (chances[middle]! < share) low = middle
    else high = middle
  }
  const step = chances[high]! - chances[low]!
  return secondsAt(low + (step > 0 ? Math.max(0, Math.min(1, (share - chances[low]!) / step)) : 0))
}

/** What a plan costs on average, and how many jobs have at most a lag of `limit`. */
export const expectedOf = (plan: Plan, chances: Float64Array, limit: number): Expected => {
  let checks = 0
  let lag = 0
  let within = 0
  let age = 0
  let ended = 0
  for (let check = 0; check < mostChecks && ended < 0.9999; check++) {
    const at = nextCheck(plan, age)
    const then = chanceBy(chances, at)
    checks += 1 - ended
    // Between two checks the chances are even, nearly.
    const half = chanceBy(chances, (age + at) / 2)
    lag += (then - half) * ((at - age) / 4) + (half - ended) * ((3 * (at - age)) / 4)
    within += at - age <= limit ? then - ended : then - Math.max(ended, chanceBy(chances, at - limit))
    age = at
    ended = then
  }
  return { checks, lag, within }
}

// ---- internal ----

/** The range of prices that are tried, in seconds of lag. */
const leastPrice = 0.001
const greatestPrice = 86_400

/** How many checks of a plan are looked at. */
const mostChecks = 2_000
