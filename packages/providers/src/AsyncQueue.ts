/**
 * An HTTP task queue: the service posts a payload to a target URL, and the task may then wait for an external signal.
 *
 * **Details**
 *
 * | state | status |
 * |---|---|
 * | `pending`, `processing`, `waiting` | pending |
 * | `completed` | succeeded, with `result` |
 * | `failed` | failed, with `error`, or "Unknown error" |
 * | `timeout` | expired: the service's own limit; for a signal task, no signal arrived within `maxWaitTime` |
 * | any other | pending, see `unknownState` |
 *
 * `tasks` end without a signal: they are checked after 5 seconds, then every 5 seconds. `signalTasks` may wait for a
 * day, which would take 17,280 checks at that rate: they are checked after 5 seconds, then with delays that double up
 * to 5 minutes (294 checks a day). To learn of the end of a signal task at once, call `checkNow` on its wait after
 * sending the signal. A strategy of your own with delays of less than 5 seconds logs one warning (see
 * `MinimumInterval`). The documentation does not name the paths of create and get, so they are options.
 *
 * `delivery` decodes what the service posts to the `targetUrl`, `completion` what it posts to the `onCompleteUrl`.
 *
 * @since 0.1.0
 */
import type { HttpAnswer } from "@effect-poll/http/HttpAnswer"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Push from "@effect-poll/http/Push"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type * as Types from "effect/Types"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as MinimumInterval from "./MinimumInterval.ts"
import * as Path from "./internal/path.ts"
import * as Wire from "./internal/wire.ts"
import * as CommonSettings from "./internal/commonSettings.ts"
import * as Receipt from "./internal/receipt.ts"
import * as Validate from "./internal/validate.ts"
import type { WithStrategies } from "./Settings.ts"

/**
 * Options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out A = unknown> extends WithStrategies<"tasks" | "signalTasks"> {
  /** The path to which a new task is posted. Default: `/v1/tasks`. */
  readonly createPath?: string | undefined
  /** The path of a task; it must contain `{id}`. Default: `/v1/tasks/{id}`. */
  readonly statusPath?: string | undefined
  /** The Schema of the field `result`. Default: any value, absent included. */
  readonly result?: Schema.Codec<A, unknown> | undefined
}

/**
 * The input of a submit.
 *
 * @category models
 * @since 0.1.0
 */
export interface Submission {
  /** The URL to which the service posts the payload. A blank one is a RangeError. */
  readonly targetUrl: string
  /** Any JSON. Default: an empty object. */
  readonly payload?: unknown
  /**
   * How long the service waits for the end of the task; a positive finite duration, rounded up to whole seconds on the
   * wire. Default: the service's own limit.
   */
  readonly maxWaitTime?: Duration.Input | undefined
  /** The URL to which the service posts the task when it ends, also by timeout. Default: none. */
  readonly onCompleteUrl?: string | undefined
}

/**
 * The receipt of a signal task.
 *
 * @category models
 * @since 0.1.0
 */
export interface SignalReceipt extends Job.Receipt<string> {
  /** Authorizes `signal` to end the task: treat it as a credential. */
  readonly signalToken: Redacted.Redacted
}

/**
 * The end that a signal gives a task.
 *
 * @category models
 * @since 0.1.0
 */
export interface Signal {
  /** Whether the task succeeds or fails. */
  readonly status: "completed" | "failed"
  /** The result of the task: any JSON. Default: none. */
  readonly result?: unknown
}

/**
 * The jobs and the signals of a task queue.
 *
 * @category models
 * @since 0.1.0
 */
