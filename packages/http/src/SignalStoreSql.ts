/**
 * A store of signals in a table of a SQL database, by effect's `SqlClient`.
 *
 * **When to use**
 *
 * Use to complete signals in one process and wait for them in another, and to keep them across restarts.
 *
 * **Details**
 *
 * - PostgreSQL and SQLite (3.35 or later). The layer fails with a defect for any other dialect.
 * - A settlement is one `UPDATE` on the condition that the signal is open and not due to expire. A unique index ensures
 *   that a job has one open signal. So any number of processes may share the table.
 * - A call within a transaction of the same client is part of it: a signal that is made in the transaction of its order
 *   is committed with that order.
 * - `changes` emits the signals that this process has ended, after the commit. Waits in other processes learn of them
 *   by asking.
 * - The table holds hashes of tokens, and results in the JSON form of the Schema of their job.
 *
 * **Gotchas**
 *
 * A transaction that is `SERIALIZABLE` or `REPEATABLE READ` may fail if two calls conflict. Then the call fails with
 * `SignalStoreError`, and has to be repeated in another transaction.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as PubSub from "effect/PubSub"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import { SignalStoreError } from "effect-poll/SignalError"
import type { Ending, SignalRow } from "effect-poll/SignalRow"
import { type Service, SignalStore } from "effect-poll/SignalStore"
import { slotWith } from "./internal/signal/slot.ts"
import { fromText, toText } from "./internal/signal/sqlText.ts"
import { checkTable, create, type Fragment, indexOf, lockSome } from "./internal/sql/table.ts"
import * as validate from "./internal/validate.ts"

/**
 * The options of `layer`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * The name of the table: letters, digits and underscores, optionally after a schema and a dot. Default
   * `"effect_poll_signals"`.
   */
  readonly table?: string | undefined
  /**
   * Whether the layer creates the table and its indexes if they do not exist; default `true`. With `false`, run the
   * statements of `migration` before.
   */
  readonly createTable?: boolean | undefined
  /**
   * How long an ended signal is kept, so that waits learn how it ended, and late calls with its token get the right
   * answer; a positive finite duration, default 24 hours. After that the token is unknown. Every sixteenth insert of a
   * process removes at most 64 rows.
   */
  readonly retention?: Duration.Input | undefined
  /**
   * How long a call may take; a positive finite duration, default 10 seconds. One that takes longer is interrupted, and
   * fails with `SignalStoreError`.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Returns the statements that create the table of signals and its indexes, to be run in this order. They change nothing
 * if these exist. `table` is that of the options.
 *
 * **Example** (Writing a migration)
 *
 * ```ts
 * import * as SignalStoreSql from "@effect-poll/http/SignalStoreSql"
 *
 * const statements = SignalStoreSql.migration()
 * statements[1] // => "CREATE UNIQUE INDEX IF NOT EXISTS effect_poll_signals_open ON effect_poll_signals (slot) WHERE state = 'open'"
 * ```
 *
 * @category migrations
 * @since 0.1.0
 */
export const migration = (table: string = defaultTable): ReadonlyArray<string> => {
  const name = checkTable("SignalStoreSql.migration: table", table)
  const index = indexOf(name)
  return [
    `CREATE TABLE IF NOT EXISTS ${name} (
  hash VARCHAR(64) PRIMARY KEY,
  slot VARCHAR(64) NOT NULL,
  generation BIGINT NOT NULL,
  job TEXT NOT NULL,
  job_key TEXT NOT NULL,
  tags TEXT NOT NULL,
  state VARCHAR(5) NOT NULL,
  created_at BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  heartbeat_millis BIGINT,
  closes_at BIGINT NOT NULL,
  ended_at BIGINT,
  ending TEXT
)`,
    `CREATE UNIQUE INDEX IF NOT EXISTS ${index}_open ON ${name} (slot) WHERE state = 'open'`,
    `CREATE INDEX IF NOT EXISTS ${index}_newest ON ${name} (slot, generation)`,
    `CREATE INDEX IF NOT EXISTS ${index}_closes ON ${name} (closes_at) WHERE state = 'open'`,
    `CREATE INDEX IF NOT EXISTS ${index}_ended ON ${name} (ended_at) WHERE state = 'ended'`
  ]
}

