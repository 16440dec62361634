/**
 * A wait as a value that can be stored, so that another process can resume it with the same deadline.
 *
 * **Details**
 *
 * A token names the job and its key, and records what the rules of a wait need: a wait that is left and resumed at once
 * ends as if it had not been left. It is plain JSON of at most a few kilobytes. It contains state words and keys, but no
 * result, detail, reason or error. Its only confidential part is the cursor, if the checks of the job set one. It is
 * versioned: resuming from a token of an unknown version, or for another job, fails with a `ResumeTokenError`.
 *
 * **Gotchas**
 *
 * - A check that was in flight is made again, with the same number.
 * - Until a check has answered, the last status of a resumed wait lacks its detail, and there is no `lastCheckError`.
 * - The state of a `Schedule` that was not made by `Strategy` cannot be stored: it starts anew.
 * - Times are wall-clock times. Where the clock of the reader is behind `writtenAt`, they are shifted back by the
 *   difference.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Run } from "./CheckResult.ts"
import { fitsInCursor } from "./internal/concealed.ts"
import { unknownVersion } from "./internal/tokenVersion.ts"
import * as validate from "./internal/validate.ts"
import { ResumeTokenError } from "./PollError.ts"

/**
 * A wait that can be resumed. Fields that end in `At` are wall-clock times in milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResumeToken {
  /** The version of the format. */
  readonly version: 1
  /** The name of the `Job`. */
  readonly job: string
  /** The encoded key. */
  readonly key: string
  /** The run to wait for, where one key is used for several runs. */
  readonly since?: Run | undefined
  /** The encoded key at the fallback, once the wait has moved to it. */
  readonly fallbackKey?: string | undefined
  /** The cursor of the last answer that had one, at most 8 KiB as JSON. Confidential: it may be a credential. */
  readonly cursor?: string | undefined
  /** The number of checks made, including failed ones; 0 in the receipt of a submit. */
  readonly attempts: number
  /** The number of decisions that the strategy has made. */
  readonly strategySteps: number
  /** When the strategy made its first decision, in wall-clock milliseconds. */
  readonly strategyStartedAt: number
  /** The counts of consecutive checks with the same outcome; only those that are not 0. */
  readonly rows?: Rows | undefined
  /** The number of failed checks so far. */
  readonly totalErrors: number
  /** When the next check is due, in wall-clock milliseconds. */
  readonly dueAt: number
  /** The earliest time of the next check that the server allows, in wall-clock milliseconds. */
  readonly floorAt: number
  /** When the wait started, in wall-clock milliseconds. */
  readonly startedAt: number
  /** When the wait ends at the latest, in wall-clock milliseconds, or `"unbounded"`. */
  readonly deadlineAt: number | "unbounded"
  /** Whether `deadlineAt` comes from the deadline of the wait or from the `maxDuration` of its strategy. */
  readonly boundedBy: "deadline" | "strategy"
  /** When the token was written. A reader whose clock is behind shifts all times by the difference. */
  readonly writtenAt?: number | undefined
  /** The last pending status that a check found; `undefined` if none did. */
  readonly status?: SeenStatus | undefined
  /** An end that a check found, and that is not confirmed yet. */
  readonly hold?: Hold | undefined
  /** The newest status, if it was an end that did not count, held or not. */
  readonly unconfirmed?: UnconfirmedEnd | undefined
  /**
   * The fallback key for the last status, as `locate` of the fallback returned it, at most 1 KiB; `undefined` if it has
   * none.
   */
  readonly located?: string | undefined
  /** How long the newest checks took, in milliseconds, the oldest first; at most three. */
  readonly checkMillis?: ReadonlyArray<number> | undefined
  /** When the newest check began. */
  readonly checkedAt?: number | undefined
  /** Retries within the check that is due. */
  readonly retries?: Row | undefined
  /** Whether the check that is due completes the attempt of a request for many that had no answer for the key. */
  readonly alone?: boolean | undefined
  /** Whether the check that is due is the last one before the deadline. */
  readonly last?: boolean | undefined
  /** Whether the check that is due was requested by the handler of an action: it requests no other one in a row. */
  readonly requested?: boolean | undefined
  /** What the next delay is for, if a schedule had not decided it when the token was written. */
  readonly deciding?:
    | "strategy"
    | "missing"
    | "retry"
    | "checkError"
    | "throttled"
    | "rejected"
    | "resultMissing"
    | undefined
  /** When the gate allows the next check, if it postponed it. */
  readonly gateAt?: number | undefined
  /** The longest delay after a throttled check so far, in milliseconds. */
  readonly throttledMillis?: number | undefined
  /** When the job started, as its server told, in wall-clock milliseconds. */
  readonly jobStartedAt?: number | undefined
  /** The timeout that ends the wait, unless the canceled job ends first. */
  readonly timeout?: HeldTimeout | undefined
  /**
   * The id of the action of the last status, if it was reported or its handler has completed. At most 16 ids are read.
   */
  readonly actions?: ReadonlyArray<string> | undefined
}

