import type { Site } from "./target.ts"

/** The sites where somebody stands in line, served one after the other. */
export class Turns {
  private readonly sites: Array<Site> = []
  private at = 0
  /** Those of them where checks are gathered. */
  private readonly gathering = new Set<Site>()

  /** How many sites there are, those included whose line has gone meanwhile. */
  get length(): number {
    return this.sites.length
  }

  /** Lets a site take its turns, the first one after all others had theirs. */
  enter(site: Site): void {
    if (site.inTurn) return
    site.inTurn = true
    this.sites.splice(this.at++, 0, site)
    if (site.batch !== undefined) this.gathering.add(site)
  }

  /** The site whose turn it is; the next call tells another one, if there is one. */
  next(): Site | undefined {
    while (this.sites.length > 0) {
      if (this.at >= this.sites.length) this.at = 0
      const site = this.sites[this.at]!
      if (!site.line.isEmpty) {
        this.at++
        return site
      }
      site.inTurn = false
      this.sites.splice(this.at, 1)
      this.gathering.delete(site)
    }
    return undefined
  }

  /** When the first request is due of those that are gathered. */
  gatheredAt(now: number): number {
    let first = Number.POSITIVE_INFINITY
    for (const site of this.gathering) {
      if (!site.isReady(now, Number.POSITIVE_INFINITY)) first = Math.min(first, site.gatherUntil)
    }
    return first
  }
}
