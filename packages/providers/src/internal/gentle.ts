import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type { Schedule } from "effect/Schedule"
import type { Observation } from "effect-poll/Observation"
import * as Strategy from "effect-poll/Strategy"

/**
 * Whether the first delay of a strategy is shorter than the interval, even where its jitter is at its longest. A plain
 * `Schedule` cannot be asked without running it and counts as gentle.
 */
export const isHasty = (strategy: Schedule<unknown, Observation>, interval: number): boolean => {
  if (!Strategy.isStrategy(strategy)) return false
  const first = Strategy.delays(strategy, 1, { random: () => 1 })[0]
  return first !== undefined && first < interval
}

/** Logs a warning before the first look of all if the strategy asks more often than the service wishes. */
export const warnOnce = (
  name: string,
  strategy: Schedule<unknown, Observation> | undefined,
  interval: number
): (<A, E, R>(look: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>) => {
  if (strategy === undefined || !isHasty(strategy, interval)) return (look) => look
  let warned = false
  const warning = Effect.logWarning(
    `${name}: the strategy looks more often than every ${Duration.format(Duration.millis(interval))}, ` +
      "which is what the service asks for"
  )
  return (look) =>
    Effect.suspend(() => {
      if (warned) return look
      warned = true
      return Effect.andThen(warning, look)
    })
}
