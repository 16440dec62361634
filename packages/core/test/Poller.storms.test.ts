import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { cancelableJob, pending } from "./support/checks.ts"
import { inspect } from "./support/inspect.ts"
import { keysOf } from "./support/jobs.ts"
import { every1s, hour, plain } from "./support/options.ts"
import { recordLogs } from "./support/recorders.ts"
import { runFor } from "./support/runs.ts"

/** How many items came between two turns of the event loop, at most; counts from now on. */
const bursts = Effect.sync(() => {
  let burst = 0
  let longest = 0
  let turns = 0
  const next = (): void => {
    if (burst > 0) turns++
    burst = 0
    immediate = setImmediate(next)
  }
  let immediate = setImmediate(next)
  return {
    count: (items = 1): void => {
      burst += items
      longest = Math.max(longest, burst)
    },
    stop: () => {
      clearImmediate(immediate)
      return { longest, turns }
    }
  }
})

const hanging = Job.make<string>("render", { check: () => Effect.never, strategy: every1s })

describe("Poller", () => {
  describe("storms", () => {
    it.effect("5,000 queued waits with one deadline - end in slices, in order, and none is lost [R53]", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const options = { deadline: "10 seconds", checkTimeout: "1 hour" } as const
        const keys = keysOf(5_000)
        const { count, stop } = yield* bursts
        const ends: Array<string> = []
        const fiber = yield* Effect.forkChild(
          Stream.runForEachArray(poller.results(hanging, keys, options), (settled) =>
            Effect.sync(() => {
              count(settled.length)
              for (const { exit, key } of settled) ends.push(Exit.isFailure(exit) ? key : "ended")
            })
          )
        )
        yield* TestClock.adjust("9 seconds")
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(fiber)
        const { longest, turns } = stop()
        assert.sameMembers(ends, keys)
        assert.isAtMost(longest, 2_048)
        assert.isAtLeast(turns, 4)
        assert.strictEqual(inspect(poller).waits, 0)
      })
    )

    it.effect("3,000 waits for one key - share each check, and are given its answer in slices [R53]", () =>
      Effect.gen(function* () {
        let checks = 0
        const job = Job.make<string>("render", {
          check: () =>
            Effect.map(Effect.sleep("100 millis"), () => (++checks < 3 ? pending : Status.succeeded("film"))),
          strategy: every1s
        })
        const poller = yield* Poller.make(plain)
        const keys = Array.from({ length: 3_000 }, () => "a")
        const ends = yield* Effect.forkChild(Stream.runCollect(poller.results(job, keys, hour)))
        yield* TestClock.adjust("5 seconds")
        const attempts = (yield* Fiber.join(ends)).map((end) => end.attempts)
        assert.deepStrictEqual([checks, attempts.length], [3, 3_000])
        assert.isTrue(attempts.every((count) => count === 3))
      })
    )

    it.effect("2,000 waits that time out in one check - leave it together, and make the next one together [R53]", () =>
      Effect.gen(function* () {
        let checks = 0
        const job = Job.make<string>("render", {
          check: () => Effect.suspend(() => (++checks === 1 ? Effect.never : Effect.succeed(Status.succeeded("film")))),
          strategy: every1s,
          checkErrors: { schedule: every1s }
        })
        const poller = yield* Poller.make(plain)
        const keys = Array.from({ length: 2_000 }, () => "a")
        const ends = yield* Effect.forkChild(
          Stream.runCollect(poller.results(job, keys, { ...hour, checkTimeout: "5 seconds" }))
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([checks, (yield* Fiber.join(ends)).length], [2, 2_000])
      })
    )

    it.effect("a stream that is left - touches only its own waits, also after many have ended [R54]", () =>
      Effect.gen(function* () {
        const job = Job.make<string>("render", {
          check: (key) => Effect.succeed(key.startsWith("done") ? Status.succeeded(key) : pending),
          strategy: every1s
        })
        const poller = yield* Poller.make(plain)
        const others = yield* Effect.forkChild(Stream.runDrain(poller.results(job, keysOf(100), hour)))
        const keys = [...keysOf(4_000).map((key) => `done ${key}`), ...keysOf(50).map((key) => `own ${key}`)]
        const own = yield* Effect.forkChild(Stream.runDrain(poller.results(job, keys, hour)))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(inspect(poller).waits, 150)
        yield* Fiber.interrupt(own)
        assert.strictEqual(inspect(poller).waits, 100)
        yield* Fiber.interrupt(others)
        assert.deepStrictEqual([inspect(poller).waits, inspect(poller).freeCapacity], [0, 1_000_000])
      })
    )
  })

  describe("closing", () => {
    it("shutdown of 20,000 waits - lets the event loop have its turns, and yields each token once [R55]", async () => {
      let asked = 0
      const job = Job.make<string>("render", {
        check: () => Effect.sync(() => (asked++, pending)),
        strategy: Strategy.spaced("1 hour")
      })
      const keys = keysOf(20_000)
      const program = Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const fiber = yield* Effect.forkChild(Stream.runCollect(poller.results(job, keys, { deadline: "2 hours" })))
        while ((yield* poller.stats).waiting < keys.length || asked < keys.length) yield* Effect.sleep("10 millis")
        let turns = 0
        const timer = setInterval(() => turns++, 0)
        const tokens = yield* poller.shutdown
        const ends = yield* Fiber.join(fiber)
        clearInterval(timer)
        return { tokens: tokens.map(({ key }) => key), ends: ends.map(({ key }) => key), turns }
      })
      const { ends, tokens, turns } = await Effect.runPromise(Effect.scoped(program))
      assert.sameMembers(tokens, keys)
      assert.sameMembers(ends, keys)
      assert.isAtLeast(turns, 2)
      assert.strictEqual(asked, keys.length)
    })

    it.effect("300 cancels that hang - take one cancelTimeout together, with a concurrency of 3 [R56]", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelableJob(() => Effect.succeed(pending), { cancel: Effect.never })
        const scope = yield* Scope.make()
        const poller = yield* Scope.provide(Poller.make({ ...plain, concurrency: 3 }), scope)
        const options = { ...hour, onClose: "cancelRemote", cancelTimeout: "5 seconds" } as const
        for (const key of keysOf(300)) yield* poller.add(job, key, options)
        yield* TestClock.adjust("1 second")
        const { at } = yield* runFor(Scope.close(scope, Exit.void), "1 hour")
        assert.deepStrictEqual([canceled.length, at], [300, 6_000])
      })
    )

    it.effect("300 cancels that take a moment - are made `concurrency` at a time [R56]", () =>
      Effect.gen(function* () {
        let running = 0
        let most = 0
        const cancel = Effect.acquireUseRelease(
          Effect.sync(() => (most = Math.max(most, ++running))),
          () => Effect.sleep("10 millis"),
          () => Effect.sync(() => running--)
        )
        const { canceled, job } = cancelableJob(() => Effect.succeed(pending), { cancel })
        const poller = yield* Poller.make({ ...plain, concurrency: 10 })
        const options = { ...hour, onInterrupt: "cancelRemote", cancelTimeout: "10 seconds" } as const
        const left = yield* Effect.forkChild(Stream.runDrain(poller.results(job, keysOf(300), options)))
        yield* TestClock.adjust("1 second")
        yield* Effect.forkChild(Fiber.interrupt(left))
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([canceled.length, most], [300, 10])
      })
    )

    it.effect("onShutdown that hangs - holds the scope for no longer than cancelTimeout and a second [R56]", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const onShutdown = () => Effect.uninterruptible(Effect.never)
        const poller = yield* Scope.provide(Poller.make({ ...plain, onShutdown }), scope)
        yield* poller.add(hanging, "a", { ...hour, cancelTimeout: "5 seconds" })
        const { at } = yield* runFor(Scope.close(scope, Exit.void), "1 hour")
        assert.strictEqual(at, 6_000)
      })
    )

    it.effect("check, observer, cancel and onShutdown that hang - share one bound [R56]", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const onShutdown = () => Effect.never
        const { job } = cancelableJob(() => Effect.uninterruptible(Effect.never), { cancel: Effect.never })
        const poller = yield* Scope.provide(Poller.make({ ...plain, onShutdown }), scope)
        const observers = [Observer.make(() => Effect.uninterruptible(Effect.never))]
        const options = { ...hour, observers, onClose: "cancelRemote", cancelTimeout: "5 seconds" } as const
        for (const key of keysOf(3)) yield* poller.add(job, key, options)
        const { at } = yield* runFor(Scope.close(scope, Exit.void), "1 hour")
        assert.strictEqual(at, 6_000)
      })
    )

    for (const [what, options, left] of [
      [
        "3 checks and an observer",
        { observers: [Observer.make(() => Effect.uninterruptible(Effect.never))] },
        // A start and an end of each.
        "3 checks in flight, 6 notifications of observers"
      ],
      [
        "3 checks and an observer that can be interrupted",
        { observers: [Observer.make(() => Effect.never)] },
        "3 checks in flight, 6 notifications of observers"
      ],
      ["3 checks", {}, "3 checks in flight"],
      [
        "3 checks and the handler of an action",
        { onAction: () => Effect.uninterruptible(Effect.never) },
        "3 checks in flight, 1 handler of an action"
      ]
    ] as const) {
      it.effect(`${what} that hang - are counted in a warning [R56]`, () =>
        Effect.gen(function* () {
          const { lines, within } = recordLogs()
          const scope = yield* Scope.make()
          const needed = Status.pending({ action: { id: "sign", kind: "sign" } })
          const job = Job.make<string>("render", {
            check: (key) => (key === "acts" ? Effect.succeed(needed) : Effect.uninterruptible(Effect.never)),
            strategy: every1s
          })
          const poller = yield* Scope.provide(within(Poller.make(plain)), scope)
          const all = { ...hour, checkTimeout: "1 hour", cancelTimeout: "5 seconds", ...options } as const
          for (const key of keysOf(3)) yield* poller.add(job, key, all)
          if ("onAction" in options) yield* poller.add(job, "acts", all)
          yield* TestClock.adjust("1 second")
          const { at } = yield* runFor(Scope.close(scope, Exit.void), "1 hour")
          assert.isAtMost(at, 7_000)
          assert.deepStrictEqual(
            lines.map(([level, message]) => [level, message]),
            [["Warn", `Poller: what was in flight did not end in time, and was given up: ${left}`]]
          )
        })
      )
    }

    it.effect("checks that end, observers that follow - bring no warning [R56]", () =>
      Effect.gen(function* () {
        const { lines, within } = recordLogs()
        const scope = yield* Scope.make()
        const poller = yield* Scope.provide(within(Poller.make(plain)), scope)
        const job = Job.make<string>("render", {
          check: () => Effect.onInterrupt(Effect.never, () => Effect.sleep(500))
        })
        const options = { ...hour, observers: [Observer.make(() => Effect.sleep(10))] } as const
        for (const key of keysOf(3)) yield* poller.add(job, key, options)
        yield* TestClock.adjust("1 second")
        yield* runFor(Scope.close(scope, Exit.void), "1 hour")
        assert.deepStrictEqual(lines, [])
      })
    )

    it.effect("shutdown from the finalizer of a check that closing interrupts - is answered at once [R55]", () =>
      Effect.gen(function* () {
        const scope = yield* Scope.make()
        const seen: Array<ReadonlyArray<string>> = []
        const poller = yield* Scope.provide(Poller.make(plain), scope)
        const again = Effect.map(poller.shutdown, (tokens) => void seen.push(tokens.map(({ key }) => key)))
        const job = Job.make<string>("render", { check: () => Effect.onInterrupt(Effect.never, () => again) })
        for (const key of ["a", "b"]) yield* poller.add(job, key, hour)
        const { at } = yield* runFor(Scope.close(scope, Exit.void), "1 hour")
        assert.deepStrictEqual(
          [seen, at],
          [
            [
              ["a", "b"],
              ["a", "b"]
            ],
            0
          ]
        )
      })
    )
  })
})
