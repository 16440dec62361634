import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as TestClock from "effect/testing/TestClock"
import type { Notification } from "effect-poll/Observer"
import * as Gate from "effect-poll/Gate"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import { pending, scripted } from "./support/checks.ts"
import { every1s } from "./support/options.ts"
import { recordLogs, recordSpans } from "./support/recorders.ts"
import { errorOf, failureOf, runFor } from "./support/runs.ts"

const options = { deadline: "5 seconds", strategy: every1s } as const

describe("Poll", () => {
  describe("name", () => {
    it.effect("name - is in the error and its message, without a key beside it", () =>
      Effect.gen(function* () {
        const error = yield* failureOf(Poll.until(Effect.succeed(pending), { ...options, name: "nightly export" }))
        assert.strictEqual(error.job, "nightly export")
        assert.match(error.message, /^nightly export did not end before the deadline \(/)
        const unnamed = yield* failureOf(Poll.until(Effect.succeed(pending), options))
        assert.deepStrictEqual([unnamed.job, unnamed.key], ["check", "check"])
        assert.match(unnamed.message, /^the job did not end before the deadline \(/)
      })
    )

    it.effect("name - is in spans, and in what observers and gates are given", () =>
      Effect.gen(function* () {
        const { spans, tracer } = recordSpans()
        const seen: Array<Notification> = []
        const asked: Array<Gate.Subject> = []
        const wait = Poll.until(scripted(pending, Status.succeeded()).check, {
          ...options,
          name: "export",
          observers: [{ observe: (notification) => Effect.sync(() => void seen.push(notification)) }],
          gate: { ask: (subject) => Effect.sync(() => (asked.push(subject), Gate.open)) }
        })
        const { exit } = yield* runFor(Effect.withTracer(wait, tracer), "1 minute")
        assert.isTrue(exit !== "running" && Exit.isSuccess(exit))
        assert.deepStrictEqual(Object.fromEntries(spans[0]!.attributes)["poll.job"], "export")
        assert.deepStrictEqual(new Set(seen.map(({ job }) => job)), new Set(["export"]))
        assert.deepStrictEqual(asked[0], { job: "export", key: "export" })
      })
    )

    it.effect("name - is the job of the token, from which a job of that name resumes", () =>
      Effect.gen(function* () {
        const handle = yield* Poll.start(Effect.succeed(pending), { ...options, name: "export" })
        yield* TestClock.adjust("1500 millis")
        const token = yield* handle.token
        assert.deepStrictEqual([token.job, token.key], ["export", "export"])
        const job = Job.make("export", { check: (key: string) => Effect.succeed(Status.succeeded(key)) })
        const { exit } = yield* runFor(Poll.resume(job, token), "1 minute")
        assert.deepStrictEqual(exit, Exit.succeed("export"))
      })
    )

    it.effect("control characters - are escaped in messages, logs and spans", () =>
      Effect.gen(function* () {
        const name = "night\u001b[31m\nly"
        const shown = "night\\u001b[31m\\u000aly"
        const { spans, tracer } = recordSpans()
        const { lines, within } = recordLogs()
        const job = Job.make(name, { check: (_id: string) => Effect.fail("reset") })
        const waits = [Poll.until(job, "a", options), Poll.until(Effect.fail("reset"), { ...options, name })]
        for (const wait of waits) {
          const { exit } = yield* within(Effect.withTracer(runFor(wait, "1 minute"), tracer))
          const error = errorOf(exit)
          assert.strictEqual(error.job, name)
          assert.include(error.message, shown)
          assert.notInclude(error.message, "\u001b")
        }
        assert.deepStrictEqual(new Set(spans.map(({ attributes }) => attributes.get("poll.job"))), new Set([shown]))
        assert.isAbove(lines.length, 0)
        for (const [, message, annotations] of lines) {
          assert.notInclude(message, "\u001b")
          assert.include([shown, "check"], annotations["job"])
        }
      })
    )

    it.effect("job - keeps its own name", () =>
      Effect.gen(function* () {
        const job = Job.make("render", { check: (_id: string) => Effect.succeed(Status.failed("torn")) })
        const { exit } = yield* runFor(Poll.until(job, "a", { ...options, name: "other" }), "1 minute")
        assert.strictEqual(errorOf(exit).job, "render")
      })
    )
  })
})
