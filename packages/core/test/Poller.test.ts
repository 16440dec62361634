import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { doneAt, held, scriptedJob, keysOf } from "./many.ts"
import { ending, pending, token } from "./scripted.ts"

const hour = { deadline: "1 hour" } as const
const plain = { stagger: false, linger: 0 } as const

/** A job whose keys say how they end: "ok 3" after 3 seconds, "bad 2" fails after 2, all others never. */
const spoken = () =>
  scriptedJob<string, string>((key, attempt) => {
    const [word, seconds] = key.split(" ")
    if (seconds === undefined || attempt <= Number(seconds)) return pending
    return word === "ok" ? Status.succeeded(key) : Status.failed(key)
  })

/** How an effect ends, and when; what the Poller still watches then. */
const outcome = <A, E>(poller: Poller.Service, effect: Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(
      Effect.flatMap(Effect.exit(effect), (exit) =>
        Effect.zip(Effect.zip(Effect.succeed(exit), Clock.currentTimeMillis), poller.stats)
      )
    )
    yield* TestClock.adjust("10 minutes")
    const [[exit, at], { watched }] = yield* Fiber.join(fiber)
    return { exit, at, watched }
  })

describe("Poller.make", () => {
  it("throws what is wrong with its figures at the call", () => {
    const cases: ReadonlyArray<readonly [Poller.Options, RegExp]> = [
      [{ concurrency: 0 }, /^Poller\.make: concurrency must be an integer >= 1, got 0$/],
      [{ concurrency: 1.5 }, /concurrency must be an integer >= 1, got 1\.5/],
      [{ concurrencyPerJob: Number.NaN }, /concurrencyPerJob must be an integer >= 1, got NaN/],
      [{ capacity: -1 }, /capacity must be an integer >= 1, got -1/],
      [{ coalesce: -1 }, /coalesce must be a non-negative finite duration/],
      [{ linger: Infinity }, /linger must be a non-negative finite duration/]
    ]
    for (const [options, message] of cases) assert.throws(() => Poller.make(options), message)
    const unbounded = Poller.make({
      concurrency: "unbounded",
      concurrencyPerJob: "unbounded",
      capacity: "unbounded",
      coalesce: 0,
      linger: 0
    })
    assert.isTrue(Effect.isEffect(unbounded))
  })

  it.effect("throws what is wrong with a wait at the call", () =>
    Effect.gen(function* () {
      const { job } = spoken()
      const poller = yield* Poller.make(plain)
      assert.throws(() => poller.add(job, "a", { deadline: 0 }), /^Poller\.add: deadline/)
      assert.throws(() => poller.add(job, "", hour), /^Poller\.add: key/)
      assert.throws(() => poller.until(job, "a", { deadline: -1 }), /^Poller\.until: deadline/)
      assert.throws(() => poller.resume(job, token({}), { checkTimeout: 0 }), /^Poller\.resume: checkTimeout/)
    })
  )

  it.effect("is a layer, too", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(doneAt(1))
      const running: Array<ReadonlyArray<ResumeToken>> = []
      const layer = Poller.layer({ onShutdown: (tokens) => Effect.sync(() => void running.push(tokens)) })
      const result = yield* Effect.gen(function* () {
        const poller = yield* Poller.Poller
        yield* poller.add(spoken().job, "never", hour)
        return yield* poller.until(job, "a", hour)
      }).pipe(Effect.provide(layer))
      assert.deepStrictEqual([result, running.map((tokens) => tokens.map(({ key }) => key))], ["a.png", [["never"]]])
    })
  )
})

describe("Poller, its status", () => {
  it.effect("says what every wait is doing", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob<string, string>((key) => {
        if (key === "ok") return Status.succeeded(key)
        if (key === "bad") return Status.failed(key)
        if (key === "bug") return Effect.die("bug")
        return key === "checks" ? Effect.never : pending
      })
      const poller = yield* Poller.make({ ...plain, concurrency: 2 })
      for (const key of ["ok", "bad", "bug", "sleeps", "removed", "paused"]) yield* poller.add(job, key, hour)
      const gone = yield* poller.add(job, "removed", hour)
      yield* gone.interrupt
      for (const key of ["checks", "checks", "checks too"]) {
        yield* poller.add(Job.make(key, { check: () => Effect.never }), key, hour)
      }
      yield* poller.add(job, "waits", hour)
      const { ended, ...now } = yield* poller.stats
      assert.deepStrictEqual(now, { watched: 7, waiting: 3, queued: 2, checking: 2, requests: 2 })
      assert.deepStrictEqual(ended, { Succeeded: 1, JobFailed: 1, Defect: 1, Interrupted: 1 })
    })
  )
})

