/**
 * Authorization for waits that outlast their tokens.
 *
 * **Details**
 *
 * `client` makes an `HttpClient` read the token for each request, and so for each check.
 *
 * | event | what happens |
 * |---|---|
 * | a 401 | the token is refreshed, and the request is sent once more |
 * | a second 401 | the request is answered with it, which ends the wait |
 * | several 401s at the same time | one refresh for all; requests that start meanwhile wait for it |
 * | a failed refresh | an error of all requests that wait for it; the next refresh starts after 1 second at the earliest |
 * | a request to another origin than that of the first request | no token, and no refresh on a 401 |
 *
 * A token that cannot be read or refreshed is an `HttpCheckError` with the reason `Authorization`. It is transient,
 * unless the error of `token` or `refresh` has another `CheckError.kind`.
 *
 * **Gotchas**
 *
 * - The server has not carried out a request that it answers with a 401. So the request is safe to send again, even a
 *   POST. A request whose body is a stream is not sent again.
 * - The first origin is known for requests of this package and under `HttpClient.followRedirects`. A client that
 *   follows redirects by itself, as `fetch` does by default, applies its own rules: `fetch` removes `Authorization` for
 *   another origin, but not a header that `apply` sets. For requests of your own, provide `FetchHttpClient.RequestInit`
 *   with `redirect: "manual"`.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Deferred from "effect/Deferred"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import type * as Types from "effect/Types"
import * as boundedBody from "./internal/request/boundedBody.ts"
import * as firstAsked from "./internal/request/firstAsked.ts"
import { ForeignOrigin } from "./internal/request/foreignOrigin.ts"
import * as origins from "./internal/request/origins.ts"
import * as urls from "./internal/request/urls.ts"
import * as validate from "./internal/validate.ts"

const TypeId = "~@effect-poll/http/Authorization"

/**
 * A source of tokens, for `client`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Authorization {
  readonly [TypeId]: unknown
}

/**
 * The options of an authorization.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out E = never, out R = never> {
  /** Reads the token. It runs for each request, so it should read from memory. */
  readonly token: Effect.Effect<Redacted.Redacted, E, R>
  /** Gets a new token, which `token` reads afterwards. Default: none; a 401 is the answer. */
  readonly refresh?: Effect.Effect<unknown, E, R> | undefined
  /** Puts the token into a request. Default: `HttpClientRequest.bearerToken`. */
  readonly apply?:
    | ((request: HttpClientRequest.HttpClientRequest, token: Redacted.Redacted) => HttpClientRequest.HttpClientRequest)
    | undefined
  /** How long a refresh may take; a positive finite duration. Default: 30 seconds. */
  readonly refreshTimeout?: Duration.Input | undefined
  /**
   * The only origins that the token is sent to, such as `["https://api.example.com"]`. An entry that is not an origin
   * is a RangeError. Default: the origin of the first request, and none that the server redirects to or names.
   */
  readonly origins?: ReadonlyArray<string> | undefined
}

/**
 * A token could not be read or refreshed. An `HttpClient` fails with a `TransportError` that has this error as its
 * `cause`.
 *
 * @category errors
 * @since 0.1.0
 */
export class AuthorizationError
  extends /*#__PURE__*/ Data.TaggedError("AuthorizationError")<{
    readonly step: "token" | "refresh"
    /** What `token` or `refresh` failed with. It may contain a secret, so it is redacted. */
    readonly cause: Redacted.Redacted<unknown>
  }>
{
  override get message(): string {
    return this.step === "token" ? "no token could be read" : "the token could not be refreshed"
  }
}

