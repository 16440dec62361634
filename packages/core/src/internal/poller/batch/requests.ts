import * as Exit from "effect/Exit"
import * as event from "../../machine/event.ts"
import { errorsInRow, sourceOf, type Wait } from "../../machine/wait.ts"
import type { Part } from "./apart.ts"
import { type Answer, kindOfFailure } from "./batchCheck.ts"
import { Division, firstParts, halves } from "./division.ts"
import type { InFlight } from "../inFlight.ts"
import { type Call, targetOf } from "../target.ts"

/** What the ending of requests needs from the engine. */
export interface RequestHost {
  readonly now: () => number
  /** Ends a call, and tells each wait that is still in it what happened. */
  readonly conclude: (call: Call, eventOf: (wait: Wait) => event.Event) => void
}

/**
 * How requests for many end.
 *
 * - An answer is handed out at once; a key that it lacks becomes a check of its own.
 * - A throttled request is a throttled check of each key, a defect ends each wait.
 * - A permanent error may be about one key: the request is divided to find it.
 * - A transient error, or a request that times out, counts for each key. If the keys had failed just before, it may be
 *   about one of them, and the request is divided.
 *
 * A part is asked for in the attempt of the request, so that a key whose part works has no failed check.
 */
export class Requests {
  private readonly host: RequestHost
  private readonly parts = new WeakMap<InFlight, Part>()

  constructor(host: RequestHost) {
    this.host = host
  }

  /** A wait joins a check. */
  joined(wait: Wait, call: Call): void {
    const { apart } = call.target
    const part = apart.leave(wait)
    if (part === undefined) return
    if (call.kind === "batch" && call.state !== "begun" && part.call === undefined) {
      part.call = call
      this.parts.set(call, part)
    } else this.check(part)
  }

  /** A wait has ended. */
  ended(wait: Wait): void {
    const { apart } = targetOf(wait)
    const part = apart.leave(wait)
    if (part !== undefined) this.check(part)
  }

  /** A request is over. */
  settle(call: Call, exit: Exit.Exit<Answer, unknown>): void {
    const part = this.take(call)
    if (call.isEmpty) {
      this.host.conclude(call, ignored)
      if (part !== undefined) this.proceed(part.division, (division) => division.left(false))
    } else if (Exit.isSuccess(exit)) {
      this.host.conclude(call, exit.value)
      if (part !== undefined) this.proceed(part.division, (division) => division.worked())
    } else this.failed(call, exit, part)
  }

  /** A check of one key is over. */
  settledAlone(call: Call, exit: Exit.Exit<unknown, unknown>): void {
    if (Exit.isSuccess(exit) && !call.isEmpty && sourceOf(call.anyone) === undefined) {
      call.target.apart.answered(call.anyone.key)
    }
  }

  /** Waits in a request have reached their time limit. Returns what to tell them once they have left. */
  overdue(call: Call, waits: ReadonlyArray<Wait>): (wait: Wait) => event.Event {
    const isAll = waits.length === call.waits.length
    const part = this.parts.get(call)
    if (part?.failure !== undefined) {
      const { failure } = part
      if (isAll) part.division.drop(part)
      return (wait) => (this.isOver(wait) ? event.overdue : failure)
    }
    if (!isAll) return timedOut
    this.take(call)
    const keys = byKey(waits.filter((wait) => !this.isOver(wait)))
    if (part === undefined) {
      if (keys.length < 2 || !isRepeated(waits)) return timedOut
      this.enter(new Division("Transient", keys.length), firstParts(keys, roundOf(waits)))
    } else {
      const { division } = part
      this.proceed(division, () => division.timedOut())
      if (division.kind !== "Transient" || !division.isAboutKeys || keys.length === 0) return timedOut
      if (keys.length === 1) {
        targetOf(waits[0]!).apart.found(waits[0]!.key)
        return (wait) => (this.isOver(wait) ? event.overdue : unanswered)
      }
      this.enter(division, halves(keys))
    }
    return (wait) => (this.isOver(wait) ? event.overdue : event.divided)
  }

