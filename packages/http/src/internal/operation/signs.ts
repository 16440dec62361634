import { isReadonlyObject } from "effect/Predicate"
import type { Meaning } from "../../LongRunningReading.ts"
import { commonMeaning, cut, plain } from "./stateWords.ts"

// What in a body shows that it is about an operation rather than a result: a state word, `done: false`, an error.

/** A path in a body. */
export type Path = ReadonlyArray<string | number>

/**
 * What a body shows of an operation. `shown` is what was seen, for a message; `path` is where a word stands.
 */
export interface Sign {
  readonly meaning: Meaning | "unknown"
  /** The state word; undefined where something else shows it. */
  readonly word: string | undefined
  readonly path: Path
  readonly shown: string
}

/** What a body shows of an operation; undefined if nothing does. */
export const signIn = (body: unknown, meanings: ReadonlyMap<string, Meaning>): Sign | undefined => {
  if (typeof body === "string") return signOfText(body, meanings)
  let weak: Sign | undefined
  let unknown: Sign | undefined
  for (const [path, record] of recordsIn(body)) {
    for (const sign of signsOf(path, record, meanings)) {
      if (sign.meaning === "unknown") unknown ??= sign
      // The word of an envelope says that the request went well, not how the operation is.
      else if (path.length === 0 && sign.word !== undefined && envelopeWords.has(plain(sign.word))) weak ??= sign
      else if (sign.meaning !== "succeeded") return sign
      // A word that is not known outweighs what an inner record says of a success.
      else return unknown ?? withError(sign, body)
    }
  }
  return unknown ?? (weak === undefined ? signOfError(body) : withError(weak, body))
}

/** A value of a body with another one in its place at a path. */
export const replaceAt = (body: unknown, path: Path, value: unknown): unknown => {
  const [name, ...rest] = path
  if (name === undefined) return value
  if (Array.isArray(body)) return body.map((each, index) => (index === name ? replaceAt(each, rest, value) : each))
  if (!isReadonlyObject(body)) return body
  return { ...body, [name]: replaceAt(body[name], rest, value) }
}

// ---- internal ----

const envelopeWords = /*#__PURE__*/ new Set(["ok", "okay", "success", "successful"])

/** Where the record of an operation stands beside the top of a body, without case and separators. */
const containers = /*#__PURE__*/ new Set(
  "properties operation metadata status state job task run data request attributes latestoperation".split(" ")
)

const subjects = "job task operation run build batch execution processing process lifecycle provisioning current query"
const more = "export import workflow deployment runtime async"

/** The fields that hold a state word, without case and separators. */
const stateFields = /*#__PURE__*/ new Set([
  "status",
  "state",
  "phase",
  ..."lifecyclephase statusname statename statustext statusvalue".split(" "),
  ...`${subjects} ${more}`.split(" ").flatMap((subject) => [`${subject}status`, `${subject}state`])
])

/** The fields that say whether an operation is done. */
const doneFields = /*#__PURE__*/ new Set(
  "done isdone finished isfinished complete completed iscomplete iscompleted".split(" ")
)

/** The fields that say whether it is running. */
const runningFields = /*#__PURE__*/ new Set("running isrunning pending ispending inprogress isprocessing".split(" "))

type Json = Readonly<Record<PropertyKey, unknown>>

/** The records in which a state may stand: the body, and what its containers hold, two deep. */
const recordsIn = (body: unknown): ReadonlyArray<readonly [Path, Json]> => {
  // A list of one is what some servers answer to a request for one.
  if (Array.isArray(body)) {
    return body.length === 1 ? recordsIn(body[0]).map(([path, record]) => [[0, ...path], record] as const) : []
  }
  if (!isReadonlyObject(body)) return []
  const inner = held([], body)
  return [[[], body], ...inner, ...inner.flatMap(([path, record]) => held(path, record))]
}

const held = (path: Path, record: Json): ReadonlyArray<readonly [Path, Json]> =>
  Object.entries(record).flatMap(([name, value]) =>
    containers.has(plain(name)) && isReadonlyObject(value) ? [[[...path, name], value] as const] : []
  )

/** What the fields of one record show, words first. */
const signsOf = (path: Path, record: Json, meanings: ReadonlyMap<string, Meaning>): ReadonlyArray<Sign> => {
  const words: Array<Sign> = []
  const flags: Array<Sign> = []
  for (const [name, value] of Object.entries(record)) {
    const field = plain(name)
    const at = [...path, name]
    if (typeof value === "string" && value.trim() !== "" && stateFields.has(field)) {
      words.push({
        meaning: commonMeaning(value, meanings) ?? "unknown",
        word: cut(value),
        path: at,
        shown: `${at.join(".")} ${JSON.stringify(cut(value))}`
      })
    }
    if (typeof value !== "boolean") continue
    const shown = `${at.join(".")} ${value}`
    if (doneFields.has(field)) {
      flags.push({ meaning: value ? "succeeded" : "pending", word: undefined, path: at, shown })
    }
    if (runningFields.has(field) && value) flags.push({ meaning: "pending", word: undefined, path: at, shown })
  }
  const pending = [...flags, ...words].find(({ meaning }) => meaning === "pending")
  return pending === undefined ? [...words, ...flags] : [pending]
}

/** A body that is a text is a state word only if it is a known one of a job that runs. */
const signOfText = (body: string, meanings: ReadonlyMap<string, Meaning>): Sign | undefined =>
  body.length <= 40 && commonMeaning(body, meanings) === "pending"
    ? { meaning: "pending", word: body, path: [], shown: JSON.stringify(body) }
    : undefined

/** An operation that is done, with an error, has failed. */
const withError = (sign: Sign, body: unknown): Sign =>
  sign.meaning === "succeeded" ? (signOfError(body) ?? sign) : sign

const signOfError = (body: unknown): Sign | undefined => {
  const error = isReadonlyObject(body) && "error" in body ? body.error : undefined
  const isTold =
    typeof error === "string"
      ? error.trim() !== ""
      : isReadonlyObject(error) && error["code"] !== 0 && ("message" in error || "code" in error || "errors" in error)
  return isTold ? { meaning: "failed", word: undefined, path: ["error"], shown: "an error" } : undefined
}
