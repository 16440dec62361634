import * as Duration from "effect/Duration"
import { isSchedule } from "effect/Schedule"
import { isStream } from "effect/Stream"

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
 * type with its article, or an object with some fields, those of methods with `()`. After "either" they exclude each
 * other.
 */
export type Rule = string

/**
 * What the fields of an object must be, by name, or all of them by one rule. An object within it has a rule of its own, and
 * a shape.
 */
export type Shape = Rule | { readonly [field: string]: Rule | readonly [rule: Rule, fields: Shape] }

/** Holds a value to a rule, if it is given; otherwise a RangeError that names the option and the value. */
export const option = (name: string, value: unknown, rule: Rule): void => {
  if (value !== undefined && !fits(value, rule)) refuse(name, rule, value)
}

/** Holds options to their shape: those that are given to their rules. One that the shape does not have is refused. */
export const fields = (name: string, options: object, shape: Shape, path = ""): void => {
  for (const [field, value] of Object.entries(options)) {
    if (value === undefined) continue
    const isKnown = typeof shape === "string" || Object.hasOwn(shape, field)
    const entry = isKnown ? (typeof shape === "string" ? shape : shape[field]!) : refuseName(name, path, field, shape)
    const [rule, inner] = typeof entry === "string" ? [entry] : entry
    option(`${name}: ${path}${field}`, value, rule)
    if (inner !== undefined && typeof value === "object") fields(name, value, inner, `${path}${field}.`)
  }
}

/** The milliseconds of a duration; `NaN` if it is none. */
export const toMillis = (input: Duration.Input): number => {
  // effect reads NaN as a duration of zero, and objects without any unit too.
  if (typeof input === "number") return input
  if (typeof input === "object" && !hasUnits(input)) return Number.NaN
  try {
    return Duration.toMillis(Duration.fromInputUnsafe(input))
  } catch {
    return Number.NaN
  }
}

// ---- internal ----

const fits = (value: unknown, rule: Rule): boolean => {
  const fitting = rule
    .replace(/^either /, "")
    .split(" or ")
    .filter((one) => isOne(value, one)).length
  return fitting === 1 || (fitting > 1 && !rule.startsWith("either"))
}

const isOne = (value: unknown, rule: Rule): boolean => {
  const [, word, items, fields, type] = /^"(.+)"|an array of (.+)|{ (.+) }|an? (.+)$/.exec(rule)!
  if (word !== undefined) return value === word
  if (items !== undefined) {
    return Array.isArray(value) && value.every((each) => fits(each, items === "tags" ? "a string" : items))
  }
  if (fields !== undefined) return fields.split(", ").every((field) => hasField(value, field))
  const integer = /integer >= (.)/.exec(type!)
  if (integer !== null) return Number.isInteger(value) && Number(value) >= Number(integer[1])
  switch (type) {
    case "positive finite duration":
      return isBetween(value, Number.MIN_VALUE)
    case "non-negative finite duration":
      return isBetween(value, 0)
    case "Schedule":
      return isSchedule(value)
    case "Stream":
      return isStream(value)
    case "non-empty string":
      return typeof value === "string" && value !== ""
    case "object":
      return typeof value === type && value !== null && !Array.isArray(value)
    default:
      return typeof value === type
  }
}

const isBetween = (value: unknown, least: number): boolean => {
  const millis = toMillis(value as Duration.Input)
  return millis >= least && millis < Number.POSITIVE_INFINITY
}

const hasField = (u: unknown, field: string): boolean => {
  const isMethod = field.endsWith("()")
  const value = fieldOf(u, isMethod ? field.slice(0, -2) : field)
  return isMethod ? typeof value === "function" : value !== undefined
}

const fieldOf = (u: unknown, field: string): unknown => (u as Record<string, unknown> | null | undefined)?.[field]

const hasUnits = (input: object | null): boolean => {
  if (Duration.isDuration(input) || Array.isArray(input)) return true
  const given = Object.keys(input ?? {})
  return given.length > 0 && given.every((unit) => /^((micro|nano|milli)?second|minute|hour|day|week)s$/.test(unit))
}

/** Refuses a field that there is not, and names the one that may have been meant. */
const refuseName = (name: string, path: string, field: string, shape: object): never => {
  const farOf = (other: string): number => distance(field.toLowerCase(), other.toLowerCase())
  const closest = Object.keys(shape).reduce((best, other) => (farOf(other) < farOf(best) ? other : best))
  const isClose = farOf(closest) <= Math.max(field.length, closest.length) / 2
  throw new RangeError(
    `${name}: there is no option ${path}${field}${isClose ? `; did you mean ${path}${closest}?` : ""}`
  )
}

/** How many characters have to be added, removed or replaced to make one word of the other. */
const distance = (from: string, to: string): number => {
  let row = Array.from(`${to} `, (_, at) => at)
  for (const char of from) {
    const next = [row[0]! + 1]
    for (let at = 0; at < to.length; at++) {
      next.push(Math.min(row[at]! + (char === to[at] ? 0 : 1), row[at + 1]! + 1, next[at]! + 1))
    }
    row = next
  }
  return row[to.length]!
}

const show = (u: unknown): string => {
  if (Duration.isDuration(u)) return Duration.format(u)
  if (typeof u === "object" && u !== null) return Array.isArray(u) ? "an array" : "an object"
  return typeof u === "function" ? "a function" : typeof u === "string" ? JSON.stringify(u) : String(u)
}
