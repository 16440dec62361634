import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Conditional from "@effect-poll/http/Conditional"
import * as HttpCheck from "@effect-poll/http/HttpCheck"

const Task = Schema.Struct({ state: Schema.Literals(["busy", "done"]) })
const cases = { busy: Status.pending({ progress: 0.5 }), done: Status.succeeded("done") }
const TaskStatus = StatusSchema.fromField(Task, "state", cases)
const OtherStatus = StatusSchema.fromField(Task, "state", cases)

/** A server with one resource; it notes the conditions that it was sent. */
const server = (resource: {
  state: string
  etag?: string
  lastModified?: string
  headers?: Record<string, string>
}) => {
  const asked: Array<string> = []
  const client = HttpClient.make((request) => {
    const etag = request.headers["if-none-match"]
    const since = request.headers["if-modified-since"]
    asked.push([etag, since].filter((each) => each !== undefined).join(" ") || "all")
    const same = etag === undefined ? since !== undefined && since === resource.lastModified : etag === resource.etag
    const headers = {
      ...(resource.etag === undefined ? {} : { etag: resource.etag }),
      ...(resource.lastModified === undefined ? {} : { "last-modified": resource.lastModified }),
      ...resource.headers
    }
    return Effect.succeed(
      HttpClientResponse.fromWeb(
        request,
        same
          ? new Response(null, { status: 304, headers: resource.headers ?? {} })
          : Response.json({ state: resource.state }, { headers })
      )
    )
  })
  return { asked, provide: Effect.provideService(HttpClient.HttpClient, client) }
}

const words = <A, F>(check: CheckResult.CheckResult<A, F>) => {
  const found = CheckResult.unannotated(check)
  return Status.isStatus(found) ? Status.describe(found) : found._tag
}

const url = "http://h/tasks/1"

describe("Conditional", () => {
  it.effect("a 304 is what the check before it found, with a hint of its own; a change is seen", () =>
    Effect.gen(function* () {
      const resource = { state: "busy", etag: '"1"', headers: { "retry-after": "3" } }
      const { asked, provide } = server(resource)
      const conditional = yield* Conditional.make()
      const check = provide(HttpCheck.get(url, TaskStatus, { conditional, run: () => ({ generation: 7 }) }))
      const first = yield* check
      const second = yield* check
      assert.deepStrictEqual(second, first)
      assert(second._tag === "Annotated")
      assert.deepStrictEqual([words(second), second.run], ["Pending busy 50%", { generation: 7 }])
      assert.strictEqual(String(second.hint), String(first._tag === "Annotated" ? first.hint : ""))
      resource.etag = '"2"'
      resource.state = "done"
      assert.strictEqual(words(yield* check), "Succeeded done")
      assert.deepStrictEqual(asked, ["all", '"1"', '"1"'])
      // An end is not kept.
      assert.strictEqual(Conditional.size(conditional), 0)
    })
  )

  it.effect("Last-Modified serves too", () =>
    Effect.gen(function* () {
      const date = "Thu, 01 Jan 2026 00:00:00 GMT"
      const { asked, provide } = server({ state: "busy", lastModified: date })
      const conditional = yield* Conditional.make()
      const check = provide(HttpCheck.get(url, TaskStatus, { conditional }))
      assert.deepStrictEqual([words(yield* check), words(yield* check)], ["Pending busy 50%", "Pending busy 50%"])
      assert.deepStrictEqual(asked, ["all", date])
    })
  )

  it.effect("a 304 without a status that is known is transient", () =>
    Effect.gen(function* () {
      const client = HttpClient.make((request) =>
        Effect.succeed(HttpClientResponse.fromWeb(request, new Response(null, { status: 304 })))
      )
      const conditional = yield* Conditional.make()
      for (const options of [{ conditional }, {}]) {
        const error = yield* HttpCheck.get(url, TaskStatus, options).pipe(
          Effect.provideService(HttpClient.HttpClient, client),
          Effect.flip
        )
        assert.strictEqual(CheckError.kindOf(error)._tag, "Transient")
      }
    })
  )

  it.effect(
    "asks for all without a validator, with another Schema, by POST, and where the request has conditions",
    () =>
      Effect.gen(function* () {
        const conditional = yield* Conditional.make()
        const bare = server({ state: "busy" })
        const check = bare.provide(HttpCheck.get(url, TaskStatus, { conditional }))
        yield* check
        yield* check
        assert.deepStrictEqual([bare.asked, Conditional.size(conditional)], [["all", "all"], 0])
        const { asked, provide } = server({ state: "busy", etag: '"1"' })
        const make = (request: HttpClientRequest.HttpClientRequest, schema = TaskStatus) =>
          provide(HttpCheck.make(request, schema, { conditional }))
        yield* make(HttpClientRequest.get(url))
        yield* make(HttpClientRequest.get(url), OtherStatus)
        yield* make(HttpClientRequest.post(url))
        yield* make(HttpClientRequest.get(`${url}?other`))
        yield* make(HttpClientRequest.get(url).pipe(HttpClientRequest.setUrlParam("other", "1")))
        assert.deepStrictEqual(asked, ["all", "all", "all", "all", "all"])
        yield* make(HttpClientRequest.get(url).pipe(HttpClientRequest.setHeader("if-none-match", '"0"')), OtherStatus)
        yield* make(HttpClientRequest.get(url), OtherStatus)
        assert.deepStrictEqual(asked.slice(5), ['"0"', '"1"'])
      })
  )

  it.effect("a job that was missing meanwhile is asked for anew", () =>
    Effect.gen(function* () {
      const conditional = yield* Conditional.make()
      const resource = { state: "busy", etag: '"1"' }
      const { asked, provide } = server(resource)
      const gone = { isGone: false }
      const interpret = () => (gone.isGone ? CheckResult.missing : undefined)
      const check = provide(HttpCheck.get(url, TaskStatus, { conditional, interpret }))
      yield* check
      gone.isGone = true
      assert.strictEqual(words(yield* check), "Missing")
      gone.isGone = false
      yield* check
      assert.deepStrictEqual(asked, ["all", '"1"', "all"])
    })
  )

  it.effect("keeps no more than its capacity: what was checked least recently goes", () =>
    Effect.gen(function* () {
      const { asked, provide } = server({ state: "busy", etag: '"1"' })
      const conditional = yield* Conditional.make({ capacity: 2 })
      const check = (id: string) => provide(HttpCheck.get(`http://h/${id}`, TaskStatus, { conditional }))
      for (const id of ["a", "b", "a", "c", "a", "b"]) yield* check(id)
      assert.deepStrictEqual(asked, ["all", "all", '"1"', "all", '"1"', "all"])
      for (let i = 0; i < 1000; i++) yield* check(`x${i}`)
      assert.strictEqual(Conditional.size(conditional), 2)
    })
  )

  it("make - a capacity that is none is a RangeError", () => {
    assert.throws(() => Conditional.make({ capacity: 0 }), RangeError, "Conditional.make: capacity")
  })
})
