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

  it("shift - moves every wall-clock time, and nothing else", () => {
    const token = storedToken({
      since: { generation: 10 },
      attempts: 10,
      strategySteps: 10,
      strategyStartedAt: 100,
      totalErrors: 10,
      dueAt: 110,
      floorAt: 120,
      startedAt: 130,
      deadlineAt: 140,
      writtenAt: 150,
      rows: { errors: { count: 10, at: 160 }, resultMissing: { count: 10, at: 170, state: "DONE" } },
      status: { state: "RUNNING", stateAt: 180, progress: 0.5, changedAt: 190 },
      hold: { end: "Succeeded", sightings: 10, at: 200 },
      unconfirmed: { end: "Failed", changedAt: 210 },
      checkMillis: [10, 20],
      checkedAt: 220,
      retries: { count: 10, at: 230 },
      gateAt: 240,
      throttledMillis: 10,
      timeout: { reason: "state", state: "RUNNING", limitMillis: 10 },
      actions: ["pay"]
    })
    // Every number from 100 on is a time.
    const expected: unknown = JSON.parse(ResumeToken.toJson(token), (_, value: unknown) =>
      typeof value === "number" && value >= 100 ? value + 1_000 : value
    )
    const shifted = ResumeToken.shift(token, 1_000)
    assert.deepStrictEqual(JSON.parse(ResumeToken.toJson(shifted)), expected)
    assert.deepStrictEqual(shifted.checkMillis, [10, 20])
    assert.deepStrictEqual(ResumeToken.shift(-1_000)(shifted), token)
    assert.strictEqual(ResumeToken.shift(token, 0), token)
    assert.strictEqual(ResumeToken.shift({ ...token, deadlineAt: "unbounded" }, 5).deadlineAt, "unbounded")
  })

  it("shift - refuses a number that is not finite", () => {
    assert.throws(
      () => ResumeToken.shift(storedToken(), Number.NaN),
      RangeError,
      "ResumeToken.shift: millis must be a finite number, got NaN"
    )
  })
})
