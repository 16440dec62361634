import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./support/checks.ts"
import { inspect } from "./support/inspect.ts"
import { scriptedJob } from "./support/jobs.ts"
import { firstAt, hour } from "./support/options.ts"
import { storedToken } from "./support/tokens.ts"

/** A job that requests this delay at the first check of the key "a". */
const hintedOnce = (delay: number) =>
  scriptedJob((key, attempt) => (attempt === 1 && key === "a" ? CheckResult.withHint(pending, delay) : pending))

describe("Poller", () => {
  describe("waits for one key", () => {
    it.effect("hint - holds for a later wait and for checkNow of another wait", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob((key, attempt) =>
          key === "a" && attempt < 3 ? CheckResult.withHint(pending, "10 seconds") : pending
        )
        const poller = yield* Poller.make({ stagger: false })
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("2 seconds")
        const second = yield* poller.add(job, "a", hour)
        yield* second.checkNow()
        yield* TestClock.adjust("2 seconds")
        yield* second.checkNow()
        const third = yield* poller.add(job, "a", { ...hour, strategy: Strategy.spaced("10 millis") })
        yield* third.checkNow()
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(starts("a"), [0])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(starts("a"), [0, 10_000])
        // The hint of a shared check is a floor for all of its waits.
        yield* third.checkNow()
        yield* second.checkNow()
        yield* TestClock.adjust("9999 millis")
        assert.deepStrictEqual(starts("a"), [0, 10_000])
      })
    )

    it.effect("hint - does not hold for other keys [R13]", () =>
      Effect.gen(function* () {
        const { job, starts } = hintedOnce(10_000)
        const poller = yield* Poller.make({ stagger: false })
        yield* poller.add(job, "a", hour)
        yield* poller.add(job, "b", hour)
        yield* TestClock.adjust("3 seconds")
        assert.deepStrictEqual([starts("a"), starts("b")], [[0], [0, 1000, 2000, 3000]])
      })
    )

    it.effect("hint - is ignored by a forced checkNow, and then for all waits", () =>
      Effect.gen(function* () {
        const { job, starts } = hintedOnce(10_000)
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

    it.effect("hint - holds for a paused wait, though the wait that received it has ended", () =>
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

    it.effect("hint received during a pause - holds after it", () =>
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

    it.effect("hint - holds for the other waits as far as the longest maxHint of those that checked", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob((_, attempt) =>
          attempt === 4 ? CheckResult.withHint(pending, "1 minute") : pending
        )
        const poller = yield* Poller.make({ stagger: false })
        const options = { ...hour, strategy: firstAt("1 second") }
        yield* poller.add(job, "a", { ...options, maxHint: "30 seconds" })
        const shorter = yield* poller.add(job, "a", { ...options, maxHint: "5 seconds" })
        const paused = yield* poller.add(job, "a", options)
        yield* paused.pause
        yield* TestClock.adjust("4 seconds")
        yield* shorter.interrupt
        yield* TestClock.adjust("3 seconds")
        yield* paused.unpause
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(starts("a").slice(0, 5), [1000, 2000, 3000, 4000, 34_000])
      })
    )

    it.effect("hint - is clamped to the maxHint of the wait", () =>
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

    it.effect("newest hint - holds for a third wait added after two have received it", () =>
      Effect.gen(function* () {
        const strategy = firstAt("1 second")
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

    it.effect("hint - holds for a wait added within linger after the last one has left", () =>
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
        // Without a hint there is nothing to remember.
        assert.deepStrictEqual(inspect(poller).keys, 0)
      })
    )
  })

  describe("resumed waits", () => {
    for (const others of [1, 2]) {
      it.effect(`floor of a resumed wait that has left - holds for the next wait beside ${others} more`, () =>
        Effect.gen(function* () {
          const { job, starts } = scriptedJob(() => pending)
          const poller = yield* Poller.make({ stagger: false })
          const late = { ...hour, strategy: firstAt("10 minutes") }
          for (let at = 0; at < others; at++) yield* poller.add(job, "a", late)
          const resumed = yield* poller.resume(job, storedToken({ key: "a", floorAt: 60_000, deadlineAt: 3_600_000 }))
          yield* resumed.interrupt
          yield* poller.add(job, "a", hour)
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(starts("a"), [60_000])
        })
      )
    }

    it.effect("hint - holds for a resumed wait whose token did not have it", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(() => CheckResult.withHint(pending, "30 seconds"))
        const poller = yield* Poller.make({ stagger: false })
        yield* poller.add(job, "a", hour)
        yield* poller.resume(job, storedToken({ key: "a", deadlineAt: 3_600_000 }))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(starts("a"), [0])
      })
    )
  })

  describe("fallback", () => {
    it.effect("hint of the job - does not hold for a wait that checks the fallback", () =>
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
        yield* poller.resume(job, storedToken({ key: "a", fallbackKey: "elsewhere", deadlineAt: 3_600_000 }))
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("5500 millis")
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(starts, [0])
      })
    )

    it.effect("hint of the fallback - does not hold for a wait that checks the job", () =>
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
        yield* poller.resume(job, storedToken({ key: "a", fallbackKey: "elsewhere", deadlineAt: 3_600_000 }))
        yield* poller.add(job, "a", hour)
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(starts("a"), [0, 0, 1000])
      })
    )
  })
})
