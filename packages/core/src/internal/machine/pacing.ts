import * as Duration from "effect/Duration"
import type { WaitReason } from "../../PollEvent.ts"
import { leadOf, marginOf, placeNextCheck } from "../nextCheck.ts"
import type { Command } from "./event.ts"
import {
  alarmAt,
  checking,
  cold,
  gating,
  isCompleting,
  isForced,
  longestCheck,
  never,
  waiting,
  type Wait,
  whole
} from "./wait.ts"

// When the next check is: the sleep before it, the gate, and the check itself.

/** A gap shorter than this, in milliseconds, means a busy process, not a suspended one. */
export const leastGap = 1_000

export const sleepUntil = (wait: Wait, at: number, wanted: WaitReason): Command => {
  const { deadlineAt, floorAt, setting } = wait
  const { now } = setting.time
  forgoLastCheck(wait)
  if (wait.cold.lateBy !== 0) wait.cold.lateBy = 0
  const estimate = longestCheck(wait)
  const lead = leadOf(estimate, deadlineAt - now)
  const { gatedUntil } = wait.cold
  const spaced = spacedUntil(wait)
  let lastAt = deadlineAt - lead
  // Checks that take no time need no room.
  if (estimate > 0 && Math.ceil(at) >= lastAt && lastAt > Math.max(now, floorAt, gatedUntil, spaced)) {
    lastAt = setting.lastCheckAt(wait, lastAt)
    cold(wait).reservedAt = lastAt
  }
  const bounds = { now, at, floorAt, gatedUntil, spacedUntil: spaced, deadlineAt, lead, lastAt }
  const { dueAt, last, reason } = placeNextCheck(bounds, wanted)
  if (last) cold(wait).lastCheck = true
  return sleep(wait, dueAt, reason)
}

export const sleep = (wait: Wait, dueAt: number, reason: WaitReason): Command => {
  wait.stage = waiting(reason)
  wait.nextAt = whole(dueAt)
  wait.sleepMillis = whole(alarmAt(wait) - wait.setting.time.now)
  if (wait.sleepMillis === 0 || !wait.setting.isObserved(wait)) return "sleep"
  const { gatedBy, paused } = wait.cold
  wait.setting.emit(wait, {
    _tag: "Waiting",
    delay: Duration.millis(wait.sleepMillis),
    reason: paused ? "paused" : reason,
    gateReason: reason === "gate" && !paused ? gatedBy : undefined
  })
  return "sleep"
}

/** Whether so much time has passed since `expected` that the computer must have been suspended, not just late. */
export const wasSuspended = ({ setting, sleepMillis }: Wait, expected: number): boolean => {
  const { lateAt, now } = setting.time
  return now - expected > Math.max(leastGap, 2 * sleepMillis) && (lateAt === undefined || lateAt >= expected)
}

/** The time limit of a gate or a check that begins after the deadline because of a suspension, in milliseconds. */
export const longestLateCheck = 60_000

/**
 * Notes that the host comes late to a check that was due at `dueAt`, by the deadline: the wait does not end without it,
 * but the check gets no more time than it would have had, or little more than it takes.
 */
export const allowLate = (wait: Wait, dueAt: number): void => {
  const { deadlineAt, setting } = wait
  const { now } = setting.time
  if (now >= deadlineAt) cold(wait).lateBy = wasSuspended(wait, dueAt) ? longestLateCheck : lateLimit(wait)
  else if (now + longestCheck(wait) > deadlineAt) cold(wait).lateBy = Math.min(now - dueAt, lateLimit(wait))
}

/** Until when the answer of the check in flight counts. */
export const answerBy = (wait: Wait): number => boundFrom(wait, wait.checkStarted)

/** The last check is not made when the host expects it, or begins now. */
export const forgoLastCheck = (wait: Wait): void => {
  const { reservedAt } = wait.cold
  if (reservedAt === undefined) return
  wait.cold.reservedAt = undefined
  wait.setting.forgoLastCheck(wait, reservedAt)
}

/** Whether no further check fits before the deadline after one that begins now. */
export const isNearDeadline = (wait: Wait): boolean => wait.deadlineAt - wait.setting.time.now <= 2 * longestCheck(wait)

