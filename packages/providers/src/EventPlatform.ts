/**
 * An event platform: background tasks, campaign changes, packages and taste-cluster runs. Its badges, which never end,
 * are in `EventPlatformBadges`.
 *
 * **Details**
 *
 * | job | states | strategy |
 * |---|---|---|
 * | tasks, campaigns | `pending`, `running` pending · `completed` succeeded, often without a result · `failed` failed · `canceled` canceled | 2 s, growing by a factor of 1.5 up to 10 s |
 * | packages | `PENDING`, `BUILDING` pending · `DONE` succeeded · `FAILED` failed · `EXPIRED` expired | every 5 s |
 * | taste clusters | given by the caller | given by the caller |
 *
 * Any other state is pending, see `unknownState`. The first check is immediate. The documentation names no deadline,
 * but calls a task that has been running for half an hour probably stuck: pass `stall` to the wait to have that
 * reported. A strategy of your own with delays of less than 2 seconds (packages: 5) logs one warning (see
 * `MinimumInterval`).
 *
 * A campaign is looked up by its event, so just after a change the service may still show the task of an earlier
 * change. The receipt of the submit names the right run in `since`: pass it to the wait, and the end of an earlier run
 * counts as pending. If somebody else changes the campaign later, the service shows only the later task, and the wait
 * ends at its deadline.
 *
 * The service has no webhooks of its own; `pushes` has Schemas for those that are set up by contract.
 *
 * @since 0.1.0
 */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Push from "@effect-poll/http/Push"
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type { Schedule } from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import type { KeyCodec } from "effect-poll/KeyCodec"
import type { Run } from "effect-poll/CheckResult"
import type { Observation } from "effect-poll/Observation"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as MinimumInterval from "./MinimumInterval.ts"
import * as Path from "./internal/path.ts"
import * as CommonSettings from "./internal/commonSettings.ts"
import * as Receipt from "./internal/receipt.ts"
import * as Validate from "./internal/validate.ts"
import * as Wire from "./internal/wire.ts"
import type { WithStrategies } from "./Settings.ts"

/**
 * Options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends WithStrategies<"tasks" | "packages"> {
  /** The paths to which new tasks and packages are posted. Default: `/tasks` and `/package_builder/packages`. */
  readonly submitPaths?: { readonly tasks?: string | undefined; readonly packages?: string | undefined } | undefined
  /**
   * Reads which run of a campaign a response is about: the response to a change, and the response to a check. Default:
   * `{ run }` with the id in `task_id`.
   */
  readonly campaignRun?: ((body: unknown) => Run | undefined) | undefined
}

/**
 * The jobs of an event platform.
 *
 * @category models
 * @since 0.1.0
 */
export interface EventPlatform {
  /** Background tasks, by task id. A submit takes any JSON body. The result of a task may be undefined. */
  readonly tasks: Job.Job<string, unknown, string, HttpCheckError, HttpClient.HttpClient, unknown, HttpCheckError>
  /** Changes of an event's client campaign, by event id. The receipt of a submit has a `since`: pass it to the wait. */
  readonly campaigns: Job.Job<
    string,
    unknown,
    string,
    HttpCheckError,
    HttpClient.HttpClient,
    CampaignChange,
    HttpCheckError
  >
  /** Packages of the package builder, by package id. A submit takes any JSON body. */
  readonly packages: Job.Job<string, Package, string, HttpCheckError, HttpClient.HttpClient, unknown, HttpCheckError>
}

/**
 * A change of an event's client campaign.
 *
 * @category models
 * @since 0.1.0
 */
export interface CampaignChange {
  readonly eventId: string
  /** What to change, as query parameters, such as `status`. */
  readonly query: Readonly<Record<string, string>>
}

/**
 * The result of a package.
 *
 * @category models
 * @since 0.1.0
 */
export interface Package {
  readonly id: string
  /** The URL of the finished package, if the server names one. */
  readonly url: string | undefined
}

/**
 * The Schema of a task as the server reports it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Task = /*#__PURE__*/ Schema.Struct({
  state: /*#__PURE__*/ Schema.Literals(["pending", "running", "completed", "failed", "canceled"]),
  result: /*#__PURE__*/ Schema.optionalKey(Schema.Unknown),
  error: Wire.OptionalText,
  progress: Wire.OptionalNumber
})

