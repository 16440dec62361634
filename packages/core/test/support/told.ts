import * as Effect from "effect/Effect"
import * as PubSub from "effect/PubSub"
import * as Stream from "effect/Stream"
import type * as Told from "effect-poll/Told"

/** A stream that a test tells something through, and whether it is open. */
export const channel = <A = string, F = never>() => {
  const hub = Effect.runSync(PubSub.unbounded<Told.Told<A, F>>())
  const seen = { opened: 0, open: 0 }
  const stream = Stream.unwrap(
    Effect.gen(function* () {
      seen.opened++
      seen.open++
      yield* Effect.addFinalizer(() => Effect.sync(() => seen.open--))
      const subscription = yield* PubSub.subscribe(hub)
      return Stream.fromSubscription(subscription)
    })
  )
  return { stream, seen, tell: (told: Told.Told<A, F>) => PubSub.publish(hub, told) }
}
