/**
 * The outcome of one look at a job.
 *
 * A plain `Status` is a look. Beside it a look may find that the job is `missing` (there is no such id here, now), or
 * that it says a word nobody listed (`unlisted`). `Look.make` adds what the server said about the look itself: when it
 * wishes to be asked again (a hint), and which run of the job the answer speaks of.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import type { Status } from "./Status.ts"

const TypeId = "~effect-poll/Look"

/**
 * The outcome of one look.
 *
 * @category models
 * @since 0.1.0
 */
export type Look<A, F = never> = Finding<A, F> | Reported<A, F>

/**
 * What a look found, without what the server said about the look itself.
 *
 * @category models
 * @since 0.1.0
 */
export type Finding<A, F = never> = Status<A, F> | Missing | Unlisted

/**
 * There is no job under this id, as far as this source knows. What that means depends on when it is seen: just after
 * the submit, or after a day of a known job (see the `missing` option of a `Job`).
 *
 * @category models
 * @since 0.1.0
 */
export interface Missing {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Missing"
}

/**
 * The server said a state word that nobody listed. What follows is the policy `unknownStatus`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Unlisted {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Unlisted"
  readonly word: string
}

/**
 * Which run of a job an answer speaks of: an id (compared for being the same) or a generation, version or update time
 * (compared for being older).
 *
 * @category models
 * @since 0.1.0
 */
export type Run = string | number

/**
 * The server's wish for the next look: a duration, or `"unreadable"` if it sent one that cannot be understood (ignored,
 * but counted).
 *
 * @category models
 * @since 0.1.0
 */
export type Hint = Duration.Duration | "unreadable"

/**
 * A finding with what the server said about the look itself.
 *
 * @category models
 * @since 0.1.0
 */
export interface Reported<out A, out F> {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Reported"
  readonly finding: Finding<A, F>
  readonly hint: Hint | undefined
  readonly run: Run | undefined
}

/**
 * Tests whether a value is a look that is more than a plain `Status`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isLook = (u: unknown): u is Missing | Unlisted | Reported<unknown, unknown> => hasProperty(u, TypeId)

/**
 * The look that found no job under its id.
 *
 * @category constructors
 * @since 0.1.0
 */
export const missing: Missing = { [TypeId]: TypeId, _tag: "Missing" }

/**
 * Creates the look that found a state word nobody listed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const unlisted = (word: string): Unlisted => ({ [TypeId]: TypeId, _tag: "Unlisted", word })

/**
 * Adds to a finding what the server said about the look itself.
 *
 * **Details**
 *
 * - `hint`: when the server wishes to be asked again; a floor for the next wait. Given as a duration from now, or
 *   `"unreadable"`.
 * - `run`: which run of the job the answer speaks of.
 *
 * What is left out keeps the value that the look already has.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A, F>(
  look: Look<A, F>,
  options: { readonly hint?: Duration.Input | "unreadable" | undefined; readonly run?: Run | undefined }
): Look<A, F> => {
  const inner = look._tag === "Reported" ? look : undefined
  const hint =
    options.hint === undefined || options.hint === "unreadable" ? options.hint : Duration.fromInputUnsafe(options.hint)
  return {
    [TypeId]: TypeId,
    _tag: "Reported",
    finding: inner === undefined ? (look as Finding<A, F>) : inner.finding,
    hint: hint ?? inner?.hint,
    run: options.run ?? inner?.run
  }
}

/**
 * Adds the server's wish for the next look.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withHint = <A, F>(look: Look<A, F>, hint: Duration.Input | "unreadable"): Look<A, F> =>
  make(look, { hint })

/**
 * Names the run of the job that the answer speaks of.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withRun = <A, F>(look: Look<A, F>, run: Run): Look<A, F> => make(look, { run })

/**
 * Takes the finding out of a look.
 *
 * @category destructors
 * @since 0.1.0
 */
export const finding = <A, F>(look: Look<A, F>): Finding<A, F> => (look._tag === "Reported" ? look.finding : look)
