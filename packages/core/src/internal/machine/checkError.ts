import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as CheckError from "../../CheckError.ts"
import type * as CheckResult from "../../CheckResult.ts"
import type { Observation } from "../../Observation.ts"
import * as PollError from "../../PollError.ts"
import type { CheckFailed } from "../../PollEvent.ts"
import type * as Strategy from "../../Strategy.ts"
import type { Stepper } from "../options/policy.ts"
import { next, nextInRow, noStatus } from "../strategyPlan.ts"
import { kindOf, printed } from "../text.ts"
import { end, failWithoutNews, failWithoutResult, timeout } from "./ending.ts"
import type { Command } from "./event.ts"
import { latestInHold } from "./hold.ts"
import { leastGap, liftFloors, requestedAt, sleepUntil } from "./pacing.ts"
import { inState } from "./stateLimit.ts"
import {
  age,
  cold,
  count,
  type Decided,
  elapsed,
  hasTimedOut,
  isForced,
  recordHistory,
  type Row,
  rows,
  seen,
  stepping,
  type Wait,
  whole
} from "./wait.ts"

// What follows from a failed check, and when a schedule wants the next one.

/** What a strategy is given to decide by. */
export const observationOf = (wait: Wait): Observation => {
  const { now } = wait.setting.time
  return {
    key: wait.key,
    attempt: wait.attempts,
    elapsedMillis: now - wait.startedAt,
    ageMillis: age(wait),
    remainingMillis: wait.deadlineAt - now,
    sinceChangeMillis: now - wait.changedAt,
    inStateMillis: inState(wait),
    status: wait.status !== undefined && wait.status._tag === "Pending" ? wait.status : noStatus
  }
}

export const onHint = (wait: Wait, hint: CheckResult.Hint): void => {
  const { maxHint } = wait.setting.policy
  if (hint === "unreadable") {
    hints(wait).unreadable++
    return
  }
  const millis = Duration.toMillis(hint)
  if (!(millis > 0)) return
  if (millis > maxHint) hints(wait).clamped++
  const { setting } = wait
  const floorAt = Math.ceil(setting.time.now + Math.min(millis, maxHint))
  wait.floorAt = Math.max(wait.floorAt, whole(setting.spread(wait, floorAt)))
}

/** `hint` is what the server said to the request that the check was a part of. */
export const onCheckError = (wait: Wait, error: unknown, hint?: CheckResult.Hint): Command => {
  const kind =
    error instanceof PollError.CheckTimeout ? CheckError.transient() : wait.setting.policy.errors.kindOf(error)
  cold(wait).checkError = error
  recordHistory(wait, `${kind._tag === "Throttled" ? "throttled" : "check error"}: ${nameOf(error)}`)
  if (kind._tag !== "Permanent" && kind.retryAfter !== undefined) onHint(wait, kind.retryAfter)
  switch (kind._tag) {
    case "Transient":
      return onTransient(wait)
    case "Throttled":
      return onThrottled(wait, isReadable(kind.retryAfter) || isReadable(hint))
    case "Permanent":
      return onPermanent(wait)
  }
}

export const onScheduleDecided = (wait: Wait, exit: Exit.Exit<Strategy.Decision>): Command =>
  Exit.isFailure(exit) ? end(wait, exit) : onDecided(wait, wait.cold.stepping!.reason, exit.value)

/** Asks a schedule once more for a delay that it had not decided when the token was written. */
export const decideAgain = (wait: Wait, reason: Decided): Command => {
  const { delays, otherDelays, retry, throttledDelays } = wait.setting.policy.errors
  const { retries, retriesStarted } = wait.cold
  const { errors, rejected, resultMissing, throttled } = rows(wait)
  switch (reason) {
    case "retry":
      return stepBy(wait, retry ?? delays, { count: retries, since: retriesStarted }, reason)
    case "checkError":
      return stepBy(wait, delays, errors, reason)
    case "throttled":
      return stepBy(wait, throttledDelays, throttled, reason)
    case "rejected":
      return stepBy(wait, otherDelays, rejected, reason)
    case "resultMissing":
      return stepBy(wait, otherDelays, resultMissing, reason)
    default:
      if (wait.strategySteps > 0) wait.strategySteps--
      return onPending(wait, reason)
  }
}

/** Whether a missing job or a permanent error may only mean that the job is new. */
export const isInGrace = (wait: Wait): boolean =>
  wait.status === undefined && wait.cold.unconfirmed === undefined && elapsed(wait) < wait.setting.policy.missing.grace

/** Checks once more after the next delay of a schedule, unless there is no time or no attempt left. */
export const checkAgain = (wait: Wait, delays: Stepper, row: Row, reason: Decided): Command => {
  if (wait.cold.lastCheck) return timeout(wait)
  if (wait.attempts >= maxAttempts(wait) && !hasTimedOut(wait)) return timeout(wait, "strategy")
  return stepBy(wait, delays, row, reason)
}

