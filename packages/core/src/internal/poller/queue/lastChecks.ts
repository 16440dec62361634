import { longestCheck, type Timeline, type Wait } from "../../machine/wait.ts"
import type { Limits } from "../dispatcher.ts"
import { targetOf } from "../target.ts"

/**
 * The calendar of last checks: many waits with one deadline would make theirs at the same time, more than there is room
 * for. Each gets a place, as late as possible.
 *
 * Time is divided into slots. A slot holds the checks that half of the Poller's concurrency can make in it, weighed by
 * how long they take; a check without room in its slot goes to the latest one before that has some. A full slot links to
 * the one before, and links are shortened when they are followed, so that full slots cost nothing.
 */
export class LastChecks {
  private readonly time: Timeline
  private readonly limits: Limits
  /** How much is reserved by slot, in milliseconds of one check at a time. */
  private readonly used = new Map<number, number>()
  /** The slot to look at instead of one that is full. */
  private readonly links = new Map<number, number>()
  private readonly room: number
  /** What was reserved and released since the links were made. */
  private reserved = 0
  private released = 0
  private sweepAt = leastSweep

  constructor(time: Timeline, limits: Limits) {
    this.time = time
    this.limits = limits
    this.room = (limits.concurrency * width) / 2
  }

  /** How many slots are known. */
  get size(): number {
    return this.used.size
  }

  /** Finds a place for the last check of a wait, at `latest` or before, and not before half of the time until then. */
  reserve(wait: Wait, latest: number): number {
    if (this.room === Number.POSITIVE_INFINITY) return latest
    const { now } = this.time
    const first = Math.ceil((now + (latest - now) / 2) / width)
    let rest = this.weigh(wait)
    this.reserved += rest
    for (let slot = this.latestFree(slotOf(latest)); slot >= first; slot = this.latestFree(slot)) {
      const used = this.used.get(slot) ?? 0
      const sum = Math.min(this.room, used + rest)
      this.set(slot, sum)
      rest -= sum - used
      if (sum >= this.room) this.links.set(slot, slot - 1)
      // What is left of a sum of fractions may never be 0.
      if (sum < this.room || rest <= 0) return Math.min(latest, (slot + 1) * width - 1)
    }
    // There are more than can be made: those beyond that queue.
    return latest
  }

  /** Gives back the place of a wait, if its time is still to come. */
  release(wait: Wait, at: number): void {
    const present = slotOf(this.time.now)
    let rest = this.weigh(wait)
    this.released += rest
    for (let slot = slotOf(at); slot > present && rest > 0; slot++) {
      const used = this.used.get(slot)
      if (used === undefined) break
      const taken = Math.min(used, rest)
      rest -= taken
      if (used > taken) this.used.set(slot, used - taken)
      else this.used.delete(slot)
      this.links.delete(slot)
    }
    // Links that pass over slots with room are made anew from time to time.
    if (this.released > leastReleased && this.released * 2 > this.reserved) this.sweep()
  }

  /** How much of the calendar a check takes. */
  private weigh(wait: Wait): number {
    const { concurrency, concurrencyPerJob } = this.limits
    const perRequest = targetOf(wait).batch?.max ?? 1
    return (longestCheck(wait) * Math.max(1, concurrency / concurrencyPerJob)) / perRequest
  }

  private set(slot: number, used: number): void {
    this.used.set(slot, used)
    if (this.used.size >= this.sweepAt) this.sweep()
  }

  private latestFree(slot: number): number {
    let free = slot
    for (let next = this.links.get(free); next !== undefined; next = this.links.get(free)) free = next
    let passed = slot
    for (let next = this.links.get(passed); next !== undefined && next !== free; next = this.links.get(passed)) {
      this.links.set(passed, free)
      passed = next
    }
    return free
  }

  /** Forgets slots of the past, and makes the links anew. */
  private sweep(): void {
    const present = slotOf(this.time.now)
    this.links.clear()
    this.reserved = this.released = 0
    for (const [slot, used] of this.used) {
      if (slot < present) this.used.delete(slot)
      else {
        this.reserved += used
        if (used >= this.room) this.links.set(slot, slot - 1)
      }
    }
    this.sweepAt = Math.max(leastSweep, 2 * this.used.size)
  }
}

// ---- internal ----

/** The width of a slot, in milliseconds. */
const width = 16

const leastSweep = 4_096

/** How much is released before the links are made anew, in milliseconds of one check at a time. */
const leastReleased = 60_000

const slotOf = (at: number): number => Math.floor(at / width)
