// Random answers of servers: codes, headers, bodies, types, sizes and encodings.
import { Rng } from "./random.ts"

/** A random answer, as a server sends it. */
export interface Served {
  readonly code: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Bytes
  /** The connection breaks before the answer, or before the end of the body. */
  readonly breaks?: "before" | "within" | undefined
}

/** A body: its bytes, or so many bytes that they are made while they are read. */
export type Bytes = { readonly bytes: Uint8Array<ArrayBuffer> } | { readonly endless: number }

/** One round of the fuzz. */
export interface Round {
  readonly number: number
  /** Whether the answer is one to a check, or the first one to a request that may take long. */
  readonly kind: "check" | "start"
  readonly answer: Served
  /** Where the answer sends the client, and what it finds there; undefined if it is no redirect with a target. */
  readonly target?: { readonly kind: "same" | "foreign" | "downgrade"; readonly answer: Served } | undefined
  /** No failed check is tolerated. */
  readonly strict: boolean
  /** Stands in headers and bodies, and must be seen nowhere. */
  readonly marker: string
  /** The credential of the request. */
  readonly credential: string
}

/** The date that servers send. */
export const serverDate = "Thu, 01 Jan 2026 00:00:01 GMT"

/** The nth round of a seed. */
export const round = (seed: number, number: number): Round => {
  const rng = new Rng(Math.imul(seed + 1, 0x9e3779b1) ^ Math.imul(number + 1, 0x85ebca6b))
  const marker = `marker-${seed}-${number}-x`
  const asked = rng.chance(0.12) ? "start" : "check"
  const first = asked === "start" ? starting(rng, marker) : answer(rng, marker)
  const redirects = asked === "check" && [301, 302, 303, 307, 308].includes(first.code) && rng.chance(0.8)
  const kind = rng.weigh([
    [6, "same" as const],
    [2, "foreign" as const],
    [1, "downgrade" as const]
  ])
  const target = redirects ? { kind, answer: plainTarget(rng, marker) } : undefined
  const headers = target === undefined ? first.headers : { ...first.headers, location: locations[kind] }
  return {
    number,
    kind: asked,
    answer: { ...first, headers },
    target,
    strict: rng.chance(0.4),
    marker,
    credential: `credential-${seed}-${number}-x`
  }
}

/** Where the job is, and where redirects lead. */
export const job = "https://jobs.example/jobs/1"

const locations = {
  same: "/moved/1",
  foreign: "https://elsewhere.example/moved/1",
  downgrade: "http://jobs.example/moved/1"
}

// ---- internal ----

const answer = (rng: Rng, marker: string): Served => {
  const kind = rng.weigh<(rng: Rng, marker: string) => Served>([
    [18, succeeding],
    [17, failing],
    [16, pending],
    [12, accepted],
    [16, refusing],
    [10, throttling],
    [14, anything]
  ])
  const made = kind(rng, marker)
  return decorate(rng, marker, made)
}

/** What stands behind a redirect. */
const plainTarget = (rng: Rng, marker: string): Served =>
  rng.weigh<(rng: Rng, marker: string) => Served>([
    [4, succeeding],
    [3, failing],
    [3, pending],
    [1, refusing]
  ])(rng, marker)

const json = (code: number, value: unknown, headers: Record<string, string> = {}): Served => ({
  code,
  headers: { "content-type": "application/json", ...headers },
  body: { bytes: encode(JSON.stringify(value)) }
})

const succeeding = (rng: Rng, marker: string): Served =>
  json(rng.pick([200, 200, 200, 200, 201, 202, 203, 206]), {
    ...note(marker),
    status: "done",
    ...(rng.chance(0.9) && { result: rng.pick(["a.png", "", "running", "é🎬", "x".repeat(rng.int(1, 5_000))]) })
  })

const failing = (rng: Rng, marker: string): Served => {
  const status = rng.pick(["broken", "broken", "broken", "stopped", "lapsed"])
  return json(rng.pick([200, 200, 200, 201, 202]), {
    status,
    ...(rng.chance(0.8) && { error: rng.pick(["out of paper", "done", "{}", "429"]) }),
    ...note(marker)
  })
}

const pending = (rng: Rng, marker: string): Served =>
  json(rng.pick([200, 200, 200, 202, 201]), {
    status: rng.pick(["queued", "running"]),
    ...note(marker),
    ...(rng.chance(0.2) && { result: rng.pick(["partial", "done"]) })
  })

