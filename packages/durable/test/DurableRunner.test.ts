import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Scope from "effect/Scope"
import { TestClock } from "effect/testing"
import * as DurableRunner from "@effect-poll/durable/DurableRunner"
import { layerMemory } from "@effect-poll/durable/DurableStore"
import { done, insertOf, kindOf, setup, startRunner } from "./runner/world.ts"

describe("DurableRunner", () => {
  describe("layer", () => {
    it("refuses options out of range", () => {
      const cases: ReadonlyArray<readonly [DurableRunner.Options, string]> = [
        [{ flushInterval: 0 }, "DurableRunner.layer: flushInterval must be a positive finite duration, got 0"],
        [{ scanInterval: Number.NaN }, "DurableRunner.layer: scanInterval must be"],
        [{ horizon: Number.POSITIVE_INFINITY }, "DurableRunner.layer: horizon must be"],
        [{ checkpoint: -1 }, 'DurableRunner.layer: checkpoint must be a positive finite duration or "never", got -1'],
        [{ healthInterval: -1 }, "DurableRunner.layer: healthInterval must be"],
        [{ orphanAfter: 0 }, "DurableRunner.layer: orphanAfter must be"],
        [{ pruneInterval: 0 }, "DurableRunner.layer: pruneInterval must be"],
        [{ submits: 0.5 }, "DurableRunner.layer: submits must be an integer >= 1, got 0.5"],
        [{ saveOnRelease: 1 as never }, "DurableRunner.layer: saveOnRelease must be a boolean, got 1"],
        [{ scanInterval: "1 hour" }, "horizon must be at least twice the scanInterval (3600000 ms), got 300000 ms"],
        [{ poller: { concurrency: 0 } }, "Poller.make: concurrency must be"]
      ]
      for (const [options, message] of cases) {
        assert.throws(() => DurableRunner.layer(options), RangeError, message)
      }
    })
  })

  describe("two runners of one ownership", () => {
    it.effect("are refused at the same time, but not one after the other", () =>
      Effect.gen(function* () {
        const { owners, server, store } = yield* setup
        const ownership = owners.layer("one")
        const { stop } = yield* startRunner(store, ownership, [kindOf(server, "job")])
        const second = yield* Effect.exit(startRunner(store, ownership, [kindOf(server, "other")]))
        assert.isTrue(Exit.hasDies(second))
        yield* startRunner({ ...store }, ownership, [])
        yield* stop
        yield* startRunner(store, ownership, [kindOf(server, "other")])
      }).pipe(Effect.provide(layerMemory))
    )
  })

  describe("a job", () => {
    it.effect("is checked until it ends, and its ending is stored", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("5 seconds")
        server.statuses.set("a", done("x"))
        yield* TestClock.adjust("2 seconds")
        const [row] = yield* memory.find("job", ["a"])
        assert.strictEqual(row?.ended?.ending, '"x"')
        assert.strictEqual(row?.ended?.attempts, server.checksOf("a"))
        assert.deepInclude(yield* runner.stats, { waits: 0, buckets: 8, orphans: 0, backlog: 0 })
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("that was stored before the runner started is checked at once", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        yield* memory.insert(["a", "b", "c"].map((id) => insertOf(id)))
        yield* TestClock.adjust("1 minute")
        yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("100 millis")
        assert.deepStrictEqual(server.checks.map(({ key }) => key).toSorted(), ["a", "b", "c"])
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("keeps its deadline across runners", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a", { deadlineMillis: 60_000 })])
        const first = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("30 seconds")
        yield* first.stop
        yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("29 seconds")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.state, "pending")
        yield* TestClock.adjust("2 seconds")
        const [row] = yield* memory.find("job", ["a"])
        assert.strictEqual(row?.ended?.outcome, "PollTimeout")
        assert.isAtLeast(row?.ended?.attempts ?? 0, 58)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("that is nudged is checked soon", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        yield* startRunner(store, owners.layer("one"), [kindOf(server, "job", {}, 60_000)])
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(server.checksOf("a"), 1)
        yield* memory.nudge("job", "a")
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(server.checksOf("a"), 2)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(server.checksOf("a"), 2)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("that is started again by retry is checked again", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* memory.insert([insertOf("a")])
        server.statuses.set("a", done("x"))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.state, "ended")
        server.statuses.set("a", done("y"))
        yield* memory.reopen("job", "a")
        yield* TestClock.adjust("3 seconds")
        const [row] = yield* memory.find("job", ["a"])
        assert.strictEqual(row?.ended?.ending, '"y"')
        assert.strictEqual(row?.round, 2)
        assert.strictEqual(server.checksOf("a"), 2)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("that is settled in another process is soon no longer checked", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* memory.insert([insertOf("a"), insertOf("b")])
        yield* TestClock.adjust("5 seconds")
        const claim = undefined
        yield* memory.finish("job", [{ id: "a", round: 1, claim, outcome: "Succeeded", ending: "1", attempts: 0 }])
        yield* TestClock.adjust("90 seconds")
        const checks = server.checksOf("a")
        yield* TestClock.adjust("90 seconds")
        assert.strictEqual(server.checksOf("a"), checks)
        assert.strictEqual((yield* runner.stats).waits, 1)
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.ended?.by, "settle")
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("that ends after it was settled changes nothing", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("5 seconds")
        const claim = undefined
        yield* memory.finish("job", [{ id: "a", round: 1, claim, outcome: "Succeeded", ending: "1", attempts: 0 }])
        server.statuses.set("a", done("x"))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.ended?.ending, "1")
        assert.deepInclude(yield* runner.stats, { waits: 0, backlog: 0 })
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("whose wait cannot be started is retried, and does not hold up others", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const kind = kindOf(server, "job")
        let isBroken = true
        const begin: typeof kind.begin = (poller, row, token) =>
          row.id === "a" && isBroken ? Effect.die(new Error("broken by the test")) : kind.begin(poller, row, token)
        yield* startRunner(store, owners.layer("one"), [{ ...kind, begin }])
        yield* memory.insert([insertOf("a"), insertOf("b")])
        yield* TestClock.adjust("5 seconds")
        assert.isAtLeast(server.checksOf("b"), 3)
        assert.strictEqual(server.checksOf("a"), 0)
        isBroken = false
        yield* TestClock.adjust("15 seconds")
        assert.isAtLeast(server.checksOf("a"), 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("whose key cannot be decoded ends with that error", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const kind = kindOf(server, "job")
        const begin: typeof kind.begin = () => Effect.succeed({ outcome: "Unreadable", ending: "0" })
        yield* startRunner(store, owners.layer("one"), [{ ...kind, begin }])
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.ended?.outcome, "Unreadable")
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("whose token cannot be read starts over", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a", { token: "{}" })])
        yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(server.checks[0]?.attempt, 1)
      }).pipe(Effect.provide(layerMemory))
    )
  })

  describe("register", () => {
    it.effect("checks the jobs of a kind that is registered later, until its scope closes", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* memory.insert([insertOf("a"), insertOf("z", { kind: "other" })])
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(server.checksOf("z"), 0)
        const scope = yield* Scope.make()
        yield* Effect.provideService(runner.register(kindOf(server, "other")), Scope.Scope, scope)
        yield* TestClock.adjust("2500 millis")
        assert.isAtLeast(server.checksOf("z"), 2)
        yield* Scope.close(scope, Exit.void)
        const [row] = yield* memory.find("other", ["z"])
        const checks = server.checksOf("z")
        assert.strictEqual(JSON.parse(row?.token ?? "{}").attempts, checks)
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(server.checksOf("z"), checks)
        assert.strictEqual((yield* runner.stats).waits, 1)
        yield* Effect.provideService(runner.register(kindOf(server, "other")), Scope.Scope, yield* Effect.scope)
        yield* TestClock.adjust("2 seconds")
        assert.isAbove(server.checksOf("z"), checks)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("refuses a kind that is registered already", () =>
      Effect.gen(function* () {
        const { owners, server, store } = yield* setup
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        const exit = yield* Effect.exit(Effect.scoped(runner.register(kindOf(server, "job"))))
        assert.isTrue(Exit.hasDies(exit))
      }).pipe(Effect.provide(layerMemory))
    )
  })
})
