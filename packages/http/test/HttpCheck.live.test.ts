import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({
    status: Schema.Literals(["pending", "processing", "completed", "failed"]),
    result: Schema.optionalKey(Schema.Finite)
  }),
  "status",
  {
    pending: Status.pending(),
    processing: Status.pending(),
    completed: (task) => Status.succeeded(task.result),
    failed: Status.failed("failed")
  }
)

const watch = (script: JobScript.Options) =>
  Effect.gen(function* () {
    const server = yield* JobServer.make({ speed: 100 })
    const { id } = yield* server.create("JobStatus", "job", JobScript.make(script))
    const exit = yield* Effect.result(
      Poll.until(HttpCheck.get(`${server.urls.JobStatus}/api/job-status/${id}`, TaskStatus), {
        strategy: Strategy.spaced("5 millis"),
        deadline: "30 seconds",
        checkErrors: { schedule: Strategy.spaced("1 millis") }
      })
    )
    return { exit, truth: yield* server.truthOf(id) }
  }).pipe(Effect.provide(NodeHttpClient.layerUndici), Effect.provideService(References.MinimumLogLevel, "None"))

describe("HttpCheck", () => {
  it.live("a job that succeeds in spite of an outage", () =>
    Effect.gen(function* () {
      const { exit, truth } = yield* watch({
        duration: "5 seconds",
        result: 7,
        faults: [Fault.drop(1), Fault.serverError(2), Fault.badGateway(3), Fault.html(4)]
      })
      assert.strictEqual(exit._tag === "Success" ? exit.success : exit.failure.message, 7)
      assert.strictEqual(truth.faultsServed, 4)
    })
  )

  it.live("JSON that is not the task ends the wait", () =>
    Effect.gen(function* () {
      const { exit, truth } = yield* watch({ duration: "1 hour", faults: [Fault.badBody(2)] })
      assert.strictEqual(exit._tag === "Failure" ? exit.failure._tag : "", "CheckRejected")
      assert.strictEqual(truth.requests, 2)
    })
  )

  it.live("a record that is gone is missing", () =>
    Effect.gen(function* () {
      const { exit } = yield* watch({ duration: "1 hour", recordTtl: 0, recordTtlFrom: "submission" })
      assert.strictEqual(exit._tag === "Failure" ? exit.failure._tag : "", "JobNotFound")
    })
  )

  it.live("a dropped connection is a network error with a code", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const { id } = yield* server.create("JobStatus", "job", JobScript.make({ faults: [Fault.drop(1)] }))
      const url = `${server.urls.JobStatus}/api/job-status/${id}`
      const error = yield* Effect.flip(HttpCheck.get(url, TaskStatus))
      assert.match(error.message, /: network error \(\w+\): \S.*$/)
    }).pipe(Effect.provide(NodeHttpClient.layerUndici))
  )
})
