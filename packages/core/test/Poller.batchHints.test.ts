import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { batchJob } from "./support/batches.ts"
import { pending } from "./support/checks.ts"
import { firstAt, hour, plain } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"
import { follow } from "./support/runs.ts"

const seconds = Duration.seconds

describe("Poller", () => {
  describe("hint of a request", () => {
    it.effect("hint - is a floor for all keys of the request", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({
          answer: (_key, request) => (request < 3 ? pending : Status.succeeded("done")),
          hint: (request) => (request === 1 ? seconds(10) : undefined)
        })
        const poller = yield* Poller.make(plain)
        for (const key of ["a", "b"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          requests.map(({ at }) => at),
          [1000, 11_000, 12_000]
        )
      })
    )

    it.effect("longer hint of one key - holds for all of them", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({
          answer: (key, request) =>
            request > 1
              ? Status.succeeded("done")
              : key === "b"
                ? CheckResult.withHint(pending, "20 seconds")
                : pending,
          hint: () => seconds(10)
        })
        const poller = yield* Poller.make(plain)
        for (const key of ["a", "b"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          requests.map(({ at, keys }) => [at, keys.join()]),
          [
            [1000, "a,b"],
            [21_000, "a,b"]
          ]
        )
      })
    )

    it.effect("unreadable hint - is ignored, counted, and not obeyed by keys without an answer", () =>
      Effect.gen(function* () {
        const { job, singles } = batchJob({
          answer: (key) => (key === "a" ? Status.failed("bad") : "missing"),
          hint: () => "unreadable"
        })
        const poller = yield* Poller.make(plain)
        const handle = yield* poller.add(job, "a", hour)
        yield* poller.add(job, "b", hour)
        yield* TestClock.adjust("2 seconds")
        const error = yield* Effect.flip(handle.await)
        assert(error._tag === "JobFailed")
        assert.deepStrictEqual([error.hints, singles], [{ clamped: 0, unreadable: 1 }, [{ at: 1000, key: "b" }]])
      })
    )
  })

  describe("key without an answer", () => {
    /** "b" is in no answer, and done when it is checked alone. */
    const lacking = (options: Parameters<typeof batchJob>[0] = {}) =>
      batchJob({
        answer: (key) => (key === "b" ? "missing" : pending),
        strategy: firstAt("1 second", "30 seconds"),
        ...options
      })

    it.effect("with a hint - is checked alone once the hint has passed, in the same attempt", () =>
      Effect.gen(function* () {
        const { job, requests, singles } = lacking({ hint: () => seconds(10) })
        const poller = yield* Poller.make(plain)
        const recorded = recordEvents()
        yield* poller.add(job, "a", hour)
        const handle = yield* poller.add(job, "b", { ...hour, observers: [recorded.observer] })
        yield* TestClock.adjust("10999 millis")
        assert.deepStrictEqual([requests.length, singles], [1, []])
        yield* TestClock.adjust("1 millis")
        assert.strictEqual(yield* handle.await, "b alone")
        assert.deepStrictEqual(singles, [{ at: 11_000, key: "b" }])
        assert.strictEqual(recorded.notifications.at(-1)!.attempts, 1)
        const changed = recorded.events().find((event) => event._tag === "Changed")
        assert.strictEqual(changed?.attempt, 1)
      })
    )

    it.effect("without a hint, or with one of 0 - is checked alone at once", () =>
      Effect.gen(function* () {
        for (const hint of [undefined, Duration.zero]) {
          const { job, requests, singles } = lacking({ hint: () => hint })
          const poller = yield* Poller.make(plain)
          const handle = yield* poller.add(job, "b", hour)
          yield* TestClock.adjust("1100 millis")
          assert.strictEqual(yield* handle.await, "b alone")
          assert.strictEqual(singles[0]!.at, requests[0]!.at)
        }
      })
    )

    it.effect("without a delay - is checked beside the others that the answer lacks, not after them [R60]", () =>
      Effect.gen(function* () {
        const { job, singles } = lacking({
          answer: () => "missing",
          hint: () => Duration.zero,
          single: (key) => Effect.delay(Effect.succeed(Status.succeeded(key)), "1 second")
        })
        const poller = yield* Poller.make(plain)
        for (const key of ["b", "c"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          singles.map(({ at }) => at),
          [1000, 1000]
        )
      })
    )

    it.effect("longer hint of another key - holds for it too", () =>
      Effect.gen(function* () {
        const { job, singles } = lacking({
          answer: (key) => (key === "b" ? "missing" : CheckResult.withHint(pending, "20 seconds")),
          hint: () => seconds(10)
        })
        const poller = yield* Poller.make(plain)
        for (const key of ["a", "b"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(singles, [{ at: 21_000, key: "b" }])
      })
    )

    it.effect("pending after its own check - is part of requests again, as a new attempt", () =>
      Effect.gen(function* () {
        const { job, requests, singles } = batchJob({
          answer: (_key, request) => (request === 1 ? "missing" : Status.succeeded("listed")),
          hint: (request) => (request === 1 ? seconds(10) : undefined),
          single: () => Effect.succeed(pending),
          strategy: firstAt("1 second", "5 seconds")
        })
        const poller = yield* Poller.make(plain)
        const recorded = recordEvents()
        const handle = yield* poller.add(job, "b", { ...hour, observers: [recorded.observer] })
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* handle.await, "listed")
        assert.deepStrictEqual([requests.map(({ at }) => at), singles.map(({ at }) => at)], [[1000, 16_000], [11_000]])
        assert.strictEqual(recorded.notifications.at(-1)!.attempts, 2)
      })
    )

    it.effect("deadline before the hint has passed - ends the wait", () =>
      Effect.gen(function* () {
        const { job, singles } = lacking({ hint: () => seconds(10) })
        const poller = yield* Poller.make(plain)
        const end = yield* follow(yield* poller.add(job, "b", { deadline: "5 seconds" }))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([end(), singles], [["PollTimeout deadline", 5000], []])
      })
    )

    it.effect("last check before the deadline - leaves time for one alone if the hint allows it", () =>
      Effect.gen(function* () {
        const { job, singles } = lacking({ hint: () => seconds(2), strategy: firstAt("3 seconds") })
        const poller = yield* Poller.make(plain)
        const end = yield* follow(yield* poller.add(job, "b", { deadline: "5 seconds" }))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([end(), singles], [["b alone", 5000], [{ at: 5000, key: "b" }]])
      })
    )

    it.effect("last attempt of the strategy - is completed", () =>
      Effect.gen(function* () {
        const { job } = lacking({
          hint: () => seconds(10),
          strategy: Strategy.maxAttempts(firstAt("1 second"), 1)
        })
        const poller = yield* Poller.make(plain)
        const end = yield* follow(yield* poller.add(job, "b", hour))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(end(), ["b alone", 11_000])
      })
    )

    it.effect("forced checkNow - does not wait for the hint, checkNow does", () =>
      Effect.gen(function* () {
        const { job, singles } = lacking({ hint: () => seconds(10) })
        const poller = yield* Poller.make(plain)
        const forced = yield* poller.add(job, "b", hour)
        yield* TestClock.adjust("2 seconds")
        yield* forced.checkNow()
        assert.strictEqual(singles.length, 0)
        yield* forced.checkNow({ force: true })
        assert.deepStrictEqual(singles, [{ at: 2000, key: "b" }])
        assert.strictEqual(yield* forced.await, "b alone")
      })
    )

    it.effect(
      "another wait for the key - shares the check alone, and does not ask for the key in a request before",
      () =>
        Effect.gen(function* () {
          const { job, requests, singles } = lacking({ hint: () => seconds(10) })
          const poller = yield* Poller.make(plain)
          const first = yield* follow(yield* poller.add(job, "b", hour))
          yield* TestClock.adjust("2 seconds")
          const second = yield* follow(yield* poller.add(job, "b", { ...hour, strategy: Strategy.spaced("1 second") }))
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual(
            [first(), second()],
            [
              ["b alone", 11_000],
              ["b alone", 11_000]
            ]
          )
          assert.deepStrictEqual([requests.length, singles.length], [1, 1])
        })
    )

    it.effect("forced checkNow of another wait for the key - checks it alone too", () =>
      Effect.gen(function* () {
        const { job, requests, singles } = lacking({ hint: () => seconds(10) })
        const poller = yield* Poller.make(plain)
        const first = yield* follow(yield* poller.add(job, "b", hour))
        yield* TestClock.adjust("2 seconds")
        const second = yield* poller.add(job, "b", hour)
        yield* second.checkNow({ force: true })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([first(), requests.length], [["b alone", 2000], 1])
        assert.deepStrictEqual(singles, [{ at: 2000, key: "b" }])
      })
    )

    it.effect("keys that queue - never exceed the concurrency with their own checks", () =>
      Effect.gen(function* () {
        let [inFlight, most] = [0, 0]
        const counted = <A, E>(effect: Effect.Effect<A, E>) =>
          Effect.suspend(() => {
            most = Math.max(most, ++inFlight)
            return Effect.ensuring(
              Effect.delay(effect, "1 second"),
              Effect.sync(() => inFlight--)
            )
          })
        const { job, singles } = lacking({
          answer: (key, request) => (key.startsWith("b") ? "missing" : request < 3 ? pending : Status.succeeded(key)),
          hint: () => seconds(10),
          whole: () => counted(Effect.void),
          single: (key) => counted(Effect.succeed(Status.succeeded(key))),
          strategy: firstAt("1 second", "10 seconds")
        })
        const busy = Job.make<string>("busy", {
          check: () => Effect.as(Effect.sleep("20 seconds"), Status.succeeded("x"))
        })
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        for (const key of ["a1", "b1", "a2", "b2"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("3 seconds")
        yield* poller.add(busy, "x", hour)
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual([most, singles.length, (yield* poller.stats).watched], [1, 2, 0])
      })
    )

    it.effect("several keys without an answer - are checked one by one, and the others together", () =>
      Effect.gen(function* () {
        const { job, requests, singles } = batchJob({
          answer: (key, request) => (key.startsWith("b") ? "missing" : request === 1 ? pending : Status.succeeded(key)),
          hint: () => seconds(10)
        })
        const poller = yield* Poller.make(plain)
        for (const key of ["a1", "a2", "b1", "b2"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          requests.map(({ at, keys }) => [at, keys.join()]),
          [
            [1000, "a1,a2,b1,b2"],
            [11_000, "a1,a2"]
          ]
        )
        assert.deepStrictEqual(singles.map(({ key }) => key).toSorted(), ["b1", "b2"])
        assert.strictEqual((yield* poller.stats).watched, 0)
      })
    )

    it.effect("own check that fails - is a failed check, and the next one is part of a request again", () =>
      Effect.gen(function* () {
        const { job, requests, singles } = batchJob({
          answer: (_key, request) => (request === 1 ? "missing" : Status.succeeded("listed")),
          hint: (request) => (request === 1 ? seconds(10) : undefined),
          single: () => Effect.fail("reset")
        })
        const poller = yield* Poller.make(plain)
        const end = yield* follow(yield* poller.add(job, "b", hour))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(end(), ["listed", 12_000])
        assert.deepStrictEqual([requests.length, singles.length], [2, 1])
      })
    )

    it.effect("concurrency - makes a check alone wait for room like any other", () =>
      Effect.gen(function* () {
        const { job, singles } = lacking({ hint: () => seconds(10) })
        const busy = Job.make<string>("busy", {
          check: () => Effect.as(Effect.sleep("1 minute"), Status.succeeded("x"))
        })
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const end = yield* follow(yield* poller.add(job, "b", hour))
        yield* TestClock.adjust("2 seconds")
        yield* poller.add(busy, "x", hour)
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual([end(), singles.map(({ at }) => at)], [["b alone", 62_000], [62_000]])
      })
    )
  })

  describe("throttled request", () => {
    it.effect("request - is throttled as one for all of its keys, and is not split", () =>
      Effect.gen(function* () {
        const kindOf = (error: string) =>
          error === "slow down" ? CheckError.throttled({ retryAfter: seconds(10) }) : CheckError.permanent()
        const { job, requests, singles } = batchJob({
          whole: (_keys, request) => (request < 4 ? Effect.fail("slow down") : Effect.void)
        })
        const recorded = recordEvents()
        const poller = yield* Poller.make(plain)
        const options = { ...hour, observers: [recorded.observer], checkErrors: { kindOf, maxConsecutive: 0 } } as const
        const ends = yield* Effect.forEach(["a", "b"], (key) => Effect.flatMap(poller.add(job, key, options), follow))
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual(
          requests.map(({ at, keys }) => [at, keys.join()]),
          [1000, 11_000, 21_000, 31_000].map((at) => [at, "a,b"])
        )
        assert.deepStrictEqual([ends.map((end) => end()[0]), singles], [["a", "b"], []])
        assert.strictEqual(recorded.tags().filter((tag) => tag === "CheckFailed").length, 6)
      })
    )

    it.effect("hint of the answer - is the hint of a throttled key in it", () =>
      Effect.gen(function* () {
        const kindOf = () => CheckError.throttled()
        const { job, requests } = batchJob({
          answer: (_key, request) => (request < 4 ? Effect.fail("slow down") : Status.succeeded("done")),
          hint: () => seconds(3)
        })
        const poller = yield* Poller.make(plain)
        const schedule = Strategy.exponential({ initial: "1 second", factor: 10 })
        const end = yield* follow(yield* poller.add(job, "a", { ...hour, checkErrors: { kindOf, schedule } }))
        yield* TestClock.adjust("2 minutes")
        assert.deepStrictEqual([end()[0], requests.map(({ at }) => at)], ["done", [1000, 4000, 7000, 10_000]])
      })
    )
  })
})
