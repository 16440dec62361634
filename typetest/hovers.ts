/** Calls of overloaded functions. `compilers.test.ts` asks an editor for the documentation of each. */
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as CircuitBreakerGate from "@effect-poll/http/CircuitBreakerGate"
import * as DeviceFlow from "@effect-poll/http/DeviceFlow"
import * as LongRunning from "@effect-poll/http/LongRunning"
import * as McpTasks from "@effect-poll/http/McpTasks"
import * as RateLimitGate from "@effect-poll/http/RateLimitGate"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type * as Poller from "effect-poll/Poller"
import * as promise from "effect-poll/promise"
import * as Quorum from "effect-poll/Quorum"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"

interface Network {
  readonly network: true
}

declare const check: Effect.Effect<Status.Status<string, number>, "offline", Network>
declare const job: Job.Job<string, string, number, "offline", Network, boolean, "busy">
declare const layer: Layer.Layer<Network>
declare const poller: Poller.Service
declare const client: HttpClient.HttpClient
declare const limit: RateLimitGate.RateLimitGate
declare const breaker: CircuitBreakerGate.CircuitBreakerGate
declare const schema: StatusSchema.StatusSchema<string>

declare const request: HttpClientRequest.HttpClientRequest
declare const call: McpTasks.Call<"offline", Network>
declare const login: DeviceFlow.Client

const Payload = Schema.Struct({ done: Schema.Boolean, word: Schema.String })
const deadline = "1 minute"

export const hovers = [
  Poll.until(check, { deadline }),
  Poll.until(job, "a", { deadline }),
  check.pipe(Poll.until({ deadline })),
  Stream.runDrain(Poll.events(check, { deadline })),
  Poll.events(job, "a", { deadline }),
  Poll.start(check, { deadline }),
  Poll.start(job, "a", { deadline }),
  Poll.run(job, true, { deadline }),
  () => Poll.promise(Effect.succeed(Status.succeeded()), { deadline }),
  () => promise.poll(() => Status.succeeded(), { deadline }),
  () => promise.start(() => Status.succeeded(), { deadline }),
  job.pipe(Job.provide(layer)),
  CheckError.withKind(CheckError.permanent()),
  CheckResult.fromEffect(Effect.succeed(1)),
  poller.until(job, "a", { deadline }),
  poller.results(job, ["a"], { deadline }),
  CheckResult.withHint(Status.pending(), "1 second"),
  CheckResult.withRun({ run: "a" }),
  Status.succeeded(1),
  Status.succeeded(),
  Status.withState("DONE"),
  Strategy.maxAttempts(3),
  Strategy.spaced("1 second").pipe(Strategy.jittered("equal")),
  Quorum.atLeast([Poll.until(check, { deadline })], 1),
  StatusSchema.within(schema, "data"),
  StatusSchema.fromField(Payload, "done", { false: Status.pending(), true: Status.succeeded() }),
  StatusSchema.fromField(Payload, "word", { done: Status.succeeded() }, { orElse: () => Status.pending() }),
  LongRunning.run(request, { deadline }),
  McpTasks.run({ params: {} }, { dialect: "extension", call, deadline }),
  DeviceFlow.run(login, { onPrompt: () => Effect.void }),
  RateLimitGate.client(limit),
  CircuitBreakerGate.client(client, breaker),
  CircuitBreakerGate.check(check, breaker)
]
