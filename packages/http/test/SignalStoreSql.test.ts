import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import * as Stream from "effect/Stream"
import * as SignalStoreSql from "@effect-poll/http/SignalStoreSql"
import * as Job from "effect-poll/Job"
import * as Signal from "effect-poll/Signal"
import * as SignalStore from "effect-poll/SignalStore"
import * as Status from "effect-poll/Status"
import * as Told from "effect-poll/Told"
import { conformance, rowOf, succeeded } from "../../core/test/support/signalStores.ts"
import { sqlite } from "./sqlite.ts"

const retention = "10 seconds"

/** What holds in every database. `client` yields the same client layer for one test. */
const database = (client: Effect.Effect<Layer.Layer<SqlClient, SqlError>>, tableOf: () => string): void => {
  conformance(
    Effect.map(client, (client) => SignalStoreSql.layer({ table: tableOf(), retention }).pipe(Layer.provide(client)))
  )

  it.effect("layer - finds what another layer stored in the same table", () =>
    Effect.gen(function* () {
      const table = tableOf()
      const context = yield* Layer.build(yield* client)
      const store = Layer.provide(SignalStoreSql.layer({ table }), Layer.succeedContext(context))
      const row = rowOf()
      yield* Effect.provide(
        SignalStore.SignalStore.use((store) => store.insert(row, "fail")),
        Layer.fresh(store)
      )
      const found = yield* Effect.provide(
        SignalStore.SignalStore.use((store) => store.newest(row.job, row.key)),
        Layer.fresh(store)
      )
      assert.deepStrictEqual(found, row)
    })
  )

  it.effect("insert - is undone with the transaction that it is part of", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(yield* client)
      const layer = Layer.provide(SignalStoreSql.layer({ table: tableOf() }), Layer.succeedContext(context))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient
        const store = yield* SignalStore.SignalStore
        const [undone, kept] = [rowOf({ key: "same" }), rowOf({ key: "same" })]
        const exit = yield* Effect.exit(
          sql.withTransaction(Effect.andThen(store.insert(undone, "fail"), Effect.fail("no order")))
        )
        assert.isTrue(Exit.isFailure(exit))
        assert.isUndefined(yield* store.get(undone.hash))
        assert.strictEqual(yield* sql.withTransaction(store.insert(kept, "fail")), "inserted")
        assert.deepStrictEqual(yield* store.newest("review", "same"), kept)
      }).pipe(Effect.provide(layer), Effect.provideContext(context))
    })
  )

  it.effect("Signal.make - is undone with the transaction of the order that needs it", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(yield* client)
      const layer = Layer.provide(SignalStoreSql.layer({ table: tableOf() }), Layer.succeedContext(context))
      const Payment = Job.make("payment", {
        check: (_order: string) => Effect.succeed(Status.pending() as Status.Status<string>)
      }).pipe(Job.withCodecs({ success: Schema.String }))
      const hour = { maxWaitTime: "1 hour" } as const
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient
        const order = Effect.andThen(Signal.make(Payment, "a", hour), Effect.fail("no order"))
        assert.isTrue(Exit.isFailure(yield* Effect.exit(sql.withTransaction(order))))
        assert.deepStrictEqual(yield* Signal.list(), [])
        const signal = yield* sql.withTransaction(Signal.make(Payment, "a", hour))
        assert.strictEqual(yield* Signal.complete(Payment, signal.token, "x"), "accepted")
        const attached = yield* Signal.attach(Payment, { key: "a" })
        const told = yield* Stream.runCollect(attached.events)
        assert.deepStrictEqual(told, [Told.ended(Status.succeeded("x"))])
      }).pipe(Effect.provide(layer), Effect.provideContext(context))
    })
  )

  it.effect("layer - does not create the table with createTable: false", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(yield* client)
      const table = tableOf()
      const layer = Layer.provide(SignalStoreSql.layer({ table, createTable: false }), Layer.succeedContext(context))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient
        const store = yield* SignalStore.SignalStore
        const error = yield* Effect.flip(store.insert(rowOf(), "fail"))
        assert.deepStrictEqual([error._tag, error.operation], ["SignalStoreError", "insert"])
        for (const statement of SignalStoreSql.migration(table)) yield* sql.unsafe(statement)
        assert.strictEqual(yield* store.insert(rowOf(), "fail"), "inserted")
      }).pipe(Effect.provide(layer), Effect.provideContext(context))
    })
  )
}

describe("SignalStoreSql", () => {
  describe("SQLite", () => {
    database(
      Effect.sync(() => sqlite(":memory:")),
      () => "effect_poll_signals"
    )

    it.effect("settle - records one of 200 concurrent endings over several connections [R68]", () =>
      Effect.gen(function* () {
        const directory = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "signals-"))),
          (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
        )
        const stores = yield* Effect.forEach(Array.from({ length: 4 }), () =>
          Effect.map(
            Layer.build(Layer.fresh(SignalStoreSql.layer().pipe(Layer.provide(sqlite(join(directory, "signals.db")))))),
            (context) => SignalStore.SignalStore.use(Effect.succeed).pipe(Effect.provideContext(context))
          )
        )
        const all = yield* Effect.all(stores)
        const row = rowOf()
        yield* all[0]!.insert(row, "fail")
        const answers = yield* Effect.forEach(
          Array.from({ length: 200 }, (_, n) => n),
          (n) => all[n % 4]!.settle(row.hash, succeeded(n), 1_500),
          { concurrency: "unbounded" }
        )
        assert.strictEqual(answers.filter((answer) => answer === "settled").length, 1)
        assert.strictEqual((yield* all[3]!.get(row.hash))!.ending?._tag, "Succeeded")
      })
    )
  })

  // Set EFFECT_POLL_TEST_POSTGRES to the URL of a database to run these in PostgreSQL, in tables of their own.
  const url = process.env["EFFECT_POLL_TEST_POSTGRES"]
  describe.each(url === undefined ? [] : [Redacted.make(url)])("PostgreSQL", (url) => {
    let tables = 0
    database(
      Effect.sync(() => PgClient.layer({ url })),
      () => `signals_${process.pid}_${++tables}`
    )
  })

  describe("options", () => {
    it("layer - refuses options that are out of range", () => {
      for (const table of ["", "a b", 'a"', "a;b", "1a", "a.b.c", "é", "x".repeat(49)]) {
        assert.throws(() => SignalStoreSql.layer({ table }), RangeError, /table/)
        assert.throws(() => SignalStoreSql.migration(table), RangeError, /table/)
      }
      assert.throws(() => SignalStoreSql.layer({ retention: 0 }), RangeError, /retention/)
      assert.throws(() => SignalStoreSql.layer({ timeout: "Infinity" as never }), RangeError, /timeout/)
    })

    it("migration - names the indexes after the table", () => {
      const statements = SignalStoreSql.migration("app.signals")
      assert.isTrue(statements[0]!.startsWith("CREATE TABLE IF NOT EXISTS app.signals ("))
      assert.isTrue(statements.slice(1).every((each) => /INDEX IF NOT EXISTS signals_\w+ ON app\.signals /.test(each)))
    })
  })
})
