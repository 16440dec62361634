/**
 * What is known of a remote job: still pending, or one of four ends.
 *
 * A `Status` is a plain value. `Pending` is a value too and never an error: a loop that retries "not yet" as a failure
 * cannot tell it from a check that went wrong.
 *
 * **Details**
 *
 * - `Pending`: the job goes on. May carry the wire's own state word, a progress between 0 and 1, and any detail.
 * - `Succeeded<A>`: the job ended well and this is its result (which may be empty: `Succeeded<void>`).
 * - `Failed<F>`: the job ended badly and this is what the server says of it.
 * - `Canceled`: the job was stopped by someone, on the server. Our own interruption is never a `Canceled`.
 * - `Expired`: the server gave the job up by time. Our own deadline is never an `Expired`.
 *
 * @since 0.1.0
 */
import { hasProperty } from "effect/Predicate"

const TypeId = "~effect-poll/Status"

/**
 * What is known of a remote job whose result is an `A` and whose failure is an `F`.
 *
 * @category models
 * @since 0.1.0
 */
export type Status<A, F = never> = Pending | Succeeded<A> | Failed<F> | Canceled | Expired

/**
 * A status after which nothing changes any more.
 *
 * @category models
 * @since 0.1.0
 */
export type Terminal<A, F = never> = Exclude<Status<A, F>, Pending>

/**
 * The job goes on.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pending {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Pending"
  /** The wire's own word for the state, if it has one. */
  readonly state: string | undefined
  /** Between 0 and 1. */
  readonly progress: number | undefined
  /** Whatever else the job says of itself, for strategies, logs and fallbacks. */
  readonly detail: unknown
}

/**
 * The job ended well.
 *
 * @category models
 * @since 0.1.0
 */
export interface Succeeded<out A> {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Succeeded"
  readonly state: string | undefined
  readonly value: A
}

/**
 * The job ended badly.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed<out F> {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Failed"
  readonly state: string | undefined
  readonly failure: F
}

/**
 * The job was stopped on the server.
 *
 * @category models
 * @since 0.1.0
 */
export interface Canceled {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Canceled"
  readonly state: string | undefined
}

/**
 * The server gave the job up by time.
 *
 * @category models
 * @since 0.1.0
 */
export interface Expired {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Expired"
  readonly state: string | undefined
}

/**
 * Tests whether a value is a `Status`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isStatus = (u: unknown): u is Status<unknown, unknown> => hasProperty(u, TypeId)

/**
 * Tests whether a status is final.
 *
 * @category guards
 * @since 0.1.0
 */
export const isTerminal = <A, F>(self: Status<A, F>): self is Terminal<A, F> => self._tag !== "Pending"

/**
 * Creates a `Pending` status.
 *
 * **Details**
 *
 * `progress` is a fraction. The figure comes from a server, so a value outside of 0..1 is drawn to the nearer bound and
 * `NaN` counts as no progress said.
 *
 * **Example** (A job that says how far it is)
 *
 * ```ts
 * import * as Status from "effect-poll/Status"
 *
 * Status.pending({ state: "RENDERING", progress: 40 / 100 }).progress // => 0.4
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const pending = (options?: {
  readonly state?: string | undefined
  readonly progress?: number | undefined
  readonly detail?: unknown
}): Pending => ({
  [TypeId]: TypeId,
  _tag: "Pending",
  state: options?.state,
  progress: fraction(options?.progress),
  detail: options?.detail
})

/**
 * Creates a `Succeeded` status; without a value, one that succeeded without a result.
 *
 * @category constructors
 * @since 0.1.0
 */
export const succeeded: {
  (): Succeeded<void>
  <A>(value: A, options?: { readonly state?: string | undefined }): Succeeded<A>
} = <A>(value?: A, options?: { readonly state?: string | undefined }): Succeeded<A> => ({
  [TypeId]: TypeId,
  _tag: "Succeeded",
  state: options?.state,
  value: value as A
})

/**
 * Creates a `Failed` status from what the server says of the failure.
 *
 * @category constructors
 * @since 0.1.0
 */
export const failed = <F>(failure: F, options?: { readonly state?: string | undefined }): Failed<F> => ({
  [TypeId]: TypeId,
  _tag: "Failed",
  state: options?.state,
  failure
})

/**
 * Creates a `Canceled` status.
 *
 * @category constructors
 * @since 0.1.0
 */
export const canceled = (options?: { readonly state?: string | undefined }): Canceled => ({
  [TypeId]: TypeId,
  _tag: "Canceled",
  state: options?.state
})

/**
 * Creates an `Expired` status.
 *
 * @category constructors
 * @since 0.1.0
 */
export const expired = (options?: { readonly state?: string | undefined }): Expired => ({
  [TypeId]: TypeId,
  _tag: "Expired",
  state: options?.state
})

/**
 * Names the wire's own state word on a status that has none yet.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withState = <A, F>(self: Status<A, F>, state: string): Status<A, F> =>
  self.state === undefined ? { ...self, state } : self

/**
 * Says a status in a few words, without its result: `Pending PROCESSING 40 %`.
 *
 * @category destructors
 * @since 0.1.0
 */
export const describe = (self: Status<unknown, unknown>): string => {
  const word = self.state === undefined ? self._tag : `${self._tag} ${self.state}`
  return self._tag === "Pending" && self.progress !== undefined ? `${word} ${Math.round(self.progress * 100)} %` : word
}

// ---- internal ----

const fraction = (progress: number | undefined): number | undefined =>
  progress === undefined || Number.isNaN(progress) ? undefined : Math.min(1, Math.max(0, progress))
