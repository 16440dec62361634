import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schedule from "effect/Schedule"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as Observer from "effect-poll/Observer"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { batching, doneAt, held, keysOf, scriptedJob } from "./many.ts"
import { ending, pending, token } from "./scripted.ts"

const hour = { deadline: "1 hour" } as const
const plain = { stagger: false, linger: 0 } as const

/** How often another fiber has had its turn since. */
const countTurns = Effect.gen(function* () {
  let turns = 0
  const count = Effect.andThen(
    Effect.sync(() => turns++),
    Effect.yieldNow
  )
  yield* Effect.forkScoped(Effect.forever(count, { disableYield: true }))
  return () => turns
})

describe("Poller, checks that end at once", () => {
  it.effect(
    "100,000 of them need no stack, and others have their turn",
    () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(doneAt(2))
        const poller = yield* Poller.make(plain)
        const fiber = yield* Effect.forkChild(Stream.runCount(poller.results(job, keysOf(100_000), hour)))
        const turns = yield* countTurns
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(fiber), 100_000)
        assert.isAbove(turns(), 1000)
      }),
    30_000
  )

  it.effect(
    "a wait without delays makes 10,000 checks, and others have their turn",
    () =>
      Effect.gen(function* () {
        const { job, checks } = scriptedJob(doneAt(10_000), { strategy: Schedule.forever })
        const poller = yield* Poller.make(plain)
        const turns = yield* countTurns
        const fiber = yield* Effect.forkChild(poller.until(job, "a", hour))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(fiber), "a.png")
        assert.strictEqual(checks.length, 10_000)
        assert.isAbove(turns(), 100)
      }),
    30_000
  )

  it.effect("of 100,000 that share requests some are checked in each turn, not all in one", () =>
    Effect.gen(function* () {
      const turns = yield* countTurns
      const turnOf: Array<number> = []
      const { job } = batching({ whole: () => Effect.sync(() => turnOf.push(turns())) })
      const poller = yield* Poller.make(plain)
      const fiber = yield* Effect.forkChild(Stream.runCount(poller.results(job, keysOf(100_000), hour)))
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual([yield* Fiber.join(fiber), turnOf.length], [100_000, 1000])
      assert.isAtLeast(new Set(turnOf).size, 90)
    })
  )
})

describe("Poller, checks that misbehave", () => {
  it.effect("one that throws, dies or interrupts its own fiber ends its own wait", () =>
    Effect.gen(function* () {
      const job = Job.make<string>("odd", {
        check: (key) => {
          if (key === "throws") throw new Error("bug")
          if (key === "dies") return Effect.die("bug")
          if (key === "interrupts") return Effect.interrupt
          if (key === "kills") return Effect.withFiber((fiber) => (fiber.interruptUnsafe(), Effect.never))
          return Effect.succeed(Status.succeeded(key))
        }
      })
      const poller = yield* Poller.make({ ...plain, concurrency: 1 })
      const ends: Record<string, unknown> = {}
      for (const key of ["throws", "dies", "interrupts", "kills", "fine"]) {
        ends[key] = ending(yield* Effect.exit(poller.until(job, key, hour)))
      }
      assert.deepStrictEqual(ends, {
        throws: "defect",
        dies: "defect",
        interrupts: "defect",
        kills: "defect",
        fine: "fine"
      })
      assert.deepStrictEqual((yield* poller.stats).ended, { Defect: 2, Interrupted: 2, Succeeded: 1 })
    })
  )

  it.effect("one that removes its own wait, at once or after a while, leaves nothing behind", () =>
    Effect.gen(function* () {
      const own = new Map<string, Handle<unknown>>()
      const job = Job.make("suicidal", {
        check: (key: string) =>
          Effect.suspend(() => {
            const watch = own.get(key)
            if (watch === undefined) return Effect.succeed(pending)
            return Effect.as(
              key === "late" ? Effect.andThen(Effect.sleep("1 second"), watch.interrupt) : watch.interrupt,
              pending
            )
          }),
        strategy: Strategy.spaced("1 second")
      })
      const poller = yield* Poller.make(plain)
      for (const key of ["now", "late"]) own.set(key, yield* poller.add(job, key, hour))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* poller.stats, {
        watched: 0,
        waiting: 0,
        queued: 0,
        checking: 0,
        requests: 0,
        ended: { Interrupted: 2 }
      })
    })
  )

  it.effect("one that adds waits for other keys, and awaits them", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const tree: Job.Job<string, number> = Job.make<number>("tree", {
        check: (key) => {
          if (key.length >= 5) return Effect.succeed(Status.succeeded(1))
          const branches = Effect.forEach([`${key}0`, `${key}1`], (branch) => poller.until(tree, branch, hour), {
            concurrency: 2
          })
          return Effect.orDie(Effect.map(branches, ([a, b]) => Status.succeeded(a! + b!)))
        }
      })
      assert.strictEqual(yield* poller.until(tree, "_", hour), 16)
    })
  )

  it.effect("a strategy, a classifier and a fallback that throw end their own wait", () =>
    Effect.gen(function* () {
      const throws = () => {
        throw new Error("bug")
      }
      const job = Job.make<string, never, string>("odd", {
        check: (key) =>
          key === "missing"
            ? Effect.succeed(CheckResult.missing)
            : key === "pending"
              ? Effect.succeed(pending)
              : Effect.fail("oops"),
        missing: { fallback: { locate: throws, check: () => Effect.never } },
        strategy: Strategy.make({ decide: throws }),
        checkErrors: { kindOf: throws }
      })
      const poller = yield* Poller.make()
      for (const key of ["missing", "pending", "fails"]) {
        assert.strictEqual(ending(yield* Effect.exit(poller.until(job, key, hour))), "defect")
      }
    })
  )
})

