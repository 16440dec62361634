import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import { scripted } from "./support/checks.ts"
import { every2s } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"
import { ending, errorOf, runFor } from "./support/runs.ts"

const options = { strategy: every2s, deadline: "1 hour" } as const

type Receipt = Job.Receipt<string, string>

/** A job with this submit; `canceled` records when its job was canceled, `interrupted` how often its submit was. */
const submittable = (submit: Effect.Effect<Receipt, string>) => {
  const { check, checks } = scripted<string>(Status.pending(), Status.succeeded("done"))
  const canceled: Array<number> = []
  let interrupted = 0
  const job = Job.make("render", {
    submit: (_: string) => Effect.onInterrupt(submit, () => Effect.sync(() => void interrupted++)),
    check: () => check,
    cancel: () => Effect.flatMap(Clock.currentTimeMillis, (now) => Effect.sync(() => void canceled.push(now)))
  })
  return { job, checks, canceled, interrupted: () => interrupted }
}

const accepted: Effect.Effect<Receipt> = Effect.succeed({ key: "a" })
const after = (duration: "1 second" | "3 seconds") => Effect.delay(accepted, duration)

describe("Poll.run", () => {
  describe("submit and receipt are bounded [R34]", () => {
    it.effect("submit that hangs - fails with SubmitTimeout after 5 minutes, or after submitTimeout", () =>
      Effect.gen(function* () {
        for (const [bound, at] of [
          [{}, 300_000],
          [{ submitTimeout: "2 seconds" }, 2000]
        ] as const) {
          const { checks, interrupted, job } = submittable(Effect.never)
          const start = yield* Clock.currentTimeMillis
          const ran = yield* runFor(Poll.run(job, "x", { ...options, ...bound }), "1 hour")
          const error = errorOf(ran.exit)
          assert(typeof error === "object" && error._tag === "SubmitTimeout")
          assert.include(error.message, "may have been accepted")
          assert.deepStrictEqual([ran.at - start, checks, interrupted()], [at, [], 1])
        }
      })
    )

    it.effect("submit that cannot be interrupted - does not delay the SubmitTimeout", () =>
      Effect.gen(function* () {
        const { job } = submittable(Effect.uninterruptible(Effect.never))
        const { at, exit } = yield* runFor(Poll.run(job, "x", { ...options, submitTimeout: "2 seconds" }), "1 hour")
        assert.deepStrictEqual([ending(exit), at], ["SubmitTimeout", 2000])
      })
    )

    it.effect("unbounded - waits for the submit and the receipt", () =>
      Effect.gen(function* () {
        const { job } = submittable(Effect.delay(accepted, "10 minutes"))
        const { exit } = yield* runFor(
          Poll.run(job, "x", {
            ...options,
            submitTimeout: "unbounded",
            receiptTimeout: "unbounded",
            onReceipt: () => Effect.sleep("10 minutes")
          }),
          "2 hours"
        )
        assert.strictEqual(ending(exit), "done")
      })
    )

    it.effect("onReceipt that hangs - fails with ReceiptTimeout, whose token resumes the wait", () =>
      Effect.gen(function* () {
        for (const hung of [Effect.never, Effect.uninterruptible(Effect.never)]) {
          const { canceled, checks, job } = submittable(accepted)
          const start = yield* Clock.currentTimeMillis
          const ran = yield* runFor(Poll.run(job, "x", { ...options, onReceipt: () => hung }), "1 minute")
          const error = errorOf(ran.exit)
          assert(typeof error === "object" && error._tag === "ReceiptTimeout")
          assert.deepStrictEqual([ran.at - start, checks, canceled], [10_000, [], []])
          assert.notInclude(JSON.stringify(error), "deadlineAt")
          assert.include(error.message, "was not stored within 10s; the job was accepted, and the token of this error")
          const { exit } = yield* runFor(Poll.resume(job, error.token, { strategy: every2s }), "1 minute")
          assert.strictEqual(ending(exit), "done")
        }
      })
    )

    it.effect("onReceipt that fails - fails with its error, and makes no check", () =>
      Effect.gen(function* () {
        const { canceled, checks, job } = submittable(accepted)
        const { exit } = yield* runFor(
          Poll.run(job, "x", {
            ...options,
            onInterrupt: "cancelRemote",
            onReceipt: () => Effect.fail("full" as const)
          }),
          "1 minute"
        )
        assert.deepStrictEqual([errorOf(exit), checks, canceled], ["full", [], []])
      })
    )

    it.effect("bound out of range - is a RangeError that names the option", () =>
      Effect.sync(() => {
        const { job } = submittable(accepted)
        for (const option of ["submitTimeout", "receiptTimeout"]) {
          assert.throws(() => Poll.run(job, "x", { ...options, [option]: 0 }), RangeError, option)
        }
      })
    )
  })

  describe("interruption [R34]", () => {
    /** Interrupts a run after these milliseconds. */
    const interruptAt = <A, E>(run: Effect.Effect<A, E>, millis: number) =>
      Effect.gen(function* () {
        const fiber = yield* Effect.forkChild(run, { startImmediately: true })
        yield* TestClock.adjust(millis)
        const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
        yield* TestClock.adjust("1 minute")
        assert.isDefined(interrupting.pollUnsafe())
        return yield* Fiber.await(fiber)
      })

    it.effect("during the submit - interrupts it, and nothing is canceled", () =>
      Effect.gen(function* () {
        const { canceled, interrupted, job } = submittable(after("3 seconds"))
        const exit = yield* interruptAt(Poll.run(job, "x", { ...options, onInterrupt: "cancelRemote" }), 1000)
        assert.deepStrictEqual([Exit.hasInterrupts(exit), interrupted(), canceled], [true, 1, []])
      })
    )

    it.effect("as the submit answers - stores the receipt first, then follows onInterrupt", () =>
      Effect.gen(function* () {
        for (const onInterrupt of ["leave", "cancelRemote"] as const) {
          const answer = yield* Deferred.make<Receipt>()
          const { canceled, checks, job } = submittable(Deferred.await(answer))
          const tokens: Array<ResumeToken> = []
          const { notifications, observer } = recordEvents()
          const start = yield* Clock.currentTimeMillis
          const onReceipt = (token: ResumeToken) =>
            Effect.andThen(
              Effect.yieldNow,
              Effect.sync(() => void tokens.push(token))
            )
          const run = Poll.run(job, "x", { ...options, onInterrupt, onReceipt, observers: [observer] })
          const fiber = yield* Effect.forkChild(run, { startImmediately: true })
          yield* TestClock.adjust("1 second")
          yield* Effect.sync(() => {
            Deferred.doneUnsafe(answer, accepted)
            fiber.interruptUnsafe()
          })
          const exit = yield* Fiber.await(fiber)
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(
            [Exit.hasInterrupts(exit), tokens.map(({ key }) => key), canceled.map((at) => at - start), checks],
            [true, ["a"], onInterrupt === "leave" ? [] : [1000], []]
          )
          assert.deepStrictEqual(
            notifications.map(({ event }) => event._tag).filter((tag) => tag !== "Waiting"),
            onInterrupt === "leave" ? ["Started", "Ended"] : ["Started", "CancelRequested", "CancelAnswered", "Ended"]
          )
        }
      })
    )

    it.effect("while the receipt is stored - finishes that, then follows onInterrupt", () =>
      Effect.gen(function* () {
        for (const onInterrupt of ["leave", "cancelRemote"] as const) {
          const { canceled, checks, job } = submittable(accepted)
          const stored: Array<string> = []
          const onReceipt = ({ key }: ResumeToken) =>
            Effect.delay(
              Effect.sync(() => void stored.push(key)),
              "3 seconds"
            )
          const exit = yield* interruptAt(Poll.run(job, "x", { ...options, onInterrupt, onReceipt }), 1000)
          assert.deepStrictEqual(
            [Exit.hasInterrupts(exit), stored, canceled.length, checks],
            [true, ["a"], onInterrupt === "leave" ? 0 : 1, []]
          )
        }
      })
    )

    it.effect("while a receipt hangs - fails with the token after receiptTimeout, and follows onInterrupt", () =>
      Effect.gen(function* () {
        const { canceled, job } = submittable(accepted)
        const run = Poll.run(job, "x", { ...options, onInterrupt: "cancelRemote", onReceipt: () => Effect.never })
        yield* interruptAt(run, 1000)
        assert.deepStrictEqual(canceled, [10_000])
      })
    )

    it.effect("during the wait - follows onInterrupt once", () =>
      Effect.gen(function* () {
        const { canceled, job } = submittable(accepted)
        yield* interruptAt(Poll.run(job, "x", { ...options, onInterrupt: "cancelRemote" }), 1000)
        assert.deepStrictEqual(canceled, [1000])
      })
    )
  })

  it.effect("attached receipt - waits for the job that ran already [R34]", () =>
    Effect.gen(function* () {
      const { job } = submittable(Effect.succeed({ key: "first", attached: true }))
      const receipts: Array<boolean | undefined> = []
      const { exit } = yield* runFor(
        Poll.run(job, "x", {
          ...options,
          onReceipt: ({ key }, { attached }) => Effect.sync(() => void receipts.push(key === "first" && attached))
        }),
        "1 minute"
      )
      assert.deepStrictEqual([ending(exit), receipts], ["done", [true]])
    })
  )
})