/**
 * How many consecutive checks had the same outcome, and when the first of them was.
 *
 * @category models
 * @since 0.1.0
 */
export interface Row {
  /** How often it happened; an integer >= 1. */
  readonly count: number
  /** When it first happened, in wall-clock milliseconds. */
  readonly at: number
}

/**
 * The counts of consecutive checks with the same outcome, by outcome.
 *
 * @category models
 * @since 0.1.0
 */
export interface Rows {
  /** Transient errors. */
  readonly errors?: Row | undefined
  /** Throttled checks. */
  readonly throttled?: Row | undefined
  /** Permanent errors that were tolerated. */
  readonly rejected?: Row | undefined
  /** Checks that found no job. */
  readonly missing?: Row | undefined
  /** Unknown states. */
  readonly unknown?: Row | undefined
  /** Ends without their result, and the state word of the newest. */
  readonly resultMissing?: (Row & { readonly state?: string | undefined }) | undefined
}

/**
 * The last pending status, without its detail.
 *
 * @category models
 * @since 0.1.0
 */
export interface SeenStatus {
  /** The state word, at most 200 characters. */
  readonly state?: string | undefined
  /** When a check first found this state word, in wall-clock milliseconds. */
  readonly stateAt: number
  /** The progress, from 0 to 1. */
  readonly progress?: number | undefined
  /** A hash of the detail, to detect a change. */
  readonly detailHash?: string | undefined
  /** The id of the action that the job asked for, at most 200 characters. */
  readonly action?: string | undefined
  /** When the status last changed, in wall-clock milliseconds. */
  readonly changedAt: number
  /** When the newest check that found it began, in wall-clock milliseconds. */
  readonly pendingAt?: number | undefined
  /** Whether an end without its result was found since then, so the job is no longer in this state. */
  readonly isOver?: boolean | undefined
  /** Whether a stall was reported since then. */
  readonly stallReported?: boolean | undefined
}

/**
 * The newest status, if it was an end that did not count, without its result.
 *
 * @category models
 * @since 0.1.0
 */
export interface UnconfirmedEnd {
  /** The kind of the end. */
  readonly end: "Succeeded" | "Failed" | "Canceled" | "Expired"
  /** When a check first found it, in wall-clock milliseconds. */
  readonly changedAt: number
}

/**
 * An end that is not confirmed yet, without its result.
 *
 * @category models
 * @since 0.1.0
 */
export interface Hold {
  /** The kind of the end. */
  readonly end: "Succeeded" | "Failed" | "Canceled" | "Expired"
  /** How many answers in a row have found it; an integer >= 1. */
  readonly sightings: number
  /** When the first of them did, in wall-clock milliseconds. */
  readonly at: number
  /** Whether only the check by another source is left. */
  readonly elsewhere?: boolean | undefined
}

/**
 * A timeout that is held back while a canceled job is watched for its end.
 *
 * @category models
 * @since 0.1.0
 */
