/**
 * A long-running operation as a value: everything that another process needs to continue its wait.
 *
 * **Details**
 *
 * An operation is the key of its job (see `LongRunning.job`). It has two forms:
 *
 * | form | stands in | holds |
 * |---|---|---|
 * | encoded | tokens, what you store | method and URL of the first request, and a sealed part with the rest |
 * | shown | errors, messages, logs, spans | `POST https://api.example.com/exports #1f0c9a3e`: no query, no secret |
 *
 * The sealed part is encoded, not encrypted: keep tokens and stored operations as safe as the URLs in them. Neither
 * form contains a result or a failure.
 *
 * @since 0.1.0
 */
import * as Hash from "effect/Hash"
import * as Schema from "effect/Schema"
import type { KeyCodec } from "effect-poll/KeyCodec"
import { safeUrl } from "./HttpCheckError.ts"

/**
 * An operation that a server accepted.
 *
 * @category models
 * @since 0.1.0
 */
export interface LongRunningOperation {
  /** The name of the protocol of the operation. */
  readonly protocol: string
  /** The method of the first request. */
  readonly method: string
  /** The whole URL of the first request. */
  readonly url: string
  /** The phase of the operation: where to check it, or where its result is. */
  readonly phase: Phase
  /** What the protocol stores besides. */
  readonly notes: Notes
  /** The text that the option `cursor` read from the last answer with one. Default: none. */
  readonly cursor?: string | undefined
}

/**
 * What a protocol stores about an operation between two checks.
 *
 * @category models
 * @since 0.1.0
 */
export type Notes = Readonly<Record<string, string>>

/**
 * The phase of an operation.
 *
 * **Details**
 *
 * - `Polling`: it is running, or has not been checked yet. It is checked at `url`, which a server may move.
 * - `Fetching`: it succeeded, and its result is at the first of `urls` that is found. With `unconfirmed`, the answer
 *   there may show that the operation still runs. Without a URL the operation ended in its first answer.
 *
 * @category models
 * @since 0.1.0
 */
export type Phase =
  | { readonly _tag: "Polling"; readonly url: string }
  | {
      readonly _tag: "Fetching"
      readonly urls: ReadonlyArray<string>
      readonly state?: string | undefined
      readonly unconfirmed?: boolean | undefined
    }

/**
 * The Schema of a phase; its encoded form is plain JSON.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Phase: Schema.Codec<Phase, unknown> = /*#__PURE__*/ Schema.Union([
  /*#__PURE__*/ Schema.TaggedStruct("Polling", { url: Schema.NonEmptyString }),
  /*#__PURE__*/ Schema.TaggedStruct("Fetching", {
    urls: /*#__PURE__*/ Schema.Array(Schema.NonEmptyString),
    state: /*#__PURE__*/ Schema.optional(Schema.String),
    unconfirmed: /*#__PURE__*/ Schema.optional(Schema.Boolean)
  })
])

/**
 * The Schema of an operation; its encoded form is plain JSON.
 *
 * @category schemas
 * @since 0.1.0
 */
export const LongRunningOperation: Schema.Codec<LongRunningOperation, unknown> = /*#__PURE__*/ Schema.Struct({
  protocol: Schema.NonEmptyString,
  method: Schema.NonEmptyString,
  url: Schema.NonEmptyString,
  phase: Phase,
  notes: /*#__PURE__*/ Schema.Record(Schema.String, Schema.String),
  cursor: /*#__PURE__*/ Schema.optional(Schema.String)
})

/**
 * Encodes an operation as a string, decodes it again, and shows it without its sealed part. `decode` throws for a
 * string that is not an encoded operation.
 *
 * @category encoding
 * @since 0.1.0
 */
export const key: KeyCodec<LongRunningOperation> = {
  encode: (operation) => `${operation.method} ${safeUrl(operation.url)} ${encodeSealed(operation)}`,
  decode: (encoded) => decodeSealed(encoded.slice(encoded.lastIndexOf(" ") + 1)),
  show: (operation) => `${operation.method} ${safeUrl(operation.url)} #${digest(encodeSealed(operation))}`
}

// ---- internal ----

const Sealed = /*#__PURE__*/ Schema.StringFromBase64Url.pipe(
  /*#__PURE__*/ Schema.decodeTo(/*#__PURE__*/ Schema.fromJsonString(LongRunningOperation))
)

const encodeSealed = /*#__PURE__*/ Schema.encodeSync(Sealed)
const decodeSealed = /*#__PURE__*/ Schema.decodeSync(Sealed)

/** Eight digits that tell operations apart whose first requests are alike; too few to find out a secret. */
const digest = (text: string): string => (Hash.string(text) >>> 0).toString(16).padStart(8, "0")
