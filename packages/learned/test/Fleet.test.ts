import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Fleet from "@effect-poll/learned/Fleet"
import * as History from "@effect-poll/learned/History"
import * as Learned from "@effect-poll/learned/Learned"
import { draws, seeded } from "./support/histories.ts"

const models = [
  Model.lognormal({ median: 5, sigma: 0.4 }),
  Model.exponential({ median: 50 }),
  Model.shifted(Model.lognormal({ median: 10, sigma: 0.8 }), 140)
].map((model) => Model.truncated(model))

/** The mean lag of the jobs that start in a window, and the most requests of a second, in virtual time. */
const run = (options: {
  readonly perSecond: number
  readonly batch?: number
  readonly startsPerSecond: number
  readonly spaced?: number
}) =>
  Effect.gen(function* () {
    const random = seeded(11)
    const batch = options.batch ?? 1
    const histories = models.map((model, kind) => {
      const history = History.makeUnsafe(`kind-${kind}`)
      for (const seconds of draws(model, kind + 1, 500)) History.recordUnsafe(history, History.ended({ seconds }))
      return history
    })
    const fleet = yield* Learned.fleet({ requestsPerSecond: options.perSecond, batch, burst: 2, histories })
    const started = new Map<string, number>()
    const requests = new Map<number, number>()
    const statusAt = (key: string, now: number) =>
      now >= started.get(key)! ? Status.succeeded("done") : Status.pending()
    const request = Effect.map(Clock.currentTimeMillis, (now) => {
      const second = Math.floor(now / 1000)
      requests.set(second, (requests.get(second) ?? 0) + 1)
      return now
    })
    const jobs = models.map((_, kind) =>
      Job.make<string>(`kind-${kind}`, {
        check: (key) => Effect.map(request, (now) => statusAt(key, now)),
        checkMany:
          batch === 1
            ? undefined
            : {
                max: batch,
                check: (keys) =>
                  Effect.map(request, (now) => ({
                    results: new Map(keys.map((key) => [key, Result.succeed(statusAt(key, now))]))
                  }))
              }
      })
    )
    const poller = yield* Poller.make({ concurrency: "unbounded", stagger: false, linger: 0 })
    const lags: Array<number> = []
    const [from, to] = [160, 220]
    let wanted = 0
    const wait = (kind: number, key: string, ends: number, counts: boolean) =>
      Effect.gen(function* () {
        const job = jobs[kind]!
        const strategy =
          options.spaced === undefined ? fleet.strategy(job) : Strategy.spaced({ seconds: options.spaced })
        yield* poller.until(job, key, { deadline: "1 day", strategy, gate: fleet.gate })
        if (counts) lags.push(((yield* Clock.currentTimeMillis) - ends) / 1000)
      })
    for (let second = 0; second < to || lags.length < wanted; second++) {
      if (second < to) {
        for (let start = 0; start < options.startsPerSecond; start++) {
          const now = yield* Clock.currentTimeMillis
          const kind = Math.floor(random() * models.length)
          const ends = now + 1000 * models[kind]!.quantile(random())
          const key = `${second}-${start}`
          started.set(key, ends)
          if (second >= from) wanted++
          yield* Effect.forkChild(wait(kind, key, ends, second >= from))
          yield* TestClock.adjust(Duration.millis(1000 / options.startsPerSecond))
        }
      } else yield* TestClock.adjust("1 second")
      if (second > 3000) break
    }
    const rate = options.startsPerSecond / models.length
    const bound = Lab.bound(
      models.map((model) => ({ model, rate })),
      options.perSecond * batch
    )
    const most = Math.max(...requests.values())
    return { ratio: lags.reduce((a, b) => a + b, 0) / lags.length / bound.lag, most, w: bound.w, fleet, lags }
  })

/** In milliseconds: thousands of waits, on a machine that may be busy. */
const slow = 60_000

