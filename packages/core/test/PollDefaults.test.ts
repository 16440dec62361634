import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as CheckResult from "effect-poll/CheckResult"
import * as Observer from "effect-poll/Observer"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Strategy from "effect-poll/Strategy"
import { cancelableJob, pending, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every10s } from "./support/options.ts"
import { ending, runFor } from "./support/runs.ts"

describe.each(hosts)("$name", (host) => {
  describe("reach", () => {
    it.effect("checkErrors - hold where neither the wait nor the job has its own", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<never, never, string>(Effect.fail("reset"))
        const layer = PollDefaults.layer({
          checkErrors: { maxConsecutive: 1, schedule: Strategy.spaced("7 seconds") }
        })
        const { exit } = yield* runFor(Effect.provide(host.until(check, { deadline: "1 minute" }), layer), "1 hour")
        assert.deepStrictEqual([ending(exit), checks], ["CheckErrorsExhausted", [0, 7000]])
      })
    )

    it.effect("checkErrors - give way to those of the wait", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<never, never, string>(Effect.fail("reset"))
        const wait = host.until(check, { deadline: "1 minute", checkErrors: { maxConsecutive: 0 } })
        yield* runFor(Effect.provide(wait, PollDefaults.layer({ checkErrors: { maxConsecutive: 9 } })), "1 hour")
        assert.deepStrictEqual(checks, [0])
      })
    )

    it.effect("observers - are notified beside those of the wait, and budgets and checkTimeout hold", () =>
      Effect.gen(function* () {
        const notified: Array<string> = []
        const named = (name: string) =>
          Observer.make(({ event }) => Effect.sync(() => void (event._tag === "Ended" && notified.push(name))))
        const layer = PollDefaults.layer({
          observers: [named("all")],
          checkErrors: { maxTotal: 1 },
          checkTimeout: "2 seconds"
        })
        const wait = host.until(Effect.never, { deadline: "1 minute", observers: [named("own")] })
        const { at, exit } = yield* runFor(Effect.provide(wait, layer), "1 hour")
        assert.deepStrictEqual([ending(exit), at, notified], ["CheckErrorsExhausted", 5000, ["all", "own"]])
      })
    )

    it.effect("strategy, maxHint and cancelTimeout - hold for a wait without its own", () =>
      Effect.gen(function* () {
        const layer = PollDefaults.layer({ strategy: every10s, maxHint: "12 seconds", cancelTimeout: "3 seconds" })
        const { check, checks } = scripted(pending, CheckResult.withHint(pending, "1 minute"), pending)
        const { job } = cancelableJob(() => check)
        const wait = host.until(job, "a", { deadline: "30 seconds", onTimeout: "cancelRemote" })
        const { at, exit } = yield* runFor(Effect.provide(wait, layer), "1 hour")
        assert.deepStrictEqual([ending(exit), at], ["PollTimeout deadline", 33_000])
        assert.deepStrictEqual(checks.slice(0, 3), [0, 10_000, 22_000])
      })
    )

    it.effect("figure out of range - ends the wait with a RangeError as a defect", () =>
      Effect.gen(function* () {
        const wait = host.until(Effect.succeed(pending), { deadline: "1 minute" })
        const exit = yield* Effect.exit(
          Effect.provide(wait, PollDefaults.layer({ checkErrors: { maxConsecutive: -1 } }))
        )
        assert(Exit.isFailure(exit))
        const [reason] = exit.cause.reasons
        assert(reason?._tag === "Die")
        assert.instanceOf(reason.defect, RangeError)
      })
    )
  })
})

describe("PollDefaults", () => {
  it.effect("layerConfig - reads the configuration", () =>
    Effect.gen(function* () {
      const read = PollDefaults.PollDefaults.pipe(
        Effect.provide(PollDefaults.layerConfig),
        Effect.provideService(
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromUnknown({ EFFECT_POLL_CHECK_ERRORS_MAX_CONSECUTIVE: "3", EFFECT_POLL_SPAN: "false" })
        )
      )
      const { checkErrors, checkTimeout, span } = yield* read
      assert.deepStrictEqual([checkErrors.maxConsecutive, span, checkTimeout], [3, false, 60_000])
    })
  )
})
