import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as KeyCodec from "effect-poll/KeyCodec"
import * as StatusSchema from "effect-poll/StatusSchema"

const Render = Schema.Struct({
  status: Schema.Literals(["PENDING", "PROCESSING", "DONE", "FAILED"]),
  percent: Schema.optionalKey(Schema.Finite),
  urls: Schema.optionalKey(Schema.Array(Schema.String)),
  reason: Schema.optionalKey(Schema.NullOr(Schema.String))
})

const RenderStatus = StatusSchema.fromField(Render, "status", {
  PENDING: Status.pending(),
  PROCESSING: (render) => Status.pending({ progress: (render.percent ?? 0) / 100 }),
  DONE: (render) => Status.succeeded(render.urls ?? []),
  FAILED: (render) => Status.failed(render.reason ?? "no reason given")
})

const decode = (schema: StatusSchema.StatusSchema<unknown, unknown>, input: unknown) =>
  Schema.decodeUnknownResult(schema)(input)

const message = (schema: StatusSchema.StatusSchema<unknown, unknown>, input: unknown): string => {
  const result = decode(schema, input)
  return Result.isFailure(result) ? result.failure.message : "decoded"
}

describe("StatusSchema", () => {
  describe("fromField", () => {
    const table: ReadonlyArray<readonly [string, unknown, CheckResult.Unannotated<unknown, unknown>]> = [
      ["a value as a case", { status: "PENDING" }, Status.pending({ state: "PENDING" })],
      [
        "a function as a case",
        { status: "PROCESSING", percent: 40 },
        Status.pending({ state: "PROCESSING", progress: 0.4 })
      ],
      ["a result", { status: "DONE", urls: ["a"] }, Status.succeeded(["a"], { state: "DONE" })],
      ["a nullable failure", { status: "FAILED", reason: null }, Status.failed("no reason given", { state: "FAILED" })],
      ["an unknown state", { status: "PAUSED" }, CheckResult.unknownState("PAUSED")],
      [
        "an unknown state, before the rest is checked",
        { status: "PAUSED", urls: 7 },
        CheckResult.unknownState("PAUSED")
      ],
      ["a word that every object has as a property", { status: "toString" }, CheckResult.unknownState("toString")]
    ]
    for (const [name, input, expected] of table) {
      it(`fromField - decodes ${name}`, () =>
        assert.deepStrictEqual(decode(RenderStatus, input), Result.succeed(expected)))
    }

    it("fromField - names path and expectation of a body that does not fit, not its content", () => {
      const text = message(RenderStatus, { status: "DONE", urls: ["secret", 7] })
      assert.include(text, "Expected string")
      assert.include(text, `["urls"][1]`)
      assert.notInclude(text, "secret")
    })

    it("fromField - names the path of a missing state", () => {
      assert.include(message(RenderStatus, { state: "DONE" }), `["status"]`)
      assert.include(message(RenderStatus, "<html>"), "Expected object")
    })

    it("orElse - decides what unknown states mean", () => {
      const Lenient = StatusSchema.fromField(
        Schema.Struct({ status: Schema.Literals(["DONE"]) }),
        "status",
        { DONE: Status.succeeded(1) },
        { orElse: (word) => (word === "LOST" ? Status.failed("lost") : Status.pending()) }
      )
      assert.deepStrictEqual(
        decode(Lenient, { status: "LOST" }),
        Result.succeed(Status.failed("lost", { state: "LOST" }))
      )
      assert.deepStrictEqual(decode(Lenient, { status: "NEW" }), Result.succeed(Status.pending({ state: "NEW" })))
    })

    it("union - gives each case its own member", () => {
      const Task = Schema.Union([
        Schema.Struct({ state: Schema.Literal("busy") }),
        Schema.Struct({ state: Schema.Literal("ready"), result: Schema.fromJsonString(Schema.Array(Schema.String)) })
      ])
      const TaskStatus = StatusSchema.fromField(Task, "state", {
        busy: Status.pending(),
        ready: (task) => Status.succeeded(task.result)
      })
      assert.deepStrictEqual(
        decode(TaskStatus, { state: "ready", result: `["a"]` }),
        Result.succeed(Status.succeeded(["a"], { state: "ready" }))
      )
      assert.include(message(TaskStatus, { state: "ready", result: "not json" }), `["result"]`)
    })

    it("encodedField - names the field on the wire when the Schema renames it", () => {
      const Renamed = Schema.Struct({ status: Schema.Literals(["A"]) }).pipe(
        Schema.encodeKeys({ status: "task_status" })
      )
      const RenamedStatus = StatusSchema.fromField(
        Renamed,
        "status",
        { A: Status.pending() },
        {
          encodedField: "task_status"
        }
      )
      assert.deepStrictEqual(
        decode(RenamedStatus, { task_status: "A" }),
        Result.succeed(Status.pending({ state: "A" }))
      )
      assert.deepStrictEqual(decode(RenamedStatus, { task_status: "B" }), Result.succeed(CheckResult.unknownState("B")))
    })

    it("numbers - are states too", () => {
      const Numbered = StatusSchema.fromField(Schema.Struct({ code: Schema.Literals([0, 1]) }), "code", {
        0: Status.pending(),
        1: Status.succeeded("one")
      })
      assert.deepStrictEqual(decode(Numbered, { code: 1 }), Result.succeed(Status.succeeded("one", { state: "1" })))
      assert.deepStrictEqual(decode(Numbered, { code: 2 }), Result.succeed(CheckResult.unknownState("2")))
    })

    it.effect("fromField - needs no services when its Schema needs none", () =>
      Effect.gen(function* () {
        const found = yield* Schema.decodeEffect(RenderStatus)({ status: "PENDING" })
        assert.strictEqual(found._tag, "Pending")
      })
    )
  })

  describe("within", () => {
    const Enveloped = StatusSchema.within(RenderStatus, "data")

    it("within - decodes under a key, unknown states too", () => {
      assert.deepStrictEqual(
        decode(Enveloped, { data: { status: "DONE", urls: [] } }),
        Result.succeed(Status.succeeded([], { state: "DONE" }))
      )
      assert.deepStrictEqual(
        decode(Enveloped, { data: { status: "NEW" } }),
        Result.succeed(CheckResult.unknownState("NEW"))
      )
    })

    it("within - names the whole path", () => {
      assert.include(message(Enveloped, { data: { status: "DONE", urls: 7 } }), `["data"]["urls"]`)
      assert.include(message(Enveloped, {}), `["data"]`)
    })
  })

  it("case - may have an action, and keeps its state word (R38)", () => {
    const Order = Schema.Struct({ status: Schema.Literals(["PAY", "DONE"]), bill: Schema.String })
    const OrderStatus = StatusSchema.fromField(Order, "status", {
      PAY: ({ bill }) => Status.pending({ action: { id: bill, kind: "pay" } }),
      DONE: Status.succeeded("done")
    })
    assert.deepStrictEqual(
      decode(OrderStatus, { status: "PAY", bill: "b1" }),
      Result.succeed(Status.pending({ state: "PAY", action: { id: "b1", kind: "pay" } }))
    )
  })

  it("StatusSchema - cannot encode", () => {
    const result = Schema.encodeUnknownResult(RenderStatus)(Status.pending())
    assert(Result.isFailure(result))
  })

  describe("key", () => {
    const key = KeyCodec.fromSchema(
      Schema.fromJsonString(Schema.Struct({ model: Schema.String, taskId: Schema.NonEmptyString }))
    )

    it("KeyCodec.fromSchema - writes a key as a string and reads it back", () => {
      const encoded = key.encode({ model: "suno", taskId: "t1" })
      assert.deepStrictEqual(key.decode(encoded), { model: "suno", taskId: "t1" })
    })

    it("KeyCodec.fromSchema - throws a RangeError for a key that cannot be written", () => {
      assert.throws(() => key.encode({ model: "suno", taskId: "" }), RangeError, /taskId/)
    })
  })
})
