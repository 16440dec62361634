/**
 * What a `History` has learned of one job, as a value that can be stored and merged.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import * as counts from "./internal/counts.ts"
import { bins } from "./internal/grid.ts"
import { mostClasses } from "./internal/live.ts"

/**
 * What has been learned of the durations of one job: of all of them, and by class. Plain JSON.
 *
 * **Details**
 *
 * All of it adds: counts, sums, and the logarithms of weights. It contains no keys.
 *
 * @category models
 * @since 0.1.0
 */
export interface HistoryData {
  /** The version of the format. */
  readonly version: 1
  /** The name of the `Job`. */
  readonly job: string
  /** What has been counted of all endings. */
  readonly pool: Counts
  /** What has been counted of the endings of each class, at most 1,000. */
  readonly classes: Readonly<Record<string, Counts>>
}

/**
 * What has been counted of some endings.
 *
 * @category models
 * @since 0.1.0
 */
export interface Counts {
  /** How many endings there were. */
  readonly endings: number
  /** What a long and a short memory have kept of them. */
  readonly memories: readonly [Memory, Memory]
  /** The logarithms of the weights of the experts. */
  readonly weights: ReadonlyArray<number>
  /** What progress has said about durations, by tenth, and the logarithm of the odds that it says something. */
  readonly progress: { readonly tenths: ReadonlyArray<Sums>; readonly trust: number }
}

/**
 * Sums of a quantity, of which older values weigh less.
 *
 * @category models
 * @since 0.1.0
 */
export interface Sums {
  readonly count: number
  readonly sum: number
  readonly squares: number
}

/**
 * The sums of the logarithms of durations in seconds, and their distribution.
 *
 * @category models
 * @since 0.1.0
 */
export interface Memory extends Sums {
  /** The bins that are not empty, each followed by its mass. */
  readonly bins: ReadonlyArray<number>
}

const sumFields = { count: Schema.Finite, sum: Schema.Finite, squares: Schema.Finite }

const Memory: Schema.Codec<Memory, Memory> = /*#__PURE__*/ Schema.Struct({
  ...sumFields,
  bins: Schema.Array(Schema.Finite).check(Schema.isMaxLength(2 * bins))
})

const Counts: Schema.Codec<Counts, Counts> = /*#__PURE__*/ Schema.Struct({
  endings: Schema.Natural,
  memories: Schema.Tuple([Memory, Memory]),
  weights: Schema.Array(Schema.Finite).check(Schema.isBetweenLength(counts.experts, counts.experts)),
  progress: Schema.Struct({
    tenths: Schema.Array(Schema.Struct(sumFields)).check(Schema.isBetweenLength(10, 10)),
    trust: Schema.Finite
  })
})

/**
 * The Schema of what a history has learned. Its encoded form is plain JSON.
 *
 * @category schemas
 * @since 0.1.0
 */
export const HistoryData: Schema.Codec<HistoryData, HistoryData> = /*#__PURE__*/ Schema.Struct({
  version: Schema.Literal(1),
  job: Schema.NonEmptyString,
  pool: Counts,
  classes: Schema.Record(Schema.String, Counts)
})

/**
 * Returns what is known of a job without any endings.
 *
 * @category constructors
 * @since 0.1.0
 */
export const empty = (job: string): HistoryData => ({ version: 1, job, pool: fromCounts(counts.none), classes: {} })

/**
 * Merges what two histories of the same job have learned. The order does not matter.
 *
 * **Details**
 *
 * Of more than 1,000 classes those with the most endings are kept. Throws a RangeError if the jobs differ.
 *
 * **Example** (Merging what two machines have learned)
 *
 * ```ts
 * import * as History from "@effect-poll/learned/History"
 * import * as HistoryData from "@effect-poll/learned/HistoryData"
 *
 * const learn = (...seconds: ReadonlyArray<number>) => {
 *   const history = History.makeUnsafe("render")
 *   for (const each of seconds) History.recordUnsafe(history, History.ended({ seconds: each }))
 *   return History.toData(history)
 * }
 * const both = HistoryData.merge(learn(40, 45), learn(50))
 * both.pool.endings // => 3
 * ```
 *
 * @category combining
 * @since 0.1.0
 */
export const merge = (a: HistoryData, b: HistoryData): HistoryData => combine("merge", a, b, counts.merge)

/**
 * Adds what was learned later to what was learned before, which fades by it.
 *
 * **Details**
 *
 * `later` starts without endings, as `History.toFresh` yields it. Throws a RangeError if the jobs differ.
 *
 * @category combining
 * @since 0.1.0
 */
export const append = (self: HistoryData, later: HistoryData): HistoryData =>
  combine("append", self, later, counts.append)

// ---- internal ----

const combine = (
  name: string,
  a: HistoryData,
  b: HistoryData,
  both: (a: counts.Counts, b: counts.Counts) => counts.Counts
): HistoryData => {
  if (a.job !== b.job) throw new RangeError(`HistoryData.${name}: the job must be ${a.job}, got ${b.job}`)
  const names = new Set([...Object.keys(a.classes), ...Object.keys(b.classes)])
  const of = (data: HistoryData, name: string): counts.Counts =>
    Object.hasOwn(data.classes, name) ? toCounts(data.classes[name]!) : counts.none
  const classes = [...names].map((name) => [name, both(of(a, name), of(b, name))] as const)
  return {
    version: 1,
    job: a.job,
    pool: fromCounts(both(toCounts(a.pool), toCounts(b.pool))),
    classes: Object.fromEntries(
      classes
        .toSorted(([x, { endings: m }], [y, { endings: n }]) => n - m || (x < y ? -1 : 1))
        .slice(0, mostClasses)
        .map(([name, counted]) => [name, fromCounts(counted)])
    )
  }
}

/** @internal */
export const fromCounts = ({ endings, memories, progress, weights }: counts.Counts): Counts => ({
  endings,
  memories: [fromMemory(memories[0]), fromMemory(memories[1])],
  weights,
  progress
})

/** @internal */
export const toCounts = ({ endings, memories, progress, weights }: Counts): counts.Counts => ({
  endings,
  memories: [toMemory(memories[0]), toMemory(memories[1])],
  weights,
  progress
})

const fromMemory = ({ count, row, squares, sum }: counts.Memory): Memory => {
  const filled: Array<number> = []
  for (let bin = 0; bin < bins; bin++) {
    const mass = Math.round(row[bin]! * 1e6) / 1e6
    if (mass !== 0) filled.push(bin, mass)
  }
  return { count, sum, squares, bins: filled }
}

const toMemory = ({ bins: filled, count, squares, sum }: Memory): counts.Memory => {
  const row = new Float64Array(bins)
  for (let index = 0; index + 1 < filled.length; index += 2) {
    const bin = filled[index]!
    if (Number.isInteger(bin) && bin >= 0 && bin < bins) row[bin] = Math.max(0, filled[index + 1]!)
  }
  return { count, sum, squares, row }
}
