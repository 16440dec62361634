import { assert, describe, it } from "@effect/vitest"
import { inspect } from "node:util"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Logger from "effect/Logger"
import * as Metric from "effect/Metric"
import * as References from "effect/References"
import * as TestClock from "effect/testing/TestClock"
import * as CheckContext from "effect-poll/CheckContext"
import * as CheckError from "effect-poll/CheckError"
import * as CheckResult from "effect-poll/CheckResult"
import * as Job from "effect-poll/Job"
import * as PollJournal from "effect-poll/PollJournal"
import * as PollMetrics from "effect-poll/PollMetrics"
import * as ResumeToken from "effect-poll/ResumeToken"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { type Answer, done, pending } from "./support/checks.ts"
import { hosts } from "./support/hosts.ts"
import { every2s } from "./support/options.ts"
import { recordEvents, recordSpans } from "./support/recorders.ts"
import { ending, errorOf, runFor } from "./support/runs.ts"
import { storedToken } from "./support/tokens.ts"

const options = { strategy: every2s, deadline: "1 minute" } as const

const at = (cursor: string, status: CheckResult.CheckResult<string> = pending) => CheckResult.withCursor(status, cursor)

/** A job with these answers, and the contexts that its checks were given. */
const recordingJob = (
  answers: ReadonlyArray<Answer<string, never, string>>,
  policies: Pick<Job.Options<string, string, never, string, never>, "missing" | "checkErrors"> = {}
) => {
  const contexts: Array<CheckContext.CheckContext> = []
  const job = Job.make<string, never, string>("render", {
    check: (_key, context) => {
      contexts.push(context)
      const answer = answers[Math.min(contexts.length, answers.length) - 1]!
      return Effect.isEffect(answer) ? answer : Effect.succeed(answer)
    },
    checkErrors: { schedule: Strategy.spaced("1 second") },
    ...policies
  })
  return { job, contexts, cursors: () => contexts.map(({ cursor }) => cursor) }
}

