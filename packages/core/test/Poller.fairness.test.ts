import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { doneAt, keysOf, scriptedJob, witness } from "./many.ts"
import { ending, pending, token } from "./scripted.ts"

const hour = { deadline: "1 hour" } as const
const slowly = (key: string) => Effect.as(Effect.sleep("1 second"), Status.succeeded(key))

describe("Poller, turns", () => {
  it.effect("a job with 10,000 due keys does not starve one with 1", () =>
    Effect.gen(function* () {
      const many = scriptedJob(slowly, { name: "many" })
      const one = scriptedJob(slowly, { name: "one" })
      const poller = yield* Poller.make({ stagger: false, concurrency: 10 })
      for (const key of keysOf(10_000)) yield* poller.add(many.job, key, hour)
      const watch = yield* poller.add(one.job, "a", hour)
      yield* TestClock.adjust("2 seconds")
      // It checks as soon as any check ends, not after a thousand rounds.
      assert.deepStrictEqual(one.starts("a"), [1000])
      assert.strictEqual(yield* watch.await, "a")
    })
  )

  it.effect("jobs are served in turn, keys of one in the order of their due times", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const check = (key: string) =>
        Effect.andThen(
          Effect.sync(() => order.push(key)),
          slowly(key)
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

  it.effect("those that wake up while others stand in line stand behind them", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob((key, attempt) =>
        Effect.as(Effect.sleep("1 second"), attempt < 2 ? pending : Status.succeeded(key))
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

  it.effect("who adds a wait as soon as another ends stands behind those in line", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(slowly)
      const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
      yield* Effect.forkScoped(Effect.andThen(poller.until(job, "first", hour), poller.until(job, "eager", hour)), {
        startImmediately: true
      })
      yield* poller.add(job, "in line", hour)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([starts("in line"), starts("eager")], [[1000], [2000]])
    })
  )

  it.effect("concurrency and concurrencyPerJob bound what is under way, and use up their room", () =>
    Effect.gen(function* () {
      const seen = witness()
      const jobOf = (name: string) => scriptedJob((key) => seen.watch(name, [key], slowly(key)), { name }).job
      const poller = yield* Poller.make({ stagger: false, concurrency: 5, concurrencyPerJob: 3 })
      const ends = yield* Effect.forEach(["one", "two", "three"], (name) =>
        Effect.forkChild(Stream.runCollect(poller.results(jobOf(name), keysOf(20), hour)))
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual((yield* poller.stats).requests, 5)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.joinAll(ends)
      assert.deepStrictEqual(seen.most, {
        total: 5,
        perJob: { one: 3, two: 3, three: 3 },
        perKey: { one: 1, two: 1, three: 1 }
      })
      // 60 checks of a second, 5 at a time; at the end fewer jobs are left than would fill the room.
      assert.isAtMost(seen.checks.at(-1)!.end, 15_000)
    })
  )

  it.effect("the bound of one job leaves the others alone", () =>
    Effect.gen(function* () {
      const stuck = scriptedJob(() => Effect.never, { name: "stuck" })
      const fine = scriptedJob(slowly, { name: "fine" })
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
})

describe("Poller, standing in line", () => {
  it.effect("a wait in line times out at its deadline, without a check", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(() => Effect.never)
      const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
      yield* poller.add(job, "a", { ...hour, checkTimeout: "unbounded" })
      const watch = yield* poller.add(job, "b", { deadline: "3 seconds" })
      yield* TestClock.adjust("2999 millis")
      assert.strictEqual((yield* poller.stats).queued, 1)
      yield* TestClock.adjust("1 millis")
      assert.strictEqual(ending(yield* Effect.exit(watch.await)), "PollTimeout deadline")
      assert.deepStrictEqual(
        [starts("b"), yield* poller.stats],
        [[], { watched: 1, waiting: 0, queued: 0, checking: 1, requests: 1, ended: { PollTimeout: 1 } }]
      )
    })
  )

  it.effect("a check that hangs frees its place at checkTimeout, and its wait goes on", () =>
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

  it.effect("who leaves the line, or is paused in it, takes nobody's place", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(slowly)
      const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
      yield* poller.add(job, "a", hour)
      const gone = yield* poller.add(job, "gone", hour)
      const paused = yield* poller.add(job, "paused", hour)
      const last = yield* poller.add(job, "last", hour)
      yield* gone.interrupt
      yield* paused.pause
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual([starts("gone"), starts("paused"), starts("last")], [[], [], [1000]])
      assert.strictEqual(yield* last.await, "last")
      yield* paused.unpause
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([starts("paused"), yield* paused.await], [[3000], "paused"])
    })
  )

  it.effect("checkNow, pause and resume in line keep one place in it", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(slowly)
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

  it.effect("a wait for a key that is being checked stands in no line", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(slowly)
      const poller = yield* Poller.make({ stagger: false, concurrency: 1 })
      yield* poller.add(job, "a", hour)
      yield* poller.add(job, "b", hour)
      const again = yield* poller.add(job, "a", hour)
      assert.deepStrictEqual(
        { ...(yield* poller.stats) },
        { watched: 3, waiting: 0, queued: 1, checking: 2, requests: 1, ended: {} }
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* again.await, "a")
      assert.deepStrictEqual(starts("a"), [0])
    })
  )
})

describe("Poller, gates", () => {
  it.effect("a question to a gate takes a place, an answer that postpones frees it", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(slowly)
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

  it.effect("a gate that hangs is given up at the deadline, and its place is free", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(slowly)
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

  it.effect("a gate that dies ends its own wait", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(slowly)
      const poller = yield* Poller.make({ stagger: false })
      const dead = yield* poller.add(job, "a", { ...hour, gate: Gate.make(() => Effect.die("bug")) })
      const fine = yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([ending(yield* Effect.exit(dead.await)), yield* fine.await], ["defect", "a"])
    })
  )

  it.effect("who is removed, or paused, while its gate is asked makes no check", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob(slowly)
      const poller = yield* Poller.make({ stagger: false })
      const gate = Gate.make(() => Effect.as(Effect.sleep("1 second"), Gate.open))
      const removed = yield* poller.add(job, "removed", { ...hour, gate })
      const paused = yield* poller.add(job, "paused", { ...hour, gate })
      yield* removed.interrupt
      yield* paused.pause
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([checks.length, (yield* poller.stats).requests], [0, 0])
      yield* paused.unpause
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* paused.await, "paused")
    })
  )
})

