import type * as Fiber from "effect/Fiber"
import type { Wait } from "../machine/wait.ts"
import type { Site } from "./target.ts"

/**
 * What is under way for some waits in place of their sleep: a check one key, a check of many, a question to a gate, or a
 * task for one wait (a step, a cancel), which counts against no bound.
 */
export class Errand {
  readonly kind: "check" | "many" | "gate" | "task"
  readonly site: Site
  /** The one it is for, who is told what came of it. Most errands have only one. */
  private one: Wait | undefined
  /** All of them from the second one on: a set from the first one on that leaves, since they may be thousands. */
  private all: Array<Wait> | Set<Wait> | undefined
  /** Whether it is under way, or was; a request that is filled is not. */
  begun = false
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** The keys of those who have left it, where others ask for them no more while it is under way. */
  left: Array<string> | undefined
  /** When the first of them gives it up; nobody who is still there does before. */
  nextAt = Number.POSITIVE_INFINITY
  over = false

  constructor(kind: Errand["kind"], site: Site) {
    this.kind = kind
    this.site = site
  }

  get size(): number {
    const { all } = this
    if (all === undefined) return this.one === undefined ? 0 : 1
    return Array.isArray(all) ? all.length : all.size
  }

  get isEmpty(): boolean {
    return this.size === 0
  }

  /** Those it is for now. Who leaves stays in this list, and who comes may come into it. */
  get waits(): ReadonlyArray<Wait> {
    const { all } = this
    if (all === undefined) return this.one === undefined ? [] : [this.one]
    return Array.isArray(all) ? all : [...all]
  }

  /** One of them, who make no errand without one. */
  get anyone(): Wait {
    const { all, one } = this
    if (all === undefined) return one!
    return Array.isArray(all) ? all[0]! : all.values().next().value!
  }

  /** One for each of their keys. */
  get onePerKey(): ReadonlyArray<Wait> {
    return this.kind === "many" ? [...new Map(this.waits.map((wait) => [wait.key, wait])).values()] : [this.anyone]
  }

  /** The only one, if there never was another. */
  get only(): Wait | undefined {
    return this.one
  }

  add(wait: Wait): void {
    wait.errand = this
    this.guard(wait)
    if (Array.isArray(this.all)) this.all.push(wait)
    else if (this.all !== undefined) this.all.add(wait)
    else if (this.one === undefined) this.one = wait
    else {
      this.all = [this.one, wait]
      this.one = undefined
    }
  }

  /** Takes note of when this wait gives it up. */
  guard({ nextAt }: Wait): void {
    if (nextAt < this.nextAt) this.nextAt = nextAt
  }

  /** Who has left is told nothing. */
  remove(wait: Wait): void {
    if (this.one === wait) this.one = undefined
    if (Array.isArray(this.all)) this.all = new Set(this.all)
    this.all?.delete(wait)
  }

  /** Lets go of all that it holds: stale alarms may hold it for a while. */
  close(): void {
    this.one = this.all = this.fiber = this.left = undefined
  }

  /** Whether a wait may board the check that this is. */
  admits({ key, rare }: Wait): boolean {
    if (this.isEmpty) return true
    const first = this.anyone
    return this.kind === "check"
      ? first.key === key && first.rare.fallbackKey === rare.fallbackKey
      : rare.fallbackKey === undefined
  }
}

export const errandOf = ({ errand }: Wait): Errand | undefined => errand as Errand | undefined

export const standsInLine = ({ errand, stage }: Wait): boolean => stage.phase === "gating" && errand === undefined
