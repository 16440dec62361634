import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import { TestClock } from "effect/testing"
import { layerMemory } from "@effect-poll/durable/DurableStore"
import { bucketOf, done, insertOf, kindOf, setup, startRunner } from "./runner/world.ts"

describe("DurableRunner", () => {
  describe("hooks", () => {
    it.effect("are delivered after the end is stored, and removed", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        const told: Array<string> = []
        const kind = kindOf(server, "job", {
          onEnded: (row) => Effect.sync(() => void told.push(`${row.id} ${row.ended?.ending}`))
        })
        yield* startRunner(store, owners.layer("one"), [kind])
        yield* memory.insert([insertOf("a", { hooks: ["onEnded", "wake"] }), insertOf("b")])
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual(told, [])
        server.statuses.set("a", done("x"))
        server.statuses.set("b", done("y"))
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual(told, ['a "x"'])
        const asked = faults.count("hooked")
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(told.length, 1)
        assert.isAtMost(faults.count("hooked") - asked, 6)
        // That one is another's to deliver.
        const left = yield* memory.hooked({ kinds: ["job"], limit: 10 })
        assert.deepStrictEqual(
          left.map(({ hook }) => hook),
          ["wake"]
        )
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect("that fail are delivered again, and hold up no others", () =>
      Effect.gen(function* () {
        const { faults, memory, owners, server, store } = yield* setup
        const told: Array<string> = []
        let isBroken = true
        const kind = kindOf(server, "job", {
          onEnded: (row) =>
            Effect.suspend(() => {
              told.push(row.id)
              if (row.id.startsWith("hang")) return Effect.never
              return isBroken && row.id.startsWith("bad") ? Effect.fail("broken") : Effect.void
            })
        })
        yield* startRunner(store, owners.layer("one"), [kind])
        const ids = ["bad", "hang", "good"].flatMap((name) => Array.from({ length: 15 }, (_, at) => `${name}${at}`))
        yield* memory.insert(ids.map((id) => insertOf(id, { hooks: ["onEnded"] })))
        for (const id of ids) server.statuses.set(id, done("x"))
        for (let at = 0; at < 30; at++) {
          // Others end all the time.
          const id = `other${at}`
          yield* memory.insert([insertOf(id, { hooks: ["onEnded"] })])
          server.statuses.set(id, done("x"))
          yield* TestClock.adjust("1 second")
        }
        assert.strictEqual(told.filter((id) => id.startsWith("good")).length, 15)
        assert.isAtLeast(told.filter((id) => id === "bad3").length, 2)
        assert.isAtMost(told.filter((id) => id === "bad3").length, 8)
        isBroken = false
        faults.decide = (operation, count) => (operation === "unhook" && count % 3 !== 0 ? "fails" : "works")
        yield* TestClock.adjust("3 minutes")
        const left = (yield* memory.hooked({ kinds: ["job"], limit: 100 })).map(({ row }) => row.id)
        assert.deepStrictEqual(left.toSorted(), ids.filter((id) => id.startsWith("hang")).toSorted())
        const count = told.filter((id) => id === "bad3").length
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(told.filter((id) => id === "bad3").length, count)
      }).pipe(Effect.provide(layerMemory))
    )

    it.effect(
      "go on by the thousand, although some fail, some hang, and another kind delivers nothing",
      () =>
        Effect.gen(function* () {
          const { faults, memory, owners, server, store } = yield* setup
          const told = new Map<string, number>()
          let isBroken = true
          let running = 0
          let most = 0
          const kinds = [
            kindOf(server, "stuck", { onEnded: () => Effect.never }),
            kindOf(server, "job", {
              onEnded: (row) =>
                Effect.gen(function* () {
                  told.set(row.id, (told.get(row.id) ?? 0) + 1)
                  most = Math.max(most, ++running)
                  if (row.id.endsWith("7") && isBroken) return yield* Effect.fail("broken")
                  yield* row.id.endsWith("499") ? Effect.never : Effect.sleep("20 millis")
                }).pipe(Effect.ensuring(Effect.sync(() => running--)))
            })
          ]
          const submit = (kind: string, count: number) =>
            Effect.gen(function* () {
              const ids = Array.from({ length: count }, (_, at) => `${kind}${at}`)
              yield* memory.insert(ids.map((id) => insertOf(id, { kind, hooks: ["onEnded"] })))
              yield* memory.finish(
                kind,
                ids.map((id) => ({
                  id,
                  round: 1,
                  claim: undefined,
                  outcome: "Succeeded",
                  ending: "1",
                  attempts: undefined
                }))
              )
            })
          yield* submit("stuck", 2_000)
          yield* submit("job", 5_000)
          yield* startRunner(store, owners.layer("one"), kinds)
          yield* TestClock.adjust("15 seconds")
          // Five hang, each in one of sixteen places; 500 fail at once.
          assert.strictEqual(told.size, 5_000)
          assert.isAtMost(most, 24)
          const calls = faults.count("hooked", "unhook")
          assert.isAtMost(calls, 250)
          // New ones are not held up by those that fail and hang.
          yield* memory.insert([insertOf("new", { hooks: ["onEnded"] })])
          server.statuses.set("new", done("x"))
          yield* TestClock.adjust("3 seconds")
          assert.strictEqual(told.get("new"), 1)
          yield* TestClock.adjust("1 minute")
          assert.isAtMost(told.get("job7") ?? 0, 9)
          assert.isAtMost(faults.count("hooked", "unhook") - calls, 1_000)
          isBroken = false
          yield* TestClock.adjust("2 minutes")
          const left = yield* memory.hooked({ kinds: ["job"], limit: 1_000 })
          assert.deepStrictEqual(
            left.map(({ row }) => row.id),
            ["job1499", "job2499", "job3499", "job4499", "job499"]
          )
          assert.strictEqual(told.get("job1"), 1)
        }).pipe(Effect.provide(layerMemory)),
      60_000
    )

    it.effect("of a kind that is registered late are delivered soon", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const told: Array<string> = []
        const { runner } = yield* startRunner(store, owners.layer("one"), [])
        yield* memory.insert([insertOf("a", { hooks: ["onEnded"] })])
        yield* memory.finish("job", [
          { id: "a", round: 1, claim: undefined, outcome: "Succeeded", ending: "1", attempts: undefined }
        ])
        yield* TestClock.adjust("5 seconds")
        yield* runner.register(kindOf(server, "job", { onEnded: (row) => Effect.sync(() => void told.push(row.id)) }))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(told, ["a"])
      }).pipe(Effect.provide(layerMemory), Effect.scoped)
    )

    it.effect("of jobs that somebody settled, or that were there before, are delivered too", () =>
      Effect.gen(function* () {
        const { memory, owners, server, store } = yield* setup
        const told: Array<string> = []
        const kind = kindOf(server, "job", { onEnded: (row) => Effect.sync(() => void told.push(row.id)) })
        const settle = (id: string) =>
          memory.finish("job", [
            { id, round: 1, claim: undefined, outcome: "Succeeded", ending: "1", attempts: undefined }
          ])
        yield* memory.insert(["a", "b", "c"].map((id) => insertOf(id, { hooks: ["onEnded"] })))
        yield* settle("a")
        yield* startRunner(store, owners.layer("one"), [kind])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(told, ["a"])
        yield* settle("b")
        yield* TestClock.adjust("11 seconds")
        assert.deepStrictEqual(told, ["a", "b"])
        yield* memory.claim("stranger", [bucketOf("c")])
        yield* settle("c")
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(told, ["a", "b"])
      }).pipe(Effect.provide(layerMemory))
    )
  })

  describe("retention", () => {
    it.effect(
      "removes ended rows in batches, and nothing else",
      () =>
        Effect.gen(function* () {
          const { faults, memory, owners, server, store } = yield* setup
          const kinds = [kindOf(server, "job", { retentionMillis: 3_600_000 }), kindOf(server, "kept")]
          yield* startRunner(store, owners.layer("one"), kinds)
          const many = Array.from({ length: 2_500 }, (_, at) => `j${at}`)
          yield* memory.insert([...many.map((id) => insertOf(id)), insertOf("k", { kind: "kept" }), insertOf("open")])
          for (const id of [...many, "k"]) server.statuses.set(id, done("x"))
          yield* TestClock.adjust("10 seconds")
          assert.strictEqual((yield* memory.ended("job", 0, 5_000)).length, 2_500)
          server.statuses.delete("open")
          yield* memory.insert([insertOf("late", { deadlineMillis: 86_400_000 })])
          yield* TestClock.adjust("59 minutes")
          assert.strictEqual((yield* memory.ended("job", 0, 5_000)).length, 2_500)
          const before = faults.count("prune")
          yield* TestClock.adjust("2 minutes")
          const left = yield* memory.ended("job", 0, 5_000)
          assert.strictEqual(left.filter(({ id }) => id.startsWith("j")).length, 0)
          assert.strictEqual((yield* memory.ended("kept", 0, 10)).length, 1)
          assert.strictEqual((yield* memory.find("job", ["late"]))[0]?.state, "pending")
          assert.isAtMost(faults.count("prune") - before, 5)
        }).pipe(Effect.provide(layerMemory)),
      30_000
    )
  })
})
