import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Exit from "effect/Exit"
import { hasProperty } from "effect/Predicate"
import type * as Gate from "../Gate.ts"
import type * as Look from "../Look.ts"
import type { Observation } from "../Observation.ts"
import * as PollError from "../PollError.ts"
import type { WaitReason } from "../PollEvent.ts"
import * as Status from "../Status.ts"
import * as Strategy from "../Strategy.ts"
import type { Stepper } from "./policy.ts"
import type { Command, Event } from "./event.ts"
import { asPending, isEarlierRun, sameStatus } from "./finding.ts"
import * as history from "./history.ts"
import { place } from "./place.ts"
import { receipt, restore } from "./token.ts"
import { advance, alarmAt, boundedBy, elapsed, rare, remember, seen, type Wait } from "./wait.ts"

// The rules of a wait, all of them and nowhere else: `step(wait, event, now)` changes the wait and says what the host
// has to do next. It is synchronous, knows no fiber and no timer, and never throws.

export const step = (wait: Wait, event: Event, clock: number): Command => {
  advance(wait.setting.time, clock)
  switch (event._tag) {
    case "Started":
      return start(wait, event)
    case "Due":
      return wait.phase === "waiting" ? onDue(wait) : "continue"
    case "Gated":
      return wait.phase === "gating" ? onGated(wait, event.exit) : "continue"
    case "Looked":
      return wait.phase === "looking" ? onLooked(wait, event.look) : "continue"
    case "LookFailed":
      return wait.phase === "looking" ? onLookBroke(wait, event.cause) : "continue"
    case "Overdue":
      return wait.setting.time.now >= wait.nextAt ? onOverdue(wait) : "continue"
    case "Stepped":
      return wait.phase === "stepping" ? onStepped(wait, event.exit) : "continue"
    case "Joined":
      return onJoined(wait)
    case "Woken":
      return onWoken(wait, event.force)
    case "Paused":
      return onPaused(wait)
    case "Resumed":
      return onResumed(wait)
    case "CancelAsked":
      return wait.phase === "canceling" ? onCancelAsked(wait) : "continue"
    case "Died":
      return wait.phase === "ended" ? "continue" : end(wait, Exit.failCause(event.cause))
    case "Stopped":
      return end(wait, Exit.interrupt())
  }
}

/** What a schedule is shown when it is stepped. */
export const observe = (wait: Wait): Observation => {
  const { now } = wait.setting.time
  return {
    key: wait.key,
    attempt: wait.attempts,
    elapsed: now - wait.startedAt,
    remaining: wait.deadlineAt - now,
    sinceChange: now - wait.changedAt,
    status: wait.status !== undefined && wait.status._tag === "Pending" ? wait.status : noStatus
  }
}

// ---- internal ----

const noStatus = /*#__PURE__*/ Status.pending()

/** The shortest pause after a failed look, in milliseconds. */
const leastErrorDelay = 1

/** What an endless delay of a foreign schedule is drawn to, in milliseconds: a day. */
const longestDelay = 86_400_000

/** A gap shorter than this, in milliseconds, is a busy process and not a suspended one. */
const leastGap = 1_000

/** How many unlisted words are counted; a server that invents more of them is not followed. */
const unlistedBound = 32

/** How long a gate or a look that begins after the deadline may take at most, in milliseconds. */
const longestLateLook = 60_000

const start = (wait: Wait, { stagger, token }: Extract<Event, { _tag: "Started" }>): Command => {
  const { policy, time } = wait.setting
  const { now } = time
  restore(wait, token ?? receipt(policy, wait.key, time.base + now))
  if (token === undefined || wait.nextAt <= now) wait.nextAt = Math.max(wait.nextAt, now) + stagger
  wait.setting.emit(wait, {
    _tag: "Started",
    deadlineAt: Number.isFinite(wait.deadlineAt) ? time.base + wait.deadlineAt : "unbounded"
  })
  // A wait that is resumed after its deadline was asleep, not slow: it has one look, if the server allows it.
  if (wait.floorAt <= now && (now > wait.deadlineAt || wait.nextAt <= now)) return approach(wait)
  return sleepUntil(wait, wait.nextAt, wait.attempts === 0 ? "firstWait" : "strategy")
}

