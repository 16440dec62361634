/**
 * The events of a wait, as emitted by `Poll.events` and by the `events` of a `Handle`.
 *
 * @since 0.1.0
 */
import type { Duration } from "effect/Duration"
import type { Exit } from "effect/Exit"
import type { PollError } from "./PollError.ts"
import type { Action, Status, Terminal } from "./Status.ts"

/**
 * An event of a wait for a job with the result `A` and the failure `F`, whose checks fail with `E`.
 *
 * @category models
 * @since 0.1.0
 */
export type PollEvent<A, F = never, E = never> =
  | Changed<A, F>
  | Unchanged
  | Stalled
  | Confirming<A, F>
  | ActionRequired
  | CheckFailed<E>
  | Told
  | WokenInVain
  | SignalMissed
  | SourceBroke
  | CancelRequested
  | CancelAnswered
  | Waiting
  | Missed
  | Ended<A, F, E>

/**
 * A check found the first status, or one that differs from the last in its tag, state, progress or detail. Or the wait was
 * told one, which its `by` says.
 *
 * @category models
 * @since 0.1.0
 */
export interface Changed<A, F = never> {
  readonly _tag: "Changed"
  /**
   * The number of the check, from 1; 0 for the end in a receipt, which no check found. For a status that the wait was told:
   * the number of the newest check, 0 before the first.
   */
  readonly attempt: number
  /** The status that the check found, or that the wait was told. */
  readonly status: Status<A, F>
  /**
   * What told the wait, if no check found the status: the option `signal`, or a push (the option `push`, the `push` of the
   * `Job`, or `Wakes`). Otherwise absent.
   */
  readonly by?: "signal" | "push" | undefined
}

/**
 * A check found the same status as the one before.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unchanged {
  readonly _tag: "Unchanged"
  /** The number of the check, from 1. */
  readonly attempt: number
}

/**
 * The job has not changed for the duration `stall.after`, with `onStall: "report"`. Emitted at most once between
 * changes of the job.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stalled {
  readonly _tag: "Stalled"
  /** The number of the check, from 1. */
  readonly attempt: number
  /** The time since the state, progress or detail of the job last changed. */
  readonly unchangedFor: Duration
}

/**
 * A check found an end that is not confirmed yet (see the option `confirm`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Confirming<A, F = never> {
  readonly _tag: "Confirming"
  /** The number of the check, from 1; 0 for the end in a receipt, which no check found. */
  readonly attempt: number
  /** The end that the check found. */
  readonly status: Terminal<A, F>
  /** How many answers in a row have found it, this one included. */
  readonly sightings: number
  /** The time since the first of them. */
  readonly heldFor: Duration
}

/**
 * A pending job needs an action. Emitted when a status asks for an action that the one before did not.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActionRequired {
  readonly _tag: "ActionRequired"
  /** The number of the check, from 1. */
  readonly attempt: number
  /** What has to be done. */
  readonly action: Action
}

/**
 * The wait was told something, by a stream or by `Wakes`. Several reasons to make one check are reported once.
 *
 * @category models
 * @since 0.1.0
 */
export interface Told {
  readonly _tag: "Told"
  /** The number of the newest check; 0 before the first. */
  readonly attempt: number
  /** What told it: the option `signal`, or a push (the option `push`, the `push` of the `Job`, or `Wakes`). */
  readonly by: "signal" | "push"
  /** Whether it was told an end, a report, or that there is a reason to check. */
  readonly kind: "Ended" | "Report" | "Wake"
  /**
   * Whether it counts. A report of an earlier run does not, and none does while the other source of `confirm` is being
   * asked.
   */
  readonly counts: boolean
}

/**
 * The check that followed from a reason to check found no change.
 *
 * @category models
 * @since 0.1.0
 */
export interface WokenInVain {
  readonly _tag: "WokenInVain"
  /** The number of the check, from 1. */
  readonly attempt: number
  /** What gave the reason. */
  readonly by: "signal" | "push"
}

/**
 * A check found the end of the job first, although the wait has a stream that could have told it. If the stream was the
 * reason for that check, or reported an end that then had to hold, it was not missed. Comes before `Ended`.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignalMissed {
  readonly _tag: "SignalMissed"
  /** The number of the check, from 1. */
  readonly attempt: number
  /** The stream that did not tell it in time: `"signal"` if the wait has that option, otherwise `"push"`. */
  readonly by: "signal" | "push"
}

/**
 * A stream that tells the wait something has failed, died or ended. It is subscribed again.
 *
 * @category models
 * @since 0.1.0
 */
