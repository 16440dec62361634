import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import type { Observation } from "effect-poll/Observation"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"

// When a wait checks: the strategy is stepped as a wait steps it, in virtual time.

/** Any schedule of observations. */
export type AnySchedule<R = never> = Schedule.Schedule<unknown, Observation, never, R>

/** The checks of a wait for a job that stays pending. */
export interface Walk {
  /** The times of the checks in seconds since the start of the wait, ascending. */
  readonly times: ReadonlyArray<number>
  /** Whether there is no check after these, rather than that the walk has ended. */
  readonly ends: boolean
  /** Whether a random number was drawn. */
  readonly drew: boolean
}

/** How far to walk, and with which key, draws and progress. */
export interface Way {
  /** The first check at or after this time is the last of the walk. */
  readonly until: number
  /** The largest number of checks. */
  readonly maxChecks: number
  readonly key: string
  readonly random: () => number
  /** The progress at a time, from 0 to 1. */
  readonly progress?: ((elapsed: number) => number | undefined) | undefined
}

/** Walks along a strategy. */
export const walk = <R>(schedule: AnySchedule<R>, way: Way): Effect.Effect<Walk, never, R> =>
  way.progress === undefined && Strategy.isStrategy(schedule)
    ? Effect.sync(() => ahead(schedule, way))
    : stepped(schedule, way)

/** The delay that replaces a delay of 0, in milliseconds: the default of all waits. */
export const zeroDelay = 10

// ---- internal ----

/** A strategy decides without a clock, so its delays can be asked for in rows. */
const ahead = (strategy: Strategy.Strategy, { key, maxChecks, random, until }: Way): Walk => {
  const drawn: Array<number> = []
  // The rows begin anew each time and are to repeat their draws.
  const replay = () => {
    let index = 0
    return () => (drawn[index++] ??= random())
  }
  const untilMillis = until * 1_000
  for (let count = 64; ; count *= 4) {
    const asked = Math.min(count, maxChecks - 1)
    const delays = Strategy.delaysMillis(strategy, asked, { key, random: replay() })
    let at = Math.ceil(Strategy.firstWaitMillis(strategy, key))
    const times = [at / 1_000]
    for (let i = 0; i < delays.length && at < untilMillis; i++) {
      at += waited(delays[i]!)
      times.push(at / 1_000)
    }
    const ends = delays.length < asked && at < untilMillis
    if (ends || at >= untilMillis || asked === maxChecks - 1) return { times, ends, drew: drawn.length > 0 }
  }
}

const stepped = <R>(schedule: AnySchedule<R>, way: Way): Effect.Effect<Walk, never, R> => {
  const { key, maxChecks, progress, until } = way
  let drew = false
  const random: Random.Random = {
    nextIntUnsafe: () => {
      drew = true
      return Math.floor((2 * way.random() - 1) * Number.MAX_SAFE_INTEGER)
    },
    nextDoubleUnsafe: () => {
      drew = true
      return way.random()
    }
  }
  return Effect.gen(function* () {
    const step = yield* Schedule.toStep(schedule)
    const untilMillis = until * 1_000
    let at = Math.ceil(Strategy.firstWaitMillis(schedule, key))
    let changedAt = 0
    let last: number | undefined
    const times = [at / 1_000]
    while (at < untilMillis && times.length < maxChecks) {
      const seen = progress?.(at / 1_000)
      if (seen !== last) [last, changedAt] = [seen, at]
      const status = seen === undefined ? Status.pending() : Status.pending({ progress: seen })
      const observation: Observation = {
        key,
        attempt: times.length,
        elapsedMillis: at,
        ageMillis: at,
        remainingMillis: Number.POSITIVE_INFINITY,
        sinceChangeMillis: at - changedAt,
        inStateMillis: at,
        status
      }
      const delay = yield* Pull.matchEffect(step(at, observation), {
        onSuccess: ([, duration]) => Effect.succeed<Strategy.Decision>(Duration.toMillis(duration)),
        onDone: () => Effect.succeed<Strategy.Decision>("end"),
        onFailure: Effect.failCause
      })
      if (delay === "end") return { times, ends: true, drew }
      at += waited(delay)
      times.push(at / 1_000)
    }
    return { times, ends: false, drew }
  }).pipe(Effect.provideService(Random.Random, random))
}

/** What a wait makes of a delay: clocks count whole milliseconds, and no schedule checks in a hot loop. */
const waited = (delay: number): number => (delay > 0 ? Math.ceil(delay) : zeroDelay)