// -- sleeping --

const sleepUntil = (wait: Wait, at: number, wanted: WaitReason): Command => {
  const { deadlineAt, floorAt, took1, took2, took3 } = wait
  const { now } = wait.setting.time
  const estimate = Math.max(took1, took2, took3)
  const { gatedUntil } = wait.rare
  const { dueAt, last, reason } = place({ now, at, floorAt, gatedUntil, deadlineAt, estimate }, wanted)
  if (last) rare(wait).lastLook = true
  return sleep(wait, dueAt, reason)
}

const sleep = (wait: Wait, dueAt: number, reason: WaitReason): Command => {
  wait.phase = "waiting"
  wait.nextAt = dueAt
  wait.reason = reason
  wait.slept = alarmAt(wait) - wait.setting.time.now
  if (!wait.setting.hears(wait)) return "sleep"
  const { gatedBy, paused } = wait.rare
  wait.setting.emit(wait, {
    _tag: "Waiting",
    delay: Duration.millis(wait.slept),
    reason: paused ? "paused" : reason,
    gate: reason === "gate" && !paused ? gatedBy : undefined
  })
  return "sleep"
}

const onDue = (wait: Wait): Command => {
  const { now } = wait.setting.time
  if (now < alarmAt(wait)) return "sleep"
  if (wait.rare.paused || wait.reason === "deadline") return timeout(wait, boundedBy(wait))
  if (now > wait.deadlineAt && !wasSuspended(wait, wait.nextAt)) return timeout(wait, boundedBy(wait))
  return approach(wait)
}

/** Whether so much time has passed since `expected` that the machine must have been suspended, not just late. */
const wasSuspended = (wait: Wait, expected: number): boolean =>
  wait.setting.time.now - expected > Math.max(leastGap, 2 * wait.slept)

// -- being woken and paused --

const onWoken = (wait: Wait, force: boolean): Command => {
  const { now } = wait.setting.time
  if (wait.phase !== "waiting") {
    if (wait.rare.wokenMeanwhile !== "forced") rare(wait).wokenMeanwhile = force ? "forced" : "woken"
    return "continue"
  }
  if (now > wait.deadlineAt) return "continue"
  if (force) liftFloors(wait)
  const earliest = Math.max(now, wait.floorAt, wait.rare.gatedUntil)
  if (wait.rare.paused || earliest >= wait.nextAt) return "continue"
  if (wait.rare.lastLook) wait.rare.lastLook = false
  if (force) return look(wait)
  return earliest === now ? approach(wait) : sleepUntil(wait, earliest, "woken")
}

/** Another wait for the same job looks now: this one looks with it. */
const onJoined = (wait: Wait): Command => {
  if (wait.phase !== "waiting" || wait.rare.paused || wait.setting.time.now > wait.deadlineAt) return "continue"
  if (wait.rare.lastLook) wait.rare.lastLook = false
  return look(wait)
}

const onPaused = (wait: Wait): Command => {
  rare(wait).paused = true
  return wait.phase === "waiting" ? sleep(wait, wait.nextAt, wait.reason) : "continue"
}

const onResumed = (wait: Wait): Command => {
  const { now } = wait.setting.time
  if (!wait.rare.paused) return "continue"
  wait.rare.paused = false
  if (wait.phase !== "waiting" || now > wait.deadlineAt) return "continue"
  return wait.nextAt > now ? sleep(wait, wait.nextAt, wait.reason) : approach(wait)
}

// -- the gate --

const approach = (wait: Wait): Command => {
  const { setting } = wait
  if (setting.policy.gate === undefined && setting.hasRoom(wait)) return look(wait)
  wait.phase = "gating"
  wait.nextAt = bound(wait)
  return "gate"
}

const onGated = (wait: Wait, exit: Exit.Exit<Gate.Answer>): Command => {
  const { now } = wait.setting.time
  if (Exit.isFailure(exit)) return end(wait, exit)
  if (now > wait.nextAt && !wasSuspended(wait, wait.nextAt)) return timeout(wait, boundedBy(wait))
  if (exit.value._tag === "open") return wait.rare.paused ? sleep(wait, now, "woken") : look(wait)
  rare(wait).gatedUntil = Math.ceil(now + Duration.toMillis(exit.value.until))
  rare(wait).gatedBy = exit.value.why
  return sleepUntil(wait, now, "gate")
}

