/**
 * What one job of a `JobServer` does: when and how it ends, and which requests about it go wrong.
 *
 * A script is plain data, validated once by `make`. The server evaluates it as a pure function of time, so a job needs no
 * timer, and thousands can run at once.
 *
 * **Details**
 *
 * The durations of a script are in nominal time: a server with `speed: 100` runs through them a hundred times faster. The
 * exception is `retryAfter`, which is in real time.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import * as EventConnection from "./EventConnection.ts"
import * as Fault from "./Fault.ts"
import * as Validate from "./internal/validate.ts"

const TypeId = "~@effect-poll/testing/JobScript"

/**
 * How a job ends.
 *
 * **Gotchas**
 *
 * Not every provider can express every outcome. An outcome that the provider cannot express becomes `failed`, with the
 * name of the outcome as code and message unless the script has a `failure`.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = "succeeded" | "failed" | "canceled" | "expired"

/**
 * Why a job failed.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure {
  readonly code: string
  readonly message: string
}

/**
 * The progress that a pending job reports.
 *
 * **Details**
 *
 * - `linear`: the fraction of its duration that has passed.
 * - `frozen`: always 0, as for a job that is stuck.
 * - `none`: the field is absent.
 *
 * @category models
 * @since 0.1.0
 */
export type Progress = "linear" | "frozen" | "none"

/**
 * What one job does. `make` documents the fields, which have the names of its options.
 *
 * @category models
 * @since 0.1.0
 */
export interface JobScript {
  readonly [TypeId]: typeof TypeId
  readonly duration: Duration.Duration
  readonly outcome: Outcome
  readonly progress: Progress
  readonly result: unknown
  readonly failure: Failure | undefined
  readonly recordTtl: Duration.Duration | undefined
  readonly recordTtlFrom: "end" | "submission"
  readonly fallback: "available" | "missing"
  readonly staleFor: Duration.Duration
  readonly endsWithoutSignal: boolean
  readonly pendingState: string | undefined
  readonly endState: string | undefined
  readonly retryAfter: Duration.Duration | undefined
  readonly retryAfterAs: Fault.RetryAfterForm
  readonly faults: ReadonlyArray<Fault.Fault>
  readonly events: ReadonlyArray<EventConnection.EventConnection>
}

/**
 * Options of `make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** How long the job runs, from submission to end; a non-negative duration, `"Infinity"` for ever. Default: 1 second. */
  readonly duration?: Duration.Input | undefined
  /** How the job ends. Default: `"succeeded"`. */
  readonly outcome?: Outcome | undefined
  /** The progress that the job reports while it is pending. Default: `"linear"`. */
  readonly progress?: Progress | undefined
  /**
   * The result of a job that succeeds. Default: none, so the field is absent or `null` on the wire.
   *
   * For GenerationApi an array stands for `{ resultUrls }`, a string is sent verbatim as `resultJson` (so that a script can
   * send malformed JSON), and the default is one generated URL. The default of an EventPlatform package is a URL as well.
   */
  readonly result?: unknown
  /** The failure of a job that fails. Default: none, so the wire reports no cause. */
  readonly failure?: Failure | undefined
  /** How long the record of the job exists before it is a 404; a non-negative duration. Default: for ever. */
  readonly recordTtl?: Duration.Input | undefined
  /**
   * What `recordTtl` is counted from. With `"submission"` the record may be gone while the job still runs, so that only
   * the fallback resource reports its end. Default: `"end"`.
   */
  readonly recordTtlFrom?: "end" | "submission" | undefined
  /** Whether the resource behind a Mixpeek task can be checked. Default: `"available"`. */
  readonly fallback?: "available" | "missing" | undefined
  /**
   * How long an EventPlatform campaign still shows its previous run after this one began; a non-negative duration.
   * Default: 300 milliseconds.
   */
  readonly staleFor?: Duration.Input | undefined
  /**
   * Whether an AsyncQueue task with a signal token ends by this script; the response to its signal is a 409 then. Default:
   * `false`, so only a signal or `maxWaitTime` ends it.
   */
  readonly endsWithoutSignal?: boolean | undefined
  /** The state on the wire while the job is pending. Default: the states of the provider. */
  readonly pendingState?: string | undefined
  /** The state on the wire once the job has ended; `Truth` still has its outcome. Default: the states of the provider. */
  readonly endState?: string | undefined
  /**
   * The delay in the `Retry-After` header of every response about the pending job: whole seconds of real time. Default:
   * none, so there is no such header.
   */
  readonly retryAfter?: Duration.Input | undefined
  /** How the header of `retryAfter` is written; a date is rounded up to the next second. Default: `"seconds"`. */
  readonly retryAfterAs?: Fault.RetryAfterForm | undefined
  /** The faults of checks, and of the submit, kills and signals (see `Fault.on`). Default: none. */
  readonly faults?: ReadonlyArray<Fault.Fault> | undefined
  /**
   * What happens to the connections to the server-sent events of a JobStatus job, in order; see `EventConnection`. Further
   * connections are undisturbed. Default: all are.
   */
  readonly events?: ReadonlyArray<EventConnection.EventConnection> | undefined
}

