/**
 * A gate that holds checks back while their endpoint is down, with effect's `CircuitBreaker`.
 *
 * **Details**
 *
 * `client` or `check` reports the outcomes of requests to the gate.
 *
 * | outcome | the circuit |
 * |---|---|
 * | 5xx, 408, a network error, no answer within `timeout` | counts a failure |
 * | any other answer, and an answer that a Schema rejects | counts a success |
 * | 425, 429, a token that cannot be read or refreshed, an interruption | ignores it |
 *
 * - Consecutive failures open the circuit (`tripPolicy`). While it is open, checks are postponed with the reason
 *   "breaker open". They are no attempts and count against no error budget, so a wait survives an outage of any length
 *   within its deadline.
 * - When the open time ends, the gate sends one *probe* at a time: it repeats the request that was answered last. An
 *   answer closes the circuit; a failure opens it again, for longer.
 * - After every fourth opening in a row a check is let through as the probe, each key once in an outage: the repeated
 *   request may fail for a reason of its own.
 * - The check that found the circuit open returns when the open time ends. The others are postponed without asking the
 *   store. They return after it at random times (`Random`), spread over as long as the outage has lasted, at least 1
 *   second and at most `spread`. While a probe is in flight, all of them stay postponed, by a second or more.
 * - As long as an endpoint has answered no request, checks are the probes, each key once. After that, a failed check is
 *   repeated.
 *
 * An outage costs a wait the check that is in flight when it begins, and at most one check that is let through as a
 * probe. A wait that is alone on its endpoint fails 3 times by default until the circuit opens. That is within the five
 * consecutive errors that `checkErrors` tolerates by default. Failures after the circuit opened are not counted again.
 *
 * An interrupted probe makes room for another. `client` repeats only GET, HEAD and OPTIONS; `check` repeats every
 * Effect.
 *
 * With `HttpClient.retryTransient`, apply it first and `CircuitBreakerGate.client` after it, so that the circuit sees
 * one outcome per check. A gate does not hold back submits; `HttpClient.withCircuitBreaker` with `gate.breaker` does.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type { HttpClientRequest } from "effect/http/HttpClientRequest"
import type { HttpClientResponse } from "effect/http/HttpClientResponse"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Option from "effect/Option"
import * as Schedule from "effect/Schedule"
import type * as Scope from "effect/Scope"
import * as Gate from "effect-poll/Gate"
import type { Hint } from "effect-poll/CheckResult"
import * as CheckError from "effect-poll/CheckError"
import * as PollError from "effect-poll/PollError"
import * as HintReader from "./HintReader.ts"
import { HttpCheckError } from "./HttpCheckError.ts"
import { isAuthorizationFailure } from "./internal/request/authorizationFailure.ts"
import * as boundedBody from "./internal/request/boundedBody.ts"
import { CircuitGuard, guardOf, type Settings } from "./internal/gate/circuitGuard.ts"
import { ForeignOrigin } from "./internal/request/foreignOrigin.ts"
import * as validate from "./internal/validate.ts"

const TypeId = "~@effect-poll/http/CircuitBreakerGate"

/**
 * A gate with a circuit breaker.
 *
 * @category models
 * @since 0.1.0
 */
export interface CircuitBreakerGate extends Gate.Gate {
  /** The circuit breaker: its `state`, its `transitions`, and a guard for requests that are no checks. */
  readonly breaker: CircuitBreaker.CircuitBreaker
  readonly [TypeId]: unknown
}

