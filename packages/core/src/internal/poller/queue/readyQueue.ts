import { isForced, type Wait } from "../../machine/wait.ts"
import { isQueued } from "../inFlight.ts"
import { Link, Row } from "./places.ts"

/**
 * The waits of a target that are due and wait for room: a lane for each gate that they have to ask, and one for those
 * that need not. The lanes take turns; within a lane it is first in, first out. Waits that have left are skipped.
 */
export class ReadyQueue {
  private readonly lanes = new Map<object | undefined, Lane>()
  /** The lanes that take turns. */
  private readonly row = new Row<Lane>()
  private sweepAt = leastLanes

  /** How many waits it holds, those that have left included. */
  get size(): number {
    let size = 0
    for (const lane of this.lanes.values()) size += lane.size
    return size
  }

  /** Whether no wait is queued, not even in a lane that is shut. */
  get isEmpty(): boolean {
    for (const lane of this.lanes.values()) {
      if (!lane.isEmpty) return false
      this.drop(lane)
    }
    return true
  }

  /** The lane whose turn it is. */
  get next(): Lane | undefined {
    for (let { first } = this.row; first !== undefined; first = this.row.first) {
      if (!first.isEmpty) return first
      this.drop(first)
    }
    return undefined
  }

  /** Whether a lane has waits for at least `count` keys. */
  hasKeys(count: number): boolean {
    for (const lane of this.lanes.values()) if (!lane.isShut && lane.hasKeys(count)) return true
    return false
  }

  push(wait: Wait): void {
    // A forced check is not held back by the gate.
    const gate = isForced(wait) ? undefined : wait.setting.policy.gate
    const lane = this.lanes.get(gate) ?? this.makeLane(gate)
    lane.push(wait)
    if (!lane.isShut && lane.row === undefined) this.row.push(lane)
  }

  /** Takes the first wait of the lane whose turn it is; there must be one. */
  takeOne(): Wait {
    const lane = this.next!
    const wait = lane.takeOne()
    this.endTurn(lane)
    return wait
  }

  /** Takes the first wait of the lane whose turn it is, and those behind it that are alike, for at most `most` keys. */
  takeAlike(most: number, areAlike: (a: Wait, b: Wait) => boolean): ReadonlyArray<Wait> {
    const lane = this.next!
    const waits = lane.takeAlike(most, areAlike)
    this.endTurn(lane)
    return waits
  }

  /** Takes no more waits from a lane until it is opened. */
  shut(lane: Lane): void {
    lane.isShut = true
    this.row.remove(lane)
  }

  open(lane: Lane): void {
    lane.isShut = false
    if (lane.row === undefined) this.row.push(lane)
  }

  private endTurn(lane: Lane): void {
    if (this.row.size === 1) return
    this.row.remove(lane)
    this.row.push(lane)
  }

  private makeLane(gate: object | undefined): Lane {
    if (this.lanes.size >= this.sweepAt) {
      for (const lane of this.lanes.values()) if (lane.isEmpty) this.drop(lane)
      this.sweepAt = Math.max(leastLanes, 2 * this.lanes.size)
    }
    const lane = new Lane(gate)
    this.lanes.set(gate, lane)
    return lane
  }

  private drop(lane: Lane): void {
    if (lane.row !== undefined) this.row.remove(lane)
    // Most targets have one lane, which is used again and again.
    if (this.lanes.size > 1 && lane.asking === 0 && !lane.isShut) this.lanes.delete(lane.gate)
  }
}

/** The queued waits of a target that ask the same gate. */
export class Lane extends Link {
  readonly gate: object | undefined
  /** Whether they have to wait until the gate has answered questions. */
  isShut = false
  /** How many questions are in flight, and how many were answered whose checks have not begun. */
  asking = 0
  private waits: Array<Wait> = []
  /** Where the lane begins. */
  private head = 0
  private sweepAt = leastSweep

  constructor(gate: object | undefined) {
    super()
    this.gate = gate
  }

  get size(): number {
    return this.waits.length - this.head
  }

  get isEmpty(): boolean {
    while (this.head < this.waits.length && !isQueued(this.waits[this.head]!)) this.head++
    if (this.head === this.waits.length && this.head > 0) this.set([])
    return this.waits.length === 0
  }

  /** The first wait of a lane that is not empty. */
  get first(): Wait {
    return this.waits[this.head]!
  }

  /** Whether it has waits for at least `count` keys. */
  hasKeys(count: number): boolean {
    if (this.size < count) return false
    const keys = new Set<string>()
    for (let at = this.head; at < this.waits.length && keys.size < count; at++) {
      const wait = this.waits[at]!
      if (isQueued(wait)) keys.add(wait.key)
    }
    return keys.size === count
  }

  push(wait: Wait): void {
    this.waits.push(wait)
    if (this.waits.length < this.sweepAt) return
    // Many behind the first may have left.
    this.set([...new Set(this.waits.slice(this.head).filter(isQueued))])
    this.sweepAt = Math.max(leastSweep, 2 * this.waits.length)
  }

  takeOne(): Wait {
    const wait = this.waits[this.head++]!
    if (this.isMostlyTaken) this.set(this.waits.slice(this.head))
    return wait
  }

  takeAlike(most: number, areAlike: (a: Wait, b: Wait) => boolean): ReadonlyArray<Wait> {
    const { first } = this
    // A wait that left and came back is in the lane twice.
    const taken = new Set<Wait>()
    const keys = new Set<string>()
    const passed: Array<Wait> = []
    while (!this.isEmpty && keys.size < most && passed.length < most) {
      const wait = this.waits[this.head++]!
      if (wait === first || areAlike(first, wait)) {
        taken.add(wait)
        keys.add(wait.key)
      } else passed.push(wait)
    }
    if (passed.length > 0 || this.isMostlyTaken) this.set([...passed, ...this.waits.slice(this.head)])
    return [...taken]
  }

  private get isMostlyTaken(): boolean {
    return this.head > leastTaken && this.head * 2 > this.waits.length
  }

  private set(waits: Array<Wait>): void {
    this.waits = waits
    this.head = 0
  }
}

// ---- internal ----

const leastSweep = 2_048

const leastTaken = 1_024

const leastLanes = 64
