import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { PollError } from "effect-poll/PollError"
import type * as Poller from "effect-poll/Poller"
import * as ResumeToken from "effect-poll/ResumeToken"
import type { DurableRow } from "../../DurableRow.ts"
import type { Settled } from "../../DurableStore.ts"
import type { Encoded } from "../kind.ts"
import type { Skew } from "./skew.ts"
import { type AnyHandle, type Entry, slim, type State, Watch } from "./state.ts"
import * as token from "./token.ts"

type Token = ResumeToken.ResumeToken

/** What the waits need. */
export interface Around {
  readonly state: State
  readonly poller: Poller.Service
  readonly skew: Skew
  readonly wallClock: () => number
  /** Called when a wait has ended. */
  readonly ended: (watch: Watch, encoded: Encoded, attempts: number) => void
  /** Submits a job. `isBegun`: whether a runner began to submit it and has not stored the result. */
  readonly submit: (watch: Watch, isBegun: boolean) => void
  /** Called when the wait for a job could not be started: it is retried later. */
  readonly later: (watch: Watch) => void
}

/** The jobs in memory: how rows become waits, and how waits are left. */
export class Waits {
  private readonly around: Around
  /** The rounds that ended while the store was being read: its answer may still say that they are open. */
  private readonly justEnded = new Map<string, number>()

  constructor(around: Around) {
    this.around = around
  }

  /** Is called before the store is read. */
  reading(): void {
    this.justEnded.clear()
  }

