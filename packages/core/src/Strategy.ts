/**
 * Decides when to check next.
 *
 * A strategy is a `Schedule` whose input is an `Observation`. It is used as `Effect.repeat` uses a schedule: check,
 * wait for its delay, check again. Any `Schedule` is a strategy. The strategies of this module add what a `Schedule`
 * cannot express: a first wait before the first check, limits that count from the start of the wait, and a pure
 * decision function. The polling loop calls that function directly, which needs no state per wait and is about a
 * hundred times cheaper than stepping a composed schedule.
 *
 * **Details**
 *
 * - A delay is measured from the end of one check to the start of the next.
 * - Jitter only shortens delays, so a cap is never exceeded.
 * - `maxDuration` counts from the start of the wait and includes the first wait and the checks. One last check is
 *   placed before the limit (see `Poll`), then the wait fails with `PollTimeout` and the reason `"strategy"`.
 * - A strategy never ends a wait successfully, and never reads the clock.
 *
 * **Gotchas**
 *
 * The combinators of effect's `Schedule` accept a strategy too, but their result is a plain `Schedule` without its
 * first wait and limits. The combinators of this module keep them.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { hasProperty } from "effect/Predicate"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import { leadOf, placeNextCheck } from "./internal/nextCheck.ts"
import * as plans from "./internal/strategyPlan.ts"
import * as validate from "./internal/validate.ts"
import type { Observation } from "./Observation.ts"
import type { WaitReason } from "./PollEvent.ts"
import * as Status from "./Status.ts"

const TypeId = "~effect-poll/Strategy"

/**
 * A `Schedule` with a first wait, limits and a pure decision function.
 *
 * @category models
 * @since 0.1.0
 */
export interface Strategy extends Schedule.Schedule<Duration.Duration, Observation> {
  readonly [TypeId]: unknown
}

/**
 * The next delay in milliseconds, or the end of the strategy.
 *
 * @category models
 * @since 0.1.0
 */
export type Decision = number | "end"

/**
 * Decides how long to wait before the next check.
 *
 * **Details**
 *
 * - `step` is the number of this decision within the wait, from 1. Failed checks make no decision.
 * - `elapsedMillis` is the time since the first decision, in milliseconds.
 * - `observation` is the state of the wait after the check.
 * - `random` returns a number from 0 (inclusive) to 1 (exclusive).
 *
 * A negative delay or `NaN` counts as 0. The function must be pure, because waits share one strategy.
 *
 * @category models
 * @since 0.1.0
 */
export interface Decide {
  (step: number, elapsedMillis: number, observation: Observation, random: () => number): Decision
}

/**
 * Decides the wait before the first check of each wait, in milliseconds.
 *
 * **Details**
 *
 * `observation` is the state of the wait before its first check: it has the encoded key, the time until the deadline,
 * and `attempt` 0. A negative wait or `NaN` counts as 0, and a wait longer than a day as a day. The function must be
 * pure, because waits share one strategy. It is not asked again when a wait is resumed.
 *
 * @category models
 * @since 0.1.0
 */
export interface FirstWait {
  (observation: Observation): number
}

/**
 * Tests whether a value is a strategy of this module. A plain `Schedule` is not, although a wait accepts it.
 *
 * @category guards
 * @since 0.1.0
 */
export const isStrategy = (u: unknown): u is Strategy => hasProperty(u, TypeId)

/**
 * Creates a strategy from a decision function.
 *
 * **Details**
 *
 * Throws a RangeError for a value out of range.
 *
 * **Example** (Checking more often near the end)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const eager = Strategy.make({
 *   decide: (_step, _elapsed, { status }) => ((status.progress ?? 0) > 0.9 ? 1_000 : 10_000)
 * })
 * Strategy.delaysMillis(eager, 2) // => [10_000, 10_000]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: {
  /** Returns the next delay in milliseconds, or `"end"`. */
  readonly decide: Decide
  /** The wait before the first check; a non-negative finite duration, or a function that decides it; default 0. */
  readonly firstWait?: Duration.Input | FirstWait | undefined
  /** The maximum number of checks, including failed ones; an integer >= 1, default unbounded. */
  readonly maxAttempts?: number | undefined
  /** The maximum time from the start of the wait; a positive finite duration, default unbounded. */
  readonly maxDuration?: Duration.Input | undefined
}): Strategy =>
  fromPlan({
    decide: options.decide,
    firstWait: options.firstWait === undefined ? 0 : firstWaitOf("Strategy.make: firstWait", options.firstWait),
    maxAttempts:
      options.maxAttempts === undefined
        ? Number.POSITIVE_INFINITY
        : validate.count("Strategy.make: maxAttempts", options.maxAttempts, 1),
    maxDuration:
      options.maxDuration === undefined
        ? Number.POSITIVE_INFINITY
        : validate.millis("Strategy.make: maxDuration", options.maxDuration, "positive")
  })

