import { assert, describe, it } from "@effect/vitest"
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Strategy from "effect-poll/Strategy"
import { done, pending, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { delaysOf, recordEvents } from "./support/recorders.ts"
import { ending, runFor } from "./support/runs.ts"

/** A gate that postpones the first checks, and counts how often it is asked. */
const closedFor = (times: number, delay: Duration.Input = "3 seconds") => {
  const counter = { asked: 0 }
  const gate = Gate.make(() =>
    Effect.sync(() => (counter.asked++ < times ? Gate.postponed(delay, "offline") : Gate.open))
  )
  return { counter, gate }
}

describe.each(hosts)("$name", (host) => {
  describe("checks", () => {
    it.effect("gate - is asked before each check, not when the wait is made", () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const gate = Gate.make(({ job, key }) => {
          asked.push(`${job}/${key}`)
          return Effect.succeed(Gate.open)
        })
        const job = Job.make("render", { check: () => scripted(pending).check })
        const wait = host.until(job, "a", { strategy: Strategy.maxAttempts(every2s, 3), deadline: "1 minute", gate })
        assert.deepStrictEqual(asked, [])
        yield* runFor(wait, "1 minute")
        assert.deepStrictEqual(asked, ["render/a", "render/a", "render/a"])
      })
    )

    it.effect("postponed check - is no attempt and spends no error budget", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending, done)
        const { at, exit } = yield* runFor(
          host.until(check, {
            strategy: Strategy.maxAttempts(every2s, 2),
            deadline: "1 minute",
            gate: closedFor(2).gate,
            checkErrors: { maxConsecutive: 0 }
          }),
          "1 minute"
        )
        assert.deepStrictEqual([ending(exit), at, checks], ["done", 8000, [6000, 8000]])
      })
    )

    it.effect("checkTimeout - starts when a slow gate has answered", () =>
      Effect.gen(function* () {
        const gate = Gate.make(() => Effect.delay(Effect.succeed(Gate.open), "1 second"))
        const { check, checks } = scripted(Effect.never, done)
        const { at, exit } = yield* runFor(
          host.until(check, { strategy: every2s, deadline: "1 hour", checkTimeout: "5 seconds", gate }),
          "10 minutes"
        )
        assert.deepStrictEqual([ending(exit), at, checks], ["done", 8000, [1000, 8000]])
      })
    )

    it.effect("defect of the gate - ends the wait with its cause", () =>
      Effect.gen(function* () {
        const gate = Gate.make(() => Effect.die("bug"))
        const { exit } = yield* runFor(host.until(Effect.succeed(done), { deadline: "1 minute", gate }), "1 minute")
        assert.deepStrictEqual(exit, Exit.die("bug"))
      })
    )
  })

  describe("deadline", () => {
    it.effect("gate that keeps postponing - ends at the deadline and is not asked in a hot loop", () =>
      Effect.gen(function* () {
        const { counter, gate } = closedFor(Infinity)
        const { check, checks } = scripted(pending)
        const { at, exit } = yield* runFor(
          host.until(check, { strategy: every2s, deadline: "10 seconds", gate }),
          "1 minute"
        )
        assert.deepStrictEqual([ending(exit), at, checks, counter.asked], ["PollTimeout deadline", 10_000, [], 4])
      })
    )

    it.effect("gate that does not answer - ends at the deadline", () =>
      Effect.gen(function* () {
        const { check } = scripted(pending)
        const { at, exit } = yield* runFor(
          host.until(check, { strategy: every2s, deadline: "10 seconds", gate: Gate.make(() => Effect.never) }),
          "1 minute"
        )
        assert.deepStrictEqual([ending(exit), at], ["PollTimeout deadline", 10_000])
      })
    )
  })

  describe("handle", () => {
    it.effect("pause while the gate is asked - makes no check", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const gate = Gate.make(() => Effect.delay(Effect.succeed(Gate.open), "5 seconds"))
        const handle = yield* host.start(check, { strategy: every2s, deadline: "1 minute", gate })
        yield* TestClock.adjust("1 second")
        yield* handle.pause
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(checks, [])
      })
    )

    it.effect("checkNow - does not ask a gate before its time unless it is forced", () =>
      Effect.gen(function* () {
        const { counter, gate } = closedFor(1, "1 hour")
        const { check, checks } = scripted(pending)
        const handle = yield* host.start(check, { strategy: every2s, deadline: "3 hours", gate })
        yield* handle.checkNow()
        assert.deepStrictEqual([counter.asked, checks.length], [1, 0])
        yield* handle.checkNow({ force: true })
        assert.strictEqual(checks.length, 1)
      })
    )

    it.effect("checkNow with force - checks through a closed gate", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const { gate } = closedFor(Infinity, "1 hour")
        const handle = yield* host.start(check, { strategy: every2s, deadline: "3 hours", gate })
        yield* handle.checkNow({ force: true })
        assert.deepStrictEqual(checks, [0])
      })
    )
  })

  describe("events", () => {
    it.effect("Waiting event - carries the reason of the gate", () =>
      Effect.gen(function* () {
        const { check } = scripted(done)
        const { events, observer } = recordEvents()
        const { gate } = closedFor(1)
        const options = { strategy: every2s, deadline: "1 minute", gate, observers: [observer] } as const
        yield* runFor(host.until(check, options), "1 minute")
        assert.deepStrictEqual(delaysOf(events()), ["gate 3000 offline"])
      })
    )
  })
})
