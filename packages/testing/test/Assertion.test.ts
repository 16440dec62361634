import { assert, describe, it } from "@effect/vitest"
import * as Assertion from "@effect-poll/testing/Assertion"
import * as WebhookInbox from "@effect-poll/testing/WebhookInbox"
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Data from "effect/Data"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Ref from "effect/Ref"
import * as TestClock from "effect/testing/TestClock"
import { aged, post } from "./client.ts"

class Region extends Context.Service<Region, string>()("test/Region") {}

class NotYet extends Data.TaggedError("NotYet")<{ readonly n: number }> {}

/** A counter that a background fiber increments once a second. */
const counter = Effect.gen(function* () {
  const count = yield* Ref.make(0)
  const increment = Effect.andThen(
    Effect.sleep("1 second"),
    Ref.update(count, (n) => n + 1)
  )
  yield* Effect.forkChild(Effect.forever(increment))
  return Ref.get(count)
})

const elapsed = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const before = yield* Clock.currentTimeMillis
    const value = yield* effect
    return [value, (yield* Clock.currentTimeMillis) - before] as const
  })

describe("Assertion", () => {
  describe("eventually", () => {
    it.effect("value - is yielded once it is the right one, and the TestClock moves by itself", () =>
      Effect.gen(function* () {
        const count = yield* counter
        const [value, time] = yield* elapsed(Assertion.eventually(count, { equals: 3, within: "10 seconds" }))
        assert.deepStrictEqual([value, time], [3, 3000])
      })
    )

    it.effect("first check - is made at once", () =>
      Effect.gen(function* () {
        const [value, time] = yield* elapsed(Assertion.eventually(Effect.succeed(1), { within: "1 hour" }))
        assert.deepStrictEqual([value, time], [1, 0])
      })
    )

    it.effect("satisfies - may return false, or throw, until the value holds", () =>
      Effect.gen(function* () {
        const count = yield* counter
        const options = { within: "10 seconds", every: "100 millis" } as const
        assert.strictEqual(yield* Assertion.eventually(count, { ...options, satisfies: (n) => n >= 2 }), 2)
        const asserts = (n: number) => assert.strictEqual(n, 4)
        assert.strictEqual(yield* Assertion.eventually({ ...options, satisfies: asserts })(count), 4)
      })
    )

    it.effect("failure, or a failed assertion - is checked again", () =>
      Effect.gen(function* () {
        const count = yield* counter
        const typed = Effect.flatMap(count, (n) => (n < 2 ? Effect.fail(new NotYet({ n })) : Effect.succeed("two")))
        assert.strictEqual(yield* Assertion.eventually(typed, { within: "5 seconds" }), "two")
        const asserting = Effect.map(count, (n) => assert.strictEqual(n, 4))
        assert.isUndefined(yield* Assertion.eventually(asserting, { within: "5 seconds" }))
      })
    )

    it.effect("time that runs out - fails with the last value and its difference", () =>
      Effect.gen(function* () {
        const found = { name: "render", state: "RUNNING", progress: [0, 1, 2], owner: { id: 7, region: "eu-central" } }
        const check = Assertion.eventually(Effect.succeed(found), {
          equals: { ...found, state: "DONE" },
          within: "2 seconds",
          every: "1 second"
        })
        const [error, time] = yield* elapsed(Effect.flip(check))
        assert.deepStrictEqual([time, error.checks], [2000, 3])
        assert.match(error.message, /^did not hold within 2s \(3 checks in 2s\): the last value was \{/)
        assert.include(error.message, `\n    "name": "render",\n`)
        assert.include(error.message, `\n-   "state": "DONE",\n+   "state": "RUNNING",\n`)
        assert.deepStrictEqual(error.actual, found)
        assert.deepStrictEqual(error.expected, { ...found, state: "DONE" })
        assert.deepStrictEqual(error.elapsed, Duration.seconds(2))
      })
    )

    it.effect("short values - are one line each", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(
          Assertion.eventually(Effect.succeed("a"), { equals: "b", within: "1 second", every: "1 second" })
        )
        assert.strictEqual(
          error.message,
          'did not hold within 1s (2 checks in 1s): the last value was "a"\n\n- "b"\n+ "a"'
        )
      })
    )

    it.effect("last error - is in the message, with the difference of an assertion library", () =>
      Effect.gen(function* () {
        const asserting = Effect.sync(() => assert.strictEqual(1, 2, "wrong count"))
        const error = yield* Effect.flip(Assertion.eventually(asserting, { within: "1 second" }))
        assert.include(error.message, "the last check failed: AssertionError: wrong count")
        assert.include(error.message, "\n\n- 2\n+ 1")
        assert.instanceOf(error.cause, Error)
        const failing = Effect.fail(new NotYet({ n: 3 }))
        const typed = yield* Effect.flip(Assertion.eventually(failing, { within: "1 second" }))
        assert.include(typed.message, "NotYet")
      })
    )

    it.effect.each([
      ["value", Effect.succeed({ archive: "x".repeat(1_000_000) })],
      ["list", Effect.succeed(Array.from({ length: 50_000 }, (_, at) => at))],
      ["error", Effect.fail({ _tag: "Broken", message: "x".repeat(1_000_000) })]
    ] as ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>]>)(
      "large %s - has a message of a few thousand characters, and is whole in the error",
      ([what, effect]) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(Assertion.eventually(effect, { equals: {}, within: "1 second" }))
          assert.isBelow(error.message.length, 15_000)
          assert.match(error.message, /… \(\d+ more characters\)/)
          if (what === "list") assert.lengthOf(error.actual as Array<number>, 50_000)
        })
    )

    it.effect("check that hangs - is bounded, and the message says that none was completed", () =>
      Effect.gen(function* () {
        const [error, time] = yield* elapsed(Effect.flip(Assertion.eventually(Effect.never, { within: "3 seconds" })))
        assert.strictEqual(error.message, "did not hold within 3s (1 check in 3s): no check completed")
        assert.strictEqual(time, 3000)
      })
    )

    it.effect("check that sleeps - moves the clock by itself", () =>
      Effect.gen(function* () {
        const slow = Effect.as(Effect.sleep("10 seconds"), "slow")
        const [value, time] = yield* elapsed(Assertion.eventually(slow, { within: "1 minute" }))
        assert.deepStrictEqual([value, time], ["slow", 10_000])
      })
    )

    it.effect("interruption within the check - ends the assertion", () =>
      Effect.gen(function* () {
        const exit = yield* Effect.exit(Assertion.eventually(Effect.interrupt, { within: "1 second" }))
        assert(exit._tag === "Failure")
        assert.isTrue(exit.cause.reasons.every(({ _tag }) => _tag === "Interrupt"))
      })
    )

    it.effect("interruption of the assertion - stops the checks", () =>
      Effect.gen(function* () {
        let checks = 0
        const never = Assertion.eventually(
          Effect.sync(() => ++checks),
          { equals: 0, within: "1 hour" }
        )
        const fiber = yield* Effect.forkChild(never, { startImmediately: true })
        yield* Fiber.interrupt(fiber)
        const seen = checks
        yield* TestClock.adjust("10 minutes")
        assert.strictEqual(checks, seen)
      })
    )

    it.effect("services - are those of the caller", () =>
      Effect.gen(function* () {
        const region = Assertion.eventually(Region, { equals: "eu", within: "1 second" })
        assert.strictEqual(yield* Effect.provideService(region, Region, "eu"), "eu")
      })
    )

    aged("TestClock and sockets - a post that is on its way arrives", () =>
      Effect.gen(function* () {
        const inbox = yield* WebhookInbox.make()
        yield* Effect.forkChild(post(`${inbox.url}/hook`, { done: true }))
        const posts = yield* Assertion.eventually(inbox.received, {
          satisfies: ({ length }) => length === 1,
          within: "10 seconds"
        })
        assert.strictEqual(posts[0]!.path, "/hook")
      })
    )

    it.live("live clock - waits in real time", () =>
      Effect.gen(function* () {
        let calls = 0
        const counted = Effect.sync(() => ++calls)
        assert.strictEqual(yield* Assertion.eventually(counted, { equals: 3, within: "5 seconds", every: 1 }), 3)
        const error = yield* Effect.flip(Assertion.eventually(counted, { equals: 0, within: 20, every: 5 }))
        assert.match(error.message, /^did not hold within 20ms/)
      })
    )
  })

  describe("during", () => {
    it.effect("value that stays - yields the last one after the time", () =>
      Effect.gen(function* () {
        const count = yield* counter
        const under = { satisfies: (n: number) => n < 5, for: "4 seconds" } as const
        const [value, time] = yield* elapsed(Assertion.during(count, under))
        assert.deepStrictEqual([value, time], [4, 4000])
      })
    )

    it.effect("value that changes - fails at once, and says how long it held", () =>
      Effect.gen(function* () {
        const count = yield* counter
        const check = Assertion.during(count, { equals: 0, for: "10 seconds", every: "500 millis" })
        const [error, time] = yield* elapsed(Effect.flip(check))
        assert.strictEqual(
          error.message,
          "held for 1s instead of 10s (3 checks in 1s): the last value was 1\n\n- 0\n+ 1"
        )
        assert.strictEqual(time, 1000)
      })
    )

    it.effect("failure - fails at once", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Assertion.during(Effect.fail("gone"), { for: "10 seconds" }))
        assert.strictEqual(error.message, 'held for 0ms instead of 10s (1 check in 0ms): the last check failed: "gone"')
      })
    )

    it.effect("check that hangs - fails", () =>
      Effect.gen(function* () {
        const error = yield* Effect.flip(Assertion.during(Effect.never, { for: "2 seconds" }))
        assert.include(error.message, "no check completed")
      })
    )

    it.effect("data-last - is the same", () =>
      Effect.gen(function* () {
        assert.strictEqual(yield* Effect.succeed(1).pipe(Assertion.during({ for: "1 second" })), 1)
      })
    )
  })

  it("options out of range - throw a RangeError that names option and value", () => {
    const one = Effect.succeed(1)
    const messages = [
      () => Assertion.eventually(one, { within: 0 }),
      () => Assertion.eventually(one, { within: "soon" as never }),
      () => Assertion.eventually(one, {} as never),
      () => Assertion.during(one, { for: Number.POSITIVE_INFINITY }),
      () => Assertion.during(one, { for: "1 second", every: -1 })
    ].map((call) => {
      try {
        return call()
      } catch (error) {
        return String(error)
      }
    })
    assert.deepStrictEqual(messages, [
      "RangeError: Assertion.eventually: within must be a positive finite duration, got 0",
      'RangeError: Assertion.eventually: within must be a positive finite duration, got "soon"',
      "RangeError: Assertion.eventually: within must be a positive finite duration, got undefined",
      "RangeError: Assertion.during: for must be a positive finite duration, got Infinity",
      "RangeError: Assertion.during: every must be a positive finite duration, got -1"
    ])
  })
})
