/**
 * Polls an Effect for an assertion, and moves a `TestClock` meanwhile.
 *
 * @since 0.1.0
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import type { TestClock } from "effect/testing/TestClock"
import * as Poll from "effect-poll/Poll"
import { PollDefaults } from "effect-poll/PollDefaults"
import type { JobFailed, PollTimeout } from "effect-poll/PollError"
import type * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { show } from "./validate.ts"

/** What a check of an assertion found. */
export type Found<A> =
  | { readonly _tag: "Held"; readonly value: A }
  | { readonly _tag: "Missed"; readonly value: A }
  | { readonly _tag: "Failed"; readonly error: unknown }

export interface Plan<A> {
  readonly name: string
  /** In milliseconds. */
  readonly bound: number
  /** In milliseconds. */
  readonly every: number
  readonly expected: { readonly value: unknown } | undefined
  readonly satisfies: ((value: A) => unknown) | undefined
  /** The status of the wait after a check. */
  readonly judge: (found: Found<A>) => Status.Status<A, Found<A>>
}

/** How the polling of an assertion ended. */
export interface Outcome<A> {
  readonly exit: Exit.Exit<A, PollTimeout | JobFailed<Found<A>>>
  /** What the last check found; undefined if none was completed. */
  readonly last: Found<A> | undefined
  readonly checks: number
  /** In milliseconds. */
  readonly elapsed: number
}

/** Polls an Effect until the plan ends it, or until its time is over. */
export const poll = <A, E, R>(effect: Effect.Effect<A, E, R>, plan: Plan<A>): Effect.Effect<Outcome<A>, never, R> =>
  Effect.gen(function* () {
    const context = yield* Effect.context<R>()
    const clock = yield* Clock.Clock
    const activity = { inCheck: false, sleeping: 0 }
    let last: Found<A> | undefined
    let checks = 0
    const check = Effect.suspend(() => {
      checks++
      activity.inCheck = true
      return inContext(effect, context, countingClock(clock, activity))
    }).pipe(
      Effect.exit,
      Effect.flatMap((exit) => {
        activity.inCheck = false
        const found = foundIn(exit, plan)
        if (found === undefined) return Effect.failCause((exit as Exit.Failure<never, never>).cause)
        last = found
        return Effect.succeed(plan.judge(found))
      })
    )
    const started = clock.currentTimeMillisUnsafe()
    const wait = Effect.exit(Poll.until(check, optionsOf(plan))).pipe(Effect.provideService(PollDefaults, yield* quiet))
    const exit = yield* isTestClock(clock) ? advancing(clock, wait, activity, plan) : wait
    const defect = Exit.isFailure(exit) && exit.cause.reasons.find((reason) => reason._tag !== "Fail")
    if (defect !== false && defect !== undefined) return yield* exit as Exit.Exit<never>
    const elapsed = clock.currentTimeMillisUnsafe() - started
    return { exit: exit as Outcome<A>["exit"], last, checks, elapsed }
  })

// ---- internal ----

const optionsOf = <A>({ bound, every, name }: Plan<A>): Poll.Options => ({
  deadline: bound,
  strategy: Strategy.spaced(every),
  checkTimeout: "unbounded",
  history: false,
  name
})

/** No logs, no spans, and no observers: those of the defaults belong to the code under test. */
const quiet = Effect.map(PollDefaults, (defaults) => ({ ...defaults, logs: false, span: false, observers: [] }))

/** What an exit means; undefined for an interruption, which ends the assertion. */
const foundIn = <A, E>(exit: Exit.Exit<A, E>, plan: Plan<A>): Found<A> | undefined => {
  if (Exit.isFailure(exit)) {
    return Cause.hasInterrupts(exit.cause) ? undefined : { _tag: "Failed", error: Cause.squash(exit.cause) }
  }
  const { value } = exit
  const { expected, satisfies } = plan
  if (expected !== undefined && !Equal.equals(value, expected.value)) return { _tag: "Missed", value }
  try {
    return satisfies !== undefined && satisfies(value) === false ? { _tag: "Missed", value } : { _tag: "Held", value }
  } catch (error) {
    return { _tag: "Failed", error }
  }
}

/** Whether a check is in flight, and how many of its sleeps wait for the clock. */
interface Activity {
  inCheck: boolean
  sleeping: number
}

/** Runs the user's Effect as its caller would, and counts its sleeps. */
const inContext = <A, E, R>(
  effect: Effect.Effect<A, E, R>,
  context: Context.Context<R>,
  clock: Clock.Clock
): Effect.Effect<A, E> =>
  effect.pipe(Effect.provideService(Clock.Clock, clock), Effect.provideContext(context)) as Effect.Effect<A, E>

const countingClock = (clock: Clock.Clock, activity: Activity): Clock.Clock => ({
  ...clock,
  sleep: (duration) =>
    Effect.acquireUseRelease(
      Effect.sync(() => activity.sleeping++),
      () => clock.sleep(duration),
      () => Effect.sync(() => activity.sleeping--)
    )
})

const isTestClock = (clock: Clock.Clock): clock is TestClock => "adjust" in clock && "withLive" in clock

/** How many milliseconds of real time a check may take before the clock moves on. */
const patienceFor = ({ sleeping }: Activity): number => (sleeping > 0 ? 100 : 500)

/** The first steps of the clock leave a millisecond of real time each to sockets and files. */
const slowSteps = 250

/** Moves the clock whenever the wait, or a sleep within its check, needs it. */
const advancing = <A>(
  clock: TestClock,
  wait: Effect.Effect<A>,
  activity: Activity,
  { every }: { readonly every: number }
): Effect.Effect<A> =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(wait, { startImmediately: true })
    const breathe = clock.withLive(Effect.sleep(1))
    for (let step = 0; fiber.pollUnsafe() === undefined; step++) {
      for (let waited = 0; activity.inCheck && waited < patienceFor(activity); waited++) yield* breathe
      // From here on, a check that is in flight waits for the clock.
      while (activity.inCheck && fiber.pollUnsafe() === undefined) yield* clock.adjust(every)
      if (step < slowSteps) yield* breathe
      if (fiber.pollUnsafe() === undefined && !activity.inCheck) yield* clock.adjust(every)
    }
    return yield* Fiber.join(fiber)
  })

/** A positive finite duration in milliseconds. */
export const millis = (option: string, input: Duration.Input): number => {
  const parsed = typeof input === "number" && Number.isNaN(input) ? Option.none() : Duration.fromInput(input)
  const value = Option.isSome(parsed) ? Duration.toMillis(parsed.value) : Number.NaN
  if (Number.isFinite(value) && value > 0) return value
  throw new RangeError(`${option} must be a positive finite duration, got ${show(input)}`)
}
