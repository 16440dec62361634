import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import type { Receipt } from "effect-poll/Job"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as GenerationApi from "@effect-poll/providers/GenerationApi"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"

const baseUrl = "http://h"

/** An answer that every submit and the list accept. */
const body = {
  task: { id: "a" },
  signalToken: "t",
  task_id: "a",
  id: "a",
  jobId: "a",
  data: { taskId: "a" },
  tasks: [{ task_id: "a", status: "PENDING", additional_data: {} }]
}

const provide = (headers: Record<string, string>) =>
  Effect.provideService(
    HttpClient.HttpClient,
    HttpClient.make((request) => Effect.succeed(HttpClientResponse.fromWeb(request, Response.json(body, { headers }))))
  )

const submission = { targetUrl: "http://me" }
const events = EventPlatform.make({ baseUrl })
const queue = AsyncQueue.make({ baseUrl })

const submits: ReadonlyArray<
  readonly [name: string, submit: Effect.Effect<Receipt<unknown, unknown, unknown>, unknown, HttpClient.HttpClient>]
> = [
  ["AsyncQueue.tasks", queue.tasks.submit!(submission)],
  ["AsyncQueue.signalTasks", queue.signalTasks.submit!(submission)],
  ["EventPlatform.tasks", events.tasks.submit!({})],
  ["EventPlatform.campaigns", events.campaigns.submit!({ eventId: "e", query: {} })],
  ["EventPlatform.packages", events.packages.submit!({})],
  [
    "GenerationApi",
    GenerationApi.make({ baseUrl, token: Redacted.make("t") }).submit!({ model: "m", input: { prompt: "p" } })
  ],
  ["JobStatus", JobStatus.make({ baseUrl }).submit!({})],
  ["Mixpeek.tasks", Mixpeek.make({ baseUrl }).tasks.submit!({ kind: "cluster" })]
]

describe("hints of submits and lists", () => {
  it.effect.each(submits)("%s - the receipt has the delay that the server requested", ([_, submit]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual((yield* provide({ "retry-after": "5" })(submit)).hint, Duration.seconds(5))
      assert.strictEqual((yield* provide({ "retry-after": "soon" })(submit)).hint, "unreadable")
      assert.isFalse("hint" in (yield* provide({})(submit)))
    })
  )

  it.effect("Mixpeek.sendMany - has the delay that the server requested", () =>
    Effect.gen(function* () {
      const { sendMany } = Mixpeek.make({ baseUrl })
      const answer = yield* provide({ "retry-after": "5" })(sendMany([{ taskId: "a" }]))
      assert.deepStrictEqual(answer.hint, Duration.seconds(5))
      assert.strictEqual(answer.results.size, 1)
      assert.isUndefined((yield* provide({})(sendMany([{ taskId: "a" }]))).hint)
    })
  )
})
