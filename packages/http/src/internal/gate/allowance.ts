// How many checks a budget allows, by this process's own account: a window, or a bucket of tokens. Times are
// milliseconds.

export interface AllowanceOptions {
  readonly limit: number
  readonly windowMillis: number
  /** The capacity of the bucket; undefined for a window. */
  readonly burst: number | undefined
}

/**
 * A budget of `limit` checks per window.
 *
 * - Without `burst` no window of time has more than `limit` checks, wherever it begins.
 * - With `burst`, up to that many checks may follow each other at once, and then one in each `window / limit`.
 *
 * Requests that were sent evenly arrive unevenly: `unevenMillis` keeps them apart by that much more than the budget asks
 * for, up to a tenth.
 */
export class Allowance {
  /** How far apart checks are on average. */
  readonly paceMillis: number
  private readonly bucket: Bucket
  private readonly log: WindowLog | undefined
  private readonly mostUneven: number

  constructor({ burst, limit, windowMillis }: AllowanceOptions) {
    this.paceMillis = windowMillis / limit
    this.bucket = new Bucket(burst ?? limit, this.paceMillis)
    this.log = burst === undefined ? new WindowLog(limit, windowMillis) : undefined
    this.mostUneven = (burst === undefined ? windowMillis : burst * this.paceMillis) / 10
  }

  set unevenMillis(millis: number) {
    const margin = Math.min(millis, this.mostUneven)
    if (this.log === undefined) this.bucket.marginMillis = margin
    else this.log.marginMillis = margin
  }

  /** How many checks may be made now. */
  available(now: number): number {
    const tokens = this.bucket.available(now)
    return this.log === undefined ? tokens : Math.min(tokens, this.log.available(now))
  }

  /**
   * When checks that wait are to be made, the first one for `rank` 0. Those of a window are spread over a quarter of it:
   * if the server refuses one, few others are in flight.
   */
  turnOf(rank: number, now: number): number {
    const first = this.timeOf(1, now)
    if (rank === 0) return first
    const at = this.timeOf(rank + 1, now)
    return this.log === undefined ? at : Math.max(at, first + (rank * this.paceMillis) / 4)
  }

  /** When `count` checks may have been made, if those before are made as soon as they may. */
  private timeOf(count: number, now: number): number {
    const at = Math.max(now, this.bucket.timeOf(count, now))
    return this.log === undefined ? at : Math.max(at, this.log.timeOf(count, now))
  }

  /** Counts a check. */
  take(now: number): void {
    this.bucket.take(now)
    this.log?.take(now)
  }

  /**
   * Begins anew without tokens, at a time when the server accepts requests again: from then on checks come at the pace
   * of the budget, after as much time as makes up for requests that arrive unevenly.
   */
  drain(at: number): void {
    this.bucket.drain(at, this.log === undefined ? 1 + Math.ceil(this.bucket.capacity / 10) : 0)
  }

  /** Notes that other processes have left no token of a bucket before this time. */
  exhaust(at: number): void {
    if (this.log === undefined) this.bucket.drain(at, 0)
  }

  /** Whether less than a quarter of what may be made at once is left. */
  isLow(now: number): boolean {
    return this.available(now) < Math.max(1, this.bucket.capacity / 4)
  }

  /** Whether it knows of no check that still counts. */
  isIdle(now: number): boolean {
    return this.bucket.isFull(now) && (this.log === undefined || this.log.isEmpty(now))
  }
}

// ---- internal ----

/** What a calculation with fractions may lose of a token. */
const epsilon = 1e-6

class Bucket {
  readonly capacity: number
  private readonly paceMillis: number
  private margin = 0
  /** By how much it was delayed since it was full. */
  private delayed = 0
  /** How many tokens there were, and since when more come. */
  private tokens: number
  private at = 0

  constructor(capacity: number, paceMillis: number) {
    this.capacity = this.tokens = capacity
    this.paceMillis = paceMillis
  }

  /** How much later than at its server a full bucket begins to refill. */
  set marginMillis(millis: number) {
    this.margin = millis
    if (millis <= this.delayed || this.tokens === this.capacity) return
    this.at += millis - this.delayed
    this.delayed = millis
  }

  available(now: number): number {
    return Math.max(0, Math.floor(this.level(now) + epsilon))
  }

  timeOf(count: number, now: number): number {
    const { capacity, margin, paceMillis } = this
    const first = Math.max(this.at, now) + (1 - this.level(now)) * paceMillis
    return first + (count - 1) * (capacity > 1 ? paceMillis : paceMillis + margin)
  }

  take(now: number): void {
    const level = this.level(now)
    this.at = Math.max(this.at, now)
    if (level >= this.capacity) {
      this.at += this.margin
      this.delayed = this.margin
    }
    this.tokens = level - 1
  }

  /** Empties it until a time. After that it begins to refill when `owed` tokens would have come. */
  drain(until: number, owed: number): void {
    const at = until + (owed - 1) * this.paceMillis
    if (at < this.at) return
    this.tokens = 0
    this.at = at
  }

  isFull(now: number): boolean {
    return this.level(now) >= this.capacity
  }

  private level(now: number): number {
    return Math.min(this.capacity, this.tokens + Math.max(0, now - this.at) / this.paceMillis)
  }
}

/** The checks of the last window: each counts until a window after it. */
class WindowLog {
  marginMillis = 0
  private readonly limit: number
  private readonly windowMillis: number
  /** Checks within this time are one entry. */
  private readonly resolution: number
  private entries: Array<{ readonly from: number; last: number; count: number }> = []
  private first = 0
  private used = 0

  constructor(limit: number, windowMillis: number) {
    this.limit = limit
    this.windowMillis = windowMillis
    this.resolution = limit > mostEntries ? windowMillis / mostEntries : 0
  }

  available(now: number): number {
    this.sweep(now)
    return this.limit - this.used
  }

  timeOf(count: number, now: number): number {
    this.sweep(now)
    const whole = this.windowMillis + this.marginMillis
    // Checks that are made at the end of this window return at the end of the next one.
    const windows = Math.floor((count - 1) / this.limit)
    let missing = count - windows * this.limit - (this.limit - this.used)
    let at = now
    for (let next = this.first; missing > 0; next++) {
      const entry = this.entries[next]!
      missing -= entry.count
      at = entry.last + whole
    }
    return at + windows * whole
  }

  take(now: number): void {
    this.used++
    const newest = this.entries.at(-1)
    if (newest !== undefined && this.first < this.entries.length && now - newest.from <= this.resolution) {
      newest.last = now
      newest.count++
    } else this.entries.push({ from: now, last: now, count: 1 })
  }

  isEmpty(now: number): boolean {
    this.sweep(now)
    return this.used === 0
  }

  private sweep(now: number): void {
    const { entries } = this
    const whole = this.windowMillis + this.marginMillis
    while (this.first < entries.length && entries[this.first]!.last + whole <= now) {
      this.used -= entries[this.first++]!.count
    }
    if (this.first > mostEntries / 2 && 2 * this.first > entries.length) {
      this.entries = entries.slice(this.first)
      this.first = 0
    }
  }
}

const mostEntries = 1_000
