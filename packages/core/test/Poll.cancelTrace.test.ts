import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as Scope from "effect/Scope"
import * as TestClock from "effect/testing/TestClock"
import type * as Observer from "effect-poll/Observer"
import * as Poll from "effect-poll/Poll"
import * as Poller from "effect-poll/Poller"
import * as PollJournal from "effect-poll/PollJournal"
import * as PollMetrics from "effect-poll/PollMetrics"
import { cancelableJob, pending } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s, hour, plain } from "./support/options.ts"
import { recordEvents, recordSpans } from "./support/recorders.ts"
import { failureOf } from "./support/runs.ts"

const cancelable = (cancel: Effect.Effect<void, string>) =>
  cancelableJob(() => Effect.succeed(pending), { cancel, strategy: every2s })

/** The events of a cancel and the end, in words. */
const traceOf = (notifications: ReadonlyArray<Observer.Notification>) =>
  notifications.flatMap(({ event }) => {
    if (event._tag === "CancelRequested") return [`requested by ${event.by}`]
    if (event._tag === "CancelAnswered")
      return [`${event.outcome} by ${event.by} ${typeof event.error === "string" ? event.error : ""}`.trim()]
    return event._tag === "Ended" ? ["ended"] : []
  })

const outcomes = [
  ["accepted", Effect.void, ""],
  ["refused", Effect.fail("too late"), " too late"],
  ["timedOut", Effect.never, ""]
] as const