describe.each(hosts)("$name", (host) => {
  describe("context", () => {
    it.effect("context - has the number of the check, the time since the start and the last status", () =>
      Effect.gen(function* () {
        const working = Status.pending({ state: "WORKING" })
        const { contexts, job } = recordingJob([Effect.fail("reset"), CheckResult.missing, working, done], {
          checkErrors: { schedule: Strategy.spaced("1 second") },
          missing: { grace: "1 minute" }
        })
        yield* runFor(host.until(job, "a", options), "1 hour")
        assert.deepStrictEqual(
          contexts.map(({ attempt, elapsedMillis, last }) => [attempt, elapsedMillis, last]),
          [
            [1, 0, undefined],
            [2, 1000, undefined],
            [3, 3000, undefined],
            [4, 5000, working]
          ]
        )
      })
    )

    it.effect("retry within a check - has the number and the time of its own start", () =>
      Effect.gen(function* () {
        const { contexts, job } = recordingJob([Effect.fail("reset"), Effect.fail("reset"), done], {
          checkErrors: { retry: Strategy.spaced("1 second") }
        })
        yield* runFor(host.until(job, "a", options), "1 hour")
        assert.deepStrictEqual(
          contexts.map(({ attempt, elapsedMillis }) => [attempt, elapsedMillis]),
          [
            [1, 0],
            [1, 1000],
            [1, 2000]
          ]
        )
      })
    )

    it.effect("resumed wait - counts from its first start", () =>
      Effect.gen(function* () {
        const { contexts, job } = recordingJob([done])
        yield* TestClock.adjust("4 seconds")
        yield* runFor(host.resume(job, storedToken({ attempts: 7, dueAt: 5000 }), { strategy: every2s }), "1 hour")
        assert.deepStrictEqual([contexts[0]!.attempt, contexts[0]!.elapsedMillis], [8, 5000])
      })
    )
  })

  describe("cursor", () => {
    it.effect("cursor - is that of the newest answer that has one", () =>
      Effect.gen(function* () {
        const hinted = CheckResult.withHint(pending, "1 second")
        const { cursors, job } = recordingJob([pending, at("one"), hinted, at("two"), at("", pending), done])
        yield* runFor(host.until(job, "a", options), "1 hour")
        assert.deepStrictEqual(cursors(), [undefined, undefined, "one", "one", "two", ""])
      })
    )

    it.effect("cursor - survives failed checks, retries, missing jobs and unknown states, which can set it too", () =>
      Effect.gen(function* () {
        const { cursors, job } = recordingJob(
          [
            at("one"),
            Effect.fail("reset"),
            Effect.fail("reset"),
            CheckResult.withCursor(CheckResult.missing, "two"),
            CheckResult.missing,
            CheckResult.withCursor(CheckResult.resultMissing(), "three"),
            done
          ],
          { missing: { times: 9 }, checkErrors: { retry: Strategy.maxRecurrences(Strategy.spaced("1 second"), 1) } }
        )
        yield* runFor(host.until(job, "a", options), "1 hour")
        assert.deepStrictEqual(cursors(), [undefined, "one", "one", "one", "two", "two", "three"])
      })
    )

    it.effect("changed cursor - is no change of the job, so that it stalls [R26]", () =>
      Effect.gen(function* () {
        const { contexts, job } = recordingJob([at("1"), at("2"), at("3"), at("4"), at("5"), done])
        const recorded = recordEvents()
        const wait = host.until(job, "a", { ...options, stall: { after: "5 seconds" }, observers: [recorded.observer] })
        assert.strictEqual(ending((yield* runFor(wait, "1 hour")).exit), "JobStalled")
        assert.deepStrictEqual(
          recorded.tags().filter((tag) => tag !== "Waiting"),
          ["Started", "Changed", "Unchanged", "Unchanged", "Unchanged", "Ended"]
        )
        assert.strictEqual(contexts.length, 4)
      })
    )

    it.effect("fallback - starts without the cursor of the job, and has its own", () =>
      Effect.gen(function* () {
        const seen: Array<string | undefined> = []
        const { cursors, job } = recordingJob([at("job"), CheckResult.withCursor(CheckResult.missing, "gone")], {
          missing: {
            fallback: {
              locate: (key) => key,
              check: (_key, { cursor }) => {
                seen.push(cursor)
                return Effect.succeed(seen.length < 3 ? at(`fallback ${seen.length}`) : done)
              }
            }
          }
        })
        yield* runFor(host.until(job, "a", options), "1 hour")
        assert.deepStrictEqual(cursors(), [undefined, "job"])
        assert.deepStrictEqual(seen, [undefined, "fallback 1", "fallback 2"])
      })
    )

    it.effect("token - has the cursor, and a resumed wait continues there", () =>
      Effect.gen(function* () {
        const first = recordingJob([at("page 7"), pending])
        const handle = yield* host.start(first.job, "a", options)
        yield* TestClock.adjust("3 seconds")
        const token = yield* ResumeToken.fromJson(ResumeToken.toJson(yield* handle.token))
        assert.strictEqual(token.cursor, "page 7")
        yield* handle.interrupt
        const second = recordingJob([done])
        yield* runFor(host.resume(second.job, token, { strategy: every2s }), "1 hour")
        assert.deepStrictEqual(second.cursors(), ["page 7"])
      })
    )

    it.effect(
      "answer after the deadline - still moves the cursor for a check after a suspension, but ends nothing",
      () =>
        Effect.gen(function* () {
          const { job, cursors } = recordingJob([at("one"), Effect.delay(Effect.succeed(at("two", done)), "1 hour")])
          const { exit } = yield* runFor(host.until(job, "a", { ...options, deadline: "10 seconds" }), "2 hours")
          assert.strictEqual(ending(exit), "PollTimeout deadline")
          assert.deepStrictEqual(cursors(), [undefined, "one"])
        })
    )
  })

  describe("confidentiality", () => {
    const secret = "sealed-cursor-0815"

    it.effect("cursor - is in no event, log, span, metric, journal or error", () =>
      Effect.gen(function* () {
        const shown: Array<unknown> = []
        const { notifications, observer } = recordEvents()
        const { spans, tracer } = recordSpans()
        const registry = new Map()
        const journal = PollJournal.observer((entry) => Effect.sync(() => shown.push(entry)))
        const logger = Logger.make((log) => {
          shown.push([log.message, log.cause, log.fiber.getRef(References.CurrentLogAnnotations)])
        })
        const scripts: ReadonlyArray<ReadonlyArray<Answer<string, never, string>>> = [
          [at(secret), at(secret, CheckResult.unknownState("PAUSED"))],
          [at(secret), Effect.fail("reset"), at(secret, Status.canceled({ reason: "no" }))],
          [at(secret), at(secret, CheckResult.missing)],
          [at(secret), at(secret, CheckResult.resultMissing("DONE", "nothing"))],
          [at(secret), Effect.fail("denied")],
          [at(secret), Effect.fail("slow")],
          [at(secret)]
        ]
        const kindOf = (error: string) =>
          error === "denied"
            ? CheckError.permanent()
            : error === "slow"
              ? CheckError.throttled()
              : CheckError.transient()
        for (const script of scripts) {
          const { contexts, job } = recordingJob(script, { checkErrors: { kindOf, maxConsecutive: 1 } })
          const wait = host.until(job, "a", { ...options, observers: [observer, journal, PollMetrics.observer] })
          const { exit } = yield* runFor(
            wait.pipe(
              Effect.withTracer(tracer),
              Effect.provide(Logger.layer([logger])),
              Effect.provideService(References.MinimumLogLevel, "Debug"),
              Effect.provideService(Metric.MetricRegistry, registry)
            ),
            "1 hour"
          )
          const error = errorOf(exit)
          assert.strictEqual(contexts.at(-1)!.cursor, secret)
          shown.push(error, error.message, exit, exit !== "running" && Exit.isFailure(exit) ? String(exit.cause) : "")
        }
        shown.push(notifications, ...spans.map(({ attributes, events, status }) => [attributes, events, status]), [
          ...registry
        ])
        const text = shown.map((one) => `${inspect(one, { depth: 20 })} ${safeJson(one)}`).join("\n")
        for (const known of ["PAUSED", "a check of render", "outcome", "Started"]) assert.include(text, known)
        if (host.name === "Poll") assert.include(text, "poll.ending")
        assert.notInclude(text, secret)
      })
    )

    it("results and contexts - are printed without their cursor", () => {
      const printed = (u: unknown) => [JSON.stringify(u), inspect(u)].join()
      for (const one of [
        at(secret),
        CheckResult.withHint(at(secret), "1 second"),
        CheckContext.make({ cursor: secret, attempt: 3 })
      ]) {
        assert.notInclude(printed(one), secret)
        assert.include(printed(one), "<redacted>")
      }
      assert.notInclude(printed(CheckContext.make()), "<redacted>")
      assert.notInclude(printed(CheckResult.withRun(pending, { run: "r" })), "<redacted>")
    })
  })
})

const safeJson = (u: unknown): string =>
  JSON.stringify(u, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value))
