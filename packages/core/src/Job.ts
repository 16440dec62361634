/**
 * A description of one kind of remote job: how to check, submit and cancel it, and how to treat missing jobs, unknown
 * states and failed checks.
 *
 * **When to use**
 *
 * Use when jobs have keys, when this program submits or cancels them, or when there are many of them. To wait for a
 * single job, an Effect that yields a `Status` is enough: see `Poll.until`.
 *
 * @since 0.1.0
 */
import type { Context } from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effects from "effect/Effect"
import type { Effect } from "effect/Effect"
import { dual } from "effect/Function"
import type { Layer } from "effect/Layer"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import { hasProperty } from "effect/Predicate"
import type { Result } from "effect/Result"
import type { Schedule } from "effect/Schedule"
import type { Codec } from "effect/Schema"
import type { Stream } from "effect/Stream"
import type * as Types from "effect/Types"
import type { CheckContext } from "./CheckContext.ts"
import * as CheckError from "./CheckError.ts"
import type { Hint, CheckResult, Run } from "./CheckResult.ts"
import { both, leaseOf, setLease } from "./internal/lease.ts"
import { make as makeProvided, type Provided } from "./internal/provided.ts"
import { checkOptions } from "./internal/options/jobShape.ts"
import * as validate from "./internal/validate.ts"
import type { KeyCodec } from "./KeyCodec.ts"
import type { Observation } from "./Observation.ts"
import type { Action, Status, Terminal } from "./Status.ts"
import type { Told } from "./internal/told/model.ts"

const TypeId = "~effect-poll/Job"

/**
 * One kind of remote job.
 *
 * **Details**
 *
 * A job is identified by a key `K` and ends with a result `A` or a failure `F`. Its checks fail with `E` and require
 * the services `R`. A job that can be submitted takes an input `I`, and its submit fails with `ES`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Job<in out K, out A, out F = never, in out E = never, out R = never, in I = never, out ES = never>
  extends Options<K, A, F, E, R, I, ES>, Pipeable {
  readonly [TypeId]: typeof TypeId
  /** The name of the job in errors, logs, metrics and resume tokens. */
  readonly name: string
  /** Encodes and decodes the keys of the job. */
  readonly key: KeyCodec<K>
}

/**
 * A `Job` that can be waited for, whatever its input and submit error types.
 *
 * @category models
 * @since 0.1.0
 */
export type Watchable<K, A, F = never, E = never, R = never> = Job<K, A, F, E, R, never, unknown>

/**
 * A `Job` of any type.
 *
 * @category models
 * @since 0.1.0
 */
export type Any = Watchable<unknown, unknown, unknown, unknown, unknown>

/**
 * The Schemas of the results and failures of a job.
 *
 * @category models
 * @since 0.1.0
 */
export interface Codecs<out A, out F = never> {
  /** The Schema of the results. */
  readonly success: Codec<A, unknown>
  /** The Schema of the failures, or `undefined` if the job has none. */
  readonly failure: Codec<F, unknown> | undefined
}

/**
 * What a job with Schemas has beside the members of a `Job`: a result can be encoded, and decoded elsewhere. A job with
 * Schemas is a `Job<K, A, F, E, R> & WithCodecs<K, A, F>`; `Job.withCodecs` makes one. What needs the Schemas of a job,
 * such as `Signal.make`, requires them by this type.
 *
 * @category models
 * @since 0.1.0
 */
export interface WithCodecs<in out K, out A, out F = never> {
  readonly [TypeId]: typeof TypeId
  /** The name of the job. */
  readonly name: string
  /** Encodes and decodes the keys of the job. */
  readonly key: KeyCodec<K>
  /** The Schemas of the results and failures of the job. */
  readonly codecs: Codecs<A, F>
}

/**
 * A job with Schemas, of any type, for code that decodes what it reads by them.
 *
 * @category models
 * @since 0.1.0
 */
export interface AnyWithCodecs {
  readonly [TypeId]: typeof TypeId
  /** The name of the job. */
  readonly name: string
  /** The Schemas of the results and failures of the job. */
  readonly codecs: Codecs<unknown, unknown>
}

/**
 * The argument of `withCodecs`. `failure` is required unless the failures `F` are `never`.
 *
 * @category models
 * @since 0.1.0
 */
export type CodecOptions<A, F> = {
  /** The Schema of the results. It requires no services. Its encoded form may be anything that JSON can hold. */
  readonly success: Codec<A, unknown>
} & ([F] extends [never]
  ? {
      /** The Schema of the failures; the job has none. */
      readonly failure?: undefined
    }
  : {
      /** The Schema of the failures. It requires no services. */
      readonly failure: Codec<F, unknown>
    })

