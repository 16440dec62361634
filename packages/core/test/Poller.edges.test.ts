import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Result from "effect/Result"
import * as Scheduler from "effect/Scheduler"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Observer from "effect-poll/Observer"
import * as Poller from "effect-poll/Poller"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { batching, doneAt, held, keysOf, scriptedJob, witness } from "./many.ts"
import { pending, token } from "./scripted.ts"

// Each of these was a defect once.

const hour = { deadline: "1 hour" } as const
const plain = { stagger: false, linger: 0 } as const

/** A request that does not end, not even when it is interrupted. */
const dying = Effect.onInterrupt(Effect.never, () => Effect.sleep("1 hour"))

describe("Poller edges: hangs and leaks", () => {
  it.effect("who leaves a stream of results frees the room of its waits", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(doneAt(1))
      const poller = yield* Poller.make({ ...plain, capacity: 4 })
      yield* Stream.runDrain(Stream.take(poller.results(job, keysOf(100), hour), 1))
      assert.strictEqual(held(poller).free, 4)
    })
  )

  it.effect("the place of a check that was given up goes to who stands in line", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((key, attempt) =>
        key === "deaf" && attempt === 1
          ? Effect.uninterruptible(Effect.as(Effect.sleep("20 seconds"), Status.succeeded("stale")))
          : Status.succeeded(`fresh ${key}`)
      )
      const poller = yield* Poller.make({ ...plain, concurrency: 1 })
      const options = {
        ...hour,
        checkTimeout: "5 seconds",
        checkErrors: { schedule: Strategy.spaced("1 second") }
      } as const
      const deaf = yield* poller.add(job, "deaf", options)
      yield* poller.add(job, "next", options)
      yield* TestClock.adjust("19 seconds")
      assert.strictEqual((yield* poller.stats).requests, 1)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([starts("deaf"), starts("next")], [[0, 20_000], [20_000]])
      assert.strictEqual(yield* deaf.await, "fresh deaf")
    })
  )

  it.effect("a removed check with a slow finalizer gives its place on", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((key) =>
        key === "slow" ? Effect.onInterrupt(Effect.never, () => Effect.sleep("1 second")) : Status.succeeded(key)
      )
      const poller = yield* Poller.make({ ...plain, concurrency: 1 })
      const slow = yield* poller.add(job, "slow", hour)
      yield* poller.add(job, "next", hour)
      yield* Effect.forkScoped(slow.interrupt, { startImmediately: true })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts("next"), [1000])
    })
  )

  it.effect("who is interrupted while it adds takes no place without a wait", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(() => pending)
      for (const ops of [3, 4, 5, 7]) {
        for (let steps = 0; steps < 40; steps++) {
          const poller = yield* Poller.make({ ...plain, capacity: 1 })
          const fiber = yield* Effect.forkChild(
            Effect.provideService(poller.add(job, "a", hour), Scheduler.MaxOpsBeforeYield, ops)
          )
          for (let i = 0; i < steps; i++) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
          const { free, waits } = held(poller)
          assert.strictEqual(free + waits, 1, `${ops} operations, ${steps} steps`)
        }
      }
    })
  )

  it.effect("`until` that is interrupted removes its wait, wherever it is interrupted", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(() => Effect.as(Effect.sleep("1 second"), pending), {
        strategy: Strategy.spaced("1 second")
      })
      for (const ops of [3, 4, 5, 7]) {
        for (let steps = 0; steps < 60; steps++) {
          const poller = yield* Poller.make({ ...plain, capacity: 3 })
          const fiber = yield* Effect.forkChild(
            Effect.provideService(poller.until(job, "a", hour), Scheduler.MaxOpsBeforeYield, ops)
          )
          for (let i = 0; i < steps; i++) yield* Effect.yieldNow
          yield* Fiber.interrupt(fiber)
          const { alarms, free, sleepers, waits } = held(poller)
          assert.deepStrictEqual([free, waits], [3, 0], `${ops} operations, ${steps} steps`)
          assert.isAtMost(alarms + sleepers, 2)
        }
      }
    })
  )

  it.effect("a key that cannot be encoded takes no place along", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(doneAt(1))
      const poller = yield* Poller.make({ ...plain, capacity: 10 })
      yield* Effect.exit(Stream.runDrain(poller.results(job, [""], hour)))
      assert.strictEqual(held(poller).free, 10)
    })
  )

  it.effect("services that are made for one request are let go", () =>
    Effect.gen(function* () {
      class Who extends Context.Service<Who, { readonly name: string }>()("test/Who") {}
      const job = Job.make("who", { check: (_: string) => Effect.map(Who, ({ name }) => Status.succeeded(name)) })
      const poller = yield* Poller.make(plain)
      for (const name of keysOf(1000)) yield* Effect.provideService(poller.until(job, "a", hour), Who, { name })
      // They are swept when they are many.
      assert.isAtMost(held(poller).sites, 300)
    })
  )

  it.effect("services of jobs that ended of late are let go, too", () =>
    Effect.gen(function* () {
      class Who extends Context.Service<Who, { readonly name: string }>()("test/Who") {}
      const job = Job.make("who", { check: (_: string) => Effect.map(Who, ({ name }) => Status.succeeded(name)) })
      const poller = yield* Poller.make()
      for (const name of keysOf(1000)) {
        yield* Effect.provideService(poller.until(job, "a", hour), Who, { name })
        yield* TestClock.adjust("10 seconds")
      }
      assert.isAtMost(held(poller).sites, 300)
    })
  )

  it.effect("waits with observers are let go", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(doneAt(1))
      const poller = yield* Poller.make(plain)
      const options = { ...hour, observers: [Observer.make(() => Effect.void)] }
      for (const key of keysOf(1000)) yield* Effect.withSpan(poller.until(job, key, options), "request")
      yield* TestClock.adjust("1 second")
      assert.isAtMost(held(poller).observed, 10)
    })
  )

  it.effect("of many waits that are resumed after their deadline each has its check", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob((key) => Effect.as(Effect.sleep("5 millis"), Status.succeeded(key)))
      const poller = yield* Poller.make(plain)
      yield* TestClock.adjust("1 hour")
      const watches = yield* Effect.forEach(keysOf(100), (key) => poller.resume(job, token({ key })))
      yield* TestClock.adjust("1 second")
      const exits = yield* Effect.forEach(watches, (watch) => Effect.exit(watch.await))
      assert.strictEqual(exits.filter(Exit.isSuccess).length, 100)
    })
  )

  it.effect("who comes for a key of a request that all have left asks anew, in time", () =>
    Effect.gen(function* () {
      let requests = 0
      const job = Job.make<string>("many", {
        check: () => Effect.never,
        checkMany: { max: 10, slack: 0, check: () => Effect.suspend(() => (requests++, dying)) }
      })
      const poller = yield* Poller.make(plain)
      const first = yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("1 second")
      yield* Effect.forkScoped(first.interrupt, { startImmediately: true })
      const second = yield* poller.add(job, "a", { deadline: "10 seconds" })
      yield* TestClock.adjust("11 seconds")
      const error = yield* Effect.flip(second.await)
      assert.deepStrictEqual([error._tag, requests], ["PollTimeout", 2])
    })
  )

  it.effect("a check that removes its own wait is interrupted, and gives its place on", () =>
    Effect.gen(function* () {
      const watches: Array<Handle<string, never, never>> = []
      const { job, starts } = scriptedJob((key, attempt) =>
        key === "own" && attempt === 2
          ? Effect.andThen(watches[0]!.interrupt, Effect.never)
          : attempt < 2
            ? pending
            : Status.succeeded(key)
      )
      const poller = yield* Poller.make({ ...plain, concurrency: 1 })
      watches.push(yield* poller.add(job, "own", hour))
      yield* poller.add(job, "next", hour)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([starts("next"), (yield* poller.stats).requests], [[0, 1000], 0])
    })
  )

  it.effect("pause and resume leave nothing behind", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(() => pending)
      const poller = yield* Poller.make(plain)
      const watch = yield* poller.add(job, "a", hour)
      for (let i = 0; i < 2000; i++) yield* Effect.andThen(watch.pause, watch.unpause)
      assert.isAtMost(held(poller).sleepers, 300)
    })
  )
})

