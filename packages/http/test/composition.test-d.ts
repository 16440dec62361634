import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { RateLimiter } from "effect/persistence/RateLimiter"
import type * as Redacted from "effect/Redacted"
import type * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import { describe, expectTypeOf, it } from "vitest"
import type * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { CheckTimeout, PollError } from "effect-poll/PollError"
import type * as StatusSchema from "effect-poll/StatusSchema"
import type { SubmitError } from "effect-poll/SubmitError"
import * as Authorization from "@effect-poll/http/Authorization"
import * as AwsWaiter from "@effect-poll/http/AwsWaiter"
import * as CircuitBreakerGate from "@effect-poll/http/CircuitBreakerGate"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as DeviceFlow from "@effect-poll/http/DeviceFlow"
import type { HttpAnswer } from "@effect-poll/http/HttpAnswer"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as HttpGuards from "@effect-poll/http/HttpGuards"
import * as LongRunning from "@effect-poll/http/LongRunning"
import type { LongRunningFailure } from "@effect-poll/http/LongRunningFailure"
import type * as McpTaskError from "@effect-poll/http/McpTaskError"
import * as McpTasks from "@effect-poll/http/McpTasks"
import * as RateLimitGate from "@effect-poll/http/RateLimitGate"

// What Effect.all expects of its parts must not become what a check requires or fails with.

class Signer extends Context.Service<Signer, { readonly key: string }>()("test/Signer") {}
class Pacer extends Context.Service<Pacer, { readonly millis: number }>()("test/Pacer") {}
class Keys extends Context.Service<Keys, { readonly key: string }>()("test/Keys") {}

declare const plain: StatusSchema.StatusSchema<number, string>
declare const sealed: StatusSchema.StatusSchema<number, string, Keys>
declare const result: Schema.Codec<{ readonly rows: number }, unknown, Keys>
declare const signed: Effect.Effect<HttpClientRequest.HttpClientRequest, "unsigned", Signer>
declare const breaker: CircuitBreakerGate.CircuitBreakerGate
declare const waiter: AwsWaiter.Waiter
declare const describeTable: Effect.Effect<{ readonly state: string }, "denied", Signer>

declare const paced: Schedule.Schedule<number, unknown, never, Pacer>
declare const login: DeviceFlow.Client
declare const call: McpTasks.Call<"unreachable", Signer>

