import { serve as serveHono } from "@hono/node-server"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Deliveries from "@effect-poll/http/Deliveries"
import * as Push from "@effect-poll/http/Push"
import * as Webhook from "@effect-poll/http/Webhook"
import * as WebhookSender from "@effect-poll/testing/WebhookSender"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import express from "express"
import { Hono } from "hono"
import { createServer, type Server } from "node:http"
import { Readable } from "node:stream"
import { recording, send, signalStore } from "./webhookServer.ts"

// How the routes are served by what people have already. Each sample is what one would write.

vi.setConfig({ testTimeout: 60_000 })

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
const token = "Zx3hV0aY7-_bQ1cW2dE4fR5gT6hY8jU9kI0lO-pAsDf"

const Renders = Job.make("render", { check: (_: string) => Effect.succeed(Status.pending()) })
const RenderChanged = Push.from(Schema.Struct({ id: Schema.String }), ({ id }) => ({ key: id, result: undefined }))
const Approved = Schema.Struct({ approvedBy: Schema.String })
const Reviews = Job.make("review", {
  check: (_: string) => Effect.succeed(Status.pending() as Status.Status<typeof Approved.Type>)
}).pipe(Job.withCodecs({ success: Approved }))

const setUp = () => {
  const sink = recording()
  const store = signalStore({ [token]: { job: "review" } })
  const routes = [
    Webhook.route("/hooks/renders", { verify: Webhook.standard(secret), push: RenderChanged, jobs: [Renders] }),
    Webhook.signals("/v1/signals", [Reviews])
  ]
  const services = Layer.mergeAll(Deliveries.layerMemory(), Webhook.layerWebCrypto, sink.layer, store.layer)
  return { ...sink, store, receive: Webhook.handler(routes, services) }
}

/** Listens on a free port, and yields the URL. */
const listening = (server: Server) =>
  Effect.acquireRelease(
    Effect.callback<string>((resume) => {
      server.listen(0, "127.0.0.1", () => {
        const address = server.address()
        resume(Effect.succeed(typeof address === "object" ? `http://127.0.0.1:${address?.port}` : ""))
      })
    }),
    () =>
      Effect.callback<void>((resume) => {
        server.close(() => resume(Effect.void))
        server.closeAllConnections()
      })
  )

/** What every sample has to do. */
const works = (
  { receive, store, told }: ReturnType<typeof setUp>,
  post: (path: string, headers: Record<string, string>, body: Uint8Array) => Effect.Effect<number>
) =>
  Effect.gen(function* () {
    const sender = yield* WebhookSender.make({ url: "http://unused", scheme: WebhookSender.standard(secret) })
    const request = yield* sender.sign('{ "id":\t"ünï" }')
    const send = (each: WebhookSender.SignedRequest) =>
      post("/hooks/renders", { ...each.headers, "content-type": "application/json" }, each.body)
    assert.strictEqual(yield* send(request), 200)
    assert.strictEqual(yield* send(request), 200)
    assert.strictEqual(yield* send(WebhookSender.tamper(request)), 401)
    assert.strictEqual(yield* send(WebhookSender.truncate(request, 0)), 401)
    assert.deepStrictEqual(
      told.map(({ key }) => key),
      ["ünï"]
    )
    const signal = Buffer.from(JSON.stringify({ status: "completed", result: { approvedBy: "ann" } }))
    assert.strictEqual(yield* post(`/v1/signals/${token}`, { "content-type": "application/json" }, signal), 200)
    assert.strictEqual(yield* post(`/v1/signals/${token}`, { "content-type": "application/json" }, signal), 409)
    assert.strictEqual(yield* post(`/v1/signals/${token}x`, {}, signal), 404)
    assert.strictEqual(store.ended.size, 1)
    yield* Effect.promise(() => receive.dispose())
  })

const over = (url: string) => (path: string, headers: Record<string, string>, body: Uint8Array) =>
  Effect.map(send(url, { path, headers, body }), ({ status }) => status)

