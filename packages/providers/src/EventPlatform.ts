/**
 * An event platform: background tasks, campaign changes, packages and taste-cluster runs. Its badges, which have no end,
 * are in `EventPlatformBadges`.
 *
 * **Details**
 *
 * | job | words | when |
 * |---|---|---|
 * | tasks, campaigns | `pending`, `running` pending · `completed` succeeded, often without a result · `failed` failed · `canceled` canceled | 2 s, growing by 1.5 to 10 s |
 * | packages | `PENDING`, `BUILDING` pending · `DONE` succeeded · `FAILED` failed · `EXPIRED` expired | every 5 s |
 * | taste clusters | the caller's | the caller's |
 *
 * Any other word is pending, see `unknownState`. The first check comes at once. There is no deadline in the
 * documentation, but a task that has been running for half an hour is probably stuck: give `stall` to the wait to be
 * told. The servers count on gentle polling: a strategy of your own with a shorter delay is warned of once.
 *
 * The campaign of an event is known by the event alone. Just after a change its task may still be the one of the change
 * before it. The receipt of the submit has it as `since`: give that to the wait. A change that somebody
 * makes after ours hides the end of ours: such a wait ends at its deadline.
 *
 * Webhooks exist only by contract: `pushes`.
 *
 * @since 0.1.0
 */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
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
import * as Gentle from "./Gentle.ts"
import * as settings from "./internal/settings.ts"
import * as Push from "./Push.ts"
import type { WithStrategies } from "./Settings.ts"

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends WithStrategies<"tasks" | "packages"> {
  /** Where a task or a package is submitted by POST; default `/tasks` and `/package_builder/packages`. */
  readonly submitPaths?: { readonly tasks?: string | undefined; readonly packages?: string | undefined } | undefined
  /**
   * Takes out of an answer, of the change of a campaign and of a check of it, which run it is about.
   * Default: the id in `task_id`.
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
  /** Background tasks by task id, submitted with any JSON body. The result is undefined where there is none. */
  readonly tasks: Job.Job<string, unknown, string, HttpCheckError, HttpClient.HttpClient, unknown, HttpCheckError>
  /** The change of an event's client campaign by event id. Its receipt has a `since`. */
  readonly campaigns: Job.Job<
    string,
    unknown,
    string,
    HttpCheckError,
    HttpClient.HttpClient,
    CampaignChange,
    HttpCheckError
  >
  /** Packages of the package builder by package id, submitted with any JSON body. */
  readonly packages: Job.Job<string, Package, string, HttpCheckError, HttpClient.HttpClient, unknown, HttpCheckError>
}

/**
 * A change of an event's client campaign; `query` holds what to change, such as `status`.
 *
 * @category models
 * @since 0.1.0
 */
export interface CampaignChange {
  readonly eventId: string
  readonly query: Readonly<Record<string, string>>
}

/**
 * A package that is done.
 *
 * @category models
 * @since 0.1.0
 */
export interface Package {
  readonly id: string
  readonly url: string | undefined
}

/**
 * The Schema of what the server says of a task.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Task = /*#__PURE__*/ Schema.Struct({
  state: /*#__PURE__*/ Schema.Literals(["pending", "running", "completed", "failed", "canceled"]),
  result: /*#__PURE__*/ Schema.optionalKey(Schema.Unknown),
  error: settings.OptionalText,
  progress: settings.OptionalNumber
})

/**
 * The words of a task, of which the documentation names `completed`; `TaskStatus` has one case for each.
 *
 * @category models
 * @since 0.1.0
 */
export type TaskWord = (typeof Task.Type)["state"]

/**
 * The Schema that decodes what the server says of a task into a status. A task that completed without a result, or with
 * null, succeeded with undefined.
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
    failed: (task) => Status.failed(settings.reasonOf(task.error)),
    canceled: Status.canceled()
  }
)

/**
 * The Schema of what the server says of a package.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PackageAnswer = /*#__PURE__*/ Schema.Struct({
  id: Schema.String,
  status: /*#__PURE__*/ Schema.Literals(["PENDING", "BUILDING", "DONE", "FAILED", "EXPIRED"]),
  url: settings.OptionalText,
  error: settings.OptionalText
})

