import * as Duration from "effect/Duration"
import * as PollError from "../../PollError.ts"
import * as Status from "../../Status.ts"
import { decodeStatus, encodeStatus } from "./statuses.ts"
import { decodeValue, type Described, encodeValue, type Json, optional, plain, textOf } from "./values.ts"

// Errors of waits as plain data. Errors of checks have no Schema: those that are not plain data become text, or are refused.

export type CheckErrors = "text" | "refuse"

type AnyError = PollError.PollError<unknown, unknown>

export const encodeError = (job: Described, error: AnyError, checkErrors: CheckErrors): Json => {
  const from = error as AnyError & Json
  const encoded: Json = { _tag: error._tag }
  for (const field of plainFields) if (from[field] !== undefined) encoded[field] = optional(from[field])
  for (const field of durations) {
    if (from[field] !== undefined) encoded[field] = Duration.toMillis(from[field] as Duration.Duration)
  }
  if ("failure" in error) encoded["failure"] = encodeValue(job, "failure", error.failure)
  if ("error" in error) {
    const isRefused = checkErrors === "refuse"
    encoded["error"] = isRefused ? plain(error.error, "the error of the check") : plainOrText(error.error)
  }
  const checkError = error.lastCheckError
  if (checkError !== undefined && !("error" in error && error.error === checkError)) {
    encoded["lastCheckError"] = checkErrors === "refuse" ? optional(checkError) : plainOrText(checkError)
  }
  if (error.lastStatus !== undefined) encoded["lastStatus"] = lastStatusOf(job, error, error.lastStatus)
  if ("unconfirmed" in error && error.unconfirmed !== undefined) {
    encoded["unconfirmed"] = statusOrNothing(job, error.unconfirmed)
  }
  if ("confirmation" in error && error.confirmation !== undefined) {
    const { for: over, heldFor, ...confirmation } = error.confirmation
    encoded["confirmation"] = {
      ...confirmation,
      heldFor: Duration.toMillis(heldFor),
      for: over && Duration.toMillis(over)
    }
  }
  if ("cancel" in error && error.cancel !== undefined) {
    const { error: refusal, outcome } = error.cancel
    const said = checkErrors === "refuse" ? optional(refusal) : refusal === undefined ? undefined : plainOrText(refusal)
    encoded["cancel"] = { outcome, error: said }
  }
  return encoded
}

export const decodeError = <F>(job: Described, encoded: unknown): PollError.PollError<F, unknown> => {
  const { _tag, confirmation, lastStatus, unconfirmed, ...fields } = encoded as Json
  const make = Object.hasOwn(makers, String(_tag)) ? makers[_tag as keyof typeof makers] : undefined
  if (make === undefined) throw new Error("it is no error of a wait")
  const error: Json = { ...details, ...optionalFields[_tag as string], ...fields }
  for (const field of durations) {
    if (error[field] !== undefined) error[field] = Duration.millis(Number(error[field]))
  }
  if (_tag === "JobFailed") error["failure"] = decodeValue(job, "failure", error["failure"])
  // The error of the check that ended the wait is usually the last one, and is stored once.
  if ("error" in error && error["lastCheckError"] === undefined) error["lastCheckError"] = error["error"]
  if (lastStatus !== undefined) {
    const { _tag: last, failure, ...options } = lastStatus as Json
    error["lastStatus"] =
      _tag === "JobFailed" && last === "Failed" && failure === undefined
        ? Status.failed(error["failure"], options)
        : decodeStatus(job, lastStatus)
  }
  if (unconfirmed !== undefined) error["unconfirmed"] = decodeStatus(job, unconfirmed)
  if (confirmation !== undefined) {
    const { for: over, heldFor, ...rest } = confirmation as Json
    const period = over === undefined ? undefined : Duration.millis(Number(over))
    error["confirmation"] = { ...rest, heldFor: Duration.millis(Number(heldFor)), for: period }
  }
  // Its fields are those that the error was encoded from.
  return new make(error as never) as PollError.PollError<F, unknown>
}

// ---- internal ----

/** Fields that are plain data, unless a server sent something else. */
const plainFields = [
  "job",
  "key",
  "attempts",
  "unknownStates",
  "hints",
  "history",
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

const details: PollError.Details = {
  job: "",
  key: "",
  attempts: 0,
  elapsed: Duration.zero,
  lastStatus: undefined,
  lastCheckError: undefined,
  unknownStates: {},
  hints: { clamped: 0, unreadable: 0 },
  history: []
}

/** Fields that an error has although they are undefined. */
const optionalFields: Readonly<Record<string, Json>> = {
  JobCanceled: { reason: undefined, partial: undefined },
  JobExpired: { reason: undefined, partial: undefined },
  PollTimeout: { state: undefined, limit: undefined, unconfirmed: undefined, cancel: undefined, floorAt: undefined },
  ResultMissing: { state: undefined, issue: undefined },
  CheckRejected: { error: undefined },
  CheckErrorsExhausted: { error: undefined }
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

const plainOrText = (error: unknown): unknown => optional(error) ?? (error === undefined ? undefined : textOf(error))

/** The last status; that of a failed job without its failure, which the error has. */
const lastStatusOf = (job: Described, error: AnyError, status: Status.Status<unknown, unknown>): unknown =>
  error._tag === "JobFailed" && status._tag === "Failed" && status.failure === error.failure
    ? { _tag: "Failed", state: status.state }
    : statusOrNothing(job, status)

/** A status whose value cannot be encoded is left out: it is no result of the wait. */
const statusOrNothing = (job: Described, status: Status.Status<unknown, unknown>): unknown => {
  try {
    return encodeStatus(job, status)
  } catch {
    return undefined
  }
}
