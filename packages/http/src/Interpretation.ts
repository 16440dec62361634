/**
 * What an answer means, by its status code and body together.
 *
 * **Details**
 *
 * Servers do not agree on codes: an unknown job may come as 404, as 400 with a code, as 500 with an error number, or as
 * 200 with the word "unknown"; one that still runs may come as 409 or 470. The option `interpret` of a check says so.
 * It is asked first, before the default table of `HttpCheck`, and before anything is retried:
 *
 * | verdict | the check |
 * |---|---|
 * | `"status"` | is decoded by the Schema, whatever the status code |
 * | `"missing"` | `CheckResult.missing`: there is no such job (now, here) |
 * | `"pending"` | `Status.pending()`, without a state |
 * | a `Status` | that status |
 * | `"transient"` | fails; the next one may do better |
 * | `"permanent"` | fails, and with it the wait |
 * | undefined | is judged by the default table |
 *
 * @since 0.1.0
 */
import { hasProperty } from "effect/Predicate"
import type { Status } from "effect-poll/Status"
import type { HttpAnswer } from "./HttpAnswer.ts"

/**
 * What an answer means.
 *
 * @category models
 * @since 0.1.0
 */
export type Verdict<A = never, F = never> = "status" | "missing" | "pending" | "transient" | "permanent" | Status<A, F>

/**
 * Judges an answer, or leaves it to the default table.
 *
 * @category models
 * @since 0.1.0
 */
export type Interpret<A = never, F = never> = (answer: HttpAnswer) => Verdict<A, F> | undefined

/**
 * What an answer must be like: all that is given.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pattern {
  /** One of these status codes. */
  readonly status?: number | ReadonlyArray<number> | undefined
  /** A part of the JSON body: objects may hold more, arrays and all else are the same. */
  readonly body?: unknown
  /** A text that the body contains. */
  readonly text?: string | undefined
}

/**
 * Gives a verdict to the answers that fit a pattern.
 *
 * **Details**
 *
 * A pattern without a condition, or with an empty text or an empty list, is a RangeError at the call.
 *
 * **Example** (A server with codes of its own)
 *
 * ```ts
 * import * as Headers from "effect/http/Headers"
 * import * as Interpretation from "@effect-poll/http/Interpretation"
 *
 * const interpret = Interpretation.firstOf(
 *   Interpretation.when({ status: [409, 470] }, "pending"),
 *   Interpretation.when({ status: 400, body: { error: { code: "NO_TASK" } } }, "missing")
 * )
 * const answer = { headers: Headers.empty, text: "" }
 * interpret({ ...answer, status: 470, body: undefined }) // => "pending"
 * interpret({ ...answer, status: 400, body: { error: { code: "NO_TASK", at: 7 } } }) // => "missing"
 * interpret({ ...answer, status: 400, body: { error: { code: "BAD_ID" } } }) // => undefined
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const when = <A = never, F = never>(pattern: Pattern, verdict: Verdict<A, F>): Interpret<A, F> => {
  const { body, status, text } = pattern
  const statuses = typeof status === "number" ? [status] : status
  const isFree = statuses === undefined && body === undefined && text === undefined
  if (isFree || text === "" || statuses?.length === 0) {
    throw new RangeError(`Interpretation.when: pattern must have a condition, got ${JSON.stringify(pattern)}`)
  }
  return (answer) =>
    (statuses === undefined || statuses.includes(answer.status)) &&
    (body === undefined || contains(answer.body, body)) &&
    (text === undefined || answer.text.includes(text))
      ? verdict
      : undefined
}

/**
 * Asks several in order: the first that says something decides.
 *
 * @category combinators
 * @since 0.1.0
 */
export const firstOf =
  <A = never, F = never>(...all: ReadonlyArray<Interpret<A, F>>): Interpret<A, F> =>
  (answer) => {
    for (const interpret of all) {
      const verdict = interpret(answer)
      if (verdict !== undefined) return verdict
    }
    return undefined
  }

// ---- internal ----

const contains = (whole: unknown, part: unknown): boolean => {
  if (typeof part !== "object" || part === null) return Object.is(whole, part)
  if (Array.isArray(part)) {
    return (
      Array.isArray(whole) && whole.length === part.length && part.every((each, index) => contains(whole[index], each))
    )
  }
  if (typeof whole !== "object" || whole === null || Array.isArray(whole)) return false
  return Object.entries(part).every(([name, value]) => hasProperty(whole, name) && contains(whole[name], value))
}
