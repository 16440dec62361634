// Texts of a server in messages, logs and spans: one line, bounded, nothing that a terminal obeys.

import { hasProperty } from "effect/Predicate"

/** The most characters of a state word that are kept, and of any word of a server that are printed. */
export const longestWord = 200

/** At most `max` characters of a text, without half a character at the end. */
export const cut = (text: string, max: number = longestWord): string =>
  // Joined from its characters: a slice would keep the whole text in memory.
  text.length <= max
    ? text
    : `${text
        .slice(0, max - 1)
        .replace(/[\uD800-\uDBFF]$/, "")
        .split("")
        .join("")}…`

/** The text with its control and direction characters escaped. */
export const escape = (text: string): string =>
  text.replace(
    /[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`
  )

/** The text for a message: at most `max` characters, escaped. */
export const printed = (text: string, max?: number): string => escape(cut(text, max))

/** The text for a message, between quotes. */
export const quoted = (text: string, max?: number): string => escape(JSON.stringify(cut(text, max)))

/** What kind of error this is: its tag, its name or its type; never what it says. */
export const kindOf = (error: unknown): string =>
  printed(tagOf(error) ?? (error instanceof Error ? error.name : error === null ? "null" : typeof error))

/** The kind of an error, with the tag of its `reason`, if it has one. */
export const codeOf = (error: unknown): string => {
  const reason = hasProperty(error, "reason") ? tagOf(error.reason) : undefined
  return reason === undefined ? kindOf(error) : `${kindOf(error)} ${printed(reason)}`
}

/** The error for what a check yielded instead of a status. */
export const noResult = (found: unknown): TypeError =>
  new TypeError(`a check must return a status or a CheckResult, got ${shownOf(found)}`)

/** The defect of a stream that tells something that is no `Told`. */
export const noTold = (found: unknown): TypeError => new TypeError(`a wait must be told a Told, got ${shownOf(found)}`)

// ---- internal ----

/** What a value is, by its tag or its kind. */
const shownOf = (u: unknown): string => {
  const tag = tagOf(u)
  if (tag !== undefined) return `an object with the _tag ${printed(tag)}`
  return typeof u === "object" && u !== null ? "an object" : kindOf(u)
}

const tagOf = (u: unknown): string | undefined =>
  hasProperty(u, "_tag") && typeof u._tag === "string" ? u._tag : undefined
