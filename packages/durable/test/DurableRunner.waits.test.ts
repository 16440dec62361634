import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import * as Status from "effect-poll/Status"
import { layerMemory, type Service } from "@effect-poll/durable/DurableStore"
import { done, insertOf, kindOf, setup, startRunner } from "./runner/world.ts"

/** A store whose clock is ahead of that of the process. */
const ahead = (store: Service, millis: () => number): Service => {
  const moved = { ...store } as Record<string, unknown>
  for (const operation of ["insert", "scan", "finish", "reopen", "nudge", "prune", "beat", "runners"] as const) {
    const original = store[operation] as (...args: ReadonlyArray<unknown>) => Effect.Effect<unknown>
    moved[operation] = (...args: ReadonlyArray<unknown>) =>
      Effect.flatMap(Clock.Clock, (clock) =>
        Effect.provideService(original(...args), Clock.Clock, {
          ...clock,
          currentTimeMillis: Effect.map(clock.currentTimeMillis, (now) => now + millis()),
          currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe() + millis()
        })
      )
  }
  return moved as unknown as Service
}

describe("DurableRunner", () => {
  describe("a pause", () => {
    it.effect("stops checks until it ends, also those of new jobs", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const kinds = [kindOf(server, "job"), kindOf(server, "other")]
        const { runner } = yield* startRunner(store, owners.layer("one"), kinds)
        yield* memory.insert([insertOf("a"), insertOf("o", { kind: "other" })])
        yield* TestClock.adjust("5 seconds")
        yield* memory.pause("job", true)
        yield* TestClock.adjust("1100 millis")
        const checks = server.checksOf("a")
        yield* memory.insert([insertOf("b")])
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(server.checksOf("a"), checks)
        assert.strictEqual(server.checksOf("b"), 0)
        assert.isAtLeast(server.checksOf("o"), 25)
        assert.strictEqual((yield* runner.stats).waits, 3)
        yield* memory.pause("job", false)
        yield* TestClock.adjust("2500 millis")
        assert.isAtLeast(server.checksOf("a"), checks + 1)
        assert.isAtLeast(server.checksOf("b"), 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("that began before the start prevents all checks", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        yield* memory.insert(["a", "b", "c"].map((id) => insertOf(id)))
        yield* memory.pause("job", true)
        yield* TestClock.adjust("1 minute")
        yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual(server.checks.length, 0)
        yield* memory.pause("job", false)
        yield* TestClock.adjust("3 seconds")
        assert.isAtLeast(server.checksOf("a"), 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("of a kind that is registered later takes effect before its first check", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("o", { kind: "other" })])
        yield* memory.pause("other", true)
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("5 seconds")
        faults.decide = (operation) => (operation === "scan" ? "fails" : "works")
        yield* runner.register(kindOf(server, "other"))
        yield* TestClock.adjust("5 seconds")
        faults.decide = () => "works"
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(server.checks.length, 0)
        assert.strictEqual((yield* runner.stats).waits, 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("does not suspend the deadline", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a", { deadlineMillis: 30_000 }), insertOf("b", { deadlineMillis: 5_000 })])
        yield* memory.pause("job", true)
        yield* TestClock.adjust("10 seconds")
        yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* memory.find("job", ["b"]))[0]?.ended?.outcome, "PollTimeout")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.state, "pending")
        yield* TestClock.adjust("15 seconds")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.ended?.outcome, "PollTimeout")
        assert.strictEqual(server.checks.length, 0)
      }).pipe(Effect.provide(layerMemory))
    )
  })

  describe("the clock of the database", () => {
    it.effect("may differ from that of the process", () =>
      Effect.gen(function* () {
        for (const millis of [-5_000, 5_000, 3_600_000]) {
          const { memory, owners, server, store } = yield* setup
          const id = `skew${millis}`
          const theirs = ahead(store, () => millis)
          const { stop } = yield* startRunner(theirs, owners.layer("one"), [kindOf(server, "job")])
          yield* ahead(memory, () => millis).insert([insertOf(id, { deadlineMillis: 60_000, delayMillis: 10_000 })])
          yield* TestClock.adjust("9 seconds")
          assert.strictEqual(server.checksOf(id), 0)
          yield* TestClock.adjust("2 seconds")
          assert.isAtLeast(server.checksOf(id), 1)
          yield* TestClock.adjust("19 seconds")
          yield* stop
          yield* startRunner(theirs, owners.layer("one"), [kindOf(server, "job")])
          yield* TestClock.adjust("29 seconds")
          assert.strictEqual((yield* memory.find("job", [id]))[0]?.state, "pending")
          yield* TestClock.adjust("2 seconds")
          assert.strictEqual((yield* memory.find("job", [id]))[0]?.ended?.outcome, "PollTimeout")
        }
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("may be set", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        let millis = 0
        const theirs = ahead(store, () => millis)
        const { stop } = yield* startRunner(theirs, owners.layer("one"), [kindOf(server, "job")])
        yield* ahead(memory, () => millis).insert([insertOf("a", { deadlineMillis: 60_000 })])
        yield* TestClock.adjust("20 seconds")
        // As if the clock of the process had been set back: its database did not change.
        millis = 5_000
        yield* TestClock.adjust("10 seconds")
        yield* stop
        millis = 0
        yield* startRunner(theirs, owners.layer("one"), [kindOf(server, "job")])
        yield* TestClock.adjust("29 seconds")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.state, "pending")
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.ended?.outcome, "PollTimeout")
      }).pipe(Effect.provide(layerMemory))
    )
  })

  describe("a wait whose next check is far away", () => {
    const horizon = { horizon: "1 minute", poller: { stagger: false } } as const

    it.effect("is removed from memory, and loaded again in time", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        const kind = kindOf(server, "job", {}, 600_000)
        const { runner } = yield* startRunner(store, owners.layer("one"), [kind], horizon)
        const ids = Array.from({ length: 100 }, (_, at) => `j${at}`)
        yield* memory.insert(ids.map((id) => insertOf(id, { deadlineMillis: 86_400_000 })))
        yield* TestClock.adjust("120 seconds")
        const first = server.checks.length
        assert.strictEqual(first, 100)
        assert.strictEqual((yield* runner.stats).waits, 0)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(server.checks.length, 200)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(server.checks.length, 300)
        for (const id of ids) {
          const checks = server.checks.filter(({ key }) => key === id)
          assert.deepStrictEqual(
            checks.map(({ attempt }) => attempt),
            [1, 2, 3]
          )
          assert.isAtMost(Math.abs(checks[2]!.at - checks[1]!.at - 600_000), 2_000)
        }
        assert.isAtMost(faults.count("save"), 100)
        for (const id of ids) server.statuses.set(id, done(id))
        yield* TestClock.adjust("11 minutes")
        assert.strictEqual((yield* memory.ended("job", 0, 1_000)).length, 100)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("is checked at once when it is nudged", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const kind = kindOf(server, "job", {}, 600_000)
        const { runner } = yield* startRunner(store, owners.layer("one"), [kind], horizon)
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("120 seconds")
        assert.strictEqual((yield* runner.stats).waits, 0)
        yield* memory.nudge("job", "a")
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(server.checksOf("a"), 2)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("is neither lost nor late during an outage of the store", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        const kind = kindOf(server, "job", {}, 600_000)
        const { runner } = yield* startRunner(store, owners.layer("one"), [kind], horizon)
        yield* memory.insert(["a", "b", "c"].map((id) => insertOf(id)))
        yield* TestClock.adjust("5 seconds")
        faults.decide = (operation) => (operation === "save" ? "fails" : "works")
        yield* TestClock.adjust("570 seconds")
        assert.strictEqual((yield* runner.stats).waits, 3)
        assert.isAtMost(faults.count("save"), 200)
        faults.decide = (operation, count) => (operation === "save" && count % 2 === 1 ? "fails after" : "works")
        yield* TestClock.adjust("60 seconds")
        for (const id of ["a", "b", "c"]) assert.strictEqual(server.checksOf(id), 2)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("stays in memory if it listens to a stream", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const kind = kindOf(server, "job", { staysInMemory: true }, 600_000)
        const { runner } = yield* startRunner(store, owners.layer("one"), [kind], horizon)
        yield* memory.insert([insertOf("a")])
        yield* TestClock.adjust("120 seconds")
        assert.strictEqual((yield* runner.stats).waits, 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("is not loaded before it is due within the horizon", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        yield* memory.insert([insertOf("a", { delayMillis: 600_000 })])
        const { runner } = yield* startRunner(store, owners.layer("one"), [kindOf(server, "job")], horizon)
        yield* memory.insert([insertOf("b", { delayMillis: 600_000 })])
        yield* TestClock.adjust("8 minutes")
        assert.strictEqual((yield* runner.stats).waits, 0)
        yield* TestClock.adjust("110 seconds")
        assert.strictEqual((yield* runner.stats).waits, 2)
        assert.strictEqual(server.checks.length, 0)
        yield* TestClock.adjust("11 seconds")
        assert.isAtLeast(server.checksOf("a"), 1)
        assert.isAtLeast(server.checksOf("b"), 1)
      }).pipe(Effect.provide(layerMemory))
    )
  })

  describe("checkpoint", () => {
    it.effect("stores the tokens of waits that were checked", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        const kind = kindOf(server, "job", {}, 30_000)
        yield* memory.insert(["a", "b", "c"].map((id) => insertOf(id)))
        yield* startRunner(store, owners.layer("one"), [kind], { checkpoint: "10 seconds" })
        yield* TestClock.adjust("65 seconds")
        const [row] = yield* memory.find("job", ["a"])
        const token = JSON.parse(row?.token ?? "{}")
        assert.isAtLeast(token.attempts, server.checksOf("a") - 1)
        assert.isAtLeast(token.attempts, 2)
        assert.isAtMost(faults.count("save"), 10)
        server.statuses.set("a", Status.failed("no"))
        yield* TestClock.adjust("35 seconds")
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.ended?.outcome, "JobFailed")
      }).pipe(Effect.provide(layerMemory))
    )
  })
})
