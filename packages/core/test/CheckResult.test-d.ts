import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { PollError } from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import { options } from "./support/types.ts"

describe("CheckResult", () => {
  it("withHint and withRun - have A and F never for a pending status, in both forms", () => {
    const hinted = CheckResult.withHint(Status.pending(), "5 seconds")
    expectTypeOf(hinted).toEqualTypeOf<CheckResult.CheckResult<never>>()
    expectTypeOf(CheckResult.withHint("5 seconds")(Status.pending())).toEqualTypeOf(hinted)
    const run = CheckResult.withRun(Status.pending(), { generation: 1 })
    expectTypeOf(run).toEqualTypeOf<CheckResult.CheckResult<never>>()
    expectTypeOf(CheckResult.withRun({ generation: 1 })(Status.pending())).toEqualTypeOf(run)
  })

  it("withHint - keeps the types of the result", () => {
    expectTypeOf(CheckResult.withHint(Status.failed("bad" as const), "1 second")).toEqualTypeOf<
      CheckResult.CheckResult<never, "bad">
    >()
    expectTypeOf(CheckResult.withHint(CheckResult.missing, "1 second")).toEqualTypeOf<CheckResult.CheckResult<never>>()
  })

  it("Status - is a CheckResult", () => {
    expectTypeOf<Status.Status<string, number>>().toExtend<CheckResult.CheckResult<string, number>>()
  })

  it("check with a hint - infers the types of its Job and of the wait", () => {
    const made = Job.make("render", {
      check: (id: string) =>
        Effect.succeed(id === "a" ? CheckResult.withHint(Status.pending(), "5 seconds") : Status.succeeded(`${id}.png`))
    })
    expectTypeOf(made).toExtend<Job.Job<string, string>>()
    expectTypeOf(Poll.until(made, "a", options)).toEqualTypeOf<Effect.Effect<string, PollError<never, never>>>()
    const pendingOnly = Job.make("render", {
      check: (_id: string) => Effect.succeed(CheckResult.withHint(Status.pending(), "5 seconds"))
    })
    expectTypeOf(Poll.until(pendingOnly, "a", options)).toEqualTypeOf<Effect.Effect<never, PollError<never, never>>>()
  })
})
