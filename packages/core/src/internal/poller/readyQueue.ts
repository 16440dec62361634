import type { Wait } from "../machine/wait.ts"
import { standsInLine } from "./inFlight.ts"

/** The waits of a site that stand in line for a check, first come, first served. Who leaves the line is passed over. */
export class Line {
  private waits: Array<Wait> = []
  /** Where the line begins; those before have been served. */
  private served = 0
  private sweepAt = leastSweep

  /** How many waits it holds, those that have left it included. */
  get size(): number {
    return this.waits.length - this.served
  }

  /** Whether nobody stands in it. */
  get isEmpty(): boolean {
    while (this.served < this.waits.length && !standsInLine(this.waits[this.served]!)) this.served++
    if (this.served === this.waits.length && this.served > 0) this.set([])
    return this.waits.length === 0
  }

  /** Whether waits for so many keys stand in it. */
  hasKeys(count: number): boolean {
    if (this.size < count) return false
    const keys = new Set<string>()
    for (let at = this.served; at < this.waits.length && keys.size < count; at++) {
      const wait = this.waits[at]!
      if (standsInLine(wait)) keys.add(wait.key)
    }
    return keys.size === count
  }

  push(wait: Wait): void {
    this.waits.push(wait)
    if (this.waits.length < this.sweepAt) return
    // Those that have left it behind its first may be many.
    this.set([...new Set(this.waits.slice(this.served).filter(standsInLine))])
    this.sweepAt = Math.max(leastSweep, 2 * this.waits.length)
  }

  /** The first, of a line that is not empty. */
  next(): Wait {
    const wait = this.waits[this.served++]!
    if (this.isLong) this.set(this.waits.slice(this.served))
    return wait
  }

  /** The first, and those behind it that are alike, for so many keys at most. */
  nextAlike(most: number, areAlike: (a: Wait, b: Wait) => boolean): ReadonlyArray<Wait> {
    const first = this.waits[this.served]!
    // Who has left the line and come back stands in it twice.
    const taken = new Set<Wait>()
    const keys = new Set<string>()
    const passed: Array<Wait> = []
    while (!this.isEmpty && keys.size < most && passed.length < most) {
      const wait = this.waits[this.served++]!
      if (wait === first || areAlike(first, wait)) {
        taken.add(wait)
        keys.add(wait.key)
      } else passed.push(wait)
    }
    if (passed.length > 0 || this.isLong) this.set([...passed, ...this.waits.slice(this.served)])
    return [...taken]
  }

  /** Whether most of the line has been served. */
  private get isLong(): boolean {
    return this.served > leastServed && this.served * 2 > this.waits.length
  }

  private set(waits: Array<Wait>): void {
    this.waits = waits
    this.served = 0
  }
}

// ---- internal ----

const leastSweep = 2_048

const leastServed = 1_024
