// The grid of durations: 368 bins, 16 for each octave, from 0.1 seconds to 9.7 days. Times here are seconds.

export const bins = 368

/** A number for each bin, usually the chance that a job ends in it. */
export type Row = Float64Array

/** The shortest duration that the grid tells apart. */
export const shortest = 0.1

/** The width of a bin on the logarithmic scale. */
export const width: number = Math.LN2 / 16

const lnShortest = Math.log(shortest)

/** The longest duration of the grid. */
export const longest: number = shortest * 2 ** (bins / 16)

/** Where a duration is on the grid: 0 at the start of the first bin, `bins` at the end of the last one; not bounded. */
export const placeOf = (seconds: number): number => (Math.log(seconds) - lnShortest) / width

/** The duration at a place. */
export const secondsAt = (place: number): number => shortest * Math.exp(place * width)

/** The logarithm of the duration in the middle of each bin. */
export const middles: Float64Array = /*#__PURE__*/ Float64Array.from(
  { length: bins },
  (_, bin) => lnShortest + (bin + 0.5) * width
)

/** A place within the grid: durations that are too short or too long count as those at its ends. */
export const clampedPlace = (seconds: number): number => {
  const place = placeOf(seconds)
  return place > 0 ? Math.min(place, bins) : 0
}

/** Adds up a row between two places, with the shares of the bins that they are in. */
export const massBetween = (row: Float64Array, from: number, to: number): number => {
  const first = Math.min(bins - 1, Math.floor(from))
  const last = Math.min(bins - 1, Math.floor(to))
  if (first === last) return row[first]! * (to - from)
  let sum = row[first]! * (first + 1 - from) + row[last]! * (to - last)
  for (let bin = first + 1; bin < last; bin++) sum += row[bin]!
  return sum
}

/** Scales a row so that its sum is 1. Returns false, and leaves it, if there is nothing to scale. */
export const normalize = (row: Float64Array): boolean => {
  let sum = 0
  for (let bin = 0; bin < row.length; bin++) sum += row[bin]!
  if (!(sum > 0)) return false
  for (let bin = 0; bin < row.length; bin++) row[bin]! /= sum
  return true
}
