import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import * as CheckResult from "../../CheckResult.ts"
import type * as Gate from "../../Gate.ts"
import * as PollError from "../../PollError.ts"
import { noResult } from "../text.ts"
import { onHandled } from "./action.ts"
import { decideAgain, onCheckError, onHint, onScheduleDecided } from "./checkError.ts"
import { isEarlierRun, onResult, onStatus } from "./checkOutcome.ts"
import { cancelOrFail, end, interrupt, onCancelAnswered, onCancelAsked, timeout } from "./ending.ts"
import { type CanceledBy, type CancelExit, type Command, type Event, type Heard, unknown } from "./event.ts"
import { adoptHold } from "./hold.ts"
import {
  allowLate,
  answerBy,
  beginCheck,
  earliestAt,
  forgoLastCheck,
  gateOrCheck,
  isNearDeadline,
  liftFloors,
  longestLateCheck,
  requestedAt,
  sleep,
  sleepUntil,
  spacedUntil,
  wasSuspended
} from "./pacing.ts"
import { boundByState } from "./stateLimit.ts"
import { begin, restore } from "./token.ts"
import { TypeId as toldTypeId } from "../told/model.ts"
import type { onTold as rulesOfTold } from "./told.ts"
import {
  alarmAt,
  cold,
  isCompleting,
  isForced,
  otherSource,
  recordDuration,
  recordTimes,
  sourceOf,
  type Wait,
  waiting,
  whole,
  wholeDeadlineOf
} from "./wait.ts"

// The rules of a wait are here and in checkOutcome, pacing and ending, and nowhere else. `step(wait, event)` changes
// the wait at the time of its timeline and returns what the host has to do next. It is synchronous, knows neither
// fibers nor timers, and never throws. See the README of this folder.

export const step = (wait: Wait, event: Event): Command => {
  try {
    return judge(wait, event)
  } catch (defect) {
    // User code threw: `kindOf`, a strategy, `locate`.
    return end(wait, Exit.die(defect))
  }
}

// ---- internal ----

const judge = (wait: Wait, event: Event): Command => {
  switch (event._tag) {
    case "Started":
      return start(wait, event)
    case "Due":
      return wait.stage.phase === "waiting" ? onDue(wait) : "continue"
    case "NearlyDue":
      return wait.stage.phase === "waiting" ? onNearlyDue(wait) : "continue"
    case "GateAnswered":
      return wait.stage.phase === "gating" ? onGateAnswered(wait, event.exit) : "continue"
    case "Checked":
      return wait.stage.phase === "checking" ? onChecked(wait, event.result) : "continue"
    case "CheckErrored":
      return wait.stage.phase === "checking" ? onCheckErrored(wait, event.cause, event.hint) : "continue"
    case "Unanswered":
      return wait.stage.phase === "checking" ? onUnanswered(wait, event.hint) : "continue"
    case "Divided":
      return wait.stage.phase === "checking" ? onDivided(wait) : "continue"
    case "Moved":
      cold(wait).cursor = event.cursor
      return "continue"
    case "Overdue":
      return wait.setting.time.now >= wait.nextAt ? onOverdue(wait) : "continue"
    case "Decided":
      return wait.stage.phase === "stepping" ? onScheduleDecided(wait, event.exit) : "continue"
    case "Joined":
      return onJoined(wait)
    case "Floored":
      return onFloored(wait, event.floorAt)
    case "Woken":
      return onWoken(wait, event.force)
    case "Told":
      return wait.stage.phase === "ended" ? "continue" : (onTold(wait, event, false) ?? onWoken(wait, false))
    case "Handled":
      return onHandled(wait, event.id) ? onWoken(wait, false, 0) : "continue"
    case "Paused":
      return onPaused(wait)
    case "Unpaused":
      return onUnpaused(wait)
    case "CancelAsked":
      return onCancelAsked(wait, event.by)
    case "CancelDone":
      return onCancelDone(wait, event.by, event.exit)
    case "Died":
      return wait.stage.phase === "ended" ? "continue" : end(wait, Exit.failCause(event.cause))
    case "Interrupted":
      return interrupt(wait, event.by)
    default:
      throw unknown("event", event)
  }
}

