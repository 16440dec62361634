/** The jobs of the app: how each kind is submitted, checked and canceled, and when. There is no React in this file. */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as Sse from "@effect-poll/http/Sse"
import * as Effect from "effect/Effect"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"

/** The body of a submit: the name of a script of the server. */
export interface Order {
  readonly script: string
}

// ---- exports: GET /api/job-status/{id}, with progress ----

const ExportStatus = StatusSchema.fromField(
  Schema.Union([
    Schema.Struct({ status: Schema.Literals(["pending", "processing"]), progress: Schema.optionalKey(Schema.Finite) }),
    Schema.Struct({ status: Schema.Literal("completed"), result: Schema.Struct({ file: Schema.String }) }),
    Schema.Struct({ status: Schema.Literal("failed"), errorMessage: Schema.String })
  ]),
  "status",
  {
    pending: ({ progress }) => Status.pending({ percent: progress }),
    processing: ({ progress }) => Status.pending({ percent: progress }),
    completed: ({ result }) => Status.succeeded(result.file),
    failed: ({ errorMessage }) => Status.failed(errorMessage)
  }
)

const exportUrl = (id: string) => here(`/api/job-status/${id}`)

const startExport = (order: Order) =>
  post("/api/start-async-job", Schema.Struct({ jobId: Schema.String }), order).pipe(
    Effect.map(({ hint, value }) => ({ key: value.jobId, hint }))
  )

/** Exports, checked often at first, then less often. */
export const Exports = Job.make("export", {
  submit: startExport,
  check: HttpCheck.check(exportUrl, ExportStatus),
  strategy: Strategy.exponential({ initial: "1 second", factor: 1.5, cap: "10 seconds" }),
  stall: { after: "20 seconds" }
})

/** The same exports with server-sent events. They are still checked, but rarely, since events can get lost. */
export const LiveExports = Job.make("live export", {
  check: HttpCheck.check(exportUrl, ExportStatus),
  push: Sse.checks((id: string) => `${exportUrl(id)}/events`, ExportStatus)
})

// ---- batches: GET /v1/tasks/{id}, which can be canceled ----

const BatchStatus = StatusSchema.fromField(
  Schema.Union([
    Schema.Struct({
      status: Schema.Literals(["PENDING", "PROCESSING"]),
      additional_data: Schema.optionalKey(Schema.Struct({ batch_id: Schema.String }))
    }),
    Schema.Struct({ status: Schema.Literals(["COMPLETED", "CANCELED"]) }),
    Schema.Struct({ status: Schema.Literal("FAILED"), error_message: Schema.NullOr(Schema.String) })
  ]),
  "status",
  {
    PENDING: (task) => Status.pending({ detail: task.additional_data?.batch_id }),
    PROCESSING: (task) => Status.pending({ detail: task.additional_data?.batch_id }),
    COMPLETED: Status.succeeded("indexed"),
    CANCELED: Status.canceled(),
    FAILED: (task) => Status.failed(task.error_message ?? "no reason given")
  }
)

/** Batches of a search index. The server soon deletes the task, so checks then ask for the batch, which it keeps. */
export const Batches = Job.make("batch", {
  submit: (order: Order) =>
    post("/v1/buckets/bkt_demo/batches", Schema.Struct({ task_id: Schema.String }), order).pipe(
      Effect.map(({ value }) => ({ key: value.task_id }))
    ),
  check: HttpCheck.check((id: string) => here(`/v1/tasks/${id}`), BatchStatus),
  cancel: (id) => Effect.asVoid(post(`/v1/tasks/${id}/kill`, Schema.Unknown, {})),
  strategy: Strategy.exponential({ initial: "1 second", factor: 1.5, cap: "30 seconds" }),
  missing: {
    fallback: {
      locate: (_id, last) => (last?._tag === "Pending" && typeof last.detail === "string" ? last.detail : undefined),
      check: HttpCheck.check((batchId: string) => here(`/v1/buckets/bkt_demo/batches/${batchId}`), BatchStatus)
    }
  }
})

// ---- pictures: GET /generateTask/{model}/{id}, never ready before 8 seconds ----

const PictureStatus = StatusSchema.within(
  StatusSchema.fromField(
    Schema.Struct({
      state: Schema.Literals(["waiting", "generating", "success", "failed"]),
      failMsg: Schema.optional(Schema.NullOr(Schema.String))
    }),
    "state",
    {
      waiting: Status.pending(),
      generating: Status.pending(),
      success: Status.succeeded("harbor.png"),
      failed: ({ failMsg }) => Status.failed(failMsg ?? "no reason given")
    }
  ),
  ["data"]
)

/** Pictures of a model that takes some time: the first check comes after 8 seconds. */
export const Pictures = Job.make("picture", {
  submit: (order: Order) =>
    post("/generateTask/flux-2", Schema.Struct({ data: Schema.Struct({ taskId: Schema.String }) }), {
      ...order,
      request_type: "async",
      input: { prompt: "a harbor at dawn" }
    }).pipe(Effect.map(({ value }) => ({ key: value.data.taskId }))),
  check: HttpCheck.check((id: string) => here(`/generateTask/flux-2/${id}`), PictureStatus),
  strategy: Strategy.withFirstWait(Strategy.spaced("3 seconds"), "8 seconds")
})

// ---- packages: GET /package_builder/packages/{id}, every 5 seconds ----

const PackageStatus = StatusSchema.fromField(
  Schema.Union([
    Schema.Struct({ status: Schema.Literals(["PENDING", "BUILDING", "EXPIRED"]) }),
    Schema.Struct({ status: Schema.Literal("DONE"), url: Schema.String }),
    Schema.Struct({ status: Schema.Literal("FAILED"), error: Schema.String })
  ]),
  "status",
  {
    PENDING: Status.pending(),
    BUILDING: Status.pending(),
    DONE: ({ url }) => Status.succeeded(url),
    FAILED: ({ error }) => Status.failed(error),
    EXPIRED: Status.expired()
  }
)

/** Packages of files, checked every 5 seconds. */
export const Packages = Job.make("package", {
  submit: (order: Order) =>
    post("/package_builder/packages", Schema.Struct({ id: Schema.String }), order).pipe(
      Effect.map(({ value }) => ({ key: value.id }))
    ),
  check: HttpCheck.check((id: string) => here(`/package_builder/packages/${id}`), PackageStatus),
  strategy: Strategy.spaced("5 seconds")
})

// ---- badges: numbers that never end ----

const UnreadStatus = StatusSchema.fromPayload(Schema.Struct({ unread: Schema.Finite }), ({ unread }) =>
  Status.pending({ detail: unread })
)

/** Numbers of unread things, by the path that counts them. Their waits have no deadline, and no error ends them. */
export const Badges = Job.make("badge", {
  check: HttpCheck.check((path: string) => here(`/${path}`), UnreadStatus),
  strategy: (path) => Strategy.spaced(path === "messages/unread" ? "15 minutes" : "10 seconds"),
  checkErrors: "unbounded"
})

// ---- internal ----

const here = (path: string): string => new URL(path, location.origin).href

const post = <A>(path: string, schema: Schema.Codec<A, unknown>, body: unknown) =>
  HttpCheck.send(HttpClientRequest.post(here(path)), schema, { body })
