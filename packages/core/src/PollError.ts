/**
 * How a wait can end badly, and how the error of a check says what kind of error it is.
 *
 * The errors are flat and separate, so that each has its own `catchTag`. All of them carry what was seen: the key, the
 * checks made, the time passed, the last status, the last check error and a bounded history.
 *
 * **Details**
 *
 * | error | what happened |
 * |---|---|
 * | `JobFailed<F>` | the server says that the job failed |
 * | `JobCanceled` | the server says that the job was stopped |
 * | `JobExpired` | the server gave the job up by time |
 * | `JobNotFound` | there is no such job (any more) |
 * | `JobStalled` | the job goes on, but nothing about it has changed for too long |
 * | `PollTimeout` | our own patience ended: the deadline, or the strategy |
 * | `UnknownState` | the server said a state word that nobody listed |
 * | `CheckRejected<E>` | a check failed in a way that no further check can mend |
 * | `CheckErrorsExhausted<E>` | checks failed more often than the budget allows |
 *
 * Only the first four are news of the job. After the others it may still be running.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import * as Status from "./Status.ts"

/**
 * What every error of a wait carries.
 *
 * @category models
 * @since 0.1.0
 */
export interface Seen {
  /** The name of the `Job`. */
  readonly job: string
  /** The encoded key. */
  readonly key: string
  /** Checks made, failed ones too. */
  readonly attempts: number
  /** Time since the wait started. */
  readonly elapsed: Duration.Duration
  readonly lastStatus: Status.Status<unknown, unknown> | undefined
  /** The typed error of the last check that failed. */
  readonly lastCheckError: unknown
  /** State words that nobody listed (the first 32 of them), and how often each was seen. */
  readonly unknownStates: Readonly<Record<string, number>>
  /** Wishes of the server that were drawn to `maxHint`, and those that could not be read. */
  readonly hints: { readonly clamped: number; readonly unreadable: number }
  /** What the checks found, in order, runs of the same finding as one entry; the newest 32 entries. */
  readonly history: ReadonlyArray<HistoryEntry>
}

/**
 * A run of checks that found the same.
 *
 * @category models
 * @since 0.1.0
 */
export interface HistoryEntry {
  /** In a few words: `Pending PROCESSING 40 %`, `Missing`, `check error: HttpCheckError`. */
  readonly result: string
  readonly checks: number
  /** Milliseconds from the start of the wait to the end of the first of these checks. */
  readonly firstMillis: number
  /** Milliseconds from the start of the wait to the end of the last of these checks. */
  readonly lastMillis: number
}

/**
 * The server says that the job failed; `failure` is what it says of it.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobFailed<F> extends /*#__PURE__*/ Data.TaggedError("JobFailed")<Seen & { readonly failure: unknown }> {
  declare readonly failure: F
  constructor(args: Seen & { readonly failure: F }) {
    super(args)
  }
  override get message(): string {
    return `${subject(this)} failed: ${show(this.failure)}${soFar(this)}`
  }
}

/**
 * The server says that the job was stopped.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobCanceled extends /*#__PURE__*/ Data.TaggedError("JobCanceled")<Seen> {
  override get message(): string {
    return `${subject(this)} was canceled on the server${soFar(this)}`
  }
}

/**
 * The server gave the job up by time.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobExpired extends /*#__PURE__*/ Data.TaggedError("JobExpired")<Seen> {
  override get message(): string {
    return `${subject(this)} expired on the server${soFar(this)}`
  }
}

/**
 * There is no such job (any more), and no fallback that knows of it.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobNotFound extends /*#__PURE__*/ Data.TaggedError("JobNotFound")<Seen> {
  override get message(): string {
    return `${subject(this)} was not found${soFar(this)}`
  }
}

/**
 * The job goes on, but its state, progress and detail have not changed for `unchanged`. It may still be running.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobStalled
  extends /*#__PURE__*/ Data.TaggedError("JobStalled")<Seen & { readonly unchanged: Duration.Duration }>
{
  override get message(): string {
    return `${subject(this)} has not changed for ${Duration.format(this.unchanged)}${soFar(this)}`
  }
}

/**
 * Our own patience ended: at the deadline, or because the strategy ended. The job may still be running.
 *
 * @category errors
 * @since 0.1.0
 */
export class PollTimeout
  extends /*#__PURE__*/ Data.TaggedError("PollTimeout")<
    Seen & {
      readonly reason: "deadline" | "strategy"
      /** Wall-clock milliseconds before which the server did not want to be asked, if that was after the end. */
      readonly floorAt: number | undefined
    }
  >
{
  override get message(): string {
    const why = this.reason === "deadline" ? "did not end before the deadline" : "did not end before the strategy did"
    const asked = this.floorAt === undefined ? "" : `; the server asked to wait until ${isoTime(this.floorAt)}`
    return `${subject(this)} ${why}${asked}${soFar(this)}`
  }
}

/**
 * The server said a state word that nobody listed. See the option `unknownState`.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnknownState extends /*#__PURE__*/ Data.TaggedError("UnknownState")<Seen & { readonly state: string }> {
  override get message(): string {
    return `${subject(this)} has the unknown state ${JSON.stringify(this.state)}${soFar(this)}`
  }
}

/**
 * A check failed in a way that no further check can mend: not authorized, a bad request, an answer that cannot be decoded.
 *
 * @category errors
 * @since 0.1.0
 */
export class CheckRejected<E>
  extends /*#__PURE__*/ Data.TaggedError("CheckRejected")<Seen & { readonly error: unknown }>
{
  declare readonly error: E
  constructor(args: Seen & { readonly error: E }) {
    super(args)
  }
  override get message(): string {
    return `A check ${subject(this)} was rejected: ${show(this.error)}${soFar(this, this.error)}`
  }
}

