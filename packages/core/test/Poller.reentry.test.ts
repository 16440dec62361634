import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { batching, keysOf, witness } from "./many.ts"
import { ending, pending } from "./scripted.ts"
import { stubbedPoller as stubbed, turn } from "./stubClock.ts"

// What a look, a gate, a finalizer or who waits for an end does comes back into the Poller while it works.

const hour = { deadline: "1 hour" } as const
const plain = { stagger: false, linger: 0 } as const
const later = (first: number, every = 1000) => Strategy.fixed(every).pipe(Strategy.withFirstWait(first))

/** Asks its gate until its deadline, which is at 1000. */
const atGate = { deadline: 1000, strategy: Strategy.fixed("1 second"), gate: Gate.make(() => Effect.never) } as const

describe("Poller, what comes back in", () => {
  it.effect("a wait whose look awaits another wait ends as it ended itself", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const inner = Job.make<string>("inner", {
        check: () => Effect.succeed(pending),
        strategy: Strategy.fixed("1 second")
      })
      const outer = Job.make<string>("outer", {
        check: (key) => Effect.orDie(Effect.map(poller.until(inner, key, hour), (value) => Status.succeeded(value)))
      })
      const watch = yield* poller.add(outer, "a", { deadline: "5 seconds" })
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(ending(yield* Effect.exit(watch.await)), "PollTimeout deadline")
    })
  )

  for (const kind of ["single", "many"] as const) {
    it(`of two waits of a key one gives up as their look departs, whereupon the other is removed (${kind})`, async () => {
      const { fireAt, poller, run, sync } = stubbed({ concurrency: 10 })
      const single = Job.make<string, string, string>("single", {
        check: () => Effect.succeed(pending),
        strategy: later(1000)
      })
      const job = kind === "single" ? single : batching({ answer: () => pending, slack: 0 }).job
      run(
        Effect.gen(function* () {
          const a = yield* poller.add(job, "a", hour)
          const b = yield* poller.add(job, "a", atGate)
          yield* Effect.forkDetach(Effect.andThen(Effect.exit(b.await), a.remove), { startImmediately: true })
          for (const key of keysOf(3)) yield* poller.add(single, key, { deadline: "10 seconds" })
        })
      )
      const thrown: Array<unknown> = []
      for (const at of [1001, 2001, 15_000, 20_000]) {
        try {
          fireAt(at)
        } catch (defect) {
          thrown.push(String(defect))
        }
        await turn()
      }
      const { underWay, watched } = sync(poller.status)
      assert.deepStrictEqual({ thrown, underWay, watched }, { thrown: [], underWay: 0, watched: 0 })
    })
  }

  it("the bound is kept, though who waited for a wait that ends in the middle of a departure adds more", async () => {
    const { fireAt, poller, run } = stubbed({ concurrency: 2 })
    const { most, watch } = witness()
    const job = Job.make<string>("j", { check: (key) => watch("j", [key], Effect.never), strategy: later(1000) })
    const other = Job.make<string>("o", { check: (key) => watch("o", [key], Effect.never) })
    run(
      Effect.gen(function* () {
        yield* poller.add(job, "a", hour)
        const b = yield* poller.add(job, "a", atGate)
        yield* Effect.exit(b.await)
        yield* poller.add(other, "x", hour)
        yield* poller.add(other, "y", hour)
      })
    )
    fireAt(1001)
    await turn()
    assert.isAtMost(most.inAll, 2)
  })

  it("a request has at most max keys, though somebody adds some while it is boarded", async () => {
    const { fireAt, poller, run } = stubbed({ concurrency: 10 })
    const { job, requests } = batching({ answer: () => pending, max: 2, slack: 0 })
    run(
      Effect.gen(function* () {
        yield* poller.add(job, "a", hour)
        yield* poller.add(job, "a2", hour)
        const b = yield* poller.add(job, "a", atGate)
        yield* Effect.exit(b.await)
        for (const key of keysOf(5)) yield* poller.add(job, key, { ...hour, strategy: Strategy.fixed("1 second") })
      })
    )
    fireAt(1001)
    await turn()
    for (const { keys } of requests) assert.isAtMost(keys.length, 2)
  })

  it.effect("who is removed while it leaves its gate for the look of another is not aboard", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const job = Job.make<string>("j", { check: () => Effect.never, strategy: later(1000) })
      const first = yield* poller.add(job, "a", hour)
      let second: Poller.Watch<string> | undefined
      const gate = Gate.make(() => Effect.onInterrupt(Effect.never, () => second!.remove))
      second = yield* poller.add(job, "a", { ...hour, strategy: Strategy.fixed("1 second"), gate })
      yield* TestClock.adjust("2 seconds")
      // Nobody waits any more: the look is interrupted.
      yield* first.remove
      assert.strictEqual((yield* poller.status).underWay, 0)
    })
  )

  it.effect("a key that leaves a request in its first part is not asked for beside it", () =>
    Effect.gen(function* () {
      let watch: Poller.Watch<string, string, string> | undefined
      let running = 0
      let most = 0
      const { job } = batching({
        answer: () => pending,
        whole: () =>
          Effect.suspend(() => {
            most = Math.max(most, ++running)
            const first = watch
            watch = undefined
            const work = Effect.andThen(first?.remove ?? Effect.void, Effect.sleep("10 seconds"))
            return Effect.ensuring(
              work,
              Effect.sync(() => running--)
            )
          })
      })
      const poller = yield* Poller.make(plain)
      watch = yield* poller.add(job, "a", hour)
      yield* poller.add(job, "b", hour)
      yield* TestClock.adjust("2 seconds")
      // Joins the request under way, which asks for "a".
      yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("5 seconds")
      assert.strictEqual(most, 1)
    })
  )

  it.effect("nothing begins after a shutdown from within a look that ends at once", () =>
    Effect.gen(function* () {
      let after = -1
      const poller: Poller.Service = yield* Poller.make(plain)
      const job = Job.make<string>("j", {
        check: (key) =>
          Effect.suspend(() => {
            if (after >= 0) after++
            if (key !== "last") return Effect.uninterruptible(Effect.as(Effect.sleep("10 seconds"), pending))
            after = 0
            return Effect.as(Effect.forkDetach(poller.shutdown, { startImmediately: true }), pending)
          })
      })
      for (const key of keysOf(70)) yield* poller.add(job, key, { ...hour, strategy: later(500, 3_600_000) })
      for (const key of ["last", ...keysOf(20, "z")]) yield* poller.add(job, key, { ...hour, strategy: later(1000) })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(after, 0)
    })
  )

  it.effect("a shutdown from within a request that is filled in turns leaves nothing under way", () =>
    Effect.gen(function* () {
      const poller: Poller.Service = yield* Poller.make({ ...plain, concurrency: "unbounded" })
      const shutdown = Effect.andThen(Effect.yieldNow, Effect.forkDetach(poller.shutdown, { startImmediately: true }))
      const { job, requests } = batching({
        answer: () => pending,
        whole: () => (requests.length === 1 ? shutdown : Effect.void)
      })
      yield* Effect.forEach(keysOf(2000), (key) => poller.add(job, key, hour))
      yield* TestClock.adjust("1 second")
      const { underWay, watched } = yield* poller.status
      assert.deepStrictEqual({ underWay, watched }, { underWay: 0, watched: 0 })
    })
  )

  it.effect("a shutdown from within a look comes to its end", () =>
    Effect.gen(function* () {
      const poller: Poller.Service = yield* Poller.make(plain)
      let done = false
      const shutdown = Effect.onExit(poller.shutdown, () => Effect.sync(() => void (done = true)))
      const job = Job.make<string>("j", {
        check: () => Effect.as(Effect.andThen(Effect.sleep("1 second"), shutdown), pending)
      })
      yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("1 minute")
      assert.isTrue(done)
    })
  )
})