const start = (wait: Wait, started: Extract<Event, { _tag: "Started" }>): Command => {
  const { deferral, early, ended, stagger, token } = started
  const { time } = wait.setting
  const { now } = time
  if (token === undefined) begin(wait)
  else {
    restore(wait, token)
    adoptHold(wait)
    const { lastCheck } = wait.cold
    boundByState(wait)
    // The last check before the limit of a state stays the last one.
    if (lastCheck) cold(wait).lastCheck = true
  }
  const dueAt = wait.nextAt
  if (token === undefined || wait.nextAt <= now) {
    // Of a wait that began long ago little may be left.
    const most = Math.max(0, wholeDeadlineOf(wait) - now) / 10
    wait.nextAt = whole(Math.max(wait.nextAt, now) + Math.min(stagger, most))
  }
  wait.setting.emit(wait, {
    _tag: "Started",
    deadlineAt: Number.isFinite(wholeDeadlineOf(wait)) ? time.base + wholeDeadlineOf(wait) : "unbounded"
  })
  if (ended !== undefined) return onStatus(wait, ended)
  for (const heard of early ?? []) {
    const command = onTold(wait, heard, true)
    if (typeof command === "object") return command
  }
  const held = wait.cold.heldTimeout
  // The cancel was not answered.
  if (held !== undefined && held.cancel === undefined) return cancelOrFail(wait, held)
  if (token?.deciding !== undefined && now <= wait.deadlineAt && wait.cold.woken === undefined) {
    return decideAgain(wait, token.deciding)
  }
  // A wait that is resumed after its deadline gets one check, if the server allows it.
  // A wait that is due is not deferred beyond its deadline.
  const isDeferred = deferral !== undefined && now + deferral <= wait.deadlineAt
  const isDue = now > wait.deadlineAt || (wait.nextAt <= now && !isDeferred)
  if (now > wait.deadlineAt) cold(wait).lateBy = longestLateCheck
  else if (dueAt < now) allowLate(wait, dueAt)
  const isGated = wait.cold.gatedUntil > now && now <= wait.deadlineAt
  if (isDue && wait.floorAt <= now && !isGated) return gateOrCheck(wait)
  const reason = wait.cold.hasRechecked ? "requested" : wait.attempts === 0 ? "firstWait" : "strategy"
  return sleepUntil(wait, Math.max(wait.nextAt, now + (deferral ?? 0)), reason)
}

/** What is told brings its own rules, see `told.ts`. */
const onTold = (wait: Wait, heard: Heard, isEarly: boolean): Command | undefined =>
  (heard.told as unknown as { readonly [toldTypeId]: typeof rulesOfTold })[toldTypeId](wait, heard, isEarly)

// -- waiting --

const onDue = (wait: Wait): Command => {
  const { now } = wait.setting.time
  if (now < alarmAt(wait)) return "sleep"
  if (wait.cold.hasRechecked && wait.stage.reason !== "requested" && !isCompleting(wait)) wait.cold.hasRechecked = false
  if (wait.cold.paused || wait.stage.reason === "deadline") return timeout(wait)
  if (now > wait.nextAt) allowLate(wait, wait.nextAt)
  return gateOrCheck(wait)
}

const onNearlyDue = (wait: Wait): Command => {
  const { now } = wait.setting.time
  if (now >= alarmAt(wait)) return onDue(wait)
  return now < earliestAt(wait) ? "sleep" : gateOrCheck(wait)
}

const onWoken = (wait: Wait, force: boolean, notBefore = requestedAt(wait)): Command => {
  const { now } = wait.setting.time
  if (wait.stage.phase !== "waiting") {
    if (!isForced(wait)) cold(wait).wakeRequest = force ? "forced" : "normal"
    return force && mayForce(wait) ? beginCheck(wait) : "continue"
  }
  if (now > wait.deadlineAt) return "continue"
  if (force) liftFloors(wait)
  const allowed = Math.max(now, notBefore, wait.floorAt, wait.cold.gatedUntil)
  const earliest = Math.max(allowed, spacedUntil(wait))
  const { paused } = wait.cold
  // The gate is not asked for a forced check, even if it has to queue for room or for the end of the `minInterval`.
  if (force && (paused || earliest > now || !wait.setting.hasRoom(wait))) cold(wait).wakeRequest = "forced"
  if (earliest >= wait.nextAt) return "continue"
  if (paused) return requestInPause(wait, earliest)
  if (wait.cold.lastCheck) wait.cold.lastCheck = false
  if (earliest > now) return sleepUntil(wait, allowed, "requested")
  return force && wait.setting.hasRoom(wait) ? beginCheck(wait) : gateOrCheck(wait)
}

