import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"

/** What one check finds: a result, or an effect that yields one or fails. */
export type Answer<A, F, E> = CheckResult.CheckResult<A, F> | Effect.Effect<CheckResult.CheckResult<A, F>, E>

export const pending = Status.pending()
export const done = Status.succeeded("done")

/** An answer that takes this long. */
export const slow = <A = never, F = never, E = never>(
  duration: Duration.Input,
  answer: Answer<A, F, E>
): Effect.Effect<CheckResult.CheckResult<A, F>, E> => Effect.delay(effectOf(answer), duration)

/** A check that gives its answers in turn and repeats the last one; `checks` records when it was made. */
export const scripted = <A = never, F = never, E = never>(...answers: ReadonlyArray<Answer<A, F, E>>) => {
  const checks: Array<number> = []
  const check: Effect.Effect<CheckResult.CheckResult<A, F>, E> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    checks.push(now)
    return effectOf(answers[Math.min(checks.length, answers.length) - 1]!)
  })
  return { check, checks }
}

/** The job "render" with a scripted check. */
export const renderJob = <A = string, F = never, E = string>(...answers: ReadonlyArray<Answer<A, F, E>>) => {
  const { check, checks } = scripted(...answers)
  return { job: Job.make<A, F, E>("render", { check: () => check }), checks }
}

/** The job "render" with a remote cancel; `canceled` records its keys, `canceledAt` when it was called. */
export const cancelableJob = <A = never, F = never, E = never>(
  check: (key: string) => Effect.Effect<CheckResult.CheckResult<A, F>, E>,
  options: {
    readonly cancel?: Effect.Effect<void, string>
    readonly strategy?: Job.Options<string, A, F, E, never>["strategy"]
  } = {}
) => {
  const canceled: Array<string> = []
  const canceledAt: Array<number> = []
  const job = Job.make<A, F, E>("render", {
    check,
    cancel: (key) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        canceled.push(key)
        canceledAt.push(at)
        return options.cancel ?? Effect.void
      }),
    strategy: options.strategy
  })
  return { job, canceled, canceledAt }
}

// ---- internal ----

const effectOf = <A, F, E>(answer: Answer<A, F, E>): Effect.Effect<CheckResult.CheckResult<A, F>, E> =>
  Effect.isEffect(answer) ? answer : Effect.succeed(answer)
