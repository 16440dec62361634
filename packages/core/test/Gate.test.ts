import { assert, describe, it } from "@effect/vitest"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Gate from "effect-poll/Gate"

describe("Gate", () => {
  it.effect("all - stops at the first gate that postpones and does not ask the ones after it", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const named = (name: string, answer: Gate.Answer) =>
        Gate.make(() => Effect.sync(() => (asked.push(name), answer)))
      const gate = Gate.all([
        named("a", Gate.open),
        named("b", Gate.postponed("1 second", "b is closed")),
        named("c", Gate.open)
      ])
      const answer = yield* gate.ask({ job: "j", key: "k" })
      assert.deepStrictEqual([answer._tag, asked], ["Postponed", ["a", "b"]])
    })
  )

  it("postponed - throws a RangeError for a delay that is not positive", () => {
    assert.throws(() => Gate.postponed(0, "never"), RangeError, /Gate\.postponed: delay/)
  })

  it("postponed - throws a RangeError for a spread that is negative or not finite", () => {
    for (const spread of [-1, Infinity, Number.NaN]) {
      assert.throws(() => Gate.postponed("1 second", "closed", spread), RangeError, /Gate\.postponed: spread/)
    }
    const answer = Gate.postponed("1 second", "closed", 0)
    assert.strictEqual(answer._tag === "Postponed" && answer.spread !== undefined, true)
  })

  describe("make", () => {
    const subject = { job: "render", key: "a" }

    /** Asks a gate; yields the answer as a text, or that there is none. */
    const asking = (gate: Gate.Gate, key = "a") =>
      Effect.map(Effect.forkChild(gate.ask({ job: "render", key }), { startImmediately: true }), (fiber) => () => {
        const exit = fiber.pollUnsafe()
        if (exit === undefined) return "none"
        if (exit._tag === "Failure") return "failure"
        return exit.value._tag === "Open" ? "open" : exit.value.reason
      })

    it("make - throws a RangeError for a timeout that is not positive, or a partition that is no function", () => {
      const never = () => Effect.never
      for (const timeout of [0, -1, Number.NaN, Infinity]) {
        assert.throws(() => Gate.make(never, { timeout }), RangeError, /Gate\.make: timeout/)
      }
      assert.throws(() => Gate.make(never, { partition: "x" as never }), RangeError, /Gate\.make: partition/)
    })

    it.effect("gate that does not answer - postpones the check after its timeout, by default 5 seconds [R47]", () =>
      Effect.gen(function* () {
        const slow = yield* asking(Gate.make(() => Effect.never))
        const slower = yield* asking(Gate.make(() => Effect.never, { timeout: "8 seconds" }))
        const stuck = yield* asking(Gate.make(() => Effect.uninterruptible(Effect.sleep("1 hour")) as never))
        const unbounded = yield* asking(Gate.make(() => Effect.never, { timeout: "unbounded" }))
        yield* TestClock.adjust("4999 millis")
        assert.deepStrictEqual([slow(), slower(), stuck()], ["none", "none", "none"])
        yield* TestClock.adjust("1 millis")
        assert.deepStrictEqual([slow(), slower(), stuck()], ["gate timeout", "none", "gate timeout"])
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual([slower(), unbounded()], ["gate timeout", "none"])
        yield* TestClock.adjust("1 hour")
      })
    )

    it.effect("answer within the timeout, a defect and an interruption - are those of the function [R47]", () =>
      Effect.gen(function* () {
        let interrupted = 0
        const hangs = Effect.onInterrupt(Effect.never, () => Effect.sync(() => interrupted++))
        const fine = yield* asking(Gate.make(() => Effect.delay(Effect.succeed(Gate.open), "1 second")))
        const dies = yield* asking(Gate.make(() => Effect.delay(Effect.die("bug"), "1 second")))
        const fiber = yield* Effect.forkChild(Gate.make(() => hangs).ask(subject), { startImmediately: true })
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([fine(), dies()], ["open", "failure"])
        yield* Fiber.interrupt(fiber)
        assert.strictEqual(interrupted, 1)
        const timed = yield* asking(Gate.make(() => hangs))
        yield* TestClock.adjust("5 seconds")
        assert.deepStrictEqual([timed(), interrupted], ["gate timeout", 2])
      })
    )

    it.effect("partition that is postponed - asks again after the delay, one check for all [R48]", () =>
      Effect.gen(function* () {
        let asked = 0
        let answer: Effect.Effect<Gate.Answer> = Effect.succeed(Gate.postponed("4 seconds", "closed"))
        const gate = Gate.make(() => Effect.suspend(() => (asked++, answer)), { partition: ({ job }) => job })
        assert.strictEqual((yield* gate.ask(subject))._tag, "Postponed")
        yield* TestClock.adjust("1 second")
        for (let i = 0; i < 20; i++) {
          const again = yield* gate.ask(subject)
          assert(again._tag === "Postponed")
          const millis = Duration.toMillis(again.delay)
          assert.isTrue(millis >= 3000 && millis < 7000, `${millis}`)
          assert.strictEqual(again.reason, "closed")
        }
        assert.strictEqual(asked, 1)
        yield* TestClock.adjust("3 seconds")
        answer = Effect.delay(Effect.succeed(Gate.open), "2 seconds")
        const first = yield* asking(gate)
        const second = yield* asking(gate, "b")
        assert.deepStrictEqual([first(), second(), asked], ["none", "closed", 2])
        yield* TestClock.adjust("2 seconds")
        // Once it is open, each check asks.
        answer = Effect.succeed(Gate.open)
        const rest = [yield* asking(gate, "b"), yield* asking(gate, "c")]
        assert.deepStrictEqual([first(), rest[0]!(), rest[1]!(), asked], ["open", "open", "open", 4])
      })
    )

    it.effect("spread of an answer - says over how long the other checks come back [R48]", () =>
      Effect.gen(function* () {
        const gate = Gate.make(() => Effect.succeed(Gate.postponed("4 seconds", "closed", 0)), {
          partition: () => "all"
        })
        const answers = [yield* gate.ask(subject), yield* gate.ask(subject), yield* gate.ask(subject)]
        for (const answer of answers) {
          assert(answer._tag === "Postponed")
          assert.strictEqual(Duration.toMillis(answer.delay), 4000)
        }
      })
    )

    it.effect("clock that is set back - opens a partition [R48]", () =>
      Effect.gen(function* () {
        let asked = 0
        const gate = Gate.make(() => Effect.sync(() => (asked++, Gate.postponed("1 hour", "closed"))), {
          partition: () => "all"
        })
        yield* TestClock.adjust("1 day")
        yield* gate.ask(subject)
        yield* TestClock.setTime(1000)
        yield* gate.ask(subject)
        assert.strictEqual(asked, 2)
      })
    )

    it.effect("question for a partition that times out - lets another check ask after a second [R48]", () =>
      Effect.gen(function* () {
        let asked = 0
        const gate = Gate.make(() => Effect.suspend(() => (asked++, Effect.never)), { partition: () => "all" })
        const first = yield* asking(gate)
        yield* TestClock.adjust("5 seconds")
        const second = yield* asking(gate, "b")
        assert.deepStrictEqual([first(), second(), asked], ["gate timeout", "gate timeout", 1])
        yield* TestClock.adjust("1 second")
        const third = yield* asking(gate, "c")
        assert.deepStrictEqual([third(), asked], ["none", 2])
      })
    )

    it.effect("all - asks none of its gates while a partition of one of them is postponed [R48]", () =>
      Effect.gen(function* () {
        const asked: Array<string> = []
        const named = (name: string, answer: Gate.Answer, options?: Gate.Options) =>
          Gate.make(() => Effect.sync(() => (asked.push(name), answer)), options)
        const closed = named("circuit", Gate.postponed("1 minute", "closed"), { partition: () => "all" })
        const gate = Gate.all([named("budget", Gate.open), closed])
        for (let i = 0; i < 3; i++) assert.strictEqual((yield* gate.ask(subject))._tag, "Postponed")
        assert.deepStrictEqual(asked, ["budget", "circuit"])
      })
    )
  })
})
