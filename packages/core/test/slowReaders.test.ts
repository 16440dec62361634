import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Latch from "effect/Latch"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import type { PollEvent } from "effect-poll/PollEvent"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { keysOf } from "./support/jobs.ts"
import { every1s, hour, plain } from "./support/options.ts"
import { runFor } from "./support/runs.ts"

/** An observer that takes an hour for its first notification, and what it is notified of. */
const slowAtFirst = () => {
  const seen: Array<Observer.Notification> = []
  const observer = Observer.make((notification) =>
    Effect.suspend(() => {
      seen.push(notification)
      return seen.length === 1 ? Effect.sleep("1 hour") : Effect.void
    })
  )
  return { observer, seen, missed: () => seen.reduce((sum, { missed }) => sum + missed, 0) }
}

/** A job with so many checks, each of which finds another status. */
const changing = (checks: number, parts: (check: number) => { readonly detail?: unknown }) => {
  const counts = new Map<string, number>()
  return Job.make<string>("render", {
    check: (key) =>
      Effect.sync(() => {
        const count = (counts.get(key) ?? 0) + 1
        counts.set(key, count)
        return count < checks ? Status.pending({ progress: count / checks, ...parts(count) }) : Status.succeeded("film")
      }),
    strategy: Strategy.spaced("100 millis")
  })
}

