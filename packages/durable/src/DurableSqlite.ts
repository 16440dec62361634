/**
 * Durable waits in a file, with the SQLite that is built into Node.
 *
 * **When to use**
 *
 * Use for one process whose waits must survive its restarts. For several processes, replace the layer with
 * `DurableCluster.layer` on PostgreSQL.
 *
 * **Details**
 *
 * - Requires Node 22.13 or later, and no other package.
 * - Only one process can have the file open; a second one fails with `DurableSqliteLocked`. The operating system releases
 *   the lock when the process ends, even if it is killed.
 * - When an operation returns, its changes are on disk.
 *
 * **Gotchas**
 *
 * - SQLite runs its statements on the thread of the program and blocks it. Most take well under a millisecond, but a commit
 *   waits for the disk.
 * - No other program can read the file while it is open. To copy it, run `VACUUM INTO` with `client`.
 * - Do not read the file in the same process, for example to copy it: when the system closes it again, the process loses its
 *   lock, and another process can open the file and damage it.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Schedule from "effect/Schedule"
import type { MigrationError } from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { DurableStore } from "./DurableStore.ts"
import * as DurableStoreSql from "./DurableStoreSql.ts"
import * as sqlite from "./internal/sqlite/client.ts"
import * as validate from "./internal/validate.ts"
import * as Ownership from "./Ownership.ts"

/**
 * The file is open in another process, or in another layer of this process.
 *
 * @category errors
 * @since 0.1.0
 */
export class DurableSqliteLocked
  extends /*#__PURE__*/ Data.TaggedError("DurableSqliteLocked")<{
    /** The name of the file. */
    readonly filename: string
  }>
{
  override get message(): string {
    return `The file ${JSON.stringify(this.filename)} is used by another process`
  }
}

/**
 * The options of `client`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientOptions {
  /** The file; created if it does not exist. `":memory:"` keeps everything in memory. */
  readonly filename: string
  /**
   * How long to wait for another process to close the file, such as the one that this process replaces, before failing with
   * `DurableSqliteLocked`; a positive finite duration, default 2 seconds.
   */
  readonly waitForLock?: Duration.Input | undefined
}

/**
 * The options of `layer`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends ClientOptions, Omit<DurableStoreSql.Options, "listen"> {}

/**
 * A `SqlClient` for a file that only this process can have open. Use it if the program has tables of its own in the same
 * file, so that it can submit a job in the transaction that stores its order. Transactions begin with `BEGIN IMMEDIATE`.
 * Throws a RangeError at the call for an option that is out of range.
 *
 * **Example** (Keeping orders and jobs in one file)
 *
 * ```ts
 * import * as Layer from "effect/Layer"
 * import * as DurableSqlite from "@effect-poll/durable/DurableSqlite"
 * import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
 * import * as Ownership from "@effect-poll/durable/Ownership"
 *
 * export const placement = Layer.merge(DurableStoreSql.layer(), Ownership.layerLocal).pipe(
 *   Layer.provideMerge(DurableSqlite.client({ filename: "shop.sqlite" }))
 * )
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const client = (options: ClientOptions): Layer.Layer<SqlClient, SqlError | DurableSqliteLocked> =>
  clientOf("DurableSqlite.client", options)

/**
 * Keeps durable waits in a file; this process checks all of them. Throws a RangeError at the call for an option that is out
 * of range.
 *
 * **Example** (Keeping waits in a file)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as DurableSqlite from "@effect-poll/durable/DurableSqlite"
 * import { DurableStore } from "@effect-poll/durable/DurableStore"
 *
 * const open = DurableStore.use((store) => store.list({ state: "open" }))
 * await Effect.runPromise(Effect.provide(open, DurableSqlite.layer({ filename: ":memory:" }))) // => []
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options
): Layer.Layer<DurableStore | Ownership.Ownership, SqlError | MigrationError | DurableSqliteLocked> =>
  Layer.merge(
    DurableStoreSql.layer({ prefix: options.prefix, migrate: options.migrate, timeout: options.timeout }).pipe(
      Layer.provide(clientOf("DurableSqlite.layer", options))
    ),
    Ownership.layerLocal
  )

// ---- internal ----

/** The delay between two attempts to open the file, in milliseconds. */
const tryEvery = 50

const clientOf = (name: string, options: ClientOptions): Layer.Layer<SqlClient, SqlError | DurableSqliteLocked> => {
  const filename = validate.nonEmpty(`${name}: filename`, options.filename)
  const wait = validate.millis(`${name}: waitForLock`, options.waitForLock ?? "2 seconds")
  const open = Effect.retry(sqlite.open(filename), {
    while: sqlite.isLocked,
    schedule: Schedule.spaced(tryEvery).pipe(Schedule.upTo({ duration: wait }))
  })
  return Layer.effect(
    SqlClient,
    Effect.flatMap(
      Effect.mapError(open, (error) => (sqlite.isLocked(error) ? new DurableSqliteLocked({ filename }) : error)),
      sqlite.make
    )
  ).pipe(Layer.provide(Reactivity.layer))
}
