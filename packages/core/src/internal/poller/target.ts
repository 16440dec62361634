import type { Any } from "../../Job.ts"
import type { Status } from "../../Status.ts"
import { longestCheck, type Wait } from "../machine/wait.ts"
import { Crowd, floorHere } from "./waiters.ts"
import type { Errand } from "./inFlight.ts"
import { Line } from "./readyQueue.ts"

/** A job as a Poller sees it, with all its sites together: how many of its checks are under way. */
export interface Traffic {
  underWay: number
}

/**
 * The keys of one job that are checked in one world, that is, with the same services: what its waits share. Waits for
 * the same key share their checks.
 */
export class Site {
  readonly job: Any
  readonly traffic: Traffic
  /** The most keys of one request, where the job has one for many; the time within which checks are gathered for it. */
  readonly batch: { readonly max: number; readonly slack: number } | undefined
  /** Checks that are under way, by the keys of those who have left them: nobody else asks for those keys. */
  private readonly left = new Map<string, Errand>()
  /** Whether it was forgotten, since nobody needed it. */
  isGone = false
  /** Until when checks are gathered for a request for many. */
  gatherUntil = 0
  /** The request for many that is being filled, with what is due until when, and how many keys are in it. */
  filling: Errand | undefined
  fillUntil = 0
  filled = 0
  /** Whether it waits for its turn to let checks begin. */
  inTurn = false
  private readonly waits = new Map<string, Wait | Crowd>()
  /** How many keys have more than one wait. */
  private shared = 0
  readonly line = new Line()
  private nextFirstAt = 0
  /** Those that ended of late and are remembered, in order of time; the first of them are forgotten already. */
  private lately: Array<Wait> = []
  private forgotten = 0
  /** How many of them, and of those that are about to be let go, have a successor for their key. */
  private revived = 0

  constructor(job: Any, traffic: Traffic, batch: Site["batch"]) {
    this.job = job
    this.traffic = traffic
    this.batch = batch
  }

  // -- who waits --

  /** Who waits for this key, or the one that ended of late. */
  find(key: string): Wait | Crowd | undefined {
    return this.waits.get(key)
  }

  /** Adds a wait to those that were found for its key. */
  add(wait: Wait, former: Wait | Crowd | undefined): void {
    if (former instanceof Crowd) former.waits.add(wait)
    else if (former === undefined || former.stage.phase === "ended") {
      if (former !== undefined) this.revived++
      this.waits.set(wait.key, wait)
    } else {
      this.shared++
      this.waits.set(wait.key, new Crowd(former, wait))
    }
  }

  /** Lets a wait go that has ended; the end of a job is kept for a while, and what the server asked for. */
  retire(wait: Wait, linger: number): void {
    this.forget(wait.nextAt, linger)
    // To find a key among many costs a look into memory that is in no cache: not where no key has more than one wait.
    const found = this.shared === 0 && this.revived === 0 ? wait : this.waits.get(wait.key)
    if (found instanceof Crowd) {
      found.leaves(wait)
      if (found.waits.size > 1) return
      const [last] = found.waits
      this.waits.set(wait.key, last!)
      this.shared--
    } else if (found === wait) {
      if (linger > 0 && isRemembered(wait)) this.lately.push(wait)
      else this.waits.delete(wait.key)
    } else this.revived--
  }

  /** Forgets those that ended so long ago. */
  forget(now: number, linger: number): void {
    const { lately } = this
    while (this.forgotten < lately.length && lately[this.forgotten]!.nextAt + linger <= now) {
      const wait = lately[this.forgotten++]!
      if (this.revived === 0 || this.waits.get(wait.key) === wait) this.waits.delete(wait.key)
      else this.revived--
    }
    if (this.forgotten > 1_024 && this.forgotten * 2 > lately.length) {
      this.lately = lately.slice(this.forgotten)
      this.forgotten = 0
    }
  }

  *[Symbol.iterator](): Generator<Wait> {
    for (const found of this.waits.values()) {
      if (found instanceof Crowd) yield* found.waits
      else if (found.stage.phase !== "ended") yield found
    }
  }

  /** Whether nobody waits here, and nobody did of late. */
  get isUnused(): boolean {
    return this.waits.size === 0 && this.line.isEmpty && this.left.size === 0
  }

  /** Whether any key has more than one wait. */
  get isShared(): boolean {
    return this.shared > 0
  }

  /** The others for the same key that check the same source as this one, which may have ended. */
  siblings(wait: Wait): ReadonlyArray<Wait> {
    const found = this.waits.get(wait.key)
    const others =
      found instanceof Crowd ? found.waits : found === undefined || found.stage.phase === "ended" ? [] : [found]
    const siblings: Array<Wait> = []
    for (const other of others) {
      if (other !== wait && other.rare.fallbackKey === wait.rare.fallbackKey) siblings.push(other)
    }
    return siblings
  }

