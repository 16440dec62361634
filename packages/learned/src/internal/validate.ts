import * as Duration from "effect/Duration"

// The checks and messages of the module of this name in effect-poll, for what this package needs of them.

/** A finite duration in seconds; otherwise a RangeError that names the option. */
export const seconds = (option: string, input: Duration.Input, bounds: "positive" | "nonNegative"): number => {
  const millis = toMillis(input)
  if (Number.isFinite(millis) && (bounds === "positive" ? millis > 0 : millis >= 0)) return millis / 1000
  return refuse(option, `a ${bounds === "positive" ? bounds : "non-negative"} finite duration`, input)
}

/** A whole number of at least `minimum`. */
export const count = (option: string, value: number, minimum: number): number =>
  Number.isInteger(value) && value >= minimum ? value : refuse(option, `an integer >= ${minimum}`, value)

/** A positive finite number. */
export const positive = (option: string, value: number): number =>
  Number.isFinite(value) && value > 0 ? value : refuse(option, "a positive finite number", value)

/** Throws the RangeError for an option. */
export const refuse = (option: string, rule: string, value: unknown): never => {
  throw new RangeError(`${option} must be ${rule}, got ${show(value)}`)
}

// ---- internal ----

const toMillis = (input: Duration.Input): number => {
  // effect reads NaN as a duration of zero.
  if (typeof input === "number") return input
  try {
    return Duration.toMillis(Duration.fromInputUnsafe(input))
  } catch {
    return Number.NaN
  }
}

const show = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value)
  return Duration.isDuration(value) ? Duration.format(value) : String(value)
}
