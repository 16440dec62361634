/**
 * Postpones checks for reasons unrelated to the job: an exhausted rate limit, an open circuit breaker, a device that is
 * offline, a hidden tab.
 *
 * A gate is asked before each check. It lets the check through, or postpones it with a reason. A postponed check counts
 * neither as an attempt nor against the error budget. The deadline of the wait still applies.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as validate from "./internal/validate.ts"

/**
 * Decides whether a check may be made now.
 *
 * @category models
 * @since 0.1.0
 */
export interface Gate<out R = never> {
  /** Returns whether the check may be made. May take time; the deadline of the wait bounds it. */
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
 * `Waiting`.
 *
 * @category models
 * @since 0.1.0
 */
export type Answer =
  | { readonly _tag: "Open" }
  | { readonly _tag: "Postponed"; readonly delay: Duration.Duration; readonly reason: string }

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
 * `delay` must be a positive finite duration; otherwise a RangeError is thrown.
 *
 * @category constructors
 * @since 0.1.0
 */
export const postponed = (delay: Duration.Input, reason: string): Answer => ({
  _tag: "Postponed",
  delay: Duration.millis(validate.millis("Gate.postponed: delay", delay, "positive")),
  reason
})

/**
 * Creates a gate from a function that decides whether a check may be made.
 *
 * **Example** (Checking only while online)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Gate from "effect-poll/Gate"
 *
 * let online = false
 * const whileOnline = Gate.make(() => Effect.sync(() => (online ? Gate.open : Gate.postponed("1 second", "offline"))))
 * const answer = await Effect.runPromise(whileOnline.ask({ job: "render", key: "a" }))
 * answer._tag // => "Postponed"
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(ask: Gate<R>["ask"]): Gate<R> => ({ ask })

/**
 * Combines gates into one. It asks them in order, up to the first that postpones the check.
 *
 * @category combinators
 * @since 0.1.0
 */
export const all = <R>(gates: ReadonlyArray<Gate<R>>): Gate<R> =>
  make(
    Effect.fnUntraced(function* (subject) {
      for (const gate of gates) {
        const answer = yield* gate.ask(subject)
        if (answer._tag === "Postponed") return answer
      }
      return open
    })
  )
