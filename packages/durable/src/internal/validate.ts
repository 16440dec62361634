import * as Duration from "effect/Duration"

// The checks and messages of the module of this name in effect-poll, for what this package needs of them.

/** A positive finite duration in milliseconds; otherwise a RangeError that names the option. */
export const millis = (option: string, input: Duration.Input): number => {
  const value = toMillis(input)
  if (value === undefined || !Number.isFinite(value) || value <= 0) {
    throw new RangeError(`${option} must be a positive finite duration, got ${show(input)}`)
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

/** A positive finite duration in milliseconds, or `undefined` for a word that means that there is none. */
export const millisOr = <Word extends string>(
  option: string,
  input: Duration.Input | Word,
  word: Word
): number | undefined => {
  if (input === word) return undefined
  const value = toMillis(input as Duration.Input)
  if (value === undefined || !Number.isFinite(value) || value <= 0) {
    throw new RangeError(`${option} must be a positive finite duration or "${word}", got ${show(input)}`)
  }
  return value
}

/** A boolean. */
export const bool = (option: string, value: boolean): boolean => {
  if (typeof value !== "boolean") throw new RangeError(`${option} must be a boolean, got ${show(value)}`)
  return value
}

/** A whole number of at least `minimum`, and at most `maximum` if that is given. */
export const count = (option: string, value: number, minimum: number, maximum?: number): number => {
  if (!Number.isInteger(value) || value < minimum || (maximum !== undefined && value > maximum)) {
    const range = maximum === undefined ? `>= ${minimum}` : `in [${minimum}, ${maximum}]`
    throw new RangeError(`${option} must be an integer ${range}, got ${show(value)}`)
  }
  return value
}

/** A string that is more than blanks. */
export const nonEmpty = (option: string, value: string): string => {
  if (typeof value !== "string" || value.trim() === "") {
    throw new RangeError(`${option} must be a non-empty string, got ${show(value)}`)
  }
  return value
}

/** A duration in milliseconds; undefined for what is none. */
export const toMillis = (input: Duration.Input): number | undefined => {
  // effect reads NaN as a duration of zero.
  if (typeof input === "number") return Number.isNaN(input) ? undefined : input
  try {
    return Duration.toMillis(Duration.fromInputUnsafe(input))
  } catch {
    return undefined
  }
}

/** A value, for a message. */
export const show = (u: unknown): string =>
  Duration.isDuration(u) ? Duration.format(u) : typeof u === "string" ? JSON.stringify(u) : String(u)
