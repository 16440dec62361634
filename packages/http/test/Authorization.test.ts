import { assert, describe, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Poll from "effect-poll/Poll"
import * as CheckError from "effect-poll/CheckError"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import * as Authorization from "@effect-poll/http/Authorization"
import * as HttpCheck from "@effect-poll/http/HttpCheck"
import { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as LongRunning from "@effect-poll/http/LongRunning"

const TaskStatus = StatusSchema.fromField(Schema.Struct({ state: Schema.Literals(["busy", "done"]) }), "state", {
  busy: Status.pending(),
  done: Status.succeeded("done")
})

/** Tokens t0, t1, ... of which the server takes the one that is valid; each answer takes a second. */
const world = (options?: { readonly refreshTakes?: string }) => {
  const state = { token: 0, valid: 0, refreshes: 0, sent: [] as Array<string> }
  const server = HttpClient.make((request) =>
    Effect.suspend(() => {
      const bearer = request.headers["authorization"] ?? "none"
      state.sent.push(bearer)
      const well = bearer === `Bearer t${state.valid}`
      return Effect.delay(
        Effect.succeed(
          HttpClientResponse.fromWeb(
            request,
            well ? Response.json({ state: "busy" }) : new Response("", { status: 401 })
          )
        ),
        "1 second"
      )
    })
  )
  const refresh = Effect.suspend(() => {
    state.refreshes++
    return Effect.delay(
      Effect.sync(() => {
        state.token = state.valid
      }),
      options?.refreshTakes === undefined ? "2 seconds" : (options.refreshTakes as "1 hour")
    )
  })
  return { state, server, refresh, token: Effect.sync(() => Redacted.make(`t${state.token}`)) }
}

const check = HttpCheck.get("http://h/tasks/1", TaskStatus)

/** Runs something while the clock goes on by a minute. */
const inTime = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.exit(self))
    yield* TestClock.adjust("1 minute")
    return yield* Fiber.join(fiber)
  })

