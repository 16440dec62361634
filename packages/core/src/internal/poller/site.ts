import type { Job } from "../../Job.ts"
import type { Status } from "../../Status.ts"
import type { Wait } from "../wait.ts"
import { type Errand, errandOf, standsInLine } from "./errand.ts"

interface End {
  readonly status: Status<unknown, unknown>
  readonly until: number
}

type AnyJob = Job<unknown, unknown, unknown, unknown, unknown, never, unknown>

/** A job as a Poller sees it, with all its sites together: how many of its looks are under way. */
export interface Traffic {
  underWay: number
}

/**
 * The keys of one job that are looked at in one world, that is, with the same services: what its waits share. Waits for
 * the same key share their looks.
 */
export class Site {
  readonly job: AnyJob
  readonly traffic: Traffic
  /** The most keys of one request, where the job has one for many; the time within which looks are gathered for it. */
  readonly batch: { readonly max: number; readonly slack: number } | undefined
  /** Whether it waits for its turn to let looks begin. */
  inTurn = false
  private readonly waits = new Map<string, Wait | Array<Wait>>()
  /** How many keys have more than one wait. */
  private shared = 0
  private line: Array<Wait> = []
  private served = 0
  private nextFirstAt = 0
  // Two generations, of which the older goes as a whole: to delete from a map one by one is slow.
  private newer = new Map<string, End>()
  private older = new Map<string, End>()
  private renewAt = 0

  constructor(job: AnyJob, traffic: Traffic, batch: Site["batch"]) {
    this.job = job
    this.traffic = traffic
    this.batch = batch
  }

  // -- who waits --

  add(wait: Wait): void {
    const before = this.waits.get(wait.key)
    if (before === undefined) this.waits.set(wait.key, wait)
    else if (Array.isArray(before)) before.push(wait)
    else {
      this.waits.set(wait.key, [before, wait])
      this.shared++
    }
  }

  remove(wait: Wait): void {
    const found = this.waits.get(wait.key)
    if (found === wait) this.waits.delete(wait.key)
    if (!Array.isArray(found)) return
    const rest = found.filter((other) => other !== wait)
    this.waits.set(wait.key, rest.length === 1 ? rest[0]! : rest)
    if (rest.length === 1) this.shared--
  }

  /** All waits for this key. */
  of(key: string): ReadonlyArray<Wait> {
    const found = this.waits.get(key)
    return found === undefined ? [] : Array.isArray(found) ? found : [found]
  }

  *[Symbol.iterator](): Generator<Wait> {
    for (const found of this.waits.values()) {
      if (Array.isArray(found)) yield* found
      else yield found
    }
  }

  /** Whether any key has more than one wait. */
  get isShared(): boolean {
    return this.shared > 0
  }

  /** The other waits for the same key that look at the same source. */
  siblings(wait: Wait): ReadonlyArray<Wait> {
    if (this.shared === 0) return nobody
    return this.of(wait.key).filter((other) => other !== wait && other.rare.fallbackKey === wait.rare.fallbackKey)
  }

  /** The look that is under way for the key of this wait, if any. */
  lookFor(wait: Wait): Errand | undefined {
    for (const sibling of this.siblings(wait)) {
      const errand = sibling.phase === "looking" ? errandOf(sibling) : undefined
      if (errand !== undefined && !errand.over) return errand
    }
    return undefined
  }

  // -- who stands in line for a look --

  enqueue(wait: Wait): void {
    this.line.push(wait)
  }

  /** Whether nobody stands in line; those who have left it are forgotten. */
  get isIdle(): boolean {
    while (this.served < this.line.length && !standsInLine(this.line[this.served]!)) this.served++
    if (this.served === this.line.length && this.served > 0) {
      this.line = []
      this.served = 0
    }
    return this.line.length === 0
  }

  /** The first in line and, where the job has a look for many, those that can be looked at with it. */
  dequeue(): ReadonlyArray<Wait> {
    const most = this.batch?.max ?? 1
    const taken: Array<Wait> = []
    const keys = new Set<string>()
    while (!this.isIdle && keys.size < most) {
      const wait = this.line[this.served]!
      const first = taken[0]
      if (first !== undefined && !canLookTogether(first, wait)) break
      this.served++
      taken.push(wait)
      keys.add(wait.key)
      // A job that is looked at elsewhere now is not among those that the request for many knows.
      if (wait.rare.fallbackKey !== undefined) break
    }
    if (this.served > 1024 && this.served * 2 > this.line.length) {
      this.line = this.line.slice(this.served)
      this.served = 0
    }
    return taken
  }

  // -- first looks --

  /**
   * How long the first look of a newcomer is put off: none for the first, and the more the more came at the same time, as
   * many as one each millisecond; at most `atMost`.
   */
  stagger(now: number, atMost: number, random: () => number): number {
    const spread = Math.min(Math.max(0, this.nextFirstAt - now), atMost)
    this.nextFirstAt = Math.max(now, this.nextFirstAt) + 1
    return Math.floor(spread * random())
  }

  // -- the ends of late --

  keep(key: string, status: Status<unknown, unknown>, now: number, linger: number): void {
    if (linger === 0) return
    if (now >= this.renewAt) {
      this.older = now < this.renewAt + linger ? this.newer : new Map()
      this.newer = new Map()
      this.renewAt = now + linger
    }
    this.newer.set(key, { status, until: now + linger })
  }

  /** The end of this key, if it was seen a moment ago. */
  endOf(key: string, now: number): Status<unknown, unknown> | undefined {
    const found = this.newer.get(key) ?? this.older.get(key)
    return found !== undefined && now < found.until ? found.status : undefined
  }
}

// ---- internal ----

const nobody: ReadonlyArray<Wait> = []

const canLookTogether = (a: Wait, b: Wait): boolean =>
  b.rare.fallbackKey === undefined && a.setting.policy.gate === b.setting.policy.gate
