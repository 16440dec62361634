import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import type { Handle } from "effect-poll/Handle"
import * as Job from "effect-poll/Job"
import * as CheckResult from "effect-poll/CheckResult"
import * as CheckError from "effect-poll/CheckError"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { batching, keysOf, witness } from "./many.ts"
import { ending, pending, token } from "./scripted.ts"

const hour = { deadline: "1 hour" } as const
const rarely = Strategy.spaced("30 minutes")
/** The ends of these keys, by key. */
const endsOf = <A, F, E>(poller: Poller.Service, job: Job.Job<string, A, F, E>, keys: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Stream.runCollect(poller.results(job, keys, hour)))
    yield* TestClock.adjust("2 hours")
    const ends = yield* Fiber.join(fiber)
    assert.strictEqual(ends.length, keys.length)
    return Object.fromEntries(ends.map(({ exit, key }) => [key, ending(exit)]))
  })

const plain = { stagger: false, linger: 0 } as const

describe("Poller, checks many", () => {
  it.effect("at most max keys in one request, and as few requests as that allows", () =>
    Effect.gen(function* () {
      const { job, requests, singles } = batching({ max: 7 })
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

  it.effect("more keys than one turn has time for need no more requests", () =>
    Effect.gen(function* () {
      const { job, requests } = batching()
      const poller = yield* Poller.make({ ...plain, concurrency: "unbounded" })
      yield* endsOf(poller, job, keysOf(5_030))
      assert.deepStrictEqual(
        requests.map(({ at, keys }) => [at, keys.length]),
        [...Array.from({ length: 50 }, () => [1000, 100]), [1000, 30]]
      )
    })
  )

  for (const count of [1_024, 1_025]) {
    it.effect(`who leaves a request that is being filled is not asked for (${count} keys)`, () =>
      Effect.gen(function* () {
        const watches = new Map<string, Handle<string, string, string>>()
        // The first request goes on when the first turn is over: the last of its keys is alone in a request of three.
        const { job, requests } = batching({
          max: 3,
          whole: (_, request) =>
            request === 1
              ? Effect.andThen(
                  Effect.yieldNow,
                  Effect.suspend(() => watches.get("k1023")!.interrupt)
                )
              : Effect.void
        })
        const poller = yield* Poller.make({ ...plain, concurrency: "unbounded" })
        for (const key of keysOf(count)) watches.set(key, yield* poller.add(job, key, hour))
        yield* TestClock.adjust("1 second")
        const stats = yield* poller.stats
        assert.deepStrictEqual([stats.ended, stats.requests], [{ Succeeded: count - 1, Interrupted: 1 }, 0])
        assert.strictEqual(requests.length, Math.ceil((count - 1) / 3))
      })
    )
  }

  it.effect("checks that fall due within the slack go together, those after it do not", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ slack: 500 })
      const poller = yield* Poller.make(plain)
      const waits = [1001, 1100, 1499, 1500, 1501]
      for (const wait of waits) {
        yield* poller.add(job, `k${wait}`, {
          ...hour,
          strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait(wait))
        })
      }
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(requests, [
        { at: 1500, keys: ["k1001", "k1100", "k1499", "k1500"] },
        { at: 2000, keys: ["k1501"] }
      ])
    })
  )

  it.effect("no slack gathers only what is due at the same time", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ slack: 0 })
      const poller = yield* Poller.make(plain)
      for (const [key, wait] of [
        ["a", 1001],
        ["b", 1001],
        ["c", 1002]
      ] as const) {
        yield* poller.add(job, key, {
          ...hour,
          strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait(wait))
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

  it.effect("a deadline before the end of the slack has its last check in time", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ slack: 1000 })
      const poller = yield* Poller.make(plain)
      const strategy = Strategy.spaced("1 second").pipe(Strategy.withFirstWait("1100 millis"))
      const hasty = yield* poller.add(job, "hasty", { deadline: "1500 millis", strategy })
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(yield* hasty.await, "hasty")
      assert.isBelow(requests[0]!.at, 1500)
    })
  )

  it.effect("who comes at its deadline has its check", () =>
    Effect.gen(function* () {
      const { job, requests } = batching()
      const poller = yield* Poller.make(plain)
      yield* TestClock.adjust("10020 millis")
      const watch = yield* poller.resume(job, token({ job: "many", key: "a", deadlineAt: 10_020 }))
      yield* TestClock.adjust("1 second")
      assert.strictEqual(yield* watch.await, "a")
      assert.deepStrictEqual(requests, [{ at: 10_020, keys: ["a"] }])
    })
  )

  it.effect("a shared key is asked for once, and does not count twice", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ max: 3 })
      const poller = yield* Poller.make(plain)
      const watches = yield* Effect.forEach(["a", "a", "b", "a", "b"], (key) => poller.add(job, key, hour))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Effect.forEach(watches, (watch) => watch.await), ["a", "a", "b", "a", "b"])
      assert.deepStrictEqual(
        requests.map(({ keys }) => keys),
        [["a", "b"]]
      )
    })
  )

  it.effect("who is not due yet joins the check of its key", () =>
    Effect.gen(function* () {
      const { job, requests } = batching()
      const poller = yield* Poller.make(plain)
      yield* poller.add(job, "a", hour)
      const later = yield* poller.add(job, "a", {
        ...hour,
        strategy: Strategy.spaced("1 second").pipe(Strategy.withFirstWait("30 seconds"))
      })
      yield* TestClock.adjust("1 second")
      assert.deepStrictEqual([yield* later.await, requests.length], ["a", 1])
    })
  )

  it.effect("who comes while the request is under way joins it, and its key is not asked for again", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ whole: () => Effect.sleep("10 seconds") })
      const poller = yield* Poller.make(plain)
      yield* poller.add(job, "a", hour)
      yield* TestClock.adjust("5 seconds")
      const strategy = Strategy.spaced("1 second").pipe(Strategy.withFirstWait("1 second"))
      const late = yield* poller.add(job, "a", { ...hour, strategy })
      yield* TestClock.adjust("6 seconds")
      assert.deepStrictEqual([yield* late.await, requests.length], ["a", 1])
    })
  )

  it.effect("those that leave a request are told nothing, and the last takes it along", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const { job } = batching({
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

  it.effect("a request counts as one check; those beyond the bound stand in line and go together", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ max: 10, whole: () => Effect.sleep("1 second") })
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

  it.effect("waits with other gates do not go together; the gate is asked once for all", () =>
    Effect.gen(function* () {
      const { job, requests } = batching()
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

  it.effect("a request that splits does not forget that another one asks for a key", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const { most, watch } = witness()
      let requests = 0
      const job = Job.make<string, never, string>("many", {
        check: () => Effect.succeed(pending),
        checkMany: {
          max: 10,
          slack: 10,
          check: (keys) =>
            Effect.suspend(() => {
              requests++
              const doubtful = !keys.includes("x") && requests <= 4
              const work = doubtful
                ? Effect.andThen(Effect.sleep("1 second"), Effect.fail("no"))
                : Effect.as(Effect.sleep("30 seconds"), new Map(keys.map((key) => [key, Result.succeed(pending)])))
              return watch("many", keys, work)
            })
        },
        checkErrors: { kindOf: () => CheckError.permanent() },
        strategy: rarely.pipe(Strategy.withFirstWait(100))
      })
      const long = { ...hour, checkTimeout: "10 minutes" } as const
      const k = yield* poller.add(job, "k", long)
      for (const key of ["b", "c", "d"]) yield* poller.add(job, key, long)
      yield* TestClock.adjust(500)
      yield* k.interrupt
      // The first request has failed, and the halves are asked for: nobody asks for k.
      yield* TestClock.adjust(1000)
      const again = yield* poller.add(job, "k", long)
      yield* poller.add(job, "x", long)
      yield* TestClock.adjust(500)
      yield* again.interrupt
      // The halves have failed; each is checked alone.
      yield* TestClock.adjust(3000)
      yield* poller.add(job, "k", long)
      yield* TestClock.adjust(5000)
      assert.strictEqual(most.perKey["many k"] ?? Math.max(...Object.values(most.perKey)), 1)
    })
  )

  it.effect("who has left the line does not count towards a full request", () =>
    Effect.gen(function* () {
      const poller = yield* Poller.make(plain)
      const { job, requests } = batching({ answer: () => pending, max: 3, slack: 1000, strategy: rarely })
      const watches = yield* Effect.forEach(["a", "b", "c", "d"], (key) => poller.add(job, key, hour))
      yield* TestClock.adjust(2100)
      requests.length = 0
      yield* watches[0]!.checkNow()
      yield* watches[1]!.checkNow()
      yield* watches[1]!.interrupt
      yield* watches[2]!.checkNow()
      yield* TestClock.adjust(100)
      yield* watches[3]!.checkNow()
      yield* TestClock.adjust(2000)
      assert.deepStrictEqual(
        requests.map(({ keys }) => keys.join()),
        ["a,c,d"]
      )
    })
  )
})

describe("Poller, answers of checks many", () => {
  it.effect("keys that the answer lacks are checked alone, once", () =>
    Effect.gen(function* () {
      const { job, requests, singles } = batching({
        answer: (key) => (key === "k1" || key === "k3" ? "missing" : Status.succeeded(key))
      })
      const poller = yield* Poller.make(plain)
      const ends = yield* endsOf(poller, job, keysOf(5))
      assert.deepStrictEqual(ends, { k0: "k0", k1: "k1 alone", k2: "k2", k3: "k3 alone", k4: "k4" })
      assert.deepStrictEqual([requests.length, singles.map(({ key }) => key).toSorted()], [1, ["k1", "k3"]])
    })
  )

  it.effect("keys that the answer has, but nobody asked for, are nobody's", () =>
    Effect.gen(function* () {
      const job = Job.make<string>("odd", {
        check: () => Effect.never,
        checkMany: {
          max: 10,
          check: (keys) =>
            Effect.succeed(new Map([...keys, "stranger"].map((key) => [key, Result.succeed(Status.succeeded(key))])))
        }
      })
      const poller = yield* Poller.make(plain)
      assert.deepStrictEqual(yield* endsOf(poller, job, ["a", "b"]), { a: "a", b: "b" })
    })
  )

  it.effect("an error of one key touches that key only", () =>
    Effect.gen(function* () {
      const { job } = batching({
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

  it.effect("a transient error of the request counts once for each key", () =>
    Effect.gen(function* () {
      const { job, requests, singles } = batching({
        whole: (_, request) => (request <= 2 ? Effect.fail("reset") : Effect.void)
      })
      const poller = yield* Poller.make(plain)
      // One error in a row is borne.
      assert.deepStrictEqual(yield* endsOf(poller, job, ["a", "b"]), {
        a: "CheckErrorsExhausted",
        b: "CheckErrorsExhausted"
      })
      assert.deepStrictEqual([requests.map(({ at }) => at), singles.length], [[1000, 2000], 0])
    })
  )

  it.effect("after one transient error of the request all go on together", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({
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

  it.effect("a permanent error of the request is split: one bad key is found with few requests", () =>
    Effect.gen(function* () {
      for (const bad of ["k0", "k37", "k63"]) {
        const { job, requests, singles } = batching({
          max: 64,
          whole: (keys) => (keys.includes(bad) ? Effect.fail("no such id") : Effect.void),
          single: (key) => (key === bad ? Effect.fail("no such id") : Effect.succeed(Status.succeeded(`${key} alone`)))
        })
        const poller = yield* Poller.make(plain)
        const ends = yield* endsOf(poller, job, keysOf(64))
        assert.deepStrictEqual(ends, {
          ...Object.fromEntries(keysOf(64).map((key) => [key, key])),
          [bad]: "CheckRejected"
        })
        // Two for each halving, and the one that failed.
        assert.strictEqual(requests.length, 1 + 2 * Math.log2(64))
        assert.deepStrictEqual(
          singles.map(({ key }) => key),
          [bad]
        )
      }
    })
  )

  it.effect("two bad keys, in one half or in both: the others have their results", () =>
    Effect.gen(function* () {
      for (const bad of [
        ["k1", "k2"],
        ["k0", "k31"]
      ]) {
        const { job, requests, singles } = batching({
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

  it.effect("all keys bad: each is judged alone", () =>
    Effect.gen(function* () {
      const { job, requests, singles } = batching({
        whole: () => Effect.fail("no batches today"),
        single: (key) => (key === "k2" ? Effect.fail("no such id") : Effect.succeed(Status.succeeded(key)))
      })
      const poller = yield* Poller.make(plain)
      const ends = yield* endsOf(poller, job, keysOf(8))
      assert.deepStrictEqual(ends, { ...Object.fromEntries(keysOf(8).map((key) => [key, key])), k2: "CheckRejected" })
      assert.deepStrictEqual([requests.length, singles.length], [3, 8])
    })
  )

  it.effect("a permanent error for a single key is checked alone", () =>
    Effect.gen(function* () {
      const { job, requests, singles } = batching({ whole: () => Effect.fail("no batches today") })
      const poller = yield* Poller.make(plain)
      assert.deepStrictEqual(yield* endsOf(poller, job, ["a"]), { a: "a alone" })
      assert.deepStrictEqual([requests.length, singles.length], [1, 1])
    })
  )

  it.effect("a half that fails for another reason fails for that reason", () =>
    Effect.gen(function* () {
      const { job, singles } = batching({
        max: 4,
        whole: (_, request) =>
          request === 1 ? Effect.fail("no such id") : request === 2 ? Effect.fail("reset") : Effect.void
      })
      const poller = yield* Poller.make(plain)
      const ends = yield* endsOf(poller, job, keysOf(4))
      // The first half met a hiccup, checks again, and is done.
      assert.deepStrictEqual([ends, singles], [{ k0: "k0", k1: "k1", k2: "k2", k3: "k3" }, []])
    })
  )

  it.effect("a defect of the request ends its keys, and no other", () =>
    Effect.gen(function* () {
      const { job, singles } = batching({
        max: 2,
        whole: (keys) => (keys.includes("k0") ? Effect.die("no bug") : Effect.void)
      })
      const poller = yield* Poller.make(plain)
      const ends = Object.entries(yield* endsOf(poller, job, keysOf(4)))
      assert.deepStrictEqual(ends.filter(([, end]) => end === "defect").length, 2)
      assert.deepStrictEqual(ends.filter(([key, end]) => end === key).length, 2)
      assert.strictEqual(singles.length, 0)
    })
  )

  it.effect("a request that throws at the call, or interrupts itself, ends its keys", () =>
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
      const quitting = Job.make<string>("quitting", {
        check: () => Effect.never,
        checkMany: { max: 10, check: () => Effect.interrupt }
      })
      const poller = yield* Poller.make(plain)
      assert.deepStrictEqual(yield* endsOf(poller, throwing, ["a", "b"]), { a: "defect", b: "defect" })
      assert.deepStrictEqual(yield* endsOf(poller, quitting, ["a", "b"]), { a: "defect", b: "defect" })
      assert.deepStrictEqual((yield* poller.stats).ended, { Defect: 2, Interrupted: 2 })
    })
  )

  it.effect("a request that hangs is given up by each key at its checkTimeout", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({ whole: (_, request) => (request === 1 ? Effect.never : Effect.void) })
      const poller = yield* Poller.make({ ...plain, concurrency: 1 })
      const watches = yield* Effect.forEach(["a", "b"], (key) =>
        poller.add(job, key, { ...hour, checkTimeout: "5 seconds" })
      )
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual(yield* Effect.forEach(watches, (watch) => watch.await), ["a", "b"])
      assert.deepStrictEqual(
        requests.map(({ at }) => at),
        [1000, 7000]
      )
    })
  )

  it.effect("the slowest wish of the server for one key holds for all of the request", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({
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

  it.effect("a wish that cannot be read is none, and hides none", () =>
    Effect.gen(function* () {
      const { job, requests } = batching({
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

  it.effect("a job that is gone is checked elsewhere alone, the others together", () =>
    Effect.gen(function* () {
      const elsewhere: Array<string> = []
      const { job, requests } = batching({
        answer: (key, request) => (key === "k1" ? CheckResult.missing : request < 4 ? pending : Status.succeeded(key)),
        missing: {
          fallback: {
            locate: (key) => `old-${key}`,
            check: (key) =>
              Effect.sync(() => (elsewhere.push(key), elsewhere.length < 3 ? pending : Status.succeeded(key)))
          }
        }
      })
      const poller = yield* Poller.make(plain)
      assert.deepStrictEqual(yield* endsOf(poller, job, keysOf(3)), { k0: "k0", k1: "old-k1", k2: "k2" })
      assert.deepStrictEqual(elsewhere, ["old-k1", "old-k1", "old-k1"])
      assert.deepStrictEqual(requests[0], { at: 1000, keys: ["k0", "k1", "k2"] })
      for (const { keys } of requests.slice(1)) assert.notInclude(keys, "k1")
    })
  )

  it.effect(
    "an answer for 100,000 keys ends them all",
    () =>
      Effect.gen(function* () {
        const { job, requests } = batching({ max: 100_000 })
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const fiber = yield* Effect.forkChild(Stream.runCount(poller.results(job, keysOf(100_000), hour)))
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(yield* Fiber.join(fiber), 100_000)
        assert.isAtMost(requests.length, 2)
      }),
    30_000
  )
})