export const onPending = (wait: Wait, reason: Decided = "strategy"): Command => {
  const { setting } = wait
  const { now } = setting.time
  if (wait.cold.wakeRequest !== undefined && wait.attempts < maxAttempts(wait)) return onWakeRequest(wait)
  if (wait.cold.lastCheck) return timeout(wait)
  if (wait.strategySteps++ === 0) wait.strategyStarted = now
  const { strategy } = setting.policy
  if (strategy.plan === undefined) return stepForeign(wait, strategy, wait.strategySteps, reason)
  const seen = observationOf(wait)
  const delay = next(strategy.plan, wait.strategySteps, now - wait.strategyStarted, seen, setting.random)
  return onDecided(wait, reason, delay)
}

/** A check was requested while none could begin. */
const onWakeRequest = (wait: Wait): Command => {
  if (isForced(wait)) liftFloors(wait)
  return sleepUntil(wait, requestedAt(wait), "requested")
}

const maxAttempts = (wait: Wait): number => wait.setting.policy.strategy.plan?.maxAttempts ?? Number.POSITIVE_INFINITY

// ---- internal ----

/** How many hints were not taken as they were, to write to. */
const hints = (wait: Wait): { clamped: number; unreadable: number } =>
  (cold(wait).hints ??= { clamped: 0, unreadable: 0 })

/** The shortest pause after a failed check, in milliseconds. */
const leastErrorDelay = 1

/** The bounds of the outage that is tolerated by default, in milliseconds: 30 seconds and 10 minutes. */
const shortestOutage = 30_000
const longestOutage = 600_000

/** An endless delay of a foreign schedule is clamped to this, in milliseconds: a day. */
const longestDelay = 86_400_000

/** How long a wait without a deadline is throttled at most, in milliseconds: a day. */
const longestThrottled = 86_400_000

const onTransient = (wait: Wait): Command => {
  const { retry } = wait.setting.policy.errors
  const own = cold(wait)
  if (retry === undefined || own.lastCheck) return onCheckFailed(wait)
  if (own.retries++ === 0) own.retriesStarted = wait.setting.time.now
  return stepBy(wait, retry, { count: own.retries, since: own.retriesStarted }, "retry")
}

const onCheckFailed = (wait: Wait): Command => {
  const { delays, maxConsecutive, maxTotal, skips } = wait.setting.policy.errors
  const own = cold(wait)
  own.retries = 0
  own.totalErrors++
  const row = count(wait, rows(wait).errors)
  report(wait, "Transient", row.count)
  const isOver = row.count > maxConsecutive && wait.setting.time.now - row.since >= maxOutage(wait)
  if (isOver && !skips) return exhausted(wait, "maxConsecutive", row.count)
  if (own.totalErrors > maxTotal) return exhausted(wait, "maxTotal", own.totalErrors)
  if (isOver) {
    row.count = 0
    return onPending(wait)
  }
  return checkAgain(wait, delays, row, "checkError")
}

/** How long a row of transient errors is tolerated at least; in milliseconds. */
const maxOutage = ({ cold, deadlineAt, setting, startedAt }: Wait): number => {
  const given = setting.policy.errors.maxOutage
  const tenth = ((cold.wholeDeadlineAt ?? deadlineAt) - startedAt) / 10
  return given ?? Math.min(longestOutage, Math.max(shortestOutage, tenth))
}

/**
 * The server asks for fewer requests. The check is made again, but not within its attempt. A hint spaces the checks by
 * itself, so only the first delay of the schedule is a minimum besides it; without one the delays grow.
 */
const onThrottled = (wait: Wait, isHinted: boolean): Command => {
  const { maxThrottled, throttledDelays } = wait.setting.policy.errors
  const { now } = wait.setting.time
  const { errors, throttled } = rows(wait)
  cold(wait).retries = 0
  count(wait, throttled)
  report(wait, "Throttled", errors.count)
  const isBounded = wait.deadlineAt !== Number.POSITIVE_INFINITY
  const limit = maxThrottled ?? (isBounded ? Number.POSITIVE_INFINITY : longestThrottled)
  if (now - throttled.since >= limit) return exhausted(wait, "maxThrottled", throttled.count)
  return checkAgain(wait, throttledDelays, isHinted ? { count: 1, since: now } : throttled, "throttled")
}

