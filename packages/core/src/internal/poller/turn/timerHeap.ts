/**
 * A part of a `TimerQueue`: a heap of four branches over times. Only numbers move in it: a time and the slot of the first
 * item that is due then; the other items of that time are linked to it. A table of recent times finds the link for a new
 * item; a time that it has forgotten is in the heap twice.
 */
export class TimerHeap<A> {
  /** How many items there are. */
  size = 0
  /** Its place in the queue. */
  at = 0
  /** The items by slot, and for each the slot of the next item of its time, or `none`. */
  private items: Array<A | undefined> = []
  private nexts = new Int32Array(leastCapacity)
  /** How many slots have been used, and the first that is free again, which links to the next one. */
  private slots = 0
  private free = none
  /** The heap: times, and the slots of their first items. */
  private dues = new Float64Array(leastCapacity)
  private heads = new Int32Array(leastCapacity)
  /** How many times the heap has. */
  private length = 0
  /** There while items come in: one table is enough for all heaps of a queue. */
  recent: Recent | undefined

  /** When the first item is due; `Infinity` if there is none. */
  get due(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.dues[0]!
  }

  /** The first item; there must be one. */
  get first(): A {
    return this.items[this.heads[0]!]!
  }

  push(item: A, due: number): void {
    const slot = this.slotFor()
    this.items[slot] = item
    this.nexts[slot] = none
    this.size++
    const tail = this.recent?.note(due, slot) ?? none
    if (tail === none) this.insert(due, slot)
    else this.nexts[tail] = slot
  }

  /** Takes the first item; there must be one. */
  pop(): A {
    const slot = this.heads[0]!
    const item = this.items[slot]!
    const next = this.nexts[slot]!
    this.items[slot] = undefined
    this.nexts[slot] = this.free
    this.free = slot
    this.size--
    if (next === none) this.removeFirst()
    else this.heads[0] = next
    return item
  }

  /** Takes all items, and calls `each` with them; those of one time in the order in which they went in. */
  empty(each: (item: A, due: number) => void): void {
    const { dues, heads, items, length, nexts } = this
    this.items = []
    this.free = none
    this.nexts = new Int32Array(leastCapacity)
    this.dues = new Float64Array(leastCapacity)
    this.heads = new Int32Array(leastCapacity)
    this.recent?.clear()
    this.length = this.size = this.slots = 0
    for (let at = 0; at < length; at++) {
      for (let slot = heads[at]!; slot !== none; slot = nexts[slot]!) each(items[slot]!, dues[at]!)
    }
  }

  private slotFor(): number {
    const { free, nexts } = this
    if (free !== none) {
      this.free = nexts[free]!
      return free
    }
    const slot = this.slots++
    if (slot === nexts.length) {
      const capacity = grownFrom(slot)
      this.nexts = grown(nexts, new Int32Array(capacity))
      // Not by itself: it would have more memory unused.
      this.items.length = capacity
    }
    return slot
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
    this.recent?.forget(dues[0]!)
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
}

/** Recent times of a heap, and the slots of their last items. */
export class Recent {
  private readonly dues = new Float64Array(remembered).fill(Number.NaN)
  private readonly tails = new Int32Array(remembered)

  /** Notes the slot of the last item of a time. Returns that of the item before, or `none`. */
  note(due: number, slot: number): number {
    const { dues, tails } = this
    const at = due & (remembered - 1)
    const tail = dues[at] === due ? tails[at]! : none
    dues[at] = due
    tails[at] = slot
    return tail
  }

  forget(due: number): void {
    const at = due & (remembered - 1)
    if (this.dues[at] === due) this.dues[at] = Number.NaN
  }

  clear(): void {
    this.dues.fill(Number.NaN)
  }
}

/** How many items a heap should have at most: it is sorted, grown and swept in a moment. */
export const mostInHeap = 8_192

// ---- internal ----

const none = -1

const leastCapacity = 64

/** The size of the table of recent times: a power of two. */
const remembered = 512

const grownFrom = (capacity: number): number => 2 * capacity

const grown = <T extends Int32Array | Float64Array>(from: T, to: T): T => {
  to.set(from)
  return to
}
