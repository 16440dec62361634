import { bins, longest, placeOf, secondsAt, width, type Row } from "./grid.ts"

// When to check: the best schedule for what is believed of a duration, by dynamic programming over the times of a grid.
// See Barlow, Hunter and Proschan, "Optimum checking procedures", 1963.

/** A plan: by edge of the grid, the time of the next check for a job that is pending then. Immutable. Seconds. */
export interface Plan {
  /** How many seconds of lag one check is worth. */
  readonly w: number
  readonly targets: Float64Array
}

/** The best schedule for a job that ends in each bin with the given chance. */
export const planFor = (row: Row, w: number): Plan => {
  const targets = new Float64Array(fine.cells + 1)
  solve(fine, row, w, 0, targets)
  return { w, targets }
}

/** When a plan checks a job next that is pending at an age. */
export const nextCheck = ({ targets, w }: Plan, age: number): number => {
  if (age >= longest) return coldCheck(w, age)
  const place = Math.max(0, placeOf(age) * fine.parts)
  const edge = Math.min(fine.cells - 1, Math.floor(place))
  const part = place - edge
  const target = (1 - part) * targets[edge]! + part * targets[edge + 1]!
  return target > age ? target : coldCheck(w, age)
}

/** The best next check for a job that is pending at an age, where all chances are for times after it. */
export const bestCheck = (row: Row, w: number, age: number): number => {
  if (age >= longest) return coldCheck(w, age)
  const place = Math.max(0, placeOf(age) * coarse.parts)
  const edge = Math.min(coarse.cells - 1, Math.floor(place))
  solve(coarse, row, w, edge, coarseTargets)
  const part = place - edge
  const target = (1 - part) * coarseTargets[edge]! + part * coarseTargets[edge + 1]!
  return target > age ? target : coldCheck(w, age)
}

/**
 * When to check next if nothing is known: the hazard of durations of any size falls with the age, and the best delays
 * grow with its root. The checks are about at w k^2 / 2.
 */
export const coldCheck = (w: number, age: number): number =>
  age + Math.sqrt((2 * w * age) / coldHazard) + w / (2 * coldHazard)

// ---- internal ----

/** The hazard of a duration of which nothing is known, times its age. */
const coldHazard = 0.75

/** A grid of times: the bins, cut into parts. */
interface Times {
  readonly parts: number
  readonly cells: number
  /** The time at the edges of the cells. */
  readonly edges: Float64Array
}

const timesOf = (parts: number): Times => ({
  parts,
  cells: bins * parts,
  edges: Float64Array.from({ length: bins * parts + 1 }, (_, edge) => secondsAt(edge / parts))
})

const fine = /*#__PURE__*/ timesOf(4)
const coarse = /*#__PURE__*/ timesOf(2)

/** If the best check is fewer cells away than this, the grid is too coarse to place it. */
const fewestCells = 3

// The rows that one solution needs. Nothing is kept in them.
const scratch = (): Float64Array => new Float64Array(bins * 4 + 1)
const coarseTargets: Float64Array = /*#__PURE__*/ scratch()
const share: Float64Array = /*#__PURE__*/ scratch()
const moment: Float64Array = /*#__PURE__*/ scratch()
const ahead: Float64Array = /*#__PURE__*/ scratch()
const rate: Float64Array = /*#__PURE__*/ scratch()
const hull: Int32Array = /*#__PURE__*/ new Int32Array(bins * 4 + 1)

/**
 * The time of the next check at each edge from `first` on: with F the share of jobs that have ended, e the times and A
 * the partial means, V(i) = min over j > i of 1 - F_i + (e_j (F_j - F_i) - (A_j - A_i)) / w + V(j).
 *
 * What depends on j is a point (e_j, V(j) + (e_j F_j - A_j) / w), and the least is where a line with the slope F_i / w
 * touches the lower hull of the points ahead. The slopes fall from one i to the next, so the point moves in one direction,
 * and all edges together take one pass.
 */
