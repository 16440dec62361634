/**
 * What is sent to Mixpeek besides checks: submissions, list filters and kills.
 *
 * `Mixpeek` exports all of these as well.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"
import type * as DateTime from "effect/DateTime"

/**
 * The input of a submit: a batch of a bucket, a clustering or a taxonomy. `body` is the JSON body; its default is an
 * empty object.
 *
 * @category models
 * @since 0.1.0
 */
export type Submission =
  | { readonly kind: "batch"; readonly bucketId: string; readonly body?: Readonly<Record<string, unknown>> | undefined }
  | { readonly kind: "cluster" | "taxonomy"; readonly body?: Readonly<Record<string, unknown>> | undefined }

/**
 * Which tasks to list: those that match all of the given fields. The server has no filter by id.
 *
 * @category models
 * @since 0.1.0
 */
export interface ListFilter {
  /** Types of task, any of which matches. Default: all types. */
  readonly taskTypes?: ReadonlyArray<string> | undefined
  /** States of the wire, any of which matches. Default: all states. */
  readonly statuses?: ReadonlyArray<string> | undefined
  /** The namespace of the task. Default: all namespaces. */
  readonly namespace?: string | undefined
  /** The earliest time of submission. Default: no bound. */
  readonly createdAfter?: DateTime.DateTime | undefined
  /** The latest time of submission. Default: no bound. */
  readonly createdBefore?: DateTime.DateTime | undefined
}

/**
 * The task is of a type that the server cannot kill.
 *
 * @category errors
 * @since 0.1.0
 */
export class CancelUnsupported
  extends /*#__PURE__*/ Data.TaggedError("CancelUnsupported")<{
    readonly taskId: string
    /** The type of the task; undefined if the key does not contain it. */
    readonly taskType: string | undefined
  }>
{
  override get message(): string {
    const type = this.taskType === undefined ? "" : ` (${this.taskType})`
    return `Mixpeek task ${JSON.stringify(this.taskId)}${type} cannot be canceled`
  }
}
