import * as Duration from "effect/Duration"
import * as Status from "../Status.ts"
import { printed, quoted } from "./text.ts"

// What messages and logs say about a wait.

/** The most characters of a key that are printed. */
const longestKey = 1_000

/** Names the job. The name of a wait without a `Job` is also its key, and `check` if it was not given. */
export const subject = ({ job, key }: { readonly job: string; readonly key: string }): string => {
  if (job !== key) return `${printed(job, longestKey)} ${quoted(key, longestKey)}`
  return job === "check" ? "the job" : printed(job, longestKey)
}

/** Summarizes a wait: its checks, its time, its last status and, if given, its last check error. */
export const summary = (
  wait: {
    readonly attempts: number
    readonly elapsed: Duration.Duration
    readonly lastStatus: Status.Status<unknown, unknown> | undefined
    readonly confirmation?: Progress | undefined
  },
  checkError: string | undefined
): string => {
  const { attempts, confirmation, elapsed, lastStatus } = wait
  const status = lastStatus === undefined ? "no status found" : `last status ${Status.describe(lastStatus)}`
  const error = checkError === undefined ? "" : `, last check error ${checkError}`
  const held = confirmation === undefined ? "" : `, not confirmed (${progressOf(confirmation)})`
  return `(${plural(attempts, "check")} in ${timeOf(elapsed)}, ${status}${held}${error})`
}

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`

// ---- internal ----

/** How far the confirmation of an end has come; public as `PollError.Confirmation`. */
interface Progress {
  readonly sightings: number
  readonly times: number
  readonly heldFor: Duration.Duration
  readonly for: Duration.Duration | undefined
  readonly elsewhere: boolean
}

const progressOf = ({ elsewhere, for: needed, heldFor, sightings, times }: Progress): string => {
  if (elsewhere) return "by the other source"
  return needed === undefined ? `${sightings} of ${times}` : `held for ${timeOf(heldFor)} of ${timeOf(needed)}`
}

const timeOf = (duration: Duration.Duration): string => (Duration.isZero(duration) ? "0ms" : Duration.format(duration))
