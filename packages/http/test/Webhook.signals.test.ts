import { assert, describe, it, vi } from "@effect/vitest"
import * as Push from "@effect-poll/http/Push"
import * as Webhook from "@effect-poll/http/Webhook"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Tracer from "effect/Tracer"
import { inspect } from "node:util"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import { basics, send, serve, signalStore } from "./webhookServer.ts"

const token = "Zx3hV0aY7-_bQ1cW2dE4fR5gT6hY8jU9kI0lO-pAsDf"
const used = "Aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
const old = "Bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
const foreign = "Ccccccccccccccccccccccccccccccccccccccccccc"

const Approved = Schema.Struct({ approvedBy: Schema.String, at: Schema.DateFromString })
const Refused = Schema.Literals(["refused", "unclear"])
const Reviews = Job.make("review", {
  check: (_: string) => Effect.succeed(Status.pending() as Status.Status<typeof Approved.Type, typeof Refused.Type>)
}).pipe(Job.withCodecs({ success: Approved, failure: Refused }))
const Payments = Job.make("payment", {
  check: (_: string) => Effect.succeed(Status.pending() as Status.Status<number>)
}).pipe(Job.withCodecs({ success: Schema.FiniteFromString }))

/** Sockets need real time, on a busy machine more of it. */
vi.setConfig({ testTimeout: 60_000 })

const setUp = Effect.fnUntraced(function* (options?: Parameters<typeof serve>[2]) {
  const store = signalStore({
    [token]: { job: "review" },
    [used]: { job: "payment" },
    [old]: { job: "review", expired: true },
    [foreign]: { job: "other" }
  })
  const routes = [Webhook.signals("/v1/signals", [Reviews, Payments])]
  const server = yield* serve(routes, Layer.merge(basics, store.layer), options)
  const post = (secret: string, body: unknown, more?: Parameters<typeof send>[1]) =>
    send(`${server.url}/v1/signals/${secret}`, {
      body: typeof body === "string" ? body : JSON.stringify(body),
      ...more
    })
  return { store, server, post }
})

const approved = { status: "completed", result: { approvedBy: "ann", at: "2026-11-30T00:00:00.000Z", more: 1 } }

