import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"
import * as Tracer from "effect/Tracer"
import { HttpCheckError, type Reason } from "@effect-poll/http/HttpCheckError"
import type { RequestOptions } from "@effect-poll/http/RequestOptions"

// Paths that no rule of imports follows: what is in `internal` has no other way in.
const paths: ReadonlyArray<string> = [
  "../src/internal/request/httpRequest.ts",
  "../src/internal/request/requestPolicy.ts"
]
const [{ execute }, { make }] = (await Promise.all(paths.map((path) => import(path)))) as [
  {
    readonly execute: (
      request: HttpClientRequest.HttpClientRequest,
      fail: (reason: Reason) => HttpCheckError,
      options?: object
    ) => Effect.Effect<Answer, HttpCheckError, HttpClient.HttpClient>
  },
  { readonly make: (name: string, options: RequestOptions) => object }
]

interface Answer {
  readonly status: number
  readonly url: string
  readonly redirected: boolean
  readonly seeOther: boolean
  readonly text: string
  readonly body: unknown
  readonly bytes: Uint8Array | undefined
  readonly stream: Stream.Stream<Uint8Array, HttpCheckError> | undefined
  readonly content: { readonly kind: string; readonly type: string | undefined }
}

const home = "https://api.example.com/tasks"

const fail = (reason: Reason) => new HttpCheckError({ method: "GET", url: home, reason })

const serving = (reply: (url: string) => Response) => {
  const requests: Array<HttpClientRequest.HttpClientRequest> = []
  const client = HttpClient.make((request, url) =>
    Effect.sync(() => {
      requests.push(request)
      return HttpClientResponse.fromWeb(request, reply(url.href))
    })
  )
  const run = (url: string, options?: object) =>
    execute(HttpClientRequest.get(url, { headers: { authorization: "SECRET" } }), fail, options).pipe(
      Effect.provideService(HttpClient.HttpClient, client)
    )
  return { requests, run }
}

