import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Observer from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as CheckError from "effect-poll/CheckError"
import * as PollError from "effect-poll/PollError"
import type { PollEvent } from "effect-poll/PollEvent"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, ending, pending, runFor, scripted, token } from "./scripted.ts"

const every2s = Strategy.spaced("2 seconds")
const every10s = Strategy.spaced("10 seconds")
const done = Status.succeeded("done")
const slow = <A = never, E = never>(
  duration: Duration.Input,
  answer: Answer<A, never, E>
): Effect.Effect<CheckResult.CheckResult<A>, E> =>
  Effect.delay(Effect.isEffect(answer) ? answer : Effect.succeed(answer), duration)

/** Everything that a wait tells, with the delays of its sleeps. */
const eventsOf = <A, E>(check: Effect.Effect<CheckResult.CheckResult<A>, E>, options: Poll.Options<E>) =>
  Effect.map(runFor(Stream.runCollect(Poll.events(check, options)), "1 hour"), ({ exit }) => {
    assert(exit !== "running" && Exit.isSuccess(exit))
    return exit.value
  })

const sleeps = (events: ReadonlyArray<PollEvent<unknown, unknown, unknown>>) =>
  events.flatMap((event) =>
    event._tag === "Waiting"
      ? [`${event.reason} ${Duration.toMillis(event.delay)} ${event.gateReason ?? ""}`.trim()]
      : []
  )

/** The error that a wait ended with. */
const failure = <A, E>(wait: Effect.Effect<A, E>) =>
  Effect.map(runFor(wait, "1 hour"), ({ exit }) => {
    assert(exit !== "running")
    const error = Exit.findErrorOption(exit)
    assert(error._tag === "Some")
    return error.value
  })

const render = (...answers: ReadonlyArray<Answer<string, never, string>>) => {
  const { check, checks } = scripted<string, never, string>(...answers)
  return { job: Job.make("render", { check: () => check }), checks }
}

describe("the last check", () => {
  it.effect("R5 is placed by the longest of the last three checks, not by the newest", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(slow("3 seconds", pending), pending, pending, pending)
      yield* runFor(Poll.until(check, { strategy: Strategy.spaced("1 second"), deadline: "8500 millis" }), "1 hour")
      assert.deepStrictEqual(checks, [0, 4000, 5000, 5500])
    })
  )

  it.effect("R5 one that is woken before it is due is not the last", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(pending)
      const handle = yield* Poll.start(check, { strategy: every10s, deadline: "5 seconds" })
      yield* TestClock.adjust("1 second")
      yield* handle.checkNow()
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(checks, [0, 1000, 5000])
    })
  )

  it.effect("R4 one that hangs at the deadline itself ends there", () =>
    Effect.gen(function* () {
      const { check } = scripted(pending, Effect.never)
      const { at, exit } = yield* runFor(Poll.until(check, { strategy: every10s, deadline: "5 seconds" }), "1 hour")
      assert.deepStrictEqual([ending(exit), at], ["PollTimeout deadline", 5000])
    })
  )

  it.effect("is not retried", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted<string, never, string>(pending, Effect.fail("reset"), done)
      const options = { strategy: every10s, deadline: "5 seconds", checkErrors: { retry: every2s } } as const
      const { exit } = yield* runFor(Poll.until(check, options), "1 hour")
      assert.deepStrictEqual([ending(exit), checks], ["PollTimeout deadline", [0, 5000]])
    })
  )

  it.effect("another follows if it was woken meanwhile", () =>
    Effect.gen(function* () {
      const second = slow("1 second", pending)
      const { check, checks } = scripted<string>(second, second, second, done)
      const handle = yield* Poll.start(check, { strategy: Strategy.spaced("3 seconds"), deadline: "7 seconds" })
      yield* TestClock.adjust("6500 millis")
      yield* handle.checkNow()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(checks, [0, 4000, 6000, 7000])
      assert.strictEqual(yield* handle.await, "done")
    })
  )
})

