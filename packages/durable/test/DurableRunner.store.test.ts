import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { layerMemory } from "@effect-poll/durable/DurableStore"
import { done, insertOf, kindOf, setup, startRunner } from "./runner/world.ts"

describe("DurableRunner", () => {
  describe("a store that fails", () => {
    it.effect("is asked for claims until it answers", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a")])
        faults.decide = (operation, count) => (operation === "claim" && count <= 6 ? "fails" : "works")
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* runner.stats).buckets, 0)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* runner.stats).buckets, 8)
        assert.isAtLeast(server.checksOf("a"), 30)
        assert.strictEqual(faults.count("claim"), 7)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("whose answer to a claim is lost is asked again", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a")])
        faults.decide = (operation, count) => (operation === "claim" && count === 1 ? "fails after" : "works")
        yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("3 seconds")
        server.statuses.set("a", done("x"))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.ended?.ending, '"x"')
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("for minutes stops no check, loses no end and stores none twice", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        const ids = Array.from({ length: 50 }, (_, at) => `j${at}`)
        yield* memory.insert(ids.map((id) => insertOf(id)))
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("10 seconds")
        faults.decide = () => "fails"
        yield* TestClock.adjust("2 minutes")
        assert.isAtLeast(server.checksOf("j0"), 120)
        for (const id of ids.slice(0, 25)) server.statuses.set(id, done(id))
        yield* TestClock.adjust("3 minutes")
        assert.strictEqual((yield* runner.stats).backlog, 25)
        assert.strictEqual((yield* runner.stats).waits, 50)
        const checks = server.checksOf("j0")
        yield* memory.insert([insertOf("new")])
        faults.decide = () => "works"
        yield* TestClock.adjust("15 seconds")
        assert.strictEqual(server.checksOf("j0"), checks)
        assert.isAtLeast(server.checksOf("new"), 5)
        assert.deepInclude(yield* runner.stats, { backlog: 0, waits: 26 })
        const ended = yield* memory.ended("job", 0, 100)
        assert.deepStrictEqual(ended.map(({ id }) => id).toSorted(), ids.slice(0, 25).toSorted())
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("after storing endings is asked again, and reports none of them as late", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a"), insertOf("b")])
        faults.decide = (operation, count) => (operation === "finish" && count <= 2 ? "fails after" : "works")
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        server.statuses.set("a", done("x"))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(faults.count("finish"), 3)
        assert.strictEqual((yield* memory.ended("job", 0, 100)).length, 1)
        assert.deepInclude(yield* runner.stats, { backlog: 0, waits: 1 })
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("because of one ending does not hold up the others", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const ids = Array.from({ length: 20 }, (_, at) => `j${at}`)
        yield* memory.insert(ids.map((id) => insertOf(id)))
        const poisoned = {
          ...store,
          finish: (kind: string, batch: Parameters<typeof store.finish>[1]) =>
            batch.some(({ id }) => id === "j3")
              ? Effect.die(new Error("broken by the test"))
              : store.finish(kind, batch)
        }
        const { runner } = yield* startRunner(poisoned, owners.layer("one"), [kindOf(server, "job")])
        for (const id of ids) server.statuses.set(id, done(id))
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual((yield* memory.ended("job", 0, 100)).length, 19)
        assert.deepInclude(yield* runner.stats, { backlog: 1, waits: 1 })
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("is given no more at once than it can take", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const ids = Array.from({ length: 20 }, (_, at) => `j${at}`)
        yield* memory.insert(ids.map((id) => insertOf(id)))
        const lengths: Array<number> = []
        const measured = {
          ...store,
          finish: (kind: string, batch: Parameters<typeof store.finish>[1]) => {
            lengths.push(batch.reduce((sum, { ending }) => sum + ending.length, 0))
            return store.finish(kind, batch)
          }
        }
        yield* startRunner(measured, owners.layer("one"), [kindOf(server, "job")])
        for (const id of ids) server.statuses.set(id, done("x".repeat(1_000_000)))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual((yield* memory.ended("job", 0, 100)).length, 20)
        assert.isAtMost(Math.max(...lengths), 4_000_000)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("by never answering is asked again", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a")])
        faults.decide = (operation, count) =>
          ["claim", "scan", "load", "finish"].includes(operation) && count === 1 ? "hangs" : "works"
        yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("2 minutes")
        assert.isAtLeast(server.checksOf("a"), 10)
        server.statuses.set("a", done("x"))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* memory.ended("job", 0, 100)).length, 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("with a defect is asked again", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a")])
        faults.decide = (_, count) => (count <= 2 ? "dies" : "works")
        yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("20 seconds")
        server.statuses.set("a", done("x"))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* memory.ended("job", 0, 100)).length, 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("with an outdated answer does not start an ended job again", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("5 seconds")
        faults.decide = (operation) => (operation === "scan" ? "answers late" : "works")
        for (let at = 0; at < 10 && (yield* runner.stats).waits > 0; at++) {
          yield* memory.nudge("job", "a")
          yield* TestClock.adjust("700 millis")
          if (at === 5) server.statuses.set("a", done("x"))
        }
        const checks = server.checksOf("a")
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(server.checksOf("a"), checks)
        assert.strictEqual((yield* memory.ended("job", 0, 10)).length, 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("by answering slowly misses no job and checks none twice", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        let turn = 0
        faults.decide = (operation) => (operation === "insert" ? "works" : (turn++ * 377) % 3_000)
        const kind = kindOf(server, "job", {}, 300_000)
        const poller = { stagger: false }
        const { runner } = yield* startRunner(store, owners.layer("one"), [kind], { poller })
        const ids = Array.from({ length: 200 }, (_, at) => `j${at}`)
        for (const id of ids) {
          yield* memory.insert([insertOf(id)])
          yield* TestClock.adjust("50 millis")
        }
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* runner.stats).waits, 200)
        assert.deepStrictEqual(server.checks.map(({ key }) => key).toSorted(), ids.toSorted())
      }).pipe(Effect.provide(layerMemory))
    )
  })

  describe("calls", () => {
    it.effect("are few, and do not depend on the number of checks", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        const ids = Array.from({ length: 1_500 }, (_, at) => `j${at}`)
        yield* memory.insert(ids.map((id) => insertOf(id)))
        yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(faults.count("claim"), 1)
        assert.strictEqual(faults.count("load"), 2)
        const before = faults.count()
        yield* TestClock.adjust("20 seconds")
        // Scans, beats and looks for orphans.
        assert.isAtMost(faults.count() - before, 20 + 10 + 2)
        assert.isAtLeast(server.checks.length, 30_000)
      }).pipe(Effect.provide(layerMemory))
    )
  })
})
