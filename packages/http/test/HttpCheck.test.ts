import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as Predicate from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as Interpretation from "@effect-poll/http/Interpretation"
import * as HintReader from "@effect-poll/http/HintReader"
import type { HttpAnswer } from "@effect-poll/http/HttpAnswer"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { HttpCheckError, safeUrl } from "@effect-poll/http/HttpCheckError"
import { answering, inWords } from "./answering.ts"

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({ state: Schema.Literals(["busy", "done"]), size: Schema.optionalKey(Schema.Finite) }),
  "state",
  { busy: Status.pending(), done: (task) => Status.succeeded(task.size) }
)

const json = { "content-type": "application/json" }
const url = "http://user:pass@h/v1/tasks/1?key=secret#top"
const page = "<html>SECRET</html>"

/** What a check finds in an answer, in a few words. */
const said = (body: string | null, init: ResponseInit, options?: HttpCheck.Options<unknown, unknown>) =>
  answering(() => new Response(body, init)).provide(inWords(HttpCheck.get(url, TaskStatus, options)))

const at = "GET http://h/v1/tasks/1:"

const table: ReadonlyArray<readonly [name: string, body: string | null, init: ResponseInit, expected: string]> = [
  ["a listed word", '{"state":"busy"}', { headers: json }, "Pending busy"],
  ["an end", '{"state":"done","size":3}', { headers: json }, "Succeeded done"],
  ["a 202", '{"state":"busy"}', { status: 202 }, "Pending busy"],
  ["JSON of another media type", '{"state":"busy"}', { headers: { "content-type": "text/plain" } }, "Pending busy"],
  ["an unknown state", '{"state":"odd","size":"x"}', { headers: json }, "UnknownState odd"],
  ["a hint on a 200", '{"state":"busy"}', { headers: { "retry-after": "7" } }, "Pending busy | 7000"],
  ["a hint on a 202", '{"state":"busy"}', { status: 202, headers: { "retry-after": " 0 " } }, "Pending busy | 0"],
  ["a huge hint", '{"state":"busy"}', { headers: { "retry-after": "999999999" } }, "Pending busy | 999999999000"],
  ["an unreadable hint", '{"state":"busy"}', { headers: { "retry-after": "1e3" } }, "Pending busy | unreadable"],
  [
    "a hint that is a date",
    '{"state":"busy"}',
    { headers: { "retry-after": "Thu, 01 Jan 1970 00:01:30 GMT" } },
    "Pending busy | 30000"
  ],
  [
    "a hint that is past",
    '{"state":"busy"}',
    { headers: { "retry-after": "Thu, 01 Jan 1970 00:00:30 GMT" } },
    "Pending busy"
  ],
  [
    "a hint that is a date, and past by the clock of the server only",
    '{"state":"busy"}',
    { headers: { "retry-after": "Thu, 01 Jan 1970 00:01:30 GMT", date: "Thu, 01 Jan 1970 00:02:00 GMT" } },
    "Pending busy"
  ],
  [
    "a hint in milliseconds",
    '{"state":"busy"}',
    { headers: { "openai-poll-after-ms": "1500", "retry-after": "7" } },
    "Pending busy | 1500"
  ],
  ["a 404", '{"error":"SECRET"}', { status: 404 }, "Missing"],
  ["a 404 with a page and a hint", page, { status: 404, headers: { "retry-after": "2" } }, "Missing 3 | 2000"],
  [
    "a page",
    page,
    { headers: { "content-type": "text/html; charset=utf-8" } },
    `Transient | ${at} 200 with a body that is not JSON (text/html)`
  ],
  ["an empty body", "", { headers: json }, `Transient | ${at} 200 with an empty body`],
  ["no content", null, { status: 204 }, "Pending HTTP 204"],
  [
    "a page with a hint",
    page,
    { headers: { "retry-after": "3", "content-type": "text/html" } },
    `Transient | 3000 | ${at} 200 with a body that is not JSON (text/html)`
  ],
  [
    "cut JSON",
    '{"state":"SECRET',
    { headers: json },
    `Transient | ${at} 200 with a body that is not JSON (application/json)`
  ],
  [
    "a bad body",
    '{"state":"done","size":"SECRET"}',
    { headers: json },
    `Permanent | ${at} 200 with unexpected JSON: Expected number at ["size"]`
  ],
  [
    "no word",
    '{"unexpected":[true]}',
    { headers: json },
    `Permanent | ${at} 200 with unexpected JSON: Missing key at ["state"]`
  ],
  [
    "JSON that is no object",
    '"SECRET"',
    { headers: json },
    `Permanent | ${at} 200 with unexpected JSON: Expected object`
  ],
  [
    "a 502 page",
    page,
    { status: 502, headers: { "content-type": "text/html" } },
    `Transient | ${at} 502 with a body that is not JSON (text/html)`
  ],
  ["a 500 with JSON", '{"state":"done"}', { status: 500 }, `Transient | ${at} 500`],
  [
    "a 503 with a hint",
    "",
    { status: 503, headers: { "retry-after": "120" } },
    `Throttled | 120000 | ${at} 503 with an empty body`
  ],
  [
    "a 429 with an unreadable hint",
    "{}",
    { status: 429, headers: { "retry-after": "soon" } },
    `Throttled | unreadable | ${at} 429`
  ],
  ["a 408", "{}", { status: 408 }, `Transient | ${at} 408`],
  ["a 401", "{}", { status: 401, headers: { "retry-after": "3" } }, `Permanent | ${at} 401`],
  [
    "a 403 page",
    page,
    { status: 403, headers: { "content-type": "text/html" } },
    `Permanent | ${at} 403 with a body that is not JSON (text/html)`
  ],
  ["a 410", "{}", { status: 410 }, "Missing"],
  ["a redirect that was not followed", "", { status: 302 }, `Transient | ${at} 302 with an empty body`],
  ["a permanent redirect", "", { status: 308 }, `Permanent | ${at} 308 with an empty body`]
]

