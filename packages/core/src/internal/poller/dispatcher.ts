import { isForced, type Timeline, type Wait } from "../machine/wait.ts"
import { InFlight } from "./inFlight.ts"
import { type Call, type Target, targetOf } from "./target.ts"

/** The limits of a Poller, validated and in milliseconds. */
export interface Limits {
  readonly concurrency: number
  readonly concurrencyPerJob: number
  /** Checks that are due within this time begin together. */
  readonly coalesce: number
  /** How long the end of a key is kept for whoever asks for it again. */
  readonly linger: number
}

/**
 * Decides which checks begin, and when; the engine carries the decisions out. It starts nothing and steps no machine.
 *
 * A wait that may check joins the check in flight for its key, or one that gathers waits; otherwise it gets a check of
 * its own or, where the job has `checkMany`, a place in a batch that is filled with what is due in the turn. Without
 * room it is queued at its target, and targets are served in rotation.
 */
export class Dispatcher {
  /** Requests in flight: checks and questions to gates. */
  requests = 0
  private readonly time: Timeline
  private readonly limits: Limits
  private readonly turn = new Turn()
  private readonly rotation = new Rotation()
  /** The call that gathers waits before it begins. */
  private gathering: Call | undefined
  /** The time of the turn that wakes waits, while it lasts. */
  private turnAt: number | undefined
  /** Targets whose batch is being filled. */
  private readonly filling = new Set<Target>()

  constructor(time: Timeline, limits: Limits) {
    this.time = time
    this.limits = limits
  }

  // -- room --

  /** Whether a wait may check at once. */
  hasRoom(wait: Wait): boolean {
    const target = targetOf(wait)
    if (target.checkFor(wait) !== undefined) return true
    if (this.rotation.size > 0) return false
    if (!isForBatch(wait)) return !this.turn.isOver(this.time.now) && this.hasRoomFor(target)
    // A part of a request that failed is queued together.
    if (target.apart.partOf(wait) !== undefined) return false
    // Between turns, waits for a batch are gathered in the queue.
    return this.turnAt !== undefined && (target.filling !== undefined || this.hasRoomFor(target))
  }

  /**
   * By how many milliseconds to defer the first check of a new wait that is due at once: a batch gathers it with the
   * next ones, and after a full turn it comes in the next (0), since it would have to queue.
   */
  deferral(wait: Wait): number | undefined {
    const target = targetOf(wait)
    if (target.checkFor(wait) !== undefined) return undefined
    if (target.batch !== undefined) return target.batch.slack > 0 ? 1 : undefined
    return this.rotation.size === 0 && this.turn.isOver(this.time.now) ? 0 : undefined
  }

  /** Counts a request that begins (1) or is over (-1). */
  count({ kind, target }: Call, by: 1 | -1): void {
    if (kind === "task") return
    this.requests += by
    target.traffic.requests += by
  }

  private get isFull(): boolean {
    return this.requests >= this.limits.concurrency
  }

  private hasRoomFor(target: Target): boolean {
    return !this.isFull && target.traffic.requests < this.limits.concurrencyPerJob
  }

  // -- turns --

  startTurn(now: number): void {
    this.turnAt = now
    this.turn.start(now)
  }

  /** Counts waits that were woken in this turn. Returns whether the others that are due have to wait for the next one. */
  woke(count: number): boolean {
    return this.turn.woke(count, this.time.now)
  }

  /** Counts a call that begins in this turn. Returns from time to time that the clock should be read. */
  began(): boolean {
    return this.turn.began()
  }

  /** Counts a call of this turn that is over. */
  ended(): void {
    this.turn.ended()
  }

  /** Ends a turn: returns the batches that begin now. Others wait for the rest of what is due, from `restAt` on. */
  endTurn(restAt: number): ReadonlyArray<Call> {
    this.turnAt = undefined
    const full: Array<Call> = []
    for (const target of this.filling) if (target.fillingSince < restAt) full.push(this.closeBatch(target))
    return full
  }

  // -- which call a wait joins --

  /** The call that a wait joins which may check. It begins as soon as the wait has joined if it is `ready`. */
  place(wait: Wait): Call {
    const target = targetOf(wait)
    const { gathering } = this
    const shared =
      target.checkFor(wait) ?? (gathering?.target === target && gathering.admits(wait) ? gathering : undefined)
    if (shared !== undefined) return shared
    return this.turnAt !== undefined && isForBatch(wait) ? this.placeInBatch(target) : checkFor(wait, "ready")
  }

  /** A place in the batch that is being filled, which counts as a request from the start. */
  private placeInBatch(target: Target): Call {
    if (target.filling === undefined) {
      target.filling = new InFlight("batch", target, "gathering")
      target.fillingSince = this.time.now
      this.filling.add(target)
      this.count(target.filling, 1)
    }
    return ++target.filled === target.batch!.max ? this.closeBatch(target) : target.filling
  }

