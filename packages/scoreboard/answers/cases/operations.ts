// B1-B4: long-running operations of servers that keep to no protocol, or to one of their own.
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as LongRunning from "@effect-poll/http/LongRunning"
import * as LongRunningProtocol from "@effect-poll/http/LongRunningProtocol"
import { type Case, equal, type Expected, unless, wait } from "../case.ts"
import { type Reply, routes, script } from "../server.ts"
import { base, eachSecond } from "./kit.ts"
import { acceptedAt, job, peer, plain, report, start } from "./operationKit.ts"

const unrecognized = (id: string, name: string, answer: Reply, says: RegExp, then: Reply = { status: 404 }): Case =>
  wait(id, name, {
    server: routes({ "POST /exports": answer, "/operations/1": then }),
    program: () => plain,
    ends: { tag: "HttpCheckError|CheckRejected|UnknownState|JobNotFound|PollTimeout|JobFailed", says },
    peer
  })

/** An operation without a chosen protocol that is followed to its end. */
const followed = (
  id: string,
  name: string,
  server: Parameters<typeof routes>[0],
  ends: Expected = { tag: "Succeeded", value: { pages: 3 } },
  options: Partial<LongRunning.RunOptions<{ readonly pages: number }>> = {}
): Case =>
  wait(id, name, {
    server: routes(server),
    program: () => LongRunning.run(start, { ...job, ...options }),
    ends,
    // Options of ours are not theirs.
    ...(Object.keys(options).length === 0 && { peer })
  })

const state = (status: string, more: object = {}): Reply => ({ json: { status, ...more } })

const selfLink = { selfLink: `${base}/operations/1`, kind: "compute#operation" }

