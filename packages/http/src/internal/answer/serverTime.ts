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

/** The milliseconds since 1970 of an HTTP date, or of a date and time of RFC 3339. */
export const timeMillis = (value: string): number | undefined => {
  const date = dateMillis(value)
  if (date !== undefined) return date
  if (!/^\s*\d{4}-\d\d-\d\d[T ][\d:.]{5,24}(?:Z|[+-]\d\d:?\d\d)\s*$/i.test(value)) return undefined
  const parsed = Date.parse(value.trim().replace(" ", "T"))
  return Number.isNaN(parsed) ? undefined : parsed
}
