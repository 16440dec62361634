import { hasTimedOut, sourceOf, type Wait } from "../machine/wait.ts"
import { type InFlight, inFlightOf } from "./inFlight.ts"

/** The waits for one key, where there are several. Nothing that one of them does costs a walk through all of them. */
export class Waiters {
  /** In the order in which they came. */
  readonly waits: Set<Wait>
  /** The earliest time that the server allows, for the next wait that comes. */
  floorAt: number
  /** The waits that check, and some that did. */
  private readonly checking = new Set<Wait>()
  /** How many have timed out, and only watch the canceled job for its end. */
  private timedOut = 0

  constructor(first: Wait, second: Wait) {
    this.waits = new Set([first, second])
    this.floorAt = floorOf(first)
    this.noteCheck(first)
    if (hasTimedOut(first)) this.timedOut++
  }

  /** Removes a wait that has ended. */
  remove(wait: Wait): void {
    this.waits.delete(wait)
    this.checking.delete(wait)
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

/** The floor that the server of the job set; that of its fallback is another server's. */
export const floorOf = (wait: Wait): number => (sourceOf(wait) === undefined ? wait.floorAt : 0)
