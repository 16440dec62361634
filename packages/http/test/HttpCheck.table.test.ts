import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { answering, inWords } from "./answering.ts"

// The default table of HttpCheck, kind by kind.

const TaskStatus = StatusSchema.fromField(
  Schema.Struct({
    status: Schema.Literals(["running", "succeeded", "stopped"]),
    url: Schema.optionalKey(Schema.String)
  }),
  "status",
  {
    running: Status.pending(),
    succeeded: (task) => Status.succeeded(task.url),
    stopped: Status.canceled()
  }
)

const url = "http://h/tasks/1"
const at = `GET ${url}:`

const said = (status: number, body: string | null, headers: Record<string, string> = {}) =>
  answering(() => new Response(body, { status, headers })).provide(inWords(HttpCheck.get(url, TaskStatus)))

type Row = readonly [
  name: string,
  status: number,
  body: string | null,
  headers: Record<string, string>,
  expected: string
]

const cases = (name: string, rows: ReadonlyArray<Row>) =>
  describe(name, () => {
    it.effect.each(rows)("get - reads %s", ([_, status, body, headers, expected]) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(Date.UTC(2026, 0, 1))
        assert.strictEqual(yield* said(status, body, headers), expected)
      })
    )
  })

const json = { "content-type": "application/json" }
const html = { "content-type": "text/html; charset=utf-8" }
const problem = { "content-type": "application/problem+json" }
const nothingLeft = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "30" }

cases("202 and 204", [
  ["a 202 with an empty body", 202, "", {}, "Pending HTTP 202"],
  ["a 202 without a body", 202, null, {}, "Pending HTTP 202"],
  ["a 202 with a text", 202, "Accepted", { "content-type": "text/plain" }, "Pending HTTP 202"],
  ["a 202 with a page", 202, "<html></html>", html, "Pending HTTP 202"],
  ["a 202 with JSON that lacks the word", 202, '{"id":"7"}', json, "Pending HTTP 202"],
  ["a 202 with JSON that is no object", 202, "[]", json, "Pending HTTP 202"],
  ["a 202 with null for the word", 202, '{"status":null}', json, "Pending HTTP 202"],
  ["a 202 with a known word", 202, '{"status":"running"}', json, "Pending running"],
  ["a 202 with the word of an end", 202, '{"status":"succeeded","url":"a"}', json, "Succeeded succeeded"],
  ["a 202 with a cancellation", 202, '{"status":"stopped"}', json, "Canceled stopped"],
  [
    "a 202 with an end that the Schema rejects",
    202,
    '{"status":"succeeded","url":7}',
    json,
    `Permanent | ${at} 202 with unexpected JSON: Expected string at ["url"]`
  ],
  ["a 202 with an unlisted word", 202, '{"status":"warming"}', json, "Pending warming"],
  ["a 202 with a hint", 202, "", { "retry-after": "7" }, "Pending HTTP 202 | 7000"],
  [
    "an unlisted word of a 202 with a hint",
    202,
    '{"status":"warming"}',
    { "retry-after": "7" },
    "Pending warming | 7000"
  ],
  ["a 204", 204, null, {}, "Pending HTTP 204"],
  ["a 204 with a hint", 204, null, { "retry-after": "1" }, "Pending HTTP 204 | 1000"],
  ["a 200 with an empty body", 200, "", json, `Transient | ${at} 200 with an empty body`],
  ["a 201 with a known word", 201, '{"status":"running"}', json, "Pending running"],
  [
    "a 200 without the word",
    200,
    '{"id":"7"}',
    json,
    `Permanent | ${at} 200 with unexpected JSON: Missing key at ["status"]`
  ],
  ["a 200 with an unlisted word", 200, '{"status":"warming"}', json, "UnknownState warming"]
])