/**
 * Creates an authorization, which lives as long as the scope.
 *
 * **Details**
 *
 * A refresh outlives the wait that started it. When the scope closes, a running refresh is interrupted. From then on a
 * request that needs a refresh fails with an `AuthorizationError`. Out-of-range options are RangeErrors at the call.
 *
 * **Example** (A token that is replaced while a job runs)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Option from "effect/Option"
 * import * as Redacted from "effect/Redacted"
 * import * as Authorization from "@effect-poll/http/Authorization"
 *
 * let token = Redacted.make("old")
 * // A server that accepts only the new token.
 * const server = HttpClient.make((request) =>
 *   Effect.succeed(
 *     HttpClientResponse.fromWeb(
 *       request,
 *       new Response(null, { status: request.headers["authorization"] === "Bearer new" ? 200 : 401 })
 *     )
 *   )
 * )
 * const status = Effect.gen(function* () {
 *   const authorization = yield* Authorization.make({
 *     token: Effect.sync(() => token),
 *     refresh: Effect.sync(() => (token = Redacted.make("new")))
 *   })
 *   const client = Authorization.client(server, authorization)
 *   return (yield* client.get("https://api.example.com/tasks/1")).status
 * }).pipe(Effect.scoped)
 *
 * await Effect.runPromise(status) // => 200
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <E = never, R = never>(
  options: Options<E, R>
): Effect.Effect<Authorization, never, Types.NoInfer<R> | Scope.Scope> => {
  const refreshTimeout = validate.millis("Authorization.make: refreshTimeout", options.refreshTimeout ?? "30 seconds")
  const owners =
    options.origins === undefined ? undefined : origins.listed("Authorization.make: origins", options.origins)
  return Effect.contextWith((context: Context.Context<R | Scope.Scope>) =>
    Effect.map(Effect.scope, (scope) => ({
      [TypeId]: new Tokens(
        failing("token", Effect.provideContext(options.token, context)),
        options.refresh === undefined
          ? undefined
          : failing("refresh", Effect.timeout(Effect.provideContext(options.refresh, context), refreshTimeout)),
        options.apply ?? HttpClientRequest.bearerToken,
        owners,
        scope
      )
    }))
  )
}

/**
 * Adds the token to the requests of an `HttpClient`. A 401 refreshes it once and sends the request again. A redirect to
 * another origin gets no token, unless the option `origins` lists that origin.
 *
 * @category combinators
 * @since 0.1.0
 */
export const client: {
  /** Adds the token to the requests of an `HttpClient`. A 401 refreshes it once and sends the request again. */
  (
    authorization: Authorization
  ): <E, R>(
    self: HttpClient.HttpClient.With<E, R>
  ) => HttpClient.HttpClient.With<E | HttpClientError.HttpClientError, R>
  /** Adds the token to the requests of an `HttpClient`. A 401 refreshes it once and sends the request again. */
  <E, R>(
    self: HttpClient.HttpClient.With<E, R>,
    authorization: Authorization
  ): HttpClient.HttpClient.With<E | HttpClientError.HttpClientError, R>
} = dual(
  2,
  <E, R>(
    self: HttpClient.HttpClient.With<E, R>,
    authorization: Authorization
  ): HttpClient.HttpClient.With<E | HttpClientError.HttpClientError, R> =>
    HttpClient.makeWith(
      (request: Effect.Effect<HttpClientRequest.HttpClientRequest, E, R>) =>
        tokensOf(authorization).send(request, widened(self.postprocess)),
      (request) => Effect.map(self.preprocess(request), firstAsked.mark)
    )
)

// ---- internal ----

/** How long the failure of a refresh answers the requests that would begin it again. */
const failurePauseMillis = 1_000

const failing = <A, E>(
  step: AuthorizationError["step"],
  effect: Effect.Effect<A, E>
): Effect.Effect<A, AuthorizationError> =>
  Effect.mapError(effect, (cause) => new AuthorizationError({ step, cause: Redacted.make<unknown>(cause) }))

/** The error of a refresh that was interrupted, or whose scope is closed. */
const stopped = /*#__PURE__*/ new AuthorizationError({
  step: "refresh",
  cause: /*#__PURE__*/ Redacted.make<unknown>(/*#__PURE__*/ new Error("the refresh was interrupted"))
})

// A client passes on every failure of the Effect of its request.
const widened = <E, R>(
  postprocess: HttpClient.HttpClient.Postprocess<E, R>
): HttpClient.HttpClient.Postprocess<E | HttpClientError.HttpClientError, R> =>
  postprocess as HttpClient.HttpClient.Postprocess<E | HttpClientError.HttpClientError, R>

// Only `make` writes under this key, and it writes tokens.
const tokensOf = (self: Authorization): Tokens => self[TypeId] as Tokens

/** Stands for a request that was not made. */
const unsent = /*#__PURE__*/ HttpClientRequest.get("")

class Tokens {
  private readonly read: Effect.Effect<Redacted.Redacted, AuthorizationError>
  private readonly refresh: Effect.Effect<unknown, AuthorizationError> | undefined
  private readonly apply: NonNullable<Options["apply"]>
  private readonly owners: ReadonlySet<string> | undefined
  private readonly scope: Scope.Scope
  /** How often the token was replaced. */
  private generation = 0
  private refreshing: Deferred.Deferred<unknown, AuthorizationError> | undefined
  private failed: { readonly at: number; readonly error: AuthorizationError } | undefined

  constructor(
    read: Effect.Effect<Redacted.Redacted, AuthorizationError>,
    refresh: Effect.Effect<unknown, AuthorizationError> | undefined,
    apply: NonNullable<Options["apply"]>,
    owners: ReadonlySet<string> | undefined,
    scope: Scope.Scope
  ) {
    this.read = read
    this.refresh = refresh
    this.apply = apply
    this.owners = owners
    this.scope = scope
  }

