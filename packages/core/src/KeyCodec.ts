/**
 * How the key of a job is written as a string.
 *
 * The encoded key is the identity of a job everywhere: in errors, logs, maps of results and resume tokens. A `Job` whose
 * key is a string needs no codec.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * Encodes a key as the string that identifies it, and decodes it again.
 *
 * @category models
 * @since 0.1.0
 */
export interface KeyCodec<in out K> {
  readonly encode: (key: K) => string
  readonly decode: (encoded: string) => K
}

/**
 * Creates the codec of a key from a Schema whose encoded form is a string.
 *
 * **Details**
 *
 * A key that the Schema cannot encode is a RangeError when the wait is made.
 *
 * **Example** (A key of two fields)
 *
 * ```ts
 * import * as Schema from "effect/Schema"
 * import * as KeyCodec from "effect-poll/KeyCodec"
 *
 * const key = KeyCodec.fromSchema(Schema.fromJsonString(Schema.Struct({ model: Schema.String, taskId: Schema.String })))
 * key.encode({ model: "suno", taskId: "t1" }) // => '{"model":"suno","taskId":"t1"}'
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const fromSchema = <K>(schema: Schema.Codec<K, string>): KeyCodec<K> => {
  const encode = Schema.encodeUnknownSync(schema)
  return {
    decode: Schema.decodeUnknownSync(schema),
    encode: (key) => {
      try {
        return encode(key)
      } catch (cause) {
        const message = cause instanceof Error ? cause.message : String(cause)
        throw new RangeError(`the key cannot be encoded: ${message}`, { cause })
      }
    }
  }
}
