// When the next check of a simulated wait is. Part of the reference: see reference.ts.
import { delayOf } from "./delays.ts"
import { boundOf, defaultDelays, errorPolicy, estimate, type Life, type Row, seenBy } from "./life.ts"
import type { Plan } from "./world.ts"

/** What follows. */
export type Next =
  | {
      readonly go: "check"
      readonly at: number
      readonly reason: string
      /** Without a check that fits, the wait sleeps until its bound. */
      readonly fits: boolean
    }
  | { readonly go: "timeout"; readonly by?: "strategy" }
  | { readonly go: "end"; readonly tag: string; readonly fields: string }

/** Places a planned check: as the last one before the bound, or after the floor and the minimum interval. */
export const place = (life: Life, wanted: number, why: string): Next => {
  const bound = boundOf(life).at
  const takes = ahead(life, bound)
  let at = Math.ceil(wanted)
  let reason = why
  const isLast = at + takes >= bound
  if (isLast) {
    at = Math.max(life.now, bound - takes)
    if (at < wanted) reason = "lastCheck"
  }
  const floor = life.wrong.has("hints are no floors") ? 0 : life.floorAt
  if (floor > at) {
    at = floor
    reason = "serverHint"
  }
  const gap = gapEnd(life)
  if (gap > at) {
    at = gap
    reason = "minInterval"
  }
  if (isLast || at + takes >= bound) life.lastFor = bound
  return at > bound
    ? { go: "check", at: bound, reason: "deadline", fits: false }
    : { go: "check", at, reason, fits: true }
}

/**
 * How long before the bound a last check begins: as long as checks take, and twice that again, or 50 ms if that is more.
 * What is added is at most a quarter of the time that a check leaves until the bound, and nothing if checks take no time.
 */
const ahead = (life: Life, bound: number): number => {
  const takes = estimate(life)
  if (takes === 0 || life.wrong.has("the last check does not fit")) return 0
  if (life.wrong.has("the last check has no margin")) return takes
  const added = takes > 25 ? takes + takes : 50
  const spare = bound - takes - life.now
  return takes + (spare < 4 * added ? Math.max(0, Math.floor(spare / 4)) : added)
}

/** The earliest start of a check that the minimum interval allows. */
export const gapEnd = (life: Life): number => {
  const { minInterval = 0 } = life.world.options
  return life.lastStart === undefined || life.wrong.has("no minimum interval") ? 0 : life.lastStart + minInterval
}

/** Whether the check in flight was placed as the last one for a bound that has not moved since. */
export const isLast = (life: Life): boolean => life.lastFor !== undefined && life.lastFor === boundOf(life).at

/** The strategy decides when to check next, at the latest when an end has held for long enough. */
export const pace = (life: Life, reason: string): Next => {
  const { strategy } = life.world.options
  if (life.requested !== "no" && life.attempts < (strategy.maxAttempts ?? Number.POSITIVE_INFINITY)) {
    liftForced(life)
    return place(life, soonest(life), "requested")
  }
  if (isLast(life)) return { go: "timeout" }
  if (life.steps++ === 0) life.firstStepAt = life.now
  const delay = delayOf(strategy, seenBy(life, life.steps, life.now - life.firstStepAt))
  // A canceled job is watched for its end even when the strategy is over.
  if (delay === "end" && life.grace === undefined) return { go: "timeout", by: "strategy" }
  const wanted = life.now + (delay === "end" ? 1_000 : notZero(life, delay))
  const until = life.hold?.until ?? wanted
  return place(life, until > life.now ? Math.min(wanted, until) : wanted, reason)
}

/** The schedule of check errors decides. */
export const paceErrors = (life: Life, row: Row, reason: string, over: () => Next): Next => {
  const { maxAttempts = Number.POSITIVE_INFINITY } = life.world.options.strategy
  if (isLast(life)) return { go: "timeout" }
  if (life.attempts >= maxAttempts && life.grace === undefined) return { go: "timeout", by: "strategy" }
  const delay = errorDelay(life, errorPolicy(life).schedule ?? defaultDelays, row)
  if (reason === "throttled") return place(life, life.now + throttledDelay(life, delay), reason)
  if (delay === "end") return over()
  liftForced(life)
  return place(life, life.now + Math.max(1, life.requested === "no" ? delay : soonest(life) - life.now), reason)
}

/** The delay before a retry within the check; "end" if there is no further one. */
export const retryDelay = (life: Life, plan: Plan): number | "end" => {
  const delay = errorDelay(life, plan, { count: life.retries, since: life.retriesSince })
  if (delay === "end" || life.requested === "no") return delay
  liftForced(life)
  return soonest(life) - life.now
}

/** The earliest start of a requested check: after the one before, as for a schedule without delays. */
export const soonest = (life: Life): number => {
  const { zeroDelay = 10 } = life.world.options
  return life.lastStart === undefined ? life.now : Math.max(life.now, Math.ceil(life.lastStart + zeroDelay))
}

/** A check that was forced while none could begin ignores the floor. */
export const liftForced = (life: Life): void => {
  if (life.requested === "forced") life.floorAt = 0
}

// ---- internal ----

/** Limits within the schedules of errors count from the first error of their row. */
const errorDelay = (life: Life, plan: Plan, { count, since }: Row): number | "end" => {
  const elapsed = life.wrong.has("error schedules count from the start") ? life.now : life.now - since
  const attempt = life.wrong.has("error schedules count from the start") ? life.attempts : count
  const delay = delayOf(plan, { ...seenBy(life, count, life.now - since), attempt, elapsed })
  return delay === "end" ? delay : notZero(life, delay)
}

const throttledDelay = (life: Life, delay: number | "end"): number => {
  if (delay === "end") return Math.max(1_000, life.longestThrottled)
  liftForced(life)
  if (life.requested !== "no") return Math.max(1, soonest(life) - life.now)
  life.longestThrottled = Math.max(life.longestThrottled, delay)
  return Math.max(1, delay)
}

/** A delay of 0 that a schedule decides is replaced. */
const notZero = (life: Life, delay: number): number =>
  delay > 0 || life.wrong.has("a delay of 0 stays")
    ? Math.max(0, Math.ceil(delay))
    : (life.world.options.zeroDelay ?? 10)
