/**
 * The store that holds durable waits: its operations, and one in memory.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import type { DurableStoreError } from "./DurableError.ts"
import type { DurableRow } from "./DurableRow.ts"
import { Memory } from "./internal/store/memory.ts"
import type {
  Change,
  Claim,
  Filter,
  Finish,
  Finished,
  Insert,
  KindStats,
  RunnerRow,
  Save,
  Scan,
  ScanRequest
} from "./internal/store/model.ts"
import { toldOf } from "./internal/store/told.ts"

export type {
  /**
   * A wait to store. The store sets its times.
   *
   * @category models
   * @since 0.1.0
   */
  Insert,
  /**
   * The right to check the jobs of a bucket and to end them. It is lost as soon as the bucket is claimed again.
   *
   * @category models
   * @since 0.1.0
   */
  Claim,
  /**
   * How far a runner has read the changes of open waits. Opaque: only the store that made it can read it.
   *
   * @category models
   * @since 0.1.0
   */
  Cursor,
  /**
   * The request of a scan.
   *
   * @category models
   * @since 0.1.0
   */
  ScanRequest,
  /**
   * The result of a scan.
   *
   * @category models
   * @since 0.1.0
   */
  Scan,
  /**
   * An ending to store.
   *
   * @category models
   * @since 0.1.0
   */
  Finish,
  /**
   * The result of a `Finish`. `"ended"`: the ending was stored. `"late"`: the job had ended already, or its wait was started
   * again. `"fenced"`: the claim is lost, and nothing was stored.
   *
   * @category models
   * @since 0.1.0
   */
  Finished,
  /**
   * The token of an open wait, stored by the process that has claimed its bucket.
   *
   * @category models
   * @since 0.1.0
   */
  Save,
  /**
   * Which waits to list: those that meet all of the conditions.
   *
   * @category models
   * @since 0.1.0
   */
  Filter,
  /**
   * The number of waits of a kind, by state and outcome.
   *
   * @category models
   * @since 0.1.0
   */
  KindStats,
  /**
   * A runner, as the store knows it.
   *
   * @category models
   * @since 0.1.0
   */
  RunnerRow,
  /**
   * A notification: `"submitted"` if jobs were stored or are to be checked soon, `"ended"` if jobs have ended, or which jobs
   * were settled. Notifications can be lost, so readers also query the store every second.
   *
   * @category models
   * @since 0.1.0
   */
  Change,
  /**
   * Jobs that were ended without a claim, so that whoever checks them does not know yet.
   *
   * @category models
   * @since 0.1.0
   */
  Settled
} from "./internal/store/model.ts"

