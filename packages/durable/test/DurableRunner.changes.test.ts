import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Job from "effect-poll/Job"
import type * as Status from "effect-poll/Status"
import { type Change, layerMemory, type Service } from "@effect-poll/durable/DurableStore"
import { insertOf, type Kind, kindOf, setup, startRunner } from "./runner/world.ts"

// The store is asked once an hour: whatever comes sooner was told.
const options = { scanInterval: "1 hour", horizon: "1 day" } as const

describe("DurableRunner, told by its store", () => {
  it.effect("checks a job at once that was submitted", () =>
    Effect.gen(function* () {
      const { memory, owners, server, store } = yield* setup
      yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")], options)
      yield* TestClock.adjust("1 minute")
      yield* memory.insert([insertOf("a")])
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(server.checksOf("a"), 1)
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("checks a job at once that was nudged, and one that was begun again", () =>
    Effect.gen(function* () {
      const { memory, owners, server, store } = yield* setup
      yield* startRunner(store, owners.layer("one"), [kindOf(server, "job", {}, 60_000)], options)
      yield* memory.insert([insertOf("a")])
      yield* TestClock.adjust("30 seconds")
      assert.strictEqual(server.checksOf("a"), 1)
      yield* memory.nudge("job", "a")
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(server.checksOf("a"), 2)
      const claim = undefined
      yield* memory.finish("job", [{ id: "a", round: 1, claim, outcome: "Succeeded", ending: "1", attempts: 0 }])
      yield* memory.reopen("job", "a")
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(server.checksOf("a"), 3)
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("scans again if a job is announced during a scan", () =>
    Effect.gen(function* () {
      const { faults, memory, owners, server, store } = yield* setup
      yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")], options)
      yield* TestClock.adjust("1 minute")
      // The answers are those of the beginning.
      faults.decide = (operation) => (operation === "scan" ? "answers late" : "works")
      yield* memory.insert([insertOf("a")])
      yield* TestClock.adjust("1 second")
      yield* memory.insert([insertOf("b")])
      yield* TestClock.adjust("4 seconds")
      assert.isAtLeast(server.checksOf("a"), 1)
      assert.isAtLeast(server.checksOf("b"), 1)
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("makes few scans for a flood of submits, and checks all of them", () =>
    Effect.gen(function* () {
      const { faults, memory, owners, server, store } = yield* setup
      yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")], options)
      yield* TestClock.adjust("1 minute")
      const before = faults.count("scan")
      for (let count = 0; count < 600; count++) {
        yield* memory.insert([insertOf(`j${count}`)])
        yield* TestClock.adjust("100 millis")
      }
      // Five at once, and one each four seconds.
      assert.isAtMost(faults.count("scan") - before, 5 + 60 / 4)
      yield* TestClock.adjust("5 seconds")
      for (let count = 0; count < 600; count++) assert.isAtLeast(server.checksOf(`j${count}`), 1)
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("makes no scan more than the regular ones and its allowance", () =>
    Effect.gen(function* () {
      const { faults, memory, owners, server, store } = yield* setup
      yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
      yield* TestClock.adjust("1 minute")
      const before = faults.count("scan")
      for (let count = 0; count < 600; count++) {
        yield* memory.insert([insertOf(`j${count}`)])
        yield* TestClock.adjust("100 millis")
      }
      assert.isAtMost(faults.count("scan") - before, 60 + 5 + 60 / 4)
    }).pipe(Effect.provide(layerMemory))
  )

  it.effect("asks for messages again when they break", () =>
    Effect.gen(function* () {
      const { memory, owners, server, store } = yield* setup
      let subscriptions = 0
      const broken: Service = {
        ...store,
        changes: Stream.suspend(() => {
          subscriptions++
          if (subscriptions === 1) return Stream.die(new Error("broken by the test"))
          return subscriptions === 2 ? Stream.empty : store.changes
        })
      }
      yield* startRunner(broken, owners.layer("one"), [kindOf(server, "job")], options)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(subscriptions, 3)
      yield* memory.insert([insertOf("a")])
      yield* TestClock.adjust("10 millis")
      assert.strictEqual(server.checksOf("a"), 1)
    }).pipe(Effect.provide(layerMemory))
  )

  describe("a job that somebody else settles", () => {
    const settled = (id: string, round = 1) =>
      [{ id, round, claim: undefined, outcome: "Succeeded", ending: "1", attempts: 0 }] as const

    it.effect("is checked no more, at once", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")], options)
        yield* memory.insert([insertOf("a"), insertOf("b")])
        yield* TestClock.adjust("2500 millis")
        const checks = server.checksOf("a")
        assert.isAtLeast(checks, 2)
        yield* memory.finish("job", settled("a"))
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(server.checksOf("a"), checks)
        assert.isAtLeast(server.checksOf("b"), 20)
        assert.strictEqual((yield* runner.stats).waits, 1)
        // Nothing was written, and it was asked once whether the job has ended.
        assert.strictEqual(faults.count("finish", "save"), 0)
        assert.strictEqual(faults.count("find"), 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("as a message says that is wrong is taken up again", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const wrong: Service = {
          ...store,
          changes: Stream.concat(
            Stream.fromEffect(Effect.as(Effect.sleep("3 seconds"), { settled: [{ id: "a", round: 1 }] })),
            Stream.never
          )
        }
        yield* startRunner(wrong, owners.layer("one"), [kindOf(server, "job")], {})
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("10 seconds")
        const checks = server.checksOf("a")
        yield* TestClock.adjust("10 seconds")
        assert.isAbove(server.checksOf("a"), checks)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("has its check in flight interrupted, and is not canceled", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        let interrupted = 0
        let canceled = 0
        let checks = 0
        const job = Job.make("job", {
          check: (_: string): Effect.Effect<Status.Status<string>> =>
            Effect.suspend(() => {
              checks++
              return Effect.onInterrupt(Effect.never, () => Effect.sync(() => void interrupted++))
            }),
          cancel: () => Effect.sync(() => void canceled++)
        })
        const begin: Kind["begin"] = (poller, _, token) =>
          Effect.orDie(poller.resume(job, token, { onInterrupt: "cancelRemote", onClose: "cancelRemote" }))
        yield* startRunner(store, owners.layer("one"), [{ ...kindOf(server, "job"), begin }], options)
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual({ checks, interrupted, canceled }, { checks: 1, interrupted: 0, canceled: 0 })
        yield* memory.finish("job", settled("a"))
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual({ checks, interrupted, canceled }, { checks: 1, interrupted: 1, canceled: 0 })
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("and that has begun again since is checked", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        // The message comes late.
        const late: Service = {
          ...store,
          changes: Stream.mapEffect(store.changes, (change): Effect.Effect<Change> =>
            typeof change === "string" ? Effect.succeed(change) : Effect.delay(Effect.succeed(change), "3 seconds")
          )
        }
        yield* startRunner(late, owners.layer("one"), [kindOf(server, "job")])
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("2500 millis")
        yield* memory.finish("job", settled("a"))
        yield* memory.reopen("job", "a")
        yield* TestClock.adjust("3500 millis")
        const checks = server.checksOf("a")
        yield* TestClock.adjust("3 seconds")
        assert.isAtLeast(server.checksOf("a"), checks + 2)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("while the store answers that it is open is not checked", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")], options)
        yield* TestClock.adjust("1 minute")
        faults.decide = (operation) => (operation === "scan" ? "answers late" : "works")
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("1 second")
        yield* memory.finish("job", settled("a"))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(server.checksOf("a"), 0)
        assert.strictEqual((yield* runner.stats).waits, 0)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("is found by the audit where the message is lost", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const silent: Service = { ...store, changes: Stream.never }
        yield* startRunner(silent, owners.layer("one"), [kindOf(server, "job")])
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("5 seconds")
        yield* memory.finish("job", settled("a"))
        yield* TestClock.adjust("1 minute")
        const checks = server.checksOf("a")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(server.checksOf("a"), checks)
      }).pipe(Effect.provide(layerMemory))
    )
  })
})
