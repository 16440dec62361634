import type { Errand } from "./inFlight.ts"
import type { Site } from "./target.ts"

/** The figures of an engine, checked and in milliseconds. */
export interface Limits {
  readonly concurrency: number
  readonly concurrencyPerJob: number
  /** Checks that are due within so long are begun together. */
  readonly coalesce: number
  /** How long the end of a key is kept for who asks again. */
  readonly linger: number
}

/** How many checks, with the questions to their gates, are under way, and whether more may be. */
export class Bounds {
  underWay = 0
  private readonly limits: Limits

  constructor(limits: Limits) {
    this.limits = limits
  }

  count({ kind, site }: Errand, by: 1 | -1): void {
    if (kind === "task") return
    this.underWay += by
    site.traffic.underWay += by
  }

  get isFull(): boolean {
    return this.underWay >= this.limits.concurrency
  }

  hasRoomFor(site: Site): boolean {
    return !this.isFull && site.traffic.underWay < this.limits.concurrencyPerJob
  }
}
