import * as Effect from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import { assertType, describe, expectTypeOf, it } from "vitest"
import * as Poll from "effect-poll/Poll"
import type { PollError, ResumeTokenError } from "effect-poll/PollError"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import type { SubmitError } from "effect-poll/SubmitError"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Interpretation from "@effect-poll/http/Interpretation"
import * as LongRunning from "@effect-poll/http/LongRunning"
import type { LongRunningFailure } from "@effect-poll/http/LongRunningFailure"
import type { LongRunningOperation } from "@effect-poll/http/LongRunningOperation"

const request = HttpClientRequest.post("http://h/exports")
const Export = Schema.Struct({ rows: Schema.Int })
const Problem = Schema.Struct({ detail: Schema.String })

describe("LongRunning", () => {
  it("run - yields what the Schema says, and fails with typed errors", () => {
    expectTypeOf(LongRunning.run(request, { deadline: "1 hour", result: Export })).toEqualTypeOf<
      Effect.Effect<
        { readonly rows: number },
        PollError<LongRunningFailure, HttpCheckError> | SubmitError | HttpCheckError,
        HttpClient
      >
    >()
    expectTypeOf(LongRunning.run(request, { deadline: "1 hour", strategy: Strategy.spaced("1 second") })).toExtend<
      Effect.Effect<unknown, unknown, HttpClient>
    >()
  })

  it("run - must be told a deadline", () => {
    // @ts-expect-error no deadline
    assertType(LongRunning.run(request, { result: Export }))
  })

  it("run - the failures of interpret and ending are united with the server's", () => {
    const run = LongRunning.run(request, {
      deadline: "1 hour",
      result: Export,
      interpret: Interpretation.rules([{ status: 422 }, Interpretation.failed(Problem)]),
      ending: ({ rows }) => (rows === 0 ? Status.failed("empty" as const) : undefined)
    })
    expectTypeOf(run).toEqualTypeOf<
      Effect.Effect<
        { readonly rows: number },
        | PollError<LongRunningFailure | { readonly detail: string } | "empty", HttpCheckError>
        | SubmitError
        | HttpCheckError,
        HttpClient
      >
    >()
  })

  it("run - what an interpret fails with is an error of checks and of the first request", () => {
    const run = LongRunning.run(request, {
      deadline: "1 hour",
      result: Export,
      interpret: () => Effect.fail("odd" as const)
    })
    expectTypeOf(run).toEqualTypeOf<
      Effect.Effect<
        { readonly rows: number },
        PollError<LongRunningFailure, HttpCheckError | "odd"> | SubmitError | HttpCheckError | "odd",
        HttpClient
      >
    >()
  })

  it("job - is a job of operations", () => {
    const job = LongRunning.job("export", { result: Export })
    expectTypeOf(job.submit(request)).toExtend<
      Effect.Effect<{ readonly key: LongRunningOperation }, HttpCheckError, HttpClient>
    >()
    expectTypeOf(Poll.resume(job, null! as ResumeToken)).toEqualTypeOf<
      Effect.Effect<
        { readonly rows: number },
        PollError<LongRunningFailure, HttpCheckError> | ResumeTokenError,
        HttpClient
      >
    >()
  })
})