/**
 * Waits for the same `interval` between checks: from the end of one check to the start of the next.
 *
 * **Details**
 *
 * `interval` must be a positive finite duration; otherwise a RangeError is thrown.
 *
 * @category constructors
 * @since 0.1.0
 */
export const spaced = (interval: Duration.Input): Strategy => {
  const millis = validate.millis("Strategy.spaced: interval", interval, "positive")
  return constantly(() => millis)
}

/**
 * Waits for `initial`, then for `increment` longer each time, up to an optional `cap`.
 *
 * **When to use**
 *
 * Use without a `cap` when the duration of a job is unknown. Set `increment` to the lag that one request is worth to
 * you, and `initial` to half of it. The cost of a wait, requests + lag / increment, is then 1.5 times that of the best
 * possible schedule (geometric mean); capped exponential backoff costs 2.1 to 2.3 times as much, and a fixed interval 4
 * to 8 times. These figures are measurements of this project, see the guide on strategies; for the theory see Barlow,
 * Hunter and Proschan, "Optimum checking procedures", 1963.
 *
 * **Details**
 *
 * Throws a RangeError for a value out of range.
 *
 * **Example** (Valuing half a second of lag at one request)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * Strategy.delaysMillis(Strategy.linear({ initial: "250 millis", increment: "500 millis" }), 4) // => [250, 750, 1250, 1750]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const linear = (options: {
  /** How much longer each delay is than the one before; a positive finite duration. */
  readonly increment: Duration.Input
  /** The first delay; a non-negative finite duration, default `increment`. */
  readonly initial?: Duration.Input | undefined
  /** The longest delay; a positive finite duration of at least `initial`, default unbounded. */
  readonly cap?: Duration.Input | undefined
}): Strategy => {
  const increment = validate.millis("Strategy.linear: increment", options.increment, "positive")
  const initial =
    options.initial === undefined
      ? increment
      : validate.millis("Strategy.linear: initial", options.initial, "nonNegative")
  const max = capOf("Strategy.linear", options.cap, initial, Number.POSITIVE_INFINITY)
  return constantly((step) => Math.min(max, initial + (step - 1) * increment))
}

/**
 * Waits for `initial`, then `factor` times as long each time, up to `cap`.
 *
 * **Details**
 *
 * There is always a cap, because uncapped exponential delays soon exceed the duration of any job.
 *
 * Throws a RangeError for a value out of range.
 *
 * **Example** (Backing off to twice a minute)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const backoff = Strategy.exponential({ initial: "2 seconds", factor: 1.5, cap: "30 seconds" })
 * Strategy.delaysMillis(backoff, 4) // => [2000, 3000, 4500, 6750]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const exponential = (options: {
  /** The first delay; a positive finite duration. */
  readonly initial: Duration.Input
  /** The ratio of each delay to the one before; a finite number >= 1, default 2. */
  readonly factor?: number | undefined
  /** The longest delay; a positive finite duration of at least `initial`, default 1 hour or `initial` if longer. */
  readonly cap?: Duration.Input | undefined
}): Strategy => {
  const initial = validate.millis("Strategy.exponential: initial", options.initial, "positive")
  const factor = validate.atLeast("Strategy.exponential: factor", options.factor ?? 2, 1)
  const max = capOf("Strategy.exponential", options.cap, initial, Math.max(initial, 3_600_000))
  return constantly((step) => Math.min(max, initial * Math.pow(factor, step - 1)))
}

