import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { RateLimiter } from "effect/persistence/RateLimiter"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import * as Gate from "effect-poll/Gate"
import * as CheckResult from "effect-poll/CheckResult"
import type * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Authorization from "@effect-poll/http/Authorization"
import * as CircuitBreakerGate from "@effect-poll/http/CircuitBreakerGate"
import * as RateLimitGate from "@effect-poll/http/RateLimitGate"
import * as Interpretation from "@effect-poll/http/Interpretation"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"

const Task = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done", "failed"]) }), "state", {
  busy: Status.pending(),
  done: Status.succeeded(7),
  failed: Status.failed("bad")
})

const ignore = (_value: unknown): void => {}

type Plain = Effect.Effect<CheckResult.CheckResult<number, string>, HttpCheckError, HttpClient.HttpClient>

describe("HttpCheck", () => {
  it("a verdict without a value adds nothing to the types of the Schema, an ending adds its own", () => {
    expectTypeOf(HttpCheck.get("/", Task)).toEqualTypeOf<Plain>()
    expectTypeOf(HttpCheck.get("/", Task, { interpret: () => CheckResult.missing })).toEqualTypeOf<Plain>()
    expectTypeOf(
      HttpCheck.get("/", Task, { interpret: ({ status }) => (status === 470 ? Status.pending() : undefined) })
    ).toEqualTypeOf<Plain>()
    expectTypeOf(
      HttpCheck.get("/", Task, { interpret: Interpretation.rules([{ status: 470 }, Interpretation.decode]) })
    ).toEqualTypeOf<Plain>()
    expectTypeOf(
      HttpCheck.get("/", Task, { interpret: ({ status }) => (status === 410 ? Status.failed(new Date(0)) : undefined) })
    ).toEqualTypeOf<
      Effect.Effect<CheckResult.CheckResult<number, string | Date>, HttpCheckError, HttpClient.HttpClient>
    >()
    expectTypeOf(
      HttpCheck.get("/", Task, {
        interpret: ({ status }) => (status === 410 ? Interpretation.failed(Schema.Date) : undefined)
      })
    ).toEqualTypeOf<
      Effect.Effect<CheckResult.CheckResult<number, string | Date>, HttpCheckError, HttpClient.HttpClient>
    >()
    // @ts-expect-error a word is no verdict
    ignore(HttpCheck.get("/", Task, { interpret: () => "missing" }))
    // @ts-expect-error a promise is no verdict
    ignore(HttpCheck.get("/", Task, { interpret: async () => CheckResult.missing }))
  })

  it("rules - unites the types of its rows", () => {
    const needy = null as unknown as Schema.Codec<Date, string, Scope>
    expectTypeOf(
      Interpretation.rules(
        [{ status: 410 }, Status.succeeded(true)],
        [{ status: 409 }, Interpretation.transient()],
        [{ status: 422 }, Interpretation.failed(needy)],
        [{ status: 404 }, CheckResult.missing],
        [{ status: 418 }, ({ status }) => (status > 1 ? Interpretation.succeeded(Schema.Int) : undefined)],
        [{ status: 419 }, CheckResult.withHint(Status.failed(1n), "1 second")]
      )
    ).toEqualTypeOf<Interpretation.Interpret<boolean | number, Date | bigint, never, Scope>>()
    expectTypeOf(
      HttpCheck.get("/", Task, { interpret: Interpretation.rules([{ status: 422 }, Interpretation.failed(needy)]) })
    ).toEqualTypeOf<
      Effect.Effect<CheckResult.CheckResult<number, string | Date>, HttpCheckError, HttpClient.HttpClient | Scope>
    >()
    // @ts-expect-error a condition that no pattern has
    ignore(Interpretation.rules([{ staus: 410 }, CheckResult.missing]))
    // @ts-expect-error a word is no verdict
    ignore(Interpretation.rules([{ status: 410 }, "missing"]))
  })

  it("firstOf - unites the types of functions, tables and Effects", () => {
    const effect = null as unknown as Effect.Effect<Interpretation.Decode | undefined, Error, RateLimiter>
    expectTypeOf(
      Interpretation.firstOf(
        Interpretation.rules([{ status: 410 }, Status.succeeded(true)]),
        ({ status }) => (status === 1 ? Status.failed("x" as const) : undefined),
        () => effect
      )
    ).toEqualTypeOf<Interpretation.Interpret<boolean, "x", Error, RateLimiter>>()
  })

  it("an interpret that is an Effect adds its error and what it needs", () => {
    const effect = null as unknown as Effect.Effect<Status.Status<bigint, Date> | undefined, Error, Scope>
    expectTypeOf(HttpCheck.get("/", Task, { interpret: () => effect })).toEqualTypeOf<
      Effect.Effect<
        CheckResult.CheckResult<number | bigint, string | Date>,
        HttpCheckError | Error,
        HttpClient.HttpClient | Scope
      >
    >()
  })

  it("an Effect that makes the request adds its error and what it needs", () => {
    const request = null as unknown as Effect.Effect<HttpClientRequest.HttpClientRequest, Error, Scope>
    expectTypeOf(HttpCheck.make(request, Task)).toEqualTypeOf<
      Effect.Effect<CheckResult.CheckResult<number, string>, HttpCheckError | Error, HttpClient.HttpClient | Scope>
    >()
    expectTypeOf(HttpCheck.make(HttpClientRequest.get("/"), Task)).toEqualTypeOf<Plain>()
  })
})

