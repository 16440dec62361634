import {
  expired,
  type Filter,
  isOpen,
  matches,
  settled,
  type Settlement,
  type SignalRow,
  touched
} from "../../SignalRow.ts"

/** How many signals an insert looks at, to end those that are due and to remove those that are over. */
const perInsert = 16

/** How many signals are listed unless a filter says so. */
const defaultLimit = 1_000

/** The signals of one process. */
export class Memory {
  /** All signals by hash, in the order in which they were made. */
  private readonly rows = new Map<string, SignalRow>()
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

  list(filter: Filter, at: number): ReadonlyArray<SignalRow> {
    return Array.from(this.rows.values())
      .filter((row) => matches(row, filter, at))
      .toSorted((one, other) => one.createdAt - other.createdAt)
      .slice(0, filter.limit ?? defaultLimit)
  }

  get(hash: string): SignalRow | undefined {
    return this.rows.get(hash)
  }

  newest(job: string, key: string): SignalRow | undefined {
    const hash = this.slots.get(slotOf(job, key))
    return hash === undefined ? undefined : this.rows.get(hash)
  }

  /** Undefined if the hash is taken. */
  insert(row: SignalRow, onConflict: "fail" | "replace"): "inserted" | SignalRow | undefined {
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

  settle(hash: string, ending: Settlement, at: number): "settled" | SignalRow | undefined {
    const row = this.expire(hash, at)
    const next = row && settled(row, ending, at)
    if (next === undefined) return row
    this.end(next)
    return "settled"
  }

  expire(hash: string, at: number): SignalRow | undefined {
    const row = this.rows.get(hash)
    const next = row && expired(row, at)
    if (next !== undefined && next !== row) this.end(next)
    return next
  }

  touch(hash: string, at: number): "touched" | SignalRow | undefined {
    const row = this.expire(hash, at)
    const next = row && touched(row, at)
    if (next === undefined) return row
    this.rows.set(hash, next)
    return "touched"
  }

  private end(row: SignalRow): void {
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
