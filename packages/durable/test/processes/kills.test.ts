import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { isMissing, port } from "../postgres.ts"
import { databaseAt, startDatabase, until } from "./database.ts"
import { says, type Worker } from "./fleet.ts"
import { startProxy } from "./proxy.ts"
import { flawless, makeWorld, type World } from "./world.ts"

// Workers load the same modules again and again.
process.env["NODE_COMPILE_CACHE"] ??= join(tmpdir(), "effect-poll-workers")

/** Processes are real here, and so is time: tests wait for conditions, with generous bounds. */
const withWorld = (title: string, name: string, test: (world: World) => Effect.Effect<void, never, Scope.Scope>) =>
  it.live.skipIf(isMissing)(
    title,
    () => Effect.scoped(Effect.flatMap(makeWorld(databaseAt(port), name), test)),
    300_000
  )

/** A job that does not end before `finish`. */
const minutes = 600_000

/** Waits until each of these workers checks, and each job was checked. */
const checking = ({ jobs }: World, ...workers: ReadonlyArray<Worker>) =>
  until(
    `${workers.map((worker) => worker.name).join()} check`,
    Effect.sync(() => ({
      unchecked: [...jobs.all.values()].filter((job) => job.checks === 0).length,
      silent: workers.filter((worker) => !jobs.lastCheck.has(worker.name)).map((worker) => worker.lines.slice(-20))
    })),
    ({ silent, unchecked }) => silent.length + unchecked === 0
  )

/** The jobs that a worker checked last, without those about to end. */
const checkedBy = ({ jobs }: World, worker: Worker) =>
  [...jobs.all.values()].filter(
    (job) => job.workers.at(-1)?.worker === worker.name && job.endsAt > Date.now() + minutes / 2
  )

/** Sends a signal to a worker, and waits until others check its jobs. */
const moved = (world: World, worker: Worker, signal: "SIGKILL" | "SIGTERM" | "SIGSTOP") =>
  Effect.gen(function* () {
    const its = checkedBy(world, worker)
    assert.isAbove(its.length, 0)
    yield* worker.signal(signal)
    yield* until(
      `the jobs of ${worker.name} have moved`,
      Effect.sync(() => its.filter((job) => job.workers.at(-1)?.worker === worker.name).map((job) => job.key)),
      (left) => left.length === 0
    )
  })

