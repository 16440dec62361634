import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { counted, makePage, settled } from "./support/pages.ts"

const options = { deadline: "1 hour" } as const

describe("PollStore", () => {
  it.effect("cancel - runs without a view or on a hidden page until the next answer, then parks", () =>
    Effect.gen(function* () {
      for (const isSeen of [false, true]) {
        const { page, store } = yield* makePage({ hidden: "pause" })
        const server = { checks: 0, canceled: 0 }
        const job = Job.make("stubborn", {
          strategy: Strategy.spaced("2 seconds"),
          check: (_: string) => Effect.sync(() => (server.checks++, Status.pending())),
          cancel: () => Effect.sync(() => void server.canceled++)
        })
        const entry = store.entry(job, "a", options)
        page.set({ hidden: isSeen })
        if (isSeen) entry.subscribe(() => {})
        yield* settled
        yield* Effect.promise(() => entry.cancel())
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(server.canceled, 1)
        assert.isAtMost(server.checks, 3)
        const { checks } = server
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(server.checks, checks)
      }
    })
  )

  it.effect("subscribe - one function twice is two listeners", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      let calls = 0
      const listener = () => void calls++
      const leave = [entry.subscribe(listener), entry.subscribe(listener)]
      leave[0]!()
      leave[0]!()
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(server.checks, 6)
      assert.isAbove(calls, 0)
    })
  )

  it.effect("unsubscribe - by a listener, while listeners are called", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      const leave = entry.subscribe(() => leave())
      yield* settled
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.checks, 1)
    })
  )

  it.effect("phase - is checking during a check of the fallback and of the other source of confirm", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const job = Job.make("moved", {
        strategy: Strategy.spaced("1 second"),
        check: (_: string) => Effect.succeed(CheckResult.missing as CheckResult.CheckResult<string>),
        missing: {
          fallback: {
            locate: (key) => `old/${key}`,
            check: (_key) => Effect.delay(Effect.succeed(Status.succeeded("x")), "5 seconds")
          }
        },
        confirm: { check: (_key) => Effect.delay(Effect.succeed(Status.succeeded("y")), "5 seconds") }
      })
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* TestClock.adjust("1 second")
      assert.strictEqual(entry.getSnapshot().phase, "checking")
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(entry.getSnapshot().phase, "checking")
      yield* TestClock.adjust("5 seconds")
      yield* settled
      assert.deepStrictEqual(entry.getSnapshot().outcome, { _tag: "Success", value: "y" })
    })
  )

  it.effect("lastCheckError - is shown until a check answers, and defects end the wait", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const answers: Array<Effect.Effect<Status.Status<string>, string>> = [
        Effect.fail("reset"),
        Effect.succeed(Status.pending()),
        Effect.die("bug")
      ]
      const job = Job.make("failing", {
        strategy: Strategy.spaced("1 second"),
        check: (_: string) => Effect.suspend(() => answers.shift()!)
      })
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* settled
      assert.strictEqual(entry.getSnapshot().lastCheckError, "reset")
      assert.strictEqual(entry.getSnapshot().waitReason, "checkError")
      yield* TestClock.adjust("1 second")
      assert.strictEqual(entry.getSnapshot().lastCheckError, undefined)
      yield* TestClock.adjust("1 second")
      yield* settled
      assert.deepStrictEqual(entry.getSnapshot().outcome, { _tag: "Defect", defect: "bug" })
    })
  )
})
