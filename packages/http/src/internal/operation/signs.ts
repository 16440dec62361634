import { isReadonlyObject } from "effect/Predicate"
import type { Meaning } from "../../LongRunningReading.ts"
import { errorFieldOf } from "./errors.ts"
import { type Held, type Path, recordsIn } from "./records.ts"
import { plain } from "./plain.ts"
import { commonMeaning, cut } from "./stateWords.ts"

// What in a body shows that it is about an operation rather than a result: a state word, `done: false`, an error.

/**
 * What a body shows of an operation. `shown` is what was seen, for a message; `path` is where a word stands.
 */
export interface Sign {
  readonly meaning: Meaning | "unknown"
  /** The state word; undefined where something else shows it. */
  readonly word: string | undefined
  readonly path: Path
  readonly shown: string
  /** Whether a Schema of the result that lists what stands at the path makes a result of it. */
  readonly isWeak?: boolean
}

/** What a body shows of an operation; undefined if nothing does. */
export const signIn = (body: unknown, meanings: ReadonlyMap<string, Meaning>): Sign | undefined => {
  if (typeof body === "string") return signOfText(body, meanings)
  const records = recordsIn(body)
  let envelope: Sign | undefined
  let unknown: Sign | undefined
  for (const held of records) {
    for (const sign of signsOf(held, meanings)) {
      if (!counts(sign, held)) continue
      if (sign.meaning === "unknown") unknown ??= sign
      // The word of an envelope says that the request went well, not how the operation is.
      else if (held.path.length === 0 && sign.word !== undefined && envelopeWords.has(plain(sign.word))) {
        envelope ??= sign
      } else if (sign.meaning !== "succeeded") return { ...sign, isWeak: isWeak(sign, held, body) }
      // A word that is not known outweighs what an inner record says of a success.
      else return unknown ?? withError(sign, records)
    }
  }
  return unknown ?? (envelope === undefined ? signOfError(records, []) : withError(envelope, records))
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

/** A field such as `TranscriptionJobStatus`, but for `lastRunStatus`, which is of another operation. */
const stateField =
  /(?:job|task|operation|execution|export|import|build|query|process|workflow|request)(?:status|state)$/
const otherState = /^(?:last|prev|previous|next|parent|desired|target|old)/

const isStateField = (field: string): boolean =>
  stateFields.has(field) || (stateField.test(field) && !otherState.test(field))

/** The fields that say whether an operation is done. */
const doneFields = /*#__PURE__*/ new Set(
  "done finished complete completed ready ended processed"
    .split(" ")
    .flatMap((word) => ["", "is", "has", "job", "isjob", "task", "export", "operation"].map((prefix) => prefix + word))
)

/** The fields that say whether it is running. */
const runningFields = /*#__PURE__*/ new Set("running isrunning pending ispending inprogress isprocessing".split(" "))

/** Whether a sign counts where it stands: what an operation made has states of its own. */
const counts = ({ meaning, word }: Sign, { role }: Held): boolean => {
  switch (role) {
    case "operation":
      return true
    case "payload":
      return meaning !== "unknown"
    case "envelope":
      return meaning === "pending" ? word !== undefined : meaning === "failed" || meaning === "succeeded"
    case "inner":
      return meaning === "pending" && word !== undefined
  }
}

const isWeak = ({ meaning, word }: Sign, { role }: Held, body: unknown): boolean =>
  meaning === "pending" && word !== undefined && (role !== "operation" || Array.isArray(body))

/** What the fields of one record show, words first. */
const signsOf = ({ path, record }: Held, meanings: ReadonlyMap<string, Meaning>): ReadonlyArray<Sign> => {
  const words: Array<Sign> = []
  const flags: Array<Sign> = []
  for (const [name, value] of Object.entries(record)) {
    const field = plain(name)
    const at = [...path, name]
    if (typeof value === "string" && value.trim() !== "" && isStateField(field)) {
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
const withError = (sign: Sign, records: ReadonlyArray<Held>): Sign =>
  sign.meaning === "succeeded" ? (signOfError(records, sign.path.slice(0, -1)) ?? sign) : sign

/** An error in the body, or in a record on the way to the one at a path. */
const signOfError = (records: ReadonlyArray<Held>, to: Path): Sign | undefined => {
  for (const { path, record } of records) {
    const isOnTheWay = path.length <= to.length && path.every((name, index) => to[index] === name)
    if (!isOnTheWay && !isTop(path)) continue
    const field = errorFieldOf(record)
    if (field === undefined) continue
    // A list of errors may be part of what an operation made.
    const isWeak = plain(field) === "errors"
    return { meaning: "failed", word: undefined, path: [...path, field], shown: "an error", isWeak }
  }
  return undefined
}

const isTop = (path: Path): boolean => path.length === 0 || (path.length === 1 && path[0] === 0)