export interface HeldTimeout {
  /** See `PollTimeout`. */
  readonly reason: "deadline" | "strategy" | "state"
  /** See `PollTimeout`. */
  readonly state?: string | undefined
  /** The limit of the state, in milliseconds. */
  readonly limitMillis?: number | undefined
  /** The outcome of the cancel; `undefined` if it had not ended. */
  readonly cancel?: "accepted" | "refused" | "timedOut" | undefined
}

const End = /*#__PURE__*/ Schema.Literals(["Succeeded", "Failed", "Canceled", "Expired"])

const rowFields = { count: Schema.Natural, at: Schema.Finite }

const Row: Schema.Codec<Row, Row> = /*#__PURE__*/ Schema.Struct(rowFields)

const Rows: Schema.Codec<Rows, Rows> = /*#__PURE__*/ Schema.Struct({
  errors: Schema.optional(Row),
  throttled: Schema.optional(Row),
  rejected: Schema.optional(Row),
  missing: Schema.optional(Row),
  unknown: Schema.optional(Row),
  resultMissing: Schema.optional(Schema.Struct({ ...rowFields, state: Schema.optional(Schema.String) }))
})

/**
 * The Schema of a token. Its encoded form is plain JSON.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ResumeToken: Schema.Codec<ResumeToken, ResumeToken> = /*#__PURE__*/ Schema.Struct({
  version: Schema.Literal(1),
  job: Schema.NonEmptyString,
  key: Schema.NonEmptyString,
  since: Schema.optional(
    Schema.Union([Schema.Struct({ run: Schema.String }), Schema.Struct({ generation: Schema.Finite })])
  ),
  fallbackKey: Schema.optional(Schema.String),
  cursor: Schema.optional(
    Schema.String.check(
      Schema.makeFilter(fitsInCursor, { expected: "a cursor of at most 8192 bytes as JSON in UTF-8" })
    )
  ),
  attempts: Schema.Natural,
  strategySteps: Schema.Natural,
  strategyStartedAt: Schema.Finite,
  rows: Schema.optional(Rows),
  totalErrors: Schema.Natural,
  dueAt: Schema.Finite,
  floorAt: Schema.Finite,
  startedAt: Schema.Finite,
  deadlineAt: Schema.Union([Schema.Finite, Schema.Literal("unbounded")]),
  boundedBy: Schema.Literals(["deadline", "strategy"]),
  writtenAt: Schema.optional(Schema.Finite),
  status: Schema.optional(
    Schema.Struct({
      state: Schema.optional(Schema.String),
      stateAt: Schema.Finite,
      progress: Schema.optional(Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 1 }))),
      detailHash: Schema.optional(Schema.String),
      action: Schema.optional(Schema.String),
      changedAt: Schema.Finite,
      pendingAt: Schema.optional(Schema.Finite),
      isOver: Schema.optional(Schema.Boolean),
      stallReported: Schema.optional(Schema.Boolean)
    })
  ),
  hold: Schema.optional(
    Schema.Struct({
      end: End,
      sightings: Schema.Natural,
      at: Schema.Finite,
      elsewhere: Schema.optional(Schema.Boolean)
    })
  ),
  unconfirmed: Schema.optional(Schema.Struct({ end: End, changedAt: Schema.Finite })),
  located: Schema.optional(Schema.String),
  checkMillis: Schema.optional(Schema.Array(Schema.Finite).check(Schema.isMaxLength(3))),
  checkedAt: Schema.optional(Schema.Finite),
  retries: Schema.optional(Row),
  alone: Schema.optional(Schema.Boolean),
  last: Schema.optional(Schema.Boolean),
  requested: Schema.optional(Schema.Boolean),
  deciding: Schema.optional(
    Schema.Literals(["strategy", "missing", "retry", "checkError", "throttled", "rejected", "resultMissing"])
  ),
  gateAt: Schema.optional(Schema.Finite),
  throttledMillis: Schema.optional(Schema.Finite),
  jobStartedAt: Schema.optional(Schema.Finite),
  timeout: Schema.optional(
    Schema.Struct({
      reason: Schema.Literals(["deadline", "strategy", "state"]),
      state: Schema.optional(Schema.String),
      limitMillis: Schema.optional(Schema.Finite),
      cancel: Schema.optional(Schema.Literals(["accepted", "refused", "timedOut"]))
    })
  ),
  actions: Schema.optional(Schema.Array(Schema.String).check(Schema.isMaxLength(16)))
})