cases("missing jobs", [
  ["a 404 with JSON", 404, '{"error":"no such task"}', json, "Missing"],
  ["an empty 404", 404, "", html, "Missing"],
  ["a 404 with a text", 404, "Not Found", { "content-type": "text/plain" }, "Missing"],
  ["a 404 with a text of no type", 404, "Not Found", {}, "Missing"],
  ["a 404 with XML", 404, "<Error><Code>NoSuchKey</Code></Error>", { "content-type": "application/xml" }, "Missing"],
  ["a 404 with a page", 404, "<p>Not Found</p>", html, "Missing 3"],
  ["a 404 with XHTML", 404, "<x/>", { "content-type": "application/xhtml+xml" }, "Missing 3"],
  ["a 404 that begins as a page", 404, "\n<!DOCTYPE html><title>", { "content-type": "text/plain" }, "Missing 3"],
  ["a 404 that begins as a page without a type", 404, "<HTML><body>", {}, "Missing 3"],
  ["a 404 with JSON that calls itself a page", 404, '{"error":"no such task"}', html, "Missing"],
  ["a 410", 410, "", {}, "Missing"],
  ["a 410 with JSON", 410, '{"error":"gone"}', json, "Missing"],
  ["a 404 with a hint", 404, "{}", { "retry-after": "2" }, "Missing | 2000"]
])

cases("throttling", [
  ["a 429", 429, "", {}, `Throttled | ${at} 429 with an empty body`],
  ["a 429 with a delay", 429, "{}", { "retry-after": "20" }, `Throttled | 20000 | ${at} 429`],
  ["a 429 with a reset", 429, "{}", nothingLeft, `Throttled | 30000 | ${at} 429`],
  [
    "a 429 with a reset since 1970",
    429,
    "{}",
    { ...nothingLeft, "x-ratelimit-reset": "1767225605" },
    `Throttled | 5000 | ${at} 429`
  ],
  ["a 429 with something left", 429, "{}", { ...nothingLeft, "x-ratelimit-remaining": "3" }, `Throttled | ${at} 429`],
  ["a 503 with a delay", 503, "", { "retry-after": "5" }, `Throttled | 5000 | ${at} 503 with an empty body`],
  ["a 503 without one", 503, "", {}, `Transient | ${at} 503 with an empty body`],
  [
    "a 503 with a code",
    503,
    "<Error><Code>SlowDown</Code></Error>",
    { "content-type": "application/xml" },
    `Throttled | ${at} 503 with a body that is not JSON (application/xml)`
  ],
  ["a 500 with a delay", 500, "{}", { "retry-after": "5" }, `Transient | 5000 | ${at} 500`],
  ["a 403 with a delay", 403, "{}", { "retry-after": "5" }, `Throttled | 5000 | ${at} 403`],
  [
    "a 403 with a delay that is past",
    403,
    "{}",
    { "retry-after": "Wed, 31 Dec 2025 23:59:59 GMT" },
    `Throttled | ${at} 403`
  ],
  ["a 403 with nothing left", 403, "{}", nothingLeft, `Throttled | 30000 | ${at} 403`],
  ["a 403 with nothing left and no reset", 403, "{}", { "x-ratelimit-remaining": "0" }, `Throttled | ${at} 403`],
  [
    "a 403 with something left",
    403,
    "{}",
    { "x-ratelimit-remaining": "4999", "x-ratelimit-reset": "30" },
    `Permanent | ${at} 403`
  ],
  ["a 403", 403, '{"error":"forbidden"}', json, `Permanent | ${at} 403`],
  ["a 401 with a delay", 401, "{}", { "retry-after": "5", ...nothingLeft }, `Permanent | ${at} 401`],
  ["a 401 with a code", 401, '{"code":"ThrottlingException"}', json, `Permanent | ${at} 401`],
  ["a 400 with a code", 400, '{"code":"ThrottlingException"}', json, `Throttled | ${at} 400`],
  [
    "a 400 with a code in a type",
    400,
    '{"__type":"com.amazonaws.x#ThrottlingException","message":"Rate exceeded"}',
    json,
    `Throttled | ${at} 400`
  ],
  [
    "a 400 with a code in a header",
    400,
    "{}",
    { "x-amzn-errortype": "TooManyRequestsException:http://internal.amazon.com/coral/x/" },
    `Throttled | ${at} 400`
  ],
  ["a 400 with an inner code", 400, '{"error":{"status":"RESOURCE_EXHAUSTED"}}', json, `Throttled | ${at} 400`],
  [
    "a 403 with a code in a list",
    403,
    '{"error":{"errors":[{"reason":"other"},{"reason":"userRateLimitExceeded"}]}}',
    json,
    `Throttled | ${at} 403`
  ],
  ["a 403 with a code in a text", 403, '{"error":"rate_limit_exceeded"}', json, `Throttled | ${at} 403`],
  ["a 400 with a code and a namespace of dots", 400, '{"Code":"Throttling.User"}', json, `Throttled | ${at} 400`],
  ["a 400 with a numeric code", 400, '{"error":{"code":429}}', json, `Throttled | ${at} 400`],
  ["a 400 with that number elsewhere", 400, '{"error":{"size":429}}', json, `Permanent | ${at} 400`],
  [
    "a 400 with XML",
    400,
    '<?xml version="1.0"?><Error><Code> RequestLimitExceeded </Code></Error>',
    {},
    `Throttled | ${at} 400 with a body that is not JSON (text/plain)`
  ],
  [
    "a 400 with a code of another kind in XML",
    400,
    "<Error><Code>AccessDenied</Code><Message>SlowDown</Message></Error>",
    { "content-type": "text/xml" },
    `Permanent | ${at} 400 with a body that is not JSON (text/xml)`
  ],
  [
    "a 400 whose message speaks of throttling",
    400,
    '{"message":"throttling is not an option of this call"}',
    json,
    `Permanent | ${at} 400`
  ],
  [
    "a 400 whose message contains a code",
    400,
    '{"message":"see ThrottlingException for limits"}',
    json,
    `Permanent | ${at} 400`
  ],
  ["a 400 with a longer word", 400, '{"code":"ThrottlingDisabled"}', json, `Permanent | ${at} 400`],
  ["a 400 with a code as the name of a field", 400, '{"ThrottlingException":false}', json, `Permanent | ${at} 400`],
  ["a 404 with a code", 404, '{"code":"SlowDown"}', json, "Missing"],
  [
    "a 400 with a code too deep",
    400,
    `${'{"a":'.repeat(20)}"SlowDown"${"}".repeat(20)}`,
    json,
    `Permanent | ${at} 400`
  ],
  ["a 400 with a delay in milliseconds", 400, "{}", { "x-ms-retry-after-ms": "50" }, `Throttled | 50 | ${at} 400`],
  ["a 403 with another one", 403, "{}", { "retry-after-ms": "50" }, `Throttled | 50 | ${at} 403`],
  [
    "a 400 with a code after 3,000 values",
    400,
    `{"a":[${"1,".repeat(1500)}1],"b":[${"1,".repeat(1500)}"SlowDown"]}`,
    json,
    `Permanent | ${at} 400`
  ],
  ["a 400 with many values", 400, `{"a":[${"1,".repeat(50_000)}"SlowDown"]}`, json, `Permanent | ${at} 400`]
])

