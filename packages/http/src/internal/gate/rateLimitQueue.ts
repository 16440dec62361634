// The checks that wait for a rate: first come, first served. Each has a slot, and asks again at its time. So a check
// that waits never asks in vain, and one that was just served does not go before those that wait.

/** When a check may ask again. */
interface Slot {
  readonly check: string
  readonly at: number
  over: boolean
}

/** Whether a check may be served: in its own slot, in one that is free, or not now. */
export type Claim = "own" | "free" | "none"

/** How late a check may come for its slot. */
const graceMillis = 1_000

export class RateLimitQueue {
  /** The slots of each check. A check of two waits for one key has two. */
  private readonly byCheck = new Map<string, Array<Slot>>()
  /** All slots in the order in which they were given, apart from those at the front that are over. */
  private readonly slots: Array<Slot> = []
  private first = 0
  private waiting = 0
  /** Slots that expired unused: other checks may take them. */
  private spare = 0
  private lastAt = 0
  private lastAgainAt = 0
  private readonly paceMillis: number

  /** `paceMillis` is the time between two slots. */
  constructor(paceMillis: number) {
    this.paceMillis = paceMillis
  }

  isEmpty(now: number): boolean {
    this.sweep(now)
    return this.waiting === 0
  }

  /** Uses up a slot for a check: its own if that is due, otherwise one that is free. */
  claim(check: string, now: number): Claim {
    this.sweep(now)
    const own = this.byCheck.get(check)?.find(({ at }) => at <= now)
    if (own !== undefined) {
      this.remove(own)
      return "own"
    }
    if (this.waiting === 0) return "free"
    if (this.spare === 0) return "none"
    this.spare--
    return "free"
  }

  /** Gives a check the slot behind all others, not before `from`, and returns its time. */
  join(check: string, from: number): number {
    this.lastAt = Math.max(from, this.waiting === 0 ? 0 : this.lastAt + this.paceMillis)
    return this.give(check, this.lastAt)
  }

  /**
   * Gives another slot to a check that came in its own and could not be served, not before `from`; returns its time.
   */
  again(check: string, from: number): number {
    this.lastAgainAt = Math.max(from, this.lastAgainAt + this.paceMillis)
    this.lastAt = Math.max(this.lastAt, this.lastAgainAt)
    return this.give(check, this.lastAgainAt)
  }

  private give(check: string, at: number): number {
    const slot: Slot = { check, at, over: false }
    const own = this.byCheck.get(check)
    if (own === undefined) this.byCheck.set(check, [slot])
    else own.push(slot)
    this.slots.push(slot)
    this.waiting++
    return at
  }

  private remove(slot: Slot): void {
    const own = this.byCheck.get(slot.check)!
    if (own.length === 1) this.byCheck.delete(slot.check)
    else own.splice(own.indexOf(slot), 1)
    slot.over = true
    if (--this.waiting === 0) this.spare = 0
  }

  /** Drops the slots at the front that are over, and those that expired unused. */
  private sweep(now: number): void {
    for (let slot = this.slots[this.first]; slot !== undefined; slot = this.slots[++this.first]) {
      if (slot.over) continue
      if (slot.at + graceMillis >= now) break
      this.spare++
      this.remove(slot)
    }
    if (this.first > 1_000 && 2 * this.first > this.slots.length) {
      this.slots.splice(0, this.first)
      this.first = 0
    }
  }
}
