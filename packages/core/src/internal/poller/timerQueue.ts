/**
 * Items by the time they are due, the earliest first; of the same time mostly in the order in which they came.
 *
 * A heap of four branches over times. Only numbers are moved in it: a time, and the slot of the first item that is due then;
 * the others of that time hang on that one. An item that comes finds those of its time by a small table of times that were
 * met of late; where it does not, that time stands in the heap twice.
 *
 * An item is not taken out when it is due no more; it goes stale, which `isLive` tells, and is dropped when it comes up.
 * Who makes one stale says so with `drop`: when half of the items may be stale, they are swept.
 */
export class DueHeap<A> {
  private readonly isLive: (item: A, due: number) => boolean
  /** The items by their slots, and for each the slot of the next one of its time, or `none`. */
  private items: Array<A | undefined> = []
  private nexts = new Int32Array(leastCapacity)
  /** The slots that are free, the newest last. */
  private free: Array<number> = []
  /** The heap: times, and the slots of their first items. */
  private dues = new Float64Array(leastCapacity)
  private heads = new Int32Array(leastCapacity)
  /** How many times are in it, */
  private length = 0
  /** how many items, and how many of those may be stale. */
  private count = 0
  private stale = 0
  /** Times that were met of late, and the slots of their last items. */
  private readonly metDues = new Float64Array(remembered).fill(Number.NaN)
  private readonly metTails = new Int32Array(remembered)
  /** When the items are due that are being taken; kept, since they are taken all the time. */
  private readonly popped: Array<number> = []

  constructor(isLive: (item: A, due: number) => boolean) {
    this.isLive = isLive
  }

  /** How many items there are, stale ones included. */
  get size(): number {
    return this.count
  }

  push(item: A, due: number): void {
    const slot = this.free.pop() ?? this.items.length
    if (slot === this.nexts.length) this.nexts = grown(this.nexts, new Int32Array(grownFrom(slot)))
    this.items[slot] = item
    this.nexts[slot] = none
    this.count++
    const at = due & (remembered - 1)
    if (this.metDues[at] === due) this.nexts[this.metTails[at]!] = slot
    else {
      this.metDues[at] = due
      this.insert(due, slot)
    }
    this.metTails[at] = slot
  }

  /** When the first live item is due; `Infinity` if there is none. */
  next(): number {
    while (this.length > 0) {
      const due = this.dues[0]!
      if (this.isLive(this.items[this.heads[0]!]!, due)) return due
      this.pop()
      if (this.stale > 0) this.stale--
    }
    return Number.POSITIVE_INFINITY
  }

  /**
   * Takes the live items that are due by `now`, at most so many; one that has come back to a time that it had left, twice.
   * They are checked only when all are out of the heap: most lie in memory that is in no cache, and a processor fetches
   * several at once if nothing stands between.
   */
  takeAll(now: number, most = Number.POSITIVE_INFINITY): ReadonlyArray<A> {
    const taken: Array<A> = []
    const { popped } = this
    let live = 0
    for (;;) {
      while (taken.length < most && this.length > 0 && this.dues[0]! <= now) {
        popped[taken.length] = this.dues[0]!
        taken.push(this.pop())
      }
      for (let at = live; at < taken.length; at++) {
        const item = taken[at]!
        if (this.isLive(item, popped[at]!)) taken[live++] = item
        else if (this.stale > 0) this.stale--
      }
      // All were live, or there were no more.
      if (taken.length === live) return taken
      taken.length = live
    }
  }

  /** Takes note that an item has gone stale. */
  drop(): void {
    this.stale++
    if (this.stale > leastCapacity && this.stale * 2 > this.count) this.sweep()
  }

  private pop(): A {
    const slot = this.heads[0]!
    const item = this.items[slot]!
    const next = this.nexts[slot]!
    this.items[slot] = undefined
    this.free.push(slot)
    this.count--
    if (next === none) this.removeFirst()
    else this.heads[0] = next
    return item
  }

  private insert(due: number, head: number): void {
    if (this.length === this.dues.length) {
      const capacity = grownFrom(this.length)
      this.dues = grown(this.dues, new Float64Array(capacity))
      this.heads = grown(this.heads, new Int32Array(capacity))
    }
    const { dues, heads } = this
    let at = this.length++
    while (at > 0) {
      const parent = (at - 1) >> 2
      if (dues[parent]! <= due) break
      dues[at] = dues[parent]!
      heads[at] = heads[parent]!
      at = parent
    }
    dues[at] = due
    heads[at] = head
  }

  private removeFirst(): void {
    const { dues, heads } = this
    const met = dues[0]! & (remembered - 1)
    if (this.metDues[met] === dues[0]) this.metDues[met] = Number.NaN
    const length = --this.length
    const due = dues[length]!
    let at = 0
    for (;;) {
      let least = 4 * at + 1
      if (least >= length) break
      const end = Math.min(least + 4, length)
      let leastDue = dues[least]!
      for (let child = least + 1; child < end; child++) {
        const childDue = dues[child]!
        if (childDue < leastDue) {
          least = child
          leastDue = childDue
        }
      }
      if (leastDue >= due) break
      dues[at] = leastDue
      heads[at] = heads[least]!
      at = least
    }
    dues[at] = due
    heads[at] = heads[length]!
  }

  /** Keeps those that are live, in as much memory as they need. */
  private sweep(): void {
    const { dues, heads, items, length, nexts } = this
    const live: Array<A> = []
    const liveDues: Array<number> = []
    for (let at = 0; at < length; at++) {
      for (let slot = heads[at]!; slot !== none; slot = nexts[slot]!) {
        const item = items[slot]!
        if (!this.isLive(item, dues[at]!)) continue
        live.push(item)
        liveDues.push(dues[at]!)
      }
    }
    // Fewer were stale than it was told: some have come back to the time they had left, and stand here twice.
    const seen = live.length > this.count - this.stale ? new Set<A>() : undefined
    const capacity = Math.max(leastCapacity, live.length)
    this.items = []
    this.free = []
    this.nexts = new Int32Array(capacity)
    this.dues = new Float64Array(capacity)
    this.heads = new Int32Array(capacity)
    this.metDues.fill(Number.NaN)
    this.length = this.count = this.stale = 0
    for (const [at, item] of live.entries()) {
      if (seen?.has(item) === true) continue
      seen?.add(item)
      this.push(item, liveDues[at]!)
    }
  }
}

// ---- internal ----

const none = -1

const leastCapacity = 256

/** How many times the table of those met of late has: a power of two. */
const remembered = 512

/** From this size on a heap grows slowly: one that has just grown holds that much memory in vain. */
const large = 16_384
const slowGrowth = 1.125

const grownFrom = (capacity: number): number => Math.ceil(capacity * (capacity < large ? 2 : slowGrowth))

const grown = <T extends Int32Array | Float64Array>(from: T, to: T): T => {
  to.set(from)
  return to
}
