import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poller from "effect-poll/Poller"
import * as CheckError from "effect-poll/CheckError"
import type * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { doneAt, held, keysOf, scriptedJob } from "./many.ts"
import { ending, pending } from "./scripted.ts"

const hour = { deadline: "1 hour" } as const

/** How a wait ended and when, as soon as it has. */
const follow = <A, F, E>(watch: Handle<A, F, E>) =>
  Effect.gen(function* () {
    const seen: { at: number; exit: Exit.Exit<A, PollError.PollError<F, E>> | undefined } = { at: NaN, exit: undefined }
    yield* Effect.forkScoped(
      Effect.flatMap(Effect.exit(watch.await), (exit) =>
        Effect.map(Clock.currentTimeMillis, (at) => Object.assign(seen, { at, exit }))
      ),
      { startImmediately: true }
    )
    return () => [seen.exit === undefined ? "running" : ending(seen.exit), seen.at]
  })

describe("Poller, many waits for one key", () => {
  it.effect("one check serves all, and deadlines are the own of each wait", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((_, attempt) => (attempt < 5 ? pending : Status.succeeded("a.png")), {
        strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait("1 second"))
      })
      const poller = yield* Poller.make({ stagger: false })
      const ends = yield* Effect.forEach([2500, 3500, 60_000, 60_000], (deadline) =>
        Effect.flatMap(poller.add(job, "a", { deadline }), follow)
      )
      yield* TestClock.adjust("1 minute")
      // The last checks before the deadlines are checks of all.
      assert.deepStrictEqual(starts("a"), [1000, 2000, 2500, 3500, 4500])
      assert.deepStrictEqual(
        ends.map((end) => end()),
        [
          ["PollTimeout deadline", 2500],
          ["PollTimeout deadline", 3500],
          ["a.png", 4500],
          ["a.png", 4500]
        ]
      )
    })
  )

  it.effect("a gate that puts their check off puts it off for all", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(() => Status.succeeded("a.png"))
      const poller = yield* Poller.make({ stagger: false })
      const gate = Gate.make(() =>
        Effect.map(Clock.currentTimeMillis, (now) => (now < 10_000 ? Gate.postponed("3 seconds", "no") : Gate.open))
      )
      const ends = yield* Effect.forEach([1, 2, 3], () =>
        Effect.flatMap(poller.add(job, "a", { ...hour, gate }), follow)
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts("a"), [12_000])
      assert.deepStrictEqual(
        ends.map((end) => end()),
        [1, 2, 3].map(() => ["a.png", 12_000])
      )
    })
  )

  it.effect("a stall is the own of each wait", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob((_, attempt) => (attempt < 8 ? pending : Status.succeeded("a.png")))
      const poller = yield* Poller.make({ stagger: false })
      const stalled = yield* Effect.flatMap(poller.add(job, "a", { ...hour, stall: { after: "3 seconds" } }), follow)
      const patient = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(
        [stalled(), patient()],
        [
          ["JobStalled", 3000],
          ["a.png", 6000]
        ]
      )
    })
  )

  it.effect("who comes during a check joins it", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(() => Effect.as(Effect.sleep("1 second"), Status.succeeded("a.png")))
      const poller = yield* Poller.make({ stagger: false })
      const first = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
      yield* TestClock.adjust("600 millis")
      const second = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([starts("a"), first(), second()], [[0], ["a.png", 1000], ["a.png", 1000]])
    })
  )

  it.effect("who joins has the whole checkTimeout, and each has its own", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((_, attempt) =>
        attempt === 1 ? Effect.as(Effect.sleep("3 seconds"), Status.succeeded("late")) : Effect.never
      )
      const poller = yield* Poller.make({ stagger: false })
      const errors = { checkErrors: { maxConsecutive: 0 } } as const
      const hasty = yield* Effect.flatMap(
        poller.add(job, "a", { ...hour, ...errors, checkTimeout: "1 second" }),
        follow
      )
      yield* TestClock.adjust("500 millis")
      const joined = yield* Effect.flatMap(
        poller.add(job, "a", { ...hour, ...errors, checkTimeout: "2600 millis" }),
        follow
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([starts("a"), hasty(), joined()], [[0], ["CheckErrorsExhausted", 1000], ["late", 3000]])
    })
  )

  it.effect("who leaves during a check takes it along only if it is the last", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const { job, checks } = scriptedJob(() =>
        Effect.onInterrupt(Effect.as(Effect.sleep("1 second"), Status.succeeded("a.png")), () =>
          Effect.sync(() => interrupted++)
        )
      )
      const poller = yield* Poller.make({ stagger: false })
      const one = yield* poller.add(job, "a", hour)
      const two = yield* Effect.flatMap(poller.add(job, "a", hour), follow)
      yield* one.interrupt
      assert.strictEqual(interrupted, 0)
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(two(), ["a.png", 1000])
      const last = yield* poller.add(job, "b", hour)
      yield* last.interrupt
      assert.deepStrictEqual([interrupted, checks.length], [1, 2])
      assert.strictEqual((yield* poller.stats).requests, 0)
    })
  )

  it.effect("a defect, a permanent error and an interruption inside a check end all that share it, and no other", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob<string, never, string>((key) =>
        Effect.andThen(
          Effect.sleep("1 second"),
          key === "defect"
            ? Effect.die("bug")
            : key === "permanent"
              ? Effect.fail("403")
              : key === "own"
                ? Effect.interrupt
                : Effect.succeed(Status.succeeded(key))
        )
      )
      const poller = yield* Poller.make({ stagger: false })
      const keys = ["defect", "permanent", "own", "fine", "defect", "permanent", "own", "fine"]
      const ends = yield* Effect.forEach(keys, (key) =>
        Effect.flatMap(poller.add(job, key, { ...hour, checkErrors: { kindOf: () => CheckError.permanent() } }), follow)
      )
      yield* TestClock.adjust("1 minute")
      const expected = ["defect", "CheckRejected", "defect", "fine"].map((end) => [end, 1000])
      assert.deepStrictEqual(
        ends.map((end) => end()),
        [...expected, ...expected]
      )
      assert.deepStrictEqual((yield* poller.stats).ended, {
        Defect: 2,
        CheckRejected: 2,
        Interrupted: 2,
        Succeeded: 2
      })
    })
  )

  it.effect("a wait that checks elsewhere shares no check with one that does not", () =>
    Effect.gen(function* () {
      const checks: Array<string> = []
      let known = false
      const job = Job.make<string>("moved", {
        check: (key) =>
          Effect.suspend(() => {
            checks.push(key)
            return Effect.succeed(known ? Status.succeeded("here") : CheckResult.missing)
          }),
        missing: {
          fallback: {
            locate: (key) => `old ${key}`,
            check: (key) =>
              Effect.andThen(
                Effect.sync(() => checks.push(key)),
                Effect.as(Effect.sleep("1 second"), Status.succeeded("elsewhere"))
              )
          }
        }
      })
      const poller = yield* Poller.make({ stagger: false })
      const moved = yield* poller.add(job, "a", hour)
      known = true
      yield* TestClock.adjust("500 millis")
      const fresh = yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([yield* moved.await, yield* fresh.await], ["elsewhere", "here"])
      assert.deepStrictEqual(checks, ["a", "old a", "a"])
    })
  )

  it.effect("a wait that sleeps until it checks elsewhere joins no check here", () =>
    Effect.gen(function* () {
      const checks: Array<string> = []
      const job = Job.make<string>("moved", {
        check: (key) =>
          Effect.sync(() => {
            checks.push(key)
            return checks.length === 1 ? CheckResult.missing : Status.succeeded("here")
          }),
        missing: {
          fallback: {
            locate: (key) => `old ${key}`,
            check: (key) =>
              Effect.sync(() => {
                checks.push(key)
                return checks.length === 2 ? pending : Status.succeeded("elsewhere")
              })
          }
        },
        strategy: Strategy.spaced("1 second")
      })
      const poller = yield* Poller.make({ stagger: false })
      const moved = yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("500 millis")
      const fresh = yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([yield* moved.await, yield* fresh.await], ["elsewhere", "here"])
      assert.deepStrictEqual(checks, ["a", "old a", "a", "old a"])
    })
  )

  it.effect("the server is asked to stop a job by the last who leaves", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const { job } = scriptedJob(() => pending)
      const stoppable = Job.make("render", {
        ...job,
        cancel: (key: string) => Effect.sync(() => void asked.push(key))
      })
      const poller = yield* Poller.make({ stagger: false })
      const options = { ...hour, onInterrupt: "cancelRemote" } as const
      const [one, two, three] = [
        yield* poller.add(stoppable, "a", options),
        yield* poller.add(stoppable, "a", options),
        yield* poller.add(stoppable, "b", options)
      ]
      yield* one.interrupt
      assert.deepStrictEqual(asked, [])
      yield* two.interrupt
      assert.deepStrictEqual(asked, ["a"])
      // Those who ask for nothing leave the job as it is.
      const quiet = yield* poller.add(stoppable, "c", hour)
      yield* quiet.interrupt
      yield* three.interrupt
      yield* three.interrupt
      assert.deepStrictEqual(asked, ["a", "b"])
    })
  )

  it.effect("a timeout asks the server to stop a job only if nobody else waits for it", () =>
    Effect.gen(function* () {
      const asked: Array<number> = []
      const { job } = scriptedJob(() => pending)
      const stoppable = Job.make("render", {
        ...job,
        cancel: () => Effect.map(Clock.currentTimeMillis, (now) => void asked.push(now))
      })
      const poller = yield* Poller.make({ stagger: false })
      const add = (deadline: number) =>
        Effect.flatMap(
          poller.add(stoppable, "a", { deadline, onTimeout: "cancelRemote", cancelTimeout: "1 second" }),
          follow
        )
      const [early, late] = [yield* add(5000), yield* add(20_000)]
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(asked, [20_000])
      assert.deepStrictEqual(
        [early(), late()],
        [
          ["PollTimeout deadline", 6000],
          ["PollTimeout deadline", 21_000]
        ]
      )
    })
  )

  it.effect("`cancel` of a handle asks the server once, and all see the end", () =>
    Effect.gen(function* () {
      let stopped = false
      const { job } = scriptedJob(() => Effect.sync(() => (stopped ? Status.canceled() : pending)))
      const stoppable = Job.make("render", { ...job, cancel: () => Effect.sync(() => void (stopped = true)) })
      const poller = yield* Poller.make({ stagger: false })
      const one = yield* poller.add(stoppable, "a", hour)
      const two = yield* Effect.flatMap(poller.add(stoppable, "a", hour), follow)
      yield* TestClock.adjust("500 millis")
      yield* one.cancel
      assert.deepStrictEqual(two(), ["JobCanceled", 500])
    })
  )
})

