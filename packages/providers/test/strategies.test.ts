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

/** When a job that never ends is looked at, in seconds, and how the wait ends. */
const replay = (strategy: Strategy.Strategy, deadline: Duration.Input | "unbounded", pollErrors = {}) =>
  Effect.gen(function* () {
    const looks: Array<number> = []
    const start = yield* Clock.currentTimeMillis
    const check = Effect.map(Clock.currentTimeMillis, (now) => {
      looks.push((now - start) / 1000)
      return Status.pending()
    })
    const error = yield* runFor(Effect.flip(Poll.until(check, { strategy, deadline, pollErrors })), "2 days")
    return {
      looks,
      ends: [error._tag === "PollTimeout" ? error.reason : error._tag, Duration.toSeconds(error.elapsed)]
    }
  })

interface Row {
  readonly loop: string
  readonly strategy: Strategy.Strategy
  /** As the documents' own loops do it. */
  readonly looks: number
  readonly first: number
  readonly last: number
  /** When ours ends; if that is after the last look of the document, with one more look. */
  readonly ends: number
}

const table: ReadonlyArray<Row> = [
  { loop: "JobStatus", strategy: JobStatus.strategy, looks: 30, first: 0, last: 58, ends: 58 },
  { loop: "fixed", strategy: GenerationApi.fixed, looks: 60, first: 0, last: 177, ends: 177 },
  { loop: "many", strategy: GenerationApi.many, looks: 62, first: 0, last: 183, ends: 183 },
  {
    loop: "nano-banana",
    strategy: GenerationApi.strategyFor("nano-banana"),
    looks: 39,
    first: 5,
    last: 119,
    ends: 120
  },
  { loop: "flux-2", strategy: GenerationApi.strategyFor("flux-2"), looks: 34, first: 10, last: 175, ends: 180 },
  { loop: "sora-2", strategy: GenerationApi.strategyFor("sora-2"), looks: 36, first: 60, last: 585, ends: 600 },
  { loop: "veo-3-1", strategy: GenerationApi.strategyFor("veo-3-1"), looks: 44, first: 45, last: 475, ends: 480 },
  { loop: "suno", strategy: GenerationApi.strategyFor("suno"), looks: 27, first: 30, last: 290, ends: 300 },
  { loop: "other model", strategy: GenerationApi.strategyFor("toString"), looks: 58, first: 10, last: 295, ends: 300 },
  { loop: "exponential", strategy: GenerationApi.exponential, looks: 25, first: 0, last: 574.3, ends: 600 },
  { loop: "resilient", strategy: GenerationApi.resilient().strategy, looks: 100, first: 0, last: 297, ends: 300 }
]

describe("strategies", () => {
  describe("a job that never ends", () => {
    it.effect.each(table)("$loop", ({ ends, first, last, looks, strategy }) =>
      Effect.gen(function* () {
        const seen = yield* replay(strategy, "unbounded")
        const documented = ends === last ? seen.looks : seen.looks.slice(0, -1)
        assert.strictEqual(documented.length, looks)
        assert.strictEqual(documented[0], first)
        assert.closeTo(documented.at(-1)!, last, 0.05)
        assert.closeTo(seen.looks.at(-1)!, ends, 0.05)
        assert.deepStrictEqual(seen.ends, ["strategy", ends])
      })
    )

    it.effect("the same in fast motion", () =>
      Effect.gen(function* () {
        const seen = yield* replay(Strategy.scale(GenerationApi.strategyFor("flux-2"), 1 / 100), "unbounded")
        assert.strictEqual(seen.looks.length, 35)
        assert.strictEqual(seen.looks[0], 0.1)
        assert.deepStrictEqual(seen.ends, ["strategy", 1.8])
      })
    )
  })

  it("Mixpeek and EventPlatform - delays", () => {
    assert.deepStrictEqual(
      Strategy.delays(Mixpeek.strategy, 11).map((delay) => Math.round(delay)),
      [1000, 1500, 2250, 3375, 5063, 7594, 11391, 17086, 25629, 30000, 30000]
    )
    assert.deepStrictEqual(Strategy.delays(EventPlatform.taskStrategy, 6), [2000, 3000, 4500, 6750, 10000, 10000])
    assert.deepStrictEqual(Strategy.delays(EventPlatform.packageStrategy, 2), [5000, 5000])
    assert.deepStrictEqual(Strategy.delays(EventPlatformBadges.strategies.notifications, 2), [10_000, 10_000])
    assert.deepStrictEqual(Strategy.delays(EventPlatformBadges.strategies.messages, 2), [900_000, 900_000])
    for (const strategy of [Mixpeek.strategy, EventPlatform.taskStrategy, EventPlatform.packageStrategy]) {
      assert.strictEqual(Strategy.firstWait(strategy), 0)
    }
  })

  it.effect("AsyncQueue - short tasks from the 5th second on, signal tasks 294 times a day", () =>
    Effect.gen(function* () {
      const short = yield* replay(AsyncQueue.strategy, "20 seconds")
      assert.deepStrictEqual(short.looks, [5, 10, 15, 20])
      const slow = yield* replay(AsyncQueue.signalStrategy, "1 day")
      assert.deepStrictEqual(slow.looks.slice(0, 9), [5, 10, 20, 40, 80, 160, 320, 620, 920])
      assert.strictEqual(slow.looks.length, 294)
    })
  )

  it.effect("AsyncQueue - the default deadline is one slow interval after the service's own", () =>
    Effect.gen(function* () {
      const deadline = AsyncQueue.defaultDeadline("1 hour")
      assert.strictEqual(Duration.toSeconds(deadline), 3900)
      const { looks } = yield* replay(AsyncQueue.signalStrategy, deadline)
      assert.isTrue(looks.some((at) => at >= 3600))
      assert.strictEqual(Duration.toSeconds(AsyncQueue.defaultDeadline("1 hour", { timeScale: 0.1 })), 390)
      assert.throws(() => AsyncQueue.defaultDeadline("Infinity"), RangeError, "AsyncQueue.defaultDeadline: maxWaitTime")
      assert.throws(() => AsyncQueue.defaultDeadline(0), RangeError, "AsyncQueue.defaultDeadline: maxWaitTime")
    })
  )

  it("EventPlatform - stall and haste", () => {
    assert.deepStrictEqual(EventPlatform.stall(), { after: Duration.minutes(30), then: "report" })
    assert.deepStrictEqual(EventPlatform.stall({ then: "fail", timeScale: 0.1 }), {
      after: Duration.minutes(3),
      then: "fail"
    })
    const hasty = (strategy: Strategy.Strategy) => EventPlatform.isHasty(strategy, "2 seconds")
    assert.isTrue(hasty(Strategy.fixed("200 millis")))
    assert.isFalse(hasty(EventPlatform.taskStrategy))
    assert.isFalse(hasty(Strategy.jittered(EventPlatform.taskStrategy, "full")))
  })
})
