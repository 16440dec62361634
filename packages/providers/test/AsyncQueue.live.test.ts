import { assert, describe } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as CheckContext from "effect-poll/CheckContext"
import * as Poll from "effect-poll/Poll"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import { live } from "./support.ts"

const speed = 1000
const timeScale = 1 / speed
const deadline = "30 seconds"

const running = (script: JobScript.Options) =>
  Effect.map(JobServer.make({ speed, script: () => JobScript.make(script) }), (server) => ({
    server,
    // Nothing answers there, which the server ignores.
    submission: { targetUrl: `${server.url}/nowhere` },
    ...AsyncQueue.make({ baseUrl: server.urls.AsyncQueue, timeScale })
  }))

describe("AsyncQueue", () => {
  live("tasks - returns the result of a task despite faulty responses", () =>
    Effect.gen(function* () {
      const faults = [Fault.drop(1), Fault.badGateway(2)]
      const { server, submission, tasks } = yield* running({ duration: "60 seconds", result: { ok: true }, faults })
      const { key } = yield* tasks.submit!(submission)
      assert.deepStrictEqual(yield* Poll.until(tasks, key, { deadline }), { ok: true })
      assert.strictEqual((yield* server.truthOf(key)).faultsServed, 2)
    }).pipe(Effect.orDie)
  )

  live("tasks - fails with JobFailed when the task fails", () =>
    Effect.gen(function* () {
      const { submission, tasks } = yield* running({ duration: "5 seconds", outcome: "failed" })
      const { key } = yield* tasks.submit!(submission)
      const error = yield* Effect.flip(Poll.until(tasks, key, { deadline }))
      assert.strictEqual(error._tag === "JobFailed" ? error.failure : error._tag, "Unknown error")
    }).pipe(Effect.orDie)
  )

  live("signal - ends the task, and a second signal changes nothing", () =>
    Effect.gen(function* () {
      const { signal, signalTasks, submission, submitSignalTask } = yield* running({})
      const receipt = yield* submitSignalTask(submission)
      const paid = { status: "completed", result: { paid: 1 } } as const
      assert.strictEqual(yield* signal(receipt.signalToken, paid), "accepted")
      assert.strictEqual(yield* signal(receipt.signalToken, { status: "failed" }), "alreadySignaled")
      assert.deepStrictEqual(yield* Poll.until(signalTasks, receipt.key, { deadline }), { paid: 1 })
    }).pipe(Effect.orDie)
  )

  live("signal - takes effect when its response is lost, and can be sent again", () =>
    Effect.gen(function* () {
      const { signal, signalTasks, submission, submitSignalTask } = yield* running({
        faults: [Fault.on(Fault.drop(1), "signal")]
      })
      const receipt = yield* submitSignalTask(submission)
      const paid = { status: "completed", result: 1 } as const
      const lost = yield* Effect.flip(signal(receipt.signalToken, paid))
      assert.strictEqual(lost._tag, "HttpCheckError")
      assert.notInclude(`${lost.message} ${JSON.stringify(lost)}`, Redacted.value(receipt.signalToken))
      assert.strictEqual(yield* signal(receipt.signalToken, paid), "alreadySignaled")
      assert.strictEqual(yield* Poll.until(signalTasks, receipt.key, { deadline }), 1)
    }).pipe(Effect.orDie)
  )

  live("delivery, completion - decode what the service posts, a timeout included", () =>
    Effect.gen(function* () {
      const inbox = yield* WebhookInbox.make()
      const { signal, signalTasks, submitSignalTask } = yield* running({})
      const submission = {
        targetUrl: `${inbox.url}/target`,
        payload: { orderId: "o1" },
        maxWaitTime: "1 hour",
        onCompleteUrl: `${inbox.url}/done`
      } as const
      const deliver = Schema.decodeUnknownEffect(AsyncQueue.delivery(Schema.Struct({ orderId: Schema.String })))
      const complete = Schema.decodeUnknownEffect(AsyncQueue.completion())
      const paid = yield* submitSignalTask(submission)
      assert.deepStrictEqual((yield* deliver((yield* inbox.take).body)).payload, { orderId: "o1" })
      yield* signal(paid.signalToken, { status: "completed", result: 5 })
      const completed = yield* complete((yield* inbox.take).body)
      assert.strictEqual(completed.key, paid.key)
      assert.deepStrictEqual(completed.result, yield* signalTasks.check(paid.key, CheckContext.make()))
      const forgotten = yield* submitSignalTask({ ...submission, maxWaitTime: "2 minutes" })
      yield* inbox.take
      const expired = yield* complete((yield* inbox.take).body)
      assert.deepStrictEqual([expired.key, expired.result?._tag], [forgotten.key, "Expired"])
    }).pipe(Effect.orDie)
  )

  live("defaultDeadline - outlasts the timeout of the service when no signal is sent", () =>
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

  live("signal - fails with UnknownToken or TaskFinished when the token is not of a waiting task", () =>
    Effect.gen(function* () {
      const { signal, submission, submitSignalTask } = yield* running({ duration: 0, endsWithoutSignal: true })
      const unknown = yield* Effect.flip(signal(Redacted.make("unknown"), { status: "completed" }))
      assert.strictEqual(unknown._tag, "UnknownToken")
      const receipt = yield* submitSignalTask(submission)
      const finished = yield* Effect.flip(signal(receipt.signalToken, { status: "completed" }))
      assert.strictEqual(finished._tag, "TaskFinished")
    }).pipe(Effect.orDie)
  )
})
