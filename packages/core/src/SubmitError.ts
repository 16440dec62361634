/**
 * The errors of `Poll.run` before the wait begins.
 *
 * | error | meaning |
 * |---|---|
 * | `SubmitTimeout` | the submit did not end within `submitTimeout`; the job may have been accepted |
 * | `ReceiptTimeout` | the job was accepted, but `onReceipt` did not end within `receiptTimeout`; it carries the token |
 *
 * **Gotchas**
 *
 * After either error the job may be running. Submit again only with the same idempotency key.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import { subject } from "./internal/summary.ts"
import { printed } from "./internal/text.ts"
import type { ResumeToken } from "./ResumeToken.ts"

/**
 * A submit did not end within `submitTimeout`. The server may have accepted the job.
 *
 * @category errors
 * @since 0.1.0
 */
export class SubmitTimeout
  extends /*#__PURE__*/ Data.TaggedError("SubmitTimeout")<{
    /** The name of the `Job`. */
    readonly job: string
    /** The bound that was exceeded. */
    readonly submitTimeout: Duration.Duration
  }>
{
  override get message(): string {
    const bound = Duration.format(this.submitTimeout)
    return `the submit of ${printed(this.job)} did not end within ${bound}; the job may have been accepted`
  }
}

/**
 * A job was accepted, but `onReceipt` did not end within `receiptTimeout`. No check was made. The job keeps running,
 * unless the run was interrupted meanwhile and `onInterrupt: "cancelRemote"` canceled it.
 *
 * @category errors
 * @since 0.1.0
 */
export class ReceiptTimeout
  extends /*#__PURE__*/ Data.TaggedError("ReceiptTimeout")<{
    /** The name of the `Job`. */
    readonly job: string
    /** The key as its codec shows it, by default encoded (see `KeyCodec`). */
    readonly key: string
    /** The bound that was exceeded. */
    readonly receiptTimeout: Duration.Duration
  }>
{
  /** The token that was to be stored: `Poll.resume` waits for the job. It is not printed with the error. */
  declare readonly token: ResumeToken

  constructor(args: {
    readonly job: string
    readonly key: string
    readonly receiptTimeout: Duration.Duration
    readonly token: ResumeToken
  }) {
    const { token, ...rest } = args
    super(rest)
    // Its key may be secret, unlike the one that is shown.
    Object.defineProperty(this, "token", { value: token, enumerable: false })
  }

  override get message(): string {
    const bound = Duration.format(this.receiptTimeout)
    return `the receipt of ${subject(this)} was not stored within ${bound}; the job was accepted, and the token of this error resumes its wait`
  }
}

/**
 * The errors of `Poll.run` before the wait begins, besides those of the submit and of `onReceipt`.
 *
 * @category models
 * @since 0.1.0
 */
export type SubmitError = SubmitTimeout | ReceiptTimeout