export const operations: ReadonlyArray<Case> = [
  wait("B1.a", "200 with RUNNING and a selfLink is followed, or refused", {
    server: routes({
      "POST /exports": state("RUNNING", selfLink),
      "/operations/1": script(state("RUNNING", selfLink), report)
    }),
    program: () => plain,
    ends: { tag: "Succeeded|CheckRejected|HttpCheckError|UnknownState" },
    check: ({ tag, value }) => (tag === "Succeeded" ? equal("the result", value, report.json) : undefined),
    peer
  }),
  unrecognized("B1.b", "200 with RUNNING and nothing else", state("RUNNING"), /RUNNING/),
  followed("B1.c", "201 with Location and queued", {
    "POST /exports": { status: 201, headers: { location: "/operations/1" }, json: { status: "queued" } },
    "/operations/1": script(state("queued"), state("running"), report)
  }),
  wait("B1.d", "202 and Location, whose URL answers 200 while the body says Running", {
    server: routes({
      "POST /exports": acceptedAt("/operations/1"),
      "/operations/1": script(state("Running"), state("Running"), state("Succeeded", { pages: 3 }))
    }),
    program: () => plain,
    peer,
    ends: { tag: "Succeeded", value: { status: "Succeeded", pages: 3 }, requests: 4 }
  }),
  unrecognized("B1.e", "done: false without a name", { json: { done: false, id: 7 } }, /done/),
  unrecognized(
    "B1.f",
    "the state is in a nested job",
    { json: { job: { id: 7, state: "PROVISIONING" } } },
    /PROVISIONING/
  ),
  wait("B1.g", "a plain 200 with a result is a success", {
    server: routes({ "POST /exports": report }),
    program: () => LongRunning.run(start, job),
    peer,
    ends: { tag: "Succeeded", value: { pages: 3 }, requests: 1 }
  }),
  wait("B1.h", "an answer that the Schema takes, and that shows a pending word", {
    server: routes({ "POST /exports": { json: { pages: 0, status: "in_progress" } } }),
    program: () => LongRunning.run(start, job),
    peer,
    ends: { tag: "HttpCheckError|CheckRejected|UnknownState", says: /in_progress/ }
  }),

  wait("B2.a", "checked by POST with the name in the body", {
    server: routes({
      "POST /exports": { json: { name: "operations/7" } },
      "POST /models:fetch": ({ body }, n) =>
        (JSON.parse(body) as { readonly name: string }).name !== "operations/7"
          ? { status: 400 }
          : n < 3
            ? { json: { name: "operations/7", done: false } }
            : { json: { name: "operations/7", done: true, response: { pages: 3 } } }
    }),
    program: () =>
      LongRunning.run(start, {
        ...job,
        protocol: LongRunningProtocol.google(),
        check: () =>
          HttpClientRequest.post(`${base}/models:fetch`).pipe(
            HttpClientRequest.bodyJsonUnsafe({ name: "operations/7" })
          )
      }),
    ends: { tag: "Succeeded", value: { pages: 3 }, requests: 4 }
  }),
  wait("B2.b", "each check sends the cursor of the last answer", {
    server: routes({
      "POST /exports": acceptedAt("/operations/1"),
      "/operations/1": ({ url }, n) => {
        const cursor = url.searchParams.get("cursor")
        if (n > 1 && cursor !== `c${n - 1}`) return { status: 400, json: { message: `not ${cursor}` } }
        return n < 4 ? { status: 202, json: { next: `c${n}` } } : report
      }
    }),
    program: () =>
      LongRunning.run(start, {
        ...job,
        cursor: ({ body }) => (body as { readonly next?: string } | undefined)?.next,
        check: (_operation, { cursor }) =>
          HttpClientRequest.setUrlParams(
            HttpClientRequest.get(`${base}/operations/1`),
            cursor === undefined ? {} : { cursor }
          )
      }),
    ends: { tag: "Succeeded", value: { pages: 3 }, requests: 5 }
  }),
  wait("B2.c", "checked by another method, with a header that the API wants", {
    server: routes({
      "POST /exports": acceptedAt("/operations/1"),
      "PUT /operations/1": ({ headers }, n) =>
        headers["x-api-version"] !== "2" ? { status: 400 } : n < 2 ? { status: 202 } : report
    }),
    program: () =>
      LongRunning.run(start, {
        ...job,
        check: () =>
          HttpClientRequest.put(`${base}/operations/1`).pipe(HttpClientRequest.setHeader("x-api-version", "2"))
      }),
    ends: { tag: "Succeeded", value: { pages: 3 }, requests: 3 }
  }),
  wait("B2.d", "the result is fetched by POST", {
    server: routes({
      "POST /exports": { status: 202, headers: { "operation-location": "/operations/1", location: "/results/1" } },
      "GET /operations/1": script(state("Running"), state("Succeeded")),
      "POST /results:read": report
    }),
    program: () =>
      LongRunning.run(start, {
        ...job,
        fetchResult: () => HttpClientRequest.post(`${base}/results:read`)
      }),
    ends: { tag: "Succeeded", value: { pages: 3 } }
  }),

  followed("B3.a", "Content-Location names the status URL", {
    "POST /exports": { status: 202, headers: { "content-location": "/operations/1" } },
    "/operations/1": script({ status: 202, headers: { "x-progress": "50%" } }, report)
  }),
  wait("B3.b", "operations with status: DONE and a selfLink", {
    server: routes({
      "POST /exports": {
        json: { kind: "compute#operation", status: "PENDING", progress: 0, selfLink: `${base}/operations/1` }
      },
      "/operations/1": script(
        { json: { kind: "compute#operation", status: "RUNNING", progress: 40, selfLink: `${base}/operations/1` } },
        {
          json: {
            kind: "compute#operation",
            status: "DONE",
            progress: 100,
            error: { errors: [{ code: "QUOTA", message: "no disks left" }] }
          }
        }
      )
    }),
    program: () => LongRunning.run(start, { ...eachSecond, protocol: LongRunningProtocol.compute() }),
    ends: { tag: "JobFailed", says: "no disks left", requests: 3 }
  }),
  followed(
    "B3.c",
    "the URL stands in the body",
    {
      "POST /exports": { status: 202, json: { id: "7", statusQueryGetUri: `${base}/operations/1` } },
      "/operations/1": script({ status: 202 }, report)
    },
    undefined,
    { checkUrl: ({ body }) => (body as { readonly statusQueryGetUri?: string } | undefined)?.statusQueryGetUri }
  ),
  wait("B3.d", "state, URL and result are fields with names of their own", {
    server: routes({
      "POST /exports": { json: { jobState: "NEW", poll: "/operations/1" } },
      "/operations/1": script(
        { json: { jobState: "EXECUTING" } },
        { json: { jobState: "FINISHED", output: { pages: 3 } } }
      )
    }),
    program: () =>
      LongRunning.run(start, {
        ...job,
        protocol: LongRunningProtocol.fields({
          state: ["jobState"],
          url: ["poll"],
          result: ["output"],
          words: { NEW: "pending", EXECUTING: "pending", FINISHED: "succeeded" }
        })
      }),
    ends: { tag: "Succeeded", value: { pages: 3 }, requests: 3 }
  }),
  wait("B3.e", "an operation that is refused after it was accepted names its URL in the error", {
    server: routes({ "POST /exports": { status: 202, json: { id: "7", watch: `${base}/operations/1?sig=0af1` } } }),
    program: () => plain,
    ends: { tag: "HttpCheckError|CheckRejected", says: /operations\/1|accepted|202/, hides: "sig=0af1" }
  }),

  ...["/operations/1", "http://10.0.0.7:8080/operations/1", "http://backend.internal/operations/1"].map(
    (location, index) =>
      followed(
        `B4.${"abc"[index]!}`,
        ["a path in Location", "an inner address in Location", "an inner host in Location"][index]! +
          ", behind a proxy with a prefix",
        {
          "POST /exports": acceptedAt(location),
          "/gateway/v2/operations/1": script({ status: 202 }, report)
        },
        undefined,
        { rebase: `${base}/gateway/v2` }
      )
  ),
  wait("B4.d", "the URL is rebased by a function", {
    server: routes({
      "POST /exports": { status: 202, headers: { "operation-location": "http://backend.internal/operations/1?v=2" } },
      [`GET ${base}/proxy/operations/1`]: script(state("Running"), state("Succeeded", { properties: { output: 1 } }))
    }),
    program: () =>
      LongRunning.run(start, {
        ...eachSecond,
        rebase: (url) => {
          const { pathname, search } = new URL(url)
          return `${base}/proxy${pathname}${search}`
        }
      }),
    ends: { tag: "Succeeded|CheckRejected" },
    check: ({ server }) =>
      unless(
        server.paths.includes("GET /proxy/operations/1?v=2") && server.requests.every(({ url }) => url.origin === base),
        `asked ${server.requests.map(({ url }) => url.href).join(", ")}`
      )
  })
]
