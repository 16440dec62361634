import type { Kind } from "../live.ts"
import { Batches } from "./batches.ts"
import { Demand } from "./demand.ts"
import { Slots } from "./slots.ts"

// The one price of a fleet: that at which the plans of all jobs together use the budget.

/** What is planned for of the budget: the rest takes up how unevenly checks come. */
const planned = 0.97

/** How often the price is set, in milliseconds. */
const every = 1_000

/** Over how many seconds the requests are measured. */
const measured = 30

/** Within how many seconds requests that wait are to be made, besides those that are planned. */
const relieved = 60

/** How many seconds an error has to last for the price to change by a factor of e. */
const corrected = 300

/** How many seconds a request may wait without this counting as an error. */
const longBacklog = 2

const leastPrice = 0.01
const greatestPrice = 3_600

/** Times are milliseconds, prices are seconds. */
export class Control {
  readonly slots: Slots
  private readonly budget: number
  private readonly now: () => number
  private readonly demands = new Map<Kind, Demand>()
  private readonly requestsPerSecond: number
  private readonly batch: number
  private readonly batches = new Map<string, Batches>()
  private price = 1
  private setAt: number
  private readonly since: number
  /** By how much the price differs from that of the plans, since jobs are not as believed. */
  private correction = 1
  /** By how much it is higher until the requests that wait have been made. */
  private relief = 1
  /** The price of the plans. */
  private base = 1
  private requests = 0

  constructor(requestsPerSecond: number, batch: number, burst: number, now: () => number) {
    this.slots = new Slots(requestsPerSecond, burst)
    this.requestsPerSecond = requestsPerSecond
    this.batch = batch
    this.budget = planned * requestsPerSecond * batch
    this.now = now
    this.since = this.setAt = now()
  }

  /** How many seconds of lag one request is worth now. */
  readonly current = (): number => {
    const now = this.now()
    if (now - this.setAt >= every) this.set(now)
    return this.price
  }

  /** A job of this kind has started. */
  started(kind: Kind): void {
    const now = this.now() / 1000
    const demand = this.demands.get(kind) ?? new Demand(kind, now)
    this.demands.set(kind, demand)
    demand.started(now)
  }

  /** Asks for a turn: 0 if a request may be made now, otherwise the time until then. */
  ask(job: string, key: string): number {
    const now = this.now()
    if (this.batch === 1) return this.counted(this.slots.ask(`${job}\n${key}`, now))
    // A request for many is asked for in the name of any of its jobs, and waits until there are enough of them.
    const batches = this.batchesOf(job)
    const ready = batches.readyAt(now)
    if (ready > now) return ready - now
    const wait = this.counted(this.slots.ask(job, now))
    if (wait === 0) batches.made(now)
    return wait
  }

  /** Plans a check of a job after a delay, which is returned: it may be shorter where requests are for many. */
  plan(job: string, delay: number, isFirst: boolean): number {
    return this.batch === 1 ? delay : this.batchesOf(job).plan(this.now(), delay, isFirst)
  }

  private batchesOf(job: string): Batches {
    const known = this.batches.get(job)
    if (known !== undefined) return known
    const batches = new Batches(this.batch)
    this.batches.set(job, batches)
    return batches
  }

  private counted(wait: number): number {
    if (wait === 0) this.requests++
    return wait
  }

  private set(now: number): void {
    const passed = (now - this.setAt) / 1000
    this.setAt = now
    this.correct(now, passed)
    const wanted = this.planned(now / 1000)
    this.price = Math.max(leastPrice, Math.min(greatestPrice, wanted * this.correction * this.relief))
  }

  /** The price at which the plans use the budget. */
  private planned(now: number): number {
    const kinds = [...this.demands.values()].map((demand) => ({
      demand,
      rate: demand.rate(now) / this.fillOf(demand.job)
    }))
    if (kinds.every(({ rate }) => rate < 1e-6)) return this.base
    let low = Math.log(leastPrice)
    let high = Math.log(greatestPrice)
    for (let round = 0; round < 20; round++) {
      const middle = (low + high) / 2
      const w = Math.exp(middle)
      let needed = 0
      for (const { demand, rate } of kinds) needed += rate * demand.requests(w, now)
      if (needed > this.budget) low = middle
      else high = middle
    }
    this.base = Math.exp((low + high) / 2)
    return this.base
  }

  /** Which part of a request for many is used. */
  private fillOf(job: string): number {
    return this.batches.get(job)?.fill ?? 1
  }

  /** Slowly, since a new price only shows once the checks that are planned have been made. */
  private correct(now: number, passed: number): void {
    const backlog = this.slots.backlog(now) / 1000
    this.requests *= Math.exp(-passed / measured)
    const used = this.requests / (measured * this.requestsPerSecond)
    const settled =
      (now - this.since) / 1000 > 2 * Math.max(...[...this.demands.values()].map(({ horizon }) => horizon))
    const error = backlog > longBacklog ? Math.min(3, backlog / 10) : settled && used < 0.9 ? used - 0.9 : 0
    this.correction *= Math.exp((error * Math.min(passed, measured)) / corrected)
    this.correction = Math.max(0.25, Math.min(1e4, this.correction))
    this.relief = 1 + (2 * backlog) / relieved
  }
}
