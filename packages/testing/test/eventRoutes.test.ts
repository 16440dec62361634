import { assert, describe, it } from "@effect/vitest"
import type * as EventConnection from "@effect-poll/testing/EventConnection"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { aged, get } from "./client.ts"

describe("the events of JobStatus", () => {
  /** The events of a job that has ended. */
  const ended = (events: ReadonlyArray<EventConnection.EventConnection>) =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      const { id } = yield* server.create("JobStatus", "job", JobScript.succeeded("10 seconds", { result: 7, events }))
      yield* TestClock.adjust("10 seconds")
      const read = (headers?: Record<string, string>) =>
        get(`${server.urls.JobStatus}/api/job-status/${id}/events`, headers)
      return { server, id, read }
    })
  const completed = '{"jobId":"job_1","status":"completed","progress":100,"result":7}'
  const all = [1, 2, 3].map((id) => `id: ${id}\ndata: ${completed}\n\n`)

  aged("checks - are three, and the server closes the connection after them", () =>
    Effect.gen(function* () {
      const { read } = yield* ended([])
      const { headers, status, text } = yield* read()
      assert.deepStrictEqual([status, headers["content-type"]], [200, "text/event-stream"])
      assert.strictEqual(text, `: hello\n\n${all.join("")}`)
    })
  )

  aged("Last-Event-ID - leaves out what was sent before, and is recorded", () =>
    Effect.gen(function* () {
      const { id, read, server } = yield* ended([])
      assert.strictEqual(
        (yield* read({ "last-event-id": "2", authorization: "Bearer x" })).text,
        `: hello\n\n${all[2]}`
      )
      assert.deepStrictEqual(yield* server.eventConnections, [
        { id, lastEventId: "2", authorization: "Bearer x", isOpen: false }
      ])
    })
  )

  aged("events - spoil the connections in order", () =>
    Effect.gen(function* () {
      const { read } = yield* ended([
        { status: 204 },
        { contentType: "text/html" },
        { splitBytes: true, retry: "3 seconds" },
        { breakAfter: 1 }
      ])
      assert.strictEqual((yield* read()).status, 204)
      assert.strictEqual((yield* read()).headers["content-type"], "text/html")
      assert.strictEqual((yield* read()).text, `retry: 3000\n\n${all.join("")}`)
      assert.strictEqual((yield* Effect.flip(read())).reason._tag, "DecodeError")
      assert.strictEqual((yield* read()).text, `: hello\n\n${all.join("")}`)
    })
  )

  aged("a job that does not exist has none", () =>
    Effect.gen(function* () {
      const server = yield* JobServer.make()
      assert.strictEqual((yield* get(`${server.urls.JobStatus}/api/job-status/job_9/events`)).status, 404)
    })
  )

  it("JobScript.make - throws a RangeError for a connection that is out of range", () => {
    const make = (event: EventConnection.EventConnection) => () => JobScript.make({ events: [event] })
    assert.throws(make({ breakAfter: -1 }), RangeError, "EventConnection: breakAfter")
    assert.throws(make({ hangAfter: 0.5 }), RangeError, "EventConnection: hangAfter")
    assert.throws(make({ loseAfter: Number.NaN }), RangeError, "EventConnection: loseAfter")
    assert.throws(make({ retry: -1 }), RangeError, "EventConnection: retry")
  })
})
