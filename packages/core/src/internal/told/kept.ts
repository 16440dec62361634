import { unannotated } from "../../CheckResult.ts"
import { isStatus, isTerminal } from "../../Status.ts"
import type { Told } from "./model.ts"

/** What arrived for keys that nobody waited for: each key's for a time, and for a number of keys, the oldest dropped first. */
export class Kept {
  // In the order in which their keys were first told something.
  private readonly entries = new Map<string, Entry>()
  private readonly now: () => number
  /** In milliseconds. */
  private readonly keepFor: number
  private readonly max: number

  constructor(now: () => number, keepFor: number, max: number) {
    this.now = now
    this.keepFor = keepFor
    this.max = max
  }

  add(job: string, key: string, told: Told<unknown, unknown>): void {
    if (this.max === 0 || this.keepFor === 0) return
    this.dropOld()
    const id = idOf(job, key)
    const entry = this.entries.get(id) ?? { until: 0, all: [] }
    const { all } = entry
    const isKnown = told._tag === "Wake" && all.some(({ _tag }) => _tag === "Wake")
    if (!isKnown) {
      const at = all.length < mostOfKey ? mostOfKey : placeFor(all, told)
      if (at === -1) return
      all.splice(at, 1)
      all.push(told)
    }
    entry.until = this.now() + this.keepFor
    this.entries.delete(id)
    this.entries.set(id, entry)
    if (this.entries.size > this.max) this.entries.delete(this.entries.keys().next().value!)
  }

  /** Hands out what was kept for a key. */
  take(job: string, key: string): ReadonlyArray<Told<unknown, unknown>> {
    if (this.entries.size === 0) return []
    this.dropOld()
    const id = idOf(job, key)
    const all = this.entries.get(id)?.all ?? []
    this.entries.delete(id)
    return all
  }

  /** For how many keys something is kept. */
  get size(): number {
    return this.entries.size
  }

  private dropOld(): void {
    const now = this.now()
    for (const [id, { until }] of this.entries) {
      if (until > now) return
      this.entries.delete(id)
    }
  }
}

// ---- internal ----

interface Entry {
  until: number
  readonly all: Array<Told<unknown, unknown>>
}

const mostOfKey = 16

const idOf = (job: string, key: string): string => JSON.stringify([job, key])

/**
 * What makes room for something that comes: the oldest report of a job that has not ended. The first end is the one that
 * counts, but an end that needs no confirmation is kept even after many reports of one.
 */
const placeFor = (all: ReadonlyArray<Told<unknown, unknown>>, told: Told<unknown, unknown>): number => {
  const at = all.findIndex(isOfOpenJob)
  return at === -1 && told._tag === "Ended" && !all.some(({ _tag }) => _tag === "Ended") ? mostOfKey - 1 : at
}

const isOfOpenJob = (told: Told<unknown, unknown>): boolean => {
  if (told._tag !== "Report") return false
  const found = unannotated(told.result)
  return !isStatus(found) || !isTerminal(found)
}
