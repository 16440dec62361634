import * as Effect from "effect/Effect"
import * as Redacted from "effect/Redacted"
import * as CheckResult from "effect-poll/CheckResult"
import * as HintReader from "../../HintReader.ts"
import type { HttpCheckError, Reader } from "../../HttpCheckError.ts"
import {
  type Decode,
  type Interpret,
  isVerdict,
  type Throttled,
  type Transient,
  type Verdict
} from "../../Interpretation.ts"
import { bounded } from "./reason.ts"
import { isPromise, promised, sync, typeOf, Yielded } from "../request/yielded.ts"
import { type Fail, type ReceivedAnswer, statusReason } from "../request/httpRequest.ts"

// The one place where an `interpret` is asked, whatever the request is for.

/**
 * What an `interpret` says of an answer:
 *
 * - a `CheckResult`, complete with the hint of the verdict or else of the answer
 * - `Decode`: the caller reads the body as a status, whatever the status code
 * - `undefined`: the caller reads the answer by its own table
 *
 * Everything else is a failure: an `HttpCheckError` for `Throttled`, `Transient`, `Permanent`, for a body that the Schema
 * of a verdict rejects, and for an `interpret` that throws, dies or yields nonsense; or the typed failure of an `interpret`
 * that is an Effect.
 *
 * `answer.hint` is what the headers and the option `hint` say, `answer.detail` what the option `reason` reads. `content`
 * is what the Schema of a verdict decodes.
 */
export const interpretAnswer = <A, F, E, R>(
  interpret: Interpret<A, F, E, R>,
  answer: ReceivedAnswer,
  fail: Fail,
  content: unknown = contentOf(answer)
): Effect.Effect<CheckResult.CheckResult<A, F> | Decode | undefined, HttpCheckError | E, R> => {
  let said: unknown
  try {
    said = interpret(answer)
  } catch (cause) {
    return Effect.fail(fail(readerReason("interpret", cause)))
  }
  if (said === undefined) return noVerdict
  if (!Effect.isEffect(said)) return settle(said, answer, fail, content)
  return Effect.flatMap(guarded("interpret", said as Effect.Effect<unknown, E, R>, fail), (verdict) =>
    verdict === undefined ? noVerdict : settle<A, F, R>(verdict, answer, fail, content)
  )
}

/** The reason of an error whose cause is a function of the user's. */
export const readerReason = (reader: Reader["reader"], cause: unknown): Reader => ({
  _tag: "Reader",
  reader,
  issue: cause instanceof Yielded ? cause.message : undefined,
  cause: Redacted.make(cause)
})

/** Runs a reader; what it throws is a permanent error that names it. */
export const readWith = <A>(reader: Reader["reader"], read: () => A, fail: Fail): Effect.Effect<A, HttpCheckError> => {
  try {
    return Effect.succeed(sync(read()))
  } catch (cause) {
    return Effect.fail(fail(readerReason(reader, cause)))
  }
}

/** What a Schema decodes of an answer. */
export const contentOf = (answer: ReceivedAnswer): unknown => {
  switch (answer.form) {
    case "json":
      return answer.body
    case "text":
      return answer.text
    case "bytes":
      return answer.bytes
    case "stream":
      return answer.stream
  }
}

/** Adds the server's words to a cancellation or an expiry that has no reason of its own. */
export const withReason = <A, F>(
  found: CheckResult.CheckResult<A, F>,
  reason: string | undefined
): CheckResult.CheckResult<A, F> => {
  if (reason === undefined) return found
  switch (found._tag) {
    case "Canceled":
    case "Expired":
      return found.reason === undefined ? { ...found, reason } : found
    case "Annotated": {
      const result = withReason(found.result, reason)
      // A copy of its own kind: one with a cursor conceals it.
      return result === found.result
        ? found
        : Object.assign(Object.create(Object.getPrototypeOf(found)), found, { result })
    }
    default:
      return found
  }
}

/** A hint that takes precedence over another one, where it can be read. */
export const eitherHint = (
  first: CheckResult.Hint | undefined,
  second: CheckResult.Hint | undefined
): CheckResult.Hint | undefined =>
  first === undefined || (first === "unreadable" && second !== undefined) ? second : first

// ---- internal ----

const noVerdict: Effect.Effect<undefined> = Effect.undefined

const guarded = <A, E, R>(
  reader: Reader["reader"],
  self: Effect.Effect<A, E, R>,
  fail: Fail
): Effect.Effect<A, E | HttpCheckError, R> =>
  Effect.catchDefect(self, (cause) => Effect.fail(fail(readerReason(reader, cause))))

const settle = <A, F, R>(
  said: unknown,
  answer: ReceivedAnswer,
  fail: Fail,
  content: unknown
): Effect.Effect<CheckResult.CheckResult<A, F> | Decode, HttpCheckError, R> => {
  if (!isVerdict(said)) return Effect.fail(fail(readerReason("interpret", nonsense(said))))
  // Checked above; the types are those of the `interpret`.
  const verdict = said as Verdict<A, F, R>
  switch (verdict._tag) {
    case "Decode":
      return Effect.succeed(verdict)
    case "Throttled":
    case "Transient":
      return Effect.fail(refusal(verdict, answer, fail))
    case "Permanent":
      return Effect.fail(fail(statusReason(withDetail(answer, verdict.reason), "permanent")))
    case "As":
      return guarded(
        "interpret",
        Effect.mapBoth(verdict.read(answer, content), {
          onSuccess: (ending) => withReason(ending, answer.detail),
          onFailure: ({ message }) =>
            fail({
              _tag: "Decode",
              status: answer.status,
              issue: `Interpretation.${verdict.ending.toLowerCase()}: ${message}`
            })
        }),
        fail
      )
    default:
      return Effect.succeed(withHintOf(withReason(verdict, answer.detail), answer.hint))
  }
}

const refusal = (verdict: Throttled | Transient, answer: ReceivedAnswer, fail: Fail): HttpCheckError =>
  fail(
    statusReason(
      {
        ...withDetail(answer, verdict.reason),
        hint: eitherHint(HintReader.fromInput(verdict.hint), answer.hint)
      },
      verdict._tag === "Throttled" ? "throttled" : "transient"
    )
  )

const withDetail = (answer: ReceivedAnswer, reason: string | undefined): ReceivedAnswer =>
  reason === undefined ? answer : { ...answer, detail: bounded(reason) }

/** The hint of the verdict takes precedence over the hint of the answer. */
const withHintOf = <A, F>(
  found: CheckResult.CheckResult<A, F>,
  hint: CheckResult.Hint | undefined
): CheckResult.CheckResult<A, F> => {
  const own = found._tag === "Annotated" ? found.hint : undefined
  const chosen = eitherHint(own, hint)
  return chosen === undefined || chosen === own ? found : CheckResult.withHint(found, chosen)
}

/** An error about what an `interpret` yielded in place of a verdict. */
const nonsense = (said: unknown): Yielded =>
  isPromise(said) ? promised(said) : new Yielded(`yielded no verdict but ${typeOf(said)}`)