describe("Poller, the end of late", () => {
  it.effect("is answered with within linger, and checked for again after it", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(doneAt(1), {
        strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait("100 millis"))
      })
      const poller = yield* Poller.make({ stagger: false, linger: "2 seconds" })
      const first = yield* Effect.forkChild(poller.until(job, "a", hour))
      yield* TestClock.adjust("100 millis")
      assert.strictEqual(yield* Fiber.join(first), "a.png")
      yield* TestClock.adjust("1999 millis")
      assert.strictEqual(yield* poller.until(job, "a", hour), "a.png")
      assert.deepStrictEqual(starts("a"), [100])
      // What was told from memory does not keep itself alive for ever; here it does for 2 seconds more.
      yield* TestClock.adjust("2 seconds")
      const again = yield* Effect.forkChild(poller.until(job, "a", hour))
      yield* TestClock.adjust("100 millis")
      yield* Fiber.join(again)
      assert.deepStrictEqual(starts("a"), [100, 4199])
    })
  )

  it.effect("is no answer for who waits for a later run, nor with linger 0, nor for another key", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob(doneAt(1), {
        strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait("100 millis"))
      })
      const poller = yield* Poller.make({ stagger: false })
      const forgetful = yield* Poller.make({ stagger: false, linger: 0 })
      const wait = (on: Poller.Service, key: string, since?: CheckResult.Run) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(on.until(job, key, { ...hour, since }), { startImmediately: true })
          yield* TestClock.adjust("100 millis")
          return yield* Fiber.join(fiber)
        })
      yield* wait(poller, "a")
      yield* wait(poller, "a", { generation: 2 })
      yield* wait(poller, "b")
      assert.deepStrictEqual([starts("a").length, starts("b").length], [2, 1])
      yield* wait(forgetful, "c")
      yield* wait(forgetful, "c")
      assert.strictEqual(starts("c").length, 2)
    })
  )

  it.effect("bad ends are remembered too, but not our own", () =>
    Effect.gen(function* () {
      const { job, checks } = scriptedJob<string, string>(
        (key) => (key === "failed" ? Status.failed("bad") : pending),
        {
          strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait("100 millis"))
        }
      )
      const poller = yield* Poller.make({ stagger: false })
      const wait = (key: string) =>
        Effect.gen(function* () {
          const fiber = yield* Effect.forkChild(Effect.exit(poller.until(job, key, { deadline: "300 millis" })), {
            startImmediately: true
          })
          yield* TestClock.adjust("300 millis")
          return ending(yield* Fiber.join(fiber))
        })
      assert.deepStrictEqual([yield* wait("failed"), yield* wait("failed")], ["JobFailed", "JobFailed"])
      assert.strictEqual(checks.length, 1)
      assert.deepStrictEqual(
        [yield* wait("slow"), yield* wait("slow")],
        ["PollTimeout deadline", "PollTimeout deadline"]
      )
      assert.strictEqual(checks.length, 5)
    })
  )
})

