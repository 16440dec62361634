/**
 * What goes wrong with one request about a job.
 *
 * A `Fault` names the request that it affects by number, and says how: the connection is lost, the response is delayed,
 * or it says nothing about the job. Faults are part of a `JobScript`; the `JobServer` applies and counts them.
 *
 * **Details**
 *
 * - By default a fault affects a check; `on` makes it affect the submit, a kill or a signal instead.
 * - Requests are counted per job and operation, from 1. Every GET of the status of a job is a check, faulty ones and those
 *   of its fallback resource included. The submit of a job is always its first.
 * - A request may have a `latency` and one other fault: the delay comes first. Of several others the first one applies.
 * - A fault never changes the state of the job, but the server may still do what a faulty submit, kill or signal asks for:
 *   see `on`.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import { dual } from "effect/Function"
import * as String from "effect/String"
import * as Validate from "./internal/validate.ts"

/**
 * What a request about a job asks for. `kill` exists only for Mixpeek, `signal` only for AsyncQueue. The change of an
 * EventPlatform campaign is a `submit`.
 *
 * @category models
 * @since 0.1.0
 */
export type Operation = "check" | "submit" | "kill" | "signal"

/**
 * Which request a fault affects.
 *
 * @category models
 * @since 0.1.0
 */
export interface AffectedRequest {
  /** The number of the request among those of its operation; an integer >= 1, and 1 for a submit. */
  readonly nth: number
  /** The operation of the request. Default: `"check"`. */
  readonly on?: Operation | undefined
  /**
   * Whether the server does what the request asks for although its response is faulty. It has no effect on checks.
   * Default: `true`, except for a 429.
   */
  readonly carriedOut?: boolean | undefined
}

/**
 * A fault without parameters of its own.
 *
 * **Details**
 *
 * - `Drop`: the socket is destroyed without a response.
 * - `ServerError`: 500 with a JSON body.
 * - `BadGateway`: 502 with an HTML body, as a proxy sends it.
 * - `BadBody`: 200 with JSON that does not fit the schema of the endpoint.
 * - `Html`: 200 with an HTML page, as a captive portal sends it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Plain extends AffectedRequest {
  readonly _tag: "Drop" | "ServerError" | "BadGateway" | "BadBody" | "Html"
}

/**
 * A response with status 429 and a `Retry-After` header.
 *
 * @category models
 * @since 0.1.0
 */
export interface TooManyRequests extends AffectedRequest {
  readonly _tag: "TooManyRequests"
  /** The delay in the header: whole seconds of real time. */
  readonly retryAfter: Duration.Duration
  /** How the header is written. Default: `"seconds"`. */
  readonly as?: RetryAfterForm | undefined
}

/**
 * How a `Retry-After` header is written: as a number of seconds, or as an HTTP date.
 *
 * @category models
 * @since 0.1.0
 */
export type RetryAfterForm = "seconds" | "date"

/**
 * A delay before the response.
 *
 * @category models
 * @since 0.1.0
 */
export interface Latency extends AffectedRequest {
  readonly _tag: "Latency"
  /** The delay, in nominal time: the `speed` of the server divides it. */
  readonly delay: Duration.Duration
}

/**
 * What goes wrong with one request.
 *
 * @category models
 * @since 0.1.0
 */
export type Fault = Plain | TooManyRequests | Latency

/**
 * Creates a fault that destroys the socket without a response. `nth` is the number of the check, from 1.
 *
 * @category constructors
 * @since 0.1.0
 */
export const drop = (nth: number): Fault => plain("Drop", nth)

/**
 * Creates a fault that responds with 500 and a JSON body. `nth` is the number of the check, from 1.
 *
 * @category constructors
 * @since 0.1.0
 */
export const serverError = (nth: number): Fault => plain("ServerError", nth)

/**
 * Creates a fault that responds with 502 and an HTML body. `nth` is the number of the check, from 1.
 *
 * @category constructors
 * @since 0.1.0
 */
export const badGateway = (nth: number): Fault => plain("BadGateway", nth)

/**
 * Creates a fault that responds with 200 and JSON that does not fit the schema of the endpoint. `nth` is the number of the
 * check, from 1.
 *
 * @category constructors
 * @since 0.1.0
 */
export const badBody = (nth: number): Fault => plain("BadBody", nth)

/**
 * Creates a fault that responds with 200 and an HTML page. `nth` is the number of the check, from 1.
 *
 * @category constructors
 * @since 0.1.0
 */