describe("Poller, handles", () => {
  it.effect("a wait does not end with the fiber that added it, nor with who awaits it", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(doneAt(3))
      const poller = yield* Poller.make(plain)
      const watch = yield* Fiber.join(yield* Effect.forkChild(poller.add(job, "a", hour)))
      const reader = yield* Effect.forkChild(watch.await, { startImmediately: true })
      yield* Fiber.interrupt(reader)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* watch.await, "a.png")
    })
  )

  it.effect("remove waits for the finalizers of the check that it ends, and is nothing after the end", () =>
    Effect.gen(function* () {
      let cleaned = false
      const { job } = scriptedJob(() =>
        Effect.onInterrupt(Effect.never, () =>
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => (cleaned = true))
          )
        )
      )
      const poller = yield* Poller.make(plain)
      const watch = yield* poller.add(job, "a", hour)
      const remove = yield* Effect.forkChild(watch.interrupt, { startImmediately: true })
      assert.strictEqual(ending(yield* Effect.exit(watch.await)), "defect")
      assert.isUndefined(remove.pollUnsafe())
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(remove)
      assert.isTrue(cleaned)
      yield* watch.interrupt
      yield* watch.checkNow()
      yield* watch.pause
      yield* watch.unpause
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual((yield* poller.stats).ended, { Interrupted: 1 })
    })
  )

  it.effect("a remote cancel that hangs holds remove for cancelTimeout at most", () =>
    Effect.gen(function* () {
      const job = Job.make("render", { check: (_: string) => Effect.succeed(pending), cancel: () => Effect.never })
      const poller = yield* Poller.make(plain)
      const watch = yield* poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote", cancelTimeout: "3 seconds" })
      const { at } = yield* outcome(poller, watch.interrupt)
      assert.strictEqual(at, 3000)
    })
  )

  it.effect("removed during the remote cancel of a timeout, it ends as interrupted", () =>
    Effect.gen(function* () {
      let asked = 0
      const job = Job.make("render", {
        check: (_: string) => Effect.succeed(pending),
        cancel: () =>
          Effect.andThen(
            Effect.sync(() => asked++),
            Effect.never
          )
      })
      const poller = yield* Poller.make(plain)
      const watch = yield* poller.add(job, "a", { deadline: "1 second", onTimeout: "cancelRemote" })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(asked, 1)
      yield* watch.interrupt
      assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(watch.await)))
      assert.strictEqual((yield* poller.stats).watched, 0)
    })
  )

  it.effect("events tell of checks and sleeps only to who reads them, and end with the wait", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(doneAt(3))
      const poller = yield* Poller.make(plain)
      const watch = yield* poller.add(job, "a", hour)
      const fiber = yield* Effect.forkChild(Stream.runCollect(Stream.map(watch.events, ({ _tag }) => _tag)), {
        startImmediately: true
      })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Fiber.join(fiber), ["Changed", "Unchanged", "Waiting", "Changed", "Ended"])
      assert.deepStrictEqual(yield* Stream.runCollect(Stream.map(watch.events, ({ _tag }) => _tag)), [
        "Changed",
        "Ended"
      ])
    })
  )

  it.effect("observers are told of every wait, in order", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const observer = Observer.make(({ event, key }) => Effect.sync(() => void told.push(`${key} ${event._tag}`)))
      const { job } = scriptedJob(doneAt(1))
      const poller = yield* Poller.make(plain)
      for (const key of ["a", "b"]) yield* poller.until(job, key, { ...hour, observers: [observer] })
      yield* TestClock.adjust("1 millis")
      assert.deepStrictEqual(told, ["a Started", "a Changed", "a Ended", "b Started", "b Changed", "b Ended"])
    })
  )

  it.effect("an observer that takes its time when no wait is left is told of the next one", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const ended: Array<string> = []
      let first = true
      const observer = Observer.make((notification) =>
        Effect.suspend(() => {
          const slow = first
          first = false
          return Effect.andThen(
            slow ? Effect.sleep("1 hour") : Effect.void,
            Effect.sync(() => {
              if (notification.event._tag === "Ended") ended.push(notification.key)
            })
          )
        })
      )
      const options = { ...hour, observers: [observer] }
      const job = Job.make<string>("j", { check: (key) => Effect.succeed(Status.succeeded(key)) })
      yield* poller.until(job, "a", options)
      yield* TestClock.adjust("10 minutes")
      yield* poller.until(job, "b", options)
      yield* TestClock.adjust("2 hours")
      assert.include(ended, "b")
    })
  )

  it.effect("observers are told of no sleep of those who come when a turn is over", () =>
    Effect.gen(function* () {
      const told = new Set<string>()
      const observer = Observer.make(({ event }) => Effect.sync(() => void told.add(event._tag)))
      const { job } = scriptedJob(() => Effect.as(Effect.sleep("1 second"), Status.succeeded("a.png")))
      const poller = yield* Poller.make({ ...plain, concurrency: "unbounded" })
      const ends = poller.results(job, keysOf(200), { ...hour, observers: [observer] })
      const fiber = yield* Effect.forkChild(Stream.runCount(ends))
      // Those of the second turn begin when the clock has moved already.
      yield* TestClock.adjust("1 second")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* Fiber.join(fiber), [...told].toSorted()], [200, ["Changed", "Ended", "Started"]])
    })
  )
})

