import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Latch from "effect/Latch"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import type { DurableStoreError } from "../../DurableError.ts"
import type { Service } from "../../DurableStore.ts"
import { follow } from "../following.ts"
import { forkShared } from "./sharing.ts"

// The notifications of a store for everything in this process that waits for ends: one subscription, while there is a waiter.

/** Opens the latch at each notification that a job has ended, until the scope closes. */
export const wake = (store: Service, latch: Latch.Latch): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.suspend(() => {
        const known = hubs.get(store)
        if (known !== undefined) {
          known.latches.add(latch)
          return Effect.succeed(known)
        }
        const hub: Hub = { latches: new Set([latch]), idle: Latch.makeUnsafe() }
        hubs.set(store, hub)
        return Effect.as(forkShared(Effect.raceFirst(listening(store, hub), hub.idle.await)), hub)
      }),
      (hub) =>
        Effect.sync(() => {
          hub.latches.delete(latch)
          if (hub.latches.size > 0) return
          hubs.delete(store)
          hub.idle.openUnsafe()
        })
    )
  )

/** Waits until the latch is open, for at most a second, since notifications can be lost. */
export const until = (latch: Latch.Latch): Effect.Effect<void> =>
  Effect.asVoid(Effect.timeoutOption(latch.await, pollingBehind))

/** Retries a read while the store fails, for at most a minute. */
export const tolerant = <A>(read: Effect.Effect<A, DurableStoreError>): Effect.Effect<A, DurableStoreError> =>
  Effect.retry(read, outage)

// ---- internal ----

const pollingBehind = /*#__PURE__*/ Duration.seconds(1)

const outage = /*#__PURE__*/ Schedule.spaced(pollingBehind).pipe(Schedule.upTo({ duration: "1 minute" }))

interface Hub {
  readonly latches: Set<Latch.Latch>
  /** Opened when the last waiter has gone. */
  readonly idle: Latch.Latch
}

const hubs = new WeakMap<Service, Hub>()

/** Opens the latches with each end, for ever. */
const listening = (store: Service, hub: Hub): Effect.Effect<never> =>
  follow(store, (change) => Effect.sync(() => void (change !== "submitted" && open(hub))))

const open = ({ latches }: Hub): void => {
  for (const latch of latches) latch.openUnsafe()
}
