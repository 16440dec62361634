/**
 * Parsers of bodies that are almost JSON: values for the option `parse` of a request.
 *
 * **Details**
 *
 * | parser | reads |
 * |---|---|
 * | `json` | JSON, as `JSON.parse` does: the default |
 * | `lenient` | JSON with `NaN`, `Infinity` and `-Infinity` as numbers, as Python writes it |
 * | `exactIntegers` | JSON whose large integers stay exact, as bigints or as text |
 * | `withoutPrefix` | JSON behind a prefix that guards it against scripts, such as `)]}'` |
 * | `lastLine` | the last line of JSON lines: the newest entry of a log |
 *
 * The last two take another parser for what is left: `BodyParser.withoutPrefix(BodyParser.lenient)`.
 *
 * A parser is a function from the text to a value. For a text that is not JSON it throws a `SyntaxError`; such an
 * answer has no `body`. If a parser of your own throws any other error, the request fails with a permanent
 * `HttpCheckError` with the reason `Reader`.
 *
 * @since 0.1.0
 */
import * as validate from "./internal/validate.ts"

/**
 * Parses the text of a body. Throws a `SyntaxError` for a text that it cannot parse.
 *
 * @category models
 * @since 0.1.0
 */
export interface BodyParser {
  (text: string): unknown
}

/**
 * Parses JSON: `JSON.parse`.
 *
 * @category parsers
 * @since 0.1.0
 */
export const json: BodyParser = (text) => JSON.parse(text)

/**
 * Parses JSON in which `NaN`, `Infinity` and `-Infinity` stand for numbers.
 *
 * **Details**
 *
 * Decode such a field with `Schema.Number`: `Schema.Finite` rejects these values.
 *
 * **Example** (A loss that is not a number)
 *
 * ```ts
 * import * as BodyParser from "@effect-poll/http/BodyParser"
 *
 * BodyParser.lenient('{"status": "running", "loss": NaN}') // => { status: "running", loss: NaN }
 * ```
 *
 * @category parsers
 * @since 0.1.0
 */
export const lenient: BodyParser = (text) => {
  try {
    return JSON.parse(text)
  } catch (error) {
    // Most texts that are not JSON have none of these words.
    if (!/NaN|Infinity/.test(text)) throw error
  }
  return withTokens(text, /^-?(?:NaN|Infinity)$/, Number)
}

/**
 * Creates a parser of JSON that keeps integers exact which a number cannot hold (beyond 2^53 - 1): as bigints, or as
 * text.
 *
 * **Details**
 *
 * Smaller integers stay numbers. If an id may be either, decode it with `Schema.Union([Schema.Int, Schema.String])`.
 * Fractions and numbers with an exponent are read as `JSON.parse` reads them. A value for `as` that is neither
 * `"bigint"` nor `"text"` is a RangeError.
 *
 * **Example** (An id of 19 digits)
 *
 * ```ts
 * import * as BodyParser from "@effect-poll/http/BodyParser"
 *
 * const parse = BodyParser.exactIntegers({ as: "text" })
 * parse('{"id": 9007199254740993123, "size": 3}') // => { id: "9007199254740993123", size: 3 }
 * ```
 *
 * @category parsers
 * @since 0.1.0
 */
export const exactIntegers = (options: {
  /** What an integer that a number cannot hold becomes. */
  readonly as: "bigint" | "text"
}): BodyParser => {
  if (options.as !== "bigint" && options.as !== "text") {
    throw new RangeError(`BodyParser.exactIntegers: as must be "bigint" or "text", got ${validate.show(options.as)}`)
  }
  const exact = options.as === "bigint" ? (token: string) => BigInt(token) : (token: string) => token
  return (text) =>
    // A number with fewer digits is exact anyway.
    /\d{16}/.test(text) ? withTokens(text, /^-?\d{16,}$/, exact, isSafe) : JSON.parse(text)
}

