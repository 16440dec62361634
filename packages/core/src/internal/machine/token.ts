import * as Duration from "effect/Duration"
import type { Hint, ResultMissing } from "../../CheckResult.ts"
import * as CheckResult from "../../CheckResult.ts"
import type * as Tokens from "../../ResumeToken.ts"
import * as Status from "../../Status.ts"
import type { Policy } from "../options/policy.ts"
import { cut } from "../text.ts"
import { settledAction } from "./action.ts"
import { detailHash } from "./detailHash.ts"
import {
  boundedBy,
  checkMillis,
  cold,
  type HeldTimeout,
  type Hold,
  isCompleting,
  never,
  recordDuration,
  type Row,
  type Rows,
  rows,
  type Wait,
  whole,
  wholeDeadlineOf
} from "./wait.ts"
import { firstWaitOf } from "../strategyPlan.ts"
import { storedId } from "./words.ts"

type ResumeToken = Tokens.ResumeToken

/** The token of a wait in its present state. */
export const fromWait = (wait: Wait): ResumeToken => {
  const { cold, setting, stage } = wait
  const { policy, time } = setting
  const at = atOf(wait)
  // The newest event may be long past. A clock that was set back counts from there, as everywhere.
  const writtenAt = Math.max(at(time.now), time.clock())
  const deadlineAt = wholeDeadlineOf(wait)
  // A check in flight may be lost with this process, so it is due again, with the same number.
  const isCounted = stage.phase === "checking" && cold.retries === 0 && !isCompleting(wait)
  return {
    version: 1,
    job: policy.job,
    key: wait.key,
    since: policy.since,
    fallbackKey: short(cold.fallbackKey),
    // The cursor of a fallback is of no use to the job itself.
    cursor: short(cold.fallbackKey) === cold.fallbackKey ? cold.cursor : undefined,
    attempts: isCounted ? wait.attempts - 1 : wait.attempts,
    strategySteps: wait.strategySteps,
    strategyStartedAt: at(wait.strategyStarted),
    rows: cold.rows === undefined ? undefined : rowsOf(cold.rows, at),
    totalErrors: cold.totalErrors,
    dueAt: stage.phase === "waiting" ? at(wait.nextAt) : writtenAt,
    floorAt: at(wait.floorAt),
    startedAt: at(wait.startedAt),
    deadlineAt: Number.isFinite(deadlineAt) ? at(deadlineAt) : "unbounded",
    boundedBy: boundedBy(wait),
    writtenAt,
    status: statusOf(wait, at),
    hold: cold.hold === undefined ? undefined : holdOf(cold.hold, at),
    unconfirmed: cold.unconfirmed === undefined ? undefined : { end: cold.unconfirmed, changedAt: at(wait.changedAt) },
    located: locatedOf(wait),
    checkMillis: checkMillis(wait),
    checkedAt: wait.checkStarted === never ? undefined : at(wait.checkStarted),
    retries: cold.retries === 0 ? undefined : { count: cold.retries, at: at(cold.retriesStarted) },
    alone: isCompleting(wait) ? true : undefined,
    last: cold.lastCheck ? true : undefined,
    requested: isRechecked(wait) ? true : undefined,
    // A check that is requested does not wait for the schedule.
    deciding: stage.phase === "stepping" && cold.wakeRequest === undefined ? cold.stepping?.reason : undefined,
    gateAt: cold.gatedUntil > time.now ? at(cold.gatedUntil) : undefined,
    throttledMillis: cold.throttledDelay === 0 ? undefined : cold.throttledDelay,
    jobStartedAt: cold.jobStartedAt === undefined ? undefined : at(cold.jobStartedAt),
    timeout: cold.heldTimeout === undefined ? undefined : timeoutOf(cold.heldTimeout),
    actions: actionsOf(wait)
  }
}

/** Starts a wait now, as a receipt would, without writing one. */
export const begin = (wait: Wait): void => {
  const { policy, time } = wait.setting
  wait.startedAt = wait.changedAt = wait.floorAt = time.now
  wait.nextAt = whole(firstDue(policy, wait.key, time.now))
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
    dueAt: firstDue(policy, key, now),
    floorAt: Math.ceil(now + floor),
    startedAt: now,
    deadlineAt: Number.isFinite(bound) ? bound : "unbounded",
    boundedBy: policy.boundedBy,
    writtenAt: now
  }
}

/**
 * Starts a wait where the token left off. Its times are read as this clock has them, and none that is past comes out
 * ahead of now.
 */
