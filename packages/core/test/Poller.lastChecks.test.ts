import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./support/checks.ts"
import { macrotask, manualPoller } from "./support/clock.ts"
import { keysOf } from "./support/jobs.ts"

const minute = 60_000

/** How many of the jobs of a fleet with one deadline are seen to end that end so long before it. */
const seen = (count: number, before: number, options: Poller.Options, takes: number, deadline = minute) =>
  Effect.gen(function* () {
    let inFlight = 0
    let most = 0
    const starts: Array<number> = []
    const job = Job.make<string>("render", {
      check: () =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          most = Math.max(most, ++inFlight)
          if (now > deadline / 2) starts.push(now)
          return Effect.delay(
            Effect.sync(() => (inFlight--, now >= deadline - before ? Status.succeeded("done") : pending)),
            takes
          )
        })
    })
    const poller = yield* Poller.make({ stagger: false, linger: 0, ...options })
    const fiber = yield* Effect.forkChild(
      Stream.runFold(
        poller.results(job, keysOf(count), { deadline, strategy: Strategy.spaced("1 hour") }),
        () => 0,
        (sum, { exit }) => sum + (Exit.isSuccess(exit) ? 1 : 0)
      )
    )
    yield* TestClock.adjust(deadline + 60_000)
    return { seen: yield* Fiber.join(fiber), most, first: Math.min(...starts) }
  })

describe("Poller", () => {
  describe("last checks [R40]", () => {
    it.effect("fleet with one deadline - is seen to end, though not all last checks fit at once", () =>
      Effect.gen(function* () {
        const { first, seen: ended } = yield* seen(5_000, 10_000, { concurrency: 250 }, 20)
        assert.strictEqual(ended, 5_000)
        // 5,000 checks of 20 ms take 0.8 s in half of the concurrency.
        assert.isAtLeast(first, minute - 70 - 900)
      })
    )

    it.effect("jobs that end just before the deadline - are seen, as far as the concurrency allows", () =>
      Effect.gen(function* () {
        for (const count of [1, 100, 2_000]) {
          const { seen: ended } = yield* seen(count, 200, { concurrency: 1_000 }, 20)
          assert.isAtLeast(ended, 0.95 * count)
        }
      })
    )

    it.effect("concurrency of a job - is kept as well, and long checks of few at a time fit", () =>
      Effect.gen(function* () {
        const perJob = yield* seen(300, 10_000, { concurrency: 1_000, concurrencyPerJob: 5 }, 20)
        assert.deepStrictEqual([perJob.seen, perJob.most], [300, 5])
        const long = yield* seen(8, 50_000, { concurrency: 2 }, 3_000, 5 * minute)
        assert.deepStrictEqual([long.seen, long.most], [8, 2])
      })
    )

    it.effect("more jobs than can be checked in time - are not all checked long before the deadline", () =>
      Effect.gen(function* () {
        const { first, seen: ended } = yield* seen(500, 30_000, { concurrency: 1 }, 100)
        assert.isAtLeast(first, 30_000)
        assert.isAtLeast(ended, 100)
      })
    )

    it.effect("places of waits that leave - are free again", () =>
      Effect.gen(function* () {
        const started: Array<number> = []
        const job = Job.make<string>("render", {
          check: () =>
            Effect.flatMap(Clock.currentTimeMillis, (now) => {
              started.push(now)
              return Effect.delay(Effect.succeed(pending), 20)
            })
        })
        const poller = yield* Poller.make({ stagger: false, linger: 0, concurrency: 10 })
        const options = { deadline: minute, strategy: Strategy.spaced("1 hour") }
        const handles = yield* Effect.forEach(keysOf(1_000), (key) => poller.add(job, key, options))
        yield* TestClock.adjust("10 seconds")
        yield* Effect.forEach(handles, (handle) => handle.interrupt, { discard: true })
        started.length = 0
        yield* poller.add(job, "a", { ...options, deadline: minute - 10_000 })
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(started, [10_000, minute - 70])
      })
    )

    it("sleepers that are due at the deadline - are all checked, though the clock moves on meanwhile", async () => {
      const count = 20_000
      const { poller, run, fireAt, setTo, timers } = manualPoller()
      let checks = 0
      let turns = 0
      const job = Job.make<string>("render", {
        check: () =>
          Effect.sync(() => {
            if (++checks <= count) return pending
            // Each 64 checks take a millisecond.
            if (checks % 64 === 0) setTo(minute + 1 + ++turns)
            return Status.succeeded("done")
          })
      })
      let ended: Option.Option<number> = Option.none()
      run(
        Stream.runFold(
          poller.results(job, keysOf(count), { deadline: minute, strategy: Strategy.spaced("1 hour") }),
          () => 0,
          (sum, { exit }) => sum + (Exit.isSuccess(exit) ? 1 : 0)
        )
      ).addObserver((exit) => {
        ended = Exit.getSuccess(exit)
      })
      for (let i = 0; i < 10_000 && Option.isNone(ended); i++) {
        if (timers().length > 0) fireAt(checks < count ? 0 : minute + 1 + turns)
        await macrotask()
      }
      assert.strictEqual(Option.getOrThrow(ended), count)
    })
  })
})
