/**
 * The status of a remote job: still pending, or one of four terminal states.
 *
 * A `Status` is a plain value. `Pending` is a value too, never an error: code that models "not done yet" as a failure
 * and retries it cannot tell a pending job from a check that failed.
 *
 * A wait keeps at most 200 characters of a state word and 1,000 of a reason, whatever the server sends.
 *
 * **Details**
 *
 * - `Pending`: the job has not ended. May carry the server's state word, a progress from 0 to 1, and any detail.
 * - `Succeeded<A>`: the job ended with the result `A`. A job without a result is a `Succeeded<void>`.
 * - `Failed<F>`: the job ended with the failure `F`, as reported by the server.
 * - `Canceled`: the job was canceled on the server. Interrupting a wait never produces it.
 * - `Expired`: the job exceeded a time limit of the server. The deadline of a wait never produces it.
 *
 * @since 0.1.0
 */
import { dual } from "effect/Function"
import { hasProperty } from "effect/Predicate"
import { clamp, markClamped, markedLike } from "./internal/clamped.ts"
import { printed } from "./internal/text.ts"

const TypeId = "~effect-poll/Status"

/**
 * The status of a remote job whose result is an `A` and whose failure is an `F`.
 *
 * @category models
 * @since 0.1.0
 */
export type Status<A, F = never> = Pending | Succeeded<A> | Failed<F> | Canceled | Expired

/**
 * A status that is final: any status but `Pending`.
 *
 * @category models
 * @since 0.1.0
 */
export type Terminal<A, F = never> = Exclude<Status<A, F>, Pending>

/**
 * The job has not ended.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pending {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Pending"
  /** The server's own word for the state, or `undefined` if there is none. */
  readonly state: string | undefined
  /** The completed fraction of the job, from 0 to 1, or `undefined` if the server does not report it. */
  readonly progress: number | undefined
  /**
   * Any further data about the job, for strategies and fallbacks. A changed detail counts as a change of the job.
   * Details are compared by `Equal`; one that nests deeper than 512 levels counts as changed.
   */
  readonly detail: unknown
  /** What has to be done before the job continues, or `undefined`. See the option `onAction` of a wait. */
  readonly action: Action | undefined
}

/**
 * What a person or another program has to do before a pending job continues: give an input, approve, pay.
 *
 * @category models
 * @since 0.1.0
 */
export interface Action {
  /** Identifies the request of the server. Another id is another request. */
  readonly id: string
  /** The kind of the action, in the words of the server; `undefined` if there is none. */
  readonly kind?: string | undefined
  /** What the handler of the action needs. It is in no message, log or token. */
  readonly detail?: unknown
}

/**
 * The job ended with a result.
 *
 * @category models
 * @since 0.1.0
 */
export interface Succeeded<out A> {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Succeeded"
  /** The server's own word for the state, or `undefined` if there is none. */
  readonly state: string | undefined
  /** The result of the job. */
  readonly value: A
}

/**
 * The job ended with a failure.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failed<out F> {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Failed"
  /** The server's own word for the state, or `undefined` if there is none. */
  readonly state: string | undefined
  /** The failure of the job, as reported by the server. */
  readonly failure: F
}

/**
 * The job was canceled on the server.
 *
 * @category models
 * @since 0.1.0
 */
export interface Canceled {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Canceled"
  /** The server's own word for the state, or `undefined` if there is none. */
  readonly state: string | undefined
  /** Why, in the words of the server, or `undefined` if it gives no reason. */
  readonly reason: string | undefined
  /** What the job produced until then, or `undefined`. It is in no message, log or token. */
  readonly partial: unknown
}

/**
 * The job exceeded a time limit of the server.
 *
 * @category models
 * @since 0.1.0
 */
export interface Expired {
  readonly [TypeId]: typeof TypeId
  readonly _tag: "Expired"
  /** The server's own word for the state, or `undefined` if there is none. */
  readonly state: string | undefined
  /** Why, in the words of the server, or `undefined` if it gives no reason. */
  readonly reason: string | undefined
  /** What the job produced until then, or `undefined`. It is in no message, log or token. */
  readonly partial: unknown
}