describe("what is told", () => {
  it.effect("how long a sleep takes, and why", () =>
    Effect.gen(function* () {
      const { check } = scripted<string, never, string>(
        pending,
        Effect.fail("a"),
        CheckResult.withHint(pending, "7 seconds"),
        pending,
        done
      )
      const events = yield* eventsOf(check, { strategy: every2s, deadline: "12 seconds" })
      assert.deepStrictEqual(sleeps(events), ["strategy 2000", "checkError 1000", "serverHint 7000", "strategy 2000"])
    })
  )

  it.effect("a gate's words only while the gate is why", () =>
    Effect.gen(function* () {
      let asked = 0
      const gate = Gate.make(() =>
        Effect.sync(() => (asked++ === 0 ? Gate.postponed("3 seconds", "offline") : Gate.open))
      )
      const { check } = scripted<string>(pending, done)
      const events = yield* eventsOf(check, { strategy: every2s, deadline: "1 minute", gate })
      assert.deepStrictEqual(sleeps(events), ["gate 3000 offline", "strategy 2000"])
    })
  )

  it.effect("a pause, with the time until the deadline", () =>
    Effect.gen(function* () {
      const { check } = scripted<string>(pending)
      const handle = yield* Poll.start(check, { strategy: every2s, deadline: "10 seconds" })
      const events = yield* Effect.forkChild(Stream.runCollect(handle.events), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* handle.pause
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(sleeps(yield* Fiber.join(events)), ["paused 9000"])
    })
  )

  it.effect("nothing when a wake cannot come earlier than what is due", () =>
    Effect.gen(function* () {
      const { check } = scripted<string>(CheckResult.withHint(pending, "8 seconds"), done)
      const handle = yield* Poll.start(check, { strategy: every2s, deadline: "1 minute" })
      const events = yield* Effect.forkChild(Stream.runCollect(handle.events), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      yield* handle.checkNow()
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(sleeps(yield* Fiber.join(events)), [])
    })
  )

  it.effect("a change of the state, and of the detail", () =>
    Effect.gen(function* () {
      const { check } = scripted<string>(
        Status.pending({ state: "A" }),
        Status.pending({ state: "B" }),
        Status.pending({ state: "B", detail: 1 }),
        Status.pending({ state: "B", detail: 1 }),
        done
      )
      const events = yield* eventsOf(check, { strategy: every2s, deadline: "1 minute" })
      const tags = events.flatMap((event) => (event._tag === "Waiting" ? [] : [event._tag]))
      assert.deepStrictEqual(tags, ["Changed", "Changed", "Changed", "Unchanged", "Changed", "Ended"])
    })
  )

  it.effect("R26 each stall once: anew after a change", () =>
    Effect.gen(function* () {
      const a = Status.pending({ state: "A" })
      const b = Status.pending({ state: "B" })
      const { check } = scripted<string>(a, a, a, a, b, b, b, b, done)
      const stall = { after: "3 seconds", onStall: "report" } as const
      const events = yield* eventsOf(check, { strategy: every2s, deadline: "1 minute", stall })
      const stalls = events.flatMap((event) => (event._tag === "Stalled" ? [event.attempt] : []))
      assert.deepStrictEqual(stalls, [3, 7])
    })
  )

  it.effect("each retry within a check, and which check it belongs to", () =>
    Effect.gen(function* () {
      const no = Effect.fail("no")
      const { check } = scripted<string, never, string>(no, pending, no, no, no, done)
      const checkErrors = { retry: Strategy.maxRecurrences(Strategy.spaced("1 second"), 1) }
      const events = yield* eventsOf(check, { strategy: every2s, deadline: "1 minute", checkErrors })
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

  it.effect("the history is bounded, and keeps the newest", () =>
    Effect.gen(function* () {
      let n = 0
      const check = Effect.sync(() => Status.pending({ state: `S${++n}` }))
      const error = yield* failure(
        Poll.until(check, { strategy: Strategy.maxAttempts(every2s, 100), deadline: "1 hour" })
      )
      assert(error._tag === "PollTimeout")
      assert.deepStrictEqual([error.history.length, error.history.at(-1)!.result], [32, "Pending S100"])
    })
  )
})

describe("a check that does not say pending", () => {
  it.effect("R16 missing checks are in the history", () =>
    Effect.gen(function* () {
      const error = yield* failure(Poll.until(Effect.succeed(CheckResult.missing), { deadline: "1 minute" }))
      assert(error._tag === "JobNotFound")
      assert.deepStrictEqual(error.history, [{ result: "Missing", checks: 1, firstMillis: 0, lastMillis: 0 }])
    })
  )

  it.effect("R2 an unknown state that fails is in the history", () =>
    Effect.gen(function* () {
      const error = yield* failure(
        Poll.until(Effect.succeed(CheckResult.unknownState("PAUSED")), { deadline: "1 minute" })
      )
      assert(error._tag === "UnknownState")
      assert.deepStrictEqual(error.history, [
        { result: "UnknownState PAUSED", checks: 1, firstMillis: 0, lastMillis: 0 }
      ])
    })
  )

  it.effect("R2 an unknown state that stands for a status is its state, one that is pending keeps the detail", () =>
    Effect.gen(function* () {
      const treated = Poll.until(Effect.succeed(CheckResult.unknownState("STOPPED")), {
        deadline: "1 minute",
        unknownState: { treatAs: () => Status.canceled() }
      })
      const error = yield* failure(treated)
      assert.deepStrictEqual(error.lastStatus, Status.canceled({ state: "STOPPED" }))
      const { check } = scripted<string>(Status.pending({ detail: 7 }), CheckResult.unknownState("PAUSED"))
      const handle = yield* Poll.start(check, { strategy: every2s, deadline: "1 minute", unknownState: "continue" })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(yield* handle.status, Status.pending({ state: "PAUSED", detail: 7 }))
    })
  )

  it.effect("R2 so long means: that long is borne", () =>
    Effect.gen(function* () {
      const { check } = scripted<string>(
        CheckResult.unknownState("A"),
        CheckResult.unknownState("A"),
        CheckResult.unknownState("A"),
        done
      )
      const options = { strategy: every2s, deadline: "1 minute", unknownState: { for: "4 seconds" } } as const
      assert.strictEqual(ending((yield* runFor(Poll.until(check, options), "1 hour")).exit), "done")
    })
  )

  it.effect("R28 a run that is no number is none of a numbered one", () =>
    Effect.gen(function* () {
      const { check } = scripted<string>(
        CheckResult.withRun(Status.succeeded("old"), { run: "x" }),
        CheckResult.withRun(done, { generation: 8 })
      )
      const { exit } = yield* runFor(
        Poll.until(check, { strategy: every2s, deadline: "1 minute", since: { generation: 7 } }),
        "1 hour"
      )
      assert.strictEqual(ending(exit), "done")
    })
  )
})

describe("a check that fails", () => {
  it.effect("is a defect where there is one among its failures", () =>
    Effect.gen(function* () {
      const cause: Cause.Cause<never> = Cause.combine(Cause.fail("x"), Cause.die("bug")) as never
      const { exit } = yield* runFor(Poll.until(Effect.failCause(cause), { deadline: "1 minute" }), "1 minute")
      assert.deepStrictEqual(exit, Exit.failCause(cause))
    })
  )

  it.effect("R7 a check that timed out is transient, whatever the classifier says", () =>
    Effect.gen(function* () {
      const { check } = scripted<string, never, string>(Effect.never, done)
      const options = {
        deadline: "1 minute",
        checkTimeout: "3 seconds",
        checkErrors: { kindOf: () => CheckError.permanent() }
      } as const
      assert.strictEqual(ending((yield* runFor(Poll.until(check, options), "1 hour")).exit), "done")
    })
  )

  it.effect("R3 skipCheck starts the count in a row anew", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted<never, never, string>(Effect.fail("x"))
      const checkErrors = { maxConsecutive: 1, schedule: Strategy.spaced("1 second"), onExhausted: "skip" } as const
      yield* runFor(Poll.until(check, { strategy: every10s, deadline: "30 seconds", checkErrors }), "1 hour")
      assert.deepStrictEqual(checks, [0, 1000, 11_000, 12_000, 22_000, 23_000, 30_000])
    })
  )

  it.effect("R3 a check-error schedule that ends uses the budget up", () =>
    Effect.gen(function* () {
      const checkErrors = {
        maxConsecutive: "unbounded",
        schedule: Strategy.maxRecurrences(Strategy.spaced("1 second"), 2)
      } as const
      const error = yield* failure(Poll.until(Effect.fail("x"), { deadline: "1 minute", checkErrors }))
      assert(error._tag === "CheckErrorsExhausted")
      assert.deepStrictEqual([error.budget, error.errors, error.attempts], ["maxConsecutive", 3, 3])
    })
  )

  it.effect("R2 is never followed without a pause", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted<never, never, string>(Effect.fail("x"))
      yield* runFor(
        Poll.until(check, { deadline: "1 minute", checkErrors: { maxConsecutive: 2, schedule: Schedule.forever } }),
        10
      )
      assert.deepStrictEqual(checks, [0, 1, 2])
    })
  )

  it.effect("R21 the late answer of an uninterruptible check that was given up changes nothing", () =>
    Effect.gen(function* () {
      const stale = Effect.uninterruptible(slow<string>("5 seconds", Status.succeeded("stale")))
      const { check } = scripted<string>(stale, slow("3 seconds", done))
      const options = { strategy: every2s, deadline: "1 minute", checkTimeout: "3500 millis" } as const
      const { at, exit } = yield* runFor(Poll.until(check, options), "1 hour")
      assert.deepStrictEqual([ending(exit), at], ["done", 7500])
    })
  )
})

describe("schedules", () => {
  it.effect("an endless delay of a foreign schedule is a day", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(pending)
      yield* runFor(
        Poll.until(check, { strategy: Schedule.spaced(Duration.infinity), deadline: "unbounded" }),
        "2 days"
      )
      assert.deepStrictEqual(checks, [0, 86_400_000, 2 * 86_400_000])
    })
  )

  it.effect("a defect of a foreign schedule ends the wait", () =>
    Effect.gen(function* () {
      const strategy = Schedule.addDelay(Schedule.forever, () => Effect.die("bug"))
      const { exit } = yield* runFor(Poll.until(Effect.succeed(pending), { strategy, deadline: "unbounded" }), "1 hour")
      assert.deepStrictEqual(exit, Exit.die("bug"))
    })
  )

  it.effect("a decision sees the time since the first of them", () =>
    Effect.gen(function* () {
      const seen: Array<readonly [number, number]> = []
      const strategy = Strategy.make({
        firstWait: "5 seconds",
        maxAttempts: 4,
        decide: (step, elapsed) => (seen.push([step, elapsed]), 2000)
      })
      yield* runFor(Poll.until(Effect.succeed(pending), { strategy, deadline: "1 minute" }), "1 hour")
      assert.deepStrictEqual(seen, [
        [1, 0],
        [2, 2000],
        [3, 4000]
      ])
    })
  )
})

