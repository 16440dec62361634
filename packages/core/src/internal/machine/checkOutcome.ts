import * as Duration from "effect/Duration"
import * as Equal from "effect/Equal"
import * as Exit from "effect/Exit"
import { hasProperty } from "effect/Predicate"
import * as CheckError from "../../CheckError.ts"
import type * as CheckResult from "../../CheckResult.ts"
import type { Observation } from "../../Observation.ts"
import * as PollError from "../../PollError.ts"
import type { WaitReason } from "../../PollEvent.ts"
import * as Status from "../../Status.ts"
import type * as Strategy from "../../Strategy.ts"
import type { Stepper } from "../options/policy.ts"
import { next } from "../strategyPlan.ts"
import { end, fail, failWithoutNews, timeout } from "./ending.ts"
import type { Command } from "./event.ts"
import * as history from "./history.ts"
import { gateOrCheck, leastGap, liftFloors, sleepUntil } from "./pacing.ts"
import { cold, elapsed, hasTimedOut, isForced, recordHistory, seen, stepping, type Wait, whole } from "./wait.ts"

// What follows from the result of a check, or from its failure.

export const noStatus = /*#__PURE__*/ Status.pending()

/** What a strategy is given to decide by. */
export const observationOf = (wait: Wait): Observation => {
  const { now } = wait.setting.time
  return {
    key: wait.key,
    attempt: wait.attempts,
    elapsedMillis: now - wait.startedAt,
    remainingMillis: wait.deadlineAt - now,
    sinceChangeMillis: now - wait.changedAt,
    status: wait.status !== undefined && wait.status._tag === "Pending" ? wait.status : noStatus
  }
}

export const onHint = (wait: Wait, hint: CheckResult.Hint): void => {
  const { maxHint } = wait.setting.policy
  if (hint === "unreadable") {
    cold(wait).hintsUnreadable++
    return
  }
  const millis = Duration.toMillis(hint)
  if (!(millis > 0)) return
  if (millis > maxHint) cold(wait).hintsClamped++
  wait.floorAt = Math.max(wait.floorAt, whole(Math.ceil(wait.setting.time.now + Math.min(millis, maxHint))))
}

export const onResult = (
  wait: Wait,
  result: CheckResult.Unannotated<unknown, unknown>,
  run: CheckResult.Run | undefined
): Command => {
  if (wait.cold.retries > 0) wait.cold.retries = 0
  if (wait.cold.consecutiveErrors > 0) wait.cold.consecutiveErrors = 0
  if (result._tag === "Missing") return onMissing(wait)
  if (result._tag === "ResultMissing") {
    return fail(wait, new PollError.ResultMissing({ ...seen(wait), state: result.state, issue: result.issue }))
  }
  const earlier = isEarlierRun(wait.setting.policy.since, run)
  if (result._tag === "UnknownState" && !earlier) return onUnknownState(wait, result.state)
  if (wait.cold.consecutiveUnknown > 0) wait.cold.consecutiveUnknown = 0
  return onStatus(wait, earlier ? asPending(result) : (result as Status.Status<unknown, unknown>))
}

export const onCheckError = (wait: Wait, error: unknown): Command => {
  const { setting } = wait
  const { policy, time } = setting
  const { kindOf, retry } = policy.errors
  const kind = error instanceof PollError.CheckTimeout ? CheckError.transient() : kindOf(error)
  const own = cold(wait)
  own.checkError = error
  recordHistory(wait, `check error: ${nameOf(error)}`)
  if (kind._tag === "Permanent") {
    setting.emit(wait, {
      _tag: "CheckFailed",
      attempt: wait.attempts,
      error,
      kind: "Permanent",
      consecutive: own.consecutiveErrors + 1
    })
    return failWithoutNews(wait, new PollError.CheckRejected({ ...seen(wait), error }))
  }
  if (kind.retryAfter !== undefined) onHint(wait, kind.retryAfter)
  if (retry !== undefined && !own.lastCheck) {
    if (own.retries++ === 0) own.retriesStarted = time.now
    return stepBy(wait, retry, own.retries, time.now - own.retriesStarted, "retry")
  }
  return onCheckFailed(wait)
}

export const onScheduleDecided = (wait: Wait, exit: Exit.Exit<Strategy.Decision>): Command =>
  Exit.isFailure(exit) ? end(wait, exit) : onDecided(wait, wait.cold.stepFor, exit.value)