export interface AsyncQueue<out A> {
  /** Tasks that end without a signal, by task id. */
  readonly tasks: AsyncQueueJob<A>
  /** Tasks that wait for a signal, by task id. To submit one and get its token, use `submitSignalTask`. */
  readonly signalTasks: AsyncQueueJob<A>
  /** Submits a task that waits for a signal, and returns the token for the signal with its key. */
  readonly submitSignalTask: (
    submission: Submission
  ) => Effect.Effect<SignalReceipt, HttpCheckError, HttpClient.HttpClient>
  /**
   * Ends a task that waits for a signal. Sending a signal again is safe: the first one counts, and every later
   * one returns `"alreadySignaled"`.
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
 * The signal token belongs to no task.
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
 * The task ended without a signal before this one arrived.
 *
 * @category errors
 * @since 0.1.0
 */
export class TaskFinished extends /*#__PURE__*/ Data.TaggedError("TaskFinished") {
  override get message(): string {
    return "the task ended before the signal arrived"
  }
}

/**
 * The signal arrived after the `maxWaitTime` of its task.
 *
 * @category errors
 * @since 0.1.0
 */
export class TokenExpired extends /*#__PURE__*/ Data.TaggedError("TokenExpired") {
  override get message(): string {
    return "the signal arrived after the maxWaitTime of its task"
  }
}

/**
 * A task as the service reports it.
 *
 * @category models
 * @since 0.1.0
 */
export type Task<A> =
  | { readonly status: "pending" | "processing" | "waiting" | "timeout" }
  | { readonly status: "completed"; readonly result: A }
  | { readonly status: "failed"; readonly error?: string | null | undefined }

/**
 * Creates the Schema of a task as the service reports it, from the Schema of its result.
 *
 * @category schemas
 * @since 0.1.0
 */
export const taskSchema = <A = unknown>(result?: Schema.Codec<A, unknown>): Schema.Codec<Task<A>, unknown> =>
  Schema.Union([
    Schema.Struct({ status: Schema.Literal("pending") }),
    Schema.Struct({ status: Schema.Literal("processing") }),
    Schema.Struct({ status: Schema.Literal("waiting") }),
    Schema.Struct({ status: Schema.Literal("timeout") }),
    Schema.Struct({ status: Schema.Literal("completed"), result: Wire.resultField(result) }),
    Schema.Struct({ status: Schema.Literal("failed"), error: Wire.OptionalText })
  ])

/**
 * Creates the Schema that decodes a task as the service reports it to a status, from the Schema of its result.
 *
 * @category schemas
 * @since 0.1.0
 */
export const status = <A = unknown>(
  result?: Schema.Codec<A, unknown>
): StatusSchema.StatusSchema<Types.NoInfer<A>, string> =>
  StatusSchema.fromField(taskSchema(result), "status", {
    pending: Status.pending(),
    processing: Status.pending(),
    waiting: Status.pending(),
    timeout: Status.expired(),
    completed: (task) => Status.succeeded(task.result),
    failed: (task) => Status.failed(Wire.reasonOf(task.error))
  })

/**
 * The states of a task that `status` maps. The documentation names `completed`, `failed` and `timeout`; the others are
 * inferred.
 *
 * @category models
 * @since 0.1.0
 */
export type State = Task<unknown>["status"]

/**
 * Creates the Schema of the body that the service posts to an `onCompleteUrl` when a task ends, also by timeout.
 *
 * **Details**
 *
 * The body is taken to be the task as a check finds it, and decodes to the same status. The documentation does not show
 * the body.
 *
 * @category schemas
 * @since 0.1.0
 */
export const completion = <A = unknown>(result?: Schema.Codec<A, unknown>): Push.PushSchema<string, A, string> =>
  Push.make(status(result), { key: (body) => Wire.textIn(body, "id") })

/**
 * The decoded body that the service posts to a `targetUrl`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Delivery<out P> extends Push.Push<never, never> {
  /** The payload of the submission. */
  readonly payload: P
}

/**
 * Creates the Schema of the body that the service posts to a `targetUrl`, from the Schema of the payload: the body is
 * the payload of the submission and nothing else.
 *
 * **Details**
 *
 * The delivery starts the task, so `result` is pending. `key` is undefined, since the payload is written before the
 * task has an id.
 *
 * @category schemas
 * @since 0.1.0
 */
export const delivery = <P, RD = never>(
  payload: Schema.Codec<P, unknown, RD>
): Schema.Codec<Delivery<P>, unknown, RD> =>
  Push.from(payload, (value): Delivery<P> => ({ key: undefined, result: Status.pending(), payload: value }))

/**
 * The documented strategy for short tasks: after 5 seconds, then every 5 seconds.
 *
 * @category strategies
 * @since 0.1.0
 */
export const strategy: Strategy.Strategy = /*#__PURE__*/ Strategy.withFirstWait(
  /*#__PURE__*/ Strategy.spaced("5 seconds"),
  "5 seconds"
)

/**
 * The shortest documented delay between checks: 5 seconds.
 *
 * @category strategies
 * @since 0.1.0
 */
export const minimumInterval: Duration.Duration = /*#__PURE__*/ Duration.seconds(5)

/**
 * The longest delay of `signalStrategy`: 5 minutes.
 *
 * @category strategies
 * @since 0.1.0
 */
export const slowInterval: Duration.Duration = /*#__PURE__*/ Duration.minutes(5)

/**
 * The default strategy for signal tasks: after 5 seconds, then with delays that double from 5 seconds to 5 minutes
 * (`slowInterval`). The documentation does not poll signal tasks.
 *
 * @category strategies
 * @since 0.1.0
 */
export const signalStrategy: Strategy.Strategy = /*#__PURE__*/ Strategy.withFirstWait(
  /*#__PURE__*/ Strategy.exponential({ initial: "5 seconds", factor: 2, cap: slowInterval }),
  "5 seconds"
)

/**
 * Returns the deadline for a wait for a signal task: its `maxWaitTime` plus `slowInterval` (5 minutes), so that the
 * wait ends by the `timeout` of the service and not by its own deadline.
 *
 * **Details**
 *
 * `maxWaitTime` is a positive finite duration; anything else is a RangeError. `timeScale` multiplies the deadline, as
 * in `Settings`; its default is 1.
 *
 * @category strategies
 * @since 0.1.0
 */
