import * as Duration from "effect/Duration"
import * as Status from "../Status.ts"
import { quoted } from "./text.ts"

// What messages and logs say about a wait.

/** The most characters of a key that are printed. */
const longestKey = 1_000

/** Names the job. The name of a wait without a `Job` is also its key, and `check` if it was not given. */
export const subject = ({ job, key }: { readonly job: string; readonly key: string }): string => {
  if (job !== key) return `${job} ${quoted(key, longestKey)}`
  return job === "check" ? "the job" : job
}

/** Summarizes a wait: its checks, its time, its last status and, if given, its last check error. */
export const summary = (
  wait: {
    readonly attempts: number
    readonly elapsed: Duration.Duration
    readonly lastStatus: Status.Status<unknown, unknown> | undefined
  },
  checkError: string | undefined
): string => {
  const { attempts, elapsed, lastStatus } = wait
  const status = lastStatus === undefined ? "no status found" : `last status ${Status.describe(lastStatus)}`
  const error = checkError === undefined ? "" : `, last check error ${checkError}`
  const time = Duration.isZero(elapsed) ? "0ms" : Duration.format(elapsed)
  return `(${plural(attempts, "check")} in ${time}, ${status}${error})`
}

export const plural = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`
