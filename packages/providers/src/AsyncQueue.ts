/**
 * An HTTP task queue: the service posts a payload to a target, and a task may then wait for a signal from outside.
 *
 * **Details**
 *
 * | word | meaning |
 * |---|---|
 * | `pending`, `processing`, `waiting` | pending |
 * | `completed` | succeeded, with `result` |
 * | `failed` | failed, with `error`, or "Unknown error" |
 * | `timeout` | expired: the service's own limit; for a signal task, nobody signaled within `maxWaitTime` |
 * | any other | pending, see `unknownState` |
 *
 * `tasks` end by themselves: the first check comes after 5 seconds, then one every 5 seconds. `signalTasks` may wait for a
 * day, which would be 17,280 checks: theirs come after 5 seconds, then with delays that double up to 5 minutes (294 checks
 * a day). To see the end of a signal task at once, let what signals it wake the wait too. A strategy of your own that checks
 * more often than every 5 seconds is warned of once. The documentation names no path of create and get; they are settings.
 *
 * What the service posts is decoded by `delivery` (to the `targetUrl`) and `completion` (to the `onCompleteUrl`).
 *
 * @since 0.1.0
 */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
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
export interface Options<out A = unknown> extends WithStrategies<"tasks" | "signalTasks"> {
  /** Where a task is created by POST; default `/v1/tasks`. */
  readonly createPath?: string | undefined
  /** Where a task is checked; default `/v1/tasks/{id}`. */
  readonly statusPath?: string | undefined
  /** The Schema of `result`; default: anything, absent included. */
  readonly result?: Schema.Codec<A, unknown> | undefined
}

/**
 * What is submitted.
 *
 * @category models
 * @since 0.1.0
 */
export interface Submission {
  /** Where the service posts the payload. */
  readonly targetUrl: string
  /** Any JSON; default an empty object. */
  readonly payload?: unknown
  /** How long the service waits for the end, in whole seconds on the wire; default: its own. */
  readonly maxWaitTime?: Duration.Input | undefined
  /** What the service calls at every end, a timeout included. */
  readonly onCompleteUrl?: string | undefined
}

/**
 * What the submit of a signal task yields. The token is a credential: whoever has it can end the task.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignalReceipt extends Job.Receipt<string> {
  readonly signalToken: Redacted.Redacted
}

/**
 * How a task is to end.
 *
 * @category models
 * @since 0.1.0
 */
export interface Signal {
  readonly status: "completed" | "failed"
  /** Any JSON. */
  readonly result?: unknown
}

/**
 * The jobs of a task queue, and its signals.
 *
 * @category models
 * @since 0.1.0
 */
export interface AsyncQueue<out A> {
  /** Tasks that end by themselves, by task id. */
  readonly tasks: AsyncQueueJob<A>
  /** Tasks that wait for a signal, by task id. Their receipt is a `SignalReceipt`, which `submitSignalTask` shows. */
  readonly signalTasks: AsyncQueueJob<A>
  /** The submit of `signalTasks`, with the type of its receipt. */
  readonly submitSignalTask: (
    submission: Submission
  ) => Effect.Effect<SignalReceipt, HttpCheckError, HttpClient.HttpClient>
  /**
   * Ends a task that waits. Doing it twice is harmless: the second one is `"alreadySignaled"` and changes nothing.
   */
  readonly signal: (
    token: Redacted.Redacted,
    signal: Signal
  ) => Effect.Effect<
    "accepted" | "alreadySignaled",
    UnknownToken | TaskFinished | TokenExpired | HttpCheckError,
    HttpClient.HttpClient
  >
}

/**
 * A job of a task queue.
 *
 * @category models
 * @since 0.1.0
 */
export interface AsyncQueueJob<out A> extends Job.Job<
  string,
  A,
  string,
  HttpCheckError,
  HttpClient.HttpClient,
  Submission,
  HttpCheckError
> {}

/**
 * No task has this signal token.
 *
 * @category errors
 * @since 0.1.0
 */
export class UnknownToken extends /*#__PURE__*/ Data.TaggedError("UnknownToken") {
  override get message(): string {
    return "no task has this signal token"
  }
}

/**
 * The task of this signal token ended by itself before the signal.
 *
 * @category errors
 * @since 0.1.0
 */
export class TaskFinished extends /*#__PURE__*/ Data.TaggedError("TaskFinished") {
  override get message(): string {
    return "the task of this signal token has finished by itself"
  }
}

/**
 * The signal came after the `maxWaitTime` of its task.
 *
 * @category errors
 * @since 0.1.0
 */
export class TokenExpired extends /*#__PURE__*/ Data.TaggedError("TokenExpired") {
  override get message(): string {
    return "the signal came after the maxWaitTime of its task"
  }
}

/**
 * What the service says of a task.
 *
 * @category models
 * @since 0.1.0
 */
export type Answer<A> =
  | { readonly status: "pending" | "processing" | "waiting" | "timeout" }
  | { readonly status: "completed"; readonly result: A }
  | { readonly status: "failed"; readonly error?: string | null | undefined }

