import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as Authorization from "@effect-poll/http/Authorization"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as Interpretation from "@effect-poll/http/Interpretation"
import * as LongRunning from "@effect-poll/http/LongRunning"

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({ state: Schema.Literals(["busy", "done"]), n: Schema.optionalKey(Schema.Finite) }),
  "state",
  { busy: Status.pending(), done: Status.succeeded("done") }
)

const request = HttpClientRequest.post("https://user:SECRET@h/signals/SECRET/status?key=SECRET#SECRET").pipe(
  HttpClientRequest.setUrlParam("token", "SECRET"),
  HttpClientRequest.setHeaders({ authorization: "Bearer SECRET", cookie: "SECRET", "x-signal-token": "SECRET" }),
  HttpClientRequest.bodyJsonUnsafe({ password: "SECRET" })
)

const shownUrl = "https://h/signals/<redacted>/status"

/** An error as clients make them, with all that they like to say. */
const chatty = Object.assign(new TypeError("fetch https://h/signals/SECRET failed: header Bearer SECRET"), {
  cause: Object.assign(new Error("connect SECRET"), { code: "ECONNRESET", url: "SECRET" })
})

type Sent = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

const answer =
  (body: BodyInit | null, init?: ResponseInit): Sent =>
  (request) =>
    Effect.succeed(
      HttpClientResponse.fromWeb(
        request,
        new Response(body, { ...init, headers: { "set-cookie": "SECRET", location: "/SECRET", ...init?.headers } })
      )
    )

const broken =
  (make: (request: HttpClientRequest.HttpClientRequest) => HttpClientError.HttpClientError["reason"]): Sent =>
  (request) =>
    Effect.fail(new HttpClientError.HttpClientError({ reason: make(request) }))

const ways: Record<string, Sent> = {
  "no answer": broken(
    (request) => new HttpClientError.TransportError({ request, cause: chatty, description: "SECRET" })
  ),
  "a URL that is none": broken((request) => new HttpClientError.InvalidUrlError({ request, cause: chatty })),
  "a body that cannot be sent": broken((request) => new HttpClientError.EncodeError({ request, cause: chatty })),
  "a defect of the body": (request) =>
    Effect.succeed(
      HttpClientResponse.fromWeb(
        request,
        new Response(new ReadableStream({ start: (controller) => controller.error(chatty) }))
      )
    ),
  "a 401": answer('{"error":"SECRET"}', { status: 401 }),
  "a 503 page": answer("<html>SECRET</html>", { status: 503, headers: { "content-type": "text/html" } }),
  "a 200 page": answer("<html>SECRET</html>"),
  "a body that does not fit": answer('{"state":"done","n":"SECRET"}'),
  "a body that fits in no way": answer('{"SECRET":"SECRET"}'),
  "no answer in time": () => Effect.never
}

