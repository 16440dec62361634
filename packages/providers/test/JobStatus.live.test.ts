import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Poll from "effect-poll/Poll"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import { live } from "./support.ts"

const speed = 100

const submitted = (script: JobScript.Options, options: Partial<JobStatus.Options> = {}) =>
  Effect.gen(function* () {
    const server = yield* JobServer.make({ speed, script: () => JobScript.make(script) })
    const job = JobStatus.make({ baseUrl: server.urls.JobStatus, timeScale: 1 / speed, ...options })
    const { key } = yield* job.submit!({ video: 1 })
    const result = yield* Effect.result(Poll.until(job, key, { deadline: "30 seconds" }))
    return { result, truth: yield* server.truthOf(key) }
  }).pipe(Effect.orDie)

describe("JobStatus", () => {
  live("until - succeeds despite every kind of fault", () =>
    Effect.gen(function* () {
      const faults = [
        Fault.drop(1),
        Fault.serverError(2),
        Fault.badGateway(3),
        Fault.html(4),
        Fault.badBody(5),
        Fault.latency(6, "1 second")
      ]
      const { result, truth } = yield* submitted({ duration: "20 seconds", result: { output: "x" }, faults })
      assert.deepStrictEqual(result._tag === "Success" ? result.success : result.failure.message, { output: "x" })
      assert.strictEqual(truth.faultsServed, 6)
    })
  )

  live("until - fails with JobFailed when the job fails", () =>
    Effect.gen(function* () {
      const failure = { code: "E", message: "Input invalid" }
      const { result } = yield* submitted({ duration: "3 seconds", outcome: "failed", failure })
      assert.strictEqual(
        result._tag === "Failure" && result.failure._tag === "JobFailed" ? result.failure.failure : result,
        "Input invalid"
      )
    })
  )

  live("run - does not repeat a submit whose response is lost", () =>
    Effect.gen(function* () {
      const faults = [Fault.on(Fault.drop(1), "submit")]
      const server = yield* JobServer.make({ speed, script: () => JobScript.make({ faults }) })
      const job = JobStatus.make({ baseUrl: server.urls.JobStatus, timeScale: 1 / speed })
      const error = yield* Effect.flip(Poll.run(job, {}, { deadline: "30 seconds" })).pipe(Effect.orDie)
      assert.strictEqual(error._tag === "HttpCheckError" ? error.reason._tag : error._tag, "Transport")
      assert.deepStrictEqual(
        (yield* server.truth).map(({ requests }) => requests),
        [0]
      )
      assert.strictEqual(yield* server.requests, 1)
    })
  )

  live("Retry-After - is a floor in real time when it is a date", () =>
    Effect.gen(function* () {
      const { result, truth } = yield* submitted({
        duration: 0,
        faults: [Fault.tooManyRequests(1, "1 second", { as: "date" })]
      })
      assert.strictEqual(result._tag, "Success")
      assert.strictEqual(truth.requests, 2)
      assert.isAtLeast(truth.lastRequestAt! - truth.submittedAt, 990)
    })
  )

  live("until - ends as PollTimeout after thirty failed checks", () =>
    Effect.gen(function* () {
      const faults = Fault.repeat(Fault.badGateway(1), 30)
      const { result, truth } = yield* submitted({ duration: 0, faults }, { timeScale: 1 / 1000 })
      assert.strictEqual(result._tag === "Failure" ? result.failure._tag : "", "PollTimeout")
      assert.strictEqual(truth.requests, 30)
    })
  )
})
