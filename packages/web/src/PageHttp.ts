/**
 * The HTTP client for checks in a page: each check is one request.
 *
 * **Details**
 *
 * A browser does more with the requests of a page than other platforms:
 *
 * - It asks the server of another origin for permission first, with an `OPTIONS` request, if a request has a header such
 *   as `traceparent` or `cache-control`. So this client sends no trace headers, and bypasses the cache by the option
 *   `cache: "no-store"` of `fetch` instead of a header.
 * - It answers from its cache, and lets requests for one URL wait for each other in order to fill it. With
 *   `cache: "no-store"` it does neither.
 *
 * @since 0.1.0
 */
import * as FetchHttpClient from "effect/http/FetchHttpClient"
import * as HttpClient from "effect/http/HttpClient"
import * as Layer from "effect/Layer"

/**
 * Provides a client on `fetch` that bypasses the cache and sends no trace headers.
 *
 * **When to use**
 *
 * Use as the layer of a `PollStore`, or with `Job.provide` in promise code, for jobs that need an `HttpClient`.
 *
 * **Gotchas**
 *
 * A request with a header of its own, such as `authorization`, or with a JSON body is still preceded by an `OPTIONS`
 * request if the server has another origin. The server can limit how often, with `Access-Control-Max-Age`.
 *
 * **Example** (Giving the checks of a page their client)
 *
 * ```ts
 * import { PageHttp } from "@effect-poll/web"
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const Export = Job.make("export", {
 *   check: (id: string) =>
 *     Effect.gen(function* () {
 *       const response = yield* HttpClient.get(`https://api.example.com/exports/${id}`)
 *       return response.status === 200 ? Status.succeeded(yield* response.json) : Status.pending()
 *     })
 * })
 * const ready = Job.provide(Export, PageHttp.layer)
 * ready.name // => "export"
 * ```
 *
 * @category layers
 * @since 0.1.0
 */
export const layer: Layer.Layer<HttpClient.HttpClient | FetchHttpClient.RequestInit> = /*#__PURE__*/ make({})

/**
 * The same with more options of `fetch`, such as `credentials: "include"`. The option `cache` replaces `"no-store"`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWith: (
  init: globalThis.RequestInit
) => Layer.Layer<HttpClient.HttpClient | FetchHttpClient.RequestInit> = make

// ---- internal ----

function make(init: globalThis.RequestInit): Layer.Layer<HttpClient.HttpClient | FetchHttpClient.RequestInit> {
  // The settings are services of the caller too: a caller that has its own replaces those of the client.
  return Layer.provideMerge(
    FetchHttpClient.layer,
    Layer.mergeAll(
      Layer.succeed(FetchHttpClient.RequestInit, { cache: "no-store", ...init }),
      Layer.succeed(HttpClient.TracerPropagationEnabled, false)
    )
  )
}
