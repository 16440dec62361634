import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import { TestClock } from "effect/testing"
import { DurableRunner, layer } from "@effect-poll/durable/DurableRunner"
import { DurableStore, layerMemory } from "@effect-poll/durable/DurableStore"
import { bucketOf, done, insertOf, kindOf, setup, startRunner } from "./runner/world.ts"

const attemptsOf = (json: string | null | undefined): number => JSON.parse(json ?? '{"attempts":0}').attempts

describe("DurableRunner", () => {
  describe("a bucket", () => {
    it.effect("that moves keeps its waits", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const ids = Array.from({ length: 40 }, (_, at) => `j${at}`)
        yield* memory.insert(ids.map((id) => insertOf(id)))
        const one = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        const other = yield* startRunner(store, owners.layer("other"), [kindOf(server, "job")])
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* one.runner.stats).waits, 40)
        for (let bucket = 0; bucket < 4; bucket++) owners.give(bucket, "other")
        yield* TestClock.adjust("5 seconds")
        const moved = ids.filter((id) => bucketOf(id) < 4)
        assert.strictEqual((yield* other.runner.stats).waits, moved.length)
        assert.strictEqual((yield* one.runner.stats).waits, 40 - moved.length)
        assert.strictEqual((yield* one.runner.stats).buckets, 4)
        // No check is lost, and none is made twice.
        for (const id of ids) {
          const attempts = server.checks.filter(({ key }) => key === id).map(({ attempt }) => attempt)
          assert.deepStrictEqual(
            attempts,
            attempts.map((_, at) => at + 1)
          )
          assert.isAtLeast(attempts.length, 13)
        }
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("that another process claims is left, and its endings are no longer stored", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a")])
        const one = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("3 seconds")
        const claims = yield* memory.claim("stranger", [bucketOf("a")])
        server.statuses.set("a", done("late"))
        yield* TestClock.adjust("5 seconds")
        assert.deepInclude(yield* one.runner.stats, { waits: 0, buckets: 7, backlog: 0 })
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.state, "pending")
        const finish = { id: "a", round: 1, claim: claims[0]!, outcome: "Succeeded", ending: "1", attempts: 0 }
        assert.deepStrictEqual(yield* memory.finish("job", [finish]), ["ended"])
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("whose claim was lost is claimed again, if the process still owns it", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a")])
        const ownership = owners.layer("one", Duration.seconds(5))
        const { runner } = yield* startRunner(store, ownership, [kindOf(server, "job")])
        yield* TestClock.adjust("3 seconds")
        yield* memory.claim("stranger", [bucketOf("a")])
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* runner.stats).buckets, 7)
        const checks = server.checksOf("a")
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* runner.stats).buckets, 8)
        assert.isAbove(server.checksOf("a"), checks)
        server.statuses.set("a", done("x"))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.ended?.ending, '"x"')
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("that is taken away while it is being claimed is given up", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        faults.decide = (operation) => (operation === "claim" ? 2_000 : "works")
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("1 second")
        owners.give(3, "nobody")
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* runner.stats).buckets, 7)
        assert.strictEqual((yield* memory.runners(60_000, 8)).orphans, 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("that was lost while the process was frozen does no harm", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a"), insertOf("b")])
        const one = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("3 seconds")
        // What a stopped process does not do, in the eyes of the others.
        faults.decide = () => "hangs"
        yield* TestClock.adjust("10 seconds")
        const other = yield* startRunner(memory, owners.layer("other"), [kindOf(server, "job")])
        owners.giveAll("other")
        server.statuses.set("a", done("x"))
        yield* TestClock.adjust("45 seconds")
        faults.decide = () => "works"
        yield* TestClock.adjust("45 seconds")
        assert.strictEqual((yield* memory.ended("job", 0, 100)).length, 1)
        assert.deepInclude(yield* one.runner.stats, { waits: 0, buckets: 0, backlog: 0 })
        assert.strictEqual((yield* other.runner.stats).waits, 1)
      }).pipe(Effect.provide(layerMemory))
    )
  })

  describe("a release", () => {
    it.effect("stores endings and tokens, and gives the buckets up", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a"), insertOf("b")])
        const { stop } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")], {
          flushInterval: "1 hour"
        })
        yield* TestClock.adjust("5 seconds")
        server.statuses.set("a", done("x"))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.state, "pending")
        yield* stop
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.state, "ended")
        assert.strictEqual(attemptsOf((yield* memory.find("job", ["b"]))[0]?.token), server.checksOf("b"))
        assert.strictEqual((yield* memory.runners(60_000, 8)).orphans, 8)
        assert.strictEqual(faults.count("release"), 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("stores no tokens with saveOnRelease: false", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a")])
        const options = { saveOnRelease: false }
        const { stop } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")], options)
        yield* TestClock.adjust("5 seconds")
        yield* stop
        assert.strictEqual(faults.count("save"), 0)
        assert.strictEqual((yield* memory.runners(60_000, 8)).orphans, 8)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("takes only seconds, whatever the store does", () =>
      Effect.gen(function* () {
        for (const how of ["fails", "hangs"] as const) {
          const { faults, memory, owners, server, store } = yield* setup
          yield* memory.insert([insertOf(how)])
          const kinds = ["job", "other", "third"].map((name) => kindOf(server, name))
          const { stop } = yield* startRunner(store, owners.layer("one"), kinds)
          yield* TestClock.adjust("5 seconds")
          faults.decide = () => how
          const began = yield* Clock.currentTimeMillis
          const stopping = yield* Effect.forkChild(Effect.andThen(stop, Clock.currentTimeMillis))
          yield* TestClock.adjust("1 minute")
          assert.isAtMost((yield* Fiber.join(stopping)) - began, 8_000)
        }
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("happens when the layer is interrupted", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a")])
        const kinds = Layer.effectDiscard(DurableRunner.use((runner) => runner.register(kindOf(server, "job"))))
        const around = Layer.merge(Layer.succeed(DurableStore, store), owners.layer("one"))
        const program = Layer.launch(Layer.provide(kinds, Layer.provide(layer(), around)))
        const fiber = yield* Effect.forkChild(program)
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(attemptsOf((yield* memory.find("job", ["a"]))[0]?.token), server.checksOf("a"))
        assert.strictEqual((yield* memory.runners(60_000, 8)).orphans, 8)
      }).pipe(Effect.provide(layerMemory))
    )
  })

  describe("orphans", () => {
    it.effect("are counted", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("15 seconds")
        assert.strictEqual((yield* runner.stats).orphans, 0)
        yield* memory.claim("dead", [1, 2])
        yield* TestClock.adjust("15 seconds")
        assert.strictEqual((yield* runner.stats).orphans, 2)
      }).pipe(Effect.provide(layerMemory))
    )
  })
})
