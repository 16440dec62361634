import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Metric from "effect/Metric"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as PollMetrics from "effect-poll/PollMetrics"
import type * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, done, pending, scripted } from "./support/checks.ts"
import { every10s } from "./support/options.ts"
import { recordEvents, recordSpans } from "./support/recorders.ts"
import { ending, errorOf, runFor } from "./support/runs.ts"

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

  describe("receipt that is an end", () => {
    /** A job whose submit is answered by this end, and how often it was checked and canceled. */
    const endedJob = (ended: Status.Terminal<string, string>, receipt: Partial<Job.Receipt<string>> = {}) => {
      const calls = { checks: 0, cancels: 0 }
      const job = Job.make<string, string, never, never, void>("render", {
        submit: () => Effect.succeed({ key: "a", ended, ...receipt }),
        check: () => Effect.sync(() => (calls.checks++, pending)),
        cancel: () => Effect.sync(() => void calls.cancels++)
      })
      return { job, calls }
    }

    it.effect("run - ends as the receipt says, at once and without a check", () =>
      Effect.gen(function* () {
        const ends: ReadonlyArray<readonly [Status.Terminal<string, string>, unknown]> = [
          [Status.succeeded("done"), "done"],
          [Status.failed("bad"), "JobFailed"],
          [Status.canceled({ reason: "no credits" }), "JobCanceled no credits"],
          [Status.expired(), "JobExpired"]
        ]
        for (const [ended, expected] of ends) {
          const { calls, job } = endedJob(ended, { hint: Duration.seconds(7) })
          const start = yield* Clock.currentTimeMillis
          const strategy = Strategy.withFirstWait(every10s, "5 seconds")
          const { at, exit } = yield* runFor(Poll.run(job, undefined, { ...options, strategy }), "1 hour")
          assert.deepStrictEqual([ending(exit), at - start, calls], [expected, 0, { checks: 0, cancels: 0 }])
        }
      })
    )

    it.effect("onReceipt - is called before the end, with a token that has no result", () =>
      Effect.gen(function* () {
        const { job } = endedJob(Status.succeeded("done"))
        const received: Array<unknown> = []
        const { exit } = yield* runFor(
          Poll.run(job, undefined, {
            ...options,
            onReceipt: (token, receipt) => Effect.sync(() => received.push(token.attempts, token, receipt.ended))
          }),
          "1 hour"
        )
        assert.strictEqual(ending(exit), "done")
        assert.deepStrictEqual([received[0], received[2]], [0, Status.succeeded("done")])
        assert.notInclude(JSON.stringify(received[1]), "done")
        const failed = Poll.run(job, undefined, { ...options, onReceipt: () => Effect.fail("disk full") })
        assert.deepStrictEqual((yield* runFor(failed, "1 hour")).exit, Exit.fail("disk full"))
      })
    )

    it.effect("observers, span and metrics - see the end, at attempt 0", () =>
      Effect.gen(function* () {
        const { job } = endedJob(Status.failed("bad"))
        const recorded = recordEvents()
        const { spans, tracer } = recordSpans()
        const run = Poll.run(job, undefined, { ...options, observers: [recorded.observer, PollMetrics.observer] })
        const { exit } = yield* runFor(Effect.withTracer(run, tracer), "1 hour")
        const error = errorOf(exit)
        assert(typeof error === "object" && error._tag === "JobFailed")
        assert.deepStrictEqual([error.attempts, error.lastStatus], [0, Status.failed("bad")])
        assert.deepStrictEqual(recorded.tags(), ["Started", "Changed", "Ended"])
        assert.deepStrictEqual(
          recorded.events().map((event) => (event._tag === "Changed" ? event.attempt : event._tag)),
          [0, "Ended"]
        )
        assert.strictEqual(spans[0]!.attributes.get("poll.ending"), "JobFailed")
        const ended = yield* Metric.value(
          Metric.withAttributes(PollMetrics.waits, { job: "render", ending: "JobFailed" })
        )
        assert.strictEqual(ended.count, 1)
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
    )

    it.effect("since - does not apply to it", () =>
      Effect.gen(function* () {
        const { job } = endedJob(Status.succeeded("done"), { since: { generation: 7 } })
        assert.strictEqual(ending((yield* runFor(Poll.run(job, undefined, options), "1 hour")).exit), "done")
      })
    )
  })

  it("run - throws a RangeError for a job without submit and for bad options", () => {
    const job = Job.make("render", { check: () => Effect.succeed(pending) })
    assert.throws(() => Poll.run(job, undefined as never, { deadline: "1 minute" }), RangeError, /render has no submit/)
    assert.throws(() => Poll.run(submittable(pending).job, "x", { deadline: 0 }), RangeError, /Poll\.run: deadline/)
  })
})
