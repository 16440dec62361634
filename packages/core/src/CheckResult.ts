/**
 * The result of one check, that is, of asking once for the status of a job.
 *
 * Every `Status` is a `CheckResult`. A check can also find no job (`Missing`), or a state word that the status schema
 * does not list (`UnknownState`). `withHint` and `withRun` annotate a result with what the server said about the check:
 * the delay before the next one, and the run of the job that the result is about.
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
 * The result of one check, without annotations.
 *
 * @category models
 * @since 0.1.0
 */
export type Unannotated<A, F = never> = Status<A, F> | Missing | UnknownState

/**
 * The check found no job under its key: a read replica that lags behind the submit, or a record that was deleted. The
 * option `missing` of the `Job` decides what follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface Missing {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Missing"
}

/**
 * The server reported a state word that the status schema does not list. The option `unknownState` of the wait or of
 * the `Job` decides what follows.
 *
 * @category models
 * @since 0.1.0
 */
export interface UnknownState {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "UnknownState"
  /** The state word, as sent by the server. */
  readonly state: string
}

/**
 * Identifies a run of a job, where one key is used for several runs.
 *
 * **Details**
 *
 * - `run`: an id. A result with another id is about another run.
 * - `generation`: a number that grows from run to run, such as a version or an update time. A result with a smaller
 *   number is about an earlier run.
 *
 * A `run` id and a `generation` are never treated as the same run.
 *
 * @category models
 * @since 0.1.0
 */
export type Run = { readonly run: string } | { readonly generation: number }

/**
 * The delay that the server requested before the next check, or `"unreadable"` if it sent one that cannot be parsed. An
 * unreadable hint is ignored, and counted in `hints.unreadable` of an error.
 *
 * @category models
 * @since 0.1.0
 */
export type Hint = Duration.Duration | "unreadable"

/**
 * A result together with what the server said about the check.
 *
 * @category models
 * @since 0.1.0
 */
export interface Annotated<out A, out F> {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Annotated"
  /** The result without its annotations. */
  readonly result: Unannotated<A, F>
  /** The delay that the server requested before the next check, or `undefined` if it requested none. */
  readonly hint: Hint | undefined
  /** The run of the job that the result is about, or `undefined` if the server does not report it. */
  readonly run: Run | undefined
}

/**
 * Tests whether a value is a `CheckResult`. Every `Status` is.
 *
 * @category guards
 * @since 0.1.0
 */
export const isCheckResult = (u: unknown): u is CheckResult<unknown, unknown> => hasProperty(u, TypeId) || isStatus(u)

/**
 * The result of a check that finds no job under its key.
 *
 * @category constructors
 * @since 0.1.0
 */
export const missing: Missing = { [TypeId]: TypeId, _tag: "Missing" }

/**
 * Creates the result of a check that finds a state word that the status schema does not list.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unknownState = (state: string): UnknownState => ({ [TypeId]: TypeId, _tag: "UnknownState", state })

/**
 * Sets the delay that the server requested before the next check. Replaces an earlier hint.
 *
 * **Details**
 *
 * The delay counts from the end of the check. It is a floor: the next check comes no earlier, whatever the strategy
 * says. A hint longer than the `maxHint` of the wait is clamped to it.
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
  /** Sets the delay that the server requested before the next check, or `"unreadable"` if it cannot be parsed. */
  (hint: Duration.Input | "unreadable"): <A = never, F = never>(self: CheckResult<A, F>) => CheckResult<A, F>
  /** Sets the delay that the server requested before the next check, or `"unreadable"` if it cannot be parsed. */
  <A = never, F = never>(self: CheckResult<A, F>, hint: Duration.Input | "unreadable"): CheckResult<A, F>
} = dual(2, <A, F>(self: CheckResult<A, F>, hint: Duration.Input | "unreadable"): CheckResult<A, F> =>
  annotate(self, hint === "unreadable" ? hint : Duration.fromInputUnsafe(hint), undefined)
)

/**
 * Sets the run of the job that the result is about. Replaces an earlier one.
 *
 * **Details**
 *
 * A wait with the option `since` ignores the terminal status of an earlier run and treats the job as pending.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withRun: {
  /** Sets the run of the job that the result is about: a `run` id or a `generation`. */
  (run: Run): <A = never, F = never>(self: CheckResult<A, F>) => CheckResult<A, F>
  /** Sets the run of the job that the result is about: a `run` id or a `generation`. */
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
