import { hasProperty } from "effect/Predicate"

// What a function of the user's yields that it must not. Its message shows nothing of an answer.

/** A function of the user's did not throw, but returned an invalid value. The message continues "the function ...". */
export class Yielded extends TypeError {}

/** Tests for a promise: the function was `async`. */
export const isPromise = (said: unknown): said is PromiseLike<unknown> =>
  hasProperty(said, "then") && typeof said.then === "function"

/** The error of a function that yielded a promise, which may be rejected later: that must not end the process. */
export const promised = (said: PromiseLike<unknown>): Yielded => {
  Promise.resolve(said).catch(() => {})
  return new Yielded("yielded a promise: it must not be async")
}

/** The type of a value, in words. */
export const typeOf = (said: unknown): string => (said === null ? "null" : `a value of the type ${typeof said}`)

/** A value that is no promise; throws for one. */
export const sync = <A>(said: A): A => {
  if (isPromise(said)) throw promised(said)
  return said
}