/** The first answer to a request that may take long. */
const starting = (rng: Rng, marker: string): Served => {
  const headers = rng.pick<Record<string, string>>([
    {},
    {},
    {},
    {},
    { location: "/operations/1" },
    { location: "/operations/1" },
    { "operation-location": "/operations/1" },
    { "content-location": "/things/1" }
  ])
  const status = rng.pick([
    undefined,
    undefined,
    "RUNNING",
    "in_progress",
    "Queued",
    "pending",
    "Succeeded",
    "Failed",
    "Canceled"
  ])
  const body = rng.pick<unknown>([
    { pages: 3 },
    { pages: 3 },
    { pages: 3, status },
    { pages: 3, status },
    { pages: "three", status },
    { status, ...note(marker) },
    { done: false, pages: 3 },
    { pages: 3, error: { code: "Bad", message: "no rows" } },
    [],
    "accepted"
  ])
  return json(rng.pick([200, 200, 200, 201, 202, 202, 203, 206, 400, 404, 409, 429, 500, 503]), body, headers)
}

/** 202 and 204 that say little. */
const accepted = (rng: Rng, marker: string): Served => {
  const code = rng.pick([202, 202, 202, 204])
  const body = rng.weigh<string>([
    [4, ""],
    [1, "{}"],
    [1, JSON.stringify(note(marker))],
    [1, JSON.stringify({ status: rng.pick(["warming", "Done", "DONE", "finished", "in_progress"]), ...note(marker) })],
    [1, `<html>${marker}</html>`],
    [1, "accepted"],
    [1, "[]"],
    [1, '"done"'],
    [1, JSON.stringify({ status: null, state: "done" })]
  ])
  return {
    code,
    headers: { "content-type": rng.pick(types) },
    body: { bytes: encode(code === 204 ? "" : body) }
  }
}

const refusing = (rng: Rng, marker: string): Served => ({
  code: rng.weigh([
    [3, rng.int(400, 431)],
    [2, rng.pick([401, 403, 404, 404, 409, 410, 422])],
    [3, rng.pick([500, 502, 503, 504, 520, 522, 524, 529, 599, 408, 425])],
    [1, rng.pick([300, 304, 305, 306])],
    [2, rng.pick([301, 302, 303, 303, 307, 308])]
  ]),
  headers: { "content-type": rng.pick(types) },
  body: { bytes: encode(bodyOf(rng, marker)) }
})

const throttling = (rng: Rng, marker: string): Served => {
  const code = rng.pick([429, 429, 503, 403, 400])
  const word = rng.pick([
    "ThrottlingException",
    "TooManyRequests",
    "SlowDown",
    "rateLimitExceeded",
    "InvalidRequest",
    "Forbidden"
  ])
  const body = rng.pick<unknown>([
    { code: word },
    { error: { code: word, message: marker } },
    { __type: word },
    { message: `${word} is only mentioned here`, ...note(marker) },
    { status: "done", result: "not this", ...note(marker) }
  ])
  const headers: Record<string, string> = {}
  if (rng.chance(0.3)) {
    headers["x-ratelimit-remaining"] = rng.pick(["0", "0", "7"])
    if (rng.chance(0.8)) headers["x-ratelimit-reset"] = String(rng.int(1, 900))
  }
  return json(code, body, headers)
}

/** Any code with any body. */
const anything = (rng: Rng, marker: string): Served => ({
  code: rng.weigh([
    [5, 200],
    [1, rng.int(200, 208)],
    [1, rng.int(400, 599)]
  ]),
  headers: { "content-type": rng.pick(types) },
  body: big(rng, marker) ?? { bytes: rng.chance(0.15) ? odd(rng, marker) : encode(bodyOf(rng, marker)) }
})

const types = [
  "application/json",
  "application/json; charset=utf-8",
  "application/problem+json",
  "text/html",
  "text/html; charset=iso-8859-1",
  "text/plain",
  "application/octet-stream",
  "application/xml",
  "text/csv",
  "image/png",
  ";;;"
]

const bodyOf = (rng: Rng, marker: string): string =>
  rng.pick<() => string>([
    () => "",
    () => "   \n",
    () => `<!doctype html><title>done</title>${marker}`,
    () => `status=done&result=${marker}`,
    () => "done",
    () => '"done"',
    () => "null",
    () => "true",
    () => "[]",
    () => JSON.stringify([{ status: "done", result: "in an array" }]),
    () => JSON.stringify({ data: { status: "done", result: "inside" }, ...note(marker) }),
    () =>
      JSON.stringify({
        status: rng.pick(["Done", "DONE", " done", "done ", "finished", "error", ""]),
        ...note(marker)
      }),
    () => JSON.stringify({ status: rng.pick([null, true, false, 0, -1, 1e308, 200]), ...note(marker) }),
    () => JSON.stringify({ status: rng.pick([{ done: true }, ["done"]]), ...note(marker) }),
    () =>
      JSON.stringify({ status: rng.pick(["toString", "constructor", "__proto__", "hasOwnProperty"]), ...note(marker) }),
    () => JSON.stringify({ status: `evil\n\u001b[31mERROR forged\u0007${"w".repeat(rng.int(0, 3_000))}` }),
    () =>
      JSON.stringify({ status: "done", result: rng.pick<unknown>([marker.length, [marker], { marker }, null, true]) }),
    () => JSON.stringify({ status: "broken", error: rng.pick<unknown>([7, [marker], { marker }, null]) }),
    () => `{"__proto__":{"status":"done"},"x":"${marker}"}`,
    () => `{"status":"running","status":"done","result":"the last one"}`,
    () => `{"status":"done","result":"${"z".repeat(rng.int(1, 60_000))}"}`,
    () => `{"status":"done","result":"cut`,
    () => `{"status":"running","loss":NaN}`,
    () => `)]}'\n{"status":"done"}`,
    () => `\uFEFF{"status":"done","result":"after a mark"}`,
    () => `{"status":"queued"}{"status":"done"}`,
    () => nested(rng.pick([100, 400, 600, 3_000, 40_000]))
  ])()

