/**
 * A multimodal data platform whose operations are all tasks: batches, clusterings, taxonomies and more.
 *
 * **Details**
 *
 * All resources share one enumeration of words:
 *
 * | word | meaning |
 * |---|---|
 * | `PENDING`, `PROCESSING` | pending |
 * | `COMPLETED` | succeeded, with `outputs` |
 * | `FAILED` | failed, with `error_message`, or "Unknown error" |
 * | `CANCELED` | canceled |
 * | `IN_PROGRESS`, `SKIPPED`, `UNKNOWN`, `DRAFT`, `ACTIVE`, `ARCHIVED`, `SUSPENDED` | pending, unless `meanings` says otherwise |
 *
 * The documentation calls only the three ends terminal; so its own loop goes on at every other word, on tasks and on all
 * resources alike, and that is our default for each of them. `meanings` changes it per resource.
 *
 * A task is looked at with delays of 1 second, growing by 1.5 to 30 seconds. Its record is gone after about 24 hours;
 * then the resource behind it is looked at instead and from then on. Which one that is, `fallbacks` says by the type of
 * the task; its ids come from the task's `additional_data`, if it was ever seen, or from the key, where the submits put
 * them. Without them the wait ends as `JobNotFound`. A long operation can be watched on its resource from the beginning:
 * that is what `resources` is for.
 *
 * The webhook `collection.documents.written` names no task: it is a reason to look, and never an end.
 *
 * @since 0.1.0
 */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Look from "effect-poll/Look"
import * as Strategy from "effect-poll/Strategy"
import * as settings from "./internal/settings.ts"
import { KeyCodec, type Resource, ResourceCodec, type TaskKey } from "./MixpeekKey.ts"
import * as MixpeekStatus from "./MixpeekStatus.ts"
import type { WithStrategy } from "./Settings.ts"

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends WithStrategy {
  /**
   * Where the resource behind a task is looked at, by the type of the task, as a path template whose names are ids of
   * `additional_data` or of the key. Added to `fallbacks`; what has the same type replaces it.
   */
  readonly fallbacks?: Readonly<Record<string, string>> | undefined
  /** What the words mean that the documentation leaves open; default: pending, everywhere. */
  readonly meanings?: MixpeekStatus.Meanings | undefined
  /** The types of task that can be killed; default: batches and clustering. */
  readonly killable?: ReadonlyArray<string> | undefined
}

/**
 * What is submitted: a batch of a bucket, a clustering or a taxonomy, with its JSON body.
 *
 * @category models
 * @since 0.1.0
 */
export type Submission =
  | { readonly kind: "batch"; readonly bucketId: string; readonly body?: Readonly<Record<string, unknown>> | undefined }
  | { readonly kind: "cluster" | "taxonomy"; readonly body?: Readonly<Record<string, unknown>> | undefined }

/**
 * Which tasks to list. All that is given must hold; there is no filter by id.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListFilter {
  readonly taskTypes?: ReadonlyArray<string> | undefined
  readonly statuses?: ReadonlyArray<string> | undefined
  readonly namespace?: string | undefined
  readonly createdAfter?: DateTime.DateTime | undefined
  readonly createdBefore?: DateTime.DateTime | undefined
}

/**
 * The server does not kill tasks of this type.
 *
 * @category errors
 * @since 0.1.0
 */
export class CancelUnsupported
  extends /*#__PURE__*/ Data.TaggedError("CancelUnsupported")<{
    readonly taskId: string
    /** Undefined if only the server knew it. */
    readonly taskType: string | undefined
  }>
{
  override get message(): string {
    const type = this.taskType === undefined ? "" : ` (${this.taskType})`
    return `Mixpeek task ${JSON.stringify(this.taskId)}${type} cannot be canceled`
  }
}

/**
 * The jobs of a Mixpeek service, and what else can be done with tasks.
 *
 * @category models
 * @since 0.1.0
 */
export interface Mixpeek {
  /** Tasks, with the fallback to their resource. `cancel` is `kill`. */
  readonly tasks: Job.Job<TaskKey, unknown, string, HttpCheckError, HttpClient.HttpClient, Submission, HttpCheckError>
  /** Resources, watched themselves. A resource whose ids do not fill its path is `JobNotFound`. */
  readonly resources: Job.Job<Resource, unknown, string, HttpCheckError, HttpClient.HttpClient>
  /** Asks the server to stop a task, which may still end otherwise. */
  readonly kill: (key: TaskKey) => Effect.Effect<void, CancelUnsupported | HttpCheckError, HttpClient.HttpClient>
  /** Lists tasks; the server may leave some off without saying so. */
  readonly list: (
    filter?: ListFilter
  ) => Effect.Effect<ReadonlyArray<MixpeekStatus.TaskRecord>, HttpCheckError, HttpClient.HttpClient>
}

/**
 * Where the resources of the documentation are looked at, by type of task.
 *
 * @category models
 * @since 0.1.0
 */
export const fallbacks: Readonly<Record<string, string>> = {
  api_buckets_batches_process: "/v1/buckets/{bucket_id}/batches/{batch_id}",
  api_clusters_execute: "/v1/clusters/{cluster_id}"
}

/**
 * The strategy of the documentation: 1 second, growing by 1.5 to 30 seconds; the first look at once.
 *
 * @category strategies
 * @since 0.1.0
 */
export const strategy: Strategy.Strategy = /*#__PURE__*/ Strategy.exponential({
  initial: "1 second",
  factor: 1.5,
  cap: "30 seconds"
})

