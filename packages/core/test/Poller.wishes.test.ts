import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poller from "effect-poll/Poller"
import * as Strategy from "effect-poll/Strategy"
import { held, scriptedJob } from "./many.ts"
import { pending, token } from "./scripted.ts"

const hour = { deadline: "1 hour" } as const

describe("Poller, what the server wishes for one key", () => {
  const wishing = (wish: number) =>
    scriptedJob((key, attempt) => (attempt === 1 && key === "a" ? CheckResult.withHint(pending, wish) : pending))

  it.effect("holds against a newcomer and against checkNow of another wait", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((key, attempt) =>
        key === "a" && attempt < 3 ? CheckResult.withHint(pending, "10 seconds") : pending
      )
      const poller = yield* Poller.make({ stagger: false })
      yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("2 seconds")
      const newcomer = yield* poller.add(job, "a", hour)
      yield* newcomer.checkNow()
      yield* TestClock.adjust("2 seconds")
      yield* newcomer.checkNow()
      const third = yield* poller.add(job, "a", { ...hour, strategy: Strategy.spaced("10 millis") })
      yield* third.checkNow()
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(starts("a"), [0])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(starts("a"), [0, 10_000])
      // The check was for all: its wish is too.
      yield* third.checkNow()
      yield* newcomer.checkNow()
      yield* TestClock.adjust("9999 millis")
      assert.deepStrictEqual(starts("a"), [0, 10_000])
    })
  )

  it.effect("is no wish for other keys", () =>
    Effect.gen(function* () {
      const { job, starts } = wishing(10_000)
      const poller = yield* Poller.make({ stagger: false })
      yield* poller.add(job, "a", hour)
      yield* poller.add(job, "b", hour)
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual([starts("a"), starts("b")], [[0], [0, 1000, 2000, 3000]])
    })
  )

  it.effect("is broken by force alone, and then for all", () =>
    Effect.gen(function* () {
      const { job, starts } = wishing(10_000)
      const poller = yield* Poller.make({ stagger: false })
      yield* poller.add(job, "a", hour)
      const forced = yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("1500 millis")
      assert.deepStrictEqual(starts("a"), [0])
      yield* forced.checkNow({ force: true })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(starts("a"), [0, 1500, 2500])
    })
  )

  it.effect("holds for who was paused, though the one who was told of it has ended", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((_, attempt) =>
        attempt === 3 ? CheckResult.withHint(pending, "30 seconds") : pending
      )
      const poller = yield* Poller.make({ stagger: false })
      const paused = yield* poller.add(job, "a", hour)
      yield* poller.add(job, "a", { ...hour, stall: { after: "1 second" } })
      yield* paused.pause
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual((yield* poller.stats).ended, { JobStalled: 1 })
      yield* paused.unpause
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts("a").slice(0, 4), [0, 0, 1000, 31_000])
    })
  )

  for (const others of [1, 2]) {
    it.effect(
      `holds for the next beside ${others} more, though the one who brought it from another process has left`,
      () =>
        Effect.gen(function* () {
          const { job, starts } = scriptedJob(() => pending)
          const poller = yield* Poller.make({ stagger: false })
          const late = { ...hour, strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait("10 minutes")) }
          for (let at = 0; at < others; at++) yield* poller.add(job, "a", late)
          const resumed = yield* poller.resume(job, token({ key: "a", floorAt: 60_000, deadlineAt: 3_600_000 }))
          yield* resumed.interrupt
          yield* poller.add(job, "a", hour)
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(starts("a"), [60_000])
        })
    )
  }

  it.effect("holds for a third who comes after it was told to two", () =>
    Effect.gen(function* () {
      const strategy = Strategy.spaced("1 second").pipe(Strategy.withFirstWait("1 second"))
      const { job, starts } = scriptedJob((_, attempt) =>
        attempt < 3 ? CheckResult.withHint(pending, `${attempt * 10} seconds`) : pending
      )
      const poller = yield* Poller.make({ stagger: false })
      yield* poller.add(job, "a", { ...hour, strategy })
      yield* poller.add(job, "a", { ...hour, strategy })
      for (const after of ["2 seconds", "12 seconds"] as const) {
        yield* TestClock.adjust(after)
        yield* poller.add(job, "a", hour)
      }
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(starts("a").slice(0, 4), [1000, 11_000, 31_000, 32_000])
    })
  )

  it.effect("is the longest that any of those who checked heeds, for the others", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((_, attempt) =>
        attempt === 4 ? CheckResult.withHint(pending, "1 minute") : pending
      )
      const poller = yield* Poller.make({ stagger: false })
      const options = { ...hour, strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait("1 second")) }
      yield* poller.add(job, "a", { ...options, maxHint: "30 seconds" })
      const hasty = yield* poller.add(job, "a", { ...options, maxHint: "5 seconds" })
      const paused = yield* poller.add(job, "a", options)
      yield* paused.pause
      yield* TestClock.adjust("4 seconds")
      yield* hasty.interrupt
      yield* TestClock.adjust("3 seconds")
      yield* paused.unpause
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts("a").slice(0, 5), [1000, 2000, 3000, 4000, 34_000])
    })
  )

  it.effect("holds for who comes soon after the last has left", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((_, attempt) =>
        attempt === 1 ? CheckResult.withHint(pending, "30 seconds") : pending
      )
      const poller = yield* Poller.make({ stagger: false })
      const first = yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("1 second")
      yield* first.interrupt
      yield* TestClock.adjust("999 millis")
      const second = yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts("a").slice(0, 3), [0, 30_000, 31_000])
      yield* second.interrupt
      // What nobody wished is not remembered.
      assert.deepStrictEqual(held(poller).keys, 0)
    })
  )

  it.effect("is followed as far as the maxHint of the wait allows", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((_, attempt) =>
        attempt === 1 ? CheckResult.withHint(pending, "1 hour") : pending
      )
      const poller = yield* Poller.make({ stagger: false })
      yield* poller.add(job, "a", { deadline: "2 hours", maxHint: "30 seconds" })
      yield* TestClock.adjust("29 seconds")
      assert.deepStrictEqual(starts("a"), [0])
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(starts("a"), [0, 30_000])
    })
  )

  it.effect("holds for who was paused when it was made", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((_, attempt) =>
        attempt === 3 ? CheckResult.withHint(pending, "30 seconds") : pending
      )
      const poller = yield* Poller.make({ stagger: false })
      yield* poller.add(job, "a", hour)
      const paused = yield* poller.add(job, "a", hour)
      yield* paused.pause
      yield* TestClock.adjust("1 second")
      yield* paused.unpause
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(starts("a"), [0, 0, 1000])
    })
  )

  it.effect("holds for a wait from a token that knew nothing of it", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(() => CheckResult.withHint(pending, "30 seconds"))
      const poller = yield* Poller.make({ stagger: false })
      yield* poller.add(job, "a", hour)
      yield* poller.resume(job, token({ key: "a", deadlineAt: 3_600_000 }))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(starts("a"), [0])
    })
  )

  it.effect("is no wish of the place where another wait checks since the job is gone", () =>
    Effect.gen(function* () {
      const starts: Array<number> = []
      const job = Job.make<string>("render", {
        check: () =>
          Effect.map(Clock.currentTimeMillis, (at) => {
            starts.push(at)
            return CheckResult.withHint(pending, "30 seconds")
          }),
        missing: { fallback: { locate: () => "elsewhere", check: () => Effect.succeed(pending) } },
        strategy: Strategy.spaced("1 second")
      })
      const poller = yield* Poller.make({ stagger: false })
      yield* poller.resume(job, token({ key: "a", fallbackKey: "elsewhere", deadlineAt: 3_600_000 }))
      yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("5500 millis")
      yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(starts, [0])
    })
  )

  it.effect("of that place is none for who checks the job itself", () =>
    Effect.gen(function* () {
      const { job: here, starts } = scriptedJob(() => pending)
      const job = Job.make<string>("render", {
        check: here.check,
        missing: {
          fallback: {
            locate: () => "elsewhere",
            check: () => Effect.succeed(CheckResult.withHint(pending, "30 seconds"))
          }
        },
        strategy: Strategy.spaced("1 second")
      })
      const poller = yield* Poller.make({ stagger: false })
      yield* poller.resume(job, token({ key: "a", fallbackKey: "elsewhere", deadlineAt: 3_600_000 }))
      yield* poller.add(job, "a", hour)
      yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(starts("a"), [0, 0, 1000])
    })
  )
})
