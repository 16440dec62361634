/**
 * What goes wrong with one request about a job.
 *
 * A `Fault` names the request it spoils by number and says how: the answer is lost, late, or tells nothing of the job.
 * Faults belong to a `JobScript`; the `JobServer` serves them and counts them.
 *
 * **Details**
 *
 * - by default a fault spoils a check; `on` makes it spoil the submit, a kill or a signal
 * - requests are counted per job and operation and from 1; checks are every GET of its status, faulty ones and those of
 *   its fallback resource too; a submit is always the first
 * - a request may have a `latency` and one other fault: the delay comes first; of several others the first one counts
 * - a fault never changes the state of the job; but what a spoiled submit, kill or signal asked for may have been done all
 *   the same, see `on`
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import { dual } from "effect/Function"
import * as Validate from "./internal/validate.ts"

/**
 * What a request about a job asks for. `kill` is Mixpeek's, `signal` AsyncQueue's; the change of an EventPlatform campaign
 * is a `submit`.
 *
 * @category models
 * @since 0.1.0
 */
export type Operation = "check" | "submit" | "kill" | "signal"

/**
 * Which request is spoiled.
 *
 * @category models
 * @since 0.1.0
 */
export interface Spoiled {
  /** The number of the request among those of its operation, from 1. */
  readonly nth: number
  /** Default: `"check"`. */
  readonly on?: Operation | undefined
  /** Whether the server does what it was asked for, although its answer is spoiled. Default: see `on`. */
  readonly carriedOut?: boolean | undefined
}

/**
 * A fault that needs no figure of its own.
 *
 * **Details**
 *
 * - `drop`: the socket is destroyed without an answer
 * - `serverError`: 500 with a JSON body
 * - `badGateway`: 502 with an HTML body, as a proxy answers
 * - `badBody`: 200 with JSON that is not the schema
 * - `html`: 200 with an HTML page, as a captive portal answers
 *
 * @category models
 * @since 0.1.0
 */
export interface Plain extends Spoiled {
  readonly kind: "drop" | "serverError" | "badGateway" | "badBody" | "html"
}

/**
 * A 429 answer with a `Retry-After` header: whole seconds, or the date that is so far away.
 *
 * @category models
 * @since 0.1.0
 */
export interface TooManyRequests extends Spoiled {
  readonly kind: "tooManyRequests"
  readonly retryAfter: Duration.Duration
  /** Default: `"seconds"`. */
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
 * A delay before the answer, in nominal time.
 *
 * @category models
 * @since 0.1.0
 */
export interface Latency extends Spoiled {
  readonly kind: "latency"
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
 * Creates a fault that destroys the socket without an answer.
 *
 * @category constructors
 * @since 0.1.0
 */
export const drop = (nth: number): Fault => plain("drop", nth)

/**
 * Creates a fault that answers 500 with a JSON body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const serverError = (nth: number): Fault => plain("serverError", nth)

/**
 * Creates a fault that answers 502 with an HTML body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const badGateway = (nth: number): Fault => plain("badGateway", nth)

/**
 * Creates a fault that answers 200 with JSON that is not the schema of the endpoint.
 *
 * @category constructors
 * @since 0.1.0
 */
export const badBody = (nth: number): Fault => plain("badBody", nth)

/**
 * Creates a fault that answers 200 with an HTML page.
 *
 * @category constructors
 * @since 0.1.0
 */
export const html = (nth: number): Fault => plain("html", nth)

/**
 * Creates a fault that answers 429 with a `Retry-After` header.
 *
 * **Gotchas**
 *
 * The header carries whole seconds, so `retryAfter` must be a multiple of one second. It is real time: the `speed` of
 * a server does not divide it. As a date it is rounded up to the next second, so it asks for up to a second more.
 *
 * @category constructors
 * @since 0.1.0
 */
export const tooManyRequests = (
  nth: number,
  retryAfter: Duration.Input,
  options?: { readonly as?: RetryAfterForm | undefined }
): Fault =>
  check({
    kind: "tooManyRequests",
    nth,
    retryAfter: Validate.wholeSeconds("Fault.tooManyRequests: retryAfter", retryAfter),
    as: options?.as
  })

/**
 * Creates a fault that delays the answer.
 *
 * @category constructors
 * @since 0.1.0
 */
export const latency = (nth: number, delay: Duration.Input): Fault =>
  check({ kind: "latency", nth, delay: Validate.duration("Fault.latency: delay", delay) })

/**
 * Repeats a fault over consecutive requests, the first being its own.
 *
 * **When to use**
 *
 * Use to script an outage: `Fault.repeat(Fault.drop(3), 5)` loses checks 3 to 7.
 *
 * @category combinators
 * @since 0.1.0
 */
export const repeat: {
  (times: number): (self: Fault) => ReadonlyArray<Fault>
  (self: Fault, times: number): ReadonlyArray<Fault>
} = dual(2, (self: Fault, times: number): ReadonlyArray<Fault> =>
  Array.from({ length: Validate.integer("Fault.repeat: times", times, 1) }, (_, index) =>
    check({ ...self, nth: self.nth + index })
  )
)

/**
 * Makes a fault spoil another operation than a check.
 *
 * **Details**
 *
 * `carriedOut` tells whether the server does what it was asked for, although its answer is spoiled: then a submit whose
 * answer is lost has made a job all the same. Default: yes, except for a 429, which refuses. A submit that is not carried
 * out makes no job; what is sent again is another submission, for which the script is chosen anew.
 *
 * @category combinators
 * @since 0.1.0
 */
export const on: {
  (operation: Operation, options?: { readonly carriedOut?: boolean | undefined }): (self: Fault) => Fault
  (self: Fault, operation: Operation, options?: { readonly carriedOut?: boolean | undefined }): Fault
} = dual(
  (args) => typeof args[0] === "object",
  (self: Fault, operation: Operation, options?: { readonly carriedOut?: boolean | undefined }): Fault =>
    check({ ...self, on: operation, carriedOut: options?.carriedOut })
)

/**
 * Returns a fault after a check of its figures, for values that were written by hand.
 *
 * @category constructors
 * @since 0.1.0
 */
export const check = (fault: Fault): Fault => {
  const where = `Fault.${fault.kind}`
  const operation = Validate.oneOf(`${where}: on`, operations, fault.on ?? "check")
  Validate.integer(`${where}: nth`, fault.nth, 1, operation === "submit" ? 1 : Infinity)
  if (fault.kind === "tooManyRequests") Validate.oneOf(`${where}: as`, ["seconds", "date"], fault.as ?? "seconds")
  return fault
}

// ---- internal ----

const operations: ReadonlyArray<Operation> = ["check", "submit", "kill", "signal"]

const plain = (kind: Plain["kind"], nth: number): Fault => check({ kind, nth })