/**
 * Sets the wait before the first check. Replaces an earlier one.
 *
 * **When to use**
 *
 * Use when the minimum duration of a job is known.
 *
 * **Details**
 *
 * `firstWait` must be a non-negative finite duration, otherwise a RangeError is thrown; or a function that decides it for
 * each wait.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withFirstWait: {
  /** Sets the wait before the first check: a non-negative finite duration, otherwise a RangeError; or a function. */
  (firstWait: Duration.Input | FirstWait): (self: Strategy) => Strategy
  /** Sets the wait before the first check: a non-negative finite duration, otherwise a RangeError; or a function. */
  (self: Strategy, firstWait: Duration.Input | FirstWait): Strategy
} = /*#__PURE__*/ dual(2, (self: Strategy, firstWait: Duration.Input | FirstWait) =>
  fromPlan({ ...planOf(self), firstWait: firstWaitOf("Strategy.withFirstWait: firstWait", firstWait) })
)

/**
 * Ends the strategy after `maxAttempts` checks, including failed ones. There is no wait after the last check.
 *
 * **Details**
 *
 * `maxAttempts` must be an integer >= 1; otherwise a RangeError is thrown. A smaller limit of `self` is kept.
 *
 * @category combinators
 * @since 0.1.0
 */
export const maxAttempts: {
  /** Ends the strategy after `maxAttempts` checks, including failed ones: an integer >= 1, otherwise a RangeError. */
  (maxAttempts: number): (self: Strategy) => Strategy
  /** Ends the strategy after `maxAttempts` checks, including failed ones: an integer >= 1, otherwise a RangeError. */
  (self: Strategy, maxAttempts: number): Strategy
} = /*#__PURE__*/ dual(2, (self: Strategy, maxAttempts: number) =>
  fromPlan({
    ...planOf(self),
    maxAttempts: Math.min(planOf(self).maxAttempts, validate.count("Strategy.maxAttempts: maxAttempts", maxAttempts, 1))
  })
)

/**
 * Ends the strategy after `maxRecurrences` delays.
 *
 * **When to use**
 *
 * Use for the `retry` of a `CheckErrorPolicy`: with `maxRecurrences(2)` a check is tried three times. To limit the
 * checks of a wait use `maxAttempts`, which also counts failed checks.
 *
 * **Details**
 *
 * `maxRecurrences` must be an integer >= 0; otherwise a RangeError is thrown. A smaller limit of `self` is kept.
 *
 * @category combinators
 * @since 0.1.0
 */
export const maxRecurrences: {
  /** Ends the strategy after `maxRecurrences` delays: an integer >= 0, otherwise a RangeError is thrown. */
  (maxRecurrences: number): (self: Strategy) => Strategy
  /** Ends the strategy after `maxRecurrences` delays: an integer >= 0, otherwise a RangeError is thrown. */
  (self: Strategy, maxRecurrences: number): Strategy
} = /*#__PURE__*/ dual(2, (self: Strategy, maxRecurrences: number) => {
  const limit = validate.count("Strategy.maxRecurrences: maxRecurrences", maxRecurrences, 0)
  const { decide } = planOf(self)
  return fromPlan({
    ...planOf(self),
    decide: (step, elapsed, observation, random) => (step > limit ? "end" : decide(step, elapsed, observation, random))
  })
})

/**
 * Ends the strategy when `duration` has passed since the start of the wait.
 *
 * **Details**
 *
 * One last check is placed before the limit, then the wait fails with `PollTimeout` and the reason `"strategy"`.
 * `duration` must be a positive finite duration; otherwise a RangeError is thrown. A smaller limit of `self` is kept.
 * To limit a wait rather than a strategy, use its `deadline`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const maxDuration: {
  /**
   * Ends the strategy when `duration` has passed since the start of the wait: a positive finite duration, otherwise a
   * RangeError is thrown.
   */
  (duration: Duration.Input): (self: Strategy) => Strategy
  /**
   * Ends the strategy when `duration` has passed since the start of the wait: a positive finite duration, otherwise a
   * RangeError is thrown.
   */
  (self: Strategy, duration: Duration.Input): Strategy
} = /*#__PURE__*/ dual(2, (self: Strategy, duration: Duration.Input) =>
  fromPlan({
    ...planOf(self),
    maxDuration: Math.min(
      planOf(self).maxDuration,
      validate.millis("Strategy.maxDuration: duration", duration, "positive")
    )
  })
)

