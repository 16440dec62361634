import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Interpretation from "@effect-poll/http/Interpretation"
import * as LongRunning from "@effect-poll/http/LongRunning"
import type { HttpAnswer } from "@effect-poll/http/HttpAnswer"
import * as Server from "./LongRunningServer.ts"
import { accepted, during, everySecond, failureOf, inWords, play, post } from "./LongRunningRuns.ts"

const bodyOf = ({ body }: HttpClientRequest.HttpClientRequest): unknown =>
  body instanceof HttpBody.Uint8Array ? JSON.parse(new TextDecoder().decode(body.body)) : undefined

/** A field of a body. */
const field = ({ body }: HttpAnswer, name: string): string | undefined => {
  const value = (body as Partial<Record<string, unknown>> | undefined)?.[name]
  return typeof value === "string" ? value : undefined
}

describe("LongRunning", () => {
  describe("check", () => {
    it.effect("a POST with the name of the operation in its body", () =>
      Effect.gen(function* () {
        const name = "projects/p/models/veo/operations/1"
        const { asked, end, requests } = yield* play(
          {
            "POST /exports": [{ json: { name } }],
            "POST /v1/models/veo:fetchPredictOperation": [
              { json: { name, done: false } },
              { json: { name, done: true, response: { rows: 7 } } }
            ]
          },
          {
            check: ({ notes }) =>
              HttpClientRequest.bodyJsonUnsafe(HttpClientRequest.post("http://h/v1/models/veo:fetchPredictOperation"), {
                operationName: notes["name"]
              })
          }
        )
        assert.strictEqual(end, 'result {"rows":7}')
        assert.deepStrictEqual(asked.slice(1), Array(2).fill("POST /v1/models/veo:fetchPredictOperation"))
        assert.deepStrictEqual(requests.slice(1).map(bodyOf), [{ operationName: name }, { operationName: name }])
      })
    )

    it.effect("with a cursor of the last answer, the first one included, and over a resume", () =>
      Effect.gen(function* () {
        const options: LongRunning.Options = {
          strategy: everySecond.strategy,
          cursor: (answer) => field(answer, "next"),
          check: ({ phase }, { attempt, cursor }) =>
            HttpClientRequest.get(`${phase._tag === "Polling" ? phase.url : ""}?after=${cursor}&n=${attempt}`)
        }
        const server = Server.make({
          "POST /exports": [{ ...accepted, json: { next: "a" } }],
          "GET /operations/1?after=a&n=1": [{ status: 202, json: { next: "b" } }],
          "GET /operations/1?after=b&n=2": [{ status: 202, json: {} }],
          "GET /operations/1?after=b&n=3": [{ json: { rows: 7 } }]
        })
        const job = LongRunning.job("export", options)
        const { key } = yield* server.provide(job.submit(post))
        const token = yield* Effect.scoped(
          Effect.gen(function* () {
            const handle = yield* server.provide(Poll.start(job, key, { deadline: "1 hour" }))
            yield* TestClock.adjust("1500 millis")
            return yield* handle.token
          })
        )
        const exit = yield* during(server.provide(Poll.resume(LongRunning.job("export", options), token)))
        assert.strictEqual(inWords(exit), 'result {"rows":7}')
        assert.strictEqual(server.log.length, 4)
      })
    )

    it.effect("another method, header or URL; undefined is the usual GET", () =>
      Effect.gen(function* () {
        const { asked, end, requests } = yield* play(
          { "POST /exports": [accepted], "PUT /ask": [202], "GET /operations/1": [{ json: 7 }] },
          {
            check: (_, { attempt }) =>
              attempt > 1 ? undefined : HttpClientRequest.put("http://h/ask", { headers: { "x-tenant": "t" } })
          }
        )
        assert.strictEqual(end, "result 7")
        assert.deepStrictEqual(asked, ["POST /exports", "PUT /ask", "GET /operations/1"])
        assert.strictEqual(requests[1]!.headers["x-tenant"], "t")
      })
    )

    it.effect("fetchResult - makes the request for the result, and is not asked for an operation that runs", () =>
      Effect.gen(function* () {
        const routes: Server.Routes = {
          "POST /exports": [accepted],
          "GET /operations/1": [{ json: { status: "running" } }, { json: { status: "done" } }],
          "POST /results": [503, { json: { rows: 7 } }]
        }
        const fetchResult: LongRunning.RequestOf = ({ phase }) =>
          phase._tag === "Polling" && phase.url.endsWith("9") ? undefined : HttpClientRequest.post("http://h/results")
        const { asked, end } = yield* play(routes, { fetchResult })
        assert.strictEqual(end, 'result {"rows":7}')
        assert.deepStrictEqual(asked.slice(1), [
          "GET /operations/1",
          "GET /operations/1",
          "POST /results",
          "POST /results"
        ])
        const inLast = yield* play(routes, { fetchResult: () => undefined })
        assert.strictEqual(inLast.end, 'result {"status":"done"}')
      })
    )

    it.effect("fetchResult - after an end in the first answer", () =>
      Effect.gen(function* () {
        const { asked, end } = yield* play(
          { "POST /exports": [{ json: { status: "done" } }], "GET /results": [{ json: 7 }] },
          { fetchResult: () => HttpClientRequest.get("http://h/results") }
        )
        assert.strictEqual(end, "result 7")
        assert.deepStrictEqual(asked, ["POST /exports", "GET /results"])
      })
    )

    it.effect("checkUrl - reads the URL from an answer, before any protocol", () =>
      Effect.gen(function* () {
        const routes: Server.Routes = {
          "POST /exports": [{ status: 202, headers: { location: "/page" }, json: { job: { poll: "jobs/1" } } }],
          "GET /jobs/1": [{ status: 202, json: { job: { poll: "/jobs/2" } } }],
          "GET /jobs/2": [{ json: { job: "done" } }]
        }
        const checkUrl = ({ body }: HttpAnswer) => (body as { readonly job?: { readonly poll?: string } }).job?.poll
        const { asked, end } = yield* play(routes, { checkUrl })
        assert.strictEqual(end, 'result {"job":"done"}')
        assert.deepStrictEqual(asked, ["POST /exports", "GET /jobs/1", "GET /jobs/2"])
      })
    )

    it.effect("functions that throw or yield nonsense are typed errors that name their option", () =>
      Effect.gen(function* () {
        const bug = (): never => {
          throw new Error("SECRET")
        }
        const routes: Server.Routes = {
          "POST /exports": [accepted],
          "GET /operations/1": [{ json: { status: "done" } }]
        }
        const rows: ReadonlyArray<readonly [name: string, options: Partial<LongRunning.RunOptions>]> = [
          ["check", { check: bug }],
          ["check", { check: () => 7 as never }],
          ["fetchResult", { fetchResult: bug }],
          ["cursor", { cursor: bug }],
          ["checkUrl", { checkUrl: bug }],
          ["rebase", { rebase: bug }],
          ["ending", { ending: bug }],
          ["ending", { ending: () => "done" as never }],
          ["interpret", { interpret: bug }],
          ["protocol", { protocol: { name: "own", start: bug, read: bug } }]
        ]
        for (const [name, options] of rows) {
          const { end, exit } = yield* play(routes, options)
          assert.include(["refused Reader", "rejected Reader"], end, name)
          const error = failureOf(exit)
          assert.include(error.message, name)
          assert.notInclude(error.message, "SECRET")
        }
      })
    )
  })

  describe("rebase", () => {
    const inner = (path: string) => ({ status: 202, headers: { location: `http://10.0.0.7:8080${path}` } })

    it.effect("a base URL takes the place of the inner origin", () =>
      Effect.gen(function* () {
        const routes: Server.Routes = {
          "POST /exports": [inner("/operations/1?k=1")],
          "GET /operations/1?k=1": [inner("/operations/2"), { json: 7 }],
          "GET /operations/2": [{ status: 303, headers: { location: "http://10.0.0.7:8080/results/1" } }],
          "GET /results/1": [{ json: 7 }]
        }
        assert.strictEqual((yield* play(routes)).end, "refused Refused")
        const { asked, end } = yield* play(routes, { rebase: "http://h" })
        assert.strictEqual(end, "result 7")
        assert.deepStrictEqual(asked.slice(1), ["GET /operations/1?k=1", "GET /operations/2", "GET /results/1"])
      })
    )

    it.effect("a base URL with a path, and a function", () =>
      Effect.gen(function* () {
        for (const rebase of [
          "http://h/gate/",
          (url: string) => url.replace("http://10.0.0.7:8080", "http://h/gate")
        ]) {
          const { asked, end } = yield* play(
            { "POST /exports": [inner("/operations/1")], "GET /gate/operations/1": [{ json: 7 }] },
            { rebase }
          )
          assert.strictEqual(end, "result 7")
          assert.deepStrictEqual(asked[1], "GET /gate/operations/1")
        }
      })
    )

    it.effect("URLs in bodies and of results are rewritten too, and what is rewritten passes the rules", () =>
      Effect.gen(function* () {
        const routes: Server.Routes = {
          "PUT /vm": [{ status: 201, headers: { "operation-location": "https://10.0.0.7/status" } }],
          "GET /status": [{ json: { status: "Succeeded", resourceLocation: "https://10.0.0.7/vms/1" } }],
          "GET /vms/1": [{ json: 7 }]
        }
        const put = HttpClientRequest.put("http://h/vm")
        assert.strictEqual((yield* play(routes, { rebase: "http://h" }, put)).end, "result 7")
        assert.strictEqual((yield* play(routes, { rebase: "http://other.example" }, put)).end, "refused Refused")
      })
    )
  })

  describe("resend", () => {
    const put = HttpClientRequest.put("http://h/vm")
    const routes = (...first: ReadonlyArray<Server.Reply>): Server.Routes => ({
      "PUT /vm": first,
      "POST /exports": first,
      "GET /operations/1": [{ json: 7 }]
    })

    it.effect("an idempotent request is sent again after errors that may pass", () =>
      Effect.gen(function* () {
        const { asked, end, log } = yield* play(routes(500, "drop", 429, accepted), { resend: 3 }, put)
        assert.strictEqual(end, "result 7")
        assert.deepStrictEqual(asked, ["PUT /vm", "PUT /vm", "PUT /vm", "PUT /vm", "GET /operations/1"])
        assert.deepStrictEqual(
          log.slice(0, 4).map((line) => Number(line.split("@")[1])),
          [0, 1000, 3000, 7000]
        )
      })
    )

    it.effect("no more often than the option says, never for a refusal, and never by default", () =>
      Effect.gen(function* () {
        const rows: ReadonlyArray<readonly [Server.Routes, Partial<LongRunning.RunOptions>, times: number]> = [
          [routes(500), { resend: 2 }, 3],
          [routes(500), { resend: Schedule.recurs(1) }, 2],
          [routes(409), { resend: 2 }, 1],
          [routes({ text: "<html>" }), { resend: 2 }, 1],
          [routes(500), {}, 1]
        ]
        for (const [each, options, times] of rows) {
          const { asked } = yield* play(each, options, put)
          assert.strictEqual(asked.length, times)
        }
      })
    )

    it.effect("a POST with an Idempotency-Key may be repeated, and a requested delay is waited for", () =>
      Effect.gen(function* () {
        const keyed = HttpClientRequest.setHeader(post, "Idempotency-Key", "k")
        const busy = { status: 503, headers: { "retry-after": "20" } }
        const { end, log } = yield* play(routes(busy, accepted), { resend: 1 }, keyed)
        assert.strictEqual(end, "result 7")
        assert.include(log[1], "@20000")
      })
    )
  })

  describe("interpret", () => {
    const Problem = Schema.Struct({ detail: Schema.String })

    it.effect("a 409 while the operation waits for another one is pending", () =>
      Effect.gen(function* () {
        const interpret = Interpretation.rules([{ status: 409 }, Status.pending({ state: "blocked" })])
        const { asked, end } = yield* play(
          { "POST /exports": [accepted], "GET /operations/1": [409, 409, { json: 7 }] },
          { interpret }
        )
        assert.strictEqual(end, "result 7")
        assert.strictEqual(asked.length, 4)
      })
    )

    it.effect("COMPLETED whose result answers 422 with a detail is a failure with that detail", () =>
      Effect.gen(function* () {
        const interpret = Interpretation.rules([{ status: 422 }, Interpretation.failed(Problem)])
        const { exit } = yield* play(
          {
            "PUT /vm": [{ status: 201, headers: { "operation-location": "/status" } }],
            "GET /status": [{ json: { status: "Succeeded" } }],
            "GET /vm": [{ status: 422, json: { detail: "no GPU" } }]
          },
          { interpret },
          HttpClientRequest.put("http://h/vm")
        )
        const error = failureOf(exit)
        assert(error._tag === "JobFailed")
        assert.deepStrictEqual(error.failure, { detail: "no GPU" })
      })
    )

    it.effect("of the first request: an end, an operation that exists, an error of its own", () =>
      Effect.gen(function* () {
        const interpret = Interpretation.rules(
          [{ status: 422 }, Interpretation.failed(Problem)],
          [{ status: 409 }, Status.pending()],
          [{ status: 410 }, CheckResult.missing],
          [{ status: 418 }, Interpretation.throttled({ reason: "later" })]
        )
        const ending = (first: Server.Reply) =>
          play({ "POST /exports": [first], "GET /operations/1": [{ json: 7 }] }, { interpret })
        const failed = failureOf((yield* ending({ status: 422, json: { detail: "bad" } })).exit)
        assert(failed._tag === "JobFailed")
        assert.deepStrictEqual(failed.failure, { detail: "bad" })
        assert.strictEqual((yield* ending({ status: 409, headers: { location: "/operations/1" } })).end, "result 7")
        assert.strictEqual((yield* ending({ status: 409, json: { statusUrl: "/operations/1" } })).end, "result 7")
        assert.strictEqual((yield* ending({ status: 409, json: {} })).end, "refused Unrecognized")
        assert.strictEqual((yield* ending(410)).end, "refused Decode")
        assert.strictEqual((yield* ending(418)).end, "refused Status")
      })
    )

    it.effect("decode - the protocol reads the body, whatever the status code", () =>
      Effect.gen(function* () {
        const interpret = Interpretation.rules([{ status: 500, body: { status: /./ } }, Interpretation.decode])
        const { end } = yield* play(
          {
            "POST /exports": [accepted],
            "GET /operations/1": [
              { status: 500, json: { status: "running" } },
              { status: 500, json: { status: "failed", error: { code: "SQL" } } }
            ]
          },
          { interpret }
        )
        assert.strictEqual(end, "failed [SQL] no reason given")
      })
    )

    it.effect("is given the context of the check", () =>
      Effect.gen(function* () {
        const seen: Array<unknown> = []
        yield* play(
          { "POST /exports": [accepted], "GET /operations/1": [202, { json: 7 }] },
          { interpret: ({ context }) => void seen.push(context?.attempt) }
        )
        assert.deepStrictEqual(seen, [undefined, 1, 2])
      })
    )
  })

  describe("ending", () => {
    it.effect("a success that made nothing is a failure with the reason", () =>
      Effect.gen(function* () {
        const Video = Schema.Struct({
          filtered: Schema.optional(Schema.Int),
          reasons: Schema.optional(Schema.Array(Schema.String))
        })
        const ending = (video: typeof Video.Type) =>
          video.filtered === undefined ? undefined : Status.failed({ filtered: video.reasons?.join() })
        const run = (response: object) =>
          play(
            {
              "POST /exports": [{ json: { name: "operations/1" } }],
              "GET /operations/1": [{ json: { name: "operations/1", done: true, response } }]
            },
            { result: Video, ending }
          )
        assert.strictEqual((yield* run({})).end, "result {}")
        const error = failureOf((yield* run({ filtered: 1, reasons: ["unsafe"] })).exit)
        assert(error._tag === "JobFailed")
        assert.deepStrictEqual(error.failure, { filtered: "unsafe" })
      })
    )

    it.effect("of an end in the first answer, and canceled or still pending ones", () =>
      Effect.gen(function* () {
        const ending = (result: unknown) =>
          result === "stop" ? Status.canceled({ reason: "by rule" }) : result === "wait" ? Status.pending() : undefined
        const run = (...replies: ReadonlyArray<Server.Reply>) =>
          Effect.map(play({ "POST /exports": [accepted], "GET /operations/1": replies }, { ending }), ({ end }) => end)
        assert.strictEqual(yield* run({ json: "stop" }), "JobCanceled")
        assert.strictEqual(yield* run({ json: "wait" }, { json: "go" }), 'result "go"')
        assert.strictEqual((yield* play({ "POST /exports": [{ json: "stop" }] }, { ending })).end, "JobCanceled")
      })
    )

    it.effect("an end without the result that is due is checked again, then an error that says so", () =>
      Effect.gen(function* () {
        const done = (response?: unknown) => ({ json: { name: "operations/1", done: true, response } })
        const run = (...replies: ReadonlyArray<Server.Reply>) =>
          play(
            { "POST /exports": [{ json: { name: "operations/1" } }], "GET /operations/1": replies },
            { result: Schema.Struct({ rows: Schema.Int }) }
          )
        assert.strictEqual((yield* run(done(), done(null), done({ rows: 7 }))).end, 'result {"rows":7}')
        assert.strictEqual((yield* run(done())).end, "ResultMissing")
      })
    )
  })

  describe("missing", () => {
    it.effect("404 and 410 are missing, an HTML 404 only after three in a row", () =>
      Effect.gen(function* () {
        const page = { status: 404, text: "<html>", headers: { "content-type": "text/html" } }
        const rows: ReadonlyArray<readonly [ReadonlyArray<Server.Reply>, string]> = [
          [[404], "JobNotFound"],
          [[202, 410], "JobNotFound"],
          [[page, page, { json: 7 }], "result 7"],
          [[page, page, page, { json: 7 }], "JobNotFound"]
        ]
        for (const [replies, end] of rows) {
          const played = yield* play({ "POST /exports": [accepted], "GET /operations/1": replies })
          assert.strictEqual(played.end, end)
        }
      })
    )

    it.effect("the grace and the row of the policy hold", () =>
      Effect.gen(function* () {
        const routes = (...replies: ReadonlyArray<Server.Reply>): Server.Routes => ({
          "POST /exports": [accepted],
          "GET /operations/1": replies
        })
        const grace = { missing: { grace: "15 seconds" } } as const
        assert.strictEqual((yield* play(routes(403, 401, 404, { json: 7 }), grace)).end, "result 7")
        assert.strictEqual((yield* play(routes(202, 404, { json: 7 }), { missing: { times: 2 } })).end, "result 7")
        assert.strictEqual((yield* play(routes(202, 404, 404), { missing: { times: 2 } })).end, "JobNotFound")
      })
    )

    it.effect("a throttled check is in no error budget", () =>
      Effect.gen(function* () {
        const busy = { status: 429, headers: { "retry-after": "20" } }
        const { end } = yield* play(
          {
            "POST /exports": [accepted],
            "GET /operations/1": [...Array.from({ length: 10 }, () => busy), { json: 7 }]
          },
          { checkErrors: { maxConsecutive: 2 } }
        )
        assert.strictEqual(end, "result 7")
      })
    )
  })

  describe("reason", () => {
    it.effect("shows why a request was refused, if asked for", () =>
      Effect.gen(function* () {
        const routes = { "POST /exports": [{ status: 400, json: { detail: "no such table" } }] }
        assert.notInclude(failureOf((yield* play(routes)).exit).message, "table")
        assert.include(failureOf((yield* play(routes, { reason: true })).exit).message, "no such table")
        const own = (answer: HttpAnswer) => `own: ${field(answer, "detail")}`
        assert.include(failureOf((yield* play(routes, { reason: own })).exit).message, "own: no such table")
      })
    )
  })

  describe("checkMany", () => {
    it.effect("a Poller checks operations by one list; absent ones are checked by themselves", () =>
      Effect.gen(function* () {
        const operation = (n: number, more: object) => ({ name: `operations/${n}`, ...more })
        const server = Server.make({
          "POST /exports": [1, 2, 3, 4].map((n) => ({ json: operation(n, {}) })),
          "GET /operations": [
            { json: { operations: [1, 2, 3].map((n) => operation(n, { done: false })) } },
            {
              json: {
                operations: [
                  operation(1, { done: true, response: "one" }),
                  operation(2, { done: true, error: { code: 5, message: "two" } }),
                  operation(3, { done: "odd" })
                ]
              }
            }
          ],
          "GET /operations/4": [{ json: operation(4, { done: true, response: "four" }) }]
        })
        const job = LongRunning.job("export", {
          strategy: everySecond.strategy,
          checkMany: {
            request: () => HttpClientRequest.get("http://h/operations"),
            items: ({ body }) => (body as { readonly operations: ReadonlyArray<unknown> }).operations,
            id: (item) => (item as { readonly name: string }).name,
            idOf: ({ notes }) => notes["name"],
            max: 100
          }
        })
        const keys = yield* server.provide(
          Effect.forEach([1, 2, 3, 4], () => Effect.map(job.submit(post), ({ key }) => key))
        )
        const ends = yield* Effect.scoped(
          Effect.gen(function* () {
            const poller = yield* Poller.make({ stagger: false })
            return yield* server.provide(
              Effect.forEach(keys, (key) => during(poller.until(job, key, { deadline: "1 hour" }), "1 minute"), {
                concurrency: "unbounded"
              })
            )
          })
        )
        assert.deepStrictEqual(ends.map(inWords), [
          'result "one"',
          "failed [5] two",
          "rejected Decode",
          'result "four"'
        ])
        const asked = server.log.slice(4).map((line) => line.replace(/ @.*/, ""))
        assert.deepStrictEqual(asked.toSorted(), ["GET /operations", "GET /operations", "GET /operations/4"])
      })
    )
  })
})