/**
 * The options of a `Job`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<in out K, out A, out F, in out E, out R, in I = never, out ES = never> {
  /**
   * Asks once for the status of the job with this key. The context has the cursor of the last answer, the number of the
   * check, the elapsed time and the last status.
   */
  readonly check: (key: K, context: CheckContext) => Effect<CheckResult<A, F>, E, R>
  /**
   * Checks many jobs in one request. Only a `Poller` uses it, for the keys that fall due together. A key that is
   * missing in the answer is checked by `check`. Default: each key is checked by `check`.
   */
  readonly checkMany?: CheckMany<K, A, F, E, R> | undefined
  /**
   * Submits a job and yields its receipt, for `Poll.run`. It runs once and is never retried, because a submit that
   * failed may still have been accepted. Do not make it uninterruptible: an interruption would then wait for its answer
   * and drop it, and no receipt would be stored for a job that runs.
   */
  readonly submit?: ((input: I) => Effect<Receipt<Types.NoInfer<K>, A, F>, ES, R>) | undefined
  /**
   * What tells each wait for the job with this key, beside its checks: server-sent events, a socket, a queue. It is
   * subscribed before the first check and closed when the wait ends. If it breaks, it is subscribed again after 1 second,
   * doubled for each time in a row up to 1 minute, and a check follows. Waits then check by the option `behind`, otherwise
   * by the `strategy`. Default: none.
   */
  readonly push?: ((key: K) => Stream<Told<A, F>, unknown, R>) | undefined
  /** Asks the server to cancel the job with this key. The job may still succeed or fail. */
  readonly cancel?: ((key: K) => Effect<void, unknown, R>) | undefined
  /**
   * When to check: a strategy, or a function that returns one for a key. The option `strategy` of a wait takes
   * precedence. Default: the strategy of `PollDefaults`.
   */
  readonly strategy?: Schedule<unknown, Observation> | ((key: K) => Schedule<unknown, Observation>) | undefined
  /** What to do when a check finds no job. Default: the wait fails with `JobNotFound`. */
  readonly missing?: MissingPolicy<Types.NoInfer<K>, A, F, E, R> | undefined
  /** What to do about a state word that the status schema does not list. Default `"fail"`. */
  readonly unknownState?: UnknownStatePolicy<A, F> | undefined
  /**
   * What to do when a check fails. Fields that are not set are taken from `PollDefaults`. `"unbounded"` tolerates
   * transient errors until the deadline.
   */
  readonly checkErrors?: CheckErrorPolicy<E> | "unbounded" | undefined
  /**
   * How long one check may take; a positive finite duration or `"unbounded"`. Default: the `checkTimeout` of
   * `PollDefaults`.
   */
  readonly checkTimeout?: Duration.Input | "unbounded" | undefined
  /** What to do when a pending job does not change. Default: no limit. */
  readonly stall?: StallPolicy | undefined
  /** How an end is confirmed before it counts. Default: the first answer with an end counts. */
  readonly confirm?: JobConfirmPolicy<K, A, F, E, R> | undefined
  /** How long the job may be in a state, by its state word; positive finite durations. Default: no limits. */
  readonly stateLimits?: StateLimits | undefined
  /**
   * The least time between the starts of two checks of a key; a non-negative finite duration, default 0. See the option
   * `minInterval` of a wait.
   */
  readonly minInterval?: Duration.Input | undefined
  /** What to do when a pending job needs an action. Default `"report"`. */
  readonly onAction?: OnAction<R> | undefined
}

