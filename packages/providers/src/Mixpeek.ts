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
 * resources alike, and that is our default for each of them: an end that is none would lose a result, while a word that
 * stays is bounded by the deadline, and shown by it. `meanings` changes it, everywhere or per resource.
 *
 * A task is checked with delays of 1 second, growing by 1.5 to 30 seconds. Its record is gone after about 24 hours;
 * then the resource behind it is checked instead and from then on. Which one that is, `fallbacks` says by the type of
 * the task; its ids come from the task's `additional_data`, if it was ever seen, or from the key, where the submits put
 * them. Without them the wait ends as `JobNotFound`. A long operation can be watched on its resource from the beginning:
 * that is what `resources` is for.
 *
 * Many tasks are checked with one request where a `Poller` watches them: it asks the list for up to 100 that fall due
 * together, and checks alone at those that the list leaves off.
 *
 * The webhook `collection.documents.written` names no task: it is a reason to check, and never an end.
 *
 * @since 0.1.0
 */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Clock from "effect/Clock"
import * as Data from "effect/Data"
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Strategy from "effect-poll/Strategy"
import * as Gentle from "./Gentle.ts"
import * as MixpeekList from "./internal/mixpeekList.ts"
import * as settings from "./internal/settings.ts"
import { keyCodec, type Resource, resourceCodec, type TaskKey } from "./MixpeekKey.ts"
import * as MixpeekStatus from "./MixpeekStatus.ts"
import * as Push from "./Push.ts"
import type { WithStrategy } from "./Settings.ts"

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends WithStrategy {
  /**
   * Where the resource behind a task is checked, by the type of the task, as a path template whose names are ids of
   * `additional_data` or of the key. Added to `fallbacks`; what has the same type replaces it.
   */
  readonly fallbacks?: Readonly<Record<string, string>> | undefined
  /** What the words mean that the documentation leaves open; default: pending, everywhere. */
  readonly meanings?: MixpeekStatus.Meanings | undefined
  /** The types of task that can be killed; default: batches and clustering. */
  readonly killable?: ReadonlyArray<string> | undefined
  /**
   * Where work is submitted by POST; the path of a batch must have `{bucket_id}` in it. Default:
   * `/v1/buckets/{bucket_id}/batches`, `/v1/clusters` and `/v1/taxonomies`, which the documentation does not name.
   */
  readonly submitPaths?: { readonly [Kind in Submission["kind"]]?: string | undefined } | undefined
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
  /**
   * Checks many tasks with one request for the list: of their types, if all of them are known, and of the time in which
   * they were submitted, or the last day.
   *
   * The answer is by encoded key. A task that the list lacks is left out, and so is one of which it shows less than a check
   * would: an end without result or reason, or no ids for the fallback where the key has none. That is no news of the
   * task; a check of its own tells. A record that cannot be read is the failure of its own key, and the Effect fails if the
   * list does. No key is no request. It is the `checkMany` of `tasks`.
   */
  readonly sendMany: (
    keys: ReadonlyArray<TaskKey>
  ) => Effect.Effect<
    ReadonlyMap<string, Result.Result<CheckResult.CheckResult<unknown, string>, HttpCheckError>>,
    HttpCheckError,
    HttpClient.HttpClient
  >
  /** Lists tasks; the server may leave some off without saying so. */
  readonly list: (
    filter?: ListFilter
  ) => Effect.Effect<ReadonlyArray<MixpeekStatus.TaskRecord>, HttpCheckError, HttpClient.HttpClient>
}

/**
 * Where the resources of the documentation are checked, by type of task.
 *
 * @category models
 * @since 0.1.0
 */
export const fallbacks: Readonly<Record<string, string>> = {
  api_buckets_batches_process: "/v1/buckets/{bucket_id}/batches/{batch_id}",
  api_clusters_execute: "/v1/clusters/{cluster_id}"
}

/**
 * The strategy of the documentation: 1 second, growing by 1.5 to 30 seconds; the first check of once.
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
 * The shortest delay that the documentation plans for.
 *
 * @category strategies
 * @since 0.1.0
 */
export const gentleInterval: Duration.Duration = /*#__PURE__*/ Duration.seconds(1)

