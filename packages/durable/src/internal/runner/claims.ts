import * as Effect from "effect/Effect"
import type { Claim, Service } from "../../DurableStore.ts"
import type { Backoff } from "./backoff.ts"
import { type Calls, failed } from "./calls.ts"
import { Owned, type State } from "./state.ts"
import type { Step } from "./steps.ts"
import type { Waits } from "./waits.ts"

/** A bucket that this process owns, and its claim, once there is one. */
interface Hold {
  readonly bucket: number
  owned: Owned | undefined
  /** The time from which it may be claimed; `Infinity` if its claim was lost for good. */
  claimAt: number
  isOver: boolean
}

/** What the claims need. */
export interface Around {
  readonly runner: string
  readonly store: Service
  readonly calls: Calls
  readonly backoff: Backoff
  readonly state: State
  readonly waits: Waits
  readonly now: () => number
  readonly changed: () => void
  /** In milliseconds; `undefined`: never. */
  readonly reclaimAfter: number | undefined
  /** Called when a bucket was claimed. */
  readonly claimed: (owned: Owned) => void
  /** Leaves the waits of a bucket, stores their endings and tokens, and gives the claim up. */
  readonly depart: (owned: Owned) => Effect.Effect<void>
}

/** The claims of this process. It tries to claim each bucket that it owns until it succeeds, many in one call. */
export class Claims {
  private readonly around: Around
  private readonly holds = new Map<number, Hold>()
  /** Claims of buckets that this process had lost by the time the store answered. They are given up again. */
  private readonly unwanted: Array<Claim> = []

  constructor(around: Around) {
    this.around = around
  }

  /** Checks the jobs of a bucket until it is interrupted. */
  hold(bucket: number): Effect.Effect<never> {
    return Effect.suspend(() => {
      const hold: Hold = { bucket, owned: undefined, claimAt: this.around.now() + gather, isOver: false }
      this.holds.set(bucket, hold)
      this.around.changed()
      return Effect.ensuring(Effect.never, this.release(hold))
    })
  }

  readonly step: Step = {
    readyAt: () => {
      let ready = this.unwanted.length > 0 ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
      for (const { claimAt, owned } of this.holds.values()) if (owned === undefined) ready = Math.min(ready, claimAt)
      return ready === Number.POSITIVE_INFINITY ? ready : Math.max(ready, this.around.backoff.notBefore)
    },
    run: Effect.gen({ self: this }, function* () {
      const { backoff, calls, claimed, now, runner, state, store } = this.around
      if (this.unwanted.length > 0) {
        const claims = [...this.unwanted]
        const released = yield* calls.run("release", store.release(claims))
        if (released === failed) return backoff.failed(now())
        this.unwanted.splice(0, claims.length)
      }
      const at = now()
      const holds = Array.from(this.holds.values()).filter((hold) => hold.owned === undefined && hold.claimAt <= at)
      if (holds.length === 0) return
      const claims = yield* calls.run(
        "claim",
        store.claim(
          runner,
          holds.map(({ bucket }) => bucket)
        )
      )
      // A call that failed may have claimed buckets all the same. They are claimed again, with a higher epoch.
      if (claims === failed) return backoff.failed(now())
      backoff.succeeded()
      for (const hold of holds) {
        const claim = claims.find(({ bucket }) => bucket === hold.bucket)
        if (claim === undefined) hold.claimAt = now() + 1_000
        else if (hold.isOver) this.unwanted.push(claim)
        else {
          hold.owned = new Owned(claim)
          state.buckets.set(hold.bucket, hold.owned)
          claimed(hold.owned)
        }
      }
    })
  }

  /** Called when the claim of a bucket is lost: leaves its waits and stores nothing. */
  lost(owned: Owned): Effect.Effect<void> {
    return Effect.suspend(() => {
      if (owned.isOver) return Effect.void
      owned.isOver = true
      const { bucket } = owned.claim
      const { changed, now, reclaimAfter, state, waits } = this.around
      if (state.buckets.get(bucket) === owned) state.buckets.delete(bucket)
      const hold = this.holds.get(bucket)
      if (hold?.owned === owned) {
        hold.owned = undefined
        hold.claimAt = reclaimAfter === undefined ? Number.POSITIVE_INFINITY : now() + reclaimAfter
        changed()
      }
      return Effect.andThen(
        Effect.logDebug(`The claim of bucket ${bucket} of durable waits is lost`),
        waits.leaveAll(Array.from(owned.waits.values()))
      )
    })
  }

  private release(hold: Hold): Effect.Effect<void> {
    return Effect.suspend(() => {
      hold.isOver = true
      if (this.holds.get(hold.bucket) === hold) this.holds.delete(hold.bucket)
      const { owned } = hold
      if (owned === undefined || owned.isOver) return Effect.void
      owned.isOver = true
      return this.around.depart(owned)
    })
  }
}

// ---- internal ----

/** How long a claim is delayed so that several are made with one call, in milliseconds. */
const gather = 2
