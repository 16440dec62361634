import * as Schema from "effect/Schema"

// Inputs of submits as JSON, by their Schema.

/** Encodes an input. Throws a RangeError for one that does not match its Schema. */
export const encodeInput = (name: string, schema: Schema.Codec<unknown, unknown>, input: unknown): string => {
  try {
    return JSON.stringify(codersOf(schema).encode(input) ?? null)
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new RangeError(`${name}: an input cannot be encoded: ${message}`, { cause })
  }
}

/** Decodes the input of a row. Throws for one that does not match its Schema. */
export const decodeInput = (schema: Schema.Codec<unknown, unknown>, json: string | null): unknown => {
  try {
    return codersOf(schema).decode(JSON.parse(json ?? "null"))
  } catch (cause) {
    throw new Error("the stored input does not match its Schema", { cause })
  }
}

// ---- internal ----

interface Coders {
  readonly encode: (u: unknown) => unknown
  readonly decode: (u: unknown) => unknown
}

const coders = new WeakMap<object, Coders>()

const codersOf = (schema: Schema.Codec<unknown, unknown>): Coders => {
  let both = coders.get(schema)
  if (both === undefined) {
    const json = Schema.toCodecJson(schema)
    both = { encode: Schema.encodeUnknownSync(json), decode: Schema.decodeUnknownSync(json) }
    coders.set(schema, both)
  }
  return both
}
