/**
 * The HTTP client for checks in a page: each check is exactly one request.
 *
 * **Details**
 *
 * Browsers treat requests differently from other platforms:
 *
 * - Before a request to another origin with a header such as `traceparent` or `cache-control`, the browser sends an
 *   `OPTIONS` request (a preflight). So this client sends no trace headers, and bypasses the cache by the option
 *   `cache: "no-store"` of `fetch` instead of a header.
 * - The browser may answer from its cache, and runs requests for one URL one after another to fill it. With
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
 * Use as the `layer` of a `PollStore` or a `PollProvider`, or with `Job.provide`, for jobs that need an `HttpClient`.
 *
 * **Gotchas**
 *
 * A request to another origin that has a header such as `authorization`, or a JSON body, is still preceded by an
 * `OPTIONS` request. The server can have the browser cache its answer, with `Access-Control-Max-Age`.
 *
 * **Example** (Providing the client to a job)
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
 * Provides the same client with further options of `fetch`, such as `credentials: "include"`. An option `cache`
 * replaces `"no-store"`.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerWith: (
  init: globalThis.RequestInit
) => Layer.Layer<HttpClient.HttpClient | FetchHttpClient.RequestInit> = make

// ---- internal ----

function make(init: globalThis.RequestInit): Layer.Layer<HttpClient.HttpClient | FetchHttpClient.RequestInit> {
  // The settings are provided too, not only used: a request may replace them by its own services.
  return Layer.provideMerge(
    FetchHttpClient.layer,
    Layer.mergeAll(
      Layer.succeed(FetchHttpClient.RequestInit, { cache: "no-store", ...init }),
      Layer.succeed(HttpClient.TracerPropagationEnabled, false)
    )
  )
}
