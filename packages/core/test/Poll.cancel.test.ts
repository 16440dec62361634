import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, cancelableJob, done, pending, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { ending, runFor } from "./support/runs.ts"

const options = { strategy: Strategy.spaced("4 seconds"), deadline: "10 seconds" } as const

/** A job with a scripted check and this cancel. */
const cancelable = (cancel: Effect.Effect<void, string>, ...answers: ReadonlyArray<Answer<string, never, string>>) => {
  const { check, checks } = scripted<string, never, string>(...answers)
  return { ...cancelableJob(() => check, { cancel }), checks }
}

const pendings = (count: number) => Array.from({ length: count }, () => pending)

describe.each(hosts)("$name", (host) => {
  describe("onTimeout", () => {
    it.effect("timeout - leaves the remote job alone by default [R10]", () =>
      Effect.gen(function* () {
        const { canceledAt, job } = cancelable(Effect.void, pending)
        const { exit } = yield* runFor(host.until(job, "a", options), "1 hour")
        assert.deepStrictEqual([ending(exit), canceledAt], ["PollTimeout deadline", []])
      })
    )

    it.effect("timeout with cancelRemote - cancels the job and yields its true end [R10]", () =>
      Effect.gen(function* () {
        const { canceledAt, job, checks } = cancelable(
          Effect.void,
          pending,
          pending,
          pending,
          pending,
          pending,
          Status.canceled()
        )
        const { at, exit } = yield* runFor(host.until(job, "a", { ...options, onTimeout: "cancelRemote" }), "1 hour")
        assert.deepStrictEqual([ending(exit), at, canceledAt], ["JobCanceled", 14_000, [10_000]])
        assert.deepStrictEqual(checks, [0, 4000, 8000, 10_000, 10_000, 14_000])
      })
    )

    it.effect.each([
      ["failed checks exhaust their budget", Effect.fail("reset"), { maxConsecutive: 0 }],
      ["a check is rejected", Effect.fail("gone"), { kindOf: () => CheckError.permanent() }]
    ] as const)(
      "canceled job that ended without its result, and %s - fails with that end [R11]",
      ([, last, checkErrors]) =>
        Effect.gen(function* () {
          const { job } = cancelable(Effect.void, ...pendings(4), CheckResult.resultMissing("DONE"), last)
          const wait = { ...options, onTimeout: "cancelRemote", checkErrors } as const
          const { exit } = yield* runFor(host.until(job, "a", wait), "1 hour")
          assert.strictEqual(ending(exit), "ResultMissing")
        })
    )

    it.effect(
      "timeout with cancelRemote - yields the result of a job that ended before the cancel took effect [R11]",
      () =>
        Effect.gen(function* () {
          const { job } = cancelable(Effect.void, pending, pending, pending, pending, Status.succeeded("late"))
          const { exit } = yield* runFor(host.until(job, "a", { ...options, onTimeout: "cancelRemote" }), "1 hour")
          assert.strictEqual(ending(exit), "late")
        })
    )

    it.effect(
      "timeout with cancelRemote - stands when no end is seen in time, or the cancel fails or hangs [R10]",
      () =>
        Effect.gen(function* () {
          for (const cancel of [Effect.void, Effect.fail("no"), Effect.never]) {
            const { canceledAt, job } = cancelable(cancel, pending)
            const start = yield* Clock.currentTimeMillis
            const { at, exit } = yield* runFor(
              host.until(job, "a", { ...options, onTimeout: "cancelRemote", cancelTimeout: "5 seconds" }),
              "1 hour"
            )
            assert.deepStrictEqual([ending(exit), canceledAt.length], ["PollTimeout deadline", 1])
            assert.strictEqual(at - start, cancel === Effect.never ? 20_000 : 15_000)
          }
        })
    )

    it.effect("check after the cancel - waits for the server's floor [R12]", () =>
      Effect.gen(function* () {
        const { canceledAt, job, checks } = cancelable(
          Effect.void,
          CheckResult.withHint(pending, "13 seconds"),
          Status.canceled()
        )
        const { exit } = yield* runFor(host.until(job, "a", { ...options, onTimeout: "cancelRemote" }), "1 hour")
        assert.deepStrictEqual([ending(exit), canceledAt, checks], ["JobCanceled", [10_000], [0, 13_000]])
      })
    )

    it.effect("cancelRemote after the last attempt - watches for the end during cancelTimeout", () =>
      Effect.gen(function* () {
        const { job } = cancelable(Effect.void, pending, pending, pending, Status.canceled())
        const { exit } = yield* runFor(
          host.until(job, "a", {
            strategy: Strategy.maxAttempts(every2s, 2),
            deadline: "1 minute",
            onTimeout: "cancelRemote"
          }),
          "1 hour"
        )
        assert.strictEqual(ending(exit), "JobCanceled")
      })
    )

    it.effect("cancelRemote after maxDuration - watches for the end during cancelTimeout", () =>
      Effect.gen(function* () {
        const { job } = cancelable(Effect.void, pending, pending, pending, pending, Status.canceled())
        const { exit } = yield* runFor(
          host.until(job, "a", {
            strategy: Strategy.maxDuration(every2s, "3 seconds"),
            deadline: "1 minute",
            onTimeout: "cancelRemote"
          }),
          "1 hour"
        )
        assert.strictEqual(ending(exit), "JobCanceled")
      })
    )

    it.effect("check error after the cancel - leaves the timeout as the ending", () =>
      Effect.gen(function* () {
        const { job } = cancelable(Effect.void, pending, pending, Effect.fail("reset"))
        const { exit } = yield* runFor(
          host.until(job, "a", {
            strategy: Strategy.spaced("10 seconds"),
            deadline: "10 seconds",
            checkErrors: { maxConsecutive: 0 },
            onTimeout: "cancelRemote"
          }),
          "1 hour"
        )
        assert.strictEqual(ending(exit), "PollTimeout deadline")
      })
    )

    it.effect("stall after the cancel - leaves the timeout as the ending", () =>
      Effect.gen(function* () {
        const { job } = cancelable(Effect.void, pending)
        const { exit } = yield* runFor(
          host.until(job, "a", {
            strategy: Strategy.spaced("6 seconds"),
            deadline: "10 seconds",
            stall: { after: "11 seconds" },
            onTimeout: "cancelRemote"
          }),
          "1 hour"
        )
        assert.strictEqual(ending(exit), "PollTimeout deadline")
      })
    )

    it.effect("pause - is over once the job was canceled", () =>
      Effect.gen(function* () {
        const { job } = cancelable(Effect.void, pending, pending, Status.canceled())
        const handle = yield* host.start(job, "a", {
          strategy: every2s,
          deadline: "10 seconds",
          onTimeout: "cancelRemote"
        })
        yield* handle.pause
        assert.strictEqual(ending((yield* runFor(handle.await, "1 hour")).exit), "JobCanceled")
      })
    )

    it.effect("wait that has ended - does not cancel the job", () =>
      Effect.gen(function* () {
        const { canceledAt, job } = cancelable(Effect.void, done)
        yield* runFor(
          host.until(job, "a", { ...options, onTimeout: "cancelRemote", onInterrupt: "cancelRemote" }),
          "1 hour"
        )
        assert.deepStrictEqual(canceledAt, [])
      })
    )
  })

  describe("onInterrupt", () => {
    it.effect("interruption - leaves the remote job alone by default [R10]", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelable(Effect.void, pending)
        const fiber = yield* Effect.forkChild(host.until(job, "a", { strategy: every2s, deadline: "1 minute" }))
        yield* TestClock.adjust("3 seconds")
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(canceled, [])
      })
    )

    it.effect("interruption with cancelRemote - cancels the job and waits for that at most cancelTimeout [R10]", () =>
      Effect.gen(function* () {
        const { canceledAt, job } = cancelable(Effect.never, pending)
        const fiber = yield* Effect.forkChild(
          host.until(job, "a", { ...options, onInterrupt: "cancelRemote", cancelTimeout: "5 seconds" })
        )
        yield* TestClock.adjust("2 seconds")
        const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
        yield* TestClock.adjust("4 seconds")
        assert.deepStrictEqual([canceledAt, interrupting.pollUnsafe()], [[2000], undefined])
        yield* TestClock.adjust("1 second")
        assert.isDefined(interrupting.pollUnsafe())
      })
    )

    it.effect("interruption after the cancel of a timeout - does not cancel a second time", () =>
      Effect.gen(function* () {
        const { canceledAt, job } = cancelable(Effect.void, pending)
        const fiber = yield* Effect.forkChild(
          host.until(job, "a", {
            strategy: every2s,
            deadline: "10 seconds",
            onTimeout: "cancelRemote",
            onInterrupt: "cancelRemote"
          })
        )
        yield* TestClock.adjust("13 seconds")
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(canceledAt, [10_000])
      })
    )

    it.effect("cancel that hangs on interruption - is interrupted after cancelTimeout", () =>
      Effect.gen(function* () {
        let interrupted = 0
        const hung = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void interrupted++))
        const { job } = cancelable(hung, pending)
        const fiber = yield* Effect.forkChild(
          host.until(job, "a", { deadline: "unbounded", onInterrupt: "cancelRemote", cancelTimeout: "5 seconds" })
        )
        yield* TestClock.adjust("2 seconds")
        yield* Effect.forkChild(Fiber.interrupt(fiber))
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(interrupted, 1)
      })
    )
  })
})
