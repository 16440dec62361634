import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { advance, longestLeg, slept, type Timeline, timeUntil } from "../../machine/wait.ts"

/**
 * A queue of items by the time they are due, the earliest first; items of one time come out mostly in the order in
 * which they went in.
 *
 * It is a heap of four branches over times. Only numbers move in it: a time and the slot of the first item that is due
 * then; the other items of that time are linked to it. A small table of recent times finds the link for a new item; a
 * time that it has forgotten is in the heap twice.
 *
 * An item is not removed when it is no longer due: it goes stale, which `isLive` tells, and is dropped when it comes
 * up. Whoever makes an item stale calls `drop`; when half of the items may be stale, they are swept.
 */
export class TimerQueue<A> {
  private readonly isLive: (item: A, due: number) => boolean
  /** The items by slot, and for each the slot of the next item of its time, or `none`. */
  private items: Array<A | undefined> = []
  private nexts = new Int32Array(leastCapacity)
  /** Free slots, the newest last. */
  private free: Array<number> = []
  /** The heap: times, and the slots of their first items. */
  private dues = new Float64Array(leastCapacity)
  private heads = new Int32Array(leastCapacity)
  /** How many times the heap has. */
  private length = 0
  /** How many items there are, and how many of them may be stale. */
  private count = 0
  private stale = 0
  /** Recent times, and the slots of their last items. */
  private readonly recentDues = new Float64Array(remembered).fill(Number.NaN)
  private readonly recentTails = new Int32Array(remembered)
  /** When the items are due that are being taken; kept to save allocations. */
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
    if (this.recentDues[at] === due) this.nexts[this.recentTails[at]!] = slot
    else {
      this.recentDues[at] = due
      this.insert(due, slot)
    }
    this.recentTails[at] = slot
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
   * Takes the live items that are due by `now`, at most `most`; an item that came back to a time it had left, twice.
   * Items are read only when all are out of the heap: most lie in memory that is in no cache, and a processor fetches
   * several at once if nothing comes between.
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
      // All were live, or there are no more.
      if (taken.length === live) return taken
      taken.length = live
    }
  }

  /** Notes that an item has gone stale. */
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
    const recent = dues[0]! & (remembered - 1)
    if (this.recentDues[recent] === dues[0]) this.recentDues[recent] = Number.NaN
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

  /** Keeps the live items, in as much memory as they need. */
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
    // Fewer are stale than `drop` counted: some came back to the time they had left, and are here twice.
    const seen = live.length > this.count - this.stale ? new Set<A>() : undefined
    const capacity = Math.max(leastCapacity, live.length)
    this.items = []
    this.free = []
    this.nexts = new Int32Array(capacity)
    this.dues = new Float64Array(capacity)
    this.heads = new Int32Array(capacity)
    this.recentDues.fill(Number.NaN)
    this.length = this.count = this.stale = 0
    for (const [at, item] of live.entries()) {
      if (seen?.has(item) === true) continue
      seen?.add(item)
      this.push(item, liveDues[at]!)
    }
  }
}

/** Wakes an engine at one time, the next. */
export class Timer {
  /** When it fires; `Infinity` if it is not set. */
  at = Number.POSITIVE_INFINITY
  private readonly clock: Clock.Clock
  private readonly time: Timeline
  private readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  private readonly wake: () => void
  private sleeping: Fiber.Fiber<void> | undefined

  constructor(
    clock: Clock.Clock,
    time: Timeline,
    fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>,
    wake: () => void
  ) {
    this.clock = clock
    this.time = time
    this.fork = fork
    this.wake = wake
  }

  /** Sets it anew. With `yields`, for a time that has come, it fires after the event loop has had its turn. */
  set(at: number, now: number, yields: boolean): void {
    if (at === this.at && this.sleeping !== undefined) return
    this.clear()
    this.at = at
    if (at === Number.POSITIVE_INFINITY) return
    this.sleep(yields && at <= now)
  }

  /** Sleeps in legs, after each of which the clocks are compared. */
  private sleep(yields: boolean): void {
    const millis = timeUntil(this.time, this.at)
    const leg = Math.min(millis, longestLeg)
    const since = this.time.monotonic()
    let fiber = this.fork(yields ? Effect.yieldNow : this.asleep(leg))
    // A clock that ends a sleep at once must not fire it within the turn that sets it.
    if (fiber.pollUnsafe()?._tag === "Success") fiber = this.fork(Effect.yieldNow)
    this.sleeping = fiber
    fiber.addObserver((exit) => {
      if (this.sleeping !== fiber) return
      this.sleeping = undefined
      if (exit._tag !== "Success") return
      slept(this.time, leg, since)
      if (leg === millis) return this.wake()
      advance(this.time, this.clock.currentTimeMillisUnsafe())
      if (this.at > this.time.now) this.sleep(false)
      else this.wake()
    })
  }

  private asleep(millis: number): Effect.Effect<void> {
    const sleep = this.clock.sleep(Duration.millis(millis))
    return millis === 0 ? Effect.andThen(Effect.yieldNow, sleep) : sleep
  }

  clear(): void {
    this.sleeping?.interruptUnsafe()
    this.sleeping = undefined
    this.at = Number.POSITIVE_INFINITY
  }
}

// ---- internal ----

const none = -1

const leastCapacity = 256

/** The size of the table of recent times: a power of two. */
const remembered = 512

/** From this size on the heap grows slowly, since a heap that has just grown holds unused memory. */
const large = 16_384
const slowGrowth = 1.125

const grownFrom = (capacity: number): number => Math.ceil(capacity * (capacity < large ? 2 : slowGrowth))

const grown = <T extends Int32Array | Float64Array>(from: T, to: T): T => {
  to.set(from)
  return to
}
