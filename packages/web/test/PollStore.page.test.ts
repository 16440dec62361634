import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { counted, makePage, settled } from "./support/pages.ts"

const options = { deadline: "1 hour" } as const

describe("hidden: pause", () => {
  const pausing = { ...options, hidden: "pause" } as const

  it.effect("hidden - makes no check, and the one that fell due at once when visible", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", pausing)
      entry.subscribe(() => {})
      yield* TestClock.adjust("1 second")
      page.set({ hidden: true })
      yield* TestClock.adjust("10 minutes")
      assert.deepStrictEqual(server.at, [0])
      assert.strictEqual(entry.getSnapshot().phase, "paused")
      assert.strictEqual(entry.getSnapshot().pausedBy, "hidden")
      assert.strictEqual(entry.getSnapshot().nextAt, undefined)
      page.set({ hidden: false })
      yield* settled
      assert.deepStrictEqual(server.at, [0, 601_000])
      assert.strictEqual(entry.getSnapshot().attempt, 2)
    })
  )

  it.effect("hidden - checks at the planned time if the page is visible before it", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job, server } = counted()
      store.entry(job, "a", pausing).subscribe(() => {})
      yield* TestClock.adjust("1 second")
      page.set({ hidden: true })
      yield* TestClock.adjust(500)
      page.set({ hidden: false })
      yield* TestClock.adjust(499)
      assert.deepStrictEqual(server.at, [0])
      yield* TestClock.adjust(1)
      assert.deepStrictEqual(server.at, [0, 2_000])
    })
  )

  it.effect("hidden - lets a check in flight finish, then parks", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job, server } = counted({ takes: 1_000 })
      const entry = store.entry(job, "a", pausing)
      entry.subscribe(() => {})
      yield* TestClock.adjust(500)
      page.set({ hidden: true })
      assert.strictEqual(entry.getSnapshot().phase, "checking")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.aborted, 0)
      assert.strictEqual(server.checks, 1)
      assert.strictEqual(entry.getSnapshot().phase, "paused")
      assert.strictEqual(entry.getSnapshot().status?._tag, "Pending")
    })
  )

  it.effect("hidden - begins no wait in a page that was opened in the background", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      page.set({ hidden: true })
      const { job, server } = counted()
      const entry = store.entry(job, "a", pausing)
      entry.subscribe(() => {})
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.checks, 0)
      assert.strictEqual(entry.getSnapshot().pausedBy, "hidden")
      page.set({ hidden: false })
      yield* settled
      assert.strictEqual(server.checks, 1)
    })
  )

  it.effect("hidden - makes one check, whose result ends the wait, if the deadline passed meanwhile", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      for (const end of [undefined, "done"]) {
        const { job, server } = counted()
        const entry = store.entry(job, "a", { deadline: "1 minute", hidden: "pause" })
        entry.subscribe(() => {})
        yield* TestClock.adjust("1 second")
        page.set({ hidden: true })
        yield* TestClock.adjust("5 minutes")
        server.end = end
        assert.strictEqual(entry.getSnapshot().outcome, undefined)
        page.set({ hidden: false })
        yield* settled
        assert.strictEqual(server.checks, 2)
        const { outcome } = entry.getSnapshot()
        if (end === undefined) assert.isTrue(outcome?._tag === "Failure" && outcome.error._tag === "PollTimeout")
        else assert.deepStrictEqual(outcome, { _tag: "Success", value: end })
      }
    })
  )

  it.effect("hidden - never breaks a floor of the server", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const at: Array<number> = []
      const job = Job.make("floored", {
        strategy: Strategy.spaced("1 second"),
        check: (_: string) =>
          Effect.clockWith((clock) => {
            at.push(clock.currentTimeMillisUnsafe())
            return Effect.succeed(CheckResult.withHint(Status.pending(), "1 minute"))
          })
      })
      const entry = store.entry(job, "a", pausing)
      const unsubscribe = entry.subscribe(() => {})
      yield* TestClock.adjust("1 second")
      for (const change of [
        { hidden: true },
        { hidden: false },
        { online: false },
        { online: true },
        { frozen: true },
        { frozen: false }
      ]) {
        page.set(change)
        yield* TestClock.adjust("1 second")
      }
      unsubscribe()
      yield* TestClock.adjust("1 second")
      entry.subscribe(() => {})
      entry.checkNow()
      entry.restart()
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(at, [0])
      assert.strictEqual(entry.getSnapshot().nextAt, 60_000)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(at, [0, 60_000])
    })
  )
})