/**
 * Limits the delay between two checks to `max`.
 *
 * **Details**
 *
 * `max` must be a positive finite duration; otherwise a RangeError is thrown. The first wait is not affected.
 *
 * @category combinators
 * @since 0.1.0
 */
export const cap: {
  /** Limits the delay between two checks to `max`: a positive finite duration, otherwise a RangeError is thrown. */
  (max: Duration.Input): (self: Strategy) => Strategy
  /** Limits the delay between two checks to `max`: a positive finite duration, otherwise a RangeError is thrown. */
  (self: Strategy, max: Duration.Input): Strategy
} = /*#__PURE__*/ dual(2, (self: Strategy, max: Duration.Input) => {
  const millis = validate.millis("Strategy.cap: max", max, "positive")
  return mapDelay(self, (delay) => Math.min(millis, delay))
})

/**
 * Maps each decision of a strategy, after its limits, jitter and `skipNearDeadline` have been applied. The first wait
 * and the limits are kept.
 *
 * **Details**
 *
 * `f` receives the delay in milliseconds, or `"end"`, and the observation that led to it. It must be pure.
 *
 * **Example** (Using a delay from the status)
 *
 * ```ts
 * import * as Status from "effect-poll/Status"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const suggested = Strategy.spaced("5 seconds").pipe(
 *   Strategy.modify((decision, { status }) => (typeof status.detail === "number" ? status.detail : decision))
 * )
 * Strategy.delaysMillis(suggested, 1, { status: Status.pending({ detail: 700 }) }) // => [700]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const modify: {
  /** Maps each decision of a strategy: the delay in milliseconds, or `"end"`. `f` must be pure. */
  (f: (decision: Decision, observation: Observation) => Decision): (self: Strategy) => Strategy
  /** Maps each decision of a strategy: the delay in milliseconds, or `"end"`. `f` must be pure. */
  (self: Strategy, f: (decision: Decision, observation: Observation) => Decision): Strategy
} = /*#__PURE__*/ dual(2, (self: Strategy, f: (decision: Decision, observation: Observation) => Decision) => {
  const plan = planOf(self)
  return fromPlan({
    firstWait: plan.firstWait,
    maxAttempts: plan.maxAttempts,
    maxDuration: plan.maxDuration,
    decide: (step, elapsed, observation, random) => f(plans.next(plan, step, elapsed, observation, random), observation)
  })
})

/**
 * Multiplies all times of a strategy: its first wait, delays and `maxDuration`.
 *
 * **When to use**
 *
 * Use to speed up a strategy in a demo, or in a test against a server whose jobs are faster by the same factor.
 *
 * **Details**
 *
 * `factor` must be a positive finite number; otherwise a RangeError is thrown. With 0.1, everything is ten times
 * faster. The times in the observation are scaled back, so the decision function decides as it would in real time.
 *
 * **Example** (Running sixty times faster)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * Strategy.delaysMillis(Strategy.scale(Strategy.spaced("1 minute"), 1 / 60), 2) // => [1000, 1000]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const scale: {
  /** Multiplies all times of a strategy by `factor`: a positive finite number, otherwise a RangeError is thrown. */
  (factor: number): (self: Strategy) => Strategy
  /** Multiplies all times of a strategy by `factor`: a positive finite number, otherwise a RangeError is thrown. */
  (self: Strategy, factor: number): Strategy
} = /*#__PURE__*/ dual(2, (self: Strategy, factor: number) => {
  if (!Number.isFinite(factor) || factor <= 0) {
    throw new RangeError(`Strategy.scale: factor must be a positive finite number, got ${factor}`)
  }
  const plan = planOf(self)
  const { firstWait } = plan
  const unscaled = (seen: Observation): Observation => ({
    ...seen,
    elapsedMillis: seen.elapsedMillis / factor,
    ageMillis: seen.ageMillis / factor,
    remainingMillis: seen.remainingMillis / factor,
    sinceChangeMillis: seen.sinceChangeMillis / factor,
    inStateMillis: seen.inStateMillis / factor
  })
  return fromPlan({
    firstWait: typeof firstWait === "number" ? firstWait * factor : (seen) => firstWait(unscaled(seen)) * factor,
    maxAttempts: plan.maxAttempts,
    maxDuration: plan.maxDuration * factor,
    jitter: plan.jitter === undefined ? undefined : { ...plan.jitter, atLeast: plan.jitter.atLeast * factor },
    clearance: plan.clearance === undefined ? undefined : plan.clearance * factor,
    decide: (step, elapsed, observation, random) => {
      const decision = plan.decide(step, elapsed / factor, unscaled(observation), random)
      return decision === "end" ? decision : decision * factor
    }
  })
})