/**
 * A store of signals in a table of a SQL database.
 *
 * **Details**
 *
 * The table is created unless `createTable` is `false`. Throws a RangeError for an option that is out of range.
 *
 * **Example** (Keeping signals in PostgreSQL)
 *
 * ```ts no-run
 * import * as Layer from "effect/Layer"
 * import type { SqlClient } from "effect/sql/SqlClient"
 * import type { SqlError } from "effect/sql/SqlError"
 * import * as SignalStoreSql from "@effect-poll/http/SignalStoreSql"
 *
 * // Such as PgClient.layer({ url }) of @effect/sql-pg.
 * declare const client: Layer.Layer<SqlClient, SqlError>
 *
 * export const signals = SignalStoreSql.layer({ retention: "7 days" }).pipe(Layer.provide(client))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<SignalStore, SqlError, SqlClient> => {
  const table = checkTable("SignalStoreSql.layer: table", options.table ?? defaultTable)
  const retention = Math.ceil(validate.millis("SignalStoreSql.layer: retention", options.retention ?? "24 hours"))
  const timeout = validate.millis("SignalStoreSql.layer: timeout", options.timeout ?? "10 seconds")
  return Layer.effect(
    SignalStore,
    Effect.gen(function* () {
      const sql = (yield* SqlClient).withoutTransforms()
      if (options.createTable !== false) yield* create(sql, migration(table))
      const changes = yield* PubSub.dropping<string>(keptChanges)
      const slotOf = yield* slotWith
      const table_: Table = {
        sql,
        name: sql.literal(table),
        retention,
        lockSome: lockSome(sql, "SignalStoreSql"),
        slotOf,
        publish: (hashes) =>
          hashes.length === 0
            ? Effect.void
            : sql.afterCommit(Effect.sync(() => hashes.forEach(({ hash }) => PubSub.publishUnsafe(changes, hash)))),
        inserts: 0
      }
      return { ...methodsOf(table_), changes: Stream.fromPubSub(changes), timeout }
    })
  )
}

// ---- internal ----

const defaultTable = "effect_poll_signals"

/** How many changes are kept for a slow reader. It finds what it misses by asking. */
const keptChanges = 4_096

/** How many inserts there are for each that tidies up, and how many rows that one touches at most. */
const tidyEvery = 16
const tidyRows = 64

/** How often an insert that meets others is tried. Each time another one has succeeded. */
const mostTries = 1_000

interface Table {
  readonly sql: SqlClient
  readonly name: Fragment
  readonly retention: number
  /** Passes over rows that others have locked, where the database locks rows. */
  readonly lockSome: Fragment
  readonly slotOf: (job: string, key: string) => Effect.Effect<string>
  readonly publish: (hashes: ReadonlyArray<{ readonly hash: string }>) => Effect.Effect<void>
  inserts: number
}

interface Stored {
  readonly hash: string
  readonly job: string
  readonly job_key: string
  readonly tags: string
  readonly created_at: number | string | bigint
  readonly expires_at: number | string | bigint
  readonly heartbeat_millis: number | string | bigint | null
  readonly closes_at: number | string | bigint
  readonly ended_at: number | string | bigint | null
  readonly ending: string | null
}

const rowOf = (stored: Stored): SignalRow => ({
  hash: stored.hash,
  job: fromText(stored.job),
  key: fromText(stored.job_key),
  tags: JSON.parse(stored.tags),
  createdAt: Number(stored.created_at),
  expiresAt: Number(stored.expires_at),
  heartbeatMillis: stored.heartbeat_millis === null ? null : Number(stored.heartbeat_millis),
  closesAt: Number(stored.closes_at),
  endedAt: stored.ended_at === null ? null : Number(stored.ended_at),
  ending: stored.ending === null ? null : JSON.parse(stored.ending)
})

const text = (ending: Ending): string => JSON.stringify(ending)

const missedHeartbeat = text({ _tag: "Expired", reason: "heartbeat" })
const waitedTooLong = text({ _tag: "Expired", reason: "maxWaitTime" })