  private failed(call: Call, exit: Exit.Failure<Answer, unknown>, part: Part | undefined): void {
    const kind = kindOfFailure(call.anyone, exit)
    const failure = event.checkErrored(exit.cause)
    if (part !== undefined) {
      const { division } = part
      if (kind !== division.kind) {
        this.host.conclude(call, () => failure)
        return this.proceed(division, () => division.left(true))
      }
      // It stays in flight for its waits until it is known what the failure is about.
      this.parts.set(call, part)
      part.failure = failure
      call.running = undefined
      return this.proceed(division, () => division.failed(part))
    }
    const keys = byKey(call.waits)
    if (kind === "Permanent") {
      if (keys.length < 2) return this.host.conclude(call, () => unanswered)
    } else if (kind !== "Transient" || keys.length < 2 || !isRepeated(call.waits)) {
      return this.host.conclude(call, () => failure)
    }
    const round = kind === "Permanent" ? 1 : roundOf(call.waits)
    this.divide(call, new Division(kind, keys.length), (of) => firstParts(of, round))
  }

  /** Notes what happened to a part, and does what follows from that for the parts that are held. */
  private proceed(division: Division<Part>, note: (division: Division<Part>) => void): void {
    note(division)
    for (let next = division.next(); next !== undefined; next = division.next()) {
      const { part } = next
      const call = part.call as Call
      this.parts.delete(call)
      if (call.isEmpty) this.host.conclude(call, ignored)
      else if (next.divide) this.divide(call, division, halves)
      else this.host.conclude(call, () => (division.kind === "Permanent" ? unanswered : part.failure!))
    }
  }

  /** Divides a request that has failed, or finds its only key to be bad. */
  private divide(
    call: Call,
    division: Division<Part>,
    split: (keys: ReadonlyArray<ReadonlyArray<Wait>>) => ReadonlyArray<ReadonlyArray<ReadonlyArray<Wait>>>
  ): void {
    const keys = byKey(call.waits)
    const { apart } = call.target
    if (keys.length === 1) {
      apart.found(keys[0]![0]!.key)
      return this.host.conclude(call, () => unanswered)
    }
    // A key that may not be asked for yet would hold back the others.
    const now = division.kind === "Permanent" ? keys.filter((waits) => !waits.some(isSpaced)) : keys
    if (now.length < 2) return this.host.conclude(call, () => unanswered)
    this.enter(division, split(now))
    this.host.conclude(call, (wait) => (apart.partOf(wait) === undefined ? unanswered : event.divided))
  }

  private enter(division: Division<Part>, parts: ReadonlyArray<ReadonlyArray<ReadonlyArray<Wait>>>): void {
    for (const keys of parts) {
      if (keys.length === 0) continue
      const part: Part = { division, size: keys.length, members: 0, call: undefined, failure: undefined }
      division.begun()
      for (const wait of keys.flat()) targetOf(wait).apart.enter(wait, part)
    }
  }

  /** Notices a part that all waits have left before it began. */
  private check(part: Part): void {
    if (part.members === 0 && part.call === undefined) this.proceed(part.division, (division) => division.left(false))
  }

  private take(call: Call): Part | undefined {
    const part = this.parts.get(call)
    this.parts.delete(call)
    return part
  }

  private isOver({ deadlineAt }: Wait): boolean {
    return deadlineAt <= this.host.now()
  }
}

// ---- internal ----

const unanswered: event.Event = { _tag: "Unanswered" }

const ignored = (): event.Event => event.overdue

const timedOut = (): event.Event => event.overdue

const byKey = (waits: Iterable<Wait>): ReadonlyArray<ReadonlyArray<Wait>> => {
  const keys = new Map<string, Array<Wait>>()
  for (const wait of waits) {
    const known = keys.get(wait.key)
    if (known === undefined) keys.set(wait.key, [wait])
    else known.push(wait)
  }
  return [...keys.values()]
}

const isSpaced = ({ setting }: Wait): boolean => setting.policy.minInterval > 0

/** Whether the checks of at least half of the waits had failed just before. */
const isRepeated = (waits: ReadonlyArray<Wait>): boolean =>
  2 * waits.reduce((failed, wait) => (errorsInRow(wait) > 0 ? failed + 1 : failed), 0) >= waits.length

/** How often requests for these waits have failed in a row. */
const roundOf = (waits: ReadonlyArray<Wait>): number =>
  1 + waits.reduce((most, wait) => Math.max(most, errorsInRow(wait)), 0)
