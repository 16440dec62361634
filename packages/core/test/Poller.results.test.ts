import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { doneAt, held, keysOf, scriptedJob } from "./many.ts"
import { ending, pending } from "./scripted.ts"

const hour = { deadline: "1 hour" } as const
const plain = { stagger: false, linger: 0 } as const

describe("Poller.results", () => {
  it.effect("yields the end of every key, as they come, with what it took", () =>
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
        ends.map(({ attempts, elapsedMillis: elapsed, exit, key }) => [key, ending(exit), attempts, elapsed]),
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

  it.effect("no keys, no ends", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(doneAt(1))
      const poller = yield* Poller.make(plain)
      assert.deepStrictEqual(yield* Stream.runCollect(poller.results(job, [], hour)), [])
      assert.deepStrictEqual(yield* Stream.runCollect(poller.results(job, Stream.empty, hour)), [])
    })
  )

  it.effect("has keys that are no strings as they were given", () =>
    Effect.gen(function* () {
      const job = Job.make<{ readonly id: number }, number>("typed", {
        key: { encode: ({ id }) => `#${id}`, decode: (text) => ({ id: Number(text.slice(1)) }) },
        check: ({ id }) => Effect.succeed(Status.succeeded(id * 2))
      })
      const poller = yield* Poller.make(plain)
      const key = { id: 21 }
      const [end] = yield* Stream.runCollect(poller.results(job, [key], hour))
      assert.strictEqual(end!.key, key)
      assert.deepStrictEqual(end!.exit, Exit.succeed(42))
    })
  )

  it.effect("works each time it is run, and its options are checked at the call", () =>
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

  it.effect("takes the keys of an endless stream as there is room", () =>
    Effect.gen(function* () {
      let given = 0
      const { job, checks } = scriptedJob((key) => Effect.as(Effect.sleep("1 second"), Status.succeeded(key)))
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

  it.effect("a slow reader holds back new waits, not those that run", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob((key) => Effect.as(Effect.sleep("1 second"), Status.succeeded(key)))
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
      // Some are in the hands of the reader, four more ended and wait for it: nothing begins.
      const before = checks.length
      assert.isAtMost(before, 8)
      assert.deepStrictEqual([held(poller).free, (yield* poller.stats).watched], [0, 0])
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(checks.length, before)
      yield* Deferred.succeed(read, undefined)
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual([seen.length, new Set(seen).size], [100, 100])
      assert.strictEqual(held(poller).free, 4)
    })
  )

  it.effect("who leaves the stream removes its waits, and no others", () =>
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
      assert.deepStrictEqual([(yield* poller.stats).watched, held(poller).waits], [1, 1])
      assert.strictEqual(held(poller).free, 999_999)
      const before = checks.length
      yield* TestClock.adjust("1 second")
      assert.strictEqual(checks.length, before + 1)
      yield* other.interrupt
    })
  )

  it.effect("keys that fail fail the stream, after the ends that are there; its waits are removed", () =>
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

  it.effect("keys that come late keep the stream open", () =>
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

  it.effect("ends with the Poller, after the ends of its waits", () =>
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
})

describe("Poller, room", () => {
  it.effect("add waits while there are as many as the maximum, in turn", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(() => pending)
      const poller = yield* Poller.make({ ...plain, capacity: 2 })
      const [one, two] = [yield* poller.add(job, "one", hour), yield* poller.add(job, "two", hour)]
      const order: Array<string> = []
      const add = (key: string) =>
        Effect.forkScoped(
          Effect.flatMap(poller.add(job, key, hour), (watch) =>
            Effect.as(
              Effect.sync(() => order.push(key)),
              watch
            )
          ),
          { startImmediately: true }
        )
      const [three, four] = [yield* add("three"), yield* add("four")]
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([order, held(poller).waiting], [[], 2])
      yield* two.interrupt
      assert.deepStrictEqual(order, ["three"])
      yield* (yield* Fiber.join(three)).interrupt
      assert.deepStrictEqual(order, ["three", "four"])
      yield* one.interrupt
      yield* (yield* Fiber.join(four)).interrupt
      assert.deepStrictEqual([held(poller).free, held(poller).waiting], [2, 0])
    })
  )

  it.effect("a wait that ends by itself makes room, whoever holds its result", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob((key) => Effect.as(Effect.sleep("1 second"), Status.succeeded(key)))
      const poller = yield* Poller.make({ ...plain, capacity: 1 })
      const fiber = yield* Effect.forkChild(
        Effect.forEach(keysOf(5), (key) => poller.add(job, key, hour)).pipe(
          Effect.flatMap((watches) => Effect.forEach(watches, (watch) => watch.await))
        )
      )
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(yield* Fiber.join(fiber), keysOf(5))
    })
  )

  it.effect("who is interrupted while it waits for room takes no place, wherever it is interrupted", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(() => pending)
      let waited = 0
      for (const ops of [3, 4, 5, 7]) {
        for (let steps = 0; steps < 30; steps++) {
          const poller = yield* Poller.make({ ...plain, capacity: 1 })
          const first = yield* poller.add(job, "first", hour)
          // Gives way every few operations, so that it is interrupted in the midst of things.
          const second = yield* Effect.forkChild(
            Effect.provideService(poller.add(job, "second", hour), Scheduler.MaxOpsBeforeYield, ops)
          )
          for (let i = 0; i < 50; i++) yield* Effect.yieldNow
          waited += held(poller).waiting
          yield* first.interrupt
          for (let i = 0; i < steps; i++) yield* Effect.yieldNow
          yield* Fiber.interrupt(second)
          const { free, waiting, waits } = held(poller)
          assert.deepStrictEqual([free + waits, waiting], [1, 0], `${ops} operations, ${steps} steps`)
        }
      }
      assert.strictEqual(waited, 120)
    })
  )

  it.effect("keys that are interrupted are not at their end", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const job = Job.make<string>("j", { check: (key) => Effect.succeed(Status.succeeded(key)) })
      const keys = Stream.concat(Stream.make("a"), Stream.fromEffect(Effect.interrupt))
      const exit = yield* Effect.exit(Stream.runCollect(poller.results(job, keys, hour)))
      assert.isTrue(Exit.isFailure(exit))
    })
  )

  it.effect("a Poller that shuts down ends the stream, though no more keys come", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const job = Job.make<string>("j", { check: () => Effect.succeed(pending), strategy: Strategy.spaced("1 second") })
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
