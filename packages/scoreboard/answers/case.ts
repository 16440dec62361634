// Cases: a scripted server, the lines that a user writes against it, and the ending that is right.
import { isDeepStrictEqual } from "node:util"
import type { Lab, Observed, Program } from "./lab.ts"
import type { PeerCase } from "./peer.ts"
import type { Handler, Server } from "./server.ts"
import type { Sockets } from "./sockets.ts"

/** Where a case runs: under the virtual clock, over loopback sockets in real time, or in the compiler. */
export type Place = "clock" | "sockets" | "types"

/** What was expected and what came instead; undefined if the case is right. */
export type Complaint = string | undefined

export interface Case {
  /** The row and a letter, such as `A1.b`. */
  readonly id: string
  /** The server and what it does, as a sentence. */
  readonly name: string
  readonly where: Place
  readonly run: (lab: Lab) => Promise<Complaint>
  /** The same situation for the pollers of other clients, where they have the feature. */
  readonly peer?: PeerCase | undefined
  /** The server and the ending, of a case of one program; for the peers. */
  readonly server?: Handler
  readonly ends?: Expected
}

/** How a wait must end. Each field that is given is compared. */
export interface Expected {
  /** The tag of the error, or `Succeeded`; several with `|` between; or `any` for whatever ends and is no defect. */
  readonly tag: string
  /** The result. */
  readonly value?: unknown
  /** Fields of the error, by path (`failure.code`, `reason`, `error.reason._tag`); a RegExp is searched for. */
  readonly error?: Readonly<Record<string, unknown>>
  /** The number of requests. */
  readonly requests?: number
  /** When the requests came, in milliseconds. */
  readonly times?: ReadonlyArray<number>
  /** Methods, paths and queries of the requests. */
  readonly paths?: ReadonlyArray<string>
  /** The least time between each request and the one before it, from the second on; in milliseconds. */
  readonly gaps?: ReadonlyArray<number>
  /** The states of the pending statuses that were reported, in order. */
  readonly states?: ReadonlyArray<string | undefined>
  /** What must stand in the message of the error. */
  readonly says?: string | RegExp
  /** What must stand nowhere: not in an error, a log line, a span, an event or a token. */
  readonly hides?: string | ReadonlyArray<string>
}

/** Compares how a wait ended with how it must end. */
export const complain = (seen: Observed, expected: Expected): Complaint => {
  const ended = seen.tag !== "Defect" && seen.tag !== "no end"
  if (expected.tag === "any" ? !ended : !expected.tag.split("|").includes(seen.tag))
    return `expected ${expected.tag}, got ${seen.summary}`
  if ("value" in expected && !same(seen.value, expected.value))
    return `expected the result ${show(expected.value)}, got ${show(seen.value)}`
  for (const [path, wanted] of Object.entries(expected.error ?? {})) {
    const found = at(seen.error, path)
    if (!same(found, wanted)) return `expected ${path} ${show(wanted)}, got ${show(found)} (${seen.summary})`
  }
  return inRequests(seen, expected) ?? inStates(seen, expected) ?? inTexts(seen, expected)
}

/** A case of one program under the virtual clock. */
export const wait = (
  id: string,
  name: string,
  options: {
    readonly server: Handler
    /** Made when the case runs, so that a mistake in it is this case's. */
    readonly program: (server: Server) => Program
    readonly ends: Expected
    /** When to stop waiting for the end, in milliseconds. */
    readonly until?: number
    /** The client follows redirects by itself, whatever it is asked to do. */
    readonly follows?: boolean
    readonly check?: (seen: Observed) => Complaint
    readonly peer?: PeerCase
  }
): Case => ({
  id,
  name,
  where: "clock",
  peer: options.peer,
  server: options.server,
  ends: options.ends,
  run: async (lab) => {
    const server = lab.server(options.server, options.follows)
    const seen = await lab.observe(server, options.program(server), options.until)
    return first(complain(seen, options.ends), options.check?.(seen))
  }
})

/** A case over loopback sockets, in real time. */
export const overSockets = (id: string, name: string, run: (sockets: Sockets) => Promise<Complaint>): Case => ({
  id,
  name,
  where: "sockets",
  run: async () => {
    const { Sockets } = await import("./sockets.ts")
    const sockets = new Sockets()
    try {
      return await run(sockets)
    } finally {
      await sockets.close()
    }
  }
})

/** The first complaint of several. */
export const first = (...complaints: ReadonlyArray<Complaint>): Complaint =>
  complaints.find((complaint) => complaint !== undefined)

/** A complaint if a condition does not hold. */
export const unless = (holds: boolean, complaint: string): Complaint => (holds ? undefined : complaint)

/** A complaint if two values differ. */
export const equal = (what: string, found: unknown, wanted: unknown): Complaint =>
  unless(same(found, wanted), `expected ${what} ${show(wanted)}, got ${show(found)}`)

export const show = (value: unknown): string => {
  const text =
    value instanceof RegExp
      ? String(value)
      : (JSON.stringify(value, (_, each: unknown) => (typeof each === "bigint" ? `${each}n` : each)) ?? String(value))
  return text.length > 200 ? `${text.slice(0, 200)}...` : text
}

// ---- internal ----

const inRequests = ({ server }: Observed, expected: Expected): Complaint => {
  const { gaps = [], paths, requests, times } = expected
  return first(
    requests === undefined ? undefined : equal("requests", server.requests.length, requests),
    paths === undefined ? undefined : equal("requests", server.paths, paths),
    times === undefined ? undefined : equal("times", server.times, times),
    ...gaps.map((gap, index) => {
      const found = server.times[index + 1]! - server.times[index]!
      return unless(found >= gap, `request ${index + 2} came ${found} ms after the one before it, not ${gap} ms`)
    })
  )
}

const inStates = ({ events }: Observed, { states }: Expected): Complaint => {
  if (states === undefined) return undefined
  const found = events.flatMap(({ event }) =>
    event._tag === "Changed" && event.status._tag === "Pending" ? [event.status.state] : []
  )
  return equal("the states", found, states)
}

const inTexts = (seen: Observed, { hides = [], says }: Expected): Complaint => {
  const message = seen.error instanceof Error ? seen.error.message : ""
  if (says !== undefined && !(typeof says === "string" ? message.includes(says) : says.test(message)))
    return `expected a message with ${show(says)}, got ${show(message)}`
  const shown = [hides].flat().find((secret) => seen.shown.includes(secret))
  return shown === undefined ? undefined : `${show(shown)} is shown: ${around(seen.shown, shown)}`
}

const around = (text: string, part: string): string => {
  const index = text.indexOf(part)
  return show(text.slice(Math.max(0, index - 80), index + part.length + 40))
}

const at = (value: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>((inner, name) => (inner == null ? undefined : (inner as Record<string, unknown>)[name]), value)

const same = (found: unknown, wanted: unknown): boolean => {
  if (wanted instanceof RegExp) return typeof found === "string" && wanted.test(found)
  if (typeof wanted === "function") return (wanted as (found: unknown) => boolean)(found)
  return isDeepStrictEqual(plain(found), plain(wanted))
}

/** Class instances are compared by what they hold. */
const plain = (value: unknown): unknown => {
  if (value instanceof Uint8Array) return [...value]
  if (Array.isArray(value)) return value.map(plain)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, plain(each)]))
}
