import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

// The table of budgets. Times are milliseconds of the database. A statement reads its clock once, after it has locked the
// row, so that the times of a row never run backwards.

type Fragment = ReturnType<SqlClient["literal"]>

/** The statements that create the table. */
export const migration = (table: string): ReadonlyArray<string> => [
  `CREATE TABLE IF NOT EXISTS ${table} (
  id VARCHAR(256) PRIMARY KEY,
  tokens DOUBLE PRECISION NOT NULL,
  since DOUBLE PRECISION NOT NULL,
  taken DOUBLE PRECISION NOT NULL,
  asked_at DOUBLE PRECISION NOT NULL,
  round BIGINT NOT NULL,
  state TEXT,
  forget_at DOUBLE PRECISION NOT NULL
)`
]

/** A request to a token bucket. */
export interface BucketRequest {
  readonly id: string
  /** How many tokens are needed. */
  readonly tokens: number
  /** How many are taken if there are so many; at least `tokens`. */
  readonly most: number
  readonly limit: number
  readonly refillMillis: number
  /** Whether the tokens that are needed are taken even if they are not available yet. */
  readonly overflow: boolean
}

/** The answer of a token bucket. */
export interface BucketAnswer {
  /** The tokens after that, which are negative if some were taken that are not there yet. */
  readonly tokens: number
  /** How many were taken: 0 if there were not as many as needed. */
  readonly taken: number
  /** How long ago the newest token came, in milliseconds. */
  readonly elapsedMillis: number
}

/** A request to a window. */
export interface WindowRequest {
  readonly id: string
  /** How many tokens are needed. */
  readonly tokens: number
  /** How many are taken if there are so many; at least `tokens`. */
  readonly most: number
  /** Without a limit as many are taken as are needed. */
  readonly limit: number | undefined
  readonly refillMillis: number
}

/** The answer of a window. */
export interface WindowAnswer {
  /** The tokens that have been taken of the window, with those of this request. */
  readonly tokens: number
  /** How many were taken: 0 if there were not as many as needed. */
  readonly taken: number
  /** When the window ends, in milliseconds from now. */
  readonly endsInMillis: number
  /** The number of the window. */
  readonly round: number
}

/** A state that is written on condition that it has not changed. */
export interface StateRow {
  readonly now: number
  readonly state: string | undefined
  readonly round: number
}

/** The statements on the table. */
export interface BudgetTable {
  readonly bucket: (request: BucketRequest) => Effect.Effect<BucketAnswer, SqlError>
  readonly window: (request: WindowRequest) => Effect.Effect<WindowAnswer, SqlError>
  /** Gives tokens back to a bucket. */
  readonly refund: (id: string, tokens: number, limit: number) => Effect.Effect<unknown, SqlError>
  /** Gives tokens back to a window, if it has not ended. */
  readonly refundWindow: (id: string, tokens: number, round: number) => Effect.Effect<unknown, SqlError>
  readonly read: (id: string) => Effect.Effect<StateRow, SqlError>
  /** Yields whether the state was written. */
  readonly write: (id: string, before: StateRow, state: string, forgetAt: number) => Effect.Effect<boolean, SqlError>
  /** Removes rows that are no longer needed. */
  readonly tidy: Effect.Effect<unknown, SqlError>
}

