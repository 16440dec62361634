import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import { SignalStoreError } from "../../SignalError.ts"
import type { Ending, MemoryOptions, Row, Service } from "../../SignalStore.ts"
import * as validate from "../validate.ts"
import { defaultLimit, expired, isOpen, matches, settled, touched } from "./rows.ts"

/** How many signals an insert looks at, to end those that are due and to remove those that are over. */
const perInsert = 16

/** How many changes are kept for a slow reader. It finds what it misses by asking. */
const keptChanges = 4_096

/** Makes a store in memory. */
export const make = (options: MemoryOptions = {}): Effect.Effect<Service> => {
  validate.fields("SignalStore.layerMemory", options, {
    retention: "a positive finite duration",
    maxEnded: "an integer >= 1"
  })
  const retention = validate.toMillis(options.retention ?? "24 hours")
  const maxEnded = options.maxEnded ?? 100_000
  return Effect.map(PubSub.dropping<string>(keptChanges), (changes) => {
    const memory = new Memory(retention, maxEnded, (hash) => PubSub.publishUnsafe(changes, hash))
    return {
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
      list: (filter, at) =>
        Effect.sync(() =>
          Array.from(memory.all())
            .filter((row) => matches(row, filter, at))
            .sort((one, other) => one.createdAt - other.createdAt)
            .slice(0, filter.limit ?? defaultLimit)
        ),
      changes: Stream.fromPubSub(changes)
    }
  })
}

class Memory {
  /** All signals by hash, in the order in which they were made. */
  private readonly rows = new Map<string, Row>()
  /** The hash of the signal that was made last, by job and key. */
  private readonly slots = new Map<string, string>()
  /** The hashes of ended signals, in the order in which they ended. */
  private readonly ended = new Set<string>()
  /** The hashes of open signals. */
  private readonly open = new Set<string>()
  private cursor: Iterator<string> | undefined
  private readonly retention: number
  private readonly maxEnded: number
  private readonly publish: (hash: string) => void

  constructor(retention: number, maxEnded: number, publish: (hash: string) => void) {
    this.retention = retention
    this.maxEnded = maxEnded
    this.publish = publish
  }

  all(): Iterable<Row> {
    return this.rows.values()
  }

  get(hash: string): Row | undefined {
    return this.rows.get(hash)
  }

  newest(job: string, key: string): Row | undefined {
    const hash = this.slots.get(slotOf(job, key))
    return hash === undefined ? undefined : this.rows.get(hash)
  }

  /** Undefined if the hash is taken. */
  insert(row: Row, onConflict: "fail" | "replace"): "inserted" | Row | undefined {
    const at = row.createdAt
    this.tidy(at)
    if (this.rows.has(row.hash)) return undefined
    const slot = slotOf(row.job, row.key)
    const last = this.newest(row.job, row.key)
    const current = last && this.expire(last.hash, at)
    if (current !== undefined && isOpen(current, at)) {
      if (onConflict === "fail") return current
      this.end(settled(current, { _tag: "Replaced" }, at)!)
    }
    this.rows.set(row.hash, row)
    this.slots.set(slot, row.hash)
    this.open.add(row.hash)
    return "inserted"
  }

  settle(hash: string, ending: Exclude<Ending, { readonly _tag: "Expired" }>, at: number): "settled" | Row | undefined {
    const row = this.expire(hash, at)
    const next = row && settled(row, ending, at)
    if (next === undefined) return row
    this.end(next)
    return "settled"
  }

  expire(hash: string, at: number): Row | undefined {
    const row = this.rows.get(hash)
    const next = row && expired(row, at)
    if (next !== undefined && next !== row) this.end(next)
    return next
  }

  touch(hash: string, at: number): "touched" | Row | undefined {
    const row = this.expire(hash, at)
    const next = row && touched(row, at)
    if (next === undefined) return row
    this.rows.set(hash, next)
    return "touched"
  }

  private end(row: Row): void {
    this.rows.set(row.hash, row)
    this.open.delete(row.hash)
    this.ended.add(row.hash)
    while (this.ended.size > this.maxEnded) this.removeFirst()
    this.publish(row.hash)
  }

  private removeFirst(): void {
    const hash = this.ended.values().next().value!
    const { job, key } = this.rows.get(hash)!
    const slot = slotOf(job, key)
    this.ended.delete(hash)
    this.rows.delete(hash)
    if (this.slots.get(slot) === hash) this.slots.delete(slot)
  }

  /** Ends some of the signals that are due to expire, and removes some of those whose retention is over. */
  private tidy(at: number): void {
    for (let left = perInsert; left > 0; left--) {
      this.cursor ??= this.open.values()
      const { done, value } = this.cursor.next()
      if (done === true) {
        this.cursor = undefined
        break
      }
      this.expire(value, at)
    }
    for (let left = perInsert; left > 0; left--) {
      const first = this.ended.values().next().value
      if (first === undefined || this.rows.get(first)!.endedAt! + this.retention > at) break
      this.removeFirst()
    }
  }
}

const slotOf = (job: string, key: string): string => JSON.stringify([job, key])
