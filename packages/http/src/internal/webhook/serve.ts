import * as Effect from "effect/Effect"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import type { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Context from "effect/Context"
import * as Layer from "effect/Layer"
import type { Route } from "./route.ts"
import * as Unseen from "./unseen.ts"

type Routes = ReadonlyArray<Route<unknown>>

/** Adds the routes to a router. `S` is what their handlers need, which the signature of the public function computes. */
export const layer = <S>(name: string, routes: Routes): Layer.Layer<never, never, HttpRouter.HttpRouter | S> => {
  const paths = routes.map((each) => each.path)
  const twice = paths.find((path, index) => paths.indexOf(path) !== index)
  if (twice !== undefined) throw new RangeError(`${name}: routes must have different paths, got ${twice} twice`)
  const secret = secretPaths(routes)
  return Layer.effectDiscard(
    Effect.gen(function* () {
      const router = yield* HttpRouter.HttpRouter
      const services = yield* Effect.context<S>()
      for (const { handle, path, secret } of routes) {
        // `checkPath` has seen to it that the path begins with a slash.
        yield* router.add("*", `/${path.slice(1)}${secret ? "/*" : ""}`, provide(handle, services))
      }
      if (secret.length > 0) yield* router.addGlobalMiddleware(Unseen.middleware(Unseen.isBelow(secret)))
    })
  )
}

/** Provides the services of the place where the layer is built to requests, which bring only their own. */
const provide = <S>(
  handle: Effect.Effect<HttpServerResponse, never, unknown>,
  services: Context.Context<S>
): Effect.Effect<HttpServerResponse, never, HttpServerRequest> =>
  Effect.updateContext(
    handle,
    // The own services of a request take precedence: its span, its scope. Merged, they are all that a handler needs.
    (own: Context.Context<HttpServerRequest>) => Context.merge(services, own) as Context.Context<unknown>
  )

/** Turns off the tracer for requests with a secret in their path, besides those for which it is off anyway. */
export const layerUntraced = (routes: Routes): Layer.Layer<never> => {
  const isSecret = Unseen.isBelow(secretPaths(routes))
  return Layer.effect(
    HttpMiddleware.TracerDisabledWhen,
    Effect.map(
      HttpMiddleware.TracerDisabledWhen,
      (before) => (request: HttpServerRequest) => before(request) || isSecret(request.url)
    )
  )
}

/** The routes as a function of web requests. */
export const toWeb = <S, E>(name: string, routes: Routes, services: Layer.Layer<S, E>) => {
  const app = Layer.provideMerge(Layer.mergeAll(layer<S>(name, routes), layerUntraced(routes)), services)
  // With a service as free as `S` the types of effect cannot tell that nothing is missing: `provideMerge` says it above.
  const closed = app as Layer.Layer<never, E, HttpRouter.HttpRouter>
  return HttpRouter.toWebHandler(closed, { disableLogger: true })
}

const secretPaths = (routes: Routes): ReadonlyArray<string> =>
  routes.filter((each) => each.secret).map((each) => each.path)
