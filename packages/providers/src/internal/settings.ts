import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Duration from "effect/Duration"
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { CheckErrorPolicy, MissingPolicy, UnknownStatePolicy } from "effect-poll/Job"
import type { KeyCodec } from "effect-poll/KeyCodec"
import * as Strategy from "effect-poll/Strategy"
import type { Settings } from "../Settings.ts"

/** The settings of one provider, checked. */
export interface Checked {
  /** Joins the base URL and a path. */
  readonly url: (path: string) => string
  readonly timeScale: number
  readonly unknownState: UnknownStatePolicy
  readonly checkErrors: CheckErrorPolicy<HttpCheckError>
  readonly missing: MissingPolicy<unknown, never, never, never, never> | undefined
}

/** Checks the settings that all providers share; `name` is who is complained of. */
export const check = (
  name: string,
  settings: Settings,
  checkErrors: (timeScale: number) => CheckErrorPolicy<HttpCheckError> = defaultPollErrors
): Checked => {
  const base = nonEmpty(`${name}: baseUrl`, settings.baseUrl).replace(/\/+$/, "")
  const timeScale = positive(`${name}: timeScale`, settings.timeScale ?? 1)
  return {
    url: (path) => base + (path.startsWith("/") ? path : `/${path}`),
    timeScale,
    unknownState: settings.unknownState ?? "continue",
    checkErrors: settings.checkErrors ?? checkErrors(timeScale),
    missing: settings.grace === undefined ? undefined : { grace: settings.grace }
  }
}

/** A string with something in it. */
export const nonEmpty = (option: string, value: string): string => {
  if (typeof value !== "string" || value.trim() === "") {
    throw new RangeError(`${option} must be a non-empty string, got ${JSON.stringify(value)}`)
  }
  return value
}

/** A positive finite number. */
export const positive = (option: string, value: number): number => {
  if (!Number.isFinite(value) || value <= 0) {
    throw new RangeError(`${option} must be a positive finite number, got ${value}`)
  }
  return value
}

/** A strategy in fast motion. */
export const scaled = (strategy: Strategy.Strategy, timeScale: number): Strategy.Strategy =>
  timeScale === 1 ? strategy : Strategy.scale(strategy, timeScale)

/** The text in a field of a JSON object, if there is one. */
export const textIn = (body: unknown, field: string): string | undefined => {
  const text = hasProperty(body, field) ? body[field] : undefined
  return typeof text === "string" && text !== "" ? text : undefined
}

/** A published time in fast motion, in milliseconds. */
export const scaledMillis = (time: Duration.Input, timeScale: number): number =>
  Duration.toMillis(Duration.fromInputUnsafe(time)) * timeScale

/**
 * Fills the `{names}` of a path template, each as one segment of the path; undefined if there is no value for one of
 * them. A dot segment would lead to another path, so it is no value.
 */
export const fill = (template: string, values: Readonly<Record<string, string | undefined>>): string | undefined => {
  let complete = true
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined || value === "" || value === "." || value === "..") {
      complete = false
      return ""
    }
    return encodeURIComponent(value)
  })
  return complete ? path : undefined
}

/** Fills a path template whose values must all be there; otherwise a RangeError that names the key. */
export const fillOrThrow = (name: string, template: string, values: Readonly<Record<string, string>>): string => {
  const path = fill(template, values)
  if (path !== undefined) return path
  throw new RangeError(`${name} must name segments of a path, got ${JSON.stringify(values)}`)
}

/** A path template that has all of the names; otherwise a RangeError that says which one it lacks. */
export const template = (option: string, value: string, names: ReadonlyArray<string>): string => {
  for (const name of names) {
    if (!value.includes(`{${name}}`)) {
      throw new RangeError(`${option} must contain {${name}}, got ${JSON.stringify(value)}`)
    }
  }
  return value
}

/**
 * The field of a result: that of the user's Schema, or anything, absent included. The cast hides that only: without a
 * Schema the result type is `unknown`, which an absent field is too.
 */
export const resultField = <A>(schema: Schema.Codec<A, unknown> | undefined): Schema.Codec<A, unknown> =>
  schema ?? (Schema.optionalKey(Schema.Unknown) as unknown as Schema.Codec<A, unknown>)

/** The codec of a key; without one the key is a string, which is what the cast says: the overloads see to it. */
export const keyOr = <K>(key: KeyCodec<K> | undefined): KeyCodec<K> => key ?? (stringKey as unknown as KeyCodec<K>)

/** A text that the wire may leave out or leave empty. */
export const OptionalText = /*#__PURE__*/ Schema.optional(/*#__PURE__*/ Schema.NullOr(Schema.String))

/** A number that the wire may leave out. */
export const OptionalNumber = /*#__PURE__*/ Schema.optional(/*#__PURE__*/ Schema.NullOr(Schema.Finite))

/** What a failure is called that says nothing of itself. */
export const reasonOf = (text: string | null | undefined): string =>
  text === undefined || text === null || text.trim() === "" ? "Unknown error" : text

// ---- internal ----

const stringKey: KeyCodec<string> = { encode: (key) => key, decode: (encoded) => encoded }

/** The defaults of `Job`, which can be scaled only if they are written out. */
const defaultPollErrors = (timeScale: number): CheckErrorPolicy<HttpCheckError> => ({
  schedule: scaled(Strategy.exponential({ initial: "1 second", factor: 2, cap: "30 seconds" }), timeScale)
})