/**
 * The operations of a store.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  /**
   * Stores waits, all or none, and yields for each whether it is new. A row whose id exists already is not changed, except
   * that hooks which it does not have yet are added.
   */
  readonly insert: (
    rows: ReadonlyArray<Insert>
  ) => Effect.Effect<ReadonlyArray<{ readonly id: string; readonly isNew: boolean }>, DurableStoreError>

  /** Claims buckets for a runner. All earlier claims of these buckets are lost. */
  readonly claim: (
    runner: string,
    buckets: ReadonlyArray<number>
  ) => Effect.Effect<ReadonlyArray<Claim>, DurableStoreError>
  /** Gives claims up. Claims that are lost already are ignored. */
  readonly release: (claims: ReadonlyArray<Claim>) => Effect.Effect<void, DurableStoreError>
  /** Yields what has changed since the last scan, with one statement. */
  readonly scan: (request: ScanRequest) => Effect.Effect<Scan, DurableStoreError>
  /**
   * Loads a page of the open rows of buckets that are due before a time, in the order of `dueAt` and `id`. Together with the
   * scans from one that began before the first page, no row is missed. It is cheapest for one bucket at a time.
   */
  readonly load: (request: {
    readonly buckets: ReadonlyArray<number>
    readonly kinds: ReadonlyArray<string>
    readonly dueBefore: number
    readonly after: { readonly dueAt: number; readonly id: string } | undefined
    readonly limit: number
  }) => Effect.Effect<ReadonlyArray<DurableRow>, DurableStoreError>
  /** Ends waits of one kind, each at most once, with one statement. Yields the result for each, in the order given. */
  readonly finish: (
    kind: string,
    batch: ReadonlyArray<Finish>
  ) => Effect.Effect<ReadonlyArray<Finished>, DurableStoreError>
  /**
   * Stores the tokens of waits, with one statement. Yields the ids of those that were stored; the others have ended, were
   * started again, or their claim is lost.
   */
  readonly save: (batch: ReadonlyArray<Save>) => Effect.Effect<ReadonlyArray<string>, DurableStoreError>
  /** Changes rows from `"outbox"` to `"submitting"`. Yields the ids of those that were changed. */
  readonly submitting: (
    batch: ReadonlyArray<Pick<Save, "id" | "round" | "claim">>
  ) => Effect.Effect<ReadonlyArray<string>, DurableStoreError>

  /** Requests a check soon. Yields whether the job is known and has not ended. */
  readonly nudge: (kind: string, id: string) => Effect.Effect<boolean, DurableStoreError>
  /**
   * Starts an ended wait again, with a deadline of the same length from now and without a token: as `"outbox"` if it has no
   * key, otherwise as `"pending"`. `hooks` are those of the new round. Yields the row, or `undefined` if there is none with
   * this id. A wait that has not ended is not changed.
   */
  readonly reopen: (
    kind: string,
    id: string,
    hooks?: ReadonlyArray<string>
  ) => Effect.Effect<DurableRow | undefined, DurableStoreError>
  /** Yields the rows with these ids, as far as they exist, in any order. */
  readonly find: (
    kind: string,
    ids: ReadonlyArray<string>
  ) => Effect.Effect<ReadonlyArray<DurableRow>, DurableStoreError>
  /** Yields at most `limit` ended rows of a kind after a position, in the order of their positions. */
  readonly ended: (
    kind: string,
    after: number,
    limit: number
  ) => Effect.Effect<ReadonlyArray<DurableRow>, DurableStoreError>
  /** The newest position of a kind; 0 if none has ended. */
  readonly position: (kind: string) => Effect.Effect<number, DurableStoreError>
  /** Lists rows, in the order of `createdAt` and `id`. */
  readonly list: (filter: Filter) => Effect.Effect<ReadonlyArray<DurableRow>, DurableStoreError>
  /** Counts rows by kind, state and outcome. */
  readonly stats: Effect.Effect<ReadonlyArray<KindStats>, DurableStoreError>
  /** Pauses a kind, or ends the pause. */
  readonly pause: (kind: string, paused: boolean) => Effect.Effect<void, DurableStoreError>

  /**
   * Adds a hook to a job: a text that says what to notify once the job has ended. A job has each text at most once. Yields
   * whether the job is known.
   */
  readonly hook: (kind: string, id: string, hook: string) => Effect.Effect<boolean, DurableStoreError>
  /**
   * Yields at most `limit` hooks of ended jobs that have not been delivered, in the order of `id` and `hook`: those of
   * `kinds`, and of `buckets` and after `after` if these are given.
   */
  readonly hooked: (request: {
    readonly kinds: ReadonlyArray<string>
    readonly buckets?: ReadonlyArray<number> | undefined
    readonly after?: { readonly id: string; readonly hook: string } | undefined
    readonly limit: number
  }) => Effect.Effect<ReadonlyArray<{ readonly hook: string; readonly row: DurableRow }>, DurableStoreError>
  /** Removes hooks that have been delivered for the end of a round. Those of a later end stay. */
  readonly unhook: (
    hooks: ReadonlyArray<{ readonly id: string; readonly hook: string; readonly round: number }>
  ) => Effect.Effect<void, DurableStoreError>

  /** Records that a runner is alive. */
  readonly beat: (runner: string) => Effect.Effect<void, DurableStoreError>
  /** Yields the runners that gave a sign of life within this time, and the number of buckets that none of them has claimed. */
  readonly runners: (
    withinMillis: number,
    buckets: number
  ) => Effect.Effect<{ readonly runners: ReadonlyArray<RunnerRow>; readonly orphans: number }, DurableStoreError>
  /** Removes at most `limit` rows of a kind that ended at least this long ago. Yields the number of rows removed. */
  readonly prune: (kind: string, olderThanMillis: number, limit: number) => Effect.Effect<number, DurableStoreError>

  /**
   * The notifications of this store. On PostgreSQL, with a client that can listen, they include those of other processes.
   *
   * When a notification arrives, runners read new jobs and stop checking settled ones. In case it is lost, runners also scan,
   * and compare their jobs with the store, and readers query the store every second. Jobs that were ended without a claim are
   * announced with their ids, or only as `"ended"` if these do not fit into a message. Other processes are notified of
   * submits at most every 100 ms.
   */
  readonly changes: Stream.Stream<Change>
}

