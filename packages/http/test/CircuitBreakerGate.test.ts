import { assert, describe, it } from "@effect/vitest"
import * as Clock from "effect/Clock"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as CircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Layer from "effect/Layer"
import * as Random from "effect/Random"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import type * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import type * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as CircuitBreakerGate from "@effect-poll/http/CircuitBreakerGate"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { HttpCheckError } from "@effect-poll/http/HttpCheckError"

const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done"]) }), "state", {
  busy: Status.pending(),
  done: Status.succeeded("done")
})

const refused = (request: HttpClientRequest.HttpClientRequest) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.TransportError({ request, cause: Object.assign(new Error(), { code: "ECONNREFUSED" }) })
  })

const minute = 60_000

/** A server whose jobs end at `doneAt`, and which is down from `from` until `to`; it notes when it was asked. */
const serverDown = (from: number, to: number, doneAt: number, asked: Array<number> = []) => {
  const client = HttpClient.make((request) =>
    Effect.flatMap(Clock.currentTimeMillis, (now) => {
      asked.push(now)
      // It takes a moment, so that checks are in flight when it goes down.
      return Effect.delay(
        now >= from && now < to
          ? Effect.fail(refused(request))
          : Effect.succeed(
              HttpClientResponse.fromWeb(request, Response.json({ state: now < doneAt ? "busy" : "done" }))
            ),
        "20 millis"
      )
    })
  )
  return { asked, client }
}

/** `n` waits that move in step, through one gate; how they ended, and when the server was asked. */
const outage = (n: number, from: number, to: number, checkErrors: Job.CheckErrorPolicy<HttpCheckError> = {}) =>
  Effect.gen(function* () {
    const { asked, client } = serverDown(from, to, to + 2 * minute)
    const gate = yield* CircuitBreakerGate.make()
    const Tasks = Job.make("task", { check: (id: string) => HttpCheck.get(`http://h/tasks/${id}`, TaskStatus) })
    const waits = yield* Effect.forEach(
      Array.from({ length: n }, (_, i) => `t${i}`),
      (id) =>
        Effect.forkChild(
          Effect.exit(
            Poll.until(Tasks, id, {
              strategy: Strategy.spaced("30 seconds"),
              deadline: "1 hour",
              gate,
              checkErrors
            }).pipe(Effect.provideService(HttpClient.HttpClient, CircuitBreakerGate.client(client, gate)))
          )
        )
    )
    yield* TestClock.adjust("20 minutes")
    const exits = yield* Effect.forEach(waits, Fiber.join)
    return { asked, exits, gate }
  }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()), Random.withSeed("outage"))

/** The checks of a Poller at an endpoint that is down for a while: its jobs are done when it is back. */
type Checks = (
  gate: CircuitBreakerGate.CircuitBreakerGate,
  down: { readonly from: number; readonly to: number },
  asked: Array<number>
) => (id: string) => Effect.Effect<CheckResult.CheckResult<string>, unknown>

/** By a client that tells the gate how its requests went. */
const byClient: Checks = (gate, { from, to }, asked) => {
  const server = serverDown(from, to, to, asked)
  const client = CircuitBreakerGate.client(server.client, gate)
  return (id) => Effect.provideService(HttpCheck.get(`http://h/tasks/${id}`, TaskStatus), HttpClient.HttpClient, client)
}

/** By a check that tells it, without what a request costs. */
const byCheck: Checks = (gate, { from, to }, asked) => {
  const check = Effect.flatMap(
    Clock.currentTimeMillis,
    (now): Effect.Effect<CheckResult.CheckResult<string>, string> => {
      asked.push(now)
      const answer = Effect.succeed(now < from ? Status.pending() : Status.succeeded("done"))
      return Effect.delay(now >= from && now < to ? Effect.fail("ECONNREFUSED") : answer, "20 millis")
    }
  )
  return () => CircuitBreakerGate.check(check, gate)
}

