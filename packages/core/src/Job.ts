/**
 * One kind of remote work: how to check one piece of it by its key, how to submit and to cancel one, and what it means
 * that it is missing or says an unknown state.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import type { Effect } from "effect/Effect"
import { type Pipeable, pipeArguments } from "effect/Pipeable"
import { hasProperty } from "effect/Predicate"
import type { Result } from "effect/Result"
import type { Schedule } from "effect/Schedule"
import * as validate from "./internal/validate.ts"
import type { KeyCodec } from "./KeyCodec.ts"
import type { Hint, CheckResult, Run } from "./CheckResult.ts"
import type { Observation } from "./Observation.ts"
import type * as CheckError from "./CheckError.ts"
import type { Status } from "./Status.ts"

const TypeId = "~effect-poll/Job"

/**
 * A kind of remote work with keys `K`, results `A`, failures `F`, checks that fail with `E` and need `R`, and, if it can
 * be submitted, submissions that take an `I` and fail with `ES`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Job<in out K, out A, out F = never, in out E = never, out R = never, in I = never, out ES = never>
  extends Options<K, A, F, E, R, I, ES>, Pipeable {
  readonly [TypeId]: typeof TypeId
  /** What it is called in errors, logs and metrics. */
  readonly name: string
  readonly key: KeyCodec<K>
}

/**
 * A `Job` that can be watched, whatever its submit takes and fails with.
 *
 * @category models
 * @since 0.1.0
 */
export type Watchable<K, A, F = never, E = never, R = never> = Job<K, A, F, E, R, never, unknown>

/**
 * Any `Job`, with its types erased.
 *
 * @category models
 * @since 0.1.0
 */
export type Any = Watchable<unknown, unknown, unknown, unknown, unknown>

/**
 * What a `Job` is made of.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<in out K, out A, out F, in out E, out R, in I = never, out ES = never> {
  /** Checks one piece of work. A plain `Status` is a check. */
  readonly check: (key: K) => Effect<CheckResult<A, F>, E, R>
  /**
   * Checks many pieces of work in one request. A `Poller` uses it for the keys that fall due together; everybody else
   * checks by `check`, which also serves the keys that an answer lacks.
   */
  readonly checkMany?: CheckMany<K, A, F, E, R> | undefined
  /**
   * Submits a piece of work and yields its receipt. It is never sent again by this library, since a submit that failed
   * may still have been accepted.
   */
  readonly submit?: ((input: I) => Effect<Receipt<K>, ES, R>) | undefined
  /** Asks the server to stop a piece of work. Cooperative: the job may still end otherwise. */
  readonly cancel?: ((key: K) => Effect<void, unknown, R>) | undefined
  /**
   * When to check, unless the wait says otherwise. May depend on the key.
   */
  readonly strategy?: Schedule<unknown, Observation> | ((key: K) => Schedule<unknown, Observation>) | undefined
  readonly missing?: MissingPolicy<K, A, F, E, R> | undefined
  readonly unknownState?: UnknownStatePolicy<A, F> | undefined
  readonly checkErrors?: CheckErrorPolicy<E> | undefined
}

/**
 * A check many keys in one request.
 *
 * **Details**
 *
 * The answer has a check or an error for each encoded key. A key that it lacks is checked alone. An error of the whole
 * request counts for each of its keys if it is transient; if it is permanent, the request is split to find the key that
 * it is about. The slowest hint for one of the keys holds for all of them.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckMany<in K, out A, out F, out E, out R> {
  readonly check: (keys: ReadonlyArray<K>) => Effect<ReadonlyMap<string, Result<CheckResult<A, F>, E>>, E, R>
  /** The most keys of one request; a whole number from 1. */
  readonly max: number
  /**
   * How long a due check may wait for others that it can be made with; a non-negative finite duration, default 50
   * milliseconds.
   */
  readonly slack?: Duration.Input | undefined
}

/**
 * What a submit yields: the key of the job, the run that it started if the key is used again for later runs, and the
 * wish of the server for the first check.
 *
 * @category models
 * @since 0.1.0
 */
export interface Receipt<out K> {
  readonly key: K
  readonly since?: Run | undefined
  /** When the server wishes to be asked first. */
  readonly hint?: Hint | undefined
}

/**
 * What it means that a job is missing, by when that is seen.
 *
 * **Details**
 *
 * In this order: within `grace` of the start of the wait, and as long as no status was seen, it is pending (a read
 * replica that does not know of the submit yet). After that the `fallback`, if there is one and it has a key for this
 * job, is checked from now on, and at once. Otherwise it is gone, which is `JobNotFound` (the default) or, for work
 * whose aim is to be gone, the status that `gone` yields.
 *
 * @category models
 * @since 0.1.0
 */
