import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Observer from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { ending, pending, runFor, scripted } from "./scripted.ts"

const every10s = { strategy: Strategy.spaced("10 seconds"), deadline: "10 minutes" } as const

describe("Poll.start", () => {
  it.effect("await - yields the result to many, at any time", () =>
    Effect.gen(function* () {
      const { check } = scripted(pending, Status.succeeded("done"))
      const handle = yield* Poll.start(check, every10s)
      const early = yield* Effect.forkChild(handle.await)
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([yield* Fiber.join(early), yield* handle.await], ["done", "done"])
    })
  )

  it.effect("await - yields the result, though the scope closes while observers are told of it", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const slow = Observer.make(() => Effect.sleep("5 seconds"))
      const handle = yield* Poll.start(Effect.succeed(Status.succeeded("done")), {
        deadline: "1 hour",
        observers: [slow]
      }).pipe(Scope.provide(scope))
      yield* TestClock.adjust("1 second")
      const fiber = yield* Effect.forkChild(Effect.exit(handle.await))
      yield* Effect.forkChild(Scope.close(scope, Exit.void))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Fiber.join(fiber), Exit.succeed("done"))
    })
  )

  it.effect("await - interrupting who asks does not interrupt the wait", () =>
    Effect.gen(function* () {
      const { check } = scripted(pending, Status.succeeded("done"))
      const handle = yield* Poll.start(check, every10s)
      yield* Fiber.interrupt(yield* Effect.forkChild(handle.await, { startImmediately: true }))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(yield* handle.await, "done")
    })
  )

  it.effect("the end of its scope ends the wait, and no check follows", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(pending)
      const scope = yield* Scope.make()
      const handle = yield* Scope.provide(Poll.start(check, every10s), scope)
      const waiting = yield* Effect.forkChild(Effect.exit(handle.await))
      yield* TestClock.adjust("15 seconds")
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual(checks, [0, 10_000])
      assert(Exit.hasInterrupts(yield* Fiber.join(waiting)))
    })
  )

  it.effect("status - is the last status seen", () =>
    Effect.gen(function* () {
      const { check } = scripted(Status.pending({ progress: 0.1 }), Effect.fail("reset"), Status.succeeded(1))
      const handle = yield* Poll.start(check, every10s)
      assert.deepStrictEqual(yield* handle.status, Status.pending({ progress: 0.1 }))
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(yield* handle.status, Status.pending({ progress: 0.1 }))
    })
  )

  it.effect("events - tells a late reader what is known, each reader on its own", () =>
    Effect.gen(function* () {
      const { check } = scripted(pending, Status.succeeded(1))
      const handle = yield* Poll.start(check, every10s)
      const one = yield* Effect.forkChild(Stream.runCollect(handle.events), { startImmediately: true })
      yield* TestClock.adjust("10 seconds")
      const tags = (events: ReadonlyArray<{ readonly _tag: string }>) => events.map((event) => event._tag)
      assert.deepStrictEqual(tags(yield* Fiber.join(one)), ["Changed", "Changed", "Ended"])
      assert.deepStrictEqual(tags(yield* Stream.runCollect(handle.events)), ["Changed", "Ended"])
    })
  )

  describe("checkNow", () => {
    it.effect("checks once, and the strategy goes on from there", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const handle = yield* Poll.start(check, every10s)
        yield* TestClock.adjust("3 seconds")
        yield* handle.checkNow()
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(checks, [0, 3000, 13_000])
      })
    )

    it.effect("never makes two checks overlap: another follows", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(Effect.delay(Effect.succeed(pending), "4 seconds"))
        const handle = yield* Poll.start(check, every10s)
        yield* TestClock.adjust("1 second")
        yield* handle.checkNow()
        yield* handle.checkNow()
        yield* TestClock.adjust("17 seconds")
        assert.deepStrictEqual(checks, [0, 4000, 18_000])
      })
    )

    it.effect("keeps the server's floor, unless it is forced", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(CheckResult.withHint(pending, "8 seconds"))
        const handle = yield* Poll.start(check, every10s)
        yield* TestClock.adjust("1 second")
        yield* handle.checkNow()
        yield* TestClock.adjust("8 seconds")
        assert.deepStrictEqual(checks, [0, 8000])
        yield* handle.checkNow({ force: true })
        assert.deepStrictEqual(checks, [0, 8000, 9000])
      })
    )

    it.effect("after the end does nothing", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(Status.succeeded(1))
        const handle = yield* Poll.start(check, every10s)
        yield* handle.checkNow({ force: true })
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(checks, [0])
      })
    )
  })

  describe("pause", () => {
    it.effect("makes no check until it is resumed, then those that are due", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const handle = yield* Poll.start(check, every10s)
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

    it.effect("does not stop the deadline", () =>
      Effect.gen(function* () {
        const { check, checks } = scripted(pending)
        const handle = yield* Poll.start(check, { ...every10s, deadline: "25 seconds" })
        yield* handle.pause
        const { at, exit } = yield* runFor(handle.await, "1 hour")
        assert.deepStrictEqual([ending(exit), at, checks], ["PollTimeout deadline", 25_000, [0]])
      })
    )
  })

  describe("cancel", () => {
    it.effect("R11 asks the server, checks once, and takes whatever the end is", () =>
      Effect.gen(function* () {
        let asked = 0
        const { check, checks } = scripted<string>(pending, pending, Status.succeeded("made it"))
        const job = Job.make("render", {
          check: () => check,
          cancel: () => Effect.sync(() => void asked++)
        })
        const handle = yield* Poll.start(job, "a", every10s)
        yield* TestClock.adjust("3 seconds")
        yield* handle.cancel
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([asked, checks], [1, [0, 3000, 13_000]])
        assert.strictEqual(yield* handle.await, "made it")
      })
    )

    it.effect("does nothing after the end", () =>
      Effect.gen(function* () {
        const job = Job.make("render", {
          check: () => Effect.succeed(Status.succeeded(1)),
          cancel: () => Effect.die("asked")
        })
        const handle = yield* Poll.start(job, "a", every10s)
        yield* handle.cancel
        assert.strictEqual(yield* handle.await, 1)
      })
    )

    it.effect("is a typed error where there is none, or where it fails", () =>
      Effect.gen(function* () {
        const check = () => Effect.succeed(pending)
        const none = yield* Poll.start(Job.make("render", { check }), "a", every10s)
        const failing = yield* Poll.start(Job.make("render", { check, cancel: () => Effect.fail("no") }), "a", every10s)
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

describe("the remote job when our patience ends", () => {
  const cancelable = (
    cancel: Effect.Effect<void, string>,
    ...answers: ReadonlyArray<CheckResult.CheckResult<string> | Effect.Effect<CheckResult.CheckResult<string>>>
  ) => {
    const { check, checks } = scripted<string>(...answers)
    const asked: Array<number> = []
    const job = Job.make("render", {
      check: () => check,
      cancel: () =>
        Effect.flatMap(
          Effect.clockWith((clock) => clock.currentTimeMillis),
          (at) => {
            asked.push(at)
            return cancel
          }
        )
    })
    return { job, checks, asked }
  }
  const options = { strategy: Strategy.spaced("4 seconds"), deadline: "10 seconds" } as const

  it.effect("R10 is left alone by default", () =>
    Effect.gen(function* () {
      const { asked, job } = cancelable(Effect.void, pending)
      const { exit } = yield* runFor(Poll.until(job, "a", options), "1 hour")
      assert.deepStrictEqual([ending(exit), asked], ["PollTimeout deadline", []])
    })
  )

  it.effect("R10 is canceled on a timeout, and its true end is seen", () =>
    Effect.gen(function* () {
      const { asked, job, checks } = cancelable(
        Effect.void,
        pending,
        pending,
        pending,
        pending,
        pending,
        Status.canceled()
      )
      const { at, exit } = yield* runFor(Poll.until(job, "a", { ...options, onTimeout: "cancelRemote" }), "1 hour")
      assert.deepStrictEqual([ending(exit), at, asked], ["JobCanceled", 14_000, [10_000]])
      assert.deepStrictEqual(checks, [0, 4000, 8000, 10_000, 10_000, 14_000])
    })
  )

  it.effect("R11 may have made it after all", () =>
    Effect.gen(function* () {
      const { job } = cancelable(Effect.void, pending, pending, pending, pending, Status.succeeded("late"))
      const { exit } = yield* runFor(Poll.until(job, "a", { ...options, onTimeout: "cancelRemote" }), "1 hour")
      assert.strictEqual(ending(exit), "late")
    })
  )

  it.effect("R10 the timeout stands when no end is seen in the grace, or the cancel fails or hangs", () =>
    Effect.gen(function* () {
      for (const cancel of [Effect.void, Effect.fail("no"), Effect.never]) {
        const { asked, job } = cancelable(cancel, pending)
        const start = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
        const { at, exit } = yield* runFor(
          Poll.until(job, "a", { ...options, onTimeout: "cancelRemote", cancelTimeout: "5 seconds" }),
          "1 hour"
        )
        assert.deepStrictEqual([ending(exit), asked.length], ["PollTimeout deadline", 1])
        assert.strictEqual(at - start, cancel === Effect.never ? 20_000 : 15_000)
      }
    })
  )

  it.effect("R12 the check after a cancel waits for the server's floor", () =>
    Effect.gen(function* () {
      const { asked, job, checks } = cancelable(
        Effect.void,
        CheckResult.withHint(pending, "13 seconds"),
        Status.canceled()
      )
      const { exit } = yield* runFor(Poll.until(job, "a", { ...options, onTimeout: "cancelRemote" }), "1 hour")
      assert.deepStrictEqual([ending(exit), asked, checks], ["JobCanceled", [10_000], [0, 13_000]])
    })
  )

  it.effect("R10 is canceled on an interruption, for a bounded time", () =>
    Effect.gen(function* () {
      const { asked, job } = cancelable(Effect.never, pending)
      const fiber = yield* Effect.forkChild(
        Poll.until(job, "a", { ...options, onInterrupt: "cancelRemote", cancelTimeout: "5 seconds" })
      )
      yield* TestClock.adjust("2 seconds")
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("4 seconds")
      assert.deepStrictEqual([asked, interrupting.pollUnsafe()], [[2000], undefined])
      yield* TestClock.adjust("1 second")
      assert.isDefined(interrupting.pollUnsafe())
    })
  )

  it.effect("is not canceled once it has ended", () =>
    Effect.gen(function* () {
      const { asked, job } = cancelable(Effect.void, Status.succeeded("done"))
      yield* runFor(
        Poll.until(job, "a", { ...options, onTimeout: "cancelRemote", onInterrupt: "cancelRemote" }),
        "1 hour"
      )
      assert.deepStrictEqual(asked, [])
    })
  )
})
