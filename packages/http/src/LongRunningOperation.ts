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
 * The sealed part is encoded so that it is not read by accident. It is not encrypted: keep tokens and stored operations
 * as safe as the URLs in them. Neither form holds a result or a failure.
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
  /** The name of its protocol. */
  readonly protocol: string
  /** The method of the first request. */
  readonly method: string
  /** The whole URL of the first request. */
  readonly url: string
  /** How far the operation is. */
  readonly phase: Phase
  /** What else its protocol has to remember. */
  readonly notes: Notes
  /** What the option `cursor` read from the newest answer that had one. Default: none. */
  readonly cursor?: string | undefined
}

/**
 * What a protocol remembers of an operation between two checks.
 *
 * @category models
 * @since 0.1.0
 */
export type Notes = Readonly<Record<string, string>>

/**
 * How far an operation is.
 *
 * **Details**
 *
 * - `Polling`: it is running, or was not checked yet. `url` is where to check; a server may move it.
 * - `Fetching`: it succeeded, and its result is at the first of `urls` that is found. `unconfirmed` says that what is
 *   there may show that it still runs. Without a URL it ended in the answer to its first request.
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
 * The Schema of how far an operation is; its encoded form is plain JSON.
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
