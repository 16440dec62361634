import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as TestClock from "effect/testing/TestClock"
import * as Poll from "effect-poll/Poll"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import { renderJob } from "./support/checks.ts"
import { every10s } from "./support/options.ts"
import { storedToken } from "./support/tokens.ts"

describe("ResumeToken", () => {
  it.effect("fromUnknown - reads what toJson wrote, which holds no status and no result", () =>
    Effect.gen(function* () {
      const { job } = renderJob(Status.pending({ state: "WORKING", detail: "secret" }))
      const handle = yield* Poll.start(job, "a", { strategy: every10s, deadline: "100 seconds" })
      yield* TestClock.adjust("15 seconds")
      const json = ResumeToken.toJson(yield* handle.token)
      assert.notInclude(json, "secret")
      const token = yield* ResumeToken.fromJson(json)
      assert.deepStrictEqual([token.job, token.key, token.attempts], ["render", "a", 2])
      assert.deepStrictEqual(yield* ResumeToken.fromUnknown(JSON.parse(ResumeToken.toJson(token))), token)
    })
  )

  it.effect("fromJson - fails with a message for an unknown version, a wrong shape and text that is not JSON", () =>
    Effect.gen(function* () {
      const message = (json: string) => Effect.map(Effect.flip(ResumeToken.fromJson(json)), (error) => error.message)
      assert.include(yield* message(`{ "version": 2 }`), "version 2 is not supported")
      assert.include(yield* message(`{ "version": 1, "job": "" }`), `["job"]`)
      assert.include(yield* message("{"), "it is not JSON")
      const long = yield* message(JSON.stringify(storedToken({ cursor: "sealed".repeat(1366) })))
      assert.include(long, `["cursor"]`)
      assert.notInclude(long, "sealed")
      const token = storedToken({ cursor: "x".repeat(8192) })
      assert.deepStrictEqual(yield* ResumeToken.fromJson(ResumeToken.toJson(token)), token)
    })
  )
})
