import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Deferred from "effect/Deferred"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as Layer from "effect/Layer"
import * as Logger from "effect/Logger"
import * as Redacted from "effect/Redacted"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as Poll from "effect-poll/Poll"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Strategy from "effect-poll/Strategy"
import * as DeviceFlow from "@effect-poll/http/DeviceFlow"
import {
  client,
  error,
  errorOf,
  granted,
  grantAt,
  jobOf,
  json,
  login,
  pending,
  ran,
  sayEnd,
  server,
  tokens
} from "./DeviceFlowServer.ts"

describe("DeviceFlow", () => {
  describe("request", () => {
    it.effect("asks with a form, and yields prompt and secret", () =>
      Effect.gen(function* () {
        yield* TestClock.adjust("1 minute")
        const { asked, provide } = server(() =>
          json({ ...granted, interval: 7, verification_uri_complete: "https://id.example/activate?c=WDJB-MJHT" })
        )
        const grant = yield* provide(
          DeviceFlow.request({
            ...client,
            scope: "openid profile",
            clientSecret: Redacted.make("SECRET-client"),
            parameters: { audience: "api" }
          })
        )
        assert.deepStrictEqual(asked, [
          {
            url: client.deviceAuthorizationUrl,
            at: 60,
            form: { client_id: "tv", client_secret: "SECRET-client", audience: "api", scope: "openid profile" }
          }
        ])
        assert.strictEqual(Redacted.value(grant.deviceCode), "SECRET-device")
        assert.strictEqual(grant.userCode, "WDJB-MJHT")
        assert.strictEqual(grant.verificationUri, "https://id.example/activate")
        assert.strictEqual(grant.verificationUriComplete, "https://id.example/activate?c=WDJB-MJHT")
        assert.strictEqual(grant.expiresAt, 660_000)
        assert.strictEqual(Duration.toMillis(grant.interval), 7000)
        assert.notInclude(JSON.stringify(grant), "SECRET")
      })
    )

    it.effect("an interval is 5 seconds if none is said, and at least 1", () =>
      Effect.gen(function* () {
        const intervals: Array<number> = []
        for (const more of [{}, { interval: 0 }, { interval: -3 }, { interval: 0.5 }, { interval: 2 }]) {
          const { provide } = server(() => json({ ...granted, ...more }))
          intervals.push(Duration.toMillis((yield* provide(DeviceFlow.request(client))).interval))
        }
        assert.deepStrictEqual(intervals, [5000, 1000, 1000, 1000, 2000])
      })
    )

    it.effect("takes verification_url for verification_uri", () =>
      Effect.gen(function* () {
        const { verification_uri: uri, ...rest } = granted
        const { provide } = server(() => json({ ...rest, verification_url: uri }))
        assert.strictEqual((yield* provide(DeviceFlow.request(client))).verificationUri, uri)
      })
    )

    it.effect("a refusal is typed, and so is what is no answer", () =>
      Effect.gen(function* () {
        const { verification_uri: _, ...incomplete } = granted
        for (const [answer, expected] of [
          [
            () => error("invalid_client", { error_description: "who?" }, 401),
            "AuthorizationRefused invalid_client who?"
          ],
          [() => error("device_flow_disabled", {}, 200), "AuthorizationRefused device_flow_disabled undefined"],
          [() => error("temporarily_unavailable", {}, 503), "HttpCheckError Status"],
          [() => json({ message: "no" }, 404), "HttpCheckError Status"],
          [() => new Response("<html>"), "HttpCheckError NotJson"],
          [() => json(incomplete), "HttpCheckError Decode"],
          [() => "broken" as const, "HttpCheckError Transport"]
        ] as const) {
          const { provide } = server(answer)
          const failed = yield* Effect.flip(provide(DeviceFlow.request(client)))
          const said =
            failed._tag === "AuthorizationRefused"
              ? `${failed._tag} ${failed.code} ${failed.description}`
              : `${failed._tag} ${failed.reason._tag}`
          assert.strictEqual(said, expected)
          assert.notInclude(failed.message, "SECRET")
        }
        const refused = new DeviceFlow.AuthorizationRefused({ code: "invalid_scope", description: "not yours" })
        assert.strictEqual(refused.message, "the server refused to begin a login: invalid_scope (not yours)")
      })
    )
  })

  describe("run", () => {
    it.effect.each([
      [600, "10 seconds", "done", 15],
      [20, "1 minute", "PollTimeout", 20],
      [1, "1 minute", "PollTimeout", 1]
    ] as const)("grant of %i seconds, end that must hold for %s - is no defect (R29)", ([expires, held, ending, at]) =>
      Effect.gen(function* () {
        const { provide } = server(
          () => json({ ...granted, expires_in: expires }),
          () => json(tokens)
        )
        const found = yield* ran(provide(login({ confirm: { success: { for: held } } })))
        assert.deepStrictEqual(
          [Exit.isSuccess(found.exit) ? "done" : errorOf(found.exit)?._tag, found.at],
          [ending, at]
        )
      })
    )

    it("end that must hold for longer than the deadline of the caller - is a RangeError at the call (R29)", () => {
      const confirm = { failure: { for: "1 minute" } } as const
      assert.throws(() => login({ confirm, deadline: "1 minute" }), RangeError, "confirm.failure.for")
      assert.throws(() => login({ confirm: { success: { for: 0 } } }), RangeError, "confirm.success.for")
      assert.doesNotThrow(() => login({ confirm, deadline: "2 minutes" }))
    })

    it.effect("shows the prompt, waits for the interval each time, and yields the token", () =>
      Effect.gen(function* () {
        const { asked, polls, provide } = server(
          () => json(granted),
          pending,
          pending,
          () => json(tokens)
        )
        const shown: Array<DeviceFlow.Prompt> = []
        const { at, exit } = yield* ran(
          provide(
            login({
              client: { clientSecret: Redacted.make("SECRET-client") },
              onPrompt: (prompt) => Effect.sync(() => shown.push(prompt))
            })
          )
        )
        assert.deepStrictEqual(shown, [
          {
            userCode: "WDJB-MJHT",
            verificationUri: "https://id.example/activate",
            verificationUriComplete: undefined,
            expiresAt: 600_000
          }
        ])
        assert.deepStrictEqual(polls(), [5, 10, 15])
        assert.deepStrictEqual(asked[1]!.form, {
          client_id: "tv",
          client_secret: "SECRET-client",
          grant_type: "urn:ietf:params:oauth:grant-type:device_code",
          device_code: "SECRET-device"
        })
        assert.strictEqual(at, 15)
        if (!Exit.isSuccess(exit)) return assert.fail(Cause.pretty(exit.cause))
        const token = exit.value
        assert.strictEqual(Redacted.value(token.accessToken), "SECRET-access")
        assert.strictEqual(token.tokenType, "Bearer")
        assert.strictEqual(token.expiresAt, 15_000 + 3_600_000)
        assert.strictEqual(token.refreshToken, undefined)
        assert.strictEqual(token.scope, undefined)
        assert.notInclude(JSON.stringify(token), "SECRET")
      })
    )

    it.effect("a token with everything, and one with nothing", () =>
      Effect.gen(function* () {
        const token = (body: object) =>
          Effect.gen(function* () {
            const { provide } = server(
              () => json(granted),
              () => json(body)
            )
            const { exit } = yield* ran(provide(login()))
            return Exit.isSuccess(exit) ? exit.value : yield* Effect.die(exit)
          })
        const full = yield* token({
          ...tokens,
          expires_in: "60",
          refresh_token: "SECRET-refresh",
          id_token: "SECRET-id",
          scope: "a b"
        })
        assert.strictEqual(full.expiresAt, 5_000 + 60_000)
        assert.strictEqual(Redacted.value(full.refreshToken!), "SECRET-refresh")
        assert.strictEqual(Redacted.value(full.idToken!), "SECRET-id")
        assert.strictEqual(full.scope, "a b")
        assert.notInclude(JSON.stringify(full), "SECRET")
        const bare = yield* token({ access_token: "x", token_type: "bearer", refresh_token: null, scope: null })
        assert.deepStrictEqual(
          [bare.expiresAt, bare.refreshToken, bare.idToken, bare.scope],
          [undefined, undefined, undefined, undefined]
        )
      })
    )

    it.effect("slow_down lifts this and all later delays by 5 seconds", () =>
      Effect.gen(function* () {
        const slow = () => error("slow_down")
        const { polls, provide } = server(
          () => json(granted),
          pending,
          slow,
          pending,
          slow,
          pending,
          pending,
          () => json(tokens)
        )
        yield* ran(provide(login()))
        assert.deepStrictEqual(polls(), [5, 10, 20, 30, 45, 60, 75])
      })
    )

    it.effect("slow_down - an interval of its own counts if it is longer, and a Retry-After for once", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(
          () => json({ ...granted, interval: 2 }),
          () => error("slow_down", { interval: 30 }),
          () => error("slow_down", { interval: 1 }),
          () => json({ error: "authorization_pending" }, 400, { "retry-after": "50" }),
          pending,
          () => json(tokens)
        )
        yield* ran(provide(login()))
        assert.deepStrictEqual(polls(), [2, 32, 67, 117, 152])
      })
    )

    it.effect("expires_in is the deadline, and the interval holds against a last check", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(() => json({ ...granted, expires_in: 12 }), pending)
        const { at, exit } = yield* ran(provide(login()))
        const failed = errorOf(exit)
        assert.strictEqual(failed?._tag, "PollTimeout")
        assert.strictEqual(at, 12)
        // A last request at 12 would come 2 seconds after the second.
        assert.deepStrictEqual(polls(), [5, 10])
      })
    )

    it.effect("the last request comes with the deadline where the interval allows", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(
          () => json({ ...granted, expires_in: 15 }),
          pending,
          pending,
          () => json(tokens)
        )
        const { at, exit } = yield* ran(provide(login()))
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual([at, polls()], [15, [5, 10, 15]])
      })
    )

    it.effect("how it ends by what the server says", () =>
      Effect.gen(function* () {
        for (const [answer, expected] of [
          [() => error("expired_token"), "JobExpired"],
          [() => error("access_denied", { error_description: "no" }), "JobFailed AccessDenied no"],
          [() => error("access_denied", {}, 403), "JobFailed AccessDenied undefined"],
          [() => error("invalid_grant", { error_description: "used" }), "JobFailed Refused invalid_grant used"],
          [() => error("invalid_client", {}, 401), "JobFailed Refused invalid_client undefined"],
          [() => error("expired_token", {}, 200), "JobExpired"],
          [() => json({ message: "?" }, 400), "CheckRejected Status"],
          [() => json({ access_token: 3 }), "CheckRejected Decode"]
        ] as const) {
          const { polls, provide } = server(() => json(granted), pending, answer)
          const { at, exit } = yield* ran(provide(login()))
          const failed = errorOf(exit)
          assert.strictEqual(sayEnd(failed), expected)
          assert.strictEqual(at, 10, expected)
          assert.deepStrictEqual(polls(), [5, 10])
        }
      })
    )

    it.effect("a failed request doubles the delay from twice the interval, and none is lost", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(
          () => json({ ...granted, expires_in: 3600 }),
          () => "broken",
          () => error("server_error", {}, 500),
          () => new Response("<html>", { status: 200 }),
          pending,
          () => "broken",
          () => error("slow_down", {}, 429),
          () => "broken",
          () => json(tokens)
        )
        const { exit } = yield* ran(provide(login()))
        assert.isTrue(Exit.isSuccess(exit))
        // 5, then 10, 20 and 40 after the failures; 5 after the answer; 10; slowed down to 10; 20.
        assert.deepStrictEqual(polls(), [5, 15, 35, 75, 80, 90, 100, 120])
      })
    )

    it.effect("a request that is never answered counts as failed, by the checkTimeout", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(
          () => json(granted),
          () => error("slow_down"),
          () => "silent",
          () => json(tokens)
        )
        const { exit } = yield* ran(provide(login({ checkTimeout: "3 seconds" })))
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual(polls(), [5, 15, 38])
      })
    )

    it.effect("failures in a row are bounded, at 2 minutes between them", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(
          () => json({ ...granted, expires_in: 3600 }),
          () => "broken"
        )
        const { exit } = yield* ran(provide(login()))
        assert.strictEqual(errorOf(exit)?._tag, "CheckErrorsExhausted")
        // More than five, and for at least a tenth of the hour that the grant lasts (R31).
        assert.deepStrictEqual(polls(), [5, 15, 35, 75, 155, 275, 395])
      })
    )

    it.effect("an interval beyond a minute is doubled all the same", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(
          () => json({ ...granted, expires_in: 3600, interval: 100 }),
          () => "broken",
          () => json(tokens)
        )
        yield* ran(provide(login()))
        assert.deepStrictEqual(polls(), [100, 300])
      })
    )

    it.effect("the prompt may stay open, and is closed with the wait", () =>
      Effect.gen(function* () {
        const { provide } = server(
          () => json(granted),
          pending,
          () => json(tokens)
        )
        let closed = 0
        const { at, exit } = yield* ran(
          provide(
            login({
              onPrompt: () =>
                Effect.onInterrupt(Effect.never, () =>
                  Effect.map(Clock.currentTimeMillis, (now) => {
                    closed = now / 1000
                  })
                )
            })
          )
        )
        assert.isTrue(Exit.isSuccess(exit))
        assert.deepStrictEqual([at, closed], [10, 10])
      })
    )

    it.effect("a prompt that fails ends the login", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(() => json(granted), pending)
        const broken = DeviceFlow.run(client, {
          onPrompt: () => Effect.delay(Effect.fail("no screen" as const), "7 seconds")
        })
        const { at, exit } = yield* ran(provide(broken))
        assert.strictEqual(errorOf(exit), "no screen")
        assert.strictEqual(at, 7)
        assert.deepStrictEqual(polls(), [5])
      })
    )

    it.effect("interruption stops the wait and closes the prompt", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(() => json(granted), pending)
        const closed = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(
          provide(
            login({ onPrompt: () => Effect.onInterrupt(Effect.never, () => Deferred.succeed(closed, undefined)) })
          )
        )
        yield* TestClock.adjust("7 seconds")
        yield* Fiber.interrupt(fiber)
        yield* Deferred.await(closed)
        yield* TestClock.adjust("1 hour")
        assert.deepStrictEqual(polls(), [5])
      })
    )

    it.effect("a strategy of one's own never beats the interval of the server", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(
          () => json(granted),
          pending,
          pending,
          () => json(tokens)
        )
        yield* ran(provide(login({ strategy: Strategy.withFirstWait(Strategy.spaced("1 second"), "2 seconds") })))
        assert.deepStrictEqual(polls(), [2, 7, 12])
      })
    )

    it("bad options are RangeErrors at the call", () => {
      for (const [more, said] of [
        [{ client: { clientId: "" } }, 'DeviceFlow.run: clientId must be a non-empty string, got ""'],
        [{ client: { tokenUrl: " " } }, 'tokenUrl must be a non-empty string, got " "'],
        [{ client: { deviceAuthorizationUrl: "" } }, "deviceAuthorizationUrl must be a non-empty string"],
        [{ client: { encoding: "xml" as "json" } }, 'encoding must be "form" or "json", got "xml"'],
        [{ name: "" }, "name must be"],
        [{ deadline: 0 }, "DeviceFlow.run: deadline must be a positive finite duration"],
        [{ deadline: Number.NaN }, "DeviceFlow.run: deadline must be a positive finite duration"],
        [{ maxBody: 0 }, "DeviceFlow.run: maxBody must be"],
        [{ checkTimeout: -1 }, "checkTimeout must be"],
        [{ checkErrors: { maxConsecutive: -1 } }, "checkErrors.maxConsecutive must be"]
      ] as const) {
        assert.throws(() => login(more), RangeError, said)
      }
      assert.throws(
        () => DeviceFlow.job("login", { client: { ...client, tokenUrl: "" }, grant: grantAt(0) }),
        RangeError,
        "DeviceFlow.job: tokenUrl"
      )
    })
  })

  describe("job", () => {
    it.effect("events tell how far the server slowed it down, and never the secret", () =>
      Effect.gen(function* () {
        const { provide } = server(
          () => json(granted),
          () => error("slow_down"),
          () => error("access_denied")
        )
        const events = yield* Effect.forkChild(
          provide(Stream.runCollect(Poll.events(jobOf(grantAt(600_000)), "WDJB-MJHT", { deadline: "1 hour" })))
        )
        yield* TestClock.adjust("1 hour")
        const told = [...(yield* Fiber.join(events))]
        const first = told.find((each) => each._tag === "Changed")
        assert.deepStrictEqual(first?.status._tag === "Pending" && first.status.detail, { intervalMillis: 10_000 })
        assert.deepStrictEqual(first?.status.state, "slow_down")
        assert.notInclude(JSON.stringify(told), "SECRET")
      })
    )

    it.effect("sends nothing once the grant has expired, whatever the deadline", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(() => json(granted), pending)
        const wait = Poll.until(jobOf(grantAt(12_000)), "WDJB-MJHT", { deadline: "unbounded" })
        const { at, exit } = yield* ran(provide(wait))
        assert.strictEqual(errorOf(exit)?._tag, "JobExpired")
        assert.deepStrictEqual(polls(), [5, 10])
        assert.strictEqual(at, 15)
      })
    )

    it.effect("a check that is asked for comes when the interval allows, after a failed one too", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(
          () => json(granted),
          () => error("slow_down"),
          () => "broken",
          pending
        )
        const wait = jobOf(grantAt(600_000))
        yield* provide(
          Effect.scoped(
            Effect.gen(function* () {
              const handle = yield* Poll.start(wait, "WDJB-MJHT", { deadline: "1 hour" })
              yield* TestClock.adjust("6 seconds")
              yield* handle.checkNow()
              yield* TestClock.adjust("10 seconds")
              yield* handle.checkNow()
              yield* TestClock.adjust("10 seconds")
            })
          )
        )
        // Slowed down to 10 s at 5; the failed one at 15 would be followed at 35, but a check was asked for at 16.
        assert.deepStrictEqual(polls(), [5, 15, 25])
      })
    )

    it.effect("a token of the wait holds no secret; with the stored grant another process goes on", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(
          () => json(granted),
          pending,
          () => error("slow_down"),
          pending,
          () => json(tokens)
        )
        const grant = yield* provide(DeviceFlow.request(client))
        const stored = JSON.stringify(yield* Schema.encodeEffect(DeviceFlow.Grant)(grant))
        assert.include(stored, "SECRET-device")
        assert.include(stored, '"intervalMillis":5000')
        const token = yield* provide(
          Effect.scoped(
            Effect.gen(function* () {
              const handle = yield* Poll.start(jobOf(grant), grant.userCode, {
                deadline: "10 minutes"
              })
              yield* TestClock.adjust("11 seconds")
              return ResumeToken.toJson(yield* handle.token)
            })
          )
        )
        assert.notInclude(token, "SECRET")
        assert.include(token, "WDJB-MJHT")
        const restored = yield* Schema.decodeUnknownEffect(DeviceFlow.Grant)(JSON.parse(stored))
        const fiber = yield* Effect.forkChild(
          Effect.flatMap(ResumeToken.fromJson(token), (from) => provide(Poll.resume(jobOf(restored), from)))
        )
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(Redacted.value((yield* Fiber.join(fiber)).accessToken), "SECRET-access")
        // The floor of the slowed check is in the token, and so is the interval after it.
        assert.deepStrictEqual(polls(), [5, 10, 20, 30])
      })
    )

    it.effect("no secret is in errors, logs and spans", () =>
      Effect.gen(function* () {
        const lines: Array<string> = []
        const spans: Array<Tracer.Span> = []
        const tracer = Tracer.make({
          span: (options) => {
            const span = new Tracer.NativeSpan(options)
            spans.push(span)
            return span
          }
        })
        const logger = Logger.make((options) => {
          lines.push(Cause.pretty(options.cause), JSON.stringify(options.message))
        })
        const { provide } = server(
          () => json(granted),
          () => "broken",
          () => new Response('{"access_token":"SECRET-cut', { status: 200 }),
          () => json({ access_token: "SECRET", token_type: 3 })
        )
        const { exit } = yield* ran(
          provide(login({ client: { clientSecret: Redacted.make("SECRET-client") } })).pipe(
            Effect.provideService(Tracer.Tracer, tracer),
            Effect.provideService(References.MinimumLogLevel, "All"),
            Effect.provide(Logger.layer([logger]) satisfies Layer.Layer<never>)
          )
        )
        const failed = errorOf(exit)
        assert.strictEqual(sayEnd(failed), "CheckRejected Decode")
        const spoken = spans.map((span) => [span.name, ...span.attributes].join(" ")).join("\n")
        const all = [String(failed), JSON.stringify(failed), spoken, ...lines].join("\n")
        assert.isAbove(lines.length, 2)
        assert.include(spoken, "poll.wait")
        assert.include(all, "WDJB-MJHT")
        assert.notInclude(all, "SECRET")
      })
    )
  })
})