describe("Poller, its end", () => {
  it.effect("shutdown yields tokens of what still runs, to be resumed with the same deadline", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob(() => pending)
      const poller = yield* Poller.make(plain)
      yield* poller.add(job, "a", { deadline: "30 seconds" })
      const done = scriptedJob(doneAt(1))
      yield* poller.until(done.job, "done", hour)
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
      // Another process, with either host.
      const second = yield* Poller.make(plain)
      const here = yield* Effect.forkChild(
        outcome(
          second,
          Effect.flatMap(second.resume(job, tokens[0]!), (watch) => watch.await)
        )
      )
      const there = yield* Effect.forkChild(
        Effect.flatMap(Effect.exit(Poll.resume(job, tokens[0]!)), (exit) =>
          Effect.zip(Effect.succeed(exit), Clock.currentTimeMillis)
        ),
        { startImmediately: true }
      )
      const { at, exit } = yield* Fiber.join(here)
      const [exitThere, atThere] = yield* Fiber.join(there)
      assert.deepStrictEqual([ending(exit), at], ["PollTimeout deadline", 30_000])
      assert.deepStrictEqual([ending(exitThere), atThere], ["PollTimeout deadline", 30_000])
    })
  )

  it.effect("waits and those who want to add are interrupted, checks are too", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const { job, checks } = scriptedJob((key) =>
        key === "checks" ? Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++)) : pending
      )
      const poller = yield* Poller.make({ ...plain, capacity: 3 })
      const watches = yield* Effect.forEach(["checks", "checks", "sleeps"], (key) => poller.add(job, key, hour))
      const waiting = yield* Effect.forkChild(poller.add(job, "no room", hour), { startImmediately: true })
      const ended = yield* Effect.forkChild(Effect.exit(watches[0]!.await), { startImmediately: true })
      assert.strictEqual((yield* poller.shutdown).length, 3)
      const exits: ReadonlyArray<Exit.Exit<unknown, unknown>> = [
        yield* Fiber.await(waiting),
        yield* Fiber.join(ended),
        yield* Effect.exit(poller.add(job, "late", hour))
      ]
      for (const exit of exits) assert(Exit.isFailure(exit) && Exit.hasInterrupts(exit))
      for (const face of [poller.until(job, "late", hour), poller.resume(job, token({ key: "late" }))]) {
        assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(face as Effect.Effect<unknown, unknown>)))
      }
      assert.strictEqual(interrupted, 1)
      const before = checks.length
      yield* TestClock.adjust("1 hour")
      assert.deepStrictEqual([checks.length, held(poller).waits, (yield* poller.shutdown).length], [before, 0, 3])
    })
  )

  it.effect("closing the scope tells onShutdown once, after the servers were asked to stop what they should", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const job = Job.make("render", {
        check: (_: string) => Effect.succeed(pending),
        cancel: (key) => Effect.sync(() => void order.push(`cancel ${key}`)),
        strategy: Strategy.spaced("1 second")
      })
      const scope = yield* Scope.make()
      const poller = yield* Poller.make({
        ...plain,
        onShutdown: (running) => Effect.sync(() => void order.push(`running ${running.map(({ key }) => key).join()}`))
      }).pipe(Scope.provide(scope))
      yield* poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote" })
      yield* poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote" })
      yield* poller.add(job, "b", hour)
      yield* Scope.close(scope, Exit.void)
      assert.deepStrictEqual(order, ["cancel a", "running a,a,b"])
    })
  )

  it.effect("a shutdown that is interrupted continues, and every caller gets the same tokens", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(() => Effect.uninterruptible(Effect.as(Effect.sleep("10 seconds"), pending)))
      const poller = yield* Poller.make(plain)
      const watch = yield* poller.add(job, "a", hour)
      const first = yield* Effect.forkChild(poller.shutdown, { startImmediately: true })
      assert.isTrue(Exit.hasInterrupts(yield* Effect.exit(watch.await)), "waits end at once")
      yield* Fiber.interrupt(first)
      const second = yield* Effect.forkChild(poller.shutdown, { startImmediately: true })
      yield* TestClock.adjust("9 seconds")
      assert.strictEqual(second.pollUnsafe(), undefined, "a check is under way")
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(
        (yield* Fiber.join(second)).map(({ key }) => key),
        ["a"]
      )
      assert.deepStrictEqual(
        (yield* poller.shutdown).map(({ key }) => key),
        ["a"]
      )
    })
  )

  it.effect("observers hear of the end before the Poller is gone", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const observer = Observer.make(({ event, key }) =>
        Effect.andThen(
          Effect.sleep("10 millis"),
          Effect.sync(() => void told.push(`${key} ${event._tag}`))
        )
      )
      const { job } = scriptedJob(() => pending)
      const poller = yield* Poller.make(plain)
      for (const key of ["a", "b"]) yield* poller.add(job, key, { ...hour, observers: [observer] })
      const closed = yield* Effect.forkChild(poller.shutdown)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(closed)
      assert.includeMembers(told, ["a Ended", "b Ended"])
    })
  )
})