/**
 * Checks many keys of a job in one request.
 *
 * **Details**
 *
 * - The answer is handed out at once. A key that is missing in it is checked alone, by the `check` of the job: at once
 *   or, if the answer has a hint, once that has passed. That check has its own `checkTimeout`, takes a place of
 *   `concurrency` and asks the gate. Request and check are one attempt.
 * - A transient error of the whole request counts as a failed check for each of its keys, and so does a request that
 *   takes longer than `checkTimeout`. A throttled request counts as a throttled check for each of them.
 * - A permanent error of the whole request, or a transient one twice in a row, may be caused by one key: the request is
 *   divided to find it, within the attempt. Keys whose part works have no failed check. A key that is found is checked
 *   alone until a check of its own answers. If no part works, each key is checked alone after a permanent error; after
 *   a transient one, the error counts for each key.
 * - A request includes keys that are due a little later, within a tenth of the delay of their strategy, but not before
 *   their hint, gate or `minInterval` allows it.
 * - The hint of the answer, and the longest hint for any of the keys, apply to all of them, because they share one
 *   request.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckMany<in K, out A, out F, out E, out R> {
  /** Checks all given keys in one request. `contexts` has what the check of each job would be given, by encoded key. */
  readonly check: (
    keys: ReadonlyArray<K>,
    contexts: ReadonlyMap<string, CheckContext>
  ) => Effect<CheckManyAnswer<A, F, E>, E, R>
  /** The maximum number of keys in one request; an integer >= 1. */
  readonly max: number
  /**
   * How long a due check may wait for other keys to share its request with; a non-negative finite duration, default 50
   * milliseconds. With 0 only keys that are due at the same time share a request, and no key is checked early. First
   * checks are not staggered: they wait for each other for at most this time.
   */
  readonly slack?: Duration.Input | undefined
}

/**
 * The answer to one request for many keys.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckManyAnswer<out A, out F, out E> {
  /** A result, or a check error, for each encoded key. A key without an entry is checked by the `check` of the job. */
  readonly results: ReadonlyMap<string, Result<CheckResult<A, F>, E>>
  /**
   * The delay that the server requested before the next request, or `"unreadable"` if it sent one that cannot be parsed.
   * It is a floor for all keys of the request, also for those without an entry: they are checked once it has passed.
   * Default: none, and keys without an entry are checked at once.
   */
  readonly hint?: Hint | undefined
}

/**
 * The result of a submit: the key of the new job, and what the server said about it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Receipt<out K, out A = never, out F = never> {
  /** The key of the submitted job. */
  readonly key: K
  /**
   * The run that the submit started, where one key is used for several runs. The terminal status of an earlier run is
   * ignored. Default: any terminal status counts.
   */
  readonly since?: Run | undefined
  /** The delay that the server requested before the first check, or `"unreadable"`. Default: none. */
  readonly hint?: Hint | undefined
  /**
   * How the job ended, if the answer to the submit says so: then no check is made. A pending status is no end. Default:
   * the job is checked until it ends.
   */
  readonly ended?: Terminal<A, F> | undefined
  /**
   * Whether the job was already running, because the server refused to start a second one and named the first. The wait
   * attaches to that job. Default: `false`.
   */
  readonly attached?: boolean | undefined
}

/**
 * What to do when a check finds no job.
 *
 * **Details**
 *
 * The first rule that applies decides:
 *
 * 1. Within `grace` of the start of the wait, and as long as no check has found a status, the job counts as pending: a
 *    read replica may not have seen the submission yet. For the same reason a permanent check error, such as a 403, is
 *    tolerated in that time.
 * 2. The job counts as pending until `times` checks in a row have found no job. A failed check in between does not count,
 *    any other answer starts a new row.
 * 3. If `fallback` has a key for the job, all further checks ask the fallback; the first of them follows at once.
 * 4. If `gone` is given, it decides the status. Use it for a job whose purpose is to remove something.
 * 5. The wait fails with `JobNotFound`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MissingPolicy<in K, out A, out F, out E, out R> {
  /**
   * How long after the start of the wait, and before the first status, a missing job counts as pending and a permanent
   * check error is tolerated; a non-negative finite duration, default 0.
   */
  readonly grace?: Duration.Input | undefined
  /**
   * How many checks in a row have to find no job until it counts as missing; an integer >= 1, default 1. A result of
   * `CheckResult.missingAfter` can ask for more.
   */
  readonly times?: number | undefined
  /** Another source to check once the job is missing. Default: none. */
  readonly fallback?: Fallback<K, A, F, E, R> | undefined
  /** Returns the status of a job that is missing for good. Default: the wait fails with `JobNotFound`. */
  readonly gone?: (() => Status<A, F>) | undefined
}

/**
 * Another source for the status of a job whose own record is missing, such as the history of a queue.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fallback<in K, out A, out F, out E, out R> {
  /**
   * Returns the encoded key at the other source, from the key of the job and its last status (`undefined` if no check
   * has found one), or `undefined` if the source cannot have the job.
   */
  readonly locate: (key: K, last: Status<unknown, unknown> | undefined) => string | undefined
  /**
   * Asks the other source once for the status of the job, by the key that `locate` returned. The context starts without
   * a cursor, since that of the job is about another source.
   */
  readonly check: (fallbackKey: string, context: CheckContext) => Effect<CheckResult<A, F>, E, R>
}

