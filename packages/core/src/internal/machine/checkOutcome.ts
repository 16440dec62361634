import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type * as CheckResult from "../../CheckResult.ts"
import * as PollError from "../../PollError.ts"
import * as Status from "../../Status.ts"
import type { Policy } from "../options/policy.ts"
import { cut, escape } from "../text.ts"
import { forgetAction, onAction } from "./action.ts"
import { checkAgain, isInGrace, onPending } from "./checkError.ts"
import { end, fail, failWithoutNews, failWithoutResult } from "./ending.ts"
import type { Command, Heard } from "./event.ts"
import * as history from "./history.ts"
import { isConfirmed, resetHold, settleHold } from "./hold.ts"
import { gateOrCheck, liftFloors, sleepUntil } from "./pacing.ts"
import { sameStatus } from "./sameStatus.ts"
import { enterState, leaveState } from "./stateLimit.ts"
import {
  cold,
  count,
  elapsed,
  endRows,
  hasTimedOut,
  isForced,
  otherSource,
  recordHistory,
  rows,
  seen,
  sourceOf,
  type Wait
} from "./wait.ts"
import { bounded } from "./words.ts"

// What follows from the result of a check.

export const onResult = (
  wait: Wait,
  result: CheckResult.Unannotated<unknown, unknown>,
  run: CheckResult.Run | undefined
): Command => {
  if (wait.cold.retries > 0) wait.cold.retries = 0
  if (wait.cold.checkError !== undefined) wait.cold.checkError = undefined
  if (sourceOf(wait) === otherSource) return onOtherSource(wait, result, run)
  if (result._tag === "Missing") return onMissing(wait, result.times)
  if (isEarlierRun(wait.setting.policy.since, run)) return onFound(wait, asPending(result))
  if (result._tag === "UnknownState") return takeUnknownState(wait, result.state) ?? onTaken(wait)
  return result._tag === "ResultMissing" ? onResultMissing(wait, bounded(result)) : onFound(wait, result)
}

export const onStatus = (wait: Wait, found: Status.Status<unknown, unknown>): Command =>
  takeStatus(wait, found) ?? onTaken(wait)

/** Where a status comes from, if no answer to a check is all of it. */
interface Origin {
  /** What told the wait; undefined if a check found it. */
  readonly by?: Heard["by"] | undefined
  /** The detail was kept from the last status, so that its hash is still all that is known of it. */
  readonly detail?: "kept"
}

/** Records a status. Returns how it ends the wait; undefined if the wait continues. */
export const takeStatus = (
  wait: Wait,
  found: Status.Status<unknown, unknown>,
  origin: Origin = fromCheck
): Command | undefined => {
  const status = bounded(found)
  record(wait, status, origin)
  if (status._tag === "Pending") {
    settleHold(wait)
    if (wait.cold.endNoticedBy !== undefined) wait.cold.endNoticedBy = undefined
    return onAction(wait, status) ?? onUnchanged(wait)
  }
  if (isConfirmed(wait, status, origin.by !== undefined)) return onEnd(wait, status, origin.by)
  forgetAction(wait)
  return undefined
}

/** Records an unknown state by its policy. Returns how it ends the wait; undefined if the wait continues. */
export const takeUnknownState = (wait: Wait, word: string, by?: Heard["by"]): Command | undefined => {
  const { millis, times, treatAs } = wait.setting.policy.unknownState
  const { now } = wait.setting.time
  const state = cut(word)
  const own = cold(wait)
  const counts = (own.unknownStates ??= new Map())
  if (counts.has(state) || counts.size < unknownStatesBound) counts.set(state, (counts.get(state) ?? 0) + 1)
  if (treatAs !== undefined) {
    if (wait.cold.rows !== undefined) endRows(wait)
    return takeStatus(wait, Status.withState(treatAs(state), state), { by })
  }
  endRows(wait, { unknown: rows(wait).unknown })
  const row = count(wait, rows(wait).unknown)
  if (row.count > times || now - row.since > millis) {
    recordHistory(wait, `UnknownState ${escape(state)}`)
    return failWithoutNews(wait, new PollError.UnknownState({ ...seen(wait), state }))
  }
  const last = wait.status
  const status = Status.pending({ state, detail: last?._tag === "Pending" ? last.detail : undefined })
  relocate(wait, status)
  return takeStatus(wait, status, { by, detail: "kept" })
}

