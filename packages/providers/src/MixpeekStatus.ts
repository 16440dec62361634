/**
 * The states of Mixpeek's tasks and resources, and their meanings.
 *
 * @since 0.1.0
 */
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as Wire from "./internal/wire.ts"
import type { Resource } from "./MixpeekKey.ts"

/**
 * The states of tasks and of all resources.
 *
 * @category models
 * @since 0.1.0
 */
export type State = "PENDING" | "PROCESSING" | "COMPLETED" | "FAILED" | "CANCELED" | AmbiguousState

/**
 * The states whose meaning the documentation does not define.
 *
 * @category models
 * @since 0.1.0
 */
export type AmbiguousState = "IN_PROGRESS" | "SKIPPED" | "UNKNOWN" | "DRAFT" | "ACTIVE" | "ARCHIVED" | "SUSPENDED"

/**
 * What a state can mean.
 *
 * @category models
 * @since 0.1.0
 */
export type Meaning = "pending" | "succeeded" | "failed" | "canceled" | "expired"

/**
 * What the states mean that the documentation does not define. `task` and `resources` take precedence over
 * `everywhere`; a state that none of them contains is pending.
 *
 * @category models
 * @since 0.1.0
 */
export interface Meanings {
  /** For tasks and for all resources. Default: pending. */
  readonly everywhere?: StateMeanings | undefined
  /** For tasks. Default: see `everywhere`. */
  readonly task?: StateMeanings | undefined
  /** For the resources behind tasks of a type, by that type. Default: see `everywhere`. */
  readonly resources?: Readonly<Record<string, StateMeanings>> | undefined
}

/**
 * Meanings by state.
 *
 * @category models
 * @since 0.1.0
 */
export type StateMeanings = { readonly [W in AmbiguousState]?: Meaning | undefined }

/**
 * The Schema of all states.
 *
 * @category schemas
 * @since 0.1.0
 */
export const States = /*#__PURE__*/ Schema.Literals([
  "PENDING",
  "PROCESSING",
  "IN_PROGRESS",
  "COMPLETED",
  "FAILED",
  "CANCELED",
  "SKIPPED",
  "UNKNOWN",
  "DRAFT",
  "ACTIVE",
  "ARCHIVED",
  "SUSPENDED"
])

/**
 * The Schema of a task as the server reports it in the response to a check.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Task = /*#__PURE__*/ (() =>
  Schema.Struct({
    status: States,
    task_type: Schema.optionalKey(Schema.String),
    outputs: Schema.optional(Schema.Unknown),
    additional_data: Schema.optional(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))),
    error_message: Wire.OptionalText
  }))()

/**
 * The Schema of a task as the server reports it in a list. Its `status` may be any string.
 *
 * @category schemas
 * @since 0.1.0
 */
export const TaskRecord = /*#__PURE__*/ (() =>
  Schema.Struct({
    task_id: Schema.String,
    task_type: Schema.String,
    status: Schema.String,
    inputs: Schema.optional(Schema.Unknown),
    outputs: Schema.optional(Schema.Unknown),
    additional_data: Schema.optional(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))),
    error_message: Wire.OptionalText,
    created_at: Wire.OptionalText
  }))()

/**
 * A task as the server reports it in a list.
 *
 * @category models
 * @since 0.1.0
 */
export type TaskRecord = typeof TaskRecord.Type

/**
 * The Schemas that decode what the server reports to a status.
 *
 * @category models
 * @since 0.1.0
 */
export interface MixpeekStatus {
  /** Decodes a task. The status of a pending one has the resource behind it as its `detail`, see `detailOf`. */
  readonly task: StatusSchema.StatusSchema<unknown, string>
  /** Returns the Schema that decodes the resource behind tasks of a type. */
  readonly resource: (taskType: string) => StatusSchema.StatusSchema<unknown, string>
}

/**
 * Creates the status Schemas from the meanings of the states that the documentation does not define.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (meanings: Meanings = {}): MixpeekStatus => {
  const { everywhere = {}, resources = {}, task } = meanings
  const general = schemaFor(everywhere)
  const byType = new Map(
    Object.entries(resources).map(([type, own]) => [type, schemaFor({ ...everywhere, ...own })] as const)
  )
  return {
    task: task === undefined ? general : schemaFor({ ...everywhere, ...task }),
    resource: (taskType) => byType.get(taskType) ?? general
  }
}

/**
 * Returns the resource that a pending task works on, from the `detail` of its status; undefined if there is none.
 *
 * @category destructors
 * @since 0.1.0
 */
export const detailOf = (status: Status.Status<unknown, unknown>): Resource | undefined =>
  status._tag === "Pending" && isResource(status.detail) ? status.detail : undefined

/**
 * Returns the ids in the data of a task: those fields that are non-empty strings.
 *
 * @category destructors
 * @since 0.1.0
 */
export const idsOf = (data: Readonly<Record<string, unknown>>): Readonly<Record<string, string>> => {
  const ids: Record<string, string> = {}
  for (const [name, value] of Object.entries(data)) if (typeof value === "string" && value !== "") ids[name] = value
  return ids
}

// ---- internal ----

const isResource = (u: unknown): u is Resource => hasProperty(u, "taskType") && hasProperty(u, "ids")

const schemaFor = (meanings: StateMeanings) => {
  const ambiguous = (state: AmbiguousState) => (task: typeof Task.Type) => statusFor(meanings[state] ?? "pending", task)
  return StatusSchema.fromField(Task, "status", {
    PENDING: pending,
    PROCESSING: pending,
    COMPLETED: (task) => Status.succeeded(task.outputs ?? undefined),
    FAILED: (task) => Status.failed(Wire.reasonOf(task.error_message)),
    CANCELED: Status.canceled(),
    IN_PROGRESS: ambiguous("IN_PROGRESS"),
    SKIPPED: ambiguous("SKIPPED"),
    UNKNOWN: ambiguous("UNKNOWN"),
    DRAFT: ambiguous("DRAFT"),
    ACTIVE: ambiguous("ACTIVE"),
    ARCHIVED: ambiguous("ARCHIVED"),
    SUSPENDED: ambiguous("SUSPENDED")
  })
}

const pending = ({ additional_data, task_type }: typeof Task.Type): Status.Pending =>
  Status.pending({
    detail: task_type === undefined ? undefined : { taskType: task_type, ids: idsOf(additional_data ?? {}) }
  })

const statusFor = (meaning: Meaning, task: typeof Task.Type): Status.Status<unknown, string> => {
  switch (meaning) {
    case "pending":
      return pending(task)
    case "succeeded":
      return Status.succeeded(task.outputs ?? undefined)
    case "failed":
      return Status.failed(Wire.reasonOf(task.error_message))
    case "canceled":
      return Status.canceled()
    case "expired":
      return Status.expired()
  }
}