/**
 * What to do about a state word that the status schema does not list.
 *
 * **Details**
 *
 * - `"fail"` (the default): the wait fails with `UnknownState`.
 * - `"continue"`: the job counts as pending, with the word as its state. Only the deadline and the strategy bound this.
 * - `{ times }`: like `"continue"`, for at most `times` consecutive checks (an integer >= 1); then like `"fail"`.
 * - `{ for }`: like `"continue"`, until unknown states have been found for longer than `for` without a known one in
 *   between (a positive finite duration); then like `"fail"`.
 * - `{ treatAs }`: a function that returns the status that the word stands for.
 *
 * @category models
 * @since 0.1.0
 */
export type UnknownStatePolicy<A = never, F = never> =
  | "fail"
  | "continue"
  | { readonly times: number; readonly for?: undefined; readonly treatAs?: undefined }
  | { readonly for: Duration.Input; readonly times?: undefined; readonly treatAs?: undefined }
  | {
      readonly treatAs: (word: string) => Status<A, F>
      readonly times?: undefined
      readonly for?: undefined
    }

/**
 * What to do when a check fails.
 *
 * **Details**
 *
 * A failed check says nothing about the job, so it has a budget of its own and does not advance the strategy. The kind
 * of its error decides what follows (see `CheckError`). After a transient error:
 *
 * 1. If `retry` is given, the check is retried after its next delay, within the same attempt, until `retry` ends. The
 *    last check before the deadline is not retried.
 * 2. A failed check counts against the budgets: `maxConsecutive` with `maxOutage`, and `maxTotal`. Within them, the next
 *    check follows after the next delay of `schedule`.
 * 3. A failed check beyond both `maxConsecutive` and `maxOutage` ends the wait with `CheckErrorsExhausted`. With
 *    `onExhausted: "skip"` the strategy decides when to check next instead, and both start again from 0.
 * 4. A failed check beyond `maxTotal` always ends the wait with `CheckErrorsExhausted`.
 *
 * When `schedule` ends, the wait fails with `CheckErrorsExhausted` too.
 *
 * A throttled check is an attempt, but is neither retried within it nor counted against `maxConsecutive` or `maxTotal`;
 * it neither ends nor extends a row of failed checks. With a hint, the next check follows when the server allows it, and
 * no earlier than the first delay of `schedule`. Without one, the delays of `schedule` grow with each throttled check in
 * a row; when `schedule` ends, its longest delay is repeated. The deadline and `maxThrottled` bound this.
 *
 * A permanent error that the `grace` of a `MissingPolicy` tolerates is followed by the next delay of the strategy, one
 * that `rejectAfter` tolerates by the next delay of `schedule`. Neither counts against a budget.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckErrorPolicy<in E> {
  /**
   * The delays after failed checks; default: 1 second, doubling up to 30 seconds. The schedule and its limits, such as
   * `maxDuration` and `maxAttempts`, count from the first of consecutive failed checks. When it ends, the wait fails.
   */
  readonly schedule?: Schedule<unknown, Observation> | undefined
  /**
   * How many consecutive failed checks are tolerated; an integer >= 0 or `"unbounded"`, default 5. More of them fail the
   * wait only once they have lasted for `maxOutage`.
   */
  readonly maxConsecutive?: number | "unbounded" | undefined
  /**
   * How long consecutive failed checks are tolerated, from the first of them, whatever their number; a non-negative
   * finite duration or `"unbounded"`. Default: 0 if `maxConsecutive` is given; otherwise a tenth of the time from the start
   * of the wait to its deadline (or to the `maxDuration` of its strategy, if that is sooner), at least 30 seconds and at
   * most 10 minutes. Without a deadline it is 10 minutes.
   */
  readonly maxOutage?: Duration.Input | "unbounded" | undefined
  /** How many failed checks are tolerated in total; an integer >= 0 or `"unbounded"`, default `"unbounded"`. */
  readonly maxTotal?: number | "unbounded" | undefined
  /**
   * What to do after a failed check beyond `maxConsecutive`: `"fail"` with `CheckErrorsExhausted` (the default), or
   * `"skip"` it and let the strategy decide when to check next.
   */
  readonly onExhausted?: "fail" | "skip" | undefined
  /**
   * The delays of retries within one check, which stays one attempt; default: no retry. The schedule and its limits
   * count from the first failure within that check. When it ends, the check has failed.
   */
  readonly retry?: Schedule<unknown, Observation> | undefined
  /**
   * How many permanent errors in a row end the wait with `CheckRejected`: `{ times }`, an integer >= 1, or `{ for }`, a
   * positive finite duration since the first of them. Until then they are tolerated. Any answer ends the row, a
   * transient error or a throttled check does not. Default `{ times: 1 }`: the first one ends the wait.
   */
  readonly rejectAfter?:
    | { readonly times: number; readonly for?: undefined }
    | { readonly for: Duration.Input; readonly times?: undefined }
    | undefined
  /**
   * How long the server may throttle all checks in a row; a positive finite duration or `"unbounded"`. Then the wait
   * fails with `CheckErrorsExhausted`. Default: 1 day for a wait without a deadline, otherwise the deadline.
   */
  readonly maxThrottled?: Duration.Input | "unbounded" | undefined
  /** Returns the kind of an error. Default: `CheckError.kindOf`, the kind that the error states. */
  readonly kindOf?: ((error: E) => CheckError.Kind) | undefined
}

