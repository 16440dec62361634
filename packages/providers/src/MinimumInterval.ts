/**
 * Warnings about strategies that check more often than a service documents.
 *
 * The documentation of a service names the shortest interval that its servers are sized for. A provider whose `make`
 * gets a strategy with a shorter delay logs one warning and keeps to the strategy: no check is delayed or dropped.
 *
 * **Details**
 *
 * A `Strategy` is judged by its first delay, at the longest that its jitter allows. A plain `Schedule` is judged by
 * each delay as it occurs.
 *
 * **Gotchas**
 *
 * Only strategies given to `make` are judged, not those given to a single wait. Checks that do not follow from the
 * strategy never cause a warning: `checkNow`, retries of a failed check, and the last check at a deadline.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Schedule from "effect/Schedule"
import type { Observation } from "effect-poll/Observation"
import * as Strategy from "effect-poll/Strategy"
import * as Validate from "./internal/validate.ts"

/**
 * Tests whether the first delay of a strategy is shorter than a minimum interval, even at the longest that its jitter
 * allows.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTooFrequent: {
  /**
   * Tests whether the first delay of a strategy is shorter than a minimum interval, even at the longest that its jitter
   * allows.
   *
   * **Details**
   *
   * `interval` is a positive finite duration; anything else is a RangeError. The result for a plain `Schedule` is
   * `false`: its delays are known only while it runs, where a `Guard` can judge them.
   *
   * **Example** (Checking five times a second)
   *
   * ```ts
   * import * as Strategy from "effect-poll/Strategy"
   * import * as MinimumInterval from "@effect-poll/providers/MinimumInterval"
   *
   * Strategy.spaced("200 millis").pipe(MinimumInterval.isTooFrequent("2 seconds")) // => true
   * ```
   */
  (interval: Duration.Input): (self: Schedule.Schedule<unknown, Observation>) => boolean
  /**
   * Tests whether the first delay of a strategy is shorter than a minimum interval, even at the longest that its jitter
   * allows.
   *
   * **Details**
   *
   * `interval` is a positive finite duration; anything else is a RangeError. The result for a plain `Schedule` is
   * `false`: its delays are known only while it runs, where a `Guard` can judge them.
   *
   * **Example** (Starting at the minimum)
   *
   * ```ts
   * import * as Strategy from "effect-poll/Strategy"
   * import * as MinimumInterval from "@effect-poll/providers/MinimumInterval"
   *
   * MinimumInterval.isTooFrequent(Strategy.exponential({ initial: "2 seconds" }), "2 seconds") // => false
   * ```
   */
  (self: Schedule.Schedule<unknown, Observation>, interval: Duration.Input): boolean
} = dual(2, (self: Schedule.Schedule<unknown, Observation>, interval: Duration.Input): boolean => {
  const minimumMillis = Validate.millis("MinimumInterval.isTooFrequent: interval", interval)
  const delayMillis = firstDelayMillis(self)
  return delayMillis !== undefined && isShorter(delayMillis, minimumMillis)
})

/**
 * Logs one warning if a job is checked more often than its minimum interval allows.
 *
 * @category models
 * @since 0.1.0
 */
export interface Guard {
  /** Judges a strategy. Give the result to the job: a `Strategy` is returned unchanged, a plain `Schedule` is tapped. */
  readonly strategy: (strategy: Schedule.Schedule<unknown, Observation>) => Schedule.Schedule<unknown, Observation>
  /** Wraps a check of the job, so that a warning about a `Strategy` is logged before the next check. */
  readonly check: <A, E, R>(check: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/**
 * Creates the guard of one job, which logs at most one warning.
 *
 * **Details**
 *
 * `name` begins the warning. `interval` is a positive finite duration; anything else is a RangeError.
 *
 * @category constructors
 * @since 0.1.0
 */
export const guard = (name: string, interval: Duration.Input): Guard => {
  const minimumMillis = Validate.millis("MinimumInterval.guard: interval", interval)
  const show = (millis: number) => Duration.format(Duration.millis(millis))
  let tooShortMillis: number | undefined
  let warned = false
  const warn = (delayMillis: number) =>
    Effect.suspend(() => {
      if (warned) return Effect.void
      warned = true
      return Effect.logWarning(
        `${name}: the strategy checks again after ${show(delayMillis)}; the minimum interval is ${show(minimumMillis)}`
      )
    })
  return {
    strategy: (strategy) => {
      if (!Strategy.isStrategy(strategy)) {
        return Schedule.tap(strategy, ({ duration }) => {
          const delayMillis = Duration.toMillis(duration)
          return isShorter(delayMillis, minimumMillis) ? warn(delayMillis) : Effect.void
        })
      }
      const delayMillis = firstDelayMillis(strategy)
      if (delayMillis !== undefined && isShorter(delayMillis, minimumMillis)) tooShortMillis ??= delayMillis
      return strategy
    },
    check: (check) =>
      Effect.suspend(() =>
        tooShortMillis === undefined || warned ? check : Effect.andThen(warn(tooShortMillis), check)
      )
  }
}

// ---- internal ----

const firstDelayMillis = (strategy: Schedule.Schedule<unknown, Observation>): number | undefined =>
  Strategy.isStrategy(strategy) ? Strategy.delaysMillis(strategy, 1, { random: () => 1 })[0] : undefined

/** Scaled times carry rounding errors, so a difference of less than a thousandth does not count. */
const isShorter = (delayMillis: number, minimumMillis: number): boolean => delayMillis < minimumMillis * 0.999
