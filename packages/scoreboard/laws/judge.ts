// What follows from the outcome of a check. Part of the reference: see reference.ts.
import {
  countIn,
  details,
  emit,
  endRows,
  errorPolicy,
  isInGrace,
  type Known,
  type Life,
  lineOf,
  type Row,
  tagOf
} from "./life.ts"
import { type Next, isLast, liftForced, pace, paceErrors, place, retryDelay } from "./pace.ts"
import type { Answer, Limit, Source, Terminal } from "./world.ts"

/** Handles the outcome of a check, whose request may have its own hint. A check that times out is transient. */
export const judge = (
  life: Life,
  asked: Source,
  answer: Answer,
  ofRequest?: number,
  name: string = answer.is
): Next => {
  // The longer one counts for both, since they came with one answer.
  const own = answer.hint === "unreadable" ? ofRequest : Math.max(answer.hint ?? 0, ofRequest ?? 0)
  if (own !== undefined) hint(life, own)
  else if (answer.hint === "unreadable") hint(life, answer.hint)
  if (answer.is === "transient" || answer.is === "throttled") {
    if (answer.retryAfter !== undefined) hint(life, answer.retryAfter)
    life.lastError = name
    return answer.is === "transient"
      ? transient(life)
      : throttled(
          life,
          [answer.retryAfter, ofRequest].some((delay) => typeof delay === "number")
        )
  }
  if (answer.is === "permanent") {
    life.lastError = answer.is
    return permanent(life)
  }
  // The cursor of the other source does not apply to this one.
  if (answer.cursor !== undefined && asked !== "confirm") life.cursor = answer.cursor
  life.retries = 0
  if (!life.wrong.has("errors before an answer are remembered")) life.lastError = undefined
  if (asked === "confirm") return confirmed(life, answer)
  if (answer.is === "missing") return missing(life, answer.times)
  if (isEarlier(life, answer)) {
    endRows(life)
    return pending(life, { tag: "Pending", state: "EARLIER RUN", progress: undefined, action: undefined })
  }
  switch (answer.is) {
    case "unknown":
      return unknown(life, answer.word)
    case "lacking":
      return lacking(life)
    case "pending":
      endRows(life)
      return pending(life, { tag: "Pending", state: answer.state, progress: answer.progress, action: answer.action })
    default:
      endRows(life)
      return ended(life, answer.is as Terminal, undefined)
  }
}

/** Whether an answer is about an earlier run than the one that is waited for. */
const isEarlier = ({ world, wrong }: Life, answer: Answer): boolean => {
  const { since } = world.options
  const { generation } = answer as { readonly generation?: number }
  return (
    since !== undefined && generation !== undefined && generation < since && !wrong.has("runs are not distinguished")
  )
}

/** A delay that the server asks for. */
export const hint = (life: Life, delay: number | "unreadable"): void => {
  if (delay === "unreadable") return void life.unreadable++
  if (delay <= 0) return
  const { maxHint = 3_600_000 } = life.world.options
  if (delay > maxHint) life.clamped++
  life.floorAt = Math.max(life.floorAt, Math.ceil(life.now + Math.min(delay, maxHint)))
}

export const error = (life: Life, tag: string, more?: Readonly<Record<string, unknown>>): Next => ({
  go: "end",
  tag,
  fields: details(life, more)
})

/** Errors that say nothing about the job: a timeout that is held back takes precedence. */
const noNews = (life: Life, tag: string, more?: Readonly<Record<string, unknown>>): Next =>
  life.grace === undefined ? error(life, tag, more) : { go: "timeout" }

// ---- statuses ----

const resetHold = (life: Life): void => {
  if (!life.wrong.has("holds are not reset")) life.hold = undefined
}

/** Records the status that a check found. */
const found = (life: Life, status: Known): void => {
  const before = life.status
  const same =
    before !== undefined &&
    before.tag === status.tag &&
    (status.tag !== "Pending" ||
      (before.state === status.state && before.progress === status.progress && before.action === status.action))
  if (life.stateOver || before?.tag !== status.tag || before.state !== status.state) life.stateSince = life.now
  life.stateOver = false
  life.status = status
  if (!same) {
    life.changedAt = life.now
    life.stallReported = false
  }
  emit(life, same ? `Unchanged #${life.attempts}` : `Changed #${life.attempts} ${lineOf(status)}`)
}

const pending = (life: Life, status: Known): Next => {
  resetHold(life)
  found(life, status)
  return acts(life, status.action) ?? stalls(life) ?? pace(life, "strategy")
}

/** Handles a status with an action. */
const acts = (life: Life, id: string | undefined): Next | undefined => {
  const { onAction = "report" } = life.world.options
  if (life.handler !== undefined && life.handler.id !== id) life.handler = undefined
  if (id === undefined) {
    forgetAction(life)
    return undefined
  }
  if (life.asked === id) return undefined
  if (!life.wrong.has("actions are handled again")) life.asked = id
  emit(life, `ActionRequired #${life.attempts} ${id}`)
  // A canceled job is watched for its end.
  if (onAction === "fail") return life.grace === undefined ? error(life, "ActionRequired", { action: id }) : undefined
  if (onAction !== "report") life.handler = { id, endsAt: life.now + onAction.takes }
  return undefined
}

