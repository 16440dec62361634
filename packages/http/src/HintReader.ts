/**
 * When a server wishes to be asked again, as it says in a header or in the body.
 *
 * **Details**
 *
 * These headers are read, in this order; the first that can be read is the hint.
 *
 * | header | unit |
 * |---|---|
 * | `retry-after-ms`, `x-ms-retry-after-ms`, `openai-poll-after-ms` | milliseconds, a fraction is allowed |
 * | `Retry-After` | whole seconds, or an HTTP date (RFC 9110, 10.2.3) |
 *
 * A date is held against the `Date` header of the same answer, so that a clock that is wrong does not matter; without
 * one, against our clock. A date in the past is no hint. A hint is a floor for the next check, and bounded by the
 * option `maxHint` of the wait (1 hour). One that cannot be read (negative, not a number, `"soon"`) is ignored but
 * counted.
 *
 * @since 0.1.0
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Headers from "effect/http/Headers"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type * as CheckResult from "effect-poll/CheckResult"
import type { HttpAnswer } from "./HttpAnswer.ts"
import { at, decimal } from "./internal/json.ts"
import * as validate from "./internal/validate.ts"

/**
 * Reads a hint from an answer: a duration, `"unreadable"`, or undefined if there is none.
 *
 * @category models
 * @since 0.1.0
 */
export type HintReader = (answer: HttpAnswer) => Duration.Input | "unreadable" | undefined

/**
 * The unit of a number that is a hint.
 *
 * @category models
 * @since 0.1.0
 */
export type Unit = "seconds" | "millis"

/**
 * Reads the hint from a header of another name.
 *
 * @category constructors
 * @since 0.1.0
 */
export const header = (name: string, unit: Unit): HintReader => {
  const lowered = validate.nonEmpty("HintReader.header: name", name).toLowerCase()
  return ({ headers }) => fromNumber(headers[lowered], unit)
}

/**
 * Reads the hint from a field of the JSON body; dots lead into objects.
 *
 * **Example** (Asking again when the body says)
 *
 * ```ts
 * import * as Headers from "effect/http/Headers"
 * import * as HintReader from "@effect-poll/http/HintReader"
 *
 * const hint = HintReader.field("meta.poll_interval", "seconds")
 * const answer = { status: 200, headers: Headers.empty, url: "", text: "", context: undefined }
 * hint({ ...answer, body: { meta: { poll_interval: -1 } } }) // => "unreadable"
 * hint({ ...answer, body: {} }) // => undefined
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const field = (path: string, unit: Unit): HintReader => {
  const names = validate.nonEmpty("HintReader.field: path", path).split(".")
  return ({ body }) => fromNumber(at(body, ...names), unit)
}

/**
 * Reads the hint from the headers that are known for it. `now` is our time, in milliseconds since 1970.
 *
 * @category destructors
 * @since 0.1.0
 */
export const fromHeaders = (headers: Headers.Headers, now: number): CheckResult.Hint | undefined => {
  let unreadable = false
  for (const name of inMillis) {
    const read = fromNumber(headers[name], "millis")
    if (read !== undefined && read !== "unreadable") return read
    unreadable ||= read === "unreadable"
  }
  const read = retryAfter(headers, now)
  return read ?? (unreadable ? "unreadable" : undefined)
}

/**
 * Makes a hint of a number, or of a text that holds one. Undefined and null are no hint; what is negative or no number
 * is unreadable.
 *
 * @category destructors
 * @since 0.1.0
 */
export const fromNumber = (value: unknown, unit: Unit): CheckResult.Hint | undefined => {
  if (value === undefined || value === null) return undefined
  const number = typeof value === "number" ? value : typeof value === "string" ? decimal(value) : undefined
  if (number === undefined || !Number.isFinite(number) || number < 0) return "unreadable"
  return unit === "seconds" ? Duration.seconds(number) : Duration.millis(number)
}

/**
 * Makes a hint of what a user's function said.
 *
 * @category destructors
 * @since 0.1.0
 */
export const fromInput = (input: Duration.Input | "unreadable" | undefined): CheckResult.Hint | undefined => {
  if (input === undefined || input === "unreadable") return input
  // effect reads NaN as a duration of zero.
  if (typeof input === "number" && Number.isNaN(input)) return "unreadable"
  const duration = Option.getOrUndefined(Duration.fromInput(input))
  return duration === undefined || !Duration.isFinite(duration) || Duration.isNegative(duration)
    ? "unreadable"
    : duration
}

/**
 * The time of the server in milliseconds since 1970: its `Date` header, or `now` without one.
 *
 * @category destructors
 * @since 0.1.0
 */
export const serverTimeMillis = (headers: Headers.Headers, now: number): number => {
  const date = headers["date"]
  const parsed = date === undefined ? undefined : Headers.parseHttpDate(date)
  return parsed !== undefined && Result.isSuccess(parsed) ? DateTime.toEpochMillis(parsed.success) : now
}

// ---- internal ----

const inMillis = ["retry-after-ms", "x-ms-retry-after-ms", "openai-poll-after-ms"]

const retryAfter = (headers: Headers.Headers, now: number): CheckResult.Hint | undefined => {
  const value = headers["retry-after"]
  if (value === undefined) return undefined
  const parsed = Headers.parseRetryAfter(value)
  if (Result.isFailure(parsed)) return "unreadable"
  if (parsed.success._tag === "Duration") return parsed.success.duration
  const delay = Headers.retryAfterDelay(parsed.success, serverTimeMillis(headers, now))
  return Duration.isZero(delay) ? undefined : delay
}
