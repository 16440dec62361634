import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import { inspect } from "node:util"
import { answering, runFor, sent } from "./support.ts"

const queue = AsyncQueue.make({ baseUrl: "http://h" })
const token = Redacted.make("T0KEN")
const deadline = "1 hour"

describe("AsyncQueue", () => {
  describe("words", () => {
    it.effect.each([
      ["completed", "done"],
      ["failed", "JobFailed"],
      ["timeout", "JobExpired"]
    ])("%s is %s", ([word, expected]) =>
      Effect.gen(function* () {
        const { provide, times } = answering((_, attempt) => ({ id: "a", status: attempt === 1 ? "waiting" : word }))
        const ended = provide(Poll.until(queue.tasks, "a", { deadline })).pipe(
          Effect.match({ onSuccess: () => "done", onFailure: (error) => error._tag })
        )
        assert.strictEqual(yield* runFor(ended, "1 minute"), expected)
        assert.deepStrictEqual(times, [5000, 10_000])
      })
    )

    it.effect("result - is decoded by its Schema", () =>
      Effect.gen(function* () {
        const typed = AsyncQueue.make({ baseUrl: "http://h", result: Schema.Struct({ paid: Schema.Boolean }) })
        const paid = answering(() => ({ status: "completed", result: { paid: true } }))
        const result = yield* runFor(paid.provide(Poll.until(typed.signalTasks, "a", { deadline })), "1 minute")
        assert.isTrue(result.paid)
        const bad = answering(() => ({ status: "completed", result: { paid: "SECRET" } }))
        const error = yield* runFor(
          Effect.flip(bad.provide(Poll.until(typed.signalTasks, "a", { deadline }))),
          "1 minute"
        )
        assert.strictEqual(error._tag, "CheckRejected")
        assert.include(error.message, 'Expected boolean at ["result"]["paid"]')
      })
    )
  })

  describe("submit", () => {
    it.effect("a task, and one that waits for a signal, whose token is redacted", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => ({ task: { id: "a", status: "pending" }, signalToken: "T0KEN" }))
        const submission = { targetUrl: "http://me", payload: { n: 1 }, maxWaitTime: "90 seconds" } as const
        assert.deepStrictEqual(yield* provide(queue.tasks.submit!(submission)), { key: "a" })
        const receipt = yield* provide(queue.submitSignalTask({ ...submission, onCompleteUrl: "http://me/done" }))
        assert.strictEqual(Redacted.value(receipt.signalToken), "T0KEN")
        assert.notInclude(`${JSON.stringify(receipt)} ${inspect(receipt)}`, "T0KEN")
        assert.deepStrictEqual(requests.map(sent), [
          '{"targetUrl":"http://me","payload":{"n":1},"maxWaitTime":90}',
          '{"targetUrl":"http://me","payload":{"n":1},"maxWaitTime":90,"onCompleteUrl":"http://me/done","waitForSignal":true}'
        ])
        assert.throws(() => queue.submitSignalTask({ targetUrl: "" }), RangeError, "AsyncQueue: targetUrl")
        assert.throws(
          () => queue.submitSignalTask({ targetUrl: "http://me", maxWaitTime: 0 }),
          RangeError,
          "AsyncQueue: maxWaitTime"
        )
      })
    )
  })

  describe("signal", () => {
    it.effect.each([
      [200, "{}", "accepted"],
      [200, "", "accepted"],
      [200, '{"alreadySignaled":true}', "alreadySignaled"],
      [404, '{"code":"unknown_token"}', "UnknownToken"],
      [409, '{"code":"task_finished"}', "TaskFinished"],
      [410, '{"code":"token_expired"}', "TokenExpired"],
      [410, "gone", "TokenExpired"],
      [500, "{}", "HttpCheckError"]
    ] as const)("%d %s is %s", ([status, body, expected]) =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => new Response(body, { status }))
        const answer = yield* provide(queue.signal(token, { status: "completed", result: { ok: 1 } })).pipe(
          Effect.catch((error) => Effect.succeed(error))
        )
        assert.strictEqual(typeof answer === "string" ? answer : answer._tag, expected)
        assert.notInclude(`${String(answer)} ${JSON.stringify(answer)}`, "T0KEN")
        assert.strictEqual(requests[0]?.url, "http://h/v1/signals/T0KEN")
        assert.strictEqual(sent(requests[0]), '{"status":"completed","result":{"ok":1}}')
      })
    )

    it.effect("the token is not traced", () =>
      Effect.gen(function* () {
        let traced = true
        const { provide } = answering(() => ({}))
        yield* queue.signal(token, { status: "failed" }).pipe(
          Effect.updateService(HttpClient.HttpClient, (client) =>
            HttpClient.transform(client, (effect, request) =>
              Effect.flatMap(HttpClient.TracerDisabledWhen, (when) => {
                traced = !when(request)
                return effect
              })
            )
          ),
          provide
        )
        assert.isFalse(traced)
      })
    )
  })

  describe("webhooks", () => {
    it("completion - the task as a check shows it, at every end", () => {
      const decode = Schema.decodeUnknownSync(AsyncQueue.completion(Schema.Finite))
      assert.deepStrictEqual(decode({ id: "a", status: "completed", result: 3 }), {
        key: "a",
        check: Status.succeeded(3, { state: "completed" })
      })
      assert.deepStrictEqual(decode({ id: "a", status: "timeout" }).check, Status.expired({ state: "timeout" }))
      assert.deepStrictEqual(
        decode({ id: "a", status: "failed", error: "declined" }).check,
        Status.failed("declined", { state: "failed" })
      )
      assert.isUndefined(decode({ status: "timeout" }).key)
      assert.throws(() => decode({ id: "a", status: "completed", result: "SECRET" }), "Expected")
    })

    it("delivery - the payload and nothing else: the task has begun, and cannot be named", () => {
      const decode = Schema.decodeUnknownSync(AsyncQueue.delivery(Schema.Struct({ orderId: Schema.String })))
      assert.deepStrictEqual(decode({ orderId: "o1" }), {
        key: undefined,
        check: Status.pending(),
        payload: { orderId: "o1" }
      })
      assert.throws(() => decode({ order: 1 }), "orderId")
    })
  })

  it("make - bad options are RangeErrors that name them", () => {
    assert.throws(() => AsyncQueue.make({ baseUrl: "" }), RangeError, "AsyncQueue.make: baseUrl")
    assert.throws(
      () => AsyncQueue.make({ baseUrl: "http://h", statusPath: "/x" }),
      RangeError,
      "AsyncQueue.make: statusPath must contain {id}"
    )
  })
})