/**
 * The options of a breaker.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * The endpoint of a check; also the key of its circuit. A function makes this a gate of several endpoints: then
   * `client` needs an option `endpoint` as well. Default: one endpoint, `"endpoint"`.
   */
  readonly endpoint?: string | ((subject: Gate.Subject) => string) | undefined
  /** When the circuit opens. Default: `CircuitBreaker.consecutive(3)`. */
  readonly tripPolicy?: CircuitBreaker.TripPolicy | undefined
  /**
   * How long the circuit stays open: a duration, or a schedule with one delay per consecutive opening. A longer
   * `Retry-After` of the failure that opens it takes precedence, up to an hour. Default: 1 second, doubling to 30
   * seconds.
   */
  readonly openDuration?: Duration.Input | Schedule.Schedule<unknown, number, never, never> | undefined
  /**
   * How long a check or a probe may take before it counts as a failure; a positive duration. Choose it shorter than the
   * `checkTimeout` of the waits (1 minute), since an interrupted check is ignored, and longer than the time for which a
   * server may hold back its answer (long polling). Default: 30 seconds.
   */
  readonly timeout?: Duration.Input | "unbounded" | undefined
  /** The longest time over which the checks resume after an outage; a positive finite duration. Default: 30 seconds. */
  readonly spread?: Duration.Input | undefined
}

/**
 * Creates a gate with a circuit breaker. The gate lives as long as the scope.
 *
 * **Details**
 *
 * The store decides who shares a circuit: this process with `CircuitBreaker.layerStoreMemory()`, all machines with
 * `CircuitBreaker.layerStoreRedis()`, which send one probe at a time among them. With Redis a check costs three calls
 * of the store. While the store fails, or takes longer than 2 seconds to return the state of the circuit, the gate
 * lets checks through.
 *
 * **Example** (A server that is down for a while)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
 * import * as Poll from "effect-poll/Poll"
 * import * as Status from "effect-poll/Status"
 * import * as Strategy from "effect-poll/Strategy"
 * import * as CircuitBreakerGate from "@effect-poll/http/CircuitBreakerGate"
 *
 * let checks = 0
 * const check = Effect.suspend(() => (++checks < 9 ? Effect.fail("ECONNREFUSED") : Effect.succeed(Status.succeeded("done"))))
 *
 * const wait = Effect.gen(function* () {
 *   const gate = yield* CircuitBreakerGate.make({ openDuration: "5 millis" })
 *   // Eight failures are more than the five that a wait tolerates, but most of them are probes of the gate.
 *   return yield* Poll.until(CircuitBreakerGate.check(check, gate), {
 *     strategy: Strategy.spaced("1 millis"),
 *     deadline: "1 minute",
 *     checkErrors: { schedule: Strategy.spaced("1 millis") },
 *     gate
 *   })
 * }).pipe(Effect.scoped, Effect.provide(CircuitBreaker.layerStoreMemory()))
 *
 * await Effect.runPromise(wait) // => "done"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (
  options?: Options
): Effect.Effect<CircuitBreakerGate, never, CircuitBreaker.CircuitBreakerStore | Scope.Scope> => {
  const settings = settingsOf(options ?? {})
  return Effect.map(
    CircuitBreaker.make({
      tripPolicy: options?.tripPolicy ?? CircuitBreaker.consecutive(3),
      openDuration: options?.openDuration ?? doubling
    }),
    (breaker) => {
      const guard = new CircuitGuard(breaker, settings)
      const gate = Gate.make((subject) => guard.ask(subject), {
        timeout: guard.questionTimeout,
        partition: (subject) => guard.endpointOf(subject)
      })
      return { breaker, ...gate, [TypeId]: guard }
    }
  )
}

/**
 * The options of `client`.
 *
 * @category models
 * @since 0.1.0
 */
export interface ClientOptions {
  /**
   * The endpoint of a request. Required if the option `endpoint` of the gate is a function, otherwise not allowed.
   * Default: the one endpoint of the gate.
   */
  readonly endpoint?: ((request: HttpClientRequest) => string) | undefined
}

/**
 * Reports the outcomes of an `HttpClient`'s requests to a gate.
 *
 * **Details**
 *
 * It holds no request back: the gate holds back checks. A request that is not answered within the `timeout` of the gate
 * fails with a `TransportError`. The circuit sees status code and headers, not the body; if only the body shows that
 * the server is down, use `check`. A request to another origin, which the server named (see `RequestOptions`), is
 * reported only with the option `endpoint`.
 *
 * Put it around `Authorization.client`: then a probe has the current token, and a 401 with its repetition is one
 * outcome. `HttpGuards` does that.
 *
 * A gate of several endpoints without the option `endpoint`, or the other way round, is a RangeError.
 *
 * @category combinators
 * @since 0.1.0
 */
