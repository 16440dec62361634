/**
 * What a check is given besides its key: where the last answer left off, and how the wait has gone so far.
 *
 * **Details**
 *
 * | field | value |
 * |---|---|
 * | `cursor` | the cursor of the newest answer that had one, see `CheckResult.withCursor` |
 * | `attempt` | the number of this check, from 1 |
 * | `elapsedMillis` | milliseconds from the start of the wait to the start of this check |
 * | `last` | the last status found |
 *
 * **Gotchas**
 *
 * The cursor is confidential. `JSON.stringify` and `console.log` show it as `<redacted>`, but code that reads the field
 * gets the text.
 *
 * @since 0.1.0
 */
import { Context } from "./internal/concealed.ts"
import type { Status } from "./Status.ts"

/**
 * What a check is given besides its key.
 *
 * **Details**
 *
 * Where several waits share a check, it is the context of the wait that starts it; the cursor is the same for all.
 *
 * @category models
 * @since 0.1.0
 */
export interface CheckContext {
  /**
   * The cursor of the newest answer that had one, or `undefined` before the first. It survives failed checks and is
   * part of the resume token; a fallback starts without it.
   */
  readonly cursor: string | undefined
  /** The number of this check, from 1. A retry within a check has the number of that check. */
  readonly attempt: number
  /** Milliseconds from the start of the wait to the start of this check. */
  readonly elapsedMillis: number
  /** The last status that a check found, or `undefined` if none has found one. */
  readonly last: Status<unknown, unknown> | undefined
}

/**
 * Creates a context, for code that calls the `check` of a `Job` itself. Fields that are left out have the values of the
 * first check of a wait: no cursor, attempt 1, 0 milliseconds, no status.
 *
 * **Example** (Calling a check directly)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as CheckContext from "effect-poll/CheckContext"
 * import * as Job from "effect-poll/Job"
 * import * as Status from "effect-poll/Status"
 *
 * const Ready = Job.make("ready", { check: (id: string) => Effect.succeed(Status.succeeded(`${id}.png`)) })
 * const status = await Effect.runPromise(Ready.check("cat", CheckContext.make()))
 * status._tag // => "Succeeded"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (options: Partial<CheckContext> = {}): CheckContext =>
  new Context(options.cursor, options.attempt ?? 1, options.elapsedMillis ?? 0, options.last)