describe("gate", () => {
  it.effect("a wake does not ask a gate before its time, a forced one does", () =>
    Effect.gen(function* () {
      let asked = 0
      const gate = Gate.make(() => Effect.sync(() => (asked++ === 0 ? Gate.postponed("1 hour", "offline") : Gate.open)))
      const { check, checks } = scripted(pending)
      const handle = yield* Poll.start(check, { strategy: every2s, deadline: "3 hours", gate })
      yield* handle.checkNow()
      assert.deepStrictEqual([asked, checks.length], [1, 0])
      yield* handle.checkNow({ force: true })
      assert.strictEqual(checks.length, 1)
    })
  )

  it.effect("a defect of the gate ends the wait", () =>
    Effect.gen(function* () {
      const gate = Gate.make(() => Effect.die("bug"))
      const { exit } = yield* runFor(Poll.until(Effect.succeed(done), { deadline: "1 minute", gate }), "1 minute")
      assert.deepStrictEqual(exit, Exit.die("bug"))
    })
  )
})

describe("pause", () => {
  it.effect("leaves a check under way alone, and so does resume", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const slowCheck = Effect.onInterrupt(slow("4 seconds", pending), () => Effect.sync(() => void interrupted++))
      const { check, checks } = scripted(slowCheck)
      const handle = yield* Poll.start(check, { strategy: every10s, deadline: "1 minute" })
      yield* TestClock.adjust("1 second")
      yield* handle.pause
      yield* handle.unpause
      yield* TestClock.adjust("1 second")
      yield* handle.pause
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual([interrupted, checks, yield* handle.status], [0, [0], pending])
    })
  )

  it.effect("is over when the job was asked to stop", () =>
    Effect.gen(function* () {
      const { check } = scripted<string>(pending, pending, Status.canceled())
      const job = Job.make("render", { check: () => check, cancel: () => Effect.void })
      const handle = yield* Poll.start(job, "a", {
        strategy: every2s,
        deadline: "10 seconds",
        onTimeout: "cancelRemote"
      })
      yield* handle.pause
      assert.strictEqual(ending((yield* runFor(handle.await, "1 hour")).exit), "JobCanceled")
    })
  )
})

