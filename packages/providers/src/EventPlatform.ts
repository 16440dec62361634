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
 * Any other word is pending, see `unknownStatus`. The first look comes at once. There is no deadline in the
 * documentation, but a task that has been running for half an hour is probably stuck: give `stall` to the wait to be
 * told. The servers count on gentle polling: `make` logs one warning for a strategy that begins with a shorter delay.
 *
 * The campaign of an event is known by the event alone. Just after a change its task may still be the one of the change
 * before it. The receipt of the submit has the `run` to wait for: give it to the wait as `since`.
 *
 * @since 0.1.0
 */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import type { Schedule } from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import type { Observation } from "effect-poll/Observation"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as gentle from "./internal/gentle.ts"
import * as settings from "./internal/settings.ts"
import type { Settings } from "./Settings.ts"

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Settings {
  /** When to look, in place of `taskStrategy` for tasks and campaigns and of `packageStrategy` for packages. */
  readonly strategies?:
    | {
        readonly tasks?: Schedule<unknown, Observation> | undefined
        readonly packages?: Schedule<unknown, Observation> | undefined
      }
    | undefined
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
  /** The change of an event's client campaign by event id. Its receipt has a `run`. */
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
export const packageStrategy: Strategy.Strategy = /*#__PURE__*/ Strategy.fixed("5 seconds")

/**
 * The option `stall` for a wait: a task that shows no change for half an hour is probably stuck, and is reported.
 *
 * **Details**
 *
 * `then: "fail"` makes a `JobStalled` of it. `timeScale` is as in `Settings`; default 1.
 *
 * @category strategies
 * @since 0.1.0
 */
export const stall = (options?: {
  readonly then?: "fail" | "report" | undefined
  readonly timeScale?: number | undefined
}): { readonly after: Duration.Duration; readonly then: "fail" | "report" } => ({
  after: Duration.millis(
    settings.scaledMillis("30 minutes", settings.positive("EventPlatform.stall: timeScale", options?.timeScale ?? 1))
  ),
  then: options?.then ?? "report"
})

/**
 * Tests whether a strategy begins with a delay shorter than the interval, which is not gentle to the server.
 *
 * **Details**
 *
 * A plain `Schedule` cannot be asked without running it, and counts as gentle.
 *
 * @category guards
 * @since 0.1.0
 */
export const isHasty = (strategy: Schedule<unknown, Observation>, interval: Duration.Input): boolean =>
  gentle.isHasty(strategy, settings.scaledMillis(interval, 1))

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
 *   return yield* Poll.until(campaigns, receipt.key, { since: receipt.run, deadline: "1 hour" })
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
  const guard = (name: "tasks" | "packages") =>
    gentle.warnOnce(
      `EventPlatform.make: ${name}`,
      options.strategies?.[name],
      settings.scaledMillis(gentleIntervals[name], timeScale)
    )
  const [guardTasks, guardPackages] = [guard("tasks"), guard("packages")]
  const tasks = { ...common, strategy: options.strategies?.tasks ?? settings.scaled(taskStrategy, timeScale) }
  const packages = { ...common, strategy: options.strategies?.packages ?? settings.scaled(packageStrategy, timeScale) }

  return {
    tasks: Job.make("EventPlatform.tasks", {
      ...tasks,
      check: (id: string) =>
        guardTasks(HttpCheck.get(path("/tasks/{id}", "EventPlatform.tasks: key", { id }), TaskStatus)),
      submit: (input: unknown) =>
        HttpCheck.json(HttpClientRequest.post(url("/tasks")), TaskSubmitted, { body: input ?? {} }).pipe(
          Effect.map(({ task_id }): Job.Receipt<string> => ({ key: task_id }))
        )
    }),
    campaigns: Job.make("EventPlatform.campaigns", {
      ...tasks,
      check: (eventId: string) =>
        guardTasks(
          HttpCheck.get(
            path("/events/{eventId}/client_campaign_status/task", "EventPlatform.campaigns: key", { eventId }),
            TaskStatus,
            { run: taskIdOf }
          )
        ),
      submit: ({ eventId, query }: CampaignChange) => {
        const to = path("/events/{eventId}/client_campaign_status", "EventPlatform.campaigns: eventId", { eventId })
        return HttpCheck.json(
          HttpClientRequest.put(to).pipe(HttpClientRequest.setUrlParams(query)),
          TaskSubmitted
        ).pipe(Effect.map(({ task_id }): Job.Receipt<string> => ({ key: eventId, run: task_id })))
      }
    }),
    packages: Job.make("EventPlatform.packages", {
      ...packages,
      check: (id: string) =>
        guardPackages(
          HttpCheck.get(path("/package_builder/packages/{id}", "EventPlatform.packages: key", { id }), PackageStatus)
        ),
      submit: (input: unknown) =>
        HttpCheck.json(HttpClientRequest.post(url("/package_builder/packages")), PackageSubmitted, {
          body: input ?? {}
        }).pipe(Effect.map(({ id }): Job.Receipt<string> => ({ key: id })))
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
  /** The request that looks at one run. */
  readonly check: (key: K) => HttpClientRequest.HttpClientRequest
  /** What the words of its answer mean. */
  readonly status: StatusSchema.StatusSchema<A, F, RD>
  /** Kicks a run; `HttpCheck.json` makes one of a request. */
  readonly submit?: ((input: I) => Effect.Effect<Job.Receipt<K>, ES, HttpClient.HttpClient | RS>) | undefined
  /** When to look; there is no default. */
  readonly strategy: Schedule<unknown, Observation>
  readonly missing?: Job.Missing<K, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS> | undefined
  /** Default `"continue"`, as in `Settings`. */
  readonly unknownStatus?: Job.UnknownStatusPolicy<A, F> | undefined
  readonly pollErrors?: Job.PollErrorPolicy<HttpCheckError> | undefined
}

/**
 * Creates the job of taste-cluster runs, whose submit, look and words are the caller's.
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
    options: TasteClusterOptions<K, A, F, RD, I, ES, RS> & { readonly key: Job.KeyCodec<K> }
  ): Job.Job<K, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS, I, ES>
} = <K, A, F, RD, I, ES, RS>(
  options: TasteClusterOptions<K, A, F, RD, I, ES, RS> & { readonly key?: Job.KeyCodec<K> }
): Job.Job<K, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS, I, ES> =>
  Job.make<K, A, F, HttpCheckError, HttpClient.HttpClient | RD | RS, I, ES>("EventPlatform.tasteClusters", {
    key: settings.keyOr(options.key),
    check: (key) => HttpCheck.make(options.check(key), options.status),
    submit: options.submit,
    strategy: options.strategy,
    missing: options.missing,
    unknownStatus: options.unknownStatus ?? "continue",
    pollErrors: options.pollErrors
  })

// ---- internal ----

const TaskSubmitted = /*#__PURE__*/ Schema.Struct({ task_id: Schema.NonEmptyString })

const PackageSubmitted = /*#__PURE__*/ Schema.Struct({ id: Schema.NonEmptyString })

const taskIdOf = (body: unknown): string | undefined =>
  hasProperty(body, "task_id") && typeof body.task_id === "string" ? body.task_id : undefined
