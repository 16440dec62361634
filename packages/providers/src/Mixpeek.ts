/**
 * A multimodal data platform whose operations all run as tasks: batches, clusterings, taxonomies and more.
 *
 * **Details**
 *
 * Tasks and all resources share one list of states:
 *
 * | state | status |
 * |---|---|
 * | `PENDING`, `PROCESSING` | pending |
 * | `COMPLETED` | succeeded, with `outputs` |
 * | `FAILED` | failed, with `error_message`, or "Unknown error" |
 * | `CANCELED` | canceled |
 * | `IN_PROGRESS`, `SKIPPED`, `UNKNOWN`, `DRAFT`, `ACTIVE`, `ARCHIVED`, `SUSPENDED` | pending, unless `meanings` says otherwise |
 *
 * The documentation calls only the three ends terminal, and its own loop continues at every other state, for tasks and
 * resources alike. The default here is the same. If a pending state were taken for an end, the result would be lost; if
 * an end is taken for a pending state, the wait ends at its deadline, and the error shows that state. `meanings`
 * changes this, for all resources or per type of task.
 *
 * A task is checked with delays of 1 second, growing by a factor of 1.5 up to 30 seconds. Its record is gone after
 * about 24 hours; from then on the resource behind it is checked. `fallbacks` gives the path of that resource by the
 * type of the task. Its ids come from the `additional_data` of the task, if it was ever seen, or from the key, where
 * the submits store them. Without them the wait ends as `JobNotFound`. For long operations, `resources` watches the
 * resource from the start. A strategy of your own with delays of less than 1 second logs one warning (see
 * `MinimumInterval`).
 *
 * A `Poller` checks many tasks with one request: it lists up to 100 that are due at the same time, and checks
 * individually those that the list leaves out.
 *
 * The webhook `collection.documents.written` names no task: it is a reason to check, and never ends a wait.
 *
 * @since 0.1.0
 */
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Push from "@effect-poll/http/Push"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as Strategy from "effect-poll/Strategy"
import * as CommonSettings from "./internal/commonSettings.ts"
import type { Api } from "./internal/mixpeek/api.ts"
import * as MixpeekList from "./internal/mixpeek/list.ts"
import * as MixpeekResource from "./internal/mixpeek/resource.ts"
import * as MixpeekTask from "./internal/mixpeek/task.ts"
import * as Path from "./internal/path.ts"
import * as Validate from "./internal/validate.ts"
import * as Wire from "./internal/wire.ts"
import * as MinimumInterval from "./MinimumInterval.ts"
import { keyCodec, type Resource, resourceCodec, type TaskKey } from "./MixpeekKey.ts"
import type { CancelUnsupported, ListFilter, Submission } from "./MixpeekRequest.ts"
import * as MixpeekStatus from "./MixpeekStatus.ts"
import type { WithStrategy } from "./Settings.ts"

export { CancelUnsupported, type ListFilter, type Submission } from "./MixpeekRequest.ts"

/**
 * Options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends WithStrategy {
  /**
   * The path of the resource behind a task, by the type of the task. A path is a template whose names are ids in the
   * `additional_data` of the task or in the key, such as `{batch_id}`. These are added to the constant `fallbacks`, and
   * replace entries of the same type.
   */
  readonly fallbacks?: Readonly<Record<string, string>> | undefined
  /** What the states mean that the documentation does not define. Default: pending, everywhere. */
  readonly meanings?: MixpeekStatus.Meanings | undefined
  /** The types of task that can be killed. Default: batches and clusterings. */
  readonly killable?: ReadonlyArray<string> | undefined
  /**
   * The paths to which work is posted; the path for a batch must contain `{bucket_id}`. Default:
   * `/v1/buckets/{bucket_id}/batches`, `/v1/clusters` and `/v1/taxonomies`, which are inferred, not documented.
   */
  readonly submitPaths?: { readonly [Kind in Submission["kind"]]?: string | undefined } | undefined
}

/**
 * The jobs of a Mixpeek service, and its other requests about tasks.
 *
 * @category models
 * @since 0.1.0
 */
export interface Mixpeek {
  /** Tasks, with the resource behind them as fallback. Its `cancel` is `kill`. */
  readonly tasks: Job.Job<TaskKey, unknown, string, HttpCheckError, HttpClient.HttpClient, Submission, HttpCheckError>
  /** Resources, checked directly. One whose ids do not fill its path is `JobNotFound`. */
  readonly resources: Job.Job<Resource, unknown, string, HttpCheckError, HttpClient.HttpClient>
  /** Asks the server to stop a task. The task may still end in another way. */
  readonly kill: (key: TaskKey) => Effect.Effect<void, CancelUnsupported | HttpCheckError, HttpClient.HttpClient>
  /**
   * Checks many tasks with one request for the list, as the `checkMany` of `tasks` does. The filter is as narrow as the
   * keys allow: their types, if all keys have one, and their times of submission, or the last 24 hours. No keys cause
   * no request.
   *
   * The results are by encoded key; `hint` is the delay that the server requested. A task without a complete record in
   * the list has no entry: check it individually. A record is incomplete if it has an end without result or reason, or
   * no ids for a fallback that the key lacks. A record that cannot be decoded is the failure of its own entry. If the
   * request fails, the Effect fails.
   */
  readonly sendMany: (
    keys: ReadonlyArray<TaskKey>
  ) => Effect.Effect<Job.CheckManyAnswer<unknown, string, HttpCheckError>, HttpCheckError, HttpClient.HttpClient>
  /** Lists tasks. The server may leave some out, and does not indicate that. Default filter: all tasks. */
  readonly list: (
    filter?: ListFilter
  ) => Effect.Effect<ReadonlyArray<MixpeekStatus.TaskRecord>, HttpCheckError, HttpClient.HttpClient>
}