describe("slow readers", () => {
  for (const host of hosts) {
    it.effect(`${host.name}: observer that hangs - misses what is least important, and the rest is counted [R58]`, () =>
      Effect.gen(function* () {
        let checks = 0
        const job = Job.make<string>("render", {
          check: () =>
            Effect.sync(() =>
              ++checks < 6_000 ? Status.pending({ progress: checks > 3_000 ? 0.5 : 0 }) : Status.succeeded("film")
            ),
          strategy: Strategy.spaced("100 millis")
        })
        const { missed, observer, seen } = slowAtFirst()
        yield* Effect.forkChild(host.until(job, "a", { ...hour, observers: [observer], cancelTimeout: "2 hours" }))
        yield* TestClock.adjust("59 minutes")
        yield* TestClock.adjust("2 minutes")
        const important = seen.map(({ event }) => event._tag).filter((tag) => tag !== "Waiting" && tag !== "Unchanged")
        assert.deepStrictEqual(important, ["Started", "Changed", "Changed", "Changed", "Ended"])
        // The first one was taken before the queue filled.
        assert.strictEqual(seen.length, 4_097)
        // Started and Ended, and two events of each check but the last.
        assert.strictEqual(seen.length + missed(), 2 + 2 * 5_999 + 1)
      })
    )
  }

  for (const host of hosts) {
    it.effect(`${host.name}: observer that hangs - also misses old changes, but no start and no end [R58]`, () =>
      Effect.gen(function* () {
        const { missed, observer, seen } = slowAtFirst()
        const job = changing(6_000, () => ({}))
        yield* Effect.forkChild(host.until(job, "a", { ...hour, observers: [observer], cancelTimeout: "2 hours" }))
        yield* TestClock.adjust("59 minutes")
        yield* TestClock.adjust("2 minutes")
        const tags = seen.map(({ event }) => event._tag)
        assert.deepStrictEqual(
          [tags[0], tags.at(-1), tags.filter((tag) => tag === "Changed").length],
          ["Started", "Ended", 4_096]
        )
        assert.deepStrictEqual(
          [seen.at(-2)?.attempts, seen.length + missed()],
          // The newest ones are kept. Of each check but the last, a change and a delay.
          [6_000, 2 + 2 * 5_999 + 1]
        )
      })
    )

    it.effect(`${host.name}: observer that hangs - is bounded by what the notifications hold [R58]`, () =>
      Effect.gen(function* () {
        for (const [detail, most] of [
          ["x".repeat(10_000), 120],
          [{ lines: Array.from({ length: 1_000 }, () => "0123456789") }, 80],
          [new Map([["a", new Uint8Array(1_000_000)]]), 80],
          [{ a: { b: "x".repeat(1_000_000) } }, 80]
        ] as const) {
          const { missed, observer, seen } = slowAtFirst()
          const job = changing(500, () => ({ detail }))
          yield* Effect.forkChild(host.until(job, "a", { ...hour, observers: [observer], cancelTimeout: "2 hours" }))
          yield* TestClock.adjust("59 minutes")
          yield* TestClock.adjust("2 minutes")
          const changes = seen.filter(({ event }) => event._tag === "Changed").length
          assert.isAtMost(changes, most + 64)
          assert.isAtLeast(changes, 4)
          assert.deepStrictEqual(
            [seen[0]?.event._tag, seen.at(-1)?.event._tag, seen.length + missed()],
            ["Started", "Ended", 2 + 2 * 499 + 1]
          )
        }
      })
    )
  }

  it.effect("detail that cannot be read - is reported to a slow observer like any other [R58]", () =>
    Effect.gen(function* () {
      let reads = 0
      const broken = new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error("no keys")
          }
        }
      )
      const withGetter = {
        get secret() {
          return reads++
        }
      }
      const { missed, observer, seen } = slowAtFirst()
      const job = changing(500, (check) => ({ detail: check % 2 === 0 ? { broken } : { withGetter } }))
      const options = { ...hour, observers: [observer], cancelTimeout: "2 hours" } as const
      yield* Effect.forkChild(Poll.until(job, "a", options))
      yield* TestClock.adjust("59 minutes")
      yield* TestClock.adjust("2 minutes")
      assert.deepStrictEqual([seen.at(-1)?.event._tag, seen.length, missed(), reads], ["Ended", 1_001, 0, 0])
    })
  )

  it.effect("observer that hangs in many waits of a Poller - is bounded over all of them [R58]", () =>
    Effect.gen(function* () {
      const released = yield* Latch.make()
      const told: Array<Observer.Notification> = []
      const hangs = Observer.make((notification) =>
        Effect.andThen(
          released.await,
          Effect.sync(() => void told.push(notification))
        )
      )
      const poller = yield* Scope.provide(Poller.make(plain), yield* Scope.make())
      const waits = 20
      const job = changing(3_000, () => ({}))
      // Each has options of its own.
      for (const key of keysOf(waits)) yield* poller.add(job, key, { ...hour, observers: [hangs] })
      const seen: Array<Observer.Notification> = []
      const follows = Observer.make((notification) => Effect.sync(() => void seen.push(notification)))
      yield* poller.add(job, "healthy", { ...hour, observers: [follows] })
      yield* TestClock.adjust("30 minutes")
      yield* released.open
      for (let round = 0; round < 100; round++) yield* TestClock.adjust("1 second")
      const all = 2 + 2 * 2_999 + 1
      const missed = told.reduce((sum, notification) => sum + notification.missed, 0)
      assert.strictEqual(told.length + missed, waits * all)
      // Of all together, what each was told first, and its start and end.
      assert.isAtMost(told.length, 16_384 + 3 * waits)
      assert.isAtLeast(told.length, 14_000)
      assert.strictEqual(told.filter(({ event }) => event._tag === "Ended").length, waits)
      assert.deepStrictEqual([seen.length, seen.every((notification) => notification.missed === 0)], [all, true])
      // What was kept is free again.
      const later = slowAtFirst()
      yield* poller.add(job, "later", { ...hour, observers: [later.observer] })
      yield* TestClock.adjust("59 minutes")
      yield* TestClock.adjust("2 minutes")
      assert.strictEqual(later.seen.filter(({ event }) => event._tag === "Changed").length, 3_000)
    })
  )

  it.effect("observer that hangs while many waits end - is told of each end [R58]", () =>
    Effect.gen(function* () {
      const { missed, observer, seen } = slowAtFirst()
      const job = Job.make<string>("render", {
        check: (key) => Effect.succeed(Status.succeeded(key)),
        strategy: every1s
      })
      const poller = yield* Scope.provide(Poller.make(plain), yield* Scope.make())
      const ends = poller.results(job, keysOf(20_000), { ...hour, observers: [observer] })
      yield* Effect.forkChild(Stream.runDrain(ends))
      yield* TestClock.adjust("1 minute")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(new Set(seen.flatMap(({ event, key }) => (event._tag === "Ended" ? [key] : []))).size, 20_000)
      // The changes are more than are kept.
      assert.strictEqual(seen.length + missed(), 3 * 20_000)
    })
  )

  it.effect("observer that hangs - does not delay the others in a Poller, nor their order [R58]", () =>
    Effect.gen(function* () {
      const { observer } = slowAtFirst()
      const keys: Array<string> = []
      const quick = Observer.make(({ event, key }) =>
        Effect.sync(() => void (event._tag === "Ended" && keys.push(key)))
      )
      const job = Job.make<string>("render", {
        check: (key) => Effect.succeed(Status.succeeded(key)),
        strategy: every1s
      })
      // It is not closed: that would wait for the observer.
      const poller = yield* Scope.provide(Poller.make(plain), yield* Scope.make())
      yield* poller.add(job, "slow", { ...hour, observers: [observer] })
      const options = { ...hour, observers: [quick] }
      for (const key of keysOf(100)) yield* poller.add(job, key, options)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(keys, keysOf(100))
    })
  )

  it.effect("stream of events - is bounded, and says how many were missed before what is left [R58]", () =>
    Effect.gen(function* () {
      let checks = 0
      const job = Job.make<string>("render", {
        check: () =>
          Effect.sync(() =>
            ++checks < 10_000 ? Status.pending({ progress: checks / 10_000 }) : Status.succeeded("film")
          ),
        strategy: Strategy.spaced("100 millis")
      })
      const poller = yield* Poller.make(plain)
      const handle = yield* poller.add(job, "a", hour)
      const read: Array<PollEvent<unknown, unknown, unknown>> = []
      const reader = yield* Effect.forkChild(
        Stream.runForEach(Stream.rechunk(handle.events, 1), (event) =>
          Effect.suspend(() => {
            read.push(event)
            return read.length === 1 ? Effect.sleep("1 hour") : Effect.void
          })
        )
      )
      yield* TestClock.adjust("59 minutes")
      yield* TestClock.adjust("2 minutes")
      yield* Fiber.join(reader)
      const missed = read.flatMap((event) => (event._tag === "Missed" ? [event.count] : []))
      assert.deepStrictEqual([missed.length, read.length - 2 <= 4_096 + 1, read.at(-1)?._tag], [1, true, "Ended"])
    })
  )
})

