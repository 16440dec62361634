/**
 * A store of signals in effect's `KeyValueStore`, for one process at a time.
 *
 * **When to use**
 *
 * Use for a program that runs once, such as a command line tool, a desktop program or a single server with files: its
 * signals survive a restart.
 *
 * **Details**
 *
 * A `KeyValueStore` has no atomic update: its `modify` reads and then writes. This store therefore runs the calls for
 * each job and key one after the other, within the process. So it is correct only if a single process, with a single
 * layer, uses the keys with this prefix. For several processes use `SignalStoreSql`.
 *
 * `list` reads all signals. A signal and its place among those of its job are two entries; a crash between the two
 * writes leaves the older signal in place.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { KeyValueStore, prefix as withPrefix } from "effect/persistence/KeyValueStore"
import * as PubSub from "effect/PubSub"
import * as Semaphore from "effect/Semaphore"
import * as Stream from "effect/Stream"
import { SignalStoreError } from "effect-poll/SignalError"
import { expired, isOpen, matches, settled, type SignalRow, touched } from "effect-poll/SignalRow"
import { type Service, SignalStore } from "effect-poll/SignalStore"
import { slotWith } from "./internal/signal/slot.ts"
import * as validate from "./internal/validate.ts"

/**
 * The options of `layer`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** The beginning of all keys of this store. Default `"effect-poll/signals/"`. */
  readonly prefix?: string | undefined
  /**
   * How long an ended signal is kept, so that waits learn how it ended, and late calls with its token get the right
   * answer; a positive finite duration, default 24 hours. After that the token is unknown. Every sixteenth insert
   * checks 64 signals, and removes those whose retention is over.
   */
  readonly retention?: Duration.Input | undefined
  /**
   * How long a call may take; a positive finite duration, default 10 seconds. One that takes longer is interrupted, and
   * fails with `SignalStoreError`.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * A store of signals in the `KeyValueStore`, for one process at a time. Throws a RangeError for an option that is out of
 * range.
 *
 * **Example** (Keeping signals in files)
 *
 * ```ts
 * import * as NodeServices from "@effect/platform-node/NodeServices"
 * import * as Layer from "effect/Layer"
 * import * as KeyValueStore from "effect/persistence/KeyValueStore"
 * import * as SignalStoreKeyValue from "@effect-poll/http/SignalStoreKeyValue"
 *
 * export const signals = SignalStoreKeyValue.layer().pipe(
 *   Layer.provide(KeyValueStore.layerFileSystem("./signals")),
 *   Layer.provide(NodeServices.layer)
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<SignalStore, never, KeyValueStore> => {
  const retention = Math.ceil(validate.millis("SignalStoreKeyValue.layer: retention", options.retention ?? "24 hours"))
  const timeout = validate.millis("SignalStoreKeyValue.layer: timeout", options.timeout ?? "10 seconds")
  return Layer.effect(
    SignalStore,
    Effect.gen(function* () {
      const changes = yield* PubSub.dropping<string>(keptChanges)
      const state: State = {
        entries: withPrefix(yield* KeyValueStore, options.prefix ?? "effect-poll/signals/"),
        retention,
        slotOf: yield* slotWith,
        locks: new Map(),
        publish: (hash) => Effect.sync(() => PubSub.publishUnsafe(changes, hash)),
        inserts: 0,
        unvisited: []
      }
      return { ...methodsOf(state), changes: Stream.fromPubSub(changes), timeout }
    })
  )
}

// ---- internal ----

/** How many changes are kept for a slow reader. It finds what it misses by asking. */
const keptChanges = 4_096

/** How many inserts there are for each that tidies up, and how many signals that one looks at. */
const tidyEvery = 16
const tidyRows = 64

interface State {
  readonly entries: KeyValueStore
  readonly retention: number
  readonly slotOf: (job: string, key: string) => Effect.Effect<string>
  /** The calls for a job and key, by slot: they run one after the other. */
  readonly locks: Map<string, { readonly semaphore: Semaphore.Semaphore; users: number }>
  readonly publish: (hash: string) => Effect.Effect<void>
  inserts: number
  /** Signals to tidy up next. */
  unvisited: Array<string>
}

const rowKey = "row/"
const slotKey = "newest/"

const methodsOf = (state: State): Omit<Service, "changes"> => ({
  insert: (row, onConflict) => storing("insert", insert(state, row, onConflict)),
  settle: (hash, ending, at) =>
    storing(
      "settle",
      change(state, hash, at, "settled", (row) => settled(row, ending, at))
    ),
  expire: (hash, at) =>
    storing(
      "expire",
      change(state, hash, at, undefined, () => undefined)
    ),
  touch: (hash, at) =>
    storing(
      "touch",
      change(state, hash, at, "touched", (row) => touched(row, at))
    ),
  get: (hash) => storing("get", read(state, hash)),
  newest: (job, key) =>
    storing(
      "newest",
      Effect.flatMap(state.slotOf(job, key), (slot) => newest(state, slot))
    ),
  list: (filter, at) =>
    storing(
      "list",
      Effect.map(
        Effect.flatMap(hashes(state), (all) => Effect.forEach(all, (hash) => read(state, hash), { concurrency: 16 })),
        (rows) =>
          rows
            .flatMap((row) => (row !== undefined && matches(row, filter, at) ? [row] : []))
            .toSorted((one, other) => one.createdAt - other.createdAt)
            .slice(0, filter.limit ?? 1_000)
      )
    )
})

