/**
 * A wait as a value that can be stored: another process goes on with it, with the same deadline.
 *
 * **Details**
 *
 * A token names the job and the key and says how far the wait is. It holds no result, no status and no secret, and is
 * plain JSON. It has a version; a token of a version that is not known, or of another job, is a typed error and never a
 * guess.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Run } from "./CheckResult.ts"
import { unknownVersion } from "./internal/tokenVersion.ts"
import { ResumeTokenError } from "./PollError.ts"

/**
 * A wait that can be resumed. Times are wall-clock milliseconds.
 *
 * @category models
 * @since 0.1.0
 */
export interface ResumeToken {
  readonly version: 1
  /** The name of the `Job`. */
  readonly job: string
  /** The encoded key. */
  readonly key: string
  /** The run that is waited for, where one key is used for many. */
  readonly since?: Run | undefined
  /** The encoded key at the fallback, once the job itself is gone. */
  readonly fallbackKey?: string | undefined
  /** Checks made so far; 0 in the receipt of a submit. */
  readonly attempts: number
  readonly strategySteps: number
  readonly strategyStartedAt: number
  readonly consecutiveErrors: number
  readonly totalErrors: number
  /** When the next check is due. */
  readonly dueAt: number
  /** The server does not want to be asked before. */
  readonly floorAt: number
  readonly startedAt: number
  readonly deadlineAt: number | "unbounded"
  /** Whether `deadlineAt` is the deadline of the wait or the limit of its strategy. */
  readonly boundedBy: "deadline" | "strategy"
}

/**
 * The Schema of a token; its encoded form is plain JSON.
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
 * Writes a token as a JSON string, to be stored.
 *
 * @category encoding
 * @since 0.1.0
 */
export const toJson = (token: ResumeToken): string => JSON.stringify(token)

/**
 * Reads a token from a stored JSON string.
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
 * Reads a token from an unknown value.
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
