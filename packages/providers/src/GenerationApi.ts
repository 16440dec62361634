/**
 * An API that generates images, videos and sound: one task per prompt, identified by its model and its task id.
 *
 * **Details**
 *
 * | state | status |
 * |---|---|
 * | `waiting`, `generating` | pending |
 * | `success` | succeeded, with the URLs in `resultJson`, a field that contains JSON text |
 * | `failed` | failed, with `failCode` and `failMsg` |
 * | any other | pending, see `unknownState` |
 *
 * The documentation names neither the pending states nor the path of the status, which is the option `statusPath`. The
 * default strategy is the documented table by model (`strategyFor`); `fixed`, `exponential`, `many` and `resilient` are
 * the other documented ones. A `resultJson` that cannot be decoded is a permanent check error, which names the path of
 * the field. A strategy of your own with delays of less than 2 seconds logs one warning (see `MinimumInterval`).
 *
 * With a `callbackUrl` the service posts the end of the task to a webhook: decode it with `Callback`.
 *
 * @since 0.1.0
 */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Push from "@effect-poll/http/Push"
import * as Duration from "effect/Duration"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import { hasProperty } from "effect/Predicate"
import * as Redacted from "effect/Redacted"
import type { Schedule } from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import type { KeyCodec } from "effect-poll/KeyCodec"
import type { Observation } from "effect-poll/Observation"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as MinimumInterval from "./MinimumInterval.ts"
import * as Path from "./internal/path.ts"
import * as CommonSettings from "./internal/commonSettings.ts"
import * as Receipt from "./internal/receipt.ts"
import * as Validate from "./internal/validate.ts"
import * as Wire from "./internal/wire.ts"
import type { Settings } from "./Settings.ts"

/**
 * Options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Settings {
  /** The bearer token sent with every request. A blank one is a RangeError. */
  readonly token: Redacted.Redacted
  /** When to check: any `Schedule`, or a function from the key to one. Default: the table by model, `strategyFor`. */
  readonly strategy?: Schedule<unknown, Observation> | ((key: Key) => Schedule<unknown, Observation>) | undefined
  /** The path of a task; it must contain `{taskId}`. Default: `/generateTask/{model}/{taskId}`. */
  readonly statusPath?: string | undefined
}

/**
 * The key of a task. It is encoded as `model/taskId`, both percent-encoded; neither may be blank.
 *
 * @category models
 * @since 0.1.0
 */
export interface Key {
  readonly model: string
  readonly taskId: string
}

/**
 * The input of a submit.
 *
 * @category models
 * @since 0.1.0
 */
export interface Submission {
  readonly model: string
  /** The input of the model: a prompt, and whatever else the model takes. */
  readonly input: { readonly prompt: string; readonly [name: string]: unknown }
  /** The URL to which the service posts the task when it ends. Default: none, the task is only polled. */
  readonly callbackUrl?: string | undefined
}

/**
 * The failure of a task. As a string it is `code: message`, or the message alone.
 *
 * @category models
 * @since 0.1.0
 */
export class GenerationFailure {
  /** The code of the service; undefined if it gives none. */
  readonly code: string | undefined
  /** The message of the service, or "Unknown error" if it gives none. */
  readonly message: string
  constructor(code: string | undefined, message: string) {
    this.code = code
    this.message = message
  }
  toString(): string {
    return this.code === undefined ? this.message : `${this.code}: ${this.message}`
  }
}

/**
 * The job of a generation API. Its result is the URLs of the generated files.
 *
 * @category models
 * @since 0.1.0
 */
export interface GenerationApi extends Job.Job<
  Key,
  ReadonlyArray<string>,
  GenerationFailure,
  HttpCheckError,
  HttpClient.HttpClient,
  Submission,
  HttpCheckError
> {}

