import type { Model } from "../Model.ts"
import { fluidRoot, optimumOf } from "./optimum.ts"

/** Public as `Lab.Kind`. */
interface Kind {
  readonly rate: number
  readonly model: Model
}

/** The least mean lag for a budget, and the price at which it is reached. */
interface Bound {
  readonly lag: number
  readonly w: number
}

/** Public as `Lab.bound`. */
export const boundOf = (kinds: ReadonlyArray<Kind>, requestsPerSecond: number): Bound => {
  const rate = rateOf(kinds)
  // Each job takes at least one check.
  if (requestsPerSecond < rate) return { lag: Number.POSITIVE_INFINITY, w: Number.POSITIVE_INFINITY }
  let best: Bound = { lag: 0, w: 0 }
  /** Whether the price `w` leads to more requests than there are: then it has to rise. The bound is concave in `w`. */
  const tooCheap = (w: number): boolean => {
    let requests = 0
    let cost = 0
    for (const kind of kinds) {
      const optimum = optimumOf(kind.model, w)
      requests += kind.rate * optimum.requests
      cost += kind.rate * (optimum.lag + w * optimum.requests)
    }
    const lag = (cost - w * requestsPerSecond) / rate
    if (lag > best.lag) best = { lag, w }
    return requests > requestsPerSecond
  }
  // Where a fluid of checks would cost the budget.
  let low = fluidOf(kinds, requestsPerSecond).w || 1e-3
  let high = low
  if (tooCheap(low)) {
    while (tooCheap((high *= 2)) && high < 1e9) low = high
  } else {
    while (!tooCheap((low /= 2)) && low > 1e-6) high = low
  }
  for (let i = 0; i < 14; i++) {
    const middle = Math.sqrt(low * high)
    if (tooCheap(middle)) low = middle
    else high = middle
  }
  return best
}

/** Public as `Lab.fluidBound`. */
export const fluidOf = (kinds: ReadonlyArray<Kind>, requestsPerSecond: number): Bound => {
  const rate = rateOf(kinds)
  let root = 0
  for (const kind of kinds) root += kind.rate * fluidRoot(kind.model)
  return {
    lag: (root * root) / (2 * requestsPerSecond * rate),
    w: (root * root) / (2 * requestsPerSecond * requestsPerSecond)
  }
}

// ---- internal ----

const rateOf = (kinds: ReadonlyArray<Kind>): number => {
  let rate = 0
  for (const kind of kinds) rate += kind.rate
  return rate
}
