import type { Any } from "../../Job.ts"
import {
  checksAlone,
  cursorOf,
  fitsBefore,
  hasEnd,
  hasTimedOut,
  homeOf,
  never,
  type Setting,
  sourceOf,
  type Wait
} from "../machine/wait.ts"
import { Apart } from "./batch/apart.ts"
import type { InFlight } from "./inFlight.ts"
import { Keyed } from "./keyed.ts"
import { Member, Places } from "./queue/places.ts"
import { ReadyQueue } from "./queue/readyQueue.ts"
import { Rendezvous } from "./batch/rendezvous.ts"
import { Slots } from "./queue/slots.ts"
import { Spacing } from "./queue/spacing.ts"
import { jobCursorOf, Waiters } from "./waiters.ts"

/** A call for waits of one target. */
export type Call = InFlight<Target>

/** Waits that their gate let through when there was no room, with the `Permit` of their question. */
export interface Admitted {
  readonly waits: ReadonlyArray<Wait>
  readonly permit: object
}

/** A job, over all its targets. */
export class Traffic extends Member {
  /** What its targets share. */
  readonly targets = new Places<Target>()
}

/**
 * A job with one set of services: what its waits share. Waits for the same key of a target share their checks; waits
 * with other services, such as other credentials, belong to another target.
 */
export class Target extends Member {
  readonly job: Any
  readonly traffic: Traffic
  /** For a job with `checkMany`: the most keys of one request, and how long a due check waits for others, in ms. */
  readonly batch: { readonly max: number; readonly slack: number } | undefined
  /** Whether it was removed from the registry because nothing used it. */
  isRemoved = false
  /** When the batch that gathers now is due, and whether a queued wait is for it. */
  gatherUntil = 0
  private gathers = false
  /** The batch that is filled with what is due in this turn, when it was begun, and how many keys it has. */
  filling: Call | undefined
  fillingSince = 0
  filled = 0
  /** The time for which the dispatcher has an alarm for the batch that gathers. */
  gathersAt: number | undefined
  readonly queue = new ReadyQueue()
  /** They check before those in the queue. */
  readonly admitted: Array<Admitted> = []
  /** When waits are woken that gather. */
  readonly rendezvous: Rendezvous | undefined
  /** Parts of requests that failed, and bad keys. */
  readonly apart = new Apart()
  private readonly spacing = new Spacing()
  /** Waits by key; one that ended stays for a while, see `ended`. */
  private readonly waits = new Keyed<Wait | Waiters>()
  /** How many keys have more than one wait. */
  private shared = 0
  /** Requests in flight by keys whose waits have left: the keys are asked for all the same. */
  private readonly abandoned = new Map<string, Call>()
  /** Waits that ended recently and are kept for whoever asks for their key again, in order of time. */
  private ended: Array<Wait> = []
  /** How many of `ended` have been dropped already. */
  private dropped = 0
  /** How many keys of ended waits have a newer wait. */
  private renewed = 0
  private readonly firstChecks = new Slots()
  /** For delays that servers asked for, by the logarithm of their length; and the newest floor. */
  private readonly floors = new Map<number, Slots>()
  private newest: { readonly key: string; readonly floorAt: number; readonly at: number } | undefined

  constructor(job: Any, traffic: Traffic, batch: Target["batch"]) {
    super()
    this.job = job
    this.traffic = traffic
    this.batch = batch
    this.rendezvous = batch === undefined || batch.slack === 0 ? undefined : new Rendezvous(batch.slack)
  }

  // -- waits by key --

  /** The waits for a key, or the one that ended recently. */
  find(key: string): Wait | Waiters | undefined {
    return this.waits.get(key)
  }

  /** Adds a wait; `former` is what `find` returned for its key. */
  add(wait: Wait, former: Wait | Waiters | undefined): void {
    if (former instanceof Waiters) former.waits.add(wait)
    else if (former === undefined || former.stage.phase === "ended") {
      if (former !== undefined) this.renewed++
      this.waits.set(wait.key, wait)
    } else {
      this.shared++
      this.waits.set(wait.key, new Waiters(former, wait))
    }
  }

  /** Removes a wait that has ended. The end of a job and the floor of its server are kept for `linger` milliseconds. */
  remove(wait: Wait, linger: number): void {
    this.dropEnded(wait.nextAt, linger)
    // Finding a key among many means a cache miss, so it is skipped where no key has more than one wait.
    const found = this.shared === 0 && this.renewed === 0 ? wait : this.waits.get(wait.key)
    if (found instanceof Waiters) {
      found.remove(wait)
      if (found.waits.size > 1) return
      const [last] = found.waits
      this.waits.set(wait.key, last!)
      this.shared--
    } else if (found === wait) {
      this.apart.forget(wait.key)
      if (linger > 0 && isWorthKeeping(wait)) this.ended.push(wait)
      else this.waits.delete(wait.key)
    } else this.renewed--
  }