/**
 * The Schema of what the service says of a task, by the Schema of its result.
 *
 * @category schemas
 * @since 0.1.0
 */
export const payload = <A = unknown>(result?: Schema.Codec<A, unknown>): Schema.Codec<Answer<A>, unknown> =>
  Schema.Union([
    Schema.Struct({ status: Schema.Literal("pending") }),
    Schema.Struct({ status: Schema.Literal("processing") }),
    Schema.Struct({ status: Schema.Literal("waiting") }),
    Schema.Struct({ status: Schema.Literal("timeout") }),
    Schema.Struct({ status: Schema.Literal("completed"), result: settings.resultField(result) }),
    Schema.Struct({ status: Schema.Literal("failed"), error: settings.OptionalText })
  ])

/**
 * The Schema that decodes what the service says of a task into a status.
 *
 * @category schemas
 * @since 0.1.0
 */
export const status = <A = unknown>(result?: Schema.Codec<A, unknown>): StatusSchema.StatusSchema<A, string> =>
  StatusSchema.fromField(payload(result), "status", {
    pending: Status.pending(),
    processing: Status.pending(),
    waiting: Status.pending(),
    timeout: Status.expired(),
    completed: (task) => Status.succeeded(task.result),
    failed: (task) => Status.failed(settings.reasonOf(task.error))
  })

/**
 * The words of a task, of which the documentation names the three ends; `status` has one case for each.
 *
 * @category models
 * @since 0.1.0
 */
export type Word = Answer<unknown>["status"]

/**
 * The Schema of the body that the service posts to an `onCompleteUrl`, at every end, a timeout included: the task as a check
 * at it shows it, so it is decoded to the same status. That is our reading; the documentation does not show the body.
 *
 * @category schemas
 * @since 0.1.0
 */
export const completion = <A = unknown>(result?: Schema.Codec<A, unknown>): Push.PushSchema<string, A, string> =>
  Push.make(status(result), { key: (body) => settings.textIn(body, "id") })

/**
 * What the service posts to a `targetUrl`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Delivery<out P> extends Push.Push<never, never> {
  /** What was submitted. */
  readonly payload: P
}

/**
 * The Schema of the body that the service posts to a `targetUrl`: the payload of the submission, and nothing else.
 *
 * **Details**
 *
 * The task has begun, so its check is pending. The payload is written before the task has an id, so it cannot name it.
 *
 * @category schemas
 * @since 0.1.0
 */
export const delivery = <P, RD = never>(
  payload: Schema.Codec<P, unknown, RD>
): Schema.Codec<Delivery<P>, unknown, RD> =>
  Push.from(payload, (value): Delivery<P> => ({ key: undefined, check: Status.pending(), payload: value }))

/**
 * The strategy of the documentation for short tasks: after 5 seconds, then every 5 seconds.
 *
 * @category strategies
 * @since 0.1.0
 */
export const strategy: Strategy.Strategy = /*#__PURE__*/ Strategy.withFirstWait(
  /*#__PURE__*/ Strategy.spaced("5 seconds"),
  "5 seconds"
)

/**
 * The shortest delay that the documentation plans for.
 *
 * @category strategies
 * @since 0.1.0
 */
export const gentleInterval: Duration.Duration = /*#__PURE__*/ Duration.seconds(5)

/**
 * The longest delay of `signalStrategy`.
 *
 * @category strategies
 * @since 0.1.0
 */
export const slowInterval: Duration.Duration = /*#__PURE__*/ Duration.minutes(5)

/**
 * Our strategy for signal tasks: after 5 seconds, then delays that double from 5 seconds to `slowInterval`.
 *
 * @category strategies
 * @since 0.1.0
 */
export const signalStrategy: Strategy.Strategy = /*#__PURE__*/ Strategy.withFirstWait(
  /*#__PURE__*/ Strategy.exponential({ initial: "5 seconds", factor: 2, cap: slowInterval }),
  "5 seconds"
)

/**
 * The deadline that a wait for a signal task should have: its `maxWaitTime` and one `slowInterval`, so that the service's
 * own `timeout` is seen.
 *
 * **Details**
 *
 * `maxWaitTime` is a positive finite duration, anything else a RangeError. `timeScale` is as in `Settings`; default 1.
 *
 * @category strategies
 * @since 0.1.0
 */
export const defaultDeadline = (
  maxWaitTime: Duration.Input,
  options?: { readonly timeScale?: number | undefined }
): Duration.Duration => {
  const timeScale = settings.positive("AsyncQueue.defaultDeadline: timeScale", options?.timeScale ?? 1)
  const millis = settings.positive("AsyncQueue.defaultDeadline: maxWaitTime", settings.scaledMillis(maxWaitTime, 1))
  return Duration.millis((millis + Duration.toMillis(slowInterval)) * timeScale)
}

