import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as SchemaParser from "effect/SchemaParser"
import * as Stream from "effect/Stream"
import * as CheckContext from "effect-poll/CheckContext"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as BodyParser from "@effect-poll/http/BodyParser"
import type { HttpAnswer } from "@effect-poll/http/HttpAnswer"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as Interpretation from "@effect-poll/http/Interpretation"
import { answering, inWords } from "./answering.ts"

const url = "http://h/tasks/1"
const at = `GET ${url}:`

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({ status: Schema.Literals(["running", "done", "stopped"]), loss: Schema.optionalKey(Schema.Unknown) }),
  "status",
  { running: Status.pending(), done: (task) => Status.succeeded(task.loss), stopped: Status.canceled() }
)

/** The whole body of a 2xx is the result. */
const whole = <A>(schema: Schema.Codec<A, unknown>): StatusSchema.StatusSchema<A> =>
  Schema.Unknown.pipe(
    Schema.decodeTo(Schema.declare(Status.isStatus), {
      decode: SchemaGetter.transformEffect((raw: unknown) =>
        Effect.map(SchemaParser.decodeUnknownEffect(schema)(raw), (value): Status.Status<unknown, unknown> =>
          Status.succeeded(value)
        )
      ),
      encode: SchemaGetter.forbidden(() => "no")
    })
  ) as never

/** The result of the first check that succeeds, of several answers in order. */
const resultOf = <A, F, A2 = never, F2 = never>(
  answers: ReadonlyArray<Response>,
  schema: StatusSchema.StatusSchema<A, F>,
  options?: HttpCheck.Options<A2, F2>
) => {
  const left = [...answers]
  const { provide } = answering(() => left.shift()!)
  return provide(HttpCheck.get(url, schema, options)).pipe(
    Effect.map(CheckResult.unannotated),
    Effect.repeat({ until: (found) => found._tag !== "Pending", times: answers.length - 1 })
  )
}

