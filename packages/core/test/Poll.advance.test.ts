import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import { ending } from "./support/runs.ts"

type Answer = Effect.Effect<CheckResult.CheckResult<string, string>, string>

const pending: Answer = Effect.succeed(Status.pending({ state: "RUNNING" }))
const done: Answer = Effect.succeed(Status.succeeded("a.png"))

/** A job whose checks have these answers, the last one over and over, and the times at which they began. */
const scripted = (
  answers: ReadonlyArray<Answer>,
  more: Partial<Job.Options<string, string, string, string, never>> = {}
) => {
  const at: Array<number> = []
  const job = Job.make<string, string, string>("render", {
    ...more,
    check: () =>
      Effect.flatMap(Clock.currentTimeMillis, (now) => {
        at.push(now)
        return answers[Math.min(at.length, answers.length) - 1]!
      })
  })
  return { job, at }
}

const options = { deadline: "1 minute", strategy: Strategy.spaced("10 seconds") } as const

type AnyJob = Job.Watchable<string, string, string, string>
type Pending = Extract<Poll.Advanced<string, string>, { readonly _tag: "Pending" }>

/** Runs a call, while the clock moves on for as long as the call needs. */
const call = (job: AnyJob, of: string | ResumeToken.ResumeToken, more: Poll.AdvanceOptions<string> = options) =>
  Poll.advance(job, of, more)

const pendingCall = (job: AnyJob, of: string | ResumeToken.ResumeToken, more: Poll.AdvanceOptions<string> = options) =>
  Effect.map(call(job, of, more), (found): Pending => {
    assert(found._tag === "Pending", found._tag)
    return found
  })

const endOf = (found: Poll.Advanced<string, string, string>) =>
  found._tag === "Ended" ? ending(found.exit) : `Pending until ${found.dueAt}`

/** Calls at each `dueAt`, with tokens as JSON: how the wait ended, when, and how many calls that took. */
const loop = (job: AnyJob, more: Poll.AdvanceOptions<string> = options) =>
  Effect.gen(function* () {
    const run = Effect.gen(function* () {
      let of: string | ResumeToken.ResumeToken = "a"
      for (let calls = 1; ; calls++) {
        const found: Poll.Advanced<string, string, string> = yield* call(job, of, more)
        const now = yield* Clock.currentTimeMillis
        if (found._tag === "Ended") return { end: ending(found.exit), at: now, calls }
        of = yield* ResumeToken.fromJson(ResumeToken.toJson(found.token))
        yield* Effect.sleep(Math.max(0, found.dueAt - now))
      }
    })
    const fiber = yield* Effect.forkChild(run)
    yield* TestClock.adjust("2 hours")
    return yield* Fiber.join(fiber)
  })

