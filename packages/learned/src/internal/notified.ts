import * as Exit from "effect/Exit"
import type { Notification } from "effect-poll/Observer"
import type { Live } from "./live.ts"
import type { Seen } from "./model.ts"
import { tenthOf } from "./progress.ts"

// What the notifications of a wait say about the duration of its job.

/** Keeps the progress that a job reports. Returns what is known of its duration once its wait has ended. */
export const seenOf = (live: Live, notification: Notification): Seen | undefined => {
  const { elapsedMillis, event, job, key, lastPendingMillis, times } = notification
  if (job !== live.job) return undefined
  if (event._tag === "Changed" && event.status._tag === "Pending" && event.by === undefined) {
    report(live, key, event.status.progress, ageAt(notification, elapsedMillis))
    return undefined
  }
  if (event._tag !== "Ended") return undefined
  const samples = live.reported.get(key)
  live.reported.delete(key)
  // A receipt may say the end: then nobody waited.
  if (event.attempts === 0 && lastPendingMillis === undefined) return undefined
  const verdict = verdictOf(event.exit)
  const since = ageAt(notification, 0)
  const from = ageAt(notification, lastPendingMillis ?? 0)
  const found = ageAt(notification, elapsedMillis)
  if (verdict === "left") return lastPendingMillis === undefined ? undefined : { from, to: Infinity, since }
  if (verdict === "cut") return { from: found, to: Infinity, since }
  const told = times?.endedAt === undefined ? undefined : (times.endedAt - originOf(notification)) / 1000
  // Clocks may differ: the times of the server are limited to what checks have seen.
  const exact = told === undefined ? undefined : Math.max(from, Math.min(told, found))
  return {
    from: exact ?? from,
    to: exact ?? found,
    since,
    samples
  }
}

// ---- internal ----

/** The most jobs whose progress is kept. */
const mostReported = 10_000

/** The wall-clock time from which the age of a job counts. */
const originOf = ({ at, elapsedMillis, times }: Notification): number =>
  Math.min(at - elapsedMillis, times?.startedAt ?? Number.POSITIVE_INFINITY)

/** The age of the job in seconds, at a time of its wait. */
const ageAt = (notification: Notification, elapsed: number): number =>
  (notification.at - notification.elapsedMillis + elapsed - originOf(notification)) / 1000

/** The most samples that are kept of a job. If there are more, every second one is dropped. */
const mostSamples = 32

const report = (live: Live, key: string, progress: number | undefined, age: number): void => {
  if (progress === undefined || tenthOf(progress) === undefined) return
  const known = live.reported.get(key) ?? []
  const kept = known.length < mostSamples ? known : known.filter((_, index) => index % 2 === 1)
  live.reported.delete(key)
  live.reported.set(key, [...kept, { progress, age }])
  if (live.reported.size <= mostReported) return
  for (const oldest of live.reported.keys()) {
    live.reported.delete(oldest)
    return
  }
}

/**
 * What the end of a wait says about its job: that it ended, that it was cut short, or that it was left as it was last seen.
 */
const verdictOf = (
  exit: Extract<Notification["event"], { readonly _tag: "Ended" }>["exit"]
): "ended" | "cut" | "left" => {
  if (Exit.isSuccess(exit)) return "ended"
  const error = Exit.findErrorOption(exit)
  switch (error._tag === "None" ? undefined : error.value._tag) {
    case "JobFailed":
    case "JobExpired":
    case "ResultMissing":
      return "ended"
    case "JobCanceled":
      return "cut"
    default:
      return "left"
  }
}
