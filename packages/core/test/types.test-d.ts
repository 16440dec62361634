import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Stream from "effect/Stream"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import * as KeyCodec from "effect-poll/KeyCodec"
import type { Observation } from "effect-poll/Observation"
import * as Poll from "effect-poll/Poll"
import type { PollError } from "effect-poll/PollError"
import type { PollEvent } from "effect-poll/PollEvent"
import * as Poller from "effect-poll/Poller"
import * as Quorum from "effect-poll/Quorum"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"

class NetworkError {
  readonly _tag = "NetworkError"
}
interface Network {
  readonly network: true
}

class Service extends Context.Service<Service, { readonly wait: number }>()("test/Service") {}

declare const check: Effect.Effect<
  Status.Pending | Status.Succeeded<string> | Status.Failed<number>,
  NetworkError,
  Network
>
declare const job: Job.Job<string, string, number, NetworkError, Network, boolean, "busy">

const ignore = (_effect: unknown): void => {}
const options = { deadline: "1 minute" } as const
type Result = Effect.Effect<string, PollError<number, NetworkError>, Network>

const Render = Schema.Struct({
  status: Schema.Literals(["PENDING", "DONE", "FAILED"]),
  urls: Schema.Array(Schema.String)
})

describe("until", () => {
  it("has the typed result and errors in all three forms", () => {
    expectTypeOf(Poll.until(check, options)).toEqualTypeOf<Result>()
    expectTypeOf(check.pipe(Poll.until(options))).toEqualTypeOf<Result>()
    expectTypeOf(Poll.until(job, "a", options)).toEqualTypeOf<Result>()
  })

  it("demands a deadline", () => {
    // @ts-expect-error deadline is missing
    ignore(Poll.until(check, {}))
    // @ts-expect-error deadline is missing
    ignore(Poll.until(check, { strategy: Strategy.spaced("1 second") }))
  })

  it("demands the job's own key", () => {
    // @ts-expect-error the key of this job is a string
    ignore(Poll.until(job, 7, options))
  })

  it("takes any schedule without an error of its own, and asks for its services", () => {
    const schedule = Schedule.addDelay(Schedule.forever, () => Service.useSync((service) => service.wait))
    expectTypeOf(Poll.until(Effect.succeed(Status.pending()), { ...options, strategy: schedule })).toExtend<
      Effect.Effect<never, unknown, Service>
    >()
    // @ts-expect-error a schedule that can fail is no strategy
    ignore(Poll.until(check, { ...options, strategy: Schedule.cron("* * * * *") }))
  })

  it("gives a schedule's while a typed input", () => {
    const untilHalf = Schedule.spaced("1 second").pipe(
      Schedule.setInputType<Observation>(),
      Schedule.while(({ input }) => (input.status.progress ?? 0) < 0.5)
    )
    ignore(Poll.until(check, { ...options, strategy: untilHalf }))
  })

  it("types the classifier by the error of the check", () => {
    ignore(
      Poll.until(check, {
        ...options,
        checkErrors: {
          kindOf: (error) => {
            expectTypeOf(error).toEqualTypeOf<NetworkError>()
            return { _tag: "Permanent" }
          }
        }
      })
    )
  })

  it("has single tags for catchTag", () => {
    const handled = Poll.until(job, "a", options).pipe(
      Effect.catchTag("JobFailed", (error) => {
        expectTypeOf(error.failure).toEqualTypeOf<number>()
        return Effect.succeed("failed" as const)
      })
    )
    expectTypeOf<Effect.Error<typeof handled>["_tag"]>().toEqualTypeOf<
      | "JobCanceled"
      | "JobExpired"
      | "JobNotFound"
      | "JobStalled"
      | "PollTimeout"
      | "UnknownState"
      | "CheckRejected"
      | "CheckErrorsExhausted"
    >()
  })
})

describe("events", () => {
  it("never fails and carries the types of the job", () => {
    expectTypeOf(Poll.events(job, "a", options)).toEqualTypeOf<
      Stream.Stream<PollEvent<string, number, NetworkError>, never, Network>
    >()
  })
})

