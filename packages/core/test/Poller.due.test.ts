import { assert, describe, it, vi } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { batching, keysOf, witness } from "./many.ts"
import { pending, token } from "./scripted.ts"
import { stubbedPoller as stubbed, turn } from "./stubClock.ts"

const hour = { deadline: "1 hour" } as const
const plain = { stagger: false, linger: 0 } as const
const later = (first: number, every = 1000) => Strategy.spaced(every).pipe(Strategy.withFirstWait(first))

describe("Poller, what is due", () => {
  it("a request departs, though single checks keep the Poller busy all the time", async () => {
    const { poller, run, setTo } = stubbed({})
    const { job, requests } = batching({ answer: () => pending, slack: 10, strategy: later(20, 20) })
    let now = 0
    // Each takes a quarter of a turn, and of these there are more than can be checked before they are due again.
    const busy = Job.make<string>("busy", {
      check: () =>
        Effect.sync(() => {
          setTo(Math.floor((now += 0.5)))
          return now < 500 ? pending : Status.succeeded("done")
        }),
      strategy: Strategy.spaced(1)
    })
    run(
      Effect.gen(function* () {
        yield* poller.add(job, "a", { ...hour, checkTimeout: "100 millis" })
        for (const key of keysOf(200)) yield* poller.add(busy, key, hour)
      })
    )
    await vi.waitUntil(() => now >= 400)
    assert.isAtLeast(requests.length, 3)
  })

  it.effect("who is due at its deadline has its check, though one turn is not enough for all", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ answer: () => pending, max: 10_000 })
      const poller = yield* Poller.make({ ...plain, concurrency: "unbounded" })
      for (const key of keysOf(5000)) yield* poller.add(job, key, { deadline: 1000 })
      yield* TestClock.adjust("2 seconds")
      assert.strictEqual(
        requests.reduce((sum, { keys }) => sum + keys.length, 0),
        5000
      )
    })
  )

  it.effect("checkNow shortly before the deadline does not cost the last check", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ answer: () => pending })
      const poller = yield* Poller.make(plain)
      const watch = yield* poller.add(job, "a", { deadline: 1050 })
      yield* TestClock.adjust("1020 millis")
      yield* watch.checkNow()
      yield* TestClock.adjust("1 second")
      assert.strictEqual(requests.length, 2)
    })
  )

  it.effect("who comes at its deadline has its check, with coalesce too", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ answer: () => pending })
      const poller = yield* Poller.make({ ...plain, coalesce: 10 })
      yield* TestClock.adjust("10020 millis")
      yield* poller.resume(job, token({ job: "many", key: "a", deadlineAt: 10_020 }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(requests.length, 1)
    })
  )

  it("who was gathered is not gathered once more, though the timer was late", async () => {
    const { fireAt, poller, run } = stubbed({})
    const { job, requests } = batching({ answer: () => pending, slack: 300, strategy: later(300, 300) })
    run(poller.add(job, "a", { ...hour, gate: Gate.make(() => Effect.succeed(Gate.open)) }))
    fireAt(301)
    await turn()
    assert.strictEqual(requests.length, 1)
  })

  it.effect("a check that is gathered to the deadline is the last", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ answer: () => pending, strategy: later(1044, 60_000) })
      const poller = yield* Poller.make(plain)
      yield* poller.add(job, "a", { deadline: 1050 })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(
        requests.map(({ at }) => at),
        [1050]
      )
    })
  )
})

describe("Poller, a machine that slept", () => {
  it("waits of a key that outsleep their check together check anew, and do not join it again", () => {
    const { fireAt, poller, run, sync } = stubbed({})
    let checks = 0
    const job = Job.make<string>("j", {
      check: () => Effect.suspend(() => (++checks === 1 ? Effect.never : Effect.succeed(Status.succeeded("fresh"))))
    })
    const options = { deadline: "10 seconds", strategy: Strategy.spaced("1 second") } as const
    run(Effect.andThen(poller.add(job, "a", options), poller.add(job, "a", options)))
    fireAt(3_600_000)
    assert.deepStrictEqual(sync(poller.stats).ended, { Succeeded: 2 })
  })

  it("a check that was outslept and cannot be interrupted keeps its place", () => {
    const { fireAt, poller, run } = stubbed({ concurrency: 1 })
    const { most, watch } = witness()
    const job = Job.make<string>("j", { check: (key) => watch("j", [key], Effect.uninterruptible(Effect.never)) })
    run(
      Effect.gen(function* () {
        yield* poller.add(job, "a", { deadline: "10 seconds", strategy: Strategy.spaced("1 second") })
        const other = yield* poller.add(job, "a", { ...hour, strategy: later(3_000_000) })
        yield* other.pause
      })
    )
    fireAt(60_000)
    assert.strictEqual(most.total, 1)
  })
})
