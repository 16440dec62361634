import { type Counts, experts, type Memory } from "./counts.ts"
import { bins, middles, normalize, placeOf, width, type Row } from "./grid.ts"

// What the experts say of the next duration: one row of masses each. They are worked out once for each state of the
// counts.

/** The widths of the kernels, in ln T. */
const kernels = [0.05, 0.15, 0.45] as const

/** The prior of the Student t: how many endings its mean weighs, its shape and its scale. */
const meanWeight = 0.05
const shape = 0.75
const scale = 0.5

/** How many endings the Student t weighs in what a kernel says: a few endings say little about the places between. */
const baseWeight = 1.5

/**
 * The share of the prior in what each expert says after some endings, so that none excludes anything: little if the prior
 * says little, more at first if it says something.
 */
const shareOfPrior = (count: number, isInformed: boolean): number =>
  count === 0 ? 1 : isInformed ? 1 / (count + 1) ** 1.5 : 0.15 / (count + 3)

/** The prior of a job of which nothing is known, or of which a user has a hint: the median in seconds. */
export const priorOf = (hint: number | undefined): Row => {
  const row = new Float64Array(bins).fill(1 / bins)
  if (hint === undefined) return row
  const bell = new Float64Array(bins)
  const ln = Math.log(hint)
  for (let bin = 0; bin < bins; bin++) bell[bin] = Math.exp(-((middles[bin]! - ln) ** 2) / 2)
  return normalize(bell) ? row.map((mass, bin) => 0.2 * mass + 0.8 * bell[bin]!) : row
}

/** The rows of all experts, in the order of their weights. */
export const rowsOf = ({ memories }: Counts, prior: Row, isInformed: boolean): ReadonlyArray<Row> => {
  const middle = meanOf(prior)
  return [prior, ...memories.flatMap((memory) => rowsOfMemory(memory, prior, middle, isInformed))]
}

/** The weights as shares of 1. */
export const sharesOf = (weights: ReadonlyArray<number>): ReadonlyArray<number> => {
  const most = Math.max(...weights)
  const shares = weights.map((weight) => Math.exp(weight - most))
  const sum = shares.reduce((a, b) => a + b, 0)
  return shares.map((share) => share / sum)
}

/** What the experts say together. */
export const mixtureOf = (rows: ReadonlyArray<Row>, shares: ReadonlyArray<number>): Row => {
  const mixture = new Float64Array(bins)
  for (let expert = 0; expert < experts; expert++) {
    const row = rows[expert]!
    const share = shares[expert]!
    for (let bin = 0; bin < bins; bin++) mixture[bin]! += share * row[bin]!
  }
  return mixture
}

// ---- internal ----

const meanOf = (row: Row): number => {
  let mean = 0
  for (let bin = 0; bin < bins; bin++) mean += row[bin]! * middles[bin]!
  return mean
}

const rowsOfMemory = (memory: Memory, prior: Row, middle: number, isInformed: boolean): ReadonlyArray<Row> => {
  const { count } = memory
  const bell = studentT(memory, middle)
  const smooth = kernels.map((_, kernel) => smoothed(memory, kernel))
  for (const row of smooth) blend(row, bell, baseWeight / (count + baseWeight))
  const rows = [bell, ...smooth]
  for (const row of rows) blend(row, prior, shareOfPrior(count, isInformed))
  return rows
}

/** Gives another row a share of a row. */
const blend = (row: Row, other: Row, share: number): void => {
  for (let bin = 0; bin < bins; bin++) row[bin] = (1 - share) * row[bin]! + share * other[bin]!
}

/** The predictive distribution of a normal-inverse-gamma model of ln T. */
const studentT = ({ count, squares, sum }: Memory, middle: number): Row => {
  const row = new Float64Array(bins)
  const weight = meanWeight + count
  const mean = (meanWeight * middle + sum) / weight
  const seenMean = count > 0 ? sum / count : middle
  const scatter = Math.max(0, squares - count * seenMean * seenMean)
  const freedom = 2 * shape + count
  const spread = 2 * scale + scatter + (meanWeight * count * (seenMean - middle) ** 2) / weight
  // The square of the scale of the t, times its degrees of freedom.
  const square = (spread * (weight + 1)) / weight
  const power = -(freedom + 1) / 2
  for (let bin = 0; bin < bins; bin++) {
    const off = middles[bin]! - mean
    row[bin] = Math.exp(power * Math.log1p((off * off) / square))
  }
  normalize(row)
  return row
}

/** The masses of a kernel by distance in bins: that of the bin itself first. */
const kernelTables = /*#__PURE__*/ kernels.map((h) => {
  const reach = Math.ceil((4 * h) / width)
  return Float64Array.from({ length: reach + 1 }, (_, k) => Math.exp(-((k * width) ** 2) / (2 * h * h)))
})

/** What a kernel makes of the counts; nothing if there are none. */
const smoothed = ({ row }: Memory, kernel: number): Row => {
  const out = new Float64Array(bins)
  const table = kernelTables[kernel]!
  const reach = table.length - 1
  for (let bin = 0; bin < bins; bin++) {
    const mass = row[bin]!
    if (mass < 1e-9) continue
    out[bin]! += mass
    const below = Math.min(reach, bin)
    for (let k = 1; k <= below; k++) out[bin - k]! += mass * table[k]!
    const above = Math.min(reach, bins - 1 - bin)
    for (let k = 1; k <= above; k++) out[bin + k]! += mass * table[k]!
  }
  normalize(out)
  return out
}

/** How likely a row makes a duration that is known exactly. */
export const densityAt = (row: Row, seconds: number): number => {
  const at = Math.min(bins - 1, Math.max(0, placeOf(seconds) - 0.5))
  const bin = Math.min(bins - 2, Math.floor(at))
  return (bin + 1 - at) * row[bin]! + (at - bin) * row[bin + 1]!
}