describe.each(hosts)("$name", (host) => {
  describe.each(outcomes)("the remote cancel leaves a trace: %s [R37]", (outcome, cancel, error) => {
    const expected = (by: string) => [`requested by ${by}`, `${outcome} by ${by}${error}`, "ended"]

    it.effect("timeout - reports the cancel, and has it in the error", () =>
      Effect.gen(function* () {
        const { notifications, observer } = recordEvents()
        const timedOut = yield* failureOf(
          host.until(cancelable(cancel).job, "a", {
            deadline: "10 seconds",
            onTimeout: "cancelRemote",
            observers: [observer]
          })
        )
        assert(timedOut._tag === "PollTimeout")
        assert.deepStrictEqual(
          [timedOut.cancel, traceOf(notifications)],
          [{ outcome, error: outcome === "refused" ? "too late" : undefined }, expected("timeout")]
        )
        assert.include(timedOut.message, "remote cancel was")
      })
    )

    it.effect("interruption - reports the cancel before the end", () =>
      Effect.gen(function* () {
        const { notifications, observer } = recordEvents()
        const wait = host.until(cancelable(cancel).job, "a", {
          ...hour,
          onInterrupt: "cancelRemote",
          observers: [observer]
        })
        const fiber = yield* Effect.forkChild(wait)
        yield* TestClock.adjust("3 seconds")
        yield* Effect.forkChild(Fiber.interrupt(fiber))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(traceOf(notifications), expected("interrupt"))
      })
    )

    it.effect("close - reports the cancel before the end", () =>
      Effect.gen(function* () {
        const { notifications, observer } = recordEvents()
        const scope = yield* Scope.make()
        const options = { ...hour, onClose: "cancelRemote", observers: [observer] } as const
        yield* Scope.provide(host.start(cancelable(cancel).job, "a", options), scope)
        yield* TestClock.adjust("3 seconds")
        yield* Effect.forkChild(Scope.close(scope, Exit.void))
        yield* TestClock.adjust("1 minute")
        assert.deepStrictEqual(traceOf(notifications), expected("close"))
      })
    )

    it.effect("cancel of a handle - is bounded, and reported while the wait continues", () =>
      Effect.gen(function* () {
        const { notifications, observer } = recordEvents()
        const handle = yield* host.start(cancelable(cancel).job, "a", { ...hour, observers: [observer] })
        const fiber = yield* Effect.forkChild(Effect.exit(handle.cancel))
        yield* TestClock.adjust("10 seconds")
        const exit = yield* Fiber.join(fiber)
        const reason = Exit.isSuccess(exit) ? "accepted" : Exit.findErrorOption(exit)
        yield* TestClock.adjust("10 seconds")
        assert.deepStrictEqual(traceOf(notifications), expected("handle").slice(0, 2))
        if (typeof reason === "string") return assert.strictEqual(outcome, "accepted")
        assert(reason._tag === "Some")
        assert.strictEqual(reason.value.reason, outcome === "refused" ? "failed" : "timedOut")
      })
    )

    it.effect("log, journal and metrics - report it without the words of the server", () =>
      Effect.gen(function* () {
        const logged: Array<string> = []
        const logger = Logger.make(({ logLevel, message }) => void logged.push(`${logLevel} ${String(message)}`))
        const entries: Array<string> = []
        const journal = PollJournal.observer((entry) => Effect.sync(() => entries.push(JSON.stringify(entry))))
        yield* failureOf(
          host.until(cancelable(cancel).job, "a", {
            deadline: "10 seconds",
            onTimeout: "cancelRemote",
            observers: [journal, PollMetrics.observer]
          })
        ).pipe(Effect.provide(Logger.layer([logger])))
        const warnings = logged.filter((line) => line.startsWith("Warn"))
        assert.strictEqual(warnings.length, outcome === "accepted" ? 0 : 1)
        assert.isTrue(entries.some((entry) => entry.includes(`"outcome":"${outcome}"`)))
        assert.notInclude([...warnings, ...entries].join("\n"), "too late")
        const attributes = { job: "render", by: "timeout", outcome }
        const { count } = yield* Metric.value(Metric.withAttributes(PollMetrics.cancels, attributes))
        assert.strictEqual(count, 1)
      }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
    )
  })
})

describe("Poll", () => {
  it.effect("span - has the outcome of the cancel [R37]", () =>
    Effect.gen(function* () {
      const { spans, tracer } = recordSpans()
      const wait = Poll.until(cancelable(Effect.fail("no")).job, "a", {
        deadline: "10 seconds",
        onTimeout: "cancelRemote"
      })
      yield* failureOf(Effect.withTracer(wait, tracer))
      const attributes = spans.find(({ name }) => name === "poll.wait")?.attributes
      assert.deepStrictEqual(
        [attributes?.get("poll.cancel.by"), attributes?.get("poll.cancel.outcome")],
        ["timeout", "refused"]
      )
    })
  )
})

describe("Poller", () => {
  describe("a job that other waits want [R37]", () => {
    it.effect("timeout - is not canceled, and the trace says nothing", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelable(Effect.void)
        const { notifications, observer } = recordEvents()
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", hour)
        const error = yield* failureOf(
          poller.until(job, "a", { deadline: "10 seconds", onTimeout: "cancelRemote", observers: [observer] })
        )
        assert(error._tag === "PollTimeout")
        assert.deepStrictEqual([canceled, error.cancel, traceOf(notifications)], [[], undefined, ["ended"]])
      })
    )

    it.effect("interruption - is not canceled, and the trace says nothing", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelable(Effect.void)
        const { notifications, observer } = recordEvents()
        const poller = yield* Poller.make(plain)
        yield* poller.add(job, "a", hour)
        const handle = yield* poller.add(job, "a", { ...hour, onInterrupt: "cancelRemote", observers: [observer] })
        yield* handle.interrupt
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual([canceled, traceOf(notifications)], [[], ["ended"]])
      })
    )

    it.effect("waits that close together - share one cancel, and each reports it", () =>
      Effect.gen(function* () {
        const { canceled, job } = cancelable(Effect.fail("no"))
        const { notifications, observer } = recordEvents()
        const poller = yield* Poller.make(plain)
        const options = { ...hour, onClose: "cancelRemote", observers: [observer] } as const
        yield* poller.add(job, "a", options)
        yield* poller.add(job, "a", options)
        yield* poller.shutdown
        yield* TestClock.adjust("1 second")
        assert.deepStrictEqual(
          [canceled, traceOf(notifications).toSorted()],
          [
            ["a"],
            ["ended", "ended", "refused by close no", "refused by close no", "requested by close", "requested by close"]
          ]
        )
      })
    )
  })
})
