/**
 * A rate limit, a circuit breaker and an authorization for one server, combined in the right order into one gate and
 * one `HttpClient`.
 *
 * **Details**
 *
 * `RateLimitGate`, `CircuitBreakerGate` and `Authorization` each wrap a client, and the first two are gates as well.
 * The order matters for both.
 *
 * A check asks the gates in this order:
 *
 * | gate | because |
 * |---|---|
 * | 1. circuit breaker | a check that it postpones takes no token from the rate budget, so an outage costs no budget |
 * | 2. rate limit | its tokens are for checks that are made |
 *
 * A request passes the clients in this order, from the check to the network:
 *
 * | client | because |
 * |---|---|
 * | 1. circuit breaker | it sees one outcome per check, after a refresh; a probe that it sends has the current token |
 * | 2. authorization | every request has the current token, also a probe and a repeated request |
 * | 3. rate limit | it sees every answer, also the 401 before a refresh, which the server counts too |
 *
 * In another order a probe would repeat an old token, a refresh would hide answers from the rate limit, and an outage
 * would use up the budget. A token that cannot be read or refreshed does not show that the server is down: the circuit
 * ignores it.
 *
 * The origin rule of `RequestOptions` applies to all three. A request to another origin, which a server named, carries
 * no token. Its answer affects neither gate, unless the option `requests` assigns it.
 *
 * Leave retries to the wait: `checkErrors.retry` asks the gate before each one. `HttpClient.retryTransient` on the
 * client that is passed in hides all but the last answer from the rate limit.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { CircuitBreakerStore } from "effect/persistence/CircuitBreaker"
import type { RateLimiter } from "effect/persistence/RateLimiter"
import type { Scope } from "effect/Scope"
import * as Gate from "effect-poll/Gate"
import * as Authorization from "./Authorization.ts"
import * as CircuitBreakerGate from "./CircuitBreakerGate.ts"
import * as validate from "./internal/validate.ts"
import * as RateLimitGate from "./RateLimitGate.ts"

/**
 * The options of `make`. Each of the three guards is optional.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out E = unknown, out R = unknown> {
  /** Limits the rate of checks, see `RateLimitGate`. Default: no limit. */
  readonly rateLimit?: RateLimitGate.Options | undefined
  /** Holds checks back while the server is down, see `CircuitBreakerGate`. Default: no circuit breaker. */
  readonly circuitBreaker?: CircuitBreakerGate.Options | undefined
  /** Adds a token to each request and refreshes it, see `Authorization`. Default: no token. */
  readonly authorization?: Authorization.Options<E, R> | undefined
  /**
   * The budget and the endpoint of a request, if the gates have several: the options of `RateLimitGate.client` and of
   * `CircuitBreakerGate.client`. Default: all budgets, the one endpoint.
   */
  readonly requests?:
    | {
        readonly budget?: ((request: HttpClientRequest) => string) | undefined
        readonly endpoint?: ((request: HttpClientRequest) => string) | undefined
      }
    | undefined
}

/**
 * A gate, and the client that reports answers to it.
 *
 * @category models
 * @since 0.1.0
 */
export interface HttpGuards {
  /** The value for the option `gate` of waits. */
  readonly gate: Gate.Gate
  /** The client of the checks: provide it as `HttpClient.HttpClient`. */
  readonly client: HttpClient.HttpClient
}

/**
 * The services that `make` needs: the client that sends the requests, a `RateLimiter` for `rateLimit`, a
 * `CircuitBreakerStore` for `circuitBreaker`, the services of `authorization`, and a scope for the last two.
 *
 * @category models
 * @since 0.1.0
 */
export type Services<O extends Options> =
  | HttpClient.HttpClient
  | (IsGiven<O, "rateLimit"> extends true ? RateLimiter : never)
  | (IsGiven<O, "circuitBreaker"> extends true ? CircuitBreakerStore | Scope : never)
  | (IsGiven<O, "authorization"> extends true ? Scope : never)
  | (O extends { readonly authorization?: Authorization.Options<infer _E, infer R> | undefined } ? Known<R> : never)

