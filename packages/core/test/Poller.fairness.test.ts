import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending, slow } from "./support/checks.ts"
import { inOneSecond, keysOf, recordChecks, scriptedJob } from "./support/jobs.ts"
import { every1s, hour, plain } from "./support/options.ts"
import { ending } from "./support/runs.ts"

/** A job whose checks take this long and find it pending; `lags` has how much later than due each check began. */
const healthyJob = (name = "healthy", takes = 100) => {
  const scripted = scriptedJob(() => slow(takes, pending), { name, strategy: every1s })
  return {
    ...scripted,
    /** Of first checks, from `addedAt` on. */
    lags: (addedAt = 0) => {
      const ends = new Map<string, number>()
      return scripted.checks.map(({ end, key, start }) => {
        const due = ends.get(key) ?? addedAt - 1000
        ends.set(key, end)
        return start - due - 1000
      })
    }
  }
}

const meanOf = (values: ReadonlyArray<number>): number => values.reduce((sum, value) => sum + value, 0) / values.length

const hungJob = (name = "hung") => scriptedJob(() => Effect.never, { name, strategy: every1s })

/** Waits whose failed checks never end them. */
const patient = { ...hour, checkErrors: "unbounded" } as const

class Tenant extends Context.Service<Tenant, string>()("test/Tenant") {}

