import type * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { advance, longestLeg, slept, type Timeline, timeUntil } from "../../machine/wait.ts"
import { mostInHeap, Recent, TimerHeap } from "./timerHeap.ts"

/**
 * A queue of items by the time they are due, the earliest first; items of one time come out mostly in the order in
 * which they went in.
 *
 * It has a heap for each few thousand items: nothing that it does takes long, however many items there are.
 *
 * An item is not removed when it is no longer due: it goes stale, which `isLive` tells, and is dropped when it comes
 * up. Whoever makes an item stale calls `drop`; when half of the items may be stale, they are swept, a heap at a time.
 */
export class TimerQueue<A> {
  private readonly isLive: (item: A, due: number) => boolean
  private readonly heaps: Array<TimerHeap<A>>
  /** When the first item of each heap is due: one after the other in memory. */
  private readonly fronts: Array<number> = [Number.POSITIVE_INFINITY]
  /** The heap that new items go to. */
  private current: TimerHeap<A>
  private readonly recent = new Recent()
  /** How many items there are, and how many of them may be stale. */
  private count = 0
  private stale = 0
  /** Which heap is swept next, how many have been swept one after the other, and how many items went stale since. */
  private sweepAt = 0
  private swept = 0
  private sinceSweep = 0
  /** When the items are due that are being taken; kept to save allocations. */
  private readonly popped: Array<number> = []

  constructor(isLive: (item: A, due: number) => boolean) {
    this.isLive = isLive
    this.current = new TimerHeap()
    this.heaps = [this.current]
    this.current.recent = this.recent
  }

  /** How many items there are, stale ones included. */
  get size(): number {
    return this.count
  }

  push(item: A, due: number): void {
    if (this.current.size >= mostInHeap) this.fill(this.heapWithRoom())
    const { current, fronts } = this
    current.push(item, due)
    if (due < fronts[current.at]!) fronts[current.at] = due
    this.count++
  }

  /** When the first live item is due; `Infinity` if there is none. */
  next(): number {
    while (this.count > 0) {
      const heap = this.earliest()
      const { due } = heap
      if (this.isLive(heap.first, due)) return due
      heap.pop()
      this.count--
      this.settle(heap)
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
      while (taken.length < most && this.count > 0) {
        const heap = this.earliest()
        const due = this.fronts[heap.at]!
        if (due > now) break
        do {
          popped[taken.length] = due
          taken.push(heap.pop())
          this.count--
        } while (taken.length < most && heap.due === due)
        this.settle(heap)
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
    this.sinceSweep++
    if (this.stale <= leastStale || this.stale * 2 <= this.count) {
      this.swept = 0
      return
    }
    const { heaps } = this
    if (heaps.length === 1 || this.swept > heaps.length) this.sweepAll()
    else if (this.sinceSweep > betweenSweeps) this.sweep(heaps[(this.sweepAt = (this.sweepAt + 1) % heaps.length)]!)
  }

  private earliest(): TimerHeap<A> {
    const { fronts } = this
    let found = 0
    for (let at = 1; at < fronts.length; at++) if (fronts[at]! < fronts[found]!) found = at
    return this.heaps[found]!
  }

  /** Called when items have left a heap. One that has become empty is removed, unless items go to it. */
  private settle(heap: TimerHeap<A>): void {
    const { fronts, heaps } = this
    fronts[heap.at] = heap.due
    if (heap.size > 0 || heap === this.current) return
    heaps.splice(heap.at, 1)
    fronts.splice(heap.at, 1)
    for (let { at } = heap; at < heaps.length; at++) heaps[at]!.at = at
  }

  private heapWithRoom(): TimerHeap<A> {
    const known = this.heaps.find(({ size }) => size < refilled)
    if (known !== undefined) return known
    const heap = new TimerHeap<A>()
    heap.at = this.heaps.length
    this.heaps.push(heap)
    this.fronts.push(Number.POSITIVE_INFINITY)
    return heap
  }

  /** Lets items go to a heap. */
  private fill(heap: TimerHeap<A>): void {
    this.current.recent = undefined
    this.current = heap
    heap.recent = this.recent
    this.recent.clear()
  }

  /** Keeps the live items of a heap, in as much memory as they need. */
  private sweep(heap: TimerHeap<A>): void {
    const before = heap.size
    this.sinceSweep = 0
    this.swept++
    const live: Array<A> = []
    const dues: Array<number> = []
    heap.empty((item, due) => {
      if (!this.isLive(item, due)) return
      live.push(item)
      dues.push(due)
    })
    const { current } = this
    this.fill(heap)
    for (const [at, item] of live.entries()) heap.push(item, dues[at]!)
    this.fill(current)
    const removed = before - heap.size
    this.count -= removed
    this.stale = Math.max(0, this.stale - removed)
    this.settle(heap)
  }

  /** Keeps the live items, each once. */
  private sweepAll(): void {
    const live: Array<A> = []
    const dues: Array<number> = []
    for (const heap of this.heaps) {
      heap.empty((item, due) => {
        if (!this.isLive(item, due)) return
        live.push(item)
        dues.push(due)
      })
    }
    // Fewer are stale than `drop` counted: some came back to the time they had left, and are here twice.
    const seen = live.length > this.count - this.stale ? new Set<A>() : undefined
    const [first] = this.heaps
    this.heaps.length = this.fronts.length = 1
    this.fronts[0] = Number.POSITIVE_INFINITY
    this.fill(first!)
    this.count = this.stale = this.swept = this.sinceSweep = 0
    for (const [at, item] of live.entries()) {
      if (seen?.has(item) === true) continue
      seen?.add(item)
      this.push(item, dues[at]!)
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

/** A heap that has fewer items is filled again, before there is a new one. */
const refilled = (mostInHeap * 7) / 8

/** From how many stale items on they are swept, and how many go stale from one heap to the next. */
const leastStale = 256
const betweenSweeps = 2_048
