import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CheckContext from "effect-poll/CheckContext"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import type { HttpAnswer } from "@effect-poll/http/HttpAnswer"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as Interpretation from "@effect-poll/http/Interpretation"
import { answering, inWords } from "./answering.ts"

// Servers whose answers the default table cannot know: each is read by a few lines of `interpret`.

const url = "http://h/jobs/1"

const JobStatus = StatusSchema.fromField(
  Schema.Struct({
    status: Schema.Literals(["RUNNING", "DONE", "ABORTED"]),
    response: Schema.optionalKey(Schema.Unknown)
  }),
  "status",
  { RUNNING: Status.pending(), DONE: ({ response }) => Status.succeeded(response), ABORTED: Status.canceled() }
)

/** What a check with this `interpret` finds. */
const found = <A, F, E>(interpret: Interpretation.Interpret<A, F, E>, answer: Response, options?: HttpCheck.Options) =>
  answering(() => answer).provide(HttpCheck.get(url, JobStatus, { ...options, interpret }))

const json = (status: number, body: unknown, headers?: Record<string, string>) =>
  Response.json(body, { status, ...(headers === undefined ? {} : { headers }) })

describe("the status code is the state", () => {
  const Result = Schema.Struct({ rows: Schema.Int })
  const Failure = Schema.Struct({ code: Schema.String })
  const interpret = Interpretation.rules(
    [{ status: 470 }, Status.pending({ state: "not finished" })],
    [{ status: 471 }, ({ headers }) => Status.pending({ progress: Number(headers["x-progress"]) / 100 })],
    [{ status: 422 }, Interpretation.failed(Failure, { state: ({ status }) => `HTTP ${status}` })],
    [{ status: 499 }, Interpretation.canceled({ state: "closed" })],
    [{ status: 200 }, Interpretation.succeeded(Result)]
  )
  const rows: ReadonlyArray<readonly [name: string, answer: () => Response, expected: unknown]> = [
    ["a code for a pending job", () => new Response("", { status: 470 }), Status.pending({ state: "not finished" })],
    [
      "a code with a progress",
      () => new Response("", { status: 471, headers: { "x-progress": "40" } }),
      Status.pending({ progress: 0.4 })
    ],
    ["a code for a failure", () => json(422, { code: "E7" }), Status.failed({ code: "E7" }, { state: "HTTP 422" })],
    ["a code for a cancellation", () => new Response("", { status: 499 }), Status.canceled({ state: "closed" })],
    ["the result as the body", () => json(200, { rows: 3 }), Status.succeeded({ rows: 3 })]
  ]
  it.effect.each(rows)("interpret - %s", ([_, answer, expected]) =>
    Effect.gen(function* () {
      assert.deepStrictEqual<unknown>(yield* found(interpret, answer()), expected)
    })
  )
})

