import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { cancelableJob, done, pending, scripted, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s, every10s } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"
import { ending, runFor } from "./support/runs.ts"

const options = { strategy: every10s, deadline: "10 minutes" } as const

describe.each(hosts)("$name", (host) => {
  describe("await", () => {
    it.effect("await - yields the result to several callers, early and late", () =>
      Effect.gen(function* () {
        const { check } = scripted(pending, done)
        const handle = yield* host.start(check, options)
        const early = yield* Effect.forkChild(handle.await)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([yield* Fiber.join(early), yield* handle.await], ["done", "done"])
      })
    )

    it.effect("await - yields the result when the scope closes while observers are notified of it", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const { observer } = recordEvents("5 seconds")
        const handle = yield* Scope.provide(
          host.start(Effect.succeed(done), { deadline: "1 hour", observers: [observer] }),
          scope
        )
        yield* TestClock.adjust("1 second")
        const fiber = yield* Effect.forkChild(Effect.exit(handle.await))
        yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.succeed("done"))
      })
    )

    it.effect("await - can be interrupted without interrupting the wait", () =>
      Effect.gen(function* () {
        const { check } = scripted(pending, done)
        const handle = yield* host.start(check, options)
        yield* Fiber.interrupt(yield* Effect.forkChild(handle.await, { startImmediately: true }))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(yield* handle.await, "done")
      })
    )
  })

  describe("whenEnded", () => {
    it.effect("whenEnded - calls the function once, with the exit and the number of checks, also after the end", () =>
      Effect.gen(function* () {
        const { check } = scripted(pending, done)
        const handle = yield* host.start(check, options)
        const told: Array<unknown> = []
        handle.whenEnded((exit, attempts) => void told.push(["first", exit, attempts]))
        handle.whenEnded((exit, attempts) => void told.push(["second", exit, attempts]))
        yield* TestClock.adjust("9 seconds")
        assert.deepStrictEqual(told, [])
        yield* TestClock.adjust("1 second")
        handle.whenEnded((exit, attempts) => void told.push(["late", exit, attempts]))
        const exit = Exit.succeed("done")
        assert.deepStrictEqual(told, [
          ["first", exit, 2],
          ["second", exit, 2],
          ["late", exit, 2]
        ])
      })
    )

    it.effect("whenEnded - calls the function when the wait is left", () =>
      Effect.gen(function* () {
        const handle = yield* host.start(scripted(pending).check, options)
        const told: Array<boolean> = []
        handle.whenEnded((exit) => void told.push(Exit.hasInterrupts(exit)))
        yield* handle.leave
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(told, [true])
      })
    )
  })

  describe("scope", () => {
    it.effect("scope - interrupts the wait when it closes, and no check follows", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const scope = yield* Scope.make()
        const handle = yield* Scope.provide(host.start(check, options), scope)
        const waiting = yield* Effect.forkChild(Effect.exit(handle.await))
        yield* TestClock.adjust("15 seconds")
        yield* Scope.close(scope, Exit.void)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(checks, [0, 10_000])
        assert(Exit.hasInterrupts(yield* Fiber.join(waiting)))
      })
    )
  })

  describe("status", () => {
    it.effect("status - is the last status seen", () =>
      Effect.gen(function* () {
        const { check } = scripted(Status.pending({ progress: 0.1 }), Effect.fail("reset"), Status.succeeded(1))
        const handle = yield* host.start(check, options)
        assert.deepStrictEqual(yield* handle.status, Status.pending({ progress: 0.1 }))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* handle.status, Status.pending({ progress: 0.1 }))
      })
    )
  })

  describe("events", () => {
    it.effect("events - start with what is known for a late subscriber, separately for each subscriber", () =>
      Effect.gen(function* () {
        const { check } = scripted(pending, Status.succeeded(1))
        const handle = yield* host.start(check, options)
        const one = yield* Effect.forkChild(Stream.runCollect(handle.events), { startImmediately: true })
        yield* TestClock.adjust("10 seconds")
        const tags = (events: ReadonlyArray<{ readonly _tag: string }>) => events.map((event) => event._tag)
        assert.deepStrictEqual(tags(yield* Fiber.join(one)), ["Changed", "Changed", "Ended"])
        assert.deepStrictEqual(tags(yield* Stream.runCollect(handle.events)), ["Changed", "Ended"])
      })
    )
  })

  describe("checkNow", () => {
    it.effect("checkNow - checks once, and the strategy continues from there [R24]", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const handle = yield* host.start(check, options)
        yield* TestClock.adjust("3 seconds")
        yield* handle.checkNow()
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(checks, [0, 3000, 13_000])
      })
    )

    it.effect("checkNow during a check - makes one more check follow it [R24]", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(slow("4 seconds", pending))
        const handle = yield* host.start(check, options)
        yield* TestClock.adjust("1 second")
        yield* handle.checkNow()
        yield* handle.checkNow()
        yield* TestClock.adjust("17 seconds")
        assert.deepStrictEqual(checks, [0, 4000, 18_000])
      })
    )

    it.effect("checkNow during a check that fails - makes the next check follow it", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<never, never, string>(slow("5 seconds", Effect.fail("x")), pending)
        const handle = yield* host.start(check, {
          strategy: every2s,
          deadline: "1 hour",
          checkErrors: { schedule: Strategy.spaced("1 minute") }
        })
        yield* TestClock.adjust("1 second")
        yield* handle.checkNow()
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(checks.length, 2)
      })
    )

    it.effect("checkNow during a slow step of a foreign schedule - is not lost", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const strategy = Schedule.addDelay(Schedule.spaced("1 minute"), () =>
          Effect.delay(Effect.succeed(0), "5 seconds")
        )
        const handle = yield* host.start(check, { strategy, deadline: "1 hour" })
        yield* TestClock.adjust("1 second")
        yield* handle.checkNow()
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(checks.length, 2)
      })
    )

    it.effect("checkNow - does not exceed maxAttempts", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(slow("1 second", pending))
        const handle = yield* host.start(check, { strategy: Strategy.maxAttempts(every2s, 1), deadline: "1 minute" })
        yield* handle.checkNow()
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(checks, [0])
      })
    )

    it.effect("checkNow - waits for the server's floor unless it is forced", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(CheckResult.withHint(pending, "8 seconds"))
        const handle = yield* host.start(check, options)
        yield* TestClock.adjust("1 second")
        yield* handle.checkNow()
        yield* TestClock.adjust("8 seconds")
        assert.deepStrictEqual(checks, [0, 8000])
        yield* handle.checkNow({ force: true })
        assert.deepStrictEqual(checks, [0, 8000, 9000])
      })
    )

    it.effect("checkNow with force during a check - ignores the floor of that check", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(slow("5 seconds", CheckResult.withHint(pending, "1 minute")))
        const handle = yield* host.start(check, { strategy: every2s, deadline: "1 hour" })
        yield* handle.checkNow({ force: true })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(checks, [0, 5000])
      })
    )

    it.effect("checkNow after the end - does nothing [R25]", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(Status.succeeded(1))
        const handle = yield* host.start(check, options)
        yield* handle.checkNow({ force: true })
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(checks, [0])
      })
    )
  })

  describe("pause", () => {
    it.effect("pause - makes no check until unpause, which makes those that are due", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const handle = yield* host.start(check, options)
        yield* TestClock.adjust("1 second")
        yield* handle.pause
        yield* handle.checkNow()
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(checks, [0])
        yield* handle.unpause
        assert.deepStrictEqual(checks, [0, 61_000])
        yield* handle.pause
        yield* TestClock.adjust("4 seconds")
        yield* handle.unpause
        yield* TestClock.adjust("6 seconds")
        assert.deepStrictEqual(checks, [0, 61_000, 71_000])
      })
    )

    it.effect.each([false, true])("checkNow({ force: %s }) during a pause - follows the pause [R24]", (force) =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const handle = yield* host.start(check, options)
        for (const rest of ["2 seconds", "1 second"] as const) {
          yield* handle.pause
          yield* TestClock.adjust("1 second")
          yield* handle.checkNow({ force })
          yield* handle.checkNow({ force })
          yield* TestClock.adjust(rest)
          yield* handle.unpause
          yield* TestClock.adjust("1 second")
        }
        yield* TestClock.adjust("8 seconds")
        assert.deepStrictEqual(checks, [0, 3_000, 6_000])
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(checks, [0, 3_000, 6_000, 16_000])
      })
    )

    it.effect("pause - does not stop the deadline", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const handle = yield* host.start(check, { ...options, deadline: "25 seconds" })
        yield* handle.pause
        const { at, exit } = yield* runFor(handle.await, "1 hour")
        assert.deepStrictEqual([ending(exit), at, checks], ["PollTimeout deadline", 25_000, [0]])
      })
    )

    it.effect("pause and unpause - leave a check in flight alone", () =>
      Effect.gen(function* () {
        let interrupted = 0
        const slowCheck = Effect.onInterrupt(slow("4 seconds", pending), () => Effect.sync(() => void interrupted++))
        const { check, checks } = scripted(slowCheck)
        const handle = yield* host.start(check, { strategy: every10s, deadline: "1 minute" })
        yield* TestClock.adjust("1 second")
        yield* handle.pause
        yield* handle.unpause
        yield* TestClock.adjust("1 second")
        yield* handle.pause
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([interrupted, checks, yield* handle.status], [0, [0], pending])
      })
    )

    it.effect("unpause by an observer of the pause - continues the wait", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(slow("1 second", pending))
        let unpause: Effect.Effect<void> = Effect.void
        const observer = Observer.make(({ event }) =>
          event._tag === "Waiting" && event.reason === "paused" ? unpause : Effect.void
        )
        const handle = yield* host.start(check, { strategy: every2s, deadline: "10 minutes", observers: [observer] })
        unpause = Effect.andThen(handle.unpause, handle.checkNow())
        yield* TestClock.adjust("2 seconds")
        yield* handle.pause
        yield* TestClock.adjust("20 seconds")
        assert.isAbove(checks.length, 4)
      })
    )
  })

  describe("cancel", () => {
    it.effect("cancel - asks the server, checks once and waits for the true end [R11]", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted<string>(pending, pending, Status.succeeded("made it"))
        const { canceledAt, job } = cancelableJob(() => check)
        const handle = yield* host.start(job, "a", options)
        yield* TestClock.adjust("3 seconds")
        yield* handle.cancel
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([canceledAt, checks], [[3000], [0, 3000, 13_000]])
        assert.strictEqual(yield* handle.await, "made it")
      })
    )

    it.effect("cancel after the end - does nothing", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelableJob(() => Effect.succeed(done))
        const handle = yield* host.start(job, "a", options)
        yield* handle.cancel
        assert.deepStrictEqual([yield* handle.await, canceled], ["done", []])
      })
    )

    it.effect("cancel - fails with CancelFailed when the job has no cancel or it fails", () =>
      Effect.gen(function* () {
        const check = () => Effect.succeed(pending)
        const none = yield* host.start(Job.make("render", { check }), "a", options)
        const failing = yield* host.start(cancelableJob(check, { cancel: Effect.fail("no") }).job, "a", options)
        const errors = [yield* Effect.flip(none.cancel), yield* Effect.flip(failing.cancel)]
        assert.deepStrictEqual(
          errors.map(({ message, reason }) => [reason, message]),
          [
            ["unsupported", `render "a" could not be canceled: the Job has no cancel`],
            ["failed", `render "a" could not be canceled: no`]
          ]
        )
      })
    )
  })
})
