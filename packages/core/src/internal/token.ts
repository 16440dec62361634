import * as Duration from "effect/Duration"
import type { Hint } from "../Look.ts"
import type { ResumeToken } from "../ResumeToken.ts"
import type { Policy } from "./policy.ts"
import type { Wait } from "./wait.ts"

/** The token of a wait as it stands. */
export const fromWait = (wait: Wait): ResumeToken => ({
  version: 1,
  job: wait.policy.job,
  key: wait.policy.key,
  run: wait.policy.since,
  fallbackKey: wait.fallbackKey,
  attempts: wait.attempts,
  strategySteps: wait.strategySteps,
  strategyStartedAt: wait.base + wait.strategyStarted,
  errorsInRow: wait.errorsInRow,
  errorsInAll: wait.errorsInAll,
  // A look that is under way may be lost with this process: it is due again.
  dueAt: wait.base + (wait.phase === "waiting" ? wait.dueAt : wait.now),
  floorAt: wait.base + wait.floorAt,
  startedAt: wait.base,
  deadlineAt: Number.isFinite(wait.deadlineAt) ? wait.base + wait.deadlineAt : "unbounded",
  boundedBy: wait.boundedBy
})

/** The token of a job that was just submitted: a wait at attempt 0, which starts now. */
export const receipt = (policy: Policy, now: number, hint?: Hint): ResumeToken => {
  const floor = hint === undefined || hint === "unreadable" ? 0 : Math.min(Duration.toMillis(hint), policy.maxHint)
  const limit = policy.strategy.plan?.limit ?? Number.POSITIVE_INFINITY
  const bound = Math.ceil(now + Math.min(limit, policy.deadline))
  return {
    version: 1,
    job: policy.job,
    key: policy.key,
    run: policy.since,
    fallbackKey: undefined,
    attempts: 0,
    strategySteps: 0,
    strategyStartedAt: now,
    errorsInRow: 0,
    errorsInAll: 0,
    dueAt: Math.ceil(now + (policy.strategy.plan?.firstWait ?? 0)),
    floorAt: Math.ceil(now + floor),
    startedAt: now,
    deadlineAt: Number.isFinite(bound) ? bound : "unbounded",
    boundedBy: limit < policy.deadline ? "strategy" : "deadline"
  }
}

/** Lets a wait that has not started go on where the token says. */
export const restore = (wait: Wait, token: ResumeToken): void => {
  wait.base = token.startedAt
  wait.fallbackKey = token.fallbackKey
  wait.attempts = token.attempts
  // A foreign schedule keeps its state to itself: it starts anew.
  wait.strategySteps = wait.policy.strategy.plan === undefined ? 0 : token.strategySteps
  wait.strategyStarted = token.strategyStartedAt - wait.base
  wait.errorsInRow = token.errorsInRow
  wait.errorsInAll = token.errorsInAll
  wait.dueAt = token.dueAt - wait.base
  wait.floorAt = token.floorAt - wait.base
  wait.deadlineAt = token.deadlineAt === "unbounded" ? Number.POSITIVE_INFINITY : token.deadlineAt - wait.base
  wait.boundedBy = token.boundedBy
}
