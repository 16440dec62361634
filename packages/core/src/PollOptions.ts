/**
 * The options of one wait, for the functions of `Poll` and the methods of a `Poller`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Schedule } from "effect/Schedule"
import type { Run } from "./CheckResult.ts"
import type { Gate } from "./Gate.ts"
import type { CheckErrorPolicy, ConfirmPolicy, OnAction, StallPolicy, StateLimits, UnknownStatePolicy } from "./Job.ts"
import type { Observation } from "./Observation.ts"
import type { Observer } from "./Observer.ts"
import type { Strategy } from "./Strategy.ts"
import type { Source } from "./internal/told/model.ts"

/**
 * The options of one wait whose checks fail with `E`.
 *
 * **Details**
 *
 * An option given here takes precedence over the same option of the `Job`, which takes precedence over `PollDefaults`.
 * A value out of range, or an option that does not exist, throws a RangeError at the call that takes the options.
 *
 * @category models
 * @since 0.1.0
 */
export interface PollOptions<in E = never, out R = never> {
  /**
   * The time limit of the whole wait, as a positive finite duration from its start, or `"unbounded"`. There is no
   * default: a wait without a limit must be requested explicitly.
   *
   * One last check is made shortly before it. If the process is late and begins that check only after the deadline, it
   * may take twice the estimated length of a check or 50 milliseconds, and the wait ends with its answer.
   */
  readonly deadline: Duration.Input | "unbounded"
  /**
   * The name of a wait without a `Job`, in errors, logs, metrics and resume tokens; a non-empty string, default
   * `"check"`. It is also the key of the wait. A `Job` has its own name, which takes precedence.
   */
  readonly name?: string | undefined
  /**
   * When to check. Any `Schedule` is a strategy. Default: the strategy of the `Job`, otherwise that of `PollDefaults`
   * (delays of 1, 3, 5, ... seconds).
   */
  readonly strategy?: Schedule<unknown, Observation, never, R> | undefined
  /**
   * How long one check may take; a positive finite duration or `"unbounded"`, default 1 minute. A check that takes
   * longer fails with `CheckTimeout`, which is transient, and its fiber is interrupted. The next check waits until that
   * fiber has ended, for at most `cancelTimeout`. A check that takes longer to end may overlap with the next one.
   */
  readonly checkTimeout?: Duration.Input | "unbounded" | undefined
  /**
   * The longest delay that the server can request between two checks; a non-negative finite duration, default 1 hour. A
   * longer hint is clamped to it, and counted in `hints.clamped` of an error.
   */
  readonly maxHint?: Duration.Input | undefined
  /**
   * The run to wait for, where one key is used for several runs. The terminal status of an earlier run, that is, of one
   * with a smaller `generation` or another `run` id, counts as pending. Default: any terminal status ends the wait.
   */
  readonly since?: Run | undefined
  /**
   * What to do when the state, progress and detail of a pending job have not changed for `after`, a positive finite
   * duration: `"fail"` with `JobStalled` (the default), or `"report"` a single event `Stalled` and continue. Default:
   * the policy of the `Job`, otherwise no limit.
   */
  readonly stall?: StallPolicy | undefined
  /**
   * How an end is confirmed before it counts, for `success` and for `failure`: by `{ times }` answers in a row, an integer
   * >= 1, or `{ for }` a positive finite duration, which must be less than the `deadline`. Fields that are not set are
   * taken from the `Job`; otherwise the first answer with an end counts.
   */
  readonly confirm?: ConfirmPolicy | undefined
  /**
   * How long the job may be in a state, by its state word; positive finite durations. Then the wait fails with
   * `PollTimeout`, whose `reason` is `"state"`. Default: the limits of the `Job`, otherwise none.
   */
  readonly stateLimits?: StateLimits | undefined
  /**
   * The least time between the starts of two checks of a key, whatever causes the second one; a non-negative finite
   * duration. `checkNow` with `force` does not lift it. Default: that of the `Job`, otherwise 0.
   */
  readonly minInterval?: Duration.Input | undefined
  /**
   * What to do when a pending job needs an action: `"report"` an event `ActionRequired`, `"fail"` with
   * `PollError.ActionRequired`, or a handler that runs beside the wait, once for each request. Default: that of the `Job`,
   * otherwise `"report"`.
   */
  readonly onAction?: OnAction<R> | undefined
  /**
   * What to do about a state word that the status schema does not list. Default: the policy of the `Job`, otherwise
   * `"fail"`.
   */
  readonly unknownState?: UnknownStatePolicy | undefined
  /**
   * What to do when a check fails. Default: the policy of the `Job`. Fields that are not set are taken from
   * `PollDefaults`. `"unbounded"` tolerates transient errors until the deadline.
   */
  readonly checkErrors?: CheckErrorPolicy<E> | "unbounded" | undefined
  /** A gate that can postpone checks; it is asked before each one. Default: none. */
  readonly gate?: Gate<R> | undefined
  /**
   * What happens to the remote job when the wait would fail with `PollTimeout`. `"leave"` (the default) does nothing.
   * `"cancelRemote"` calls the `cancel` of the `Job`, then checks for at most `cancelTimeout`: if the job ends in that
   * time, that ending is the result, otherwise the `PollTimeout` is. It is a RangeError if the `Job` has no `cancel`.
   */
  readonly onTimeout?: "leave" | "cancelRemote" | undefined
  /**
   * What happens to the remote job when the wait is interrupted: by the interruption of the fiber that runs it, by
   * `handle.interrupt`, or because its stream is left. `"leave"` (the default) does nothing. `"cancelRemote"` calls the
   * `cancel` of the `Job` once the check in flight is over, but after half of `cancelTimeout` at the latest; all of that
   * takes at most `cancelTimeout`. It is a RangeError if the `Job` has no `cancel`.
   */
  readonly onInterrupt?: "leave" | "cancelRemote" | undefined
  /**
   * What happens to the remote job when the scope of `Poll.start` or the `Poller` closes before the wait has ended.
   * `"leave"` (the default) does nothing, so that another process can resume the wait. `"cancelRemote"` calls the
   * `cancel` of the `Job`, for at most `cancelTimeout`. It is a RangeError if the `Job` has no `cancel`.
   */
  readonly onClose?: "leave" | "cancelRemote" | undefined
  /**
   * How long a remote cancel may take, how long the job is then checked for its ending, and how long observers may hold
   * back the result of a wait; a positive finite duration, default 10 seconds.
   */
  readonly cancelTimeout?: Duration.Input | undefined
  /** Observers of this wait, in addition to those of `PollDefaults`. Default: none. */
  readonly observers?: ReadonlyArray<Observer<R>> | undefined
  /** Whether errors carry a history of what the checks found. Default: `true`, but `false` in a `Poller`. */
  readonly history?: boolean | undefined
}