/**
 * Encodes a token as a JSON string.
 *
 * @category encoding
 * @since 0.1.0
 */
export const toJson = (token: ResumeToken): string => JSON.stringify(token)

/**
 * Decodes a token from a JSON string. Fails with a `ResumeTokenError` if it is not JSON, not a token, or of an unknown
 * version.
 *
 * @category encoding
 * @since 0.1.0
 */
export const fromJson = (json: string): Effect.Effect<ResumeToken, ResumeTokenError> =>
  Effect.try({
    try: () => JSON.parse(json) as unknown,
    catch: () => new ResumeTokenError({ reason: "malformed", detail: "it is not JSON" })
  }).pipe(Effect.flatMap(fromUnknown))

/**
 * Decodes a token from an unknown value. Fails with a `ResumeTokenError` if it is not a token, or of an unknown
 * version.
 *
 * @category encoding
 * @since 0.1.0
 */
export const fromUnknown = (u: unknown): Effect.Effect<ResumeToken, ResumeTokenError> => {
  const version = hasProperty(u, "version") ? unknownVersion(u.version) : undefined
  if (version !== undefined) return Effect.fail(version)
  return Effect.mapError(decode(u), ({ message }) => new ResumeTokenError({ reason: "malformed", detail: message }))
}

/**
 * Moves all wall-clock times of a token by a number of milliseconds, for a reader or a store whose clock differs from the
 * one that the token was written by. Durations and counts stay. Throws a RangeError if the number is not finite.
 *
 * **Example** (Storing a token by the clock of a database)
 *
 * ```ts
 * import * as ResumeToken from "effect-poll/ResumeToken"
 *
 * const token: ResumeToken.ResumeToken = {
 *   version: 1,
 *   job: "render",
 *   key: "a",
 *   attempts: 0,
 *   strategySteps: 0,
 *   strategyStartedAt: 1_000,
 *   totalErrors: 0,
 *   dueAt: 2_000,
 *   floorAt: 0,
 *   startedAt: 1_000,
 *   deadlineAt: "unbounded",
 *   boundedBy: "deadline"
 * }
 * const ahead = 5_000
 * ResumeToken.shift(token, ahead).dueAt // => 7000
 * ResumeToken.shift(token, ahead).deadlineAt // => "unbounded"
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const shift: {
  /** Moves all wall-clock times of a token by a number of milliseconds. */
  (millis: number): (self: ResumeToken) => ResumeToken
  /** Moves all wall-clock times of a token by a number of milliseconds. */
  (self: ResumeToken, millis: number): ResumeToken
} = /*#__PURE__*/ dual(2, (self: ResumeToken, millis: number): ResumeToken => {
  if (!Number.isFinite(millis)) validate.refuse("ResumeToken.shift: millis", "a finite number", millis)
  return millis === 0 ? self : shifted(self, millis)
})

// ---- internal ----

/** The fields that hold wall-clock times, at any depth. */
const isTime = (field: string): boolean => field === "at" || field.endsWith("At")

const shifted = <T extends object>(self: T, by: number): T => {
  const moved = Object.entries(self).map(([field, value]: readonly [string, unknown]) => {
    if (typeof value === "number") return [field, isTime(field) ? value + by : value]
    const isPart = typeof value === "object" && value !== null && !Array.isArray(value)
    return [field, isPart ? shifted(value, by) : value]
  })
  // The same fields with values of the same types.
  return Object.fromEntries(moved) as T
}

const decode = /*#__PURE__*/ Schema.decodeUnknownEffect(ResumeToken)
