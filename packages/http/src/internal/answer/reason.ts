import type { HttpAnswer } from "../../HttpAnswer.ts"
import { at } from "../json.ts"
import { sync, typeOf, Yielded } from "../request/yielded.ts"

// The server's own words on why an answer is what it is, bounded and safe to show.

/** The longest reason that is kept, in characters. */
export const maxLength = 1000

/**
 * Reads the server's words from a JSON body, in the forms that are usual: RFC 9457 (`detail`, `title`), RFC 6749
 * (`error_description`), Google and others (`error.message`, `error.status`), JSON:API (`errors[0].detail`), Salesforce
 * (`[0].message`), Jira (`errorMessages`), Okta (`errorSummary`), Elasticsearch (`error.reason`), Apigee
 * (`fault.faultstring`), Laravel and Rails (`errors.<field>`). Of XML: the first `Message`, `faultstring` or `message`.
 */
export const read = ({ body, text: raw }: Pick<HttpAnswer, "body" | "text">): string | undefined => {
  if (body === undefined) return bounded(inXml(raw))
  for (const path of paths) {
    const text = textOf(at(body, ...path))
    if (text !== undefined) return bounded(text)
  }
  return bounded(ofFields(at(body, "errors")))
}

/** What a function of the user read. */
export const own = (text: unknown): string | undefined => {
  const said = sync(text)
  if (said !== undefined && typeof said !== "string") throw new Yielded(`yielded no text but ${typeOf(said)}`)
  return bounded(said)
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
  ["errorMessages"],
  ["errorSummary"],
  ["msg"],
  ["fault", "faultstring"],
  ["error", "reason"],
  ["error", "detail"],
  ["error", "msg"],
  ["error", "error_description"],
  ["errors", "0", "message"],
  ["errors", "0", "detail"],
  ["errors", "0", "msg"],
  ["detail", "0", "msg"],
  ["detail", "message"],
  ["0", "message"],
  ["0", "detail"],
  ["0", "msg"],
  ["errors"],
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

/** The words on the first field that has some: `{ name: ["is taken"] }`. */
const ofFields = (errors: unknown): string | undefined => {
  if (typeof errors !== "object" || errors === null || Array.isArray(errors)) return undefined
  for (const name of Object.keys(errors).slice(0, 100)) {
    const value = at(errors, name)
    const text = textOf(Array.isArray(value) ? value[0] : value) ?? textOf(at(value, "0", "message"))
    if (text !== undefined) return text
  }
  return undefined
}

/** The words of an error in XML. */
const inXml = (text: string): string | undefined => {
  const start = text.slice(0, 16_384)
  if (!/^[\s\ufeff]*</.test(start)) return undefined
  const found =
    /<(?:[\w-]{1,40}:)?(?:error)?(?:message|faultstring)(?:\s[^<>]{0,200})?>(?:<!\[CDATA\[)?([^<\]]{1,4000})/i.exec(
      start
    )?.[1]
  return textOf(found?.replace(/&(?:amp|lt|gt|quot|apos);/g, (entity) => entities[entity]!).trim())
}

const entities: Readonly<Record<string, string>> = {
  "&amp;": "&",
  "&lt;": "<",
  "&gt;": ">",
  "&quot;": '"',
  "&apos;": "'"
}

/** Control characters, line separators, characters without width or that change the direction, lone surrogates. */
const unsafe = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

const halfOfPair = /[\ud800-\udbff]$/

const named: Readonly<Record<string, string>> = { "\n": "\\n", "\r": "\\r", "\t": "\\t" }

const escape = (character: string): string => named[character] ?? `\\u{${character.codePointAt(0)!.toString(16)}}`
