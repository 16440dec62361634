/**
 * A generic job-status API: a submit returns a job id, and each job has one status URL.
 *
 * **Details**
 *
 * | state | status |
 * |---|---|
 * | `pending`, `processing` | pending, with `progress` |
 * | `completed` | succeeded, with `result` |
 * | `failed` | failed, with `errorMessage`, or "Unknown error" if that is empty or absent |
 * | any other | pending, see `unknownState` |
 *
 * A job is checked at once and then every 2 seconds, at most 30 times. A transient check error (network, 408, 429, 5xx,
 * a body that is not the expected JSON) uses up one of the 30 checks and does not change the delay; if all 30 fail, the
 * wait ends as `PollTimeout` with the reason `strategy` and the last check error. A permanent refusal (401, 403 and
 * other 4xx) ends the wait at once as `CheckRejected`, an unknown id as `JobNotFound`. A strategy of your own with
 * delays of less than 2 seconds logs one warning (see `MinimumInterval`).
 *
 * @since 0.1.0
 */
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Duration from "effect/Duration"
import type * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import type * as Types from "effect/Types"
import * as Job from "effect-poll/Job"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as MinimumInterval from "./MinimumInterval.ts"
import * as Path from "./internal/path.ts"
import * as Wire from "./internal/wire.ts"
import * as CommonSettings from "./internal/commonSettings.ts"
import * as Receipt from "./internal/receipt.ts"
import * as Validate from "./internal/validate.ts"
import type { WithStrategy } from "./Settings.ts"

/**
 * Options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options<out A = unknown> extends WithStrategy {
  /** The path to which a new job is posted. Default: `/api/start-async-job`. */
  readonly submitPath?: string | undefined
  /** The path of the status of a job; it must contain `{jobId}`. Default: `/api/job-status/{jobId}`. */
  readonly statusPath?: string | undefined
  /** The Schema of the field `result`. Default: any value, absent included. */
  readonly result?: Schema.Codec<A, unknown> | undefined
}

/**
 * The job of a job-status API: its key is the job id, its input any JSON body, its failure the message of the server.
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
 * Creates the Schema of a job as the server reports it, from the Schema of its result.
 *
 * @category schemas
 * @since 0.1.0
 */
export const payload = <A = unknown>(result?: Schema.Codec<A, unknown>): PayloadSchema<A> =>
  Schema.Union([
    Schema.Struct({ status: Schema.Literal("pending"), progress: Wire.OptionalNumber }),
    Schema.Struct({ status: Schema.Literal("processing"), progress: Wire.OptionalNumber }),
    Schema.Struct({ status: Schema.Literal("completed"), result: Wire.resultField(result) }),
    Schema.Struct({ status: Schema.Literal("failed"), errorMessage: Wire.OptionalText })
  ])

/**
 * A Schema of jobs as the server reports them, with results of type `A`.
 *
 * @category models
 * @since 0.1.0
 */
export interface PayloadSchema<out A> extends Schema.Codec<JobRecord<A>, unknown> {}

/**
 * A job as the server reports it. `progress` is a percentage from 0 to 100.
 *
 * @category models
 * @since 0.1.0
 */
export type JobRecord<A> =
  | { readonly status: "pending" | "processing"; readonly progress?: number | null | undefined }
  | { readonly status: "completed"; readonly result: A }
  | { readonly status: "failed"; readonly errorMessage?: string | null | undefined }

/**
 * The documented states of a job, all of which `status` maps.
 *
 * @category models
 * @since 0.1.0
 */
export type State = JobRecord<unknown>["status"]

/**
 * Creates the Schema that decodes a job as the server reports it to a status, from the Schema of its result.
 *
 * @category schemas
 * @since 0.1.0
 */
export const status = <A = unknown>(
  result?: Schema.Codec<A, unknown>
): StatusSchema.StatusSchema<Types.NoInfer<A>, string> =>
  StatusSchema.fromField(payload(result), "status", {
    pending: pending,
    processing: pending,
    completed: (job) => Status.succeeded(job.result),
    failed: (job) => Status.failed(Wire.reasonOf(job.errorMessage))
  })

/**
 * The documented strategy: every 2 seconds, 30 checks at 0, 2, ... 58 seconds.
 *
 * @category strategies
 * @since 0.1.0
 */
export const strategy: Strategy.Strategy = /*#__PURE__*/ Strategy.maxAttempts(
  /*#__PURE__*/ Strategy.spaced("2 seconds"),
  30
)

/**
 * The shortest documented delay between checks: 2 seconds.
 *
 * @category strategies
 * @since 0.1.0
 */
export const minimumInterval: Duration.Duration = /*#__PURE__*/ Duration.seconds(2)

/**
 * The documented policy for failed checks: each uses up one of the checks of the strategy, and none changes its delays.
 *
 * **Details**
 *
 * JSON that does not fit the Schema is a transient error here, because the documented loop continues after any body
 * that it cannot read.
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
 * The submit sends its input as the JSON body. Invalid options throw a RangeError.
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
export const make = <A = unknown>(options: Options<A>): JobStatus<Types.NoInfer<A>> => {
  const { timeScale, url, ...common } = CommonSettings.resolve("JobStatus.make", options, () => checkErrors)
  const submitPath = Validate.nonEmpty("JobStatus.make: submitPath", options.submitPath ?? "/api/start-async-job")
  const statusPath = Path.template("JobStatus.make: statusPath", options.statusPath ?? "/api/job-status/{jobId}", [
    "jobId"
  ])
  const schema = status(options.result)
  const guard = MinimumInterval.guard("JobStatus.make", CommonSettings.scaledMillis(minimumInterval, timeScale))
  return Job.make("JobStatus", {
    ...common,
    check: (jobId: string) =>
      guard.check(HttpCheck.get(url(Path.fillOrThrow("JobStatus: key", statusPath, { jobId })), schema)),
    submit: (input: unknown) =>
      HttpCheck.send(HttpClientRequest.post(url(submitPath)), Submitted, { body: input ?? {} }).pipe(
        Receipt.from(({ jobId }): Job.Receipt<string> => ({ key: jobId }))
      ),
    strategy: guard.strategy(options.strategy ?? CommonSettings.scaled(strategy, timeScale))
  })
}

// ---- internal ----

const Submitted = Schema.Struct({ jobId: Schema.NonEmptyString })

/** The wire reports progress in percent. */
const pending = ({ progress }: { readonly progress?: number | null | undefined }): Status.Pending =>
  Status.pending({ progress: progress === undefined || progress === null ? undefined : progress / 100 })
