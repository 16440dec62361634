/**
 * The endings of a wait that are errors.
 *
 * Each ending is an error class of its own, so that `Effect.catchTag` can handle it. All of them carry the `Details` of
 * the wait: its job and key, the number of checks, the elapsed time, the last status, the last check error and a
 * bounded history.
 *
 * **Details**
 *
 * | error | what happened |
 * |---|---|
 * | `JobFailed<F>` | the server reported that the job failed |
 * | `JobCanceled` | the server reported that the job was canceled |
 * | `JobExpired` | the server reported that the job exceeded a time limit |
 * | `JobNotFound` | the server does not have the job, or no longer has it |
 * | `JobStalled` | the job did not change for longer than `stall.after` |
 * | `ActionRequired` | the job needs an action, and `onAction` is `"fail"` |
 * | `PollTimeout` | the deadline, the strategy or a state limit ended the wait |
 * | `UnknownState` | the server reported a state word that the status schema does not list |
 * | `ResultMissing` | the server reported the end of the job, but not its result |
 * | `CheckRejected<E>` | a check failed with a permanent error |
 * | `CheckErrorsExhausted<E>` | checks failed more often or for longer, or were throttled for longer, than the budget allows |
 *
 * The first four are outcomes of the job (see `isJobOutcome`). After `ResultMissing` the job has ended, and its result
 * may exist. After any other error it may still be running.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import { plural, subject, summary as summaryOf } from "./internal/summary.ts"
import { printed, quoted } from "./internal/text.ts"
import type * as Status from "./Status.ts"

/**
 * What every `PollError` carries about its wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface Details {
  /** The name of the `Job`, or `"check"` for a wait without one. */
  readonly job: string
  /** The key as its codec shows it, by default encoded (see `KeyCodec`); `"check"` for a wait without a `Job`. */
  readonly key: string
  /** The number of checks made, including failed ones. */
  readonly attempts: number
  /** The time since the wait started. */
  readonly elapsed: Duration.Duration
  /** The last status that a check found, or `undefined` if there is none. */
  readonly lastStatus: Status.Status<unknown, unknown> | undefined
  /** The error of the newest check that ended; `undefined` if that check answered, or if no check has ended. */
  readonly lastCheckError: unknown
  /** How often each unknown state word was found, for the first 32 such words. */
  readonly unknownStates: Readonly<Record<string, number>>
  /** The number of hints that were clamped to `maxHint`, and of those that could not be parsed. */
  readonly hints: { readonly clamped: number; readonly unreadable: number }
  /**
   * The results of the checks, oldest first, with equal consecutive results as one entry; at most the last 32 entries.
   */
  readonly history: ReadonlyArray<HistoryEntry>
}

/**
 * Consecutive checks with the same result.
 *
 * @category models
 * @since 0.1.0
 */
export interface HistoryEntry {
  /**
   * The result in short: `Pending PROCESSING 40%`, `Missing`, `UnknownState PAUSED` or `check error: HttpCheckError`.
   */
  readonly result: string
  /** The number of checks. */
  readonly checks: number
  /** Milliseconds from the start of the wait to the end of the first of these checks. */
  readonly firstMillis: number
  /** Milliseconds from the start of the wait to the end of the last of these checks. */
  readonly lastMillis: number
}

/**
 * The outcome of a request to cancel a job.
 *
 * @category models
 * @since 0.1.0
 */
export interface CancelOutcome {
  /** Whether the `cancel` of the job succeeded, failed, or did not end within `cancelTimeout`. */
  readonly outcome: "accepted" | "refused" | "timedOut"
  /** The error of a refused cancel; otherwise `undefined`. */
  readonly error: unknown
}

/**
 * How far the confirmation of an end has come (see the option `confirm`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Confirmation {
  /** How many answers in a row have found the end, from 1. */
  readonly sightings: number
  /** How many are needed; 1 if the end has to be found over a time instead. */
  readonly times: number
  /** The time since the first of these answers. */
  readonly heldFor: Duration.Duration
  /** The time over which the end has to be found; `undefined` if a number of answers is needed instead. */
  readonly for: Duration.Duration | undefined
  /** Whether only the check by the other source remains (see the `confirm` of a `Job`). */
  readonly elsewhere: boolean
}

