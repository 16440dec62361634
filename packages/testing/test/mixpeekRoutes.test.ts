import { assert, describe } from "@effect/vitest"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { aged, get, post } from "./client.ts"

const scripted = (script: JobScript.JobScript, pageSize?: number) =>
  Effect.map(JobServer.make({ script: () => script, pageSize }), (server) => ({
    server,
    url: `${server.urls.Mixpeek}/v1`
  }))

describe("Mixpeek", () => {
  aged("batch - is PENDING, PROCESSING, then COMPLETED with outputs, as task and resource", () =>
    Effect.gen(function* () {
      const { server, url } = yield* scripted(JobScript.succeeded("10 seconds", { result: { documents: 3 } }))
      const ids = (yield* post(`${url}/buckets/bkt_2/batches`, {})).json
      assert.deepStrictEqual(Object.keys(ids).toSorted(), ["batch_id", "bucket_id", "task_id"])
      const check = Effect.map(get(`${url}/tasks/${ids.task_id}`), (reply) => reply.json)
      const resource = Effect.map(get(`${url}/buckets/bkt_2/batches/${ids.batch_id}`), (reply) => reply.json)
      const { task_id, batch_id } = ids
      const task = {
        task_id,
        task_type: "api_buckets_batches_process",
        inputs: [batch_id],
        outputs: null,
        additional_data: { batch_id, bucket_id: "bkt_2", job_id: `ray_${task_id}` },
        error_message: null,
        created_at: "1970-01-01T00:00:00.000Z"
      }
      assert.deepStrictEqual(yield* check, { ...task, status: "PENDING" })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* check, { ...task, status: "PROCESSING" })
      assert.deepStrictEqual(yield* resource, { batch_id, status: "PROCESSING", error_message: null, outputs: null })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* check, { ...task, status: "COMPLETED", outputs: { documents: 3 } })
      assert.deepStrictEqual(yield* resource, {
        batch_id,
        status: "COMPLETED",
        error_message: null,
        outputs: { documents: 3 }
      })
      assert.strictEqual((yield* server.truthOf(batch_id)).requests, 5)
      assert.strictEqual((yield* get(`${url}/buckets/bkt_other/batches/${batch_id}`)).status, 404)
    })
  )

  aged("cluster, taxonomy - have their own ids and types", () =>
    Effect.gen(function* () {
      const failure = { code: "E", message: "no vectors" }
      const { url } = yield* scripted(JobScript.failed("1 second", { failure }))
      const cluster = (yield* post(`${url}/clusters`)).json
      const taxonomy = (yield* post(`${url}/taxonomies`)).json
      yield* TestClock.adjust("1 second")
      const task = (yield* get(`${url}/tasks/${cluster.task_id}`)).json
      assert.deepStrictEqual(
        [task.task_type, task.status, task.error_message, task.additional_data.cluster_id],
        ["api_clusters_execute", "FAILED", "no vectors", cluster.cluster_id]
      )
      assert.strictEqual((yield* get(`${url}/clusters/${cluster.cluster_id}`)).json.status, "FAILED")
      assert.strictEqual((yield* get(`${url}/tasks/${taxonomy.task_id}`)).json.task_type, "api_taxonomies_materialize")
      assert.strictEqual((yield* get(`${url}/taxonomies/${taxonomy.taxonomy_id}`)).json.status, "FAILED")
      assert.strictEqual((yield* get(`${url}/clusters/${cluster.task_id}`)).status, 404)
    })
  )

  aged("recordTtl - removes the record of a running task, but not its resource", () =>
    Effect.gen(function* () {
      const { server, url } = yield* scripted(
        JobScript.succeeded("10 seconds", { recordTtl: "2 seconds", recordTtlFrom: "submission" })
      )
      const { batch_id, task_id } = (yield* post(`${url}/buckets/b/batches`)).json
      assert.strictEqual((yield* get(`${url}/tasks/${task_id}`)).status, 200)
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual((yield* get(`${url}/tasks/${task_id}`)).status, 404)
      assert.strictEqual((yield* post(`${url}/tasks/${task_id}/kill`)).status, 404)
      assert.deepStrictEqual((yield* post(`${url}/tasks/list`, {})).json, { tasks: [] })
      assert.strictEqual((yield* get(`${url}/buckets/b/batches/${batch_id}`)).json.status, "PROCESSING")
      yield* TestClock.adjust("8 seconds")
      assert.strictEqual((yield* get(`${url}/buckets/b/batches/${batch_id}`)).json.status, "COMPLETED")
      const truth = yield* server.truthOf(task_id)
      assert.deepStrictEqual([truth.requests, truth.checksAfterEnd], [4, 1])
    })
  )

  aged("fallback - is a 404 when missing", () =>
    Effect.gen(function* () {
      const { url } = yield* scripted(JobScript.endless({ fallback: "missing" }))
      const { batch_id, task_id } = (yield* post(`${url}/buckets/b/batches`)).json
      assert.strictEqual((yield* get(`${url}/tasks/${task_id}`)).status, 200)
      assert.strictEqual((yield* get(`${url}/buckets/b/batches/${batch_id}`)).status, 404)
    })
  )

  describe("kill", () => {
    aged("kill - cancels batches and clusters before their end", () =>
      Effect.gen(function* () {
        const { server, url } = yield* scripted(JobScript.succeeded("10 seconds"))
        const { batch_id, task_id } = (yield* post(`${url}/buckets/b/batches`)).json
        const cluster = (yield* post(`${url}/clusters`)).json
        yield* TestClock.adjust("4 seconds")
        const killed = yield* post(`${url}/tasks/${task_id}/kill`)
        assert.deepStrictEqual([killed.status, killed.json], [200, { task_id, status: "CANCELED" }])
        assert.strictEqual((yield* get(`${url}/tasks/${task_id}`)).json.status, "CANCELED")
        assert.strictEqual((yield* get(`${url}/buckets/b/batches/${batch_id}`)).json.status, "CANCELED")
        const truth = yield* server.truthOf(task_id)
        assert.deepStrictEqual([truth.outcome, truth.endedAt, truth.requests], ["canceled", 4000, 2])
        assert.strictEqual((yield* post(`${url}/tasks/${cluster.task_id}/kill`)).json.status, "CANCELED")
      })
    )

    aged("kill - does not change the end of a job that has ended", () =>
      Effect.gen(function* () {
        const { server, url } = yield* scripted(JobScript.succeeded("1 second"))
        const { task_id } = (yield* post(`${url}/clusters`)).json
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual((yield* post(`${url}/tasks/${task_id}/kill`)).json, { task_id, status: "COMPLETED" })
        const truth = yield* server.truthOf(task_id)
        assert.deepStrictEqual([truth.outcome, truth.endedAt], ["succeeded", 1000])
      })
    )

    aged("kill - is a 400 for taxonomies, and a 404 for unknown ids", () =>
      Effect.gen(function* () {
        const { url } = yield* scripted(JobScript.endless())
        const { task_id } = (yield* post(`${url}/taxonomies`)).json
        const reply = yield* post(`${url}/tasks/${task_id}/kill`)
        assert.deepStrictEqual([reply.status, reply.json.code], [400, "cancel_unsupported"])
        assert.strictEqual((yield* get(`${url}/tasks/${task_id}`)).json.status, "PENDING")
        assert.strictEqual((yield* post(`${url}/tasks/tsk_99/kill`)).status, 404)
      })
    )
  })

  aged("faults - affect the response to a kill, which is carried out by default unless it is a 429", () =>
    Effect.gen(function* () {
      const { server, url } = yield* scripted(
        JobScript.endless({
          faults: [
            Fault.on(Fault.serverError(1), "kill", { carriedOut: false }),
            Fault.on(Fault.tooManyRequests(2, "1 second"), "kill"),
            Fault.on(Fault.badGateway(3), "kill")
          ]
        })
      )
      const { task_id } = (yield* post(`${url}/clusters`)).json
      const outcomes = yield* Effect.forEach([1, 2, 3, 4], () =>
        Effect.gen(function* () {
          const { status } = yield* post(`${url}/tasks/${task_id}/kill`)
          return [status, (yield* server.truthOf(task_id)).outcome]
        })
      )
      assert.deepStrictEqual(outcomes, [
        [500, undefined],
        [429, undefined],
        [502, "canceled"],
        [200, "canceled"]
      ])
      const truth = yield* server.truthOf(task_id)
      assert.deepStrictEqual([truth.faultsServed, truth.requests], [3, 0])
    })
  )

  describe("documentsWrittenUrl", () => {
    aged("documentsWrittenUrl - gets a webhook without task when a batch succeeds, and none otherwise", () =>
      Effect.gen(function* () {
        const inbox = yield* WebhookInbox.make()
        const server = yield* JobServer.make({ documentsWrittenUrl: `${inbox.url}/written` })
        yield* server.create("Mixpeek", "batch", JobScript.failed("1 second"))
        yield* server.create("Mixpeek", "cluster", JobScript.succeeded("1 second"))
        yield* TestClock.adjust("5 seconds")
        yield* server.create("Mixpeek", "batch", JobScript.succeeded("3 seconds"))
        yield* TestClock.adjust("3 seconds")
        const { body, path } = yield* inbox.take
        assert.deepStrictEqual(
          [path, body],
          ["/written", { event: "collection.documents.written", collection_id: "col_1" }]
        )
        assert.strictEqual((yield* inbox.received).length, 1)
      })
    )
  })

  describe("list", () => {
    const ids = (reply: { readonly json: { readonly tasks: ReadonlyArray<{ readonly task_id: string }> } }) =>
      reply.json.tasks.map((task) => task.task_id)

    aged("list - filters by type, status, namespace and time, newest first", () =>
      Effect.gen(function* () {
        const { server, url } = yield* scripted(JobScript.succeeded("10 seconds"))
        const batch = (yield* post(`${url}/buckets/b/batches`, { namespace: "films" })).json.task_id
        yield* TestClock.adjust("5 seconds")
        const cluster = (yield* post(`${url}/clusters`)).json.task_id
        yield* TestClock.adjust("5 seconds")
        const list = (filter: unknown) => Effect.map(post(`${url}/tasks/list`, filter), ids)
        assert.deepStrictEqual(yield* list({}), [cluster, batch])
        assert.deepStrictEqual(yield* list({ task_type: "api_clusters_execute" }), [cluster])
        assert.deepStrictEqual(yield* list({ status: ["COMPLETED", "FAILED"] }), [batch])
        assert.deepStrictEqual(yield* list({ namespace: "films" }), [batch])
        assert.deepStrictEqual(yield* list({ namespace: "default" }), [cluster])
        assert.deepStrictEqual(yield* list({ created_after: "1970-01-01T00:00:01Z" }), [cluster])
        assert.deepStrictEqual(yield* list({ created_before: 1000 }), [batch])
        const bad = yield* post(`${url}/tasks/list`, { created_after: "yesterday" })
        assert.strictEqual(bad.status, 400)
        assert.include(bad.json.error, "created_after")
        assert.include((yield* post(`${url}/tasks/list`, { status: 7 })).json.error, "status")
        const truth = yield* server.truthOf(batch)
        assert.deepStrictEqual([truth.requests, truth.listed], [0, 4])
        const endpoint = yield* server.truthOf("tasks_list")
        assert.deepStrictEqual([endpoint.kind, endpoint.requests], ["list", 7])
      })
    )

    aged("pageSize - leaves out the oldest tasks without indicating it", () =>
      Effect.gen(function* () {
        const { url } = yield* scripted(JobScript.endless(), 2)
        const [, second, third] = yield* Effect.forEach([1, 2, 3], () =>
          Effect.map(post(`${url}/clusters`), (reply) => reply.json.task_id)
        )
        const reply = yield* post(`${url}/tasks/list`, {})
        assert.deepStrictEqual(ids(reply), [third, second])
        assert.deepStrictEqual(Object.keys(reply.json), ["tasks"])
      })
    )
  })
})