describe("Fleet", () => {
  it.effect(
    "budget - is kept, with a lag close to the least possible one",
    () =>
      Effect.gen(function* () {
        const { most, ratio } = yield* run({ perSecond: 12, startsPerSecond: 2 })
        assert.isAtMost(most, 12 + 2)
        assert.isBelow(ratio, 1.25)
      }),
    slow
  )

  it.effect(
    "budget - is kept by waits with another strategy, which have more lag",
    () =>
      Effect.gen(function* () {
        const { most, ratio } = yield* run({ perSecond: 12, startsPerSecond: 2, spaced: 6 })
        assert.isAtMost(most, 12 + 2)
        assert.isAbove(ratio, 1.6)
      }),
    slow
  )

  it.effect(
    "batch - counts requests, not jobs",
    () =>
      Effect.gen(function* () {
        const { most, ratio } = yield* run({ perSecond: 3, batch: 8, startsPerSecond: 4 })
        assert.isAtMost(most, 3 + 2)
        assert.isBelow(ratio, 1.25)
      }),
    slow
  )

  it.effect("gate - gives turns in order, and forgets those that nobody comes for", () =>
    Effect.gen(function* () {
      const { gate } = yield* Fleet.make({ requestsPerSecond: 1, burst: 2, histories: [] })
      const ask = (key: string) =>
        Effect.map(gate.ask({ job: "render", key }), (answer) =>
          answer._tag === "Open" ? 0 : Duration.toMillis(answer.delay)
        )
      yield* TestClock.adjust("10 seconds")
      const first = yield* Effect.forEach(["a", "b", "c", "d"], ask)
      assert.deepStrictEqual(first, [0, 0, 1000, 2000])
      assert.strictEqual(yield* ask("d"), 2000)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Effect.forEach(["d", "c"], ask), [1000, 0])
      yield* TestClock.adjust("7 seconds")
      // The turn of d is lost, and the budget was idle since.
      assert.deepStrictEqual(yield* Effect.forEach(["d", "e", "f"], ask), [0, 0, 1000])
    })
  )

  describe("request for many", () => {
    const fleet = Fleet.make({ requestsPerSecond: 10, batch: 3, burst: 2, histories: [History.makeUnsafe("render")] })
    /** When each of some jobs that begin a second apart is to be checked first, and when their gate opens. */
    const opens = (jobs: number) =>
      Effect.gen(function* () {
        const { gate, strategy } = yield* fleet
        const render = strategy({ name: "render" })
        const dues: Array<number> = []
        for (let job = 0; job < jobs; job++) {
          if (job > 0) yield* TestClock.adjust("200 millis")
          dues.push((yield* Clock.currentTimeMillis) + Strategy.firstWaitMillis(render, `r-${job}`))
        }
        yield* TestClock.adjust(dues[0]! - (yield* Clock.currentTimeMillis))
        const answer = yield* gate.ask({ job: "render", key: "r-0" })
        return {
          dues,
          opens: (yield* Clock.currentTimeMillis) + (answer._tag === "Open" ? 0 : Duration.toMillis(answer.delay))
        }
      })

    it.effect("waits until enough checks are planned for a whole one, and no longer", () =>
      Effect.gen(function* () {
        const few = yield* opens(2)
        assert.approximately(few.opens, few.dues[0]! + 1_000, 2)
        const enough = yield* opens(4)
        assert.approximately(enough.opens, enough.dues[2]!, 100)
      })
    )

    it.effect("does not wait where no checks are planned", () =>
      Effect.gen(function* () {
        const { gate } = yield* fleet
        assert.strictEqual((yield* gate.ask({ job: "render", key: "r" }))._tag, "Open")
      })
    )
  })

  it.effect("price - rises while requests wait", () =>
    Effect.gen(function* () {
      const { gate, price } = yield* Fleet.make({ requestsPerSecond: 1, histories: [] })
      const before = Duration.toMillis(yield* price)
      for (let second = 0; second < 60; second++) {
        for (let key = 0; key < 3; key++) yield* gate.ask({ job: "render", key: `${second} ${key}` })
        yield* TestClock.adjust("1 second")
        yield* price
      }
      assert.isAbove(Duration.toMillis(yield* price), 2 * before)
    })
  )

  it.effect("job without a history - is a RangeError, as are options out of range", () =>
    Effect.gen(function* () {
      const history = History.makeUnsafe("render")
      const { strategy } = yield* Fleet.make({ requestsPerSecond: 1, histories: [history] })
      assert.isTrue(Strategy.isStrategy(strategy({ name: "render" })))
      assert.throws(() => strategy({ name: "export" }), RangeError, "Fleet.strategy: job must be one of render")
      assert.throws(() => Fleet.make({ requestsPerSecond: 0, histories: [] }), RangeError, "requestsPerSecond")
      assert.throws(() => Fleet.make({ requestsPerSecond: 1, histories: [history, history] }), RangeError, "histories")
    })
  )
})