/**
 * The Schema of a task as the service reports it in the field `data` of a response.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Task = /*#__PURE__*/ (() => {
  const ids = { taskId: Schema.optionalKey(Schema.String), model: Schema.optionalKey(Schema.String) }
  return Schema.Union([
    Schema.Struct({ ...ids, state: Schema.Literal("waiting") }),
    Schema.Struct({ ...ids, state: Schema.Literal("generating") }),
    Schema.Struct({
      ...ids,
      state: Schema.Literal("success"),
      resultJson: Schema.fromJsonString(Schema.Struct({ resultUrls: Schema.Array(Schema.String) }))
    }),
    Schema.Struct({
      ...ids,
      state: Schema.Literal("failed"),
      failCode: Schema.optional(Schema.Union([Schema.String, Schema.Finite, Schema.Null])),
      failMsg: Wire.OptionalText
    })
  ])
})()

/**
 * The Schema that decodes the response to a check, or the body of a callback, to a status.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TaskStatus: StatusSchema.StatusSchema<
  ReadonlyArray<string>,
  GenerationFailure
> = /*#__PURE__*/ StatusSchema.within(
  /*#__PURE__*/ StatusSchema.fromField(Task, "state", {
    waiting: Status.pending(),
    generating: Status.pending(),
    success: (task) => Status.succeeded(task.resultJson.resultUrls),
    failed: (task) =>
      Status.failed(
        new GenerationFailure(
          task.failCode === undefined || task.failCode === null || task.failCode === ""
            ? undefined
            : String(task.failCode),
          Wire.reasonOf(task.failMsg)
        )
      )
  }),
  "data"
)

/**
 * The Schema of the body that the service posts to a `callbackUrl`. It has the form of the response to a check, and
 * decodes to the same status.
 *
 * **Details**
 *
 * `key` is defined only if the body contains both `data.model` and `data.taskId`, which the documentation does not
 * show. To be sure which task a callback is about, put an id of your own into the `callbackUrl`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Callback: Push.PushSchema<Key, ReadonlyArray<string>, GenerationFailure> = /*#__PURE__*/ Push.make(
  TaskStatus,
  {
    key: (body) => {
      const data = hasProperty(body, "data") ? body.data : undefined
      const [model, taskId] = [Wire.textIn(data, "model"), Wire.textIn(data, "taskId")]
      return model === undefined || taskId === undefined ? undefined : { model, taskId }
    }
  }
)

/**
 * The states of a task that `TaskStatus` maps. The documentation names `success` and `failed`; the others are inferred.
 *
 * @category models
 * @since 0.1.0
 */
export type State = (typeof Task.Type)["state"]

/**
 * When the tasks of one model are checked.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timing {
  /** The delay before the first check, in milliseconds. */
  readonly firstWaitMillis: number
  /** The delay between two checks, in milliseconds. */
  readonly intervalMillis: number
  /** How long a task is checked in total, in milliseconds, including the first wait. */
  readonly maxDurationMillis: number
}

/**
 * The documented times by model; `other` is for every model that the documentation does not list.
 *
 * @category strategies
 * @since 0.1.0
 */
export const timings: {
  readonly [Model in "nano-banana" | "flux-2" | "sora-2" | "veo-3-1" | "suno" | "other"]: Timing
} = {
  "nano-banana": { firstWaitMillis: 5_000, intervalMillis: 3_000, maxDurationMillis: 120_000 },
  "flux-2": { firstWaitMillis: 10_000, intervalMillis: 5_000, maxDurationMillis: 180_000 },
  "sora-2": { firstWaitMillis: 60_000, intervalMillis: 15_000, maxDurationMillis: 600_000 },
  "veo-3-1": { firstWaitMillis: 45_000, intervalMillis: 10_000, maxDurationMillis: 480_000 },
  suno: { firstWaitMillis: 30_000, intervalMillis: 10_000, maxDurationMillis: 300_000 },
  other: { firstWaitMillis: 10_000, intervalMillis: 5_000, maxDurationMillis: 300_000 }
}

