/**
 * Strategies that learn how long jobs take.
 *
 * A wait costs requests, and lag: the time from the end of the job to the check that finds it. A strategy of this module
 * checks when that costs least for what its `History` knows of the durations: seldom while a job can hardly have ended,
 * often when it is likely to end.
 *
 * **Details**
 *
 * - The strategy is a `Strategy` like any other: pure, with no state for each job, and resumable from a token. It reads
 *   the current plan of the history, an immutable table that is replaced at most every 100 milliseconds.
 * - While nothing is known, checks follow at about `w k² / 2` where a request is worth the lag `w`; with the `hint` of the
 *   history, by that. After 20 endings the cost is within a few percent of the best possible schedule.
 * - If jobs become slower or faster, the strategy follows within a few tens of endings.
 * - The progress of a job is used as far as it has foretold durations so far. The delay that a server requests is a floor,
 *   as for all strategies.
 * - Ages count from the start of the wait, or from an earlier start that the server tells (`CheckResult.withTimes`).
 *
 * **Gotchas**
 *
 * A wait for a job that may have ended long ago should check at once: `Strategy.withFirstWait(0)`.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Strategy from "effect-poll/Strategy"
import * as Fleet from "./Fleet.ts"
import type { History } from "./History.ts"
import { liveOf } from "./internal/handle.ts"
import type { Kind } from "./internal/live.ts"
import { nextAge, nextAgeWith, Planner, tableOf, type Table } from "./internal/planner.ts"
import * as prices from "./internal/price.ts"
import { simpleCheck, simpleTable } from "./internal/simple.ts"
import { byAge, planned } from "./internal/strategies.ts"
import * as validate from "./internal/validate.ts"

/**
 * What a strategy is to reach: how much lag one request is worth, or a target.
 *
 * **Details**
 *
 * - `lagWorth`: the lag that one request is worth. The sum of requests and lag, in these units, is as small as possible.
 * - `checksPerJob`: at most so many checks for each job on average, with as little lag as they allow.
 * - `lag`: a lag of at most this on average, or for 95 % of the jobs, with as few checks as possible.
 *
 * Targets are met for what is believed of the durations; until there are endings they can only be guessed.
 *
 * @category models
 * @since 0.1.0
 */
export type Price =
  | { readonly lagWorth: Duration.Input }
  | { readonly checksPerJob: number }
  | { readonly lag: { readonly p95: Duration.Input } | { readonly mean: Duration.Input } }

/**
 * What a strategy goes by at a moment, for tests and for showing.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot {
  /** How many endings it has learned from. */
  readonly endings: number
  /** The lag that one request is worth, in milliseconds: as given, or as it follows from the target. */
  readonly lagWorthMillis: number
  /** The mean number of checks that are expected for a job; `undefined` while nothing is known. */
  readonly checksPerJob: number | undefined
  /** The mean lag that is expected, in milliseconds; `undefined` while nothing is known. */
  readonly lagMillis: number | undefined
  /** Returns the age of the next check of a job that is pending at an age, both in milliseconds. */
  readonly nextMillis: (ageMillis: number, progress?: number) => number
  /** Returns the age by which a share of the jobs is believed to have ended, in milliseconds. */
  readonly quantileMillis: (share: number) => number
}

/**
 * Makes a strategy that plans by a history.
 *
 * **Details**
 *
 * The first wait is part of the plan. Limits, jitter and other first waits are set by the combinators of `Strategy`.
 * Throws a RangeError for a value out of range.
 *
 * **Example** (Checking when renders are likely to end)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 * import * as History from "@effect-poll/learned/History"
 * import * as Learned from "@effect-poll/learned/Learned"
 *
 * const history = History.makeUnsafe("render")
 * const strategy = Learned.strategy(history, { lagWorth: "2 seconds" })
 * const cold = Strategy.firstWaitMillis(strategy)
 * for (const seconds of [58, 61, 60, 63, 59, 60]) History.recordUnsafe(history, History.ended({ seconds }))
 * const warm = Strategy.firstWaitMillis(strategy)
 * cold < 5_000 && warm > 40_000 // => true
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const strategy = (history: History, price: Price): Strategy.Strategy => {
  const live = liveOf(history)
  return planned(new Planner(live, priceOf("Learned.strategy", price)))
}

/**
 * Makes a strategy of a first wait and even spacing, both from the quantiles that a history has seen.
 *
 * **When to use**
 *
 * Use as the simplest strategy that learns, for comparison, or where its schedule has to be explained in one line. It knows
 * neither progress nor several modes, and costs more than `strategy`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const simple = (history: History, price: { readonly lagWorth: Duration.Input }): Strategy.Strategy => {
  const live = liveOf(history)
  const w = validate.seconds("Learned.simple: lagWorth", price.lagWorth, "positive")
  let table = simpleTable(live.pool, w)
  const tables = new WeakMap<Kind, { readonly table: typeof table; readonly at: number }>()
  const tableFor = (kind: Kind): typeof table => {
    const known = tables.get(kind)
    const isNew = known !== undefined && (known.table.version === kind.version || live.now - known.at < 100)
    if (isNew) return known.table
    table = simpleTable(kind, w)
    tables.set(kind, { table, at: live.now })
    return table
  }
  return byAge((key, age) => simpleCheck(tableFor(live.kind(live.classOf(key))), age))
}

/**
 * Makes strategies and a gate for many jobs under one budget of requests: see `Fleet`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const fleet: (options: Fleet.Options) => Effect.Effect<Fleet.Fleet> = Fleet.make

/**
 * Returns what a strategy with this price goes by now, for the class of jobs that is given; default: all jobs.
 *
 * @category destructors
 * @since 0.1.0
 */
