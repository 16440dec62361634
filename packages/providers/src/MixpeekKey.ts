/**
 * The keys of Mixpeek's tasks and of the resources behind them.
 *
 * @since 0.1.0
 */
import type { KeyCodec } from "effect-poll/KeyCodec"
import * as Validate from "./internal/validate.ts"

/**
 * The key of a task.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskKey {
  readonly taskId: string
  /** The resource behind the task, to be checked once the record of the task is gone. Default: taken from its status. */
  readonly fallback?: Resource | undefined
  /**
   * When the task was submitted, in milliseconds since the epoch; the submits set it. It narrows the list that
   * `sendMany` requests. It is not part of the identity of the task: the encoded key omits it. Default: unknown.
   */
  readonly submittedAt?: number | undefined
}

/**
 * The key of a resource that tasks work on.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resource {
  /** The type of the tasks that work on the resource, such as `api_clusters_execute`. */
  readonly taskType: string
  /** The ids of the resource by their names on the wire, such as `bucket_id`. */
  readonly ids: Readonly<Record<string, string>>
}

/**
 * Encodes the key of a task as `taskId`, or as `taskId@taskType?name=id&name=id` with the names in alphabetical order,
 * all parts percent-encoded. A blank task id, and a `submittedAt` that is not a valid time, are RangeErrors.
 *
 * @category codecs
 * @since 0.1.0
 */
export const keyCodec: KeyCodec<TaskKey> = {
  encode: ({ fallback, submittedAt = 0, taskId }) => {
    if (!(submittedAt >= 0 && submittedAt <= 8e15)) {
      throw new RangeError(`Mixpeek: key.submittedAt must be milliseconds since the epoch, got ${submittedAt}`)
    }
    const own = encodeURIComponent(Validate.nonEmpty("Mixpeek: key.taskId", taskId))
    return fallback === undefined ? own : `${own}@${resourceCodec.encode(fallback)}`
  },
  decode: (encoded) => {
    const at = encoded.indexOf("@")
    return at === -1
      ? { taskId: decodeURIComponent(encoded) }
      : {
          taskId: decodeURIComponent(encoded.slice(0, at)),
          fallback: resourceCodec.decode(encoded.slice(at + 1))
        }
  }
}

/**
 * Encodes the key of a resource as `taskType?name=id&name=id`, with the names in alphabetical order, all parts
 * percent-encoded. A blank type is a RangeError.
 *
 * @category codecs
 * @since 0.1.0
 */
export const resourceCodec: KeyCodec<Resource> = {
  encode: ({ ids, taskType }) => {
    const type = encodeURIComponent(Validate.nonEmpty("Mixpeek: key.taskType", taskType))
    const pairs = Object.keys(ids)
      .toSorted()
      .map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(ids[name]!)}`)
    return pairs.length === 0 ? type : `${type}?${pairs.join("&")}`
  },
  decode: (encoded) => {
    const [type = "", query = ""] = encoded.split("?")
    const ids: Record<string, string> = {}
    for (const pair of query.split("&")) {
      const [name, value] = pair.split("=")
      if (name !== undefined && value !== undefined) ids[decodeURIComponent(name)] = decodeURIComponent(value)
    }
    return { taskType: decodeURIComponent(type), ids }
  }
}
