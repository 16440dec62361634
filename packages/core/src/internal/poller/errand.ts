import type * as Fiber from "effect/Fiber"
import type { Wait } from "../wait.ts"
import type { Site } from "./site.ts"

/**
 * What is under way for some waits in place of their sleep: a look at one key, a look at many, a question to a gate, or a
 * task for one wait (a step, a cancel), which counts against no bound.
 */
export class Errand {
  readonly kind: "look" | "many" | "gate" | "task"
  readonly site: Site
  /** Those it is for, who are told what came of it. Most errands have only a first one. */
  private first: Wait | undefined
  private more: Array<Wait> | undefined
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  /** When the first of them gives it up; nobody who is still there does before. */
  nextAt = Number.POSITIVE_INFINITY
  over = false

  constructor(kind: Errand["kind"], site: Site) {
    this.kind = kind
    this.site = site
    this.first = undefined
    this.more = undefined
    this.fiber = undefined
  }

  get size(): number {
    return (this.first === undefined ? 0 : 1) + (this.more === undefined ? 0 : this.more.length)
  }

  get isEmpty(): boolean {
    return this.size === 0
  }

  /** Those it is for now: who leaves stays in this list. */
  get waits(): ReadonlyArray<Wait> {
    const { first, more = [] } = this
    return first === undefined ? [...more] : [first, ...more]
  }

  /** One of them, who make no errand without one. */
  get anyone(): Wait {
    return this.first ?? this.more![0]!
  }

  /** The only one, if there is no other. */
  get only(): Wait | undefined {
    return this.more === undefined ? this.first : undefined
  }

  add(wait: Wait): void {
    wait.errand = this
    this.guard(wait)
    if (this.first === undefined) this.first = wait
    else if (this.more === undefined) this.more = [wait]
    else this.more.push(wait)
  }

  /** Takes note of when this wait gives it up. */
  guard({ nextAt }: Wait): void {
    if (nextAt < this.nextAt) this.nextAt = nextAt
  }

  /** Who has left is told nothing. */
  remove(wait: Wait): void {
    if (this.first === wait) this.first = undefined
    else this.more?.splice(this.more.indexOf(wait), 1)
  }

  /** Lets go of all that it holds: stale alarms may hold it for a while. */
  close(): void {
    this.first = this.more = this.fiber = undefined
  }

  /** Whether a wait may board the look that this is. */
  admits({ key, rare }: Wait): boolean {
    const { first } = this
    if (first === undefined) return true
    return this.kind === "look"
      ? first.key === key && first.rare.fallbackKey === rare.fallbackKey
      : rare.fallbackKey === undefined
  }
}

export const errandOf = ({ errand }: Wait): Errand | undefined => errand as Errand | undefined

export const standsInLine = ({ errand, phase }: Wait): boolean => phase === "gating" && errand === undefined
