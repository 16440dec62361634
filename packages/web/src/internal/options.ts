import * as Duration from "effect/Duration"

/** The milliseconds of a finite duration of at least `least`; otherwise a RangeError that names the option. */
export const millis = (name: string, input: Duration.Input, least: 0 | 1): number => {
  const value = toMillis(input)
  if (value >= least && value < Number.POSITIVE_INFINITY) return value
  return refuse(name, `a ${least > 0 ? "positive" : "non-negative"} finite duration`, input)
}

/** The milliseconds of a duration; `NaN` for anything else. */
export const toMillis = (input: Duration.Input): number => {
  if (typeof input === "number") return input
  try {
    return Duration.toMillis(Duration.fromInputUnsafe(input))
  } catch {
    return Number.NaN
  }
}

/** The milliseconds of a `checkTimeout`, by default a minute; `undefined` if it is unbounded. */
export const timeLimit = (input: Duration.Input | "unbounded" = 60_000): number | undefined =>
  input === "unbounded" ? undefined : toMillis(input)

export const oneOf = <T extends string>(name: string, value: T, words: ReadonlyArray<T>): T =>
  words.includes(value) ? value : refuse(name, words.map((word) => JSON.stringify(word)).join(" or "), value)

/** Throws a RangeError for an option that does not exist. */
export const known = (name: string, options: object, fields: ReadonlyArray<string>): void => {
  for (const field of Object.keys(options)) {
    if (!fields.includes(field)) throw new RangeError(`${name}: there is no option ${field}`)
  }
}

export const refuse = (name: string, rule: string, value: unknown): never => {
  throw new RangeError(`${name} must be ${rule}, got ${show(value)}`)
}

// ---- internal ----

const show = (value: unknown): string => {
  if (typeof value === "string") return JSON.stringify(value)
  return typeof value === "number" || value === undefined ? String(value) : `a value of the type ${typeof value}`
}
