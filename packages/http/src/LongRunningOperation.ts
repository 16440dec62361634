/**
 * A long-running operation as a value: everything that another process needs to go on with it.
 *
 * **Details**
 *
 * An operation is the key of its job (see `LongRunning.make`). Written as a string it starts with the method and the
 * URL of the first request, without query, user and password, for people who read it in an error or a log. The rest,
 * which may hold a URL with a secret, is encoded so that nobody reads it by accident. It is not encrypted: keep stored
 * operations, and the errors, logs and spans of their waits, which show the key, as safe as the URLs in them.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"
import type { KeyCodec } from "effect-poll/KeyCodec"
import { safeUrl } from "./HttpCheckError.ts"
import { LongRunningFailure } from "./LongRunningFailure.ts"

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
  readonly phase: Phase
  /** What else its protocol has to remember. */
  readonly notes: Notes
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
 * - `Polling`: it goes on, or nobody has checked yet. `url` is where to check; a server may move it.
 * - `Fetching`: it succeeded, and its result is to be had at the first of `urls` that is found.
 * - `Ended`: its end was in the answer to the first request, so no check is needed.
 *
 * @category models
 * @since 0.1.0
 */
export type Phase =
  | { readonly _tag: "Polling"; readonly url: string }
  | { readonly _tag: "Fetching"; readonly urls: ReadonlyArray<string> }
  | { readonly _tag: "Ended"; readonly status: number; readonly end: End }

/**
 * The end of an operation that ended in the answer to its first request; `result` is the JSON of its result, absent if
 * there is none.
 *
 * @category models
 * @since 0.1.0
 */
export type End =
  | { readonly _tag: "Succeeded"; readonly result?: unknown }
  | { readonly _tag: "Failed"; readonly failure: LongRunningFailure }
  | { readonly _tag: "Canceled" }
  | { readonly _tag: "Expired" }

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
  phase: /*#__PURE__*/ Schema.Union([
    /*#__PURE__*/ Schema.TaggedStruct("Polling", { url: Schema.NonEmptyString }),
    /*#__PURE__*/ Schema.TaggedStruct("Fetching", { urls: /*#__PURE__*/ Schema.Array(Schema.NonEmptyString) }),
    /*#__PURE__*/ Schema.TaggedStruct("Ended", {
      status: Schema.Int,
      end: /*#__PURE__*/ Schema.Union([
        /*#__PURE__*/ Schema.TaggedStruct("Succeeded", { result: /*#__PURE__*/ Schema.optionalKey(Schema.Unknown) }),
        /*#__PURE__*/ Schema.TaggedStruct("Failed", { failure: LongRunningFailure }),
        /*#__PURE__*/ Schema.TaggedStruct("Canceled", {}),
        /*#__PURE__*/ Schema.TaggedStruct("Expired", {})
      ])
    })
  ]),
  notes: /*#__PURE__*/ Schema.Record(Schema.String, Schema.String)
})

/**
 * Writes an operation as a string, and reads it again. A string that is no operation is an error that is thrown.
 *
 * @category encoding
 * @since 0.1.0
 */
export const key: KeyCodec<LongRunningOperation> = {
  encode: (operation) => `${operation.method} ${safeUrl(operation.url)} ${encodeSealed(operation)}`,
  decode: (encoded) => decodeSealed(encoded.slice(encoded.lastIndexOf(" ") + 1))
}

// ---- internal ----

const Sealed = /*#__PURE__*/ Schema.StringFromBase64Url.pipe(
  /*#__PURE__*/ Schema.decodeTo(/*#__PURE__*/ Schema.fromJsonString(LongRunningOperation))
)

const encodeSealed = /*#__PURE__*/ Schema.encodeSync(Sealed)
const decodeSealed = /*#__PURE__*/ Schema.decodeSync(Sealed)