// ---- internal ----

/** The shortest pause after a failed check, in milliseconds. */
const leastErrorDelay = 1

/** An endless delay of a foreign schedule is clamped to this, in milliseconds: a day. */
const longestDelay = 86_400_000

/** How many different unknown states are counted, so that a server cannot fill the memory with them. */
const unknownStatesBound = 32

export const onStatus = (wait: Wait, status: Status.Status<unknown, unknown>): Command => {
  const { setting, status: before } = wait
  const changed = before === undefined || !sameStatus(before, status)
  if (changed) {
    wait.status = status
    wait.changedAt = setting.time.now
    if (wait.cold.stallReported) wait.cold.stallReported = false
  }
  if (wait.history !== undefined) history.addStatus(wait.history, wait.status!, elapsed(wait))
  if (changed) setting.emit(wait, { _tag: "Changed", attempt: wait.attempts, status })
  else if (setting.isObserved(wait)) setting.emit(wait, { _tag: "Unchanged", attempt: wait.attempts })
  switch (status._tag) {
    case "Pending":
      return onUnchanged(wait) ?? onPending(wait)
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

const onPending = (wait: Wait, reason: WaitReason = "strategy"): Command => {
  const { setting } = wait
  const { now } = setting.time
  if (wait.cold.wakeRequest !== undefined && wait.attempts < maxAttempts(wait)) return onWakeRequest(wait)
  if (wait.cold.lastCheck) return timeout(wait)
  if (wait.strategySteps++ === 0) wait.strategyStarted = now
  return stepBy(wait, setting.policy.strategy, wait.strategySteps, now - wait.strategyStarted, reason)
}

/** A check was requested while none could begin. */
const onWakeRequest = (wait: Wait): Command => {
  if (isForced(wait)) liftFloors(wait)
  return sleepUntil(wait, wait.setting.time.now, "requested")
}

const maxAttempts = (wait: Wait): number => wait.setting.policy.strategy.plan?.maxAttempts ?? Number.POSITIVE_INFINITY

const onMissing = (wait: Wait): Command => {
  const { checkFallback, gone, grace, locate } = wait.setting.policy.missing
  const { now } = wait.setting.time
  recordHistory(wait, "Missing")
  if (wait.status === undefined && elapsed(wait) < grace) return onPending(wait, "missing")
  if (locate !== undefined && checkFallback !== undefined && wait.cold.fallbackKey === undefined) {
    const fallbackKey = locate(wait.rawKey, wait.status)
    if (fallbackKey !== undefined) {
      cold(wait).fallbackKey = fallbackKey
      return now > wait.deadlineAt ? gateOrCheck(wait) : sleepUntil(wait, now, "missing")
    }
  }
  return gone === undefined ? fail(wait, new PollError.JobNotFound(seen(wait))) : onStatus(wait, gone())
}

const onUnknownState = (wait: Wait, state: string): Command => {
  const { millis, times, treatAs } = wait.setting.policy.unknownState
  const { now } = wait.setting.time
  const own = cold(wait)
  const counts = (own.unknownStates ??= new Map())
  if (counts.has(state) || counts.size < unknownStatesBound) counts.set(state, (counts.get(state) ?? 0) + 1)
  if (treatAs !== undefined) return onStatus(wait, Status.withState(treatAs(state), state))
  if (own.consecutiveUnknown++ === 0) own.unknownSince = now
  if (own.consecutiveUnknown > times || now - own.unknownSince > millis) {
    recordHistory(wait, `UnknownState ${state}`)
    return failWithoutNews(wait, new PollError.UnknownState({ ...seen(wait), state }))
  }
  const last = wait.status
  return onStatus(wait, Status.pending({ state, detail: last?._tag === "Pending" ? last.detail : undefined }))
}

// -- checks that failed --

const onCheckFailed = (wait: Wait): Command => {
  const { setting } = wait
  const { policy, time } = setting
  const { delays, maxConsecutive, maxTotal, skips } = policy.errors
  const own = cold(wait)
  own.retries = 0
  if (own.consecutiveErrors++ === 0) own.errorsStarted = time.now
  own.totalErrors++
  setting.emit(wait, {
    _tag: "CheckFailed",
    attempt: wait.attempts,
    error: own.checkError,
    kind: "Transient",
    consecutive: own.consecutiveErrors
  })
  if (own.totalErrors > maxTotal) return exhausted(wait, "maxTotal", own.totalErrors)
  if (own.consecutiveErrors > maxConsecutive) {
    if (!skips) return exhausted(wait, "maxConsecutive", own.consecutiveErrors)
    own.consecutiveErrors = 0
    return onPending(wait)
  }
  if (own.lastCheck) return timeout(wait)
  if (wait.attempts >= maxAttempts(wait) && !hasTimedOut(wait)) return timeout(wait, "strategy")
  return stepBy(wait, delays, own.consecutiveErrors, time.now - own.errorsStarted, "checkError")
}

const exhausted = (wait: Wait, budget: "maxConsecutive" | "maxTotal", errorCount: number): Command =>
  failWithoutNews(
    wait,
    new PollError.CheckErrorsExhausted({ ...seen(wait), error: wait.cold.checkError, budget, errorCount })
  )

const nameOf = (error: unknown): string =>
  hasProperty(error, "_tag")
    ? String(error._tag)
    : error instanceof Error
      ? error.name
      : typeof error === "string"
        ? error
        : typeof error

// -- schedules --

/** Asks a schedule for its next delay: its plan here and now, a foreign one through the host. */
const stepBy = (wait: Wait, stepper: Stepper, count: number, since: number, reason: WaitReason): Command => {
  if (stepper.plan !== undefined) {
    return onDecided(wait, reason, next(stepper.plan, count, since, observationOf(wait), wait.setting.random))
  }
  const own = cold(wait)
  own.stepping = stepper
  own.stepCount = count
  own.stepFor = reason
  wait.stage = stepping
  wait.nextAt = wait.deadlineAt
  return "step"
}

const onDecided = (wait: Wait, reason: WaitReason, decided: Strategy.Decision): Command => {
  const decision = decided === "end" ? decided : delayOf(wait, decided)
  const { now } = wait.setting.time
  switch (reason) {
    case "retry":
      if (decision === "end") return onCheckFailed(wait)
      wait.setting.emit(wait, {
        _tag: "CheckFailed",
        attempt: wait.attempts,
        error: wait.cold.checkError,
        kind: "Transient",
        consecutive: 0
      })
      return sleepUntil(wait, now + decision, reason)
    case "checkError":
      if (decision === "end") return exhausted(wait, "maxConsecutive", wait.cold.consecutiveErrors)
      return sleepUntil(wait, now + Math.max(leastErrorDelay, decision), reason)
    default:
      // A canceled job is watched for its end even when the strategy is over.
      if (decision === "end" && hasTimedOut(wait)) return sleepUntil(wait, now + leastGap, "strategy")
      return decision === "end" ? timeout(wait, "strategy") : sleepUntil(wait, now + decision, reason)
  }
}

const delayOf = (wait: Wait, millis: number): number => {
  if (wait.cold.wakeRequest !== undefined) {
    if (isForced(wait)) liftFloors(wait)
    return 0
  }
  return Number.isFinite(millis) ? Math.max(0, millis) : millis > 0 ? longestDelay : 0
}

// -- results --

/** Whether an answer is about another run of the key than the awaited one (see the option `since`). */
const isEarlierRun = (since: CheckResult.Run | undefined, run: CheckResult.Run | undefined): boolean => {
  if (since === undefined || run === undefined) return false
  if ("generation" in since && "generation" in run) return run.generation < since.generation
  // An id and a generation cannot be compared: an end that may not be the awaited one does not count.
  return !("run" in since && "run" in run && since.run === run.run)
}

/** An end of another run only says that the awaited one has not ended. */
const asPending = (
  result: Exclude<CheckResult.Unannotated<unknown, unknown>, CheckResult.Missing>
): Status.Status<unknown, unknown> =>
  result._tag === "Pending" ? result : Status.pending({ state: "EARLIER RUN", detail: result.state })

/** Whether two pending statuses are equal. */
const sameStatus = (a: Status.Status<unknown, unknown>, b: Status.Status<unknown, unknown>): boolean =>
  a._tag === "Pending" &&
  b._tag === "Pending" &&
  (a === b ||
    (a.state === b.state && a.progress === b.progress && (a.detail === b.detail || Equal.equals(a.detail, b.detail))))