describe("interruption", () => {
  it.effect("R10 leaves the remote job alone by default", () =>
    Effect.gen(function* () {
      let asked = 0
      const job = Job.make("render", {
        check: () => Effect.succeed(pending),
        cancel: () => Effect.sync(() => void asked++)
      })
      const fiber = yield* Effect.forkChild(Poll.until(job, "a", { strategy: every2s, deadline: "1 minute" }))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(asked, 0)
    })
  )

  it.effect("waits until the observers were told", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const slowly = Observer.make(({ event }) =>
        Effect.delay(
          Effect.sync(() => told.push(event._tag)),
          "1 second"
        )
      )
      const wait = Poll.until(Effect.succeed(pending), { strategy: every10s, deadline: "1 hour", observers: [slowly] })
      const fiber = yield* Effect.forkChild(wait)
      yield* TestClock.adjust("5 seconds")
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      assert.isUndefined(interrupting.pollUnsafe())
      yield* TestClock.adjust("1 second")
      assert.isDefined(interrupting.pollUnsafe())
      assert.deepStrictEqual(told, ["Started", "Changed", "Waiting", "Ended"])
    })
  )

  it.effect("of a scope after the end tells no second end", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const observer = Observer.make(({ event }) => Effect.sync(() => void told.push(event._tag)))
      const scope = yield* Scope.make()
      yield* Scope.provide(Poll.start(Effect.succeed(done), { deadline: "1 minute", observers: [observer] }), scope)
      yield* TestClock.adjust("1 second")
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(told, ["Started", "Changed", "Ended"])
    })
  )
})