/**
 * Shortens delays at random, so that many waits do not check at the same moments.
 *
 * **When to use**
 *
 * Use to spread the load of many clients. Jitter does not reduce the lag of a single wait.
 *
 * **Details**
 *
 * A delay `d` is replaced by a uniform draw from a range:
 *
 * - `"equal"`: from `d / 2` to `d`
 * - `"full"`: from `0` to `d`
 * - `{ atLeast }`: from `atLeast`, a non-negative finite duration, to `d`. A shorter delay is not changed. Throws a
 *   RangeError if `atLeast` is out of range.
 * - `"none"`: no jitter
 *
 * Unlike effect's `Schedule.jittered`, jitter never lengthens a delay, so a cap is never exceeded. Jitter is applied
 * after all other combinators except `skipNearDeadline` and `modify`; a second call replaces the first.
 *
 * With a `seed`, the draw depends on seed, key and step only: a wait has the same delays in every run, and different
 * keys have different delays.
 *
 * **Example** (Seeding jitter)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const strategy = Strategy.spaced("10 seconds").pipe(Strategy.jittered("equal", { seed: "fleet" }))
 * const [delay] = Strategy.delaysMillis(strategy, 1, { key: "job-1" })
 * Strategy.delaysMillis(strategy, 1, { key: "job-1" }) // => [delay]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const jittered: {
  /**
   * Shortens delays at random: `"equal"` draws from `d / 2` to `d`, `"full"` from `0` to `d`, `{ atLeast }` from
   * `atLeast` to `d`, and `"none"` removes jitter. With a `seed` the draw depends on seed, key and step only.
   */
  (kind: JitterKind, options?: { readonly seed?: string | undefined }): (self: Strategy) => Strategy
  /**
   * Shortens delays at random: `"equal"` draws from `d / 2` to `d`, `"full"` from `0` to `d`, `{ atLeast }` from
   * `atLeast` to `d`, and `"none"` removes jitter. With a `seed` the draw depends on seed, key and step only.
   */
  (self: Strategy, kind: JitterKind, options?: { readonly seed?: string | undefined }): Strategy
} = /*#__PURE__*/ dual(
  (args) => isStrategy(args[0]),
  (self: Strategy, kind: JitterKind, options?: { readonly seed?: string | undefined }) =>
    fromPlan({
      ...planOf(self),
      jitter:
        kind === "none"
          ? undefined
          : {
              share: kind === "equal" ? 0.5 : 0,
              atLeast:
                typeof kind === "object"
                  ? validate.millis("Strategy.jittered: atLeast", kind.atLeast, "nonNegative")
                  : 0,
              seed: options?.seed
            }
    })
)

/**
 * The range from which `jittered` draws a delay.
 *
 * **Details**
 *
 * A delay `d` is replaced by a draw from `d / 2` to `d` (`"equal"`), from `0` to `d` (`"full"`), or from `atLeast` to
 * `d`. With `"none"` it is kept.
 *
 * @category models
 * @since 0.1.0
 */
export type JitterKind = "none" | "equal" | "full" | { readonly atLeast: Duration.Input }

