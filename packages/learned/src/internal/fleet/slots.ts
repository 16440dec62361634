// When requests may be made under a budget: one after the other at an even rate, with a few at once after a pause.

/** Times are milliseconds. */
export class Slots {
  /** When the next request may be made if requests had been even so far. */
  private next = 0
  /** The turns of those that were told to come back, in the order of their times. */
  private readonly turns = new Map<string, number>()
  private readonly interval: number
  private readonly allowance: number

  /** `burst` is how many requests may follow each other at once. */
  constructor(perSecond: number, burst: number) {
    this.interval = 1000 / perSecond
    this.allowance = (burst - 1) * this.interval
  }

  /** Returns 0 if a request may be made now, otherwise in how many milliseconds `name` has its turn. */
  ask(name: string, now: number): number {
    this.dropLost(now)
    const turn = this.turns.get(name)
    if (turn !== undefined) {
      if (turn > now) return turn - now
      this.turns.delete(name)
      return 0
    }
    const at = Math.max(this.next, now - this.allowance)
    this.next = at + this.interval
    if (at <= now) return 0
    this.turns.set(name, at)
    return at - now
  }

  /** How long a request that comes now has to wait. */
  backlog(now: number): number {
    return Math.max(0, this.next - now)
  }

  /** Forgets turns that nobody came for: their waits have ended. */
  private dropLost(now: number): void {
    for (const [name, at] of this.turns) {
      if (at > now - lost) return
      this.turns.delete(name)
    }
  }
}

// ---- internal ----

/** How long a turn is kept, in milliseconds. */
const lost = 5_000
