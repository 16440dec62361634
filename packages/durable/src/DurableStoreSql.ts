/**
 * A store of durable waits in tables of a SQL database, with effect's `SqlClient`.
 *
 * **When to use**
 *
 * Use for processes that only submit and await jobs, for migrations, and to combine a database with an `Ownership` of your
 * own. `DurableSqlite.layer` and `DurableCluster.layer` contain this layer.
 *
 * **Details**
 *
 * - Works with PostgreSQL (13 or later) and SQLite (3.42 or later). The layer fails with a defect for any other dialect.
 * - A job costs two row writes: one for its submit and one for its end. Each hook (an `onEnded`, or a workflow that waits)
 *   costs two more. Checks write nothing.
 * - All times are those of the database.
 * - A call inside a transaction of the same client is part of that transaction. A job that is submitted in the transaction
 *   that stores its order is committed with the order, and announced to runners after the commit.
 * - An end is stored by one `UPDATE` whose condition is that the job has not ended and that the claim of its bucket still
 *   holds, so each job ends once. The ends of one kind are committed one after another, so a reader that goes by position
 *   misses none.
 * - On PostgreSQL, a statement that stores, nudges or ends jobs notifies other processes with `NOTIFY`; a process notifies
 *   them of submits at most every 100 ms. `changes` has the notifications of other processes if the client is one of
 *   `@effect/sql-pg`; it then holds one connection of the pool from its first reader on.
 * - Ended jobs are kept until `prune` removes them; runners call it once the `retention` of a kind is over. Hooks that have
 *   not been delivered by then are removed too.
 *
 * **Gotchas**
 *
 * - A transaction that ends a job (with `settle`) blocks all other ends of its kind until it is committed. Keep it short.
 * - The isolation level must be `READ COMMITTED`, which is the default of PostgreSQL. In a transaction that is
 *   `SERIALIZABLE` or `REPEATABLE READ`, a call that conflicts with another one fails with `DurableStoreError`, and the
 *   whole transaction must be repeated.
 * - `stats`, and `list` without a kind, read the whole table.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Migrator from "effect/sql/Migrator"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { DurableStore } from "./DurableStore.ts"
import { make } from "./internal/store/sql/make.ts"
import { defaultPrefix, type Dialect, statements as statementsOf, tablesOf } from "./internal/store/sql/tables.ts"
import * as validate from "./internal/validate.ts"

/**
 * The options of `layer`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * The prefix of the table names: at most 40 letters, digits and underscores that do not begin with a digit, optionally
   * after a schema and a dot. Default `"effect_poll_"`.
   */
  readonly prefix?: string | undefined
  /**
   * Whether the layer creates and migrates the tables; default `true`. Several processes may start at the same time. With
   * `false`, run `migrations` or `statements` first.
   */
  readonly migrate?: boolean | undefined
  /**
   * How long an operation may take; a positive finite duration, default 15 seconds. One that takes longer is interrupted
   * and fails with `DurableStoreError`; its changes may be stored all the same.
   */
  readonly timeout?: Duration.Input | undefined
  /**
   * Whether `changes` has the notifications of other processes; default `true`. Without them, changes of other processes are
   * found by the query that is made every second. It needs a client of `@effect/sql-pg` with at least two connections.
   */
  readonly listen?: boolean | undefined
}

/**
 * Returns the migrations in the form that effect's `Migrator` takes, for a program that runs them itself. They are numbered
 * from 1, so they need a migrations table of their own. If that is `"effect_poll_migrations"` (or the prefix and
 * `"migrations"`), the layer does not run them again. Throws a RangeError for a prefix that is out of range.
 *
 * **Example** (Running the migrations without the layer)
 *
 * ```ts
 * import * as Migrator from "effect/sql/Migrator"
 * import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
 *
 * export const migrate = Migrator.make({})({
 *   loader: Migrator.fromRecord(DurableStoreSql.migrations()),
 *   table: "effect_poll_migrations"
 * })
 * Object.keys(DurableStoreSql.migrations()) // => ["0001_durable_jobs"]
 * ```
 *
 * @category migrations
 * @since 0.1.0
 */
export const migrations = (
  prefix: string = defaultPrefix
): Readonly<Record<string, Effect.Effect<void, SqlError, SqlClient>>> => {
  const tables = tablesOf("DurableStoreSql.migrations: prefix", prefix)
  return {
    "0001_durable_jobs": Effect.flatMap(SqlClient, (sql) =>
      Effect.forEach(
        sql.onDialectOrElse({ orElse: () => statementsOf("sqlite", tables), pg: () => statementsOf("pg", tables) }),
        (statement) => sql.unsafe(statement),
        { discard: true }
      )
    )
  }
}

/**
 * Returns the statements of all migrations in the order to run them, for other migration tools. Throws a RangeError for an
 * unknown dialect, and for a prefix that is out of range.
 *
 * **Example** (Writing a migration)
 *
 * ```ts
 * import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
 *
 * DurableStoreSql.statements("pg").at(-1) // => "CREATE SEQUENCE effect_poll_positions"
 * ```
 *
 * @category migrations
 * @since 0.1.0
 */
export const statements = (dialect: "pg" | "sqlite", prefix: string = defaultPrefix): ReadonlyArray<string> => {
  if (!isDialect(dialect)) {
    throw new RangeError(`DurableStoreSql.statements: dialect must be "pg" or "sqlite", got ${validate.show(dialect)}`)
  }
  return statementsOf(dialect, tablesOf("DurableStoreSql.statements: prefix", prefix))
}

/**
 * A store of durable waits in tables of a SQL database. Throws a RangeError at the call for an option that is out of range.
 *
 * **Example** (Keeping jobs in PostgreSQL)
 *
 * ```ts no-run
 * import * as PgClient from "@effect/sql-pg/PgClient"
 * import * as Layer from "effect/Layer"
 * import * as Redacted from "effect/Redacted"
 * import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
 *
 * const client = PgClient.layer({ url: Redacted.make("postgres://localhost/shop") })
 *
 * export const store = DurableStoreSql.layer().pipe(Layer.provide(client))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (
  options: Options = {}
): Layer.Layer<DurableStore, SqlError | Migrator.MigrationError, SqlClient> => {
  const tables = tablesOf("DurableStoreSql.layer: prefix", options.prefix ?? defaultPrefix)
  const timeout = validate.millis("DurableStoreSql.layer: timeout", options.timeout ?? "15 seconds")
  return Layer.effect(
    DurableStore,
    Effect.gen(function* () {
      const sql = (yield* SqlClient).withoutTransforms()
      const store = yield* make(sql, tables, timeout, options.listen !== false)
      if (options.migrate !== false) {
        yield* Migrator.make({})({
          loader: Migrator.fromRecord(migrations(options.prefix)),
          table: tables.migrations
        })
      }
      return store
    })
  )
}

// ---- internal ----

const isDialect = (u: unknown): u is Dialect => u === "pg" || u === "sqlite"
