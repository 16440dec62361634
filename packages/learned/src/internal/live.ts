import type * as Clock from "effect/Clock"
import * as counts from "./counts.ts"
import { priorOf } from "./densities.ts"
import type { Row } from "./grid.ts"
import * as model from "./model.ts"
import type { Sample } from "./progress.ts"

// A history in use: what has been learned of one job, for all of its classes.

/** The most classes that a history has. */
export const mostClasses = 1_000

/** Until there are so many endings, what is believed weighs more than what was seen. */
const fewEndings = 3

/** The counts of one class, and of those of them that are not stored yet. */
export class Kind {
  readonly job: string
  counts: counts.Counts
  /** The endings since the counts were last stored. */
  fresh: counts.Counts = counts.none
  /** How often the counts have changed. */
  changes = 0
  private readonly pool: Kind | undefined
  private readonly prior: Row
  private readonly isHinted: boolean
  private known: { readonly changes: number; readonly poolChanges: number; readonly beliefs: model.Beliefs } | undefined

  constructor(job: string, pool: Kind | undefined, prior: Row, isHinted: boolean, stored: counts.Counts) {
    this.job = job
    this.pool = pool
    this.prior = prior
    this.isHinted = isHinted
    this.counts = stored
  }

  /** How many endings it learns from, those of the pool included. */
  get endings(): number {
    return this.pool === undefined ? this.counts.endings : this.pool.counts.endings
  }

  /** Changes whenever what is believed does. */
  get version(): number {
    return this.changes + (this.pool?.changes ?? 0)
  }

  /** What is believed of the next duration. A class starts with what is believed of all. */
  get beliefs(): model.Beliefs {
    const { changes, known, pool } = this
    const poolChanges = pool?.changes ?? 0
    if (known !== undefined && known.changes === changes && known.poolChanges === poolChanges) return known.beliefs
    const beliefs =
      pool === undefined
        ? model.beliefsOf(this.counts, this.prior, this.isHinted)
        : model.beliefsOf(this.counts, pool.beliefs.mixture, true)
    this.known = { changes, poolChanges, beliefs }
    return beliefs
  }

  /** The durations by which the cost of a plan is foretold: what was seen, and a little of what is believed. */
  get likely(): Row {
    const { count, row } = this.counts.memories[0]
    const { mixture } = this.beliefs
    return row.map((mass, bin) => (mass + fewEndings * mixture[bin]!) / (count + fewEndings))
  }

  observe(seen: model.Seen): void {
    const before = this.counts
    this.counts = model.observe(before, this.beliefs, seen)
    this.fresh = counts.latest(this.fresh, before, this.counts)
    this.changes++
  }

  /** Replaces the counts, after they were stored. */
  adopt(stored: counts.Counts): void {
    this.counts = stored
    this.fresh = counts.none
    this.known = undefined
    this.changes++
  }
}

/** What has been learned of one job, as a history keeps it. */
export class Live {
  readonly job: string
  readonly pool: Kind
  /** By name; the one that ended last is the last. */
  readonly kinds = new Map<string, Kind>()
  /** The progress that jobs which have not ended have reported, by key. */
  readonly reported = new Map<string, ReadonlyArray<Sample>>()
  readonly classOf: (key: string) => string | undefined
  /** How long a job may take, in seconds. */
  readonly hint: number | undefined
  private readonly clock: Clock.Clock | undefined
  private readonly prior: Row

  constructor(
    job: string,
    classOf: (key: string) => string | undefined,
    hint: number | undefined,
    clock: Clock.Clock | undefined
  ) {
    this.job = job
    this.classOf = classOf
    this.hint = hint
    this.clock = clock
    this.prior = priorOf(hint)
    this.pool = new Kind(job, undefined, this.prior, hint !== undefined, counts.none)
  }

  /** The time in milliseconds; `NaN` without a clock. */
  get now(): number {
    return this.clock === undefined ? Number.NaN : this.clock.currentTimeMillisUnsafe()
  }

  /** What is known of a class; of all, if it has no endings. */
  kind(name: string | undefined): Kind {
    return name === undefined ? this.pool : (this.kinds.get(name) ?? this.pool)
  }

  observe(name: string | undefined, seen: model.Seen): void {
    if (name !== undefined) {
      const kind = this.kinds.get(name) ?? this.make(counts.none)
      kind.observe(seen)
      this.kinds.delete(name)
      this.kinds.set(name, kind)
      this.evict()
    }
    this.pool.observe(seen)
  }

  /** A class with these counts, which is not in the history yet. */
  make(stored: counts.Counts): Kind {
    return new Kind(this.job, this.pool, this.prior, this.hint !== undefined, stored)
  }

  /** The same without any endings, and without a clock. */
  blank(): Live {
    return new Live(this.job, this.classOf, this.hint, undefined)
  }

  /** Removes the classes that ended longest ago. Their endings stay in the pool. */
  evict(): void {
    for (const name of this.kinds.keys()) {
      if (this.kinds.size <= mostClasses) return
      this.kinds.delete(name)
    }
  }
}
