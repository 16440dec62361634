import type { HttpAnswer } from "../../HttpAnswer.ts"
import { at } from "../json.ts"

// The server's own words on why an answer is what it is, bounded and safe to show.

/** The longest reason that is kept, in characters. */
export const maxLength = 1000

/**
 * Reads the server's words from a JSON body, in the forms that are usual: RFC 9457 (`detail`, `title`), RFC 6749
 * (`error_description`), Google and others (`error.message`, `error.status`), JSON:API (`errors[0].detail`).
 */
export const read = ({ body }: Pick<HttpAnswer, "body">): string | undefined => {
  for (const path of paths) {
    const text = textOf(at(body, ...path))
    if (text !== undefined) return bounded(text)
  }
  return undefined
}

/** What a function of the user read. */
export const own = (text: unknown): string | undefined => {
  if (text !== undefined && typeof text !== "string") throw new TypeError(`yielded no text but a ${typeof text}`)
  return bounded(text)
}

/** A text of at most 1,000 characters, without characters that could forge a line or hide a part of it. */
export const bounded = (text: string | undefined): string | undefined => {
  if (text === undefined) return undefined
  const escaped = text.slice(0, maxLength + 1).replace(unsafe, escape)
  return escaped.length <= maxLength ? escaped : `${escaped.slice(0, maxLength - 1).replace(halfOfPair, "")}…`
}

// ---- internal ----

const paths: ReadonlyArray<ReadonlyArray<string>> = [
  ["detail"],
  ["error", "message"],
  ["error_description"],
  ["message"],
  ["Message"],
  ["errorMessage"],
  ["errors", "0", "message"],
  ["errors", "0", "detail"],
  ["detail", "0", "msg"],
  ["error"],
  ["title"],
  ["error", "status"],
  ["error", "code"]
]

/** A text that is not blank, or a list of them. */
const textOf = (u: unknown): string | undefined => {
  if (typeof u === "string") return u.trim() === "" ? undefined : u
  if (!Array.isArray(u)) return undefined
  const texts = u.slice(0, 10).filter((each): each is string => typeof each === "string" && each.trim() !== "")
  return texts.length === 0 ? undefined : texts.join("; ")
}

/** Control characters, line separators, characters without width or that change the direction, lone surrogates. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const halfOfPair = /[\ud800-\udbff]$/

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

const escape = (character: string): string => named[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`
