// Random answers against the reference reading. Each round is one wait of three checks: the job runs, the random answer,
// and then an end that no random answer can make. So what the wait made of the answer shows in how and when it ended.
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type { VirtualClock } from "../conformance/clock.ts"
import { job as jobUrl, type Round, round, type Served } from "./generate.ts"
import { Lab, type Observed } from "./lab.ts"
import { bounds, read, type Reading, start, type Wire } from "./reference.ts"
import type { Handler } from "./server.ts"

/** The counts that must be zero, and how many answers there were. */
export interface Counts {
  readonly answers: number
  /** A success that the answer does not tell. */
  readonly falseSuccess: number
  /** Any other end that the answer does not tell. */
  readonly falseEnd: number
  /** An end, or a state, that the answer tells and the wait did not. */
  readonly missed: number
  /** A next check before the requested delay was over. */
  readonly early: number
  /** A credential or a secret of a body at a foreign origin, or in an error, log line, span, event or token. */
  readonly leaked: number
  /** A defect, or more memory or time than the bounds allow. */
  readonly unbounded: number
}

export type Fault = Exclude<keyof Counts, "answers">

/** A round that went wrong. */
export interface Wrong {
  readonly round: number
  readonly fault: Fault
  readonly seen: string
}

export interface Fuzzed {
  readonly seed: number
  readonly counts: Counts
  /** How many answers tell of each kind, by the reference. */
  readonly readings: Readonly<Record<string, number>>
  readonly wrong: ReadonlyArray<Wrong>
}

/** What is judged: a program that waits for the job, with the tokens that it would store. */
export type Subject = (
  round: Round,
  store: (token: unknown) => void
) => Effect.Effect<unknown, unknown, HttpClient.HttpClient>

/** Judges rounds `from` to `to` of a seed. */
export const fuzz = async (
  clock: VirtualClock,
  subject: Subject,
  options: {
    readonly seed: number
    readonly from: number
    readonly to: number
    readonly realMillis: () => number
  }
): Promise<Fuzzed> => {
  const counts = { falseSuccess: 0, falseEnd: 0, missed: 0, early: 0, leaked: 0, unbounded: 0 }
  const readings: Record<string, number> = {}
  const wrong: Array<Wrong> = []
  for (let number = options.from; number < options.to; number++) {
    clock.reset()
    const made = round(options.seed, number)
    const played = await play(new Lab(clock), subject, made, options.realMillis)
    const reading = expected(made)
    const name = made.kind === "check" ? reading.is : `first answer: ${first(made)}`
    readings[name] = (readings[name] ?? 0) + 1
    for (const [fault, seen] of faults(made, reading, played)) {
      counts[fault]++
      wrong.push({ round: number, fault, seen })
    }
    await clock.quiet()
  }
  return { seed: options.seed, counts: { answers: options.to - options.from, ...counts }, readings, wrong }
}

/** What the reference makes of a round. */
export const expected = ({ answer, target }: Round): Reading => {
  if (answer.breaks === "before") return { is: "transient", floor: 0 }
  if (target === undefined) return read(wireOf(answer))
  if (target.kind !== "same") return { is: "permanent", why: "" }
  // A redirect that the server itself makes is followed, whatever its own body is.
  return target.answer.breaks === "before" ? { is: "transient", floor: 0 } : read(wireOf(target.answer))
}

/** What the reference makes of the first answer to a request that may take long. */
const first = ({ answer }: Round): ReturnType<typeof start> =>
  answer.breaks === undefined ? start(wireOf(answer)) : "other"

/** The result that ends a wait if the random answer did not. */
export const sentinel = "the wait read on"

/** The result of an operation that was followed. */
const sentinelPages = 999

// ---- internal ----

interface Played {
  readonly observed: Observed
  /** When the checks came, in milliseconds. */
  readonly checks: ReadonlyArray<number>
  readonly tokens: string
  /** The most bytes of one body that were read. */
  readonly bytes: number
  readonly millis: number
}

const bodiless = new Set([204, 205, 304])

/** The text of a body: by its mark, as UTF-8, or by its charset. Of a 2xx there is no JSON in what is none of these. */
const textOf = (bytes: Uint8Array, type: string, code: number): string => {
  const mark =
    bytes[0] === 0xff && bytes[1] === 0xfe ? "utf-16le" : bytes[0] === 0xfe && bytes[1] === 0xff ? "utf-16be" : "utf-8"
  const named = /charset="?([\w-]+)/i.exec(type)?.[1] ?? mark
  for (const charset of mark === "utf-8" ? [mark, named] : [mark]) {
    try {
      return new TextDecoder(charset, { fatal: true }).decode(bytes)
    } catch {
      // The next one, if any.
    }
  }
  return code < 300 ? "broken text" : new TextDecoder().decode(bytes)
}