/**
 * The documented paths of the resources behind tasks, by type of task.
 *
 * @category models
 * @since 0.1.0
 */
export const fallbacks: Readonly<Record<string, string>> = {
  api_buckets_batches_process: "/v1/buckets/{bucket_id}/batches/{batch_id}",
  api_clusters_execute: "/v1/clusters/{cluster_id}"
}

/**
 * The documented strategy: 1 second, growing by a factor of 1.5 up to 30 seconds. The first check is immediate.
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
 * The shortest documented delay between checks: 1 second.
 *
 * @category strategies
 * @since 0.1.0
 */
export const minimumInterval: Duration.Duration = /*#__PURE__*/ Duration.seconds(1)

/**
 * The decoded webhook that documents have been written. It names no task.
 *
 * @category models
 * @since 0.1.0
 */
export interface DocumentsWritten extends Push.Push<never, never> {
  /** The collection to which they were written; undefined if the body does not name it. */
  readonly collectionId: string | undefined
}

/**
 * The Schema of the webhook that is sent when documents have been written: a reason to check the tasks that may have
 * written them. The documentation shows only the name of the event; the names of its field and of `collection_id` are
 * inferred.
 *
 * @category schemas
 * @since 0.1.0
 */
export const DocumentsWritten: Schema.Codec<DocumentsWritten, unknown> = /*#__PURE__*/ Push.from(
  /*#__PURE__*/ Schema.Struct({
    event: /*#__PURE__*/ Schema.Literal("collection.documents.written"),
    collection_id: Wire.OptionalText
  }),
  ({ collection_id }): DocumentsWritten => ({
    key: undefined,
    result: undefined,
    collectionId: collection_id ?? undefined
  })
)

/**
 * Creates the jobs of a Mixpeek service.
 *
 * **Details**
 *
 * Invalid options throw a RangeError.
 *
 * **Example** (Waiting for a batch that outlives its task record)
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
  const { missing, timeScale, url, ...common } = CommonSettings.resolve("Mixpeek.make", options)
  const guard = MinimumInterval.guard("Mixpeek.make", CommonSettings.scaledMillis(minimumInterval, timeScale))
  const api: Api = {
    url,
    guard,
    statuses: MixpeekStatus.make(options.meanings),
    resourcePaths: resourcePathsOf(options),
    killable: options.killable ?? Object.keys(fallbacks),
    submitPaths: submitPathsOf(options)
  }
  const shared = {
    ...common,
    strategy: guard.strategy(options.strategy ?? CommonSettings.scaled(strategy, timeScale))
  }
  const sendMany = MixpeekList.checkMany(api)
  return {
    tasks: tasksOf(api, sendMany, shared, missing),
    resources: Job.make("Mixpeek.resources", {
      ...shared,
      missing,
      key: resourceCodec,
      check: (resource: Resource) => MixpeekResource.check(api, resource)
    }),
    kill: (key) => MixpeekTask.kill(api, key),
    sendMany,
    list: (filter = {}) => MixpeekList.list(api, filter)
  }
}

// ---- internal ----

/** How many tasks one request for the list checks. */
const maxBatch = 100

const tasksOf = (
  api: Api,
  sendMany: Mixpeek["sendMany"],
  shared: Omit<CommonSettings.Resolved, "url" | "timeScale" | "missing"> & Required<Pick<WithStrategy, "strategy">>,
  missing: CommonSettings.Resolved["missing"]
): Mixpeek["tasks"] =>
  Job.make("Mixpeek.tasks", {
    ...shared,
    key: keyCodec,
    check: ({ taskId }: TaskKey) => MixpeekTask.check(api, taskId),
    checkMany: {
      max: maxBatch,
      // A single task gets an individual check at once: the list might leave it out.
      check: (keys) => (keys.length === 1 ? Effect.succeed({ results: new Map() }) : api.guard.check(sendMany(keys)))
    },
    submit: (submission: Submission) => MixpeekTask.submit(api, submission),
    cancel: (key) => MixpeekTask.kill(api, key),
    missing: {
      ...missing,
      fallback: {
        locate: (key, last) => {
          const resource = MixpeekResource.locate(api, key, last)
          return resource === undefined ? undefined : resourceCodec.encode(resource)
        },
        check: (encoded) => MixpeekResource.check(api, resourceCodec.decode(encoded))
      }
    }
  })

const resourcePathsOf = (options: Options): Api["resourcePaths"] => {
  const paths = { ...fallbacks, ...options.fallbacks }
  for (const [type, path] of Object.entries(paths)) Validate.nonEmpty(`Mixpeek.make: fallbacks.${type}`, path)
  return paths
}

const submitPathsOf = ({ submitPaths = {} }: Options): Api["submitPaths"] => ({
  batch: Path.template("Mixpeek.make: submitPaths.batch", submitPaths.batch ?? "/v1/buckets/{bucket_id}/batches", [
    "bucket_id"
  ]),
  cluster: Validate.nonEmpty("Mixpeek.make: submitPaths.cluster", submitPaths.cluster ?? "/v1/clusters"),
  taxonomy: Validate.nonEmpty("Mixpeek.make: submitPaths.taxonomy", submitPaths.taxonomy ?? "/v1/taxonomies")
})
