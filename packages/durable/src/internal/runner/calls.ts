import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { DurableStoreError } from "../../DurableError.ts"

/** The result of a call that failed or took too long. The store may have carried it out all the same. */
export const failed: unique symbol = /*#__PURE__*/ Symbol("failed")

/** Makes calls to the store that never fail or die, and have a time limit. Logs when an outage begins and ends. */
export class Calls {
  /** The number of calls that succeeded. */
  successes = 0
  private isFailing = false

  run<A>(operation: string, call: Effect.Effect<A, DurableStoreError>): Effect.Effect<A | typeof failed> {
    const bounded = Effect.timeoutOrElse(call, {
      duration: callTimeout,
      orElse: () => Effect.fail(new DurableStoreError({ operation, cause: new Error("it took too long") }))
    })
    return Effect.flatMap(Effect.exit(bounded), (exit): Effect.Effect<A | typeof failed> => {
      if (Exit.isSuccess(exit)) {
        this.successes++
        if (!this.isFailing) return Effect.succeed(exit.value)
        this.isFailing = false
        return Effect.as(Effect.logInfo("The store of durable waits answers again"), exit.value)
      }
      if (this.isFailing) return Effect.succeed(failed)
      this.isFailing = true
      const text = `The store of durable waits failed (${operation}); retrying until it answers`
      return Effect.as(Effect.logWarning(text, exit.cause), failed)
    })
  }
}

// ---- internal ----

/** The time limit of a call in milliseconds: long enough for a slow store, short enough to notice a dead connection. */
const callTimeout = 30_000
