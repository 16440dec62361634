import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Signal from "effect-poll/Signal"
import * as SignalStore from "effect-poll/SignalStore"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import * as Wakes from "effect-poll/Wakes"
import { pending } from "./support/checks.ts"
import { keysOf, scriptedJob } from "./support/jobs.ts"
import { hour, plain } from "./support/options.ts"
import { ending } from "./support/runs.ts"
import { channel } from "./support/told.ts"

describe("Poller", () => {
  describe("signal and push", () => {
    it.effect("1,000 waits told at once - all end, each as it was told, and close their streams [R63]", () =>
      Effect.gen(function* () {
        const { stream, seen, tell } = channel<string>()
        const { checks, job } = scriptedJob(() => pending)
        const poller = yield* Poller.make(plain)
        const keys = keysOf(1_000)
        const signal = (key: string) => Stream.map(stream, () => Told.ended(Status.succeeded(key)))
        const fiber = yield* Effect.forkChild(Stream.runCollect(poller.results(job, keys, { ...hour, signal })))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([seen.open, checks.length], [1_000, 1_000])
        yield* tell(Told.wake)
        yield* TestClock.adjust(0)
        const ends = [...(yield* Fiber.join(fiber))]
        assert.sameMembers(
          ends.map(({ exit }) => (exit._tag === "Success" ? exit.value : "failed")),
          keys
        )
        yield* TestClock.adjust(0)
        assert.strictEqual(seen.open, 0)
        assert.strictEqual((yield* poller.stats).watched, 0)
      })
    )

    it.effect(
      "results with a stream for each key - ask it by the key, also of a job whose strategy depends on it [R65]",
      () =>
        Effect.gen(function* () {
          const asked: Array<string> = []
          const make = (strategy: Job.Options<string, string, never, never, never>["strategy"]) =>
            Job.make<string>("render", { check: () => Effect.succeed(pending), strategy })
          const poller = yield* Poller.make(plain)
          for (const strategy of [undefined, () => Strategy.spaced("1 second")]) {
            const ends = yield* Stream.runCollect(
              poller.results(make(strategy), ["a", "b"], {
                ...hour,
                signal: (key) => {
                  asked.push(key)
                  return Stream.concat(Stream.make(Told.ended(Status.succeeded(`${key}!`))), Stream.never)
                }
              })
            )
            assert.sameMembers(
              [...ends].map(({ exit }) => (exit._tag === "Success" ? exit.value : "failed")),
              ["a!", "b!"]
            )
          }
          assert.deepStrictEqual(asked, ["a", "b", "a", "b"])
          assert.throws(
            () => poller.results(make(undefined), ["a"], { ...hour, signal: Stream.never } as never),
            RangeError,
            "Poller.results: signal must be a function, got an object"
          )
        })
    )

    it.effect("wait for the same key without a signal - continues [R21]", () =>
      Effect.gen(function* () {
        const { stream, tell } = channel()
        const { job, starts } = scriptedJob(() => pending)
        const poller = yield* Poller.make({ ...plain, linger: "1 minute" })
        const other = yield* poller.add(job, "a", hour)
        const told = yield* poller.add(job, "a", { ...hour, signal: stream })
        yield* TestClock.adjust("3 seconds")
        yield* tell(Told.ended(Status.succeeded("done")))
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(yield* told.await, "done")
        assert.isAbove(starts("a").length, 4)
        assert.isUndefined((yield* other.status)?.state)
        yield* other.interrupt
      })
    )

    it.effect.each([
      { title: "told", first: Told.ended(Status.succeeded("told")), check: Effect.succeed(pending) },
      { title: "found", first: Told.wake, check: Effect.succeed(Status.succeeded("found")) },
      { title: "defect", first: Told.wake, check: Effect.die("defect") }
    ])("wait that ends as it begins ($title) - closes its streams and is not found any more [R65]", (given) =>
      Effect.gen(function* () {
        let open = 0
        const signal = Stream.unwrap(
          Effect.acquireRelease(
            Effect.sync(() => {
              open++
              return Stream.concat(Stream.make(given.first), Stream.never)
            }),
            () => Effect.sync(() => void open--)
          )
        )
        const job = Job.make<string>("render", { check: (): Effect.Effect<Status.Status<string>> => given.check })
        const poller = yield* Poller.make(plain)
        const handle = yield* poller.add(job, "a", { ...hour, signal })
        yield* Effect.exit(handle.await)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(open, 0)
        assert.strictEqual(yield* Wakes.tell(job, "a", Told.ended(Status.succeeded("kept"))), 0)
        assert.strictEqual(yield* poller.until(job, "a", hour), "kept")
      }).pipe(Effect.provide(Wakes.layer()))
    )

    it.effect("end that a wait was told - is no answer to the next wait for the key [R63]", () =>
      Effect.gen(function* () {
        const review = Job.make("review", {
          check: (_document: string): Effect.Effect<Status.Status<string>> => Effect.succeed(pending)
        }).pipe(Job.withCodecs({ success: Schema.String }))
        const poller = yield* Poller.make({ linger: "1 minute" })
        const wait = (options: Signal.Options) =>
          Effect.flatMap(Signal.make(review, "doc", options), (signal) =>
            Effect.map(poller.add(review, "doc", { ...hour, signal: signal.events }), (handle) => ({ handle, signal }))
          )
        const ends: Array<unknown> = []
        const settled = (handle: Handle<string>) =>
          Effect.andThen(
            TestClock.adjust("1 second"),
            Effect.map(Effect.exit(handle.await), (exit) => ends.push(String(ending(exit)).split(" ")[0]))
          )
        const first = yield* wait({ maxWaitTime: "10 seconds" })
        yield* TestClock.adjust("10 seconds")
        yield* settled(first.handle)
        const second = yield* wait({ maxWaitTime: "1 hour" })
        yield* TestClock.adjust("3 seconds")
        const third = yield* wait({ maxWaitTime: "1 hour", onConflict: "replace" })
        yield* settled(second.handle)
        yield* Signal.complete(review, third.signal.token, "rejected")
        yield* settled(third.handle)
        const fourth = yield* wait({ maxWaitTime: "1 hour" })
        yield* TestClock.adjust("3 seconds")
        yield* Signal.complete(review, fourth.signal.token, "approved")
        yield* settled(fourth.handle)
        assert.deepStrictEqual(ends, ["JobExpired", "JobCanceled", "rejected", "approved"])
      }).pipe(Effect.provide(SignalStore.layerMemory()))
    )

    it.effect("end during a shared check - leaves the check to the others [R21]", () =>
      Effect.gen(function* () {
        const { stream, tell } = channel()
        let interrupted = false
        const job = Job.make<string>("render", {
          check: () =>
            Effect.as(Effect.sleep("10 seconds"), Status.succeeded("checked")).pipe(
              Effect.onInterrupt(() => Effect.sync(() => void (interrupted = true)))
            )
        })
        const poller = yield* Poller.make(plain)
        const other = yield* poller.add(job, "a", hour)
        const told = yield* poller.add(job, "a", { ...hour, signal: stream })
        yield* TestClock.adjust("3 seconds")
        yield* tell(Told.ended(Status.succeeded("told")))
        yield* TestClock.adjust("7 seconds")
        assert.deepStrictEqual([yield* told.await, yield* other.await, interrupted], ["told", "checked", false])
      })
    )

    it.effect("end while queued - frees the place in the queue [R63]", () =>
      Effect.gen(function* () {
        const { stream, tell } = channel()
        const job = Job.make<string>("render", { check: () => Effect.never })
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        yield* poller.add(job, "a", { ...hour, checkTimeout: "unbounded" })
        const told = yield* poller.add(job, "b", { ...hour, signal: stream })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* poller.stats).queued, 1)
        yield* tell(Told.ended(Status.succeeded("done")))
        yield* TestClock.adjust(0)
        assert.strictEqual(yield* told.await, "done")
        assert.deepStrictEqual((yield* poller.stats).queued, 0)
      })
    )

    it.effect("keys of a request for many - are told while it is in flight [R63]", () =>
      Effect.gen(function* () {
        const { stream, tell } = channel()
        let requests = 0
        const job = Job.make<string>("many", {
          check: () => Effect.never,
          checkMany: {
            max: 10,
            check: () =>
              Effect.andThen(
                Effect.sync(() => requests++),
                Effect.never
              )
          }
        })
        const poller = yield* Poller.make(plain)
        const handles = yield* Effect.forEach(keysOf(5), (key) => poller.add(job, key, { ...hour, signal: stream }))
        yield* TestClock.adjust("1 second")
        yield* tell(Told.ended(Status.succeeded("done")))
        yield* TestClock.adjust(0)
        const ends = yield* Effect.forEach(handles, ({ await: end }) => end)
        assert.deepStrictEqual([ends, requests], [Array(5).fill("done"), 1])
        assert.strictEqual((yield* poller.stats).requests, 0)
      })
    )

    it.effect("Poller that closes - closes the streams, and waits for that [R55]", () =>
      Effect.gen(function* () {
        const { seen, stream } = channel()
        let closed = 0
        const slowly = Stream.ensuring(
          stream,
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => closed++)
          )
        )
        const { job } = scriptedJob(() => pending)
        const fiber = yield* Effect.forkChild(
          Effect.scoped(
            Effect.gen(function* () {
              const poller = yield* Poller.make(plain)
              yield* poller.add(job, "a", { ...hour, signal: slowly })
              yield* poller.add(job, "b", { ...hour, push: slowly })
              yield* Effect.sleep("1 second")
            })
          )
        )
        yield* TestClock.adjust("1500 millis")
        assert.deepStrictEqual([seen.open, closed, fiber.pollUnsafe()], [2, 0, undefined])
        yield* TestClock.adjust("1 second")
        yield* Fiber.join(fiber)
        assert.deepStrictEqual([seen.open, closed], [0, 2])
      })
    )
  })
})
