/**
 * What the routes of webhooks received, whether it was verified, and what it did.
 *
 * It is for operators: keep the newest entries beside the journal of the waits (`PollJournal`) to see why a job was
 * checked, or why a webhook was rejected. It holds no bodies, tokens or signatures.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as validate from "./internal/validate.ts"

/**
 * What a request did.
 *
 * - `"woke"`: it was a reason to check for the waits that it concerns, if there are any.
 * - `"handled"`: only `onPush` was called, since the route has no jobs.
 * - `"reported"`: its result counted as the answer to a check.
 * - `"completed"`, `"failed"`, `"canceled"`: a signal ended with it.
 * - `"heartbeat"`: it was a heartbeat of a signal.
 * - `"repeat"`: it had been applied before. A repeat without an id of its own also wakes.
 * - `"nothing"`: it was rejected, or was about nothing that the route knows.
 *
 * @category models
 * @since 0.1.0
 */
export type Effects =
  | "woke"
  | "handled"
  | "reported"
  | "completed"
  | "failed"
  | "canceled"
  | "heartbeat"
  | "repeat"
  | "nothing"

/**
 * One request.
 *
 * @category models
 * @since 0.1.0
 */
export interface Entry {
  /** When the request arrived, in milliseconds since the epoch. */
  readonly receivedAt: number
  /** The path of the route, without a token or a secret. */
  readonly route: string
  /** The size of the body in bytes, or `undefined` if it was not read. */
  readonly size: number | undefined
  /** The id of the delivery, if it was verified and has one. */
  readonly id: string | undefined
  /** Whether the request was verified: by a signature, or by the token of a signal. */
  readonly verified: boolean
  /** What the request did. */
  readonly did: Effects
  /** The status code of the response. */
  readonly status: number
  /** Why the request was not applied, or `undefined`. It contains no secret. */
  readonly reason: string | undefined
}

/**
 * A log of requests.
 *
 * @category services
 * @since 0.1.0
 */
export class DeliveryLog extends Context.Service<
  DeliveryLog,
  {
    /** Adds an entry. The oldest is dropped if the log is full. */
    readonly record: (entry: Entry) => Effect.Effect<void>
    /** The entries, oldest first. */
    readonly entries: Effect.Effect<ReadonlyArray<Entry>>
    /** How many entries were dropped. */
    readonly dropped: Effect.Effect<number>
  }
>()("@effect-poll/http/DeliveryLog") {}

/**
 * Keeps the newest entries in memory. An invalid option throws a RangeError.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: {
  /** How many entries are kept; an integer >= 1, default 1,000. */
  readonly capacity?: number | undefined
}): Layer.Layer<DeliveryLog> => {
  const capacity = validate.count("DeliveryLog.layer: capacity", options?.capacity ?? 1000, 1)
  return Layer.sync(DeliveryLog, () => {
    const ring: Array<Entry> = []
    let count = 0
    return {
      record: (entry) =>
        Effect.sync(() => {
          ring[count % capacity] = entry
          count++
        }),
      entries: Effect.sync(() => {
        const start = count % capacity
        return count <= capacity ? ring.slice() : [...ring.slice(start), ...ring.slice(0, start)]
      }),
      dropped: Effect.sync(() => Math.max(0, count - capacity))
    }
  })
}
