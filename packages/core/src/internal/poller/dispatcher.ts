import { isForced, type Timeline, type Wait } from "../machine/wait.ts"
import { Gates, type Permit } from "./queue/gates.ts"
import { InFlight, isQueued } from "./inFlight.ts"
import { Overlaps } from "./queue/overlaps.ts"
import { Places } from "./queue/places.ts"
import { type Call, type Target, targetOf, type Traffic } from "./target.ts"
import { TimerQueue } from "./turn/timerQueue.ts"

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
 * room it is queued at its target. Jobs are served in rotation, and so are the targets of a job; what they may hold at
 * most depends on what is free (`Places.room`).
 */
export class Dispatcher {
  /** What is in flight: checks, those included that were given up, and questions to gates. */
  requests = 0
  private readonly time: Timeline
  private readonly limits: Limits
  private readonly turn = new Turn()
  /** The checks in flight that have a place: a check that was given up has none. */
  private taken = 0
  private readonly jobs = new Places<Traffic>()
  private readonly gates = new Gates()
  private readonly overlaps = new Overlaps()
  /** The targets that gather a batch in their queue, by the time when it is due. */
  private readonly gatherers = new TimerQueue<Target>((target, due) => target.gathersAt === due)
  /** The call that gathers waits before it begins. */
  private gatheringCall: Call | undefined
  /** The time of the turn that wakes waits, while it lasts. */
  private turnAt: number | undefined
  /** Targets whose batch is being filled. */
  private readonly filling = new Set<Target>()
  private readonly mayServe = (traffic: Traffic): boolean => this.jobs.room(traffic, this.free) > 0

  constructor(time: Timeline, limits: Limits) {
    this.time = time
    this.limits = limits
  }

  // -- waits that come and go --

  /** Counts a wait that comes (1) or has ended (-1). */
  countWait(target: Target, by: 1 | -1): void {
    const { traffic } = target
    traffic.targets.countWait(target, by)
    this.jobs.countWait(traffic, by)
    if (by === 1) return
    // There may be fewer to share with.
    if (traffic.open === 0) this.jobs.rotation.loosen()
    if (target.open === 0) this.jobs.rotation.enterAgain(traffic)
  }

  // -- room --

  /** Whether a wait may check at once. */
  hasRoom(wait: Wait): boolean {
    const target = targetOf(wait)
    if (target.checkFor(wait) !== undefined) return true
    if (this.overlaps.isHeld(wait)) return false
    if (this.jobs.rotation.size > 0 && (target.row !== undefined || this.isServing)) return false
    if (!isForBatch(wait)) return !this.turn.isOver(this.time.now) && this.hasRoomFor(target)
    // A part of a request that failed is queued together.
    if (target.apart.partOf(wait) !== undefined) return false
    // Between turns, waits for a batch are gathered in the queue.
    return this.turnAt !== undefined && (target.filling !== undefined || this.hasRoomFor(target))
  }

  /** Whether a wait that its gate let through has to wait for room, or for the end of an old check of its key. */
  isHeldBack(wait: Wait): boolean {
    return this.overlaps.isHeld(wait) || !this.hasRoomFor(targetOf(wait))
  }

  /**
   * By how many milliseconds to defer the first check of a new wait that is due at once: a batch gathers it with the
   * next ones, and after a full turn it comes in the next (0), since it would have to queue.
   */
  deferral(wait: Wait): number | undefined {
    const target = targetOf(wait)
    if (target.checkFor(wait) !== undefined) return undefined
    if (target.batch !== undefined) return target.batch.slack > 0 ? 1 : undefined
    return this.jobs.rotation.size === 0 && this.turn.isOver(this.time.now) ? 0 : undefined
  }

  /** Counts a request that begins (1) or is over (-1). */
  count(call: Call, by: 1 | -1): void {
    const { isGivenUp, kind, target } = call
    if (kind === "task") return
    this.requests += by
    if (kind === "gate") return
    if (!isGivenUp) this.taken += by
    target.traffic.targets.countRequest(target, by)
    this.jobs.countRequest(target.traffic, by)
    if (by === 1) return
    this.jobs.rotation.loosen()
    if (target.admitted.length > 0) this.advance(target)
  }