const wireOf = ({ body, breaks, code, headers }: Served): Wire => {
  const now = Date.UTC(2026, 0, 1) + 1_000
  if (bodiless.has(code)) return { code, headers, text: "", size: 0, now }
  if ("endless" in body) return { code, headers, text: undefined, size: body.endless, now }
  const text = breaks === "within" ? undefined : textOf(body.bytes, headers["content-type"] ?? "", code)
  return { code, headers, text, size: body.bytes.length, now }
}

const play = async (lab: Lab, subject: Subject, made: Round, realMillis: () => number): Promise<Played> => {
  let bytes = 0
  let checks = 0
  const reply = (served: Served): ReturnType<Handler> => ({
    status: served.code,
    headers: served.headers,
    body: bodiless.has(served.code)
      ? undefined
      : streamOf(served, made.number, (read) => (bytes = Math.max(bytes, read))),
    network: served.breaks === "before" ? "ECONNRESET" : undefined
  })
  const server = lab.server(({ method, url }) => {
    if (made.kind === "start") return method === "POST" ? reply(made.answer) : { json: { pages: sentinelPages } }
    if (url.pathname === "/moved/1") return reply(made.target!.answer)
    checks++
    if (checks === 1) return { json: { status: "running" } }
    return checks === 2 ? reply(made.answer) : { json: { status: "done", result: sentinel } }
  })
  const tokens: Array<unknown> = []
  const started = realMillis()
  const observed = await lab.observe(
    server,
    subject(made, (token) => tokens.push(token))
  )
  const times = server.requests.filter(({ url }) => url.pathname === new URL(jobUrl).pathname).map(({ at }) => at)
  return { observed, checks: times, tokens: JSON.stringify(tokens), bytes, millis: realMillis() - started }
}

/** The body in pieces of odd sizes, made while it is read. */
const streamOf = (
  { body, breaks }: Served,
  number: number,
  note: (read: number) => void
): ReadableStream<Uint8Array<ArrayBuffer>> => {
  let sent = 0
  const bytes = "bytes" in body ? body.bytes : undefined
  const end = bytes === undefined ? (body as { readonly endless: number }).endless : bytes.length
  const stop = breaks === "within" ? Math.ceil(end / 2) : end
  return new ReadableStream({
    pull: (controller) => {
      if (sent >= stop) {
        if (breaks === "within") controller.error(new TypeError("terminated"))
        else controller.close()
        return
      }
      const size = Math.min(stop - sent, sent === 0 ? (number % 7) + 1 : 65_536)
      controller.enqueue(bytes === undefined ? new Uint8Array(size).fill(32) : bytes.slice(sent, sent + size))
      sent += size
      note(sent)
    }
  })
}

/** Bytes beyond the bound that may have been read when it was noticed: what is on its way. */
const slack = 1_048_576

const mostMillis = 10_000

const faults = (made: Round, reading: Reading, played: Played): ReadonlyArray<readonly [Fault, string]> => {
  const { bytes, millis, observed } = played
  const found: Array<readonly [Fault, string]> = []
  const acceptable = reading.is === "open" ? reading.any : [reading]
  const says = made.kind === "start" ? first(made) : describeReading(reading)
  const what = `${describe(made)}: the reference says ${says}, got ${observed.summary}`
  if (observed.tag === "Defect") found.push(["unbounded", what])
  else {
    const all =
      made.kind === "start" ? [startMismatch(made, played)] : acceptable.map((one) => mismatch(made, one, played))
    if (all.every((one) => one !== undefined)) found.push([all[0]!, what])
  }
  if (bytes > bounds.body + slack) found.push(["unbounded", `${bytes} bytes of one body were read; ${what}`])
  if (millis > mostMillis) found.push(["unbounded", `it took ${Math.round(millis)} ms; ${what}`])
  const leak = leakOf(made, played)
  if (leak !== undefined) found.push(["leaked", `${leak}; ${what}`])
  return found
}

