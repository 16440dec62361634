import * as Exit from "effect/Exit"
import { knownAnswer } from "../../gateQuestion.ts"
import type { Event } from "../../machine/event.ts"
import { isForced, type Wait } from "../../machine/wait.ts"
import type { Lane } from "./readyQueue.ts"
import type { Target } from "../target.ts"

/** The right of some waits to ask their gate and, once it has let them through, to check before others. */
export interface Permit {
  readonly target: Target
  readonly lane: Lane
  readonly load: Load
}

/** The questions to one gate, from all targets. */
export interface Load {
  /** How many are in flight, and how many were answered whose checks have not begun. */
  asking: number
  /** The lanes that have to wait for answers, first in, first out. */
  readonly shut: Array<readonly [Target, Lane]>
  head: number
}

/**
 * Decides which waits may ask their gate. A question takes no place, but is asked only as far as there are places for the
 * checks that may follow: a permission that is given too early may be worth nothing when it is used.
 */
export class Gates {
  private readonly loads = new WeakMap<object, Load>()
  /** Without a question whose end would open the lanes that are shut: the waits of the lane that was opened may leave. */
  private readonly idle = new Set<Load>()

  /** Whether lanes are shut without a question in flight. */
  get hasIdle(): boolean {
    return this.idle.size > 0
  }

  /** The permit for the waits of a lane whose turn it is, if the gate may be asked; otherwise the lane is shut. */
  permitFor(target: Target, lane: Lane, room: number, free: number): Permit | undefined {
    const load = this.loadOf(lane.gate!)
    if (isFull(lane.asking, room) || isFull(load.asking, free)) {
      target.queue.shut(lane)
      load.shut.push([target, lane])
      return undefined
    }
    return this.renew({ target, lane, load })
  }

  /** Counts a permit, anew if it was ended. */
  renew(permit: Permit): Permit {
    permit.lane.asking++
    if (permit.load.asking++ === 0) this.idle.delete(permit.load)
    return permit
  }

  /** Ends a permit. Returns the targets that have a lane that may ask again. */
  end({ lane, load, target }: Permit): ReadonlyArray<Target> {
    lane.asking--
    load.asking--
    const open: Array<Target> = []
    if (lane.isShut) {
      target.queue.open(lane)
      open.push(target)
    }
    this.openNext(load, open)
    if (load.asking === 0 && load.shut.length > 0) this.idle.add(load)
    return open
  }

  /** Opens one more lane of each gate that is not asked. Returns their targets. */
  openIdle(): ReadonlyArray<Target> {
    const open: Array<Target> = []
    for (const load of this.idle) {
      this.openNext(load, open)
      if (load.shut.length === 0) this.idle.delete(load)
    }
    return open
  }

  private openNext(load: Load, open: Array<Target>): void {
    // Lanes that were opened otherwise are still in the list.
    while (load.head < load.shut.length) {
      const [other, shut] = load.shut[load.head++]!
      if (!shut.isShut) continue
      other.queue.open(shut)
      open.push(other)
      break
    }
    if (load.head * 2 > load.shut.length) {
      load.shut.splice(0, load.head)
      load.head = 0
    }
  }

  private loadOf(gate: object): Load {
    const load = this.loads.get(gate) ?? { asking: 0, shut: [], head: 0 }
    this.loads.set(gate, load)
    return load
  }
}

/** The answer of the gate of a wait, if it is known to postpone the check without being asked. */
export const closedGate = (wait: Wait, random: () => number): Event | undefined => {
  const { policy, time } = wait.setting
  if (policy.gate === undefined || isForced(wait)) return undefined
  const answer = knownAnswer(policy.gate, { job: policy.job, key: wait.key }, time.base + time.now, random)
  return answer === undefined ? undefined : { _tag: "GateAnswered", exit: Exit.succeed(answer) }
}

// ---- internal ----

/** One question is always allowed, so that there is an answer that opens the lanes that are shut. */
const isFull = (asking: number, places: number): boolean => asking > 0 && asking >= places
