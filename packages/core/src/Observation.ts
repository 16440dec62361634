/**
 * The input of a strategy: the state of a wait after a check.
 *
 * @since 0.1.0
 */
import type { Pending } from "./Status.ts"

/**
 * The state of a wait after a check, from which a strategy decides when to check next.
 *
 * @category models
 * @since 0.1.0
 */
export interface Observation {
  /** The encoded key of the job. */
  readonly key: string
  /** The number of checks made, including failed ones; 1 after the first, 0 for a first wait. */
  readonly attempt: number
  /** Milliseconds since the wait started. */
  readonly elapsedMillis: number
  /**
   * How old the job is: the milliseconds since it started by the clock of its server (see `CheckResult.withTimes`), and
   * at least those since the wait started.
   */
  readonly ageMillis: number
  /** Milliseconds until the deadline; `Infinity` for a wait without one. */
  readonly remainingMillis: number
  /** Milliseconds since the state, progress or detail of the job last changed. */
  readonly sinceChangeMillis: number
  /**
   * Milliseconds since a check first found the state word that the job has now; 0 before a check has found a pending
   * job.
   */
  readonly inStateMillis: number
  /** The last status found; a `Pending` without state, progress or detail if no check has found one. */
  readonly status: Pending
}
