import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as TestClock from "effect/testing/TestClock"
import type * as Gate from "effect-poll/Gate"
import * as CircuitBreakerGate from "@effect-poll/http/CircuitBreakerGate"
import * as HttpGuards from "@effect-poll/http/HttpGuards"
import * as RateLimitGate from "@effect-poll/http/RateLimitGate"

// Gates whose store answers late, or never, and how often a store is asked.

/** The answer of a gate in a few words, and after how many milliseconds it came; the clock moves on by a minute. */
const answerOf = (gate: Gate.Gate, key = "a") =>
  Effect.gen(function* () {
    const asked = yield* Clock.currentTimeMillis
    const answering = Effect.gen(function* () {
      const answer = yield* gate.ask({ job: "task", key })
      const took = (yield* Clock.currentTimeMillis) - asked
      return answer._tag === "Open"
        ? ([took, "open"] as const)
        : ([took, answer.reason, Math.round(Duration.toMillis(answer.delay))] as const)
    })
    const fiber = yield* Effect.forkChild(answering, { startImmediately: true })
    yield* TestClock.adjust("1 minute")
    return fiber.pollUnsafe() === undefined ? "none" : yield* Fiber.join(fiber)
  })

describe("gates whose store does not answer", () => {
  const options = { limit: 10, window: "1 second" } as const
  const limiterOf = (consume: Effect.Effect<never>) =>
    Effect.map(RateLimiter.make, (limiter) => ({ ...limiter, consume: () => consume })).pipe(
      Effect.provide(RateLimiter.layerStoreMemory)
    )
  const limited = (consume: Effect.Effect<never>, more?: Partial<RateLimitGate.Options>) =>
    Effect.flatMap(limiterOf(consume), (limiter) =>
      Effect.provideService(RateLimitGate.make({ ...options, ...more }), RateLimiter.RateLimiter, limiter)
    )

  it.effect("RateLimitGate - a limiter that hangs counts as one that fails after 2 seconds [R47]", () =>
    Effect.gen(function* () {
      const postponing = yield* limited(Effect.never)
      assert.deepStrictEqual(yield* answerOf(postponing), [2000, "rate limiter unavailable", 1000])
      const allowing = yield* limited(Effect.never, { onStoreError: "allow" })
      assert.deepStrictEqual(yield* answerOf(allowing), [2000, "open"])
    })
  )

  it.effect("RateLimitGate - of many checks that ask at once none waits longer than the first [R47]", () =>
    Effect.gen(function* () {
      const gate = yield* limited(Effect.never, { onStoreError: "allow" })
      const keys = Array.from({ length: 50 }, (_, at) => `k${at}`)
      const asking = yield* Effect.forkChild(
        Effect.forEach(keys, (key) => gate.ask({ job: "task", key }), { concurrency: "unbounded" })
      )
      yield* TestClock.adjust("2100 millis")
      assert.isDefined(asking.pollUnsafe())
      assert.isTrue((yield* Fiber.join(asking)).every(({ _tag }) => _tag === "Open"))
    })
  )

  it.effect("RateLimitGate - a limiter that cannot even be interrupted postpones the check after 5 seconds [R47]", () =>
    Effect.gen(function* () {
      const gate = yield* limited(Effect.uninterruptible(Effect.never))
      assert.deepStrictEqual(yield* answerOf(gate), [5000, "gate timeout", 1000])
    })
  )

  /** A store in memory with calls of which some hang. */
  const hanging = (calls: ReadonlySet<"admit" | "state">) =>
    Layer.effect(
      CircuitBreaker.CircuitBreakerStore,
      Effect.map(CircuitBreaker.CircuitBreakerStore, (store) => ({
        ...store,
        admit: (admitting) => Effect.suspend(() => (calls.has("admit") ? Effect.never : store.admit(admitting))),
        state: (reading) => Effect.suspend(() => (calls.has("state") ? Effect.never : store.state(reading)))
      }))
    ).pipe(Layer.provide(CircuitBreaker.layerStoreMemory()))

  it.effect("CircuitBreakerGate - a store that hangs lets checks through after 2 seconds [R47]", () =>
    Effect.gen(function* () {
      const gate = yield* CircuitBreakerGate.make()
      assert.deepStrictEqual(yield* answerOf(gate), [2000, "open"])
    }).pipe(Effect.scoped, Effect.provide(hanging(new Set(["state"]))))
  )

  it.effect("CircuitBreakerGate - a store that hangs at a probe holds no check back for good [R47]", () => {
    const calls = new Set<"admit">()
    return Effect.gen(function* () {
      const gate = yield* CircuitBreakerGate.make({ timeout: "3 seconds", openDuration: "10 seconds" })
      yield* CircuitBreakerGate.check(Effect.void, gate)
      for (let i = 0; i < 3; i++) yield* Effect.exit(CircuitBreakerGate.check(Effect.fail("down"), gate))
      assert.deepStrictEqual(yield* answerOf(gate), [0, "breaker open", 10_000])
      calls.add("admit")
      // The probe and two calls of the store.
      assert.deepStrictEqual(yield* answerOf(gate), [7000, "gate timeout", 1000])
      calls.delete("admit")
      assert.deepStrictEqual(yield* answerOf(gate), [0, "open"])
    }).pipe(Effect.scoped, Effect.provide(hanging(calls)))
  })
})

describe("HttpGuards", () => {
  it.effect("an open circuit is asked once, and takes nothing from the rate limit, for a thousand checks [R48]", () => {
    let reads = 0
    let taken = 0
    const store = Layer.effect(
      CircuitBreaker.CircuitBreakerStore,
      Effect.map(CircuitBreaker.CircuitBreakerStore, (inner) => ({
        ...inner,
        state: (reading) => Effect.suspend(() => (reads++, inner.state(reading)))
      }))
    ).pipe(Layer.provide(CircuitBreaker.layerStoreMemory()))
    const limiter = Layer.effect(
      RateLimiter.RateLimiter,
      Effect.map(RateLimiter.make, (inner) => ({
        ...inner,
        consume: (taking) => Effect.suspend(() => (taken++, inner.consume(taking)))
      }))
    ).pipe(Layer.provide(RateLimiter.layerStoreMemory))
    const network = HttpClient.make((request) =>
      Effect.succeed(HttpClientResponse.fromWeb(request, new Response(null, { status: 503 })))
    )
    return Effect.gen(function* () {
      const { client, gate } = yield* HttpGuards.make({
        rateLimit: { limit: 10, window: "1 minute" },
        circuitBreaker: { openDuration: "10 seconds" }
      })
      for (let i = 0; i < 3; i++) yield* client.get("https://api.example/")
      const delays: Array<number> = []
      for (let i = 0; i < 1000; i++) {
        const answer = yield* gate.ask({ job: "task", key: `k${i}` })
        assert(answer._tag === "Postponed")
        assert.strictEqual(answer.reason, "breaker open")
        delays.push(Duration.toMillis(answer.delay))
      }
      assert.strictEqual(delays[0], 10_000)
      assert.isAbove(new Set(delays).size, 900)
      assert.isAtMost(Math.max(...delays), 20_000)
      assert.deepStrictEqual([reads, taken], [1, 0])
    }).pipe(
      Effect.scoped,
      Effect.provide(Layer.mergeAll(store, limiter)),
      Effect.provideService(HttpClient.HttpClient, network)
    )
  })
})