/** The next action is a new one, whatever its id. */
const forgetAction = (life: Life): void => {
  life.asked = undefined
  life.rechecked = false
}

const stalls = (life: Life): Next | undefined => {
  const { stall } = life.world.options
  const unchanged = life.now - life.changedAt
  if (stall === undefined || life.grace !== undefined || unchanged < stall.after) return undefined
  if (!stall.report) return error(life, "JobStalled", { unchangedFor: unchanged })
  if (!life.stallReported) emit(life, `Stalled #${life.attempts} ${unchanged}`)
  life.stallReported = true
  return undefined
}

/** Handles an end, which may have to hold first. */
const ended = (life: Life, is: Terminal, state: string | undefined): Next => {
  const { confirm } = life.world.options
  const tag = tagOf[is]
  const must = is === "succeeded" ? confirm?.success : confirm?.failure
  life.handler = undefined
  forgetAction(life)
  found(life, { tag, state, progress: undefined, action: undefined })
  if (life.hold === undefined || (life.hold.tag !== tag && !life.wrong.has("ends are all alike")))
    life.hold = { tag, sightings: 0, since: life.now, asksOther: false, until: undefined }
  const { hold } = life
  hold.sightings++
  if (holds(life, must, hold)) {
    if (confirm?.check !== true || life.wrong.has("no other source confirms")) return ending(life, tag)
    hold.asksOther = true
    emit(life, confirming(life))
    liftForced(life)
    return place(life, life.now, "strategy")
  }
  emit(life, confirming(life))
  hold.until = must !== undefined && "for" in must ? hold.since + must.for : undefined
  return pace(life, "strategy")
}

const confirming = (life: Life): string =>
  `Confirming #${life.attempts} ${life.hold!.tag} ${life.hold!.sightings} times for ${life.now - life.hold!.since}`

const holds = (
  life: Life,
  must: Limit | undefined,
  hold: { readonly sightings: number; readonly since: number }
): boolean => {
  if (must === undefined || life.wrong.has("ends need not hold")) return true
  return "times" in must ? hold.sightings >= must.times : life.now - hold.since >= must.for
}

/** Handles the answer of the other source about an end. */
const confirmed = (life: Life, answer: Answer): Next => {
  endRows(life)
  const hold = life.hold!
  if (tagOf[answer.is as Terminal] === hold.tag && !isEarlier(life, answer)) {
    found(life, { tag: hold.tag, state: undefined, progress: undefined, action: undefined })
    return ending(life, hold.tag)
  }
  life.hold = undefined
  return pace(life, "strategy")
}

const ending = (life: Life, tag: Known["tag"]): Next =>
  tag === "Succeeded" ? { go: "end", tag, fields: "" } : error(life, `Job${tag}`)

// ---- other answers ----

const missing = (life: Life, leastTimes: number): Next => {
  const { fallback, gone, times = 1 } = life.world.options.missing ?? {}
  endRows(life, "missing", "unknown")
  const row = countIn(life, "missing")
  const isGone = !isInGrace(life) && row.count >= Math.max(times, leastTimes)
  if (!isGone) {
    resetHold(life)
    return pace(life, "missing")
  }
  const located = fallbackKey(life, fallback)
  if (located !== undefined && life.source === "own") {
    life.source = "fallback"
    life.fallbackKey = located
    life.cursor = undefined
    row.count = 0
    resetHold(life)
    return place(life, life.now, "missing")
  }
  if (gone === undefined) return error(life, "JobNotFound")
  return gone === "pending"
    ? pending(life, { tag: "Pending", state: "GONE", progress: undefined, action: undefined })
    : ended(life, gone, undefined)
}

const fallbackKey = ({ status }: Life, fallback: "has" | "byState" | "lacks" | undefined): string | undefined => {
  if (fallback === "has") return "old"
  return fallback === "byState" && status !== undefined ? `old-${lineOf(status)}` : undefined
}

const unknown = (life: Life, word: string): Next => {
  const policy = life.world.options.unknownState
  life.unknownWords.set(word, (life.unknownWords.get(word) ?? 0) + 1)
  if (typeof policy === "object" && "treatAs" in policy) {
    endRows(life)
    return policy.treatAs === "pending"
      ? pending(life, { tag: "Pending", state: word, progress: undefined, action: undefined })
      : ended(life, policy.treatAs, word)
  }
  endRows(life, "unknown")
  const row = countIn(life, "unknown")
  const times =
    policy === "fail" ? 0 : typeof policy === "object" && "times" in policy ? policy.times : Number.POSITIVE_INFINITY
  const millis = typeof policy === "object" && "for" in policy ? policy.for : Number.POSITIVE_INFINITY
  if (row.count > times || life.now - row.since > millis) return noNews(life, "UnknownState", { state: word })
  return pending(life, { tag: "Pending", state: word, progress: undefined, action: undefined })
}

