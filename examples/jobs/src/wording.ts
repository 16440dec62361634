/** The texts of the page about a wait. */
import type { Snapshot } from "@effect-poll/web/Snapshot"
import * as Duration from "effect/Duration"
import type { WaitReason } from "effect-poll/PollEvent"
import type { Trace } from "./trace.ts"

/** A wait whatever its job, failing with a text. */
export type AnySnapshot = Snapshot<unknown, unknown, unknown>

/** The color of a state. */
export type Tone = "run" | "good" | "bad" | "still"

/** The state of a wait in one or two words. */
export const stateOf = (snapshot: AnySnapshot): { readonly word: string; readonly tone: Tone } => {
  const { outcome, pausedBy, phase, status } = snapshot
  if (outcome !== undefined) {
    if (outcome._tag === "Success") return { word: "Done", tone: "good" }
    if (outcome._tag === "Defect") return { word: "Defect", tone: "bad" }
    return endings[outcome.error._tag] ?? { word: outcome.error._tag, tone: "bad" }
  }
  if (phase === "paused") return { word: pausedBy === "offline" ? "Offline" : "Paused", tone: "still" }
  if (phase === "idle") return { word: "Not started", tone: "still" }
  if (status === undefined) return { word: "Submitted", tone: "still" }
  return { word: "Running", tone: "run" }
}

/** How a wait ended. Empty before that. */
export const noteOf = ({ outcome }: AnySnapshot): string => {
  if (outcome === undefined) return ""
  if (outcome._tag === "Success") return String(outcome.value)
  if (outcome._tag === "Defect") return String(outcome.defect)
  const { error } = outcome
  switch (error._tag) {
    case "JobFailed":
      return String(error.failure)
    case "JobStalled":
      return `No progress for ${Duration.format(error.unchangedFor)}. It may still be running.`
    case "JobCanceled":
      return "The job was stopped on the server."
    case "JobExpired":
      return "The job exceeded a time limit of the server."
    default:
      return error.message
  }
}

/** Why the next check is due at its time. Empty for the usual reason, the strategy. */
export const reasonOf = (reason: WaitReason | undefined): string =>
  reason === undefined ? "" : (reasons[reason] ?? "")

/** How many requests a trace counted. */
export const requestsOf = (trace: Trace | undefined): string => {
  const requests = trace?.requests ?? 0
  return requests === 1 ? "1 request" : `${requests} requests`
}

/** A time span for a table: `850 ms`, `4.2 s`, `15 min`. */
export const span = (millis: number): string => {
  if (millis < 1000) return `${Math.round(millis)} ms`
  return millis < 90_000 ? `${(millis / 1000).toFixed(1)} s` : `${Math.round(millis / 60_000)} min`
}

// ---- internal ----

const endings: Readonly<Record<string, { readonly word: string; readonly tone: Tone }>> = {
  JobFailed: { word: "Failed", tone: "bad" },
  JobCanceled: { word: "Canceled", tone: "still" },
  JobExpired: { word: "Expired", tone: "bad" },
  JobNotFound: { word: "Not found", tone: "bad" },
  JobStalled: { word: "Stalled", tone: "bad" },
  PollTimeout: { word: "Timed out", tone: "bad" },
  CheckErrorsExhausted: { word: "No answer", tone: "bad" },
  CheckRejected: { word: "Rejected", tone: "bad" }
}

const reasons: Readonly<Partial<Record<WaitReason, string>>> = {
  firstWait: "The first check comes late on purpose.",
  serverHint: "The server asked for this delay.",
  throttled: "The server is too busy and asked for this delay.",
  checkError: "The last check failed.",
  missing: "The server found no such job.",
  lastCheck: "The last check before the deadline."
}
