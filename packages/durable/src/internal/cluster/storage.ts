import { RunnerStorage } from "effect/cluster/RunnerStorage"
import type { ShardId } from "effect/cluster/ShardId"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Semaphore from "effect/Semaphore"

const textOf = ({ group, id }: ShardId): string => `${group}:${id}`

/**
 * A storage that releases the locks of shards one after another. The cluster releases all that it gives up at the same time,
 * on one connection; with a slow link most of them wait there for too long, count as failed, and have the connection
 * replaced, with all of its locks. Locks that went with a connection are not released once more.
 */
export const layerSteady = <E, R>(storage: Layer.Layer<RunnerStorage, E, R>): Layer.Layer<RunnerStorage, E, R> =>
  Layer.effect(
    RunnerStorage,
    Effect.gen(function* () {
      const inner = yield* RunnerStorage
      const one = Semaphore.makeUnsafe(1)
      /** Shards whose lock this process is known not to have: it was told so, and has not acquired it since. */
      const gone = new Set<string>()
      return {
        ...inner,
        acquire: (address, shardIds) =>
          Effect.tap(inner.acquire(address, shardIds), (acquired) =>
            Effect.sync(() => acquired.forEach((shardId) => gone.delete(textOf(shardId))))
          ),
        refresh: (address, shardIds) => {
          const asked = Array.from(shardIds)
          return Effect.tap(inner.refresh(address, asked), (held) =>
            Effect.sync(() => {
              for (const shardId of asked) gone.add(textOf(shardId))
              for (const shardId of held) gone.delete(textOf(shardId))
            })
          )
        },
        release: (address, shardId) =>
          one.withPermit(
            Effect.suspend(() => (gone.has(textOf(shardId)) ? Effect.void : inner.release(address, shardId)))
          )
      }
    })
  ).pipe(Layer.provide(storage))
