import { hasProperty } from "effect/Predicate"
import * as Result from "effect/Result"

// Reading JSON that may be anything.

/** Parses a text that may be none. */
export const parse = (text: string): Result.Result<unknown, unknown> =>
  Result.try({ try: (): unknown => JSON.parse(text), catch: (error) => error })

/** The value at a path of objects; undefined where there is none. */
export const at = (json: unknown, ...path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>((found, name) => (hasProperty(found, name) ? found[name] : undefined), json)

/** The text in a field; undefined if it is empty. */
export const textAt = (json: unknown, ...path: ReadonlyArray<string>): string | undefined => {
  const found = at(json, ...path)
  return typeof found === "string" && found !== "" ? found : undefined
}

/** The number that a header holds: digits, and a fraction. */
export const decimal = (text: string | undefined): number | undefined =>
  text !== undefined && /^\s*\d+(?:\.\d+)?\s*$/.test(text) ? Number(text) : undefined
