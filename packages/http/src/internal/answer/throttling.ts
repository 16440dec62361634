import { hasProperty } from "effect/Predicate"
import type { ReceivedAnswer } from "../request/httpRequest.ts"
import { isExhausted } from "./rateLimitHeaders.ts"

// Whether a server refused a request for its rate. Codes count as values, never as words within a message.

/**
 * Whether an answer says "slow down":
 *
 * - 429
 * - 503 with a hint or a throttling code
 * - 403 or 400 with rate-limit headers (nothing left, or a delay), or with a throttling code
 */
export const isThrottled = (answer: ReceivedAnswer): boolean => {
  switch (answer.status) {
    case 429:
      return true
    case 503:
      return answer.hint !== undefined || hasCode(answer)
    case 400:
    case 403:
      return delays.some((name) => answer.headers[name] !== undefined) || isExhausted(answer.headers) || hasCode(answer)
    default:
      return false
  }
}

// ---- internal ----

const delays = ["retry-after", "retry-after-ms", "x-ms-retry-after-ms"]

const hasCode = ({ body, headers, text }: ReceivedAnswer): boolean =>
  isCode(headers["x-amzn-errortype"]) || (body === undefined ? hasCodeInXml(text) : hasCodeInJson(body))

/** How deep, and in how many values, a code is looked for. */
const maxDepth = 8
const maxValues = 2000

const hasCodeInJson = (body: unknown): boolean => {
  let level: Array<readonly [name: string, value: unknown]> = [["", body]]
  let left = maxValues
  for (let depth = 0; depth < maxDepth && level.length > 0; depth++) {
    const next: typeof level = []
    for (const [name, value] of level) {
      if (left-- <= 0) return false
      if (isCode(value) || (numericNames.has(name.toLowerCase()) && (value === 429 || value === "429"))) return true
      if (typeof value !== "object" || value === null) continue
      if (Array.isArray(value)) for (const each of value.slice(0, maxValues)) next.push([name, each])
      else
        for (const inner of Object.keys(value).slice(0, maxValues)) {
          next.push([inner, hasProperty(value, inner) ? value[inner] : undefined])
        }
    }
    level = next
  }
  return false
}

const hasCodeInXml = (text: string): boolean => {
  const [, code] = /<(?:[\w-]{1,40}:)?(?:error)?code>\s{0,40}([\w.]{1,80})\s{0,40}</i.exec(text.slice(0, 4096)) ?? []
  return isCode(code)
}

/** The names of fields whose number may be a status code. */
const numericNames: ReadonlySet<string> = new Set(["code", "status", "statuscode", "errorcode"])

/**
 * Tests a value for a throttling code: a single word in any spelling, with or without a namespace before it
 * (`com.amazonaws.x#`), a location behind it (`:http://...`), and `Exception` or `Error` at its end.
 */
const isCode = (value: unknown): boolean => {
  if (typeof value !== "string" || value.length > 200) return false
  const word = /^(?:[\w.]+#)?([\w.-]+)(?::\S*)?$/.exec(value)?.[1]
  if (word === undefined) return false
  const plain = word
    .toLowerCase()
    .replace(/[_-]/g, "")
    .replace(/(?:exception|error)$/, "")
  return codes.has(plain) || plain.startsWith("throttling.")
}

/** Without case, separators and ending. Most are those that the standard retry mode of the AWS SDKs lists. */
const codes: ReadonlySet<string> = new Set([
  "bandwidthlimitexceeded",
  "ec2throttled",
  "limitexceeded",
  "priorrequestnotcomplete",
  "provisionedthroughputexceeded",
  "ratelimit",
  "ratelimited",
  "ratelimitexceeded",
  "ratelimitreached",
  "requestlimitexceeded",
  "requestthrottled",
  "requeststhrottled",
  "resourceexhausted",
  "slowdown",
  "subscriptionrequeststhrottled",
  "throttle",
  "throttled",
  "throttledrequest",
  "throttling",
  "toomanyrequests",
  "userratelimitexceeded"
])
