/**
 * A generic job-status API: a submit that answers a job id, and one URL per job that says how it is.
 *
 * **Details**
 *
 * | word | meaning |
 * |---|---|
 * | `pending`, `processing` | pending, with `progress` |
 * | `completed` | succeeded, with `result` |
 * | `failed` | failed, with `errorMessage`, or "Unknown error" if that is empty or absent |
 * | any other | pending, see `unknownState` |
 *
 * It is checked every 2 seconds, 30 times at most and at once for the first time. A check that fails in a transient way
 * (network, 408, 429, 5xx, a body that is not the expected JSON) is one of the 30 and is followed by the same wait; so
 * after 30 of them the wait ends as `PollTimeout` with the reason `strategy` and the last check error. A permanent refusal
 * (401, 403 and other 4xx) ends the wait at once as `CheckRejected`, an unknown id as `JobNotFound`. A strategy of your own
 * that checks more often than every 2 seconds is warned of once.
 *
 * @since 0.1.0
 */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import * as Job from "effect-poll/Job"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as Gentle from "./Gentle.ts"
import * as settings from "./internal/settings.ts"
import type { WithStrategy } from "./Settings.ts"

/**
 * The options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out A = unknown> extends WithStrategy {
  /** Where a job is submitted by POST; default `/api/start-async-job`. */
  readonly submitPath?: string | undefined
  /** Where a job is checked; default `/api/job-status/{jobId}`. */
  readonly statusPath?: string | undefined
  /** The Schema of `result`; default: anything, absent included. */
  readonly result?: Schema.Codec<A, unknown> | undefined
}

/**
 * The job of a job-status API: keyed by job id, submitted with any JSON body, failing with the message of the server.
 *
 * @category models
 * @since 0.1.0
 */
export interface JobStatus<out A> extends Job.Job<
  string,
  A,
  string,
  HttpCheckError,
  HttpClient.HttpClient,
  unknown,
  HttpCheckError
> {}

/**
 * The Schema of an answer, by the Schema of its result.
 *
 * @category schemas
 * @since 0.1.0
 */
export const payload = <A = unknown>(result?: Schema.Codec<A, unknown>): Payload<A> =>
  Schema.Union([
    Schema.Struct({ status: Schema.Literal("pending"), progress: settings.OptionalNumber }),
    Schema.Struct({ status: Schema.Literal("processing"), progress: settings.OptionalNumber }),
    Schema.Struct({ status: Schema.Literal("completed"), result: settings.resultField(result) }),
    Schema.Struct({ status: Schema.Literal("failed"), errorMessage: settings.OptionalText })
  ])

/**
 * A Schema of answers whose result is an `A`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Payload<out A> extends Schema.Codec<Answer<A>, unknown> {}

/**
 * What the server says of a job.
 *
 * @category models
 * @since 0.1.0
 */
export type Answer<A> =
  | { readonly status: "pending" | "processing"; readonly progress?: number | null | undefined }
  | { readonly status: "completed"; readonly result: A }
  | { readonly status: "failed"; readonly errorMessage?: string | null | undefined }

/**
 * The words of the documentation; `status` has one case for each.
 *
 * @category models
 * @since 0.1.0
 */
export type Word = Answer<unknown>["status"]

/**
 * The Schema that decodes an answer into a status.
 *
 * @category schemas
 * @since 0.1.0
 */
export const status = <A = unknown>(result?: Schema.Codec<A, unknown>): StatusSchema.StatusSchema<A, string> =>
  StatusSchema.fromField(payload(result), "status", {
    pending: pending,
    processing: pending,
    completed: (job) => Status.succeeded(job.result),
    failed: (job) => Status.failed(settings.reasonOf(job.errorMessage))
  })

/**
 * The strategy of the documentation: every 2 seconds, 30 checks 0, 2, ... 58 seconds.
 *
 * @category strategies
 * @since 0.1.0
 */
export const strategy: Strategy.Strategy = /*#__PURE__*/ Strategy.maxAttempts(
  /*#__PURE__*/ Strategy.spaced("2 seconds"),
  30
)

/**
 * The shortest delay that the documentation plans for.
 *
 * @category strategies
 * @since 0.1.0
 */
export const gentleInterval: Duration.Duration = /*#__PURE__*/ Duration.seconds(2)

/**
 * The policy of the documentation for failed checks: each one counts as a check, and the next comes when it would have.
 *
 * **Details**
 *
 * JSON that does not fit is transient here, as any answer is that the documentation's own loop cannot read.
 *
 * @category strategies
 * @since 0.1.0
 */
export const checkErrors: Job.CheckErrorPolicy<HttpCheckError> = {
  maxConsecutive: 0,
  onExhausted: "skip",
  kindOf: (error) => (error.reason._tag === "Decode" ? CheckError.transient() : CheckError.kindOf(error))
}

/**
 * Creates the job of a job-status API.
 *
 * **Details**
 *
 * The submit sends its input as the JSON body. Bad options are RangeErrors at the call.
 *
 * **Example** (Waiting for a job)
 *
 * ```ts no-run
 * import * as Schema from "effect/Schema"
 * import * as Poll from "effect-poll/Poll"
 * import * as JobStatus from "@effect-poll/providers/JobStatus"
 *
 * const job = JobStatus.make({
 *   baseUrl: "https://api.example.com",
 *   result: Schema.Struct({ output: Schema.String })
 * })
 * export const output = Poll.until(job, "abc-123", { deadline: "5 minutes" })
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <A = unknown>(options: Options<A>): JobStatus<A> => {
  const { timeScale, url, ...common } = settings.check("JobStatus.make", options, () => checkErrors)
  const submitPath = settings.nonEmpty("JobStatus.make: submitPath", options.submitPath ?? "/api/start-async-job")
  const statusPath = settings.template("JobStatus.make: statusPath", options.statusPath ?? "/api/job-status/{jobId}", [
    "jobId"
  ])
  const schema = status(options.result)
  const gentle = Gentle.guard("JobStatus.make", settings.scaledMillis(gentleInterval, timeScale))
  return Job.make("JobStatus", {
    ...common,
    check: (jobId: string) =>
      gentle.check(HttpCheck.get(url(settings.fillOrThrow("JobStatus: key", statusPath, { jobId })), schema)),
    submit: (input: unknown) =>
      HttpCheck.send(HttpClientRequest.post(url(submitPath)), Submitted, { body: input ?? {} }).pipe(
        Effect.map(({ jobId }): Job.Receipt<string> => ({ key: jobId }))
      ),
    strategy: gentle.strategy(options.strategy ?? settings.scaled(strategy, timeScale))
  })
}

// ---- internal ----

const Submitted = Schema.Struct({ jobId: Schema.NonEmptyString })

/** The wire counts progress in percent. */
const pending = ({ progress }: { readonly progress?: number | null | undefined }): Status.Pending =>
  Status.pending({ progress: progress === undefined || progress === null ? undefined : progress / 100 })