describe("HttpCheck", () => {
  describe("answers", () => {
    it.effect.each(table)("%s", ([_, body, init, expected]) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* said(body, init), expected)
      })
    )

    it.effect("get - no answer is transient and names the code of the innermost error", () =>
      Effect.gen(function* () {
        const cause = new Error("fetch failed SECRET", { cause: Object.assign(new Error("x"), { code: "ECONNRESET" }) })
        const { provide } = answering(
          (request) =>
            new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
        )
        const error = yield* Effect.flip(provide(HttpCheck.get(url, TaskStatus)))
        assert.strictEqual(error.message, "GET http://h/v1/tasks/1: network error (ECONNRESET): x")
        assert.deepStrictEqual(CheckError.kindOf(error), CheckError.transient())
      })
    )

    it.effect("get - a URL that is none is permanent", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => new Response("{}"))
        const error = yield* Effect.flip(provide(HttpCheck.get("http://", TaskStatus)))
        assert.strictEqual(error.message, "GET <not a URL>: the URL is not valid")
        assert.deepStrictEqual(CheckError.kindOf(error), CheckError.permanent())
      })
    )

    it.effect("get - a client that fails on statuses is asked for the answer all the same", () =>
      Effect.gen(function* () {
        const client = HttpClient.filterStatusOk(
          HttpClient.make((request) =>
            Effect.succeed(HttpClientResponse.fromWeb(request, new Response("", { status: 404 })))
          )
        )
        const check = yield* Effect.provideService(HttpCheck.get(url, TaskStatus), HttpClient.HttpClient, client)
        assert.strictEqual(check._tag, "Missing")
      })
    )

    it.effect("a body that breaks off - of a refusal it is the refusal, of a 2xx a transient error", () =>
      Effect.gen(function* () {
        const reasonOf = (status: number) => {
          const body = new ReadableStream({ start: (controller) => controller.error(new Error("broke off")) })
          const { provide } = answering(() => new Response(body, { status }))
          return Effect.map(Effect.flip(provide(HttpCheck.get(url, TaskStatus))), ({ reason }) => reason)
        }
        assert.deepInclude(yield* reasonOf(403), { _tag: "Status", status: 403 })
        assert.deepInclude(yield* reasonOf(200), { _tag: "Transport" })
      })
    )
  })

  describe("options", () => {
    it.effect("interpret - judges status code and body together, before the default table", () =>
      Effect.gen(function* () {
        const { decode, permanent, rules, transient } = Interpretation
        const interpret = rules(
          [{ status: [409, 470] }, Status.pending()],
          [{ status: 400, body: { code: "NO_TASK" } }, CheckResult.missing],
          [{ status: 200, text: "unknown" }, CheckResult.missing],
          [{ status: 500, body: { error: 17 } }, permanent()],
          [{ status: 403 }, transient()],
          [{ status: 200, body: { error: "busy" } }, transient()],
          [{ status: 422 }, decode],
          [{ status: 410 }, Status.expired()]
        )
        const judged = (status: number, body: string, headers = {}) => said(body, { status, headers }, { interpret })
        assert.strictEqual(yield* judged(470, ""), "Pending")
        assert.strictEqual(yield* judged(409, "{}", { "retry-after": "3" }), "Pending | 3000")
        assert.strictEqual(yield* judged(400, '{"code":"NO_TASK"}'), "Missing")
        assert.strictEqual(yield* judged(400, '{"code":"BAD"}'), `Permanent | ${at} 400`)
        assert.strictEqual(yield* judged(200, "unknown task"), "Missing")
        assert.strictEqual(yield* judged(500, '{"error":17}'), `Permanent | ${at} 500`)
        assert.strictEqual(yield* judged(500, '{"error":18}'), `Transient | ${at} 500`)
        assert.strictEqual(yield* judged(403, "{}", { "retry-after": "3" }), `Transient | 3000 | ${at} 403`)
        assert.strictEqual(yield* judged(200, '{"error":"busy"}'), `Transient | ${at} 200`)
        assert.strictEqual(yield* judged(422, '{"state":"done","size":3}'), "Succeeded done")
        assert.strictEqual(yield* judged(410, ""), "Expired")
        assert.strictEqual(yield* judged(200, '{"state":"busy"}'), "Pending busy")
        assert.strictEqual(yield* judged(404, "{}"), "Missing")
        const own = {
          interpret: Interpretation.firstOf(rules([{ status: 404 }, permanent()]), () => CheckResult.missing)
        }
        assert.strictEqual(yield* said("{}", { status: 404 }, own), `Permanent | ${at} 404`)
        assert.strictEqual(yield* said("{}", { status: 200 }, own), "Missing")
      })
    )

    it.effect("hint - stands before the headers, where it can be read", () =>
      Effect.gen(function* () {
        const body = '{"state":"busy","size":5}'
        const given = (hint: HintReader.HintReader, header?: string) =>
          said(body, { headers: header === undefined ? {} : { "retry-after": header } }, { hint })
        assert.strictEqual(yield* given(HintReader.field("size", "seconds"), "7"), "Pending busy | 5000")
        assert.strictEqual(yield* given(() => undefined, "7"), "Pending busy | 7000")
        assert.strictEqual(yield* given(() => -1, "7"), "Pending busy | 7000")
        assert.strictEqual(yield* given(() => Number.NaN), "Pending busy | unreadable")
        assert.strictEqual(yield* given(() => undefined, "soon"), "Pending busy | unreadable")
        assert.strictEqual(
          yield* said("{}", { status: 503 }, { hint: () => "2 seconds" }),
          `Throttled | 2000 | ${at} 503`
        )
      })
    )

    it.effect("until - what could not be read is counted", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => new Response('{"state":"busy"}', { headers: { "retry-after-ms": "-1" } }))
        const fiber = yield* Effect.forkChild(
          Effect.flip(
            provide(
              Poll.until(HttpCheck.get(url, TaskStatus), {
                strategy: Strategy.maxAttempts(Strategy.spaced("1 second"), 3),
                deadline: "1 minute"
              })
            )
          )
        )
        yield* TestClock.adjust("1 minute")
        const error = yield* Fiber.join(fiber)
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual(error.hints, { clamped: 0, unreadable: 3 })
      })
    )

    it.effect("make - an Effect makes the request anew for each check, and its error is that of the check", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => new Response('{"state":"busy"}'))
        let nonce = 0
        const request = Effect.suspend(() =>
          ++nonce < 3 ? Effect.succeed(HttpClientRequest.post(`http://h/${nonce}`)) : Effect.fail("no nonce" as const)
        )
        const check = provide(HttpCheck.make(request, TaskStatus))
        yield* check
        yield* check
        assert.deepStrictEqual(
          requests.map((each) => `${each.method} ${each.url}`),
          ["POST http://h/1", "POST http://h/2"]
        )
        assert.strictEqual(yield* Effect.flip(check), "no nonce")
        const empty = yield* Effect.flip(provide(HttpCheck.make(Effect.succeed(HttpClientRequest.get("")), TaskStatus)))
        assert.strictEqual(empty instanceof HttpCheckError ? empty.reason._tag : empty, "InvalidRequest")
      })
    )

    it.effect("run - is read from the body", () =>
      Effect.gen(function* () {
        const run = (body: unknown) => ({ generation: (body as { readonly size: number }).size })
        assert.strictEqual(
          yield* said('{"state":"done","size":3}', {}, { run }),
          'Succeeded done | run {"generation":3}'
        )
      })
    )

    it("get - an empty URL is a RangeError", () => {
      assert.throws(() => HttpCheck.get(" ", TaskStatus), RangeError, "HttpCheck.get: url")
      assert.throws(
        () => HttpCheck.make(HttpClientRequest.get(""), TaskStatus),
        RangeError,
        "HttpCheck.make: request.url"
      )
    })

    it.effect("make - asks for JSON unless the request asks for something else", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => new Response('{"state":"busy"}'))
        yield* provide(HttpCheck.make(HttpClientRequest.get(url), TaskStatus))
        yield* provide(HttpCheck.make(HttpClientRequest.accept(HttpClientRequest.get(url), "text/x"), TaskStatus))
        assert.deepStrictEqual(
          requests.map((request) => request.headers["accept"]),
          ["application/json", "text/x"]
        )
      })
    )
  })

  describe("send", () => {
    const Answer = Schema.Struct({ id: Schema.String })
    const post = HttpClientRequest.post("http://h/signals/TOKEN")

    it.effect("send - sends the body once and decodes the answer", () =>
      Effect.gen(function* () {
        const { provide, requests } = answering(() => new Response('{"id":"a"}', { status: 201 }))
        const { value } = yield* provide(HttpCheck.send(post, Answer, { body: { n: 1 } }))
        assert.deepStrictEqual(value, { id: "a" })
        assert.strictEqual(requests.length, 1)
        const body = requests[0]!.body
        assert.strictEqual(body._tag === "Uint8Array" ? new TextDecoder().decode(body.body) : body._tag, '{"n":1}')
      })
    )

    it.effect("send - interpret makes a typed error, otherwise a refusal is an HttpCheckError", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => new Response('{"code":"gone"}', { status: 409 }))
        const interpret = ({ status, text }: HttpAnswer) => (status === 409 ? Effect.fail(text) : undefined)
        assert.strictEqual(yield* Effect.flip(provide(HttpCheck.send(post, Answer, { interpret }))), '{"code":"gone"}')
        const plain = yield* Effect.flip(provide(HttpCheck.send(post, Answer)))
        assert.strictEqual(plain.message, "POST http://h/signals/TOKEN: 409")
      })
    )

    it.effect("send - attaches to the job that a refusal names [R34]", () =>
      Effect.gen(function* () {
        const attach = ({ body, status }: HttpAnswer) =>
          status === 409 && Predicate.hasProperty(body, "running") ? { id: String(body.running) } : undefined
        const sent = (body: string, status: number) =>
          answering(() => new Response(body, { status, headers: { "retry-after": "7" } })).provide(
            HttpCheck.send(post, Answer, { attach })
          )
        const { attached, hint, value } = yield* sent('{"running":"first"}', 409)
        assert.deepStrictEqual([attached, hint, value], [true, Duration.seconds(7), { id: "first" }])
        assert.isFalse((yield* sent('{"id":"a"}', 201)).attached)
        for (const [body, status] of [
          ['{"other":1}', 409],
          ['{"running":"x"}', 500]
        ] as const) {
          assert.include((yield* Effect.flip(sent(body, status))).message, String(status))
        }
      })
    )

    it.effect("send - attach that throws is a permanent error that names it", () =>
      Effect.gen(function* () {
        const attach = (): never => {
          throw new Error("oops")
        }
        const { provide } = answering(() => new Response("{}", { status: 409 }))
        const error = yield* Effect.flip(provide(HttpCheck.send(post, Answer, { attach })))
        assert(error.reason._tag === "Reader")
        assert.strictEqual(error.reason.reader, "attach")
      })
    )

    it.effect("send - yields the hint and the headers of the answer", () =>
      Effect.gen(function* () {
        const sent = (headers: Record<string, string>, options?: HttpCheck.SendOptions) =>
          answering(() => new Response('{"id":"a","wait":3}', { status: 201, headers })).provide(
            HttpCheck.send(post, Answer, options)
          )
        const seven = yield* sent({ "retry-after": "7", location: "/tasks/a" })
        assert.deepStrictEqual(seven.hint, Duration.seconds(7))
        assert.strictEqual(seven.headers["location"], "/tasks/a")
        assert.isUndefined((yield* sent({})).hint)
        assert.strictEqual((yield* sent({ "retry-after": "soon" })).hint, "unreadable")
        const hint = HintReader.field("wait", "seconds")
        assert.deepStrictEqual((yield* sent({ "retry-after": "7" }, { hint })).hint, Duration.seconds(3))
      })
    )

    it.effect("send - a refusal that asks to slow down is throttled", () =>
      Effect.gen(function* () {
        const headers = { "retry-after": "7" }
        const { provide } = answering(() => new Response("", { status: 429, headers }))
        const error = yield* Effect.flip(provide(HttpCheck.send(post, Answer)))
        assert.deepStrictEqual(CheckError.kindOf(error), CheckError.throttled({ retryAfter: Duration.seconds(7) }))
      })
    )

    it.effect("send - interpret decodes a refusal, and takes no status", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => new Response('{"id":"runs already"}', { status: 409 }))
        const attached = yield* provide(
          HttpCheck.send(post, Answer, { interpret: Interpretation.rules([{ status: 409 }, Interpretation.decode]) })
        )
        assert.deepStrictEqual(attached.value, { id: "runs already" })
        const error = yield* Effect.flip(provide(HttpCheck.send(post, Answer, { interpret: () => Status.pending() })))
        assert(error.reason._tag === "Reader")
        assert.include(String(Redacted.value(error.reason.cause)), "this request is no check")
      })
    )

    it.effect("send - shownUrl hides the path from errors and the request from traces", () =>
      Effect.gen(function* () {
        const disabled: Array<boolean> = []
        const client = HttpClient.make((request) =>
          Effect.map(HttpClient.TracerDisabledWhen, (when) => {
            disabled.push(when(request))
            return HttpClientResponse.fromWeb(request, new Response("<html>", { status: 200 }))
          })
        )
        const error = yield* HttpCheck.send(post, Answer, { shownUrl: "http://h/signals/<redacted>" }).pipe(
          Effect.provideService(HttpClient.HttpClient, client),
          Effect.flip
        )
        assert.strictEqual(
          error.message,
          "POST http://h/signals/<redacted>: 200 with a body that is not JSON (text/plain)"
        )
        assert.notInclude(JSON.stringify(error), "TOKEN")
        assert.deepStrictEqual(disabled, [true])
      })
    )

    it.effect("send - an empty body is undefined to the Schema, and a body that cannot be encoded is permanent", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => new Response(null, { status: 204 }))
        assert.isUndefined((yield* provide(HttpCheck.send(post, Schema.Unknown))).value)
        const rejected = yield* Effect.flip(provide(HttpCheck.send(post, Answer)))
        assert.strictEqual(rejected.reason._tag, "Decode")
        const error = yield* Effect.flip(provide(HttpCheck.send(post, Schema.Unknown, { body: { n: 1n } })))
        assert.strictEqual(error.message, "POST http://h/signals/TOKEN: the body cannot be encoded")
      })
    )
  })

  describe("in a wait", () => {
    it.effect("until - ends at once on a 401, and follows the Retry-After of a 503", () =>
      Effect.gen(function* () {
        const answers = [
          new Response("", { status: 503, headers: { "retry-after": "20" } }),
          new Response('{"state":"busy"}', { headers: { "retry-after": "10" } }),
          new Response("{}", { status: 401 })
        ]
        const { provide, requests } = answering(() => answers[requests.length - 1]!)
        const fiber = yield* Effect.forkChild(
          Effect.flip(
            provide(
              Poll.until(HttpCheck.get(url, TaskStatus), { strategy: Strategy.spaced("1 second"), deadline: "1 hour" })
            )
          ),
          { startImmediately: true }
        )
        yield* TestClock.adjust("29 seconds")
        assert.strictEqual(requests.length, 2)
        yield* TestClock.adjust("1 second")
        const error = yield* Fiber.join(fiber)
        assert.strictEqual(error._tag, "CheckRejected")
        assert.strictEqual(Duration.toSeconds(error.elapsed), 30)
        assert.notInclude(error.message, "secret")
      })
    )

    it.effect("until - interruption interrupts the request and aborts its signal", () =>
      Effect.gen(function* () {
        let interrupted = 0
        let sent: AbortSignal | undefined
        const client = HttpClient.make((_request, _url, signal) => {
          sent = signal
          return Effect.onInterrupt(Effect.never, () =>
            Effect.sync(() => {
              interrupted++
            })
          )
        })
        const fiber = yield* Effect.forkChild(
          Effect.provideService(
            Poll.until(HttpCheck.get(url, TaskStatus), { deadline: "unbounded" }),
            HttpClient.HttpClient,
            client
          ),
          { startImmediately: true }
        )
        yield* TestClock.adjust("1 second")
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(interrupted, 1)
        assert.isTrue(sent?.aborted)
      })
    )
  })

  describe("HttpCheckError", () => {
    it("safeUrl - keeps scheme, host and path", () => {
      const cases: ReadonlyArray<readonly [string, string]> = [
        ["http://h:1/a/b", "http://h:1/a/b"],
        ["http://h/a?x=http://u:p@h/#y", "http://h/a"],
        ["http://u:p@h/a@b", "http://h/a@b"],
        ["//u:p@h/a", "<not a URL>"],
        ["/v1/tasks/a@b?x", "/v1/tasks/a@b"],
        ["HTTPS://u:p@x@h/a#b\nc", "https://h/a"]
      ]
      for (const [from, to] of cases) assert.strictEqual(safeUrl(from), to)
    })

    it.effect("HttpCheckError - is caught by reason", () =>
      Effect.gen(function* () {
        const { provide } = answering(() => new Response("{}", { status: 418 }))
        const status = yield* provide(HttpCheck.get(url, TaskStatus)).pipe(
          Effect.catchReason("HttpCheckError", "Status", ({ status }) => Effect.succeed(status))
        )
        assert.strictEqual(status, 418)
        assert.isTrue(
          new HttpCheckError({ method: "GET", url: "/", reason: { _tag: "InvalidRequest", part: "url" } }) instanceof
            Error
        )
      })
    )
  })
})
