/**
 * What a strategy costs, and what the best possible schedule costs.
 *
 * A wait costs requests and lag: the time from the end of the job to the check that finds it. They are made comparable
 * by a weight `w`, the seconds of lag that are worth one request: `cost = requests + lag / w`.
 *
 * **Details**
 *
 * All times are in seconds. A check at or after the end of a job ends the wait, and checks take no time.
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"
import type * as Schedule from "effect/Schedule"
import type * as Types from "effect/Types"
import type { Observation } from "effect-poll/Observation"
import type { Audit } from "./Audit.ts"
import type { Comparison } from "./Comparison.ts"
import { auditOf } from "./internal/audit.ts"
import { boundOf, fluidOf } from "./internal/bound.ts"
import { compared } from "./internal/compare.ts"
import { meanOf } from "./internal/cost.ts"
import { optimumOf } from "./internal/optimum.ts"
import { simulated } from "./internal/simulate.ts"
import type { Model } from "./Model.ts"
import type { Cost, Options, Simulation } from "./Simulation.ts"

/**
 * The best possible schedule for a model (see `optimum`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Optimum {
  /** The mean of `requests + lag / w`. */
  readonly cost: number
  /** The mean number of requests of a wait. */
  readonly requests: number
  /** The mean time in seconds from the end of a job to the check that finds it. */
  readonly lag: number
  /** The times of the checks in seconds since the start. */
  readonly checks: ReadonlyArray<number>
}

/**
 * Computes the schedule with the least cost for durations that are known, by dynamic programming.
 *
 * **Details**
 *
 * The model must have a longest duration: use `Model.truncated`. The cost is exact to 0.1 %. Throws a RangeError if `w`
 * is not a positive finite number or the model has no longest duration.
 *
 * See Barlow, Hunter and Proschan, "Optimum checking procedures", 1963.
 *
 * **Example** (Checking once when the duration is known)
 *
 * ```ts
 * import * as Lab from "@effect-poll/lab/Lab"
 * import * as Model from "@effect-poll/lab/Model"
 *
 * const best = Lab.optimum(Model.deterministic(45), 2)
 * best.checks // => [45]
 * ```
 *
 * @category computing
 * @since 0.1.0
 */
export const optimum = (model: Model, w: number): Optimum => {
  positive("Lab.optimum: w", w)
  bounded("Lab.optimum: model", model)
  return optimumOf(model, w)
}

/**
 * Computes what checks at given times cost: exact means over all durations of a model.
 *
 * **Details**
 *
 * `checks` are seconds since the start, ascending. Throws a RangeError if `w` is not a positive finite number.
 *
 * **Example** (Checking at 30 and 60 seconds)
 *
 * ```ts
 * import * as Lab from "@effect-poll/lab/Lab"
 * import * as Model from "@effect-poll/lab/Model"
 *
 * Lab.costOf(Model.empirical([20, 50]), [30, 60], 10) // => { cost: 2.5, requests: 1.5, lag: 10, missed: 0 }
 * ```
 *
 * @category computing
 * @since 0.1.0
 */
export const costOf = (model: Model, checks: ReadonlyArray<number>, w: number): Cost => {
  positive("Lab.costOf: w", w)
  const { lag, missed, requests } = meanOf(model, checks)
  return { cost: requests + lag / w, requests, lag, missed }
}

/**
 * Computes what a strategy costs for jobs of a model, in virtual time.
 *
 * **Details**
 *
 * The strategy is stepped as a wait steps it: the first check comes at once or after its first wait, delays are rounded
 * up to whole milliseconds, and a delay of 0 becomes 10 milliseconds. Any `Schedule` can be simulated.
 *
 * - A strategy without draws has one path, whose mean cost over all durations is exact.
 * - A strategy that draws random numbers, such as jitter, is walked `jobs` times. The mean of each path is exact.
 * - With `onEnd`, or with a model that is a function of the number of the job, jobs run one after the other. Each adds
 *   the mean cost of its path over all durations of its model; then its duration is drawn and `onEnd` is called.
 * - With `progress`, the path of a job depends on its duration: each job adds what it costs itself.
 *
 * Models must have a longest duration: use `Model.truncated`. Throws a RangeError for an option out of range.
 *
 * **Example** (Comparing a fixed interval with the best schedule)
 *
 * ```ts
 * import * as Lab from "@effect-poll/lab/Lab"
 * import * as Model from "@effect-poll/lab/Model"
 * import * as Effect from "effect/Effect"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const model = Model.deterministic(45)
 * const { requests } = await Effect.runPromise(Lab.simulate(Strategy.spaced("5 seconds"), model, { w: 2 }))
 * requests // => 10
 * Lab.optimum(model, 2).requests // => 1
 * ```
 *
 * @category computing
 * @since 0.1.0
 */
