import type { Schedule } from "effect/Schedule"
import type { Observation } from "../Observation.ts"
import * as Status from "../Status.ts"

// What a strategy is made of, and how it decides: for `Strategy`, and for the machine, which calls it directly.

/** Milliseconds, or the end of the strategy; public as `Strategy.Decision`. */
type Decision = number | "end"

/** Public as `Strategy.Decide`, which documents it. */
type Decide = (step: number, elapsedMillis: number, observation: Observation, random: () => number) => Decision

/** Public as `Strategy.FirstWait`, which documents it. */
type FirstWait = (observation: Observation) => number

type AnySchedule = Schedule<unknown, Observation, never, unknown>

const key = "~effect-poll/Strategy"

/** The parts of a strategy. Times are milliseconds. */
export interface Plan {
  /** The wait before the first check, or what decides it for each wait. */
  readonly firstWait: number | FirstWait
  /** Checks after which the strategy ends, failed ones included; `Infinity` for no bound. */
  readonly maxAttempts: number
  /** Time since the start of the wait after which the strategy ends; `Infinity` for no bound. */
  readonly maxDuration: number
  readonly decide: Decide
  /** How a decided delay is shortened at random. */
  readonly jitter?: Jitter | undefined
  /** A check that would come this close to the deadline, or closer, waits for the deadline instead. */
  readonly clearance?: number | undefined
}

/** A delay `d` becomes one drawn evenly from `max(atLeast, share * d) .. d`. */
export interface Jitter {
  readonly share: number
  readonly atLeast: number
  /** With a seed the draw is a function of seed, key and step alone. */
  readonly seed: string | undefined
}

/** Makes a strategy of a schedule: it carries the plan that it was made from. */
export const withPlan = <S extends AnySchedule>(schedule: S, plan: Plan): S => Object.assign(schedule, { [key]: plan })

/** The plan of a strategy; undefined for a plain `Schedule`. */
export const planOf = (self: AnySchedule): Plan | undefined =>
  // Only `withPlan` writes under this key.
  (self as { readonly [key]?: Plan })[key]

export const noStatus: Status.Pending = /*#__PURE__*/ Status.pending()

/** What is known of a wait before its first check. */
export const atStart = (key: string, remainingMillis: number): Observation => ({
  key,
  attempt: 0,
  elapsedMillis: 0,
  ageMillis: 0,
  remainingMillis,
  sinceChangeMillis: 0,
  inStateMillis: 0,
  status: noStatus
})

/** The wait before the first check: never negative, never `NaN`, and at most a day if it is decided for each wait. */
export const firstWaitOf = (plan: Plan | undefined, key: string, remainingMillis: number): number => {
  const firstWait = plan?.firstWait ?? 0
  if (typeof firstWait === "number") return firstWait
  return Math.min(longestFirstWait, Math.max(0, firstWait(atStart(key, remainingMillis)) || 0))
}

/**
 * Makes one decision with all parts of a plan applied: bounds, decision, jitter, clearance. The delay is never
 * negative, never `NaN` and never past `maxDuration`. The bounds count from the start of the wait.
 */
export const next: (plan: Plan, ...args: Parameters<Decide>) => Decision = (plan, step, elapsed, seen, random) =>
  decide(plan, seen.attempt, seen.elapsedMillis, [step, elapsed, seen, random])

/** The same for a schedule that paces a row of checks: the bounds count from the first of the row. */
export const nextInRow: (plan: Plan, ...args: Parameters<Decide>) => Decision = (plan, ...args) =>
  decide(plan, args[0], args[1], args)

// ---- internal ----

/** In milliseconds: a day, as for the delays of schedules. */
const longestFirstWait = 86_400_000

const decide = (
  plan: Plan,
  checks: number,
  sinceStart: number,
  [step, elapsed, seen, random]: Parameters<Decide>
): Decision => {
  if (checks >= plan.maxAttempts || sinceStart >= plan.maxDuration) return "end"
  const decision = plan.decide(step, elapsed, seen, random)
  if (decision === "end") return decision
  let delay = Math.max(0, decision || 0)
  if (plan.jitter !== undefined) delay = spread(plan.jitter, delay, step, seen.key, random)
  if (plan.clearance !== undefined && seen.remainingMillis - delay <= plan.clearance)
    delay = Math.max(0, seen.remainingMillis)
  return Math.min(delay, plan.maxDuration - sinceStart)
}

const spread = (jitter: Jitter, delay: number, step: number, key: string, random: () => number): number => {
  const least = Math.min(delay, Math.max(jitter.atLeast, jitter.share * delay))
  const drawn = jitter.seed === undefined ? random() : uniform(`${jitter.seed}/${key}/${step}`)
  return least + (delay - least) * drawn
}

/** An even draw from 0..1 that depends on the text alone (32-bit FNV-1a with the finalizer of MurmurHash3). */
const uniform = (text: string): number => {
  let hash = 0x811c9dc5
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 0x1_0000_0000
}
