import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Logger from "effect/Logger"
import * as References from "effect/References"
import * as CheckError from "effect-poll/CheckError"
import * as Poll from "effect-poll/Poll"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Status from "effect-poll/Status"
import { done, pending, renderJob } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { recordSpans } from "./support/recorders.ts"
import { runFor } from "./support/runs.ts"

const options = { strategy: every2s, deadline: "1 minute" } as const

/** What an effect logs, from Debug on. */
const logged = (effect: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function* () {
    const lines: Array<readonly [level: string, message: string, annotations: unknown]> = []
    const logger = Logger.make(({ fiber, logLevel, message }) => {
      const texts = (Array.isArray(message) ? message : [message]).map(String)
      lines.push([logLevel, texts.join(" "), fiber.getRef(References.CurrentLogAnnotations)])
    })
    yield* runFor(
      effect.pipe(Effect.provide(Logger.layer([logger])), Effect.provideService(References.MinimumLogLevel, "Debug")),
      "1 hour"
    )
    return lines
  })

describe("Poll", () => {
  describe("span", () => {
    it.effect("span - is one per wait, with the changes of the status as its events", () =>
      Effect.gen(function* () {
        const { spans, tracer } = recordSpans()
        const { job } = renderJob(pending, pending, Effect.fail("reset"), done)
        yield* runFor(Effect.withTracer(Poll.until(job, "a", options), tracer), "1 minute")
        assert.strictEqual(spans.length, 1)
        const [span] = spans
        assert.deepStrictEqual(Object.fromEntries(span!.attributes), {
          "poll.job": "render",
          "poll.key": "a",
          "poll.attempts": 4,
          "poll.ending": "Succeeded"
        })
        assert.deepStrictEqual(
          span!.events.map(([name, at, attributes]) => [name, at, attributes["poll.status"]]),
          [
            ["poll.status", 0n, "Pending"],
            ["poll.status", 5_000_000_000n, "Succeeded"]
          ]
        )
      })
    )

    it.effect("span - is the parent of the spans of the checks", () =>
      Effect.gen(function* () {
        const { spans, tracer } = recordSpans()
        const check = Effect.withSpan(Effect.succeed(Status.succeeded(1)), "check")
        yield* Effect.withTracer(Poll.until(check, options), tracer)
        assert.deepStrictEqual(
          spans.map((span) => [span.name, span.parent._tag === "Some" ? span.parent.value.spanId : "none"]),
          [
            ["poll.wait", "none"],
            ["check", spans[0]!.spanId]
          ]
        )
      })
    )

    it.effect("span - can be disabled by PollDefaults", () =>
      Effect.gen(function* () {
        const { spans, tracer } = recordSpans()
        yield* Poll.until(Effect.succeed(done), options).pipe(
          Effect.withTracer(tracer),
          Effect.provide(PollDefaults.layer({ span: false }))
        )
        assert.deepStrictEqual(spans, [])
      })
    )

    it.effect("span of a started wait - ends with the wait", () =>
      Effect.gen(function* () {
        const { spans, tracer } = recordSpans()
        const handle = yield* Effect.withTracer(
          Poll.start(Effect.succeed(Status.failed("x")), { deadline: "1 minute" }),
          tracer
        )
        yield* Effect.exit(handle.await)
        assert.strictEqual(spans[0]!.status._tag, "Ended")
      })
    )
  })
})

describe.each(hosts)("$name", (host) => {
  describe("logs", () => {
    it.effect("logs - have a failed check at Debug, the third in a row at Warn and a bad end at Error, annotated", () =>
      Effect.gen(function* () {
        const { job } = renderJob(Effect.fail("reset"))
        const lines = yield* logged(host.until(job, "a", { ...options, checkErrors: { maxConsecutive: 3 } }))
        assert.deepStrictEqual(
          lines.map(([level]) => level),
          ["Debug", "Debug", "Warn", "Debug", "Error"]
        )
        assert.include(lines[4]![1], `4 consecutive failed checks of render "a", the last with reset`)
        assert.deepStrictEqual(lines[2]![2], { job: "render", key: "a", attempts: 3 })
      })
    )

    it.effect("logs - name a throttled check as such, and warn of errors only", () =>
      Effect.gen(function* () {
        const { job } = renderJob(...["x", "x", "x", "slow down"].map((error) => Effect.fail(error)), done)
        const kindOf = (error: string) => (error === "x" ? CheckError.transient() : CheckError.throttled())
        const lines = yield* logged(Poll.until(job, "a", { ...options, checkErrors: { kindOf } }))
        assert.deepStrictEqual(
          lines.map(([level, message]) => `${level} ${message}`),
          [
            "Debug a check of render failed x",
            "Debug a check of render failed x",
            "Warn a check of render failed for the third time in a row x",
            "Debug a check of render was throttled slow down"
          ]
        )
      })
    )

    it.effect("logs - are empty for a good end", () =>
      Effect.gen(function* () {
        assert.deepStrictEqual(yield* logged(host.until(renderJob(pending, done).job, "a", options)), [])
      })
    )
  })
})
