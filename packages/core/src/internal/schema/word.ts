/** State words: the values that a discriminator can hold on the wire. */
import * as SchemaAST from "effect/SchemaAST"
import * as texts from "../text.ts"
import { readPath } from "./path.ts"

/** A value that a discriminator can hold. `undefined` is an absent one. */
export type Word = string | number | bigint | boolean | null | undefined

export const isWord = (value: unknown): value is Word =>
  value === null || (typeof value !== "object" && typeof value !== "function" && typeof value !== "symbol")

/** Reads the word at `path`: `undefined` if there is no place for one, or an object or array at it. */
export const readWord = (raw: unknown, path: ReadonlyArray<string | number>): { readonly word: Word } | undefined => {
  const found = readPath(raw, path)
  return found !== undefined && isWord(found.value) ? { word: found.value } : undefined
}

/** The word as text of at most 200 characters. */
export const textOf = (word: Word): string => texts.cut(String(word))

/** The word between quotes, for messages: at most 200 characters, with control and direction characters escaped. */
export const quoted = (word: Word): string => texts.quoted(String(word))

/**
 * The words that a Schema accepts at `path` of its encoded form, or `undefined` if they are not finite or not known. A
 * word that is not among them cannot be decoded, whatever the rest of the payload is.
 */
export const encodedWords = (
  ast: SchemaAST.AST,
  path: ReadonlyArray<string | number>
): ReadonlySet<Word> | undefined => {
  const words = new Set<Word>()
  return collect(SchemaAST.toEncoded(ast), path, words) ? words : undefined
}

/** Adds the words at `path` of one AST, or returns `false` if they are not finite. */
const collect = (ast: SchemaAST.AST, path: ReadonlyArray<string | number>, words: Set<Word>): boolean => {
  if (ast._tag === "Suspend") return collect(ast.thunk(), path, words)
  if (ast._tag === "Union") return ast.types.every((type) => collect(type, path, words))
  return path.length === 0 ? collectWord(ast, words) : collectField(ast, path, words)
}

const collectWord = (ast: SchemaAST.AST, words: Set<Word>): boolean => {
  switch (ast._tag) {
    case "Literal":
      words.add(ast.literal)
      return true
    case "Enum":
      for (const [, value] of ast.enums) words.add(value)
      return true
    case "Boolean":
      words.add(true).add(false)
      return true
    case "Null":
      words.add(null)
      return true
    case "Undefined":
    case "Void":
      words.add(undefined)
      return true
    default:
      return false
  }
}

const collectField = (
  ast: SchemaAST.AST,
  [key, ...rest]: ReadonlyArray<string | number>,
  words: Set<Word>
): boolean => {
  if (ast._tag === "Null" || ast._tag === "Undefined") {
    words.add(undefined)
    return true
  }
  if (ast._tag !== "Objects" || ast.indexSignatures.length > 0) return false
  const type = ast.propertySignatures.find(({ name }) => name === key)?.type
  if (type === undefined || SchemaAST.isOptional(type)) words.add(undefined)
  return type === undefined || collect(type, rest, words)
}
