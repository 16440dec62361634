/**
 * What a server says of an operation that failed: the error object that Azure, Google and others put into its answer.
 *
 * @since 0.1.0
 */
import { isReadonlyObject } from "effect/Predicate"
import * as Schema from "effect/Schema"
import { at } from "./internal/json.ts"

/**
 * The error of an operation that failed. What the server left out, or said in another form, is absent.
 *
 * @category errors
 * @since 0.1.0
 */
export class LongRunningFailure
  extends /*#__PURE__*/ Schema.Class<LongRunningFailure>("@effect-poll/http/LongRunningFailure")({
    /** A word of the service, or the number of a gRPC code. */
    code: Schema.optionalKey(Schema.Union([Schema.String, Schema.Finite])),
    message: Schema.optionalKey(Schema.String),
    /** What the error is about. */
    target: Schema.optionalKey(Schema.String),
    /** More errors or facts, as the server sent them. */
    details: Schema.optionalKey(Schema.Array(Schema.Unknown)),
    /** A closer account of the same error, as the server sent it. */
    innererror: Schema.optionalKey(Schema.Unknown)
  })
{
  /** `[code] message`, as far as there is any. */
  override toString(): string {
    const code = this.code === undefined ? "" : `[${this.code}] `
    return `${code}${this.message ?? "no reason given"}`
  }
}

/**
 * Reads the error out of the JSON of an answer. Never fails: what cannot be read is left out.
 *
 * **Details**
 *
 * It is searched for in `error`, then in `properties.error`, then in the body itself if that has a `code` or a
 * `message`.
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
  const found = errorIn(body) ?? errorIn(at(body, "properties")) ?? body
  const code = at(found, "code")
  const message = at(found, "message")
  const target = at(found, "target")
  const details = at(found, "details")
  const innererror = at(found, "innererror")
  return new LongRunningFailure({
    ...(typeof code === "string" || (typeof code === "number" && Number.isFinite(code)) ? { code } : {}),
    ...(typeof message === "string" ? { message } : {}),
    ...(typeof target === "string" ? { target } : {}),
    ...(Array.isArray(details) ? { details } : {}),
    ...(innererror === undefined || innererror === null ? {} : { innererror })
  })
}

// ---- internal ----

const errorIn = (u: unknown): unknown => {
  const error = at(u, "error")
  return isReadonlyObject(error) ? error : undefined
}
