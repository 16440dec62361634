import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as RateLimitGate from "@effect-poll/http/RateLimitGate"
import * as HttpCheck from "@effect-poll/http/HttpCheck"

/** A limiter in memory, which counts how often it is called. */
const counted = Effect.gen(function* () {
  const limiter = yield* RateLimiter.make
  const calls: Array<number> = []
  return {
    calls,
    limiter: {
      ...limiter,
      consume: (options: Parameters<typeof limiter.consume>[0]) =>
        Effect.suspend(() => {
          calls.push(options.tokens ?? 1)
          return limiter.consume(options)
        })
    }
  }
}).pipe(Effect.provide(RateLimiter.layerStoreMemory))

const gateOf = (options: RateLimitGate.Options) =>
  Effect.gen(function* () {
    const { calls, limiter } = yield* counted
    const gate = yield* Effect.provideService(RateLimitGate.make(options), RateLimiter.RateLimiter, limiter)
    return { calls, gate }
  })

const ask = (gate: Gate.Gate, times: number, job = "task") =>
  Effect.forEach(
    Array.from({ length: times }, (_, i) => `k${i}`),
    (key) => gate.ask({ job, key })
  )

const open = (answers: ReadonlyArray<Gate.Answer>) => answers.filter(({ _tag }) => _tag === "Open").length

/** When, in milliseconds, and why a gate is closed. */
const closed = (answer: Gate.Answer) =>
  answer._tag === "Open" ? "open" : ([Math.floor(Duration.toMillis(answer.delay)), answer.reason] as const)

