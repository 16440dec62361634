import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./support/checks.ts"
import { inspect } from "./support/inspect.ts"
import { doneAt, inOneSecond, keysOf, scriptedJob } from "./support/jobs.ts"
import { hour, plain } from "./support/options.ts"
import { ending } from "./support/runs.ts"

describe("Poller.results", () => {
  describe("ends", () => {
    it.effect("results - yield the end of every key as it comes, with attempts and elapsed time [R18]", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob<string, string>((key, attempt) =>
          key === "slow" && attempt < 4
            ? pending
            : key === "bad"
              ? Status.failed("bad")
              : key === "never"
                ? pending
                : Status.succeeded(key)
        )
        const poller = yield* Poller.make(plain)
        const fiber = yield* Effect.forkChild(
          Stream.runCollect(poller.results(job, ["slow", "never", "bad", "quick", "quick"], { deadline: "5 seconds" }))
        )
        yield* TestClock.adjust("1 minute")
        const ends = yield* Fiber.join(fiber)
        assert.deepStrictEqual(
          ends.map(({ attempts, elapsedMillis, exit, key }) => [key, ending(exit), attempts, elapsedMillis]),
          [
            ["bad", "JobFailed", 1, 0],
            ["quick", "quick", 1, 0],
            ["quick", "quick", 1, 0],
            ["slow", "slow", 4, 3000],
            ["never", "PollTimeout deadline", 6, 5000]
          ]
        )
      })
    )

    it.effect("results - end at once without keys", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(doneAt(1))
        const poller = yield* Poller.make(plain)
        assert.deepStrictEqual(yield* Stream.runCollect(poller.results(job, [], hour)), [])
        assert.deepStrictEqual(yield* Stream.runCollect(poller.results(job, Stream.empty, hour)), [])
      })
    )

    it.effect("results - carry typed keys as they were given", () =>
      Effect.gen(function* () {
        const job = Job.make("typed", {
          key: { encode: ({ id }) => `#${id}`, decode: (text) => ({ id: Number(text.slice(1)) }) },
          check: ({ id }: { readonly id: number }) => Effect.succeed(Status.succeeded(id * 2))
        })
        const poller = yield* Poller.make(plain)
        const key = { id: 21 }
        const [end] = yield* Stream.runCollect(poller.results(job, [key], hour))
        assert.strictEqual(end!.key, key)
        assert.deepStrictEqual(end!.exit, Exit.succeed(42))
      })
    )

    it.effect("results - can be run again, and their options are checked at the call", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(doneAt(1))
        const poller = yield* Poller.make(plain)
        const results = poller.results(job, keysOf(3), hour)
        assert.strictEqual(yield* Stream.runCount(results), 3)
        assert.strictEqual(yield* Stream.runCount(results), 3)
        assert.strictEqual(checks.length, 6)
        assert.throws(() => poller.results(job, [], { deadline: 0 }), /Poller\.results: deadline must be/)
      })
    )
  })

  describe("keys", () => {
    it.effect("endless keys - are taken as there is room", () =>
      Effect.gen(function* () {
        let given = 0
        const { job, checks } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ ...plain, capacity: 10 })
        const keys = Stream.fromEffectRepeat(Effect.sync(() => `k${given++}`))
        const seen: Array<string> = []
        yield* Effect.forkScoped(
          Stream.runForEach(poller.results(job, keys, hour), ({ key }) => Effect.sync(() => seen.push(key)))
        )
        yield* TestClock.adjust("3500 millis")
        assert.strictEqual((yield* poller.stats).watched, 10)
        assert.deepStrictEqual([seen.length, checks.length], [30, 40])
        assert.isAtMost(given, 45)
      })
    )

    it.effect("keys that come late - keep the stream open", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(doneAt(1))
        const poller = yield* Poller.make(plain)
        const keys = Stream.mapEffect(Stream.fromIterable(keysOf(3)), (key) => Effect.as(Effect.sleep("1 minute"), key))
        const fiber = yield* Effect.forkChild(Stream.runCollect(poller.results(job, keys, hour)))
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(
          (yield* Fiber.join(fiber)).map(({ key }) => key),
          keysOf(3)
        )
      })
    )

    it.effect("keys that fail - fail the stream after the ends that are there, and interrupt its waits", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob((key) => (key === "k0" ? Status.succeeded(key) : pending))
        const poller = yield* Poller.make(plain)
        const keys = Stream.concat(Stream.fromIterable(keysOf(3)), Stream.fail("no more keys"))
        const seen: Array<string> = []
        const exit = yield* Effect.exit(
          Stream.runForEach(poller.results(job, keys, hour), ({ key }) => Effect.sync(() => seen.push(key)))
        )
        assert.deepStrictEqual([seen, exit], [["k0"], Exit.fail("no more keys")])
        assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 1, Interrupted: 2 })
      })
    )

    it.effect("keys that are interrupted - interrupt the stream", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const job = Job.make<string>("render", { check: (key) => Effect.succeed(Status.succeeded(key)) })
        const keys = Stream.concat(Stream.make("a"), Stream.fromEffect(Effect.interrupt))
        const exit = yield* Effect.exit(Stream.runCollect(poller.results(job, keys, hour)))
        assert.isTrue(Exit.isFailure(exit))
      })
    )
  })

  describe("readers", () => {
    it.effect("slow reader - delays new waits, not those that run", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ ...plain, capacity: 4 })
        const read = yield* Deferred.make<void>()
        const seen: Array<string> = []
        yield* Effect.forkScoped(
          Stream.runForEach(poller.results(job, keysOf(100), hour), ({ key }) =>
            Effect.andThen(
              seen.length < 1 ? Effect.void : Deferred.await(read),
              Effect.sync(() => seen.push(key))
            )
          )
        )
        yield* TestClock.adjust("10 minutes")
        // The reader holds some, and four more have ended and wait for it: no wait starts.
        const before = checks.length
        assert.isAtMost(before, 8)
        assert.deepStrictEqual([inspect(poller).freeCapacity, (yield* poller.stats).watched], [0, 0])
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(checks.length, before)
        yield* Deferred.succeed(read, undefined)
        yield* TestClock.adjust("10 minutes")
        assert.deepStrictEqual([seen.length, new Set(seen).size], [100, 100])
        assert.strictEqual(inspect(poller).freeCapacity, 4)
      })
    )

    it.effect("reader that leaves - interrupts the waits of its stream, and no others", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(() => pending)
        const poller = yield* Poller.make(plain)
        const other = yield* poller.add(job, "k0", hour)
        const fiber = yield* Effect.forkChild(Stream.runDrain(poller.results(job, keysOf(50), hour)), {
          startImmediately: true
        })
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* poller.stats).watched, 51)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual([(yield* poller.stats).watched, inspect(poller).waits], [1, 1])
        assert.strictEqual(inspect(poller).freeCapacity, 999_999)
        const before = checks.length
        yield* TestClock.adjust("1 second")
        assert.strictEqual(checks.length, before + 1)
        yield* other.interrupt
      })
    )

    it.effect("reader that leaves - frees the capacity of its waits", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(doneAt(1))
        const poller = yield* Poller.make({ ...plain, capacity: 4 })
        yield* Stream.runDrain(Stream.take(poller.results(job, keysOf(100), hour), 1))
        assert.strictEqual(inspect(poller).freeCapacity, 4)
      })
    )
  })

  describe("shutdown", () => {
    it.effect("shutdown - ends the stream after the ends of its waits", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(() => pending)
        const poller = yield* Poller.make({ ...plain, capacity: 5 })
        const fiber = yield* Effect.forkScoped(Stream.runCollect(poller.results(job, keysOf(20), hour)), {
          startImmediately: true
        })
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* poller.shutdown).length, 5)
        const ends = yield* Fiber.join(fiber)
        assert.deepStrictEqual(
          ends.map(({ key }) => key),
          keysOf(5)
        )
        for (const { exit } of ends) assert.isTrue(Exit.hasInterrupts(exit))
      })
    )

    it.effect("shutdown - ends a stream whose keys never end", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const job = Job.make<string>("render", {
          check: () => Effect.succeed(pending),
          strategy: Strategy.spaced("1 second")
        })
        const keys = Stream.concat(Stream.make("a"), Stream.never)
        const fiber = yield* Effect.forkChild(Stream.runCollect(poller.results(job, keys, hour)))
        yield* TestClock.adjust("5 seconds")
        yield* poller.shutdown
        yield* TestClock.adjust("1 hour")
        const ended = fiber.pollUnsafe() !== undefined
        yield* Fiber.interrupt(fiber)
        assert.isTrue(ended)
      })
    )
  })
})
