import { assert, describe } from "@effect/vitest"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { aged, get, post, put } from "./client.ts"

const scripted = (script: JobScript.JobScript) =>
  Effect.map(JobServer.make({ script: () => script }), (server) => ({ server, url: server.urls.EventPlatform }))

describe("EventPlatform", () => {
  describe("tasks", () => {
    aged("task - is pending, running, then completed without a result", () =>
      Effect.gen(function* () {
        const { url } = yield* scripted(JobScript.succeeded("10 seconds"))
        const { json } = yield* post(`${url}/tasks`, { anything: true })
        const check = Effect.map(get(`${url}/tasks/${json.task_id}`), (reply) => reply.json)
        assert.deepStrictEqual(yield* check, {
          task_id: json.task_id,
          state: "pending",
          progress: 0,
          updated_at: "1970-01-01T00:00:00.000Z"
        })
        yield* TestClock.adjust("5 seconds")
        const running = yield* check
        assert.deepStrictEqual(
          [running.state, running.progress, running.updated_at],
          ["running", 0.5, "1970-01-01T00:00:01.000Z"]
        )
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* check, {
          task_id: json.task_id,
          state: "completed",
          progress: 1,
          updated_at: "1970-01-01T00:00:10.000Z"
        })
      })
    )

    aged("task - fails or is canceled", () =>
      Effect.gen(function* () {
        const { server, url } = yield* scripted(JobScript.make())
        const failed = yield* server.create(
          "EventPlatform",
          "task",
          JobScript.failed("1 second", { failure: { code: "E1", message: "no seats" } })
        )
        const canceled = yield* server.create("EventPlatform", "task", JobScript.canceled("1 second"))
        yield* TestClock.adjust("1 second")
        const first = (yield* get(`${url}/tasks/${failed.id}`)).json
        assert.deepStrictEqual([first.state, first.error], ["failed", "no seats"])
        const second = (yield* get(`${url}/tasks/${canceled.id}`)).json
        assert.deepStrictEqual([second.state, second.error], ["canceled", undefined])
        assert.strictEqual((yield* server.truthOf(canceled.id)).outcome, "canceled")
      })
    )
  })

  describe("campaigns", () => {
    aged("campaign - shows the end of the previous run just after a change", () =>
      Effect.gen(function* () {
        const { server, url } = yield* scripted(JobScript.succeeded("2 seconds"))
        const path = `${url}/events/evt_7/client_campaign_status`
        const check = get(`${path}/task`)
        assert.strictEqual((yield* check).status, 404)

        const first = (yield* put(`${path}?status=launched`)).json
        const fresh = (yield* check).json
        assert.deepStrictEqual([fresh.task_id, fresh.state], [first.task_id, "pending"])
        yield* TestClock.adjust("5 seconds")

        const second = (yield* put(`${path}?status=paused`)).json
        assert.notStrictEqual(second.task_id, first.task_id)
        assert.strictEqual(second.updated_at, "1970-01-01T00:00:05.000Z")
        const stale = (yield* check).json
        assert.deepStrictEqual(
          [stale.task_id, stale.state, stale.updated_at],
          [first.task_id, "completed", "1970-01-01T00:00:02.000Z"]
        )
        yield* TestClock.adjust("300 millis")
        const current = (yield* check).json
        assert.deepStrictEqual([current.task_id, current.state], [second.task_id, "running"])
        assert.strictEqual((yield* get(`${url}/tasks/${second.task_id}`)).json.state, "running")

        // The check that found the previous run counts for the new one.
        assert.strictEqual((yield* server.truthOf(first.task_id)).requests, 1)
        const truth = yield* server.truthOf(second.task_id)
        assert.deepStrictEqual([truth.requests, truth.kind, truth.ids["eid"]], [3, "campaign", "evt_7"])
        assert.strictEqual((yield* get(`${url}/events/evt_8/client_campaign_status/task`)).status, 404)
      })
    )
  })

  describe("packages", () => {
    aged("package - is PENDING, BUILDING, then DONE with a URL", () =>
      Effect.gen(function* () {
        const { server, url } = yield* scripted(JobScript.succeeded("10 seconds"))
        const submitted = (yield* post(`${url}/package_builder/packages`)).json
        assert.strictEqual(submitted.status, "PENDING")
        const check = Effect.map(get(`${url}/package_builder/packages/${submitted.id}`), (reply) => reply.json)
        assert.deepStrictEqual(yield* check, { id: submitted.id, status: "PENDING" })
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* check).status, "BUILDING")
        yield* TestClock.adjust("9 seconds")
        const truth = yield* server.truthOf(submitted.id)
        assert.isString(truth.result)
        assert.deepStrictEqual(yield* check, { id: submitted.id, status: "DONE", url: truth.result })
      })
    )

    aged("package - is FAILED or EXPIRED", () =>
      Effect.gen(function* () {
        const { server, url } = yield* scripted(JobScript.make())
        const failure = { code: "E2", message: "no template" }
        const failed = yield* server.create("EventPlatform", "package", JobScript.failed("1 second", { failure }))
        const expired = yield* server.create("EventPlatform", "package", JobScript.expired("1 second"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* get(`${url}/package_builder/packages/${failed.id}`)).json, {
          id: failed.id,
          status: "FAILED",
          error: "no template"
        })
        assert.deepStrictEqual((yield* get(`${url}/package_builder/packages/${expired.id}`)).json, {
          id: expired.id,
          status: "EXPIRED"
        })
      })
    )
  })

  describe("taste clusters", () => {
    aged("run - is queued, running, then ready with clusters, under its own event only", () =>
      Effect.gen(function* () {
        const { url } = yield* scripted(JobScript.succeeded("10 seconds", { result: [{ name: "techno" }] }))
        const { run_id } = (yield* post(`${url}/events/evt_3/taste_clusters/runs`)).json
        const check = Effect.map(get(`${url}/events/evt_3/taste_clusters/runs/${run_id}`), (reply) => reply.json)
        assert.deepStrictEqual(yield* check, { run_id, status: "queued" })
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* check, { run_id, status: "running" })
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* check, { run_id, status: "ready", clusters: [{ name: "techno" }] })
        assert.strictEqual((yield* get(`${url}/events/evt_4/taste_clusters/runs/${run_id}`)).status, 404)
      })
    )

    aged("run - ends with an error", () =>
      Effect.gen(function* () {
        const { server, url } = yield* scripted(JobScript.make())
        const failure = { code: "E3", message: "too few guests" }
        const run = yield* server.create("EventPlatform", "tasteClusters", JobScript.failed("1 second", { failure }), {
          params: { eid: "evt_5" }
        })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* get(`${url}/events/evt_5/taste_clusters/runs/${run.id}`)).json, {
          run_id: run.id,
          status: "error",
          error: "too few guests"
        })
      })
    )
  })

  describe("badges", () => {
    aged("badges - grow with time and are counted", () =>
      Effect.gen(function* () {
        const { server, url } = yield* scripted(JobScript.make())
        assert.deepStrictEqual((yield* get(`${url}/notifications/stats`)).json, { unread: 0 })
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual((yield* get(`${url}/notifications/stats`)).json, { unread: 60 })
        assert.deepStrictEqual((yield* get(`${url}/messages/unread`)).json, { unread: 2 })
        const truth = yield* server.truthOf("notifications_stats")
        assert.deepStrictEqual([truth.kind, truth.requests, truth.outcome], ["badge", 2, undefined])
        assert.strictEqual((yield* server.truthOf("messages_unread")).requests, 1)
      })
    )
  })
})