const storing = <A, E>(
  operation: SignalStoreError["operation"],
  effect: Effect.Effect<A, E>
): Effect.Effect<A, SignalStoreError> =>
  Effect.mapError(effect, (cause) =>
    cause instanceof SignalStoreError ? cause : new SignalStoreError({ operation, cause })
  )

/**
 * Runs an effect while no other one runs for the same job and key. It is not interrupted: a write that comes late would
 * otherwise overwrite that of the next call.
 */
const locked = <A, E>({ locks }: State, slot: string, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      const lock = locks.get(slot) ?? { semaphore: Semaphore.makeUnsafe(1), users: 0 }
      lock.users++
      locks.set(slot, lock)
      return lock
    }),
    (lock) => lock.semaphore.withPermit(Effect.uninterruptible(effect)),
    (lock) =>
      Effect.sync(() => {
        if (--lock.users === 0) locks.delete(slot)
      })
  )

const read = Effect.fnUntraced(function* ({ entries }: State, hash: string) {
  const text = yield* entries.get(rowKey + hash)
  if (text === undefined) return undefined
  return yield* Effect.try({
    try: (): SignalRow => JSON.parse(text),
    catch: (cause) => new SignalStoreError({ operation: "get", cause })
  })
})

const write = (state: State, row: SignalRow) => state.entries.set(rowKey + row.hash, JSON.stringify(row))

const hashes = ({ entries }: State) =>
  Effect.map(entries.keys, (keys) => keys.flatMap((key) => (key.startsWith(rowKey) ? [key.slice(rowKey.length)] : [])))

const newest = Effect.fnUntraced(function* (state: State, slot: string) {
  const hash = yield* state.entries.get(slotKey + slot)
  return hash === undefined ? undefined : yield* read(state, hash)
})

/** Writes what an ended signal is now, and reports it. */
const ended = (state: State, row: SignalRow) => Effect.andThen(write(state, row), state.publish(row.hash))

/** Changes a signal, if it is open and `next` says how; otherwise yields its row, which expires if it is due. */
const change = Effect.fnUntraced(function* <Done>(
  state: State,
  hash: string,
  at: number,
  done: Done,
  next: (row: SignalRow) => SignalRow | undefined
) {
  const found = yield* read(state, hash)
  if (found === undefined) return undefined
  return yield* locked(
    state,
    yield* state.slotOf(found.job, found.key),
    Effect.gen(function* () {
      const row = yield* read(state, hash)
      if (row === undefined) return undefined
      const changed = next(row)
      if (changed !== undefined) {
        yield* changed.ending === null ? write(state, changed) : ended(state, changed)
        return done
      }
      const now = expired(row, at)
      if (now !== row) yield* ended(state, now)
      return now
    })
  )
})

const insert = Effect.fnUntraced(function* (state: State, row: SignalRow, onConflict: "fail" | "replace") {
  const slot = yield* state.slotOf(row.job, row.key)
  const at = row.createdAt
  const result = yield* locked(
    state,
    slot,
    Effect.gen(function* () {
      if ((yield* read(state, row.hash)) !== undefined) {
        return yield* new SignalStoreError({ operation: "insert", cause: "there is a signal with this hash" })
      }
      const last = yield* newest(state, slot)
      if (last !== undefined && isOpen(last, at) && onConflict === "fail") return last
      yield* write(state, row)
      const replaced = last && (settled(last, { _tag: "Replaced" }, at) ?? expired(last, at))
      if (replaced !== undefined && replaced !== last) yield* ended(state, replaced)
      yield* state.entries.set(slotKey + slot, row.hash)
      return "inserted" as const
    })
  )
  if (result === "inserted" && state.inserts++ % tidyEvery === 0) yield* Effect.ignore(tidy(state, at))
  return result
})

/** Ends signals that are due to expire, and removes those whose retention is over. */
const tidy = Effect.fnUntraced(function* (state: State, at: number) {
  if (state.unvisited.length === 0) state.unvisited = [...(yield* hashes(state))]
  for (const hash of state.unvisited.splice(-tidyRows)) {
    const row = yield* change(state, hash, at, undefined, () => undefined)
    if (row?.endedAt != null && row.endedAt + state.retention <= at) yield* remove(state, row)
  }
})

const remove = Effect.fnUntraced(function* (state: State, row: SignalRow) {
  const slot = yield* state.slotOf(row.job, row.key)
  yield* locked(
    state,
    slot,
    Effect.gen(function* () {
      if ((yield* state.entries.get(slotKey + slot)) === row.hash) yield* state.entries.remove(slotKey + slot)
      yield* state.entries.remove(rowKey + row.hash)
    })
  )
})