  /** Drops the waits that ended more than `linger` milliseconds ago. */
  dropEnded(now: number, linger: number): void {
    const { ended } = this
    this.spacing.drop(now)
    while (this.dropped < ended.length && ended[this.dropped]!.nextAt + linger <= now) {
      const wait = ended[this.dropped++]!
      if (this.renewed === 0 || this.waits.get(wait.key) === wait) this.waits.delete(wait.key)
      else this.renewed--
    }
    if (this.dropped > 1_024 && this.dropped * 2 > ended.length) {
      this.ended = ended.slice(this.dropped)
      this.dropped = 0
    }
  }

  *[Symbol.iterator](): Generator<Wait> {
    for (const found of this.waits.values()) {
      if (found instanceof Waiters) yield* found.waits
      else if (found.stage.phase !== "ended") yield found
    }
  }

  /** Whether there is no wait here, and none ended or checked recently. */
  get isUnused(): boolean {
    return this.waits.size + this.abandoned.size + this.spacing.size + this.requests === 0 && this.queue.isEmpty
  }

  // -- waits that share a key --

  /** Whether any key has more than one wait. */
  get isShared(): boolean {
    return this.shared > 0
  }

  /** The waits for the key of this one, if there are several. */
  waitersOf({ key }: Wait): Waiters | undefined {
    if (this.shared === 0) return undefined
    const found = this.waits.get(key)
    return found instanceof Waiters ? found : undefined
  }

  /** The other waits for the key of this one, which may have ended, that ask the same source. */
  siblings(wait: Wait): ReadonlyArray<Wait> {
    const source = sourceOf(wait)
    return this.othersOf(wait, (other) => sourceOf(other) === source)
  }

  private othersOf(wait: Wait, isMeant: (other: Wait) => boolean): ReadonlyArray<Wait> {
    const found = this.waits.get(wait.key)
    const waits =
      found instanceof Waiters ? found.waits : found === undefined || found.stage.phase === "ended" ? [] : [found]
    const others: Array<Wait> = []
    for (const other of waits) if (other !== wait && isMeant(other)) others.push(other)
    return others
  }

  /** Whether the next check of a wait is not part of a batch: at a fallback, or when its key needs a check of its own. */
  checksAlone(wait: Wait): boolean {
    return checksAlone(wait) || this.apart.isBad(wait.key) || (this.waitersOf(wait)?.checksAlone ?? false)
  }

  /** Whether the next check of a wait gathers no others: it is alone, or part of a request that failed. */
  isApart(wait: Wait): boolean {
    return this.apart.partOf(wait) !== undefined || this.checksAlone(wait)
  }

  /** Whether any wait for this key still wants the job. */
  isWanted(key: string): boolean {
    const found = this.waits.get(key)
    if (found === undefined || found instanceof Waiters) return found?.isWanted ?? false
    return found.stage.phase !== "ended" && !hasTimedOut(found)
  }

  /** The check in flight for the key of a wait, if any. */
  checkFor(wait: Wait): Call | undefined {
    if (this.abandoned.size > 0 && sourceOf(wait) === undefined) {
      const call = this.abandoned.get(wait.key)
      // A call that all waits have left is interrupted as soon as possible, and yields nothing.
      if (call !== undefined && (!call.isEmpty || call.running === undefined)) return call
    }
    return this.waitersOf(wait)?.checkLike(wait) as Call | undefined
  }

  /**
   * Notes the floor of the job itself that a wait has found, for the next one that comes; returns the other waits for its
   * key that are to keep it.
   */
  noteFloor(wait: Wait): ReadonlyArray<Wait> {
    const { floorAt, setting } = wait
    const waiters = this.waitersOf(wait)
    if (waiters !== undefined) waiters.floorAt = floorAt
    return floorAt <= setting.time.now
      ? []
      : this.othersOf(wait, (other) => sourceOf(other) === undefined && other.floorAt < floorAt)
  }

  /** Whether a new wait brings a later floor than the others for its key know of. */
  bringsFloor(wait: Wait): boolean {
    const waiters = this.waitersOf(wait)
    return waiters !== undefined && sourceOf(wait) === undefined && wait.floorAt > waiters.floorAt
  }

  /** Notes the cursor of a wait for the next one that comes; returns the other waits for its key that are to take it over. */
  noteCursor(wait: Wait, cursor: string): ReadonlyArray<Wait> {
    const waiters = this.waitersOf(wait)
    const home = homeOf(wait)
    if (waiters !== undefined && home === undefined) waiters.cursor = cursor
    return this.othersOf(wait, (other) => homeOf(other) === home && cursorOf(other) !== cursor)
  }

  /** Whether a new wait brings a cursor, and the others for its key have none. */
  bringsCursor(wait: Wait): boolean {
    const waiters = this.waitersOf(wait)
    return waiters !== undefined && waiters.cursor === undefined && cursorOf(wait) !== undefined
  }

  // -- the minimum interval between the checks of a key --

  /** Keeps the starts of checks from now on, for waits with this `minInterval`. */
  keepStarts(minInterval: number): void {
    if (minInterval === 0) return
    const isFirst = !this.spacing.isNeeded
    this.spacing.extend(minInterval)
    if (!isFirst) return
    for (const found of this.waits.values()) {
      for (const { checkStarted, key } of found instanceof Waiters ? found.waits : [found]) {
        if (checkStarted !== never) this.spacing.note(key, checkStarted)
      }
    }
  }

