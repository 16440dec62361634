import type { HttpCheckError } from "@effect-poll/http/HttpCheckError"
import * as Cause from "effect/Cause"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import type { PollError } from "effect-poll/PollError"
import type { EndingKind } from "./plan.ts"

/** How a wait ended. */
export interface Ending {
  readonly kind: EndingKind
  /** The result of a job that succeeded, or the failure of one that failed. */
  readonly value: unknown
  /** The error as a message; undefined for a success. */
  readonly message: string | undefined
  /** The number of checks, which the errors of a wait contain; undefined otherwise. */
  readonly checks: number | undefined
}

/** The ending of a wait, from its exit. */
export const fromExit = (exit: Exit.Exit<unknown, PollError<unknown, HttpCheckError>>): Ending => {
  if (Exit.isSuccess(exit)) return { kind: "succeeded", value: exit.value, message: undefined, checks: undefined }
  const error = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (error === undefined) {
    return { kind: "broken", value: undefined, message: Cause.pretty(exit.cause), checks: undefined }
  }
  return {
    kind: Object.hasOwn(kinds, error._tag) ? kinds[error._tag as keyof typeof kinds] : "broken",
    value: error._tag === "JobFailed" ? error.failure : undefined,
    message: error.message,
    checks: error.attempts
  }
}

// ---- internal ----

const kinds = {
  JobFailed: "failed",
  JobCanceled: "canceled",
  JobExpired: "expired",
  JobNotFound: "notFound",
  JobStalled: "stalled",
  PollTimeout: "timedOut",
  CheckRejected: "rejected"
} as const satisfies Partial<Record<PollError<unknown, unknown>["_tag"], EndingKind>>
