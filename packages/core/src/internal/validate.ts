import * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import { isSchedule } from "effect/Schedule"

/** A finite duration in milliseconds; otherwise a RangeError that names the option. */
export const millis = (option: string, input: Duration.Input, bounds: "positive" | "nonNegative"): number => {
  const value = toMillis(input)
  return Number.isFinite(value) && (bounds === "positive" ? value > 0 : value >= 0)
    ? value
    : refuse(option, `a ${bounds === "positive" ? bounds : "non-negative"} finite duration`, input)
}

/** A positive finite duration, or `Infinity` for `"unbounded"`. */
export const millisOrUnbounded = (option: string, input: Duration.Input | "unbounded"): number => {
  if (input === "unbounded") return Number.POSITIVE_INFINITY
  const value = toMillis(input)
  return Number.isFinite(value) && value > 0
    ? value
    : refuse(option, 'a positive finite duration or "unbounded"', input)
}

/** A whole number of at least `minimum`. */
export const count = (option: string, value: number, minimum: number): number =>
  Number.isInteger(value) && value >= minimum ? value : refuse(option, `an integer >= ${minimum}`, value)

/** A finite number of at least `minimum`. */
export const atLeast = (option: string, value: number, minimum: number): number =>
  Number.isFinite(value) && value >= minimum ? value : refuse(option, `a finite number >= ${minimum}`, value)

/** A string with something in it. */
export const nonEmpty = (option: string, value: string): string =>
  typeof value === "string" && value !== "" ? value : refuse(option, "a non-empty string", value)

/** Throws the RangeError for an option. */
export const refuse = (option: string, rule: string, value: unknown): never => {
  throw new RangeError(`${option} must be ${rule}, got ${show(value)}`)
}

/**
 * What a value must be, in words that are also read by `fits`: alternatives between "or", each a word between quotes, a
 * type with its article, or an object with some fields, those of methods with `()`.
 */
export type Rule = string

/** Holds a value to a rule, if it is given; otherwise a RangeError that names the option and the value. */
export const option = (name: string, value: unknown, rule: Rule): void => {
  if (value !== undefined && !fits(value, rule)) refuse(name, rule, value)
}

/** Holds the fields of options to rules, by their paths. A field comes after the object that it is in. */
export const fields = (name: string, options: object, rules: Readonly<Record<string, Rule>>): void => {
  for (const path in rules) {
    option(`${name}: ${path}`, path.split(".").reduce(fieldOf, options), rules[path]!)
  }
}

// ---- internal ----

const fieldOf = (u: unknown, field: string): unknown => (u as Record<string, unknown> | null | undefined)?.[field]

const fits = (value: unknown, rule: Rule): boolean =>
  rule.split(" or ").some((one) => {
    const [, word, items, fields, type] = /^"(.+)"|an array of (.+)|{ (.+) }|an? (.+)$/.exec(one)!
    if (items !== undefined) return Array.isArray(value) && value.every((each) => fits(each, items))
    if (fields !== undefined) return fields.split(", ").every((field) => hasField(value, field))
    return word === undefined
      ? type === "Schedule"
        ? isSchedule(value)
        : value !== null && typeof value === type
      : value === word
  })

const hasField = (u: unknown, field: string): boolean =>
  field.endsWith("()") ? typeof fieldOf(u, field.slice(0, -2)) === "function" : hasProperty(u, field)

/** The milliseconds of a duration; `NaN` if it is not a duration. */
const toMillis = (input: Duration.Input): number => {
  // effect reads NaN as a duration of zero.
  if (typeof input === "number") return input
  try {
    return Duration.toMillis(Duration.fromInputUnsafe(input))
  } catch {
    return Number.NaN
  }
}

const show = (u: unknown): string => {
  if (Duration.isDuration(u)) return Duration.format(u)
  if (typeof u === "object" && u !== null) return Array.isArray(u) ? "an array" : "an object"
  return typeof u === "function" ? "a function" : typeof u === "string" ? JSON.stringify(u) : String(u)
}