describe("as", () => {
  const accepted = () => new Response('{"status":"running"}', { status: 202 })

  it.effect("text - the body of a 2xx is the result", () =>
    Effect.gen(function* () {
      const csv = () => new Response("a,b\n1,2\n", { headers: { "content-type": "text/csv" } })
      const found = yield* resultOf([accepted(), csv()], whole(Schema.String), { as: "text" })
      assert.deepStrictEqual(found, Status.succeeded("a,b\n1,2\n"))
      const plain = () => new Response("42")
      const number = yield* resultOf([accepted(), plain()], whole(Schema.FiniteFromString), { as: "text" })
      assert.deepStrictEqual(number, Status.succeeded(42))
    })
  )

  it.effect("bytes - are those that came, be they text or not", () =>
    Effect.gen(function* () {
      const bytes = new Uint8Array([0xff, 0xfe, 0x00, 0xc3, 0x28])
      const found = yield* resultOf([accepted(), new Response(bytes)], whole(Schema.Uint8Array), { as: "bytes" })
      assert.deepStrictEqual(found, Status.succeeded(bytes))
    })
  )

  it.effect("stream - is read after the check", () =>
    Effect.gen(function* () {
      const chunks = [new Uint8Array([0xff]), new Uint8Array([0xfe, 1])]
      const body = new ReadableStream({
        start: (controller) => {
          for (const chunk of chunks) controller.enqueue(chunk)
          controller.close()
        }
      })
      const found = yield* resultOf([accepted(), new Response(body)], whole(HttpCheck.ByteStream), { as: "stream" })
      assert(found._tag === "Succeeded")
      assert.deepStrictEqual(yield* Stream.runCollect(found.value), chunks)
    })
  )

  it.effect("stream - more than maxBody fails the stream", () =>
    Effect.gen(function* () {
      const found = yield* resultOf([new Response(new Uint8Array(100))], whole(HttpCheck.ByteStream), {
        as: "stream",
        maxBody: 10
      })
      assert(found._tag === "Succeeded")
      const error = yield* Effect.flip(Stream.runCollect(found.value))
      assert.strictEqual(error.reason._tag, "TooLarge")
    })
  )

  const rows: ReadonlyArray<
    readonly [name: string, answer: () => Response, as: "text" | "bytes" | "stream", expected: string]
  > = [
    ["a 202 with a text", () => new Response("wait", { status: 202 }), "text", "Pending HTTP 202"],
    ["a 202 with bytes", () => new Response("wait", { status: 202 }), "bytes", "Pending HTTP 202"],
    ["a 202 with a stream", () => new Response("wait", { status: 202 }), "stream", "Pending HTTP 202"],
    ["a 204", () => new Response(null, { status: 204 }), "text", "Pending HTTP 204"],
    ["a 204 of a stream", () => new Response(null, { status: 204 }), "stream", "Pending HTTP 204"],
    ["a 404", () => new Response("{}", { status: 404 }), "stream", "Missing"],
    [
      "a 500",
      () => new Response("oops", { status: 500 }),
      "bytes",
      `Transient | ${at} 500 with a body that is not JSON (text/plain)`
    ]
  ]
  it.effect.each(rows)("as - %s is no result", ([_, answer, as, expected]) =>
    Effect.gen(function* () {
      const check = HttpCheck.get(url, whole(Schema.Unknown), { as })
      assert.strictEqual(yield* answering(answer).provide(inWords(check)), expected)
    })
  )

  it.effect("as - a 202 is read as a status, whatever the form of the result", () =>
    Effect.gen(function* () {
      for (const as of ["text", "bytes", "stream"] as const) {
        const check = HttpCheck.get(url, TaskStatus, { as })
        assert.strictEqual(yield* answering(accepted).provide(inWords(check)), "Pending running")
      }
    })
  )

  it.effect("json - a 202 whose body happens to fit the Schema of the result is no result", () =>
    Effect.gen(function* () {
      const check = HttpCheck.get(url, whole(Schema.Struct({ rows: Schema.Int })))
      const words = (status: number) => answering(() => Response.json({ rows: 0 }, { status })).provide(inWords(check))
      assert.strictEqual(yield* words(202), "Pending HTTP 202")
      assert.strictEqual(yield* words(200), "Succeeded")
    })
  )

  it.effect("as - interpret sees the JSON of an answer that is no result", () =>
    Effect.gen(function* () {
      const running = () => Response.json({ status: "running" })
      const options = {
        as: "text" as const,
        interpret: Interpretation.rules([{ body: { status: "running" } }, Status.pending({ state: "running" })])
      }
      const found = yield* resultOf([running(), new Response("a,b")], whole(Schema.String), options)
      assert.deepStrictEqual(found, Status.succeeded("a,b"))
      const bytes = yield* resultOf([running(), new Response("a")], whole(Schema.Uint8Array), {
        ...options,
        as: "bytes"
      })
      assert.strictEqual(bytes._tag, "Succeeded")
    })
  )

  it.effect("as - a function chooses by the beginning of the answer", () =>
    Effect.gen(function* () {
      const csv = () => new Response("a,b", { headers: { "content-type": "text/csv" } })
      const found = yield* resultOf([Response.json({ status: "running" }), csv()], TaskStatus, {
        as: ({ headers }) => (headers["content-type"] === "text/csv" ? "text" : "json"),
        interpret: Interpretation.rules([
          { headers: { "content-type": "text/csv" } },
          Interpretation.succeeded(Schema.String, { state: "file" })
        ])
      })
      assert.deepStrictEqual(found, Status.succeeded("a,b", { state: "file" }))
    })
  )

  it.effect("as - a function that throws is a permanent error that names it", () =>
    Effect.gen(function* () {
      const as = () => {
        throw new Error("SECRET")
      }
      const words = yield* answering(() => new Response("a")).provide(inWords(HttpCheck.get(url, TaskStatus, { as })))
      assert.strictEqual(words, `Permanent | ${at} the function of the option as threw`)
    })
  )

  it.effect("send - decodes text and bytes", () =>
    Effect.gen(function* () {
      const { provide } = answering(() => new Response("a,b"))
      const request = HttpClientRequest.get(url)
      assert.strictEqual((yield* provide(HttpCheck.send(request, Schema.String, { as: "text" }))).value, "a,b")
      const { value } = yield* provide(HttpCheck.send(request, Schema.Uint8Array, { as: "bytes" }))
      assert.deepStrictEqual(value, new Uint8Array([97, 44, 98]))
    })
  )
})