describe("execute", () => {
  describe("home", () => {
    it.effect("a URL elsewhere is refused before it is asked", () =>
      Effect.gen(function* () {
        const { requests, run } = serving(() => new Response("1"))
        for (const [url, rule] of [
          ["https://b.example/1", "origin"],
          ["http://api.example.com/1", "https"],
          ["https://10.0.0.1/", "private"],
          ["https://u:p@api.example.com/", "userinfo"]
        ]) {
          const error = yield* Effect.flip(run(url!, { home }))
          assert.strictEqual(error.reason._tag === "Refused" ? error.reason.rule : error.message, rule)
        }
        assert.strictEqual(requests.length, 0)
      })
    )

    it.effect("a listed origin is asked without credentials, and home with them", () =>
      Effect.gen(function* () {
        const { requests, run } = serving(() => new Response("1"))
        const policy = make("x", { allowedOrigins: ["https://b.example"] })
        yield* run("https://b.example/1", { home, policy })
        yield* run("https://api.example.com/1", { home, policy })
        assert.deepStrictEqual(
          requests.map(({ headers }) => headers["authorization"]),
          [undefined, "SECRET"]
        )
      })
    )
  })

  it.effect("tells where the answer came from", () =>
    Effect.gen(function* () {
      const { run } = serving((url) =>
        url === home ? new Response(null, { status: 303, headers: { location: "/result?x=1" } }) : new Response("1")
      )
      const followed = yield* run(home)
      assert.strictEqual(followed.url, "https://api.example.com/result?x=1")
      assert.isTrue(followed.redirected)
      assert.isTrue(followed.seeOther)
      const direct = yield* run("https://api.example.com/other#part")
      assert.isFalse(direct.redirected)
      assert.isFalse(direct.seeOther)
      const kept = yield* run(home, { followSeeOther: false })
      assert.strictEqual(kept.status, 303)
      assert.strictEqual(kept.url, home)
    })
  )

  describe("as", () => {
    const bytes = Uint8Array.of(0xff, 0xfe, 0x00, 0x7b)
    const reply = () => new Response(bytes, { headers: { "content-type": "application/octet-stream; x=1" } })

    it.effect("bytes - keeps them, and reads the body of a refusal as JSON", () =>
      Effect.gen(function* () {
        const answer = yield* serving(reply).run(home, { as: "bytes" })
        assert.deepStrictEqual(answer.bytes, bytes)
        assert.deepStrictEqual(answer.content, { kind: "other", type: "application/octet-stream" })
        const refusal = yield* serving(() => Response.json({ a: 1 }, { status: 400 })).run(home, { as: "bytes" })
        assert.deepStrictEqual(refusal.body, { a: 1 })
        assert.strictEqual(refusal.bytes, undefined)
        const empty = yield* serving(() => new Response(null, { status: 204 })).run(home, { as: "bytes" })
        assert.strictEqual(empty.content.kind, "empty")
      })
    )

    it.effect("text - parses nothing", () =>
      Effect.gen(function* () {
        const answer = yield* serving(() => new Response("[".repeat(5_000))).run(home, { as: "text" })
        assert.strictEqual(answer.text.length, 5_000)
        assert.strictEqual(answer.body, undefined)
      })
    )

    it.effect("stream - hands the body on, up to the limit", () =>
      Effect.gen(function* () {
        const policy = make("x", { maxBody: 3 })
        const answer = yield* serving(reply).run(home, { as: "stream" })
        assert.strictEqual((yield* Stream.runCollect(answer.stream!)).length, 1)
        const cut = yield* serving(reply).run(home, { as: "stream", policy })
        const error = yield* Effect.flip(Stream.runDrain(cut.stream!))
        assert.deepStrictEqual(error.reason, { _tag: "TooLarge", status: 200, maxBytes: 3 })
      })
    )
  })

  describe("pickEvent", () => {
    const events = (...chunks: ReadonlyArray<string>) =>
      new Response(
        new ReadableStream({
          start: (controller) => {
            for (const chunk of chunks) controller.enqueue(new TextEncoder().encode(chunk))
          }
        }),
        { headers: { "content-type": "text/event-stream; charset=utf-8" } }
      )
    const pickEvent = (data: string) => data.includes('"id"')

    it.effect("reads up to the event that is picked, of a stream that stays open", () =>
      Effect.gen(function* () {
        const { run } = serving(() => events('data: {"a":1}\n\n', 'data: {"i', 'd":2}\n', "\ndata: x\n\n"))
        const answer = yield* run(home, { pickEvent })
        assert.deepStrictEqual(answer.body, { id: 2 })
      })
    )

    it.effect("an event that is too large, and events that are so together, are cut off", () =>
      Effect.gen(function* () {
        const policy = make("x", { maxBody: 1_000 })
        for (const chunks of [
          [
            "data: ",
            ..."x"
              .repeat(20)
              .split("")
              .map(() => "y".repeat(100))
          ],
          Array.from({ length: 200 }, () => "data: z\n\n")
        ]) {
          const error = yield* Effect.flip(serving(() => events(...chunks)).run(home, { pickEvent, policy }))
          assert.strictEqual(error.reason._tag, "TooLarge")
        }
      })
    )
  })

  describe("tracing", () => {
    it.effect("a request has no span without a tracer, and hands on the trace that it is in", () =>
      Effect.gen(function* () {
        const { requests, run } = serving(() => new Response("1"))
        yield* run(home)
        assert.strictEqual(requests[0]?.headers["traceparent"], undefined)
        const parent = Tracer.externalSpan({ traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" })
        yield* Effect.withParentSpan(run(home), parent)
        assert.strictEqual(
          requests[1]?.headers["traceparent"],
          "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
        )
        yield* Effect.withSpan(run(home), "outer")
        assert.isString(requests[2]?.headers["b3"])
      })
    )

    it.effect("all hops of a request are in one span", () =>
      Effect.gen(function* () {
        const spans: Array<Tracer.NativeSpan> = []
        const tracer = Tracer.make({
          span: (options) => {
            const span = new Tracer.NativeSpan(options)
            spans.push(span)
            return span
          }
        })
        const { run } = serving((url) =>
          url === home ? new Response(null, { status: 302, headers: { location: "/b" } }) : new Response("1")
        )
        const exit = yield* Effect.exit(Effect.withTracer(run(home), tracer))
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual(
          spans.map(({ attributes, name }) => [
            name,
            attributes.get("url.full"),
            attributes.get("http.response.status_code")
          ]),
          [["GET", home, 200]]
        )
      })
    )
  })
})
