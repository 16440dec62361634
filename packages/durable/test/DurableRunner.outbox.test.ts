import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import { TestClock } from "effect/testing"
import { layerMemory } from "@effect-poll/durable/DurableStore"
import { done, insertOf, type Kind, kindOf, type Server, setup, startRunner } from "./runner/world.ts"

/** Submits of a server, and how it answers them. */
class Submits {
  readonly begun: Array<string> = []
  active = 0
  mostActive = 0
  takes = 1_000
  isBroken = false
}

const submitting = (server: Server, submits: Submits, options: Partial<Kind> = {}): Kind =>
  kindOf(server, "job", {
    submit: (row) =>
      Effect.gen(function* () {
        submits.begun.push(row.id)
        submits.mostActive = Math.max(submits.mostActive, ++submits.active)
        yield* Effect.ensuring(
          Effect.sleep(submits.takes),
          Effect.sync(() => submits.active--)
        )
        if (submits.isBroken) return yield* Effect.die(new Error("broken by the test"))
        if (row.input === "refused") {
          return { _tag: "Ended", key: undefined, encoded: { outcome: "DurableSubmitFailed", ending: "0" } } as const
        }
        if (row.input === "at once") {
          return { _tag: "Ended", key: `key-${row.id}`, encoded: { outcome: "Succeeded", ending: "1" } } as const
        }
        const now = yield* Clock.currentTimeMillis
        const token = {
          version: 1,
          job: "job",
          key: `key-${row.id}`,
          attempts: 0,
          strategySteps: 0,
          strategyStartedAt: now,
          totalErrors: 0,
          dueAt: now,
          floorAt: now,
          startedAt: now,
          deadlineAt: "unbounded",
          boundedBy: "deadline"
        } as const
        return { _tag: "Accepted", key: `key-${row.id}`, token } as const
      }),
    ...options
  })

const outboxOf = (id: string, input = "input") => insertOf(id, { state: "outbox", key: null, input })

const once = { submitUnknown: () => ({ outcome: "DurableSubmitFailed", ending: '"unknown"' }) }