export const html = (nth: number): Fault => plain("Html", nth)

/**
 * Creates a fault that responds with 429 and a `Retry-After` header. `nth` is the number of the check, from 1.
 *
 * **Gotchas**
 *
 * The header contains whole seconds, so `retryAfter` must be a multiple of one second. It is in real time: the `speed` of
 * the server does not divide it. As a date it is rounded up to the next second, so it asks for up to a second more.
 *
 * @category constructors
 * @since 0.1.0
 */
export const tooManyRequests = (
  nth: number,
  retryAfter: Duration.Input,
  options?: { readonly as?: RetryAfterForm | undefined }
): Fault =>
  validate({
    _tag: "TooManyRequests",
    nth,
    retryAfter: Validate.wholeSeconds("Fault.tooManyRequests: retryAfter", retryAfter),
    as: options?.as
  })

/**
 * Creates a fault that delays the response. `nth` is the number of the check, from 1; `delay` is a non-negative duration
 * of nominal time.
 *
 * @category constructors
 * @since 0.1.0
 */
export const latency = (nth: number, delay: Duration.Input): Fault =>
  validate({ _tag: "Latency", nth, delay: Validate.duration("Fault.latency: delay", delay) })

/**
 * Repeats a fault over consecutive requests, beginning with its own: an outage.
 *
 * @category combinators
 * @since 0.1.0
 */
export const repeat: {
  /**
   * Repeats a fault over consecutive requests, beginning with its own: an outage. `Fault.drop(3)` repeated 5 times drops
   * checks 3 to 7. `times` is an integer >= 1; anything else is a RangeError.
   */
  (times: number): (self: Fault) => ReadonlyArray<Fault>
  /**
   * Repeats a fault over consecutive requests, beginning with its own: an outage. `Fault.repeat(Fault.drop(3), 5)` drops
   * checks 3 to 7. `times` is an integer >= 1; anything else is a RangeError.
   */
  (self: Fault, times: number): ReadonlyArray<Fault>
} = dual(2, (self: Fault, times: number): ReadonlyArray<Fault> =>
  Array.from({ length: Validate.count("Fault.repeat: times", times, 1) }, (_, index) =>
    validate({ ...self, nth: self.nth + index })
  )
)

/**
 * Makes a fault affect an operation other than a check.
 *
 * @category combinators
 * @since 0.1.0
 */
export const on: {
  /**
   * Makes a fault affect an operation other than a check.
   *
   * **Details**
   *
   * `carriedOut` says whether the server does what the request asks for although its response is faulty; a submit whose
   * response is lost then still creates a job. Its default is `true`, except for a 429. A submit that is not carried out
   * creates no job; if it is sent again, that is another submission, for which the server chooses another script.
   */
  (operation: Operation, options?: { readonly carriedOut?: boolean | undefined }): (self: Fault) => Fault
  /**
   * Makes a fault affect an operation other than a check.
   *
   * **Details**
   *
   * `carriedOut` says whether the server does what the request asks for although its response is faulty; a submit whose
   * response is lost then still creates a job. Its default is `true`, except for a 429. A submit that is not carried out
   * creates no job; if it is sent again, that is another submission, for which the server chooses another script.
   */
  (self: Fault, operation: Operation, options?: { readonly carriedOut?: boolean | undefined }): Fault
} = dual(
  (args) => typeof args[0] === "object",
  (self: Fault, operation: Operation, options?: { readonly carriedOut?: boolean | undefined }): Fault =>
    validate({ ...self, on: operation, carriedOut: options?.carriedOut })
)

/**
 * Returns a fault that was not built by a constructor, or throws a RangeError that names an invalid field.
 *
 * @category constructors
 * @since 0.1.0
 */
export const validate = (fault: Fault): Fault => {
  const name = `Fault.${String.uncapitalize(fault._tag)}`
  const operation = Validate.oneOf(`${name}: on`, operations, fault.on ?? "check")
  Validate.count(`${name}: nth`, fault.nth, 1, operation === "submit" ? 1 : Infinity)
  if (fault._tag === "TooManyRequests") Validate.oneOf(`${name}: as`, ["seconds", "date"], fault.as ?? "seconds")
  return fault
}

// ---- internal ----

const operations: ReadonlyArray<Operation> = ["check", "submit", "kill", "signal"]

const plain = (tag: Plain["_tag"], nth: number): Fault => validate({ _tag: tag, nth })