/**
 * The options of `Poll.advance` for a job whose checks fail with `E`.
 *
 * **Details**
 *
 * They are those of a wait, with two differences. Schedules must be made by `Strategy`: a token cannot hold the state
 * of any other `Schedule`, which would start over with each call. An interrupted call never cancels the job, since the
 * wait has not ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface AdvanceOptions<in E = never, out R = never> extends Omit<
  PollOptions<E, R>,
  "name" | "strategy" | "checkErrors" | "onInterrupt" | "onClose"
> {
  /**
   * When to check, as a value of the module `Strategy`; any other `Schedule` is a RangeError. Default: the strategy of
   * the `Job`, otherwise that of `PollDefaults` (delays of 1, 3, 5, ... seconds).
   */
  readonly strategy?: Strategy | undefined
  /**
   * What to do when a check fails; the schedules in it are made by `Strategy`. Default: the policy of the `Job`. Fields
   * that are not set are taken from `PollDefaults`. `"unbounded"` tolerates transient errors until the deadline.
   */
  readonly checkErrors?:
    | (Omit<CheckErrorPolicy<E>, "schedule" | "retry"> & {
        /** The delays after failed checks; default: 1 second, doubling up to 30 seconds. */
        readonly schedule?: Strategy | undefined
        /** The delays of retries within one check, which stays one attempt; default: no retry. */
        readonly retry?: Strategy | undefined
      })
    | "unbounded"
    | undefined
}

/**
 * What tells one wait about its job while it polls, for the functions of `Poll` and the methods `add`, `until` and `resume`
 * of a `Poller`. `A` and `F` are the result and the failure of the job.
 *
 * **Details**
 *
 * `signal` and `push` take the same kind of stream. Its elements decide what they mean to the wait (see the module
 * `Told`); the option only decides whether events and metrics say `signal` or `push`. The stream is subscribed before
 * the first check and closed when the wait ends. If it breaks, it is subscribed again, and a check follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface ToldOptions<out A = never, out F = never, out R = never> {
  /** Tells the wait that its job has ended, such as the `events` of a `Signal`. Default: none. */
  readonly signal?: Source<A, F, R> | undefined
  /** Tells the wait that there is a reason to check, or what the status is, such as a webhook. Default: none. */
  readonly push?: Source<A, F, R> | undefined
  /**
   * When to check behind a `signal`, a `push` or the `push` of the `Job`; a RangeError without one. Any `Schedule` is a
   * strategy. Default: the option `strategy` of the wait; without it, for a job with a `push`, that of the `Job`; otherwise
   * delays of 5 seconds, tripled up to 5 minutes, after a first check at once.
   */
  readonly behind?: Schedule<unknown, Observation, never, R> | undefined
}

/**
 * What tells many waits about their jobs: the options `signal` and `push` for each key, for the method `results` of a
 * `Poller`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ToldByKeyOptions<in K, out A = never, out F = never, out R = never> {
  /** Returns what tells the wait for a key that its job has ended. Default: none. */
  readonly signal?: ((key: K) => Source<A, F, R>) | undefined
  /** Returns what tells the wait for a key that there is a reason to check, or what the status is. Default: none. */
  readonly push?: ((key: K) => Source<A, F, R>) | undefined
  /**
   * When to check behind a `signal`, a `push` or the `push` of the `Job`; a RangeError without one. Any `Schedule` is a
   * strategy. Default: the option `strategy` of the wait; without it, for a job with a `push`, that of the `Job`; otherwise
   * delays of 5 seconds, tripled up to 5 minutes, after a first check at once.
   */
  readonly behind?: Schedule<unknown, Observation, never, R> | undefined
}

/**
 * How long a submit and the storing of its receipt may take.
 *
 * @category models
 * @since 0.1.0
 */
export interface SubmitOptions {
  /**
   * How long the submit may take; a positive finite duration or `"unbounded"`, default 5 minutes. Then the run fails with
   * `SubmitTimeout`, and the job may have been accepted.
   */
  readonly submitTimeout?: Duration.Input | "unbounded" | undefined
  /**
   * How long `onReceipt` may take; a positive finite duration or `"unbounded"`, default 10 seconds. Then the run fails
   * with `ReceiptTimeout`, which carries the token.
   */
  readonly receiptTimeout?: Duration.Input | "unbounded" | undefined
}
