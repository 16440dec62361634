import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as TestClock from "effect/testing/TestClock"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as LongRunning from "@effect-poll/http/LongRunning"
import * as Server from "./LongRunningServer.ts"
import { accepted, during, everySecond, inWords, play, post } from "./LongRunningRuns.ts"

/** A server that moves the URL to check at every answer; a URL that was left is a 404. */
const movingServer = (last = Number.POSITIVE_INFINITY) => {
  const log: Array<string> = []
  let at = 1
  const client = HttpClient.make((request, url) =>
    Effect.sync(() => {
      log.push(url.pathname)
      const reply =
        request.method === "POST"
          ? new Response(null, { status: 202, headers: { location: "/operations/1?sig=SECRET" } })
          : url.pathname !== `/operations/${at}`
            ? new Response(null, { status: 404 })
            : at === last
              ? new Response('"done"')
              : new Response(null, { status: 202, headers: { location: `/operations/${++at}?sig=SECRET` } })
      return HttpClientResponse.fromWeb(request, reply)
    })
  )
  return { log, provide: Effect.provideService(HttpClient.HttpClient, client) }
}

const job = LongRunning.job("export", { strategy: everySecond.strategy })

describe("LongRunning", () => {
  describe("a URL that moves at every answer", () => {
    it.effect("is followed", () =>
      Effect.gen(function* () {
        const server = movingServer(5)
        const exit = yield* during(server.provide(LongRunning.run(post, everySecond)))
        assert.strictEqual(inWords(exit), 'result "done"')
        assert.deepStrictEqual(server.log, ["/exports", ...[1, 2, 3, 4, 5].map((n) => `/operations/${n}`)])
      })
    )

    it.effect("is no change: the job stalls when it is due", () =>
      Effect.gen(function* () {
        const server = movingServer()
        const exit = yield* during(
          server.provide(LongRunning.run(post, { ...everySecond, stall: { after: "10 seconds" } }))
        )
        assert.strictEqual(inWords(exit), "JobStalled")
        assert.isAtMost(server.log.length, 14)
      })
    )

    it.effect("moves for metadata that moves do not stall", () =>
      Effect.gen(function* () {
        let step = 0
        const client = HttpClient.make((request) =>
          Effect.sync(() =>
            HttpClientResponse.fromWeb(
              request,
              new Response(JSON.stringify({ name: "operations/1", done: step > 20, metadata: { step: step++ } }))
            )
          )
        )
        const run = LongRunning.run(post, { ...everySecond, stall: { after: "5 seconds" } })
        const exit = yield* during(Effect.provideService(run, HttpClient.HttpClient, client))
        assert.strictEqual(inWords(exit), "result undefined")
      })
    )

    it.effect("two waits of one Poller follow it together, also after one of them left", () =>
      Effect.gen(function* () {
        const server = movingServer(9)
        const { key } = yield* server.provide(job.submit(post))
        const stored = job.key.encode(key)
        const log = yield* Effect.scoped(
          Effect.gen(function* () {
            const poller = yield* Poller.make({ stagger: false })
            const wait = () => server.provide(poller.until(job, job.key.decode(stored), { deadline: "1 hour" }))
            const first = yield* Effect.forkChild(Effect.exit(wait()), { startImmediately: true })
            yield* TestClock.adjust("2500 millis")
            const second = yield* Effect.forkChild(Effect.exit(wait()), { startImmediately: true })
            yield* TestClock.adjust("1 second")
            yield* Fiber.interrupt(first)
            yield* TestClock.adjust("1 minute")
            assert.strictEqual(inWords(yield* Fiber.join(second)), 'result "done"')
            return server.log
          })
        )
        assert.deepStrictEqual(
          log.slice(1),
          [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => `/operations/${n}`)
        )
      })
    )

    it.effect("stands in the token of a handle, from which another process follows it", () =>
      Effect.gen(function* () {
        const server = movingServer(6)
        const { key } = yield* server.provide(job.submit(post))
        const stored = yield* Effect.scoped(
          Effect.gen(function* () {
            const handle = yield* server.provide(Poll.start(job, key, { deadline: "1 hour" }))
            yield* TestClock.adjust("2500 millis")
            return ResumeToken.toJson(yield* handle.token)
          })
        )
        assert.notInclude(stored, "SECRET")
        assert.deepStrictEqual(server.log.slice(1), ["/operations/1", "/operations/2", "/operations/3"])
        const token = yield* ResumeToken.fromJson(stored)
        assert.strictEqual(token.key, job.key.encode(key))
        const exit = yield* during(server.provide(Poll.resume(LongRunning.job("export"), token)))
        assert.strictEqual(inWords(exit), 'result "done"')
        assert.deepStrictEqual(server.log.slice(4), ["/operations/4", "/operations/5", "/operations/6"])
      })
    )

    it.effect("a wait that moves back asks the first URL again", () =>
      Effect.gen(function* () {
        const to = (path: string) => ({ status: 202, headers: { location: path } })
        const { asked, end } = yield* play({
          "POST /exports": [accepted],
          "GET /operations/1": [to("/operations/2"), { json: 7 }],
          "GET /operations/2": [to("/operations/1")]
        })
        assert.strictEqual(end, "result 7")
        assert.deepStrictEqual(asked.slice(1), ["GET /operations/1", "GET /operations/2", "GET /operations/1"])
      })
    )

    it.effect("a token whose cursor was damaged is a typed error", () =>
      Effect.gen(function* () {
        const server = movingServer()
        const { key } = yield* server.provide(job.submit(post))
        const stored = yield* Effect.scoped(
          Effect.gen(function* () {
            const handle = yield* server.provide(Poll.start(job, key, { deadline: "1 hour" }))
            yield* TestClock.adjust("1500 millis")
            return yield* handle.token
          })
        )
        for (const cursor of ["", "%", "e30x", Buffer.from('{"phase":{"_tag":"Ended"}}').toString("base64url")]) {
          const exit = yield* during(server.provide(Poll.resume(job, { ...stored, cursor })))
          assert.strictEqual(inWords(exit), "rejected Decode", cursor)
        }
      })
    )
  })

  describe("an end in the first answer", () => {
    it.effect("makes no check, and stands in neither key nor token", () =>
      Effect.gen(function* () {
        const rows: ReadonlyArray<readonly [Server.Reply, string]> = [
          [{ json: { rows: "SECRET" } }, 'result {"rows":"SECRET"}'],
          [{ json: { status: "failed", error: { code: "C", message: "SECRET" } } }, "failed [C] SECRET"],
          [{ json: { status: "canceled", output: "SECRET" } }, "JobCanceled"],
          [204, "result undefined"]
        ]
        for (const [first, end] of rows) {
          let token = ""
          const played = yield* play(
            { "POST /exports": [first] },
            {
              onReceipt: (stored, receipt) =>
                Effect.sync(() => {
                  const sealed = Buffer.from(stored.key.split(" ").at(-1)!, "base64url").toString()
                  token = `${ResumeToken.toJson(stored)} ${sealed}`
                  assert.isDefined(receipt.ended)
                })
            }
          )
          assert.strictEqual(played.end, end)
          assert.deepStrictEqual(played.asked, ["POST /exports"])
          assert.include(token, "POST http://h/exports")
          assert.notInclude(token, "SECRET")
        }
      })
    )

    it.effect("leaves a key that leads nowhere: resuming it is a typed error", () =>
      Effect.gen(function* () {
        const server = Server.make({ "POST /exports": [{ json: { rows: 7 } }] })
        const { key } = yield* server.provide(job.submit(post))
        const exit = yield* during(server.provide(Poll.until(job, job.key.decode(job.key.encode(key)), everySecond)))
        assert.strictEqual(inWords(exit), "rejected Decode")
        assert.deepStrictEqual(server.log, ["POST /exports @0"])
      })
    )
  })
})
