// A1-A4: codes that say that the job runs, and redirects to its result.
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { type Case, wait } from "../case.ts"
import { replies } from "../peer.ts"
import { routes, script } from "../server.ts"
import { done, eachSecond, failed, html, JobStatus, running, times, url } from "./kit.ts"

const poll = () => Poll.until(HttpCheck.get(url, JobStatus), eachSecond)

const File = Schema.Struct({ href: Schema.String })

export const accepted: ReadonlyArray<Case> = [
  wait("A1.a", "a video job answers 202 without a body eight times, then 200", {
    server: script(...times(8, { status: 202 }), done),
    program: poll,
    ends: { tag: "Succeeded", value: "a.mp4", requests: 9, states: ["HTTP 202"] },
    peer: {
      server: replies(...times(8, { status: 202, body: "" }), { word: "succeeded" }),
      ends: "succeeded",
      checks: 9
    }
  }),
  wait("A1.b", "an export answers 202 with a blank line and Retry-After", {
    server: script(...times(7, { status: 202, body: "\n", headers: { "retry-after": "30" } }), done),
    program: poll,
    ends: { tag: "Succeeded", requests: 8, gaps: Array.from({ length: 7 }, () => 30_000) },
    peer: {
      server: replies(...times(7, { status: 202, body: "\n", headers: { "retry-after": "30" } }), {
        word: "succeeded"
      }),
      ends: "succeeded",
      atLeast: 210_000
    }
  }),
  wait("A1.c", "a renderer answers 202 with a page that asks for patience", {
    server: script(...times(9, html("please wait", 202)), done),
    program: poll,
    ends: { tag: "Succeeded", requests: 10, states: ["HTTP 202"] }
  }),
  wait("A1.d", "202 without a body turns into a failure", {
    server: script(running, { status: 202 }, running, failed),
    program: poll,
    ends: {
      tag: "JobFailed",
      error: { failure: "out of disk" },
      requests: 4,
      states: ["running", "HTTP 202", "running"]
    },
    peer: { server: replies({}, { status: 202, body: "" }, {}, { word: "failed" }), ends: "failed", checks: 4 }
  }),
  wait("A1.e", "a search engine answers 202 for longer than the deadline", {
    server: script({ status: 202 }),
    program: poll,
    ends: { tag: "PollTimeout", error: { reason: "deadline", "lastStatus.state": "HTTP 202" } }
  }),

  wait("A2.a", "204 until the job is ready", {
    server: script(...times(9, { status: 204 }), done),
    program: poll,
    ends: { tag: "Succeeded", value: "a.mp4", requests: 10, states: ["HTTP 204"] },
    peer: { server: replies(...times(9, { status: 204 }), { word: "succeeded" }), ends: "succeeded", checks: 10 }
  }),
  wait("A2.b", "a queue answers 204 and when to come back", {
    server: script(...times(6, { status: 204, headers: { "retry-after": "10" } }), done),
    program: poll,
    ends: { tag: "Succeeded", requests: 7, gaps: [10_000, 10_000, 10_000, 10_000, 10_000, 10_000] }
  }),
  wait("A2.c", "204, then the result itself without a state", {
    server: script(...times(7, { status: 204 }), { json: { href: "a.zip" } }),
    program: () => Poll.until(HttpCheck.get(url, StatusSchema.succeeded(File)), eachSecond),
    ends: { tag: "Succeeded", value: { href: "a.zip" }, requests: 8 }
  }),
  wait("A2.d", "204 between two states is pending, not an error", {
    server: script(running, { status: 204 }, running, { status: 204 }, { status: 204 }, failed),
    program: () => Poll.until(HttpCheck.get(url, JobStatus), { ...eachSecond, checkErrors: { maxConsecutive: 0 } }),
    ends: { tag: "JobFailed", requests: 6, states: ["running", "HTTP 204", "running", "HTTP 204"] }
  }),

  wait("A3.a", "202 with JSON that has no state", {
    server: script({ status: 202, json: { id: 7 } }, { status: 202, json: { id: 7 } }, done),
    program: poll,
    ends: { tag: "Succeeded", requests: 3, states: ["HTTP 202"] },
    peer: {
      server: replies(...times(2, { status: 202, body: '{"id":7}' }), { word: "succeeded" }),
      ends: "succeeded",
      checks: 3
    }
  }),
  wait("A3.b", "202 with a message only", {
    server: script(...times(7, { status: 202, json: { message: "Accepted for processing" } }), done),
    program: poll,
    ends: { tag: "Succeeded", requests: 8 }
  }),
  wait("A3.c", "202 with a bare JSON text, then with an empty list", {
    server: script({ status: 202, json: "accepted" }, { status: 202, json: [] }, { status: 202, json: null }, done),
    program: poll,
    ends: { tag: "Succeeded", requests: 4 }
  }),
  wait("A3.d", "202 with a state that is not listed", {
    server: script({ status: 202, json: { status: "warming up" } }, running, done),
    program: poll,
    ends: { tag: "Succeeded", requests: 3, states: ["warming up", "running"] }
  }),
  wait("A3.e", "202 with a listed state ends the wait", {
    server: script({ status: 202, json: { status: "failed", error: "no GPU" } }),
    program: poll,
    ends: { tag: "JobFailed", error: { failure: "no GPU" }, requests: 1 },
    peer: { server: replies({ status: 202, word: "failed" }), ends: "failed", checks: 1 }
  }),

  wait("A4.a", "303 leads to the result, over a client that does not follow", {
    server: routes({
      "/jobs/1": script(running, { status: 303, headers: { location: "/files/9" } }),
      "/files/9": { json: { href: "a.zip" } }
    }),
    program: () => Poll.until(HttpCheck.get(url, JobStatus, { result: File }), eachSecond),
    ends: { tag: "Succeeded", value: { href: "a.zip" }, paths: ["GET /jobs/1", "GET /jobs/1", "GET /files/9"] }
  }),
  wait("A4.b", "303 leads to the result, over a client that follows unseen", {
    server: routes({
      "/jobs/1": script(running, running, { status: 303, headers: { location: "/files/9" } }),
      "/files/9": { json: { href: "b.zip" } }
    }),
    follows: true,
    program: () => Poll.until(HttpCheck.get(url, JobStatus, { result: File }), eachSecond),
    ends: { tag: "Succeeded", value: { href: "b.zip" }, requests: 4 }
  }),
  wait("A4.c", "303 leads to a document that has the state in it", {
    server: routes({
      "/jobs/1": script({ status: 202 }, { status: 303, headers: { location: "/renders/1" } }),
      "/renders/1": done
    }),
    program: poll,
    ends: { tag: "Succeeded", value: "a.mp4", requests: 3 }
  }),
  wait("A4.d", "303 leads to a result that is not written yet", {
    server: routes({
      "/jobs/1": { status: 303, headers: { location: "../files/9?part=1" } },
      "/files/9": script({ status: 404, json: { error: "not yet" } }, { json: { href: "c.zip" } })
    }),
    program: () =>
      Poll.until(
        HttpCheck.get(url, JobStatus, {
          result: File,
          interpret: ({ status, url }) => (status === 404 && url.includes("/files/") ? Status.pending() : undefined)
        }),
        eachSecond
      ),
    ends: { tag: "Succeeded", value: { href: "c.zip" }, requests: 4 }
  }),
  wait("A4.e", "303 without a Location is no success", {
    server: script(running, { status: 303 }),
    program: () =>
      Poll.until(HttpCheck.get(url, JobStatus, { result: File }), { ...eachSecond, deadline: "2 minutes" }),
    ends: { tag: "CheckErrorsExhausted" }
  })
]
