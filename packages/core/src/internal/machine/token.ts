import * as Duration from "effect/Duration"
import type { Hint } from "../../CheckResult.ts"
import type { ResumeToken } from "../../ResumeToken.ts"
import type { Policy } from "../options/policy.ts"
import { boundedBy, cold, rows, type Wait, whole } from "./wait.ts"

/** The token of a wait in its present state. */
export const fromWait = (wait: Wait): ResumeToken => {
  const { policy, time } = wait.setting
  return {
    version: 1,
    job: policy.job,
    key: wait.key,
    since: policy.since,
    fallbackKey: wait.cold.fallbackKey,
    cursor: wait.cold.cursor,
    attempts: wait.attempts,
    strategySteps: wait.strategySteps,
    strategyStartedAt: time.base + wait.strategyStarted,
    totalErrors: wait.cold.totalErrors,
    // A check in flight may be lost with this process, so it is due again.
    dueAt: time.base + (wait.stage.phase === "waiting" ? wait.nextAt : time.now),
    floorAt: time.base + wait.floorAt,
    startedAt: time.base + wait.startedAt,
    deadlineAt: Number.isFinite(wait.deadlineAt) ? time.base + wait.deadlineAt : "unbounded",
    boundedBy: boundedBy(wait),
    rows: errorsOf(wait)
  }
}

/** Starts a wait now, as a receipt would, without writing one. */
export const begin = (wait: Wait): void => {
  const { policy, time } = wait.setting
  wait.startedAt = wait.changedAt = wait.floorAt = time.now
  wait.nextAt = whole(firstDue(policy, time.now))
  wait.deadlineAt = whole(boundOf(policy, time.now))
}

/** The token of a job that was just submitted: a wait at attempt 0, which starts now. */
export const receipt = (policy: Policy, key: string, now: number, hint?: Hint): ResumeToken => {
  const floor = hint === undefined || hint === "unreadable" ? 0 : Math.min(Duration.toMillis(hint), policy.maxHint)
  const bound = boundOf(policy, now)
  return {
    version: 1,
    job: policy.job,
    key,
    since: policy.since,
    fallbackKey: undefined,
    cursor: undefined,
    attempts: 0,
    strategySteps: 0,
    strategyStartedAt: now,
    totalErrors: 0,
    dueAt: firstDue(policy, now),
    floorAt: Math.ceil(now + floor),
    startedAt: now,
    deadlineAt: Number.isFinite(bound) ? bound : "unbounded",
    boundedBy: policy.boundedBy
  }
}

/** Starts a wait where the token left off. */
export const restore = (wait: Wait, token: ResumeToken): void => {
  const { policy, time } = wait.setting
  wait.startedAt = wait.changedAt = whole(token.startedAt - time.base)
  wait.attempts = token.attempts
  // The state of a foreign schedule cannot be stored: it starts anew.
  wait.strategySteps = policy.strategy.plan === undefined ? 0 : token.strategySteps
  wait.strategyStarted = whole(token.strategyStartedAt - time.base)
  wait.nextAt = whole(token.dueAt - time.base)
  wait.floorAt = whole(token.floorAt - time.base)
  wait.deadlineAt = token.deadlineAt === "unbounded" ? Number.POSITIVE_INFINITY : whole(token.deadlineAt - time.base)
  if (token.boundedBy !== policy.boundedBy) cold(wait).boundedBy = token.boundedBy
  if (token.fallbackKey !== undefined) cold(wait).fallbackKey = token.fallbackKey
  if (token.cursor !== undefined) cold(wait).cursor = token.cursor
  if (token.totalErrors > 0) cold(wait).totalErrors = token.totalErrors
  const errorRow = token.rows?.errors
  if (errorRow !== undefined) {
    const { errors } = rows(wait)
    errors.count = errorRow.count
    errors.since = whole(errorRow.at - time.base)
  }
}

/**
 * A token with at least this floor, and with this cursor instead of its own, made by `fresh` if there is none; what is
 * undefined changes nothing.
 */
export const withKnown = (
  token: ResumeToken | undefined,
  floorAt: number | undefined,
  cursor: string | undefined,
  fresh: () => ResumeToken
): ResumeToken | undefined => {
  if (floorAt === undefined && cursor === undefined) return token
  const from = token ?? fresh()
  return { ...from, floorAt: Math.max(from.floorAt, floorAt ?? 0), cursor: cursor ?? from.cursor }
}

// ---- internal ----

const errorsOf = ({ cold, setting: { time } }: Wait): ResumeToken["rows"] => {
  const errors = cold.rows?.errors
  return errors === undefined || errors.count === 0
    ? undefined
    : { errors: { count: errors.count, at: time.base + errors.since } }
}

const firstDue = ({ strategy }: Policy, now: number): number => Math.ceil(now + (strategy.plan?.firstWait ?? 0))

const boundOf = ({ bound }: Policy, now: number): number => Math.ceil(now + bound)
