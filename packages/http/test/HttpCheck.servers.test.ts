import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { answering, inWords } from "./answering.ts"

// What real servers answer, kind by kind, beyond the words of the default table.

const url = "https://api.example.com/tasks/1"
const at = `GET ${url}:`

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({ status: Schema.Literals(["running", "done"]), name: Schema.optionalKey(Schema.String) }),
  "status",
  { running: Status.pending(), done: (task) => Status.succeeded(task.name) }
)

const said = (answer: () => Response, options?: HttpCheck.Options) =>
  answering(answer).provide(inWords(HttpCheck.get(url, TaskStatus, options)))

const kindOf = (words: string) => words.split(" | ")[0]!

describe("throttling codes", () => {
  const throttled: ReadonlyArray<readonly [name: string, body: string]> = [
    ["AWS JSON", '{"__type":"ThrottlingException"}'],
    ["Google, in details", '{"error":{"code":400,"details":[{"reason":"RATE_LIMIT_EXCEEDED"}]}}'],
    ["Azure, within", '{"error":{"code":"Conflict","innererror":{"code":"TooManyRequests"}}}'],
    ["Shopify", '{"errors":[{"message":"Throttled","extensions":{"code":"THROTTLED"}}]}'],
    ["Slack", '{"ok":false,"error":"ratelimited"}'],
    ["Tencent", '{"Response":{"Error":{"Code":"RequestLimitExceeded.User","Message":"x"},"RequestId":"1"}}'],
    ["Apigee", '{"fault":{"faultstring":"x","detail":{"errorcode":"policies.ratelimit.QuotaViolation"}}}'],
    ["Anthropic", '{"type":"error","error":{"type":"rate_limit_error","message":"x"}}'],
    ["an error_code", '{"error_code":"REQUEST_LIMIT_EXCEEDED"}'],
    ["a title", '{"title":"Too-Many-Requests"}'],
    ["a name", '{"name":"RateLimitExceeded","message":"x"}'],
    ["a status beside a number", '{"error":{"code":400,"status":"RESOURCE_EXHAUSTED"}}'],
    ["a list of codes", '{"errors":["rate_limited"]}'],
    ["XML within XML", "<E><Code>Sender</Code><Detail><Code>Throttling</Code></Detail></E>"],
    ["XML with a prefix", "<S:Fault><faultcode>aws:Throttling</faultcode></S:Fault>"],
    ["XML with attributes", '<Error><Code xmlns:x="y"><![CDATA[SlowDown]]></Code></Error>'],
    ["XML, the third", "<E><Code>A</Code><Code>B</Code><ErrorCode>RequestThrottled</ErrorCode></E>"]
  ]
  const permanent: ReadonlyArray<readonly [name: string, body: string]> = [
    ["an echo of the input", '{"error":{"code":"InvalidArgument","input":{"mode":"throttled"}}}'],
    ["an echo with the name of a code", '{"error":{"code":"InvalidArgument","input":{"type":"throttled"}}}'],
    ["the name of a field", '{"errors":[{"field":"throttle","code":"required"}]}'],
    ["the name of a field as a name", '{"errors":[{"name":"throttle","code":"required"}]}'],
    ["the name of the job", '{"error":"NoSuchTask","taskName":"slow-down"}'],
    ["allowed values", '{"code":"invalid_enum","allowed":["throttled","active"]}'],
    ["allowed values of an error", '{"error":{"code":"invalid_enum","enum":["throttled"],"type":"invalid"}}'],
    ["the request", '{"message":"bad","request":{"code":"SlowDown"}}'],
    ["the status of the job", '{"error":"conflict","status":"throttled"}'],
    ["the job", '{"error":{"code":"conflict"},"job":{"status":"throttled","type":"throttle"}}'],
    ["parameters", '{"error":{"message":"bad"},"parameters":[{"name":"throttle"}]}'],
    ["a number elsewhere", '{"code":400,"input":{"code":429}}'],
    ["XML that says it in a message", "<E><Code>Sender</Code><Message>Throttling</Message></E>"],
    ["XML with a field of a like name", "<E><Code>Sender</Code><Barcode>Throttling</Barcode></E>"]
  ]
  it.effect.each(throttled)("get - 400 and 403 are throttled: %s", ([_, body]) =>
    Effect.gen(function* () {
      for (const status of [400, 403]) {
        assert.strictEqual(kindOf(yield* said(() => new Response(body, { status }))), "Throttled")
      }
    })
  )
  it.effect.each(permanent)("get - 400 and 403 are refusals: %s", ([_, body]) =>
    Effect.gen(function* () {
      for (const status of [400, 403]) {
        assert.strictEqual(kindOf(yield* said(() => new Response(body, { status }))), "Permanent")
      }
    })
  )
})

