/**
 * An API that generates images, videos and sound: one task per prompt, known by its model and its task id.
 *
 * **Details**
 *
 * | word | meaning |
 * |---|---|
 * | `waiting`, `generating` | pending |
 * | `success` | succeeded, with the URLs in `resultJson`, which is a JSON text of its own |
 * | `failed` | failed, with `failCode` and `failMsg` |
 * | any other | pending, see `unknownState` |
 *
 * The words before the end are not in the documentation, nor is the path of the status: it is the setting `statusPath`.
 * The default strategy is the table of the documentation, by model (`strategyFor`). `fixed`, `exponential`, `many` and
 * `resilient` are its other ones. A `resultJson` that cannot be read is a permanent check error that names the path. A
 * strategy of your own that checks more often than every 2 seconds is warned of once.
 *
 * With a `callbackUrl` the service posts the answer to a webhook when the task ends: decode it with `Callback`.
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
import * as Gentle from "./Gentle.ts"
import * as settings from "./internal/settings.ts"
import * as Push from "./Push.ts"
import type { Settings } from "./Settings.ts"

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options extends Settings {
  /** The bearer token of every request. An empty one is a RangeError. */
  readonly token: Redacted.Redacted
  /** When to check, in place of the table by model: any `Schedule`, or one by key. */
  readonly strategy?: Schedule<unknown, Observation> | ((key: Key) => Schedule<unknown, Observation>) | undefined
  /** Where a task is checked; default `/generateTask/{model}/{taskId}`. */
  readonly statusPath?: string | undefined
}

/**
 * What a task is known by. Written as `model/taskId`, each percent-encoded.
 *
 * @category models
 * @since 0.1.0
 */
export interface Key {
  readonly model: string
  readonly taskId: string
}

/**
 * What is submitted: the model, its input, and where to post the answer if it is not only to be polled.
 *
 * @category models
 * @since 0.1.0
 */
export interface Submission {
  readonly model: string
  readonly input: { readonly prompt: string; readonly [name: string]: unknown }
  readonly callbackUrl?: string | undefined
}

/**
 * Why a task failed. Shown as `code: message`.
 *
 * @category models
 * @since 0.1.0
 */
export class GenerationFailure {
  readonly code: string | undefined
  /** "Unknown error" if the service says nothing. */
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
 * The job of a generation API; the result is the URLs of what was made.
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
 * The Schema of what the service says of a task: the `data` of the answer.
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
      failMsg: settings.OptionalText
    })
  ])
})()

/**
 * The Schema that decodes an answer, of the status path or in a callback, into a status.
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
          settings.reasonOf(task.failMsg)
        )
      )
  }),
  "data"
)

/**
 * The Schema of the body that the service posts to a `callbackUrl`: the same envelope as the answer of the status path,
 * so it is decoded to the same status.
 *
 * **Details**
 *
 * The documentation shows no ids in it. The key is there if both `data.model` and `data.taskId` are; to be sure of it, put
 * an id of your own into the `callbackUrl`.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Callback: Push.PushSchema<Key, ReadonlyArray<string>, GenerationFailure> = /*#__PURE__*/ Push.make(
  TaskStatus,
  {
    key: (body) => {
      const data = hasProperty(body, "data") ? body.data : undefined
      const [model, taskId] = [settings.textIn(data, "model"), settings.textIn(data, "taskId")]
      return model === undefined || taskId === undefined ? undefined : { model, taskId }
    }
  }
)

/**
 * The words of a task, of which the documentation names the two ends; `TaskStatus` has one case for each.
 *
 * @category models
 * @since 0.1.0
 */
export type Word = (typeof Task.Type)["state"]

/**
 * How a model is checked: milliseconds before the first check, between checks, and in all.
 *
 * @category models
 * @since 0.1.0
 */
export interface Timing {
  readonly firstWaitMillis: number
  readonly intervalMillis: number
  readonly maxDurationMillis: number
}

/**
 * The table of the documentation.
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
 * The shortest delay of the documentation's strategies.
 *
 * @category strategies
 * @since 0.1.0
 */
export const gentleInterval: Duration.Duration = /*#__PURE__*/ Duration.seconds(2)

/**
 * The adaptive strategy for a model; one that is not in the table has the row `other`.
 *
 * @category strategies
 * @since 0.1.0
 */
export const strategyFor = (model: string): Strategy.Strategy => adaptive(timingOf(model))

/**
 * Every 3 seconds, 60 checks 0, 3, ... 177 seconds.
 *
 * @category strategies
 * @since 0.1.0
 */
export const fixed: Strategy.Strategy = /*#__PURE__*/ Strategy.maxAttempts(
  /*#__PURE__*/ Strategy.spaced("3 seconds"),
  60
)

/**
 * For unknown durations: 2 seconds, growing by 1.5 to 30 seconds, for 10 minutes.
 *
 * @category strategies
 * @since 0.1.0
 */
export const exponential: Strategy.Strategy = /*#__PURE__*/ Strategy.maxDuration(
  /*#__PURE__*/ Strategy.exponential({ initial: "2 seconds", factor: 1.5, cap: "30 seconds" }),
  "10 minutes"
)

/**
 * For many tasks at a time: every 3 seconds, 62 checks 0, 3, ... 183 seconds. The documentation gives up at the check
 * that finds more than 60 others before its own predecessor, which is the 62nd.
 *
 * @category strategies
 * @since 0.1.0
 */
