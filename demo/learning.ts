import * as History from "@effect-poll/learned/History"
import * as Learned from "@effect-poll/learned/Learned"
import * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import type { Schedule } from "effect/Schedule"
import type { KeyCodec } from "effect-poll/KeyCodec"
import type { Observation } from "effect-poll/Observation"
import * as Observer from "effect-poll/Observer"
import * as Strategy from "effect-poll/Strategy"

/** What a wait needs to know of its job. */
export interface Subject<in out K> {
  readonly name: string
  readonly key: KeyCodec<K>
  readonly strategy?: Schedule<unknown, Observation> | ((key: K) => Schedule<unknown, Observation>) | undefined
}

/** The options of a wait that plans by what has been learned, and adds to it. */
export interface WaitOptions {
  readonly strategy: Strategy.Strategy
  readonly observers: ReadonlyArray<Observer.Observer>
}

/** What has been learned of all jobs, with a history for each kind of job. */
export interface Learning {
  /** Replaces the strategy of a job. The learned one has the same time limit, and a little more. */
  readonly optionsFor: <K>(job: Subject<K>, key: K) => WaitOptions
  /** How many endings have been learned from. */
  readonly endings: () => number
}

/** The lag that one request is worth, in nominal time. */
export const lagWorthSeconds = 0.5

/** Starts with nothing learned. Histories are in nominal time: they do not depend on the speed. */
export const make = (speed: number): Learning => {
  const known = new Map<string, { readonly history: History.History } & WaitOptions>()
  const learn = <K>(job: Subject<K>) => {
    const made = known.get(job.name)
    if (made !== undefined) return made
    const history = History.makeUnsafe(job, { class: modelOf })
    const planned = Learned.strategy(history, { lagWorth: Duration.seconds(lagWorthSeconds) })
    const learned = {
      history,
      strategy: Strategy.scale(planned, 1 / speed),
      observers: [nominal(History.observer(history), speed)]
    }
    known.set(job.name, learned)
    return learned
  }
  return {
    optionsFor: (job, key) => {
      const { observers, strategy } = learn(job)
      const limit = limitMillis(typeof job.strategy === "function" ? job.strategy(key) : job.strategy)
      return {
        strategy: limit === undefined ? strategy : Strategy.maxDuration(strategy, limit + graceMillis),
        observers
      }
    },
    endings: () => [...known.values()].reduce((sum, { history }) => sum + History.endings(history), 0)
  }
}

// ---- internal ----

/** The class of a job is its model, if its key has one. */
const modelOf = (key: unknown): string | undefined =>
  hasProperty(key, "model") && typeof key.model === "string" ? key.model : undefined

/** Tells an observer the times of a wait as they would be at speed 1. */
const nominal = (observer: Observer.Observer, speed: number): Observer.Observer =>
  Observer.make((notification) => {
    const { at, elapsedMillis, lastPendingMillis, times } = notification
    const scaled = (millis: number | undefined) => (millis === undefined ? undefined : millis * speed)
    return observer.observe({
      ...notification,
      at: at * speed,
      elapsedMillis: elapsedMillis * speed,
      lastPendingMillis: scaled(lastPendingMillis),
      times: times && { startedAt: scaled(times.startedAt), endedAt: scaled(times.endedAt) }
    })
  })

/**
 * A server that is too busy asks for a second, which is real time at any speed. Few checks cannot make up for it before
 * a limit of a minute or two in nominal time.
 */
const graceMillis = 5_000

/** More checks than any of the strategies with a limit makes. */
const manyChecks = 500

/** When a strategy ends, in milliseconds since the start of the wait; undefined if it has no limit. */
const limitMillis = (strategy: Schedule<unknown, Observation> | undefined): number | undefined => {
  if (!Strategy.isStrategy(strategy)) return undefined
  const delays = Strategy.delaysMillis(strategy, manyChecks)
  return delays.length === manyChecks
    ? undefined
    : delays.reduce((sum, delay) => sum + delay, Strategy.firstWaitMillis(strategy))
}
