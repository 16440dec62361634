import type { Model } from "../Model.ts"

// The best possible schedule of checks, by dynamic programming over a grid of times.

/** Public as `Lab.Optimum`. */
interface Optimum {
  readonly cost: number
  readonly requests: number
  readonly lag: number
  readonly checks: ReadonlyArray<number>
}

/** The optimum on a grid that is refined until the cost changes by less than 0.1 %. */
export const optimumOf = (model: Model, w: number): Optimum => {
  if (model.atoms !== undefined) return solve(model, w, Float64Array.from(model.atoms))
  const mesh = meshOf(model)
  let fineness = 16
  let last = solve(model, w, refine(model, w, mesh, fineness))
  while (fineness < 512) {
    fineness *= 2
    const next = solve(model, w, refine(model, w, mesh, fineness))
    // The error falls with the square of the fineness: what is left is a third of the change.
    if (Math.abs(last.cost - next.cost) < 1e-3 * next.cost) return next
    last = next
  }
  return last
}

/** The seconds that a fluid of checks costs: the integral of the root of density times survival. */
export const fluidRoot = (model: Model): number => {
  const mesh = meshOf(model)
  let sum = 0
  for (let i = 1; i < mesh.length; i++) {
    const a = mesh[i - 1]!
    const b = mesh[i]!
    const mass = Math.max(0, model.cdf(b) - model.cdf(a))
    sum += Math.sqrt(mass * (b - a) * ((model.survival(a) + model.survival(b)) / 2))
  }
  return sum
}

// ---- internal ----

/** Times between which the hazard changes little: quantiles, close together in both tails. */
const meshOf = (model: Model): Float64Array => {
  const times: Array<number> = []
  const add = (p: number) => times.push(model.quantile(p))
  const steps = 400
  for (let k = 1; k < steps; k++) add(k / steps)
  for (let tail = 1 / steps; tail > 1e-7; tail *= 0.8) {
    add(tail)
    add(1 - tail)
  }
  add(0)
  add(1)
  return distinct(times)
}

/** Cuts the mesh so that there are `fineness` times for each check that a good schedule makes. */
const refine = (model: Model, w: number, mesh: Float64Array, fineness: number): Float64Array => {
  const times: Array<number> = [mesh[0]!]
  let survived = model.survival(mesh[0]!)
  for (let i = 1; i < mesh.length; i++) {
    const a = mesh[i - 1]!
    const b = mesh[i]!
    const survives = model.survival(b)
    // The checks that the square root rule makes between a and b.
    const checks = Math.sqrt(((survived - survives) * (b - a)) / (w * (survived + survives)))
    const parts = Math.max(1, Math.ceil(fineness * checks))
    for (let part = 1; part < parts; part++) times.push(a + ((b - a) * part) / parts)
    times.push(b)
    survived = survives
  }
  return distinct(times)
}

/**
 * The exact optimum among schedules whose checks are at the given times, the last of which is the longest duration.
 *
 * The best time after one is never later than the best time after a later one, since delays and shares both grow (the
 * Monge condition). So each search begins where the one before has ended.
 */
const solve = (model: Model, w: number, times: Float64Array): Optimum => {
  const n = times.length
  // Index 0 is the start of the wait, before any check; the times follow.
  const at = new Float64Array(n + 1)
  const share = new Float64Array(n + 1)
  const rest = new Float64Array(n + 1)
  const part = new Float64Array(n + 1)
  rest[0] = 1
  for (let i = 1; i <= n; i++) {
    const t = times[i - 1]!
    at[i] = t
    share[i] = model.cdf(t)
    rest[i] = model.survival(t)
    part[i] = model.partialMean(t)
  }
  share[n] = 1
  rest[n] = 0
  const value = new Float64Array(n + 1)
  const best = new Int32Array(n + 1)
  // What does not depend on i: V(j) + (e_j F_j - A_j) / w
  const ahead = new Float64Array(n + 1)
  ahead[n] = (at[n]! - part[n]!) / w
  let start = n
  for (let i = n - 1; i >= 0; i--) {
    const slope = share[i]! / w
    let least = Number.POSITIVE_INFINITY
    let chosen = start
    for (let j = start; j > i; j--) {
      const cost = ahead[j]! - slope * at[j]!
      if (cost < least) {
        least = cost
        chosen = j
      }
    }
    value[i] = least + rest[i]! + part[i]! / w
    best[i] = chosen
    start = chosen
    if (i > 0) ahead[i] = value[i]! + (at[i]! * share[i]! - part[i]!) / w
  }
  const checks: Array<number> = []
  let requests = 0
  let lag = 0
  for (let i = 0; i < n;) {
    const j = best[i]!
    requests += rest[i]!
    lag += at[j]! * (share[j]! - share[i]!) - (part[j]! - part[i]!)
    checks.push(at[j]!)
    i = j
  }
  return { cost: requests + lag / w, requests, lag, checks }
}

const distinct = (times: ReadonlyArray<number>): Float64Array => {
  const sorted = Float64Array.from(times).toSorted()
  return sorted.filter((time, index) => index === 0 || time > sorted[index - 1]!)
}
