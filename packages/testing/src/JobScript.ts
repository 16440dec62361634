/**
 * What one job of a `JobServer` does: when it ends, how, and what goes wrong on the way.
 *
 * A script is plain data, checked once by `make`. The server reads it as a pure function of time, so a job costs no
 * timer and thousands may run.
 *
 * **Details**
 *
 * Every duration of a script is nominal: a server with `speed: 100` lives it a hundred times faster. The one exception
 * is `retryAfter`, which goes on the wire in real whole seconds, or as the date that is so far away.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import * as Fault from "./Fault.ts"
import * as Validate from "./internal/validate.ts"

const TypeId = "~@effect-poll/testing/JobScript"

/**
 * How a job ends.
 *
 * **Gotchas**
 *
 * Not every wire can say every outcome. One that a wire cannot say becomes `failed`, with the outcome's name as code
 * and message unless the script has a `failure`.
 *
 * @category models
 * @since 0.1.0
 */
export type Outcome = "succeeded" | "failed" | "canceled" | "expired"

/**
 * Why a job failed, in the job's own words.
 *
 * @category models
 * @since 0.1.0
 */
export interface Failure {
  readonly code: string
  readonly message: string
}

/**
 * What a pending job says of its progress.
 *
 * **Details**
 *
 * - `linear`: the share of its duration that has passed
 * - `frozen`: always 0, as a job that is stuck
 * - `none`: the field is absent
 *
 * @category models
 * @since 0.1.0
 */
export type Progress = "linear" | "frozen" | "none"

/**
 * What one job does.
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
  readonly word: string | undefined
  readonly endWord: string | undefined
  readonly retryAfter: Duration.Duration | undefined
  readonly retryAfterAs: Fault.RetryAfterForm
  readonly faults: ReadonlyArray<Fault.Fault>
}

/**
 * Options of `JobScript.make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /** From submission to end; `"Infinity"` never ends. Default: 1 second. */
  readonly duration?: Duration.Input | undefined
  /** Default: `"succeeded"`. */
  readonly outcome?: Outcome | undefined
  /** Default: `"linear"`. */
  readonly progress?: Progress | undefined
  /**
   * The result of a job that succeeds; what is absent here is absent on the wire, or `null` where the wire says so.
   * GenerationApi: an array stands for `{ resultUrls }`, a string is sent verbatim as `resultJson` (so that broken JSON
   * can be scripted), and none gives one URL. A package without one gets a URL.
   */
  readonly result?: unknown
  /** The failure of a job that fails. Default: none, and the wire then says nothing of the cause. */
  readonly failure?: Failure | undefined
  /** How long the record of the job answers before it is a 404. Default: for ever. */
  readonly recordTtl?: Duration.Input | undefined
  /**
   * Where `recordTtl` is counted from. With `"submission"` the record may be gone while the job still runs, so that
   * only the fallback resource tells of its end. Default: `"end"`.
   */
  readonly recordTtlFrom?: "end" | "submission" | undefined
  /** Whether the resource behind a Mixpeek task can be checked. Default: `"available"`. */
  readonly fallback?: "available" | "missing" | undefined
  /** How long an EventPlatform campaign still shows the previous run after this one began. Default: 300 millis. */
  readonly staleFor?: Duration.Input | undefined
  /**
   * Makes an AsyncQueue task with a signal token end by this script all the same; the token then answers 409.
   * Default: `false`, and only a signal or `maxWaitTime` ends it.
   */
  readonly endsWithoutSignal?: boolean | undefined
  /** A wire word shown while the job is pending, in place of the wire's own. */
  readonly word?: string | undefined
  /** A wire word shown once the job has ended, in place of the wire's own. The truth keeps the outcome. */
  readonly endWord?: string | undefined
  /** A `Retry-After` header on every pending answer: whole seconds of real time. */
  readonly retryAfter?: Duration.Input | undefined
  /** How that header is written; a date is rounded up to the next second. Default: `"seconds"`. */
  readonly retryAfterAs?: Fault.RetryAfterForm | undefined
  /** What goes wrong with checks, and with the submit, kills and signals (`Fault.on`). Default: nothing. */
  readonly faults?: ReadonlyArray<Fault.Fault> | undefined
}

/**
 * Returns `true` when a value is a `JobScript`.
 *
 * @category guards
 * @since 0.1.0
 */
export const isJobScript = (u: unknown): u is JobScript => hasProperty(u, TypeId)

/**
 * Creates a script, with a `RangeError` that names the option when a figure makes no sense.
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
  word: options.word,
  endWord: options.endWord,
  retryAfter:
    options.retryAfter === undefined
      ? undefined
      : Validate.wholeSeconds("JobScript.make: retryAfter", options.retryAfter),
  retryAfterAs: Validate.oneOf("JobScript.make: retryAfterAs", ["seconds", "date"], options.retryAfterAs ?? "seconds"),
  faults: (options.faults ?? []).map(Fault.check)
})

/**
 * Creates a script of a job that succeeds.
 *
 * @category constructors
 * @since 0.1.0
 */
export const succeeded = (
  duration: Duration.Input,
  options?: Omit<Options, "duration" | "outcome" | "failure">
): JobScript => make({ ...options, duration })

/**
 * Creates a script of a job that fails.
 *
 * @category constructors
 * @since 0.1.0
 */
export const failed = (
  duration: Duration.Input,
  options?: Omit<Options, "duration" | "outcome" | "result">
): JobScript => make({ ...options, duration, outcome: "failed" })

/**
 * Creates a script of a job that is canceled on the server's side.
 *
 * @category constructors
 * @since 0.1.0
 */
export const canceled = (duration: Duration.Input, options?: Omit<Options, "duration" | "outcome">): JobScript =>
  make({ ...options, duration, outcome: "canceled" })

/**
 * Creates a script of a job that the server gives up by time.
 *
 * @category constructors
 * @since 0.1.0
 */
export const expired = (duration: Duration.Input, options?: Omit<Options, "duration" | "outcome">): JobScript =>
  make({ ...options, duration, outcome: "expired" })

/**
 * Creates a script of a job that never ends.
 *
 * @category constructors
 * @since 0.1.0
 */
export const endless = (options?: Omit<Options, "duration" | "outcome">): JobScript =>
  make({ ...options, duration: Duration.infinity })

// ---- internal ----

const outcomes = ["succeeded", "failed", "canceled", "expired"] as const

const progresses = ["linear", "frozen", "none"] as const
