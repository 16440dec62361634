import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import * as DurableSqlite from "@effect-poll/durable/DurableSqlite"
import * as RateLimiterStoreSql from "@effect-poll/durable/RateLimiterStoreSql"
import type * as theLease from "../src/internal/budget/lease.ts"
import type * as theTable from "../src/internal/budget/table.ts"

// No package exports them, and the compiler does not follow a path that it cannot read.
const leasePath: string = "../src/internal/budget/lease.ts"
const tablePath: string = "../src/internal/budget/table.ts"
const { BucketLease, LeaseSize, WindowLease } = (await import(leasePath)) as typeof theLease
const theBudgets = (await import(tablePath)) as typeof theTable

// The time in rows is the database's, so these tests run by the real clock, and say nothing about exact times.

const sqlite = DurableSqlite.client({ filename: ":memory:" })
const hour = Duration.hours(1)
const store = (options?: RateLimiterStoreSql.Options) =>
  Effect.map(Layer.build(Layer.fresh(RateLimiterStoreSql.layer(options))), (context) =>
    RateLimiter.RateLimiterStore.pipe(Effect.provide(context))
  ).pipe(Effect.flatten)
const limiter = (options?: RateLimiterStoreSql.Options) =>
  Effect.flatMap(store(options), (service) =>
    Effect.provideService(RateLimiter.make, RateLimiter.RateLimiterStore, service)
  )

const rows = Effect.flatMap(
  SqlClient,
  (sql) =>
    sql<{ id: string; tokens: number; taken: number }>`SELECT id, tokens, taken FROM effect_poll_budgets ORDER BY id`
)

/** Asks until a condition holds. */
const until = <A, E, R>(ask: Effect.Effect<A, E, R>, holds: (a: A) => boolean) =>
  Effect.repeat(Effect.delay(ask, 20), { until: holds }).pipe(Effect.timeout("20 seconds"))

const bucket = (tokens: number, more?: { readonly limit?: number; readonly allowOverflow?: boolean }) =>
  ({ key: "api", tokens, limit: 3, refillRate: hour, allowOverflow: false, ...more }) as const
const window = (tokens: number, limit: number | undefined = 3) =>
  ({ key: "api", tokens, limit, refillRate: hour }) as const

const countOf = Effect.map(([count]: readonly [number, number]) => count)