describe("Poller edges: what comes in during a step", () => {
  it.effect("a reader of events that removes the wait removes it", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob((_, attempt) =>
        attempt === 1 ? Effect.as(Effect.sleep("1 second"), pending) : pending
      )
      const poller = yield* Poller.make(plain)
      const watch = yield* poller.add(job, "a", hour)
      yield* Effect.forkScoped(
        Stream.runForEach(watch.events, ({ _tag }) => (_tag === "Changed" ? watch.interrupt : Effect.void)),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([checks.length, (yield* poller.stats).ended], [1, { Interrupted: 1 }])
    })
  )

  it.effect("who goes on when a wait ends does not board a check of another job", () =>
    Effect.gen(function* () {
      const first = batching({ slack: 0 }).job
      const second = Job.make("second", { check: (key: string) => Effect.succeed(Status.succeeded(key)) })
      const poller = yield* Poller.make(plain)
      const gate = Gate.make(() => Effect.andThen(Effect.sleep("1 second"), Effect.die("bug")))
      const fiber = yield* Effect.forkChild(
        Effect.andThen(Effect.exit(poller.until(first, "x", { ...hour, gate })), poller.until(second, "y", hour))
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Fiber.await(fiber), Exit.succeed("y"))
    })
  )
})

describe("Poller edges: sharing", () => {
  it.effect("waits that give up together ask the server once", () =>
    Effect.gen(function* () {
      let asked = 0
      const job = Job.make("render", {
        check: (_: string) => Effect.succeed(pending),
        cancel: () => Effect.sync(() => void asked++),
        strategy: Strategy.spaced("1 second")
      })
      const poller = yield* Poller.make(plain)
      const options = { deadline: "10 seconds", onTimeout: "cancelRemote" } as const
      yield* poller.add(job, "a", options)
      yield* poller.add(job, "a", options)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(asked, 1)
    })
  )

  it.effect("the last who leaves asks the server, though another has just given up", () =>
    Effect.gen(function* () {
      let asked = 0
      const job = Job.make("render", {
        check: (_: string) => Effect.succeed(pending),
        cancel: () => Effect.sync(() => void asked++),
        strategy: Strategy.spaced("1 second")
      })
      const poller = yield* Poller.make(plain)
      yield* poller.add(job, "a", { deadline: "10 seconds", onTimeout: "cancelRemote" })
      const last = yield* poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote" })
      yield* TestClock.adjust("11 seconds")
      yield* last.interrupt
      assert.strictEqual(asked, 1)
    })
  )

  it.effect("the end of late answers without stagger and first wait, too", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob(doneAt(1))
      const poller = yield* Poller.make({ stagger: false })
      yield* poller.until(job, "a", hour)
      yield* poller.until(job, "a", hour)
      assert.strictEqual(checks.length, 1)
    })
  )

  it.effect("waits for a key that stand in line share a check", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((key) => Effect.as(Effect.sleep("1 second"), Status.succeeded(key)))
      const poller = yield* Poller.make({ ...plain, concurrency: 1 })
      for (const key of ["first", "a", "a", "a", "a"]) yield* poller.add(job, key, hour)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts("a"), [1000])
    })
  )

  it.effect("a shared key is asked for once in a request, whoever stands where in line", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ max: 2 })
      const poller = yield* Poller.make(plain)
      for (const key of ["a", "a", "b", "a", "b"]) yield* poller.add(job, key, hour)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(requests, [{ at: 1000, keys: ["a", "b"] }])
    })
  )

  it.effect("a key that leaves a request under way is not asked for beside it", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ whole: () => Effect.sleep(60_000) })
      const poller = yield* Poller.make(plain)
      const errors = { checkErrors: { schedule: Strategy.spaced("1 second") } }
      yield* poller.add(job, "hasty", { ...hour, ...errors, checkTimeout: "5 seconds" })
      yield* poller.add(job, "patient", { ...hour, checkTimeout: "10 minutes" })
      yield* TestClock.adjust("30 seconds")
      assert.deepStrictEqual(requests, [{ at: 1000, keys: ["hasty", "patient"] }])
    })
  )

  it.effect("services of a layer that is provided twice are the same services", () =>
    Effect.gen(function* () {
      class Who extends Context.Service<Who, { readonly name: string }>()("test/Layered") {}
      const job = Job.make("who", { check: (_: string) => Effect.as(Effect.asVoid(Who), pending) })
      const poller = yield* Poller.make(plain)
      const layer = Layer.succeed(Who, { name: "x" })
      yield* Effect.provide(poller.add(job, "a", hour), layer)
      yield* Effect.provide(poller.add(job, "a", hour), layer)
      assert.strictEqual(held(poller).sites, 1)
    })
  )

  it.effect("two symbols are two credentials, whatever they are called", () =>
    Effect.gen(function* () {
      class Secret extends Context.Service<Secret, symbol>()("test/Secret") {}
      const job = Job.make("who", { check: (_: string) => Effect.as(Effect.asVoid(Secret), pending) })
      const poller = yield* Poller.make(plain)
      yield* Effect.provideService(poller.add(job, "a", hour), Secret, Symbol("x"))
      yield* Effect.provideService(poller.add(job, "a", hour), Secret, Symbol("x"))
      assert.strictEqual(held(poller).sites, 2)
    })
  )

  it.effect("a wait that comes out of the line joins the check of its key that is under way", () =>
    Effect.gen(function* () {
      const { job, most, starts } = scriptedJob((key) =>
        Effect.as(Effect.sleep(key === "short" ? "100 millis" : "1 second"), Status.succeeded(key))
      )
      const poller = yield* Poller.make({ ...plain, concurrency: 2 })
      for (const key of ["short", "long", "a", "a"]) yield* poller.add(job, key, hour)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([starts("a"), most.perKey["render"]], [[100], 1])
    })
  )

  it.effect("keys of a request under way are not asked for beside it", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ max: 2, whole: () => Effect.sleep(100) })
      const poller = yield* Poller.make(plain)
      for (const key of ["a", "a", "b", "a", "b"]) yield* poller.add(job, key, hour)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(requests, [{ at: 1000, keys: ["a", "b"] }])
    })
  )
})