describe("Authorization", () => {
  it.effect("the token is read anew for each check", () =>
    Effect.gen(function* () {
      const { server, state, token } = world()
      const client = Authorization.client(server, yield* Authorization.make({ token }))
      for (const next of [0, 1, 2]) {
        state.token = state.valid = next
        yield* inTime(Effect.provideService(check, HttpClient.HttpClient, client))
      }
      assert.deepStrictEqual(state.sent, ["Bearer t0", "Bearer t1", "Bearer t2"])
    })
  )

  it.effect("1,000 checks that meet a 401 refresh once, and all of them go on", () =>
    Effect.gen(function* () {
      const { refresh, server, state, token } = world()
      state.valid = 1
      const client = Authorization.client(server, yield* Authorization.make({ token, refresh }))
      const checks = yield* Effect.forEach(
        Array.from({ length: 1000 }, (_, i) => i),
        (i) =>
          Effect.forkChild(
            // In three waves: at once, while the refresh is under way, and with the old token when it is done.
            Effect.delay(
              Effect.provideService(check, HttpClient.HttpClient, client),
              i % 3 === 0 ? 0 : i % 3 === 1 ? 900 : 2900
            )
          )
      )
      yield* TestClock.adjust("1 minute")
      const exits = yield* Effect.forEach(checks, Fiber.await)
      assert.isTrue(exits.every(Exit.isSuccess))
      assert.strictEqual(state.refreshes, 1)
    })
  )

  it.effect("a scope that closes, before or in a refresh, ends no check as interrupted, and lets none hang", () =>
    Effect.gen(function* () {
      const { refresh, server, state, token } = world()
      state.valid = 1
      const scope = yield* Scope.make()
      const authorization = yield* Scope.provide(Authorization.make({ token, refresh }), scope)
      const asked = Effect.provideService(check, HttpClient.HttpClient, Authorization.client(server, authorization))
      const early = yield* Effect.forkChild(Effect.flip(asked))
      yield* TestClock.adjust("2 seconds")
      yield* Scope.close(scope, Exit.void)
      yield* TestClock.adjust("1 second")
      const late = yield* Effect.forkChild(Effect.flip(asked))
      yield* TestClock.adjust("1 minute")
      for (const fiber of [early, late]) {
        assert.deepInclude((yield* Fiber.join(fiber)).reason, { _tag: "Authorization", step: "refresh" })
      }
      assert.strictEqual(state.refreshes, 1)
    })
  )

  it.effect("an answer to the old token that comes after the refresh does not refresh again", () =>
    Effect.gen(function* () {
      const { refresh, server, state, token } = world({ refreshTakes: "10 millis" })
      state.valid = 1
      const client = Authorization.client(server, yield* Authorization.make({ token, refresh }))
      const first = yield* Effect.forkChild(client.get("http://h/"))
      yield* TestClock.adjust("500 millis")
      const second = yield* Effect.forkChild(client.get("http://h/"))
      yield* TestClock.adjust("1 minute")
      assert.deepStrictEqual([(yield* Fiber.join(first)).status, (yield* Fiber.join(second)).status], [200, 200])
      assert.deepStrictEqual([state.refreshes, state.sent.length], [1, 4])
    })
  )

  it.effect("a second 401 ends the wait", () =>
    Effect.gen(function* () {
      const { refresh, state, token } = world()
      const server = HttpClient.make((request) => {
        state.sent.push(request.headers["authorization"]!)
        return Effect.succeed(HttpClientResponse.fromWeb(request, new Response("", { status: 401 })))
      })
      state.valid = 1
      const client = Authorization.client(server, yield* Authorization.make({ token, refresh }))
      const exit = yield* inTime(
        Effect.flip(
          Poll.until(check, { strategy: Strategy.spaced("1 second"), deadline: "1 hour" }).pipe(
            Effect.provideService(HttpClient.HttpClient, client)
          )
        )
      )
      assert(Exit.isSuccess(exit) && exit.value._tag === "CheckRejected")
      assert.deepStrictEqual([state.refreshes, state.sent, exit.value.attempts], [1, ["Bearer t0", "Bearer t1"], 1])
    })
  )

  it.effect("without a refresh, and with a body that cannot be sent twice, a 401 is handed on", () =>
    Effect.gen(function* () {
      const { refresh, server, state, token } = world()
      state.valid = 1
      const plain = Authorization.client(server, yield* Authorization.make({ token }))
      const status = (exit: Exit.Exit<HttpClientResponse.HttpClientResponse, unknown>) =>
        Exit.isSuccess(exit) ? exit.value.status : "failed"
      assert.strictEqual(status(yield* inTime(plain.get("http://h/"))), 401)
      const client = Authorization.client(server, yield* Authorization.make({ token, refresh }))
      const streamed = HttpClientRequest.post("http://h/").pipe(
        HttpClientRequest.setBody(HttpBody.stream(Stream.make(new Uint8Array(1))))
      )
      assert.strictEqual(status(yield* inTime(client.execute(streamed))), 401)
      assert.strictEqual(state.refreshes, 0)
      assert.strictEqual(status(yield* inTime(client.execute(HttpClientRequest.post("http://h/")))), 200)
    })
  )

  it.effect("a client that fails on statuses is refreshed too", () =>
    Effect.gen(function* () {
      const { refresh, server, state, token } = world()
      state.valid = 1
      const client = Authorization.client(yield* Authorization.make({ token, refresh }))(
        HttpClient.filterStatusOk(server)
      )
      const exit = yield* inTime(client.get("http://h/"))
      assert.isTrue(Exit.isSuccess(exit))
    })
  )

  it.effect("the refresh goes on when the check is interrupted that began it, and ends with the scope", () =>
    Effect.gen(function* () {
      const { refresh, server, state, token } = world()
      state.valid = 1
      const scope = yield* Scope.make()
      const authorization = yield* Scope.provide(Authorization.make({ token, refresh }), scope)
      const client = Authorization.client(server, authorization)
      const first = yield* Effect.forkChild(client.get("http://h/"))
      const second = yield* Effect.forkChild(client.get("http://h/"))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.interrupt(first)
      yield* TestClock.adjust("1 minute")
      assert.strictEqual((yield* Fiber.join(second)).status, 200)
      assert.strictEqual(state.refreshes, 1)
      state.valid = 2
      const third = yield* Effect.forkChild(client.get("http://h/"))
      yield* TestClock.adjust("2 seconds")
      yield* Scope.close(scope, Exit.void)
      assert.isTrue(Exit.isFailure(yield* Fiber.await(third)))
    })
  )

  it.effect("a refresh that fails or hangs is a transient error, and is not begun again for a second", () =>
    Effect.gen(function* () {
      const { server, state, token } = world()
      state.valid = 1
      for (const refresh of [Effect.fail("SECRET"), Effect.never]) {
        let refreshes = 0
        const authorization = yield* Authorization.make({
          token,
          refresh: Effect.suspend(() => (refreshes++, refresh)),
          refreshTimeout: "5 seconds"
        })
        const client = Authorization.client(server, authorization)
        const checks = yield* Effect.forEach([0, 0, 0, 300, 300], (delay) =>
          Effect.forkChild(
            Effect.flip(Effect.delay(Effect.provideService(check, HttpClient.HttpClient, client), delay))
          )
        )
        yield* TestClock.adjust("20 seconds")
        const errors = yield* Fiber.joinAll(checks)
        assert.strictEqual(refreshes, 1)
        for (const error of errors) {
          assert.strictEqual(error.message, "GET http://h/tasks/1: the token could not be refreshed")
          assert.strictEqual(CheckError.kindOf(error)._tag, "Transient")
        }
      }
    })
  )

  it.effect("an error that says it is permanent ends the wait", () =>
    Effect.gen(function* () {
      class Revoked extends Data.TaggedError("Revoked")<{}> {
        readonly [CheckError.kind] = CheckError.permanent()
      }
      const { server } = world()
      const client = Authorization.client(server, yield* Authorization.make({ token: Effect.fail(new Revoked()) }))
      const error = yield* Effect.flip(Effect.provideService(check, HttpClient.HttpClient, client))
      assert(error instanceof HttpCheckError && error.reason._tag === "Authorization")
      assert.strictEqual(error.message, "GET http://h/tasks/1: no token could be read")
      assert.deepStrictEqual(CheckError.kindOf(error), CheckError.permanent())
      assert.instanceOf(Redacted.value(error.reason.cause), Revoked)
    })
  )

  it.effect("apply - puts the token somewhere else", () =>
    Effect.gen(function* () {
      const keys: Array<string | undefined> = []
      const server = HttpClient.make((request) => {
        keys.push(request.headers["x-key"])
        return Effect.succeed(HttpClientResponse.fromWeb(request, new Response()))
      })
      const authorization = yield* Authorization.make({
        token: Effect.succeed(Redacted.make("k")),
        apply: (request, token) => HttpClientRequest.setHeader(request, "x-key", Redacted.value(token))
      })
      yield* Authorization.client(server, authorization).get("http://h/")
      assert.deepStrictEqual(keys, ["k"])
    })
  )

  it.effect("the URL of an operation elsewhere gets no token, though it may be asked", () =>
    Effect.gen(function* () {
      const sent: Array<string> = []
      const server = HttpClient.make((request, url) => {
        sent.push(`${url.host} ${request.headers["authorization"]}`)
        const accepted = new Response(null, { status: 202, headers: { location: "https://b.example/jobs/1" } })
        const answer = request.method === "POST" ? accepted : Response.json({ rows: 7 })
        return Effect.succeed(HttpClientResponse.fromWeb(request, answer))
      })
      const authorization = yield* Authorization.make({ token: Effect.succeed(Redacted.make("t")) })
      const run = LongRunning.run(HttpClientRequest.post("https://a.example/jobs"), {
        allowedOrigins: ["https://b.example"],
        deadline: "1 minute"
      })
      yield* Effect.provideService(run, HttpClient.HttpClient, Authorization.client(server, authorization))
      assert.deepStrictEqual(sent, ["a.example Bearer t", "b.example undefined"])
    })
  )

  it("make - a timeout that is none is a RangeError", () => {
    assert.throws(
      () => Authorization.make({ token: Effect.never, refreshTimeout: -1 }),
      RangeError,
      "Authorization.make: refreshTimeout"
    )
  })
})
