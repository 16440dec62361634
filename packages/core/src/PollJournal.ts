/**
 * The entries of an audit trail of waits (see `Poll.journal`): starts, changes of the status and ends, as a Schema.
 *
 * **Details**
 *
 * Records hold no result and no failure of a job, only what kind of end it was and the message of the error.
 *
 * @since 0.1.0
 */
import * as Schema from "effect/Schema"

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