describe("Poller, told things at odd times", () => {
  const told: ReadonlyArray<readonly [string, <A, F, E>(watch: Handle<A, F, E>) => Effect.Effect<unknown>]> = [
    ["remove", (watch) => watch.interrupt],
    ["checkNow", (watch) => watch.checkNow()],
    ["force", (watch) => watch.checkNow({ force: true })],
    ["pause", (watch) => watch.pause],
    ["pause, resume", (watch) => Effect.andThen(watch.pause, watch.unpause)],
    ["cancel", (watch) => Effect.ignore(watch.cancel)],
    ["pause, remove", (watch) => Effect.andThen(watch.pause, watch.interrupt)]
  ]

  /** A wait that goes through everything: gate, line, check, retry, sleep, foreign schedule, remote cancel. */
  const busyLife = (poller: Poller.Service) => {
    let checks = 0
    let running = 0
    let most = 0
    const job = Job.make<string, never, string>("busy", {
      check: () =>
        Effect.gen(function* () {
          checks++
          most = Math.max(most, ++running)
          yield* Effect.sleep("300 millis")
          return yield* checks % 3 === 0 ? Effect.fail("reset") : Effect.succeed(pending)
        }).pipe(Effect.ensuring(Effect.sync(() => running--))),
      cancel: () => Effect.sleep("300 millis")
    })
    const add = poller.add(job, "a", {
      deadline: "8 seconds",
      onTimeout: "cancelRemote",
      onInterrupt: "cancelRemote",
      cancelTimeout: "2 seconds",
      strategy: Schedule.addDelay(Schedule.forever, () =>
        Effect.delay(Effect.succeed("500 millis" as const), "100 millis")
      ),
      checkErrors: { retry: Schedule.recurs(1), maxConsecutive: "unbounded", schedule: Strategy.spaced("200 millis") },
      gate: Gate.make(() => Effect.as(Effect.sleep("100 millis"), Gate.open))
    })
    return { add, most: () => most, running: () => running }
  }

  for (const [name, tell] of told) {
    it.effect(`${name} is borne at any time of a wait`, () =>
      Effect.gen(function* () {
        for (let at = 0; at <= 11_000; at += 97) {
          const poller = yield* Poller.make({ ...plain, concurrency: 1 })
          const { add, most, running } = busyLife(poller)
          // Somebody is before it in line.
          yield* poller.add(
            Job.make("first", { check: () => Effect.as(Effect.sleep("400 millis"), Status.succeeded(1)) }),
            "x",
            hour
          )
          const watch = yield* add
          yield* TestClock.adjust(at)
          yield* Effect.forkScoped(tell(watch), { startImmediately: true })
          yield* TestClock.adjust("30 seconds")
          const exit = yield* Effect.exit(watch.await)
          assert.include(["PollTimeout deadline", "defect"], ending(exit), `${at}`)
          if (!name.includes("remove")) assert.strictEqual(ending(exit), "PollTimeout deadline", `${at}`)
          const { ended, ...now } = yield* poller.stats
          assert.deepStrictEqual(now, { watched: 0, waiting: 0, queued: 0, checking: 0, requests: 0 }, `${at}`)
          assert.deepStrictEqual([most() <= 1, running(), Object.keys(ended).length], [true, 0, 2], `${at}`)
          assert.strictEqual(held(poller).waits, 0)
        }
      })
    )
  }

  it.effect("two waits of a key: whatever one is told, the other goes on", () =>
    Effect.gen(function* () {
      for (const [name, tell] of told) {
        for (let at = 0; at <= 3000; at += 130) {
          const { job } = scriptedJob((_, attempt) =>
            Effect.as(Effect.sleep("300 millis"), attempt < 4 ? pending : Status.succeeded("done"))
          )
          const poller = yield* Poller.make({ ...plain, concurrency: 1 })
          const one = yield* poller.add(job, "a", hour)
          const two = yield* poller.add(job, "a", hour)
          yield* TestClock.adjust(at)
          yield* Effect.forkScoped(tell(one), { startImmediately: true })
          yield* TestClock.adjust("10 seconds")
          const ended = (yield* poller.stats).ended
          assert.isAtLeast(ended["Succeeded"] ?? 0, 1, `${name} at ${at}`)
          assert.strictEqual(ending(yield* Effect.exit(two.await)), "done", `${name} at ${at}`)
          yield* poller.shutdown
        }
      }
    })
  )

  it.effect("observers may call the handle of the wait that they hear of", () =>
    Effect.gen(function* () {
      for (const [name, tell] of told) {
        for (const tag of ["Started", "Changed", "Waiting", "Unchanged", "CheckFailed", "Ended"]) {
          const { job, checks } = scriptedJob<string, never, string>((_, attempt) =>
            attempt === 3 ? Effect.fail("reset") : attempt < 6 ? pending : Status.succeeded("done")
          )
          const poller = yield* Poller.make(plain)
          const own: Array<Handle<string, never, string>> = []
          let calls = 0
          const observer = Observer.make(({ event }) =>
            event._tag === tag && calls++ < 3 && own.length > 0 ? Effect.asVoid(tell(own[0]!)) : Effect.void
          )
          own.push(yield* poller.add(job, "a", { deadline: "1 minute", observers: [observer] }))
          yield* TestClock.adjust("2 minutes")
          const { ended, ...now } = yield* poller.stats
          assert.deepStrictEqual(
            now,
            { watched: 0, waiting: 0, queued: 0, checking: 0, requests: 0 },
            `${name} in ${tag}`
          )
          assert.strictEqual(Object.values(ended)[0], 1, `${name} in ${tag}`)
          assert.isAtMost(checks.length, 6)
        }
      }
    })
  )
})

