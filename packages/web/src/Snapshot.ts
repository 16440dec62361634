/**
 * The state of a wait as a page shows it: a plain, immutable object that is replaced when something changes.
 *
 * @since 0.1.0
 */
import type { PollError } from "effect-poll/PollError"
import type { WaitReason } from "effect-poll/PollEvent"
import type { Status } from "effect-poll/Status"

/**
 * What a wait is doing: `"idle"` before anything subscribes to it, `"waiting"` until its next check, `"checking"` while
 * a check is in flight, `"paused"` while no check may begin (see `pausedBy`), or `"ended"` (see `outcome`).
 *
 * @category models
 * @since 0.1.0
 */
export type Phase = "idle" | "waiting" | "checking" | "paused" | "ended"

/**
 * Why no check begins: `"hidden"`, the page is hidden or frozen; `"offline"`, the browser has no network; `"gate"`, the
 * gate of the wait postponed the check; `"user"`, the function `pause` was called.
 *
 * @category models
 * @since 0.1.0
 */
export type PausedBy = "hidden" | "offline" | "gate" | "user"

/**
 * How a wait ended: `"Success"` with the result of the job, `"Failure"` with the error that ended the wait, or
 * `"Defect"` with what was thrown by a bug.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome<A, F = never, E = never> =
  | { readonly _tag: "Success"; readonly value: A }
  | { readonly _tag: "Failure"; readonly error: PollError<F, E> }
  | { readonly _tag: "Defect"; readonly defect: unknown }

/**
 * The state of a wait as a page shows it. It is the same object until something changes, so that a view renders only
 * then.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot<A, F = never, E = never> {
  /** What the wait is doing: `"idle"`, `"waiting"`, `"checking"`, `"paused"` or `"ended"`. */
  readonly phase: Phase
  /** The last status that was found, or `undefined` before the first answer. */
  readonly status: Status<A, F> | undefined
  /** The number of the last check that began; 0 before the first one. */
  readonly attempt: number
  /** When the wait began, in milliseconds since 1970, or `undefined` before it began. */
  readonly startedAt: number | undefined
  /** When the next check is due, in milliseconds since 1970, or `undefined` if none is planned. */
  readonly nextAt: number | undefined
  /** Why the next check is due at `nextAt`, such as `"strategy"` or `"serverHint"`; `undefined` if none is planned. */
  readonly waitReason: WaitReason | undefined
  /** The error of the last check, or `undefined` if that check did not fail. The wait continues. */
  readonly lastCheckError: E | undefined
  /** Why no check begins, in the phase `"paused"`; otherwise `undefined`. */
  readonly pausedBy: PausedBy | undefined
  /** The reason that the gate gave, if `pausedBy` is `"gate"`; otherwise `undefined`. */
  readonly gateReason: string | undefined
  /** How the wait ended, in the phase `"ended"`; otherwise `undefined`. */
  readonly outcome: Outcome<A, F, E> | undefined
}

/**
 * The snapshot of a wait that has not begun.
 *
 * @category constants
 * @since 0.1.0
 */
export const idle: Snapshot<never> = {
  phase: "idle",
  status: undefined,
  attempt: 0,
  startedAt: undefined,
  nextAt: undefined,
  waitReason: undefined,
  lastCheckError: undefined,
  pausedBy: undefined,
  gateReason: undefined,
  outcome: undefined
}
