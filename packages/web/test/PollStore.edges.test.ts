import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Environment from "@effect-poll/web/Environment"
import * as PollStore from "@effect-poll/web/PollStore"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import { counted, makePage, settled } from "./support/pages.ts"

const options = { deadline: "1 hour" } as const

/** A store whose layer is built once `built` is done. */
const building = Effect.gen(function* () {
  const page = Environment.test()
  const state = { isInterrupted: false }
  const built = yield* Deferred.make<void>()
  const context = yield* Effect.context<never>()
  const layer = Layer.effectContext(
    Effect.as(Deferred.await(built), context).pipe(
      Effect.onInterrupt(() => Effect.sync(() => void (state.isInterrupted = true)))
    )
  )
  return { page, state, built, store: PollStore.make({ layer, environment: page }) }
})

const isSettled = (promise: Promise<unknown>): Effect.Effect<boolean> =>
  Effect.promise(async () => {
    let isOver = false
    const over = () => void (isOver = true)
    promise.then(over, over)
    for (let i = 0; i < 10; i++) await new Promise((resolve) => setImmediate(resolve))
    return isOver
  })

const deaf = Job.make("deaf", { check: (_: string) => Effect.succeed(Status.pending()), cancel: () => Effect.never })

describe("PollStore.close", () => {
  it.effect("close - interrupts a layer that is being built, and listens to no page", () =>
    Effect.gen(function* () {
      const { built, page, state, store } = yield* building
      store.entry(counted().job, "a", options).subscribe(() => {})
      yield* settled
      yield* Effect.promise(() => store.close())
      assert.isTrue(state.isInterrupted)
      yield* Deferred.succeed(built, undefined)
      yield* settled
      assert.strictEqual(page.listeners(), 0)
    })
  )

  it.effect("close - settles a cancel that waits for the layer", () =>
    Effect.gen(function* () {
      const { store } = yield* building
      const cancel = store.entry(deaf, "a", options).cancel()
      yield* Effect.promise(() => store.close())
      assert.isTrue(yield* isSettled(cancel))
    })
  )

  it.effect("close - a cancel in progress ends with its time limit", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const entry = store.entry(deaf, "a", options)
      entry.subscribe(() => {})
      const cancel = entry.cancel()
      cancel.catch(() => {})
      yield* settled
      yield* Effect.promise(() => store.close())
      yield* TestClock.adjust("1 minute")
      assert.isTrue(yield* isSettled(cancel))
    })
  )

  it.effect("close - leaves an idle snapshot, and entries that do nothing", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* settled
      yield* Effect.promise(() => store.close())
      assert.deepInclude(entry.getSnapshot(), { phase: "idle", nextAt: undefined })
      for (const { checkNow, pause, restart, subscribe, unpause } of [entry, store.entry(job, "b", options)]) {
        pause()
        unpause()
        checkNow()
        restart()
        subscribe(() => {})
      }
      yield* Effect.promise(() => entry.cancel())
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(page.listeners(), 0)
      assert.strictEqual(server.checks, 1)
    })
  )
})

describe("PollStore, while nothing is shown", () => {
  it.effect("pause - of what nothing shows is forgotten after `keep`", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job } = counted()
      const unsubscribe = store.entry(job, "b", options).subscribe(() => {})
      store.entry(job, "a", options).pause()
      unsubscribe()
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(page.listeners(), 0)
    })
  )

  it.effect("restart - begins anew what a seed says has ended", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      const idle = store.entry(job, "b", options).getSnapshot()
      const outcome = { _tag: "Defect", defect: "of the server" } as const
      const seed = { snapshot: { ...idle, phase: "ended" as const, outcome }, token: undefined }
      const entry = store.entry(job, "a", { ...options, seed })
      entry.restart()
      assert.strictEqual(entry.getSnapshot().phase, "idle")
      entry.subscribe(() => {})
      yield* settled
      assert.strictEqual(server.checks, 1)
    })
  )

  it.effect("seed - a token that cannot be read has no floor", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const { job, server } = counted()
      const idle = store.entry(job, "b", options).getSnapshot()
      const token = { version: 2, job: "counted", key: "a", floorAt: 1e300, dueAt: 0, attempts: 3 } as never
      const seed = { snapshot: { ...idle, phase: "waiting" as const }, token }
      store.entry(job, "a", { ...options, seed }).subscribe(() => {})
      yield* settled
      assert.strictEqual(server.checks, 1)
    })
  )
})

describe("PollStore.subscribe", () => {
  it.effect("subscribe - a listener that another one removed is not called", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage()
      const entry = store.entry(counted().job, "a", options)
      let isRemoved = false
      let calls = 0
      entry.subscribe(() => {
        isRemoved = true
        remove()
      })
      const remove = entry.subscribe(() => {
        if (isRemoved) calls++
      })
      yield* TestClock.adjust("10 seconds")
      yield* settled
      assert.strictEqual(calls, 0)
    })
  )
})

