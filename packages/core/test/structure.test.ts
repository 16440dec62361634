import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Job from "effect-poll/Job"
import * as Poller from "effect-poll/Poller"
import * as Status from "effect-poll/Status"

/** The files of this package on the stack, each once, from the caller to the callee. */
const filesOf = (stack: string): ReadonlyArray<string> => {
  const files = [...stack.matchAll(/packages\/core\/src\/([\w/]+\.ts)/g)].map((match) => match[1]!)
  return [...new Set(files.toReversed())]
}

describe("structure", () => {
  it.effect("Poller.add - reaches the first check through at most 12 files", () =>
    Effect.gen(function* () {
      let files: ReadonlyArray<string> = []
      const { stackTraceLimit } = Error
      Error.stackTraceLimit = Number.POSITIVE_INFINITY
      const job = Job.make("render", {
        check: (id: string) => {
          files = filesOf(new Error("trace").stack!)
          return Effect.succeed(Status.succeeded(id))
        }
      })
      const poller = yield* Poller.make({ stagger: false })
      const handle = yield* poller.add(job, "a", { deadline: "1 minute" })
      Error.stackTraceLimit = stackTraceLimit
      assert.strictEqual(yield* handle.await, "a")
      assert.isAtLeast(files.length, 2, "the check runs within add")
      assert.isAtMost(files.length, 12, files.join(" > "))
      assert.include(files[0], "poller/service.ts")
    })
  )
})
