import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { answering } from "./answering.ts"

// What a wait makes of the answers of HttpCheck.

const url = "http://h/tasks/1"

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({ status: Schema.Literals(["running", "done"]), loss: Schema.optionalKey(Schema.Unknown) }),
  "status",
  { running: Status.pending(), done: (task) => Status.succeeded(task.loss) }
)

describe("waits", () => {
  it.effect("until - a job that is throttled ten times succeeds, within the delays of its server", () =>
    Effect.gen(function* () {
      let requests = 0
      const { provide } = answering(() =>
        ++requests <= 10
          ? new Response("", { status: 429, headers: { "retry-after": "20" } })
          : Response.json({ status: "done", loss: 1 })
      )
      const Tasks = Job.make("task", {
        check: HttpCheck.check((id: string) => `http://h/${id}`, TaskStatus),
        strategy: Strategy.spaced("1 millis"),
        checkErrors: { maxConsecutive: 2 }
      })
      const result = yield* Effect.forkChild(provide(Poll.until(Tasks, "1", { deadline: "1 hour" })))
      yield* TestClock.adjust("3 minutes")
      assert.isUndefined(result.pollUnsafe())
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(result), 1)
    })
  )

  it.effect("until - one page of a proxy with 404 does not end a wait, three in a row do", () =>
    Effect.gen(function* () {
      const page = () => new Response("<html></html>", { status: 404, headers: { "content-type": "text/html" } })
      const running = () => Response.json({ status: "running" })
      const wait = (answers: ReadonlyArray<() => Response>) => {
        const left = [...answers]
        return answering(() => left.shift()!()).provide(
          Poll.until(HttpCheck.get(url, TaskStatus), { strategy: Strategy.spaced("1 second"), deadline: "1 hour" })
        )
      }
      const done = () => Response.json({ status: "done", loss: 2 })
      const borne = yield* Effect.forkChild(wait([running, page, page, running, page, done]))
      const ended = yield* Effect.forkChild(Effect.flip(wait([running, page, page, page, done])))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(yield* Fiber.join(borne), 2)
      assert.strictEqual((yield* Fiber.join(ended))._tag, "JobNotFound")
    })
  )
})
