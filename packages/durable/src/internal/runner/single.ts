import * as Effect from "effect/Effect"
import type * as Scope from "effect/Scope"

const running = new WeakMap<object, Set<object>>()

/**
 * Says that the buckets of an ownership are checked in a store by one runner, until the scope closes. A defect if there is
 * one already: the second would take all buckets from the first, whose kinds nobody would check then.
 */
export const single = (store: object, ownership: object): Effect.Effect<void, never, Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      Effect.suspend(() => {
        const owners = running.get(store) ?? new Set()
        if (owners.has(ownership)) {
          return Effect.die(
            new RangeError(
              "DurableRunner.layer: there is a runner already with this store and Ownership; give one layer to all kinds"
            )
          )
        }
        running.set(store, owners.add(ownership))
        return Effect.succeed(owners)
      }),
      (owners) => Effect.sync(() => owners.delete(ownership))
    )
  )