  /** Whether any of its waits has had a `minInterval`. */
  get isSpaced(): boolean {
    return this.spacing.isNeeded
  }

  /** Notes that a check of a key began. */
  noteStart(key: string, at: number): void {
    this.spacing.note(key, at)
  }

  /** Notes that a call began that checks the keys of these waits. */
  noteStarts(waits: Iterable<Wait>, at: number): void {
    if (this.spacing.isNeeded) for (const { key } of waits) this.spacing.note(key, at)
  }

  /** When the newest check of the key of a wait began, unless the wait would join it. */
  checkedAt(wait: Wait): number | "joins" {
    return this.checkFor(wait) === undefined ? this.spacing.of(wait.key) : "joins"
  }

  // -- keys whose waits have left --

  /** Notes that a call still asks for a key whose wait has left it. */
  abandon(key: string, call: Call): void {
    this.abandoned.set(key, call)
    ;(call.abandoned ??= []).push(key)
  }

  /** Notes that a call does not ask for a key any more. */
  forget(key: string, call: Call): void {
    if (this.abandoned.get(key) === call) this.abandoned.delete(key)
  }

  /** Notes that a call is over. */
  forgetAll(call: Call): void {
    if (call.abandoned !== undefined) for (const key of call.abandoned) this.forget(key, call)
  }

  // -- waits that are due --

  /** Queues a wait that is due; `inTurn` says that it was woken in a turn, and so gathered with others already. */
  enqueue(wait: Wait, now: number, inTurn: boolean): void {
    if (this.queue.isEmpty) this.gathers = false
    if (this.batch !== undefined && !this.isApart(wait)) {
      const { slack } = this.batch
      if (slack > 0 && !this.gathers) this.gatherUntil = inTurn ? now : (Math.floor(now / slack) + 1) * slack
      this.gathers = true
      // A check that would come too late does not wait for others.
      if (!fitsBefore(wait, now, this.gatherUntil)) this.gatherUntil = now
    }
    this.queue.push(wait)
  }

  /**
   * Whether queued checks may begin: those of a batch are gathered first, unless there are enough for a whole request.
   * More waits are due at `restAt`.
   */
  isReady(now: number, restAt: number): boolean {
    if (this.batch === undefined || (now >= this.gatherUntil && restAt > this.gatherUntil)) return true
    const first = this.queue.next?.first
    if (first !== undefined && this.isApart(first)) return true
    return this.queue.hasKeys(this.batch.max)
  }

  /** Takes the first queued wait; for a batch with those behind it that fit into the same request. */
  dequeue(): ReadonlyArray<Wait> {
    const { batch, queue } = this
    return batch === undefined || this.checksAlone(queue.next!.first)
      ? [queue.takeOne()]
      : queue.takeAlike(batch.max, areAlike)
  }

  // -- checks that would begin together --

  /**
   * How long to postpone the first check of a new wait, in milliseconds: less than `span`, and not for the first one
   * among those that come together. Those that can share a request are not kept apart.
   */
  stagger(now: number, span: number, random: () => number): number {
    return this.batch === undefined ? this.firstChecks.next(now, span, random) - now : 0
  }

  /**
   * The floor of a wait: later than the server set it, by less than a tenth of the delay, if it set the same for others.
   * Not for those that can share a request, and not so late that a check would miss the deadline. Waits for one key that
   * share a check get the same.
   */
  spread(wait: Wait, floorAt: number): number {
    const { random, time } = wait.setting
    const delay = floorAt - time.now
    if (this.batch !== undefined || delay < shortestSpread) return floorAt
    const { newest } = this
    if (newest?.key === wait.key && newest.floorAt === floorAt) return newest.at
    // Delays of different lengths do not come back together.
    const length = Math.ceil(Math.log2(delay))
    const slots = this.floors.get(length) ?? new Slots()
    this.floors.set(length, slots)
    const at = slots.next(floorAt, delay / 10, random)
    const fits = fitsBefore(wait, floorAt, at + time.now - wait.checkStarted)
    this.newest = { key: wait.key, floorAt, at: fits ? at : floorAt }
    return this.newest.at
  }
}

/** The settings of a wait that belongs to a target. */
export interface TargetSetting extends Setting {
  readonly target: Target
}

export const targetOf = ({ setting }: Wait): Target => (setting as TargetSetting).target

// ---- internal ----

/** Shorter delays are not spread, in milliseconds. */
const shortestSpread = 20

/** Whether an ended wait knows something for the next one: the end of the job, a floor or a cursor. */
const isWorthKeeping = (wait: Wait): boolean =>
  hasEnd(wait) || wait.floorAt > wait.nextAt || jobCursorOf(wait) !== undefined

/** The request for many asks the job itself, and one gate; and a part of a request that failed has no other keys. */
const areAlike = (first: Wait, other: Wait): boolean => {
  const { apart } = targetOf(first)
  if (targetOf(other).checksAlone(other) || first.setting.policy.gate !== other.setting.policy.gate) return false
  return apart.partOf(first) === apart.partOf(other)
}
