import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Redacted from "effect/Redacted"
import * as TestClock from "effect/testing/TestClock"
import * as CheckResult from "effect-poll/CheckResult"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as DeviceFlow from "@effect-poll/http/DeviceFlow"
import * as Interpretation from "@effect-poll/http/Interpretation"
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
  tokens,
  type Wire
} from "./DeviceFlowServer.ts"

const form = (fields: Readonly<Record<string, string>>, status = 200, type = "application/x-www-form-urlencoded") =>
  new Response(new URLSearchParams(fields).toString(), { status, headers: { "content-type": type } })

/** Runs a login over these answers of the token endpoint; says when it asked and how it ended. */
const over = (options: Parameters<typeof login>[0], ...answers: ReadonlyArray<() => Wire>) =>
  Effect.gen(function* () {
    const { polls, provide } = server(() => json(granted), ...answers)
    const { exit } = yield* ran(provide(login(options)))
    const ended = Exit.isSuccess(exit) ? Redacted.value(exit.value.accessToken) : sayEnd(errorOf(exit))
    return { ended, polls: polls() }
  })

const token = () => json(tokens)

describe("DeviceFlow", () => {
  describe("what pending looks like", () => {
    it.effect("is read as a code from other fields, with any status, without an interpret", () =>
      Effect.gen(function* () {
        for (const answer of [
          () => json({ message: "authorization_pending" }, 400),
          () => json({ error: { code: "authorization_pending", message: "wait" } }, 403),
          () => json({ error_code: "authorization_pending" }, 404),
          () => json({ code: "AUTHORIZATION_PENDING" }, 428),
          () => error("authorization_pending", {}, 200),
          () => error("authorization_pending", {}, 401),
          () => error("authorization_pending", {}, 503),
          () => form({ error: "authorization_pending", error_description: "a b&c" }, 400),
          () => form({ error: "authorization_pending" }, 200, "text/plain")
        ]) {
          const { ended, polls } = yield* over({}, answer, answer, token)
          assert.deepStrictEqual([ended, polls], ["SECRET-access", [5, 10, 15]])
        }
      })
    )

    it.effect("429 is throttled: no end, however often, and the interval or a longer Retry-After holds", () =>
      Effect.gen(function* () {
        const slow = (after?: string) => () =>
          new Response(null, { status: 429, headers: after === undefined ? {} : { "retry-after": after } })
        const often = Array.from({ length: 12 }, () => slow("20"))
        const { ended, polls } = yield* over({}, ...often, token)
        assert.strictEqual(ended, "SECRET-access")
        assert.strictEqual(polls.length, 13)
        assert.isTrue(polls.every((at, index) => index === 0 || at - polls[index - 1]! >= 20))
        const coded = Array.from({ length: 5 }, () => () => json({ error_code: "rateLimitExceeded" }, 403))
        assert.strictEqual(
          (yield* over({ checkErrors: { maxConsecutive: 0 } }, ...coded, token)).ended,
          "SECRET-access"
        )
        const bare = yield* over({}, slow(), slow("1"), token)
        assert.strictEqual(bare.ended, "SECRET-access")
        assert.isTrue(bare.polls.every((at, index) => index === 0 || at - bare.polls[index - 1]! >= 5))
      })
    )

    it.effect("is said by an interpret: a bare 400, 403, 404 or 418, a sentence, a number", () =>
      Effect.gen(function* () {
        const interpret = Interpretation.rules(
          [{ status: [400, 403, 404, 418] }, Status.pending()],
          [{ body: { message: /not approved yet/i } }, Status.pending({ state: "not approved" })],
          [{ body: { error: { error_subcode: 1_349_174 } } }, Status.pending()]
        )
        for (const answer of [
          () => new Response(null, { status: 400 }),
          () => new Response("<html>", { status: 403 }),
          () => json({}, 404),
          () => new Response("I'm a teapot", { status: 418 }),
          () => json({ message: "Not approved yet." }, 200),
          () => json({ error: { message: "wait", code: 31, error_subcode: 1_349_174 } }, 401)
        ]) {
          const { ended, polls } = yield* over({ interpret }, answer, answer, token)
          assert.deepStrictEqual([ended, polls], ["SECRET-access", [5, 10, 15]])
        }
        // Without it a bare refusal ends the login, as the table says.
        const { ended } = yield* over({}, () => new Response(null, { status: 418 }))
        assert.strictEqual(ended, "CheckRejected Status")
      })
    )

    it.effect("every verdict of an interpret counts, and the rest is left to the table", () =>
      Effect.gen(function* () {
        const rules = Interpretation.rules(
          [{ status: 470 }, Interpretation.decode],
          [{ status: 471 }, Status.failed<DeviceFlow.Failure>({ _tag: "AccessDenied", description: "no" })],
          [{ status: 472 }, Status.expired()],
          [{ status: 473 }, Interpretation.transient()],
          [{ status: 474 }, Interpretation.permanent()],
          [{ status: 475 }, CheckResult.withHint(Status.pending(), "30 seconds")],
          [{ status: 476 }, CheckResult.withHint(Status.pending(), "1 second")]
        )
        const interpret: typeof rules = (answer) => rules(answer)
        const bare = (status: number) => () => new Response(null, { status })
        assert.deepStrictEqual(yield* over({ interpret }, () => json(tokens, 470)), {
          ended: "SECRET-access",
          polls: [5]
        })
        assert.strictEqual((yield* over({ interpret }, bare(471))).ended, "JobFailed AccessDenied no")
        assert.strictEqual((yield* over({ interpret }, bare(472))).ended, "JobExpired")
        assert.deepStrictEqual((yield* over({ interpret }, bare(473), token)).polls, [5, 15])
        assert.strictEqual((yield* over({ interpret }, bare(474))).ended, "CheckRejected Status")
        // A hint of its own is a floor, and so is the interval.
        assert.deepStrictEqual((yield* over({ interpret }, bare(475), token)).polls, [5, 35])
        assert.deepStrictEqual((yield* over({ interpret }, bare(476), token)).polls, [5, 10])
        assert.deepStrictEqual(
          (yield* over({ interpret }, () => error("slow_down"), bare(476), token)).polls,
          [5, 15, 25]
        )
        assert.strictEqual(
          (yield* over({ interpret }, () => error("invalid_grant"))).ended,
          "JobFailed Refused invalid_grant undefined"
        )
      })
    )

    it.effect("an interpret may be an Effect with an error of its own, and one that throws is typed", () =>
      Effect.gen(function* () {
        const { provide } = server(() => json(granted), pending)
        const refusing = provide(
          DeviceFlow.run(client, {
            onPrompt: () => Effect.void,
            interpret: () => Effect.fail("no database" as const)
          })
        )
        const failed = errorOf((yield* ran(refusing)).exit)
        assert.strictEqual(
          typeof failed === "object" && failed._tag === "CheckErrorsExhausted" && failed.error,
          "no database"
        )
        const { ended } = yield* over(
          {
            interpret: () => {
              throw new Error("SECRET")
            }
          },
          pending
        )
        assert.strictEqual(ended, "CheckRejected Reader")
      })
    )
  })

  describe("numbers", () => {
    const day = 86_400_000

    it.effect("expires_in - texts are read, what is no duration is 15 minutes, and 30 days are the most", () =>
      Effect.gen(function* () {
        for (const [expiresIn, expected] of [
          ["900", 900_000],
          [" 60 ", 60_000],
          ["60.5", 60_500],
          [600, 600_000],
          [0.5, 500],
          [undefined, 900_000],
          [null, 900_000],
          [0, 900_000],
          [-1, 900_000],
          ["-1", 900_000],
          ["soon", 900_000],
          ["NaN", 900_000],
          ["Infinity", 900_000],
          [{}, 900_000],
          [[600], 900_000],
          [true, 900_000],
          [1e308, 30 * day],
          ["9".repeat(400), 30 * day],
          [1e12, 30 * day]
        ] as const) {
          yield* TestClock.setTime(1_000)
          const { provide } = server(() => json({ ...granted, expires_in: expiresIn }))
          const grant = yield* provide(DeviceFlow.request(client))
          assert.strictEqual(grant.expiresAt, 1_000 + expected, JSON.stringify(expiresIn))
        }
      })
    )

    it.effect("expires_in - a parse that yields NaN or Infinity is no defect either", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(0)
        for (const [value, expected] of [
          [Number.NaN, 900_000],
          [Number.POSITIVE_INFINITY, 30 * day],
          [Number.NEGATIVE_INFINITY, 900_000]
        ] as const) {
          const { provide } = server(() => json(granted))
          const parse = (text: string) => ({ ...JSON.parse(text), expires_in: value, interval: value })
          const grant = yield* provide(DeviceFlow.request(client, { parse }))
          assert.strictEqual(grant.expiresAt, expected)
          assert.isTrue(Duration.isFinite(grant.interval))
        }
      })
    )

    it.effect("interval - texts are read, what is no number is 5 seconds, from 1 second to 1 hour", () =>
      Effect.gen(function* () {
        for (const [interval, expected] of [
          ["5", 5_000],
          ["7.5", 7_500],
          ["0", 1_000],
          [0, 1_000],
          [-3, 1_000],
          [0.001, 1_000],
          ["fast", 5_000],
          [null, 5_000],
          [{}, 5_000],
          [1e308, 3_600_000],
          [7_200, 3_600_000]
        ] as const) {
          const { provide } = server(() => json({ ...granted, interval }))
          const grant = yield* provide(DeviceFlow.request(client))
          assert.strictEqual(Duration.toMillis(grant.interval), expected, JSON.stringify(interval))
        }
      })
    )

    it.effect("expires_in: 1e308 and interval: 1e308 log in or time out, typed", () =>
      Effect.gen(function* () {
        for (const more of [{ expires_in: 1e308 }, { interval: 1e308 }, { expires_in: 1e308, interval: 1e308 }]) {
          const { provide } = server(
            () => json({ ...granted, ...more }),
            pending,
            () => json({ ...tokens, expires_in: 1e308 })
          )
          const { exit } = yield* ran(provide(login()), "4 hours")
          if (Exit.isSuccess(exit)) assert.strictEqual(exit.value.expiresAt, 8.64e15)
          else assert.strictEqual(errorOf(exit)?._tag, "PollTimeout")
        }
      })
    )

    it.effect("slow_down - its interval may be a text, and an hour is the most", () =>
      Effect.gen(function* () {
        const { polls } = yield* over({}, () => error("slow_down", { interval: "20" }), pending, token)
        assert.deepStrictEqual(polls, [5, 25, 45])
        for (const interval of [1e308, "1e308", "soon", null, {}, -5]) {
          const { provide, polls: asked } = server(
            () => json({ ...granted, expires_in: 86_400 }),
            () => error("slow_down", { interval }),
            token
          )
          yield* ran(provide(login()), "1 day")
          assert.deepStrictEqual(asked(), [5, interval === 1e308 ? 3_605 : 15])
        }
      })
    )

    it.effect("expires_in of a token - negative or no number is not known", () =>
      Effect.gen(function* () {
        for (const [expiresIn, expected] of [
          ["60", 65_000],
          [0, 5_000],
          [-1, undefined],
          ["soon", undefined],
          [{}, undefined],
          [1e308, 8.64e15]
        ] as const) {
          const { provide } = server(
            () => json(granted),
            () => json({ ...tokens, expires_in: expiresIn })
          )
          const { exit } = yield* ran(provide(login()))
          assert.strictEqual(Exit.isSuccess(exit) && exit.value.expiresAt, expected, JSON.stringify(expiresIn))
        }
      })
    )
  })

  describe("bodies", () => {
    it.effect("a server that answers forms is understood, the numbers in it too", () =>
      Effect.gen(function* () {
        const { polls, provide } = server(
          () =>
            form({
              device_code: "SECRET-device",
              user_code: "AB CD+1",
              verification_uri: "https://id.example/go?a=1&b=2",
              verification_uri_complete: "https://id.example/go?c=AB",
              expires_in: "899",
              interval: "7"
            }),
          () => form({ error: "slow_down", interval: "12" }),
          () => form({ access_token: "SECRET-access", scope: "", token_type: "bearer" }, 200, "text/html")
        )
        const shown: Array<DeviceFlow.Prompt> = []
        const { exit } = yield* ran(provide(login({ onPrompt: (prompt) => Effect.sync(() => shown.push(prompt)) })))
        assert.strictEqual(Exit.isSuccess(exit) && Redacted.value(exit.value.accessToken), "SECRET-access")
        assert.deepStrictEqual(shown, [
          {
            userCode: "AB CD+1",
            verificationUri: "https://id.example/go?a=1&b=2",
            verificationUriComplete: "https://id.example/go?c=AB",
            expiresAt: 899_000
          }
        ])
        assert.deepStrictEqual(polls(), [7, 19])
      })
    )

    it.effect("a text that only looks like a form is no answer", () =>
      Effect.gen(function* () {
        for (const text of ["a=b", "error", "x", "%=%", "error%3Dx", "<error=1>", "id=1&state=2"]) {
          const { provide } = server(
            () => json(granted),
            () => new Response(text)
          )
          const { exit } = yield* ran(provide(login({ checkErrors: { maxConsecutive: 0 } })))
          const failed = errorOf(exit)
          assert.strictEqual(failed?._tag, "CheckErrorsExhausted", text)
        }
        const { ended } = yield* over({}, () => new Response("error=%E0%A4%A"))
        assert.strictEqual(ended, "JobFailed Refused %E0%A4%A undefined")
      })
    )

    it.effect("encoding: json - both requests are JSON", () =>
      Effect.gen(function* () {
        const bodies: Array<unknown> = []
        const typeOf = ({ body }: HttpClientRequest.HttpClientRequest) => {
          if (body._tag === "Uint8Array") bodies.push(JSON.parse(new TextDecoder().decode(body.body)))
          return "contentType" in body ? body.contentType : undefined
        }
        const { provide, requests } = server(() => json(granted), token)
        yield* ran(provide(login({ client: { encoding: "json", scope: "a b" } })))
        assert.deepStrictEqual(requests.map(typeOf), ["application/json", "application/json"])
        assert.deepStrictEqual(bodies, [
          { client_id: "tv", scope: "a b" },
          {
            client_id: "tv",
            grant_type: "urn:ietf:params:oauth:grant-type:device_code",
            device_code: "SECRET-device"
          }
        ])
      })
    )

    it.effect("verification_uri_complete - one that is no URI is left out", () =>
      Effect.gen(function* () {
        for (const [more, expected] of [
          [{ verification_uri_complete: "https://id.example/c" }, "https://id.example/c"],
          [{ verification_url_complete: "https://id.example/d" }, "https://id.example/d"],
          [{ verification_uri_complete: null }, undefined],
          [{ verification_uri_complete: "" }, undefined],
          [{ verification_uri_complete: 3 }, undefined],
          [{ verification_uri_complete: "https://id.example/\u001b[2J" }, undefined],
          [{ verification_uri_complete: "x".repeat(3_000) }, undefined]
        ] as const) {
          const { provide } = server(() => json({ ...granted, ...more }))
          assert.strictEqual((yield* provide(DeviceFlow.request(client))).verificationUriComplete, expected)
        }
      })
    )

    it.effect("codes for a screen that forge lines or have no end are refused, typed", () =>
      Effect.gen(function* () {
        for (const more of [
          { user_code: "A\nERROR: all is lost" },
          { user_code: "A\u001b[2J" },
          { user_code: "A\u202eB" },
          { user_code: "A".repeat(300) },
          { verification_uri: `https://id.example/${"x".repeat(3_000)}` },
          { verification_uri: "https://id.example/\r\n" },
          { device_code: "" },
          { device_code: 3 }
        ]) {
          const { provide } = server(() => json({ ...granted, ...more }))
          const failed = yield* Effect.flip(provide(DeviceFlow.request(client)))
          assert.strictEqual(failed._tag === "HttpCheckError" && failed.reason._tag, "Decode")
          assert.isBelow(failed.message.length, 1_000)
          assert.notInclude(failed.message, "ERROR")
        }
      })
    )

    it.effect("codes and descriptions of a refusal are cut", () =>
      Effect.gen(function* () {
        const { provide } = server(
          () => json(granted),
          () => error("x".repeat(1_000_000), { error_description: "y".repeat(1_000_000) })
        )
        const failed = errorOf((yield* ran(provide(login()))).exit)
        if (failed?._tag !== "JobFailed" || failed.failure._tag !== "Refused") return assert.fail(String(failed))
        assert.strictEqual(failed.failure.code.length, 200)
        assert.strictEqual(failed.failure.description?.length, 1_000)
        assert.isBelow(JSON.stringify(failed).length, 5_000)
      })
    )
  })

  describe("the interval is the cursor", () => {
    const tokenAfter = (seconds: number, deadline: Duration.Input) =>
      Effect.scoped(
        Effect.gen(function* () {
          const handle = yield* Poll.start(jobOf(grantAt(600_000)), "WDJB-MJHT", { deadline })
          yield* TestClock.adjust(Duration.seconds(seconds))
          return ResumeToken.toJson(yield* handle.token)
        })
      )

    it.effect("survives a resume with another job of the same grant", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(0)
        const { polls, provide } = server(
          () => json(granted),
          () => error("slow_down"),
          () => error("slow_down"),
          pending,
          pending,
          token
        )
        const stored = yield* provide(tokenAfter(16, "10 minutes"))
        assert.deepStrictEqual(polls(), [5, 15])
        const resumed = Effect.flatMap(ResumeToken.fromJson(stored), (from) =>
          Poll.resume(jobOf(grantAt(600_000)), from)
        )
        const fiber = yield* Effect.forkChild(provide(resumed))
        yield* TestClock.adjust("10 minutes")
        yield* Fiber.join(fiber)
        // 5 seconds, then 10, then 15 for good.
        assert.deepStrictEqual(polls(), [5, 15, 30, 45, 60])
        assert.notInclude(stored, "SECRET")
      })
    )

    it.effect("paces a failed request after a resume, too", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(0)
        const { polls, provide } = server(
          () => json(granted),
          () => error("slow_down", { interval: 60 }),
          () => "broken",
          token
        )
        const stored = yield* provide(tokenAfter(6, "10 minutes"))
        const resumed = Effect.flatMap(ResumeToken.fromJson(stored), (from) =>
          Poll.resume(jobOf(grantAt(600_000)), from)
        )
        const fiber = yield* Effect.forkChild(provide(resumed))
        yield* TestClock.adjust("10 minutes")
        yield* Fiber.join(fiber)
        // Twice the interval of 60 seconds.
        assert.deepStrictEqual(polls(), [5, 65, 185])
      })
    )

    it.effect("is shared by all waits of a Poller", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(0)
        const { polls, provide } = server(
          () => json(granted),
          () => error("slow_down"),
          pending,
          pending,
          token
        )
        const Login = jobOf(grantAt(600_000))
        yield* provide(
          Effect.scoped(
            Effect.gen(function* () {
              const poller = yield* Poller.make()
              const wait = () => poller.until(Login, "WDJB-MJHT", { deadline: "10 minutes" })
              const first = yield* Effect.forkChild(wait())
              yield* TestClock.adjust("6 seconds")
              const second = yield* Effect.forkChild(wait())
              yield* TestClock.adjust("10 minutes")
              yield* Fiber.join(first)
              yield* Fiber.join(second)
            })
          )
        )
        assert.deepStrictEqual(polls(), [5, 15, 25, 35])
      })
    )

    it.effect("a cursor that was altered is bounded, and never a defect", () =>
      Effect.gen(function* () {
        for (const [cursor, interval] of [
          ["1e308", 3_600],
          ["7200000", 3_600],
          ["20000", 20],
          ["NaN", 5],
          ["-1", 5],
          ["", 5],
          ["x", 5]
        ] as const) {
          yield* TestClock.setTime(0)
          const { polls, provide } = server(() => json(granted), pending, pending, token)
          const stored = JSON.parse(yield* provide(tokenAfter(6, "10 hours")))
          assert.strictEqual(stored.cursor, "5000")
          const resumed = Effect.flatMap(ResumeToken.fromJson(JSON.stringify({ ...stored, cursor })), (from) =>
            Poll.resume(jobOf(grantAt(86_400_000)), from)
          )
          const fiber = yield* Effect.forkChild(Effect.exit(provide(resumed)))
          yield* TestClock.adjust("1 day")
          assert.isTrue(Exit.isSuccess(yield* Fiber.join(fiber)), cursor)
          assert.deepStrictEqual(polls(), [5, 10, 10 + interval], cursor)
        }
      })
    )
  })

  it.effect("deadline - the shorter of it and expires_in ends the login", () =>
    Effect.gen(function* () {
      for (const [deadline, expected] of [
        ["12 seconds", 12],
        ["1 hour", 600],
        [undefined, 600]
      ] as const) {
        const { provide } = server(() => json(granted), pending)
        const { at, exit } = yield* ran(provide(login({ deadline })))
        assert.deepStrictEqual([errorOf(exit)?._tag, at], ["PollTimeout", expected])
      }
    })
  )

  it.effect("the device code is in no key, message, event or token of a resume", () =>
    Effect.gen(function* () {
      const { provide } = server(
        () => json(granted),
        () => json({ device_code: "SECRET-device", message: "SECRET-device" }, 400)
      )
      const failed = errorOf((yield* ran(provide(login()))).exit)
      assert.strictEqual(failed?._tag, "CheckRejected")
      assert.notInclude(`${String(failed)} ${JSON.stringify(failed)}`, "SECRET")
    })
  )
})