describe("checks that cannot be interrupted", () => {
  for (const host of hosts) {
    it.effect(`${host.name}: interruption - waits for them for at most cancelTimeout [R57]`, () =>
      Effect.gen(function* () {
        const job = Job.make<string>("render", { check: () => Effect.uninterruptible(Effect.never), strategy: every1s })
        const fiber = yield* Effect.forkChild(host.until(job, "a", { ...hour, cancelTimeout: "5 seconds" }))
        yield* TestClock.adjust("1 second")
        const { at } = yield* runFor(Fiber.interrupt(fiber), "1 hour")
        assert.strictEqual(at, 6_000)
      })
    )
  }

  for (const kind of ["Poll.start", "Poller.add"] as const) {
    it.effect(`${kind}: handle.interrupt - waits for them for at most cancelTimeout [R57]`, () =>
      Effect.gen(function* () {
        const job = Job.make<string>("render", { check: () => Effect.uninterruptible(Effect.never), strategy: every1s })
        const options = { ...hour, cancelTimeout: "5 seconds" } as const
        const poller = yield* Poller.make(plain)
        const handle = yield* kind === "Poll.start" ? Poll.start(job, "a", options) : poller.add(job, "a", options)
        yield* TestClock.adjust("1 second")
        const { at } = yield* runFor(handle.interrupt, "1 hour")
        assert.strictEqual(at, 6_000)
      })
    )
  }

  it.effect("finalizer of a check that takes a moment - is awaited [R57]", () =>
    Effect.gen(function* () {
      const check = () => Effect.onInterrupt(Effect.never, () => Effect.sleep("2 seconds"))
      const job = Job.make<string>("render", { check, strategy: every1s })
      const fiber = yield* Effect.forkChild(Poll.until(job, "a", hour))
      yield* TestClock.adjust("1 second")
      const { at } = yield* runFor(Fiber.interrupt(fiber), "1 hour")
      assert.deepStrictEqual([at, pending._tag], [3_000, "Pending"])
    })
  )
})
