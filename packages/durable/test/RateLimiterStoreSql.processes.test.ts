import { assert, describe, it } from "@effect/vitest"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redacted from "effect/Redacted"
import { SqlClient } from "effect/sql/SqlClient"
import * as RateLimiterStoreSql from "@effect-poll/durable/RateLimiterStoreSql"
import { type BudgetRow, budget, errorOf } from "./processes/budget.ts"
import { startDatabase, until } from "./processes/database.ts"

const store = (options?: RateLimiterStoreSql.Options) =>
  Effect.flatMap(Layer.build(Layer.fresh(RateLimiterStoreSql.layer(options))), (context) =>
    Effect.provide(RateLimiter.RateLimiterStore, context)
  )

describe("RateLimiterStoreSql on PostgreSQL", () => {
  it.live(
    "concurrent requests never get more tokens than there are",
    (context) =>
      Effect.gen(function* () {
        const database = yield* startDatabase
        const url = Redacted.make(yield* database.create("budgets"))
        yield* Effect.gen(function* () {
          const stores = [yield* store(), yield* store({ lease: 7 })]
          const hour = Duration.hours(1)
          const asking = Array.from({ length: 300 }, (_, at) => stores[at % 2]!)
          const tokens = yield* Effect.forEach(
            asking,
            ({ tokenBucket }) =>
              tokenBucket({ key: "a", tokens: 1, limit: 100, refillRate: hour, allowOverflow: false }),
            { concurrency: "unbounded" }
          )
          assert.strictEqual(tokens.filter(([remaining]) => remaining >= 0).length, 100)
          const counts = yield* Effect.forEach(
            asking,
            ({ fixedWindow }) => fixedWindow({ key: "a", tokens: 1, limit: 100, refillRate: hour }),
            { concurrency: "unbounded" }
          )
          assert.strictEqual(counts.filter(([count]) => count <= 100).length, 100)
          // Two leases were begun and not used up.
          const sql = yield* SqlClient
          yield* stores[1]!.fixedWindow({ key: "b", tokens: 1, limit: 100, refillRate: hour })
          yield* stores[1]!.fixedWindow({ key: "b", tokens: 1, limit: 100, refillRate: hour })
          yield* until(
            "what is left of a lease is given back",
            sql<{ tokens: number }>`SELECT tokens FROM effect_poll_budgets WHERE id = 'window:b'`,
            ([row]) => row!.tokens === 2
          )
          const learned = yield* Effect.forEach(
            asking,
            ({ adaptiveFeedback }) =>
              adaptiveFeedback({ key: "a", epoch: 0, tokens: 1, status: 429, retryAfter: hour }),
            { concurrency: 20 }
          )
          assert.strictEqual(learned.length, 300)
          const consumed = yield* stores[0]!.adaptiveConsume({
            key: "a",
            tokens: 1,
            fallbackLimit: 1,
            fallbackWindow: hour
          })
          assert.strictEqual(consumed.phase, "cooldown")
        }).pipe(Effect.scoped, Effect.provide(PgClient.layer({ url, maxConnections: 8 })))
      }).pipe(
        Effect.scoped,
        Effect.catchTag("DatabaseMissing", ({ reason }) => Effect.sync(() => context.skip(reason)))
      ),
    60_000
  )
})

describe("a budget that three processes share", () => {
  it.live(
    "is used in full, and never exceeded",
    (context) =>
      Effect.gen(function* () {
        const names = ["redis", "sql", "sql, leases"]
        const { missing, rows } = yield* budget({ runMillis: 8_000, only: names })
        for (const row of rows) {
          assert.isAtMost(row.overPercent, 1, row.name)
          // The scoreboard has the bound of one percent, on a machine that does nothing else.
          assert.isAtMost(row.underPercent, 3, row.name)
          assert.isTrue(
            row.shares.every((share) => share > 0),
            row.name
          )
        }
        const statements = (name: string) => rows.find((row: BudgetRow) => row.name === name)?.statementsPerCheck
        if (missing.length > 0) context.skip(missing.join())
        assert.isBelow(statements("sql, leases")!, statements("sql")! / 3)
      }),
    110_000
  )

  it("errorOf - finds too many checks at once, and too few in all", () => {
    const bucket = { limit: 100, window: 1_000, burst: 5 }
    const paced = Array.from({ length: 105 }, (_, at) => Math.max(0, at - 4) * 10)
    assert.deepStrictEqual(errorOf(paced, bucket, 1_000), { overPercent: 0, underPercent: 0, allowed: 105 })
    assert.strictEqual(errorOf(paced.slice(0, -21), bucket, 1_000).underPercent, 20)
    assert.isAbove(errorOf([0, 0, 0, ...paced], bucket, 1_000).overPercent, 2.9)
    const windows = { limit: 3, window: 1_000 }
    const three = (at: number) => [at, at + 1, at + 2]
    assert.deepStrictEqual(errorOf([0, 1_000, 2_000].flatMap(three), windows, 3_000), {
      overPercent: 0,
      underPercent: 0,
      allowed: 9
    })
    assert.strictEqual(errorOf([0, 1_010, 2_020].flatMap(three), windows, 3_000).underPercent, 1)
    assert.isAbove(errorOf([0, 900, 1_900].flatMap(three), windows, 3_000).overPercent, 4.9)
    assert.isAbove(errorOf([...three(0), 3, ...three(1_000)], windows, 3_000).overPercent, 30)
  })
})