/** A check that is requested during a pause follows the pause: the wait sleeps until its deadline meanwhile. */
const requestInPause = (wait: Wait, at: number): Command => {
  forgoLastCheck(wait)
  if (wait.cold.lastCheck) wait.cold.lastCheck = false
  wait.stage = waiting("requested")
  wait.nextAt = whole(at)
  return "continue"
}

/** Whether a check that is forced while its gate is asked begins at once; otherwise it need not ask once it can begin. */
const mayForce = (wait: Wait): boolean => {
  const { setting, stage } = wait
  const { now } = setting.time
  if (stage.phase !== "gating" || wait.cold.paused || now > wait.nextAt) return false
  return spacedUntil(wait) <= now && requestedAt(wait) <= now && setting.hasRoom(wait)
}

/** Another wait for the same job checks now, and this one shares that check. */
const onJoined = (wait: Wait): Command => {
  if (wait.stage.phase === "gating") return onOpen(wait)
  if (wait.stage.phase !== "waiting" || wait.cold.paused) return "continue"
  if (wait.setting.time.now > wait.deadlineAt) {
    if (wait.stage.reason === "deadline") return "continue"
    allowLate(wait, wait.nextAt)
  } else if (wait.cold.lastCheck && !isNearDeadline(wait)) wait.cold.lastCheck = false
  return beginCheck(wait)
}

const onFloored = (wait: Wait, floorAt: number): Command => {
  const { reason } = wait.stage
  wait.floorAt = Math.max(wait.floorAt, floorAt)
  if (reason === undefined || reason === "deadline" || wait.floorAt <= wait.nextAt) return "continue"
  return sleepUntil(wait, wait.nextAt, reason)
}

const onPaused = (wait: Wait): Command => {
  const { reason } = wait.stage
  cold(wait).paused = true
  return reason === undefined ? "continue" : sleep(wait, wait.nextAt, reason)
}

const onUnpaused = (wait: Wait): Command => {
  const { reason } = wait.stage
  const { now } = wait.setting.time
  if (!wait.cold.paused) return "continue"
  wait.cold.paused = false
  if (reason === undefined) return "continue"
  if (now > wait.deadlineAt) return sleep(wait, wait.deadlineAt, "deadline")
  return wait.nextAt > now ? sleep(wait, wait.nextAt, reason) : gateOrCheck(wait)
}

// -- the gate and the check --

const onGateAnswered = (wait: Wait, exit: Exit.Exit<Gate.Answer>): Command => {
  const { now } = wait.setting.time
  if (Exit.isFailure(exit)) return end(wait, exit)
  if (exit.value._tag === "Open") {
    const isTooSoon = spacedUntil(wait) > now && !isOverdue(wait)
    return isTooSoon ? sleepUntil(wait, now, "minInterval") : onOpen(wait)
  }
  if (now > wait.nextAt) return late(wait)
  if (isForced(wait)) {
    liftFloors(wait)
    return sleepUntil(wait, requestedAt(wait), "requested")
  }
  cold(wait).gatedUntil = Math.ceil(now + Duration.toMillis(exit.value.delay))
  cold(wait).gatedBy = exit.value.reason
  return sleepUntil(wait, now, "gate")
}

/** The check may begin: the gate is open, or another wait begins one. */
const onOpen = (wait: Wait): Command => {
  if (isOverdue(wait)) {
    // Without a gate it only had to queue for room, and the host comes to it late.
    if (wait.setting.policy.gate !== undefined) return timeout(wait)
    allowLate(wait, wait.nextAt)
  }
  return wait.cold.paused ? sleep(wait, wait.setting.time.now, "requested") : beginCheck(wait)
}

/** Whether the time limit of a gate has passed, unless the computer was suspended meanwhile. */
const isOverdue = (wait: Wait): boolean => wait.setting.time.now > wait.nextAt && !wasSuspended(wait, wait.nextAt)