const solve = (times: Times, row: Row, w: number, first: number, targets: Float64Array): void => {
  const { cells, edges } = times
  accumulate(times, row, first)
  ahead[cells] = (edges[cells]! - moment[cells]!) / w
  targets[cells] = edges[cells]!
  let front = 0
  let size = 1
  let coarsest = cells
  hull[0] = cells
  for (let i = cells - 1; i >= first; i--) {
    const slope = share[i]! / w
    let best = hull[front]!
    let least = ahead[best]! - slope * edges[best]!
    while (front + 1 < size) {
      const other = hull[front + 1]!
      const cost = ahead[other]! - slope * edges[other]!
      if (cost > least) break
      best = other
      least = cost
      front++
    }
    ahead[i] = least + 1 - share[i]! + (edges[i]! * share[i]!) / w
    targets[i] = best - i < fewestCells ? 0 : between(times, slope, best, i)
    if (targets[i] === 0) coarsest = i
    while (size - front > 1) {
      const middle = hull[size - 1]!
      const right = hull[size - 2]!
      const bend =
        (ahead[middle]! - ahead[i]!) * (edges[right]! - edges[middle]!) -
        (ahead[right]! - ahead[middle]!) * (edges[middle]! - edges[i]!)
      if (bend < 0) break
      size--
    }
    hull[size++] = i
  }
  if (coarsest < cells) fillByRate(times, w, coarsest, targets)
}

/** Cumulative shares and partial means at the edges. The density is linear between the middles of the bins. */
const accumulate = ({ cells, edges, parts }: Times, row: Row, first: number): void => {
  let total = 0
  for (let cell = first; cell < cells; cell++) {
    const at = Math.min(bins - 1.001, Math.max(0, (cell + 0.5) / parts - 0.5))
    const bin = Math.floor(at)
    total += row[bin]! + (at - bin) * (row[bin + 1]! - row[bin]!)
    share[cell + 1] = total
  }
  share[first] = 0
  moment[first] = 0
  for (let edge = first + 1; edge <= cells; edge++) {
    const part = share[edge]! / total
    moment[edge] = moment[edge - 1]! + ((part - share[edge - 1]!) * (edges[edge - 1]! + edges[edge]!)) / 2
    share[edge] = part
  }
}

/** The time of the least cost near an edge, by the parabola through its cost and those of its neighbours. */
const between = ({ cells, edges, parts }: Times, slope: number, best: number, i: number): number => {
  if (best >= cells || best - 1 <= i) return edges[best]!
  const here = ahead[best]! - slope * edges[best]!
  const before = ahead[best - 1]! - slope * edges[best - 1]!
  const after = ahead[best + 1]! - slope * edges[best + 1]!
  const bend = before - 2 * here + after
  const shift = bend > 0 ? Math.max(-0.5, Math.min(0.5, (before - after) / (2 * bend))) : 0
  return edges[best]! * (1 + (shift * width) / parts)
}

/** The best delay where the hazard is constant: u over the hazard, with exp(u) - 1 - u = hazard * w. */
const delayAt = (hazard: number, w: number): number => {
  const product = hazard * w
  let u = Math.sqrt(2 * product)
  // The series is exact to a thousandth here.
  if (u < 0.5) return (u - (u * u) / 6 + (u * u * u) / 36) / hazard
  if (u > 1) u = Math.log(1 + product + u)
  for (let round = 0; round < 3; round++) {
    const e = Math.expm1(u)
    u -= (e - u - product) / e
  }
  return u / hazard
}

/** Fills in the edges where the grid is too coarse: checks follow at the rate that the hazard there asks for. */
const fillByRate = ({ cells, edges }: Times, w: number, first: number, targets: Float64Array): void => {
  rate[first] = 0
  for (let edge = first; edge < cells; edge++) {
    const mass = share[edge + 1]! - share[edge]!
    const left = 1 - (share[edge]! + share[edge + 1]!) / 2
    const length = edges[edge + 1]! - edges[edge]!
    rate[edge + 1] = rate[edge]! + (mass > 0 ? length / delayAt(mass / (Math.max(1e-12, left) * length), w) : 0)
  }
  let to = first
  for (let edge = first; edge < cells; edge++) {
    if (targets[edge] !== 0) continue
    const wanted = rate[edge]! + 1
    if (to <= edge) to = edge + 1
    while (to < cells && rate[to]! < wanted) to++
    const step = rate[to]! - rate[to - 1]!
    const part = step > 0 ? Math.min(1, (wanted - rate[to - 1]!) / step) : 1
    targets[edge] = edges[to - 1]! + part * (edges[to]! - edges[to - 1]!)
  }
}