describe("requested delays", () => {
  const rows: ReadonlyArray<readonly [status: number, headers: Record<string, string>, expected: string | undefined]> =
    [
      [429, { "retry-after": "1.5" }, "2000"],
      [429, { "retry-after": "0.2" }, "1000"],
      [429, { "retry-after": "5, 5" }, "5000"],
      [429, { "retry-after": "5,7" }, "7000"],
      [429, { "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT, Thu, 01 Jan 2026 00:02:00 GMT" }, "120000"],
      [429, { "retry-after": "30, Thu, 01 Jan 2026 00:00:10 GMT" }, "30000"],
      [429, { "retry-after": "2026-01-01T00:00:30Z" }, "30000"],
      [503, { "retry-after": "2026-01-01T01:00:30.5+01:00" }, "30500"],
      [503, { "retry-after": "2026-01-01 00:00:09Z" }, "9000"],
      [503, { "retry-after": "1m30s" }, "90000"],
      [503, { "retry-after": "5, soon" }, "unreadable"],
      [503, { "retry-after": "5,,5" }, "unreadable"],
      [503, { "retry-after": "2026-13-41T00:00:30Z" }, "unreadable"],
      [429, { "x-ratelimit-reset": "30" }, "30000"],
      [429, { "x-ratelimit-reset": "1767225605" }, "5000"],
      [429, { "x-rate-limit-reset-after": "2.5", "x-rate-limit-reset": "1767229200" }, "2500"],
      [429, { "x-ratelimit-reset-requests": "6m0s" }, "360000"],
      [429, { "ratelimit-reset": "7", "ratelimit-limit": "100" }, "7000"],
      [429, { "x-ratelimit-reset": "30", "retry-after": "3" }, "3000"]
    ]
  it.effect.each(rows)("get - %j %j", ([status, headers, expected]) =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 0, 1))
      const [kind, hint] = (yield* said(() => new Response("{}", { status, headers }))).split(" | ")
      assert.strictEqual(hint, expected)
      assert.strictEqual(kind, status === 503 && expected === undefined ? "Transient" : "Throttled")
    })
  )
  it.effect("get - a reset is no hint where something is left, and where nothing was refused for its rate", () =>
    Effect.gen(function* () {
      const reset = { "x-ratelimit-reset": "30" }
      const left = yield* said(
        () => new Response("{}", { status: 429, headers: { ...reset, "x-ratelimit-remaining": "3" } })
      )
      assert.strictEqual(left, `Throttled | ${at} 429`)
      const refused = yield* said(() => new Response("{}", { status: 403, headers: reset }))
      assert.strictEqual(refused, `Permanent | ${at} 403`)
    })
  )
})

const utf16 = (text: string, bigEndian: boolean): Uint8Array<ArrayBuffer> => {
  const bytes = new Uint8Array(text.length * 2)
  const view = new DataView(bytes.buffer)
  for (let each = 0; each < text.length; each++) view.setUint16(each * 2, text.charCodeAt(each), !bigEndian)
  return bytes
}

const latin = (text: string): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(text, (character) => (character === "€" ? 0x80 : character.charCodeAt(0)))

