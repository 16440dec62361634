/**
 * Where signals are stored: which of them are open, and how they ended.
 *
 * **Details**
 *
 * | store | for |
 * |---|---|
 * | `layerMemory` | one process; signals are lost with it |
 * | `SignalStoreSql.layer` of `@effect-poll/http` | many processes; signals survive restarts |
 * | `SignalStoreKeyValue.layer` of `@effect-poll/http` | one process at a time, on effect's `KeyValueStore` |
 *
 * A store never sees a token. It knows a signal by the SHA-256 of its token, so a copy of the store completes nothing.
 *
 * `insert` and `settle` are atomic: of any number of concurrent inserts for a job, one leaves its signal open, and of any
 * number of concurrent settles of a signal, one is recorded. A signal that is due to expire never settles otherwise,
 * even if nobody has found that out yet. `expired`, `settled` and `touched` are these rules for one row; a store applies
 * them under a lock, or says the same in a condition of its database.
 *
 * Rows are plain JSON. All times in them are wall-clock milliseconds, whole numbers.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import type { Stream } from "effect/Stream"
import { make } from "./internal/signal/memory.ts"
import * as rows from "./internal/signal/rows.ts"
import type { SignalStoreError } from "./SignalError.ts"

/**
 * How a signal ended, encoded: whoever holds the token decided it.
 *
 * @category models
 * @since 0.1.0
 */
export type Settlement =
  | {
      readonly _tag: "Succeeded"
      /** The result in the JSON form of the Schema of the job. */
      readonly value: unknown
    }
  | {
      readonly _tag: "Failed"
      /** The failure in the JSON form of the Schema of the job. */
      readonly failure: unknown
    }
  | {
      readonly _tag: "Canceled"
      /** Why, for people; not set if no reason was given. */
      readonly reason?: string
    }

/**
 * How a signal ended, encoded: by a settlement, by time, or because a newer one for the job took its place.
 *
 * @category models
 * @since 0.1.0
 */
export type Ending =
  | Settlement
  | {
      readonly _tag: "Expired"
      /** Which limit passed first. */
      readonly reason: "maxWaitTime" | "heartbeat"
    }
  | { readonly _tag: "Replaced" }

/**
 * A stored signal.
 *
 * @category models
 * @since 0.1.0
 */
export interface Row {
  /** The SHA-256 of the token, as 64 lower-case hexadecimal digits. It identifies the signal. */
  readonly hash: string
  /** The name of the `Job`. */
  readonly job: string
  /** The encoded key. */
  readonly key: string
  /** The words by which the signal can be listed. */
  readonly tags: ReadonlyArray<string>
  /** When the signal was made. */
  readonly createdAt: number
  /** When its `maxWaitTime` passes. */
  readonly expiresAt: number
  /** How long it may be without a heartbeat, in milliseconds, or `null` if it needs none. */
  readonly heartbeatMillis: number | null
  /** When it expires unless a heartbeat comes first: `expiresAt`, or the end of its heartbeat if that is sooner. */
  readonly closesAt: number
  /** When it ended, or `null` while it is open. */
  readonly endedAt: number | null
  /** How it ended, or `null` while it is open. */
  readonly ending: Ending | null
}

/**
 * Which signals `list` yields. All given conditions must hold.
 *
 * @category models
 * @since 0.1.0
 */
export interface Filter {
  /** Only signals with this tag. Default: any. */
  readonly tag?: string | undefined
  /** Only signals that are open, or only those that have ended. A signal that is due to expire has ended. Default: both. */
  readonly state?: "open" | "ended" | undefined
  /** Only signals of the job with this name. Default: any. */
  readonly job?: string | undefined
  /** How many signals are listed at most, the oldest first; an integer >= 1, default 1,000. */
  readonly limit?: number | undefined
}

