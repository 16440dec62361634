import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Headers from "effect/http/Headers"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as TestClock from "effect/testing/TestClock"
import type * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as RateLimitGate from "@effect-poll/http/RateLimitGate"

const limiter = RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory))

const gateOf = (options: RateLimitGate.Options) => Effect.provide(RateLimitGate.make(options), limiter)

const ask = (gate: Gate.Gate, key: string) => gate.ask({ job: "task", key })

const askAll = (gate: Gate.Gate, count: number, prefix = "k") =>
  Effect.forEach(
    Array.from({ length: count }, (_, at) => `${prefix}${at}`),
    (key) => ask(gate, key)
  )

const openOf = (answers: ReadonlyArray<Gate.Answer>) => answers.filter(({ _tag }) => _tag === "Open").length

/** Milliseconds until the check is to ask again; 0 if it may be made. */
const delayOf = (answer: Gate.Answer) => (answer._tag === "Open" ? 0 : Duration.toMillis(answer.delay))

/** Asks for all these keys as waits do, until their checks may be made. Yields when that was, and the questions. */
const turnsOf = (gate: Gate.Gate, keys: ReadonlyArray<string | { readonly key: string; readonly at: number }>) =>
  Effect.gen(function* () {
    const turns: Array<number> = []
    let asked = 0
    let now = 0
    const waiting = keys.map((key) => (typeof key === "string" ? { key, at: 0 } : key))
    while (waiting.length > 0) {
      waiting.sort((a, b) => a.at - b.at)
      const { at, key } = waiting.shift()!
      if (at > now) yield* TestClock.adjust(at - now)
      now = Math.max(now, at)
      asked++
      const delay = delayOf(yield* ask(gate, key))
      if (delay === 0) turns.push(now)
      else waiting.push({ key, at: now + delay })
    }
    return { turns, asked }
  })

const keysOf = (count: number, prefix = "k") => Array.from({ length: count }, (_, at) => `${prefix}${at}`)

const refuse = (gate: RateLimitGate.RateLimitGate, headers: Record<string, string> = {}) =>
  gate.observe({ status: 429, headers: Headers.fromInput(headers) })

const noHeaders = Headers.fromInput({})