/**
 * The Schema of the webhook that is sent when documents were written: a reason to look at the tasks that may have done
 * it. The name of the field is our reading; the documentation shows only the name of the event.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DocumentsWritten = /*#__PURE__*/ Schema.Struct({
  event: /*#__PURE__*/ Schema.Literal("collection.documents.written")
})

/**
 * Creates the jobs of a Mixpeek service.
 *
 * **Details**
 *
 * Bad options are RangeErrors at the call.
 *
 * **Example** (Watching a batch, past the life of its task record)
 *
 * ```ts no-run
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as Mixpeek from "@effect-poll/providers/Mixpeek"
 *
 * const { tasks } = Mixpeek.make({ baseUrl: "https://api.mixpeek.com" })
 * export const outputs = Effect.gen(function* () {
 *   const receipt = yield* tasks.submit!({ kind: "batch", bucketId: "bkt_products" })
 *   return yield* Poll.until(tasks, receipt.key, { deadline: "2 days" })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): Mixpeek => {
  const { missing, timeScale, url, ...common } = settings.check("Mixpeek.make", options)
  const paths: Readonly<Record<string, string>> = { ...fallbacks, ...options.fallbacks }
  for (const [type, path] of Object.entries(paths)) settings.nonEmpty(`Mixpeek.make: fallbacks.${type}`, path)
  const killable = options.killable ?? Object.keys(fallbacks)
  const statuses = MixpeekStatus.make(options.meanings)
  const shared = { ...common, strategy: options.strategy ?? settings.scaled(strategy, timeScale) }

  const pathOf = (resource: Resource): string | undefined => {
    const path = Object.hasOwn(paths, resource.taskType) ? paths[resource.taskType] : undefined
    return path === undefined ? undefined : settings.fill(path, resource.ids)
  }

  const lookAt = (resource: Resource) => {
    const path = pathOf(resource)
    return path === undefined
      ? Effect.succeed(Look.missing)
      : HttpCheck.get(url(path), statuses.resource(resource.taskType))
  }

  const kill: Mixpeek["kill"] = ({ fallback, taskId }) => {
    const unsupported = new CancelUnsupported({ taskId, taskType: fallback?.taskType })
    if (fallback !== undefined && !killable.includes(fallback.taskType)) return Effect.fail(unsupported)
    const to = url(settings.fillOrThrow("Mixpeek: key.taskId", "/v1/tasks/{taskId}/kill", { taskId }))
    return HttpCheck.json(HttpClientRequest.post(to), Schema.Unknown, {
      refuse: (_, body) => (hasProperty(body, "code") && body.code === "cancel_unsupported" ? unsupported : undefined)
    }).pipe(Effect.asVoid)
  }

  return {
    tasks: Job.make("Mixpeek.tasks", {
      ...shared,
      key: KeyCodec,
      check: ({ taskId }: TaskKey) =>
        HttpCheck.get(
          url(settings.fillOrThrow("Mixpeek: key.taskId", "/v1/tasks/{taskId}", { taskId })),
          statuses.task
        ),
      submit: (submission: Submission) => {
        const { path, taskType } = submitOf(submission)
        return HttpCheck.json(HttpClientRequest.post(url(path)), Submitted, { body: submission.body ?? {} }).pipe(
          Effect.map(({ task_id: taskId, ...ids }): Job.Receipt<TaskKey> => ({
            key: { taskId, fallback: { taskType, ids: MixpeekStatus.idsOf(ids) } }
          }))
        )
      },
      cancel: kill,
      missing: {
        ...missing,
        fallback: {
          locate: ({ fallback }, last) => {
            const seen = last === undefined ? undefined : MixpeekStatus.detailOf(last)
            const taskType = fallback?.taskType ?? seen?.taskType
            if (taskType === undefined) return undefined
            const resource: Resource = { taskType, ids: { ...seen?.ids, ...fallback?.ids } }
            return pathOf(resource) === undefined ? undefined : ResourceCodec.encode(resource)
          },
          check: (encoded) => lookAt(ResourceCodec.decode(encoded))
        }
      }
    }),
    resources: Job.make("Mixpeek.resources", { ...shared, missing, key: ResourceCodec, check: lookAt }),
    kill,
    list: (filter = {}) =>
      HttpCheck.json(HttpClientRequest.post(url("/v1/tasks/list")), Listed, {
        body: {
          task_type: filter.taskTypes,
          status: filter.statuses,
          namespace: filter.namespace,
          created_after: filter.createdAfter === undefined ? undefined : DateTime.formatIso(filter.createdAfter),
          created_before: filter.createdBefore === undefined ? undefined : DateTime.formatIso(filter.createdBefore)
        }
      }).pipe(Effect.map((answer) => answer.tasks))
  }
}

// ---- internal ----

const submitOf = (submission: Submission): { readonly path: string; readonly taskType: string } => {
  switch (submission.kind) {
    case "batch":
      return {
        path: settings.fillOrThrow("Mixpeek: bucketId", "/v1/buckets/{bucketId}/batches", {
          bucketId: submission.bucketId
        }),
        taskType: "api_buckets_batches_process"
      }
    case "cluster":
      return { path: "/v1/clusters", taskType: "api_clusters_execute" }
    case "taxonomy":
      return { path: "/v1/taxonomies", taskType: "api_taxonomies_materialize" }
  }
}

const Submitted = /*#__PURE__*/ Schema.StructWithRest(/*#__PURE__*/ Schema.Struct({ task_id: Schema.NonEmptyString }), [
  /*#__PURE__*/ Schema.Record(Schema.String, Schema.Unknown)
])

const Listed = /*#__PURE__*/ Schema.Struct({ tasks: /*#__PURE__*/ Schema.Array(MixpeekStatus.TaskRecord) })
