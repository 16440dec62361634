import type { Report } from "../told/model.ts"
import { noTold } from "../text.ts"
import { onHint } from "./checkError.ts"
import { isEarlierRun, onEnd, record, takeStatus, takeUnknownState } from "./checkOutcome.ts"
import type { Command, Heard } from "./event.ts"
import { latestInHold } from "./hold.ts"
import { answerBy, sleep, sleepUntil } from "./pacing.ts"
import { cold, endRows, homeOf, recordTimes, type Wait, whole } from "./wait.ts"
import { bounded } from "./words.ts"

// What a wait is told while it polls. See the module `Told`.

/**
 * Handles what a wait is told that has not ended, `early` before it has started. Returns undefined if it is only a reason to
 * check; a wait that has not started is then due at once.
 */
export const onTold = (wait: Wait, heard: Heard, isEarly: boolean): Command | undefined => {
  const before = wait.deadlineAt
  const answer = takeTold(wait, heard)
  if (!isEarly) return answer === "counts" ? place(wait, before) : answer
  if (answer !== undefined && answer !== "counts") return answer
  const { now } = wait.setting.time
  const isWoken = answer === undefined || wait.cold.hold?.elsewhere === true
  if (isWoken && wait.cold.lastCheck && now <= wait.deadlineAt) wait.cold.lastCheck = false
  wait.nextAt = whole(Math.min(wait.nextAt, isWoken ? now : latestInHold(wait)))
  return answer === "counts" ? "continue" : undefined
}

// ---- internal ----

/** Returns "counts" if the wait continues with what it was told, and undefined if that is only a reason to check. */
const takeTold = (wait: Wait, { by, told }: Heard): Command | "counts" | undefined => {
  switch (told._tag) {
    case "Broke":
      wait.setting.emit(wait, { _tag: "SourceBroke", by, error: told.error, retryIn: told.retryIn })
      return "continue"
    case "Strange":
      throw noTold(told.found)
    case "Wake":
      return wake(wait, by, "Wake")
    case "Ended": {
      const status = bounded(told.status)
      emit(wait, by, "Ended", true)
      record(wait, status, { by })
      cold(wait).isEndTold = true
      if (wait.cold.checkError !== undefined) wait.cold.checkError = undefined
      return onEnd(wait, status, by)
    }
    case "Report":
      return takeReport(wait, by, told)
  }
}

const takeReport = (
  wait: Wait,
  by: Heard["by"],
  { result }: Report<unknown, unknown>
): Command | "counts" | undefined => {
  const isAnnotated = result._tag === "Annotated"
  const found = isAnnotated ? result.result : result
  const counts =
    !asksOtherSource(wait) && !isEarlierRun(wait.setting.policy.since, isAnnotated ? result.run : undefined)
  if (!counts) {
    emit(wait, by, "Report", false)
    return "continue"
  }
  if (isAnnotated) {
    if (result.hint !== undefined) onHint(wait, result.hint)
    if (result.times !== undefined) recordTimes(wait, result.times)
    if (result.cursor !== undefined && homeOf(wait) === undefined) cold(wait).cursor = result.cursor
  }
  // It does not say what the job is doing, or what its result is.
  if (found._tag === "Missing" || found._tag === "ResultMissing") return wake(wait, by, "Report")
  emit(wait, by, "Report", true)
  if (found._tag === "UnknownState") return takeUnknownState(wait, found.state, by) ?? "counts"
  if (wait.cold.rows !== undefined) endRows(wait)
  const command = takeStatus(wait, found, { by })
  noticeEnd(wait, by)
  return command ?? "counts"
}

/** An end that has to hold, or that a check found because it was told to, is not one that the stream missed. */
const noticeEnd = (wait: Wait, by: Heard["by"]): void => {
  if (wait.status !== undefined && wait.status._tag !== "Pending") cold(wait).endNoticedBy = by
}

/** Whether the other source of `confirm` is being asked, whose answer decides. */
const asksOtherSource = ({ cold, stage }: Wait): boolean => cold.hold?.elsewhere === true && stage.phase !== "waiting"

/** Notes that the next check is one that was asked for. Several reasons for one check are reported once. */
const wake = (wait: Wait, by: Heard["by"], kind: "Wake" | "Report"): undefined => {
  const attempt = wait.attempts + 1
  if (wait.cold.woken?.attempt === attempt) return
  cold(wait).woken = { attempt, answered: (changed) => onWokenAnswer(wait, attempt, by, changed) }
  emit(wait, by, kind, true)
}

/** A check has answered: it was made in vain if the wait was told to make it, and nothing has changed. */
const onWokenAnswer = (wait: Wait, attempt: number, by: Heard["by"], changed: boolean): void => {
  if (wait.attempts < attempt) return
  cold(wait).woken = undefined
  noticeEnd(wait, by)
  if (!changed) wait.setting.emit(wait, { _tag: "WokenInVain", attempt: wait.attempts, by })
}

const emit = (wait: Wait, by: Heard["by"], kind: "Ended" | "Report" | "Wake", counts: boolean): void =>
  wait.setting.emit(wait, { _tag: "Told", attempt: wait.attempts, by, kind, counts })

/** Places what the wait does under the bound that it has now, and the next check of an end that has to hold. */
const place = (wait: Wait, before: number): Command => {
  const { deadlineAt, floorAt, setting, stage } = wait
  const { now } = setting.time
  const isMoved = deadlineAt !== before
  switch (stage.phase) {
    case "waiting": {
      const reason = stage.reason!
      if (wait.cold.paused) return isMoved ? sleep(wait, wait.nextAt, reason) : "continue"
      const at = Math.min(wait.nextAt, wait.cold.hold?.elsewhere === true ? now : latestInHold(wait))
      const isAtBound = reason === "deadline" || reason === "lastCheck"
      const isLate = at < wait.nextAt || (floorAt > at && reason !== "deadline")
      return isMoved || isLate ? sleepUntil(wait, at, isAtBound ? "strategy" : reason) : "continue"
    }
    // It asks once more, with its new limit.
    case "gating":
      return isMoved ? sleepUntil(wait, now, "strategy") : "continue"
    // The limit of what is in flight is only put off: an answer that comes too late is found to be.
    case "checking":
      if (isMoved) {
        const until = Math.min(answerBy(wait), Math.ceil(wait.checkStarted + setting.policy.checkTimeout))
        wait.nextAt = whole(Math.max(wait.nextAt, until))
      }
      return "continue"
    case "stepping":
      wait.nextAt = Math.max(wait.nextAt, deadlineAt)
      return "continue"
    default:
      return "continue"
  }
}
