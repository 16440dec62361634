// The reference reading: what an answer means, written from the documentation alone. It shares no code with the packages
// that it judges, and has at most 200 lines (a test counts them).

/** An answer as it arrives: after redirects, decompressed. */
export interface Wire {
  readonly code: number
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Undefined if the connection broke before the end of the body. */
  readonly text: string | undefined
  /** Bytes of the body. */
  readonly size: number
  /** Milliseconds since 1970 at which it arrived. */
  readonly now: number
}

export type End = "succeeded" | "failed" | "canceled" | "expired"

/** What an answer means. `floor` is the delay that it requested, in milliseconds. */
export type Reading =
  | { readonly is: End; readonly value: unknown }
  | { readonly is: "pending"; readonly state: string; readonly floor: number }
  | { readonly is: "missing"; readonly times: number; readonly floor: number }
  | { readonly is: "throttled" | "transient" | "again"; readonly floor: number }
  | { readonly is: "permanent"; readonly why: string }
  | { readonly is: "unknown"; readonly state: string }
  /** The documents leave it open; any of these is right. */
  | { readonly is: "open"; readonly any: ReadonlyArray<Reading> }

export const bounds = { body: 8 * 1024 * 1024, depth: 512, hint: 3_600_000 } as const

/** The words of the job that is asked about. */
export const words: Readonly<Record<string, End | "pending">> = {
  queued: "pending",
  running: "pending",
  done: "succeeded",
  broken: "failed",
  stopped: "canceled",
  lapsed: "expired"
}

/** Reads the answer to a check of a job whose body is `{ status, result?: string, error?: string }`. */
export const read = (wire: Wire): Reading => {
  const { code, text, size } = wire
  const ok = code >= 200 && code < 300
  if (size > bounds.body && ok) return { is: "permanent", why: "TooLarge" }
  const floor = floorOf(wire)
  // The code of a refusal says more than that its body broke off, or is too large to be read.
  if (text === undefined && ok) return { is: "transient", floor: 0 }
  const read = size > bounds.body ? undefined : parse(text ?? "")
  const deep = read !== undefined && depth(read.value) > bounds.depth
  if (deep && ok) return { is: "permanent", why: "TooDeep" }
  const json = deep ? undefined : read
  if (code === 204) return { is: "pending", state: "HTTP 204", floor }
  if (code === 202 && (json === undefined || known(json.value) === undefined)) return accepted(json, floor)
  if (ok) return json === undefined ? { is: "transient", floor } : status(json.value, floor)
  if (code === 404 || code === 410) {
    const gone: Reading = { is: "missing", times: 1, floor }
    if (code === 410 || json !== undefined || !html(wire)) return gone
    // An HTML answer without a page may be either.
    return (text ?? "").trim() === "" ? either(gone, { ...gone, times: 3 }) : { ...gone, times: 3 }
  }
  return refusal(wire, json, floor)
}

/**
 * What the first answer to a request that may take long is, where its result is `{ pages: integer }`: the result, an
 * operation that is followed, or something else, which is no success.
 */
export const start = ({ code, headers, text }: Wire): "result" | "operation" | "other" => {
  const body = parse(text ?? "")?.value
  const word = JSON.stringify(field(body, "status") ?? "").toLowerCase()
  const ended = (word === '""' || word === '"succeeded"') && field(body, "error") === undefined
  if (code === 202) return headers["location"] !== undefined && ended ? "operation" : "other"
  const result =
    ended &&
    headers["operation-location"] === undefined &&
    field(body, "done") !== false &&
    Number.isInteger(field(body, "pages"))
  return code >= 200 && code < 300 && result ? "result" : "other"
}

const refusal = (wire: Wire, json: Json, floor: number): Reading => {
  const { code, headers } = wire
  const throttled: Reading = { is: "throttled", floor }
  const permanent = (code >= 400 && code < 500 && code !== 408 && code !== 425) || code === 301 || code === 308
  const otherwise: Reading = permanent ? { is: "permanent", why: "Status" } : { is: "transient", floor }
  if (code === 429) return throttled
  if (![400, 403, 503].includes(code)) return otherwise
  if (spent(wire) !== undefined || hint(wire) !== undefined) return throttled
  const named = throttlingCode(json?.value)
  if (code !== 503 && named) return throttled
  // A delay that cannot be read, a spent limit without its reset, and the code of a 503 are left open.
  return named || mentions(headers) || remaining(headers) ? either(throttled, otherwise) : otherwise
}

const either = (...any: ReadonlyArray<Reading>): Reading => ({ is: "open", any })

