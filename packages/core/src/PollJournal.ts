/**
 * A journal of waits: an entry for each start, each change of the status, each sighting of an end that is not confirmed,
 * each action that the job needs, each remote cancel, each thing that the wait is told and each ending, as a Schema.
 *
 * **Details**
 *
 * Entries contain tags and codes: the kind of ending, the last state word, the tag of the last check error. They contain
 * neither the result nor the failure of a job, no reason, no message of an error, and of an action only its kind. At most
 * 200 characters of a state word or of a kind are written, with control and direction characters escaped.
 *
 * @since 0.1.0
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Schema from "effect/Schema"
import { endingOf } from "./internal/telemetry.ts"
import { codeOf, printed } from "./internal/text.ts"
import * as Observer from "./Observer.ts"
import type { PollError } from "./PollError.ts"

const commonFields = {
  job: Schema.String,
  key: Schema.String,
  /** When the event occurred, in wall-clock milliseconds. */
  at: Schema.Finite
}

const ToldBy = /*#__PURE__*/ Schema.Literals(["signal", "push"])
const CanceledBy = /*#__PURE__*/ Schema.Literals(["timeout", "interrupt", "close", "handle"])

/**
 * The Schema of a journal entry.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Entry = /*#__PURE__*/ Schema.Union([
  Schema.TaggedStruct("Started", {
    ...commonFields,
    deadlineAt: Schema.Union([Schema.Finite, Schema.Literal("unbounded")])
  }),
  Schema.TaggedStruct("Changed", {
    ...commonFields,
    attempt: Schema.Natural,
    status: Schema.Literals(["Pending", "Succeeded", "Failed", "Canceled", "Expired"]),
    state: Schema.optionalKey(Schema.String),
    progress: Schema.optionalKey(Schema.Finite),
    /** What told the wait, if no check found the status. */
    by: Schema.optionalKey(ToldBy)
  }),
  Schema.TaggedStruct("Confirming", {
    ...commonFields,
    attempt: Schema.Natural,
    status: Schema.Literals(["Succeeded", "Failed", "Canceled", "Expired"]),
    state: Schema.optionalKey(Schema.String),
    sightings: Schema.Natural,
    heldForMillis: Schema.Finite
  }),
  Schema.TaggedStruct("ActionRequired", {
    ...commonFields,
    attempt: Schema.Natural,
    /** The kind of the action. */
    kind: Schema.optionalKey(Schema.String)
  }),
  Schema.TaggedStruct("Told", {
    ...commonFields,
    attempt: Schema.Natural,
    by: ToldBy,
    kind: Schema.Literals(["Ended", "Report", "Wake"]),
    /** Whether it counts. */
    counts: Schema.Boolean
  }),
  Schema.TaggedStruct("SignalMissed", {
    ...commonFields,
    attempt: Schema.Natural,
    by: ToldBy
  }),
  Schema.TaggedStruct("SourceBroke", {
    ...commonFields,
    by: ToldBy,
    /** The tag of the error of the stream. */
    error: Schema.optionalKey(Schema.String),
    retryInMillis: Schema.Finite
  }),
  Schema.TaggedStruct("CancelRequested", {
    ...commonFields,
    by: CanceledBy
  }),
  Schema.TaggedStruct("CancelAnswered", {
    ...commonFields,
    by: CanceledBy,
    outcome: Schema.Literals(["accepted", "refused", "timedOut"]),
    /** The tag of the error of a refused cancel. */
    error: Schema.optionalKey(Schema.String)
  }),
  Schema.TaggedStruct("Ended", {
    ...commonFields,
    attempts: Schema.Natural,
    elapsedMillis: Schema.Finite,
    ending: Schema.String,
    /** The limit that ended the wait: the `reason` of a `PollTimeout`, or the `budget` of a `CheckErrorsExhausted`. */
    limit: Schema.optionalKey(Schema.String),
    /** The state word of the last status, if the wait failed. */
    state: Schema.optionalKey(Schema.String),
    /** The tag of the last check error, with that of its `reason`, if the wait failed: `HttpCheckError Status`. */
    checkError: Schema.optionalKey(Schema.String)
  })
])

/**
 * A journal entry.
 *
 * @category models
 * @since 0.1.0
 */
export type Entry = typeof Entry.Type

/**
 * Creates an observer that passes journal entries to `sink`, in order.
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

/** Returns the journal entry for a notification, if there is one. */
const entryOf = ({ at, attempts, elapsedMillis, event, job, key }: Observer.Notification): Entry | undefined => {
  const common = { job, key, at }
  switch (event._tag) {
    case "Started":
      return { _tag: "Started", ...common, deadlineAt: event.deadlineAt }
    case "Changed": {
      const { by, status } = event
      return {
        _tag: "Changed",
        ...common,
        attempt: event.attempt,
        status: status._tag,
        ...(status.state === undefined ? {} : { state: printed(status.state) }),
        ...(status._tag === "Pending" && status.progress !== undefined ? { progress: status.progress } : {}),
        ...(by === undefined ? {} : { by })
      }
    }
    case "Confirming": {
      const { attempt, heldFor, sightings, status } = event
      return {
        _tag: "Confirming",
        ...common,
        attempt,
        status: status._tag,
        ...(status.state === undefined ? {} : { state: printed(status.state) }),
        sightings,
        heldForMillis: Duration.toMillis(heldFor)
      }
    }
    case "ActionRequired": {
      const { kind } = event.action
      return {
        _tag: "ActionRequired",
        ...common,
        attempt: event.attempt,
        ...(kind === undefined ? {} : { kind: printed(kind) })
      }
    }
    case "Told": {
      const { attempt, by, counts, kind } = event
      return { _tag: "Told", ...common, attempt, by, kind, counts }
    }
    case "SignalMissed":
      return { _tag: "SignalMissed", ...common, attempt: event.attempt, by: event.by }
    case "SourceBroke": {
      const { by, error, retryIn } = event
      return {
        _tag: "SourceBroke",
        ...common,
        by,
        ...(error === undefined ? {} : { error: codeOf(error) }),
        retryInMillis: Duration.toMillis(retryIn)
      }
    }
    case "CancelRequested":
      return { _tag: "CancelRequested", ...common, by: event.by }
    case "CancelAnswered": {
      const { by, error, outcome } = event
      return {
        _tag: "CancelAnswered",
        ...common,
        by,
        outcome,
        ...(outcome === "refused" ? { error: codeOf(error) } : {})
      }
    }
    case "Ended": {
      const error = Exit.findErrorOption(event.exit)
      return {
        _tag: "Ended",
        ...common,
        attempts,
        elapsedMillis,
        ending: endingOf(event.exit),
        ...(error._tag === "Some" ? codesOf(error.value) : {})
      }
    }
    default:
      return undefined
  }
}

/** What an error says by tags and codes. */
const codesOf = (error: PollError<unknown, unknown>): { limit?: string; state?: string; checkError?: string } => {
  const { lastCheckError, lastStatus } = error
  return {
    ...(error._tag === "PollTimeout" ? { limit: error.reason } : {}),
    ...(error._tag === "CheckErrorsExhausted" ? { limit: error.budget } : {}),
    ...(lastStatus?.state === undefined ? {} : { state: printed(lastStatus.state) }),
    ...(lastCheckError === undefined ? {} : { checkError: codeOf(lastCheckError) })
  }
}
