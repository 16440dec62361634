import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Result from "effect/Result"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as CheckError from "effect-poll/CheckError"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { batchJob } from "./support/batches.ts"
import { pending } from "./support/checks.ts"
import { keysOf } from "./support/jobs.ts"
import { firstAt, hour, plain } from "./support/options.ts"
import { recordEvents } from "./support/recorders.ts"
import { ending, follow } from "./support/runs.ts"

const follows = (poller: Poller.Service, job: Job.Job<string, string, string, string>, keys: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(keys, (key) => Effect.flatMap(poller.add(job, key, hour), follow)),
    (ends) => () => keys.map((key, at) => [key, ...ends[at]!()])
  )

/** A list that answers 500 while it contains one of these keys. */
const unreadable =
  (...bad: ReadonlyArray<string>) =>
  (keys: ReadonlyArray<string>) =>
    keys.some((key) => bad.includes(key)) ? Effect.fail("500") : Effect.void

const failures = (recorded: ReturnType<typeof recordEvents>) =>
  recorded.tags().filter((tag) => tag === "CheckFailed").length

describe("Poller", () => {
  describe("answer that lacks keys", () => {
    it.effect("answers - are handed out at once, while a key that hangs is checked alone [R60]", () =>
      Effect.gen(function* () {
        const { job } = batchJob({
          answer: (key) => (key === "k7" ? "missing" : Status.succeeded(key)),
          single: () => Effect.never
        })
        const poller = yield* Poller.make(plain)
        const ends = yield* follows(poller, job, keysOf(100))
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(ends().filter(([, , at]) => at === 1000).length, 99)
        yield* TestClock.adjust("20 minutes")
        assert.deepStrictEqual(ends()[7]![1], "CheckErrorsExhausted")
      })
    )

    it.effect("checks alone - have their own checkTimeout, are counted, and run beside each other [R60]", () =>
      Effect.gen(function* () {
        let [inFlight, most] = [0, 0]
        const { job, singles } = batchJob({
          answer: () => "missing",
          whole: () => Effect.sleep("8 seconds"),
          single: (key) =>
            Effect.suspend(() => {
              most = Math.max(most, ++inFlight)
              return Effect.ensuring(
                Effect.delay(Effect.succeed(Status.succeeded(key)), "8 seconds"),
                Effect.sync(() => inFlight--)
              )
            })
        })
        const poller = yield* Poller.make({ ...plain, concurrency: 2 })
        const ends = yield* Effect.forEach(keysOf(4), (key) =>
          Effect.flatMap(poller.add(job, key, { ...hour, checkTimeout: "10 seconds" }), follow)
        )
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          ends.map((end) => end()[1]),
          [17_000, 17_000, 25_000, 25_000]
        )
        assert.deepStrictEqual([most, singles.map(({ at }) => at)], [2, [9000, 9000, 17_000, 17_000]])
      })
    )

    it.effect("check alone - asks the gate, and is the same attempt [R60]", () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const gate = Gate.make(({ key }) => Effect.sync(() => (asked.push(key), Gate.open)))
        const { job } = batchJob({
          answer: (key) => (key === "b" ? "missing" : pending),
          strategy: firstAt("1 second")
        })
        const poller = yield* Poller.make(plain)
        const recorded = recordEvents()
        const handle = yield* poller.add(job, "b", { ...hour, gate, observers: [recorded.observer] })
        yield* TestClock.adjust("1 second")
        assert.strictEqual(yield* handle.await, "b alone")
        assert.deepStrictEqual([asked, recorded.notifications.at(-1)!.attempts], [["b", "b"], 1])
      })
    )

    it.effect("two waits for a key that is lacking - share its check alone", () =>
      Effect.gen(function* () {
        const { job, singles } = batchJob({ answer: () => "missing" })
        const poller = yield* Poller.make(plain)
        const ends = yield* follows(poller, job, ["b", "b", "c"])
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(
          ends().map(([, end]) => end),
          ["b alone", "b alone", "c alone"]
        )
        assert.deepStrictEqual(singles.map(({ key }) => key).toSorted(), ["b", "c"])
      })
    )

    it.effect("wait that leaves meanwhile - does not interrupt the checks alone of others", () =>
      Effect.gen(function* () {
        const { job, singles } = batchJob({
          answer: () => "missing",
          single: (key) => Effect.delay(Effect.succeed(Status.succeeded(key)), "5 seconds")
        })
        const poller = yield* Poller.make(plain)
        const first = yield* poller.add(job, "a", hour)
        const end = yield* follow(yield* poller.add(job, "b", hour))
        yield* TestClock.adjust("2 seconds")
        yield* first.interrupt
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([end(), singles.length], [["b", 6000], 2])
      })
    )

    for (const [got, answer] of [
      ["an array", []],
      ["undefined", undefined],
      ["null", null],
      ["a Map", new Map()],
      ["an object without results", {}],
      ["results: an array", { results: [] }],
      ["results: object", { results: {} }],
      ["results: undefined", { results: undefined }]
    ] as const) {
      it.effect(`answer that is no { results: Map } - is a defect that says what came (${got}) [R60]`, () =>
        Effect.gen(function* () {
          const job = Job.make<string>("many", {
            check: () => Effect.never,
            checkMany: { max: 10, check: () => Effect.succeed(answer as never) }
          })
          const poller = yield* Poller.make(plain)
          const fibers = yield* Effect.forEach(["a", "b"], (key) =>
            Effect.flatMap(poller.add(job, key, hour), (handle) => Effect.forkChild(handle.await))
          )
          yield* TestClock.adjust("1 minute")
          const exits = yield* Effect.forEach(fibers, Fiber.await)
          const defects = exits.map((exit) => (exit._tag === "Failure" ? exit.cause.reasons[0] : undefined))
          assert(defects[0]?._tag === "Die" && defects[1]?._tag === "Die")
          assert.strictEqual(defects[0].defect, defects[1].defect)
          assert.strictEqual(
            String(defects[0].defect),
            `TypeError: the checkMany of the job "many" must yield { results: Map }, got ${got}`
          )
        })
      )
    }

    it.effect("value in the answer that is no Result - is a defect of its own wait", () =>
      Effect.gen(function* () {
        const job = Job.make<string>("many", {
          check: () => Effect.never,
          checkMany: {
            max: 10,
            check: (keys) =>
              Effect.succeed({
                results: new Map(
                  keys.map((key) => [
                    key,
                    key === "a" ? (Status.succeeded(key) as never) : Result.succeed(Status.succeeded(key))
                  ])
                )
              })
          }
        })
        const poller = yield* Poller.make(plain)
        const fiber = yield* Effect.forkChild(Stream.runCollect(poller.results(job, ["a", "b"], hour)))
        yield* TestClock.adjust("1 minute")
        const ends = Object.fromEntries((yield* Fiber.join(fiber)).map(({ exit, key }) => [key, ending(exit)]))
        assert.deepStrictEqual(ends, { a: "defect", b: "b" })
      })
    )
  })

  describe("request that fails for all of its keys", () => {
    it.effect(
      "one unreadable id - is found in the second request, and leaves the others without an error more [R61]",
      () =>
        Effect.gen(function* () {
          for (const bad of ["k0", "k37", "k63"]) {
            const { job, requests, singles } = batchJob({
              max: 64,
              whole: unreadable(bad),
              single: (key) => (key === bad ? Effect.fail("500") : Effect.succeed(Status.succeeded(key)))
            })
            const recorded = recordEvents()
            const poller = yield* Poller.make(plain)
            const ends = yield* Effect.forEach(keysOf(64), (key) =>
              Effect.flatMap(poller.add(job, key, { ...hour, observers: [recorded.observer] }), follow)
            )
            yield* TestClock.adjust("2 seconds")
            assert.deepStrictEqual(
              ends.map((end) => end()[0]),
              keysOf(64).map((key) => (key === bad ? "CheckErrorsExhausted" : key))
            )
            assert.strictEqual(failures(recorded), 64 + 1)
            // Two failed ones, and two for each halving.
            assert.isAtMost(requests.length, 2 + 2 * Math.log2(64))
            assert.deepStrictEqual(
              singles.map(({ key }) => key),
              [bad]
            )
          }
        })
    )

    it.effect("answers of a half that works - do not wait for the search in the other one [R60]", () =>
      Effect.gen(function* () {
        const { job } = batchJob({
          max: 8,
          whole: (keys) =>
            keys.includes("k0") ? Effect.andThen(Effect.sleep("1 second"), Effect.fail("500")) : Effect.void,
          single: () => Effect.never
        })
        const poller = yield* Poller.make(plain)
        const ends = yield* follows(poller, job, keysOf(8))
        yield* TestClock.adjust("20 seconds")
        // Requests begin at 1, 3, 4, 5 and 6 seconds.
        assert.deepStrictEqual(
          ends().map(([, , at]) => at),
          [Number.NaN, 6000, 5000, 5000, 4000, 4000, 4000, 4000]
        )
      })
    )

    it.effect("server that is down - gets at most three requests more for each that fails [R61]", () =>
      Effect.gen(function* () {
        const { job, requests, singles } = batchJob({ whole: () => Effect.fail("500") })
        const poller = yield* Poller.make(plain)
        const checkErrors = { maxConsecutive: 9, schedule: Strategy.spaced("1 second") }
        for (const key of keysOf(100)) yield* poller.add(job, key, { ...hour, checkErrors })
        yield* TestClock.adjust("1 minute")
        const rounds = new Map<number, number>()
        for (const { at } of requests) rounds.set(at, (rounds.get(at) ?? 0) + 1)
        assert.deepStrictEqual([...rounds.values()], [1, 3, 4, 4, 4, 4, 4, 4, 4, 4])
        assert.deepStrictEqual([singles.length, (yield* poller.stats).ended], [0, { CheckErrorsExhausted: 100 }])
      })
    )

    it.effect("server that is down and comes back - has all waits end well", () =>
      Effect.gen(function* () {
        const { job, singles } = batchJob({ whole: (_, request) => (request < 9 ? Effect.fail("500") : Effect.void) })
        const poller = yield* Poller.make(plain)
        const checkErrors = { maxConsecutive: 5, schedule: Strategy.spaced("1 second") }
        for (const key of keysOf(100)) yield* poller.add(job, key, { ...hour, checkErrors })
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([(yield* poller.stats).ended, singles.length], [{ Succeeded: 100 }, 0])
      })
    )

    for (const [every, of] of [
      [3, 100],
      [7, 300],
      [50, 500]
    ] as const) {
      it.effect(`every ${every}th of ${of} ids unreadable - leaves the others within the default budget [R61]`, () =>
        Effect.gen(function* () {
          const isBad = (key: string) => Number(key.slice(1)) % every === 0
          const { job } = batchJob({
            max: of,
            whole: (keys) => (keys.some(isBad) ? Effect.fail("500") : Effect.sleep("100 millis")),
            single: (key) => (isBad(key) ? Effect.fail("500") : Effect.succeed(Status.succeeded(key)))
          })
          const poller = yield* Poller.make(plain)
          const checkErrors = { maxConsecutive: 5, schedule: Strategy.spaced("1 second") }
          const ends = yield* Effect.forEach(keysOf(of), (key) =>
            Effect.flatMap(poller.add(job, key, { ...hour, checkErrors }), follow)
          )
          yield* TestClock.adjust("2 minutes")
          assert.deepStrictEqual(
            ends.map((end) => end()[0]),
            keysOf(of).map((key) => (isBad(key) ? "CheckErrorsExhausted" : key))
          )
        })
      )
    }

    it.effect("id that hangs the request - is found, one checkTimeout for each halving [R61]", () =>
      Effect.gen(function* () {
        const { job } = batchJob({
          max: 8,
          whole: (keys) => (keys.includes("k5") ? Effect.never : Effect.void),
          single: () => Effect.never
        })
        const poller = yield* Poller.make(plain)
        const ends = yield* Effect.forEach(keysOf(8), (key) =>
          Effect.flatMap(poller.add(job, key, { ...hour, checkTimeout: "5 seconds" }), follow)
        )
        yield* TestClock.adjust("5 minutes")
        // Requests at 1, 7, 12, 17 and 22 seconds.
        assert.deepStrictEqual(
          ends.map((end) => end()),
          [
            ["k0", 12_000],
            ["k1", 12_000],
            ["k2", 12_000],
            ["k3", 12_000],
            ["k4", 22_000],
            ["CheckErrorsExhausted", 32_000],
            ["k6", 17_000],
            ["k7", 17_000]
          ]
        )
      })
    )

    it.effect("bad id - is checked alone until a check of its own answers, then in requests again [R61]", () =>
      Effect.gen(function* () {
        const isWell = { value: false }
        const { job, requests, singles } = batchJob({
          answer: () => pending,
          whole: (keys) => (keys.includes("k2") && !isWell.value ? Effect.fail("500") : Effect.void),
          single: () => (isWell.value ? Effect.succeed(pending) : Effect.fail("500")),
          strategy: Strategy.spaced("1 second")
        })
        const poller = yield* Poller.make(plain)
        const checkErrors = { maxConsecutive: 20, schedule: Strategy.spaced("1 second") }
        for (const key of keysOf(4)) yield* poller.add(job, key, { ...hour, checkErrors })
        yield* TestClock.adjust("5 seconds")
        const searched = requests.length
        assert.isAtLeast(singles.length, 3)
        for (const { keys } of requests.slice(6)) assert.notInclude(keys, "k2")
        isWell.value = true
        yield* TestClock.adjust("5 seconds")
        assert.isAtLeast(requests.length, searched + 4)
        assert.deepStrictEqual(requests.at(-1)!.keys, keysOf(4))
      })
    )

    it.effect("throttled request - is never divided, nor after one that failed [R61]", () =>
      Effect.gen(function* () {
        const kindOf = (error: string) =>
          error === "slow down" ? CheckError.throttled({ retryAfter: Duration.seconds(10) }) : CheckError.transient()
        const { job, requests } = batchJob({
          whole: (_keys, request) => Effect.fail(request === 1 ? "500" : "slow down")
        })
        const poller = yield* Poller.make(plain)
        const checkErrors = { kindOf, maxConsecutive: 5, schedule: Strategy.spaced("1 second") }
        for (const key of keysOf(4)) yield* poller.add(job, key, { ...hour, checkErrors })
        yield* TestClock.adjust("30 seconds")
        assert.deepStrictEqual(
          requests.map(({ at, keys }) => [at, keys.length]),
          [
            [1000, 4],
            [2000, 4],
            [12_000, 4],
            [22_000, 4]
          ]
        )
      })
    )

    it.effect("throttled part - stops the search [R61]", () =>
      Effect.gen(function* () {
        const kindOf = (error: string) =>
          error === "slow down" ? CheckError.throttled({ retryAfter: Duration.seconds(10) }) : CheckError.transient()
        const { job, requests } = batchJob({
          whole: (keys, request) => (request < 3 || keys.includes("k0") ? Effect.fail("500") : Effect.fail("slow down"))
        })
        const poller = yield* Poller.make(plain)
        const checkErrors = { kindOf, maxConsecutive: 50, schedule: Strategy.spaced("5 seconds") }
        for (const key of keysOf(8)) yield* poller.add(job, key, { ...hour, checkErrors })
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(
          requests.map(({ at, keys }) => [at, keys.length]),
          [
            [1000, 8],
            [6000, 8],
            [6000, 4],
            [6000, 4]
          ]
        )
      })
    )

    it.effect("defect - is not divided", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({
          whole: (_, request) => (request === 1 ? Effect.fail("500") : Effect.die("bug"))
        })
        const poller = yield* Poller.make(plain)
        for (const key of keysOf(4)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([requests.length, (yield* poller.stats).ended], [2, { Defect: 4 }])
      })
    )

    it.effect("concurrency of one - is kept by the parts, and the search ends [R61]", () =>
      Effect.gen(function* () {
        let [inFlight, most] = [0, 0]
        const counted = <A, E>(effect: Effect.Effect<A, E>) =>
          Effect.suspend(() => {
            most = Math.max(most, ++inFlight)
            return Effect.ensuring(
              Effect.delay(Effect.asVoid(effect), "1 second"),
              Effect.sync(() => inFlight--)
            )
          })
        const { job } = batchJob({
          whole: (keys) => Effect.andThen(counted(Effect.void), unreadable("k1", "k6")(keys)),
          single: () => Effect.andThen(counted(Effect.void), Effect.fail("500"))
        })
        const poller = yield* Poller.make({ ...plain, concurrency: 1 })
        const checkErrors = { maxConsecutive: 3, schedule: Strategy.spaced("1 second") }
        for (const key of keysOf(8)) yield* poller.add(job, key, { ...hour, checkErrors })
        yield* TestClock.adjust("5 minutes")
        const stats = yield* poller.stats
        assert.deepStrictEqual([most, stats.ended, stats.requests], [1, { Succeeded: 6, CheckErrorsExhausted: 2 }, 0])
      })
    )

    it.effect("waits that leave during the search - do not keep it from ending", () =>
      Effect.gen(function* () {
        for (const leaving of [["k0", "k1"], ["k2", "k3"], keysOf(4)]) {
          const { job } = batchJob({
            whole: (keys, request) =>
              request < 3
                ? Effect.fail("500")
                : Effect.andThen(Effect.sleep(keys.includes("k0") ? "1 second" : "5 seconds"), Effect.fail("500"))
          })
          const poller = yield* Poller.make(plain)
          const checkErrors = { maxConsecutive: 1, schedule: Strategy.spaced("1 second") }
          const handles = new Map<string, { readonly interrupt: Effect.Effect<void> }>()
          for (const key of keysOf(4)) handles.set(key, yield* poller.add(job, key, { ...hour, checkErrors }))
          // The first half has failed, and is held; the second one is in flight.
          yield* TestClock.adjust("4 seconds")
          for (const key of leaving) yield* handles.get(key)!.interrupt
          yield* TestClock.adjust("5 minutes")
          const { ended, requests, watched } = yield* poller.stats
          assert.deepStrictEqual(
            [ended, watched, requests],
            [
              {
                Interrupted: leaving.length,
                ...(leaving.length < 4 ? { CheckErrorsExhausted: 4 - leaving.length } : {})
              },
              0,
              0
            ]
          )
        }
      })
    )

    it.effect("deadline during the search - ends the wait in time", () =>
      Effect.gen(function* () {
        const { job } = batchJob({
          whole: (keys, request) =>
            request < 3 ? Effect.fail("500") : keys.includes("k0") ? Effect.fail("500") : Effect.never
        })
        const poller = yield* Poller.make(plain)
        const ends = yield* Effect.forEach(keysOf(4), (key) =>
          Effect.flatMap(poller.add(job, key, { deadline: "10 seconds" }), follow)
        )
        yield* TestClock.adjust("1 minute")
        for (const end of ends) assert.deepStrictEqual(end(), ["PollTimeout deadline", 10_000])
      })
    )

    it.effect("gate - is asked for each part, and may delay it", () =>
      Effect.gen(function* () {
        let asked = 0
        const gate = Gate.make(() =>
          Effect.sync(() => (++asked % 2 === 0 ? Gate.postponed("3 seconds", "busy") : Gate.open))
        )
        const { job, requests } = batchJob({ whole: unreadable("k1"), single: () => Effect.fail("500") })
        const poller = yield* Poller.make(plain)
        const ends = yield* Effect.forEach(keysOf(4), (key) =>
          Effect.flatMap(poller.add(job, key, { ...hour, gate }), follow)
        )
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(
          ends.map((end) => end()[0]),
          ["k0", "CheckErrorsExhausted", "k2", "k3"]
        )
        assert.isAtMost(requests.length, 2 + 2 * 2)
      })
    )

    it.effect("two waits for a key - are in one part, and both get its answer", () =>
      Effect.gen(function* () {
        const { job, requests } = batchJob({ whole: unreadable("k1"), single: () => Effect.fail("500") })
        const poller = yield* Poller.make(plain)
        const ends = yield* follows(poller, job, ["k0", "k1", "k0", "k2", "k2", "k3"])
        yield* TestClock.adjust("5 minutes")
        assert.deepStrictEqual(
          ends().map(([, end]) => end),
          ["k0", "CheckErrorsExhausted", "k0", "k2", "k2", "k3"]
        )
        for (const { keys } of requests) assert.strictEqual(new Set(keys).size, keys.length)
      })
    )

    it.effect("minInterval - holds for the parts and for the bad key [R35]", () =>
      Effect.gen(function* () {
        const starts = new Map<string, Array<number>>()
        const note = (keys: ReadonlyArray<string>) =>
          Effect.clockWith((clock) =>
            Effect.sync(() => {
              for (const key of keys) starts.set(key, [...(starts.get(key) ?? []), clock.currentTimeMillisUnsafe()])
            })
          )
        const { job } = batchJob({
          whole: (keys) => Effect.andThen(note(keys), unreadable("k1")(keys)),
          single: (key) => Effect.andThen(note([key]), Effect.fail("500"))
        })
        const poller = yield* Poller.make(plain)
        const ends = yield* Effect.forEach(keysOf(4), (key) =>
          Effect.flatMap(poller.add(job, key, { ...hour, minInterval: "30 seconds" }), follow)
        )
        yield* TestClock.adjust("30 minutes")
        assert.deepStrictEqual(
          ends.map((end) => end()[0]),
          ["k0", "CheckErrorsExhausted", "k2", "k3"]
        )
        for (const times of starts.values()) {
          for (const [at, time] of times.entries()) if (at > 0) assert.isAtLeast(time - times[at - 1]!, 30_000)
        }
      })
    )

    it.effect("shutdown during the search - yields the tokens of all waits", () =>
      Effect.gen(function* () {
        const { job } = batchJob({
          whole: (keys, request) =>
            request < 3 ? Effect.fail("500") : keys.includes("k0") ? Effect.fail("500") : Effect.never
        })
        const poller = yield* Poller.make(plain)
        for (const key of keysOf(4)) yield* poller.add(job, key, hour)
        yield* TestClock.adjust("3 seconds")
        const tokens = yield* poller.shutdown
        assert.deepStrictEqual(Object.fromEntries(tokens.map(({ attempts, key }) => [key, attempts])), {
          k0: 2,
          k1: 2,
          k2: 2,
          k3: 2
        })
      })
    )
  })
})
