import type { DurableRow } from "../../DurableRow.ts"
import type { Claim, Filter, Finish, Finished, Insert, KindStats, RunnerRow, Save, Scan, ScanRequest } from "./model.ts"
import { merged, order, type Place, Sorted } from "./sorted.ts"

/** How many rows are listed unless a filter says so. */
export const defaultLimit = 100

/** The open rows of a bucket. */
interface Bucket {
  /** Incremented by each claim and each release. */
  epoch: number
  /** The runner of the newest claim. */
  runner: string | undefined
  /** By the time at which they are due. */
  readonly due: Sorted
  /** By their last change. */
  readonly changed: Sorted
}

/** The rows of a kind. */
interface Kind {
  /** Ended rows, by position. */
  readonly ended: Sorted
  /** The newest position. */
  position: number
  paused: boolean
}

interface Entry {
  readonly row: DurableRow
  /** The number of its last change. */
  readonly change: number
  /** The hooks that it was given in this round. */
  readonly hooks: ReadonlyArray<string>
}

/** Durable waits in the memory of one process. Each operation is given the time, and is done when it returns. */
export class Memory {
  private readonly entries = new Map<string, Entry>()
  /**
   * The hooks that are to be delivered, and the rounds that have ended, by the id of a row that has ended. One that was
   * begun again keeps them.
   */
  private readonly hooks = new Map<string, Map<string, number>>()
  private readonly hookIds = new Sorted()
  private readonly buckets = new Map<number, Bucket>()
  private readonly kinds = new Map<string, Kind>()
  private readonly beats = new Map<string, number>()
  private changes = 0

  /** Yields whether a hook is to be delivered at once, too. */
  insert(
    rows: ReadonlyArray<Insert>,
    now: number
  ): { readonly inserted: Array<{ readonly id: string; readonly isNew: boolean }>; readonly isDue: boolean } {
    let isDue = false
    const inserted = rows.map((insert) => {
      const { delayMillis, hooks, ...row } = insert
      const old = this.entries.get(row.id)
      if (old !== undefined) {
        const given = hooks.filter((hook) => !old.hooks.includes(hook))
        this.entries.set(row.id, { ...old, hooks: [...old.hooks, ...given] })
        if (old.row.ended !== null && given.length > 0) {
          given.forEach((hook) => this.due(row.id, hook))
          isDue = true
        }
        return { id: row.id, isNew: false }
      }
      this.put(
        {
          ...row,
          since: row.since ?? null,
          tags: [...row.tags],
          round: 1,
          createdAt: now,
          deadlineAt: row.deadlineMillis === null ? null : now + Math.ceil(row.deadlineMillis),
          deadlineMillis: row.deadlineMillis === null ? null : Math.ceil(row.deadlineMillis),
          dueAt: now + Math.ceil(delayMillis),
          nudges: 0,
          ended: null
        },
        Array.from(new Set(hooks))
      )
      return { id: row.id, isNew: true }
    })
    return { inserted, isDue }
  }

  claim(runner: string, buckets: ReadonlyArray<number>): Array<Claim> {
    return buckets.map((number) => {
      const bucket = this.bucket(number)
      bucket.epoch++
      bucket.runner = runner
      return { bucket: number, epoch: bucket.epoch }
    })
  }

  release(claims: ReadonlyArray<Claim>): void {
    for (const claim of claims) {
      const bucket = this.bucket(claim.bucket)
      if (bucket.epoch !== claim.epoch) continue
      bucket.epoch++
      bucket.runner = undefined
    }
  }

  scan({ claims, horizonMillis, kinds, since }: ScanRequest, now: number): Scan {
    const dueBefore = Math.max(since?.dueBefore ?? 0, Math.floor(now + horizonMillis))
    const rows = new Map<string, DurableRow>()
    const wanted = new Set(kinds)
    const lost: Array<number> = []
    for (const claim of claims) {
      if (!this.holds(claim)) {
        lost.push(claim.bucket)
        continue
      }
      if (since === undefined) continue
      const { changed, due } = this.bucket(claim.bucket)
      const take = ({ id }: Place): void => {
        const { row } = this.entries.get(id)!
        if (row.dueAt < dueBefore && wanted.has(row.kind)) rows.set(id, row)
      }
      for (const place of changed.from({ at: Number(since.change) + 1, id: "" })) take(place)
      for (const place of due.from({ at: since.dueBefore, id: "" })) {
        if (place.at >= dueBefore) break
        take(place)
      }
    }
    return {
      now,
      cursor: { change: String(this.changes), dueBefore },
      rows: Array.from(rows.values()),
      lost,
      paused: Array.from(this.kinds).flatMap(([kind, { paused }]) => (paused ? [kind] : []))
    }
  }