describe("DurableRunner", () => {
  describe("the outbox", () => {
    for (const [name, options] of [
      ["is submitted, and then checked", {}],
      ["is submitted and checked with a policy that never submits twice", once]
    ] as const) {
      it.effect(name, () =>
        Effect.gen(function* () {
          const { faults, memory, owners, server, store } = yield* setup
          const submits = new Submits()
          yield* startRunner(store, owners.layer("one"), [submitting(server, submits, options)])
          yield* memory.insert([outboxOf("a"), outboxOf("r", "refused"), outboxOf("o", "at once")])
          yield* TestClock.adjust("5 seconds")
          assert.deepStrictEqual(submits.begun.toSorted(), ["a", "o", "r"])
          assert.isAtLeast(server.checksOf("key-a"), 2)
          const rows = yield* memory.find("job", ["a", "r", "o"])
          assert.deepStrictEqual(
            rows.map(({ ended, key, state }) => [key, state, ended?.outcome]),
            [
              ["key-a", "pending", undefined],
              [null, "ended", "DurableSubmitFailed"],
              ["key-o", "ended", "Succeeded"]
            ]
          )
          server.statuses.set("key-a", done("x"))
          yield* TestClock.adjust("3 seconds")
          assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.ended?.ending, '"x"')
          assert.strictEqual(faults.count("submitting"), "submitUnknown" in options ? 1 : 0)
        }).pipe(Effect.provide(layerMemory))
      )
    }

    it.effect("limits the number of submits in flight", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const submits = new Submits()
        yield* memory.insert(Array.from({ length: 100 }, (_, at) => outboxOf(`j${at}`)))
        yield* startRunner(store, owners.layer("one"), [submitting(server, submits)])
        yield* TestClock.adjust("15 seconds")
        assert.strictEqual(submits.begun.length, 100)
        assert.strictEqual(submits.mostActive, 16)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("submits nothing during a pause", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const submits = new Submits()
        yield* memory.pause("job", true)
        yield* memory.insert([outboxOf("a")])
        yield* startRunner(store, owners.layer("one"), [submitting(server, submits)])
        yield* TestClock.adjust("15 seconds")
        assert.strictEqual(submits.begun.length, 0)
        yield* memory.pause("job", false)
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(submits.begun.length, 1)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("submits nothing twice if answers of the store are lost", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        const submits = new Submits()
        faults.decide = (operation, count) =>
          ["submitting", "save", "find"].includes(operation) && count <= 2 ? "fails after" : "works"
        yield* memory.insert([outboxOf("a"), outboxOf("b")])
        yield* startRunner(store, owners.layer("one"), [submitting(server, submits, once)])
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(submits.begun.toSorted(), ["a", "b"])
        assert.isAtLeast(server.checksOf("key-a"), 2)
        assert.isAtLeast(server.checksOf("key-b"), 2)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("does not submit a job again that a dead process was submitting, if the policy says so", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const submits = new Submits()
        yield* memory.insert([outboxOf("a"), outboxOf("b")])
        const [claim] = yield* memory.claim("dead", [insertOf("a").bucket])
        yield* memory.submitting([{ id: "a", round: 1, claim: claim! }])
        yield* startRunner(store, owners.layer("one"), [submitting(server, submits, once)])
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(submits.begun, ["b"])
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.ended?.ending, '"unknown"')
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("otherwise submits a job again that a dead process was submitting", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const submits = new Submits()
        yield* memory.insert([outboxOf("a")])
        const [claim] = yield* memory.claim("dead", [insertOf("a").bucket])
        yield* memory.submitting([{ id: "a", round: 1, claim: claim! }])
        yield* startRunner(store, owners.layer("one"), [submitting(server, submits)])
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(submits.begun, ["a"])
        assert.isAtLeast(server.checksOf("key-a"), 2)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("stores the receipt of a submit that is in flight when the process ends", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const submits = new Submits()
        yield* memory.insert([outboxOf("a")])
        const { stop } = yield* startRunner(store, owners.layer("one"), [submitting(server, submits, once)])
        yield* TestClock.adjust("500 millis")
        assert.strictEqual(submits.active, 1)
        const stopping = yield* Effect.forkChild(stop)
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(stopping)
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.key, "key-a")
        assert.strictEqual(server.checks.length, 0)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("does not wait long for a submit when the process ends", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const submits = new Submits()
        submits.takes = 3_600_000
        yield* memory.insert([outboxOf("a"), outboxOf("b")])
        const { stop } = yield* startRunner(store, owners.layer("one"), [submitting(server, submits, once)])
        yield* TestClock.adjust("500 millis")
        const began = yield* Clock.currentTimeMillis
        const stopping = yield* Effect.forkChild(Effect.andThen(stop, Clock.currentTimeMillis))
        yield* TestClock.adjust("1 minute")
        assert.isAtMost((yield* Fiber.join(stopping)) - began, 5_000)
        assert.strictEqual(submits.active, 0)
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.state, "submitting")
        assert.strictEqual((yield* memory.runners(3_600_000, 8)).orphans, 8)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("keeps a submit whose bucket was lost and claimed again", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const submits = new Submits()
        submits.takes = 20_000
        yield* memory.insert([outboxOf("a")])
        yield* startRunner(store, owners.layer("one", Duration.seconds(3)), [submitting(server, submits, once)])
        yield* TestClock.adjust("1 second")
        yield* memory.claim("stranger", [insertOf("a").bucket])
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(submits.begun, ["a"])
        assert.strictEqual((yield* memory.find("job", ["a"]))[0]?.key, "key-a")
        assert.isAtLeast(server.checksOf("key-a"), 2)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("retries after a defect, or ends the job as unknown", () =>
      Effect.gen(function* () {
        for (const options of [{}, once]) {
          const { memory, owners, server, store } = yield* setup
          const submits = new Submits()
          submits.isBroken = true
          const id = "submitUnknown" in options ? "once" : "again"
          yield* memory.insert([outboxOf(id)])
          yield* startRunner(store, owners.layer("one"), [submitting(server, submits, options)])
          yield* TestClock.adjust("5 seconds")
          submits.isBroken = false
          yield* TestClock.adjust("20 seconds")
          if (id === "again") assert.isAtLeast(server.checksOf("key-again"), 2)
          else assert.strictEqual((yield* memory.find("job", [id]))[0]?.ended?.ending, '"unknown"')
        }
      }).pipe(Effect.provide(layerMemory))
    )
  })
})
