import { spawn } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Scope from "effect/Scope"
import { SqlClient } from "effect/sql/SqlClient"
import * as DurableSqlite from "@effect-poll/durable/DurableSqlite"
import { DurableStore } from "@effect-poll/durable/DurableStore"
import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
import { Ownership } from "@effect-poll/durable/Ownership"
import { endLaws } from "./storeLawsEnds.ts"
import { ownerLaws } from "./storeLawsOwners.ts"
import { rowLaws } from "./storeLawsRows.ts"
import { claimOf, end, idsOf, job, jobs, type Make, numbered, scan } from "./storeSubject.ts"

const make: Make = Effect.gen(function* () {
  const client = DurableSqlite.client({ filename: ":memory:" })
  const context = yield* Layer.build(Layer.fresh(Layer.provideMerge(DurableStoreSql.layer(), client)))
  const store = Context.get(context, DurableStore)
  return { store, other: store, sql: Context.get(context, SqlClient) }
})

/** The name of a file that does not exist. */
const newFile = Effect.acquireRelease(
  Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-poll-sqlite-"))),
  (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
).pipe(Effect.map((folder) => join(folder, "jobs.sqlite")))

const openIn = (filename: string, waitForLock: "100 millis" | "10 seconds" = "100 millis") =>
  Effect.map(Layer.build(Layer.fresh(DurableSqlite.layer({ filename, waitForLock }))), (context) =>
    Context.get(context, DurableStore)
  )

/** A process that has submitted a job to the file and keeps it open. */
const holding = (filename: string, name: string) =>
  Effect.acquireRelease(
    Effect.callback<ReturnType<typeof spawn>>((resume) => {
      const script = join(import.meta.dirname, "processes/holdFile.ts")
      const child = spawn(process.execPath, [script, filename, name], { stdio: ["ignore", "pipe", "pipe"] })
      let said = ""
      child.stderr.on("data", (chunk: Buffer) => (said += chunk.toString()))
      child.stdout.on("data", (chunk: Buffer) => {
        if (chunk.toString().includes("holding")) resume(Effect.succeed(child))
      })
      child.once("exit", (code) => resume(Effect.die(`the process ended with ${code}: ${said}`)))
    }).pipe(Effect.timeout("30 seconds")),
    (child) => kill(child)
  )

const kill = (child: ReturnType<typeof spawn>): Effect.Effect<void> =>
  Effect.callback((resume) => {
    if (child.exitCode !== null || child.signalCode !== null) return resume(Effect.void)
    child.once("exit", () => resume(Effect.void))
    child.kill("SIGKILL")
  })

describe("DurableSqlite", () => {
  describe("laws", () => {
    rowLaws(make)
    ownerLaws(make)
    endLaws(make)
  })

  it.live("layer - a file keeps everything, and provides an ownership of all buckets", () =>
    Effect.gen(function* () {
      const filename = yield* newFile
      const first = yield* Effect.scoped(
        Effect.gen(function* () {
          const store = yield* openIn(filename)
          yield* store.insert(jobs(["a", "b"], { hooks: ["h"] }))
          yield* store.finish("render", [end("a")])
          return yield* scan(store, [yield* claimOf(store, 0)], undefined)
        })
      )
      const context = yield* Layer.build(DurableSqlite.layer({ filename }))
      assert.strictEqual(Context.get(context, Ownership).buckets, 128)
      const store = Context.get(context, DurableStore)
      assert.deepStrictEqual(idsOf(yield* store.list({ state: "open" })), ["b"])
      assert.strictEqual((yield* store.hooked({ kinds: ["render"], limit: 10 })).length, 1)
      // A cursor and the epochs go on.
      yield* store.insert([job("c")])
      const claim = yield* claimOf(store, 0)
      assert.strictEqual(claim.epoch, 2)
      assert.deepStrictEqual(idsOf((yield* scan(store, [claim], first.cursor)).rows), ["c"])
    })
  )

  it.live("layer - a second one on the file fails, and opens once the first is closed", () =>
    Effect.gen(function* () {
      const filename = yield* newFile
      const scope = yield* Scope.make()
      yield* Scope.provide(openIn(filename), scope)
      const error = yield* Effect.flip(openIn(filename))
      assert.deepInclude(error, { _tag: "DurableSqliteLocked", filename })
      assert.include(error.message, filename)
      const waiting = yield* Effect.forkScoped(openIn(filename, "10 seconds"))
      yield* Effect.sleep(120)
      assert.isUndefined(waiting.pollUnsafe())
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(yield* (yield* Fiber.join(waiting)).list({}), [])
    })
  )

  it.live(
    "layer - fails while another process has the file; after kill -9 it opens, with all acknowledged changes",
    () =>
      Effect.gen(function* () {
        const filename = yield* newFile
        for (const name of ["one", "two"]) {
          const child = yield* holding(filename, name)
          assert.strictEqual((yield* Effect.flip(openIn(filename)))._tag, "DurableSqliteLocked")
          yield* kill(child)
        }
        const store = yield* openIn(filename)
        assert.deepStrictEqual(idsOf(yield* store.list({})), ["job of one", "job of two"])
      }),
    60_000
  )

  it.live("layer - a file that cannot be opened is a SqlError", () =>
    Effect.gen(function* () {
      const filename = join(yield* newFile, "no/such/folder.sqlite")
      assert.strictEqual((yield* Effect.flip(openIn(filename)))._tag, "SqlError")
    })
  )

  it.live("client - a submit is part of the transaction around it, and transactions wait for each other", () =>
    Effect.gen(function* () {
      const filename = yield* newFile
      const layer = Layer.provideMerge(DurableStoreSql.layer(), DurableSqlite.client({ filename }))
      yield* Effect.gen(function* () {
        const sql = yield* SqlClient
        const store = yield* DurableStore
        yield* sql`CREATE TABLE orders (id TEXT PRIMARY KEY, paid INTEGER)`
        const order = (id: string) =>
          Effect.andThen(sql`INSERT INTO orders VALUES (${id}, ${true})`, store.insert([job(id)]))
        yield* Effect.exit(sql.withTransaction(Effect.andThen(order("no"), Effect.fail("no"))))
        yield* sql.withTransaction(order("yes"))
        // A transaction within one, of which a part is undone.
        yield* sql.withTransaction(
          Effect.andThen(
            order("kept"),
            Effect.exit(sql.withTransaction(Effect.andThen(order("undone"), Effect.fail("no"))))
          )
        )
        const open = yield* Deferred.make<void>()
        const slow = yield* Effect.forkChild(sql.withTransaction(Effect.andThen(order("slow"), Deferred.await(open))), {
          startImmediately: true
        })
        const others = yield* Effect.forkChild(
          Effect.forEach(numbered(20), (id) => store.insert([job(id)]), { concurrency: 5 })
        )
        yield* Effect.sleep(20)
        assert.isUndefined(others.pollUnsafe())
        yield* Deferred.succeed(open, undefined)
        yield* Fiber.join(slow)
        yield* Fiber.join(others)
        assert.deepStrictEqual(idsOf(yield* store.list({})), [...numbered(20), "kept", "slow", "yes"])
        assert.deepStrictEqual(
          (yield* sql<{ id: string }>`SELECT id FROM orders WHERE paid = 1 ORDER BY id`).map(({ id }) => id),
          ["kept", "slow", "yes"]
        )
        const error = yield* Effect.flip(sql`INSERT INTO orders VALUES (${"yes"}, ${false})`)
        assert.strictEqual(error.reason._tag, "ConstraintError")
      }).pipe(Effect.provide(layer))
    })
  )

  it("options - bad ones throw a RangeError that names them", () => {
    assert.throws(() => DurableSqlite.layer({ filename: "" }), RangeError, "DurableSqlite.layer: filename")
    assert.throws(
      () => DurableSqlite.client({ filename: "f", waitForLock: -1 }),
      RangeError,
      "DurableSqlite.client: waitForLock"
    )
    assert.throws(
      () => DurableSqlite.layer({ filename: "f", prefix: "a-b" }),
      RangeError,
      "prefix must begin with a letter"
    )
    assert.throws(() => DurableStoreSql.layer({ timeout: 0 }), RangeError, "DurableStoreSql.layer: timeout")
    assert.throws(() => DurableStoreSql.migrations("drop table;"), RangeError, "DurableStoreSql.migrations: prefix")
    assert.throws(() => DurableStoreSql.statements("mysql" as "pg"), RangeError, 'dialect must be "pg" or "sqlite"')
  })

  it.live("any other dialect - is a defect", () =>
    Effect.gen(function* () {
      const context = yield* Layer.build(DurableSqlite.client({ filename: ":memory:" }))
      const client = Context.get(context, SqlClient)
      const mysql = Object.assign(Object.create(client), {
        withoutTransforms: () => mysql,
        onDialect: (options: { readonly mysql: () => unknown }) => options.mysql()
      })
      const exit = yield* Effect.exit(
        Layer.build(Layer.provide(DurableStoreSql.layer(), Layer.succeed(SqlClient, mysql)))
      )
      assert.isTrue(Exit.isFailure(exit) && Cause.hasDies(exit.cause))
    })
  )
})
