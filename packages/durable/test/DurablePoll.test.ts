import { assert, describe, it } from "@effect/vitest"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import { DurableJobUnknown, DurableStoreError } from "@effect-poll/durable/DurableError"
import { DurableStore } from "@effect-poll/durable/DurableStore"
import * as DurableRef from "@effect-poll/durable/DurableRef"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { counted, hour, inMemory, makeServer, runnerOn } from "./support/jobs.ts"

describe("DurablePoll", () => {
  describe("submit", () => {
    it.effect(
      "submit - yields the same job for the same idempotency key, and another one for another key or kind",
      () => {
        const { job } = makeServer()
        const poll = DurablePoll.make(job, hour)
        const other = DurablePoll.make(
          Job.make("other", { check: job.check }).pipe(
            Job.withCodecs({ success: Schema.String, failure: Schema.Finite })
          ),
          hour
        )
        const byKey = { idempotencyKey: (key: string) => key }
        return Effect.gen(function* () {
          const [a, a2, b] = yield* poll.submit(["a", "a", "b"], byKey)
          const [a3] = yield* poll.submit(["a"], byKey)
          const [c] = yield* other.submit(["a"], byKey)
          assert.deepStrictEqual([a2, a3], [a, a])
          assert.match(a!.id, /^[0-9a-f]{64}$/)
          assert.notDeepEqual(b, a)
          assert.notStrictEqual(c!.id, a!.id)
          assert.deepStrictEqual(yield* poll.ref("a"), a)
          const [first, second] = yield* poll.submit(["x1", "x2"], { idempotencyKey: () => "x" })
          assert.deepStrictEqual(second, first)
          assert.strictEqual((yield* poll.find(first!)).key, "x1")
          assert.strictEqual((yield* poll.list()).length, 3)
        }).pipe(Effect.provide(DurablePoll.layerMemory))
      }
    )

    it.effect("submit - without an idempotency key each submit is a new job", () => {
      const poll = DurablePoll.make(makeServer().job, hour)
      return Effect.gen(function* () {
        const refs = [...(yield* poll.submit(["a", "a"])), ...(yield* poll.submit(["a"]))]
        assert.strictEqual(new Set(refs.map(({ id }) => id)).size, 3)
        for (const { id, kind } of refs) {
          assert.strictEqual(kind, "render")
          assert.match(id, /^[0-9a-f]{32}$/)
        }
        assert.deepStrictEqual(yield* Schema.decodeUnknownEffect(DurableRef.DurableRef)(refs[0]), refs[0])
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })

    it.effect("submit - stores a thousand jobs with one statement, in the order of the keys", () => {
      const poll = DurablePoll.make(makeServer().job, hour)
      const { calls, layer } = counted(DurablePoll.layerMemory)
      return Effect.gen(function* () {
        const keys = Array.from({ length: 2_500 }, (_, at) => `k${at}`)
        const refs = yield* poll.submit(keys)
        assert.strictEqual(calls("insert"), 3)
        assert.strictEqual((yield* poll.find(refs[2_400]!)).key, "k2400")
        const buckets = new Set((yield* (yield* DurableStore).list({ limit: 2_500 })).map(({ bucket }) => bucket))
        assert.strictEqual(buckets.size, 128)
      }).pipe(Effect.provide(layer))
    })

    it.effect("submit - takes deadline, delay and tags from its options", () => {
      const poll = DurablePoll.make(makeServer().job, hour)
      return Effect.gen(function* () {
        yield* TestClock.adjust("1 hour")
        const now = 3_600_000
        const [a] = yield* poll.submit(["a"], { deadline: "2 hours", delay: "5 minutes", tags: ["x", "y", "x"] })
        const [b] = yield* poll.submit(["b"], { deadline: "unbounded" })
        const view = yield* poll.find(a!)
        assert.deepStrictEqual(
          [view.key, view.state, view.round, view.createdAt, view.deadlineAt, view.dueAt, view.ended],
          ["a", "pending", 1, now, now + 7_200_000, now + 300_000, undefined]
        )
        assert.deepStrictEqual(view.tags, ["x", "y"])
        assert.strictEqual((yield* poll.find(b!)).deadlineAt, "unbounded")
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })

    it.effect("affinity - puts jobs of the same group into one bucket", () => {
      const poll = DurablePoll.make(makeServer().job, { ...hour, affinity: (key) => key.slice(0, 1), buckets: 7 })
      return Effect.gen(function* () {
        yield* poll.submit(["a1", "a2", "b1", "b2", "c1"])
        const rows = yield* (yield* DurableStore).list({})
        const bucketOf = (key: string) => rows.find((row) => row.key === key)!.bucket
        assert.strictEqual(bucketOf("a1"), bucketOf("a2"))
        assert.strictEqual(bucketOf("b1"), bucketOf("b2"))
        assert.strictEqual(new Set(rows.map(({ bucket }) => bucket)).size, 3)
        assert.isBelow(Math.max(...rows.map(({ bucket }) => bucket)), 7)
      }).pipe(Effect.provide(Layer.fresh(storeOnly)))
    })
  })

  describe("await", () => {
    it.effect("await - yields the result that a runner found, or fails with the error", () => {
      const { answers, checks, job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const refs = yield* poll.submit(["a", "b"])
        const fibers = yield* Effect.forEach(refs, (ref) => Effect.forkChild(Effect.exit(poll.await(ref))))
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(checks.toSorted(), ["a", "b"])
        answers.set("a", Status.succeeded("a.png"))
        answers.set("b", Status.failed(7))
        yield* TestClock.adjust("15 seconds")
        assert.deepStrictEqual(yield* Fiber.join(fibers[0]!), Exit.succeed("a.png"))
        const error = yield* Effect.flip(yield* Fiber.join(fibers[1]!))
        assert.isTrue(error._tag === "JobFailed" && error.failure === 7 && error.attempts === 2)
        assert.strictEqual(yield* poll.await(refs[0]!), "a.png")
      }).pipe(Effect.provide(inMemory(poll)))
    })

    it.effect("await - works in a process without a runner, and at the deadline", () => {
      const { job } = makeServer()
      const poll = DurablePoll.make(job, { deadline: "30 seconds" })
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        const fiber = yield* Effect.forkChild(Effect.flip(poll.await(ref!)))
        yield* TestClock.adjust("1 minute")
        assert.isUndefined(fiber.pollUnsafe())
        // The deadline has passed, so one check is made.
        yield* Layer.build(runnerOn(Layer.succeedContext(yield* Effect.context<never>()) as never, poll))
        yield* TestClock.adjust("3 seconds")
        const error = yield* Fiber.join(fiber)
        assert.isTrue(error._tag === "PollTimeout" && error.attempts === 1)
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })

    it.effect("await - fails for a reference that is unknown or of another kind", () => {
      const poll = DurablePoll.make(makeServer().job, hour)
      return Effect.gen(function* () {
        const unknown = yield* Effect.flip(poll.await({ kind: "render", id: "none" }))
        assert.deepStrictEqual({ ...unknown }, { _tag: "DurableJobUnknown", kind: "render", id: "none" } as never)
        const [ref] = yield* poll.submit(["a"])
        const other = yield* Effect.flip(poll.await({ ...ref!, kind: "other" }))
        assert.strictEqual(other._tag, "DurableJobUnknown")
        for (const failing of [
          Effect.asVoid(poll.find({ ...ref!, kind: "other" })),
          Effect.asVoid(poll.retry({ ...ref!, kind: "other" })),
          Effect.asVoid(poll.settle({ ...ref!, kind: "other" }, Status.canceled()))
        ]) {
          assert.strictEqual(
            (yield* Effect.flip<void, unknown, DurableStore>(failing)) instanceof DurableJobUnknown,
            true
          )
        }
        assert.isFalse(yield* poll.checkNow({ ...ref!, kind: "other" }))
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })

    for (const count of [50, 300]) {
      it.effect(`await - of a job that was removed fails, also for one of ${count} fibers`, () => {
        const poll = DurablePoll.make(makeServer().job, hour)
        return Effect.gen(function* () {
          const store = yield* DurableStore
          const refs = yield* poll.submit(Array.from({ length: count }, (_, at) => `k${at}`))
          const fibers = yield* Effect.forEach(refs, (ref) => Effect.forkChild(poll.await(ref)))
          yield* TestClock.adjust("100 millis")
          // Between two looks.
          yield* poll.settle(refs[0]!, Status.succeeded("x"))
          yield* store.prune(poll.kind, 0, 10)
          yield* TestClock.adjust("61 seconds")
          assert.instanceOf(yield* Effect.flip(Fiber.join(fibers[0]!)), DurableJobUnknown)
          assert.isUndefined(fibers[1]?.pollUnsafe())
        }).pipe(
          Effect.provide(
            Layer.effect(
              DurableStore,
              // Messages are lost.
              Effect.map(DurableStore, (store) => ({ ...store, changes: Stream.never }))
            ).pipe(Layer.provideMerge(DurablePoll.layerMemory))
          )
        )
      })

      it.effect(`await - ${count} fibers share one query a second`, () => {
        const poll = DurablePoll.make(makeServer().job, hour)
        const { calls, layer, store } = counted(DurablePoll.layerMemory)
        return Effect.gen(function* () {
          const refs = yield* poll.submit(Array.from({ length: count }, (_, at) => `k${at}`))
          const fibers = yield* Effect.forEach(refs, (ref) => Effect.forkChild(poll.await(ref)))
          yield* TestClock.adjust("100 millis")
          const before = calls("find", "ended", "position")
          const found = calls("find")
          const afters: Array<number> = []
          const { ended } = store
          store.ended = (kind, after, limit) => (afters.push(after), ended(kind, after, limit))
          yield* TestClock.adjust("10 seconds")
          // Many are found by the ends since the last look, not by their ids.
          if (count > 100) assert.strictEqual(calls("find"), found)
          assert.isAtMost(calls("find", "ended", "position") - before, 11)
          for (const ref of refs) yield* poll.settle(ref, Status.succeeded(ref.id))
          yield* TestClock.adjust("1 second")
          const ends = yield* Effect.forEach(fibers, Fiber.join)
          assert.deepStrictEqual(
            ends,
            refs.map(({ id }) => id)
          )
          if (count > 100) assert.isAbove(afters.at(-1)!, 0, "each end is read once")
          const after = calls("find", "ended", "position")
          yield* TestClock.adjust("1 minute")
          assert.strictEqual(calls("find", "ended", "position"), after, "nobody waits any more")
        }).pipe(Effect.provide(layer))
      })
    }

    it.effect("await - does not affect other waiters if it is interrupted", () => {
      const poll = DurablePoll.make(makeServer().job, hour)
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        const [one, two] = [yield* Effect.forkChild(poll.await(ref!)), yield* Effect.forkChild(poll.await(ref!))]
        yield* Effect.yieldNow
        yield* Fiber.interrupt(one)
        yield* TestClock.adjust("5 seconds")
        yield* poll.settle(ref!, Status.succeeded("x"))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(two), "x")
        const three = yield* Effect.forkChild(poll.await(ref!))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(three), "x")
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })

    it.effect("await - learns of an end at once with notifications, and within a second without them", () => {
      const poll = DurablePoll.make(makeServer().job, hour)
      const { layer, store } = counted(DurablePoll.layerMemory)
      return Effect.gen(function* () {
        const refs = yield* poll.submit(["a", "b"])
        const first = yield* Effect.forkChild(poll.await(refs[0]!))
        // Subscribed.
        yield* TestClock.adjust("10 millis")
        yield* TestClock.adjust("10 millis")
        yield* poll.settle(refs[0]!, Status.succeeded("a"))
        yield* TestClock.adjust("10 millis")
        assert.strictEqual(first.pollUnsafe()?._tag, "Success")
        store.changes = Stream.never
        const second = yield* Effect.forkChild(poll.await(refs[1]!))
        yield* TestClock.adjust("10 millis")
        yield* poll.settle(refs[1]!, Status.succeeded("b"))
        yield* TestClock.adjust("900 millis")
        assert.isUndefined(second.pollUnsafe())
        yield* TestClock.adjust("100 millis")
        assert.strictEqual(yield* Fiber.join(second), "b")
      }).pipe(Effect.provide(layer))
    })

    it.effect("await - has one subscription to the store for all waiters, while there are any", () => {
      const poll = DurablePoll.make(makeServer().job, hour)
      const { layer, store } = counted(DurablePoll.layerMemory)
      let listening = 0
      return Effect.gen(function* () {
        const refs = yield* poll.submit(["a", "b"])
        const listen = Effect.acquireRelease(
          Effect.sync(() => listening++),
          () => Effect.sync(() => listening--)
        )
        store.changes = Stream.unwrap(Effect.as(listen, Stream.never))
        const fibers = yield* Effect.forEach(refs, (ref) => Effect.forkChild(poll.await(ref)))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(listening, 1)
        yield* Fiber.interruptAll(fibers)
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(listening, 0)
      }).pipe(Effect.provide(layer))
    })

    it.effect("await - what fibers share has neither the transaction nor the span of the one that came first", () => {
      const { job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      const { layer, store } = counted(DurablePoll.layerMemory)
      class Transaction extends Context.Service<Transaction, string>()("test/Transaction") {}
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        const seen = new Set<string>()
        const see = Effect.gen(function* () {
          if (Option.isSome(yield* Effect.serviceOption(Transaction))) seen.add("transaction")
          if (Option.isSome(yield* Effect.option(Effect.currentSpan))) seen.add("span")
          seen.add(`at ${yield* Clock.currentTimeMillis}`)
        })
        const { changes, find } = store
        store.find = (kind, ids) => Effect.andThen(see, find(kind, ids))
        store.changes = Stream.unwrap(Effect.as(see, changes))
        const first = poll.await(ref!).pipe(Effect.withSpan("first"), Effect.provideService(Transaction, "open"))
        const fiber = yield* Effect.forkChild(first)
        yield* TestClock.adjust("500 millis")
        yield* poll.settle(ref!, Status.succeeded("x"))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* Fiber.join(fiber), "x")
        // With the clock of the test.
        assert.isTrue(seen.has("at 0"))
        assert.isFalse(seen.has("transaction") || seen.has("span"))
      }).pipe(Effect.provide(layer))
    })

    it.effect("await - tolerates an outage of the store for a minute, and no longer", () => {
      const poll = DurablePoll.make(makeServer().job, hour)
      const { layer, store } = counted(DurablePoll.layerMemory)
      const away = Effect.fail(new DurableStoreError({ operation: "find", cause: new Error("no connection") }))
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        const { find } = store
        store.find = () => away
        const fiber = yield* Effect.forkChild(poll.await(ref!))
        yield* TestClock.adjust("50 seconds")
        store.find = find
        yield* TestClock.adjust("5 seconds")
        store.find = () => away
        yield* TestClock.adjust("50 seconds")
        assert.isUndefined(fiber.pollUnsafe())
        yield* TestClock.adjust("20 seconds")
        assert.strictEqual((yield* Effect.flip(Fiber.join(fiber)))._tag, "DurableStoreError")
      }).pipe(Effect.provide(layer))
    })
  })

  describe("endings", () => {
    it.effect("a check that throws - ends with a DurableDefect that has its text", () => {
      const job = Job.make("broken", {
        check: (_: string): Effect.Effect<Status.Status<string>> => Effect.die(new TypeError("x is null"))
      }).pipe(Job.withCodecs({ success: Schema.String }))
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        const fiber = yield* Effect.forkChild(Effect.flip(poll.await(ref!)))
        yield* TestClock.adjust("5 seconds")
        const error = yield* Fiber.join(fiber)
        assert.isTrue(error._tag === "DurableDefect" && error.detail === "x is null")
        assert.deepStrictEqual((yield* poll.stats).ended, { DurableDefect: 1 })
      }).pipe(Effect.provide(inMemory(poll)))
    })

    it.effect("a result or a key that does not match its Schema - ends with a DurableDefect", () => {
      const job = Job.make("odd", {
        check: (_: string) => Effect.succeed(Status.succeeded(5 as unknown as string))
      }).pipe(Job.withCodecs({ success: Schema.String }))
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        const fiber = yield* Effect.forkChild(Effect.flip(poll.await(ref!)))
        yield* TestClock.adjust("5 seconds")
        const error = yield* Fiber.join(fiber)
        assert.isTrue(error._tag === "DurableDefect" && error.detail.includes("odd"))
      }).pipe(Effect.provide(inMemory(poll)))
    })

    it.effect("an ending that no longer matches its Schema - is a DurableDefect", () => {
      const { job } = makeServer()
      const before = DurablePoll.make(job, hour)
      const after = DurablePoll.make(
        Job.make("render", { check: (_: string) => Effect.succeed(Status.succeeded(5)) }).pipe(
          Job.withCodecs({ success: Schema.Finite })
        ),
        hour
      )
      return Effect.gen(function* () {
        const [ref] = yield* before.submit(["a"])
        yield* before.settle(ref!, Status.succeeded("a.png"))
        const { ended } = yield* after.find(ref!)
        assert.isTrue(
          ended !== undefined && Result.isFailure(ended.result) && ended.result.failure._tag === "DurableDefect"
        )
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })

    it.effect("the first check - is made when the strategy says, and the limit of the strategy bounds the wait", () => {
      const { checks, job } = makeServer()
      const strategy = Strategy.spaced("10 seconds").pipe(
        Strategy.withFirstWait("20 seconds"),
        Strategy.maxDuration("45 seconds")
      )
      const poll = DurablePoll.make(job, { ...hour, wait: { strategy } })
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        const fiber = yield* Effect.forkChild(Effect.flip(poll.await(ref!)))
        yield* TestClock.adjust("19 seconds")
        assert.deepStrictEqual(checks, [])
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual(checks, ["a"])
        yield* TestClock.adjust("30 seconds")
        const error = yield* Fiber.join(fiber)
        assert.isTrue(error._tag === "PollTimeout" && error.reason === "strategy")
        // As a wait does that is not durable.
        const plain = makeServer()
        const until = yield* Effect.forkChild(Effect.flip(Poll.until(plain.job, "a", { ...hour, strategy })))
        yield* TestClock.adjust("1 minute")
        const { elapsed } = yield* Fiber.join(until)
        assert.strictEqual(checks.length, plain.checks.length)
        assert.deepStrictEqual(error._tag === "PollTimeout" && error.elapsed, elapsed)
      }).pipe(Effect.provide(inMemory(poll)))
    })
  })
})

const storeOnly = Layer.effect(DurableStore, DurableStore).pipe(Layer.provide(DurablePoll.layerMemory))