describe("charset", () => {
  const bytes = (text: string, encoding: "latin1" | "utf16le" | "utf8") => new Uint8Array(Buffer.from(text, encoding))
  const rows: ReadonlyArray<readonly [name: string, type: string, body: Uint8Array<ArrayBuffer>]> = [
    ["of the media type", "text/csv; charset=iso-8859-1", bytes("caf\u00e9", "latin1")],
    ["in quotes", 'text/csv; charset="windows-1252"', bytes("caf\u00e9", "latin1")],
    ["utf-16", "text/csv;charset=UTF-16LE", bytes("caf\u00e9", "utf16le")],
    ["that is wrong", "text/csv; charset=iso-8859-1", bytes("caf\u00e9", "utf8")],
    ["that is not known", "text/csv; charset=klingon", bytes("caf\u00e9", "utf8")]
  ]
  it.effect.each(rows)("as - reads text in a charset %s", ([_, type, body]) =>
    Effect.gen(function* () {
      const check = HttpCheck.get(url, StatusSchema.succeeded(Schema.String), { as: "text" })
      const found = yield* answering(() => new Response(body, { headers: { "content-type": type } })).provide(check)
      assert.deepStrictEqual(found, Status.succeeded("caf\u00e9"))
    })
  )
})

describe("parse", () => {
  const parsed = (body: string, parse: (text: string) => unknown) =>
    answering(() => new Response(body)).provide(inWords(HttpCheck.get(url, TaskStatus, { parse })))

  it.effect("parse - stands between the text and the Schema", () =>
    Effect.gen(function* () {
      const running = "Pending running"
      assert.strictEqual(yield* parsed('{"status":"running","loss":NaN}', BodyParser.lenient), running)
      assert.strictEqual(
        yield* parsed(')]}\'\n{"status":"running"}', BodyParser.withoutPrefix(BodyParser.json)),
        running
      )
      assert.strictEqual(
        yield* parsed('{"status":"done"}\n{"status":"running"}', BodyParser.lastLine(BodyParser.json)),
        running
      )
      assert.strictEqual(yield* parsed("status=running", (text) => Object.fromEntries([text.split("=")])), running)
    })
  )

  it.effect("parse - a SyntaxError is a body that is not JSON, anything else an error that names it", () =>
    Effect.gen(function* () {
      const type = "with a body that is not JSON (text/plain)"
      assert.strictEqual(yield* parsed("<html>", BodyParser.lenient), `Transient | ${at} 200 ${type}`)
      const threw = yield* parsed("{}", () => {
        throw new Error("SECRET")
      })
      assert.strictEqual(threw, `Permanent | ${at} the function of the option parse threw`)
    })
  )

  it.effect("send - an id of 19 digits stays exact", () =>
    Effect.gen(function* () {
      const { provide } = answering(() => new Response('{"id":1234567890123456789}'))
      const submit = HttpCheck.send(HttpClientRequest.post(url), Schema.Struct({ id: Schema.String }), {
        parse: BodyParser.exactIntegers({ as: "text" })
      })
      assert.deepStrictEqual((yield* provide(submit)).value, { id: "1234567890123456789" })
    })
  )
})

