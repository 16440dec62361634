import type { Headers } from "effect/http/Headers"
import { serverTimeMillis } from "../HintReader.ts"
import { decimal } from "./json.ts"

// The headers that say what is left of a rate limit.

/** For how long nothing is left, by the headers of an answer; undefined if they do not say so. */
export const exhaustedMillis = (headers: Headers, now: number): number | undefined => {
  let longest: number | undefined
  const note = (millis: number | undefined): void => {
    if (millis !== undefined && millis > 0) longest = Math.max(longest ?? 0, millis)
  }
  const structured = headers["ratelimit"]
  if (structured !== undefined) for (const millis of policies(structured)) note(millis)
  for (const prefix of prefixes) {
    if (decimal(headers[`${prefix}-remaining`]) !== 0) continue
    const after = decimal(headers[`${prefix}-reset-after`])
    note(after === undefined ? untilReset(decimal(headers[`${prefix}-reset`]), headers, now) : after * 1000)
  }
  return longest
}

// ---- internal ----

const prefixes = ["ratelimit", "x-ratelimit", "x-rate-limit"]

/** `"default";r=0;t=30, "day";r=7;t=3600`, or in an earlier draft `limit=10, remaining=0, reset=30`. */
const policies = (value: string): ReadonlyArray<number> => {
  const remaining = parameter(value, "remaining")
  if (remaining !== undefined) return remaining === 0 ? [(parameter(value, "reset") ?? 0) * 1000] : []
  return (value.match(items) ?? [])
    .filter((item) => parameter(item, "r") === 0)
    .map((item) => (parameter(item, "t") ?? 0) * 1000)
}

const items = /(?:"(?:[^"\\]|\\.)*"|[^,"])+/g

const parameter = (item: string, name: string): number | undefined => {
  const found = new RegExp(`(?:^|[;,\\s])${name}=(\\d+)`).exec(item.replace(quoted, ""))
  return found === null ? undefined : Number(found[1])
}

const quoted = /"(?:[^"\\]|\\.)*"/g

/** Seconds from now, or since 1970 (in milliseconds, with some servers): a limit does not last for thirty years. */
const untilReset = (reset: number | undefined, headers: Headers, now: number): number | undefined => {
  if (reset === undefined) return undefined
  if (reset < 1e9) return reset * 1000
  return (reset < 1e12 ? reset * 1000 : reset) - serverTimeMillis(headers, now)
}
