import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as PollStore from "@effect-poll/web/PollStore"
import * as Job from "effect-poll/Job"
import * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { counted, makePage, settled } from "./support/pages.ts"

const options = { deadline: "1 hour" } as const

describe("PollStore.entry", () => {
  it.effect("entry - makes no check before something subscribes", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(entry.getSnapshot().phase, "idle")
      assert.strictEqual(entry.getSnapshot(), entry.getServerSnapshot())
      assert.strictEqual(server.checks, 0)
    })
  )

  it.effect("subscribe - shows each step of the wait and its outcome", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted({ takes: 100 })
      const entry = store.entry(job, "a", options)
      const seen: Array<string> = []
      entry.subscribe(() => {
        const { attempt, nextAt, phase } = entry.getSnapshot()
        seen.push(`${phase} ${attempt} ${nextAt}`)
      })
      yield* settled
      yield* TestClock.adjust("2 seconds")
      server.end = "done"
      yield* TestClock.adjust("1 minute")
      yield* settled
      assert.deepStrictEqual(seen, [
        "checking 1 undefined",
        "waiting 1 2100",
        "checking 2 undefined",
        "ended 2 undefined"
      ])
      assert.deepStrictEqual(entry.getSnapshot().outcome, { _tag: "Success", value: "done" })
      assert.strictEqual(entry.getSnapshot().startedAt, 0)
    })
  )

  it.effect("subscribe - runs one loop for three views of a key", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      const entries = ["a", "a", "a"].map((key) => store.entry(job, key, options))
      entries.forEach((entry) => entry.subscribe(() => {}))
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(server.checks, 6)
      assert.strictEqual(store.entry(job, "a", options), entries[0])
      assert.strictEqual(entries[1]!.getSnapshot(), entries[2]!.getSnapshot())
    })
  )

  it.effect("getSnapshot - is the same object until something changes", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job } = counted()
      const entry = store.entry(job, "a", options)
      let calls = 0
      entry.subscribe(() => void calls++)
      yield* settled
      const first = entry.getSnapshot()
      yield* TestClock.adjust("1 second")
      assert.strictEqual(entry.getSnapshot(), first)
      const before = calls
      yield* TestClock.adjust("1 second")
      yield* settled
      assert.notStrictEqual(entry.getSnapshot(), first)
      assert.isAtMost(calls - before, 2)
    })
  )

  it.effect("notify - calls every listener even if one throws", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job } = counted()
      const entry = store.entry(job, "a", options)
      const reported: Array<unknown> = []
      vi.stubGlobal("reportError", (error: unknown) => void reported.push(error))
      yield* Effect.addFinalizer(() => Effect.sync(() => vi.unstubAllGlobals()))
      let calls = 0
      entry.subscribe(() => {
        throw new Error("of a view")
      })
      entry.subscribe(() => void calls++)
      yield* settled
      assert.isAbove(calls, 0)
      assert.isAbove(reported.length, 0)
    })
  )

  it.effect("linger - begins no check after the last view has left, and aborts the one in flight at its end", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted({ takes: 1_000 })
      const unsubscribe = store.entry(job, "a", options).subscribe(() => {})
      yield* TestClock.adjust(100)
      unsubscribe()
      yield* TestClock.adjust(399)
      assert.strictEqual(server.aborted, 0)
      yield* TestClock.adjust(1)
      assert.strictEqual(server.aborted, 1)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(server.checks, 1)
    })
  )

  it.effect("linger - continues the wait if a view returns in time", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted({ takes: 1_000 })
      const entry = store.entry(job, "a", options)
      const unsubscribe = entry.subscribe(() => {})
      yield* TestClock.adjust(100)
      unsubscribe()
      yield* TestClock.adjust(150)
      entry.subscribe(() => {})
      yield* TestClock.adjust(5_750)
      assert.deepStrictEqual(server.at, [0, 3_000, 6_000])
      assert.strictEqual(server.aborted, 0)
      assert.strictEqual(entry.getSnapshot().attempt, 3)
    })
  )

  it.effect("linger - makes a check that fell due meanwhile at once", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      const unsubscribe = entry.subscribe(() => {})
      yield* TestClock.adjust(1_900)
      unsubscribe()
      yield* TestClock.adjust(300)
      assert.deepStrictEqual(server.at, [0])
      entry.subscribe(() => {})
      yield* settled
      assert.deepStrictEqual(server.at, [0, 2_200])
    })
  )

  it.effect("keep - continues from the token, with its attempts, strategy and deadline", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted({ strategy: Strategy.linear({ increment: "10 seconds" }) })
      const entry = store.entry(job, "a", { deadline: "2 minutes" })
      const unsubscribe = entry.subscribe(() => {})
      yield* TestClock.adjust("10 seconds")
      unsubscribe()
      yield* TestClock.adjust("5 seconds")
      entry.subscribe(() => {})
      yield* TestClock.adjust("5 minutes")
      assert.deepStrictEqual(server.at.slice(0, 4), [0, 10_000, 30_000, 60_000])
      assert.isAtMost(server.at.at(-1)!, 120_000)
      const { outcome, startedAt } = entry.getSnapshot()
      assert.strictEqual(startedAt, 0)
      assert.isTrue(outcome?._tag === "Failure" && outcome.error instanceof PollError.PollTimeout)
    })
  )

  it.effect("keep - begins a new wait after it", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage({ keep: "1 minute" })
      const { job } = counted()
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})()
      yield* TestClock.adjust("61 seconds")
      assert.strictEqual(entry.getSnapshot().attempt, 0)
      entry.subscribe(() => {})
      yield* settled
      assert.strictEqual(entry.getSnapshot().attempt, 1)
      assert.strictEqual(entry.getSnapshot().startedAt, 61_000)
    })
  )

  it.effect("keep - shows an outcome again without a check", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      server.end = "done"
      const entry = store.entry(job, "a", options)
      const unsubscribe = entry.subscribe(() => {})
      yield* settled
      unsubscribe()
      yield* TestClock.adjust("4 minutes")
      const again = store.entry(job, "a", options)
      again.subscribe(() => {})
      yield* settled
      assert.strictEqual(again.getSnapshot().outcome?._tag, "Success")
      assert.strictEqual(server.checks, 1)
    })
  )

  it.effect("restart - begins a new wait after the end", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      server.end = "done"
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* settled
      server.end = undefined
      entry.restart()
      yield* settled
      assert.strictEqual(entry.getSnapshot().phase, "waiting")
      assert.strictEqual(entry.getSnapshot().attempt, 1)
      assert.strictEqual(server.checks, 2)
    })
  )

  it.effect("checkNow - checks before the planned time", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* TestClock.adjust(500)
      entry.checkNow()
      yield* settled
      assert.deepStrictEqual(server.at, [0, 500])
    })
  )

  it.effect("pause - makes no check until unpause", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* settled
      entry.pause()
      assert.strictEqual(entry.getSnapshot().pausedBy, "user")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.checks, 1)
      entry.unpause()
      yield* settled
      assert.strictEqual(server.checks, 2)
    })
  )

  it.effect("cancel - asks the server and finds the end", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job } = counted()
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* settled
      yield* Effect.promise(() => entry.cancel())
      yield* TestClock.adjust(10)
      yield* settled
      assert.deepStrictEqual(entry.getSnapshot().outcome, { _tag: "Success", value: "canceled" })
    })
  )

  it.effect("cancel - rejects with CancelFailed for a job that has none", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const job = Job.make("simple", { check: (_: string) => Effect.succeed(Status.pending()) })
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* settled
      const error = yield* Effect.promise(() => entry.cancel().catch((cause: unknown) => cause))
      assert.instanceOf(error, PollError.CancelFailed)
    })
  )

  it("make - refuses options out of range", () => {
    const refused = (options: object) => assert.throws(() => PollStore.make(options), RangeError)
    refused({ linger: -1 })
    refused({ linger: Number.POSITIVE_INFINITY })
    refused({ keep: "soon" })
    refused({ slowInterval: 0 })
    refused({ hidden: "maybe" })
    refused({ lingers: 1 })
    const store = PollStore.make()
    const { job } = counted()
    assert.throws(() => store.entry(job, "a", { deadline: -1 }), RangeError)
    assert.throws(() => store.entry(job, "a", { deadline: "1 hour", hidden: "maybe" as "run" }), RangeError)
    assert.throws(() => store.entry(job, "", options), RangeError)
    assert.throws(() => store.entry({} as never, "a", options), RangeError)
  })
})
