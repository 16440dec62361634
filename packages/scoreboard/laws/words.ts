// The trace of a wait of the library.
import * as Duration from "effect/Duration"
import type * as CheckError from "effect-poll/CheckError"
import type { Notification } from "effect-poll/Observer"
import type * as PollError from "effect-poll/PollError"
import type { Status } from "effect-poll/Status"
import { fieldsOf, statusLine } from "./trace.ts"

/** An error of a check of a world. */
export interface Trouble {
  readonly name: string
  readonly [CheckError.kind]: CheckError.Kind
}

export type RenderError = PollError.PollError<string, Trouble>

export const statusText = (status: Status<unknown, unknown>): string =>
  status._tag === "Pending"
    ? statusLine(status._tag, status.state, status.progress, status.action?.id)
    : statusLine(status._tag, status.state, undefined)

/** An event in words; undefined for the start, which the reference does not record. */
export const eventLine = (event: Notification["event"]): string | undefined => {
  switch (event._tag) {
    case "Started":
      return undefined
    case "Changed":
      return `Changed #${event.attempt} ${statusText(event.status)}`
    case "Unchanged":
      return `Unchanged #${event.attempt}`
    case "Stalled":
      return `Stalled #${event.attempt} ${Duration.toMillis(event.unchangedFor)}`
    case "CheckFailed":
      return `CheckFailed #${event.attempt} ${event.kind} ${troubleName(event.error)} ${event.consecutive} in a row`
    case "Waiting":
      return `Waiting ${Duration.toMillis(event.delay)} ${event.reason}`
    case "Confirming":
      return `Confirming #${event.attempt} ${event.status._tag} ${event.sightings} times for ${Duration.toMillis(event.heldFor)}`
    case "ActionRequired":
      return `ActionRequired #${event.attempt} ${event.action.id}`
    case "CancelRequested":
      return `CancelRequested ${event.by}`
    case "CancelAnswered":
      return `CancelAnswered ${event.by} ${outcomeLine(event)}`
    case "Ended":
      return `Ended ${event.exit._tag === "Success" ? "Succeeded" : tagOf(event.exit.cause)} #${event.attempts}`
  }
}

/** The fields of an error in words. */
export const fieldsText = (error: RenderError): string => {
  const { hints, lastCheckError, lastStatus, unknownStates } = error
  const more: Record<string, unknown> = {}
  for (const name of own) {
    const value = (error as unknown as Record<string, unknown>)[name]
    more[name] = Duration.isDuration(value) ? Duration.toMillis(value) : value
  }
  return fieldsOf({
    ...more,
    elapsed: Duration.toMillis(error.elapsed),
    lastStatus: lastStatus && statusText(lastStatus),
    lastCheckError: lastCheckError === undefined ? undefined : troubleName(lastCheckError),
    unknownStates:
      Object.entries(unknownStates)
        .map(([word, count]) => `${word}:${count}`)
        .join(" ") || undefined,
    clamped: hints.clamped || undefined,
    unreadable: hints.unreadable || undefined,
    unconfirmed: error._tag === "PollTimeout" ? error.unconfirmed?._tag : undefined,
    cancel: error._tag === "PollTimeout" && error.cancel !== undefined ? outcomeLine(error.cancel) : undefined,
    action: error._tag === "ActionRequired" ? error.action.id : undefined
  })
}

// ---- internal ----

const outcomeLine = ({ error, outcome }: PollError.CancelOutcome): string =>
  error === undefined ? outcome : `${outcome} because ${typeof error === "string" ? error : "of another error"}`

const own = ["reason", "state", "limit", "floorAt", "budget", "errorCount", "outage", "unchangedFor"]

const troubleName = (error: unknown): string => {
  const { _tag, name } = error as { readonly name?: string; readonly _tag?: string }
  return _tag ?? name ?? String(error)
}

const tagOf = (cause: { readonly reasons: ReadonlyArray<unknown> }): string => {
  const reason = cause.reasons[0] as { readonly _tag: string; readonly error?: { readonly _tag: string } }
  return reason?._tag === "Fail" ? reason.error!._tag : reason?._tag === "Interrupt" ? "Interrupted" : "Defect"
}