/**
 * The server reported that the job failed.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobFailed<F> extends /*#__PURE__*/ Data.TaggedError("JobFailed")<Details & { readonly failure: unknown }> {
  /** The failure of the job, as reported by the server. */
  declare readonly failure: F
  constructor(args: Details & { readonly failure: F }) {
    super(args)
  }
  override get message(): string {
    return `${subject(this)} failed: ${show(this.failure)}${summary(this)}`
  }
}

/**
 * The server reported that the job was canceled.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobCanceled
  extends /*#__PURE__*/ Data.TaggedError("JobCanceled")<
    Details & {
      /** Why, in the words of the server, or `undefined` if it gives no reason. */
      readonly reason: string | undefined
      /** What the job produced until then, or `undefined`. It is not part of the message. */
      readonly partial: unknown
    }
  >
{
  override get message(): string {
    return `${subject(this)} was canceled on the server${because(this.reason)}${summary(this)}`
  }
}

/**
 * The server reported that the job exceeded a time limit.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobExpired
  extends /*#__PURE__*/ Data.TaggedError("JobExpired")<
    Details & {
      /** Why, in the words of the server, or `undefined` if it gives no reason. */
      readonly reason: string | undefined
      /** What the job produced until then, or `undefined`. It is not part of the message. */
      readonly partial: unknown
    }
  >
{
  override get message(): string {
    return `${subject(this)} expired on the server${because(this.reason)}${summary(this)}`
  }
}

/**
 * The server does not have the job, or no longer has it, and no fallback does either. See the option `missing` of a
 * `Job`.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobNotFound extends /*#__PURE__*/ Data.TaggedError("JobNotFound")<Details> {
  override get message(): string {
    return `${subject(this)} was not found${summary(this)}`
  }
}

/**
 * The state, progress and detail of the job did not change for longer than `stall.after`. The job may still be running.
 *
 * @category errors
 * @since 0.1.0
 */
export class JobStalled
  extends /*#__PURE__*/ Data.TaggedError("JobStalled")<
    Details & {
      /** The time since the state, progress or detail of the job last changed. */
      readonly unchangedFor: Duration.Duration
    }
  >
{
  override get message(): string {
    return `${subject(this)} has not changed for ${Duration.format(this.unchangedFor)}${summary(this)}`
  }
}

/**
 * The deadline, the strategy or a state limit ended the wait. The job may still be running.
 *
 * @category errors
 * @since 0.1.0
 */
export class PollTimeout
  extends /*#__PURE__*/ Data.TaggedError("PollTimeout")<
    Details & {
      /** What caused the timeout: the deadline of the wait, the end of its strategy, or a state limit. */
      readonly reason: "deadline" | "strategy" | "state"
      /** The state whose limit was reached, if `reason` is `"state"`. */
      readonly state: string | undefined
      /** The limit of that state, if `reason` is `"state"`. */
      readonly limit: Duration.Duration | undefined
      /** An end that a check found, and that was not confirmed in time (see the option `confirm`). */
      readonly unconfirmed: Status.Terminal<unknown, unknown> | undefined
      /** How far the confirmation of that end had come; `undefined` if there was none to confirm. */
      readonly confirmation?: Confirmation | undefined
      /** The outcome of the remote cancel that `onTimeout` requested; `undefined` if it requested none. */
      readonly cancel: CancelOutcome | undefined
      /**
       * The earliest next check that the server allowed, in wall-clock milliseconds, if that was after the deadline.
       */
      readonly floorAt: number | undefined
    }
  >
{
  override get message(): string {
    const floor = this.floorAt === undefined ? "" : `; the server allowed no check before ${isoTime(this.floorAt)}`
    return `${subject(this)} ${boundOf(this)}${canceled(this.cancel)}${floor}${summary(this)}`
  }
}

/**
 * The server reported a state word that the status schema does not list. See the option `unknownState`.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnknownState
  extends /*#__PURE__*/ Data.TaggedError("UnknownState")<
    Details & {
      /** The state word, as sent by the server; at most its first 200 characters. */
      readonly state: string
    }
  >
{
  override get message(): string {
    return `${subject(this)} is in the unknown state ${quoted(this.state)}${summary(this)}`
  }
}

