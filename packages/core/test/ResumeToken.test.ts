import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as KeyCodec from "effect-poll/KeyCodec"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, ending, pending, runFor, scripted } from "./scripted.ts"

const strategy = Strategy.linear({ increment: "10 seconds" })

const jobOf = (...answers: ReadonlyArray<Answer<string, never, string>>) => {
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

/** The token of a wait after some time, as another process would read it. */
const tokenAfter = (
  job: Job.Job<string, string, never, string, never, never, unknown>,
  within: Parameters<typeof TestClock.adjust>[0]
) =>
  Effect.scoped(
    Effect.gen(function* () {
      const handle = yield* Poll.start(job, "a", { strategy, deadline: "100 seconds" })
      yield* TestClock.adjust(within)
      return yield* ResumeToken.fromJson(ResumeToken.toJson(yield* handle.token))
    })
  )

describe("Poll.run", () => {
  it.effect("R3 hands the receipt out before the first check, and submits once", () =>
    Effect.gen(function* () {
      const { job, checks, submitted } = jobOf(Effect.fail("reset"), pending, Status.succeeded("done"))
      const receipts: Array<readonly [ResumeToken.ResumeToken, number]> = []
      const { exit } = yield* runFor(
        Poll.run(job, "forest", {
          strategy,
          deadline: "1 minute",
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

  it.effect("R28 takes no end of a run that is older than its receipt's", () =>
    Effect.gen(function* () {
      const { job } = jobOf(
        CheckResult.withRun(Status.succeeded("old"), { generation: 6 }),
        CheckResult.withRun(Status.succeeded("new"), { generation: 7 })
      )
      const { exit } = yield* runFor(Poll.run(job, "forest", { strategy, deadline: "1 minute" }), "1 hour")
      assert.strictEqual(ending(exit), "new")
    })
  )

  it.effect("R3 an interruption between submit and receipt waits until the receipt is stored", () =>
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

  it.effect("R12 the wish of the server in its first answer is the floor of the first check", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted(Status.succeeded("done"))
      const job = Job.make("render", {
        submit: () => Effect.succeed({ key: "a", hint: Duration.seconds(7) }),
        check: () => check
      })
      yield* runFor(Poll.run(job, undefined as never, { deadline: "1 minute" }), "1 hour")
      assert.deepStrictEqual(checks, [7000])
    })
  )

  it.effect("a failed submit is its own typed error, and no check follows", () =>
    Effect.gen(function* () {
      const { job, checks, submitted } = jobOf(pending)
      const { exit } = yield* runFor(Poll.run(job, "bad", { strategy, deadline: "1 minute" }), "1 hour")
      assert.deepStrictEqual(exit, Exit.fail("rejected"))
      assert.deepStrictEqual([checks, submitted], [[], ["bad"]])
    })
  )

  it.effect("a receipt that cannot be stored fails the whole before the first check", () =>
    Effect.gen(function* () {
      const { job, checks } = jobOf(pending)
      const { exit } = yield* runFor(
        Poll.run(job, "forest", { strategy, deadline: "1 minute", onReceipt: () => Effect.fail("disk full") }),
        "1 hour"
      )
      assert.deepStrictEqual([exit, checks], [Exit.fail("disk full"), []])
    })
  )

  it("throws a RangeError for a job without a submit, and for bad options, at the call", () => {
    const job = Job.make("render", { check: () => Effect.succeed(pending) })
    assert.throws(() => Poll.run(job, undefined as never, { deadline: "1 minute" }), RangeError, /render has no submit/)
    assert.throws(() => Poll.run(jobOf(pending).job, "x", { deadline: 0 }), RangeError, /Poll\.run: deadline/)
  })
})

describe("Poll.resume", () => {
  it.effect("R23 goes on in another process with the same deadline, attempts and step", () =>
    Effect.gen(function* () {
      const { job, checks } = jobOf(pending)
      const token = yield* tokenAfter(job, "35 seconds")
      assert.deepStrictEqual(checks, [0, 10_000, 30_000])
      yield* TestClock.adjust("5 seconds")
      const { at, exit } = yield* runFor(Poll.resume(job, token, { strategy }), "1 hour")
      assert.deepStrictEqual(checks, [0, 10_000, 30_000, 60_000, 100_000])
      assert.deepStrictEqual([ending(exit), at], ["PollTimeout deadline", 100_000])
      const error = exit === "running" ? undefined : Exit.findErrorOption(exit)
      assert(error?._tag === "Some" && error.value._tag === "PollTimeout")
      assert.strictEqual(error.value.attempts, 5)
    })
  )

  it.effect("R22 keeps the floor of the server", () =>
    Effect.gen(function* () {
      const { job, checks } = jobOf(CheckResult.withHint(pending, "50 seconds"), Status.succeeded("done"))
      const token = yield* tokenAfter(job, "1 second")
      const { at } = yield* runFor(Poll.resume(job, token, { strategy }), "1 hour")
      assert.deepStrictEqual([at, checks], [50_000, [0, 50_000]])
    })
  )

  it.effect("R22 stays at the fallback", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const { check } = scripted(pending, CheckResult.missing)
      const job = Job.make("render", {
        check: () => check,
        missing: {
          fallback: {
            locate: (key) => `archive/${key}`,
            check: (key) => Effect.sync(() => (asked.push(key) < 2 ? pending : Status.succeeded("kept")))
          }
        }
      })
      const token = yield* tokenAfter(job as never, "15 seconds")
      assert.strictEqual(token.fallbackKey, "archive/a")
      const { exit } = yield* runFor(Poll.resume(job, token, { strategy }), "1 hour")
      assert.deepStrictEqual([ending(exit), asked], ["kept", ["archive/a", "archive/a"]])
    })
  )

  it.effect("after its deadline makes one check, then judges", () =>
    Effect.gen(function* () {
      const one = jobOf(pending, Status.succeeded("done"))
      const token = yield* tokenAfter(one.job, "1 second")
      yield* TestClock.adjust("1 hour")
      assert.strictEqual(ending((yield* runFor(Poll.resume(one.job, token), "1 hour")).exit), "done")
      const other = jobOf(pending)
      const { exit } = yield* runFor(Poll.resume(other.job, token), "1 hour")
      assert.deepStrictEqual([ending(exit), other.checks.length], ["PollTimeout deadline", 1])
    })
  )

  it.effect("after its deadline makes no check where the server still wants its rest", () =>
    Effect.gen(function* () {
      const { job } = jobOf(CheckResult.withHint(pending, "50 minutes"))
      const token = yield* tokenAfter(job, "1 second")
      yield* TestClock.adjust("10 minutes")
      const other = jobOf(Status.succeeded("done"))
      const { exit } = yield* runFor(Poll.resume(other.job, token), "1 hour")
      assert.deepStrictEqual([ending(exit), other.checks], ["PollTimeout deadline", []])
    })
  )

  it.effect("a check under way is due again", () =>
    Effect.gen(function* () {
      const { job } = jobOf(Effect.never, Status.succeeded("done"))
      const token = yield* tokenAfter(job, "5 seconds")
      const { at } = yield* runFor(Poll.resume(job, token), "1 hour")
      assert.strictEqual(at, 5000)
    })
  )

  it.effect("a token of another job, of another version or with another key is a typed error", () =>
    Effect.gen(function* () {
      const { job } = jobOf(pending)
      const token = yield* tokenAfter(job, "1 second")
      const other = Job.make("other", { check: () => Effect.succeed(pending) })
      const keyed = Job.make("render", {
        key: KeyCodec.fromSchema(Schema.FiniteFromString),
        check: (_key: number) => Effect.succeed(pending)
      })
      const reason = (effect: Effect.Effect<unknown, { readonly _tag: string; readonly reason?: string }>) =>
        Effect.map(Effect.flip(effect), (error) => `${error._tag} ${error.reason}`)
      assert.strictEqual(yield* reason(Poll.resume(other, token)), "ResumeTokenError job")
      assert.strictEqual(yield* reason(Poll.resume(job, { ...token, version: 2 as never })), "ResumeTokenError version")
      assert.strictEqual(yield* reason(Poll.resume(keyed, token)), "ResumeTokenError malformed")
    })
  )
})

describe("ResumeToken", () => {
  it.effect("reads what it wrote, and holds no status and no result", () =>
    Effect.gen(function* () {
      const { job } = jobOf(Status.pending({ state: "WORKING", detail: "secret" }))
      const token = yield* tokenAfter(job, "15 seconds")
      assert.notInclude(ResumeToken.toJson(token), "secret")
      assert.deepStrictEqual(yield* ResumeToken.fromUnknown(JSON.parse(ResumeToken.toJson(token))), token)
    })
  )

  it.effect("an unknown version, nonsense and no JSON are typed errors that say so", () =>
    Effect.gen(function* () {
      const message = (json: string) => Effect.map(Effect.flip(ResumeToken.fromJson(json)), (error) => error.message)
      assert.include(yield* message(`{ "version": 2 }`), "version 2 is not supported")
      assert.include(yield* message(`{ "version": 1, "job": "" }`), `["job"]`)
      assert.include(yield* message("{"), "it is not JSON")
    })
  )
})
