import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type { DurableRow } from "../../DurableRow.ts"
import type { Service } from "../../DurableStore.ts"
import type { Encoded, Submitted } from "../kind.ts"
import type { Backoff } from "./backoff.ts"
import { type Calls, failed } from "./calls.ts"
import type { Saves } from "./saves.ts"
import type { Skew } from "./skew.ts"
import { type Entry, slim, type Watch } from "./state.ts"
import type { Step } from "./steps.ts"
import * as token from "./token.ts"

/** What the outbox needs. */
export interface Around {
  readonly store: Service
  readonly calls: Calls
  readonly backoff: Backoff
  readonly skew: Skew
  readonly wallClock: () => number
  readonly saves: Saves
  readonly now: () => number
  /** The largest number of submits of a kind in flight at the same time. */
  readonly most: number
  readonly fork: (effect: Effect.Effect<void>) => Fiber.Fiber<void>
  readonly changed: () => void
  readonly begin: (watch: Watch, token: ResumeToken) => Effect.Effect<void>
  readonly ended: (watch: Watch, encoded: Encoded, attempts: number) => void
  /** Called when a job could not be submitted: it is retried later. */
  readonly later: (watch: Watch) => void
  readonly gone: (watch: Watch) => void
}

/** The submits of a kind. */
interface Lane {
  readonly queue: Array<Watch>
  active: number
}

interface InFlight {
  /** Replaced if the bucket was lost and claimed again during the submit. */
  watch: Watch
  fiber: Fiber.Fiber<void> | undefined
}

/** Submits the jobs in the outbox of this process. */
export class Outbox {
  private readonly around: Around
  private readonly lanes = new Map<Entry, Lane>()
  private readonly inFlight = new Map<string, InFlight>()

  constructor(around: Around) {
    this.around = around
  }

  /** Adds a job. `isBegun`: whether a process began to submit it and has not stored the result. */
  add(watch: Watch, isBegun: boolean): void {
    const { entry, row } = watch
    const before = this.inFlight.get(row.id)
    if (before !== undefined && before.watch.row.round === row.round) {
      before.watch = watch
      return
    }
    const { submitUnknown } = entry.kind
    if (isBegun && submitUnknown !== undefined) return this.around.ended(watch, submitUnknown(row), 0)
    this.lane(entry).queue.push(watch)
    this.around.changed()
  }

  readonly step: Step = {
    readyAt: () => (this.ready() === undefined ? Number.POSITIVE_INFINITY : this.around.backoff.notBefore),
    run: Effect.suspend(() => {
      const entry = this.ready()
      return entry === undefined ? Effect.void : this.next(entry, this.lane(entry))
    })
  }

  /** Waits for submits in flight, and interrupts those that take longer than `millis`. */
  settle(isLeaving: (watch: Watch) => boolean, millis: number): Effect.Effect<void> {
    return Effect.suspend(() => {
      const fibers: Array<Fiber.Fiber<void>> = []
      for (const { fiber, watch } of this.inFlight.values()) {
        if (fiber !== undefined && isLeaving(watch)) fibers.push(fiber)
      }
      if (fibers.length === 0) return Effect.void
      return Effect.flatMap(Effect.timeoutOption(Effect.interruptible(Fiber.awaitAll(fibers)), millis), (ended) =>
        ended._tag === "Some" ? Effect.void : Fiber.interruptAll(fibers)
      )
    })
  }

  /** Forgets a kind. */
  remove(entry: Entry): void {
    this.lanes.delete(entry)
  }

  private lane(entry: Entry): Lane {
    const found = this.lanes.get(entry) ?? { queue: [], active: 0 }
    this.lanes.set(entry, found)
    return found
  }

  /** A kind that has jobs to submit and is allowed to. */
  private ready(): Entry | undefined {
    for (const [entry, { active, queue }] of this.lanes) {
      if (queue.length > 0 && active < this.around.most && !entry.isPaused) return entry
    }
    return undefined
  }

