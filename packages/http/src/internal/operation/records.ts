import { isReadonlyObject } from "effect/Predicate"
import { plain } from "./plain.ts"

// The records of a body in which the state of an operation, its URL or its error may stand.

/** A path in a body. */
export type Path = ReadonlyArray<string | number>

export type Json = Readonly<Record<PropertyKey, unknown>>

/**
 * What a record is to the body:
 *
 * - `operation`: the body itself, or what stands in a field that only operations have. Every sign in it counts.
 * - `payload`: what stands in `result` and the like: the operation, or what it made. Only known words count.
 * - `envelope`: the only record of a holder without an identity of its own.
 * - `inner`: the only record of a body with an identity of its own.
 */
export interface Held {
  readonly path: Path
  readonly record: Json
  readonly role: "operation" | "payload" | "envelope" | "inner"
}

/** The records of a body, outermost first: two deep, not counting holders that have a single field. */
export const recordsIn = (body: unknown): ReadonlyArray<Held> => {
  // A list of one is what some servers answer to a request for one.
  if (Array.isArray(body)) {
    return body.length === 1 && !Array.isArray(body[0])
      ? recordsIn(body[0]).map(({ path, record, role }) => ({ path: [0, ...path], record, role }))
      : []
  }
  if (!isReadonlyObject(body)) return []
  const found: Array<Held> = []
  let level: ReadonlyArray<readonly [held: Held, depth: number]> = [[{ path: [], record: body, role: "operation" }, 0]]
  while (level.length > 0) {
    for (const [held] of level) found.push(held)
    level = level.flatMap(([held, above]) => {
      const depth = above + (Object.keys(held.record).length === 1 ? 0 : 1)
      const isDeep = depth > maxDepth || held.path.length === maxLength || held.role === "inner"
      return isDeep ? [] : heldBy(held).map((inner) => [inner, depth] as const)
    })
  }
  return found
}

// ---- internal ----

const maxDepth = 2
const maxLength = 4

const names = (text: string): ReadonlySet<string> => new Set(text.split(" "))

/** Where the record of an operation stands, without case and separators. */
const operations = /*#__PURE__*/ names(
  "properties operation metadata status state job task run data request attributes latestoperation lastoperation " +
    "execution export import batch prediction bulkoperation"
)

/** Where an operation or what it made stands. */
const payloads = /*#__PURE__*/ names("result response item payload body content resource record object value")

/** What stands beside a record without being another one, or says what was asked for. */
const annotations = /*#__PURE__*/ names(
  "meta links urls error errors headers pagination paging resultinfo responsemetadata input inputs params parameters " +
    "config configuration options settings arguments spec"
)

/** The fields by which a record is one of its own rather than an envelope. */
const identities = /*#__PURE__*/ names("id uuid key name self href")

const heldBy = ({ path, record }: Held): ReadonlyArray<Held> => {
  const inner = Object.entries(record).flatMap(([name, value]) =>
    isReadonlyObject(value) && !annotations.has(plain(name)) ? [[name, plain(name), value] as const] : []
  )
  const isEnvelope = !Object.keys(record).some((name) => identities.has(plain(name)))
  return inner.flatMap(([name, field, value]): ReadonlyArray<Held> => {
    const at = [...path, name]
    if (operations.has(field)) return [{ path: at, record: value, role: "operation" }]
    if (payloads.has(field)) return [{ path: at, record: value, role: "payload" }]
    if (inner.length > 1) return []
    if (isEnvelope) return [{ path: at, record: value, role: "envelope" }]
    return path.length === 0 ? [{ path: at, record: value, role: "inner" }] : []
  })
}