describe("Poller, services", () => {
  class Token extends Context.Service<Token, { readonly secret: string }>()("test/Token") {}

  const whoami = () => {
    const checks: Array<string> = []
    const job = Job.make("whoami", {
      check: (_: string) =>
        Effect.gen(function* () {
          const { secret } = yield* Token
          checks.push(secret)
          yield* Effect.sleep("1 second")
          return Status.succeeded(secret)
        })
    })
    return { job, checks }
  }

  it.effect("other credentials check for themselves, the same ones share", () =>
    Effect.gen(function* () {
      const { job, checks } = whoami()
      const poller = yield* Poller.make({ stagger: false })
      const [ann, bob] = [{ secret: "ann" }, { secret: "bob" }]
      const fibers = yield* Effect.forEach([ann, bob, ann, bob], (token) =>
        Effect.forkChild(Effect.provideService(poller.until(job, "a", hour), Token, token), { startImmediately: true })
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.joinAll(fibers), ["ann", "bob", "ann", "bob"])
      assert.deepStrictEqual(checks, ["ann", "bob"])
      // Nor do they get each other's end of late.
      const cid = yield* Effect.forkChild(
        Effect.provideService(poller.until(job, "a", hour), Token, { secret: "cid" }),
        { startImmediately: true }
      )
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Fiber.join(cid), "cid")
    })
  )

  it.effect("credentials that are plain strings are told apart by what they are", () =>
    Effect.gen(function* () {
      class Plain extends Context.Service<Plain, string>()("test/Plain") {}
      const checks: Array<string> = []
      const job = Job.make("plain", {
        check: (_: string) =>
          Effect.flatMap(Plain, (secret) =>
            Effect.as(
              Effect.andThen(
                Effect.sync(() => checks.push(secret)),
                Effect.sleep("1 second")
              ),
              Status.succeeded(secret)
            )
          )
      })
      const poller = yield* Poller.make({ stagger: false })
      const fibers = yield* Effect.forEach(["ann", "bob", "ann"], (secret) =>
        Effect.forkChild(Effect.provideService(poller.until(job, "a", hour), Plain, secret), { startImmediately: true })
      )
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.joinAll(fibers), ["ann", "bob", "ann"])
      assert.deepStrictEqual(checks, ["ann", "bob"])
    })
  )

  it.effect("other spans, log annotations and scopes are no other services", () =>
    Effect.gen(function* () {
      const { job, starts } = scriptedJob((key) => Effect.as(Effect.sleep("1 second"), Status.succeeded(key)))
      const poller = yield* Poller.make({ stagger: false })
      const add = poller.add(job, "a", hour)
      yield* Effect.withSpan(add, "one")
      yield* Effect.withSpan(add, "two")
      yield* Effect.annotateLogs(add, { request: 3 })
      yield* Effect.withLogSpan(add, "four")
      yield* Effect.scoped(add)
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(starts("a"), [0])
      assert.deepStrictEqual((yield* poller.stats).ended, { Succeeded: 5 })
    })
  )

  it.effect("a check is a child of the span where its wait was added", () =>
    Effect.gen(function* () {
      const parents: Array<string> = []
      const job = Job.make("traced", {
        check: (_: string) =>
          Effect.as(
            Effect.flatMap(Effect.currentParentSpan, (span) =>
              Effect.sync(() => parents.push(span._tag === "Span" ? span.name : "external"))
            ),
            pending
          ),
        strategy: Strategy.spaced("1 second")
      })
      const poller = yield* Poller.make({ stagger: false })
      yield* Effect.withSpan(poller.add(job, "a", { deadline: "2 seconds" }), "of a")
      yield* Effect.withSpan(poller.add(job, "b", { deadline: "1 second" }), "of b")
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(parents.toSorted(), ["of a", "of a", "of a", "of b", "of b"])
    })
  )

  it.effect("a remote cancel has the services of its wait", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const job = Job.make("whoami", {
        check: (_: string) => Effect.as(Effect.asVoid(Token), pending),
        cancel: () => Effect.flatMap(Token, ({ secret }) => Effect.sync(() => void asked.push(secret)))
      })
      const poller = yield* Poller.make({ stagger: false })
      const watch = yield* Effect.provideService(
        poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote" }),
        Token,
        { secret: "ann" }
      )
      yield* watch.cancel
      yield* watch.interrupt
      assert.deepStrictEqual(asked, ["ann", "ann"])
    })
  )
})

