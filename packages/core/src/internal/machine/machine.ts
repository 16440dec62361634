import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import type * as Gate from "../../Gate.ts"
import type * as CheckResult from "../../CheckResult.ts"
import * as PollError from "../../PollError.ts"
import { end, timeout } from "./ending.ts"
import type { Command, Event } from "./event.ts"
import { approach, liftFloors, check, sleep, sleepUntil, wasSuspended } from "./pacing.ts"
import { begin, restore } from "./token.ts"
import { onFinding, onHint, onCheckError, onStepped } from "./outcome.ts"
import { alarmAt, rare, took, type Wait, whole } from "./wait.ts"

// The rules of a wait, here and in pacing, verdict and ending, and nowhere else: `step(wait, event)` changes the wait, at
// the time that its timeline tells, and says what the host has to do next. It is synchronous, knows no fiber and no timer,
// and never throws.

export const step = (wait: Wait, event: Event): Command => {
  try {
    return judge(wait, event)
  } catch (defect) {
    // What the user gave threw: a classifier, a strategy, a fallback.
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
    case "Gated":
      return wait.stage.phase === "gating" ? onGated(wait, event.exit) : "continue"
    case "Checked":
      return wait.stage.phase === "checking" ? onChecked(wait, event.check) : "continue"
    case "CheckErrored":
      return wait.stage.phase === "checking" ? onCheckErrored(wait, event.cause, event.hint) : "continue"
    case "Overdue":
      return wait.setting.time.now >= wait.nextAt ? onOverdue(wait) : "continue"
    case "Stepped":
      return wait.stage.phase === "stepping" ? onStepped(wait, event.exit) : "continue"
    case "Joined":
      return onJoined(wait)
    case "Floored":
      return onFloored(wait, event.floorAt)
    case "Woken":
      return onWoken(wait, event.force)
    case "Paused":
      return onPaused(wait)
    case "Unpaused":
      return onUnpaused(wait)
    case "CancelAsked":
      return wait.stage.phase === "canceling" ? onCancelAsked(wait) : "continue"
    case "Died":
      return wait.stage.phase === "ended" ? "continue" : end(wait, Exit.failCause(event.cause))
    case "Stopped":
      return end(wait, Exit.interrupt())
  }
}

const start = (wait: Wait, { later, stagger, token }: Extract<Event, { _tag: "Started" }>): Command => {
  const { time } = wait.setting
  const { now } = time
  if (token === undefined) begin(wait)
  else restore(wait, token)
  if (token === undefined || wait.nextAt <= now) wait.nextAt = whole(Math.max(wait.nextAt, now) + stagger)
  wait.setting.emit(wait, {
    _tag: "Started",
    deadlineAt: Number.isFinite(wait.deadlineAt) ? time.base + wait.deadlineAt : "unbounded"
  })
  // A wait that is resumed after its deadline was asleep, not slow: it has one check, if the server allows it.
  // One that is due is not put off beyond its deadline.
  const isPutOff = later !== undefined && now + later <= wait.deadlineAt
  const isDue = now > wait.deadlineAt || (wait.nextAt <= now && !isPutOff)
  if (isDue && wait.floorAt <= now) return approach(wait)
  return sleepUntil(wait, Math.max(wait.nextAt, now + (later ?? 0)), wait.attempts === 0 ? "firstWait" : "strategy")
}

// -- waiting --

const onDue = (wait: Wait): Command => {
  const { now } = wait.setting.time
  if (now < alarmAt(wait)) return "sleep"
  if (wait.rare.paused || wait.stage.reason === "deadline") return timeout(wait)
  if (now > wait.deadlineAt && !wasSuspended(wait, wait.nextAt)) return timeout(wait)
  return approach(wait)
}

const onWoken = (wait: Wait, force: boolean): Command => {
  const { now } = wait.setting.time
  if (wait.stage.phase !== "waiting") {
    if (wait.rare.wokenMeanwhile !== "forced") rare(wait).wokenMeanwhile = force ? "forced" : "woken"
    return "continue"
  }
  if (now > wait.deadlineAt) return "continue"
  if (force) liftFloors(wait)
  const earliest = Math.max(now, wait.floorAt, wait.rare.gatedUntil)
  if (wait.rare.paused || earliest >= wait.nextAt) return "continue"
  if (wait.rare.lastCheck) wait.rare.lastCheck = false
  if (force && wait.setting.hasRoom(wait)) return check(wait)
  // Without room the gate is not asked all the same: the host sees that it was forced.
  if (force) rare(wait).wokenMeanwhile = "forced"
  return earliest === now ? approach(wait) : sleepUntil(wait, earliest, "woken")
}

