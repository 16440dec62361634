import { assert, describe, it } from "@effect/vitest"
import * as NodeCrypto from "@effect/platform-node/NodeCrypto"
import * as PgClient from "@effect/sql-pg/PgClient"
import * as ClusterWorkflowEngine from "effect/cluster/ClusterWorkflowEngine"
import * as SingleRunner from "effect/cluster/SingleRunner"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import { SqlClient } from "effect/sql/SqlClient"
import * as Workflow from "effect/workflow/Workflow"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import * as DurableRunner from "@effect-poll/durable/DurableRunner"
import * as DurableSqlite from "@effect-poll/durable/DurableSqlite"
import { DurableStore } from "@effect-poll/durable/DurableStore"
import * as DurableStoreSql from "@effect-poll/durable/DurableStoreSql"
import * as DurableWorkflow from "@effect-poll/durable/DurableWorkflow"
import * as Ownership from "@effect-poll/durable/Ownership"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { until } from "./processes/database.ts"
import { create, isMissing, url } from "./postgres.ts"

const Album = Workflow.make("Album", {
  payload: { id: Schema.String, keys: Schema.Array(Schema.String) },
  success: Schema.Array(Schema.String),
  idempotencyKey: ({ id }) => id
})

/** A server of jobs, and processes that wait for them. */
const makeWorld = (database: Layer.Layer<SqlClient, unknown>) => {
  const answers = new Map<string, Status.Status<string>>()
  const asked = { checks: 0, runs: 0 }
  const job = Job.make("render", {
    check: (key: string) => Effect.sync(() => (asked.checks++, answers.get(key) ?? Status.pending())),
    strategy: Strategy.spaced("100 millis")
  }).pipe(Job.withCodecs({ success: Schema.String }))
  const poll = DurablePoll.make(job, { deadline: "10 minutes" })
  const engine = ClusterWorkflowEngine.layer.pipe(
    Layer.provideMerge(
      SingleRunner.layer({ shardingConfig: { entityMessagePollInterval: 200, refreshAssignmentsInterval: 100 } })
    ),
    Layer.provide(NodeCrypto.layerDigest),
    // A cluster of one warns until it has its shards.
    Layer.provide(Logger.layer([]))
  )
  const workflow = Album.toLayer(({ keys }) =>
    Effect.andThen(
      Effect.sync(() => asked.runs++),
      Effect.orDie(Effect.forEach(keys, (key) => DurableWorkflow.inWorkflow(poll, key), { concurrency: "unbounded" }))
    )
  )
  const store = Layer.merge(DurableStoreSql.layer(), Ownership.layerLocal)
  const runner = poll.runner.pipe(Layer.provide(DurableRunner.layer({ flushInterval: 100, scanInterval: 200 })))
  const workflows = Layer.merge(workflow, DurableWorkflow.layer(poll)).pipe(Layer.provideMerge(engine))
  return {
    answers,
    asked,
    poll,
    /** A process that checks jobs, and one that runs workflows, and one that does both. */
    checking: runner.pipe(Layer.provideMerge(store), Layer.provideMerge(database), Layer.fresh),
    working: workflows.pipe(Layer.provideMerge(store), Layer.provideMerge(database), Layer.fresh),
    whole: Layer.merge(workflows, runner).pipe(Layer.provideMerge(store), Layer.provideMerge(database), Layer.fresh)
  }
}

const jobs = DurableStore.use((store) => store.list({ kind: "render", limit: 1_000 }))
const complete = (executionId: string) =>
  until(
    "the workflow has ended",
    Album.poll(executionId),
    (result) => Option.isSome(result) && result.value._tag === "Complete",
    "60 seconds"
  ).pipe(
    Effect.map(Option.getOrThrow),
    Effect.flatMap((result) => (result._tag === "Complete" ? result.exit : Effect.die("suspended")))
  )
const suspended = (executionId: string) =>
  until("the workflow is suspended", Album.poll(executionId), Option.isSome, "60 seconds")

const databases = [
  {
    name: "SQLite",
    missing: false,
    withDatabase: <A, E>(use: (database: Layer.Layer<SqlClient, unknown>) => Effect.Effect<A, E>) =>
      Effect.acquireUseRelease(
        Effect.sync(() => mkdtempSync(join(tmpdir(), "effect-poll-workflow-"))),
        (folder) => use(DurableSqlite.client({ filename: join(folder, "jobs.db") })),
        (folder) => Effect.sync(() => rmSync(folder, { recursive: true, force: true }))
      )
  },
  {
    name: "PostgreSQL",
    missing: isMissing,
    withDatabase: <A, E>(use: (database: Layer.Layer<SqlClient, unknown>) => Effect.Effect<A, E>) => {
      const name = `workflow${databaseCount++}`
      return Effect.andThen(
        create(name),
        Effect.suspend(() => use(PgClient.layer({ url: url(name), maxConnections: 8 })))
      )
    }
  }
]