/**
 * The server reported the end of the job several times in a row, but not its result. The job has ended, and may have
 * succeeded.
 *
 * @category errors
 * @since 0.1.0
 */
export class ResultMissing
  extends /*#__PURE__*/ Data.TaggedError("ResultMissing")<
    Details & {
      /** The server's own word for the state, or `undefined` if there is none. */
      readonly state: string | undefined
      /** What the answer lacks, in words, or `undefined`. */
      readonly issue: string | undefined
    }
  >
{
  override get message(): string {
    const state = this.state === undefined ? "" : ` ${quoted(this.state)}`
    return `the server reported the end${state} of ${subject(this)}, but not its result${because(this.issue)}${summary(this)}`
  }
}

/**
 * A check failed with a permanent error, such as a 401 or an answer that cannot be decoded. The job may still be
 * running.
 *
 * @category errors
 * @since 0.1.0
 */
export class CheckRejected<E>
  extends /*#__PURE__*/ Data.TaggedError("CheckRejected")<Details & { readonly error: unknown }>
{
  /** The error of the check. */
  declare readonly error: E
  constructor(args: Details & { readonly error: E }) {
    super(args)
  }
  override get message(): string {
    return `a check of ${subject(this)} was rejected: ${show(this.error)}${summary(this, this.error)}`
  }
}

/**
 * More checks failed, or checks failed for longer, than the budget of `checkErrors` allows. The job may still be
 * running.
 *
 * @category errors
 * @since 0.1.0
 */
export class CheckErrorsExhausted<E>
  extends /*#__PURE__*/ Data.TaggedError("CheckErrorsExhausted")<
    Details & {
      readonly error: unknown
      /** The budget that was exceeded: of consecutive failed checks, of all failed checks, or of the throttled time. */
      readonly budget: "maxConsecutive" | "maxTotal" | "maxThrottled"
      /** The number of failed, or of throttled, checks that count against the budget. */
      readonly errorCount: number
      /** The time since the first failed, or throttled, check of the row. */
      readonly outage: Duration.Duration
    }
  >
{
  /** The error of the last failed check. */
  declare readonly error: E
  constructor(
    args: Details & {
      readonly error: E
      readonly budget: "maxConsecutive" | "maxTotal" | "maxThrottled"
      readonly errorCount: number
      readonly outage: Duration.Duration
    }
  ) {
    super(args)
  }
  override get message(): string {
    const failed = {
      maxConsecutive: "consecutive failed check",
      maxTotal: "failed check",
      maxThrottled: "throttled check"
    }[this.budget]
    const within = Duration.isZero(this.outage) ? "" : ` within ${Duration.format(this.outage)}`
    return `${plural(this.errorCount, failed)} of ${subject(this)}${within}, the last with ${show(this.error)}${summary(this, this.error)}`
  }
}

/**
 * The error of a check that took longer than `checkTimeout`. It is transient.
 *
 * @category errors
 * @since 0.1.0
 */
export class CheckTimeout
  extends /*#__PURE__*/ Data.TaggedError("CheckTimeout")<{
    /** The timeout of the check. */
    readonly checkTimeout: Duration.Duration
  }>
{
  override get message(): string {
    return `the check took longer than ${Duration.format(this.checkTimeout)}`
  }
}

/**
 * A token cannot be resumed: it has an unknown version (`"version"`), belongs to another job (`"job"`), or is not a
 * valid token (`"malformed"`).
 *
 * @category errors
 * @since 0.1.0
 */
export class ResumeTokenError
  extends /*#__PURE__*/ Data.TaggedError("ResumeTokenError")<{
    /** Why the token cannot be resumed. */
    readonly reason: "version" | "job" | "malformed"
    /** A human-readable description. */
    readonly detail: string
  }>
{
  override get message(): string {
    return `the token cannot be resumed: ${this.detail}`
  }
}

/**
 * The server could not be asked to cancel a job: the `Job` has no `cancel` (`"unsupported"`), that failed
 * (`"failed"`), or it did not end within `cancelTimeout` (`"timedOut"`).
 *
 * @category errors
 * @since 0.1.0
 */
