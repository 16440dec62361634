/**
 * The deliveries that were seen, in a table of a SQL database, by effect's `SqlClient`.
 *
 * **When to use**
 *
 * Use where several processes receive webhooks for one route, or where a delivery that was applied before a restart must
 * not be applied again after it.
 *
 * **Details**
 *
 * - PostgreSQL and SQLite (3.35 or later). The layer fails with a defect for any other dialect.
 * - `begin` is an insert that does nothing on a conflict. So of any number of processes one begins a delivery.
 * - The table holds the hash of the route and the id of a delivery, and the digest of its body; no body, and no signature.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { type Begun, Deliveries, DeliveriesError, type Key } from "./Deliveries.ts"
import { slotWith } from "./internal/signal/slot.ts"
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
   * `"effect_poll_deliveries"`.
   */
  readonly table?: string | undefined
  /**
   * Whether the layer creates the table and its indexes if they do not exist; default `true`. With `false`, run the
   * statements of `migration` before.
   */
  readonly createTable?: boolean | undefined
  /**
   * How long a delivery may be in flight until it can be begun again; a positive finite duration, default 1 minute. It
   * matters when a process ends while it applies a delivery.
   */
  readonly lease?: Duration.Input | undefined
  /**
   * How long a call may take; a positive finite duration, default 10 seconds. One that takes longer is interrupted, and
   * fails with `DeliveriesError`.
   */
  readonly timeout?: Duration.Input | undefined
}

/**
 * Returns the statements that create the table of deliveries and its indexes, to be run in this order. They change
 * nothing if these exist. `table` is that of the options.
 *
 * **Example** (Writing a migration)
 *
 * ```ts
 * import * as DeliveriesSql from "@effect-poll/http/DeliveriesSql"
 *
 * DeliveriesSql.migration().length // => 2
 * ```
 *
 * @category migrations
 * @since 0.1.0
 */
export const migration = (table: string = defaultTable): ReadonlyArray<string> => {
  const name = checkTable("DeliveriesSql.migration: table", table)
  const index = indexOf(name)
  return [
    `CREATE TABLE IF NOT EXISTS ${name} (
  id VARCHAR(64) PRIMARY KEY,
  content VARCHAR(64) NOT NULL,
  lease_until BIGINT,
  forget_at BIGINT NOT NULL
)`,
    `CREATE INDEX IF NOT EXISTS ${index}_forget ON ${name} (forget_at)`
  ]
}

/**
 * Remembers deliveries in a table of a SQL database.
 *
 * **Details**
 *
 * The table is created unless `createTable` is `false`. Each sixteenth `begin` of a process removes at most 64 rows whose
 * time is over. Throws a RangeError for an option that is out of range.
 *
 * **Example** (Receivers that share a database)
 *
 * ```ts no-run
 * import * as Layer from "effect/Layer"
 * import type { SqlClient } from "effect/sql/SqlClient"
 * import type { SqlError } from "effect/sql/SqlError"
 * import * as DeliveriesSql from "@effect-poll/http/DeliveriesSql"
 *
 * // Such as PgClient.layer({ url }) of @effect/sql-pg.
 * declare const client: Layer.Layer<SqlClient, SqlError>
 *
 * export const deliveries = DeliveriesSql.layer().pipe(Layer.provide(client))
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options: Options = {}): Layer.Layer<Deliveries, SqlError, SqlClient> => {
  const table = checkTable("DeliveriesSql.layer: table", options.table ?? defaultTable)
  const lease = Math.ceil(validate.millis("DeliveriesSql.layer: lease", options.lease ?? "1 minute"))
  const timeout = validate.millis("DeliveriesSql.layer: timeout", options.timeout ?? "10 seconds")
  return Layer.effect(
    Deliveries,
    Effect.gen(function* () {
      const sql = (yield* SqlClient).withoutTransforms()
      const lock = lockSome(sql, "DeliveriesSql")
      if (options.createTable !== false) yield* create(sql, migration(table))
      const idOf = yield* slotWith
      const all: Table = { sql, name: sql.literal(table), lock, lease, idOf, begun: 0 }
      const asked = <A>(effect: Effect.Effect<A, SqlError>): Effect.Effect<A, DeliveriesError> =>
        Effect.timeout(effect, timeout).pipe(Effect.mapError((cause) => new DeliveriesError({ cause })))
      return {
        begin: (key, keepMillis) => asked(begin(all, key, keepMillis)),
        done: (key) => asked(done(all, key)),
        abandon: (key) => asked(abandon(all, key))
      }
    })
  )
}

// ---- internal ----

const defaultTable = "effect_poll_deliveries"

/** How many deliveries are begun for each that tidies up, and how many rows that one removes at most. */
const tidyEvery = 16
const tidyRows = 64