describe("Poller, its memory", () => {
  it.effect("what is left of a wait is its site, and nothing that grows", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob<string, string, string>((key, attempt) =>
        attempt < 2
          ? pending
          : key.endsWith("7")
            ? Status.failed(key)
            : key.endsWith("3")
              ? Effect.die("bug")
              : Status.succeeded(key)
      )
      const many = Job.make<string>("many", {
        check: () => Effect.never,
        checkMany: {
          max: 50,
          check: (keys) =>
            Effect.as(
              Effect.sleep("10 millis"),
              new Map(keys.map((key) => [key, Result.succeed(Status.succeeded(key))]))
            )
        }
      })
      const poller = yield* Poller.make({ ...plain, concurrency: 7 })
      for (let round = 0; round < 5; round++) {
        const fiber = yield* Effect.forkChild(
          Effect.zip(
            Stream.runCount(poller.results(job, keysOf(2000), hour)),
            Stream.runCount(poller.results(many, keysOf(2000), hour)),
            { concurrent: true }
          )
        )
        yield* TestClock.adjust("10 minutes")
        yield* Fiber.join(fiber)
        for (const key of keysOf(200)) {
          const watch = yield* poller.add(job, key, hour)
          yield* watch.interrupt
        }
        const { alarms, sleepers, ...rest } = held(poller)
        assert.deepStrictEqual(
          { ...rest },
          { sites: 2, waits: 0, keys: 0, line: 0, turns: 0, observed: 0, free: 1_000_000, waiting: 0 }
        )
        // Stale entries of a heap are swept when they are many.
        assert.isAtMost(alarms + sleepers, 512)
      }
    })
  )

  it.effect("a token that is resumed and removed a thousand times leaves nothing", () =>
    Effect.gen(function* () {
      const { job } = scriptedJob(() => pending)
      const poller = yield* Poller.make(plain)
      for (let round = 0; round < 1000; round++) {
        const watch = yield* poller.resume(job, token({ key: "a", dueAt: 5000, deadlineAt: 100_000 }))
        const kept = yield* watch.token
        assert.deepStrictEqual([kept.dueAt, kept.deadlineAt], [5000, 100_000])
        yield* watch.interrupt
      }
      const { sleepers, waits } = held(poller)
      assert.strictEqual(waits, 0)
      assert.isAtMost(sleepers, 200)
      assert.isTrue(Exit.isSuccess(yield* Effect.exit(poller.shutdown)))
    })
  )

  it.effect("who has left the line behind its first is not kept", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make({ ...plain, concurrency: 1 })
      const job = Job.make<string>("j", { check: () => Effect.never, strategy: Strategy.spaced("1 hour") })
      yield* poller.add(job, "checks", { ...hour, checkTimeout: "1 hour" })
      yield* poller.add(job, "first", hour)
      for (const key of keysOf(10_000)) yield* (yield* poller.add(job, key, hour)).interrupt
      assert.isBelow(held(poller).line, 5000)
    })
  )
})
