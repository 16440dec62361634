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
    [{ "retry-after": "1.5" }, "unreadable"],
    [{ "retry-after": "1e3" }, "unreadable"],
    [{ "retry-after": "" }, "unreadable"],
    [{ "retry-after": "5, 7" }, "unreadable"],
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
