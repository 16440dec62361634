import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"

/** A text field that may be absent, null or empty. */
export const OptionalText = /*#__PURE__*/ Schema.optional(/*#__PURE__*/ Schema.NullOr(Schema.String))

/** A number field that may be absent or null. */
export const OptionalNumber = /*#__PURE__*/ Schema.optional(/*#__PURE__*/ Schema.NullOr(Schema.Finite))

/**
 * The field of a result: decoded by the caller's Schema, or any value, absent included. The cast is safe because the
 * result type without a Schema is `unknown`, which includes an absent field.
 */
export const resultField = <A>(schema: Schema.Codec<A, unknown> | undefined): Schema.Codec<A, unknown> =>
  schema ?? (Schema.optionalKey(Schema.Unknown) as unknown as Schema.Codec<A, unknown>)

/** The reason of a failure, or "Unknown error" if the server gives none. */
export const reasonOf = (text: string | null | undefined): string =>
  text === undefined || text === null || text.trim() === "" ? "Unknown error" : text

/** A non-empty text field of a JSON object; undefined if there is none. */
export const textIn = (body: unknown, field: string): string | undefined => {
  const text = hasProperty(body, field) ? body[field] : undefined
  return typeof text === "string" && text !== "" ? text : undefined
}