describe("hidden: slow", () => {
  it.effect("hidden - makes at most one check a minute, and the next one as soon as it is visible", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* TestClock.adjust("1 second")
      page.set({ hidden: true })
      yield* TestClock.adjust("3 minutes")
      assert.deepStrictEqual(server.at, [0, 60_000, 120_000, 180_000])
      assert.strictEqual(entry.getSnapshot().phase, "waiting")
      assert.strictEqual(entry.getSnapshot().nextAt, 240_000)
      yield* TestClock.adjust("30 seconds")
      page.set({ hidden: false })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(server.at.slice(4), [211_000, 213_000])
    })
  )

  it.effect("hidden - checks no sooner than the strategy says", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job, server } = counted({ strategy: Strategy.spaced("10 minutes") })
      store.entry(job, "a", options).subscribe(() => {})
      yield* settled
      page.set({ hidden: true })
      yield* TestClock.adjust("25 minutes")
      assert.deepStrictEqual(server.at, [0, 600_000, 1_200_000])
    })
  )

  it.effect("hidden - lets slow checks finish, and finds the end", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage({ slowInterval: "10 seconds" })
      const { job, server } = counted({ takes: 3_000 })
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      page.set({ hidden: true })
      yield* TestClock.adjust("35 seconds")
      assert.strictEqual(server.aborted, 0)
      assert.deepStrictEqual(server.at, [0, 10_000, 20_000, 30_000])
      server.end = "done"
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(entry.getSnapshot().outcome?._tag, "Success")
    })
  )

  it.effect("hidden - asks a closed gate once per interval", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      let asked = 0
      const gate = Gate.make(() => Effect.sync(() => (asked++, Gate.postponed("1 second", "busy"))))
      const { job, server } = counted()
      const entry = store.entry(job, "a", { ...options, gate })
      entry.subscribe(() => {})
      yield* settled
      assert.strictEqual(entry.getSnapshot().pausedBy, "gate")
      assert.strictEqual(entry.getSnapshot().gateReason, "busy")
      assert.strictEqual(entry.getSnapshot().nextAt, 1_000)
      page.set({ hidden: true })
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(server.checks, 0)
      assert.isAtMost(asked, 12)
    })
  )
})

describe("hidden: run", () => {
  it.effect("hidden - changes nothing", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage({ hidden: "run" })
      const { job, server } = counted()
      store.entry(job, "a", options).subscribe(() => {})
      page.set({ hidden: true })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(server.checks, 6)
    })
  )
})

describe("offline", () => {
  it.effect("offline - parks with the reason, and resumes at once when online", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* TestClock.adjust("1 second")
      page.set({ online: false })
      assert.strictEqual(entry.getSnapshot().pausedBy, "offline")
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.checks, 1)
      page.set({ online: true })
      yield* settled
      assert.deepStrictEqual(server.at, [0, 61_000])
    })
  )

  it.effect("offline - applies while the page is hidden, under every policy", () =>
    Effect.gen(function* () {
      for (const hidden of ["pause", "slow", "run"] as const) {
        const { page, store } = yield* makePage({ hidden })
        const { job, server } = counted()
        const entry = store.entry(job, "a", options)
        entry.subscribe(() => {})
        yield* settled
        page.set({ online: false, hidden: true })
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual(server.checks, 1, hidden)
        assert.strictEqual(entry.getSnapshot().pausedBy, "offline")
        page.set({ online: true })
        yield* settled
        assert.strictEqual(server.checks, hidden === "pause" ? 1 : 2, hidden)
      }
    })
  )
})

describe("frozen", () => {
  it.effect("freeze - aborts the check in flight, and thawing makes it again", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job, server } = counted({ takes: 1_000 })
      const entry = store.entry(job, "a", { deadline: "1 minute" })
      entry.subscribe(() => {})
      yield* TestClock.adjust(500)
      page.set({ frozen: true, hidden: true })
      yield* settled
      assert.strictEqual(server.aborted, 1)
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(server.checks, 1)
      server.end = "done"
      page.set({ frozen: false, hidden: false })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(entry.getSnapshot().outcome, { _tag: "Success", value: "done" })
      assert.strictEqual(entry.getSnapshot().attempt, 1)
    })
  )
})

describe("pause by the page", () => {
  it.effect("pause - holds while the page is hidden and after it", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage({ hidden: "pause" })
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* settled
      entry.pause()
      page.set({ hidden: true })
      yield* TestClock.adjust("1 minute")
      page.set({ hidden: false })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.checks, 1)
      assert.strictEqual(entry.getSnapshot().pausedBy, "user")
      entry.unpause()
      yield* settled
      assert.strictEqual(server.checks, 2)
    })
  )

  it.effect("pause - lets the deadline end the wait", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job } = counted()
      const entry = store.entry(job, "a", { deadline: "1 minute" })
      entry.subscribe(() => {})
      yield* settled
      entry.pause()
      yield* TestClock.adjust("1 minute")
      yield* settled
      assert.strictEqual(entry.getSnapshot().outcome?._tag, "Failure")
    })
  )

  it.effect("pause - before the first listener, the wait begins with unpause", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      entry.pause()
      entry.subscribe(() => {})
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.checks, 0)
      assert.strictEqual(entry.getSnapshot().pausedBy, "user")
      entry.unpause()
      yield* settled
      assert.strictEqual(server.checks, 1)
    })
  )
})