describe("Poller, first checks", () => {
  const interval = { strategy: Strategy.spaced("5 seconds") }

  it.effect("the first of a job begins at once, 10,000 are spread over the interval of their strategy", () =>
    Effect.gen(function* () {
      const { job, checks, starts } = scriptedJob(doneAt(1), interval)
      const poller = yield* Poller.make({ concurrency: "unbounded" })
      for (const key of keysOf(10_000)) yield* poller.add(job, key, hour)
      assert.strictEqual(starts("k0")[0], 0)
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(checks.length, 10_000)
      const counts = Array.from({ length: 5 }, () => 0)
      for (const { start } of checks) counts[Math.floor(start / 1000)]!++
      // Each second has its share, and no millisecond has a crowd.
      for (const count of counts) assert.isAbove(count, 900)
      const at = new Map<number, number>()
      for (const { start } of checks) at.set(start, (at.get(start) ?? 0) + 1)
      assert.isAtMost(Math.max(...at.values()), 40)
    }).pipe(Random.withSeed("stagger"))
  )

  it.effect("few are hardly put off: as many milliseconds as there are", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob(doneAt(1), interval)
      const poller = yield* Poller.make()
      for (const key of keysOf(20)) yield* poller.add(job, key, hour)
      yield* TestClock.adjust("1 minute")
      for (const { start } of checks) assert.isAtMost(start, 20)
      // Another job starts anew.
      const other = scriptedJob(doneAt(1), { ...interval, name: "other" })
      const now = yield* Clock.currentTimeMillis
      yield* poller.add(other.job, "a", hour)
      assert.deepStrictEqual(other.starts("a"), [now])
    })
  )

  it.effect("off is none", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob(doneAt(1), interval)
      const poller = yield* Poller.make({ stagger: false })
      for (const key of keysOf(100)) yield* poller.add(job, key, hour)
      assert.strictEqual(checks.length, 100)
      assert.isTrue(checks.every(({ start }) => start === 0))
    })
  )

  it.effect("comes on top of a first wait, never before it; and never beyond the deadline", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob(doneAt(1), {
        strategy: Strategy.spaced("5 seconds").pipe(Strategy.withFirstWait("10 seconds"))
      })
      const poller = yield* Poller.make()
      for (const key of keysOf(1000)) yield* poller.add(job, key, { deadline: "10200 millis" })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(checks.length, 1000)
      for (const { start } of checks) assert(start >= 10_000 && start <= 10_200, String(start))
      assert.isTrue(checks.some(({ start }) => start > 10_000))
    })
  )

  it.effect("a wait from a token that is due later is not moved", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(doneAt(1), interval)
      const poller = yield* Poller.make()
      for (const key of keysOf(200)) yield* poller.add(job, key, hour)
      for (const at of [1, 2, 3]) {
        yield* poller.resume(job, token({ key: `t${at}`, dueAt: 4000 + at, deadlineAt: 100_000 }))
      }
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([starts("t1"), starts("t2"), starts("t3")], [[4001], [4002], [4003]])
    })
  )

  it.effect("a wait from a token that is due now is staggered too", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob(doneAt(1), interval)
      const poller = yield* Poller.make()
      for (const key of keysOf(200)) yield* poller.resume(job, token({ key, dueAt: 0, deadlineAt: 100_000 }))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(checks.length, 200)
      assert.isAbove(new Set(checks.map(({ start }) => start)).size, 20)
    })
  )

  it.effect("a strategy that throws ends its wait, not the Poller", () =>
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
