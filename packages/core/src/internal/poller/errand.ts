import type * as Fiber from "effect/Fiber"
import type { Wait } from "../wait.ts"
import type { Holder } from "./holder.ts"
import type { Site } from "./site.ts"

/** What is under way for some waits in place of their sleep: a look, a question to a gate, a step, a cancel. */
export class Errand {
  readonly site: Site
  /** The waits that it is for; those that have left are told nothing. */
  readonly waits: Array<Wait> = []
  /** How much it counts against the bounds of what is under way at a time. */
  readonly counts: 0 | 1
  fiber: Fiber.Fiber<unknown, unknown> | undefined
  over = false

  constructor(site: Site, counts: 0 | 1) {
    this.site = site
    this.counts = counts
  }

  /** Whether it is a look at one key by itself: the job knows no other, or it is looked at elsewhere by now. */
  get isSingle(): boolean {
    return this.site.batch === undefined || this.waits[0]!.rare.fallbackKey !== undefined
  }

  /** Whether a wait may board the look that this is. */
  admits(wait: Wait): boolean {
    const first = this.waits[0]
    if (first === undefined) return true
    return this.isSingle
      ? first.key === wait.key && first.rare.fallbackKey === wait.rare.fallbackKey
      : wait.rare.fallbackKey === undefined
  }
}

/** Where a wait keeps its holder while an errand is under way for it; without an errand, it stands in line for one. */
export class Seat {
  readonly holder: Holder
  readonly errand: Errand | undefined

  constructor(holder: Holder, errand: Errand | undefined) {
    this.holder = holder
    this.errand = errand
  }
}

export const seatOf = (wait: Wait): Seat | undefined => (wait.hold instanceof Seat ? wait.hold : undefined)

export const holderOf = (wait: Wait): Holder => (wait.hold instanceof Seat ? wait.hold.holder : (wait.hold as Holder))