  /**
   * Notes that the last wait has left a call that is in flight. If that is a check, its place is free for others; it
   * counts for its own job and target until it is over, and holds the next check of its keys back.
   */
  giveUp(call: Call): void {
    if (call.isGivenUp || (call.kind !== "check" && call.kind !== "batch")) return
    call.isGivenUp = true
    this.taken--
    this.overlaps.add(call, call.lastLeft!, this.time.now)
    this.jobs.rotation.loosen()
  }

  /** Notes that a call is over, and ends what depends on it. */
  over(call: Call): void {
    this.count(call, -1)
    if (call.isGivenUp) for (const wait of this.overlaps.over(call)) this.enqueue(wait)
    if (call.permit !== undefined) this.endPermit(call.permit)
  }

  private get free(): number {
    return this.limits.concurrency - this.taken
  }

  /** Whether a job with queued waits has room. */
  private get isServing(): boolean {
    return this.free > 0 && this.jobs.rotation.next(this.mayServe) !== undefined
  }

  private hasRoomFor(target: Target): boolean {
    const { traffic } = target
    const room = this.roomOf(traffic)
    return room > 0 && traffic.targets.room(target, room) > 0
  }

  private roomOf(traffic: Traffic): number {
    return Math.min(this.jobs.room(traffic, this.free), this.limits.concurrencyPerJob - traffic.requests)
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
    const { gatheringCall } = this
    const shared =
      target.checkFor(wait) ??
      (gatheringCall?.target === target && gatheringCall.admits(wait) ? gatheringCall : undefined)
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

  /** Makes the call that waits join whose gate has answered; `gathering` lets others join it as well. */
  gatherFor(first: Wait): Call {
    return checkFor(first, "gathering")
  }

  /** Lets the waits join this call, before it begins, that check while something is done. */
  gathering(call: Call, act: () => void): void {
    const former = this.gatheringCall
    this.gatheringCall = call
    act()
    this.gatheringCall = former
  }

  // -- queues --

  /** Whether there may be queued waits. */
  get hasQueued(): boolean {
    return this.jobs.rotation.size + this.gatherers.size + this.overlaps.size > 0 || this.gates.hasIdle
  }

  /** When the first batch is due that gathers in a queue, or the first grace of a check that was given up is over. */
  nextAt(): number {
    return Math.min(this.gatherers.next(), this.overlaps.nextAt())
  }

  /** Queues a wait that has no room, or a gate to ask. */
  enqueue(wait: Wait): void {
    if (this.overlaps.hold(wait)) return
    const target = targetOf(wait)
    target.enqueue(wait, this.time.now, this.turnAt !== undefined)
    // A batch that is not full gathers first.
    if (target.batch === undefined || target.isReady(this.time.now, Number.NEGATIVE_INFINITY)) this.enter(target)
    else if (target.row === undefined) this.gatherUntilDue(target)
  }

  /** Queues waits that their gate let through when there was no room. They check before others. */
  hold(waits: ReadonlyArray<Wait>, permit: object): void {
    const renewed = this.gates.renew(permit as Permit)
    const { target } = renewed
    target.admitted.push({ waits, permit: renewed })
    this.enter(target)
    this.advance(target)
  }

  /**
   * The queued waits whose check begins next, one job after the other as long as there is room; `"yield"` when the turn
   * is over. With a permit, their gate is asked first. More waits are due at `restAt`.
   */
  next(restAt: number): Turned | "yield" | undefined {
    const { rotation } = this.jobs
    const { now } = this.time
    for (const wait of this.overlaps.expire(now)) this.enqueue(wait)
    this.endGathering(restAt)
    if (this.free > 0) for (const target of this.gates.openIdle()) this.enter(target)
    while (rotation.size > 0 && this.free > 0) {
      const traffic = rotation.next(this.mayServe)
      if (traffic === undefined) return undefined
      if (this.turn.isOver(now)) return "yield"
      const room = this.roomOf(traffic)
      const { targets } = traffic
      const target = room > 0 ? targets.rotation.next((one) => targets.room(one, room) > 0) : undefined
      if (room <= 0) rotation.restFull(traffic)
      else if (target !== undefined) {
        const found = this.serve(target, room, restAt)
        if (found !== undefined) return found
      } else if (targets.rotation.size > 0) rotation.rest(traffic)
      else this.leave(traffic)
    }
    return undefined
  }

  /** Takes the next waits of a target that has room; undefined if they have to wait for something else. */
  private serve(target: Target, room: number, restAt: number): Turned | undefined {
    const { admitted, queue, traffic } = target
    const { rotation } = traffic.targets
    const first = admitted.shift()
    if (first !== undefined) {
      this.endPermit(first.permit)
      this.passTurn(target)
      return this.turned(first.waits.filter(isQueued), undefined)
    }
    const lane = queue.next
    const isReady = target.isReady(this.time.now, restAt)
    if (lane === undefined || !isReady) {
      rotation.leave(target)
      if (lane !== undefined) this.gatherUntilDue(target)
      return undefined
    }
    let permit: Permit | undefined
    if (lane.gate !== undefined && !isForced(lane.first)) {
      permit = this.gates.permitFor(target, lane, traffic.targets.room(target, room), this.free)
      if (permit === undefined) return undefined
    }
    const waits = target.dequeue()
    this.passTurn(target)
    return this.turned(waits, permit)
  }

  private turned(waits: ReadonlyArray<Wait>, permit: Permit | undefined): Turned | undefined {
    const ready = this.overlaps.size === 0 ? waits : waits.filter((wait) => !this.overlaps.hold(wait))
    if (ready.length > 0) return { waits: ready, permit }
    if (permit !== undefined) this.endPermit(permit)
    return undefined
  }

  /** Lets the other targets of the job, and the other jobs, have their turns. */
  private passTurn(target: Target): void {
    const { queue, traffic } = target
    const { rotation } = traffic.targets
    if (target.admitted.length > 0 || queue.next !== undefined) rotation.retreat(target)
    else rotation.leave(target)
    if (rotation.size > 0) this.jobs.rotation.retreat(traffic)
    else this.leave(traffic)
  }

  private advance(target: Target): void {
    target.traffic.targets.rotation.advance(target)
    this.jobs.rotation.advance(target.traffic)
  }

  private leave(traffic: Traffic): void {
    this.jobs.rotation.leave(traffic)
    // There are fewer that want places.
    this.jobs.rotation.loosen()
  }

  /** Ends the right of waits to ask: a `Permit`, which only `gates` makes. */
  endPermit(permit: object): void {
    for (const target of this.gates.end(permit as Permit)) this.enter(target)
  }

  private enter(target: Target): void {
    const { traffic } = target
    if (target.gathersAt !== undefined) {
      target.gathersAt = undefined
      this.gatherers.drop()
    }
    traffic.targets.rotation.enter(target)
    this.jobs.rotation.enter(traffic)
  }

  private gatherUntilDue(target: Target): void {
    if (target.gathersAt === target.gatherUntil) return
    if (target.gathersAt !== undefined) this.gatherers.drop()
    target.gathersAt = target.gatherUntil
    this.gatherers.push(target, target.gatherUntil)
  }

  /** Lets the targets take turns whose batch has gathered. */
  private endGathering(restAt: number): void {
    if (this.gatherers.size === 0) return
    const due = this.gatherers.takeAll(this.time.now)
    for (const target of due) target.gathersAt = undefined
    for (const target of due) {
      if (target.isReady(this.time.now, restAt)) this.enter(target)
      else if (!target.queue.isEmpty) this.gatherUntilDue(target)
    }
  }
}

/** Waits whose turn it is. */
export interface Turned {
  readonly waits: ReadonlyArray<Wait>
  /** Their right to ask their gate, which they have to do first. */
  readonly permit: Permit | undefined
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
