/**
 * Items by the time they are due, the earliest first: a heap of four branches, whose times lie together in memory.
 *
 * An item is not taken out when it is due no more; it goes stale, which `isLive` tells, and is dropped when it comes up.
 * Who makes one stale says so with `drop`: when half of the heap may be stale, it is swept.
 */
export class DueHeap<A> {
  private readonly isLive: (item: A, due: number) => boolean
  private items: Array<A> = []
  private dues = new Float64Array(leastCapacity)
  private stale = 0

  constructor(isLive: (item: A, due: number) => boolean) {
    this.isLive = isLive
  }

  /** How many items there are, stale ones included. */
  get size(): number {
    return this.items.length
  }

  push(item: A, due: number): void {
    const { items } = this
    if (items.length === this.dues.length) this.resize(Math.ceil(items.length * growth))
    const { dues } = this
    let at = items.length
    items.push(item)
    while (at > 0) {
      const parent = (at - 1) >> 2
      if (dues[parent]! <= due) break
      items[at] = items[parent]!
      dues[at] = dues[parent]!
      at = parent
    }
    items[at] = item
    dues[at] = due
  }

  /** When the first live item is due; `Infinity` if there is none. */
  next(): number {
    while (this.items.length > 0) {
      const due = this.dues[0]!
      if (this.isLive(this.items[0]!, due)) return due
      this.pop()
      if (this.stale > 0) this.stale--
    }
    return Number.POSITIVE_INFINITY
  }

  /** Takes the first live item that is due by `now`. */
  take(now: number): A | undefined {
    return this.next() <= now ? this.pop() : undefined
  }

  /** Takes all live items that are due by `now`. */
  takeAll(now: number): ReadonlyArray<A> {
    const taken: Array<A> = []
    for (let item = this.take(now); item !== undefined; item = this.take(now)) taken.push(item)
    return taken
  }

  /** Takes note that an item has gone stale. */
  drop(): void {
    this.stale++
    if (this.stale > leastCapacity && this.stale * 2 > this.items.length) this.sweep()
  }

  // The first item is replaced by the last, which sinks to its place.
  private pop(): A {
    const { items } = this
    const first = items[0]!
    const last = items.pop()!
    if (items.length > 0) this.sink(last, this.dues[items.length]!, 0)
    return first
  }

  private sink(item: A, due: number, from: number): void {
    const { dues, items } = this
    const { length } = items
    let at = from
    for (;;) {
      let least = 4 * at + 1
      if (least >= length) break
      const end = Math.min(least + 4, length)
      for (let child = least + 1; child < end; child++) if (dues[child]! < dues[least]!) least = child
      if (dues[least]! >= due) break
      items[at] = items[least]!
      dues[at] = dues[least]!
      at = least
    }
    items[at] = item
    dues[at] = due
  }

  private sweep(): void {
    const { dues, items } = this
    let kept = 0
    for (let at = 0; at < items.length; at++) {
      if (!this.isLive(items[at]!, dues[at]!)) continue
      items[kept] = items[at]!
      dues[kept++] = dues[at]!
    }
    items.length = kept
    this.stale = 0
    for (let at = (kept - 2) >> 2; at >= 0; at--) this.sink(items[at]!, dues[at]!, at)
    if (kept * 4 < dues.length) {
      this.items = items.slice()
      this.resize(Math.max(leastCapacity, kept * 2))
    }
  }

  private resize(capacity: number): void {
    const dues = new Float64Array(capacity)
    dues.set(this.dues.subarray(0, Math.min(capacity, this.items.length)))
    this.dues = dues
  }
}

// ---- internal ----

const leastCapacity = 64

/** Small, since a heap that has just grown holds that much memory in vain. */
const growth = 1.25