describe.concurrent("durable waits in processes", () => {
  withWorld("outlive kill -9 and SIGTERM, while runners join and leave", "kills", (world) =>
    Effect.gen(function* () {
      const { jobs, judge, query, submit, worker } = world
      // Nothing moves because a lock has expired.
      const options = { lockExpirationMillis: 300_000 }
      const a = yield* worker("a", options)
      const b = yield* worker("b", options)
      yield* submit("long", 40, minutes, minutes)
      yield* submit("short", 80, 1_000, 12_000)
      yield* checking(world, a, b)
      const c = yield* worker("c", options)
      yield* checking(world, c)
      yield* moved(world, a, "SIGKILL")
      yield* moved(world, b, "SIGTERM")
      // It has said goodbye, and where its waits are.
      assert.isNumber(yield* b.exited)
      const saved = yield* query("SELECT count(*) FROM effect_poll_jobs WHERE token IS NOT NULL AND outcome IS NULL")
      assert.isAbove(Number(saved[0]?.[0]), 0)
      yield* worker("d", options)
      jobs.finish()
      assert.deepStrictEqual(yield* judge(), flawless(120))
    })
  )

  withWorld("end once, although their runner stood still for longer than its locks", "stops", (world) =>
    Effect.gen(function* () {
      const { jobs, judge, query, submit, worker } = world
      const options = { lockExpirationMillis: 4_000 }
      const a = yield* worker("a", options)
      const b = yield* worker("b", options)
      yield* submit("stopped", 60, minutes, minutes)
      yield* submit("short", 40, 1_000, 12_000)
      yield* checking(world, a, b)
      const its = checkedBy(world, a)
      jobs.finish()
      // It has found ends that it has not stored yet.
      yield* until(
        "ends are known",
        Effect.sync(() => its.filter((job) => job.ends > 0).length),
        (told) => told > 0,
        "30 seconds",
        "5 millis"
      )
      yield* a.signal("SIGSTOP")
      yield* until(
        "all have ended",
        query("SELECT count(*) FROM effect_poll_jobs WHERE outcome IS NULL"),
        (rows) => rows[0]?.[0] === "0"
      )
      yield* a.signal("SIGCONT")
      yield* Effect.sleep("1500 millis")
      // Jobs that it got again are checked by it.
      yield* submit("again", 20, 2_000, 4_000)
      assert.deepStrictEqual(yield* judge(), flawless(120))
    })
  )

  it.live.skipIf(isMissing)(
    "outlive a crash of the database while buckets are claimed",
    () =>
      Effect.gen(function* () {
        const server = yield* startDatabase
        const world = yield* makeWorld(server, "restarts")
        const { jobs, judge, query, submit, worker } = world
        const a = yield* worker("a")
        yield* submit("long", 30, minutes, minutes)
        yield* submit("short", 50, 1_000, 8_000)
        yield* checking(world, a)
        // Claims wait for this lock, and nothing else does.
        const lock = "BEGIN; LOCK TABLE effect_poll_buckets IN SHARE ROW EXCLUSIVE MODE; SELECT pg_sleep(300)"
        yield* Effect.forkScoped(Effect.ignoreCause(query(lock)))
        yield* until(
          "the lock is held",
          query("SELECT 1 FROM pg_locks WHERE mode = 'ShareRowExclusiveLock' AND granted"),
          (rows) => rows.length > 0
        )
        const b = yield* worker("b")
        yield* until(
          "b is claiming",
          query(
            "SELECT 1 FROM pg_stat_activity WHERE application_name = 'b' AND wait_event_type = 'Lock' AND query LIKE '%INSERT INTO%effect_poll_buckets%'"
          ),
          (rows) => rows.length > 0
        )
        yield* server.crash
        yield* Effect.sleep("1500 millis")
        yield* server.start
        yield* checking(world, b)
        jobs.finish()
        assert.deepStrictEqual(yield* judge(), flawless(80))
      }).pipe(Effect.scoped),
    300_000
  )

  withWorld("outlive a slow and a broken connection to the database", "proxies", (world) =>
    Effect.gen(function* () {
      const { database, jobs, judge, name, submit, worker } = world
      const proxy = yield* startProxy(database.port)
      const options = { databaseUrl: database.url(name, proxy.port) }
      const a = yield* worker("a", options)
      const b = yield* worker("b", options)
      yield* submit("short", 60, 1_000, 12_000)
      yield* submit("long", 60, minutes, minutes)
      yield* checking(world, a, b)
      yield* proxy.delay(150)
      yield* Effect.sleep("2 seconds")
      yield* proxy.cut
      yield* Effect.sleep("1 second")
      yield* proxy.open
      // Each runner needs its locks again, with 300 ms for each round trip.
      const locks = `SELECT count(DISTINCT objid) FROM pg_locks WHERE locktype = 'advisory' AND objsubid = 2
        AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`
      yield* until("all buckets have an owner", world.query(locks), (rows) => rows[0]?.[0] === "128", "90 seconds")
      yield* proxy.delay(0)
      yield* proxy.hold
      yield* Effect.sleep("3 seconds")
      yield* proxy.open
      jobs.finish()
      assert.deepStrictEqual(yield* judge(), flawless(120))
    })
  )

  withWorld("have the deadlines of the database, whatever the clock of their runner", "clocks", (world) =>
    Effect.gen(function* () {
      const { here, judge, jobs, query, submit, worker, works } = world
      const a = yield* worker("ahead", { clockOffsetMillis: 5_000 })
      const b = yield* worker("behind", { clockOffsetMillis: -300_000 })
      yield* submit("short", 30, 500, 6_000)
      yield* submit("long", 30, minutes, minutes)
      yield* checking(world, a, b)
      const keys = Array.from({ length: 20 }, (_, index) => `never-${index}`)
      for (const key of keys) jobs.create(key, minutes)
      yield* Effect.orDie(here(works.submit(keys, { deadline: "3 seconds" })))
      const timedOut = yield* until(
        "all deadlines have passed",
        query(
          "SELECT ended_at - created_at, outcome FROM effect_poll_jobs WHERE job_key LIKE '%never-%' AND outcome IS NOT NULL"
        ),
        (rows) => rows.length === keys.length
      )
      for (const [millis, outcome] of timedOut) {
        assert.strictEqual(outcome, "PollTimeout")
        assert.isAtLeast(Number(millis), 2_900)
        assert.isBelow(Number(millis), 100_000)
      }
      for (const key of keys) jobs.all.delete(key)
      jobs.finish()
      assert.deepStrictEqual(yield* judge(), flawless(60))
    })
  )

  withWorld("are one job if two processes submit them with the same idempotency key", "races", (world) =>
    Effect.gen(function* () {
      const { jobs, judge, query, worker } = world
      const submits = Array.from({ length: 40 }, (_, index) => `once-${index}`)
      const [a, b] = yield* Effect.all([worker("a", { submits }), worker("b", { submits })])
      yield* says(a, "SUBMITTED")
      yield* says(b, "SUBMITTED")
      const rows = yield* query("SELECT count(*) FROM effect_poll_jobs")
      assert.strictEqual(rows[0]?.[0], "40")
      yield* until(
        "all are submitted to the server",
        Effect.sync(() => jobs.all.size),
        (size) => size === 40
      )
      assert.deepStrictEqual(yield* judge(), flawless(40))
      // Two live runners never submit the same job.
      assert.deepStrictEqual(
        [...jobs.all.values()].filter((job) => job.submits !== 1),
        []
      )
    })
  )

  withWorld("grow from one process to a cluster and back, on one database", "grows", (world) =>
    Effect.gen(function* () {
      const { jobs, judge, submit, worker } = world
      yield* submit("long", 30, minutes, minutes)
      const alone = yield* worker("alone", { placement: "local" })
      yield* checking(world, alone)
      yield* alone.signal("SIGTERM")
      yield* alone.exited
      const a = yield* worker("a")
      const b = yield* worker("b")
      yield* checking(world, a, b)
      yield* Effect.forEach([a, b], (runner) => Effect.andThen(runner.signal("SIGTERM"), runner.exited))
      const again = yield* worker("again", { placement: "local" })
      yield* checking(world, again)
      yield* submit("late", 10, 1_000, 2_000)
      jobs.finish()
      assert.deepStrictEqual(yield* judge(), flawless(40))
    })
  )
})
