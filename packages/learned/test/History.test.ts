import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as KeyValueStore from "effect/persistence/KeyValueStore"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as KeyCodec from "effect-poll/KeyCodec"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as History from "@effect-poll/learned/History"
import * as HistoryData from "@effect-poll/learned/HistoryData"
import * as HistoryStore from "@effect-poll/learned/HistoryStore"
import * as Learned from "@effect-poll/learned/Learned"
import { draws, gmean, seeded, taught } from "./support/histories.ts"

const lognormal = Model.truncated(Model.lognormal({ median: 45, sigma: 0.5 }))
const bimodal = Model.truncated(
  Model.bimodal({
    fast: Model.lognormal({ median: 20, sigma: 0.2 }),
    slow: Model.lognormal({ median: 400, sigma: 0.2 }),
    share: 0.7
  })
)

const costOf = (history: History.History, model: Model.Model, w = 2) => {
  const { nextMillis } = Learned.snapshot(history, { lagWorth: { seconds: w } })
  const checks: Array<number> = []
  const last = model.quantile(1)
  for (let age = 0; age < last; checks.push(age)) age = nextMillis(1000 * age) / 1000
  return Lab.costOf(model, checks, w).cost
}

/** The median that a history believes in, in seconds. */
const median = (history: History.History, className?: string) =>
  Learned.snapshot(history, undefined, className).quantileMillis(0.5) / 1000

const roundTrip = (data: HistoryData.HistoryData) =>
  Schema.decodeUnknownSync(Schema.fromJsonString(HistoryData.HistoryData))(JSON.stringify(data))

/** How far two values are apart at most, in their numbers. */
const apart = (a: unknown, b: unknown): number => {
  if (typeof a === "number" && typeof b === "number") return Math.abs(a - b)
  if (typeof a === "object" && typeof b === "object" && a !== null && b !== null) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)])
    return Math.max(0, ...[...keys].map((key) => apart(Reflect.get(a, key), Reflect.get(b, key))))
  }
  return a === b ? 0 : Number.POSITIVE_INFINITY
}