/** The statements on a table, for PostgreSQL and SQLite; throws for any other dialect. */
export const make = (sql: SqlClient, table: string): BudgetTable => {
  const name = sql.literal(table)
  const { floor, now } = dialectOf(sql)
  const num = (value: number): Fragment => sql`CAST(${value} AS DOUBLE PRECISION)`
  return {
    bucket: ({ id, limit, most, overflow, refillMillis, tokens }) => {
      const first = tokens <= limit ? Math.min(most, limit) : overflow ? tokens : 0
      const forget = num((Math.max(limit, most) + limit) * refillMillis)
      return Effect.map(
        sql<StoredBucket>`INSERT INTO ${name} AS budget (id, tokens, since, taken, asked_at, round, forget_at)
          SELECT ${id}, ${num(limit - first)}, t, ${num(first)}, t, 0, t + ${forget}
          FROM (SELECT ${now} AS t) AS clock WHERE 1 = 1
          ON CONFLICT (id) DO UPDATE SET (tokens, since, taken, asked_at, forget_at) = (
            SELECT level - takes, since, takes, t,
              t + ${forget} + CASE WHEN level < takes THEN (takes - level) * ${num(refillMillis)} ELSE 0 END
            FROM (
              SELECT t, level, CASE WHEN level >= ${num(limit)} THEN t ELSE since END AS since,
                CASE WHEN level >= ${num(most)} THEN ${num(most)} WHEN level >= ${num(tokens + 1)} THEN ${floor(sql`level`)}
                  WHEN ${overflow ? sql.literal("1 = 1") : sql`level >= ${num(tokens)}`} THEN ${num(tokens)}
                  ELSE 0 END AS takes
              FROM (
                SELECT t, since + came * ${num(refillMillis)} AS since,
                  CASE WHEN came > 0 AND had + came > ${num(limit)} THEN ${num(limit)} ELSE had + came END AS level
                FROM (
                  SELECT t, since, had, CASE WHEN t > since
                    THEN ${floor(sql`(t - since) / ${num(refillMillis)}`)} ELSE 0 END AS came
                  FROM (SELECT ${now} AS t, budget.since AS since, budget.tokens AS had) AS read
                ) AS refilled
              ) AS leveled
            ) AS taking
          )
          RETURNING tokens, since, taken, asked_at`,
        ([row]) => ({
          tokens: Number(row!.tokens),
          taken: Number(row!.taken),
          elapsedMillis: Math.max(0, Number(row!.asked_at) - Number(row!.since))
        })
      )
    },
    window: ({ id, limit, most, refillMillis, tokens }) => {
      const refill = num(refillMillis)
      const first = limit === undefined ? tokens : tokens <= limit ? Math.min(most, limit) : 0
      const whole = (limit ?? tokens) * refillMillis
      const takes =
        limit === undefined
          ? num(tokens)
          : sql`CASE WHEN ${num(limit)} - used < ${num(tokens)} THEN 0
              WHEN ${num(limit)} - used < ${num(most)} THEN ${num(limit)} - used ELSE ${num(most)} END`
      // A window lasts for its whole length. Without a limit its length is not known, and it lasts until its tokens would
      // have come one by one, as in the other stores. One that was used up, and is asked for soon after its end, is followed
      // by one that begins when it ended: otherwise each would begin a little late, and the budget would never be used in
      // full.
      const grows = limit === undefined ? sql`takes * ${refill}` : sql.literal("0")
      const lasts = num(limit === undefined ? 0 : whole)
      const follows =
        limit === undefined
          ? sql.literal("1 = 0")
          : sql`(budget.tokens >= ${num(limit)} OR budget.taken = 0) AND t - budget.since <= ${num(whole / lateShare)}`
      return Effect.map(
        sql<StoredWindow>`INSERT INTO ${name} AS budget (id, tokens, since, taken, asked_at, round, forget_at)
          SELECT ${id}, ${num(first)}, t + ${num(limit === undefined ? first * refillMillis : whole)}, ${num(first)}, t, 1,
            t + ${num(2 * whole)}
          FROM (SELECT ${now} AS t) AS clock WHERE 1 = 1
          ON CONFLICT (id) DO UPDATE SET (tokens, since, taken, asked_at, round, forget_at) = (
            SELECT used + takes, since + ${grows}, takes, t, round, since + ${grows} + ${num(2 * whole)}
            FROM (
              SELECT t, used, since, round, ${takes} AS takes
              FROM (
                SELECT t,
                  CASE WHEN t >= budget.since THEN 0 ELSE budget.tokens END AS used,
                  CASE WHEN t < budget.since THEN budget.since WHEN ${follows} THEN budget.since + ${lasts}
                    ELSE t + ${lasts} END AS since,
                  CASE WHEN t >= budget.since THEN budget.round + 1 ELSE budget.round END AS round
                FROM (SELECT ${now} AS t) AS clock
              ) AS opened
            ) AS taking
          )
          RETURNING tokens, since, taken, asked_at, round`,
        ([row]) => ({
          tokens: Number(row!.tokens),
          taken: Number(row!.taken),
          endsInMillis: Math.max(0, Number(row!.since) - Number(row!.asked_at)),
          round: Number(row!.round)
        })
      )
    },
    refund: (id, tokens, limit) => sql`UPDATE ${name}
      SET tokens = CASE WHEN tokens + ${num(tokens)} > ${num(limit)} THEN ${num(limit)} ELSE tokens + ${num(tokens)} END
      WHERE id = ${id}`,
    refundWindow: (id, tokens, round) =>
      sql`UPDATE ${name} SET tokens = tokens - ${num(tokens)} WHERE id = ${id} AND round = ${round} AND since > ${now}`,
    read: (id) =>
      Effect.map(
        sql<StoredState>`SELECT clock.t AS t, budget.state AS state, budget.round AS round
          FROM (SELECT ${now} AS t) AS clock LEFT JOIN ${name} AS budget ON budget.id = ${id}`,
        ([row]) => ({ now: Number(row!.t), state: row!.state ?? undefined, round: Number(row!.round ?? 0) })
      ),
    write: (id, { now: at, round }, state, forgetAt) =>
      Effect.map(
        sql<{ id: string }>`INSERT INTO ${name} AS budget (id, tokens, since, taken, asked_at, round, state, forget_at)
          VALUES (${id}, 0, ${num(at)}, 0, ${num(at)}, 1, ${state}, ${num(forgetAt)})
          ON CONFLICT (id) DO UPDATE SET state = excluded.state, asked_at = excluded.asked_at,
            forget_at = excluded.forget_at, round = budget.round + 1
          WHERE budget.round = ${round}
          RETURNING id`,
        (written) => written.length > 0
      ),
    tidy: sql`DELETE FROM ${name} WHERE forget_at < ${now}`
  }
}

// ---- internal ----

/** If a request comes within this part of a window after its end, the next window begins at that end. */
const lateShare = 20

type Stored = number | string | bigint

interface StoredBucket {
  readonly tokens: Stored
  readonly since: Stored
  readonly taken: Stored
  readonly asked_at: Stored
}

interface StoredWindow extends StoredBucket {
  readonly round: Stored
}

interface StoredState {
  readonly t: Stored
  readonly state: string | null
  readonly round: Stored | null
}

interface Dialect {
  /** The time now, not that of the transaction. */
  readonly now: Fragment
  readonly floor: (value: Fragment) => Fragment
}

const dialectOf = (sql: SqlClient): Dialect => {
  const unsupported = (): never => {
    throw new Error("RateLimiterStoreSql supports PostgreSQL and SQLite")
  }
  return sql.onDialect<Dialect, Dialect, Dialect, Dialect, Dialect>({
    pg: () => ({
      now: sql.literal("CAST(extract(epoch from clock_timestamp()) * 1000 AS DOUBLE PRECISION)"),
      floor: (value) => sql`floor(${value})`
    }),
    sqlite: () => ({
      now: sql.literal("((julianday('now') - 2440587.5) * 86400000.0)"),
      floor: (value) => sql`CAST(${value} AS INTEGER)`
    }),
    mysql: unsupported,
    mssql: unsupported,
    clickhouse: unsupported
  })
}
