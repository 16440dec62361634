import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"
import { KeyCodec, ResourceCodec } from "@effect-poll/providers/MixpeekKey"
import type { OpenWord } from "@effect-poll/providers/MixpeekStatus"
import { answering, runFor, sent } from "./support.ts"

const mixpeek = Mixpeek.make({ baseUrl: "http://h" })
const deadline = "3 days"
const batch = {
  task_id: "t1",
  task_type: "api_buckets_batches_process",
  additional_data: { batch_id: "b 1", bucket_id: "k1", job_id: "ray_1", n: 3 },
  outputs: null,
  error_message: null
}
const gone = () => new Response('{"error":"task not found"}', { status: 404 })
const fallback = { taskType: "api_buckets_batches_process", ids: { bucket_id: "k1", batch_id: "b 1" } }
const paths = (requests: ReadonlyArray<{ readonly url: string }>) =>
  requests.map(({ url }) => url.replace("http://h", ""))
const ending = <A, E extends { readonly _tag: string }, R>(wait: Effect.Effect<A, E, R>) =>
  Effect.match(wait, { onSuccess: () => "done", onFailure: (error) => error._tag })

const openWords: ReadonlyArray<OpenWord> = [
  "IN_PROGRESS",
  "SKIPPED",
  "UNKNOWN",
  "DRAFT",
  "ACTIVE",
  "ARCHIVED",
  "SUSPENDED"
]

