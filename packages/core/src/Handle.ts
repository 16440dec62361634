/**
 * A handle to a wait that runs in the background (see `Poll.start` and `Poller.Service.add`).
 *
 * @since 0.1.0
 */
import type { Effect } from "effect/Effect"
import type { Exit } from "effect/Exit"
import type { Stream } from "effect/Stream"
import type { CancelFailed, PollError } from "./PollError.ts"
import type { PollEvent } from "./PollEvent.ts"
import type { ResumeToken } from "./ResumeToken.ts"
import type { Status } from "./Status.ts"

/**
 * A handle to a wait for a job with the result `A` and the failure `F`, whose checks fail with `E`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Handle<out A, out F = never, out E = never> {
  /**
   * The result of the wait, like `Poll.until`. It can be awaited any number of times, even after the wait has ended.
   * Interrupting the fiber that awaits it does not interrupt the wait. If the wait is interrupted, so is this Effect.
   */
  readonly await: Effect<A, PollError<F, E>>
  /**
   * Calls a function once the wait has ended, with its exit and the number of checks made; at once if it has ended. For
   * many waits this takes far less memory than a fiber for each that awaits it. The function must not throw.
   */
  readonly whenEnded: (call: (exit: Exit<A, PollError<F, E>>, attempts: number) => void) => void
  /**
   * The events of the wait, starting with its current status, if it has one; the last event is `Ended`. Each run of the
   * stream has a buffer of its own, see `Poll.events`.
   */
  readonly events: Stream<PollEvent<A, F, E>>
  /**
   * The last status that a check found, or `undefined` if there is none. It may be an end that is not confirmed yet (see
   * the option `confirm`).
   */
  readonly status: Effect<Status<A, F> | undefined>
  /**
   * Checks now instead of at the planned time, but at least `zeroDelay` (of `PollDefaults`, 10 milliseconds) after the
   * start of the check before. Checks of a wait do not overlap: if one is in flight, another one follows it.
   * The floor of the server and the gate still apply, unless `force` is `true`. During a pause, the check follows the
   * pause.
   */
  readonly checkNow: (options?: { readonly force?: boolean | undefined }) => Effect<void>
  /** Stops making checks until `unpause`. The deadline still applies, and a check in flight completes. */
  readonly pause: Effect<void>
  /** Resumes making checks after `pause`. A check that fell due or was requested in the meantime follows at once. */
  readonly unpause: Effect<void>
  /**
   * Asks the server to cancel the job, then checks as soon as the server, the gate and a pause allow. The wait
   * continues, because the job may still succeed or fail. Does nothing once the wait has ended. Fails with
   * `CancelFailed` if the `Job` has no `cancel`, if that fails, or if it does not end within `cancelTimeout`.
   */
  readonly cancel: Effect<void, CancelFailed>
  /**
   * Interrupts the wait. With `onInterrupt: "cancelRemote"` the server is asked to cancel the job; in a `Poller`, only
   * if no other wait needs the job. Other waits for the same key continue. The effect completes when the
   * finalizers of a check in flight and the cancel have completed, or after `cancelTimeout`.
   */
  readonly interrupt: Effect<void>
  /**
   * Ends the wait as interrupted, never cancels the job, and yields a token from which another process can resume the
   * wait. It does not wait for the finalizers of a check in flight. Of a wait that has ended, it yields the last token.
   */
  readonly leave: Effect<ResumeToken>
  /** A token of the wait in its current state, from which another process can resume it. */
  readonly token: Effect<ResumeToken>
}
