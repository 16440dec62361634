import { assert, describe, it, vi } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { batchJob } from "./support/batches.ts"
import { pending, slow } from "./support/checks.ts"
import { manualPoller } from "./support/clock.ts"
import { doneAt, inOneSecond, keysOf, recordChecks, scriptedJob } from "./support/jobs.ts"
import { firstAt, hour, plain } from "./support/options.ts"
import { countTurns } from "./support/recorders.ts"
import { ending } from "./support/runs.ts"
import { storedToken } from "./support/tokens.ts"

describe("Poller", () => {
  describe("fairness", () => {
    it.effect("job with one due key - is not starved by one with 10,000", () =>
      Effect.gen(function* () {
        const many = scriptedJob(inOneSecond, { name: "many" })
        const one = scriptedJob(inOneSecond, { name: "one" })
        const poller = yield* Poller.make({ stagger: false, concurrency: 10 })
        for (const key of keysOf(10_000)) yield* poller.add(many.job, key, hour)
        const handle = yield* poller.add(one.job, "a", hour)
        yield* TestClock.adjust("2 seconds")
        // It has the first slot that is free, not one after a thousand rounds.
        assert.deepStrictEqual(one.starts("a"), [1000])
        assert.strictEqual(yield* handle.await, "a")
      })
    )

    it.effect("jobs - take turns, and the keys of a job go in the order of their due times", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const check = (key: string) =>
          Effect.andThen(
            Effect.sync(() => order.push(key)),
            inOneSecond(key)
          )
        const one = scriptedJob(check, { name: "one" })
        const two = scriptedJob(check, { name: "two" })
        const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
        for (const key of ["a1", "a2", "a3", "a4"]) yield* poller.add(one.job, key, hour)
        for (const key of ["b1", "b2"]) yield* poller.add(two.job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(order, ["a1", "a2", "b1", "a3", "b2", "a4"])
      })
    )

    it.effect("waits that become due - queue behind those already waiting", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob((key, attempt) =>
          slow("1 second", attempt < 2 ? pending : Status.succeeded(key))
        )
        const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
        for (const key of ["a", "b", "c"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          checks.map(({ key }) => key),
          ["a", "b", "c", "a", "b", "c"]
        )
      })
    )

    it.effect("wait added when another ends - queues behind those already waiting", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
        yield* Effect.forkScoped(Effect.andThen(poller.until(job, "first", hour), poller.until(job, "second", hour)), {
          startImmediately: true
        })
        yield* poller.add(job, "queued", hour)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([starts("queued"), starts("second")], [[1000], [2000]])
      })
    )

    it("due request - starts, though single checks keep the Poller busy", async () => {
      const { poller, run, setTo } = manualPoller()
      const { job, requests } = batchJob({ answer: () => pending, slack: 10, strategy: firstAt(20, 20) })
      let now = 0
      // Checks that take half a millisecond each, and more of them than fit before they are due again.
      const busy = Job.make<string>("busy", {
        check: () =>
          Effect.sync(() => {
            setTo(Math.floor((now += 0.5)))
            return now < 500 ? pending : Status.succeeded("done")
          }),
        strategy: Strategy.spaced(1)
      })
      run(
        Effect.gen(function* () {
          yield* poller.add(job, "a", { ...hour, checkTimeout: "100 millis" })
          for (const key of keysOf(200)) yield* poller.add(busy, key, hour)
        })
      )
      await vi.waitUntil(() => now >= 400)
      assert.isAtLeast(requests.length, 3)
    })

    it.effect(
      "100,000 checks that end at once - need no stack and let other fibers run",
      () =>
        Effect.gen(function* () {
          const { job } = scriptedJob(doneAt(2))
          const poller = yield* Poller.make(plain)
          const fiber = yield* Effect.forkChild(Stream.runCount(poller.results(job, keysOf(100_000), hour)))
          const turns = yield* countTurns
          yield* TestClock.adjust("1 second")
          assert.strictEqual(yield* Fiber.join(fiber), 100_000)
          assert.isAbove(turns(), 1000)
        }),
      30_000
    )

    it.effect(
      "10,000 checks of a wait without delays - let other fibers run",
      () =>
        Effect.gen(function* () {
          const { job, checks } = scriptedJob(doneAt(10_000), { strategy: Schedule.forever })
          const poller = yield* Poller.make(plain)
          const turns = yield* countTurns
          const wait = Effect.provide(poller.until(job, "a", hour), PollDefaults.layer({ zeroDelay: 0 }))
          const fiber = yield* Effect.forkChild(wait)
          yield* TestClock.adjust("1 second")
          assert.strictEqual(yield* Fiber.join(fiber), "a.png")
          assert.strictEqual(checks.length, 10_000)
          assert.isAbove(turns(), 100)
        }),
      30_000
    )
  })

  describe("concurrency", () => {
    it.effect("concurrency and concurrencyPerJob - bound the checks in flight and are used up", () =>
      Effect.gen(function* () {
        const recorded = recordChecks()
        const jobOf = (name: string) =>
          scriptedJob((key) => recorded.record(name, [key], inOneSecond(key)), { name }).job
        const poller = yield* Poller.make({ stagger: false, concurrency: 5, concurrencyPerJob: 3 })
        const ends = yield* Effect.forEach(["one", "two", "three"], (name) =>
          Effect.forkChild(Stream.runCollect(poller.results(jobOf(name), keysOf(20), hour)))
        )
        yield* TestClock.adjust("1 second")
        assert.strictEqual((yield* poller.stats).requests, 5)
        yield* TestClock.adjust("1 minute")
        yield* Fiber.joinAll(ends)
        assert.deepStrictEqual(recorded.most, {
          total: 5,
          perJob: { one: 3, two: 3, three: 3 },
          perKey: { one: 1, two: 1, three: 1 }
        })
        // 60 checks of a second, 5 at a time; in the end there are too few jobs left to use all slots.
        assert.isAtMost(recorded.checks.at(-1)!.end, 15_000)
      })
    )

    it.effect("concurrencyPerJob - leaves the other jobs alone", () =>
      Effect.gen(function* () {
        const stuck = scriptedJob(() => Effect.never, { name: "stuck" })
        const fine = scriptedJob(inOneSecond, { name: "fine" })
        const poller = yield* Poller.make({ stagger: false, concurrencyPerJob: 1 })
        for (const key of keysOf(100)) yield* poller.add(stuck.job, key, hour)
        for (const key of keysOf(5)) yield* poller.add(fine.job, key, hour)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(
          fine.checks.map(({ start }) => start),
          [0, 1000, 2000, 3000, 4000]
        )
        assert.strictEqual(stuck.checks.length, 1)
      })
    )

    it.effect("check that hangs - frees its slot at checkTimeout, and its wait continues", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob((key, attempt) =>
          key === "hangs" && attempt === 1 ? Effect.never : Status.succeeded(key)
        )
        const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
        const options = {
          ...hour,
          checkTimeout: "5 seconds",
          checkErrors: { schedule: Strategy.spaced("1 second") }
        } as const
        const hangs = yield* poller.add(job, "hangs", options)
        const next = yield* poller.add(job, "next", options)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([starts("hangs"), starts("next")], [[0, 6000], [5000]])
        assert.deepStrictEqual([yield* hangs.await, yield* next.await], ["hangs", "next"])
      })
    )

    it.effect("uninterruptible check that timed out - frees its slot when it ends", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob((key, attempt) =>
          key === "uninterruptible" && attempt === 1
            ? Effect.uninterruptible(slow("20 seconds", Status.succeeded("stale")))
            : Status.succeeded(`fresh ${key}`)
        )
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const options = {
          ...hour,
          checkTimeout: "5 seconds",
          checkErrors: { schedule: Strategy.spaced("1 second") }
        } as const
        const first = yield* poller.add(job, "uninterruptible", options)
        yield* poller.add(job, "next", options)
        yield* TestClock.adjust("19 seconds")
        assert.strictEqual((yield* poller.stats).requests, 1)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([starts("uninterruptible"), starts("next")], [[0, 20_000], [20_000]])
        assert.strictEqual(yield* first.await, "fresh uninterruptible")
      })
    )

    it.effect("interrupted check with a slow finalizer - frees its slot when it ends", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob((key) =>
          key === "slow" ? Effect.onInterrupt(Effect.never, () => Effect.sleep("1 second")) : Status.succeeded(key)
        )
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const handle = yield* poller.add(job, "slow", hour)
        yield* poller.add(job, "next", hour)
        yield* Effect.forkScoped(handle.interrupt, { startImmediately: true })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(starts("next"), [1000])
      })
    )
  })

  describe("queue", () => {
    it.effect("queued wait - times out at its deadline without a check", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(() => Effect.never)
        const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
        yield* poller.add(job, "a", { ...hour, checkTimeout: "unbounded" })
        const handle = yield* poller.add(job, "b", { deadline: "3 seconds" })
        yield* TestClock.adjust("2999 millis")
        assert.strictEqual((yield* poller.stats).queued, 1)
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(ending(yield* Effect.exit(handle.await)), "PollTimeout deadline")
        assert.deepStrictEqual(
          [starts("b"), yield* poller.stats],
          [[], { watched: 1, waiting: 0, queued: 0, checking: 1, requests: 1, ended: { PollTimeout: 1 } }]
        )
      })
    )

    it.effect("queued wait that is interrupted or paused - takes no slot", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
        yield* poller.add(job, "a", hour)
        const interrupted = yield* poller.add(job, "interrupted", hour)
        const paused = yield* poller.add(job, "paused", hour)
        const last = yield* poller.add(job, "last", hour)
        yield* interrupted.interrupt
        yield* paused.pause
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual([starts("interrupted"), starts("paused"), starts("last")], [[], [], [1000]])
        assert.strictEqual(yield* last.await, "last")
        yield* paused.unpause
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([starts("paused"), yield* paused.await], [[3000], "paused"])
      })
    )

    it.effect("checkNow, pause and unpause of a queued wait - keep its place in the queue", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
        yield* poller.add(job, "a", hour)
        const b = yield* poller.add(job, "b", hour)
        yield* poller.add(job, "c", hour)
        yield* b.checkNow()
        yield* b.pause
        yield* b.checkNow({ force: true })
        yield* b.unpause
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([starts("a"), starts("b"), starts("c")], [[0], [1000], [2000]])
      })
    )
  })

  describe("gate", () => {
    it.effect("gate that is asked - takes a slot, which an answer that postpones frees", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(inOneSecond)
        const asked: Array<string> = []
        const gate = Gate.make(({ key }) =>
          Effect.gen(function* () {
            const now = yield* Clock.currentTimeMillis
            asked.push(`${key} ${now}`)
            yield* Effect.sleep("100 millis")
            return now < 1000 ? Gate.postponed("1 second", "later") : Gate.open
          })
        )
        const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
        yield* poller.add(job, "a", { ...hour, gate })
        yield* poller.add(job, "b", { ...hour, gate })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(asked, ["a 0", "b 100", "a 1100", "b 2200"])
        assert.deepStrictEqual([starts("a"), starts("b")], [[1200], [2300]])
      })
    )

    it.effect("gate that hangs - times out at the deadline and frees its slot", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
        const stuck = yield* poller.add(job, "a", { deadline: "5 seconds", gate: Gate.make(() => Effect.never) })
        const free = yield* poller.add(job, "b", hour)
        yield* TestClock.adjust("7 seconds")
        assert.deepStrictEqual(
          [ending(yield* Effect.exit(stuck.await)), ending(yield* Effect.exit(free.await))],
          ["PollTimeout deadline", "b"]
        )
      })
    )

    it.effect("gate that dies - ends its own wait only", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ stagger: false })
        const first = yield* poller.add(job, "a", { ...hour, gate: Gate.make(() => Effect.die("bug")) })
        const second = yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([ending(yield* Effect.exit(first.await)), yield* second.await], ["defect", "a"])
      })
    )

    it.effect("interrupt or pause while the gate is asked - makes no check", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ stagger: false })
        const gate = Gate.make(() => Effect.as(Effect.sleep("1 second"), Gate.open))
        const interrupted = yield* poller.add(job, "interrupted", { ...hour, gate })
        const paused = yield* poller.add(job, "paused", { ...hour, gate })
        yield* interrupted.interrupt
        yield* paused.pause
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([checks.length, (yield* poller.stats).requests], [0, 0])
        yield* paused.unpause
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* paused.await, "paused")
      })
    )

    it.effect("checkNow with force - passes the gate of a job with batch requests", () =>
      Effect.gen(function* () {
        const { job } = batchJob()
        const poller = yield* Poller.make(plain)
        const gate = Gate.make(() => Effect.succeed(Gate.postponed("1 minute", "no")))
        const handle = yield* poller.add(job, "x", { ...hour, gate })
        yield* TestClock.adjust("2 seconds")
        yield* handle.checkNow({ force: true })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 1 })
      })
    )

    it.effect("checkNow with force - passes the gate when all slots are taken", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(inOneSecond)
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const gate = Gate.make(() => Effect.succeed(Gate.postponed("1 minute", "no")))
        const handle = yield* poller.add(job, "gated", { ...hour, gate })
        yield* poller.add(job, "first", hour)
        yield* handle.checkNow({ force: true })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(starts("gated"), [1000])
      })
    )
  })

  describe("stagger", () => {
    /** The interval over which the first checks are spread. */
    const interval = { strategy: Strategy.spaced("5 seconds") }

    it.effect(
      "10,000 first checks - are spread over the interval of their strategy, from the first one at once [R20]",
      () =>
        Effect.gen(function* () {
          const { job, checks, starts } = scriptedJob(doneAt(1), interval)
          const poller = yield* Poller.make({ concurrency: "unbounded" })
          for (const key of keysOf(10_000)) yield* poller.add(job, key, hour)
          assert.strictEqual(starts("k0")[0], 0)
          yield* TestClock.adjust("1 hour")
          assert.strictEqual(checks.length, 10_000)
          const counts = Array.from({ length: 5 }, () => 0)
          for (const { start } of checks) counts[Math.floor(start / 1000)]!++
          // They are even over the seconds, and no millisecond has many.
          for (const count of counts) assert.isAbove(count, 900)
          const at = new Map<number, number>()
          for (const { start } of checks) at.set(start, (at.get(start) ?? 0) + 1)
          assert.isAtMost(Math.max(...at.values()), 40)
        }).pipe(Random.withSeed("stagger"))
    )

    it.effect("few first checks - are delayed by at most a hundredth of the interval each", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(doneAt(1), interval)
        const poller = yield* Poller.make()
        for (const key of keysOf(20)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        for (const { start } of checks) assert.isAtMost(start, 20 * 50)
        // Another job has a spread of its own.
        const other = scriptedJob(doneAt(1), { ...interval, name: "other" })
        const now = yield* Clock.currentTimeMillis
        yield* poller.add(other.job, "a", hour)
        assert.deepStrictEqual(other.starts("a"), [now])
      })
    )

    it.effect("stagger false - makes all first checks at once", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(doneAt(1), interval)
        const poller = yield* Poller.make({ stagger: false })
        for (const key of keysOf(100)) yield* poller.add(job, key, hour)
        assert.strictEqual(checks.length, 100)
        assert.isTrue(checks.every(({ start }) => start === 0))
      })
    )

    it.effect("stagger - comes on top of the first wait and stays within the deadline", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(doneAt(1), {
          strategy: firstAt("10 seconds", "5 seconds")
        })
        const poller = yield* Poller.make()
        for (const key of keysOf(1000)) yield* poller.add(job, key, { deadline: "10200 millis" })
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(checks.length, 1000)
        for (const { start } of checks) assert(start >= 10_000 && start <= 10_200, String(start))
        assert.isTrue(checks.some(({ start }) => start > 10_000))
      })
    )

    it.effect("resumed wait that is due later - is not staggered", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(doneAt(1), interval)
        const poller = yield* Poller.make()
        for (const key of keysOf(200)) yield* poller.add(job, key, hour)
        for (const at of [1, 2, 3]) {
          yield* poller.resume(job, storedToken({ key: `t${at}`, dueAt: 4000 + at, deadlineAt: 100_000 }))
        }
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([starts("t1"), starts("t2"), starts("t3")], [[4001], [4002], [4003]])
      })
    )

    it.effect("resumed wait that is due now - is staggered", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(doneAt(1), interval)
        const poller = yield* Poller.make()
        for (const key of keysOf(200)) yield* poller.resume(job, storedToken({ key, dueAt: 0, deadlineAt: 100_000 }))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(checks.length, 200)
        assert.isAbove(new Set(checks.map(({ start }) => start)).size, 20)
      })
    )

    it.effect("wait added long after many others - is not delayed by them", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(doneAt(1))
        const poller = yield* Poller.make()
        for (const key of keysOf(10_000)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("5 seconds")
        yield* poller.add(job, "late", hour)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(starts("late"), [5000])
      })
    )
  })

  describe("coalesce", () => {
    it.effect("coalesce - delays due checks by at most its duration", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(doneAt(2))
        const poller = yield* Poller.make({ ...plain, coalesce: "10 millis" })
        for (const key of keysOf(1000)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.isAtMost(Math.max(...checks.map(({ start }) => start)), 1010)
      })
    )

    it.effect("coalesce - does not delay queued checks further", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(doneAt(2))
        const poller = yield* Poller.make({ ...plain, coalesce: "10 millis", concurrency: 1 })
        for (const key of keysOf(1000)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.isAtMost(Math.max(...checks.map(({ start }) => start)), 1010)
      })
    )

    it.effect("coalesce - keeps the last check and the deadline", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(() => pending)
        const poller = yield* Poller.make({ ...plain, coalesce: "50 millis" })
        yield* poller.add(job, "a", { ...hour, strategy: Strategy.spaced("980 millis") })
        const handle = yield* poller.add(job, "b", { deadline: "1 second", strategy: Strategy.spaced("900 millis") })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(starts("b"), [0, 900, 1000])
        assert.isTrue(Exit.isFailure(yield* Effect.exit(handle.await)))
      })
    )

    it.effect("coalesce - leaves a wait resumed at its deadline its check", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ answer: () => pending })
        const poller = yield* Poller.make({ ...plain, coalesce: 10 })
        yield* TestClock.adjust("10020 millis")
        yield* poller.resume(job, storedToken({ job: "many", key: "a", deadlineAt: 10_020 }))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(requests.length, 1)
      })
    )
  })

  describe("deadline", () => {
    it.effect("5,000 waits due at their deadline - all have their check, though one turn is not enough", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ answer: () => pending, max: 10_000 })
        const poller = yield* Poller.make({ ...plain, concurrency: "unbounded" })
        for (const key of keysOf(5000)) yield* poller.add(job, key, { deadline: 1000 })
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(
          requests.reduce((sum, { keys }) => sum + keys.length, 0),
          5000
        )
      })
    )

    it.effect("100 waits resumed after their deadline - all have their check", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob((key) => slow("5 millis", Status.succeeded(key)))
        const poller = yield* Poller.make(plain)
        yield* TestClock.adjust("1 hour")
        const handles = yield* Effect.forEach(keysOf(100), (key) => poller.resume(job, storedToken({ key })))
        yield* TestClock.adjust("1 second")
        const exits = yield* Effect.forEach(handles, (handle) => Effect.exit(handle.await))
        assert.strictEqual(exits.filter(Exit.isSuccess).length, 100)
      })
    )

    it.effect("checkNow shortly before the deadline - does not cost the last check", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ answer: () => pending })
        const poller = yield* Poller.make(plain)
        const handle = yield* poller.add(job, "a", { deadline: 1050 })
        yield* TestClock.adjust("1020 millis")
        yield* handle.checkNow()
        yield* TestClock.adjust("1 second")
        assert.strictEqual(requests.length, 2)
      })
    )

    it.effect("check gathered until the deadline - is the last one", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ answer: () => pending, strategy: firstAt(1044, 60_000) })
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", { deadline: 1050 })
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(
          requests.map(({ at }) => at),
          [1050]
        )
      })
    )

    it.effect("due check - is not delayed to where its answer would come too late", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ slack: 1000, whole: () => Effect.sleep(100) })
        const poller = yield* Poller.make(plain)
        const strategy = firstAt("1100 millis")
        const handle = yield* poller.add(job, "a", { deadline: "1500 millis", strategy })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(requests, [{ at: 1100, keys: ["a"] }])
        assert.strictEqual(yield* handle.await, "a")
      })
    )

    it.effect("last check - stays where its answer fits, with slack and with coalesce", () =>
      Effect.gen(function* () {
        // Checks take 200 ms, so that the last one before 5100 is due at 4900.
        const late = (now: number) => (now > 4500 ? Status.succeeded("done") : pending)
        const check = Effect.andThen(Effect.sleep("200 millis"), Effect.map(Clock.currentTimeMillis, late))
        const one = Job.make<string>("one", { check: () => check })
        const many = Job.make<string>("many", {
          check: () => Effect.never,
          checkMany: {
            max: 10,
            slack: "1 second",
            check: (keys) =>
              Effect.map(check, (status) => ({ results: new Map(keys.map((key) => [key, Result.succeed(status)])) }))
          }
        })
        const poller = yield* Poller.make({ ...plain, coalesce: "1 second" })
        const options = { deadline: "5100 millis", strategy: Strategy.spaced("1200 millis") } as const
        const handles = [yield* poller.add(one, "a", options), yield* poller.add(many, "a", options)]
        yield* TestClock.adjust("1 minute")
        const exits = yield* Effect.forEach(handles, (handle) => Effect.exit(handle.await))
        assert.deepStrictEqual(exits, [Exit.succeed("done"), Exit.succeed("done")])
      })
    )
  })
})
