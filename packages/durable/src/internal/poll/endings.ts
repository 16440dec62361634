import * as Duration from "effect/Duration"
import type { Exit } from "effect/Exit"
import * as Result from "effect/Result"
import * as Ending from "effect-poll/Ending"
import * as PollError from "effect-poll/PollError"
import type { Terminal } from "effect-poll/Status"
import { DurableDefect, DurableSealed, DurableSubmitFailed } from "../../DurableError.ts"
import type { DurableRow } from "../../DurableRow.ts"
import type { EndedError } from "../../DurableView.ts"
import type { Encoded } from "../kind.ts"
import { read as readSealed } from "../seal/sealed.ts"
import type { Coded, Described } from "./described.ts"

// Converts endings of durable waits between the exit of a wait and the ending in a row.

/** Encodes an exit of a wait; `undefined` if it was interrupted. An ending that cannot be encoded is a defect. */
export const encodeExit = <A, F>(
  job: Coded<A, F>,
  exit: Exit<A, PollError.PollError<F, unknown>>
): Encoded | undefined => {
  const ending = Ending.fromExit(exit)
  if (ending === undefined) return undefined
  const encoded = encodeEnding(job, ending)
  return Result.isSuccess(encoded) ? encoded.success : defect(encoded.failure.message)
}

/** Encodes an ending. Fails if its result or failure does not match its Schema. */
export const encodeEnding = <A, F>(
  job: Coded<A, F>,
  ending: Ending.Ending<A, F, unknown>
): Result.Result<Encoded, Ending.EndingError> =>
  Result.map(Ending.encode(job, ending), (encoded) => ({
    outcome: outcomeOf(ending),
    ending: JSON.stringify(encoded)
  }))

/** The ending for a terminal status that did not come from a check. */
export const ofTerminal = <K, A, F>(
  job: Described<K, A, F>,
  row: Pick<DurableRow, "key" | "createdAt">,
  status: Terminal<A, F>,
  now: number
): Ending.Ending<A, F> => {
  if (status._tag === "Succeeded") return { _tag: "Success", value: status.value }
  const details = detailsOf(job, row, status, now)
  switch (status._tag) {
    case "Failed":
      return { _tag: "Failure", error: new PollError.JobFailed({ ...details, failure: status.failure }) }
    case "Canceled": {
      const { partial, reason } = status
      return { _tag: "Failure", error: new PollError.JobCanceled({ ...details, reason, partial }) }
    }
    case "Expired": {
      const { partial, reason } = status
      return { _tag: "Failure", error: new PollError.JobExpired({ ...details, reason, partial }) }
    }
  }
}

/** The ending of a wait that its runner cannot continue. */
export const defect = (detail: string): Encoded => ({
  outcome: "DurableDefect",
  ending: JSON.stringify({ version: 1, _tag: "Defect", defect: detail })
})

/** The ending of a job whose deadline passed before it was submitted. */
export const timedOut = <K, A, F>(job: Described<K, A, F>, row: DurableRow): Encoded => {
  const details = detailsOf(job, row, undefined, row.deadlineAt ?? row.createdAt)
  const error = new PollError.PollTimeout({
    ...details,
    reason: "deadline",
    state: undefined,
    limit: undefined,
    unconfirmed: undefined,
    cancel: undefined,
    floorAt: undefined
  })
  const encoded = encodeEnding(job, { _tag: "Failure", error })
  return Result.isSuccess(encoded) ? encoded.success : defect(encoded.failure.message)
}

/** The ending of a job whose submit failed, or whose submit has an unknown result. */
export const submitFailed = (reason: DurableSubmitFailed["reason"], detail: string): Encoded => ({
  outcome: "DurableSubmitFailed",
  ending: JSON.stringify({ version: 1, _tag: "SubmitFailed", reason, detail: detail.slice(0, longestDetail) })
})

/** Decodes the ending of a row. An ending that cannot be decoded is a `DurableDefect`. */
export const decodeResult = <A, F>(
  job: Coded<A, F>,
  row: Pick<DurableRow, "id" | "kind" | "idempotencyKey">,
  ending: string
): Result.Result<A, EndedError<F>> => {
  const { id, kind } = row
  const sealed = readSealed(ending)
  if (sealed !== undefined) return Result.fail(new DurableSealed({ kind, id, keyId: sealed.keyId }))
  const json = parse(ending)
  if (json?.["_tag"] === "SubmitFailed") {
    const reason = json["reason"] === "unknown" ? "unknown" : "failed"
    const detail = String(json["detail"])
    return Result.fail(new DurableSubmitFailed({ kind, id, idempotencyKey: row.idempotencyKey ?? "", reason, detail }))
  }
  const decoded = Ending.decode(job, json)
  if (Result.isFailure(decoded)) return Result.fail(new DurableDefect({ kind, id, detail: decoded.failure.message }))
  switch (decoded.success._tag) {
    case "Success":
      return Result.succeed(decoded.success.value)
    case "Failure":
      return Result.fail(decoded.success.error)
    case "Defect":
      return Result.fail(new DurableDefect({ kind, id, detail: String(decoded.success.defect) }))
  }
}

// ---- internal ----

const detailsOf = <K, A, F>(
  job: Described<K, A, F>,
  row: Pick<DurableRow, "key" | "createdAt">,
  lastStatus: Terminal<A, F> | undefined,
  now: number
): PollError.Details => ({
  job: job.name,
  key: shownKey(job, row.key),
  attempts: 0,
  elapsed: Duration.millis(Math.max(0, now - row.createdAt)),
  lastStatus,
  lastCheckError: undefined,
  unknownStates: {},
  hints: { clamped: 0, unreadable: 0 },
  history: []
})

/** The greatest length of the text of a failed submit, in characters. */
const longestDetail = 2_000

const outcomeOf = (ending: Ending.Ending<unknown, unknown, unknown>): string => {
  switch (ending._tag) {
    case "Success":
      return "Succeeded"
    case "Failure":
      return ending.error._tag
    case "Defect":
      return "DurableDefect"
  }
}

/** The key as errors show it; the empty text if there is none yet. */
const shownKey = <K>({ key: codec }: Pick<Described<K, unknown, unknown>, "key">, key: string | null): string => {
  if (key === null) return ""
  if (codec.show === undefined) return key
  try {
    return codec.show(codec.decode(key))
  } catch {
    // Do not fall back to the encoded key: it may have a secret part.
    return "?"
  }
}

const parse = (json: string): Record<string, unknown> | undefined => {
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === "object" && value !== null ? { ...value } : undefined
  } catch {
    return undefined
  }
}
