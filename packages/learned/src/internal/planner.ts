import type { Kind, Live } from "./live.ts"
import { bestCheck, coldCheck, nextCheck, type Plan } from "./plan.ts"
import { coldPrice, planAt, type Price } from "./price.ts"
import { type Sample, tenthOf, withProgress } from "./progress.ts"

// When a strategy checks: by the plan for the class of the job, which is replaced as jobs end.

/** The least time between two plans for a class, in milliseconds. */
const leastAge = 100

/** By how much a price that others set has to change for another plan. */
const leastChange = 0.02

/** What a strategy goes by: `plan` is undefined while nothing is known. Immutable. */
export interface Table {
  readonly w: number
  readonly plan: Plan | undefined
  readonly version: number
  /** The price that was given when it was made. */
  readonly given: number
  readonly at: number
}

/** Makes a table of what is known now. */
export const tableOf = (live: Live, kind: Kind, price: Price): Table => {
  const given = coldPrice(price)
  const isCold = kind.endings === 0 && live.hint === undefined
  const plan = isCold ? undefined : planAt(price, kind.beliefs.mixture, () => kind.likely)
  return { w: plan?.w ?? given, plan, version: kind.version, given, at: live.now }
}

/** The age of the next check in seconds, for a job that is pending at an age. */
export const nextAge = ({ plan, w }: Table, age: number): number =>
  plan === undefined ? coldCheck(w, age) : nextCheck(plan, age)

/** The same for a job with a progress. */
export const nextAgeWith = (kind: Kind, table: Table, sample: Sample | undefined, age: number): number => {
  if (sample === undefined || tenthOf(sample.progress) === undefined) return nextAge(table, age)
  const row = withProgress(kind.counts.progress, kind.beliefs.mixture, sample, age)
  return bestCheck(row, table.w, age)
}

/** The tables of one strategy, by class. Each is replaced at most every 100 milliseconds. */
export class Planner {
  readonly live: Live
  readonly price: Price
  private readonly tables = new WeakMap<Kind, Table>()

  constructor(live: Live, price: Price) {
    this.live = live
    this.price = price
  }

  table(kind: Kind): Table {
    const known = this.tables.get(kind)
    if (known !== undefined && (!this.isOld(known, kind) || this.live.now - known.at < leastAge)) return known
    const table = tableOf(this.live, kind, this.price)
    this.tables.set(kind, table)
    return table
  }

  private isOld({ given, version }: Table, kind: Kind): boolean {
    if (version !== kind.version) return true
    if (this.price._tag !== "Given") return false
    return Math.abs(this.price.current() - given) > leastChange * given
  }
}
