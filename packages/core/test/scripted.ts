import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import type * as CheckResult from "effect-poll/CheckResult"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"

export type Answer<A, F, E> = CheckResult.CheckResult<A, F> | Effect.Effect<CheckResult.CheckResult<A, F>, E>

/** A check that gives its answers in turn, the last one for ever, and notes when it was asked. */
export const scripted = <A = never, F = never, E = never>(...answers: ReadonlyArray<Answer<A, F, E>>) => {
  const checks: Array<number> = []
  const check: Effect.Effect<CheckResult.CheckResult<A, F>, E> = Effect.flatMap(Clock.currentTimeMillis, (now) => {
    checks.push(now)
    const answer = answers[Math.min(checks.length, answers.length) - 1]!
    return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
  })
  return { check, checks }
}

export const pending = Status.pending()

/** Runs an effect to its end on the test clock, which moves by `within`; says how it ended and when. */
export const runFor = <A, E, R>(effect: Effect.Effect<A, E, R>, within: Parameters<typeof TestClock.adjust>[0]) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.flatMap(Effect.exit(effect), (exit) => Effect.map(Clock.currentTimeMillis, (at) => ({ exit, at })))
    )
    yield* TestClock.adjust(within)
    const ended = fiber.pollUnsafe()
    if (ended === undefined) {
      yield* Fiber.interrupt(fiber)
      return { exit: "running" as const, at: Number.NaN }
    }
    return Exit.isSuccess(ended) ? ended.value : yield* Effect.die(ended.cause)
  })

/** How a wait ended in one word: the value, or the tag of the error. */
export const ending = (exit: Exit.Exit<unknown, unknown> | "running"): unknown => {
  if (exit === "running") return exit
  if (Exit.isSuccess(exit)) return exit.value
  const error = Exit.findErrorOption(exit)
  if (error._tag === "None") return "defect"
  const failure = error.value as { readonly _tag: string; readonly reason?: string }
  return failure.reason === undefined ? failure._tag : `${failure._tag} ${failure.reason}`
}

/** A token of a wait for the job "render", key "a", after one check; its deadline is at 10 seconds. */
export const token = (some: Partial<ResumeToken>): ResumeToken => ({
  version: 1,
  job: "render",
  key: "a",
  attempts: 1,
  strategySteps: 1,
  strategyStartedAt: 0,
  consecutiveErrors: 0,
  totalErrors: 0,
  dueAt: 0,
  floorAt: 0,
  startedAt: 0,
  deadlineAt: 10_000,
  boundedBy: "deadline",
  ...some
})
