// A11, A12: "slow down", and refusals that do not last.
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Effect from "effect/Effect"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { type Case, wait } from "../case.ts"
import { replies } from "../peer.ts"
import { type Reply, routes, script } from "../server.ts"
import { base, done, eachSecond, failed, html, JobStatus, running, times, url } from "./kit.ts"

/** No failed check is tolerated: what is throttled is none. */
const strict = () =>
  Poll.until(HttpCheck.get(url, JobStatus), { ...eachSecond, checkErrors: { maxConsecutive: 0, maxTotal: 0 } })

const busy: Reply = { status: 429, headers: { "retry-after": "20" } }

const spent = (status: number, reset: number): Reply => ({
  status,
  headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(reset) },
  json: { message: "API rate limit exceeded" }
})

const refused = (status: number): Reply => ({ status, json: { message: "the token is not known here" } })

const Submitted = Schema.Struct({ id: Schema.String })

/** A job whose record the server learns of after the submit. */
const jobWith = (missing: Job.Options<string, unknown, unknown, unknown, never>["missing"]) =>
  Job.make("render", {
    submit: (_scene: string) =>
      Effect.map(HttpCheck.send(HttpClientRequest.post(`${base}/jobs`), Submitted), ({ value }) => ({ key: value.id })),
    check: (id: string) => HttpCheck.get(`${base}/jobs/${id}`, JobStatus),
    missing: missing as { readonly grace: "30 seconds" }
  })

const created = { "POST /jobs": { status: 201, json: { id: "1" } } }

export const throttling: ReadonlyArray<Case> = [
  wait("A11.a", "429 with Retry-After ten times, then done", {
    server: script(...times(10, busy), done),
    program: strict,
    ends: { tag: "Succeeded", value: "a.mp4", requests: 11, gaps: Array.from({ length: 10 }, () => 20_000) },
    peer: {
      server: replies(...times(10, { status: 429, headers: { "retry-after": "20" } }), { word: "succeeded" }),
      ends: "succeeded",
      atLeast: 200_000
    }
  }),
  wait("A11.b", "429 without Retry-After, but with a spent limit and its reset", {
    server: script(running, spent(429, 90), spent(429, 45), done),
    program: strict,
    ends: { tag: "Succeeded", requests: 4, gaps: [1_000, 90_000, 45_000] },
    peer: {
      server: replies(
        {},
        { status: 429, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "90" } },
        { word: "succeeded" }
      ),
      ends: "succeeded",
      atLeast: 90_000
    }
  }),
  wait("A11.c", "400 with a code that says ThrottlingException", {
    server: script(
      ...times(8, { status: 400, json: { __type: "ThrottlingException", message: "Rate exceeded" } }),
      done
    ),
    program: strict,
    ends: { tag: "Succeeded", requests: 9 }
  }),
  wait("A11.d", "503 with Retry-After for longer than any error budget", {
    server: script(...times(9, { status: 503, headers: { "retry-after": "30" } }), done),
    program: strict,
    ends: { tag: "Succeeded", requests: 10 },
    peer: {
      server: replies(...times(9, { status: 503, headers: { "retry-after": "30" } }), { word: "succeeded" }),
      ends: "succeeded",
      atLeast: 270_000
    }
  }),
  wait("A11.e", "a secondary limit answers 403 with Retry-After", {
    server: script(
      running,
      { status: 403, headers: { "retry-after": "60" }, json: { message: "secondary rate limit" } },
      done
    ),
    program: strict,
    ends: { tag: "Succeeded", requests: 3, gaps: [1_000, 60_000] }
  }),
  wait("A11.f", "throttled until the deadline", {
    server: script(busy),
    program: strict,
    ends: { tag: "PollTimeout", error: { reason: "deadline" } }
  }),
  wait("A11.g", "a 403 that only speaks of rates in its message is a refusal", {
    server: script({ status: 403, json: { message: "ThrottlingException is a class of ours" } }, done),
    program: strict,
    ends: { tag: "CheckRejected", requests: 1 }
  }),
  wait("A11.h", "throttling between failed checks neither ends nor extends their row", {
    server: script({ status: 500 }, { status: 500 }, busy, { status: 500 }, done),
    program: () => Poll.until(HttpCheck.get(url, JobStatus), { ...eachSecond, checkErrors: { maxConsecutive: 2 } }),
    ends: { tag: "CheckErrorsExhausted", requests: 4 }
  }),

  wait("A12.a", "401 for 15 seconds after the submit", {
    server: routes({ ...created, "/jobs/1": (_request, n) => (n <= 15 ? refused(401) : done) }),
    program: () => Poll.run(jobWith({ grace: "30 seconds" }), "scene", eachSecond),
    ends: { tag: "Succeeded" },
    peer: { server: replies(...times(5, { status: 401, body: "{}" }), { word: "succeeded" }), ends: "succeeded" }
  }),
  wait("A12.b", "401 that outlasts the grace", {
    server: routes({ ...created, "/jobs/1": refused(401) }),
    program: () => Poll.run(jobWith({ grace: "10 seconds" }), "scene", eachSecond),
    ends: { tag: "CheckRejected" }
  }),
  wait("A12.c", "403 in mid-wait while a deploy replaces the keys", {
    server: script(running, ...times(5, refused(403)), running, done),
    program: () =>
      Poll.until(HttpCheck.get(url, JobStatus), { ...eachSecond, checkErrors: { rejectAfter: { for: "1 minute" } } }),
    ends: { tag: "Succeeded", requests: 8 }
  }),
  wait("A12.d", "a refusal that repeats ends the wait at the third", {
    server: script(running, ...times(5, refused(401)), done),
    program: () =>
      Poll.until(HttpCheck.get(url, JobStatus), { ...eachSecond, checkErrors: { rejectAfter: { times: 3 } } }),
    ends: { tag: "CheckRejected", requests: 4 }
  }),
  wait("A12.e", "one 404 between two pending answers", {
    server: routes({ ...created, "/jobs/1": script(running, refused(404), running, done) }),
    program: () => Poll.run(jobWith({ times: 2 }), "scene", eachSecond),
    ends: { tag: "Succeeded", requests: 5 },
    peer: { server: replies({}, { status: 404, body: "{}" }, {}, { word: "succeeded" }), ends: "succeeded" }
  }),
  wait("A12.f", "pages of a proxy that say 404 twice", {
    server: script(running, html("404 Not Found", 404), html("404 Not Found", 404), running, failed),
    program: () => Poll.until(HttpCheck.get(url, JobStatus), eachSecond),
    ends: { tag: "JobFailed", requests: 5 }
  }),
  wait("A12.g", "a proxy that says 404 for good", {
    server: script(running, html("404 Not Found", 404)),
    program: () => Poll.until(HttpCheck.get(url, JobStatus), eachSecond),
    ends: { tag: "JobNotFound", requests: 4 }
  })
]
