import * as Effect from "effect/Effect"
import type { Fiber } from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Stream from "effect/Stream"
import type { Service } from "../../SignalStore.ts"

/** The waits of one store. A single fiber reads its changes, so that a change costs nothing to the other waits. */
interface Watched {
  readonly latches: Map<string, Set<Latch.Latch>>
  /** Undefined if there is none. A fiber that starts one may have to yield, and others may come meanwhile. */
  reader: Fiber<void> | "starts" | undefined
}

const stores = new WeakMap<Service, Watched>()

/** Runs an effect with a latch that is opened whenever the store says that a signal has changed. */
export const watching = <A, E, R>(
  store: Service,
  hash: string,
  use: (latch: Latch.Latch) => Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => Effect.acquireUseRelease(enter(store, hash), use, (latch) => leave(store, hash, latch))

// ---- internal ----

const enter = (store: Service, hash: string): Effect.Effect<Latch.Latch> =>
  Effect.suspend(() => {
    const latch = Latch.makeUnsafe(false)
    let watched = stores.get(store)
    if (watched === undefined) stores.set(store, (watched = { latches: new Map(), reader: undefined }))
    const { latches } = watched
    const same = latches.get(hash)
    if (same === undefined) latches.set(hash, new Set([latch]))
    else same.add(latch)
    return watched.reader === undefined ? Effect.as(startReader(store, watched), latch) : Effect.succeed(latch)
  })

const startReader = (store: Service, watched: Watched): Effect.Effect<void> => {
  const read = Stream.runForEach(store.changes, (hash) =>
    Effect.sync(() => watched.latches.get(hash)?.forEach((latch) => latch.openUnsafe()))
  )
  // A store whose changes end or break is asked from time to time, as every store is.
  watched.reader = "starts"
  return Effect.map(Effect.forkDetach(Effect.ignoreCause(read), { startImmediately: true }), (fiber) => {
    watched.reader = fiber
  })
}

const leave = (store: Service, hash: string, latch: Latch.Latch): Effect.Effect<void> =>
  Effect.sync(() => {
    const watched = stores.get(store)!
    const same = watched.latches.get(hash)!
    same.delete(latch)
    if (same.size > 0) return
    watched.latches.delete(hash)
    if (watched.latches.size > 0) return
    const { reader } = watched
    watched.reader = undefined
    if (typeof reader === "object") reader.interruptUnsafe()
  })
