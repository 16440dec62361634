import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"
import type { CheckResult } from "effect-poll/CheckResult"
import type { PollError } from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import type { SubmitError } from "effect-poll/SubmitError"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as EventPlatformBadges from "@effect-poll/providers/EventPlatformBadges"
import * as GenerationApi from "@effect-poll/providers/GenerationApi"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"
import * as MixpeekStatus from "@effect-poll/providers/MixpeekStatus"

const baseUrl = "http://h"
const deadline = "1 minute"

type Wait<A, F> = Effect.Effect<A, PollError<F, HttpCheckError>, HttpClient>

const pending = Status.pending()

describe("results and failures", () => {
  it("JobStatus - yields the type of its result Schema, and fails with a string", () => {
    expectTypeOf(Poll.until(JobStatus.make({ baseUrl }), "k", { deadline })).toEqualTypeOf<Wait<unknown, string>>()
    const typed = JobStatus.make({ baseUrl, result: Schema.Struct({ output: Schema.String }) })
    expectTypeOf(Poll.until(typed, "k", { deadline })).toEqualTypeOf<Wait<{ readonly output: string }, string>>()
  })

  it("EventPlatform - yields packages, and a badge never ends", () => {
    const { campaigns, packages, tasks } = EventPlatform.make({ baseUrl })
    expectTypeOf(Poll.until(tasks, "k", { deadline })).toEqualTypeOf<Wait<unknown, string>>()
    expectTypeOf(Poll.until(campaigns, "k", { deadline, since: { run: "t" } })).toEqualTypeOf<Wait<unknown, string>>()
    expectTypeOf(Poll.until(packages, "k", { deadline })).toEqualTypeOf<Wait<EventPlatform.Package, string>>()
    const { messages } = EventPlatformBadges.make({ baseUrl })
    expectTypeOf(Poll.until(messages.check, { deadline })).toEqualTypeOf<Wait<never, never>>()
  })

  it("GenerationApi - yields URLs, and needs a key of two parts", () => {
    const api = GenerationApi.make({ baseUrl, token: {} as Redacted.Redacted })
    const key = { model: "m", taskId: "t" }
    type Expected = Wait<ReadonlyArray<string>, GenerationApi.GenerationFailure>
    expectTypeOf(Poll.until(api, key, { deadline })).toEqualTypeOf<Expected>()
    expectTypeOf(Poll.until(api, key, { deadline, ...GenerationApi.resilient() })).toEqualTypeOf<Expected>()
    // @ts-expect-error: the key has two parts
    void Poll.until(api, "t", { deadline })
  })

  it("Mixpeek - fails a kill with CancelUnsupported, and defines documented states itself", () => {
    const { kill, resources, tasks } = Mixpeek.make({ baseUrl })
    expectTypeOf(Poll.until(tasks, { taskId: "t" }, { deadline })).toEqualTypeOf<Wait<unknown, string>>()
    const resource = { taskType: "t", ids: {} }
    expectTypeOf(Poll.until(resources, resource, { deadline })).toEqualTypeOf<Wait<unknown, string>>()
    expectTypeOf(kill({ taskId: "t" })).toEqualTypeOf<
      Effect.Effect<void, Mixpeek.CancelUnsupported | HttpCheckError, HttpClient>
    >()
    // @ts-expect-error: COMPLETED means what the documentation says
    Mixpeek.make({ baseUrl, meanings: { task: { COMPLETED: "failed" } } })
  })

  it("AsyncQueue - signals with a redacted token only", () => {
    const queue = AsyncQueue.make({ baseUrl, result: Schema.Finite })
    expectTypeOf(Poll.until(queue.signalTasks, "k", { deadline })).toEqualTypeOf<Wait<number, string>>()
    expectTypeOf(queue.signal({} as Redacted.Redacted, { status: "completed" })).toEqualTypeOf<
      Effect.Effect<
        "accepted" | "alreadySignaled",
        AsyncQueue.UnknownToken | AsyncQueue.TaskFinished | AsyncQueue.TokenExpired | HttpCheckError,
        HttpClient
      >
    >()
    // @ts-expect-error: a token is a secret
    void queue.signal("token", { status: "completed" })
  })
})

