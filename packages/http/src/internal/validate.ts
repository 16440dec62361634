import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

// Checks of options: what is out of range is a RangeError that names the option and the value.

/** A positive finite duration in milliseconds. */
export const millis = (option: string, input: Duration.Input): number => {
  const value = toMillis(input)
  if (value > 0 && Number.isFinite(value)) return value
  throw new RangeError(`${option} must be a positive finite duration, got ${show(input)}`)
}

/** A positive finite duration in milliseconds, or `Infinity` for `"unbounded"`. */
export const millisOrUnbounded = (option: string, input: Duration.Input | "unbounded"): number => {
  if (input === "unbounded") return Number.POSITIVE_INFINITY
  const value = toMillis(input)
  if (value > 0 && Number.isFinite(value)) return value
  throw new RangeError(`${option} must be a positive finite duration or "unbounded", got ${show(input)}`)
}

/** A whole number from `minimum` to `maximum`. */
export const count = (option: string, value: number, minimum: number, maximum = Number.MAX_SAFE_INTEGER): number => {
  if (Number.isInteger(value) && value >= minimum && value <= maximum) return value
  const range =
    maximum === Number.MAX_SAFE_INTEGER ? `an integer >= ${minimum}` : `an integer in [${minimum}, ${maximum}]`
  throw new RangeError(`${option} must be ${range}, got ${show(value)}`)
}

/** A string that is more than blanks. */
export const nonEmpty = (option: string, value: string): string => {
  if (typeof value === "string" && value.trim() !== "") return value
  throw new RangeError(`${option} must be a non-empty string, got ${show(value)}`)
}

/** A duration in milliseconds; NaN for what is none. */
export const toMillis = (input: Duration.Input): number =>
  // effect reads NaN as a duration of zero.
  typeof input === "number"
    ? input
    : Option.match(Duration.fromInput(input), { onNone: () => Number.NaN, onSome: Duration.toMillis })

/** A value as it stands in a message. */
export const show = (u: unknown): string =>
  Duration.isDuration(u) ? Duration.format(u) : typeof u === "string" ? JSON.stringify(u) : String(u)
