import { assert, describe, it } from "@effect/vitest"
import * as TestRunner from "effect/cluster/TestRunner"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as DurableCluster from "@effect-poll/durable/DurableCluster"
import { Ownership } from "@effect-poll/durable/Ownership"

const single = DurableCluster.layerOwnership({ shardGroup: "default" }).pipe(Layer.provideMerge(TestRunner.layer))

/** Records which buckets are held. */
const record = () => {
  const held = new Set<number>()
  const begun: Array<number> = []
  const hold = (bucket: number) =>
    Effect.acquireUseRelease(
      Effect.sync(() => {
        begun.push(bucket)
        held.add(bucket)
      }),
      () => Effect.never,
      () => Effect.sync(() => held.delete(bucket))
    )
  return { held, begun, hold }
}

describe("DurableCluster", () => {
  describe("layerOwnership", () => {
    it.effect("holds each bucket once, and gives up all of them when it is interrupted", () =>
      Effect.gen(function* () {
        const { begun, held, hold } = record()
        const ownership = yield* Ownership
        const fiber = yield* Effect.forkChild(ownership.run(hold))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(held.size, 128)
        assert.strictEqual(begun.length, 128)
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(held.size, 0)
      }).pipe(Effect.provide(single))
    )

    it.effect("restarts a bucket that failed", () =>
      Effect.gen(function* () {
        let begun = 0
        const ownership = yield* Ownership
        yield* Effect.forkChild(
          ownership.run((bucket) =>
            Effect.suspend(() => (bucket === 7 && ++begun < 3 ? Effect.die("broken") : Effect.never))
          )
        )
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(begun, 3)
      }).pipe(Effect.provide(single))
    )

    it.effect("fails if there are more buckets than shards", () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(
          Layer.build(DurableCluster.layerOwnership({ shardGroup: "default", buckets: 301 }))
        )
        assert.isTrue(Exit.hasDies(exit))
      }).pipe(Effect.provide(TestRunner.layer))
    )

    it("refuses options that are out of range", () => {
      assert.throws(() => DurableCluster.layerOwnership({ buckets: 0 }), RangeError, "buckets")
      assert.throws(() => DurableCluster.layerOwnership({ reclaimAfter: 0 }), RangeError, "reclaimAfter")
    })
  })
})
