import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Observer from "effect-poll/Observer"
import type * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { done, pending, scripted, slow } from "./support/checks.ts"
import { type Host, hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { delaysOf, recordEvents } from "./support/recorders.ts"
import { ending, runFor } from "./support/runs.ts"

const options = { strategy: every2s, deadline: "1 minute" } as const

/** The events of a wait, as an observer is notified of them. */
const eventsOf = <A, E>(host: Host, check: Effect.Effect<CheckResult.CheckResult<A>, E>, options: Poll.Options<E>) => {
  const { events, observer } = recordEvents()
  return Effect.map(runFor(host.until(check, { ...options, observers: [observer] }), "1 hour"), events)
}

describe.each(hosts)("$name", (host) => {
  describe("notifications", () => {
    it.effect("observer - is notified in order, and its defects are ignored [R17]", () =>
      Effect.gen(function* () {
        const slow = recordEvents("1 second")
        const { check } = scripted<string>(pending, done)
        const broken = Observer.make(() => Effect.die("bug"))
        const { at, exit } = yield* runFor(
          host.until(check, { ...options, observers: [broken, slow.observer] }),
          "1 minute"
        )
        assert.deepStrictEqual(
          [ending(exit), slow.tags()],
          ["done", ["Started", "Changed", "Waiting", "Changed", "Ended"]]
        )
        assert.strictEqual(at, 5000)
      })
    )

    it.effect("second observer - is notified in order when the first one wakes the wait", () =>
      Effect.gen(function* () {
        const { check } = scripted<string>(slow(10, pending), done)
        const second = recordEvents()
        let wake: Effect.Effect<void> = Effect.void
        const first = Observer.make(({ event }) => (event._tag === "Waiting" ? wake : Effect.void))
        const handle = yield* host.start(check, {
          strategy: every2s,
          deadline: "10 minutes",
          observers: [first, second.observer]
        })
        wake = handle.checkNow()
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(second.tags(), ["Started", "Changed", "Waiting", "Changed", "Ended"])
      })
    )

    it.effect("observer that hangs - holds the result back for at most cancelTimeout", () =>
      Effect.gen(function* () {
        const hung = Observer.make(() => Effect.never)
        const { at, exit } = yield* runFor(
          host.until(Effect.succeed(done), {
            ...options,
            observers: [hung],
            cancelTimeout: "3 seconds"
          }),
          "1 minute"
        )
        assert.deepStrictEqual([ending(exit), at], ["done", 3000])
      })
    )

    it.effect("observer that hangs - is interrupted after cancelTimeout", () =>
      Effect.gen(function* () {
        let interrupted = 0
        const hung = Observer.make(() => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void interrupted++)))
        yield* runFor(host.until(Effect.succeed(done), { deadline: "1 minute", observers: [hung] }), "1 hour")
        assert.strictEqual(interrupted, 1)
      })
    )
  })

  describe("events", () => {
    it.effect("Waiting - carries the delay and its reason", () =>
      Effect.gen(function* () {
        const { check } = scripted<string, never, string>(
          pending,
          Effect.fail("a"),
          CheckResult.withHint(pending, "7 seconds"),
          pending,
          done
        )
        const events = yield* eventsOf(host, check, { strategy: every2s, deadline: "12 seconds" })
        assert.deepStrictEqual(delaysOf(events), [
          "strategy 2000",
          "checkError 1000",
          "serverHint 7000",
          "strategy 2000"
        ])
      })
    )

    it.effect("Waiting - carries the reason of the gate only while the gate is the reason", () =>
      Effect.gen(function* () {
        let asked = 0
        const gate = Gate.make(() =>
          Effect.sync(() => (asked++ === 0 ? Gate.postponed("3 seconds", "offline") : Gate.open))
        )
        const { check } = scripted<string>(pending, done)
        const events = yield* eventsOf(host, check, { ...options, gate })
        assert.deepStrictEqual(delaysOf(events), ["gate 3000 offline", "strategy 2000"])
      })
    )

    it.effect("Waiting for a pause - carries the time until the deadline", () =>
      Effect.gen(function* () {
        const { check } = scripted<string>(pending)
        const handle = yield* host.start(check, { strategy: every2s, deadline: "10 seconds" })
        const events = yield* Effect.forkChild(Stream.runCollect(handle.events), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        yield* handle.pause
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(delaysOf(yield* Fiber.join(events)), ["paused 9000"])
      })
    )

    it.effect("Waiting - is not repeated by a checkNow that cannot move the next check", () =>
      Effect.gen(function* () {
        const { check } = scripted<string>(CheckResult.withHint(pending, "8 seconds"), done)
        const handle = yield* host.start(check, options)
        const events = yield* Effect.forkChild(Stream.runCollect(handle.events), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        yield* handle.checkNow()
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(delaysOf(yield* Fiber.join(events)), [])
      })
    )

    it.effect("Changed - reports a new state or detail, Unchanged the same one", () =>
      Effect.gen(function* () {
        const { check } = scripted<string>(
          Status.pending({ state: "A" }),
          Status.pending({ state: "B" }),
          Status.pending({ state: "B", detail: 1 }),
          Status.pending({ state: "B", detail: 1 }),
          done
        )
        const events = yield* eventsOf(host, check, options)
        const tags = events.flatMap((event) => (event._tag === "Waiting" ? [] : [event._tag]))
        assert.deepStrictEqual(tags, ["Changed", "Changed", "Changed", "Unchanged", "Changed", "Ended"])
      })
    )

    it.effect("Stalled - is emitted once per stall, and again after a change [R26]", () =>
      Effect.gen(function* () {
        const a = Status.pending({ state: "A" })
        const b = Status.pending({ state: "B" })
        const { check } = scripted<string>(a, a, a, a, b, b, b, b, done)
        const stall = { after: "3 seconds", onStall: "report" } as const
        const events = yield* eventsOf(host, check, { ...options, stall })
        const stalls = events.flatMap((event) => (event._tag === "Stalled" ? [event.attempt] : []))
        assert.deepStrictEqual(stalls, [3, 7])
      })
    )

    it.effect("CheckFailed - is emitted for each retry, with the attempt that it belongs to", () =>
      Effect.gen(function* () {
        const no = Effect.fail("no")
        const { check } = scripted<string, never, string>(no, pending, no, no, no, done)
        const checkErrors = { retry: Strategy.maxRecurrences(Strategy.spaced("1 second"), 1) }
        const events = yield* eventsOf(host, check, { ...options, checkErrors })
        const failed = events.flatMap((event) =>
          event._tag === "CheckFailed" ? [[event.attempt, event.consecutive]] : []
        )
        assert.deepStrictEqual(failed, [
          [1, 0],
          [2, 0],
          [2, 1],
          [3, 0]
        ])
        const last = events.at(-1)!
        assert(last._tag === "Ended")
        assert.strictEqual(last.attempts, 3)
      })
    )

    it.effect("CheckFailed - is emitted for a permanent error", () =>
      Effect.gen(function* () {
        const error = { [CheckError.kind]: CheckError.permanent() }
        const events = yield* eventsOf(host, Effect.fail(error), { deadline: "1 minute" })
        assert.deepStrictEqual(
          events.map(({ _tag }) => _tag),
          ["CheckFailed", "Ended"]
        )
      })
    )
  })
})
