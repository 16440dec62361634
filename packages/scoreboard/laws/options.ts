// The options and the Job of a world, in the words of the library.
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Job from "effect-poll/Job"
import type { Observation } from "effect-poll/Observation"
import type * as Poll from "effect-poll/Poll"
import * as Status from "effect-poll/Status"
import * as Strategy from "effect-poll/Strategy"
import { made } from "./delays.ts"
import type { Trouble } from "./words.ts"
import type { ErrorPolicy, Limit, OfJob, Options, Plan, Terminal, World } from "./world.ts"

export type WaitOptions = Poll.Options<Trouble>

export type JobOptions = Omit<Job.Options<string, string, string, Trouble, never>, "check" | "checkMany" | "cancel">

/** The options of the wait, and those of its Job. */
export const optionsOf = ({ options }: World): { readonly wait: WaitOptions; readonly job: JobOptions } => {
  const shared: Record<OfJob, unknown> = {
    strategy: strategyOf(options.strategy),
    unknownState: unknownStateOf(options.unknownState),
    errors: errorsOf(options.errors),
    checkTimeout: options.checkTimeout,
    stall: options.stall && { after: options.stall.after, onStall: options.stall.report ? "report" : "fail" },
    confirm: options.confirm && { success: options.confirm.success, failure: options.confirm.failure },
    stateLimits: options.stateLimits,
    minInterval: options.minInterval,
    onAction: onActionOf(options.onAction)
  }
  const pick = (ofJob: boolean): Record<string, unknown> =>
    Object.fromEntries(
      Object.entries(shared)
        .filter(([name, value]) => value !== undefined && options.ofJob.includes(name as OfJob) === ofJob)
        .map(([name, value]) => [name === "errors" ? "checkErrors" : name, value])
    )
  const wait = {
    ...pick(false),
    deadline: options.deadline,
    maxHint: options.maxHint,
    since: options.since === undefined ? undefined : { generation: options.since },
    onTimeout: options.onTimeout,
    cancelTimeout: options.cancelTimeout
  } as WaitOptions
  return { wait, job: { ...pick(true), missing: missingOf(options.missing) } }
}

export const strategyOf = (plan: Plan): Strategy.Strategy => {
  let strategy = baseOf(plan)
  if (plan.cap !== undefined && (plan.kind === "spaced" || plan.kind === "made"))
    strategy = Strategy.cap(strategy, plan.cap)
  if (plan.maxAttempts !== undefined) strategy = Strategy.maxAttempts(strategy, plan.maxAttempts)
  if (plan.maxRecurrences !== undefined) strategy = Strategy.maxRecurrences(strategy, plan.maxRecurrences)
  if (plan.maxDuration !== undefined) strategy = Strategy.maxDuration(strategy, plan.maxDuration)
  if (plan.skipNearDeadline !== undefined) strategy = Strategy.skipNearDeadline(strategy, plan.skipNearDeadline)
  if (plan.jitter !== undefined) {
    const { kind, seed } = plan.jitter
    strategy = Strategy.jittered(strategy, typeof kind === "number" ? { atLeast: kind } : kind, { seed })
  }
  return plan.firstWait > 0 ? Strategy.withFirstWait(strategy, plan.firstWait) : strategy
}

export const terminalOf = (is: Terminal): Status.Terminal<string, string> => {
  switch (is) {
    case "succeeded":
      return Status.succeeded("done")
    case "failed":
      return Status.failed("bad")
    case "canceled":
      return Status.canceled()
    case "expired":
      return Status.expired()
  }
}

// ---- internal ----

const baseOf = (plan: Plan): Strategy.Strategy => {
  const { cap, growth, initial, kind } = plan
  switch (kind) {
    case "spaced":
      return Strategy.spaced(initial)
    case "linear":
      return Strategy.linear({ initial, increment: growth, cap })
    case "exponential":
      return Strategy.exponential({ initial, factor: growth, cap })
    case "byProgress":
      return Strategy.byProgress({ min: initial, max: cap!, orElse: Strategy.spaced(initial * 2) })
    case "made":
      return Strategy.make({ decide: (step, sinceFirst, seen) => made(plan, { step, sinceFirst, ...seenBy(seen) }) })
  }
}

const seenBy = (seen: Observation) => ({
  attempt: seen.attempt,
  elapsed: seen.elapsedMillis,
  remaining: seen.remainingMillis,
  sinceChange: seen.sinceChangeMillis,
  inState: seen.inStateMillis,
  progress: seen.status.progress
})

const unknownStateOf = (policy: Options["unknownState"]): Job.UnknownStatePolicy<string, string> => {
  if (typeof policy === "string" || !("treatAs" in policy)) return policy
  const { treatAs } = policy
  return { treatAs: () => (treatAs === "pending" ? Status.pending() : terminalOf(treatAs)) }
}

const errorsOf = (policy: ErrorPolicy | "unbounded"): Job.CheckErrorPolicy<Trouble> | "unbounded" => {
  if (policy === "unbounded") return policy
  const { maxConsecutive, maxOutage, maxThrottled, maxTotal, rejectAfter, retry, schedule, skip } = policy
  return {
    schedule: schedule && strategyOf(schedule),
    retry: retry && strategyOf(retry),
    maxConsecutive,
    maxTotal,
    maxOutage,
    maxThrottled,
    rejectAfter: rejectAfter satisfies Limit | undefined,
    onExhausted: skip ? "skip" : undefined
  }
}

const onActionOf = (onAction: Options["onAction"]): Job.OnAction | undefined =>
  typeof onAction === "object" ? () => Effect.sleep(Duration.millis(onAction.takes)) : onAction

const missingOf = (missing: Options["missing"]): Record<string, unknown> | undefined => {
  if (missing === undefined) return undefined
  const { gone, grace, times } = missing
  return {
    grace,
    times,
    gone: gone && (() => (gone === "pending" ? Status.pending({ state: "GONE" }) : terminalOf(gone)))
  }
}
