import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type { Fiber } from "effect/Fiber"
import * as References from "effect/References"
import * as Tracer from "effect/Tracer"

/**
 * Begins something that many fibers of the process share. It has the clock and the loggers of the fiber that happens to
 * begin it, and nothing else of it: neither its transaction, which may be over by then, nor its span.
 */
export const forkShared = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<Fiber<A, E>> =>
  Effect.forkDetach(Effect.updateContext(effect, (context: Context.Context<never>) => references(context)))

// ---- internal ----

const references = /*#__PURE__*/ Context.pick(
  Clock.Clock,
  Tracer.Tracer,
  References.TracerEnabled,
  References.CurrentLoggers,
  References.LogToStderr,
  References.MinimumLogLevel
)
