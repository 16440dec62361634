import * as counts from "./counts.ts"
import { densityAt, mixtureOf, rowsOf, sharesOf } from "./densities.ts"
import { bins, clampedPlace, massBetween, placeOf, shortest, type Row } from "./grid.ts"

import * as progress from "./progress.ts"

// How the durations of one class of jobs are learned.

/** What is known of one duration, in seconds: it ended after `from`, and at `to` at the latest. */
export interface Seen {
  readonly from: number
  /** Equal to `from` if the duration is known exactly, `Infinity` if the job had not ended at `from`. */
  readonly to: number
  /** The age from which the job was watched: had it ended before, it would not have been seen. Default 0. */
  readonly since?: number | undefined
  /** The progress that the job reported. */
  readonly samples?: ReadonlyArray<progress.Sample> | undefined
}

/** The share of the weights that is shared out evenly after each ending, so that an expert can come back. */
const fixedShare = 0.01

/** What the counts say. Immutable, worked out once. */
export interface Beliefs {
  readonly rows: ReadonlyArray<Row>
  readonly shares: ReadonlyArray<number>
  readonly mixture: Row
}

/** `isInformed` says whether the prior says something of this job. */
export const beliefsOf = (self: counts.Counts, prior: Row, isInformed = false): Beliefs => {
  const rows = rowsOf(self, prior, isInformed)
  const shares = sharesOf(self.weights)
  return { rows, shares, mixture: mixtureOf(rows, shares) }
}

/** The counts after one more ending. */
export const observe = (self: counts.Counts, { mixture, rows, shares }: Beliefs, seen: Seen): counts.Counts => {
  const since = seen.since === undefined ? 0 : clampedPlace(Math.min(seen.since, seen.from))
  const isExact = seen.to < Number.POSITIVE_INFINITY && seen.to - seen.from <= 1e-9 * seen.to
  const from = clampedPlace(seen.from)
  const to = Math.max(from + 1e-6, seen.to === Number.POSITIVE_INFINITY ? bins : clampedPlace(seen.to))
  const likelihood = (row: Row): number => {
    const mass = isExact ? densityAt(row, seen.to) : massBetween(row, from, to)
    return since === 0 ? mass : mass / Math.max(1e-12, massBetween(row, since, bins))
  }
  const joint = rows.map((row, expert) => shares[expert]! * likelihood(row))
  const sum = joint.reduce((a, b) => a + b, 0)
  const weights = joint.map((mass) => Math.log((1 - fixedShare) * (mass / sum) + fixedShare / counts.experts))
  const seconds = Math.max(shortest, seen.to)
  const one = isExact ? counts.exactly(Math.log(seconds), placeOf(seconds)) : counts.spread(between(mixture, from, to))
  const told =
    seen.samples === undefined || seen.to === Number.POSITIVE_INFINITY
      ? self.progress
      : progress.observe(self.progress, mixture, seen.samples, seen.from, seen.to)
  return counts.add(self, since === 0 ? one : withUnseen(one, mixture, since, self.endings), weights, told)
}

// ---- internal ----

/** The part of a row between two places, as masses that add up to 1. */
const between = (row: Row, from: number, to: number): Row => {
  const part = new Float64Array(bins)
  const sum = massBetween(row, from, to)
  const first = Math.min(bins - 1, Math.floor(from))
  const last = Math.min(bins - 1, Math.floor(to))
  for (let bin = first; bin <= last; bin++) {
    const share = Math.max(0, Math.min(to, bin + 1) - Math.max(from, bin))
    part[bin] = sum > 0 ? (row[bin]! * share) / sum : share / (to - from)
  }
  return part
}

/** The most jobs that one that was found late stands for, besides itself. */
const mostUnseen = 2

/** With fewer endings than this, too little is believed of those that were not seen. */
const fewEndings = 20

/** A job that was found late also stands for those that had ended by then, in proportion to their chances. */
const withUnseen = (one: counts.Memory, mixture: Row, since: number, endings: number): counts.Memory => {
  const left = massBetween(mixture, since, bins)
  const odds = (1 - left) / Math.max(1e-12, left)
  const unseen = Math.min(mostUnseen, odds) * (endings / (endings + fewEndings))
  const before = counts.spread(between(mixture, 0, since))
  return {
    count: one.count + unseen * before.count,
    sum: one.sum + unseen * before.sum,
    squares: one.squares + unseen * before.squares,
    row: one.row.map((mass, bin) => mass + unseen * before.row[bin]!)
  }
}