cases("refusals", [
  ["a 400 with a problem", 400, '{"title":"Bad","detail":"SECRET"}', problem, `Permanent | ${at} 400`],
  ["a 408", 408, "", {}, `Transient | ${at} 408 with an empty body`],
  ["a 425", 425, "{}", {}, `Transient | ${at} 425`],
  ["a 502 with a page", 502, "<html></html>", html, `Transient | ${at} 502 with a body that is not JSON (text/html)`],
  ["a 304 of a cache", 304, null, {}, `Transient | ${at} 304 with an empty body`],
  ["a 303 without a place", 303, "", {}, `Transient | ${at} 303 with an empty body`],
  ["a 409", 409, "{}", {}, `Permanent | ${at} 409`],
  ["a 422 with a known word", 422, '{"status":"running"}', json, `Permanent | ${at} 422`]
])

describe("a StatusSchema that throws", () => {
  it.effect("get - is a permanent error that shows nothing of the body", () =>
    Effect.gen(function* () {
      const Throwing = StatusSchema.fromField(Schema.Struct({ status: Schema.Literals(["a"]) }), "status", {
        a: (): Status.Pending => {
          throw new TypeError("x")
        }
      })
      const found = yield* answering(() => new Response('{"status":"a"}')).provide(
        inWords(HttpCheck.get(url, Throwing))
      )
      assert.match(found, /^Permanent \| .* 200 with unexpected JSON: /)
    })
  )
})