// What Effect.all expects of its parts must not become what a job made in place requires or yields.
describe("Effect.all", () => {
  it("JobStatus and AsyncQueue - leave a result without a Schema unknown", () => {
    expectTypeOf(
      Effect.all([
        Poll.until(JobStatus.make({ baseUrl }), "k", { deadline }),
        Poll.until(AsyncQueue.make({ baseUrl }).tasks, "k", { deadline })
      ])
    ).toEqualTypeOf<Effect.Effect<[unknown, unknown], PollError<string, HttpCheckError>, HttpClient>>()
    expectTypeOf(
      Effect.all([Poll.until(JobStatus.make({ baseUrl, result: Schema.Finite }), "k", { deadline })])
    ).toEqualTypeOf<Effect.Effect<[number], PollError<string, HttpCheckError>, HttpClient>>()
  })

  it("the status of a check - leaves a result without a Schema unknown", () => {
    expectTypeOf(
      Effect.all([
        Poll.until(HttpCheck.get("/", JobStatus.status()), { deadline }),
        Poll.until(HttpCheck.get("/", AsyncQueue.status()), { deadline })
      ])
    ).toEqualTypeOf<Effect.Effect<[unknown, unknown], PollError<string, HttpCheckError>, HttpClient>>()
  })

  it("tasteClusters - adds nothing to the errors and services of its parts", () => {
    const parts = {
      check: () => HttpClientRequest.get("/"),
      status: StatusSchema.succeeded(Schema.Finite),
      strategy: Strategy.spaced("1 second")
    }
    expectTypeOf(Effect.all([Poll.until(EventPlatform.tasteClusters(parts), "k", { deadline })])).toEqualTypeOf<
      Effect.Effect<[number], PollError<never, HttpCheckError>, HttpClient>
    >()
    const submit = (_scene: string) => Effect.succeed({ key: "k" })
    expectTypeOf(
      Effect.all([Poll.run(EventPlatform.tasteClusters({ ...parts, submit }), "scene", { deadline })])
    ).toEqualTypeOf<Effect.Effect<[number], PollError<never, HttpCheckError> | SubmitError, HttpClient>>()
  })

  it("Mixpeek and signals - add nothing", () => {
    const { kill, tasks } = Mixpeek.make({ baseUrl })
    expectTypeOf(Effect.all([kill({ taskId: "t" }), Poll.until(tasks, { taskId: "t" }, { deadline })])).toEqualTypeOf<
      Effect.Effect<
        [void, unknown],
        Mixpeek.CancelUnsupported | HttpCheckError | PollError<string, HttpCheckError>,
        HttpClient
      >
    >()
  })
})

describe("pushes", () => {
  it("schemas - have the key, the result and the failure of the job", () => {
    type Decoded<K, A, F> = { readonly key: K | undefined; readonly result: CheckResult<A, F> | undefined }
    const decoded = <A>(_: Schema.Codec<A, unknown>): A => null as never
    const callback: Decoded<GenerationApi.Key, ReadonlyArray<string>, GenerationApi.GenerationFailure> = decoded(
      GenerationApi.Callback
    )
    const completion: Decoded<string, number, string> = decoded(AsyncQueue.completion(Schema.Finite))
    const done: Decoded<string, EventPlatform.Package, string> = decoded(EventPlatform.pushes.packages)
    const written: Decoded<never, never, never> = decoded(Mixpeek.DocumentsWritten)
    expectTypeOf(decoded(AsyncQueue.delivery(Schema.Struct({ n: Schema.Finite }))).payload.n).toEqualTypeOf<number>()
    void [callback, completion, done, written]
  })
})

describe("one case per state", () => {
  it("states - are literals", () => {
    expectTypeOf<JobStatus.State>().toEqualTypeOf<"pending" | "processing" | "completed" | "failed">()
    type TaskState = "pending" | "running" | "completed" | "failed" | "canceled"
    expectTypeOf<EventPlatform.TaskState>().toEqualTypeOf<TaskState>()
    expectTypeOf<EventPlatform.PackageState>().toEqualTypeOf<"PENDING" | "BUILDING" | "DONE" | "FAILED" | "EXPIRED">()
    expectTypeOf<GenerationApi.State>().toEqualTypeOf<"waiting" | "generating" | "success" | "failed">()
    type QueueState = "pending" | "processing" | "waiting" | "timeout" | "completed" | "failed"
    expectTypeOf<AsyncQueue.State>().toEqualTypeOf<QueueState>()
    type TwelveStates = typeof MixpeekStatus.States.Type
    expectTypeOf<MixpeekStatus.State>().toEqualTypeOf<TwelveStates>()
  })

  it("fromField - rejects a state without a case", () => {
    // @ts-expect-error: failed is missing
    StatusSchema.fromField(JobStatus.payload(), "status", {
      pending,
      processing: pending,
      completed: (job) => Status.succeeded(job)
    })
    // @ts-expect-error: canceled is missing
    StatusSchema.fromField(EventPlatform.Task, "state", {
      pending,
      running: pending,
      completed: pending,
      failed: pending
    })
    // @ts-expect-error: EXPIRED is missing
    StatusSchema.fromField(EventPlatform.PackageRecord, "status", {
      PENDING: pending,
      BUILDING: pending,
      DONE: pending,
      FAILED: pending
    })
    // @ts-expect-error: generating is missing
    StatusSchema.fromField(GenerationApi.Task, "state", { waiting: pending, success: pending, failed: pending })
    // @ts-expect-error: timeout is missing
    StatusSchema.fromField(AsyncQueue.taskSchema(), "status", {
      pending,
      processing: pending,
      waiting: pending,
      completed: pending,
      failed: pending
    })
    // @ts-expect-error: SUSPENDED is missing
    StatusSchema.fromField(MixpeekStatus.Task, "status", {
      PENDING: pending,
      PROCESSING: pending,
      IN_PROGRESS: pending,
      COMPLETED: pending,
      FAILED: pending,
      CANCELED: pending,
      SKIPPED: pending,
      UNKNOWN: pending,
      DRAFT: pending,
      ACTIVE: pending,
      ARCHIVED: pending
    })
  })

  it("fromField - passes the member with its state to each case", () => {
    StatusSchema.fromField(GenerationApi.Task, "state", {
      waiting: pending,
      generating: pending,
      success: (task) => {
        expectTypeOf(task.resultJson.resultUrls).toEqualTypeOf<ReadonlyArray<string>>()
        return pending
      },
      failed: (task) => {
        // @ts-expect-error: only a success has a result
        task.resultJson
        return pending
      }
    })
  })
})