/**
 * Skips a check that would come within `margin` of the deadline. The last check, which is placed to fit before the
 * deadline, follows instead.
 *
 * **Details**
 *
 * `margin` must be a non-negative finite duration; otherwise a RangeError is thrown. Together with `exponential` and
 * `jittered({ atLeast })` this is the retry algorithm of Smithy waiters
 * (https://smithy.io/2.0/additional-specs/waiters.html#waiter-retries).
 *
 * **Example** (Using the defaults of an AWS waiter)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const waiter = Strategy.exponential({ initial: "2 seconds", cap: "2 minutes" }).pipe(
 *   Strategy.jittered({ atLeast: "2 seconds" }),
 *   Strategy.skipNearDeadline("2 seconds")
 * )
 * Strategy.delaysMillis(waiter, 3, { random: () => 0 }) // => [2000, 2000, 2000]
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const skipNearDeadline: {
  /**
   * Skips a check that would come within `margin` of the deadline: a non-negative finite duration, otherwise a
   * RangeError is thrown.
   */
  (margin: Duration.Input): (self: Strategy) => Strategy
  /**
   * Skips a check that would come within `margin` of the deadline: a non-negative finite duration, otherwise a
   * RangeError is thrown.
   */
  (self: Strategy, margin: Duration.Input): Strategy
} = /*#__PURE__*/ dual(2, (self: Strategy, margin: Duration.Input) =>
  fromPlan({
    ...planOf(self),
    clearance: validate.millis("Strategy.skipNearDeadline: margin", margin, "nonNegative")
  })
)

/**
 * Waits for a share of the remaining time of the job, as estimated from its progress.
 *
 * **When to use**
 *
 * Use when the progress of a job grows evenly with time.
 *
 * **Details**
 *
 * The remaining time is estimated as `elapsed * (1 - progress) / progress`.
 *
 * Throws a RangeError for a value out of range.
 *
 * **Gotchas**
 *
 * With uneven progress, such as a last percent that takes half of the time, the estimate leads to too many checks or
 * overly long delays. With progress that is noise, the measured cost was 5 to 36 times that of the best schedule.
 *
 * **Example** (Reaching half of the progress after ten seconds)
 *
 * ```ts
 * import * as Status from "effect-poll/Status"
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const strategy = Strategy.byProgress({ min: "1 second", max: "1 minute", orElse: Strategy.spaced("5 seconds") })
 * const half = Status.pending({ progress: 0.5 })
 * Strategy.delaysMillis(Strategy.withFirstWait(strategy, "10 seconds"), 1, { status: half }) // => [5000]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const byProgress = (options: {
  /** The shortest delay; a positive finite duration. */
  readonly min: Duration.Input
  /** The longest delay; a positive finite duration of at least `min`. */
  readonly max: Duration.Input
  /** The strategy to use while the job reports no progress, or 0. Its first wait and limits apply throughout. */
  readonly orElse: Strategy
  /** The share of the estimated remaining time to wait; a number > 0 and <= 1, default 0.5. */
  readonly share?: number | undefined
}): Strategy => {
  const min = validate.millis("Strategy.byProgress: min", options.min, "positive")
  const max = validate.millis("Strategy.byProgress: max", options.max, "positive")
  const share = options.share ?? 0.5
  if (max < min) throw new RangeError(`Strategy.byProgress: max must be at least min, got ${max} < ${min} ms`)
  if (!(share > 0 && share <= 1)) {
    throw new RangeError(`Strategy.byProgress: share must be > 0 and <= 1, got ${share}`)
  }
  const orElse = planOf(options.orElse)
  return fromPlan({
    ...orElse,
    decide: (step, elapsed, observation, random) => {
      const { progress } = observation.status
      if (progress === undefined || progress === 0) return orElse.decide(step, elapsed, observation, random)
      return Math.min(max, Math.max(min, (share * observation.elapsedMillis * (1 - progress)) / progress))
    }
  })
}

/**
 * Returns the first wait of a strategy in milliseconds, for a wait without a deadline; 0 for a plain `Schedule`. A
 * function that decides it is asked for the `key`, default `""`.
 *
 * @category destructors
 * @since 0.1.0
 */
