import type * as Fiber from "effect/Fiber"
import type { Wait } from "../wait.ts"
import type { Holder } from "./holder.ts"
import type { Site } from "./site.ts"

/**
 * What is under way for some waits in place of their sleep: a look at one key, a look at many, a question to a gate, or a
 * task for one wait (a step, a cancel), which counts against no bound.
 *
 * A wait in it keeps its holder here: the first in the errand itself, since most looks are for one wait; the others, and
 * those that stand in line, in a seat.
 */
export class Errand {
  readonly kind: "look" | "many" | "gate" | "task"
  readonly site: Site
  holder: Holder | undefined
  /** Those that have left are told nothing. */
  first: Wait | undefined
  more: Array<Wait> | undefined
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  over = false

  constructor(kind: Errand["kind"], site: Site) {
    this.kind = kind
    this.site = site
    this.holder = undefined
    this.first = undefined
    this.more = undefined
    this.fiber = undefined
  }

  get waits(): ReadonlyArray<Wait> {
    const { first, more } = this
    return first === undefined ? (more ?? []) : more === undefined ? [first] : [first, ...more]
  }

  get isEmpty(): boolean {
    return this.first === undefined && (this.more === undefined || this.more.length === 0)
  }

  add(wait: Wait): void {
    const holder = holderOf(wait)
    if (this.holder === undefined) {
      this.holder = holder
      this.first = wait
      wait.hold = this
      return
    }
    this.more ??= []
    this.more.push(wait)
    wait.hold = new Seat(holder, this)
  }

  remove(wait: Wait): void {
    if (this.first === wait) this.first = undefined
    else this.more?.splice(this.more.indexOf(wait), 1)
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

/** Where a wait keeps its holder meanwhile; without an errand, it stands in line for one. */
export class Seat {
  readonly holder: Holder
  readonly errand: Errand | undefined

  constructor(holder: Holder, errand: Errand | undefined) {
    this.holder = holder
    this.errand = errand
  }
}

export const errandOf = ({ hold }: Wait): Errand | undefined =>
  hold instanceof Errand ? hold : hold instanceof Seat ? hold.errand : undefined

export const holderOf = ({ hold }: Wait): Holder =>
  hold instanceof Errand ? hold.holder! : hold instanceof Seat ? hold.holder : (hold as Holder)

export const standsInLine = ({ hold, phase }: Wait): boolean =>
  phase === "gating" && hold instanceof Seat && hold.errand === undefined
