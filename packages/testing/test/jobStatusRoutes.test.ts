import { assert, describe } from "@effect/vitest"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { aged, get, post } from "./client.ts"

describe("JobStatus", () => {
  const withScript = (script: JobScript.JobScript) =>
    Effect.gen(function* () {
      const server = yield* JobServer.make({ script: () => script })
      const submitted = yield* post(`${server.urls.JobStatus}/api/start-async-job`)
      assert.strictEqual(submitted.status, 202)
      const id: string = submitted.json.jobId
      return { server, id, check: Effect.map(get(`${server.urls.JobStatus}/api/job-status/${id}`), ({ json }) => json) }
    })

  aged("job - is pending, processing with progress, then completed with the result", () =>
    Effect.gen(function* () {
      const { id, check } = yield* withScript(JobScript.succeeded("10 seconds", { result: { output: "processed" } }))
      assert.deepStrictEqual(yield* check, { jobId: id, status: "pending", progress: 0 })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* check, { jobId: id, status: "processing", progress: 50 })
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* check, {
        jobId: id,
        status: "completed",
        progress: 100,
        result: { output: "processed" }
      })
    })
  )

  aged("failure - has no errorMessage when the script has none", () =>
    Effect.gen(function* () {
      const { server, id, check } = yield* withScript(JobScript.failed("1 second", { progress: "none" }))
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* check, { jobId: id, status: "failed" })
      assert.strictEqual((yield* server.truthOf(id)).outcome, "failed")
    })
  )

  aged("failure - has an empty errorMessage when the script has one", () =>
    Effect.gen(function* () {
      const { check } = yield* withScript(JobScript.failed("1 second", { failure: { code: "", message: "" } }))
      yield* TestClock.adjust("1 second")
      const status = yield* check
      assert.deepStrictEqual([status.status, status.errorMessage], ["failed", ""])
    })
  )

  aged("canceled, expired - are failures on the wire and in the truth", () =>
    Effect.gen(function* () {
      for (const script of [JobScript.canceled("1 second"), JobScript.expired("1 second")]) {
        const { server, id, check } = yield* withScript(script)
        yield* TestClock.adjust("1 second")
        const status = yield* check
        assert.deepStrictEqual([status.status, status.errorMessage], ["failed", script.outcome])
        const truth = yield* server.truthOf(id)
        assert.deepStrictEqual([truth.outcome, truth.failure?.code], ["failed", script.outcome])
      }
    })
  )

  aged("pendingState, endState - replace the states of the provider", () =>
    Effect.gen(function* () {
      const { check } = yield* withScript(
        JobScript.succeeded("1 second", { pendingState: "warming_up", endState: "archived" })
      )
      assert.strictEqual((yield* check).status, "warming_up")
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* check).status, "archived")
    })
  )

  aged("progress - stays at 0 when frozen", () =>
    Effect.gen(function* () {
      const { check } = yield* withScript(JobScript.succeeded("10 seconds", { progress: "frozen" }))
      yield* TestClock.adjust("9 seconds")
      const status = yield* check
      assert.deepStrictEqual([status.status, status.progress], ["processing", 0])
    })
  )

  aged("endless - never ends", () =>
    Effect.gen(function* () {
      const { check } = yield* withScript(JobScript.endless())
      yield* TestClock.adjust("30 days")
      const status = yield* check
      assert.deepStrictEqual([status.status, status.progress], ["processing", 0])
    })
  )

  aged("body - is a 400 when it is not an object", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const url = `${server.urls.JobStatus}/api/start-async-job`
      assert.strictEqual((yield* post(url, "{ nonsense")).status, 400)
      assert.strictEqual((yield* post(url, [1])).status, 400)
    })
  )
})
