import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type { ResultMissing } from "../../CheckResult.ts"
import * as PollError from "../../PollError.ts"
import type { Command } from "./event.ts"
import { boundedBy, canceling, cold, ended, hasTimedOut, type HeldTimeout, seen, type Wait } from "./wait.ts"

// How a wait ends.

/**
 * Ends the wait as `PollTimeout`, at the deadline or because the strategy is over. With `onTimeout: "cancelRemote"` the
 * timeout is held back while the job is canceled and watched for its true end.
 */
export const timeout = (wait: Wait, reason: PollError.PollTimeout["reason"] = boundedBy(wait)): Command => {
  // That the job has ended takes precedence over the end of the time.
  const end = wait.cold.rows?.end
  if (end !== undefined) return failWithoutResult(wait, end)
  if (wait.cold.heldTimeout !== undefined) return fail(wait, timeoutOf(wait, wait.cold.heldTimeout))
  const held: HeldTimeout = { reason, state: undefined, limit: undefined, cancel: undefined }
  const { cancel, cancelTimeout, onTimeout } = wait.setting.policy
  if (onTimeout === "leave" || cancel === undefined) return fail(wait, timeoutOf(wait, held))
  cold(wait).heldTimeout = held
  wait.stage = canceling
  wait.nextAt = wait.setting.time.now + cancelTimeout
  return "cancel"
}

/** A timeout as an error, with what was seen until now. */
const timeoutOf = (wait: Wait, { cancel, limit, reason, state }: HeldTimeout): PollError.PollTimeout => {
  const { status } = wait
  return new PollError.PollTimeout({
    ...seen(wait),
    reason,
    state,
    limit: limit === undefined ? undefined : Duration.millis(limit),
    unconfirmed: wait.cold.hold !== undefined && status !== undefined && status._tag !== "Pending" ? status : undefined,
    cancel,
    floorAt: wait.floorAt > wait.deadlineAt ? wait.setting.time.base + wait.floorAt : undefined
  })
}

/** Fails because the server reported an end, but not its result. */
export const failWithoutResult = (wait: Wait, { issue, state }: ResultMissing): Command =>
  fail(wait, new PollError.ResultMissing({ ...seen(wait), state, issue }))

/** Fails with an error that is no news of the job; a timeout that is held back takes precedence. */
export const failWithoutNews = (wait: Wait, error: PollError.PollError<unknown, unknown>): Command =>
  fail(wait, wait.cold.heldTimeout === undefined ? error : timeoutOf(wait, wait.cold.heldTimeout))

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