export const defaultDeadline = (
  maxWaitTime: Duration.Input,
  options?: { readonly timeScale?: number | undefined }
): Duration.Duration => {
  const timeScale = Validate.positive("AsyncQueue.defaultDeadline: timeScale", options?.timeScale ?? 1)
  const millis = Validate.millis("AsyncQueue.defaultDeadline: maxWaitTime", maxWaitTime)
  return Duration.millis((millis + Duration.toMillis(slowInterval)) * timeScale)
}

/**
 * Creates the jobs of a task queue.
 *
 * **Details**
 *
 * The signal token never appears in an error, a log or a trace. Invalid options throw a RangeError.
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
 *   // Store receipt.signalToken: the approval passes it to queue.signal.
 *   return yield* Poll.until(queue.signalTasks, receipt.key, { deadline: AsyncQueue.defaultDeadline("1 day") })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A = unknown>(options: Options<A>): AsyncQueue<Types.NoInfer<A>> => {
  const { timeScale, url, ...common } = CommonSettings.resolve("AsyncQueue.make", options)
  const createUrl = url(Validate.nonEmpty("AsyncQueue.make: createPath", options.createPath ?? "/v1/tasks"))
  const statusPath = Path.template("AsyncQueue.make: statusPath", options.statusPath ?? "/v1/tasks/{id}", ["id"])
  const schema = status(options.result)
  const check = (id: string) => HttpCheck.get(url(Path.fillOrThrow("AsyncQueue: key", statusPath, { id })), schema)
  const guarded = (name: "tasks" | "signalTasks", defaultStrategy: Strategy.Strategy) => {
    const guard = MinimumInterval.guard(
      `AsyncQueue.make: ${name}`,
      CommonSettings.scaledMillis(minimumInterval, timeScale)
    )
    return {
      check: (id: string) => guard.check(check(id)),
      strategy: guard.strategy(options.strategies?.[name] ?? CommonSettings.scaled(defaultStrategy, timeScale))
    }
  }
  const submitSignalTask = (submission: Submission) =>
    HttpCheck.send(HttpClientRequest.post(createUrl), SignalTaskCreated, {
      body: { ...bodyOf(submission), waitForSignal: true }
    }).pipe(Receipt.from(({ signalToken, task }): SignalReceipt => ({ key: task.id, signalToken })))

  return {
    tasks: Job.make("AsyncQueue.tasks", {
      ...common,
      ...guarded("tasks", strategy),
      submit: (submission: Submission) =>
        HttpCheck.send(HttpClientRequest.post(createUrl), Created, { body: bodyOf(submission) }).pipe(
          Receipt.from(({ task }): Job.Receipt<string> => ({ key: task.id }))
        )
    }),
    signalTasks: Job.make("AsyncQueue.signalTasks", {
      ...common,
      ...guarded("signalTasks", signalStrategy),
      submit: submitSignalTask
    }),
    submitSignalTask,
    signal: (token, { result, status }) => {
      const path = Path.fill("/v1/signals/{token}", { token: Redacted.value(token) })
      if (path === undefined) return Effect.fail(new UnknownToken())
      return HttpCheck.send(HttpClientRequest.post(url(path)), Signaled, {
        body: { status, result },
        shownUrl: url("/v1/signals/<redacted>"),
        interpret: refusal
      }).pipe(
        Effect.map(({ value }): "accepted" | "alreadySignaled" =>
          value?.alreadySignaled === true ? "alreadySignaled" : "accepted"
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
  targetUrl: Validate.nonEmpty("AsyncQueue: targetUrl", targetUrl),
  payload: payload ?? {},
  maxWaitTime:
    maxWaitTime === undefined ? undefined : Math.ceil(Validate.millis("AsyncQueue: maxWaitTime", maxWaitTime) / 1000),
  onCompleteUrl
})

/** The refusals of a signal: by the `code` of the body if it has a known one, otherwise by the status code. */
const refusal = ({
  body,
  status
}: HttpAnswer): Effect.Effect<never, UnknownToken | TaskFinished | TokenExpired> | undefined => {
  if (status >= 200 && status <= 299) return undefined
  switch (hasProperty(body, "code") ? body.code : undefined) {
    case "unknown_token":
      return Effect.fail(new UnknownToken())
    case "task_finished":
      return Effect.fail(new TaskFinished())
    case "token_expired":
      return Effect.fail(new TokenExpired())
  }
  switch (status) {
    case 404:
      return Effect.fail(new UnknownToken())
    case 409:
      return Effect.fail(new TaskFinished())
    case 410:
      return Effect.fail(new TokenExpired())
    default:
      return undefined
  }
}
