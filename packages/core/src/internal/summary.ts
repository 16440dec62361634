import * as Duration from "effect/Duration"
import * as Status from "../Status.ts"
import { quoted } from "./text.ts"

// What messages and logs say about a wait.

/** The most characters of a key that are printed. */
const longestKey = 1_000

/** Names the job. A wait without a `Job` has the name and the key `check`, which would read as `check "check"`. */
export const subject = ({ job, key }: { readonly job: string; readonly key: string }): string =>
  job === "check" && key === "check" ? "the job" : `${job} ${quoted(key, longestKey)}`

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
