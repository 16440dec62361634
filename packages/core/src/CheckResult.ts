/**
 * The result of one check: asking once how a job is.
 *
 * A `Status` is a `CheckResult`. A check can also find that the job is `Missing`, or that the server used a state word
 * that the status schema does not list (`UnknownState`). `withHint` and `withRun` annotate a result with what the server
 * said about the check itself: how long to wait before the next one, and which run of the job the answer is about.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { dual } from "effect/Function"
import { hasProperty } from "effect/Predicate"
import { isStatus, type Status } from "./Status.ts"

const TypeId = "~effect-poll/CheckResult"

/**
 * The result of one check of a job with results `A` and failures `F`.
 *
 * @category models
 * @since 0.1.0
 */
export type CheckResult<A, F = never> = Unannotated<A, F> | Annotated<A, F>

/**
 * A result without annotations.
 *
 * @category models
 * @since 0.1.0
 */
export type Unannotated<A, F = never> = Status<A, F> | Missing | UnknownState

/**
 * The source that was asked knows no job under this key. The `missing` policy of the `Job` decides what that means: a
 * replica that lags behind the submit, or a record that was deleted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Missing {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Missing"
}

/**
 * The server used a state word that the status schema does not list. The `unknownState` policy of the wait decides what
 * follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface UnknownState {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "UnknownState"
  /** The wire's own word. */
  readonly state: string
}

/**
 * Which run of a job an answer is about, where one key is used for several runs.
 *
 * **Details**
 *
 * - `run`: an id. An answer about another run is not about the awaited one.
 * - `generation`: a number that grows from run to run, such as a version or an update time. An answer with a smaller
 *   number is about an earlier run.
 *
 * @category models
 * @since 0.1.0
 */
export type Run = { readonly run: string } | { readonly generation: number }

/**
 * The delay that the server requested before the next check, or `"unreadable"` if it sent one that cannot be parsed. An
 * unreadable hint is ignored and counted.
 *
 * @category models
 * @since 0.1.0
 */
export type Hint = Duration.Duration | "unreadable"

/**
 * A result together with what the server said about the check itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Annotated<out A, out F> {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Annotated"
  readonly result: Unannotated<A, F>
  readonly hint: Hint | undefined
  readonly run: Run | undefined
}

/**
 * Tests whether a value is a `CheckResult`. Every `Status` is one.
 *
 * @category guards
 * @since 0.1.0
 */
export const isCheckResult = (u: unknown): u is CheckResult<unknown, unknown> => hasProperty(u, TypeId) || isStatus(u)

/**
 * The result of a check that found no job under its key.
 *
 * @category constructors
 * @since 0.1.0
 */
export const missing: Missing = { [TypeId]: TypeId, _tag: "Missing" }

/**
 * Creates the result of a check that found a state word which the status schema does not list.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unknownState = (state: string): UnknownState => ({ [TypeId]: TypeId, _tag: "UnknownState", state })

/**
 * Adds the delay that the server requested before the next check; it replaces one that is already there.
 *
 * **Details**
 *
 * The delay counts from the end of the check and is the earliest time of the next one, up to the `maxHint` of the wait.
 *
 * **Example** (Passing on a Retry-After)
 *
 * ```ts
 * import * as CheckResult from "effect-poll/CheckResult"
 * import * as Status from "effect-poll/Status"
 *
 * const result = CheckResult.withHint(Status.pending(), "5 seconds")
 * result._tag // => "Annotated"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withHint: {
  (hint: Duration.Input | "unreadable"): <A = never, F = never>(self: CheckResult<A, F>) => CheckResult<A, F>
  <A = never, F = never>(self: CheckResult<A, F>, hint: Duration.Input | "unreadable"): CheckResult<A, F>
} = dual(2, <A, F>(self: CheckResult<A, F>, hint: Duration.Input | "unreadable"): CheckResult<A, F> =>
  annotate(self, hint === "unreadable" ? hint : Duration.fromInputUnsafe(hint), undefined)
)

/**
 * Names the run of the job that the answer is about; it replaces one that is already there. An end of an earlier run
 * than the one in the option `since` of the wait counts as pending.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withRun: {
  (run: Run): <A = never, F = never>(self: CheckResult<A, F>) => CheckResult<A, F>
  <A = never, F = never>(self: CheckResult<A, F>, run: Run): CheckResult<A, F>
} = dual(2, <A, F>(self: CheckResult<A, F>, run: Run): CheckResult<A, F> => annotate(self, undefined, run))

/**
 * Removes the annotations from a result.
 *
 * @category destructors
 * @since 0.1.0
 */
export const unannotated = <A, F>(self: CheckResult<A, F>): Unannotated<A, F> =>
  self._tag === "Annotated" ? self.result : self

// ---- internal ----

const annotate = <A, F>(self: CheckResult<A, F>, hint: Hint | undefined, run: Run | undefined): CheckResult<A, F> => {
  const before = self._tag === "Annotated" ? self : undefined
  return {
    [TypeId]: TypeId,
    _tag: "Annotated",
    result: unannotated(self),
    hint: hint ?? before?.hint,
    run: run ?? before?.run
  }
}
