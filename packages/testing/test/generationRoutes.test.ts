import { assert, describe } from "@effect/vitest"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { aged, get, post } from "./client.ts"

const authorization = { authorization: "Bearer key_1" }

const submission = { request_type: "async", input: { prompt: "a cat" } }

const scripted = (script: JobScript.JobScript) =>
  Effect.map(JobServer.make({ script: () => script, token: "key_1" }), (server) => ({
    server,
    url: `${server.urls.GenerationApi}/generateTask/sora-2`
  }))

describe("GenerationApi", () => {
  aged("task - is waiting, generating, then successful with JSON in a string", () =>
    Effect.gen(function* () {
      const { server, url } = yield* scripted(JobScript.succeeded("10 seconds", { result: ["https://a", "https://b"] }))
      const { taskId } = (yield* post(url, submission, authorization)).json.data
      const check = Effect.map(get(`${url}/${taskId}`, authorization), (reply) => reply.json.data)
      const pending = { taskId, model: "sora-2", resultJson: null, failCode: null, failMsg: null }
      assert.deepStrictEqual(yield* check, { ...pending, state: "waiting" })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* check, { ...pending, state: "generating" })
      yield* TestClock.adjust("5 seconds")
      const done = yield* check
      assert.strictEqual(done.state, "success")
      assert.deepStrictEqual(JSON.parse(done.resultJson), { resultUrls: ["https://a", "https://b"] })
      assert.deepStrictEqual((yield* server.truthOf(taskId)).result, { resultUrls: ["https://a", "https://b"] })
      const other = `${server.urls.GenerationApi}/generateTask/suno/${taskId}`
      assert.strictEqual((yield* get(other, authorization)).status, 404)
    })
  )

  aged("task - fails with code and message, or with neither", () =>
    Effect.gen(function* () {
      const { server, url } = yield* scripted(JobScript.make())
      const failure = { code: "422", message: "network of the model is down" }
      const explained = yield* server.create("GenerationApi", "sora-2", JobScript.failed("1 second", { failure }))
      const unexplained = yield* server.create("GenerationApi", "sora-2", JobScript.failed("1 second"))
      yield* TestClock.adjust("1 second")
      const first = (yield* get(`${url}/${explained.id}`, authorization)).json.data
      assert.deepStrictEqual([first.state, first.failCode, first.failMsg], ["failed", failure.code, failure.message])
      const second = (yield* get(`${url}/${unexplained.id}`, authorization)).json.data
      assert.deepStrictEqual([second.state, second.failCode, second.failMsg], ["failed", null, null])
    })
  )

  aged("result - is sent verbatim when it is text, and defaults to one URL", () =>
    Effect.gen(function* () {
      const { server, url } = yield* scripted(JobScript.make())
      const broken = yield* server.create("GenerationApi", "sora-2", JobScript.succeeded(0, { result: "{ broken" }))
      assert.strictEqual((yield* get(`${url}/${broken.id}`, authorization)).json.data.resultJson, "{ broken")
      const unscripted = yield* server.create("GenerationApi", "sora-2", JobScript.succeeded(0))
      const { data } = (yield* get(`${url}/${unscripted.id}`, authorization)).json
      assert.strictEqual(JSON.parse(data.resultJson).resultUrls.length, 1)
    })
  )

  aged("request - is a 400 that names an invalid field, or a 401 without the token", () =>
    Effect.gen(function* () {
      const { url } = yield* scripted(JobScript.make())
      const noPrompt = yield* post(url, { request_type: "async", input: {} }, authorization)
      assert.strictEqual(noPrompt.status, 400)
      assert.include(noPrompt.json.error, "prompt")
      const noUrl = yield* post(url, { ...submission, request_type: "callback" }, authorization)
      assert.strictEqual(noUrl.status, 400)
      assert.include(noUrl.json.error, "callback_url")
      assert.strictEqual((yield* post(url, submission)).status, 401)
    })
  )

  aged("callback_url - gets the payload of a check at the end", () =>
    Effect.gen(function* () {
      const { url } = yield* scripted(JobScript.succeeded("10 seconds"))
      const inbox = yield* WebhookInbox.make()
      const body = { ...submission, request_type: "callback", callback_url: `${inbox.url}/hook` }
      const { taskId } = (yield* post(url, body, authorization)).json.data
      yield* TestClock.adjust("9 seconds")
      assert.deepStrictEqual(yield* inbox.received, [])
      yield* TestClock.adjust("1 hour")
      const delivered = yield* inbox.take
      assert.strictEqual(delivered.path, "/hook")
      assert.deepStrictEqual(delivered.body, (yield* get(`${url}/${taskId}`, authorization)).json)
    })
  )
})
