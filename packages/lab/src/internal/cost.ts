import type { Model } from "../Model.ts"

/** The mean requests and lag of checks, and the share of jobs that they miss. */
export interface Mean {
  readonly requests: number
  readonly lag: number
  readonly missed: number
}

/** What checks at these times cost on average: exact. */
export const meanOf = (model: Model, times: ReadonlyArray<number>): Mean => {
  let requests = 0
  let lag = 0
  let rest = 1
  let share = 0
  let part = 0
  for (let i = 0; i < times.length && rest > 0; i++) {
    const t = times[i]!
    requests += rest
    const nextShare = model.cdf(t)
    const nextPart = model.partialMean(t)
    // Each difference is that of close numbers: rounding must not make a lag negative.
    lag += Math.max(0, t * (nextShare - share) - (nextPart - part))
    share = nextShare
    part = nextPart
    rest = model.survival(t)
  }
  return { requests, lag, missed: rest }
}
