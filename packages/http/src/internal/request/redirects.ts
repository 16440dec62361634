import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpBody from "effect/http/HttpBody"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as UrlParams from "effect/http/UrlParams"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import type { HttpCheckError, Reason, Refused } from "../../HttpCheckError.ts"
import * as boundedBody from "./boundedBody.ts"
import * as clientSettings from "./clientSettings.ts"
import { ForeignOrigin } from "./foreignOrigin.ts"
import * as origins from "./origins.ts"
import { responseOf } from "./transportError.ts"
import { type ParsedUrl, parseUrl, safeUrl, urlOf } from "./urls.ts"

// One request and the redirects that it leads to. Each URL that the server names passes the origin rule.

/** The answer at the end of the redirects; its body is still to be read. */
export interface Arrival {
  readonly response: HttpClientResponse
  readonly headers: Headers.Headers
  readonly url: string
  readonly redirected: boolean
  readonly seeOther: boolean
}

/** What holds for the requests of one chain. */
export interface Route {
  readonly rule: origins.OriginRule
  /** The origin that the credentials belong to; undefined for that of the request. */
  readonly home: ParsedUrl | undefined
  readonly fresh: boolean
  readonly followSeeOther: boolean
}

/** Sends a request and follows the redirects. */
export const send = (
  client: HttpClient.HttpClient,
  request: HttpClientRequest.HttpClientRequest,
  route: Route,
  fail: (reason: Reason) => HttpCheckError
): Effect.Effect<Arrival, HttpCheckError> => Effect.suspend(() => new Chain(client, route, fail).start(request))

// ---- internal ----

const maxHops = 10

const none: ReadonlySet<string> = new Set()

type Request = HttpClientRequest.HttpClientRequest

class Chain {
  private readonly client: HttpClient.HttpClient
  private readonly route: Route
  private readonly fail: (reason: Reason) => HttpCheckError
  /** The request of this hop, with what the client added to it. */
  private request!: Request
  private home: ParsedUrl | undefined
  private foreign = false
  private seeOther = false
  /** The requests that led to redirects, by method and URL. */
  private visited: ReadonlySet<string> = none

  constructor(client: HttpClient.HttpClient, route: Route, fail: (reason: Reason) => HttpCheckError) {
    this.client = client
    this.route = route
    this.fail = fail
    this.home = route.home
  }

  start(request: Request): Effect.Effect<Arrival, HttpCheckError> {
    if (this.home !== undefined) {
      const url = urlOf(request)
      if (url !== undefined) {
        const followed = origins.follow(this.route.rule, this.home, this.home, url.href)
        if (Result.isFailure(followed)) return Effect.fail(this.fail(followed.failure))
        // Known before the request is made: a client that adds a token asks for it then.
        this.foreign = url.origin !== this.home.origin
      }
    }
    return this.hop(Effect.map(this.client.preprocess(request), (prepared) => this.atHome(prepared)))
  }

  /** Sends one request. The client's own additions to it were made, once, for all hops. */
  private hop(
    request: Effect.Effect<Request, HttpClientError.HttpClientError>
  ): Effect.Effect<Arrival, HttpCheckError> {
    const configured = Effect.flatMap(request, (made) =>
      Effect.withFiber<Request>((fiber) => {
        const fresh = this.route.fresh && made.headers["cache-control"] === undefined
        this.request =
          fresh && !clientSettings.inBrowser() ? HttpClientRequest.setHeader(made, "cache-control", "no-cache") : made
        fiber.setContext(clientSettings.add(fiber.context, fresh))
        return Effect.succeed(this.request)
      })
    )
    const sent = this.client.postprocess(configured)
    return Effect.matchEffect(this.foreign ? Effect.provideService(sent, ForeignOrigin, true) : sent, {
      onFailure: (error) => Effect.flatMap(responseOf(error, this.fail), (response) => this.arrive(response)),
      onSuccess: (response) => this.arrive(response)
    })
  }

