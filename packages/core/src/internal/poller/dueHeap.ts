/**
 * Items by the time they are due, the earliest first: a heap of four branches. Only numbers are moved in it, the times and
 * the slots where the items stand: that is several times cheaper than to move the items.
 *
 * An item is not taken out when it is due no more; it goes stale, which `isLive` tells, and is dropped when it comes up.
 * Who makes one stale says so with `drop`: when half of the heap may be stale, it is swept.
 */
export class DueHeap<A> {
  private readonly isLive: (item: A, due: number) => boolean
  private items: Array<A | undefined> = []
  /** The slots that are free, the newest last. */
  private free: Array<number> = []
  private dues = new Float64Array(leastCapacity)
  private slots = new Int32Array(leastCapacity)
  private length = 0
  private stale = 0
  /** When the items are due that are being taken; kept, since they are taken all the time. */
  private readonly popped: Array<number> = []

  constructor(isLive: (item: A, due: number) => boolean) {
    this.isLive = isLive
  }

  /** How many items there are, stale ones included. */
  get size(): number {
    return this.length
  }

  push(item: A, due: number): void {
    if (this.length === this.dues.length) this.resize(Math.ceil(this.length * (this.length < large ? 2 : slowGrowth)))
    const slot = this.free.pop() ?? this.items.length
    this.items[slot] = item
    this.rise(due, slot, this.length++)
  }

  /** When the first live item is due; `Infinity` if there is none. */
  next(): number {
    while (this.length > 0) {
      const due = this.dues[0]!
      if (this.isLive(this.items[this.slots[0]!]!, due)) return due
      this.pop()
      if (this.stale > 0) this.stale--
    }
    return Number.POSITIVE_INFINITY
  }

  /**
   * Takes the live items that are due by `now`, at most so many; one that has come back to a time that it had left, twice.
   * They are looked at only when all are out of the heap: most lie in memory that is in no cache, and a processor fetches
   * several at once if nothing stands between.
   */
  takeAll(now: number, most = Number.POSITIVE_INFINITY): ReadonlyArray<A> {
    const taken: Array<A> = []
    const { popped } = this
    for (let live = 0; ; taken.length = live) {
      while (taken.length < most && this.length > 0 && this.dues[0]! <= now) {
        popped[taken.length] = this.dues[0]!
        taken.push(this.pop())
      }
      if (taken.length === live) return taken
      for (let at = live; at < taken.length; at++) {
        const item = taken[at]!
        if (this.isLive(item, popped[at]!)) taken[live++] = item
        else if (this.stale > 0) this.stale--
      }
    }
  }

  /** Takes note that an item has gone stale. */
  drop(): void {
    this.stale++
    if (this.stale > leastCapacity && this.stale * 2 > this.length) this.sweep()
  }

  private pop(): A {
    const { dues, items, slots } = this
    const slot = slots[0]!
    const item = items[slot]!
    items[slot] = undefined
    this.free.push(slot)
    const last = --this.length
    if (last > 0) this.sink(dues[last]!, slots[last]!, 0)
    return item
  }

  private rise(due: number, slot: number, from: number): void {
    const { dues, slots } = this
    let at = from
    while (at > 0) {
      const parent = (at - 1) >> 2
      if (dues[parent]! <= due) break
      dues[at] = dues[parent]!
      slots[at] = slots[parent]!
      at = parent
    }
    dues[at] = due
    slots[at] = slot
  }

  private sink(due: number, slot: number, from: number): void {
    const { dues, length, slots } = this
    let at = from
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
      slots[at] = slots[least]!
      at = least
    }
    dues[at] = due
    slots[at] = slot
  }

  private sweep(): void {
    const { length, stale } = this
    this.keep((item, due) => this.isLive(item, due))
    // Fewer were stale than it was told: some have come back to the time they had left, and stand here twice.
    if (length - this.length < stale) {
      const seen = new Set<A>()
      this.keep((item) => !seen.has(item) && seen.add(item) !== undefined)
    }
    this.stale = 0
    const { dues, slots } = this
    for (let at = (this.length - 2) >> 2; at >= 0; at--) this.sink(dues[at]!, slots[at]!, at)
    if (this.length * 8 < dues.length) this.shrink(Math.max(leastCapacity, this.length * 2))
  }

  private keep(isKept: (item: A, due: number) => boolean): void {
    const { dues, items, length, slots } = this
    let kept = 0
    for (let at = 0; at < length; at++) {
      const slot = slots[at]!
      if (isKept(items[slot]!, dues[at]!)) {
        slots[kept] = slot
        dues[kept++] = dues[at]!
      } else {
        items[slot] = undefined
        this.free.push(slot)
      }
    }
    this.length = kept
  }

  /** Gives back the memory of a heap that was much larger once. */
  private shrink(capacity: number): void {
    const items = Array.from(this.slots.subarray(0, this.length), (slot) => this.items[slot]!)
    this.items = items
    this.free = []
    for (let slot = 0; slot < items.length; slot++) this.slots[slot] = slot
    this.resize(capacity)
  }

  private resize(capacity: number): void {
    const dues = new Float64Array(capacity)
    const slots = new Int32Array(capacity)
    dues.set(this.dues.subarray(0, this.length))
    slots.set(this.slots.subarray(0, this.length))
    this.dues = dues
    this.slots = slots
  }
}

// ---- internal ----

const leastCapacity = 256

/** From this size on a heap grows slowly: one that has just grown holds that much memory in vain. */
const large = 16_384
const slowGrowth = 1.25
