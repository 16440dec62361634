/**
 * What the tasks of Mixpeek, and the resources behind them, are known by.
 *
 * @since 0.1.0
 */
import type { KeyCodec } from "effect-poll/KeyCodec"
import * as settings from "./internal/settings.ts"

/**
 * A task, and the resource behind it if that is known from the beginning.
 *
 * @category models
 * @since 0.1.0
 */
export interface TaskKey {
  readonly taskId: string
  readonly fallback?: Resource | undefined
  /**
   * When it was submitted, in milliseconds since the epoch, as the submits note it. It narrows the list that `sendMany`
   * asks for, and is no part of the identity: the encoded key leaves it out.
   */
  readonly submittedAt?: number | undefined
}

/**
 * A resource: the type of the tasks that work on it, and its ids by their wire names, such as `bucket_id`.
 *
 * @category models
 * @since 0.1.0
 */
export interface Resource {
  readonly taskType: string
  readonly ids: Readonly<Record<string, string>>
}

/**
 * The codec of a task's key: `taskId`, or `taskId@taskType?id=...&id=...` with the ids in alphabetical order, all of
 * them percent-encoded. An empty task id and a `submittedAt` that is no time are RangeErrors.
 *
 * @category codecs
 * @since 0.1.0
 */
export const keyCodec: KeyCodec<TaskKey> = {
  encode: ({ fallback, submittedAt = 0, taskId }) => {
    if (!(submittedAt >= 0 && submittedAt <= 8e15)) {
      throw new RangeError(`Mixpeek: key.submittedAt must be milliseconds since the epoch, got ${submittedAt}`)
    }
    const own = encodeURIComponent(settings.nonEmpty("Mixpeek: key.taskId", taskId))
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
 * The codec of a resource: `taskType?id=...&id=...`. An empty type is a RangeError.
 *
 * @category codecs
 * @since 0.1.0
 */
export const resourceCodec: KeyCodec<Resource> = {
  encode: ({ ids, taskType }) => {
    const type = encodeURIComponent(settings.nonEmpty("Mixpeek: key.taskType", taskType))
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
