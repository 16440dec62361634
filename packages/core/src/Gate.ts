/**
 * May I check now?
 *
 * A gate is asked before each check. It lets the check through, or postpones it and says why: a rate budget that is used
 * up, a circuit breaker that is open, a device that is offline, a tab that is hidden. A postponed check is no attempt and
 * spends no error budget; the deadline of the wait goes on.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as validate from "./internal/validate.ts"

/**
 * Says whether a check may be made.
 *
 * **Details**
 *
 * `ask` may take its time: the deadline of the wait bounds it.
 *
 * @category models
 * @since 0.1.0
 */
export interface Gate<out R = never> {
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
 * The answer of a gate.
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
 * The answer that postpones a check: ask again after a positive finite duration.
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
 * Creates a gate from how it answers.
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
 * Asks several gates in order: the first that postpones the check decides.
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
