import { checksAlone, cursorOf, hasTimedOut, homeOf, sourceOf, type Wait } from "../machine/wait.ts"
import { type InFlight, inFlightOf } from "./inFlight.ts"

/** The waits for one key, where there are several. Nothing that one of them does costs a walk through all of them. */
export class Waiters {
  /** In the order in which they came. */
  readonly waits: Set<Wait>
  /** The earliest time that the server allows, for the next wait that comes. */
  floorAt: number
  /** Where the next check of the job itself is to continue, for the next wait that comes. */
  cursor: string | undefined
  /** The waits that check, and some that did. */
  private readonly checking = new Set<Wait>()
  /** The waits whose key needs a check of its own, and some whose key did; undefined if there was none. */
  private alone: Set<Wait> | undefined
  /** How many have timed out, and only watch the canceled job for its end. */
  private timedOut = 0

  constructor(first: Wait, second: Wait) {
    this.waits = new Set([first, second])
    this.floorAt = floorOf(first)
    this.cursor = jobCursorOf(first)
    this.noteCheck(first)
    if (checksAlone(first)) this.noteAlone(first)
    if (hasTimedOut(first)) this.timedOut++
  }

  /** Removes a wait that has ended. */
  remove(wait: Wait): void {
    this.waits.delete(wait)
    this.checking.delete(wait)
    this.alone?.delete(wait)
    if (hasTimedOut(wait)) this.timedOut--
  }

  /** Notes that one of them timed out. */
  noteTimeout(): void {
    this.timedOut++
  }

  /** Notes that one of them checks. */
  noteCheck(wait: Wait): void {
    this.checking.add(wait)
  }

  /** Notes that the key of one of them needs a check of its own. */
  noteAlone(wait: Wait): void {
    ;(this.alone ??= new Set()).add(wait)
  }

  /** Whether the key needs a check of its own, because a request for many has not answered for it. */
  get checksAlone(): boolean {
    if (this.alone === undefined) return false
    for (const wait of this.alone) {
      if (checksAlone(wait) && sourceOf(wait) === undefined) return true
      this.alone.delete(wait)
    }
    return false
  }

  /** Whether any of them still wants the job. */
  get isWanted(): boolean {
    return this.waits.size > this.timedOut
  }

  /** The check in flight of a wait that asks the same source as this one. */
  checkLike(wait: Wait): InFlight | undefined {
    for (const other of this.checking) {
      const call = inFlightOf(other)
      if (other.stage.phase !== "checking" || call === undefined || call.isOver) this.checking.delete(other)
      else if (sourceOf(other) === sourceOf(wait)) return call
    }
    return undefined
  }
}

/** Where the next check of the job itself is to continue; the cursor of its fallback is about another source. */
export const jobCursorOf = (wait: Wait): string | undefined => (homeOf(wait) === undefined ? cursorOf(wait) : undefined)

/** The floor that the server of the job set; that of its fallback is another server's. */
export const floorOf = (wait: Wait): number => (homeOf(wait) === undefined ? wait.floorAt : 0)
