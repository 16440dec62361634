/** The time of the next try after failures: the delay doubles with each failure in a row. */
export class Backoff {
  /** The number of failures in a row. */
  failures = 0
  /** The time before which nothing is tried. */
  notBefore = Number.NEGATIVE_INFINITY
  private readonly base: number
  private readonly most: number
  private readonly random: () => number

  constructor(random: () => number, base = 200, most = 5_000) {
    this.random = random
    this.base = base
    this.most = most
  }

  failed(now: number): void {
    // Jitter, so that the processes that saw the same outage do not all retry at once.
    const spread = 0.75 + this.random() / 2
    this.notBefore = now + spread * Math.min(this.most, this.base * 2 ** Math.min(this.failures, 20))
    this.failures++
  }

  succeeded(): void {
    this.failures = 0
    this.notBefore = Number.NEGATIVE_INFINITY
  }
}