/**
 * The methods of a store. `at` is the time of the caller, by which expiry is judged.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  /**
   * Stores a new signal, unless one for the same job and key is open. Atomic. Yields `"inserted"`, or the row of the
   * open one. With `"replace"` the open one ends as `Replaced` first. One that is due to expire ends as `Expired`, and is
   * not in the way.
   */
  readonly insert: (
    row: Row,
    onConflict: "fail" | "replace"
  ) => Effect.Effect<"inserted" | Row, SignalStoreError>
  /**
   * Ends an open signal. Atomic. Yields `"settled"` if this call ended it. Otherwise it had ended, or was due to expire
   * and ends so now: then its row. `undefined` if there is no such signal.
   */
  readonly settle: (
    hash: string,
    ending: Settlement,
    at: number
  ) => Effect.Effect<"settled" | Row | undefined, SignalStoreError>
  /** Ends an open signal as `Expired` if it is due to expire. Atomic. Yields its row, or `undefined` if there is none. */
  readonly expire: (hash: string, at: number) => Effect.Effect<Row | undefined, SignalStoreError>
  /**
   * Records a heartbeat of an open signal: `closesAt` moves. Atomic. Yields `"touched"`, or the row of a signal that has
   * ended or was due to expire, or `undefined` if there is none.
   */
  readonly touch: (hash: string, at: number) => Effect.Effect<"touched" | Row | undefined, SignalStoreError>
  /** Yields the row of a signal, or `undefined` if there is none. */
  readonly get: (hash: string) => Effect.Effect<Row | undefined, SignalStoreError>
  /** Yields the row of the signal that was made last for a job and an encoded key, or `undefined` if there is none. */
  readonly newest: (job: string, key: string) => Effect.Effect<Row | undefined, SignalStoreError>
  /** Yields the rows that a filter describes, the oldest first. */
  readonly list: (filter: Filter, at: number) => Effect.Effect<ReadonlyArray<Row>, SignalStoreError>
  /**
   * Emits the hashes of signals that have ended, so that waits need not ask first. It may miss some, or be
   * `Stream.empty`: waits also ask the store from time to time.
   */
  readonly changes: Stream<string>
  /**
   * How long one call of a method may take; a positive finite duration, default 10 seconds. One that takes longer is
   * interrupted, and counts as one that failed.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Where signals are stored.
 *
 * @category services
 * @since 0.1.0
 */
export class SignalStore extends Context.Service<SignalStore, Service>()("effect-poll/SignalStore") {}

/**
 * Tests whether a signal is open at a time. One that is due to expire is not.
 *
 * @category rows
 * @since 0.1.0
 */
export const isOpen: (row: Row, at: number) => boolean = rows.isOpen

/**
 * Returns a row as it is at a time: ended as `Expired` if it was open and is due to expire, otherwise unchanged.
 *
 * @category rows
 * @since 0.1.0
 */
export const expired: (row: Row, at: number) => Row = rows.expired

/**
 * Returns a row with an ending, if it is open at that time; otherwise `undefined`.
 *
 * @category rows
 * @since 0.1.0
 */
export const settled: (row: Row, ending: Settlement | { readonly _tag: "Replaced" }, at: number) => Row | undefined =
  rows.settled

/**
 * Returns a row with a heartbeat at that time, if it is open then; otherwise `undefined`.
 *
 * @category rows
 * @since 0.1.0
 */
export const touched: (row: Row, at: number) => Row | undefined = rows.touched

/**
 * Tests whether a filter describes a row at a time.
 *
 * @category rows
 * @since 0.1.0
 */
export const matches: (row: Row, filter: Filter, at: number) => boolean = rows.matches

/**
 * The options of `layerMemory`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemoryOptions {
  /**
   * How long an ended signal is kept, so that waits learn how it ended, and late calls with its token are told so; a
   * positive finite duration, default 24 hours. After that the token is unknown, and a result that no wait has received
   * is lost.
   */
  readonly retention?: Duration.Input | undefined
  /**
   * How many ended signals are kept at most; an integer >= 1, default 100,000. Beyond that, the one that ended first is
   * removed before its retention is over.
   */
  readonly maxEnded?: number | undefined
}

/**
 * A store in the memory of this process. Open signals are kept until they end or expire, ended ones for their retention.
 *
 * **Details**
 *
 * Each insert removes a few of the signals whose retention is over, and ends a few that are due to expire, so no call
 * takes long. Throws a RangeError for an option that is out of range.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (options?: MemoryOptions): Layer.Layer<SignalStore> => {
  const store = make(options)
  return Layer.effect(SignalStore, store)
}
