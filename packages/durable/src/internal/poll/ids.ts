import * as Effect from "effect/Effect"
import { SignalCrypto } from "effect-poll/SignalCrypto"

// Ids of durable waits, and their buckets.

/** Random ids: 128 bits as hexadecimal digits. */
export const randomIds = (count: number): Effect.Effect<ReadonlyArray<string>> =>
  Effect.map(
    Effect.flatMap(SignalCrypto, ({ randomBytes }) => randomBytes(count * idBytes)),
    (bytes) => Array.from({ length: count }, (_, at) => hex(bytes.subarray(at * idBytes, (at + 1) * idBytes)))
  )

/** The id for an idempotency key: the same in every process, and another one for each kind. */
export const idOf = (kind: string, idempotencyKey: string): Effect.Effect<string> =>
  Effect.map(
    Effect.flatMap(SignalCrypto, ({ sha256 }) => sha256(encoder.encode(JSON.stringify([kind, idempotencyKey])))),
    hex
  )

/** The bucket of a text, such as an id: the same in every process. */
export const bucketOf = (text: string, buckets: number): number => {
  // FNV-1a.
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % buckets
}

// ---- internal ----

const idBytes = 16

const encoder = /*#__PURE__*/ new TextEncoder()

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("")
