// Ways to do the work that the board has to see through.
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Effect from "effect/Effect"
import * as ManagedRuntime from "effect/ManagedRuntime"
import * as Redacted from "effect/Redacted"
import { SqlClient } from "effect/sql/SqlClient"
import type { Subject } from "../durable/work.ts"

/** Inserts a row for each job, updates it at each of its checks, and deletes it in the end. */
export const journaling: Subject = {
  start: async (url, { check, work }) => {
    const runtime = ManagedRuntime.make(PgClient.layer({ url: Redacted.make(url) }))
    const create = Effect.flatMap(SqlClient, (sql) => sql`CREATE TABLE journal (key text, checks int)`)
    await runtime.runPromise(create)
    const wait = Effect.fnUntraced(function* (key: string) {
      const sql = yield* SqlClient
      yield* sql`INSERT INTO journal VALUES (${key}, 0)`
      for (let done = false; !done;) {
        done = check(key)
        yield* sql`UPDATE journal SET checks = checks + 1 WHERE key = ${key}`
        if (!done) yield* Effect.sleep(work.intervalMillis)
      }
      yield* sql`DELETE FROM journal WHERE key = ${key}`
    })
    return {
      run: ({ keys }) => runtime.runPromise(Effect.forEach(keys, wait, { concurrency: "unbounded", discard: true }))
    }
  }
}

/** Checks each job once. */
export const forgetting: Subject = {
  start: async (_, { check }) => ({
    run: async ({ keys }) => {
      for (const key of keys) check(key)
    }
  })
}
