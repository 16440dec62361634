import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { RateLimiter } from "effect/persistence/RateLimiter"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import * as Gate from "effect-poll/Gate"
import type * as CheckResult from "effect-poll/CheckResult"
import type * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Authorization from "@effect-poll/http/Authorization"
import * as BreakerGate from "@effect-poll/http/BreakerGate"
import * as BudgetGate from "@effect-poll/http/BudgetGate"
import * as Classification from "@effect-poll/http/Classification"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"

const Task = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done", "failed"]) }), "state", {
  busy: Status.pending(),
  done: Status.succeeded(7),
  failed: Status.failed("bad")
})

type Plain = Effect.Effect<CheckResult.CheckResult<number, string>, HttpCheckError, HttpClient.HttpClient>

describe("HttpCheck", () => {
  it("a verdict in words adds nothing to the types of the Schema, a status adds its own", () => {
    expectTypeOf(HttpCheck.get("/", Task)).toEqualTypeOf<Plain>()
    expectTypeOf(HttpCheck.get("/", Task, { isMissing: () => true })).toEqualTypeOf<Plain>()
    expectTypeOf(
      HttpCheck.get("/", Task, { classify: ({ status }) => (status === 470 ? "pending" : undefined) })
    ).toEqualTypeOf<Plain>()
    expectTypeOf(
      HttpCheck.get("/", Task, { classify: Classification.when({ status: 470 }, "pending") })
    ).toEqualTypeOf<Plain>()
    expectTypeOf(
      HttpCheck.get("/", Task, {
        classify: Classification.firstOf<boolean, Date>(
          Classification.when({ status: 410 }, Status.succeeded(true)),
          Classification.when({ status: 409 }, "pending")
        )
      })
    ).toEqualTypeOf<
      Effect.Effect<CheckResult.CheckResult<number | boolean, string | Date>, HttpCheckError, HttpClient.HttpClient>
    >()
    expectTypeOf(
      HttpCheck.get("/", Task, { classify: ({ status }) => (status === 410 ? Status.failed(new Date(0)) : undefined) })
    ).toEqualTypeOf<
      Effect.Effect<CheckResult.CheckResult<number, string | Date>, HttpCheckError, HttpClient.HttpClient>
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
    const budget = null as unknown as BudgetGate.BudgetGate
    const breaker = null as unknown as BreakerGate.BreakerGate
    const authorization = null as unknown as Authorization.Authorization
    expectTypeOf(
      client.pipe(BudgetGate.client(budget), BreakerGate.client(breaker), Authorization.client(authorization))
    ).toExtend<HttpClient.HttpClient>()
    expectTypeOf(BudgetGate.client(budget)(client)).toEqualTypeOf<
      HttpClient.HttpClient.With<HttpClientError.HttpClientError>
    >()
    expectTypeOf(Gate.all([budget, breaker])).toEqualTypeOf<Gate.Gate>()
  })

  it("make - needs a limiter, a scope, and what tokens need", () => {
    expectTypeOf(BudgetGate.make({ limit: 1, window: 1 })).toEqualTypeOf<
      Effect.Effect<BudgetGate.BudgetGate, never, RateLimiter>
    >()
    expectTypeOf(
      Authorization.make({ token: null as unknown as Effect.Effect<Redacted.Redacted, Error, RateLimiter> })
    ).toEqualTypeOf<Effect.Effect<Authorization.Authorization, never, RateLimiter | Scope>>()
  })

  it("check - adds CheckTimeout", () => {
    const breaker = null as unknown as BreakerGate.BreakerGate
    expectTypeOf(BreakerGate.check(breaker)(Effect.fail("x"))).toEqualTypeOf<
      Effect.Effect<never, string | PollError.CheckTimeout>
    >()
  })
})
