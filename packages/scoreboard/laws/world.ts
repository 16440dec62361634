// What a world is: plain data, so that it can be printed, shrunk and run again. Times are milliseconds from the start of
// its wait.

/** A world: a server as a function of time, the options of one wait, and what happens to the wait from outside. */
export interface World {
  readonly seed: number
  readonly index: number
  readonly key: string
  readonly server: Server
  readonly options: Options
  readonly acts: ReadonlyArray<Act>
}

/** Where a check asks: the job's own source, its fallback, or the source that confirms an end. */
export type Source = "own" | "fallback" | "confirm"

/** Each source is a list of stretches of time, the first from 0. */
export interface Server {
  readonly own: ReadonlyArray<Stretch>
  readonly fallback: ReadonlyArray<Stretch>
  readonly confirm: ReadonlyArray<Stretch>
  /** What becomes of the request to cancel the job. */
  readonly cancel: CancelAnswer
  /** How the answers to requests for many are. */
  readonly many: {
    /** Stretches of time in which the answer lacks the key; all others have it. */
    readonly lacks: ReadonlyArray<readonly [from: number, to: number]>
    /** The hint of the whole answer, in those stretches and elsewhere. */
    readonly lackingHint: number | undefined
    readonly hint: number | undefined
    /** Whether failed checks fail the whole request. */
    readonly failsWhole: boolean
  }
}

/** From `from` on, the answers in turn, each for `each` milliseconds: the answer depends on the time of the check alone. */
export interface Stretch {
  readonly from: number
  readonly each: number
  readonly answers: ReadonlyArray<Answer>
}

export interface CancelAnswer {
  /** How long it takes; `Infinity` is written as "hung". */
  readonly takes: number | "hung"
  readonly accepted: boolean
  /** After an accepted cancel the job ends as canceled so much later; never if undefined. */
  readonly endsAfter: number | undefined
}

export type Found =
  | {
      readonly is: "pending"
      readonly state?: string | undefined
      readonly progress?: number | undefined
      readonly action?: string | undefined
    }
  | { readonly is: "succeeded" | "failed" | "canceled" | "expired"; readonly generation?: number | undefined }
  | { readonly is: "missing"; readonly times: number }
  | { readonly is: "unknown"; readonly word: string }
  | { readonly is: "lacking" }
  | { readonly is: "transient" | "throttled"; readonly retryAfter?: number | "unreadable" | undefined }
  | { readonly is: "permanent" }
  | { readonly is: "hung" }

/** What a check finds, and how long it takes. */
export type Answer = Found & {
  readonly takes: number
  readonly hint?: number | "unreadable" | undefined
  readonly cursor?: string | undefined
}

/** A strategy of the module `Strategy`. */
export interface Plan {
  readonly kind: "spaced" | "linear" | "exponential" | "byProgress" | "made"
  /** The interval, the first delay, or the shortest. */
  readonly initial: number
  /** The increment of `linear`, the factor of `exponential`. */
  readonly growth: number
  readonly cap: number | undefined
  readonly firstWait: number
  readonly maxAttempts: number | undefined
  readonly maxRecurrences: number | undefined
  readonly maxDuration: number | undefined
  readonly jitter: { readonly kind: "equal" | "full" | number; readonly seed: string } | undefined
  readonly skipNearDeadline: number | undefined
}

export type Limit = { readonly times: number } | { readonly for: number }

export interface Options {
  readonly deadline: number | "unbounded"
  readonly strategy: Plan
  readonly checkTimeout: number | "unbounded" | undefined
  readonly maxHint: number | undefined
  readonly since: number | undefined
  readonly stall: { readonly after: number; readonly report: boolean } | undefined
  readonly unknownState: "fail" | "continue" | Limit | { readonly treatAs: Terminal | "pending" }
  readonly missing:
    | {
        readonly grace: number
        readonly times: number
        /** A fallback that can have the job, one that can if a status was found, one that cannot, or none. */
        readonly fallback: "has" | "byState" | "lacks" | undefined
        readonly gone: Terminal | "pending" | undefined
      }
    | undefined
  readonly errors: ErrorPolicy | "unbounded"
  readonly onTimeout: "leave" | "cancelRemote"
  readonly cancelTimeout: number | undefined
  readonly confirm: Confirm | undefined
  readonly stateLimits: Readonly<Record<string, number>> | undefined
  readonly minInterval: number | undefined
  readonly zeroDelay: number | undefined
  readonly onAction: "report" | "fail" | { readonly takes: number } | undefined
  /** Which options are those of the Job instead of the wait's. */
  readonly ofJob: ReadonlyArray<OfJob>
}

export type OfJob =
  | "strategy"
  | "unknownState"
  | "errors"
  | "checkTimeout"
  | "stall"
  | "confirm"
  | "stateLimits"
  | "minInterval"
  | "onAction"

export type Terminal = "succeeded" | "failed" | "canceled" | "expired"

export interface Confirm {
  readonly success: Limit | undefined
  readonly failure: Limit | undefined
  /** Whether another source confirms an end. */
  readonly check: boolean
}

export interface ErrorPolicy {
  readonly schedule: Plan | undefined
  readonly retry: Plan | undefined
  readonly maxConsecutive: number | "unbounded" | undefined
  readonly maxTotal: number | "unbounded" | undefined
  readonly maxOutage: number | "unbounded" | undefined
  readonly maxThrottled: number | "unbounded" | undefined
  readonly rejectAfter: Limit | undefined
  readonly skip: boolean
}

/** Something that a program does with the handle of a wait. */
export interface Act {
  readonly at: number
  readonly does: "checkNow" | "force" | "pause" | "unpause"
}

/** What a check that begins at a time finds. */
export const answerAt = (server: Server, source: Source, at: number, canceledAt: number | undefined): Answer => {
  const { endsAfter } = server.cancel
  if (canceledAt !== undefined && endsAfter !== undefined && at >= canceledAt + endsAfter && source === "own")
    return { is: "canceled", takes: 40 }
  const stretch = server[source].findLast(({ from }) => from <= at)!
  return stretch.answers[Math.floor((at - stretch.from) / stretch.each) % stretch.answers.length]!
}

/** Whether the answer to a request for many that begins at a time lacks the key. */
export const lacksAt = ({ many }: Server, at: number): boolean => many.lacks.some(([from, to]) => from <= at && at < to)
