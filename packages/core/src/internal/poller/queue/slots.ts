/**
 * Spreads what would begin at the same time over a span: the first begins at once, each further one a slot after the
 * one before, until the span is full; then between those. A slot is a hundredth of the span, at least a millisecond: a
 * hundred fill the span, and a few are not delayed by much.
 */
export class Slots {
  private nextAt = 0

  /** When the next one begins: from `from` on, before `from + span`; in milliseconds. */
  next(from: number, span: number, random: () => number): number {
    if (span < 1) return from
    const slot = Math.max(1, span / slots)
    const grid = Math.max(1, Math.floor(span / places))
    if (this.nextAt <= from) {
      this.nextAt = from + slot
      return from
    }
    if (this.nextAt >= from + span) this.nextAt = from
    const at = this.nextAt + random() * slot
    this.nextAt += slot
    // Few different times, since a timer costs by the time, not by what is due then.
    return Math.max(from, Math.floor(Math.min(at, from + span - 1) / grid) * grid)
  }
}

// ---- internal ----

/** How many fill a span, and how many different times there are in it, at most. */
const slots = 100
const places = 1_000