describe("RateLimitGate", () => {
  describe("budget", () => {
    it.effect("lets the limit of checks through per window, and says when the next window begins", () =>
      Effect.gen(function* () {
        const { gate } = yield* gateOf({ limit: 3, window: "9 seconds" })
        const answers = yield* ask(gate, 5)
        assert.deepStrictEqual(answers.map(closed), [
          "open",
          "open",
          "open",
          [9000, "rate budget"],
          // The checks of a window are spread over a quarter of it.
          [9750, "rate budget"]
        ])
        yield* TestClock.adjust("8999 millis")
        assert.strictEqual((yield* gate.ask({ job: "task", key: "k3" }))._tag, "Postponed")
        yield* TestClock.adjust("1 millis")
        assert.strictEqual((yield* gate.ask({ job: "task", key: "k3" }))._tag, "Open")
      })
    )

    it.effect("each job has its own, unless told otherwise", () =>
      Effect.gen(function* () {
        const { gate } = yield* gateOf({ limit: 1, window: "1 second" })
        assert.strictEqual(open([...(yield* ask(gate, 2, "a")), ...(yield* ask(gate, 2, "b"))]), 2)
        const shared = yield* gateOf({ limit: 1, window: "1 second", budget: "host" })
        assert.strictEqual(open([...(yield* ask(shared.gate, 2, "a")), ...(yield* ask(shared.gate, 2, "b"))]), 1)
        const byKey = yield* gateOf({ limit: 1, window: "1 second", budget: ({ key }) => key })
        assert.strictEqual(open([...(yield* ask(byKey.gate, 3, "a")), ...(yield* ask(byKey.gate, 3, "b"))]), 3)
      })
    )

    it.effect("a lease serves many checks with one call, and no check is lost to it", () =>
      Effect.gen(function* () {
        const { calls, gate } = yield* gateOf({ limit: 100, window: "1 minute", lease: 30 })
        assert.strictEqual(open(yield* ask(gate, 1000)), 100)
        assert.deepStrictEqual(calls, [30, 30, 30, 10])
      })
    )

    it.effect("the default lease is a tenth of the limit", () =>
      Effect.gen(function* () {
        const { calls, gate } = yield* gateOf({ limit: 50, window: "1 minute" })
        yield* ask(gate, 6)
        assert.deepStrictEqual(calls, [5, 5])
      })
    )

    it.effect("a lease lapses with its window: it is not added to the next one", () =>
      Effect.gen(function* () {
        const { calls, gate } = yield* gateOf({ limit: 10, window: "10 seconds", lease: 10 })
        assert.strictEqual(open(yield* ask(gate, 1)), 1)
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual(open(yield* ask(gate, 50)), 10)
        assert.deepStrictEqual(calls, [10, 10])
      })
    )

    it.effect("asks that come at once share one call", () =>
      Effect.gen(function* () {
        const { calls, limiter } = yield* counted
        const slow = {
          ...limiter,
          consume: (options: Parameters<typeof limiter.consume>[0]) =>
            Effect.delay(limiter.consume(options), "1 second")
        }
        const gate = yield* Effect.provideService(
          RateLimitGate.make({ limit: 40, window: "1 hour", lease: 20 }),
          RateLimiter.RateLimiter,
          slow
        )
        const asked = yield* Effect.forkChild(
          Effect.forEach(Array.from({ length: 100 }), () => gate.ask({ job: "task", key: "a" }), {
            concurrency: "unbounded"
          })
        )
        yield* TestClock.adjust("1 minute")
        assert.strictEqual(open(yield* Fiber.join(asked)), 40)
        assert.deepStrictEqual(calls, [20, 20])
      })
    )

    it.effect("two processes that share a store share the budget", () =>
      Effect.gen(function* () {
        const { limiter } = yield* counted
        const options = { limit: 20, window: "1 minute", lease: 3 } as const
        const make = Effect.provideService(RateLimitGate.make(options), RateLimiter.RateLimiter, limiter)
        const [a, b] = [yield* make, yield* make]
        let checks = 0
        for (let i = 0; i < 40; i++) checks += open([...(yield* ask(a, 1)), ...(yield* ask(b, 1))])
        assert.strictEqual(checks, 20)
      })
    )

    it.effect(
      "those that wait come in turn, over a quarter of the window; others take only what is left, and none asks in vain",
      () =>
        Effect.gen(function* () {
          const { calls, gate } = yield* gateOf({ limit: 10, window: "1 second", lease: 1 })
          const answers = yield* ask(gate, 14)
          assert.deepStrictEqual(
            answers.slice(10).map((answer) => closed(answer)[0]),
            [1000, 1025, 1050, 1075]
          )
          yield* TestClock.adjust("1 second")
          // Four of the ten in this window are for those that were here before, if they come.
          const others = yield* Effect.forEach([1, 2, 3, 4, 5, 6, 7], (at) =>
            gate.ask({ job: "task", key: `new ${at}` })
          )
          assert.deepStrictEqual(
            others.map((answer) => closed(answer)[0]),
            ["o", "o", "o", "o", "o", "o", 51]
          )
          for (const key of ["k10", "k11", "k12", "k13"]) {
            assert.strictEqual((yield* gate.ask({ job: "task", key }))._tag, "Open", key)
            yield* TestClock.adjust("25 millis")
          }
          assert.deepStrictEqual(closed(yield* gate.ask({ job: "task", key: "new 7" })), [900, "rate budget"])
          yield* TestClock.adjust("900 millis")
          assert.strictEqual((yield* gate.ask({ job: "task", key: "new 7" }))._tag, "Open")
          assert.strictEqual(calls.length, 21)
        })
    )

    it.effect("what others leave of a window is used to the last token", () =>
      Effect.gen(function* () {
        const { limiter } = yield* counted
        const gate = yield* Effect.provideService(
          RateLimitGate.make({ limit: 20, window: "1 minute", lease: 3 }),
          RateLimiter.RateLimiter,
          limiter
        )
        yield* ask(gate, 3)
        yield* limiter.consume({ key: "task", limit: 20, window: "1 minute", tokens: 16 })
        assert.strictEqual(open(yield* ask(gate, 3)), 1)
      })
    )

    it.effect("waits for one key have a turn each", () =>
      Effect.gen(function* () {
        const { gate } = yield* gateOf({ limit: 1, window: "1 second" })
        const same = gate.ask({ job: "task", key: "same" })
        const told = (yield* Effect.forEach([1, 2, 3, 4], () => same)).map((answer) => closed(answer)[0])
        assert.deepStrictEqual(told, ["o", 1000, 2000, 3000])
        for (let i = 0; i < 3; i++) {
          yield* TestClock.adjust("1 second")
          assert.strictEqual((yield* same)._tag, "Open")
        }
      })
    )

    it.effect("those that come in turn and find the gate closed again keep their place", () =>
      Effect.gen(function* () {
        const { gate } = yield* gateOf({ limit: 1, window: "1 second" })
        yield* ask(gate, 4)
        yield* gate.observe({ status: 429, headers: Headers.fromInput({ "retry-after": "60" }) })
        const told: Array<unknown> = []
        for (const key of ["k1", "k2", "k3"]) {
          yield* TestClock.adjust("1 second")
          told.push(closed(yield* gate.ask({ job: "task", key }))[0])
        }
        told.push(closed(yield* gate.ask({ job: "task", key: "new" }))[0])
        // The last one asks in between.
        assert.deepStrictEqual(told, [59_000, 59_000, 59_000, 59_150])
      })
    )

    it.effect("one who came in turn and found the gate closed does not go to the end of the line", () =>
      Effect.gen(function* () {
        const { gate } = yield* gateOf({ limit: 1, window: "1 second" })
        yield* ask(gate, 11)
        yield* gate.observe({ status: 429, headers: Headers.fromInput({ "retry-after-ms": "2500" }) })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(closed(yield* gate.ask({ job: "task", key: "k1" }))[0], 1500)
      })
    )

    it.effect("a budget that is closed is kept, however many others come and go", () =>
      Effect.gen(function* () {
        const { gate } = yield* gateOf({ limit: 1, window: "1 second", budget: ({ key }) => key })
        yield* gate.observe({ status: 429, headers: Headers.fromInput({ "retry-after": "3600" }) }, "closed")
        for (let i = 0; i < 5000; i++) {
          assert.strictEqual((yield* gate.ask({ job: "task", key: `k${i}` }))._tag, "Open")
          if (i % 500 === 0) yield* TestClock.adjust("2 seconds")
        }
        assert.strictEqual((yield* gate.ask({ job: "task", key: "closed" }))._tag, "Postponed")
      })
    )

    it.effect("a store that fails postpones checks, or lets them through uncounted", () =>
      Effect.gen(function* () {
        let calls = 0
        const { limiter } = yield* counted
        const broken = {
          ...limiter,
          consume: () =>
            Effect.suspend(() => {
              calls++
              return Effect.fail(
                new RateLimiter.RateLimiterError({
                  reason: new RateLimiter.RateLimitStoreError({ message: "no store" })
                })
              )
            })
        }
        const make = (options?: Partial<RateLimitGate.Options>) =>
          Effect.provideService(
            RateLimitGate.make({ limit: 10, window: "1 hour", ...options }),
            RateLimiter.RateLimiter,
            broken
          )
        const careful = yield* ask(yield* make(), 2)
        assert.deepStrictEqual(careful.map(closed), [
          [1000, "rate limiter unavailable"],
          // Spread over a quarter of the window, but it asks in between.
          [3050, "rate limiter unavailable"]
        ])
        const gate = yield* make({ onStoreError: "allow" })
        assert.strictEqual(open(yield* ask(gate, 20)), 20)
        // Left alone for a second.
        assert.strictEqual(calls, 2)
        yield* TestClock.adjust("1 second")
        assert.strictEqual(open(yield* ask(gate, 20)), 20)
        assert.strictEqual(calls, 3)
      })
    )

    it("make - bad options are RangeErrors", () => {
      const make = (options: Partial<RateLimitGate.Options>) => () =>
        RateLimitGate.make({ limit: 10, window: "1 second", ...options })
      assert.throws(make({ limit: 0 }), RangeError, "RateLimitGate.make: limit must be an integer >= 1, got 0")
      assert.throws(make({ limit: 1.5 }), RangeError, "got 1.5")
      assert.throws(make({ window: 0 }), RangeError, "RateLimitGate.make: window")
      assert.throws(make({ window: "soon" as never }), RangeError, '"soon"')
      assert.throws(make({ lease: 11 }), RangeError, "RateLimitGate.make: lease must be an integer in [1, 10], got 11")
      assert.throws(make({ burst: 0 }), RangeError, "RateLimitGate.make: burst must be an integer >= 1, got 0")
      assert.throws(make({ burst: 2.5 }), RangeError, "got 2.5")
      assert.throws(make({ burst: 3, lease: 4 }), RangeError, "lease must be an integer in [1, 3], got 4")
      assert.throws(make({ budget: "" }), RangeError, "RateLimitGate.make: budget")
      assert.throws(make({ pause: -1 }), RangeError, "RateLimitGate.make: pause")
      assert.throws(make({ maxClosed: Number.NaN }), RangeError, "RateLimitGate.make: maxClosed")
    })
  })

  describe("what the server says", () => {
    const now = 1_767_225_540_000
    const table: ReadonlyArray<readonly [name: string, status: number, headers: Record<string, string>, unknown]> = [
      ["a 200", 200, {}, "open"],
      ["a 429 with seconds", 429, { "retry-after": "7" }, 7000],
      ["a 429 with a date", 429, { "retry-after": "Thu, 01 Jan 2026 00:00:00 GMT" }, 60_000],
      [
        "a 429 with a date, by a clock of its own",
        429,
        { "retry-after": "Thu, 01 Jan 2026 00:00:00 GMT", date: "Wed, 31 Dec 2025 23:59:50 GMT" },
        10_000
      ],
      ["a 429 with milliseconds", 429, { "retry-after-ms": "1500" }, 1500],
      ["a bare 429", 429, {}, 2000],
      ["a 429 that cannot be read", 429, { "retry-after": "soon" }, 2000],
      ["a huge wish", 429, { "retry-after": "999999999" }, 600_000],
      ["a 503 is no matter of rates", 503, { "retry-after": "7" }, "open"],
      ["nothing left, in seconds", 200, { "ratelimit-remaining": "0", "ratelimit-reset": "30" }, 30_000],
      ["something left", 200, { "ratelimit-remaining": "1", "ratelimit-reset": "30" }, "open"],
      ["nothing left, no reset", 200, { "ratelimit-remaining": "0" }, "open"],
      ["nothing left, at a time", 200, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225600" }, 60_000],
      [
        "nothing left, at a time, by a clock of its own",
        200,
        { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225600", date: "Wed, 31 Dec 2025 23:59:30 GMT" },
        30_000
      ],
      ["a time in milliseconds", 200, { "x-rate-limit-remaining": "0", "x-rate-limit-reset": "1767225600000" }, 60_000],
      ["a time that is past", 200, { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "1767225500" }, "open"],
      ["seconds after", 200, { "x-ratelimit-remaining": "0", "x-ratelimit-reset-after": "1.5" }, 1500],
      ["a structured header", 200, { ratelimit: '"default";r=0;t=30' }, 30_000],
      ["a structured header, something left", 200, { ratelimit: '"default";r=5;t=30' }, "open"],
      ["several policies", 200, { ratelimit: '"burst";r=0;t=5, "day";r=0;t=90;pk=:abc=:, "all";r=7;t=300' }, 90_000],
      ["a name with a comma and more in it", 200, { ratelimit: '"a;r=0,b";r=9;t=30, "c";t=4;r=0' }, 4000],
      ["an earlier draft", 200, { ratelimit: "limit=100, remaining=0, reset=50" }, 50_000],
      ["an earlier draft, something left", 200, { ratelimit: "limit=100, remaining=5, reset=50" }, "open"],
      [
        "the longer of two",
        429,
        { "retry-after": "5", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "30" },
        30_000
      ]
    ]
    it.effect.each(table)("%s", ([_, status, headers, expected]) =>
      Effect.gen(function* () {
        yield* TestClock.setTime(now)
        const { gate } = yield* gateOf({ limit: 100, window: "1 hour", pause: "2 seconds", maxClosed: "10 minutes" })
        yield* gate.observe({ status, headers: Headers.fromInput(headers) })
        const [answer] = yield* ask(gate, 1)
        assert.deepStrictEqual(
          closed(answer!),
          expected === "open" ? expected : [expected as number, "rate limit of the server"]
        )
      })
    )

    it.effect("a shorter wish does not open what a longer one closed", () =>
      Effect.gen(function* () {
        const { gate } = yield* gateOf({ limit: 100, window: "1 hour" })
        const said = (seconds: string) =>
          gate.observe({ status: 429, headers: Headers.fromInput({ "retry-after": seconds }) })
        yield* said("60")
        yield* said("1")
        assert.deepStrictEqual(closed((yield* ask(gate, 1))[0]!), [60_000, "rate limit of the server"])
      })
    )

    it.effect("client - one 429 closes the gate for all jobs and keys, and uses no budget", () =>
      Effect.gen(function* () {
        const { gate } = yield* gateOf({ limit: 2, window: "1 second" })
        const client = RateLimitGate.client(gate)(
          HttpClient.make((request) =>
            Effect.succeed(
              HttpClientResponse.fromWeb(request, new Response(null, { status: 429, headers: { "retry-after": "10" } }))
            )
          )
        )
        assert.strictEqual((yield* client.get("http://h/")).status, 429)
        const told = [...(yield* ask(gate, 2, "a")), ...(yield* ask(gate, 1, "b"))].map((answer) => closed(answer)[0])
        assert.deepStrictEqual(told, [10_000, 10_500, 10_000])
        yield* TestClock.adjust("10500 millis")
        assert.strictEqual(open([...(yield* ask(gate, 2, "a")), ...(yield* ask(gate, 1, "b"))]), 3)
      })
    )

    it.effect("client - an answer that the client below made an error closes the budget that the option names", () =>
      Effect.gen(function* () {
        const { gate } = yield* gateOf({ limit: 2, window: "1 second" })
        const client = HttpClient.make((request) =>
          Effect.succeed(HttpClientResponse.fromWeb(request, new Response(null, { status: 429 })))
        ).pipe(
          HttpClient.filterStatusOk,
          RateLimitGate.client(gate, { budget: (request) => new URL(request.url).host })
        )
        yield* Effect.flip(client.get("http://a/"))
        assert.deepStrictEqual([open(yield* ask(gate, 1, "a")), open(yield* ask(gate, 1, "b"))], [0, 1])
      })
    )
  })

  describe("in a wait", () => {
    const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done"]) }), "state", {
      busy: Status.pending(),
      done: Status.succeeded("done")
    })

    it.effect("300 waits with a budget for 20 checks a second: never more, all get there, and fairly", () =>
      Effect.gen(function* () {
        const asked: Array<number> = []
        const checks = new Map<string, number>()
        const server = HttpClient.make((request, { pathname }) =>
          Effect.map(Clock.currentTimeMillis, (now) => {
            asked.push(now)
            const seen = (checks.get(pathname) ?? 0) + 1
            checks.set(pathname, seen)
            return HttpClientResponse.fromWeb(request, Response.json({ state: now < 120_000 ? "busy" : "done" }))
          })
        )
        const { gate } = yield* gateOf({ limit: 20, window: "1 second", lease: 5 })
        const Tasks = Job.make("task", { check: (id: string) => HttpCheck.get(`http://h/${id}`, TaskStatus) })
        const waits = yield* Effect.forEach(
          Array.from({ length: 300 }, (_, i) => `t${i}`),
          (id) =>
            Effect.forkChild(
              Effect.exit(
                Poll.until(Tasks, id, { strategy: Strategy.spaced("5 seconds"), deadline: "10 minutes", gate }).pipe(
                  Effect.provideService(HttpClient.HttpClient, RateLimitGate.client(server, gate))
                )
              )
            )
        )
        yield* TestClock.adjust("10 minutes")
        assert.isTrue((yield* Effect.forEach(waits, Fiber.join)).every(Exit.isSuccess))
        // Over time not above the rate; a window that begins anew may follow at once on one that was used late.
        for (let from = 0; from < 120_000; from += 1000) {
          assert.isAtMost(asked.filter((at) => at >= from && at < from + 1000).length, 40)
        }
        const before = asked.filter((at) => at < 120_000).length
        assert.isAtMost(before, 121 * 20)
        assert.isAtLeast(before, 110 * 20)
        // In two minutes 8 checks each, but for one more or less, and the last.
        const each = [...checks.values()]
        assert.deepStrictEqual([Math.min(...each) >= 7, Math.max(...each) <= 10], [true, true])
      })
    )

    it.effect("Gate.all - composes with others", () =>
      Effect.gen(function* () {
        const { gate } = yield* gateOf({ limit: 1, window: "1 second" })
        const both = Gate.all([gate, Gate.make(() => Effect.succeed(Gate.open))])
        assert.strictEqual(open(yield* ask(both, 2)), 1)
      })
    )
  })
})
