import { hasProperty } from "effect/Predicate"
import type { ReceivedAnswer } from "../request/httpRequest.ts"
import { isExhausted } from "./rateLimitHeaders.ts"

// Whether a server refused a request for its rate. Codes count as values of fields that hold
// codes, never as words within a message, in an echo of the input or in a list of allowed values.

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

/**
 * Codes are looked for in the fields that hold codes, of the body and of what tells of an error within it. What the
 * server says of the input, of allowed values or of the job is not looked at.
 */
const hasCodeInJson = (body: unknown): boolean => {
  let level: ReadonlyArray<unknown> = [body]
  let left = maxValues
  for (let depth = 0; depth < maxDepth && level.length > 0; depth++) {
    const next: Array<unknown> = []
    for (const each of level) {
      if (typeof each !== "object" || each === null) continue
      const fields = fieldsOf(each, left)
      left -= fields.length
      if (hasCodeIn(fields)) return true
      for (const [name, value] of fields) if (name === undefined || isAboutError(name)) next.push(value)
      if (left <= 0) return false
    }
    level = next
  }
  return false
}

/** The name of a field in lower case and without separators; of an element of an array there is none. */
type Field = readonly [name: string | undefined, value: unknown]

const fieldsOf = (value: object, max: number): ReadonlyArray<Field> =>
  Array.isArray(value)
    ? value.slice(0, max).map((each): Field => [undefined, each])
    : Object.keys(value)
        .slice(0, max)
        .map((name): Field => [plain(name), hasProperty(value, name) ? value[name] : undefined])

/** Whether one of the fields of an object holds a throttling code. */
const hasCodeIn = (fields: ReadonlyArray<Field>): boolean => {
  let named = false
  let weak = false
  for (const [name, value] of fields) {
    if (name === undefined) continue
    if (strongNames.has(name) && isCode(value)) return true
    if (numericNames.has(name) && (value === 429 || value === "429")) return true
    if (listNames.has(name) && Array.isArray(value) && value.slice(0, 10).some(isCode)) return true
    weak ||= weakNames.has(name) && isCode(value)
    named ||= leadingNames.has(name) && typeof value === "string" && /[a-z]/i.test(value)
  }
  return weak && !named
}

/** XML tells of an error within an error, as JSON does: each `Code` counts. */
const hasCodeInXml = (text: string): boolean => {
  const found = text
    .slice(0, 16_384)
    .matchAll(
      /<(?:[\w-]{1,40}:)?(?:error|fault|exception|sub)?code(?:\s[^<>]{0,200})?>\s{0,40}(?:<!\[CDATA\[)?(?:[\w-]{1,40}:)?([\w.]{1,80})(?:\]\]>)?\s{0,40}</gi
    )
  for (const [, code] of found) if (isCode(code)) return true
  return false
}

/** The names of fields that hold a code. */
const strongNames: ReadonlySet<string> = new Set([
  "code",
  "error",
  "errorcode",
  "errortype",
  "exception",
  "exceptionname",
  "exceptiontype",
  "faultcode",
  "reason",
  "subcode",
  "type"
])

/** The names of fields that hold a code, unless a code stands beside them: then they tell of something else. */
const weakNames: ReadonlySet<string> = new Set(["errorname", "kind", "name", "status", "statuscode", "title"])

/** The names of the fields that decide what `weakNames` mean. */
const leadingNames: ReadonlySet<string> = new Set(["code", "error", "errorcode", "errortype"])

/** The names of lists of codes. */
const listNames: ReadonlySet<string> = new Set(["codes", "error", "errorcodes", "errors"])

/** The names of fields whose number may be a status code. */
const numericNames: ReadonlySet<string> = new Set(["code", "status", "statuscode", "errorcode"])

/** Whether what is in a field may tell of an error. */
const isAboutError = (name: string): boolean =>
  /error|fault|exception|detail|cause|problem|failure/.test(name) || aroundErrors.has(name)

/** The names of fields in which servers wrap an error. */
const aroundErrors: ReadonlySet<string> = new Set([
  "body",
  "data",
  "extensions",
  "header",
  "message",
  "meta",
  "output",
  "response",
  "responsemetadata",
  "result",
  "status"
])

const plain = (name: string): string => name.toLowerCase().replace(/[_-]/g, "")

/**
 * Tests a value for a throttling code: a single word in any spelling, with or without a namespace before it
 * (`com.amazonaws.x#`), other words around it with dots between (`Client.`, `.User`), a location behind it (`:http://...`), and `Exception` or `Error` at its end.
 */
const isCode = (value: unknown): boolean => {
  if (typeof value !== "string" || value.length > 200) return false
  const word = /^(?:[\w.]+#)?([\w.-]+)(?::\S*)?$/.exec(value)?.[1]
  if (word === undefined) return false
  return word.split(".").some((part) => codes.has(plain(part).replace(/(?:exception|error)$/, "")))
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
