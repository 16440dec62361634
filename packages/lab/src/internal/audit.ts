import * as Effect from "effect/Effect"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Strategy from "effect-poll/Strategy"
import type { Audit, Clients, Lag } from "../Audit.ts"
import * as Model from "../Model.ts"
import { meanOf } from "./cost.ts"
import { type AnySchedule, type Walk, walk } from "./walk.ts"

/** Public as `Lab.audit`. */
export const auditOf = <R>(
  schedule: AnySchedule<R>,
  { clients, durations }: { readonly clients: number; readonly durations: ReadonlyArray<number> }
): Effect.Effect<Audit, never, R> =>
  Effect.gen(function* () {
    const longest = yield* walk(schedule, { ...to(Number.POSITIVE_INFINITY), random: highest })
    const until = Math.max(2 * day, ...durations.map((seconds) => 1.1 * seconds))
    const usual = yield* walk(schedule, { ...to(until), random: () => 0.5 })
    const inHour = (from: number) => usual.times.filter((t) => t >= from && t < from + hour).length
    const last = longest.times.at(-1)!
    return {
      firstCheck: longest.times[0]!,
      ends:
        longest.ends || last === Number.POSITIVE_INFINITY
          ? { after: last, checks: longest.times.length - (longest.ends ? 0 : 1) }
          : undefined,
      checksPerHour: { first: inHour(0), dayLater: inHour(day) },
      lag: durations.map((seconds) => lagOf(seconds, usual, longest)),
      clients: yield* clientsOf(schedule, clients, longest)
    }
  })

// ---- internal ----

const hour = 3_600
const day = 86_400

/** The highest draw: jitter then takes nothing away. */
const highest = () => 1 - 2 ** -53

const to = (until: number) => ({ until, maxChecks: 100_000, key: "" })

const lagOf = (seconds: number, usual: Walk, longest: Walk): Lag => {
  const from = 0.9 * seconds
  const until = 1.1 * seconds
  const { lag, missed, requests } = meanOf(evenly(from, until), usual.times)
  if (missed > 1e-9) return { seconds, requests, mean: undefined, worst: undefined }
  let worst = 0
  for (let i = 0; i < longest.times.length; i++) {
    const before = longest.times[i - 1] ?? 0
    if (before >= until) break
    worst = Math.max(worst, longest.times[i]! - Math.max(before, from))
  }
  return { seconds, requests, mean: lag, worst }
}

const evenly = (from: number, until: number): Model.Model =>
  Model.make("even", {
    mean: (from + until) / 2,
    cdf: (t) => Math.min(1, Math.max(0, (t - from) / (until - from))),
    partialMean: (t) => (t <= from ? 0 : (Math.min(until, t) ** 2 - from ** 2) / (2 * (until - from)))
  })

const clientsOf = <R>(schedule: AnySchedule<R>, count: number, longest: Walk): Effect.Effect<Clients, never, R> => {
  const isStrategy = Strategy.isStrategy(schedule)
  const without = isStrategy ? Strategy.jittered(schedule, "none") : schedule
  const jittered = longest.drew
    ? schedule
    : isStrategy
      ? Strategy.jittered(schedule, "equal")
      : Schedule.jittered(schedule)
  const short = longest.ends && longest.times.at(-1)! < 120
  const [from, until] = short ? [longest.times[0]! + 1e-9, 120] : [60, 600]
  const peak = (all: AnySchedule<R>) =>
    Effect.gen(function* () {
      const random = yield* Random.Random
      const perSecond = new Map<number, number>()
      for (let client = 0; client < count; client++) {
        const way = { ...to(until), key: `client-${client}`, random: () => random.nextDoubleUnsafe() }
        const { times } = yield* walk(all, way)
        for (const t of times) {
          if (t >= from && t < until) perSecond.set(Math.floor(t), (perSecond.get(Math.floor(t)) ?? 0) + 1)
        }
      }
      return Math.max(0, ...perSecond.values())
    })
  return Effect.gen(function* () {
    return { count, peakWithoutJitter: yield* peak(without), peakWithJitter: yield* peak(jittered) }
  })
}