describe("Webhook.signals", () => {
  it.effect("R73: a holder completes a job once, by the codec of its job", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { post, server, store } = yield* setUp()
        assert.strictEqual((yield* post(token, approved)).status, 200)
        assert.strictEqual((yield* post(token, approved)).status, 409)
        assert.strictEqual((yield* post(used, { status: "completed", result: "12" })).status, 200)
        assert.deepStrictEqual(Object.fromEntries(store.ended), {
          [token]: { _tag: "Succeeded", value: { approvedBy: "ann", at: "2026-11-30T00:00:00.000Z" } },
          [used]: { _tag: "Succeeded", value: "12" }
        })
        const entries = yield* server.log.entries
        assert.deepStrictEqual(
          entries.map(({ did, route, status, verified }) => [did, route, status, verified]),
          [
            ["completed", "/v1/signals", 200, true],
            ["nothing", "/v1/signals", 409, true],
            ["completed", "/v1/signals", 200, true]
          ]
        )
        assert.notInclude(JSON.stringify(entries), token)
      })
    )
  )

  it.effect("R73: results are read in the JSON form of their Schema, and an absent one is null", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const at = <A>(name: string, success: Schema.Codec<A, unknown>) =>
          Job.make(name, { check: (_: string) => Effect.succeed(Status.pending() as Status.Status<A>) }).pipe(
            Job.withCodecs({ success })
          )
        const jobs = [
          at("review", Schema.Date),
          at("payment", Schema.Undefined),
          at("other", Schema.NullOr(Schema.String))
        ]
        const store = signalStore({
          [token]: { job: "review" },
          [used]: { job: "payment" },
          [foreign]: { job: "other" }
        })
        const server = yield* serve([Webhook.signals("/s", jobs)], Layer.merge(basics, store.layer))
        const post = (to: string, body: unknown) =>
          Effect.map(send(`${server.url}/s/${to}`, { body: JSON.stringify(body) }), ({ status }) => status)
        assert.strictEqual(yield* post(token, { status: "completed" }), 400)
        assert.strictEqual(yield* post(token, { status: "completed", result: 5 }), 400)
        assert.strictEqual(yield* post(token, { status: "completed", result: "2026-11-30T00:00:00.000Z" }), 200)
        assert.strictEqual(yield* post(used, { status: "completed" }), 200)
        assert.strictEqual(yield* post(foreign, { status: "completed" }), 200)
        assert.deepStrictEqual(
          [...store.ended.values()],
          [
            { _tag: "Succeeded", value: "2026-11-30T00:00:00.000Z" },
            { _tag: "Succeeded", value: null },
            { _tag: "Succeeded", value: null }
          ]
        )
      })
    )
  )

  it.effect("R73: a holder fails or cancels a job, or sends a heartbeat", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { post, store } = yield* setUp()
        assert.strictEqual((yield* post(token, { status: "running" })).status, 200)
        assert.deepStrictEqual(store.beats, [token])
        assert.strictEqual((yield* post(token, { status: "failed", result: "refused" })).status, 200)
        assert.strictEqual((yield* post(token, { status: "running" })).status, 409)
        assert.strictEqual((yield* post(used, { status: "canceled", reason: "too late" })).status, 200)
        assert.deepStrictEqual(
          [...store.ended.values()],
          [
            { _tag: "Failed", failure: "refused" },
            { _tag: "Canceled", reason: "too late" }
          ]
        )
      })
    )
  )

  it.effect("R73: only holders see 200, 400, 409 and 410; a stranger sees 404", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { post, store } = yield* setUp()
        assert.strictEqual((yield* post(old, approved)).status, 410)
        for (const body of [
          "",
          "{",
          "null",
          "[]",
          {},
          { status: "done" },
          { status: "completed" },
          { status: "failed", result: "no" }
        ]) {
          assert.strictEqual((yield* post(token, body)).status, 400)
        }
        assert.strictEqual((yield* post(used, { status: "failed", result: "x" })).status, 400)
        const long = "x".repeat(2_000_000)
        assert.strictEqual((yield* post(token, long)).status, 413)
        assert.strictEqual((yield* post(token, "{}", { headers: { "Content-Encoding": "gzip" } })).status, 415)
        const strange = [
          "Nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn",
          foreign,
          "x",
          "",
          "%00",
          token.slice(1),
          `${token}x`,
          `${token}/`,
          `/${token}`,
          `./${token}`,
          `%2e/${token}`,
          `x/../${token}`,
          token.replace("Z", "%5a"),
          token.replace("V", "%56"),
          token.toLowerCase(),
          `${token}%20`,
          `${token};a=b`,
          `${token}%2f`,
          `${token},${token}`,
          "A".repeat(7000)
        ]
        const answers = yield* Effect.forEach(strange, (each) => {
          const path = `/v1/signals/${each}`
          return post(token, approved, { path })
        })
        for (const [index, { status }] of answers.entries()) assert.strictEqual(status, 404, strange[index])
        assert.strictEqual((yield* post(foreign, long)).status, 404, "the body of a stranger is not looked at")
        assert.strictEqual(store.ended.size, 0)
        // A query is no part of the path.
        assert.strictEqual((yield* post(token, approved, { path: `/v1/signals/${token}?x=/y#z` })).status, 200)
      })
    )
  )

  it.effect("R73: GET, HEAD and the other methods never complete, since scanners open links", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { post, store } = yield* setUp()
        for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "PATCH", "DELETE"]) {
          for (const each of [token, "Nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn"]) {
            const answer = yield* post(each, approved, { method })
            assert.strictEqual(answer.status, 405, method)
          }
        }
        assert.strictEqual(store.ended.size, 0)
      })
    )
  )

  it.effect("R73: a holder gets a 503 while the store cannot answer", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const { post, store } = yield* setUp()
        store.breakDown()
        const answer = yield* post(token, approved)
        assert.strictEqual(answer.status, 503)
        assert.strictEqual(answer.headers["retry-after"], "1")
      })
    )
  )

  describe("logs and traces", () => {
    const watch = () => {
      const seen: Array<string> = []
      const spans: Array<string> = []
      const logger = Logger.make(({ cause, fiber, message }) => {
        const notes = fiber.getRef(References.CurrentLogAnnotations)
        seen.push(inspect([message, Cause.pretty(cause), notes], { depth: 10 }))
      })
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span.name)
          const { attribute, end } = span
          span.attribute = (key, value) => {
            seen.push(`${key}=${inspect(value)}`)
            attribute.call(span, key, value)
          }
          span.end = (at, exit) => {
            // An exporter writes the message and the stack of what made the span fail.
            seen.push(exit._tag === "Failure" ? Cause.pretty(exit.cause) : "")
            end.call(span, at, exit)
          }
          return span
        }
      })
      const around = Layer.merge(Logger.layer([logger]), Layer.succeed(Tracer.Tracer, tracer))
      return { seen, spans, around }
    }

    const secretPath = "hidden-secret-00001"
    const paths = [
      `/v1/signals/${token}`,
      `/v1/signals/${used}`,
      `/v1/signals/${token}?a=b`,
      `/v1/signals/${token}/`,
      `/v1//signals/${token}`,
      `//v1/signals//${token}`,
      `/v1/signals/%2e/${token}`,
      `/V1/Signals/${token}`,
      `/v1/signals;x/${token}`,
      `/v1/signals?token=${token}`,
      `/v1/signals;${token}`,
      `/x/../v1/signals/${token}`,
      `/v1/%73ignals/${token}`,
      `/v1%2fsignals%2f${token}`,
      `/v1/signals/${token}/x/y`,
      `/mix/${secretPath}`,
      `/mix/${secretPath}/x`,
      `/MIX/${secretPath}`
    ]

    for (const untraced of [false, true]) {
      it.effect(
        `R73: no token is in the logs and spans of effect's server, ${untraced ? "which has no span with" : "even without"} layerUntraced`,
        () =>
          Effect.scoped(
            Effect.gen(function* () {
              const { around, seen, spans } = watch()
              const store = signalStore({ [token]: { job: "review" }, [used]: { job: "payment" } })
              const push = Push.wake(Schema.Unknown)
              const routes = [
                Webhook.signals("/v1/signals", [Reviews, Payments]),
                Webhook.route("/mix", { verify: Webhook.unsigned({ secretPath }), push, jobs: [] }),
                Webhook.route("/plain", { verify: Webhook.unsigned(), push, jobs: [] })
              ]
              const server = yield* serve(routes, Layer.merge(basics, store.layer), { untraced, around })
              for (const method of ["POST", "GET", "HEAD", "OPTIONS"]) {
                for (const path of paths) yield* send(server.url, { method, path, body: JSON.stringify(approved) })
              }
              store.breakDown()
              for (const path of paths) yield* send(server.url, { path, body: JSON.stringify(approved) })
              const before = spans.length
              if (untraced) assert.strictEqual(before, 0)
              else assert.strictEqual(before, 5 * paths.length)
              yield* send(server.url, { path: "/plain", body: "{}" })
              assert.strictEqual(spans.length, before + 1)
              const text = seen.join("\n")
              // The log works, and has what is not secret.
              assert.include(text, "/plain")
              for (const each of [token, used, secretPath]) assert.notInclude(text.toLowerCase(), each.toLowerCase())
            })
          )
      )
    }

    it("layerUntraced - keeps what was turned off before", async () => {
      const predicate = await Effect.runPromise(
        Effect.map(HttpMiddleware.TracerDisabledWhen, (when) => when).pipe(
          Effect.provide(Webhook.layerUntraced([Webhook.signals("/s", [Reviews])])),
          Effect.provideService(HttpMiddleware.TracerDisabledWhen, ({ url }) => url === "/health")
        )
      )
      const of = (url: string) => predicate({ url } as never)
      assert.deepStrictEqual(["/health", "/s/x", "/prefix/s/x", "/s", "/sx/y", "/other"].map(of), [
        true,
        true,
        true,
        true,
        false,
        false
      ])
    })
  })

  it("options - invalid ones throw a RangeError", () => {
    assert.throws(() => Webhook.signals("/s", []), RangeError, "jobs")
    assert.throws(() => Webhook.signals("/s", [Reviews, Reviews]), RangeError, "names")
    assert.throws(() => Webhook.signals("/s/", [Reviews]), RangeError, "path")
    assert.throws(() => Webhook.signals("/s", [Reviews], { maxBody: 0 }), RangeError, "maxBody")
  })
})
