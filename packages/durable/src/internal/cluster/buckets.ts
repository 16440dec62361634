import { make as makeEntityId } from "effect/cluster/EntityId"
import type { Sharding } from "effect/cluster/Sharding"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"

/** The number of names to try for each bucket before concluding that the group has too few shards. */
const triesPerBucket = 1000

/**
 * Returns a name for the singleton of each bucket, so that each name maps to its own shard: buckets are then spread as evenly
 * as the shards of the group. All processes compute the same names. `undefined` if the group has fewer shards than buckets.
 */
export const singletonNames = (
  sharding: Sharding["Service"],
  buckets: number,
  shardGroup: string
): ReadonlyArray<string> | undefined => {
  const shards = new Set<number>()
  const names: Array<string> = []
  for (let n = 0; names.length < buckets; n++) {
    if (n > buckets * triesPerBucket) return undefined
    const name = `effect-poll/bucket/${n}`
    const shard = sharding.getShardId(makeEntityId(name), shardGroup).id
    if (shards.has(shard)) continue
    shards.add(shard)
    names.push(name)
  }
  return names
}

/** Restarts the effect of a bucket if it fails, because a singleton that has failed does not start again until its shard moves. */
const steady = (hold: Effect.Effect<never>): Effect.Effect<never> =>
  hold.pipe(
    Effect.sandbox,
    Effect.tapError((cause) => Effect.logError("A bucket of durable waits failed and is restarted", cause)),
    Effect.retry(Schedule.spaced("1 second")),
    Effect.orDie
  )

/** Runs a singleton for each name until it is interrupted, which stops all of them at the same time. */
export const runSingletons = (
  sharding: Sharding["Service"],
  names: ReadonlyArray<string>,
  shardGroup: string,
  hold: (bucket: number) => Effect.Effect<never>
): Effect.Effect<never> =>
  Effect.acquireUseRelease(
    Scope.make("parallel"),
    (scope) =>
      Effect.andThen(
        Effect.forEach(
          names,
          (name, bucket) =>
            Scope.provide(sharding.registerSingleton(name, steady(hold(bucket)), { shardGroup }), scope),
          { discard: true }
        ),
        Effect.never
      ),
    (scope) => Scope.close(scope, Exit.void)
  )
