/**
 * A wait as a value that can be stored, so that another process can resume it with the same deadline.
 *
 * **Details**
 *
 * A token names the job and its key, and records the progress of the wait. It is plain JSON and contains no result and no
 * status. Its only confidential part is the cursor, if the checks of the job set one. It is versioned: resuming from a token of an unknown version, or for another job, fails with a
 * `ResumeTokenError`.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Run } from "./CheckResult.ts"
import { fitsInCursor } from "./internal/concealed.ts"
import { unknownVersion } from "./internal/tokenVersion.ts"
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
  /** The cursor of the last answer that had one, at most 8 KiB of UTF-8. Confidential: a server may put a credential in it. */
  readonly cursor?: string | undefined
  /** The number of checks made, including failed ones; 0 in the receipt of a submit. */
  readonly attempts: number
  /** The number of decisions that the strategy has made. */
  readonly strategySteps: number
  /** When the strategy made its first decision, in wall-clock milliseconds. */
  readonly strategyStartedAt: number
  /** The number of consecutive failed checks so far. */
  readonly consecutiveErrors: number
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
}

/**
 * The Schema of a token. Its encoded form is plain JSON.
 *
 * @category schemas
 * @since 0.1.0
 */
export const ResumeToken: Schema.Codec<ResumeToken, ResumeToken> = Schema.Struct({
  version: Schema.Literal(1),
  job: Schema.NonEmptyString,
  key: Schema.NonEmptyString,
  since: Schema.optional(
    Schema.Union([Schema.Struct({ run: Schema.String }), Schema.Struct({ generation: Schema.Finite })])
  ),
  fallbackKey: Schema.optional(Schema.String),
  cursor: Schema.optional(
    Schema.String.check(Schema.makeFilter(fitsInCursor, { expected: "a cursor of at most 8192 bytes in UTF-8" }))
  ),
  attempts: Schema.Natural,
  strategySteps: Schema.Natural,
  strategyStartedAt: Schema.Finite,
  consecutiveErrors: Schema.Natural,
  totalErrors: Schema.Natural,
  dueAt: Schema.Finite,
  floorAt: Schema.Finite,
  startedAt: Schema.Finite,
  deadlineAt: Schema.Union([Schema.Finite, Schema.Literal("unbounded")]),
  boundedBy: Schema.Literals(["deadline", "strategy"])
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

// ---- internal ----

const decode = /*#__PURE__*/ Schema.decodeUnknownEffect(ResumeToken)