describe("charsets", () => {
  const done = '{"status":"done","name":"café"}'
  const rows: ReadonlyArray<readonly [name: string, type: string, bytes: Uint8Array<ArrayBuffer>, expected: string]> = [
    ["latin-1", "application/json; charset=iso-8859-1", latin(done), "café"],
    ["latin-1 in quotes and capitals", 'application/json;Charset="ISO-8859-1"', latin(done), "café"],
    ["windows-1252", "application/json; charset=windows-1252", latin(done.replace("é", "€")), "caf€"],
    ["utf-16le", "application/json; charset=utf-16le", utf16(done, false), "café"],
    ["utf-16be", "application/json; charset=utf-16be", utf16(done, true), "café"],
    ["utf-16", "application/json; charset=utf-16", utf16(done, false), "café"],
    ["utf-16 that is big-endian", "application/json; charset=utf-16", utf16(done, true), "café"],
    ["a mark without a charset", "application/json", utf16(`\ufeff${done}`, true), "café"],
    ["a mark against the charset", "application/json; charset=utf-8", utf16(`\ufeff${done}`, false), "café"],
    ["a mark of UTF-8", "application/json; charset=iso-8859-1", new TextEncoder().encode(`\ufeff${done}`), "café"],
    ["an unknown charset", "application/json; charset=klingon", new TextEncoder().encode(done), "café"]
  ]
  const asText = StatusSchema.succeeded(Schema.String)
  it.effect.each(rows)("get - JSON and text in %s", ([_, type, bytes, expected]) =>
    Effect.gen(function* () {
      const { provide } = answering(() => new Response(bytes, { headers: { "content-type": type } }))
      const json = yield* provide(HttpCheck.get(url, TaskStatus))
      assert.deepStrictEqual(json, Status.succeeded(expected, { state: "done" }))
      const text = yield* provide(HttpCheck.get(url, asText, { as: "text" }))
      assert.deepStrictEqual(text, Status.succeeded(done.replace("café", expected)))
    })
  )
  it.effect("get - JSON that is not valid in its charset is a transient error that names it", () =>
    Effect.gen(function* () {
      const invalid = (type: string, bytes: Uint8Array<ArrayBuffer>) =>
        said(() => new Response(bytes, { headers: { "content-type": type } }))
      const broken = (charset: string) => `Transient | ${at} 200 with a body that is not valid ${charset}`
      assert.strictEqual(yield* invalid("application/json", latin(done)), broken("utf-8"))
      assert.strictEqual(yield* invalid("application/json; charset=utf-8", latin(done)), broken("utf-8"))
      assert.strictEqual(
        yield* invalid("application/json; charset=utf-16le", utf16(done, false).slice(0, -1)),
        broken("utf-16le")
      )
    })
  )
  it.effect("get - a refusal is read in spite of such bytes", () =>
    Effect.gen(function* () {
      const body = latin('{"code":"SlowDown","message":"é"}')
      assert.strictEqual(yield* said(() => new Response(body, { status: 400 })), `Throttled | ${at} 400`)
    })
  )
})

describe("words of a server", () => {
  const rows: ReadonlyArray<readonly [name: string, body: string, expected: string]> = [
    ["Salesforce", '[{"message":"no such row","errorCode":"X"}]', "no such row"],
    ["Jira", '{"errorMessages":["no issue","no right"],"errors":{}}', "no issue; no right"],
    ["Jira, by field", '{"errorMessages":[],"errors":{"summary":"is required"}}', "is required"],
    ["Okta", '{"errorCode":"E1","errorSummary":"Not found"}', "Not found"],
    ["Elasticsearch", '{"error":{"root_cause":[],"type":"x","reason":"no such index"},"status":400}', "no such index"],
    ["Alibaba", '{"code":1,"msg":"bad id"}', "bad id"],
    ["Apigee", '{"fault":{"faultstring":"no route","detail":{"errorcode":"x"}}}', "no route"],
    ["Laravel", '{"errors":{"name":["The name is taken."]}}', "The name is taken."],
    ["Rails", '{"errors":{"name":["is taken","is short"],"size":["x"]}}', "is taken"],
    ["a list of words", '{"errors":["a","b"]}', "a; b"],
    ["S3", "<?xml version='1.0'?><Error><Code>X</Code><Message>no &amp; never</Message></Error>", "no & never"],
    ["SOAP", "<e:Fault><faultstring xml:lang='en'>no job</faultstring></e:Fault>", "no job"],
    ["Azure Storage", "\ufeff<Error><Message><![CDATA[no blob]]></Message></Error>", "no blob"]
  ]
  it.effect.each(rows)("reason - %s", ([_, body, expected]) =>
    Effect.gen(function* () {
      const found = yield* said(() => new Response(body, { status: 400 }), { reason: true })
      assert.strictEqual(found, `Permanent | ${at} 400: ${expected}`)
    })
  )
  it.effect("reason - a text that is no XML has no words", () =>
    Effect.gen(function* () {
      const found = yield* said(() => new Response("no <Message>a</Message>", { status: 400 }), { reason: true })
      assert.include(found, "400 with a body that is not JSON")
    })
  )
})