export const firstWaitMillis = (self: Schedule.Schedule<unknown, Observation, never, unknown>, key = ""): number =>
  plans.firstWaitOf(plans.planOf(self), key, Number.POSITIVE_INFINITY)

/**
 * Computes the first `count` delays of a strategy in milliseconds, without a clock, for a job that stays pending and
 * checks that take no time.
 *
 * **When to use**
 *
 * Use to test a strategy, or to show what it does.
 *
 * **Details**
 *
 * The first wait is not included. The list is shorter than `count` if the strategy ends earlier, and a delay that
 * `maxDuration` shortens is listed as shortened.
 *
 * `count` must be an integer >= 0; otherwise a RangeError is thrown.
 *
 * @category destructors
 * @since 0.1.0
 */
export const delaysMillis = (
  self: Strategy,
  count: number,
  options?: {
    /** The encoded key, for seeded jitter; default `""`. */
    readonly key?: string | undefined
    /** The status that each check finds; default `Status.pending()`. */
    readonly status?: Status.Pending | undefined
    /** Replaces the random draws of jitter; default always 0.5. */
    readonly random?: (() => number) | undefined
  }
): ReadonlyArray<number> => {
  validate.count("Strategy.delaysMillis: count", count, 0)
  const plan = planOf(self)
  const random = options?.random ?? (() => 0.5)
  const status = options?.status ?? Status.pending()
  const out: Array<number> = []
  const key = options?.key ?? ""
  const firstWait = firstWaitMillis(self, key)
  let elapsed = firstWait
  for (let step = 1; step <= count; step++) {
    const delay = plans.next(
      plan,
      step,
      elapsed - firstWait,
      {
        key,
        attempt: step,
        elapsedMillis: elapsed,
        ageMillis: elapsed,
        remainingMillis: Number.POSITIVE_INFINITY,
        sinceChangeMillis: elapsed,
        inStateMillis: elapsed,
        status
      },
      random
    )
    if (delay === "end") break
    out.push(delay)
    elapsed += delay
  }
  return out
}

/**
 * Explains a delay (see `explain`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Explanation {
  /** Milliseconds until the next check, or `"end"`. */
  readonly delayMillis: Decision
  /** The explanation in one line: `5s: server floor 5s > strategy 2s, jitter -400ms`. */
  readonly text: string
  /** The delay of the strategy without jitter in milliseconds, or `"end"`. */
  readonly strategyMillis: Decision
  /** The change by jitter in milliseconds: 0 or negative. */
  readonly jitterMillis: number
  /** The rule that determined the delay. */
  readonly reason: WaitReason | "end"
}

/**
 * Explains the delay after a check by strategy, jitter, the floor of the server and the deadline. Needs no clock.
 *
 * **Details**
 *
 * The fields of an `Observation` describe the wait after the check. They default to a pending job at the start of a
 * wait without a deadline; `attempt` defaults to `step`.
 *
 * Throws a RangeError for a value out of range.
 *
 * **Example** (Explaining a requested delay)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 *
 * const strategy = Strategy.exponential({ initial: "2 seconds" }).pipe(Strategy.jittered("equal"))
 * const why = Strategy.explain(strategy, { floor: "5 seconds" })
 * why.text // => "5s: server floor 5s > strategy 2s, jitter -500ms"
 * ```
 *
 * @category destructors
 * @since 0.1.0
 */