const nested = (levels: number): string =>
  `{"status":"done","result":"deep","x":${"[".repeat(levels)}${"]".repeat(levels)}}`

/** Bytes that are no UTF-8 text, or JSON in another encoding. */
const odd = (rng: Rng, marker: string): Uint8Array<ArrayBuffer> => {
  const text = JSON.stringify({ status: "done", result: "é", ...note(marker) })
  return rng.pick<() => Uint8Array<ArrayBuffer>>([
    () => new Uint8Array([0xff, 0xfe]),
    () => new Uint8Array(Buffer.from(text, "utf16le")),
    () => new Uint8Array(Buffer.concat([Buffer.from([0xff, 0xfe]), Buffer.from(text, "utf16le")])),
    () => new Uint8Array(Buffer.from('{"status":"done","result":"\xe9"}', "latin1")),
    () => new Uint8Array([0, 0, 0, 0]),
    () => Uint8Array.from({ length: rng.int(1, 2_000) }, () => rng.int(0, 255))
  ])()
}

/** Bodies around the bound of 8 MiB. */
const big = (rng: Rng, marker: string): Bytes | undefined => {
  if (!rng.chance(0.05)) return undefined
  const mebibyte = 1_048_576
  const size = rng.pick([mebibyte, 8 * mebibyte - 1, 8 * mebibyte, 8 * mebibyte + 1, 12 * mebibyte])
  if (rng.chance(0.3)) return { endless: 1_024 * mebibyte }
  const head = `{"status":"done","result":"big","note":"${marker}","pad":"`
  return { bytes: encode(`${head}${"p".repeat(size - head.length - 2)}"}`) }
}

/** Headers that any answer may carry, and connections that break. */
const decorate = (rng: Rng, marker: string, made: Served): Served => {
  const headers: Record<string, string> = { ...made.headers }
  if (rng.chance(0.25)) headers["date"] = serverDate
  if (rng.chance(0.3)) Object.assign(headers, delay(rng))
  if (rng.chance(0.1)) headers["set-cookie"] = `session=${marker}; Path=/`
  if (rng.chance(0.1)) headers["x-debug"] = marker
  if (rng.chance(0.05)) headers["etag"] = `"${marker}"`
  if (rng.chance(0.05)) delete headers["content-type"]
  if (rng.chance(0.05)) headers["x-ratelimit-remaining"] = rng.pick(["1", "9", "many"])
  // A client that decompresses leaves the headers of the compressed body in place.
  if (rng.chance(0.1)) {
    headers["content-encoding"] = rng.pick(["gzip", "br", "deflate"])
    headers["content-length"] = String(rng.int(1, 400))
  }
  const breaks = rng.weigh<Served["breaks"]>([
    [94, undefined],
    [3, "before"],
    [3, "bytes" in made.body && made.body.bytes.length > 1 ? "within" : undefined]
  ])
  return { ...made, headers, breaks }
}

const delay = (rng: Rng): Record<string, string> =>
  rng.pick<() => Record<string, string>>([
    () => ({ "retry-after": String(rng.int(0, 120)) }),
    () => ({ "retry-after": String(rng.int(121, 100_000)) }),
    () => ({ "retry-after": rng.pick(["soon", "-5", "1.5", "", "NaN", "1e3", "99999999999999999999", "5, 7"]) }),
    () => ({ "retry-after": "Thu, 01 Jan 2026 00:00:41 GMT", date: serverDate }),
    () => ({ "retry-after": "Wed, 31 Dec 2025 00:00:00 GMT", date: serverDate }),
    () => ({ "retry-after-ms": String(rng.int(0, 9_000)) }),
    () => ({ "retry-after-ms": rng.pick(["2500.5", "-1", "x", "2500.5"]) }),
    () => ({ "x-ms-retry-after-ms": String(rng.int(0, 9_000)), "retry-after": "1" })
  ])()

const note = (marker: string) => ({ note: marker })

const encode = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text)