/**
 * Tests whether a value is a `Status`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isStatus = (u: unknown): u is Status<unknown, unknown> => hasProperty(u, TypeId)

/**
 * Tests whether a status is terminal, that is, not `Pending`.
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
 * Progress is given as a fraction or in percent. It usually comes from a server, so a value out of range is not rejected:
 * it is clamped, and the wait logs a warning, once. What is not a number becomes `undefined`. So does an action without an
 * id; an id that is a number becomes a string.
 *
 * **Example** (Reporting progress)
 *
 * ```ts
 * import * as Status from "effect-poll/Status"
 *
 * Status.pending({ state: "RENDERING", progress: 0.4 }).progress // => 0.4
 * Status.pending({ state: "RENDERING", percent: 40 }).progress // => 0.4
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const pending = (options?: {
  /** The server's own word for the state. */
  readonly state?: string | undefined
  /** The completed fraction of the job, from 0 to 1. A value out of range is clamped. It takes precedence over `percent`. */
  readonly progress?: number | undefined
  /** The completed part of the job in percent, from 0 to 100. A value out of range is clamped. */
  readonly percent?: number | undefined
  /** Any further data about the job. */
  readonly detail?: unknown
  /** What has to be done before the job continues. */
  readonly action?: Action | undefined
}): Pending => {
  const percent = options?.percent ?? undefined
  const given = options?.progress ?? (percent === undefined ? undefined : percent / 100)
  const progress = given === undefined ? undefined : clamp(given)
  const status: Pending = {
    [TypeId]: TypeId,
    _tag: "Pending",
    state: options?.state,
    progress,
    detail: options?.detail,
    action: readAction(options?.action)
  }
  return progress === Number(given) || progress === undefined ? status : markClamped(status)
}

/**
 * Creates a `Succeeded` status. Without a value it is a `Succeeded<void>`.
 *
 * @category constructors
 * @since 0.1.0
 */
export const succeeded: {
  /** Creates a `Succeeded` status of a job without a result. */
  (): Succeeded<void>
  /** Creates a `Succeeded` status with the result of the job and, optionally, the server's state word. */
  <A>(value: A, options?: { readonly state?: string | undefined }): Succeeded<A>
} = <A>(value?: A, options?: { readonly state?: string | undefined }): Succeeded<A> => ({
  [TypeId]: TypeId,
  _tag: "Succeeded",
  state: options?.state,
  value: value as A
})

/**
 * Creates a `Failed` status with the failure that the server reported.
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
export const canceled = (options?: {
  /** The server's own word for the state. */
  readonly state?: string | undefined
  /** Why, in the words of the server. */
  readonly reason?: string | undefined
  /** What the job produced until then. */
  readonly partial?: unknown
}): Canceled => ({
  [TypeId]: TypeId,
  _tag: "Canceled",
  state: options?.state,
  reason: options?.reason,
  partial: options?.partial
})

/**
 * Creates an `Expired` status.
 *
 * @category constructors
 * @since 0.1.0
 */
export const expired = (options?: {
  /** The server's own word for the state. */
  readonly state?: string | undefined
  /** Why, in the words of the server. */
  readonly reason?: string | undefined
  /** What the job produced until then. */
  readonly partial?: unknown
}): Expired => ({
  [TypeId]: TypeId,
  _tag: "Expired",
  state: options?.state,
  reason: options?.reason,
  partial: options?.partial
})

/**
 * Sets the server's state word on a status that has none. A status that has one is returned unchanged.
 *
 * @category combinators
 * @since 0.1.0
 */
export const withState: {
  /** Sets the server's state word on a status that has none. A status that has one is returned unchanged. */
  (state: string): <A, F>(self: Status<A, F>) => Status<A, F>
  /** Sets the server's state word on a status that has none. A status that has one is returned unchanged. */
  <A, F>(self: Status<A, F>, state: string): Status<A, F>
} = /*#__PURE__*/ dual(2, <A, F>(self: Status<A, F>, state: string): Status<A, F> =>
  self.state === undefined ? markedLike({ ...self, state }, self) : self
)

/**
 * Formats a status for messages and logs, without its result: `Pending PROCESSING 40%`. At most 200 characters of the
 * state word are shown, with control and direction characters escaped.
 *
 * @category destructors
 * @since 0.1.0
 */
export const describe = (self: Status<unknown, unknown>): string => {
  const word = self.state === undefined ? self._tag : `${self._tag} ${printed(self.state)}`
  return self._tag === "Pending" && self.progress !== undefined ? `${word} ${Math.round(self.progress * 100)}%` : word
}

// ---- internal ----

/** An action as its type says, whatever a server sent: callers without types may pass it on as it came. */
const readAction = (action: Action | undefined): Action | undefined => {
  const id: unknown = (action as { readonly id?: unknown } | null | undefined)?.id
  if (typeof id === "string") return action
  return typeof id === "number" || typeof id === "bigint" ? { ...action, id: String(id) } : undefined
}
