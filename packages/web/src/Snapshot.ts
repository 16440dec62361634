/**
 * What a page shows of a wait: a plain, immutable object that is replaced when something changes.
 *
 * @since 0.1.0
 */
import type { PollError } from "effect-poll/PollError"
import type { WaitReason } from "effect-poll/PollEvent"
import type { Status } from "effect-poll/Status"

/**
 * What a wait is doing: `"idle"` before anything subscribes to it, `"waiting"` for the time of its next check,
 * `"checking"`, `"paused"` (see `pausedBy`), or `"ended"` (see `outcome`).
 *
 * @category models
 * @since 0.1.0
 */
export type Phase = "idle" | "waiting" | "checking" | "paused" | "ended"

/**
 * Why no check begins: the page is hidden, the browser is offline, the gate of the wait is closed, or the page paused
 * the wait itself.
 *
 * @category models
 * @since 0.1.0
 */
export type PausedBy = "hidden" | "offline" | "gate" | "user"

/**
 * How a wait ended.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome<A, F = never, E = never> =
  | { readonly _tag: "Success"; readonly value: A }
  | { readonly _tag: "Failure"; readonly error: PollError<F, E> }
  | { readonly _tag: "Defect"; readonly defect: unknown }

/**
 * The state of a wait as a page shows it. Equal states are the same object, so that a view renders only when something
 * changed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Snapshot<A, F = never, E = never> {
  /** What the wait is doing. */
  readonly phase: Phase
  /** The last status that was found, or `undefined` before the first answer. */
  readonly status: Status<A, F> | undefined
  /** The number of the last check that began; 0 before the first one. */
  readonly attempt: number
  /** When the wait began, in milliseconds since 1970, or `undefined` before that. */
  readonly startedAt: number | undefined
  /** When the next check is due, in milliseconds since 1970, or `undefined` if none is planned. */
  readonly nextAt: number | undefined
  /** Why the next check is due then, or `undefined` if none is planned. */
  readonly waitReason: WaitReason | undefined
  /** The error of the last check, or `undefined` if it answered. It is not the end of the wait. */
  readonly lastCheckError: E | undefined
  /** Why no check begins, in the phase `"paused"`. */
  readonly pausedBy: PausedBy | undefined
  /** The reason that the gate gave, if `pausedBy` is `"gate"`. */
  readonly gateReason: string | undefined
  /** How the wait ended, in the phase `"ended"`. */
  readonly outcome: Outcome<A, F, E> | undefined
}
