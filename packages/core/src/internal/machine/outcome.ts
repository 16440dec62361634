import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { hasProperty } from "effect/Predicate"
import type * as CheckResult from "../../CheckResult.ts"
import type { Observation } from "../../Observation.ts"
import * as CheckError from "../../CheckError.ts"
import * as PollError from "../../PollError.ts"
import type { WaitReason } from "../../PollEvent.ts"
import * as Status from "../../Status.ts"
import type * as Strategy from "../../Strategy.ts"
import { end, fail, giveUp, timeout } from "./ending.ts"
import type { Command } from "./event.ts"
import { asPending, isEarlierRun, sameStatus } from "./finding.ts"
import * as history from "./history.ts"
import { approach, leastGap, liftFloors, sleepUntil } from "./pacing.ts"
import { next } from "../plan.ts"
import type { Stepper } from "../options/policy.ts"
import { stepping } from "./stage.ts"
import { elapsed, rare, remember, seen, type Wait, whole } from "./wait.ts"

// What follows from what a check found, or from its failure.

export const noStatus = /*#__PURE__*/ Status.pending()

/** What a schedule is shown when it is stepped. */
export const observe = (wait: Wait): Observation => {
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
    rare(wait).hintsUnreadable++
    return
  }
  const millis = Duration.toMillis(hint)
  if (!(millis > 0)) return
  if (millis > maxHint) rare(wait).hintsClamped++
  wait.floorAt = Math.max(wait.floorAt, whole(Math.ceil(wait.setting.time.now + Math.min(millis, maxHint))))
}

export const onFinding = (
  wait: Wait,
  finding: CheckResult.Unannotated<unknown, unknown>,
  run: CheckResult.Run | undefined
): Command => {
  if (wait.rare.retries > 0) wait.rare.retries = 0
  if (wait.rare.consecutiveErrors > 0) wait.rare.consecutiveErrors = 0
  if (finding._tag === "Missing") return onMissing(wait)
  const earlier = isEarlierRun(wait.setting.policy.since, run)
  if (finding._tag === "UnknownState" && !earlier) return onUnknownState(wait, finding.state)
  if (wait.rare.unknownInRow > 0) wait.rare.unknownInRow = 0
  return onStatus(wait, earlier ? asPending(finding) : (finding as Status.Status<unknown, unknown>))
}

export const onCheckError = (wait: Wait, error: unknown): Command => {
  const { setting } = wait
  const { policy, time } = setting
  const { kindOf, retry } = policy.errors
  const kind = error instanceof PollError.CheckTimeout ? CheckError.transient() : kindOf(error)
  const own = rare(wait)
  own.checkError = error
  remember(wait, `check error: ${nameOf(error)}`)
  if (kind._tag === "Permanent") {
    setting.emit(wait, { _tag: "CheckFailed", attempt: wait.attempts, error, consecutive: own.consecutiveErrors + 1 })
    return giveUp(wait, new PollError.CheckRejected({ ...seen(wait), error }))
  }
  if (kind.retryAfter !== undefined) onHint(wait, kind.retryAfter)
  if (retry !== undefined && !own.lastCheck) {
    if (own.retries++ === 0) own.retriesStarted = time.now
    return stepBy(wait, retry, own.retries, time.now - own.retriesStarted, "retry")
  }
  return onCheckFailed(wait)
}

export const onStepped = (wait: Wait, exit: Exit.Exit<Strategy.Decision>): Command =>
  Exit.isFailure(exit) ? end(wait, exit) : onDecided(wait, wait.rare.stepFor, exit.value)

// ---- internal ----

/** The shortest pause after a failed check, in milliseconds. */
const leastErrorDelay = 1

/** What an endless delay of a foreign schedule is drawn to, in milliseconds: a day. */
const longestDelay = 86_400_000

/** How many unknown states are counted; a server that invents more of them is not followed. */
const unknownStatesBound = 32

const onStatus = (wait: Wait, status: Status.Status<unknown, unknown>): Command => {
  const { setting, status: before } = wait
  const changed = before === undefined || !sameStatus(before, status)
  if (changed) {
    wait.status = status
    wait.changedAt = setting.time.now
    if (wait.rare.stallReported) wait.rare.stallReported = false
  }
  if (wait.history !== undefined) history.addStatus(wait.history, wait.status!, elapsed(wait))
  if (changed) setting.emit(wait, { _tag: "Changed", attempt: wait.attempts, status })
  else if (setting.hears(wait)) setting.emit(wait, { _tag: "Unchanged", attempt: wait.attempts })
  switch (status._tag) {
    case "Pending":
      return onUnchanged(wait) ?? onPending(wait)
    case "Succeeded":
      return end(wait, Exit.succeed(status.value))
    case "Failed":
      return fail(wait, new PollError.JobFailed({ ...seen(wait), failure: status.failure }))
    case "Canceled":
      return fail(wait, new PollError.JobCanceled(seen(wait)))
    case "Expired":
      return fail(wait, new PollError.JobExpired(seen(wait)))
  }
}

/** Fails a wait that has not changed for too long, or reports it once. */
const onUnchanged = (wait: Wait): Command | undefined => {
  const { stall } = wait.setting.policy
  const unchanged = wait.setting.time.now - wait.changedAt
  if (stall === undefined || wait.rare.gaveUp !== undefined || unchanged < stall.after) return undefined
  if (stall.fail) return fail(wait, new PollError.JobStalled({ ...seen(wait), unchanged: Duration.millis(unchanged) }))
  if (!wait.rare.stallReported) {
    wait.setting.emit(wait, { _tag: "Stalled", attempt: wait.attempts, unchanged: Duration.millis(unchanged) })
  }
  rare(wait).stallReported = true
  return undefined
}