describe("clients", () => {
  it("stay clients", () => {
    const client = null as unknown as HttpClient.HttpClient
    const budget = null as unknown as RateLimitGate.RateLimitGate
    const breaker = null as unknown as CircuitBreakerGate.CircuitBreakerGate
    const authorization = null as unknown as Authorization.Authorization
    expectTypeOf(
      client.pipe(RateLimitGate.client(budget), CircuitBreakerGate.client(breaker), Authorization.client(authorization))
    ).toExtend<HttpClient.HttpClient>()
    expectTypeOf(RateLimitGate.client(budget)(client)).toEqualTypeOf<
      HttpClient.HttpClient.With<HttpClientError.HttpClientError>
    >()
    expectTypeOf(Gate.all([budget, breaker])).toEqualTypeOf<Gate.Gate>()
  })

  it("client - takes the HttpClient first or last", () => {
    const client = null as unknown as HttpClient.HttpClient.With<"broken", Scope>
    const budget = null as unknown as RateLimitGate.RateLimitGate
    const breaker = null as unknown as CircuitBreakerGate.CircuitBreakerGate
    const authorization = null as unknown as Authorization.Authorization
    type Failing = HttpClient.HttpClient.With<"broken" | HttpClientError.HttpClientError, Scope>
    const ofBudget = { budget: (request: HttpClientRequest.HttpClientRequest) => request.url }
    const ofEndpoint = { endpoint: (request: HttpClientRequest.HttpClientRequest) => request.url }

    expectTypeOf(RateLimitGate.client(client, budget)).toEqualTypeOf<typeof client>()
    expectTypeOf(RateLimitGate.client(client, budget, ofBudget)).toEqualTypeOf<typeof client>()
    expectTypeOf(client.pipe(RateLimitGate.client(budget, ofBudget))).toEqualTypeOf<typeof client>()
    expectTypeOf(CircuitBreakerGate.client(client, breaker)).toEqualTypeOf<Failing>()
    expectTypeOf(CircuitBreakerGate.client(client, breaker, ofEndpoint)).toEqualTypeOf<Failing>()
    expectTypeOf(client.pipe(CircuitBreakerGate.client(breaker, ofEndpoint))).toEqualTypeOf<Failing>()
    expectTypeOf(Authorization.client(client, authorization)).toEqualTypeOf<Failing>()
    expectTypeOf(client.pipe(Authorization.client(authorization))).toEqualTypeOf<Failing>()
    // @ts-expect-error the client of one gate is not that of another
    ignore(CircuitBreakerGate.client(client, budget))
  })

  it("make - needs a limiter, a scope, and what tokens need", () => {
    expectTypeOf(RateLimitGate.make({ limit: 1, window: 1 })).toEqualTypeOf<
      Effect.Effect<RateLimitGate.RateLimitGate, never, RateLimiter>
    >()
    expectTypeOf(
      Authorization.make({ token: null as unknown as Effect.Effect<Redacted.Redacted, Error, RateLimiter> })
    ).toEqualTypeOf<Effect.Effect<Authorization.Authorization, never, RateLimiter | Scope>>()
  })

  it("check - adds CheckTimeout", () => {
    const breaker = null as unknown as CircuitBreakerGate.CircuitBreakerGate
    const check = null as unknown as Effect.Effect<number, string, Scope>
    const subject = { job: "render", key: "a" }
    type Guarded = Effect.Effect<number, string | PollError.CheckTimeout, Scope>
    expectTypeOf(check.pipe(CircuitBreakerGate.check(breaker))).toEqualTypeOf<Guarded>()
    expectTypeOf(check.pipe(CircuitBreakerGate.check(breaker, subject))).toEqualTypeOf<Guarded>()
    expectTypeOf(CircuitBreakerGate.check(check, breaker)).toEqualTypeOf<Guarded>()
    expectTypeOf(CircuitBreakerGate.check(check, breaker, subject)).toEqualTypeOf<Guarded>()
  })
})
