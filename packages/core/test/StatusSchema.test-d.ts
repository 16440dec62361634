import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"

const Render = Schema.Struct({
  status: Schema.Literals(["PENDING", "DONE", "FAILED"]),
  urls: Schema.Array(Schema.String)
})

describe("StatusSchema", () => {
  it("fromField - infers result and failure from its cases", () => {
    const schema = StatusSchema.fromField(Render, "status", {
      PENDING: Status.pending(),
      DONE: (render) => Status.succeeded(render.urls),
      FAILED: Status.failed("reason" as const)
    })
    expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<ReadonlyArray<string>, "reason">>()
  })

  it("fromField without a case for every state - does not compile", () => {
    StatusSchema.fromField(
      Render,
      "status",
      // @ts-expect-error FAILED has no case
      {
        PENDING: Status.pending(),
        DONE: Status.succeeded()
      }
    )
  })

  it("fromField with a case for an unknown state - does not compile", () => {
    StatusSchema.fromField(Render, "status", {
      PENDING: Status.pending(),
      DONE: Status.succeeded(),
      FAILED: Status.failed("x"),
      // @ts-expect-error PAUSED is no state of the Schema
      PAUSED: Status.pending()
    })
  })

  it("union - gives each case its own member", () => {
    const Task = Schema.Union([
      Schema.Struct({ state: Schema.Literal("busy") }),
      Schema.Struct({ state: Schema.Literal("ready"), result: Schema.Finite })
    ])
    const schema = StatusSchema.fromField(Task, "state", {
      busy: Status.pending(),
      ready: (task) => Status.succeeded(task.result)
    })
    expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<number>>()
  })

  describe("words of other kinds", () => {
    const Flag = Schema.Struct({ done: Schema.Boolean, rows: Schema.Int })
    const Code = Schema.Struct({ code: Schema.Literals([-1, 0, 1]), rows: Schema.Int })
    const Maybe = Schema.Struct({ ending: Schema.optionalKey(Schema.NullOr(Schema.Literals(["ok"]))) })

    it("boolean - has two cases", () => {
      const schema = StatusSchema.fromField(Flag, "done", {
        false: Status.pending(),
        true: ({ rows }) => Status.succeeded(rows)
      })
      expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<number>>()
      // @ts-expect-error true has no case
      StatusSchema.fromField(Flag, "done", { false: Status.pending() })
      StatusSchema.fromField(Flag, "done", {
        false: Status.pending(),
        true: Status.succeeded(),
        // @ts-expect-error null is no state of the Schema
        null: Status.pending()
      })
    })

    it("number - has a case for each, a negative one as text", () => {
      const schema = StatusSchema.fromField(Code, "code", {
        "-1": Status.failed("x" as const),
        0: Status.pending(),
        1: ({ rows }) => Status.succeeded(rows)
      })
      expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<number, "x">>()
      // @ts-expect-error -1 has no case
      StatusSchema.fromField(Code, "code", { 0: Status.pending(), 1: Status.succeeded() })
      StatusSchema.fromField(Code, "code", {
        "-1": Status.pending(),
        0: Status.pending(),
        1: Status.succeeded(),
        // @ts-expect-error -2 is no state of the Schema
        "-2": Status.pending()
      })
    })

    it("null and optional - have cases", () => {
      const schema = StatusSchema.fromField(Maybe, "ending", {
        undefined: Status.pending(),
        null: Status.pending(),
        ok: Status.succeeded(1)
      })
      expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<number>>()
      // @ts-expect-error an absent ending has no case
      StatusSchema.fromField(Maybe, "ending", { null: Status.pending(), ok: Status.succeeded(1) })
      // @ts-expect-error null has no case
      StatusSchema.fromField(Maybe, "ending", { undefined: Status.pending(), ok: Status.succeeded(1) })
    })

    it("union with a member that lacks the field - narrows to it", () => {
      const Outcome = Schema.Union([
        Schema.Struct({ state: Schema.Literals(["busy"]) }),
        Schema.Struct({ error: Schema.String })
      ])
      const schema = StatusSchema.fromField(Outcome, "state", {
        busy: Status.pending(),
        undefined: ({ error }) => Status.failed(error)
      })
      expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<never, string>>()
    })

    it("messages - name the word", () => {
      type Extra = StatusSchema.UnlistedCases<typeof Flag.Type, "done", { readonly true: 1; readonly null: 1 }>
      expectTypeOf<Extra>().toEqualTypeOf<{ readonly null: "the Schema lists no state null" }>()
      type Numbers = StatusSchema.UnlistedCases<typeof Code.Type, "code", { readonly 0: 1; readonly [-2]: 1 }>
      expectTypeOf<Numbers>().toEqualTypeOf<{ readonly [-2]: "the Schema lists no state -2" }>()
      type Wrong = StatusSchema.UnlistedCases<
        { readonly a: { readonly b: "x" } },
        readonly ["a", "c"],
        { readonly x: 1 }
      >
      expectTypeOf<Wrong>().toEqualTypeOf<{ readonly x: "the payload has no field c" }>()
      type Inner = StatusSchema.UnlistedCases<{ readonly a: { readonly b: "x" } }, "a", { readonly x: 1 }>
      expectTypeOf<Inner>().toEqualTypeOf<{ readonly x: "an object or array is no state word" }>()
    })
  })

  describe("words without end", () => {
    const Task = Schema.Struct({ state: Schema.String, code: Schema.Finite, rows: Schema.Int })

    it("orElse - is required", () => {
      // @ts-expect-error a string may be any word
      StatusSchema.fromField(Task, "state", { done: Status.succeeded() })
      // @ts-expect-error a number may be any word
      StatusSchema.fromField(Task, "code", { 1: Status.succeeded() })
      // @ts-expect-error orElse is missing
      StatusSchema.fromField(Task, "state", { done: Status.succeeded() }, {})
      const Prefixed = Schema.Struct({ state: Schema.TemplateLiteral(["step-", Schema.Finite]) })
      // @ts-expect-error a step may have any number
      StatusSchema.fromField(Prefixed, "state", { "step-1": Status.pending() })
    })

    it("orElse - adds to result and failure", () => {
      const schema = StatusSchema.fromField(
        Task,
        "state",
        { done: ({ rows }) => Status.succeeded(rows) },
        { orElse: (word) => (word === "lost" ? Status.failed("lost" as const) : CheckResult.unknownState(word)) }
      )
      expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<number, "lost">>()
    })

    it("orElse - may annotate", () => {
      const schema = StatusSchema.fromField(
        Task,
        "code",
        { 0: ({ rows }) => CheckResult.withHint(Status.succeeded(rows), 1) },
        { orElse: () => CheckResult.withHint(Status.pending(), "1 second") }
      )
      expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<number>>()
      const flat = StatusSchema.fromPayload(Task, () => CheckResult.withHint(Status.pending(), "1 second"))
      expectTypeOf(flat).toEqualTypeOf<StatusSchema.StatusSchema<never>>()
    })

    it("orElse - is optional where the words are finite", () => {
      const schema = StatusSchema.fromField(
        Schema.Struct({ state: Schema.Literals(["done"]) }),
        "state",
        { done: Status.succeeded(1) },
        { orElse: (word) => Status.failed(word) }
      )
      expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<number, string>>()
    })
  })

  describe("paths", () => {
    const Operation = Schema.Struct({
      operation: Schema.Struct({ state: Schema.Literals(["RUNNING", "DONE"]) }),
      steps: Schema.Array(Schema.Struct({ done: Schema.Boolean })),
      output: Schema.NullOr(Schema.String)
    })

    it("path - gives cases the whole payload", () => {
      const schema = StatusSchema.fromField(Operation, ["operation", "state"], {
        RUNNING: Status.pending(),
        DONE: ({ output }) => (output === null ? CheckResult.resultMissing() : Status.succeeded(output))
      })
      expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<string>>()
      // @ts-expect-error DONE has no case
      StatusSchema.fromField(Operation, ["operation", "state"], { RUNNING: Status.pending() })
    })

    it("path through an array - may be absent", () => {
      StatusSchema.fromField(Operation, ["steps", -1, "done"], {
        undefined: Status.pending(),
        false: Status.pending(),
        true: Status.succeeded()
      })
      // @ts-expect-error an absent step has no case
      StatusSchema.fromField(Operation, ["steps", -1, "done"], { false: Status.pending(), true: Status.succeeded() })
    })

    it("path that leads nowhere - does not compile", () => {
      // @ts-expect-error the payload has no field phase
      StatusSchema.fromField(Operation, ["operation", "phase"], { RUNNING: Status.pending() })
      // @ts-expect-error the payload has no field phase
      StatusSchema.fromField(Operation, "phase", { RUNNING: Status.pending() })
    })
  })

  it("cases - may yield any result of a check", () => {
    const schema = StatusSchema.fromField(Render, "status", {
      PENDING: () => CheckResult.withHint(Status.pending(), "1 second"),
      DONE: ({ urls }) => CheckResult.withRun(CheckResult.withCursor(Status.succeeded(urls), "c"), { run: "r" }),
      FAILED: ({ urls }) => (urls.length === 0 ? CheckResult.missing : CheckResult.withHint(Status.failed(7), 1))
    })
    expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<ReadonlyArray<string>, number>>()
  })

  it("case that yields no result of a check - does not compile", () => {
    StatusSchema.fromField(Render, "status", {
      PENDING: Status.pending(),
      // @ts-expect-error a string is no status
      DONE: () => "done",
      FAILED: Status.canceled()
    })
  })

  it("fromPayload, succeeded and within - infer result and failure", () => {
    const search = StatusSchema.fromPayload(Render, ({ urls }) =>
      urls.length === 0 ? CheckResult.resultMissing() : urls.length > 9 ? Status.failed("many") : Status.succeeded(urls)
    )
    expectTypeOf(search).toEqualTypeOf<StatusSchema.StatusSchema<ReadonlyArray<string>, string>>()
    expectTypeOf(StatusSchema.succeeded(Schema.FiniteFromString)).toEqualTypeOf<StatusSchema.StatusSchema<number>>()
    expectTypeOf(StatusSchema.within(search, ["jobs", -1])).toEqualTypeOf(search)
    const missing = StatusSchema.within(search, ["jobs", 0], { absent: CheckResult.missing })
    expectTypeOf(missing).toEqualTypeOf(search)
    const absent = search.pipe(StatusSchema.within("job", { absent: Status.failed(404 as const) }))
    expectTypeOf(absent).toEqualTypeOf<StatusSchema.StatusSchema<ReadonlyArray<string>, string | 404>>()
    // @ts-expect-error a path is not empty
    StatusSchema.within(search, [])
    // @ts-expect-error fromPayload yields a status
    StatusSchema.fromPayload(Render, ({ urls }) => urls)
  })

  it("generic payloads - keep their type parameter", () => {
    const status = <A>(result: Schema.Codec<A, unknown>) =>
      StatusSchema.fromField(
        Schema.Union([
          Schema.Struct({ done: Schema.Literal(false) }),
          Schema.Struct({ done: Schema.Literal(true), result })
        ]),
        "done",
        { false: Status.pending(), true: (job) => Status.succeeded(job.result) }
      )
    expectTypeOf(status(Schema.Int as Schema.Codec<number, unknown>)).toEqualTypeOf<StatusSchema.StatusSchema<number>>()
  })
})
