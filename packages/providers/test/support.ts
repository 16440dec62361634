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

/** A test against a server on loopback, in real time; a busy machine may stand still for seconds. */
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
        // Ends that are errors are logged by the wait, and most ends here are.
        Effect.provideService(References.MinimumLogLevel, "None")
      ),
    30_000
  )

/** A client that answers by function, and notes when it was asked for what. */
export const answering = (
  answer: (
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
      const given = answer(request, requests.length)
      if (given instanceof Error) return Effect.fail(given)
      return Effect.succeed(
        HttpClientResponse.fromWeb(request, given instanceof Response ? given : new Response(JSON.stringify(given)))
      )
    })
  )
  return { requests, times, provide: Effect.provideService(HttpClient.HttpClient, client) }
}

/** The text that a request would send. */
export const sent = (request: HttpClientRequest.HttpClientRequest | undefined): string =>
  request?.body._tag === "Uint8Array" ? new TextDecoder().decode(request.body.body) : ""

/** Runs an effect to its end on the test clock, which moves by `within`. */
export const runFor = <A, E, R>(effect: Effect.Effect<A, E, R>, within: Parameters<typeof TestClock.adjust>[0]) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    yield* TestClock.adjust(within)
    return yield* Fiber.join(fiber)
  })
