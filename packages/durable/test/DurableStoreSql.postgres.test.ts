import * as PgClient from "@effect/sql-pg/PgClient"
import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Schedule from "effect/Schedule"
import type { Scope } from "effect/Scope"
import * as Stream from "effect/Stream"
import { type Change, DurableStore, type Service } from "@effect-poll/durable/DurableStore"
import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
import * as postgres from "./postgres.ts"
import { openerOf } from "./postgresStore.ts"
import { claimOf, end, get, idsOf, job, jobs, minute, numbered, scan } from "./storeSubject.ts"

const database = "store_postgres"
const { created, open, prefix: nextPrefix } = openerOf(database)

/** Two stores of the same tables, each with a client of its own. */
const two = Effect.gen(function* () {
  const prefix = nextPrefix()
  const { sql, store } = yield* open({ prefix })
  const { sql: otherSql, store: other } = yield* open({ prefix, migrate: false })
  return { prefix, store, sql, other, otherSql }
})

const on = <A, E>(run: (stores: Effect.Success<typeof two>) => Effect.Effect<A, E, Scope>) => Effect.flatMap(two, run)

/** A transaction that has run an effect, and is committed later. */
const held = Effect.fnUntraced(function* <A, E>(
  sql: Effect.Success<typeof two>["sql"],
  effect: Effect.Effect<A, E>,
  then: Effect.Effect<void, string> = Effect.void
) {
  const done = yield* Deferred.make<void>()
  const end = yield* Deferred.make<void>()
  const transaction = sql.withTransaction(
    effect.pipe(
      Effect.tap(() => Deferred.succeed(done, undefined)),
      Effect.tap(() => Deferred.await(end)),
      Effect.tap(() => then)
    )
  )
  const fiber = yield* Effect.forkScoped(transaction, { startImmediately: true })
  yield* Deferred.await(done).pipe(Effect.timeout("30 seconds"))
  return { commit: Effect.andThen(Deferred.succeed(end, undefined), Fiber.join(fiber)) }
})

/** Repeats an effect until it holds. */
const until = (effect: Effect.Effect<boolean, unknown>) =>
  effect.pipe(Effect.repeat({ until: (holds) => holds, schedule: Schedule.spaced(20) }), Effect.timeout("30 seconds"))

const changesOf = Effect.fnUntraced(function* (store: Service) {
  const told = yield* Queue.unbounded<Change>()
  yield* Effect.forkScoped(Stream.runForEach(store.changes, (change) => Queue.offer(told, change)))
  return told
})

