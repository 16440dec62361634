import { createHash } from "node:crypto"
import { inspect } from "node:util"
import { assert, describe, it } from "@effect/vitest"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import * as Scheduler from "effect/Scheduler"
import * as Schema from "effect/Schema"
import * as Stream from "effect/Stream"
import { TestClock } from "effect/testing"
import * as Job from "effect-poll/Job"
import * as KeyCodec from "effect-poll/KeyCodec"
import type { Notification } from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import * as Signal from "effect-poll/Signal"
import * as SignalCrypto from "effect-poll/SignalCrypto"
import { SignalStoreError } from "effect-poll/SignalError"
import type * as SignalRow from "effect-poll/SignalRow"
import * as SignalStore from "effect-poll/SignalStore"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import * as Told from "effect-poll/Told"
import { digest } from "./support/signalStores.ts"

const pending = <A, F = never>(): Effect.Effect<Status.Status<A, F>> => Effect.succeed(Status.pending())

interface Verdict {
  readonly at: Date
  readonly notes: ReadonlyMap<string, number>
}

const Review = Job.make("review", { check: (_id: string) => pending<Verdict, string>() }).pipe(
  Job.withCodecs({
    success: Schema.Struct({ at: Schema.Date, notes: Schema.ReadonlyMap(Schema.String, Schema.Finite) }),
    failure: Schema.String
  })
)

const Payment = Job.make("payment", { check: (_id: string) => pending<string>() }).pipe(
  Job.withCodecs({ success: Schema.String })
)

const verdict: Verdict = { at: new Date(86_400_000), notes: new Map([["pages", 3]]) }

const hour = { maxWaitTime: "1 hour" } as const

/** A test with a store in memory. */
const test = (title: string, body: () => Effect.Effect<void, unknown, SignalStore.SignalStore>): void =>
  it.effect(title, () =>
    Effect.provide(Effect.suspend(body), Layer.merge(Layer.fresh(SignalStore.layerMemory()), digest))
  )

/** What a signal says about its end. */
const endOf = <A, F>(signal: { readonly events: Stream.Stream<Told.Told<A, F>> }) =>
  Effect.map(Stream.runCollect(signal.events), (all) => {
    assert.strictEqual(all.length, 1)
    const told = all[0]!
    assert.strictEqual(told._tag, "Ended")
    return (told as Extract<typeof told, { readonly _tag: "Ended" }>).status
  })

/** The tag of an error, and what distinguishes it. */
const kindOf = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.match(effect, {
    onSuccess: (answer): unknown => answer,
    onFailure: (error): unknown => ("reason" in error ? `${error._tag} ${String(error.reason)}` : error._tag)
  })

/** The store of a test, changed. */
const changed = (
  change: (store: SignalStore.Service) => Partial<SignalStore.Service>
): Layer.Layer<SignalStore.SignalStore> =>
  Layer.effect(
    SignalStore.SignalStore,
    Effect.map(SignalStore.SignalStore, (store) => ({ ...store, ...change(store) }))
  ).pipe(Layer.provide(Layer.fresh(SignalStore.layerMemory())))

const badTokens = [
  "",
  " ",
  "a".repeat(42),
  "a".repeat(44),
  `${"a".repeat(42)}=`,
  `${"a".repeat(42)}\n`,
  `${"a".repeat(42)}é`,
  `${"a".repeat(41)}🙂`,
  "\0".repeat(43),
  "../".repeat(14) + "x",
  "%00".repeat(14) + "x",
  "__proto__",
  "constructor",
  "' OR 1=1 --",
  "a".repeat(1_000_000),
  "🙂".repeat(250_000),
  "\uD800".repeat(43)
]

