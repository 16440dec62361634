/**
 * Checks of numeric options, made once where a value is constructed.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"

/** Reads a duration that must not be negative; `where` names the constructor and the option. */
export const duration = (where: string, input: Duration.Input): Duration.Duration => {
  const parsed = Option.getOrUndefined(Duration.fromInput(input))
  if (parsed === undefined || Duration.isNegative(parsed) || Number.isNaN(input)) {
    throw new RangeError(`${where} must be a duration >= 0, got ${show(input)}`)
  }
  return parsed
}

/** Reads a finite duration of whole seconds, as a `Retry-After` header carries it. */
export const wholeSeconds = (where: string, input: Duration.Input): Duration.Duration => {
  const parsed = duration(where, input)
  if (!Number.isInteger(Duration.toSeconds(parsed))) {
    throw new RangeError(`${where} must be whole seconds, got ${show(input)}`)
  }
  return parsed
}

/** Reads an integer that must be at least `minimum`, and at most `maximum`. */
export const integer = (where: string, value: number, minimum: number, maximum = Infinity): number => {
  if (!Number.isInteger(value) || value < minimum || value > maximum) {
    const range = maximum === Infinity ? `>= ${minimum}` : `from ${minimum} to ${maximum}`
    throw new RangeError(`${where} must be an integer ${range}, got ${show(value)}`)
  }
  return value
}

/** Reads a finite number greater than zero. */
export const positive = (where: string, value: number): number => {
  if (!Number.isFinite(value) || value <= 0) {
    throw new RangeError(`${where} must be a finite number > 0, got ${show(value)}`)
  }
  return value
}

/** Reads one of the words of a closed list. */
export const oneOf = <const Word extends string>(where: string, words: ReadonlyArray<Word>, value: Word): Word => {
  if (!words.includes(value)) {
    throw new RangeError(`${where} must be one of ${words.join(", ")}, got ${show(value)}`)
  }
  return value
}

const show = (value: unknown): string =>
  Duration.isDuration(value) ? Duration.format(value) : typeof value === "string" ? `"${value}"` : String(value)
