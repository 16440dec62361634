import { DatabaseSync, type SQLInputValue, type StatementSync } from "node:sqlite"
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import type * as Reactivity from "effect/reactivity/Reactivity"
import type * as Scope from "effect/Scope"
import * as Semaphore from "effect/Semaphore"
import * as SqlClient from "effect/sql/SqlClient"
import type { Connection } from "effect/sql/SqlConnection"
import { classifySqliteError, SqlError } from "effect/sql/SqlError"
import { makeCompilerSqlite } from "effect/sql/Statement"
import * as Stream from "effect/Stream"

/** How many statements are kept prepared. */
const mostPrepared = 200

/** Opens a file for this process only. Fails at once if another process has it open. */
export const open = (filename: string): Effect.Effect<DatabaseSync, SqlError, Scope.Scope> =>
  Effect.acquireRelease(
    attempt("open", () => {
      // With a timeout, SQLite would block the only thread.
      const database = new DatabaseSync(filename, { timeout: 0 })
      try {
        // The order matters: with exclusive locking, the WAL needs no shared memory. The first transaction takes the lock. It is
        // a lock of the operating system, so it is released when the process ends, however that happens.
        database.exec("PRAGMA locking_mode = EXCLUSIVE")
        database.exec("PRAGMA journal_mode = WAL")
        database.exec("BEGIN IMMEDIATE; COMMIT")
        return database
      } catch (cause) {
        database.close()
        throw cause
      }
    }),
    (database) => Effect.sync(() => database.close())
  )

/** Whether another process, or another client of this one, uses the file. */
export const isLocked = ({ reason }: SqlError): boolean => reason._tag === "LockTimeoutError"

/** A client of a database that is open. */
export const make = (
  database: DatabaseSync
): Effect.Effect<SqlClient.SqlClient, never, Reactivity.Reactivity | Scope.Scope> => {
  const prepared = new Map<string, StatementSync>()
  const prepare = (sql: string): StatementSync => {
    const statement = prepared.get(sql) ?? database.prepare(sql)
    prepared.delete(sql)
    prepared.set(sql, statement)
    if (prepared.size > mostPrepared) prepared.delete(prepared.keys().next().value!)
    return statement
  }
  const runWith = (statementOf: (sql: string) => StatementSync) => (sql: string, params: ReadonlyArray<unknown>) =>
    attempt("execute", () => statementOf(sql).all(...params.map(toInput)))
  const run = runWith(prepare)
  const runUnprepared = runWith((sql) => database.prepare(sql))
  const executeWith =
    (run: ReturnType<typeof runWith>): Connection["execute"] =>
    (sql, params, transform) =>
      Effect.map(run(sql, params), (rows) => transform?.(rows) ?? rows)
  const valuesWith =
    (run: ReturnType<typeof runWith>): Connection["executeValues"] =>
    (sql, params) =>
      Effect.map(run(sql, params), (rows) => rows.map((row) => Object.values(row)))
  const connection: Connection = {
    execute: executeWith(run),
    executeUnprepared: executeWith(runUnprepared),
    executeRaw: run,
    executeValues: valuesWith(run),
    executeValuesUnprepared: valuesWith(runUnprepared),
    executeStream: (sql, params, transform) =>
      Stream.unwrap(Effect.map(run(sql, params), (rows) => Stream.fromIterable(transform?.(rows) ?? rows)))
  }
  const acquirers = SqlClient.makeSqliteAcquirers({
    connection: Effect.succeed(connection),
    semaphore: Semaphore.makeUnsafe(1)
  })
  return SqlClient.make({
    acquirer: acquirers.acquirer,
    borrower: acquirers.borrower,
    transactionAcquirer: acquirers.transactionAcquirer,
    onCommitFailure: acquirers.onCommitFailure,
    beginTransaction: "BEGIN IMMEDIATE",
    compiler: makeCompilerSqlite(),
    driver: "sqlite-node",
    spanAttributes: [["db.system.name", "sqlite"]]
  })
}

const attempt = <A>(operation: string, run: () => A): Effect.Effect<A, SqlError> =>
  Effect.try({
    try: run,
    catch: (cause) => {
      // Node has the error code of SQLite in `errcode`.
      const known = hasProperty(cause, "errcode") ? Object.assign(cause, { errno: cause.errcode }) : cause
      return new SqlError({ reason: classifySqliteError(known, { message: messageOf(cause), operation }) })
    }
  })

const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause))

/** SQLite has no booleans. Any other value that it does not accept is an error of the statement. */
const toInput = (param: unknown): SQLInputValue =>
  typeof param === "boolean" ? Number(param) : (param as SQLInputValue)