/**
 * What to do when the state, progress and detail of a pending job have not changed for `after`, a positive finite
 * duration: `"fail"` with `JobStalled` (the default), or `"report"` a single event `Stalled` and continue.
 *
 * @category models
 * @since 0.1.0
 */
export interface StallPolicy {
  /** How long the job may stay unchanged; a positive finite duration. */
  readonly after: Duration.Input
  /** What to do then; default `"fail"`. */
  readonly onStall?: "fail" | "report" | undefined
}

/**
 * How long a job may be in a state, by its state word; positive finite durations.
 *
 * **Details**
 *
 * The time of a state runs from the answer that first found it to the first answer with another state word or an end. A
 * missing job and failed checks do not interrupt it. A limit acts like a deadline: a last check is made before it, then
 * the wait fails with `PollTimeout`, whose `reason` is `"state"`, and `onTimeout` applies.
 *
 * @category models
 * @since 0.1.0
 */
export type StateLimits = Readonly<Record<string, Duration.Input>>

/**
 * How often or for how long an end has to be found before it counts.
 *
 * **Details**
 *
 * - `{ times }`: by that many answers in a row, the first one included; an integer >= 1. 1 is the default of every wait.
 * - `{ for }`: by all answers over that time, a positive finite duration from the first one. The next check is made when
 *   it is over, or earlier if the strategy says so.
 *
 * @category models
 * @since 0.1.0
 */
export type Confirm =
  | { readonly times: number; readonly for?: undefined }
  | { readonly for: Duration.Input; readonly times?: undefined }

/**
 * How an end is confirmed before it counts, for servers that report an end too early or run a failed job again.
 *
 * **Details**
 *
 * While an end is unconfirmed the strategy decides when to check next. Any answer that is not the same kind of end
 * starts over. Failed checks do not. At the deadline an unconfirmed end is a `PollTimeout` that carries it in
 * `unconfirmed`. The end in a receipt, and one that a `Poller` knows from a recent wait for the key, is a first answer.
 *
 * @category models
 * @since 0.1.0
 */
export interface ConfirmPolicy {
  /** How a `Succeeded` is confirmed; default `{ times: 1 }`: the first one counts. */
  readonly success?: Confirm | undefined
  /** How a `Failed`, `Canceled` or `Expired` is confirmed; default `{ times: 1 }`: the first one counts. */
  readonly failure?: Confirm | undefined
}

/**
 * The `confirm` of a `Job`, which may ask another source as well.
 *
 * @category models
 * @since 0.1.0
 */
export interface JobConfirmPolicy<in K, out A, out F, out E, out R> extends ConfirmPolicy {
  /**
   * One more check of an end that is otherwise confirmed, by another source. It follows at once, or when the server
   * allows it. If it finds the same kind of end, its status is the ending. After any other answer, including a missing
   * job, an unknown state and an end without its result, confirming starts over with the `check` of the job. Such an
   * answer is no status of the wait: `missing` and `unknownState` do not apply to it. If the check fails, it is
   * repeated, like any check. It has the next attempt number and no cursor, and in a `Poller` it is never part of a
   * request for many. Default: none.
   */
  readonly check?: ((key: K, context: CheckContext) => Effect<CheckResult<A, F>, E, R>) | undefined
}

