import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import { type Answer, done, pending, scripted } from "./support/checks.ts"
import { every10s } from "./support/options.ts"
import { ending, runFor } from "./support/runs.ts"

const options = { strategy: every10s, deadline: "1 minute" } as const

/** A job that can be submitted: the scene "forest" has the key "forest-1", "bad" is rejected. */
const submittable = (...answers: ReadonlyArray<Answer<string, never, string>>) => {
  const submitted: Array<string> = []
  const { check, checks } = scripted(...answers)
  const job = Job.make("render", {
    submit: (scene: string) => {
      submitted.push(scene)
      return scene === "bad"
        ? Effect.fail("rejected" as const)
        : Effect.succeed({ key: `${scene}-1`, since: { generation: 7 } })
    },
    check: () => check
  })
  return { job, checks, submitted }
}

describe("Poll.run", () => {
  it.effect("run - submits once and hands out the receipt before the first check [R3]", () =>
    Effect.gen(function* () {
      const { job, checks, submitted } = submittable(Effect.fail("reset"), pending, done)
      const receipts: Array<readonly [ResumeToken.ResumeToken, number]> = []
      const { exit } = yield* runFor(
        Poll.run(job, "forest", {
          ...options,
          onReceipt: (token) => Effect.sync(() => receipts.push([token, checks.length]))
        }),
        "1 hour"
      )
      assert.deepStrictEqual([ending(exit), submitted, receipts.length], ["done", ["forest"], 1])
      const [token, checked] = receipts[0]!
      assert.deepStrictEqual(
        [token.job, token.key, token.since, token.attempts, token.deadlineAt, checked],
        ["render", "forest-1", { generation: 7 }, 0, 60_000, 0]
      )
    })
  )

  it.effect("run - ignores the end of a run older than its receipt's [R28]", () =>
    Effect.gen(function* () {
      const { job } = submittable(
        CheckResult.withRun(Status.succeeded("old"), { generation: 6 }),
        CheckResult.withRun(Status.succeeded("new"), { generation: 7 })
      )
      const { exit } = yield* runFor(Poll.run(job, "forest", options), "1 hour")
      assert.strictEqual(ending(exit), "new")
    })
  )

  it.effect("interruption between submit and receipt - waits until the receipt is stored [R3]", () =>
    Effect.gen(function* () {
      const stored: Array<string> = []
      const job = Job.make("render", {
        submit: () => Effect.delay(Effect.succeed({ key: "a" }), "1 second"),
        check: () => Effect.succeed(pending)
      })
      const fiber = yield* Effect.forkChild(
        Poll.run(job, undefined as never, {
          deadline: "1 minute",
          onReceipt: (token, { key }) =>
            Effect.delay(
              Effect.sync(() => stored.push(`${token.key} ${key}`)),
              "1 second"
            )
        })
      )
      yield* TestClock.adjust("1500 millis")
      yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(stored, ["a a"])
      assert.isDefined(fiber.pollUnsafe())
    })
  )

  it.effect("hint of the receipt - is the earliest time of the first check [R12]", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(done)
      const job = Job.make("render", {
        submit: () => Effect.succeed({ key: "a", hint: Duration.seconds(7) }),
        check: () => check
      })
      yield* runFor(Poll.run(job, undefined as never, { deadline: "1 minute" }), "1 hour")
      assert.deepStrictEqual(checks, [7000])
    })
  )

  it.effect("submit that fails - fails with its own typed error, and no check follows", () =>
    Effect.gen(function* () {
      const { job, checks, submitted } = submittable(pending)
      const { exit } = yield* runFor(Poll.run(job, "bad", options), "1 hour")
      assert.deepStrictEqual(exit, Exit.fail("rejected"))
      assert.deepStrictEqual([checks, submitted], [[], ["bad"]])
    })
  )

  it.effect("onReceipt that fails - fails the run before the first check", () =>
    Effect.gen(function* () {
      const { job, checks } = submittable(pending)
      const { exit } = yield* runFor(
        Poll.run(job, "forest", { ...options, onReceipt: () => Effect.fail("disk full") }),
        "1 hour"
      )
      assert.deepStrictEqual([exit, checks], [Exit.fail("disk full"), []])
    })
  )

  it("run - throws a RangeError for a job without submit and for bad options", () => {
    const job = Job.make("render", { check: () => Effect.succeed(pending) })
    assert.throws(() => Poll.run(job, undefined as never, { deadline: "1 minute" }), RangeError, /render has no submit/)
    assert.throws(() => Poll.run(submittable(pending).job, "x", { deadline: 0 }), RangeError, /Poll\.run: deadline/)
  })
})