  private closeBatch(target: Target): Call {
    const call = target.filling!
    this.filling.delete(target)
    target.filling = undefined
    target.filled = 0
    this.count(call, -1)
    call.state = "ready"
    return call
  }

  /** Makes the call that waits join whose gate has answered; `gather` lets others join it as well. */
  gatherFor(first: Wait): Call {
    return checkFor(first, "gathering")
  }

  /** Lets waits join this call before it begins. Returns the call that gathered before. */
  gather(call: Call | undefined): Call | undefined {
    const former = this.gathering
    this.gathering = call
    return former
  }

  // -- queues --

  /** Whether there may be queued waits. */
  get hasQueued(): boolean {
    return this.rotation.size > 0
  }

  /** When the first batch is due that gathers in a queue. */
  gatheredAt(now: number): number {
    return this.rotation.gatheredAt(now)
  }

  /** Queues a wait that has no room, or a gate to ask. */
  enqueue(wait: Wait): void {
    const target = targetOf(wait)
    target.enqueue(wait, this.time.now, this.turnAt !== undefined)
    this.rotation.enter(target)
  }

  /**
   * The queued waits whose check begins next, one target after the other as long as there is room; `"yield"` when the
   * turn is over. More waits are due at `restAt`.
   */
  next(restAt: number): ReadonlyArray<Wait> | "yield" | undefined {
    const { rotation } = this
    const { now } = this.time
    for (let blocked = 0; blocked < rotation.size && !this.isFull; blocked++) {
      if (this.turn.isOver(now)) return "yield"
      const target = rotation.next()
      if (target === undefined) return undefined
      if (this.hasRoomFor(target) && target.isReady(now, restAt)) return target.dequeue()
    }
    return undefined
  }

  /** Whether queued waits, taken together, have a gate to ask. A forced check is not held back by it. */
  asksGate(waits: ReadonlyArray<Wait>): boolean {
    return waits[0]!.setting.policy.gate !== undefined && !waits.every(isForced)
  }
}

/** How many calls that began in a turn may be in flight: as many as fit into the caches of a processor. */
export const turnSize = 64

// ---- internal ----

/** How many waits are woken in a turn, where they share requests or are queued. */
const mostWoken = 1_024

/** How long checks may begin in a turn that end as soon as they begin, in milliseconds. */
const longestTurn = 2

/** Whether the next check of a wait can be part of a batch. */
const isForBatch = (wait: Wait): boolean => targetOf(wait).batch !== undefined && !targetOf(wait).checksAlone(wait)

const checkFor = (wait: Wait, state: "gathering" | "ready"): Call =>
  new InFlight(isForBatch(wait) ? "batch" : "check", targetOf(wait), state)

/** How much is done before the event loop gets its turn. */
class Turn {
  private startedAt = 0
  private woken = 0
  /** Calls that began, and how many of them are not over. */
  private begun = 0
  private inFlight = 0

  start(now: number): void {
    this.startedAt = now
    this.woken = this.begun = this.inFlight = 0
  }

  woke(count: number, now: number): boolean {
    this.woken += count
    return this.begun >= turnSize || this.woken >= mostWoken || this.isLong(now)
  }

  began(): boolean {
    this.inFlight++
    return ++this.begun % turnSize === 0
  }

  ended(): void {
    if (this.inFlight > 0) this.inFlight--
  }

  /** Whether no more checks begin. */
  isOver(now: number): boolean {
    return this.inFlight >= turnSize || (this.begun >= turnSize && this.isLong(now))
  }

  private isLong(now: number): boolean {
    return now - this.startedAt >= longestTurn
  }
}

/** The targets with queued waits, served one after the other. */
export class Rotation {
  private readonly targets: Array<Target> = []
  private at = 0
  /** Those of them that gather batches. */
  private readonly gathering = new Set<Target>()

  /** How many targets there are, those included whose queue has emptied since. */
  get size(): number {
    return this.targets.length
  }

  /** Adds a target, behind all others. */
  enter(target: Target): void {
    if (target.inRotation) return
    target.inRotation = true
    this.targets.splice(this.at++, 0, target)
    if (target.batch !== undefined) this.gathering.add(target)
  }

  /** The target whose turn it is; the next call returns another one, if there is one. */
  next(): Target | undefined {
    while (this.targets.length > 0) {
      if (this.at >= this.targets.length) this.at = 0
      const target = this.targets[this.at]!
      if (!target.queue.isEmpty) {
        this.at++
        return target
      }
      target.inRotation = false
      this.targets.splice(this.at, 1)
      this.gathering.delete(target)
    }
    return undefined
  }

  gatheredAt(now: number): number {
    let first = Number.POSITIVE_INFINITY
    for (const target of this.gathering) {
      if (!target.isReady(now, Number.POSITIVE_INFINITY)) first = Math.min(first, target.gatherUntil)
    }
    return first
  }
}
