import type { Model } from "@effect-poll/lab/Model"
import * as History from "@effect-poll/learned/History"

/** A seeded generator of numbers from 0 to 1 (mulberry32). */
export const seeded = (seed: number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Durations of a model in seconds, the same for each seed. */
export const draws = (model: Model, seed: number, count: number): ReadonlyArray<number> => {
  const random = seeded(seed * 7919)
  return Array.from({ length: count }, () => model.quantile(random()))
}

/** A history that has seen these durations, in seconds. */
export const taught = (durations: ReadonlyArray<number>): History.History => {
  const history = History.makeUnsafe("render")
  for (const seconds of durations) History.recordUnsafe(history, History.ended({ seconds }))
  return history
}

export const gmean = (values: ReadonlyArray<number>): number =>
  Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length)