// -- looking --

const look = (wait: Wait): Command => {
  const { now } = wait.setting.time
  if (wait.rare.retries === 0) wait.attempts++
  wait.phase = "looking"
  liftFloors(wait)
  if (wait.rare.wokenMeanwhile !== undefined) wait.rare.wokenMeanwhile = undefined
  wait.lookStarted = now
  if (now > wait.deadlineAt) rare(wait).lastLook = true
  wait.nextAt = Math.min(bound(wait), Math.ceil(now + wait.setting.policy.lookTimeout))
  return "look"
}

const liftFloors = (wait: Wait): void => {
  wait.floorAt = 0
  if (wait.rare.gatedUntil !== 0) wait.rare.gatedUntil = 0
}

/** A gate or a look is bounded by the deadline; beyond it (after a suspension), by a time of its own. */
const bound = (wait: Wait): number =>
  wait.setting.time.now > wait.deadlineAt ? wait.setting.time.now + longestLateLook : wait.deadlineAt

const onLooked = (wait: Wait, found: Look.Look<unknown, unknown>): Command => {
  if (found._tag === "Reported" && found.hint !== undefined) onHint(wait, found.hint)
  if (isLate(wait)) return late(wait)
  took(wait)
  return found._tag === "Reported" ? onFinding(wait, found.finding, found.run) : onFinding(wait, found, undefined)
}

/** A typed error is a poll error; a defect or an interruption inside the check ends the wait with its own cause. */
const onLookBroke = (wait: Wait, cause: Cause.Cause<unknown>): Command => {
  if (!cause.reasons.every(Cause.isFailReason)) return end(wait, Exit.failCause(cause))
  if (isLate(wait)) return late(wait)
  took(wait)
  return onPollError(wait, Cause.squash(cause))
}

/** Whether an answer came after the deadline, to a look that was made before it. */
const isLate = (wait: Wait): boolean => wait.setting.time.now > wait.deadlineAt && wait.lookStarted <= wait.deadlineAt

const onOverdue = (wait: Wait): Command => {
  switch (wait.phase) {
    case "looking":
      return wait.setting.time.now >= wait.deadlineAt && wait.lookStarted <= wait.deadlineAt
        ? late(wait)
        : onPollError(
            wait,
            new PollError.LookTimeout({ lookTimeout: Duration.millis(wait.setting.policy.lookTimeout) })
          )
    case "gating":
      return late(wait)
    case "stepping":
      return timeout(wait, boundedBy(wait))
    case "canceling":
      return onCancelAsked(wait)
    default:
      return "continue"
  }
}

/** The deadline passed during a look: the end, unless the machine was suspended meanwhile. */
const late = (wait: Wait): Command => {
  if (wasSuspended(wait, wait.nextAt)) {
    if (wait.rare.retries > 0) wait.rare.retries = 0
    return approach(wait)
  }
  return timeout(wait, boundedBy(wait))
}

const took = (wait: Wait): void => {
  wait.took1 = wait.took2
  wait.took2 = wait.took3
  wait.took3 = wait.setting.time.now - wait.lookStarted
}

const onHint = (wait: Wait, hint: Look.Hint): void => {
  const { maxHint } = wait.setting.policy
  if (hint === "unreadable") {
    rare(wait).hintsUnreadable++
    return
  }
  const millis = Duration.toMillis(hint)
  if (!(millis > 0)) return
  if (millis > maxHint) rare(wait).hintsClamped++
  wait.floorAt = Math.ceil(wait.setting.time.now + Math.min(millis, maxHint))
}

// -- what a look found --

const onFinding = (wait: Wait, finding: Look.Finding<unknown, unknown>, run: Look.Run | undefined): Command => {
  if (wait.rare.retries > 0) wait.rare.retries = 0
  if (wait.rare.errorsInRow > 0) wait.rare.errorsInRow = 0
  if (finding._tag === "Missing") return onMissing(wait)
  const earlier = isEarlierRun(wait.setting.policy.since, run)
  if (finding._tag === "Unlisted" && !earlier) return onUnlisted(wait, finding.word)
  if (wait.rare.unlistedInRow > 0) wait.rare.unlistedInRow = 0
  return onStatus(wait, earlier ? asPending(finding) : (finding as Status.Status<unknown, unknown>))
}