/**
 * Creates the gate and the client of a server, for as long as the scope lives.
 *
 * **Details**
 *
 * The client wraps the `HttpClient` of the context. Use gate and client together: only the client reports answers to
 * the gate. Out-of-range options are RangeErrors at the call. So is `requests.endpoint` if the `endpoint` of the
 * circuit breaker is not a function, and the other way round.
 *
 * **Example** (Waiting behind a rate limit, with a token)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as HttpClient from "effect/http/HttpClient"
 * import * as HttpClientRequest from "effect/http/HttpClientRequest"
 * import * as HttpClientResponse from "effect/http/HttpClientResponse"
 * import * as Layer from "effect/Layer"
 * import * as RateLimiter from "effect/persistence/RateLimiter"
 * import * as Redacted from "effect/Redacted"
 * import * as Schema from "effect/Schema"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 * import * as StatusSchema from "effect-poll/StatusSchema"
 * import * as HttpCheck from "@effect-poll/http/HttpCheck"
 * import * as HttpGuards from "@effect-poll/http/HttpGuards"
 *
 * // A server without a network, which demands a token.
 * const server = HttpClient.make((request) =>
 *   Effect.succeed(
 *     HttpClientResponse.fromWeb(
 *       request,
 *       request.headers["authorization"] === "Bearer t-1"
 *         ? new Response('{ "state": "done", "url": "a.mp4" }')
 *         : new Response(null, { status: 401 })
 *     )
 *   )
 * )
 * const Video = Schema.Struct({ state: Schema.Literals(["busy", "done"]), url: Schema.String })
 * const VideoStatus = StatusSchema.fromField(Video, "state", {
 *   busy: Status.pending(),
 *   done: ({ url }) => Status.succeeded(url)
 * })
 * const video = Effect.gen(function* () {
 *   const { client, gate } = yield* HttpGuards.make({
 *     rateLimit: { limit: 100, window: "1 minute" },
 *     authorization: { token: Effect.succeed(Redacted.make("t-1")) }
 *   })
 *   const check = HttpCheck.make(HttpClientRequest.get("https://api.example.com/videos/1"), VideoStatus)
 *   return yield* Effect.provideService(Poll.until(check, { deadline: "1 hour", gate }), HttpClient.HttpClient, client)
 * }).pipe(
 *   Effect.scoped,
 *   Effect.provide(RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory))),
 *   Effect.provideService(HttpClient.HttpClient, server)
 * )
 * await Effect.runPromise(video) // => "a.mp4"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <const O extends Options>(options: O): Effect.Effect<HttpGuards, never, Services<O>> =>
  // The services of the options that are given stand in the signature.
  assemble(options) as Effect.Effect<HttpGuards, never, Services<O>>

// ---- internal ----

type IsGiven<O, Name extends keyof Options> = Name extends keyof O
  ? [O[Name]] extends [undefined]
    ? false
    : true
  : false

/** The services of an authorization that is not there are not known. */
type Known<R> = unknown extends R ? never : R

const assemble = ({ authorization, circuitBreaker, rateLimit, requests }: Options) => {
  checkEndpoint(circuitBreaker, requests?.endpoint)
  // Made here, so that bad options are RangeErrors at the call.
  const limiting = rateLimit === undefined ? undefined : RateLimitGate.make(rateLimit)
  const authorizing = authorization === undefined ? undefined : Authorization.make(authorization)
  const breaking = circuitBreaker === undefined ? undefined : CircuitBreakerGate.make(circuitBreaker)
  return Effect.gen(function* () {
    const gates: Array<Gate.Gate> = []
    let client: HttpClient.HttpClient = yield* HttpClient.HttpClient
    // The clients from the network outwards, and the gates from the last one that is asked: see the module.
    if (limiting !== undefined) {
      const gate = yield* limiting
      gates.unshift(gate)
      client = RateLimitGate.client(client, gate, { budget: requests?.budget })
    }
    if (authorizing !== undefined) client = Authorization.client(client, yield* authorizing)
    if (breaking !== undefined) {
      const gate = yield* breaking
      gates.unshift(gate)
      client = CircuitBreakerGate.client(client, gate, { endpoint: requests?.endpoint })
    }
    return { gate: Gate.all(gates), client }
  })
}

const checkEndpoint = (
  circuitBreaker: Options["circuitBreaker"],
  endpoint: ((request: HttpClientRequest) => string) | undefined
): void => {
  const several = typeof circuitBreaker?.endpoint === "function"
  if (circuitBreaker !== undefined && several !== (endpoint !== undefined)) {
    throw new RangeError(
      `HttpGuards.make: requests.endpoint must be ${several ? "a function, as circuitBreaker.endpoint is" : "left out: the circuit breaker has one endpoint"}, got ${validate.show(endpoint)}`
    )
  }
}
