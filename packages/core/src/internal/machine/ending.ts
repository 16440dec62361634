import * as Exit from "effect/Exit"
import type { ResultMissing } from "../../CheckResult.ts"
import * as PollError from "../../PollError.ts"
import type { Command } from "./event.ts"
import { boundedBy, canceling, cold, ended, hasTimedOut, seen, type Wait } from "./wait.ts"

// How a wait ends.

/**
 * Ends the wait as `PollTimeout`, at the deadline or because the strategy is over. With `onTimeout: "cancelRemote"` the
 * timeout is held back while the job is canceled and watched for its true end.
 */
export const timeout = (wait: Wait, reason: "deadline" | "strategy" = boundedBy(wait)): Command => {
  // That the job has ended takes precedence over the end of the time.
  const end = wait.cold.rows?.end
  if (end !== undefined) return failWithoutResult(wait, end)
  if (wait.cold.pendingTimeout !== undefined) return fail(wait, wait.cold.pendingTimeout)
  const error = new PollError.PollTimeout({
    ...seen(wait),
    reason,
    floorAt: wait.floorAt > wait.deadlineAt ? wait.setting.time.base + wait.floorAt : undefined
  })
  const { cancel, cancelTimeout, onTimeout } = wait.setting.policy
  if (onTimeout === "leave" || cancel === undefined) return fail(wait, error)
  cold(wait).pendingTimeout = error
  wait.stage = canceling
  wait.nextAt = wait.setting.time.now + cancelTimeout
  return "cancel"
}

/** Fails because the server reported an end, but not its result. */
export const failWithoutResult = (wait: Wait, { issue, state }: ResultMissing): Command =>
  fail(wait, new PollError.ResultMissing({ ...seen(wait), state, issue }))

/** Fails with an error that is no news of the job; a timeout that is held back takes precedence. */
export const failWithoutNews = (wait: Wait, error: PollError.PollError<unknown, unknown>): Command =>
  fail(wait, wait.cold.pendingTimeout ?? error)

export const fail = (wait: Wait, error: PollError.PollError<unknown, unknown>): Command => end(wait, Exit.fail(error))

export const end = (wait: Wait, exit: Exit.Exit<unknown, unknown>): Command => {
  wait.stage = ended
  wait.nextAt = wait.setting.time.now
  wait.setting.emit(wait, {
    _tag: "Ended",
    attempts: wait.attempts,
    exit: exit as Exit.Exit<unknown, PollError.PollError<unknown, unknown>>
  })
  return { exit }
}

/** Whether an interruption of this wait asks the server to stop the job; not a second time after a timeout did. */
export const cancelsOnInterrupt = (wait: Wait): boolean => {
  const { cancel, onInterrupt } = wait.setting.policy
  const alreadyAsked = hasTimedOut(wait) && wait.stage.phase !== "canceling"
  return onInterrupt === "cancelRemote" && cancel !== undefined && wait.stage.phase !== "ended" && !alreadyAsked
}
