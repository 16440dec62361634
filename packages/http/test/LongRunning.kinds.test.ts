import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import type * as Server from "./LongRunningServer.ts"
import { accepted, failureOf, play } from "./LongRunningRuns.ts"

// What servers of many kinds answer, beside the plain cases of LongRunning.signs.test.ts.

const done = { json: { status: "SUCCEEDED", rows: 7 } }
const result7 = 'result {"status":"SUCCEEDED","rows":7}'

/** A check that is answered by a body. */
const checked = (json: unknown) => ({ "POST /exports": [accepted], "GET /operations/1": [{ json }] })

describe("LongRunning - kinds of servers", () => {
  describe("an error beside the state word", () => {
    const rows: ReadonlyArray<readonly [server: string, check: unknown, end: string]> = [
      [
        "errorResult beside DONE",
        { status: { state: "DONE", errorResult: { reason: "invalidQuery", message: "Syntax error" } } },
        "failed [invalidQuery] Syntax error"
      ],
      ["error_message beside done", { status: "done", error_message: "no disk" }, "failed no disk"],
      ["errors beside completed", { state: "completed", errors: [{ code: "C", message: "m" }] }, "failed [C] m"],
      ["texts in errors", { data: { status: "complete", errors: ["no disk"] } }, "failed no disk"],
      ["failureReason in a job", { job: { status: "FINISHED", failure_reason: "no disk" } }, "failed no disk"],
      ["success: false beside completed", { status: "completed", success: false, message: "m" }, "failed m"],
      ["done and a failure", { done: true, failure: { code: 7, message: "m" } }, "failed [7] m"],
      ["hasErrors", { status: "done", hasErrors: true }, "failed no reason given"],
      [
        "error in status, FAILED",
        { status: { state: "FAILED", error: { error_code: "BAD_REQUEST", message: "col x" } } },
        "failed [BAD_REQUEST] col x"
      ],
      [
        "failure and failureCode",
        { status: "FAILED", failure: "moderation", failureCode: "SAFETY" },
        "failed [SAFETY] moderation"
      ],
      ["stateReason", { state: "FAILED", stateReason: "out of memory" }, "failed out of memory"],
      ["statusReason", { jobId: 1, status: "FAILED", statusReason: "Host terminated" }, "failed Host terminated"],
      ["last_error", { status: "failed", last_error: { code: "rate", message: "m" } }, "failed [rate] m"],
      ["errors.data", { status: "failed", errors: { data: [{ code: "C", message: "m" }] } }, "failed [C] m"],
      ["the type of an error", { status: "fail", error: { type: "server", message: "m" } }, "failed [server] m"],
      ["JobStatus with a prefix", { MyJob: { MyJobStatus: "FAILED", FailureReason: "no audio" } }, "failed no audio"],
      ["error in data", { message: "OK", data: { status: "failed", error: { message: "m" } } }, "failed m"],
      ["error of a prediction", { prediction: { status: "failed", error: "CUDA" } }, "failed CUDA"],
      ["error in a result", { success: true, result: { status: "error", errorMessage: "m" } }, "failed m"],
      ["error in an only record", { transcript: { status: "error", error: "no audio" } }, "failed no audio"]
    ]

    it.effect.each(rows)("is a failure in the server's words: %s", ([_, json, end]) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* play(checked(json))).end, end)
        assert.strictEqual((yield* play({ "POST /exports": [{ json }] })).end, end)
      })
    )

    const ends: ReadonlyArray<readonly [server: string, json: unknown, tag: string, reason: string]> = [
      ["cancel_reason", { status: "canceled", cancel_reason: "by user" }, "JobCanceled", "by user"],
      ["cancellationReason", { job: { state: "CANCELLED", cancellationReason: "quota" } }, "JobCanceled", "quota"],
      ["statusReason", { status: "aborted", statusReason: "preempted" }, "JobCanceled", "preempted"],
      ["state_message", { data: { state: "canceled", state_message: "m" } }, "JobCanceled", "m"],
      ["last_error", { status: "expired", last_error: { message: "10 minutes" } }, "JobExpired", "10 minutes"],
      ["failureReason", { status: "TIMED_OUT", failureReason: "slow" }, "JobExpired", "slow"]
    ]

    it.effect.each(ends)("gives the reason of other ends: %s", ([_, json, tag, reason]) =>
      Effect.gen(function* () {
        const error = failureOf((yield* play(checked(json))).exit)
        assert.strictEqual(error._tag, tag)
        assert(error._tag === "JobCanceled" || error._tag === "JobExpired")
        assert.strictEqual(error.reason, reason)
      })
    )

    const fine: ReadonlyArray<unknown> = [
      { status: "done", error: null, errors: [], errorMessage: "" },
      { status: "done", error: {}, errorResult: { code: null, message: null } },
      { status: "done", errorCode: 0, failureReason: "NONE", success: true },
      { status: "done", error: false, failed: 0, last_error: { message: "of the attempt before" } },
      { status: "done", statusReason: "all rows written" },
      { status: "done", rows: [{ error: "row 3" }], errorCount: 2 },
      { total: 7, succeeded: 5, failed: 2, errors: 2, lastRunStatus: "failed" }
    ]

    it.effect("what says that there is none, or is of an attempt, is no failure", () =>
      Effect.gen(function* () {
        for (const json of fine) assert.strictEqual((yield* play(checked(json))).end, `result ${JSON.stringify(json)}`)
      })
    )

    it.effect("a list of errors is a part of the result if the Schema reads it", () =>
      Effect.gen(function* () {
        const json = { status: "completed", rows: 7, errors: [{ row: 3 }] }
        const result = Schema.Struct({ rows: Schema.Int, errors: Schema.Array(Schema.Struct({ row: Schema.Int })) })
        const end = 'result {"rows":7,"errors":[{"row":3}]}'
        assert.strictEqual((yield* play<unknown>(checked(json), { result })).end, end)
        assert.strictEqual((yield* play<unknown>({ "POST /exports": [{ json }] }, { result })).end, end)
        assert.include((yield* play<unknown>(checked(json), { result: Schema.Unknown })).end, "failed")
      })
    )
  })

  describe("an error without a state word", () => {
    const rows: ReadonlyArray<readonly [json: unknown, end: string]> = [
      [{ success: false, message: "nope" }, "failed nope"],
      [{ ok: false, errorCode: "E7" }, "failed [E7] no reason given"],
      [{ errorMessage: "No batch found" }, "failed No batch found"],
      [{ errors: [{ message: "m" }], data: null }, "failed m"],
      [{ isSuccess: false, errors: { name: ["is taken"] } }, "failed is taken"],
      [{ success: "false", messages: [] }, "failed no reason given"],
      [{ error_code: 17, error_msg: "quota" }, "failed [17] quota"],
      [{ failed: true, failureReason: "m" }, "failed m"]
    ]

    it.effect("is a failure in a check and in a first answer", () =>
      Effect.gen(function* () {
        for (const [json, end] of rows) {
          assert.strictEqual((yield* play(checked(json))).end, end)
          assert.strictEqual((yield* play({ "POST /exports": [{ json }] })).end, end)
        }
      })
    )
  })

  describe("a running operation within another record", () => {
    const rows: ReadonlyArray<readonly [server: string, body: unknown]> = [
      ["result", { success: true, result: { id: "1", status: "initializing", self: "/operations/1" } }],
      [
        "result with errors and pages beside it",
        { success: true, errors: [], result: { status: "pending", self: "/operations/1" }, result_info: { page: 1 } }
      ],
      ["response", { code: 0, response: { state: "queued", url: "/operations/1" }, meta: { took: 3 } }],
      ["item", { item: { status: "in_progress", href: "/operations/1" } }],
      ["execution", { execution: { id: 7, state: "running", selfLink: "/operations/1" } }],
      ["export", { export: { phase: "PENDING", url: "/operations/1" }, owner: { id: 7 } }],
      ["import", { import: { status: "queued", links: { self: "/operations/1" } } }],
      ["batch", { batch: { state: "scheduled", uri: "/operations/1" } }],
      ["prediction", { prediction: { status: "starting", urls: { get: "/operations/1" } } }],
      ["an only record", { transcript: { id: 7, status: "queued", url: "/operations/1" } }],
      ["an only record beside an id", { id: "r1", render: { status: "rendering", url: "/operations/1" } }],
      ["three deep, one field each", { data: { node: { render: { status: "RUNNING", url: "/operations/1" } } } }],
      ["a JobStatus with a prefix", { MyJob: { MyJobStatus: "IN_PROGRESS", url: "/operations/1" } }],
      ["done: false in a result", { result: { done: false, url: "/operations/1" } }]
    ]

    it.effect.each(rows)("is followed, and pending in a check: %s", ([_, json]) =>
      Effect.gen(function* () {
        const { asked, end } = yield* play({ "POST /exports": [{ json }], "GET /operations/1": [{ json }, done] })
        assert.strictEqual(end, result7)
        assert.deepStrictEqual(asked, ["POST /exports", "GET /operations/1", "GET /operations/1"])
      })
    )

    it.effect("is refused with what was seen if there is no URL", () =>
      Effect.gen(function* () {
        const routes = { "POST /exports": [{ json: { success: true, result: { id: "1", status: "initializing" } } }] }
        const { end, exit } = yield* play(routes)
        assert.strictEqual(end, "refused Unrecognized")
        assert.include(failureOf(exit).message, 'result.status "initializing"')
      })
    )

    const results: ReadonlyArray<readonly [name: string, json: unknown, result?: Schema.Codec<unknown>]> = [
      ["a state that is no job's", { result: { id: 7, status: "active" } }],
      ["a state of a country", { address: { state: "CA" }, id: 7 }],
      ["one of several records", { id: 7, buyer: { status: "pending" }, seller: { status: "active" } }],
      ["records in a list", { tasks: [{ status: "running" }, { status: "queued" }] }],
      ["what was asked for", { rows: 7, input: { status: "pending" } }],
      ["an end with a payload", { status: "completed", result: { status: "pending" } }],
      ["a canceled record", { subscription: { id: 7, status: "canceled" } }],
      [
        "a word that the Schema lists",
        { id: 7, order: { status: "pending" } },
        Schema.Struct({
          id: Schema.Int,
          order: Schema.Struct({ status: Schema.Literals(["pending", "shipped"]) })
        })
      ],
      [
        "a list of one task",
        [{ id: 7, status: "running" }],
        Schema.Array(Schema.Struct({ id: Schema.Int, status: Schema.String }))
      ],
      [
        "tasks of a finished export",
        { status: "finished", tasks: [{ id: 7, status: "running" }] },
        Schema.Struct({
          status: Schema.String,
          tasks: Schema.Array(Schema.Struct({ id: Schema.Int, status: Schema.String }))
        })
      ]
    ]

    it.effect.each(results)("what looks alike is a result: %s", ([_, json, result]) =>
      Effect.gen(function* () {
        for (const routes of [checked(json), { "POST /exports": [{ json }] }]) {
          assert.strictEqual((yield* play<unknown>(routes, { result })).end, `result ${JSON.stringify(json)}`)
        }
      })
    )

    it.effect("a 202 is pending, whatever the Schema lists", () =>
      Effect.gen(function* () {
        const json = { order: { status: "pending" } }
        const result = Schema.Struct({ order: Schema.Struct({ status: Schema.Literals(["pending", "shipped"]) }) })
        const routes = { "POST /exports": [accepted], "GET /operations/1": [{ status: 202, json }, { json }] }
        const { asked } = yield* play<unknown>(routes, { result })
        assert.deepStrictEqual(asked, ["POST /exports", "GET /operations/1", "GET /operations/1"])
      })
    )
  })

  describe("URLs", () => {
    const rows: ReadonlyArray<readonly [server: string, first: Server.Reply]> = [
      ["statementStatusUrl", { status: 202, json: { code: "333334", statementStatusUrl: "/operations/1" } }],
      ["job_status_url", { json: { id: 7, job_status_url: "/operations/1" } }],
      ["exportStatusUri", { json: { exportStatusUri: "/operations/1" } }],
      ["statusQueryGetUri", { status: 202, json: { id: "7", statusQueryGetUri: "/operations/1" } }],
      ["pollUrl in a result", { json: { result: { pollUrl: "/operations/1" } } }],
      ["task_polling_endpoint", { json: { task_polling_endpoint: "/operations/1" } }],
      ["jobUrl of a 202", { status: 202, json: { jobUrl: "/operations/1" } }],
      ["Link of a 202", { status: 202, headers: { link: '</a>; rel="next", </operations/1>; rel="monitor"' } }],
      ["Link with status", { status: 202, headers: { link: "</operations/1>; title=x; rel=status" } }],
      ["Refresh of a 202", { status: 202, headers: { refresh: "5; url=/operations/1" } }]
    ]

    it.effect.each(rows)("are found: %s", ([_, first]) =>
      Effect.gen(function* () {
        const { end } = yield* play({ "POST /exports": [first], "GET /operations/1": [202, done] })
        assert.strictEqual(end, result7)
      })
    )

    it.effect("of a result, its owner and what cancels it lead nowhere", () =>
      Effect.gen(function* () {
        for (const json of [{ jobUrl: "/x" }, { cancelStatusUrl: "/x" }, { resultUrl: "/x" }, { operationId: "/x" }]) {
          assert.strictEqual((yield* play({ "POST /exports": [{ json }] })).end, `result ${JSON.stringify(json)}`)
        }
        const headers = { link: '</status>; rel="status"' }
        assert.strictEqual(
          (yield* play({ "POST /exports": [{ json: { rows: 7 }, headers }] })).end,
          'result {"rows":7}'
        )
      })
    )

    it.effect("a result that names where it was checked is a result", () =>
      Effect.gen(function* () {
        const statementStatusUrl = "/operations/1?requestId=7"
        const { end } = yield* play({
          "POST /exports": [{ status: 202, json: { statementStatusUrl: "/operations/1" } }],
          "GET /operations/1": [{ json: { rows: 7, statementStatusUrl } }]
        })
        assert.strictEqual(end, `result ${JSON.stringify({ rows: 7, statementStatusUrl })}`)
      })
    )

    it.effect("that cannot be followed are in the error", () =>
      Effect.gen(function* () {
        const url = "http://other.example/operations/1"
        for (const first of [
          { status: 202, json: { statementStatusUrl: url } },
          { status: 202, json: { job: { exportUrl: url } } },
          { status: 202, headers: { link: `<${url}>; rel="status"` } }
        ]) {
          const { end, exit } = yield* play({ "POST /exports": [first] })
          assert.strictEqual(end, "refused Refused")
          const error = failureOf(exit)
          assert(error instanceof HttpCheckError)
          assert.strictEqual(Redacted.value(error.operation!.href), url)
        }
      })
    )
  })

  describe("fields that say whether it is done", () => {
    const fields = [
      "ready",
      "isReady",
      "processed",
      "is_processed",
      "ended",
      "hasCompleted",
      "has_finished",
      "jobComplete"
    ]

    it.effect("are pending while false", () =>
      Effect.gen(function* () {
        for (const field of fields) {
          const first = { json: { id: 1, [field]: false, url: "/operations/1" } }
          const last = { json: { id: 1, [field]: true } }
          const { end } = yield* play({ "POST /exports": [first], "GET /operations/1": [first, last] })
          assert.strictEqual(end, `result ${JSON.stringify(last.json)}`, field)
        }
      })
    )

    it.effect("are not counts, and not what says if a thing is available", () =>
      Effect.gen(function* () {
        for (const json of [{ processed: 5, ready: "no" }, { available: false }, { alreadyDone: false }]) {
          assert.strictEqual((yield* play(checked(json))).end, `result ${JSON.stringify(json)}`)
        }
      })
    )
  })

  describe("a 204 in a check", () => {
    const Rows = Schema.Struct({ rows: Schema.Int })
    const routes = (method: string) => ({
      [`${method} /exports`]: [accepted],
      "GET /operations/1": [204, 204, 204, 204, 204, 204, { json: { rows: 7 } }]
    })

    it.effect("is pending where the Schema says that a result is due", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* play<unknown>(routes("POST"), { result: Rows })).end, 'result {"rows":7}')
      })
    )

    it.effect("is the end without a Schema, with one that takes undefined, and of a DELETE", () =>
      Effect.gen(function* () {
        for (const result of [undefined, Schema.Undefined, Schema.UndefinedOr(Rows)]) {
          assert.strictEqual((yield* play<unknown>(routes("POST"), { result })).end, "result undefined")
        }
        const request = HttpClientRequest.delete("http://h/exports")
        assert.strictEqual((yield* play(routes("DELETE"), {}, request)).end, "result undefined")
        const { end } = yield* play<unknown>(routes("DELETE"), { result: Rows }, request)
        assert.strictEqual(end, "ResultMissing")
      })
    )
  })
})
