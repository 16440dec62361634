/**
 * An audit trail of waits: their starts, the changes of their status and their ends, as records of a Schema.
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
 * Creates an observer that hands the entries of a wait to a sink, in order.
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
 * const journal = PollJournal.make((entry) => Effect.sync(() => entries.push(entry._tag)))
 * const check = Effect.succeed(Status.succeeded("done"))
 * await Effect.runPromise(Poll.until(check, { deadline: "1 minute", observers: [journal] }))
 * entries // => ["Started", "Changed", "Ended"]
 * ```
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = <R = never>(sink: (entry: Entry) => Effect.Effect<unknown, never, R>): Observer.Observer<R> =>
  Observer.make((notice) => {
    const entry = entryOf(notice)
    return entry === undefined ? Effect.void : Effect.asVoid(sink(entry))
  })

// ---- internal ----

const entryOf = ({ at, attempts, elapsed, event, job, key }: Observer.Notice): Entry | undefined => {
  const where = { job, key, at }
  switch (event._tag) {
    case "Started":
      return { _tag: "Started", ...where, deadlineAt: event.deadlineAt }
    case "Observed": {
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
