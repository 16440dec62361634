// A9, A10, A18, A19: why a job ended, and ends without their result.
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Interpretation from "@effect-poll/http/Interpretation"
import * as LongRunning from "@effect-poll/http/LongRunning"
import * as LongRunningProtocol from "@effect-poll/http/LongRunningProtocol"
import { type Case, wait } from "../case.ts"
import { replies } from "../peer.ts"
import { type Reply, routes, script } from "../server.ts"
import { base, eachSecond, JobStatus, running, url } from "./kit.ts"

const problem = (detail: string): Reply => ({
  status: 400,
  headers: { "content-type": "application/problem+json" },
  body: JSON.stringify({ type: "about:blank", title: "Bad Request", status: 400, detail, secret: "pa55word" })
})

const withReason = (reason: HttpCheck.Options["reason"]) => () =>
  Poll.until(HttpCheck.get(url, JobStatus, { reason }), eachSecond)

const Video = Schema.Struct({
  videos: Schema.optionalKey(Schema.Array(Schema.String)),
  raiMediaFilteredReasons: Schema.optionalKey(Schema.Array(Schema.String))
})

const operation = HttpClientRequest.post(`${base}/v1/videos`)

const Cancelable = Schema.Struct({
  state: Schema.Literals(["RUNNING", "CANCELLED", "EXPIRED"]),
  message: Schema.optionalKey(Schema.String),
  frames: Schema.optionalKey(Schema.Array(Schema.String))
})

const CancelableStatus = StatusSchema.fromField(Cancelable, "state", {
  RUNNING: Status.pending(),
  CANCELLED: ({ frames, message }) => Status.canceled({ reason: message, partial: frames }),
  EXPIRED: ({ frames, message }) => Status.expired({ reason: message, partial: frames })
})

const cancelable = () => Poll.until(HttpCheck.get(url, CancelableStatus), eachSecond)

const Completed = Schema.Struct({
  status: Schema.Literals(["running", "completed"]),
  result: Schema.NullOr(Schema.String)
})

const completedStatus = () =>
  StatusSchema.fromField(Completed, "status", {
    running: Status.pending(),
    completed: ({ result }) =>
      result === null ? CheckResult.resultMissing("completed", "result is null") : Status.succeeded(result)
  })

const completed = () => Poll.until(HttpCheck.get(url, completedStatus()), eachSecond)

/** A video that a filter removed was not made. */
const filtered = ({ raiMediaFilteredReasons }: typeof Video.Type) =>
  raiMediaFilteredReasons === undefined ? undefined : Status.failed(raiMediaFilteredReasons.join(", "))

/** The check of a job whose result is at a URL of its own. */
const withResult = () =>
  Effect.gen(function* (): Effect.fn.Return<
    CheckResult.CheckResult<unknown, unknown>,
    HttpCheckError,
    HttpClient.HttpClient
  > {
    const found = yield* HttpCheck.get(url, JobStatus)
    if (CheckResult.unannotated(found)._tag !== "Succeeded") return found
    return yield* HttpCheck.get(`${url}/result`, StatusSchema.succeeded(Video), {
      interpret: Interpretation.rules([
        { status: 422 },
        Interpretation.failed(Schema.Struct({ detail: Schema.String }))
      ])
    })
  })

const empty: Reply = { json: { status: "completed", result: null } }

