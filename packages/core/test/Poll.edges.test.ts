import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Observer from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, ending, pending, runFor, scripted, token } from "./scripted.ts"

const every2s = Strategy.spaced("2 seconds")
const bug = (): never => {
  throw new Error("bug")
}
const done = Status.succeeded("done")
describe("what the user gave throws", () => {
  it.effect("a strategy that throws after a check timed out ends the wait", () =>
    Effect.gen(function* () {
      const schedule = Strategy.make({
        decide: () => {
          throw new Error("bug")
        }
      })
      const options = { deadline: "1 minute", checkTimeout: "5 seconds", checkErrors: { schedule } } as const
      const { at, exit } = yield* runFor(Poll.until(Effect.never, options), "1 hour")
      assert.notStrictEqual(exit, "running")
      assert.strictEqual(at, 5000)
    })
  )

  const cases: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>]> = [
    ["decide", Poll.until(Effect.succeed(pending), { strategy: Strategy.make({ decide: bug }), deadline: "1 minute" })],
    [
      "classify",
      Poll.until(Effect.fail("x"), { deadline: "1 minute", checkTimeout: "unbounded", checkErrors: { kindOf: bug } })
    ],
    [
      "treatAs",
      Poll.until(Effect.succeed(CheckResult.unknownState("x")), {
        deadline: "1 minute",
        unknownState: { treatAs: bug }
      })
    ],
    [
      "gone",
      Poll.until(Job.make("j", { check: () => Effect.succeed(CheckResult.missing), missing: { gone: bug } }), "a", {
        deadline: "1 minute"
      })
    ],
    [
      "locate",
      Poll.until(
        Job.make("j", {
          check: () => Effect.succeed(CheckResult.missing),
          missing: { fallback: { locate: bug, check: () => Effect.succeed(pending) } }
        }),
        "a",
        { deadline: "1 minute" }
      )
    ],
    [
      "fallback check",
      Poll.until(
        Job.make("j", {
          check: () => Effect.succeed(CheckResult.missing),
          missing: { fallback: { locate: () => "b", check: bug } }
        }),
        "a",
        { deadline: "1 minute" }
      )
    ],
    [
      "message",
      Poll.until(Effect.succeed(CheckResult.withHint(pending, Number.MAX_SAFE_INTEGER)), {
        deadline: "1 minute",
        maxHint: Number.MAX_SAFE_INTEGER
      })
    ],
    [
      "failure that cannot be shown",
      Poll.until(Effect.succeed(Status.failed({ toString: bug, toJSON: bug })), { deadline: "1 minute" })
    ],
    [
      "interrupts itself",
      Poll.until(
        Effect.as(
          Effect.withFiber((fiber) => Fiber.interrupt(fiber)),
          pending
        ),
        { deadline: "1 minute", checkTimeout: "unbounded" }
      )
    ]
  ]
  for (const [name, wait] of cases)
    it.effect(name, () =>
      Effect.gen(function* () {
        const { exit, at } = yield* runFor(wait, "1 hour")
        assert.notStrictEqual(exit, "running")
        assert.strictEqual(at, name === "message" ? 60_000 : 0)
      })
    )
})

describe("the gate", () => {
  it.effect("is asked before each check", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const gate = Gate.make(({ job, key }) => {
        asked.push(`${job}/${key}`)
        return Effect.succeed(Gate.open)
      })
      const job = Job.make("render", { check: () => scripted(pending).check })
      const wait = Poll.until(job, "a", { strategy: Strategy.maxAttempts(every2s, 3), deadline: "1 minute", gate })
      assert.deepStrictEqual(asked, [])
      yield* runFor(wait, "1 minute")
      assert.deepStrictEqual(asked, ["render/a", "render/a", "render/a"])
    })
  )
  it.effect("pause holds while the gate is asked", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(pending)
      const gate = Gate.make(() => Effect.delay(Effect.succeed(Gate.open), "5 seconds"))
      const handle = yield* Poll.start(check, { strategy: every2s, deadline: "1 minute", gate })
      yield* TestClock.adjust("1 second")
      yield* handle.pause
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(checks, [])
    })
  )
  it.effect("a gate that does not answer after the deadline of a resumed wait", () =>
    Effect.gen(function* () {
      const job = Job.make("render", { check: () => Effect.succeed(pending) })
      yield* TestClock.adjust("1 hour")
      const { exit } = yield* runFor(Poll.resume(job, token({}), { gate: Gate.make(() => Effect.never) }), "10 hours")
      assert.strictEqual(ending(exit), "PollTimeout deadline")
    })
  )
  it.effect("force checks through a closed gate (Handle doc)", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(pending)
      const gate = Gate.make(() => Effect.succeed(Gate.postponed("1 hour", "offline")))
      const handle = yield* Poll.start(check, { strategy: every2s, deadline: "3 hours", gate })
      yield* handle.checkNow({ force: true })
      assert.deepStrictEqual(checks, [0])
    })
  )
})

