import type * as Job from "effect-poll/Job"

// The options of waits that a job carries, besides those that each module has of its own.

type Carried = "checkTimeout" | "stall" | "confirm" | "stateLimits" | "minInterval" | "onAction"

/** The options of waits among the options of a job. */
export const carried = <K, A, F, E, R>({
  checkTimeout,
  confirm,
  minInterval,
  onAction,
  stall,
  stateLimits
}: Pick<Job.Options<K, A, F, E, R>, Carried>): Pick<Job.Options<K, A, F, E, R>, Carried> => ({
  checkTimeout,
  confirm,
  minInterval,
  onAction,
  stall,
  stateLimits
})
