import type { Kind } from "./live.ts"
import { chanceBy, cumulative, quantile } from "./price.ts"
import { coldCheck } from "./plan.ts"

// A first wait and even spacing, from the quantiles that were seen.

/** Times are seconds. `first` is undefined while nothing is known. */
export interface SimpleTable {
  readonly version: number
  readonly w: number
  readonly first: number | undefined
  readonly spacing: number
  /** The age from which spacing is no longer even. */
  readonly until: number
}

export const simpleTable = (kind: Kind, w: number): SimpleTable => {
  const counted = kind.counts.memories[0]
  if (counted.count === 0) return { version: kind.version, w, first: undefined, spacing: w, until: 0 }
  const chances = cumulative(counted.row)
  const until = quantile(chances, 0.95)
  let best: SimpleTable | undefined
  let least = Number.POSITIVE_INFINITY
  for (const share of [0.001, 0.02, 0.05, 0.1, 0.2, 0.35, 0.5, 0.7, 0.95]) {
    const first = quantile(chances, share)
    // The mean time that is left after the first check gives the best even spacing.
    let left = 0
    const parts = 32
    for (let part = 0.5; part < parts; part++) {
      left += Math.max(0, quantile(chances, part / parts) - first) / parts
    }
    const spacing = Math.max(w / 4, Math.sqrt((2 * w * left) / Math.max(0.02, 1 - chanceBy(chances, first))))
    let early = 0
    for (let part = 0.5; part < parts; part++) early += Math.max(0, first - quantile(chances, part / parts)) / parts
    const late = 1 - chanceBy(chances, first)
    const cost = 1 + early / w + left / spacing + (late * spacing) / (2 * w)
    if (cost < least) {
      least = cost
      best = { version: kind.version, w, first, spacing, until: Math.max(until, first) }
    }
  }
  return best!
}

/** The age of the next check of a job that is pending at an age. */
export const simpleCheck = ({ first, spacing, until, w }: SimpleTable, age: number): number => {
  if (first === undefined) return coldCheck(w, age)
  // A check at the first time may be a rounding error early.
  if (age < first * (1 - 1e-9)) return first
  return age < until ? age + spacing : age + Math.max(spacing, coldCheck(w, age - until) - (age - until))
}
