import { assert, describe, it } from "@effect/vitest"
import * as DurablePoll from "@effect-poll/durable/DurablePoll"
import type { Ended } from "@effect-poll/durable/DurableView"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import { counted, hour, inMemory, makeServer } from "./support/jobs.ts"

type AnEnd = Ended<string, string, number>

const resultOf = ({ result }: AnEnd): unknown => (Result.isSuccess(result) ? result.success : result.failure._tag)

describe("DurablePoll, for operators", () => {
  describe("settle", () => {
    it.effect("settle - ends a job once, with any terminal status", () => {
      const { job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const refs = yield* poll.submit(["a", "b", "c", "d"])
        const statuses = [
          Status.succeeded("a.png"),
          Status.failed(7),
          Status.canceled({ reason: "by hand", partial: { rows: 3 } }),
          Status.expired({ reason: "too old" })
        ]
        for (const [at, status] of statuses.entries()) {
          assert.strictEqual(yield* poll.settle(refs[at]!, status), "settled")
          assert.strictEqual(yield* poll.settle(refs[at]!, Status.succeeded("late")), "late")
        }
        assert.strictEqual(yield* poll.await(refs[0]!), "a.png")
        const errors = yield* Effect.forEach(refs.slice(1), (ref) => Effect.flip(poll.await(ref)))
        assert.deepStrictEqual(
          errors.map(({ _tag }) => _tag),
          ["JobFailed", "JobCanceled", "JobExpired"]
        )
        assert.isTrue(errors[0]!._tag === "JobFailed" && errors[0].failure === 7 && errors[0].key === "b")
        assert.isTrue(errors[1]!._tag === "JobCanceled" && errors[1].reason === "by hand")
        assert.deepStrictEqual(errors[1]!._tag === "JobCanceled" && errors[1].partial, { rows: 3 })
        const { ended } = yield* poll.find(refs[0]!)
        assert.deepStrictEqual([ended?.by, ended?.attempts, ended?.position], ["settle", 0, 1])
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })

    it.effect("settle - wins over a later check, and the runner stops checking", () => {
      const { answers, checks, job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        yield* TestClock.adjust("5 seconds")
        assert.strictEqual(yield* poll.settle(ref!, Status.succeeded("settled")), "settled")
        answers.set("a", Status.succeeded("checked"))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* poll.await(ref!), "settled")
        assert.isAtMost(checks.length, 2)
        const { ended } = yield* poll.find(ref!)
        assert.strictEqual(ended?.position, 1)
        assert.deepStrictEqual((yield* poll.stats).ended, { Succeeded: 1 })
      }).pipe(Effect.provide(inMemory(poll)))
    })

    it.effect("settle - fails for a value that the Schema does not accept, and stores nothing", () => {
      const { job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        const error = yield* Effect.flip(poll.settle(ref!, Status.succeeded(5 as unknown as string)))
        assert.strictEqual(error._tag, "EndingError")
        assert.strictEqual((yield* poll.find(ref!)).state, "pending")
        assert.throws(() => poll.settle(ref!, Status.pending() as never), RangeError, "terminal status")
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })

    it.effect("settle - does not show the secret part of a key", () => {
      const job = Job.make("secret", {
        check: (_: string) => Effect.succeed(Status.pending() as Status.Status<string>),
        key: { encode: (key) => key, decode: (key) => key, show: () => "***" }
      }).pipe(Job.withCodecs({ success: Schema.String }))
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["s3cret"])
        yield* poll.settle(ref!, Status.canceled())
        const error = yield* Effect.flip(poll.await(ref!))
        assert.isTrue(error._tag === "JobCanceled" && error.key === "***")
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })
  })

  describe("results", () => {
    it.effect("results - yields all ends in order, then new ones, and can start after a position", () => {
      const { answers, job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const seen: Array<AnEnd> = []
        const refs = yield* poll.submit(["a", "b", "c"], { tags: ["t"] })
        yield* poll.settle(refs[0]!, Status.succeeded("first"))
        const fiber = yield* Effect.forkChild(
          Stream.runForEach(poll.results(), (end) => Effect.sync(() => seen.push(end)))
        )
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(seen.map(resultOf), ["first"])
        answers.set("b", Status.failed(7))
        answers.set("c", Status.succeeded("third"))
        yield* TestClock.adjust("15 seconds")
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(
          seen.map(({ position }) => position),
          [1, 2, 3]
        )
        assert.sameMembers(seen.map(resultOf) as Array<string>, ["first", "JobFailed", "third"])
        const [, second] = seen
        assert.deepStrictEqual([second!.by, second!.attempts, second!.round, second!.tags], ["check", 2, 1, ["t"]])
        const rest = yield* Stream.runCollect(Stream.take(poll.results({ after: 1 }), 2))
        assert.deepStrictEqual(rest, seen.slice(1))
      }).pipe(Effect.provide(inMemory(poll)))
    })

    it.effect('results - after "now" leaves out what ended before', () => {
      const { job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const refs = yield* poll.submit(["a", "b"])
        yield* poll.settle(refs[0]!, Status.succeeded("before"))
        const fiber = yield* Effect.forkChild(Stream.runCollect(Stream.take(poll.results({ after: "now" }), 1)))
        yield* TestClock.adjust("10 millis")
        yield* poll.settle(refs[1]!, Status.succeeded("after"))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* Fiber.join(fiber)).map(resultOf), ["after"])
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })

    it.effect("results - and await read few ends at a time where they are large", () => {
      const { job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      const { layer, store } = counted(DurablePoll.layerMemory)
      return Effect.gen(function* () {
        const lengths: Array<number> = []
        const { ended } = store
        store.ended = (...args) =>
          Effect.tap(ended(...args), (rows) =>
            Effect.sync(() => lengths.push(rows.reduce((sum, row) => sum + (row.ended?.ending.length ?? 0), 0)))
          )
        const refs = yield* poll.submit(Array.from({ length: 300 }, (_, at) => `k${at}`))
        for (const ref of refs) yield* poll.settle(ref, Status.succeeded("x".repeat(200_000)))
        const read = yield* Effect.forkChild(Stream.runDrain(Stream.take(poll.results(), 300)))
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.join(read)
        // Only the first page does not know.
        assert.isAtMost(Math.max(...lengths.slice(1)), 8_000_000)
      }).pipe(Effect.provide(layer))
    })

    it.effect("results - reads thousands of ends in pages, and queries once a second when there are none", () => {
      const { job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      const { calls, layer } = counted(DurablePoll.layerMemory)
      return Effect.gen(function* () {
        const refs = yield* poll.submit(Array.from({ length: 1_200 }, (_, at) => `k${at}`))
        for (const ref of refs) yield* poll.settle(ref, Status.succeeded("x"))
        let seen = 0
        const fiber = yield* Effect.forkChild(Stream.runForEach(poll.results(), () => Effect.sync(() => seen++)))
        yield* TestClock.adjust("10 millis")
        assert.strictEqual(seen, 1_200)
        const before = calls("ended")
        yield* TestClock.adjust("10 seconds")
        assert.isAtMost(calls("ended") - before, 11)
        yield* Fiber.interrupt(fiber)
        const after = calls("ended")
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(calls("ended"), after)
      }).pipe(Effect.provide(layer))
    })
  })

  describe("cancel", () => {
    it.effect("cancel - asks the server, and the runner checks soon", () => {
      const { answers, canceled, checks, job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        yield* TestClock.adjust("3 seconds")
        answers.set("a", Status.canceled())
        yield* poll.cancel(ref!)
        assert.deepStrictEqual(canceled, ["a"])
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual((yield* Effect.flip(poll.await(ref!)))._tag, "JobCanceled")
        assert.strictEqual(checks.length, 2)
        yield* poll.cancel(ref!)
        assert.strictEqual(canceled.length, 1, "it has ended")
      }).pipe(Effect.provide(inMemory(poll)))
    })

    it.effect("cancel - fails if the job has no cancel, if that fails, and if it takes too long", () => {
      const check = (_: string): Effect.Effect<Status.Status<string>> => Effect.succeed(Status.pending())
      const pollOf = (name: string, cancel?: (key: string) => Effect.Effect<void, string>) =>
        DurablePoll.make(Job.make(name, { check, cancel }).pipe(Job.withCodecs({ success: Schema.String })), {
          ...hour,
          wait: { cancelTimeout: "5 seconds" }
        })
      const reasonOf = (poll: ReturnType<typeof pollOf>) =>
        Effect.gen(function* () {
          const [ref] = yield* poll.submit(["a"])
          const fiber = yield* Effect.forkChild(Effect.flip(poll.cancel(ref!)))
          yield* TestClock.adjust("5 seconds")
          const error = yield* Fiber.join(fiber)
          return error._tag === "CancelFailed" ? [error.reason, error.error] : []
        })
      return Effect.gen(function* () {
        assert.deepStrictEqual(yield* reasonOf(pollOf("none")), ["unsupported", undefined])
        assert.deepStrictEqual(yield* reasonOf(pollOf("no", () => Effect.fail("no"))), ["failed", "no"])
        assert.deepStrictEqual(yield* reasonOf(pollOf("slow", () => Effect.never)), ["timedOut", undefined])
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })

    it.effect("cancel - of a job whose key cannot be read fails, and does not show a key that is concealed", () => {
      const decode = (): string => {
        throw new Error("unreadable")
      }
      const pollOf = (name: string, show?: (key: string) => string) =>
        DurablePoll.make(
          Job.make(name, {
            check: (_: string): Effect.Effect<Status.Status<string>> => Effect.succeed(Status.pending()),
            cancel: () => Effect.void,
            key: { encode: (key: string) => key, decode, ...(show && { show }) }
          }).pipe(Job.withCodecs({ success: Schema.String })),
          hour
        )
      return Effect.gen(function* () {
        for (const [poll, key] of [
          [pollOf("plain"), "secret"],
          [pollOf("concealed", () => "shown"), "?"]
        ] as const) {
          const [ref] = yield* poll.submit(["secret"])
          const error = yield* Effect.flip(poll.cancel(ref!))
          assert.deepInclude(error, { _tag: "CancelFailed", reason: "failed", key })
        }
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })
  })

  describe("checkNow, retry, pause", () => {
    it.effect("checkNow - makes the runner check soon", () => {
      const { answers, checks, job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        yield* TestClock.adjust("3 seconds")
        answers.set("a", Status.succeeded("x"))
        assert.isTrue(yield* poll.checkNow(ref!))
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual(checks.length, 2)
        assert.strictEqual(yield* poll.await(ref!), "x")
        assert.isFalse(yield* poll.checkNow(ref!))
      }).pipe(Effect.provide(inMemory(poll)))
    })

    it.effect(
      "retry - starts an ended wait again with a deadline of the same length, and does not change an open one",
      () => {
        const { answers, job } = makeServer()
        const ends: Array<AnEnd> = []
        const poll = DurablePoll.make(job, { ...hour, onEnded: (ended) => Effect.sync(() => ends.push(ended)) })
        return Effect.gen(function* () {
          answers.set("a", Status.failed(7))
          const [ref] = yield* poll.submit(["a"])
          yield* TestClock.adjust("30 seconds")
          assert.strictEqual((yield* Effect.flip(poll.await(ref!)))._tag, "JobFailed")
          answers.set("a", Status.pending())
          assert.deepStrictEqual(yield* poll.retry(ref!), ref)
          yield* poll.retry(ref!)
          const view = yield* poll.find(ref!)
          assert.deepStrictEqual([view.state, view.round, view.deadlineAt], ["pending", 2, 30_000 + 3_600_000])
          answers.set("a", Status.succeeded("x"))
          yield* TestClock.adjust("30 seconds")
          assert.strictEqual(yield* poll.await(ref!), "x")
          assert.deepStrictEqual(ends.map(resultOf), ["JobFailed", "x"])
          assert.deepStrictEqual(
            ends.map(({ round }) => round),
            [1, 2]
          )
        }).pipe(Effect.provide(inMemory(poll)))
      }
    )

    it.effect("pause - stops the checks of the kind until unpause", () => {
      const { checks, job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        yield* poll.submit(["a"])
        yield* TestClock.adjust("3 seconds")
        yield* poll.pause
        assert.isTrue((yield* poll.stats).paused)
        yield* TestClock.adjust("2 seconds")
        const before = checks.length
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(checks.length, before)
        yield* poll.unpause
        yield* TestClock.adjust("5 seconds")
        assert.isAbove(checks.length, before)
      }).pipe(Effect.provide(inMemory(poll)))
    })
  })

  describe("list and stats", () => {
    it.effect("list - filters by state, outcome, tag and age, in pages", () => {
      const { job } = makeServer()
      const poll = DurablePoll.make(job, hour)
      return Effect.gen(function* () {
        const [a] = yield* poll.submit(["a"], { tags: ["x"] })
        yield* TestClock.adjust("1 minute")
        yield* poll.submit(["b"], { tags: ["x", "y"] })
        yield* TestClock.adjust("1 minute")
        yield* poll.submit(["c"])
        yield* poll.settle(a!, Status.failed(1))
        const keys = (options?: Parameters<typeof poll.list>[0]) =>
          Effect.map(poll.list(options), (views) => views.map(({ key }) => key))
        assert.deepStrictEqual(yield* keys(), ["a", "b", "c"])
        assert.deepStrictEqual(yield* keys({ state: "open" }), ["b", "c"])
        assert.deepStrictEqual(yield* keys({ state: "ended" }), ["a"])
        assert.deepStrictEqual(yield* keys({ outcome: "JobFailed" }), ["a"])
        assert.deepStrictEqual(yield* keys({ tag: "x" }), ["a", "b"])
        assert.deepStrictEqual(yield* keys({ olderThan: "90 seconds" }), ["a"])
        const [first] = yield* poll.list({ limit: 1 })
        assert.deepStrictEqual(yield* keys({ after: first, limit: 1 }), ["b"])
        const stats = yield* poll.stats
        assert.deepStrictEqual(stats, {
          kind: "render",
          open: { pending: 2 },
          ended: { JobFailed: 1 },
          oldestMillis: 60_000,
          paused: false
        })
        for (const options of [{ limit: 0 }, { state: "odd" }, { olderThan: -1 }, { odd: 1 }]) {
          assert.throws(() => poll.list(options as never), RangeError, "DurablePoll.list")
        }
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })

    it.effect("stats - are empty for a kind without jobs", () => {
      const poll = DurablePoll.make(makeServer().job, hour)
      return Effect.gen(function* () {
        assert.deepStrictEqual(yield* poll.stats, {
          kind: "render",
          open: {},
          ended: {},
          oldestMillis: null,
          paused: false
        })
      }).pipe(Effect.provide(DurablePoll.layerMemory))
    })
  })

  describe("onEnded and retention", () => {
    it.effect("onEnded - runs until it succeeds", () => {
      const { answers, job } = makeServer()
      let calls = 0
      const poll = DurablePoll.make(job, {
        ...hour,
        onEnded: ({ key, result }) =>
          Effect.suspend(() => {
            calls++
            assert.strictEqual(key, "a")
            assert.deepStrictEqual(result, Result.succeed("x"))
            return calls < 3 ? Effect.fail("not yet") : Effect.void
          })
      })
      return Effect.gen(function* () {
        answers.set("a", Status.succeeded("x"))
        yield* poll.submit(["a"])
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual(calls, 3)
      }).pipe(Effect.provide(inMemory(poll)))
    })

    it.effect("onEnded - is run for an end that comes while that of the round before is being delivered", () => {
      const { answers, job } = makeServer()
      const told: Array<number> = []
      const poll = DurablePoll.make(job, {
        ...hour,
        onEnded: ({ round }) =>
          Effect.andThen(
            Effect.sleep(round === 1 ? "20 seconds" : 0),
            Effect.sync(() => void told.push(round))
          )
      })
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        answers.set("a", Status.succeeded("x"))
        yield* TestClock.adjust("5 seconds")
        yield* poll.retry(ref!)
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(told, [2, 1])
      }).pipe(Effect.provide(inMemory(poll)))
    })

    it.effect("retention - removes jobs that ended long ago", () => {
      const { job } = makeServer()
      const poll = DurablePoll.make(job, { ...hour, retention: "10 minutes" })
      return Effect.gen(function* () {
        const [ref] = yield* poll.submit(["a"])
        yield* poll.settle(ref!, Status.succeeded("x"))
        yield* TestClock.adjust("9 minutes")
        assert.strictEqual(yield* poll.await(ref!), "x")
        yield* TestClock.adjust("5 minutes")
        assert.strictEqual((yield* Effect.flip(poll.await(ref!)))._tag, "DurableJobUnknown")
      }).pipe(Effect.provide(inMemory(poll)))
    })
  })
})