export const simulate = <R = never, R2 = never>(
  strategy: Schedule.Schedule<unknown, Observation, never, R>,
  model: Model | ((index: number) => Model),
  options: Options<R2>
): Effect.Effect<Simulation, never, Types.NoInfer<R | R2>> => {
  positive("Lab.simulate: w", options.w)
  if (options.jobs !== undefined) count("Lab.simulate: jobs", options.jobs)
  if (typeof model !== "function") bounded("Lab.simulate: model", model)
  return simulated(strategy, model, options)
}

/**
 * A kind of jobs that share a budget with others.
 *
 * @category models
 * @since 0.1.0
 */
export interface Kind {
  /** How many jobs start in a second; a positive finite number. */
  readonly rate: number
  /** How long they take. */
  readonly model: Model
}

/**
 * The least mean lag for a budget of requests (see `bound`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Bound {
  /** The mean lag of a job in seconds that no strategy can go below; `Infinity` with less than one request for each job. */
  readonly lag: number
  /** The price at which the best schedules spend the budget: the seconds of lag that are worth one request. */
  readonly w: number
}

/**
 * Computes the least mean lag that jobs of some kinds can have with a budget of requests per second.
 *
 * **Details**
 *
 * For jobs that start at a rate λk, with Λ the sum of the rates and R the budget, no strategy that knows the models
 * has a mean lag below the maximum over w of (1 / Λ) Σ λk (lagk(w) + w requestsk(w)) − w R / Λ, with the lag and the
 * requests of `optimum`. Throws a RangeError for an option out of range.
 *
 * **Example** (Spending one request on each job)
 *
 * ```ts
 * import * as Lab from "@effect-poll/lab/Lab"
 * import * as Model from "@effect-poll/lab/Model"
 *
 * const { lag } = Lab.bound([{ rate: 3, model: Model.empirical([10, 30]) }], 3)
 * lag // => 10
 * ```
 *
 * @category computing
 * @since 0.1.0
 */
export const bound = (kinds: ReadonlyArray<Kind>, requestsPerSecond: number): Bound => {
  checked("Lab.bound", kinds, requestsPerSecond)
  return boundOf(kinds, requestsPerSecond)
}

/**
 * Computes the limit of `bound` for many requests per job: (Σ λk ∫ √(fk Sk) dt)² / (2 R Λ), with the densities fk and
 * the survivals Sk.
 *
 * @category computing
 * @since 0.1.0
 */
export const fluidBound = (kinds: ReadonlyArray<Kind>, requestsPerSecond: number): Bound => {
  checked("Lab.fluidBound", kinds, requestsPerSecond)
  return fluidOf(kinds, requestsPerSecond)
}

/**
 * Examines a schedule: when it ends at worst, how often it checks, how late it notices the end of a job, and how many
 * requests many clients make at once.
 *
 * **Details**
 *
 * Throws a RangeError for an option out of range.
 *
 * **Example** (Finding out when sixty retries are over)
 *
 * ```ts
 * import * as Lab from "@effect-poll/lab/Lab"
 * import * as Effect from "effect/Effect"
 * import * as Schedule from "effect/Schedule"
 *
 * const schedule = Schedule.exponential("500 millis", 1.5).pipe(Schedule.upTo({ times: 60 }))
 * const { ends } = await Effect.runPromise(Lab.audit(schedule))
 * const years = Math.round(ends!.after / (365 * 86_400)) // => 1166
 * ```
 *
 * @category computing
 * @since 0.1.0
 */
