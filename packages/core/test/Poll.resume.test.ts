import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as KeyCodec from "effect-poll/KeyCodec"
import * as PollError from "effect-poll/PollError"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { done, pending, renderJob, scripted, slow } from "./support/checks.ts"
import { type Host, hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { delaysOf, recordEvents } from "./support/recorders.ts"
import { ending, errorOf, failureOf, runFor } from "./support/runs.ts"
import { storedToken } from "./support/tokens.ts"

const strategy = Strategy.linear({ increment: "10 seconds" })

/** The token of a wait after some time, as another process reads it. */
const tokenAfter = <A, E>(
  host: Host,
  job: Job.Watchable<string, A, never, E, never>,
  within: Parameters<typeof TestClock.adjust>[0]
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* host.start(job, "a", { strategy, deadline: "100 seconds" })
      yield* TestClock.adjust(within)
      return yield* ResumeToken.fromJson(ResumeToken.toJson(yield* handle.token))
    })
  )

/** A token whose deadline is at 100 seconds. */
const late = (some: Partial<ResumeToken.ResumeToken>) => storedToken({ deadlineAt: 100_000, ...some })

describe.each(hosts)("$name", (host) => {
  describe("token", () => {
    it.effect("token - holds attempts, budgets, strategy step and deadline [R22]", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        const at = 3_600_000
        const reset = Effect.fail("reset")
        const { job } = renderJob(reset, pending, reset, reset, slow("1 hour", pending))
        const handle = yield* host.start(job, "a", {
          strategy: Strategy.maxDuration(every2s, "10 minutes"),
          deadline: "1 hour",
          since: { generation: 7 },
          checkTimeout: "unbounded"
        })
        yield* TestClock.adjust("4 seconds")
        const { attempts, boundedBy, deadlineAt, dueAt, totalErrors, rows, since, strategyStartedAt, strategySteps } =
          yield* handle.token
        assert.deepStrictEqual(
          [attempts, since, boundedBy, deadlineAt],
          [4, { generation: 7 }, "strategy", at + 600_000]
        )
        assert.deepStrictEqual([rows?.errors?.count, totalErrors], [2, 3])
        assert.deepStrictEqual([strategySteps, strategyStartedAt, dueAt], [1, at + 1000, at + 6000])
        yield* TestClock.adjust("1 second")
        yield* handle.checkNow()
        assert.strictEqual((yield* handle.token).dueAt, at + 5000)
      })
    )

    it.effect("token - holds the floor as a wall-clock time [R22]", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        const { job } = renderJob(CheckResult.withHint(pending, "30 seconds"))
        const handle = yield* host.start(job, "a", { deadline: "1 minute" })
        assert.strictEqual((yield* handle.token).floorAt, 3_630_000)
      })
    )
  })

  describe("resume", () => {
    it.effect("resume - continues with the same deadline, attempts and strategy step [R23]", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(pending)
        const token = yield* tokenAfter(host, job, "35 seconds")
        assert.deepStrictEqual(checks, [0, 10_000, 30_000])
        yield* TestClock.adjust("5 seconds")
        const { at, exit } = yield* runFor(host.resume(job, token, { strategy }), "1 hour")
        assert.deepStrictEqual(checks, [0, 10_000, 30_000, 60_000, 100_000])
        assert.deepStrictEqual([ending(exit), at], ["PollTimeout deadline", 100_000])
        const error = errorOf(exit)
        assert(error._tag === "PollTimeout")
        assert.strictEqual(error.attempts, 5)
      })
    )

    it.effect("resume - obeys the floor of the server [R22]", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(CheckResult.withHint(pending, "50 seconds"), done)
        const token = yield* tokenAfter(host, job, "1 second")
        const { at } = yield* runFor(host.resume(job, token, { strategy }), "1 hour")
        assert.deepStrictEqual([at, checks], [50_000, [0, 50_000]])
      })
    )

    it.effect("resume - obeys a floor that is later than the due time [R22]", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(done)
        yield* runFor(host.resume(job, late({ floorAt: 5000 })), "1 hour")
        assert.deepStrictEqual(checks, [5000])
      })
    )

    it.effect("resume - stays with the fallback [R22]", () =>
      Effect.gen(function* () {
        const checked: Array<string> = []
        const { check } = scripted(pending, CheckResult.missing)
        const job = Job.make("render", {
          check: () => check,
          missing: {
            fallback: {
              locate: (key) => `archive/${key}`,
              check: (key) => Effect.sync(() => (checked.push(key) < 2 ? pending : Status.succeeded("kept")))
            }
          }
        })
        const token = yield* tokenAfter(host, job, "15 seconds")
        assert.strictEqual(token.fallbackKey, "archive/a")
        const { exit } = yield* runFor(host.resume(job, token, { strategy }), "1 hour")
        assert.deepStrictEqual([ending(exit), checked], ["kept", ["archive/a", "archive/a"]])
      })
    )

    it.effect("resume - keeps the error budgets [R23]", () =>
      Effect.gen(function* () {
        const run = (some: Partial<ResumeToken.ResumeToken>, checkErrors: Job.CheckErrorPolicy<string>) =>
          failureOf(host.resume(renderJob(Effect.fail("no")).job, late(some), { checkErrors }))
        const maxConsecutive = yield* run({ rows: { errors: { count: 2, at: 0 } } }, { maxConsecutive: 2 })
        const maxTotal = yield* run({ totalErrors: 5 }, { maxTotal: 5 })
        assert(maxConsecutive._tag === "CheckErrorsExhausted" && maxTotal._tag === "CheckErrorsExhausted")
        assert.deepStrictEqual(
          [maxConsecutive.budget, maxConsecutive.attempts, maxTotal.budget, maxTotal.attempts],
          ["maxConsecutive", 2, "maxTotal", 2]
        )
      })
    )

    it.effect("resume - keeps the reason of the timeout and the strategy's own time [R23]", () =>
      Effect.gen(function* () {
        const seen: Array<readonly [number, number]> = []
        const strategy = Strategy.make({ decide: (step, elapsed) => (seen.push([step, elapsed]), 60_000) })
        const stored = late({ strategySteps: 3, strategyStartedAt: 1000, boundedBy: "strategy", deadlineAt: 30_000 })
        yield* TestClock.adjust("20 seconds")
        const error = yield* failureOf(host.resume(renderJob(pending).job, stored, { strategy }))
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual([error.reason, seen], ["strategy", [[4, 19_000]]])
      })
    )

    it.effect("foreign schedule - starts anew after a resume", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(pending)
        const strategy = Schedule.exponential("1 second")
        yield* runFor(host.resume(job, late({ strategySteps: 3, deadlineAt: 5000 }), { strategy }), "1 hour")
        assert.deepStrictEqual(checks, [0, 1000, 3000, 5000])
        const recurs = yield* failureOf(
          host.resume(renderJob(pending).job, late({ strategySteps: 3, deadlineAt: "unbounded" }), {
            strategy: Schedule.recurs(1)
          })
        )
        assert.strictEqual(recurs._tag, "PollTimeout")
      })
    )

    it.effect("Waiting - has the reason strategy after a resume", () =>
      Effect.gen(function* () {
        const { events, observer } = recordEvents()
        yield* runFor(host.resume(renderJob(done).job, late({ dueAt: 5000 }), { observers: [observer] }), "1 hour")
        assert.deepStrictEqual(delaysOf(events()), ["strategy 5000"])
      })
    )

    it.effect("check in flight when the token was taken - is due at once after a resume", () =>
      Effect.gen(function* () {
        const { job } = renderJob(Effect.never, done)
        const token = yield* tokenAfter(host, job, "5 seconds")
        const { at } = yield* runFor(host.resume(job, token), "1 hour")
        assert.strictEqual(at, 5000)
      })
    )
  })

  describe("after the deadline", () => {
    it.effect("token after its deadline - allows one check before the wait is judged", () =>
      Effect.gen(function* () {
        const first = renderJob(pending, done)
        const token = yield* tokenAfter(host, first.job, "1 second")
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(ending((yield* runFor(host.resume(first.job, token), "1 hour")).exit), "done")
        const other = renderJob(pending)
        const { exit } = yield* runFor(host.resume(other.job, token), "1 hour")
        assert.deepStrictEqual([ending(exit), other.checks.length], ["PollTimeout deadline", 1])
      })
    )

    it.effect("token after its deadline - speaks of a floor only if the server set one [R32]", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        const timeoutOf = (token: ResumeToken.ResumeToken) =>
          Effect.gen(function* () {
            const error = yield* failureOf(host.resume(renderJob(pending).job, token))
            assert(error._tag === "PollTimeout")
            return error
          })
        const floored = yield* timeoutOf(late({ floorAt: 6_000_000 }))
        assert.strictEqual(floored.floorAt, 6_000_000)
        assert.include(floored.message, "the server allowed no check before 1970-01-01T01:40:00.000Z")
        for (const token of [late({}), late({ floorAt: 0, attempts: 7 }), late({ floorAt: 3_000_000 })]) {
          const { floorAt, message } = yield* timeoutOf(token)
          assert.strictEqual(floorAt, undefined)
          assert.notInclude(message, "the server allowed")
        }
      })
    )

    it.effect("token after its deadline - allows no check before the floor of the server", () =>
      Effect.gen(function* () {
        const { job } = renderJob(CheckResult.withHint(pending, "50 minutes"))
        const token = yield* tokenAfter(host, job, "1 second")
        yield* TestClock.adjust("10 minutes")
        const other = renderJob(done)
        const { exit } = yield* runFor(host.resume(other.job, token), "1 hour")
        assert.deepStrictEqual([ending(exit), other.checks], ["PollTimeout deadline", []])
      })
    )

    it.effect("token after its deadline - does not check before its floor [R22]", () =>
      Effect.gen(function* () {
        const { job, checks } = renderJob(done)
        yield* TestClock.adjust("20 seconds")
        yield* runFor(host.resume(job, storedToken({ floorAt: 60_000, dueAt: 10_000 })), "2 minutes")
        assert.deepStrictEqual(checks, [])
      })
    )

    it.effect("token after its deadline - leaves time for a slow gate and a check with its own timeout", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        const gate = Gate.make(() => Effect.delay(Effect.succeed(Gate.open), "1 second"))
        const { exit } = yield* runFor(host.resume(renderJob(done).job, late({}), { gate }), "1 hour")
        assert.strictEqual(ending(exit), "done")
        const error = yield* failureOf(
          host.resume(renderJob(Effect.never).job, late({}), { checkTimeout: "5 seconds" })
        )
        assert(error._tag === "PollTimeout")
        assert.instanceOf(error.lastCheckError, PollError.CheckTimeout)
      })
    )

    it.effect("token after its deadline - ends when the gate does not answer", () =>
      Effect.gen(function* () {
        const { job } = renderJob(pending)
        yield* TestClock.adjust("1 hour")
        const { exit } = yield* runFor(
          host.resume(job, storedToken(), { gate: Gate.make(() => Effect.never) }),
          "10 hours"
        )
        assert.strictEqual(ending(exit), "PollTimeout deadline")
      })
    )

    it.effect("token after its deadline - ends when the check hangs and checkTimeout is unbounded", () =>
      Effect.gen(function* () {
        const { job } = renderJob(Effect.never)
        yield* TestClock.adjust("20 seconds")
        const { exit } = yield* runFor(host.resume(job, storedToken(), { checkTimeout: "unbounded" }), "100 hours")
        assert.notStrictEqual(exit, "running")
      })
    )

    it.effect("token after its deadline - turns to the fallback", () =>
      Effect.gen(function* () {
        const job = Job.make("render", {
          check: () => Effect.succeed(CheckResult.missing),
          missing: { fallback: { locate: (key) => key, check: () => Effect.succeed(done) } }
        })
        yield* TestClock.adjust("20 seconds")
        const { exit } = yield* runFor(host.resume(job, storedToken()), "1 hour")
        assert.strictEqual(ending(exit), "done")
      })
    )
  })

  describe("options", () => {
    it.effect("resume - takes onTimeout, onInterrupt and onClose: cancelRemote for a job that has a cancel [R10]", () =>
      Effect.gen(function* () {
        let cancels = 0
        const cancel = () => Effect.sync(() => void cancels++)
        const job = Job.make("render", {
          check: () => Effect.succeed(cancels > 0 ? Status.canceled() : pending),
          cancel
        })
        const options = { onTimeout: "cancelRemote", onInterrupt: "cancelRemote", onClose: "cancelRemote" } as const
        const { exit } = yield* runFor(host.resume(job, late({}), options), "1 hour")
        assert.deepStrictEqual([ending(exit), cancels], ["JobCanceled", 1])
        const without = Job.make("render", { check: () => Effect.succeed(pending) })
        const { exit: refused } = yield* runFor(
          Effect.suspend(() => host.resume(without, late({}), options)),
          "1 hour"
        )
        assert(refused !== "running" && Exit.isFailure(refused))
        assert.include(String(Cause.squash(refused.cause)), `must not be "cancelRemote", since the job render`)
      })
    )
  })

  describe("errors", () => {
    it.effect("token of another job, version or key type - fails with ResumeTokenError", () =>
      Effect.gen(function* () {
        const { job } = renderJob(pending)
        const token = yield* tokenAfter(host, job, "1 second")
        const other = Job.make("other", { check: () => Effect.succeed(pending) })
        const keyed = Job.make("render", {
          key: KeyCodec.fromSchema(Schema.FiniteFromString),
          check: (_key: number) => Effect.succeed(pending)
        })
        const reason = (
          effect: Effect.Effect<unknown, { readonly _tag: string; readonly reason?: string | undefined }>
        ) => Effect.map(Effect.flip(effect), (error) => `${error._tag} ${error.reason}`)
        assert.strictEqual(yield* reason(host.resume(other, token)), "ResumeTokenError job")
        assert.strictEqual(
          yield* reason(host.resume(job, { ...token, version: 2 as never })),
          "ResumeTokenError version"
        )
        assert.strictEqual(yield* reason(host.resume(keyed, token)), "ResumeTokenError malformed")
      })
    )
  })
})
