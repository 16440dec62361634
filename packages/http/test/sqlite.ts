import { DatabaseSync, type SQLInputValue } from "node:sqlite"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Reactivity from "effect/reactivity/Reactivity"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"
import { makeCompilerSqlite } from "effect/sql/Statement"
import * as Stream from "effect/Stream"

/** A client of SQLite by the module of Node, without an extra package. */
export const sqlite = (filename: string): Layer.Layer<SqlClient.SqlClient> =>
  Layer.effect(
    SqlClient.SqlClient,
    Effect.gen(function* () {
      const database = yield* Effect.acquireRelease(
        Effect.sync(() => new DatabaseSync(filename, { timeout: 5_000 })),
        (database) => Effect.sync(() => database.close())
      )
      if (filename !== ":memory:") database.exec("PRAGMA journal_mode = WAL")
      const run = (sql: string, params: ReadonlyArray<unknown>) =>
        Effect.try({
          try: () => database.prepare(sql).all(...(params as ReadonlyArray<SQLInputValue>)),
          catch: (cause) => new SqlError({ reason: classifySqliteError(cause, { message: "the statement failed" }) })
        })
      const values = (sql: string, params: ReadonlyArray<unknown>) =>
        Effect.map(run(sql, params), (rows) => rows.map((row) => Object.values(row)))
      const connection: Connection = {
        execute: (sql, params, transform) => Effect.map(run(sql, params), (rows) => transform?.(rows) ?? rows),
        executeUnprepared: (sql, params, transform) =>
          Effect.map(run(sql, params), (rows) => transform?.(rows) ?? rows),
        executeRaw: run,
        executeValues: values,
        executeValuesUnprepared: values,
        executeStream: (sql, params) => Stream.unwrap(Effect.map(run(sql, params), Stream.fromIterable))
      }
      const { acquirer, borrower, onCommitFailure, transactionAcquirer } = SqlClient.makeSqliteAcquirers({
        connection: Effect.succeed(connection),
        semaphore: Semaphore.makeUnsafe(1)
      })
      return yield* SqlClient.make({
        acquirer,
        borrower,
        transactionAcquirer,
        onCommitFailure,
        compiler: makeCompilerSqlite(),
        driver: "sqlite",
        spanAttributes: []
      })
    })
  ).pipe(Layer.provide(Reactivity.layer))
