import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Poll from "effect-poll/Poll"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as LongRunning from "@effect-poll/http/LongRunning"
import * as LongRunningOperation from "@effect-poll/http/LongRunningOperation"
import * as LongRunningProtocol from "@effect-poll/http/LongRunningProtocol"
import { accepted, during, everySecond, failureOf, play as playInWords, post } from "./LongRunningRuns.ts"
import * as Server from "./LongRunningServer.ts"

/** How an operation ended, by its tag, and what was asked on the way. */
const play = <A = unknown>(
  routes: Server.Routes,
  options?: Partial<LongRunning.RunOptions<A>>,
  request: HttpClientRequest.HttpClientRequest = post
) => Effect.map(playInWords(routes, options, request), (played) => ({ ...played, end: inWords(played.exit) }))

const inWords = (exit: Exit.Exit<unknown, { readonly _tag: string }>): string => {
  if (Exit.isSuccess(exit)) return `result ${JSON.stringify(exit.value)}`
  const error = Exit.findErrorOption(exit)
  return error._tag === "Some" ? error.value._tag : "defect"
}

describe("LongRunning", () => {
  describe("accepted", () => {
    const table: ReadonlyArray<
      readonly [name: string, routes: Server.Routes, end: string, log: ReadonlyArray<string>]
    > = [
      [
        "202 is pending, 200 is the result",
        { "POST /exports": [accepted], "GET /operations/1": [202, 202, { json: { rows: 7 } }] },
        'result {"rows":7}',
        ["POST /exports @0", "GET /operations/1 @0", "GET /operations/1 @1000", "GET /operations/1 @2000"]
      ],
      [
        "201 is the end too",
        { "POST /exports": [accepted], "GET /operations/1": [{ status: 201, json: 7 }] },
        "result 7",
        ["POST /exports @0", "GET /operations/1 @0"]
      ],
      [
        "204 is the end without a result",
        { "POST /exports": [accepted], "GET /operations/1": [204] },
        "result undefined",
        ["POST /exports @0", "GET /operations/1 @0"]
      ],
      [
        "an empty 200 is the end without a result",
        { "POST /exports": [accepted], "GET /operations/1": [200] },
        "result undefined",
        ["POST /exports @0", "GET /operations/1 @0"]
      ],
      [
        "the body of a 202 is of no interest",
        { "POST /exports": [{ ...accepted, text: "<p>Accepted</p>" }], "GET /operations/1": [{ json: 7 }] },
        "result 7",
        ["POST /exports @0", "GET /operations/1 @0"]
      ],
      [
        "a redirect leads to the result",
        {
          "POST /exports": [accepted],
          "GET /operations/1": [202, { status: 303, headers: { location: "/exports/7" } }],
          "GET /exports/7": [{ json: 7 }]
        },
        "result 7",
        ["POST /exports @0", "GET /operations/1 @0", "GET /operations/1 @1000", "GET /exports/7 @1000"]
      ],
      [
        "a Location is relative to where a redirect led",
        {
          "POST /exports": [accepted],
          "GET /operations/1": [{ status: 307, headers: { location: "/west/operations/1" } }],
          "GET /west/operations/1": [{ status: 202, headers: { location: "2" } }],
          "GET /west/operations/2": [{ json: 7 }]
        },
        "result 7",
        ["POST /exports @0", "GET /operations/1 @0", "GET /west/operations/1 @0", "GET /west/operations/2 @1000"]
      ],
      [
        "303 instead of 202",
        {
          "POST /exports": [{ status: 303, headers: { location: "/operations/1" } }],
          "GET /operations/1": [202, { json: 7 }]
        },
        "result 7",
        ["POST /exports @0", "GET /operations/1 @0", "GET /operations/1 @1000"]
      ],
      [
        "a Location that moves, relative to where it stood",
        {
          "POST /exports": [{ status: 202, headers: { location: "http://h/a/b/1?k=1" } }],
          "GET /a/b/1?k=1": [{ status: 202, headers: { location: "2?k=2" } }],
          "GET /a/b/2?k=2": [202, { json: 7 }]
        },
        "result 7",
        ["POST /exports @0", "GET /a/b/1?k=1 @0", "GET /a/b/2?k=2 @1000", "GET /a/b/2?k=2 @2000"]
      ],
      ["an end at once", { "POST /exports": [{ json: 7 }] }, "result 7", ["POST /exports @0"]],
      ["an end at once without a result", { "POST /exports": [204] }, "result undefined", ["POST /exports @0"]],
      [
        "201 with a body is an end, wherever its Location is",
        { "POST /exports": [{ status: 201, headers: { location: "/exports/7" }, json: 7 }] },
        "result 7",
        ["POST /exports @0"]
      ],
      [
        "201 without a body has its result at its Location",
        {
          "POST /exports": [{ status: 201, headers: { location: "/exports/7" } }],
          "GET /exports/7": [{ json: 7 }]
        },
        "result 7",
        ["POST /exports @0", "GET /exports/7 @0"]
      ],
      ["202 without a Location", { "POST /exports": [202] }, "HttpCheckError", ["POST /exports @0"]],
      [
        "202 with a Location that is no URL",
        { "POST /exports": [{ status: 202, headers: { location: "mailto:a@b" } }] },
        "HttpCheckError",
        ["POST /exports @0"]
      ],
      [
        "an operation that is gone",
        { "POST /exports": [accepted], "GET /operations/1": [202, 404] },
        "JobNotFound",
        ["POST /exports @0", "GET /operations/1 @0", "GET /operations/1 @1000"]
      ],
      [
        "a check that is refused",
        { "POST /exports": [accepted], "GET /operations/1": [202, 403] },
        "CheckRejected",
        ["POST /exports @0", "GET /operations/1 @0", "GET /operations/1 @1000"]
      ]
    ]

    it.effect.each(table)("%s", ([_, routes, end, log]) =>
      Effect.gen(function* () {
        const played = yield* play(routes, { protocol: LongRunningProtocol.accepted })
        assert.strictEqual(played.end, end)
        assert.deepStrictEqual(played.log, log)
        // The same when the protocol is found out.
        assert.deepStrictEqual(yield* Effect.map(play(routes), ({ end, log }) => ({ end, log })), { end, log })
      })
    )
  })

  describe("check errors", () => {
    it.effect("run - what tells nothing of the operation never fails it", () =>
      Effect.gen(function* () {
        const { end, log } = yield* play({
          "POST /exports": [accepted],
          "GET /operations/1": [
            500,
            "drop",
            { status: 502, text: "<html>" },
            { text: "<html>", headers: { "content-type": "text/html" } },
            429,
            202,
            { json: 7 }
          ]
        })
        assert.strictEqual(end, "result 7")
        assert.strictEqual(log.length, 8)
      })
    )

    it.effect("run - checks that go on failing use up the budget", () =>
      Effect.gen(function* () {
        const { end } = yield* play(
          { "POST /exports": [accepted], "GET /operations/1": [503] },
          { checkErrors: { maxConsecutive: 2 } }
        )
        assert.strictEqual(end, "CheckErrorsExhausted")
      })
    )

    it.effect("run - the first request is not sent again", () =>
      Effect.gen(function* () {
        for (const reply of [500, 429, "drop"] as const) {
          const { end, log } = yield* play({ "POST /exports": [reply, accepted] })
          assert.strictEqual(end, "HttpCheckError")
          assert.deepStrictEqual(log, ["POST /exports @0"])
        }
      })
    )

    it.effect("run - the fetch of the result is tried again, without asking whether the operation succeeded", () =>
      Effect.gen(function* () {
        const { end, log } = yield* play(
          {
            "PUT /vm": [{ status: 201, headers: { "azure-asyncoperation": "/status" } }],
            "GET /status": [{ json: { status: "Succeeded" } }, 404],
            "GET /vm": [500, 202, { json: 7 }]
          },
          { checkErrors: { schedule: Strategy.spaced("3 seconds") } },
          HttpClientRequest.put("http://h/vm")
        )
        assert.strictEqual(end, "result 7")
        // The error in the check that saw the success leaves the operation pending; the strategy says when it goes on.
        assert.deepStrictEqual(log, ["PUT /vm @0", "GET /status @0", "GET /vm @0", "GET /vm @1000", "GET /vm @2000"])
      })
    )
  })

  describe("hints", () => {
    it.effect("run - a Retry-After counts on every answer, from the first on", () =>
      Effect.gen(function* () {
        const { log } = yield* play({
          "POST /exports": [{ ...accepted, headers: { ...accepted.headers, "retry-after": "10" } }],
          "GET /operations/1": [
            { status: 202, headers: { "retry-after": "20" } },
            { status: 202 },
            { status: 503, headers: { "retry-after": "30" } },
            { status: 202, headers: { "retry-after": "Thu, 01 Jan 1970 00:02:00 GMT" } },
            { status: 202, headers: { "retry-after": "/bar" } },
            { status: 202, headers: { "retry-after": "0" } },
            { json: 7 }
          ]
        })
        assert.deepStrictEqual(
          log.map((line) => Number(line.split("@")[1])),
          [0, 10_000, 30_000, 31_000, 61_000, 120_000, 121_000, 122_000]
        )
      })
    )

    it.effect("run - an end in the first answer waits neither for a hint nor for the strategy", () =>
      Effect.gen(function* () {
        const server = Server.make({ "POST /exports": [{ json: 7, headers: { "retry-after": "60" } }] })
        const exit = yield* during(
          server.provide(
            LongRunning.run(post, {
              ...everySecond,
              strategy: Strategy.withFirstWait(Strategy.spaced("1 minute"), "1 hour")
            })
          ),
          0
        )
        assert.strictEqual(inWords(exit), "result 7")
      })
    )

    it.effect("run - the first wait of the strategy comes before the first check", () =>
      Effect.gen(function* () {
        const { log } = yield* play(
          { "POST /exports": [accepted], "GET /operations/1": [{ json: 7 }] },
          { strategy: Strategy.withFirstWait(Strategy.spaced("1 second"), "5 seconds") }
        )
        assert.deepStrictEqual(log, ["POST /exports @0", "GET /operations/1 @5000"])
      })
    )
  })

  describe("results", () => {
    const Export = Schema.Struct({ rows: Schema.Int })

    it.effect("run - the result is decoded", () =>
      Effect.gen(function* () {
        const { end } = yield* play(
          { "POST /exports": [accepted], "GET /operations/1": [{ json: { rows: 7, more: true } }] },
          { result: Export }
        )
        assert.strictEqual(end, 'result {"rows":7}')
      })
    )

    it.effect("run - a result that the Schema rejects ends the wait, wherever it comes from", () =>
      Effect.gen(function* () {
        const bad = { json: { rows: "SECRET" } }
        for (const routes of [
          { "POST /exports": [accepted], "GET /operations/1": [bad] },
          { "POST /exports": [{ status: 201, headers: { location: "/x" } }], "GET /x": [bad] }
        ]) {
          const { exit } = yield* play(routes, { result: Export })
          const error = failureOf(exit)
          assert.strictEqual(error._tag, "CheckRejected")
          assert.include(error.message, 'at ["rows"]')
          assert.notInclude(error.message, "SECRET")
        }
      })
    )

    it.effect("submit - a result in the first answer that the Schema rejects is an error of the request", () =>
      Effect.gen(function* () {
        const { exit } = yield* play({ "POST /exports": [{ json: { rows: "SECRET" } }] }, { result: Export })
        const error = failureOf(exit)
        assert.strictEqual(error._tag, "HttpCheckError")
        assert.include(error.message, 'at ["rows"]')
        assert.notInclude(error.message, "SECRET")
      })
    )

    it.effect("run - a result that is not found is no missing operation", () =>
      Effect.gen(function* () {
        const { end } = yield* play({ "POST /exports": [{ status: 201, headers: { location: "/x" } }] })
        assert.strictEqual(end, "CheckRejected")
      })
    )

    it.effect("run - a first answer that is no JSON is an error of the request", () =>
      Effect.gen(function* () {
        const { end } = yield* play({ "POST /exports": [{ text: '{"cut' }] })
        assert.strictEqual(end, "HttpCheckError")
      })
    )
  })

  describe("storing and resuming", () => {
    it.effect("run - hands out the operation before the first check, and resume continues it", () =>
      Effect.gen(function* () {
        const server = Server.make({
          "POST /exports": [{ status: 202, headers: { location: "/operations/1?sig=SECRET" } }],
          "GET /operations/1?sig=SECRET": [202, 202, { json: 7 }]
        })
        let stored = ""
        const running = yield* Effect.forkChild(
          server.provide(
            LongRunning.run(post, {
              ...everySecond,
              onReceipt: (token, { key }) =>
                Effect.sync(() => {
                  assert.deepStrictEqual(key.phase, { _tag: "Polling", url: "http://h/operations/1?sig=SECRET" })
                  assert.deepStrictEqual(server.log, ["POST /exports @0"])
                  stored = ResumeToken.toJson(token)
                })
            })
          ),
          { startImmediately: true }
        )
        yield* TestClock.adjust("1500 millis")
        yield* Fiber.interrupt(running)
        assert.strictEqual(server.log.length, 3)
        assert.notInclude(stored, "SECRET")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(server.log.length, 3)

        // In another process there is nothing but the token and the job.
        const token = yield* ResumeToken.fromJson(stored)
        const exit = yield* during(
          server.provide(Poll.resume(LongRunning.job("LongRunning"), token, { strategy: everySecond.strategy }))
        )
        assert.strictEqual(inWords(exit), "result 7")
        assert.strictEqual(server.log.length, 4)
      })
    )

    it("key - rejects what is no operation of this job", () => {
      const job = LongRunning.job("export", { protocol: LongRunningProtocol.accepted })
      const other: LongRunningOperation.LongRunningOperation = {
        protocol: "google",
        method: "POST",
        url: "http://h/",
        phase: { _tag: "Polling", url: "http://h/1" },
        notes: {}
      }
      assert.throws(() => job.key.decode(job.key.encode(other)), RangeError, "google")
      assert.throws(() => job.key.decode("tsk_1"))
      assert.deepStrictEqual(LongRunningOperation.key.decode(LongRunningOperation.key.encode(other)), other)
    })

    it.effect("resume - a token of another protocol is malformed", () =>
      Effect.gen(function* () {
        const server = Server.make({ "POST /exports": [accepted] })
        let stored: ResumeToken.ResumeToken | undefined
        const run = LongRunning.run(post, {
          deadline: "1 hour",
          onReceipt: (token) => {
            stored = token
            return Effect.fail("enough" as const)
          }
        })
        assert.strictEqual(yield* Effect.flip(server.provide(run)), "enough")
        const job = LongRunning.job("LongRunning", { protocol: LongRunningProtocol.google() })
        const error = yield* Effect.flip(server.provide(Poll.resume(job, stored!)))
        assert.strictEqual(error._tag, "ResumeTokenError")
        assert.deepStrictEqual(server.log, ["POST /exports @0"])
      })
    )
  })

  describe("secrets", () => {
    it.effect("run - neither query, user nor password of a URL is in any error", () =>
      Effect.gen(function* () {
        const url = "http://user:PASSWORD@h/exports?code=SECRET"
        const polling = "http://user:PASSWORD@h/operations/1?sig=SECRET"
        for (const reply of [404, 403, 500, { text: "<html>SECRET" }, { status: 202 }] as const) {
          const { end, exit } = yield* play(
            {
              "POST /exports?code=SECRET": [{ status: 202, headers: { location: polling } }],
              "GET /operations/1?sig=SECRET": [reply]
            },
            { checkErrors: { maxConsecutive: 0 }, deadline: "10 seconds" },
            HttpClientRequest.post(url)
          )
          assert.notStrictEqual(end, "result undefined")
          const error = failureOf(exit)
          const told = `${error.message} ${JSON.stringify(error)} ${"key" in error ? error.key : ""}`
          assert.include(told, "POST http://h/exports ")
          assert.notMatch(told, /SECRET|PASSWORD/)
        }
      })
    )

    it.effect("submit - the same in the error of the first request", () =>
      Effect.gen(function* () {
        const request = HttpClientRequest.post("http://user:PASSWORD@h/exports?code=SECRET")
        const { exit } = yield* play({ "POST /exports?code=SECRET": [403] }, {}, request)
        assert.strictEqual(failureOf(exit).message, "POST http://h/exports: 403 with an empty body")
      })
    )
  })

  describe("interruption", () => {
    it.effect("run - stops the check under way, and none follows", () =>
      Effect.gen(function* () {
        const server = Server.make({ "POST /exports": [accepted] })
        let interrupted = 0
        const client = HttpClient.make((request) =>
          request.method === "POST"
            ? server.client.execute(request)
            : Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
        )
        const fiber = yield* Effect.forkChild(
          Effect.provideService(LongRunning.run(post, everySecond), HttpClient.HttpClient, client),
          { startImmediately: true }
        )
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.interrupt(fiber)
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(interrupted, 1)
      })
    )

    it.effect("job - cancel asks the server to stop the operation", () =>
      Effect.gen(function* () {
        const server = Server.make({
          "POST /exports": [accepted],
          "GET /operations/1": [202],
          "DELETE /operations/1": [204, 409]
        })
        const job = LongRunning.job("export", {
          strategy: everySecond.strategy,
          cancel: ({ phase }) => HttpClientRequest.delete(phase._tag === "Polling" ? phase.url : "http://h/none")
        })
        const { key } = yield* server.provide(job.submit(post))
        const handle = yield* server.provide(Poll.start(job, key, { deadline: "1 hour" }))
        yield* handle.cancel
        assert.strictEqual((yield* Effect.flip(handle.cancel)).reason, "failed")
        assert.strictEqual(server.log.filter((line) => line.startsWith("DELETE")).length, 2)
      })
    )

    it.effect("job - without cancel an operation cannot be stopped", () =>
      Effect.gen(function* () {
        const server = Server.make({ "POST /exports": [accepted], "GET /operations/1": [202] })
        const job = LongRunning.job("export")
        const { key } = yield* server.provide(job.submit(post))
        const handle = yield* server.provide(Poll.start(job, key, { deadline: "1 hour" }))
        assert.strictEqual((yield* Effect.flip(handle.cancel)).reason, "unsupported")
      })
    )
  })

  describe("long polls", () => {
    it.effect("run - prefers respond-async with the first request, and a wait with all of them", () =>
      Effect.gen(function* () {
        const { end, log, requests } = yield* play(
          { "POST /exports": [accepted], "GET /operations/1": [202, 304, 202, { json: 7 }] },
          { wait: "9500 millis", checkErrors: { maxConsecutive: 0 } },
          HttpClientRequest.setHeader(post, "prefer", "return=minimal")
        )
        assert.strictEqual(end, "result 7")
        assert.deepStrictEqual(
          requests.map(({ headers }) => headers["prefer"]),
          ["return=minimal, respond-async, wait=10", "wait=10", "wait=10", "wait=10", "wait=10"]
        )
        // A server that answers at once is checked when the strategy says.
        assert.deepStrictEqual(
          log.slice(1).map((line) => Number(line.split("@")[1])),
          [0, 1000, 2000, 3000]
        )
      })
    )

    it.effect("job - a 304 says that nothing has changed", () =>
      Effect.gen(function* () {
        const server = Server.make({
          "POST /exports": [{ status: 202, headers: { "operation-location": "/operations/1" } }],
          "GET /operations/1": [{ json: { status: "Running", percentComplete: 40 } }, 304]
        })
        const job = LongRunning.job("export", { strategy: everySecond.strategy, wait: "10 seconds" })
        const { key } = yield* server.provide(job.submit(post))
        const handle = yield* server.provide(Poll.start(job, key, { deadline: "1 hour" }))
        yield* TestClock.adjust("3 seconds")
        const status = yield* handle.status
        assert.strictEqual(status === undefined ? "" : Status.describe(status), "Pending Running 40%")
      })
    )

    it.effect("run - without wait there is no preference", () =>
      Effect.gen(function* () {
        const { requests } = yield* play({ "POST /exports": [accepted], "GET /operations/1": [{ json: 7 }] })
        assert.deepStrictEqual(
          requests.map(({ headers }) => headers["prefer"]),
          [undefined, undefined]
        )
      })
    )

    it.effect("run - a check may take longer than the wait", () =>
      Effect.gen(function* () {
        const server = Server.make({ "POST /exports": [accepted], "GET /operations/1": [{ json: 7 }] })
        const slow = HttpClient.make((request) =>
          request.method === "GET"
            ? Effect.delay(server.client.execute(request), "119 seconds")
            : server.client.execute(request)
        )
        const exit = yield* during(
          Effect.provideService(
            LongRunning.run(post, { ...everySecond, wait: "90 seconds" }),
            HttpClient.HttpClient,
            slow
          )
        )
        assert.strictEqual(inWords(exit), "result 7")
      })
    )
  })

  describe("options", () => {
    it("job and run - bad ones are RangeErrors at the call", () => {
      const cases: ReadonlyArray<readonly [() => unknown, string]> = [
        [() => LongRunning.job(""), "Job.make: name"],
        [() => LongRunning.job("x", { protocol: [] }), "LongRunning.job: protocol"],
        [() => LongRunning.job("x", { wait: "999 millis" }), "LongRunning.job: wait"],
        [() => LongRunning.job("x", { wait: Number.NaN }), "LongRunning.job: wait"],
        [() => LongRunning.job("x", { wait: Number.POSITIVE_INFINITY }), "LongRunning.job: wait"],
        [() => LongRunning.run(post, { deadline: 0 }), "Poll.run: deadline"],
        [
          () => LongRunning.run(post, { deadline: "1 hour", wait: "20 seconds", checkTimeout: "20 seconds" }),
          "LongRunning.run: checkTimeout must be longer than wait"
        ],
        [() => LongRunning.run(HttpClientRequest.post("/exports?SECRET"), { deadline: "1 hour" }), 'got "/exports"'],
        [
          () => LongRunning.job("x").submit(HttpClientRequest.post("/exports")),
          "LongRunning: request.url must be an absolute URL"
        ],
        [() => LongRunning.job("x", { resend: 0 }), "LongRunning.job: resend"],
        [() => LongRunning.job("x", { rebase: "inner" }), "LongRunning.job: rebase"],
        [() => LongRunning.job("x", { maxBody: 0 }), "LongRunning.job: maxBody"],
        [() => LongRunning.job("x", { allowedOrigins: ["inner"] }), "LongRunning.job: allowedOrigins"],
        [() => LongRunning.run(post, { deadline: "1 hour", resend: 1 }), "got POST"],
        [() => LongRunningProtocol.fields({ state: [] }), "LongRunningProtocol.fields: state"],
        [() => LongRunningProtocol.google({ baseUrl: " " }), "LongRunningProtocol.google: baseUrl"]
      ]
      for (const [call, said] of cases) assert.throws(call, RangeError, said)
      assert.doesNotThrow(() =>
        LongRunning.run(post, { deadline: "1 hour", wait: "20 seconds", checkTimeout: "unbounded" })
      )
    })

    it.effect("missing - says what an operation that is gone means", () =>
      Effect.gen(function* () {
        const { end } = yield* play(
          { "DELETE /vm": [{ status: 202, headers: { location: "/operations/1" } }], "GET /operations/1": [202, 404] },
          { missing: { gone: () => Status.succeeded("gone") } },
          HttpClientRequest.delete("http://h/vm")
        )
        assert.strictEqual(end, 'result "gone"')
      })
    )

    it.effect("protocol - one of one's own", () =>
      Effect.gen(function* () {
        const ticket: LongRunningProtocol.Protocol = {
          name: "ticket",
          start: ({ body }) => ({ _tag: "Pending", url: `http://h/tickets/${String(body)}`, notes: { ticket: "1" } }),
          read: ({ body }, { notes }) =>
            body === "ready"
              ? { _tag: "SucceededAt", urls: [`http://h/results/${notes["ticket"]}`] }
              : { _tag: "Pending", state: String(body) }
        }
        const { end, log } = yield* play(
          {
            "POST /exports": [{ json: 7 }],
            "GET /tickets/7": [{ json: "busy" }, { json: "ready" }],
            "GET /results/1": [{ json: "here" }]
          },
          { protocol: [ticket, LongRunningProtocol.accepted] }
        )
        assert.strictEqual(end, 'result "here"')
        assert.strictEqual(log.length, 4)
      })
    )
  })
})