/** A store that notes when the state of a circuit was read: once for each question to a gate, and once after a probe. */
const notingStore = (reads: Array<number>) =>
  Layer.effect(
    CircuitBreaker.CircuitBreakerStore,
    Effect.map(CircuitBreaker.CircuitBreakerStore, (store) => ({
      ...store,
      state: (options) =>
        Effect.flatMap(Clock.currentTimeMillis, (now) => {
          reads.push(now)
          return store.state(options)
        })
    }))
  ).pipe(Layer.provide(CircuitBreaker.layerStoreMemory()))

/** Many waits of one Poller, whose checks are gathered in windows of a tenth of a second: the test clock stops at each. */
const outageOfMany = (n: number, from: number, to: number, checks: Checks) =>
  Effect.suspend(() => {
    const reads: Array<number> = []
    const run = outageWith(n, from, to, checks).pipe(Effect.provide(notingStore(reads)), Random.withSeed("outage"))
    return Effect.map(run, (outcome) => ({ ...outcome, reads }))
  })

const outageWith = (n: number, from: number, to: number, checks: Checks) =>
  Effect.gen(function* () {
    const asked: Array<number> = []
    const gate = yield* CircuitBreakerGate.make()
    const check = checks(gate, { from, to }, asked)
    const Tasks = Job.make<string, never, unknown>("task", { check })
    const poller = yield* Poller.make({ coalesce: "100 millis", concurrency: 200 })
    const ids = Array.from({ length: n }, (_, i) => `t${i}`)
    const options = { strategy: Strategy.spaced("4 minutes"), deadline: "1 hour", gate } as const
    const ends = yield* Effect.forkChild(
      Stream.runFold(
        poller.results(Tasks, ids, options),
        () => ({ done: 0, others: 0 }),
        ({ done, others }, { exit }) =>
          Exit.isSuccess(exit) && exit.value === "done" ? { done: done + 1, others } : { done, others: others + 1 }
      )
    )
    yield* TestClock.adjust("30 minutes")
    return { asked, ends: yield* Fiber.join(ends) }
  }).pipe(Effect.scoped)

const between = (times: ReadonlyArray<number>, from: number, to: number) =>
  times.filter((at) => at >= from && at < to).length

const busiest = (times: ReadonlyArray<number>, span: number): number => {
  const counts = new Map<number, number>()
  for (const at of times) counts.set(Math.floor(at / span), (counts.get(Math.floor(at / span)) ?? 0) + 1)
  return Math.max(...counts.values())
}

