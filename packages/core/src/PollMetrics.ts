/**
 * Metrics of waits. They are recorded by `PollMetrics.observer`, as an observer of one wait or, in `PollDefaults`, of
 * all.
 *
 * **Details**
 *
 * | metric | kind | unit | attributes |
 * |---|---|---|---|
 * | `effect_poll_checks_total` | counter | checks | `job`; `outcome`: `changed`, `unchanged`, `failed` or `throttled` |
 * | `effect_poll_cancels_total` | counter | remote cancels | `job`; `by`: `timeout`, `interrupt`, `close` or `handle`; `outcome`: `accepted`, `refused` or `timedOut` |
 * | `effect_poll_told_total` | counter | what waits were told | `job`; `by`: `signal` or `push`; `kind`: `Ended`, `Report` or `Wake` |
 * | `effect_poll_told_in_vain_total` | counter | checks that followed from a reason to check and found no change | `job`; `by` |
 * | `effect_poll_signals_missed_total` | counter | ends that a check found first, although a stream could have told them | `job`; `by` |
 * | `effect_poll_sources_broken_total` | counter | streams that failed or ended, and are subscribed again | `job`; `by` |
 * | `effect_poll_waits_total` | counter | ended waits | `job`; `ending`: `Succeeded`, the tag of the error, `Interrupted` or `Defect` |
 * | `effect_poll_waits_active` | gauge | running waits | `job` |
 * | `effect_poll_wait_duration_millis` | histogram | milliseconds from start to end | `job` |
 *
 * A retry within a check counts as a check of its own. A status that a wait was told does not count as a check. A check that finds no job, or an end without its result, is not
 * counted, nor is one by the other source of `confirm` that does not confirm an end. The key of a job is never an
 * attribute, which keeps the number of time series small.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { endingOf } from "./internal/telemetry.ts"
import * as Observer from "./Observer.ts"

/**
 * Counts checks by outcome.
 *
 * @category metrics
 * @since 0.1.0
 */
export const checks: Metric.Counter<number> = Metric.counter("effect_poll_checks_total", {
  description: "Checks by outcome",
  incremental: true
})

/**
 * Counts remote cancels by what asked for them and by outcome.
 *
 * @category metrics
 * @since 0.1.0
 */
export const cancels: Metric.Counter<number> = Metric.counter("effect_poll_cancels_total", {
  description: "Remote cancels by outcome",
  incremental: true
})

/**
 * Counts what waits were told, by what told them and by kind. Several reasons to make one check count once.
 *
 * @category metrics
 * @since 0.1.0
 */
export const told: Metric.Counter<number> = Metric.counter("effect_poll_told_total", {
  description: "What waits were told by signals and pushes",
  incremental: true
})

/**
 * Counts checks that followed from a reason to check and found no change, by what gave the reason: useless pushes.
 *
 * @category metrics
 * @since 0.1.0
 */
export const toldInVain: Metric.Counter<number> = Metric.counter("effect_poll_told_in_vain_total", {
  description: "Requested checks that found no change",
  incremental: true
})

/**
 * Counts ends that a check found first, although a signal or a push could have told them: missed signals. A push that was
 * the reason for the check was not missed.
 *
 * @category metrics
 * @since 0.1.0
 */
export const signalsMissed: Metric.Counter<number> = Metric.counter("effect_poll_signals_missed_total", {
  description: "Ends that a check found before a signal told them",
  incremental: true
})

/**
 * Counts streams of signals and pushes that failed, died or ended, and are subscribed again.
 *
 * @category metrics
 * @since 0.1.0
 */
export const sourcesBroken: Metric.Counter<number> = Metric.counter("effect_poll_sources_broken_total", {
  description: "Streams of signals and pushes that broke",
  incremental: true
})

/**
 * Counts ended waits by ending.
 *
 * @category metrics
 * @since 0.1.0
 */
export const waits: Metric.Counter<number> = Metric.counter("effect_poll_waits_total", {
  description: "Ended waits by ending",
  incremental: true
})

/**
 * Counts running waits.
 *
 * @category metrics
 * @since 0.1.0
 */
export const activeWaits: Metric.Gauge<number> = Metric.gauge("effect_poll_waits_active", {
  description: "Running waits"
})

/**
 * Records the duration of waits in milliseconds, in buckets whose bounds double from 500 milliseconds to about 9 hours.
 *
 * @category metrics
 * @since 0.1.0
 */
export const duration: Metric.Histogram<number> = Metric.histogram("effect_poll_wait_duration_millis", {
  description: "Duration of waits in milliseconds",
  boundaries: Metric.exponentialBoundaries({ start: 500, factor: 2, count: 17 })
})

/**
 * The observer that records these metrics.
 *
 * @category observers
 * @since 0.1.0
 */
export const observer: Observer.Observer = Observer.make(({ elapsedMillis, event, job }) => {
  switch (event._tag) {
    case "Started":
      return Metric.modify(Metric.withAttributes(activeWaits, { job }), 1)
    case "Changed":
      if (event.by !== undefined) return Effect.void
      return Metric.update(Metric.withAttributes(checks, { job, outcome: "changed" }), 1)
    case "Unchanged":
      return Metric.update(Metric.withAttributes(checks, { job, outcome: "unchanged" }), 1)
    case "CheckFailed":
      return Metric.update(
        Metric.withAttributes(checks, { job, outcome: event.kind === "Throttled" ? "throttled" : "failed" }),
        1
      )
    case "Told":
      return Metric.update(Metric.withAttributes(told, { job, by: event.by, kind: event.kind }), 1)
    case "WokenInVain":
      return Metric.update(Metric.withAttributes(toldInVain, { job, by: event.by }), 1)
    case "SignalMissed":
      return Metric.update(Metric.withAttributes(signalsMissed, { job, by: event.by }), 1)
    case "SourceBroke":
      return Metric.update(Metric.withAttributes(sourcesBroken, { job, by: event.by }), 1)
    case "CancelAnswered":
      return Metric.update(Metric.withAttributes(cancels, { job, by: event.by, outcome: event.outcome }), 1)
    case "Ended":
      return Effect.all(
        [
          Metric.modify(Metric.withAttributes(activeWaits, { job }), -1),
          Metric.update(Metric.withAttributes(waits, { job, ending: endingOf(event.exit) }), 1),
          Metric.update(Metric.withAttributes(duration, { job }), elapsedMillis)
        ],
        { discard: true }
      )
    default:
      return Effect.void
  }
})
