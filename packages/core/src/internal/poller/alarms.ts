import type { Wait } from "../machine/wait.ts"
import { DueHeap } from "./timerQueue.ts"
import { Errand, standsInLine } from "./inFlight.ts"

/** What is given up at some time: an errand, or a wait that stands in line. */
export type Guarded = Errand | Wait

/** When what is under way has to be given up. */
export class Alarms {
  private readonly heap = new DueHeap<Guarded>((item, due) => item.nextAt === due && isGuarded(item))

  get size(): number {
    return this.heap.size
  }

  set(item: Guarded): void {
    if (item.nextAt !== Number.POSITIVE_INFINITY) this.heap.push(item, item.nextAt)
  }

  /** Takes note that one goes off no more that was set for this time. */
  drop(at: number): void {
    if (at !== Number.POSITIVE_INFINITY) this.heap.drop()
  }

  /** When to come back for the next one: it comes in two legs, the last a millisecond long, so that an answer that arrives at the same time is heard first. */
  next(now: number): number {
    const at = this.heap.next()
    return at > now + 1 ? at - 1 : at
  }

  /** Takes all that go off by `now`. */
  take(now: number): ReadonlyArray<Guarded> {
    return this.heap.takeAll(now)
  }
}

export const isGuarded = (item: Guarded): boolean =>
  item instanceof Errand ? !item.over && !item.isEmpty : standsInLine(item)
