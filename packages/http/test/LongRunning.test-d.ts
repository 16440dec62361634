import type { Effect } from "effect/Effect"
import type { HttpClient } from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Schema from "effect/Schema"
import { assertType, describe, expectTypeOf, it } from "vitest"
import * as Poll from "effect-poll/Poll"
import type { PollError, ResumeTokenError } from "effect-poll/PollError"
import type { ResumeToken } from "effect-poll/ResumeToken"
import * as Strategy from "effect-poll/Strategy"
import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as LongRunning from "@effect-poll/http/LongRunning"
import type { LongRunningFailure } from "@effect-poll/http/LongRunningFailure"
import type { LongRunningOperation } from "@effect-poll/http/LongRunningOperation"

const request = HttpClientRequest.post("http://h/exports")
const Export = Schema.Struct({ rows: Schema.Int })

describe("LongRunning", () => {
  it("run - yields what the Schema says, and fails with typed errors", () => {
    expectTypeOf(LongRunning.run(request, { deadline: "1 hour", result: Export })).toEqualTypeOf<
      Effect<{ readonly rows: number }, PollError<LongRunningFailure, HttpCheckError> | HttpCheckError, HttpClient>
    >()
    expectTypeOf(LongRunning.run(request, { deadline: "1 hour", strategy: Strategy.spaced("1 second") })).toExtend<
      Effect<unknown, unknown, HttpClient>
    >()
  })

  it("run - must be told a deadline", () => {
    // @ts-expect-error no deadline
    assertType(LongRunning.run(request, { result: Export }))
  })

  it("job - is a job of operations", () => {
    const job = LongRunning.job("export", { result: Export })
    expectTypeOf(job.submit(request)).toExtend<
      Effect<{ readonly key: LongRunningOperation }, HttpCheckError, HttpClient>
    >()
    expectTypeOf(Poll.resume(job, null! as ResumeToken)).toEqualTypeOf<
      Effect<{ readonly rows: number }, PollError<LongRunningFailure, HttpCheckError> | ResumeTokenError, HttpClient>
    >()
  })
})
