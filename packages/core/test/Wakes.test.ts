import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import type * as KeyCodec from "effect-poll/KeyCodec"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import * as Wakes from "effect-poll/Wakes"
import { hosts } from "./support/hosts.ts"
import { scriptedJob } from "./support/jobs.ts"
import { pending } from "./support/checks.ts"
import { ending, runFor } from "./support/runs.ts"

const seldom = Strategy.spaced("30 minutes")
const deadline = "2 hours"
const ended = (value: string) => Told.ended(Status.succeeded(value))
const jobOf = (name = "render") => scriptedJob(() => pending, { name, strategy: seldom })

describe.each(hosts)("$name", ({ until }) => {
  it.effect("wake - checks the jobs with this key, and no others [R66]", () =>
    Effect.gen(function* () {
      const wakes = yield* Wakes.make()
      const { job, starts } = jobOf()
      const other = jobOf("other")
      const program = Effect.gen(function* () {
        yield* Effect.forkChild(until(job, "a", { deadline }))
        yield* Effect.forkChild(until(job, "b", { deadline }))
        yield* Effect.forkChild(until(other.job, "a", { deadline }))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Wakes.wake(job, "a"), 1)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([starts("a"), starts("b"), other.starts("a")], [[0, 1_000], [0], [0]])
        assert.strictEqual(yield* Wakes.wakeAll(job, (key) => key !== "a"), 1)
        assert.strictEqual(yield* Wakes.wakeAll(other.job), 1)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          [starts("a"), starts("b"), other.starts("a")],
          [
            [0, 1_000],
            [0, 2_000],
            [0, 2_000]
          ]
        )
      })
      yield* Effect.provideService(program, Wakes.Wakes, wakes)
    })
  )

  it.effect("tell - ends all waits for the key, which are no longer found then [R66]", () =>
    Effect.gen(function* () {
      const { job } = jobOf()
      const fibers = yield* Effect.forEach(["a", "a", "b"], (key) => Effect.forkChild(until(job, key, { deadline })))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Wakes.tell(job, "a", ended("told")), 2)
      yield* TestClock.adjust(0)
      assert.deepStrictEqual(yield* Effect.forEach(fibers.slice(0, 2), Fiber.join), ["told", "told"])
      yield* Fiber.interrupt(fibers[2]!)
      assert.strictEqual(yield* Wakes.wakeAll(job), 0)
    }).pipe(Effect.provide(Wakes.layer()))
  )

  it.effect("what arrives before the wait - is kept for the first wait that begins [R66]", () =>
    Effect.gen(function* () {
      const { checks, job } = jobOf()
      assert.strictEqual(yield* Wakes.tell(job, "a", ended("early")), 0)
      yield* TestClock.adjust("4 minutes")
      const first = yield* runFor(until(job, "a", { deadline }), "1 second")
      assert.deepStrictEqual([ending(first.exit), checks], ["early", []])
      const second = yield* runFor(until(job, "a", { deadline }), "1 second")
      assert.strictEqual(ending(second.exit), "running")
    }).pipe(Effect.provide(Wakes.layer()))
  )

  it.effect("what is kept - is dropped after keepFor, and the oldest of it beyond maxKept [R66]", () =>
    Effect.gen(function* () {
      const { job } = jobOf()
      for (const key of ["a", "b", "c"]) yield* Wakes.tell(job, key, ended(key))
      const ends = []
      for (const key of ["a", "b", "c"]) ends.push(ending((yield* runFor(until(job, key, { deadline }), 1_000)).exit))
      assert.deepStrictEqual(ends, ["running", "b", "c"])
      yield* Wakes.tell(job, "d", ended("d"))
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(ending((yield* runFor(until(job, "d", { deadline }), 1_000)).exit), "running")
    }).pipe(Effect.provide(Wakes.layer({ maxKept: 2, keepFor: "1 minute" })))
  )

  it.effect("what unverified senders cause - does not displace what a verified one told [R66]", () =>
    Effect.gen(function* () {
      const { job } = jobOf()
      yield* Wakes.tell(job, "a", ended("verified"))
      for (let at = 0; at < 1_000; at++) yield* Wakes.wake(job, `flood ${at}`)
      assert.strictEqual(ending((yield* runFor(until(job, "a", { deadline }), 1_000)).exit), "verified")
    }).pipe(Effect.provide(Wakes.layer({ maxKept: 10 })))
  )

  it.effect("many things for one key - are kept in order, but at most 16; the first end counts [R66]", () =>
    Effect.gen(function* () {
      const { job } = jobOf()
      for (let at = 0; at < 100; at++) {
        yield* Wakes.tell(job, "a", Told.report<string>(Status.pending({ state: `${at}` })))
        yield* Wakes.wake(job, "a")
      }
      yield* Wakes.tell(job, "a", ended("first"))
      for (let at = 0; at < 100; at++) yield* Wakes.tell(job, "a", ended("later"))
      assert.strictEqual(ending((yield* runFor(until(job, "a", { deadline }), 1_000)).exit), "first")
    }).pipe(Effect.provide(Wakes.layer()))
  )

  it.effect("end after many reports - is kept, whatever they say [R66]", () =>
    Effect.gen(function* () {
      const reports = {
        annotated: CheckResult.withRun(Status.pending({ progress: 0.5 }), { run: "r" }),
        unknown: CheckResult.unknownState("???"),
        missing: CheckResult.missing,
        unconfirmed: Status.canceled()
      }
      const { job } = jobOf()
      const ends: Array<unknown> = []
      for (const [key, report] of Object.entries(reports)) {
        for (let count = 0; count < 20; count++) yield* Wakes.tell(job, key, Told.report(report))
        yield* Wakes.tell(job, key, ended(key))
        yield* Wakes.tell(job, key, ended("later"))
        const options = { deadline, unknownState: "continue", confirm: { failure: { times: 100 } } } as const
        ends.push(ending((yield* runFor(until(job, key, options), 1_000)).exit))
      }
      assert.deepStrictEqual(ends, Object.keys(reports))
    }).pipe(Effect.provide(Wakes.layer()))
  )

  it.effect("without the service - nothing is found or kept [R66]", () =>
    Effect.gen(function* () {
      const { job } = jobOf()
      assert.strictEqual(yield* Wakes.tell(job, "a", ended("lost")), 0)
      assert.deepStrictEqual([yield* Wakes.wake(job, "a"), yield* Wakes.wakeAll(job)], [0, 0])
      assert.strictEqual(ending((yield* runFor(until(job, "a", { deadline }), 1_000)).exit), "running")
    })
  )
})