describe("History", () => {
  describe("merging", () => {
    const random = seeded(5)
    const anyData = () => {
      const history = History.makeUnsafe("render", { class: (key: string) => key })
      const count = Math.floor(random() * 40)
      for (let ending = 0; ending < count; ending++) {
        const seconds = Math.exp(10 * random() - 2)
        const kind = Math.floor(random() * 4)
        const known =
          kind === 0
            ? History.pendingAt({ seconds })
            : kind === 1
              ? History.endedBetween({ seconds: seconds / 2 }, { seconds })
              : History.ended({ seconds })
        History.recordUnsafe(history, { ...known, key: random() < 0.5 ? "a" : "b" })
      }
      return History.toData(history)
    }

    it("merge - is commutative and associative, and keeps all endings", () => {
      for (let round = 0; round < 10; round++) {
        const [a, b, c] = [anyData(), anyData(), anyData()]
        assert.isBelow(apart(HistoryData.merge(a, b), HistoryData.merge(b, a)), 1e-9)
        const left = HistoryData.merge(HistoryData.merge(a, b), c)
        const right = HistoryData.merge(a, HistoryData.merge(b, c))
        assert.strictEqual(left.pool.endings, a.pool.endings + b.pool.endings + c.pool.endings)
        // Masses are rounded to millionths in between.
        assert.isBelow(apart(left.pool.weights, right.pool.weights), 1e-9)
        assert.isBelow(Math.abs(left.pool.memories[0].sum - right.pool.memories[0].sum), 1e-6)
      }
    })

    it("merge - with nothing changes nothing", () => {
      for (let round = 0; round < 10; round++) {
        const data = anyData()
        const merged = HistoryData.merge(data, HistoryData.empty("render"))
        assert.isBelow(apart(merged.pool, data.pool), 1e-9)
        assert.isBelow(apart(HistoryData.append(HistoryData.empty("render"), data).pool, data.pool), 1e-9)
      }
    })

    it("merge - of two halves plans as well as one history", () => {
      const ratios: Array<number> = []
      for (const model of [lognormal, bimodal, Model.truncated(Model.exponential({ median: 120 }))]) {
        for (const count of [10, 40, 100]) {
          for (let seed = 1; seed <= 2; seed++) {
            const all = draws(model, seed, count)
            const halves = [0, 1].map((part) => taught(all.filter((_, index) => index % 2 === part)))
            ratios.push(costOf(History.merge(halves[0]!, halves[1]!), model) / costOf(taught(all), model))
          }
        }
      }
      assert.isBelow(gmean(ratios), 1.02)
    })

    it("merge - of different jobs is a RangeError, as is data of another job", () => {
      const other = History.toData(History.makeUnsafe("export"))
      assert.throws(() => HistoryData.merge(anyData(), other), RangeError, "HistoryData.merge: the job must be render")
      assert.throws(() => History.fromDataUnsafe(other, "render"), RangeError, "the job must be export")
    })

    it("data - survives JSON, and a history that is made of it plans the same", () => {
      const history = taught(draws(bimodal, 3, 50))
      const restored = History.fromDataUnsafe(roundTrip(History.toData(history)))
      assert.approximately(costOf(restored, bimodal), costOf(history, bimodal), 1e-3)
      assert.isBelow(JSON.stringify(History.toData(history)).length, 6000)
    })

    it("data of another version or with lists of another length - is refused", () => {
      const data = History.toData(taught([1, 2]))
      assert.throws(() => roundTrip({ ...data, version: 2 as never }))
      assert.throws(() => roundTrip({ ...data, pool: { ...data.pool, weights: [1] } }))
    })
  })

  describe("classes", () => {
    it("more than 1,000 - the one that ended longest ago is removed, and stays in the pool", () => {
      const history = History.makeUnsafe("render", { class: (key: string) => key })
      const record = (key: string) => History.recordUnsafe(history, { ...History.ended("1 minute"), key })
      for (let name = 0; name < 1000; name++) record(`${name}`)
      record("0")
      record("new")
      const names = History.classes(history)
      assert.strictEqual(names.length, 1000)
      assert.deepStrictEqual([names[0], names.includes("1"), names.at(-2)], ["2", false, "0"])
      assert.strictEqual(History.endings(history), 1002)
      assert.strictEqual(History.endings(history, "1"), 0)
    })

    it("new class - starts from the pool, and soon knows better", () => {
      const history = History.makeUnsafe("render", { class: (key: string) => key })
      for (const seconds of draws(lognormal, 1, 50)) {
        History.recordUnsafe(history, { ...History.ended({ seconds }), key: "old" })
      }
      assert.strictEqual(median(history, "new"), median(history))
      for (const seconds of draws(Model.scaled(lognormal, 10), 2, 8)) {
        History.recordUnsafe(history, { ...History.ended({ seconds }), key: "new" })
      }
      assert.isAbove(median(history, "new"), 250)
      assert.isBelow(median(history, "old"), 60)
    })

    it("class that throws, or of a key that does not decode - is none", () => {
      const codec = KeyCodec.fromSchema(Schema.fromJsonString(Schema.Struct({ model: Schema.String })))
      const history = History.makeUnsafe({ name: "render", key: codec }, { class: ({ model }) => model.toUpperCase() })
      History.recordUnsafe(history, { ...History.ended(5), key: '{"model":"sora"}' })
      History.recordUnsafe(history, { ...History.ended(5), key: "not JSON" })
      assert.deepStrictEqual([History.classes(history), History.endings(history)], [["SORA"], 2])
    })
  })

  describe("what is known of an ending", () => {
    it("endedBetween - teaches nearly as much as the exact durations", () => {
      const every = 15
      const ratios = [1, 2, 3].map((seed) => {
        const seen = draws(lognormal, seed, 100)
        const history = History.makeUnsafe("render")
        for (const seconds of seen) {
          const after = Math.floor(seconds / every) * every
          History.recordUnsafe(history, History.endedBetween({ seconds: after }, { seconds: after + every }))
        }
        return costOf(history, lognormal) / costOf(taught(seen), lognormal)
      })
      assert.isBelow(gmean(ratios), 1.05)
    })

    it("pendingAt - timeouts that are counted keep the long jobs in sight", () => {
      const long = Model.truncated(Model.lognormal({ median: 60, sigma: 0.8 }))
      const histories = [true, false].map((counts) => {
        const history = History.makeUnsafe("render")
        for (const seconds of draws(long, 4, 200)) {
          if (seconds <= 90) History.recordUnsafe(history, History.ended({ seconds }))
          else if (counts) History.recordUnsafe(history, History.pendingAt("90 seconds"))
        }
        return Learned.snapshot(history).quantileMillis(0.75) / 1000
      })
      assert.approximately(histories[0]!, 60 * Math.exp(0.8 * 0.674), 20)
      assert.isBelow(histories[1]!, 75)
    })

    it("sinceMillis - jobs that were found late also stand for those that had ended", () => {
      const model = Model.truncated(Model.exponential({ median: 60 }))
      const random = seeded(9)
      const medians = [true, false].map((counts) => {
        const history = History.makeUnsafe("render")
        for (const seconds of draws(model, 6, 400)) {
          const since = 120 * random()
          if (seconds <= since) continue
          const ending = History.ended({ seconds })
          History.recordUnsafe(history, counts ? { ...ending, sinceMillis: 1000 * since } : ending)
        }
        return median(history)
      })
      assert.approximately(medians[0]!, 60, 15)
      assert.isAbove(medians[1]!, 80)
    })

    it("arguments out of range - are a RangeError", () => {
      assert.throws(() => History.ended(-1), RangeError, "History.ended: duration")
      assert.throws(() => History.endedBetween(5, 4), RangeError, "History.endedBetween: until must be at least after")
      assert.throws(() => History.makeUnsafe("a", { hint: 0 }), RangeError, "History.makeUnsafe: hint")
    })
  })

  describe("observer", () => {
    /** Runs a wait for an hour; yields what the history then knows. */
    const observed = (
      check: (now: number, start: number) => CheckResult.CheckResult<string, string>,
      options: Partial<Poll.Options<never>> = {}
    ) =>
      Effect.gen(function* () {
        yield* TestClock.adjust("10 minutes")
        const start = yield* Clock.currentTimeMillis
        const history = History.makeUnsafe("render")
        const job = Job.make<string, string, never>("render", {
          check: () => Effect.map(Clock.currentTimeMillis, (now) => check(now - start, start))
        })
        const wait = Poll.until(job, "a", {
          deadline: "30 minutes",
          strategy: Strategy.spaced("1 minute"),
          observers: [History.observer(history)],
          ...options
        })
        const fiber = yield* Effect.forkChild(Effect.exit(wait))
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(fiber)
        return { endings: History.endings(history), median: median(history), quantile: Learned.snapshot(history) }
      })

    const until = (millis: number, end: CheckResult.CheckResult<string, string>) => (now: number) =>
      now >= millis ? end : Status.pending()

    for (const [name, end] of [
      ["result", Status.succeeded("done")],
      ["JobFailed", Status.failed("no")],
      ["JobExpired", Status.expired()]
    ] as const) {
      it.effect(`${name} - ended between two checks`, () =>
        Effect.gen(function* () {
          const { endings, median } = yield* observed(until(290_000, end))
          assert.strictEqual(endings, 1)
          assert.isAbove(median, 200)
          assert.isBelow(median, 360)
        })
      )
    }

    it.effect("JobCanceled, a timeout - took longer", () =>
      Effect.gen(function* () {
        const canceled = yield* observed(until(290_000, Status.canceled()))
        assert.strictEqual(canceled.endings, 1)
        assert.isAbove(canceled.median, 400)
        const late = yield* observed(until(9_000_000, Status.canceled()))
        assert.strictEqual(late.endings, 1)
        assert.isAbove(late.median, 1800)
      })
    )

    it.effect("job that is missing - says nothing if it was never seen", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* observed(() => CheckResult.missing)).endings, 0)
      })
    )

    it.effect("times of the server - are exact, but within what was seen", () =>
      Effect.gen(function* () {
        const told = (startedAt: number, endedAt: number) =>
          observed((now, start) =>
            CheckResult.withTimes(now >= 290_000 ? Status.succeeded("done") : Status.pending(), {
              startedAt: start + startedAt,
              endedAt: start + endedAt
            })
          )
        const spread = ({ quantile }: { readonly quantile: Learned.Snapshot }) => quantile.quantileMillis(0.5) / 1000
        const exact = spread(yield* told(0, 250_000))
        // The job had started two minutes before the wait.
        const early = spread(yield* told(-120_000, 250_000))
        const wrong = spread(yield* told(0, 9_999_000))
        assert.approximately(exact, 250, 30)
        assert.approximately(early, 370, 60)
        assert.approximately(wrong, 300, 40)
      })
    )

    it.effect("endings of another job, and of waits without a check - are ignored", () =>
      Effect.gen(function* () {
        const history = History.makeUnsafe("export")
        const job = Job.make<string>("render", { check: () => Effect.succeed(Status.succeeded("done")) })
        yield* Poll.until(job, "a", { deadline: "1 minute", observers: [History.observer(history)] })
        assert.strictEqual(History.endings(history), 0)
      })
    )
  })

  describe("store", () => {
    const subject = { name: "render", key: { encode: (key: string) => key, decode: (key: string) => key } }
    const learn = (...seconds: ReadonlyArray<number>) =>
      Effect.scoped(
        Effect.gen(function* () {
          const history = yield* History.make(subject, { class: (key) => key })
          for (const each of seconds) yield* History.record(history, { ...History.ended({ seconds: each }), key: "a" })
          return [History.endings(history), History.endings(history, "a")]
        })
      )

    for (const [name, layer] of [
      ["layerMemory", HistoryStore.layerMemory],
      ["layerKeyValueStore", Layer.provide(HistoryStore.layerKeyValueStore(), KeyValueStore.layerMemory)]
    ] as const) {
      it.effect(`${name} - keeps what was learned when the scope closes`, () =>
        Effect.gen(function* () {
          assert.deepStrictEqual(yield* learn(60, 61), [2, 2])
          assert.deepStrictEqual(yield* learn(62), [3, 3])
          assert.deepStrictEqual(yield* learn(), [3, 3])
        }).pipe(Effect.provide(layer))
      )

      it.effect(`${name} - two histories of a job both add to it`, () =>
        Effect.gen(function* () {
          yield* Effect.scoped(
            Effect.gen(function* () {
              const a = yield* History.make(subject)
              const b = yield* History.make(subject)
              yield* History.record(a, History.ended(1000))
              yield* History.record(b, History.ended(2000))
              yield* History.save(a)
              yield* History.save(a)
              yield* History.record(a, History.ended(3000))
            })
          )
          assert.deepStrictEqual((yield* learn())[0], 3)
        }).pipe(Effect.provide(layer))
      )
    }

    it.effect("stored one by one - is what one history would have learned", () =>
      Effect.gen(function* () {
        const seconds = draws(lognormal, 1, 30)
        for (const each of seconds) yield* learn(each)
        const stored = yield* Effect.flatMap(HistoryStore.HistoryStore, (store) => store.get("render"))
        const all = History.toData(taught(seconds))
        assert.isBelow(apart(stored!.pool.weights, all.pool.weights), 5)
        assert.approximately(stored!.pool.memories[1].count, all.pool.memories[1].count, 1e-6)
        assert.approximately(
          costOf(History.fromDataUnsafe(stored!), lognormal) / costOf(taught(seconds), lognormal),
          1,
          0.01
        )
      }).pipe(Effect.provide(HistoryStore.layerMemory))
    )

    it.effect("store that fails - loses nothing", () =>
      Effect.gen(function* () {
        let fails = true
        const stored: Array<HistoryData.HistoryData> = []
        const error = new HistoryStore.HistoryStoreError({ job: "render", method: "update", cause: "disk" })
        const store: HistoryStore.Service = {
          get: () => Effect.succeed(undefined),
          update: (_job, f) =>
            Effect.suspend(() =>
              fails ? Effect.fail(error) : Effect.sync(() => (stored.push(f(undefined)), stored[0]!))
            )
        }
        yield* Effect.gen(function* () {
          const history = yield* History.make(subject)
          yield* History.record(history, History.ended(1000))
          assert.isTrue(Exit.isFailure(yield* Effect.exit(History.save(history))))
          yield* History.record(history, History.ended(1000))
          fails = false
          yield* History.save(history)
          assert.strictEqual(stored[0]!.pool.endings, 2)
        }).pipe(Effect.scoped, Effect.provideService(HistoryStore.HistoryStore, store))
      })
    )

    it.effect("layerKeyValueStore - refuses what is not a history", () =>
      Effect.gen(function* () {
        const entries = yield* KeyValueStore.KeyValueStore
        yield* entries.set("effect-poll/histories/render", "{}")
        const error = yield* Effect.flip(learn())
        assert.strictEqual(error.message, "the history of render could not be read")
      }).pipe(Effect.provide(Layer.provideMerge(HistoryStore.layerKeyValueStore(), KeyValueStore.layerMemory)))
    )

    it.effect("observer - stores at most every 10 seconds", () =>
      Effect.gen(function* () {
        let updates = 0
        const store: HistoryStore.Service = {
          get: () => Effect.succeed(undefined),
          update: (_job, f) => Effect.sync(() => (updates++, f(undefined)))
        }
        yield* Effect.gen(function* () {
          const history = yield* History.make(subject)
          const job = Job.make<string>("render", { check: () => Effect.succeed(Status.succeeded("done")) })
          const observers = [History.observer(history)]
          const run = Poll.until(job, "a", { deadline: "1 minute", observers })
          for (let round = 0; round < 25; round++) {
            yield* run
            yield* TestClock.adjust("1 second")
          }
          assert.deepStrictEqual([updates, History.endings(history)], [3, 25])
        }).pipe(Effect.scoped, Effect.provideService(HistoryStore.HistoryStore, store))
      })
    )
  })
})