/**
 * Tests whether a value is a `JobScript`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isJobScript = (u: unknown): u is JobScript => hasProperty(u, TypeId)

/**
 * Creates a script. An invalid option throws a RangeError that names it.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Options = {}): JobScript => ({
  [TypeId]: TypeId,
  duration: Validate.duration("JobScript.make: duration", options.duration ?? "1 second"),
  outcome: Validate.oneOf("JobScript.make: outcome", outcomes, options.outcome ?? "succeeded"),
  progress: Validate.oneOf("JobScript.make: progress", progresses, options.progress ?? "linear"),
  result: options.result,
  failure: options.failure,
  recordTtl:
    options.recordTtl === undefined ? undefined : Validate.duration("JobScript.make: recordTtl", options.recordTtl),
  recordTtlFrom: options.recordTtlFrom ?? "end",
  fallback: options.fallback ?? "available",
  staleFor: Validate.duration("JobScript.make: staleFor", options.staleFor ?? "300 millis"),
  endsWithoutSignal: options.endsWithoutSignal ?? false,
  pendingState: options.pendingState,
  endState: options.endState,
  retryAfter:
    options.retryAfter === undefined
      ? undefined
      : Validate.wholeSeconds("JobScript.make: retryAfter", options.retryAfter),
  retryAfterAs: Validate.oneOf("JobScript.make: retryAfterAs", ["seconds", "date"], options.retryAfterAs ?? "seconds"),
  faults: (options.faults ?? []).map(Fault.validate),
  events: (options.events ?? []).map(EventConnection.validate)
})

/**
 * Creates the script of a job that succeeds after a non-negative duration.
 *
 * @category constructors
 * @since 0.1.0
 */
export const succeeded = (
  duration: Duration.Input,
  options?: Omit<Options, "duration" | "outcome" | "failure">
): JobScript => make({ ...options, duration })

/**
 * Creates the script of a job that fails after a non-negative duration.
 *
 * @category constructors
 * @since 0.1.0
 */
export const failed = (
  duration: Duration.Input,
  options?: Omit<Options, "duration" | "outcome" | "result">
): JobScript => make({ ...options, duration, outcome: "failed" })

/**
 * Creates the script of a job that the server cancels after a non-negative duration.
 *
 * @category constructors
 * @since 0.1.0
 */
export const canceled = (duration: Duration.Input, options?: Omit<Options, "duration" | "outcome">): JobScript =>
  make({ ...options, duration, outcome: "canceled" })

/**
 * Creates the script of a job that expires on the server after a non-negative duration.
 *
 * @category constructors
 * @since 0.1.0
 */
export const expired = (duration: Duration.Input, options?: Omit<Options, "duration" | "outcome">): JobScript =>
  make({ ...options, duration, outcome: "expired" })

/**
 * Creates the script of a job that never ends.
 *
 * @category constructors
 * @since 0.1.0
 */
export const endless = (options?: Omit<Options, "duration" | "outcome">): JobScript =>
  make({ ...options, duration: Duration.infinity })

// ---- internal ----

const outcomes = ["succeeded", "failed", "canceled", "expired"] as const

const progresses = ["linear", "frozen", "none"] as const
