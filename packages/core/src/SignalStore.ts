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
 * A store never receives a token. It identifies a signal by the SHA-256 of its token, so nobody can end a job with a
 * copy of the store.
 *
 * `insert` and `settle` are atomic: of any number of concurrent inserts for a job, one leaves its signal open, and of
 * any number of concurrent settles of a signal, one is recorded. A signal that is due to expire can no longer be
 * settled, even if its expiry is not recorded yet. `expired`, `settled` and `touched` are these rules for one row; a
 * store applies them under a lock, or expresses them as conditions of its database.
 *
 * Rows are plain JSON. All times in them are wall-clock milliseconds, whole numbers.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import { Memory } from "./internal/signal/memory.ts"
import * as validate from "./internal/validate.ts"
import { SignalStoreError } from "./SignalError.ts"
import type { Filter, Settlement, SignalRow } from "./SignalRow.ts"

/**
 * The methods of a store. `at` is the time of the caller, by which expiry is judged.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  /**
   * Stores a new signal, unless one for the same job and key is open. Atomic. Yields `"inserted"`, or the row of the
   * open one. With `"replace"` the open one ends as `Replaced` first. One that is due to expire ends as `Expired`, and
   * does not count as open.
   */
  readonly insert: (
    row: SignalRow,
    onConflict: "fail" | "replace"
  ) => Effect.Effect<"inserted" | SignalRow, SignalStoreError>
  /**
   * Ends an open signal. Atomic. Yields `"settled"` if this call ended it. Yields its row if it had ended before, or
   * was due to expire and now ends as `Expired`. Yields `undefined` if there is no such signal.
   */
  readonly settle: (
    hash: string,
    ending: Settlement,
    at: number
  ) => Effect.Effect<"settled" | SignalRow | undefined, SignalStoreError>
  /** Ends an open signal as `Expired` if it is due to expire. Atomic. Yields its row, or `undefined` if there is none. */
  readonly expire: (hash: string, at: number) => Effect.Effect<SignalRow | undefined, SignalStoreError>
  /**
   * Records a heartbeat of an open signal: `closesAt` moves. Atomic. Yields `"touched"`, or the row of a signal that has
   * ended or was due to expire, or `undefined` if there is none.
   */
  readonly touch: (hash: string, at: number) => Effect.Effect<"touched" | SignalRow | undefined, SignalStoreError>
  /** Yields the row of a signal, or `undefined` if there is none. */
  readonly get: (hash: string) => Effect.Effect<SignalRow | undefined, SignalStoreError>
  /**
   * Yields the rows of at most 500 signals, in any order and without those that are not there. Waits that ask at about the
   * same time then share a query. Default: `get` for each.
   */
  readonly getMany?:
    | ((hashes: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<SignalRow>, SignalStoreError>)
    | undefined
  /** Yields the row of the signal that was made last for a job and an encoded key, or `undefined` if there is none. */
  readonly newest: (job: string, key: string) => Effect.Effect<SignalRow | undefined, SignalStoreError>
  /** Yields the rows that match a filter, the oldest first. */
  readonly list: (filter: Filter, at: number) => Effect.Effect<ReadonlyArray<SignalRow>, SignalStoreError>
  /**
   * Emits the hashes of signals that have ended, so that waits learn of it without asking. It may miss some, or be
   * `Stream.empty`: waits also ask the store from time to time.
   */
  readonly changes: Stream.Stream<string>
  /**
   * How long one call of a method may take; a positive finite duration, default 10 seconds. A call that takes longer is
   * interrupted, and counts as failed.
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
 * The options of `layerMemory`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemoryOptions {
  /**
   * How long an ended signal is kept, so that waits learn how it ended, and late calls with its token get the right
   * answer; a positive finite duration, default 24 hours. After that the token is unknown, and a result that no wait
   * has received is lost.
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
export const layerMemory = (options: MemoryOptions = {}): Layer.Layer<SignalStore> => {
  validate.fields("SignalStore.layerMemory", options, {
    retention: "a positive finite duration",
    maxEnded: "an integer >= 1"
  })
  const retention = validate.toMillis(options.retention ?? "24 hours")
  return Layer.effect(
    SignalStore,
    Effect.map(PubSub.dropping<string>(keptChanges), (changes) => {
      const publish = (hash: string): void => void PubSub.publishUnsafe(changes, hash)
      return inMemory(new Memory(retention, options.maxEnded ?? 100_000, publish), Stream.fromPubSub(changes))
    })
  )
}

// ---- internal ----

/** How many changes are kept for a slow reader. It finds what it misses by asking. */
const keptChanges = 4_096

const inMemory = (memory: Memory, changes: Stream.Stream<string>): Service => ({
  insert: (row, onConflict) =>
    Effect.suspend(() => {
      const result = memory.insert(row, onConflict)
      return result === undefined
        ? Effect.fail(new SignalStoreError({ operation: "insert", cause: "there is a signal with this hash" }))
        : Effect.succeed(result)
    }),
  settle: (hash, ending, at) => Effect.sync(() => memory.settle(hash, ending, at)),
  expire: (hash, at) => Effect.sync(() => memory.expire(hash, at)),
  touch: (hash, at) => Effect.sync(() => memory.touch(hash, at)),
  get: (hash) => Effect.sync(() => memory.get(hash)),
  newest: (job, key) => Effect.sync(() => memory.newest(job, key)),
  list: (filter, at) => Effect.sync(() => memory.list(filter, at)),
  changes
})
