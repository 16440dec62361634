import { assert, describe, it } from "@effect/vitest"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as CheckContext from "effect-poll/CheckContext"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"
import { keyCodec, resourceCodec } from "@effect-poll/providers/MixpeekKey"
import type { AmbiguousState } from "@effect-poll/providers/MixpeekStatus"
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

const ambiguousStates: ReadonlyArray<AmbiguousState> = [
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
    it.effect("404 - switches to the resource of the task for the rest of the wait", () =>
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

    it.effect(
      "key - supplies the ids of a record that was never seen, and without them the wait ends as JobNotFound",
      () =>
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

    it.effect("404 - ends the wait as JobNotFound when the resource is gone too", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(gone)
        const wait = provide(Poll.until(mixpeek.tasks, { taskId: "t1", fallback }, { deadline }))
        assert.strictEqual(yield* runFor(ending(wait), "1 minute"), "JobNotFound")
        assert.strictEqual(requests.length, 2)
      })
    )

    it.effect("fallbacks - add the path of another type, and a blank one is a RangeError", () =>
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

    it.effect("resources - checks a resource directly, and an unknown type ends as JobNotFound", () =>
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

  describe("states", () => {
    it.effect("until - ends at CANCELED, and continues at every state without a documented meaning", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering((_, attempt) => ({
          ...batch,
          status: [...ambiguousStates, "CANCELED"][attempt - 1]
        }))
        const wait = provide(Poll.until(mixpeek.tasks, { taskId: "t1" }, { deadline }))
        assert.strictEqual(yield* runFor(ending(wait), "10 minutes"), "JobCanceled")
        assert.strictEqual(requests.length, 8)
      })
    )

    it.effect("meanings - apply to tasks or to the resources of a type", () =>
      Effect.gen(function* () {
        const own = Mixpeek.make({
          baseUrl: "http://h",
          meanings: {
            task: { SKIPPED: "canceled" },
            resources: { api_clusters_execute: { ACTIVE: "succeeded", SUSPENDED: "failed", ARCHIVED: "expired" } }
          }
        })
        const check = (state: string, job: "tasks" | "resources", taskType = "api_clusters_execute") => {
          const { provide } = answering(() => ({ status: state, outputs: 1 }))
          return Effect.map(
            provide(
              job === "tasks"
                ? own.tasks.check({ taskId: "t" }, CheckContext.make())
                : own.resources.check(
                    { taskType, ids: { cluster_id: "c", bucket_id: "k", batch_id: "b" } },
                    CheckContext.make()
                  )
            ),
            (found) => found._tag
          )
        }
        assert.strictEqual(yield* check("SKIPPED", "tasks"), "Canceled")
        assert.strictEqual(yield* check("SKIPPED", "resources"), "Pending")
        assert.strictEqual(yield* check("ACTIVE", "tasks"), "Pending")
        assert.strictEqual(yield* check("ACTIVE", "resources"), "Succeeded")
        assert.strictEqual(yield* check("SUSPENDED", "resources"), "Failed")
        assert.strictEqual(yield* check("ARCHIVED", "resources"), "Expired")
        assert.strictEqual(yield* check("ACTIVE", "resources", "api_buckets_batches_process"), "Pending")
      })
    )
  })

  describe("words, everywhere", () => {
    it.effect("meanings - everywhere, unless the task or the resource says otherwise", () =>
      Effect.gen(function* () {
        const own = Mixpeek.make({
          baseUrl: "http://h",
          meanings: {
            everywhere: { SUSPENDED: "failed", SKIPPED: "canceled" },
            task: { SKIPPED: "succeeded" },
            resources: { api_clusters_execute: { SUSPENDED: "pending" } }
          }
        })
        const { provide } = answering((request) => ({
          status: request.url.includes("SKIPPED") ? "SKIPPED" : "SUSPENDED",
          error_message: "paused"
        }))
        const task = (word: string) =>
          Effect.map(provide(own.tasks.check({ taskId: word }, CheckContext.make())), ({ _tag }) => _tag)
        const cluster = (word: string) =>
          provide(
            own.resources.check({ taskType: "api_clusters_execute", ids: { cluster_id: word } }, CheckContext.make())
          ).pipe(Effect.map(({ _tag }) => _tag))
        const batchOf = (word: string) =>
          provide(
            own.resources.check({ ...fallback, ids: { bucket_id: "k", batch_id: word } }, CheckContext.make())
          ).pipe(Effect.map(({ _tag }) => _tag))
        for (const [check, skipped, suspended] of [
          [task, "Succeeded", "Failed"],
          [cluster, "Canceled", "Pending"],
          [batchOf, "Canceled", "Failed"]
        ] as const) {
          assert.deepStrictEqual([yield* check("SKIPPED"), yield* check("SUSPENDED")], [skipped, suspended])
        }
      })
    )
  })

  describe("kill, list, submit", () => {
    it.effect("kill - fails with CancelUnsupported by the type in the key, otherwise by the response", () =>
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

    it.effect("list - sends its filter, and accepts any state", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => ({ tasks: [{ ...batch, status: "NEW_STATE" }] }))
        const listed = yield* provide(
          mixpeek.list({ taskTypes: ["a"], statuses: ["PENDING"], createdAfter: DateTime.makeUnsafe(0) })
        )
        assert.strictEqual(listed[0]?.status, "NEW_STATE")
        assert.strictEqual(
          sent(requests[0]),
          '{"task_type":["a"],"status":["PENDING"],"created_after":"1970-01-01T00:00:00.000Z"}'
        )
      })
    )

    it.effect("submit - returns a key with the resource", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => ({ batch_id: "b1", task_id: "t1", bucket_id: "k1" }))
        const receipt = yield* provide(mixpeek.tasks.submit!({ kind: "batch", bucketId: "k1", body: { n: 1 } }))
        assert.deepStrictEqual(receipt.key, {
          taskId: "t1",
          fallback: { taskType: "api_buckets_batches_process", ids: { batch_id: "b1", bucket_id: "k1" } },
          submittedAt: 0
        })
        assert.deepStrictEqual(paths(requests), ["/v1/buckets/k1/batches"])
        assert.throws(() => mixpeek.tasks.submit!({ kind: "batch", bucketId: "" }), RangeError, "Mixpeek: bucketId")
      })
    )

    it.effect("submitPaths - replace the default paths, and invalid ones are RangeErrors", () =>
      Effect.gen(function* () {
        const submitPaths = { batch: "/v1/buckets/{bucket_id}/batches/submit", cluster: "/v1/clusters/execute" }
        const own = Mixpeek.make({ baseUrl: "http://h", submitPaths })
        const { provide, requests } = answering(() => ({ task_id: "t1" }))
        yield* provide(own.tasks.submit!({ kind: "batch", bucketId: "k 1" }))
        yield* provide(own.tasks.submit!({ kind: "cluster" }))
        yield* provide(own.tasks.submit!({ kind: "taxonomy" }))
        assert.deepStrictEqual(paths(requests), [
          "/v1/buckets/k%201/batches/submit",
          "/v1/clusters/execute",
          "/v1/taxonomies"
        ])
        const bad = (paths: Mixpeek.Options["submitPaths"], message: string) =>
          assert.throws(() => Mixpeek.make({ baseUrl: "http://h", submitPaths: paths }), RangeError, message)
        bad({ batch: "/v1/batches" }, "Mixpeek.make: submitPaths.batch must contain {bucket_id}")
        bad({ taxonomy: "" }, "Mixpeek.make: submitPaths.taxonomy")
      })
    )

    it.effect("DocumentsWritten - decodes to a push without key and result, which causes a check", () =>
      Effect.gen(function* () {
        const decode = Schema.decodeEffect(Mixpeek.DocumentsWritten)
        const push = yield* decode({ event: "collection.documents.written", collection_id: "c" })
        assert.deepStrictEqual(push, { key: undefined, result: undefined, collectionId: "c" })
        assert.isTrue(Schema.isSchemaError(yield* Effect.flip(decode({ event: "collection.created" }))))
        const { provide, times } = answering((_, attempt) => ({
          ...batch,
          status: attempt < 5 ? "PROCESSING" : "COMPLETED"
        }))
        yield* Effect.gen(function* () {
          const handle = yield* Poll.start(mixpeek.tasks, { taskId: "t1" }, { deadline })
          yield* TestClock.adjust("3 seconds")
          yield* handle.checkNow()
          yield* TestClock.adjust(1)
          assert.strictEqual((yield* handle.status)?._tag, "Pending")
          yield* TestClock.adjust("1 minute")
          assert.isUndefined(yield* Effect.as(handle.await, undefined))
        }).pipe(Effect.scoped, provide)
        // The check at 3 seconds is that of checkNow, and finds the job pending.
        assert.deepStrictEqual(times.slice(0, 4), [0, 1000, 2500, 3000])
        assert.strictEqual(times.length, 5)
      })
    )
  })

  it.effect("Poller - checks many tasks by the list, and individually those that it omits or that are due alone", () =>
    Effect.gen(function* () {
      // All first checks are due at the same time.
      const strategy = Strategy.withFirstWait(Strategy.spaced("10 seconds"), "10 seconds")
      const own = Mixpeek.make({ baseUrl: "http://h", strategy })
      const ids = ["t1", "t2", "t3"]
      const record = (task_id: string, status: string, outputs: string) => ({ ...batch, task_id, status, outputs })
      const { provide, requests } = answering((request) =>
        request.method === "POST"
          ? { tasks: ["t1", "t2"].map((id) => record(id, "COMPLETED", id)) }
          : record("t3", requests.length < 3 ? "PROCESSING" : "COMPLETED", "alone")
      )
      const watched = Effect.gen(function* () {
        const poller = yield* Poller.make({ stagger: false })
        return yield* Effect.forEach(ids, (taskId) => poller.until(own.tasks, { taskId }, { deadline }), {
          concurrency: "unbounded"
        })
      })
      const watching = yield* Effect.forkChild(provide(Effect.scoped(watched)))
      // In steps: the test clock does not wait for the body of a list, after which the check of a key that it omits begins.
      for (let step = 0; step < 12; step++) yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* Fiber.join(watching), ["t1", "t2", "alone"])
      assert.deepStrictEqual(paths(requests), ["/v1/tasks/list", "/v1/tasks/t3", "/v1/tasks/t3"])
      assert.strictEqual(own.tasks.checkMany?.max, 100)
    })
  )

  describe("sendMany", () => {
    const hour = 3_600_000
    const now = 100 * hour
    const at = TestClock.setTime(now)
    const record = (taskId: string, rest: object = {}) => ({ ...batch, task_id: taskId, status: "PROCESSING", ...rest })
    const typed = (taskId: string, submittedAt?: number) => ({ taskId, fallback, submittedAt })
    const asked = (requests: ReadonlyArray<HttpClientRequest.HttpClientRequest>) => JSON.parse(sent(requests[0]))
    const found = <A, F, E>(checks: ReadonlyMap<string, Result.Result<CheckResult.CheckResult<A, F>, E>>) =>
      Object.fromEntries(
        [...checks].map(([key, check]) => [
          key,
          Result.isSuccess(check) ? CheckResult.unannotated(check.success)._tag : "failed"
        ])
      )

    it.effect("filter - has the types and the time window of the keys", () =>
      Effect.gen(function* () {
        yield* at
        const { provide, requests } = answering(() => ({
          tasks: [
            record("other"),
            record("t2", { status: "COMPLETED", outputs: [1] }),
            record("t1"),
            record("t3", { status: "FAILED", error_message: "" }),
            record("t4", { status: "CANCELED" }),
            record("t5", { status: "DREAMING" })
          ]
        }))
        const keys = [
          typed("t1", now - hour),
          typed("t2", now - 2 * hour),
          { taskId: "t3", fallback: { taskType: "api_clusters_execute", ids: {} }, submittedAt: now },
          typed("t4", now),
          typed("t5", now),
          typed("absent", now)
        ]
        const { results: checks } = yield* provide(mixpeek.sendMany(keys))
        assert.strictEqual(requests.length, 1)
        assert.deepStrictEqual([requests[0]?.method, requests[0]?.url], ["POST", "http://h/v1/tasks/list"])
        // Five minutes on both sides for clocks that differ.
        assert.deepStrictEqual(asked(requests), {
          task_type: ["api_buckets_batches_process", "api_clusters_execute"],
          created_after: "1970-01-05T01:55:00.000Z",
          created_before: "1970-01-05T04:05:00.000Z"
        })
        assert.deepStrictEqual(found(checks), {
          [keyCodec.encode(keys[0]!)]: "Pending",
          [keyCodec.encode(keys[1]!)]: "Succeeded",
          [keyCodec.encode(keys[2]!)]: "Failed",
          [keyCodec.encode(keys[3]!)]: "Canceled",
          [keyCodec.encode(keys[4]!)]: "UnknownState"
        })
        const second = checks.get(keyCodec.encode(keys[1]!))
        assert.deepStrictEqual(
          second === undefined || Result.isFailure(second) ? second : second.success,
          Status.succeeded<unknown>([1], { state: "COMPLETED" })
        )
      })
    )

    it.effect("absent task - has no entry", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => ({ tasks: [{ unheard: 1 }, null, record("t1")] }))
        const { results: checks } = yield* provide(mixpeek.sendMany([{ taskId: "t1" }, { taskId: "t2" }]))
        assert.deepStrictEqual([...checks.keys()], ["t1"])
      })
    )

    it.effect("filter - widens to all types or the last day when a key lacks them", () =>
      Effect.gen(function* () {
        yield* at
        const { provide, requests } = answering(() => ({ tasks: [] }))
        yield* provide(mixpeek.sendMany([typed("t1", now - hour), { taskId: "t2" }]))
        assert.deepStrictEqual(asked(requests), { created_after: "1970-01-04T03:55:00.000Z" })
        const older = answering(() => ({ tasks: [] }))
        yield* older.provide(mixpeek.sendMany([typed("t1", now - 30 * hour), typed("t2")]))
        assert.deepStrictEqual(asked(older.requests), {
          task_type: ["api_buckets_batches_process"],
          created_after: "1970-01-03T21:55:00.000Z"
        })
      })
    )

    it.effect("incomplete record - has no entry", () =>
      Effect.gen(function* () {
        const { additional_data: _, error_message: __, outputs: ___, ...brief } = batch
        const less = (taskId: string, status: string) => ({ ...brief, task_id: taskId, status })
        const { provide } = answering(() => ({
          tasks: [less("t1", "COMPLETED"), less("t2", "FAILED"), less("t3", "PENDING"), less("t4", "CANCELED")]
        }))
        const keys = ["t1", "t2", "t3", "t4"].map((taskId) => ({ taskId }))
        assert.deepStrictEqual(found((yield* provide(mixpeek.sendMany(keys))).results), { t4: "Canceled" })
        const known = keys.map(({ taskId }) => typed(taskId))
        assert.deepStrictEqual(Object.values(found((yield* provide(mixpeek.sendMany(known))).results)), [
          "Pending",
          "Canceled"
        ])
      })
    )

    it.effect("errors - fail one entry when a record does not decode, and the Effect when the request fails", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => ({ tasks: [record("t1", { error_message: 7 }), record("t2")] }))
        const { results: checks } = yield* provide(mixpeek.sendMany([{ taskId: "t1" }, { taskId: "t2" }]))
        assert.deepStrictEqual(found(checks), { t1: "failed", t2: "Pending" })
        const first = checks.get("t1")
        const failure = first !== undefined && Result.isFailure(first) ? first.failure : undefined
        assert.strictEqual(failure?.reason._tag, "Decode")
        assert.include(failure?.message, "POST http://h/v1/tasks/list: 200 with unexpected JSON")
        assert.include(failure?.message, '["error_message"]')
        const down = answering(() => new Response("", { status: 503 }))
        const error = yield* Effect.flip(down.provide(mixpeek.sendMany([{ taskId: "t1" }])))
        assert.strictEqual(error.reason._tag, "Status")
      })
    )

    it.effect("keys - cause no request when empty, and may name one task twice", () =>
      Effect.gen(function* () {
        const own = Mixpeek.make({ baseUrl: "http://h", meanings: { task: { SKIPPED: "canceled" } } })
        const { provide, requests } = answering(() => ({ tasks: [record("t1", { status: "SKIPPED" })] }))
        assert.strictEqual((yield* provide(own.sendMany([]))).results.size, 0)
        assert.strictEqual(requests.length, 0)
        const { results: checks } = yield* provide(own.sendMany([{ taskId: "t1" }, typed("t1")]))
        assert.deepStrictEqual(Object.values(found(checks)), ["Canceled", "Canceled"])
      })
    )
  })

  describe("keys", () => {
    it("keyCodec - round-trips keys in one canonical form, and rejects invalid ones", () => {
      const key = { taskId: "t@1?", fallback: { taskType: "a/b", ids: { z: "1&=", a: "2" } } }
      const encoded = keyCodec.encode(key)
      assert.strictEqual(encoded, "t%401%3F@a%2Fb?a=2&z=1%26%3D")
      assert.deepStrictEqual(keyCodec.decode(encoded), key)
      assert.strictEqual(keyCodec.encode({ taskId: "t1" }), "t1")
      assert.deepStrictEqual(keyCodec.decode("t1"), { taskId: "t1" })
      assert.deepStrictEqual(resourceCodec.decode("a"), { taskType: "a", ids: {} })
      assert.throws(() => keyCodec.encode({ taskId: "" }), RangeError, "Mixpeek: key.taskId")
      const noTime = { taskId: "t1", submittedAt: Number.NaN }
      assert.throws(() => keyCodec.encode(noTime), RangeError, "Mixpeek: key.submittedAt must be milliseconds")
      assert.strictEqual(keyCodec.encode({ taskId: "t1", submittedAt: 1 }), "t1")
      assert.throws(() => Mixpeek.make({ baseUrl: " " }), RangeError, "Mixpeek.make: baseUrl")
    })
  })
})