describe("Signal", () => {
  describe("complete", () => {
    test("complete - ends the job with a value of its Schema, once [R68]", () =>
      Effect.gen(function* () {
        const signal = yield* Signal.make(Review, "a", hour)
        assert.strictEqual(signal.key, "a")
        assert.strictEqual(signal.expiresAt, 3_600_000)
        assert.strictEqual(yield* Signal.complete(Review, signal.token, verdict), "accepted")
        assert.strictEqual(yield* Signal.complete(Review, signal.token, verdict), "alreadyEnded")
        assert.strictEqual(yield* Signal.fail(Review, signal.token, "late"), "alreadyEnded")
        assert.strictEqual(yield* Signal.cancel(signal.token), "alreadyEnded")
        assert.strictEqual(yield* Signal.heartbeat(signal.token), "alreadyEnded")
        const status = yield* endOf(signal)
        assert.deepStrictEqual(status, Status.succeeded(verdict))
      }))

    test("complete - accepts one of 200 concurrent completions [R68]", () =>
      Effect.gen(function* () {
        const signal = yield* Signal.make(Payment, "a", hour)
        const numbers = Array.from({ length: 200 }, (_, n) => n)
        const answers = yield* Effect.forEach(numbers, (n) => Signal.complete(Payment, signal.token, `${n}`), {
          concurrency: "unbounded"
        })
        const accepted = numbers.filter((n) => answers[n] === "accepted")
        assert.strictEqual(accepted.length, 1)
        assert.strictEqual(answers.filter((answer) => answer === "alreadyEnded").length, 199)
        assert.deepStrictEqual(yield* endOf(signal), Status.succeeded(`${accepted[0]}`))
      }))

    test("complete - tells open, ended, expired, late, replaced and unknown signals apart [R68]", () =>
      Effect.gen(function* () {
        const [ended, late, silent, replaced] = yield* Effect.all([
          Signal.make(Payment, "ended", hour),
          Signal.make(Payment, "late", { maxWaitTime: "1 minute" }),
          Signal.make(Payment, "silent", { ...hour, heartbeat: "10 seconds" }),
          Signal.make(Payment, "replaced", hour)
        ])
        yield* Signal.cancel(ended.token)
        yield* Signal.make(Payment, "replaced", { ...hour, onConflict: "replace" })
        yield* TestClock.adjust("1 minute")
        for (const call of [
          (token: Signal.Token) => Signal.complete(Payment, token, "x"),
          (token: Signal.Token) => Signal.cancel(token),
          (token: Signal.Token) => Signal.heartbeat(token),
          (token: Signal.Token) => Signal.settleEncoded([Payment], token, { _tag: "Succeeded", value: "x" })
        ]) {
          assert.strictEqual(yield* kindOf(call(ended.token)), "alreadyEnded")
          assert.strictEqual(yield* kindOf(call(late.token)), "SignalExpired maxWaitTime")
          assert.strictEqual(yield* kindOf(call(silent.token)), "SignalExpired heartbeat")
          assert.strictEqual(yield* kindOf(call(replaced.token)), "SignalExpired replaced")
          assert.strictEqual(yield* kindOf(call("x".repeat(43))), "SignalUnknown")
        }
      }))

    test("complete - does not know a token of another job, and leaves that signal open [R69]", () =>
      Effect.gen(function* () {
        const review = yield* Signal.make(Review, "a", hour)
        assert.strictEqual(yield* kindOf(Signal.complete(Payment, review.token, "x")), "SignalUnknown")
        assert.strictEqual(
          yield* kindOf(Signal.settleEncoded([Payment], review.token, { _tag: "Canceled" })),
          "SignalUnknown"
        )
        assert.strictEqual(yield* kindOf(Signal.attach(Payment, { token: review.token })), "SignalUnknown")
        assert.strictEqual((yield* Signal.describe(review.token)).state, "open")
      }))

    test("complete - stores nothing for a value that does not encode", () =>
      Effect.gen(function* () {
        const endless: Record<string, unknown> = {}
        endless["self"] = endless
        const Any = Job.make("any", { check: (_id: string) => pending<unknown>() }).pipe(
          Job.withCodecs({ success: Schema.Unknown })
        )
        const signal = yield* Signal.make(Any, "a", hour)
        const thrower = {
          get value(): unknown {
            throw new Error("no")
          }
        }
        for (const value of [endless, 1n, Symbol("s"), () => 1, thrower]) {
          assert.strictEqual(yield* kindOf(Signal.complete(Any, signal.token, value)), "SignalEncodeError")
        }
        const payment = yield* Signal.make(Payment, "a", hour)
        const error = yield* Effect.flip(Signal.complete(Payment, payment.token, 7 as never))
        assert.match(error.message, /^the result of payment does not match its Schema: /)
        assert.strictEqual(yield* kindOf(Signal.fail(Payment as never, payment.token, "x")), "SignalEncodeError")
        assert.strictEqual((yield* Signal.describe(payment.token)).state, "open")
        assert.strictEqual((yield* Signal.describe(signal.token)).state, "open")
      }))

    test("complete - stores the value as it was, even if it is mutated afterwards", () =>
      Effect.gen(function* () {
        const Any = Job.make("any", { check: (_id: string) => pending<{ list: Array<number> }>() }).pipe(
          Job.withCodecs({ success: Schema.Any })
        )
        const signal = yield* Signal.make(Any, "a", hour)
        const value = { list: [1] }
        yield* Signal.complete(Any, signal.token, value)
        value.list.push(2)
        assert.deepStrictEqual(yield* endOf(signal), Status.succeeded({ list: [1] }))
      }))

    test("complete - of a job without a result needs no value", () =>
      Effect.gen(function* () {
        const Done = Job.make("done", { check: (_id: string) => pending<void>() }).pipe(
          Job.withCodecs({ success: Schema.Void })
        )
        const signal = yield* Signal.make(Done, "a", hour)
        assert.strictEqual(yield* Signal.complete(Done, signal.token, undefined), "accepted")
        assert.deepStrictEqual(yield* endOf(signal), Status.succeeded(undefined))
      }))
  })

  describe("settling", () => {
    test("fail - ends the job with a failure of its Schema", () =>
      Effect.gen(function* () {
        const signal = yield* Signal.make(Review, "a", hour)
        assert.strictEqual(yield* Signal.fail(Review, signal.token, "illegible"), "accepted")
        assert.deepStrictEqual(yield* endOf(signal), Status.failed("illegible"))
      }))

    test("cancel - ends the job as canceled, with a reason", () =>
      Effect.gen(function* () {
        const [one, other] = [yield* Signal.make(Review, "a", hour), yield* Signal.make(Review, "b", hour)]
        assert.strictEqual(yield* Signal.cancel(one.token, "withdrawn"), "accepted")
        assert.strictEqual(yield* Signal.cancel(other.token), "accepted")
        assert.deepStrictEqual(yield* endOf(one), Status.canceled({ reason: "withdrawn" }))
        assert.deepStrictEqual(yield* endOf(other), Status.canceled())
      }))

    test("settleEncoded - decodes the value by the job of the token before it stores anything", () =>
      Effect.gen(function* () {
        const jobs = [Payment, Review]
        const signal = yield* Signal.make(Review, "a", hour)
        const settle = (ending: SignalRow.Settlement) => kindOf(Signal.settleEncoded(jobs, signal.token, ending))
        assert.strictEqual(yield* settle({ _tag: "Succeeded", value: "x" }), "SignalEncodeError")
        assert.strictEqual(yield* settle({ _tag: "Succeeded", value: { at: "never", notes: [] } }), "SignalEncodeError")
        assert.strictEqual(yield* settle({ _tag: "Failed", failure: 1 }), "SignalEncodeError")
        const value = { at: "1970-01-02T00:00:00.000Z", notes: [["pages", 3]], more: 1 }
        assert.strictEqual(yield* settle({ _tag: "Succeeded", value }), "accepted")
        assert.deepStrictEqual(yield* endOf(signal), Status.succeeded(verdict))
      }))

    test("heartbeat - keeps a signal open up to its maxWaitTime [R70]", () =>
      Effect.gen(function* () {
        const signal = yield* Signal.make(Payment, "a", { maxWaitTime: "1 minute", heartbeat: "10 seconds" })
        const end = yield* Effect.forkChild(endOf(signal), { startImmediately: true })
        for (let beat = 0; beat < 7; beat++) {
          assert.strictEqual(yield* Signal.heartbeat(signal.token), "accepted")
          yield* TestClock.adjust("9 seconds")
        }
        const status = yield* Fiber.join(end)
        assert.deepStrictEqual(
          status,
          Status.expired({ reason: "the signal was not completed within its maxWaitTime" })
        )
      }))

    test("heartbeat - is accepted by a signal that needs none, and does not prolong it", () =>
      Effect.gen(function* () {
        const signal = yield* Signal.make(Payment, "a", hour)
        assert.strictEqual(yield* Signal.heartbeat(signal.token), "accepted")
        yield* TestClock.adjust("1 hour")
        assert.strictEqual(yield* kindOf(Signal.complete(Payment, signal.token, "x")), "SignalExpired maxWaitTime")
      }))
  })

  describe("make", () => {
    test("make - refuses a second open signal for a job and shows the key as its codec does", () =>
      Effect.gen(function* () {
        const Secret = Job.make("secret", {
          key: KeyCodec.fromSchema(Schema.String, { show: () => "shown" }),
          check: (_key: string) => pending<string>()
        }).pipe(Job.withCodecs({ success: Schema.String }))
        yield* Signal.make(Secret, "hidden", hour)
        const error = yield* Effect.flip(Signal.make(Secret, "hidden", { maxWaitTime: "1 minute" }))
        assert.strictEqual(error._tag, "SignalConflict")
        assert.deepInclude(error, { job: "secret", key: "shown", expiresAt: 3_600_000 })
        assert.notInclude(inspect(error) + error.message, "hidden")
        yield* Signal.make(Secret, "another", hour)
      }))

    test("make - with replace ends the open signal, and its waits and its holder learn of it [R68]", () =>
      Effect.gen(function* () {
        const old = yield* Signal.make(Payment, "a", hour)
        const end = yield* Effect.forkChild(endOf(old), { startImmediately: true })
        const next = yield* Signal.make(Payment, "a", { ...hour, onConflict: "replace" })
        assert.deepStrictEqual(
          yield* Fiber.join(end),
          Status.canceled({ reason: "another signal for the job replaced this one" })
        )
        assert.strictEqual(yield* kindOf(Signal.complete(Payment, old.token, "x")), "SignalExpired replaced")
        assert.strictEqual(yield* kindOf(Signal.complete(Payment, next.token, "y")), "accepted")
        assert.deepStrictEqual(yield* endOf(next), Status.succeeded("y"))
      }))

    test("make - replaces while a completion is in flight, and exactly one of them counts [R68]", () =>
      Effect.gen(function* () {
        for (const completesFirst of [true, false]) {
          const old = yield* Signal.make(Payment, `${completesFirst}`, hour)
          const complete = kindOf(Signal.complete(Payment, old.token, "x"))
          const replace = Signal.make(Payment, `${completesFirst}`, { ...hour, onConflict: "replace" })
          const [answer] = completesFirst
            ? yield* Effect.all([complete, replace], { concurrency: 2 })
            : (yield* Effect.all([replace, complete], { concurrency: 2 })).toReversed()
          const status = yield* endOf(old)
          assert.strictEqual(status._tag, answer === "accepted" ? "Succeeded" : "Canceled")
          if (answer !== "accepted") assert.strictEqual(answer, "SignalExpired replaced")
        }
      }))

    test("make - opens no signal if the function for its URL throws", () =>
      Effect.gen(function* () {
        const baseUrl = (): string => {
          throw new Error("no host")
        }
        assert.isTrue(Exit.hasDies(yield* Effect.exit(Signal.make(Payment, "a", { ...hour, baseUrl }))))
        assert.deepStrictEqual(yield* Signal.list(), [])
      }))

    test("make - puts the token into the path of the baseUrl", () =>
      Effect.gen(function* () {
        const urlFor = (baseUrl: Signal.Options["baseUrl"]) =>
          Effect.map(Signal.make(Payment, "a", { ...hour, baseUrl, onConflict: "replace" }), ({ token, url }) =>
            Redacted.value(url!).replace(Redacted.value(token), "TOKEN")
          )
        assert.strictEqual(yield* urlFor("https://a.example/v1/signals"), "https://a.example/v1/signals/TOKEN")
        assert.strictEqual(yield* urlFor("https://a.example/v1/signals/"), "https://a.example/v1/signals/TOKEN")
        assert.strictEqual(yield* urlFor("https://a.example"), "https://a.example/TOKEN")
        assert.strictEqual(yield* urlFor(new URL("http://a.example/s?tenant=1")), "http://a.example/s/TOKEN?tenant=1")
        assert.strictEqual(yield* urlFor((token) => `app://done#${Redacted.value(token)}`), "app://done#TOKEN")
        const { url } = yield* Signal.make(Payment, "b", hour)
        assert.isUndefined(url)
      }))

    test("make - refuses options that are out of range, at the call", () =>
      Effect.sync(() => {
        const refused = (options: object, message: RegExp) =>
          assert.throws(() => Signal.make(Payment, "a", { ...hour, ...options }), RangeError, message)
        for (const maxWaitTime of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, "soon"]) {
          refused({ maxWaitTime }, /maxWaitTime/)
        }
        for (const heartbeat of [0, "never"]) refused({ heartbeat }, /heartbeat/)
        for (const interval of [0, -1]) refused({ interval }, /interval/)
        for (const baseUrl of ["", "/v1", "a.example", "ftp://a.example", "javascript:alert(1)", 7]) {
          refused({ baseUrl }, /baseUrl/)
        }
        for (const tags of [[""], [7], "tag", Array.from({ length: 65 }, String)]) refused({ tags }, /tags/)
        refused({ onConflict: "merge" }, /onConflict/)
        refused({ maxWait: 1 }, /did you mean maxWaitTime/)
        assert.throws(() => Signal.attach(Payment, { key: "a" }, { interval: 0 }), RangeError, /interval/)
        assert.throws(() => Signal.list({ limit: 0 }), RangeError, /limit/)
        assert.throws(() => Signal.list({ state: "closed" as never }), RangeError, /state/)
      }))

    test("make - accepts durations with fractions, and very long ones", () =>
      Effect.gen(function* () {
        const short = yield* Signal.make(Payment, "short", { maxWaitTime: 0.25, heartbeat: 0.1 })
        assert.strictEqual(short.expiresAt, 1)
        const long = yield* Signal.make(Payment, "long", { maxWaitTime: Duration.days(1e12) })
        assert.strictEqual(long.expiresAt, 8.64e15)
        const end = yield* Effect.forkChild(endOf(long), { startImmediately: true })
        yield* TestClock.adjust("10 minutes")
        yield* Signal.complete(Payment, long.token, "x")
        assert.deepStrictEqual(yield* Fiber.join(end), Status.succeeded("x"))
      }))
  })

  describe("tokens", () => {
    test("tokens - are 256 random bits that differ, whatever the key [R69]", () =>
      Effect.gen(function* () {
        const tokens = new Set<string>()
        for (let made = 0; made < 200; made++) {
          const { token } = yield* Signal.make(Payment, "a", { ...hour, onConflict: "replace" })
          assert.match(Redacted.value(token), /^[\w-]{43}$/)
          tokens.add(Redacted.value(token))
        }
        assert.strictEqual(tokens.size, 200)
      }))

    test("tokens - are the base64url of the bytes, and stored as their SHA-256 [R69]", () =>
      Effect.gen(function* () {
        const bytes = Uint8Array.from({ length: 32 }, (_, index) => 255 - index * 8)
        const { token } = yield* Signal.make(Payment, "a", hour).pipe(
          Effect.provide(SignalCrypto.layer({ randomBytes: () => Effect.succeed(bytes) }))
        )
        assert.strictEqual(Redacted.value(token), Buffer.from(bytes).toString("base64url"))
        const digest = yield* Effect.promise(() =>
          crypto.subtle.digest("SHA-256", new TextEncoder().encode(Redacted.value(token)))
        )
        const store = yield* SignalStore.SignalStore
        const row = yield* store.get(Buffer.from(digest).toString("hex"))
        assert.strictEqual(row?.key, "a")
        assert.notInclude(JSON.stringify(row), Redacted.value(token))
      }))

    it.effect("tokens - are made and hashed by the platform unless stated otherwise [R69]", () =>
      Effect.gen(function* () {
        const { token } = yield* Signal.make(Payment, "a", hour)
        const store = yield* SignalStore.SignalStore
        const hash = createHash("sha256").update(Redacted.value(token)).digest("hex")
        assert.strictEqual((yield* store.get(hash))?.key, "a")
      }).pipe(Effect.provide(SignalStore.layerMemory()))
    )

    test("tokens - that were handed out before are refused, even if the random bytes repeat [R69]", () =>
      Effect.gen(function* () {
        const fixed = SignalCrypto.layer({ randomBytes: () => Effect.succeed(new Uint8Array(32)) })
        yield* Effect.provide(Signal.make(Payment, "a", hour), fixed)
        assert.strictEqual(yield* kindOf(Effect.provide(Signal.make(Payment, "b", hour), fixed)), "SignalStoreError")
        const short = SignalCrypto.layer({ randomBytes: () => Effect.succeed(new Uint8Array(16)) })
        const exit = yield* Effect.exit(Effect.provide(Signal.make(Payment, "b", hour), short))
        assert.isTrue(Exit.hasDies(exit))
      }))

    test("tokens - that are malformed are unknown, without asking the store [R69]", () =>
      Effect.gen(function* () {
        let questions = 0
        const counting = changed((store) => ({
          get: (hash) => Effect.suspend(() => (questions++, store.get(hash))),
          touch: (hash, at) => Effect.suspend(() => (questions++, store.touch(hash, at)))
        }))
        yield* Effect.gen(function* () {
          for (const bad of [...badTokens, 7, null, undefined, {}, ["a".repeat(43)]]) {
            for (const token of [bad as string, Redacted.make(bad as string)]) {
              assert.strictEqual(yield* kindOf(Signal.complete(Payment, token, "x")), "SignalUnknown")
              assert.strictEqual(yield* kindOf(Signal.fail(Review, token, "x")), "SignalUnknown")
              assert.strictEqual(yield* kindOf(Signal.cancel(token)), "SignalUnknown")
              assert.strictEqual(yield* kindOf(Signal.heartbeat(token)), "SignalUnknown")
              assert.strictEqual(yield* kindOf(Signal.describe(token)), "SignalUnknown")
            }
          }
          assert.strictEqual(questions, 0)
          assert.strictEqual(yield* kindOf(Signal.cancel("a".repeat(43))), "SignalUnknown")
          assert.strictEqual(questions, 1)
        }).pipe(Effect.provide(counting))
      }))

    test("tokens - appear in no signal, error, description or row that is printed [R69]", () =>
      Effect.gen(function* () {
        const signal = yield* Signal.make(Payment, "a", { ...hour, baseUrl: "https://a.example" })
        const secret = Redacted.value(signal.token)
        const errors: Array<unknown> = []
        yield* Signal.complete(Payment, signal.token, "x")
        const replaced = yield* Signal.make(Payment, "b", hour)
        yield* Signal.make(Payment, "b", { ...hour, onConflict: "replace" })
        for (const call of [
          Signal.complete(Review, signal.token, verdict),
          Signal.complete(Payment, signal.token, 7 as never),
          Signal.complete(Payment, replaced.token, "x"),
          Signal.make(Payment, "b", hour)
        ]) {
          errors.push(yield* Effect.flip<unknown, Error, SignalStore.SignalStore>(call))
        }
        const broken = changed((store) => ({ get: () => store.get("x").pipe(Effect.andThen(Effect.fail(failure))) }))
        errors.push(yield* Effect.flip(Effect.provide(Signal.cancel(signal.token), broken)))
        const listed = yield* Signal.list()
        for (const each of [signal, listed, ...errors]) {
          for (const text of [inspect(each, { depth: 9 }), JSON.stringify(each), String(each)]) {
            assert.notInclude(text, secret)
            assert.notInclude(text, Redacted.value(replaced.token))
          }
        }
        assert.strictEqual(errors.length, 5)
      }))
  })

  describe("events", () => {
    test("events - emit a completion that came before the wait, to any number of waits [R70]", () =>
      Effect.gen(function* () {
        const signal = yield* Signal.make(Payment, "a", hour)
        yield* Signal.complete(Payment, signal.token, "x")
        for (let wait = 0; wait < 3; wait++) assert.deepStrictEqual(yield* endOf(signal), Status.succeeded("x"))
      }))

    test("events - emit a completion at once if the store reports it [R70]", () =>
      Effect.gen(function* () {
        const signal = yield* Signal.make(Payment, "a", hour)
        const waits = yield* Effect.forEach([1, 2, 3], () =>
          Effect.forkChild(endOf(signal), { startImmediately: true })
        )
        yield* TestClock.adjust("10 minutes")
        yield* Signal.complete(Payment, signal.token, "x")
        for (const wait of waits) assert.deepStrictEqual(yield* Fiber.join(wait), Status.succeeded("x"))
      }))

    test("events - ask a store that reports nothing, at most 2 seconds later [R70]", () =>
      Effect.gen(function* () {
        let questions = 0
        const quiet = changed((store) => ({
          changes: Stream.empty,
          get: (hash) => Effect.suspend(() => (questions++, store.get(hash)))
        }))
        yield* Effect.gen(function* () {
          const signal = yield* Signal.make(Payment, "a", hour)
          const slow = yield* Signal.attach(Payment, { token: signal.token }, { interval: "1 minute" })
          const [wait, slowWait] = yield* Effect.forEach([signal, slow], (each) =>
            Effect.forkChild(endOf(each), { startImmediately: true })
          )
          questions = 0
          yield* TestClock.adjust("1 minute")
          assert.isAtLeast(questions, 30)
          assert.isAtMost(questions, 42)
          yield* Signal.complete(Payment, signal.token, "x")
          yield* TestClock.adjust("2 seconds")
          assert.isDefined(wait!.pollUnsafe())
          yield* TestClock.adjust("58 seconds")
          assert.isDefined(slowWait!.pollUnsafe())
        }).pipe(Effect.provide(quiet))
      }))

    test("events - end when maxWaitTime passes or a heartbeat is missed, each with its own reason [R70]", () =>
      Effect.gen(function* () {
        const late = yield* Signal.make(Payment, "late", { maxWaitTime: "90 seconds" })
        const silent = yield* Signal.make(Payment, "silent", { ...hour, heartbeat: "30.5 seconds" })
        const waits = yield* Effect.forEach([late, silent], (each) =>
          Effect.forkChild(endOf(each), { startImmediately: true })
        )
        yield* TestClock.adjust(30_499)
        assert.isUndefined(waits[1]!.pollUnsafe())
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(
          yield* Fiber.join(waits[1]!),
          Status.expired({ reason: "a heartbeat of the signal was missed" })
        )
        yield* TestClock.adjust(59_499)
        assert.isUndefined(waits[0]!.pollUnsafe())
        yield* TestClock.adjust(1)
        assert.deepStrictEqual(
          yield* Fiber.join(waits[0]!),
          Status.expired({ reason: "the signal was not completed within its maxWaitTime" })
        )
      }))

    test("events - after Expired, no completion is accepted, even if the clock is set back [R70]", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(10_000_000)
        const signal = yield* Signal.make(Payment, "a", { maxWaitTime: "1 minute" })
        const wait = yield* Effect.forkChild(endOf(signal), { startImmediately: true })
        yield* TestClock.adjust("1 minute")
        assert.strictEqual((yield* Fiber.join(wait))._tag, "Expired")
        yield* TestClock.setTime(10_000_000)
        assert.strictEqual(yield* kindOf(Signal.complete(Payment, signal.token, "x")), "SignalExpired maxWaitTime")
        assert.strictEqual((yield* endOf(signal))._tag, "Expired")
      }))

    test("events - find a completion after the clock was set back", () =>
      Effect.gen(function* () {
        yield* TestClock.setTime(10_000_000)
        const signal = yield* Signal.make(Payment, "a", { maxWaitTime: "1 minute" })
        const wait = yield* Effect.forkChild(endOf(signal), { startImmediately: true })
        yield* TestClock.setTime(0)
        assert.strictEqual(yield* Signal.complete(Payment, signal.token, "x"), "accepted")
        assert.deepStrictEqual(yield* Fiber.join(wait), Status.succeeded("x"))
      }))

    const failure = new SignalStoreError({ operation: "get", cause: "down" })
    const hang = Effect.uninterruptible(Effect.never)
    for (const [what, bad] of [
      ["fails", Effect.fail(failure)],
      ["dies", Effect.die(new Error("down"))],
      ["hangs", Effect.never],
      ["hangs and cannot be interrupted", hang],
      ["interrupts itself", Effect.interrupt]
    ] as const) {
      test(`events - do not lose the end while the store ${what} [R70]`, () =>
        Effect.gen(function* () {
          let isBad = false
          let questions = 0
          const layer = changed((store) => ({
            changes: Stream.empty,
            get: (hash) => Effect.suspend(() => (questions++, isBad ? bad : store.get(hash))),
            expire: (hash, at) => Effect.suspend(() => (isBad ? bad : store.expire(hash, at)))
          }))
          yield* Effect.gen(function* () {
            const signal = yield* Signal.make(Payment, "a", hour)
            const wait = yield* Effect.forkChild(endOf(signal), { startImmediately: true })
            yield* Signal.complete(Payment, signal.token, "x")
            isBad = true
            questions = 0
            yield* TestClock.adjust("20 minutes")
            assert.isUndefined(wait.pollUnsafe(), "the wait goes on")
            // At 2, 4, 8, 16, 32 seconds and then each minute.
            assert.isAtLeast(questions, 15)
            assert.isAtMost(questions, 35)
            isBad = false
            yield* TestClock.adjust("2 minutes")
            assert.deepStrictEqual(yield* Fiber.join(wait), Status.succeeded("x"))
          }).pipe(Effect.provide(layer))
        }))
    }

    test("events - end with the maxWaitTime of a signal that the store has lost", () =>
      Effect.gen(function* () {
        const lossy = changed(() => ({ get: () => Effect.undefined }))
        yield* Effect.gen(function* () {
          const signal = yield* Signal.make(Payment, "a", { maxWaitTime: "1 minute" })
          const wait = yield* Effect.forkChild(endOf(signal), { startImmediately: true })
          yield* TestClock.adjust(59_999)
          assert.isUndefined(wait.pollUnsafe())
          yield* TestClock.adjust(1)
          assert.strictEqual((yield* Fiber.join(wait))._tag, "Expired")
        }).pipe(Effect.provide(lossy))
      }))

    test("events - die with a stored value that the Schema no longer accepts", () =>
      Effect.gen(function* () {
        const Newer = Job.make("payment", { check: (_id: string) => pending<number>() }).pipe(
          Job.withCodecs({ success: Schema.Finite })
        )
        const signal = yield* Signal.make(Payment, "a", hour)
        yield* Signal.complete(Payment, signal.token, "x")
        const attached = yield* Signal.attach(Newer, { key: "a" })
        const exit = yield* Effect.exit(Stream.runDrain(attached.events))
        assert.isTrue(Exit.hasDies(exit))
      }))

    test("events - read the changes of a store once for all waits, and not after the last one", () =>
      Effect.gen(function* () {
        let [readers, read] = [0, 0]
        const counting = changed((store) => ({
          changes: Stream.suspend(() => {
            readers++
            read++
            return Stream.ensuring(
              store.changes,
              Effect.sync(() => readers--)
            )
          })
        }))
        yield* Effect.gen(function* () {
          const signals = yield* Effect.forEach(["a", "b", "c"], (key) => Signal.make(Payment, key, hour))
          const waits = yield* Effect.forEach([...signals, ...signals], (each) =>
            Effect.forkChild(endOf(each), { startImmediately: true })
          )
          yield* TestClock.adjust("1 minute")
          assert.deepStrictEqual([readers, read], [1, 1])
          yield* Fiber.interrupt(waits[0]!)
          for (const { token } of signals) yield* Signal.complete(Payment, token, "x")
          for (const wait of waits.slice(1)) yield* Fiber.join(wait)
          yield* Effect.yieldNow
          assert.deepStrictEqual([readers, read], [0, 1])
          const again = yield* Signal.make(Payment, "a", hour)
          const wait = yield* Effect.forkChild(endOf(again), { startImmediately: true })
          yield* Signal.cancel(again.token)
          yield* Fiber.join(wait)
          assert.strictEqual(read, 2)
        }).pipe(Effect.provide(counting))
      }))
  })

  describe("stores", () => {
    test("stores - that hang make a call fail after their timeout, and it can be repeated", () =>
      Effect.gen(function* () {
        let hangs = true
        const layer = changed((store) => ({
          timeout: "3 seconds",
          settle: (hash, ending, at) =>
            Effect.andThen(
              store.settle(hash, ending, at),
              Effect.suspend(() => (hangs ? Effect.uninterruptible(Effect.never) : store.settle(hash, ending, at)))
            )
        }))
        yield* Effect.gen(function* () {
          const signal = yield* Signal.make(Payment, "a", hour)
          const call = yield* Effect.forkChild(Effect.flip(Signal.complete(Payment, signal.token, "x")))
          yield* TestClock.adjust(2_999)
          assert.isUndefined(call.pollUnsafe())
          yield* TestClock.adjust(1)
          const error = yield* Fiber.join(call)
          assert.strictEqual(error.message, "the store of signals did not answer (settle)")
          hangs = false
          assert.strictEqual(yield* Signal.complete(Payment, signal.token, "x"), "alreadyEnded")
        }).pipe(Effect.provide(layer))
      }))

    test("stores - that fail make each call fail with the method that did", () =>
      Effect.gen(function* () {
        const fails = (operation: SignalStoreError["operation"]) => () =>
          Effect.fail(new SignalStoreError({ operation, cause: "down" }))
        const down = changed(() => ({
          insert: fails("insert"),
          get: fails("get"),
          touch: fails("touch"),
          newest: fails("newest"),
          list: fails("list")
        }))
        const token = "a".repeat(43)
        yield* Effect.gen(function* () {
          const operations: Array<string> = []
          for (const call of [
            Signal.make(Payment, "a", hour),
            Signal.complete(Payment, token, "x"),
            Signal.heartbeat(token),
            Signal.attach(Payment, { key: "a" }),
            Signal.list()
          ]) {
            const error = yield* Effect.flip(call as Effect.Effect<unknown, SignalStoreError, SignalStore.SignalStore>)
            assert.strictEqual(error._tag, "SignalStoreError")
            operations.push(error.operation)
          }
          assert.deepStrictEqual(operations, ["insert", "get", "touch", "newest", "list"])
        }).pipe(Effect.provide(down))
      }))
  })

  describe("attach", () => {
    test("attach - finds a signal by its token or by the key of its job, open or ended [R70]", () =>
      Effect.gen(function* () {
        const signal = yield* Signal.make(Review, "a", hour)
        const byKey = yield* Signal.attach(Review, { key: "a" })
        const byToken = yield* Signal.attach(Review, { token: Redacted.value(signal.token) })
        assert.deepStrictEqual([byKey.key, byToken.key, byKey.expiresAt], ["a", "a", signal.expiresAt])
        yield* Signal.complete(Review, signal.token, verdict)
        const later = yield* Signal.attach(Review, { key: "a" })
        for (const each of [byKey, byToken, later]) {
          assert.deepStrictEqual(yield* endOf(each), Status.succeeded(verdict))
        }
        assert.strictEqual(yield* kindOf(Signal.attach(Review, { key: "b" })), "SignalUnknown")
      }))

    test("attach - by key finds the signal that was made last", () =>
      Effect.gen(function* () {
        yield* Signal.make(Payment, "a", hour)
        const next = yield* Signal.make(Payment, "a", { ...hour, onConflict: "replace" })
        const attached = yield* Signal.attach(Payment, { key: "a" })
        yield* Signal.complete(Payment, next.token, "x")
        assert.deepStrictEqual(yield* endOf(attached), Status.succeeded("x"))
      }))
  })

  describe("list", () => {
    test("list - describes signals by tag, state and job, without tokens and values", () =>
      Effect.gen(function* () {
        const open = yield* Signal.make(Payment, "open", { ...hour, tags: ["eu", "eu", "__proto__"] })
        const done = yield* Signal.make(Payment, "done", { ...hour, tags: ["eu"] })
        const bad = yield* Signal.make(Review, "bad", hour)
        yield* Signal.make(Payment, "late", { maxWaitTime: "1 second", tags: ["constructor"] })
        yield* Signal.complete(Payment, done.token, "the value")
        yield* Signal.fail(Review, bad.token, "illegible")
        yield* TestClock.adjust("1 second")
        const listed = (filter?: SignalRow.Filter) =>
          Effect.map(Signal.list(filter), (all) => all.map(({ key, state }) => `${key} ${state}`))
        assert.deepStrictEqual(yield* listed(), ["open open", "done succeeded", "bad failed", "late expired"])
        assert.deepStrictEqual(yield* listed({ tag: "eu" }), ["open open", "done succeeded"])
        assert.deepStrictEqual(yield* listed({ tag: "__proto__" }), ["open open"])
        assert.deepStrictEqual(yield* listed({ tag: "constructor", state: "ended" }), ["late expired"])
        assert.deepStrictEqual(yield* listed({ tag: "toString" }), [])
        assert.deepStrictEqual(yield* listed({ state: "open" }), ["open open"])
        assert.deepStrictEqual(yield* listed({ job: "review" }), ["bad failed"])
        assert.deepStrictEqual(yield* listed({ limit: 1 }), ["open open"])
        assert.deepStrictEqual(yield* Signal.describe(open.token), {
          job: "payment",
          key: "open",
          tags: ["eu", "__proto__"],
          state: "open",
          createdAt: 0,
          expiresAt: 3_600_000,
          endedAt: undefined
        })
        assert.notInclude(JSON.stringify(yield* Signal.list()), "the value")
      }))
  })

  describe("changes", () => {
    test("waits that begin together - have one reader of the changes, which ends with the last of them", () =>
      Effect.gen(function* () {
        const store = yield* SignalStore.SignalStore
        const seen = { opened: 0, open: 0 }
        const changes = Stream.unwrap(
          Effect.acquireRelease(
            Effect.sync(() => {
              seen.opened++
              seen.open++
              return store.changes
            }),
            () => Effect.sync(() => void seen.open--)
          )
        )
        const settled = Effect.repeat(TestClock.adjust(1), { times: 100 })
        // Whatever the operation after which a fiber yields.
        for (const ops of [4, 5, 6, 7, 8, 9, 10]) {
          seen.opened = 0
          yield* Effect.gen(function* () {
            const fibers: Array<Fiber.Fiber<void>> = []
            for (const key of ["a", "b", "c"]) {
              const { events } = yield* Signal.make(Payment, `${key} ${ops}`, hour)
              const run = Effect.provideService(Stream.runDrain(events), Scheduler.MaxOpsBeforeYield, ops)
              fibers.push(yield* Effect.forkChild(run))
            }
            yield* settled
            assert.deepStrictEqual(seen, { opened: 1, open: 1 })
            yield* Fiber.interruptAll(fibers)
            yield* settled
            assert.strictEqual(seen.open, 0)
          }).pipe(Effect.provideService(SignalStore.SignalStore, { ...store, changes }))
        }
      }))
  })

  describe("fromStream", () => {
    test("fromStream - turns statuses into reports, wakes and an end, and stops there", () =>
      Effect.gen(function* () {
        const pending = Status.pending({ progress: 0.5 })
        const stream = Stream.make<ReadonlyArray<Status.Status<string, string> | "wake">>(
          pending,
          "wake",
          Status.failed("x"),
          Status.succeeded("y")
        )
        assert.deepStrictEqual(yield* Stream.runCollect(Signal.fromStream(stream)), [
          Told.report(pending),
          Told.wake,
          Told.ended(Status.failed("x"))
        ])
      }))

    test("fromStream - leaves a stream that breaks to the wait, which checks once it listens again [R65]", () =>
      Effect.gen(function* () {
        let runs = 0
        let isDone = false
        const stream = Stream.suspend(() => {
          runs++
          return runs === 1 ? Stream.fail("down") : Stream.never
        })
        const job = Job.make("job", {
          check: (): Effect.Effect<Status.Status<string>> =>
            Effect.sync(() => (isDone ? Status.succeeded("found") : Status.pending()))
        })
        const broken: Array<unknown> = []
        const observer = {
          observe: ({ event }: Notification) =>
            Effect.sync(() => void (event._tag === "SourceBroke" && broken.push(event.error)))
        }
        const options = { deadline: "1 hour", behind: Strategy.spaced("30 minutes"), observers: [observer] } as const
        const wait = yield* Effect.forkChild(Poll.until(job, "a", { ...options, signal: Signal.fromStream(stream) }))
        yield* TestClock.adjust(500)
        isDone = true
        yield* TestClock.adjust(500)
        assert.deepStrictEqual([yield* Fiber.join(wait), runs, broken], ["found", 2, ["down"]])
      }))
  })

  describe("Job.withCodecs", () => {
    it.effect("withCodecs - survives Job.provide, in both styles and in either order", () =>
      Effect.gen(function* () {
        class Region extends Context.Service<Region, string>()("Region") {}
        const job = Job.make("render", {
          check: (id: string) => Effect.map(Region, (region) => Status.succeeded(`${region}/${id}`))
        })
        const success = Schema.String
        const eu = Layer.succeed(Region, "eu")
        const first = Job.provide(Job.withCodecs(job, { success }), eu)
        const last = job.pipe(Job.provide(eu), Job.withCodecs({ success }))
        for (const each of [first, last]) {
          assert.deepStrictEqual(each.codecs, { success, failure: undefined })
          assert.isTrue(Job.isJob(each))
          const signal = yield* Signal.make(each, `${each === first}`, hour)
          assert.strictEqual(yield* Signal.complete(each, signal.token, "x"), "accepted")
        }
      }).pipe(Effect.provide(SignalStore.layerMemory()))
    )

    it("withCodecs - refuses what is not a Schema or not a Job", () => {
      assert.throws(() => Job.withCodecs(Payment, { success: {} as never }), RangeError, /success must be a Schema/)
      assert.throws(
        () => Job.withCodecs(Review, { success: Review.codecs.success, failure: 1 as never }),
        RangeError,
        /failure must be a Schema/
      )
      assert.throws(() => Job.withCodecs({} as typeof Payment, { success: Schema.String }), RangeError, /must be a Job/)
    })
  })
})

const failure = new SignalStoreError({ operation: "get", cause: "down" })