describe("Wakes", () => {
  it.effect("keys - are found by their encoded form; waits without a job are not [R66]", () =>
    Effect.gen(function* () {
      const key: KeyCodec.KeyCodec<{ readonly id: number }> = {
        encode: ({ id }) => `${id}`,
        decode: (encoded) => ({ id: Number(encoded) })
      }
      const job = Job.make<string, never, never, never, never, never, { readonly id: number }>("render", {
        key,
        check: () => Effect.succeed(pending)
      })
      const fiber = yield* Effect.forkChild(Poll.until(job, { id: 7 }, { deadline }))
      yield* Effect.forkChild(Poll.until(Effect.succeed(pending), { deadline, name: "render" }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* Wakes.wakeAll(job, ({ id }) => id === 7), 1)
      assert.strictEqual(yield* Wakes.tell(job, { id: 7 }, ended("seven")), 1)
      assert.strictEqual(yield* Fiber.join(fiber), "seven")
      const named = Job.make<string>("render", { check: () => Effect.succeed(pending) })
      assert.strictEqual(yield* Wakes.wake(named, "render"), 0)
    }).pipe(Effect.provide(Wakes.layer()))
  )

  it.effect("a check that tells its own wait - ends it [R66]", () =>
    Effect.gen(function* () {
      const job: Job.Watchable<string, string> = Job.make<string>("render", {
        check: (key) => Effect.as(Effect.provide(Effect.void, Wakes.layer()), pending).pipe(Effect.tap(() => told(key)))
      })
      const told = (key: string): Effect.Effect<unknown> => Wakes.tell(job, key, ended("by itself"))
      const { exit } = yield* runFor(Poll.until(job, "a", { deadline }), "1 second")
      assert.strictEqual(ending(exit), "by itself")
    }).pipe(Effect.provide(Wakes.layer()))
  )

  it("options out of range, and values that are not a Told - are RangeErrors", () => {
    const { job } = jobOf()
    const service = Effect.runSync(Wakes.make())
    assert.throws(() => Wakes.make({ maxKept: -1 }), RangeError, "maxKept must be an integer >= 0, got -1")
    assert.throws(() => Wakes.make({ keepFor: "soon" as never }), RangeError, "keepFor must be")
    assert.throws(() => Wakes.make({ keepfor: 5 } as never), RangeError, "did you mean keepFor?")
    assert.throws(() => service.wake(job, "a", { trust: "yes" } as never), RangeError, 'trust must be "verified"')
    assert.throws(() => service.tell(job, "a", { _tag: "Wake" } as never), RangeError, "told must be a Told")
    assert.throws(() => Told.ended(Status.pending() as never), RangeError, "a terminal status")
    assert.throws(() => Told.report(5 as never), RangeError, "a status or a CheckResult")
  })
})
