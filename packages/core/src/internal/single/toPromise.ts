import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { builtin, Reference } from "../options/defaults.ts"

// The way out of Effect.

/** Runs an effect. Rejects with its error, or with the reason of the signal if that interrupted it. */
// @effect-diagnostics-next-line asyncFunction:off
export const toPromise = async <A>(effect: Effect.Effect<A, unknown>, signal: AbortSignal | undefined): Promise<A> => {
  signal?.throwIfAborted()
  const run = Effect.provideService(inPromise(effect), CallerSignal, signal)
  const exit = await Effect.runPromiseExit(run, signal === undefined ? {} : { signal })
  return valueOf(exit, signal)
}

/** Provides the defaults of a wait outside of Effect: no logs and no spans. */
export const inPromise = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(effect, Reference, quiet)

/** The value of an exit; throws its error, or the reason of the signal if that interrupted it. */
export const valueOf = <A>(exit: Exit.Exit<A, unknown>, signal: AbortSignal | undefined): A => {
  if (Exit.isSuccess(exit)) return exit.value
  if (signal?.aborted === true && Exit.hasInterrupts(exit)) signal.throwIfAborted()
  throw Cause.squash(exit.cause)
}

/** The signal of the caller. Checks in flight are aborted with its reason. */
export const CallerSignal: Context.Reference<AbortSignal | undefined> = /*#__PURE__*/ Context.Reference(
  "effect-poll/CallerSignal",
  { defaultValue: (): AbortSignal | undefined => undefined }
)

// ---- internal ----

const quiet = { ...builtin, logs: false, span: false }
