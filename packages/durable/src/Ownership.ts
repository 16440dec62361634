/**
 * Which buckets this process checks.
 *
 * @since 0.1.0
 */
import * as Context from "effect/Context"
import type { Duration } from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"

/**
 * How a process learns which buckets it owns.
 *
 * @category models
 * @since 0.1.0
 */
export interface Service {
  /** The number of buckets. It must be the same in all processes that share a store. */
  readonly buckets: number
  /**
   * Runs `hold` for each bucket for as long as this process owns it, and interrupts it when the bucket has to move to
   * another process. `hold` never ends by itself, and neither does `run`: interrupting `run` gives up all buckets.
   */
  readonly run: (hold: (bucket: number) => Effect.Effect<never>) => Effect.Effect<never>
  /**
   * How long to wait before claiming a bucket again, if another process has claimed it although this one still owns it.
   * `"never"` if another claim means that the other process has taken over for good.
   */
  readonly reclaimAfter: Duration | "never"
}

/**
 * The service tag of `Service`.
 *
 * @category services
 * @since 0.1.0
 */
export class Ownership extends Context.Service<Ownership, Service>()("effect-poll/Ownership") {}

/**
 * The default number of buckets: 128.
 *
 * @category constants
 * @since 0.1.0
 */
export const defaultBuckets = 128

/**
 * This process owns all buckets: for programs in which only one process checks jobs. If a second one starts with the same
 * store, it takes over all jobs within about a second, and the first one stops checking.
 *
 * @category layers
 * @since 0.1.0
 */
export const layerLocal: Layer.Layer<Ownership> = /*#__PURE__*/ Layer.succeed(Ownership, {
  buckets: defaultBuckets,
  run: (hold) =>
    Effect.andThen(
      Effect.forEach(
        Array.from({ length: defaultBuckets }, (_, bucket) => bucket),
        hold,
        {
          concurrency: "unbounded",
          discard: true
        }
      ),
      Effect.never
    ),
  reclaimAfter: "never"
})
