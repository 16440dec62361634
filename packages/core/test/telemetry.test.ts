import { assert, describe, it } from "@effect/vitest"
import * as Data from "effect/Data"
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as Poll from "effect-poll/Poll"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Strategy from "effect-poll/Strategy"
import { done, pending, renderJob, scripted } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { recordLogs, recordSpans } from "./support/recorders.ts"
import { runFor } from "./support/runs.ts"

const options = { strategy: every2s, deadline: "1 minute" } as const

/** What an effect logs, from Debug on. */
const logged = (effect: Effect.Effect<unknown, unknown>) =>
  Effect.suspend(() => {
    const { lines, within } = recordLogs()
    return Effect.as(runFor(within(effect), "1 hour"), lines)
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

    it.effect("span - has a bounded number of events, and says how many there were beyond that", () =>
      Effect.gen(function* () {
        const { spans, tracer } = recordSpans()
        let checks = 0
        const check = Effect.sync(() => (++checks < 1_000 ? Status.pending({ progress: checks / 1_000 }) : done))
        const wait = { strategy: Strategy.spaced("1 second"), deadline: "1 hour" } as const
        yield* runFor(Effect.withTracer(Poll.until(check, wait), tracer), "1 hour")
        assert.strictEqual(spans[0]!.events.length, 128)
        assert.strictEqual(spans[0]!.attributes.get("poll.events.dropped"), 1_000 - 128)
        assert.strictEqual(spans[0]!.attributes.get("poll.ending"), "Succeeded")
      })
    )

    it.effect("span - has events for sightings and actions, without payload (R29, R38)", () =>
      Effect.gen(function* () {
        const { spans, tracer } = recordSpans()
        const asks = Status.pending({ action: { id: "secret", kind: "secret", detail: "secret" } })
        const { job } = renderJob(asks, Status.succeeded("secret"))
        const wait = { ...options, confirm: { success: { times: 2 } } }
        yield* runFor(Effect.withTracer(Poll.until(job, "a", wait), tracer), "1 minute")
        const { events } = spans[0]!
        assert.deepStrictEqual(
          events.flatMap(([name, , attributes]) =>
            // The others are logs.
            name.startsWith("poll.") ? [[name, attributes["poll.attempt"], attributes["poll.sightings"]]] : []
          ),
          [
            ["poll.status", 1, undefined],
            ["poll.action", 1, undefined],
            ["poll.status", 2, undefined],
            ["poll.confirming", 2, 1]
          ]
        )
        assert.notInclude(JSON.stringify(events.map(([, , attributes]) => attributes)), "secret")
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

    it.effect("span - escapes and cuts what a server sends", () =>
      Effect.gen(function* () {
        const { spans, tracer } = recordSpans()
        const { job } = renderJob(Status.pending({ state: `a\n\u202e${"x".repeat(1000)}` }), done)
        yield* runFor(Effect.withTracer(Poll.until(job, "k\n", options), tracer), "1 minute")
        assert.strictEqual(spans[0]!.attributes.get("poll.key"), "k\\u000a")
        const text = spans[0]!.events[0]![2]["poll.status"]
        assert.strictEqual(text, `Pending a\\u000a\\u202e${"x".repeat(196)}…`)
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
    it.effect("logs - have an action at Info, once per id and without payload (R38)", () =>
      Effect.gen(function* () {
        const asks = (id: string) =>
          Status.pending({ action: { id: `secret ${id}`, kind: "secret", detail: "secret" } })
        const { job } = renderJob(asks("a"), asks("a"), asks("b"), done)
        const lines = yield* logged(host.until(job, "a", options))
        assert.deepStrictEqual(
          lines.map(([level, message]) => [level, message]),
          [
            ["Info", "render needs an action"],
            ["Info", "render needs an action"]
          ]
        )
        assert.notInclude(JSON.stringify(lines), "secret")
      })
    )

    it.effect("logs of a wait without a name - speak of the job", () =>
      Effect.gen(function* () {
        const { check } = scripted<string, never, string>(Effect.fail("reset"), done)
        const lines = yield* logged(host.until(check, options))
        assert.deepStrictEqual(
          lines.map(([, message]) => message),
          ["a check of the job failed: string"]
        )
      })
    )

    it.effect("logs - have a failed check at Debug, the third in a row at Warn and a bad end at Debug, annotated", () =>
      Effect.gen(function* () {
        const { job } = renderJob(Effect.fail("reset"))
        const lines = yield* logged(host.until(job, "a", { ...options, checkErrors: { maxConsecutive: 3 } }))
        assert.deepStrictEqual(
          lines.map(([level]) => level),
          ["Debug", "Debug", "Warn", "Debug", "Debug"]
        )
        assert.strictEqual(
          lines[4]![1],
          `render "a" ended: CheckErrorsExhausted (4 checks in 7s, no status found, last check error string)`
        )
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
            "Debug a check of render failed: string",
            "Debug a check of render failed: string",
            "Warn a check of render failed for the third time in a row: string",
            "Debug a check of render was throttled: string"
          ]
        )
      })
    )

    it.effect("logs - have tags and codes, never what a server or an error says", () =>
      Effect.gen(function* () {
        class Refused extends Data.TaggedError("Refused")<{ readonly reason: { readonly _tag: "Quota" } }> {
          override readonly message = "s3cret"
        }
        const refused = new Refused({ reason: { _tag: "Quota" } })
        const ends: ReadonlyArray<Effect.Effect<CheckResult.CheckResult<string, unknown>, unknown>> = [
          Effect.succeed(Status.failed({ reason: "s3cret" }, { state: "FAILED" })),
          Effect.succeed(Status.failed("s3cret")),
          Effect.succeed(Status.canceled({ reason: "s3cret", partial: ["s3cret"] })),
          Effect.succeed(Status.expired({ state: "EXPIRED", reason: "s3cret", partial: "s3cret" })),
          Effect.succeed(CheckResult.withCursor(CheckResult.missing, "s3cret")),
          Effect.succeed(CheckResult.resultMissing("DONE", "s3cret")),
          Effect.fail(refused),
          Effect.fail<unknown>(new Error("s3cret", { cause: "s3cret" })),
          Effect.fail({ message: "s3cret" })
        ]
        const lines: Array<string> = []
        for (const check of ends) {
          const job = Job.make("render", { check: () => check })
          for (const line of yield* logged(host.until(job, "a", options))) lines.push(JSON.stringify(line))
        }
        assert.notInclude(lines.join(), "s3cret")
        assert.include(lines[0], `ended: JobFailed (1 check in 0ms, last status Failed FAILED)`)
        assert.include(lines.join(), "a check of render failed for the third time in a row: Refused Quota")
        assert.isFalse(lines.some((line) => line.startsWith(`["Error"`)))
      })
    )

    it.effect("logs - escape what a server sends, and cut it at 200 characters", () =>
      Effect.gen(function* () {
        const forged = `a\n[12:00] ERROR paid\u001b[2J\u202e${"x".repeat(10_000_000)}`
        const check = () => Effect.succeed(Status.failed("x", { state: forged }))
        const [line] = yield* logged(host.until(Job.make("render", { check }), "k\n\u2066", options))
        assert.isBelow(line![1].length, 400)
        assert.notMatch(`${line![1]} ${Object.values(line![2] as object).join(" ")}`, /[\p{Cc}\p{Bidi_Control}]/u)
        assert.include(line![1], "a\\u000a[12:00] ERROR paid\\u001b[2J\\u202exxx")
      })
    )

    it.effect("logs - have failed waits at the level that PollDefaults says, and none with false", () =>
      Effect.gen(function* () {
        const levels = (logs: PollDefaults.PollDefaults["logs"]) =>
          Effect.map(
            logged(
              Effect.provide(
                host.until(renderJob<string, string, never>(Status.failed("x")).job, "a", options),
                PollDefaults.layer({ logs })
              )
            ),
            (lines) => lines.map(([level]) => level)
          )
        assert.deepStrictEqual(yield* levels(true), ["Debug"])
        assert.deepStrictEqual(yield* levels("Error"), ["Error"])
        assert.deepStrictEqual(yield* levels("Info"), ["Info"])
        assert.deepStrictEqual(yield* levels(false), [])
      })
    )

    it.effect("logs - have the end of a wait that is not awaited at Debug", () =>
      Effect.gen(function* () {
        const { job } = renderJob<string, string, never>(pending, Status.failed("s3cret"))
        const lines = yield* logged(
          Effect.scoped(Effect.andThen(host.start(job, "a", options), Effect.sleep("30 seconds")))
        )
        assert.deepStrictEqual(
          lines.map(([level, message]) => `${level} ${message}`),
          [`Debug render "a" ended: JobFailed (2 checks in 2s, last status Failed)`]
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

describe.each(hosts)("progress out of range in $name", ({ until }) => {
  const warnings = (...checks: ReadonlyArray<CheckResult.CheckResult<unknown, unknown>>) =>
    Effect.map(logged(until(renderJob<unknown, unknown>(...checks, done).job, "a", options)), (lines) =>
      lines.filter(([level]) => level === "Warn")
    )

  it.effect("progress out of range - is clamped, and logged at Warn once, without its value", () =>
    Effect.gen(function* () {
      const lines = yield* warnings(Status.pending({ progress: 50 }), Status.pending({ progress: 51 }))
      assert.lengthOf(lines, 1)
      const [[, message, annotations]] = lines as [(typeof lines)[number]]
      assert.include(message, "progress of render is out of range")
      assert.notInclude(message, "50")
      assert.deepInclude(annotations as object, { job: "render", key: "a" })
    })
  )

  it.effect("percent above 100 - is logged at Warn, also with a state word, even a long one", () =>
    Effect.gen(function* () {
      assert.lengthOf(yield* warnings(Status.pending({ percent: 101 })), 1)
      assert.lengthOf(yield* warnings(Status.withState(Status.pending({ percent: -1 }), "RUNNING")), 1)
      assert.lengthOf(yield* warnings(Status.pending({ percent: 101, state: "x".repeat(300) })), 1)
    })
  )

  it.effect("progress in range, or none - is not logged", () =>
    Effect.gen(function* () {
      const { pending } = Status
      const inRange = [pending({ percent: 0 }), pending({ percent: 100 }), pending({ progress: 1 }), pending()]
      assert.lengthOf(yield* warnings(...inRange, pending({ progress: Number.NaN })), 0)
    })
  )

  it.effect("progress in a decoded payload - is logged at Warn", () =>
    Effect.gen(function* () {
      const Build = StatusSchema.fromField(
        Schema.Struct({ state: Schema.Literals(["running"]), percent: Schema.Finite }),
        "state",
        { running: ({ percent }) => Status.pending({ percent }) }
      )
      const running = Schema.decodeSync(Build)({ state: "running", percent: 140 })
      assert.lengthOf(yield* warnings(running), 1)
    })
  )
})
