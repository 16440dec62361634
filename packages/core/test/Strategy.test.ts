import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Observation } from "effect-poll/Observation"
import { pending, scripted } from "./support/checks.ts"
import { runFor, valueOf } from "./support/runs.ts"

/** The times of the checks of a job that stays pending, in seconds. */
const checkTimes = (strategy: Schedule.Schedule<unknown, Observation>, within: Duration.Input = "2 hours") =>
  Effect.gen(function* () {
    const { check, checks } = scripted(pending)
    yield* runFor(Poll.until(check, { strategy, deadline: "unbounded" }), within)
    return checks.map((at) => at / 1000)
  })

describe("Strategy", () => {
  describe("delays", () => {
    it("spaced - repeats its interval", () =>
      assert.deepStrictEqual(Strategy.delaysMillis(Strategy.spaced("2 seconds"), 3), [2000, 2000, 2000]))

    it("linear - starts with its increment and stops growing at its cap", () => {
      const strategy = Strategy.linear({ increment: "2 seconds", cap: "5 seconds" })
      assert.deepStrictEqual(Strategy.delaysMillis(strategy, 4), [2000, 4000, 5000, 5000])
    })

    it("linear - with slope w and no cap makes check k at w k^2 / 2", () => {
      const strategy = Strategy.linear({ initial: "1 second", increment: "2 seconds" })
      let at = 0
      const checks = Strategy.delaysMillis(strategy, 6).map((delay) => (at += delay) / 1000)
      assert.deepStrictEqual(checks, [1, 4, 9, 16, 25, 36])
    })

    it("exponential - grows by its factor up to its cap", () => {
      const strategy = Strategy.exponential({ initial: "2 seconds", factor: 1.5, cap: "5 seconds" })
      assert.deepStrictEqual(Strategy.delaysMillis(strategy, 5), [2000, 3000, 4500, 5000, 5000])
    })

    it("exponential - has a cap of one hour even when none is given", () => {
      const delays = Strategy.delaysMillis(Strategy.exponential({ initial: "1 second", factor: 10 }), 2000)
      assert.strictEqual(Math.max(...delays), 3_600_000)
    })

    it("maxDuration - cuts the last delay at its end, first wait included", () => {
      const strategy = Strategy.spaced("3 seconds").pipe(
        Strategy.withFirstWait("5 seconds"),
        Strategy.maxDuration("12 seconds")
      )
      assert.deepStrictEqual(
        [Strategy.firstWaitMillis(strategy), Strategy.delaysMillis(strategy, 9)],
        [5000, [3000, 3000, 1000]]
      )
    })

    it("maxAttempts - counts checks, not delays", () =>
      assert.deepStrictEqual(Strategy.delaysMillis(Strategy.maxAttempts(Strategy.spaced(1000), 3), 9), [1000, 1000]))

    it("maxRecurrences - counts delays", () =>
      assert.deepStrictEqual(
        Strategy.delaysMillis(Strategy.maxRecurrences(Strategy.spaced(1000), 3), 9),
        [1000, 1000, 1000]
      ))

    it("cap - bounds the delays of the strategy", () =>
      assert.deepStrictEqual(
        Strategy.delaysMillis(Strategy.exponential({ initial: 1000 }).pipe(Strategy.cap("3 seconds")), 3),
        [1000, 2000, 3000]
      ))

    it("make - clamps a delay that is negative or NaN to 0", () => {
      const nonsense = [-1, Number.NaN, 5] as const
      const strategy = Strategy.make({ decide: (step) => nonsense[step - 1] ?? "end" })
      assert.deepStrictEqual(Strategy.delaysMillis(strategy, 9), [0, 0, 5])
    })

    it("scale - multiplies first wait, delays and maxDuration, and gives decide unscaled times", () => {
      const seen: Array<number> = []
      const strategy = Strategy.make({
        firstWait: "10 seconds",
        maxDuration: "40 seconds",
        decide: (_step, _elapsed, { elapsedMillis: elapsed }) => {
          seen.push(elapsed)
          return 10_000
        }
      }).pipe(Strategy.scale(0.1))
      assert.deepStrictEqual(
        [Strategy.firstWaitMillis(strategy), Strategy.delaysMillis(strategy, 9)],
        [1000, [1000, 1000, 1000]]
      )
      assert.deepStrictEqual(seen, [10_000, 20_000, 30_000])
    })

    it("withFirstWait - replaces the first wait and keeps the rest", () => {
      const strategy = Strategy.spaced("2 seconds").pipe(Strategy.maxAttempts(2), Strategy.withFirstWait("7 seconds"))
      assert.deepStrictEqual([Strategy.firstWaitMillis(strategy), Strategy.delaysMillis(strategy, 9)], [7000, [2000]])
    })
  })

  describe("jittered", () => {
    const base = Strategy.spaced("10 seconds")
    const extremes = (strategy: Strategy.Strategy) =>
      [0, 1 - Number.EPSILON].map((draw) => Math.round(Strategy.delaysMillis(strategy, 1, { random: () => draw })[0]!))

    it("equal - draws between half the delay and all of it", () =>
      assert.deepStrictEqual(extremes(base.pipe(Strategy.jittered("equal"))), [5000, 10_000]))

    it("full - draws between 0 and the delay", () =>
      assert.deepStrictEqual(extremes(base.pipe(Strategy.jittered("full"))), [0, 10_000]))

    it("none - removes the jitter", () =>
      assert.deepStrictEqual(
        extremes(base.pipe(Strategy.jittered("full"), Strategy.jittered("none"))),
        [10_000, 10_000]
      ))

    it("atLeast - draws between that and the delay", () =>
      assert.deepStrictEqual(extremes(base.pipe(Strategy.jittered({ atLeast: "3 seconds" }))), [3000, 10_000]))

    it("seed - repeats the draws, and differs between keys and steps", () => {
      const strategy = Strategy.jittered(base, "full", { seed: "s" })
      const delays = (key: string) => Strategy.delaysMillis(strategy, 20, { key, random: () => Number.NaN })
      assert.deepStrictEqual(delays("a"), delays("a"))
      assert.strictEqual(new Set([...delays("a"), ...delays("b")]).size, 40)
    })

    it("seed - spreads many keys evenly", () => {
      const strategy = Strategy.jittered(base, "full", { seed: "s" })
      const tenths = Array.from({ length: 10 }, () => 0)
      for (let i = 0; i < 10_000; i++)
        tenths[Math.floor(Strategy.delaysMillis(strategy, 1, { key: `job-${i}` })[0]! / 1000)]!++
      assert(
        tenths.every((count) => count > 900 && count < 1100),
        String(tenths)
      )
    })

    it.effect("jittered - draws from the Random service", () =>
      Effect.gen(function* () {
        const times = (seed: string) =>
          Random.withSeed(checkTimes(Strategy.maxAttempts(Strategy.jittered(base, "full"), 4)), seed)
        const again = { a: yield* times("a"), b: yield* times("b") }
        const later = yield* times("a")
        const gaps = (checks: ReadonlyArray<number>) =>
          checks.slice(1).map((at, i) => Math.round((at - checks[i]!) * 1000))
        assert.deepStrictEqual(gaps(again.a), gaps(later))
        assert.notDeepEqual(gaps(again.a), gaps(again.b))
      })
    )
  })

  it.effect("exponential with jitter - follows the worked example of the Smithy waiter specification", () =>
    Effect.gen(function* () {
      const delays = [2, 3, 6, 6, 22, 62, 43, 24, 71, 42, 9, 6]
      // The draws that give the delays of the specification, between 2 s and the backoff.
      const draws = delays.map((delay, i) => (delay - 2) / Math.max(1, Math.min(120, 2 ** (i + 1)) - 2))
      let drawn = 0
      const strategy = Strategy.exponential({ initial: "2 seconds", cap: "120 seconds" }).pipe(
        Strategy.jittered({ atLeast: "2 seconds" }),
        Strategy.skipNearDeadline("2 seconds")
      )
      const { check, checks } = scripted(pending)
      const { at } = yield* runFor(
        Effect.provideService(Poll.until(check, { strategy, deadline: "300 seconds" }), Random.Random, {
          nextDoubleUnsafe: () => draws[drawn++] ?? 0.5,
          nextIntUnsafe: () => 0
        }),
        "1 hour"
      )
      assert.deepStrictEqual(
        checks.map((check) => check / 1000),
        [0, 2, 5, 11, 17, 39, 101, 144, 168, 239, 281, 290, 296, 300]
      )
      assert.strictEqual(at, 300_000)
    })
  )

  describe("byProgress", () => {
    const strategy = Strategy.byProgress({
      min: "1 second",
      max: "20 seconds",
      orElse: Strategy.spaced("5 seconds")
    })
    const delay = (progress: number | undefined, elapsed: number) =>
      Strategy.explain(strategy, { elapsedMillis: elapsed, status: Status.pending({ progress }) }).delayMillis

    it("byProgress - waits for half of the remaining time within its bounds, or as otherwise without progress", () => {
      assert.deepStrictEqual(
        [delay(0.5, 10_000), delay(0.9, 9000), delay(0.01, 10_000), delay(1, 10_000), delay(undefined, 1), delay(0, 1)],
        [5000, 1000, 20_000, 1000, 5000, 5000]
      )
    })
  })

  it("modify - changes the decision after jitter, and keeps the first wait and the bounds", () => {
    const strategy = Strategy.spaced("2 seconds").pipe(
      Strategy.withFirstWait("7 seconds"),
      Strategy.jittered("full"),
      Strategy.maxAttempts(3),
      Strategy.modify((decision) => (decision === "end" ? "end" : decision + 1))
    )
    assert.strictEqual(Strategy.firstWaitMillis(strategy), 7000)
    assert.deepStrictEqual(Strategy.delaysMillis(strategy, 9, { random: () => 0.5 }), [1001, 1001])
  })

  describe("explain", () => {
    const strategy = Strategy.exponential({ initial: "2 seconds" }).pipe(Strategy.jittered("equal"))
    const text = (options: Parameters<typeof Strategy.explain>[1]) => Strategy.explain(strategy, options).text

    it("explain - says in words what decided", () => {
      assert.strictEqual(text({}), "1s 500ms: strategy 2s, jitter -500ms")
      assert.strictEqual(
        text({ random: () => 0.6, floor: "5 seconds" }),
        "5s: server floor 5s > strategy 2s, jitter -400ms"
      )
      assert.strictEqual(
        text({ remainingMillis: 1000, checkDuration: 200 }),
        "600ms: strategy 2s, jitter -500ms, clipped by the deadline"
      )
      assert.strictEqual(
        text({ remainingMillis: 1000, floor: "5 seconds" }),
        "1s: no check fits: the server floor 5s is beyond the deadline"
      )
      assert.strictEqual(Strategy.explain(Strategy.maxAttempts(strategy, 1)).text, "end: the strategy ended")
    })

    it("explain - has the delay that a wait would have", () => {
      assert.strictEqual(Strategy.explain(strategy, { step: 3 }).delayMillis, Strategy.delaysMillis(strategy, 3)[2])
    })
  })

  describe("Schedule view", () => {
    it.effect("mapped strategy - has the delays of the strategy", () =>
      Effect.gen(function* () {
        const strategy = Strategy.exponential({ initial: "1 second", factor: 2, cap: "4 seconds" }).pipe(
          Strategy.maxDuration("20 seconds")
        )
        const plain = Schedule.map(strategy, ({ output }) => output)
        assert.isFalse(Strategy.isStrategy(plain))
        assert.deepStrictEqual(yield* checkTimes(plain), [0, 1, 3, 7, 11, 15, 19, 20])
      })
    )

    it.effect("tapped strategy - loses its first wait", () =>
      Effect.gen(function* () {
        const strategy = Strategy.maxAttempts(Strategy.withFirstWait(Strategy.spaced("1 second"), "5 seconds"), 2)
        assert.deepStrictEqual(yield* checkTimes(strategy), [5, 6])
        assert.deepStrictEqual(
          yield* checkTimes(
            Schedule.tap(strategy, () => Effect.void),
            "1 hour"
          ).pipe(Effect.map((checks) => checks.map((at) => at - checks[0]!))),
          [0, 1]
        )
      })
    )

    it.effect("two waits with one strategy - do not affect each other", () =>
      Effect.gen(function* () {
        const strategy = Strategy.linear({ increment: "1 second" })
        const one = scripted(pending)
        const two = scripted(pending)
        const options = { strategy, deadline: "10 seconds" } as const
        yield* runFor(
          Effect.all(
            [
              Effect.exit(Poll.until(one.check, options)),
              Effect.delay(Effect.exit(Poll.until(two.check, options)), 500)
            ],
            { concurrency: 2 }
          ),
          "1 minute"
        )
        assert.deepStrictEqual(one.checks, [0, 1000, 3000, 6000, 10_000])
        assert.deepStrictEqual(two.checks, [500, 1500, 3500, 6500, 10_500])
      })
    )
  })

  describe("laws", () => {
    const millis = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 100_000 }))
    const draw = Schema.Finite.check(Schema.isBetween({ minimum: 0, maximum: 0.999 }))

    it.prop("cap - bounds every delay, with jitter too", [millis, millis, draw], ([initial, max, random]) => {
      const strategy = Strategy.exponential({ initial }).pipe(Strategy.cap(max), Strategy.jittered("equal"))
      for (const delay of Strategy.delaysMillis(strategy, 30, { random: () => random })) assert.isAtMost(delay, max)
    })

    it.prop("exponential and linear - never shrink", [millis, millis], ([initial, increment]) => {
      for (const strategy of [Strategy.exponential({ initial }), Strategy.linear({ initial, increment })]) {
        const delays = Strategy.delaysMillis(strategy, 30)
        delays.slice(1).forEach((delay, i) => assert.isAtLeast(delay, delays[i]!))
      }
    })

    it.prop(
      "maxDuration - bounds the sum of first wait and delays",
      [millis, millis, millis],
      ([first, initial, limit]) => {
        const strategy = Strategy.exponential({ initial }).pipe(
          Strategy.withFirstWait(first),
          Strategy.maxDuration(limit)
        )
        const total = Strategy.delaysMillis(strategy, 1000).reduce((sum, delay) => sum + delay, first)
        assert.isAtMost(total, Math.max(first, limit))
      }
    )

    it.prop("scale - changes nothing when it is undone", [millis, millis], ([initial, first]) => {
      const strategy = Strategy.exponential({ initial }).pipe(Strategy.withFirstWait(first))
      const back = strategy.pipe(Strategy.scale(1 / 8), Strategy.scale(8))
      assert.deepStrictEqual(Strategy.delaysMillis(back, 10), Strategy.delaysMillis(strategy, 10))
    })
  })

  it("decide - sees the observation", () => {
    const strategy = Strategy.make({ decide: (_step, _elapsed, { status }) => 10_000 * (1 - (status.progress ?? 0)) })
    assert.deepStrictEqual(Strategy.delaysMillis(strategy, 1, { status: Status.pending({ progress: 0.5 }) }), [5000])
  })

  it("strategy - ends at maxAttempts and at maxDuration", () => {
    const strategy = Strategy.spaced(1000).pipe(Strategy.maxAttempts(3), Strategy.maxDuration(5000))
    const decide = (seen: Partial<Observation>) => Strategy.explain(strategy, seen).strategyMillis
    assert.deepStrictEqual(
      [decide({}), decide({ attempt: 3 }), decide({ elapsedMillis: 4500 }), decide({ elapsedMillis: 5000 })],
      [1000, "end", 500, "end"]
    )
  })

  describe("bounds", () => {
    const spaced = Strategy.spaced(1000)
    const observation = {
      key: "",
      attempt: 1,
      elapsedMillis: 0,
      remainingMillis: 10_000,
      sinceChangeMillis: 0,
      inStateMillis: 0,
      ageMillis: 0,
      status: pending
    }

    it("maxAttempts and maxDuration - keep the smaller of two bounds, whatever the order", () => {
      const attempts = (a: number, b: number) =>
        Strategy.delaysMillis(spaced.pipe(Strategy.maxAttempts(a), Strategy.maxAttempts(b)), 9).length
      const limit = (a: number, b: number) =>
        Strategy.delaysMillis(spaced.pipe(Strategy.maxDuration(a), Strategy.maxDuration(b)), 9).length
      assert.deepStrictEqual([attempts(2, 4), attempts(4, 2), limit(2000, 4000), limit(4000, 2000)], [1, 1, 2, 2])
    })

    it("jittered - never lengthens a delay up to atLeast", () =>
      assert.deepStrictEqual(Strategy.delaysMillis(Strategy.jittered(spaced, { atLeast: "3 seconds" }), 1), [1000]))

    it("exponential - allows an initial delay above an hour", () =>
      assert.deepStrictEqual(
        Strategy.delaysMillis(Strategy.exponential({ initial: "2 hours" }), 2),
        [7_200_000, 7_200_000]
      ))

    it("delaysMillis - gives decide the elapsed time without the first wait, and the observation the whole", () => {
      const times: Array<readonly [number, number]> = []
      const strategy = Strategy.make({
        firstWait: 5000,
        decide: (_step, elapsed, observation) => (times.push([elapsed, observation.elapsedMillis]), 1000)
      })
      Strategy.delaysMillis(strategy, 2)
      Strategy.explain(strategy, { elapsedMillis: 7000 })
      assert.deepStrictEqual(times.slice(0, 3), [
        [0, 5000],
        [1000, 6000],
        [2000, 7000]
      ])
    })

    it("explain - clips at maxDuration and never checks in the past", () => {
      const limited = Strategy.explain(Strategy.maxDuration(Strategy.spaced(5000), 4000), { checkDuration: 1000 })
      assert.deepStrictEqual([limited.delayMillis, limited.reason], [2250, "lastCheck"])
      const late = Strategy.explain(spaced, { remainingMillis: 1000, checkDuration: 5000 })
      assert.deepStrictEqual([late.delayMillis, late.reason], [0, "lastCheck"])
      assert.strictEqual(Strategy.explain(spaced, { remainingMillis: 1000 }).reason, "strategy")
    })

    it("skipNearDeadline - skips a check that is exactly the margin away from the deadline", () => {
      const decided = (strategy: Strategy.Strategy, remaining: number) =>
        Strategy.explain(strategy, { ...observation, remainingMillis: remaining }).strategyMillis
      const clear = Strategy.skipNearDeadline(spaced, 500)
      assert.deepStrictEqual([decided(clear, 1501), decided(clear, 1500), decided(clear, -5)], [1000, 1500, 0])
      const scaled = Strategy.scale(clear, 0.1)
      assert.deepStrictEqual([decided(scaled, 151), decided(scaled, 150)], [100, 150])
    })

    it("scale - gives decide unscaled times and scales atLeast of the jitter", () => {
      let got: ReadonlyArray<number> = []
      const spy = Strategy.make({
        decide: (_step, elapsed, { remainingMillis: remaining, sinceChangeMillis: sinceChange }) => (
          (got = [elapsed, remaining, sinceChange]),
          10_000
        )
      })
      const strategy = spy.pipe(Strategy.jittered({ atLeast: 4000 }), Strategy.scale(0.1))
      const { delayMillis: delay } = Strategy.explain(strategy, {
        ...observation,
        elapsedMillis: 200,
        remainingMillis: 5000,
        sinceChangeMillis: 300,
        inStateMillis: 300,
        ageMillis: 300,
        random: () => 0
      })
      assert.deepStrictEqual([got, delay], [[2000, 50_000, 3000], 400])
    })

    it.effect("Schedule view - yields its delay, and the last one when it ends", () =>
      Effect.gen(function* () {
        let attempt = 0
        const check = Effect.sync(() => ({ ...observation, attempt: ++attempt }))
        const repeated = Effect.repeat(check, Strategy.maxAttempts(Strategy.linear({ increment: 1000 }), 3))
        const { exit } = yield* runFor(repeated, "1 hour")
        assert.strictEqual(Duration.toMillis(valueOf(exit)), 2000)
        const none = yield* Effect.repeat(Effect.succeed(observation), Strategy.maxAttempts(spaced, 1))
        assert.strictEqual(Duration.toMillis(none), 0)
      })
    )
  })

  describe("construction", () => {
    const fixed = Strategy.spaced(1000)
    const bad: ReadonlyArray<readonly [string, () => unknown, RegExp]> = [
      [
        "spaced interval",
        () => Strategy.spaced(-1),
        /^Strategy\.spaced: interval must be a positive finite duration, got -1/
      ],
      ["spaced zero", () => Strategy.spaced(0), /^Strategy\.spaced: interval/],
      ["linear increment", () => Strategy.linear({ increment: 0 }), /^Strategy\.linear: increment/],
      ["linear initial", () => Strategy.linear({ increment: 1, initial: -1 }), /^Strategy\.linear: initial/],
      ["linear cap", () => Strategy.linear({ increment: 1, initial: 5, cap: 4 }), /^Strategy\.linear: cap .* 4 < 5/],
      [
        "factor",
        () => Strategy.exponential({ initial: 1, factor: 0.5 }),
        /factor must be a finite number >= 1, got 0\.5/
      ],
      ["initial", () => Strategy.exponential({ initial: "Infinity" }), /^Strategy\.exponential: initial/],
      [
        "cap",
        () => Strategy.exponential({ initial: 10, cap: 5 }),
        /^Strategy\.exponential: cap must be at least initial/
      ],
      [
        "maxAttempts",
        () => Strategy.maxAttempts(fixed, 0),
        /^Strategy\.maxAttempts: maxAttempts must be an integer >= 1, got 0/
      ],
      [
        "maxRecurrences",
        () => Strategy.maxRecurrences(fixed, 1.5),
        /^Strategy\.maxRecurrences: maxRecurrences must be an integer >= 0, got 1\.5/
      ],
      ["scale", () => Strategy.scale(fixed, 0), /^Strategy\.scale: factor must be a positive finite number, got 0/],
      ["first wait", () => Strategy.withFirstWait(fixed, Number.NaN), /^Strategy\.withFirstWait: firstWait/],
      ["maxDuration", () => Strategy.maxDuration(fixed, "0 millis"), /^Strategy\.maxDuration: duration/],
      ["cap", () => Strategy.cap(fixed, 0), /^Strategy\.cap: max/],
      ["atLeast", () => Strategy.jittered(fixed, { atLeast: -1 }), /^Strategy\.jittered: atLeast/],
      ["margin", () => Strategy.skipNearDeadline(fixed, -1), /^Strategy\.skipNearDeadline: margin/],
      ["share", () => Strategy.byProgress({ min: 1, max: 2, orElse: fixed, share: 0 }), /byProgress: share/],
      ["max", () => Strategy.byProgress({ min: 2, max: 1, orElse: fixed }), /byProgress: max must be at least min/],
      ["step", () => Strategy.explain(fixed, { step: 0 }), /^Strategy\.explain: step/]
    ]
    for (const [name, make, message] of bad) {
      it(`${name} - throws a RangeError that names the option`, () => {
        assert.throws(make, RangeError, message)
      })
    }
  })
})