/**
 * The Schema of the webhook that is sent when documents were written: a reason to check the tasks that may have done
 * it. The name of the field is our reading; the documentation shows only the name of the event.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DocumentsWritten: Push.PushSchema<never, never> = /*#__PURE__*/ Push.wake(
  /*#__PURE__*/ Schema.Struct({ event: /*#__PURE__*/ Schema.Literal("collection.documents.written") })
)

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
  const gentle = Gentle.guard("Mixpeek.make", settings.scaledMillis(gentleInterval, timeScale))
  const shared = {
    ...common,
    strategy: gentle.strategy(options.strategy ?? settings.scaled(strategy, timeScale))
  }
  const submitPaths = {
    batch: settings.template(
      "Mixpeek.make: submitPaths.batch",
      options.submitPaths?.batch ?? "/v1/buckets/{bucket_id}/batches",
      ["bucket_id"]
    ),
    cluster: settings.nonEmpty("Mixpeek.make: submitPaths.cluster", options.submitPaths?.cluster ?? "/v1/clusters"),
    taxonomy: settings.nonEmpty("Mixpeek.make: submitPaths.taxonomy", options.submitPaths?.taxonomy ?? "/v1/taxonomies")
  }

  const pathOf = (resource: Resource): string | undefined => {
    const path = Object.hasOwn(paths, resource.taskType) ? paths[resource.taskType] : undefined
    return path === undefined ? undefined : settings.fill(path, resource.ids)
  }

  const checkAt = (resource: Resource) => {
    const path = pathOf(resource)
    return path === undefined
      ? Effect.succeed(CheckResult.missing)
      : gentle.check(HttpCheck.get(url(path), statuses.resource(resource.taskType)))
  }

  const listUrl = url("/v1/tasks/list")
  const listed = <A>(record: Schema.Codec<A, unknown>, filter: ListFilter) =>
    HttpCheck.send(HttpClientRequest.post(listUrl), Schema.Struct({ tasks: Schema.Array(record) }), {
      body: {
        task_type: filter.taskTypes,
        status: filter.statuses,
        namespace: filter.namespace,
        created_after: filter.createdAfter === undefined ? undefined : DateTime.formatIso(filter.createdAfter),
        created_before: filter.createdBefore === undefined ? undefined : DateTime.formatIso(filter.createdBefore)
      }
    }).pipe(Effect.map(({ tasks }) => tasks))

  const decodeTask = Schema.decodeUnknownEffect(statuses.task)
  const sendMany: Mixpeek["sendMany"] = Effect.fnUntraced(function* (keys) {
    const checks = new Map<string, Result.Result<CheckResult.CheckResult<unknown, string>, HttpCheckError>>()
    if (keys.length === 0) return checks
    const encoded = keys.map(keyCodec.encode)
    const now = yield* Clock.currentTimeMillis
    const records = new Map<unknown, unknown>()
    for (const record of yield* listed(Schema.Unknown, MixpeekList.filterOf(keys, now))) {
      if (hasProperty(record, "task_id")) records.set(record.task_id, record)
    }
    for (const [at, key] of keys.entries()) {
      const record = records.get(key.taskId)
      if (record === undefined) continue
      const check = yield* decodeTask(record).pipe(
        Effect.mapError(({ message }) => MixpeekList.unreadable(listUrl, message)),
        Effect.result
      )
      if (Result.isFailure(check) || MixpeekList.isTold(check.success, record, key)) checks.set(encoded[at]!, check)
    }
    return checks
  })

  const kill: Mixpeek["kill"] = ({ fallback, taskId }) => {
    const unsupported = new CancelUnsupported({ taskId, taskType: fallback?.taskType })
    if (fallback !== undefined && !killable.includes(fallback.taskType)) return Effect.fail(unsupported)
    const to = url(settings.fillOrThrow("Mixpeek: key.taskId", "/v1/tasks/{taskId}/kill", { taskId }))
    return HttpCheck.send(HttpClientRequest.post(to), Schema.Unknown, {
      refuse: (_, body) => (hasProperty(body, "code") && body.code === "cancel_unsupported" ? unsupported : undefined)
    }).pipe(Effect.asVoid)
  }

  return {
    tasks: Job.make("Mixpeek.tasks", {
      ...shared,
      key: keyCodec,
      check: ({ taskId }: TaskKey) =>
        gentle.check(
          HttpCheck.get(
            url(settings.fillOrThrow("Mixpeek: key.taskId", "/v1/tasks/{taskId}", { taskId })),
            statuses.task
          )
        ),
      checkMany: {
        max: mostAtOnce,
        // One task alone costs a check of its own, which a list may not spare.
        check: (keys) => (keys.length === 1 ? Effect.succeed(new Map()) : gentle.check(sendMany(keys)))
      },
      submit: (submission: Submission) => {
        const path =
          submission.kind === "batch"
            ? settings.fillOrThrow("Mixpeek: bucketId", submitPaths.batch, { bucket_id: submission.bucketId })
            : submitPaths[submission.kind]
        const taskType = taskTypes[submission.kind]
        return Effect.gen(function* () {
          const submittedAt = yield* Clock.currentTimeMillis
          const { task_id: taskId, ...ids } = yield* HttpCheck.send(HttpClientRequest.post(url(path)), Submitted, {
            body: submission.body ?? {}
          })
          const key: TaskKey = { taskId, fallback: { taskType, ids: MixpeekStatus.idsOf(ids) }, submittedAt }
          return { key }
        })
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
            return pathOf(resource) === undefined ? undefined : resourceCodec.encode(resource)
          },
          check: (encoded) => checkAt(resourceCodec.decode(encoded))
        }
      }
    }),
    resources: Job.make("Mixpeek.resources", { ...shared, missing, key: resourceCodec, check: checkAt }),
    kill,
    sendMany,
    list: (filter = {}) => listed(MixpeekStatus.TaskRecord, filter)
  }
}

// ---- internal ----

/** How many tasks one list is asked for. */
const mostAtOnce = 100

const taskTypes: { readonly [Kind in Submission["kind"]]: string } = {
  batch: "api_buckets_batches_process",
  cluster: "api_clusters_execute",
  taxonomy: "api_taxonomies_materialize"
}

const Submitted = /*#__PURE__*/ Schema.StructWithRest(/*#__PURE__*/ Schema.Struct({ task_id: Schema.NonEmptyString }), [
  /*#__PURE__*/ Schema.Record(Schema.String, Schema.Unknown)
])
