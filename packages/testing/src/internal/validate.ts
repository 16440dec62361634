/**
 * Validates options where a value is constructed.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** A non-negative duration, which may be infinite; otherwise a RangeError that names the option. */
export const duration = (option: string, input: Duration.Input): Duration.Duration => {
  const parsed = Option.getOrUndefined(Duration.fromInput(input))
  if (parsed === undefined || Duration.isNegative(parsed) || Number.isNaN(input)) {
    throw new RangeError(`${option} must be a non-negative duration, got ${show(input)}`)
  }
  return parsed
}

/** A finite duration of whole seconds, as a `Retry-After` header can express it. */
export const wholeSeconds = (option: string, input: Duration.Input): Duration.Duration => {
  const parsed = duration(option, input)
  if (!Number.isInteger(Duration.toSeconds(parsed))) {
    throw new RangeError(`${option} must be a whole number of seconds, got ${show(input)}`)
  }
  return parsed
}

/** A whole number of at least `minimum`, and at most `maximum`. */
export const count = (option: string, value: number, minimum: number, maximum = Infinity): number => {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    const range =
      maximum === Infinity
        ? `an integer >= ${minimum}`
        : maximum === minimum
          ? `${minimum}`
          : `an integer from ${minimum} to ${maximum}`
    throw new RangeError(`${option} must be ${range}, got ${show(value)}`)
  }
  return value
}

/** A positive finite number. */
export const positive = (option: string, value: number): number => {
  if (!Number.isFinite(value) || value <= 0) {
    throw new RangeError(`${option} must be a positive finite number, got ${show(value)}`)
  }
  return value
}

/** One of a closed list of words. */
export const oneOf = <const Word extends string>(option: string, words: ReadonlyArray<Word>, value: Word): Word => {
  if (!words.includes(value)) {
    throw new RangeError(`${option} must be one of ${words.join(", ")}, got ${show(value)}`)
  }
  return value
}

/** An absolute URL. */
export const url = (option: string, value: string): string => {
  if (!/^https?:\/\/[^/]/.test(value))
    throw new RangeError(`${option} must be a URL with http or https, got ${show(value)}`)
  return value
}

/** A value for a message. */
export const show = (u: unknown): string =>
  Duration.isDuration(u) ? Duration.format(u) : typeof u === "string" ? JSON.stringify(u) : String(u)
