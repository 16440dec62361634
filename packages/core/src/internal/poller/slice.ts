/** How much an engine does before others get a turn. */
export class Slice {
  private startedAt = 0
  /** How many errands began, and how many of them are not over. */
  private begun = 0
  private inAir = 0

  start(now: number): void {
    this.startedAt = now
    this.begun = this.inAir = 0
  }

  /** Takes note of an errand that begins; tells from time to time that it is time to look at the clock. */
  began(): boolean {
    this.inAir++
    return ++this.begun % most === 0
  }

  /** Takes note of an errand that is over. */
  landed(): void {
    if (this.inAir > 0) this.inAir--
  }

  isOver(now: number): boolean {
    return this.inAir >= most || (this.begun >= most && now - this.startedAt >= longest)
  }
}

/**
 * How many waits are woken in a turn, and how many of the looks that began in it may be under way: as many as fit into the
 * caches of a processor.
 */
export const most = 64

// ---- internal ----

/** How long looks may begin in a turn, in milliseconds, where they end as soon as they began. */
const longest = 2