/**
 * The shortest documented delay between checks: 2 seconds.
 *
 * @category strategies
 * @since 0.1.0
 */
export const minimumInterval: Duration.Duration = /*#__PURE__*/ Duration.seconds(2)

/**
 * Returns the documented strategy for a model: a first wait, then checks at a constant interval, up to a total time. A
 * model that is not in `timings` gets the times of `other`.
 *
 * @category strategies
 * @since 0.1.0
 */
export const strategyFor = (model: string): Strategy.Strategy => adaptive(timingOf(model))

/**
 * The documented strategy for simple scripts: every 3 seconds, 60 checks at 0, 3, ... 177 seconds.
 *
 * @category strategies
 * @since 0.1.0
 */
export const fixed: Strategy.Strategy = /*#__PURE__*/ Strategy.maxAttempts(
  /*#__PURE__*/ Strategy.spaced("3 seconds"),
  60
)

/**
 * The documented strategy for tasks of unknown duration: 2 seconds, growing by a factor of 1.5 up to 30 seconds, for 10
 * minutes.
 *
 * @category strategies
 * @since 0.1.0
 */
export const exponential: Strategy.Strategy = /*#__PURE__*/ Strategy.maxDuration(
  /*#__PURE__*/ Strategy.exponential({ initial: "2 seconds", factor: 1.5, cap: "30 seconds" }),
  "10 minutes"
)

/**
 * The documented strategy for many tasks at a time: every 3 seconds, 62 checks at 0, 3, ... 183 seconds. The documented
 * loop compares its counter with 60 after each check, which stops it after the 62nd.
 *
 * @category strategies
 * @since 0.1.0
 */
export const many: Strategy.Strategy = /*#__PURE__*/ Strategy.maxAttempts(
  /*#__PURE__*/ Strategy.spaced("3 seconds"),
  62
)

/**
 * Returns the documented options for an unreliable network: every 3 seconds for 5 minutes in total, retries included.
 *
 * **Details**
 *
 * A check that gets no response is tried three times, with delays of 1, 2 and 3 seconds after the tries; then the
 * strategy continues with its next interval. Any other check error, a 5xx included, ends the wait as `CheckRejected`. A
 * task that failed has failed, even if its message mentions a network. `timeScale` multiplies all of these times, as in
 * `Settings`; its default is 1.
 *
 * @category strategies
 * @since 0.1.0
 */
export const resilient = (options?: {
  readonly timeScale?: number | undefined
}): { readonly strategy: Strategy.Strategy; readonly checkErrors: Job.CheckErrorPolicy<HttpCheckError> } => {
  const timeScale = Validate.positive("GenerationApi.resilient: timeScale", options?.timeScale ?? 1)
  const second = CommonSettings.scaledMillis("1 second", timeScale)
  return {
    strategy: CommonSettings.scaled(Strategy.maxDuration(Strategy.spaced("3 seconds"), "5 minutes"), timeScale),
    checkErrors: {
      kindOf: (error) => (error.reason._tag === "Transport" ? CheckError.transient() : CheckError.permanent()),
      retry: Strategy.maxRecurrences(Strategy.linear({ increment: second }), 2),
      // The delay after the third try, and the interval after that.
      schedule: Strategy.spaced(3 * second + 3 * second),
      maxConsecutive: "unbounded"
    }
  }
}

/**
 * Encodes a key as `model/taskId`, both percent-encoded. A blank model or task id, and text that is not an encoded key,
 * are RangeErrors.
 *
 * @category codecs
 * @since 0.1.0
 */
