import { assert, describe, it } from "@effect/vitest"
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Result from "effect/Result"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import { hour, plain } from "./support/options.ts"

type Step = (wait: object, event: unknown) => { readonly exit: Exit.Exit<never, never> }

// No package exports them, and the compiler does not follow a path that it cannot read.
const machinePath: string = "../src/internal/machine/machine.ts"
const waitPath: string = "../src/internal/machine/wait.ts"
const { step } = (await import(machinePath)) as { readonly step: Step }
const { make } = (await import(waitPath)) as { readonly make: (...args: ReadonlyArray<unknown>) => object }

/** How waits for these keys end when one request for all of them is answered so. */
const endsOf = (answer: unknown, keys: ReadonlyArray<string>) =>
  Effect.gen(function* () {
    const job = Job.make<string>("many", {
      check: () => Effect.never,
      checkMany: { max: 10, slack: 0, check: () => Effect.succeed(answer as never) }
    })
    const poller = yield* Poller.make(plain)
    const handles = yield* Effect.forEach(keys, (key) => poller.add(job, key, hour))
    yield* TestClock.adjust("1 minute")
    return yield* Effect.forEach(handles, (handle) =>
      Effect.map(Effect.exit(handle.await), (exit) =>
        Exit.isSuccess(exit) ? exit.value : (Cause.squash(exit.cause) as Error).message
      )
    )
  })

const done = Result.succeed(Status.succeeded("done"))

describe("Poller", () => {
  describe("what is no result [R44]", () => {
    for (const [name, answer, shown] of [
      ["nothing", undefined, "undefined"],
      ["null", null, "null"],
      ["a Map", new Map([["a", done]]), "a Map"],
      ["a list of results", { results: [done] }, "results: an array"],
      ["a text", "done", "string"]
    ] as const) {
      it.effect(`request for many that is answered with ${name} - ends its waits with a defect that says so`, () =>
        Effect.gen(function* () {
          const message = `the checkMany of the job "many" must yield { results: Map }, got ${shown}`
          assert.deepStrictEqual(yield* endsOf(answer, ["a", "b"]), [message, message])
        })
      )
    }

    for (const hint of [undefined, Duration.seconds(1)]) {
      it.effect(`entry that is no result, ${hint === undefined ? "without" : "with"} a hint - ends its own wait`, () =>
        Effect.gen(function* () {
          const results = new Map<string, unknown>([
            ["a", done],
            ["b", Status.succeeded("done")],
            ["c", null],
            ["d", Result.succeed("done")],
            ["e", Result.succeed(undefined)],
            ["f", Result.succeed({ _tag: "Annotated", result: Status.succeeded("done") })]
          ])
          const entry = "checkMany must yield a Result for each key, got"
          const check = "a check must return a status or a CheckResult, got"
          assert.deepStrictEqual(yield* endsOf({ results, hint }, ["a", "b", "c", "d", "e", "f"]), [
            "done",
            `${entry} Succeeded`,
            `${entry} null`,
            `${check} string`,
            `${check} undefined`,
            `${check} an object with the _tag Annotated`
          ])
        })
      )
    }

    it("event that does not exist - ends the wait with a defect that names it", () => {
      const setting = { policy: { history: false }, emit: () => {}, time: { now: 0 } }
      for (const [event, shown] of [
        [{ _tag: "Chequed" }, "Chequed"],
        [{}, "object"],
        [{ _tag: "due" }, "due"]
      ] as const) {
        const { exit } = step(make(setting, "a", "a", undefined), event)
        assert.deepStrictEqual(exit, Exit.die(new Error(`unknown event: ${shown}`)))
      }
    })
  })
})