describe("tokens", () => {
  const late = (some: Partial<ResumeToken>) => token({ deadlineAt: 100_000, ...some })

  it.effect("R22 hold how far the wait is", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const at = 3_600_000
      const no = Effect.fail("no")
      const { job } = render(no, pending, no, no, slow("1 hour", pending))
      const handle = yield* Poll.start(job, "a", {
        strategy: Strategy.maxDuration(every2s, "10 minutes"),
        deadline: "1 hour",
        since: { generation: 7 },
        checkTimeout: "unbounded"
      })
      yield* TestClock.adjust("4 seconds")
      const {
        attempts,
        boundedBy,
        deadlineAt,
        dueAt,
        totalErrors,
        consecutiveErrors,
        since,
        strategyStartedAt,
        strategySteps
      } = yield* handle.token
      assert.deepStrictEqual([attempts, since, boundedBy, deadlineAt], [4, { generation: 7 }, "strategy", at + 600_000])
      assert.deepStrictEqual([consecutiveErrors, totalErrors], [2, 3])
      assert.deepStrictEqual([strategySteps, strategyStartedAt, dueAt], [1, at + 1000, at + 6000])
      yield* TestClock.adjust("1 second")
      yield* handle.checkNow()
      assert.strictEqual((yield* handle.token).dueAt, at + 5000)
    })
  )

  it.effect("R22 hold the floor, as a wall-clock time", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const { job } = render(CheckResult.withHint(pending, "30 seconds"))
      const handle = yield* Poll.start(job, "a", { deadline: "1 minute" })
      assert.strictEqual((yield* handle.token).floorAt, 3_630_000)
    })
  )

  it.effect("R22 resume keeps the floor even where less is due", () =>
    Effect.gen(function* () {
      const { job, checks } = render(done)
      yield* runFor(Poll.resume(job, late({ floorAt: 5000 })), "1 hour")
      assert.deepStrictEqual(checks, [5000])
    })
  )

  it.effect("R23 resume keeps the budgets of errors", () =>
    Effect.gen(function* () {
      const run = (some: Partial<ResumeToken>, checkErrors: Job.CheckErrorPolicy<string>) =>
        failure(Poll.resume(render(Effect.fail("no")).job, late(some), { checkErrors }))
      const maxConsecutive = yield* run({ consecutiveErrors: 2 }, { maxConsecutive: 2 })
      const maxTotal = yield* run({ totalErrors: 5 }, { maxTotal: 5 })
      assert(maxConsecutive._tag === "CheckErrorsExhausted" && maxTotal._tag === "CheckErrorsExhausted")
      assert.deepStrictEqual(
        [maxConsecutive.budget, maxConsecutive.attempts, maxTotal.budget, maxTotal.attempts],
        ["maxConsecutive", 2, "maxTotal", 2]
      )
    })
  )

  it.effect("R23 resume keeps what bounds it, and the strategy's own time", () =>
    Effect.gen(function* () {
      const seen: Array<readonly [number, number]> = []
      const strategy = Strategy.make({ decide: (step, elapsed) => (seen.push([step, elapsed]), 60_000) })
      const stored = late({ strategySteps: 3, strategyStartedAt: 1000, boundedBy: "strategy", deadlineAt: 30_000 })
      yield* TestClock.adjust("20 seconds")
      const error = yield* failure(Poll.resume(render(pending).job, stored, { strategy }))
      assert(error._tag === "PollTimeout")
      assert.deepStrictEqual([error.reason, seen], ["strategy", [[4, 19_000]]])
    })
  )

  it.effect("a foreign schedule starts anew", () =>
    Effect.gen(function* () {
      const { job, checks } = render(pending)
      const strategy = Schedule.exponential("1 second")
      yield* runFor(Poll.resume(job, late({ strategySteps: 3, deadlineAt: 5000 }), { strategy }), "1 hour")
      assert.deepStrictEqual(checks, [0, 1000, 3000, 5000])
      const recurs = yield* failure(
        Poll.resume(render(pending).job, late({ strategySteps: 3, deadlineAt: "unbounded" }), {
          strategy: Schedule.recurs(1)
        })
      )
      assert.strictEqual(recurs._tag, "PollTimeout")
    })
  )

  it.effect("a resumed wait says that it waits for its strategy", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const observer = Observer.make(({ event }) =>
        Effect.sync(() => void (event._tag === "Waiting" && told.push(event.reason)))
      )
      yield* runFor(Poll.resume(render(done).job, late({ dueAt: 5000 }), { observers: [observer] }), "1 hour")
      assert.deepStrictEqual(told, ["strategy"])
    })
  )

  it.effect("after its deadline the one check has a slow gate's time and its own timeout", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const gate = Gate.make(() => Effect.delay(Effect.succeed(Gate.open), "1 second"))
      const { exit } = yield* runFor(Poll.resume(render(done).job, late({}), { gate }), "1 hour")
      assert.strictEqual(ending(exit), "done")
      const error = yield* failure(Poll.resume(render(Effect.never).job, late({}), { checkTimeout: "5 seconds" }))
      assert(error._tag === "PollTimeout")
      assert.instanceOf(error.lastCheckError, PollError.CheckTimeout)
    })
  )

  it.effect("where limit and deadline are the same, it is the deadline", () =>
    Effect.gen(function* () {
      const strategy = Strategy.maxDuration(every2s, "5 seconds")
      const { exit } = yield* runFor(Poll.until(Effect.succeed(pending), { strategy, deadline: "5 seconds" }), "1 hour")
      assert.strictEqual(ending(exit), "PollTimeout deadline")
    })
  )

  it.effect("R12 floorAt is a wall-clock time", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const wait = Poll.until(Effect.succeed(CheckResult.withHint(pending, "1 minute")), { deadline: "5 seconds" })
      const error = yield* failure(wait)
      assert(error._tag === "PollTimeout")
      assert.strictEqual(error.floorAt, 3_660_000)
    })
  )
})

