/**
 * The errors of durable waits that `PollError` does not have.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * An operation of the store failed or took too long. It may have been carried out all the same.
 *
 * @category errors
 * @since 0.1.0
 */
export class DurableStoreError
  extends /*#__PURE__*/ Data.TaggedError("DurableStoreError")<{
    /** The operation, such as `"insert"`. */
    readonly operation: string
    /** Why it failed; usually a `SqlError`. */
    readonly cause: unknown
  }>
{
  override get message(): string {
    const { cause, operation } = this
    return `The store of durable waits failed (${operation}): ${cause instanceof Error ? cause.message : String(cause)}`
  }
}

/**
 * The store has no job with this reference: it was never submitted, it ended longer ago than its retention, or the reference
 * belongs to another kind.
 *
 * @category errors
 * @since 0.1.0
 */
export class DurableJobUnknown
  extends /*#__PURE__*/ Data.TaggedError("DurableJobUnknown")<{
    /** The name of the `Job`. */
    readonly kind: string
    /** The id of the reference. */
    readonly id: string
  }>
{
  override get message(): string {
    return `The store has no job ${JSON.stringify(this.kind)} with the id ${JSON.stringify(this.id)}`
  }
}

/**
 * The submit of a job by a runner (`submitInputs`) failed. The server may have accepted the job all the same.
 *
 * @category errors
 * @since 0.1.0
 */
export class DurableSubmitFailed
  extends /*#__PURE__*/ Data.TaggedError("DurableSubmitFailed")<{
    /** The name of the `Job`. */
    readonly kind: string
    /** The id of the reference. */
    readonly id: string
    /** The idempotency key that the submit was given. */
    readonly idempotencyKey: string
    /**
     * `"failed"`: the submit failed. `"unknown"`: the process died during the submit, and `onUnknown` is `"fail"`, so it is
     * not submitted again.
     */
    readonly reason: "failed" | "unknown"
    /** The error as text, at most 2,000 characters. */
    readonly detail: string
  }>
{
  override get message(): string {
    const { detail, kind, reason } = this
    return reason === "unknown"
      ? `It is unknown whether the job ${JSON.stringify(kind)} was submitted: ${detail}`
      : `The submit of ${JSON.stringify(kind)} failed: ${detail}`
  }
}

/**
 * The wait ended with a defect: its check or a function in its options threw, or its key, result or stored ending does not
 * match the Schemas of the job.
 *
 * @category errors
 * @since 0.1.0
 */
export class DurableDefect
  extends /*#__PURE__*/ Data.TaggedError("DurableDefect")<{
    /** The name of the `Job`. */
    readonly kind: string
    /** The id of the reference. */
    readonly id: string
    /** The defect, as text. */
    readonly detail: string
  }>
{
  override get message(): string {
    return `The wait for ${JSON.stringify(this.kind)} ended with a defect: ${this.detail}`
  }
}

/**
 * The stored ending of a job cannot be decrypted: this process does not have the key, or the stored text was changed. See
 * `DurableSeal`.
 *
 * @category errors
 * @since 0.1.0
 */
export class DurableSealed
  extends /*#__PURE__*/ Data.TaggedError("DurableSealed")<{
    /** The name of the `Job`. */
    readonly kind: string
    /** The id of the reference. */
    readonly id: string
    /** The id of the key that it was encrypted with. */
    readonly keyId: string
  }>
{
  override get message(): string {
    return `The ending of ${JSON.stringify(this.kind)} is sealed with the key ${JSON.stringify(this.keyId)}, and cannot be opened here`
  }
}