describe("result", () => {
  const Result = Schema.Struct({ rows: Schema.Int })
  const redirecting = (body: string, status = 200) =>
    answering((request) =>
      request.url.endsWith("/result")
        ? new Response(body, { status })
        : new Response(null, { status: 303, headers: { location: "/tasks/1/result" } })
    )
  const unseen = (body: string) =>
    answering(() => Object.defineProperty(new Response(body), "url", { value: "http://h/tasks/1/result" }))

  it.effect("result - decodes the body behind a 303", () =>
    Effect.gen(function* () {
      const check = HttpCheck.get(url, TaskStatus, { result: Result })
      assert.deepStrictEqual(yield* redirecting('{"rows":7}').provide(check), Status.succeeded({ rows: 7 }))
      // It may look like a status: behind a 303 it is the result all the same.
      const loose = HttpCheck.get(url, TaskStatus, { result: Schema.Struct({ status: Schema.String }) })
      assert.deepStrictEqual(
        yield* redirecting('{"status":"running"}').provide(loose),
        Status.succeeded({ status: "running" })
      )
    })
  )

  it.effect("result - what is no answer of the result is read by the table", () =>
    Effect.gen(function* () {
      const words = (body: string, status: number) =>
        redirecting(body, status).provide(inWords(HttpCheck.get(url, TaskStatus, { result: Result })))
      assert.strictEqual(yield* words("", 202), "Pending HTTP 202")
      assert.strictEqual(yield* words("{}", 404), "Missing")
      assert.strictEqual(yield* words("{}", 503), `Transient | ${at} 503`)
      assert.strictEqual(yield* words("", 200), `Transient | ${at} 200 with an empty body`)
      assert.strictEqual(
        yield* words('{"rows":"x"}', 200),
        `Permanent | ${at} 200 with unexpected JSON: Expected number at ["rows"]`
      )
    })
  )

  it.effect("result - a client that followed unseen: a status is one, anything else the result", () =>
    Effect.gen(function* () {
      const check = HttpCheck.get(url, TaskStatus, { result: Result })
      assert.deepStrictEqual(yield* unseen('{"rows":7}').provide(check), Status.succeeded({ rows: 7 }))
      assert.deepStrictEqual(
        yield* unseen('{"status":"running","rows":7}').provide(check),
        Status.pending({ state: "running" })
      )
      assert.strictEqual(yield* unseen('{"status":"odd","rows":7}').provide(inWords(check)), "UnknownState odd")
      assert.match(yield* unseen('{"x":7}').provide(inWords(check)), /^Permanent .* at \["rows"\]$/)
    })
  )

  it.effect("result - without it the body behind a 303 is a status", () =>
    Effect.gen(function* () {
      const check = HttpCheck.get(url, TaskStatus)
      assert.strictEqual(yield* redirecting('{"status":"done"}').provide(inWords(check)), "Succeeded done")
    })
  )

  it.effect("result - counts only where another URL answered", () =>
    Effect.gen(function* () {
      const check = HttpCheck.get(url, TaskStatus, { result: Result })
      const words = yield* answering(() => new Response('{"rows":7}')).provide(inWords(check))
      assert.match(words, /^Permanent .* at \["status"\]$/)
    })
  )
})

