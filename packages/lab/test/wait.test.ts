import * as Lab from "@effect-poll/lab/Lab"
import * as Model from "@effect-poll/lab/Model"
import * as Published from "@effect-poll/lab/Published"
import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"

/** Always the same draw. */
const fixedRandom: Random.Random = { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 0.3 }

const strategies: Readonly<Record<string, Published.Published["schedule"]>> = {
  spaced: Strategy.spaced("2 seconds"),
  "first wait": Strategy.withFirstWait(Strategy.spaced("3 seconds"), "7 seconds"),
  "decided first wait": Strategy.make({ firstWait: () => 4_321, decide: (step) => 500 * step }),
  "fractions of a millisecond": Strategy.spaced(1_333.4),
  "no delay": Strategy.make({ decide: (step) => (step % 3 === 0 ? 2_000 : 0) }),
  exponential: Strategy.exponential({ initial: "100 millis", factor: 1.3, cap: "60 seconds" }),
  jittered: Published.awsWaiter(2, 120),
  "by age": Strategy.make({ decide: (_, elapsed, { ageMillis }) => Math.round(1_000 + elapsed / 10 + ageMillis / 20) }),
  "plain Schedule": Schedule.exponential("500 millis", 1.5),
  "plain Schedule with jitter": Schedule.jittered(Schedule.spaced("2 seconds")),
  "plain Schedule on a grid": Schedule.fixed("7 seconds")
}

describe("Lab", () => {
  describe("simulate and Poll.until check at the same times", () => {
    for (const [name, strategy] of Object.entries(strategies)) {
      it.effect(name, () =>
        Effect.gen(function* () {
          for (const seconds of [0.5, 33.3, 100]) {
            const started = yield* Clock.currentTimeMillis
            let checks = 0
            const check = Effect.map(Clock.currentTimeMillis, (now) => {
              checks++
              return now - started >= 1_000 * seconds ? Status.succeeded(now - started) : Status.pending()
            })
            const fiber = yield* Effect.forkChild(Poll.until(check, { strategy, deadline: "1 day" }))
            yield* TestClock.adjust("10 minutes")
            const found = yield* Fiber.join(fiber)
            const model = Model.deterministic(seconds)
            const { lag, requests } = yield* Lab.simulate(strategy, model, { w: 1, jobs: 1 })
            assert.strictEqual(requests, checks, `requests at ${seconds}`)
            assert.strictEqual(Math.round(1_000 * (seconds + lag)), found, `found at ${seconds}`)
          }
        }).pipe(Effect.provideService(Random.Random, fixedRandom))
      )
    }
  })
})