const onStatus = (wait: Wait, status: Status.Status<unknown, unknown>): Command => {
  const { setting, status: before } = wait
  const changed = before === undefined || !sameStatus(before, status)
  if (changed) {
    wait.status = status
    wait.changedAt = setting.time.now
    if (wait.rare.stallReported) wait.rare.stallReported = false
  }
  if (wait.history !== undefined) history.addStatus(wait.history, wait.status!, elapsed(wait))
  if (changed) setting.emit(wait, { _tag: "Observed", attempt: wait.attempts, status })
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
  wait.reason = reason
  if (wait.rare.wokenMeanwhile !== undefined && wait.attempts < maxAttempts(wait)) return onWokenMeanwhile(wait)
  if (wait.rare.lastLook) return timeout(wait, boundedBy(wait))
  if (wait.strategySteps++ === 0) wait.strategyStarted = now
  return stepBy(wait, setting.policy.strategy, wait.strategySteps, now - wait.strategyStarted)
}

/** Somebody asked for a look while none could be made. */
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

const onUnlisted = (wait: Wait, word: string): Command => {
  const { duration, looks, treatAs } = wait.setting.policy.unknownStatus
  const { now } = wait.setting.time
  const own = rare(wait)
  const counts = (own.unlisted ??= new Map())
  if (counts.has(word) || counts.size < unlistedBound) counts.set(word, (counts.get(word) ?? 0) + 1)
  if (treatAs !== undefined) return onStatus(wait, Status.withState(treatAs(word), word))
  if (own.unlistedInRow++ === 0) own.unlistedSince = now
  if (own.unlistedInRow > looks || now - own.unlistedSince > duration) {
    remember(wait, `Unlisted ${word}`)
    return giveUp(wait, new PollError.UnknownStatus({ ...seen(wait), word }))
  }
  const last = wait.status
  return onStatus(wait, Status.pending({ state: word, detail: last?._tag === "Pending" ? last.detail : undefined }))
}

// -- looks that failed --

const onPollError = (wait: Wait, error: unknown): Command => {
  const { setting } = wait
  const { policy, time } = setting
  const { classify, retries } = policy.errors
  const kind = error instanceof PollError.LookTimeout ? PollError.transient() : classify(error)
  const own = rare(wait)
  own.pollError = error
  remember(wait, `poll error: ${nameOf(error)}`)
  if (kind._tag === "permanent") {
    setting.emit(wait, { _tag: "PollFailed", attempt: wait.attempts, error, inRow: own.errorsInRow + 1 })
    return giveUp(wait, new PollError.PollRejected({ ...seen(wait), error }))
  }
  if (kind.retryAfter !== undefined) onHint(wait, kind.retryAfter)
  if (retries !== undefined && !own.lastLook) {
    if (own.retries++ === 0) own.retriesStarted = time.now
    return stepBy(wait, retries, own.retries, time.now - own.retriesStarted)
  }
  return onLookFailed(wait)
}

const onLookFailed = (wait: Wait): Command => {
  const { setting } = wait
  const { policy, time } = setting
  const { delays, inAll, inRow, skipLook } = policy.errors
  const own = rare(wait)
  own.retries = 0
  if (own.errorsInRow++ === 0) own.errorsStarted = time.now
  own.errorsInAll++
  setting.emit(wait, { _tag: "PollFailed", attempt: wait.attempts, error: own.pollError, inRow: own.errorsInRow })
  if (own.errorsInAll > inAll) return exhausted(wait, "inAll", own.errorsInAll)
  if (own.errorsInRow > inRow) {
    if (!skipLook) return exhausted(wait, "inRow", own.errorsInRow)
    own.errorsInRow = 0
    return onPending(wait)
  }
  if (own.lastLook) return timeout(wait, boundedBy(wait))
  if (wait.attempts >= maxAttempts(wait) && own.gaveUp === undefined) return timeout(wait, "strategy")
  return stepBy(wait, delays, own.errorsInRow, time.now - own.errorsStarted)
}