export const client: {
  /**
   * Reports the outcomes of an `HttpClient`'s requests to a gate. A request that is not answered within the `timeout`
   * of the gate fails with a `TransportError`.
   */
  (
    gate: CircuitBreakerGate,
    options?: ClientOptions
  ): <E, R>(
    self: HttpClient.HttpClient.With<E, R>
  ) => HttpClient.HttpClient.With<E | HttpClientError.HttpClientError, R>
  /**
   * Reports the outcomes of an `HttpClient`'s requests to a gate. A request that is not answered within the `timeout`
   * of the gate fails with a `TransportError`.
   */
  <E, R>(
    self: HttpClient.HttpClient.With<E, R>,
    gate: CircuitBreakerGate,
    options?: ClientOptions
  ): HttpClient.HttpClient.With<E | HttpClientError.HttpClientError, R>
} = dual(
  (args) => HttpClient.isHttpClient(args[0]),
  <E, R>(
    self: HttpClient.HttpClient.With<E, R>,
    gate: CircuitBreakerGate,
    options?: ClientOptions
  ): HttpClient.HttpClient.With<E | HttpClientError.HttpClientError, R> => {
    const guard = guardOf(gate)
    const { endpoint } = guard.settings
    const endpointOf = options?.endpoint
    if ((endpointOf === undefined) !== (typeof endpoint === "string")) {
      throw new RangeError(
        `CircuitBreakerGate.client: endpoint must be ${typeof endpoint === "string" ? "left out: the gate has one endpoint" : "a function, as it is at the gate"}`
      )
    }
    return HttpClient.transform(self, (effect, request) => {
      const guarded = guardedRequest(guard, endpointOf, effect, request)
      return endpointOf === undefined
        ? Effect.flatMap(ForeignOrigin, (foreign) => (foreign ? effect : guarded))
        : guarded
    })
  }
)

/**
 * Reports the outcome of a check to a gate. A result or a permanent error counts as a success, a transient error as a
 * failure.
 *
 * **Details**
 *
 * A check that takes longer than the `timeout` of the gate fails with `CheckTimeout`, a transient error. An
 * `HttpCheckError` with a 429 or 425 is ignored, unless it ends a probe: then it counts as a success.
 *
 * A gate of several endpoints needs the third argument; without it the call is a RangeError:
 * `check: (key) => CircuitBreakerGate.check(check(key), gate, { job: "render", key })`.
 *
 * @category combinators
 * @since 0.1.0
 */
export const check: {
  /**
   * Reports the outcome of a check to a gate. A check that takes longer than the `timeout` of the gate fails with
   * `CheckTimeout`. `subject` says which check it is; a gate of several endpoints needs it.
   */
  (
    gate: CircuitBreakerGate,
    subject?: Gate.Subject
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | PollError.CheckTimeout, R>
  /**
   * Reports the outcome of a check to a gate. A check that takes longer than the `timeout` of the gate fails with
   * `CheckTimeout`. `subject` says which check it is; a gate of several endpoints needs it.
   */
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    gate: CircuitBreakerGate,
    subject?: Gate.Subject
  ): Effect.Effect<A, E | PollError.CheckTimeout, R>
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    gate: CircuitBreakerGate,
    subject?: Gate.Subject
  ): Effect.Effect<A, E | PollError.CheckTimeout, R> => {
    const guard = guardOf(gate)
    const { endpoint, timeoutMillis } = guard.settings
    if (typeof endpoint === "function" && subject === undefined) {
      throw new RangeError("CircuitBreakerGate.check: subject must be given, because the gate has several endpoints")
    }
    const timely = guard.within(
      self,
      () => new PollError.CheckTimeout({ checkTimeout: Duration.millis(timeoutMillis) })
    )
    return guard.execute(guard.endpointOf(subject ?? anySubject), timely, judgeCheck, timely)
  }
)

