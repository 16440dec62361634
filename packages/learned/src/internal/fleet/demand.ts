import type { Kind } from "../live.ts"
import { planFor } from "../plan.ts"
import { cumulative, expectedOf, quantile } from "../price.ts"

// How many requests jobs need at a price: by the plans for what is believed of their durations, and the rate at which
// they start. Times are seconds.

/** The prices for which requests are worked out: half an octave apart. */
const prices = Array.from({ length: 41 }, (_, index) => 0.01 * 2 ** (index / 2))

/** How long such figures are used. */
const freshFor = 10

/** The time after which the start of a job counts for less, in multiples of how long jobs take, and its bounds. */
const horizonOf = (typical: number): number => Math.max(60, Math.min(3_600, 2 * typical))

/** The jobs of one kind. */
export class Demand {
  private readonly kind: Kind
  private starts = 0
  private readonly since: number
  private at: number
  /** After how many seconds the start of a job counts for less. */
  horizon = 60
  private figures: ReadonlyArray<number | undefined> = []
  private chances: Float64Array | undefined
  private figuredAt = Number.NEGATIVE_INFINITY

  constructor(kind: Kind, now: number) {
    this.kind = kind
    this.since = now
    this.at = now
  }

  started(now: number): void {
    this.fade(now)
    this.starts++
  }

  get job(): string {
    return this.kind.job
  }

  /** How many jobs start in a second. */
  rate(now: number): number {
    this.fade(now)
    const seen = Math.max(1, this.horizon * -Math.expm1(-(now - this.since) / this.horizon))
    return this.starts / seen
  }

  /** How many requests a job needs at a price. */
  requests(w: number, now: number): number {
    if (now - this.figuredAt > freshFor) {
      this.figuredAt = now
      this.figures = []
      this.chances = this.kind.endings === 0 ? undefined : cumulative(this.kind.likely)
      if (this.chances !== undefined) this.horizon = horizonOf(quantile(this.chances, 0.8))
    }
    const place = Math.max(0, Math.min(prices.length - 1.001, 2 * Math.log2(w / prices[0]!)))
    const index = Math.floor(place)
    const part = place - index
    return Math.exp((1 - part) * Math.log(this.figure(index)) + part * Math.log(this.figure(index + 1)))
  }

  private figure(index: number): number {
    const known = this.figures[index]
    if (known !== undefined) return known
    const w = prices[index]!
    const found =
      this.chances === undefined
        ? Math.max(1, Math.sqrt((2 * unknown) / w))
        : expectedOf(planFor(this.kind.beliefs.mixture, w), this.chances, 0).checks
    const figures = [...this.figures]
    figures[index] = found
    this.figures = figures
    return found
  }

  private fade(now: number): void {
    if (now > this.at) this.starts *= Math.exp((this.at - now) / this.horizon)
    this.at = Math.max(this.at, now)
  }
}

/** How long a job is taken to last while nothing is known. */
const unknown = 60