describe("Poller edges: time", () => {
  it.effect("coalesce does not hold back what is due", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob(doneAt(2))
      const poller = yield* Poller.make({ ...plain, coalesce: "10 millis" })
      for (const key of keysOf(1000)) yield* poller.add(job, key, hour)
      yield* TestClock.adjust("1 minute")
      assert.isAtMost(Math.max(...checks.map(({ start }) => start)), 1010)
    })
  )

  it.effect("coalesce does not hold back those who stand in line", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob(doneAt(2))
      const poller = yield* Poller.make({ ...plain, coalesce: "10 millis", concurrency: 1 })
      for (const key of keysOf(1000)) yield* poller.add(job, key, hour)
      yield* TestClock.adjust("1 minute")
      assert.isAtMost(Math.max(...checks.map(({ start }) => start)), 1010)
    })
  )

  it.effect("coalesce keeps the last check, and the deadline", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(() => pending)
      const poller = yield* Poller.make({ ...plain, coalesce: "50 millis" })
      yield* poller.add(job, "a", { ...hour, strategy: Strategy.spaced("980 millis") })
      const b = yield* poller.add(job, "b", { deadline: "1 second", strategy: Strategy.spaced("900 millis") })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(starts("b"), [0, 900, 1000])
      assert.isTrue(Exit.isFailure(yield* Effect.exit(b.await)))
    })
  )

  it.effect("who comes long after many others is not put off for them", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(doneAt(1))
      const poller = yield* Poller.make()
      for (const key of keysOf(10_000)) yield* poller.add(job, key, hour)
      yield* TestClock.adjust("5 seconds")
      yield* poller.add(job, "late", hour)
      yield* TestClock.adjust("5 seconds")
      assert.deepStrictEqual(starts("late"), [5000])
    })
  )

  it.effect("a check that is due is not put off to where its answer comes too late", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ slack: 1000, whole: () => Effect.sleep(100) })
      const poller = yield* Poller.make(plain)
      const strategy = Strategy.spaced("1 second").pipe(Strategy.withFirstWait("1100 millis"))
      const watch = yield* poller.add(job, "a", { deadline: "1500 millis", strategy })
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(requests, [{ at: 1100, keys: ["a"] }])
      assert.strictEqual(yield* watch.await, "a")
    })
  )

  it.effect("the last check stays where its answer fits, with slack and with coalesce", () =>
    Effect.gen(function* () {
      // Checks take 200 ms, so that the last one before 5100 is due at 4900.
      const late = (now: number) => (now > 4500 ? Status.succeeded("done") : pending)
      const check = Effect.andThen(Effect.sleep("200 millis"), Effect.map(Clock.currentTimeMillis, late))
      const one = Job.make<string>("one", { check: () => check })
      const many = Job.make<string>("many", {
        check: () => Effect.never,
        checkMany: {
          max: 10,
          slack: "1 second",
          check: (keys) => Effect.map(check, (status) => new Map(keys.map((key) => [key, Result.succeed(status)])))
        }
      })
      const poller = yield* Poller.make({ ...plain, coalesce: "1 second" })
      const options = { deadline: "5100 millis", strategy: Strategy.spaced("1200 millis") } as const
      const watches = [yield* poller.add(one, "a", options), yield* poller.add(many, "a", options)]
      yield* TestClock.adjust("1 minute")
      const exits = yield* Effect.forEach(watches, (watch) => Effect.exit(watch.await))
      assert.deepStrictEqual(exits, [Exit.succeed("done"), Exit.succeed("done")])
    })
  )
})

