/**
 * Encodes the key of a job as a string.
 *
 * The encoded key identifies a job in the answers of `checkMany`, in gates and in resume tokens. Errors, logs, spans and
 * observers show it too, or what `show` makes of the key. A `Job` whose keys are strings needs no codec.
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
  /** Encodes a key. Equal keys must have equal encodings, and different keys different ones. */
  readonly encode: (key: K) => string
  /** Decodes an encoded key. Throws if the string is not a valid encoded key. */
  readonly decode: (encoded: string) => K
  /**
   * Returns the key as errors, messages, logs, spans and observers show it, for keys whose encoded form is long or holds
   * a secret. Keys that differ should be shown differently. Tokens, gates, strategies and `checkMany` use the encoded
   * form. Default: the encoded form.
   */
  readonly show?: ((key: K) => string) | undefined
}

/**
 * Creates a key codec from a Schema whose encoded form is a string.
 *
 * **Details**
 *
 * `encode` throws a RangeError for a key that the Schema cannot encode, so `Poll.until` and the other entry points
 * throw it at the call. The option `show` is that of `KeyCodec`.
 *
 * **Example** (Using a key with two fields)
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
export const fromSchema = <K>(
  schema: Schema.Codec<K, string>,
  options?: { readonly show?: ((key: K) => string) | undefined }
): KeyCodec<K> => {
  const encode = Schema.encodeUnknownSync(schema)
  return {
    decode: Schema.decodeUnknownSync(schema),
    show: options?.show,
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
