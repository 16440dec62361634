import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Strategy from "effect-poll/Strategy"
import { done, scripted } from "./support/checks.ts"
import { firstAt } from "./support/options.ts"

const jobOf = () => {
  const { check, checks } = scripted(done)
  return { job: Job.make("render", { check: (_: string) => check }), checks }
}

describe("Poll.prepare", () => {
  it.effect("prepare - yields what a wait that starts now begins with, and makes no check", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const { checks, job } = jobOf()
      const now = 3_600_000
      const token = yield* Poll.prepare(job, "a", { deadline: "1 minute", strategy: firstAt("10 seconds") })
      assert.deepStrictEqual(
        [token.job, token.key, token.attempts, token.startedAt, token.dueAt, token.deadlineAt, token.boundedBy],
        ["render", "a", 0, now, now + 10_000, now + 60_000, "deadline"]
      )
      assert.strictEqual(checks.length, 0)
      const strategy = Strategy.spaced("1 second").pipe(Strategy.maxDuration("20 seconds"))
      const bounded = yield* Poll.prepare(job, "a", { deadline: "unbounded", strategy, since: { run: "r" } })
      assert.deepStrictEqual([bounded.deadlineAt, bounded.boundedBy], [now + 20_000, "strategy"])
      assert.deepStrictEqual(bounded.since, { run: "r" })
    })
  )

  it.effect("prepare - is continued by resume, with the first wait of the strategy", () =>
    Effect.gen(function* () {
      const { checks, job } = jobOf()
      const options = { deadline: "1 minute", strategy: firstAt("10 seconds") } as const
      const token = yield* Poll.prepare(job, "a", options)
      const fiber = yield* Effect.forkChild(Poll.resume(job, token, options))
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(checks.length, 0)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      assert.strictEqual(checks.length, 1)
    })
  )

  it("prepare - refuses options out of range at the call", () => {
    const { job } = jobOf()
    assert.throws(() => Poll.prepare(job, "a", { deadline: 0 }), RangeError, "Poll.prepare: deadline")
  })
})
