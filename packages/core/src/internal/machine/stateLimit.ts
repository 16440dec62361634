import type { Status } from "../../Status.ts"
import { cold, hasTimedOut, type HeldTimeout, boundedBy, type Wait, whole, wholeDeadlineOf } from "./wait.ts"

// How long a job may be in a state. A limit acts like a deadline that moves when the state changes: `deadlineAt` is the
// sooner of both, and `cold.wholeDeadlineAt` keeps the later one while the limit comes first.

/** Counts the time of a state from the answer that found its word first. `before` is the status until now. */
export const enterState = (wait: Wait, before: Status<unknown, unknown> | undefined): void => {
  const { status } = wait
  const isSame =
    before?._tag === "Pending" && status?._tag === "Pending" && before.state === status.state && !wait.cold.isStateOver
  if (!isSame) wait.stateSince = wait.setting.time.now
  if (wait.cold.isStateOver) wait.cold.isStateOver = false
  boundByState(wait)
}

/** An end without its result ends the state, but is not a status. */
export const leaveState = (wait: Wait): void => {
  cold(wait).isStateOver = true
  boundByState(wait)
}

/** How long the job has been in its state, in milliseconds. */
export const inState = (wait: Wait): number =>
  wait.status?._tag === "Pending" && !wait.cold.isStateOver ? wait.setting.time.now - wait.stateSince : 0

/** Places the bound of the wait by the limit of its state. After a timeout limits no longer apply. */
export const boundByState = (wait: Wait): void => {
  if (wait.setting.policy.stateLimits === undefined || hasTimedOut(wait)) return
  const wholeAt = wholeDeadlineOf(wait)
  const limit = limitOf(wait)
  const limitAt = limit === undefined ? Number.POSITIVE_INFINITY : whole(Math.ceil(wait.stateSince + limit))
  const boundAt = Math.min(limitAt, wholeAt)
  if (boundAt === wait.deadlineAt) return
  const own = cold(wait)
  own.wholeDeadlineAt = limitAt < wholeAt ? wholeAt : undefined
  wait.deadlineAt = boundAt
  // A check that was the last one before the former bound is not the last one before this.
  own.lastCheck = false
}

/** The bound of the whole wait counts again. */
export const liftStateLimit = (wait: Wait): void => {
  if (wait.cold.wholeDeadlineAt === undefined) return
  wait.deadlineAt = wait.cold.wholeDeadlineAt
  wait.cold.wholeDeadlineAt = undefined
}

/** The timeout at the bound of a wait: by the limit of its state if that comes first. */
export const timeoutAtBound = (wait: Wait): Omit<HeldTimeout, "cancel"> =>
  wait.cold.wholeDeadlineAt === undefined
    ? { reason: boundedBy(wait), state: undefined, limit: undefined }
    : { reason: "state", state: wait.status?.state, limit: limitOf(wait) }

// ---- internal ----

/** The limit of the state that the job is in, in milliseconds. */
const limitOf = ({ cold, setting, status }: Wait): number | undefined =>
  status?._tag === "Pending" && status.state !== undefined && !cold.isStateOver
    ? setting.policy.stateLimits?.get(status.state)
    : undefined