/** Records a status. Finding the same end again is not a change, but the newest one is kept. */
export const record = (
  wait: Wait,
  status: Status.Status<unknown, unknown>,
  { by, detail }: Origin = fromCheck
): void => {
  const { cold, setting, status: before } = wait
  if (by === undefined && status._tag === "Pending") wait.pendingAt = wait.checkStarted
  const isAlike = cold.unconfirmed === status._tag
  const hash = detail === "kept" ? undefined : cold.detailHash
  const changed = !isAlike && (before === undefined || !sameStatus(before, status, hash))
  // Another action may have the same id, and one from a token is only an id.
  const asks = status._tag === "Pending" && status.action !== undefined
  if (changed || isAlike || hash !== undefined || asks) wait.status = status
  if (hash !== undefined) cold.detailHash = undefined
  if (cold.located !== undefined && detail === undefined) cold.located = undefined
  if (changed) {
    wait.changedAt = setting.time.now
    if (wait.cold.stallReported) wait.cold.stallReported = false
  }
  enterState(wait, before)
  if (wait.history !== undefined) history.addStatus(wait.history, wait.status!, elapsed(wait))
  const attempt = wait.attempts
  if (by !== undefined) {
    if (changed) setting.emit(wait, { _tag: "Changed", attempt, status, by })
    return
  }
  if (changed) setting.emit(wait, { _tag: "Changed", attempt, status })
  else if (setting.isObserved(wait)) setting.emit(wait, { _tag: "Unchanged", attempt })
  wait.cold.woken?.answered(changed)
}

/** Ends the wait as its job has. `by` is what told it, undefined if an answer to a check or to the submit said so. */
export const onEnd = (wait: Wait, status: Status.Terminal<unknown, unknown>, by?: Heard["by"]): Command => {
  if (by === undefined && wait.attempts > 0) wait.setting.policy.expects?.(wait)
  settleHold(wait)
  switch (status._tag) {
    case "Succeeded":
      return end(wait, Exit.succeed(status.value))
    case "Failed":
      return fail(wait, new PollError.JobFailed({ ...seen(wait), failure: status.failure }))
    case "Canceled":
      return fail(wait, new PollError.JobCanceled({ ...seen(wait), reason: status.reason, partial: status.partial }))
    case "Expired":
      return fail(wait, new PollError.JobExpired({ ...seen(wait), reason: status.reason, partial: status.partial }))
  }
}

/** Whether an answer is about another run of the key than the awaited one (see the option `since`). */
export const isEarlierRun = (since: CheckResult.Run | undefined, run: CheckResult.Run | undefined): boolean => {
  if (since === undefined || run === undefined) return false
  if ("generation" in since && "generation" in run) return run.generation < since.generation
  // An id and a generation cannot be compared: an end that may not be the awaited one does not count.
  return !("run" in since && "run" in run && since.run === run.run)
}

// ---- internal ----

const fromCheck: Origin = {}

/** The wait continues with the status that an answer has: the strategy paces it, or an end has to hold. */
const onTaken = (wait: Wait): Command => (wait.cold.hold === undefined ? onPending(wait) : onHeld(wait))

/** How many different unknown states are counted, so that a server cannot fill the memory with them. */
const unknownStatesBound = 32

/** How often an end without its result is checked again. */
const resultChecks = 3

/** An end has to hold: the strategy paces the checks, and the check of the other source follows at once. */
const onHeld = (wait: Wait): Command => {
  if (sourceOf(wait) !== otherSource) return onPending(wait)
  if (isForced(wait)) liftFloors(wait)
  const { now } = wait.setting.time
  return now > wait.deadlineAt ? gateOrCheck(wait) : sleepUntil(wait, now, "strategy")
}

/** Handles the answer of the other source about an end that is otherwise confirmed. Only the same end is a status. */
const onOtherSource = (
  wait: Wait,
  result: CheckResult.Unannotated<unknown, unknown>,
  run: CheckResult.Run | undefined
): Command => {
  if (wait.cold.rows !== undefined) endRows(wait)
  if (result._tag === wait.cold.hold?.end && !isEarlierRun(wait.setting.policy.since, run)) {
    // The tag is that of an end.
    const status = bounded(result as Status.Terminal<unknown, unknown>)
    record(wait, status)
    return onEnd(wait, status)
  }
  recordHistory(wait, `not confirmed: ${nameOf(result)}`)
  resetHold(wait)
  return onPending(wait)
}

