import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import type { Change, Service } from "../DurableStore.ts"

/**
 * Passes on the notifications of a store for ever. If the subscription breaks, it subscribes again after a second, so that
 * notifications do not stop for good.
 */
export const follow = (store: Service, tell: (change: Change) => Effect.Effect<void>): Effect.Effect<never> =>
  Effect.forever(
    store.changes.pipe(
      Stream.runForEach(tell),
      Effect.catchDefect((defect) =>
        Effect.logWarning("The subscription to a store of durable waits broke, and is renewed", defect)
      ),
      Effect.andThen(Effect.sleep("1 second"))
    )
  )
