/**
 * The routes of Mixpeek: tasks, and the resources behind them.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import * as Job from "./job.ts"
import type { JobStore } from "./jobStore.ts"
import type { Provider } from "./provider.ts"
import * as Wire from "./wire.ts"

/**
 * Creates the API of Mixpeek. A list contains at most `pageSize` tasks, newest first. A batch that succeeds causes a
 * webhook to `documentsWrittenUrl`.
 */
export const make = (
  store: JobStore,
  options: { readonly pageSize: number; readonly documentsWrittenUrl: string | undefined }
): Provider => {
  const api: Api = { store, ...options }
  return {
    name: "Mixpeek",
    prefix: "/mixpeek",
    kinds: Object.keys(shapes),
    create: (kind, input) => create(api, kind, input),
    routes: [
      submitRoute(api, "/v1/buckets/:bucket_id/batches", "batch"),
      submitRoute(api, "/v1/clusters", "cluster"),
      submitRoute(api, "/v1/taxonomies", "taxonomy"),
      resourceRoute(api, "/v1/buckets/:bucket_id/batches/:id", "batch"),
      resourceRoute(api, "/v1/clusters/:id", "cluster"),
      resourceRoute(api, "/v1/taxonomies/:id", "taxonomy"),
      Wire.route("GET", "/v1/tasks/:id", ({ param }) =>
        store.check(find(api, param("id")), (job, now) => Wire.json(task(job, now)))
      ),
      Wire.route("POST", "/v1/tasks/list", (incoming) => list(api, incoming)),
      Wire.route("POST", "/v1/tasks/:id/kill", ({ param }) => kill(api, param("id")))
    ]
  }
}

// ---- internal ----

interface Api {
  readonly store: JobStore
  readonly pageSize: number
  readonly documentsWrittenUrl: string | undefined
}

type Create = Provider["create"]

const create = (api: Api, kind: string, input: Parameters<Create>[1]): ReturnType<Create> => {
  const { store } = api
  const shape = shapes[kind] ?? batchShape
  const id = store.nextId("tsk")
  const sharedIds: Record<string, string> = kind === "batch" ? { bucket_id: input.params["bucket_id"] ?? "bkt_1" } : {}
  return store
    .add({
      ...input,
      params: { ...input.params, ...sharedIds },
      provider: "Mixpeek",
      kind,
      id,
      ids: { task_id: id, [shape.idName]: store.nextId(shape.prefix) },
      sharedIds,
      outcomes: ["succeeded", "failed", "canceled"]
    })
    .pipe(Effect.tap((job) => forkDocumentsWritten(api, job)))
}

const forkDocumentsWritten = ({ documentsWrittenUrl: url, store }: Api, job: Job.Job): Effect.Effect<void> => {
  if (url === undefined || job.kind !== "batch") return Effect.void
  return store.fork(
    Effect.flatMap(store.awaitEnd(job), ({ outcome }) =>
      outcome === "succeeded" ? store.push(url, documentsWritten) : Effect.void
    )
  )
}

const submitRoute = (api: Api, path: `/${string}`, kind: string): Wire.Route =>
  Wire.route("POST", path, (incoming) => {
    const params: Record<string, string> = kind === "batch" ? { bucket_id: incoming.param("bucket_id") } : {}
    return Effect.flatMap(readSubmission(incoming), ({ sent: body }) =>
      api.store.submit({
        provider: "Mixpeek",
        kind,
        params,
        body,
        create: (script) => create(api, kind, { script, params, body }),
        respond: (job) => Wire.json(job.ids, 201)
      })
    )
  })

const resourceRoute = ({ store }: Api, path: `/${string}`, kind: string): Wire.Route =>
  Wire.route("GET", path, ({ param }) => {
    const job = store.find(param("id"))
    const own =
      job?.provider === "Mixpeek" &&
      job.kind === kind &&
      resourceId(job) === param("id") &&
      (kind !== "batch" || job.ids["bucket_id"] === param("bucket_id"))
    return store.check(own ? job : undefined, resourceResponse, { ofFallback: true })
  })

const find = ({ store }: Api, id: string): Job.Job | undefined => {
  const job = store.find(id)
  return job?.provider === "Mixpeek" && job.id === id ? job : undefined
}

