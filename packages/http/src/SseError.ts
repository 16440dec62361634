/**
 * The error of a stream of server-sent events that was opened, or answered with something else.
 *
 * @since 0.1.0
 */
import * as Data from "effect/Data"

/**
 * Why a stream of server-sent events broke.
 *
 * **Details**
 *
 * - `ContentType`: the answer is a 200 with another content type than `text/event-stream`. `found` is its media type.
 * - `Idle`: nothing arrived for `idleTimeout`. `millis` is that time.
 * - `TooLarge`: an event has more than `maxEventSize` characters.
 *
 * @category models
 * @since 0.1.0
 */
export type Reason =
  | { readonly _tag: "ContentType"; readonly found: string | undefined }
  | { readonly _tag: "Idle"; readonly millis: number }
  | { readonly _tag: "TooLarge"; readonly maxEventSize: number }

/**
 * A stream of server-sent events broke for a reason that is none of the request; those are an `HttpCheckError`.
 *
 * **Details**
 *
 * It never ends a wait. The event `SourceBroke` of a wait has it as its `error`.
 *
 * @category errors
 * @since 0.1.0
 */
export class SseError
  extends /*#__PURE__*/ Data.TaggedError("SseError")<{
    /** The URL without query, fragment, user and password, or `shownUrl`. */
    readonly url: string
    /** Why the stream broke. */
    readonly reason: Reason
  }>
{
  override get message(): string {
    return `the events of ${this.url}: ${describe(this.reason)}`
  }
}

// ---- internal ----

const describe = (reason: Reason): string => {
  switch (reason._tag) {
    case "ContentType":
      return `the content type is ${reason.found === undefined ? "absent" : JSON.stringify(reason.found)}, not "text/event-stream"`
    case "Idle":
      return `nothing arrived for ${reason.millis} ms`
    case "TooLarge":
      return `an event has more than ${reason.maxEventSize} characters`
  }
}