describe.skipIf(postgres.isMissing)("DurableStoreSql on PostgreSQL, transactions", () => {
  it.live("ended - a reader misses none when a transaction that ends a job is committed late", () =>
    on(({ other, otherSql, sql, store }) =>
      Effect.gen(function* () {
        yield* store.insert([...jobs(["a", "b", "c"]), job("x", { kind: "other" })])
        const slow = yield* held(sql, store.finish("render", [end("a")]))
        // Another kind does not wait; the same one does.
        assert.deepStrictEqual(yield* other.finish("other", [end("x")]), ["ended"])
        const later = yield* Effect.forkScoped(other.finish("render", [end("b"), end("c")]), { startImmediately: true })
        yield* until(
          Effect.map(
            otherSql<{ n: bigint }>`SELECT count(*) AS n FROM pg_locks WHERE locktype = 'advisory' AND NOT granted`,
            ([row]) => Number(row!.n) > 0
          )
        )
        assert.deepStrictEqual(yield* other.ended("render", 0, 10), [])
        assert.strictEqual(yield* other.position("render"), 0)
        yield* slow.commit
        assert.deepStrictEqual(yield* Fiber.join(later), ["ended", "ended"])
        const rows = yield* other.ended("render", 0, 10)
        assert.strictEqual(rows[0]!.id, "a")
        assert.deepStrictEqual(idsOf(rows), ["a", "b", "c"])
      })
    )
  )

  it.live("finish - waits for a transaction that ends the same job: late if it commits, ended if it rolls back", () =>
    on(({ other, sql, store }) =>
      Effect.gen(function* () {
        yield* store.insert(jobs(["a", "b"]))
        for (const [id, then] of [
          ["a", Effect.void],
          ["b", Effect.fail("no")]
        ] as const) {
          const slow = yield* held(sql, store.finish("render", [end(id, { ending: "slow" })]), then)
          const fast = yield* Effect.forkScoped(other.finish("render", [end(id, { ending: "fast" })]), {
            startImmediately: true
          })
          yield* Effect.sleep(50)
          assert.isUndefined(fast.pollUnsafe())
          yield* Effect.ignore(slow.commit)
          assert.deepStrictEqual(yield* Fiber.join(fast), [id === "a" ? "late" : "ended"])
        }
        assert.strictEqual((yield* get(store, "a")).ended?.ending, "slow")
        assert.strictEqual((yield* get(store, "b")).ended?.ending, "fast")
      })
    )
  )

  it.live("claim - waits for a finish with the claim before, whose endings are stored", () =>
    on(({ other, sql, store }) =>
      Effect.gen(function* () {
        yield* store.insert(jobs(["a", "b"]))
        const claim = yield* claimOf(store, 0, "one")
        const flush = yield* held(sql, store.finish("render", [end("a", { claim })]))
        const claiming = yield* Effect.forkScoped(claimOf(other, 0, "two"), { startImmediately: true })
        yield* Effect.sleep(50)
        assert.isUndefined(claiming.pollUnsafe())
        yield* flush.commit
        const next = yield* Fiber.join(claiming)
        assert.strictEqual((yield* get(other, "a")).state, "ended")
        assert.deepStrictEqual(yield* store.finish("render", [end("b", { claim })]), ["fenced"])
        assert.deepStrictEqual(yield* other.finish("render", [end("b", { claim: next })]), ["ended"])
      })
    )
  )

  it.live("finish - waits for a claim that is not committed yet, and is then fenced", () =>
    on(({ other, otherSql, store }) =>
      Effect.gen(function* () {
        yield* store.insert([job("a")])
        const claim = yield* claimOf(store, 0, "one")
        const claiming = yield* held(otherSql, claimOf(other, 0, "two"))
        const flush = yield* Effect.forkScoped(store.finish("render", [end("a", { claim })]), {
          startImmediately: true
        })
        const save = yield* Effect.forkScoped(store.save([{ id: "a", round: 1, claim, token: "late", dueAt: 1 }]), {
          startImmediately: true
        })
        yield* Effect.sleep(50)
        assert.isUndefined(flush.pollUnsafe())
        yield* claiming.commit
        assert.deepStrictEqual(yield* Fiber.join(flush), ["fenced"])
        assert.deepStrictEqual(yield* Fiber.join(save), [])
      })
    )
  )

  it.live("scan - misses no row that is committed late, and yields no other row twice", () =>
    on(({ other, otherSql, store }) =>
      Effect.gen(function* () {
        const claim = yield* claimOf(store, 0)
        let { cursor } = yield* scan(store, [claim], undefined)
        const next = Effect.gen(function* () {
          const scanned = yield* scan(store, [claim], cursor)
          cursor = scanned.cursor
          return idsOf(scanned.rows)
        })
        const slow = yield* held(otherSql, other.insert([job("slow")]))
        const slower = yield* held(otherSql, other.insert([job("slower")]))
        for (const id of ["a", "b", "c"]) {
          yield* store.insert([job(id)])
          assert.deepStrictEqual(yield* next, [id])
        }
        yield* slower.commit
        assert.deepStrictEqual(yield* next, ["slower"])
        assert.deepStrictEqual(yield* next, [])
        yield* slow.commit
        yield* store.insert([job("d")])
        assert.deepStrictEqual(yield* next, ["d", "slow"])
        assert.deepStrictEqual(yield* next, [])
      })
    )
  )

  it.live("finish - a deadlock with a transaction is not an error", () =>
    on(({ other, prefix, sql, store }) =>
      Effect.gen(function* () {
        yield* store.insert(jobs(["a", "b"]))
        const lock = (id: string) => sql.unsafe(`SELECT id FROM ${prefix}jobs WHERE id = '${id}' FOR UPDATE`)
        // Of transactions that block each other, the database undoes the one that notices first: not this one.
        const patient = Effect.andThen(sql`SET LOCAL deadlock_timeout = '20s'`, lock("b"))
        const slow = yield* held(sql, patient, Effect.orDie(lock("a")))
        const finishing = yield* Effect.forkScoped(other.finish("render", [end("a"), end("b")]), {
          startImmediately: true
        })
        yield* until(
          Effect.map(
            sql<{ n: bigint }>`SELECT count(*) AS n FROM pg_stat_activity
              WHERE datname = current_database() AND wait_event_type = 'Lock'`,
            ([row]) => Number(row!.n) > 0
          )
        )
        yield* slow.commit
        assert.deepStrictEqual(yield* Fiber.join(finishing), ["ended", "ended"])
      })
    )
  )

  it.live("insert - is part of the transaction, and announced after its commit", () =>
    on(({ other, sql, store }) =>
      Effect.gen(function* () {
        yield* sql`CREATE TABLE IF NOT EXISTS orders (id text PRIMARY KEY)`
        const told = yield* changesOf(store)
        const elsewhere = yield* changesOf(other)
        // What the listeners tell as they begin.
        yield* until(Effect.map(Queue.size(told), (size) => size === 2))
        yield* until(Effect.map(Queue.size(elsewhere), (size) => size === 2))
        yield* Queue.clear(told)
        yield* Queue.clear(elsewhere)

        const order = (id: string) => Effect.andThen(sql`INSERT INTO orders VALUES (${id})`, store.insert([job(id)]))
        const failed = yield* held(sql, order("no"), Effect.fail("no"))
        yield* Effect.ignore(failed.commit)
        assert.deepStrictEqual(yield* store.find("render", ["no"]), [])

        const slow = yield* held(sql, order("yes"))
        assert.deepStrictEqual(yield* other.find("render", ["yes"]), [])
        assert.strictEqual(yield* Queue.size(told), 0)
        yield* slow.commit
        assert.strictEqual(yield* Queue.size(told), 1)
        assert.deepStrictEqual(yield* Queue.take(told), "submitted")
        assert.deepStrictEqual(yield* Queue.take(elsewhere).pipe(Effect.timeout("30 seconds")), "submitted")
        assert.deepStrictEqual(idsOf(yield* other.find("render", ["yes", "no"])), ["yes"])
        assert.strictEqual((yield* sql`SELECT id FROM orders`).length, 1)
      })
    )
  )

  it.live("insert - 1,500 rows of which the last part fails: none is stored", () =>
    on(({ store }) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          store.insert([...jobs(numbered(1_500)), job("zz", { bucket: Number.MAX_SAFE_INTEGER })])
        )
        assert.deepInclude(error, { _tag: "DurableStoreError", operation: "insert" })
        assert.deepStrictEqual(yield* store.list({}), [])
      })
    )
  )

  it.live("changes - other processes are notified once for each batch, even after the listener was lost", () =>
    on(({ other, sql, store }) =>
      Effect.gen(function* () {
        const told = yield* changesOf(other)
        const next = Queue.take(told).pipe(Effect.timeout("30 seconds"))
        assert.deepStrictEqual([yield* next, yield* next], ["submitted", "ended"])
        yield* store.insert(jobs(numbered(50)))
        assert.strictEqual(yield* next, "submitted")
        const claim = yield* claimOf(store, 0)
        yield* store.finish(
          "render",
          numbered(40).map((id) => end(id, { claim }))
        )
        assert.strictEqual(yield* next, "ended")
        assert.strictEqual(yield* Queue.size(told), 0)

        yield* sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'LISTEN %' OR query LIKE 'listen %'`
        // It says that something may have happened meanwhile.
        assert.deepStrictEqual([yield* next, yield* next], ["submitted", "ended"])
        yield* store.finish("render", [end("job-00045", { claim })])
        assert.strictEqual(yield* next, "ended")
      })
    )
  )

  it.live("changes - have the ids of jobs that another process settled, unless there are too many", () =>
    on(({ other, store }) =>
      Effect.gen(function* () {
        const told = yield* changesOf(other)
        const next = Queue.take(told).pipe(Effect.timeout("30 seconds"))
        assert.deepStrictEqual([yield* next, yield* next], ["submitted", "ended"])
        const odd = ["a:b", '"quoted"', "nul\0", "ü".repeat(10)]
        yield* store.insert(jobs([...odd, ...numbered(900)]))
        assert.strictEqual(yield* next, "submitted")
        const claim = yield* claimOf(store, 0)
        const settled = (change: Change) =>
          typeof change === "string" ? change : change.settled.map(({ id }) => id).toSorted()
        // Those that a runner has ended are not among them.
        yield* store.finish("render", [...odd.map((id) => end(id)), end("job-00000", { claim })])
        assert.deepStrictEqual(settled(yield* next), odd.toSorted())
        const [, ...few] = numbered(200)
        yield* store.finish(
          "render",
          few.map((id) => end(id))
        )
        assert.deepStrictEqual(settled(yield* next), few)
        // 20 bytes for each, and the limit is 7,500.
        yield* store.finish(
          "render",
          numbered(900).map((id) => end(id))
        )
        assert.strictEqual(settled(yield* next), "ended")
        assert.strictEqual(yield* Queue.size(told), 0)
      })
    )
  )
})

describe.skipIf(postgres.isMissing)("DurableStoreSql on PostgreSQL, tables", () => {
  it.live("layer - five processes that start at once create the tables once", () =>
    Effect.gen(function* () {
      const prefix = nextPrefix()
      const stores = yield* Effect.forEach([1, 2, 3, 4, 5], () => open({ prefix }), { concurrency: "unbounded" })
      for (const [index, { store }] of stores.entries()) yield* store.insert([job(`${index}`)])
      assert.strictEqual((yield* stores[0]!.store.list({})).length, 5)
      const again = yield* open({ prefix })
      assert.strictEqual((yield* again.store.list({})).length, 5)
    })
  )

  it.live("layer - works in a schema whose tables were created by the statements", () =>
    Effect.gen(function* () {
      const { sql } = yield* open({ prefix: nextPrefix() })
      yield* sql`CREATE SCHEMA shop`
      for (const statement of DurableStoreSql.statements("pg", "shop.jobs_")) yield* sql.unsafe(statement)
      const { store } = yield* open({ prefix: "shop.jobs_", migrate: false })
      yield* store.insert([job("a")])
      assert.deepStrictEqual(yield* store.finish("render", [end("a")]), ["ended"])
      const { store: migrated } = yield* open({ prefix: "shop.other_" })
      assert.deepStrictEqual(yield* migrated.list({}), [])
    })
  )

  it.live("a table that is missing - is an error of the store", () =>
    Effect.gen(function* () {
      const { store } = yield* open({ prefix: nextPrefix(), migrate: false })
      const error = yield* Effect.flip(store.insert([job("a")]))
      assert.deepInclude(error, { _tag: "DurableStoreError", operation: "insert" })
      assert.match(error.message, /\(insert\)/)
    })
  )

  it.live("timeout - an operation that takes longer fails", () =>
    Effect.gen(function* () {
      const prefix = nextPrefix()
      const { sql, store } = yield* open({ prefix })
      yield* store.insert([job("a")])
      const { store: hasty } = yield* open({ prefix, migrate: false, timeout: "100 millis" })
      const slow = yield* held(sql, store.finish("render", [end("a")]))
      const error = yield* Effect.flip(hasty.finish("render", [end("a")]))
      assert.deepInclude(error, { _tag: "DurableStoreError", operation: "finish" })
      yield* slow.commit
      assert.deepStrictEqual(yield* hasty.finish("render", [end("a")]), ["late"])
    })
  )

  it.live("a job - costs two row writes, however often it is checked", () =>
    Effect.gen(function* () {
      const prefix = nextPrefix()
      const count = 2_000
      yield* Effect.scoped(
        Effect.gen(function* () {
          const { store } = yield* open({ prefix })
          const claims = yield* store.claim("runner", [0, 1, 2, 3])
          yield* store.insert(numbered(count).map((id, index) => job(id, { bucket: index % 4, tags: ["x"] })))
          let { cursor } = yield* scan(store, claims, undefined)
          for (let n = 0; n < 20; n++) ({ cursor } = yield* scan(store, claims, cursor))
          for (let from = 0; from < count; from += 500) {
            yield* store.finish(
              "render",
              numbered(count)
                .slice(from, from + 500)
                .map((id, index) => end(id, { claim: claims[index % 4]! }))
            )
          }
        })
      )
      // The connections are closed: what they did is counted by now, or soon.
      const { sql } = yield* open({ prefix, migrate: false })
      const writes = Effect.map(
        sql<{ readonly n: unknown }>`SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) AS n FROM pg_stat_user_tables
          WHERE relname LIKE ${`${prefix}%`} AND relname NOT LIKE '%buckets' AND relname NOT LIKE '%migrations'`,
        ([row]) => Number(row!.n)
      )
      yield* until(Effect.map(writes, (n) => n >= count * 2))
      assert.strictEqual(yield* writes, count * 2)
    })
  )

  it.live("scan, load, finish, ended, find - do not read the whole table", () =>
    Effect.gen(function* () {
      const prefix = nextPrefix()
      const { sql, store } = yield* open({ prefix })
      const reads = Effect.map(
        Effect.andThen(
          sql`SELECT pg_stat_clear_snapshot()`,
          sql<{ readonly n: unknown }>`SELECT seq_scan AS n FROM pg_stat_user_tables WHERE relname = ${`${prefix}jobs`}`
        ),
        ([row]) => Number(row!.n)
      )
      // What a session did is counted when it is closed.
      const work = Effect.scoped(
        Effect.gen(function* () {
          const { store } = yield* open({ prefix, migrate: false })
          const claim = yield* claimOf(store, 0)
          let { cursor } = yield* scan(store, [claim], undefined)
          for (let n = 0; n < 20; n++) {
            yield* store.insert([job(`new ${n} ${claim.epoch}`)])
            const scanned = yield* scan(store, [claim], cursor)
            assert.strictEqual(scanned.rows.length, 1)
            cursor = scanned.cursor
            const { dueBefore } = cursor
            yield* store.load({ buckets: [0, 1], kinds: ["render"], dueBefore, after: undefined, limit: 10 })
            yield* store.finish("render", [end(`new ${n} ${claim.epoch}`, { claim })])
            yield* store.find("render", ["job-00001", "job-00002"])
            yield* store.ended("render", yield* store.position("render"), 10)
            yield* store.nudge("render", "job-00001")
            yield* store.hook("render", "job-00001", "h")
          }
        })
      )
      yield* store.insert(jobs(numbered(20_000), { delayMillis: 60 * minute, bucket: 1 }))
      yield* sql.unsafe(`ANALYZE ${prefix}jobs`)
      yield* work
      yield* Effect.sleep(1_500)
      const before = yield* reads
      yield* work
      yield* Effect.sleep(1_500)
      assert.strictEqual(yield* reads, before)
    })
  )

  it.live("listen - does not take the only connection of a client", () =>
    Effect.gen(function* () {
      yield* created
      const client = PgClient.layer({ url: postgres.url(database), maxConnections: 1 })
      const layer = Layer.provide(DurableStoreSql.layer({ prefix: nextPrefix() }), client)
      yield* Effect.gen(function* () {
        const store = yield* DurableStore
        const told = yield* changesOf(store)
        yield* Effect.sleep(50)
        yield* store.insert([job("a", { delayMillis: minute })])
        assert.strictEqual(yield* Queue.take(told).pipe(Effect.timeout("30 seconds")), "submitted")
      }).pipe(Effect.provide(layer))
    })
  )
})
