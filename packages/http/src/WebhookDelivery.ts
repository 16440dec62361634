/**
 * One request of a webhook: what a scheme verifies, and what it finds.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type { Effect } from "effect/Effect"

/**
 * A request whose signature is to be verified.
 *
 * @category models
 * @since 0.1.0
 */
export interface Raw {
  /** The headers, by lower-case name. The values of a header that was sent several times are joined by `", "`. */
  readonly headers: Readonly<Record<string, string | undefined>>
  /** The body as it was sent, byte for byte. Nothing has been decoded yet. */
  readonly bytes: Uint8Array
  /** The time of arrival by the `Clock`, in milliseconds since the epoch. */
  readonly now: number
}

/**
 * What is known of a verified request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Verified {
  /**
   * The id of the delivery, which is the same for every retry of it. Default: none, and the digest of the body takes its
   * place, so that equal bodies are the same delivery.
   */
  readonly id?: string | undefined
  /**
   * Whether the signature covers the id; default `true`. If it does not, whoever has seen a request can send it again under
   * another id: then equal bytes under another id only wake, and are not handed to `onPush`.
   */
  readonly isIdSigned?: boolean | undefined
  /**
   * When the request was signed, in milliseconds since the epoch. The route rejects a request whose time is further
   * from now than its `tolerance`, in either direction. Default: none, and the age of the request is not checked.
   */
  readonly at?: number | undefined
}

/**
 * A request that is not signed by any of the keys. The sender gets a 401 that does not contain the reason.
 *
 * @category errors
 * @since 0.1.0
 */
export class NotVerified extends Data.TaggedError("NotVerified")<{
  /** Why, for the `DeliveryLog`. It must contain no secret. */
  readonly reason: string
}> {
  override get message(): string {
    return this.reason
  }
}

/**
 * A signature scheme: verifies a request, or fails with `NotVerified`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Verify<out R = never> {
  (raw: Raw): Effect<Verified, NotVerified, R>
}

/**
 * A delivery, as handlers and the stream of pushes receive it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Delivery {
  /** The path of the route. */
  readonly route: string
  /** The id of the delivery, or `undefined` if the scheme has none. */
  readonly id: string | undefined
  /** When the request was signed, in milliseconds since the epoch, or `undefined` if the scheme has no timestamp. */
  readonly at: number | undefined
  /** When the request arrived, in milliseconds since the epoch. */
  readonly receivedAt: number
}
