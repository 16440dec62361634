import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"
import type * as Observer from "effect-poll/Observer"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as PollJournal from "effect-poll/PollJournal"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as LongRunning from "@effect-poll/http/LongRunning"
import * as Server from "./LongRunningServer.ts"
import { during, everySecond, failureOf, play } from "./LongRunningRuns.ts"

const secretUrl = "http://user:PASSWORD@h/exports?code=SECRET"
const request = HttpClientRequest.post(secretUrl)

/** Everything in a text that may be base64, decoded. */
const unsealed = (text: string): string =>
  [...text.matchAll(/[\w-]{16,}/g)].map(([part]) => Buffer.from(part, "base64url").toString()).join(" ")

const routes = (...replies: ReadonlyArray<Server.Reply>): Server.Routes => ({
  "POST /exports?code=SECRET": [
    { status: 202, headers: { location: "http://user:PASSWORD@h/operations/1?sig=SECRET" } }
  ],
  "GET /operations/1?sig=SECRET": replies
})

describe("LongRunning", () => {
  describe("what is shown of an operation", () => {
    it.effect("messages, logs, spans and the journal have method, URL without query, a digest and no sealed part", () =>
      Effect.gen(function* () {
        const moved = { status: 202, headers: { location: "http://user:PASSWORD@h/operations/1?sig=SECRET&n=2" } }
        const endings: ReadonlyArray<readonly [string, ReadonlyArray<Server.Reply>]> = [
          ["JobNotFound", [404]],
          ["CheckRejected", [403]],
          ["CheckErrorsExhausted", [500]],
          ["PollTimeout", [202]],
          ["JobNotFound", [moved]],
          ["JobFailed", [{ json: { status: "failed", error: { code: "C", message: "no disk" } } }]],
          ["JobCanceled", [{ json: { status: "canceled" } }]]
        ]
        for (const [tag, replies] of endings) {
          const lines: Array<string> = []
          const spans: Array<string> = []
          const keys: Array<string> = []
          const entries: Array<string> = []
          const server = Server.make(routes(...replies))
          const observer: Observer.Observer = { observe: ({ key }) => Effect.sync(() => keys.push(key)) }
          const journal = PollJournal.observer((entry) => Effect.sync(() => entries.push(JSON.stringify(entry))))
          const tracer = Tracer.make({
            span: (options) => {
              const span = new Tracer.NativeSpan(options)
              spans.push(JSON.stringify([...span.attributes]))
              return span
            }
          })
          const exit = yield* during(
            server
              .provide(
                LongRunning.run(request, {
                  ...everySecond,
                  deadline: "10 seconds",
                  checkErrors: { maxConsecutive: 1 },
                  observers: [observer, journal]
                })
              )
              .pipe(
                Effect.provide(Logger.layer([Logger.map(Logger.formatJson, (line) => void lines.push(line))])),
                Effect.provideService(References.MinimumLogLevel, "All"),
                Effect.provide(PollDefaults.layer({ logs: true })),
                Effect.withTracer(tracer)
              )
          )
          const error = failureOf(exit)
          assert.strictEqual(error._tag, tag)
          if (!("key" in error)) return
          assert.match(error.key, /^POST http:\/\/h\/exports #[0-9a-f]{8}$/)
          assert.deepStrictEqual([...new Set(keys)], [error.key])
          assert.include(error.message, error.key)
          assert.isAbove(spans.length, 0)
          assert.isAbove(entries.length, 0)
          const shown = [error.message, JSON.stringify(error), ...lines, ...spans, ...entries].join("\n")
          assert.include(lines.join(), error.key)
          assert.notMatch(`${shown} ${unsealed(shown)}`, /SECRET|PASSWORD/)
        }
      })
    )

    it.effect("the token has the sealed part, and the server's words are in messages and logs, inner errors too", () =>
      Effect.gen(function* () {
        const error = {
          code: "InvalidSku",
          message: "There is no such SKU.",
          details: [{ code: "A", message: "region" }],
          innererror: { code: "B", innererror: { code: "C", message: "quota" } }
        }
        let token = ""
        const { exit } = yield* play(
          routes({ json: { status: "failed", error } }),
          { onReceipt: (stored) => Effect.sync(() => (token = ResumeToken.toJson(stored))) },
          request
        )
        assert.notMatch(token, /SECRET|PASSWORD/)
        assert.match(unsealed(token), /SECRET/)
        assert.include(
          failureOf(exit).message,
          "failed: [InvalidSku] There is no such SKU. ([B]; [C] quota; [A] region)"
        )
      })
    )

    it.effect("a message is short, however long the words of the server are", () =>
      Effect.gen(function* () {
        const { exit } = yield* play(
          routes({ json: { status: "failed", error: { code: "C", message: "m".repeat(1_000_000) } } }),
          {},
          request
        )
        assert.isAtMost(failureOf(exit).message.length, 2_000)
      })
    )

    it.effect("operations with equal first requests have different keys", () =>
      Effect.gen(function* () {
        const job = LongRunning.job("export")
        const server = Server.make({
          "POST /exports?code=SECRET": [1, 2].map((n) => ({ status: 202, headers: { location: `/operations/${n}` } }))
        })
        const shown = yield* server.provide(
          Effect.forEach([1, 2], () =>
            Effect.map(job.submit(HttpClientRequest.post("http://h/exports?code=SECRET")), ({ key }) =>
              job.key.show!(key)
            )
          )
        )
        assert.strictEqual(new Set(shown).size, 2)
      })
    )
  })

  describe("origins", () => {
    const elsewhere = "http://other.example/operations/1"
    const withKey = HttpClientRequest.setHeader(request, "x-api-key", "KEY")

    it.effect("a foreign origin is refused after the job was accepted, in each place where a URL can stand", () =>
      Effect.gen(function* () {
        const places: ReadonlyArray<readonly [Server.Routes, end: string]> = [
          [{ "POST /exports": [{ status: 202, headers: { location: elsewhere } }] }, "refused Refused"],
          [{ "POST /exports": [{ status: 202, headers: { "operation-location": elsewhere } }] }, "refused Refused"],
          [{ "POST /exports": [{ status: 202, headers: { "content-location": elsewhere } }] }, "refused Refused"],
          [{ "POST /exports": [{ json: { status: "queued", statusUrl: elsewhere } }] }, "refused Refused"],
          [{ "POST /exports": [{ status: 201, headers: { location: elsewhere } }] }, "refused Refused"],
          [
            {
              "POST /exports": [{ status: 202, headers: { location: "/operations/1" } }],
              "GET /operations/1": [{ status: 202, headers: { location: elsewhere } }]
            },
            "rejected Refused"
          ],
          [
            {
              "POST /exports": [{ status: 202, headers: { location: "/operations/1" } }],
              "GET /operations/1": [{ status: 303, headers: { location: elsewhere } }]
            },
            "rejected Refused"
          ],
          [
            {
              "POST /exports": [{ status: 202, headers: { "operation-location": "/operations/1" } }],
              "GET /operations/1": [{ json: { status: "Succeeded", resourceLocation: elsewhere } }]
            },
            "rejected Refused"
          ]
        ]
        for (const [each, end] of places) {
          const played = yield* play(each)
          assert.strictEqual(played.end, end)
          assert.isFalse(played.asked.some((line) => line.includes("other.example")))
          assert.include(failureOf(played.exit).message, "other.example")
        }
      })
    )

    it.effect("a listed origin is asked, without the credentials of the first request", () =>
      Effect.gen(function* () {
        const url = "http://h/exports?code=SECRET"
        const add = (each: HttpClientRequest.HttpClientRequest) =>
          HttpClientRequest.setHeaders(each, {
            authorization: "Bearer T",
            "x-tenant-secret": "S",
            "x-own": "O",
            "x-public": "P"
          })
        const server = Server.make({
          "POST /exports?code=SECRET": [{ status: 202, headers: { location: elsewhere } }],
          [`GET ${elsewhere}`]: [202, { json: 7 }]
        })
        const exit = yield* during(
          server.provide(
            LongRunning.run(HttpClientRequest.post(url), {
              ...everySecond,
              allowedOrigins: ["http://other.example"],
              secretHeaders: ["x-own"],
              check: ({ phase }) => (phase._tag === "Polling" ? add(HttpClientRequest.get(phase.url)) : undefined)
            })
          )
        )
        assert.strictEqual(exit._tag, "Success")
        assert.strictEqual(server.requests.length, 3)
        for (const { headers } of server.requests.slice(1)) {
          assert.strictEqual(headers["authorization"], undefined)
          assert.strictEqual(headers["x-tenant-secret"], undefined)
          assert.strictEqual(headers["x-own"], undefined)
          assert.strictEqual(headers["x-public"], "P")
        }
      })
    )

    it.effect("a request of check, fetchResult or cancel to another origin passes the same rule", () =>
      Effect.gen(function* () {
        const each: Server.Routes = {
          "POST /exports?code=SECRET": [{ status: 202, headers: { location: "/operations/1" } }],
          "GET /operations/1": [{ json: { status: "done" } }]
        }
        const foreign = () => HttpClientRequest.get(elsewhere)
        for (const options of [{ check: foreign }, { fetchResult: foreign }]) {
          const played = yield* play(each, options, withKey)
          assert.strictEqual(played.end, "rejected Refused")
          assert.isFalse(played.asked.some((line) => line.includes("other.example")))
        }
      })
    )

    it.effect("http after https, and private addresses, are refused even under any", () =>
      Effect.gen(function* () {
        for (const location of [
          "http://h/operations/1",
          "https://127.0.0.1/operations/1",
          "https://169.254.169.254/x"
        ]) {
          const { asked, end } = yield* play(
            { "POST https://h/exports": [{ status: 202, headers: { location } }] },
            { allowedOrigins: "any" },
            HttpClientRequest.post("https://h/exports")
          )
          assert.strictEqual(end, "refused Refused", location)
          assert.strictEqual(asked.length, 1)
        }
      })
    )
  })
})
