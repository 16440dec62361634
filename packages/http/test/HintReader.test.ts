import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Headers from "effect/http/Headers"
import type * as CheckResult from "effect-poll/CheckResult"
import * as HintReader from "@effect-poll/http/HintReader"

const inMillis = (hint: CheckResult.Hint | undefined) =>
  hint === undefined || hint === "unreadable" ? hint : Duration.toMillis(hint)

const at = Date.UTC(2026, 0, 1)

describe("HintReader", () => {
  const table: ReadonlyArray<readonly [Record<string, string>, number | "unreadable" | undefined]> = [
    [{}, undefined],
    [{ "retry-after": "7" }, 7000],
    [{ "Retry-After": " 7 " }, 7000],
    [{ "retry-after": "0" }, 0],
    [{ "retry-after": "-1" }, "unreadable"],
    [{ "retry-after": "1.5" }, 2000],
    [{ "retry-after": "1e3" }, "unreadable"],
    [{ "retry-after": "" }, "unreadable"],
    [{ "retry-after": "5, 7" }, 7000],
    [{ "retry-after": "NaN" }, "unreadable"],
    [{ "retry-after": "999999999" }, 999_999_999_000],
    [{ "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT" }, 60_000],
    [{ "retry-after": "Thursday, 01-Jan-26 00:01:00 GMT" }, 60_000],
    [{ "retry-after": "Wed, 31 Dec 2025 23:59:59 GMT" }, undefined],
    [{ "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT", date: "Thu, 01 Jan 2026 00:00:50 GMT" }, 10_000],
    [{ "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT", date: "Thu, 01 Jan 2026 00:02:00 GMT" }, undefined],
    [{ "retry-after": "Thu, 01 Jan 2026 00:01:00 GMT", date: "today" }, 60_000],
    [{ "retry-after": "7", date: "Thu, 01 Jan 2026 00:02:00 GMT" }, 7000],
    [{ "retry-after-ms": "250" }, 250],
    [{ "x-ms-retry-after-ms": "250.5" }, 250.5],
    [{ "openai-poll-after-ms": "4000000000" }, 4_000_000_000],
    [{ "openai-poll-after-ms": "4e9" }, "unreadable"],
    [{ "retry-after-ms": "-5" }, "unreadable"],
    [{ "retry-after-ms": "-5", "retry-after": "2" }, 2000],
    [{ "retry-after-ms": "250", "retry-after": "soon" }, 250],
    [{ "retry-after-ms": "250", "openai-poll-after-ms": "1000", "retry-after": "7" }, 250]
  ]
  for (const [headers, expected] of table) {
    it(`fromHeaders - ${JSON.stringify(headers)}`, () => {
      assert.strictEqual(inMillis(HintReader.fromHeaders(Headers.fromInput(headers), at)), expected)
    })
  }

  const nothingLeft = { "x-ratelimit-remaining": "0" }
  const refusals: ReadonlyArray<
    readonly [
      name: string,
      status: number,
      headers: Record<string, string>,
      expected: number | "unreadable" | undefined
    ]
  > = [
    ["seconds", 429, { ...nothingLeft, "x-ratelimit-reset": "30" }, 30_000],
    ["seconds since 1970", 403, { ...nothingLeft, "x-ratelimit-reset": "1767225690" }, 90_000],
    ["milliseconds since 1970", 429, { ...nothingLeft, "x-ratelimit-reset": "1767225690500" }, 90_500],
    ["an HTTP date", 429, { ...nothingLeft, "x-ratelimit-reset": "Thu, 01 Jan 2026 00:01:00 GMT" }, 60_000],
    ["a date of RFC 3339", 429, { ...nothingLeft, "x-ratelimit-reset": "2026-01-01T01:01:00.5+01:00" }, 60_500],
    ["a span", 429, { ...nothingLeft, "x-ratelimit-reset": "1h6m0.5s" }, 3_960_500],
    ["a short span", 429, { ...nothingLeft, "x-ratelimit-reset": "20ms" }, 20],
    [
      "the clock of the server",
      429,
      { ...nothingLeft, "x-ratelimit-reset": "1767225690", date: "Thu, 01 Jan 2026 00:01:00 GMT" },
      30_000
    ],
    ["another name", 503, { "x-rate-limit-remaining": "0", "x-rate-limit-reset": "7" }, 7000],
    ["seconds after", 429, { ...nothingLeft, "x-ratelimit-reset-after": "1.5" }, 1500],
    [
      "a suffix",
      429,
      {
        "x-ratelimit-remaining-tokens": "0",
        "x-ratelimit-reset-tokens": "6m0s",
        "x-ratelimit-remaining-requests": "9",
        "x-ratelimit-reset-requests": "9h"
      },
      360_000
    ],
    [
      "a prefix of a vendor",
      429,
      { "acme-ratelimit-requests-remaining": "0", "acme-ratelimit-requests-reset": "2026-01-01T00:00:05Z" },
      5000
    ],
    [
      "the longest of two",
      429,
      { ...nothingLeft, "x-ratelimit-reset": "3", "x-ratelimit-remaining-day": "0", "x-ratelimit-reset-day": "40" },
      40_000
    ],
    ["the draft", 429, { ratelimit: '"a";r=0;t=4, "b";r=1;t=9' }, 4000],
    ["the earlier draft", 429, { ratelimit: "limit=1, remaining=0, reset=50" }, 50_000],
    ["separate headers of the earlier draft", 429, { "ratelimit-remaining": "0", "ratelimit-reset": "50" }, 50_000],
    ["something left", 429, { "x-ratelimit-remaining": "1", "x-ratelimit-reset": "30" }, undefined],
    ["no reset", 429, nothingLeft, undefined],
    ["a reset that is past", 429, { ...nothingLeft, "x-ratelimit-reset": "1767225599" }, undefined],
    ["a reset that cannot be read", 429, { ...nothingLeft, "x-ratelimit-reset": "soon" }, undefined],
    ["Retry-After first", 429, { ...nothingLeft, "x-ratelimit-reset": "30", "retry-after": "2" }, 2000],
    [
      "a Retry-After that cannot be read",
      429,
      { ...nothingLeft, "x-ratelimit-reset": "30", "retry-after": "soon" },
      30_000
    ],
    ["nothing but what cannot be read", 429, { "retry-after": "soon" }, "unreadable"],
    ["a success", 200, { ...nothingLeft, "x-ratelimit-reset": "30" }, undefined],
    ["a 401", 401, { ...nothingLeft, "x-ratelimit-reset": "30" }, undefined]
  ]
  it.each(refusals)("fromAnswer - a refusal with %s", (_, status, headers, expected) => {
    assert.strictEqual(inMillis(HintReader.fromAnswer(status, Headers.fromInput(headers), at)), expected)
  })

  it("fromAnswer - a header of any size is read in a time that does not grow with it", () => {
    const ratelimit = `${'"a'.repeat(500_000)};r=0;t=5`
    assert.isUndefined(HintReader.fromAnswer(429, Headers.fromInput({ ratelimit }), at))
    const long = `"a";r=0;t=5${', "b";r=9;t=5'.repeat(100_000)}`
    assert.strictEqual(inMillis(HintReader.fromAnswer(429, Headers.fromInput({ ratelimit: long }), at)), 5000)
  })

  it("fromInput - what is no finite duration from now on cannot be read", () => {
    assert.strictEqual(inMillis(HintReader.fromInput("2 seconds")), 2000)
    assert.strictEqual(inMillis(HintReader.fromInput(0)), 0)
    assert.isUndefined(HintReader.fromInput(undefined))
    for (const bad of [
      "unreadable",
      -1,
      Number.NaN,
      Number.POSITIVE_INFINITY,
      "soon" as never,
      Duration.infinity
    ] as const) {
      assert.strictEqual(HintReader.fromInput(bad), "unreadable", String(bad))
    }
  })

  it("header, field - read a number in its unit", () => {
    const answer = {
      status: 200,
      headers: Headers.fromInput({ "x-poll": "3" }),
      url: "http://h/tasks/1",
      context: undefined,
      text: "",
      body: { a: { b: "1.5" }, n: null }
    }
    const read = (hint: HintReader.HintReader) => inMillis(HintReader.fromInput(hint(answer)))
    assert.strictEqual(read(HintReader.header("X-Poll", "seconds")), 3000)
    assert.strictEqual(read(HintReader.header("x-poll", "millis")), 3)
    assert.isUndefined(read(HintReader.header("x-other", "millis")))
    assert.strictEqual(read(HintReader.field("a.b", "seconds")), 1500)
    assert.strictEqual(read(HintReader.field("a", "seconds")), "unreadable")
    assert.isUndefined(read(HintReader.field("a.c.d", "seconds")))
    assert.isUndefined(read(HintReader.field("n", "seconds")))
    assert.throws(() => HintReader.header(" ", "millis"), RangeError, "HintReader.header: name")
    assert.throws(() => HintReader.field("", "millis"), RangeError, "HintReader.field: path")
  })
})
