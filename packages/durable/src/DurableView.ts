/**
 * A durable wait as `find`, `list` and `results` yield it: its key and how it ended, decoded with the Schemas of its job.
 *
 * @since 0.1.0
 */
import type { Result } from "effect/Result"
import type { PollError } from "effect-poll/PollError"
import type { DurableDefect, DurableSealed, DurableSubmitFailed } from "./DurableError.ts"
import type { DurableRef } from "./DurableRef.ts"
import type { DurableRow } from "./DurableRow.ts"

/**
 * The errors that a durable wait can end with. The error of a check inside a `PollError` is what was stored of it: itself if
 * it is plain data, otherwise its text.
 *
 * @category models
 * @since 0.1.0
 */
export type EndedError<F> = PollError<F, unknown> | DurableSubmitFailed | DurableDefect | DurableSealed

/**
 * How a durable wait ended. Times are wall-clock milliseconds of the database.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ended<out K, out A, out F = never> {
  /** The wait. */
  readonly ref: DurableRef
  /** The key of the job; `undefined` if it was never submitted, or if the stored key cannot be decoded. */
  readonly key: K | undefined
  /** The result of the job, or the error that ended the wait. */
  readonly result: Result<A, EndedError<F>>
  /** `"check"` if a runner ended the wait, `"settle"` if it was ended from outside. */
  readonly by: "check" | "settle"
  /** The number of checks made, as far as the store knows: checks before a crash may be missing. */
  readonly attempts: number
  /** The number of times that the wait was started: 1, and one more for each `retry`. */
  readonly round: number
  /** When it ended. */
  readonly endedAt: number
  /** Its place among the ends of its kind, from 1; it grows in the order of the commits. See `results`. */
  readonly position: number
  /** The tags of the submit. */
  readonly tags: ReadonlyArray<string>
}

/**
 * A durable wait. Times are wall-clock milliseconds of the database.
 *
 * @category models
 * @since 0.1.0
 */
export interface View<out K, out A, out F = never> {
  /** The wait. */
  readonly ref: DurableRef
  /** The key of the job; `undefined` until it is submitted, or if the stored key cannot be decoded. */
  readonly key: K | undefined
  /**
   * `"outbox"`: a runner has to submit it. `"submitting"`: its submit has begun, and is not repeated (`onUnknown: "fail"`).
   * `"pending"`: it is being checked. `"ended"`: the wait is over.
   */
  readonly state: DurableRow["state"]
  /** The number of times that the wait was started: 1, and one more for each `retry`. */
  readonly round: number
  /** When it was submitted, or last started again by `retry`. */
  readonly createdAt: number
  /** When the wait ends at the latest. */
  readonly deadlineAt: number | "unbounded"
  /** When the next check is due, as far as the store knows. */
  readonly dueAt: number
  /** The idempotency key of the submit; `undefined` if it has none. */
  readonly idempotencyKey: string | undefined
  /** The tags of the submit. */
  readonly tags: ReadonlyArray<string>
  /** How it ended; `undefined` if it has not ended. */
  readonly ended: Ended<K, A, F> | undefined
}