export const restore = (wait: Wait, token: ResumeToken): void => {
  const { policy, time } = wait.setting
  const { base, now } = time
  const ahead = token.writtenAt === undefined ? 0 : Math.max(0, dated(token.writtenAt) - base - now)
  const from: Times = (at) => whole(dated(at) - ahead - base)
  const past: Times = (at) => Math.min(from(at), now)
  wait.startedAt = wait.changedAt = wait.stateSince = past(token.startedAt)
  wait.attempts = token.attempts
  // The state of a foreign schedule cannot be stored: it starts anew.
  wait.strategySteps = policy.strategy.plan === undefined ? 0 : token.strategySteps
  wait.strategyStarted = past(token.strategyStartedAt)
  wait.nextAt = from(token.dueAt)
  wait.floorAt = Math.min(from(token.floorAt), whole(Math.ceil(now + policy.maxHint)))
  wait.deadlineAt = token.deadlineAt === "unbounded" ? Number.POSITIVE_INFINITY : from(token.deadlineAt)
  if (token.checkedAt !== undefined) wait.checkStarted = past(token.checkedAt)
  for (const millis of token.checkMillis ?? []) {
    // No check has taken longer than the wait.
    recordDuration(wait, whole(Math.min(Math.max(0, millis), now - wait.startedAt)))
  }
  if (token.status !== undefined) restoreStatus(wait, token.status, past)
  if (token.unconfirmed !== undefined) wait.changedAt = past(token.unconfirmed.changedAt)
  if (token.boundedBy !== policy.boundedBy) cold(wait).boundedBy = token.boundedBy
  if (token.rows !== undefined) restoreRows(wait, token.rows, past)
  if (token.hold !== undefined) restoreHold(wait, token.hold, past)
  if (token.timeout !== undefined) cold(wait).heldTimeout = heldTimeoutOf(token.timeout)
  if (token.retries !== undefined && token.retries.count > 0) {
    cold(wait).retries = token.retries.count
    cold(wait).retriesStarted = past(token.retries.at)
  }
  if (token.gateAt !== undefined) cold(wait).gatedUntil = from(token.gateAt)
  restoreCold(wait, token, past)
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

/** Converts times, between those of a token and those of a wait. */
type Times = (at: number) => number

/** A time within the range of dates, where all milliseconds are exact. */
const dated = (at: number): number => Math.max(-latestDate, Math.min(at, latestDate))

const latestDate = 8_640_000_000_000_000

const atOf = ({ setting: { time } }: Wait): Times => {
  const { base } = time
  return (at) => base + at
}

// -- the size of a token: a server decides how long its words are --

/** The most characters of a key at a fallback, and of the id of an action, as JSON. */
const longestText = 1_024

const short = (text: string | undefined): string | undefined =>
  text !== undefined && JSON.stringify(text).length <= longestText ? text : undefined

// -- rows --

const rowsOf = (
  { end, errors, missing, rejected, resultMissing, throttled, unknown }: Rows,
  at: Times
): Tokens.Rows => {
  const row = ({ count, since }: Row): Tokens.Row | undefined => (count === 0 ? undefined : { count, at: at(since) })
  const lacking = row(resultMissing)
  return {
    errors: row(errors),
    throttled: row(throttled),
    rejected: row(rejected),
    missing: row(missing),
    unknown: row(unknown),
    resultMissing: lacking === undefined ? undefined : { ...lacking, state: end?.state }
  }
}

const restoreRows = (wait: Wait, stored: Tokens.Rows, past: Times): void => {
  for (const kind of ["errors", "throttled", "rejected", "missing", "unknown", "resultMissing"] as const) {
    const row = stored[kind]
    if (row === undefined || row.count === 0) continue
    rows(wait)[kind].count = row.count
    rows(wait)[kind].since = past(row.at)
  }
  const lacking = stored.resultMissing
  if (lacking !== undefined && lacking.count > 0) rows(wait).end = resultMissing(lacking.state)
}

const resultMissing = (state: string | undefined): ResultMissing =>
  CheckResult.resultMissing(state === undefined ? undefined : cut(state))

// -- the status --

const statusOf = ({ changedAt, cold, pendingAt, stateSince, status }: Wait, at: Times): Tokens.SeenStatus | undefined =>
  status === undefined || status._tag !== "Pending"
    ? undefined
    : {
        state: status.state,
        stateAt: at(stateSince),
        progress: status.progress,
        detailHash: cold.detailHash ?? detailHash(status.detail),
        action: status.action === undefined ? undefined : storedId(status.action.id),
        changedAt: at(changedAt),
        pendingAt: pendingAt === never ? undefined : at(pendingAt),
        isOver: cold.isStateOver ? true : undefined,
        stallReported: cold.stallReported ? true : undefined
      }

const restoreStatus = (wait: Wait, stored: Tokens.SeenStatus, past: Times): void => {
  const { action, detailHash, progress, state } = stored
  wait.status = Status.pending({
    state: state === undefined ? undefined : cut(state),
    progress,
    action: action === undefined ? undefined : { id: action }
  })
  wait.stateSince = past(stored.stateAt)
  wait.changedAt = past(stored.changedAt)
  if (stored.pendingAt !== undefined) wait.pendingAt = past(stored.pendingAt)
  if (detailHash !== undefined) cold(wait).detailHash = detailHash
  if (stored.isOver === true) cold(wait).isStateOver = true
  if (stored.stallReported === true) cold(wait).stallReported = true
}

/** The key at the fallback, which may be known from the detail alone. */
const locatedOf = ({ cold, rawKey, setting, status }: Wait): string | undefined => {
  const { locate } = setting.policy.missing
  if (locate === undefined || cold.fallbackKey !== undefined) return undefined
  if (status === undefined || cold.detailHash !== undefined || cold.located !== undefined) return cold.located
  try {
    return short(locate(rawKey, status))
  } catch {
    // The wait itself ends with the defect.
    return undefined
  }
}

// -- ends that do not count yet --

const holdOf = ({ elsewhere, end, sightings, since }: Hold, at: Times): Tokens.Hold => ({
  end,
  sightings,
  at: at(since),
  elsewhere: elsewhere ? true : undefined
})

const restoreHold = (wait: Wait, { at, elsewhere, end, sightings }: Tokens.Hold, past: Times): void => {
  if (sightings > 0) cold(wait).hold = { end, sightings, since: past(at), elsewhere: elsewhere === true }
}

const timeoutOf = ({ cancel, limit, reason, state }: HeldTimeout): Tokens.HeldTimeout => ({
  reason,
  state,
  limitMillis: limit,
  cancel: cancel?.outcome
})

const heldTimeoutOf = ({ cancel, limitMillis, reason, state }: Tokens.HeldTimeout): HeldTimeout => ({
  reason,
  state,
  limit: limitMillis,
  cancel: cancel === undefined ? undefined : { outcome: cancel, error: undefined }
})

const actionsOf = (wait: Wait): ReadonlyArray<string> | undefined => {
  const id = short(settledAction(wait))
  return id === undefined ? undefined : [id]
}

/** Whether the check that is due was requested by the end of a handler. */
const isRechecked = ({ cold, stage: { phase, reason } }: Wait): boolean =>
  cold.hasRechecked && (phase === "gating" || phase === "checking" || reason === "requested")

/** What is kept for rare cases. */
const restoreCold = (wait: Wait, token: ResumeToken, past: Times): void => {
  const { actions, alone, cursor, fallbackKey, jobStartedAt, last, located } = token
  const { status, throttledMillis, totalErrors, unconfirmed } = token
  // The job may no longer have a fallback. Then the job itself is checked, which cannot use a cursor of the fallback.
  const isThere = fallbackKey === undefined || wait.setting.policy.missing.checkFallback !== undefined
  if (isThere && fallbackKey !== undefined) cold(wait).fallbackKey = fallbackKey
  if (isThere && cursor !== undefined) cold(wait).cursor = cursor
  if (located !== undefined) cold(wait).located = located
  if (totalErrors > 0) cold(wait).totalErrors = totalErrors
  if (throttledMillis !== undefined && throttledMillis > 0) cold(wait).throttledDelay = throttledMillis
  if (alone === true) cold(wait).alone = true
  if (jobStartedAt !== undefined) cold(wait).jobStartedAt = past(jobStartedAt)
  if (unconfirmed !== undefined) cold(wait).unconfirmed = unconfirmed.end
  if (last === true) cold(wait).lastCheck = true
  if (token.requested === true) cold(wait).hasRechecked = true
  const asked = status?.action
  if (asked !== undefined && actions?.includes(asked) === true) cold(wait).action = asked
}

const firstDue = ({ bound, strategy }: Policy, key: string, now: number): number =>
  Math.ceil(now + firstWaitOf(strategy.plan, key, bound))

const boundOf = ({ bound }: Policy, now: number): number => Math.ceil(now + bound)
