// A5-A8: codes with meanings of their own, and ends that come as errors.
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as Interpretation from "@effect-poll/http/Interpretation"
import * as LongRunning from "@effect-poll/http/LongRunning"
import { type Case, wait } from "../case.ts"
import { replies } from "../peer.ts"
import { type Reply, routes, script } from "../server.ts"
import { base, done, eachSecond, html, JobStatus, running, times, url } from "./kit.ts"

const submit = HttpClientRequest.post(`${base}/deployments`)

const acceptedAt = (location: string): Reply => ({ status: 202, headers: { location } })

const Report = Schema.Struct({ pages: Schema.Int })

const Problem = Schema.Struct({ message: Schema.String, code: Schema.optionalKey(Schema.String) })

const busy: Reply = { status: 409, json: { error: { code: "AnotherOperationInProgress", message: "wait" } } }

const poll470 = () =>
  Poll.until(
    HttpCheck.get(url, StatusSchema.succeeded(Report), {
      interpret: Interpretation.rules(
        [{ status: 470 }, Status.pending({ state: "HTTP 470" })],
        [{ status: 422 }, Interpretation.failed(Problem, { state: "HTTP 422" })]
      )
    }),
    eachSecond
  )

export const codes: ReadonlyArray<Case> = [
  wait("A5.a", "an operation answers 409 while another one runs", {
    server: routes({
      "POST /deployments": acceptedAt("/operations/1"),
      "GET /operations/1": script({ status: 202 }, busy, busy, { json: { pages: 3 } })
    }),
    program: () =>
      LongRunning.run(submit, {
        ...eachSecond,
        result: Report,
        interpret: Interpretation.rules([{ status: 409 }, Status.pending({ state: "blocked" })])
      }),
    ends: { tag: "Succeeded", value: { pages: 3 }, requests: 5 }
  }),
  wait("A5.b", "a stack answers 423 Locked while it is deployed, and anything else is an error", {
    server: routes({
      "POST /deployments": acceptedAt("/operations/1"),
      "GET /operations/1": script(
        { status: 423, json: { message: "locked" } },
        { status: 403, json: { message: "no" } }
      )
    }),
    program: () =>
      LongRunning.run(submit, {
        ...eachSecond,
        interpret: Interpretation.rules([{ status: 423 }, Status.pending()])
      }),
    ends: { tag: "CheckRejected", requests: 3 }
  }),
  wait("A5.c", "409 is pending by its code in the body only", {
    server: routes({
      "POST /deployments": acceptedAt("/operations/1"),
      "GET /operations/1": script(busy, { status: 409, json: { error: { code: "NameTaken" } } })
    }),
    program: () =>
      LongRunning.run(submit, {
        ...eachSecond,
        interpret: Interpretation.rules([
          { status: 409, body: { error: { code: "AnotherOperationInProgress" } } },
          Status.pending()
        ])
      }),
    ends: { tag: "CheckRejected", requests: 3 }
  }),
  wait("A5.d", "the request for the result answers 409 until it is written", {
    server: routes({
      "POST /deployments": { status: 202, headers: { "operation-location": "/operations/1", location: "/results/1" } },
      "GET /operations/1": { json: { status: "Succeeded" } },
      "GET /results/1": script(busy, busy, { json: { pages: 3 } })
    }),
    program: () =>
      LongRunning.run(submit, {
        ...eachSecond,
        result: Report,
        interpret: Interpretation.rules([{ status: 409 }, Status.pending()])
      }),
    ends: { tag: "Succeeded", value: { pages: 3 } }
  }),

  wait("A6.a", "470 is a job that runs, 422 one that failed, and 200 has the result alone", {
    server: script(...times(7, { status: 470 }), { json: { pages: 3 } }),
    program: poll470,
    ends: { tag: "Succeeded", value: { pages: 3 }, requests: 8, states: ["HTTP 470"] }
  }),
  wait("A6.b", "the same server, whose job failed", {
    server: script({ status: 470 }, { status: 422, json: { message: "page 7 is empty", code: "E7" } }),
    program: poll470,
    ends: {
      tag: "JobFailed",
      error: { failure: { message: "page 7 is empty", code: "E7" }, "lastStatus.state": "HTTP 422" },
      requests: 2
    }
  }),
  wait("A6.c", "206 is a partial answer of a job that runs", {
    server: script({ status: 206, json: { pages: 1 } }, { status: 206, json: { pages: 2 } }, { json: { pages: 3 } }),
    program: () =>
      Poll.until(
        HttpCheck.get(url, StatusSchema.succeeded(Report), {
          interpret: Interpretation.rules([{ status: 206 }, Status.pending({ state: "partial" })])
        }),
        eachSecond
      ),
    ends: { tag: "Succeeded", value: { pages: 3 }, requests: 3, states: ["partial"] }
  }),
  wait("A6.d", "the state is in a header", {
    server: script(
      { headers: { "x-job-state": "RUNNING" }, json: {} },
      { headers: { "x-job-state": "RUNNING" }, json: {} },
      { headers: { "x-job-state": "BROKEN" }, json: { message: "no input" } }
    ),
    program: () =>
      Poll.until(
        HttpCheck.get(url, StatusSchema.succeeded(Report), {
          interpret: Interpretation.rules(
            [{ headers: { "x-job-state": "RUNNING" } }, Status.pending({ state: "RUNNING" })],
            [{ headers: { "x-job-state": "BROKEN" } }, Interpretation.failed(Problem, { state: "BROKEN" })]
          )
        }),
        eachSecond
      ),
    ends: { tag: "JobFailed", error: { "failure.message": "no input" }, requests: 3, states: ["RUNNING"] }
  }),
  wait("A6.e", "a result that its Schema rejects is an error, and no success", {
    server: script({ json: { pages: "many" } }),
    program: poll470,
    ends: { tag: "CheckRejected", error: { "error.reason._tag": "Decode" }, requests: 1 }
  }),

  wait("A7.a", "202, then 422 with a message and an SQL state", {
    server: script({ status: 202 }, { status: 422, json: { message: "division by zero", sqlState: "22012" } }),
    program: () =>
      Poll.until(
        HttpCheck.get(url, JobStatus, {
          interpret: Interpretation.rules([
            { status: 422 },
            Interpretation.failed(Schema.Struct({ message: Schema.String, sqlState: Schema.String }))
          ])
        }),
        eachSecond
      ),
    peer: {
      server: replies({ status: 202, body: "" }, { status: 422, body: '{"message":"division by zero"}' }),
      ends: "failed"
    },
    ends: { tag: "JobFailed", error: { failure: { message: "division by zero", sqlState: "22012" } }, requests: 2 }
  }),
  wait("A7.b", "a statement that was canceled answers 422 with a code of its own", {
    server: script({ status: 202 }, { status: 422, json: { code: "000604", message: "canceled by the operator" } }),
    program: () =>
      Poll.until(
        HttpCheck.get(url, JobStatus, {
          interpret: Interpretation.rules(
            [
              { status: 422, body: { code: "000604" } },
              ({ body }) => Status.canceled({ state: "000604", reason: (body as { readonly message: string }).message })
            ],
            [{ status: 422 }, Interpretation.failed(Problem)]
          )
        }),
        eachSecond
      ),
    ends: {
      tag: "JobCanceled",
      error: { reason: "canceled by the operator", "lastStatus.state": "000604" },
      requests: 2
    }
  }),
  wait("A7.c", "an accepted operation answers 400 with what is wrong with its input", {
    server: routes({
      "POST /deployments": acceptedAt("/operations/1"),
      "GET /operations/1": script({ status: 202 }, { status: 400, json: { message: "bad column", code: "P0001" } })
    }),
    program: () =>
      LongRunning.run(submit, {
        ...eachSecond,
        interpret: Interpretation.rules([{ status: 400 }, Interpretation.failed(Problem)])
      }),
    ends: { tag: "JobFailed", error: { failure: { message: "bad column", code: "P0001" } }, requests: 3 }
  }),
  wait("A7.d", "424 tells which of the parts failed", {
    server: script(running, {
      status: 424,
      json: {
        parts: [
          { id: 1, ok: true },
          { id: 2, ok: false }
        ]
      }
    }),
    program: () =>
      Poll.until(
        HttpCheck.get(url, JobStatus, {
          interpret: Interpretation.rules([
            { status: 424, body: { parts: [{ ok: false }] } },
            Interpretation.failed(
              Schema.Struct({ parts: Schema.Array(Schema.Struct({ id: Schema.Int, ok: Schema.Boolean })) })
            )
          ])
        }),
        eachSecond
      ),
    ends: { tag: "JobFailed", error: { "failure.parts.1.id": 2 }, requests: 2 }
  }),

  wait("A8.a", "500 whose body says that the query failed", {
    server: script({ status: 202 }, { status: 500, json: { state: "ERROR", message: "memory exceeded" } }),
    program: () =>
      Poll.until(
        HttpCheck.get(url, JobStatus, {
          interpret: Interpretation.rules([{ status: 500, body: { state: "ERROR" } }, Interpretation.failed(Problem)])
        }),
        eachSecond
      ),
    ends: { tag: "JobFailed", error: { "failure.message": "memory exceeded" }, requests: 2 },
    peer: {
      server: replies({}, ...times(9, { status: 500, body: '{"status":"failed","error":{"message":"x"}}' })),
      ends: "failed"
    }
  }),
  wait("A8.b", "a 500 of the server itself is tolerated by the same check", {
    server: script({ status: 500, json: { error: "try later" } }, html("Internal Server Error", 500), done),
    program: () =>
      Poll.until(
        HttpCheck.get(url, JobStatus, {
          interpret: Interpretation.rules([{ status: 500, body: { state: "ERROR" } }, Interpretation.failed(Problem)])
        }),
        eachSecond
      ),
    ends: { tag: "Succeeded", requests: 3 }
  }),
  wait("A8.c", "410 at an operation's URL is its expiry", {
    server: routes({
      "POST /deployments": acceptedAt("/operations/1"),
      "GET /operations/1": script({ status: 202 }, { status: 410, json: { message: "kept for an hour" } })
    }),
    program: () =>
      LongRunning.run(submit, {
        ...eachSecond,
        interpret: Interpretation.rules([
          { status: 410 },
          ({ body }) => Status.expired({ reason: (body as { readonly message: string }).message })
        ])
      }),
    ends: { tag: "JobExpired", error: { reason: "kept for an hour" }, requests: 3 }
  }),
  wait("A8.d", "200 with an error text is an unknown batch", {
    server: script({ json: { error: "No batch found" } }),
    program: () =>
      Poll.until(
        HttpCheck.get(url, JobStatus, {
          interpret: Interpretation.rules([{ body: { error: "No batch found" } }, CheckResult.missing])
        }),
        eachSecond
      ),
    ends: { tag: "JobNotFound", requests: 1 }
  }),
  wait("A8.e", "a server that answers 200 to everything says by a number that the job does not exist", {
    server: script({ json: { errno: 0, status: "running" } }, { json: { errno: 4004 } }),
    program: () =>
      Poll.until(
        HttpCheck.get(url, JobStatus, {
          interpret: Interpretation.firstOf(
            Interpretation.rules([{ body: { errno: 0 } }, Interpretation.decode]),
            Interpretation.rules([{ body: { errno: 4004 } }, CheckResult.missing])
          )
        }),
        eachSecond
      ),
    ends: { tag: "JobNotFound", requests: 2 }
  })
]