  /** Whether anybody waits for this key, and has not given the job up. */
  isWanted(key: string): boolean {
    const found = this.waits.get(key)
    if (found === undefined || found instanceof Crowd) return found?.isWanted ?? false
    return found.stage.phase !== "ended" && found.rare.gaveUp === undefined
  }

  /** Takes note of a key that is asked for still, though its wait has left the check. */
  keepKey(key: string, errand: Errand): void {
    this.left.set(key, errand)
    ;(errand.left ??= []).push(key)
  }

  /** Takes note that this check asks for this key no more; */
  forgetKey(key: string, errand: Errand): void {
    if (this.left.get(key) === errand) this.left.delete(key)
  }

  /** or for none at all. */
  forgetKeys(errand: Errand): void {
    if (errand.left !== undefined) for (const key of errand.left) this.forgetKey(key, errand)
  }

  /** The check that is under way for the key of this wait, if any. */
  checkFor(wait: Wait): Errand | undefined {
    if (this.left.size > 0 && wait.rare.fallbackKey === undefined) {
      const left = this.left.get(wait.key)
      // One that all have left is interrupted, as soon as it can be: nobody learns anything from it.
      if (left !== undefined && (!left.isEmpty || left.fiber === undefined)) return left
    }
    return this.crowdOf(wait)?.checkLike(wait)
  }

  /** Whether a newcomer knows of a wish of the server that the others for its key do not know of. */
  isNews(wait: Wait): boolean {
    const crowd = this.crowdOf(wait)
    return crowd !== undefined && wait.rare.fallbackKey === undefined && wait.floorAt > crowd.floorAt
  }

  /** The waits for the same key, if there are several. */
  crowdOf({ key }: Wait): Crowd | undefined {
    if (this.shared === 0) return undefined
    const found = this.waits.get(key)
    return found instanceof Crowd ? found : undefined
  }

  // -- who stands in line for a check --

  enqueue(wait: Wait, now: number, isGathered: boolean): void {
    if (this.batch !== undefined) {
      const { slack } = this.batch
      if (slack > 0 && this.line.isEmpty) {
        this.gatherUntil = isGathered ? now : (Math.floor(now / slack) + 1) * slack
      }
      // A check that would come too late is not waited with.
      if (this.gatherUntil + longestCheck(wait) > wait.deadlineAt) this.gatherUntil = now
    }
    this.line.push(wait)
  }

  /**
   * Whether checks may begin: those for many are gathered first, unless there is a request full of them. There is more to
   * come of what was due at `restAt`.
   */
  isReady(now: number, restAt: number): boolean {
    if (this.batch === undefined || (now >= this.gatherUntil && restAt > this.gatherUntil)) return true
    return this.line.hasKeys(this.batch.max)
  }

  /** The first in line, where the job has a check for many with those behind it that can be checked with it. */
  dequeue(): ReadonlyArray<Wait> {
    return this.batch === undefined ? [this.line.next()] : this.line.nextAlike(this.batch.max, canCheckTogether)
  }

  // -- first checks --

  /**
   * How long the first check of a newcomer is put off: none for the first, and the more the more came at the same time, as
   * many as one each millisecond; at most `atMost`.
   */
  stagger(now: number, atMost: number, random: () => number): number {
    const spread = Math.min(Math.max(0, this.nextFirstAt - now), atMost)
    this.nextFirstAt = Math.min(now + atMost, Math.max(now, this.nextFirstAt) + 1)
    return Math.floor(spread * random())
  }
}

/** What the server asked for, of those who wait for a key or did of late; a fallback is another server. */
export const floorOf = (found: Wait | Crowd | undefined): number => {
  if (found === undefined) return 0
  return found instanceof Crowd ? found.floorAt : floorHere(found)
}

/** The end of a key, if it was seen a moment ago. */
export const endOf = (
  found: Wait | Crowd | undefined,
  now: number,
  linger: number
): Status<unknown, unknown> | undefined => {
  if (found === undefined || found instanceof Crowd || found.stage.phase !== "ended") return undefined
  return hasSeenTheEnd(found) && now < found.nextAt + linger ? found.status : undefined
}

// ---- internal ----

/** Whether who asks for the key again has something to know: its end, or that the server does not want to be asked. */
const isRemembered = (wait: Wait): boolean => hasSeenTheEnd(wait) || wait.floorAt > wait.nextAt

const hasSeenTheEnd = ({ status }: Wait): boolean => status !== undefined && status._tag !== "Pending"

/** A job that is checked elsewhere now is not among those that the request for many knows. */
const canCheckTogether = (a: Wait, b: Wait): boolean =>
  a.rare.fallbackKey === undefined &&
  b.rare.fallbackKey === undefined &&
  a.setting.policy.gate === b.setting.policy.gate
