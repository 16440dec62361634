import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as RateLimiter from "effect/persistence/RateLimiter"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import type { Scope } from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import { expectTypeOf } from "vitest"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import * as HttpGuards from "@effect-poll/http/HttpGuards"

const url = "https://api.example/tasks/1"

const services = Layer.mergeAll(
  RateLimiter.layer.pipe(Layer.provide(RateLimiter.layerStoreMemory)),
  CircuitBreaker.layerStoreMemory()
)

interface Asked {
  readonly url: string
  readonly token: string | undefined
  readonly at: number
}

/** A server whose answers depend on the request and the second. */
const server = (answer: (request: HttpClientRequest.HttpClientRequest, at: number) => Response | "down") => {
  const asked: Array<Asked> = []
  const client = HttpClient.make((request) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      const at = now / 1000
      asked.push({ url: request.url, token: request.headers["authorization"], at })
      const given = answer(request, at)
      return given === "down"
        ? Effect.fail(
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.TransportError({ request, cause: { code: "ECONNREFUSED" } })
            })
          )
        : Effect.succeed(HttpClientResponse.fromWeb(request, given))
    })
  )
  return { asked, provide: Effect.provideService(HttpClient.HttpClient, client) }
}

const pending = () => new Response('{ "state": "running" }')

const checks = HttpCheck.make(
  HttpClientRequest.get(url),
  StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["running", "done"]) }), "state", {
    running: Status.pending(),
    done: Status.succeeded("done")
  })
)

const subject = { job: "check", key: "check" }

/** Runs with the services of the guards on the test clock, from 0. */
const guarded = <A, E>(
  effect: Effect.Effect<A, E, Scope | RateLimiter.RateLimiter | CircuitBreaker.CircuitBreakerStore>
) =>
  Effect.gen(function* () {
    yield* TestClock.setTime(0)
    return yield* effect.pipe(Effect.scoped, Effect.provide(services, { local: true }))
  })

const untilEnd = (guards: HttpGuards.HttpGuards) =>
  Effect.gen(function* () {
    const wait = Poll.until(checks, {
      deadline: "10 minutes",
      strategy: Strategy.spaced("10 seconds"),
      gate: guards.gate
    })
    const fiber = yield* Effect.forkChild(
      Effect.match(Effect.provideService(wait, HttpClient.HttpClient, guards.client), {
        onSuccess: (value) => value,
        onFailure: (error) => error._tag
      })
    )
    yield* TestClock.adjust("10 minutes")
    return yield* Fiber.join(fiber)
  })