/**
 * What to do when a pending job needs an action (the `action` of its status).
 *
 * **Details**
 *
 * - `"report"` (the default): an event `ActionRequired`, once for each request for an action.
 * - `"fail"`: the wait fails with `PollError.ActionRequired`.
 * - A handler: it runs once for each request, beside the wait, which continues to check. It is interrupted when the
 *   wait ends, and when a status no longer asks for the action, but not by failed checks and missing jobs. A defect of
 *   the handler ends the wait. In a `Poller`, each of several waits for a key runs its own. A resumed wait runs the
 *   handler again for an action only if it had not completed.
 *
 * When a handler completes, a check is requested, which the server may delay. If several complete in a row, only the
 * first one requests a check, until the strategy has made one or a status asks for no action. So a server that asks for
 * another action in each answer is not checked without a pause.
 *
 * Consecutive statuses with the same action id are one request; missing jobs and failed checks in between do not count.
 * If an action comes back after a status without it, that is another request. While a canceled job is watched for its
 * end, `"fail"` does not apply.
 *
 * @category models
 * @since 0.1.0
 */
export type OnAction<R = never> =
  | "report"
  | "fail"
  | ((action: Action, context: ActionContext) => Effect<unknown, never, R>)

/**
 * What the handler of an action is given besides the action.
 *
 * @category models
 * @since 0.1.0
 */
export interface ActionContext {
  /** The name of the `Job`. */
  readonly job: string
  /** The encoded key. */
  readonly key: string
  /** The number of the check that found the action. */
  readonly attempt: number
}

/**
 * Returns the policy that an option `checkErrors` stands for: `"unbounded"` as an object, a policy unchanged.
 *
 * @category destructors
 * @since 0.1.0
 */
export const checkErrorPolicy = <E>(option: CheckErrorPolicy<E> | "unbounded"): CheckErrorPolicy<E> =>
  option === "unbounded" ? { maxConsecutive: "unbounded", maxOutage: "unbounded", maxTotal: "unbounded" } : option

/**
 * The option `key` of `make`. It is required unless the keys `K` are plain strings.
 *
 * @category models
 * @since 0.1.0
 */
export type KeyOption<K> = [string, K] extends [K, string]
  ? {
      /** Encodes and decodes the keys of the job. Default: a key is its own encoded form. */
      readonly key?: KeyCodec<K> | undefined
    }
  : {
      /** Encodes and decodes the keys of the job. `KeyCodec.fromSchema` makes one from a Schema. */
      readonly key: KeyCodec<K>
    }

/**
 * Tests whether a value is a `Job`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isJob = (u: unknown): u is Any => hasProperty(u, TypeId)

/**
 * Creates a `Job`.
 *
 * **Details**
 *
 * Keys are strings unless `key` is given (see `KeyCodec.fromSchema`). Throws a RangeError for an empty name, for a
 * `checkMany` whose `max` or `slack` is out of range, and for an option of the wrong type.
 *
 * **Example** (Defining a job)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const Ready = Job.make("ready", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) })
 * Ready.name // => "ready"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A, F = never, E = never, R = never, I = never, ES = never, K = string>(
  name: string,
  options: Options<K, A, F, E, R, I, ES> & KeyOption<K>
): Job<K, A, F, E, R, I, ES> => {
  checkOptions("Job.make", options)
  return Object.assign(Object.create(Proto), {
    ...options,
    name: validate.nonEmpty("Job.make: name", name),
    key: (options as { readonly key?: KeyCodec<K> }).key ?? stringKey
  })
}

/**
 * Adds the Schemas of its results and failures to a job. What stores a result or sends it elsewhere, such as a `Signal`,
 * requires them by type (`Job.WithCodecs`).
 *
 * **Details**
 *
 * The Schemas change nothing about checks: a check decodes its answers itself. Results are stored in the JSON form of
 * their Schema (`Schema.toCodecJson`), so a Schema of dates, maps or classes needs no further transformation. Throws a
 * RangeError for something that is not a Schema.
 *
 * **Example** (Describing the results of a job)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Schema from "effect/Schema"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const Review = Job.make("review", {
 *   check: (_id: string) => Effect.succeed(Status.pending() as Status.Status<{ readonly approved: boolean }>)
 * }).pipe(Job.withCodecs({ success: Schema.Struct({ approved: Schema.Boolean }) }))
 * Schema.isSchema(Review.codecs.success) // => true
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withCodecs: {
  /** Adds the Schemas of its results and failures to a job. `failure` is required for a job that has failures. */
  <A, F = never>(
    codecs: CodecOptions<A, F>
  ): <K, E, R, I, ES>(self: Job<K, A, F, E, R, I, ES>) => Job<K, A, F, E, R, I, ES> & WithCodecs<K, A, F>
  /** Adds the Schemas of its results and failures to a job. `failure` is required for a job that has failures. */
  <K, A, F, E, R, I, ES>(
    self: Job<K, A, F, E, R, I, ES>,
    codecs: CodecOptions<Types.NoInfer<A>, Types.NoInfer<F>>
  ): Job<K, A, F, E, R, I, ES> & WithCodecs<K, A, F>
} = /*#__PURE__*/ dual(
  2,
  <K, A, F, E, R, I, ES>(
    self: Job<K, A, F, E, R, I, ES>,
    codecs: { readonly success: Codec<A, unknown>; readonly failure?: Codec<F, unknown> | undefined }
  ): Job<K, A, F, E, R, I, ES> & WithCodecs<K, A, F> => {
    if (!isJob(self)) validate.refuse("Job.withCodecs: the job", "a Job", self)
    const { failure, success } = codecs
    if (!hasProperty(success, "ast")) validate.refuse("Job.withCodecs: success", "a Schema", success)
    if (failure !== undefined && !hasProperty(failure, "ast")) {
      validate.refuse("Job.withCodecs: failure", "a Schema", failure)
    }
    return copyOf(self, { codecs: { success, failure } })
  }
)

