import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Schedule from "effect/Schedule"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import type { Handle } from "effect-poll/Handle"
import type * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { done, pending, scripted, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { firstAt, hour } from "./support/options.ts"
import { ending, runFor } from "./support/runs.ts"

const rarely = { strategy: Strategy.spaced("30 minutes"), ...hour }

describe.each(hosts)("$name", (host) => {
  describe("requests for a check [R42]", () => {
    it.effect("force during a check - makes another one follow, which asks no gate and keeps no floor", () =>
      Effect.gen(function* () {
        let asked = 0
        const gate = Gate.make(() => Effect.sync(() => (asked++ === 0 ? Gate.open : Gate.postponed("1 hour", "busy"))))
        const { check, checks } = scripted<string>(slow("1 second", CheckResult.withHint(pending, "20 minutes")), done)
        const handle = yield* host.start(check, { ...rarely, gate })
        yield* TestClock.adjust("500 millis")
        yield* handle.checkNow({ force: true })
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual([checks, asked], [[0, 1_000], 1])
      })
    )

    it.effect("force while the gate is asked - begins the check at once", () =>
      Effect.gen(function* () {
        const gate = Gate.make(() => Effect.never)
        const { check, checks } = scripted<string>(pending)
        const handle = yield* host.start(check, { ...rarely, gate })
        yield* TestClock.adjust("1 second")
        yield* handle.checkNow({ force: true })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(checks, [1_000])
      })
    )

    it.effect("force while the gate is asked within the minimum interval - needs no answer of the gate", () =>
      Effect.gen(function* () {
        let asked = 0
        const gate = Gate.make(() =>
          Effect.delay(
            Effect.sync(() => (asked++ === 0 ? Gate.open : Gate.postponed("1 hour", "busy"))),
            "1 second"
          )
        )
        const { check, checks } = scripted<string>(pending)
        const handle = yield* host.start(check, {
          strategy: Strategy.spaced("10 seconds"),
          ...hour,
          gate,
          minInterval: "10 seconds"
        })
        yield* TestClock.adjust("11500 millis")
        yield* handle.checkNow({ force: true })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(checks, [1_000, 11_500])
      })
    )

    it.effect("answer in the last millisecond, or at the deadline - is heard", () =>
      Effect.gen(function* () {
        for (const [first, takes] of [
          [999, 1],
          [998, 1],
          [990, 10],
          [1_000, 0]
        ] as const) {
          const { check, checks } = scripted<string>(slow(takes, done))
          const options = { strategy: firstAt(first, "1 hour"), deadline: "1 second" } as const
          const { at, exit } = yield* runFor(host.until(check, options), "1 minute")
          const start = checks[0]!
          assert.deepStrictEqual([ending(exit), at - start], ["done", takes])
        }
      })
    )

    const hot: ReadonlyArray<
      readonly [
        string,
        Partial<Poll.Options<string>>,
        (handle: Handle<unknown, unknown, unknown>) => Effect.Effect<void>
      ]
    > = [
      ["checkNow", {}, (handle) => handle.checkNow()],
      ["forced checks", {}, (handle) => handle.checkNow({ force: true })],
      ["strategy of 0", { strategy: Schedule.forever }, () => Effect.void],
      ["retries of 0", { checkErrors: { retry: Schedule.forever } }, () => Effect.void]
    ]
    for (const [name, changes, act] of hot) {
      it.effect(`${name} in a loop - checks every 10 ms at the most`, () =>
        Effect.gen(function* () {
          const fails = name === "retries of 0"
          const { check, checks } = scripted<string, never, string>(fails ? Effect.fail("reset") : pending)
          const handle = yield* host.start(check, { ...rarely, ...changes })
          for (let i = 0; i < 1_000; i++) {
            yield* act(handle)
            if (i % 10 === 0) yield* TestClock.adjust(1)
          }
          assert.isAtMost(checks.length, 12)
          assert.isAtLeast(checks.length, 10)
        })
      )
    }

    it.effect("checkNow from an observer of each check - checks every 10 ms at the most", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string>(Status.pending({ progress: 0.5 }))
        let handle: Handle<unknown, unknown, unknown> | undefined
        handle = yield* host.start(check, rarely)
        yield* Effect.forkScoped(Effect.forever(Effect.andThen(handle.checkNow(), Effect.sleep(1))))
        yield* TestClock.adjust(100)
        assert.isAtMost(checks.length, 11)
        assert.isAtLeast(checks.length, 10)
      })
    )
  })
})