const onPending = (wait: Wait, reason: WaitReason = "strategy"): Command => {
  const { setting } = wait
  const { now } = setting.time
  if (wait.rare.wokenMeanwhile !== undefined && wait.attempts < maxAttempts(wait)) return onWokenMeanwhile(wait)
  if (wait.rare.lastCheck) return timeout(wait)
  if (wait.strategySteps++ === 0) wait.strategyStarted = now
  return stepBy(wait, setting.policy.strategy, wait.strategySteps, now - wait.strategyStarted, reason)
}

/** Somebody asked for a check while none could be made. */
const onWokenMeanwhile = (wait: Wait): Command => {
  if (wait.rare.wokenMeanwhile === "forced") liftFloors(wait)
  return sleepUntil(wait, wait.setting.time.now, "woken")
}

const maxAttempts = (wait: Wait): number => wait.setting.policy.strategy.plan?.maxAttempts ?? Number.POSITIVE_INFINITY

const onMissing = (wait: Wait): Command => {
  const { checkFallback, gone, grace, locate } = wait.setting.policy.missing
  const { now } = wait.setting.time
  remember(wait, "Missing")
  if (wait.status === undefined && elapsed(wait) < grace) return onPending(wait, "missing")
  if (locate !== undefined && checkFallback !== undefined && wait.rare.fallbackKey === undefined) {
    const fallbackKey = locate(wait.rawKey, wait.status)
    if (fallbackKey !== undefined) {
      rare(wait).fallbackKey = fallbackKey
      return now > wait.deadlineAt ? approach(wait) : sleepUntil(wait, now, "missing")
    }
  }
  return gone === undefined ? fail(wait, new PollError.JobNotFound(seen(wait))) : onStatus(wait, gone())
}

const onUnknownState = (wait: Wait, word: string): Command => {
  const { duration, checks, treatAs } = wait.setting.policy.unknownState
  const { now } = wait.setting.time
  const own = rare(wait)
  const counts = (own.unknownStates ??= new Map())
  if (counts.has(word) || counts.size < unknownStatesBound) counts.set(word, (counts.get(word) ?? 0) + 1)
  if (treatAs !== undefined) return onStatus(wait, Status.withState(treatAs(word), word))
  if (own.unknownInRow++ === 0) own.unknownSince = now
  if (own.unknownInRow > checks || now - own.unknownSince > duration) {
    remember(wait, `UnknownState ${word}`)
    return giveUp(wait, new PollError.UnknownState({ ...seen(wait), state: word }))
  }
  const last = wait.status
  return onStatus(wait, Status.pending({ state: word, detail: last?._tag === "Pending" ? last.detail : undefined }))
}

// -- checks that failed --

const onCheckFailed = (wait: Wait): Command => {
  const { setting } = wait
  const { policy, time } = setting
  const { delays, maxConsecutive, maxTotal, skips } = policy.errors
  const own = rare(wait)
  own.retries = 0
  if (own.consecutiveErrors++ === 0) own.errorsStarted = time.now
  own.totalErrors++
  setting.emit(wait, {
    _tag: "CheckFailed",
    attempt: wait.attempts,
    error: own.checkError,
    consecutive: own.consecutiveErrors
  })
  if (own.totalErrors > maxTotal) return exhausted(wait, "maxTotal", own.totalErrors)
  if (own.consecutiveErrors > maxConsecutive) {
    if (!skips) return exhausted(wait, "maxConsecutive", own.consecutiveErrors)
    own.consecutiveErrors = 0
    return onPending(wait)
  }
  if (own.lastCheck) return timeout(wait)
  if (wait.attempts >= maxAttempts(wait) && own.gaveUp === undefined) return timeout(wait, "strategy")
  return stepBy(wait, delays, own.consecutiveErrors, time.now - own.errorsStarted, "checkError")
}

const exhausted = (wait: Wait, budget: "maxConsecutive" | "maxTotal", errors: number): Command =>
  giveUp(wait, new PollError.CheckErrorsExhausted({ ...seen(wait), error: wait.rare.checkError, budget, errors }))

const nameOf = (error: unknown): string =>
  hasProperty(error, "_tag")
    ? String(error._tag)
    : error instanceof Error
      ? error.name
      : typeof error === "string"
        ? error
        : typeof error

// -- schedules --

/** Asks a schedule for its next delay, which is for `reason`: its plan here and now, a foreign one through the host. */
const stepBy = (wait: Wait, stepper: Stepper, count: number, since: number, reason: WaitReason): Command => {
  if (stepper.plan !== undefined) {
    return onDecided(wait, reason, next(stepper.plan, count, since, observe(wait), wait.setting.random))
  }
  const own = rare(wait)
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
        error: wait.rare.checkError,
        consecutive: 0
      })
      return sleepUntil(wait, now + decision, reason)
    case "checkError":
      if (decision === "end") return exhausted(wait, "maxConsecutive", wait.rare.consecutiveErrors)
      return sleepUntil(wait, now + Math.max(leastErrorDelay, decision), reason)
    default:
      // A job that was asked to stop is watched on, whatever the strategy says.
      if (decision === "end" && wait.rare.gaveUp !== undefined) return sleepUntil(wait, now + leastGap, "strategy")
      return decision === "end" ? timeout(wait, "strategy") : sleepUntil(wait, now + decision, reason)
  }
}

const delayOf = (wait: Wait, millis: number): number => {
  if (wait.rare.wokenMeanwhile !== undefined) {
    if (wait.rare.wokenMeanwhile === "forced") liftFloors(wait)
    return 0
  }
  return Number.isFinite(millis) ? Math.max(0, millis) : millis > 0 ? longestDelay : 0
}
