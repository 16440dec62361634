import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as Gate from "effect-poll/Gate"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { ending, pending, runFor, scripted } from "./scripted.ts"

const strategy = Strategy.spaced("2 seconds")

/** A gate that postpones by three seconds until it was asked so often. */
const closedFor = (times: number) => {
  let asked = 0
  return Gate.make(() => Effect.sync(() => (asked++ < times ? Gate.postponed("3 seconds", "offline") : Gate.open)))
}

describe("Gate", () => {
  it.effect("a postponed check is no attempt and spends no budget", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(pending, Status.succeeded("done"))
      const { at, exit } = yield* runFor(
        Poll.until(check, {
          strategy: Strategy.maxAttempts(strategy, 2),
          deadline: "1 minute",
          gate: closedFor(2),
          checkErrors: { maxConsecutive: 0 }
        }),
        "1 minute"
      )
      assert.deepStrictEqual([ending(exit), at, checks], ["done", 8000, [6000, 8000]])
    })
  )

  it.effect("the deadline bounds a gate that stays closed, without a hot loop", () =>
    Effect.gen(function* () {
      let asked = 0
      const gate = Gate.make(() => Effect.sync(() => (asked++, Gate.postponed("3 seconds", "budget"))))
      const { check, checks } = scripted(pending)
      const { at, exit } = yield* runFor(Poll.until(check, { strategy, deadline: "10 seconds", gate }), "1 minute")
      assert.deepStrictEqual([ending(exit), at, checks, asked], ["PollTimeout deadline", 10_000, [], 4])
    })
  )

  it.effect("the deadline bounds a gate that does not answer", () =>
    Effect.gen(function* () {
      const { check } = scripted(pending)
      const { at, exit } = yield* runFor(
        Poll.until(check, { strategy, deadline: "10 seconds", gate: Gate.make(() => Effect.never) }),
        "1 minute"
      )
      assert.deepStrictEqual([ending(exit), at], ["PollTimeout deadline", 10_000])
    })
  )

  it.effect("a check after a slow gate still has its own timeout", () =>
    Effect.gen(function* () {
      const gate = Gate.make(() => Effect.delay(Effect.succeed(Gate.open), "1 second"))
      const { check, checks } = scripted(Effect.never, Status.succeeded("done"))
      const { at, exit } = yield* runFor(
        Poll.until(check, { strategy, deadline: "1 hour", checkTimeout: "5 seconds", gate }),
        "10 minutes"
      )
      assert.deepStrictEqual([ending(exit), at, checks], ["done", 8000, [1000, 8000]])
    })
  )

  it.effect("says why the wait goes on", () =>
    Effect.gen(function* () {
      const { check } = scripted(Status.succeeded("done"))
      const { exit } = yield* runFor(
        Stream.runCollect(Poll.events(check, { strategy, deadline: "1 minute", gate: closedFor(1) })),
        "1 minute"
      )
      assert(exit !== "running" && Exit.isSuccess(exit))
      const first = exit.value[0]!
      assert(first._tag === "Waiting")
      assert.deepStrictEqual([first.reason, first.gateReason], ["gate", "offline"])
    })
  )

  it.effect("all - the first that postpones decides, and later ones are not asked", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const named = (name: string, answer: Gate.Answer) =>
        Gate.make(() => Effect.sync(() => (asked.push(name), answer)))
      const gate = Gate.all([
        named("a", Gate.open),
        named("b", Gate.postponed("1 second", "b is closed")),
        named("c", Gate.open)
      ])
      const answer = yield* gate.ask({ job: "j", key: "k" })
      assert.deepStrictEqual([answer._tag, asked], ["Postponed", ["a", "b"]])
    })
  )

  it("postponed - throws a RangeError for a time that is none", () => {
    assert.throws(() => Gate.postponed(0, "never"), RangeError, /Gate\.postponed: delay/)
  })
})
