/**
 * Assertions that something becomes true, or stays true, while time passes.
 *
 * `eventually` holds once a check succeeds within a time; `during` holds if every check over a time succeeds. Both are
 * polled by `Poll`, so a check that hangs is bounded too, and one last check is made at the end of the time.
 *
 * | | passes when | fails when | value |
 * |---|---|---|---|
 * | `eventually` | one check holds | none has held `within` the time | that of the check that held |
 * | `during` | all checks hold `for` the time | the first one does not | that of the last check |
 *
 * **Details**
 *
 * A check is the given Effect. It holds if it succeeds and its value `equals` or `satisfies` what the options say. Failures
 * and defects, such as those of an assertion library, do not hold. An interruption ends the assertion.
 *
 * Both work with the live clock and with a `TestClock`, which they move: a test needs no `TestClock.adjust`. While a check
 * is in flight the `TestClock` stands still, so that sockets and files can complete. It moves on if the check sleeps, or
 * takes more than about half a second of real time.
 *
 * **Gotchas**
 *
 * Under a `TestClock`, each of the first 250 steps gives the code under test a millisecond of real time. If it needs more,
 * use the live clock.
 *
 * **Example** (Waiting for a counter)
 *
 * ```ts
 * import * as Assertion from "@effect-poll/testing/Assertion"
 * import * as Effect from "effect/Effect"
 *
 * let count = 0
 * const counted = Assertion.eventually(Effect.sync(() => ++count), { equals: 3, within: "1 second", every: "1 millis" })
 * await Effect.runPromise(counted) // => 3
 * ```
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Status from "effect-poll/Status"
import { type Found, millis, type Outcome, type Plan, poll } from "./internal/assertion.ts"
import { bounded, difference, show } from "./internal/difference.ts"

/**
 * What a check of an assertion has to find, besides success.
 *
 * @category models
 * @since 0.1.0
 */
export interface Condition<in A> {
  /** The value that the check has to yield, compared by `Equal`. Default: any value. */
  readonly equals?: unknown
  /** Returns `false`, or throws, for a value that does not hold. Default: every value holds. */
  readonly satisfies?: ((value: A) => unknown) | undefined
  /** How long to wait between two checks; a positive finite duration, default 50 milliseconds. */
  readonly every?: Duration.Input | undefined
}

/**
 * The options of `eventually`.
 *
 * @category models
 * @since 0.1.0
 */
export interface EventuallyOptions<in A> extends Condition<A> {
  /** How long a check may take to hold, from the start; a positive finite duration. */
  readonly within: Duration.Input
}

/**
 * The options of `during`.
 *
 * @category models
 * @since 0.1.0
 */
export interface DuringOptions<in A> extends Condition<A> {
  /** How long all checks have to hold, from the start; a positive finite duration. */
  readonly for: Duration.Input
}

/**
 * An assertion did not hold. Its message has the last value, or the last error, and its difference to what was expected.
 *
 * @category errors
 * @since 0.1.0
 */
export class AssertionFailed extends Data.TaggedError("AssertionFailed")<{
  readonly message: string
  /** The number of checks made. */
  readonly checks: number
  /** The time from the start to the end of the assertion. */
  readonly elapsed: Duration.Duration
  /** The last value, or what the last assertion error found. */
  readonly actual: unknown
  /** What was expected instead, if that is known. */
  readonly expected: unknown
  /** The error of the last check, if it failed. */
  readonly cause: unknown
}> {}

/**
 * Asserts that an Effect yields the right value within a time. Fails with `AssertionFailed` otherwise, with the last value
 * or the last error.
 *
 * **Details**
 *
 * The Effect runs at once, then `every` 50 milliseconds, and once more at the end of the time. A value out of range throws
 * a RangeError at the call.
 *
 * **Example** (Waiting for an assertion to pass)
 *
 * ```ts
 * import { strict as assert } from "node:assert"
 * import * as Assertion from "@effect-poll/testing/Assertion"
 * import * as Effect from "effect/Effect"
 *
 * const sent: Array<string> = []
 * setTimeout(() => sent.push("hello"), 20)
 * const arrived = Effect.sync(() => assert.deepEqual(sent, ["hello"]))
 * await Effect.runPromise(Assertion.eventually(arrived, { within: "5 seconds", every: "5 millis" }))
 * sent.length // => 1
 * ```
 *
 * @category assertions
 * @since 0.1.0
 */
