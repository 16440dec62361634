import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./support/checks.ts"
import { inspect } from "./support/inspect.ts"
import { doneAt, keysOf, scriptedJob } from "./support/jobs.ts"
import { hour, plain } from "./support/options.ts"
import { storedToken } from "./support/tokens.ts"

describe("Poller", () => {
  describe("waits", () => {
    it.effect("waits that have ended - leave their target, and nothing that grows", () =>
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
              Effect.as(Effect.sleep("10 millis"), {
                results: new Map(keys.map((key) => [key, Result.succeed(Status.succeeded(key))]))
              })
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
            const handle = yield* poller.add(job, key, hour)
            yield* handle.interrupt
          }
          const { timeouts, sleepers, ...rest } = inspect(poller)
          assert.deepStrictEqual(rest, {
            targets: 2,
            waits: 0,
            keys: 0,
            queued: 0,
            starts: 0,
            turns: 0,
            observedGroups: 0,
            freeCapacity: 1_000_000,
            capacityWaiters: 0
          })
          // Stale entries are swept when there are many.
          assert.isAtMost(timeouts + sleepers, 512)
        }
      })
    )

    it.effect("token that is resumed and interrupted 1,000 times - leaves nothing", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(() => pending)
        const poller = yield* Poller.make(plain)
        for (let round = 0; round < 1000; round++) {
          const handle = yield* poller.resume(job, storedToken({ key: "a", dueAt: 5000, deadlineAt: 100_000 }))
          const kept = yield* handle.token
          assert.deepStrictEqual([kept.dueAt, kept.deadlineAt], [5000, 100_000])
          yield* handle.interrupt
        }
        const { sleepers, waits } = inspect(poller)
        assert.strictEqual(waits, 0)
        assert.isAtMost(sleepers, 200)
        assert.isTrue(Exit.isSuccess(yield* Effect.exit(poller.shutdown)))
      })
    )

    it.effect("waits that have left the queue - are not kept behind the first one", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const job = Job.make<string>("render", { check: () => Effect.never, strategy: Strategy.spaced("1 hour") })
        yield* poller.add(job, "checks", { ...hour, checkTimeout: "1 hour" })
        yield* poller.add(job, "first", hour)
        for (const key of keysOf(10_000)) yield* (yield* poller.add(job, key, hour)).interrupt
        assert.isBelow(inspect(poller).queued, 5000)
      })
    )

    it.effect("pause and unpause - leave nothing behind", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(() => pending)
        const poller = yield* Poller.make(plain)
        const handle = yield* poller.add(job, "a", hour)
        for (let i = 0; i < 2000; i++) yield* Effect.andThen(handle.pause, handle.unpause)
        assert.isAtMost(inspect(poller).sleepers, 300)
      })
    )
  })

  describe("observers", () => {
    it.effect("waits with observers - are released", () =>
      Effect.gen(function* () {
        const { job } = scriptedJob(doneAt(1))
        const poller = yield* Poller.make(plain)
        const options = { ...hour, observers: [Observer.make(() => Effect.void)] }
        for (const key of keysOf(1000)) yield* Effect.withSpan(poller.until(job, key, options), "request")
        yield* TestClock.adjust("1 second")
        assert.isAtMost(inspect(poller).observedGroups, 10)
      })
    )
  })

  describe("services", () => {
    class Tenant extends Context.Service<Tenant, { readonly name: string }>()("test/Tenant") {}
    const job = Job.make("tenant", { check: (_: string) => Effect.map(Tenant, ({ name }) => Status.succeeded(name)) })

    it.effect("services of single requests - are released", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        for (const name of keysOf(1000)) yield* Effect.provideService(poller.until(job, "a", hour), Tenant, { name })
        // Targets without waits are swept when there are many.
        assert.isAtMost(inspect(poller).targets, 300)
      })
    )

    it.effect("services of jobs that have ended within linger - are released", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make()
        for (const name of keysOf(1000)) {
          yield* Effect.provideService(poller.until(job, "a", hour), Tenant, { name })
          yield* TestClock.adjust("10 seconds")
        }
        assert.isAtMost(inspect(poller).targets, 300)
      })
    )
  })
})
