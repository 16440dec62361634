import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { pending } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { runFor } from "./support/runs.ts"

/** User code that throws. */
const bug = (): never => {
  throw new Error("bug")
}

describe.each(hosts)("$name", (host) => {
  describe("checks", () => {
    it.effect("defect in a check - ends the wait with its own cause", () =>
      Effect.gen(function* () {
        const { exit } = yield* runFor(host.until(Effect.die("bug"), { deadline: "1 minute" }), "1 minute")
        assert.deepStrictEqual(exit, Exit.die("bug"))
      })
    )

    it.effect("defect beside a failure in one cause - ends the wait as a defect", () =>
      Effect.gen(function* () {
        const cause: Cause.Cause<never> = Cause.combine(Cause.fail("x"), Cause.die("bug")) as never
        const { exit } = yield* runFor(host.until(Effect.failCause(cause), { deadline: "1 minute" }), "1 minute")
        assert.deepStrictEqual(exit, Exit.failCause(cause))
      })
    )

    it.effect("check that throws when it is made - ends the wait as a defect", () =>
      Effect.gen(function* () {
        const job = Job.make("thrower", {
          check: (): Effect.Effect<Status.Pending> => {
            throw new Error("no effect")
          }
        })
        const { exit } = yield* runFor(host.until(job, "a", { deadline: "1 minute" }), "1 minute")
        assert.deepStrictEqual(exit, Exit.die(new Error("no effect")))
      })
    )

    it.effect("check that yields no status - ends the wait with a TypeError that says what it yielded", () =>
      Effect.gen(function* () {
        for (const [found, shown] of [
          ["done", "string"],
          [undefined, "undefined"],
          [null, "null"],
          [7, "number"],
          [{ state: "done" }, "an object"],
          [[pending], "an object"],
          [{ _tag: "Succeeded", value: 1 }, "an object with the _tag Succeeded"],
          [{ _tag: "Annotated", result: pending }, "an object with the _tag Annotated"]
        ] as const) {
          const check = Effect.succeed<Status.Pending>(found as never)
          const { exit } = yield* runFor(host.until(check, { deadline: "1 minute" }), "1 minute")
          const message = `a check must return a status or a CheckResult, got ${shown}`
          assert.deepStrictEqual(exit, Exit.die(new TypeError(message)))
        }
      })
    )

    it.effect("interruption inside a check - ends the wait as interrupted", () =>
      Effect.gen(function* () {
        const { exit } = yield* runFor(host.until(Effect.interrupt, { deadline: "1 minute" }), "1 minute")
        assert(exit !== "running" && Exit.hasInterrupts(exit))
      })
    )

    it.effect("check that interrupts its own fiber - ends the wait instead of hanging", () =>
      Effect.gen(function* () {
        const check = Effect.withFiber((fiber) => {
          fiber.interruptUnsafe()
          return Effect.as(Effect.yieldNow, pending)
        })
        const { at, exit } = yield* runFor(host.until(check, { deadline: "1 minute" }), "1 hour")
        assert(exit !== "running" && Exit.hasInterrupts(exit))
        assert.strictEqual(at, 0)
      })
    )
  })

  describe("user code", () => {
    it.effect("strategy that throws after a checkTimeout - ends the wait", () =>
      Effect.gen(function* () {
        const schedule = Strategy.make({ decide: bug })
        const options = { deadline: "1 minute", checkTimeout: "5 seconds", checkErrors: { schedule } } as const
        const { at, exit } = yield* runFor(host.until(Effect.never, options), "1 hour")
        assert.notStrictEqual(exit, "running")
        assert.strictEqual(at, 5000)
      })
    )

    const cases: ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>]> = [
      [
        "decide that throws",
        host.until(Effect.succeed(pending), { strategy: Strategy.make({ decide: bug }), deadline: "1 minute" })
      ],
      [
        "kindOf that throws",
        host.until(Effect.fail("x"), { deadline: "1 minute", checkTimeout: "unbounded", checkErrors: { kindOf: bug } })
      ],
      [
        "treatAs that throws",
        host.until(Effect.succeed(CheckResult.unknownState("x")), {
          deadline: "1 minute",
          unknownState: { treatAs: bug }
        })
      ],
      [
        "gone that throws",
        host.until(Job.make("j", { check: () => Effect.succeed(CheckResult.missing), missing: { gone: bug } }), "a", {
          deadline: "1 minute"
        })
      ],
      [
        "locate that throws",
        host.until(
          Job.make("j", {
            check: () => Effect.succeed(CheckResult.missing),
            missing: { fallback: { locate: bug, check: () => Effect.succeed(pending) } }
          }),
          "a",
          { deadline: "1 minute" }
        )
      ],
      [
        "fallback check that throws",
        host.until(
          Job.make("j", {
            check: () => Effect.succeed(CheckResult.missing),
            missing: { fallback: { locate: () => "b", check: bug } }
          }),
          "a",
          { deadline: "1 minute" }
        )
      ],
      [
        "hint beyond any date",
        host.until(Effect.succeed(CheckResult.withHint(pending, Number.MAX_SAFE_INTEGER)), {
          deadline: "1 minute",
          maxHint: Number.MAX_SAFE_INTEGER
        })
      ],
      [
        "failure that cannot be printed",
        host.until(Effect.succeed(Status.failed({ toString: bug, toJSON: bug })), { deadline: "1 minute" })
      ],
      [
        "check that interrupts its fiber and waits for that",
        host.until(
          Effect.as(
            Effect.withFiber((fiber) => Fiber.interrupt(fiber)),
            pending
          ),
          { deadline: "1 minute", checkTimeout: "unbounded" }
        )
      ]
    ]

    for (const [name, wait] of cases)
      it.effect(`${name} - ends the wait instead of hanging`, () =>
        Effect.gen(function* () {
          const { exit, at } = yield* runFor(wait, "1 hour")
          assert.notStrictEqual(exit, "running")
          assert.strictEqual(at, name === "hint beyond any date" ? 60_000 : 0)
        })
      )
  })
})