describe("CircuitBreakerGate", () => {
  describe("an outage of ten minutes", () => {
    const from = 2 * minute
    const to = 12 * minute
    for (const [n, by, checks] of [
      [3_000, "a client", byClient],
      [20_000, "a check", byCheck]
    ] as const) {
      it.effect(
        `all ${n} waits of a Poller survive it and ask one question per delay, by ${by} that tells the gate`,
        () =>
          Effect.gen(function* () {
            const { asked, ends, reads } = yield* outageOfMany(n, from, to, checks)
            assert.deepStrictEqual(ends, { done: n, others: 0 })
            // The checks in flight when it began, at most as many as may be, then probes.
            assert.isAtMost(between(asked, from + 1000, to), 400)
            // One question per delay, however many wait: 1, 2, 4, 8, 16 seconds, then 30.
            assert.isAtMost(between(reads, from + 1000, to), 60)
            assert.isAtMost(
              busiest(
                asked.filter((at) => at >= to),
                1000
              ),
              n / 8
            )
          }),
        120_000
      )
    }
    for (const n of [1, 2, 7, 1000]) {
      it.effect(
        `${n} waits survive it`,
        () =>
          Effect.gen(function* () {
            // Alone, a wait has to open the circuit by itself; among many, an outage costs it a check in flight and a probe.
            const { asked, exits } = yield* outage(n, from, to, n >= 1000 ? { maxConsecutive: 2 } : {})
            assert.deepStrictEqual(
              exits.filter((exit) => !(Exit.isSuccess(exit) && exit.value === "done")),
              []
            )
            // The checks in flight when it began, then probes: 1, 2, 4, 8, 16 seconds apart, then 30.
            const during = between(asked, from, to)
            assert.isAtMost(during, Math.max(3, n) + 5 + 20)
            assert.isAtLeast(during, 20)
            // Found within one opening, and no herd behind it.
            const back = asked.filter((at) => at >= to)
            assert.isAtMost(back[0]! - to, 30_020)
            if (n >= 1000)
              assert.isAtMost(
                busiest(
                  back.filter((at) => at < to + minute),
                  1000
                ),
                n / 8
              )
          }),
        60_000
      )
    }
  })

  describe("what counts", () => {
    const opens = (answer: Effect.Effect<Response, "none">, times = 3) =>
      Effect.gen(function* () {
        const gate = yield* CircuitBreakerGate.make()
        const client = CircuitBreakerGate.client(gate)(
          HttpClient.make((request) =>
            answer.pipe(
              Effect.map((response) => HttpClientResponse.fromWeb(request, response)),
              Effect.mapError(() => refused(request))
            )
          )
        )
        for (let i = 0; i < times; i++) yield* Effect.exit(client.get("http://h/"))
        return (yield* gate.breaker.state("endpoint"))._tag
      }).pipe(Effect.scoped, Effect.provide(CircuitBreaker.layerStoreMemory()))

    const status = (status: number) => Effect.sync(() => new Response(null, { status }))

    it.effect("client - no answer, 408 and all of 5xx open the circuit, at the third in a row", () =>
      Effect.gen(function* () {
        for (const answer of [Effect.fail("none" as const), ...[408, 500, 501, 503, 520, 599].map(status)]) {
          assert.strictEqual(yield* opens(answer), "Open")
          assert.strictEqual(yield* opens(answer, 2), "Closed")
        }
      })
    )

    it.effect("client - other refusals do not", () =>
      Effect.gen(function* () {
        for (const code of [200, 304, 400, 401, 403, 404, 409, 410, 422, 425, 429]) {
          assert.strictEqual(yield* opens(status(code), 9), "Closed")
        }
      })
    )

    it.effect("client - a 429 is no success either, a 404 is", () =>
      Effect.gen(function* () {
        const after = (codes: ReadonlyArray<number>) =>
          Effect.suspend(() => {
            const left = [...codes]
            return opens(
              Effect.suspend(() => status(left.shift()!)),
              codes.length
            )
          })
        assert.strictEqual(yield* after([503, 503, 429, 425, 503]), "Open")
        assert.strictEqual(yield* after([503, 503, 404, 503]), "Closed")
      })
    )

    it.effect("client - a client that fails on statuses is judged by the status", () =>
      Effect.gen(function* () {
        const gate = yield* CircuitBreakerGate.make({ tripPolicy: CircuitBreaker.consecutive(1) })
        const answering = (code: number) =>
          HttpClient.make((request) =>
            Effect.map(status(code), (each) => HttpClientResponse.fromWeb(request, each))
          ).pipe(HttpClient.filterStatusOk, CircuitBreakerGate.client(gate))
        yield* Effect.exit(answering(404).get("http://h/"))
        assert.strictEqual((yield* gate.breaker.state("endpoint"))._tag, "Closed")
        yield* Effect.exit(answering(520).get("http://h/"))
        assert.strictEqual((yield* gate.breaker.state("endpoint"))._tag, "Open")
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it.effect("client - a server that never answers opens it too, and the error says so", () =>
      Effect.gen(function* () {
        const gate = yield* CircuitBreakerGate.make({ timeout: "10 seconds" })
        const client = CircuitBreakerGate.client(gate)(HttpClient.make(() => Effect.never))
        const calls = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(Effect.flip(client.get("http://h/"))))
        yield* TestClock.adjust("10 seconds")
        const [error] = yield* Fiber.joinAll(calls)
        assert.strictEqual(error!.reason._tag, "TransportError")
        assert.strictEqual((yield* gate.breaker.state("endpoint"))._tag, "Open")
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it.effect("check - transient errors, and checks that take too long; not permanent ones, defects and 429", () =>
      Effect.gen(function* () {
        const judged = (self: Effect.Effect<unknown, unknown>) =>
          Effect.gen(function* () {
            const gate = yield* CircuitBreakerGate.make({
              tripPolicy: CircuitBreaker.consecutive(1),
              timeout: "10 seconds"
            })
            const fiber = yield* Effect.forkChild(Effect.exit(CircuitBreakerGate.check(self, gate)))
            yield* TestClock.adjust("10 seconds")
            yield* Fiber.join(fiber)
            return (yield* gate.breaker.state("endpoint"))._tag
          }).pipe(Effect.scoped, Effect.provide(CircuitBreaker.layerStoreMemory()))
        const answered = (status: number, kind?: "transient" | "permanent") =>
          Effect.fail(
            new HttpCheckError({
              method: "GET",
              url: "/",
              reason: { _tag: "Status", status, body: { kind: "json", type: undefined }, retryAfter: undefined, kind }
            })
          )
        assert.strictEqual(yield* judged(Effect.fail("ECONNRESET")), "Open")
        assert.strictEqual(yield* judged(answered(503)), "Open")
        assert.strictEqual(yield* judged(Effect.never), "Open")
        assert.strictEqual(yield* judged(answered(429)), "Closed")
        assert.strictEqual(yield* judged(answered(401)), "Closed")
        // What `interpret` makes of an answer counts: a server that is down may say so with a 200.
        assert.strictEqual(yield* judged(answered(200, "transient")), "Open")
        assert.strictEqual(yield* judged(answered(429, "transient")), "Closed")
        assert.strictEqual(yield* judged(answered(503, "permanent")), "Closed")
        assert.strictEqual(yield* judged(Effect.fail({ [CheckError.kind]: CheckError.permanent() })), "Closed")
        assert.strictEqual(yield* judged(Effect.die("bug")), "Closed")
        assert.strictEqual(yield* judged(Effect.succeed("well")), "Closed")
      })
    )
  })

  describe("races", () => {
    const failing = Effect.fail("down")
    const open = { _tag: "Open" } as const
    const until = (answer: Gate.Answer): number =>
      answer._tag === "Postponed" ? Duration.toMillis(answer.delay) : Number.NaN

    /** A gate whose circuit was just opened by three checks, after one that was answered if there is an `answered`. */
    const opened = (options?: CircuitBreakerGate.Options, answered?: Effect.Effect<unknown, string>) =>
      Effect.gen(function* () {
        const gate = yield* CircuitBreakerGate.make({ openDuration: "10 seconds", ...options })
        if (answered !== undefined) yield* CircuitBreakerGate.check(answered, gate)
        for (let i = 0; i < 3; i++) yield* Effect.exit(CircuitBreakerGate.check(failing, gate))
        return gate
      })

    const ask = (gate: Gate.Gate, key = "a") => gate.ask({ job: "task", key })

    it.effect("checks that fail after the circuit opened change nothing, and those it would reject are made", () =>
      Effect.gen(function* () {
        const gate = yield* CircuitBreakerGate.make({ openDuration: "10 seconds" })
        const slow = yield* Effect.forEach(Array.from({ length: 50 }), () =>
          Effect.forkChild(Effect.exit(CircuitBreakerGate.check(gate)(Effect.delay(failing, "5 seconds"))), {
            startImmediately: true
          })
        )
        for (let i = 0; i < 3; i++) yield* Effect.exit(CircuitBreakerGate.check(failing, gate))
        yield* TestClock.adjust("5 seconds")
        yield* Fiber.joinAll(slow)
        // The gate was asked before the circuit opened, the check comes after it.
        assert.strictEqual(yield* CircuitBreakerGate.check(gate)(Effect.succeed("seen")), "seen")
        assert.strictEqual(yield* Effect.flip(CircuitBreakerGate.check(failing, gate)), "down")
        const state = yield* gate.breaker.state("endpoint")
        assert(state._tag === "Open")
        assert.deepStrictEqual([state.consecutiveOpenings, Duration.toSeconds(state.retryAfter)], [1, 5])
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it.effect("one check comes back at once, the others are spread behind it", () =>
      Effect.gen(function* () {
        const gate = yield* opened({ spread: "4 seconds" }, Effect.void)
        const answers = yield* Effect.forEach(Array.from({ length: 40 }), () => ask(gate))
        assert.strictEqual(until(answers[0]!), 10_000)
        const rest = answers.slice(1).map(until)
        assert.isAbove(new Set(rest).size, 30)
        assert.isAtLeast(Math.min(...rest), 10_000)
        assert.isAtMost(Math.max(...rest), 14_000)
        assert.deepStrictEqual(
          new Set(answers.map((answer) => (answer._tag === "Postponed" ? answer.reason : ""))),
          new Set(["breaker open"])
        )
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it.effect("of many that ask at once one probes, and an interrupted probe frees its place", () =>
      Effect.gen(function* () {
        let probes = 0
        let well = true
        const check = Effect.suspend(() => (well ? Effect.void : (probes++, Effect.never)))
        const gate = yield* opened({ timeout: "unbounded" }, check)
        well = false
        yield* TestClock.adjust("10 seconds")
        const first = yield* Effect.forkChild(ask(gate), { startImmediately: true })
        yield* Effect.yieldNow
        for (let i = 0; i < 9; i++) {
          const answer = yield* ask(gate)
          assert.strictEqual(answer._tag === "Postponed" ? answer.reason : "", "breaker half-open")
          assert.isAtLeast(until(answer), 1_000)
        }
        assert.strictEqual(probes, 1)
        yield* Fiber.interrupt(first)
        yield* TestClock.adjust("1 second")
        const second = yield* Effect.forkChild(ask(gate), { startImmediately: true })
        yield* TestClock.adjust(0)
        assert.strictEqual(probes, 2)
        yield* Fiber.interrupt(second)
        well = true
        assert.deepStrictEqual(yield* ask(gate), open)
        assert.strictEqual((yield* gate.breaker.state("endpoint"))._tag, "Closed")
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it.effect("a probe that hangs fails, and the circuit opens again", () =>
      Effect.gen(function* () {
        let well = true
        const gate = yield* opened(
          { timeout: "3 seconds" },
          Effect.suspend(() => (well ? Effect.void : Effect.never))
        )
        well = false
        yield* TestClock.adjust("10 seconds")
        const asked = yield* Effect.forkChild(ask(gate), { startImmediately: true })
        yield* TestClock.adjust("3 seconds")
        assert.strictEqual(until(yield* Fiber.join(asked)), 10_000)
        const state = yield* gate.breaker.state("endpoint")
        assert.strictEqual(state._tag === "Open" ? state.consecutiveOpenings : 0, 2)
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it.effect("where nothing was ever answered each check probes once, and then one that failed is repeated", () =>
      Effect.gen(function* () {
        const gate = yield* opened()
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* ask(gate, "a"), open)
        // Until it has told how it went, no other.
        assert.strictEqual((yield* ask(gate, "b"))._tag, "Postponed")
        yield* Effect.exit(CircuitBreakerGate.check(failing, gate))
        yield* TestClock.adjust("10 seconds")
        assert.strictEqual((yield* ask(gate, "a"))._tag, "Postponed")
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* ask(gate, "b"), open)
        assert.strictEqual(yield* CircuitBreakerGate.check(gate)(Effect.succeed("well")), "well")
        assert.deepStrictEqual(yield* ask(gate, "a"), open)
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it.effect("a check that probed and failed leaves the next probe to others, as soon as the open time ends", () =>
      Effect.gen(function* () {
        const gate = yield* CircuitBreakerGate.make({
          endpoint: ({ key }) => key.slice(0, 1),
          tripPolicy: CircuitBreaker.consecutive(1),
          openDuration: "1 second"
        })
        const check = (key: string) => ({ job: "render", key })
        const fails = (key: string) => Effect.exit(CircuitBreakerGate.check(gate, check(key))(Effect.fail("down")))
        yield* fails("a1")
        for (const key of ["a2", "a3"]) {
          yield* TestClock.adjust("1 second")
          assert.strictEqual((yield* gate.ask(check(key)))._tag, "Open")
          yield* fails(key)
        }
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it.effect("a check that was let through and never made does not hold the others back", () =>
      Effect.gen(function* () {
        const gate = yield* opened()
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* ask(gate, "a"), open)
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual(yield* ask(gate, "b"), open)
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it.effect("what was answered last and fails by itself does not hold the others back", () =>
      Effect.gen(function* () {
        let well = true
        const poisoned = Effect.suspend(() => (well ? Effect.void : failing))
        const gate = yield* opened({}, poisoned)
        well = false
        const opens: Array<string> = []
        for (let i = 1; i <= 4; i++) {
          yield* TestClock.adjust("10 seconds")
          opens.push((yield* ask(gate, "b"))._tag)
        }
        assert.deepStrictEqual(opens, ["Postponed", "Postponed", "Postponed", "Open"])
        yield* CircuitBreakerGate.check(Effect.void, gate)
        assert.deepStrictEqual(yield* ask(gate), open)
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    for (const odd of [429, 500]) {
      it.effect(`what is answered ${odd} for reasons of its own does not hold the others back`, () =>
        Effect.gen(function* () {
          let mode: "well" | "down" | "odd" = "well"
          let asked = 0
          const server = HttpClient.make((request) => {
            asked++
            const status = mode === "well" ? 200 : mode === "down" ? 503 : request.url.endsWith("/a") ? odd : 200
            return Effect.succeed(HttpClientResponse.fromWeb(request, new Response("{}", { status })))
          })
          const gate = yield* CircuitBreakerGate.make()
          const client = CircuitBreakerGate.client(server, gate)
          yield* client.get("http://h/a")
          mode = "down"
          for (let at = 0; at < 3; at++) yield* client.get("http://h/a")
          mode = "odd"
          yield* TestClock.adjust("2 seconds")
          asked = 0
          const job = Job.make("j", {
            check: (key: string) => Effect.as(client.get(`http://h/${key}`), Status.succeeded(key))
          })
          const poller = yield* Poller.make({ stagger: false })
          const keys = Array.from({ length: 100 }, (_, at) => `b${at}`)
          const ends = yield* Effect.forkChild(Stream.runCount(poller.results(job, keys, { deadline: "1 hour", gate })))
          yield* TestClock.adjust("10 minutes")
          assert.isDefined(ends.pollUnsafe())
          // Those that were asked for, and a few probes.
          assert.isBelow(asked, 120)
        }).pipe(Effect.scoped, Effect.provide(CircuitBreaker.layerStoreMemory()))
      )
    }

    it.effect("a POST is not repeated: checks are the probes", () =>
      Effect.gen(function* () {
        let asked = 0
        const gate = yield* CircuitBreakerGate.make({ openDuration: "10 seconds" })
        const client = CircuitBreakerGate.client(gate)(
          HttpClient.make((request) => {
            asked++
            return asked === 1 || asked > 4
              ? Effect.succeed(HttpClientResponse.fromWeb(request, new Response()))
              : Effect.fail(refused(request))
          })
        )
        const check = client.execute(HttpClientRequest.post("http://h/check"))
        for (let i = 0; i < 4; i++) yield* Effect.exit(check)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(yield* ask(gate), open)
        assert.strictEqual(asked, 4)
        yield* check
        assert.strictEqual((yield* gate.breaker.state("endpoint"))._tag, "Closed")
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it.effect("a Retry-After of the failure that opens the circuit keeps it open for so long", () =>
      Effect.gen(function* () {
        const gate = yield* CircuitBreakerGate.make({ tripPolicy: CircuitBreaker.consecutive(1) })
        const client = CircuitBreakerGate.client(gate)(
          HttpClient.make((request) =>
            Effect.succeed(
              HttpClientResponse.fromWeb(request, new Response(null, { status: 503, headers: { "retry-after": "90" } }))
            )
          )
        )
        yield* client.get("http://h/")
        assert.strictEqual(until(yield* ask(gate)), 90_000)
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )
  })

  describe("endpoints", () => {
    it.effect("each has a circuit of its own", () =>
      Effect.gen(function* () {
        const gate = yield* CircuitBreakerGate.make({
          endpoint: ({ job }) => job,
          tripPolicy: CircuitBreaker.consecutive(1)
        })
        const client = CircuitBreakerGate.client(gate, { endpoint: (request) => new URL(request.url).host })(
          HttpClient.make((request, { host }) =>
            host === "down"
              ? Effect.fail(refused(request))
              : Effect.succeed(HttpClientResponse.fromWeb(request, new Response()))
          )
        )
        yield* Effect.exit(client.get("http://down/"))
        yield* client.get("http://well/")
        assert.strictEqual((yield* gate.ask({ job: "down", key: "a" }))._tag, "Postponed")
        assert.strictEqual((yield* gate.ask({ job: "well", key: "a" }))._tag, "Open")
        const check = { job: "other", key: "a" }
        yield* Effect.exit(CircuitBreakerGate.check(gate, check)(Effect.fail("down")))
        assert.strictEqual((yield* gate.ask(check))._tag, "Postponed")
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it.effect("client, check - an endpoint that is missing or not needed is a RangeError", () =>
      Effect.gen(function* () {
        const one = yield* CircuitBreakerGate.make()
        const several = yield* CircuitBreakerGate.make({ endpoint: ({ job }) => job })
        const server = HttpClient.make(() => Effect.never)
        assert.throws(
          () => CircuitBreakerGate.client(server, several),
          RangeError,
          "CircuitBreakerGate.client: endpoint must be a function"
        )
        assert.throws(
          () => CircuitBreakerGate.client(server, one, { endpoint: () => "x" }),
          RangeError,
          "must be left out"
        )
        assert.throws(
          () => CircuitBreakerGate.check(Effect.void, several),
          RangeError,
          "CircuitBreakerGate.check: subject"
        )
      }).pipe(Effect.provide(CircuitBreaker.layerStoreMemory()))
    )

    it("make - bad options are RangeErrors", () => {
      assert.throws(() => CircuitBreakerGate.make({ endpoint: " " }), RangeError, "CircuitBreakerGate.make: endpoint")
      assert.throws(
        () => CircuitBreakerGate.make({ timeout: 0 }),
        RangeError,
        'CircuitBreakerGate.make: timeout must be a positive finite duration or "unbounded", got 0'
      )
      assert.throws(
        () => CircuitBreakerGate.make({ spread: Number.NaN }),
        RangeError,
        "CircuitBreakerGate.make: spread"
      )
    })

    it.effect("checks are let through while the store fails", () =>
      Effect.gen(function* () {
        const gate = yield* CircuitBreakerGate.make()
        assert.strictEqual((yield* gate.ask({ job: "task", key: "a" }))._tag, "Open")
        assert.strictEqual(yield* CircuitBreakerGate.check(gate)(Effect.succeed(1)), 1)
      }).pipe(
        Effect.provideService(CircuitBreaker.CircuitBreakerStore, {
          admit: () => Effect.fail(storeError),
          record: () => Effect.fail(storeError),
          state: () => Effect.fail(storeError)
        })
      )
    )
  })
})

const storeError = new CircuitBreaker.CircuitBreakerError({
  reason: new CircuitBreaker.CircuitBreakerStoreError({ message: "no store" })
})
