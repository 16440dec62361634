/**
 * Someone who is told of everything that happens in a wait: metrics, a journal, a progress bar.
 *
 * **Details**
 *
 * An observer is told in order, one notification after the other, beside the wait: it never slows a check, and its defects are
 * swallowed. When the wait ends, its result is held back until the observers have been told, for at most the
 * `cancelTimeout` of the wait.
 *
 * @since 0.1.0
 */
import type { Effect } from "effect/Effect"
import type { PollEvent } from "./PollEvent.ts"

/**
 * Someone who is told of everything that happens in a wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface Observer<out R = never> {
  readonly observe: (notification: Notification) => Effect<void, never, R>
}

/**
 * Something that happened, and where.
 *
 * @category models
 * @since 0.1.0
 */
export interface Notification {
  readonly job: string
  /** The encoded key. */
  readonly key: string
  /** Wall-clock milliseconds. */
  readonly at: number
  /** Milliseconds since the wait started. */
  readonly elapsedMillis: number
  readonly attempts: number
  readonly event: Started | PollEvent<unknown, unknown, unknown>
}

/**
 * The wait started, or was resumed. Told to observers only.
 *
 * @category models
 * @since 0.1.0
 */
export interface Started {
  readonly _tag: "Started"
  /** Wall-clock milliseconds, or `"unbounded"`. */
  readonly deadlineAt: number | "unbounded"
}

/**
 * Creates an observer.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(observe: Observer<R>["observe"]): Observer<R> => ({ observe })
