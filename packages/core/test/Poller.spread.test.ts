import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { batchJob } from "./support/batches.ts"
import { pending, slow } from "./support/checks.ts"
import { keysOf, scriptedJob } from "./support/jobs.ts"
import { hour } from "./support/options.ts"

/** The starts of the checks within a time, in order. */
const within = (checks: ReadonlyArray<{ readonly start: number }>, from: number, to: number) =>
  checks
    .map(({ start }) => start)
    .filter((start) => start >= from && start < to)
    .toSorted((a, b) => a - b)

/** The most checks in any span of this length. */
const densest = (starts: ReadonlyArray<number>, span: number) =>
  Math.max(...starts.map((from) => starts.filter((start) => start >= from && start < from + span).length))

describe("Poller", () => {
  describe("first checks [R51]", () => {
    const intervals = [
      [40, 10_000],
      [100, 10_000],
      [1000, 10_000],
      [100, 1000],
      [50, 60_000],
      [30, 50]
    ] as const
    it.effect.each(intervals)(
      "%i waits added together, a check every %i ms - are spread evenly, and stay so",
      ([count, interval]) =>
        Effect.gen(function* () {
          const { checks, job } = scriptedJob(() => pending, { strategy: Strategy.spaced(interval) })
          const poller = yield* Poller.make()
          for (const key of keysOf(count)) yield* poller.add(job, key, hour)
          yield* TestClock.adjust(interval * 4)
          const slot = Math.max(1, interval / 100)
          for (const round of [0, 1, 2, 3]) {
            const starts = within(checks, round * interval, (round + 1) * interval)
            assert.strictEqual(starts.length, count)
            // The first at once, the last about as many slots later as there are waits, at most an interval.
            assert.strictEqual(starts[0], round * interval)
            const expected = Math.min(count, 100, interval) * slot
            assert.isAtMost(starts.at(-1)! - starts[0]!, expected)
            assert.isAtLeast(starts.at(-1)! - starts[0]!, expected - 3 * slot)
            assert.isAtMost(densest(starts, slot * 5), 6 * Math.ceil(count / 100))
          }
        }).pipe(Random.withSeed("spread"))
    )

    it.effect("single wait of a job - is checked at once, also after many of another job", () =>
      Effect.gen(function* () {
        const many = scriptedJob(() => pending, { name: "many" })
        const one = scriptedJob(() => pending, { name: "one" })
        const poller = yield* Poller.make()
        for (const key of keysOf(500)) yield* poller.add(many.job, key, hour)
        yield* poller.add(one.job, "a", hour)
        assert.deepStrictEqual(one.starts("a"), [0])
      })
    )

    const deadlines = [
      [50, 3_600_000, 60_000],
      [500, 600_000, 60_000],
      [20, 10_000, 1000]
    ] as const
    it.effect.each(deadlines)(
      "%i waits with an interval of %i ms and a deadline of %i ms - begin in a tenth of it",
      ([count, interval, deadline]) =>
        Effect.gen(function* () {
          const { checks, job } = scriptedJob(() => pending, { strategy: Strategy.spaced(interval) })
          const poller = yield* Poller.make()
          for (const key of keysOf(count)) yield* poller.add(job, key, { deadline })
          yield* TestClock.adjust(deadline / 10)
          const starts = within(checks, 0, deadline / 10 + 1)
          assert.strictEqual(starts.length, count)
          assert.strictEqual(starts[0], 0)
        }).pipe(Random.withSeed("spread"))
    )

    it.effect("waits that are resumed shortly before their deadline - begin in a tenth of what is left", () =>
      Effect.gen(function* () {
        const { checks, job } = scriptedJob(() => pending, { strategy: Strategy.spaced("10 minutes") })
        const tokens = yield* Effect.scoped(
          Effect.gen(function* () {
            const poller = yield* Poller.make({ stagger: false })
            const handles = yield* Effect.forEach(keysOf(50), (key) => poller.add(job, key, hour))
            return yield* Effect.forEach(handles, (handle) => handle.token)
          })
        )
        yield* TestClock.adjust("59 minutes")
        checks.length = 0
        const poller = yield* Poller.make()
        for (const token of tokens) yield* poller.resume(job, token)
        yield* TestClock.adjust("6 seconds")
        assert.strictEqual(checks.length, 50)
      }).pipe(Random.withSeed("spread"))
    )

    it.effect("plain Schedule - spreads over a second", () =>
      Effect.gen(function* () {
        const { checks, job } = scriptedJob(() => pending, { strategy: Schedule.spaced("10 minutes") })
        const poller = yield* Poller.make()
        for (const key of keysOf(100)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        const starts = within(checks, 0, 60_000)
        assert.deepStrictEqual([starts.length, starts[0]], [100, 0])
        assert.isAtLeast(starts.at(-1)!, 970)
        assert.isAtMost(starts.at(-1)!, 1000)
      })
    )

    it.effect("waits that come one by one, more slowly than slots - are not delayed", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(() => pending, { strategy: Strategy.spaced("10 seconds") })
        const poller = yield* Poller.make()
        for (const key of keysOf(20)) {
          yield* poller.add(job, key, hour)
          yield* TestClock.adjust("110 millis")
        }
        for (const [at, key] of keysOf(20).entries()) assert.deepStrictEqual(starts(key), [at * 110])
      })
    )

    it.effect("job with checkMany - the first checks share requests", () =>
      Effect.gen(function* () {
        for (const slack of [50, 1000, 0]) {
          const { job, requests } = batchJob({
            max: 100,
            slack,
            answer: () => pending,
            strategy: Strategy.spaced("1 minute")
          })
          const poller = yield* Poller.make()
          const began = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          yield* Effect.forEach(keysOf(250), (key) => poller.add(job, key, hour), { concurrency: "unbounded" })
          yield* TestClock.adjust("30 seconds")
          for (const { at } of requests) assert.isAtMost(at - began, slack, String(slack))
          if (slack > 0)
            assert.deepStrictEqual(
              requests.map(({ keys }) => keys.length),
              [100, 100, 50]
            )
        }
      })
    )

    it.effect("fleet of 20,000 - has at most a thousand different times", () =>
      Effect.gen(function* () {
        const { checks, job } = scriptedJob(() => pending, { strategy: Strategy.spaced("1 hour") })
        const poller = yield* Poller.make({ concurrency: "unbounded" })
        for (const key of keysOf(20_000)) yield* poller.add(job, key, { deadline: "2 hours" })
        yield* TestClock.adjust("1 hour")
        assert.isAtMost(new Set(checks.map(({ start }) => start)).size, 1001)
        assert.isAtMost(densest(within(checks, 0, 3_600_000).slice(0, 400), 1), 60)
      })
    )
  })

  describe("delays that the server requests of many at once [R52]", () => {
    const delays = [
      ["1 second", 1000],
      ["a minute", 60_000],
      ["300 milliseconds", 300]
    ] as const

    /** A job whose first check is told to wait, and whose second one finds it done. */
    const delayed = (delay: (key: string) => number) =>
      scriptedJob(
        (key, attempt) => (attempt === 1 ? CheckResult.withHint(pending, delay(key)) : Status.succeeded(key)),
        { strategy: Strategy.spaced("1 millis") }
      )

    it.effect.each(delays)("200 waits told to wait for %s - return from then on, over a tenth of it", ([_, delay]) =>
      Effect.gen(function* () {
        const { checks, job } = delayed(() => delay)
        const poller = yield* Poller.make({ stagger: false })
        for (const key of keysOf(200)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust(delay * 2)
        const starts = within(checks, 1, delay * 2)
        assert.deepStrictEqual([starts.length, starts[0]], [200, delay])
        assert.isBelow(starts.at(-1)!, delay * 1.1)
        assert.isAtLeast(starts.at(-1)!, delay * 1.1 - 2 - delay / 500)
        assert.isAtMost(densest(starts, delay / 100), 2.5 * Math.max(20, 200 / Math.min(100, delay / 10)))
      }).pipe(Random.withSeed("floors"))
    )

    it.effect("few waits told to wait - return within a slot each", () =>
      Effect.gen(function* () {
        const { checks, job } = delayed(() => 10_000)
        const poller = yield* Poller.make({ stagger: false })
        for (const key of keysOf(5)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        const starts = within(checks, 1, 60_000)
        assert.strictEqual(starts[0], 10_000)
        assert.isAtMost(starts.at(-1)!, 10_050)
        assert.isAbove(starts.at(-1)!, 10_020)
      })
    )

    it.effect("throttled checks - are spread as well", () =>
      Effect.gen(function* () {
        const { checks, job } = scriptedJob<string, never, string>((key, attempt) =>
          attempt === 1 ? Effect.fail("busy") : Effect.succeed(Status.succeeded(key))
        )
        const poller = yield* Poller.make({ stagger: false })
        const kindOf = () => CheckError.throttled({ retryAfter: Duration.seconds(20) })
        for (const key of keysOf(200)) yield* poller.add(job, key, { ...hour, checkErrors: { kindOf } })
        yield* TestClock.adjust("1 minute")
        const starts = within(checks, 1, 60_000)
        assert.deepStrictEqual([starts.length, starts[0]], [200, 20_000])
        assert.isAbove(starts.at(-1)!, 21_900)
        assert.isBelow(starts.at(-1)!, 22_000)
      })
    )

    it.effect("short and long delays in turn - are spread each by their own length", () =>
      Effect.gen(function* () {
        const { checks, job } = delayed((key) => (Number(key.slice(1)) % 2 === 0 ? 1000 : 60_000))
        const poller = yield* Poller.make({ stagger: false })
        for (const key of keysOf(200)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("2 minutes")
        const short = within(checks, 1, 60_000)
        const long = within(checks, 60_000, 120_000)
        assert.deepStrictEqual([short.length, short[0], long.length, long[0]], [100, 1000, 100, 60_000])
        assert.isAbove(short.at(-1)!, 1090)
        assert.isAbove(long.at(-1)!, 65_700)
      })
    )

    it.effect("waits for one key - return together", () =>
      Effect.gen(function* () {
        const { checks, job } = delayed(() => 10_000)
        const poller = yield* Poller.make({ stagger: false })
        for (const key of keysOf(20)) for (let i = 0; i < 3; i++) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(within(checks, 1, 60_000).length, 20)
        // A slot for each key, not for each wait.
        assert.isAtMost(within(checks, 1, 60_000).at(-1)!, 10_200)
        assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 60 })
      })
    )

    it.effect("keys of one request for many - return in one request", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({
          max: 100,
          answer: (key, request) => (request === 1 ? pending : Status.succeeded(key)),
          hint: (request) => (request === 1 ? Duration.seconds(10) : undefined),
          strategy: Strategy.spaced("1 millis")
        })
        const poller = yield* Poller.make()
        for (const key of keysOf(100)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          requests.map(({ keys }) => keys.length),
          [100, 100]
        )
        assert.isAtMost(requests[1]!.at, 10_100)
      })
    )

    it.effect("delay that ends just before the deadline - is not prolonged beyond it", () =>
      Effect.gen(function* () {
        const { checks, job } = scriptedJob(
          (key, attempt) =>
            slow("5 millis", attempt === 1 ? CheckResult.withHint(pending, 10_000) : Status.succeeded(key)),
          { strategy: Strategy.spaced("1 millis") }
        )
        const poller = yield* Poller.make({ stagger: false })
        for (const key of keysOf(200)) yield* poller.add(job, key, { deadline: "10100 millis" })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 200 })
        // Those that would have been too late returned at the time that the server said.
        assert.isAtMost(within(checks, 1, 60_000).at(-1)!, 10_095)
      })
    )

    it.effect("single wait, and Poll.until - return exactly when the server says", () =>
      Effect.gen(function* () {
        const { job, starts } = delayed(() => 10_000)
        const poller = yield* Poller.make()
        yield* poller.add(job, "a", hour)
        for (const key of ["b", "c", "d"]) yield* Effect.forkChild(Poll.until(job, key, hour))
        yield* TestClock.adjust("1 minute")
        for (const key of ["a", "b", "c", "d"]) assert.deepStrictEqual(starts(key), [0, 10_000])
      })
    )
  })
})