const nameOf = (result: CheckResult.Unannotated<unknown, unknown>): string =>
  result._tag === "Missing" || result.state === undefined ? result._tag : `${result._tag} ${escape(cut(result.state))}`

const onFound = (wait: Wait, status: Status.Status<unknown, unknown>): Command => {
  if (wait.cold.rows !== undefined) endRows(wait)
  return onStatus(wait, status)
}

/** Fails a wait that has not changed for too long, or reports it once. */
const onUnchanged = (wait: Wait): Command | undefined => {
  const { stall } = wait.setting.policy
  const unchanged = wait.setting.time.now - wait.changedAt
  if (stall === undefined || hasTimedOut(wait) || unchanged < stall.after) return undefined
  if (stall.fail)
    return fail(wait, new PollError.JobStalled({ ...seen(wait), unchangedFor: Duration.millis(unchanged) }))
  if (!wait.cold.stallReported) {
    wait.setting.emit(wait, { _tag: "Stalled", attempt: wait.attempts, unchangedFor: Duration.millis(unchanged) })
  }
  cold(wait).stallReported = true
  return undefined
}

const onMissing = (wait: Wait, leastTimes: number): Command => {
  const { checkFallback, gone, locate, times } = wait.setting.policy.missing
  const { now } = wait.setting.time
  recordHistory(wait, "Missing")
  endRows(wait, { missing: rows(wait).missing, unknown: rows(wait).unknown })
  const row = count(wait, rows(wait).missing)
  if (isInGrace(wait) || row.count < Math.max(times, leastTimes)) {
    resetHold(wait)
    return onPending(wait, "missing")
  }
  if (locate !== undefined && checkFallback !== undefined && wait.cold.fallbackKey === undefined) {
    const fallbackKey = fallbackKeyOf(wait, locate)
    if (fallbackKey !== undefined) {
      const own = cold(wait)
      own.fallbackKey = fallbackKey
      // Both are about the job's own record.
      own.cursor = undefined
      row.count = 0
      resetHold(wait)
      return now > wait.deadlineAt ? gateOrCheck(wait) : sleepUntil(wait, now, "missing")
    }
  }
  return gone === undefined ? fail(wait, new PollError.JobNotFound(seen(wait))) : onStatus(wait, gone())
}

/** What `locate` returns for the last status, or returned while all of it was known. */
const fallbackKeyOf = (
  { cold, rawKey, status }: Wait,
  locate: NonNullable<Policy["missing"]["locate"]>
): string | undefined =>
  cold.located === undefined && cold.detailHash === undefined ? locate(rawKey, status) : cold.located

/** The state and the result of a job may be written one after the other, so it is checked a few times more. */
const onResultMissing = (wait: Wait, result: CheckResult.ResultMissing): Command => {
  recordHistory(wait, result.state === undefined ? "ResultMissing" : `ResultMissing ${escape(result.state)}`)
  endRows(wait, { resultMissing: rows(wait).resultMissing, end: result })
  resetHold(wait)
  leaveState(wait)
  const row = count(wait, rows(wait).resultMissing)
  return row.count > resultChecks
    ? failWithoutResult(wait, result)
    : checkAgain(wait, wait.setting.policy.errors.otherDelays, row, "resultMissing")
}

/** Where the fallback has a job of another state but the same detail, while that is known from a token alone. */
const relocate = ({ cold, rawKey, setting }: Wait, status: Status.Pending): void => {
  const { locate } = setting.policy.missing
  if (cold.located === undefined || locate === undefined) return
  try {
    cold.located = locate(rawKey, status) ?? cold.located
  } catch {
    // It needs the detail.
  }
}

/** An end of another run only says that the awaited one has not ended. */
const asPending = (
  result: Exclude<CheckResult.Unannotated<unknown, unknown>, CheckResult.Missing>
): Status.Status<unknown, unknown> =>
  result._tag === "Pending"
    ? result
    : Status.pending({ state: "EARLIER RUN", detail: result.state === undefined ? undefined : cut(result.state) })