const exhausted = (wait: Wait, budget: "inRow" | "inAll", errors: number): Command =>
  giveUp(wait, new PollError.PollErrorsExhausted({ ...seen(wait), error: wait.rare.pollError, budget, errors }))

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
const stepBy = (wait: Wait, stepper: Stepper, count: number, since: number): Command => {
  if (stepper.plan !== undefined) {
    return onDecided(wait, stepper, Strategy.next(stepper.plan, count, since, observe(wait), wait.setting.random))
  }
  wait.phase = "stepping"
  rare(wait).stepping = stepper
  rare(wait).stepCount = count
  wait.nextAt = wait.deadlineAt
  return "step"
}

const onStepped = (wait: Wait, exit: Exit.Exit<Strategy.Decision>): Command =>
  Exit.isFailure(exit) ? end(wait, exit) : onDecided(wait, wait.rare.stepping!, exit.value)

const onDecided = (wait: Wait, stepper: Stepper, decided: Strategy.Decision): Command => {
  const decision = decided === "end" ? decided : delayOf(wait, decided)
  const { errors, strategy } = wait.setting.policy
  const { now } = wait.setting.time
  if (stepper === strategy) {
    // A job that was asked to stop is watched on, whatever the strategy says.
    if (decision === "end" && wait.rare.gaveUp !== undefined) return sleepUntil(wait, now + leastGap, "strategy")
    return decision === "end" ? timeout(wait, "strategy") : sleepUntil(wait, now + decision, wait.reason)
  }
  if (stepper === errors.retries && wait.rare.retries > 0) {
    if (decision === "end") return onLookFailed(wait)
    wait.setting.emit(wait, { _tag: "PollFailed", attempt: wait.attempts, error: wait.rare.pollError, inRow: 0 })
    return sleepUntil(wait, now + decision, "retry")
  }
  if (decision === "end") return exhausted(wait, "inRow", wait.rare.errorsInRow)
  return sleepUntil(wait, now + Math.max(leastErrorDelay, decision), "pollError")
}

const delayOf = (wait: Wait, millis: number): number => {
  if (wait.rare.wokenMeanwhile !== undefined) {
    if (wait.rare.wokenMeanwhile === "forced") liftFloors(wait)
    return 0
  }
  return Number.isFinite(millis) ? Math.max(0, millis) : millis > 0 ? longestDelay : 0
}

// -- ends --

const timeout = (wait: Wait, reason: "deadline" | "strategy"): Command => {
  if (wait.rare.gaveUp !== undefined) return fail(wait, wait.rare.gaveUp)
  const error = new PollError.PollTimeout({
    ...seen(wait),
    reason,
    notBefore: wait.floorAt > wait.deadlineAt ? wait.setting.time.base + wait.floorAt : undefined
  })
  const { cancel, cancelGrace, onTimeout } = wait.setting.policy
  if (onTimeout === "leave" || cancel === undefined) return fail(wait, error)
  rare(wait).gaveUp = error
  wait.phase = "canceling"
  wait.nextAt = wait.setting.time.now + cancelGrace
  return "cancel"
}

/** The job was asked to stop: its true end is awaited for a while, then the timeout stands. */
const onCancelAsked = (wait: Wait): Command => {
  const { policy, time } = wait.setting
  const own = rare(wait)
  wait.deadlineAt = time.now + policy.cancelGrace
  own.lastLook = own.paused = false
  own.retries = 0
  return sleepUntil(wait, time.now, "woken")
}

/** Fails with an error that is no news of the job: after a timeout, that timeout stands. */
const giveUp = (wait: Wait, error: PollError.PollError<unknown, unknown>): Command =>
  fail(wait, wait.rare.gaveUp ?? error)

const fail = (wait: Wait, error: PollError.PollError<unknown, unknown>): Command => end(wait, Exit.fail(error))

const end = (wait: Wait, exit: Exit.Exit<unknown, unknown>): Command => {
  wait.phase = "ended"
  rare(wait).exit = exit
  wait.setting.emit(wait, {
    _tag: "Ended",
    attempts: wait.attempts,
    exit: exit as Exit.Exit<unknown, PollError.PollError<unknown, unknown>>
  })
  return "end"
}