/**
 * The words of a package, of which the documentation names the three ends; `PackageStatus` has one case for each.
 *
 * @category models
 * @since 0.1.0
 */
export type PackageWord = (typeof PackageAnswer.Type)["status"]

/**
 * The Schema that decodes what the server says of a package into a status.
 *
 * @category schemas
 * @since 0.1.0
 */
export const PackageStatus: StatusSchema.StatusSchema<Package, string> = /*#__PURE__*/ StatusSchema.fromField(
  PackageAnswer,
  "status",
  {
    PENDING: Status.pending(),
    BUILDING: Status.pending(),
    DONE: ({ id, url }): Status.Succeeded<Package> => Status.succeeded({ id, url: url ?? undefined }),
    FAILED: (made) => Status.failed(settings.reasonOf(made.error)),
    EXPIRED: Status.expired()
  }
)

/**
 * The shortest delays that the documentation calls gentle.
 *
 * @category strategies
 * @since 0.1.0
 */
export const gentleIntervals: { readonly tasks: Duration.Duration; readonly packages: Duration.Duration } = {
  tasks: /*#__PURE__*/ Duration.seconds(2),
  packages: /*#__PURE__*/ Duration.seconds(5)
}

/**
 * The strategy for tasks and campaigns: 2 seconds, growing by 1.5 to 10 seconds. The documentation names 2 seconds, a
 * backoff and the cap; the factor is ours.
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
 * The option `stall` for a wait: a task that shows no change for half an hour is probably stuck, and is reported.
 *
 * **Details**
 *
 * `onStall: "fail"` makes a `JobStalled` of it. `timeScale` is as in `Settings`; default 1.
 *
 * @category strategies
 * @since 0.1.0
 */
export const stall = (options?: {
  readonly onStall?: "fail" | "report" | undefined
  readonly timeScale?: number | undefined
}): { readonly after: Duration.Duration; readonly onStall: "fail" | "report" } => ({
  after: Duration.millis(
    settings.scaledMillis("30 minutes", settings.positive("EventPlatform.stall: timeScale", options?.timeScale ?? 1))
  ),
  onStall: options?.onStall ?? "report"
})

/**
 * The Schemas of webhooks, which the platform sends only by contract: as a proposal for that, the body that a check gets;
 * for a campaign with the `event_id` in it. For any other body use `Push.make` with `TaskStatus` or `PackageStatus`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const pushes: {
  readonly tasks: Push.PushSchema<string, unknown, string>
  readonly campaigns: Push.PushSchema<string, unknown, string>
  readonly packages: Push.PushSchema<string, Package, string>
} = {
  tasks: /*#__PURE__*/ Push.make(TaskStatus, { key: (body) => settings.textIn(body, "task_id") }),
  campaigns: /*#__PURE__*/ Push.make(TaskStatus, {
    key: (body) => settings.textIn(body, "event_id"),
    run: (body) => taskIdOf(body)
  }),
  packages: /*#__PURE__*/ Push.make(PackageStatus, { key: (body) => settings.textIn(body, "id") })
}

