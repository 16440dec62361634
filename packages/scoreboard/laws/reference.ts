// A wait by the rules (docs/rules.md): a plain simulation, one instant after the other. It is slow and simple. It shares
// no code with the machine, and is written from the documentation.
import { error, hint, judge, withoutResult } from "./judge.ts"
import { begin, type Bound, boundOf, emit, type Life, lineOf, type Mode, type Span } from "./life.ts"
import { gapEnd, liftForced, type Next, place, soonest } from "./pace.ts"
import { checkLine, type Ending, type Trace } from "./trace.ts"
import { type Act, answerAt, lacksAt, type Source, type World } from "./world.ts"

export interface Simulated extends Trace {
  /** Whether two events happened at the same instant, in an order that no rule defines. */
  readonly tie: boolean
  /** The periods in which nothing happened. */
  readonly spans: ReadonlyArray<Span>
}

/** Simulates a wait, in one of the two ways to check, with or without what happens from outside. */
export const simulate = (
  world: World,
  mode: Mode,
  acts: ReadonlyArray<Act>,
  wrong: ReadonlySet<string> = none
): Simulated => {
  const life = begin(world, mode, wrong)
  const agenda = acts.toSorted((a, b) => a.at - b.at)
  let next: Next = place(life, world.options.strategy.firstWait, "firstWait")
  let ending: Ending | undefined
  while (ending === undefined && life.checks.length < mostChecks) {
    if (next.go === "end") ending = finish(life, next.tag, next.fields)
    else if (next.go === "timeout") next = timeOut(life, agenda, next.by)
    else next = sleep(life, next, agenda) ?? check(life, agenda)
  }
  const { cancels, checks, events, spans, tie } = life
  return { cancels, checks, ending, events, spans, tie }
}

// ---- internal ----

/** A wait without an end is cut here. */
const mostChecks = 150

const none: ReadonlySet<string> = new Set()

const finish = (life: Life, tag: string, fields: string): Ending => {
  emit(life, `Ended ${tag} #${life.attempts}`)
  return { at: life.now, tag, attempts: life.attempts, fields }
}

// -- the end of the time --

const timeOut = (life: Life, agenda: Array<Act>, by: "strategy" | undefined): Next => {
  const { onTimeout } = life.world.options
  // An end without its result takes precedence over the timeout.
  if (life.lackingEnd) return withoutResult(life)
  if (life.grace !== undefined) return timedOut(life, life.grace.bound, life.grace.outcome)
  const bound: Bound = by === undefined ? boundOf(life) : { at: boundOf(life).at, reason: by }
  return onTimeout === "leave" ? timedOut(life, bound, undefined) : cancel(life, agenda, bound)
}

const timedOut = (life: Life, bound: Bound, cancel: string | undefined): Next => {
  const { limit, reason, state } = bound
  const at = boundOf(life).at
  const unconfirmed = life.hold?.tag
  return error(life, "PollTimeout", {
    reason,
    state,
    limit,
    unconfirmed,
    cancel,
    floorAt: life.floorAt > at ? life.floorAt : undefined
  })
}

/** Asks the server to cancel the job, then watches it for its true end. */
const cancel = (life: Life, agenda: Array<Act>, bound: Bound): Next => {
  const { cancelTimeout = 10_000 } = life.world.options
  const { accepted, takes } = life.world.server.cancel
  life.cancels.push(`${life.now}`)
  emit(life, "CancelRequested timeout")
  const asked = life.now
  const answers = takes === "hung" || takes > cancelTimeout ? cancelTimeout : takes
  span(life, asked, asked + answers, "cancels")
  life.now = asked + answers
  // Outside events have no effect meanwhile.
  while (agenda[0] !== undefined && agenda[0].at <= life.now) agenda.shift()
  // A handler that ends meanwhile requests the check that follows in any case.
  if (life.handler?.endsAt === life.now) life.tie = true
  if (life.handler !== undefined && life.handler.endsAt <= life.now) life.handler = undefined
  const outcome = takes === "hung" || takes > cancelTimeout ? "timedOut" : accepted ? "accepted" : "refused"
  if (outcome === "accepted") life.canceledAt = life.now
  const words = outcome === "refused" ? "refused because refused" : outcome
  emit(life, `CancelAnswered timeout ${words}`)
  life.grace = { bound, until: life.now + cancelTimeout, outcome: words }
  life.lastFor = undefined
  life.retries = 0
  life.paused = false
  return place(life, life.now, "requested")
}

