import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as CheckError from "effect-poll/CheckError"
import type * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Answer } from "./checks.ts"
import { firstAt } from "./options.ts"

/** An error that begins with "no" is permanent. */
const kindOf = (error: string) => (error.startsWith("no") ? CheckError.permanent() : CheckError.transient())

/**
 * A job with batch requests, which records them; by default all keys are due after a second and done then. `answer` is
 * for one key of a request, `whole` and `hint` for the request itself, `single` for a key that is checked on its own.
 */
export const batchJob = (
  options: {
    readonly max?: number
    readonly slack?: number
    readonly answer?: (key: string, request: number) => Answer<string, string, string> | "missing"
    readonly hint?: (request: number) => CheckResult.Hint | undefined
    readonly whole?: (keys: ReadonlyArray<string>, request: number) => Effect.Effect<unknown, string>
    readonly single?: (key: string) => Effect.Effect<CheckResult.CheckResult<string, string>, string>
    readonly strategy?: Job.Options<string, string, string, string, never>["strategy"]
    readonly missing?: Job.MissingPolicy<string, string, string, string, never>
  } = {}
) => {
  const requests: Array<{ readonly at: number; readonly keys: ReadonlyArray<string> }> = []
  const singles: Array<{ readonly at: number; readonly key: string }> = []
  const answer = options.answer ?? ((key: string) => Status.succeeded(key))
  const job = Job.make<string, string, string>("many", {
    check: (key) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        singles.push({ at, key })
        return options.single?.(key) ?? Effect.succeed(Status.succeeded(`${key} alone`))
      }),
    checkMany: {
      max: options.max ?? 100,
      slack: options.slack ?? 50,
      check: (keys) =>
        Effect.gen(function* () {
          // Keys that are due at the same time come in any order.
          requests.push({ at: yield* Clock.currentTimeMillis, keys: keys.toSorted() })
          const request = requests.length
          yield* options.whole?.(keys, request) ?? Effect.void
          const found = new Map<string, Result.Result<CheckResult.CheckResult<string, string>, string>>()
          for (const key of keys) {
            const one = answer(key, request)
            if (one === "missing") continue
            found.set(key, Effect.isEffect(one) ? yield* Effect.result(one) : Result.succeed(one))
          }
          return { results: found, hint: options.hint?.(request) }
        })
    },
    checkErrors: { kindOf, schedule: Strategy.spaced("1 second"), maxConsecutive: 1 },
    missing: options.missing,
    strategy: options.strategy ?? firstAt("1 second")
  })
  return { job, requests, singles }
}