/**
 * Creates the jobs of an event platform.
 *
 * **Details**
 *
 * Bad options are RangeErrors at the call.
 *
 * **Example** (Waiting for a campaign change, and not for the one before it)
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
  const { timeScale, url, ...common } = settings.check("EventPlatform.make", options)
  const path = (template: string, name: string, values: Readonly<Record<string, string>>) =>
    url(settings.fillOrThrow(name, template, values))
  const submitUrl = (name: "tasks" | "packages", otherwise: string) =>
    url(settings.nonEmpty(`EventPlatform.make: submitPaths.${name}`, options.submitPaths?.[name] ?? otherwise))
  const submitTo = { tasks: submitUrl("tasks", "/tasks"), packages: submitUrl("packages", "/package_builder/packages") }
  const campaignRun = options.campaignRun ?? taskIdOf
  /** The guard and the strategy of jobs that share one. */
  const gently = (name: "tasks" | "packages", otherwise: Strategy.Strategy) => {
    const interval = settings.scaledMillis(gentleIntervals[name], timeScale)
    const gentle = Gentle.guard(`EventPlatform.make: ${name}`, interval)
    const strategy = gentle.strategy(options.strategies?.[name] ?? settings.scaled(otherwise, timeScale))
    return { check: gentle.check, strategy }
  }
  const tasks = gently("tasks", taskStrategy)
  const packages = gently("packages", packageStrategy)

  return {
    tasks: Job.make("EventPlatform.tasks", {
      ...common,
      check: (id: string) =>
        tasks.check(HttpCheck.get(path("/tasks/{id}", "EventPlatform.tasks: key", { id }), TaskStatus)),
      submit: (input: unknown) =>
        HttpCheck.send(HttpClientRequest.post(submitTo.tasks), TaskSubmitted, { body: input ?? {} }).pipe(
          Effect.map(({ task_id }): Job.Receipt<string> => ({ key: task_id }))
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
        const to = path("/events/{eventId}/client_campaign_status", "EventPlatform.campaigns: eventId", { eventId })
        return HttpCheck.send(
          HttpClientRequest.put(to).pipe(HttpClientRequest.setUrlParams(query)),
          options.campaignRun === undefined ? TaskSubmitted : Schema.Unknown
        ).pipe(Effect.map((body): Job.Receipt<string> => ({ key: eventId, since: campaignRun(body) })))
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
        HttpCheck.send(HttpClientRequest.post(submitTo.packages), PackageSubmitted, { body: input ?? {} }).pipe(
          Effect.map(({ id }): Job.Receipt<string> => ({ key: id }))
        ),
      strategy: packages.strategy
    })
  }
}

/**
 * What a taste-cluster job is made of; nothing of it is in the documentation.
 *
 * @category models
 * @since 0.1.0
 */
export interface TasteClusterOptions<in out K, A, F, RD = never, in I = never, out ES = never, RS = never> {
  /** The request that checks one run. */
  readonly check: (key: K) => HttpClientRequest.HttpClientRequest
  /** What the words of its answer mean. */
  readonly status: StatusSchema.StatusSchema<A, F, RD>
  /** Kicks a run; `HttpCheck.send` makes one of a request. */
  readonly submit?: ((input: I) => Effect.Effect<Job.Receipt<K>, ES, HttpClient.HttpClient | RS>) | undefined
  /** When to check; there is no default. */
  readonly strategy: Schedule<unknown, Observation>
  readonly missing?: Job.MissingPolicy<K, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS> | undefined
  /** Default `"continue"`, as in `Settings`. */
  readonly unknownState?: Job.UnknownStatePolicy<A, F> | undefined
  readonly checkErrors?: Job.CheckErrorPolicy<HttpCheckError> | undefined
}

/**
 * Creates the job of taste-cluster runs, whose submit, check and words are the caller's.
 *
 * **Details**
 *
 * The key is a string unless `key` says how it is written as one.
 *
 * @category constructors
 * @since 0.1.0
 */
export const tasteClusters: {
  <A, F = never, RD = never, I = never, ES = never, RS = never>(
    options: TasteClusterOptions<string, A, F, RD, I, ES, RS>
  ): Job.Job<string, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS, I, ES>
  <K, A, F = never, RD = never, I = never, ES = never, RS = never>(
    options: TasteClusterOptions<K, A, F, RD, I, ES, RS> & { readonly key: KeyCodec<K> }
  ): Job.Job<K, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS, I, ES>
} = <K, A, F, RD, I, ES, RS>(
  options: TasteClusterOptions<K, A, F, RD, I, ES, RS> & { readonly key?: KeyCodec<K> }
): Job.Job<K, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS, I, ES> =>
  Job.make<K, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS, I, ES>("EventPlatform.tasteClusters", {
    key: settings.keyOr(options.key),
    check: (key) => HttpCheck.make(options.check(key), options.status),
    submit: options.submit,
    strategy: options.strategy,
    missing: options.missing,
    unknownState: options.unknownState ?? "continue",
    checkErrors: options.checkErrors
  })

// ---- internal ----

const TaskSubmitted = /*#__PURE__*/ Schema.Struct({ task_id: Schema.NonEmptyString })

const PackageSubmitted = /*#__PURE__*/ Schema.Struct({ id: Schema.NonEmptyString })

const taskIdOf = (body: unknown): Run | undefined => {
  const run = settings.textIn(body, "task_id")
  return run === undefined ? undefined : { run }
}