/**
 * Checks failed more often than the budget allows (`budget` says which: failures in a row, or in all). The job itself
 * may be well.
 *
 * @category errors
 * @since 0.1.0
 */
export class CheckErrorsExhausted<E>
  extends /*#__PURE__*/ Data.TaggedError("CheckErrorsExhausted")<
    Seen & { readonly error: unknown; readonly budget: "maxConsecutive" | "maxTotal"; readonly errors: number }
  >
{
  declare readonly error: E
  constructor(
    args: Seen & { readonly error: E; readonly budget: "maxConsecutive" | "maxTotal"; readonly errors: number }
  ) {
    super(args)
  }
  override get message(): string {
    const which = this.budget === "maxConsecutive" ? "in a row" : "in all"
    return `${this.errors} checks ${which} at ${subject(this)} failed, the last one with ${show(this.error)}${soFar(this, this.error)}`
  }
}

/**
 * The check error of a check that did not answer within its `checkTimeout`. Transient.
 *
 * @category errors
 * @since 0.1.0
 */
export class CheckTimeout
  extends /*#__PURE__*/ Data.TaggedError("CheckTimeout")<{
    readonly checkTimeout: Duration.Duration
  }>
{
  override get message(): string {
    return `the check did not answer within ${Duration.format(this.checkTimeout)}`
  }
}

/**
 * A stored token cannot be resumed: it is of an unknown version, of another job, or no token at all.
 *
 * @category errors
 * @since 0.1.0
 */
export class ResumeTokenError
  extends /*#__PURE__*/ Data.TaggedError("ResumeTokenError")<{
    readonly reason: "version" | "job" | "malformed"
    readonly detail: string
  }>
{
  override get message(): string {
    return `the token cannot be resumed: ${this.detail}`
  }
}

/**
 * The server could not be asked to stop a job: the `Job` has no `cancel`, or it failed with `error`.
 *
 * @category errors
 * @since 0.1.0
 */
export class CancelFailed
  extends /*#__PURE__*/ Data.TaggedError("CancelFailed")<{
    readonly job: string
    readonly key: string
    readonly reason: "unsupported" | "failed"
    readonly error: unknown
  }>
{
  override get message(): string {
    const why = this.reason === "unsupported" ? "its Job has no cancel" : show(this.error)
    return `${this.job} ${JSON.stringify(this.key)} could not be canceled: ${why}`
  }
}

/**
 * All the ways in which a wait for a job with the failure `F` can end badly, if its checks fail with `E`.
 *
 * @category models
 * @since 0.1.0
 */
export type PollError<F, E> =
  | JobFailed<F>
  | JobCanceled
  | JobExpired
  | JobNotFound
  | JobStalled
  | PollTimeout
  | UnknownState
  | CheckRejected<E>
  | CheckErrorsExhausted<E | CheckTimeout>

/**
 * Tests whether an ending is news of the job itself: `JobFailed`, `JobCanceled`, `JobExpired` or `JobNotFound`. After any
 * other ending the job may still be running.
 *
 * **Example** (Deciding whether the job may be submitted again)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as PollError from "effect-poll/PollError"
 * import * as Status from "effect-poll/Status"
 *
 * const ended = Effect.flip(Poll.until(Effect.succeed(Status.failed("no disk")), { deadline: "1 minute" }))
 * PollError.isJobOutcome(await Effect.runPromise(ended)) // => true
 * ```
 *
 * @category guards
 * @since 0.1.0
 */
export const isJobOutcome = <F, E>(
  error: PollError<F, E>
): error is JobFailed<F> | JobCanceled | JobExpired | JobNotFound =>
  error._tag === "JobFailed" ||
  error._tag === "JobCanceled" ||
  error._tag === "JobExpired" ||
  error._tag === "JobNotFound"

// ---- internal ----

const isoTime = (millis: number): string => {
  if (Math.abs(millis) > 8.64e15) return `${millis} ms`
  // A rendering of a time that is already known: no clock is read.
  // @effect-diagnostics-next-line globalDate:off
  return new Date(millis).toISOString()
}

const subject = (seen: Seen): string => `${seen.job} ${JSON.stringify(seen.key)}`

/** What was seen; the check error is left out where the message has said it already. */
const soFar = (seen: Seen, said?: unknown): string => {
  const checks = `${seen.attempts} ${seen.attempts === 1 ? "check" : "checks"} in ${Duration.format(seen.elapsed)}`
  const status = seen.lastStatus === undefined ? "no status seen" : `last status ${Status.describe(seen.lastStatus)}`
  const error =
    seen.lastCheckError === undefined || seen.lastCheckError === said
      ? ""
      : `, last check error ${show(seen.lastCheckError)}`
  return ` (${checks}, ${status}${error})`
}

/** Whether a value has a `toString` of its own, as a failure that knows how it is shown. */
const saysItself = (u: unknown): boolean =>
  typeof u === "object" &&
  u !== null &&
  !Array.isArray(u) &&
  typeof u.toString === "function" &&
  u.toString !== Object.prototype.toString

const show = (u: unknown): string => {
  if (u instanceof Error) return hasProperty(u, "_tag") ? `${String(u._tag)}: ${u.message}` : u.message
  if (typeof u === "string") return u
  try {
    return saysItself(u) ? String(u) : (JSON.stringify(u) ?? String(u))
  } catch {
    return Object.prototype.toString.call(u)
  }
}
