import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Quorum from "effect-poll/Quorum"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { cancelableJob, pending, slow } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { inspect } from "./support/inspect.ts"
import { doneAt, keysOf, scriptedJob } from "./support/jobs.ts"
import { every1s, every30m, hour, plain } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"
import { ending, follow, outcomeIn } from "./support/runs.ts"
import { storedToken } from "./support/tokens.ts"

/** A cancelable job whose checks take five seconds to end when they are interrupted. */
const slowToEnd = () => cancelableJob<string>(() => Effect.onInterrupt(Effect.never, () => Effect.sleep("5 seconds")))

describe("Poller", () => {
  describe("interrupt", () => {
    it.effect("interrupt - waits for the finalizers of its check, and does nothing after the end", () =>
      Effect.gen(function* () {
        let finalized = false
        const { job } = scriptedJob(() =>
          Effect.onInterrupt(Effect.never, () =>
            Effect.andThen(
              Effect.sleep("1 second"),
              Effect.sync(() => (finalized = true))
            )
          )
        )
        const poller = yield* Poller.make(plain)
        const handle = yield* poller.add(job, "a", hour)
        const interrupting = yield* Effect.forkChild(handle.interrupt, { startImmediately: true })
        assert.strictEqual(ending(yield* Effect.exit(handle.await)), "defect")
        assert.isUndefined(interrupting.pollUnsafe())
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(interrupting)
        assert.isTrue(finalized)
        yield* handle.interrupt
        yield* handle.checkNow()
        yield* handle.pause
        yield* handle.unpause
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual((yield* poller.stats).ended, { Interrupted: 1 })
      })
    )

    it.effect("waits that a quorum no longer needs - stop checking, though some checks do not end", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        let checks = 0
        const job = Job.make<string>("render", {
          check: (key) => {
            if (key === "good") return slow("1 second", Status.succeeded(key))
            if (key === "idle") return Effect.sync(() => (checks++, pending))
            return Effect.uninterruptible(slow("1 hour", pending))
          },
          strategy: Strategy.spaced("1 second")
        })
        const keys = ["good", ...keysOf(16), "idle"]
        const waits = keys.map((key) => poller.until(job, key, { deadline: "2 hours" }))
        yield* Effect.forkChild(Quorum.atLeast(waits, 1))
        yield* TestClock.adjust("10 seconds")
        const seen = checks
        yield* TestClock.adjust("10 hours")
        assert.isAtMost(seen, 3)
      })
    )
  })

  describe("cancelRemote on interrupt", () => {
    it.effect("interrupt - cancels the job only with the last wait that asks for it", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelableJob(() => Effect.succeed(pending))
        const poller = yield* Poller.make({ stagger: false })
        const options = { ...hour, onInterrupt: "cancelRemote" } as const
        const [one, two, three] = [
          yield* poller.add(job, "a", options),
          yield* poller.add(job, "a", options),
          yield* poller.add(job, "b", options)
        ]
        yield* one.interrupt
        assert.deepStrictEqual(canceled, [])
        yield* two.interrupt
        assert.deepStrictEqual(canceled, ["a"])
        // A wait that does not ask for it leaves the job alone.
        const quiet = yield* poller.add(job, "c", hour)
        yield* quiet.interrupt
        yield* three.interrupt
        yield* three.interrupt
        assert.deepStrictEqual(canceled, ["a", "b"])
      })
    )

    it.effect("interrupt that is itself interrupted - still cancels the job", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const { canceled, job } = slowToEnd()
        const handle = yield* poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote" })
        yield* TestClock.adjust("1 second")
        yield* Effect.forkChild(Effect.timeoutOption(handle.interrupt, "1 second"))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(canceled, ["a"])
      })
    )

    it.effect("interrupt - does not cancel a job that is wanted again by then", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const { canceled, job } = slowToEnd()
        const a = yield* poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote" })
        yield* TestClock.adjust("1 second")
        yield* Effect.forkChild(a.interrupt)
        yield* TestClock.adjust("1 second")
        // Its check begins when the old one is over.
        yield* poller.add(job, "a", { deadline: "30 seconds" })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(canceled, [])
      })
    )

    it.effect("interrupt - waits at most cancelTimeout for a remote cancel that hangs", () =>
      Effect.gen(function* () {
        const { job } = cancelableJob(() => Effect.succeed(pending), { cancel: Effect.never })
        const poller = yield* Poller.make(plain)
        const handle = yield* poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote", cancelTimeout: "3 seconds" })
        const { at } = yield* outcomeIn(poller, handle.interrupt)
        assert.strictEqual(at, 3000)
      })
    )

    it.effect("interrupt during the remote cancel of a timeout - ends the wait as interrupted", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelableJob(() => Effect.succeed(pending), { cancel: Effect.never })
        const poller = yield* Poller.make(plain)
        const handle = yield* poller.add(job, "a", { deadline: "1 second", onTimeout: "cancelRemote" })
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(canceled, ["a"])
        yield* handle.interrupt
        assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(handle.await)))
        assert.strictEqual((yield* poller.stats).watched, 0)
      })
    )

    it.effect("interrupt of the last wait - cancels the job, though another wait has just timed out", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelableJob(() => Effect.succeed(pending), { strategy: every1s })
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", { deadline: "10 seconds", onTimeout: "cancelRemote" })
        const last = yield* poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote" })
        yield* TestClock.adjust("11 seconds")
        yield* last.interrupt
        assert.deepStrictEqual(canceled, ["a"])
      })
    )
  })

  describe("cancelRemote on timeout", () => {
    it.effect("timeout - cancels the job only if no other wait wants it", () =>
      Effect.gen(function* () {
        const { canceledAt, job } = cancelableJob(() => Effect.succeed(pending), { strategy: every1s })
        const poller = yield* Poller.make({ stagger: false })
        const add = (deadline: number) =>
          Effect.flatMap(
            poller.add(job, "a", { deadline, onTimeout: "cancelRemote", cancelTimeout: "1 second" }),
            follow
          )
        const [early, late] = [yield* add(5000), yield* add(20_000)]
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(canceledAt, [20_000])
        assert.deepStrictEqual(
          [early(), late()],
          [
            ["PollTimeout deadline", 6000],
            ["PollTimeout deadline", 21_000]
          ]
        )
      })
    )

    it.effect("waits that time out together - cancel the job once", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelableJob(() => Effect.succeed(pending), { strategy: every1s })
        const poller = yield* Poller.make(plain)
        const options = { deadline: "10 seconds", onTimeout: "cancelRemote" } as const
        yield* poller.add(job, "a", options)
        yield* poller.add(job, "a", options)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(canceled, ["a"])
      })
    )
  })

  describe("cancel", () => {
    it.effect("cancel of a handle - cancels the job once, and all waits see the end", () =>
      Effect.gen(function* () {
        let stopped = false
        const { canceled, job } = cancelableJob(() => Effect.sync(() => (stopped ? Status.canceled() : pending)), {
          cancel: Effect.sync(() => void (stopped = true))
        })
        const poller = yield* Poller.make({ stagger: false })
        const one = yield* poller.add(job, "a", hour)
        const two = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
        yield* TestClock.adjust("500 millis")
        yield* one.cancel
        assert.deepStrictEqual([two(), canceled], [["JobCanceled", 500], ["a"]])
      })
    )
  })

  describe("shutdown", () => {
    it.effect("shutdown - yields tokens that resume with the same deadline in either host", () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(() => pending)
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", { deadline: "30 seconds" })
        yield* poller.until(scriptedJob(doneAt(1)).job, "done", hour)
        yield* TestClock.adjust("10500 millis")
        const tokens = yield* poller.shutdown
        assert.deepStrictEqual(
          tokens.map(({ attempts, deadlineAt, dueAt, job, key, startedAt }) => ({
            attempts,
            deadlineAt,
            dueAt,
            job,
            key,
            startedAt
          })),
          [{ attempts: 11, deadlineAt: 30_000, dueAt: 11_000, job: "render", key: "a", startedAt: 0 }]
        )
        const before = checks.length
        yield* TestClock.adjust("4500 millis")
        assert.strictEqual(checks.length, before)
        // As in another process, in both hosts at the same time.
        const resumed = yield* Effect.forkChild(
          Effect.forEach(
            hosts,
            (host) =>
              Effect.flatMap(Effect.exit(host.resume(job, tokens[0]!)), (exit) =>
                Effect.map(Clock.currentTimeMillis, (at) => [host.name, ending(exit), at])
              ),
            { concurrency: "unbounded" }
          )
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Fiber.join(resumed), [
          ["Poll", "PollTimeout deadline", 30_000],
          ["Poller", "PollTimeout deadline", 30_000]
        ])
      })
    )

    it.effect("shutdown - interrupts waits, checks in flight and callers that wait for room", () =>
      Effect.gen(function* () {
        let interrupted = 0
        const { job, checks } = scriptedJob((key) =>
          key === "checks" ? Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)) : pending
        )
        const poller = yield* Poller.make({ ...plain, capacity: 3 })
        const handles = yield* Effect.forEach(["checks", "checks", "sleeps"], (key) => poller.add(job, key, hour))
        const waiting = yield* Effect.forkChild(poller.add(job, "no room", hour), { startImmediately: true })
        const ended = yield* Effect.forkChild(Effect.exit(handles[0]!.await), { startImmediately: true })
        assert.strictEqual((yield* poller.shutdown).length, 3)
        const exits: ReadonlyArray<Exit.Exit<unknown, unknown>> = [
          yield* Fiber.await(waiting),
          yield* Fiber.join(ended),
          yield* Effect.exit(poller.add(job, "late", hour))
        ]
        for (const exit of exits) assert(Exit.isFailure(exit) && Exit.hasInterrupts(exit))
        for (const entryPoint of [poller.until(job, "late", hour), poller.resume(job, storedToken({ key: "late" }))]) {
          assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(entryPoint as Effect.Effect<unknown, unknown>)))
        }
        assert.strictEqual(interrupted, 1)
        const before = checks.length
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual([checks.length, inspect(poller).waits, (yield* poller.shutdown).length], [before, 0, 3])
      })
    )

    it.effect("shutdown - yields the tokens though a check does not end, and the same to every caller", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(() => Effect.uninterruptible(slow("1 hour", pending)))
        const poller = yield* Scope.provide(Poller.make(plain), yield* Scope.make())
        const handle = yield* poller.add(job, "a", hour)
        const keys = Effect.map(poller.shutdown, (tokens) => tokens.map(({ key }) => key))
        assert.deepStrictEqual([yield* keys, yield* keys], [["a"], ["a"]])
        assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(handle.await)), "waits end at once")
      })
    )

    it.effect("shutdown - notifies the observers of the ends", () =>
      Effect.gen(function* () {
        const { notifications, observer } = recordEvents("10 millis")
        const { job } = scriptedJob(() => pending)
        const poller = yield* Poller.make(plain)
        for (const key of ["a", "b"]) yield* poller.add(job, key, { ...hour, observers: [observer] })
        yield* poller.shutdown
        yield* TestClock.adjust("1 minute")
        assert.includeMembers(
          notifications.map(({ event, key }) => `${key} ${event._tag}`),
          ["a Ended", "b Ended"]
        )
      })
    )

    for (const order of [
      ["cancelRemote", "leave"],
      ["leave", "cancelRemote"]
    ] as const) {
      it.effect(`shutdown - cancels a job if one of its waits asks for it (${order.join()})`, () =>
        Effect.gen(function* () {
          const poller = yield* Poller.make(plain)
          const { canceled, job } = cancelableJob(() => Effect.succeed(pending))
          for (const onClose of order) yield* poller.add(job, "a", { ...hour, onClose })
          yield* TestClock.adjust("1 second")
          const tokens = yield* poller.shutdown
          assert.deepStrictEqual([tokens, canceled], [[], []])
          yield* Effect.yieldNow
          assert.deepStrictEqual(canceled, ["a"])
        })
      )
    }

    it.effect("shutdown - cancels an idle job without waiting for checks of other jobs", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const { canceled, job } = cancelableJob(
          (key) => (key === "idle" ? Effect.succeed(pending) : Effect.uninterruptible(slow("1 hour", pending))),
          { strategy: every30m }
        )
        const options = { deadline: "2 hours", onClose: "cancelRemote" } as const
        for (const key of keysOf(64)) yield* poller.add(job, key, options)
        yield* poller.add(job, "idle", options)
        yield* TestClock.adjust("1 second")
        yield* Effect.forkChild(poller.shutdown)
        yield* TestClock.adjust("1 minute")
        const early = [...canceled]
        yield* TestClock.adjust("3 hours")
        assert.include(early, "idle")
      })
    )

    it.effect("scope that closes - calls onShutdown once, then cancels the remote jobs [R33]", () =>
      Effect.gen(function* () {
        const order: Array<string> = []
        const job = Job.make<string>("render", {
          check: () => Effect.succeed(pending),
          cancel: (key) => Effect.sync(() => void order.push(`cancel ${key}`))
        })
        const scope = yield* Scope.make()
        const poller = yield* Poller.make({
          ...plain,
          onShutdown: (running) => Effect.sync(() => void order.push(`running ${running.map(({ key }) => key).join()}`))
        }).pipe(Scope.provide(scope))
        yield* poller.add(job, "a", { ...hour, onClose: "cancelRemote" })
        yield* poller.add(job, "a", { ...hour, onClose: "cancelRemote" })
        yield* poller.add(job, "b", hour)
        yield* Scope.close(scope, Exit.void)
        assert.deepStrictEqual(order, ["running b", "cancel a"])
      })
    )
  })
})
