/**
 * The failure of a long-running operation: the error object that Azure, Google and others put into an answer.
 *
 * @since 0.1.0
 */
import { isReadonlyObject } from "effect/Predicate"
import * as Schema from "effect/Schema"
import { at } from "./internal/json.ts"
import { codeNames, errorFieldOf, errorNames, firstIn, reasonNames } from "./internal/operation/errors.ts"
import { recordsIn } from "./internal/operation/records.ts"

/**
 * The error of an operation that failed. A field that the server omits, or sends in another form, is absent.
 *
 * **Details**
 *
 * As a string it is `[code] message`, followed by the texts of `details` and `innererror`, at most 1,000 characters.
 * The message of a `JobFailed` and logs show this string.
 *
 * @category errors
 * @since 0.1.0
 */
export class LongRunningFailure
  extends /*#__PURE__*/ Schema.Class<LongRunningFailure>("@effect-poll/http/LongRunningFailure")({
    /** A code of the service, or the number of a gRPC code or HTTP status. */
    code: Schema.optionalKey(Schema.Union([Schema.String, Schema.Finite])),
    message: Schema.optionalKey(Schema.String),
    /** What the error is about. */
    target: Schema.optionalKey(Schema.String),
    /** Further errors or facts, unchanged. */
    details: Schema.optionalKey(Schema.Array(Schema.Unknown)),
    /** More about the same error, unchanged. */
    innererror: Schema.optionalKey(Schema.Unknown)
  })
{
  /** `[code] message (inner errors)`, as far as there is any; at most 1,000 characters. */
  override toString(): string {
    const own = words(this) ?? "no reason given"
    const inner = [...addInner(this, 0, new Set())].filter((said) => said !== own).join("; ")
    const said = inner === "" ? own : `${own} (${inner})`
    return said.length > maxLength ? `${said.slice(0, maxLength - 3)}...` : said
  }
}

/**
 * Reads the error from the JSON of an answer. It never fails: a field that cannot be read is absent.
 *
 * **Details**
 *
 * It is searched for in the body, then in the records that hold a state (`status`, `data`, `result`, `job`,
 * `properties`, ...), in `error`, `errorResult`, `failure`, `last_error` and the like, then in the record itself. Names
 * count without case and separators. The code is in `code`, otherwise in `error_code`, `failureCode` or
 * `httpErrorStatusCode`; an error object may call it `reason`, too. The message is in `message`, otherwise in
 * `error_description`, `detail`, `errorMessage`, `failureReason`, `statusReason`, `cancel_reason` and the like, or is the
 * error itself if that is a text. A list `errors` (as of Compute Engine) is `details`, and its first element gives code
 * and message if nothing else does.
 *
 * **Example** (The error of a status monitor)
 *
 * ```ts
 * import * as LongRunningFailure from "@effect-poll/http/LongRunningFailure"
 *
 * const body = { status: "Failed", error: { code: "InvalidSku", message: "There is no such SKU." } }
 * String(LongRunningFailure.fromBody(body)) // => "[InvalidSku] There is no such SKU."
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromBody = (body: unknown): LongRunningFailure => {
  const records = recordsIn(body).map(({ record }) => record)
  const holder =
    records.find((record) => errorIn(record) !== undefined || errorFieldOf(record) !== undefined) ??
    records.find((record) => wordsIn(record) !== undefined) ??
    body
  const error = errorIn(holder)
  const found = error ?? holder
  const errors =
    listAt(found, "errors") ??
    listAt(holder, "errors") ??
    listAt(at(holder, "errors"), "data") ??
    listAt(body, "errors")
  const first = errors?.find(isReadonlyObject)
  const code =
    codeAt(found, "code") ??
    firstIn(found, codeNames, codeOf) ??
    firstIn(error, ["reason", "type"], codeOf) ??
    codeAt(first, "code") ??
    firstIn(first, codeNames, codeOf) ??
    firstIn(holder, codeNames, codeOf) ??
    codeAt(body, "httpErrorStatusCode")
  const message =
    messageIn(found) ??
    firstIn(error, ["description", "msg"], textOf) ??
    messageIn(first) ??
    wordsIn(holder) ??
    firstTextIn(errors ?? at(holder, "errors")) ??
    wordsIn(body)
  const target = at(found, "target")
  const details = listAt(found, "details") ?? errors
  const innererror = at(found, "innererror") ?? at(found, "innerError")
  return new LongRunningFailure({
    ...(code === undefined ? {} : { code }),
    ...(message === undefined ? {} : { message }),
    ...(typeof target === "string" ? { target } : {}),
    ...(details === undefined ? {} : { details }),
    ...(innererror === undefined || innererror === null ? {} : { innererror })
  })
}

// ---- internal ----

/** The longest description of a failure, in characters. */
const maxLength = 1000

/** How deep inner errors are read, and how many of them. */
const maxDepth = 8
const maxInner = 64

const messageFields =
  "message errordescription detail errormessage errormsg errmsg failurereason statusmessage httperrormessage title".split(
    " "
  )

const errorIn = (u: unknown): unknown =>
  firstIn(u, errorNames, (error) => (isReadonlyObject(error) ? error : undefined))

/** What a record says of itself: its message, its error if that is a text, or the reason for its state. */
const wordsIn = (u: unknown): string | undefined =>
  messageIn(u) ?? firstIn(u, [...errorNames, "errortext", "errorsummary", ...reasonNames], textOf)

const textOf = (u: unknown): string | undefined => (typeof u === "string" && u.trim() !== "" ? u : undefined)

const messageIn = (u: unknown): string | undefined => firstIn(u, messageFields, textOf)

/** The first text in a list, or in the lists of a record: `{ "name": ["is taken"] }`. */
const firstTextIn = (u: unknown): string | undefined => {
  const values: ReadonlyArray<unknown> = Array.isArray(u) ? u : isReadonlyObject(u) ? Object.values(u).flat() : []
  return textOf(values.find((value) => textOf(value) !== undefined))
}

const codeAt = (u: unknown, name: string): string | number | undefined => codeOf(at(u, name))

const codeOf = (code: unknown): string | number | undefined =>
  (typeof code === "string" && code !== "") || (typeof code === "number" && Number.isFinite(code)) ? code : undefined

const listAt = (u: unknown, name: string): ReadonlyArray<unknown> | undefined => {
  const list = at(u, name)
  return Array.isArray(list) ? list : undefined
}

/** What an error says of itself, without its inner errors. */
const words = (u: unknown): string | undefined => {
  if (typeof u === "string") return textOf(u)?.slice(0, maxLength)
  const code = codeAt(u, "code") ?? firstIn(u, codeNames, codeOf) ?? codeAt(u, "reason")
  const message = messageIn(u)
  if (code === undefined && message === undefined) return undefined
  const shown = code === undefined ? [] : [`[${String(code).slice(0, 200)}]`]
  // Only the failure itself says so if it gives no reason.
  const rest = message?.slice(0, maxLength) ?? (u instanceof LongRunningFailure ? "no reason given" : undefined)
  return [...shown, ...(rest === undefined ? [] : [rest])].join(" ")
}

/** Adds what the inner errors of an error say, outermost first: no more than a message can show. */
const addInner = (u: unknown, depth: number, said: Set<string>): Set<string> => {
  const lists = [listAt(u, "details") ?? [], listAt(u, "errors") ?? []]
  for (const inner of [at(u, "innererror"), at(u, "innerError"), ...lists.flat()]) {
    if (depth === maxDepth || said.size === maxInner) return said
    const own = words(inner)
    if (own !== undefined) said.add(own)
    addInner(inner, depth + 1, said)
  }
  return said
}
