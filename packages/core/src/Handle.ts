/**
 * A wait that runs in the background (see `Poll.start`).
 *
 * @since 0.1.0
 */
import type { Effect } from "effect/Effect"
import type { Stream } from "effect/Stream"
import type { CancelFailed, PollError } from "./PollError.ts"
import type { PollEvent } from "./PollEvent.ts"
import type { ResumeToken } from "./ResumeToken.ts"
import type { Status } from "./Status.ts"

/**
 * What can be done with a wait that runs in the background.
 *
 * @category models
 * @since 0.1.0
 */
export interface Handle<out A, out F = never, out E = never> {
  /**
   * The result, as `Poll.until` would have it. May be asked for by many and at any time. Interrupting who asks does not
   * interrupt the wait; when the scope of the wait closes first, it is interrupted.
   */
  readonly await: Effect<A, PollError<F, E>>
  /** What happens from now on, and what is known already; ends with `Ended`. Each run is a reader of its own. */
  readonly events: Stream<PollEvent<A, F, E>>
  /** The last status seen. */
  readonly status: Effect<Status<A, F> | undefined>
  /**
   * Checks now instead of at the planned time. Two checks never overlap: during one, another follows. The server's floor
   * and the gate hold, unless `force` is true.
   */
  readonly checkNow: (options?: { readonly force?: boolean | undefined }) => Effect<void>
  /** Makes no check until `unpause`. The deadline goes on. A check under way is not stopped. */
  readonly pause: Effect<void>
  readonly unpause: Effect<void>
  /**
   * Asks the server to stop the job, and checks as soon as the server and a pause allow. The wait goes on, since the job
   * may still end otherwise. After the end of the wait it does nothing.
   */
  readonly cancel: Effect<void, CancelFailed>
  /**
   * Ends this wait as interrupted. The server is asked to stop the job if `onInterrupt` says so; in a `Poller` only if no
   * other wait wants the same job. Other waits for the same key continue.
   */
  readonly interrupt: Effect<void>
  /** The wait as it stands, for another process to go on with. */
  readonly token: Effect<ResumeToken>
}
