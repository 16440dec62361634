import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./support/checks.ts"
import { keysOf } from "./support/jobs.ts"

describe("Poller", () => {
  describe("combinations", () => {
    // A calendar that looks for a place forever blocks the event loop: no timeout ends this test then.
    for (const max of [3, 6, 7]) {
      it.effect(`requests for ${max} with one deadline - reserve last checks that are fractions of a request`, () =>
        Effect.gen(function* () {
          const poller = yield* Poller.make()
          const job = Job.make<string>("render", {
            check: () => Effect.succeed(pending),
            checkMany: {
              check: (keys) =>
                Effect.delay(
                  Effect.sync(() => ({ results: new Map(keys.map((key) => [key, Result.succeed(pending)])) })),
                  100
                ),
              max
            }
          })
          for (const key of keysOf(50)) {
            yield* poller.add(job, key, { deadline: "1 minute", strategy: Strategy.spaced("1 hour") })
          }
          yield* TestClock.adjust("1 minute")
          const { ended } = yield* poller.stats
          assert.deepStrictEqual(ended, { PollTimeout: 50 })
        })
      )
    }

    it.effect("wait that leaves before it asks its gate - lets the waits of other jobs ask", () =>
      Effect.gen(function* () {
        const gate = Gate.make(() => Effect.delay(Effect.succeed(Gate.open), 1_000))
        const poller = yield* Poller.make({ concurrency: 1 })
        const add = (name: string) => {
          const check = () => Effect.delay(Effect.succeed(Status.succeeded(name)), 1_000)
          return poller.add(Job.make(name, { check }), "1", { deadline: "1 minute", gate })
        }
        yield* add("a")
        const leaving = yield* add("b")
        yield* add("c")
        yield* TestClock.adjust(1_500)
        yield* leaving.interrupt
        yield* TestClock.adjust(3_000)
        const { ended } = yield* poller.stats
        assert.deepStrictEqual(ended, { Succeeded: 2, Interrupted: 1 })
      })
    )
  })
})
