import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"

type AnyStatusSchema = StatusSchema.StatusSchema<unknown, unknown>
type Found = CheckResult.Unannotated<unknown, unknown>

const decode = (schema: AnyStatusSchema, input: unknown) => Schema.decodeUnknownResult(schema)(input)

/** The result of a decoding, or the message of its error. */
const read = (schema: AnyStatusSchema, input: unknown): unknown => {
  const result = decode(schema, input)
  return Result.isSuccess(result) ? result.success : result.failure.message
}

const rows = (
  title: string,
  schema: AnyStatusSchema,
  table: ReadonlyArray<readonly [string, unknown, Found]>
): void => {
  for (const [name, input, expected] of table) {
    it(`${title} - ${name}`, () => assert.deepStrictEqual(read(schema, input), expected))
  }
}

const unknown = CheckResult.unknownState

describe("StatusSchema", () => {
  describe("words", () => {
    const Done = StatusSchema.fromField(
      Schema.Struct({ done: Schema.Boolean, rows: Schema.optional(Schema.Int) }),
      "done",
      {
        false: Status.pending(),
        true: ({ rows }) => Status.succeeded(rows)
      }
    )
    rows("boolean", Done, [
      ["takes false", { done: false }, Status.pending({ state: "false" })],
      ["takes true", { done: true, rows: 2 }, Status.succeeded(2, { state: "true" })],
      ["finds null unknown", { done: null }, unknown("null")],
      ["finds a number unknown", { done: 1 }, unknown("1")],
      ["finds the text of a flag unknown", { done: "true" }, unknown("true")],
      ["finds a word unknown, whatever the rest is", { done: "PAUSED", rows: "many" }, unknown("PAUSED")],
      ["finds an absent flag unknown", { rows: 2 }, unknown("undefined")]
    ])

    const Code = StatusSchema.fromField(Schema.Struct({ code: Schema.Literals([-1, 0, 1]) }), "code", {
      "-1": Status.failed("failed"),
      0: Status.pending(),
      1: Status.succeeded()
    })
    rows("number", Code, [
      ["takes a negative one", { code: -1 }, Status.failed("failed", { state: "-1" })],
      ["takes zero", { code: 0 }, Status.pending({ state: "0" })],
      ["takes negative zero as zero", { code: -0 }, Status.pending({ state: "0" })],
      ["finds another unknown", { code: 7 }, unknown("7")],
      ["finds a fraction unknown", { code: 0.5 }, unknown("0.5")],
      ["finds its text unknown", { code: "1" }, unknown("1")],
      ["finds null unknown", { code: null }, unknown("null")],
      ["finds an absent one unknown", {}, unknown("undefined")]
    ])

    const Conclusion = StatusSchema.fromField(
      Schema.Struct({ conclusion: Schema.NullOr(Schema.Literals(["success", "failure"])) }),
      "conclusion",
      { null: Status.pending(), success: Status.succeeded(), failure: Status.failed("failure") }
    )
    rows("null", Conclusion, [
      ["is a word", { conclusion: null }, Status.pending({ state: "null" })],
      ["stands beside others", { conclusion: "success" }, Status.succeeded(undefined, { state: "success" })],
      ["leaves others unknown", { conclusion: "skipped" }, unknown("skipped")],
      ["leaves flags unknown", { conclusion: false }, unknown("false")]
    ])

    const Ending = StatusSchema.fromField(
      Schema.Struct({
        ending: Schema.optionalKey(Schema.Literals(["ok", "lost"])),
        rows: Schema.optionalKey(Schema.Int)
      }),
      "ending",
      { undefined: Status.pending(), ok: ({ rows }) => Status.succeeded(rows), lost: Status.expired() }
    )
    rows("optional", Ending, [
      ["has a case while it is absent", { rows: 1 }, Status.pending()],
      ["has a case once it is there", { ending: "ok", rows: 2 }, Status.succeeded(2, { state: "ok" })],
      ["leaves other words unknown", { ending: "new" }, unknown("new")],
      ["leaves null unknown", { ending: null }, unknown("null")]
    ])

    const Outcome = StatusSchema.fromField(
      Schema.Union([
        Schema.Struct({ state: Schema.Literals(["busy", "ready"]) }),
        Schema.Struct({ error: Schema.String })
      ]),
      "state",
      {
        busy: Status.pending(),
        ready: Status.succeeded(),
        undefined: (payload) => Status.failed("error" in payload ? payload.error : "no reason given")
      }
    )
    rows("union with a member that lacks the field", Outcome, [
      ["has a case for it", { error: "quota" }, Status.failed("quota")],
      ["keeps the others", { state: "busy" }, Status.pending({ state: "busy" })],
      ["leaves other words unknown", { state: "odd" }, unknown("odd")]
    ])

    it("big integer - is a word", () => {
      const Big = StatusSchema.fromField(Schema.Struct({ code: Schema.Literals([1n, 2n]) }), "code", {
        1: Status.pending(),
        2: Status.succeeded()
      })
      assert.deepStrictEqual(read(Big, { code: 1n }), Status.pending({ state: "1" }))
      assert.deepStrictEqual(read(Big, { code: 3n }), unknown("3"))
    })

    for (const [name, word] of [
      ["an object", { name: "busy" }],
      ["an array", ["busy"]]
    ] as const) {
      it(`fromField - is a decode error at ${name} as word`, () => {
        assert.include(read(Done, { done: word }), `Expected boolean\n  at ["done"]`)
        assert.include(read(Code, { code: word }), `at ["code"]`)
        assert.include(read(Conclusion, { conclusion: word }), `at ["conclusion"]`)
        const Open = StatusSchema.fromField(Schema.Struct({ state: Schema.Unknown }), "state", {}, { orElse: unknown })
        assert.strictEqual(read(Open, { state: word }), `Expected a state word\n  at ["state"]`)
      })
    }

    it("fromField - is a decode error for a body that is not an object", () => {
      for (const body of [null, undefined, 7, "<html>", [], [{ done: true }]]) {
        assert.include(read(Done, body), "Expected object")
      }
    })

    it("fromField - is a decode error that names the path when a field of strings is absent or null", () => {
      const Words = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy"]) }), "state", {
        busy: Status.pending()
      })
      assert.strictEqual(read(Words, { error: "no such job" }), `Missing key\n  at ["state"]`)
      assert.strictEqual(read(Words, {}), `Missing key\n  at ["state"]`)
      assert.strictEqual(read(Words, { state: null }), `Expected "busy"\n  at ["state"]`)
    })
  })

  describe("words without end", () => {
    const Task = Schema.Struct({ state: Schema.String, rows: Schema.optionalKey(Schema.Int) })
    const TaskStatus = StatusSchema.fromField(
      Task,
      "state",
      { done: ({ rows }) => Status.succeeded(rows ?? 0) },
      { orElse: (word) => (word === "lost" ? Status.expired() : unknown(word)) }
    )
    rows("orElse", TaskStatus, [
      ["leaves words with a case alone", { state: "done", rows: 1 }, Status.succeeded(1, { state: "done" })],
      ["maps a word", { state: "lost" }, Status.expired({ state: "lost" })],
      ["may leave a word unknown", { state: "odd" }, unknown("odd")],
      ["receives what is no string as text", { state: 7 }, unknown("7")],
      ["leaves the name of a property of all objects unknown", { state: "constructor" }, unknown("constructor")]
    ])

    it("orElse - decides numbers too", () => {
      const Code = StatusSchema.fromField(
        Schema.Struct({ code: Schema.Finite }),
        "code",
        { "-1": Status.failed("x"), 0: Status.succeeded("ok") },
        { orElse: () => Status.pending() }
      )
      assert.deepStrictEqual(read(Code, { code: 0 }), Status.succeeded("ok", { state: "0" }))
      assert.deepStrictEqual(read(Code, { code: -1 }), Status.failed("x", { state: "-1" }))
      assert.deepStrictEqual(read(Code, { code: 42 }), Status.pending({ state: "42" }))
    })

    it("fromField - is a decode error when the word is absent or null", () => {
      assert.strictEqual(read(TaskStatus, {}), `Missing key\n  at ["state"]`)
      assert.strictEqual(read(TaskStatus, { state: null }), `Expected string\n  at ["state"]`)
    })

    it("fromField - keeps a misfit of the rest a decode error", () => {
      assert.include(read(TaskStatus, { state: "done", rows: "many" }), `at ["rows"]`)
    })
  })

  describe("words that are decoded", () => {
    const Coded = StatusSchema.fromField(
      Schema.Struct({
        code: Schema.Literals([0, 1, 2]).transform(["queued", "running", "done"]),
        rows: Schema.optionalKey(Schema.Int)
      }),
      "code",
      { queued: Status.pending(), running: Status.pending(), done: ({ rows }) => Status.succeeded(rows) }
    )
    rows("transformed literals", Coded, [
      ["choose the case by the decoded word, and keep the sent one", { code: 1 }, Status.pending({ state: "1" })],
      ["give the case the decoded payload", { code: 2, rows: 3 }, Status.succeeded(3, { state: "2" })],
      ["leave other words unknown", { code: 7 }, unknown("7")],
      ["leave the decoded word unknown, which is not sent", { code: "done" }, unknown("done")]
    ])

    const Swapped = StatusSchema.fromField(
      Schema.Struct({ s: Schema.Literals(["A", "B"]).transform(["B", "A"]) }),
      "s",
      { A: Status.pending(), B: Status.succeeded() }
    )
    rows("transformed literals with the same names", Swapped, [
      ["choose the case by the decoded word", { s: "A" }, Status.succeeded(undefined, { state: "A" })],
      ["leave other words unknown", { s: "C" }, unknown("C")]
    ])

    const Text = StatusSchema.fromField(
      Schema.Struct({ code: Schema.FiniteFromString.pipe(Schema.decodeTo(Schema.Literals([0, 1]))), rows: Schema.Int }),
      "code",
      { 0: Status.pending(), 1: ({ rows }) => Status.succeeded(rows) }
    )
    rows("numbers from text", Text, [
      ["are decoded", { code: "1", rows: 2 }, Status.succeeded(2, { state: "1" })],
      ["leave others unknown", { code: "5", rows: 2 }, unknown("5")],
      ["leave others unknown, whatever the rest is", { rows: "many", code: "5" }, unknown("5")]
    ])

    const Lower = StatusSchema.fromField(
      Schema.Struct({
        state: Schema.String.pipe(
          Schema.decodeTo(Schema.Literals(["busy", "done"]), {
            decode: SchemaGetter.transform((word: string) => word.toLowerCase() as "busy"),
            encode: SchemaGetter.passthrough()
          })
        )
      }),
      "state",
      { busy: Status.pending(), done: Status.succeeded() }
    )
    rows("words in any case", Lower, [
      ["keep the sent word as state", { state: "Busy" }, Status.pending({ state: "Busy" })],
      ["leave others unknown", { state: "Odd" }, unknown("Odd")]
    ])

    const Default = StatusSchema.fromField(
      Schema.Struct({
        done: Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(false)))
      }),
      "done",
      { false: Status.pending(), true: Status.succeeded() }
    )
    rows("default", Default, [
      ["stands for an absent word", {}, Status.pending({ state: "false" })],
      ["yields to a word", { done: true }, Status.succeeded(undefined, { state: "true" })]
    ])

    const Renamed = Schema.Struct({
      status: Schema.Literals([0, 1]).transform(["busy", "done"]),
      rows: Schema.optionalKey(Schema.Int)
    }).pipe(Schema.encodeKeys({ status: "task_status" }))
    const cases = {
      busy: Status.pending(),
      done: ({ rows }: { readonly rows?: number }) => Status.succeeded(rows ?? 0)
    } as const
    for (const [name, schema] of [
      ["encodedField", StatusSchema.fromField(Renamed, "status", cases, { encodedField: "task_status" })],
      ["encodedField as a path", StatusSchema.fromField(Renamed, ["status"], cases, { encodedField: ["task_status"] })]
    ] as const) {
      rows(name, schema, [
        ["finds a renamed word", { task_status: 0 }, Status.pending({ state: "0" })],
        ["leaves a renamed word unknown, whatever the rest is", { task_status: 5, rows: "x" }, unknown("5")]
      ])
    }
  })

  describe("words that are too long", () => {
    const Task = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy"]) }), "state", {
      busy: Status.pending()
    })
    const found = (schema: AnyStatusSchema, word: unknown) => read(schema, { state: word }) as CheckResult.UnknownState

    it("unknown state - holds at most 200 characters of a word", () => {
      assert.strictEqual(found(Task, "x".repeat(200)).state, "x".repeat(200))
      assert.strictEqual(found(Task, "x".repeat(201)).state, `${"x".repeat(199)}…`)
      assert.strictEqual(found(Task, "x".repeat(10_000_000)).state, `${"x".repeat(199)}…`)
    })

    it("unknown state - is not cut within a character", () => {
      const { state } = found(Task, `${"x".repeat(198)}${"😀".repeat(9)}`)
      assert.strictEqual(state, `${"x".repeat(198)}…`)
    })

    it("orElse - receives and keeps at most 200 characters of a word", () => {
      let received = ""
      const Open = StatusSchema.fromField(
        Schema.Struct({ state: Schema.String }),
        "state",
        {},
        {
          orElse: (word) => {
            received = word
            return Status.pending()
          }
        }
      )
      assert.lengthOf((read(Open, { state: "y".repeat(1000) }) as Status.Pending).state!, 200)
      assert.lengthOf(received, 200)
    })

    it("message - escapes control and direction characters of a word", () => {
      const Open = StatusSchema.fromField(
        Schema.Struct({ state: Schema.String }),
        "state",
        {},
        {
          orElse: () => {
            throw new Error("none")
          }
        }
      )
      const message = read(Open, { state: "a\n\u001b[31m\u0085\u2028\u202eb" })
      assert.strictEqual(
        message,
        String.raw`orElse for "a\n\u001b[31m\u0085\u2028\u202eb" threw: Error` + `\n  at ["state"]`
      )
      assert.isBelow(String(read(Open, { state: "\u0000".repeat(1000) })).length, 1300)
    })
  })
})
