/**
 * The errors of signals.
 *
 * | error | meaning |
 * |---|---|
 * | `SignalConflict` | the job already has an open signal |
 * | `SignalUnknown` | no signal has this token, or it is one of another job, or its retention is over |
 * | `SignalExpired` | the signal ended before its completion: `maxWaitTime`, a missed heartbeat, or a newer signal |
 * | `SignalEncodeError` | the value does not match the Schema of the job; nothing was stored |
 * | `SignalStoreError` | the store failed or did not answer in time; the call may have had its effect |
 *
 * **Details**
 *
 * No error has a token, or a value, in its message or in its fields.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import { subject } from "./internal/summary.ts"
import { printed } from "./internal/text.ts"

/**
 * The job already has an open signal, and `onConflict` is `"fail"`.
 *
 * @category errors
 * @since 0.1.0
 */
export class SignalConflict
  extends /*#__PURE__*/ Data.TaggedError("SignalConflict")<{
    /** The name of the `Job`. */
    readonly job: string
    /** The key as its codec shows it, by default encoded (see `KeyCodec`). */
    readonly key: string
    /** When the open signal ends at the latest, in wall-clock milliseconds. */
    readonly expiresAt: number
  }>
{
  override get message(): string {
    return `${subject(this)} already has an open signal; onConflict: "replace" would end it`
  }
}

/**
 * No signal has this token: it was never given out, it is the token of another job, or the signal ended longer ago than
 * the store keeps ended signals. The error does not say which, because whoever guesses tokens must not learn it.
 *
 * @category errors
 * @since 0.1.0
 */
export class SignalUnknown extends /*#__PURE__*/ Data.TaggedError("SignalUnknown") {
  override get message(): string {
    return "no signal has this token"
  }
}

/**
 * The signal ended before it was completed. The value of the call is not stored.
 *
 * @category errors
 * @since 0.1.0
 */
export class SignalExpired
  extends /*#__PURE__*/ Data.TaggedError("SignalExpired")<{
    /** The name of the `Job`. */
    readonly job: string
    /**
     * What ended it: its `maxWaitTime` passed, a heartbeat was missed, or another signal replaced it (`onConflict:
     * "replace"`).
     */
    readonly reason: "maxWaitTime" | "heartbeat" | "replaced"
    /** When it ended, in wall-clock milliseconds. */
    readonly endedAt: number
  }>
{
  override get message(): string {
    return `the signal of ${printed(this.job)} ${how[this.reason]}`
  }
}

/**
 * A value cannot be encoded by the Schema of the job, or an encoded value cannot be decoded by it. Nothing was stored.
 *
 * @category errors
 * @since 0.1.0
 */
export class SignalEncodeError
  extends /*#__PURE__*/ Data.TaggedError("SignalEncodeError")<{
    /** The name of the `Job`. */
    readonly job: string
    /** Whether the value is a result or a failure of the job. */
    readonly kind: "success" | "failure"
    /** What is wrong with the value, without the value itself. */
    readonly issue: string
  }>
{
  override get message(): string {
    const what = this.kind === "success" ? "result" : "failure"
    return `the ${what} of ${printed(this.job)} does not match its Schema: ${printed(this.issue, 1_000)}`
  }
}

/**
 * The store failed, or did not answer in time. Whether the call had its effect is unknown, so repeat it: a second
 * completion, cancel or heartbeat is harmless, and its answer says so.
 *
 * @category errors
 * @since 0.1.0
 */
export class SignalStoreError
  extends /*#__PURE__*/ Data.TaggedError("SignalStoreError")<{
    /** The method of the store that failed. */
    readonly operation: "insert" | "settle" | "expire" | "touch" | "get" | "newest" | "list"
    /** The error of the store; `undefined` if it did not answer in time. */
    readonly cause?: unknown
  }>
{
  override get message(): string {
    return `the store of signals ${this.cause === undefined ? "did not answer" : "failed"} (${this.operation})`
  }
}

/**
 * The errors of signals.
 *
 * @category models
 * @since 0.1.0
 */
export type SignalError = SignalConflict | SignalUnknown | SignalExpired | SignalEncodeError | SignalStoreError

// ---- internal ----

const how = {
  maxWaitTime: "was not completed within its maxWaitTime",
  heartbeat: "missed a heartbeat",
  replaced: "was replaced by a newer one"
}
