import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type { ResultMissing } from "../../CheckResult.ts"
import * as PollError from "../../PollError.ts"
import type { CanceledBy, CancelExit, Command, LeftBy } from "./event.ts"
import { confirmationOf } from "./hold.ts"
import { forgoLastCheck } from "./pacing.ts"
import { liftStateLimit, timeoutAtBound } from "./stateLimit.ts"
import { canceling, cold, ended, hasTimedOut, type HeldTimeout, isLeaving, seen, type Wait } from "./wait.ts"

// How a wait ends.

/**
 * Ends the wait as `PollTimeout`, at its bound (the deadline or a state limit) or because the strategy is over. With
 * `onTimeout: "cancelRemote"` the timeout is held back while the job is canceled and watched for its true end.
 */
export const timeout = (wait: Wait, by: "bound" | "strategy" = "bound"): Command => {
  // An end without its result takes precedence over the timeout.
  const end = wait.cold.rows?.end
  if (end !== undefined) return failWithoutResult(wait, end)
  if (wait.cold.heldTimeout !== undefined) return fail(wait, timeoutOf(wait, wait.cold.heldTimeout))
  return cancelOrFail(wait, { ...(by === "bound" ? timeoutAtBound(wait) : strategyOver), cancel: undefined })
}

/** Holds a timeout back while the job is canceled, if it is to be; otherwise it ends the wait. */
export const cancelOrFail = (wait: Wait, held: HeldTimeout): Command => {
  const { cancelTimeout, onTimeout } = wait.setting.policy
  if (onTimeout === "leave") return fail(wait, timeoutOf(wait, held))
  cold(wait).heldTimeout = held
  liftStateLimit(wait)
  wait.stage = canceling
  wait.nextAt = wait.setting.time.now + cancelTimeout
  return "cancel"
}

const strategyOver = { reason: "strategy", state: undefined, limit: undefined } as const

/** A timeout as an error, with what was seen until now. */
const timeoutOf = (wait: Wait, { cancel, limit, reason, state }: HeldTimeout): PollError.PollTimeout => {
  const { setting, status } = wait
  const { base, now } = setting.time
  return new PollError.PollTimeout({
    ...seen(wait),
    reason,
    state,
    limit: limit === undefined ? undefined : Duration.millis(limit),
    unconfirmed: wait.cold.hold !== undefined && status !== undefined && status._tag !== "Pending" ? status : undefined,
    confirmation: confirmationOf(wait),
    cancel,
    floorAt: wait.floorAt > Math.max(wait.deadlineAt, now) ? base + wait.floorAt : undefined
  })
}

/** Fails because the server reported an end, but not its result. */
export const failWithoutResult = (wait: Wait, { issue, state }: ResultMissing): Command =>
  fail(wait, new PollError.ResultMissing({ ...seen(wait), state, issue }))

/** Fails with an error that says nothing about the job; a timeout that is held back takes precedence, as it would end now. */
export const failWithoutNews = (wait: Wait, error: PollError.PollError<unknown, unknown>): Command =>
  wait.cold.heldTimeout === undefined ? fail(wait, error) : timeout(wait)

export const fail = (wait: Wait, error: PollError.PollError<unknown, unknown>): Command => end(wait, Exit.fail(error))

export const end = (wait: Wait, exit: Exit.Exit<unknown, unknown>): Command => {
  forgoLastCheck(wait)
  wait.stage = ended
  wait.nextAt = wait.setting.time.now
  reportEnd(wait, exit)
  return { exit }
}

/** Ends the wait as interrupted. If the job is to be canceled, the end is reported after that. */
export const interrupt = (wait: Wait, by: LeftBy | undefined): Command => {
  if (by === undefined) return end(wait, Exit.interrupt())
  forgoLastCheck(wait)
  wait.stage = ended
  wait.nextAt = wait.setting.time.now
  cold(wait).leftBy = by
  return { exit: Exit.interrupt() }
}

/** What cancels the job when a wait is ended from outside, if its policy asks for that and no timeout has done so. */
export const cancelsBy = (wait: Wait, by: LeftBy): LeftBy | undefined => {
  const { onClose, onInterrupt } = wait.setting.policy
  const asked = by === "close" ? onClose : onInterrupt
  const alreadyAsked = hasTimedOut(wait) && wait.stage.phase !== "canceling"
  return asked === "cancelRemote" && !alreadyAsked ? by : undefined
}

export const onCancelAsked = (wait: Wait, by: CanceledBy): Command => {
  if (isOpen(wait)) wait.setting.emit(wait, { _tag: "CancelRequested", by })
  return "continue"
}

/** Reports the outcome of a cancel. Yields it if it was the one of a timeout, after which the wait continues. */
export const onCancelAnswered = (
  wait: Wait,
  by: CanceledBy,
  exit: CancelExit
): { readonly outcome: PollError.CancelOutcome | undefined } | undefined => {
  if (!isOpen(wait) || (by === "timeout" && wait.stage.phase !== "canceling")) return undefined
  const outcome = outcomeOf(exit)
  if (outcome !== undefined) wait.setting.emit(wait, { _tag: "CancelAnswered", by, ...outcome })
  if (by === wait.cold.leftBy) {
    wait.cold.leftBy = undefined
    reportEnd(wait, Exit.interrupt())
  }
  return by === "timeout" ? { outcome } : undefined
}

// ---- internal ----

const reportEnd = (wait: Wait, exit: Exit.Exit<unknown, unknown>): void =>
  wait.setting.emit(wait, {
    _tag: "Ended",
    attempts: wait.attempts,
    exit: exit as Exit.Exit<unknown, PollError.PollError<unknown, unknown>>
  })

/** Whether the end has not been reported yet: nothing may be reported after it. */
const isOpen = (wait: Wait): boolean => wait.stage.phase !== "ended" || isLeaving(wait)

const outcomeOf = (exit: CancelExit): PollError.CancelOutcome | undefined => {
  if (exit === "wanted") return undefined
  if (exit === "timedOut") return { outcome: "timedOut", error: undefined }
  return Exit.isSuccess(exit)
    ? { outcome: "accepted", error: undefined }
    : { outcome: "refused", error: Cause.squash(exit.cause) }
}
