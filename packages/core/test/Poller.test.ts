import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { ResumeToken } from "effect-poll/ResumeToken"
import { pending, slow } from "./support/checks.ts"
import { inspect } from "./support/inspect.ts"
import { doneAt, inOneSecond, keysOf, scriptedJob, timedJob } from "./support/jobs.ts"
import { hour, plain } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"
import { ending } from "./support/runs.ts"
import { storedToken } from "./support/tokens.ts"

describe("Poller", () => {
  describe("make", () => {
    it("make - throws a RangeError for a figure out of range", () => {
      const cases: ReadonlyArray<readonly [Poller.Options, RegExp]> = [
        [{ concurrency: 0 }, /^Poller\.make: concurrency must be an integer >= 1 or "unbounded", got 0$/],
        [{ concurrency: 1.5 }, /concurrency must be an integer >= 1 .*got 1\.5/],
        [{ concurrencyPerJob: Number.NaN }, /concurrencyPerJob must be an integer >= 1 .*got NaN/],
        [{ capacity: -1 }, /capacity must be an integer >= 1 .*got -1/],
        [{ coalesce: -1 }, /coalesce must be a non-negative finite duration/],
        [{ linger: Infinity }, /linger must be a non-negative finite duration/]
      ]
      for (const [options, message] of cases) assert.throws(() => Poller.make(options), message)
      const unbounded = Poller.make({
        concurrency: "unbounded",
        concurrencyPerJob: "unbounded",
        capacity: "unbounded",
        coalesce: 0,
        linger: 0
      })
      assert.isTrue(Effect.isEffect(unbounded))
    })

    it.effect("add, until and resume - throw a RangeError for bad options at the call", () =>
      Effect.gen(function* () {
        const job = timedJob()
        const poller = yield* Poller.make(plain)
        assert.throws(() => poller.add(job, "a", { deadline: 0 }), /^Poller\.add: deadline/)
        assert.throws(() => poller.add(job, "", hour), /^Poller\.add: key/)
        assert.throws(() => poller.until(job, "a", { deadline: -1 }), /^Poller\.until: deadline/)
        assert.throws(() => poller.resume(job, storedToken(), { checkTimeout: 0 }), /^Poller\.resume: checkTimeout/)
      })
    )

    it.effect("layer - closes with its scope and hands the tokens to onShutdown", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(doneAt(1))
        const running: Array<ReadonlyArray<ResumeToken>> = []
        const layer = Poller.layer({ onShutdown: (tokens) => Effect.sync(() => void running.push(tokens)) })
        const result = yield* Effect.gen(function* () {
          const poller = yield* Poller.Poller
          yield* poller.add(timedJob(), "never", hour)
          return yield* poller.until(job, "a", hour)
        }).pipe(Effect.provide(layer))
        assert.deepStrictEqual([result, running.map((tokens) => tokens.map(({ key }) => key))], ["a.png", [["never"]]])
      })
    )
  })

  describe("stats", () => {
    it.effect("stats - count waits by what they are doing and endings by kind", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob<string, string>((key) => {
          if (key === "ok") return Status.succeeded(key)
          if (key === "bad") return Status.failed(key)
          if (key === "bug") return Effect.die("bug")
          return key === "checks" ? Effect.never : pending
        })
        const poller = yield* Poller.make({ ...plain, concurrency: 2 })
        for (const key of ["ok", "bad", "bug", "sleeps", "interrupted", "paused"]) yield* poller.add(job, key, hour)
        const interrupted = yield* poller.add(job, "interrupted", hour)
        yield* interrupted.interrupt
        for (const key of ["checks", "checks", "checks too"]) {
          yield* poller.add(Job.make(key, { check: () => Effect.never }), key, hour)
        }
        yield* poller.add(job, "waits", hour)
        const { ended, ...now } = yield* poller.stats
        assert.deepStrictEqual(now, { watched: 7, waiting: 3, queued: 2, checking: 2, requests: 2 })
        assert.deepStrictEqual(ended, { Succeeded: 1, JobFailed: 1, Defect: 1, Interrupted: 1 })
      })
    )
  })

  describe("handle", () => {
    it.effect("handle - outlives the fiber that added the wait and a caller that stops awaiting it", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(doneAt(3))
        const poller = yield* Poller.make(plain)
        const handle = yield* Fiber.join(yield* Effect.forkChild(poller.add(job, "a", hour)))
        const reader = yield* Effect.forkChild(handle.await, { startImmediately: true })
        yield* Fiber.interrupt(reader)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* handle.await, "a.png")
      })
    )

    it.effect("events - report checks and delays to a subscriber and end with the wait", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(doneAt(3))
        const poller = yield* Poller.make(plain)
        const handle = yield* poller.add(job, "a", hour)
        const fiber = yield* Effect.forkChild(Stream.runCollect(Stream.map(handle.events, ({ _tag }) => _tag)), {
          startImmediately: true
        })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Fiber.join(fiber), ["Changed", "Unchanged", "Waiting", "Changed", "Ended"])
        assert.deepStrictEqual(yield* Stream.runCollect(Stream.map(handle.events, ({ _tag }) => _tag)), [
          "Changed",
          "Ended"
        ])
      })
    )
  })

  describe("observers", () => {
    it.effect("observers - are notified of every wait, in order", () =>
      Effect.gen(function* () {
        const { notifications, observer } = recordEvents()
        const { job } = scriptedJob(doneAt(1))
        const poller = yield* Poller.make(plain)
        for (const key of ["a", "b"]) yield* poller.until(job, key, { ...hour, observers: [observer] })
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual(
          notifications.map(({ event, key }) => `${key} ${event._tag}`),
          ["a Started", "a Changed", "a Ended", "b Started", "b Changed", "b Ended"]
        )
      })
    )

    it.effect("slow observer of the last wait - is notified of the next wait too", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const ended: Array<string> = []
        let first = true
        const observer = Observer.make((notification) =>
          Effect.suspend(() => {
            const delay = first ? "1 hour" : "0 millis"
            first = false
            const record = Effect.sync(() => {
              if (notification.event._tag === "Ended") ended.push(notification.key)
            })
            return Effect.delay(record, delay)
          })
        )
        const options = { ...hour, observers: [observer] }
        const job = Job.make<string>("render", { check: (key) => Effect.succeed(Status.succeeded(key)) })
        yield* poller.until(job, "a", options)
        yield* TestClock.adjust("10 minutes")
        yield* poller.until(job, "b", options)
        yield* TestClock.adjust("2 hours")
        assert.include(ended, "b")
      })
    )

    it.effect("observers - see no Waiting for waits that had to queue until the next turn", () =>
      Effect.gen(function* () {
        const { observer, tags } = recordEvents()
        const { job } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ ...plain, concurrency: "unbounded" })
        const ends = poller.results(job, keysOf(200), { ...hour, observers: [observer] })
        const fiber = yield* Effect.forkChild(Stream.runCount(ends))
        // The waits of the second turn start when the clock has already moved.
        yield* TestClock.adjust("1 second")
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(fiber), 200)
        assert.deepStrictEqual([...new Set(tags())].toSorted(), ["Changed", "Ended", "Started"])
      })
    )
  })

  describe("defects", () => {
    it.effect("check that throws, dies or interrupts its own fiber - ends its own wait only", () =>
      Effect.gen(function* () {
        const job = Job.make<string>("odd", {
          check: (key) => {
            if (key === "throws") throw new Error("bug")
            if (key === "dies") return Effect.die("bug")
            if (key === "interrupts") return Effect.interrupt
            if (key === "kills") return Effect.withFiber((fiber) => (fiber.interruptUnsafe(), Effect.never))
            return Effect.succeed(Status.succeeded(key))
          }
        })
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const ends: Record<string, unknown> = {}
        for (const key of ["throws", "dies", "interrupts", "kills", "fine"]) {
          ends[key] = ending(yield* Effect.exit(poller.until(job, key, hour)))
        }
        assert.deepStrictEqual(ends, {
          throws: "defect",
          dies: "defect",
          interrupts: "defect",
          kills: "defect",
          fine: "fine"
        })
        assert.deepStrictEqual((yield* poller.stats).ended, { Defect: 2, Interrupted: 2, Succeeded: 1 })
      })
    )

    it.effect("strategy, classifier or fallback that throws - ends its own wait only", () =>
      Effect.gen(function* () {
        const throws = () => {
          throw new Error("bug")
        }
        const job = Job.make<string, never, string>("odd", {
          check: (key) =>
            key === "missing"
              ? Effect.succeed(CheckResult.missing)
              : key === "pending"
                ? Effect.succeed(pending)
                : Effect.fail("oops"),
          missing: { fallback: { locate: throws, check: () => Effect.never } },
          strategy: Strategy.make({ decide: throws }),
          checkErrors: { kindOf: throws }
        })
        const poller = yield* Poller.make()
        for (const key of ["missing", "pending", "fails"]) {
          assert.strictEqual(ending(yield* Effect.exit(poller.until(job, key, hour))), "defect")
        }
      })
    )

    it.effect("strategy that throws in the first step - ends its wait, not the Poller", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(doneAt(2))
        const poller = yield* Poller.make()
        const strategy = Strategy.make({
          decide: () => {
            throw new Error("bug")
          }
        })
        const broken = yield* Effect.exit(poller.until(job, "a", { ...hour, strategy }))
        assert.strictEqual(ending(broken), "defect")
        assert.strictEqual(yield* poller.until(scriptedJob(doneAt(1)).job, "a", hour), "a.png")
      })
    )
  })

  describe("capacity", () => {
    it.effect("add - waits in order while the Poller is full", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(() => pending)
        const poller = yield* Poller.make({ ...plain, capacity: 2 })
        const [one, two] = [yield* poller.add(job, "one", hour), yield* poller.add(job, "two", hour)]
        const order: Array<string> = []
        const add = (key: string) =>
          Effect.forkScoped(
            Effect.flatMap(poller.add(job, key, hour), (handle) =>
              Effect.as(
                Effect.sync(() => order.push(key)),
                handle
              )
            ),
            { startImmediately: true }
          )
        const [three, four] = [yield* add("three"), yield* add("four")]
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([order, inspect(poller).capacityWaiters], [[], 2])
        yield* two.interrupt
        assert.deepStrictEqual(order, ["three"])
        yield* (yield* Fiber.join(three)).interrupt
        assert.deepStrictEqual(order, ["three", "four"])
        yield* one.interrupt
        yield* (yield* Fiber.join(four)).interrupt
        assert.deepStrictEqual([inspect(poller).freeCapacity, inspect(poller).capacityWaiters], [2, 0])
      })
    )

    it.effect("wait that ends - makes room, though its result is still held", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ ...plain, capacity: 1 })
        const fiber = yield* Effect.forkChild(
          Effect.forEach(keysOf(5), (key) => poller.add(job, key, hour)).pipe(
            Effect.flatMap((handles) => Effect.forEach(handles, (handle) => handle.await))
          )
        )
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* Fiber.join(fiber), keysOf(5))
      })
    )

    it.effect("interruption while waiting for room - takes no capacity, at whatever step it comes", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(() => pending)
        let waiting = 0
        for (const ops of [3, 4, 5, 7]) {
          for (let steps = 0; steps < 30; steps++) {
            const poller = yield* Poller.make({ ...plain, capacity: 1 })
            const first = yield* poller.add(job, "first", hour)
            // Yields every few operations, so that the interruption comes in the middle.
            const second = yield* Effect.forkChild(
              Effect.provideService(poller.add(job, "second", hour), Scheduler.MaxOpsBeforeYield, ops)
            )
            for (let i = 0; i < 50; i++) yield* Effect.yieldNow
            waiting += inspect(poller).capacityWaiters
            yield* first.interrupt
            for (let i = 0; i < steps; i++) yield* Effect.yieldNow
            yield* Fiber.interrupt(second)
            const { capacityWaiters, freeCapacity, waits } = inspect(poller)
            assert.deepStrictEqual([freeCapacity + waits, capacityWaiters], [1, 0], `${ops} operations, ${steps} steps`)
          }
        }
        assert.strictEqual(waiting, 120)
      })
    )

    it.effect("interruption of add - takes no capacity without a wait, at whatever step it comes", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(() => pending)
        for (const ops of [3, 4, 5, 7]) {
          for (let steps = 0; steps < 40; steps++) {
            const poller = yield* Poller.make({ ...plain, capacity: 1 })
            const fiber = yield* Effect.forkChild(
              Effect.provideService(poller.add(job, "a", hour), Scheduler.MaxOpsBeforeYield, ops)
            )
            for (let i = 0; i < steps; i++) yield* Effect.yieldNow
            yield* Fiber.interrupt(fiber)
            const { freeCapacity, waits } = inspect(poller)
            assert.strictEqual(freeCapacity + waits, 1, `${ops} operations, ${steps} steps`)
          }
        }
      })
    )

    it.effect("interruption of until - removes its wait, at whatever step it comes", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(() => slow("1 second", pending), {
          strategy: Strategy.spaced("1 second")
        })
        for (const ops of [3, 4, 5, 7]) {
          for (let steps = 0; steps < 60; steps++) {
            const poller = yield* Poller.make({ ...plain, capacity: 3 })
            const fiber = yield* Effect.forkChild(
              Effect.provideService(poller.until(job, "a", hour), Scheduler.MaxOpsBeforeYield, ops)
            )
            for (let i = 0; i < steps; i++) yield* Effect.yieldNow
            yield* Fiber.interrupt(fiber)
            const { timeouts, freeCapacity, sleepers, waits } = inspect(poller)
            assert.deepStrictEqual([freeCapacity, waits], [3, 0], `${ops} operations, ${steps} steps`)
            assert.isAtMost(timeouts + sleepers, 2)
          }
        }
      })
    )

    it.effect("key that cannot be encoded - takes no capacity", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(doneAt(1))
        const poller = yield* Poller.make({ ...plain, capacity: 10 })
        yield* Effect.exit(Stream.runDrain(poller.results(job, [""], hour)))
        assert.strictEqual(inspect(poller).freeCapacity, 10)
      })
    )
  })
})