export interface MissingPolicy<in K, out A, out F, out E, out R> {
  /** A non-negative duration; default: none. */
  readonly grace?: Duration.Input | undefined
  readonly fallback?: Fallback<K, A, F, E, R> | undefined
  readonly gone?: (() => Status<A, F>) | undefined
}

/**
 * Another source that knows of a job whose own record is gone.
 *
 * @category models
 * @since 0.1.0
 */
export interface Fallback<in K, out A, out F, out E, out R> {
  /** The encoded key of the other source, from the key of the job and the last status seen; nothing if there is none. */
  readonly locate: (key: K, last: Status<unknown, unknown> | undefined) => string | undefined
  /** Checks the other source. */
  readonly check: (fallbackKey: string) => Effect<CheckResult<A, F>, E, R>
}

/**
 * What follows when the server says a state word that nobody listed.
 *
 * **Details**
 *
 * - `"fail"` (the default): the wait ends as `UnknownState`.
 * - `"continue"`: the job counts as pending, and the word is kept as its state. The deadline bounds it.
 * - `{ times }`: as `"continue"`, for at most so many checks in a row; then it fails.
 * - `{ for }`: as `"continue"`, for at most so long; then it fails.
 * - `{ treatAs }`: the status that the word stands for.
 *
 * @category models
 * @since 0.1.0
 */
export type UnknownStatePolicy<A = never, F = never> =
  | "fail"
  | "continue"
  | { readonly times: number }
  | { readonly for: Duration.Input }
  | { readonly treatAs: (word: string) => Status<A, F> }

/**
 * What follows when a check fails.
 *
 * **Details**
 *
 * A failed check tells nothing of the job, so it has a budget of its own. The error says whether it is transient or
 * permanent (`CheckError.kind`); `classify` replaces that. A permanent one ends the wait as `CheckRejected`. After a
 * transient one:
 *
 * 1. `retry`, if given, is stepped and the same check is tried again after its delay. When it ends, the check failed.
 * 2. The failed check counts. While no more than `maxConsecutive` checks failed in a row and `maxTotal` in all, the next check comes
 *    after the delay of `schedule`; the strategy is not stepped.
 * 3. A budget is used up when one more check fails than it allows. With `onExhausted: "fail"` the wait ends as
 *    `CheckErrorsExhausted`; with `"skip"` this check is given up, the count in a row starts anew and the next check
 *    comes when the strategy says. A used-up `maxTotal` always fails.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckErrorPolicy<in E> {
  /** Delays after failed checks; default: exponential from 1 second by 2, at most 30 seconds. */
  readonly schedule?: Schedule<unknown, Observation> | undefined
  /** How many checks in a row may fail; a whole number from 0, or `"unbounded"`; default 5. */
  readonly maxConsecutive?: number | "unbounded" | undefined
  /** How many checks may fail in all; a whole number from 0, or `"unbounded"`; default `"unbounded"`. */
  readonly maxTotal?: number | "unbounded" | undefined
  /** What follows when the budget in a row is used up; default `"fail"`. */
  readonly onExhausted?: "fail" | "skip" | undefined
  /** Delays of the retries within one check, which count as one attempt; default: no retry. */
  readonly retry?: Schedule<unknown, Observation> | undefined
  /** Says what kind an error is, instead of what it says itself. */
  readonly kindOf?: ((error: E) => CheckError.Kind) | undefined
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
 * The key is a string unless `key` says how it is written as one (see `KeyCodec.fromSchema`). An empty name is a
 * RangeError, as are figures of `checkMany` out of their range.
 *
 * **Example** (A job that is done when asked)
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
export const make: {
  <K, A, F = never, E = never, R = never, I = never, ES = never>(
    name: string,
    options: Options<K, A, F, E, R, I, ES> & { readonly key: KeyCodec<K> }
  ): Job<K, A, F, E, R, I, ES>
  <A, F = never, E = never, R = never, I = never, ES = never>(
    name: string,
    options: Options<string, A, F, E, R, I, ES>
  ): Job<string, A, F, E, R, I, ES>
} = <K, A, F, E, R, I, ES>(
  name: string,
  options: Options<K, A, F, E, R, I, ES> & { readonly key?: KeyCodec<K> }
): Job<K, A, F, E, R, I, ES> => {
  if (options.checkMany !== undefined) {
    validate.count("Job.make: checkMany.max", options.checkMany.max, 1)
    validate.millis("Job.make: checkMany.slack", options.checkMany.slack ?? 0, "nonNegative")
  }
  return Object.assign(Object.create(Proto), {
    ...options,
    name: validate.nonEmpty("Job.make: name", name),
    key: options.key ?? stringKey
  })
}

// ---- internal ----

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
