import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import { batchJob } from "./support/batches.ts"
import { pending, slow } from "./support/checks.ts"
import { inOneSecond, keysOf, scriptedJob } from "./support/jobs.ts"
import { every1s, hour, plain } from "./support/options.ts"
import { ending } from "./support/runs.ts"

/** A gate that records its questions, and how many are in flight. */
const recordedGate = (answer: (key: string, now: number) => Effect.Effect<Gate.Answer>, options?: Gate.Options) => {
  const asked: Array<{ readonly key: string; readonly at: number }> = []
  const now = { inFlight: 0, most: 0 }
  const gate = Gate.make(
    ({ key }) =>
      Effect.flatMap(Clock.currentTimeMillis, (at) => {
        asked.push({ key, at })
        now.most = Math.max(now.most, ++now.inFlight)
        return Effect.ensuring(
          answer(key, at),
          Effect.sync(() => now.inFlight--)
        )
      }),
    options
  )
  return { gate, asked, now }
}

const opened = Effect.succeed(Gate.open)

const done = (key: string) => slow("1 second", Status.succeeded(key))

describe("Poller", () => {
  describe("gate", () => {
    it.effect("gate that hangs for 2,000 waits - leaves all places to other jobs [R47]", () =>
      Effect.gen(function* () {
        const stuck = scriptedJob(inOneSecond, { name: "stuck" })
        const fine = scriptedJob(inOneSecond, { name: "fine" })
        const { asked, gate, now } = recordedGate(() => Effect.never)
        const poller = yield* Poller.make({ ...plain, concurrency: 10 })
        for (const key of keysOf(2000)) yield* poller.add(stuck.job, key, { deadline: "1 minute", gate })
        for (const key of keysOf(100)) yield* poller.add(fine.job, key, hour)
        yield* TestClock.adjust("500 millis")
        // One is kept for a job that has no check in flight.
        assert.isAtLeast(fine.most.total, 9)
        yield* TestClock.adjust("2 minutes")
        assert.strictEqual(fine.checks.length, 100)
        assert.isAtMost(fine.checks.at(-1)!.start, 12_000)
        assert.isAtMost(now.most, 10)
        assert.isAbove(asked.length, 50)
        assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 100, PollTimeout: 2000 })
        assert.deepStrictEqual([now.inFlight, (yield* poller.stats).requests], [0, 0])
      })
    )

    it.effect("gate that hangs and then answers - lets the checks through that it held back [R47]", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(done)
        let heals = false
        const { asked, gate } = recordedGate(() => (heals ? opened : Effect.never))
        const poller = yield* Poller.make({ ...plain, concurrency: 5 })
        for (const key of keysOf(50)) yield* poller.add(job, key, { ...hour, gate })
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(checks.length, 0)
        heals = true
        yield* TestClock.adjust("5 seconds")
        assert.isAtLeast(checks.length, 5)
        yield* TestClock.adjust("15 seconds")
        assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 50 })
        // Each question that hung was given up after 5 seconds.
        assert.isAtMost(asked.length, 5 * 13 + 50)
      })
    )

    it.effect("gate that cannot be interrupted - is asked no more while too many of its questions run on [R47]", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(done)
        const fine = scriptedJob(inOneSecond, { name: "fine" })
        const { asked, gate } = recordedGate(() => Effect.uninterruptible(Effect.as(Effect.sleep("1 hour"), Gate.open)))
        const poller = yield* Poller.make({ ...plain, concurrency: 50 })
        for (const key of keysOf(500)) yield* poller.add(job, key, { deadline: "5 minutes", gate })
        yield* poller.add(fine.job, "a", hour)
        yield* TestClock.adjust("6 minutes")
        // 100 that were given up, and those that were in flight then.
        assert.isAtMost(asked.length, 150)
        assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 1, PollTimeout: 500 })
        yield* TestClock.adjust("1 hour")
      })
    )

    it.effect("waits with another gate, or with none - pass those of the same job whose gate hangs [R47]", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(done)
        const poller = yield* Poller.make({ ...plain, concurrency: 10 })
        const stuck = Gate.make(() => Effect.never)
        const fine = Gate.make(() => opened)
        for (const key of keysOf(200)) yield* poller.add(job, key, { ...hour, gate: stuck })
        for (const key of keysOf(3, "fine")) yield* poller.add(job, key, { ...hour, gate: fine })
        for (const key of keysOf(3, "none")) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("100 millis")
        for (const key of [...keysOf(3, "fine"), ...keysOf(3, "none")]) assert.deepStrictEqual(starts(key), [0])
      })
    )

    it.effect("checkNow with force - passes a gate that hangs, also from the queue [R47]", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(done)
        const poller = yield* Poller.make({ ...plain, concurrency: 3 })
        const gate = Gate.make(() => Effect.never, { timeout: "unbounded" })
        for (const key of keysOf(20)) yield* poller.add(job, key, { ...hour, gate })
        const handle = yield* poller.add(job, "forced", { ...hour, gate })
        yield* TestClock.adjust("1 second")
        yield* handle.checkNow({ force: true })
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual([starts("forced"), yield* handle.await], [[1000], "forced"])
      })
    )

    it.effect("waits that leave while their gate is asked - let others ask [R47]", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(done)
        const { asked, gate, now } = recordedGate((key) => (key.startsWith("gone") ? Effect.never : opened), {
          timeout: "unbounded"
        })
        const poller = yield* Poller.make({ ...plain, concurrency: 2 })
        const gone = yield* Effect.forEach(keysOf(2, "gone"), (key) => poller.add(job, key, { ...hour, gate }))
        const paused = yield* poller.add(job, "paused", { ...hour, gate })
        yield* poller.add(job, "stays", { ...hour, gate })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([asked.length, now.inFlight], [2, 2])
        yield* paused.pause
        for (const handle of gone) yield* handle.interrupt
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          checks.map(({ key, start }) => [key, start]),
          [["stays", 1000]]
        )
        yield* paused.unpause
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual([now.inFlight, (yield* poller.stats).ended], [0, { Interrupted: 2, Succeeded: 2 }])
      })
    )

    it.effect("gate of a request for many that hangs - leaves the places to others [R47]", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ max: 5 })
        const fine = scriptedJob(inOneSecond, { name: "fine" })
        let heals = false
        const { gate } = recordedGate(() => (heals ? opened : Effect.never))
        const poller = yield* Poller.make({ ...plain, concurrency: 4 })
        for (const key of keysOf(50)) yield* poller.add(job, key, { ...hour, gate })
        for (const key of keysOf(9)) yield* poller.add(fine.job, key, hour)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([fine.checks.length, requests.length], [9, 0])
        heals = true
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 59 })
        assert.strictEqual(requests.length, 10)
      })
    )
  })

  describe("permissions", () => {
    it.effect("gate - is asked only as far as there are free places [R49]", () =>
      Effect.gen(function* () {
        const { job, most } = scriptedJob(done)
        const { asked, gate, now } = recordedGate(() => Effect.delay(opened, "300 millis"))
        const poller = yield* Poller.make({ ...plain, concurrency: 100, concurrencyPerJob: 4 })
        for (const key of keysOf(40)) yield* poller.add(job, key, { ...hour, gate })
        yield* TestClock.adjust("200 millis")
        assert.deepStrictEqual([asked.length, now.inFlight], [4, 4])
        yield* TestClock.adjust("500 millis")
        assert.deepStrictEqual([asked.length, most.total], [4, 4])
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 40 })
        assert.strictEqual(most.total, 4)
      })
    )

    it.effect("check that the gate let through when others took the places - has the next free place [R49]", () =>
      Effect.gen(function* () {
        const gated = scriptedJob(done, { name: "gated" })
        const busy = scriptedJob(done, { name: "busy" })
        const { gate } = recordedGate(() => Effect.delay(opened, "500 millis"))
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        yield* poller.add(gated.job, "a", { ...hour, gate })
        for (const key of keysOf(10)) yield* poller.add(busy.job, key, hour)
        yield* TestClock.adjust("10 seconds")
        // The permission came at 500, and the first check of the other job ended at 1000.
        assert.deepStrictEqual([busy.starts("k0"), gated.starts("a"), busy.starts("k1")], [[0], [1000], [2000]])
      })
    )

    it.effect(
      "check that the gate let through - still ends at its deadline, and can be paused and interrupted [R49]",
      () =>
        Effect.gen(function* () {
          const gated = scriptedJob(done, { name: "gated" })
          const busy = scriptedJob(() => Effect.never, { name: "busy" })
          const { gate } = recordedGate(() => Effect.delay(opened, "500 millis"))
          const poller = yield* Poller.make({ ...plain, concurrency: 1 })
          const timed = yield* poller.add(gated.job, "timed", { deadline: "5 seconds", gate })
          const left = yield* poller.add(gated.job, "left", { ...hour, gate })
          const paused = yield* poller.add(gated.job, "paused", { ...hour, gate })
          yield* poller.add(busy.job, "a", { deadline: "20 seconds" })
          yield* TestClock.adjust("1 second")
          yield* left.interrupt
          yield* paused.pause
          yield* TestClock.adjust("9 seconds")
          assert.strictEqual(ending(yield* Effect.exit(timed.await)), "PollTimeout deadline")
          yield* TestClock.adjust("15 seconds")
          assert.deepStrictEqual(gated.starts("timed"), [])
          yield* paused.unpause
          yield* TestClock.adjust("5 seconds")
          assert.strictEqual(yield* paused.await, "paused")
          assert.strictEqual((yield* poller.stats).requests, 0)
        })
    )

    it.effect("tenants that share a gate - ask it in turns [R49]", () =>
      Effect.gen(function* () {
        const many = scriptedJob(done, { name: "many" })
        const few = scriptedJob(done, { name: "few" })
        const { asked, gate } = recordedGate(() => Effect.delay(opened, "1 second"))
        const poller = yield* Poller.make({ ...plain, concurrency: 4 })
        for (const key of keysOf(100)) yield* poller.add(many.job, key, { ...hour, gate })
        yield* poller.add(few.job, "one", { ...hour, gate })
        yield* TestClock.adjust("10 seconds")
        assert.isAtMost(asked.find(({ key }) => key === "one")!.at, 3000)
      })
    )
  })

  describe("partitions", () => {
    it.effect("2,000 waits behind a closed gate - ask it once per delay [R48]", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(() => Effect.succeed(pending), { strategy: every1s })
        const { asked, gate } = recordedGate(() => Effect.succeed(Gate.postponed("10 seconds", "open circuit")), {
          partition: () => "circuit"
        })
        const poller = yield* Poller.make({ ...plain, concurrency: 100 })
        for (const key of keysOf(2000)) yield* poller.add(job, key, { ...hour, gate })
        yield* TestClock.adjust("45 seconds")
        assert.deepStrictEqual(
          asked.map(({ at }) => at),
          [0, 10_000, 20_000, 30_000, 40_000]
        )
        assert.strictEqual(checks.length, 0)
      })
    )

    it.effect("gate that opens again - is not stormed, and lets all through within one more delay [R48]", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(() => slow("10 millis", Status.succeeded("done")))
        const { asked, gate, now } = recordedGate(
          (_, at) => (at < 25_000 ? Effect.succeed(Gate.postponed("10 seconds", "closed")) : opened),
          { partition: () => "circuit" }
        )
        const poller = yield* Poller.make({ ...plain, concurrency: 100 })
        for (const key of keysOf(1000)) yield* poller.add(job, key, { ...hour, gate })
        yield* TestClock.adjust("29 seconds")
        assert.strictEqual(asked.length, 3)
        yield* TestClock.adjust("2 seconds")
        // The one that asked first, and those that came back since.
        assert.isAtLeast(checks.length, 1)
        assert.isBelow(checks.length, 500)
        yield* TestClock.adjust("15 seconds")
        assert.strictEqual(checks.length, 1000)
        assert.isAtMost(now.most, 100)
        assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 1000 })
      })
    )

    it.effect("partitions of one gate - do not hold each other back [R48]", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(done)
        const { asked, gate } = recordedGate(
          (key) => (key.startsWith("down") ? Effect.succeed(Gate.postponed("1 minute", "down")) : opened),
          { partition: ({ key }) => key.slice(0, 2) }
        )
        const poller = yield* Poller.make({ ...plain, concurrency: 3 })
        for (const key of [...keysOf(50, "down"), ...keysOf(5, "up")]) yield* poller.add(job, key, { ...hour, gate })
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(asked.filter(({ key }) => key.startsWith("down")).length, 1)
        assert.strictEqual(checks.length, 5)
      })
    )

    it.effect("partition that throws - ends the wait with the defect [R48]", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(done)
        const gate = Gate.make(() => opened, {
          partition: () => {
            throw new Error("bug")
          }
        })
        const poller = yield* Poller.make(plain)
        const handle = yield* poller.add(job, "a", { ...hour, gate })
        assert.strictEqual(ending(yield* Effect.exit(handle.await)), "defect")
      })
    )

    it.effect("wait that leaves while it asks for its partition - lets another one ask [R48]", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(done)
        const { asked, gate } = recordedGate(
          (key, at) =>
            at < 500 ? Effect.succeed(Gate.postponed("1 second", "closed")) : key === "a" ? Effect.never : opened,
          { partition: () => "circuit", timeout: "unbounded" }
        )
        const poller = yield* Poller.make(plain)
        const a = yield* poller.add(job, "a", { ...hour, gate })
        yield* poller.add(job, "b", { ...hour, gate })
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual([asked.map(({ key }) => key), checks.length], [["a", "a"], 0])
        const leaving = yield* Effect.forkChild(a.interrupt)
        yield* TestClock.adjust("4 seconds")
        yield* Fiber.join(leaving)
        assert.deepStrictEqual(
          checks.map(({ key }) => key),
          ["b"]
        )
      })
    )
  })
})