describe("PollDefaults", () => {
  it.effect("observers are told beside those of the wait; budgets and timeouts hold", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const named = (name: string) =>
        Observer.make(({ event }) => Effect.sync(() => void (event._tag === "Ended" && told.push(name))))
      const layer = PollDefaults.layer({
        observers: [named("all")],
        checkErrors: { maxTotal: 1 },
        checkTimeout: "2 seconds"
      })
      const wait = Poll.until(Effect.never, { deadline: "1 minute", observers: [named("own")] })
      const { at, exit } = yield* runFor(Effect.provide(wait, layer), "1 hour")
      assert.deepStrictEqual([ending(exit), at, told], ["CheckErrorsExhausted", 5000, ["all", "own"]])
    })
  )
})

describe("what PollDefaults reach", () => {
  it.effect("strategy, maxHint and cancelTimeout hold", () =>
    Effect.gen(function* () {
      const layer = PollDefaults.layer({ strategy: every10s, maxHint: "12 seconds", cancelTimeout: "3 seconds" })
      const { check, checks } = scripted(pending, CheckResult.withHint(pending, "1 minute"), pending)
      const job = Job.make("render", { check: () => check, cancel: () => Effect.void })
      const wait = Poll.until(job, "a", { deadline: "30 seconds", onTimeout: "cancelRemote" })
      const { at, exit } = yield* runFor(Effect.provide(wait, layer), "1 hour")
      assert.deepStrictEqual([ending(exit), at], ["PollTimeout deadline", 33_000])
      assert.deepStrictEqual(checks.slice(0, 3), [0, 10_000, 22_000])
    })
  )
})

