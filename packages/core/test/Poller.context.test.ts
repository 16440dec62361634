import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import type { CheckContext } from "effect-poll/CheckContext"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./support/checks.ts"
import { every1s, hour, plain } from "./support/options.ts"
import { storedToken } from "./support/tokens.ts"

/** A job whose n-th check yields the cursor n, and the cursors that its checks were given, with their times. */
const countingJob = (policies: Pick<Job.Options<string, string, never, never, never>, "missing"> = {}) => {
  const given: Array<readonly [at: number, cursor: string | undefined]> = []
  const job = Job.make<string>("render", {
    check: (_key, { cursor }) =>
      Effect.map(Clock.currentTimeMillis, (now) => {
        given.push([now, cursor])
        return CheckResult.withCursor(pending, `${given.length}`)
      }),
    strategy: every1s,
    ...policies
  })
  return { job, given }
}

/** A job with batch requests, and the contexts of each of them by key. */
const batched = (cursorOf: (key: string, request: number) => string | undefined) => {
  const requests: Array<ReadonlyArray<readonly [key: string, context: CheckContext]>> = []
  const job = Job.make<string>("many", {
    check: () => Effect.die("checked alone"),
    checkMany: {
      max: 10,
      check: (keys, contexts) =>
        Effect.sync(() => {
          requests.push(keys.map((key) => [key, contexts.get(key)!] as const).toSorted(([a], [b]) => (a < b ? -1 : 1)))
          return {
            results: new Map(
              keys.map((key) => {
                const cursor = cursorOf(key, requests.length)
                return [key, Result.succeed(cursor === undefined ? pending : CheckResult.withCursor(pending, cursor))]
              })
            )
          }
        })
    },
    strategy: every1s
  })
  return { job, requests, cursors: () => requests.map((one) => one.map(([key, { cursor }]) => `${key} ${cursor}`)) }
}

