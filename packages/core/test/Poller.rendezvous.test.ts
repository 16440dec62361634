import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import type { PollOptions } from "effect-poll/PollOptions"
import * as Poller from "effect-poll/Poller"
import * as Schedule from "effect/Schedule"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./support/checks.ts"
import { keysOf } from "./support/jobs.ts"
import { firstAt, hour, plain } from "./support/options.ts"

/** A job whose requests take these times, one after the other, and how long each key rested before each request. */
const drifting = (
  millis: ReadonlyArray<number>,
  options: { readonly slack?: number; readonly hint?: (key: string) => Duration.Input | undefined } = {}
) => {
  const requests: Array<{ readonly at: number; readonly keys: ReadonlyArray<string> }> = []
  const rests: Array<{ readonly key: string; readonly rest: number; readonly at: number }> = []
  const answered = new Map<string, number>()
  const job = Job.make<string>("many", {
    check: () => Effect.never,
    checkMany: {
      max: 100,
      slack: options.slack ?? 50,
      check: (keys) =>
        Effect.gen(function* () {
          const at = yield* Clock.currentTimeMillis
          requests.push({ at, keys: keys.toSorted() })
          for (const key of keys) {
            const before = answered.get(key)
            if (before !== undefined) rests.push({ key, rest: at - before, at })
          }
          yield* Effect.sleep(millis[requests.length % millis.length]!)
          const over = yield* Clock.currentTimeMillis
          for (const key of keys) answered.set(key, over)
          const found = (key: string) => {
            const hint = options.hint?.(key)
            return hint === undefined ? pending : CheckResult.withHint(pending, hint)
          }
          return { results: new Map(keys.map((key) => [key, Result.succeed(found(key))])) }
        })
    }
  })
  /** Requests in a second, from one second to another. */
  const rate = (from: number, to: number) =>
    requests.filter(({ at }) => at >= from * 1000 && at < to * 1000).length / (to - from)
  return { job, requests, rests, rate }
}

const addOver = (
  poller: Poller.Service,
  job: Job.Job<string, string, never, never>,
  millis: number,
  options: (at: number) => Partial<PollOptions<never, never>>
) =>
  Effect.gen(function* () {
    const keys = keysOf(60)
    for (const [at, key] of keys.entries()) {
      yield* poller.add(job, key, { ...hour, ...options(at) })
      yield* TestClock.adjust(Math.ceil(millis / keys.length))
    }
  })

