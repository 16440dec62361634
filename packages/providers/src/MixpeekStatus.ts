/**
 * The words of Mixpeek and what they mean.
 *
 * @since 0.1.0
 */
import { hasProperty } from "effect/Predicate"
import * as Schema from "effect/Schema"
import * as Status from "effect-poll/Status"
import * as StatusSchema from "effect-poll/StatusSchema"
import * as settings from "./internal/settings.ts"
import type { Resource } from "./MixpeekKey.ts"

/**
 * The words that all resources share.
 *
 * @category models
 * @since 0.1.0
 */
export type Word = "PENDING" | "PROCESSING" | "COMPLETED" | "FAILED" | "CANCELED" | OpenWord

/**
 * The words whose meaning the documentation leaves open.
 *
 * @category models
 * @since 0.1.0
 */
export type OpenWord = "IN_PROGRESS" | "SKIPPED" | "UNKNOWN" | "DRAFT" | "ACTIVE" | "ARCHIVED" | "SUSPENDED"

/**
 * What an open word can mean.
 *
 * @category models
 * @since 0.1.0
 */
export type Meaning = "pending" | "succeeded" | "failed" | "canceled" | "expired"

/**
 * What the open words mean: everywhere, on a task record, and on the resources of a type of task. The narrower one goes
 * first; what is left out of all of them is pending.
 *
 * @category models
 * @since 0.1.0
 */
export interface Meanings {
  readonly everywhere?: OpenMeanings | undefined
  readonly task?: OpenMeanings | undefined
  readonly resources?: Readonly<Record<string, OpenMeanings>> | undefined
}

/**
 * What the open words mean in one place.
 *
 * @category models
 * @since 0.1.0
 */
export type OpenMeanings = { readonly [W in OpenWord]?: Meaning | undefined }

/**
 * The Schema of all words.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Words = /*#__PURE__*/ Schema.Literals([
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
 * The Schema of what the server says of a task.
 *
 * @category schemas
 * @since 0.1.0
 */
export const Task = /*#__PURE__*/ (() =>
  Schema.Struct({
    status: Words,
    task_type: Schema.optionalKey(Schema.String),
    outputs: Schema.optional(Schema.Unknown),
    additional_data: Schema.optional(Schema.NullOr(Schema.Record(Schema.String, Schema.Unknown))),
    error_message: settings.OptionalText
  }))()

/**
 * The Schema of a task in a list, whose word may be any.
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
    error_message: settings.OptionalText,
    created_at: settings.OptionalText
  }))()

/**
 * A task in a list.
 *
 * @category models
 * @since 0.1.0
 */
export type TaskRecord = typeof TaskRecord.Type

/**
 * The Schemas that decode what the server says into a status: of a task, and of the resource behind tasks of a type.
 *
 * @category models
 * @since 0.1.0
 */
export interface MixpeekStatus {
  readonly task: StatusSchema.StatusSchema<unknown, string>
  readonly resource: (taskType: string) => StatusSchema.StatusSchema<unknown, string>
}

/**
 * Creates the status Schemas.
 *
 * @category constructors
 * @since 0.1.0
 */
export const make = (meanings: Meanings = {}): MixpeekStatus => {
  const { everywhere = {}, resources = {}, task } = meanings
  const plain = statusOf(everywhere)
  const perType = new Map(
    Object.entries(resources).map(([type, own]) => [type, statusOf({ ...everywhere, ...own })] as const)
  )
  return {
    task: task === undefined ? plain : statusOf({ ...everywhere, ...task }),
    resource: (taskType) => perType.get(taskType) ?? plain
  }
}

/**
 * The resource that a pending task said it works on, kept as the `detail` of the status.
 *
 * @category destructors
 * @since 0.1.0
 */
export const detailOf = (status: Status.Status<unknown, unknown>): Resource | undefined =>
  status._tag === "Pending" && isResource(status.detail) ? status.detail : undefined

/**
 * Takes the ids out of a task's data: what is a string there.
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

const statusOf = (meanings: OpenMeanings) => {
  const open = (word: OpenWord) => (task: typeof Task.Type) => meant(meanings[word] ?? "pending", task)
  return StatusSchema.fromField(Task, "status", {
    PENDING: pending,
    PROCESSING: pending,
    COMPLETED: (task) => Status.succeeded(task.outputs ?? undefined),
    FAILED: (task) => Status.failed(settings.reasonOf(task.error_message)),
    CANCELED: Status.canceled(),
    IN_PROGRESS: open("IN_PROGRESS"),
    SKIPPED: open("SKIPPED"),
    UNKNOWN: open("UNKNOWN"),
    DRAFT: open("DRAFT"),
    ACTIVE: open("ACTIVE"),
    ARCHIVED: open("ARCHIVED"),
    SUSPENDED: open("SUSPENDED")
  })
}

const pending = ({ additional_data, task_type }: typeof Task.Type): Status.Pending =>
  Status.pending({
    detail: task_type === undefined ? undefined : { taskType: task_type, ids: idsOf(additional_data ?? {}) }
  })

const meant = (meaning: Meaning, task: typeof Task.Type): Status.Status<unknown, string> => {
  switch (meaning) {
    case "pending":
      return pending(task)
    case "succeeded":
      return Status.succeeded(task.outputs ?? undefined)
    case "failed":
      return Status.failed(settings.reasonOf(task.error_message))
    case "canceled":
      return Status.canceled()
    case "expired":
      return Status.expired()
  }
}
