import type { Cause } from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Latch from "effect/Latch"
import type { DurableStoreError } from "../../DurableError.ts"
import type { DurableRow } from "../../DurableRow.ts"
import type { Service } from "../../DurableStore.ts"
import { tolerant, until, wake } from "./changes.ts"
import { Pages } from "./pages.ts"
import { forkShared } from "./sharing.ts"

// The fibers of a process that await jobs of a kind. One shared fiber queries the store for all of them, while there are any.

/** Waits until a job has ended, and yields its row; `undefined` if the store does not have the job. */
export const awaitEnd = (
  store: Service,
  kind: string,
  id: string
): Effect.Effect<DurableRow | undefined, DurableStoreError> =>
  // The shared fiber is started even if this one is interrupted: other waiters depend on it.
  Effect.uninterruptibleMask((restore) => {
    const waiters = waitersOf(store, kind)
    const ended: Waiter = Deferred.makeUnsafe()
    waiters.add(id, ended)
    return Effect.ensuring(
      Effect.andThen(waiters.isRunning ? Effect.void : run(waiters), restore(Deferred.await(ended))),
      Effect.sync(() => waiters.remove(id, ended))
    )
  })

// ---- internal ----

/** Up to this number of waiters, rows are found by their ids. With more, all ends of the kind are read in their order. */
const few = 100

const pageSize = 1_000

/** How often all ids are looked up, however many there are; milliseconds. */
const allEvery = 60_000

type Waiter = Deferred.Deferred<DurableRow | undefined, DurableStoreError>

class Waiters {
  readonly store: Service
  readonly kind: string
  readonly latch = Latch.makeUnsafe()
  isRunning = false
  private readonly pages = new Pages(pageSize)
  private readonly all = new Map<string, Set<Waiter>>()
  /** The ids that have not been found by id since `position` was set. */
  private readonly fresh = new Set<string>()
  /** The position up to which ends have been read; `undefined` while there are few waiters. */
  private position: number | undefined
  /** When all ids were looked up. */
  private allAt = Number.NEGATIVE_INFINITY

  constructor(store: Service, kind: string) {
    this.store = store
    this.kind = kind
  }

  get isEmpty(): boolean {
    return this.all.size === 0
  }

  add(id: string, waiter: Waiter): void {
    const known = this.all.get(id)
    if (known === undefined) {
      this.all.set(id, new Set([waiter]))
      this.fresh.add(id)
    } else known.add(waiter)
    this.latch.openUnsafe()
  }

  remove(id: string, waiter: Waiter): void {
    const known = this.all.get(id)
    known?.delete(waiter)
    if (known?.size !== 0) return
    this.all.delete(id)
    this.fresh.delete(id)
    if (this.isEmpty) this.latch.openUnsafe()
  }

  /** Queries the store once. */
  readonly look: Effect.Effect<void, DurableStoreError> = Effect.gen({ self: this }, function* () {
    const { all, fresh, kind, pages, store } = this
    if (all.size <= few) {
      this.position = undefined
      return yield* this.find(Array.from(all.keys()))
    }
    const now = yield* Clock.currentTimeMillis
    if (this.position === undefined) {
      this.position = yield* store.position(kind)
      this.allAt = Number.NEGATIVE_INFINITY
    }
    // A job that was removed, and an end that a restored database does not have any more, are not among the new ends.
    if (now < this.allAt || now >= this.allAt + allEvery) {
      this.allAt = now
      for (const id of all.keys()) fresh.add(id)
    }
    while (fresh.size > 0) yield* this.find(Array.from(fresh).slice(0, pages.size))
    for (;;) {
      const { size } = pages
      const rows: ReadonlyArray<DurableRow> = yield* store.ended(kind, this.position, size)
      pages.read(rows)
      for (const row of rows) this.done(row.id, Exit.succeed(row))
      this.position = rows.at(-1)?.ended?.position ?? this.position
      if (rows.length < size) return
    }
  })

  /** Fails all waiters, after the store has failed for too long. */
  fail(cause: Cause<DurableStoreError>): void {
    for (const id of this.all.keys()) this.done(id, Exit.failCause(cause))
  }

  private find(ids: ReadonlyArray<string>): Effect.Effect<void, DurableStoreError> {
    return Effect.map(this.store.find(this.kind, ids), (rows) => {
      this.pages.read(rows)
      const found = new Map(rows.map((row) => [row.id, row]))
      for (const id of ids) {
        this.fresh.delete(id)
        const row = found.get(id)
        if (row === undefined || row.ended !== null) this.done(id, Exit.succeed(row))
      }
    })
  }

  private done(id: string, exit: Exit.Exit<DurableRow | undefined, DurableStoreError>): void {
    const waiters = this.all.get(id)
    this.all.delete(id)
    for (const waiter of waiters ?? []) Deferred.doneUnsafe(waiter, exit)
  }
}

const byStore = new WeakMap<Service, Map<string, Waiters>>()

const waitersOf = (store: Service, kind: string): Waiters => {
  const kinds = byStore.get(store) ?? new Map<string, Waiters>()
  byStore.set(store, kinds)
  const waiters = kinds.get(kind) ?? new Waiters(store, kind)
  kinds.set(kind, waiters)
  return waiters
}

/** Queries the store until there is no waiter. It is not part of any waiter, since each of them may be interrupted. */
const run = (waiters: Waiters): Effect.Effect<unknown> => {
  waiters.isRunning = true
  const looking = Effect.whileLoop({
    while: () => {
      waiters.isRunning = !waiters.isEmpty
      return waiters.isRunning
    },
    body: () => {
      // An end that is stored from here on may not be seen by this query.
      waiters.latch.closeUnsafe()
      return tolerant(waiters.look).pipe(
        Effect.catchCause((cause) => Effect.sync(() => waiters.fail(cause))),
        Effect.andThen(Effect.suspend(() => (waiters.isEmpty ? Effect.void : until(waiters.latch))))
      )
    },
    step: () => undefined
  })
  const listening = Effect.andThen(wake(waiters.store, waiters.latch), looking)
  return forkShared(Effect.scoped(listening))
}
