import * as Duration from "effect/Duration"
import type { WaitReason } from "../../PollEvent.ts"
import type { Command } from "./event.ts"
import { place } from "../nextCheck.ts"
import { gating, checking, waiting } from "./stage.ts"
import { alarmAt, longestCheck, rare, type Wait, whole } from "./wait.ts"

// When the next check is: the sleep before it, the gate, and the check itself.

/** A gap shorter than this, in milliseconds, is a busy process and not a suspended one. */
export const leastGap = 1_000

export const sleepUntil = (wait: Wait, at: number, wanted: WaitReason): Command => {
  const { deadlineAt, floorAt } = wait
  const { now } = wait.setting.time
  const estimate = longestCheck(wait)
  const { gatedUntil } = wait.rare
  const { dueAt, last, reason } = place({ now, at, floorAt, gatedUntil, deadlineAt, estimate }, wanted)
  if (last) rare(wait).lastCheck = true
  return sleep(wait, dueAt, reason)
}

export const sleep = (wait: Wait, dueAt: number, reason: WaitReason): Command => {
  wait.stage = waiting(reason)
  wait.nextAt = whole(dueAt)
  wait.slept = whole(alarmAt(wait) - wait.setting.time.now)
  if (wait.slept === 0 || !wait.setting.hears(wait)) return "sleep"
  const { gatedBy, paused } = wait.rare
  wait.setting.emit(wait, {
    _tag: "Waiting",
    delay: Duration.millis(wait.slept),
    reason: paused ? "paused" : reason,
    gateReason: reason === "gate" && !paused ? gatedBy : undefined
  })
  return "sleep"
}

/** Whether so much time has passed since `expected` that the machine must have been suspended, not just late. */
export const wasSuspended = (wait: Wait, expected: number): boolean =>
  wait.setting.time.now - expected > Math.max(leastGap, 2 * wait.slept)

export const approach = (wait: Wait): Command => {
  const { setting } = wait
  if (setting.policy.gate === undefined && setting.hasRoom(wait)) return check(wait)
  wait.stage = gating
  wait.nextAt = whole(bound(wait))
  return "gate"
}

export const check = (wait: Wait): Command => {
  const { now } = wait.setting.time
  if (wait.rare.retries === 0) wait.attempts++
  wait.stage = checking
  liftFloors(wait)
  if (wait.rare.wokenMeanwhile !== undefined) wait.rare.wokenMeanwhile = undefined
  wait.checkStarted = now
  if (now >= wait.deadlineAt) rare(wait).lastCheck = true
  wait.nextAt = whole(Math.min(bound(wait), Math.ceil(now + wait.setting.policy.checkTimeout)))
  return "check"
}

export const liftFloors = (wait: Wait): void => {
  wait.floorAt = 0
  if (wait.rare.gatedUntil !== 0) wait.rare.gatedUntil = 0
}

// ---- internal ----

/** How long a gate or a check that begins after the deadline may take at most, in milliseconds. */
const longestLateCheck = 60_000

/** A gate or a check is bounded by the deadline; beyond it (after a suspension), by a time of its own. */
const bound = (wait: Wait): number =>
  wait.setting.time.now > wait.deadlineAt ? wait.setting.time.now + longestLateCheck : wait.deadlineAt