/**
 * The functions that check a job, for `withChecks`.
 *
 * @category models
 * @since 0.1.0
 */
export type Checks<K, A, F, E, R> = Pick<Options<K, A, F, E, R>, "check" | "checkMany" | "confirm" | "missing">

/**
 * Replaces the functions that check a job, usually by functions that call them. A field that is not given stays, and so
 * does everything else: the name, the key, the policies, the Schemas and the services that were provided.
 *
 * **When to use**
 *
 * Use to learn when a check begins and ends, or to do something around each check, such as limiting or recording it.
 *
 * **Example** (Counting checks)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 *
 * const Ready = Job.make("ready", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) })
 * let checks = 0
 * const Counted = Job.withChecks(Ready, {
 *   check: (id, context) => Effect.suspend(() => (checks++, Ready.check(id, context)))
 * })
 * await Effect.runPromise(Poll.until(Counted, "cat", { deadline: "1 minute" })) // => "cat.png"
 * checks // => 1
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withChecks = <K, A, F, E, R, I, ES>(
  self: Job<K, A, F, E, R, I, ES>,
  checks: Checks<K, A, F, E, R>
): Job<K, A, F, E, R, I, ES> => copyOf(self, checks)

/**
 * The type of a job with services provided, which keeps the Schemas `C` of the job, if it has any.
 *
 * @category models
 * @since 0.1.0
 */
export type WithServices<K, A, F, E, R, I, ES, C> = unknown extends C
  ? Job<K, A, F, E, R, I, ES>
  : Job<K, A, F, E, R, I, ES> & WithCodecs<K, A, F>

/**
 * Provides services to all calls of a job: `check`, `checkMany`, `push`, `submit`, `cancel`, the checks of the fallback and
 * of `confirm`, and the handler of actions. Its type then requires only the services that are not provided.
 *
 * **When to use**
 *
 * Use to wait for a job that needs services where there are none, such as in `effect-poll/promise`, or to give jobs
 * different services, such as clients with different credentials. Elsewhere, provide the whole program.
 *
 * **Details**
 *
 * - The layer is built for the first call, and shared by all waits for this job value. It is released once the last wait
 *   for the job has ended, and built anew for the next one.
 * - The layer must not require services itself: provide them to it with `Layer.provide`. Otherwise the services of one
 *   caller would be used for the waits of another.
 * - If the layer fails, the check fails with its error: a check error like any other, by default a transient one, so the
 *   layer is built again for the next check. The `kindOf` of the job is not called for it. A submit fails with the error
 *   too, and a cancel with `CancelFailed`; for the handler of actions it is a defect.
 * - A `push` keeps the services for as long as it is subscribed. If the layer fails, the stream breaks.
 * - Building the layer counts as part of the check, so `checkTimeout` and the deadline apply to it.
 * - The services of a `Context` exist already, and are never released.
 *
 * **Example** (Waiting without services)
 *
 * ```ts
 * import * as Context from "effect/Context"
 * import * as Effect from "effect/Effect"
 * import * as Layer from "effect/Layer"
 * import * as Job from "effect-poll/Job"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 *
 * class Region extends Context.Service<Region, string>()("Region") {}
 *
 * const Render = Job.make("render", {
 *   check: (id: string) => Effect.map(Region, (region) => Status.succeeded(`${region}/${id}.png`))
 * })
 * const RenderInEurope = Render.pipe(Job.provide(Layer.succeed(Region, "eu")))
 * await Effect.runPromise(Poll.until(RenderInEurope, "cat", { deadline: "1 minute" })) // => "eu/cat.png"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const provide: {
  /**
   * Provides the services of a layer or a context to all calls of a job. The layer is built for the first call, shared by
   * all waits for the job, and released when the last of them has ended. Its error is added to the errors of the check
   * and of the submit.
   */
  <Services, EL = never>(
    services: Layer<Services, EL> | Context<Services>
  ): <K, A, F, E, R, I, ES, C = unknown>(
    self: Job<K, A, F, E, R, I, ES> & { readonly codecs?: C }
  ) => WithServices<K, A, F, E | EL, Exclude<R, Services>, I, ES | EL, C>
  /**
   * Provides the services of a layer or a context to all calls of a job. The layer is built for the first call, shared by
   * all waits for the job, and released when the last of them has ended. Its error is added to the errors of the check
   * and of the submit.
   */
  <K, A, F, E, R, I, ES, Services, EL = never, C = unknown>(
    self: Job<K, A, F, E, R, I, ES> & { readonly codecs?: C },
    services: Layer<Services, EL> | Context<Services>
  ): WithServices<K, A, F, E | EL, Exclude<R, Services>, I, ES | EL, C>
} = /*#__PURE__*/ dual(
  2,
  <K, A, F, E, R, I, ES, Services, EL>(
    self: Job<K, A, F, E, R, I, ES>,
    services: Layer<Services, EL> | Context<Services>
  ): Job<K, A, F, E | EL, Exclude<R, Services>, I, ES | EL> => {
    if (!isJob(self)) validate.refuse("Job.provide: the job", "a Job", self)
    const provided = makeProvided(services)
    const job: Job<K, A, F, E | EL, Exclude<R, Services>, I, ES | EL> = Object.assign(Object.create(Proto), {
      ...self,
      ...callsWith(self, provided)
    })
    const lease = both(leaseOf(self), provided.lease)
    return lease === undefined ? job : setLease(job, lease)
  }
)