let databaseCount = 0

describe.each(databases)("DurableWorkflow on $name", ({ missing, withDatabase }) => {
  it.live.skipIf(missing)(
    "a workflow continues in the next process, with the same jobs",
    () =>
      withDatabase((database) => {
        const { answers, asked, checking, whole, working } = makeWorld(database)
        return Effect.gen(function* () {
          const [one, two, three] = yield* Effect.gen(function* () {
            const ids = yield* Effect.forEach(["1", "2", "3"], (id) =>
              Album.execute({ id, keys: [`${id}a`, `${id}b`] }, { discard: true })
            )
            yield* Effect.forEach(ids, suspended)
            // Of the third, one job has ended.
            answers.set("3a", Status.succeeded("3a.png"))
            yield* until("all jobs are stored", jobs, (rows) => rows.filter(({ ended }) => ended !== null).length === 1)
            return ids
          }).pipe(Effect.provide(whole), Effect.scoped)
          const checks = asked.checks
          assert.isAbove(checks, 0)

          // Only a runner is up: jobs end, and their workflows stay suspended.
          yield* Effect.gen(function* () {
            for (const key of ["1a", "1b", "2a", "3b"]) answers.set(key, Status.succeeded(`${key}.png`))
            yield* until("jobs end", jobs, (rows) => rows.filter(({ ended }) => ended !== null).length === 5)
          }).pipe(Effect.provide(checking), Effect.scoped)

          // No runner is up: the workflows of jobs that have ended continue.
          yield* Effect.gen(function* () {
            assert.deepStrictEqual(yield* complete(one!), ["1a.png", "1b.png"])
            assert.deepStrictEqual(yield* complete(three!), ["3a.png", "3b.png"])
            assert.strictEqual((yield* jobs).length, 6)
          }).pipe(Effect.provide(working), Effect.scoped)

          yield* Effect.gen(function* () {
            answers.set("2b", Status.succeeded("2b.png"))
            assert.deepStrictEqual(yield* complete(two!), ["2a.png", "2b.png"])
            assert.deepStrictEqual(
              (yield* jobs).map(({ ended }) => ended?.outcome),
              Array.from({ length: 6 }, () => "Succeeded")
            )
            const left = yield* DurableStore.use((store) => store.hooked({ kinds: ["render"], limit: 100 }))
            assert.deepStrictEqual(left, [])
          }).pipe(Effect.provide(whole), Effect.scoped)
        })
      }),
    120_000
  )
})

describe("the cost of a job in a workflow", () => {
  it.live.skipIf(isMissing)(
    "is fewer than 22 row writes in PostgreSQL, and does not grow with its checks",
    () =>
      Effect.gen(function* () {
        const perJob: Array<number> = []
        const count = 40
        for (const waitMillis of [300, 3_000]) {
          const name = `rows${waitMillis}`
          yield* create(name)
          const world = makeWorld(PgClient.layer({ url: url(name), maxConnections: 8 }))
          const writes = SqlClient.use(
            (sql) => sql<{ writes: string }>`SELECT sum(n_tup_ins + n_tup_upd + n_tup_del) AS writes
              FROM pg_stat_user_tables
              WHERE relname NOT LIKE '%lock%' AND relname NOT LIKE '%runner%' AND relname NOT LIKE '%bucket%'`
          ).pipe(Effect.map(([row]) => Number(row!.writes)))
          // A connection tells its counters when it is closed, if not before.
          const counted = Effect.delay(writes, "500 millis").pipe(
            Effect.provide(PgClient.layer({ url: url(name), maxConnections: 1 })),
            Effect.scoped
          )
          yield* jobs.pipe(Effect.provide(world.whole), Effect.scoped)
          const before = yield* counted
          yield* Effect.gen(function* () {
            const ids = Array.from({ length: count }, (_, at) => `${at}`)
            const executions = yield* Effect.forEach(
              ids,
              (id) => Album.execute({ id, keys: [id] }, { discard: true }),
              { concurrency: 10 }
            )
            yield* Effect.forEach(executions, suspended, { concurrency: 10 })
            yield* Effect.sleep(waitMillis)
            for (const id of ids) world.answers.set(id, Status.succeeded(`${id}.png`))
            yield* Effect.forEach(executions, complete, { concurrency: 10 })
          }).pipe(Effect.provide(world.whole), Effect.scoped)
          perJob.push(((yield* counted) - before) / count)
          if (process.env["SHOW_ROWS"] !== undefined) {
            process.stderr.write(`${perJob.at(-1)} row writes and ${world.asked.checks / count} checks per job\n`)
          }
        }
        assert.isBelow(perJob[0]!, 22)
        assert.isBelow(perJob[1]! - perJob[0]!, 1)
      }),
    120_000
  )
})