export const snapshot = (history: History, price: Price = { lagWorth: "2 seconds" }, className?: string): Snapshot => {
  const live = liveOf(history)
  const kind = live.kind(className)
  const table = tableOf(live, kind, priceOf("Learned.snapshot", price))
  return snapshotOf(kind, table)
}

/**
 * Says in a sentence when a job is checked next, and why.
 *
 * **Example** (Asking why a job is not checked yet)
 *
 * ```ts
 * import * as History from "@effect-poll/learned/History"
 * import * as Learned from "@effect-poll/learned/Learned"
 *
 * const history = History.makeUnsafe("render")
 * Learned.explain(history, { lagWorth: "2 seconds" }, { ageMillis: 6_000 })
 * // => "The next check is in 7s: nothing is known of how long these jobs take, so delays grow with the age of the job."
 * ```
 *
 * @category destructors
 * @since 0.1.0
 */
export const explain = (
  history: History,
  price: Price,
  job?: {
    /** The age of the job in milliseconds; default 0. */
    readonly ageMillis?: number | undefined
    /** The encoded key of the job. Default: a job without a class. */
    readonly key?: string | undefined
    /** The progress of the job, from 0 to 1. */
    readonly progress?: number | undefined
  }
): string => {
  const live = liveOf(history)
  const kind = live.kind(job?.key === undefined ? undefined : live.classOf(job.key))
  const { endings, lagWorthMillis, nextMillis, quantileMillis } = snapshotOf(
    kind,
    tableOf(live, kind, priceOf("Learned.explain", price))
  )
  const age = job?.ageMillis ?? 0
  const next = `The next check is in ${show(nextMillis(age, job?.progress) - age)}`
  if (endings === 0 && live.hint === undefined) {
    return `${next}: nothing is known of how long these jobs take, so delays grow with the age of the job.`
  }
  const known = endings === 0 ? "by the hint" : `after ${endings} ${endings === 1 ? "ending" : "endings"}`
  const progress = job?.progress === undefined ? "" : `, its progress is ${Math.round(job.progress * 100)} %`
  return (
    `${next}: the job is ${show(age)} old${progress}, half of such jobs take ${show(quantileMillis(0.5))} ` +
    `and nine of ten ${show(quantileMillis(0.9))} (${known}), and a request is worth ${show(lagWorthMillis)} of lag.`
  )
}

// ---- internal ----

const priceOf = (name: string, price: Price): prices.Price => {
  if ("lagWorth" in price) {
    return { _tag: "LagWorth", w: validate.seconds(`${name}: lagWorth`, price.lagWorth, "positive") }
  }
  if ("checksPerJob" in price) {
    const most = validate.positive(`${name}: checksPerJob`, price.checksPerJob)
    return most > 1 ? { _tag: "Checks", most } : validate.refuse(`${name}: checksPerJob`, "more than 1", most)
  }
  const { lag } = price
  return "p95" in lag
    ? { _tag: "Lag", most: validate.seconds(`${name}: lag.p95`, lag.p95, "positive"), share: 0.95 }
    : { _tag: "Lag", most: validate.seconds(`${name}: lag.mean`, lag.mean, "positive"), share: "mean" }
}

const snapshotOf = (kind: Kind, table: Table): Snapshot => {
  const chances = prices.cumulative(kind.likely)
  const expected = table.plan === undefined ? undefined : prices.expectedOf(table.plan, chances, 0)
  return {
    endings: kind.endings,
    lagWorthMillis: 1000 * table.w,
    checksPerJob: expected?.checks,
    lagMillis: expected === undefined ? undefined : 1000 * expected.lag,
    nextMillis: (ageMillis, progress) => {
      const age = ageMillis / 1000
      const sample = progress === undefined ? undefined : { progress, age }
      return 1000 * (progress === undefined ? nextAge(table, age) : nextAgeWith(kind, table, sample, age))
    },
    quantileMillis: (share) => 1000 * prices.quantile(chances, share)
  }
}

const show = (millis: number): string => {
  const digits = millis >= 10_000 ? 0 : millis >= 1_000 ? 1 : 3
  const seconds = Number((millis / 1000).toFixed(digits))
  return Duration.format(Duration.millis(Math.round(seconds * 1000)))
}
