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
  describe("states", () => {
    it.effect.each([
      ["completed", "done"],
      ["failed", "JobFailed"],
      ["timeout", "JobExpired"]
    ])("%s - ends the wait as %s", ([state, expected]) =>
      Effect.gen(function* () {
        const { provide, times } = answering((_, attempt) => ({ id: "a", status: attempt === 1 ? "waiting" : state }))
        const ended = provide(Poll.until(queue.tasks, "a", { deadline })).pipe(
          Effect.match({ onSuccess: () => "done", onFailure: (error) => error._tag })
        )
        assert.strictEqual(yield* runFor(ended, "1 minute"), expected)
        assert.deepStrictEqual(times, [5000, 10_000])
      })
    )

    it.effect("result - is decoded with its Schema, and rejects the check when it does not fit", () =>
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
    it.effect("submitSignalTask - returns a redacted token, which a plain task does not have", () =>
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
    ] as const)("%d %s - yields %s", ([status, body, expected]) =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => new Response(body, { status }))
        const outcome = yield* provide(queue.signal(token, { status: "completed", result: { ok: 1 } })).pipe(
          Effect.catch((error) => Effect.succeed(error))
        )
        assert.strictEqual(typeof outcome === "string" ? outcome : outcome._tag, expected)
        assert.notInclude(`${String(outcome)} ${JSON.stringify(outcome)}`, "T0KEN")
        assert.strictEqual(requests[0]?.url, "http://h/v1/signals/T0KEN")
        assert.strictEqual(sent(requests[0]), '{"status":"completed","result":{"ok":1}}')
      })
    )

    it.effect("token - is not traced", () =>
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
    it("completion - decodes every end to the status that a check finds", () => {
      const decode = Schema.decodeUnknownSync(AsyncQueue.completion(Schema.Finite))
      assert.deepStrictEqual(decode({ id: "a", status: "completed", result: 3 }), {
        key: "a",
        result: Status.succeeded(3, { state: "completed" })
      })
      assert.deepStrictEqual(decode({ id: "a", status: "timeout" }).result, Status.expired({ state: "timeout" }))
      assert.deepStrictEqual(
        decode({ id: "a", status: "failed", error: "declined" }).result,
        Status.failed("declined", { state: "failed" })
      )
      assert.isUndefined(decode({ status: "timeout" }).key)
      assert.throws(() => decode({ id: "a", status: "completed", result: "SECRET" }), "Expected")
    })

    it("delivery - decodes the payload to a pending push without a key", () => {
      const decode = Schema.decodeUnknownSync(AsyncQueue.delivery(Schema.Struct({ orderId: Schema.String })))
      assert.deepStrictEqual(decode({ orderId: "o1" }), {
        key: undefined,
        result: Status.pending(),
        payload: { orderId: "o1" }
      })
      assert.throws(() => decode({ order: 1 }), "orderId")
    })
  })

  it("make - throws a RangeError that names an invalid option", () => {
    assert.throws(() => AsyncQueue.make({ baseUrl: "" }), RangeError, "AsyncQueue.make: baseUrl")
    assert.throws(
      () => AsyncQueue.make({ baseUrl: "http://h", statusPath: "/x" }),
      RangeError,
      "AsyncQueue.make: statusPath must contain {id}"
    )
  })
})
