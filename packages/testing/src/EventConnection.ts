/**
 * What happens to one connection to the stream of server-sent events of a job, and what a `JobServer` records about it.
 *
 * JobStatus serves it at `/api/job-status/{id}/events`. There are three events: the job is queued, it runs, it has ended.
 * Their ids are 1 to 3, and their data is the body that a check gets at that time. A connection with the header
 * `Last-Event-ID` gets those after that one. Every 15 seconds of nominal time there is a comment. After the last event the
 * server closes the connection.
 *
 * @since 0.1.0
 */
import type * as Duration from "effect/Duration"
import * as Validate from "./internal/validate.ts"

/**
 * What happens to one connection. Without any field it is undisturbed.
 *
 * @category models
 * @since 0.1.0
 */
export interface EventConnection {
  /** The status code of an answer without a body in place of a stream, such as 204 or 503. Default: 200, with a stream. */
  readonly status?: number | undefined
  /** The content type. Default: `text/event-stream`. */
  readonly contentType?: string | undefined
  /** After how many events the socket is destroyed; an integer >= 0. Default: never. */
  readonly breakAfter?: number | undefined
  /** After how many events nothing more is sent, not even a comment; an integer >= 0. Default: never. */
  readonly hangAfter?: number | undefined
  /** After how many events all others get lost, while comments are sent; an integer >= 0. Default: never. */
  readonly loseAfter?: number | undefined
  /** Whether each byte is a chunk of its own. Default: `false`. */
  readonly splitBytes?: boolean | undefined
  /** The `retry` field at the start of the stream, in real time; a non-negative duration. Default: none. */
  readonly retry?: Duration.Input | undefined
}

/**
 * What the server recorded about a connection.
 *
 * @category models
 * @since 0.1.0
 */
export interface Recorded {
  /** The id of the job. */
  readonly id: string
  /** The header `Last-Event-ID`. */
  readonly lastEventId: string | undefined
  /** The header `Authorization`. */
  readonly authorization: string | undefined
  /** Whether the connection is open. */
  readonly isOpen: boolean
}

/**
 * Returns the connection if its fields are in range; otherwise throws a RangeError that names the field.
 *
 * @category guards
 * @since 0.1.0
 */
export const validate = (self: EventConnection): EventConnection => {
  for (const field of ["breakAfter", "hangAfter", "loseAfter"] as const) {
    const value = self[field]
    if (value !== undefined) Validate.count(`EventConnection: ${field}`, value, 0)
  }
  if (self.retry !== undefined) Validate.duration("EventConnection: retry", self.retry)
  return self
}
