import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"
import { keyCodec } from "@effect-poll/providers/MixpeekKey"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import { live } from "./support.ts"

const speed = 100
const deadline = "30 seconds"

const running = (script: JobScript.Options, options: Partial<Mixpeek.Options> = {}) =>
  Effect.map(JobServer.make({ speed, script: () => JobScript.make(script) }), (server) => ({
    server,
    ...Mixpeek.make({ baseUrl: server.urls.Mixpeek, timeScale: 1 / speed, ...options })
  }))

describe("Mixpeek", () => {
  live("tasks - return the outputs of a batch despite faulty responses", () =>
    Effect.gen(function* () {
      const faults = [Fault.drop(1), Fault.badGateway(2), Fault.html(3)]
      const { server, tasks } = yield* running({ duration: "8 seconds", result: { documents: 3 }, faults })
      const { key } = yield* tasks.submit!({ kind: "batch", bucketId: "k1" })
      assert.deepStrictEqual(yield* Poll.until(tasks, key, { deadline }), { documents: 3 })
      assert.strictEqual((yield* server.truthOf(key.taskId)).faultsServed, 3)
    }).pipe(Effect.orDie)
  )

  live("fallback - finds the end of a task whose record is gone, with ids of the task or of the key", () =>
    Effect.gen(function* () {
      const { tasks } = yield* running({
        duration: "20 seconds",
        recordTtl: "8 seconds",
        recordTtlFrom: "submission",
        result: 1
      })
      const cluster = yield* tasks.submit!({ kind: "cluster" })
      assert.strictEqual(yield* Poll.until(tasks, { taskId: cluster.key.taskId }, { deadline }), 1)
      assert.strictEqual(yield* Poll.until(tasks, cluster.key, { deadline }), 1)
      const missing = yield* Effect.flip(Poll.until(tasks, { taskId: cluster.key.taskId }, { deadline }))
      assert.strictEqual(missing._tag, "JobNotFound")
    }).pipe(Effect.orDie)
  )

  live("fallbacks - give the path for taxonomies", () =>
    Effect.gen(function* () {
      const { tasks } = yield* running(
        { duration: 0, recordTtl: 0, result: 2 },
        { fallbacks: { api_taxonomies_materialize: "/v1/taxonomies/{taxonomy_id}" } }
      )
      const { key } = yield* tasks.submit!({ kind: "taxonomy" })
      assert.strictEqual(yield* Poll.until(tasks, key, { deadline }), 2)
    }).pipe(Effect.orDie)
  )

  live("kill, list, resources - stop, list and watch tasks", () =>
    Effect.gen(function* () {
      const { kill, list, resources, tasks } = yield* running({ duration: "1 hour" })
      const batch = yield* tasks.submit!({ kind: "batch", bucketId: "k1" })
      const taxonomy = yield* tasks.submit!({ kind: "taxonomy" })
      assert.deepStrictEqual(
        (yield* list({ taskTypes: ["api_buckets_batches_process"] })).map((task) => task.task_id),
        [batch.key.taskId]
      )
      yield* kill(batch.key)
      assert.strictEqual((yield* Effect.flip(Poll.until(tasks, batch.key, { deadline })))._tag, "JobCanceled")
      const resource = batch.key.fallback!
      assert.strictEqual((yield* Effect.flip(Poll.until(resources, resource, { deadline })))._tag, "JobCanceled")
      const refused = yield* Effect.flip(kill({ taskId: taxonomy.key.taskId }))
      assert.strictEqual(refused._tag, "CancelUnsupported")
    }).pipe(Effect.orDie)
  )

  live("sendMany - returns only the tasks that the list contains", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make({ pageSize: 2, script: () => JobScript.succeeded("1 hour") })
      const { sendMany, tasks } = Mixpeek.make({ baseUrl: server.urls.Mixpeek })
      const keys = yield* Effect.forEach(["a", "b", "c"], (bucketId) =>
        Effect.map(tasks.submit!({ kind: "batch", bucketId }), ({ key }) => key)
      )
      yield* server.create("Mixpeek", "taxonomy")
      const { results: checks } = yield* sendMany(keys)
      // The filter excludes the newer taxonomy; of the three batches the oldest does not fit on the page.
      assert.deepStrictEqual([...checks.keys()], keys.slice(1).map(keyCodec.encode))
      for (const check of checks.values()) {
        assert.strictEqual(
          Result.isSuccess(check) ? CheckResult.unannotated(check.success)._tag : check.failure.message,
          "Pending"
        )
      }
      const all = yield* server.truth
      assert.deepStrictEqual(
        all.filter(({ kind }) => kind === "batch").map(({ listed, requests }) => [listed, requests]),
        [
          [0, 0],
          [1, 0],
          [1, 0]
        ]
      )
    }).pipe(Effect.orDie)
  )

  live("DocumentsWritten - causes a check that finds the end", () =>
    Effect.gen(function* () {
      const inbox = yield* WebhookInbox.make()
      const server = yield* JobServer.make({
        documentsWrittenUrl: inbox.url,
        script: () => JobScript.succeeded("200 millis", { result: 3 })
      })
      const { tasks } = Mixpeek.make({ baseUrl: server.urls.Mixpeek, strategy: Strategy.spaced("1 minute") })
      const { key } = yield* tasks.submit!({ kind: "batch", bucketId: "k1" })
      const handle = yield* Poll.start(tasks, key, { deadline })
      const { body } = yield* inbox.take
      const push = yield* Schema.decodeUnknownEffect(Mixpeek.DocumentsWritten)(body)
      assert.isUndefined(push.key)
      yield* handle.checkNow()
      assert.strictEqual(yield* handle.await, 3)
      assert.strictEqual((yield* server.truthOf(key.taskId)).requests, 2)
    }).pipe(Effect.orDie)
  )

  live("kill - takes effect when its response is lost", () =>
    Effect.gen(function* () {
      const { kill, tasks } = yield* running({ duration: "1 hour", faults: [Fault.on(Fault.badGateway(1), "kill")] })
      const { key } = yield* tasks.submit!({ kind: "cluster" })
      assert.strictEqual((yield* Effect.flip(kill(key)))._tag, "HttpCheckError")
      assert.strictEqual((yield* Effect.flip(Poll.until(tasks, key, { deadline })))._tag, "JobCanceled")
    }).pipe(Effect.orDie)
  )

  live("states - count as pending when unknown, and mean what the options say", () =>
    Effect.gen(function* () {
      const strange = yield* running({ duration: "5 seconds", pendingState: "DREAMING", result: 3 })
      const one = yield* strange.tasks.submit!({ kind: "cluster" })
      assert.strictEqual(yield* Poll.until(strange.tasks, one.key, { deadline }), 3)
      const skipped = yield* running(
        { duration: 0, endState: "SKIPPED" },
        { meanings: { task: { SKIPPED: "canceled" } } }
      )
      const two = yield* skipped.tasks.submit!({ kind: "cluster" })
      assert.strictEqual((yield* Effect.flip(Poll.until(skipped.tasks, two.key, { deadline })))._tag, "JobCanceled")
    }).pipe(Effect.orDie)
  )
})
