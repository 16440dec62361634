import { assert, describe } from "@effect/vitest"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { createServer } from "node:http"
import { aged, get, post } from "./client.ts"

const scripted = (script: JobScript.JobScript, speed?: number) =>
  Effect.gen(function* () {
    const server = yield* JobServer.make({ script: () => script, speed })
    const inbox = yield* WebhookInbox.make()
    const url = `${server.urls.AsyncQueue}/v1`
    const submit = (body: object) =>
      Effect.map(post(`${url}/tasks`, { targetUrl: `${inbox.url}/target`, payload: { n: 1 }, ...body }), (reply) => {
        assert.strictEqual(reply.status, 201)
        const { signalToken, task } = reply.json
        const id: string = task.id
        return {
          id,
          first: task.status,
          signalToken,
          check: Effect.map(get(`${url}/tasks/${id}`), ({ json }) => json),
          signal: (body: object) => post(`${url}/signals/${signalToken}`, body)
        }
      })
    return { server, inbox, url, submit }
  })

const hangingUrl = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
    const server = createServer(() => {})
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      const port = typeof address === "object" ? address?.port : undefined
      const close = () => {
        server.close()
        server.closeAllConnections()
      }
      resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
).pipe(Effect.map(({ url }) => url))

// The webhook to the target takes real time, so the test waits for its effect on the state.
const untilState = <E, R>(check: Effect.Effect<{ readonly status: string }, E, R>, state: string) =>
  Effect.gen(function* () {
    let status = (yield* check).status
    while (status !== state) status = (yield* check).status
    return status
  })