describe("reason", () => {
  const bodies: ReadonlyArray<readonly [name: string, body: unknown, expected: string | undefined]> = [
    ["a detail", { title: "Bad Request", detail: "no such model" }, "no such model"],
    ["a title", { type: "about:blank", title: "Bad Request" }, "Bad Request"],
    ["an error with a message", { error: { code: 400, message: "no such model", status: "X" } }, "no such model"],
    ["a description", { error: "invalid_request", error_description: "no such model" }, "no such model"],
    ["a message", { message: "no such model" }, "no such model"],
    ["several messages", { message: ["a is missing", "b is missing"] }, "a is missing; b is missing"],
    ["an error as text", { error: "no such model" }, "no such model"],
    ["errors with messages", { errors: [{ message: "no such model" }, { message: "x" }] }, "no such model"],
    ["errors with details", { errors: [{ title: "Bad", detail: "no such model" }] }, "no such model"],
    ["a status of Google", { error: { code: 400, status: "FAILED_PRECONDITION" } }, "FAILED_PRECONDITION"],
    ["a code", { error: { code: "OperationPreempted" } }, "OperationPreempted"],
    ["a list of details", { detail: [{ loc: ["a"], msg: "field required" }] }, "field required"],
    ["no words", { id: 7 }, undefined],
    ["blank words", { detail: " ", message: "no such model" }, "no such model"],
    ["a number for a message", { message: 7 }, undefined],
    ["no object", "no such model", undefined]
  ]
  it.effect.each(bodies)("true - reads %s", ([_, body, expected]) =>
    Effect.gen(function* () {
      const words = yield* answering(() => Response.json(body, { status: 400 })).provide(
        inWords(HttpCheck.get(url, TaskStatus, { reason: true }))
      )
      assert.strictEqual(words, expected === undefined ? `Permanent | ${at} 400` : `Permanent | ${at} 400: ${expected}`)
    })
  )

  it.effect("reason - is off by default, and never shows a body that is no JSON", () =>
    Effect.gen(function* () {
      const words = (body: string, options?: HttpCheck.Options) =>
        answering(() => new Response(body, { status: 400 })).provide(inWords(HttpCheck.get(url, TaskStatus, options)))
      assert.strictEqual(yield* words('{"detail":"SECRET"}'), `Permanent | ${at} 400`)
      assert.strictEqual(yield* words('{"detail":"SECRET"}', { reason: false }), `Permanent | ${at} 400`)
      assert.notInclude(yield* words("SECRET", { reason: true }), "SECRET")
    })
  )

  it.effect("reason - is bounded, and safe to show", () =>
    Effect.gen(function* () {
      const reasonOf = (detail: string) =>
        answering(() => Response.json({ detail }, { status: 400 })).provide(
          Effect.map(Effect.flip(HttpCheck.get(url, TaskStatus, { reason: true })), ({ reason }) =>
            reason._tag === "Status" ? reason.detail : undefined
          )
        )
      assert.strictEqual((yield* reasonOf("x".repeat(5000)))?.length, 1000)
      assert.strictEqual((yield* reasonOf(`a${"\n".repeat(5000)}b`))?.length, 1000)
      assert.strictEqual((yield* reasonOf("x".repeat(1000)))?.length, 1000)
      assert.strictEqual(
        yield* reasonOf("a\r\nERROR b\u001b[2J\u202e\u2028c"),
        "a\\r\\nERROR b\\u{1b}[2J\\u{202e}\\u{2028}c"
      )
      assert.isFalse(/[\ud800-\udbff]…$/.test((yield* reasonOf("😀".repeat(600))) ?? ""))
    })
  )

  it.effect("reason - a function reads it, and one that throws or yields no text is an error that names it", () =>
    Effect.gen(function* () {
      const words = (reason: (answer: HttpAnswer) => string | undefined) =>
        answering(() => new Response("nope", { status: 400 })).provide(
          inWords(HttpCheck.get(url, TaskStatus, { reason }))
        )
      assert.strictEqual(yield* words(({ text }) => `said ${text}`), `Permanent | ${at} 400: said nope`)
      assert.include(yield* words(() => undefined), "400 with a body that is not JSON")
      const threw = `Permanent | ${at} the function of the option reason threw`
      assert.strictEqual(yield* words(({ body }) => (body as { a: string }).a), threw)
      const yielded = `Permanent | ${at} the function of the option reason yielded no text but a value of the type number`
      assert.strictEqual(yield* words(() => 7 as never), yielded)
    })
  )

  it.effect("reason - becomes that of a cancellation that has none, and of no other ending", () =>
    Effect.gen(function* () {
      const found = (body: unknown, options: HttpCheck.Options) =>
        answering(() => Response.json(body)).provide(HttpCheck.get(url, TaskStatus, options))
      const stopped = { status: "stopped", error: { code: "OperationPreempted", message: "preempted" } }
      assert.deepStrictEqual(
        yield* found(stopped, { reason: true }),
        Status.canceled({ state: "stopped", reason: "preempted" })
      )
      assert.deepStrictEqual(yield* found(stopped, {}), Status.canceled({ state: "stopped" }))
      assert.deepStrictEqual(
        yield* found(stopped, { reason: true, interpret: () => Interpretation.expired({ reason: "late" }) }),
        Status.expired({ reason: "late" })
      )
      assert.deepStrictEqual(
        yield* found(stopped, { reason: true, interpret: () => Interpretation.expired() }),
        Status.expired({ reason: "preempted" })
      )
      assert.deepStrictEqual(
        yield* found({ status: "done", message: "well" }, { reason: true }),
        Status.succeeded(undefined, { state: "done" })
      )
    })
  )

  it.effect("reason - a verdict that is an error shows it too", () =>
    Effect.gen(function* () {
      const words = (verdict: Interpretation.Verdict<never>) =>
        answering(() => Response.json({ error: "No batch found" })).provide(
          inWords(HttpCheck.get(url, TaskStatus, { reason: true, interpret: () => verdict }))
        )
      assert.strictEqual(yield* words(Interpretation.permanent()), `Permanent | ${at} 200: No batch found`)
      assert.strictEqual(yield* words(Interpretation.permanent({ reason: "own" })), `Permanent | ${at} 200: own`)
      assert.strictEqual(yield* words(Interpretation.transient()), `Transient | ${at} 200: No batch found`)
    })
  )

  it.effect("reason - a 2xx that the Schema rejects shows nothing of its body", () =>
    Effect.gen(function* () {
      const words = yield* answering(() => Response.json({ detail: "SECRET", status: 7 })).provide(
        inWords(HttpCheck.get(url, TaskStatus, { reason: true }))
      )
      assert.notInclude(words, "SECRET")
    })
  )
})