  /** Starts waits for the rows that are new, and passes nudges on. */
  takeAll(rows: ReadonlyArray<DurableRow>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      for (let at = 0; at < rows.length; at++) {
        const taken = this.take(rows[at]!)
        if (taken !== undefined) yield* taken
        // Other fibers get their turns.
        if (at % slice === slice - 1) yield* Effect.yieldNow
      }
    })
  }

  /** Continues a wait from a token of this process, such as the receipt of a submit. */
  begin(watch: Watch, from: Token): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      if (watch.phase === "left") return
      const { entry } = watch
      watch.phase = "beginning"
      watch.token = undefined
      const token = entry.isPaused ? pausable(from, this.around.wallClock()) : from
      const begun = yield* Effect.exit(entry.kind.begin(this.around.poller, watch.row, token))
      if (Exit.isFailure(begun)) {
        yield* Effect.logWarning(
          `A durable wait for ${JSON.stringify(entry.kind.name)} cannot be started; this is tried again`,
          begun.cause
        )
        return this.putOff(watch)
      }
      const result = begun.value
      if ("ending" in result) {
        if (watch.phase === "beginning") this.around.ended(watch, result, from.attempts)
      } else if (watch.phase === "beginning") yield* this.run(watch, result)
      else yield* result.leave
    })
  }

  /** Ends a wait without storing anything, and yields its token. */
  leave(watch: Watch): Effect.Effect<Token | undefined> {
    return Effect.suspend(() => {
      const { handle, phase, token } = watch
      this.forget(watch)
      watch.phase = "left"
      watch.handle = undefined
      watch.token = undefined
      return phase === "running" && handle !== undefined ? handle.leave : Effect.succeed(token)
    })
  }

  /** Ends waits without storing anything. */
  leaveAll(watches: Iterable<Watch>): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      let count = 0
      for (const watch of watches) {
        yield* this.leave(watch)
        if (++count % slice === 0) yield* Effect.yieldNow
      }
    })
  }

  /** Called when the end of a wait is stored, by this process or another. */
  over(watch: Watch): void {
    this.justEnded.set(watch.row.id, watch.row.round)
    this.forget(watch)
    watch.phase = "left"
  }

  /** Ends waits for jobs that somebody else has settled: nothing of them is checked any more. */
  settled(all: Settled["settled"]): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { buckets, kinds } = this.around.state
      if (buckets.size === 0 || kinds.size === 0) return
      let count = 0
      for (const { id, round } of all) {
        // The store may be answering that it is open.
        this.justEnded.set(id, Math.max(round, this.justEnded.get(id) ?? 0))
        for (const { waits } of buckets.values()) {
          const watch = waits.get(id)
          // If this process has an ending too, its flush finds it late.
          if (watch !== undefined && watch.row.round <= round && watch.phase !== "ending") {
            yield* this.leave(watch)
            // A message is not proof. The store is asked later: a job that is open after all is taken up again.
            this.around.later(watch)
          }
        }
        if (++count % slice === 0) yield* Effect.yieldNow
      }
    })
  }

  /** Pauses the waits of a kind, or ends the pause. */
  pause(entry: Entry, isPaused: boolean): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      if (entry.isPaused === isPaused) return
      entry.isPaused = isPaused
      let count = 0
      for (const watch of this.around.state.all()) {
        if (watch.entry !== entry || watch.handle === undefined) continue
        yield* isPaused ? watch.handle.pause : watch.handle.unpause
        if (++count % slice === 0) yield* Effect.yieldNow
      }
    })
  }

  private take(row: DurableRow): Effect.Effect<unknown> | undefined {
    const { state } = this.around
    const owned = state.buckets.get(row.bucket)
    const entry = state.kinds.get(row.kind)
    if (owned === undefined || owned.isOver || entry === undefined) return undefined
    const known = owned.waits.get(row.id)
    if (known !== undefined && row.round < known.row.round) return undefined
    if (row.state === "ended") {
      // Settled from outside. If this process has an ending too, its flush finds it late.
      if (known === undefined || known.phase === "ending") return undefined
      return this.leave(known)
    }
    if (known !== undefined && row.round === known.row.round) return this.nudge(known, row.nudges)
    if ((this.justEnded.get(row.id) ?? 0) >= row.round) return undefined
    const isNext = row.state === "pending" || entry.kind.submit === undefined
    if (isNext && row.key === null) return undefined
    const watch = new Watch(isNext ? slim(row) : row, entry, owned)
    const left = known === undefined ? undefined : this.leave(known)
    const next = Effect.suspend(() => {
      owned.waits.set(row.id, watch)
      if (isNext) return this.restore(watch, row)
      watch.phase = "outbox"
      this.around.submit(watch, row.state === "submitting")
      return Effect.void
    })
    return left === undefined ? next : Effect.andThen(left, next)
  }

  private restore(watch: Watch, row: DurableRow): Effect.Effect<void> {
    const { skew } = this.around
    if (row.token === null) return this.begin(watch, token.ofRow(row, undefined, skew.millis))
    return Effect.gen({ self: this }, function* () {
      const read = yield* Effect.result(ResumeToken.fromJson(row.token!))
      if (read._tag === "Failure") {
        yield* Effect.logWarning(
          `A durable wait for ${JSON.stringify(row.kind)} starts over: its token cannot be read`,
          read.failure
        )
      }
      const stored = read._tag === "Success" ? read.success : undefined
      watch.savedAttempts = stored?.attempts ?? 0
      yield* this.begin(watch, token.ofRow(row, stored, skew.millis))
    })
  }

  private nudge(watch: Watch, nudges: number): Effect.Effect<void> | undefined {
    if (nudges <= watch.nudges) return undefined
    watch.nudges = nudges
    if (watch.phase === "running") return watch.handle?.checkNow()
    const { phase, token } = watch
    if (phase !== "saving" || token === undefined || watch.row.key === null) return undefined
    return this.begin(watch, { ...token, dueAt: this.around.wallClock() })
  }

  private run(watch: Watch, handle: AnyHandle): Effect.Effect<void> {
    watch.handle = handle
    watch.phase = "running"
    handle.whenEnded((exit, attempts) => this.ended(watch, handle, exit, attempts))
    return watch.entry.isPaused ? handle.pause : Effect.void
  }

  private ended(
    watch: Watch,
    handle: AnyHandle,
    exit: Exit.Exit<unknown, PollError<unknown, unknown>>,
    attempts: number
  ): void {
    if (watch.handle !== handle) return
    watch.handle = undefined
    const encoded = watch.entry.kind.encode(watch.row, exit)
    // Something other than this runner interrupted it, so its ending is not known.
    if (encoded === undefined) this.putOff(watch)
    else this.around.ended(watch, encoded, attempts)
  }

  private putOff(watch: Watch): void {
    if (watch.phase === "left") return
    this.forget(watch)
    watch.phase = "left"
    this.around.later(watch)
  }

  private forget({ owned, row }: Watch): void {
    const { waits } = owned
    if (waits.get(row.id)?.row.round === row.round) waits.delete(row.id)
  }
}

// ---- internal ----

/** The number of waits that are handled in one turn of the event loop. */
const slice = 200

/**
 * A token for a wait that is paused right after it starts. Nothing in it is due before that: neither a check, nor the
 * deadline, which would cause a last check.
 */
const pausable = (token: Token, now: number): Token => ({
  ...token,
  dueAt: Math.max(token.dueAt, now + 2_000),
  deadlineAt: token.deadlineAt === "unbounded" ? token.deadlineAt : Math.max(token.deadlineAt, now + 1_000)
})