/** How often a delivery is tried to begin that others abandon at the same time. */
const mostTries = 100

interface Table {
  readonly sql: SqlClient
  readonly name: Fragment
  readonly lock: Fragment
  /** In milliseconds. */
  readonly lease: number
  readonly idOf: (route: string, id: string) => Effect.Effect<string>
  begun: number
}

interface Stored {
  readonly content: string
  readonly lease_until: number | string | bigint | null
}

const begin = Effect.fnUntraced(function* (table: Table, key: Key, keepMillis: number) {
  const { idOf, lease, name, sql } = table
  const id = yield* idOf(key.route, `id ${key.id}`)
  for (let tries = 1; tries <= mostTries; tries++) {
    const now = yield* Clock.currentTimeMillis
    const begun = yield* sql<{ id: string }>`INSERT INTO ${name} AS known (id, content, lease_until, forget_at)
      VALUES (${id}, ${key.digest}, ${now + lease}, ${now + keepMillis})
      ON CONFLICT (id) DO UPDATE
        SET content = excluded.content, lease_until = excluded.lease_until, forget_at = excluded.forget_at
        WHERE known.forget_at <= ${now} OR (known.content = excluded.content AND known.lease_until <= ${now})
      RETURNING id`
    if (begun.length > 0) {
      if (table.begun++ % tidyEvery === 0) yield* Effect.ignore(tidy(table, now))
      return yield* Effect.map(isFirst(table, key, id, now, keepMillis), (first): Begun => (first ? "new" : "copy"))
    }
    const [known] = yield* sql<Stored>`SELECT content, lease_until FROM ${name} WHERE id = ${id}`
    if (known !== undefined) return begunOf(known, key)
  }
  return "inFlight"
})

const begunOf = (known: Stored, { digest }: Key): Begun => {
  if (known.content !== digest) return "conflict"
  return known.lease_until === null ? "repeat" : "inFlight"
}

/** Whether the same bytes have not come before under another id. The first one has a row of its own for them. */
const isFirst = (
  { idOf, name, sql }: Table,
  { digest, route }: Key,
  id: string,
  now: number,
  keepMillis: number
): Effect.Effect<boolean, SqlError> =>
  Effect.flatMap(idOf(route, `bytes ${digest}`), (row) =>
    Effect.map(
      sql<{ id: string }>`INSERT INTO ${name} AS known (id, content, forget_at)
        VALUES (${row}, ${id}, ${now + keepMillis})
        ON CONFLICT (id) DO UPDATE SET content = excluded.content, forget_at = excluded.forget_at
          WHERE known.forget_at <= ${now} OR known.content = excluded.content
        RETURNING id`,
      (claimed) => claimed.length > 0
    )
  )

const done = ({ idOf, name, sql }: Table, { digest, id, route }: Key): Effect.Effect<void, SqlError> =>
  Effect.flatMap(idOf(route, `id ${id}`), (row) =>
    Effect.asVoid(sql`UPDATE ${name} SET lease_until = NULL WHERE id = ${row} AND content = ${digest}`)
  )

const abandon = Effect.fnUntraced(function* ({ idOf, name, sql }: Table, { digest, id, route }: Key) {
  const row = yield* idOf(route, `id ${id}`)
  const abandoned = yield* sql<{ id: string }>`DELETE FROM ${name}
    WHERE id = ${row} AND content = ${digest} AND lease_until IS NOT NULL RETURNING id`
  if (abandoned.length === 0) return
  // Whoever brings the same bytes next is the first.
  yield* sql`DELETE FROM ${name} WHERE id = ${yield* idOf(route, `bytes ${digest}`)} AND content = ${row}`
})

const tidy = ({ lock, name, sql }: Table, now: number): Effect.Effect<unknown, SqlError> =>
  sql`DELETE FROM ${name} WHERE id IN (SELECT id FROM ${name} WHERE forget_at <= ${now}
    ORDER BY forget_at LIMIT ${tidyRows} ${lock})`
