/**
 * The reference of a durable wait: plain JSON that can be stored and sent to other processes.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

/**
 * The reference of a durable wait.
 *
 * @category models
 * @since 0.1.0
 */
export interface DurableRef {
  /** The name of the `Job`. */
  readonly kind: string
  /** The id of the wait: random, or a hash of the kind and the idempotency key. */
  readonly id: string
}

/**
 * The Schema of a reference. Its encoded form is plain JSON.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DurableRef: Schema.Codec<DurableRef, DurableRef> = /*#__PURE__*/ Schema.Struct({
  kind: Schema.NonEmptyString,
  id: Schema.NonEmptyString
})