describe("Poll.advance", () => {
  it.effect("a call with a key - checks at once and says when to call again [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([pending, done])
      const first = yield* pendingCall(job, "a")
      assert.deepStrictEqual(
        [first.status, first.dueAt, first.attempts],
        [Status.pending({ state: "RUNNING" }), 10_000, 1]
      )
      yield* TestClock.adjust("10 seconds")
      const second = yield* call(job, first.token)
      assert.strictEqual(endOf(second), "a.png")
      assert.deepStrictEqual(at, [0, 10_000])
    })
  )

  it.effect("a job with a push - misses none that nobody listened to [R67]", () =>
    Effect.gen(function* () {
      const tags: Array<string> = []
      const observers = [Observer.make(({ event }) => Effect.sync(() => void tags.push(event._tag)))]
      const job = Job.make<string, string, string>("told", { check: () => done, push: () => Stream.make(Told.wake) })
      yield* Poll.advance(job, "a", { deadline: "1 hour", observers })
      assert.deepStrictEqual(tags, ["Started", "Changed", "Ended"])
    })
  )

  it.effect("a first wait - keeps the first call from sending anything [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([done])
      const strategy = Strategy.withFirstWait(Strategy.spaced("10 seconds"), "3 seconds")
      const first = yield* pendingCall(job, "a", { ...options, strategy })
      assert.deepStrictEqual([first.status, first.dueAt, first.attempts, at], [undefined, 3_000, 0, []])
    })
  )

  it.effect("a call before dueAt - sends nothing and yields the same token [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([pending])
      const { dueAt, token } = yield* pendingCall(job, "a")
      for (const step of [0, 1, 9_998]) {
        yield* TestClock.adjust(step)
        const early = yield* pendingCall(job, token)
        assert.strictEqual(early.token, token)
        assert.strictEqual(early.dueAt, dueAt)
        assert.strictEqual(early.status?.state, "RUNNING")
      }
      assert.deepStrictEqual(at, [0])
    })
  )

  it.effect("a token of a clock that is ahead - is due once, however often it is asked [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([pending])
      yield* TestClock.adjust("1 hour")
      const { token } = yield* pendingCall(job, "a")
      yield* TestClock.setTime(0)
      const early = yield* pendingCall(job, token)
      assert.strictEqual(early.dueAt, 10_000)
      yield* TestClock.adjust("5 seconds")
      const again = yield* pendingCall(job, early.token)
      assert.strictEqual(again.dueAt, 10_000)
      yield* TestClock.adjust("5 seconds")
      yield* pendingCall(job, again.token)
      assert.strictEqual(at.length, 2)
    })
  )

  it.effect("the hint of an answer - is kept between calls [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([Effect.succeed(CheckResult.withHint(Status.pending(), "25 seconds")), done])
      assert.deepStrictEqual(yield* loop(job), { end: "a.png", at: 25_000, calls: 2 })
      assert.deepStrictEqual(at, [0, 25_000])
    })
  )

  it.effect("a gate - is asked by the call and can postpone the check to a later one [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([done])
      let asked = 0
      const gate = Gate.make(() => Effect.sync(() => (++asked === 1 ? Gate.postponed("7 seconds", "full") : Gate.open)))
      const first = yield* pendingCall(job, "a", { ...options, gate })
      assert.deepStrictEqual([first.dueAt, at.length, asked], [7_000, 0, 1])
      yield* pendingCall(job, first.token, { ...options, gate })
      assert.strictEqual(asked, 1)
      yield* TestClock.adjust("7 seconds")
      assert.strictEqual(endOf(yield* call(job, first.token, { ...options, gate })), "a.png")
    })
  )

  it.effect("a gate that is closed until after the deadline - ends the wait at the deadline, unasked [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([pending])
      let asked = 0
      const gate = Gate.make(() => Effect.sync(() => (asked++, Gate.postponed("2 minutes", "full"))))
      const ended = yield* loop(job, { ...options, gate })
      assert.deepStrictEqual([ended, asked, at], [{ end: "PollTimeout deadline", at: 60_000, calls: 2 }, 1, []])
    })
  )

  it.effect("a gate that is closed after the deadline - ends the wait in the call that asks it [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([pending])
      const { token } = yield* pendingCall(job, "a")
      yield* TestClock.adjust("2 minutes")
      const gate = Gate.make(() => Effect.succeed(Gate.postponed("1 second", "full")))
      assert.strictEqual(endOf(yield* call(job, token, { ...options, gate })), "PollTimeout deadline")
      assert.deepStrictEqual(at, [0])
    })
  )

  it.effect("a retry - is made by the next call [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([Effect.fail("reset"), Effect.fail("reset"), done])
      const retry = Strategy.maxAttempts(Strategy.spaced("500 millis"), 3)
      const more = { ...options, checkErrors: { retry } }
      const first = yield* pendingCall(job, "a", more)
      assert.deepStrictEqual([first.dueAt, first.attempts, first.lastCheckError], [500, 1, "reset"])
      assert.deepStrictEqual(yield* loop(scripted([Effect.fail("reset"), Effect.fail("reset"), done]).job, more), {
        end: "a.png",
        at: 1_000,
        calls: 3
      })
      assert.deepStrictEqual(at, [0])
    })
  )

  it.effect("failed checks - count against the budget across calls [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([Effect.fail("reset")])
      const more = { ...options, checkErrors: { schedule: Strategy.spaced("1 second"), maxConsecutive: 2 } }
      assert.deepStrictEqual(yield* loop(job, more), { end: "CheckErrorsExhausted", at: 2_000, calls: 3 })
      assert.strictEqual(at.length, 3)
    })
  )

  it.effect("a permanent error - ends the wait in the call that finds it [R67]", () =>
    Effect.gen(function* () {
      const { job } = scripted([Effect.fail("gone")])
      const kindOf = () => CheckError.permanent()
      assert.strictEqual(endOf(yield* call(job, "a", { ...options, checkErrors: { kindOf } })), "CheckRejected")
    })
  )

  it.effect("the check of a fallback - is due at once, in the next call [R67]", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const { at, job } = scripted([Effect.succeed(CheckResult.missing)], {
        missing: {
          fallback: {
            locate: () => "old",
            check: (key: string) => Effect.sync(() => (asked.push(key), Status.succeeded("b.png")))
          }
        }
      })
      const first = yield* pendingCall(job, "a")
      assert.deepStrictEqual([first.dueAt, at.length, asked.length], [0, 1, 0])
      assert.strictEqual(endOf(yield* call(job, first.token)), "b.png")
      assert.deepStrictEqual([at.length, asked], [1, ["old"]])
    })
  )

  it.effect("an end that must hold - is confirmed over calls, and by the other source in a call of its own [R67]", () =>
    Effect.gen(function* () {
      let others = 0
      const { at, job } = scripted([done], {
        confirm: { success: { times: 2 }, check: () => Effect.sync(() => (others++, Status.succeeded("b.png"))) }
      })
      const first = yield* pendingCall(job, "a")
      assert.strictEqual(first.status?._tag, "Succeeded")
      assert.strictEqual((yield* pendingCall(job, first.token)).status, undefined)
      yield* TestClock.adjust("10 seconds")
      const second = yield* pendingCall(job, first.token)
      assert.deepStrictEqual([second.dueAt, at.length, others], [10_000, 2, 0])
      assert.strictEqual(endOf(yield* call(job, second.token)), "b.png")
      assert.deepStrictEqual([at.length, others], [2, 1])
    })
  )

  it.effect("a deadline that passes between two calls - allows one more check [R67]", () =>
    Effect.gen(function* () {
      for (const [last, end] of [
        [pending, "PollTimeout deadline"],
        [done, "a.png"]
      ] as const) {
        const { at, job } = scripted([pending, last])
        const { token } = yield* pendingCall(job, "a")
        yield* TestClock.adjust("1 day")
        assert.strictEqual(endOf(yield* call(job, token)), end)
        assert.strictEqual(at.length, 2)
      }
    })
  )

  it.effect(
    "a check that was due long before the deadline - gets the time it needs, although the call is late [R67]",
    () =>
      Effect.gen(function* () {
        const slow = Effect.delay(pending, "1 second")
        const { at, job } = scripted([slow, Effect.delay(done, "1 second")])
        const first = yield* Effect.forkChild(pendingCall(job, "a"))
        yield* TestClock.adjust("1 second")
        const { token } = yield* Fiber.join(first)
        yield* TestClock.setTime(59_500)
        const late = yield* Effect.forkChild(call(job, token))
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(endOf(yield* Fiber.join(late)), "a.png")
        assert.deepStrictEqual(at, [0, 59_500])
      })
  )

  it.effect("the last check before the deadline - is made when until makes it [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([Effect.delay(pending, "2 seconds")])
      const { end } = yield* loop(job, { ...options, strategy: Strategy.spaced("25 seconds") })
      assert.strictEqual(end, "PollTimeout deadline")
      const started = yield* Clock.currentTimeMillis
      const other = scripted([Effect.delay(pending, "2 seconds")])
      const until = Poll.until(other.job, "a", { ...options, strategy: Strategy.spaced("25 seconds") })
      yield* Effect.forkChild(Effect.exit(until))
      yield* TestClock.adjust("2 hours")
      assert.deepStrictEqual(
        at,
        other.at.map((time) => time - started)
      )
    })
  )

  it.effect(
    "onTimeout cancelRemote - cancels in the call that times out, and checks for the end in later ones [R67]",
    () =>
      Effect.gen(function* () {
        const canceled: Array<number> = []
        const { at, job } = scripted([pending, pending, pending, Effect.succeed(Status.canceled())], {
          cancel: () => Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sync(() => void canceled.push(now)))
        })
        const more = { ...options, deadline: "15 seconds", onTimeout: "cancelRemote" } as const
        const ended = yield* loop(job, more)
        assert.deepStrictEqual(canceled, [15_000])
        assert.deepStrictEqual([ended.end, at.slice(0, 3)], ["JobCanceled", [0, 10_000, 15_000]])
        assert.strictEqual(ended.calls, at.length)
      })
  )

  it.effect("a check that takes too long - is interrupted, and the call ends once its fiber has [R67]", () =>
    Effect.gen(function* () {
      const released: Array<number> = []
      const hung = Effect.onInterrupt(Effect.never, () =>
        Effect.andThen(
          Effect.sleep("3 seconds"),
          Effect.map(Clock.currentTimeMillis, (now) => void released.push(now))
        )
      )
      const { job } = scripted([hung])
      const fiber = yield* Effect.forkChild(
        Effect.zip(pendingCall(job, "a", { ...options, checkTimeout: "5 seconds" }), Clock.currentTimeMillis)
      )
      yield* TestClock.adjust("1 minute")
      const [found, at] = yield* Fiber.join(fiber)
      assert.deepStrictEqual([found.dueAt, at, released], [6_000, 8_000, [8_000]])
      assert.strictEqual((found.lastCheckError as { readonly _tag: string })._tag, "CheckTimeout")
    })
  )

  it.effect("an interrupted call - interrupts its check, and the token that it was given still counts [R67]", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const hung = Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
      const { at, job } = scripted([pending, hung, done])
      const { token } = yield* pendingCall(job, "a")
      yield* TestClock.adjust("10 seconds")
      const fiber = yield* Effect.forkChild(call(job, token))
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      assert.strictEqual(interrupted, 1)
      assert.strictEqual(endOf(yield* call(job, token)), "a.png")
      assert.deepStrictEqual(at, [0, 10_000, 11_000])
    })
  )

  it.effect("two calls with one token - both check, and either can be continued [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([pending, pending, pending, done])
      const { token } = yield* pendingCall(job, "a")
      yield* TestClock.adjust("10 seconds")
      const two = yield* Effect.all([pendingCall(job, token), pendingCall(job, token)], { concurrency: "unbounded" })
      assert.deepStrictEqual(
        two.map(({ attempts, dueAt }) => [attempts, dueAt]),
        [
          [2, 20_000],
          [2, 20_000]
        ]
      )
      assert.strictEqual(at.length, 3)
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(endOf(yield* call(job, two[1].token)), "a.png")
    })
  )

  it.effect("a stall - is judged across calls [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([pending])
      const ended = yield* loop(job, { ...options, stall: { after: "25 seconds" } })
      assert.deepStrictEqual([ended, at.length], [{ end: "JobStalled", at: 30_000, calls: 4 }, 4])
    })
  )

  it.effect("minInterval - spaces the checks of calls, whenever they are made [R67]", () =>
    Effect.gen(function* () {
      const { at, job } = scripted([pending])
      yield* loop(job, { ...options, strategy: Strategy.spaced("1 second"), minInterval: "20 seconds" })
      assert.deepStrictEqual(at.slice(0, 3), [0, 20_000, 40_000])
    })
  )

  it.effect("since and the deadline - are those of the token [R67]", () =>
    Effect.gen(function* () {
      const earlier = Effect.succeed(CheckResult.withRun(Status.succeeded("old.png"), { generation: 1 }))
      const { job } = scripted([earlier])
      const first = yield* pendingCall(job, "a", { ...options, since: { generation: 2 } })
      yield* TestClock.adjust("10 seconds")
      const second = yield* pendingCall(job, first.token, { ...options, deadline: "1 day" })
      assert.strictEqual(second.token.deadlineAt, 60_000)
      assert.strictEqual(second.status?.state, "EARLIER RUN")
    })
  )

  it.effect("the cursor of an answer - is given to the check of the next call [R67]", () =>
    Effect.gen(function* () {
      const cursors: Array<string | undefined> = []
      const job = Job.make<string, string, string>("render", {
        check: (_, { cursor }) =>
          Effect.sync(() => (cursors.push(cursor), CheckResult.withCursor(Status.pending(), "page 2")))
      })
      const { token } = yield* pendingCall(job, "a")
      yield* TestClock.adjust("10 seconds")
      yield* pendingCall(job, token)
      assert.deepStrictEqual(cursors, [undefined, "page 2"])
    })
  )

  it.effect("a defect of the check - is the exit of the wait [R67]", () =>
    Effect.gen(function* () {
      const found = yield* call(scripted([Effect.die("bug")]).job, "a")
      assert(found._tag === "Ended" && Exit.isFailure(found.exit))
      assert.strictEqual(endOf(found), "defect")
    })
  )

  it.effect("observers - receive the start from the first call and the end from the last [R67]", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const observers = [Observer.make(({ event }) => Effect.sync(() => void seen.push(event._tag)))]
      yield* loop(scripted([pending, pending, done]).job, { ...options, observers })
      assert.deepStrictEqual(
        seen.filter((tag) => tag !== "Waiting"),
        ["Started", "Changed", "Unchanged", "Changed", "Ended"]
      )
    })
  )
})