describe("check", () => {
  it.effect("check - makes the request of a key, and gives the context to the functions of the options", () =>
    Effect.gen(function* () {
      const seen: Array<number | undefined> = []
      const note = ({ context }: HttpAnswer) => {
        seen.push(context?.attempt)
        return undefined
      }
      const check = HttpCheck.check(
        (id: string, { cursor }) => `http://h/tasks/${id}?from=${cursor ?? ""}`,
        TaskStatus,
        { interpret: note, hint: note, reason: note }
      )
      const { provide, requests } = answering(() => Response.json({ status: "running" }))
      yield* provide(check("7", CheckContext.make({ cursor: "c1", attempt: 3 })))
      assert.strictEqual(requests[0]?.url, "http://h/tasks/7?from=c1")
      assert.deepStrictEqual(seen, [3, 3, 3])
    })
  )

  it.effect("check - takes a URL, a request and an Effect that makes one", () =>
    Effect.gen(function* () {
      const { provide, requests } = answering(() => Response.json({ status: "running" }))
      const context = CheckContext.make()
      yield* provide(HttpCheck.check((id: string) => `http://h/${id}`, TaskStatus)("1", context))
      yield* provide(HttpCheck.check((id: number) => HttpClientRequest.post(`http://h/${id}`), TaskStatus)(2, context))
      const effect = HttpCheck.check(
        (id: string) =>
          id === "" ? Effect.fail("no id" as const) : Effect.succeed(HttpClientRequest.put(`http://h/${id}`)),
        TaskStatus
      )
      yield* provide(effect("3", context))
      assert.strictEqual(yield* Effect.flip(provide(effect("", context))), "no id")
      assert.deepStrictEqual(
        requests.map(({ method, url }) => `${method} ${url}`),
        ["GET http://h/1", "POST http://h/2", "PUT http://h/3"]
      )
    })
  )

  it.effect("get, make - take the context as an option", () =>
    Effect.gen(function* () {
      const interpret = ({ context }: HttpAnswer) => Status.pending({ state: String(context?.attempt) })
      const { provide } = answering(() => new Response())
      const options = { interpret, context: CheckContext.make({ attempt: 4 }) }
      assert.deepStrictEqual(yield* provide(HttpCheck.get(url, TaskStatus, options)), Status.pending({ state: "4" }))
      assert.deepStrictEqual(
        yield* provide(HttpCheck.make(HttpClientRequest.get(url), TaskStatus, options)),
        Status.pending({ state: "4" })
      )
      const none = yield* provide(HttpCheck.get(url, TaskStatus, { interpret }))
      assert.deepStrictEqual(none, Status.pending({ state: "undefined" }))
    })
  )
})