export const eventually: {
  /**
   * Asserts that an Effect yields the right value within a time. Fails with `AssertionFailed` otherwise. A value out of
   * range throws a RangeError at the call.
   */
  <A>(options: EventuallyOptions<A>): <E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, AssertionFailed, R>
  /**
   * Asserts that an Effect yields the right value within a time. Fails with `AssertionFailed` otherwise. A value out of
   * range throws a RangeError at the call.
   */
  <A, E, R>(self: Effect.Effect<A, E, R>, options: EventuallyOptions<A>): Effect.Effect<A, AssertionFailed, R>
} = dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, options: EventuallyOptions<A>): Effect.Effect<A, AssertionFailed, R> => {
    const plan: Plan<A> = {
      ...planOf("Assertion.eventually", options),
      bound: millis("Assertion.eventually: within", options.within),
      judge: (found) => (found._tag === "Held" ? Status.succeeded(found.value) : Status.pending())
    }
    return Effect.flatMap(poll(self, plan), (outcome) =>
      Exit.isSuccess(outcome.exit)
        ? Effect.succeed(outcome.exit.value)
        : Effect.fail(failure(plan, outcome, `did not hold within ${time(plan.bound)}`))
    )
  }
)

/**
 * Asserts that an Effect yields the right value throughout a time, and yields the last value. Fails with `AssertionFailed`
 * as soon as it does not.
 *
 * **Details**
 *
 * The Effect runs at once, then `every` 50 milliseconds, and once more at the end of the time. What happens between two
 * checks is not seen. A value out of range throws a RangeError at the call.
 *
 * **Example** (Asserting that nothing more is sent)
 *
 * ```ts
 * import * as Assertion from "@effect-poll/testing/Assertion"
 * import * as Effect from "effect/Effect"
 *
 * const sent = ["hello"]
 * const count = Effect.sync(() => sent.length)
 * await Effect.runPromise(Assertion.during(count, { equals: 1, for: "30 millis", every: "5 millis" })) // => 1
 * ```
 *
 * @category assertions
 * @since 0.1.0
 */
export const during: {
  /**
   * Asserts that an Effect yields the right value throughout a time, and yields the last value. Fails with `AssertionFailed`
   * as soon as it does not. A value out of range throws a RangeError at the call.
   */
  <A>(options: DuringOptions<A>): <E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, AssertionFailed, R>
  /**
   * Asserts that an Effect yields the right value throughout a time, and yields the last value. Fails with `AssertionFailed`
   * as soon as it does not. A value out of range throws a RangeError at the call.
   */
  <A, E, R>(self: Effect.Effect<A, E, R>, options: DuringOptions<A>): Effect.Effect<A, AssertionFailed, R>
} = dual(
  2,
  <A, E, R>(self: Effect.Effect<A, E, R>, options: DuringOptions<A>): Effect.Effect<A, AssertionFailed, R> => {
    const plan: Plan<A> = {
      ...planOf("Assertion.during", options),
      bound: millis("Assertion.during: for", options.for),
      judge: (found) => (found._tag === "Held" ? Status.pending() : Status.failed(found))
    }
    return Effect.flatMap(poll(self, plan), (outcome) =>
      outcome.last?._tag === "Held"
        ? Effect.succeed(outcome.last.value)
        : Effect.fail(failure(plan, outcome, `held for ${time(outcome.elapsed)} instead of ${time(plan.bound)}`))
    )
  }
)

// ---- internal ----

const planOf = <A>(name: string, options: Condition<A>) => ({
  name,
  every: millis(`${name}: every`, options.every ?? 50),
  expected: "equals" in options ? { value: options.equals } : undefined,
  satisfies: options.satisfies
})

const time = (value: number): string => (value === 0 ? "0ms" : Duration.format(Duration.millis(value)))

const failure = <A>({ expected }: Plan<A>, { checks, elapsed, last }: Outcome<A>, what: string): AssertionFailed => {
  const pair = compared(last, expected)
  const head = `${what} (${checks} ${checks === 1 ? "check" : "checks"} in ${time(elapsed)}): ${reason(last)}`
  const shown = pair === undefined ? "" : `\n\n${difference(pair.expected, pair.actual)}`
  return new AssertionFailed({
    message: head + shown,
    checks,
    elapsed: Duration.millis(elapsed),
    actual: pair?.actual ?? (last?._tag === "Missed" ? last.value : undefined),
    expected: pair?.expected,
    cause: last?._tag === "Failed" ? last.error : undefined
  })
}

const reason = (last: Found<unknown> | undefined): string => {
  if (last === undefined) return "no check completed"
  if (last._tag !== "Failed") return `the last value was ${show(last.value)}`
  const { error } = last
  return `the last check failed: ${error instanceof Error ? bounded(`${error.name}: ${error.message}`) : show(error)}`
}

/** What was expected and what was found: by the options, or by the error of an assertion library. */
const compared = (
  last: Found<unknown> | undefined,
  expected: { readonly value: unknown } | undefined
): { readonly expected: unknown; readonly actual: unknown } | undefined => {
  if (last?._tag === "Missed" && expected !== undefined) return { expected: expected.value, actual: last.value }
  if (last?._tag !== "Failed" || typeof last.error !== "object" || last.error === null) return undefined
  return "expected" in last.error && "actual" in last.error
    ? { expected: last.error.expected, actual: last.error.actual }
    : undefined
}