export const many: Strategy.Strategy = /*#__PURE__*/ Strategy.maxAttempts(
  /*#__PURE__*/ Strategy.spaced("3 seconds"),
  62
)

/**
 * The options of a wait that lives through a bad network: every 3 seconds for 5 minutes, which is absolute.
 *
 * **Details**
 *
 * A check that gets no answer is tried three times, with waits of 1, 2 and 3 seconds after them; then that check is given
 * up and the next interval comes. Any other error of a check, a 5xx too, ends the wait as `CheckRejected`. A task that
 * failed has failed, whatever its message says of a network. `timeScale` is as in `Settings`; default 1.
 *
 * @category strategies
 * @since 0.1.0
 */
export const resilient = (options?: {
  readonly timeScale?: number | undefined
}): { readonly strategy: Strategy.Strategy; readonly checkErrors: Job.CheckErrorPolicy<HttpCheckError> } => {
  const timeScale = settings.positive("GenerationApi.resilient: timeScale", options?.timeScale ?? 1)
  const second = settings.scaledMillis("1 second", timeScale)
  return {
    strategy: settings.scaled(Strategy.maxDuration(Strategy.spaced("3 seconds"), "5 minutes"), timeScale),
    checkErrors: {
      kindOf: (error) => (error.reason._tag === "Transport" ? CheckError.transient() : CheckError.permanent()),
      retry: Strategy.maxRecurrences(Strategy.linear({ increment: second }), 2),
      // The third wait and the interval after it.
      schedule: Strategy.spaced(3 * second + 3 * second),
      maxConsecutive: "unbounded"
    }
  }
}

/**
 * The codec of a key. One without a model or a task id, or a text that is no key, is a RangeError.
 *
 * @category codecs
 * @since 0.1.0
 */
export const keyCodec: KeyCodec<Key> = {
  encode: ({ model, taskId }) =>
    [settings.nonEmpty("GenerationApi: key.model", model), settings.nonEmpty("GenerationApi: key.taskId", taskId)]
      .map(encodeURIComponent)
      .join("/"),
  decode: (encoded) => {
    const [model, taskId, ...rest] = encoded.split("/").map(decodeURIComponent)
    if (rest.length > 0) throw new RangeError(`GenerationApi: key must be model/taskId, got ${JSON.stringify(encoded)}`)
    return {
      model: settings.nonEmpty("GenerationApi: key.model", model ?? ""),
      taskId: settings.nonEmpty("GenerationApi: key.taskId", taskId ?? "")
    }
  }
}

/**
 * Creates the job of a generation API.
 *
 * **Details**
 *
 * The submit is sent once; with a `callbackUrl` in callback mode, otherwise in async mode. Bad options are RangeErrors at
 * the call.
 *
 * **Example** (Making a picture)
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
  const { timeScale, url, ...common } = settings.check("GenerationApi.make", options)
  settings.nonEmpty("GenerationApi.make: token", Redacted.value(options.token))
  const statusPath = settings.template(
    "GenerationApi.make: statusPath",
    options.statusPath ?? "/generateTask/{model}/{taskId}",
    ["taskId"]
  )
  const gentle = Gentle.guard("GenerationApi.make", settings.scaledMillis(gentleInterval, timeScale))
  const given = options.strategy
  return Job.make("GenerationApi", {
    ...common,
    key: keyCodec,
    check: ({ model, taskId }: Key) =>
      gentle.check(
        HttpCheck.make(
          HttpClientRequest.get(url(settings.fillOrThrow("GenerationApi: key", statusPath, { model, taskId }))).pipe(
            HttpClientRequest.bearerToken(options.token)
          ),
          TaskStatus
        )
      ),
    submit: ({ callbackUrl, input, model }: Submission) => {
      const to = url(settings.fillOrThrow("GenerationApi: model", "/generateTask/{model}", { model }))
      return HttpCheck.send(HttpClientRequest.post(to).pipe(HttpClientRequest.bearerToken(options.token)), Submitted, {
        body:
          callbackUrl === undefined
            ? { request_type: "async", input }
            : { request_type: "callback", callback_url: callbackUrl, input }
      }).pipe(Effect.map(({ data }): Job.Receipt<Key> => ({ key: { model, taskId: data.taskId } })))
    },
    strategy:
      given === undefined
        ? ({ model }: Key) => settings.scaled(strategyFor(model), timeScale)
        : typeof given === "function"
          ? (key: Key) => gentle.strategy(given(key))
          : gentle.strategy(given)
  })
}

// ---- internal ----

/** What the documentation calls an adaptive interval: a first wait and a fixed pace, for a limited time. */
const adaptive = ({ firstWaitMillis, intervalMillis, maxDurationMillis }: Timing): Strategy.Strategy =>
  Strategy.spaced(intervalMillis).pipe(Strategy.withFirstWait(firstWaitMillis), Strategy.maxDuration(maxDurationMillis))

const timingOf = (model: string): Timing =>
  Object.hasOwn(timings, model) ? timings[model as keyof typeof timings] : timings.other

const Submitted = /*#__PURE__*/ Schema.Struct({
  data: /*#__PURE__*/ Schema.Struct({ taskId: Schema.NonEmptyString })
})
