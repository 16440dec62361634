import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as CheckContext from "effect-poll/CheckContext"
import * as Poll from "effect-poll/Poll"
import * as GenerationApi from "@effect-poll/providers/GenerationApi"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import { live } from "./support.ts"

const speed = 100
const timeScale = 1 / speed
const deadline = "30 seconds"
const token = Redacted.make("t0ken")

const running = (script: JobScript.Options) =>
  Effect.map(JobServer.make({ speed, token, script: () => JobScript.make(script) }), (server) => ({
    server,
    api: GenerationApi.make({ baseUrl: server.urls.GenerationApi, token, timeScale })
  }))

describe("GenerationApi", () => {
  live("until - returns the URLs with one check after the end", () =>
    Effect.gen(function* () {
      const { api, server } = yield* running({ duration: "7 seconds" })
      const { key } = yield* api.submit!({ model: "nano-banana", input: { prompt: "a heron" } })
      const urls = yield* Poll.until(api, key, { deadline })
      assert.deepStrictEqual(urls, [`https://files.example.com/generated/${key.taskId}.png`])
      assert.strictEqual((yield* server.truthOf(key.taskId)).checksAfterEnd, 1)
    }).pipe(Effect.orDie)
  )

  live("until - rejects a malformed resultJson, and fails with the job whose message mentions the network", () =>
    Effect.gen(function* () {
      const broken = yield* running({ duration: 0, result: "{broken" })
      const one = yield* broken.api.submit!({ model: "suno", input: { prompt: "rain" } })
      const rejected = yield* Effect.flip(Poll.until(broken.api, one.key, { deadline }))
      assert.strictEqual(rejected._tag, "CheckRejected")
      const failing = yield* running({
        duration: 0,
        outcome: "failed",
        failure: { code: "E7", message: "network busy" }
      })
      const two = yield* failing.api.submit!({ model: "suno", input: { prompt: "rain" } })
      const wait = { deadline, ...GenerationApi.resilient({ timeScale }) } as const
      const failed = yield* Effect.flip(Poll.until(failing.api, two.key, wait))
      assert.strictEqual(failed._tag === "JobFailed" ? String(failed.failure) : failed._tag, "E7: network busy")
      assert.strictEqual((yield* failing.server.truthOf(two.key.taskId)).requests, 1)
    }).pipe(Effect.orDie)
  )

  live("resilient - survives a network outage", () =>
    Effect.gen(function* () {
      const { api, server } = yield* running({ duration: "10 seconds", faults: Fault.repeat(Fault.drop(1), 4) })
      const { key } = yield* api.submit!({ model: "suno", input: { prompt: "rain" } })
      const urls = yield* Poll.until(api, key, { deadline, ...GenerationApi.resilient({ timeScale }) })
      assert.strictEqual(urls.length, 1)
      assert.strictEqual((yield* server.truthOf(key.taskId)).faultsServed, 4)
    }).pipe(Effect.orDie)
  )

  live("Callback - decodes the webhook to the status of a check", () =>
    Effect.gen(function* () {
      const inbox = yield* WebhookInbox.make()
      const decode = Schema.decodeUnknownEffect(GenerationApi.Callback)
      const failure = { code: "E7", message: "network busy" }
      for (const script of [
        { duration: "3 seconds" },
        { duration: "3 seconds", outcome: "failed", failure }
      ] as const) {
        const { api } = yield* running(script)
        const submission = { model: "suno", input: { prompt: "rain" }, callbackUrl: `${inbox.url}/hook` }
        const { key } = yield* api.submit!(submission)
        const push = yield* decode((yield* inbox.take).body)
        assert.deepStrictEqual(push.key, key)
        assert.deepStrictEqual(push.result, yield* api.check(key, CheckContext.make()))
      }
    }).pipe(Effect.orDie)
  )

  live("token - is refused when wrong, and never shown in an error", () =>
    Effect.gen(function* () {
      const { server } = yield* running({})
      const wrong = GenerationApi.make({
        baseUrl: server.urls.GenerationApi,
        token: Redacted.make("SECRET"),
        timeScale
      })
      const refused = yield* Effect.flip(wrong.submit!({ model: "suno", input: { prompt: "rain" } }))
      assert.match(refused.message, /: 401$/)
      const rejected = yield* Effect.flip(Poll.until(wrong, { model: "suno", taskId: "t" }, { deadline }))
      assert.strictEqual(rejected._tag, "CheckRejected")
      assert.notInclude(`${rejected.message} ${JSON.stringify(rejected)}`, "SECRET")
    }).pipe(Effect.orDie)
  )
})
