import { describe, expectTypeOf, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import type { PollError } from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import { ignore, type Network, options } from "./support/types.ts"

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

  describe("fromEffect", () => {
    interface NotReady {
      readonly _tag: "NotReady"
    }
    interface NotFound {
      readonly _tag: "NotFound"
      readonly name: string
    }
    interface Denied {
      readonly _tag: "Denied"
    }
    type SdkError = NotReady | NotFound | Denied
    const call = null as unknown as Effect.Effect<string, SdkError, Network>

    it("fromEffect - removes the errors that are answers, and keeps the others exactly", () => {
      expectTypeOf(CheckResult.fromEffect(call)).toEqualTypeOf<
        Effect.Effect<CheckResult.CheckResult<string>, SdkError, Network>
      >()
      expectTypeOf(CheckResult.fromEffect(call, { pending: ["NotReady"], missing: ["NotFound"] })).toEqualTypeOf<
        Effect.Effect<CheckResult.CheckResult<string>, Denied, Network>
      >()
      expectTypeOf(
        CheckResult.fromEffect(call, { pending: ["NotReady", "NotFound"], permanent: ["Denied"], transient: [] })
      ).toEqualTypeOf<Effect.Effect<CheckResult.CheckResult<string>, Denied, Network>>()
      expectTypeOf(CheckResult.fromEffect(call, { pending: ["NotReady", "NotFound", "Denied"] })).toEqualTypeOf<
        Effect.Effect<CheckResult.CheckResult<string>, never, Network>
      >()
    })

    it("fromEffect - has the types of results and failures", () => {
      expectTypeOf(CheckResult.fromEffect(call, { succeeded: ["NotFound"] })).toEqualTypeOf<
        Effect.Effect<CheckResult.CheckResult<string | void>, NotReady | Denied, Network>
      >()
      expectTypeOf(
        CheckResult.fromEffect(call, { succeeded: ["NotFound"], value: ({ name }) => name.length })
      ).toEqualTypeOf<Effect.Effect<CheckResult.CheckResult<string | number>, NotReady | Denied, Network>>()
      expectTypeOf(CheckResult.fromEffect(call, { failed: ["Denied"] })).toEqualTypeOf<
        Effect.Effect<CheckResult.CheckResult<string, Denied>, NotReady | NotFound, Network>
      >()
      expectTypeOf(
        CheckResult.fromEffect(call, {
          answer: (value) => (value === "" ? Status.pending() : Status.failed(value.length))
        })
      ).toEqualTypeOf<Effect.Effect<CheckResult.CheckResult<never, number>, SdkError, Network>>()
      const answering = null as unknown as Effect.Effect<Status.Status<Date, "torn">>
      expectTypeOf(CheckResult.fromEffect(answering)).toEqualTypeOf<
        Effect.Effect<CheckResult.CheckResult<Date, "torn">>
      >()
      expectTypeOf(Poll.until(CheckResult.fromEffect(call, { pending: ["NotReady"] }), options)).toEqualTypeOf<
        Effect.Effect<string, PollError<never, NotFound | Denied>, Network>
      >()
    })

    it("hint - receives the errors", () => {
      const hint = (error: SdkError) => (error._tag === "NotFound" ? 5 : undefined)
      ignore(CheckResult.fromEffect(call, { pending: ["NotReady"], hint }))
      ignore(
        CheckResult.fromEffect(call, {
          hint: (error) => {
            expectTypeOf(error).toEqualTypeOf<SdkError>()
            return undefined
          }
        })
      )
    })

    it("tag that the errors do not have - does not compile", () => {
      // @ts-expect-error it is NotReady
      ignore(CheckResult.fromEffect(call, { pending: ["NotRaedy"] }))
      // @ts-expect-error it is Denied
      ignore(CheckResult.fromEffect(call, { permanent: ["Deneid"] }))
      // @ts-expect-error there are no tagged errors
      ignore(CheckResult.fromEffect(Effect.succeed(1), { missing: ["NotFound"] }))
    })
  })
})
