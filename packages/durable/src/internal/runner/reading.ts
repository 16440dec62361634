import * as Effect from "effect/Effect"
import type { Cursor, Scan, Service } from "../../DurableStore.ts"
import { Allowance } from "./allowance.ts"
import type { Backoff } from "./backoff.ts"
import { type Calls, failed } from "./calls.ts"
import type { Settings } from "./settings.ts"
import type { Skew } from "./skew.ts"
import type { Entry, Owned, State } from "./state.ts"
import type { Step } from "./steps.ts"
import type { Waits } from "./waits.ts"

/** What the reader needs. */
export interface Around {
  readonly store: Service
  readonly calls: Calls
  readonly backoff: Backoff
  readonly state: State
  readonly waits: Waits
  readonly skew: Skew
  readonly settings: Settings
  readonly now: () => number
  readonly wallClock: () => number
  readonly changed: () => void
  readonly lost: (owned: Owned) => Effect.Effect<void>
}

/** Rows that are being loaded, a page at a time. */
interface Load {
  readonly owned: ReadonlyArray<Owned>
  readonly entries: ReadonlyArray<Entry>
  readonly dueBefore: number
  after: { readonly dueAt: number; readonly id: string } | undefined
}

/**
 * Reads the rows in the buckets of this process: first all that are due soon (loads), then what changes (scans). A scan and a
 * load never run at the same time. A bucket is in every scan after the one whose cursor was current when its load began, so
 * no row is missed.
 */
export class Reading {
  /** When the last scan was answered, in wall-clock milliseconds. */
  scannedAt: number | undefined
  private readonly around: Around
  private cursor: Cursor | undefined
  private nextScan = Number.NEGATIVE_INFINITY
  /** Whether a notification says that there is something to read. */
  private isHinted = false
  /** Limits the scans that are made because of notifications. */
  private readonly allowance = new Allowance(hints, hintEvery)
  private readonly wanted = new Map<Owned, Set<Entry>>()
  private current: Load | undefined

  constructor(around: Around) {
    this.around = around
  }

  /** Requests a load of the rows of a bucket and a kind. It begins after a scan has told whether the kind is paused. */
  want(owned: Owned, entry: Entry): void {
    const entries = this.wanted.get(owned) ?? new Set()
    this.wanted.set(owned, entries.add(entry))
    if (!entry.isScanned || this.cursor === undefined) this.nextScan = Number.NEGATIVE_INFINITY
  }

  /** Called for a notification of new jobs, or of jobs to check soon: a scan is made at once, unless there were many. */
  hint(): void {
    if (this.isHinted) return
    this.isHinted = true
    this.around.changed()
  }

  readonly scan: Step = {
    readyAt: () => {
      const { backoff, state } = this.around
      if (state.buckets.size === 0 || state.kinds.size === 0) return Number.POSITIVE_INFINITY
      const next = this.isHinted ? Math.min(this.nextScan, this.allowance.readyAt) : this.nextScan
      return Math.max(next, backoff.notBefore)
    },
    run: Effect.gen({ self: this }, function* () {
      const { backoff, calls, now, settings, skew, state, store, waits, wallClock } = this.around
      const began = now()
      if (began < this.nextScan) this.allowance.take(began)
      // A notification from here on may be about a change that this scan does not see.
      this.isHinted = false
      const owned = Array.from(state.buckets.values())
      const entries = Array.from(state.kinds.values())
      const request = {
        claims: owned.map(({ claim }) => claim),
        kinds: entries.map(({ kind }) => kind.name),
        since: this.cursor,
        horizonMillis: settings.horizon
      }
      waits.reading()
      const asked = wallClock()
      const scan = yield* calls.run("scan", store.scan(request))
      if (scan === failed) {
        this.nextScan = Number.NEGATIVE_INFINITY
        return backoff.failed(now())
      }
      backoff.succeeded()
      const answered = wallClock()
      skew.observed(scan.now, asked, answered)
      this.scannedAt = answered
      this.cursor = scan.cursor
      this.nextScan = Math.max(began + settings.scanInterval, now() + settings.scanInterval / 4)
      yield* this.apply(scan, owned, entries)
    })
  }

  readonly load: Step = {
    readyAt: () => {
      const isReady = this.current !== undefined || (this.cursor !== undefined && this.ready().length > 0)
      return isReady ? this.around.backoff.notBefore : Number.POSITIVE_INFINITY
    },
    run: Effect.gen({ self: this }, function* () {
      const { backoff, calls, now, state, store, waits } = this.around
      const load = (this.current ??= this.plan())
      if (load === undefined) return
      const owned = load.owned.filter(({ isOver }) => !isOver)
      const entries = load.entries.filter((entry) => state.kinds.get(entry.kind.name) === entry)
      if (owned.length === 0 || entries.length === 0) {
        this.current = undefined
        return
      }
      waits.reading()
      const rows = yield* calls.run(
        "load",
        store.load({
          buckets: owned.map(({ claim }) => claim.bucket),
          kinds: entries.map(({ kind }) => kind.name),
          dueBefore: load.dueBefore,
          after: load.after,
          limit: page
        })
      )
      if (rows === failed) return backoff.failed(now())
      backoff.succeeded()
      const last = rows.at(-1)
      if (rows.length < page || last === undefined) this.current = undefined
      else load.after = { dueAt: last.dueAt, id: last.id }
      yield* waits.takeAll(rows)
    })
  }

  private apply(scan: Scan, owned: ReadonlyArray<Owned>, entries: ReadonlyArray<Entry>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { state, waits } = this.around
      const lost = new Set(scan.lost)
      for (const one of owned) {
        const isNow = state.buckets.get(one.claim.bucket) === one
        if (isNow && lost.has(one.claim.bucket)) yield* this.around.lost(one)
      }
      const paused = new Set(scan.paused)
      for (const entry of entries) {
        entry.isScanned = true
        yield* waits.pause(entry, paused.has(entry.kind.name))
      }
      yield* waits.takeAll(scan.rows)
    })
  }

  /** The buckets that can be loaded now. */
  private ready(): ReadonlyArray<Owned> {
    const ready: Array<Owned> = []
    for (const [owned, entries] of this.wanted) {
      if (owned.isOver) this.wanted.delete(owned)
      else for (const { isScanned } of entries) if (isScanned) ready.push(owned)
    }
    return ready
  }

  /** The largest group of buckets that need the same kinds. */
  private plan(): Load | undefined {
    const [first] = this.ready()
    if (first === undefined || this.cursor === undefined) return undefined
    const entries = Array.from(this.wanted.get(first)!).filter(({ isScanned }) => isScanned)
    const owned: Array<Owned> = []
    for (const [one, wants] of this.wanted) {
      if (!entries.every((entry) => wants.has(entry))) continue
      owned.push(one)
      for (const entry of entries) wants.delete(entry)
      if (wants.size === 0) this.wanted.delete(one)
    }
    return { owned, entries, dueBefore: this.cursor.dueBefore, after: undefined }
  }
}

// ---- internal ----

/** The number of rows in a page. */
const page = 1_000

/** The number of scans in a row that notifications may cause, and the time until another one is allowed, in milliseconds. */
const hints = 5
const hintEvery = 4_000
