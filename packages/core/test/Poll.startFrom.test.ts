import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as TestClock from "effect/testing/TestClock"
import * as CheckContext from "effect-poll/CheckContext"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { done, pending, renderJob } from "./support/checks.ts"

const strategy = Strategy.linear({ increment: "10 seconds" })

describe("startFrom", () => {
  it.effect("startFrom - continues a wait that was left, and yields its handle [R23]", () =>
    Effect.gen(function* () {
      const { checks, job } = renderJob(pending, pending, pending, pending, done)
      const first = yield* Poll.start(job, "a", { strategy, deadline: "1 hour" })
      yield* TestClock.adjust("15 seconds")
      const token = yield* first.leave
      yield* TestClock.adjust("5 seconds")
      const second = yield* Poll.startFrom(job, token, { strategy })
      assert.strictEqual((yield* second.token).attempts, 2)
      assert.strictEqual((yield* second.token).startedAt, 0)
      yield* TestClock.adjust("10 seconds")
      const again = yield* Poll.startFrom(job, yield* second.leave, { strategy })
      yield* TestClock.adjust("70 seconds")
      assert.deepStrictEqual(checks, [0, 10_000, 30_000, 60_000, 100_000])
      assert.strictEqual(yield* again.await, "done")
    })
  )

  it.effect("startFrom - fails for a token of another job, and refuses options out of range [R23]", () =>
    Effect.gen(function* () {
      const { job } = renderJob(pending)
      const token = yield* (yield* Poll.start(job, "a", { deadline: "1 hour" })).leave
      for (const wrong of [
        { ...token, job: "another" },
        { ...token, version: 2 as 1 }
      ]) {
        const error = yield* Effect.flip(Poll.startFrom(job, wrong))
        assert.instanceOf(error, PollError.ResumeTokenError)
      }
      assert.throws(() => Poll.startFrom(job, token, { maxHint: -1 }), RangeError)
      assert.throws(() => Poll.startFrom(job, undefined as never), RangeError)
      assert.throws(() => Poll.startFrom({} as never, token), RangeError)
    })
  )
})

describe("Job.withChecks", () => {
  class Region extends Context.Service<Region, string>()("Region") {}

  it.effect("withChecks - replaces the checks and keeps everything else, with the services of the job", () =>
    Effect.gen(function* () {
      let builds = 0
      const job = Job.make("render", {
        strategy: Strategy.spaced("1 second"),
        check: (id: string) => Effect.map(Region, (region) => Status.pending({ state: `${region}/${id}` }))
      }).pipe(
        Job.provide(
          Layer.effect(
            Region,
            Effect.sync(() => (builds++, "eu"))
          )
        )
      )
      const begun: Array<number> = []
      const counted = Job.withChecks(job, {
        check: (id, context) => Effect.suspend(() => (begun.push(context.attempt), job.check(id, context)))
      })
      assert.strictEqual(counted.name, "render")
      const handle = yield* Poll.start(counted, "a", { deadline: "1 hour" })
      yield* TestClock.adjust("3 seconds")
      assert.deepStrictEqual(begun, [1, 2, 3, 4])
      assert.strictEqual((yield* handle.status)?.state, "eu/a")
      // The layer is held between checks.
      assert.strictEqual(builds, 1)
      yield* job.check("b", CheckContext.make())
      assert.strictEqual(begun.length, 4)
    })
  )
})