export const keyCodec: KeyCodec<Key> = {
  encode: ({ model, taskId }) =>
    [Validate.nonEmpty("GenerationApi: key.model", model), Validate.nonEmpty("GenerationApi: key.taskId", taskId)]
      .map(encodeURIComponent)
      .join("/"),
  decode: (encoded) => {
    const [model, taskId, ...rest] = encoded.split("/").map(decodeURIComponent)
    if (rest.length > 0) throw new RangeError(`GenerationApi: key must be model/taskId, got ${JSON.stringify(encoded)}`)
    return {
      model: Validate.nonEmpty("GenerationApi: key.model", model ?? ""),
      taskId: Validate.nonEmpty("GenerationApi: key.taskId", taskId ?? "")
    }
  }
}

/**
 * Creates the job of a generation API.
 *
 * **Details**
 *
 * A submit is sent once: in callback mode if it has a `callbackUrl`, otherwise in async mode. Invalid options throw a
 * RangeError.
 *
 * **Example** (Generating an image)
 *
 * ```ts no-run
 * import * as Effect from "effect/Effect"
 * import * as Redacted from "effect/Redacted"
 * import * as Poll from "effect-poll/Poll"
 * import * as GenerationApi from "@effect-poll/providers/GenerationApi"
 *
 * const api = GenerationApi.make({ baseUrl: "https://api.example.com", token: Redacted.make("secret") })
 * export const urls = Effect.gen(function* () {
 *   const receipt = yield* api.submit!({ model: "flux-2", input: { prompt: "a heron at dawn" } })
 *   return yield* Poll.until(api, receipt.key, { deadline: "5 minutes" })
 * })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options): GenerationApi => {
  const { timeScale, url, ...common } = CommonSettings.resolve("GenerationApi.make", options)
  Validate.nonEmpty("GenerationApi.make: token", Redacted.value(options.token))
  const statusPath = Path.template(
    "GenerationApi.make: statusPath",
    options.statusPath ?? "/generateTask/{model}/{taskId}",
    ["taskId"]
  )
  const guard = MinimumInterval.guard("GenerationApi.make", CommonSettings.scaledMillis(minimumInterval, timeScale))
  const { strategy } = options
  return Job.make("GenerationApi", {
    ...common,
    key: keyCodec,
    check: ({ model, taskId }: Key) =>
      guard.check(
        HttpCheck.make(
          HttpClientRequest.get(url(Path.fillOrThrow("GenerationApi: key", statusPath, { model, taskId }))).pipe(
            HttpClientRequest.bearerToken(options.token)
          ),
          TaskStatus
        )
      ),
    submit: ({ callbackUrl, input, model }: Submission) => {
      const target = url(Path.fillOrThrow("GenerationApi: model", "/generateTask/{model}", { model }))
      const request = HttpClientRequest.post(target).pipe(HttpClientRequest.bearerToken(options.token))
      return HttpCheck.send(request, Submitted, {
        body:
          callbackUrl === undefined
            ? { request_type: "async", input }
            : { request_type: "callback", callback_url: callbackUrl, input }
      }).pipe(Receipt.from(({ data }): Job.Receipt<Key> => ({ key: { model, taskId: data.taskId } })))
    },
    strategy:
      strategy === undefined
        ? ({ model }: Key) => CommonSettings.scaled(strategyFor(model), timeScale)
        : typeof strategy === "function"
          ? (key: Key) => guard.strategy(strategy(key))
          : guard.strategy(strategy)
  })
}

// ---- internal ----

/** What the documentation calls an adaptive interval: a first wait, then a constant interval, for a limited time. */
const adaptive = ({ firstWaitMillis, intervalMillis, maxDurationMillis }: Timing): Strategy.Strategy =>
  Strategy.spaced(intervalMillis).pipe(Strategy.withFirstWait(firstWaitMillis), Strategy.maxDuration(maxDurationMillis))

const timingOf = (model: string): Timing =>
  Object.hasOwn(timings, model) ? timings[model as keyof typeof timings] : timings.other

const Submitted = /*#__PURE__*/ Schema.Struct({
  data: /*#__PURE__*/ Schema.Struct({ taskId: Schema.NonEmptyString })
})