/**
 * Creates the jobs of a task queue.
 *
 * **Details**
 *
 * The signal token is never part of an error, a log or a trace. Bad options are RangeErrors at the call.
 *
 * **Example** (Waiting for a review)
 *
 * ```ts no-run
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
 *
 * const queue = AsyncQueue.make({ baseUrl: "https://queue.example.com" })
 * export const review = Effect.gen(function* () {
 *   const receipt = yield* queue.submitSignalTask({ targetUrl: "https://app.example.com/review", maxWaitTime: "1 day" })
 *   // Store receipt.signalToken; whoever approves calls queue.signal with it.
 *   return yield* Poll.until(queue.signalTasks, receipt.key, { deadline: AsyncQueue.defaultDeadline("1 day") })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A = unknown>(options: Options<A>): AsyncQueue<A> => {
  const { timeScale, url, ...common } = settings.check("AsyncQueue.make", options)
  const createUrl = url(settings.nonEmpty("AsyncQueue.make: createPath", options.createPath ?? "/v1/tasks"))
  const statusPath = settings.template("AsyncQueue.make: statusPath", options.statusPath ?? "/v1/tasks/{id}", ["id"])
  const schema = status(options.result)
  const check = (id: string) => HttpCheck.get(url(settings.fillOrThrow("AsyncQueue: key", statusPath, { id })), schema)
  /** The parts of a job that the strategy decides. */
  const watched = (name: "tasks" | "signalTasks", otherwise: Strategy.Strategy) => {
    const gentle = Gentle.guard(`AsyncQueue.make: ${name}`, settings.scaledMillis(gentleInterval, timeScale))
    return {
      check: (id: string) => gentle.check(check(id)),
      strategy: gentle.strategy(options.strategies?.[name] ?? settings.scaled(otherwise, timeScale))
    }
  }
  const submitSignalTask = (submission: Submission) =>
    HttpCheck.send(HttpClientRequest.post(createUrl), SignalTaskCreated, {
      body: { ...bodyOf(submission), waitForSignal: true }
    }).pipe(Effect.map(({ signalToken, task }): SignalReceipt => ({ key: task.id, signalToken })))

  return {
    tasks: Job.make("AsyncQueue.tasks", {
      ...common,
      ...watched("tasks", strategy),
      submit: (submission: Submission) =>
        HttpCheck.send(HttpClientRequest.post(createUrl), Created, { body: bodyOf(submission) }).pipe(
          Effect.map(({ task }): Job.Receipt<string> => ({ key: task.id }))
        )
    }),
    signalTasks: Job.make("AsyncQueue.signalTasks", {
      ...common,
      ...watched("signalTasks", signalStrategy),
      submit: submitSignalTask
    }),
    submitSignalTask,
    signal: (token, { result, status }) => {
      const path = settings.fill("/v1/signals/{token}", { token: Redacted.value(token) })
      if (path === undefined) return Effect.fail(new UnknownToken())
      return HttpCheck.send(HttpClientRequest.post(url(path)), Signaled, {
        body: { status, result },
        shownUrl: url("/v1/signals/<redacted>"),
        refuse: refusal
      }).pipe(
        Effect.map((answer): "accepted" | "alreadySignaled" =>
          answer?.alreadySignaled === true ? "alreadySignaled" : "accepted"
        )
      )
    }
  }
}

// ---- internal ----

const Created = /*#__PURE__*/ Schema.Struct({ task: /*#__PURE__*/ Schema.Struct({ id: Schema.NonEmptyString }) })

const SignalTaskCreated = /*#__PURE__*/ Schema.Struct({
  ...Created.fields,
  signalToken: /*#__PURE__*/ Schema.RedactedFromValue(Schema.NonEmptyString, { label: "signalToken" })
})

const Signaled = /*#__PURE__*/ Schema.UndefinedOr(
  /*#__PURE__*/ Schema.Struct({ alreadySignaled: /*#__PURE__*/ Schema.optional(Schema.Boolean) })
)

const bodyOf = ({ maxWaitTime, onCompleteUrl, payload, targetUrl }: Submission) => ({
  targetUrl: settings.nonEmpty("AsyncQueue: targetUrl", targetUrl),
  payload: payload ?? {},
  maxWaitTime:
    maxWaitTime === undefined
      ? undefined
      : Math.ceil(settings.positive("AsyncQueue: maxWaitTime", settings.scaledMillis(maxWaitTime, 1)) / 1000),
  onCompleteUrl
})

/** The code says it where there is one, otherwise the status. */
const refusal = (status: number, body: unknown): UnknownToken | TaskFinished | TokenExpired | undefined => {
  switch (hasProperty(body, "code") ? body.code : undefined) {
    case "unknown_token":
      return new UnknownToken()
    case "task_finished":
      return new TaskFinished()
    case "token_expired":
      return new TokenExpired()
  }
  switch (status) {
    case 404:
      return new UnknownToken()
    case 409:
      return new TaskFinished()
    case 410:
      return new TokenExpired()
    default:
      return undefined
  }
}