/** The fault of a wait under one reading; undefined if it is what the reading says. */
const mismatch = (made: Round, reading: Reading, { checks, observed }: Played): Fault | undefined => {
  const wanted = endingOf(reading, made.strict)
  const on = observed.tag === "Succeeded" && observed.value === sentinel && checks.length === 3
  if (wanted === "on") {
    if (!on) return observed.tag === "Succeeded" ? "falseSuccess" : "falseEnd"
    const floor = "floor" in reading ? reading.floor : 0
    if (checks[2]! - checks[1]! < floor) return "early"
    return reading.is === "pending" && !isState(stateOf(observed), reading.state) ? "missed" : undefined
  }
  if (on) return "missed"
  if (observed.tag !== wanted) return observed.tag === "Succeeded" ? "falseSuccess" : "falseEnd"
  if (checks.length !== 2) return "missed"
  return details(reading, observed) ? undefined : observed.tag === "Succeeded" ? "falseSuccess" : "falseEnd"
}

/** The fault of what was made of a first answer; undefined if there is none. */
const startMismatch = (made: Round, { observed }: Played): Fault | undefined => {
  const pages = (observed.value as { readonly pages?: unknown } | undefined)?.pages
  const wanted = first(made)
  if (observed.tag !== "Succeeded") return wanted === "other" ? undefined : "falseEnd"
  if (pages !== sentinelPages) return wanted === "result" && pages === 3 ? undefined : "falseSuccess"
  return wanted === "result" ? "missed" : undefined
}

/** The tag that a reading ends a wait with, or that it goes on. */
const endingOf = (reading: Reading, strict: boolean): string => {
  switch (reading.is) {
    case "missing":
      return reading.times === 1 ? "JobNotFound" : "on"
    case "transient":
      return strict ? "CheckErrorsExhausted" : "on"
    default:
      return endings[reading.is] ?? "on"
  }
}

const endings: Readonly<Record<string, string>> = {
  succeeded: "Succeeded",
  failed: "JobFailed",
  canceled: "JobCanceled",
  expired: "JobExpired",
  permanent: "CheckRejected",
  unknown: "UnknownState"
}

const details = (reading: Reading, { error, value }: Observed): boolean => {
  const given = error as {
    readonly failure?: unknown
    readonly state?: string
    readonly error?: { readonly reason?: { readonly _tag?: string } }
  }
  if (reading.is === "succeeded") return value === reading.value
  if (reading.is === "failed") return given.failure === reading.value
  if (reading.is === "unknown") return isState(given.state, reading.state)
  return reading.is !== "permanent" || !named.has(reading.why) || given.error?.reason?._tag === reading.why
}

/** The reasons of permanent errors whose names the documents give. */
const named = new Set(["TooLarge", "TooDeep", "Decode", "Status"])

/** Long words are cut, and control characters escaped. */
const isState = (found: string | undefined, word: string): boolean =>
  found === word || (found !== undefined && word.length > 100 && found.slice(0, 4) === word.slice(0, 4))

const stateOf = ({ events }: Observed): string | undefined => {
  const changes = events.flatMap(({ event }) => (event._tag === "Changed" && event.attempt === 2 ? [event.status] : []))
  if (changes.length === 0) return events.some(({ event }) => event._tag === "Unchanged") ? "running" : undefined
  return changes[0]!.state
}

const leakOf = (made: Round, { observed, tokens }: Played): string | undefined => {
  const { credential, marker } = made
  const foreign = observed.server.requests.filter(({ url }) => url.origin !== new URL(jobUrl).origin)
  if (foreign.some((request) => JSON.stringify([request, request.url.href]).includes(credential)))
    return "a foreign origin got the credential"
  if (tokens.includes(credential) || tokens.includes(marker)) return "a token holds a secret"
  const { shown } = observed
  for (const secret of [credential, marker]) {
    const index = shown.indexOf(secret)
    if (index >= 0) return `a secret is shown: ${JSON.stringify(shown.slice(Math.max(0, index - 150), index + 60))}`
  }
  return undefined
}

const describe = ({ answer, kind, number, strict, target }: Round): string => {
  const to = target === undefined ? "" : ` to a ${target.kind} URL with ${describeServed(target.answer)}`
  return `round ${number}${kind === "start" ? " (first answer)" : strict ? " (strict)" : ""}, ${describeServed(answer)}${to}`
}

const describeServed = ({ body, breaks, code, headers }: Served): string => {
  const content =
    "endless" in body ? "an endless body" : JSON.stringify(new TextDecoder().decode(body.bytes.slice(0, 120)))
  return `${code} ${JSON.stringify(headers)} ${content}${breaks === undefined ? "" : ` broken ${breaks}`}`
}

const describeReading = (reading: Reading): string => JSON.stringify(reading).slice(0, 200)