const list = Effect.fnUntraced(function* ({ pageSize, store }: Api, incoming: Wire.Incoming) {
  const { value: filter } = yield* readFilter(incoming)
  const after = yield* instant("created_after", filter.created_after, -Infinity)
  const before = yield* instant("created_before", filter.created_before, Infinity)
  const now = yield* store.count("Mixpeek", "list", "tasks_list")
  const listed = store
    .list("Mixpeek")
    .filter(
      (job) =>
        !store.isGone(job, now) &&
        matches(filter.task_type, taskType(job)) &&
        matches(filter.status, statusOf(job, now)) &&
        matches(filter.namespace, namespaceOf(job)) &&
        job.submittedAt >= after &&
        job.submittedAt <= before
    )
    .toReversed()
    .slice(0, pageSize)
  for (const job of listed) job.listed++
  return Wire.json({ tasks: listed.map((job) => task(job, now)) })
})

const kill = Effect.fnUntraced(function* (api: Api, id: string) {
  const { store } = api
  const job = find(api, id)
  const now = yield* Clock.currentTimeMillis
  if (job === undefined || store.isGone(job, now)) return Wire.notFound("task")
  return yield* store.act(job, "kill", killed(api, job))
})

const killed = ({ store }: Api, job: Job.Job): Effect.Effect<Wire.Response> => {
  if (job.kind === "taxonomy") {
    return Effect.succeed(Wire.json({ code: "cancel_unsupported", error: `${taskType(job)} cannot be killed` }, 400))
  }
  return store.settle(job, { outcome: "canceled", result: undefined, failure: undefined }).pipe(
    Effect.andThen(Clock.currentTimeMillis),
    Effect.map((now) => Wire.json({ task_id: job.id, status: statusOf(job, now) }))
  )
}

interface Shape {
  readonly prefix: string
  readonly idName: string
  readonly taskType: string
}

const batchShape: Shape = { prefix: "batch", idName: "batch_id", taskType: "api_buckets_batches_process" }

const shapes: Readonly<Record<string, Shape>> = {
  batch: batchShape,
  cluster: { prefix: "cluster", idName: "cluster_id", taskType: "api_clusters_execute" },
  taxonomy: { prefix: "taxonomy", idName: "taxonomy_id", taskType: "api_taxonomies_materialize" }
}

/** The body of the webhook, which names no task. */
const documentsWritten = { event: "collection.documents.written", collection_id: "col_1" }

const states = {
  queued: "PENDING",
  running: "PROCESSING",
  succeeded: "COMPLETED",
  failed: "FAILED",
  canceled: "CANCELED"
}

const Texts = Schema.optional(Schema.Union([Schema.String, Schema.Array(Schema.String)]))

const Instant = Schema.optional(Schema.Union([Schema.String, Schema.Finite]))

const readSubmission = Wire.body(Schema.Struct({ namespace: Schema.optional(Schema.String) }))

const readFilter = Wire.body(
  Schema.Struct({
    task_type: Texts,
    status: Texts,
    namespace: Texts,
    created_after: Instant,
    created_before: Instant
  })
)

const hasNamespace = Schema.is(Schema.Struct({ namespace: Schema.String }))

const shapeOf = (job: Job.Job): Shape => shapes[job.kind] ?? batchShape

const taskType = (job: Job.Job): string => shapeOf(job).taskType

const resourceId = (job: Job.Job): string => job.ids[shapeOf(job).idName] ?? ""

const namespaceOf = (job: Job.Job): string => (hasNamespace(job.body) ? job.body.namespace : "default")

const statusOf = (job: Job.Job, now: number): string => Job.stateOf(job, now, states)

const matches = (wanted: string | ReadonlyArray<string> | undefined, value: string): boolean =>
  wanted === undefined || (typeof wanted === "string" ? wanted === value : wanted.includes(value))

const instant = (
  field: string,
  value: string | number | undefined,
  absent: number
): Effect.Effect<number, Wire.Response> => {
  if (value === undefined) return Effect.succeed(absent)
  const time = Option.getOrUndefined(DateTime.make(value))
  return time === undefined
    ? Effect.fail(Wire.badRequest(`${field} is not a valid time`))
    : Effect.succeed(DateTime.toEpochMillis(time))
}

const task = (job: Job.Job, now: number): unknown => {
  const end = Job.endOf(job, now)
  const { task_id: _, ...ids } = job.ids
  return {
    task_id: job.id,
    task_type: taskType(job),
    status: statusOf(job, now),
    inputs: [resourceId(job)],
    outputs: end?.result ?? null,
    additional_data: { ...ids, job_id: `ray_${job.id}` },
    error_message: end?.failure?.message ?? null,
    created_at: Wire.iso(job.submittedAt)
  }
}

const resourceResponse = (job: Job.Job, now: number): Wire.Response => {
  const end = Job.endOf(job, now)
  return Wire.json({
    [shapeOf(job).idName]: resourceId(job),
    status: statusOf(job, now),
    error_message: end?.failure?.message ?? null,
    outputs: end?.result ?? null
  })
}