// ---- internal ----

/** A job with further members, and the services that are provided to it. */
const copyOf = <J extends object, T>(self: J, more: T): J & T => {
  const job: J & T = Object.assign(Object.create(Proto), { ...self, ...more })
  const lease = leaseOf(self)
  return lease === undefined ? job : setLease(job, lease)
}

/** The options of a job that call for services, with services provided. */
const callsWith = <K, A, F, E, R, I, ES, Services, EL>(
  job: Options<K, A, F, E, R, I, ES>,
  { isOwnError, use, useStream }: Provided<Services, EL>
): Partial<Options<K, A, F, E | EL, Exclude<R, Services>, I, ES | EL>> => {
  const { cancel, check, checkMany, confirm, missing, onAction, push, submit } = job
  const confirmed = confirm?.check
  const fallback = missing?.fallback
  return {
    check: (key, context) => use(() => check(key, context)),
    checkMany: checkMany && {
      ...checkMany,
      check: (keys, contexts) => use(() => checkMany.check(keys, contexts))
    },
    push: push && ((key) => useStream(() => push(key))),
    submit: submit && ((input) => use(() => submit(input))),
    cancel: cancel && ((key) => use(() => cancel(key))),
    confirm: confirm && {
      ...confirm,
      check: confirmed && ((key, context) => use(() => confirmed(key, context)))
    },
    missing: missing && {
      ...missing,
      fallback: fallback && {
        ...fallback,
        check: (fallbackKey, context) => use(() => fallback.check(fallbackKey, context))
      }
    },
    onAction:
      typeof onAction === "function"
        ? (action, context) => Effects.orDie(use(() => onAction(action, context)))
        : onAction,
    checkErrors: withOwnErrors(job.checkErrors, isOwnError)
  }
}

/** A policy for the errors of the checks and of a layer, about which the job's own `kindOf` knows nothing. */
const withOwnErrors = <E, EL>(
  policy: Options<never, unknown, unknown, E, unknown>["checkErrors"],
  isOwnError: (error: unknown) => boolean
): CheckErrorPolicy<E | EL> | "unbounded" | undefined => {
  if (policy === undefined || policy === "unbounded") return policy
  const { kindOf } = policy
  return {
    ...policy,
    kindOf: kindOf && ((error) => (isOwnError(error) ? CheckError.kindOf(error) : kindOf(error as E)))
  }
}

const stringKey: KeyCodec<string> = { encode: (key) => key, decode: (encoded) => encoded }

const Proto = {
  [TypeId]: TypeId,
  pipe() {
    return pipeArguments(this, arguments)
  },
  toJSON(this: { readonly name: string }) {
    return { _id: "Job", name: this.name }
  }
}