describe("the last check", () => {
  it.effect("hint that ends at the deadline: one check there", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(CheckResult.withHint(pending, "10 seconds"), pending)
      yield* runFor(Poll.until(check, { strategy: every2s, deadline: "10 seconds" }), "1 minute")
      assert.deepStrictEqual(checks, [0, 10_000])
    })
  )
  it.effect("gate that opens at the deadline: one check there", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(pending)
      let n = 0
      const gate = Gate.make(() => Effect.sync(() => (n++ === 0 ? Gate.postponed("10 seconds", "x") : Gate.open)))
      yield* runFor(Poll.until(check, { strategy: every2s, deadline: "10 seconds", gate }), "1 minute")
      assert.deepStrictEqual(checks, [10_000])
    })
  )
  it.effect("estimate counts failed checks", () =>
    Effect.gen(function* () {
      const slow = <A, E>(e: Effect.Effect<A, E>) => Effect.delay(e, "3 seconds")
      const { check, checks } = scripted<string, never, string>(slow(Effect.fail("x")), slow(Effect.succeed(done)))
      const { exit } = yield* runFor(
        Poll.until(check, { deadline: "10 seconds", checkErrors: { schedule: Strategy.spaced("1 minute") } }),
        "1 minute"
      )
      assert.deepStrictEqual([ending(exit), checks], ["done", [0, 7000]])
    })
  )
})

describe("being woken", () => {
  it.effect("attempts bounds woken checks", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(Effect.delay(Effect.succeed(pending), "1 second"))
      const handle = yield* Poll.start(check, { strategy: Strategy.maxAttempts(every2s, 1), deadline: "1 minute" })
      yield* handle.checkNow()
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(checks, [0])
    })
  )
  it.effect("wake during a slow foreign step", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(pending)
      const strategy = Schedule.addDelay(Schedule.spaced("1 minute"), () =>
        Effect.delay(Effect.succeed(0), "5 seconds")
      )
      const handle = yield* Poll.start(check, { strategy, deadline: "1 hour" })
      yield* TestClock.adjust("1 second")
      yield* handle.checkNow()
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(checks.length, 2)
    })
  )
  it.effect("wake during a check that fails", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted<never, never, string>(Effect.delay(Effect.fail("x"), "5 seconds"), pending)
      const handle = yield* Poll.start(check, {
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
  it.effect("forced during a check breaks the floor of that check", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(
        Effect.delay(Effect.succeed(CheckResult.withHint(pending, "1 minute")), "5 seconds")
      )
      const handle = yield* Poll.start(check, { strategy: every2s, deadline: "1 hour" })
      yield* handle.checkNow({ force: true })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(checks, [0, 5000])
    })
  )
})

describe("schedules", () => {
  it.effect("the deadline bounds a schedule's step", () =>
    Effect.gen(function* () {
      const strategy = Schedule.addDelay(Schedule.forever, () => Effect.never)
      const { exit } = yield* runFor(
        Poll.until(Effect.succeed(pending), { strategy, deadline: "10 seconds" }),
        "1 hour"
      )
      assert.strictEqual(ending(exit), "PollTimeout deadline")
    })
  )
  it.effect("a foreign schedule sees the wall clock", () =>
    Effect.gen(function* () {
      const aligned = Schedule.fromStepWithMetadata(
        Effect.succeed(({ now }: Schedule.InputMetadata<unknown>) =>
          Effect.succeed<[number, Duration.Duration]>([now, Duration.millis(60_000 - (now % 60_000))])
        )
      )
      yield* TestClock.adjust("30 seconds")
      const by = scripted(pending)
      yield* runFor(Poll.until(by.check, { strategy: aligned, deadline: "80 seconds" }), "70 seconds")
      assert.deepStrictEqual(by.checks, [30_000, 60_000])
    })
  )
  it.effect("own infinite delay, unbounded", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(pending)
      yield* runFor(
        Poll.until(check, { strategy: Strategy.make({ decide: () => Infinity }), deadline: "unbounded" }),
        "2 days"
      )
      assert.isAbove(checks.length, 1)
    })
  )
  it.effect("elapsed of retries and of error delays counts from their first step", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const { check } = scripted<never, never, string>(Effect.fail("x"))
      yield* runFor(
        Poll.until(check, {
          deadline: "1 minute",
          checkErrors: {
            maxConsecutive: 3,
            schedule: Strategy.make({ decide: (_s, elapsed) => (seen.push(elapsed), 1000) })
          }
        }),
        "1 minute"
      )
      assert.deepStrictEqual(seen, [0, 1000, 2000])
    })
  )
  it.effect("elapsed of retries", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const { check } = scripted<never, never, string>(Effect.fail("x"))
      yield* runFor(
        Poll.until(check, {
          deadline: "1 minute",
          checkErrors: {
            maxConsecutive: 0,
            retry: Strategy.make({ decide: (s, elapsed) => (seen.push(elapsed), s > 3 ? "end" : 1000) })
          }
        }),
        "1 minute"
      )
      assert.deepStrictEqual(seen, [0, 1000, 2000, 3000])
    })
  )
})