  load(request: {
    readonly buckets: ReadonlyArray<number>
    readonly kinds: ReadonlyArray<string>
    readonly dueBefore: number
    readonly after: { readonly dueAt: number; readonly id: string } | undefined
    readonly limit: number
  }): Array<DurableRow> {
    const { after, buckets, dueBefore, limit } = request
    const kinds = new Set(request.kinds)
    // "\0" makes the least id that is greater.
    const start = after === undefined ? { at: 0, id: "" } : { at: after.dueAt, id: `${after.id}\0` }
    const rows: Array<DurableRow> = []
    for (const { at, id } of merged(Array.from(new Set(buckets), (bucket) => this.bucket(bucket).due.from(start)))) {
      if (rows.length === limit || at >= dueBefore) break
      const { row } = this.entries.get(id)!
      if (kinds.has(row.kind)) rows.push(row)
    }
    return rows
  }

  finish(kind: string, batch: ReadonlyArray<Finish>, now: number): Array<Finished> {
    return batch.map(({ attempts, claim, ending, id, outcome, round }) => {
      if (claim !== undefined && !this.holds(claim)) return "fenced"
      const row = this.open(id)
      if (row === undefined || row.kind !== kind || row.round !== round) return "late"
      if (claim !== undefined && claim.bucket !== row.bucket) return "late"
      const ended = {
        outcome,
        ending,
        by: claim === undefined ? ("settle" as const) : ("check" as const),
        attempts: attempts ?? 0,
        at: now,
        position: ++this.kind(kind).position
      }
      this.put({ ...row, state: "ended", token: null, ended })
      this.entries.get(id)!.hooks.forEach((hook) => this.due(id, hook))
      return "ended"
    })
  }

  save(batch: ReadonlyArray<Save>): Array<string> {
    return batch.flatMap(({ claim, dueAt, id, key, round, since, token }) => {
      const row = this.held(id, round, claim)
      if (row === undefined) return []
      this.put({
        ...row,
        token,
        dueAt: Math.ceil(dueAt),
        since: since ?? row.since,
        ...(key === undefined ? {} : { key, state: "pending" })
      })
      return [id]
    })
  }

  submitting(batch: ReadonlyArray<Pick<Save, "id" | "round" | "claim">>): Array<string> {
    return batch.flatMap(({ claim, id, round }) => {
      const row = this.held(id, round, claim)
      if (row?.state !== "outbox") return []
      this.put({ ...row, state: "submitting" })
      return [id]
    })
  }

  nudge(kind: string, id: string, now: number): boolean {
    const row = this.open(id)
    if (row?.kind !== kind) return false
    this.put({ ...row, nudges: row.nudges + 1, dueAt: Math.min(row.dueAt, now) })
    return true
  }

  /** Yields whether the row was begun again too. */
  reopen(
    kind: string,
    id: string,
    hooks: ReadonlyArray<string>,
    now: number
  ): { readonly row: DurableRow; readonly isBegun: boolean } | undefined {
    const row = this.entries.get(id)?.row
    if (row?.kind !== kind) return undefined
    if (row.state !== "ended") return { row, isBegun: false }
    const again: DurableRow = {
      ...row,
      state: row.key === null ? "outbox" : "pending",
      round: row.round + 1,
      createdAt: now,
      deadlineAt: row.deadlineMillis === null ? null : now + row.deadlineMillis,
      dueAt: now,
      token: null,
      ended: null
    }
    this.put(again, Array.from(new Set(hooks)))
    return { row: again, isBegun: true }
  }