// ---- internal ----

const doubling = /*#__PURE__*/ Schedule.min([Schedule.exponential("1 second"), Schedule.spaced("30 seconds")])

const late = /*#__PURE__*/ new Cause.TimeoutError("no answer in time")

/** Stands for any check of a gate with one endpoint. */
const anySubject: Gate.Subject = { job: "check", key: "check" }

const repeatable: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"])

const guardedRequest = <E, R>(
  guard: CircuitGuard,
  endpointOf: ClientOptions["endpoint"],
  effect: Effect.Effect<HttpClientResponse, E, R>,
  request: HttpClientRequest
): Effect.Effect<HttpClientResponse, E | HttpClientError.HttpClientError, R> => {
  const tooLate = () =>
    new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause: late }) })
  return guard.execute(
    endpointOf === undefined ? guard.endpointOf(anySubject) : endpointOf(request),
    guard.within(effect, tooLate),
    judgeResponse,
    // The body is read to its end: this frees the connection.
    repeatable.has(request.method)
      ? guard.within(
          Effect.tap(effect, (response) => boundedBody.discard(response)),
          tooLate
        )
      : undefined
  )
}

const settingsOf = ({ endpoint = "endpoint", spread, timeout }: Options): Settings => ({
  endpoint:
    typeof endpoint === "function" ? endpoint : validate.nonEmpty("CircuitBreakerGate.make: endpoint", endpoint),
  timeoutMillis: validate.millisOrUnbounded("CircuitBreakerGate.make: timeout", timeout ?? "30 seconds"),
  spreadMillis: validate.millis("CircuitBreakerGate.make: spread", spread ?? "30 seconds")
})

/** The status codes that do not show whether a server is healthy. */
const tooSoon: ReadonlySet<number> = new Set([425, 429])

const ignored = /*#__PURE__*/ Effect.succeed(CircuitBreaker.ignored)

const failed = (hint: Hint | undefined): CircuitBreaker.Outcome =>
  CircuitBreaker.failure({ retryAfter: Duration.isDuration(hint) ? hint : undefined })

/** Any answer but 408 and 5xx shows that the server is up. */
const ofStatus = (status: number, hint: Hint | undefined): CircuitBreaker.Outcome => {
  if (tooSoon.has(status)) return CircuitBreaker.ignored
  return status >= 500 || status === 408 ? failed(hint) : CircuitBreaker.success
}

const judgeResponse = <E>(exit: Exit.Exit<HttpClientResponse, E>): Effect.Effect<CircuitBreaker.Outcome> => {
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  if (isAuthorizationFailure(error)) return ignored
  const response = Exit.isSuccess(exit)
    ? exit.value
    : HttpClientError.isHttpClientError(error) && error.reason._tag === "StatusCodeError"
      ? error.reason.response
      : undefined
  return response === undefined
    ? HttpClient.circuitBreakerClassifier(exit)
    : Effect.map(Clock.currentTimeMillis, (now) =>
        ofStatus(response.status, HintReader.fromHeaders(response.headers, now))
      )
}

const judgeCheck = <A, E>(exit: Exit.Exit<A, E>): Effect.Effect<CircuitBreaker.Outcome> => {
  if (Exit.isSuccess(exit)) return Effect.succeed(CircuitBreaker.success)
  const error = Exit.findErrorOption(exit)
  // A defect is a bug of the caller.
  if (error._tag === "None" || isAuthorizationFailure(error.value)) return ignored
  const kind = CheckError.kindOf(error.value)
  if (kind._tag === "Permanent") return Effect.succeed(CircuitBreaker.success)
  const { value } = error
  const status = value instanceof HttpCheckError && value.reason._tag === "Status" ? value.reason.status : undefined
  // A 503 that asks for patience is an outage all the same.
  const isThrottled = kind._tag === "Throttled" && (status === undefined || status < 500)
  return isThrottled || (status !== undefined && tooSoon.has(status))
    ? ignored
    : Effect.succeed(failed(kind.retryAfter))
}
