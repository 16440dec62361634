/**
 * What a wait tells of itself while it runs (see `Poll.events`).
 *
 * @since 0.1.0
 */
import type { Duration } from "effect/Duration"
import type { Exit } from "effect/Exit"
import type { PollError } from "./PollError.ts"
import type { Status } from "./Status.ts"

/**
 * Something that happened in a wait.
 *
 * @category models
 * @since 0.1.0
 */
export type PollEvent<A, F = never, E = never> =
  | Changed<A, F>
  | Unchanged
  | Stalled
  | CheckFailed<E>
  | Waiting
  | Ended<A, F, E>

/**
 * A check found a status that differs from the one before it, in its state, its progress or its detail.
 *
 * @category models
 * @since 0.1.0
 */
export interface Changed<A, F = never> {
  readonly _tag: "Changed"
  readonly attempt: number
  readonly status: Status<A, F>
}

/**
 * A check found nothing new.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unchanged {
  readonly _tag: "Unchanged"
  readonly attempt: number
}

/**
 * Nothing about the job has changed for longer than the option `stall` allows. Said once until something changes.
 *
 * @category models
 * @since 0.1.0
 */
export interface Stalled {
  readonly _tag: "Stalled"
  readonly attempt: number
  readonly unchanged: Duration
}

/**
 * A check failed. The wait goes on unless an `Ended` follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckFailed<E> {
  readonly _tag: "CheckFailed"
  readonly attempt: number
  readonly error: E
  /** Checks that failed in a row, this one included; 0 if it is retried within the same check. */
  readonly consecutive: number
}

/**
 * The wait sleeps until its next check. A sleep of no time is not told.
 *
 * @category models
 * @since 0.1.0
 */
export interface Waiting {
  readonly _tag: "Waiting"
  readonly delay: Duration
  readonly reason: WaitReason
  /** What the gate says, if the reason is `gate`. */
  readonly gateReason: string | undefined
}

/**
 * Why a wait sleeps as long as it does.
 *
 * **Details**
 *
 * - `firstWait`, `strategy`: the strategy says so.
 * - `serverHint`: the server asked not to be asked earlier.
 * - `checkError`, `retry`: after a failed check, or between its retries.
 * - `missing`: the job is not found yet, within the grace after the start; or it is gone and its fallback is next.
 * - `gate`: the gate postponed the check.
 * - `woken`: a check was asked for, and comes as soon as the server allows.
 * - `paused`: until it is unpaused, or until the deadline.
 * - `lastCheck`: the strategy would wait beyond the deadline, so the last check is placed before it.
 * - `deadline`: no check fits any more.
 *
 * @category models
 * @since 0.1.0
 */
export type WaitReason =
  | "firstWait"
  | "strategy"
  | "serverHint"
  | "checkError"
  | "retry"
  | "missing"
  | "gate"
  | "woken"
  | "paused"
  | "lastCheck"
  | "deadline"

/**
 * The wait is over. Always the last event.
 *
 * @category models
 * @since 0.1.0
 */
export interface Ended<A, F, E> {
  readonly _tag: "Ended"
  /** Checks made, failed ones too. */
  readonly attempts: number
  readonly exit: Exit<A, PollError<F, E>>
}
