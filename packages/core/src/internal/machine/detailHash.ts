import * as Equal from "effect/Equal"
import { hasProperty } from "effect/Predicate"

// Tokens contain no detail, so a resumed wait compares its hash.

/** The hash of a detail that cannot be hashed. It is never equal to another, not even to itself. */
export const unhashable = "none"

/**
 * A hash of a detail, the same in every process: details that are equal by `Equal` have the same one. It has 64 bits.
 * `unhashable` for what has no stable form (functions, private state, cycles), nests too deep or is too large; undefined
 * for no detail.
 */
export const detailHash = (detail: unknown): string | undefined => {
  if (detail === undefined) return undefined
  const form: Form = { parts: [], room: longestForm }
  try {
    return write(form, detail, deepest) ? digest(form.parts) : unhashable
  } catch {
    // A getter threw.
    return unhashable
  }
}

/** Whether a detail is the one that has this hash. */
export const hasHash = (detail: unknown, hash: string | undefined): boolean =>
  hash !== unhashable && detailHash(detail) === hash

// ---- internal ----

/** The deepest detail that is hashed, in levels of objects. */
const deepest = 128

/** The longest form of a detail that is hashed, in characters. */
const longestForm = 1_000_000

/** A detail as text, with what may still be added. */
interface Form {
  parts: Array<string>
  room: number
}

const put = (form: Form, text: string): boolean => {
  form.room -= text.length
  form.parts.push(text)
  return form.room >= 0
}

/** Appends a value. Each text is preceded by its length, so that different values have different forms. */
const write = (form: Form, value: unknown, levels: number): boolean => {
  switch (typeof value) {
    case "string":
      return put(form, `s${value.length}:`) && put(form, value)
    case "number":
      // As text, -0 is 0, which `Equal` takes for the same.
      return put(form, `n${value};`)
    case "bigint":
      return put(form, `i${value};`)
    case "boolean":
      return put(form, value ? "t" : "f")
    case "undefined":
      return put(form, "u")
    case "object":
      return value === null ? put(form, "0") : levels > 0 && writeObject(form, value, levels - 1)
    default:
      return false
  }
}

const writeObject = (form: Form, value: object, levels: number): boolean => {
  if (Array.isArray(value)) return writeArray(form, value, levels)
  if (value instanceof Date) return put(form, `d${value.getTime()};`)
  if (value instanceof RegExp) return put(form, "r") && write(form, value.toString(), levels)
  if (value instanceof Map)
    return writeAll(
      form,
      "m",
      [...value].map((entry) => alone(form, entry, levels))
    )
  if (value instanceof Set)
    return writeAll(
      form,
      "e",
      [...value].map((item) => alone(form, item, levels))
    )
  if (value instanceof ArrayBuffer) return writeBytes(form, new Uint8Array(value))
  if (ArrayBuffer.isView(value)) {
    return writeBytes(form, new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
  }
  return Equal.isEqual(value) ? writeData(form, value, levels) : writeFields(form, value, levels)
}

const writeArray = (form: Form, all: ReadonlyArray<unknown>, levels: number): boolean => {
  if (all.length > form.room || !put(form, `a${all.length}:`)) return false
  for (const item of all) if (!write(form, item, levels)) return false
  return true
}

/** The form of a data type of effect is the JSON of its content. Other types may compare what cannot be read. */
const writeData = (form: Form, value: object, levels: number): boolean => {
  const json: unknown = hasProperty(value, "toJSON") && typeof value.toJSON === "function" ? value.toJSON() : undefined
  return hasProperty(json, "_id") && put(form, "q") && write(form, json, levels)
}

const writeFields = (form: Form, value: object, levels: number): boolean => {
  const fields = value as Record<string, unknown>
  const keys = Reflect.ownKeys(value).filter((key) => !(key === "stack" && value instanceof Error))
  if (keys.length > form.room || !keys.every((key) => typeof key === "string")) return false
  if (!put(form, `o${keys.length}:`) || !write(form, fields["_tag"], levels)) return false
  return keys.toSorted().every((key) => write(form, key, levels) && write(form, fields[key], levels))
}

const writeBytes = (form: Form, bytes: Uint8Array): boolean =>
  bytes.length <= form.room && put(form, `b${bytes.length}:`) && put(form, text(bytes))

const text = (bytes: Uint8Array): string => {
  let all = ""
  for (const byte of bytes) all += String.fromCharCode(byte)
  return all
}

/** The form of one of several values in any order; undefined if it has none. */
const alone = (form: Form, value: unknown, levels: number): string | undefined => {
  const own: Form = { parts: [], room: form.room }
  const fits = write(own, value, levels)
  form.room = own.room
  return fits ? own.parts.join("") : undefined
}

const writeAll = (form: Form, kind: string, all: ReadonlyArray<string | undefined>): boolean =>
  all.every((one) => one !== undefined) &&
  put(form, `${kind}${all.length}:`) &&
  all.toSorted().every((one) => put(form, `${one.length}:`) && put(form, one))

/** Two hashes of 32 bits, after cyrb53, in hexadecimal. */
const digest = (parts: ReadonlyArray<string>): string => {
  let high = 0xdeadbeef
  let low = 0x41c6ce57
  for (const part of parts) {
    for (let at = 0; at < part.length; at++) {
      const code = part.charCodeAt(at)
      high = Math.imul(high ^ code, 2_654_435_761)
      low = Math.imul(low ^ code, 1_597_334_677)
    }
  }
  const first = mix(high, low)
  return hex(mix(low, first)) + hex(first)
}

const mix = (a: number, b: number): number =>
  Math.imul(a ^ (a >>> 16), 2_246_822_507) ^ Math.imul(b ^ (b >>> 13), 3_266_489_909)

const hex = (word: number): string => (word >>> 0).toString(16).padStart(8, "0")