/**
 * Creates a parser of JSON after a prefix: one of `prefixes`, by default the usual ones that keep JSON from being
 * included as a script: `)]}'` and `)]}',`, `for(;;);`, `while(1);`, `while(true);`, `{}&&` and `&&&START&&&`.
 *
 * **Details**
 *
 * Blanks and a byte order mark before and after the prefix are left out. A text without a prefix is parsed as a whole.
 * The longest prefix that fits counts. An empty list, or an empty prefix, is a RangeError.
 *
 * **Example** (An answer with a prefix)
 *
 * ```ts
 * import * as BodyParser from "@effect-poll/http/BodyParser"
 *
 * const parse = BodyParser.withoutPrefix(BodyParser.json)
 * parse(`)]}'\n{"state": "done"}`) // => { state: "done" }
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const withoutPrefix = (
  parser: BodyParser,
  options?: {
    /** The prefixes. Default: those above. */
    readonly prefixes?: ReadonlyArray<string> | undefined
  }
): BodyParser => {
  const prefixes = (options?.prefixes ?? usualPrefixes).toSorted((a, b) => b.length - a.length)
  if (prefixes.length === 0) throw new RangeError("BodyParser.withoutPrefix: prefixes must have an element, got []")
  for (const prefix of prefixes) validate.nonEmpty("BodyParser.withoutPrefix: prefixes", prefix)
  return (text) => {
    const trimmed = text.trimStart()
    const prefix = prefixes.find((each) => trimmed.startsWith(each))
    return parser(prefix === undefined ? trimmed : trimmed.slice(prefix.length).trimStart())
  }
}

/**
 * Creates a parser of the last line that is not blank: the newest entry of JSON lines.
 *
 * **Gotchas**
 *
 * The last line of a log that is still being written may be incomplete. Then it is not JSON, and the check fails with a
 * transient error.
 *
 * **Example** (The newest entry of a log)
 *
 * ```ts
 * import * as BodyParser from "@effect-poll/http/BodyParser"
 *
 * BodyParser.lastLine(BodyParser.json)('{"state":"busy"}\n{"state":"done"}\n') // => { state: "done" }
 * ```
 *
 * @category combinators
 * @since 0.1.0
 */
export const lastLine =
  (parser: BodyParser): BodyParser =>
  (text) => {
    const trimmed = text.trimEnd()
    return parser(trimmed.slice(trimmed.lastIndexOf("\n") + 1))
  }

// ---- internal ----

const usualPrefixes = [")]}'", ")]}',", "for(;;);", "for (;;);", "while(1);", "while(true);", "{}&&", "&&&START&&&"]

const isSafe = (token: string): boolean => Number.isSafeInteger(Number(token))

/**
 * Parses JSON in which some tokens are read otherwise. For `JSON.parse` each of them becomes a string that begins with
 * `t`, and each string that is a value gets an `s` in front, so that no text of a server can be mistaken for a token.
 * This works alike in every engine; the source text that newer ones give to a reviver is not needed.
 */
const withTokens = (
  text: string,
  pattern: RegExp,
  read: (token: string) => unknown,
  keep: (token: string) => boolean = () => false
): unknown => {
  const marked = mark(text, (token) => pattern.test(token) && !keep(token))
  return JSON.parse(marked, (_, value: unknown) =>
    typeof value !== "string" ? value : value.startsWith("s") ? value.slice(1) : read(value.slice(1))
  )
}

const mark = (text: string, isOther: (token: string) => boolean): string => {
  // What stands outside of strings and is no punctuation: numbers and words.
  const tokens = /[^\s,:[\]{}"]+/y
  const colon = /\s*:/y
  const parts: Array<string> = []
  for (let at = 0; at < text.length;) {
    if (text[at] === '"') {
      const end = endOfString(text, at)
      colon.lastIndex = end
      parts.push(colon.test(text) ? '"' : '"s', text.slice(at + 1, end))
      at = end
      continue
    }
    tokens.lastIndex = at
    const token = tokens.exec(text)?.[0]
    parts.push(token === undefined ? text[at]! : isOther(token) ? `"t${token}"` : token)
    at += token?.length ?? 1
  }
  return parts.join("")
}

/** The place behind the quote that ends a string. */
const endOfString = (text: string, start: number): number => {
  for (let at = start + 1; at < text.length; at++) {
    if (text[at] === "\\") at++
    else if (text[at] === '"') return at + 1
  }
  return text.length
}
