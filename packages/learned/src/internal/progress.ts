import { bins, massBetween, middles, placeOf, shortest, type Row } from "./grid.ts"

// What the progress of jobs says about their durations. A job that has reached the progress p at an age t would take t / p
// if it went on evenly; how far ln T is from ln(t / p) is learned for each tenth of the progress, and so is whether it
// says anything at all.

/** A progress that a job has reported, and its age in seconds when it did. */
export interface Sample {
  readonly progress: number
  readonly age: number
}

/** What is known of one tenth of the progress: sums of ln T - ln(t / p). */
export interface Tenth {
  readonly count: number
  readonly sum: number
  readonly squares: number
}

/** Immutable. */
export interface Progress {
  readonly tenths: ReadonlyArray<Tenth>
  /** The logarithm of the odds that progress says something, beyond what it starts with. */
  readonly trust: number
}

export const none: Progress = {
  tenths: Array.from({ length: 10 }, () => ({ count: 0, sum: 0, squares: 0 })),
  trust: 0
}

export const merge = (a: Progress, b: Progress): Progress => ({
  tenths: a.tenths.map(({ count, squares, sum }, index) => ({
    count: count + b.tenths[index]!.count,
    sum: sum + b.tenths[index]!.sum,
    squares: squares + b.tenths[index]!.squares
  })),
  trust: bounded(a.trust + b.trust)
})

/** What has changed the progress from `before` to `after`, on top of what had changed until then. */
export const since = (self: Progress, before: Progress, after: Progress): Progress => ({
  tenths: self.tenths.map(({ count, squares, sum }, index) => {
    const a = after.tenths[index]!
    const b = before.tenths[index]!
    return { count: count + a.count - b.count, sum: sum + a.sum - b.sum, squares: squares + a.squares - b.squares }
  }),
  trust: self.trust + after.trust - before.trust
})

/** Which tenth a progress belongs to; undefined if it says nothing. */
export const tenthOf = (progress: number): number | undefined =>
  progress > 0 && progress < 1 ? Math.min(9, Math.floor(progress * 10)) : undefined

/** What is believed of the duration of a job that is pending at `age`, given its progress. `row` is what is otherwise. */
export const withProgress = (self: Progress, row: Row, sample: Sample, age: number): Row => {
  const tenth = tenthOf(sample.progress)
  const out = new Float64Array(bins)
  pendingAt(row, age, out)
  if (tenth === undefined || sample.age <= 0) return out
  const told = likelihood(self.tenths[tenth]!, sample)
  let sum = 0
  for (let bin = 0; bin < bins; bin++) if (out[bin]! > 0) sum += out[bin]! * told(middles[bin]!)
  if (!(sum > 1e-200)) return out
  const share = 1 / (1 + Math.exp(-(startTrust + self.trust)))
  const factor = share / sum
  for (let bin = 0; bin < bins; bin++) {
    if (out[bin]! > 0) out[bin]! *= factor * told(middles[bin]!) + (1 - share)
  }
  return out
}

/** The progress after a job has ended between two ages that was seen with these samples. `row` is what was believed. */
export const observe = (
  self: Progress,
  row: Row,
  samples: ReadonlyArray<Sample>,
  from: number,
  to: number
): Progress => {
  const lnT = (Math.log(Math.max(shortest, from)) + Math.log(Math.max(shortest, to))) / 2
  const place = Math.min(bins - 0.01, Math.max(0, placeOf(Math.exp(lnT))))
  const around = (believed: Row): number => massBetween(believed, Math.max(0, place - 1), Math.min(bins, place + 1))
  const plain = new Float64Array(bins)
  // How much better the duration would have been foretold by progress alone.
  const gains = (sample: Sample): number => {
    pendingAt(row, sample.age, plain)
    const told = around(withProgress({ tenths: self.tenths, trust: Number.POSITIVE_INFINITY }, row, sample, sample.age))
    return Math.max(-2, Math.min(2, Math.log((told + 1e-6) / (around(plain) + 1e-6))))
  }
  let { trust } = self
  const used = samples.filter(({ age, progress }) => tenthOf(progress) !== undefined && age > 0 && age <= to)
  const tenths = self.tenths.map((tenth, index) => {
    const own = used.filter(({ progress }) => tenthOf(progress) === index)
    if (own.length === 0) return tenth
    // However many samples a job has in a tenth, they count as one.
    let sum = 0
    let squares = 0
    for (const sample of own) {
      const off = lnT - Math.log(sample.age / sample.progress)
      sum += off / own.length
      squares += (off * off) / own.length
      trust += gains(sample) / (2 * own.length)
    }
    return { count: keep * tenth.count + 1, sum: keep * tenth.sum + sum, squares: keep * tenth.squares + squares }
  })
  return { tenths, trust: bounded(trust) }
}

// ---- internal ----

/** How much of the past is kept with each further sample. */
const keep = 0.98

/** The logarithm of the odds at first: one in three. */
const startTrust = -0.7

/** Odds of 50 to 1 at most, and 1 to 100 at least. */
const bounded = (trust: number): number => Math.max(-4.6, Math.min(4.6, trust))

/** The masses of a row after an age, scaled to a sum of 1. */
const pendingAt = (row: Row, age: number, out: Row): void => {
  const place = age > shortest ? placeOf(age) : 0
  const first = Math.min(bins - 1, Math.floor(place))
  const left = massBetween(row, Math.min(place, bins), bins)
  if (!(left > 1e-200)) {
    out[bins - 1] = 1
    return
  }
  out[first] = (row[first]! * (first + 1 - place)) / left
  for (let bin = first + 1; bin < bins; bin++) out[bin] = row[bin]! / left
}

/** The least spread of ln T that is believed in, and how much the prior of a tenth weighs, with its variance. */
const priorCount = 1
const priorVariance = 0.25
const leastVariance = 0.0004

/** How well ln T fits a sample: a bell curve, as wide as the tenth has been off. */
const likelihood = ({ count, squares, sum }: Tenth, { age, progress }: Sample): ((lnT: number) => number) => {
  const weight = count + priorCount
  const mean = sum / weight
  const scatter =
    Math.max(0, squares - 2 * mean * sum + count * mean * mean) + priorCount * (priorVariance + mean * mean)
  const variance = Math.max(leastVariance, ((scatter / weight) * (weight + 1)) / weight)
  const middle = Math.log(age / progress) + mean
  const factor = -1 / (2 * variance)
  return (lnT) => Math.exp(factor * (lnT - middle) ** 2)
}
