import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as AsyncQueue from "@effect-poll/providers/AsyncQueue"
import * as EventPlatform from "@effect-poll/providers/EventPlatform"
import * as EventPlatformBadges from "@effect-poll/providers/EventPlatformBadges"
import * as GenerationApi from "@effect-poll/providers/GenerationApi"
import * as JobStatus from "@effect-poll/providers/JobStatus"
import * as Mixpeek from "@effect-poll/providers/Mixpeek"
import { runFor } from "./support.ts"

/** When a documented loop checks a job that never ends, and when it times out, in seconds. */
interface Published {
  readonly checks: ReadonlyArray<number>
  readonly timesOut: number
}

/** A number of checks, with a sleep after each of them, the last one included. */
const counted = ({ interval, checks }: { readonly interval: number; readonly checks: number }): Published => ({
  checks: Array.from({ length: checks }, (_, check) => check * interval),
  timesOut: checks * interval
})

/** A loop that increments a counter per check, and times out when it exceeds the limit. */
const rounds = ({ interval, limit }: { readonly interval: number; readonly limit: number }): Published => {
  const checks: Array<number> = []
  for (let attempts = 0, now = 0; ; attempts++, now += interval) {
    checks.push(now)
    if (attempts > limit) return { checks, timesOut: now }
  }
}

/** A loop that checks and sleeps while its sleeps add up to less than the limit; the interval grows after each sleep. */
const growing = (
  options: { readonly initial: number; readonly factor: number; readonly cap: number; readonly limit: number },
  start = 0
): Published => {
  const checks: Array<number> = []
  let interval = options.initial
  let now = start
  while (now < options.limit) {
    checks.push(now)
    now += interval
    interval = Math.min(interval * options.factor, options.cap)
  }
  return { checks, timesOut: now }
}

/** The same with a sleep before the first check, which counts towards the limit. */
const adaptive = ({ firstWaitMillis, intervalMillis, maxDurationMillis }: GenerationApi.Timing): Published =>
  growing(
    { initial: intervalMillis / 1000, factor: 1, cap: intervalMillis / 1000, limit: maxDurationMillis / 1000 },
    firstWaitMillis / 1000
  )

/** When a strategy checks a job that never ends, in seconds, and how the wait ends. */
const replay = (strategy: Strategy.Strategy, deadline: Duration.Input | "unbounded", checkErrors = {}) =>
  Effect.gen(function* () {
    const checks: Array<number> = []
    const start = yield* Clock.currentTimeMillis
    const check = Effect.map(Clock.currentTimeMillis, (now) => {
      checks.push((now - start) / 1000)
      return Status.pending()
    })
    const error = yield* runFor(Effect.flip(Poll.until(check, { strategy, deadline, checkErrors })), "2 days")
    return {
      checks,
      ends: [error._tag === "PollTimeout" ? error.reason : error._tag, Duration.toSeconds(error.elapsed)]
    }
  })

interface Row {
  readonly loop: string
  readonly strategy: Strategy.Strategy
  /** The documented loop. */
  readonly published: Published
  readonly checks: number
  readonly first: number
  readonly last: number
  readonly timesOut: number
  /** When our wait ends; with one more check if that is after the last check of the documented loop. */
  readonly ends: number
}

const model = (loop: string, name: string, figures: Omit<Row, "loop" | "strategy" | "published">): Row => ({
  loop,
  strategy: GenerationApi.strategyFor(name),
  published: adaptive(GenerationApi.timings[loop as keyof typeof GenerationApi.timings] ?? GenerationApi.timings.other),
  ...figures
})

// The figures are those of the documented loops for a job that never ends, in seconds.
const table: ReadonlyArray<Row> = [
  {
    loop: "JobStatus",
    strategy: JobStatus.strategy,
    published: counted({ interval: 2, checks: 30 }),
    checks: 30,
    first: 0,
    last: 58,
    timesOut: 60,
    ends: 58
  },
  {
    loop: "JobStatus, with the options of its example",
    strategy: Strategy.spaced("1500 millis").pipe(Strategy.maxAttempts(20)),
    published: counted({ interval: 1.5, checks: 20 }),
    checks: 20,
    first: 0,
    last: 28.5,
    timesOut: 30,
    ends: 28.5
  },
  {
    loop: "fixed",
    strategy: GenerationApi.fixed,
    published: counted({ interval: 3, checks: 60 }),
    checks: 60,
    first: 0,
    last: 177,
    timesOut: 180,
    ends: 177
  },
  {
    loop: "many",
    strategy: GenerationApi.many,
    published: rounds({ interval: 3, limit: 60 }),
    checks: 62,
    first: 0,
    last: 183,
    timesOut: 183,
    ends: 183
  },
  model("nano-banana", "nano-banana", { checks: 39, first: 5, last: 119, timesOut: 122, ends: 120 }),
  model("flux-2", "flux-2", { checks: 34, first: 10, last: 175, timesOut: 180, ends: 180 }),
  model("sora-2", "sora-2", { checks: 36, first: 60, last: 585, timesOut: 600, ends: 600 }),
  model("veo-3-1", "veo-3-1", { checks: 44, first: 45, last: 475, timesOut: 485, ends: 480 }),
  model("suno", "suno", { checks: 27, first: 30, last: 290, timesOut: 300, ends: 300 }),
  model("other model", "toString", { checks: 58, first: 10, last: 295, timesOut: 300, ends: 300 }),
  {
    loop: "exponential",
    strategy: GenerationApi.exponential,
    published: growing({ initial: 2, factor: 1.5, cap: 30, limit: 600 }),
    checks: 25,
    first: 0,
    last: 574.3,
    timesOut: 604.3,
    ends: 600
  },
  {
    loop: "resilient",
    strategy: GenerationApi.resilient().strategy,
    published: growing({ initial: 3, factor: 1, cap: 3, limit: 300 }),
    checks: 100,
    first: 0,
    last: 297,
    timesOut: 300,
    ends: 300
  }
]

