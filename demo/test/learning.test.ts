import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Learning from "../learning.ts"

/** Jobs that take a minute of nominal time at speed 60, each from the start of its wait. */
const jobs = (strategy: Strategy.Strategy) => {
  const started = new Map<string, number>()
  return Job.make("render", {
    check: (key: string) =>
      Effect.map(Clock.currentTimeMillis, (now) =>
        now - (started.get(key) ?? now) >= 1000 ? Status.succeeded("done") : Status.pending()
      ),
    strategy,
    submit: (key: string) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        started.set(key, now)
        return { key }
      })
  })
}

describe("learning", () => {
  it.effect("optionsFor - waits for the end once it is known", () =>
    Effect.gen(function* () {
      const learning = Learning.make(60)
      const job = jobs(Strategy.spaced("1 second"))
      const firstWait = () => Strategy.firstWaitMillis(learning.optionsFor(job, "next").strategy)
      const cold = firstWait()
      for (let index = 0; index < 5; index++) {
        const key = `job-${index}`
        yield* job.submit!(key)
        const wait = yield* Effect.forkChild(
          Poll.until(job, key, { deadline: "1 minute", ...learning.optionsFor(job, key) })
        )
        yield* TestClock.adjust("10 seconds")
        yield* Fiber.join(wait)
      }
      assert.strictEqual(learning.endings(), 5)
      assert.isBelow(cold, 20)
      assert.isAbove(firstWait(), 500)
      assert.isBelow(firstWait(), 1100)
    })
  )

  it("optionsFor - has the time limit of the strategy that it replaces, and a little more", () => {
    const ends = (strategy: Strategy.Strategy) => {
      const learned = Learning.make(60).optionsFor(jobs(strategy), "key").strategy
      const delays = Strategy.delaysMillis(learned, 1000)
      return delays.length === 1000
        ? undefined
        : Math.round(delays.reduce((sum, delay) => sum + delay, Strategy.firstWaitMillis(learned)))
    }
    const published = Strategy.spaced("100 millis").pipe(Strategy.maxAttempts(11), Strategy.withFirstWait("2 seconds"))
    assert.strictEqual(ends(published), 8000)
    assert.isUndefined(ends(Strategy.spaced("100 millis")))
  })
})
