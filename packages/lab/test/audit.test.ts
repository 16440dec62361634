import * as Audit from "@effect-poll/lab/Audit"
import * as Lab from "@effect-poll/lab/Lab"
import * as Published from "@effect-poll/lab/Published"
import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Strategy from "effect-poll/Strategy"

// Computing takes a while where other tests run beside.
vi.setConfig({ testTimeout: 60_000 })

const audit = (schedule: Published.Published["schedule"], clients = 20) =>
  Random.withSeed(Lab.audit(schedule, { clients }), "audit")

describe("Lab", () => {
  describe("audit", () => {
    it.effect("finds the end of a strategy, with the longest delays", () =>
      Effect.gen(function* () {
        const plain = yield* audit(Strategy.maxAttempts(Strategy.spaced("2 seconds"), 30))
        assert.deepStrictEqual(plain.ends, { after: 58, checks: 30 })
        const jittered = yield* audit(
          Strategy.spaced("2 seconds").pipe(Strategy.jittered("full"), Strategy.maxAttempts(30))
        )
        assert.deepStrictEqual(jittered.ends, { after: 58, checks: 30 })
        const longer = yield* audit(Schedule.jittered(Schedule.spaced("10 seconds")).pipe(Schedule.upTo({ times: 5 })))
        assert.deepStrictEqual(longer.ends, { after: 60, checks: 6 })
        const limited = yield* audit(
          Strategy.withFirstWait(Strategy.spaced("7 seconds"), "3 seconds").pipe(Strategy.maxDuration("20 seconds"))
        )
        assert.deepStrictEqual([limited.firstCheck, limited.ends], [3, { after: 20, checks: 4 }])
      })
    )

    it.effect("tells schedules that never end from those that never check again", () =>
      Effect.gen(function* () {
        assert.strictEqual((yield* audit(Strategy.spaced("1 minute"))).ends, undefined)
        const stuck = yield* audit(Schedule.exponential("1 second", 10))
        assert.strictEqual(stuck.ends!.after, Number.POSITIVE_INFINITY)
        assert.isTrue(stuck.ends!.checks > 300 && stuck.ends!.checks < 310)
      })
    )

    it.effect("sixty retries of a growing delay take 1,166 years", () =>
      Effect.gen(function* () {
        const years = (yield* audit(Published.waiters.at(-1)!.schedule)).ends!.after / (365 * 86_400)
        assert.strictEqual(Math.round(years), 1_166)
      })
    )

    it.effect("counts checks per hour and lag by duration", () =>
      Effect.gen(function* () {
        const { checksPerHour, lag } = yield* audit(Strategy.spaced("30 seconds"))
        assert.deepStrictEqual(checksPerHour, { first: 120, dayLater: 120 })
        assert.deepStrictEqual(
          lag.map(({ seconds, worst }) => [seconds, worst]),
          [
            [60, 30],
            [600, 30],
            [3_600, 30]
          ]
        )
        for (const { mean, requests, seconds } of lag.slice(1)) {
          assert.isTrue(
            Math.abs(mean! - 15) < 1 && Math.abs(requests - seconds / 30 - 1.5) < 0.2,
            `${mean}, ${requests}`
          )
        }
        const growing = yield* audit(Strategy.linear({ initial: "1 second", increment: "2 seconds" }))
        assert.deepStrictEqual(growing.checksPerHour, { first: 60, dayLater: 6 })
        const short = yield* audit(Strategy.maxAttempts(Strategy.spaced("2 seconds"), 30))
        assert.deepStrictEqual([short.lag[0]!.mean, short.lag[0]!.worst], [undefined, undefined])
        assert.strictEqual(Math.round(short.lag[0]!.requests), 30)
      })
    )

    it.effect("jitter keeps clients apart", () =>
      Effect.gen(function* () {
        const even = (yield* audit(Strategy.spaced("30 seconds"), 200)).clients
        assert.strictEqual(even.peakWithoutJitter, 200)
        assert.isTrue(even.peakWithJitter < 30, String(even.peakWithJitter))
        const own = (yield* audit(Published.awsWaiter(2, 120), 200)).clients
        assert.strictEqual(own.peakWithoutJitter, 200)
        assert.isTrue(own.peakWithJitter < 30, String(own.peakWithJitter))
        const plain = (yield* audit(Schedule.spaced("30 seconds"), 200)).clients
        assert.isTrue(plain.peakWithoutJitter === 200 && plain.peakWithJitter < 60, String(plain.peakWithJitter))
      })
    )

    it("invalid options - throw a RangeError that names them", () => {
      assert.throws(() => Lab.audit(Strategy.spaced(1), { clients: 0 }), RangeError, "Lab.audit: clients")
      assert.throws(() => Lab.audit(Strategy.spaced(1), { durations: [0] }), RangeError, "Lab.audit: durations")
    })
  })
})

describe("Audit", () => {
  it.effect("toMarkdown - has a row for each schedule", () =>
    Effect.gen(function* () {
      const rows = yield* Effect.forEach([0, 1, 6, 9], (at) => {
        const { name, schedule } = Published.waiters[at]!
        return Effect.map(audit(schedule), (one) => [name, one] as const)
      })
      const lines = Audit.toMarkdown(rows).split("\n")
      assert.strictEqual(lines.length, 6)
      assert.strictEqual(
        lines[0],
        "| schedule | last check | checks | in the first hour | longest lag at 1 min | longest lag at 10 min | longest lag at 1 h | peak of 20 clients |"
      )
      assert.match(lines[2]!, /^\| AWS SDK waiter, 2 to 120 s \| never \| no limit \| \d+ \| 64 s \| 2 min \| 2 min \|/)
      assert.match(lines[3]!, /\| 9.75 min \| 40 \| 40 \| 15 s \| missed \| missed \| 20\/s, with jitter/)
      assert.match(lines[4]!, /^\| OpenAI SDK, 5 s \| never \| no limit \| 720 \| 5 s \| 5 s \| 5 s \|/)
      assert.match(lines[5]!, /^\| 500 ms x 1.5, recurs\(60\) \| 1,166 years \| 61 \|/)
    })
  )
})
