import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { it } from "@effect/vitest"
import type * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as References from "effect/References"
import type * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type { HttpServerError } from "effect/http"

/** A test against a server on loopback, in real time. The timeout allows for a busy machine. */
export const live = (
  name: string,
  body: () => Effect.Effect<
    void,
    Cause.NoSuchElementError | HttpServerError.ServeError,
    HttpClient.HttpClient | Scope.Scope
  >
) =>
  it.live(
    name,
    () =>
      Effect.provide(body(), NodeHttpClient.layerUndici).pipe(
        // A wait logs an end that is an error, which most of these ends are.
        Effect.provideService(References.MinimumLogLevel, "None")
      ),
    30_000
  )

/** A client that responds by a function, and records its requests and their times. */
export const answering = (
  respond: (
    request: HttpClientRequest.HttpClientRequest,
    attempt: number
  ) => Response | object | HttpClientError.HttpClientError
) => {
  const requests: Array<HttpClientRequest.HttpClientRequest> = []
  const times: Array<number> = []
  const client = HttpClient.make((request) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      requests.push(request)
      times.push(now)
      const response = respond(request, requests.length)
      if (response instanceof Error) return Effect.fail(response)
      return Effect.succeed(
        HttpClientResponse.fromWeb(
          request,
          response instanceof Response ? response : new Response(JSON.stringify(response))
        )
      )
    })
  )
  return { requests, times, provide: Effect.provideService(HttpClient.HttpClient, client) }
}

/** The body of a request as text. */
export const sent = (request: HttpClientRequest.HttpClientRequest | undefined): string =>
  request?.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""

/** Runs an effect to its end while the test clock advances by `within`. */
export const runFor = <A, E, R>(effect: Effect.Effect<A, E, R>, within: Parameters<typeof TestClock.adjust>[0]) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    yield* TestClock.adjust(within)
    return yield* Fiber.join(fiber)
  })
