// The delays of strategies, by their documentation. Written for the reference: it asks no plan of the library.
import * as Strategy from "effect-poll/Strategy"
import type { Plan } from "./world.ts"

/** What a strategy decides by. */
export interface Seen {
  /** The number of the decision, from 1. */
  readonly step: number
  /** The time since the first decision. */
  readonly sinceFirst: number
  readonly key: string
  /** The checks that count against `maxAttempts`, and the time that counts against `maxDuration`. */
  readonly attempt: number
  readonly elapsed: number
  readonly remaining: number
  readonly sinceChange: number
  readonly inState: number
  readonly progress: number | undefined
}

export const delayOf = (plan: Plan, seen: Seen): number | "end" => {
  if (plan.maxAttempts !== undefined && seen.attempt >= plan.maxAttempts) return "end"
  if (plan.maxDuration !== undefined && seen.elapsed >= plan.maxDuration) return "end"
  if (plan.maxRecurrences !== undefined && seen.step > plan.maxRecurrences) return "end"
  let delay = plainDelay(plan, seen)
  if (plan.jitter !== undefined) delay = jittered(plan.jitter, delay, seen)
  if (plan.skipNearDeadline !== undefined && seen.remaining - delay <= plan.skipNearDeadline)
    delay = Math.max(0, seen.remaining)
  return plan.maxDuration === undefined ? delay : Math.min(delay, plan.maxDuration - seen.elapsed)
}

/** A strategy of the library's `make` that depends on everything it is given. */
export const made = (plan: Plan, seen: Omit<Seen, "key" | "sinceFirst"> & { readonly sinceFirst: number }): number =>
  plan.initial +
  (Math.floor(
    seen.step * 70 +
      seen.attempt * 130 +
      seen.sinceFirst / 3 +
      seen.elapsed / 7 +
      seen.sinceChange / 5 +
      seen.inState / 2
  ) %
    (plan.growth + 1))

// ---- internal ----

const plainDelay = (plan: Plan, seen: Seen): number => {
  const { cap = Number.POSITIVE_INFINITY, growth, initial, kind } = plan
  switch (kind) {
    case "spaced":
      return Math.min(cap, initial)
    case "linear":
      return Math.min(cap, initial + growth * (seen.step - 1))
    case "exponential":
      return Math.min(cap, 3_600_000, initial * growth ** (seen.step - 1))
    case "byProgress":
      return seen.progress === undefined || seen.progress === 0
        ? initial * 2
        : Math.min(cap, Math.max(initial, (0.5 * seen.elapsed * (1 - seen.progress)) / seen.progress))
    case "made":
      return Math.min(cap, made(plan, seen))
  }
}

const jittered = ({ kind, seed }: NonNullable<Plan["jitter"]>, delay: number, { key, step }: Seen): number => {
  const least = Math.min(delay, kind === "equal" ? delay / 2 : kind === "full" ? 0 : kind)
  return least + (delay - least) * draw(seed, key, step)
}

/** The random draw of seed, key and step, which no document defines: it is read from a strategy that shows it. */
const draw = (seed: string, key: string, step: number): number => {
  const name = `${seed}/${key}`
  let known = draws.get(name)
  if (known === undefined || known.length < step) {
    if (draws.size > 1_000) draws.clear()
    known = Strategy.delaysMillis(shows(seed), Math.max(64, 2 * step), { key })
    draws.set(name, known)
  }
  return known[step - 1]! / span
}

const span = 2 ** 32

const shows = (seed: string): Strategy.Strategy => Strategy.spaced(span).pipe(Strategy.jittered("full", { seed }))

const draws = new Map<string, ReadonlyArray<number>>()