describe("Poller", () => {
  describe("waits that share requests", () => {
    for (const [name, millis] of [
      ["take no time", [0]],
      ["take 20 milliseconds", [20]],
      ["take 5 to 95 milliseconds", [5, 80, 20, 95, 40, 60, 10]],
      ["take 250 milliseconds", [250]],
      ["take 10 to 400 milliseconds", [10, 400, 150, 30, 300, 90, 220]]
    ] as const) {
      it.effect(`jobs added over a second whose checks ${name} - come together, none late [R62]`, () =>
        Effect.gen(function* () {
          const { job, rate, rests } = drifting(millis)
          const poller = yield* Poller.make(plain)
          yield* addOver(poller, job, 1000, () => ({ strategy: Strategy.spaced("1 second") }))
          yield* TestClock.adjust("120 seconds")
          assert.isAtMost(rate(20, 120), 1.3)
          for (const { rest } of rests) {
            assert.isAtLeast(rest, 900)
            assert.isAtMost(rest, 1050)
          }
        })
      )
    }

    it.effect("jittered, growing and foreign schedules - share requests too, and none is late [R62]", () =>
      Effect.gen(function* () {
        for (const [strategy, most] of [
          [Strategy.jittered(Strategy.spaced("1 second"), "equal"), 15],
          [Schedule.spaced("1 second"), 1.3],
          [Strategy.exponential({ initial: "500 millis", factor: 1.5, cap: "1 second" }), 1.3]
        ] as const) {
          const { job, rate, rests } = drifting([5, 60, 20])
          const poller = yield* Poller.make(plain)
          yield* addOver(poller, job, 1000, () => ({ strategy }))
          yield* TestClock.adjust("60 seconds")
          assert.isAtMost(rate(20, 60), most)
          for (const { rest } of rests) assert.isAtMost(rest, 1050)
        }
      })
    )

    it.effect("wait without others - keeps its pace", () =>
      Effect.gen(function* () {
        const { job, rests } = drifting([30, 70, 10])
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", { ...hour, strategy: Strategy.spaced("1 second") })
        yield* TestClock.adjust("1 minute")
        for (const { rest } of rests) {
          assert.isAtLeast(rest, 1000)
          assert.isAtMost(rest, 1050)
        }
      })
    )

    it.effect("waits with other intervals - do not change the pace of each other [R62]", () =>
      Effect.gen(function* () {
        const { job, requests, rests } = drifting([30, 70, 10])
        const poller = yield* Poller.make(plain)
        yield* addOver(poller, job, 1000, (at) => ({ strategy: Strategy.spaced([1000, 3000, 30_000][at % 3]!) }))
        yield* TestClock.adjust("5 minutes")
        for (const { key, rest } of rests) {
          const interval = [1000, 3000, 30_000][Number(key.slice(1)) % 3]!
          assert.isAtLeast(rest, interval * 0.9)
          assert.isAtMost(rest, interval + 50)
        }
        assert.isAtMost(requests.filter(({ at }) => at > 60_000).length / 241, 1.6)
      })
    )

    it.effect("floor of the server - is never undercut to share a request [R62]", () =>
      Effect.gen(function* () {
        const { job, rests } = drifting([20, 50], { hint: () => "1980 millis" })
        const poller = yield* Poller.make(plain)
        yield* addOver(poller, job, 1000, (at) => ({ strategy: Strategy.spaced(at % 2 === 0 ? 2000 : 2100) }))
        yield* TestClock.adjust("1 minute")
        assert.isAtLeast(rests.length, 60)
        for (const { rest } of rests) assert.isAtLeast(rest, 1980)
      })
    )

    it.effect("minInterval - is never undercut to share a request [R62]", () =>
      Effect.gen(function* () {
        const { job, requests } = drifting([0])
        const poller = yield* Poller.make(plain)
        yield* addOver(poller, job, 1000, (at) => ({
          strategy: Strategy.spaced("2 seconds"),
          minInterval: at % 3 === 0 ? "1990 millis" : 0
        }))
        yield* TestClock.adjust("1 minute")
        const last = new Map<string, number>()
        for (const { at, keys } of requests) {
          for (const key of keys) {
            if (Number(key.slice(1)) % 3 === 0 && last.has(key)) assert.isAtLeast(at - last.get(key)!, 1990)
            last.set(key, at)
          }
        }
      })
    )

    it.effect("time that a gate gave - is never undercut to share a request [R62]", () =>
      Effect.gen(function* () {
        const { job, requests } = drifting([0])
        const poller = yield* Poller.make(plain)
        const postponed: Array<number> = []
        const gate = Gate.make(() =>
          Effect.map(Clock.currentTimeMillis, (at) => {
            if (postponed.length > 3) return Gate.open
            postponed.push(at)
            return Gate.postponed("2 seconds", "busy")
          })
        )
        yield* poller.add(job, "a", { ...hour, gate, strategy: Strategy.spaced("1 second") })
        yield* TestClock.adjust("1900 millis")
        for (const key of ["b", "c"]) yield* poller.add(job, key, { ...hour, strategy: Strategy.spaced("1 second") })
        yield* TestClock.adjust("1 minute")
        for (const at of postponed) {
          const next = requests.find((request) => request.at > at && request.keys.includes("a"))!
          assert.isAtLeast(next.at - at, 2000)
        }
      })
    )

    it.effect("last check before the deadline - keeps its place [R62]", () =>
      Effect.gen(function* () {
        const { job, requests } = drifting([40])
        const poller = yield* Poller.make(plain)
        const strategy = Strategy.spaced("1 second")
        yield* addOver(poller, job, 1000, () => ({ strategy }))
        yield* poller.add(job, "z", { deadline: "4400 millis", strategy })
        const from = yield* Clock.currentTimeMillis
        yield* TestClock.adjust("10 seconds")
        const last = requests.findLast(({ keys }) => keys.includes("z"))!
        assert.isAtLeast(last.at - from, 4300)
        assert.isAtMost(last.at - from, 4360)
      })
    )

    it.effect("paused wait - is not taken along", () =>
      Effect.gen(function* () {
        const { job, requests } = drifting([10])
        const poller = yield* Poller.make(plain)
        const strategy = Strategy.spaced("1 second")
        const paused = yield* poller.add(job, "p", { ...hour, strategy })
        yield* addOver(poller, job, 1000, () => ({ strategy }))
        yield* paused.pause
        const before = requests.length
        yield* TestClock.adjust("10 seconds")
        for (const { keys } of requests.slice(before)) assert.notInclude(keys, "p")
        yield* paused.unpause
        yield* TestClock.adjust("2 seconds")
        assert.isTrue(requests.slice(before).some(({ keys }) => keys.includes("p")))
      })
    )

    it.effect(
      "floor learned from another wait while a check is planned early - is kept, and the check still comes",
      () =>
        Effect.gen(function* () {
          const { job, requests } = drifting([10], {
            hint: () => (requests.length === 3 ? "950 millis" : undefined)
          })
          const poller = yield* Poller.make(plain)
          yield* addOver(poller, job, 600, () => ({ strategy: Strategy.spaced("1 second") }))
          const second = yield* poller.add(job, "k5", { ...hour, strategy: Strategy.spaced("1 second") })
          yield* second.checkNow()
          yield* TestClock.adjust("10 seconds")
          const at = yield* Clock.currentTimeMillis
          for (const key of keysOf(60)) {
            assert.isTrue(requests.some((request) => request.at > at - 1300 && request.keys.includes(key)))
          }
        })
    )

    it.effect(
      "first checks of jobs with a checkMany - are not staggered, and share requests within the slack [R59]",
      () =>
        Effect.gen(function* () {
          const { job, requests } = drifting([0])
          const poller = yield* Poller.make({ linger: 0 })
          for (const key of keysOf(1000))
            yield* poller.add(job, key, { ...hour, strategy: Strategy.spaced("30 seconds") })
          yield* TestClock.adjust("10 seconds")
          assert.strictEqual(requests.flatMap(({ keys }) => keys).length, 1000)
          // By the slack, and by the time that a due check waits for others; without that over a second.
          for (const { at } of requests) assert.isAtMost(at, 200)
        })
    )

    it.effect("slack of 0 - takes nothing along", () =>
      Effect.gen(function* () {
        const { job, rests } = drifting([10, 30], { slack: 0 })
        const poller = yield* Poller.make(plain)
        yield* addOver(poller, job, 1000, () => ({ strategy: Strategy.spaced("1 second") }))
        yield* TestClock.adjust("5 seconds")
        for (const { rest } of rests) assert.strictEqual(rest, 1000)
      })
    )

    it.effect("first wait - is shortened only to share a request that is planned", () =>
      Effect.gen(function* () {
        const { job, requests } = drifting([0])
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", { ...hour, strategy: firstAt("10 seconds", "10 minutes") })
        yield* poller.add(job, "b", { ...hour, strategy: firstAt("11 seconds", "10 minutes") })
        yield* poller.add(job, "c", { ...hour, strategy: firstAt("13 seconds", "10 minutes") })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(requests, [
          { at: 10_000, keys: ["a", "b"] },
          { at: 13_000, keys: ["c"] }
        ])
      })
    )
  })
})