/** All that is said of a wait: its error, spans and log lines, in every form that somebody may print. */
const everything = (client: HttpClient.HttpClient, check = HttpCheck.make(request, TaskStatus, { shownUrl })) =>
  Effect.gen(function* () {
    const spans: Array<Tracer.NativeSpan> = []
    const lines: Array<unknown> = []
    const tracer = Tracer.make({
      span: (given) => {
        const span = new Tracer.NativeSpan(given)
        spans.push(span)
        return span
      }
    })
    const fiber = yield* Effect.forkChild(
      Poll.until(check, {
        strategy: Strategy.spaced("1 second"),
        deadline: "20 minutes",
        checkTimeout: "10 seconds"
      }).pipe(
        Effect.sandbox,
        Effect.flip,
        Effect.provideService(HttpClient.HttpClient, client),
        Effect.withTracer(tracer),
        Effect.provideService(References.MinimumLogLevel, "All"),
        Effect.provide(Logger.layer([Logger.make(({ cause, message }) => lines.push(message, cause))]))
      )
    )
    yield* TestClock.adjust("20 minutes")
    const cause = yield* Fiber.join(fiber)
    const error = Cause.squash(cause)
    assert.isAbove(spans.length, 1)
    assert.isAbove(lines.length, 0)
    const shown = [
      String(error),
      error instanceof Error ? `${error.message} ${error.stack}` : "",
      Cause.pretty(cause),
      ...[
        error,
        cause,
        lines,
        spans.map((span) => [span.name, [...span.attributes], span.events, span.status])
      ].flatMap((each) => [
        JSON.stringify(each, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
        inspect(each, { depth: 20, showHidden: true, getters: true })
      ])
    ].join("\n")
    return { shown, spans }
  })

describe("secrets", () => {
  for (const [name, sent] of Object.entries(ways)) {
    it.effect(`${name} - no error, span or log line has one`, () =>
      Effect.gen(function* () {
        const { shown } = yield* everything(HttpClient.make(sent))
        const at = shown.indexOf("SECRET")
        assert.strictEqual(at === -1 ? "" : shown.slice(Math.max(0, at - 300), at + 100), "")
        assert.include(shown, shownUrl)
      })
    )
  }

  it.effect("a header that the real client refuses", () =>
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const bad = HttpClientRequest.setHeader(request, "x-signal-token", "SECRET\nSECRET")
      const { shown } = yield* everything(client, HttpCheck.make(bad, TaskStatus, { shownUrl }))
      assert.notInclude(shown, "SECRET")
    }).pipe(Effect.provide(FetchHttpClient.layer))
  )

  it.effect("tokens that cannot be had", () =>
    Effect.gen(function* () {
      for (const options of [
        { token: Effect.fail({ message: "SECRET" }) },
        { token: Effect.succeed(Redacted.make("SECRET")), refresh: Effect.fail(chatty) }
      ]) {
        const client = Authorization.client(yield* Authorization.make<unknown>(options))(
          HttpClient.make(answer("{}", { status: 401 }))
        )
        const { shown } = yield* everything(client)
        assert.notInclude(shown, "SECRET")
      }
    })
  )

  it.effect("without shownUrl, the path is shown and nothing else of the URL", () =>
    Effect.gen(function* () {
      const plain = HttpClientRequest.get("https://user:SECRET@h/tasks/1?key=SECRET#SECRET")
      const { shown } = yield* everything(HttpClient.make(ways["a 503 page"]!), HttpCheck.make(plain, TaskStatus))
      assert.notInclude(shown, "SECRET")
      assert.include(shown, "https://h/tasks/1")
    })
  )

  it.effect("a request has one span, its parent is the wait, and it is sent on", () =>
    Effect.gen(function* () {
      const parents: Array<string | undefined> = []
      const client = HttpClient.make((request) => {
        parents.push(request.headers["traceparent"])
        return answer("{}", { status: 401 })(request)
      })
      const { spans } = yield* everything(client)
      assert.deepStrictEqual(
        spans.map((span) => [span.name, span.kind]),
        [
          ["poll.wait", "internal"],
          ["POST", "client"]
        ]
      )
      assert.deepStrictEqual(Object.fromEntries(spans[1]!.attributes), {
        "http.request.method": "POST",
        "url.full": shownUrl,
        "http.response.status_code": 401
      })
      assert.deepStrictEqual(spans[1]!.parent._tag === "Some" ? spans[1]!.parent.value.spanId : "", spans[0]!.spanId)
      assert.include(parents[0], spans[1]!.spanId)
    })
  )

  it.effect("there is no span where tracing is turned off", () =>
    Effect.gen(function* () {
      for (const off of [
        Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
        Effect.provideService(Tracer.DisablePropagation, true)
      ]) {
        const spans: Array<string> = []
        const tracer = Tracer.make({
          span: (given) => {
            spans.push(given.name)
            return new Tracer.NativeSpan(given)
          }
        })
        yield* Effect.flip(
          HttpCheck.make(request, TaskStatus).pipe(
            Effect.provideService(HttpClient.HttpClient, HttpClient.make(ways["a 401"]!)),
            off,
            Effect.withTracer(tracer)
          )
        )
        assert.deepStrictEqual(spans, [])
      }
    })
  )

  describe("decode errors", () => {
    // The keys of a record may be addresses of people, and a filter may repeat the value that it rejects.
    const People = Schema.Record(Schema.String, Schema.Finite)
    const url = "https://h/people"
    const get = HttpClientRequest.get(url)
    const body = '{"SECRET@example.com": "SECRET"}'
    const decoding: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown, HttpClient.HttpClient>]> = [
      ["send", HttpCheck.send(get, People)],
      ["a check", HttpCheck.get(url, StatusSchema.succeeded(People))],
      ["a verdict", HttpCheck.get(url, TaskStatus, { interpret: () => Interpretation.succeeded(People) })],
      ["a failure", HttpCheck.get(url, TaskStatus, { interpret: () => Interpretation.failed(People) })],
      ["a partial result", HttpCheck.get(url, TaskStatus, { interpret: () => Interpretation.canceled(People) })],
      ["a long-running operation", LongRunning.run(get, { result: People, deadline: "1 minute" })]
    ]
    it.effect.each(decoding)("of %s name no key of a record", ([, effect]) =>
      Effect.gen(function* () {
        const client = HttpClient.make(answer(body, { headers: { location: "" } }))
        const error = yield* Effect.flip(Effect.provideService(effect, HttpClient.HttpClient, client))
        assert.include(String(error), "Expected number")
        assert.notInclude(`${String(error)} ${JSON.stringify(error)} ${inspect(error, { depth: 9 })}`, "SECRET")
      })
    )
  })
})
