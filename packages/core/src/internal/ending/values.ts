import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import type { Codecs } from "../../Job.ts"
import { cut, kindOf } from "../text.ts"

// Values as plain data: results and failures by the Schemas of their job, anything else as it is or not at all.

/** A job; its Schemas, if it has any. */
export interface Described {
  readonly codecs?: Codecs<unknown, unknown> | undefined
}

export type Json = Record<string, unknown>

/** Which of the Schemas of a job. */
export type Which = "success" | "failure"

export const encodeValue = (job: Described, which: Which, value: unknown): unknown =>
  plain(coderOf(job, which).encode(value), which === "success" ? "the result" : "the failure")

/** The Schema of the job decodes the value; without one, whoever encoded it had a value of this type. */
export const decodeValue = <A>(job: Described, which: Which, value: unknown): A =>
  coderOf(job, which).decode(value) as A

/** Returns what is plain data, and throws for anything else. */
export const plain = <A>(value: A, what: string): A => {
  if (!isPlain(value)) throw new Error(`${what} is not plain data`)
  return value
}

/** What is plain data, otherwise `undefined`. */
export const optional = (value: unknown): unknown => (isPlain(value) ? value : undefined)

/** Whether JSON keeps a value as it is. */
export const isPlain = (value: unknown): boolean => {
  try {
    return isKept(value)
  } catch {
    // It contains itself, or a getter throws.
    return false
  }
}

/** What an error says, at most 2,000 characters; as the message of a `PollError` shows it. */
export const textOf = (error: unknown): string => {
  try {
    if (error instanceof Error) {
      const { message } = error
      if (message === "") return kindOf(error)
      return cut(hasProperty(error, "_tag") ? `${String(error._tag)}: ${message}` : message, longestText)
    }
    return cut(typeof error === "string" ? error : (JSON.stringify(error) ?? String(error)), longestText)
  } catch {
    return kindOf(error)
  }
}

// ---- internal ----

const longestText = 2_000

interface Coder {
  readonly encode: (u: unknown) => unknown
  readonly decode: (u: unknown) => unknown
}

const coders = new WeakMap<object, Coder>()

const asIs: Coder = { encode: (u) => u, decode: (u) => u }

const coderOf = ({ codecs }: Described, which: Which): Coder => {
  const schema = codecs?.[which]
  if (schema === undefined) return asIs
  let coder = coders.get(schema)
  if (coder === undefined) {
    const json = Schema.toCodecJson(schema)
    coder = { encode: Schema.encodeUnknownSync(json), decode: Schema.decodeUnknownSync(json) }
    coders.set(schema, coder)
  }
  return coder
}

const isKept = (value: unknown): boolean => {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return true
    case "number":
      return Number.isFinite(value)
    case "object": {
      if (value === null) return true
      if (Array.isArray(value)) return value.every((each) => each !== undefined && isKept(each))
      const proto: unknown = Object.getPrototypeOf(value)
      return (proto === Object.prototype || proto === null) && Object.values(value).every(isKept)
    }
    default:
      return false
  }
}
