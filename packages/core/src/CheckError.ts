/**
 * How the error of a check says what kind of error it is.
 *
 * A check that fails says nothing about the job. What follows depends on the kind of its error: a transient one counts
 * against the budget of `checkErrors` and the job is checked again, a permanent one ends the wait as `CheckRejected`.
 *
 * An error states its kind under the symbol `kind`. An error without it is transient. The option `kindOf` of a
 * `CheckErrorPolicy` overrides what errors say.
 *
 * **Example** (An error of your own)
 *
 * ```ts
 * import * as Data from "effect/Data"
 * import * as CheckError from "effect-poll/CheckError"
 *
 * class Forbidden extends Data.TaggedError("Forbidden")<{}> {
 *   readonly [CheckError.kind] = CheckError.permanent()
 * }
 * CheckError.kindOf(new Forbidden())._tag // => "Permanent"
 * CheckError.kindOf("connection reset")._tag // => "Transient"
 * ```
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"

/**
 * The kind of a check error.
 *
 * **Details**
 *
 * - `Transient`: the next check may succeed. `retryAfter` is the delay that the server requested, or `"unreadable"`.
 * - `Permanent`: a further check cannot succeed, such as after a 401. The wait ends as `CheckRejected`.
 *
 * @category models
 * @since 0.1.0
 */
export type Kind =
  | { readonly _tag: "Transient"; readonly retryAfter?: Duration.Duration | "unreadable" | undefined }
  | { readonly _tag: "Permanent" }

/**
 * The key under which an error states its kind.
 *
 * @category symbols
 * @since 0.1.0
 */
export const kind = "~effect-poll/CheckError/kind"

/**
 * An error that states its kind.
 *
 * @category models
 * @since 0.1.0
 */
export interface WithKind {
  readonly [kind]: Kind
}

/**
 * Creates the kind of an error that may be gone at the next check.
 *
 * @category constructors
 * @since 0.1.0
 */
export const transient = (options?: { readonly retryAfter?: Duration.Duration | "unreadable" | undefined }): Kind => ({
  _tag: "Transient",
  retryAfter: options?.retryAfter
})

/**
 * Creates the kind of an error that a further check cannot mend.
 *
 * @category constructors
 * @since 0.1.0
 */
export const permanent = (): Kind => alwaysPermanent

/**
 * Reads the kind of an error: what it states under `kind`, otherwise `Transient`.
 *
 * @category destructors
 * @since 0.1.0
 */
export const kindOf = (error: unknown): Kind => (hasProperty(error, kind) ? (error as WithKind)[kind] : unstated)

// ---- internal ----

const alwaysPermanent: Kind = { _tag: "Permanent" }

const unstated: Kind = { _tag: "Transient" }
