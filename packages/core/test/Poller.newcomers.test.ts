import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Poller from "effect-poll/Poller"
import * as Strategy from "effect-poll/Strategy"
import { done, pending, renderJob, slow } from "./support/checks.ts"
import { hour, plain } from "./support/options.ts"
import { follow } from "./support/runs.ts"

const rarely = { strategy: Strategy.spaced("30 minutes"), ...hour }

describe("Poller", () => {
  describe("waits that join a check [R42]", () => {
    for (const others of [1, 2, 3]) {
      it.effect(`wait that comes during a forced check of ${others} others - joins it, whatever the floor was`, () =>
        Effect.gen(function* () {
          const { checks, job } = renderJob<string>(CheckResult.withHint(pending, "20 minutes"), slow("1 second", done))
          const poller = yield* Poller.make(plain)
          const handles = yield* Effect.forEach(Array.from({ length: others }), () => poller.add(job, "a", rarely))
          yield* TestClock.adjust("1 second")
          yield* handles[0]!.checkNow({ force: true })
          yield* TestClock.adjust("500 millis")
          const newcomer = yield* follow(yield* poller.add(job, "a", rarely))
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual([newcomer(), checks.length], [["done", 2_000], 2])
        })
      )
    }

    it.effect("wait that joins a check near its deadline - makes no other one", () =>
      Effect.gen(function* () {
        const { checks, job } = renderJob<string>(slow(20, pending))
        const poller = yield* Poller.make(plain)
        let asked = 0
        const gate = Gate.make(() => Effect.sync(() => (++asked === 2 ? Gate.postponed("1 hour", "busy") : Gate.open)))
        const other = yield* poller.add(job, "a", rarely)
        yield* TestClock.adjust(20)
        const start = yield* Clock.currentTimeMillis
        const ended = yield* follow(yield* poller.add(job, "a", { ...rarely, deadline: "10 seconds", gate }))
        // Its last check is postponed past the deadline.
        yield* TestClock.adjust(9_975)
        const before = checks.length
        yield* other.checkNow({ force: true })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([asked, checks.length - before], [2, 1])
        assert.deepStrictEqual(ended(), ["PollTimeout deadline", start + 9_995])
      })
    )
  })
})