describe("Poller edges: requests for many", () => {
  it.effect("a key whose own answer is an error keeps to the slowest wish of the request", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({
        answer: (key) => (key === "bad" ? Effect.fail("reset") : CheckResult.withHint(pending, "30 seconds"))
      })
      const poller = yield* Poller.make(plain)
      for (const key of ["good", "bad"]) yield* poller.add(job, key, hour)
      yield* TestClock.adjust("20 seconds")
      assert.deepStrictEqual(
        requests.map(({ at }) => at),
        [1000]
      )
    })
  )

  it.effect("the checks of a request that was split keep to concurrency", () =>
    Effect.gen(function* () {
      const seen = witness()
      const job = Job.make<string, never, string>("split", {
        check: (key) => seen.watch("split", [key], Effect.as(Effect.sleep("10 millis"), Status.succeeded(key))),
        checkMany: { max: 100, check: () => Effect.fail("no") },
        checkErrors: { kindOf: () => CheckError.permanent() }
      })
      const poller = yield* Poller.make({ ...plain, concurrency: 1 })
      const ends = yield* Effect.forkChild(Stream.runCollect(poller.results(job, keysOf(20), hour)))
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(ends)
      assert.strictEqual(seen.most.total, 1)
    })
  )

  it.effect("force passes the gate of a job with requests for many", () =>
    Effect.gen(function* () {
      const { job } = batching()
      const poller = yield* Poller.make(plain)
      const gate = Gate.make(() => Effect.succeed(Gate.postponed("1 minute", "no")))
      const watch = yield* poller.add(job, "x", { ...hour, gate })
      yield* TestClock.adjust("2 seconds")
      yield* watch.checkNow({ force: true })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 1 })
    })
  )

  it.effect("force passes the gate when all places are taken, too", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((key) => Effect.as(Effect.sleep("1 second"), Status.succeeded(key)))
      const poller = yield* Poller.make({ ...plain, concurrency: 1 })
      const gate = Gate.make(() => Effect.succeed(Gate.postponed("1 minute", "no")))
      const watch = yield* poller.add(job, "gated", { ...hour, gate })
      yield* poller.add(job, "first", hour)
      yield* watch.checkNow({ force: true })
      yield* TestClock.adjust("10 seconds")
      assert.deepStrictEqual(starts("gated"), [1000])
    })
  )

  it.effect("first checks without stagger are gathered", () =>
    Effect.gen(function* () {
      let requests = 0
      const job = Job.make<string>("many", {
        check: () => Effect.never,
        checkMany: {
          max: 100,
          check: (keys) =>
            Effect.sync(() => (requests++, new Map(keys.map((key) => [key, Result.succeed(Status.succeeded(key))]))))
        }
      })
      const poller = yield* Poller.make(plain)
      const ends = yield* Effect.forkChild(Stream.runCount(poller.results(job, keysOf(1000), hour)))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* Fiber.join(ends), 1000)
      assert.isAtMost(requests, 12)
    })
  )

  it.effect("10,000 keys need at most a fifth more requests than the fewest", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ answer: () => pending })
      const poller = yield* Poller.make({ linger: 0, concurrency: 4 })
      const strategy = Strategy.spaced("5 seconds")
      for (const key of keysOf(10_000)) yield* poller.add(job, key, { deadline: "62 seconds", strategy })
      yield* TestClock.adjust("61 seconds")
      const due = new Map<number, number>()
      for (const { at, keys } of requests) due.set(at, (due.get(at) ?? 0) + keys.length)
      const fewest = [...due.values()].reduce((sum, keys) => sum + Math.ceil(keys / 100), 0)
      assert.isAtMost(requests.length, 1.2 * fewest)
    })
  )

  it.effect("as many keys as are due go into one request, up to its max", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ max: 1000 })
      const poller = yield* Poller.make(plain)
      for (const key of keysOf(1000)) yield* poller.add(job, key, hour)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(
        requests.map(({ keys }) => keys.length),
        [1000]
      )
    })
  )

  it.effect("a key that is checked elsewhere does not cut requests in two", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({
        answer: (key) => (key.endsWith("x") ? CheckResult.missing : pending),
        missing: { fallback: { locate: (key) => key, check: () => Effect.succeed(pending) } },
        strategy: Strategy.spaced("1 second")
      })
      const poller = yield* Poller.make(plain)
      for (const [at, key] of ["a", "bx", "c", "dx", "e"].entries()) {
        const strategy = Strategy.spaced("1 second").pipe(Strategy.withFirstWait(960 + at))
        yield* poller.add(job, key, { ...hour, strategy })
      }
      yield* TestClock.adjust("5 seconds")
      const all = ["a", "bx", "c", "dx", "e"]
      const here = ["a", "c", "e"]
      assert.deepStrictEqual(
        requests.map(({ keys }) => keys),
        [all, here, here, here, here]
      )
    })
  )

  it.effect("a key that nobody waits for any more is not checked alone", () =>
    Effect.gen(function* () {
      const alone: Array<string> = []
      const job = Job.make<string>("many", {
        check: (key) => Effect.sync(() => (alone.push(key), Status.succeeded(key))),
        checkMany: {
          max: 10,
          slack: 0,
          check: (keys) =>
            Effect.as(
              Effect.sleep("10 seconds"),
              new Map(keys.filter((key) => key === "stays").map((key) => [key, Result.succeed(Status.succeeded(key))]))
            )
        },
        strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait("1 second"))
      })
      const poller = yield* Poller.make(plain)
      const stays = yield* poller.add(job, "stays", hour)
      const leaves = yield* poller.add(job, "leaves", hour)
      yield* TestClock.adjust("5 seconds")
      yield* leaves.interrupt
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([yield* stays.await, alone], ["stays", []])
    })
  )

  it.effect("who asks anew for a key that others have left is told of it, not interrupted", () =>
    Effect.gen(function* () {
      // The answer lacks all keys, and each check of one takes ten seconds.
      const job = Job.make<string>("many", {
        check: (key) => Effect.as(Effect.sleep("10 seconds"), Status.succeeded(key)),
        checkMany: { max: 10, slack: 0, check: () => Effect.as(Effect.sleep("10 seconds"), new Map()) },
        strategy: Strategy.spaced("1 second")
      })
      const poller = yield* Poller.make(plain)
      const strategy = Strategy.spaced("1 second").pipe(Strategy.withFirstWait("1 second"))
      const watches = yield* Effect.forEach(["a", "b", "c"], (key) => poller.add(job, key, { ...hour, strategy }))
      yield* TestClock.adjust("5 seconds")
      for (const watch of watches.slice(0, 2)) yield* watch.interrupt
      yield* TestClock.adjust("8 seconds")
      const again = yield* Effect.forEach(["a", "b"], (key) => poller.add(job, key, hour))
      yield* TestClock.adjust("2 minutes")
      const exits = yield* Effect.forEach(again, (watch) => Effect.exit(watch.await))
      assert.deepStrictEqual(exits, [Exit.succeed("a"), Exit.succeed("b")])
    })
  )
})