export interface SourceBroke {
  readonly _tag: "SourceBroke"
  /** Which stream: the option `signal`, or a push. */
  readonly by: "signal" | "push"
  /** The error or the defect of the stream; `undefined` if it ended. */
  readonly error: unknown
  /** The time until it is subscribed again. */
  readonly retryIn: Duration
}

/**
 * The server is asked to cancel the job.
 *
 * @category models
 * @since 0.1.0
 */
export interface CancelRequested {
  readonly _tag: "CancelRequested"
  /**
   * What asks for it: a timeout with `onTimeout`, an interruption with `onInterrupt`, a scope or Poller that closes with
   * `onClose`, or `handle.cancel`.
   */
  readonly by: "timeout" | "interrupt" | "close" | "handle"
}

/**
 * The outcome of a request to cancel the job.
 *
 * @category models
 * @since 0.1.0
 */
export interface CancelAnswered {
  readonly _tag: "CancelAnswered"
  /** What asked for it. */
  readonly by: "timeout" | "interrupt" | "close" | "handle"
  /**
   * Whether the `cancel` of the job succeeded, failed, or did not end within `cancelTimeout`. After an accepted
   * cancel the job may still succeed or fail.
   */
  readonly outcome: "accepted" | "refused" | "timedOut"
  /** The error of a refused cancel; otherwise `undefined`. */
  readonly error: unknown
}

/**
 * A check failed. The wait continues unless `Ended` follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckFailed<E> {
  readonly _tag: "CheckFailed"
  /** The number of the check, from 1. */
  readonly attempt: number
  /** The error of the check. */
  readonly error: E
  /** The kind of the error. */
  readonly kind: "Transient" | "Throttled" | "Permanent"
  /**
   * The number of consecutive failed checks, including this one; 0 if it is retried within the same attempt. A throttled
   * check is not counted.
   */
  readonly consecutive: number
}

/**
 * The wait sleeps until its next check. A sleep of 0 milliseconds is not reported.
 *
 * @category models
 * @since 0.1.0
 */
export interface Waiting {
  readonly _tag: "Waiting"
  /** How long the wait sleeps, unless something wakes it earlier. */
  readonly delay: Duration
  /** The rule that determined the delay. */
  readonly reason: WaitReason
  /** The reason that the gate gave, if `reason` is `"gate"`. */
  readonly gateReason: string | undefined
}

/**
 * The rule that determined how long a wait sleeps.
 *
 * **Details**
 *
 * - `firstWait`: the first wait of the strategy, before the first check.
 * - `strategy`: the delay of the strategy.
 * - `serverHint`: the server requested a longer delay than the planned one.
 * - `checkError`: the delay after a failed check.
 * - `throttled`: the delay after a check that the server throttled.
 * - `rejected`: the delay after a permanent error that `rejectAfter` tolerates.
 * - `resultMissing`: the job ended without its result, and is checked again.
 * - `retry`: the delay before a retry within one check.
 * - `missing`: the job is missing and its grace or its number of times has not passed, a permanent error is tolerated by
 *   the grace, or the fallback is checked next.
 * - `gate`: the gate postponed the check.
 * - `minInterval`: the option `minInterval` requires a longer delay than the planned one.
 * - `requested`: a check was requested, by `checkNow`, by a cancel or by what the wait was told, and follows as soon as the server and the gate
 *   allow.
 * - `paused`: the wait sleeps until `unpause` or the deadline.
 * - `lastCheck`: the strategy would wait past the deadline, so the last check is placed before it.
 * - `deadline`: no further check fits before the deadline.
 *
 * @category models
 * @since 0.1.0
 */
export type WaitReason =
  | "firstWait"
  | "strategy"
  | "serverHint"
  | "checkError"
  | "throttled"
  | "rejected"
  | "resultMissing"
  | "retry"
  | "missing"
  | "gate"
  | "minInterval"
  | "requested"
  | "paused"
  | "lastCheck"
  | "deadline"

/**
 * The reader of a stream was too slow, and events were dropped. They came before the next events of the stream, or
 * among them. Observers have `Notification.missed` instead.
 *
 * **Details**
 *
 * The buffer of a stream holds 256 events. When it is full, the oldest `Waiting`, `Unchanged` or `WokenInVain` is
 * dropped, then the oldest `CheckFailed`, `Confirming`, `Told` or `SourceBroke`. From 4,096 events on, the oldest of
 * the others is dropped too, but never `Ended`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Missed {
  readonly _tag: "Missed"
  /** How many events were dropped, at least 1. */
  readonly count: number
}

/**
 * The wait ended. Always the last event.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ended<A, F, E> {
  readonly _tag: "Ended"
  /** The number of checks made, including failed ones. */
  readonly attempts: number
  /** The result of the wait, or the cause of its failure. */
  readonly exit: Exit<A, PollError<F, E>>
}
