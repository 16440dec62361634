import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as Deliveries from "@effect-poll/http/Deliveries"
import * as DeliveryLog from "@effect-poll/http/DeliveryLog"
import * as Webhook from "@effect-poll/http/Webhook"
import * as WebhookPushes from "@effect-poll/http/WebhookPushes"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as Layer from "effect/Layer"
import * as NetAddress from "effect/net/NetAddress"
import { TestClock } from "effect/testing"
import { createServer } from "node:http"

/** A port on loopback, with a URL before anything is served. */
export const listen = Effect.gen(function* () {
  const node = createServer()
  const server = yield* NodeHttpServer.make(() => node, { host: "127.0.0.1", port: 0, disablePreemptiveShutdown: true })
  return {
    url: NetAddress.formatUrlUnsafe(server.address),
    serve: <E>(app: Layer.Layer<never, E, HttpRouter.HttpRouter>) =>
      HttpRouter.serve(app, { disableListenLog: true, disableLogger: true }).pipe(
        Layer.provide(Layer.succeed(HttpServer.HttpServer, server)),
        Layer.build,
        Effect.andThen(
          Effect.addFinalizer(() =>
            Effect.callback<void>((resume) => {
              node.close(() => resume(Effect.void))
              node.closeAllConnections()
            })
          )
        ),
        Effect.orDie
      )
  }
})

/** Serves routes of webhooks until the scope closes. */
export const receive = Effect.fnUntraced(function* <const Routes extends ReadonlyArray<Webhook.Route<unknown>>>(
  routes: Routes,
  services: Layer.Layer<Exclude<Webhook.Services<Routes>, Layer.Success<typeof basics>>>,
  at?: Effect.Success<typeof listen>
) {
  const to = at ?? (yield* listen)
  const built = yield* Layer.build(Layer.mergeAll(basics, DeliveryLog.layer(), WebhookPushes.layer()))
  // `services` and `basics` have all that the routes need, which their types cannot tell the compiler.
  const all = Layer.merge(services, Layer.succeedContext(built)) as Layer.Layer<Webhook.Services<Routes>>
  yield* to.serve(Layer.provide(Webhook.layer(routes), all))
  return { url: to.url, built, log: Context.get(built, DeliveryLog.DeliveryLog) }
})

export const basics = Layer.merge(Deliveries.layerMemory(), Webhook.layerWebCrypto)

/** Advances the test clock in steps, before each of which sockets and databases have some real time. */
export const pass = (minutes: number, step = 5) =>
  Effect.forEach(
    Array.from({ length: Math.ceil(minutes / step) + 1 }),
    (_, index) =>
      Effect.andThen(pause, TestClock.adjust(`${Math.max(0, Math.min(step, minutes - index * step))} minutes`)),
    { discard: true }
  )

/** Waits for the end of a fiber, while the test clock advances a little at a time. */
export const ending = <A, E>(fiber: Fiber.Fiber<A, E>): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const exit = fiber.pollUnsafe()
    const tick = Effect.andThen(pause, TestClock.adjust("20 millis"))
    return exit ?? Effect.andThen(tick, ending(fiber))
  })

/** Asks again, in real time, until it is so. */
export const eventually = <E, R>(isSo: Effect.Effect<boolean, E, R>): Effect.Effect<void, E, R> =>
  Effect.flatMap(isSo, (yes) => (yes ? Effect.void : Effect.andThen(pause, eventually(isSo))))

/** 20 milliseconds of real time. */
const pause = Effect.callback<void>((resume) => {
  setTimeout(() => resume(Effect.void), 20)
})
