import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import * as PollError from "effect-poll/PollError"
import * as Status from "effect-poll/Status"
import { idle, type Snapshot } from "../Snapshot.ts"
import type { Wire } from "./lead.ts"

// Snapshots as plain data, for another page or from a server. Results and failures are encoded by the Schemas of their
// job; without Schemas they must be plain already. Details and errors of checks have no Schema: those that are not plain
// are left out.

type AnySnapshot = Snapshot<unknown, unknown, unknown>

/** A job; its Schemas, if it has any. */
interface Described {
  readonly codecs?: {
    readonly success: Schema.Codec<unknown, unknown>
    readonly failure: Schema.Codec<unknown, unknown> | undefined
  }
}

export const wire: Wire = {
  encode: (job: Described, snapshot) => attempt(() => encode(job, snapshot as AnySnapshot)),
  decode: (job: Described, encoded) => attempt(() => decode(job, encoded as Encoded))
}

// ---- internal ----

const version = 1

/** Fields as they are in the snapshot. */
const copied = ["phase", "attempt", "startedAt", "nextAt", "waitReason", "pausedBy", "gateReason"] as const

const phases = /*#__PURE__*/ new Set<unknown>(["idle", "waiting", "checking", "paused", "ended"])

type Json = Record<string, unknown>

interface Encoded extends Partial<Pick<AnySnapshot, (typeof copied)[number]>> {
  readonly version: number
  readonly status: Json | undefined
  readonly lastCheckError: unknown
  readonly outcome: Json | undefined
}

const attempt = <A>(make: () => A): A | undefined => {
  try {
    return make()
  } catch {
    return undefined
  }
}

const encode = (job: Described, snapshot: AnySnapshot): Encoded => ({
  ...pick(snapshot, copied),
  version,
  status: snapshot.status === undefined ? undefined : encodeStatus(job, snapshot.status),
  lastCheckError: optional(snapshot.lastCheckError),
  outcome: snapshot.outcome === undefined ? undefined : encodeOutcome(job, snapshot.outcome)
})

const decode = (job: Described, encoded: Encoded): AnySnapshot => {
  if (encoded.version !== version) throw new Error("of another version")
  const { attempt: attempts, lastCheckError, outcome, phase, status } = encoded
  if (!phases.has(phase) || (phase === "ended") !== (outcome !== undefined)) throw new Error("no phase")
  if (!Number.isInteger(attempts)) throw new Error("no number of checks")
  return {
    ...idle,
    ...pick(encoded, copied),
    status: status === undefined ? undefined : decodeStatus(job, status),
    lastCheckError,
    outcome: outcome === undefined ? undefined : decodeOutcome(job, outcome)
  }
}

// -- statuses --

const encodeStatus = (job: Described, status: Status.Status<unknown, unknown>): Json => {
  const { _tag, state } = status
  switch (status._tag) {
    case "Pending": {
      const { action, progress } = status
      const asked = action && { id: action.id, kind: action.kind, detail: optional(action.detail) }
      return { _tag, state, progress, detail: optional(status.detail), action: asked }
    }
    case "Succeeded":
      return { _tag, state, value: encodeValue(job, "success", status.value) }
    case "Failed":
      return { _tag, state, failure: encodeValue(job, "failure", status.failure) }
    default:
      return { _tag, state, reason: status.reason, partial: optional(status.partial) }
  }
}

const decodeStatus = (job: Described, status: Json): Status.Status<unknown, unknown> => {
  switch (status["_tag"]) {
    case "Pending":
      return Status.pending(status)
    case "Succeeded":
      return Status.succeeded(decodeValue(job, "success", status["value"]), status)
    case "Failed":
      return Status.failed(decodeValue(job, "failure", status["failure"]), status)
    case "Canceled":
      return Status.canceled(status)
    case "Expired":
      return Status.expired(status)
    default:
      throw new Error("no status")
  }
}

// -- outcomes --

const encodeOutcome = (job: Described, outcome: NonNullable<AnySnapshot["outcome"]>): Json => {
  switch (outcome._tag) {
    case "Success":
      return { _tag: "Success", value: encodeValue(job, "success", outcome.value) }
    case "Failure":
      return { _tag: "Failure", error: encodeError(job, outcome.error as PollError.PollError<unknown, unknown> & Json) }
    case "Defect":
      throw new Error("a defect is not shared")
  }
}

