/**
 * Strategies that ask a service more often than it counts on.
 *
 * Services count on gentle polling: their documentation names the delays that they plan for. A provider whose `make` is
 * given a strategy with shorter ones logs one warning, and checks as it was told. Nothing is slowed down. A `Strategy` is
 * judged by its first delay, a plain `Schedule` by each of its delays as they come.
 *
 * **Gotchas**
 *
 * A strategy that is given to a wait, and not to `make`, is not seen. Checks that are asked for (`checkNow`), that follow a
 * failed one or that are placed at a deadline may come sooner than any interval; they are not meant.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type { Observation } from "effect-poll/Observation"
import * as Strategy from "effect-poll/Strategy"
import * as settings from "./internal/settings.ts"

/**
 * Tests whether a strategy begins with a delay shorter than the interval, even where its jitter is at its longest.
 *
 * **Details**
 *
 * The interval is a positive finite duration, anything else a RangeError. A plain `Schedule` cannot be asked without
 * running it, and counts as gentle here; a `Guard` watches it while it runs.
 *
 * **Example** (Hammering)
 *
 * ```ts
 * import * as Strategy from "effect-poll/Strategy"
 * import * as Gentle from "@effect-poll/providers/Gentle"
 *
 * Gentle.isHasty(Strategy.spaced("200 millis"), "2 seconds") // => true
 * Gentle.isHasty(Strategy.exponential({ initial: "2 seconds" }), "2 seconds") // => false
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isHasty = (strategy: Schedule.Schedule<unknown, Observation>, interval: Duration.Input): boolean => {
  const least = settings.positive("Gentle.isHasty: interval", settings.scaledMillis(interval, 1))
  const first = firstDelay(strategy)
  return first !== undefined && isShorter(first, least)
}

/**
 * Warns once of a hasty strategy.
 *
 * @category models
 * @since 0.1.0
 */
export interface Guard {
  /** Watches a strategy: give what it returns to the job. A `Strategy` is returned as it is. */
  readonly strategy: (strategy: Schedule.Schedule<unknown, Observation>) => Schedule.Schedule<unknown, Observation>
  /** Wraps every check of the job: a hasty `Strategy` is told of before the next one. */
  readonly check: <A, E, R>(check: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/**
 * Creates the guard of one job, which warns at most once.
 *
 * **Details**
 *
 * `name` stands at the beginning of the warning. The interval is a positive finite duration, anything else a RangeError.
 *
 * @category constructors
 * @since 0.1.0
 */
export const guard = (name: string, interval: Duration.Input): Guard => {
  const least = settings.positive("Gentle.guard: interval", settings.scaledMillis(interval, 1))
  const show = (millis: number) => Duration.format(Duration.millis(millis))
  let seen: number | undefined
  let warned = false
  const warn = (delay: number) =>
    Effect.suspend(() => {
      if (warned) return Effect.void
      warned = true
      return Effect.logWarning(`${name}: the strategy checks again after ${show(delay)}; gentle is ${show(least)}`)
    })
  return {
    strategy: (strategy) => {
      if (!Strategy.isStrategy(strategy)) {
        return Schedule.tap(strategy, ({ duration }) => {
          const delay = Duration.toMillis(duration)
          return isShorter(delay, least) ? warn(delay) : Effect.void
        })
      }
      const first = firstDelay(strategy)
      if (first !== undefined && isShorter(first, least)) seen ??= first
      return strategy
    },
    check: (check) => Effect.suspend(() => (seen === undefined || warned ? check : Effect.andThen(warn(seen), check)))
  }
}

// ---- internal ----

const firstDelay = (strategy: Schedule.Schedule<unknown, Observation>): number | undefined =>
  Strategy.isStrategy(strategy) ? Strategy.delaysMillis(strategy, 1, { random: () => 1 })[0] : undefined

/** Times that were scaled differ by a rounding. */
const isShorter = (delay: number, least: number): boolean => delay < least * 0.999