/**
 * The states of a task that `TaskStatus` maps. The documentation names `completed`; the others are inferred.
 *
 * @category models
 * @since 0.1.0
 */
export type TaskState = (typeof Task.Type)["state"]

/**
 * The Schema that decodes a task as the server reports it to a status. A task that completes without a result, or with
 * null, succeeds with undefined.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TaskStatus: StatusSchema.StatusSchema<unknown, string> = /*#__PURE__*/ StatusSchema.fromField(
  Task,
  "state",
  {
    pending: (task) => Status.pending({ progress: task.progress ?? undefined }),
    running: (task) => Status.pending({ progress: task.progress ?? undefined }),
    completed: (task) => Status.succeeded(task.result ?? undefined),
    failed: (task) => Status.failed(Wire.reasonOf(task.error)),
    canceled: Status.canceled()
  }
)

/**
 * The Schema of a package as the server reports it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PackageRecord = /*#__PURE__*/ Schema.Struct({
  id: Schema.String,
  status: /*#__PURE__*/ Schema.Literals(["PENDING", "BUILDING", "DONE", "FAILED", "EXPIRED"]),
  url: Wire.OptionalText,
  error: Wire.OptionalText
})

/**
 * The states of a package that `PackageStatus` maps. The documentation names `DONE`, `FAILED` and `EXPIRED`; the others
 * are inferred.
 *
 * @category models
 * @since 0.1.0
 */
export type PackageState = (typeof PackageRecord.Type)["status"]

/**
 * The Schema that decodes a package as the server reports it to a status.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PackageStatus: StatusSchema.StatusSchema<Package, string> = /*#__PURE__*/ StatusSchema.fromField(
  PackageRecord,
  "status",
  {
    PENDING: Status.pending(),
    BUILDING: Status.pending(),
    DONE: ({ id, url }): Status.Succeeded<Package> => Status.succeeded({ id, url: url ?? undefined }),
    FAILED: (record) => Status.failed(Wire.reasonOf(record.error)),
    EXPIRED: Status.expired()
  }
)

/**
 * The shortest documented delays between checks: 2 seconds for tasks and campaigns, 5 seconds for packages.
 *
 * @category strategies
 * @since 0.1.0
 */
export const minimumIntervals: { readonly tasks: Duration.Duration; readonly packages: Duration.Duration } = {
  tasks: /*#__PURE__*/ Duration.seconds(2),
  packages: /*#__PURE__*/ Duration.seconds(5)
}

/**
 * The strategy for tasks and campaigns: 2 seconds, growing by a factor of 1.5 up to 10 seconds. The documentation names
 * 2 seconds, a backoff and the cap, but not the factor.
 *
 * @category strategies
 * @since 0.1.0
 */
export const taskStrategy: Strategy.Strategy = /*#__PURE__*/ Strategy.exponential({
  initial: "2 seconds",
  factor: 1.5,
  cap: "10 seconds"
})

/**
 * The strategy for packages: every 5 seconds.
 *
 * @category strategies
 * @since 0.1.0
 */
export const packageStrategy: Strategy.Strategy = /*#__PURE__*/ Strategy.spaced("5 seconds")

/**
 * Returns the option `stall` of a wait: a task whose status does not change for 30 minutes is reported as stalled.
 *
 * **Details**
 *
 * `onStall: "report"`, the default, emits the event `Stalled`; `"fail"` ends the wait as `JobStalled`. `timeScale`
 * multiplies the 30 minutes, as in `Settings`; its default is 1.
 *
 * @category strategies
 * @since 0.1.0
 */
export const stall = (options?: {
  readonly onStall?: "fail" | "report" | undefined
  readonly timeScale?: number | undefined
}): { readonly after: Duration.Duration; readonly onStall: "fail" | "report" } => ({
  after: Duration.millis(
    CommonSettings.scaledMillis(
      "30 minutes",
      Validate.positive("EventPlatform.stall: timeScale", options?.timeScale ?? 1)
    )
  ),
  onStall: options?.onStall ?? "report"
})

