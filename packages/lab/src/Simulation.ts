/**
 * Jobs that are waited for in virtual time, and what that costs (see `Lab.simulate`).
 *
 * @since 0.1.0
 */
import type * as Effect from "effect/Effect"

/**
 * The mean cost of a wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface Cost {
  /** The mean of `requests + lag / w`. */
  readonly cost: number
  /** The mean number of requests of a wait. */
  readonly requests: number
  /** The mean time in seconds from the end of a job to the check that finds it. */
  readonly lag: number
  /**
   * The share of jobs that no check finds, because the checks end before. They add requests, but no lag: compare costs
   * only where it is 0.
   */
  readonly missed: number
}

/**
 * A job that has ended in a simulation.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ended {
  /** The number of the job, from 0. */
  readonly index: number
  /** The key of the job. */
  readonly key: string
  /** How long the job took, in seconds. */
  readonly seconds: number
  /** How many checks the wait made. */
  readonly checks: number
  /** When the last check found the job pending, in seconds since its start; 0 if none did. */
  readonly after: number
  /** When a check found the end of the job, in seconds since its start; undefined if the strategy ended before. */
  readonly foundAt: number | undefined
}

/**
 * The options of `Lab.simulate`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out R = never> {
  /** How many seconds of lag one request is worth; a positive finite number. */
  readonly w: number
  /** How many jobs to simulate if they differ, see `Lab.simulate`; an integer >= 1, default 100. */
  readonly jobs?: number | undefined
  /** Makes draws repeatable. Default: the `Random` in the context. */
  readonly seed?: string | number | undefined
  /** Runs after each job, for a strategy that learns from it. */
  readonly onEnd?: ((job: Ended) => Effect.Effect<void, never, R>) | undefined
  /**
   * The progress that a check finds, from 0 to 1, or undefined for none: of a job that takes `seconds`, at the time
   * `elapsed`.
   */
  readonly progress?: ((elapsed: number, seconds: number, random: () => number) => number | undefined) | undefined
}

/**
 * The cost of one job in a simulation.
 *
 * @category models
 * @since 0.1.0
 */
export interface Job extends Cost {}

/**
 * What `Lab.simulate` has found.
 *
 * @category models
 * @since 0.1.0
 */
export interface Simulation extends Cost {
  /** The standard error of `cost`; 0 for one job. */
  readonly standardError: number
  /** The jobs in order; a single one if all jobs are alike. */
  readonly jobs: ReadonlyArray<Job>
}