// -- sleeping --

type Planned = Extract<Next, { go: "check" }>

/** Sleeps until a check is due; yields what follows if no check does. */
const sleep = (life: Life, planned: Planned, agenda: Array<Act>): Next | undefined => {
  let next = planned
  let from = announce(life, next)
  for (;;) {
    const until = life.paused ? boundOf(life).at : next.at
    const handling = life.handler !== undefined
    const act = nextAct(life, agenda, until)
    span(life, from, act?.at ?? until, "sleeps", handling)
    if (act === undefined) {
      life.now = Math.max(life.now, until)
      if (next.reason !== "requested") life.rechecked = false
      return life.paused || !next.fits ? { go: "timeout" } : undefined
    }
    from = life.now = act.at
    if (act.does === "pause" || act.does === "unpause") {
      if (act.does === "unpause" && !life.paused) continue
      life.paused = act.does === "pause"
      announce(life, next)
      continue
    }
    const woken = wake(life, next, act.does === "force")
    if (woken === undefined) continue
    next = woken
    announce(life, next)
  }
}

const announce = (life: Life, { at, reason }: Planned): number => {
  const delay = (life.paused ? boundOf(life).at : at) - life.now
  if (delay > 0) emit(life, `Waiting ${delay} ${life.paused ? "paused" : reason}`)
  return life.now
}

/** A check is requested: it follows as soon as the server and the minimum interval allow. */
const wake = (life: Life, next: Planned, force: boolean): Planned | undefined => {
  if (force) life.floorAt = 0
  const earliest = Math.max(soonest(life), life.floorAt, gapEnd(life))
  if (life.paused || earliest >= next.at) return undefined
  life.lastFor = undefined
  if (earliest === life.now) return { go: "check", at: life.now, reason: "requested", fits: true }
  return place(life, Math.max(soonest(life), life.floorAt), "requested") as Planned
}

/** Removes and returns the next outside event before a time. */
const nextAct = (life: Life, agenda: Array<Act>, before: number): Act | undefined => {
  const { handler } = life
  const act = agenda[0]
  const handled = handler !== undefined && handler.endsAt < (act?.at ?? Number.POSITIVE_INFINITY)
  const at = handled ? handler.endsAt : act?.at
  if (at === undefined || at > before) return undefined
  if (at === before || at === life.now || (handler !== undefined && act?.at === handler.endsAt)) life.tie = true
  if (!handled) return agenda.shift()
  life.handler = undefined
  const { rechecked } = life
  life.rechecked = true
  // Of several handlers in a row that end before a check is due, only the first requests one.
  return rechecked ? nextAct(life, agenda, before) : { at, does: "checkNow" }
}

// -- checking --