describe("Poller", () => {
  describe("cursor", () => {
    it.effect("cursor - is shared by all waits for a key, and a later one starts with it", () =>
      Effect.gen(function* () {
        const { given, job } = countingJob()
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("2500 millis")
        const second = yield* poller.add(job, "a", { ...hour, strategy: Strategy.spaced("1 hour") })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(given, [
          [0, undefined],
          [1000, "1"],
          [2000, "2"],
          [2500, "3"],
          [3500, "4"]
        ])
        assert.deepStrictEqual([(yield* second.token).cursor, given.length], ["5", 5])
      })
    )

    it.effect("wait that is paused - learns of a cursor that the others for its key receive", () =>
      Effect.gen(function* () {
        const { given, job } = countingJob()
        const poller = yield* Poller.make(plain)
        const first = yield* poller.add(job, "a", hour)
        yield* first.pause
        const second = yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("3500 millis")
        yield* second.interrupt
        assert.strictEqual((yield* first.token).cursor, String(given.length))
        yield* first.unpause
        yield* TestClock.adjust("1 second")
        assert.strictEqual(given.at(-1)![1], String(given.length - 1))
      })
    )

    it.effect("wait that comes within linger - starts with the cursor, and later ones do not", () =>
      Effect.gen(function* () {
        const { given, job } = countingJob()
        const poller = yield* Poller.make({ stagger: false, linger: "2 seconds" })
        const first = yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1500 millis")
        yield* first.interrupt
        yield* TestClock.adjust("1500 millis")
        const second = yield* poller.add(job, "a", hour)
        assert.deepStrictEqual(given.at(-1), [3000, "2"])
        yield* second.interrupt
        yield* TestClock.adjust("2 seconds")
        yield* poller.add(job, "a", hour)
        assert.deepStrictEqual(given.at(-1), [5000, undefined])
      })
    )

    it.effect("other keys - share no cursor", () =>
      Effect.gen(function* () {
        const { given, job } = countingJob()
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", hour)
        yield* poller.add(job, "b", hour)
        assert.deepStrictEqual(given, [
          [0, undefined],
          [0, undefined]
        ])
      })
    )

    it.effect(
      "resumed wait - continues where the other waits for its key are, and brings a cursor if they have none",
      () =>
        Effect.gen(function* () {
          const token = storedToken({ cursor: "stored", dueAt: 3_600_000, deadlineAt: "unbounded" })
          const cursors: Array<string | undefined> = []
          let next: string | undefined
          const job = Job.make<string>("render", {
            check: (_key, { cursor }) =>
              Effect.sync(() => {
                cursors.push(cursor)
                return next === undefined ? pending : CheckResult.withCursor(pending, next)
              }),
            strategy: every1s
          })
          const poller = yield* Poller.make(plain)
          yield* poller.add(job, "a", hour)
          const brought = yield* poller.resume(job, token)
          yield* TestClock.adjust("1 second")
          assert.deepStrictEqual(cursors, [undefined, "stored"])
          next = "newer"
          yield* TestClock.adjust("1 second")
          const older = yield* poller.resume(job, token)
          assert.deepStrictEqual([(yield* older.token).cursor, (yield* brought.token).cursor], ["newer", "newer"])
        })
    )

    it.effect("fallback of one wait - keeps its cursor to itself", () =>
      Effect.gen(function* () {
        const seen: Array<string> = []
        const job = Job.make<string>("render", {
          check: (_key, { cursor }) => {
            seen.push(`job ${cursor}`)
            return Effect.succeed(seen.length === 1 ? CheckResult.withCursor(CheckResult.missing, "job") : pending)
          },
          missing: {
            fallback: {
              locate: (key) => key,
              check: (_key, { cursor }) => {
                seen.push(`fallback ${cursor}`)
                return Effect.succeed(CheckResult.withCursor(pending, "fallback"))
              }
            }
          },
          strategy: every1s
        })
        const poller = yield* Poller.make({ stagger: false, linger: "1 minute" })
        const first = yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1 second")
        const second = yield* poller.add(job, "a", hour)
        yield* first.interrupt
        yield* second.interrupt
        const third = yield* poller.add(job, "a", hour)
        yield* third.interrupt
        assert.deepStrictEqual(seen, [
          "job undefined",
          "fallback undefined",
          "fallback fallback",
          "job undefined",
          "job undefined"
        ])
      })
    )

    it.effect("fallback of several waits - keeps its cursor from a wait that starts at the job", () =>
      Effect.gen(function* () {
        const given: Array<string | undefined> = []
        const job = Job.make<string>("render", {
          check: (_key, { cursor }) => Effect.sync(() => (given.push(cursor), CheckResult.missing)),
          missing: {
            fallback: {
              locate: (key) => key,
              check: () => Effect.succeed(CheckResult.withCursor(pending, "fallback"))
            }
          },
          strategy: every1s
        })
        const poller = yield* Poller.make(plain)
        const [, second] = [yield* poller.add(job, "a", hour), yield* poller.add(job, "a", hour)]
        yield* TestClock.adjust("2 seconds")
        assert.strictEqual((yield* second.token).cursor, "fallback")
        yield* poller.add(job, "a", hour)
        assert.isAtLeast(given.length, 2)
        assert.isTrue(given.every((cursor) => cursor === undefined))
      })
    )

    it.effect("waits that share a check - get its context from the one that starts it", () =>
      Effect.gen(function* () {
        const attempts: Array<number> = []
        const job = Job.make<string>("render", {
          check: (_key, { attempt }) => Effect.sync(() => (attempts.push(attempt), pending)),
          strategy: every1s
        })
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1500 millis")
        yield* poller.add(job, "a", hour)
        assert.deepStrictEqual(attempts, [1, 2, 1])
      })
    )
  })

  describe("contexts of a request", () => {
    it.effect("contexts - have the cursor, number, time and status of each key", () =>
      Effect.gen(function* () {
        const { cursors, job, requests } = batched((key, request) => (key === "b" ? undefined : `${key}${request}`))
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", hour)
        yield* poller.add(job, "b", hour)
        yield* TestClock.adjust("2200 millis")
        assert.deepStrictEqual(cursors(), [
          ["a undefined", "b undefined"],
          ["a a1", "b undefined"],
          ["a a2", "b undefined"]
        ])
        const [, { attempt, elapsedMillis, last }] = requests[1]![0]!
        assert.deepStrictEqual([attempt, last], [2, pending])
        assert.isAtLeast(elapsedMillis, 1000)
      })
    )

    it.effect("contexts - are a map with one entry for each key", () =>
      Effect.gen(function* () {
        const seen: Array<ReadonlyMap<string, CheckContext>> = []
        const job = Job.make<string>("many", {
          check: () => Effect.die("checked alone"),
          checkMany: {
            max: 10,
            check: (keys, contexts) => {
              seen.push(contexts)
              return Effect.succeed({
                results: new Map(keys.map((key) => [key, Result.succeed(Status.succeeded(key))]))
              })
            }
          }
        })
        const poller = yield* Poller.make(plain)
        for (const key of ["a", "b", "b"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 second")
        const [contexts] = seen
        assert.strictEqual(seen.length, 1)
        assert.deepStrictEqual(
          [contexts!.size, contexts!.has("a"), contexts!.has("c"), contexts!.get("c")],
          [2, true, false, undefined]
        )
        const keys: Array<string> = []
        // oxlint-disable-next-line unicorn/no-array-for-each -- forEach is what is tested
        contexts!.forEach(({ attempt }, key, all) => keys.push(`${key} ${attempt} ${all === contexts}`))
        assert.deepStrictEqual(keys.toSorted(), ["a 1 true", "b 1 true"])
        assert.deepStrictEqual([...contexts!.keys()].toSorted(), ["a", "b"])
        assert.deepStrictEqual(
          [...contexts!.values()].map(({ attempt }) => attempt),
          [1, 1]
        )
        assert.deepStrictEqual(new Map(contexts).size, [...contexts!.entries()].length)
      })
    )
  })
})