const gate = Gate.make(() => Effect.as(Pacer, Gate.open))
const options = { deadline: "1 minute" } as const
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

  it("AwsWaiter.run - adds nothing", () => {
    const call = () => describeTable
    type Table = { readonly state: string }
    type Failed = PollError<AwsWaiter.WaiterFailure<Table, "denied">, "denied">
    expectTypeOf(Effect.all([AwsWaiter.run("a", { ...options, waiter, call })])).toEqualTypeOf<
      Effect.Effect<[Table | undefined], Failed, Signer>
    >()
    expectTypeOf(Effect.all([AwsWaiter.run("a", { ...options, waiter, call, strategy: paced })])).toEqualTypeOf<
      Effect.Effect<[Table | undefined], Failed, Signer | Pacer>
    >()
    // A call that never fails, or whose result is not used.
    const idle = Effect.all([AwsWaiter.run("a", { ...options, waiter, call: () => Effect.succeed(1) })])
    expectTypeOf<Effect.Error<typeof idle>>().toEqualTypeOf<PollError<AwsWaiter.WaiterFailure<number, never>, never>>()
    expectTypeOf<Effect.Services<typeof idle>>().toBeNever()
  })

  it("HttpGuards - adds nothing to the services of the options that are given", () => {
    const token = null as unknown as Effect.Effect<Redacted.Redacted>
    const rateLimit = { limit: 1, window: 1 }
    expectTypeOf(Effect.all([HttpGuards.make({ rateLimit })])).toEqualTypeOf<
      Effect.Effect<[HttpGuards.HttpGuards], never, Client | RateLimiter>
    >()
    expectTypeOf(Effect.all([HttpGuards.make({ authorization: { token } })])).toEqualTypeOf<
      Effect.Effect<[HttpGuards.HttpGuards], never, Client | Scope>
    >()
    const read = Effect.map(Signer, ({ key }) => key as unknown as Redacted.Redacted)
    expectTypeOf(Effect.all([HttpGuards.make({ authorization: { token: read } })])).toEqualTypeOf<
      Effect.Effect<[HttpGuards.HttpGuards], never, Client | Scope | Signer>
    >()
  })

  it("DeviceFlow - adds nothing to the errors and services of the prompt", () => {
    type Failed = PollError<DeviceFlow.Failure, HttpCheckError> | DeviceFlow.AuthorizationRefused | HttpCheckError
    expectTypeOf(Effect.all([DeviceFlow.run(login, { onPrompt: () => Effect.void })])).toEqualTypeOf<
      Effect.Effect<[DeviceFlow.Token], Failed, Client>
    >()
    expectTypeOf(
      Effect.all([DeviceFlow.run(login, { onPrompt: () => Effect.as(Signer, 1), strategy: paced })])
    ).toEqualTypeOf<Effect.Effect<[DeviceFlow.Token], Failed, Client | Signer | Pacer>>()
    expectTypeOf(Effect.all([DeviceFlow.run(login, { onPrompt: () => Effect.fail("closed" as const) })])).toEqualTypeOf<
      Effect.Effect<[DeviceFlow.Token], Failed | "closed", Client>
    >()
    expectTypeOf(Effect.all([DeviceFlow.request(login)])).toEqualTypeOf<
      Effect.Effect<[DeviceFlow.Grant], DeviceFlow.AuthorizationRefused | HttpCheckError, Client>
    >()
  })

  it("LongRunning - adds nothing, and leaves a result without a Schema unknown", () => {
    type Failed = PollError<LongRunningFailure, HttpCheckError> | SubmitError | HttpCheckError
    expectTypeOf(Effect.all([LongRunning.run(request, options)])).toEqualTypeOf<
      Effect.Effect<[unknown], Failed, Client>
    >()
    expectTypeOf(Effect.all([LongRunning.run(request, { ...options, result })])).toEqualTypeOf<
      Effect.Effect<[{ readonly rows: number }], Failed, Client | Keys>
    >()
    expectTypeOf(Effect.all([LongRunning.run(request, { ...options, result, gate })])).toEqualTypeOf<
      Effect.Effect<[{ readonly rows: number }], Failed, Client | Keys | Pacer>
    >()
    const onReceipt = () => Effect.andThen(Signer, Effect.fail("full" as const))
    expectTypeOf(Effect.all([LongRunning.run(request, { ...options, onReceipt })])).toEqualTypeOf<
      Effect.Effect<[unknown], Failed | "full", Client | Signer>
    >()
  })

  it("McpTasks - adds nothing, and leaves a result without a Schema unknown", () => {
    type Check = "unreachable" | McpTaskError.InvalidAnswer | McpTaskError.InputRequired
    type Failed<EI = never> =
      | PollError<McpTaskError.Failure, Check | McpTaskError.InputFailed<EI>>
      | SubmitError
      | "unreachable"
      | McpTaskError.InvalidAnswer
    const task = { ...options, dialect: "extension", call } as const
    expectTypeOf(Effect.all([McpTasks.run({ params: {} }, task)])).toEqualTypeOf<
      Effect.Effect<[unknown], Failed, Signer>
    >()
    expectTypeOf(Effect.all([McpTasks.run({ params: {} }, { ...task, result: Schema.Finite })])).toEqualTypeOf<
      Effect.Effect<[number], Failed, Signer>
    >()
    const onInput = () => Effect.andThen(Keys, Effect.fail("no answer" as const))
    const onReceipt = () => Effect.andThen(Pacer, Effect.fail("full" as const))
    expectTypeOf(Effect.all([McpTasks.run({ params: {} }, { ...task, onInput, onReceipt })])).toEqualTypeOf<
      Effect.Effect<[unknown], Failed<"no answer"> | "full", Signer | Keys | Pacer>
    >()
    expectTypeOf(Effect.all([McpTasks.answering("task", { dialect: "extension", call, onInput })])).toEqualTypeOf<
      Effect.Effect<
        [McpTasks.TaskJob<unknown, "unreachable", Signer, McpTaskError.InputFailed<"no answer">>],
        never,
        Keys | Scope
      >
    >()
    const local = null as unknown as McpTasks.Call
    const alone = Effect.all([McpTasks.run({ params: {} }, { ...options, dialect: "extension", call: local })])
    expectTypeOf<Effect.Services<typeof alone>>().toBeNever()
    expectTypeOf<Extract<Effect.Error<typeof alone>, string>>().toBeNever()
  })

  it("interpret - adds its own errors and services only", () => {
    const interpret = ({ status }: HttpAnswer) =>
      status === 409 ? Effect.andThen(Signer, Effect.fail(409)) : undefined
    type Check = HttpCheckError | number
    expectTypeOf(Effect.all([LongRunning.run(request, { ...options, result, interpret })])).toEqualTypeOf<
      Effect.Effect<
        [{ readonly rows: number }],
        PollError<LongRunningFailure, Check> | SubmitError | Check,
        Client | Keys | Signer
      >
    >()
    expectTypeOf(Effect.all([DeviceFlow.run(login, { onPrompt: () => Effect.void, interpret })])).toEqualTypeOf<
      Effect.Effect<
        [DeviceFlow.Token],
        PollError<DeviceFlow.Failure, Check> | DeviceFlow.AuthorizationRefused | HttpCheckError,
        Client | Signer
      >
    >()
  })

  it("jobs made in place - add nothing", () => {
    const grant = null as unknown as DeviceFlow.Grant
    const tasks = McpTasks.job("task", { dialect: "extension", call, result: Schema.Finite })
    type TaskCheck = "unreachable" | McpTaskError.InvalidAnswer | McpTaskError.InputRequired
    expectTypeOf(Effect.all([Poll.run(LongRunning.job("export", { result }), request, options)])).toEqualTypeOf<
      Effect.Effect<
        [{ readonly rows: number }],
        PollError<LongRunningFailure, HttpCheckError> | SubmitError | HttpCheckError,
        Client | Keys
      >
    >()
    expectTypeOf(Effect.all([Poll.run(LongRunning.job("export"), request, options)])).toEqualTypeOf<
      Effect.Effect<[unknown], PollError<LongRunningFailure, HttpCheckError> | SubmitError | HttpCheckError, Client>
    >()
    expectTypeOf(
      Effect.all([Poll.until(DeviceFlow.job("login", { client: login, grant }), "a", options)])
    ).toEqualTypeOf<Effect.Effect<[DeviceFlow.Token], PollError<DeviceFlow.Failure, HttpCheckError>, Client>>()
    expectTypeOf(Effect.all([Poll.until(tasks, "a", options)])).toEqualTypeOf<
      Effect.Effect<[number], PollError<McpTaskError.Failure, TaskCheck>, Signer>
    >()
    expectTypeOf(
      Effect.all([Poll.until(McpTasks.job("task", { dialect: "extension", call }), "a", options)])
    ).toEqualTypeOf<Effect.Effect<[unknown], PollError<McpTaskError.Failure, TaskCheck>, Signer>>()
    const local = null as unknown as McpTasks.Call
    const pure = Effect.all([
      Poll.until(McpTasks.job("task", { dialect: "extension", call: local }), "a", options),
      Poll.until(AwsWaiter.job("table", { waiter, call: () => Effect.succeed(1) }), "a", options)
    ])
    expectTypeOf<Effect.Services<typeof pure>>().toBeNever()
    expectTypeOf<Effect.Success<typeof pure>>().toEqualTypeOf<[unknown, number | undefined]>()
    expectTypeOf(
      Effect.all([Poll.until(AwsWaiter.job("table", { waiter, call: () => describeTable }), "a", options)])
    ).toEqualTypeOf<
      Effect.Effect<
        [{ readonly state: string } | undefined],
        PollError<AwsWaiter.WaiterFailure<{ readonly state: string }, "denied">, "denied">,
        Signer
      >
    >()
  })
})

