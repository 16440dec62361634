import * as Exit from "effect/Exit"
import type { Notification } from "../Observer.ts"
import type { Entry } from "../PollJournal.ts"
import { endingOf } from "./telemetry.ts"

/** The entry that a notification makes in the journal, if any. */
export const entryOf = ({ at, attempts, elapsedMillis: elapsed, event, job, key }: Notification): Entry | undefined => {
  const where = { job, key, at }
  switch (event._tag) {
    case "Started":
      return { _tag: "Started", ...where, deadlineAt: event.deadlineAt }
    case "Changed": {
      const { status } = event
      return {
        _tag: "Changed",
        ...where,
        attempt: event.attempt,
        status: status._tag,
        ...(status.state === undefined ? {} : { state: status.state }),
        ...(status._tag === "Pending" && status.progress !== undefined ? { progress: status.progress } : {})
      }
    }
    case "Ended": {
      const error = Exit.findErrorOption(event.exit)
      return {
        _tag: "Ended",
        ...where,
        attempts,
        elapsedMillis: elapsed,
        ending: endingOf(event.exit),
        ...(error._tag === "Some" ? { message: error.value.message } : {})
      }
    }
    default:
      return undefined
  }
}