export const reasons: ReadonlyArray<Case> = [
  wait("A9.a", "problem details of a refusal, asked for by one option", {
    server: script(running, problem("the column is unknown")),
    program: withReason(true),
    ends: {
      tag: "CheckRejected",
      error: { "error.reason.detail": "the column is unknown" },
      says: "unknown",
      hides: "pa55word"
    }
  }),
  wait("A9.b", "the same refusal without the option", {
    server: script(running, problem("the column of Ms Miller")),
    program: withReason(undefined),
    ends: { tag: "CheckRejected", hides: ["Miller", "pa55word"] }
  }),
  wait("A9.c", "a gateway puts its words into error.message", {
    server: script({ status: 403, json: { error: { code: "Denied", message: "the quota of the plan is used up" } } }),
    program: withReason(true),
    ends: { tag: "CheckRejected", error: { "error.reason.detail": "the quota of the plan is used up" } }
  }),
  wait("A9.d", "a reason of a megabyte is cut", {
    server: script(problem("y".repeat(1_000_000))),
    program: withReason(true),
    ends: {
      tag: "CheckRejected",
      error: { "error.reason.detail": (text: string) => text.length > 100 && text.length <= 1_001 }
    }
  }),
  wait("A9.e", "a server of its own kind, read by a function", {
    server: script({ status: 400, json: { fault: { faultstring: "no such queue" } } }),
    program: withReason(({ body }) => (body as { readonly fault: { readonly faultstring: string } }).fault.faultstring),
    ends: { tag: "CheckRejected", error: { "error.reason.detail": "no such queue" } }
  }),

  wait("A10.a", "an operation was canceled because another one took its place", {
    server: routes({
      "POST /v1/videos": { status: 202, headers: { "operation-location": "/operations/1" } },
      "GET /operations/1": script(
        { json: { status: "Running" } },
        { json: { status: "Canceled", error: { code: "OperationPreempted", message: "a newer one took its place" } } }
      )
    }),
    program: () => LongRunning.run(operation, eachSecond),
    peer: { operation: `${base}/v1/videos` },
    ends: { tag: "JobCanceled", error: { reason: /OperationPreempted|a newer one/ } }
  }),
  wait("A10.b", "a request expired before a worker took it", {
    server: script({ json: { state: "RUNNING" } }, { json: { state: "EXPIRED", message: "no worker within an hour" } }),
    program: cancelable,
    ends: { tag: "JobExpired", error: { reason: "no worker within an hour" }, says: "no worker" }
  }),
  wait("A10.c", "a canceled render keeps the frames that were ready", {
    server: script({ json: { state: "CANCELLED", frames: ["1.png", "2.png"], message: "stopped" } }),
    program: cancelable,
    ends: { tag: "JobCanceled", error: { partial: ["1.png", "2.png"], reason: "stopped" } }
  }),
  wait("A10.d", "a scrape that expired keeps its pages, and they are in no message", {
    server: script({ json: { state: "EXPIRED", frames: ["private page"] } }),
    program: cancelable,
    ends: { tag: "JobExpired", error: { partial: ["private page"], reason: undefined } },
    check: ({ error, logs }) =>
      [(error as Error).message, ...logs.map(({ text }) => text)].join().includes("private page")
        ? "the partial result is in a message or a log"
        : undefined
  }),

  wait("A18.a", "done, and the response says that a filter removed the video", {
    server: routes({
      "POST /v1/videos": { json: { name: "operations/1", done: false } },
      "GET /v1/operations/1": {
        json: {
          name: "operations/1",
          done: true,
          response: { raiMediaFilteredCount: 1, raiMediaFilteredReasons: ["a person is shown"] }
        }
      }
    }),
    program: () =>
      LongRunning.run(operation, {
        ...eachSecond,
        protocol: LongRunningProtocol.google(),
        result: Video,
        ending: filtered
      }),
    ends: { tag: "JobFailed", says: "a person is shown" }
  }),
  wait("A18.b", "the same operation whose video was made", {
    server: routes({
      "POST /v1/videos": { json: { name: "operations/1", done: false } },
      "GET /v1/operations/1": { json: { name: "operations/1", done: true, response: { videos: ["a.mp4"] } } }
    }),
    program: () =>
      LongRunning.run(operation, {
        ...eachSecond,
        protocol: LongRunningProtocol.google(),
        result: Video,
        ending: filtered
      }),
    ends: { tag: "Succeeded", value: { videos: ["a.mp4"] } }
  }),
  wait("A18.c", "COMPLETED, and the request for the result answers 422 with a detail", {
    server: routes({
      "/jobs/1": script(running, { json: { status: "done" } }),
      "/jobs/1/result": { status: 422, json: { detail: "the prompt was refused" } }
    }),
    program: () => Poll.until(withResult(), eachSecond),
    ends: { tag: "JobFailed", error: { "failure.detail": "the prompt was refused" }, requests: 3 }
  }),
  wait("A18.d", "an operation that succeeded, whose resource says that provisioning failed", {
    server: routes({
      "POST /v1/videos": { status: 202, headers: { "operation-location": "/operations/1", location: "/things/1" } },
      "GET /operations/1": { json: { status: "Succeeded" } },
      "GET /things/1": { status: 422, json: { error: { code: "NoCapacity", message: "no capacity in this region" } } }
    }),
    program: () =>
      LongRunning.run(operation, {
        ...eachSecond,
        interpret: Interpretation.rules([
          { status: 422 },
          Interpretation.failed(Schema.Struct({ error: Schema.Struct({ message: Schema.String }) }))
        ])
      }),
    ends: { tag: "JobFailed", error: { "failure.error.message": "no capacity in this region" } }
  }),

  wait("A19.a", "completed is written before the result", {
    server: script({ json: { status: "running", result: null } }, empty, {
      json: { status: "completed", result: "a" }
    }),
    program: completed,
    ends: { tag: "Succeeded", value: "a", requests: 3 },
    peer: {
      server: replies({}, { body: '{"id":"job-1","status":"completed"}' }, { word: "succeeded" }),
      ends: "succeeded"
    }
  }),
  wait("A19.b", "the result comes at the last of the checks that are made for it", {
    server: script(empty, empty, empty, { json: { status: "completed", result: "late" } }),
    program: completed,
    ends: { tag: "Succeeded", value: "late", requests: 4 }
  }),
  wait("A19.c", "the result never comes", {
    server: script(empty),
    program: completed,
    ends: { tag: "ResultMissing", error: { state: "completed" }, requests: 4, says: "result" }
  }),
  wait("A19.d", "an operation is done before its response is there", {
    server: routes({
      "POST /v1/videos": { json: { name: "operations/1", done: false } },
      "GET /v1/operations/1": script(
        { json: { name: "operations/1", done: true } },
        { json: { name: "operations/1", done: true, response: { videos: ["b.mp4"] } } }
      )
    }),
    program: () => LongRunning.run(operation, { ...eachSecond, protocol: LongRunningProtocol.google(), result: Video }),
    peer: { operation: `${base}/v1/videos` },
    ends: { tag: "Succeeded", value: { videos: ["b.mp4"] } }
  })
]
