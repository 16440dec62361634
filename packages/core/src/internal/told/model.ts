import type { Stream } from "effect/Stream"
import type { CheckResult } from "../../CheckResult.ts"
import type { Terminal } from "../../Status.ts"

// The types of the module `Told`, which what it imports needs, too.

/** What is told has its rules under this name, see `machine/told.ts`. */
export const TypeId = "~effect-poll/Told"

/** What a wait for a job with the result `A` and the failure `F` is told. */
export type Told<A, F = never> = Ended<A, F> | Report<A, F> | Wake

/** The end of the job, from whoever decides about it. */
export interface Ended<out A, out F = never> {
  readonly [TypeId]: unknown
  readonly _tag: "Ended"
  /** How the job ended. */
  readonly status: Terminal<A, F>
}

/**
 * What someone knows about the job, which counts as the answer to a check.
 *
 * **Details**
 *
 * A report of an earlier run (see the option `since`) is ignored. A missing job, and an end without its result, only ask
 * for a check.
 */
export interface Report<out A, out F = never> {
  readonly [TypeId]: unknown
  readonly _tag: "Report"
  /** The status or the `CheckResult`. */
  readonly result: CheckResult<A, F>
}

/** A reason to check. */
export interface Wake {
  readonly [TypeId]: unknown
  readonly _tag: "Wake"
}

/**
 * A stream of what a wait is told: the option `signal` or `push`.
 *
 * **Details**
 *
 * The stream is subscribed before the first check, and closed when the wait ends. If it fails, dies or ends, it is
 * subscribed again after 1 second, doubled for each time in a row up to 1 minute, and a check follows. Its failure is
 * never that of the wait.
 */
export type Source<A, F = never, R = never> = Stream<Told<A, F>, unknown, R>
