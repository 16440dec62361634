import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as TestClock from "effect/testing/TestClock"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"
import { hour } from "./support/options.ts"

/** What the third check of a wait finds, after two that are pending. */
const thirds: Record<string, Exit.Exit<Status.Status<string, string>, string>> = {
  success: Exit.succeed(Status.succeeded("done")),
  failure: Exit.succeed(Status.failed("broken")),
  error: Exit.fail("offline"),
  defect: Exit.die("bug"),
  interruption: Exit.interrupt()
}

/** How a wait ends, and after how many checks. */
const endOf = (
  third: Exit.Exit<Status.Status<string, string>, string>,
  as: (exit: Exit.Exit<Status.Status<string, string>, string>) => Effect.Effect<Status.Status<string, string>, string>
) =>
  Effect.gen(function* () {
    let checks = 0
    const poller = yield* Poller.make()
    const job = Job.make("job", { check: (_: string) => as(++checks < 3 ? Exit.succeed(Status.pending()) : third) })
    const handle = yield* poller.add(job, "a", { ...hour, checkErrors: { maxConsecutive: 2, maxOutage: "1 second" } })
    const fiber = yield* Effect.forkChild(Effect.exit(handle.await))
    yield* TestClock.adjust("2 hours")
    return { exit: String(yield* Fiber.join(fiber)), checks, stats: yield* poller.stats }
  })

describe("Poller", () => {
  describe("check that is done at once", () => {
    for (const [name, third] of Object.entries(thirds)) {
      it.effect(`${name} - ends the wait as one does that runs in a fiber`, () =>
        Effect.gen(function* () {
          const forked = yield* endOf(third, (exit) => Effect.suspend(() => exit))
          assert.strictEqual(forked.checks >= 3, true)
          assert.deepStrictEqual(yield* endOf(third, (exit) => exit), forked)
        })
      )
    }

    it.effect("one that removes its own wait - leaves nothing in flight", () =>
      Effect.gen(function* () {
        const poller = yield* Poller.make()
        let leave: Effect.Effect<unknown> = Effect.void
        const job = Job.make("job", {
          check: () => {
            Effect.runFork(leave)
            return Effect.succeed(Status.pending())
          }
        })
        const handle = yield* poller.add(job, "a", hour)
        leave = handle.interrupt
        yield* TestClock.adjust("1 minute")
        const { requests, watched } = yield* poller.stats
        assert.deepStrictEqual({ requests, watched }, { requests: 0, watched: 0 })
      })
    )
  })
})
