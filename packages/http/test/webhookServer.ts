import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { assert } from "@effect/vitest"
import * as Deliveries from "@effect-poll/http/Deliveries"
import * as DeliveryLog from "@effect-poll/http/DeliveryLog"
import * as Webhook from "@effect-poll/http/Webhook"
import * as WebhookPushes from "@effect-poll/http/WebhookPushes"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import type * as CheckResult from "effect-poll/CheckResult"
import { SignalStoreError } from "effect-poll/SignalError"
import * as SignalStore from "effect-poll/SignalStore"
import * as Wakes from "effect-poll/Wakes"
import { createHash } from "node:crypto"
import { createServer, request } from "node:http"

/** What the waits for a job were told: `wake job key`, or `report job key`. */
export interface Told {
  readonly did: "wake" | "report"
  readonly job: string
  readonly key: string | undefined
  readonly verified: boolean
  readonly result?: CheckResult.CheckResult<unknown, unknown>
}

/** A service that finds one wait for everything, and keeps what it is told. */
export const recording = () => {
  const told: Array<Told> = []
  const add = (each: Told) =>
    Effect.sync(() => {
      told.push(each)
      return 1
    })
  const layer = Layer.succeed(Wakes.Wakes, {
    wake: (job, key, options) =>
      add({ did: "wake", job: job.name, key: job.key.encode(key), verified: options?.trust === "verified" }),
    tell: (job, key, said) => {
      assert(said._tag === "Report")
      return add({ did: "report", job: job.name, key: job.key.encode(key), verified: true, result: said.result })
    },
    wakeAll: (job) => add({ did: "wake", job: job.name, key: undefined, verified: true })
  })
  return { told, layer }
}

/** Signals in memory, with these tokens. */
export const signalStore = (tokens: Record<string, { readonly job: string; readonly expired?: boolean }>) => {
  const ended = new Map<string, unknown>()
  const beats: Array<string> = []
  let broken = false
  const tokenOf = (hash: string) => Object.keys(tokens).find((each) => sha256(each) === hash)!
  const layer = Layer.effect(
    SignalStore.SignalStore,
    Effect.gen(function* () {
      const store = yield* SignalStore.SignalStore
      for (const [token, { expired, job }] of Object.entries(tokens)) {
        const expiresAt = expired === true ? 0 : 8.64e15
        const row = { hash: sha256(token), job, key: token, tags: [], createdAt: 0, expiresAt, closesAt: expiresAt }
        yield* store.insert({ ...row, heartbeatMillis: null, endedAt: null, ending: null }, "fail")
      }
      const answer = <A, E>(call: Effect.Effect<A, E>) =>
        Effect.suspend((): Effect.Effect<A, E | SignalStoreError> =>
          broken ? Effect.fail(new SignalStoreError({ operation: "get" })) : call
        )
      return {
        ...store,
        get: (hash) => answer(store.get(hash)),
        settle: (hash, ending, at) =>
          Effect.tap(answer(store.settle(hash, ending, at)), (found) => {
            if (found === "settled") ended.set(tokenOf(hash), ending)
            return Effect.void
          }),
        touch: (hash, at) =>
          Effect.tap(answer(store.touch(hash, at)), (found) => {
            if (found === "touched") beats.push(tokenOf(hash))
            return Effect.void
          })
      }
    })
  ).pipe(Layer.provide(SignalStore.layerMemory()), Layer.orDie)
  return { ended, beats, layer, breakDown: () => void (broken = true) }
}

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex")

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
