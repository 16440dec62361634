/**
 * Metrics of waits, for those who ask for them: give `PollMetrics.observer` to a wait, or to all by `PollDefaults`.
 *
 * **Details**
 *
 * | metric | kind | unit | attributes |
 * |---|---|---|---|
 * | `effect_poll_checks_total` | counter | checks | `job`, `outcome`: changed, unchanged, failed |
 * | `effect_poll_waits_total` | counter | waits that ended | `job`, `ending`: Succeeded, the tag of the error, Interrupted, Defect |
 * | `effect_poll_waits_active` | gauge | waits under way | `job` |
 * | `effect_poll_wait_duration_millis` | histogram | milliseconds from start to end | `job` |
 *
 * The key of a job is never an attribute.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Metric from "effect/Metric"
import { endingOf } from "./internal/telemetry.ts"
import * as Observer from "./Observer.ts"

/**
 * Counts checks by what came of them.
 *
 * @category metrics
 * @since 0.1.0
 */
export const checks: Metric.Counter<number> = Metric.counter("effect_poll_checks_total", {
  description: "Checks by what came of them",
  incremental: true
})

/**
 * Counts waits by how they ended.
 *
 * @category metrics
 * @since 0.1.0
 */
export const waits: Metric.Counter<number> = Metric.counter("effect_poll_waits_total", {
  description: "Waits by how they ended",
  incremental: true
})

/**
 * How many waits are under way.
 *
 * @category metrics
 * @since 0.1.0
 */
export const active: Metric.Gauge<number> = Metric.gauge("effect_poll_waits_active", {
  description: "Waits under way"
})

/**
 * How long waits take, in milliseconds: half a second to about nine hours in doubling steps.
 *
 * @category metrics
 * @since 0.1.0
 */
export const duration: Metric.Histogram<number> = Metric.histogram("effect_poll_wait_duration_millis", {
  description: "Milliseconds from the start of a wait to its end",
  boundaries: Metric.exponentialBoundaries({ start: 500, factor: 2, count: 17 })
})

/**
 * Keeps the metrics of a wait.
 *
 * @category observers
 * @since 0.1.0
 */
export const observer: Observer.Observer = Observer.make(({ elapsedMillis: elapsed, event, job }) => {
  switch (event._tag) {
    case "Started":
      return Metric.modify(Metric.withAttributes(active, { job }), 1)
    case "Changed":
      return Metric.update(Metric.withAttributes(checks, { job, outcome: "changed" }), 1)
    case "Unchanged":
      return Metric.update(Metric.withAttributes(checks, { job, outcome: "unchanged" }), 1)
    case "CheckFailed":
      return Metric.update(Metric.withAttributes(checks, { job, outcome: "failed" }), 1)
    case "Ended":
      return Effect.all(
        [
          Metric.modify(Metric.withAttributes(active, { job }), -1),
          Metric.update(Metric.withAttributes(waits, { job, ending: endingOf(event.exit) }), 1),
          Metric.update(Metric.withAttributes(duration, { job }), elapsed)
        ],
        { discard: true }
      )
    default:
      return Effect.void
  }
})
