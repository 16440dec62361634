import { assert, describe, it } from "@effect/vitest"
import { RunnerAddress } from "effect/cluster/RunnerAddress"
import * as RunnerStorage from "effect/cluster/RunnerStorage"
import * as ShardId from "effect/cluster/ShardId"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"

// A path that no rule of imports follows: what is in `internal` has no other way in.
const path: string = "../src/internal/cluster/storage.ts"
const { layerSteady } = (await import(path)) as {
  readonly layerSteady: (storage: Layer.Layer<RunnerStorage.RunnerStorage>) => Layer.Layer<RunnerStorage.RunnerStorage>
}

const address = RunnerAddress.make({ host: "a", port: 1 })
const shards = Array.from({ length: 8 }, (_, index) => ShardId.make("group", index + 1))

/** A storage whose releases take a second each, and which holds the locks of `held` only. */
const setup = () => {
  const released: Array<number> = []
  const held = new Set<number>()
  let atOnce = 0
  let most = 0
  const slow = Layer.effect(
    RunnerStorage.RunnerStorage,
    Effect.map(RunnerStorage.RunnerStorage, (inner) => ({
      ...inner,
      refresh: (_, ids) => Effect.sync(() => Array.from(ids).filter(({ id }) => held.has(id))),
      release: (_, { id }) =>
        Effect.gen(function* () {
          most = Math.max(most, ++atOnce)
          yield* Effect.sleep("1 second")
          released.push(id)
        }).pipe(Effect.ensuring(Effect.sync(() => atOnce--)))
    }))
  ).pipe(Layer.provide(RunnerStorage.layerMemory))
  return { released, held, most: () => most, layer: layerSteady(slow) }
}

describe("the locks of shards", () => {
  it.effect("are released one after another", () => {
    const { layer, most, released } = setup()
    return Effect.gen(function* () {
      const storage = yield* RunnerStorage.RunnerStorage
      const all = yield* Effect.forkChild(
        Effect.forEach(shards, (shard) => storage.release(address, shard), { concurrency: "unbounded", discard: true })
      )
      yield* TestClock.adjust("3500 millis")
      assert.strictEqual(released.length, 3)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.join(all)
      assert.strictEqual(released.length, 8)
      assert.strictEqual(most(), 1)
    }).pipe(Effect.provide(layer))
  })

  it.effect("are not released if they are lost, until they are acquired again", () => {
    const { held, layer, released } = setup()
    return Effect.gen(function* () {
      const storage = yield* RunnerStorage.RunnerStorage
      const release = (...some: ReadonlyArray<ShardId.ShardId>) =>
        Effect.gen(function* () {
          const all = yield* Effect.forkChild(Effect.forEach(some, (shard) => storage.release(address, shard)))
          yield* TestClock.adjust("10 seconds")
          yield* Fiber.join(all)
        })
      yield* storage.acquire(address, shards)
      held.add(3)
      assert.deepStrictEqual(
        (yield* storage.refresh(address, shards.slice(0, 4))).map(({ id }) => id),
        [3]
      )
      yield* release(...shards.slice(0, 5))
      // The fifth was not asked for.
      assert.deepStrictEqual(released, [3, 5])
      yield* storage.acquire(address, shards.slice(0, 1))
      yield* release(...shards.slice(0, 2))
      assert.deepStrictEqual(released, [3, 5, 1])
    }).pipe(Effect.provide(layer))
  })
})
