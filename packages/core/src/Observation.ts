/**
 * What a strategy sees when it is asked how long to wait.
 *
 * @since 0.1.0
 */
import type { Pending } from "./Status.ts"

/**
 * The state of a wait after a check that found its job pending. Times are milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface Observation {
  /** The encoded key of the job. */
  readonly key: string
  /** Checks made so far, failed ones too (1 after the first). */
  readonly attempt: number
  /** Milliseconds since the wait started. */
  readonly elapsedMillis: number
  /** Milliseconds until the deadline; `Infinity` if it is unbounded. */
  readonly remainingMillis: number
  /** Milliseconds since the status last changed (its state, its progress or its detail). */
  readonly sinceChangeMillis: number
  /** What the check found. */
  readonly status: Pending
}
