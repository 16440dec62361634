import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { RateLimiter } from "effect/persistence/RateLimiter"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import type * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { CheckTimeout, PollError } from "effect-poll/PollError"
import type * as StatusSchema from "effect-poll/StatusSchema"
import * as Authorization from "@effect-poll/http/Authorization"
import * as AwsWaiter from "@effect-poll/http/AwsWaiter"
import * as CircuitBreakerGate from "@effect-poll/http/CircuitBreakerGate"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as RateLimitGate from "@effect-poll/http/RateLimitGate"

// What Effect.all expects of its parts must not become what a check requires or fails with.

class Signer extends Context.Service<Signer, { readonly key: string }>()("test/Signer") {}
class Keys extends Context.Service<Keys, { readonly key: string }>()("test/Keys") {}

declare const plain: StatusSchema.StatusSchema<number, string>
declare const sealed: StatusSchema.StatusSchema<number, string, Keys>
declare const result: Schema.Codec<{ readonly rows: number }, unknown, Keys>
declare const signed: Effect.Effect<HttpClientRequest.HttpClientRequest, "unsigned", Signer>
declare const breaker: CircuitBreakerGate.CircuitBreakerGate
declare const waiter: AwsWaiter.Waiter
declare const describeTable: Effect.Effect<{ readonly state: string }, "denied", Signer>

const request = HttpClientRequest.get("/")
type Client = HttpClient.HttpClient
type Found = CheckResult.CheckResult<number, string>

describe("Effect.all", () => {
  it("HttpCheck - adds nothing to its services and errors", () => {
    expectTypeOf(Effect.all([HttpCheck.get("/", plain), HttpCheck.get("/", sealed)])).toEqualTypeOf<
      Effect.Effect<[Found, Found], HttpCheckError, Client | Keys>
    >()
    expectTypeOf(Effect.all([HttpCheck.make(request, plain)])).toEqualTypeOf<
      Effect.Effect<[Found], HttpCheckError, Client>
    >()
    expectTypeOf(Effect.all([HttpCheck.make(signed, plain)])).toEqualTypeOf<
      Effect.Effect<[Found], HttpCheckError | "unsigned", Client | Signer>
    >()
    expectTypeOf(Effect.all([HttpCheck.get("/", plain, { interpret: () => undefined })])).toEqualTypeOf<
      Effect.Effect<[Found], HttpCheckError, Client>
    >()
  })

  it("send - adds nothing", () => {
    const sent = Effect.all([
      HttpCheck.send(request, Schema.Struct({ id: Schema.String })),
      HttpCheck.send(request, result, {
        interpret: ({ status }) => (status === 409 ? Effect.fail("taken" as const) : undefined)
      })
    ])
    expectTypeOf<Effect.Error<typeof sent>>().toEqualTypeOf<HttpCheckError | "taken">()
    expectTypeOf<Effect.Services<typeof sent>>().toEqualTypeOf<Client | Keys>()
    const plainly = Effect.all([HttpCheck.send(request, Schema.String)])
    expectTypeOf<Effect.Error<typeof plainly>>().toEqualTypeOf<HttpCheckError>()
    expectTypeOf<Effect.Services<typeof plainly>>().toEqualTypeOf<Client>()
  })

  it("check and list - add nothing to a job made in place", () => {
    const made = Effect.all([
      Poll.until(
        Job.make("task", {
          check: HttpCheck.check((id: string) => `/tasks/${id}`, plain),
          checkMany: { max: 100, check: HttpCheck.list(request, { items: "tasks", key: "id", status: plain }) }
        }),
        "a",
        { deadline: "1 minute" }
      ),
      Poll.until(Job.make("task", { check: HttpCheck.check((_id: string) => signed, sealed) }), "a", {
        deadline: "1 minute"
      })
    ])
    // Effect unites the errors of its parts: those of the first wait go into those of the second.
    type Failure = PollError<string, HttpCheckError | "unsigned">
    expectTypeOf<Effect.Success<typeof made>>().toEqualTypeOf<[number, number]>()
    expectTypeOf<Effect.Error<typeof made>>().toEqualTypeOf<Failure>()
    expectTypeOf<Effect.Services<typeof made>>().toEqualTypeOf<Client | Keys | Signer>()
  })

  it("a wait for such a check - adds nothing", () => {
    expectTypeOf(Effect.all([Poll.until(HttpCheck.get("/", sealed), { deadline: "1 minute" })])).toEqualTypeOf<
      Effect.Effect<[number], PollError<string, HttpCheckError>, Client | Keys>
    >()
    expectTypeOf(Effect.all([HttpCheck.make(signed, plain).pipe(Poll.until({ deadline: "1 minute" }))])).toEqualTypeOf<
      Effect.Effect<[number], PollError<string, HttpCheckError | "unsigned">, Client | Signer>
    >()
  })

  it("gates and authorizations - add nothing", () => {
    const token = null as unknown as Effect.Effect<Redacted.Redacted>
    const read = Effect.map(Signer, ({ key }) => key as unknown as Redacted.Redacted)
    expectTypeOf(Effect.all([Authorization.make({ token }), Authorization.make({ token: read })])).toEqualTypeOf<
      Effect.Effect<[Authorization.Authorization, Authorization.Authorization], never, Scope | Signer>
    >()
    expectTypeOf(Effect.all([RateLimitGate.make({ limit: 1, window: 1 })])).toEqualTypeOf<
      Effect.Effect<[RateLimitGate.RateLimitGate], never, RateLimiter>
    >()
    expectTypeOf(Effect.all([CircuitBreakerGate.check(HttpCheck.get("/", plain), breaker)])).toEqualTypeOf<
      Effect.Effect<[Found], HttpCheckError | CheckTimeout, Client>
    >()
    expectTypeOf(Effect.all([HttpCheck.get("/", plain).pipe(CircuitBreakerGate.check(breaker))])).toEqualTypeOf<
      Effect.Effect<[Found], HttpCheckError | CheckTimeout, Client>
    >()
  })

  it("AwsWaiter - adds nothing", () => {
    const checked = Effect.all([AwsWaiter.check(waiter, describeTable)])
    expectTypeOf<Effect.Error<typeof checked>>().toEqualTypeOf<"denied">()
    expectTypeOf<Effect.Services<typeof checked>>().toEqualTypeOf<Signer>()
  })
})
