import * as DateTime from "effect/DateTime"
import * as Headers from "effect/http/Headers"
import * as Result from "effect/Result"

/** The time of the server in milliseconds since 1970: its `Date` header, or `now` without one. */
export const millis = (headers: Headers.Headers, now: number): number => dateMillis(headers["date"]) ?? now

/** The milliseconds since 1970 of an HTTP date; undefined for what is none. */
export const dateMillis = (value: string | undefined): number | undefined => {
  if (value === undefined) return undefined
  const parsed = Headers.parseHttpDate(value)
  return Result.isSuccess(parsed) ? DateTime.toEpochMillis(parsed.success) : undefined
}