describe("fromField", () => {
  it("infers result and failure from its cases", () => {
    const schema = StatusSchema.fromField(Render, "status", {
      PENDING: Status.pending(),
      DONE: (render) => Status.succeeded(render.urls),
      FAILED: Status.failed("reason" as const)
    })
    expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<ReadonlyArray<string>, "reason">>()
  })

  it("does not compile without a case for every word", () => {
    StatusSchema.fromField(
      Render,
      "status",
      // @ts-expect-error FAILED has no case
      {
        PENDING: Status.pending(),
        DONE: Status.succeeded()
      }
    )
  })

  it("does not compile with a case for no word", () => {
    StatusSchema.fromField(Render, "status", {
      PENDING: Status.pending(),
      DONE: Status.succeeded(),
      FAILED: Status.failed("x"),
      // @ts-expect-error PAUSED is no word of the Schema
      PAUSED: Status.pending()
    })
  })

  it("gives a case of a union its own member", () => {
    const Task = Schema.Union([
      Schema.Struct({ state: Schema.Literal("busy") }),
      Schema.Struct({ state: Schema.Literal("ready"), result: Schema.Finite })
    ])
    const schema = StatusSchema.fromField(Task, "state", {
      busy: Status.pending(),
      ready: (task) => Status.succeeded(task.result)
    })
    expectTypeOf(schema).toEqualTypeOf<StatusSchema.StatusSchema<number>>()
  })
})

describe("Job", () => {
  it("infers its types from its check", () => {
    const made = Job.make("render", { check: (_id: string) => check })
    expectTypeOf(made).toExtend<Job.Job<string, string, number, NetworkError, Network>>()
  })

  it("infers the key of its check from the codec", () => {
    const key = KeyCodec.fromSchema(Schema.fromJsonString(Schema.Struct({ model: Schema.String })))
    const made = Job.make("render", { key, check: ({ model }) => Effect.succeed(Status.succeeded(model)) })
    expectTypeOf(made).toExtend<Job.Job<{ readonly model: string }, string>>()
  })

  it("takes another key only with its codec", () => {
    // @ts-expect-error a key that is no string needs a codec
    Job.make("render", { check: (_id: number) => check })
  })
})

describe("Poller", () => {
  class Numbers extends Context.Service<Numbers, { readonly seed: number }>()("test/Numbers") {}
  const poller = {} as Poller.Service
  const other = {} as Job.Job<number, boolean, "bad", "offline", Numbers>
  const one = {} as Handle<string, number, NetworkError>

  it("a wait has the types of its job, and needs what its checks need", () => {
    expectTypeOf(poller.add<string, string, number, NetworkError, Network>).returns.toEqualTypeOf<
      Effect.Effect<Handle<string, number, NetworkError>, never, Network>
    >()
    const added = () => poller.add(other, 1, options)
    expectTypeOf(added).returns.toEqualTypeOf<Effect.Effect<Handle<boolean, "bad", "offline">, never, Numbers>>()
    const result = () => poller.until(other, 1, options)
    expectTypeOf(result).returns.toEqualTypeOf<Effect.Effect<boolean, PollError<"bad", "offline">, Numbers>>()
    // @ts-expect-error the key of another job
    ignore(() => poller.add(other, "1", options))
    // @ts-expect-error no deadline
    ignore(() => poller.add(other, 1, {}))
  })

  it("a stream of results has the errors of its keys only", () => {
    const fromList = () => poller.results(other, [1, 2], options)
    expectTypeOf(fromList).returns.toEqualTypeOf<
      Stream.Stream<Poller.Settled<number, boolean, "bad", "offline">, never, Numbers>
    >()
    const keys = {} as Stream.Stream<number, "no keys", Network>
    const fromStream = () => poller.results(other, keys, options)
    expectTypeOf(fromStream).returns.toEqualTypeOf<
      Stream.Stream<Poller.Settled<number, boolean, "bad", "offline">, "no keys", Numbers | Network>
    >()
  })

  it("what combines waits has the types of all of them", () => {
    const both = [one.await, poller.until(other, 1, options)]
    type Both = PollError<number, NetworkError> | PollError<"bad", "offline">
    const enough = () => Quorum.atLeast(both, 2)
    expectTypeOf(enough).returns.toEqualTypeOf<
      Effect.Effect<Array<string | boolean>, Quorum.QuorumFailed<Both>, Numbers>
    >()
    const tolerated = () => Quorum.tolerate(new Set([one.await]), 1)
    expectTypeOf(tolerated).returns.toEqualTypeOf<
      Effect.Effect<Array<string>, Quorum.QuorumFailed<PollError<number, NetworkError>>>
    >()
  })

  it("onShutdown may need services", () => {
    const made = () => Poller.make({ onShutdown: () => Effect.asVoid(Numbers) })
    expectTypeOf(made).returns.toEqualTypeOf<Effect.Effect<Poller.Service, never, Numbers | Scope.Scope>>()
    expectTypeOf(Poller.layer({})).toEqualTypeOf<Layer.Layer<Poller.Poller>>()
  })
})
