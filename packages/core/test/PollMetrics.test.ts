import { assert, describe, it } from "@effect/vitest"
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import * as Stream from "effect/Stream"
import * as CheckError from "effect-poll/CheckError"
import * as Poll from "effect-poll/Poll"
import * as PollMetrics from "effect-poll/PollMetrics"
import * as Status from "effect-poll/Status"
import * as Told from "effect-poll/Told"
import { done, pending, renderJob } from "./support/checks.ts"
import { every2s } from "./support/options.ts"
import { runFor } from "./support/runs.ts"

const options = { strategy: every2s, deadline: "1 minute", observers: [PollMetrics.observer] } as const

describe("PollMetrics", () => {
  it.effect("observer - counts checks and waits, and times them", () =>
    Effect.gen(function* () {
      const { job } = renderJob(pending, pending, Effect.fail("reset"), Effect.fail("slow down"), done)
      const kindOf = (error: string) => (error === "reset" ? CheckError.transient() : CheckError.throttled())
      yield* runFor(Poll.until(job, "a", { ...options, checkErrors: { kindOf } }), "1 minute")
      const count = (outcome: string) =>
        Effect.map(
          Metric.value(Metric.withAttributes(PollMetrics.checks, { job: "render", outcome })),
          ({ count }) => count
        )
      assert.deepStrictEqual(
        [yield* count("changed"), yield* count("unchanged"), yield* count("failed"), yield* count("throttled")],
        [2, 1, 1, 1]
      )
      const ended = yield* Metric.value(
        Metric.withAttributes(PollMetrics.waits, { job: "render", ending: "Succeeded" })
      )
      const active = yield* Metric.value(Metric.withAttributes(PollMetrics.activeWaits, { job: "render" }))
      const time = yield* Metric.value(Metric.withAttributes(PollMetrics.duration, { job: "render" }))
      assert.deepStrictEqual([ended.count, active.value, time.count, time.sum], [1, 0, 1, 6000])
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )

  it.effect("observer - counts what waits are told, in vain or too late, and not as checks [R63]", () =>
    Effect.gen(function* () {
      const { job } = renderJob<string, never, never>(pending, pending, done)
      const told = [Told.wake, Told.report<string>(Status.pending({ state: "RUN" }))]
      const push = Stream.concat(
        Stream.fromIterable(told).pipe(Stream.mapEffect((it) => Effect.delay(Effect.succeed(it), 500))),
        Stream.fail("gone")
      )
      const wait = { deadline: "1 minute", observers: [PollMetrics.observer], push, behind: every2s } as const
      yield* runFor(Poll.until(job, "a", wait), "1 minute")
      const count = (metric: Metric.Counter<number>, attributes: Record<string, string>) =>
        Effect.map(Metric.value(Metric.withAttributes(metric, { job: "render", ...attributes })), ({ count }) => count)
      const by = "push"
      assert.deepStrictEqual(
        yield* Effect.all([
          count(PollMetrics.told, { by, kind: "Wake" }),
          count(PollMetrics.told, { by, kind: "Report" }),
          count(PollMetrics.toldInVain, { by }),
          count(PollMetrics.signalsMissed, { by }),
          count(PollMetrics.sourcesBroken, { by }),
          count(PollMetrics.checks, { outcome: "changed" }),
          count(PollMetrics.checks, { outcome: "unchanged" })
        ]),
        [1, 1, 1, 1, 1, 2, 1]
      )
    }).pipe(Effect.provideService(Metric.MetricRegistry, new Map()))
  )
})
