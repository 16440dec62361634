import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Gate from "../../Gate.ts"
import * as event from "../machine/event.ts"
import type { Timeline, Wait } from "../machine/wait.ts"
import type { Bounds } from "./bounds.ts"
import { Errand } from "./inFlight.ts"
import { groupOf } from "./group.ts"
import * as checks from "./batchCheck.ts"
import type { Site } from "./target.ts"
import type { Slice } from "./slice.ts"
import { Turns } from "./turns.ts"

const open = /*#__PURE__*/ Exit.succeed(Gate.open)

/** What a wait is told that may check without asking a gate. */
export const gateOpened: event.Event = { _tag: "Gated", exit: open }

/** What departures ask of the engine that they belong to. */
export interface Crew {
  readonly time: Timeline
  readonly closed: boolean
  /** Tells the machine what happened to a wait, and does what it says. */
  readonly step: (wait: Wait, happened: event.Event) => void
  readonly join: (wait: Wait, errand: Errand) => void
  readonly start: (errand: Errand, effect: Effect.Effect<unknown, unknown, unknown>) => void
  /** Sets the alarm of a wait in line, which is overdue at its deadline; */
  readonly guard: (wait: Wait) => void
  /** and takes note that there is none any more. */
  readonly unguard: (wait: Wait) => void
}

/**
 * Which checks begin, and when. A wait that may check boards the check for its key that is under way or about to start;
 * otherwise it has one of its own, or a place in a request for many, which is filled with what falls due in a tick. Where
 * there is no room, it stands in the line of its site, and sites are served in turn.
 */
export class Departures {
  private readonly crew: Crew
  private readonly bounds: Bounds
  private readonly slice: Slice
  private readonly turns = new Turns()
  /** The check that is about to start, while it is boarded. */
  private boarding: Errand | undefined
  /** The time of the tick that wakes those who are due, while it does. */
  private tickAt: number | undefined
  /** Where requests for many are being filled. */
  private readonly filling = new Set<Site>()

  constructor(crew: Crew, bounds: Bounds, slice: Slice) {
    this.crew = crew
    this.bounds = bounds
    this.slice = slice
  }

  /** Whether a wait may check once. */
  hasRoom(wait: Wait): boolean {
    const { site } = groupOf(wait)
    if (site.checkFor(wait) !== undefined) return true
    if (this.turns.length > 0) return false
    if (!isForMany(wait)) return !this.slice.isOver(this.crew.time.now) && this.bounds.hasRoomFor(site)
    // Who comes in between, woken or for the first time, is gathered in the line.
    return this.tickAt !== undefined && (site.filling !== undefined || this.bounds.hasRoomFor(site))
  }

  /**
   * By how many milliseconds the first check of a wait is put off that is due at once: where checks are gathered, it goes with
   * those that come next; where a turn is over, it comes in the next one, since for want of room it would stand in line.
   */
  putOff(wait: Wait): number | undefined {
    const { site } = groupOf(wait)
    if (site.checkFor(wait) !== undefined) return undefined
    if (site.batch !== undefined) return site.batch.slack > 0 ? 1 : undefined
    return this.turns.length === 0 && this.slice.isOver(this.crew.time.now) ? 0 : undefined
  }

  // -- a tick --

  startTick(now: number): void {
    this.tickAt = now
    this.slice.start(now)
  }

  /** What is not full waits for the rest of what was due when it was begun, if there is more. */
  endTick(restAt: number): void {
    this.tickAt = undefined
    for (const site of this.filling) if (site.fillUntil < restAt || this.crew.closed) this.departFilled(site)
  }

  // -- checks --

  /** A wait joins the check for its key that is under way or about to start; otherwise it has one of its own. */
  board(wait: Wait): void {
    const { site } = groupOf(wait)
    const { boarding } = this
    const check = site.checkFor(wait) ?? (boarding?.site === site && boarding.admits(wait) ? boarding : undefined)
    if (check !== undefined) return this.crew.join(wait, check)
    if (this.tickAt !== undefined && isForMany(wait)) return this.fill(wait)
    const errand = checkAt(wait)
    this.crew.join(wait, errand)
    this.depart(errand)
  }