describe("pages behind a redirect", () => {
  const page = "<!doctype html><title>Log in</title>"
  const Report = StatusSchema.succeeded(Schema.Unknown)
  const redirecting = (location: string, type: string) => (request: HttpClientRequest.HttpClientRequest) =>
    request.url === url
      ? new Response(null, { status: location === "/303" ? 303 : 302, headers: { location } })
      : new Response(page, { headers: { "content-type": type } })

  it.effect("as - a page that was not asked for is no result", () =>
    Effect.gen(function* () {
      for (const as of ["text", "bytes", "stream"] as const) {
        for (const location of ["/login", "/login?next=/tasks/1", "/303"]) {
          const { provide } = answering(redirecting(location, "text/html; charset=utf-8"))
          const found = yield* provide(inWords(HttpCheck.get(url, Report, { as })))
          assert.strictEqual(found, `Transient | ${at} 200 with a body that is not JSON (text/html)`)
        }
      }
    })
  )

  it.effect("as - it is one where the request accepts pages, where it is no page, and without a redirect", () =>
    Effect.gen(function* () {
      const asking = HttpClientRequest.accept(HttpClientRequest.get(url), "text/html")
      const asked = answering(redirecting("/report", "text/html"))
      assert.strictEqual(yield* asked.provide(inWords(HttpCheck.make(asking, Report, { as: "text" }))), "Succeeded")
      const csv = answering(redirecting("/report", "text/csv"))
      assert.strictEqual(yield* csv.provide(inWords(HttpCheck.get(url, Report, { as: "text" }))), "Succeeded")
      const direct = answering(() => new Response(page, { headers: { "content-type": "text/html" } }))
      assert.strictEqual(yield* direct.provide(inWords(HttpCheck.get(url, Report, { as: "text" }))), "Succeeded")
    })
  )

  it.effect("send - fails with it too", () =>
    Effect.gen(function* () {
      const { provide } = answering(redirecting("/login", "text/html"))
      const sent = HttpCheck.send(HttpClientRequest.get(url), Schema.String, { as: "text" })
      const error = yield* Effect.flip(provide(sent))
      assert.strictEqual(error.reason._tag, "NotJson")
    })
  )
})

describe("functions that yield nonsense", () => {
  const rows: ReadonlyArray<readonly [name: string, options: object, expected: string]> = [
    [
      "a promise of interpret",
      { interpret: async () => undefined },
      "interpret yielded a promise: it must not be async"
    ],
    ["a rejected promise", { interpret: () => Promise.reject(new Error("x")) }, "interpret yielded a promise"],
    ["a text of interpret", { interpret: () => "done" }, "interpret yielded no verdict but a value of the type string"],
    ["a promise of hint", { hint: async () => 5 }, "hint yielded a promise"],
    ["a promise of run", { run: async () => ({}) }, "run yielded a promise"],
    ["a promise of parse", { parse: async () => ({}) }, "parse yielded a promise"],
    ["a promise of reason", { reason: async () => "x" }, "reason yielded a promise"],
    ["a promise of as", { as: async () => "text" }, "as yielded a promise"],
    ["a form that is none", { as: () => "xml" }, "as yielded no form of a body but a value of the type string"],
    ["a function that throws", { interpret: () => JSON.parse("{") as never }, "interpret threw"]
  ]
  it.effect.each(rows)("get - %s", ([_, options, expected]) =>
    Effect.gen(function* () {
      const found = yield* said(() => new Response('{"status":"done"}'), options)
      assert.include(found, `Permanent | ${at} the function of the option ${expected}`)
    })
  )
})