describe("Mixpeek", () => {
  describe("fallback", () => {
    it.effect("a task whose record is gone is looked at on its resource, from then on", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering((request, attempt) =>
          request.url.includes("/tasks/")
            ? attempt < 3
              ? { ...batch, status: "PROCESSING" }
              : gone()
            : { batch_id: "b 1", status: attempt < 6 ? "PROCESSING" : "COMPLETED", outputs: { n: 1 } }
        )
        const outputs = yield* runFor(provide(Poll.until(mixpeek.tasks, { taskId: "t1" }, { deadline })), "5 minutes")
        assert.deepStrictEqual(outputs, { n: 1 })
        const resource = "/v1/buckets/k1/batches/b%201"
        assert.deepStrictEqual(paths(requests), [
          ...Array.from({ length: 3 }, () => "/v1/tasks/t1"),
          ...Array.from({ length: 3 }, () => resource)
        ])
      })
    )

    it.effect("ids from the caller, for a record that was never seen; without ids it is JobNotFound", () =>
      Effect.gen(function* () {
        const answer = (request: { readonly url: string }) =>
          request.url.includes("/tasks/") ? gone() : { status: "FAILED", error_message: "bad video" }
        const known = answering(answer)
        const error = yield* Effect.flip(
          known.provide(Poll.until(mixpeek.tasks, { taskId: "t1", fallback }, { deadline }))
        )
        assert.strictEqual(error._tag === "JobFailed" ? error.failure : error._tag, "bad video")
        const unknown = answering(answer)
        assert.strictEqual(
          yield* ending(unknown.provide(Poll.until(mixpeek.tasks, { taskId: "t1" }, { deadline }))),
          "JobNotFound"
        )
        assert.strictEqual(unknown.requests.length, 1)
        const partly = { taskId: "t1", fallback: { ...fallback, ids: { batch_id: "b" } } }
        assert.strictEqual(
          yield* ending(unknown.provide(Poll.until(mixpeek.tasks, partly, { deadline }))),
          "JobNotFound"
        )
      })
    )

    it.effect("the resource may be gone too", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(gone)
        const wait = provide(Poll.until(mixpeek.tasks, { taskId: "t1", fallback }, { deadline }))
        assert.strictEqual(yield* runFor(ending(wait), "1 minute"), "JobNotFound")
        assert.strictEqual(requests.length, 2)
      })
    )

    it.effect("fallbacks - can be extended by type", () =>
      Effect.gen(function* () {
        const own = Mixpeek.make({
          baseUrl: "http://h",
          fallbacks: { api_taxonomies_materialize: "/v1/taxonomies/{taxonomy_id}" }
        })
        const { provide, requests } = answering((request) =>
          request.url.includes("/tasks/") ? gone() : { status: "COMPLETED" }
        )
        const key = { taskId: "t1", fallback: { taskType: "api_taxonomies_materialize", ids: { taxonomy_id: "x" } } }
        assert.isUndefined(yield* provide(Poll.until(own.tasks, key, { deadline })))
        assert.strictEqual(requests[1]?.url, "http://h/v1/taxonomies/x")
        assert.throws(() => Mixpeek.make({ baseUrl: "http://h", fallbacks: { x: "" } }), RangeError, "fallbacks.x")
      })
    )

    it.effect("resources - are watched themselves", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => ({ status: "CANCELED" }))
        const wait = provide(Poll.until(mixpeek.resources, fallback, { deadline }))
        assert.strictEqual(yield* ending(wait), "JobCanceled")
        assert.deepStrictEqual(paths(requests), ["/v1/buckets/k1/batches/b%201"])
        const unknown = { taskType: "api_unheard_of", ids: {} }
        assert.strictEqual(yield* ending(provide(Poll.until(mixpeek.resources, unknown, { deadline }))), "JobNotFound")
      })
    )
  })

  describe("words", () => {
    it.effect("CANCELED ends the wait; what the documentation leaves open does not", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering((_, attempt) => ({
          ...batch,
          status: [...openWords, "CANCELED"][attempt - 1]
        }))
        const wait = provide(Poll.until(mixpeek.tasks, { taskId: "t1" }, { deadline }))
        assert.strictEqual(yield* runFor(ending(wait), "10 minutes"), "JobCanceled")
        assert.strictEqual(requests.length, 8)
      })
    )

    it.effect("meanings - per resource", () =>
      Effect.gen(function* () {
        const own = Mixpeek.make({
          baseUrl: "http://h",
          meanings: {
            task: { SKIPPED: "canceled" },
            resources: { api_clusters_execute: { ACTIVE: "succeeded", SUSPENDED: "failed", ARCHIVED: "expired" } }
          }
        })
        const look = (word: string, job: "tasks" | "resources", taskType = "api_clusters_execute") => {
          const { provide } = answering(() => ({ status: word, outputs: 1 }))
          return Effect.map(
            provide(
              job === "tasks"
                ? own.tasks.check({ taskId: "t" })
                : own.resources.check({ taskType, ids: { cluster_id: "c", bucket_id: "k", batch_id: "b" } })
            ),
            (found) => found._tag
          )
        }
        assert.strictEqual(yield* look("SKIPPED", "tasks"), "Canceled")
        assert.strictEqual(yield* look("SKIPPED", "resources"), "Pending")
        assert.strictEqual(yield* look("ACTIVE", "tasks"), "Pending")
        assert.strictEqual(yield* look("ACTIVE", "resources"), "Succeeded")
        assert.strictEqual(yield* look("SUSPENDED", "resources"), "Failed")
        assert.strictEqual(yield* look("ARCHIVED", "resources"), "Expired")
        assert.strictEqual(yield* look("ACTIVE", "resources", "api_buckets_batches_process"), "Pending")
      })
    )
  })

  describe("kill, list, submit", () => {
    it.effect("kill - is refused by type if that is known, otherwise by the server", () =>
      Effect.gen(function* () {
        const refused = answering(() => new Response('{"code":"cancel_unsupported"}', { status: 400 }))
        const taxonomy = { taskId: "t1", fallback: { taskType: "api_taxonomies_materialize", ids: {} } }
        const known = yield* Effect.flip(refused.provide(mixpeek.kill(taxonomy)))
        assert.strictEqual(known._tag, "CancelUnsupported")
        assert.strictEqual(refused.requests.length, 0)
        const unknown = yield* Effect.flip(refused.provide(mixpeek.kill({ taskId: "t1" })))
        assert.strictEqual(unknown._tag, "CancelUnsupported")
        assert.strictEqual(refused.requests[0]?.url, "http://h/v1/tasks/t1/kill")
        const other = answering(() => new Response("{}", { status: 400 }))
        assert.strictEqual((yield* Effect.flip(other.provide(mixpeek.kill({ taskId: "t1" }))))._tag, "HttpCheckError")
        const taken = answering(() => ({ task_id: "t1", status: "CANCELED" }))
        assert.isUndefined(yield* taken.provide(mixpeek.kill({ taskId: "t1", fallback })))
      })
    )

    it.effect("list - filters, and takes any word", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => ({ tasks: [{ ...batch, status: "NEW_WORD" }] }))
        const listed = yield* provide(
          mixpeek.list({ taskTypes: ["a"], statuses: ["PENDING"], createdAfter: DateTime.makeUnsafe(0) })
        )
        assert.strictEqual(listed[0]?.status, "NEW_WORD")
        assert.strictEqual(
          sent(requests[0]),
          '{"task_type":["a"],"status":["PENDING"],"created_after":"1970-01-01T00:00:00.000Z"}'
        )
      })
    )

    it.effect("submit - the receipt knows the resource", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => ({ batch_id: "b1", task_id: "t1", bucket_id: "k1" }))
        const receipt = yield* provide(mixpeek.tasks.submit!({ kind: "batch", bucketId: "k1", body: { n: 1 } }))
        assert.deepStrictEqual(receipt.key, {
          taskId: "t1",
          fallback: { taskType: "api_buckets_batches_process", ids: { batch_id: "b1", bucket_id: "k1" } }
        })
        assert.deepStrictEqual(paths(requests), ["/v1/buckets/k1/batches"])
        assert.throws(() => mixpeek.tasks.submit!({ kind: "batch", bucketId: "" }), RangeError, "Mixpeek: bucketId")
      })
    )

    it("DocumentsWritten - names no task", () => {
      assert.isTrue(Schema.is(Mixpeek.DocumentsWritten)({ event: "collection.documents.written", collection: "c" }))
      assert.isFalse(Schema.is(Mixpeek.DocumentsWritten)({ event: "collection.created" }))
    })
  })

  describe("keys", () => {
    it("KeyCodec - a string that is the same for the same key, there and back", () => {
      const key = { taskId: "t@1?", fallback: { taskType: "a/b", ids: { z: "1&=", a: "2" } } }
      const encoded = KeyCodec.encode(key)
      assert.strictEqual(encoded, "t%401%3F@a%2Fb?a=2&z=1%26%3D")
      assert.deepStrictEqual(KeyCodec.decode(encoded), key)
      assert.strictEqual(KeyCodec.encode({ taskId: "t1" }), "t1")
      assert.deepStrictEqual(KeyCodec.decode("t1"), { taskId: "t1" })
      assert.deepStrictEqual(ResourceCodec.decode("a"), { taskType: "a", ids: {} })
      assert.throws(() => KeyCodec.encode({ taskId: "" }), RangeError, "Mixpeek: key.taskId")
      assert.throws(() => Mixpeek.make({ baseUrl: " " }), RangeError, "Mixpeek.make: baseUrl")
    })
  })
})
