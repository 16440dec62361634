/** How much an engine does before others get a turn. */
export class Slice {
  private startedAt = 0
  /** How many waits were woken, and how many errands began; how many of those are not over. */
  private woken = 0
  private begun = 0
  private inAir = 0

  start(now: number): void {
    this.startedAt = now
    this.woken = this.begun = this.inAir = 0
  }

  /** Takes note of waits that were woken; tells whether the others that are due wait for the next turn. */
  woke(count: number, now: number): boolean {
    this.woken += count
    return this.begun >= most || this.woken >= mostWoken || this.isLong(now)
  }

  /** Takes note of an errand that begins; tells from time to time that it is time to check the clock. */
  began(): boolean {
    this.inAir++
    return ++this.begun % most === 0
  }

  /** Takes note of an errand that is over. */
  landed(): void {
    if (this.inAir > 0) this.inAir--
  }

  /** Whether no more checks begin. */
  isOver(now: number): boolean {
    return this.inAir >= most || (this.begun >= most && this.isLong(now))
  }

  private isLong(now: number): boolean {
    return now - this.startedAt >= longest
  }
}

/** How many of the checks that began in a turn may be under way: as many as fit into the caches of a processor. */
export const most = 64

// ---- internal ----

/** How many waits are woken in a turn, where they share requests, or stand in line. */
const mostWoken = 1_024

/** How long checks may begin in a turn, in milliseconds, where they end as soon as they began. */
const longest = 2
