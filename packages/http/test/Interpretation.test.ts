import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import type { HttpAnswer } from "@effect-poll/http/HttpAnswer"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as Interpretation from "@effect-poll/http/Interpretation"

const bodyOf = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const answer = (
  status: number,
  text = "",
  more: { readonly headers?: Record<string, string>; readonly url?: string } = {}
): HttpAnswer => ({
  status,
  headers: Headers.fromInput(more.headers ?? {}),
  url: more.url ?? "http://h/tasks/1",
  text,
  body: bodyOf(text),
  context: undefined
})

const Nothing = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["known"]) }), "state", {
  known: Status.pending()
})

/** What a check with this `interpret` finds in an answer. */
const resolve = <A = never, F = never, E = never, R = never>(
  interpret: Interpretation.Interpret<A, F, E, R>,
  of: HttpAnswer,
  more?: HttpCheck.Options
) =>
  HttpCheck.get(of.url, Nothing, { ...more, interpret }).pipe(
    Effect.provideService(
      HttpClient.HttpClient,
      HttpClient.make((request) =>
        Effect.succeed(
          HttpClientResponse.fromWeb(
            request,
            new Response(of.text === "" ? null : of.text, { status: of.status, headers: of.headers })
          )
        )
      )
    )
  )

/** One that yields what its type forbids. */
const untyped = (said: () => unknown) => said as Interpretation.Interpret

