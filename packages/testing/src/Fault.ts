/**
 * What goes wrong with one look at a job.
 *
 * A `Fault` names the look it spoils by number and says how: the answer is lost, late, or tells nothing of the job.
 * Faults belong to a `JobScript`; the `JobServer` serves them and counts them.
 *
 * **Details**
 *
 * - looks are counted per job and from 1: every GET of its status, faulty ones and those of its fallback resource too
 * - a look may have a `latency` and one other fault: the delay comes first; of several others the first one counts
 * - a fault never changes the state of the job
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import { dual } from "effect/Function"
import * as Validate from "./internal/validate.ts"

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
export interface Plain {
  readonly kind: "drop" | "serverError" | "badGateway" | "badBody" | "html"
  readonly look: number
}

/**
 * A 429 answer with a `Retry-After` header in whole seconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface TooManyRequests {
  readonly kind: "tooManyRequests"
  readonly look: number
  readonly retryAfter: Duration.Duration
}

/**
 * A delay before the answer, in nominal time.
 *
 * @category models
 * @since 0.1.0
 */
export interface Latency {
  readonly kind: "latency"
  readonly look: number
  readonly delay: Duration.Duration
}

/**
 * What goes wrong with one look at a job.
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
export const drop = (look: number): Fault => plain("drop", look)

/**
 * Creates a fault that answers 500 with a JSON body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const serverError = (look: number): Fault => plain("serverError", look)

/**
 * Creates a fault that answers 502 with an HTML body.
 *
 * @category constructors
 * @since 0.1.0
 */
export const badGateway = (look: number): Fault => plain("badGateway", look)

/**
 * Creates a fault that answers 200 with JSON that is not the schema of the endpoint.
 *
 * @category constructors
 * @since 0.1.0
 */
export const badBody = (look: number): Fault => plain("badBody", look)

/**
 * Creates a fault that answers 200 with an HTML page.
 *
 * @category constructors
 * @since 0.1.0
 */
export const html = (look: number): Fault => plain("html", look)

/**
 * Creates a fault that answers 429 with a `Retry-After` header.
 *
 * **Gotchas**
 *
 * The header carries whole seconds, so `retryAfter` must be a multiple of one second. It is real time: the `speed` of
 * a server does not divide it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const tooManyRequests = (look: number, retryAfter: Duration.Input): Fault =>
  check({
    kind: "tooManyRequests",
    look,
    retryAfter: Validate.wholeSeconds("Fault.tooManyRequests: retryAfter", retryAfter)
  })

/**
 * Creates a fault that delays the answer.
 *
 * @category constructors
 * @since 0.1.0
 */
export const latency = (look: number, delay: Duration.Input): Fault =>
  check({ kind: "latency", look, delay: Validate.duration("Fault.latency: delay", delay) })

/**
 * Repeats a fault over consecutive looks, the first being its own.
 *
 * **When to use**
 *
 * Use to script an outage: `Fault.repeat(Fault.drop(3), 5)` loses looks 3 to 7.
 *
 * @category combinators
 * @since 0.1.0
 */
export const repeat: {
  (times: number): (self: Fault) => ReadonlyArray<Fault>
  (self: Fault, times: number): ReadonlyArray<Fault>
} = dual(2, (self: Fault, times: number): ReadonlyArray<Fault> =>
  Array.from({ length: Validate.integer("Fault.repeat: times", times, 1) }, (_, index): Fault => ({
    ...self,
    look: self.look + index
  }))
)

/**
 * Returns a fault after a check of its figures, for values that were written by hand.
 *
 * @category constructors
 * @since 0.1.0
 */
export const check = (fault: Fault): Fault => {
  Validate.integer(`Fault.${fault.kind}: look`, fault.look, 1)
  return fault
}

// ---- internal ----

const plain = (kind: Plain["kind"], look: number): Fault => check({ kind, look })