  send<E, R>(
    request: Effect.Effect<HttpClientRequest.HttpClientRequest, E, R>,
    execute: (
      request: Effect.Effect<HttpClientRequest.HttpClientRequest, E | HttpClientError.HttpClientError, R>
    ) => Effect.Effect<HttpClientResponse, E | HttpClientError.HttpClientError, R>
  ): Effect.Effect<HttpClientResponse, E | HttpClientError.HttpClientError, R> {
    return Effect.suspend(() => {
      let sent: HttpClientRequest.HttpClientRequest = unsent
      let withToken = false
      const refused = (cause: AuthorizationError) =>
        new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request: sent, cause }) })
      // The token is added within the Effect of the request, where the services of the client are.
      const attempt = execute(
        Effect.flatMap(request, (marked) =>
          Effect.flatMap(ForeignOrigin, (foreign) => {
            withToken = this.owns(marked, foreign)
            sent = firstAsked.unmark(marked)
            return withToken
              ? Effect.map(Effect.mapError(this.read, refused), (token) => this.apply(sent, token))
              : Effect.succeed(sent)
          })
        )
      )
      // The server would reject a token that is being replaced.
      const ready = this.refreshing === undefined ? Effect.void : Effect.exit(Deferred.await(this.refreshing))
      return Effect.flatMap(ready, () => {
        const { generation } = this
        return Effect.flatMap(Effect.result(attempt), (first) => {
          const response = refusal(first)
          if (response === undefined || !withToken || this.refresh === undefined || sent.body._tag === "Stream") {
            return Effect.fromResult(first)
          }
          return this.renew(this.refresh, generation).pipe(
            Effect.mapError(refused),
            // This frees the connection.
            Effect.andThen(boundedBody.discard(response)),
            Effect.andThen(attempt)
          )
        })
      })
    })
  }

  /** Whether a request goes to an origin that the token belongs to. */
  private owns(request: HttpClientRequest.HttpClientRequest, foreign: boolean): boolean {
    if (this.owners === undefined) return !foreign && firstAsked.isHome(request)
    const origin = urls.urlOf(request)?.origin
    return origin !== undefined && this.owners.has(origin)
  }

  /** Replaces the token of a generation, once for all requests with it. */
  private renew(
    refresh: Effect.Effect<unknown, AuthorizationError>,
    generation: number
  ): Effect.Effect<unknown, AuthorizationError> {
    return Effect.flatMap(Clock.currentTimeMillis, (now) => {
      if (this.generation !== generation) return Effect.void
      if (this.refreshing !== undefined) return Deferred.await(this.refreshing)
      if (this.failed !== undefined && now - this.failed.at < failurePauseMillis) return Effect.fail(this.failed.error)
      return Effect.flatMap(Effect.uninterruptible(this.begin(refresh)), Deferred.await)
    })
  }

  /** Runs in a fiber of its own: the wait that started it may end while others still need the token. */
  private begin(
    refresh: Effect.Effect<unknown, AuthorizationError>
  ): Effect.Effect<Deferred.Deferred<unknown, AuthorizationError>> {
    return Effect.suspend(() => {
      const done = Deferred.makeUnsafe<unknown, AuthorizationError>()
      // A fiber forked in a closed scope would never start.
      if (this.scope.state._tag === "Closed") return Effect.as(Deferred.fail(done, stopped), done)
      this.refreshing = done
      const noted = Effect.onExit(refresh, (exit) =>
        Effect.flatMap(Clock.currentTimeMillis, (at) => {
          // The requests that wait for the token were not interrupted.
          const told = Exit.hasInterrupts(exit) ? Exit.fail(stopped) : exit
          const error = Option.getOrUndefined(Exit.findErrorOption(told))
          if (Exit.isSuccess(told)) this.generation++
          this.failed = error === undefined ? undefined : { at, error }
          this.refreshing = undefined
          return Deferred.done(done, told)
        })
      )
      return Effect.as(Effect.forkIn(noted, this.scope), done)
    })
  }
}

/** The response with a 401, also from a client that fails on such a status. */
const refusal = (sent: Result.Result<HttpClientResponse, unknown>): HttpClientResponse | undefined => {
  const response = Result.isSuccess(sent)
    ? sent.success
    : HttpClientError.isHttpClientError(sent.failure) && sent.failure.reason._tag === "StatusCodeError"
      ? sent.failure.reason.response
      : undefined
  return response?.status === 401 ? response : undefined
}