describe("an end that looks like a refusal", () => {
  const Sql = Schema.Struct({ message: Schema.String, sqlState: Schema.String })
  const interpret = Interpretation.rules(
    [{ status: 422 }, Interpretation.failed(Sql)],
    [
      { status: 500, body: { error: { type: "QueryFailed" } } },
      Interpretation.failed(Schema.Unknown, { state: "FAILED" })
    ],
    [{ status: 400, body: { details: [{ reason: "OPERATION_EXPIRED" }] } }, Interpretation.expired()],
    [{ status: 410, text: /canceled by/ }, Interpretation.canceled({ reason: ({ text }) => text })],
    [{ status: 200, body: { error: /^No batch found/ } }, CheckResult.missing]
  )
  const rows: ReadonlyArray<readonly [name: string, answer: () => Response, expected: string]> = [
    ["a 422 with a message and an SQL state", () => json(422, { message: "no table", sqlState: "42P01" }), "Failed"],
    [
      "a 422 of another form",
      () => json(422, { detail: "x" }),
      `Permanent | GET ${url}: 422 with unexpected JSON: Interpretation.failed: Missing key at ["message"]`
    ],
    [
      "a 500 that tells of the query",
      () => json(500, { error: { type: "QueryFailed", message: "x" } }),
      "Failed FAILED"
    ],
    ["a 500 that does not", () => json(500, { error: { type: "Internal" } }), `Transient | GET ${url}: 500`],
    [
      "a 400 of the operation",
      () => json(400, { details: [{ reason: "OTHER" }, { reason: "OPERATION_EXPIRED" }] }),
      "Expired"
    ],
    ["a 400 of the request", () => json(400, { details: [{ reason: "OTHER" }] }), `Permanent | GET ${url}: 400`],
    ["a 410 that is a cancellation", () => new Response("canceled by admin", { status: 410 }), "Canceled"],
    ["a 410 of another kind", () => new Response("gone", { status: 410 }), "Missing"],
    ["a 200 without a job", () => json(200, { error: "No batch found with id 1" }), "Missing"],
    [
      "a 200 with another error",
      () => json(200, { error: "maintenance" }),
      `Permanent | GET ${url}: 200 with unexpected JSON: Missing key at ["status"]`
    ]
  ]
  it.effect.each(rows)("interpret - %s", ([_, answer, expected]) =>
    Effect.gen(function* () {
      assert.strictEqual(yield* inWords(found(interpret, answer())), expected)
    })
  )

  it.effect("interpret - the server's words stay with the ending", () =>
    Effect.gen(function* () {
      const failed = yield* found(interpret, json(422, { message: "no table", sqlState: "42P01" }))
      assert.deepStrictEqual<unknown>(failed, Status.failed({ message: "no table", sqlState: "42P01" }))
      const canceled = yield* found(interpret, new Response("canceled by admin", { status: 410 }))
      assert.deepStrictEqual<unknown>(canceled, Status.canceled({ reason: "canceled by admin" }))
    })
  )
})

describe("a result that tells of a failure", () => {
  const interpret = Interpretation.rules([
    { body: { status: "DONE", response: { filtered: true } } },
    Interpretation.failed(Schema.String, {
      state: "DONE",
      from: ({ body }) => (body as { readonly response: { readonly reason: string } }).response.reason
    })
  ])

  it.effect("interpret - comes before the word of the status", () =>
    Effect.gen(function* () {
      const filtered = json(200, { status: "DONE", response: { filtered: true, reason: "policy" } })
      assert.deepStrictEqual<unknown>(yield* found(interpret, filtered), Status.failed("policy", { state: "DONE" }))
      const made = json(200, { status: "DONE", response: { url: "a" } })
      assert.deepStrictEqual<unknown>(yield* found(interpret, made), Status.succeeded({ url: "a" }, { state: "DONE" }))
      const bad = json(200, { status: "DONE", response: { filtered: true, reason: 7 } })
      assert.match(yield* inWords(found(interpret, bad)), /Interpretation\.failed: Expected string$/)
    })
  )
})

describe("the context of a check", () => {
  it.effect("interpret - bears refusals in the first checks of a wait only", () =>
    Effect.gen(function* () {
      const interpret = ({ context, status }: HttpAnswer) =>
        status === 401 && (context?.elapsedMillis ?? 0) < 15_000
          ? Status.pending({ state: "not authorized yet" })
          : undefined
      const check = HttpCheck.check((id: string) => `http://h/${id}`, JobStatus, { interpret })
      const words = (elapsedMillis: number) =>
        answering(() => new Response("{}", { status: 401 })).provide(
          inWords(check("1", CheckContext.make({ elapsedMillis })))
        )
      assert.strictEqual(yield* words(10_000), "Pending not authorized yet")
      assert.strictEqual(yield* words(15_000), "Permanent | GET http://h/1: 401")
    })
  )

  it.effect("interpret - a second source by an Effect", () =>
    Effect.gen(function* () {
      const audit = Effect.succeed({ state: "purged" })
      const interpret = ({ status }: HttpAnswer) =>
        status === 404 ? Effect.map(audit, ({ state }) => Status.expired({ state })) : undefined
      assert.deepStrictEqual(yield* found(interpret, json(404, {})), Status.expired({ state: "purged" }))
      assert.strictEqual(yield* inWords(found(interpret, json(200, { status: "RUNNING" }))), "Pending RUNNING")
    })
  )
})
