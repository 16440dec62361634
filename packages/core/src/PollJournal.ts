/**
 * The entries of an audit trail of waits (see `observer`): starts, changes of the status and ends, as a Schema.
 *
 * **Details**
 *
 * Records hold no result and no failure of a job, only what kind of end it was and the message of the error.
 *
 * @since 0.1.0
 */
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { endingOf } from "./internal/telemetry.ts"
import * as Observer from "./Observer.ts"

const place = {
  job: Schema.String,
  key: Schema.String,
  /** Wall-clock milliseconds. */
  at: Schema.Finite
}

/**
 * One entry of the journal.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Entry = Schema.Union([
  Schema.TaggedStruct("Started", { ...place, deadlineAt: Schema.Union([Schema.Finite, Schema.Literal("unbounded")]) }),
  Schema.TaggedStruct("Changed", {
    ...place,
    attempt: Schema.Natural,
    status: Schema.Literals(["Pending", "Succeeded", "Failed", "Canceled", "Expired"]),
    state: Schema.optionalKey(Schema.String),
    progress: Schema.optionalKey(Schema.Finite)
  }),
  Schema.TaggedStruct("Ended", {
    ...place,
    attempts: Schema.Natural,
    elapsedMillis: Schema.Finite,
    ending: Schema.String,
    message: Schema.optionalKey(Schema.String)
  })
])

/**
 * One entry of the journal.
 *
 * @category models
 * @since 0.1.0
 */
export type Entry = typeof Entry.Type

/**
 * Creates an observer that writes a journal: it hands the start of a wait, each change of its status and its end to
 * `sink`, in order, as entries that the Schema `Entry` can encode.
 *
 * **Example** (Keeping the journal in memory)
 *
 * ```ts
 * import * as Effect from "effect/Effect"
 * import * as Poll from "effect-poll/Poll"
 * import * as PollJournal from "effect-poll/PollJournal"
 * import * as Status from "effect-poll/Status"
 *
 * const entries: Array<string> = []
 * const journal = PollJournal.observer((entry) => Effect.sync(() => entries.push(entry._tag)))
 * const check = Effect.succeed(Status.succeeded("done"))
 * await Effect.runPromise(Poll.until(check, { deadline: "1 minute", observers: [journal] }))
 * entries // => ["Started", "Changed", "Ended"]
 * ```
 *
 * @category observers
 * @since 0.1.0
 */
export const observer = <R = never>(sink: (entry: Entry) => Effect.Effect<unknown, never, R>): Observer.Observer<R> =>
  Observer.make((notification) => {
    const entry = entryOf(notification)
    return entry === undefined ? Effect.void : Effect.asVoid(sink(entry))
  })

// ---- internal ----

/** The entry that a notification makes in the journal, if any. */
const entryOf = ({
  at,
  attempts,
  elapsedMillis: elapsed,
  event,
  job,
  key
}: Observer.Notification): Entry | undefined => {
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