const onChecked = (wait: Wait, found: CheckResult.CheckResult<unknown, unknown>): Command => {
  if (!CheckResult.isCheckResult(found)) throw noResult(found)
  if (found._tag === "Annotated") onAnnotations(wait, found)
  if (isLate(wait)) return late(wait)
  onAnswered(wait)
  return found._tag === "Annotated" ? onResult(wait, found.result, found.run) : onResult(wait, found, undefined)
}

const onAnnotations = (wait: Wait, { cursor, hint, run, times }: CheckResult.Annotated<unknown, unknown>): void => {
  if (hint !== undefined) onHint(wait, hint)
  if (times !== undefined && !isEarlierRun(wait.setting.policy.since, run)) recordTimes(wait, times)
  if (cursor !== undefined && sourceOf(wait) !== otherSource) cold(wait).cursor = cursor
}

/** A check has ended in time. */
const onAnswered = (wait: Wait): void => {
  recordDuration(wait, wait.setting.time.now - wait.checkStarted)
  complete(wait)
}

/** The attempt is over, or is completed by another check than was meant to. */
const complete = (wait: Wait): void => {
  if (wait.cold.alone) wait.cold.alone = false
  if (wait.cold.divided) wait.cold.divided = false
}

/** The attempt is completed by a check of its own, once the server allows it. */
const onUnanswered = (wait: Wait, hint: CheckResult.Hint | undefined): Command => {
  if (hint !== undefined) onHint(wait, hint)
  if (isLate(wait)) return late(wait)
  onAnswered(wait)
  cold(wait).alone = true
  if (isForced(wait)) liftFloors(wait)
  return sleepUntil(wait, wait.setting.time.now, "serverHint")
}

/** The attempt is completed by a smaller request. */
const onDivided = (wait: Wait): Command => {
  if (isLate(wait)) return late(wait)
  complete(wait)
  cold(wait).divided = true
  if (isForced(wait)) liftFloors(wait)
  return sleepUntil(wait, wait.setting.time.now, "requested")
}

/** A typed error is a check error. A defect or an interruption inside the check ends the wait with its cause. */
const onCheckErrored = (wait: Wait, cause: Cause.Cause<unknown>, hint: CheckResult.Hint | undefined): Command => {
  if (hint !== undefined) onHint(wait, hint)
  if (!cause.reasons.every(Cause.isFailReason)) return end(wait, Exit.failCause(cause))
  if (isLate(wait)) return late(wait)
  onAnswered(wait)
  return onCheckError(wait, Cause.squash(cause), hint)
}

/** Whether an answer came after the deadline, and not to a check that the host began late. */
const isLate = (wait: Wait): boolean => wait.setting.time.now > answerBy(wait)

const onOverdue = (wait: Wait): Command => {
  switch (wait.stage.phase) {
    case "checking":
      if (wait.setting.time.now >= answerBy(wait)) return late(wait)
      complete(wait)
      return onCheckError(
        wait,
        new PollError.CheckTimeout({ checkTimeout: Duration.millis(wait.setting.policy.checkTimeout) })
      )
    case "gating":
      return late(wait)
    case "stepping":
      return timeout(wait)
    case "canceling":
      return onCancelDone(wait, "timeout", "timedOut")
    default:
      return "continue"
  }
}

/** The deadline passed during a check: the wait ends, unless the computer was suspended meanwhile. */
const late = (wait: Wait): Command => {
  if (wasSuspended(wait, wait.nextAt)) {
    if (wait.cold.retries > 0) wait.cold.retries = 0
    allowLate(wait, wait.nextAt)
    return gateOrCheck(wait)
  }
  complete(wait)
  return timeout(wait)
}

/** After the cancel of a timeout the true end is awaited for `cancelTimeout`, then the wait ends with its timeout. */
const onCancelDone = (wait: Wait, by: CanceledBy, exit: CancelExit): Command => {
  const answered = onCancelAnswered(wait, by, exit)
  if (answered === undefined) return "continue"
  const { policy, time } = wait.setting
  const own = cold(wait)
  if (own.heldTimeout !== undefined) own.heldTimeout.cancel = answered.outcome
  wait.deadlineAt = time.now + policy.cancelTimeout
  own.lastCheck = own.paused = false
  own.retries = 0
  return sleepUntil(wait, time.now, "requested")
}