describe("a 202 with a known word", () => {
  const Nested = StatusSchema.fromField(
    Schema.Struct({
      data: Schema.Struct({ state: Schema.Literals(["busy", "done"]), size: Schema.optional(Schema.Int) })
    }),
    ["data", "state"],
    { busy: Status.pending(), done: Status.succeeded() }
  )
  const Open = StatusSchema.fromField(
    Schema.Struct({ state: Schema.String, size: Schema.optional(Schema.Int) }),
    "state",
    { done: Status.succeeded() },
    { orElse: () => Status.pending() }
  )
  const throwing = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["done"]) }), "state", {
    done: (): Status.Pending => {
      throw new Error("x")
    }
  })
  const rows: ReadonlyArray<
    readonly [name: string, schema: StatusSchema.StatusSchema<unknown, unknown>, body: string, expected: string]
  > = [
    ["a field of another type", TaskStatus, '{"status":"done","name":true}', "Permanent"],
    ["a pending word with it", TaskStatus, '{"status":"running","name":7}', "Permanent"],
    ["an unlisted word with it", TaskStatus, '{"status":"warming","name":7}', "Pending warming"],
    ["no word", TaskStatus, '{"name":7}', "Pending HTTP 202"],
    ["a word that is none", TaskStatus, '{"status":{},"name":7}', "Pending HTTP 202"],
    ["a nested word", Nested, '{"data":{"state":"done","size":"x"}}', "Permanent"],
    ["another body", Nested, '{"data":{"size":"x"}}', "Pending HTTP 202"],
    ["an open word", Open, '{"state":"done","size":"x"}', "Permanent"],
    ["an open word that has no case", Open, '{"state":"warming","size":"x"}', "Pending HTTP 202"],
    ["a case that throws", throwing, '{"state":"done"}', "Permanent"]
  ]
  it.effect.each(rows)("get - %s", ([_, schema, body, expected]) =>
    Effect.gen(function* () {
      const { provide } = answering(() => new Response(body, { status: 202 }))
      assert.strictEqual(kindOf(yield* provide(inWords(HttpCheck.get(url, schema)))), expected)
    })
  )
})

describe("empty results", () => {
  it.effect("as - are for the Schema to decide", () =>
    Effect.gen(function* () {
      const empty = answering(() => new Response("", { headers: { "content-type": "text/csv" } }))
      const text = yield* empty.provide(HttpCheck.get(url, StatusSchema.succeeded(Schema.String), { as: "text" }))
      assert.deepStrictEqual(text, Status.succeeded(""))
      const bytes = yield* empty.provide(HttpCheck.get(url, StatusSchema.succeeded(Schema.Uint8Array), { as: "bytes" }))
      assert.deepStrictEqual(bytes, Status.succeeded(new Uint8Array()))
      const some = HttpCheck.get(url, StatusSchema.succeeded(Schema.NonEmptyString), { as: "text" })
      assert.strictEqual(kindOf(yield* empty.provide(inWords(some))), "Permanent")
    })
  )
})

describe("private hosts", () => {
  it.effect.each(["kubernetes", "kubernetes.default.svc", "a.b.svc.cluster.local", "nas.lan", "wiki.corp", "db."])(
    "any - refuses %s",
    (host) =>
      Effect.gen(function* () {
        const { provide, requests } = answering(
          () => new Response(null, { status: 302, headers: { location: `https://${host}/r` } })
        )
        const error = yield* Effect.flip(provide(HttpCheck.get(url, TaskStatus, { allowedOrigins: "any" })))
        assert(error.reason._tag === "Refused")
        assert.strictEqual(error.reason.rule, "private")
        assert.strictEqual(requests.length, 1)
      })
  )
})
