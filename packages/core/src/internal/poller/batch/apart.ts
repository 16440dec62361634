import type { Event } from "../../machine/event.ts"
import type { Wait } from "../../machine/wait.ts"
import type { Division } from "./division.ts"
import type { InFlight } from "../inFlight.ts"

/** A part of a request that failed: waits whose keys are asked for together, in a request of their own. */
export interface Part {
  readonly division: Division<Part>
  /** How many keys it has. */
  readonly size: number
  /** How many of its waits are in no check yet. */
  members: number
  /** The request, once it has begun, and how it failed. */
  call: InFlight | undefined
  failure: Event | undefined
}

/** What is not part of the usual requests of a target: parts of requests that failed, and bad keys. */
export class Apart {
  private readonly parts = new Map<Wait, Part>()
  private readonly bad = new Map<string, Bad>()

  /** Whether it has neither parts nor bad keys. */
  get isEmpty(): boolean {
    return this.parts.size + this.bad.size === 0
  }

  /** The part that a wait belongs to until its check begins. */
  partOf(wait: Wait): Part | undefined {
    return this.parts.size === 0 ? undefined : this.parts.get(wait)
  }

  /** Makes a wait a member of a part. */
  enter(wait: Wait, part: Part): void {
    part.members++
    this.parts.set(wait, part)
  }

  /** Returns the part that a wait belonged to until now. */
  leave(wait: Wait): Part | undefined {
    const part = this.partOf(wait)
    if (part === undefined) return undefined
    this.parts.delete(wait)
    part.members--
    return part
  }

  /** Whether a key is known to make requests fail, so that it is checked alone. */
  isBad(key: string): boolean {
    return this.bad.size > 0 && (this.bad.get(key)?.left ?? 0) > 0
  }

  /** Notes that a key makes requests fail. Each time, twice as many checks of its own have to answer before the next request. */
  found(key: string): void {
    const left = 2 * (this.bad.get(key)?.last ?? 0.5)
    this.bad.set(key, { last: left, left })
  }

  /** Notes that a check of its own has answered for a key. */
  answered(key: string): void {
    const bad = this.bad.size === 0 ? undefined : this.bad.get(key)
    if (bad !== undefined && bad.left > 0) bad.left--
  }

  /** Forgets a key that no wait has any more. */
  forget(key: string): void {
    if (this.bad.size > 0) this.bad.delete(key)
  }
}

// ---- internal ----

interface Bad {
  /** How many checks of its own had to answer, and how many still have to. */
  readonly last: number
  left: number
}
