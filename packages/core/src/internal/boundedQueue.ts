/**
 * A queue for one slow reader, which never holds up what it reports. When it is full, the oldest of the least important
 * items are dropped, and counted. Nothing costs a walk through all items.
 *
 * `rankOf` says how important an item is, from 0, and `weightOf` for how many it counts: an item that holds much memory
 * counts for several. A queue with a pool has its share of that at most.
 */
export class BoundedQueue<A extends object> {
  private readonly rankOf: (item: A) => Rank
  private readonly weightOf: (item: A) => number
  private readonly limits: Limits
  private readonly pool: Pool | undefined
  /** In the order in which they came; undefined if dropped. */
  private items: Array<A | undefined> = []
  /** Where the queue begins. */
  private head = 0
  private count = 0
  /** How many items of each rank there are, and where the first of them is at the earliest. */
  private readonly counts: Record<Rank, number> = { 0: 0, 1: 0, 2: 0, 3: 0 }
  private readonly firsts: Record<Rank, number> = { 0: 0, 1: 0, 2: 0, 3: 0 }
  /** What the items of the ranks 0 to 2 weigh, and those of rank 3; the weights of those that weigh more than 1. */
  private weight = 0
  private weightOfMost = 0
  private heavy: Map<A, number> | undefined
  private dropped = 0

  constructor(rankOf: (item: A) => Rank, weightOf: (item: A) => number, limits: Limits, pool?: Pool) {
    this.rankOf = rankOf
    this.weightOf = weightOf
    this.limits = limits
    this.pool = pool
  }

  get size(): number {
    return this.count
  }

  offer(item: A): void {
    const { limits, pool } = this
    const rank = this.rankOf(item)
    // A reader that follows has few items here, and they need no weighing.
    const weight = this.count < leastWeighed ? 1 : Math.min(this.weightOf(item), limits.changes / leastKept)
    if (weight > 1) (this.heavy ??= new Map()).set(item, weight)
    this.items.push(item)
    this.count++
    this.counts[rank]++
    this.weigh(rank, weight)
    if (this.count <= leastKept) return
    const share = pool === undefined ? Number.POSITIVE_INFINITY : Math.max(leastKept, pool.lesser.share)
    while (this.count > Math.min(limits.least, share) && (this.dropOne(0) || this.dropOne(1)));
    while (this.weight > Math.min(limits.changes, share) && (this.dropOne(0) || this.dropOne(1) || this.dropOne(2)));
    const shareOfMost = pool === undefined ? Number.POSITIVE_INFINITY : Math.max(leastKept, pool.most.share)
    while (this.weightOfMost > Math.min(limits.most, shareOfMost) && this.dropOne(3));
    if (this.items.length - this.head > 2 * this.count) this.compact()
  }

  /** Takes the oldest item. */
  take(): A | undefined {
    while (this.head < this.items.length) {
      const item = this.items[this.head]
      this.items[this.head++] = undefined
      if (item === undefined) continue
      this.forget(item, this.rankOf(item))
      if (this.count === 0 || this.head > 2 * this.count + leastCompacted) this.compact()
      return item
    }
    return undefined
  }

  /** How many items were dropped since this was last asked. */
  takeMissed(): number {
    const { dropped } = this
    this.dropped = 0
    return dropped
  }

  private dropOne(rank: Rank): boolean {
    if (this.counts[rank] === 0) return false
    let at = Math.max(this.head, this.firsts[rank])
    for (;;) {
      const item = this.items[at]
      if (item !== undefined && this.rankOf(item) === rank) {
        this.forget(item, rank)
        break
      }
      at++
    }
    this.items[at] = undefined
    this.firsts[rank] = at + 1
    this.dropped++
    return true
  }

  private forget(item: A, rank: Rank): void {
    this.count--
    this.counts[rank]--
    const weight = this.heavy?.get(item) ?? 1
    if (weight > 1) this.heavy!.delete(item)
    this.weigh(rank, -weight)
  }

  private weigh(rank: Rank, by: number): void {
    const { pool } = this
    if (rank === 3) this.weightOfMost += by
    else this.weight += by
    if (pool !== undefined) pool[rank === 3 ? "most" : "lesser"].weight += by
  }

  private compact(): void {
    this.items = this.items.slice(this.head).filter((item) => item !== undefined)
    this.head = 0
    this.firsts[0] = this.firsts[1] = this.firsts[2] = this.firsts[3] = 0
  }
}

/** How important an item is; the least important ones have 0. */
export type Rank = 0 | 1 | 2 | 3

/** How many items are kept before some are dropped. */
export interface Limits {
  /** Of all ranks: beyond that, those of the ranks 0 and 1 are dropped. */
  readonly least: number
  /** Of the ranks 0 to 2, by weight. */
  readonly changes: number
  /** Of rank 3, by weight. */
  readonly most: number
}

/**
 * What several queues may hold together. Each may hold `alpha` times what is free: a few slow readers have all that they may
 * have, and if there are many, some stays free for readers that follow.
 */
export class Pool {
  readonly lesser: Vessel
  readonly most: Vessel

  constructor({ changes, most }: Pick<Limits, "changes" | "most">) {
    this.lesser = new Vessel(changes)
    this.most = new Vessel(most)
  }
}

// ---- internal ----

class Vessel {
  weight = 0
  private readonly capacity: number

  constructor(capacity: number) {
    this.capacity = capacity
  }

  /** How much one queue may hold. */
  get share(): number {
    return alpha * Math.max(0, this.capacity - this.weight)
  }
}

/** As for the places of a Poller. */
const alpha = 8

/** So many items a queue may always keep, however many others there are and however much they weigh. */
const leastKept = 4

const leastWeighed = 64

const leastCompacted = 1_024