/** The earliest time of a requested check: requests in a loop are no hot loop. */
export const requestedAt = ({ checkStarted, setting }: Wait): number =>
  Math.max(setting.time.now, checkStarted === never ? 0 : Math.ceil(checkStarted + setting.policy.zeroDelay))

/**
 * How long the next check of a key waits for the end of one that was interrupted, because it timed out or was discarded;
 * in milliseconds.
 */
export const graceOf = ({ setting }: Wait): number => setting.policy.cancelTimeout

/** The end of the `minInterval` after the newest check of the key. A check that others make can be joined at any time. */
export const spacedUntil = (wait: Wait): number => {
  const { checkStarted, setting } = wait
  const { minInterval } = setting.policy
  if (minInterval === 0) return 0
  const others = setting.checkedAt(wait)
  if (others === "joins") return 0
  const newest = Math.max(checkStarted, others)
  return newest === never ? 0 : whole(Math.ceil(newest + minInterval))
}

/** By how many milliseconds a sleeping wait may be checked early at most. */
export const earlyBy = ({ sleepMillis, stage }: Wait): number =>
  stage.reason === "strategy" || stage.reason === "firstWait" ? Math.floor(sleepMillis * earlyShare) : 0

/**
 * The earliest time at which a sleeping wait may share a request with others: a share of its sleep before it is due. What
 * the server, the gate or the `minInterval` determines is kept, and so is the place of a last check.
 */
export const earliestAt = (wait: Wait): number => {
  const { cold, floorAt } = wait
  const due = alarmAt(wait)
  const early = earlyBy(wait)
  if (early === 0 || cold.paused || cold.lastCheck) return due
  return Math.min(due, Math.max(due - early, floorAt, cold.gatedUntil, spacedUntil(wait)))
}

export const gateOrCheck = (wait: Wait): Command => {
  const { setting } = wait
  if (spacedUntil(wait) > setting.time.now) return sleepUntil(wait, setting.time.now, "minInterval")
  const isOpen = setting.policy.gate === undefined || isForced(wait)
  if (isOpen && setting.hasRoom(wait)) return beginCheck(wait)
  wait.stage = gating
  wait.nextAt = whole(bound(wait))
  return "gate"
}

export const beginCheck = (wait: Wait): Command => {
  const { now } = wait.setting.time
  const until = bound(wait)
  forgoLastCheck(wait)
  if (wait.cold.retries === 0 && !isCompleting(wait)) wait.attempts++
  wait.stage = checking
  liftFloors(wait)
  if (wait.cold.wakeRequest !== undefined) wait.cold.wakeRequest = undefined
  wait.checkStarted = now
  if (now >= wait.deadlineAt || until > wait.deadlineAt) cold(wait).lastCheck = true
  wait.nextAt = whole(Math.min(until, Math.ceil(now + wait.setting.policy.checkTimeout)))
  return "check"
}

export const liftFloors = (wait: Wait): void => {
  wait.floorAt = 0
  if (wait.cold.gatedUntil !== 0) wait.cold.gatedUntil = 0
}

/**
 * When a host wakes up for an alarm at `at`: a millisecond before, then at the time itself, so that an answer that
 * arrives at `at` is handled first.
 */
export const wakeForAlarm = (now: number, at: number): number => (at > now + 1 ? at - 1 : at)

// ---- internal ----

/** The share of its sleep by which a wait may be checked early, together with others. */
const earlyShare = 0.1

/** A gate or a check is bounded by the deadline or, if the host came to it late, by a time of its own. */
const bound = (wait: Wait): number => boundFrom(wait, wait.setting.time.now)

const boundFrom = ({ cold, deadlineAt }: Wait, from: number): number =>
  cold.lateBy === 0 ? deadlineAt : Math.max(from, deadlineAt) + cold.lateBy

/** The time limit of a gate or a check that was due by the deadline, but begins after it; in milliseconds. */
const lateLimit = (wait: Wait): number =>
  Math.min(marginOf(longestCheck(wait)), Math.ceil((wait.deadlineAt - wait.startedAt) / 4), longestLateCheck)