  private next(entry: Entry, lane: Lane): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const batch = lane.queue
        .splice(0, this.around.most - lane.active)
        .filter((watch) => isOpen(watch) && !this.isLate(watch))
      if (batch.length === 0) return
      if (entry.kind.submitUnknown === undefined) return batch.forEach((watch) => this.start(watch, lane))
      const marked = yield* this.mark(entry, batch)
      if (marked === undefined) {
        lane.queue.unshift(...batch)
        return
      }
      for (const watch of batch) {
        if (!isOpen(watch)) continue
        if (marked.has(watch.row.id)) this.start(watch, lane)
        else this.around.gone(watch)
      }
    })
  }

  /** Stores that the submits begin. Yields the ids of the jobs that may be submitted; `undefined` if the store failed. */
  private mark(entry: Entry, batch: ReadonlyArray<Watch>): Effect.Effect<ReadonlySet<string> | undefined> {
    return Effect.gen({ self: this }, function* () {
      const { backoff, calls, now, store } = this.around
      const marks = batch.map(({ owned, row: { id, round } }) => ({ id, round, claim: owned.claim }))
      const marked = yield* calls.run("submitting", store.submitting(marks))
      if (marked === failed) {
        backoff.failed(now())
        return undefined
      }
      const ids = new Set(marked)
      const rest = batch.filter(({ row }) => !ids.has(row.id))
      if (rest.length > 0) {
        // An earlier call of this process may have marked them without our getting the answer. No other process can have.
        const found = yield* calls.run(
          "find",
          store.find(
            entry.kind.name,
            rest.map(({ row }) => row.id)
          )
        )
        if (found === failed) {
          backoff.failed(now())
          return undefined
        }
        for (const { owned, row } of rest) {
          const now = found.find(({ id }) => id === row.id)
          if (now?.state === "submitting" && now.round === row.round && !owned.isOver) ids.add(row.id)
        }
      }
      backoff.succeeded()
      return ids
    })
  }

  /** Ends a job whose deadline has passed: nobody waits for what a submit would begin. */
  private isLate(watch: Watch): boolean {
    const { ended, skew, wallClock } = this.around
    const { entry, row } = watch
    if (entry.kind.submitLate === undefined || row.deadlineAt === null) return false
    if (wallClock() < row.deadlineAt - skew.millis) return false
    ended(watch, entry.kind.submitLate(row), 0)
    return true
  }

  private start(watch: Watch, lane: Lane): void {
    const { submit } = watch.entry.kind
    if (submit === undefined) return
    const { row } = watch
    const call: InFlight = { watch, fiber: undefined }
    lane.active++
    this.inFlight.set(row.id, call)
    const done = (exit: Exit.Exit<Submitted>): Effect.Effect<void> =>
      Effect.suspend(() => {
        lane.active--
        if (this.inFlight.get(row.id) === call) this.inFlight.delete(row.id)
        this.around.changed()
        return Exit.isSuccess(exit) ? this.submitted(call.watch, exit.value) : this.broken(call.watch, exit.cause)
      })
    // Its exit is handled even if it is interrupted.
    const submitting = Effect.uninterruptibleMask((restore) =>
      Effect.flatMap(Effect.exit(restore(Effect.suspend(() => submit(row)))), done)
    )
    call.fiber = this.around.fork(submitting)
  }

  private submitted(watch: Watch, submitted: Submitted): Effect.Effect<void> {
    return Effect.sync(() => {
      const { begin, ended, gone, saves, skew } = this.around
      if (submitted._tag === "Ended" && submitted.key === undefined) return ended(watch, submitted.encoded, 0)
      const { key } = submitted
      const row: DurableRow = { ...slim(watch.row), state: "pending", key: key ?? null }
      const receipt =
        submitted._tag === "Accepted"
          ? token.withDeadline(row, submitted.token, skew.millis)
          : token.ofRow(row, undefined, skew.millis)
      watch.row = row
      saves.add({
        watch,
        token: receipt,
        key,
        isWanted: () => true,
        then: (isStored) => {
          if (!isStored) return Effect.sync(() => gone(watch))
          if (submitted._tag === "Accepted") return begin(watch, receipt)
          return Effect.sync(() => ended(watch, submitted.encoded, 0))
        }
      })
    })
  }

  /** Handles a submit that had a defect, or was interrupted. */
  private broken(watch: Watch, cause: Cause.Cause<never>): Effect.Effect<void> {
    if (Cause.hasInterruptsOnly(cause) || !isOpen(watch)) return Effect.void
    const { submitUnknown } = watch.entry.kind
    const text = `The submit of ${JSON.stringify(watch.row.kind)} has a defect`
    return Effect.andThen(
      Effect.logWarning(text, cause),
      Effect.sync(() => {
        if (submitUnknown === undefined) this.around.later(watch)
        else this.around.ended(watch, submitUnknown(watch.row), 0)
      })
    )
  }
}

// ---- internal ----

const isOpen = ({ owned, phase }: Watch): boolean => phase === "outbox" && !owned.isOver
