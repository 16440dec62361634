import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { ResumeToken } from "effect-poll/ResumeToken"
import type { Claim, Service } from "../../DurableStore.ts"
import type { Backoff } from "./backoff.ts"
import { type Calls, failed } from "./calls.ts"
import type { Endings } from "./endings.ts"
import type { Outbox } from "./outbox.ts"
import type { Saves } from "./saves.ts"
import type { Owned, State, Watch } from "./state.ts"
import type { Step } from "./steps.ts"
import type { Waits } from "./waits.ts"

/** What departures need. */
export interface Around {
  readonly store: Service
  readonly calls: Calls
  readonly backoff: Backoff
  readonly state: State
  readonly waits: Waits
  readonly endings: Endings
  readonly saves: Saves
  readonly outbox: Outbox
  readonly saveOnRelease: boolean
  readonly now: () => number
  readonly changed: () => void
}

/** Buckets or a kind that this process is giving up. `done` completes when everything is stored. */
interface Departure {
  readonly claims: ReadonlyArray<Claim>
  readonly done: Deferred.Deferred<void>
  /** The time at which the caller stops waiting for it. */
  readonly end: number
}

/**
 * Gives up buckets and kinds: waits for submits in flight, leaves the waits, stores endings, receipts and tokens, and then
 * releases the claims. Buckets that are given up at the same time share these calls. The time for all of it is limited.
 */
export class Departures {
  private readonly around: Around
  private readonly open: Array<Departure> = []
  /** When a caller last stopped waiting because the store did not answer in time. */
  private gaveUpAt = Number.NEGATIVE_INFINITY

  constructor(around: Around) {
    this.around = around
  }

  /** Gives up the waits for which `isLeaving` holds, and the claims, within a limited time. */
  depart(
    isLeaving: (watch: Watch) => boolean,
    claims: ReadonlyArray<Claim>,
    all: Iterable<Watch>
  ): Effect.Effect<void> {
    return Effect.gen({ self: this }, function* () {
      const { changed, now, outbox } = this.around
      // Do not wait for the full time again if the store was unreachable a moment ago.
      const patience = now() - this.gaveUpAt < 2 * longest ? longest / 10 : longest
      const end = now() + patience
      yield* outbox.settle(isLeaving, patience / 2)
      for (const watch of Array.from(all)) if (isLeaving(watch)) yield* this.leave(watch)
      const departure: Departure = { claims, done: yield* Deferred.make<void>(), end }
      this.open.push(departure)
      changed()
      const left = Math.max(1, end - now())
      const isDone = yield* Effect.timeoutOption(Effect.interruptible(Deferred.await(departure.done)), left)
      if (isDone._tag === "None") this.gaveUpAt = now()
    })
  }

  /** Gives a bucket up. */
  ofBucket(owned: Owned): Effect.Effect<void> {
    return Effect.suspend(() => {
      const { state } = this.around
      const { claim, waits } = owned
      return Effect.ensuring(
        this.depart((watch) => watch.owned === owned, [claim], waits.values()),
        Effect.sync(() => {
          if (state.buckets.get(claim.bucket) === owned) state.buckets.delete(claim.bucket)
        })
      )
    })
  }

  readonly step: Step = {
    readyAt: () => (this.open.length === 0 ? Number.POSITIVE_INFINITY : this.around.backoff.notBefore),
    run: Effect.gen({ self: this }, function* () {
      const { backoff, calls, endings, now, saves, store } = this.around
      const departing = this.drop()
      if (departing.length === 0) return
      const end = Math.max(...departing.map(({ end }) => end))
      // Keep a quarter of the time for releasing the claims.
      yield* saves.until(end - longest / 4)
      const isFlushed = yield* endings.flushed
      const claims = departing.flatMap(({ claims }) => claims)
      const isReleased =
        claims.length === 0 ? isFlushed : isFlushed && (yield* calls.run("release", store.release(claims))) !== failed
      if (!isReleased) return backoff.failed(now())
      backoff.succeeded()
      this.open.splice(0, departing.length)
      for (const { done } of departing) Deferred.doneUnsafe(done, Exit.void)
    })
  }

  /** Drops those whose caller has stopped waiting. */
  private drop(): ReadonlyArray<Departure> {
    const now = this.around.now()
    const left = this.open.filter(({ end }) => end > now)
    this.open.splice(0, this.open.length, ...left)
    return left
  }

  private leave(watch: Watch): Effect.Effect<void> {
    // Its end is still to be stored.
    if (watch.phase === "ending") return Effect.void
    return Effect.map(this.around.waits.leave(watch), (token) => {
      if (token !== undefined && this.around.saveOnRelease) this.save(watch, token)
    })
  }

  private save(watch: Watch, token: ResumeToken): void {
    // The stored token is as recent.
    if (token.attempts <= watch.savedAttempts) return
    const then = () => Effect.void
    this.around.saves.add({ watch, token, key: undefined, isWanted: () => true, then })
  }
}

// ---- internal ----

/** The time limit for giving up buckets or a kind, in milliseconds. */
const longest = 5_000