  find(kind: string, ids: ReadonlyArray<string>): Array<DurableRow> {
    return Array.from(new Set(ids)).flatMap((id) => {
      const row = this.entries.get(id)?.row
      return row?.kind === kind ? [row] : []
    })
  }

  ended(kind: string, after: number, limit: number): Array<DurableRow> {
    const rows: Array<DurableRow> = []
    for (const { id } of this.kind(kind).ended.from({ at: after + 1, id: "" })) {
      if (rows.length === limit) break
      rows.push(this.entries.get(id)!.row)
    }
    return rows
  }

  position(kind: string): number {
    return this.kind(kind).position
  }

  list({ after, kind, limit, olderThanMillis, outcome, state, tag }: Filter, now: number): Array<DurableRow> {
    const start = after === undefined ? undefined : { at: after.createdAt, id: after.id }
    const found: Array<Place> = []
    for (const { row } of this.entries.values()) {
      const place = { at: row.createdAt, id: row.id }
      if (kind !== undefined && row.kind !== kind) continue
      if (state !== undefined && (state === "open" ? row.state === "ended" : row.state !== state)) continue
      if (outcome !== undefined && row.ended?.outcome !== outcome) continue
      if (tag !== undefined && !row.tags.includes(tag)) continue
      if (olderThanMillis !== undefined && row.createdAt > now - olderThanMillis) continue
      if (start !== undefined && order(start, place) >= 0) continue
      found.push(place)
    }
    return found
      .toSorted(order)
      .slice(0, limit ?? defaultLimit)
      .map(({ id }) => this.entries.get(id)!.row)
  }

  stats(now: number): Array<KindStats> {
    const counted = new Map<string, { open: Record<string, number>; ended: Record<string, number>; oldest: number }>()
    const countOf = (kind: string) => {
      const found = counted.get(kind) ?? { open: {}, ended: {}, oldest: Number.POSITIVE_INFINITY }
      counted.set(kind, found)
      return found
    }
    for (const [kind, { paused }] of this.kinds) if (paused) countOf(kind)
    for (const { row } of this.entries.values()) {
      const count = countOf(row.kind)
      if (row.ended === null) {
        count.open[row.state] = (count.open[row.state] ?? 0) + 1
        count.oldest = Math.min(count.oldest, row.createdAt)
      } else count.ended[row.ended.outcome] = (count.ended[row.ended.outcome] ?? 0) + 1
    }
    return Array.from(counted, ([kind, { ended, oldest, open }]) => ({
      kind,
      open,
      ended,
      oldestMillis: Number.isFinite(oldest) ? Math.max(0, now - oldest) : null,
      paused: this.kind(kind).paused
    })).toSorted((one, other) => (one.kind < other.kind ? -1 : 1))
  }

  pause(kind: string, paused: boolean): void {
    this.kind(kind).paused = paused
  }

  /** Yields the row, if it is known. */
  hook(kind: string, id: string, hook: string): DurableRow | undefined {
    const entry = this.entries.get(id)
    if (entry?.row.kind !== kind) return undefined
    if (entry.row.ended !== null) this.due(id, hook)
    else if (!entry.hooks.includes(hook)) this.entries.set(id, { ...entry, hooks: [...entry.hooks, hook] })
    return entry.row
  }

  hooked(request: {
    readonly kinds: ReadonlyArray<string>
    readonly buckets?: ReadonlyArray<number> | undefined
    readonly after?: { readonly id: string; readonly hook: string } | undefined
    readonly limit: number
  }): Array<{ readonly hook: string; readonly row: DurableRow }> {
    const buckets = request.buckets && new Set(request.buckets)
    const kinds = new Set(request.kinds)
    const found: Array<{ readonly hook: string; readonly row: DurableRow }> = []
    const { after } = request
    for (const { id } of this.hookIds.from({ at: 0, id: after?.id ?? "" })) {
      const { row } = this.entries.get(id)!
      if (row.ended === null || !kinds.has(row.kind) || (buckets !== undefined && !buckets.has(row.bucket))) continue
      for (const hook of Array.from(this.hooks.get(id)!.keys()).toSorted()) {
        if (id === after?.id && hook <= after.hook) continue
        if (found.length === request.limit) return found
        found.push({ hook, row })
      }
    }
    return found
  }

