import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Status from "effect-poll/Status"
import { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import type * as LongRunning from "@effect-poll/http/LongRunning"
import * as LongRunningProtocol from "@effect-poll/http/LongRunningProtocol"
import type * as Server from "./LongRunningServer.ts"
import { accepted, failureOf, play, post } from "./LongRunningRuns.ts"

const done = { json: { status: "SUCCEEDED", rows: 7 } }

/** A first answer, and one more at the URL that it names. */
const at = (first: Server.Reply, path = "/operations/1"): Server.Routes => ({
  "POST /exports": [first],
  [`GET ${path}`]: [{ json: { status: "RUNNING" } }, done]
})

const followed = (path = "/operations/1") => ["POST /exports", `GET ${path}`, `GET ${path}`]

describe("LongRunning", () => {
  describe("a first answer that shows a running operation", () => {
    const rows: ReadonlyArray<readonly [name: string, first: Server.Reply, path?: string]> = [
      ["200, a word and a selfLink of an operation", { json: { status: "RUNNING", selfLink: "/operations/1" } }],
      ["200, a word and a selfLink", { json: { status: "RUNNING", selfLink: "/exports/1" } }, "/exports/1"],
      ["201, Location and queued", { status: 201, headers: { location: "/operations/1" }, json: { status: "queued" } }],
      ["200, Location and running", { headers: { location: "/operations/1" }, json: { state: "running" } }],
      ["Content-Location", { headers: { "content-location": "/operations/1" }, json: { phase: "Pending" } }],
      ["202 and Content-Location", { status: 202, headers: { "content-location": "/operations/1" } }],
      ["202 and statusUrl", { status: 202, json: { statusUrl: "/operations/1" } }],
      ["statusUrl without a word", { json: { id: 1, status_url: "/operations/1" } }],
      ["operationUrl in data", { json: { data: { operationUrl: "/operations/1" } } }],
      ["links.self.href", { json: { state: "Queued", links: { self: { href: "/operations/1" } } } }],
      ["_links.self.href", { json: { state: "Queued", _links: { self: { href: "/operations/1" } } } }],
      ["_links.status.href without a word", { json: { id: 1, _links: { status: { href: "/operations/1" } } } }],
      ["urls.get", { status: 201, json: { status: "starting", urls: { get: "/operations/1" } } }],
      [
        "a list of links",
        { json: { state: "new job, pending", phase: "pending", links: [{ rel: "self", href: "/operations/1" }] } }
      ],
      ["done: false", { headers: { location: "/operations/1" }, json: { done: false } }],
      ["finished: false", { json: { finished: false, self: "/operations/1" } }],
      [
        "in properties",
        { headers: { location: "/operations/1" }, json: { properties: { provisioningState: "Creating" } } }
      ],
      ["in operation", { headers: { location: "/operations/1" }, json: { operation: { status: "in_progress" } } }],
      ["in metadata", { headers: { location: "/operations/1" }, json: { metadata: { state: "JOB_STATE_PENDING" } } }],
      ["in status", { headers: { location: "/operations/1" }, json: { status: { state: "RUNNING" } } }],
      ["lifecycle_state", { headers: { location: "/operations/1" }, json: { lifecycle_state: "PROVISIONING" } }],
      [
        "JSON:API",
        { status: 201, json: { data: { id: "1", attributes: { status: "queued" }, links: { self: "/operations/1" } } } }
      ],
      ["a job with a link", { json: { job: { state: "waiting", href: "/operations/1" } } }],
      [
        "a named operation with a status in place of done",
        { json: { name: "operations/1", status: "RUNNING", selfLink: "/operations/1" } }
      ],
      [
        "within an envelope of success",
        { headers: { location: "/operations/1" }, json: { status: "success", data: { status: "queued" } } }
      ],
      ["a text", { headers: { location: "/operations/1" }, json: "pending" }],
      ["an empty 200 with Location", { status: 200, headers: { location: "/operations/1" } }],
      [
        "202 that calls the request a success",
        { status: 202, headers: { location: "/operations/1" }, json: { status: "success" } }
      ],
      ["202 with an unknown word", { status: 202, headers: { location: "/operations/1" }, json: { status: "parked" } }]
    ]

    it.effect.each(rows)("is followed: %s", ([_, first, path]) =>
      Effect.gen(function* () {
        const { asked, end } = yield* play(at(first, path))
        assert.strictEqual(end, 'result {"status":"SUCCEEDED","rows":7}')
        assert.deepStrictEqual(asked, followed(path))
      })
    )

    it.effect("is checked at its own URL if it answered a GET, PUT or PATCH", () =>
      Effect.gen(function* () {
        for (const method of ["GET", "PUT", "PATCH"] as const) {
          const first = method === "GET" ? {} : { [`${method} /exports`]: [{ json: { status: "queued" } }] }
          const routes: Server.Routes = { ...first, "GET /exports": [{ json: { status: "queued" } }, done] }
          const { asked, end } = yield* play(routes, {}, HttpClientRequest.make(method)("http://h/exports"))
          assert.strictEqual(end, 'result {"status":"SUCCEEDED","rows":7}')
          assert.deepStrictEqual(asked.slice(1), method === "GET" ? ["GET /exports"] : ["GET /exports", "GET /exports"])
        }
      })
    )

    const refusals: ReadonlyArray<readonly [name: string, first: Server.Reply, ...said: ReadonlyArray<string>]> = [
      ["a word", { json: { status: "RUNNING" } }, 'status "RUNNING"', "200"],
      ["done: false", { json: { done: false } }, "done false"],
      ["a nested word", { status: 201, json: { operation: { state: "queued" } } }, 'operation.state "queued"', "201"],
      ["202 with a word", { status: 202, json: { status: "queued" } }, 'status "queued"', "202"],
      ["a Location that is no URL", { headers: { location: "mailto:a@b" }, json: { state: "queued" } }, "location"]
    ]

    it.effect.each(refusals)("without a URL is refused with what was seen: %s", ([_, first, ...said]) =>
      Effect.gen(function* () {
        for (const result of [undefined, Schema.Unknown, Schema.Struct({ status: Schema.optional(Schema.String) })]) {
          const { asked, end, exit } = yield* play<unknown>({ "POST /exports": [first] }, { result })
          assert.strictEqual(end, "refused Unrecognized")
          assert.deepStrictEqual(asked, ["POST /exports"])
          const error = failureOf(exit)
          for (const text of [...said, "content-type", "POST http://h/exports"]) assert.include(error.message, text)
        }
      })
    )
  })

  describe("a first answer that is an end", () => {
    const rows: ReadonlyArray<readonly [name: string, body: unknown, end: string]> = [
      ["failed", { status: "FAILED", error: { code: "C", message: "no disk" } }, "failed [C] no disk"],
      ["error", { state: "error", message: "no disk" }, "failed no disk"],
      ["failed in operation", { operation: { status: "Failed" }, error: { code: 7 } }, "failed [7] no reason given"],
      ["canceled", { status: "Cancelled" }, "JobCanceled"],
      ["expired", { phase: "EXPIRED" }, "JobExpired"],
      ["done with an error", { done: true, error: { message: "no disk" } }, "failed no disk"],
      ["completed with an error", { status: "completed", error: { code: "C" } }, "failed [C] no reason given"],
      ["nothing but an error", { error: "no batch found" }, "failed no batch found"],
      ["completed", { status: "completed", rows: 7 }, 'result {"status":"completed","rows":7}'],
      ["done: true", { done: true, rows: 7 }, 'result {"done":true,"rows":7}'],
      ["an envelope of success", { status: "ok", data: { rows: 7 } }, 'result {"status":"ok","data":{"rows":7}}'],
      [
        "an end whose payload has a state",
        { status: "completed", data: { status: "pending" } },
        'result {"status":"completed","data":{"status":"pending"}}'
      ],
      ["an error of code 0", { error: { code: 0, message: "ok" } }, 'result {"error":{"code":0,"message":"ok"}}'],
      ["no state", { rows: 7 }, 'result {"rows":7}'],
      [
        "numbers and null where a state stands",
        { status: 200, state: null, rows: 7 },
        'result {"status":200,"state":null,"rows":7}'
      ]
    ]

    it.effect.each(rows)("%s", ([_, json, end]) =>
      Effect.gen(function* () {
        const played = yield* play({ "POST /exports": [{ json }] })
        assert.strictEqual(played.end, end)
        assert.deepStrictEqual(played.asked, ["POST /exports"])
      })
    )
  })

  describe("checks", () => {
    const rows: ReadonlyArray<readonly [name: string, check: Server.Reply, end: string]> = [
      ["200 while the body says Running", { json: { status: "Running" } }, "still pending"],
      ["200 while a part of the body says so", { json: { metadata: { state: "IN_PROGRESS" } } }, "still pending"],
      ["200 and done: false", { json: { done: false } }, "still pending"],
      ["200 and a text", { json: "processing" }, "still pending"],
      ["200 and a value of an enumeration", { json: { state: "JOB_STATE_RUNNING" } }, "still pending"],
      ["200 and its end", { json: { state: "JOB_STATE_FAILED" } }, "failed no reason given"],
      ["201 and queued", { status: 201, json: { state: "queued" } }, "still pending"],
      ["200 and failed", { json: { status: "failed", error: { code: "C", message: "m" } } }, "failed [C] m"],
      ["200 and canceled", { json: { status: "canceled" } }, "JobCanceled"],
      ["202 and failed", { status: 202, json: { status: "failed", message: "m" } }, "failed m"],
      ["200 and an unknown word", { json: { status: "parked" } }, "unknown parked"],
      [
        "an unknown word beside an inner success",
        { json: { status: "parked", data: { status: "done" } } },
        "unknown parked"
      ]
    ]

    it.effect.each(rows)("hold the same signs: %s", ([_, check, end]) =>
      Effect.gen(function* () {
        const routes = { "POST /exports": [accepted], "GET /operations/1": [check, done] }
        for (const options of [{}, { protocol: LongRunningProtocol.accepted }]) {
          const played = yield* play(routes, options)
          assert.strictEqual(played.end, end === "still pending" ? 'result {"status":"SUCCEEDED","rows":7}' : end)
        }
      })
    )

    it.effect("a URL of an operation in the body of a check is followed", () =>
      Effect.gen(function* () {
        const { asked, end } = yield* play({
          "POST /exports": [accepted],
          "GET /operations/1": [{ json: { id: 1, statusUrl: "/jobs/1" } }],
          "GET /jobs/1": [{ json: { id: 1, statusUrl: "/jobs/1", rows: 7 } }]
        })
        assert.strictEqual(end, 'result {"id":1,"statusUrl":"/jobs/1","rows":7}')
        assert.deepStrictEqual(asked, ["POST /exports", "GET /operations/1", "GET /jobs/1"])
      })
    )

    it.effect("keep the state of an operation that runs", () =>
      Effect.gen(function* () {
        const { exit } = yield* play(
          { "POST /exports": [accepted], "GET /operations/1": [{ json: { status: "Running", percentComplete: 40 } }] },
          { deadline: "5 seconds" }
        )
        const error = failureOf(exit)
        assert(error._tag === "PollTimeout")
        assert.strictEqual(Status.describe(error.lastStatus!), "Pending Running 40%")
      })
    )

    it.effect("a 303 leads to a result, whose own unknown words do not count, but running ones do", () =>
      Effect.gen(function* () {
        const to = (...replies: ReadonlyArray<Server.Reply>): Server.Routes => ({
          "POST /exports": [accepted],
          "GET /operations/1": [202, { status: 303, headers: { location: "/vms/1" } }],
          "GET /vms/1": replies
        })
        assert.strictEqual((yield* play(to({ json: { state: "parked" } }))).end, 'result {"state":"parked"}')
        const { end } = yield* play(to({ json: { state: "creating" } }, { json: { state: "parked" } }))
        assert.strictEqual(end, 'result {"state":"parked"}')
      })
    )

    it.effect("the Location of an empty 201 may show that the operation still runs, or that it failed", () =>
      Effect.gen(function* () {
        const to = (...replies: ReadonlyArray<Server.Reply>): Server.Routes => ({
          "POST /exports": [{ status: 201, headers: { location: "/exports/7" } }],
          "GET /exports/7": replies
        })
        const { asked, end } = yield* play(to({ json: { status: "queued" } }, { json: { rows: 7 } }))
        assert.strictEqual(end, 'result {"rows":7}')
        assert.deepStrictEqual(asked, ["POST /exports", "GET /exports/7", "GET /exports/7"])
        assert.strictEqual((yield* play(to({ json: { status: "failed", message: "m" } }))).end, "failed m")
      })
    )
  })

  describe("unknown words", () => {
    it.effect("meet the policy unknownState at the URL that the first answer names", () =>
      Effect.gen(function* () {
        const first = { headers: { location: "/operations/1" }, json: { status: "parked" } }
        const routes = { "POST /exports": [first], "GET /operations/1": [{ json: { status: "parked" } }, done] }
        assert.strictEqual((yield* play(routes)).end, "unknown parked")
        const { end } = yield* play(routes, { unknownState: "continue" })
        assert.strictEqual(end, 'result {"status":"SUCCEEDED","rows":7}')
      })
    )

    it.effect("are refused where there is no URL, unless the policy calls them an end", () =>
      Effect.gen(function* () {
        const routes = { "POST /exports": [{ json: { status: "parked" } }] }
        assert.strictEqual((yield* play(routes)).end, "refused Unrecognized")
        assert.strictEqual((yield* play(routes, { unknownState: "continue" })).end, "refused Unrecognized")
        const treatAs = () => Status.succeeded("fine")
        assert.strictEqual((yield* play(routes, { unknownState: { treatAs } })).end, 'result "fine"')
        assert.strictEqual(
          (yield* play(routes, { unknownState: { treatAs: () => Status.pending() } })).end,
          "refused Unrecognized"
        )
      })
    )

    it.effect("are part of a result whose Schema lists them, but not of one that takes any word", () =>
      Effect.gen(function* () {
        const routes: ReadonlyArray<Server.Routes> = [
          { "POST /exports": [{ json: { status: "archived", rows: 7 } }] },
          { "POST /exports": [accepted], "GET /operations/1": [{ json: { status: "archived", rows: 7 } }] }
        ]
        for (const each of routes) {
          const listing = Schema.Struct({ status: Schema.Literals(["archived", "lost"]), rows: Schema.Int })
          assert.strictEqual(
            (yield* play<unknown>(each, { result: listing })).end,
            'result {"status":"archived","rows":7}'
          )
          for (const result of [
            Schema.Struct({ status: Schema.String, rows: Schema.Int }),
            Schema.Struct({ rows: Schema.Int }),
            Schema.Unknown
          ]) {
            const { end } = yield* play<unknown>(each, { result })
            assert.include(["unknown archived", "refused Unrecognized"], end)
          }
        }
      })
    )

    it.effect("a known pending word is never a result, whatever the Schema lists", () =>
      Effect.gen(function* () {
        const result = Schema.Struct({ status: Schema.Literals(["RUNNING", "SUCCEEDED"]) })
        const { end } = yield* play(at({ json: { status: "RUNNING", selfLink: "/operations/1" } }), { result })
        assert.strictEqual(end, 'result {"status":"SUCCEEDED"}')
      })
    )

    it.effect("words - says what they mean", () =>
      Effect.gen(function* () {
        const words = { parked: "pending", Archived: "succeeded", dropped: "canceled" } as const
        const ending = (...replies: ReadonlyArray<string>) =>
          Effect.map(
            play(
              {
                "POST /exports": [accepted],
                "GET /operations/1": replies.map((status) => ({ json: { status } }))
              },
              { words }
            ),
            ({ end }) => end
          )
        assert.strictEqual(yield* ending("PARKED", "archived"), 'result {"status":"archived"}')
        assert.strictEqual(yield* ending("dropped"), "JobCanceled")
        assert.strictEqual(yield* ending("other"), "unknown other")
      })
    )
  })

  describe("an operation that was accepted but cannot be followed", () => {
    it.effect("is in the error, with its URL as it is shown and the whole URL redacted", () =>
      Effect.gen(function* () {
        const location = "http://user:PASSWORD@other.example/operations/1?sig=SECRET"
        const rows: ReadonlyArray<readonly [Server.Reply, Partial<LongRunning.RunOptions>, reason: string]> = [
          [{ status: 202, headers: { location: "http://other.example/operations/1?sig=SECRET" } }, {}, "Refused"],
          [{ json: { status: "queued", statusUrl: "http://other.example/operations/1?sig=SECRET" } }, {}, "Refused"],
          [
            { status: 202, headers: { location: "http://other.example/operations/1?sig=SECRET" } },
            { protocol: LongRunningProtocol.google() },
            "NotJson"
          ],
          [
            { json: { id: 1 }, headers: { location: "http://other.example/operations/1?sig=SECRET" } },
            { protocol: LongRunningProtocol.fields({ state: ["state"] }) },
            "Malformed"
          ]
        ]
        for (const [first, options, reason] of rows) {
          const { asked, end, exit } = yield* play({ "POST /exports": [first] }, options)
          assert.strictEqual(end, `refused ${reason === "Malformed" ? "Decode" : reason}`)
          assert.deepStrictEqual(asked, ["POST /exports"])
          const error = failureOf(exit)
          assert(error instanceof HttpCheckError)
          assert.strictEqual(error.operation?.url, "http://other.example/operations/1")
          assert.strictEqual(Redacted.value(error.operation!.href), "http://other.example/operations/1?sig=SECRET")
          assert.include(error.message, "the accepted operation is at http://other.example/operations/1")
          assert.notMatch(`${error.message} ${JSON.stringify(error)}`, /SECRET|PASSWORD/)
        }
        const { exit } = yield* play({ "POST /exports": [{ status: 202, headers: { location } }] })
        const error = failureOf(exit)
        assert.notMatch(`${error.message} ${JSON.stringify(error)}`, /SECRET|PASSWORD/)
      })
    )

    it.effect("an error of a request that was refused names no operation", () =>
      Effect.gen(function* () {
        const { exit } = yield* play({ "POST /exports": [{ status: 409, headers: { location: "/operations/1" } }] })
        const error = failureOf(exit)
        assert(error instanceof HttpCheckError)
        assert.strictEqual(error.operation, undefined)
      })
    )
  })

  describe("hostile answers", () => {
    it.effect("are typed errors or results, never defects", () =>
      Effect.gen(function* () {
        const deep = (depth: number): unknown => `${'{"status":'.repeat(depth)}1${"}".repeat(depth)}`
        const bodies: ReadonlyArray<Server.Reply> = [
          { text: String(deep(400)) },
          { text: String(deep(3000)) },
          { text: '{"__proto__":{"status":"running"}}' },
          { text: '{"constructor":{"status":"running"},"status":{"__proto__":1}}' },
          { json: { status: "x".repeat(5_000_000) } },
          { json: { status: "running\n\u001b[31mERROR forged", selfLink: "x".repeat(100_000) } },
          { json: { statusUrl: "http://user:p@evil.example/x", status: "running" } },
          { json: { statusUrl: "//evil.example/x" } },
          { json: { status: "running", selfLink: "javascript:alert(1)" } },
          { json: Array.from({ length: 10_000 }, () => ({ status: "running" })) },
          { json: { links: { self: { href: { href: { href: 1 } } } }, state: "queued" } },
          { json: { error: { errors: "x", code: {} }, status: "failed" } }
        ]
        for (const first of bodies) {
          for (const routes of [
            { "POST /exports": [first] },
            { "POST /exports": [accepted], "GET /operations/1": [first] }
          ]) {
            const { asked, end, exit } = yield* play(routes, { deadline: "10 seconds" })
            assert.notStrictEqual(end, "defect")
            assert.isFalse(asked.some((line) => line.includes("evil")))
            if (exit._tag === "Failure") assert.isAtMost(failureOf(exit).message.length, 5_000)
          }
        }
      })
    )

    it.effect("a URL that is too long to be kept is a typed error", () =>
      Effect.gen(function* () {
        const moved = { status: 202, headers: { location: `/operations/${"x".repeat(7000)}` } }
        const { end } = yield* play({ "POST /exports": [accepted], "GET /operations/1": [moved] })
        assert.strictEqual(end, "rejected Decode")
      })
    )

    it.effect("google - a name that leads elsewhere is a typed error, and nothing else is asked", () =>
      Effect.gen(function* () {
        const names = [
          "../../admin/operations/1",
          "operations/../../admin",
          "operations/%2e%2e/admin",
          "https://evil.example/operations/1",
          "//evil.example/operations/1",
          "operations/1?x=1",
          "operations/1#x",
          "operations/1\\..\\2",
          "operations//1",
          `operations/${"x".repeat(5000)}`
        ]
        for (const name of names) {
          const { asked, end } = yield* play({ "POST /exports": [{ json: { name, done: false } }] })
          assert.strictEqual(end, "refused Decode", name)
          assert.deepStrictEqual(asked, ["POST /exports"])
        }
      })
    )
  })

  describe("protocols of bodies", () => {
    it.effect("google - bare, numeric and custom names", () =>
      Effect.gen(function* () {
        const rows: ReadonlyArray<readonly [name: unknown, path: string, LongRunningProtocol.GoogleOptions?]> = [
          ["123", "/operations/123"],
          [123, "/operations/123"],
          ["operations/123", "/operations/123"],
          ["/operations/123", "/operations/123"],
          ["projects/p/locations/l/operations/o:x", "/projects/p/locations/l/operations/o:x"],
          ["123", "/v2/ops/123", { baseUrl: "http://h/v2", path: (name) => `ops/${name}` }],
          ["123", "/jobs/123/status", { path: (name) => `/jobs/${name}/status` }]
        ]
        for (const [name, path, options] of rows) {
          const { end } = yield* play(
            {
              "POST /exports": [{ json: { name, done: false } }],
              [`GET ${path}`]: [{ json: { name, done: true, response: { rows: 7 } } }]
            },
            options === undefined ? {} : { protocol: LongRunningProtocol.google(options) }
          )
          assert.strictEqual(end, 'result {"rows":7}', String(name))
        }
      })
    )

    it.effect("google - a canceled operation keeps its reason and what it made", () =>
      Effect.gen(function* () {
        const error = { code: 1, message: "preempted", details: [{ reason: "OperationPreempted" }] }
        const { exit } = yield* play({
          "POST /exports": [{ json: { name: "operations/1" } }],
          "GET /operations/1": [{ json: { name: "operations/1", done: true, error, response: { rows: 3 } } }]
        })
        const canceled = failureOf(exit)
        assert(canceled._tag === "JobCanceled")
        assert.strictEqual(canceled.reason, "[1] preempted ([OperationPreempted])")
        assert.deepStrictEqual(canceled.partial, { rows: 3 })
      })
    )

    it.effect("azure - canceled and expired operations keep their reason and what they made", () =>
      Effect.gen(function* () {
        const protocol = LongRunningProtocol.azure({ words: { TimedOut: "expired" } })
        const ending = (json: object) =>
          Effect.map(
            play(
              {
                "POST /exports": [{ status: 202, headers: { "operation-location": "/operations/1" } }],
                "GET /operations/1": [{ json }]
              },
              { protocol }
            ),
            ({ exit }) => failureOf(exit)
          )
        const canceled = yield* ending({
          status: "Canceled",
          error: { code: "OperationPreempted", message: "by another" },
          properties: { output: [1] }
        })
        assert(canceled._tag === "JobCanceled")
        assert.strictEqual(canceled.reason, "[OperationPreempted] by another")
        assert.deepStrictEqual(canceled.partial, [1])
        const expired = yield* ending({ status: "TimedOut", error: { message: "after 3 hours" } })
        assert(expired._tag === "JobExpired")
        assert.strictEqual(expired.reason, "after 3 hours")
        const bare = yield* ending({ status: "Canceled" })
        assert(bare._tag === "JobCanceled")
        assert.strictEqual(bare.reason, undefined)
      })
    )

    it.effect("compute - DONE is the end, with the words of error.errors", () =>
      Effect.gen(function* () {
        const operation = (more: object) => ({
          json: {
            kind: "compute#operation",
            selfLink: "http://h/z/operations/1",
            targetLink: "http://h/vms/1",
            ...more
          }
        })
        const ending = (options: Partial<LongRunning.RunOptions>, ...replies: ReadonlyArray<object>) =>
          play(
            {
              "POST /exports": [operation({ status: "PENDING" })],
              "GET /z/operations/1": replies.map(operation),
              "GET /vms/1": [{ json: { id: 1, status: "RUNNING" } }]
            },
            options
          )
        const failed = { errors: [{ code: "QUOTA_EXCEEDED", message: "no quota" }] }
        const rows: ReadonlyArray<readonly [object, string]> = [
          [{ status: "DONE", error: failed, httpErrorStatusCode: 403 }, "failed [QUOTA_EXCEEDED] no quota"],
          [{ status: "DONE", httpErrorStatusCode: 404, httpErrorMessage: "NOT FOUND" }, "failed [404] NOT FOUND"],
          [{ status: "SUSPENDED" }, "unknown SUSPENDED"],
          [{ status: 7 }, "rejected Decode"]
        ]
        for (const [last, end] of rows)
          assert.strictEqual((yield* ending({}, { status: "RUNNING", progress: 50 }, last)).end, end)
        assert.include((yield* ending({}, { status: "DONE" })).end, '"status":"DONE"')
        const target = { protocol: LongRunningProtocol.compute({ result: "target" }) }
        assert.strictEqual((yield* ending(target, { status: "DONE" })).end, 'result {"id":1,"status":"RUNNING"}')
      })
    )

    it.effect("fields - state, URL, result and error under paths of one's own", () =>
      Effect.gen(function* () {
        const protocol = LongRunningProtocol.fields({
          state: ["job", "code"],
          words: { 0: "pending", 1: "succeeded", 2: "failed" },
          url: ["job", "where"],
          result: ["job", "made"],
          error: ["job", "why"]
        })
        const ending = (last: object) =>
          play(
            {
              "POST /exports": [{ json: { job: { code: 0, where: "/jobs/1" } } }],
              "GET /jobs/1": [{ json: { job: { code: 0 } } }, { json: { job: last } }]
            },
            { protocol }
          )
        assert.strictEqual((yield* ending({ code: 1, made: [7] })).end, "result [7]")
        assert.strictEqual((yield* ending({ code: 2, why: { message: "no disk" } })).end, "failed no disk")
        assert.strictEqual((yield* ending({ code: 3 })).end, "unknown 3")
        assert.strictEqual((yield* ending({})).end, "rejected Decode")
      })
    )

    it.effect("fields - the result is fetched from a URL in the last answer", () =>
      Effect.gen(function* () {
        const protocol = LongRunningProtocol.fields({
          state: ["status"],
          url: ["status_url"],
          resultUrl: ["response_url"]
        })
        const { asked, end } = yield* play(
          {
            "POST /exports": [{ json: { status: "IN_QUEUE", status_url: "/q/1/status" } }],
            "GET /q/1/status": [
              { json: { status: "IN_PROGRESS" } },
              { json: { status: "COMPLETED", response_url: "/q/1" } }
            ],
            "GET /q/1": [500, { json: { rows: 7 } }]
          },
          { protocol },
          post
        )
        assert.strictEqual(end, 'result {"rows":7}')
        assert.deepStrictEqual(asked, ["POST /exports", "GET /q/1/status", "GET /q/1/status", "GET /q/1", "GET /q/1"])
      })
    )
  })
})
