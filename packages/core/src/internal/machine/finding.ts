import * as Equal from "effect/Equal"
import type * as CheckResult from "../../CheckResult.ts"
import * as Status from "../../Status.ts"

/** An answer about a run of the same key that is older than the one we wait for (semantics of `since`). */
export const isEarlierRun = (since: CheckResult.Run | undefined, run: CheckResult.Run | undefined): boolean => {
  if (since === undefined || run === undefined) return false
  if ("generation" in since && "generation" in run) return run.generation < since.generation
  // A generation says nothing about an id: an end that cannot be told to be the awaited one does not count.
  return !("run" in since && "run" in run && since.run === run.run)
}

/** An end of an earlier run says only that the one we wait for goes on. */
export const asPending = (
  finding: Exclude<CheckResult.Unannotated<unknown, unknown>, CheckResult.Missing>
): Status.Status<unknown, unknown> =>
  finding._tag === "Pending"
    ? finding
    : Status.pending({ state: "EARLIER RUN", detail: finding._tag === "UnknownState" ? finding.state : finding.state })

/** Whether two statuses say the same of a job that goes on. */
export const sameStatus = (a: Status.Status<unknown, unknown>, b: Status.Status<unknown, unknown>): boolean =>
  a._tag === "Pending" &&
  b._tag === "Pending" &&
  (a === b ||
    (a.state === b.state && a.progress === b.progress && (a.detail === b.detail || Equal.equals(a.detail, b.detail))))
