/**
 * Postpones checks for reasons unrelated to the job: an exhausted rate limit, an open circuit breaker, a device that is
 * offline, a hidden tab.
 *
 * A gate is asked before each check. It lets the check through, or postpones it with a reason. A postponed check counts
 * neither as an attempt nor against the error budget. The deadline of the wait still applies.
 *
 * **Details**
 *
 * - A question has a time limit, `timeout`. A gate that does not answer in time postpones the check by a second, with the
 *   reason `"gate timeout"`, and is then asked again: an answer that was lost does not hold up the wait. To let the
 *   check through instead, use `Effect.timeoutOrElse` with `Gate.open` in the function.
 * - With `partition`, a postponed answer holds for all checks of the partition: of a hundred thousand waits behind one
 *   open circuit, one asks it in each delay.
 * - In a `Poller`, a question takes no place of `concurrency`. A gate is asked only as far as there are free places for
 *   the checks that it lets through, and those are served before other queued checks.
 *
 * @since 0.1.0
 */
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as question from "./internal/gateQuestion.ts"
import * as validate from "./internal/validate.ts"

/**
 * Decides whether a check may be made now.
 *
 * @category models
 * @since 0.1.0
 */
export interface Gate<out R = never> {
  /**
   * Returns whether the check may be made. It may take time: the deadline of the wait bounds it, and so does the
   * `timeout` of `Gate.make`. A gate that was not made by `Gate.make` has no timeout.
   */
  readonly ask: (subject: Subject) => Effect.Effect<Answer, never, R>
}

/**
 * The check that a gate is asked about.
 *
 * @category models
 * @since 0.1.0
 */
export interface Subject {
  /** The name of the `Job`. */
  readonly job: string
  /** The encoded key. */
  readonly key: string
}

/**
 * The answer of a gate: the check may be made, or is postponed.
 *
 * **Details**
 *
 * After `delay`, the gate is asked again. The wait reports `reason` as the `gateReason` of its event
 * `Waiting`. `spread` is for gates with partitions; see `Gate.postponed`.
 *
 * @category models
 * @since 0.1.0
 */
export type Answer =
  | { readonly _tag: "Open" }
  | {
      readonly _tag: "Postponed"
      readonly delay: Duration.Duration
      readonly reason: string
      readonly spread?: Duration.Duration | undefined
    }

/**
 * The options of `Gate.make`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Options {
  /**
   * How long a question may take; a positive finite duration or `"unbounded"`. After that it is interrupted, and the
   * check is postponed by a second with the reason `"gate timeout"`. Default: 5 seconds.
   */
  readonly timeout?: Duration.Input | "unbounded" | undefined
  /**
   * Names what decides about a check, such as a circuit or a connection. A postponed answer then holds for all checks of
   * the same name until its delay has passed. After that one of them asks again, while the others stay postponed.
   * Default: none; each check asks.
   */
  readonly partition?: ((subject: Subject) => string) | undefined
}

/**
 * The answer that lets a check through.
 *
 * @category constructors
 * @since 0.1.0
 */
export const open: Answer = { _tag: "Open" }

/**
 * Creates the answer that postpones a check: the gate is asked again after `delay`.
 *
 * **Details**
 *
 * In a gate with partitions, the check that was asked about comes back after `delay`, and asks for all of them. The
 * others come back after it at random times within `spread`; default: `delay`, at most 30 seconds.
 *
 * `delay` must be a positive finite duration, and `spread` a non-negative one; otherwise a RangeError is thrown.
 *
 * @category constructors
 * @since 0.1.0
 */
export const postponed = (delay: Duration.Input, reason: string, spread?: Duration.Input): Answer => {
  const millis = Duration.millis(validate.millis("Gate.postponed: delay", delay, "positive"))
  if (spread === undefined) return { _tag: "Postponed", delay: millis, reason }
  const spreadMillis = validate.millis("Gate.postponed: spread", spread, "nonNegative")
  return { _tag: "Postponed", delay: millis, reason, spread: Duration.millis(spreadMillis) }
}

/**
 * Creates a gate from a function that decides whether a check may be made.
 *
 * **Details**
 *
 * An out-of-range `timeout` throws a RangeError.
 *
 * **Example** (Checking only while online)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Gate from "effect-poll/Gate"
 *
 * let online = false
 * let asked = 0
 * const whileOnline = Gate.make(
 *   () => Effect.sync(() => (asked++, online ? Gate.open : Gate.postponed("1 second", "offline"))),
 *   // The answer is about the device, so it holds for all checks.
 *   { partition: () => "device" }
 * )
 * const keys = ["a", "b", "c"]
 * const answers = await Effect.runPromise(Effect.forEach(keys, (key) => whileOnline.ask({ job: "render", key })))
 * answers.map(({ _tag }) => _tag) // => ["Postponed", "Postponed", "Postponed"]
 * asked // => 1
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(ask: Gate<R>["ask"], options?: Options): Gate<R> => {
  const { partition, timeout = "5 seconds" } = options ?? {}
  validate.fields("Gate.make", options ?? {}, {
    partition: "a function",
    timeout: 'a positive finite duration or "unbounded"'
  })
  const bounded = question.bounded(ask, validate.millisOrUnbounded("Gate.make: timeout", timeout))
  return { ask: partition === undefined ? bounded : question.partitioned(bounded, partition) }
}

/**
 * Combines gates into one. It asks them in order, up to the first that postpones the check. Each has its own timeout and
 * partitions; if any of them is known to postpone the check, none is asked.
 *
 * @category combinators
 * @since 0.1.0
 */
export const all = <R>(gates: ReadonlyArray<Gate<R>>): Gate<R> => {
  const known = (subject: Subject, now: number, random: () => number): Answer | undefined => {
    for (const gate of gates) {
      const answer = question.knownAnswer(gate, subject, now, random)
      if (answer !== undefined) return answer
    }
    return undefined
  }
  const ask = Effect.fnUntraced(function* (subject: Subject) {
    const random = yield* Random.Random
    const closed = known(subject, yield* Clock.currentTimeMillis, () => random.nextDoubleUnsafe())
    if (closed !== undefined) return closed
    for (const gate of gates) {
      const answer = yield* gate.ask(subject)
      if (answer._tag === "Postponed") return answer
    }
    return open
  })
  return { ask: question.knows(ask, known) }
}