describe("the timeout that stands after a cancel", () => {
  it.effect("R6 says what was seen until then", () =>
    Effect.gen(function* () {
      const job = Job.make("render", { check: () => Effect.succeed(pending), cancel: () => Effect.void })
      const options = { strategy: every2s, deadline: "10 seconds", onTimeout: "cancelRemote" } as const
      const error = yield* failure(Poll.until(job, "a", options))
      assert(error._tag === "PollTimeout")
      assert.deepStrictEqual(error.history, [{ result: "Pending", checks: 6, firstMillis: 0, lastMillis: 10_000 }])
    })
  )
})

describe("Strategy", () => {
  const fixed = Strategy.spaced(1000)
  const seen = { key: "", attempt: 1, elapsedMillis: 0, remainingMillis: 10_000, sinceChangeMillis: 0, status: pending }

  it("attempts and limit - the smaller one counts, whatever the order", () => {
    const attempts = (a: number, b: number) =>
      Strategy.delaysMillis(fixed.pipe(Strategy.maxAttempts(a), Strategy.maxAttempts(b)), 9).length
    const limit = (a: number, b: number) =>
      Strategy.delaysMillis(fixed.pipe(Strategy.maxDuration(a), Strategy.maxDuration(b)), 9).length
    assert.deepStrictEqual([attempts(2, 4), attempts(4, 2), limit(2000, 4000), limit(4000, 2000)], [1, 1, 2, 2])
  })

  it("jittered - never lengthens a delay to its atLeast", () =>
    assert.deepStrictEqual(Strategy.delaysMillis(Strategy.jittered(fixed, { atLeast: "3 seconds" }), 1), [1000]))

  it("exponential - an initial above an hour stays what it is", () =>
    assert.deepStrictEqual(
      Strategy.delaysMillis(Strategy.exponential({ initial: "2 hours" }), 2),
      [7_200_000, 7_200_000]
    ))

  it("delays - the time of a decision counts without the first wait, that of the observation with it", () => {
    const times: Array<readonly [number, number]> = []
    const strategy = Strategy.make({
      firstWait: 5000,
      decide: (_step, elapsed, observation) => (times.push([elapsed, observation.elapsedMillis]), 1000)
    })
    Strategy.delaysMillis(strategy, 2)
    Strategy.explain(strategy, { elapsedMillis: 7000 })
    assert.deepStrictEqual(times.slice(0, 3), [
      [0, 5000],
      [1000, 6000],
      [2000, 7000]
    ])
  })

  it("explain - knows the limit, and never checks in the past", () => {
    const limited = Strategy.explain(Strategy.maxDuration(Strategy.spaced(5000), 4000), { checkDuration: 1000 })
    assert.deepStrictEqual([limited.delayMillis, limited.reason], [3000, "lastCheck"])
    const late = Strategy.explain(fixed, { remainingMillis: 1000, checkDuration: 5000 })
    assert.deepStrictEqual([late.delayMillis, late.reason], [0, "lastCheck"])
    assert.strictEqual(Strategy.explain(fixed, { remainingMillis: 1000 }).reason, "strategy")
  })

  it("skipNearDeadline - a check as far from the deadline as the margin is left out too", () => {
    const decided = (strategy: Strategy.Strategy, remaining: number) =>
      Strategy.explain(strategy, { ...seen, remainingMillis: remaining }).strategyMillis
    const clear = Strategy.skipNearDeadline(fixed, 500)
    assert.deepStrictEqual([decided(clear, 1501), decided(clear, 1500), decided(clear, -5)], [1000, 1500, 0])
    const scaled = Strategy.scale(clear, 0.1)
    assert.deepStrictEqual([decided(scaled, 151), decided(scaled, 150)], [100, 150])
  })

  it("scale - hides itself from all that a decision sees, and scales the least of a jitter", () => {
    let got: ReadonlyArray<number> = []
    const spy = Strategy.make({
      decide: (_step, elapsed, { remainingMillis: remaining, sinceChangeMillis: sinceChange }) => (
        (got = [elapsed, remaining, sinceChange]),
        10_000
      )
    })
    const strategy = spy.pipe(Strategy.jittered({ atLeast: 4000 }), Strategy.scale(0.1))
    const { delayMillis: delay } = Strategy.explain(strategy, {
      ...seen,
      elapsedMillis: 200,
      remainingMillis: 5000,
      sinceChangeMillis: 300,
      random: () => 0
    })
    assert.deepStrictEqual([got, delay], [[2000, 50_000, 3000], 400])
  })

  it.effect("the Schedule view yields its delay, and its last one when it ends", () =>
    Effect.gen(function* () {
      let attempt = 0
      const check = Effect.sync(() => ({ ...seen, attempt: ++attempt }))
      const repeated = Effect.repeat(check, Strategy.maxAttempts(Strategy.linear({ increment: 1000 }), 3))
      const { exit } = yield* runFor(repeated, "1 hour")
      assert(exit !== "running" && Exit.isSuccess(exit))
      assert.strictEqual(Duration.toMillis(exit.value), 2000)
      const none = yield* Effect.repeat(Effect.succeed(seen), Strategy.maxAttempts(fixed, 1))
      assert.strictEqual(Duration.toMillis(none), 0)
    })
  )
})