const decodeOutcome = (job: Described, outcome: Json): NonNullable<AnySnapshot["outcome"]> =>
  outcome["_tag"] === "Success"
    ? { _tag: "Success", value: decodeValue(job, "success", outcome["value"]) }
    : { _tag: "Failure", error: decodeError(job, outcome["error"] as Json) }

/** Fields of errors that are plain, unless a server sent something else. */
const plainFields = [
  "job",
  "key",
  "attempts",
  "unknownStates",
  "hints",
  "reason",
  "state",
  "issue",
  "partial",
  "action",
  "floorAt",
  "budget",
  "errorCount"
]

const durations = ["elapsed", "unchangedFor", "limit", "outage"]

/** Without its history and the last status, which the snapshot has. */
const encodeError = (job: Described, error: PollError.PollError<unknown, unknown> & Json): Json => {
  const encoded: Json = { _tag: error._tag }
  for (const field of plainFields) if (error[field] !== undefined) encoded[field] = optional(error[field])
  for (const field of durations) {
    if (error[field] !== undefined) encoded[field] = Duration.toMillis(error[field] as Duration.Duration)
  }
  if ("failure" in error) encoded["failure"] = encodeValue(job, "failure", error["failure"])
  if ("error" in error) encoded["error"] = plain(error["error"])
  const canceled = (error as Json)["cancel"] as PollError.CancelOutcome | undefined
  if (canceled !== undefined) encoded["cancel"] = { outcome: canceled.outcome }
  return encoded
}

const decodeError = (job: Described, encoded: Json): PollError.PollError<unknown, unknown> => {
  const { _tag, ...fields } = encoded
  const make = makers[_tag as keyof typeof makers]
  const error: Json = { lastStatus: undefined, lastCheckError: undefined, history: [], ...fields }
  for (const field of durations) {
    if (error[field] !== undefined) error[field] = Duration.millis(error[field] as number)
  }
  if (_tag === "JobFailed") error["failure"] = decodeValue(job, "failure", error["failure"])
  return new make(error as never)
}

const makers = {
  JobFailed: PollError.JobFailed,
  JobCanceled: PollError.JobCanceled,
  JobExpired: PollError.JobExpired,
  JobNotFound: PollError.JobNotFound,
  JobStalled: PollError.JobStalled,
  ActionRequired: PollError.ActionRequired,
  PollTimeout: PollError.PollTimeout,
  UnknownState: PollError.UnknownState,
  ResultMissing: PollError.ResultMissing,
  CheckRejected: PollError.CheckRejected,
  CheckErrorsExhausted: PollError.CheckErrorsExhausted
}

// -- values --

type Kind = "success" | "failure"

const coders = new WeakMap<
  object,
  { readonly encode: (u: unknown) => unknown; readonly decode: (u: unknown) => unknown }
>()

const coderOf = ({ codecs }: Described, kind: Kind) => {
  const schema = codecs?.[kind]
  if (schema === undefined) return { encode: plain, decode: (u: unknown) => u }
  const known = coders.get(schema)
  if (known !== undefined) return known
  const json = Schema.toCodecJson(schema)
  const coder = { encode: Schema.encodeUnknownSync(json), decode: Schema.decodeUnknownSync(json) }
  coders.set(schema, coder)
  return coder
}

const encodeValue = (job: Described, kind: Kind, value: unknown): unknown => coderOf(job, kind).encode(value)

const decodeValue = (job: Described, kind: Kind, value: unknown): unknown => coderOf(job, kind).decode(value)

/** Returns what is plain data, and throws for anything else. */
const plain = <A>(value: A): A => {
  if (!isPlain(value)) throw new Error("no plain data")
  return value
}

const optional = (value: unknown): unknown => attempt(() => plain(value))

/** Whether JSON keeps a value as it is. */
const isPlain = (value: unknown): boolean => {
  switch (typeof value) {
    case "string":
    case "boolean":
    case "undefined":
      return true
    case "number":
      return Number.isFinite(value)
    case "object": {
      if (value === null) return true
      if (Array.isArray(value)) return value.every((each) => each !== undefined && isPlain(each))
      const proto: unknown = Object.getPrototypeOf(value)
      return (proto === Object.prototype || proto === null) && Object.values(value).every(isPlain)
    }
    default:
      return false
  }
}

const pick = <T extends object, K extends keyof T>(from: T, keys: ReadonlyArray<K>): Pick<T, K> =>
  Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>