describe("Webhook.handler under", () => {
  it.live("Hono - with routes of its own beside it", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const sample = setUp()
        const { receive } = sample

        const app = new Hono()
        app.get("/health", (c) => c.text("ok"))
        app.post("/hooks/*", (c) => receive(c.req.raw))
        app.all("/v1/signals/*", (c) => receive(c.req.raw))

        const ready = yield* Deferred.make<string>()
        const server = yield* Effect.acquireRelease(
          Effect.sync(() =>
            serveHono({ fetch: app.fetch, hostname: "127.0.0.1", port: 0 }, ({ port }) => {
              Deferred.doneUnsafe(ready, Effect.succeed(`http://127.0.0.1:${port}`))
            })
          ),
          (each) => Effect.callback<void>((resume) => void each.close(() => resume(Effect.void)))
        )
        assert.isDefined(server)
        yield* works(sample, over(yield* Deferred.await(ready)))
      })
    )
  )

  it.live("Express - before the parsers of bodies", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const sample = setUp()
        const { receive } = sample

        const toRequest = (req: express.Request): Request => {
          const headers = new Headers()
          for (const [name, value] of Object.entries(req.headers)) {
            if (value !== undefined) headers.set(name, Array.isArray(value) ? value.join(", ") : value)
          }
          const hasBody = req.method !== "GET" && req.method !== "HEAD"
          // The path as it was sent: `req.path` is decoded, and `req.url` lacks what a router was mounted under.
          return new Request(new URL(req.originalUrl, "http://localhost"), {
            method: req.method,
            headers,
            ...(hasBody ? { body: Readable.toWeb(req) as ReadableStream, duplex: "half" } : {})
          })
        }
        const app = express()
        // oxlint-disable-next-line oxc/no-async-endpoint-handlers -- Express 5 handles rejected promises
        app.use(["/hooks", "/v1/signals"], async (req, res) => {
          const response = await receive(toRequest(req))
          res
            .status(response.status)
            .set(Object.fromEntries(response.headers))
            .send(await response.text())
        })
        app.use(express.json())
        app.post("/other", (req, res) => void res.json(req.body))

        const url = yield* listening(createServer(app))
        yield* works(sample, over(url))
        const other = yield* send(url, {
          path: "/other",
          headers: { "content-type": "application/json" },
          body: '{"a":1}'
        })
        assert.strictEqual(other.text, '{"a":1}')
      })
    )
  )

  it.live("Next.js - as the handlers of a route", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const sample = setUp()
        const { receive } = sample

        // app/[...path]/route.ts: what is not exported is a 405 of Next.js.
        const route = { POST: (request: Request) => receive(request), GET: (request: Request) => receive(request) }

        const request = (method: "POST" | "GET", path: string, headers: Record<string, string>, body?: Uint8Array) =>
          Effect.promise(() =>
            route[method](
              new Request(`https://example.com${path}`, {
                method,
                headers,
                ...(body === undefined ? {} : { body: new Uint8Array(body) })
              })
            )
          )
        assert.strictEqual((yield* request("GET", "/hooks/renders", {})).status, 405)
        yield* works(sample, (path, headers, body) =>
          Effect.map(request("POST", path, headers, body), ({ status }) => status)
        )
      })
    )
  )

  it.live("a Worker - with a handler for each isolate, and bodies that stream", () =>
    Effect.scoped(
      Effect.gen(function* () {
        const sample = setUp()

        const worker = {
          fetch(request: Request, _env: unknown, _context: { waitUntil(promise: Promise<unknown>): void }) {
            return sample.receive(request)
          }
        }

        yield* works(sample, (path, headers, body) =>
          Effect.promise(async () => {
            const stream = new ReadableStream<Uint8Array>({
              start(controller) {
                for (const byte of body) controller.enqueue(new Uint8Array([byte]))
                controller.close()
              }
            })
            const init = { method: "POST", headers, body: stream, duplex: "half" } as RequestInit
            const response = await worker.fetch(new Request(`https://example.com${path}`, init), {}, { waitUntil() {} })
            return response.status
          })
        )
      })
    )
  )

  it.live("any of them - bounds bodies that do not end, in size and in time", () =>
    Effect.gen(function* () {
      const routes = [
        Webhook.route("/h", {
          verify: Webhook.standard(secret),
          push: RenderChanged,
          jobs: [Renders],
          maxBody: "100 KiB",
          bodyTimeout: "200 millis"
        })
      ]
      const receive = Webhook.handler(routes, Layer.merge(Deliveries.layerMemory(), Webhook.layerWebCrypto))
      let pulled = 0
      let canceled = 0
      const body = (chunk: (n: number) => Promise<Uint8Array>) =>
        new ReadableStream<Uint8Array>({
          pull: async (controller) => controller.enqueue(await chunk(pulled++)),
          cancel: () => void canceled++
        })
      const post = (stream: ReadableStream) =>
        Effect.promise(() =>
          receive(new Request("https://example.com/h", { method: "POST", body: stream, duplex: "half" } as RequestInit))
        )
      assert.strictEqual((yield* post(body(() => Promise.resolve(new Uint8Array(10_000))))).status, 413)
      assert.isBelow(pulled, 20)
      const slow = yield* post(body(() => new Promise((resolve) => setTimeout(() => resolve(new Uint8Array(1)), 50))))
      assert.strictEqual(slow.status, 408)
      // The rest of a slow body is not read for longer than the same time again.
      yield* Effect.sleep("600 millis")
      assert.strictEqual(canceled, 2)
      assert.strictEqual((yield* Effect.promise(() => receive(new Request("https://example.com/other")))).status, 404)
      yield* Effect.promise(() => receive.dispose())
    })
  )
})