describe("Interpretation", () => {
  describe("rules", () => {
    const fits = (pattern: Interpretation.Pattern, of: HttpAnswer): boolean =>
      Interpretation.rules([pattern, Interpretation.decode])(of) === Interpretation.decode

    const patterns: ReadonlyArray<
      readonly [name: string, pattern: Interpretation.Pattern, of: HttpAnswer, expected: boolean]
    > = [
      ["a status", { status: 470 }, answer(470), true],
      ["another status", { status: 470 }, answer(471), false],
      ["one of several", { status: [409, 470] }, answer(470), true],
      ["none of several", { status: [409, 470] }, answer(200), false],
      ["an object that holds more", { body: { a: 1 } }, answer(200, '{"a":1,"b":2}'), true],
      ["an object with another value", { body: { a: 1 } }, answer(200, '{"a":"1"}'), false],
      ["an object without the property", { body: { a: undefined } }, answer(200, "{}"), false],
      ["a property that every object inherits", { body: { constructor: Object } }, answer(200, "{}"), false],
      ["any object", { body: {} }, answer(200, '{"a":1}'), true],
      ["no object", { body: {} }, answer(200, "1"), false],
      ["an array in place of an object", { body: {} }, answer(200, "[]"), false],
      ["null", { body: null }, answer(200, "null"), true],
      ["no null", { body: null }, answer(200, "{}"), false],
      ["a text as the whole body", { body: "busy" }, answer(200, '"busy"'), true],
      ["no JSON", { body: {} }, answer(200, "{"), false],
      [
        "an element among others",
        { body: { errors: [{ code: 7 }] } },
        answer(400, '{"errors":[{"code":1},{"code":7,"m":""}]}'),
        true
      ],
      ["elements in another order", { body: ["a", "b"] }, answer(200, '["b","c","a"]'), true],
      ["one element for two of the pattern", { body: [{ a: 1 }, { b: 2 }] }, answer(200, '[{"a":1,"b":2}]'), true],
      ["an element that is missing", { body: ["a", "d"] }, answer(200, '["b","c","a"]'), false],
      ["an element in an array within an array", { body: [[2]] }, answer(200, "[[1],[3,2]]"), true],
      ["any array", { body: [] }, answer(200, "[1]"), true],
      ["an object in place of an array", { body: [] }, answer(200, '{"0":1}'), false],
      [
        "a part of a string in the body",
        { body: { m: /no such/i } },
        answer(400, '{"m":"There is No Such job"}'),
        true
      ],
      ["a part of what is no string", { body: { m: /1/ } }, answer(400, '{"m":1}'), false],
      ["a text that the body contains", { text: "unknown" }, answer(200, "task is unknown"), true],
      ["a text that it does not contain", { text: "Unknown" }, answer(200, "task is unknown"), false],
      ["an expression in the text", { text: /^task .* unknown$/ }, answer(200, "task is unknown"), true],
      ["a header", { headers: { "X-State": "busy" } }, answer(200, "", { headers: { "x-state": " busy " } }), true],
      [
        "a part of a header as a string",
        { headers: { "x-left": "0" } },
        answer(200, "", { headers: { "x-left": "10" } }),
        false
      ],
      [
        "a part of a header as an expression",
        { headers: { "content-type": /json/ } },
        answer(200, "", { headers: { "Content-Type": "application/json; charset=utf-8" } }),
        true
      ],
      ["a header that is missing", { headers: { "x-state": /./ } }, answer(200), false],
      ["a header that every object inherits", { headers: { toString: /./ } }, answer(200), false],
      ["a part of the URL", { url: "/results/" }, answer(200, "", { url: "http://h/results/1" }), true],
      ["an expression in the URL", { url: /results\/\d+$/ }, answer(200, "", { url: "http://h/results/1" }), true],
      ["another URL", { url: "/results/" }, answer(200), false],
      ["two conditions that hold", { status: 400, text: "gone" }, answer(400, "gone"), true],
      ["one condition of two", { status: 400, text: "gone" }, answer(401, "gone"), false]
    ]
    it.each(patterns)("rules - matches %s", (_, pattern, of, expected) => {
      assert.strictEqual(fits(pattern, of), expected)
    })

    it("rules - a regular expression with a state matches every time", () => {
      const interpret = Interpretation.rules(
        [{ text: /gone/g }, CheckResult.missing],
        [{ body: { a: /b/y } }, CheckResult.missing]
      )
      for (let i = 0; i < 4; i++) {
        assert.strictEqual(interpret(answer(200, "gone")), CheckResult.missing)
        assert.strictEqual(interpret(answer(200, '{"a":"b"}')), CheckResult.missing)
      }
    })

    it("rules - the first row that matches and yields a verdict decides", () => {
      const interpret = Interpretation.rules(
        [{ status: 410 }, Status.succeeded("gone")],
        [{ status: [409, 410] }, Interpretation.transient()],
        [{ status: 400 }, ({ text }) => (text === "busy" ? Status.pending({ state: text }) : undefined)],
        [{ status: 400 }, CheckResult.missing]
      )
      assert.deepStrictEqual(interpret(answer(410)), Status.succeeded("gone"))
      assert.deepStrictEqual(interpret(answer(409)), Interpretation.transient())
      assert.deepStrictEqual(interpret(answer(400, "busy")), Status.pending({ state: "busy" }))
      assert.strictEqual(interpret(answer(400)), CheckResult.missing)
      assert.isUndefined(interpret(answer(411)))
    })

    const bad: ReadonlyArray<readonly [name: string, rows: ReadonlyArray<Interpretation.Row>, message: string]> = [
      ["no condition", [[{}, Interpretation.decode]], "row 1: pattern must have a condition, got {}"],
      ["undefined only", [[{ status: undefined }, Interpretation.decode]], "row 1: pattern must have a condition"],
      ["an empty list", [[{ status: [] }, Interpretation.decode]], 'must have integers as status, got {"status":[]}'],
      ["no integer", [[{ status: 4.5 }, Interpretation.decode]], "must have integers as status"],
      ["a word for a status", [[{ status: "4xx" as never }, Interpretation.decode]], "must have integers as status"],
      ["an empty text", [[{ text: "" }, Interpretation.decode]], "as text"],
      ["an empty URL", [[{ url: "" }, Interpretation.decode]], "as url"],
      ["no header", [[{ headers: {} }, Interpretation.decode]], "must have a header"],
      ["a number as a header", [[{ headers: { a: 1 as never } }, Interpretation.decode]], "as headers"],
      ["a misspelt condition", [[{ staus: 1 } as never, Interpretation.decode]], 'property "staus"'],
      [
        "the second row",
        [
          [{ status: 1 }, Interpretation.decode],
          [{}, Interpretation.decode]
        ],
        "row 2"
      ],
      [
        "a word for a verdict",
        [[{ status: 1 }, "pending" as never]],
        'row 1: verdict must be a verdict or a function that yields one, got "pending"'
      ],
      ["no verdict", [[{ status: 1 }] as never], "row 1: verdict"]
    ]
    it.each(bad)("rules - %s is a RangeError that names the row", (_, rows, message) => {
      assert.throws(() => Interpretation.rules(...rows), RangeError, message)
      assert.throws(() => Interpretation.rules(...rows), RangeError, "Interpretation.rules: row")
    })
  })

  describe("firstOf", () => {
    it.effect("firstOf - asks in order, through functions and Effects", () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const interpret = Interpretation.firstOf(
          (of) => {
            asked.push("function")
            return of.status === 409 ? Status.pending() : undefined
          },
          (of) =>
            Effect.sync(() => {
              asked.push("effect")
              return of.status === 410 ? CheckResult.missing : undefined
            }),
          Interpretation.rules([{ status: 411 }, Status.expired()])
        )
        assert.strictEqual((yield* resolve(interpret, answer(409)))._tag, "Pending")
        assert.deepStrictEqual(asked, ["function"])
        assert.strictEqual((yield* resolve(interpret, answer(410)))._tag, "Missing")
        assert.deepStrictEqual(asked, ["function", "function", "effect"])
        assert.strictEqual((yield* resolve(interpret, answer(411)))._tag, "Expired")
        const busy = answer(200, '{"state":"known"}')
        assert.deepStrictEqual(yield* resolve(interpret, busy), Status.pending({ state: "known" }))
        assert.deepStrictEqual(yield* resolve(Interpretation.firstOf(), busy), Status.pending({ state: "known" }))
      })
    )
  })

  describe("verdicts", () => {
    const Refusal = Schema.Struct({ message: Schema.String, sqlState: Schema.String })
    const refused = answer(422, '{"message":"no such table","sqlState":"42P01","id":7}')

    it.effect("succeeded, failed - decode a value from the body, with the state of the wire", () =>
      Effect.gen(function* () {
        const failed = yield* resolve(() => Interpretation.failed(Refusal, { state: "ERROR" }), refused)
        assert.deepStrictEqual(
          failed,
          Status.failed({ message: "no such table", sqlState: "42P01" }, { state: "ERROR" })
        )
        const succeeded = yield* resolve(
          () => Interpretation.succeeded(Schema.Struct({ id: Schema.Int }), { state: ({ status }) => String(status) }),
          refused
        )
        assert.deepStrictEqual(succeeded, Status.succeeded({ id: 7 }, { state: "422" }))
      })
    )

    it.effect("canceled, expired - keep state, reason and a partial result", () =>
      Effect.gen(function* () {
        const reason = ({ body }: HttpAnswer) => (body as { readonly message: string }).message
        const canceled = yield* resolve(
          () => Interpretation.canceled(Schema.Struct({ id: Schema.Int }), { state: "STOPPED", reason }),
          refused
        )
        assert.deepStrictEqual(
          canceled,
          Status.canceled({ state: "STOPPED", reason: "no such table", partial: { id: 7 } })
        )
        const long = yield* resolve(() => Interpretation.expired({ reason: `\u001b[2J${"x".repeat(2000)}` }), refused)
        assert(long._tag === "Expired")
        assert.strictEqual(long.reason?.length, 1000)
        assert.match(long.reason ?? "", /^\\u\{1b\}\[2Jx+…$/)
        assert.deepStrictEqual(yield* resolve(() => Interpretation.canceled(), refused), Status.canceled())
      })
    )

    it.effect("from - names what the Schema decodes", () =>
      Effect.gen(function* () {
        const text = yield* resolve(
          () => Interpretation.failed(Schema.String, { from: (of) => of.text }),
          answer(400, "no JSON")
        )
        assert.deepStrictEqual(text, Status.failed("no JSON"))
      })
    )

    it.effect("a body that the Schema rejects - is a permanent error that names the verdict", () =>
      Effect.gen(function* () {
        const schema = Schema.Struct({ other: Schema.String })
        const messages = [
          Interpretation.succeeded(schema),
          Interpretation.failed(schema),
          Interpretation.canceled(schema),
          Interpretation.expired(schema)
        ].map((verdict) =>
          Effect.map(Effect.flip(resolve(() => verdict, refused)), (error) => [
            CheckError.kindOf(error)._tag,
            error.reason._tag,
            error.message
          ])
        )
        assert.deepStrictEqual(
          yield* Effect.all(messages),
          ["succeeded", "failed", "canceled", "expired"].map((name) => [
            "Permanent",
            "Decode",
            `GET http://h/tasks/1: 422 with unexpected JSON: Interpretation.${name}: Missing key at ["other"]`
          ])
        )
      })
    )

    it.effect("decode, missing, pending - are passed on", () =>
      Effect.gen(function* () {
        const known = answer(422, '{"state":"known"}')
        assert.deepStrictEqual(yield* resolve(() => Interpretation.decode, known), Status.pending({ state: "known" }))
        assert.strictEqual(yield* resolve(() => CheckResult.missing, refused), CheckResult.missing)
        const pending = Status.pending({ state: "queued", progress: 0.5 })
        assert.strictEqual(yield* resolve(() => pending, refused), pending)
      })
    )

    it.effect("hint - that of the verdict precedes that of the answer, where it can be read", () =>
      Effect.gen(function* () {
        const five = Duration.seconds(5)
        const hintOf = (verdict: Interpretation.Verdict<never>, hint?: Duration.Input) =>
          Effect.match(
            resolve(() => verdict, answer(429), { hint: () => hint }),
            {
              onSuccess: (found) => (found._tag === "Annotated" ? found.hint : undefined),
              onFailure: (error) => {
                const kind = CheckError.kindOf(error)
                return kind._tag === "Permanent" ? undefined : kind.retryAfter
              }
            }
          )
        const pending = Status.pending()
        assert.deepStrictEqual(yield* hintOf(pending, five), five)
        assert.isUndefined(yield* hintOf(pending))
        assert.deepStrictEqual(yield* hintOf(CheckResult.withHint(pending, 1), five), Duration.millis(1))
        assert.deepStrictEqual(yield* hintOf(CheckResult.withHint(pending, "unreadable"), five), five)
        assert.strictEqual(yield* hintOf(CheckResult.withHint(pending, "unreadable")), "unreadable")
        for (const make of [Interpretation.throttled, Interpretation.transient]) {
          assert.deepStrictEqual(yield* hintOf(make(), five), five)
          assert.deepStrictEqual(yield* hintOf(make({ hint: "2 seconds" }), five), Duration.seconds(2))
          assert.deepStrictEqual(yield* hintOf(make({ hint: -1 }), five), five)
          assert.strictEqual(yield* hintOf(make({ hint: Number.NaN })), "unreadable")
        }
      })
    )

    it.effect("throttled, transient, permanent - are errors of their kind, with their reason", () =>
      Effect.gen(function* () {
        const errorOf = (verdict: Interpretation.Verdict<never>) =>
          Effect.map(Effect.flip(resolve(() => verdict, refused)), (error) => [
            CheckError.kindOf(error)._tag,
            error.message
          ])
        const at = "GET http://h/tasks/1: 422"
        assert.deepStrictEqual(yield* errorOf(Interpretation.throttled({ reason: "slow" })), [
          "Throttled",
          `${at}: slow`
        ])
        assert.deepStrictEqual(yield* errorOf(Interpretation.transient({ reason: "busy" })), [
          "Transient",
          `${at}: busy`
        ])
        assert.deepStrictEqual(yield* errorOf(Interpretation.permanent({ reason: "no" })), ["Permanent", `${at}: no`])
        assert.deepStrictEqual(yield* errorOf(Interpretation.permanent()), ["Permanent", at])
      })
    )
  })

  describe("readers that fail", () => {
    const boom = new Error("SECRET")
    const cases: ReadonlyArray<readonly [name: string, said: () => unknown, cause: string]> = [
      [
        "throws",
        () => {
          throw boom
        },
        "Error: SECRET"
      ],
      ["dies", () => Effect.die(boom), "Error: SECRET"],
      ["throws within its Effect", () => Effect.sync(() => (undefined as unknown as { x: { y: 1 } }).x.y), "TypeError"],
      ["yields a word", () => "pending", "TypeError: yielded no verdict but a value of the type string"],
      ["yields null", () => null, "TypeError: yielded no verdict but null"],
      ["yields true", () => true, "TypeError"],
      ["yields an object without a tag", () => ({}), "TypeError"],
      ["yields an unknown tag", () => ({ _tag: "Pending" }), "TypeError"],
      ["yields an ending that reads nothing", () => ({ _tag: "As" }), "TypeError"],
      ["yields a promise", () => Promise.resolve(Interpretation.decode), "TypeError: yielded a promise"],
      ["yields a promise that is rejected", () => Promise.reject(boom), "TypeError: yielded a promise"],
      ["yields an Effect of a word", () => Effect.succeed("missing"), "TypeError: yielded no verdict"],
      ["yields an Effect of an Effect", () => Effect.succeed(Effect.succeed(Interpretation.decode)), "TypeError"],
      [
        "yields an ending whose state throws",
        () =>
          Interpretation.succeeded(Schema.Unknown, {
            state: () => {
              throw boom
            }
          }),
        "Error: SECRET"
      ],
      [
        "yields an ending whose from throws",
        () =>
          Interpretation.failed(Schema.Unknown, {
            from: () => {
              throw boom
            }
          }),
        "Error: SECRET"
      ],
      [
        "yields an ending whose reason throws",
        () =>
          Interpretation.expired({
            reason: () => {
              throw boom
            }
          }),
        "Error: SECRET"
      ]
    ]
    it.effect.each(cases)("interpret - that %s is a permanent error that names it", ([_, said, cause]) =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(resolve(untyped(said), answer(200, "{}")))
        assert.strictEqual(CheckError.kindOf(error)._tag, "Permanent")
        assert(error.reason._tag === "Reader")
        assert.strictEqual(error.reason.reader, "interpret")
        assert.include(String(Redacted.value(error.reason.cause)), cause)
        assert.notInclude(error.message, "SECRET")
        assert.include(
          error.message,
          `the function of the option interpret ${cause.startsWith("yielded") ? "yielded" : (error.reason.issue ?? "threw")}`
        )
      })
    )

    it.effect("interpret - an Effect that fails is the error of the check, as it is", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(resolve(() => Effect.fail("no token" as const), answer(200)))
        assert.strictEqual(error, "no token")
      })
    )

    it.effect("interpret - an Effect that is interrupted interrupts", () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(resolve(() => Effect.interrupt, answer(200)))
        assert.isTrue(exit._tag === "Failure" && exit.cause.reasons.every(({ _tag }) => _tag === "Interrupt"))
      })
    )
  })
})
