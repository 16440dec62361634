import * as Duration from "effect/Duration"

/** A string that is not blank; otherwise a RangeError that names the option. */
export const nonEmpty = (option: string, value: string): string => {
  if (typeof value !== "string" || value.trim() === "") {
    throw new RangeError(`${option} must be a non-empty string, got ${JSON.stringify(value)}`)
  }
  return value
}

/** A positive finite number; otherwise a RangeError that names the option. */
export const positive = (option: string, value: number): number => {
  if (!Number.isFinite(value) || value <= 0) {
    throw new RangeError(`${option} must be a positive finite number, got ${value}`)
  }
  return value
}

/** A positive finite duration in milliseconds; otherwise a RangeError that names the option. */
export const millis = (option: string, input: Duration.Input): number => {
  const value = Duration.toMillis(Duration.fromInputUnsafe(input))
  if (!Number.isFinite(value) || value <= 0) {
    const shown = Duration.isDuration(input) ? Duration.format(input) : JSON.stringify(input)
    throw new RangeError(`${option} must be a positive finite duration, got ${shown}`)
  }
  return value
}