const methodsOf = (table: Table): Omit<Service, "changes"> => ({
  insert: (row, onConflict) => storing("insert", insert(table, row, onConflict)),
  settle: (hash, ending, at) =>
    storing(
      "settle",
      Effect.flatMap(
        end(table, hash, ending, at),
        (isSettled): Effect.Effect<"settled" | SignalRow | undefined, SqlError> =>
          isSettled ? Effect.succeed("settled") : expire(table, hash, at)
      )
    ),
  expire: (hash, at) => storing("expire", expire(table, hash, at)),
  touch: (hash, at) =>
    storing(
      "touch",
      Effect.flatMap(touch(table, hash, at), (isTouched): Effect.Effect<"touched" | SignalRow | undefined, SqlError> =>
        isTouched ? Effect.succeed("touched") : expire(table, hash, at)
      )
    ),
  get: (hash) => storing("get", get(table, hash)),
  getMany: (hashes) => {
    const { name, sql } = table
    const found = sql<Stored>`SELECT * FROM ${name} WHERE ${sql.in("hash", hashes)}`
    return storing(
      "get",
      Effect.map(found, (rows) => rows.map(rowOf))
    )
  },
  newest: (job, key) => storing("newest", newest(table, job, key)),
  list: (filter, at) => {
    const { name, sql } = table
    const isOpen = sql`(state = 'open' AND closes_at > ${at})`
    // A tag is compared as a whole: its text may also occur within another one.
    const hasTag = (tag: string) =>
      sql.onDialectOrElse({
        orElse: () =>
          sql`EXISTS (SELECT 1 FROM json_each(tags) AS each WHERE each.value = ${JSON.stringify([tag])} ->> 0)`,
        pg: () =>
          sql`EXISTS (SELECT 1 FROM json_array_elements(tags::json) AS each WHERE each::text = ${JSON.stringify(tag)})`
      })
    return storing(
      "list",
      Effect.map(
        sql<Stored>`SELECT * FROM ${name} WHERE ${sql.and([
          sql.literal("1 = 1"),
          ...(filter.job === undefined ? [] : [sql`job = ${toText(filter.job)}`]),
          ...(filter.tag === undefined ? [] : [hasTag(filter.tag)]),
          ...(filter.state === undefined ? [] : [filter.state === "open" ? isOpen : sql`NOT ${isOpen}`])
        ])} ORDER BY created_at, generation, hash LIMIT ${filter.limit ?? 1_000}`,
        (rows) => rows.map(rowOf)
      )
    )
  }
})

const storing = <A>(
  operation: SignalStoreError["operation"],
  effect: Effect.Effect<A, SqlError | SignalStoreError>
): Effect.Effect<A, SignalStoreError> =>
  Effect.mapError(effect, (cause) =>
    cause._tag === "SignalStoreError" ? cause : new SignalStoreError({ operation, cause })
  )

const get = ({ name, sql }: Table, hash: string): Effect.Effect<SignalRow | undefined, SqlError> =>
  Effect.map(sql<Stored>`SELECT * FROM ${name} WHERE hash = ${hash}`, ([row]) => row && rowOf(row))

const newest = (
  { name, slotOf, sql }: Table,
  job: string,
  key: string
): Effect.Effect<SignalRow | undefined, SqlError> =>
  Effect.flatMap(slotOf(job, key), (slot) =>
    Effect.map(
      sql<Stored>`SELECT * FROM ${name} WHERE slot = ${slot} ORDER BY generation DESC LIMIT 1`,
      ([row]) => row && rowOf(row)
    )
  )

type Hashes = ReadonlyArray<{ readonly hash: string }>

/** Whether this call ended the signal. */
const end = (
  { name, publish, sql }: Table,
  hash: string,
  ending: Ending,
  at: number
): Effect.Effect<boolean, SqlError> =>
  Effect.flatMap(
    sql<{ hash: string }>`UPDATE ${name} SET state = 'ended', ended_at = ${at}, ending = ${text(ending)}
      WHERE hash = ${hash} AND state = 'open' AND closes_at > ${at} RETURNING hash`,
    (ended) => Effect.as(publish(ended), ended.length > 0)
  )