describe("Poller", () => {
  describe("places", () => {
    it.effect("healthy job - checks in time beside 2,000 waits whose checks hang [R45]", () =>
      Effect.gen(function* () {
        const hung = hungJob()
        const healthy = healthyJob()
        const poller = yield* Poller.make({ ...plain, concurrency: 100 })
        for (const key of keysOf(2000)) yield* poller.add(hung.job, key, patient)
        for (const key of keysOf(20)) yield* poller.add(healthy.job, key, hour)
        yield* TestClock.adjust("1 minute")
        // All of them came when the hung checks had all places.
        yield* TestClock.adjust("4 minutes")
        const lags = healthy.lags().filter((_, at) => healthy.checks[at]!.start > 61_000)
        assert.isAbove(lags.length, 4000)
        assert.isAtMost(meanOf(lags), 5)
        assert.isAtMost(Math.max(...lags), 200)
      })
    )

    it.effect("healthy job that was there first - is hardly slowed by a job whose checks hang [R45]", () =>
      Effect.gen(function* () {
        const hung = hungJob()
        const healthy = healthyJob("healthy", 10)
        const poller = yield* Poller.make({ ...plain, concurrency: 100 })
        for (const key of keysOf(10)) yield* poller.add(healthy.job, key, hour)
        for (const key of keysOf(2000)) yield* poller.add(hung.job, key, patient)
        yield* TestClock.adjust("3 minutes")
        assert.isAbove(healthy.checks.length, 1700)
        // Nine of them have places at the same time.
        assert.isAtMost(Math.max(...healthy.lags()), 10)
        assert.isAtMost(meanOf(healthy.lags()), 1)
      })
    )

    it.effect.each([2, 3, 8, 9, 100])(
      "healthy job - has places beside a hung one with a concurrency of %i [R45]",
      (concurrency) =>
        Effect.gen(function* () {
          const hung = hungJob()
          const healthy = healthyJob("healthy", 10)
          const poller = yield* Poller.make({ ...plain, concurrency })
          yield* poller.add(healthy.job, "first", hour)
          for (const key of keysOf(300)) yield* poller.add(hung.job, key, patient)
          for (const key of keysOf(10)) yield* poller.add(healthy.job, key, hour)
          yield* TestClock.adjust("3 minutes")
          assert.isAbove(healthy.checks.length, 1800)
          assert.isAtMost(Math.max(...healthy.lags()), 110)
          // The hung job has the others.
          assert.isAtLeast(hung.most.total, Math.min(89, concurrency - 1))
        })
    )

    it.effect("concurrency of 1 - serves a healthy job and one that hangs in turns [R45]", () =>
      Effect.gen(function* () {
        const hung = hungJob()
        const healthy = healthyJob("healthy", 10)
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        for (const key of keysOf(100)) yield* poller.add(hung.job, key, { ...patient, checkTimeout: "10 seconds" })
        yield* poller.add(healthy.job, "a", hour)
        yield* TestClock.adjust("101 seconds")
        // They take turns.
        assert.isAtLeast(healthy.checks.length, 5)
        assert.isAtMost(hung.checks.length, 11)
      })
    )

    it.effect("three jobs whose checks hang - leave room for a fourth that comes later [R45]", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make({ ...plain, concurrency: 100 })
        for (const name of ["one", "two", "three"]) {
          const { job } = hungJob(name)
          for (const key of keysOf(500)) yield* poller.add(job, key, patient)
        }
        yield* TestClock.adjust("10 minutes")
        const healthy = healthyJob()
        for (const key of keysOf(5)) yield* poller.add(healthy.job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(Math.max(...healthy.lags(600_000)), 0)
        assert.isAbove(healthy.checks.length, 250)
      })
    )

    it.effect("job that comes when hung checks have all places - has the first that are free [R45]", () =>
      Effect.gen(function* () {
        const hung = hungJob()
        const late = healthyJob("late")
        const poller = yield* Poller.make({ ...plain, concurrency: 10 })
        for (const key of keysOf(200)) yield* poller.add(hung.job, key, patient)
        yield* TestClock.adjust("30 seconds")
        assert.strictEqual((yield* poller.stats).requests, 10)
        for (const key of keysOf(3)) yield* poller.add(late.job, key, hour)
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(
          late.checks.slice(0, 3).map(({ start }) => start),
          [60_000, 60_000, 60_000]
        )
        assert.isAtMost(Math.max(...late.lags().slice(3)), 200)
      })
    )

    it.effect("job that is alone - uses all places, also once the others have ended [R45]", () =>
      Effect.gen(function* () {
        const busy = scriptedJob(inOneSecond, { name: "busy" })
        const other = hungJob("other")
        const poller = yield* Poller.make({ ...plain, concurrency: 20 })
        for (const key of keysOf(100)) yield* poller.add(busy.job, key, hour)
        assert.strictEqual((yield* poller.stats).requests, 20)
        yield* TestClock.adjust("10 seconds")
        const handle = yield* poller.add(other.job, "a", { deadline: "5 seconds" })
        const more = keysOf(200, "m")
        for (const key of more) yield* poller.add(busy.job, key, hour)
        yield* TestClock.adjust("500 millis")
        assert.isBelow((yield* poller.stats).requests, 20)
        yield* TestClock.adjust("6 seconds")
        assert.strictEqual(ending(yield* Effect.exit(handle.await)), "PollTimeout deadline")
        assert.strictEqual((yield* poller.stats).requests, 20)
        assert.isAtLeast(other.checks.length, 1)
      })
    )

    it.effect("credentials whose checks hang - leave room for other credentials of the same job [R45]", () =>
      Effect.gen(function* () {
        const recorded = recordChecks()
        const job = Job.make("shared", {
          check: (key: string) =>
            Effect.flatMap(Tenant, (tenant) =>
              recorded.record(tenant, [key], tenant === "hung" ? Effect.never : slow<string>("10 millis", pending))
            ),
          strategy: every1s
        })
        const poller = yield* Poller.make({ ...plain, concurrency: 100, concurrencyPerJob: 20 })
        const add = (tenant: string, keys: ReadonlyArray<string>) =>
          Effect.provideService(
            Effect.forEach(keys, (key) => poller.add(job, key, patient), { discard: true }),
            Tenant,
            tenant
          )
        yield* add("fine", ["first"])
        yield* add("hung", keysOf(500))
        yield* add("fine", keysOf(2))
        yield* TestClock.adjust("3 minutes")
        const fine = recorded.checks.filter((check) => check.job === "fine")
        assert.isAbove(fine.length, 500)
        assert.isAtMost(recorded.most.total, 20)
      })
    )

    it.effect("hung checks, a gate that hangs and a healthy job together - do not hold each other up [R45]", () =>
      Effect.gen(function* () {
        const healthy = healthyJob("healthy", 10)
        const gated = healthyJob("gated", 10)
        const poller = yield* Poller.make({ ...plain, concurrency: 50 })
        const gate = Gate.make(() => Effect.never)
        const hung = hungJob()
        for (const key of keysOf(5)) yield* poller.add(healthy.job, key, hour)
        for (const key of keysOf(1000)) yield* poller.add(hung.job, key, patient)
        for (const key of keysOf(1000)) yield* poller.add(gated.job, key, { ...hour, gate })
        yield* TestClock.adjust("3 minutes")
        assert.strictEqual(gated.checks.length, 0)
        assert.isAbove(healthy.checks.length, 800)
        assert.isAtMost(Math.max(...healthy.lags()), 10)
        // With two jobs that want places, the hung one has its part and not the one of the gate.
        assert.isAtLeast(hung.most.total, 30)
      })
    )
  })

  describe("checks that were given up", () => {
    const stuckJob = (name = "stuck") =>
      scriptedJob(() => Effect.uninterruptible(slow("10 minutes", Status.succeeded("stale"))), { name })
    const short = { ...patient, checkTimeout: "1 second", cancelTimeout: "2 seconds" } as const

    it.effect("uninterruptible checks that timed out - free their places for other jobs [R46]", () =>
      Effect.gen(function* () {
        const stuck = stuckJob()
        const fine = healthyJob("fine", 10)
        const poller = yield* Poller.make({ ...plain, concurrency: 4 })
        for (const key of keysOf(20)) yield* poller.add(stuck.job, key, short)
        yield* TestClock.adjust("500 millis")
        for (const key of keysOf(8)) yield* poller.add(fine.job, key, hour)
        yield* TestClock.adjust("1 minute")
        // It has no more than its own limit, and none of these is counted among the places of the others.
        assert.strictEqual(stuck.checks.length, 4)
        assert.isAbove(fine.checks.length, 300)
        assert.isAtMost(Math.max(...fine.lags().slice(8)), 20)
        assert.isAtLeast((yield* poller.stats).requests, 4)
        yield* TestClock.adjust("30 minutes")
        assert.isAbove(stuck.checks.length, 4)
      })
    )

    it.effect("checks given up - are bounded by concurrencyPerJob [R46]", () =>
      Effect.gen(function* () {
        const stuck = stuckJob()
        const poller = yield* Poller.make({ ...plain, concurrency: 100, concurrencyPerJob: 7 })
        for (const key of keysOf(50)) yield* poller.add(stuck.job, key, short)
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual(stuck.most.total, 7)
        assert.strictEqual((yield* poller.stats).requests, 7)
      })
    )

    it.effect("waits that are interrupted - free the places of checks that do not end [R46]", () =>
      Effect.gen(function* () {
        const stuck = stuckJob()
        const fine = healthyJob("fine", 10)
        const poller = yield* Poller.make({ ...plain, concurrency: 3 })
        const handles = yield* Effect.forEach(keysOf(3), (key) => poller.add(stuck.job, key, short))
        const interrupting = yield* Effect.forkChild(
          Effect.forEach(handles, (handle) => handle.interrupt, { concurrency: "unbounded", discard: true })
        )
        yield* TestClock.adjust("1 millis")
        yield* poller.add(fine.job, "a", hour)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(fine.starts("a")[0], 1)
        yield* Fiber.interrupt(interrupting)
      })
    )

    it.effect("next check of a key - waits for the end of the old one, for at most cancelTimeout", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(
          (key, attempt) =>
            attempt > 1
              ? Status.succeeded(key)
              : Effect.uninterruptible(slow(key === "short" ? "2 seconds" : "1 minute", pending)),
          { strategy: Strategy.spaced("100 millis") }
        )
        const options = {
          ...hour,
          checkTimeout: "1 second",
          cancelTimeout: "5 seconds",
          checkErrors: { schedule: Strategy.spaced("100 millis") }
        } as const
        const poller = yield* Poller.make(plain)
        for (const key of ["short", "long"]) yield* poller.add(job, key, options)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(
          [starts("short"), starts("long")],
          [
            [0, 2000],
            [0, 6000]
          ]
        )
      })
    )

    it.effect("next check of a key - does not hold up the other keys, nor a new wait for it", () =>
      Effect.gen(function* () {
        const { job, most, starts } = scriptedJob((key, attempt) =>
          key === "stuck" && attempt === 1
            ? Effect.uninterruptible(slow("4 seconds", pending))
            : slow("100 millis", Status.succeeded(key))
        )
        const poller = yield* Poller.make({ ...plain, concurrency: 2 })
        const first = yield* poller.add(job, "stuck", { ...hour, cancelTimeout: "10 seconds" })
        const interrupting = yield* Effect.forkChild(first.interrupt)
        yield* TestClock.adjust("1 second")
        // Forced or not, with a gate or without.
        const handles = [
          yield* poller.add(job, "stuck", hour),
          yield* poller.add(job, "stuck", { ...hour, gate: Gate.make(() => Effect.succeed(Gate.open)) })
        ]
        yield* handles[0]!.checkNow({ force: true })
        for (const key of ["a", "b", "c"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual([starts("stuck"), starts("a")[0]], [[0, 4000], 1000])
        assert.deepStrictEqual(most.perKey, { render: 1 })
        for (const handle of handles) assert.strictEqual(yield* handle.await, "stuck")
        yield* Fiber.join(interrupting)
      })
    )

    it.effect("held wait - ends at its deadline, and is left out when it is interrupted", () =>
      Effect.gen(function* () {
        const { job, starts } = scriptedJob(() => Effect.uninterruptible(slow("1 minute", pending)))
        const poller = yield* Poller.make(plain)
        const options = { ...hour, cancelTimeout: "30 seconds" } as const
        const first = yield* poller.add(job, "a", options)
        yield* Effect.forkChild(first.interrupt)
        yield* TestClock.adjust("1 second")
        const timed = yield* poller.add(job, "a", { deadline: "3 seconds" })
        const left = yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1 second")
        yield* left.interrupt
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(ending(yield* Effect.exit(timed.await)), "PollTimeout deadline")
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual([starts("a"), (yield* poller.stats).requests], [[0], 0])
        assert.isAbove(yield* Clock.currentTimeMillis, 300_000)
      })
    )
  })
})
