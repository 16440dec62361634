/** Limits how often something is done: up to `times` in a row, then once every `every` milliseconds. */
export class Allowance {
  private readonly every: number
  private readonly ahead: number
  /** When the full number of times is allowed again. */
  private fullAt = Number.NEGATIVE_INFINITY

  constructor(times: number, every: number) {
    this.every = every
    this.ahead = (times - 1) * every
  }

  /** The time from which it may be done. */
  get readyAt(): number {
    return this.fullAt - this.ahead
  }

  /** Records that it was done. */
  take(now: number): void {
    this.fullAt = Math.max(this.fullAt, now) + this.every
  }
}
