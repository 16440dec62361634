/**
 * The delay that a server requests before the next check, in a header or in the body.
 *
 * **Details**
 *
 * These headers are read, in this order. The first that can be read is the hint.
 *
 * | header | unit |
 * |---|---|
 * | `retry-after-ms`, `x-ms-retry-after-ms`, `openai-poll-after-ms` | milliseconds, fractions allowed |
 * | `Retry-After` | seconds, or an HTTP date (RFC 9110, 10.2.3); also an RFC 3339 date, or a span such as `1m30s` |
 * | on a 400, 403, 429 or 503: headers of an exhausted rate limit | see below |
 *
 * A date is compared with the `Date` header of the same answer, so a wrong clock does not matter. Without that header
 * it is compared with the clock of this machine. A date in the past is no hint. A fraction of a second is rounded
 * up. Of a list (a header that a proxy doubled) the longest delay counts. A hint is a floor for the next check, up to the
 * option `maxHint` of the wait (1 hour). An unreadable value (negative, not a number, `"soon"`) is ignored,
 * but counted.
 *
 * Rate-limit headers are `RateLimit` of the IETF draft, and pairs such as `x-ratelimit-remaining` and
 * `x-ratelimit-reset` whose names contain `ratelimit` or `rate-limit`. If the remainder is 0, the reset is the hint: a
 * number of seconds, seconds or milliseconds since 1970, an HTTP date, an RFC 3339 date, or a span such as `6m0s`. The
 * longest one counts. If a 429 has no remainder, the reset alone is the hint.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import type * as Headers from "effect/http/Headers"
import * as Option from "effect/Option"
import type * as CheckResult from "effect-poll/CheckResult"
import type { HttpAnswer } from "./HttpAnswer.ts"
import { at, decimal } from "./internal/json.ts"
import { bareResetMillis, exhaustedMillis, spanMillis } from "./internal/answer/rateLimitHeaders.ts"
import * as serverTime from "./internal/answer/serverTime.ts"
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
 * Creates a reader of a header, in any case. An empty name is a RangeError.
 *
 * @category constructors
 * @since 0.1.0
 */
export const header = (name: string, unit: Unit): HintReader => {
  const lowered = validate.nonEmpty("HintReader.header: name", name).toLowerCase()
  return ({ headers }) => fromNumber(headers[lowered], unit)
}

/**
 * Creates a reader of a field of the JSON body. Dots separate the names of nested fields. An empty path is a
 * RangeError.
 *
 * **Example** (A delay in the body)
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
 * Reads the hint from the usual headers, except those of rate limits. `now` is the current time, in milliseconds since
 * 1970.
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
 * Reads the hint from the headers of an answer with this status code. `now` is the current time, in milliseconds since
 * 1970.
 *
 * **Details**
 *
 * This is the hint of `fromHeaders`. If that cannot be read, and the status code is 400, 403, 429 or 503, it is the
 * time until an exhausted rate limit is reset.
 *
 * @category destructors
 * @since 0.1.0
 */
export const fromAnswer = (status: number, headers: Headers.Headers, now: number): CheckResult.Hint | undefined => {
  const hint = fromHeaders(headers, now)
  if ((hint !== undefined && hint !== "unreadable") || !refusals.has(status)) return hint
  const millis = exhaustedMillis(headers, now) ?? (status === 429 ? bareResetMillis(headers, now) : undefined)
  return millis === undefined ? hint : Duration.millis(millis)
}

/**
 * Makes a hint from a number, or from a text that is a number. Undefined and null are no hint. Anything else, and a
 * negative number, is unreadable.
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
 * Makes a hint from the result of a `HintReader`. A negative or infinite duration and NaN are unreadable.
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
export const serverTimeMillis = (headers: Headers.Headers, now: number): number => serverTime.millis(headers, now)

// ---- internal ----

/** The status codes with which servers reject a request because of a rate limit. */
const refusals: ReadonlySet<number> = new Set([400, 403, 429, 503])

const inMillis = ["retry-after-ms", "x-ms-retry-after-ms", "openai-poll-after-ms"]

const retryAfter = (headers: Headers.Headers, now: number): CheckResult.Hint | undefined => {
  const value = headers["retry-after"]
  if (value === undefined) return undefined
  let longest: number | undefined
  let past = false
  // A header that a proxy doubled is a list; the comma within a date ends no item.
  for (const item of value.split(/(?<=GMT)\s*,|,(?!\s*\d{1,2}[ -][A-Za-z]{3}[ -])/i)) {
    const millis = afterMillis(item, headers, now)
    if (millis === undefined) return "unreadable"
    if (millis === "past") past = true
    else longest = Math.max(longest ?? 0, millis)
  }
  return longest === undefined ? (past ? undefined : "unreadable") : Duration.millis(longest)
}

/** The delay of a `Retry-After`: a number of seconds, a time, or a span such as `1m30s`. */
const afterMillis = (item: string, headers: Headers.Headers, now: number): number | "past" | undefined => {
  const seconds = decimal(item)
  if (seconds !== undefined) return Math.ceil(seconds) * 1000
  const time = serverTime.timeMillis(item.trim())
  if (time === undefined) return spanMillis(item)
  const delay = time - serverTimeMillis(headers, now)
  return delay > 0 ? delay : "past"
}
