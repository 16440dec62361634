import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type { Notification } from "effect-poll/Observer"
import type { Outcome, PausedBy, Phase, Snapshot } from "../Snapshot.ts"

/** The fields of a wait without a planned check. */
export const unplanned = { nextAt: undefined, waitReason: undefined, gateReason: undefined }

/** What a notification adds to what is known. */
export const newsOf = (
  known: Snapshot<unknown, unknown, unknown>,
  { at, attempts, elapsedMillis, event }: Notification
): Partial<Snapshot<unknown, unknown, unknown>> => {
  switch (event._tag) {
    case "Started":
      // A check may have begun since.
      return { startedAt: at - elapsedMillis, attempt: Math.max(known.attempt, attempts) }
    case "Changed":
      return { status: event.status, lastCheckError: undefined }
    case "Unchanged":
    case "Confirming":
      return { lastCheckError: undefined }
    case "CheckFailed":
      return { lastCheckError: event.error }
    case "Waiting": {
      if (event.reason === "paused") return {}
      const { delay, gateReason, reason } = event
      const nextAt = at + Duration.toMillis(delay)
      // A wait that continues no longer knows that the server caused the delay.
      const waitReason = (nextAt === known.nextAt ? known.waitReason : undefined) ?? reason
      return { nextAt, waitReason, gateReason }
    }
    default:
      return {}
  }
}

/** The snapshot of what is known, with its phase. */
export const shown = (
  known: Snapshot<unknown, unknown, unknown>,
  isActive: boolean,
  checks: number,
  pausedBy: PausedBy | undefined
): Snapshot<unknown, unknown, unknown> => {
  const phase = phaseOf(known, isActive, checks, pausedBy)
  const isPaused = phase === "paused"
  // A closed gate is asked again.
  const isPlanned = isPaused ? pausedBy === "gate" : phase === "waiting"
  return { ...known, ...(isPlanned ? {} : unplanned), phase, pausedBy: isPaused ? pausedBy : undefined }
}

/** Whether two snapshots show the same. */
export const same = (a: object, b: object): boolean =>
  Object.entries(b).every(([field, value]) => Object.is((a as Record<string, unknown>)[field], value))

/** How a wait ended, by its exit. */
export const outcomeOf = (exit: Exit.Exit<unknown, unknown>): Outcome<unknown, unknown, unknown> => {
  if (Exit.isSuccess(exit)) return { _tag: "Success", value: exit.value }
  const error = Exit.findErrorOption(exit)
  return error._tag === "Some"
    ? { _tag: "Failure", error: error.value as never }
    : { _tag: "Defect", defect: Cause.squash(exit.cause) }
}

/** Reports the error of a listener as an uncaught one, so that other listeners are still called. */
export const report = (error: unknown): void => {
  const { reportError } = globalThis as { readonly reportError?: (error: unknown) => void }
  if (reportError === undefined) Effect.runFork(Effect.logError(error))
  else reportError(error)
}

// ---- internal ----

const phaseOf = (
  { outcome }: Snapshot<unknown, unknown, unknown>,
  isActive: boolean,
  checks: number,
  pausedBy: PausedBy | undefined
): Phase => {
  if (outcome !== undefined) return "ended"
  if (checks > 0) return "checking"
  if (pausedBy !== undefined) return "paused"
  return isActive ? "waiting" : "idle"
}