const touch = ({ name, sql }: Table, hash: string, at: number): Effect.Effect<boolean, SqlError> =>
  Effect.map(
    sql<{ hash: string }>`UPDATE ${name} SET closes_at = CASE
        WHEN heartbeat_millis IS NULL OR heartbeat_millis + ${at} > expires_at THEN expires_at
        ELSE heartbeat_millis + ${at} END
      WHERE hash = ${hash} AND state = 'open' AND closes_at > ${at} RETURNING hash`,
    (touched) => touched.length > 0
  )

/** Ends those of some signals that are due to expire. */
const expireWhere = ({ name, publish, sql }: Table, which: Fragment, at: number): Effect.Effect<Hashes, SqlError> =>
  Effect.tap(
    sql<{ hash: string }>`UPDATE ${name} SET state = 'ended', ended_at = closes_at, ending = CASE
        WHEN closes_at < expires_at THEN ${missedHeartbeat} ELSE ${waitedTooLong} END
      WHERE ${which} AND state = 'open' AND closes_at <= ${at} RETURNING hash`,
    publish
  )

const expire = (table: Table, hash: string, at: number): Effect.Effect<SignalRow | undefined, SqlError> =>
  Effect.andThen(expireWhere(table, table.sql`hash = ${hash}`, at), get(table, hash))

const insert = Effect.fnUntraced(function* (table: Table, row: SignalRow, onConflict: "fail" | "replace") {
  const { name, publish, slotOf, sql } = table
  const slot = yield* slotOf(row.job, row.key)
  const at = row.createdAt
  const once = sql.withTransaction(
    Effect.gen(function* () {
      // A statement that writes comes first, so that SQLite does not have to turn a reader into a writer.
      yield* expireWhere(table, sql`slot = ${slot}`, at)
      if (onConflict === "replace") {
        yield* Effect.flatMap(
          sql<{
            hash: string
          }>`UPDATE ${name} SET state = 'ended', ended_at = ${at}, ending = ${text({ _tag: "Replaced" })}
            WHERE slot = ${slot} AND state = 'open' RETURNING hash`,
          publish
        )
      }
      return yield* sql<{ hash: string }>`INSERT INTO ${name}
        (hash, slot, generation, job, job_key, tags, state, created_at, expires_at, heartbeat_millis, closes_at)
        VALUES (${row.hash}, ${slot},
          (SELECT COALESCE(MAX(generation), 0) + 1 FROM ${name} WHERE slot = ${slot}),
          ${toText(row.job)}, ${toText(row.key)}, ${JSON.stringify(row.tags)}, 'open',
          ${row.createdAt}, ${row.expiresAt}, ${row.heartbeatMillis}, ${row.closesAt})
        ON CONFLICT DO NOTHING RETURNING hash`
    })
  )
  for (let tries = 1; tries <= mostTries; tries++) {
    const inserted = yield* once
    if (inserted.length > 0) {
      if (table.inserts++ % tidyEvery === 0) yield* sql.afterCommit(Effect.ignore(tidy(table, at)))
      return "inserted" as const
    }
    if ((yield* get(table, row.hash)) !== undefined) break
    // Another insert came in between: its signal is the one that is open, or has ended since.
    const open = yield* newest(table, row.job, row.key)
    if (onConflict === "fail" && open?.ending === null) return open
  }
  return yield* new SignalStoreError({ operation: "insert", cause: "no place for this signal was found" })
})

/** Ends some signals that are due to expire, and removes some whose retention is over. */
const tidy = (table: Table, at: number): Effect.Effect<void, SqlError> => {
  const { lockSome, name, retention, sql } = table
  const due = sql`hash IN (SELECT hash FROM ${name} WHERE state = 'open' AND closes_at <= ${at}
    ORDER BY closes_at LIMIT ${tidyRows} ${lockSome})`
  const over = sql`DELETE FROM ${name} WHERE hash IN (SELECT hash FROM ${name}
    WHERE state = 'ended' AND ended_at <= ${at - retention} ORDER BY ended_at LIMIT ${tidyRows} ${lockSome})`
  return Effect.andThen(expireWhere(table, due, at), over)
}
