/**
 * A queue for one slow reader, which never holds up what it reports. When it is full, the oldest of the least important
 * items are dropped, and counted. Nothing costs a walk through all items.
 *
 * `rankOf` says how important an item is, from 0. Items of the ranks 0 and 1 are dropped from `most` items on, in this
 * order; those of the ranks 2 and 3 only from `mostOfAll` items on.
 */
export class BoundedQueue<A extends object> {
  private readonly rankOf: (item: A) => Rank
  private readonly most: number
  private readonly mostOfAll: number
  /** In the order in which they came; undefined if dropped. */
  private items: Array<A | undefined> = []
  /** Where the queue begins. */
  private head = 0
  private count = 0
  /** How many items of each rank there are, and where the first of them is at the earliest. */
  private readonly counts: Record<Rank, number> = { 0: 0, 1: 0, 2: 0, 3: 0 }
  private readonly firsts: Record<Rank, number> = { 0: 0, 1: 0, 2: 0, 3: 0 }
  private dropped = 0

  constructor(rankOf: (item: A) => Rank, most: number, mostOfAll: number) {
    this.rankOf = rankOf
    this.most = most
    this.mostOfAll = mostOfAll
  }

  get size(): number {
    return this.count
  }

  offer(item: A): void {
    this.items.push(item)
    this.count++
    this.counts[this.rankOf(item)]++
    if (this.count <= this.most) return
    const isDropped = this.dropOne(0) || this.dropOne(1)
    if (!isDropped && this.count > this.mostOfAll && !this.dropOne(2)) this.dropOne(3)
    if (this.items.length - this.head > 2 * this.count) this.compact()
  }

  /** Takes the oldest item. */
  take(): A | undefined {
    while (this.head < this.items.length) {
      const item = this.items[this.head]
      this.items[this.head++] = undefined
      if (item === undefined) continue
      this.count--
      this.counts[this.rankOf(item)]--
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
      if (item !== undefined && this.rankOf(item) === rank) break
      at++
    }
    this.items[at] = undefined
    this.firsts[rank] = at + 1
    this.count--
    this.counts[rank]--
    this.dropped++
    return true
  }

  private compact(): void {
    this.items = this.items.slice(this.head).filter((item) => item !== undefined)
    this.head = 0
    this.firsts[0] = this.firsts[1] = this.firsts[2] = this.firsts[3] = 0
  }
}

/** How important an item is; the least important ones have 0. */
export type Rank = 0 | 1 | 2 | 3

// ---- internal ----

const leastCompacted = 1_024