describe("RateLimitGate", () => {
  describe("limit and burst [R50]", () => {
    const windows: ReadonlyArray<readonly [name: string, times: ReadonlyArray<readonly [at: number, asks: number]>]> = [
      ["all at once", [[0, 30]]],
      [
        "one early, the others at the end of its window",
        [
          [0, 1],
          [990, 30],
          [1000, 30]
        ]
      ],
      [
        "half and half",
        [
          [0, 5],
          [500, 30],
          [1000, 30],
          [1400, 30],
          [1500, 30]
        ]
      ],
      ["one by one", Array.from({ length: 60 }, (_, at) => [at * 50, 1] as const)]
    ]
    it.effect.each(windows)("no window has more checks than the limit: %s", ([_, times]) =>
      Effect.gen(function* () {
        const gate = yield* gateOf({ limit: 10, window: "1 second" })
        const opened: Array<number> = []
        let now = 0
        for (const [at, asks] of times) {
          yield* TestClock.adjust(at - now)
          now = at
          const open = openOf(yield* askAll(gate, asks, `${at}-`))
          for (let i = 0; i < open; i++) opened.push(at)
        }
        for (const from of opened) assert.isAtMost(opened.filter((at) => at >= from && at < from + 1000).length, 10)
        assert.isAtLeast(opened.length, 10)
      })
    )

    it.effect("burst - that many at once, then one at each interval, and as many again after a pause", () =>
      Effect.gen(function* () {
        const gate = yield* gateOf({ limit: 100, window: "1 second", burst: 20 })
        const delays = (yield* askAll(gate, 24)).map(delayOf)
        assert.deepStrictEqual(delays.slice(19), [0, 10, 20, 30, 40])
        for (const key of ["k20", "k21", "k22", "k23"]) {
          yield* TestClock.adjust("10 millis")
          assert.strictEqual((yield* ask(gate, key))._tag, "Open", key)
        }
        yield* TestClock.adjust("1 second")
        assert.strictEqual(openOf(yield* askAll(gate, 50, "later")), 20)
      })
    )

    it.effect("burst 1 - spaces all checks evenly", () =>
      Effect.gen(function* () {
        const gate = yield* gateOf({ limit: 5, window: "1 second", burst: 1 })
        assert.deepStrictEqual((yield* askAll(gate, 4)).map(delayOf), [0, 200, 400, 600])
      })
    )

    it.effect("burst beyond the limit - allows more at once, at the same rate", () =>
      Effect.gen(function* () {
        const gate = yield* gateOf({ limit: 2, window: "1 second", burst: 5 })
        assert.deepStrictEqual((yield* askAll(gate, 7)).map(delayOf), [0, 0, 0, 0, 0, 500, 1000])
      })
    )

    it.effect("answers that take unevenly long - keep checks further apart, by at most a tenth", () =>
      Effect.gen(function* () {
        const table = [
          [[20, 20, 20], 1000],
          [[20, 50, 20], 1030],
          [[20, 900], 1100]
        ] as const
        for (const [took, expected] of table) {
          const gate = yield* gateOf({ limit: 1, window: "1 second" })
          for (const millis of took) yield* gate.observe({ status: 200, headers: noHeaders }, undefined, millis)
          assert.deepStrictEqual((yield* askAll(gate, 2)).map(delayOf), [0, expected])
        }
      })
    )

    it.effect("client - reports how long answers take", () =>
      Effect.gen(function* () {
        const gate = yield* gateOf({ limit: 1, window: "1 second" })
        let latency = 10
        const server = HttpClient.make((request) =>
          Effect.as(TestClock.adjust(latency), HttpClientResponse.fromWeb(request, new Response()))
        )
        const client = RateLimitGate.client(server, gate)
        yield* client.get("http://h/")
        latency = 60
        yield* client.get("http://h/")
        assert.deepStrictEqual((yield* askAll(gate, 2)).map(delayOf), [0, 1049])
      })
    )
  })

  describe("turns [R50]", () => {
    it.effect("checks that never return - are passed over: the next one is made as soon as there is budget", () =>
      Effect.gen(function* () {
        for (const burst of [undefined, 10, 1]) {
          const gate = yield* gateOf({ limit: 60, window: "1 minute", burst })
          yield* askAll(gate, 1000)
          const { asked, turns } = yield* turnsOf(gate, ["next"])
          // A budget for one check comes each second, or all of it after a minute.
          assert.isAtMost(turns[0]!, 125_000, String(burst))
          assert.isAtMost(asked, 15, String(burst))
        }
      })
    )

    it.effect("every second check that waits has left - the others get the whole rate", () =>
      Effect.gen(function* () {
        for (const burst of [1, 5, undefined]) {
          const gate = yield* gateOf({ limit: 10, window: "1 second", burst })
          // Every second one asks once, and never again.
          const delays = (yield* askAll(gate, 200)).map(delayOf)
          const waiting = delays
            .map((at, index) => ({ key: `k${index}`, at }))
            .filter(({ at }, index) => at > 0 && index % 2 === 0)
          const { turns } = yield* turnsOf(gate, waiting)
          // About 100 checks at 10 a second; the turns of those that left may be lost if they come before it is noticed.
          assert.isAtMost(turns.at(-1)!, 15_000, String(burst))
        }
      })
    )

    it.effect("budget for all that wait and one more - a new check is made at once", () =>
      Effect.gen(function* () {
        const gate = yield* gateOf({ limit: 4, window: "1 second" })
        yield* askAll(gate, 6)
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual((yield* askAll(gate, 3, "new")).map(delayOf), [0, 0, 126])
        assert.deepStrictEqual([delayOf(yield* ask(gate, "k4"))], [0])
        yield* TestClock.adjust("63 millis")
        assert.deepStrictEqual([delayOf(yield* ask(gate, "k5"))], [0])
      })
    )

    it.effect("check that is late - goes before those that came after it, for a minute", () =>
      Effect.gen(function* () {
        for (const [late, isFirst] of [
          [4000, true],
          [50_000, true],
          [62_000, false]
        ] as const) {
          const gate = yield* gateOf({ limit: 1, window: "10 seconds" })
          yield* askAll(gate, 2)
          yield* TestClock.adjust(10_000 + late)
          // One came after it, and one asks now: there is budget for one.
          const others = yield* askAll(gate, 1, "new")
          assert.strictEqual(delayOf(others[0]!), 0)
          yield* askAll(gate, 1, "newer")
          yield* TestClock.adjust("10 seconds")
          assert.strictEqual(delayOf(yield* ask(gate, "k1")) === 0, isFirst, String(late))
        }
      })
    )

    it.effect("wall clock that is set back by an hour - does not keep the gate closed", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(10_000_000)
        const gate = yield* gateOf({ limit: 2, window: "1 second" })
        yield* refuse(gate, { "retry-after": "2" })
        yield* TestClock.setTime(10_000_000 - 3_600_000)
        assert.deepStrictEqual((yield* askAll(gate, 1)).map(delayOf), [2000])
        yield* TestClock.adjust("2 seconds")
        assert.deepStrictEqual((yield* askAll(gate, 1)).map(delayOf), [0])
      })
    )

    it.effect("1,000 waits of a Poller that are interrupted - do not hold back the next one", () =>
      Effect.gen(function* () {
        const gate = yield* gateOf({ limit: 60, window: "1 minute" })
        const checks = new Map<string, number>()
        const job = Job.make("task", {
          check: (key: string) =>
            Effect.map(Clock.currentTimeMillis, (now) => {
              if (!checks.has(key)) checks.set(key, now)
              return Status.pending()
            }),
          strategy: Strategy.spaced("1 hour")
        })
        const poller = yield* Poller.make({ stagger: false })
        const options = { deadline: "2 hours", gate } as const
        const handles = yield* Effect.forEach(
          Array.from({ length: 1000 }, (_, at) => `k${at}`),
          (key) => poller.add(job, key, options)
        )
        yield* TestClock.adjust("1 second")
        assert.strictEqual(checks.size, 60)
        yield* Effect.forEach(handles, (handle) => handle.interrupt, { discard: true })
        yield* poller.add(job, "next", options)
        yield* TestClock.adjust("1 hour")
        assert.isAtMost(checks.get("next")!, 125_000)
      })
    )
  })

  describe("after a 429 [R50]", () => {
    const headersOf: ReadonlyArray<readonly [name: string, headers: Record<string, string>]> = [
      ["with a delay", { "retry-after": "2" }],
      ["without one", {}],
      ["with what is left", { "retry-after": "1", "ratelimit-remaining": "0", "ratelimit-reset": "1" }]
    ]
    it.effect.each(headersOf)("%s - the budget comes back at its rate, without a burst", ([_, headers]) =>
      Effect.gen(function* () {
        for (const burst of [undefined, 20]) {
          const gate = yield* gateOf({ limit: 100, window: "1 second", burst })
          yield* refuse(gate, headers)
          const { turns } = yield* turnsOf(gate, keysOf(300))
          const [first] = turns as [number]
          assert.isAtLeast(first, 1000)
          const within = (millis: number) => turns.filter((at) => at < first + millis).length
          assert.isAtMost(within(100), 11)
          assert.isAtLeast(within(1000), 95)
          assert.isAtMost(within(1000), 101)
          assert.isAtMost(turns.at(-1)! - first, 3100)
        }
      })
    )

    it.effect("429s in a row that name no delay - close the gate twice as long each time, up to the window", () =>
      Effect.gen(function* () {
        const gate = yield* gateOf({ limit: 600, window: "5 seconds", pause: "1 second" })
        const delays: Array<number> = []
        for (let i = 0; i < 5; i++) {
          yield* refuse(gate)
          // Those in flight are no news.
          yield* refuse(gate)
          delays.push(delayOf(yield* ask(gate, "a")))
          yield* TestClock.adjust(delays.at(-1)!)
          assert.strictEqual(delayOf(yield* ask(gate, "a")), 0)
        }
        assert.deepStrictEqual(delays, [1000, 2000, 4000, 5000, 5000])
        yield* gate.observe({ status: 200, headers: noHeaders })
        yield* refuse(gate)
        assert.strictEqual(delayOf(yield* ask(gate, "a")), 1000)
      })
    )

    it.effect("headers with nothing left - close the gate only if it counts otherwise", () =>
      Effect.gen(function* () {
        const nothingLeft = { "ratelimit-remaining": "0", "ratelimit-reset": "30" }
        const observe = (gate: RateLimitGate.RateLimitGate) =>
          gate.observe({ status: 200, headers: Headers.fromInput(nothingLeft) })
        for (const [checks, burst, expected] of [
          [0, undefined, 30_000],
          [10, undefined, 30_000],
          [20, undefined, 1000],
          [10, 10, 50],
          [3, 10, 30_000]
        ] as const) {
          const gate = yield* gateOf({ limit: 20, window: "1 second", burst })
          yield* askAll(gate, checks)
          yield* observe(gate)
          assert.strictEqual(delayOf(yield* ask(gate, "next")), expected, `${checks} of ${burst ?? "a window"}`)
        }
      })
    )
  })
})
