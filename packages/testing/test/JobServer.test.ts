import { assert, describe, it } from "@effect/vitest"
import * as Fault from "@effect-poll/testing/Fault"
import * as JobScript from "@effect-poll/testing/JobScript"
import * as JobServer from "@effect-poll/testing/JobServer"
import type * as Submission from "@effect-poll/testing/Submission"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Redacted from "effect/Redacted"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import { aged, get, live, post, put } from "./client.ts"

const statusUrl = (server: JobServer.JobServer["Service"], id: string) =>
  `${server.urls.JobStatus}/api/job-status/${id}`

describe("JobServer", () => {
  describe("options", () => {
    it.each([
      ["JobServer.make: speed", () => JobServer.make({ speed: 0 })],
      ["JobServer.make: speed", () => JobServer.make({ speed: Infinity })],
      ["JobServer.make: pageSize", () => JobServer.make({ pageSize: 0 })]
    ])("%s - throws a RangeError when invalid", (message, construct) => {
      assert.throws(construct, RangeError, message)
    })

    aged("script - gets the submission", () =>
      Effect.gen(function* () {
        const submissions: Array<Submission.Submission> = []
        const server = yield* JobServer.make({
          script: (submission) => {
            submissions.push(submission)
            return JobScript.succeeded("10 seconds", { result: submission.body })
          }
        })
        yield* post(`${server.urls.JobStatus}/api/start-async-job`, { size: 1 })
        yield* post(`${server.urls.Mixpeek}/v1/buckets/bkt_9/batches`, { size: 2 })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(submissions, [
          { provider: "JobStatus", kind: "job", params: {}, body: { size: 1 }, sequence: 1 },
          { provider: "Mixpeek", kind: "batch", params: { bucket_id: "bkt_9" }, body: { size: 2 }, sequence: 2 }
        ])
        const truth = yield* server.truth
        assert.deepStrictEqual(
          truth.map((one) => one.result),
          [{ size: 1 }, { size: 2 }]
        )
      })
    )

    aged("speed - divides the duration of a script", () =>
      Effect.gen(function* () {
        const server = yield* JobServer.make({ speed: 100 })
        const { id } = yield* server.create("JobStatus", "job", JobScript.succeeded("10 seconds"))
        yield* TestClock.adjust("99 millis")
        assert.strictEqual((yield* server.truthOf(id)).endedAt, undefined)
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* server.truthOf(id)).endedAt, 100)
      })
    )

    aged("create - dies with a RangeError when the kind is unknown", () =>
      Effect.gen(function* () {
        const server = yield* JobServer.make()
        // @ts-expect-error not a kind
        const exit = yield* Effect.exit(server.create("Mixpeek", "teapot"))
        assert.isTrue(Exit.isFailure(exit))
        assert.include(String(exit), "JobServer.create: kind")
      })
    )

    aged("token - is required in the header, and may be redacted", () =>
      Effect.gen(function* () {
        const server = yield* JobServer.make({ token: Redacted.make("s3cret") })
        const { id } = yield* server.create("GenerationApi", "suno")
        const url = `${server.urls.GenerationApi}/generateTask/suno/${id}`
        assert.strictEqual((yield* get(url)).status, 401)
        assert.strictEqual((yield* get(url, { authorization: "Bearer other" })).status, 401)
        assert.strictEqual((yield* server.truthOf(id)).requests, 0)
        assert.strictEqual((yield* get(url, { authorization: "Bearer s3cret" })).status, 200)
      })
    )
  })

  describe("truth", () => {
    aged("truthOf - counts every check, and those after the end", () =>
      Effect.gen(function* () {
        const server = yield* JobServer.make()
        const script = JobScript.succeeded("10 seconds", { faults: [Fault.serverError(2)] })
        const { id } = yield* server.create("JobStatus", "job", script)
        yield* TestClock.adjust("1 second")
        yield* get(statusUrl(server, id))
        yield* get(statusUrl(server, id))
        const running = yield* server.truthOf(id)
        assert.deepStrictEqual(
          [running.requests, running.checksAfterEnd, running.faultsServed, running.outcome, running.endedAt],
          [2, 0, 1, undefined, undefined]
        )
        yield* TestClock.adjust("9 seconds")
        yield* get(statusUrl(server, id))
        yield* TestClock.adjust("1 second")
        yield* get(statusUrl(server, id))
        assert.deepStrictEqual(yield* server.truthOf(id), {
          provider: "JobStatus",
          kind: "job",
          id,
          ids: { jobId: id },
          submittedAt: 0,
          endedAt: 10_000,
          outcome: "succeeded",
          result: undefined,
          failure: undefined,
          requests: 4,
          lastRequestAt: 11_000,
          checksAfterEnd: 2,
          faultsServed: 1,
          listed: 0
        })
        assert.strictEqual(yield* server.requests, 4)
      })
    )

    aged("truthOf - fails with NoSuchElementError when the id is unknown, whose status is a 404", () =>
      Effect.gen(function* () {
        const server = yield* JobServer.make()
        const error = yield* Effect.flip(server.truthOf("job_9"))
        assert.strictEqual(error._tag, "NoSuchElementError")
        const reply = yield* get(statusUrl(server, "job_9"))
        assert.deepStrictEqual([reply.status, reply.json], [404, { error: "job not found" }])
        const path = yield* get(`${server.url}/nowhere`)
        assert.deepStrictEqual([path.status, path.json], [404, { error: "path not found" }])
        assert.strictEqual(yield* server.requests, 2)
      })
    )

    aged("status - is a 404 under the routes of another provider", () =>
      Effect.gen(function* () {
        const server = yield* JobServer.make()
        const { id } = yield* server.create("JobStatus", "job")
        const replies = yield* Effect.forEach(
          [
            `${server.urls.EventPlatform}/tasks/${id}`,
            `${server.urls.EventPlatform}/package_builder/packages/${id}`,
            `${server.urls.EventPlatform}/events/e/taste_clusters/runs/${id}`,
            `${server.urls.GenerationApi}/generateTask/suno/${id}`,
            `${server.urls.Mixpeek}/v1/tasks/${id}`,
            `${server.urls.Mixpeek}/v1/clusters/${id}`,
            `${server.urls.AsyncQueue}/v1/tasks/${id}`
          ],
          (url) => get(url)
        )
        assert.deepStrictEqual(
          replies.map((reply) => reply.status),
          replies.map(() => 404)
        )
        assert.strictEqual((yield* server.truthOf(id)).requests, 0)
        const task = yield* server.create("EventPlatform", "task")
        assert.strictEqual((yield* get(statusUrl(server, task.id))).status, 404)
      })
    )

    aged("recordTtl - counts from the end or from the submission", () =>
      Effect.gen(function* () {
        const server = yield* JobServer.make()
        const fromEnd = yield* server.create(
          "JobStatus",
          "job",
          JobScript.succeeded("2 seconds", { recordTtl: "1 second" })
        )
        const fromSubmission = yield* server.create(
          "JobStatus",
          "job",
          JobScript.succeeded("2 seconds", { recordTtl: "1 second", recordTtlFrom: "submission" })
        )
        const statuses = Effect.forEach([fromEnd, fromSubmission], ({ id }) =>
          Effect.map(get(statusUrl(server, id)), (reply) => reply.status)
        )
        assert.deepStrictEqual(yield* statuses, [200, 200])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(yield* statuses, [200, 404])
        yield* TestClock.adjust("1999 millis")
        assert.deepStrictEqual(yield* statuses, [200, 404])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(yield* statuses, [404, 404])
        assert.strictEqual((yield* server.truthOf(fromEnd.id)).requests, 4)
      })
    )
  })

  describe("faults", () => {
    const withFaults = (faults: ReadonlyArray<Fault.Fault>) =>
      Effect.gen(function* () {
        const server = yield* JobServer.make()
        const { id } = yield* server.create("JobStatus", "job", JobScript.endless({ faults }))
        return { server, id, check: get(statusUrl(server, id)) }
      })

    aged("drop - closes the connection of one check only", () =>
      Effect.gen(function* () {
        const { server, id, check } = yield* withFaults([Fault.drop(1)])
        const error = yield* Effect.flip(check)
        assert.strictEqual(error.reason._tag, "TransportError")
        assert.strictEqual((yield* check).status, 200)
        const truth = yield* server.truthOf(id)
        assert.deepStrictEqual([truth.requests, truth.faultsServed], [2, 1])
      })
    )

    aged("serverError - responds with 500 and JSON", () =>
      Effect.gen(function* () {
        const { check } = yield* withFaults([Fault.serverError(1)])
        const reply = yield* check
        assert.deepStrictEqual([reply.status, reply.json], [500, { error: "internal server error" }])
      })
    )

    aged("badGateway - responds with 502 and HTML", () =>
      Effect.gen(function* () {
        const { check } = yield* withFaults([Fault.badGateway(1)])
        const reply = yield* check
        assert.strictEqual(reply.status, 502)
        assert.include(reply.headers["content-type"], "text/html")
        assert.include(reply.text, "<h1>502 Bad Gateway</h1>")
      })
    )

    aged("tooManyRequests - responds with 429 and whole seconds of real time", () =>
      Effect.gen(function* () {
        const { check } = yield* withFaults([Fault.tooManyRequests(1, "7 seconds")])
        const reply = yield* check
        assert.deepStrictEqual([reply.status, reply.headers["retry-after"]], [429, "7"])
      })
    )

    aged("tooManyRequests - rounds a date up to the next second", () =>
      Effect.gen(function* () {
        const { check } = yield* withFaults([Fault.tooManyRequests(1, "7 seconds", { as: "date" })])
        yield* TestClock.adjust("1500 millis")
        const reply = yield* check
        assert.deepStrictEqual([reply.status, reply.headers["retry-after"]], [429, "Thu, 01 Jan 1970 00:00:09 GMT"])
      })
    )

    aged("badBody, html - respond with 200 and an unexpected body", () =>
      Effect.gen(function* () {
        const { check } = yield* withFaults([Fault.badBody(1), Fault.html(2)])
        const json = yield* check
        assert.deepStrictEqual([json.status, json.json], [200, { unexpected: [true] }])
        const html = yield* check
        assert.strictEqual(html.status, 200)
        assert.include(html.headers["content-type"], "text/html")
      })
    )

    live("latency - delays the response in nominal time, before another fault", () =>
      Effect.gen(function* () {
        const server = yield* JobServer.make({ speed: 10 })
        const faults = [Fault.serverError(1), Fault.latency(1, "500 millis")]
        const { id } = yield* server.create("JobStatus", "job", JobScript.endless({ faults }))
        const before = yield* Clock.currentTimeMillis
        const reply = yield* get(statusUrl(server, id))
        const took = (yield* Clock.currentTimeMillis) - before
        assert.strictEqual(reply.status, 500)
        assert.isAtLeast(took, 45)
        assert.strictEqual((yield* server.truthOf(id)).faultsServed, 2)
      })
    )

    aged("repeat - affects consecutive checks", () =>
      Effect.gen(function* () {
        const { check } = yield* withFaults(Fault.repeat(Fault.serverError(2), 2))
        const statuses = yield* Effect.forEach([1, 2, 3, 4], () => Effect.map(check, (reply) => reply.status))
        assert.deepStrictEqual(statuses, [200, 500, 500, 200])
      })
    )

    aged("retryAfter - is in the responses about a pending job only", () =>
      Effect.gen(function* () {
        const server = yield* JobServer.make({ speed: 10 })
        const script = JobScript.succeeded("10 seconds", { retryAfter: "3 seconds" })
        const { id } = yield* server.create("JobStatus", "job", script)
        assert.strictEqual((yield* get(statusUrl(server, id))).headers["retry-after"], "3")
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* get(statusUrl(server, id))).headers["retry-after"], undefined)
        const dated = JobScript.endless({ retryAfter: "3 seconds", retryAfterAs: "date" })
        const other = yield* server.create("JobStatus", "job", dated)
        const reply = yield* get(statusUrl(server, other.id))
        assert.strictEqual(reply.headers["retry-after"], "Thu, 01 Jan 1970 00:00:04 GMT")
      })
    )
  })

  describe("faults on submits", () => {
    const faulty = (fault: Fault.Fault) =>
      Effect.gen(function* () {
        const server = yield* JobServer.make({
          // Only the first submission is faulty.
          script: ({ sequence }) => JobScript.make({ faults: sequence === 1 ? [fault] : [] })
        })
        const paths = [
          `${server.urls.JobStatus}/api/start-async-job`,
          `${server.urls.EventPlatform}/tasks`,
          `${server.urls.EventPlatform}/package_builder/packages`,
          `${server.urls.EventPlatform}/events/e1/taste_clusters/runs`,
          `${server.urls.GenerationApi}/generateTask/suno`,
          `${server.urls.Mixpeek}/v1/buckets/b/batches`,
          `${server.urls.Mixpeek}/v1/clusters`,
          `${server.urls.AsyncQueue}/v1/tasks`
        ] as const
        return { server, paths }
      })
    const body = { request_type: "async", input: { prompt: "p" }, targetUrl: "" }

    aged("drop - loses the response, but the job exists, and a second submit creates another", () =>
      Effect.gen(function* () {
        const { paths, server } = yield* faulty(Fault.on(Fault.drop(1), "submit"))
        const lost = yield* Effect.flip(post(paths[0], body))
        assert.strictEqual(lost.reason._tag, "TransportError")
        assert.strictEqual((yield* server.truth).length, 1)
        assert.strictEqual((yield* post(paths[0], body)).json.jobId, "job_2")
        assert.deepStrictEqual(
          (yield* server.truth).map(({ faultsServed, requests }) => [faultsServed, requests]),
          [
            [1, 0],
            [0, 0]
          ]
        )
      })
    )

    aged("carriedOut - is false for a 429, and no job is created then", () =>
      Effect.gen(function* () {
        for (const fault of [
          Fault.on(Fault.tooManyRequests(1, "2 seconds"), "submit"),
          Fault.on(Fault.serverError(1), "submit", { carriedOut: false })
        ]) {
          const { paths, server } = yield* faulty(fault)
          const refused = yield* post(paths[0], body)
          assert.strictEqual(refused.status, fault._tag === "ServerError" ? 500 : 429)
          assert.strictEqual(refused.headers["retry-after"], fault._tag === "ServerError" ? undefined : "2")
          assert.deepStrictEqual(yield* server.truth, [])
          assert.strictEqual((yield* post(paths[0], body)).json.jobId, "job_1")
        }
      })
    )

    aged("on - affects the submits of every provider", () =>
      Effect.gen(function* () {
        for (const at of [0, 1, 2, 3, 4, 5, 6, 7]) {
          const { paths, server } = yield* faulty(Fault.on(Fault.serverError(1), "submit"))
          assert.strictEqual((yield* post(paths[at]!, body)).status, 500, paths[at])
          assert.strictEqual((yield* server.truth).length, 1, paths[at])
          assert.isBelow((yield* post(paths[at]!, body)).status, 300, paths[at])
        }
        const { server } = yield* faulty(Fault.on(Fault.html(1), "submit"))
        const campaign = yield* put(`${server.urls.EventPlatform}/events/e1/client_campaign_status?status=on`)
        assert.include(campaign.headers["content-type"], "text/html")
        const truth = (yield* server.truth)[0]
        assert.deepStrictEqual([truth?.kind, truth?.ids["eid"], truth?.faultsServed], ["campaign", "e1", 1])
      })
    )

    live("latency - delays the creation of the job", () =>
      Effect.gen(function* () {
        const { paths, server } = yield* faulty(Fault.on(Fault.latency(1, "50 millis"), "submit"))
        const before = yield* Clock.currentTimeMillis
        assert.strictEqual((yield* post(paths[0], body)).status, 202)
        const truth = (yield* server.truth)[0]
        assert.isAtLeast(truth!.submittedAt - before, 45)
        assert.strictEqual(truth!.faultsServed, 1)
      })
    )
  })

  describe("closing", () => {
    live("make - stops at once when its scope closes, with idle and hanging connections", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const server = yield* Scope.provide(JobServer.make(), scope)
        const idle = yield* server.create("JobStatus", "job", JobScript.endless())
        const hanging = yield* server.create(
          "JobStatus",
          "job",
          JobScript.endless({ faults: [Fault.latency(1, "1 hour")] })
        )
        yield* get(statusUrl(server, idle.id))
        const check = yield* Effect.forkChild(Effect.flip(get(statusUrl(server, hanging.id))))
        while ((yield* server.requests) < 2) yield* Effect.sleep("1 millis")
        const before = yield* Clock.currentTimeMillis
        yield* Scope.close(scope, Exit.void)
        assert.isBelow((yield* Clock.currentTimeMillis) - before, 500)
        assert.strictEqual((yield* Fiber.join(check)).reason._tag, "TransportError")
        const refused = yield* Effect.flip(get(statusUrl(server, idle.id)))
        assert.strictEqual(refused.reason._tag, "TransportError")
      })
    )

    live("layer - provides the service", () =>
      Effect.gen(function* () {
        const server = yield* JobServer.JobServer
        assert.match(server.url, /^http:\/\/127\.0\.0\.1:\d+$/)
        assert.strictEqual(server.urls.Mixpeek, `${server.url}/mixpeek`)
      }).pipe(Effect.provide(JobServer.layer()))
    )
  })
})