/**
 * Schemas of webhooks. The platform sends webhooks only by contract; these Schemas propose the body that a check
 * receives, for a campaign with an added `event_id`. For any other body use `Push.make` of `@effect-poll/http` with
 * `TaskStatus` or `PackageStatus`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const pushes: {
  readonly tasks: Push.PushSchema<string, unknown, string>
  readonly campaigns: Push.PushSchema<string, unknown, string>
  readonly packages: Push.PushSchema<string, Package, string>
} = {
  tasks: /*#__PURE__*/ Push.make(TaskStatus, { key: (body) => Wire.textIn(body, "task_id") }),
  campaigns: /*#__PURE__*/ Push.make(TaskStatus, {
    key: (body) => Wire.textIn(body, "event_id"),
    run: (body) => taskIdOf(body)
  }),
  packages: /*#__PURE__*/ Push.make(PackageStatus, { key: (body) => Wire.textIn(body, "id") })
}

/**
 * Creates the jobs of an event platform.
 *
 * **Details**
 *
 * Invalid options throw a RangeError.
 *
 * **Example** (Waiting for this campaign change and not for an earlier one)
 *
 * ```ts no-run
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as EventPlatform from "@effect-poll/providers/EventPlatform"
 *
 * const { campaigns } = EventPlatform.make({ baseUrl: "https://events.example.com" })
 * export const publish = Effect.gen(function* () {
 *   const receipt = yield* campaigns.submit!({ eventId: "evt_1", query: { status: "published" } })
 *   return yield* Poll.until(campaigns, receipt.key, { since: receipt.since, deadline: "1 hour" })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): EventPlatform => {
  const { timeScale, url, ...common } = CommonSettings.resolve("EventPlatform.make", options)
  const path = (template: string, name: string, values: Readonly<Record<string, string>>) =>
    url(Path.fillOrThrow(name, template, values))
  const submitUrl = (name: "tasks" | "packages", defaultPath: string) =>
    url(Validate.nonEmpty(`EventPlatform.make: submitPaths.${name}`, options.submitPaths?.[name] ?? defaultPath))
  const submitUrls = {
    tasks: submitUrl("tasks", "/tasks"),
    packages: submitUrl("packages", "/package_builder/packages")
  }
  const campaignRun = options.campaignRun ?? taskIdOf
  /** Tasks and campaigns share one strategy, and so one guard. */
  const guarded = (name: "tasks" | "packages", defaultStrategy: Strategy.Strategy) => {
    const interval = CommonSettings.scaledMillis(minimumIntervals[name], timeScale)
    const guard = MinimumInterval.guard(`EventPlatform.make: ${name}`, interval)
    const strategy = guard.strategy(options.strategies?.[name] ?? CommonSettings.scaled(defaultStrategy, timeScale))
    return { check: guard.check, strategy }
  }
  const tasks = guarded("tasks", taskStrategy)
  const packages = guarded("packages", packageStrategy)

  return {
    tasks: Job.make("EventPlatform.tasks", {
      ...common,
      check: (id: string) =>
        tasks.check(HttpCheck.get(path("/tasks/{id}", "EventPlatform.tasks: key", { id }), TaskStatus)),
      submit: (input: unknown) =>
        HttpCheck.send(HttpClientRequest.post(submitUrls.tasks), TaskSubmitted, { body: input ?? {} }).pipe(
          Receipt.from(({ task_id }): Job.Receipt<string> => ({ key: task_id }))
        ),
      strategy: tasks.strategy
    }),
    campaigns: Job.make("EventPlatform.campaigns", {
      ...common,
      check: (eventId: string) =>
        tasks.check(
          HttpCheck.get(
            path("/events/{eventId}/client_campaign_status/task", "EventPlatform.campaigns: key", { eventId }),
            TaskStatus,
            { run: campaignRun }
          )
        ),
      submit: ({ eventId, query }: CampaignChange) => {
        const target = path("/events/{eventId}/client_campaign_status", "EventPlatform.campaigns: eventId", { eventId })
        return HttpCheck.send(
          HttpClientRequest.put(target).pipe(HttpClientRequest.setUrlParams(query)),
          options.campaignRun === undefined ? TaskSubmitted : Schema.Unknown
        ).pipe(Receipt.from((body): Job.Receipt<string> => ({ key: eventId, since: campaignRun(body) })))
      },
      strategy: tasks.strategy
    }),
    packages: Job.make("EventPlatform.packages", {
      ...common,
      check: (id: string) =>
        packages.check(
          HttpCheck.get(path("/package_builder/packages/{id}", "EventPlatform.packages: key", { id }), PackageStatus)
        ),
      submit: (input: unknown) =>
        HttpCheck.send(HttpClientRequest.post(submitUrls.packages), PackageSubmitted, { body: input ?? {} }).pipe(
          Receipt.from(({ id }): Job.Receipt<string> => ({ key: id }))
        ),
      strategy: packages.strategy
    })
  }
}