/**
 * The service tag of a store.
 *
 * @category services
 * @since 0.1.0
 */
export class DurableStore extends Context.Service<DurableStore, Service>()("effect-poll/DurableStore") {}

/**
 * Keeps durable waits in the memory of this process, for tests and for programs whose waits may be lost when it ends.
 *
 * **Example** (Listing open waits)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import { DurableStore, layerMemory } from "@effect-poll/durable/DurableStore"
 *
 * const open = DurableStore.use((store) => store.list({ state: "open" }))
 * await Effect.runPromise(Effect.provide(open, layerMemory)) // => []
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layerMemory: Layer.Layer<DurableStore> = /*#__PURE__*/ Layer.effect(
  DurableStore,
  /*#__PURE__*/ Effect.gen(function* () {
    const memory = new Memory()
    const changes = yield* PubSub.sliding<Change>(1_024)
    const tell = (change: Change): void => {
      PubSub.publishUnsafe(changes, change)
    }
    const at = <A>(run: (now: number) => A): Effect.Effect<A> =>
      Effect.map(Clock.currentTimeMillis, (now) => run(Math.floor(now)))
    return {
      insert: (rows) =>
        at((now) => {
          const { inserted, isDue } = memory.insert(rows, now)
          if (inserted.some(({ isNew }) => isNew)) tell("submitted")
          if (isDue) tell("ended")
          return inserted
        }),
      claim: (runner, buckets) => Effect.sync(() => memory.claim(runner, buckets)),
      release: (claims) => Effect.sync(() => memory.release(claims)),
      scan: (request) => at((now) => memory.scan(request, now)),
      load: (request) => Effect.sync(() => memory.load(request)),
      finish: (kind, batch) =>
        at((now) => {
          const finished = memory.finish(kind, batch, now)
          const told = toldOf(batch, finished)
          if (told !== undefined) tell(told)
          return finished
        }),
      save: (batch) => Effect.sync(() => memory.save(batch)),
      submitting: (batch) => Effect.sync(() => memory.submitting(batch)),
      nudge: (kind, id) =>
        at((now) => {
          const isOpen = memory.nudge(kind, id, now)
          if (isOpen) tell("submitted")
          return isOpen
        }),
      reopen: (kind, id, hooks = []) =>
        at((now) => {
          const found = memory.reopen(kind, id, hooks, now)
          if (found?.isBegun === true) tell("submitted")
          return found?.row
        }),
      find: (kind, ids) => Effect.sync(() => memory.find(kind, ids)),
      ended: (kind, after, limit) => Effect.sync(() => memory.ended(kind, after, limit)),
      position: (kind) => Effect.sync(() => memory.position(kind)),
      list: (filter) => at((now) => memory.list(filter, now)),
      stats: at((now) => memory.stats(now)),
      pause: (kind, paused) => Effect.sync(() => memory.pause(kind, paused)),
      hook: (kind, id, hook) =>
        Effect.sync(() => {
          const row = memory.hook(kind, id, hook)
          if (row?.ended) tell("ended")
          return row !== undefined
        }),
      hooked: (request) => Effect.sync(() => memory.hooked(request)),
      unhook: (hooks) => Effect.sync(() => memory.unhook(hooks)),
      beat: (runner) => at((now) => memory.beat(runner, now)),
      runners: (withinMillis, buckets) => at((now) => memory.runners(withinMillis, buckets, now)),
      prune: (kind, olderThanMillis, limit) => at((now) => memory.prune(kind, olderThanMillis, limit, now)),
      changes: Stream.fromPubSub(changes)
    }
  })
)
