/**
 * What a signal or a push says about a job.
 *
 * @since 0.1.0
 */
import type { Stream } from "effect/Stream"
import type { CheckResult } from "./CheckResult.ts"
import type { Terminal } from "./Status.ts"

/**
 * What a signal or a push says about a job: that it has ended, what a check would have found, or only that a check is
 * worthwhile.
 *
 * @category models
 * @since 0.1.0
 */
export type Told<A, F = never> = Ended<A, F> | Report<A, F> | Wake

/**
 * The job has ended. Final, because it comes from whoever decides about the job.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ended<out A, out F = never> {
  readonly _tag: "Ended"
  /** How the job ended. */
  readonly status: Terminal<A, F>
}

/**
 * What counts as the answer of a check.
 *
 * @category models
 * @since 0.1.0
 */
export interface Report<out A, out F = never> {
  readonly _tag: "Report"
  /** The result of the check. */
  readonly result: CheckResult<A, F>
}

/**
 * A reason to check.
 *
 * @category models
 * @since 0.1.0
 */
export interface Wake {
  readonly _tag: "Wake"
}

/**
 * A stream of what is said about one job.
 *
 * @category models
 * @since 0.1.0
 */
export type Source<A, F = never, R = never> = Stream<Told<A, F>, never, R>

/**
 * Creates the news that a job has ended.
 *
 * @category constructors
 * @since 0.1.0
 */
export const ended = <A, F = never>(status: Terminal<A, F>): Ended<A, F> => ({ _tag: "Ended", status })

/**
 * Creates news that count as the answer of a check.
 *
 * @category constructors
 * @since 0.1.0
 */
export const report = <A, F = never>(result: CheckResult<A, F>): Report<A, F> => ({ _tag: "Report", result })

/**
 * A reason to check.
 *
 * @category constructors
 * @since 0.1.0
 */
export const wake: Wake = { _tag: "Wake" }