describe("Poll.advance, handlers of actions", () => {
  const asks: Answer = Effect.succeed(Status.pending({ action: { id: "login" } }))

  it.effect("a handler that ends - makes a check due at once, in the next call [R67]", () =>
    Effect.gen(function* () {
      let handled = 0
      const { at, job } = scripted([asks, done], { onAction: () => Effect.sync(() => handled++) })
      const first = yield* pendingCall(job, "a")
      assert.deepStrictEqual([first.dueAt, handled, at.length], [0, 1, 1])
      assert.strictEqual(endOf(yield* call(job, first.token)), "a.png")
      assert.strictEqual(handled, 1)
    })
  )

  it.effect("a handler - runs within the call for at most cancelTimeout, and again in the next one [R67]", () =>
    Effect.gen(function* () {
      let begun = 0
      let interrupted = 0
      const onAction = () =>
        Effect.onInterrupt(
          Effect.andThen(
            Effect.sync(() => begun++),
            Effect.never
          ),
          () => Effect.sync(() => interrupted++)
        )
      const { job } = scripted([asks], { onAction })
      const more = { ...options, cancelTimeout: "4 seconds" } as const
      const fiber = yield* Effect.forkChild(Effect.zip(pendingCall(job, "a", more), Clock.currentTimeMillis))
      yield* TestClock.adjust("5 seconds")
      const [first, at] = yield* Fiber.join(fiber)
      assert.deepStrictEqual([first.dueAt, at, begun, interrupted], [10_000, 4_000, 1, 1])
      yield* TestClock.adjust("5 seconds")
      yield* Effect.forkChild(pendingCall(job, first.token, more))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(begun, 2)
    })
  )

  it.effect("a handler that fails - ends the wait [R67]", () =>
    Effect.gen(function* () {
      const { job } = scripted([asks], { onAction: () => Effect.die("bug") })
      assert.strictEqual(endOf(yield* call(job, "a")), "defect")
    })
  )

  it.effect("another action in each answer - does not cause a hot loop, although each handler ends at once [R67]", () =>
    Effect.gen(function* () {
      let asked = 0
      const next: Answer = Effect.sync(() => Status.pending({ action: { id: `${asked++}` } }))
      const { at, job } = scripted([next], { onAction: () => Effect.void })
      yield* loop(job)
      assert.deepStrictEqual(at.slice(0, 5), [0, 0, 10_000, 10_000, 20_000])
    })
  )
})

