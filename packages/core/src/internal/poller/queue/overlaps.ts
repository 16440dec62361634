import { graceOf } from "../../machine/pacing.ts"
import { sourceOf, type Wait } from "../../machine/wait.ts"
import { isQueued } from "../inFlight.ts"
import { type Call, targetOf } from "../target.ts"
import { TimerQueue } from "../turn/timerQueue.ts"

/** A check that was given up, but still runs. */
interface Overlap {
  readonly call: Call
  readonly id: string
  /** When its grace is over. */
  readonly until: number
  /** The waits for its key that are due. */
  readonly held: Array<Wait>
}

/**
 * The keys whose check was given up and still runs. Their next checks are held until it ends, for at most the grace of
 * the wait that left it last.
 */
export class Overlaps {
  /** By target, and in it by key and source. */
  private readonly all = new Map<object, Map<string, Overlap>>()
  private readonly byCall = new Map<Call, ReadonlyArray<Overlap>>()
  private readonly graces = new TimerQueue<Overlap>((overlap, due) => overlap.until === due && this.isCurrent(overlap))

  /** How many calls that were given up still run. */
  get size(): number {
    return this.byCall.size
  }

  /** When the first grace is over. */
  nextAt(): number {
    return this.graces.next()
  }

  /** Notes that the last wait has left a call, which still runs. */
  add(call: Call, last: Wait, now: number): void {
    if (this.byCall.has(call)) return
    const until = now + graceOf(last)
    const ids = call.kind === "batch" ? new Set(call.abandoned?.map(idOfKey)) : [idOf(last)]
    const ofTarget = this.all.get(call.target) ?? new Map<string, Overlap>()
    const overlaps: Array<Overlap> = []
    this.all.set(call.target, ofTarget)
    for (const id of ids) {
      // The newest one counts.
      const overlap: Overlap = { call, id, until, held: ofTarget.get(id)?.held ?? [] }
      ofTarget.set(id, overlap)
      overlaps.push(overlap)
      if (until !== Number.POSITIVE_INFINITY) this.graces.push(overlap, until)
    }
    this.byCall.set(call, overlaps)
  }

  /** Holds a wait back, if an old check of its key still runs. */
  hold(wait: Wait): boolean {
    const overlap = this.find(wait)
    overlap?.held.push(wait)
    return overlap !== undefined
  }

  isHeld(wait: Wait): boolean {
    return this.find(wait) !== undefined
  }

  /** Notes that a call is over. Returns the waits that were held for it. */
  over(call: Call): ReadonlyArray<Wait> {
    const overlaps = this.byCall.get(call)
    if (overlaps === undefined) return []
    this.byCall.delete(call)
    return overlaps.flatMap((overlap) => this.end(overlap))
  }

  /** Ends the graces that are over. Returns the waits that were held for them. */
  expire(now: number): ReadonlyArray<Wait> {
    return this.byCall.size === 0 ? [] : this.graces.takeAll(now).flatMap((overlap) => this.end(overlap))
  }

  private find(wait: Wait): Overlap | undefined {
    return this.byCall.size === 0 ? undefined : this.all.get(targetOf(wait))?.get(idOf(wait))
  }

  private isCurrent({ call, id }: Overlap): boolean {
    return this.all.get(call.target)?.get(id)?.call === call
  }

  private end(overlap: Overlap): ReadonlyArray<Wait> {
    if (!this.isCurrent(overlap)) return []
    const ofTarget = this.all.get(overlap.call.target)!
    ofTarget.delete(overlap.id)
    if (ofTarget.size === 0) this.all.delete(overlap.call.target)
    this.graces.drop()
    return [...new Set(overlap.held)].filter(isQueued)
  }
}

// ---- internal ----

const idOfKey = (key: string): string => `job ${key}`

const idOf = (wait: Wait): string => {
  const source = sourceOf(wait)
  return source === undefined ? idOfKey(wait.key) : `${typeof source} ${String(source)} ${wait.key}`
}