/** A permanent error ends the wait, unless the job is new or the policy tolerates some of them. */
const onPermanent = (wait: Wait): Command => {
  const { otherDelays, rejectMillis, rejectTimes } = wait.setting.policy.errors
  const { errors, rejected } = rows(wait)
  cold(wait).retries = 0
  count(wait, rejected)
  report(wait, "Permanent", errors.count + rejected.count)
  if (isInGrace(wait)) return onPending(wait, "missing")
  const isOver = rejected.count >= rejectTimes || wait.setting.time.now - rejected.since >= rejectMillis
  return isOver ? reject(wait) : checkAgain(wait, otherDelays, rejected, "rejected")
}

const report = (wait: Wait, kind: CheckFailed<unknown>["kind"], consecutive: number): void => {
  const { attempts, cold, setting } = wait
  setting.emit(wait, { _tag: "CheckFailed", attempt: attempts, error: cold.checkError, kind, consecutive })
}

const reject = (wait: Wait): Command =>
  failWithoutNews(wait, new PollError.CheckRejected({ ...seen(wait), error: wait.cold.checkError }))

const exhausted = (
  wait: Wait,
  budget: PollError.CheckErrorsExhausted<unknown>["budget"],
  errorCount: number
): Command => {
  const { errors, throttled } = rows(wait)
  const row = budget === "maxThrottled" ? throttled : errors
  const outage = Duration.millis(wait.setting.time.now - row.since)
  return failWithoutNews(
    wait,
    new PollError.CheckErrorsExhausted({ ...seen(wait), error: wait.cold.checkError, budget, errorCount, outage })
  )
}

const nameOf = (error: unknown): string => (typeof error === "string" ? printed(error) : kindOf(error))

const isReadable = (hint: CheckResult.Hint | undefined): boolean => hint !== undefined && hint !== "unreadable"

// -- schedules --

/** Asks a schedule that paces a row for its next delay. Its limits count from the first of the row. */
const stepBy = (wait: Wait, stepper: Stepper, { count, since }: Row, reason: Decided): Command => {
  if (stepper.plan === undefined) return stepForeign(wait, stepper, count, reason)
  const elapsed = wait.setting.time.now - since
  return onDecided(wait, reason, nextInRow(stepper.plan, count, elapsed, observationOf(wait), wait.setting.random))
}

/** Asks a foreign schedule, through the host. */
const stepForeign = (wait: Wait, stepper: Stepper, count: number, reason: Decided): Command => {
  cold(wait).stepping = { stepper, count, reason }
  wait.stage = stepping
  wait.nextAt = wait.deadlineAt
  return "step"
}

const onDecided = (wait: Wait, reason: Decided, decided: Strategy.Decision): Command => {
  const decision = decided === "end" ? decided : delayOf(wait, decided)
  const { now } = wait.setting.time
  switch (reason) {
    case "retry":
      if (decision === "end") return onCheckFailed(wait)
      report(wait, "Transient", 0)
      return sleepUntil(wait, now + decision, reason)
    case "checkError":
    case "rejected":
    case "resultMissing":
      if (decision === "end") return onNoMoreDelays(wait, reason)
      return sleepUntil(wait, now + Math.max(leastErrorDelay, decision), reason)
    case "throttled":
      return sleepUntil(wait, now + throttledDelay(wait, decision), reason)
    default:
      // A canceled job is watched for its end even when the strategy is over.
      if (decision === "end" && !hasTimedOut(wait)) return timeout(wait, "strategy")
      return sleepUntil(wait, Math.min(latestInHold(wait), now + (decision === "end" ? leastGap : decision)), reason)
  }
}

const delayOf = (wait: Wait, millis: number): number => {
  if (wait.cold.wakeRequest !== undefined) {
    if (isForced(wait)) liftFloors(wait)
    return requestedAt(wait) - wait.setting.time.now
  }
  // Whole milliseconds, so that due times do not depend on the origin of the clock.
  if (millis > 0) return Number.isFinite(millis) ? Math.ceil(millis) : longestDelay
  return wait.setting.policy.zeroDelay
}

/** The schedule of `checkErrors` has ended, and with it the tolerance of what it paced. */
const onNoMoreDelays = (wait: Wait, reason: "checkError" | "rejected" | "resultMissing"): Command => {
  const { end, errors } = rows(wait)
  // A report has ended the row meanwhile.
  if ((reason === "checkError" ? errors : rows(wait)[reason]).count === 0) {
    return onPending(wait)
  }
  if (reason === "rejected") return reject(wait)
  return reason === "resultMissing" ? failWithoutResult(wait, end!) : exhausted(wait, "maxConsecutive", errors.count)
}

/** When the schedule of `checkErrors` has ended, its longest delay is repeated: throttling has a limit of its own. */
const throttledDelay = (wait: Wait, decision: number | "end"): number => {
  const own = cold(wait)
  if (decision === "end") return Math.max(leastGap, own.throttledDelay)
  own.throttledDelay = Math.max(own.throttledDelay, decision)
  return Math.max(leastErrorDelay, decision)
}
