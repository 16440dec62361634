import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { SignalStoreError } from "../../SignalError.ts"
import type { Service } from "../../SignalStore.ts"
import { awaitAtMost } from "../awaitAtMost.ts"

/**
 * Calls a method of a store. A call that takes longer than the store allows is interrupted and not awaited, and counts as
 * one that failed.
 */
export const ask = <A>(
  store: Service,
  operation: SignalStoreError["operation"],
  call: (store: Service) => Effect.Effect<A, SignalStoreError>
): Effect.Effect<A, SignalStoreError> =>
  Effect.flatMap(
    Effect.acquireUseRelease(
      Effect.forkDetach(
        Effect.suspend(() => call(store)),
        { startImmediately: true }
      ),
      (fiber) => awaitAtMost(fiber, store.timeout ?? "10 seconds"),
      (fiber, exit) =>
        Effect.suspend(() => {
          fiber.interruptUnsafe()
          // A caller that is interrupted may be about to roll back the transaction that the call is part of.
          return Exit.hasInterrupts(exit) ? awaitAtMost(fiber, "1 second") : Effect.void
        })
    ),
    (exit) => {
      if (exit === undefined) return Effect.fail(new SignalStoreError({ operation }))
      if (Exit.isSuccess(exit)) return Effect.succeed(exit.value)
      // The call itself was interrupted, not its caller.
      return Cause.hasInterruptsOnly(exit.cause)
        ? Effect.fail(new SignalStoreError({ operation, cause: "interrupted" }))
        : Effect.failCause(exit.cause)
    }
  )
