import { bins, middles } from "./grid.ts"
import * as progress from "./progress.ts"

// What has been counted of the durations of one class of jobs. All of it adds.

/** How much of the past is kept with each further ending, for the two memories: long and short. */
export const keeps: readonly [number, number] = [0.995, 0.9]

/** The number of experts: the prior, and for each memory a Student t and three kernels. */
export const experts = 9

/** What one memory has counted of ln T: its sums, and a row of masses by bin. */
export interface Memory {
  readonly count: number
  readonly sum: number
  readonly squares: number
  readonly row: Float64Array
}

/** The counts of one class. Immutable. */
export interface Counts {
  /** Endings, in full. */
  readonly endings: number
  readonly memories: readonly [Memory, Memory]
  /** The logarithms of the weights of the experts: they start at 0, and only their differences count. */
  readonly weights: ReadonlyArray<number>
  readonly progress: progress.Progress
}

const noMemory = (): Memory => ({ count: 0, sum: 0, squares: 0, row: new Float64Array(bins) })

export const none: Counts = {
  endings: 0,
  memories: [noMemory(), noMemory()],
  weights: Array.from({ length: experts }, () => 0),
  progress: progress.none
}

const mapMemories = (f: (index: 0 | 1) => Memory): readonly [Memory, Memory] => [f(0), f(1)]

const combine = (a: Memory, b: Memory, keep: number): Memory => ({
  count: keep * a.count + b.count,
  sum: keep * a.sum + b.sum,
  squares: keep * a.squares + b.squares,
  row: a.row.map((mass, bin) => keep * mass + b.row[bin]!)
})

/** Both counts in one. Neither is older than the other. */
export const merge = (a: Counts, b: Counts): Counts => ({
  endings: a.endings + b.endings,
  memories: mapMemories((index) => combine(a.memories[index], b.memories[index], 1)),
  weights: a.weights.map((weight, expert) => weight + b.weights[expert]!),
  progress: progress.merge(a.progress, b.progress)
})

/** The counts after later ones, by whose endings the earlier ones fade. */
export const append = (self: Counts, later: Counts): Counts => ({
  endings: self.endings + later.endings,
  memories: mapMemories((index) => combine(self.memories[index], later.memories[index], keeps[index] ** later.endings)),
  weights: self.weights.map((weight, expert) => weight + later.weights[expert]!),
  progress: progress.merge(self.progress, later.progress)
})

/** The counts after one more ending. */
export const add = (self: Counts, seen: Memory, weights: ReadonlyArray<number>, told: progress.Progress): Counts => ({
  endings: self.endings + 1,
  memories: mapMemories((index) => combine(self.memories[index], seen, keeps[index])),
  weights,
  progress: told
})

/** What was counted since some counts, with one more ending: that which has changed the counts from `before` to `after`. */
export const latest = (self: Counts, before: Counts, after: Counts): Counts => ({
  endings: self.endings + 1,
  memories: mapMemories((index) => {
    const keep = keeps[index]
    const one = combine(before.memories[index], after.memories[index], -keep)
    return combine(self.memories[index], one, keep)
  }),
  weights: self.weights.map((weight, expert) => weight + after.weights[expert]! - before.weights[expert]!),
  progress: progress.since(self.progress, before.progress, after.progress)
})

/** What a duration that is known exactly counts for. */
export const exactly = (ln: number, place: number): Memory => {
  const row = new Float64Array(bins)
  // Split between the two nearest middles.
  const at = Math.min(bins - 1, Math.max(0, place - 0.5))
  const bin = Math.min(bins - 2, Math.floor(at))
  row[bin] = bin + 1 - at
  row[bin + 1] = at - bin
  return { count: 1, sum: ln, squares: ln * ln, row }
}

/** What a duration counts for of which only the chances are known. `row` is kept. */
export const spread = (row: Float64Array): Memory => {
  let count = 0
  let sum = 0
  let squares = 0
  for (let bin = 0; bin < bins; bin++) {
    const mass = row[bin]!
    count += mass
    sum += mass * middles[bin]!
    squares += mass * middles[bin]! * middles[bin]!
  }
  return { count, sum, squares, row }
}