export class CancelFailed
  extends /*#__PURE__*/ Data.TaggedError("CancelFailed")<{
    /** The name of the `Job`. */
    readonly job: string
    /** The key as its codec shows it, by default encoded (see `KeyCodec`). */
    readonly key: string
    /** Why: the `Job` has no `cancel`, or its `cancel` failed, or it did not end within `cancelTimeout`. */
    readonly reason: "unsupported" | "failed" | "timedOut"
    /** The error of a `cancel` that failed; otherwise `undefined`. */
    readonly error: unknown
  }>
{
  override get message(): string {
    const why = {
      unsupported: "the Job has no cancel",
      failed: show(this.error),
      timedOut: "the server did not answer in time"
    }
    return `${subject(this)} could not be canceled: ${why[this.reason]}`
  }
}

/**
 * A pending job needs an action, and the option `onAction` is `"fail"`.
 *
 * @category errors
 * @since 0.1.0
 */
export class ActionRequired
  extends /*#__PURE__*/ Data.TaggedError("ActionRequired")<
    Details & {
      /** What has to be done. */
      readonly action: Status.Action
    }
  >
{
  override get message(): string {
    const kind = this.action.kind === undefined ? "" : ` of the kind ${printed(this.action.kind)}`
    return `${subject(this)} needs an action${kind}${summary(this)}`
  }
}

/**
 * The errors with which a wait can end, for a job with the failure `F` whose checks fail with `E`.
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
  | ActionRequired
  | PollTimeout
  | UnknownState
  | ResultMissing
  | CheckRejected<E>
  | CheckErrorsExhausted<E | CheckTimeout>

/**
 * Tests whether an error is an outcome of the job: `JobFailed`, `JobCanceled`, `JobExpired` or `JobNotFound`. After any
 * other error the job may still be running or, after `ResultMissing`, may have succeeded.
 *
 * **When to use**
 *
 * Use before submitting a job again: after any other error the first one may still be running, or may have succeeded.
 *
 * **Gotchas**
 *
 * `JobNotFound` is only as certain as the source that was asked: a replica may not have seen the submission yet. Give
 * the `missing` policy of the job a `grace`.
 *
 * **Example** (Recognizing an outcome of the job)
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
  // Formats a known time. No clock is read.
  // @effect-diagnostics-next-line globalDate:off
  return new Date(millis).toISOString()
}

const boundOf = ({ limit, reason, state }: PollTimeout): string => {
  if (reason === "state")
    return `was in the state ${printed(state ?? "")} for longer than ${show(limit && Duration.format(limit))}`
  return `did not end before the ${reason}${reason === "strategy" ? " ended" : ""}`
}

const canceled = (cancel: CancelOutcome | undefined): string => {
  if (cancel === undefined) return ""
  const outcome = { accepted: "was accepted", refused: "was refused", timedOut: "was not answered" }[cancel.outcome]
  return `; its remote cancel ${outcome}`
}

const because = (reason: string | undefined): string =>
  reason === undefined || reason === "" ? "" : `: ${printed(reason)}`

/** Summarizes a wait, without the check error `shown`, which the message already contains. */
const summary = (wait: Details, shown?: unknown): string => {
  const error = wait.lastCheckError
  return ` ${summaryOf(wait, error === undefined || error === shown ? undefined : show(error))}`
}

const hasOwnToString = (u: unknown): boolean =>
  typeof u === "object" &&
  u !== null &&
  !Array.isArray(u) &&
  typeof u.toString === "function" &&
  u.toString !== Object.prototype.toString

/** The most characters of a failure or of a check error in a message. */
const longestShown = 2_000

const show = (u: unknown): string => {
  try {
    return printed(textOf(u), longestShown)
  } catch {
    return Object.prototype.toString.call(u)
  }
}

const textOf = (u: unknown): string => {
  if (u instanceof Error) return hasProperty(u, "_tag") ? `${String(u._tag)}: ${u.message}` : u.message
  if (typeof u === "string") return u
  return hasOwnToString(u) ? String(u) : (JSON.stringify(u) ?? String(u))
}