describe("cancelRemote", () => {
  const job = (answers: ReadonlyArray<Answer<string, never, string>>) => {
    const asked: Array<number> = []
    const { check, checks } = scripted<string, never, string>(...answers)
    return {
      asked,
      checks,
      job: Job.make("render", {
        check: () => check,
        cancel: () => Effect.map(Clock.currentTimeMillis, (at) => void asked.push(at))
      })
    }
  }
  it.effect("watches for the grace after a strategy that ended", () =>
    Effect.gen(function* () {
      const it = job([pending, pending, pending, Status.canceled()])
      const { exit } = yield* runFor(
        Poll.until(it.job, "a", {
          strategy: Strategy.maxAttempts(every2s, 2),
          deadline: "1 minute",
          onTimeout: "cancelRemote"
        }),
        "1 hour"
      )
      assert.strictEqual(ending(exit), "JobCanceled")
    })
  )
  it.effect("watches for the grace after a strategy's limit", () =>
    Effect.gen(function* () {
      const it = job([pending, pending, pending, pending, Status.canceled()])
      const { exit } = yield* runFor(
        Poll.until(it.job, "a", {
          strategy: Strategy.maxDuration(every2s, "3 seconds"),
          deadline: "1 minute",
          onTimeout: "cancelRemote"
        }),
        "1 hour"
      )
      assert.strictEqual(ending(exit), "JobCanceled")
    })
  )
  it.effect("a check error in the grace leaves the timeout", () =>
    Effect.gen(function* () {
      const it = job([pending, pending, Effect.fail("reset")])
      const { exit } = yield* runFor(
        Poll.until(it.job, "a", {
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
  it.effect("a stall in the grace leaves the timeout", () =>
    Effect.gen(function* () {
      const it = job([pending])
      const { exit } = yield* runFor(
        Poll.until(it.job, "a", {
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
  it.effect("interruption in the grace does not ask twice", () =>
    Effect.gen(function* () {
      const it = job([pending])
      const fiber = yield* Effect.forkChild(
        Poll.until(it.job, "a", {
          strategy: every2s,
          deadline: "10 seconds",
          onTimeout: "cancelRemote",
          onInterrupt: "cancelRemote"
        })
      )
      yield* TestClock.adjust("13 seconds")
      yield* Fiber.interrupt(fiber)
      assert.deepStrictEqual(it.asked, [10_000])
    })
  )
  it.effect("a cancel that hangs on interruption is stopped after the grace", () =>
    Effect.gen(function* () {
      let stopped = 0
      const job = Job.make("render", {
        check: () => Effect.succeed(pending),
        cancel: () => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void stopped++))
      })
      const fiber = yield* Effect.forkChild(
        Poll.until(job, "a", { deadline: "unbounded", onInterrupt: "cancelRemote", cancelTimeout: "5 seconds" })
      )
      yield* TestClock.adjust("2 seconds")
      yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(stopped, 1)
    })
  )
})

describe("observers and spans", () => {
  it.effect("a hung observer is stopped after the grace", () =>
    Effect.gen(function* () {
      let stopped = 0
      const hung = Observer.make(() => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void stopped++)))
      yield* runFor(Poll.until(Effect.succeed(done), { deadline: "1 minute", observers: [hung] }), "1 hour")
      assert.strictEqual(stopped, 1)
    })
  )
  it.effect("an observer that resumes what is paused", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(Effect.delay(Effect.succeed(pending), "1 second"))
      let resume: Effect.Effect<void> = Effect.void
      const observer = Observer.make(({ event }) =>
        event._tag === "Waiting" && event.reason === "paused" ? resume : Effect.void
      )
      const handle = yield* Poll.start(check, { strategy: every2s, deadline: "10 minutes", observers: [observer] })
      resume = Effect.andThen(handle.unpause, handle.checkNow())
      yield* TestClock.adjust("2 seconds")
      yield* handle.pause
      yield* TestClock.adjust("20 seconds")
      assert.isAbove(checks.length, 4)
    })
  )
  it.effect("in order, when an observer wakes, no gate", () =>
    Effect.gen(function* () {
      const { check } = scripted<string>(Effect.delay(Effect.succeed(pending), 1), done)
      const told: Array<string> = []
      let wake: Effect.Effect<void> = Effect.void
      const a = Observer.make(({ event }) => (event._tag === "Waiting" ? wake : Effect.void))
      const b = Observer.make(({ event }) => Effect.sync(() => void told.push(event._tag)))
      const handle = yield* Poll.start(check, { strategy: every2s, deadline: "10 minutes", observers: [a, b] })
      wake = handle.checkNow()
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(told, ["Started", "Changed", "Waiting", "Changed", "Ended"])
    })
  )
  it.effect("events end when the defaults are bad", () =>
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
  it.effect("a permanent error is a CheckFailed event", () =>
    Effect.gen(function* () {
      const e = { [CheckError.kind]: CheckError.permanent() }
      const events = yield* Stream.runCollect(Poll.events(Effect.fail(e), { deadline: "1 minute" }))
      assert.deepStrictEqual(
        events.map((e) => e._tag),
        ["CheckFailed", "Ended"]
      )
    })
  )
})

describe("words, fallbacks and history", () => {
  it.effect("errors in a row: a missing check between breaks the row", () =>
    Effect.gen(function* () {
      const { check } = scripted<string, never, string>(Effect.fail("x"), CheckResult.missing, Effect.fail("x"), done)
      const job = Job.make("j", { check: () => check, missing: { grace: "1 minute" } })
      const { exit } = yield* runFor(
        Poll.until(job, "a", { strategy: every2s, deadline: "1 minute", checkErrors: { maxConsecutive: 1 } }),
        "1 minute"
      )
      assert.strictEqual(ending(exit), "done")
    })
  )
  it.effect("R28 an unknown state of an earlier run", () =>
    Effect.gen(function* () {
      const { check } = scripted<string>(
        CheckResult.withRun(CheckResult.unknownState("STOPPED"), { generation: 1 }),
        CheckResult.withRun(done, { generation: 2 })
      )
      const { exit } = yield* runFor(
        Poll.until(check, {
          strategy: every2s,
          deadline: "1 minute",
          since: { generation: 2 },
          unknownState: { treatAs: () => Status.canceled() }
        }),
        "1 minute"
      )
      assert.strictEqual(ending(exit), "done")
    })
  )
  it.effect("R28 an unknown state of an earlier run fails", () =>
    Effect.gen(function* () {
      const { check } = scripted<string>(
        CheckResult.withRun(CheckResult.unknownState("STOPPED"), { generation: 1 }),
        CheckResult.withRun(done, { generation: 2 })
      )
      const { exit } = yield* runFor(
        Poll.until(check, { strategy: every2s, deadline: "1 minute", since: { generation: 2 } }),
        "1 minute"
      )
      assert.strictEqual(ending(exit), "done")
    })
  )
  it.effect("R22 resumed after its deadline keeps the floor", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted<string>(done)
      const job = Job.make("render", { check: () => check })
      yield* TestClock.adjust("20 seconds")
      yield* runFor(Poll.resume(job, token({ floorAt: 60_000, dueAt: 10_000 })), "2 minutes")
      assert.isTrue(
        checks.every((at) => at >= 60_000),
        String(checks)
      )
    })
  )
  it.effect("resumed after its deadline with a hung check and no checkTimeout", () =>
    Effect.gen(function* () {
      const job = Job.make("render", { check: () => Effect.never })
      yield* TestClock.adjust("20 seconds")
      const { exit } = yield* runFor(Poll.resume(job, token({}), { checkTimeout: "unbounded" }), "100 hours")
      assert.notStrictEqual(exit, "running")
    })
  )
  it.effect("resumed after its deadline turns to the fallback", () =>
    Effect.gen(function* () {
      const job = Job.make("render", {
        check: () => Effect.succeed(CheckResult.missing),
        missing: { fallback: { locate: (k) => k, check: () => Effect.succeed(done) } }
      })
      yield* TestClock.adjust("20 seconds")
      const { exit } = yield* runFor(Poll.resume(job, token({})), "1 hour")
      assert.strictEqual(ending(exit), "done")
    })
  )
  it.effect("history names a tagged error that is no Error", () =>
    Effect.gen(function* () {
      const { exit } = yield* runFor(
        Poll.until(Effect.fail({ _tag: "HttpCheckError" }), {
          deadline: "1 minute",
          checkErrors: { maxConsecutive: 0 }
        }),
        "1 minute"
      )
      assert(exit !== "running" && Exit.isFailure(exit))
      const e = Exit.findErrorOption(exit)
      assert(e._tag === "Some")
      assert.strictEqual(e.value.history[0]!.result, "check error: HttpCheckError")
    })
  )
})