/**
 * Options of `tasteClusters`. The documentation describes none of the parts of these jobs, so the caller supplies them.
 *
 * @category models
 * @since 0.1.0
 */
export interface TasteClusterOptions<in out K, A, F, RD = never, in I = never, out ES = never, RS = never> {
  /** The request that checks the run with this key. */
  readonly check: (key: K) => HttpClientRequest.HttpClientRequest
  /** The Schema that decodes the response of a check. */
  readonly status: StatusSchema.StatusSchema<A, F, RD>
  /** Starts a run; `HttpCheck.send` makes such a function from a request. Default: none, runs are started elsewhere. */
  readonly submit?: ((input: I) => Effect.Effect<Job.Receipt<K>, ES, HttpClient.HttpClient | RS>) | undefined
  /** When to check; any `Schedule`. */
  readonly strategy: Schedule<unknown, Observation>
  /** What to do about a run that is not found. Default: that of `Job`. */
  readonly missing?: Job.MissingPolicy<K, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS> | undefined
  /** What to do about a state that `status` does not list. Default: `"continue"`, so that it counts as pending. */
  readonly unknownState?: Job.UnknownStatePolicy<A, F> | undefined
  /** How many failed checks a wait tolerates, and how they are retried. Default: that of `Job`. */
  readonly checkErrors?: Job.CheckErrorPolicy<HttpCheckError> | undefined
}

/**
 * Creates the job of taste-cluster runs, whose submit, check and states are given by the caller.
 *
 * @category constructors
 * @since 0.1.0
 */
export const tasteClusters: {
  /**
   * Creates the job of taste-cluster runs with strings as keys. Submit, check and states are given by the caller.
   */
  <A, F = never, RD = never, I = never, ES = never, RS = never>(
    options: TasteClusterOptions<string, A, F, RD, I, ES, RS>
  ): Job.Job<string, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS, I, ES>
  /**
   * Creates the job of taste-cluster runs with keys of any type, which `key` encodes to strings. Submit, check and
   * states are given by the caller.
   */
  <K, A, F = never, RD = never, I = never, ES = never, RS = never>(
    options: TasteClusterOptions<K, A, F, RD, I, ES, RS> & { readonly key: KeyCodec<K> }
  ): Job.Job<K, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS, I, ES>
} = <K, A, F, RD, I, ES, RS>(
  options: TasteClusterOptions<K, A, F, RD, I, ES, RS> & { readonly key?: KeyCodec<K> }
): Job.Job<K, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS, I, ES> =>
  Job.make<A, F, HttpCheckError, HttpClient.HttpClient | RD | RS, I, ES, K>("EventPlatform.tasteClusters", {
    key: keyOr(options.key),
    check: (key) => HttpCheck.make(options.check(key), options.status),
    submit: options.submit,
    strategy: options.strategy,
    missing: options.missing,
    unknownState: options.unknownState ?? "continue",
    checkErrors: options.checkErrors
  })

// ---- internal ----

const stringKey: KeyCodec<string> = { encode: (key) => key, decode: (encoded) => encoded }

/** Without a codec the key is a string, which the overloads ensure; hence the cast. */
const keyOr = <K>(key: KeyCodec<K> | undefined): KeyCodec<K> => key ?? (stringKey as unknown as KeyCodec<K>)

const TaskSubmitted = /*#__PURE__*/ Schema.Struct({ task_id: Schema.NonEmptyString })

const PackageSubmitted = /*#__PURE__*/ Schema.Struct({ id: Schema.NonEmptyString })

const taskIdOf = (body: unknown): Run | undefined => {
  const run = Wire.textIn(body, "task_id")
  return run === undefined ? undefined : { run }
}