describe("other combinators", () => {
  type Failed = PollError<LongRunningFailure, HttpCheckError> | SubmitError | HttpCheckError

  it("zip - keeps services and errors", () => {
    expectTypeOf(
      Effect.zip(HttpCheck.send(request, Schema.Finite), LongRunning.run(request, { ...options, result }))
    ).toEqualTypeOf<Effect.Effect<[HttpCheck.Sent<number>, { readonly rows: number }], Failed, Client | Keys>>()
  })

  it("forEach - keeps services and errors", () => {
    expectTypeOf(Effect.forEach(["a"], (url) => HttpCheck.get(url, sealed))).toEqualTypeOf<
      Effect.Effect<Array<Found>, HttpCheckError, Client | Keys>
    >()
    expectTypeOf(Effect.forEach([request], (each) => LongRunning.run(each, options))).toEqualTypeOf<
      Effect.Effect<Array<unknown>, Failed, Client>
    >()
    const tokens = Effect.forEach([login], (each) => DeviceFlow.run(each, { onPrompt: () => Signer }))
    expectTypeOf<Effect.Services<typeof tokens>>().toEqualTypeOf<Client | Signer>()
  })

  it("gen - keeps services and errors", () => {
    const all = Effect.gen(function* () {
      const { value } = yield* HttpCheck.send(request, Schema.String)
      const [first] = yield* Effect.all([LongRunning.run(HttpClientRequest.get(value), { ...options, result })])
      const second = yield* LongRunning.run(request, { ...options, gate })
      return { first, second }
    })
    expectTypeOf(all).toEqualTypeOf<
      Effect.Effect<{ first: { readonly rows: number }; second: unknown }, Failed, Client | Keys | Pacer>
    >()
  })
})
