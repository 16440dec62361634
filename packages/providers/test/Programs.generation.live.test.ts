import { assert, describe } from "@effect/vitest"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"
import * as Wakes from "effect-poll/Wakes"
import { generator } from "./programs/generation.ts"
import { live } from "./programs/running.ts"
import { eventually, listen, receive } from "./programs/serving.ts"

const hookSecret = "5ecret-of-the-path-01"
const token = Redacted.make("t0ken")

const setUp = Effect.fnUntraced(function* (script: JobScript.Options, options: { readonly lost?: boolean } = {}) {
  const server = yield* JobServer.make({ token, script: () => JobScript.make(script) })
  const at = yield* listen
  const { api, callbacks, generate } = generator({
    apiUrl: server.urls.GenerationApi,
    token,
    publicUrl: options.lost === true ? "http://127.0.0.1:9" : at.url,
    hookSecret
  })
  const wakes = Layer.succeed(Wakes.Wakes, yield* Wakes.make())
  const { log } = yield* receive([callbacks], wakes, at)
  const start = <A, E, R>(wait: Effect.Effect<A, E, R>) =>
    Effect.forkScoped(Effect.provide(wait, wakes), { startImmediately: true })
  const post = (path: string, body: unknown) =>
    Effect.map(
      HttpClient.execute(HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post(`${at.url}${path}`), body)),
      ({ status }) => status
    )
  const jobs = Effect.map(server.truth, (all) => all.filter(({ kind }) => kind === "sora-2"))
  return { api, callbacks, generate, jobs, log, post, server, start, wakes }
})

const seldom = Strategy.spaced("10 minutes")

describe("GenerationApi in callback mode", () => {
  live("callback - wakes the wait, whose check finds the URLs", () =>
    Effect.gen(function* () {
      const { generate, jobs, log, start } = yield* setUp({ duration: "300 millis" })
      const urls = yield* Fiber.join(yield* start(generate("sora-2", "a heron at dawn", seldom)))
      assert.strictEqual(urls.length, 1)
      const [job] = yield* jobs
      assert.deepStrictEqual([job?.requests, job?.checksAfterEnd], [2, 1])
      assert.deepStrictEqual(
        (yield* log.entries).map(({ did, status, verified }) => [did, status, verified]),
        [["woke", 200, false]]
      )
    })
  )

  live("callback of a failure - the check finds it", () =>
    Effect.gen(function* () {
      const failure = { code: "E7", message: "network busy" }
      const { generate, start } = yield* setUp({ duration: "200 millis", outcome: "failed", failure })
      const error = yield* Effect.flip(Fiber.join(yield* start(generate("sora-2", "a heron", seldom))))
      assert.strictEqual(error._tag === "JobFailed" ? String(error.failure) : error._tag, "E7: network busy")
    })
  )

  live("callback lost - polling behind it finds the URLs", () =>
    Effect.gen(function* () {
      const { generate, start } = yield* setUp({ duration: "300 millis" }, { lost: true })
      const wait = yield* start(generate("sora-2", "a heron", Strategy.spaced("100 millis")))
      assert.strictEqual((yield* Fiber.join(wait)).length, 1)
    })
  )

  live("forged, 30 times - a check, never a result; a wrong secret is a 404", () =>
    Effect.gen(function* () {
      const { generate, jobs, post, start } = yield* setUp({ duration: "3 seconds" })
      const wait = yield* start(generate("sora-2", "a heron", seldom))
      yield* eventually(Effect.map(jobs, ([job]) => job?.requests === 1))
      const taskId = (yield* jobs)[0]!.id
      const stolen = { model: "sora-2", taskId, state: "success", resultJson: '{"resultUrls":["stolen"]}' }
      assert.strictEqual(yield* post("/hooks/generation/guess", { data: stolen }), 404)
      const posts = Array.from({ length: 30 }, () => post(`/hooks/generation/${hookSecret}`, { data: stolen }))
      const statuses = yield* Effect.all(posts, { concurrency: 10 })
      assert.deepStrictEqual([...new Set(statuses)], [200])
      yield* eventually(Effect.map(jobs, ([job]) => job?.requests === 2))
      assert.strictEqual(wait.pollUnsafe(), undefined)
      assert.notInclude(JSON.stringify(yield* Fiber.join(wait)), "stolen")
      assert.isAtMost((yield* jobs)[0]!.requests, 5)
    })
  )

  live("before the wait - a wait that starts after the callback finds the end by its first check", () =>
    Effect.gen(function* () {
      const { api, generate, jobs, log, start } = yield* setUp({ duration: "100 millis" })
      const scope = yield* Scope.make()
      yield* Scope.provide(start(generate("sora-2", "a heron", seldom)), scope)
      yield* eventually(Effect.map(jobs, (all) => all.length === 1))
      // The program stops, the callback finds nobody, and the next program resumes by the key.
      yield* Scope.close(scope, Exit.void)
      yield* eventually(Effect.map(log.entries, (entries) => entries.length === 1))
      const taskId = (yield* jobs)[0]!.id
      const options = { deadline: "1 minute", strategy: Strategy.withFirstWait(seldom, "10 minutes") } as const
      const wait = yield* start(Poll.until(api, { model: "sora-2", taskId }, options))
      assert.strictEqual((yield* Fiber.join(wait)).length, 1)
    })
  )
})