export const explain = (
  self: Strategy,
  options?: Partial<Observation> & {
    /** The number of the decision within the wait; an integer >= 1, default 1. */
    readonly step?: number | undefined
    /** The delay that the server requested; a non-negative finite duration, default 0. */
    readonly floor?: Duration.Input | undefined
    /** The longest duration of the last three checks; a non-negative finite duration, default 0. */
    readonly checkDuration?: Duration.Input | undefined
    /** Replaces the random draws of jitter; default always 0.5. */
    readonly random?: (() => number) | undefined
  }
): Explanation => {
  const plan = planOf(self)
  const step = validate.count("Strategy.explain: step", options?.step ?? 1, 1)
  const floor = validate.millis("Strategy.explain: floor", options?.floor ?? 0, "nonNegative")
  const estimate = validate.millis("Strategy.explain: checkDuration", options?.checkDuration ?? 0, "nonNegative")
  const random = options?.random ?? (() => 0.5)
  const observation: Observation = {
    ...plans.atStart("", Number.POSITIVE_INFINITY),
    attempt: step,
    ageMillis: options?.elapsedMillis ?? 0,
    ...options
  }
  const firstWait = plans.firstWaitOf(plan, observation.key, Number.POSITIVE_INFINITY)
  const elapsed = Math.max(0, observation.elapsedMillis - firstWait)
  const plain = plans.next({ ...plan, jitter: undefined }, step, elapsed, observation, random)
  const jitteredDelay = plans.next(plan, step, elapsed, observation, random)
  if (plain === "end" || jitteredDelay === "end") {
    return {
      delayMillis: "end",
      text: "end: the strategy ended",
      strategyMillis: plain,
      jitterMillis: 0,
      reason: "end"
    }
  }
  const deadlineAt = Math.min(observation.remainingMillis, plan.maxDuration - observation.elapsedMillis)
  const lead = leadOf(estimate, deadlineAt)
  const bounds = { now: 0, at: jitteredDelay, floorAt: floor, gatedUntil: 0, spacedUntil: 0, deadlineAt, lead }
  const placed = placeNextCheck({ ...bounds, lastAt: deadlineAt - lead }, "strategy")
  const jitter = jitteredDelay - plain
  const strategyText = `strategy ${show(plain)}${jitter === 0 ? "" : `, jitter -${show(-jitter)}`}`
  const text =
    placed.reason === "serverHint"
      ? `server floor ${show(floor)} > ${strategyText}`
      : placed.reason === "deadline"
        ? `no check fits: the server floor ${show(floor)} is beyond the deadline`
        : placed.dueAt < Math.ceil(jitteredDelay)
          ? `${strategyText}, clipped by the deadline`
          : strategyText
  return {
    delayMillis: placed.dueAt,
    text: `${show(placed.dueAt)}: ${text}`,
    strategyMillis: plain,
    jitterMillis: jitter,
    reason: placed.reason
  }
}

// ---- internal ----

const show = (millis: number): string => Duration.format(Duration.millis(millis))

const fromPlan = (plan: plans.Plan): Strategy => plans.withPlan(view(plan), plan) as Strategy

const firstWaitOf = (name: string, firstWait: Duration.Input | FirstWait): plans.Plan["firstWait"] =>
  typeof firstWait === "function" ? firstWait : validate.millis(name, firstWait, "nonNegative")

const planOf = (self: Strategy): plans.Plan => plans.planOf(self)!

const constantly = (delay: (step: number) => number): Strategy =>
  fromPlan({
    firstWait: 0,
    maxAttempts: Number.POSITIVE_INFINITY,
    maxDuration: Number.POSITIVE_INFINITY,
    decide: delay
  })

const mapDelay = (self: Strategy, f: (delay: number) => number): Strategy => {
  const { decide } = planOf(self)
  return fromPlan({
    ...planOf(self),
    decide: (step, elapsed, observation, random) => {
      const decision = decide(step, elapsed, observation, random)
      return decision === "end" ? decision : f(decision)
    }
  })
}

const view = (plan: plans.Plan): Schedule.Schedule<Duration.Duration, Observation> =>
  Schedule.fromStepWithMetadata(
    Random.Random.useSync((random) => {
      const draw = () => random.nextDoubleUnsafe()
      let last = Duration.zero
      return ({ attempt, elapsed, input }: Schedule.InputMetadata<Observation>) =>
        Effect.suspend(() => {
          const decision = plans.next(plan, attempt, elapsed, input, draw)
          if (decision === "end") return Cause.done(last)
          last = Duration.millis(decision)
          return Effect.succeed<[Duration.Duration, Duration.Duration]>([last, last])
        })
    })
  )

const capOf = (name: string, input: Duration.Input | undefined, initial: number, defaultCap: number): number => {
  if (input === undefined) return defaultCap
  const max = validate.millis(`${name}: cap`, input, "positive")
  if (max < initial) throw new RangeError(`${name}: cap must be at least initial, got ${max} < ${initial} ms`)
  return max
}