export const audit = <R = never>(
  schedule: Schedule.Schedule<unknown, Observation, never, R>,
  options?: {
    /** The durations of jobs in seconds; positive finite numbers, default a minute, ten minutes, an hour. */
    readonly durations?: ReadonlyArray<number> | undefined
    /** How many clients start together; an integer >= 1, default 1,000. */
    readonly clients?: number | undefined
  }
): Effect.Effect<Audit, never, Types.NoInfer<R>> => {
  const clients = options?.clients ?? 1_000
  const durations = options?.durations ?? [60, 600, 3_600]
  count("Lab.audit: clients", clients)
  for (const seconds of durations) positive("Lab.audit: durations", seconds)
  return auditOf(schedule, { clients, durations })
}

/**
 * Computes what families of strategies cost for one model, to be shown side by side.
 *
 * **Details**
 *
 * A family is one kind of strategy with some setting, such as an interval, that trades requests for lag: give several of
 * them for a curve, or one for a point. The best possible schedules are added as a family of their own.
 *
 * `Comparison` turns the result into a table, JSON or a plot. Throws a RangeError for an option out of range.
 *
 * **Example** (Comparing intervals with a strategy of your own)
 *
 * ```ts
 * import * as Comparison from "@effect-poll/lab/Comparison"
 * import * as Lab from "@effect-poll/lab/Lab"
 * import * as Model from "@effect-poll/lab/Model"
 * import * as Effect from "effect/Effect"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const model = Model.truncated(Model.lognormal({ median: 45, sigma: 0.5 }))
 * const comparison = await Effect.runPromise(
 *   Lab.compare(model, [
 *     { name: "fixed interval", strategies: [2, 5, 10, 20].map((seconds) => Strategy.spaced(`${seconds} seconds`)) },
 *     {
 *       name: "yours",
 *       strategies: [Strategy.withFirstWait(Strategy.spaced("5 seconds"), "25 seconds")],
 *       isYours: true
 *     }
 *   ])
 * )
 * const svg = Comparison.toSvg(comparison)
 * const accessible = svg.includes('role="img"') // => true
 * ```
 *
 * @category computing
 * @since 0.1.0
 */
export const compare = <R = never>(
  model: Model,
  families: ReadonlyArray<{
    /** The name in the table and the plot. */
    readonly name: string
    /** The strategies, from many requests to few. */
    readonly strategies: ReadonlyArray<Schedule.Schedule<unknown, Observation, never, R>>
    /** Marks the family in the plot; default `false`. */
    readonly isYours?: boolean | undefined
  }>,
  options?: {
    /** How many seconds of lag one request is worth, for the costs in the table; a positive finite number, default 2. */
    readonly w?: number | undefined
    /** How many paths to walk along a strategy with jitter; an integer >= 1, default 100. */
    readonly paths?: number | undefined
    /** Makes draws repeatable; default `"compare"`. */
    readonly seed?: string | number | undefined
  }
): Effect.Effect<Comparison, never, Types.NoInfer<R>> => {
  const { paths = 100, seed = "compare", w = 2 } = options ?? {}
  positive("Lab.compare: w", w)
  count("Lab.compare: paths", paths)
  bounded("Lab.compare: model", model)
  return compared(model, families, { w, jobs: paths, seed })
}

// ---- internal ----

const checked = (name: string, kinds: ReadonlyArray<Kind>, requestsPerSecond: number): void => {
  if (kinds.length === 0) throw new RangeError(`${name}: kinds must not be empty`)
  positive(`${name}: requestsPerSecond`, requestsPerSecond)
  for (const { model, rate } of kinds) {
    positive(`${name}: rate`, rate)
    bounded(`${name}: model`, model)
  }
}

const positive = (option: string, value: number): void => {
  if (!(value > 0 && Number.isFinite(value))) {
    throw new RangeError(`${option} must be a positive finite number, got ${value}`)
  }
}

const count = (option: string, value: number): void => {
  if (!(Number.isInteger(value) && value >= 1)) throw new RangeError(`${option} must be an integer >= 1, got ${value}`)
}

const bounded = (option: string, model: Model): void => {
  if (!Number.isFinite(model.quantile(1))) {
    throw new RangeError(`${option} must have a longest duration, got ${model.name}; see Model.truncated`)
  }
}