  private arrive(response: HttpClientResponse): Effect.Effect<Arrival, HttpCheckError> {
    const { headers, status, url } = response
    const asked = response.request.url
    // The client may have followed redirects by itself, as in a browser.
    const moved = url !== "" && url !== asked ? this.followedUnseen(response, url) : undefined
    if (moved !== undefined && Result.isFailure(moved)) {
      return Effect.andThen(boundedBody.abort(response), Effect.fail(this.fail(moved.failure)))
    }
    const location = status >= 300 && status <= 399 ? headers["location"] : undefined
    if (location !== undefined && this.follows(status)) return this.redirect(response, location)
    return Effect.succeed({
      response,
      headers,
      url: url === "" ? (urlOf(this.request)?.href ?? asked) : url,
      redirected: this.visited.size > 0 || moved?.success === true,
      seeOther: this.seeOther
    })
  }

  private follows(status: number): boolean {
    const { body, method } = this.request
    // A body that was streamed is gone.
    const again = body._tag !== "Stream" || dropsBody(status, method)
    switch (status) {
      case 303:
        return this.route.followSeeOther
      case 301:
      case 302:
      case 307:
      case 308:
        return again
      default:
        return false
    }
  }

  private redirect(response: HttpClientResponse, location: string): Effect.Effect<Arrival, HttpCheckError> {
    const from = parseUrl(response.url) ?? urlOf(this.request)
    if (from === undefined) return Effect.fail(this.fail({ _tag: "Refused", rule: "url", url: "<not a URL>" }))
    this.home ??= urlOf(this.request) ?? from
    this.visited = new Set([...this.visited, `${this.request.method} ${withoutHash(from)}`])
    const followed = this.next(from, location, response.status)
    return Effect.andThen(
      boundedBody.discard(response),
      Result.isFailure(followed)
        ? Effect.fail(this.fail(followed.failure))
        : Effect.suspend(() => this.hop(Effect.succeed(followed.success)))
    )
  }

  private next(from: ParsedUrl, location: string, status: number): Result.Result<Request, Refused> {
    const followed = origins.follow(this.route.rule, this.home!, from, location)
    if (Result.isFailure(followed)) return Result.fail(followed.failure)
    const url = followed.success
    const request = redirected(this.request, url, status)
    const refuse = (rule: "loop" | "hops") => Result.fail({ _tag: "Refused", rule, url: safeUrl(url.href) } as const)
    if (this.visited.has(`${request.method} ${withoutHash(url)}`)) return refuse("loop")
    if (this.visited.size > maxHops) return refuse("hops")
    this.seeOther ||= status === 303
    return Result.succeed(this.atOrigin(request, url))
  }

  /** The URL that a client went to by itself: whether it is another one, or why it must not be. */
  private followedUnseen(response: HttpClientResponse, url: string): Result.Result<boolean, Refused> {
    const asked = urlOf(response.request)
    const final = parseUrl(url)
    if (asked === undefined || final === undefined || withoutHash(asked) === withoutHash(final)) {
      return Result.succeed(false)
    }
    return Result.map(origins.follow(this.route.rule, this.home ?? asked, asked, final.href), () => true)
  }

  /** The first request, without credentials if they belong elsewhere. */
  private atHome(request: Request): Request {
    const url = this.home === undefined ? undefined : urlOf(request)
    return url === undefined ? request : this.atOrigin(request, url)
  }

  /** Once a chain has left home, its credentials do not come back: another origin chose the URL. */
  private atOrigin(request: Request, url: ParsedUrl): Request {
    this.foreign ||= url.origin !== this.home!.origin
    return this.foreign ? withHeaders(request, origins.withoutCredentials(this.route.rule, request.headers)) : request
  }
}

const withoutHash = (url: ParsedUrl): string => url.href.split("#")[0]!

const withHeaders = ({ body, hash, method, url, urlParams }: Request, headers: Headers.Headers): Request =>
  HttpClientRequest.makeWith(method, url, urlParams, hash, headers, body)

/** Whether a redirect becomes a GET, as the fetch standard has it. */
const dropsBody = (status: number, method: string): boolean =>
  status === 303 ? method !== "GET" && method !== "HEAD" : (status === 301 || status === 302) && method === "POST"

const redirected = (request: Request, url: ParsedUrl, status: number): Request => {
  const drops = dropsBody(status, request.method)
  return HttpClientRequest.makeWith(
    drops ? "GET" : request.method,
    withoutHash(url),
    UrlParams.empty,
    Option.none(),
    drops ? Headers.removeMany(request.headers, bodyHeaders) : request.headers,
    drops ? HttpBody.empty : request.body
  )
}

const bodyHeaders = [
  "content-encoding",
  "content-language",
  "content-length",
  "content-location",
  "content-type",
  "transfer-encoding"
]
