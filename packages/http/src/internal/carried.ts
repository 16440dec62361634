import * as Struct from "effect/Struct"
import type * as Job from "effect-poll/Job"

type Carried = "checkTimeout" | "stall" | "confirm" | "stateLimits" | "minInterval" | "onAction"

/** The options of waits that a job carries, besides those that each module has of its own. */
export const carried = <K, A, F, E, R>(
  options: Pick<Job.Options<K, A, F, E, R>, Carried>
): Pick<Job.Options<K, A, F, E, R>, Carried> =>
  Struct.pick(options, ["checkTimeout", "stall", "confirm", "stateLimits", "minInterval", "onAction"])