/** An end without its result is checked again, up to three times in a row. */
const lacking = (life: Life): Next => {
  resetHold(life)
  life.stateOver = true
  endRows(life, "lacking")
  life.lackingEnd = true
  const row = countIn(life, "lacking")
  const most = life.wrong.has("one more check for a result") ? 4 : 3
  return row.count > most ? withoutResult(life) : paceErrors(life, row, "resultMissing", () => withoutResult(life))
}

export const withoutResult = (life: Life): Next => error(life, "ResultMissing", { state: "DONE" })

// ---- failed checks ----

const failed = (life: Life, kind: string, consecutive: number): void =>
  emit(life, `CheckFailed #${life.attempts} ${kind} ${life.lastError!} ${consecutive} in a row`)

/** A transient error: a retry within the check, or a failed check. */
const transient = (life: Life): Next => {
  const { retry } = errorPolicy(life)
  if (retry === undefined || isLast(life)) return failedCheck(life)
  if (life.retries++ === 0) life.retriesSince = life.now
  const delay = retryDelay(life, retry)
  if (delay === "end") return failedCheck(life)
  failed(life, "Transient", 0)
  return place(life, life.now + delay, "retry")
}

const failedCheck = (life: Life): Next => {
  const policy = errorPolicy(life)
  const { maxTotal = "unbounded", skip } = policy
  life.retries = 0
  life.totalErrors++
  const row = countIn(life, "errors")
  failed(life, "Transient", row.count)
  const isOver = isTooMuch(life, row)
  if (isOver && !skip) return exhausted(life, "maxConsecutive", row.count, row)
  if (maxTotal !== "unbounded" && life.totalErrors > maxTotal) return exhausted(life, "maxTotal", life.totalErrors, row)
  if (isOver) {
    row.count = 0
    return pace(life, "strategy")
  }
  return paceErrors(life, row, "checkError", () => exhausted(life, "maxConsecutive", row.count, row))
}

/** Both the number of failed checks in a row and the time since the first must be exceeded. */
const isTooMuch = (life: Life, row: Row): boolean => {
  const { maxConsecutive = 5, maxOutage = outageOf(life) } = errorPolicy(life)
  const many = maxConsecutive !== "unbounded" && row.count > maxConsecutive
  const long = maxOutage !== "unbounded" && life.now - row.since >= maxOutage
  return life.wrong.has("an outage counts by number alone") ? many : many && long
}

const outageOf = (life: Life): number => {
  if (errorPolicy(life).maxConsecutive !== undefined) return 0
  const { deadline, strategy } = life.world.options
  const whole = Math.min(
    deadline === "unbounded" ? Number.POSITIVE_INFINITY : deadline,
    strategy.maxDuration ?? Number.POSITIVE_INFINITY
  )
  // A canceled job is watched until then.
  const bound = life.grace?.until ?? whole
  return Math.min(600_000, Math.max(30_000, bound / 10))
}

/** The server asks for fewer requests: no failed check, and never retried within its attempt. */
const throttled = (life: Life, isHinted: boolean): Next => {
  const { maxThrottled } = errorPolicy(life)
  life.retries = 0
  const row = countIn(life, "throttled")
  failed(life, "Throttled", life.rows.errors.count)
  const byDefault = life.world.options.deadline === "unbounded" ? 86_400_000 : "unbounded"
  const most = maxThrottled ?? byDefault
  if (most !== "unbounded" && life.now - row.since >= most) return exhausted(life, "maxThrottled", row.count, row)
  const counted = life.wrong.has("throttled checks are failed checks") ? countIn(life, "errors") : row
  return paceErrors(life, isHinted ? { count: 1, since: life.now } : counted, "throttled", () => ({ go: "timeout" }))
}

const permanent = (life: Life): Next => {
  const { rejectAfter } = errorPolicy(life)
  life.retries = 0
  const row = countIn(life, "rejected")
  failed(life, "Permanent", life.rows.errors.count + row.count)
  if (isInGrace(life)) return pace(life, "missing")
  const reject = () => noNews(life, "CheckRejected")
  const times = rejectAfter === undefined ? 1 : "times" in rejectAfter ? rejectAfter.times : Number.POSITIVE_INFINITY
  const millis = rejectAfter !== undefined && "for" in rejectAfter ? rejectAfter.for : Number.POSITIVE_INFINITY
  if (row.count >= times || life.now - row.since >= millis) return reject()
  return paceErrors(life, row, "rejected", reject)
}

const exhausted = (life: Life, budget: string, errorCount: number, row: Row): Next =>
  noNews(life, "CheckErrorsExhausted", { budget, errorCount, outage: life.now - row.since })
