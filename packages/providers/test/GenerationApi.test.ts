import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as GenerationApi from "@effect-poll/providers/GenerationApi"
import { answering, runFor, sent } from "./support.ts"

const api = GenerationApi.make({ baseUrl: "http://h", token: Redacted.make("t0ken") })
const key = { model: "flux-2", taskId: "t/1" }
const task = (data: object) => ({ data: { taskId: "t/1", model: "flux-2", resultJson: null, failCode: null, ...data } })
const until = (options: Partial<Poll.Options<HttpCheckError>> = {}) =>
  Poll.until(api, key, { deadline: "20 minutes", ...options })

describe("GenerationApi", () => {
  describe("responses", () => {
    it.effect("success - yields the URLs in resultJson", () =>
      Effect.gen(function* () {
        const { provide, requests, times } = answering(() =>
          task({ state: "success", resultJson: '{"resultUrls":["http://f/1.png"]}' })
        )
        assert.deepStrictEqual(yield* runFor(provide(until()), "1 minute"), ["http://f/1.png"])
        assert.deepStrictEqual(times, [10_000])
        assert.strictEqual(requests[0]?.url, "http://h/generateTask/flux-2/t%2F1")
        assert.strictEqual(requests[0]?.headers["authorization"], "Bearer t0ken")
      })
    )

    it.effect.each([
      ['{"resultUrls":"SECRET"}', 'Expected array at ["data"]["resultJson"]["resultUrls"]'],
      ["SECRET{", 'Expected a valid JSON string at ["data"]["resultJson"]']
    ] as const)("resultJson - rejects the check and names the path when it is %s", ([resultJson, issue]) =>
      Effect.gen(function* () {
        const { provide } = answering(() => task({ state: "success", resultJson }))
        const error = yield* runFor(Effect.flip(provide(until())), "1 minute")
        assert.strictEqual(error._tag, "CheckRejected")
        assert.include(error.message, issue)
        assert.notInclude(error.message, "SECRET")
      })
    )

    it.effect("resultJson - ends the wait as ResultMissing and names the path when it stays null", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => task({ state: "success", resultJson: null }))
        const error = yield* runFor(Effect.flip(provide(until())), "5 minutes")
        assert.strictEqual(error._tag, "ResultMissing")
        assert.include(error.message, 'Expected string at ["resultJson"]')
      })
    )

    it.effect.each([
      ["E42", "no network today", "E42: no network today"],
      [42, "", "42: Unknown error"],
      [null, null, "Unknown error"]
    ] as const)(
      "failed - %s, %s ends the wait as JobFailed with %s, even if failMsg mentions the network",
      ([failCode, failMsg, shown]) =>
        Effect.gen(function* () {
          const { provide, requests } = answering(() => task({ state: "failed", failCode, failMsg }))
          const error = yield* Effect.flip(provide(until(GenerationApi.resilient())))
          assert.strictEqual(error._tag === "JobFailed" ? String(error.failure) : error._tag, shown)
          assert.include(error.message, `failed: ${shown}`)
          assert.strictEqual(requests.length, 1)
        })
    )

    it("Callback - decodes the status of a check, and the key when the body has both ids", () => {
      const decode = Schema.decodeUnknownSync(GenerationApi.Callback)
      const body = task({ state: "success", resultJson: '{"resultUrls":["u"]}' })
      const result = Schema.decodeSync(GenerationApi.TaskStatus)(body)
      assert.deepStrictEqual(result, Status.succeeded(["u"], { state: "success" }))
      assert.deepStrictEqual(decode(body), { key, result })
      const failed = decode({ data: { taskId: "t1", state: "failed", failCode: 7, failMsg: "no" } })
      assert.isUndefined(failed.key)
      assert.strictEqual(failed.result?._tag === "Failed" ? String(failed.result.failure) : failed.result, "7: no")
      assert.throws(() => decode({ data: { state: "success", resultJson: "{" } }), "resultJson")
    })
  })

  describe("many tasks", () => {
    const taskOf = (request: { readonly url: string }) => request.url.split("/").at(-1)!
    const done = (id: string) => task({ state: "success", resultJson: JSON.stringify({ resultUrls: [id] }) })
    const one = (taskId: string) =>
      Poll.until(api, { model: "suno", taskId }, { deadline: "10 minutes", strategy: GenerationApi.many }).pipe(
        Effect.match({ onSuccess: (urls) => urls[0], onFailure: (error) => error._tag })
      )
    const all = (ids: ReadonlyArray<string>) => Effect.forEach(ids, one, { concurrency: "unbounded" })

    it.effect("rejection - ends only the task whose check was rejected", () =>
      Effect.gen(function* () {
        const { provide } = answering((request, attempt) =>
          taskOf(request) === "b"
            ? new Response("", { status: 401 })
            : attempt > 6
              ? done(taskOf(request))
              : task({ state: "generating" })
        )
        assert.deepStrictEqual(yield* runFor(provide(all(["a", "b", "c"])), "1 minute"), ["a", "CheckRejected", "c"])
      })
    )

    it.effect("callback - ends only its own task when it throws", () =>
      Effect.gen(function* () {
        const { provide } = answering((request) => done(taskOf(request)))
        const waits = Effect.forEach(
          ["a", "b", "c"],
          (id) =>
            Effect.exit(
              Effect.map(one(id), (url) => {
                if (id === "b") throw new Error("no room")
                return url
              })
            ),
          { concurrency: "unbounded" }
        )
        const exits = yield* runFor(provide(waits), "1 minute")
        assert.deepStrictEqual(
          exits.map(({ _tag }) => _tag),
          ["Success", "Failure", "Success"]
        )
      })
    )

    it.effect("slow check - does not delay other tasks", () =>
      Effect.gen(function* () {
        const times: Array<readonly [string, number]> = []
        const client = HttpClient.make((request) =>
          Effect.gen(function* () {
            const id = taskOf(request)
            times.push([id, yield* Clock.currentTimeMillis])
            if (id === "slow") yield* Effect.sleep("50 seconds")
            const body = times.filter(([other]) => other === id).length === 4 ? done(id) : task({ state: "waiting" })
            return HttpClientResponse.fromWeb(request, new Response(JSON.stringify(body)))
          })
        )
        const both = all(["slow", "quick"]).pipe(Effect.provideService(HttpClient.HttpClient, client))
        assert.deepStrictEqual(yield* runFor(both, "10 minutes"), ["slow", "quick"])
        assert.deepStrictEqual(
          times.filter(([id]) => id === "quick").map(([, at]) => at),
          [0, 3000, 6000, 9000]
        )
      })
    )

    it.effect("interruption - aborts the check in flight, and no further check follows", () =>
      Effect.gen(function* () {
        let checks = 0
        let cut = 0
        const client = HttpClient.make((request) =>
          Effect.suspend(() => {
            checks++
            return Effect.as(Effect.sleep("2 seconds"), HttpClientResponse.fromWeb(request, new Response("{}")))
          }).pipe(Effect.onInterrupt(() => Effect.sync(() => cut++)))
        )
        const wait = one("a").pipe(Effect.provideService(HttpClient.HttpClient, client))
        const fiber = yield* Effect.forkChild(wait, { startImmediately: true })
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual([checks, cut], [1, 1])
      })
    )
  })

  describe("resilient", () => {
    it.effect("no response - tries each check three times, and still ends within 300 s", () =>
      Effect.gen(function* () {
        const { provide, times } = answering(
          (request) => new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
        )
        const error = yield* runFor(Effect.flip(provide(until(GenerationApi.resilient()))), "1 hour")
        assert.deepStrictEqual(times.slice(0, 7), [0, 1000, 3000, 9000, 10_000, 12_000, 18_000])
        assert.strictEqual(error._tag === "PollTimeout" ? error.reason : error._tag, "strategy")
        assert.isAtMost(times.at(-1)!, 300_000)
      })
    )

    it.effect("no response - continues when the network recovers", () =>
      Effect.gen(function* () {
        const { provide, times } = answering((request, attempt) =>
          attempt === 1
            ? new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request }) })
            : task({ state: attempt < 4 ? "generating" : "success", resultJson: '{"resultUrls":[]}' })
        )
        yield* runFor(provide(until(GenerationApi.resilient())), "1 hour")
        assert.deepStrictEqual(times, [0, 1000, 4000, 7000])
      })
    )

    it.effect("other errors - end the wait", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => new Response("", { status: 502 }))
        const error = yield* Effect.flip(provide(until(GenerationApi.resilient())))
        assert.strictEqual(error._tag, "CheckRejected")
        assert.strictEqual(requests.length, 1)
      })
    )
  })

  describe("submit", () => {
    it.effect("submit - is sent once, in callback mode when it has a URL", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => ({ data: { taskId: "t1" } }))
        const submission = { model: "suno", input: { prompt: "rain", tempo: 90 } }
        assert.deepStrictEqual((yield* provide(api.submit!(submission))).key, { model: "suno", taskId: "t1" })
        yield* provide(api.submit!({ ...submission, callbackUrl: "http://me" }))
        assert.deepStrictEqual(requests.map(sent), [
          '{"request_type":"async","input":{"prompt":"rain","tempo":90}}',
          '{"request_type":"callback","callback_url":"http://me","input":{"prompt":"rain","tempo":90}}'
        ])
        const failing = answering(() => new Response("", { status: 503 }))
        const error = yield* Effect.flip(failing.provide(api.submit!(submission)))
        assert.strictEqual(error.message, "POST http://h/generateTask/suno: 503 with an empty body")
        assert.strictEqual(failing.requests.length, 1)
      })
    )
  })

  describe("make", () => {
    it("keyCodec - round-trips model/taskId, and rejects any other text", () => {
      assert.strictEqual(api.key.encode(key), "flux-2/t%2F1")
      assert.deepStrictEqual(api.key.decode("flux-2/t%2F1"), key)
      for (const encoded of ["a", "a/", "/b", "a/b/c", ""]) assert.throws(() => api.key.decode(encoded), RangeError)
    })

    it("options - throw a RangeError that names an invalid one", () => {
      const token = Redacted.make("t")
      assert.throws(() => GenerationApi.make({ baseUrl: "", token }), RangeError, "GenerationApi.make: baseUrl")
      assert.throws(
        () => GenerationApi.make({ baseUrl: "h", token: Redacted.make("") }),
        RangeError,
        "GenerationApi.make: token"
      )
      assert.throws(
        () => GenerationApi.make({ baseUrl: "h", token, statusPath: "/x" }),
        RangeError,
        "GenerationApi.make: statusPath must contain {taskId}"
      )
      const noModel = { model: "", taskId: "t" }
      assert.throws(() => Poll.until(api, noModel, { deadline: 1 }), RangeError, "GenerationApi: key.model")
      assert.throws(() => api.submit!({ model: "", input: { prompt: "" } }), RangeError, "GenerationApi: model")
    })

    it.effect("strategy, statusPath - may depend on the key, and may leave out the model", () =>
      Effect.gen(function* () {
        const own = GenerationApi.make({
          baseUrl: "http://h",
          token: Redacted.make("t"),
          strategy: ({ model }) => GenerationApi.strategyFor(model === "flux-2" ? "sora-2" : "suno"),
          statusPath: "/tasks/{taskId}"
        })
        const { provide, requests, times } = answering(() =>
          task({ state: "success", resultJson: '{"resultUrls":[]}' })
        )
        yield* runFor(provide(Poll.until(own, key, { deadline: "5 minutes" })), "5 minutes")
        assert.deepStrictEqual(times, [60_000])
        assert.strictEqual(requests[0]?.url, "http://h/tasks/t%2F1")
      })
    )
  })
})
