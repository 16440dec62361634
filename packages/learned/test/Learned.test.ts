import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as History from "@effect-poll/learned/History"
import * as HistoryStore from "@effect-poll/learned/HistoryStore"
import * as Learned from "@effect-poll/learned/Learned"
import { draws, gmean, taught } from "./support/histories.ts"

const lagWorth = { lagWorth: "2 seconds" } as const

/** The cost of what a history has learned, over the optimum. */
const ratio = (history: History.History, model: Model.Model, w = 2) => {
  const { nextMillis } = Learned.snapshot(history, { lagWorth: { seconds: w } })
  const checks: Array<number> = []
  const last = model.quantile(1)
  for (let age = 0; age < last; checks.push(age)) age = nextMillis(1000 * age) / 1000
  return Lab.costOf(model, checks, w).cost / Lab.optimum(model, w).cost
}

const lognormal = Model.truncated(Model.lognormal({ median: 45, sigma: 0.5 }))
const bimodal = Model.truncated(
  Model.bimodal({
    fast: Model.lognormal({ median: 20, sigma: 0.2 }),
    slow: Model.lognormal({ median: 400, sigma: 0.2 }),
    share: 0.7
  })
)

describe("Learned", () => {
  describe("strategy", () => {
    it("cold - checks at delays that grow with the root of the age", () => {
      const strategy = Learned.strategy(History.makeUnsafe("render"), lagWorth)
      const first = Strategy.firstWaitMillis(strategy)
      const delays = Strategy.delaysMillis(strategy, 200)
      assert.isAtMost(first, 2000)
      assert.isTrue(delays.every((delay, index) => index === 0 || delay > delays[index - 1]!))
      const age = first + delays.reduce((sum, delay) => sum + delay, 0)
      assert.approximately(delays.at(-1)!, Math.sqrt((2 * 2000 * age) / 0.75), 0.03 * delays.at(-1)!)
    })

    it("cold - costs at most 3.5 times the optimum, whatever the durations", () => {
      const models = [lognormal, bimodal, Model.truncated(Model.exponential({ median: 600 }))]
      for (const model of models) assert.isBelow(ratio(History.makeUnsafe("render"), model), 3.5)
    })

    it("hint - is a first guess", () => {
      const hinted = History.makeUnsafe("render", { hint: "45 seconds" })
      assert.isBelow(ratio(hinted, lognormal), 1.5)
      assert.isBelow(ratio(History.makeUnsafe("render", { hint: "2 minutes" }), lognormal), 2)
    })

    for (const [name, model, after20, after100] of [
      ["one mode", lognormal, 1.1, 1.06],
      ["two modes", bimodal, 1.25, 1.12]
    ] as const) {
      it(`${name} - is close to the optimum after 20 and 100 endings`, () => {
        const histories = (count: number) => [1, 2, 3].map((seed) => taught(draws(model, seed, count)))
        assert.isBelow(gmean(histories(20).map((history) => ratio(history, model))), after20)
        assert.isBelow(gmean(histories(100).map((history) => ratio(history, model))), after100)
      })
    }

    it("shift - follows jobs that become slower or faster", () => {
      for (const factor of [3, 1 / 3]) {
        const history = taught(draws(lognormal, 1, 50))
        const after = Model.scaled(lognormal, factor)
        for (const seconds of draws(after, 2, 40)) History.recordUnsafe(history, History.ended({ seconds }))
        assert.isBelow(ratio(history, after), 1.15)
      }
    })

    it("classes - have plans of their own, and start with that of all", () => {
      const classOf = (key: string) => key.split(":")[0]
      const history = History.makeUnsafe("render", { class: classOf })
      const strategy = Learned.strategy(history, lagWorth)
      for (const seconds of draws(lognormal, 1, 30)) {
        History.recordUnsafe(history, { ...History.ended({ seconds }), key: "fast:1" })
        History.recordUnsafe(history, { ...History.ended({ seconds: 20 * seconds }), key: "slow:1" })
      }
      const first = (key: string) => Strategy.firstWaitMillis(strategy, key)
      assert.isBelow(first("fast:2"), 45_000)
      assert.isAbove(first("slow:2"), 200_000)
      assert.strictEqual(first("new:1"), Strategy.firstWaitMillis(strategy, "other:1"))
      assert.deepStrictEqual(History.classes(history), ["fast", "slow"])
    })

    it("ages beyond all durations - are checked at growing delays", () => {
      const { nextMillis } = Learned.snapshot(taught(draws(lognormal, 1, 50)), lagWorth)
      for (let age = 1; age < 1e12; age *= 3) {
        assert.isAbove(nextMillis(age), age)
        assert.isBelow(nextMillis(age), 1e5 + 30 * age)
      }
    })

    it("price out of range - is a RangeError", () => {
      const history = History.makeUnsafe("render")
      for (const price of [
        { lagWorth: 0 },
        { lagWorth: Number.NaN },
        { checksPerJob: 1 },
        { lag: { p95: "-1 seconds" as const } }
      ]) {
        assert.throws(() => Learned.strategy(history, price), RangeError, "Learned.strategy")
      }
    })
  })

  describe("targets", () => {
    const history = taught(draws(lognormal, 3, 200))

    it("checksPerJob - is met with as little lag as it allows", () => {
      for (const most of [2, 4, 8, 20]) {
        const { checksPerJob } = Learned.snapshot(history, { checksPerJob: most })
        assert.isAtMost(checksPerJob!, most)
        assert.isAbove(checksPerJob!, most * 0.9)
      }
    })

    it("lag - is met on average, or for 95 % of the jobs", () => {
      const durations = draws(lognormal, 9, 400)
      const lags = (price: Learned.Price) => {
        const { nextMillis } = Learned.snapshot(history, price)
        return durations
          .map((seconds) => {
            let age = 0
            while (age < 1000 * seconds) age = nextMillis(age)
            return age - 1000 * seconds
          })
          .toSorted((a, b) => a - b)
      }
      const p95 = lags({ lag: { p95: "2 seconds" } })[380]!
      assert.isBelow(p95, 2300)
      assert.isAbove(p95, 1500)
      const mean = lags({ lag: { mean: "3 seconds" } }).reduce((a, b) => a + b, 0) / 400
      assert.approximately(mean, 3000, 500)
    })
  })

  describe("simple", () => {
    it("costs more than the strategy, and less than nothing learned", () => {
      const history = taught(draws(lognormal, 1, 50))
      const strategy = Learned.simple(history, lagWorth)
      const checks: Array<number> = []
      let age = Strategy.firstWaitMillis(strategy)
      checks.push(age / 1000)
      for (const delay of Strategy.delaysMillis(strategy, 400)) checks.push((age += delay) / 1000)
      const cost = Lab.costOf(lognormal, checks, 2).cost / Lab.optimum(lognormal, 2).cost
      assert.isBelow(cost, 1.2)
      assert.isAbove(cost, ratio(history, lognormal))
    })

    it("cold - is the cold strategy", () => {
      const history = History.makeUnsafe("render")
      assert.deepStrictEqual(
        Strategy.delaysMillis(Learned.simple(history, lagWorth), 9),
        Strategy.delaysMillis(Learned.strategy(history, lagWorth), 9)
      )
    })
  })

  describe("explain", () => {
    it("says why in a sentence", () => {
      const history = taught([60, 60, 61, 59, 60])
      const text = Learned.explain(history, lagWorth, { ageMillis: 30_000, progress: 0.4 })
      assert.match(text, /^The next check is in \d.*: the job is 30s old, its progress is 40 %, half of such jobs take/)
      assert.match(text, /\(after 5 endings\), and a request is worth 2s of lag\.$/)
      assert.include(Learned.explain(History.makeUnsafe("render", { hint: "1 minute" }), lagWorth), "(by the hint)")
    })
  })

  describe("in a wait", () => {
    const make = (durations: ReadonlyArray<number>, progress?: (share: number) => number) => {
      let next = 0
      const started = new Map<string, readonly [at: number, millis: number]>()
      let checks = 0
      const job = Job.make<string, never, string>("render", {
        check: (key) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            checks++
            const [at, millis] = started.get(key) ?? [now, 0]
            if (now - at >= millis) return Status.succeeded("done")
            return Status.pending({ progress: progress?.((now - at) / millis) })
          })
      })
      /** Runs one job to its end; yields its checks and its lag. */
      const run = (history: History.History, options?: Partial<Poll.Options<string>>) =>
        Effect.gen(function* () {
          const key = `job-${next}`
          const millis = 1000 * durations[next++ % durations.length]!
          const at = yield* Clock.currentTimeMillis
          started.set(key, [at, millis])
          checks = 0
          const strategy = Learned.strategy(history, lagWorth)
          const observers = [History.observer(history)]
          const fiber = yield* Effect.forkChild(
            Effect.exit(Poll.until(job, key, { deadline: "1 day", strategy, observers, ...options }))
          )
          while (fiber.pollUnsafe() === undefined) yield* TestClock.adjust("1 second")
          const exit = yield* Fiber.join(fiber)
          return { exit, checks, lag: (yield* Clock.currentTimeMillis) - at - millis }
        })
      return { job, run }
    }

    it.effect("observer - teaches the history, so that later jobs need fewer checks", () =>
      Effect.gen(function* () {
        const { run } = make([60, 62, 58, 61])
        const history = yield* History.make({ name: "render", key: { encode: String, decode: String } })
        const costs: Array<number> = []
        for (let job = 0; job < 12; job++) {
          const { checks, lag } = yield* run(history)
          costs.push(checks + lag / 2000)
        }
        assert.strictEqual(History.endings(history), 12)
        assert.isAbove(costs[0]!, 2 * costs.at(-1)!)
      }).pipe(Effect.scoped, Effect.provide(HistoryStore.layerMemory))
    )

    it.effect("token - a resumed wait continues with the plan", () =>
      Effect.gen(function* () {
        const { job } = make([600])
        const history = taught(draws(Model.scaled(lognormal, 10), 1, 30))
        const strategy = Learned.strategy(history, lagWorth)
        const first = Strategy.firstWaitMillis(strategy)
        const asked: Array<number> = []
        const check = Effect.map(Clock.currentTimeMillis, (now) => (asked.push(now), Status.pending()))
        const slow = Job.make<string>("render", { check: () => check })
        const options = { deadline: "1 day", strategy } as const
        const token = yield* Effect.scoped(
          Effect.gen(function* () {
            const handle = yield* Poll.start(slow, "a", options)
            yield* TestClock.adjust(first + 1000)
            return ResumeToken.toJson(yield* handle.leave)
          })
        )
        const fiber = yield* Effect.forkChild(Poll.resume(slow, yield* ResumeToken.fromJson(token), { strategy }))
        yield* TestClock.adjust("20 minutes")
        yield* Fiber.interrupt(fiber)
        const { nextMillis } = Learned.snapshot(history, lagWorth)
        let age = 0
        for (const at of asked) assert.approximately(at, (age = nextMillis(age)), 2 * asked.length)
        assert.isAbove(asked.length, 3)
        assert.strictEqual(job.name, "render")
      })
    )

    it.effect("late wait - uses the age that the server tells", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        const history = taught(draws(lognormal, 1, 100))
        const asked: Array<number> = []
        const check = Effect.map(Clock.currentTimeMillis, (now) => {
          asked.push(now)
          return now > 3_700_000
            ? Status.succeeded("done")
            : CheckResult.withTimes(Status.pending(), { startedAt: 3_560_000 })
        })
        const strategy = Strategy.withFirstWait(Learned.strategy(history, lagWorth), 0)
        const fiber = yield* Effect.forkChild(Poll.until(check, { deadline: "1 hour", strategy }))
        yield* TestClock.adjust("10 minutes")
        assert.isTrue(Exit.isSuccess(yield* Fiber.await(fiber)))
        const { nextMillis } = Learned.snapshot(history, lagWorth)
        assert.approximately(asked[1]! - 3_560_000, nextMillis(40_000), 2)
      })
    )

    it.effect("progress - saves checks if it is useful, and costs little if it is noise", () =>
      Effect.gen(function* () {
        const durations = draws(Model.truncated(Model.lognormal({ median: 100, sigma: 0.8 })), 5, 60)
        const random = (() => {
          let state = 1
          return () => ((state = (state * 16_807) % 2_147_483_647) & 0xffff) / 0x10000
        })()
        const cost = (progress?: (share: number) => number) =>
          Effect.gen(function* () {
            const { run } = make(durations, progress)
            const history = History.makeUnsafe("render")
            let sum = 0
            for (let job = 0; job < durations.length; job++) {
              const { checks, lag } = yield* run(history)
              if (job >= 20) sum += checks + lag / 2000
            }
            return sum
          })
        const plain = yield* cost()
        assert.isBelow(yield* cost((share) => share), 0.8 * plain)
        assert.isBelow(yield* cost(random), 1.1 * plain)
      })
    )

    it.effect("plan - is replaced at most every 100 milliseconds", () =>
      Effect.gen(function* () {
        const history = yield* History.make({ name: "render", key: { encode: String, decode: String } })
        const strategy = Learned.strategy(history, lagWorth)
        const cold = Strategy.firstWaitMillis(strategy)
        yield* History.record(history, History.ended("1 minute"))
        assert.strictEqual(Strategy.firstWaitMillis(strategy), cold)
        yield* TestClock.adjust(99)
        assert.strictEqual(Strategy.firstWaitMillis(strategy), cold)
        yield* TestClock.adjust(1)
        const warm = Strategy.firstWaitMillis(strategy)
        assert.isAbove(warm, cold)
        yield* History.record(history, History.ended("10 minutes"))
        assert.strictEqual(Strategy.firstWaitMillis(strategy), warm)
      }).pipe(Effect.scoped, Effect.provide(HistoryStore.layerMemory))
    )
  })
})
