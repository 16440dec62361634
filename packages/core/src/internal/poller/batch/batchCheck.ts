import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as CheckResult from "../../../CheckResult.ts"
import * as event from "../../machine/event.ts"
import type { Wait } from "../../machine/wait.ts"
import { kindOf } from "../../text.ts"
import { Contexts } from "./contexts.ts"
import { type Call, targetOf } from "../target.ts"

// One request for many keys: what is sent, and what its answer means to each wait. What follows from a request that
// fails is in `requests`.

/** What the answer to a request means to each wait in it. */
export type Answer = (wait: Wait) => event.Event

/**
 * Checks the keys of a call in one request.
 *
 * - A key that the answer lacks is checked alone: at once, or once the delay has passed that the server requested.
 * - The hint of the answer, and the longest one for any of the keys, hold for all of them, since it was one request.
 */
export const run = (call: Call): Effect.Effect<Answer, unknown, unknown> => {
  const waits = call.target.isShared ? call.onePerKey : call.waits.slice()
  return Effect.flatMap(send(waits), (answer) => {
    const wrong = mistakeIn(answer)
    return wrong === undefined ? Effect.succeed(read(waits, answer as KeyResults)) : Effect.die(wrong(call))
  })
}

/** What a typed error of a request is, by the policy of its first wait; undefined for a defect or an interruption. */
export const kindOfFailure = (
  first: Wait,
  { cause }: Exit.Failure<unknown, unknown>
): "Transient" | "Throttled" | "Permanent" | undefined => {
  if (!cause.reasons.every(Cause.isFailReason)) return undefined
  try {
    return first.setting.policy.errors.kindOf(Cause.squash(cause))._tag
  } catch {
    // The machine asks again, and ends the waits with the defect.
    return undefined
  }
}

// ---- internal ----

type AnyCheckResult = CheckResult.CheckResult<unknown, unknown>
type KeyResult = Result.Result<AnyCheckResult, unknown>

interface KeyResults {
  readonly results: ReadonlyMap<string, KeyResult>
  readonly hint?: CheckResult.Hint | undefined
}

const send = (waits: ReadonlyArray<Wait>): Effect.Effect<unknown, unknown, unknown> =>
  Effect.suspend(() =>
    targetOf(waits[0]!).job.checkMany!.check(
      waits.map((wait) => wait.rawKey),
      new Contexts(waits)
    )
  )

/** What is wrong with the answer as a whole. */
const mistakeIn = (answer: unknown): ((call: Call) => TypeError) | undefined => {
  const results = (answer as Partial<KeyResults> | null | undefined)?.results
  if (typeof (results as Partial<ReadonlyMap<string, unknown>> | null | undefined)?.get === "function") return undefined
  return ({ target }) =>
    new TypeError(
      `the checkMany of the job ${JSON.stringify(target.job.name)} must yield { results: Map }, got ${describe(answer)}`
    )
}

const describe = (answer: unknown): string =>
  typeof answer !== "object" || answer === null
    ? kindOf(answer)
    : "results" in answer
      ? `results: ${Array.isArray(answer.results) ? "an array" : kindOf(answer.results)}`
      : Array.isArray(answer)
        ? "an array"
        : answer instanceof Map
          ? "a Map"
          : "an object without results"

const read = (waits: ReadonlyArray<Wait>, { hint, results }: KeyResults): Answer => {
  const found = waits.map(({ key }) => results.get(key))
  const longest = longer(longestHint(found), hint)
  // Most waits get their result in the order in which they asked, so that their keys need not be found again.
  let next = 0
  return (wait) => {
    const result = waits[next] === wait ? found[next++] : results.get(wait.key)
    return result === undefined ? unanswered(isDelay(hint) ? longest : undefined) : eventOf(result, longest)
  }
}

const unanswered = (hint: CheckResult.Hint | undefined): event.Event =>
  hint === undefined ? { _tag: "Unanswered" } : { _tag: "Unanswered", hint }

const eventOf = (result: KeyResult, hint: CheckResult.Hint | undefined): event.Event => {
  if (!Result.isResult(result)) {
    const got = kindOf(result)
    return event.checkErrored(Cause.die(new TypeError(`checkMany must yield a Result for each key, got ${got}`)))
  }
  if (Result.isSuccess(result)) {
    const found = result.success
    return event.checked(
      hint === undefined || !CheckResult.isCheckResult(found) ? found : CheckResult.withHint(found, hint)
    )
  }
  return event.checkErrored(Cause.fail(result.failure), hint)
}

const isDelay = (hint: CheckResult.Hint | undefined): hint is Duration.Duration =>
  hint !== undefined && hint !== "unreadable" && Duration.toMillis(hint) > 0

const longestHint = (results: ReadonlyArray<KeyResult | undefined>): CheckResult.Hint | undefined => {
  let longest: CheckResult.Hint | undefined
  for (const result of results) {
    if (result?._tag !== "Success" || result.success?._tag !== "Annotated") continue
    const { hint } = result.success
    // One that is unreadable is about its own key only.
    if (hint !== "unreadable") longest = longer(longest, hint)
  }
  return longest
}

const longer = (a: CheckResult.Hint | undefined, b: CheckResult.Hint | undefined): CheckResult.Hint | undefined => {
  if (b === undefined || b === "unreadable") return a ?? b
  return a === undefined || a === "unreadable" || Duration.isGreaterThan(b, a) ? b : a
}
