/**
 * The options of one wait: of `Poll.until` and its siblings, and of the waits of a `Poller`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Schedule } from "effect/Schedule"
import type { Run } from "./CheckResult.ts"
import type { Gate } from "./Gate.ts"
import type { CheckErrorPolicy, UnknownStatePolicy } from "./Job.ts"
import type { Observation } from "./Observation.ts"
import type { Observer } from "./Observer.ts"

/**
 * The options of one wait whose checks fail with `E`.
 *
 * **Details**
 *
 * An option given here wins over the same option of the `Job`, which wins over `PollDefaults`. A value out of its range
 * is a RangeError when the wait is made.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollOptions<in E = never, out R = never> {
  /**
   * The absolute end of waiting, as a positive finite duration from the start, or `"unbounded"`. It has no default: a wait
   * without a bound must be asked for.
   */
  readonly deadline: Duration.Input | "unbounded"
  /**
   * When to check; any `Schedule` is a strategy. Default: the strategy of the job, otherwise that of `PollDefaults`:
   * linear from 1 second by 2 seconds.
   */
  readonly strategy?: Schedule<unknown, Observation, never, R> | undefined
  /**
   * How long one check may take; a positive finite duration, default 1 minute, or `"unbounded"`. A check that takes longer
   * fails with a transient `CheckTimeout`.
   */
  readonly checkTimeout?: Duration.Input | "unbounded" | undefined
  /**
   * The longest delay requested by the server that is obeyed; a non-negative finite duration, default 1 hour. A longer
   * hint is clamped to it and counted in `hints.clamped` of the error.
   */
  readonly maxHint?: Duration.Input | undefined
  /**
   * The run to wait for, where one key is used for several runs. An end of an earlier run counts as pending: one with a
   * smaller `generation`, or with another `run` id. Default: any end counts.
   */
  readonly since?: Run | undefined
  /**
   * What to do when a pending job has not changed its state, progress or detail for `after`, a positive finite duration:
   * `"fail"` with `JobStalled` (the default), or `"report"` it once as the event `Stalled` and continue. Default: no limit.
   */
  readonly stall?: { readonly after: Duration.Input; readonly onStall?: "fail" | "report" | undefined } | undefined
  /** What to do about a state word that the status schema does not list. Default: that of the job, otherwise `"fail"`. */
  readonly unknownState?: UnknownStatePolicy | undefined
  /** What to do when a check fails. Default: the policy of the job, otherwise that of `PollDefaults`. */
  readonly checkErrors?: CheckErrorPolicy<E> | undefined
  /** Asked before each check; default: every check may be made. */
  readonly gate?: Gate<R> | undefined
  /**
   * What happens to the remote job when the wait ends as `PollTimeout`. `"leave"` (the default) does nothing.
   * `"cancelRemote"` calls the job's `cancel` and watches for the true end for `cancelTimeout` more: an end seen then is the
   * result, otherwise it is the `PollTimeout`.
   */
  readonly onTimeout?: "leave" | "cancelRemote" | undefined
  /**
   * What happens to the remote job when the wait is interrupted. `"leave"` (the default) does nothing. `"cancelRemote"`
   * calls the job's `cancel`, for at most `cancelTimeout`.
   */
  readonly onInterrupt?: "leave" | "cancelRemote" | undefined
  /**
   * How long a remote cancel and what follows it may take, and how long an ended wait holds its result back for its
   * observers; a positive finite duration, default 10 seconds.
   */
  readonly cancelTimeout?: Duration.Input | undefined
  /** Observers of this wait, beside those of `PollDefaults`. Default: none. */
  readonly observers?: ReadonlyArray<Observer<R>> | undefined
  /** Whether errors carry what the newest checks found. Default true; in a `Poller` false. */
  readonly history?: boolean | undefined
}
