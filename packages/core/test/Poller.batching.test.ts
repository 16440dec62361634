import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { Handle } from "effect-poll/Handle"
import { batchJob } from "./support/batches.ts"
import { pending, slow } from "./support/checks.ts"
import { keysOf, recordChecks } from "./support/jobs.ts"
import { every30m, firstAt, hour, plain } from "./support/options.ts"
import { countTurns } from "./support/recorders.ts"
import { ending } from "./support/runs.ts"
import { storedToken } from "./support/tokens.ts"

/** How the waits for these keys end, by key. */
const endsOf = <A, F, E>(poller: Poller.Service, job: Job.Job<string, A, F, E>, keys: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Stream.runCollect(poller.results(job, keys, hour)))
    yield* TestClock.adjust("2 hours")
    const ends = yield* Fiber.join(fiber)
    assert.strictEqual(ends.length, keys.length)
    return Object.fromEntries(ends.map(({ exit, key }) => [key, ending(exit)]))
  })

/** A request that hangs, and takes an hour to end when it is interrupted. */
const hung = Effect.onInterrupt(Effect.never, () => Effect.sleep("1 hour"))

describe("Poller", () => {
  describe("gathering", () => {
    it.effect("request - has at most max keys, and no more requests are made than that needs [R19]", () =>
      Effect.gen(function* () {
        const { job, requests, singles } = batchJob({ max: 7 })
        const poller = yield* Poller.make(plain)
        const ends = yield* endsOf(poller, job, keysOf(20))
        assert.deepStrictEqual(ends, Object.fromEntries(keysOf(20).map((key) => [key, key])))
        assert.deepStrictEqual(
          requests.map(({ keys }) => keys.length),
          [7, 7, 6]
        )
        assert.deepStrictEqual(requests.flatMap(({ keys }) => keys).toSorted(), keysOf(20).toSorted())
        assert.strictEqual(singles.length, 0)
      })
    )

    it.effect("request - takes all due keys up to max", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ max: 1000 })
        const poller = yield* Poller.make(plain)
        for (const key of keysOf(1000)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          requests.map(({ keys }) => keys.length),
          [1000]
        )
      })
    )

    it.effect("5,030 keys, more than one turn handles - need no more requests", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob()
        const poller = yield* Poller.make({ ...plain, concurrency: "unbounded" })
        yield* endsOf(poller, job, keysOf(5_030))
        assert.deepStrictEqual(
          requests.map(({ at, keys }) => [at, keys.length]),
          [...Array.from({ length: 50 }, () => [1000, 100]), [1000, 30]]
        )
      })
    )

    it.effect("10,000 keys - need at most a fifth more requests than the minimum", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ answer: () => pending })
        const poller = yield* Poller.make({ linger: 0, concurrency: 4 })
        const strategy = Strategy.spaced("5 seconds")
        for (const key of keysOf(10_000)) yield* poller.add(job, key, { deadline: "62 seconds", strategy })
        yield* TestClock.adjust("61 seconds")
        const due = new Map<number, number>()
        for (const { at, keys } of requests) due.set(at, (due.get(at) ?? 0) + keys.length)
        const fewest = [...due.values()].reduce((sum, keys) => sum + Math.ceil(keys / 100), 0)
        assert.isAtMost(requests.length, 1.2 * fewest)
      })
    )

    it.effect("first checks without stagger - are gathered", () =>
      Effect.gen(function* () {
        let requests = 0
        const job = Job.make<string>("many", {
          check: () => Effect.never,
          checkMany: {
            max: 100,
            check: (keys) =>
              Effect.sync(
                () => (
                  requests++,
                  { results: new Map(keys.map((key) => [key, Result.succeed(Status.succeeded(key))])) }
                )
              )
          }
        })
        const poller = yield* Poller.make(plain)
        const ends = yield* Effect.forkChild(Stream.runCount(poller.results(job, keysOf(1000), hour)))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* Fiber.join(ends), 1000)
        assert.isAtMost(requests, 12)
      })
    )

    it.effect("checks due within the slack - share a request, later ones do not", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ slack: 500 })
        const poller = yield* Poller.make(plain)
        const waits = [1001, 1100, 1499, 1500, 1501, 1700]
        for (const wait of waits) {
          yield* poller.add(job, `k${wait}`, {
            ...hour,
            strategy: firstAt(wait)
          })
        }
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(requests, [
          // One that is due within a tenth of its wait comes along.
          { at: 1500, keys: ["k1001", "k1100", "k1499", "k1500", "k1501"] },
          { at: 2000, keys: ["k1700"] }
        ])
      })
    )

    it.effect("slack 0 - gathers only checks due at the same time", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ slack: 0 })
        const poller = yield* Poller.make(plain)
        for (const [key, wait] of [
          ["a", 1001],
          ["b", 1001],
          ["c", 1002]
        ] as const) {
          yield* poller.add(job, key, {
            ...hour,
            strategy: firstAt(wait)
          })
        }
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          requests.map(({ at, keys }) => [at, keys.length]),
          [
            [1001, 2],
            [1002, 1]
          ]
        )
      })
    )

    it.effect("deadline before the end of the slack - has its last check in time", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ slack: 1000 })
        const poller = yield* Poller.make(plain)
        const strategy = firstAt("1100 millis")
        const handle = yield* poller.add(job, "a", { deadline: "1500 millis", strategy })
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* handle.await, "a")
        assert.isBelow(requests[0]!.at, 1500)
      })
    )

    it.effect("wait resumed at its deadline - has its check", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob()
        const poller = yield* Poller.make(plain)
        yield* TestClock.adjust("10020 millis")
        const handle = yield* poller.resume(job, storedToken({ job: "many", key: "a", deadlineAt: 10_020 }))
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* handle.await, "a")
        assert.deepStrictEqual(requests, [{ at: 10_020, keys: ["a"] }])
      })
    )

    it.effect("waits with different gates - do not share a request, and each gate is asked once for its waits", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob()
        const poller = yield* Poller.make(plain)
        let asked = 0
        const gate = Gate.make(() =>
          Effect.sync(() => (++asked, asked === 1 ? Gate.postponed("3 seconds", "busy") : Gate.open))
        )
        for (const key of ["a", "b", "c"]) yield* poller.add(job, key, { ...hour, gate })
        yield* poller.add(job, "free", hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          [asked, requests],
          [
            2,
            [
              { at: 1000, keys: ["free"] },
              { at: 4000, keys: ["a", "b", "c"] }
            ]
          ]
        )
      })
    )

    it.effect("key with a fallback - does not split the request of the others", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({
          answer: (key) => (key.endsWith("x") ? CheckResult.missing : pending),
          missing: { fallback: { locate: (key) => key, check: () => Effect.succeed(pending) } },
          strategy: Strategy.spaced("1 second")
        })
        const poller = yield* Poller.make(plain)
        for (const [at, key] of ["a", "bx", "c", "dx", "e"].entries()) {
          const strategy = firstAt(960 + at)
          yield* poller.add(job, key, { ...hour, strategy })
        }
        yield* TestClock.adjust("5 seconds")
        const all = ["a", "bx", "c", "dx", "e"]
        const withoutMissing = ["a", "c", "e"]
        assert.deepStrictEqual(
          requests.map(({ keys }) => keys),
          [all, withoutMissing, withoutMissing, withoutMissing, withoutMissing]
        )
      })
    )

    it.effect("100,000 keys - are checked over many turns, not all in one", () =>
      Effect.gen(function* () {
        const turns = yield* countTurns
        const turnOf: Array<number> = []
        const { job } = batchJob({ whole: () => Effect.sync(() => turnOf.push(turns())) })
        const poller = yield* Poller.make(plain)
        const fiber = yield* Effect.forkChild(Stream.runCount(poller.results(job, keysOf(100_000), hour)))
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual([yield* Fiber.join(fiber), turnOf.length], [100_000, 1000])
        assert.isAtLeast(new Set(turnOf).size, 90)
      })
    )
  })

  describe("concurrency", () => {
    it.effect("request - counts as one check, and queued keys share the next ones", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ max: 10, whole: () => Effect.sleep("1 second") })
        const poller = yield* Poller.make({ ...plain, concurrency: 2 })
        yield* endsOf(poller, job, keysOf(45))
        assert.deepStrictEqual(
          requests.map(({ at, keys }) => [at, keys.length]),
          [
            [1000, 10],
            [1000, 10],
            [2000, 10],
            [2000, 10],
            [3000, 5]
          ]
        )
      })
    )

    it.effect("single checks after a split - stay within concurrency", () =>
      Effect.gen(function* () {
        const recorded = recordChecks()
        const job = Job.make<string, never, string>("split", {
          check: (key) => recorded.record("split", [key], slow("10 millis", Status.succeeded(key))),
          checkMany: { max: 100, check: () => Effect.fail("no") },
          checkErrors: { kindOf: () => CheckError.permanent() }
        })
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const ends = yield* Effect.forkChild(Stream.runCollect(poller.results(job, keysOf(20), hour)))
        yield* TestClock.adjust("1 minute")
        yield* Fiber.join(ends)
        assert.strictEqual(recorded.most.total, 1)
      })
    )
  })

  describe("shared keys", () => {
    it.effect("shared key - is in a request once and counts once", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ max: 3 })
        const poller = yield* Poller.make(plain)
        const handles = yield* Effect.forEach(["a", "a", "b", "a", "b"], (key) => poller.add(job, key, hour))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Effect.forEach(handles, (handle) => handle.await), ["a", "a", "b", "a", "b"])
        assert.deepStrictEqual(
          requests.map(({ keys }) => keys),
          [["a", "b"]]
        )
      })
    )

    it.effect("queued shared key - is in a request once, in whatever order the waits came", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ max: 2 })
        const poller = yield* Poller.make(plain)
        for (const key of ["a", "a", "b", "a", "b"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(requests, [{ at: 1000, keys: ["a", "b"] }])
      })
    )

    it.effect("key in flight - is not put into a second request", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ max: 2, whole: () => Effect.sleep(100) })
        const poller = yield* Poller.make(plain)
        for (const key of ["a", "a", "b", "a", "b"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(requests, [{ at: 1000, keys: ["a", "b"] }])
      })
    )

    it.effect("wait that is not due yet - joins the request with its key", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob()
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", hour)
        const later = yield* poller.add(job, "a", {
          ...hour,
          strategy: firstAt("30 seconds")
        })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([yield* later.await, requests.length], ["a", 1])
      })
    )

    it.effect("wait added while its key is in flight - joins that request", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ whole: () => Effect.sleep("10 seconds") })
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("5 seconds")
        const strategy = firstAt("1 second")
        const late = yield* poller.add(job, "a", { ...hour, strategy })
        yield* TestClock.adjust("6 seconds")
        assert.deepStrictEqual([yield* late.await, requests.length], ["a", 1])
      })
    )

    it.effect("split request - remembers that another request has one of its keys", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const { most, record } = recordChecks()
        let requests = 0
        const job = Job.make<string, never, string>("many", {
          check: () => Effect.succeed(pending),
          checkMany: {
            max: 10,
            slack: 10,
            check: (keys) =>
              Effect.suspend(() => {
                requests++
                const isRejected = !keys.includes("x") && requests <= 4
                const work = isRejected
                  ? Effect.andThen(Effect.sleep("1 second"), Effect.fail("no"))
                  : Effect.as(Effect.sleep("30 seconds"), {
                      results: new Map(keys.map((key) => [key, Result.succeed(pending)]))
                    })
                return record("many", keys, work)
              })
          },
          checkErrors: { kindOf: () => CheckError.permanent() },
          strategy: firstAt(100, "30 minutes")
        })
        const long = { ...hour, checkTimeout: "10 minutes" } as const
        const first = yield* poller.add(job, "k", long)
        for (const key of ["b", "c", "d"]) yield* poller.add(job, key, long)
        yield* TestClock.adjust(500)
        yield* first.interrupt
        // The first request has failed and its halves are in flight; no request has k.
        yield* TestClock.adjust(1000)
        const second = yield* poller.add(job, "k", long)
        yield* poller.add(job, "x", long)
        yield* TestClock.adjust(500)
        yield* second.interrupt
        // The halves have failed, and their keys are checked on their own.
        yield* TestClock.adjust(3000)
        yield* poller.add(job, "k", long)
        yield* TestClock.adjust(5000)
        assert.strictEqual(most.perKey["many"], 1)
      })
    )
  })

  describe("leaving", () => {
    for (const count of [1_024, 1_025]) {
      it.effect(`wait that leaves a request while it is filled - is not asked for (${count} keys)`, () =>
        Effect.gen(function* () {
          const handles = new Map<string, Handle<string, string, string>>()
          // The first request continues after the first turn, which has filled 1,024 keys: the last one is alone in a request.
          const { job, requests } = batchJob({
            max: 3,
            whole: (_, request) =>
              request === 1
                ? Effect.andThen(
                    Effect.yieldNow,
                    Effect.suspend(() => handles.get("k1023")!.interrupt)
                  )
                : Effect.void
          })
          const poller = yield* Poller.make({ ...plain, concurrency: "unbounded" })
          for (const key of keysOf(count)) handles.set(key, yield* poller.add(job, key, hour))
          yield* TestClock.adjust("1 second")
          const stats = yield* poller.stats
          assert.deepStrictEqual([stats.ended, stats.requests], [{ Succeeded: count - 1, Interrupted: 1 }, 0])
          assert.strictEqual(requests.length, Math.ceil((count - 1) / 3))
        })
      )
    }

    it.effect("waits that leave a request - interrupt it only with the last one", () =>
      Effect.gen(function* () {
        let interrupted = 0
        const { job } = batchJob({
          whole: () => Effect.onInterrupt(Effect.sleep("10 seconds"), () => Effect.sync(() => interrupted++))
        })
        const poller = yield* Poller.make(plain)
        const [a, b, c] = yield* Effect.forEach(["a", "b", "c"], (key) => poller.add(job, key, hour))
        yield* TestClock.adjust("2 seconds")
        yield* a!.interrupt
        yield* b!.interrupt
        assert.strictEqual(interrupted, 0)
        yield* c!.interrupt
        assert.strictEqual(interrupted, 1)
        assert.deepStrictEqual(
          { ...(yield* poller.stats), ended: {} },
          { watched: 0, waiting: 0, queued: 0, checking: 0, requests: 0, ended: {} }
        )
      })
    )

    it.effect("wait that has left the queue - does not count towards a full request", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make(plain)
        const { job, requests } = batchJob({ answer: () => pending, max: 3, slack: 1000, strategy: every30m })
        const handles = yield* Effect.forEach(["a", "b", "c", "d"], (key) => poller.add(job, key, hour))
        yield* TestClock.adjust(2100)
        requests.length = 0
        yield* handles[0]!.checkNow()
        yield* handles[1]!.checkNow()
        yield* handles[1]!.interrupt
        yield* handles[2]!.checkNow()
        yield* TestClock.adjust(100)
        yield* handles[3]!.checkNow()
        yield* TestClock.adjust(2000)
        assert.deepStrictEqual(
          requests.map(({ keys }) => keys.join()),
          ["a,c,d"]
        )
      })
    )

    it.effect("key whose wait timed out in a request - is not asked for beside it", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ whole: () => Effect.sleep(60_000) })
        const poller = yield* Poller.make(plain)
        const errors = { checkErrors: { schedule: Strategy.spaced("1 second") } }
        yield* poller.add(job, "short", { ...hour, ...errors, checkTimeout: "5 seconds" })
        yield* poller.add(job, "long", { ...hour, checkTimeout: "10 minutes" })
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(requests, [{ at: 1000, keys: ["long", "short"] }])
      })
    )

    it.effect("key of a request that all waits have left - is asked for anew in time", () =>
      Effect.gen(function* () {
        let requests = 0
        const job = Job.make<string>("many", {
          check: () => Effect.never,
          checkMany: { max: 10, slack: 0, check: () => Effect.suspend(() => (requests++, hung)) }
        })
        const poller = yield* Poller.make(plain)
        const first = yield* poller.add(job, "a", hour)
        yield* TestClock.adjust("1 second")
        yield* Effect.forkScoped(first.interrupt, { startImmediately: true })
        const second = yield* poller.add(job, "a", { deadline: "10 seconds" })
        yield* TestClock.adjust("11 seconds")
        const error = yield* Effect.flip(second.await)
        assert.deepStrictEqual([error._tag, requests], ["PollTimeout", 2])
      })
    )

    it.effect("key without a wait - is not checked on its own after the request", () =>
      Effect.gen(function* () {
        const alone: Array<string> = []
        const job = Job.make<string>("many", {
          check: (key) => Effect.sync(() => (alone.push(key), Status.succeeded(key))),
          checkMany: {
            max: 10,
            slack: 0,
            check: (keys) =>
              Effect.as(Effect.sleep("10 seconds"), {
                results: new Map(
                  keys.filter((key) => key === "stays").map((key) => [key, Result.succeed(Status.succeeded(key))])
                )
              })
          },
          strategy: firstAt("1 second")
        })
        const poller = yield* Poller.make(plain)
        const stays = yield* poller.add(job, "stays", hour)
        const leaves = yield* poller.add(job, "leaves", hour)
        yield* TestClock.adjust("5 seconds")
        yield* leaves.interrupt
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([yield* stays.await, alone], ["stays", []])
      })
    )

    it.effect("wait added for a key that others have left - gets its answer and is not interrupted", () =>
      Effect.gen(function* () {
        // The answer lacks all keys, and the single checks take ten seconds.
        const job = Job.make<string>("many", {
          check: (key) => slow("10 seconds", Status.succeeded(key)),
          checkMany: { max: 10, slack: 0, check: () => Effect.as(Effect.sleep("10 seconds"), { results: new Map() }) },
          strategy: Strategy.spaced("1 second")
        })
        const poller = yield* Poller.make(plain)
        const strategy = firstAt("1 second")
        const handles = yield* Effect.forEach(["a", "b", "c"], (key) => poller.add(job, key, { ...hour, strategy }))
        yield* TestClock.adjust("5 seconds")
        for (const handle of handles.slice(0, 2)) yield* handle.interrupt
        yield* TestClock.adjust("8 seconds")
        const again = yield* Effect.forEach(["a", "b"], (key) => poller.add(job, key, hour))
        yield* TestClock.adjust("2 minutes")
        const exits = yield* Effect.forEach(again, (handle) => Effect.exit(handle.await))
        assert.deepStrictEqual(exits, [Exit.succeed("a"), Exit.succeed("b")])
      })
    )
  })

  describe("answers", () => {
    it.effect("keys missing in the answer - are checked on their own, once [R19]", () =>
      Effect.gen(function* () {
        const { job, requests, singles } = batchJob({
          answer: (key) => (key === "k1" || key === "k3" ? "missing" : Status.succeeded(key))
        })
        const poller = yield* Poller.make(plain)
        const ends = yield* endsOf(poller, job, keysOf(5))
        assert.deepStrictEqual(ends, { k0: "k0", k1: "k1 alone", k2: "k2", k3: "k3 alone", k4: "k4" })
        assert.deepStrictEqual([requests.length, singles.map(({ key }) => key).toSorted()], [1, ["k1", "k3"]])
      })
    )

    it.effect("keys in the answer that were not asked for - are ignored", () =>
      Effect.gen(function* () {
        const job = Job.make<string>("odd", {
          check: () => Effect.never,
          checkMany: {
            max: 10,
            check: (keys) =>
              Effect.succeed({
                results: new Map([...keys, "unasked"].map((key) => [key, Result.succeed(Status.succeeded(key))]))
              })
          }
        })
        const poller = yield* Poller.make(plain)
        assert.deepStrictEqual(yield* endsOf(poller, job, ["a", "b"]), { a: "a", b: "b" })
      })
    )

    it.effect("longest hint in an answer - holds for all keys of the request [R13]", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({
          answer: (key, request) =>
            request === 1
              ? key === "k0"
                ? pending
                : CheckResult.withHint(pending, key === "k1" ? 20_000 : 5000)
              : Status.succeeded(key)
        })
        const poller = yield* Poller.make(plain)
        yield* endsOf(poller, job, keysOf(3))
        assert.deepStrictEqual(
          requests.map(({ at, keys }) => [at, keys.length]),
          [
            [1000, 3],
            [21_000, 3]
          ]
        )
      })
    )

    it.effect("unreadable hint - is ignored, and the others hold", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({
          answer: (key, request) =>
            request > 1 ? Status.succeeded(key) : CheckResult.withHint(pending, key === "k1" ? 5000 : "unreadable")
        })
        const poller = yield* Poller.make(plain)
        yield* endsOf(poller, job, keysOf(3))
        assert.deepStrictEqual(
          requests.map(({ at }) => at),
          [1000, 6000]
        )
      })
    )

    it.effect("key whose own answer is an error - obeys the longest hint of the request", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({
          answer: (key) => (key === "bad" ? Effect.fail("reset") : CheckResult.withHint(pending, "30 seconds"))
        })
        const poller = yield* Poller.make(plain)
        for (const key of ["good", "bad"]) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("20 seconds")
        assert.deepStrictEqual(
          requests.map(({ at }) => at),
          [1000]
        )
      })
    )

    it.effect("missing job - is checked at its fallback alone, the others together", () =>
      Effect.gen(function* () {
        const fallbacks: Array<string> = []
        const { job, requests } = batchJob({
          answer: (key, request) =>
            key === "k1" ? CheckResult.missing : request < 4 ? pending : Status.succeeded(key),
          missing: {
            fallback: {
              locate: (key) => `old-${key}`,
              check: (key) =>
                Effect.sync(() => (fallbacks.push(key), fallbacks.length < 3 ? pending : Status.succeeded(key)))
            }
          }
        })
        const poller = yield* Poller.make(plain)
        assert.deepStrictEqual(yield* endsOf(poller, job, keysOf(3)), { k0: "k0", k1: "old-k1", k2: "k2" })
        assert.deepStrictEqual(fallbacks, ["old-k1", "old-k1", "old-k1"])
        assert.deepStrictEqual(requests[0], { at: 1000, keys: ["k0", "k1", "k2"] })
        for (const { keys } of requests.slice(1)) assert.notInclude(keys, "k1")
      })
    )

    it.effect(
      "answer for 100,000 keys - ends them all",
      () =>
        Effect.gen(function* () {
          const { job, requests } = batchJob({ max: 100_000 })
          const poller = yield* Poller.make({ ...plain, concurrency: 1 })
          const fiber = yield* Effect.forkChild(Stream.runCount(poller.results(job, keysOf(100_000), hour)))
          yield* TestClock.adjust("1 minute")
          assert.strictEqual(yield* Fiber.join(fiber), 100_000)
          assert.isAtMost(requests.length, 2)
        }),
      30_000
    )
  })

  describe("errors", () => {
    it.effect("error of one key - affects that key only", () =>
      Effect.gen(function* () {
        const { job } = batchJob({
          answer: (key, request) =>
            key === "forbidden"
              ? Effect.fail("no access")
              : key === "flaky" && request === 1
                ? Effect.fail("reset")
                : key === "failed"
                  ? Status.failed("bad")
                  : Status.succeeded(key)
        })
        const poller = yield* Poller.make(plain)
        assert.deepStrictEqual(yield* endsOf(poller, job, ["a", "forbidden", "flaky", "failed", "b"]), {
          a: "a",
          b: "b",
          failed: "JobFailed",
          flaky: "flaky",
          forbidden: "CheckRejected"
        })
      })
    )

    it.effect("transient error of the request - counts once for each key", () =>
      Effect.gen(function* () {
        const { job, requests, singles } = batchJob({
          whole: () => Effect.fail("reset")
        })
        const poller = yield* Poller.make(plain)
        // One error in a row is tolerated. The second request is divided, and both halves fail.
        assert.deepStrictEqual(yield* endsOf(poller, job, ["a", "b"]), {
          a: "CheckErrorsExhausted",
          b: "CheckErrorsExhausted"
        })
        assert.deepStrictEqual([requests.map(({ at }) => at), singles.length], [[1000, 2000, 2000, 2000], 0])
      })
    )

    it.effect("transient error of the request - is retried as one request", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({
          whole: (_, request) => (request === 1 ? Effect.fail("reset") : Effect.void)
        })
        const poller = yield* Poller.make(plain)
        assert.deepStrictEqual(yield* endsOf(poller, job, ["a", "b"]), { a: "a", b: "b" })
        assert.deepStrictEqual(
          requests.map(({ keys }) => keys),
          [
            ["a", "b"],
            ["a", "b"]
          ]
        )
      })
    )

    it.effect("permanent error of the request - is split until the bad key is found, in few requests", () =>
      Effect.gen(function* () {
        for (const bad of ["k0", "k37", "k63"]) {
          const { job, requests, singles } = batchJob({
            max: 64,
            whole: (keys) => (keys.includes(bad) ? Effect.fail("no such id") : Effect.void),
            single: (key) =>
              key === bad ? Effect.fail("no such id") : Effect.succeed(Status.succeeded(`${key} alone`))
          })
          const poller = yield* Poller.make(plain)
          const ends = yield* endsOf(poller, job, keysOf(64))
          assert.deepStrictEqual(ends, {
            ...Object.fromEntries(keysOf(64).map((key) => [key, key])),
            [bad]: "CheckRejected"
          })
          // The first one, and two for each halving.
          assert.strictEqual(requests.length, 1 + 2 * Math.log2(64))
          assert.deepStrictEqual(
            singles.map(({ key }) => key),
            [bad]
          )
        }
      })
    )

    it.effect("two bad keys, in one half or in both - leave the others their results", () =>
      Effect.gen(function* () {
        for (const bad of [
          ["k1", "k2"],
          ["k0", "k31"]
        ]) {
          const { job, requests, singles } = batchJob({
            max: 32,
            whole: (keys) => (keys.some((key) => bad.includes(key)) ? Effect.fail("no such id") : Effect.void),
            single: (key) => (bad.includes(key) ? Effect.fail("no such id") : Effect.succeed(Status.succeeded(key)))
          })
          const poller = yield* Poller.make(plain)
          const ends = yield* endsOf(poller, job, keysOf(32))
          const rejected = Object.entries(ends).filter(([, end]) => end === "CheckRejected")
          assert.deepStrictEqual(rejected.map(([key]) => key).toSorted(), bad)
          for (const key of keysOf(32)) if (!bad.includes(key)) assert.strictEqual(ends[key], key)
          assert.isAtMost(requests.length + singles.length, 3 + 32)
        }
      })
    )

    it.effect("request that always fails - has each key checked on its own", () =>
      Effect.gen(function* () {
        const { job, requests, singles } = batchJob({
          whole: () => Effect.fail("no batches"),
          single: (key) => (key === "k2" ? Effect.fail("no such id") : Effect.succeed(Status.succeeded(key)))
        })
        const poller = yield* Poller.make(plain)
        const ends = yield* endsOf(poller, job, keysOf(8))
        assert.deepStrictEqual(ends, { ...Object.fromEntries(keysOf(8).map((key) => [key, key])), k2: "CheckRejected" })
        assert.deepStrictEqual([requests.length, singles.length], [3, 8])
      })
    )

    it.effect("permanent error of a request for one key - has it checked on its own", () =>
      Effect.gen(function* () {
        const { job, requests, singles } = batchJob({ whole: () => Effect.fail("no batches") })
        const poller = yield* Poller.make(plain)
        assert.deepStrictEqual(yield* endsOf(poller, job, ["a"]), { a: "a alone" })
        assert.deepStrictEqual([requests.length, singles.length], [1, 1])
      })
    )

    it.effect("half that fails for another reason - fails for that reason", () =>
      Effect.gen(function* () {
        const { job, singles } = batchJob({
          max: 4,
          whole: (_, request) =>
            request === 1 ? Effect.fail("no such id") : request === 2 ? Effect.fail("reset") : Effect.void
        })
        const poller = yield* Poller.make(plain)
        const ends = yield* endsOf(poller, job, keysOf(4))
        // The first half has a transient error, is checked again and succeeds.
        assert.deepStrictEqual([ends, singles], [{ k0: "k0", k1: "k1", k2: "k2", k3: "k3" }, []])
      })
    )

    it.effect("defect of the request - ends its keys, and no others", () =>
      Effect.gen(function* () {
        const { job, singles } = batchJob({
          max: 2,
          whole: (keys) => (keys.includes("k0") ? Effect.die("bug") : Effect.void)
        })
        const poller = yield* Poller.make(plain)
        const ends = Object.entries(yield* endsOf(poller, job, keysOf(4)))
        assert.deepStrictEqual(ends.filter(([, end]) => end === "defect").length, 2)
        assert.deepStrictEqual(ends.filter(([key, end]) => end === key).length, 2)
        assert.strictEqual(singles.length, 0)
      })
    )

    it.effect("request that throws or interrupts itself - ends its keys", () =>
      Effect.gen(function* () {
        const throwing = Job.make<string>("throwing", {
          check: () => Effect.never,
          checkMany: {
            max: 10,
            check: () => {
              throw new Error("bug")
            }
          }
        })
        const interrupting = Job.make<string>("interrupting", {
          check: () => Effect.never,
          checkMany: { max: 10, check: () => Effect.interrupt }
        })
        const poller = yield* Poller.make(plain)
        assert.deepStrictEqual(yield* endsOf(poller, throwing, ["a", "b"]), { a: "defect", b: "defect" })
        assert.deepStrictEqual(yield* endsOf(poller, interrupting, ["a", "b"]), { a: "defect", b: "defect" })
        assert.deepStrictEqual((yield* poller.stats).ended, { Defect: 2, Interrupted: 2 })
      })
    )

    it.effect("request that hangs - times out for each key at its checkTimeout", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ whole: (_, request) => (request === 1 ? Effect.never : Effect.void) })
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const handles = yield* Effect.forEach(["a", "b"], (key) =>
          poller.add(job, key, { ...hour, checkTimeout: "5 seconds" })
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(yield* Effect.forEach(handles, (handle) => handle.await), ["a", "b"])
        assert.deepStrictEqual(
          requests.map(({ at }) => at),
          [1000, 7000]
        )
      })
    )
  })
})
