import * as Headers from "effect/http/Headers"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { urlOf } from "./urls.ts"

// Which origin a request went to before it was redirected. A client that follows redirects makes each request from the
// headers of the one before, so that a mark among them stays. It is taken off before the request is sent.

/** Marks a request before it is sent for the first time. */
export const mark = (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
  withHeaders(request, Object.assign(Headers.merge(request.headers, Headers.empty), { [key]: new First() }))

/** The request without its mark. */
export const unmark = (request: HttpClientRequest.HttpClientRequest): HttpClientRequest.HttpClientRequest =>
  markOf(request) === undefined ? request : withHeaders(request, Headers.fromInput(request.headers))

/** Whether a request goes to the origin that was asked first; so does one without a mark. */
export const isHome = (request: HttpClientRequest.HttpClientRequest): boolean => {
  const first = markOf(request)
  if (first === undefined) return true
  const origin = urlOf(request)?.origin
  first.origin ??= origin
  return first.origin === origin
}

// ---- internal ----

const key = Symbol("@effect-poll/http/firstAsked")

class First {
  /** Undefined until the request is sent, since a client may complete its URL. */
  origin: string | undefined
}

const markOf = ({ headers }: HttpClientRequest.HttpClientRequest): First | undefined => {
  const found: unknown = (headers as unknown as Readonly<Record<symbol, unknown>>)[key]
  return found instanceof First ? found : undefined
}

const withHeaders = (
  { body, hash, method, url, urlParams }: HttpClientRequest.HttpClientRequest,
  headers: Headers.Headers
): HttpClientRequest.HttpClientRequest => HttpClientRequest.makeWith(method, url, urlParams, hash, headers, body)