describe("AsyncQueue", () => {
  aged("task - is pending, processing, then completed, and its payload reaches the target", () =>
    Effect.gen(function* () {
      const { inbox, submit } = yield* scripted(JobScript.succeeded("10 seconds", { result: { frames: 9 } }))
      const task = yield* submit({})
      assert.strictEqual(task.first, "pending")
      assert.strictEqual(task.signalToken, undefined)
      const post = yield* inbox.take
      assert.deepStrictEqual([post.path, post.body], ["/target", { n: 1 }])
      assert.deepStrictEqual(yield* task.check, { id: task.id, status: "pending" })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* task.check, { id: task.id, status: "processing" })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* task.check, { id: task.id, status: "completed", result: { frames: 9 } })
    })
  )

  aged("task - fails with an error, or times out after maxWaitTime", () =>
    Effect.gen(function* () {
      const failure = { code: "E", message: "codec" }
      const { server, submit } = yield* scripted(JobScript.failed("10 seconds", { failure }), 10)
      const failed = yield* submit({})
      const limited = yield* submit({ maxWaitTime: 5 })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* failed.check, { id: failed.id, status: "failed", error: "codec" })
      assert.deepStrictEqual(yield* limited.check, { id: limited.id, status: "timeout" })
      const truth = yield* server.truthOf(limited.id)
      assert.deepStrictEqual([truth.outcome, truth.endedAt], ["expired", 500])
    })
  )

  aged("targetUrl - may be empty or unreachable", () =>
    Effect.gen(function* () {
      const { submit } = yield* scripted(JobScript.succeeded("10 seconds"))
      const empty = yield* submit({ targetUrl: "" })
      const unreachable = yield* submit({ targetUrl: "http://127.0.0.1:1/unreachable", waitForSignal: true })
      assert.strictEqual(yield* untilState(unreachable.check, "waiting"), "waiting")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual((yield* empty.check).status, "completed")
      assert.strictEqual((yield* unreachable.check).status, "waiting")
    })
  )

  aged("targetUrl - does not delay a signal task for ever when it never responds", () =>
    Effect.gen(function* () {
      const { submit } = yield* scripted(JobScript.make())
      const targetUrl = yield* hangingUrl
      const task = yield* submit({ targetUrl, waitForSignal: true })
      assert.strictEqual((yield* task.check).status, "pending")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual((yield* task.check).status, "waiting")
    })
  )

  aged("body - is a 400 that names the invalid field", () =>
    Effect.gen(function* () {
      const { url, submit } = yield* scripted(JobScript.make())
      const noTarget = yield* post(`${url}/tasks`, { payload: 1 })
      assert.strictEqual(noTarget.status, 400)
      assert.include(noTarget.json.error, "targetUrl")
      const badLimit = yield* post(`${url}/tasks`, { targetUrl: "", maxWaitTime: -1 })
      assert.strictEqual(badLimit.status, 400)
      assert.include(badLimit.json.error, "maxWaitTime")
      const task = yield* submit({ waitForSignal: true })
      const badSignal = yield* task.signal({ status: "perhaps" })
      assert.strictEqual(badSignal.status, 400)
      assert.include(badSignal.json.error, "status")
    })
  )

  describe("signals", () => {
    aged("signal - ends the task, and a second one changes nothing", () =>
      Effect.gen(function* () {
        const { server, submit } = yield* scripted(JobScript.succeeded("1 second"))
        const task = yield* submit({ waitForSignal: true, maxWaitTime: 3600 })
        assert.strictEqual(yield* untilState(task.check, "waiting"), "waiting")
        yield* TestClock.adjust("60 seconds")
        assert.strictEqual((yield* task.check).status, "waiting")
        const first = yield* task.signal({ status: "completed", result: { approved: true } })
        assert.strictEqual(first.status, 200)
        assert.strictEqual(first.json.alreadySignaled, undefined)
        yield* TestClock.adjust("60 seconds")
        const second = yield* task.signal({ status: "failed" })
        assert.deepStrictEqual([second.status, second.json.alreadySignaled], [200, true])
        yield* TestClock.adjust("2 hours")
        assert.deepStrictEqual(yield* task.check, { id: task.id, status: "completed", result: { approved: true } })
        const truth = yield* server.truthOf(task.id)
        assert.deepStrictEqual([truth.outcome, truth.endedAt], ["succeeded", 60_000])
      })
    )

    aged("signal - fails the task", () =>
      Effect.gen(function* () {
        const { server, submit } = yield* scripted(JobScript.make())
        const task = yield* submit({ waitForSignal: true })
        yield* task.signal({ status: "failed", result: { message: "declined" } })
        const status = yield* task.check
        assert.deepStrictEqual([status.status, status.error], ["failed", "declined"])
        assert.strictEqual((yield* server.truthOf(task.id)).failure?.message, "declined")
      })
    )

    aged("signal - responds with 404, 409 or 410 when the token is unknown, finished or expired", () =>
      Effect.gen(function* () {
        const { server, submit, url } = yield* scripted(JobScript.succeeded("1 second", { endsWithoutSignal: true }))
        const unknown = yield* post(`${url}/signals/sgn_99`, { status: "completed" })
        assert.deepStrictEqual([unknown.status, unknown.json.code], [404, "unknown_token"])
        const finished = yield* submit({ waitForSignal: true })
        assert.strictEqual((yield* post(`${url}/signals/${finished.id}`, { status: "completed" })).status, 404)
        const limited = yield* server.create("AsyncQueue", "task", JobScript.make(), {
          body: { waitForSignal: true, maxWaitTime: 2 }
        })
        yield* TestClock.adjust("2 seconds")
        const late = yield* finished.signal({ status: "failed" })
        assert.deepStrictEqual([late.status, late.json.code], [409, "task_finished"])
        assert.strictEqual((yield* finished.check).status, "completed")
        const expired = yield* post(`${url}/signals/${limited.ids["signalToken"]}`, { status: "completed" })
        assert.deepStrictEqual([expired.status, expired.json.code], [410, "token_expired"])
        assert.strictEqual((yield* get(`${url}/tasks/${limited.id}`)).json.status, "timeout")
      })
    )
  })

  aged("faults - affect the response to a signal, which is carried out unless it is a 429", () =>
    Effect.gen(function* () {
      const faults = [
        Fault.on(Fault.tooManyRequests(1, "1 second"), "signal"),
        Fault.on(Fault.drop(2), "signal"),
        Fault.drop(1)
      ]
      const { server, submit } = yield* scripted(JobScript.make({ faults }))
      const task = yield* submit({ waitForSignal: true })
      assert.strictEqual((yield* task.signal({ status: "completed", result: 1 })).status, 429)
      assert.strictEqual((yield* server.truthOf(task.id)).outcome, undefined)
      const lost = yield* Effect.flip(task.signal({ status: "completed", result: 2 }))
      assert.strictEqual(lost.reason._tag, "TransportError")
      assert.strictEqual((yield* server.truthOf(task.id)).result, 2)
      const again = yield* task.signal({ status: "completed", result: 2 })
      assert.deepStrictEqual([again.status, again.json.alreadySignaled], [200, true])
      assert.strictEqual((yield* server.truthOf(task.id)).faultsServed, 2)
    })
  )

  describe("onCompleteUrl", () => {
    aged("onCompleteUrl - gets a webhook at every kind of end", () =>
      Effect.gen(function* () {
        const { inbox, submit } = yield* scripted(JobScript.succeeded("10 seconds", { result: 1 }))
        const onComplete = { targetUrl: "", onCompleteUrl: `${inbox.url}/done` }
        const signaled = yield* submit({ ...onComplete, waitForSignal: true })
        const limited = yield* submit({ ...onComplete, waitForSignal: true, maxWaitTime: 5 })
        const plain = yield* submit(onComplete)
        yield* signaled.signal({ status: "completed", result: 2 })
        const first = yield* inbox.take
        assert.deepStrictEqual([first.path, first.body], ["/done", { id: signaled.id, status: "completed", result: 2 }])
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual((yield* inbox.take).body, { id: limited.id, status: "timeout" })
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual((yield* inbox.take).body, { id: plain.id, status: "completed", result: 1 })
        const failing = yield* submit({ ...onComplete, waitForSignal: true })
        yield* failing.signal({ status: "failed", result: { message: "declined" } })
        assert.deepStrictEqual((yield* inbox.take).body, {
          id: failing.id,
          status: "failed",
          result: { message: "declined" },
          error: "declined"
        })
        assert.strictEqual((yield* inbox.received).length, 4)
      })
    )
  })
})
