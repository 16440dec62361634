/**
 * The kinds of errors that a check can fail with.
 *
 * A failed check says nothing about the job. What follows depends on the kind of the error: after a transient error the
 * job is checked again, within the budget of `checkErrors`; a throttled check is made again when the server allows it,
 * and counts against no budget; a permanent error ends the wait with `CheckRejected`.
 *
 * **Details**
 *
 * An error states its kind under the property `CheckError.kind`; `withKind` states it for errors of an SDK. An error
 * without a kind is transient. The option `kindOf` of a `CheckErrorPolicy` overrides both.
 *
 * **Example** (Defining a permanent error)
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
import { dual } from "effect/Function"
import { hasProperty } from "effect/Predicate"

/**
 * The kind of a check error.
 *
 * **Details**
 *
 * - `Transient`: the next check may succeed, for example after a lost connection. `retryAfter` is the delay that the
 *   server requested before the next check, or `"unreadable"` if it sent one that cannot be parsed.
 * - `Throttled`: the server asks for fewer requests, for example by a 429. It says nothing about the job nor about the
 *   health of the server, so it counts against no budget: see `CheckErrorPolicy`. `retryAfter` is as above.
 * - `Permanent`: no further check can succeed, for example after a 401. The wait fails with `CheckRejected`, unless the
 *   `grace` of `missing` or the `rejectAfter` of `checkErrors` tolerates it.
 *
 * @category models
 * @since 0.1.0
 */
export type Kind =
  | { readonly _tag: "Transient"; readonly retryAfter?: Duration.Duration | "unreadable" | undefined }
  | { readonly _tag: "Throttled"; readonly retryAfter?: Duration.Duration | "unreadable" | undefined }
  | { readonly _tag: "Permanent" }

/**
 * The property under which an error states its kind.
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
  /** The kind of this error. */
  readonly [kind]: Kind
}

/**
 * Creates the kind of an error after which the next check may succeed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const transient = (options?: {
  /** The delay that the server requested before the next check, or `"unreadable"` if it cannot be parsed. */
  readonly retryAfter?: Duration.Duration | "unreadable" | undefined
}): Kind => ({
  _tag: "Transient",
  retryAfter: options?.retryAfter
})

/**
 * Creates the kind of an error by which the server asks for fewer requests.
 *
 * @category constructors
 * @since 0.1.0
 */
export const throttled = (options?: {
  /** The delay that the server requested before the next check, or `"unreadable"` if it cannot be parsed. */
  readonly retryAfter?: Duration.Duration | "unreadable" | undefined
}): Kind => ({
  _tag: "Throttled",
  retryAfter: options?.retryAfter
})

/**
 * Creates the kind of an error after which no further check can succeed.
 *
 * @category constructors
 * @since 0.1.0
 */
export const permanent = (): Kind => alwaysPermanent

/**
 * States the kind of an error that does not state it itself, such as an error of an SDK, and returns the error. It
 * replaces the kind that the error states.
 *
 * **Details**
 *
 * The error is not changed: the kind is stored apart, and `kindOf` returns it. A primitive cannot have one, and is returned
 * unchanged; use the option `kindOf` of a `CheckErrorPolicy` for it.
 *
 * **Example** (Stating the kind of an error of an SDK)
 *
 * ```ts
 * import * as CheckError from "effect-poll/CheckError"
 *
 * const error = CheckError.withKind(new TypeError("bad configuration"), CheckError.permanent())
 * CheckError.kindOf(error)._tag // => "Permanent"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withKind: {
  /** States the kind of an error that does not state it itself, and returns the error. */
  (kind: Kind): <E>(self: E) => E
  /** States the kind of an error that does not state it itself, and returns the error. */
  <E>(self: E, kind: Kind): E
} = /*#__PURE__*/ dual(2, <E>(self: E, stated: Kind): E => {
  if (typeof self === "object" && self !== null) kinds.set(self, stated)
  return self
})

/**
 * Returns the kind of an error: the one that `withKind` gave it, otherwise the one it states under `CheckError.kind`,
 * otherwise `Transient`.
 *
 * @category destructors
 * @since 0.1.0
 */
export const kindOf = (error: unknown): Kind =>
  kinds.get(error as object) ?? (hasProperty(error, kind) ? (error as WithKind)[kind] : unstated)

// ---- internal ----

/** What `withKind` states. */
const kinds = new WeakMap<object, Kind>()

const alwaysPermanent: Kind = { _tag: "Permanent" }

const unstated: Kind = { _tag: "Transient" }
