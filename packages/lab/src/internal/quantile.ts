/** Finds quantiles of a distribution by bisection. */
export const quantileOf =
  (cdf: (t: number) => number, survival: (t: number) => number) =>
  (p: number): number => {
    if (p <= 0 && cdf(0) >= 0) return bisect((t) => cdf(t) > 0)
    // The survival tells shares close to 1 apart better.
    return p > 0.5 ? bisect((t) => survival(t) <= 1 - p) : bisect((t) => cdf(t) >= p)
  }

// ---- internal ----

/** The least positive number for which a monotone condition holds. */
const bisect = (holds: (t: number) => boolean): number => {
  let high = 1
  while (!holds(high)) {
    if (high > 1e300) return Number.POSITIVE_INFINITY
    high *= 2
  }
  let low = high / 2
  while (holds(low)) {
    if (low < 1e-300) return 0
    high = low
    low /= 2
  }
  while (high - low > 1e-14 * high) {
    const middle = (low + high) / 2
    if (middle === low || middle === high) break
    if (holds(middle)) high = middle
    else low = middle
  }
  return high
}