describe("HttpGuards", () => {
  it.effect("make - nothing given is the client as it is, and a gate that is open", () =>
    Effect.gen(function* () {
      const { asked, provide } = server(pending)
      yield* guarded(
        Effect.gen(function* () {
          const { client, gate } = yield* provide(HttpGuards.make({}))
          yield* client.get(url)
          assert.strictEqual((yield* gate.ask(subject))._tag, "Open")
        })
      )
      assert.deepStrictEqual(asked, [{ url, token: undefined, at: 0 }])
    })
  )

  it("make - asks for the services of its options only", () => {
    type ServicesOf<T> = T extends Effect.Effect<infer _A, infer _E, infer R> ? R : never
    const token = Effect.succeed(Redacted.make("t"))
    const rateLimit = { limit: 1, window: "1 second" } as const
    const none = HttpGuards.make({})
    const limited = HttpGuards.make({ rateLimit })
    const broken = HttpGuards.make({ circuitBreaker: {} })
    const authorized = HttpGuards.make({ authorization: { token } })
    const withService = HttpGuards.make({
      authorization: { token: Effect.map(CircuitBreaker.CircuitBreakerStore, () => Redacted.make("t")) }
    })
    const options: HttpGuards.Options<never, never> = {}
    const maybe = HttpGuards.make(options)
    expectTypeOf<ServicesOf<typeof none>>().toEqualTypeOf<HttpClient.HttpClient>()
    expectTypeOf<ServicesOf<typeof limited>>().toEqualTypeOf<HttpClient.HttpClient | RateLimiter.RateLimiter>()
    expectTypeOf<ServicesOf<typeof broken>>().toEqualTypeOf<
      HttpClient.HttpClient | CircuitBreaker.CircuitBreakerStore | Scope
    >()
    expectTypeOf<ServicesOf<typeof authorized>>().toEqualTypeOf<HttpClient.HttpClient | Scope>()
    expectTypeOf<ServicesOf<typeof withService>>().toEqualTypeOf<
      HttpClient.HttpClient | Scope | CircuitBreaker.CircuitBreakerStore
    >()
    // What may be there is asked for.
    expectTypeOf<ServicesOf<typeof maybe>>().toEqualTypeOf<
      HttpClient.HttpClient | RateLimiter.RateLimiter | CircuitBreaker.CircuitBreakerStore | Scope
    >()
  })

  it.effect("gate - an outage takes nothing out of the rate budget", () =>
    Effect.gen(function* () {
      const { provide } = server(() => "down")
      yield* guarded(
        Effect.gen(function* () {
          const { client, gate } = yield* provide(
            HttpGuards.make({
              rateLimit: { limit: 4, window: "1 hour", lease: 1, budget: "all" },
              circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1), openDuration: "30 seconds" }
            })
          )
          assert.strictEqual((yield* gate.ask(subject))._tag, "Open")
          yield* Effect.exit(client.get(url))
          for (let at = 0; at < 20; at++) {
            const answer = yield* gate.ask({ job: "check", key: `k${at}` })
            assert.strictEqual(answer._tag === "Postponed" && answer.reason, "breaker open")
          }
          // Three of the four tokens are left.
          yield* TestClock.adjust("31 seconds")
          const answer = yield* gate.ask({ job: "check", key: "probe" })
          assert.notStrictEqual(answer._tag === "Postponed" && answer.reason, "rate budget")
        })
      )
    })
  )

  it.effect("client - a 401 fixed by a refresh counts for the rate limit, but not for the circuit", () =>
    Effect.gen(function* () {
      let token = "old"
      const { asked, provide } = server(({ headers }) =>
        headers["authorization"] === "Bearer new"
          ? pending()
          : new Response(null, { status: 401, headers: { "x-ratelimit-remaining": "0", "x-ratelimit-reset": "40" } })
      )
      yield* guarded(
        Effect.gen(function* () {
          const { client, gate } = yield* provide(
            HttpGuards.make({
              rateLimit: { limit: 100, window: "1 minute" },
              circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) },
              authorization: {
                token: Effect.sync(() => Redacted.make(token)),
                refresh: Effect.sync(() => {
                  token = "new"
                })
              }
            })
          )
          assert.strictEqual((yield* client.get(url)).status, 200)
          const answer = yield* gate.ask(subject)
          assert.strictEqual(answer._tag === "Postponed" && answer.reason, "rate limit of the server")
          yield* TestClock.adjust("41 seconds")
          assert.strictEqual((yield* gate.ask(subject))._tag, "Open")
        })
      )
      assert.deepStrictEqual(
        asked.map((each) => each.token),
        ["Bearer old", "Bearer new"]
      )
    })
  )

  it.effect("client - the probe after an outage has the token of that time", () =>
    Effect.gen(function* () {
      const { asked, provide } = server((_, at) => (at >= 5 && at < 60 ? "down" : pending()))
      yield* guarded(
        Effect.gen(function* () {
          const guards = yield* provide(
            HttpGuards.make({
              circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1), openDuration: "30 seconds" },
              authorization: {
                // A token for each minute.
                token: Effect.map(Clock.currentTimeMillis, (now) => Redacted.make(`t${Math.floor(now / 60_000)}`))
              }
            })
          )
          assert.strictEqual(yield* untilEnd(guards), "PollTimeout")
        })
      )
      const rejected = asked.filter(({ at, token }) => token !== `Bearer t${Math.floor(at / 60)}`)
      assert.deepStrictEqual(rejected, [])
      // The first request after the outage is the probe of the gate: two requests at one time.
      const probes = asked.filter(({ at }, index) => asked.findIndex((each) => each.at === at) !== index)
      assert.isAtLeast(probes.length, 1)
    })
  )

  it.effect("client - a token that cannot be read or refreshed does not open the circuit", () =>
    Effect.gen(function* () {
      const { asked, provide } = server(() => new Response(null, { status: 401 }))
      const token = Effect.suspend(() => Effect.fail("no vault" as const))
      const refresh = Effect.fail("no login" as const)
      for (const authorization of [{ token }, { token: Effect.succeed(Redacted.make("t")), refresh }]) {
        yield* guarded(
          Effect.gen(function* () {
            const { client, gate } = yield* provide(
              HttpGuards.make({ circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) }, authorization })
            )
            for (let at = 0; at < 5; at++) {
              const failed = yield* Effect.flip(client.get(url))
              assert.strictEqual(failed._tag, "HttpClientError")
              yield* TestClock.adjust("2 seconds")
              assert.strictEqual((yield* gate.ask(subject))._tag, "Open")
            }
          })
        )
      }
      assert.strictEqual(asked.length, 5)
    })
  )

  it.effect("client - a probe without a token is no sign that the server is up", () =>
    Effect.gen(function* () {
      let hasToken = true
      let isDown = false
      const { provide } = server(() => (isDown ? "down" : pending()))
      yield* guarded(
        Effect.gen(function* () {
          const { client, gate } = yield* provide(
            HttpGuards.make({
              circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1), openDuration: "1 second" },
              authorization: {
                token: Effect.suspend(() => (hasToken ? Effect.succeed(Redacted.make("t")) : Effect.fail("no vault")))
              }
            })
          )
          yield* client.get(url)
          isDown = true
          yield* Effect.exit(client.get(url))
          hasToken = false
          yield* TestClock.adjust("2 seconds")
          const answer = yield* gate.ask(subject)
          assert.strictEqual(answer._tag === "Postponed" && answer.reason, "breaker open")
        })
      )
    })
  )

  it.effect("client - another origin gets no token, and its answers concern neither gate", () =>
    Effect.gen(function* () {
      const storage = "https://storage.example/result"
      const down = { status: 503 }
      for (const answer of [
        () => new Response(null, { status: 429, headers: { "retry-after": "60" } }),
        () => new Response("down", down)
      ]) {
        const { asked, provide } = server((request) =>
          request.url === storage ? answer() : new Response(null, { status: 302, headers: { location: storage } })
        )
        yield* guarded(
          Effect.gen(function* () {
            const { client, gate } = yield* provide(
              HttpGuards.make({
                rateLimit: { limit: 100, window: "1 minute" },
                circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1) },
                authorization: { token: Effect.succeed(Redacted.make("SECRET")) }
              })
            )
            const sent = HttpCheck.send(HttpClientRequest.get(url), Schema.Unknown, {
              allowedOrigins: ["https://storage.example"]
            })
            yield* Effect.exit(Effect.provideService(sent, HttpClient.HttpClient, client))
            assert.strictEqual((yield* gate.ask(subject))._tag, "Open")
          })
        )
        assert.deepStrictEqual(
          asked.map((each) => [each.url, each.token]),
          [
            [url, "Bearer SECRET"],
            [storage, undefined]
          ]
        )
      }
    })
  )

  it.effect("requests - says which budget and endpoint an answer is of", () =>
    Effect.gen(function* () {
      const { provide } = server((request) =>
        request.url.includes("slow") ? new Response(null, { status: 429 }) : new Response(null, { status: 503 })
      )
      const nameOf = (request: HttpClientRequest.HttpClientRequest) => (request.url.includes("slow") ? "slow" : "bad")
      yield* guarded(
        Effect.gen(function* () {
          const { client, gate } = yield* provide(
            HttpGuards.make({
              rateLimit: { limit: 10, window: "1 minute", budget: ({ key }) => key },
              circuitBreaker: { tripPolicy: CircuitBreaker.consecutive(1), endpoint: ({ key }) => key },
              requests: { budget: nameOf, endpoint: nameOf }
            })
          )
          yield* client.get("https://api.example/slow")
          yield* client.get("https://api.example/bad")
          const answers: Record<string, string> = {}
          for (const key of ["slow", "bad", "other"]) {
            const answer = yield* gate.ask({ job: "check", key })
            answers[key] = answer._tag === "Postponed" ? answer.reason : answer._tag
          }
          assert.deepStrictEqual(answers, { slow: "rate limit of the server", bad: "breaker open", other: "Open" })
        })
      )
    })
  )

  it.effect("a wait survives an outage of minutes behind all three", () =>
    Effect.gen(function* () {
      const { asked, provide } = server((_, at) =>
        at > 20 && at < 200 ? "down" : at > 300 ? new Response('{ "state": "done" }') : pending()
      )
      yield* guarded(
        Effect.gen(function* () {
          const guards = yield* provide(
            HttpGuards.make({
              rateLimit: { limit: 60, window: "1 minute" },
              circuitBreaker: {},
              authorization: { token: Effect.succeed(Redacted.make("t")) }
            })
          )
          assert.strictEqual(yield* untilEnd(guards), "done")
        })
      )
      assert.isTrue(asked.every((each) => each.token === "Bearer t"))
    })
  )

  it("bad options are RangeErrors at the call that name them", () => {
    for (const [options, said] of [
      [{ rateLimit: { limit: 0, window: "1 second" } }, "RateLimitGate.make: limit"],
      [{ circuitBreaker: { timeout: -1 } }, "CircuitBreakerGate.make: timeout"],
      [
        { authorization: { token: Effect.succeed(Redacted.make("t")), refreshTimeout: 0 } },
        "Authorization.make: refreshTimeout"
      ],
      [
        { circuitBreaker: {}, requests: { endpoint: () => "a" } },
        "HttpGuards.make: requests.endpoint must be left out"
      ],
      [{ circuitBreaker: { endpoint: () => "a" } }, "HttpGuards.make: requests.endpoint must be a function"]
    ] as ReadonlyArray<readonly [HttpGuards.Options<never, never>, string]>) {
      assert.throws(() => HttpGuards.make(options), RangeError, said)
    }
  })
})
