import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Poll from "effect-poll/Poll"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import { live } from "./support.ts"

const speed = 1000
const timeScale = 1 / speed
const deadline = "30 seconds"

const running = (script: JobScript.Options) =>
  Effect.map(JobServer.make({ speed, script: () => JobScript.make(script) }), (server) => ({
    server,
    // Nothing listens there: the server does not mind.
    submission: { targetUrl: `${server.url}/nowhere` },
    ...AsyncQueue.make({ baseUrl: server.urls.AsyncQueue, timeScale })
  }))

describe("AsyncQueue", () => {
  live("a task that ends by itself, through faults", () =>
    Effect.gen(function* () {
      const faults = [Fault.drop(1), Fault.badGateway(2)]
      const { server, submission, tasks } = yield* running({ duration: "60 seconds", result: { ok: true }, faults })
      const { key } = yield* tasks.submit!(submission)
      assert.deepStrictEqual(yield* Poll.until(tasks, key, { deadline }), { ok: true })
      assert.strictEqual((yield* server.truthOf(key)).faultsServed, 2)
    }).pipe(Effect.orDie)
  )

  live("a task that fails", () =>
    Effect.gen(function* () {
      const { submission, tasks } = yield* running({ duration: "5 seconds", outcome: "failed" })
      const { key } = yield* tasks.submit!(submission)
      const error = yield* Effect.flip(Poll.until(tasks, key, { deadline }))
      assert.strictEqual(error._tag === "JobFailed" ? error.failure : error._tag, "Unknown error")
    }).pipe(Effect.orDie)
  )

  live("a signal, twice", () =>
    Effect.gen(function* () {
      const { signal, signalTasks, submission, submitSignalTask } = yield* running({})
      const receipt = yield* submitSignalTask(submission)
      const paid = { status: "completed", result: { paid: 1 } } as const
      assert.strictEqual(yield* signal(receipt.signalToken, paid), "accepted")
      assert.strictEqual(yield* signal(receipt.signalToken, { status: "failed" }), "alreadySignaled")
      assert.deepStrictEqual(yield* Poll.until(signalTasks, receipt.key, { deadline }), { paid: 1 })
    }).pipe(Effect.orDie)
  )

  live("nobody signals: the default deadline sees the service's own timeout", () =>
    Effect.gen(function* () {
      const { signal, signalTasks, submission, submitSignalTask } = yield* running({})
      const maxWaitTime = "10 minutes"
      const receipt = yield* submitSignalTask({ ...submission, maxWaitTime })
      const wait = Poll.until(signalTasks, receipt.key, {
        deadline: AsyncQueue.defaultDeadline(maxWaitTime, { timeScale })
      })
      assert.strictEqual((yield* Effect.flip(wait))._tag, "JobExpired")
      const late = yield* Effect.flip(signal(receipt.signalToken, { status: "completed" }))
      assert.strictEqual(late._tag, "TokenExpired")
    }).pipe(Effect.orDie)
  )

  live("tokens that are unknown, or of a finished task", () =>
    Effect.gen(function* () {
      const { signal, submission, submitSignalTask } = yield* running({ duration: 0, endsWithoutSignal: true })
      const unknown = yield* Effect.flip(signal(Redacted.make("nobody"), { status: "completed" }))
      assert.strictEqual(unknown._tag, "UnknownToken")
      const receipt = yield* submitSignalTask(submission)
      const finished = yield* Effect.flip(signal(receipt.signalToken, { status: "completed" }))
      assert.strictEqual(finished._tag, "TaskFinished")
    }).pipe(Effect.orDie)
  )
})
