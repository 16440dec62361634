import * as Schema from "effect/Schema"
import type { Any, Codecs } from "effect-poll/Job"
import type { Status } from "effect-poll/Status"

// Statuses as JSON, by the Schemas of their job. A job without Schemas has values that are kept as they are.

type Anyhow = Status<unknown, unknown>

type Kind = "success" | "failure"

export const encodeValue = (job: Any, kind: Kind, value: unknown): unknown => {
  const coders = codersOf(job, kind)
  return coders === undefined ? value : coders.encode(value)
}

export const decodeValue = (job: Any, kind: Kind, value: unknown): unknown => {
  const coders = codersOf(job, kind)
  return coders === undefined ? value : coders.decode(value)
}

export const encodeStatus = (job: Any, status: Anyhow): Anyhow => withValues(job, status, encodeValue)

const decoded = new WeakMap<Anyhow, Anyhow>()

/** The same status for the same encoded one. */
export const decodeStatus = (job: Any, status: Anyhow): Anyhow => {
  let value = decoded.get(status)
  if (value === undefined) decoded.set(status, (value = withValues(job, status, decodeValue)))
  return value
}

// ---- internal ----

const withValues = (job: Any, status: Anyhow, code: (job: Any, kind: Kind, value: unknown) => unknown): Anyhow => {
  switch (status._tag) {
    case "Succeeded":
      return { ...status, value: code(job, "success", status.value) }
    case "Failed":
      return { ...status, failure: code(job, "failure", status.failure) }
    default:
      return status
  }
}

interface Coders {
  readonly encode: (value: unknown) => unknown
  readonly decode: (value: unknown) => unknown
}

const coders = new WeakMap<object, Coders>()

const codersOf = (job: Any & { readonly codecs?: Codecs<unknown, unknown> }, kind: Kind): Coders | undefined => {
  const schema = job.codecs?.[kind]
  if (schema === undefined) return undefined
  let both = coders.get(schema)
  if (both === undefined) {
    const json = Schema.toCodecJson(schema)
    both = { encode: Schema.encodeUnknownSync(json), decode: Schema.decodeUnknownSync(json) }
    coders.set(schema, both)
  }
  return both
}
