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
import { place } from "./place.ts"
import { receipt, restore } from "./token.ts"
import { advance, remember, seen, type Wait } from "./wait.ts"

// The rules of a wait, all of them and nowhere else: `step(wait, event, now)` changes the wait and says what the host
// has to do next. It is synchronous, knows no fiber and no timer, and never throws.

export const step = (wait: Wait, event: Event, clock: number): Command => {
  if (event._tag === "Started") return start(wait, clock)
  advance(wait, clock)
  switch (event._tag) {
    case "Due":
      return wait.phase === "waiting" ? onDue(wait) : "continue"
    case "Gated":
      return wait.phase === "gating" ? onGated(wait, event.exit) : "continue"
    case "Looked":
      return wait.phase === "looking" ? onLooked(wait, event.look) : "continue"
    case "LookFailed":
      return wait.phase === "looking" ? onLookBroke(wait, event.cause) : "continue"
    case "Overdue":
      return wait.now >= wait.lookBy ? onOverdue(wait) : "continue"
    case "Stepped":
      return wait.phase === "stepping" ? onStepped(wait, event.exit) : "continue"
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
export const observe = (wait: Wait): Observation => ({
  key: wait.policy.key,
  attempt: wait.attempts,
  elapsed: wait.now,
  remaining: wait.deadlineAt - wait.now,
  sinceChange: wait.now - wait.changedAt,
  status: wait.status !== undefined && wait.status._tag === "Pending" ? wait.status : noStatus
})

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

const start = (wait: Wait, clock: number): Command => {
  if (!wait.resumed) restore(wait, receipt(wait.policy, clock))
  advance(wait, clock)
  const { deadlineAt } = wait
  wait.emit({ _tag: "Started", deadlineAt: Number.isFinite(deadlineAt) ? wait.base + deadlineAt : "unbounded" })
  // A wait that is resumed after its deadline was asleep, not slow: it has one look, if the server allows it.
  if (wait.floorAt <= wait.now && (wait.now > deadlineAt || wait.dueAt <= wait.now)) return approach(wait)
  return sleepUntil(wait, wait.dueAt, wait.attempts === 0 ? "firstWait" : "strategy")
}

// -- sleeping --

const sleepUntil = (wait: Wait, at: number, wanted: WaitReason): Command => {
  const { deadlineAt, floorAt, gatedUntil, now } = wait
  const [first, second, third] = wait.took
  const estimate = Math.max(first, second, third)
  const { dueAt, last, reason } = place({ now, at, floorAt, gatedUntil, deadlineAt, estimate }, wanted)
  wait.lastLook ||= last
  return sleep(wait, dueAt, reason)
}

const sleep = (wait: Wait, dueAt: number, reason: WaitReason): Command => {
  wait.phase = "waiting"
  wait.dueAt = dueAt
  wait.alarmAt = wait.paused ? wait.deadlineAt : dueAt
  wait.slept = wait.alarmAt - wait.now
  wait.reason = reason
  if (!wait.everything) return "sleep"
  wait.emit({
    _tag: "Waiting",
    delay: Duration.millis(wait.slept),
    reason: wait.paused ? "paused" : reason,
    gate: reason === "gate" && !wait.paused ? wait.gatedBy : undefined
  })
  return "sleep"
}

const onDue = (wait: Wait): Command => {
  if (wait.now < wait.alarmAt) return "sleep"
  if (wait.paused || wait.reason === "deadline") return timeout(wait, wait.boundedBy)
  if (wait.now > wait.deadlineAt && !wasSuspended(wait, wait.dueAt)) return timeout(wait, wait.boundedBy)
  return approach(wait)
}

/** Whether so much time has passed since `expected` that the machine must have been suspended, not just late. */
const wasSuspended = (wait: Wait, expected: number): boolean => wait.now - expected > Math.max(leastGap, 2 * wait.slept)

// -- being woken and paused --

const onWoken = (wait: Wait, force: boolean): Command => {
  if (wait.phase !== "waiting") {
    if (wait.wokenMeanwhile !== "forced") wait.wokenMeanwhile = force ? "forced" : "woken"
    return "continue"
  }
  if (wait.now > wait.deadlineAt) return "continue"
  if (force) wait.floorAt = wait.gatedUntil = 0
  const earliest = Math.max(wait.now, wait.floorAt, wait.gatedUntil)
  if (wait.paused || earliest >= wait.dueAt) return "continue"
  wait.lastLook = false
  if (force) return look(wait)
  return earliest === wait.now ? approach(wait) : sleepUntil(wait, earliest, "woken")
}

const onPaused = (wait: Wait): Command => {
  wait.paused = true
  return wait.phase === "waiting" ? sleep(wait, wait.dueAt, wait.reason) : "continue"
}

const onResumed = (wait: Wait): Command => {
  wait.paused = false
  if (wait.phase !== "waiting" || wait.now > wait.deadlineAt) return "continue"
  return wait.dueAt > wait.now ? sleep(wait, wait.dueAt, wait.reason) : approach(wait)
}

// -- the gate --

const approach = (wait: Wait): Command => {
  if (wait.policy.gate === undefined) return look(wait)
  wait.phase = "gating"
  wait.lookBy = bound(wait)
  return "gate"
}

const onGated = (wait: Wait, exit: Exit.Exit<Gate.Answer>): Command => {
  if (Exit.isFailure(exit)) return end(wait, exit)
  if (wait.now > wait.lookBy && !wasSuspended(wait, wait.lookBy)) return timeout(wait, wait.boundedBy)
  if (exit.value._tag === "open") return wait.paused ? sleep(wait, wait.now, "woken") : look(wait)
  wait.gatedUntil = Math.ceil(wait.now + Duration.toMillis(exit.value.until))
  wait.gatedBy = exit.value.why
  return sleepUntil(wait, wait.now, "gate")
}

// -- looking --

const look = (wait: Wait): Command => {
  if (wait.retries === 0) wait.attempts++
  wait.phase = "looking"
  wait.floorAt = wait.gatedUntil = 0
  wait.wokenMeanwhile = undefined
  wait.lookStarted = wait.now
  if (wait.now > wait.deadlineAt) wait.lastLook = true
  wait.lookBy = Math.min(bound(wait), Math.ceil(wait.now + wait.policy.lookTimeout))
  return "look"
}

/** A gate or a look is bounded by the deadline; beyond it (after a suspension), by a time of its own. */
const bound = (wait: Wait): number => (wait.now > wait.deadlineAt ? wait.now + longestLateLook : wait.deadlineAt)

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
const isLate = (wait: Wait): boolean => wait.now > wait.deadlineAt && wait.lookStarted <= wait.deadlineAt

const onOverdue = (wait: Wait): Command => {
  switch (wait.phase) {
    case "looking":
      return wait.now >= wait.deadlineAt && wait.lookStarted <= wait.deadlineAt
        ? late(wait)
        : onPollError(wait, new PollError.LookTimeout({ lookTimeout: Duration.millis(wait.policy.lookTimeout) }))
    case "gating":
      return late(wait)
    case "stepping":
      return timeout(wait, wait.boundedBy)
    case "canceling":
      return onCancelAsked(wait)
    default:
      return "continue"
  }
}

/** The deadline passed during a look: the end, unless the machine was suspended meanwhile. */
const late = (wait: Wait): Command => {
  if (wasSuspended(wait, wait.lookBy)) {
    wait.retries = 0
    return approach(wait)
  }
  return timeout(wait, wait.boundedBy)
}

const took = (wait: Wait): void => {
  wait.took[0] = wait.took[1]
  wait.took[1] = wait.took[2]
  wait.took[2] = wait.now - wait.lookStarted
}

const onHint = (wait: Wait, hint: Look.Hint): void => {
  if (hint === "unreadable") {
    wait.hintsUnreadable++
    return
  }
  const millis = Duration.toMillis(hint)
  if (!(millis > 0)) return
  if (millis > wait.policy.maxHint) wait.hintsClamped++
  wait.floorAt = Math.ceil(wait.now + Math.min(millis, wait.policy.maxHint))
}

// -- what a look found --

const onFinding = (wait: Wait, finding: Look.Finding<unknown, unknown>, run: Look.Run | undefined): Command => {
  wait.retries = 0
  wait.errorsInRow = 0
  if (finding._tag === "Missing") return onMissing(wait)
  const earlier = isEarlierRun(wait.policy.since, run)
  if (finding._tag === "Unlisted" && !earlier) return onUnlisted(wait, finding.word)
  wait.unlistedInRow = 0
  return onStatus(wait, earlier ? asPending(finding) : (finding as Status.Status<unknown, unknown>))
}

const onStatus = (wait: Wait, status: Status.Status<unknown, unknown>): Command => {
  const before = wait.status
  const changed = before === undefined || !sameStatus(before, status)
  if (changed) {
    wait.status = status
    wait.changedAt = wait.now
    wait.stallReported = false
    wait.statusText = Status.describe(status)
  }
  remember(wait, wait.statusText)
  if (changed) wait.emit({ _tag: "Observed", attempt: wait.attempts, status })
  else if (wait.everything) wait.emit({ _tag: "Unchanged", attempt: wait.attempts })
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
  const { stall } = wait.policy
  const unchanged = wait.now - wait.changedAt
  if (stall === undefined || wait.gaveUp !== undefined || unchanged < stall.after) return undefined
  if (stall.fail) return fail(wait, new PollError.JobStalled({ ...seen(wait), unchanged: Duration.millis(unchanged) }))
  if (!wait.stallReported) {
    wait.emit({ _tag: "Stalled", attempt: wait.attempts, unchanged: Duration.millis(unchanged) })
  }
  wait.stallReported = true
  return undefined
}

const onPending = (wait: Wait, reason: WaitReason = "strategy"): Command => {
  wait.reason = reason
  if (wait.wokenMeanwhile !== undefined && wait.attempts < maxAttempts(wait)) return onWokenMeanwhile(wait)
  if (wait.lastLook) return timeout(wait, wait.boundedBy)
  if (wait.strategySteps++ === 0) wait.strategyStarted = wait.now
  return stepBy(wait, wait.policy.strategy, wait.strategySteps, wait.now - wait.strategyStarted)
}

/** Somebody asked for a look while none could be made. */
const onWokenMeanwhile = (wait: Wait): Command => {
  if (wait.wokenMeanwhile === "forced") wait.floorAt = wait.gatedUntil = 0
  return sleepUntil(wait, wait.now, "woken")
}

const maxAttempts = (wait: Wait): number => wait.policy.strategy.plan?.maxAttempts ?? Number.POSITIVE_INFINITY

const onMissing = (wait: Wait): Command => {
  const { checkFallback, gone, grace, locate } = wait.policy.missing
  remember(wait, "Missing")
  if (wait.status === undefined && wait.now < grace) return onPending(wait, "missing")
  if (locate !== undefined && checkFallback !== undefined && wait.fallbackKey === undefined) {
    wait.fallbackKey = locate(wait.status)
    if (wait.fallbackKey !== undefined) {
      return wait.now > wait.deadlineAt ? approach(wait) : sleepUntil(wait, wait.now, "missing")
    }
  }
  return gone === undefined ? fail(wait, new PollError.JobNotFound(seen(wait))) : onStatus(wait, gone())
}

const onUnlisted = (wait: Wait, word: string): Command => {
  const { duration, looks, treatAs } = wait.policy.unknownStatus
  const counts = (wait.unlisted ??= new Map())
  if (counts.has(word) || counts.size < unlistedBound) counts.set(word, (counts.get(word) ?? 0) + 1)
  if (treatAs !== undefined) return onStatus(wait, Status.withState(treatAs(word), word))
  if (wait.unlistedInRow++ === 0) wait.unlistedSince = wait.now
  if (wait.unlistedInRow > looks || wait.now - wait.unlistedSince > duration) {
    remember(wait, `Unlisted ${word}`)
    return giveUp(wait, new PollError.UnknownStatus({ ...seen(wait), word }))
  }
  const last = wait.status
  return onStatus(wait, Status.pending({ state: word, detail: last?._tag === "Pending" ? last.detail : undefined }))
}

// -- looks that failed --

const onPollError = (wait: Wait, error: unknown): Command => {
  const { classify, retries } = wait.policy.errors
  const kind = error instanceof PollError.LookTimeout ? PollError.transient() : classify(error)
  wait.pollError = error
  remember(wait, `poll error: ${nameOf(error)}`)
  if (kind._tag === "permanent") {
    wait.emit({ _tag: "PollFailed", attempt: wait.attempts, error, inRow: wait.errorsInRow + 1 })
    return giveUp(wait, new PollError.PollRejected({ ...seen(wait), error }))
  }
  if (kind.retryAfter !== undefined) onHint(wait, kind.retryAfter)
  if (retries !== undefined && !wait.lastLook) {
    if (wait.retries++ === 0) wait.retriesStarted = wait.now
    return stepBy(wait, retries, wait.retries, wait.now - wait.retriesStarted)
  }
  return onLookFailed(wait)
}

const onLookFailed = (wait: Wait): Command => {
  const { delays, inAll, inRow, skipLook } = wait.policy.errors
  wait.retries = 0
  if (wait.errorsInRow++ === 0) wait.errorsStarted = wait.now
  wait.errorsInAll++
  wait.emit({ _tag: "PollFailed", attempt: wait.attempts, error: wait.pollError, inRow: wait.errorsInRow })
  if (wait.errorsInAll > inAll) return exhausted(wait, "inAll", wait.errorsInAll)
  if (wait.errorsInRow > inRow) {
    if (!skipLook) return exhausted(wait, "inRow", wait.errorsInRow)
    wait.errorsInRow = 0
    return onPending(wait)
  }
  if (wait.lastLook) return timeout(wait, wait.boundedBy)
  if (wait.attempts >= maxAttempts(wait) && wait.gaveUp === undefined) return timeout(wait, "strategy")
  return stepBy(wait, delays, wait.errorsInRow, wait.now - wait.errorsStarted)
}

const exhausted = (wait: Wait, which: "inRow" | "inAll", errors: number): Command =>
  giveUp(wait, new PollError.PollErrorsExhausted({ ...seen(wait), error: wait.pollError, budget: which, errors }))

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
const stepBy = (wait: Wait, stepper: Stepper, count: number, elapsed: number): Command => {
  if (stepper.plan !== undefined) {
    return onDecided(wait, stepper, Strategy.next(stepper.plan, count, elapsed, observe(wait), wait.random))
  }
  wait.phase = "stepping"
  wait.stepping = stepper
  wait.stepCount = count
  wait.lookBy = wait.deadlineAt
  return "step"
}

const onStepped = (wait: Wait, exit: Exit.Exit<Strategy.Decision>): Command =>
  Exit.isFailure(exit) ? end(wait, exit) : onDecided(wait, wait.stepping!, exit.value)

const onDecided = (wait: Wait, stepper: Stepper, decided: Strategy.Decision): Command => {
  const decision = decided === "end" ? decided : delayOf(wait, decided)
  const { errors, strategy } = wait.policy
  if (stepper === strategy) {
    // A job that was asked to stop is watched on, whatever the strategy says.
    if (decision === "end" && wait.gaveUp !== undefined) return sleepUntil(wait, wait.now + leastGap, "strategy")
    return decision === "end" ? timeout(wait, "strategy") : sleepUntil(wait, wait.now + decision, wait.reason)
  }
  if (stepper === errors.retries && wait.retries > 0) {
    if (decision === "end") return onLookFailed(wait)
    wait.emit({ _tag: "PollFailed", attempt: wait.attempts, error: wait.pollError, inRow: 0 })
    return sleepUntil(wait, wait.now + decision, "retry")
  }
  if (decision === "end") return exhausted(wait, "inRow", wait.errorsInRow)
  return sleepUntil(wait, wait.now + Math.max(leastErrorDelay, decision), "pollError")
}

const delayOf = (wait: Wait, millis: number): number => {
  if (wait.wokenMeanwhile !== undefined) {
    if (wait.wokenMeanwhile === "forced") wait.floorAt = wait.gatedUntil = 0
    return 0
  }
  return Number.isFinite(millis) ? Math.max(0, millis) : millis > 0 ? longestDelay : 0
}

// -- ends --

const timeout = (wait: Wait, reason: "deadline" | "strategy"): Command => {
  if (wait.gaveUp !== undefined) return fail(wait, wait.gaveUp)
  const error = new PollError.PollTimeout({
    ...seen(wait),
    reason,
    notBefore: wait.floorAt > wait.deadlineAt ? wait.base + wait.floorAt : undefined
  })
  const { cancel, cancelGrace, onTimeout } = wait.policy
  if (onTimeout === "leave" || cancel === undefined) return fail(wait, error)
  wait.gaveUp = error
  wait.phase = "canceling"
  wait.lookBy = wait.now + cancelGrace
  return "cancel"
}

/** The job was asked to stop: its true end is awaited for a while, then the timeout stands. */
const onCancelAsked = (wait: Wait): Command => {
  wait.deadlineAt = wait.now + wait.policy.cancelGrace
  wait.lastLook = wait.paused = false
  wait.retries = 0
  return sleepUntil(wait, wait.now, "woken")
}

/** Fails with an error that is no news of the job: after a timeout, that timeout stands. */
const giveUp = (wait: Wait, error: PollError.PollError<unknown, unknown>): Command => fail(wait, wait.gaveUp ?? error)

const fail = (wait: Wait, error: PollError.PollError<unknown, unknown>): Command => end(wait, Exit.fail(error))

const end = (wait: Wait, exit: Exit.Exit<unknown, unknown>): Command => {
  wait.phase = "ended"
  wait.exit = exit
  wait.emit({
    _tag: "Ended",
    attempts: wait.attempts,
    exit: exit as Exit.Exit<unknown, PollError.PollError<unknown, unknown>>
  })
  return "end"
}
