import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"

// What the tables of this package have in common.

/** A part of a statement. */
export type Fragment = ReturnType<SqlClient["literal"]>

/** Checks the option for the name of a table: throws a RangeError. */
export const checkTable = (option: string, table: string): string => {
  if (!/^([A-Za-z_]\w{0,47}\.)?[A-Za-z_]\w{0,47}$/.test(table)) {
    throw new RangeError(`${option} must be a plain identifier of at most 48 characters, got ${JSON.stringify(table)}`)
  }
  return table
}

/** How the names of the indexes of a table begin. */
export const indexOf = (table: string): string => table.slice(table.indexOf(".") + 1)

/**
 * Runs the statements that create a table. PostgreSQL lets two processes that create the same table at once fail. The
 * second try finds it.
 */
export const create = (sql: SqlClient, statements: ReadonlyArray<string>): Effect.Effect<void, SqlError> =>
  Effect.retry(
    Effect.forEach(statements, (statement) => sql.unsafe(statement), { discard: true }),
    { times: 3 }
  )

/** What passes over rows that others have locked, where the database locks rows. A defect for any other dialect. */
export const lockSome = (sql: SqlClient, module: string): Fragment => {
  const unsupported = (): never => {
    throw new Error(`${module} supports PostgreSQL and SQLite`)
  }
  return sql.onDialect({
    sqlite: () => sql.literal(""),
    pg: () => sql.literal("FOR UPDATE SKIP LOCKED"),
    mysql: unsupported,
    mssql: unsupported,
    clickhouse: unsupported
  })
}
