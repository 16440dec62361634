import type * as Exit from "effect/Exit"
import { wakeForAlarm } from "../machine/pacing.ts"
import { checksAlone, homeOf, sourceOf, type Wait } from "../machine/wait.ts"
import { TimerQueue } from "./turn/timerQueue.ts"

/** What runs for a call: a fiber, or a callback that needs none. */
export interface Running {
  readonly interruptUnsafe: () => void
  /** Calls `over` once, at once if it has ended. */
  readonly addObserver: (over: (exit: Exit.Exit<unknown, unknown>) => void) => unknown
}

/**
 * A call that is in flight for some waits instead of their sleep, or about to be:
 *
 * - `check`: a check of one key, and `batch`: one request that checks many;
 * - `gate`: a question to a gate, which takes no place;
 * - `task`: work for one wait (a schedule's step, a cancel), which counts against no limit.
 *
 * It is `gathering` while waits join it before it begins, then `ready`, `begun` and `over`.
 */
export class InFlight<T = unknown> {
  readonly kind: "check" | "batch" | "gate" | "task"
  readonly target: T
  state: "gathering" | "ready" | "begun" | "over"
  /** What runs for it, once it has begun. */
  running: Running | undefined
  /** Keys whose waits have left while the request for them is in flight. */
  abandoned: Array<string> | undefined
  /** The earliest time limit of the waits in it. */
  nextAt = Number.POSITIVE_INFINITY
  /** Whether all waits have left it while it is in flight: it has no place among those of the Poller any more. */
  isGivenUp = false
  /** The wait that left it last. */
  lastLeft: Wait | undefined
  /** The `Permit` of a question to a gate. */
  permit: object | undefined
  /** The only wait; most calls have one. */
  private one: Wait | undefined
  /** All waits once there are two: a set from the first that leaves on, since they may be thousands. */
  private all: Array<Wait> | Set<Wait> | undefined

  constructor(kind: InFlight["kind"], target: T, state: "gathering" | "ready") {
    this.kind = kind
    this.target = target
    this.state = state
  }

  get isEmpty(): boolean {
    const { all } = this
    if (all === undefined) return this.one === undefined
    return (Array.isArray(all) ? all.length : all.size) === 0
  }

  get isOver(): boolean {
    return this.state === "over"
  }

  /** The waits in it now. Those that leave stay in the list that was returned, and those that join may come into it. */
  get waits(): ReadonlyArray<Wait> {
    const { all } = this
    if (all === undefined) return this.one === undefined ? [] : [this.one]
    return Array.isArray(all) ? all : [...all]
  }

  /** One of the waits; there must be one. */
  get anyone(): Wait {
    const { all, one } = this
    if (all === undefined) return one!
    return Array.isArray(all) ? all[0]! : all.values().next().value!
  }

  /** One wait for each key. */
  get onePerKey(): ReadonlyArray<Wait> {
    return this.kind === "batch" ? [...new Map(this.waits.map((wait) => [wait.key, wait])).values()] : [this.anyone]
  }

  /** For each key, the wait with the latest floor; without keys whose waits ask their fallback from now on. */
  get latestFloors(): ReadonlyArray<Wait> {
    const latest = new Map<string, Wait>()
    for (const wait of this.waits) {
      if (wait.floorAt >= (latest.get(wait.key)?.floorAt ?? 0)) latest.set(wait.key, wait)
    }
    return [...latest.values()].filter((wait) => homeOf(wait) === undefined)
  }

  /** The only wait, if there never was another. */
  get only(): Wait | undefined {
    return this.one
  }

  add(wait: Wait): void {
    wait.inFlight = this
    this.limit(wait)
    if (Array.isArray(this.all)) this.all.push(wait)
    else if (this.all !== undefined) this.all.add(wait)
    else if (this.one === undefined) this.one = wait
    else {
      this.all = [this.one, wait]
      this.one = undefined
    }
  }

  /** Takes over the time limit of a wait if it is earlier. */
  limit({ nextAt }: Wait): void {
    if (nextAt < this.nextAt) this.nextAt = nextAt
  }

  /** Removes a wait, which gets no result. */
  remove(wait: Wait): void {
    this.lastLeft = wait
    if (this.one === wait) this.one = undefined
    if (Array.isArray(this.all)) this.all = new Set(this.all)
    this.all?.delete(wait)
  }

  /** Releases everything it holds: stale alarms may hold it for a while. */
  close(): void {
    this.one = this.all = this.running = this.abandoned = this.permit = this.lastLeft = undefined
  }

  /** Whether a wait can share the check that this is. */
  admits(wait: Wait): boolean {
    if (this.isEmpty) return true
    const first = this.anyone
    return this.kind === "check" ? first.key === wait.key && sourceOf(first) === sourceOf(wait) : !checksAlone(wait)
  }
}

export const inFlightOf = ({ inFlight }: Wait): InFlight | undefined => inFlight as InFlight | undefined

/** Whether a wait is due, and waits for room. */
export const isQueued = ({ inFlight, stage }: Wait): boolean => stage.phase === "gating" && inFlight === undefined

/** What has a time limit: a call, or a wait that is queued. */
export type Limited = InFlight | Wait

/** The time limits of everything that is in flight or queued. */
export class TimeLimits {
  private readonly queue = new TimerQueue<Limited>((item, due) => item.nextAt === due && isLimited(item))

  get size(): number {
    return this.queue.size
  }

  set(item: Limited): void {
    if (item.nextAt !== Number.POSITIVE_INFINITY) this.queue.push(item, item.nextAt)
  }

  /** Notes that one limit that was set for this time no longer holds. */
  drop(at: number): void {
    if (at !== Number.POSITIVE_INFINITY) this.queue.drop()
  }

  /** When to wake up for the next one. */
  next(now: number): number {
    return wakeForAlarm(now, this.queue.next())
  }

  /** Removes what has reached its limit by `now`, at most `most`, the earliest first. */
  take(now: number, most: number): ReadonlyArray<Limited> {
    return this.queue.takeAll(now, most)
  }
}

export const isLimited = (item: Limited): boolean =>
  item instanceof InFlight ? !item.isOver && !item.isEmpty : isQueued(item)
