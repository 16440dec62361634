/**
 * Receives a notification of each event of a wait, for metrics, a journal or a progress bar.
 *
 * **Details**
 *
 * Notifications arrive in order, one after the other, and never delay a check. A defect of an observer is ignored. At
 * the end of a wait outside of a `Poller`, the result is held back until the observers have received all notifications,
 * but for at most the `cancelTimeout` of the wait.
 *
 * For a slow observer 4,096 notifications are kept. Beyond that each new one replaces the oldest `Waiting`, `Unchanged`
 * or `WokenInVain`; if there is none, the oldest `CheckFailed`, `Confirming`, `Told` or `SourceBroke`; if there is
 * none, the oldest other one. `Started` and `Ended` are dropped only from 131,072 on. A notification of more than 256
 * bytes counts once more for each 256 bytes. `missed` is the number that were dropped. In a `Poller`, waits that were
 * added with the same options object share these limits, and all waits together keep at most four times 4,096
 * notifications and 147,456 that are `Started` or `Ended`.
 *
 * @since 0.1.0
 */
import type { Effect } from "effect/Effect"
import type { Times } from "./CheckResult.ts"
import type { Missed, PollEvent } from "./PollEvent.ts"

/**
 * Receives a notification of each event of a wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface Observer<out R = never> {
  /** Handles a notification. The next one arrives after this Effect completes. */
  readonly observe: (notification: Notification) => Effect<void, never, R>
}

/**
 * An event of a wait, with the wait that it belongs to.
 *
 * @category models
 * @since 0.1.0
 */
export interface Notification {
  /** The name of the `Job`. */
  readonly job: string
  /** The key as its codec shows it, by default encoded (see `KeyCodec`). */
  readonly key: string
  /** When the event occurred, in wall-clock milliseconds. */
  readonly at: number
  /** Milliseconds since the wait started. */
  readonly elapsedMillis: number
  /** The number of checks made, including failed ones. */
  readonly attempts: number
  /**
   * Milliseconds from the start of the wait to the start of the newest check that found the job pending: until then it
   * had not ended. `undefined` if no check has.
   */
  readonly lastPendingMillis: number | undefined
  /** When the job started and ended, as far as its server has told (see `CheckResult.withTimes`). */
  readonly times: Times | undefined
  /**
   * How many notifications were dropped since the previous one because the observer is too slow, those of other waits
   * with the same options object in a `Poller` included; usually 0.
   */
  readonly missed: number
  /** The event. */
  readonly event: Started | Exclude<PollEvent<unknown, unknown, unknown>, Missed>
}

/**
 * The wait started, or was resumed. Only observers receive this event.
 *
 * @category models
 * @since 0.1.0
 */
export interface Started {
  readonly _tag: "Started"
  /** When the wait ends at the latest, in wall-clock milliseconds, or `"unbounded"`. */
  readonly deadlineAt: number | "unbounded"
}

/**
 * Creates an observer from a function that handles a notification.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(observe: Observer<R>["observe"]): Observer<R> => ({ observe })
