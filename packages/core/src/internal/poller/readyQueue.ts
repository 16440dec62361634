import type { Wait } from "../machine/wait.ts"
import { isQueued } from "./inFlight.ts"

/** The waits of a target that are due and wait for room, first in, first out. Waits that have left are skipped. */
export class ReadyQueue {
  private waits: Array<Wait> = []
  /** Where the queue begins. */
  private head = 0
  private sweepAt = leastSweep

  /** How many waits it holds, those that have left included. */
  get size(): number {
    return this.waits.length - this.head
  }

  get isEmpty(): boolean {
    while (this.head < this.waits.length && !isQueued(this.waits[this.head]!)) this.head++
    if (this.head === this.waits.length && this.head > 0) this.set([])
    return this.waits.length === 0
  }

  /** The first wait that has not left. */
  get first(): Wait | undefined {
    return this.isEmpty ? undefined : this.waits[this.head]
  }

  /** Whether it has waits for at least `count` keys. */
  hasKeys(count: number): boolean {
    if (this.size < count) return false
    const keys = new Set<string>()
    for (let at = this.head; at < this.waits.length && keys.size < count; at++) {
      const wait = this.waits[at]!
      if (isQueued(wait)) keys.add(wait.key)
    }
    return keys.size === count
  }

  push(wait: Wait): void {
    this.waits.push(wait)
    if (this.waits.length < this.sweepAt) return
    // Many behind the first may have left.
    this.set([...new Set(this.waits.slice(this.head).filter(isQueued))])
    this.sweepAt = Math.max(leastSweep, 2 * this.waits.length)
  }

  /** Takes the first wait of a queue that is not empty. */
  next(): Wait {
    const wait = this.waits[this.head++]!
    if (this.isMostlyTaken) this.set(this.waits.slice(this.head))
    return wait
  }

  /** Takes the first wait, and those behind it that are alike, for at most `most` keys. */
  nextAlike(most: number, areAlike: (a: Wait, b: Wait) => boolean): ReadonlyArray<Wait> {
    const first = this.waits[this.head]!
    // A wait that left and came back is in the queue twice.
    const taken = new Set<Wait>()
    const keys = new Set<string>()
    const passed: Array<Wait> = []
    while (!this.isEmpty && keys.size < most && passed.length < most) {
      const wait = this.waits[this.head++]!
      if (wait === first || areAlike(first, wait)) {
        taken.add(wait)
        keys.add(wait.key)
      } else passed.push(wait)
    }
    if (passed.length > 0 || this.isMostlyTaken) this.set([...passed, ...this.waits.slice(this.head)])
    return [...taken]
  }

  private get isMostlyTaken(): boolean {
    return this.head > leastTaken && this.head * 2 > this.waits.length
  }

  private set(waits: Array<Wait>): void {
    this.waits = waits
    this.head = 0
  }
}

// ---- internal ----

const leastSweep = 2_048

const leastTaken = 1_024
