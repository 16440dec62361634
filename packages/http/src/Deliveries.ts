/**
 * The verified deliveries that a route has seen, so that a retry, a replay or a copy is not applied twice.
 *
 * **Details**
 *
 * A delivery is begun (`begin`), applied, and then marked as done (`done`). If it was begun but not done, the process
 * was interrupted: once its lease is over, a redelivery counts as new. So a crash never turns a redelivery into a
 * repeat.
 *
 * Only verified deliveries are remembered, so that forged requests cannot fill the memory.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as validate from "./internal/validate.ts"

/**
 * What identifies a delivery.
 *
 * @category models
 * @since 0.1.0
 */
export interface Key {
  /** The path of the route. */
  readonly route: string
  /** The id of the delivery, or the digest of its body where the scheme has no ids, or does not sign them. */
  readonly id: string
  /** The SHA-256 of the body, in hex. */
  readonly digest: string
}

/**
 * What `begin` found.
 *
 * - `"new"`: apply it, then call `done`.
 * - `"copy"`: the same bytes came under another id. Apply it, but do not let it end a job a second time; then call `done`.
 * - `"repeat"`: it is done.
 * - `"conflict"`: another body came with this id.
 * - `"inFlight"`: it is being applied right now.
 *
 * @category models
 * @since 0.1.0
 */
export type Begun = "new" | "copy" | "repeat" | "conflict" | "inFlight"

/**
 * The store of deliveries cannot answer. The sender gets a 503, and sends the webhook again.
 *
 * @category errors
 * @since 0.1.0
 */
export class DeliveriesError extends Data.TaggedError("DeliveriesError")<{ readonly cause: unknown }> {
  override get message(): string {
    return "the store of deliveries cannot answer"
  }
}

/**
 * The deliveries that were seen.
 *
 * **Details**
 *
 * `begin` must be atomic: of several calls with one route and id, exactly one gets `"new"` or `"copy"`. In SQL that is an
 * insert that does nothing on a conflict, as in `DeliveriesSql`.
 *
 * @category services
 * @since 0.1.0
 */
export class Deliveries extends Context.Service<
  Deliveries,
  {
    /**
     * Begins a delivery. It is remembered for `keepMillis` from now. If it is not done within the lease of the store, it
     * can be begun again.
     */
    readonly begin: (key: Key, keepMillis: number) => Effect.Effect<Begun, DeliveriesError>
    /** Marks a delivery as applied: from now on it is a repeat. */
    readonly done: (key: Key) => Effect.Effect<void, DeliveriesError>
    /** Forgets a delivery that could not be applied, so that a redelivery is new at once. */
    readonly abandon: (key: Key) => Effect.Effect<void, DeliveriesError>
  }
>()("@effect-poll/http/Deliveries") {}

/**
 * Options of `layerMemory`.
 *
 * @category models
 * @since 0.1.0
 */
export interface MemoryOptions {
  /**
   * How many deliveries are remembered; an integer >= 1, default 100,000 (about 30 MB). Beyond that the oldest is
   * forgotten before its time.
   */
  readonly capacity?: number | undefined
  /**
   * How long a delivery may be in flight until it can be begun again; a positive finite duration, default 1 minute. The
   * lease matters only if the process ends: a delivery that fails or is interrupted is abandoned at once.
   */
  readonly lease?: Duration.Input | undefined
}

/**
 * Remembers deliveries in the memory of this process. Invalid options throw a RangeError.
 *
 * **Gotchas**
 *
 * Processes that receive for the same route do not share it, and a restart loses it: use `DeliveriesSql` where that
 * matters. Otherwise a redelivery is applied again. That is harmless for wakes, and for ends, since the first end of a
 * wait counts. An `onPush` has to tolerate it.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory = (options: MemoryOptions = {}): Layer.Layer<Deliveries> => {
  const capacity = validate.count("Deliveries.layerMemory: capacity", options.capacity ?? 100_000, 1)
  const leaseMillis = validate.millis("Deliveries.layerMemory: lease", options.lease ?? "1 minute")
  return Layer.sync(Deliveries, () => make(capacity, leaseMillis))
}

// ---- internal ----

interface Entry {
  readonly name: string
  readonly bytes: string
  readonly bucket: Map<string, Entry>
  readonly forgetAt: number
  /** When the lease is over; undefined once it is done. */
  leaseUntil: number | undefined
}

// A NUL cannot occur in a path, and ids that contain one are no different for it.
const nameOf = (key: Key): string => `${key.route}\0${key.id}`
const bytesOf = (key: Key): string => `${key.route}\0${key.digest}`

/** Deliveries in memory. */
const make = (capacity: number, leaseMillis: number): Deliveries["Service"] => {
  const entries = new Map<string, Entry>()
  /** The entry that the same bytes came under first, by its name. */
  const firsts = new Map<string, string>()
  /** Entries by how long they are kept, oldest first: what is over stands at the front of its bucket. */
  const buckets = new Map<number, Map<string, Entry>>()

  const forget = (entry: Entry): void => {
    entries.delete(entry.name)
    entry.bucket.delete(entry.name)
    if (firsts.get(entry.bytes) === entry.name) firsts.delete(entry.bytes)
  }

  const sweep = (now: number): void => {
    for (const [keepMillis, bucket] of buckets) {
      for (const entry of bucket.values()) {
        if (entry.forgetAt > now) break
        forget(entry)
      }
      if (bucket.size === 0) buckets.delete(keepMillis)
    }
    // Entries are in the order in which they were begun.
    for (const entry of entries.values()) {
      if (entries.size < capacity) break
      forget(entry)
    }
  }

  const begin = (key: Key, keepMillis: number, now: number): Begun => {
    const name = nameOf(key)
    const bytes = bytesOf(key)
    const known = entries.get(name)
    if (known !== undefined && known.forgetAt > now) {
      if (known.bytes !== bytes) return "conflict"
      if (known.leaseUntil === undefined) return "repeat"
      if (known.leaseUntil > now) return "inFlight"
    }
    if (known !== undefined) forget(known)
    sweep(now)
    let bucket = buckets.get(keepMillis)
    if (bucket === undefined) {
      bucket = new Map()
      buckets.set(keepMillis, bucket)
    }
    const isFirst = !firsts.has(bytes)
    if (isFirst) firsts.set(bytes, name)
    const entry = { name, bytes, bucket, forgetAt: now + keepMillis, leaseUntil: now + leaseMillis }
    entries.set(name, entry)
    bucket.set(name, entry)
    return isFirst ? "new" : "copy"
  }

  const known = (key: Key): Entry | undefined => {
    const entry = entries.get(nameOf(key))
    return entry?.bytes === bytesOf(key) ? entry : undefined
  }

  return {
    begin: (key, keepMillis) => Effect.map(Clock.currentTimeMillis, (now) => begin(key, keepMillis, now)),
    done: (key) =>
      Effect.sync(() => {
        const entry = known(key)
        if (entry !== undefined) entry.leaseUntil = undefined
      }),
    abandon: (key) =>
      Effect.sync(() => {
        const entry = known(key)
        if (entry?.leaseUntil !== undefined) forget(entry)
      })
  }
}
