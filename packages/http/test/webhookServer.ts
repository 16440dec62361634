import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert } from "@effect/vitest"
import * as Deliveries from "@effect-poll/http/Deliveries"
import * as DeliveryLog from "@effect-poll/http/DeliveryLog"
import * as Webhook from "@effect-poll/http/Webhook"
import * as WebhookPushes from "@effect-poll/http/WebhookPushes"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import type * as CheckResult from "effect-poll/CheckResult"
import { createServer, request } from "node:http"

/** The services to which routes hand what they receive, by their keys: they are internal. */
const PushSink = Context.Reference<{
  readonly wake: (job: string, key: string | undefined, options: { readonly verified: boolean }) => Effect.Effect<void>
  readonly report: (job: string, key: string, result: CheckResult.CheckResult<unknown, unknown>) => Effect.Effect<void>
}>("@effect-poll/http/internal/webhook/PushSink", { defaultValue: () => assert.fail("no sink") })

type Settled = "accepted" | "alreadyEnded" | "expired" | "unknown"

class Down extends Data.TaggedError("SignalSinkError") {}

const SignalSink = Context.Reference<{
  readonly jobOf: (token: string) => Effect.Effect<string | undefined, Down>
  readonly settle: (token: string, ending: unknown) => Effect.Effect<Settled, Down>
  readonly heartbeat: (token: string) => Effect.Effect<Settled, Down>
}>("@effect-poll/http/internal/webhook/SignalSink", { defaultValue: () => assert.fail("no sink") })

/** What a sink was given: `wake job key`, or `report job key`. */
export interface Told {
  readonly did: "wake" | "report"
  readonly job: string
  readonly key: string | undefined
  readonly verified: boolean
  readonly result?: CheckResult.CheckResult<unknown, unknown>
}

/** A sink that keeps what it is given. */
export const recording = () => {
  const told: Array<Told> = []
  const layer = Layer.succeed(PushSink, {
    wake: (job, key, { verified }) => Effect.sync(() => void told.push({ did: "wake", job, key, verified })),
    report: (job, key, result) => Effect.sync(() => void told.push({ did: "report", job, key, verified: true, result }))
  })
  return { told, layer }
}

/** Signals in memory, as the store of the core has them: by token, in the clear. */
export const signalStore = (tokens: Record<string, { readonly job: string; readonly expired?: boolean }>) => {
  const ended = new Map<string, unknown>()
  const beats: Array<string> = []
  let broken = false
  const answer = (token: string, act: () => void): Effect.Effect<Settled, Down> =>
    Effect.suspend(() => {
      if (broken) return Effect.fail(new Down())
      const known = tokens[token]
      if (known === undefined) return Effect.succeed("unknown")
      if (known.expired === true) return Effect.succeed("expired")
      if (ended.has(token)) return Effect.succeed("alreadyEnded")
      act()
      return Effect.succeed("accepted")
    })
  const layer = Layer.succeed(SignalSink, {
    jobOf: (token) => (broken ? Effect.fail(new Down()) : Effect.sync(() => tokens[token]?.job)),
    settle: (token, ending) => answer(token, () => void ended.set(token, ending)),
    heartbeat: (token) => answer(token, () => void beats.push(token))
  })
  return { ended, beats, layer, breakDown: () => void (broken = true) }
}

export interface Served {
  readonly url: string
  readonly port: number
  readonly log: DeliveryLog.DeliveryLog["Service"]
  readonly pushes: WebhookPushes.WebhookPushes["Service"]
}

/** Serves routes on loopback until the scope closes, as a program would: by effect's router, with its logger. */
export const serve = Effect.fnUntraced(function* <const Routes extends ReadonlyArray<Webhook.Route<unknown>>>(
  routes: Routes,
  services: Layer.Layer<Webhook.Services<Routes>>,
  options?: { readonly untraced?: boolean; readonly around?: Layer.Layer<never> }
) {
  const node = createServer()
  const server = yield* NodeHttpServer.make(() => node, { host: "127.0.0.1", port: 0, disablePreemptiveShutdown: true })
  const shared = yield* Layer.build(Layer.merge(DeliveryLog.layer(), WebhookPushes.layer()))
  const app = Webhook.layer(routes).pipe(Layer.provide(services), Layer.provide(Layer.succeedContext(shared)))
  const serving = HttpRouter.serve(app, { disableListenLog: true }).pipe(
    Layer.provide(options?.untraced === true ? Webhook.layerUntraced(routes) : Layer.empty),
    Layer.provide(options?.around ?? Layer.empty),
    Layer.provide(Layer.succeed(HttpServer.HttpServer, server))
  )
  yield* Layer.build(serving)
  yield* Effect.addFinalizer(() =>
    Effect.callback<void>((resume) => {
      node.close(() => resume(Effect.void))
      node.closeAllConnections()
    })
  )
  const url = NetAddress.formatUrlUnsafe(server.address)
  return {
    url,
    port: Number(new URL(url).port),
    log: Context.get(shared, DeliveryLog.DeliveryLog),
    pushes: Context.get(shared, WebhookPushes.WebhookPushes)
  } satisfies Served
})

/** What every route needs, besides its sink. */
export const basics = Layer.merge(Deliveries.layerMemory(), Webhook.layerWebCrypto)

export interface Answered {
  readonly status: number
  readonly headers: Record<string, string | ReadonlyArray<string> | undefined>
  readonly text: string
}

/** Sends exactly these bytes and headers, in the case in which they are written. */
export const send = (
  url: string,
  options: {
    readonly method?: string
    readonly path?: string
    readonly headers?: Record<string, string | ReadonlyArray<string>>
    readonly body?: string | Uint8Array
    /** Sends the body in chunks, without a Content-Length. */
    readonly chunked?: boolean
  } = {}
): Effect.Effect<Answered> =>
  Effect.callback((resume, signal) => {
    const target = new URL(url)
    const outgoing = request(
      {
        host: target.hostname,
        port: target.port,
        path: options.path ?? target.pathname,
        method: options.method ?? "POST",
        headers: options.headers as never,
        signal,
        agent: false
      },
      (incoming) => {
        let text = ""
        incoming.setEncoding("utf8")
        incoming.on("data", (chunk: string) => (text += chunk))
        const end = () => resume(Effect.succeed({ status: incoming.statusCode ?? 0, headers: incoming.headers, text }))
        incoming.on("end", end)
        incoming.on("error", end)
      }
    )
    outgoing.on("error", () => resume(Effect.succeed({ status: 0, headers: {}, text: "" })))
    if (options.chunked === true) {
      outgoing.write(options.body ?? "")
      outgoing.end()
    } else outgoing.end(options.body)
  })
