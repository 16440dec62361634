import * as Duration from "effect/Duration"

/** A finite duration in milliseconds; otherwise a RangeError that names the option. */
export const millis = (option: string, input: Duration.Input, bounds: "positive" | "nonNegative"): number => {
  const value = toMillis(input)
  if (value === undefined || !Number.isFinite(value) || (bounds === "positive" ? value <= 0 : value < 0)) {
    throw new RangeError(
      `${option} must be a ${bounds === "positive" ? "positive" : "non-negative"} finite duration, got ${show(input)}`
    )
  }
  return value
}

/** A positive finite duration, or `Infinity` for `"unbounded"`. */
export const millisOrUnbounded = (option: string, input: Duration.Input | "unbounded"): number => {
  if (input === "unbounded") return Number.POSITIVE_INFINITY
  const value = toMillis(input)
  if (value === undefined || !Number.isFinite(value) || value <= 0) {
    throw new RangeError(`${option} must be a positive finite duration or "unbounded", got ${show(input)}`)
  }
  return value
}

/** A whole number of at least `minimum`. */
export const count = (option: string, value: number, minimum: number): number => {
  if (!Number.isInteger(value) || value < minimum) {
    throw new RangeError(`${option} must be an integer >= ${minimum}, got ${show(value)}`)
  }
  return value
}

/** A finite number of at least `minimum`. */
export const atLeast = (option: string, value: number, minimum: number): number => {
  if (!Number.isFinite(value) || value < minimum) {
    throw new RangeError(`${option} must be a finite number >= ${minimum}, got ${show(value)}`)
  }
  return value
}

/** A string with something in it. */
export const nonEmpty = (option: string, value: string): string => {
  if (typeof value !== "string" || value.length === 0) {
    throw new RangeError(`${option} must be a non-empty string, got ${show(value)}`)
  }
  return value
}

const toMillis = (input: Duration.Input): number | undefined => {
  // effect reads NaN as a duration of zero.
  if (typeof input === "number") return Number.isNaN(input) ? undefined : input
  try {
    return Duration.toMillis(Duration.fromInputUnsafe(input))
  } catch {
    return undefined
  }
}

const show = (u: unknown): string =>
  Duration.isDuration(u) ? Duration.format(u) : typeof u === "string" ? JSON.stringify(u) : String(u)