  /** A wait joins the request that is being filled with what is due; it has its room from the start. */
  private fill(wait: Wait): void {
    const { site } = groupOf(wait)
    if (site.filling === undefined) {
      site.filling = checkAt(wait)
      site.fillUntil = this.crew.time.now
      this.filling.add(site)
      this.bounds.count(site.filling, 1)
    }
    this.crew.join(wait, site.filling)
    if (++site.filled === site.batch!.max) this.departFilled(site)
  }

  private departFilled(site: Site): void {
    const errand = site.filling!
    this.filling.delete(site)
    site.filling = undefined
    site.filled = 0
    this.bounds.count(errand, -1)
    this.depart(errand)
  }

  /** Starts a check for those who have boarded it, if anybody did, and for all who wait for the same keys. */
  private depart(errand: Errand): void {
    if (errand.isEmpty) return
    if (errand.site.isShared) this.callSiblings(errand)
    this.crew.start(errand, errand.kind === "check" ? checks.one(errand.anyone) : checks.many(errand))
  }

  private callSiblings(errand: Errand): void {
    const former = this.boarding
    this.boarding = errand
    for (const wait of errand.onePerKey) {
      for (const sibling of errand.site.siblings(wait)) {
        // Who stands in line, or waits for its gate, need not: the check begins without it.
        this.crew.step(sibling, sibling.stage.phase === "gating" ? gateOpened : event.joined)
      }
    }
    this.boarding = former
  }

  // -- lines --

  /** Whether anybody may stand in line. */
  get hasLines(): boolean {
    return this.turns.length > 0
  }

  /** When the first request is due of those that are gathered in line. */
  gatheredAt(now: number): number {
    return this.turns.gatheredAt(now)
  }

  stand(wait: Wait): void {
    const { site } = groupOf(wait)
    this.crew.guard(wait)
    // Who was woken was gathered by that; who comes in between waits for the next time.
    site.enqueue(wait, this.crew.time.now, this.tickAt !== undefined)
    this.turns.enter(site)
  }

  /**
   * Lets checks begin as long as there is room, one site after the other; tells whether it stopped for others to have a turn.
   * There is more to come of what was due at `restAt`.
   */
  serve(restAt: number): boolean {
    const { bounds, crew, slice, turns } = this
    let blocked = 0
    while (blocked < turns.length && !bounds.isFull && !crew.closed) {
      if (slice.isOver(crew.time.now)) return true
      const site = turns.next()
      if (site === undefined) return false
      if (bounds.hasRoomFor(site) && site.isReady(crew.time.now, restAt)) {
        blocked = 0
        this.admit(site, site.dequeue())
      } else blocked++
    }
    return false
  }

  private admit(site: Site, waits: ReadonlyArray<Wait>): void {
    const first = waits[0]!
    const { gate, job } = first.setting.policy
    if (gate === undefined && site.batch === undefined) return this.crew.step(first, gateOpened)
    const isForced = waits.every(({ rare }) => rare.wokenMeanwhile === "forced")
    if (gate === undefined || isForced) return this.admitted(waits, open)
    const errand = new Errand("gate", site)
    for (const wait of waits) {
      this.crew.unguard(wait)
      this.crew.join(wait, errand)
    }
    this.crew.start(
      errand,
      Effect.suspend(() => gate.ask({ job, key: first.key }))
    )
  }

  /** Tells some waits what their gate answered, and starts the check that they board then. */
  admitted(waits: ReadonlyArray<Wait>, exit: Exit.Exit<Gate.Answer>): void {
    const former = this.boarding
    const errand = checkAt(waits[0]!)
    this.boarding = errand
    for (const wait of waits) this.crew.step(wait, { _tag: "Gated", exit })
    this.boarding = former
    this.depart(errand)
  }
}

// ---- internal ----

/** Whether the next check of a wait is one for many; at a fallback it is not. */
const isForMany = (wait: Wait): boolean => groupOf(wait).site.batch !== undefined && wait.rare.fallbackKey === undefined

/** A check that others may board as well. */
const checkAt = (wait: Wait): Errand => new Errand(isForMany(wait) ? "many" : "check", groupOf(wait).site)
