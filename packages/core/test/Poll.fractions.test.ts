import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { done, pending, scripted, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every1s, plain } from "./support/options.ts"
import { ending } from "./support/runs.ts"

// Steps of a simulated clock that are no whole milliseconds: frames of a screen, thirds, and tenths, whose sums are a
// little more or less than they should be.
const steps = [1000 / 60, 1000 / 144, 100 / 3, 0.7, 33.1, 1 / 3] as const

/** Moves the clock in steps until a time. */
const stepUntil = (at: number, step: number) =>
  Effect.gen(function* () {
    while ((yield* Clock.currentTimeMillis) < at) yield* TestClock.adjust(step)
  })

/** Whether checks began at these times, or less than a millisecond later. */
const began = (checks: ReadonlyArray<number>, expected: ReadonlyArray<number>) => {
  const isClose = (at: number, index: number) => at > expected[index]! - 0.01 && at < expected[index]! + 1
  assert.isTrue(checks.length === expected.length && checks.every(isClose), `checks at ${checks.join(", ")}`)
}

describe.each(hosts)("$name", (host) => {
  describe("clock that moves by fractions of milliseconds", () => {
    it.effect.each(steps)("steps of %d ms - checks are made when they are due", (step) =>
      Effect.gen(function* () {
        // Checks that end at a fraction.
        const { check, checks } = scripted<string>(...Array.from({ length: 40 }, () => slow(step, pending)), done)
        const strategy = Strategy.spaced("100 millis")
        yield* TestClock.adjust(step * 7)
        const start = yield* Clock.currentTimeMillis
        const wait = yield* Effect.forkScoped(Effect.exit(host.until(check, { strategy, deadline: "1 minute" })))
        yield* stepUntil(start + 6_000, step)
        const exit = wait.pollUnsafe()
        assert(exit?._tag === "Success")
        assert.strictEqual(ending(exit.value), "done")
        // Each is due at the first whole millisecond that is long enough after the one before.
        const gap = Math.ceil(step + 100 - 0.001)
        began(
          checks.map((at) => at - start),
          checks.map((_, at) => at * gap)
        )
      })
    )

    it.effect.each(steps)("steps of %d ms - a wait that begins at a fraction ends at its deadline", (step) =>
      Effect.gen(function* () {
        yield* TestClock.adjust(step)
        const start = yield* Clock.currentTimeMillis
        const { check, checks } = scripted<string>(pending)
        const wait = yield* Effect.forkScoped(
          Effect.exit(host.until(check, { strategy: every1s, deadline: "1500 millis" }))
        )
        yield* stepUntil(start + 1_400, step)
        assert.isUndefined(wait.pollUnsafe())
        yield* stepUntil(start + 1_501, step)
        const exit = wait.pollUnsafe()
        assert(exit?._tag === "Success")
        assert.strictEqual(ending(exit.value), "PollTimeout deadline")
        began(checks.map((at) => at - start).slice(0, 2), [0, 1_000])
      })
    )

    it.effect.each(steps)("steps of %d ms - a check times out, and the floor of a server is kept", (step) =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string, never, string>(
          slow("10 seconds", pending),
          CheckResult.withHint(pending, "777 millis"),
          Status.succeeded("done")
        )
        const checkErrors = { schedule: every1s }
        const options = { strategy: every1s, deadline: "1 minute", checkTimeout: "500 millis", checkErrors } as const
        const wait = yield* Effect.forkScoped(Effect.exit(host.until(check, options)))
        yield* stepUntil(2_600, step)
        const exit = wait.pollUnsafe()
        assert(exit?._tag === "Success")
        assert.strictEqual(ending(exit.value), "done")
        began(checks, [0, 1_500, 2_500])
      })
    )

    it.effect("wait that is resumed at another fraction - goes on", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust(0.4)
        const { check, checks } = scripted<string>(pending, pending, Status.succeeded("done"))
        const job = Job.make<string>("render", { check: () => check })
        const handle = yield* host.start(job, "a", { strategy: every1s, deadline: "1 minute" })
        yield* TestClock.adjust(1000 / 3)
        const token = yield* handle.token
        // Times that a program has written itself may have fractions as well.
        const written = { ...token, dueAt: token.dueAt + 0.001, floorAt: token.floorAt + 0.3 }
        const wait = yield* Effect.forkScoped(Effect.exit(host.resume(job, written, { strategy: every1s })))
        yield* stepUntil(2_010, 1000 / 60)
        const exit = wait.pollUnsafe()
        assert(exit?._tag === "Success")
        assert.strictEqual(ending(exit.value), "done")
        assert.isAtMost(checks.length, 4)
      })
    )
  })
})

describe("Poller", () => {
  it.effect.each(steps)("many waits under steps of %d ms - end", (step) =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const job = Job.make<string>("render", {
        check: (_, { attempt }) => slow(7, attempt < 4 ? pending : Status.succeeded("done"))
      })
      const keys = Array.from({ length: 50 }, (_, at) => `k${at}`)
      const wait = yield* Effect.forkScoped(
        Effect.forEach(
          keys,
          (key, at) =>
            Effect.andThen(Effect.sleep(at * 3.7), poller.until(job, key, { strategy: every1s, deadline: "1 minute" })),
          { concurrency: "unbounded" }
        )
      )
      yield* stepUntil(4_000, step)
      const exit = wait.pollUnsafe()
      assert(exit?._tag === "Success")
      assert.deepStrictEqual([...new Set(exit.value)], ["done"])
    })
  )
})
