import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { PollEvent } from "effect-poll/PollEvent"
import { pending, scripted } from "./support/checks.ts"
import { every2s } from "./support/options.ts"
import { runFor, valueOf } from "./support/runs.ts"

/** Events as short words: `Waiting strategy`, `Changed Pending`. */
const inWords = (events: ReadonlyArray<PollEvent<unknown, unknown, unknown>>) =>
  events.map((event) => {
    switch (event._tag) {
      case "Changed":
        return `Changed ${Status.describe(event.status)}`
      case "Waiting":
        return `Waiting ${event.reason}`
      case "CheckFailed":
        return `CheckFailed ${String(event.error)} ${event.consecutive}`
      default:
        return event._tag
    }
  })

describe("Poll.events", () => {
  it.effect("events - reports what happens and ends with the exit of until [R17]", () =>
    Effect.gen(function* () {
      const { check } = scripted(
        pending,
        pending,
        Effect.fail("reset"),
        CheckResult.withHint(Status.pending({ progress: 0.5 }), "5 seconds"),
        Status.succeeded("done")
      )
      const { exit } = yield* runFor(
        Stream.runCollect(
          Poll.events(check, { strategy: Strategy.withFirstWait(every2s, "1 second"), deadline: "1 minute" })
        ),
        "1 minute"
      )
      const events = valueOf(exit)
      assert.deepStrictEqual(inWords(events), [
        "Waiting firstWait",
        "Changed Pending",
        "Waiting strategy",
        "Unchanged",
        "Waiting strategy",
        "CheckFailed reset 1",
        "Waiting checkError",
        "Changed Pending 50%",
        "Waiting serverHint",
        "Changed Succeeded",
        "Ended"
      ])
      assert.deepStrictEqual(events.at(-1), { _tag: "Ended", attempts: 5, exit: Exit.succeed("done") })
    })
  )

  it.effect("onStall report - emits Stalled once and continues [R26]", () =>
    Effect.gen(function* () {
      const { check } = scripted(pending, pending, pending, pending, Status.succeeded(1))
      const { exit } = yield* runFor(
        Stream.runCollect(
          Poll.events(check, {
            strategy: every2s,
            deadline: "1 minute",
            stall: { after: "3 seconds", onStall: "report" }
          })
        ),
        "1 minute"
      )
      const words = inWords(valueOf(exit))
      assert.strictEqual(words.filter((word) => word === "Stalled").length, 1)
      assert.strictEqual(words.at(-1), "Ended")
    })
  )

  it.effect("Ended - carries a failure, and the stream itself does not fail", () =>
    Effect.gen(function* () {
      const { check } = scripted(Status.failed("bad"))
      const events = yield* Stream.runCollect(Poll.events(check, { deadline: "1 minute" }))
      const last = events.at(-1)!
      assert(last._tag === "Ended" && Exit.isFailure(last.exit))
    })
  )

  it.effect("events - ends when the defaults are out of range", () =>
    Effect.gen(function* () {
      const { exit } = yield* runFor(
        Effect.provide(
          Stream.runCollect(Poll.events(Effect.succeed(pending), { deadline: "1 minute" })),
          PollDefaults.layer({ checkErrors: { maxConsecutive: -1 } })
        ),
        "1 hour"
      )
      assert.notStrictEqual(exit, "running")
    })
  )

  it.effect("stream that is no longer read - ends the wait, and no check follows", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(pending)
      const fiber = yield* Effect.forkChild(
        Stream.runCollect(Stream.take(Poll.events(check, { strategy: every2s, deadline: "unbounded" }), 3))
      )
      yield* TestClock.adjust("1 hour")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual(checks, [0, 2000])
    })
  )

  it.effect("slow subscriber - does not delay checks and misses no change", () =>
    Effect.gen(function* () {
      let checks = 0
      const check = Effect.sync(() => {
        checks++
        return checks === 2000 ? Status.succeeded(checks) : Status.pending({ progress: Math.floor(checks / 100) / 100 })
      })
      const seen: Array<PollEvent<number>> = []
      const slow = Poll.events(check, { strategy: Strategy.spaced("1 second"), deadline: "1 hour" }).pipe(
        Stream.runForEachArray((events) => {
          seen.push(...events)
          return Effect.sleep("20 minutes")
        })
      )
      yield* runFor(slow, "3 hours")
      assert.strictEqual(checks, 2000)
      const changes = seen.filter((event) => event._tag === "Changed")
      assert.strictEqual(changes.length, 21)
      assert.strictEqual(seen.at(-1)?._tag, "Ended")
      assert.isBelow(seen.length, 1000)
    })
  )
})