const check = (life: Life, agenda: Array<Act>): Next => {
  const { world } = life
  const { checkTimeout = 60_000 } = world.options
  const asked: Source = life.hold?.asksOther === true ? "confirm" : life.source
  const isRequest = life.mode === "many" && asked === "own" && !life.alone
  if (life.retries === 0 && !life.alone) life.attempts++
  let started = (life.lastStart = life.now)
  life.floorAt = 0
  life.requested = "no"
  const bound = boundOf(life).at
  if (started >= bound) life.lastFor = bound
  record(
    life,
    isRequest ? "many" : life.alone ? "own alone" : asked === "fallback" ? `fallback ${life.fallbackKey}` : asked
  )
  const lacks = isRequest && lacksAt(world.server, started)
  let answer = answerAt(world.server, asked, started, life.canceledAt)
  let arrives = started + (answer.is === "hung" ? Number.POSITIVE_INFINITY : answer.takes)
  const limit = checkTimeout === "unbounded" ? Number.POSITIVE_INFINITY : checkTimeout
  let timesOut = started + limit
  let ends = Math.min(bound, timesOut)
  span(life, started, Math.min(arrives, ends), "checks")
  // A permanent error of the whole request may be about one key: each is checked alone.
  const splits = isRequest && !lacks && answer.is === "permanent" && world.server.many.failsWhole
  if (arrives <= ends && (splits || lacks)) {
    await_(life, agenda, arrives)
    const after = splits ? undefined : world.server.many.lackingHint
    if (after !== undefined || life.paused || (world.options.minInterval ?? 0) > 0)
      return unanswered(life, started, after ?? 0)
    // The attempt is completed by a check alone, at once, with a time limit of its own.
    measure(life, started)
    // So near the deadline, it is the last check as any other would be.
    place(life, life.now, "serverHint")
    started = life.lastStart = life.now
    // It is the check that was requested during the request.
    life.requested = "no"
    timesOut = started + limit
    ends = Math.min(bound, timesOut)
    record(life, "own alone")
    answer = answerAt(world.server, "own", life.now, life.canceledAt)
    arrives = life.now + (answer.is === "hung" ? Number.POSITIVE_INFINITY : answer.takes)
  }
  await_(life, agenda, Math.min(arrives, ends))
  life.alone = false
  if (arrives <= ends) {
    measure(life, started)
    const isFailed = answer.is === "transient" || answer.is === "throttled" || answer.is === "permanent"
    const { failsWhole, hint: ofRequest } = world.server.many
    const isHinted = isRequest && !lacks && !(isFailed && failsWhole) && !splits
    return judge(life, asked, answer, isHinted ? ofRequest : undefined)
  }
  if (bound <= timesOut) return { go: "timeout" }
  return judge(life, asked, { is: "transient", takes: 0 }, undefined, "CheckTimeout")
}

/** The attempt is completed by a check alone, once the hint of the request has passed. */
const unanswered = (life: Life, started: number, after: number): Next => {
  measure(life, started)
  hint(life, after)
  life.alone = true
  liftForced(life)
  return place(life, life.now, "serverHint")
}

/** Notes how long a check or a request took that has been answered. */
const measure = (life: Life, started: number): void => {
  life.lastThree = [...life.lastThree, life.now - started].slice(-3)
}

const record = (life: Life, source: string, started = life.now): void => {
  const cursor = source === "confirm" ? undefined : life.cursor
  const given = { elapsed: started, last: life.status && lineOf(life.status), cursor }
  life.checks.push(checkLine(life.now, life.attempts, source, given))
}

/** A check is in flight until a time; outside events are remembered. */
const await_ = (life: Life, agenda: Array<Act>, until: number): void => {
  for (let act = nextAct(life, agenda, until); act !== undefined; act = nextAct(life, agenda, until)) {
    life.now = act.at
    if (act.does === "pause" || act.does === "unpause") life.paused = act.does === "pause"
    else if (life.requested !== "forced") life.requested = act.does === "force" ? "forced" : "yes"
  }
  life.now = until
}

const span = (
  life: Life,
  from: number,
  to: number,
  does: Span["does"],
  handling = life.handler !== undefined
): void => {
  if (to <= from) return
  const bound = boundOf(life)
  life.spans.push({
    from,
    to,
    does,
    paused: life.paused,
    inRow: Object.values(life.rows).some(({ count }) => count > 0) || life.retries > 0,
    inHold: life.hold !== undefined,
    atLimit: bound.reason === "state" && life.grace === undefined,
    throttled: life.rows.throttled.count > 0,
    inCancel: life.grace !== undefined || does === "cancels",
    handling
  })
}
