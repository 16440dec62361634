import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import { TestClock } from "effect/testing"
import { Deliveries } from "@effect-poll/http/Deliveries"
import * as DeliveriesSql from "@effect-poll/http/DeliveriesSql"
import { conformance, day, key } from "./deliveriesConformance.ts"
import { sqlite } from "./sqlite.ts"

/** What holds in every database. `client` makes a client, `tableOf` names a table that does not exist. */
const database = (client: () => Layer.Layer<SqlClient, SqlError>, tableOf: () => string): void => {
  conformance(() => DeliveriesSql.layer({ table: tableOf() }).pipe(Layer.provide(client())))

  it.effect("R72: a store in another process - knows what was done before", () =>
    Effect.gen(function* () {
      const table = tableOf()
      const context = yield* Layer.build(client())
      const receive = <A, E>(use: (service: Deliveries["Service"]) => Effect.Effect<A, E>) =>
        Effect.flatMap(Deliveries, use).pipe(
          Effect.provide(Layer.fresh(Layer.provide(DeliveriesSql.layer({ table }), Layer.succeedContext(context))))
        )
      assert.strictEqual(yield* receive(({ begin }) => begin(key("a"), day)), "new")
      assert.strictEqual(yield* receive(({ begin }) => begin(key("a"), day)), "inFlight")
      yield* receive(({ done }) => done(key("a")))
      assert.strictEqual(yield* receive(({ begin }) => begin(key("a"), day)), "repeat")
      assert.strictEqual(yield* receive(({ begin }) => begin(key("b"), day)), "copy")
    })
  )

  it.effect("rows whose time is over - are removed, a few at a time", () =>
    Effect.gen(function* () {
      const table = tableOf()
      const context = yield* Layer.build(client())
      yield* Effect.gen(function* () {
        const { begin } = yield* Deliveries
        const sql = yield* SqlClient
        const count = Effect.map(
          sql<{ n: number | string }>`SELECT COUNT(*) AS n FROM ${sql.literal(table)}`,
          ([row]) => Number(row!.n)
        )
        for (let n = 0; n < 100; n++) yield* begin(key(`old ${n}`, `d${n}`), 1_000)
        // One for each delivery, and one for its bytes.
        assert.strictEqual(yield* count, 200)
        yield* TestClock.adjust("1 second")
        for (let n = 0; n < 64; n++) yield* begin(key(`new ${n}`, `e${n}`), day)
        assert.strictEqual(yield* count, 128)
      }).pipe(
        Effect.provide(Layer.provide(DeliveriesSql.layer({ table }), Layer.succeedContext(context))),
        Effect.provideContext(context)
      )
    })
  )

  it.effect("a table that is missing - is an error of the store", () =>
    Effect.gen(function* () {
      const layer = DeliveriesSql.layer({ table: tableOf(), createTable: false }).pipe(Layer.provide(client()))
      const error = yield* Effect.flatMap(Deliveries, ({ begin }) => Effect.flip(begin(key("a"), day))).pipe(
        Effect.provide(layer)
      )
      assert.strictEqual(error._tag, "DeliveriesError")
    })
  )
}

describe("DeliveriesSql", () => {
  describe("SQLite", () => {
    database(
      () => sqlite(":memory:"),
      () => "effect_poll_deliveries"
    )

    it.effect("R72: begin - begins a delivery once over several connections", () =>
      Effect.gen(function* () {
        const directory = yield* Effect.acquireRelease(
          Effect.sync(() => mkdtempSync(join(tmpdir(), "deliveries-"))),
          (directory) => Effect.sync(() => rmSync(directory, { recursive: true }))
        )
        const stores = yield* Effect.forEach(Array.from({ length: 4 }), () =>
          Effect.flatMap(
            Layer.build(
              Layer.fresh(DeliveriesSql.layer().pipe(Layer.provide(sqlite(join(directory, "deliveries.db")))))
            ),
            (context) => Effect.provideContext(Deliveries, context)
          )
        )
        const answers = yield* Effect.forEach(
          Array.from({ length: 100 }, (_, n) => n),
          (n) => stores[n % 4]!.begin(key("a"), day),
          { concurrency: "unbounded" }
        )
        assert.deepStrictEqual(
          answers.filter((answer) => answer !== "inFlight"),
          ["new"]
        )
      })
    )
  })

  // Set EFFECT_POLL_TEST_POSTGRES to the URL of a database to run these in PostgreSQL, in tables of their own.
  const url = process.env["EFFECT_POLL_TEST_POSTGRES"]
  describe.each(url === undefined ? [] : [Redacted.make(url)])("PostgreSQL", (url) => {
    let tables = 0
    database(
      () => PgClient.layer({ url }),
      () => `deliveries_${process.pid}_${++tables}`
    )
  })

  it("options - those out of range throw a RangeError", () => {
    for (const table of ["", "a b", "a;b", "1a", "x".repeat(49)]) {
      assert.throws(() => DeliveriesSql.layer({ table }), RangeError, /table/)
      assert.throws(() => DeliveriesSql.migration(table), RangeError, /table/)
    }
    assert.throws(() => DeliveriesSql.layer({ lease: 0 }), RangeError, /lease/)
    assert.throws(() => DeliveriesSql.layer({ timeout: 0 }), RangeError, /timeout/)
  })
})