describe("Poller, many keys", () => {
  it.effect("keys of the same name in two jobs have nothing in common", () =>
    Effect.gen(function* () {
      const one = scriptedJob((key) => Effect.as(Effect.sleep("1 second"), Status.succeeded(`one ${key}`)))
      const two = scriptedJob((key) => Effect.as(Effect.sleep("1 second"), Status.succeeded(`two ${key}`)))
      const poller = yield* Poller.make({ stagger: false })
      const fibers = [
        yield* Effect.forkChild(poller.until(one.job, "a", hour)),
        yield* Effect.forkChild(poller.until(two.job, "a", hour))
      ]
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual(yield* Fiber.joinAll(fibers), ["one a", "two a"])
    })
  )

  it.effect("a thousand keys with ten waits each make a thousand checks", () =>
    Effect.gen(function* () {
      const { job, checks, most } = scriptedJob((key) => Effect.as(Effect.sleep("1 second"), Status.succeeded(key)))
      const poller = yield* Poller.make({ stagger: false, concurrency: "unbounded", linger: 0 })
      const keys = Array.from({ length: 10 }, () => keysOf(1000)).flat()
      const watches = yield* Effect.forEach(keys, (key) => poller.add(job, key, hour))
      yield* TestClock.adjust("1 second")
      const ends = yield* Effect.forEach(watches, (watch) => watch.await)
      assert.deepStrictEqual(ends, keys)
      assert.deepStrictEqual([checks.length, most.perKey["render"], held(poller).keys], [1000, 1, 0])
    })
  )

  for (const [kind, max] of [
    ["of its own", undefined],
    ["for many", 100]
  ] as const) {
    it.effect(`20,000 waits for one key share every check ${kind}, and leave it`, () =>
      Effect.gen(function* () {
        let checks = 0
        const check: Effect.Effect<CheckResult.CheckResult<string>> = Effect.sync(
          () => (checks++, CheckResult.withHint(pending, "2 seconds"))
        )
        const job = Job.make<string>("popular", {
          check: () => check,
          ...(max !== undefined && {
            checkMany: {
              max,
              check: (keys) => Effect.map(check, (found) => new Map(keys.map((key) => [key, Result.succeed(found)])))
            }
          }),
          strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait("1 second"))
        })
        const poller = yield* Poller.make({ stagger: false })
        const watches = yield* Effect.forEach(Array.from({ length: 20_000 }), () => poller.add(job, "a", hour))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(checks, 5)
        yield* Effect.forEach(watches, (watch) => watch.interrupt)
        assert.strictEqual(held(poller).waits, 0)
      })
    )
  }
})