describe("PollStore, one check at a time", () => {
  for (const how of ["freeze", "restart", "leave"] as const) {
    it.effect(`${how} - the next check waits for the end of one that takes time to be aborted`, () =>
      Effect.gen(function* () {
        const { page, store } = yield* makePage()
        let inFlight = 0
        let most = 0
        let checks = 0
        const job = Job.make("thorough", {
          strategy: Strategy.spaced("1 second"),
          check: (_: string) =>
            Effect.acquireUseRelease(
              Effect.sync(() => {
                checks++
                most = Math.max(most, ++inFlight)
              }),
              () => Effect.as(Effect.sleep(500), Status.pending()),
              () =>
                Effect.andThen(
                  Effect.sleep(3_000),
                  Effect.sync(() => void inFlight--)
                )
            )
        })
        const entry = store.entry(job, "a", options)
        const unsubscribe = entry.subscribe(() => {})
        yield* TestClock.adjust(100)
        if (how === "freeze") {
          page.set({ frozen: true })
          page.set({ frozen: false })
        } else if (how === "restart") entry.restart()
        else {
          unsubscribe()
          yield* TestClock.adjust(450)
          entry.subscribe(() => {})
        }
        yield* TestClock.adjust("1 minute")
        page.set({ frozen: true })
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(most, 1)
        assert.isAbove(checks, 5)
      })
    )
  }
})

describe("PollStore, paused by its user", () => {
  it.effect("pause - the deadline applies to what was parked meanwhile, once it is shown", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage({ hidden: "pause" })
      const entry = store.entry(counted().job, "a", { deadline: "1 minute" })
      entry.subscribe(() => {})
      yield* settled
      entry.pause()
      page.set({ hidden: true })
      yield* settled
      page.set({ hidden: false })
      assert.deepInclude(entry.getSnapshot(), { pausedBy: "user", nextAt: undefined })
      yield* TestClock.adjust("50 seconds")
      assert.strictEqual(entry.getSnapshot().phase, "paused")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(entry.getSnapshot().phase, "ended")
    })
  )

  it.effect("pause - a place for a stream makes no check", () =>
    Effect.gen(function* () {
      const { store } = yield* makePage({ streams: 1, locks: null })
      const checks: Record<string, number> = { a: 0, b: 0 }
      const job = Job.make("told", {
        strategy: Strategy.spaced("1 second"),
        push: () => Told.fromStream(Stream.never, () => undefined),
        check: (key: string) => Effect.sync(() => (checks[key]!++, Status.pending()))
      })
      const unsubscribe = store.entry(job, "a", options).subscribe(() => {})
      const entry = store.entry(job, "b", options)
      entry.subscribe(() => {})
      yield* TestClock.adjust("5 seconds")
      entry.pause()
      yield* TestClock.adjust("5 seconds")
      const before = checks["b"]!
      assert.isAbove(before, 3)
      unsubscribe()
      yield* TestClock.adjust("5 seconds")
      yield* settled
      assert.strictEqual(checks["b"], before)
      assert.strictEqual(entry.getSnapshot().pausedBy, "user")
    })
  )
})

describe("PollStore, a check that is planned", () => {
  const blocks = [
    ["offline", (page: Environment.Test) => page.set({ online: false })],
    ["frozen", (page: Environment.Test) => page.set({ frozen: true })]
  ] as const

  for (const [name, block] of blocks) {
    it.effect(`slow - a hidden page that is ${name} makes none`, () =>
      Effect.gen(function* () {
        const { page, store } = yield* makePage()
        const { job, server } = counted()
        store.entry(job, "a", options).subscribe(() => {})
        yield* settled
        page.set({ hidden: true })
        yield* TestClock.adjust("10 seconds")
        const before = server.checks
        block(page)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(server.checks, before)
      })
    )

    it.effect(`restart - behind the floor of the server, a page that is ${name} makes none`, () =>
      Effect.gen(function* () {
        const { page, store } = yield* makePage()
        let checks = 0
        const job = Job.make("limited", {
          check: (_: string) => Effect.sync(() => (checks++, CheckResult.withHint(Status.pending(), "1 minute")))
        })
        const entry = store.entry(job, "a", options)
        entry.subscribe(() => {})
        yield* settled
        entry.restart()
        yield* TestClock.adjust("10 seconds")
        block(page)
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(checks, 1)
      })
    )
  }

  it.effect("slow - a check that is asked for during another one waits for its turn", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job, server } = counted({ takes: 1_000 })
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* TestClock.adjust("1 second")
      page.set({ hidden: true })
      yield* TestClock.adjust("59 seconds")
      assert.deepStrictEqual(server.at, [0, 60_000])
      entry.checkNow()
      page.set({ online: false })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(server.checks, 2)
      page.set({ online: true })
      yield* TestClock.adjust("59 seconds")
      assert.strictEqual(server.checks, 3)
    })
  )

  it.effect("slow - a hidden page whose user paused the wait makes none", () =>
    Effect.gen(function* () {
      const { page, store } = yield* makePage()
      const { job, server } = counted()
      const entry = store.entry(job, "a", options)
      entry.subscribe(() => {})
      yield* settled
      page.set({ hidden: true })
      yield* TestClock.adjust("10 seconds")
      entry.pause()
      const before = server.checks
      yield* TestClock.adjust("10 minutes")
      assert.strictEqual(server.checks, before)
    })
  )
})
