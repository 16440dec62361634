import type { Headers } from "effect/http/Headers"
import { decimal } from "../json.ts"
import * as serverTime from "./serverTime.ts"

// The headers that say what is left of a rate limit:
//
// - `RateLimit` of the IETF draft, in its structured and in its earlier form
// - pairs whose names contain `ratelimit` or `rate-limit`, such as `x-ratelimit-remaining` and `x-ratelimit-reset`,
//   `x-ratelimit-remaining-tokens` and `x-ratelimit-reset-tokens`, or `x-rate-limit-remaining` and `-reset-after`

/** For how long nothing is left, by the headers of an answer; undefined if they do not say so. */
export const exhaustedMillis = (headers: Headers, now: number): number | undefined => {
  let longest: number | undefined
  for (const millis of resets(headers, now)) {
    if (millis !== undefined && millis > 0) longest = Math.max(longest ?? 0, millis)
  }
  return longest
}

/** Whether nothing is left, by the headers of an answer, with or without a time at which there is more. */
export const isExhausted = (headers: Headers): boolean => resets(headers, 0).length > 0

/**
 * Until when a server that refused a request for its rate asks to wait, where it names the reset of a limit and not what
 * is left of it; undefined if it does not say so.
 */
export const bareResetMillis = (headers: Headers, now: number): number | undefined => {
  const names = Object.keys(headers).filter((name) => /rate-?limit/.test(name))
  if (names.some((name) => name.includes("remaining"))) return undefined
  let longest: number | undefined
  for (const name of names) {
    if (!name.includes("reset") || names.includes(`${name}-after`)) continue
    const value = headers[name]!
    const millis = name.endsWith("-after") ? spanMillis(value) : untilReset(value, headers, now)
    if (millis !== undefined && millis > 0) longest = Math.max(longest ?? 0, millis)
  }
  return longest
}

/** The milliseconds of a number of seconds, or of a span such as `1h2m3.5s` or `20ms`. */
export const spanMillis = (value: string): number | undefined => {
  const seconds = decimal(value)
  if (seconds !== undefined) return seconds * 1000
  const text = value.trim()
  if (!/^(?:\d{1,9}(?:\.\d{1,9})?(?:h|m|s|ms))+$/.test(text)) return undefined
  let millis = 0
  for (const [, number, unit] of text.matchAll(/([\d.]+)([a-z]+)/g)) millis += Number(number) * (units[unit!] ?? 0)
  return millis
}

// ---- internal ----

/** For each limit of which nothing is left: how long that lasts, in milliseconds. */
const resets = (headers: Headers, now: number): ReadonlyArray<number | undefined> => {
  const found: Array<number | undefined> = []
  const structured = headers["ratelimit"]
  if (structured !== undefined) found.push(...policies(structured))
  for (const name of Object.keys(headers)) {
    if (!name.includes("remaining") || !/rate-?limit/.test(name) || decimal(headers[name]) !== 0) continue
    const reset = name.replace("remaining", "reset")
    const after = headers[`${reset}-after`]
    found.push(after === undefined ? untilReset(headers[reset], headers, now) : spanMillis(after))
  }
  return found
}

/** What is read of a `RateLimit` header, in characters: the time that it takes does not depend on the server. */
const maxLength = 1024

/** `"default";r=0;t=30, "day";r=7;t=3600`, or in an earlier draft `limit=10, remaining=0, reset=30`. */
const policies = (value: string): ReadonlyArray<number> => {
  const items = parametersOf(value)
  const draft = (name: string) => items.find((item) => item.has(name))?.get(name)
  const remaining = draft("remaining")
  if (remaining !== undefined) return remaining === 0 ? [(draft("reset") ?? 0) * 1000] : []
  return items.filter((item) => item.get("r") === 0).map((item) => (item.get("t") ?? 0) * 1000)
}

/**
 * The parameters of each item of a list that are whole numbers. Read in one pass, and of a header beyond 1 KiB only the
 * items that end within it: an expression takes a time that grows with the square of the length.
 */
const parametersOf = (value: string): ReadonlyArray<ReadonlyMap<string, number>> => {
  const items: Array<ReadonlyMap<string, number>> = []
  let item = new Map<string, number>()
  let word = ""
  let quoted = false
  const endWord = (): void => {
    const at = word.indexOf("=")
    const digits = word.slice(at + 1)
    if (at > 0 && /^\d{1,15}$/.test(digits) && !item.has(word.slice(0, at))) item.set(word.slice(0, at), Number(digits))
    word = ""
  }
  const endItem = (): void => {
    endWord()
    items.push(item)
    item = new Map()
  }
  const length = Math.min(value.length, maxLength)
  for (let at = 0; at < length; at++) {
    const character = value[at]!
    if (quoted) {
      if (character === "\\") at++
      else if (character === '"') quoted = false
    } else if (character === '"') {
      quoted = true
      word = ""
    } else if (character === ",") {
      endItem()
    } else if (character === ";" || character === " " || character === "\t") {
      endWord()
    } else {
      word += character
    }
  }
  if (length === value.length) endItem()
  return items
}

/** The time of a reset, from now: a number of seconds, a time, or a span such as `6m0s`. */
const untilReset = (value: string | undefined, headers: Headers, now: number): number | undefined => {
  if (value === undefined) return undefined
  const number = decimal(value)
  // Seconds from now, or since 1970 (in milliseconds, with some servers): a limit does not last for thirty years.
  if (number !== undefined && number < 1e9) return number * 1000
  const at = number === undefined ? serverTime.timeMillis(value) : number < 1e12 ? number * 1000 : number
  return at === undefined ? spanMillis(value) : at - serverTime.millis(headers, now)
}

const units: Readonly<Record<string, number>> = { h: 3_600_000, m: 60_000, s: 1000, ms: 1 }
