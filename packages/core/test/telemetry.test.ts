import { assert, describe, it } from "@effect/vitest"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as Schema from "effect/Schema"
import * as TestClock from "effect/testing/TestClock"
import * as Tracer from "effect/Tracer"
import * as Job from "effect-poll/Job"
import * as Observer from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import * as PollDefaults from "effect-poll/PollDefaults"
import * as PollJournal from "effect-poll/PollJournal"
import * as PollMetrics from "effect-poll/PollMetrics"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, ending, pending, runFor, scripted } from "./scripted.ts"

const options = { strategy: Strategy.spaced("2 seconds"), deadline: "1 minute" } as const

const jobOf = (...answers: ReadonlyArray<Answer<string, string, string>>) => {
  const { check } = scripted(...answers)
  return Job.make("render", { check: () => check })
}

describe("span", () => {
  const spans: Array<Tracer.NativeSpan> = []
  const tracer = Tracer.make({
    span: (given) => {
      const span = new Tracer.NativeSpan(given)
      spans.push(span)
      return span
    }
  })

  it.effect("one per wait, with the changes of the status as its events", () =>
    Effect.gen(function* () {
      spans.length = 0
      const job = jobOf(pending, pending, Effect.fail("reset"), Status.succeeded("done"))
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

  it.effect("is the parent of the spans of the checks", () =>
    Effect.gen(function* () {
      spans.length = 0
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

  it.effect("can be left out", () =>
    Effect.gen(function* () {
      spans.length = 0
      yield* Poll.until(jobOf(Status.succeeded("done")), "a", options).pipe(
        Effect.withTracer(tracer),
        Effect.provide(PollDefaults.layer({ span: false }))
      )
      assert.deepStrictEqual(spans, [])
    })
  )
})

describe("logs", () => {
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

  it.effect("a failed check of Debug, the third in a row at Warn, a bad end at Error, annotated", () =>
    Effect.gen(function* () {
      const job = jobOf(Effect.fail("reset"))
      const lines = yield* logged(Poll.until(job, "a", { ...options, checkErrors: { maxConsecutive: 3 } }))
      assert.deepStrictEqual(
        lines.map(([level]) => level),
        ["Debug", "Debug", "Warn", "Debug", "Error"]
      )
      assert.include(lines[4]![1], `4 consecutive failed checks of render "a", the last with reset`)
      assert.deepStrictEqual(lines[2]![2], { job: "render", key: "a", attempts: 3 })
    })
  )

  it.effect("a good end says nothing", () =>
    Effect.gen(function* () {
      assert.deepStrictEqual(yield* logged(Poll.until(jobOf(pending, Status.succeeded("done")), "a", options)), [])
    })
  )
})

describe("Observer", () => {
  it.effect("R17 its defects are swallowed, and it is told in order", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const slow = Observer.make(({ event }) =>
        Effect.delay(
          Effect.sync(() => told.push(event._tag)),
          "1 second"
        )
      )
      const broken = Observer.make(() => Effect.die("bug"))
      const { at, exit } = yield* runFor(
        Poll.until(jobOf(pending, Status.succeeded("done")), "a", { ...options, observers: [broken, slow] }),
        "1 minute"
      )
      assert.deepStrictEqual([ending(exit), told], ["done", ["Started", "Changed", "Waiting", "Changed", "Ended"]])
      assert.strictEqual(at, 5000)
    })
  )

  it.effect("one that hangs holds the result back for the grace, no longer", () =>
    Effect.gen(function* () {
      const hung = Observer.make(() => Effect.never)
      const { at, exit } = yield* runFor(
        Poll.until(jobOf(Status.succeeded("done")), "a", { ...options, observers: [hung], cancelTimeout: "3 seconds" }),
        "1 minute"
      )
      assert.deepStrictEqual([ending(exit), at], ["done", 3000])
    })
  )
})

describe("PollJournal", () => {
  it.effect("keeps starts, changes and ends as records of its Schema, without results", () =>
    Effect.gen(function* () {
      const entries: Array<PollJournal.Entry> = []
      const journal = PollJournal.observer((entry) => Effect.sync(() => entries.push(entry)))
      const job = jobOf(Status.pending({ state: "RUN", progress: 0.5 }), pending, pending, Status.failed("secret"))
      yield* runFor(Poll.until(job, "a", { ...options, observers: [journal] }), "1 minute")
      const place = { job: "render", key: "a" }
      assert.deepStrictEqual(entries.slice(0, 4), [
        { _tag: "Started", ...place, at: 0, deadlineAt: 60_000 },
        { _tag: "Changed", ...place, at: 0, attempt: 1, status: "Pending", state: "RUN", progress: 0.5 },
        { _tag: "Changed", ...place, at: 2000, attempt: 2, status: "Pending" },
        { _tag: "Changed", ...place, at: 6000, attempt: 4, status: "Failed" }
      ])
      const last = entries[4]!
      assert(last._tag === "Ended")
      assert.deepStrictEqual([last.ending, last.attempts, last.elapsedMillis], ["JobFailed", 4, 6000])
      assert.deepStrictEqual(yield* Schema.decodeEffect(Schema.Array(PollJournal.Entry))(entries), entries)
    })
  )

  it.effect("notes an interruption as the end", () =>
    Effect.gen(function* () {
      const entries: Array<PollJournal.Entry> = []
      const journal = PollJournal.observer((entry) => Effect.sync(() => entries.push(entry)))
      const fiber = yield* Effect.forkChild(Poll.until(jobOf(pending), "a", { ...options, observers: [journal] }))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.interrupt(fiber)
      const last = entries.at(-1)!
      assert(last._tag === "Ended")
      assert.strictEqual(last.ending, "Interrupted")
    })
  )
})

describe("PollMetrics", () => {
  it.effect("counts checks and waits, and times them", () =>
    Effect.gen(function* () {
      const watched = { ...options, observers: [PollMetrics.observer] }
      yield* runFor(
        Poll.until(jobOf(pending, pending, Effect.fail("reset"), Status.succeeded("done")), "a", watched),
        "1 minute"
      )
      const count = (outcome: string) =>
        Effect.map(
          Metric.value(Metric.withAttributes(PollMetrics.checks, { job: "render", outcome })),
          ({ count }) => count
        )
      assert.deepStrictEqual([yield* count("changed"), yield* count("unchanged"), yield* count("failed")], [2, 1, 1])
      const ended = yield* Metric.value(
        Metric.withAttributes(PollMetrics.waits, { job: "render", ending: "Succeeded" })
      )
      const active = yield* Metric.value(Metric.withAttributes(PollMetrics.active, { job: "render" }))
      const time = yield* Metric.value(Metric.withAttributes(PollMetrics.duration, { job: "render" }))
      assert.deepStrictEqual([ended.count, active.value, time.count, time.sum], [1, 0, 1, 5000])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})

describe("PollDefaults", () => {
  it.effect("hold where neither the wait nor the job says anything", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted<never, never, string>(Effect.fail("reset"))
      const layer = PollDefaults.layer({
        checkErrors: { maxConsecutive: 1, schedule: Strategy.spaced("7 seconds") }
      })
      const { exit } = yield* runFor(Effect.provide(Poll.until(check, { deadline: "1 minute" }), layer), "1 hour")
      assert.deepStrictEqual([ending(exit), checks], ["CheckErrorsExhausted", [0, 7000]])
    })
  )

  it.effect("give way to what the wait says", () =>
    Effect.gen(function* () {
      const { check, checks } = scripted<never, never, string>(Effect.fail("reset"))
      const wait = Poll.until(check, { deadline: "1 minute", checkErrors: { maxConsecutive: 0 } })
      yield* runFor(Effect.provide(wait, PollDefaults.layer({ checkErrors: { maxConsecutive: 9 } })), "1 hour")
      assert.deepStrictEqual(checks, [0])
    })
  )

  it.effect("can be read from the configuration", () =>
    Effect.gen(function* () {
      const read = PollDefaults.PollDefaults.pipe(
        Effect.provide(PollDefaults.layerConfig),
        Effect.provideService(
          ConfigProvider.ConfigProvider,
          ConfigProvider.fromUnknown({ EFFECT_POLL_CHECK_ERRORS_MAX_CONSECUTIVE: "3", EFFECT_POLL_SPAN: "false" })
        )
      )
      const { checkErrors, checkTimeout, span } = yield* read
      assert.deepStrictEqual([checkErrors.maxConsecutive, span, checkTimeout], [3, false, 60_000])
    })
  )

  it.effect("a figure out of its range is a RangeError as a defect", () =>
    Effect.gen(function* () {
      const wait = Poll.until(Effect.succeed(pending), { deadline: "1 minute" })
      const exit = yield* Effect.exit(Effect.provide(wait, PollDefaults.layer({ checkErrors: { maxConsecutive: -1 } })))
      assert(Exit.isFailure(exit))
      const [reason] = exit.cause.reasons
      assert(reason?._tag === "Die")
      assert.instanceOf(reason.defect, RangeError)
    })
  )
  it.effect("an interruption while the observers are told leaves nothing", () =>
    Effect.gen(function* () {
      let told = 0
      const slow = Observer.make(() =>
        Effect.delay(
          Effect.sync(() => void told++),
          "3 seconds"
        )
      )
      const fiber = yield* Effect.forkChild(
        Poll.until(Effect.succeed(Status.succeeded("done")), { deadline: "1 minute", observers: [slow] })
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.interrupt(fiber)
      const now = told
      yield* TestClock.adjust("1 minute")
      assert.strictEqual(told, now)
    })
  )
  it.effect("the span of a started wait ends with the wait", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (given) => {
          const span = new Tracer.NativeSpan(given)
          spans.push(span)
          return span
        }
      })
      const handle = yield* Effect.withTracer(
        Poll.start(Effect.succeed(Status.failed("x")), { deadline: "1 minute" }),
        tracer
      )
      yield* Effect.exit(handle.await)
      assert.strictEqual(spans[0]!.status._tag, "Ended")
    })
  )
})