const rounded = (times: ReadonlyArray<number>) => times.map((at) => Math.round(at * 10) / 10)

describe("strategies", () => {
  describe("a job that never ends", () => {
    it.effect.each(table)(
      "$loop - is checked as often as by the documented loop",
      ({ ends, first, timesOut, last, checks, published, strategy }) =>
        Effect.gen(function* () {
          const theirs = { checks: published.checks.length, first: published.checks[0], last: published.checks.at(-1)! }
          assert.deepStrictEqual({ ...theirs, last: rounded([theirs.last])[0] }, { checks, first, last })
          assert.closeTo(published.timesOut, timesOut, 0.05)
          const ours = yield* replay(strategy, "unbounded")
          // The same times, and one more check at our end if the documented loop sleeps past it.
          const added = ends === last ? [] : [ends]
          assert.deepStrictEqual(rounded(ours.checks), rounded([...published.checks, ...added]))
          assert.deepStrictEqual(ours.ends, ["strategy", ends])
          assert.isAtMost(ends, timesOut)
        })
    )

    it.effect("scale - keeps the number of checks", () =>
      Effect.gen(function* () {
        const replayed = yield* replay(Strategy.scale(GenerationApi.strategyFor("flux-2"), 1 / 100), "unbounded")
        assert.strictEqual(replayed.checks.length, 35)
        assert.strictEqual(replayed.checks[0], 0.1)
        assert.deepStrictEqual(replayed.ends, ["strategy", 1.8])
      })
    )
  })

  it.effect("Mixpeek - checks as often as the documented loop, which never times out", () =>
    Effect.gen(function* () {
      const { checks } = yield* replay(Mixpeek.strategy, "10 minutes")
      const published = growing({ initial: 1, factor: 1.5, cap: 30, limit: 600 }).checks
      assert.deepStrictEqual(rounded(checks), rounded([...published, 600]))
    })
  )

  it("Mixpeek, EventPlatform - have the documented delays", () => {
    assert.deepStrictEqual(
      Strategy.delaysMillis(Mixpeek.strategy, 11).map((delay) => Math.round(delay)),
      [1000, 1500, 2250, 3375, 5063, 7594, 11391, 17086, 25629, 30000, 30000]
    )
    assert.deepStrictEqual(Strategy.delaysMillis(EventPlatform.taskStrategy, 6), [2000, 3000, 4500, 6750, 10000, 10000])
    assert.deepStrictEqual(Strategy.delaysMillis(EventPlatform.packageStrategy, 2), [5000, 5000])
    assert.deepStrictEqual(Strategy.delaysMillis(EventPlatformBadges.strategies.notifications, 2), [10_000, 10_000])
    assert.deepStrictEqual(Strategy.delaysMillis(EventPlatformBadges.strategies.messages, 2), [900_000, 900_000])
    for (const strategy of [Mixpeek.strategy, EventPlatform.taskStrategy, EventPlatform.packageStrategy]) {
      assert.strictEqual(Strategy.firstWaitMillis(strategy), 0)
    }
  })

  it.effect("AsyncQueue - checks short tasks every 5 seconds, and signal tasks 294 times a day", () =>
    Effect.gen(function* () {
      const short = yield* replay(AsyncQueue.strategy, "20 seconds")
      assert.deepStrictEqual(short.checks, [5, 10, 15, 20])
      const slow = yield* replay(AsyncQueue.signalStrategy, "1 day")
      assert.deepStrictEqual(slow.checks.slice(0, 9), [5, 10, 20, 40, 80, 160, 320, 620, 920])
      assert.strictEqual(slow.checks.length, 294)
    })
  )

  it.effect("AsyncQueue - defaultDeadline is maxWaitTime plus slowInterval", () =>
    Effect.gen(function* () {
      const deadline = AsyncQueue.defaultDeadline("1 hour")
      assert.strictEqual(Duration.toSeconds(deadline), 3900)
      const { checks } = yield* replay(AsyncQueue.signalStrategy, deadline)
      assert.isTrue(checks.some((at) => at >= 3600))
      assert.strictEqual(Duration.toSeconds(AsyncQueue.defaultDeadline("1 hour", { timeScale: 0.1 })), 390)
      assert.throws(() => AsyncQueue.defaultDeadline("Infinity"), RangeError, "AsyncQueue.defaultDeadline: maxWaitTime")
      assert.throws(() => AsyncQueue.defaultDeadline(0), RangeError, "AsyncQueue.defaultDeadline: maxWaitTime")
    })
  )

  it("EventPlatform - stall is reported after 30 minutes by default", () => {
    assert.deepStrictEqual(EventPlatform.stall(), { after: Duration.minutes(30), onStall: "report" })
    assert.deepStrictEqual(EventPlatform.stall({ onStall: "fail", timeScale: 0.1 }), {
      after: Duration.minutes(3),
      onStall: "fail"
    })
  })
})
