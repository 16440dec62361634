/**
 * A durable wait as a store holds it.
 *
 * @since 0.1.0
 */

/**
 * One durable wait. Fields that end in `At` are wall-clock times of the database in milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface DurableRow {
  /** The id; unique in the store. Random, or a hash of the kind and the idempotency key. */
  readonly id: string
  /** The name of the `Job`. */
  readonly kind: string
  /** The encoded key; `null` until the job has been submitted. */
  readonly key: string | null
  /** The number of its bucket, from 0. The process that owns the bucket checks the job. */
  readonly bucket: number
  /**
   * `"outbox"`: a runner has to submit it. `"submitting"`: its submit has begun, and is not repeated (`onUnknown: "fail"`).
   * `"pending"`: it is being checked. `"ended"`: the wait is over.
   */
  readonly state: "outbox" | "submitting" | "pending" | "ended"
  /** The run to wait for as JSON, where one key is used for several runs; `null`: any. */
  readonly since: string | null
  /** The number of times that the wait was started: 1, and one more for each `retry`. */
  readonly round: number
  /** When it was submitted, or last started again by `retry`. */
  readonly createdAt: number
  /** When the wait ends at the latest; `null` if it is unbounded. */
  readonly deadlineAt: number | null
  /** The length of the wait in milliseconds; `null` if it is unbounded. */
  readonly deadlineMillis: number | null
  /** When the next check is due, as far as the store knows. */
  readonly dueAt: number
  /** Incremented to request a check soon. */
  readonly nudges: number
  /** The `ResumeToken` as JSON, with times of the database; `null` if none was stored. */
  readonly token: string | null
  /** The encoded input of the submit; `null` if the job is not submitted by a runner. */
  readonly input: string | null
  /** The idempotency key; `null` if there is none. */
  readonly idempotencyKey: string | null
  /** The tags, at most 16 of at most 200 characters. */
  readonly tags: ReadonlyArray<string>
  /** How the wait ended, or `null`. */
  readonly ended: EndedRow | null
}

/**
 * How a durable wait ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface EndedRow {
  /** `"Succeeded"`, or the tag of the error that the wait ended with. */
  readonly outcome: string
  /** The ending as JSON, encoded with the Schemas of the job. */
  readonly ending: string
  /** `"check"` if a runner ended the wait, `"settle"` if it was ended from outside. */
  readonly by: "check" | "settle"
  /** The number of checks made, as far as the store knows: checks before a crash may be missing. */
  readonly attempts: number
  /** When it ended. */
  readonly at: number
  /** Its place among the ends of its kind, from 1; it grows in the order of the commits. */
  readonly position: number
}
