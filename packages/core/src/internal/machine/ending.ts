import * as Exit from "effect/Exit"
import * as PollError from "../../PollError.ts"
import type { Command } from "./event.ts"
import { canceling, ended } from "./stage.ts"
import { boundedBy, rare, seen, type Wait } from "./wait.ts"

// How a wait ends.

/** By its deadline or the limit of its strategy; or because its strategy ended. */
export const timeout = (wait: Wait, reason: "deadline" | "strategy" = boundedBy(wait)): Command => {
  if (wait.rare.gaveUp !== undefined) return fail(wait, wait.rare.gaveUp)
  const error = new PollError.PollTimeout({
    ...seen(wait),
    reason,
    floorAt: wait.floorAt > wait.deadlineAt ? wait.setting.time.base + wait.floorAt : undefined
  })
  const { cancel, cancelTimeout, onTimeout } = wait.setting.policy
  if (onTimeout === "leave" || cancel === undefined) return fail(wait, error)
  rare(wait).gaveUp = error
  wait.stage = canceling
  wait.nextAt = wait.setting.time.now + cancelTimeout
  return "cancel"
}

/** Fails with an error that is no news of the job: after a timeout, that timeout stands. */
export const giveUp = (wait: Wait, error: PollError.PollError<unknown, unknown>): Command =>
  fail(wait, wait.rare.gaveUp ?? error)

export const fail = (wait: Wait, error: PollError.PollError<unknown, unknown>): Command => end(wait, Exit.fail(error))

export const end = (wait: Wait, exit: Exit.Exit<unknown, unknown>): Command => {
  wait.stage = ended
  wait.nextAt = wait.setting.time.now
  wait.setting.emit(wait, {
    _tag: "Ended",
    attempts: wait.attempts,
    exit: exit as Exit.Exit<unknown, PollError.PollError<unknown, unknown>>
  })
  return "end"
}

/** Whether the server is asked to stop the job when this wait is interrupted: not again, after it was asked on a timeout. */
export const asksOnInterrupt = (wait: Wait): boolean => {
  const { cancel, onInterrupt } = wait.setting.policy
  const alreadyAsked = wait.rare.gaveUp !== undefined && wait.stage.phase !== "canceling"
  return onInterrupt === "cancelRemote" && cancel !== undefined && wait.stage.phase !== "ended" && !alreadyAsked
}
