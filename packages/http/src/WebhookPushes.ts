/**
 * The verified pushes of all routes as a stream, to invalidate caches or to notify.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as validate from "./internal/validate.ts"
import type { Push } from "./Push.ts"
import type { Delivery } from "./WebhookDelivery.ts"

/**
 * A push that was verified and applied.
 *
 * @category models
 * @since 0.1.0
 */
export interface Pushed {
  /** The decoded body. Its types are those of the route. */
  readonly push: Push<unknown, unknown, unknown>
  /** The delivery that brought it. */
  readonly delivery: Delivery
}

/**
 * Hands the verified pushes of routes to subscribers.
 *
 * @category services
 * @since 0.1.0
 */
export class WebhookPushes extends Context.Service<
  WebhookPushes,
  {
    /** Hands a push to all subscribers. It never blocks: a subscriber whose buffer is full loses its oldest push. */
    readonly publish: (pushed: Pushed) => Effect.Effect<void>
    /** The pushes from now on. Each run of the stream has a buffer of its own. */
    readonly stream: Stream.Stream<Pushed>
    /** How many pushes subscribers have lost. */
    readonly dropped: Effect.Effect<number>
  }
>()("@effect-poll/http/WebhookPushes") {}

/**
 * Creates the stream of pushes. Provide the same layer to the routes and to the subscribers. An invalid option throws a
 * RangeError.
 *
 * @category layers
 * @since 0.1.0
 */
export const layer = (options?: {
  /** How many pushes are kept for a subscriber that is slow; an integer >= 1, default 256. */
  readonly capacity?: number | undefined
}): Layer.Layer<WebhookPushes> => {
  const capacity = validate.count("WebhookPushes.layer: capacity", options?.capacity ?? 256, 1)
  return Layer.sync(WebhookPushes, () => {
    const subscribers = new Set<Queue.Queue<Pushed>>()
    let dropped = 0
    const subscribe = Effect.acquireRelease(
      Effect.tap(Queue.sliding<Pushed>(capacity), (queue) => Effect.sync(() => subscribers.add(queue))),
      (queue) =>
        Effect.suspend(() => {
          subscribers.delete(queue)
          return Queue.shutdown(queue)
        })
    )
    return {
      publish: (pushed) =>
        Effect.sync(() => {
          for (const queue of subscribers) {
            if (Queue.isFullUnsafe(queue)) dropped++
            Queue.offerUnsafe(queue, pushed)
          }
        }),
      stream: Stream.unwrap(Effect.map(subscribe, (queue) => Stream.fromQueue(queue))),
      dropped: Effect.sync(() => dropped)
    }
  })
}