describe("Poll.advance, bad input", () => {
  it.effect("a token of another job, version or key - is a ResumeTokenError [R67]", () =>
    Effect.gen(function* () {
      const { job } = scripted([pending])
      const { token } = yield* pendingCall(job, "a")
      const number = Job.make("render", {
        key: { encode: String, decode: decodeNumber },
        check: (_: number) => pending
      })
      const reasons = [
        yield* Effect.flip(Poll.advance(job, { ...token, job: "other" }, options)),
        yield* Effect.flip(Poll.advance(job, { ...token, version: 9 as never }, options)),
        yield* Effect.flip(Poll.advance(number, token, options))
      ].map(({ reason }) => reason)
      assert.deepStrictEqual(reasons, ["job", "version", "malformed"])
    })
  )

  it("a Schedule that Strategy has not made - is a RangeError at the call [R67]", () => {
    const { job } = scripted([pending])
    const foreign = Schedule.spaced("1 second") as never
    const bad: ReadonlyArray<readonly [Poll.AdvanceOptions<string>, RegExp]> = [
      [{ ...options, strategy: foreign }, /Poll\.advance: strategy must be made by Strategy/],
      [{ ...options, checkErrors: { schedule: foreign } }, /checkErrors\.schedule must be made by Strategy/],
      [{ ...options, checkErrors: { retry: foreign } }, /checkErrors\.retry must be made by Strategy/],
      [{ ...options, onInterrupt: "cancelRemote" } as never, /onInterrupt must be "leave"/],
      [{ ...options, onClose: "cancelRemote" } as never, /onClose must be "leave"/],
      [{} as never, /deadline must be/]
    ]
    for (const [some, message] of bad) assert.throws(() => Poll.advance(job, "a", some), message)
    const token = { version: 1, job: "render", key: "a" } as never
    assert.throws(
      () => Poll.advance(job, token, { ...options, strategy: foreign }),
      /strategy must be made by Strategy/
    )
    const own = scripted([pending], { strategy: Schedule.spaced("1 second") }).job
    assert.throws(() => Poll.advance(own, "a", { deadline: "1 minute" }), /strategy must be made by Strategy/)
  })

  it.effect("a Schedule among the defaults that Strategy has not made - is a defect [R67]", () =>
    Effect.gen(function* () {
      const { job } = scripted([pending])
      const exit = yield* Effect.exit(Poll.advance(job, "a", { deadline: "1 minute" })).pipe(
        Effect.provide(PollDefaults.layer({ strategy: Schedule.spaced(Duration.seconds(1)) }))
      )
      assert(Exit.isFailure(exit) && exit.cause.reasons.some(({ _tag }) => _tag === "Die"))
    })
  )
})

const decodeNumber = (text: string): number => {
  const number = Number(text)
  if (Number.isNaN(number)) throw new Error("no number")
  return number
}
