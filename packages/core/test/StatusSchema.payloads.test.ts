import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"

type AnyStatusSchema = StatusSchema.StatusSchema<unknown, unknown>

const decode = (schema: AnyStatusSchema, input: unknown) => Schema.decodeUnknownResult(schema)(input)

/** The result of a decoding, or the message of its error. */
const read = (schema: AnyStatusSchema, input: unknown): unknown => {
  const result = decode(schema, input)
  return Result.isSuccess(result) ? result.success : result.failure.message
}

const unknown = CheckResult.unknownState

describe("StatusSchema", () => {
  describe("cases", () => {
    const Task = Schema.Struct({
      state: Schema.Literals(["busy", "moved", "gone", "odd", "empty", "done"]),
      next: Schema.optionalKey(Schema.Int)
    })
    const TaskStatus = StatusSchema.fromField(Task, "state", {
      busy: ({ next }) => CheckResult.withHint(Status.pending(), `${next ?? 1} seconds`),
      moved: () => CheckResult.withCursor(CheckResult.withRun(Status.succeeded("there"), { run: "r2" }), "secret"),
      gone: CheckResult.missing,
      odd: () => unknown("odder"),
      empty: () => CheckResult.resultMissing(),
      done: Status.succeeded("well", { state: "own" })
    })

    it("fromField - keeps a hint, and the word as the state below it", () => {
      const found = read(TaskStatus, { state: "busy", next: 5 })
      assert.deepStrictEqual(found, CheckResult.withHint(Status.pending({ state: "busy" }), "5 seconds"))
    })

    it("fromField - keeps a run and a concealed cursor", () => {
      const found = read(TaskStatus, { state: "moved" }) as CheckResult.Annotated<unknown, unknown>
      assert.deepStrictEqual(found.result, Status.succeeded("there", { state: "moved" }))
      assert.deepStrictEqual(found.run, { run: "r2" })
      assert.strictEqual(found.cursor, "secret")
      assert.notInclude(JSON.stringify(found), "secret")
    })

    it("fromField - keeps missing, unknown states and missing results", () => {
      assert.deepStrictEqual(read(TaskStatus, { state: "gone" }), CheckResult.missing)
      assert.deepStrictEqual(read(TaskStatus, { state: "odd" }), unknown("odder"))
      assert.deepStrictEqual(read(TaskStatus, { state: "empty" }), CheckResult.resultMissing("empty"))
    })

    it("fromField - keeps a state that the case gives", () => {
      assert.deepStrictEqual(read(TaskStatus, { state: "done" }), Status.succeeded("well", { state: "own" }))
    })

    it("fromField - throws a RangeError for a case that is none, and for a path that leads nowhere", () => {
      const make = StatusSchema.fromField as (...args: ReadonlyArray<unknown>) => unknown
      assert.throws(() => make(Task, "state", { busy: "pending" }), RangeError, `fromField: the case "busy" must be`)
      for (const path of [[], [1.5], [undefined], 7.5, undefined]) {
        assert.throws(() => make(Task, path, {}), RangeError, "StatusSchema.fromField: field must be")
        assert.throws(() => StatusSchema.within(TaskStatus, path as never), RangeError, "StatusSchema.within: path")
      }
      const renamed = () => make(Task, "state", {}, { encodedField: [] })
      assert.throws(renamed, RangeError, "StatusSchema.fromField: encodedField must be")
    })
  })

  describe("cases that fail", () => {
    const Task = Schema.Struct({ state: Schema.Literals(["done", "lost"]), note: Schema.String })
    const failing = (done: (note: string) => unknown) =>
      StatusSchema.fromField(Task, "state", {
        done: ({ note }) => done(note) as Status.Pending,
        lost: Status.pending()
      })

    it("case that throws - is a decode error that names it and the error, without the words of the server", () => {
      const Throwing = failing((note) => {
        throw new TypeError(`no url in ${note}`)
      })
      const result = decode(Throwing, { state: "done", note: "secret" })
      assert(Result.isFailure(result))
      assert.strictEqual(result.failure.message, `the case "done" threw: TypeError\n  at ["state"]`)
      assert.notInclude(JSON.stringify(result.failure), "secret")
      assert.notInclude(String(result.failure), "secret")
    })

    it("case that throws - keeps the error in the issue, redacted", () => {
      const error = new Error("secret")
      const Throwing = failing(() => {
        throw error
      })
      const causes: Array<unknown> = []
      const visit = (value: unknown): void => {
        if (Redacted.isRedacted(value)) causes.push(Redacted.value(value))
        else if (typeof value === "object" && value !== null) Object.values(value).forEach(visit)
      }
      const result = decode(Throwing, { state: "done", note: "" })
      assert(Result.isFailure(result))
      visit({ ...result.failure.issue, ast: undefined })
      assert.deepStrictEqual(causes, [error])
    })

    it("case that throws - does not show a name or value that the server may have sent", () => {
      for (const thrown of ["secret", { message: "secret" }, Object.assign(new Error("x"), { name: "a secret\n" })]) {
        const Throwing = failing(() => {
          throw thrown
        })
        assert.strictEqual(
          read(Throwing, { state: "done", note: "" }),
          `the case "done" threw: an unknown error\n  at ["state"]`
        )
      }
    })

    it("case that yields no result of a check - is a decode error that names it", () => {
      for (const value of ["done", undefined, Promise.resolve(Status.pending())]) {
        const message = read(
          failing(() => value),
          { state: "done", note: "" }
        )
        assert.strictEqual(message, `the case "done" yields no status\n  at ["state"]`)
      }
    })

    it.effect("Schema that throws - is a decode error, not a defect", () =>
      Effect.gen(function* () {
        const Broken = Schema.Struct({
          state: Schema.Literals(["done"]),
          at: Schema.Unknown.pipe(
            Schema.decodeTo(Schema.String, {
              decode: SchemaGetter.transform((at) => (at as { readonly at: { readonly at: string } }).at.at),
              encode: SchemaGetter.passthrough()
            })
          )
        })
        const error = yield* Effect.flip(
          Schema.decodeEffect(StatusSchema.fromField(Broken, "state", { done: ({ at }) => Status.succeeded(at) }))({
            state: "done",
            at: { secret: 1 }
          })
        )
        assert.strictEqual(error.message, "the Schema of the payload threw: TypeError")
        const flat = yield* Effect.flip(Schema.decodeEffect(StatusSchema.succeeded(Broken))({ state: "done", at: 7 }))
        assert.strictEqual(flat.message, "the Schema of the payload threw: TypeError")
      })
    )
  })

  describe("ends without a result", () => {
    const Task = Schema.Union([
      Schema.Struct({ state: Schema.Literals(["busy", "held"]), percent: Schema.Finite }),
      Schema.Struct({ state: Schema.Literal("done"), output: Schema.Struct({ url: Schema.String }) }),
      Schema.Struct({ state: Schema.Literal("failed"), error: Schema.String })
    ])
    const TaskStatus = StatusSchema.fromField(Task, "state", {
      busy: Status.pending(),
      held: CheckResult.withHint(Status.pending(), "1 second"),
      done: ({ output }) => Status.succeeded(output.url),
      failed: ({ error }) => Status.failed(error)
    })

    for (const [name, body, issue] of [
      ["null", { state: "done", output: null }, `Expected object at ["output"]`],
      ["absent", { state: "done" }, `Missing key at ["output"]`],
      ["null within", { state: "done", output: { url: null } }, `Expected string at ["output"]["url"]`],
      ["absent within", { state: "done", output: {} }, `Missing key at ["output"]["url"]`]
    ] as const) {
      it(`result that is ${name} - is missing, with the word and what is lacking`, () =>
        assert.deepStrictEqual(read(TaskStatus, body), CheckResult.resultMissing("done", issue)))
    }

    it("failure that is absent - is missing too", () => {
      const found = read(TaskStatus, { state: "failed", error: null })
      assert.deepStrictEqual(found, CheckResult.resultMissing("failed", `Expected string at ["error"]`))
    })

    for (const [name, body, path] of [
      ["of another type", { state: "done", output: "secret" }, `["output"]`],
      ["of another type within", { state: "done", output: { url: 7 } }, `["output"]["url"]`]
    ] as const) {
      it(`result ${name} - is a decode error`, () => {
        const message = read(TaskStatus, body)
        assert.include(message, `at ${path}`)
        assert.notInclude(message, "secret")
      })
    }

    it("pending state without a field - is a decode error, since no result is lacking", () => {
      assert.strictEqual(read(TaskStatus, { state: "busy" }), `Missing key\n  at ["percent"]`)
      assert.strictEqual(read(TaskStatus, { state: "held", percent: null }), `Expected number\n  at ["percent"]`)
    })

    it("absent field beside a misfit - is a decode error, in either order", () => {
      const Report = StatusSchema.fromField(
        Schema.Struct({ state: Schema.Literals(["done"]), a: Schema.String, b: Schema.String, c: Schema.String }),
        "state",
        { done: ({ a }) => Status.succeeded(a) }
      )
      assert.strictEqual(read(Report, { state: "done", a: "", b: null, c: 7 }), `Expected string\n  at ["b"]`)
      assert.strictEqual(read(Report, { state: "done", a: "", b: 7, c: null }), `Expected string\n  at ["b"]`)
      assert.deepStrictEqual(
        read(Report, { state: "done", a: "", b: null }),
        CheckResult.resultMissing("done", `Expected string at ["b"]`)
      )
    })

    it("word that is decoded - is known too", () => {
      const Coded = StatusSchema.fromField(
        Schema.Struct({ code: Schema.Literals([0, 1]).transform(["busy", "done"]), url: Schema.String }),
        "code",
        { busy: Status.pending(), done: ({ url }) => Status.succeeded(url) }
      )
      assert.deepStrictEqual(
        read(Coded, { code: 1, url: null }),
        CheckResult.resultMissing("1", `Expected string at ["url"]`)
      )
    })

    it("JSON in a field - is missing while the field is null, and a decode error if it is malformed", () => {
      const Text = StatusSchema.fromField(
        Schema.Struct({
          state: Schema.Literals(["done"]),
          json: Schema.fromJsonString(Schema.Struct({ urls: Schema.Array(Schema.String) }))
        }),
        "state",
        { done: ({ json }) => Status.succeeded(json.urls) }
      )
      assert.propertyVal(read(Text, { state: "done", json: null }), "_tag", "ResultMissing")
      const message = read(Text, { state: "done", json: "{ secret" })
      assert.include(message, `at ["json"]`)
      assert.notInclude(message, "secret")
    })

    it("absent word - is no end", () => {
      const Flag = StatusSchema.fromField(
        Schema.Struct({ done: Schema.optionalKey(Schema.Boolean), rows: Schema.Int }),
        "done",
        { undefined: Status.pending(), false: Status.pending(), true: ({ rows }) => Status.succeeded(rows) }
      )
      assert.strictEqual(read(Flag, {}), `Missing key\n  at ["rows"]`)
      assert.deepStrictEqual(read(Flag, { done: true }), CheckResult.resultMissing("true", `Missing key at ["rows"]`))
    })
  })

  describe("paths", () => {
    const Operation = StatusSchema.fromField(
      Schema.Struct({
        operation: Schema.Struct({
          state: Schema.Literals(["RUNNING", "DONE", "FAILED"]),
          error: Schema.optionalKey(Schema.NullOr(Schema.String))
        }),
        output: Schema.optionalKey(Schema.Array(Schema.String))
      }),
      ["operation", "state"],
      {
        RUNNING: Status.pending(),
        DONE: ({ output }) => (output === undefined ? CheckResult.resultMissing() : Status.succeeded(output)),
        FAILED: ({ operation }) => Status.failed(operation.error ?? "no reason given")
      }
    )

    it("path - leads to the word of an inner object, and cases receive the whole payload", () => {
      const state = "DONE"
      assert.deepStrictEqual(
        read(Operation, { operation: { state }, output: ["a"] }),
        Status.succeeded(["a"], { state })
      )
      assert.deepStrictEqual(read(Operation, { operation: { state } }), CheckResult.resultMissing(state))
      assert.deepStrictEqual(
        read(Operation, { operation: { state: "FAILED", error: "quota" } }),
        Status.failed("quota", { state: "FAILED" })
      )
    })

    it("path - leaves an unlisted word unknown, whatever the rest is", () => {
      assert.deepStrictEqual(read(Operation, { operation: { state: "PAUSED" }, output: 7 }), unknown("PAUSED"))
      assert.deepStrictEqual(read(Operation, { output: 7, operation: { state: 3, error: 7 } }), unknown("3"))
    })

    it("path - is named by a decode error", () => {
      assert.include(read(Operation, { operation: {} }), `Missing key\n  at ["operation"]["state"]`)
      assert.include(read(Operation, {}), `Missing key\n  at ["operation"]`)
      assert.include(read(Operation, { operation: "DONE" }), `Expected object\n  at ["operation"]`)
      assert.include(read(Operation, { operation: { state: ["DONE"] } }), `at ["operation"]["state"]`)
    })

    it("path - may lead through what is absent", () => {
      const Maybe = StatusSchema.fromField(
        Schema.Struct({ progress: Schema.optionalKey(Schema.NullOr(Schema.Struct({ done: Schema.Boolean }))) }),
        ["progress", "done"],
        { undefined: Status.pending(), false: Status.pending(), true: Status.succeeded() }
      )
      for (const body of [{}, { progress: null }]) assert.deepStrictEqual(read(Maybe, body), Status.pending())
      assert.deepStrictEqual(read(Maybe, { progress: { done: false } }), Status.pending({ state: "false" }))
      assert.deepStrictEqual(read(Maybe, { progress: { done: "soon" } }), unknown("soon"))
    })

    it("path - may lead through an array, from its end too", () => {
      const steps = Schema.Struct({ steps: Schema.Array(Schema.Struct({ state: Schema.Literals(["busy", "done"]) })) })
      const cases = { busy: Status.pending(), done: Status.succeeded(), undefined: Status.pending() }
      const First = StatusSchema.fromField(steps, ["steps", 0, "state"], cases)
      const Last = StatusSchema.fromField(steps, ["steps", -1, "state"], cases)
      const body = { steps: [{ state: "busy" }, { state: "done" }] }
      assert.deepStrictEqual(read(First, body), Status.pending({ state: "busy" }))
      assert.deepStrictEqual(read(Last, body), Status.succeeded(undefined, { state: "done" }))
      assert.deepStrictEqual(read(Last, { steps: [] }), Status.pending())
      assert.deepStrictEqual(read(Last, { steps: [{ state: "busy" }, { state: "odd" }] }), unknown("odd"))
      assert.include(read(Last, { steps: [{ state: "odd" }, { state: "done" }] }), `at ["steps"][0]["state"]`)
    })
  })

  describe("views", () => {
    const Wire = Schema.Struct({
      job: Schema.Struct({ phase: Schema.String, reason: Schema.optionalKey(Schema.String) }),
      files: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String)))
    })
    const View = Schema.Struct({
      state: Schema.Literals(["running", "ready", "failed"]),
      reason: Schema.String,
      files: Schema.Array(Schema.String)
    })
    const Flat = Wire.pipe(
      Schema.decodeTo(View, {
        decode: SchemaGetter.transform(({ files, job }: typeof Wire.Type): typeof View.Encoded => ({
          state: job.phase as "ready",
          reason: job.reason ?? "no reason given",
          files: files as ReadonlyArray<string>
        })),
        encode: SchemaGetter.forbidden(() => "a job is only read")
      })
    )
    const cases = {
      running: Status.pending(),
      ready: ({ files }: typeof View.Type) => Status.succeeded(files),
      failed: ({ reason }: typeof View.Type) => Status.failed(reason)
    } as const
    const FlatStatus = StatusSchema.fromField(Flat, "state", cases)
    const Located = StatusSchema.fromField(Flat, "state", cases, { encodedField: ["job", "phase"] })

    for (const [name, schema] of [
      ["view", FlatStatus],
      ["view with encodedField", Located]
    ] as const) {
      it(`${name} - flattens word, failure and result`, () => {
        assert.deepStrictEqual(
          read(schema, { job: { phase: "ready" }, files: ["a"] }),
          Status.succeeded(["a"], { state: "ready" })
        )
        assert.deepStrictEqual(
          read(schema, { job: { phase: "failed", reason: "quota" }, files: [] }),
          Status.failed("quota", { state: "failed" })
        )
      })

      it(`${name} - leaves an unlisted word unknown`, () => {
        assert.deepStrictEqual(read(schema, { job: { phase: "PAUSED" }, files: [] }), unknown("PAUSED"))
        assert.deepStrictEqual(read(schema, { job: { phase: "PAUSED" }, files: null }), unknown("PAUSED"))
      })

      it(`${name} - finds a result missing`, () => {
        assert.deepStrictEqual(
          read(schema, { job: { phase: "ready" }, files: null }),
          CheckResult.resultMissing("ready", `Expected array at ["files"]`)
        )
      })

      it(`${name} - is a decode error for a body that does not fit`, () => {
        assert.include(read(schema, { job: { phase: {} } }), `Expected string\n  at ["job"]["phase"]`)
        assert.include(read(schema, { files: [] }), `Missing key\n  at ["job"]`)
      })
    }

    it("view in a union - leaves an unlisted word unknown", () => {
      const Other = Schema.Struct({ done: Schema.Literal(true), state: Schema.Literal("over") })
      const Either = StatusSchema.fromField(Schema.Union([Flat, Other]), "state", {
        ...cases,
        over: Status.succeeded<ReadonlyArray<string>>([])
      })
      assert.deepStrictEqual(read(Either, { job: { phase: "PAUSED" }, files: [] }), unknown("PAUSED"))
      assert.deepStrictEqual(read(Either, { done: true, state: "over" }), Status.succeeded([], { state: "over" }))
    })

    it("class - is a payload, and may compute the word", () => {
      class Task extends Schema.Class<Task>("Task")({ done: Schema.Boolean, error: Schema.NullOr(Schema.String) }) {
        get state(): "busy" | "ok" | "failed" {
          return this.error !== null ? "failed" : this.done ? "ok" : "busy"
        }
      }
      const TaskStatus = StatusSchema.fromField(Task, "state", {
        busy: Status.pending(),
        ok: Status.succeeded(),
        failed: ({ error }) => Status.failed(error)
      })
      assert.deepStrictEqual(read(TaskStatus, { done: false, error: null }), Status.pending({ state: "busy" }))
      assert.deepStrictEqual(read(TaskStatus, { done: true, error: "x" }), Status.failed("x", { state: "failed" }))
      const Flag = StatusSchema.fromField(Task, "done", { false: Status.pending(), true: Status.succeeded() })
      assert.deepStrictEqual(read(Flag, { done: "soon", error: null }), unknown("soon"))
    })
  })

  describe("fromPayload", () => {
    const Search = StatusSchema.fromPayload(
      Schema.Struct({
        complete: Schema.Boolean,
        phase: Schema.optionalKey(Schema.String),
        results: Schema.optionalKey(Schema.NullOr(Schema.Array(Schema.String)))
      }),
      ({ complete, phase, results }) => {
        if (phase !== undefined && phase !== "search") return unknown(phase)
        if (!complete) return CheckResult.withHint(Status.pending(), "2 seconds")
        return results === undefined || results === null ? CheckResult.resultMissing() : Status.succeeded(results)
      }
    )

    it("fromPayload - decides by several fields", () => {
      assert.deepStrictEqual(read(Search, { complete: true, results: ["a"] }), Status.succeeded(["a"]))
      assert.deepStrictEqual(read(Search, { complete: true, results: null }), CheckResult.resultMissing())
      assert.deepStrictEqual(read(Search, { complete: false }), CheckResult.withHint(Status.pending(), "2 seconds"))
    })

    it("fromPayload - may leave a word unknown", () => {
      assert.deepStrictEqual(read(Search, { complete: false, phase: "PAUSED" }), unknown("PAUSED"))
    })

    it("fromPayload - is a decode error for a body that does not fit", () => {
      assert.strictEqual(read(Search, { complete: "secret" }), `Expected boolean\n  at ["complete"]`)
      assert.strictEqual(read(Search, {}), `Missing key\n  at ["complete"]`)
    })

    it("fromPayload - is a decode error when the function throws or yields no status", () => {
      const Throwing = StatusSchema.fromPayload(Schema.String, (text): Status.Pending => {
        throw new SyntaxError(text)
      })
      assert.strictEqual(read(Throwing, "secret"), "the function of the status threw: SyntaxError")
      const None = StatusSchema.fromPayload(Schema.String, (text) => text as unknown as Status.Pending)
      assert.strictEqual(read(None, "secret"), "the function of the status yields no status")
    })
  })

  describe("succeeded", () => {
    it("succeeded - takes the whole body as the result", () => {
      assert.deepStrictEqual(read(StatusSchema.succeeded(Schema.FiniteFromString), "7"), Status.succeeded(7))
      const Rows = StatusSchema.succeeded(Schema.Array(Schema.Int))
      assert.deepStrictEqual(read(Rows, [1]), Status.succeeded([1]))
      assert.strictEqual(read(Rows, [1, "secret"]), "Expected number\n  at [1]")
      assert.deepStrictEqual(read(StatusSchema.succeeded(Schema.Null), null), Status.succeeded(null))
    })
  })

  describe("within", () => {
    const Task = StatusSchema.fromField(
      Schema.Struct({ state: Schema.Literals(["busy", "done"]), rows: Schema.optionalKey(Schema.Int) }),
      "state",
      { busy: Status.pending(), done: ({ rows }) => Status.succeeded(rows) }
    )
    const busy = { state: "busy" }
    const done = { state: "done", rows: 2 }

    for (const [name, path, body] of [
      ["a key", "data", { data: busy, other: 1 }],
      ["a path of keys", ["data", "job"], { data: { job: busy } }],
      ["an index", ["jobs", 0], { jobs: [busy, done] }],
      ["an index from the end", ["data", "jobs", -1], { data: { jobs: [done, busy] } }],
      ["an index of the body", [0], [busy, done]],
      ["a key within an index", ["items", 1, "job"], { items: [{}, { job: busy }] }]
    ] as const) {
      it(`within - finds ${name}`, () => {
        assert.deepStrictEqual(read(StatusSchema.within(Task, path), body), Status.pending({ state: "busy" }))
        assert.deepStrictEqual(read(Task.pipe(StatusSchema.within(path)), body), Status.pending({ state: "busy" }))
      })
    }

    it("within - leaves unknown states and missing results as they are", () => {
      const First = StatusSchema.within(Task, ["jobs", 0])
      assert.deepStrictEqual(read(First, { jobs: [{ state: "odd", rows: "x" }] }), unknown("odd"))
      const Needed = StatusSchema.fromField(
        Schema.Struct({ state: Schema.Literals(["done"]), rows: Schema.Int }),
        "state",
        { done: ({ rows }) => Status.succeeded(rows) }
      )
      const missing = read(StatusSchema.within(Needed, ["jobs", 0]), { jobs: [{ state: "done" }] })
      assert.deepStrictEqual(missing, CheckResult.resultMissing("done", `Missing key at ["rows"]`))
    })

    for (const [body, message] of [
      [{ data: { jobs: [{ state: "done", rows: "secret" }] } }, `Expected number\n  at ["data"]["jobs"][0]["rows"]`],
      [{ data: { jobs: [] } }, `Missing key\n  at ["data"]["jobs"][-1]`],
      [{ data: {} }, `Missing key\n  at ["data"]["jobs"]`],
      [{ data: { jobs: { 0: busy } } }, `Expected array\n  at ["data"]["jobs"]`],
      [{ data: { jobs: null } }, `Expected array\n  at ["data"]["jobs"]`],
      [{ data: ["jobs"] }, `Expected object\n  at ["data"]`],
      [{ data: null }, `Expected object\n  at ["data"]`],
      [{}, `Missing key\n  at ["data"]`],
      [null, `Expected object`],
      ["<html>", `Expected object`],
      [{ data: { jobs: [null] } }, `Expected object\n  at ["data"]["jobs"][0]`]
    ] as const) {
      it(`within - names the path in ${JSON.stringify(body)}`, () => {
        const Last = StatusSchema.within(Task, ["data", "jobs", -1])
        const shown = read(Last, body) as string
        assert.isTrue(shown.startsWith(message.split("\n")[0]!), shown)
        assert.isTrue(shown.endsWith(message.split("\n")[1] ?? message), shown)
      })
    }

    it("within - does not take an inherited property for a key", () => {
      assert.include(read(StatusSchema.within(Task, "constructor"), {}), `Missing key\n  at ["constructor"]`)
    })

    it("absent - stands for an envelope without the status", () => {
      const Last = Task.pipe(StatusSchema.within(["data", "jobs", -1], { absent: CheckResult.missing }))
      for (const body of [{ data: { jobs: [] } }, { data: { jobs: [null] } }, { data: {} }, { data: null }, {}]) {
        assert.deepStrictEqual(read(Last, body), CheckResult.missing, JSON.stringify(body))
      }
      assert.deepStrictEqual(read(Last, { data: { jobs: [busy] } }), Status.pending({ state: "busy" }))
      for (const body of [{ data: { jobs: {} } }, { data: "secret" }, null, []]) {
        assert.include(read(Last, body), "Expected ", JSON.stringify(body))
      }
    })

    it("absent - may be a status", () => {
      const Waiting = StatusSchema.within(Task, "job", { absent: Status.pending({ state: "queued" }) })
      assert.deepStrictEqual(read(Waiting, { job: null }), Status.pending({ state: "queued" }))
    })
  })

  describe("hostile payloads", () => {
    const Task = Schema.Struct({
      state: Schema.Literals(["busy", "done"]),
      files: Schema.Record(Schema.String, Schema.Struct({ size: Schema.Int })),
      extra: Schema.optionalKey(Schema.Unknown)
    })
    const TaskStatus = StatusSchema.fromField(Task, "state", {
      busy: Status.pending(),
      done: ({ extra, files }) => Status.succeeded([files, extra])
    })
    const nested = (depth: number, leaf: unknown = 1): unknown => {
      let value = leaf
      for (let i = 0; i < depth; i++) value = { value }
      return value
    }

    it("decode error - shows no key of a record", () => {
      for (const key of ["secret", "k".repeat(1_000_000), "\u001b[31m", "state"]) {
        const message = read(TaskStatus, { state: "done", files: { [key]: { size: "big" } } })
        assert.strictEqual(message, `Expected number\n  at ["files"]["*"]["size"]`)
      }
    })

    it("decode error - shows at most 16 of the issues", () => {
      const files = Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`f${i}`, { size: "big" }]))
      const all = Schema.decodeResult(TaskStatus, { errors: "all" })({ state: "done", files })
      assert(Result.isFailure(all))
      assert.lengthOf(all.failure.message.match(/Expected/g)!, 16)
      const Nested = StatusSchema.succeeded(Schema.Record(Schema.String, Schema.Record(Schema.String, Schema.Int)))
      const inner = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`f${i}`, "big"]))
      const outer = Object.fromEntries(Array.from({ length: 20 }, (_, i) => [`d${i}`, inner]))
      const nested = Schema.decodeResult(Nested, { errors: "all" })(outer)
      assert(Result.isFailure(nested))
      assert.lengthOf(nested.failure.message.match(/Expected/g)!, 16)
    })

    it("decode error - shows no value of the payload, in no kind of misfit", () => {
      for (const body of [
        { state: ["secret"], files: {} },
        { state: "done", files: "secret" },
        { state: "done", files: { secret: "secret" } },
        { state: "done", files: { secret: { size: "secret" } } },
        { state: "done", files: ["secret"] },
        "secret",
        ["secret"]
      ]) {
        const result = decode(TaskStatus, body)
        assert(Result.isFailure(result), JSON.stringify(body))
        assert.notInclude(result.failure.message, "secret")
        assert.notInclude(JSON.stringify(result.failure), "secret")
      }
    })

    it("large payload - is decoded again for its first misfit only", () => {
      const files = Object.fromEntries(Array.from({ length: 3000 }, (_, i) => [`f${i}`, { size: i }]))
      let reads = 0
      const Counted = Schema.Unknown.pipe(
        Schema.decodeTo(Schema.Int, {
          decode: SchemaGetter.transform((size) => {
            reads++
            return size as number
          }),
          encode: SchemaGetter.passthrough()
        })
      )
      const Files = StatusSchema.fromField(
        Schema.Struct({
          state: Schema.Literals(["done"]),
          url: Schema.String,
          files: Schema.Record(Schema.String, Schema.Struct({ size: Counted }))
        }),
        "state",
        { done: ({ url }) => Status.succeeded(url) }
      )
      const missing = CheckResult.resultMissing("done", `Expected string at ["url"]`)
      assert.deepStrictEqual(read(Files, { state: "done", url: null, files }), missing)
      assert.strictEqual(reads, 0)
      assert.deepStrictEqual(read(Files, { state: "done", url: null, files: { f1: files["f1"] } }), missing)
      assert.strictEqual(reads, 1)
      assert.strictEqual(read(Files, { state: "done", url: 7, files }), `Expected string\n  at ["url"]`)
      assert.deepStrictEqual(read(Files, { state: "odd", url: 7, files }), unknown("odd"))
    })

    it("deep payload - decodes beside a known word, and leaves an unlisted word unknown", () => {
      const extra = nested(100_000)
      assert.propertyVal(read(TaskStatus, { state: "busy", files: {}, extra }), "_tag", "Pending")
      assert.propertyVal(read(TaskStatus, { state: "done", files: {}, extra }), "_tag", "Succeeded")
      assert.deepStrictEqual(read(TaskStatus, { state: "odd", files: extra }), unknown("odd"))
    })

    interface Tree {
      readonly value: Tree | number
    }
    const Tree: Schema.Codec<Tree> = Schema.Struct({
      value: Schema.Union([Schema.suspend((): Schema.Codec<Tree> => Tree), Schema.Finite])
    })
    const TreeStatus = StatusSchema.fromField(
      Schema.Struct({ state: Schema.Literals(["done"]), tree: Tree }),
      "state",
      { done: ({ tree }) => Status.succeeded(tree) }
    )

    it.effect("deep payload under a recursive Schema - is a decode error, not a defect", () =>
      Effect.gen(function* () {
        const schema = Schema.decodeUnknownEffect(TreeStatus)
        const error = yield* Effect.flip(schema({ state: "done", tree: nested(100_000) }))
        assert.strictEqual(error.message, "the Schema of the payload threw: RangeError")
      })
    )

    it("deep misfit under a recursive Schema - shows both ends of its path", () => {
      const message = read(TreeStatus, { state: "done", tree: nested(300, "secret") }) as string
      assert.notInclude(message, "secret")
      assert.isBelow(message.length, 2000)
      assert.include(message, `["tree"]["value"]["value"]`)
      assert.include(message, `["…"]`)
    })

    it("payload with the names of prototypes - is data", () => {
      const body = JSON.parse(`{ "__proto__": { "state": "done" }, "files": {} }`)
      assert.include(read(TaskStatus, body), `Missing key\n  at ["state"]`)
      for (const word of ["__proto__", "constructor", "hasOwnProperty"]) {
        assert.deepStrictEqual(read(TaskStatus, { state: word, files: {} }), unknown(word))
      }
    })
  })
})