/** 202 without a known word: the job runs, in the state that the answer names. */
const accepted = (json: Json, floor: number): Reading => {
  const word = json === undefined ? undefined : field(json.value, "status")
  const plain: Reading = { is: "pending", state: "HTTP 202", floor }
  if (typeof word === "string" && word !== "") return { is: "pending", state: word, floor }
  // Whether a number or null is a word is the Schema's business.
  return word === undefined || (typeof word === "object" && word !== null)
    ? plain
    : either(plain, { is: "pending", state: JSON.stringify(word), floor })
}

const status = (body: unknown, floor: number): Reading => {
  const rejected: Reading = { is: "permanent", why: "Decode" }
  const word = field(body, "status")
  if (word === undefined) return rejected
  // An unlisted word of another type, or an answer that the Schema rejects: never an end of the job.
  if (typeof word !== "string") return either(rejected, { is: "unknown", state: JSON.stringify(word) })
  const end = known(body)
  if (end === undefined) return { is: "unknown", state: word }
  const { result, error } = body as { readonly result?: unknown; readonly error?: unknown }
  // Some servers write the word before the result: it is asked for again.
  if (end !== "pending" && (result === null || error === null)) {
    return [result, error].every((each) => each == null || typeof each === "string") ? { is: "again", floor } : rejected
  }
  if (result !== undefined && typeof result !== "string") return rejected
  if (error !== undefined && typeof error !== "string") return rejected
  if (end === "pending") return { is: "pending", state: word, floor }
  return { is: end, value: end === "succeeded" ? result : end === "failed" ? error : undefined }
}

type Json = { readonly value: unknown } | undefined

const parse = (text: string): Json => {
  try {
    // JSON of the web may begin with a byte order mark.
    return { value: JSON.parse(text.replace(/^\uFEFF/, "")) as unknown }
  } catch {
    return undefined
  }
}

const isRecord = (u: unknown): u is Readonly<Record<string, unknown>> =>
  typeof u === "object" && u !== null && !Array.isArray(u)

const field = (u: unknown, name: string): unknown => (isRecord(u) && Object.hasOwn(u, name) ? u[name] : undefined)

const known = (body: unknown): End | "pending" | undefined => {
  const word = field(body, "status")
  return typeof word === "string" && Object.hasOwn(words, word) ? words[word] : undefined
}

/** Levels of nesting, counted without recursion. */
const depth = (value: unknown): number => {
  let level = 0
  for (let layer = [value]; layer.length > 0; level++) {
    layer = layer.flatMap((each) => (typeof each === "object" && each !== null ? Object.values(each) : []))
  }
  return level - 1
}

const html = ({ headers, text }: Wire): boolean =>
  /html/i.test(headers["content-type"] ?? "") || /^\s*<(!doctype|html)/i.test(text ?? "")

/** Codes by which servers say "slow down", as a value anywhere near the top of their JSON. */
const throttlingCode = (body: unknown): boolean => {
  const error = field(body, "error")
  const places = [body, error].flatMap((place) =>
    ["code", "type", "__type", "reason", "status"].map((name) => field(place, name))
  )
  return [...places, error].some((value) => typeof value === "string" && slow.has(value))
}

const slow = new Set("ThrottlingException TooManyRequests RequestLimitExceeded SlowDown rateLimitExceeded".split(" "))

const remaining = (headers: Wire["headers"]): boolean => headers["x-ratelimit-remaining"] === "0"

const mentions = (headers: Wire["headers"]): boolean =>
  ["retry-after", "retry-after-ms", "x-ms-retry-after-ms"].some((name) => headers[name] !== undefined)

/** The delay in a header that requests one, in milliseconds. */
const hint = ({ headers, now }: Wire): number | undefined => {
  for (const name of ["retry-after-ms", "x-ms-retry-after-ms"]) {
    const millis = headers[name]
    if (millis !== undefined && /^\d+(\.\d+)?$/.test(millis)) return Number(millis)
  }
  const after = headers["retry-after"]
  if (after === undefined) return undefined
  const seconds = after.split(",").map((each) => (/^ *\d+(\.\d+)? *$/.test(each) ? Math.ceil(Number(each)) : NaN))
  if (!seconds.includes(NaN)) return Math.max(...seconds) * 1_000
  if (!after.endsWith("GMT") || Number.isNaN(Date.parse(after))) return undefined
  const sent = headers["date"] === undefined ? now : Date.parse(headers["date"])
  return Date.parse(after) > sent ? Date.parse(after) - sent : undefined
}

/** The time until a spent rate limit is reset. */
const spent = ({ headers }: Wire): number | undefined => {
  const reset = headers["x-ratelimit-reset"]
  return remaining(headers) && reset !== undefined && /^\d{1,8}$/.test(reset) ? Number(reset) * 1_000 : undefined
}

const floorOf = (wire: Wire): number =>
  Math.min(bounds.hint, hint(wire) ?? (wire.code >= 400 ? spent(wire) : undefined) ?? 0)