/** Another wait for the same job checks now: this one checks with it. */
const onJoined = (wait: Wait): Command => {
  if (wait.stage.phase !== "waiting" || wait.rare.paused || wait.setting.time.now > wait.deadlineAt) return "continue"
  if (wait.rare.lastCheck) wait.rare.lastCheck = false
  return check(wait)
}

const onFloored = (wait: Wait, floorAt: number): Command => {
  const { reason } = wait.stage
  wait.floorAt = Math.max(wait.floorAt, floorAt)
  if (reason === undefined || reason === "deadline" || wait.floorAt <= wait.nextAt) return "continue"
  return sleepUntil(wait, wait.nextAt, reason)
}

const onPaused = (wait: Wait): Command => {
  const { reason } = wait.stage
  rare(wait).paused = true
  return reason === undefined ? "continue" : sleep(wait, wait.nextAt, reason)
}

const onUnpaused = (wait: Wait): Command => {
  const { reason } = wait.stage
  const { now } = wait.setting.time
  if (!wait.rare.paused) return "continue"
  wait.rare.paused = false
  if (reason === undefined) return "continue"
  if (now > wait.deadlineAt) return sleep(wait, wait.deadlineAt, "deadline")
  return wait.nextAt > now ? sleep(wait, wait.nextAt, reason) : approach(wait)
}

// -- the gate and the check --

const onGated = (wait: Wait, exit: Exit.Exit<Gate.Answer>): Command => {
  const { now } = wait.setting.time
  if (Exit.isFailure(exit)) return end(wait, exit)
  if (now > wait.nextAt && !wasSuspended(wait, wait.nextAt)) return timeout(wait)
  if (exit.value._tag === "Open") return wait.rare.paused ? sleep(wait, now, "woken") : check(wait)
  rare(wait).gatedUntil = Math.ceil(now + Duration.toMillis(exit.value.delay))
  rare(wait).gatedBy = exit.value.reason
  return sleepUntil(wait, now, "gate")
}

const onChecked = (wait: Wait, found: CheckResult.CheckResult<unknown, unknown>): Command => {
  if (found._tag === "Annotated" && found.hint !== undefined) onHint(wait, found.hint)
  if (isLate(wait)) return late(wait)
  took(wait, wait.setting.time.now - wait.checkStarted)
  return found._tag === "Annotated" ? onFinding(wait, found.result, found.run) : onFinding(wait, found, undefined)
}

/** A typed error is a check error; a defect or an interruption inside the check ends the wait with its own cause. */
const onCheckErrored = (wait: Wait, cause: Cause.Cause<unknown>, hint: CheckResult.Hint | undefined): Command => {
  if (hint !== undefined) onHint(wait, hint)
  if (!cause.reasons.every(Cause.isFailReason)) return end(wait, Exit.failCause(cause))
  if (isLate(wait)) return late(wait)
  took(wait, wait.setting.time.now - wait.checkStarted)
  return onCheckError(wait, Cause.squash(cause))
}

/** Whether an answer came after the deadline, to a check that was made before it. */
const isLate = (wait: Wait): boolean => wait.setting.time.now > wait.deadlineAt && wait.checkStarted <= wait.deadlineAt

const onOverdue = (wait: Wait): Command => {
  switch (wait.stage.phase) {
    case "checking":
      return wait.setting.time.now >= wait.deadlineAt && wait.checkStarted <= wait.deadlineAt
        ? late(wait)
        : onCheckError(
            wait,
            new PollError.CheckTimeout({ checkTimeout: Duration.millis(wait.setting.policy.checkTimeout) })
          )
    case "gating":
      return late(wait)
    case "stepping":
      return timeout(wait)
    case "canceling":
      return onCancelAsked(wait)
    default:
      return "continue"
  }
}

/** The deadline passed during a check: the end, unless the machine was suspended meanwhile. */
const late = (wait: Wait): Command => {
  if (wasSuspended(wait, wait.nextAt)) {
    if (wait.rare.retries > 0) wait.rare.retries = 0
    return approach(wait)
  }
  return timeout(wait)
}

/** The job was asked to stop: its true end is awaited for a while, then the timeout stands. */
const onCancelAsked = (wait: Wait): Command => {
  const { policy, time } = wait.setting
  const own = rare(wait)
  wait.deadlineAt = time.now + policy.cancelTimeout
  own.lastCheck = own.paused = false
  own.retries = 0
  return sleepUntil(wait, time.now, "woken")
}