  unhook(hooks: ReadonlyArray<{ readonly id: string; readonly hook: string; readonly round: number }>): void {
    for (const { hook, id, round } of hooks) {
      const left = this.hooks.get(id)
      if ((left?.get(hook) ?? 0) <= round) left?.delete(hook)
      if (left?.size === 0) this.unhooked(id)
    }
  }

  beat(runner: string, now: number): void {
    this.beats.set(runner, now)
    for (const [other, at] of this.beats) if (at < now - forgetAfter) this.beats.delete(other)
  }

  runners(
    withinMillis: number,
    buckets: number,
    now: number
  ): { readonly runners: ReadonlyArray<RunnerRow>; readonly orphans: number } {
    const alive = new Map<string, RunnerRow & { buckets: number }>()
    for (const [runner, at] of this.beats) {
      const silentMillis = Math.max(0, now - at)
      if (silentMillis <= withinMillis) alive.set(runner, { runner, silentMillis, buckets: 0 })
    }
    let orphans = 0
    for (let number = 0; number < buckets; number++) {
      const owner = alive.get(this.buckets.get(number)?.runner ?? "")
      if (owner === undefined) orphans++
      else owner.buckets++
    }
    return { runners: Array.from(alive.values()), orphans }
  }

  prune(kind: string, olderThanMillis: number, limit: number, now: number): number {
    const places: Array<Place> = []
    for (const place of this.kind(kind).ended.from({ at: 0, id: "" })) {
      if (places.length === limit || this.entries.get(place.id)!.row.ended!.at > now - olderThanMillis) break
      places.push(place)
    }
    for (const place of places) {
      this.kind(kind).ended.remove(place)
      this.entries.delete(place.id)
      this.unhooked(place.id)
    }
    return places.length
  }

  private put(row: DurableRow, hooks: ReadonlyArray<string> = this.entries.get(row.id)?.hooks ?? []): void {
    const old = this.entries.get(row.id)
    const { ended } = this.kind(row.kind)
    const bucket = this.bucket(row.bucket)
    const { id } = row
    if (old?.row.ended) ended.remove({ at: old.row.ended.position, id })
    else if (old !== undefined) {
      bucket.due.remove({ at: old.row.dueAt, id })
      bucket.changed.remove({ at: old.change, id })
    }
    const change = ++this.changes
    this.entries.set(id, { row, change, hooks })
    if (row.ended !== null) ended.add({ at: row.ended.position, id })
    else {
      bucket.due.add({ at: row.dueAt, id })
      bucket.changed.add({ at: change, id })
    }
  }

  private due(id: string, hook: string): void {
    const hooks = this.hooks.get(id) ?? new Map<string, number>()
    if (hooks.size === 0) this.hookIds.add({ at: 0, id })
    this.hooks.set(id, hooks.set(hook, this.entries.get(id)?.row.round ?? 0))
  }

  private unhooked(id: string): void {
    this.hooks.delete(id)
    this.hookIds.remove({ at: 0, id })
  }

  private open(id: string): DurableRow | undefined {
    const row = this.entries.get(id)?.row
    return row?.ended === null ? row : undefined
  }

  private held(id: string, round: number, claim: Claim): DurableRow | undefined {
    const row = this.open(id)
    return row?.round === round && row.bucket === claim.bucket && this.holds(claim) ? row : undefined
  }

  private holds(claim: Claim): boolean {
    return this.buckets.get(claim.bucket)?.epoch === claim.epoch
  }

  private bucket(number: number): Bucket {
    const found = this.buckets.get(number)
    if (found !== undefined) return found
    const made: Bucket = { epoch: 0, runner: undefined, due: new Sorted(), changed: new Sorted() }
    this.buckets.set(number, made)
    return made
  }

  private kind(name: string): Kind {
    const found = this.kinds.get(name)
    if (found !== undefined) return found
    const made: Kind = { ended: new Sorted(), position: 0, paused: false }
    this.kinds.set(name, made)
    return made
  }
}

/** After how many milliseconds a silent runner is forgotten. */
const forgetAfter = 24 * 60 * 60 * 1_000