describe.each([
  ["one by one", {}],
  ["with leases", { lease: 4 }]
])("RateLimiterStoreSql, %s", (_, options) => {
  it.live("a token bucket gives the tokens that it has, and no more", () =>
    Effect.gen(function* () {
      const { tokenBucket } = yield* store(options)
      assert.deepStrictEqual(yield* tokenBucket(bucket(3)), [0, 0])
      for (let i = 0; i < 2; i++) {
        const [remaining, elapsed] = yield* tokenBucket(bucket(1))
        assert.isBelow(remaining, 0)
        assert.isAtLeast(elapsed, 0)
        assert.isBelow(elapsed, Duration.toMillis(hour))
      }
      assert.deepStrictEqual((yield* tokenBucket({ ...bucket(1), key: "other" }))[1], 0)
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it.live("a token is available at the time that the limiter says", () =>
    Effect.gen(function* () {
      const { consume } = yield* limiter(options)
      const asking = { algorithm: "token-bucket", key: "api", limit: 2, window: "200 millis" } as const
      const began = yield* Clock.currentTimeMillis
      for (let used = 0; used < 8;) {
        const delay = yield* consume(asking).pipe(
          Effect.as(Duration.zero),
          Effect.catch(({ reason }) =>
            reason._tag === "RateLimitExceeded" ? Effect.succeed(reason.retryAfter) : Effect.die(reason)
          )
        )
        if (Duration.isZero(delay)) used++
        else {
          assert.isAtMost(Duration.toMillis(delay), 301)
          yield* Effect.sleep(delay)
        }
      }
      assert.isAtLeast((yield* Clock.currentTimeMillis) - began, 590)
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it.live("a window gives as many as its limit until it ends, and then again", () =>
    Effect.gen(function* () {
      const { fixedWindow } = yield* store(options)
      const asking = { ...window(1), refillRate: Duration.millis(100) }
      const first = yield* fixedWindow(asking)
      assert.strictEqual(first[0], 1)
      assert.isAbove(first[1], 0)
      assert.isAtMost(first[1], 300)
      assert.strictEqual((yield* fixedWindow(asking))[0], 2)
      assert.strictEqual((yield* fixedWindow(asking))[0], 3)
      const [count, ttl] = yield* fixedWindow(asking)
      assert.strictEqual(count, 4)
      assert.isAtMost(ttl, 300)
      yield* Effect.sleep(ttl + 5)
      const [next, rest] = yield* fixedWindow(asking)
      assert.strictEqual(next, 1)
      // It began when the one before ended.
      assert.isBelow(rest, 300)
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it.live('requests with "delay" count one by one, whatever is available', () =>
    Effect.gen(function* () {
      const { fixedWindow, tokenBucket } = yield* store(options)
      const counts = Effect.forEach([1, 2, 1], (tokens) =>
        countOf(fixedWindow({ key: "api", tokens, limit: undefined, refillRate: hour }))
      )
      assert.deepStrictEqual(yield* counts, [1, 3, 4])
      const ttl = (yield* fixedWindow({ key: "b", tokens: 3, limit: undefined, refillRate: hour }))[1]
      assert.strictEqual(ttl, 3 * Duration.toMillis(hour))
      const owed = Effect.forEach([2, 2, 2], (tokens) => countOf(tokenBucket(bucket(tokens, { allowOverflow: true }))))
      assert.deepStrictEqual(yield* owed, [1, -1, -3])
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it.live("tokens may be fractions", () =>
    Effect.gen(function* () {
      const { fixedWindow, tokenBucket } = yield* store(options)
      const half = Effect.forEach([0.5, 2, 1], (tokens) => countOf(tokenBucket(bucket(tokens))))
      const [first, second, third] = yield* half
      assert.deepStrictEqual([first, second], [2.5, 0.5])
      assert.isBelow(third!, 0)
      assert.strictEqual(yield* countOf(fixedWindow(window(2.5))), 2.5)
      assert.strictEqual(yield* countOf(fixedWindow(window(1))), 3.5)
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it.live("stores that share a table share a budget", () =>
    Effect.gen(function* () {
      const stores = yield* Effect.forEach([1, 2, 3], () => store(options))
      let taken = 0
      yield* Effect.forEach(
        stores,
        ({ tokenBucket }) =>
          Effect.gen(function* () {
            for (let refused = 0; refused < 3;) {
              const [remaining] = yield* tokenBucket(bucket(1, { limit: 40 }))
              if (remaining >= 0) taken++
              else refused++
              yield* Effect.sleep(1)
            }
          }),
        { concurrency: "unbounded" }
      )
      assert.strictEqual(taken, 40)
      const counts = yield* Effect.forEach(
        stores,
        ({ fixedWindow }) => Effect.forEach(Array.from({ length: 40 }), () => countOf(fixedWindow(window(1, 40)))),
        { concurrency: "unbounded" }
      )
      const granted = counts.flat().filter((count) => count <= 40)
      // The lease of one that is not used is lost, or given back.
      assert.isAtMost(granted.length, 40)
      assert.isAtLeast(granted.length, 40)
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it.live("each key is its own budget, whatever its length and characters", () =>
    Effect.gen(function* () {
      const { tokenBucket } = yield* store(options)
      const keys = ["a", "a\u0000", "a\u0000b", "é", "x".repeat(5_000), `${"x".repeat(4_999)}y`, ""]
      for (const key of keys) assert.strictEqual(yield* countOf(tokenBucket({ ...bucket(3), key })), 0)
      assert.strictEqual((yield* rows).length, keys.length)
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )
})

describe("RateLimiterStoreSql", () => {
  it.live("a lease saves statements, and what is left of it is given back when the layer closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const { fixedWindow, tokenBucket } = yield* Scope.provide(store({ lease: 8 }), scope)
      let statements = 0
      let before = 100
      for (let used = 1; used <= 20; used++) {
        yield* tokenBucket(bucket(1, { limit: 100 }))
        const [row] = yield* rows
        if (row!.tokens !== before) statements++
        before = row!.tokens
        // At most a lease is taken in advance.
        assert.isAtMost(row!.tokens, 100 - used)
        assert.isAtLeast(row!.tokens, 100 - used - 7)
      }
      assert.isAtMost(statements, 6)
      yield* fixedWindow(window(1, 100))
      for (let i = 0; i < 4; i++) yield* fixedWindow(window(1, 100))
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(
        (yield* rows).map(({ id, tokens }) => [id, tokens]),
        [
          ["bucket:api", 80],
          ["window:api", 5]
        ]
      )
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it.live("tokens that are not requested are given back soon", () =>
    Effect.gen(function* () {
      const { fixedWindow, tokenBucket } = yield* store({ lease: 16 })
      for (let i = 0; i < 20; i++) {
        yield* tokenBucket(bucket(1, { limit: 100 }))
        yield* fixedWindow(window(1, 100))
      }
      const levels = Effect.map(rows, (all) => all.map(({ tokens }) => tokens))
      assert.notDeepEqual(yield* levels, [80, 20])
      yield* until(levels, ([level, count]) => level === 80 && count === 20)
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it.live("a token that is not available yet is reserved, and its time is known", () =>
    Effect.gen(function* () {
      const [one, two] = yield* Effect.all([store({ lease: 4 }), store({ lease: 4 })])
      const asking = { ...bucket(1, { limit: 2 }), refillRate: Duration.seconds(60) }
      yield* one.tokenBucket({ ...asking, tokens: 2 })
      const delayOf = Effect.map(
        ([remaining, elapsed]: readonly [number, number]) => Math.ceil(-remaining) * 60_000 - elapsed
      )
      const near = (expected: number, actual: number) => assert.closeTo(actual, expected, 5_000)
      near(60_000, yield* delayOf(one.tokenBucket(asking)))
      near(120_000, yield* delayOf(two.tokenBucket(asking)))
      // Asking again changes nothing.
      near(60_000, yield* delayOf(one.tokenBucket(asking)))
      near(120_000, yield* delayOf(two.tokenBucket(asking)))
      assert.deepStrictEqual(
        (yield* rows).map(({ tokens }) => tokens),
        [-2]
      )
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it.live("learns the limit of a server like the store in memory", () => {
    const learn = Effect.gen(function* () {
      const { adaptiveConsume, adaptiveFeedback } = yield* RateLimiter.RateLimiterStore
      const consume = adaptiveConsume({ key: "api", tokens: 1, fallbackLimit: 10, fallbackWindow: Duration.seconds(1) })
      const refuse = (epoch: number, retryAfter: number) =>
        adaptiveFeedback({ key: "api", epoch, tokens: 1, status: 429, retryAfter: Duration.millis(retryAfter) })
      const seen: Array<readonly [string, number, boolean]> = []
      const look = Effect.map(consume, ({ delay, epoch, phase }) => {
        seen.push([phase, epoch, Duration.isZero(delay)])
        return delay
      })
      yield* look
      yield* adaptiveFeedback({ key: "api", epoch: 0, tokens: 1, status: 200, retryAfter: undefined })
      yield* look
      yield* refuse(0, 50)
      yield* Effect.sleep(yield* look)
      yield* Effect.sleep(5)
      yield* look
      yield* look
      // Of an earlier epoch.
      yield* refuse(0, 50_000)
      yield* look
      yield* refuse(1, 60_000)
      yield* look
      yield* look
      yield* refuse(2, 60_000)
      yield* look
      return seen
    })
    return Effect.gen(function* () {
      const expected = yield* Effect.provide(learn, RateLimiter.layerStoreMemory)
      assert.deepStrictEqual(
        expected.map(([phase]) => phase),
        ["inactive", "inactive", "cooldown", "learning", "learning", "learning", "learned", "learned", "cooldown"]
      )
      assert.deepStrictEqual(yield* Effect.provideServiceEffect(learn, RateLimiter.RateLimiterStore, store()), expected)
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  })

  it.live("a database that fails is a typed error", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const { tokenBucket } = yield* store()
      yield* sql`DROP TABLE effect_poll_budgets`
      const error = yield* Effect.flip(tokenBucket(bucket(1)))
      assert.strictEqual(error.reason._tag, "RateLimitStoreError")
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it.live("no more tokens are given back than there is room for, and none to another window", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      for (const statement of theBudgets.migration("budgets")) yield* sql.unsafe(statement)
      const table = theBudgets.make(sql, "budgets")
      const tokens = Effect.map(sql<{ tokens: number }>`SELECT tokens FROM budgets ORDER BY id`, (all) =>
        all.map((row) => row.tokens)
      )
      const asking = { tokens: 2, most: 2, limit: 4, refillMillis: 3_600_000 }
      yield* table.bucket({ ...asking, id: "a", overflow: false })
      yield* table.refund("a", 1, 4)
      assert.deepStrictEqual(yield* tokens, [3])
      yield* table.refund("a", 3, 4)
      assert.deepStrictEqual(yield* tokens, [4])
      const { round } = yield* table.window({ ...asking, id: "b" })
      yield* table.refundWindow("b", 1, round + 1)
      assert.deepStrictEqual(yield* tokens, [4, 2])
      yield* table.refundWindow("b", 1, round)
      assert.deepStrictEqual(yield* tokens, [4, 1])
      yield* sql`UPDATE budgets SET since = 0`
      yield* table.refundWindow("b", 1, round)
      assert.deepStrictEqual(yield* tokens, [4, 1])
    }).pipe(Effect.provide(sqlite))
  )

  it.live("a state that another process has changed is not overwritten", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      for (const statement of theBudgets.migration("budgets")) yield* sql.unsafe(statement)
      const table = theBudgets.make(sql, "budgets")
      const before = yield* table.read("a")
      assert.isTrue(yield* table.write("a", before, "one", 0))
      assert.isFalse(yield* table.write("a", before, "two", 0))
      const after = yield* table.read("a")
      assert.strictEqual(after.state, "one")
      assert.isTrue(yield* table.write("a", after, "three", 0))
      yield* table.tidy
      assert.isUndefined((yield* table.read("a")).state)
    }).pipe(Effect.provide(sqlite))
  )

  it.live("the table can be created by a migration", () =>
    Effect.gen(function* () {
      const sql = yield* SqlClient
      const options = { table: "my_budgets", createTable: false }
      const { tokenBucket } = yield* store(options)
      assert.strictEqual((yield* Effect.flip(tokenBucket(bucket(1)))).reason._tag, "RateLimitStoreError")
      for (const statement of RateLimiterStoreSql.migration("my_budgets")) yield* sql.unsafe(statement)
      assert.strictEqual(yield* countOf(tokenBucket(bucket(1))), 2)
    }).pipe(Effect.scoped, Effect.provide(sqlite))
  )

  it("options that are out of range throw", () => {
    assert.throws(
      () => RateLimiterStoreSql.layer({ lease: 0 }),
      "RateLimiterStoreSql.layer: lease must be an integer >= 1"
    )
    assert.throws(() => RateLimiterStoreSql.layer({ table: "a;b" }), RangeError)
    assert.throws(() => RateLimiterStoreSql.layer({ timeout: 0 }), RangeError)
    assert.throws(() => RateLimiterStoreSql.migration("a b"), RangeError)
  })
})

describe("leases", () => {
  const asked = { sent: 100, answered: 104 }

  it("BucketLease - available tokens may be used at once, until the bucket would be full without them", () => {
    // Three of five tokens, with a bucket that gets one each 10 milliseconds.
    const lease = new BucketLease({ tokens: 2, taken: 3, elapsedMillis: 0 }, 5, 10, asked)
    assert.strictEqual(lease.available(104), 3)
    assert.strictEqual(lease.completeAt, 104)
    lease.used = 1
    assert.deepStrictEqual([lease.available(104), lease.left(104), lease.left(119), lease.left(120)], [2, 2, 2, 1])
    assert.deepStrictEqual([lease.left(129), lease.left(130), lease.endsAt], [1, 0, 130])
  })

  it("BucketLease - reserved tokens become available at the rate of the bucket, never early", () => {
    // Three more than there are, 4 milliseconds after the newest came.
    const lease = new BucketLease({ tokens: -3, taken: 3, elapsedMillis: 4 }, 5, 10, asked)
    assert.deepStrictEqual(
      [1, 2, 3].map((tokens) => lease.timeOf(tokens)),
      [110, 120, 130]
    )
    assert.deepStrictEqual(
      [104, 109, 110, 119, 120, 130].map((at) => lease.available(at)),
      [0, 0, 1, 1, 2, 3]
    )
    lease.used = 1
    assert.deepStrictEqual([lease.available(119), lease.available(120), lease.timeOf(1)], [0, 1, 120])
    assert.strictEqual(lease.completeAt, 130)
    // Of eight tokens that the bucket would have by then, it has room for five: five at 150, and none left at 180.
    assert.deepStrictEqual([lease.left(150), lease.left(166), lease.left(176)], [2, 1, 0])
  })

  it("WindowLease - ends at the earliest time at which its window may have ended", () => {
    const lease = new WindowLease({ tokens: 10, taken: 4, endsInMillis: 50, round: 1 }, asked)
    assert.deepStrictEqual([lease.left(104), lease.left(149), lease.left(150), lease.before], [4, 4, 0, 6])
  })

  it("LeaseSize - follows the number of tokens used in half a second", () => {
    const size = new LeaseSize(10)
    const at = (times: ReadonlyArray<number>) => times.map((time) => size.next(time))
    assert.deepStrictEqual(at([0, 10, 20, 30, 40, 50]), [1, 2, 4, 8, 10, 10])
    assert.deepStrictEqual(at([1_050, 2_050, 3_050, 4_050]), [5, 2, 1, 1])
  })
})
