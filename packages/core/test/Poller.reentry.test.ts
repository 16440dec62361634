import { assert, describe, it } from "@effect/vitest"
import * as Deferred from "effect/Deferred"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import * as CheckError from "effect-poll/CheckError"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { batching, held, keysOf, witness } from "./many.ts"
import { ending, pending } from "./scripted.ts"
import { stubbedPoller as stubbed, turn } from "./stubClock.ts"

// What a check, a gate, a finalizer or who waits for an end does comes back into the Poller while it works.

const hour = { deadline: "1 hour" } as const
const plain = { stagger: false, linger: 0 } as const
const rarely = Strategy.spaced("30 minutes")
const later = (first: number, every = 1000) => Strategy.spaced(every).pipe(Strategy.withFirstWait(first))

/** Asks its gate until its deadline, which is at 1000. */
const atGate = { deadline: 1000, strategy: Strategy.spaced("1 second"), gate: Gate.make(() => Effect.never) } as const

describe("Poller, what comes back in", () => {
  it.effect("a wait whose check awaits another wait ends as it ended itself", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const inner = Job.make<string>("inner", {
        check: () => Effect.succeed(pending),
        strategy: Strategy.spaced("1 second")
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
    it(`of two waits of a key one gives up as their check departs, whereupon the other is removed (${kind})`, async () => {
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
          yield* Effect.forkDetach(Effect.andThen(Effect.exit(b.await), a.interrupt), { startImmediately: true })
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
      const { requests, watched } = sync(poller.stats)
      assert.deepStrictEqual({ thrown, requests, watched }, { thrown: [], requests: 0, watched: 0 })
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
    assert.isAtMost(most.total, 2)
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
        for (const key of keysOf(5)) yield* poller.add(job, key, { ...hour, strategy: Strategy.spaced("1 second") })
      })
    )
    fireAt(1001)
    await turn()
    for (const { keys } of requests) assert.isAtMost(keys.length, 2)
  })

  it.effect("who is removed while it leaves its gate for the check of another is not aboard", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const job = Job.make<string>("j", { check: () => Effect.never, strategy: later(1000) })
      const first = yield* poller.add(job, "a", hour)
      let second: Handle<string> | undefined
      const gate = Gate.make(() => Effect.onInterrupt(Effect.never, () => second!.interrupt))
      second = yield* poller.add(job, "a", { ...hour, strategy: Strategy.spaced("1 second"), gate })
      yield* TestClock.adjust("2 seconds")
      // Nobody waits any more: the check is interrupted.
      yield* first.interrupt
      assert.strictEqual((yield* poller.stats).requests, 0)
    })
  )

  it.effect("a key that leaves a request in its first part is not asked for beside it", () =>
    Effect.gen(function* () {
      let watch: Handle<string, string, string> | undefined
      let running = 0
      let most = 0
      const { job } = batching({
        answer: () => pending,
        whole: () =>
          Effect.suspend(() => {
            most = Math.max(most, ++running)
            const first = watch
            watch = undefined
            const work = Effect.andThen(first?.interrupt ?? Effect.void, Effect.sleep("10 seconds"))
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

  it.effect("nothing begins after a shutdown from within a check that ends at once", () =>
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
      const stats = yield* poller.stats
      assert.deepStrictEqual([stats.requests, stats.watched], [0, 0])
    })
  )

  const ownPlaces: ReadonlyArray<[string, (own: Effect.Effect<unknown>) => Effect.Effect<Status.Pending>]> = [
    ["as it begins", (own) => Effect.andThen(own, Effect.never)],
    ["in its finalizer", (own) => Effect.as(Effect.ensuring(Effect.sleep("1 second"), own), pending)]
  ]
  for (const [when, check] of ownPlaces) {
    it.effect(`a check that removes its own wait ${when} is over, and its room goes to who stands in line`, () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const checked: Array<string> = []
        let own: Handle<string> | undefined
        const job = Job.make<string>("j", {
          strategy: rarely,
          check: (key) =>
            Effect.suspend(() => {
              checked.push(key)
              if (key === "first") return Effect.as(Effect.sleep("1 second"), pending)
              return key === "own" ? check(Effect.suspend(() => own!.interrupt)) : Effect.succeed(pending)
            })
        })
        yield* poller.add(job, "first", hour)
        own = yield* poller.add(job, "own", hour)
        yield* poller.add(job, "next", hour)
        yield* TestClock.adjust("10 minutes")
        const { queued, requests } = yield* poller.stats
        assert.deepStrictEqual(
          { checked, queued, requests },
          { checked: ["first", "own", "next"], queued: 0, requests: 0 }
        )
      })
    )

    it.effect(`a shutdown from within a check, ${when}, comes to its end`, () =>
      Effect.gen(function* () {
        const poller: Poller.Service = yield* Poller.make(plain)
        let done = false
        const shutdown = Effect.onExit(poller.shutdown, () => Effect.sync(() => void (done = true)))
        const job = Job.make<string>("j", { check: () => check(shutdown) })
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1 minute")
        assert.isTrue(done)
      })
    )
  }

  it("the bound is kept, though a cancel adds more while a request is boarded", async () => {
    const { fireAt, poller, run, setTo } = stubbed({ concurrency: 2 })
    const { most, watch } = witness()
    const answer = Deferred.makeUnsafe<Gate.Answer>()
    const other = Job.make<string>("o", { check: (key) => watch("o", [key], Effect.never) })
    const gate = Gate.make(() => Deferred.await(answer))
    const job = Job.make<string>("j", {
      check: () => Effect.never,
      checkMany: {
        max: 10,
        slack: 0,
        check: (keys) =>
          watch(
            "j",
            ["request"],
            Effect.andThen(
              Effect.sync(() => keys),
              Effect.never
            )
          )
      },
      cancel: () => Effect.andThen(poller.add(other, "x", hour), poller.add(other, "y", hour)),
      strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait(10))
    })
    run(
      Effect.gen(function* () {
        yield* poller.add(job, "a", { ...hour, gate })
        yield* poller.add(job, "b", { deadline: 1000, onTimeout: "cancelRemote", gate })
      })
    )
    fireAt(10)
    await turn()
    setTo(1001)
    Deferred.doneUnsafe(answer, Exit.succeed(Gate.open))
    await turn()
    assert.isAtMost(most.total, 2)
  })

  for (const removes of [false, true]) {
    const what = removes
      ? "and whose finalizer removes the next wait, leaves nothing"
      : "is over before the next check begins"
    it.effect(`a check that is left while the gate of another wait is asked ${what}`, () =>
      Effect.gen(function* () {
        const { checks, most, watch } = witness()
        const poller = yield* Poller.make(plain)
        let second: Handle<string> | undefined
        const onInterrupt = () => (removes ? Effect.suspend(() => second!.interrupt) : Effect.void)
        const job = Job.make<string>("j", {
          check: (key) => watch("j", [key], Effect.onInterrupt(Effect.never, onInterrupt)),
          strategy: Strategy.spaced("1 second")
        })
        const first = yield* poller.add(job, "a", hour)
        const gate = Gate.make(() =>
          Effect.as(Effect.forkDetach(first.interrupt, { startImmediately: true }), Gate.open)
        )
        second = yield* poller.add(job, "a", { ...hour, strategy: later(1000), gate })
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual([checks.length, most.total], [removes ? 1 : 2, 1])
        assert.strictEqual((yield* poller.stats).requests, removes ? 0 : 1)
      })
    )
  }

  it.effect("the events of a wait come in order, though who hears of another one ends it meanwhile", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const job = Job.make<string, never, string>("j", {
        check: () => Effect.andThen(Effect.sleep("1 second"), Effect.fail("down")),
        strategy: rarely
      })
      const a = yield* poller.add(job, "a", { ...hour, checkErrors: { kindOf: () => CheckError.permanent() } })
      const b = yield* poller.add(job, "a", hour)
      const tags: Array<string> = []
      yield* Effect.forkDetach(
        Stream.runForEach(b.events, (event) => Effect.sync(() => void tags.push(event._tag))),
        { startImmediately: true }
      )
      yield* Effect.forkDetach(Effect.andThen(Effect.exit(a.await), b.interrupt), { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      assert.deepStrictEqual(tags, ["CheckFailed", "Waiting", "Ended"])
    })
  )

  it.effect("a wait that is removed by the log of its failed check stays removed", () =>
    Effect.gen(function* () {
      let own: Handle<string, never, string> | undefined
      let checks = 0
      const logger = Logger.make(() => {
        if (own !== undefined) Effect.runFork(own.interrupt)
        own = undefined
      })
      const program = Effect.gen(function* () {
        const poller = yield* Poller.make({ ...plain, capacity: 1 })
        const job = Job.make<string, never, string>("j", {
          check: () => Effect.suspend(() => (checks++, Effect.andThen(Effect.sleep(10), Effect.fail("down")))),
          checkErrors: { kindOf: () => CheckError.transient(), schedule: Strategy.spaced(100), maxConsecutive: 5 },
          strategy: rarely
        })
        own = yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1 minute")
        return { checks, ended: (yield* poller.stats).ended, free: held(poller).free }
      })
      const seen = yield* program.pipe(
        Effect.provide(Logger.layer([logger])),
        Effect.provideService(References.MinimumLogLevel, "Debug")
      )
      assert.deepStrictEqual(seen, { checks: 1, ended: { Interrupted: 1 }, free: 1 })
    })
  )

  it("a shutdown from within a request, as another one is filled, leaves nothing under way", async () => {
    const { fireAt, poller, run, setTo, sync } = stubbed({ concurrency: "unbounded" })
    const checkMany = (check: () => Effect.Effect<never>) => ({ max: 10_000, slack: 0, check })
    const first = later(10)
    const shutdown = Effect.forkDetach(poller.shutdown, { startImmediately: true })
    const a = Job.make<string>("a", {
      check: () => Effect.never,
      checkMany: checkMany(() => Effect.andThen(shutdown, Effect.never)),
      strategy: first
    })
    const b = Job.make<string>("b", {
      check: () => Effect.never,
      checkMany: checkMany(() => Effect.never),
      strategy: later(20)
    })
    run(
      Effect.gen(function* () {
        // 1024 are woken in a turn: those of a are filled on in the next one, in which b begins, and is filled on.
        yield* Effect.forEach(keysOf(1100), (key) => poller.add(a, key, hour))
        yield* Effect.forEach(keysOf(3000), (key) => poller.add(b, key, hour))
      })
    )
    for (let at = 0; at < 50; at++) await turn()
    fireAt(10)
    setTo(20)
    for (let at = 0; at < 10; at++) await turn()
    const { requests, watched } = sync(poller.stats)
    assert.deepStrictEqual({ requests, watched }, { requests: 0, watched: 0 })
  })

  it("an end is told, though who is told of another one throws", async () => {
    const { fireAt, poller, run, sync } = stubbed({})
    const job = Job.make<string>("j", {
      check: (key) => Effect.succeed(Status.succeeded(key)),
      strategy: Strategy.spaced(1000).pipe(Strategy.withFirstWait(1000))
    })
    const a = sync(poller.add(job, "a", hour))
    const b = sync(poller.add(job, "b", hour))
    Effect.runCallback(a.await, {
      onExit: () => {
        throw new Error("told")
      }
    })
    try {
      fireAt(1001)
    } catch {
      // The error of who was told.
    }
    await turn()
    const other = run(b.await)
    await turn()
    assert.isDefined(other.pollUnsafe())
  })

  it.effect("a check that removes its own wait and adds another for its key is over before that one checks", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      let running = 0
      let most = 0
      let watch: Handle<string> | undefined
      const job = Job.make<string>("j", {
        check: () =>
          Effect.suspend(() => {
            most = Math.max(most, ++running)
            const self = watch
            watch = undefined
            const again =
              self === undefined
                ? Effect.void
                : Effect.andThen(
                    Effect.forkDetach(self.interrupt, { startImmediately: true }),
                    poller.add(job, "a", { ...hour, strategy: Strategy.spaced("1 second") })
                  )
            return Effect.andThen(again, Effect.as(Effect.sleep("1 second"), pending))
          }).pipe(Effect.ensuring(Effect.sync(() => void running--))),
        strategy: Strategy.spaced(1000).pipe(Strategy.withFirstWait(1000))
      }) as Job.Job<string, string, never, never, never, never, unknown>
      watch = yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("1 second")
      yield* TestClock.adjust("10 seconds")
      assert.strictEqual(most, 1)
    })
  )
})
